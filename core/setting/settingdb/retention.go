package settingdb

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay/storage"
)

// Mark is how far the content of a project's facts was removed under a rule; 0 when it never was.
func (s *Store) Mark(ctx context.Context, project, rule string) (int64, error) {
	return storage.One(ctx, s.db, storage.Value[int64], `SELECT coalesce(max(sequence), 0) FROM retention_mark WHERE project = $1 AND rule = $2`, project, rule)
}

// SetMark keeps it.
func (s *Store) SetMark(ctx context.Context, project, rule string, sequence int64) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		_, err := s.db.Exec(ctx, `INSERT INTO retention_mark (project, rule, sequence) VALUES ($1, $2, $3)
			ON CONFLICT (project, rule) DO UPDATE SET sequence = excluded.sequence`, project, rule, sequence)
		return err
	})
}

// Pruned is what was removed of a project for its age.
type Pruned struct {
	What   string // "alerts", "deliveries", "inbox", "files" or "facts"
	At     time.Time
	Before time.Time // everything older went
	Total  int64     // since there is a record of it
}

// Pruned lists what was removed of a project.
func (s *Store) Pruned(ctx context.Context, project string) ([]Pruned, error) {
	return storage.All(ctx, s.db, func(sc storage.Scanner) (Pruned, error) {
		var p Pruned
		err := sc(&p.What, storage.Into(&p.At), storage.Into(&p.Before), &p.Total)
		return p, err
	}, `SELECT what, at, before, total FROM retention_run WHERE project = $1 ORDER BY what`, project)
}

// AddPruned keeps that n more were removed; it joins the write transaction that ctx carries.
func (s *Store) AddPruned(ctx context.Context, project, what string, at, before time.Time, n int64) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		_, err := s.db.Exec(ctx, `INSERT INTO retention_run (project, what, at, before, total) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (project, what) DO UPDATE SET at = excluded.at, before = excluded.before, total = retention_run.total + excluded.total`,
			project, what, storage.Micros(at), storage.Micros(before), n)
		return err
	})
}
