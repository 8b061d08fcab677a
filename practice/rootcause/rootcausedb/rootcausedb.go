// Package rootcausedb owns the table of root cause analyses. It never decides what may change in one.
package rootcausedb

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"math"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/core/object/objectdb"
	"github.com/mainstayhq/mainstay/practice/rootcause"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the schema changes of root causes.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return storage.Migrations{Owner: "rootcause", Files: sub}
}

// Store keeps analyses in the database.
type Store struct {
	db      *storage.DB
	saver   *commitdb.Saver
	objects *objectdb.Store
}

var _ rootcause.Store = (*Store)(nil)

// New makes a Store.
func New(db *storage.DB, saver *commitdb.Saver, objects *objectdb.Store) *Store {
	return &Store{db, saver, objects}
}

const columns = `id, number, project, incident, title, severity, private, state, owner, due_at, request, action, texts, graph,
	corrective, authors, opened_at, opened_by, sent_at, sent_by, reviewed_at, reviewed_by, published_at, published_by, changed_at,
	version`

func scan(s storage.Scanner) (rootcause.RootCause, error) {
	var rc rootcause.RootCause
	var opened, sent, reviewed, published string
	err := s(&rc.ID, &rc.Number, &rc.Project, &rc.Incident, &rc.Title, &rc.Severity, &rc.Private, &rc.State, &rc.Owner,
		storage.Into(&rc.Due), &rc.Request, &rc.Action, storage.IntoJSON(&rc.Texts), storage.IntoJSON(&rc.Graph),
		storage.IntoJSON(&rc.Corrective), storage.IntoJSON(&rc.Authors), storage.Into(&rc.OpenedAt), &opened,
		storage.Into(&rc.SentAt), &sent, storage.Into(&rc.ReviewedAt), &reviewed, storage.Into(&rc.PublishedAt), &published,
		storage.Into(&rc.ChangedAt), &rc.Version)
	rc.OpenedBy, rc.SentBy, rc.ReviewedBy, rc.PublishedBy = actor(opened), actor(sent), actor(reviewed), actor(published)
	if rc.Texts == nil {
		rc.Texts = map[rootcause.Part]string{}
	}
	return rc, err
}

// actor is the inverse of text.
func actor(s string) mainstay.Actor {
	kind, id, _ := strings.Cut(s, ":")
	return mainstay.Actor{Kind: mainstay.ActorKind(kind), ID: id}
}

func text(a mainstay.Actor) string {
	if a.ID == "" {
		return ""
	}
	return a.String()
}

// values are the values of all columns but the last, in their order.
func values(rc rootcause.RootCause) []any {
	return []any{rc.ID, rc.Number, rc.Project, rc.Incident, rc.Title, rc.Severity, rc.Private, rc.State, rc.Owner,
		storage.Micros(rc.Due), rc.Request, rc.Action, storage.JSON(rc.Texts), storage.JSON(rc.Graph),
		storage.JSON(rc.Corrective), storage.JSON(rc.Authors), storage.Micros(rc.OpenedAt), text(rc.OpenedBy),
		storage.Micros(rc.SentAt), text(rc.SentBy), storage.Micros(rc.ReviewedAt), text(rc.ReviewedBy),
		storage.Micros(rc.PublishedAt), text(rc.PublishedBy), storage.Micros(rc.ChangedAt)}
}

// Create implements rootcause.Store.
func (s *Store) Create(ctx context.Context, incident string,
	begin func(number int64) (rootcause.RootCause, commit.Set)) (rc rootcause.RootCause, created bool, err error) {
	err = s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		rc, created, err = s.create(ctx, incident, begin)
		return err
	})
	return rc, created, err
}

