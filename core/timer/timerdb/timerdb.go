// Package timerdb keeps timers in the database. It never fires one by itself.
package timerdb

import (
	"context"
	"embed"
	"io/fs"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the timer table.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "timer", Files: sub}
}

// Store is the timer table. It implements timer.Store.
type Store struct {
	db *storage.DB

	mu   sync.Mutex
	wake []func([]timer.Timer)
}

// New makes the store and listens for writes of other processes.
func New(db *storage.DB) *Store {
	s := &Store{db: db}
	db.OnForeign(func() { s.changed(nil) })
	return s
}

// Changed registers a function for commits that set timers; see timer.Store.
func (s *Store) Changed(wake func([]timer.Timer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake = append(s.wake, wake)
}

func (s *Store) changed(set []timer.Timer) {
	s.mu.Lock()
	wake := s.wake
	s.mu.Unlock()
	for _, f := range wake {
		f(set)
	}
}

// Set writes timers in the transaction that ctx carries. A timer of the same kind and subject is moved.
func (s *Store) Set(ctx context.Context, set []timer.Timer) error {
	if len(set) == 0 {
		return nil
	}
	for _, t := range set {
		if err := t.Validate(); err != nil {
			return err
		}
		if _, err := s.db.Exec(ctx, `INSERT INTO timer (kind, subject, project, due_at, generation, data) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (kind, subject) DO UPDATE SET project = excluded.project, due_at = excluded.due_at,
				generation = excluded.generation, data = excluded.data`,
			t.Kind, t.Subject, t.Project, storage.Micros(t.Due), t.Generation, t.Data); err != nil {
			return err
		}
	}
	storage.Current(ctx).AfterCommit(func() { s.changed(set) })
	return nil
}

// Cancel removes the timer of the kind and subject, if there is one. The engine's heap may still hold it; Fire then finds no
// row and does nothing.
func (s *Store) Cancel(ctx context.Context, kind, subject string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM timer WHERE kind = $1 AND subject = $2`, kind, subject)
	return err
}

// Upcoming lists the timers due before the horizon; see timer.Store.
func (s *Store) Upcoming(ctx context.Context, horizon time.Time, limit int) ([]timer.Timer, error) {
	return storage.All(ctx, s.db, scan, `SELECT kind, subject, project, due_at, generation, data FROM timer
		WHERE due_at < $1 ORDER BY due_at LIMIT $2`, storage.Micros(horizon), limit)
}

func scan(s storage.Scanner) (timer.Timer, error) {
	var t timer.Timer
	err := s(&t.Kind, &t.Subject, &t.Project, storage.Into(&t.Due), &t.Generation, &t.Data)
	return t, err
}

// Fire deletes the timer if it still stands exactly so, and runs h in the same transaction; see timer.Store.
func (s *Store) Fire(ctx context.Context, t timer.Timer, h func(ctx context.Context) error) (bool, error) {
	fired := false
	err := s.db.Write(ctx, storage.Urgent, func(ctx context.Context) error {
		n, err := s.db.Exec(ctx, `DELETE FROM timer WHERE kind = $1 AND subject = $2 AND due_at = $3 AND generation = $4`,
			t.Kind, t.Subject, storage.Micros(t.Due), t.Generation)
		if err != nil || n == 0 {
			return err
		}
		fired = true
		return h(ctx)
	})
	return fired && err == nil, err
}

var _ timer.Store = (*Store)(nil)
