// Package maintenancedb keeps maintenance windows in the database. It never changes one but by the rule that it is given.
package maintenancedb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/core/object/objectdb"
	"github.com/mainstayhq/mainstay/practice/maintenance"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of maintenance.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "maintenance", Files: sub}
}

// Store implements maintenance.Store.
type Store struct {
	db      *storage.DB
	saver   *commitdb.Saver
	objects *objectdb.Store
}

// New makes the store.
func New(db *storage.DB, saver *commitdb.Saver, objects *objectdb.Store) *Store {
	return &Store{db, saver, objects}
}

const columns = `id, number, project, name, title, body, services, components, from_at, until_at, by_hand, state, overrun, sequence, plan,
	updates, created_by, created_at, updated_at, started_at, ended_at, version`

func scan(s storage.Scanner) (maintenance.Window, error) {
	var w maintenance.Window
	var by string
	err := s(&w.ID, &w.Number, &w.Project, &w.Name, &w.Title, &w.Text, storage.IntoJSON(&w.Services), storage.IntoJSON(&w.Components),
		storage.Into(&w.From), storage.Into(&w.Until), &w.ByHand, &w.State, &w.Overrun, &w.Sequence, &w.Plan, storage.IntoJSON(&w.Updates),
		&by, storage.Into(&w.CreatedAt), storage.Into(&w.UpdatedAt), storage.Into(&w.StartedAt), storage.Into(&w.EndedAt), &w.Version)
	kind, id, _ := strings.Cut(by, ":")
	w.CreatedBy = mainstay.Actor{Kind: mainstay.ActorKind(kind), ID: id}
	return w, err
}

func args(w maintenance.Window) []any {
	if w.Updates == nil {
		w.Updates = []maintenance.Update{}
	}
	return []any{w.ID, w.Number, w.Project, w.Name, w.Title, w.Text, storage.List(w.Services), storage.List(w.Components),
		storage.Micros(w.From), storage.Micros(w.Until), w.ByHand, string(w.State), w.Overrun, w.Sequence, w.Plan, storage.JSON(w.Updates),
		w.CreatedBy.String(), storage.Micros(w.CreatedAt), storage.Micros(w.UpdatedAt), storage.Micros(w.StartedAt), storage.Micros(w.EndedAt),
		w.Version + 1}
}

// Create saves a new window under the next number.
func (s *Store) Create(ctx context.Context, w *maintenance.Window, f func(*maintenance.Window) (commit.Set, error)) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		var err error
		if w.Number, err = s.objects.NextNumber(ctx, mainstay.KindWindow); err != nil {
			return err
		}
		set, err := f(w)
		if err != nil {
			return err
		}
		n, err := s.db.Exec(ctx, `INSERT INTO maintenance_window (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
			$13, $14, $15, $16, $17, $18, $19, $20, $21, $22) ON CONFLICT DO NOTHING`, args(*w)...)
		if err != nil {
			return err
		}
		if n == 0 {
			return mainstay.Errorf(mainstay.Conflict, "There is a window %q in this project already.", w.Name)
		}
		w.Version++
		return s.saver.Save(ctx, set)
	})
}

var errVersion = errors.New("the row has another version")

// Update loads, changes and saves a window.
func (s *Store) Update(ctx context.Context, id string, f func(*maintenance.Window) (commit.Set, error)) error {
	var err error
	for range 3 {
		err = s.db.Write(ctx, storage.Normal, func(ctx context.Context) error { return s.update(ctx, id, f) })
		if !errors.Is(err, errVersion) {
			return err
		}
	}
	return err
}

func (s *Store) update(ctx context.Context, id string, f func(*maintenance.Window) (commit.Set, error)) error {
	w, err := s.one(ctx, id, s.db.Locking())
	if err != nil {
		return err
	}
	if err := storage.Holds(ctx, w.ID, w.Version); err != nil {
		return err
	}
	set, err := f(&w)
	if err != nil || set.IsZero() {
		return err
	}
	n, err := s.db.Exec(ctx, `UPDATE maintenance_window SET number = $2, project = $3, name = $4, title = $5, body = $6, services = $7,
		components = $8, from_at = $9, until_at = $10, by_hand = $11, state = $12, overrun = $13, sequence = $14, plan = $15, updates = $16,
		created_by = $17, created_at = $18, updated_at = $19, started_at = $20, ended_at = $21, version = $22
		WHERE id = $1 AND version = $23`, append(args(w), w.Version)...)
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("%w (%w)", mainstay.Errorf(mainstay.Conflict,
			"Somebody else changed this window a moment ago. Look again, then repeat what you did."), errVersion)
	}
	return s.saver.Save(ctx, set)
}

// Window reads one window.
func (s *Store) Window(ctx context.Context, id string) (maintenance.Window, error) {
	return s.one(ctx, id, "")
}

func (s *Store) one(ctx context.Context, id, locking string) (maintenance.Window, error) {
	w, err := storage.One(ctx, s.db, scan, `SELECT `+columns+` FROM maintenance_window WHERE id = $1`+locking, id)
	if mainstay.Is(err, mainstay.NotFound) {
		err = mainstay.Errorf(mainstay.NotFound, "There is no such maintenance window.")
	}
	return w, err
}

// Windows lists windows, the newest number first.
func (s *Store) Windows(ctx context.Context, q maintenance.Query) ([]maintenance.Window, error) {
	var where []string
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	if q.Project != "" {
		where = append(where, "project = "+arg(q.Project))
	}
	if q.Projects != nil {
		where = append(where, s.db.In("project", arg(storage.List(q.Projects))))
	}
	if q.Name != "" {
		where = append(where, "name = "+arg(q.Name))
	}
	if q.Text != "" {
		where = append(where, "lower(title) LIKE "+arg(storage.Containing(q.Text)))
	}
	if len(q.States) > 0 {
		var l []string
		for _, s := range q.States {
			l = append(l, string(s))
		}
		where = append(where, s.db.In("state", arg(storage.List(l))))
	}
	if q.Before > 0 {
		where = append(where, "number < "+arg(q.Before))
	}
	query := `SELECT ` + columns + ` FROM maintenance_window`
	if len(where) > 0 {
		query += ` WHERE ` + strings.Join(where, " AND ")
	}
	if q.Limit <= 0 {
		q.Limit = 50
	}
	return storage.All(ctx, s.db, scan, query+` ORDER BY number DESC LIMIT `+arg(min(q.Limit, 1000)), args...)
}

var _ maintenance.Store = (*Store)(nil)
