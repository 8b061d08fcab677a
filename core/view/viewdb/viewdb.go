// Package viewdb keeps saved views in the database.
package viewdb

import (
	"context"
	"embed"
	"io/fs"
	"strconv"
	"strings"

	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/core/view"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of views.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "view", Files: sub}
}

// Store implements view.Store.
type Store struct {
	db    *storage.DB
	saver *commitdb.Saver
}

// New makes the store.
func New(db *storage.DB, saver *commitdb.Saver) *Store { return &Store{db, saver} }

func scan(s storage.Scanner) (view.View, error) {
	var v view.View
	err := s(&v.ID, &v.Owner, &v.Project, &v.List, &v.Path, &v.Query, &v.Title, storage.Into(&v.CreatedAt), &v.Pinned, &v.Default)
	return v, err
}

// Views lists views by title; see view.Store.
func (s *Store) Views(ctx context.Context, q view.Query) ([]view.View, error) {
	args := []any{q.Person}
	may := `v.owner = $1`
	switch {
	case q.All:
		may = `(v.owner = $1 OR v.project <> '')`
	case len(q.Projects) > 0:
		args = append(args, storage.List(q.Projects))
		may = `(v.owner = $1 OR v.project <> '' AND ` + s.db.In("v.project", "$2") + `)`
	}
	where := []string{may}
	add := func(cond string, arg any) {
		args = append(args, arg)
		where = append(where, cond+` = $`+strconv.Itoa(len(args)))
	}
	if q.List != "" {
		add(`v.list`, q.List)
	}
	if q.ID != "" {
		add(`v.id`, q.ID)
	}
	if q.Pinned {
		where = append(where, `u.pinned`)
	}
	return storage.All(ctx, s.db, scan, `SELECT v.id, v.owner, v.project, v.list, v.path, v.query, v.title, v.created_at,
		COALESCE(u.pinned, FALSE), COALESCE(u.is_default, FALSE) FROM saved_view v LEFT JOIN saved_view_use u ON u.view = v.id AND u.person = $1
		WHERE `+strings.Join(where, " AND ")+` ORDER BY lower(v.title), v.id LIMIT `+strconv.Itoa(q.MostResults), args...)
}

// Save writes a view; see view.Store.
func (s *Store) Save(ctx context.Context, v view.View, set commit.Set) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		if _, err := s.db.Exec(ctx, `INSERT INTO saved_view (id, owner, project, list, path, query, title, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET project = excluded.project, query = excluded.query,
			title = excluded.title`, v.ID, v.Owner, v.Project, v.List, v.Path, v.Query, v.Title, storage.Micros(v.CreatedAt)); err != nil {
			return err
		}
		return s.saver.Save(ctx, set)
	})
}

// Use says how a person uses a view; see view.Store.
func (s *Store) Use(ctx context.Context, person string, v view.View) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		if v.Default {
			if _, err := s.db.Exec(ctx, `UPDATE saved_view_use SET is_default = FALSE WHERE person = $1 AND list = $2`, person, v.List); err != nil {
				return err
			}
		}
		_, err := s.db.Exec(ctx, `INSERT INTO saved_view_use (person, view, list, pinned, is_default) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (person, view) DO UPDATE SET pinned = excluded.pinned, is_default = excluded.is_default`,
			person, v.ID, v.List, v.Pinned, v.Default)
		return err
	})
}

// Remove deletes a view; see view.Store.
func (s *Store) Remove(ctx context.Context, id string, set commit.Set) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		if _, err := s.db.Exec(ctx, `DELETE FROM saved_view_use WHERE view = $1`, id); err != nil {
			return err
		}
		if _, err := s.db.Exec(ctx, `DELETE FROM saved_view WHERE id = $1`, id); err != nil {
			return err
		}
		return s.saver.Save(ctx, set)
	})
}

var _ view.Store = (*Store)(nil)
