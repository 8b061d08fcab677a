// Package settingdb keeps settings in the database.
package settingdb

import (
	"context"
	"embed"
	"io/fs"

	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/core/setting"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the table of settings.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "setting", Files: sub}
}

// Store implements setting.Store.
type Store struct {
	db    *storage.DB
	saver *commitdb.Saver
}

// New makes the store.
func New(db *storage.DB, saver *commitdb.Saver) *Store { return &Store{db, saver} }

// Value returns the setting's JSON, or NotFound.
func (s *Store) Value(ctx context.Context, project, name string) (string, error) {
	return storage.One(ctx, s.db, storage.Value[string], `SELECT value FROM setting WHERE project = $1 AND name = $2`, project, name)
}

// Put sets the setting and saves the set with it.
func (s *Store) Put(ctx context.Context, project, name, value string, set commit.Set) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		if _, err := s.db.Exec(ctx, `INSERT INTO setting (project, name, value) VALUES ($1, $2, $3)
			ON CONFLICT (project, name) DO UPDATE SET value = excluded.value`, project, name, value); err != nil {
			return err
		}
		return s.saver.Save(ctx, set)
	})
}

var _ setting.Store = (*Store)(nil)
