// Package actiondb keeps obligations in the database, and writes the actions of a commit.Set. It never decides what an action
// may become.
package actiondb

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the table of actions.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "action", Files: sub}
}

// Numbers gives readable numbers out; objectdb.Store is one.
type Numbers interface {
	NextNumber(ctx context.Context, kind mainstay.Kind) (int64, error)
}

// Store is the table of actions. It implements action.Store.
type Store struct {
	db      *storage.DB
	saver   *commitdb.Saver
	numbers Numbers
}

var _ action.Store = (*Store)(nil)

// New makes a Store. Its SaveActions is given to the same saver by Saver.Extend.
func New(db *storage.DB, saver *commitdb.Saver, numbers Numbers) *Store {
	return &Store{db, saver, numbers}
}

const columns = `id, number, project, kind, title, owner, due_at, origin_kind, origin_id, private, state, proof, verdict, judge_kind,
	judge_id, judged_at, created_kind, created_id, created_at, changed_at, done_at, overdue_at, version`

func scan(s storage.Scanner) (action.Action, error) {
	var a action.Action
	err := s(&a.ID, &a.Number, &a.Project, &a.Kind, &a.Title, &a.Owner, storage.Into(&a.Due), &a.Origin.Kind, &a.Origin.ID, &a.Private,
		&a.State, &a.Proof, &a.Verdict, &a.JudgedBy.Kind, &a.JudgedBy.ID, storage.Into(&a.JudgedAt), &a.CreatedBy.Kind,
		&a.CreatedBy.ID, storage.Into(&a.CreatedAt), storage.Into(&a.ChangedAt), storage.Into(&a.DoneAt),
		storage.Into(&a.OverdueAt), &a.Version)
	return a, err
}

// never is the due_key of what has no date: beyond the year 9999.
const never = int64(1) << 62

func dueKey(a action.Action) int64 {
	if a.Due.IsZero() {
		return never
	}
	return storage.Micros(a.Due)
}

