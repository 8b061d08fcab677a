package journaldb

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/storage"
)

// Facts returns the facts that the query selects; see journal.Reader.
func (s *Store) Facts(ctx context.Context, q journal.Query) ([]fact.Fact, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	q.Limit = min(q.Limit, 1000)
	if !q.Subject.IsZero() {
		return s.bySubject(ctx, q)
	}
	return s.byProject(ctx, q)
}

func wanted(q journal.Query, f fact.Fact) bool {
	return f.Sequence > q.After && (q.Before == 0 || f.Sequence < q.Before) &&
		(len(q.Kinds) == 0 || slices.Contains(q.Kinds, f.Kind)) && (q.Since.IsZero() || !f.At.Before(q.Since))
}

// byProject walks the batches in pages until enough facts are found.
func (s *Store) byProject(ctx context.Context, q journal.Query) ([]fact.Fact, error) {
	const page = 200
	found := []fact.Fact{}
	after, before := q.After, q.Before
	for len(found) < q.Limit {
		query := `SELECT ` + batchColumns + ` FROM journal_batch WHERE project = $1 AND last > $2 ORDER BY first LIMIT $3`
		args := []any{q.Project, after, page}
		if q.Newest {
			if before == 0 {
				before = 1 << 62
			}
			query = `SELECT ` + batchColumns + ` FROM journal_batch WHERE project = $1 AND first < $2 ORDER BY first DESC LIMIT $3`
			args[1] = before
		}
		list, err := storage.All(ctx, s.db, scanBatch, query, args...)
		if err != nil {
			return nil, err
		}
		for i := range list {
			var facts []fact.Fact
			if holds(list[i].kinds, someKinds(q.Kinds)) {
				if facts, err = list[i].unpack(); err != nil {
					return nil, err
				}
			}
			if q.Newest {
				slices.Reverse(facts)
			}
			for _, f := range facts {
				if wanted(q, f) && len(found) < q.Limit {
					found = append(found, f)
				}
			}
			after, before = list[i].last, list[i].first
		}
		if len(list) < page {
			break
		}
	}
	return found, nil
}

// someKinds makes no kinds, which in a query are all, nil.
func someKinds(kinds []string) []string {
	if len(kinds) == 0 {
		return nil
	}
	return kinds
}

// Wanted returns facts of the kinds after a sequence; see journal.Store. Batches that hold none of them are not unpacked.
func (s *Store) Wanted(ctx context.Context, project string, kinds []string, after int64) (facts []fact.Fact, to int64, err error) {
	const page = 100
	list, err := storage.All(ctx, s.db, scanBatch, `SELECT `+batchColumns+` FROM journal_batch WHERE project = $1 AND last > $2 ORDER BY first LIMIT $3`,
		project, after, page)
	if err != nil {
		return nil, after, err
	}
	to = after
	for i := range list {
		to = list[i].last
		if !holds(list[i].kinds, kinds) {
			continue
		}
		all, err := list[i].unpack()
		if err != nil {
			return nil, after, err
		}
		for _, f := range all {
			if f.Sequence > after && (kinds == nil || slices.Contains(kinds, f.Kind)) {
				facts = append(facts, f)
			}
		}
		if len(facts) >= 1000 {
			break
		}
	}
	return facts, to, nil
}

type position struct {
	project  string
	sequence int64
}

// bySubject finds the positions by the index and then the facts, batch by batch.
func (s *Store) bySubject(ctx context.Context, q journal.Query) ([]fact.Fact, error) {
	order, cursor := "", q.After
	where := " AND sequence > $2"
	if q.Newest {
		order = " DESC"
		if q.Before > 0 {
			where, cursor = " AND sequence < $2", q.Before
		}
	}
	args := []any{q.Subject.String(), cursor}
	if q.Project != "" {
		where += " AND project = $3"
		args = append(args, q.Project)
	}
	// Kinds are not in the index: a filtered read looks at more positions than it returns.
	limit := q.Limit
	if len(q.Kinds) > 0 || !q.Since.IsZero() {
		limit = 5000
	}
	list, err := storage.All(ctx, s.db, func(sc storage.Scanner) (position, error) {
		var p position
		err := sc(&p.project, &p.sequence)
		return p, err
	}, fmt.Sprintf(`SELECT project, sequence FROM fact_subject WHERE subject = $1%s ORDER BY sequence%s LIMIT %d`, where, order, limit), args...)
	if err != nil {
		return nil, err
	}
	found := []fact.Fact{}
	cache := map[position][]fact.Fact{}
	for _, p := range list {
		f, err := s.at(ctx, p, cache)
		if err != nil {
			return nil, err
		}
		if wanted(q, f) && len(found) < q.Limit {
			found = append(found, f)
		}
	}
	if found, err = s.addSparse(ctx, q, found); err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b fact.Fact) int {
		if q.Newest {
			a, b = b, a
		}
		return cmp.Or(a.Recorded.Compare(b.Recorded), cmp.Compare(a.Sequence, b.Sequence))
	})
	return found[:min(len(found), q.Limit)], nil
}

