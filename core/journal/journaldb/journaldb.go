// Package journaldb keeps the journal in the database: batches, subjects, cursors. It never rewrites a batch but to erase.
package journaldb

import (
	"context"
	"embed"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the journal's tables.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "journal", Files: sub}
}

// Store is the journal in a database. It implements journal.Store.
type Store struct {
	db *storage.DB

	mu     sync.Mutex
	wake   []func([]fact.Fact)
	sparse journal.Sparse
}

// New makes the store and listens for writes of other processes.
func New(db *storage.DB) *Store {
	s := &Store{db: db}
	db.OnForeign(func() { s.changed(nil) })
	return s
}

// Sparse has the facts of some kinds found by their moments instead of by subjects. It must be called before the first Append.
func (s *Store) Sparse(sp journal.Sparse) { s.sparse = sp }

// Changed registers a function that is called after every commit that appended facts; see journal.Store.
func (s *Store) Changed(wake func([]fact.Fact)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake = append(s.wake, wake)
}

func (s *Store) changed(facts []fact.Fact) {
	s.mu.Lock()
	wake := s.wake
	s.mu.Unlock()
	for _, f := range wake {
		f(facts)
	}
}

type pendingKey struct{}

type pending struct{ facts []fact.Fact }

// Append adds facts to the transaction that ctx carries. They get their sequence numbers as the last statements before the
// commit, one batch per project, so that the project's lock is held shortest.
func (s *Store) Append(ctx context.Context, facts []fact.Fact) error {
	if len(facts) == 0 {
		return nil
	}
	tx := storage.Current(ctx)
	p := tx.Local(pendingKey{}, func() any { return &pending{} }).(*pending)
	if p.facts == nil {
		p.facts = slices.Clip(facts) // mostly there are no others
	} else {
		p.facts = append(p.facts, facts...)
	}
	tx.BeforeCommit(100, "journal", func(ctx context.Context) error { return s.flush(ctx, p.facts) })
	return nil
}

func (s *Store) flush(ctx context.Context, facts []fact.Fact) error {
	if !slices.ContainsFunc(facts, func(f fact.Fact) bool { return f.Project != facts[0].Project }) {
		all, err := s.appendBatch(ctx, facts[0].Project, facts)
		if err == nil {
			storage.Current(ctx).AfterCommit(func() { s.changed(all) })
		}
		return err
	}
	projects := map[string][]fact.Fact{}
	var order []string
	for _, f := range facts {
		if _, seen := projects[f.Project]; !seen {
			order = append(order, f.Project)
		}
		projects[f.Project] = append(projects[f.Project], f)
	}
	slices.Sort(order) // two projects lock in one order: no deadlock
	var all []fact.Fact
	for _, p := range order {
		batch, err := s.appendBatch(ctx, p, projects[p])
		if err != nil {
			return err
		}
		all = append(all, batch...)
	}
	storage.Current(ctx).AfterCommit(func() { s.changed(all) })
	return nil
}

var subjectInserts = storage.NewInserts(`INSERT INTO fact_subject (subject, project, sequence) VALUES`, 3, `ON CONFLICT DO NOTHING`)

// appendBatch links one batch to the project's chain. The head is read from the table each time: another process may have
// appended.
func (s *Store) appendBatch(ctx context.Context, project string, facts []fact.Fact) ([]fact.Fact, error) {
	if !s.db.SQLite() {
		if _, err := s.db.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext(current_schema() || '/journal/' || $1))`, project); err != nil {
			return nil, err
		}
	}
	head, err := s.head(ctx, project)
	if err != nil {
		return nil, err
	}
	b, err := seal(head, facts)
	if err != nil {
		return nil, err
	}
	_, err = s.db.Exec(ctx, `INSERT INTO journal_batch (project, first, last, at, prev, hash, kinds, facts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		project, b.first, b.last, storage.Micros(facts[0].Recorded), b.prev, b.hash, b.kinds, b.packed)
	if err != nil {
		return nil, err
	}
	var args []any
	for i := range b.facts {
		f := &b.facts[i]
		if s.sparse.Holds(f.Kind) && f.Recorded.Equal(facts[0].Recorded) {
			continue
		}
		for _, r := range f.Subjects {
			args = append(args, r.String(), project, f.Sequence)
		}
	}
	if err := subjectInserts.Exec(ctx, s.db, args); err != nil {
		return nil, err
	}
	return b.facts, nil
}

