// Package incidentdb keeps incidents and plans in the database. It never decides what may happen to one.
package incidentdb

import (
	"context"
	"embed"
	"errors"
	"io/fs"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of incidents and plans.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "incident", Files: sub}
}

// Numbers gives readable numbers out; objectdb.Store does.
type Numbers interface {
	NextNumber(ctx context.Context, kind mainstay.Kind) (int64, error)
}

// Store is the tables. It implements incident.Store and incident.Plans.
type Store struct {
	db      *storage.DB
	saver   *commitdb.Saver
	numbers Numbers
}

var (
	_ incident.Store = (*Store)(nil)
	_ incident.Plans = (*Store)(nil)
)

// New makes a Store.
func New(db *storage.DB, saver *commitdb.Saver, numbers Numbers) *Store {
	return &Store{db, saver, numbers}
}

// In runs f in one transaction; see incident.Transactions.
func (s *Store) In(ctx context.Context, f func(ctx context.Context) error) error {
	return s.db.Write(ctx, storage.Normal, f)
}

// Append writes a set; see incident.Transactions.
func (s *Store) Append(ctx context.Context, set commit.Set) error {
	return s.In(ctx, func(ctx context.Context) error { return s.saver.Save(ctx, set) })
}

// Create saves a new incident; see incident.Store.
func (s *Store) Create(ctx context.Context, begin func(number int64) (incident.Incident, commit.Set, error)) (created bool, err error) {
	err = s.In(ctx, func(ctx context.Context) error {
		number, err := s.numbers.NextNumber(ctx, mainstay.KindIncident)
		if err != nil {
			return err
		}
		i, set, err := begin(number)
		if err != nil {
			return err
		}
		if created, err = s.insert(ctx, i); err != nil || !created {
			return err
		}
		if err := s.saveParts(ctx, incident.Incident{}, i); err != nil {
			return err
		}
		return s.saver.Save(ctx, set)
	})
	return created, err
}

func request(i incident.Incident) string {
	if i.Request == "" {
		return i.ID
	}
	return i.Request
}

func (s *Store) insert(ctx context.Context, i incident.Incident) (bool, error) {
	n, err := s.db.Exec(ctx, `INSERT INTO incident (`+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT (request) DO NOTHING`,
		i.ID, i.Number, i.Project, i.Title, string(i.Severity), string(i.State), storage.List(i.Services), i.Private,
		string(i.DeclaredBy.Kind), i.DeclaredBy.ID, storage.Micros(i.DeclaredAt), storage.Micros(i.ResolvedAt),
		storage.Micros(i.ChangedAt), request(i), storage.JSON(i.Plan), storage.JSON(i.Phases), i.Version)
	return n == 1, err
}

// errStale says that somebody else saved the incident between our reading and our writing.
var errStale = mainstay.Errorf(mainstay.Conflict, "Somebody else changed this incident at the same moment. Look at it again.")

// Update applies a rule; see incident.Store. A conflict of versions is tried again, three times in all.
func (s *Store) Update(ctx context.Context, id string, rule func(*incident.Incident) (commit.Set, error)) error {
	var err error
	for range 3 {
		if err = s.update(ctx, id, rule); !errors.Is(err, errStale) {
			return err
		}
	}
	return err
}

func (s *Store) update(ctx context.Context, id string, rule func(*incident.Incident) (commit.Set, error)) error {
	return s.In(ctx, func(ctx context.Context) error {
		was, err := s.load(ctx, `WHERE id = $1`+s.db.Locking(), id)
		if err != nil {
			return err
		}
		if err := storage.Holds(ctx, was.ID, was.Version); err != nil {
			return err
		}
		now := clone(was)
		set, err := rule(&now)
		if err != nil || set.IsZero() {
			return err
		}
		n, err := s.db.Exec(ctx, `UPDATE incident SET title = $1, severity = $2, state = $3, private = $4, resolved_at = $5,
			changed_at = $6, phases = $7, version = version + 1 WHERE id = $8 AND version = $9`,
			now.Title, string(now.Severity), string(now.State), now.Private, storage.Micros(now.ResolvedAt),
			storage.Micros(now.ChangedAt), storage.JSON(now.Phases), id, was.Version)
		if err != nil {
			return err
		}
		if n == 0 {
			return errStale
		}
		if err := s.saveParts(ctx, was, now); err != nil {
			return err
		}
		return s.saver.Save(ctx, set)
	})
}

// One reads an incident; see incident.Store.
func (s *Store) One(ctx context.Context, id string) (incident.Incident, error) {
	var i incident.Incident
	err := s.db.View(ctx, func(ctx context.Context) (err error) {
		i, err = s.load(ctx, `WHERE id = $1`, id)
		return err
	})
	return i, err
}
