// Package projectdb keeps projects and services in the database.
package projectdb

import (
	"context"
	"embed"
	"io/fs"

	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of projects and services.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "project", Files: sub}
}

// Store implements project.Store.
type Store struct {
	db    *storage.DB
	saver *commitdb.Saver
}

// New makes the store.
func New(db *storage.DB, saver *commitdb.Saver) *Store { return &Store{db, saver} }

func scanProject(s storage.Scanner) (project.Project, error) {
	var p project.Project
	err := s(&p.ID, &p.Name, storage.IntoJSON(&p.Spec), &p.Version, storage.Into(&p.Created))
	return p, err
}

func scanService(s storage.Scanner) (project.Service, error) {
	var v project.Service
	err := s(&v.ID, &v.Project, &v.Name, storage.IntoJSON(&v.Spec), &v.Version, storage.Into(&v.Created), storage.Into(&v.Retired))
	return v, err
}

const (
	projectColumns = `id, name, spec, version, created_at`
	serviceColumns = `id, project, name, spec, version, created_at, retired_at`
)

// Projects lists all projects by name. An installation has few: they are configured by hand.
func (s *Store) Projects(ctx context.Context) ([]project.Project, error) {
	return storage.All(ctx, s.db, scanProject, `SELECT `+projectColumns+` FROM project ORDER BY name LIMIT 1000`)
}

// ServicesOf lists a project's services by name; see project.Store.
func (s *Store) ServicesOf(ctx context.Context, id string) ([]project.Service, error) {
	return storage.All(ctx, s.db, scanService, `SELECT `+serviceColumns+` FROM service WHERE $1 = '' OR project = $2 AND retired_at = 0
		ORDER BY project, name LIMIT 5000`, id, id)
}

// SaveProject loads, changes and saves a project; see project.Store.
func (s *Store) SaveProject(ctx context.Context, name string, f func(*project.Project) (commit.Set, error)) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		list, err := storage.All(ctx, s.db, scanProject, `SELECT `+projectColumns+` FROM project WHERE name = $1`+s.db.Locking(), name)
		if err != nil {
			return err
		}
		p := append(list, project.Project{})[0]
		if err := storage.Holds(ctx, p.ID, p.Version); err != nil {
			return err
		}
		set, err := f(&p)
		if err != nil || set.IsZero() {
			return err
		}
		if _, err := s.db.Exec(ctx, `INSERT INTO project (id, name, spec, version, created_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (id) DO UPDATE SET spec = excluded.spec, version = excluded.version`,
			p.ID, p.Name, storage.JSON(p.Spec), p.Version, storage.Micros(p.Created)); err != nil {
			return err
		}
		return s.saver.Save(ctx, set)
	})
}

// SaveService loads, changes and saves a service; see project.Store.
func (s *Store) SaveService(ctx context.Context, id, name string, f func(*project.Service) (commit.Set, error)) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		list, err := storage.All(ctx, s.db, scanService,
			`SELECT `+serviceColumns+` FROM service WHERE project = $1 AND name = $2`+s.db.Locking(), id, name)
		if err != nil {
			return err
		}
		v := append(list, project.Service{})[0]
		if err := storage.Holds(ctx, v.ID, v.Version); err != nil {
			return err
		}
		set, err := f(&v)
		if err != nil || set.IsZero() {
			return err
		}
		if _, err := s.db.Exec(ctx, `INSERT INTO service (`+serviceColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (id) DO UPDATE SET spec = excluded.spec, version = excluded.version, retired_at = excluded.retired_at`,
			v.ID, v.Project, v.Name, storage.JSON(v.Spec), v.Version, storage.Micros(v.Created), storage.Micros(v.Retired)); err != nil {
			return err
		}
		return s.saver.Save(ctx, set)
	})
}

var _ project.Store = (*Store)(nil)
