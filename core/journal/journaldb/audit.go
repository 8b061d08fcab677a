package journaldb

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/storage"
)

var _ journal.Auditor = (*Store)(nil)

// Audit merges the chains of several projects, newest first; see journal.Auditor. A cursor holds for each chain where to go on, so that
// every fact that was there at the first page is shown once, whatever commits meanwhile.
func (s *Store) Audit(ctx context.Context, q journal.AuditQuery) (journal.AuditPage, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	q.Limit = min(q.Limit, 1000)
	if q.Reach <= 0 {
		q.Reach = 20_000
	}
	chains, err := s.chains(ctx, q)
	if err != nil {
		return journal.AuditPage{}, err
	}
	page := journal.AuditPage{Facts: []fact.Fact{}}
	for len(page.Facts) < q.Limit {
		var newest *chain
		for _, c := range chains {
			if err := c.fill(ctx, &q.Reach); err != nil {
				return page, err
			}
			if len(c.facts) == 0 && !c.done { // it cannot say what comes next: nothing older may be shown
				page.Next, page.Back = cursorOf(chains), c.at
				return page, nil
			}
			if len(c.facts) > 0 && (newest == nil || later(c.facts[0], newest.facts[0])) {
				newest = c
			}
		}
		if newest == nil {
			return page, nil
		}
		page.Facts = append(page.Facts, newest.facts[0])
		newest.facts = newest.facts[1:]
	}
	page.Next = cursorOf(chains)
	return page, nil
}

func later(a, b fact.Fact) bool {
	if c := a.Recorded.Compare(b.Recorded); c != 0 {
		return c > 0
	}
	return a.Project < b.Project
}

// chain reads one project backwards.
type chain struct {
	s       *Store
	q       *journal.AuditQuery
	project string
	before  int64 // everything from here on was looked at
	at      time.Time
	facts   []fact.Fact // found and not shown yet, newest first
	read    []stretch   // read and not looked into yet
	done    bool
	needles [][]byte
}

// chains makes the readers, each from where the cursor says.
func (s *Store) chains(ctx context.Context, q journal.AuditQuery) ([]*chain, error) {
	from := map[string]int64{}
	if q.Cursor != "" {
		b, err := base64.RawURLEncoding.DecodeString(q.Cursor)
		if err == nil {
			err = json.Unmarshal(b, &from)
		}
		if err != nil {
			return nil, mainstay.Errorf(mainstay.Invalid, "The cursor is not one of ours.")
		}
	}
	var list []*chain
	for _, p := range q.Projects {
		c := &chain{s: s, q: &q, project: p, needles: needles(q)}
		var given bool
		if c.before, given = from[p]; !given && q.Cursor != "" {
			continue // it came into being after the first page
		}
		if !given {
			var err error
			if c.before, err = s.beginning(ctx, p, q.Until); err != nil {
				return nil, err
			}
		}
		list = append(list, c)
	}
	return list, nil
}

// beginning is the sequence after the last fact recorded before the time; zero for now.
func (s *Store) beginning(ctx context.Context, project string, until time.Time) (int64, error) {
	if until.IsZero() {
		n, err := storage.One(ctx, s.db, storage.Value[int64], `SELECT COALESCE(MAX(last), 0) + 1 FROM journal_batch WHERE project = $1`, project)
		return n, err
	}
	// What was recorded a little earlier may have committed a little later.
	return storage.One(ctx, s.db, storage.Value[int64], `SELECT COALESCE(MAX(last), 0) + 1 FROM journal_batch WHERE project = $1 AND at < $2`,
		project, storage.Micros(until))
}

// needles are texts of which each stands in the JSON of every batch that holds a wanted fact: most need not be parsed.
func needles(q journal.AuditQuery) [][]byte {
	var list [][]byte
	if q.Person != "" {
		list = append(list, []byte(q.Person))
	}
	if !q.Subject.IsZero() {
		list = append(list, []byte(q.Subject.ID))
	}
	if len(q.Kinds) == 1 {
		list = append(list, []byte(`"kind":"`+q.Kinds[0]))
	}
	return list
}

const slack = 10 * time.Minute