// SaveActions writes the actions of a set in the write transaction that ctx carries: rows, numbers, timers, register, links,
// notices and facts. An action whose id exists already changes nothing.
func (s *Store) SaveActions(ctx context.Context, list []commit.Action) error {
	for _, c := range list {
		if c.ID == "" || c.Title == "" || c.At.IsZero() {
			return fmt.Errorf("action without id, title or time: %+v", c)
		}
		known, err := storage.All(ctx, s.db, storage.Value[string], `SELECT id FROM action WHERE id = $1`, c.ID)
		if err != nil || len(known) > 0 {
			if err != nil {
				return err
			}
			continue
		}
		if c.Number == 0 {
			if c.Number, err = s.numbers.NextNumber(ctx, mainstay.KindAction); err != nil {
				return err
			}
		}
		a, set := action.Begin(c)
		if err := s.insert(ctx, a); err != nil {
			return err
		}
		if err := s.saver.Save(ctx, set); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) insert(ctx context.Context, a action.Action) error {
	_, err := s.db.Exec(ctx, `INSERT INTO action (due_key, `+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)`,
		dueKey(a), a.ID, a.Number, a.Project, a.Kind, a.Title, a.Owner, storage.Micros(a.Due), string(a.Origin.Kind), a.Origin.ID, a.Private,
		string(a.State), a.Proof, a.Verdict, string(a.JudgedBy.Kind), a.JudgedBy.ID, storage.Micros(a.JudgedAt),
		string(a.CreatedBy.Kind), a.CreatedBy.ID, storage.Micros(a.CreatedAt), storage.Micros(a.ChangedAt), storage.Micros(a.DoneAt),
		storage.Micros(a.OverdueAt), a.Version)
	return err
}

// Save writes a set; see action.Store.
func (s *Store) Save(ctx context.Context, set commit.Set) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error { return s.saver.Save(ctx, set) })
}

// Update applies a rule to an action; see action.Store.
func (s *Store) Update(ctx context.Context, id string, rule func(*action.Action) (commit.Set, error)) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		a, err := storage.One(ctx, s.db, scan, `SELECT `+columns+` FROM action WHERE id = $1`+s.db.Locking(), id)
		if err != nil {
			return err
		}
		if err := storage.Holds(ctx, a.ID, a.Version); err != nil {
			return err
		}
		set, err := rule(&a)
		if err != nil || set.IsZero() {
			return err
		}
		if err := s.update(ctx, a); err != nil {
			return err
		}
		return s.saver.Save(ctx, set)
	})
}

func (s *Store) update(ctx context.Context, a action.Action) error {
	n, err := s.db.Exec(ctx, `UPDATE action SET title = $1, owner = $2, due_at = $3, due_key = $4, state = $5, proof = $6,
		verdict = $7, judge_kind = $8, judge_id = $9, judged_at = $10, changed_at = $11, done_at = $12, overdue_at = $13,
		version = version + 1 WHERE id = $14 AND version = $15`,
		a.Title, a.Owner, storage.Micros(a.Due), dueKey(a), string(a.State), a.Proof, a.Verdict, string(a.JudgedBy.Kind),
		a.JudgedBy.ID, storage.Micros(a.JudgedAt), storage.Micros(a.ChangedAt), storage.Micros(a.DoneAt), storage.Micros(a.OverdueAt),
		a.ID, a.Version)
	if err == nil && n == 0 {
		err = mainstay.Errorf(mainstay.Conflict, "Somebody else changed %s at the same moment. Look at it again.", a.Key())
	}
	return err
}

// One reads an action; see action.Store.
func (s *Store) One(ctx context.Context, id string) (action.Action, error) {
	return storage.One(ctx, s.db, scan, `SELECT `+columns+` FROM action WHERE id = $1`, id)
}

// List reads one page; see action.Store.
func (s *Store) List(ctx context.Context, q action.Query) (action.Page, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	q.Limit = min(q.Limit, 1000)
	where, args, err := s.where(q)
	if err != nil {
		return action.Page{}, err
	}
	order := `id DESC`
	if q.ByDue {
		order = `due_key, id`
	}
	list, err := storage.All(ctx, s.db, scan, `SELECT `+columns+` FROM action WHERE `+where+
		` ORDER BY `+order+` LIMIT `+strconv.Itoa(q.Limit+1), args...)
	if err != nil {
		return action.Page{}, err
	}
	p := action.Page{Items: list}
	if len(list) > q.Limit {
		p.Items = list[:q.Limit]
		last := p.Items[q.Limit-1]
		p.Next = last.ID
		if q.ByDue {
			p.Next = strconv.FormatInt(dueKey(last), 10) + "." + last.ID
		}
	}
	return p, nil
}

func (s *Store) where(q action.Query) (string, []any, error) {
	var conds []string
	var args []any
	add := func(cond string, values ...any) {
		for i := range values {
			args = append(args, values[i])
			cond = strings.Replace(cond, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		conds = append(conds, cond)
	}
	if q.Projects != nil {
		add(s.db.In("project", "?"), storage.List(q.Projects))
	}
	if !q.AllPrivate {
		add("(NOT private OR "+s.db.In("project", "?")+" OR "+s.db.In("id", "?")+")", storage.List(q.Private), storage.List(q.Known))
	}
	if len(q.States) > 0 { // few and known words; written out, so that partial indexes serve
		words := make([]string, len(q.States))
		for i, st := range q.States {
			if !st.Valid() {
				return "", nil, mainstay.Errorf(mainstay.Invalid, "There is no state %q.", st)
			}
			words[i] = "'" + string(st) + "'"
		}
		add("state IN (" + strings.Join(words, ", ") + ")")
	}
	if q.Owner != "" {
		add("owner = ?", q.Owner)
	}
	if q.Unowned {
		add("owner = ''")
	}
	if q.Text != "" {
		add("lower(title) LIKE ?", storage.Containing(q.Text))
	}
	if !q.Origin.IsZero() {
		add("origin_id = ? AND origin_kind = ?", q.Origin.ID, string(q.Origin.Kind))
	}
	if !q.Late.IsZero() {
		add("state IN ('proposed', 'accepted') AND due_key < ?", storage.Micros(q.Late))
	}
	if q.Cursor != "" {
		key, id, two := strings.Cut(q.Cursor, ".")
		n, err := strconv.ParseInt(key, 10, 64)
		switch {
		case q.ByDue && two && err == nil && mainstay.ValidID(id):
			add("(due_key, id) > (?, ?)", n, id)
		case !q.ByDue && mainstay.ValidID(q.Cursor):
			add("id < ?", q.Cursor)
		default:
			return "", nil, mainstay.Errorf(mainstay.Invalid, "This cursor is not one of this list. Begin without a cursor.")
		}
	}
	if len(conds) == 0 {
		return "1 = 1", args, nil
	}
	return strings.Join(conds, " AND "), args, nil
}
