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
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		if err := s.alone(ctx); err != nil {
			return err
		}
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

// alone lets one transaction at a time change grants: two administrators who take the role from each other at the same moment
// must not leave none.
func (s *Store) alone(ctx context.Context) error {
	if s.db.SQLite() {
		return nil // the writer is alone
	}
	_, err := s.db.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext(current_schema() || '/access'))`)
	return err
}

// Holders lists the persons and teams that have the role in all projects.
func (s *Store) Holders(ctx context.Context, r access.Role) ([]mainstay.Ref, error) {
	return storage.All(ctx, s.db, func(sc storage.Scanner) (mainstay.Ref, error) {
		var to mainstay.Ref
		err := sc(&to.Kind, &to.ID)
		return to, err
	}, `SELECT grantee_kind, grantee FROM access_grant WHERE role = $1 AND project = '' ORDER BY grantee`, string(r))
}
