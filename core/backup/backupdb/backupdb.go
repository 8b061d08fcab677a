// Package backupdb keeps what is known of backups in the database. It never reads one.
package backupdb

import (
	"context"
	"embed"
	"io/fs"

	"github.com/mainstayhq/mainstay/core/backup"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the table of backups. No backup holds it.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "backup", Files: sub, Derived: []string{"backup_copy"}}
}

// Store implements backup.Store.
type Store struct {
	db    *storage.DB
	saver *commitdb.Saver
}

var _ backup.Store = (*Store)(nil)

// New makes a Store.
func New(db *storage.DB, saver *commitdb.Saver) *Store { return &Store{db, saver} }

const columns = `id, name, state, cause, by_kind, by_id, began, made, ended, size, row_count, facts, files, missing, version, error, told, verified`

func scan(s storage.Scanner) (backup.Copy, error) {
	var c backup.Copy
	err := s(&c.ID, &c.Name, &c.State, &c.Cause, &c.By.Kind, &c.By.ID, storage.Into(&c.Began), storage.Into(&c.Made), storage.Into(&c.Ended),
		&c.Size, &c.Rows, &c.Facts, &c.Files, &c.Missing, &c.Version, &c.Error, &c.Told, storage.Into(&c.Verified))
	return c, err
}

// Save implements backup.Store.
func (s *Store) Save(ctx context.Context, c backup.Copy, set commit.Set) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		_, err := s.db.Exec(ctx, `INSERT INTO backup_copy (`+columns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
			ON CONFLICT (id) DO UPDATE SET state = excluded.state, by_kind = excluded.by_kind, by_id = excluded.by_id, made = excluded.made,
				ended = excluded.ended, size = excluded.size, row_count = excluded.row_count, facts = excluded.facts, files = excluded.files,
				missing = excluded.missing, version = excluded.version, error = excluded.error, told = excluded.told, verified = excluded.verified`,
			c.ID, c.Name, string(c.State), c.Cause, string(c.By.Kind), c.By.ID, storage.Micros(c.Began), storage.Micros(c.Made), storage.Micros(c.Ended),
			c.Size, c.Rows, c.Facts, c.Files, c.Missing, c.Version, c.Error, c.Told, storage.Micros(c.Verified))
		if err != nil {
			return err
		}
		return s.saver.Save(ctx, set)
	})
}

// Copy implements backup.Store.
func (s *Store) Copy(ctx context.Context, id string) (backup.Copy, error) {
	return storage.One(ctx, s.db, scan, `SELECT `+columns+` FROM backup_copy WHERE id = $1`, id)
}

// Copies implements backup.Store.
func (s *Store) Copies(ctx context.Context, limit int) ([]backup.Copy, error) {
	return storage.All(ctx, s.db, scan, `SELECT `+columns+` FROM backup_copy ORDER BY began DESC, id DESC LIMIT $1`, limit)
}

// Forget implements backup.Store.
func (s *Store) Forget(ctx context.Context, id string) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		_, err := s.db.Exec(ctx, `DELETE FROM backup_copy WHERE id = $1`, id)
		return err
	})
}
