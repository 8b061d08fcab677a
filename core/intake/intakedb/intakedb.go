// Package intakedb keeps intake keys and the inbox in the database. It never sees a key's secret, only its hash, and never reads a
// body.
package intakedb

import (
	"context"
	"embed"
	"io/fs"
	"sync"

	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of keys and inbox.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "intake", Files: sub}
}

// Store keeps keys and the inbox. It implements intake.KeyStore.
type Store struct {
	db    *storage.DB
	saver *commitdb.Saver

	mu   sync.Mutex
	wake []func()
}

// New makes the store and listens for writes of other processes.
func New(db *storage.DB, saver *commitdb.Saver) *Store {
	s := &Store{db: db, saver: saver}
	db.OnForeign(s.changed)
	return s
}

// KeysChanged registers a function; see intake.KeyStore.
func (s *Store) KeysChanged(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake = append(s.wake, f)
}

func (s *Store) changed() {
	s.mu.Lock()
	wake := s.wake
	s.mu.Unlock()
	for _, f := range wake {
		f()
	}
}

const keyColumns = `id, project, service, format, hint, creator, created_at, used_at, revoked_at`

func scanKey(s storage.Scanner) (intake.Key, error) {
	var k intake.Key
	err := s(&k.ID, &k.Project, &k.Service, &k.Format, &k.Hint, &k.Creator,
		storage.Into(&k.Created), storage.Into(&k.LastUsed), storage.Into(&k.Revoked))
	return k, err
}

// AddKey saves a new key; see intake.KeyStore.
func (s *Store) AddKey(ctx context.Context, k intake.Key, hash string, set commit.Set) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		_, err := s.db.Exec(ctx, `INSERT INTO intake_key (`+keyColumns+`, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			k.ID, k.Project, k.Service, k.Format, k.Hint, k.Creator, storage.Micros(k.Created), storage.Micros(k.LastUsed),
			storage.Micros(k.Revoked), hash)
		if err != nil {
			return err
		}
		storage.Current(ctx).AfterCommit(s.changed)
		return s.saver.Save(ctx, set)
	})
}

// KeyByHash finds a key; see intake.KeyStore.
func (s *Store) KeyByHash(ctx context.Context, hash string) (intake.Key, error) {
	return storage.One(ctx, s.db, scanKey, `SELECT `+keyColumns+` FROM intake_key WHERE hash = $1`, hash)
}

// Keys lists keys; see intake.KeyStore.
func (s *Store) Keys(ctx context.Context, project, after string, limit int) ([]intake.Key, error) {
	return storage.All(ctx, s.db, scanKey, `SELECT `+keyColumns+` FROM intake_key
		WHERE ($1 = '' OR project = $2) AND ($3 = '' OR id < $4) ORDER BY id DESC LIMIT $5`, project, project, after, after, limit)
}

// UpdateKey changes a key; see intake.KeyStore.
func (s *Store) UpdateKey(ctx context.Context, id string, f func(*intake.Key) (commit.Set, error)) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		k, err := storage.One(ctx, s.db, scanKey, `SELECT `+keyColumns+` FROM intake_key WHERE id = $1`+s.db.Locking(), id)
		if err != nil {
			return err
		}
		before := k
		set, err := f(&k)
		if err != nil || k == before {
			return err
		}
		_, err = s.db.Exec(ctx, `UPDATE intake_key SET used_at = $1, revoked_at = $2 WHERE id = $3`,
			storage.Micros(k.LastUsed), storage.Micros(k.Revoked), id)
		if err != nil {
			return err
		}
		if k.Revoked != before.Revoked {
			storage.Current(ctx).AfterCommit(s.changed)
		}
		return s.saver.Save(ctx, set)
	})
}

var _ intake.KeyStore = (*Store)(nil)