func scanBatch(s storage.Scanner) (batch, error) {
	var b batch
	err := s(&b.project, &b.first, &b.last, &b.prev, &b.hash, &b.kinds, &b.packed)
	return b, err
}

const batchColumns = `project, first, last, prev, hash, kinds, facts`

// head is the last batch without its facts; the zero batch of the project when there is none.
func (s *Store) head(ctx context.Context, project string) (batch, error) {
	list, err := storage.All(ctx, s.db, func(sc storage.Scanner) (batch, error) {
		b := batch{project: project}
		err := sc(&b.last, &b.hash)
		return b, err
	}, `SELECT last, hash FROM journal_batch WHERE project = $1 ORDER BY first DESC LIMIT 1`, project)
	if err != nil || len(list) == 0 {
		return batch{project: project}, err
	}
	return list[0], nil
}

// Heads returns each project's last sequence.
func (s *Store) Heads(ctx context.Context) (map[string]int64, error) {
	return s.positions(ctx, `SELECT project, max(last) FROM journal_batch GROUP BY project`)
}

// Cursors returns a subscriber's position per project.
func (s *Store) Cursors(ctx context.Context, subscriber string) (map[string]int64, error) {
	return s.positions(ctx, `SELECT project, sequence FROM journal_cursor WHERE subscriber = $1`, subscriber)
}

func (s *Store) positions(ctx context.Context, query string, args ...any) (map[string]int64, error) {
	m := map[string]int64{}
	_, err := storage.All(ctx, s.db, func(sc storage.Scanner) (struct{}, error) {
		var p string
		var n int64
		err := sc(&p, &n)
		m[p] = n
		return struct{}{}, err
	}, query, args...)
	return m, err
}

// Advance hands facts to h and moves the cursor in one transaction. The cursor in the table decides: when it is not where the
// caller thought, nothing is handed over and the true position is returned.
func (s *Store) Advance(ctx context.Context, sub journal.Subscriber, project string, after, to int64, facts []fact.Fact) (int64, error) {
	class := storage.Normal
	if sub.Urgent {
		class = storage.Urgent
	}
	cursor := after
	err := s.db.Write(ctx, class, func(ctx context.Context) error {
		list, err := storage.All(ctx, s.db, storage.Value[int64],
			`SELECT sequence FROM journal_cursor WHERE subscriber = $1 AND project = $2`+s.db.Locking(), sub.Name, project)
		if err != nil {
			return err
		}
		// What lies between the kept cursor and ours held nothing for this subscriber; beyond ours somebody else was.
		if len(list) > 0 && list[0] > after {
			cursor = list[0]
			return nil
		}
		if len(facts) > 0 {
			if err := sub.Handle(ctx, facts); err != nil {
				return err
			}
		}
		cursor = to
		return s.moveCursor(ctx, sub.Name, project, to)
	})
	return cursor, err
}

func (s *Store) moveCursor(ctx context.Context, subscriber, project string, to int64) error {
	_, err := s.db.Exec(ctx, `INSERT INTO journal_cursor (subscriber, project, sequence) VALUES ($1, $2, $3)
		ON CONFLICT (subscriber, project) DO UPDATE SET sequence = excluded.sequence`, subscriber, project, to)
	return err
}

// Park notes that a subscriber could not handle a fact, and moves its cursor past it.
func (s *Store) Park(ctx context.Context, subscriber string, f fact.Fact, reason string, now time.Time) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		if _, err := s.db.Exec(ctx, `INSERT INTO journal_parked (subscriber, project, sequence, reason, at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT DO NOTHING`, subscriber, f.Project, f.Sequence, reason, storage.Micros(now)); err != nil {
			return err
		}
		return s.moveCursor(ctx, subscriber, f.Project, f.Sequence)
	})
}

var _ journal.Store = (*Store)(nil)
