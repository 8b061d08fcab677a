package journaldb

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/storage"
)

var _ journal.Eraser = (*Store)(nil)

// together is how many batches one transaction rewrites at most: writes stay short.
const together = 20

// Erase erases the content of facts; see journal.Eraser. It reads outside of transactions, so that it holds nobody up.
func (s *Store) Erase(ctx context.Context, now time.Time, e journal.Erasure) (journal.Erased, error) {
	done := journal.Erased{Last: e.After}
	if e.Rewrite == nil || e.Project == "" || e.Reason == "" {
		return done, errors.New("journal: an erasure needs a project, a reason and a Rewrite")
	}
	if e.Batches <= 0 {
		e.Batches = 500
	}
	before := int64(1) << 62
	if !e.Before.IsZero() {
		before = storage.Micros(e.Before)
	}
	for read := 0; read < e.Batches; {
		page := min(together*5, e.Batches-read)
		list, err := storage.All(ctx, s.db, scanBatch, `SELECT `+batchColumns+` FROM journal_batch
			WHERE project = $1 AND last > $2 AND at < $3 ORDER BY first LIMIT $4`, e.Project, done.Last, before, page)
		if err != nil {
			return done, err
		}
		var touched []int64
		for i := range list {
			changed, err := list[i].erase(e)
			if err != nil {
				return done, err
			}
			if len(changed) > 0 {
				touched = append(touched, list[i].first)
			}
			if len(touched) == together || i == len(list)-1 {
				n, err := s.rewrite(ctx, now, e, touched)
				if err != nil {
					return done, err
				}
				done.Facts += n
				done.Last = list[i].last
				touched = nil
			}
		}
		if read += len(list); len(list) < page {
			done.Done = true
			return done, nil
		}
	}
	return done, nil
}

// rewrite erases in the batches that begin at these sequences, in one transaction with the fact that says so.
func (s *Store) rewrite(ctx context.Context, now time.Time, e journal.Erasure, firsts []int64) (n int64, err error) {
	if len(firsts) == 0 {
		return 0, nil
	}
	err = s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		n = 0
		p := fact.PayloadErased{ErasedProject: e.Project, Cause: e.Cause, Person: e.Person, Reason: e.Reason}
		var gone ranges
		for _, first := range firsts {
			b, err := storage.One(ctx, s.db, scanBatch,
				`SELECT `+batchColumns+` FROM journal_batch WHERE project = $1 AND first = $2`+s.db.Locking(), e.Project, first)
			if err != nil {
				return err
			}
			changed, err := b.erase(e)
			if err != nil || len(changed) == 0 {
				return err
			}
			for _, c := range changed {
				if n++; p.ErasedSequence == 0 {
					p.ErasedSequence = c.Fact.Sequence
				}
				if len(c.Anew) == 0 {
					gone.add(c.Fact.Sequence)
					continue
				}
				p.Rewritten = append(p.Rewritten, fact.PayloadRewritten{Sequence: c.Fact.Sequence, Digest: digest(c.Anew, c.Fact.Payload)})
			}
			if _, err := s.db.Exec(ctx, `UPDATE journal_batch SET facts = $1 WHERE project = $2 AND first = $3`, b.packed, e.Project, first); err != nil {
				return err
			}
		}
		if n == 0 {
			return nil
		}
		p.Facts, p.Sequences = n, gone.String()
		return s.Append(ctx, []fact.Fact{fact.New(now, e.Project, e.Actor, p)})
	})
	return n, err
}

// erase applies the erasure to the batch and returns the entries that it changed. Facts about erasures stay.
func (b *batch) erase(e journal.Erasure) ([]entry, error) {
	text, err := s2.Decode(nil, b.packed)
	if err != nil {
		return nil, fmt.Errorf("journal of %s, facts %d to %d: %w", b.project, b.first, b.last, err)
	}
	if e.Holds != nil && !holdsAny(text, e.Holds) {
		return nil, nil
	}
	var all []entry
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("journal of %s, facts %d to %d: %w", b.project, b.first, b.last, err)
	}
	var changed []entry
	for i := range all {
		x := &all[i]
		if x.Fact.Sequence <= e.After || string(x.Fact.Payload) == "null" || x.Fact.Kind == (fact.PayloadErased{}).FactKind() {
			continue
		}
		payload, change := e.Rewrite(x.Fact)
		if !change || bytes.Equal(payload, x.Fact.Payload) {
			continue
		}
		x.Salt, x.Anew, x.Fact.Payload = nil, nil, nil
		if len(payload) > 0 && string(payload) != "null" {
			if !json.Valid(payload) {
				return nil, fmt.Errorf("fact %s (%s): what shall stand in its payload's place is no JSON", x.Fact.ID, x.Fact.Kind)
			}
			x.Fact.Payload, x.Anew = payload, make([]byte, 16)
			if _, err := rand.Read(x.Anew); err != nil {
				return nil, err
			}
		}
		changed = append(changed, *x)
	}
	if len(changed) > 0 {
		b.packed = s2.Encode(nil, appendEntries(make([]byte, 0, 768*len(all)), all))
	}
	return changed, nil
}

