// Package communicationdb keeps components, posts and the public copies in the database. It never reads another practice's
// tables.
package communicationdb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/core/object/objectdb"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of communication.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "communication", Files: sub}
}

// Store implements communication.Store.
type Store struct {
	db      *storage.DB
	saver   *commitdb.Saver
	objects *objectdb.Store

	mu   sync.Mutex
	wake []func()
}

// New makes the store and listens for writes of other processes.
func New(db *storage.DB, saver *commitdb.Saver, objects *objectdb.Store) *Store {
	s := &Store{db: db, saver: saver, objects: objects}
	db.OnForeign(s.changed)
	return s
}

// Changed registers a function that is called after every commit that may have changed what the public sees, in this process
// or another. It must return at once.
func (s *Store) Changed(wake func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake = append(s.wake, wake)
}

func (s *Store) changed() {
	s.mu.Lock()
	wake := s.wake
	s.mu.Unlock()
	for _, f := range wake {
		f()
	}
}

type (
	touchedKey struct{}
	writingKey struct{}
)

// touch notes that this transaction changes what the public sees.
func (s *Store) touch(ctx context.Context) {
	tx := storage.Current(ctx)
	tx.Local(touchedKey{}, func() any {
		tx.AfterCommit(s.changed)
		return true
	})
}

// Write runs f in one transaction; see communication.Store.
func (s *Store) Write(ctx context.Context, f func(ctx context.Context) error) error {
	ctx = context.WithValue(ctx, writingKey{}, true)
	var err error
	for range 3 {
		if err = s.db.Write(ctx, storage.Normal, f); !errors.Is(err, errVersion) {
			return err
		}
	}
	return err
}

// Save writes what commits with a change.
func (s *Store) Save(ctx context.Context, set commit.Set) error { return s.saver.Save(ctx, set) }

// errVersion marks the error of a row that changed between reading and writing.
var errVersion = errors.New("the row has another version")

func errStale() error {
	return fmt.Errorf("%w (%w)", mainstay.Errorf(mainstay.Conflict,
		"Somebody else changed this a moment ago. Look again, then repeat what you did."), errVersion)
}

var _ communication.Store = (*Store)(nil)