// addSparse adds the facts about a subject that have no entry in the index.
func (s *Store) addSparse(ctx context.Context, q journal.Query, found []fact.Fact) ([]fact.Fact, error) {
	if s.sparse.Moments == nil || q.Subject.Kind != s.sparse.Subject {
		return found, nil
	}
	project, moments, err := s.sparse.Moments(ctx, q.Subject.ID)
	if err != nil || q.Project != "" && q.Project != project {
		return found, err
	}
	for _, at := range moments {
		list, err := storage.All(ctx, s.db, scanBatch, `SELECT `+batchColumns+` FROM journal_batch WHERE project = $1 AND at = $2 ORDER BY first`,
			project, storage.Micros(at))
		if err != nil {
			return nil, err
		}
		for i := range list {
			if !holds(list[i].kinds, s.sparse.Kinds) {
				continue
			}
			facts, err := list[i].unpack()
			if err != nil {
				return nil, err
			}
			for _, f := range facts {
				about := s.sparse.Holds(f.Kind) && slices.Contains(f.Subjects, q.Subject) && wanted(q, f)
				if about && !slices.ContainsFunc(found, func(g fact.Fact) bool { return g.ID == f.ID }) { // those of before have their entries
					found = append(found, f)
				}
			}
		}
	}
	return found, nil
}

// at reads one fact; cache holds the batches read so far under the position of their first fact and each fact's own.
func (s *Store) at(ctx context.Context, p position, cache map[position][]fact.Fact) (fact.Fact, error) {
	if l, ok := cache[p]; ok {
		return l[0], nil
	}
	b, err := storage.One(ctx, s.db, scanBatch,
		`SELECT `+batchColumns+` FROM journal_batch WHERE project = $1 AND first <= $2 ORDER BY first DESC LIMIT 1`, p.project, p.sequence)
	if err != nil {
		return fact.Fact{}, err
	}
	facts, err := b.unpack()
	if err != nil {
		return fact.Fact{}, err
	}
	for i, f := range facts {
		cache[position{p.project, f.Sequence}] = facts[i:]
	}
	if l, ok := cache[p]; ok {
		return l[0], nil
	}
	return fact.Fact{}, fmt.Errorf("journal of %s: fact %d is missing", p.project, p.sequence)
}

// Verification is the outcome for one project's chain.
type Verification struct {
	Project string
	Facts   int64
	Batches int64
	Erased  int64 // facts whose content was erased or rewritten, each explained by a fact
	Fault   error // the first fault, nil when the chain is whole
}

// Verify reads every chain from its beginning and recomputes every link. It stops at the first fault of a chain. That a chain was cut
// off at its end, which leaves all its links whole, shows by what elsewhere points to facts that are not there.
func (s *Store) Verify(ctx context.Context) ([]Verification, error) {
	heads, err := s.Heads(ctx)
	if err != nil {
		return nil, err
	}
	ends, err := s.ends(ctx) // before the chains are read, which may grow meanwhile
	if err != nil {
		return nil, err
	}
	for project := range ends {
		heads[project] += 0 // a chain of which nothing is left
	}
	var out []Verification
	for project := range heads {
		v := Verification{Project: project}
		gone := erasures{project: project}
		prev, next := []byte{}, int64(1)
		for v.Fault == nil {
			list, err := storage.All(ctx, s.db, scanBatch,
				`SELECT `+batchColumns+` FROM journal_batch WHERE project = $1 AND first >= $2 ORDER BY first LIMIT 500`, project, next)
			if err != nil {
				return nil, err
			}
			for i := range list {
				if v.Fault = list[i].check(prev, next, &gone); v.Fault != nil {
					break
				}
				prev, next = list[i].hash, list[i].last+1
				v.Batches++
				v.Facts = list[i].last
			}
			if len(list) == 0 {
				break
			}
		}
		if v.Fault == nil && v.Facts < ends[project] {
			v.Fault = fmt.Errorf("project %s: facts %d to %d are missing at the end", project, v.Facts+1, ends[project])
		}
		if v.Fault == nil {
			v.Fault = gone.unexplained()
		}
		v.Erased = gone.facts
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b Verification) int {
		if a.Project < b.Project {
			return -1
		}
		return 1
	})
	return out, nil
}

// ends are the last facts of each project that subjects and subscribers point to.
func (s *Store) ends(ctx context.Context) (map[string]int64, error) {
	type end struct {
		project  string
		sequence int64
	}
	list, err := storage.All(ctx, s.db, func(s storage.Scanner) (end, error) {
		var e end
		err := s(&e.project, &e.sequence)
		return e, err
	}, `SELECT project, max(sequence) FROM (SELECT project, sequence FROM fact_subject
		UNION ALL SELECT project, sequence FROM journal_cursor) AS pointed GROUP BY project`)
	ends := make(map[string]int64, len(list))
	for _, e := range list {
		ends[e.project] = e.sequence
	}
	return ends, err
}

// Parked counts the facts that subscribers could not handle, by subscriber.
func (s *Store) Parked(ctx context.Context) (map[string]int64, error) {
	return s.positions(ctx, `SELECT subscriber, count(*) FROM journal_parked GROUP BY subscriber`)
}

// Newest is the time of the newest fact of all projects, zero when there is none.
func (s *Store) Newest(ctx context.Context) (time.Time, error) {
	us, err := storage.One(ctx, s.db, storage.Value[int64], `SELECT COALESCE(MAX(b.at), 0) FROM journal_batch b
		JOIN (SELECT project, MAX(first) AS first FROM journal_batch GROUP BY project) l ON l.project = b.project AND l.first = b.first`)
	return storage.Time(us), err
}