func (s *Store) create(ctx context.Context, incident string,
	begin func(number int64) (rootcause.RootCause, commit.Set)) (rootcause.RootCause, bool, error) {
	had, err := s.OfIncident(ctx, incident)
	if !mainstay.Is(err, mainstay.NotFound) {
		return had, false, err
	}
	number, err := s.objects.NextNumber(ctx, mainstay.KindRootCause) // serialises the makers: the counter's row is locked
	if err != nil {
		return had, false, err
	}
	rc, set := begin(number)
	rc.Version = 1
	n, err := s.db.Exec(ctx, `INSERT INTO rootcause (`+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, 1)
		ON CONFLICT (incident) DO NOTHING`, values(rc)...)
	if err != nil {
		return rc, false, err
	}
	if n == 0 { // made by another process while we waited for the number, which stays unused
		had, err := s.OfIncident(ctx, incident)
		return had, false, err
	}
	return rc, true, s.saver.Save(ctx, set)
}

// Update implements rootcause.Store.
func (s *Store) Update(ctx context.Context, id string,
	rule func(ctx context.Context, rc *rootcause.RootCause) (commit.Set, error)) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		rc, err := storage.One(ctx, s.db, scan, `SELECT `+columns+` FROM rootcause WHERE id = $1`+s.db.Locking(), id)
		if err != nil {
			return err
		}
		if err := storage.Holds(ctx, rc.ID, rc.Version); err != nil {
			return err
		}
		set, err := rule(ctx, &rc)
		if err != nil || set.IsZero() {
			return err
		}
		n, err := s.db.Exec(ctx, `UPDATE rootcause SET title = $1, severity = $2, private = $3, state = $4, owner = $5, due_at = $6,
			request = $7, action = $8, texts = $9, graph = $10, corrective = $11, authors = $12, sent_at = $13, sent_by = $14,
			reviewed_at = $15, reviewed_by = $16, published_at = $17, published_by = $18, changed_at = $19, version = version + 1
			WHERE id = $20 AND version = $21`,
			rc.Title, rc.Severity, rc.Private, rc.State, rc.Owner, storage.Micros(rc.Due), rc.Request, rc.Action,
			storage.JSON(rc.Texts), storage.JSON(rc.Graph), storage.JSON(rc.Corrective), storage.JSON(rc.Authors),
			storage.Micros(rc.SentAt), text(rc.SentBy), storage.Micros(rc.ReviewedAt), text(rc.ReviewedBy),
			storage.Micros(rc.PublishedAt), text(rc.PublishedBy), storage.Micros(rc.ChangedAt), rc.ID, rc.Version)
		if err == nil && n == 0 {
			err = mainstay.Errorf(mainstay.Conflict, "%s was changed by somebody else at the same moment. Nothing was overwritten; try again.", rc.Key())
		}
		if err != nil {
			return err
		}
		return s.saver.Save(ctx, set)
	})
}

// One implements rootcause.Store.
func (s *Store) One(ctx context.Context, id string) (rootcause.RootCause, error) {
	return storage.One(ctx, s.db, scan, `SELECT `+columns+` FROM rootcause WHERE id = $1`, id)
}

// OfIncident implements rootcause.Store.
func (s *Store) OfIncident(ctx context.Context, incident string) (rootcause.RootCause, error) {
	return storage.One(ctx, s.db, scan, `SELECT `+columns+` FROM rootcause WHERE incident = $1`, incident)
}

// List implements rootcause.Store.
func (s *Store) List(ctx context.Context, q rootcause.Query) ([]rootcause.RootCause, error) {
	if q.Before <= 0 {
		q.Before = math.MaxInt64
	}
	args, where := []any{q.Before}, `number < $1`
	in := func(column string, list []string) string {
		args = append(args, storage.List(list))
		return s.db.In(column, fmt.Sprintf("$%d", len(args)))
	}
	if q.Projects != nil {
		where += ` AND ` + in("project", q.Projects)
	}
	if !q.AllPrivate {
		where += ` AND (NOT private OR ` + in("project", q.Private) + ` OR ` + in("id", q.Known) + `)`
	}
	if len(q.States) > 0 {
		words := make([]string, len(q.States))
		for i, st := range q.States {
			words[i] = string(st)
		}
		where += ` AND ` + in("state", words)
	}
	if q.Owner != "" {
		args = append(args, q.Owner)
		where += fmt.Sprintf(` AND owner = $%d`, len(args))
	}
	if q.Severity != "" {
		args = append(args, string(q.Severity))
		where += fmt.Sprintf(` AND severity = $%d`, len(args))
	}
	order := `number DESC`
	if q.ByDue {
		where += ` AND state IN ('open', 'in_review', 'reviewed')`
		order = `due_at, number`
		if !q.DueAfter.IsZero() {
			args = append(args, storage.Micros(q.DueAfter), q.Above)
			where += fmt.Sprintf(` AND (due_at, number) > ($%d, $%d)`, len(args)-1, len(args))
		}
	}
	args = append(args, q.Limit)
	return storage.All(ctx, s.db, scan, `SELECT `+columns+` FROM rootcause WHERE `+where+` ORDER BY `+order+
		fmt.Sprintf(" LIMIT $%d", len(args)), args...)
}
