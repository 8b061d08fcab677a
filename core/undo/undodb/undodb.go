// Package undodb keeps what can be taken back in the database.
package undodb

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/undo"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the table.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "undo", Files: sub}
}

// Store implements undo.Store.
type Store struct{ db *storage.DB }

// New makes the store.
func New(db *storage.DB) *Store { return &Store{db} }

// Put adds one; see undo.Store.
func (s *Store) Put(ctx context.Context, k undo.Kept, now time.Time) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		if _, err := s.db.Exec(ctx, `DELETE FROM undo WHERE expires_at < $1`, storage.Micros(now)); err != nil {
			return err
		}
		_, err := s.db.Exec(ctx, `INSERT INTO undo (id, person, body, expires_at) VALUES ($1, $2, $3, $4)`, k.ID, k.Person, k.Body, storage.Micros(k.Expires))
		return err
	})
}

// Take removes one and returns it; see undo.Store.
func (s *Store) Take(ctx context.Context, person, id string) (k undo.Kept, err error) {
	err = s.db.Write(ctx, storage.Urgent, func(ctx context.Context) error {
		list, err := storage.All(ctx, s.db, func(sc storage.Scanner) (undo.Kept, error) {
			k := undo.Kept{ID: id, Person: person}
			err := sc(&k.Body, storage.Into(&k.Expires))
			return k, err
		}, `DELETE FROM undo WHERE id = $1 AND person = $2 RETURNING body, expires_at`, id, person)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return mainstay.Errorf(mainstay.NotFound, "There is nothing to undo.")
		}
		k = list[0]
		return nil
	})
	return k, err
}

var _ undo.Store = (*Store)(nil)
