// Package knowledgedb owns the table of articles. It never keeps their texts.
package knowledgedb

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
	"github.com/mainstayhq/mainstay/practice/knowledge"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the schema changes of knowledge.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return storage.Migrations{Owner: "knowledge", Files: sub}
}

// Store keeps articles in the database.
type Store struct {
	db      *storage.DB
	saver   *commitdb.Saver
	objects *objectdb.Store
}

var _ knowledge.Store = (*Store)(nil)

// New makes a Store.
func New(db *storage.DB, saver *commitdb.Saver, objects *objectdb.Store) *Store {
	return &Store{db, saver, objects}
}

const columns = `id, number, project, title, state, owner, review_at, public, private, service, rule, document, revision, shown,
	from_kind, from_id, request, solved, helped, failed, used_at, failed_at, created_by, created_at, changed_at, version`

func scan(s storage.Scanner) (knowledge.Article, error) {
	var a knowledge.Article
	var by string
	err := s(&a.ID, &a.Number, &a.Project, &a.Title, &a.State, &a.Owner, storage.Into(&a.ReviewAt), &a.Public, &a.Private, &a.Service,
		&a.Rule, &a.Document, &a.Revision, &a.Shown, &a.From.Kind, &a.From.ID, &a.Request, &a.Solved, &a.Helped, &a.Failed,
		storage.Into(&a.UsedAt), storage.Into(&a.FailedAt), &by, storage.Into(&a.CreatedAt), storage.Into(&a.ChangedAt), &a.Version)
	kind, id, _ := strings.Cut(by, ":")
	a.CreatedBy = mainstay.Actor{Kind: mainstay.ActorKind(kind), ID: id}
	return a, err
}

// Create implements knowledge.Store.
func (s *Store) Create(ctx context.Context, from mainstay.Ref, request string,
	begin func(ctx context.Context, number int64) (knowledge.Article, commit.Set, error)) (a knowledge.Article, created bool, err error) {
	err = s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		a, created, err = s.create(ctx, from, request, begin)
		return err
	})
	return a, created, err
}

func (s *Store) create(ctx context.Context, from mainstay.Ref, request string,
	begin func(ctx context.Context, number int64) (knowledge.Article, commit.Set, error)) (knowledge.Article, bool, error) {
	if had, err := s.existing(ctx, from, request); !mainstay.Is(err, mainstay.NotFound) {
		return had, false, err
	}
	number, err := s.objects.NextNumber(ctx, mainstay.KindArticle)
	if err != nil {
		return knowledge.Article{}, false, err
	}
	// The counter's row is locked now: two makers follow each other, and the second sees what the first made.
	if had, err := s.existing(ctx, from, request); !mainstay.Is(err, mainstay.NotFound) {
		return had, false, err
	}
	a, set, err := begin(ctx, number)
	if err != nil {
		return a, false, err
	}
	a.Version = 1
	_, err = s.db.Exec(ctx, `INSERT INTO article (`+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)`,
		a.ID, a.Number, a.Project, a.Title, a.State, a.Owner, storage.Micros(a.ReviewAt), a.Public, a.Private, a.Service, a.Rule, a.Document,
		a.Revision, a.Shown, a.From.Kind, a.From.ID, a.Request, a.Solved, a.Helped, a.Failed, storage.Micros(a.UsedAt),
		storage.Micros(a.FailedAt), a.CreatedBy.String(), storage.Micros(a.CreatedAt), storage.Micros(a.ChangedAt), a.Version)
	if err != nil {
		return a, false, err
	}
	return a, true, s.saver.Save(ctx, set)
}

// existing finds the article from the same object, or for the same request.
func (s *Store) existing(ctx context.Context, from mainstay.Ref, request string) (knowledge.Article, error) {
	return storage.One(ctx, s.db, scan, `SELECT `+columns+` FROM article
		WHERE from_id <> '' AND from_kind = $1 AND from_id = $2 OR request <> '' AND request = $3 ORDER BY number`,
		from.Kind, from.ID, request)
}

// Update implements knowledge.Store.
func (s *Store) Update(ctx context.Context, id string,
	rule func(ctx context.Context, a *knowledge.Article) (commit.Set, error)) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		a, err := storage.One(ctx, s.db, scan, `SELECT `+columns+` FROM article WHERE id = $1`+s.db.Locking(), id)
		if err != nil {
			return err
		}
		if err := storage.Holds(ctx, a.ID, a.Version); err != nil {
			return err
		}
		set, err := rule(ctx, &a)
		if err != nil || set.IsZero() {
			return err
		}
		n, err := s.db.Exec(ctx, `UPDATE article SET title = $1, state = $2, owner = $3, review_at = $4, public = $5, service = $6,
			rule = $7, revision = $8, shown = $9, solved = $10, helped = $11, failed = $12, used_at = $13, failed_at = $14,
			changed_at = $15, version = version + 1 WHERE id = $16 AND version = $17`,
			a.Title, a.State, a.Owner, storage.Micros(a.ReviewAt), a.Public, a.Service, a.Rule, a.Revision, a.Shown, a.Solved, a.Helped,
			a.Failed, storage.Micros(a.UsedAt), storage.Micros(a.FailedAt), storage.Micros(a.ChangedAt), a.ID, a.Version)
		if err == nil && n == 0 {
			err = mainstay.Errorf(mainstay.Conflict, "%s was changed by somebody else at the same moment. Nothing was overwritten; try again.", a.Key())
		}
		if err != nil {
			return err
		}
		return s.saver.Save(ctx, set)
	})
}

// One implements knowledge.Store.
func (s *Store) One(ctx context.Context, id string) (knowledge.Article, error) {
	return storage.One(ctx, s.db, scan, `SELECT `+columns+` FROM article WHERE id = $1`, id)
}

// List implements knowledge.Store.
func (s *Store) List(ctx context.Context, q knowledge.Query) ([]knowledge.Article, error) {
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
	if q.IDs != nil {
		where += ` AND ` + in("id", q.IDs)
	}
	if q.Owner != "" {
		args = append(args, q.Owner)
		where += fmt.Sprintf(` AND owner = $%d`, len(args))
	}
	if q.Rule != "" {
		args = append(args, q.Rule)
		where += fmt.Sprintf(` AND rule <> '' AND rule = $%d`, len(args))
	}
	if !q.From.IsZero() {
		args = append(args, q.From.Kind, q.From.ID)
		where += fmt.Sprintf(` AND from_id <> '' AND from_kind = $%d AND from_id = $%d`, len(args)-1, len(args))
	}
	args = append(args, q.Limit)
	return storage.All(ctx, s.db, scan, `SELECT `+columns+` FROM article WHERE `+where+
		fmt.Sprintf(` ORDER BY number DESC LIMIT $%d`, len(args)), args...)
}