// fill finds the next facts, if none are waiting. It stops when the reach is used up.
func (c *chain) fill(ctx context.Context, reach *int) error {
	const page = 100
	for len(c.facts) == 0 && !c.done && *reach > 0 {
		if c.before <= 1 {
			c.done = true
			return nil
		}
		if !c.q.Subject.IsZero() {
			if err := c.bySubject(ctx, page); err != nil {
				return err
			}
			*reach--
			continue
		}
		if len(c.read) == 0 {
			var err error
			c.read, err = storage.All(ctx, c.s.db, scanStretch, `SELECT at, `+batchColumns+` FROM journal_batch
				WHERE project = $1 AND first < $2 ORDER BY first DESC LIMIT $3`, c.project, c.before, min(page, *reach))
			if err != nil {
				return err
			}
			if len(c.read) == 0 {
				c.before, c.done = 1, true
				return nil
			}
		}
		b := c.read[0]
		c.read = c.read[1:]
		*reach--
		if err := c.take(&b); err != nil {
			return err
		}
		c.at, c.before = b.at, b.first
		c.done = !c.q.Since.IsZero() && c.at.Before(c.q.Since.Add(-slack)) && len(c.facts) == 0
	}
	return nil
}

// stretch is a batch with its time.
type stretch struct {
	batch
	at time.Time
}

func scanStretch(sc storage.Scanner) (stretch, error) {
	var x stretch
	b, err := scanBatch(func(to ...any) error { return sc(append([]any{storage.Into(&x.at)}, to...)...) })
	x.batch = b
	return x, err
}

// take adds the wanted facts of the batch.
func (c *chain) take(b *stretch) error {
	if len(c.q.Kinds) > 0 && b.kinds != "" && !slices.ContainsFunc(strings.Split(b.kinds, ","), c.kind) {
		return nil
	}
	if len(c.needles) > 0 {
		text, err := s2.Decode(nil, b.packed)
		if err != nil {
			return err
		}
		for _, n := range c.needles {
			if !bytes.Contains(text, n) {
				return nil
			}
		}
	}
	facts, err := b.unpack()
	if err != nil {
		return err
	}
	for _, f := range slices.Backward(facts) {
		if f.Sequence < c.before && c.wants(f) {
			c.facts = append(c.facts, f)
		}
	}
	return nil
}

// bySubject finds the next facts about the object by the index.
func (c *chain) bySubject(ctx context.Context, page int) error {
	list, err := storage.All(ctx, c.s.db, storage.Value[int64], `SELECT sequence FROM fact_subject WHERE subject = $1 AND project = $2 AND sequence < $3
		ORDER BY sequence DESC LIMIT $4`, c.q.Subject.String(), c.project, c.before, page)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		c.before, c.done = 1, true
		return nil
	}
	cache := map[position][]fact.Fact{}
	for _, n := range list {
		f, err := c.s.at(ctx, position{c.project, n}, cache)
		if err != nil {
			return err
		}
		if c.before, c.at = n, f.Recorded; c.wants(f) {
			c.facts = append(c.facts, f)
		}
	}
	return nil
}

func (c *chain) kind(kind string) bool {
	return len(c.q.Kinds) == 0 || slices.ContainsFunc(c.q.Kinds, func(k string) bool {
		return k == kind || strings.HasSuffix(k, ".") && strings.HasPrefix(kind, k)
	})
}

func (c *chain) wants(f fact.Fact) bool {
	q := c.q
	if !c.kind(f.Kind) || !q.Since.IsZero() && f.Recorded.Before(q.Since) || !q.Until.IsZero() && !f.Recorded.Before(q.Until) {
		return false
	}
	if system := f.Actor.Kind == mainstay.ActorSystem; q.By == "people" && system || q.By == "system" && !system {
		return false
	}
	if !q.Subject.IsZero() && !slices.Contains(f.Subjects, q.Subject) {
		return false
	}
	person := mainstay.Ref{Kind: mainstay.KindPerson, ID: q.Person}
	return q.Person == "" || f.Actor == mainstay.Person(q.Person) || slices.Contains(f.Subjects, person)
}

// cursorOf says where each chain goes on; "" when none does.
func cursorOf(chains []*chain) string {
	at := map[string]int64{}
	left := false
	for _, c := range chains {
		at[c.project] = c.before
		if len(c.facts) > 0 {
			at[c.project] = c.facts[0].Sequence + 1
		}
		left = left || len(c.facts) > 0 || !c.done
		if c.done && len(c.facts) == 0 {
			at[c.project] = 0
		}
	}
	if !left {
		return ""
	}
	b, err := json.Marshal(at)
	if err != nil {
		return "" // a map of numbers can always be written
	}
	return base64.RawURLEncoding.EncodeToString(b)
}