func holdsAny(text []byte, needles []string) bool {
	for _, n := range needles {
		if n != "" && bytes.Contains(text, []byte(n)) {
			return true
		}
	}
	return false
}

// ranges are ascending sequences, as first and last.
type ranges [][2]int64

func (r *ranges) add(n int64) {
	if l := len(*r); l > 0 && (*r)[l-1][1]+1 == n {
		(*r)[l-1][1] = n
		return
	}
	*r = append(*r, [2]int64{n, n})
}

func (r ranges) String() string {
	var b strings.Builder
	for i, x := range r {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(x[0], 10))
		if x[1] > x[0] {
			b.WriteString("-" + strconv.FormatInt(x[1], 10))
		}
	}
	return b.String()
}

func parseRanges(s string) (ranges, error) {
	var r ranges
	for part := range strings.SplitSeq(s, ",") {
		if part == "" {
			continue
		}
		from, to, two := strings.Cut(part, "-")
		a, err := strconv.ParseInt(from, 10, 64)
		b := a
		if err == nil && two {
			b, err = strconv.ParseInt(to, 10, 64)
		}
		if err != nil {
			return nil, fmt.Errorf("%q are no sequences", s)
		}
		r = append(r, [2]int64{a, b})
	}
	return r, nil
}

// merged is r in order, without overlaps.
func (r ranges) merged() ranges {
	slices.SortFunc(r, func(a, b [2]int64) int { return cmp.Compare(a[0], b[0]) })
	var m ranges
	for _, x := range r {
		if l := len(m); l > 0 && x[0] <= m[l-1][1]+1 {
			m[l-1][1] = max(m[l-1][1], x[1])
			continue
		}
		m = append(m, x)
	}
	return m
}

// without is the first sequence of x that a merged r does not hold, 0 when it holds all.
func (r ranges) without(x [2]int64) int64 {
	i, _ := slices.BinarySearchFunc(r, x[0], func(y [2]int64, n int64) int { return cmp.Compare(y[1], n) })
	if i == len(r) || r[i][0] > x[0] {
		return x[0]
	}
	if r[i][1] < x[1] {
		return r[i][1] + 1
	}
	return 0
}

// erasures are what a chain lacks of its content, and what its facts say about that.
type erasures struct {
	project string
	facts   int64
	gone    ranges           // whose content is not there
	anew    map[int64][]byte // whose content is another, with its digest
	told    []told           // what facts say, in their order
}

type told struct {
	at        int64 // the sequence of the fact that says it
	gone      ranges
	rewritten []fact.PayloadRewritten
}

// note takes the entry in and reports whether its content is no longer the one that was sealed.
func (g *erasures) note(e entry) bool {
	if p, is := fact.As[fact.PayloadErased](e.Fact); is && p.ErasedProject == g.project {
		if r, err := parseRanges(p.Sequences); err == nil {
			g.told = append(g.told, told{e.Fact.Sequence, r, p.Rewritten})
		}
	}
	switch {
	case len(e.Anew) > 0:
		if g.anew == nil {
			g.anew = map[int64][]byte{}
		}
		g.anew[e.Fact.Sequence] = digest(e.Anew, e.Fact.Payload)
	case len(e.Salt) == 0 && string(e.Fact.Payload) == "null":
		g.gone.add(e.Fact.Sequence)
	default:
		return false
	}
	g.facts++
	return true
}

// unexplained is an error for content that went without a later fact that says so, or that is not what the fact says.
func (g *erasures) unexplained() error {
	if g.facts == 0 {
		return nil
	}
	var told ranges
	said := map[int64][]byte{} // of the rewritten, the latest counts
	for _, t := range g.told {
		told = append(told, t.gone...)
		for _, w := range t.rewritten {
			if w.Sequence < t.at {
				said[w.Sequence] = w.Digest
			}
		}
	}
	told = told.merged()
	for _, r := range g.gone {
		if n := told.without(r); n > 0 {
			return fmt.Errorf("project %s: the content of fact %d is gone, and no fact says why", g.project, n)
		}
	}
	for n, is := range g.anew {
		if !bytes.Equal(is, said[n]) {
			return fmt.Errorf("project %s: the content of fact %d was replaced, and no fact says by this", g.project, n)
		}
	}
	return nil
}
