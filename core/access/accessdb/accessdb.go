// Package accessdb keeps who was given which role in the database. It decides nothing.
package accessdb

import (
	"context"
	"embed"
	"io/fs"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the table of grants.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "access", Files: sub}
}

// Saver writes a set in the transaction that ctx carries; commitdb.Saver does.
type Saver interface {
	Save(ctx context.Context, set commit.Set) error
}

// Store implements access.Store.
type Store struct {
	db    *storage.DB
	saver Saver
}

// New makes the store.
func New(db *storage.DB, saver Saver) *Store { return &Store{db, saver} }

var _ access.Store = (*Store)(nil)

// Grants lists what was given to each of these; see access.Store.
func (s *Store) Grants(ctx context.Context, to ...mainstay.Ref) ([]access.Grant, error) {
	scan := func(sc storage.Scanner) (access.Grant, error) {
		var g access.Grant
		var kind, id string
		err := sc(&kind, &id, &g.Role, &g.Project)
		if mainstay.Kind(kind) == mainstay.KindTeam {
			g.Team = id
		}
		return g, err
	}
	cond, arg := "grantee = $1", ""
	switch len(to) {
	case 0:
		return []access.Grant{}, nil
	case 1:
		arg = to[0].ID
	default:
		ids := make([]string, len(to))
		for i, r := range to {
			ids[i] = r.ID
		}
		cond, arg = s.db.In("grantee", "$1"), storage.List(ids)
	}
	return storage.All(ctx, s.db, scan, `SELECT grantee_kind, grantee, role, project FROM access_grant WHERE `+cond+
		` ORDER BY project, role, grantee`, arg)
}

// Update loads, changes and writes the grants of one person or team; see access.Store.
func (s *Store) Update(ctx context.Context, to mainstay.Ref, f func(ctx context.Context, has []access.Grant) ([]access.Grant, commit.Set, error)) error {
	return s.Alone(ctx, func(ctx context.Context) error {
		has, err := s.Grants(ctx, to)
		if err != nil {
			return err
		}
		for i := range has {
			has[i].Team = "" // the grantee's own
		}
		want, set, err := f(ctx, has)
		if err != nil || set.IsZero() {
			return err
		}
		if _, err := s.db.Exec(ctx, `DELETE FROM access_grant WHERE grantee = $1`, to.ID); err != nil {
			return err
		}
		for _, g := range want {
			if _, err := s.db.Exec(ctx, `INSERT INTO access_grant (grantee_kind, grantee, role, project) VALUES ($1, $2, $3, $4)
				ON CONFLICT DO NOTHING`, string(to.Kind), to.ID, string(g.Role), g.Project); err != nil {
				return err
			}
		}
		return s.saver.Save(ctx, set)
	})
}

// Alone lets one transaction at a time change who is administrator: two administrators who take the role from each other at the
// same moment must not leave none.
func (s *Store) Alone(ctx context.Context, f func(ctx context.Context) error) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		if !s.db.SQLite() { // there the writer is alone
			if _, err := s.db.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext(current_schema() || '/access'))`); err != nil {
				return err
			}
		}
		return f(ctx)
	})
}

// In lists who was given what in the project; see access.Store.
func (s *Store) In(ctx context.Context, project string) ([]access.Given, error) {
	return storage.All(ctx, s.db, func(sc storage.Scanner) (access.Given, error) {
		var g access.Given
		err := sc(&g.To.Kind, &g.To.ID, &g.Role)
		return g, err
	}, `SELECT grantee_kind, grantee, role FROM access_grant WHERE project = $1 ORDER BY grantee, role`, project)
}
