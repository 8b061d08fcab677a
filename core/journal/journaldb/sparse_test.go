package journaldb_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/storage"
)

// Facts of a sparse kind take no entry in the index of subjects, and are found all the same: by the moments that their object keeps.
func TestSparseFactsAreFoundByTheirMoments(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		ref := func(id string) mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindAlert, ID: id} }
		moments := map[string][]time.Time{}
		commitBoth := func(id string, p fact.Payload) {
			now := e.Clock.Now()
			e.Commit(t, commit.Set{Facts: []fact.Fact{
				fact.New(now, "shop", mainstay.System("test"), p, ref(id)), fact.New(now, "shop", mainstay.System("test"), p, ref("other")),
			}})
			moments[id] = append(moments[id], now)
			e.Clock.Advance(time.Second)
		}
		commitBoth("a1", fact.AlertFired{Name: "before"}) // with an entry: an earlier release wrote it
		e.Journal.Sparse(journal.Sparse{
			Subject: mainstay.KindAlert, Kinds: []string{"alert.fired", "alert.resolved"},
			Moments: func(_ context.Context, id string) (string, []time.Time, error) { return "shop", moments[id], nil },
		})
		commitBoth("a1", fact.AlertResolved{Name: "after"})
		commitBoth("a1", fact.PageWanted{Title: "of a kind that is not sparse"})
		n, err := storage.One(t.Context(), e.DB, storage.Value[int64], `SELECT count(*) FROM fact_subject WHERE subject = 'alert:a1'`)
		if err != nil || n != 2 {
			t.Fatalf("%d entries, %v", n, err)
		}
		for _, c := range []struct {
			q    journal.Query
			want []string
		}{
			{journal.Query{Subject: ref("a1")}, []string{"alert.fired", "alert.resolved", "page.wanted"}},
			{journal.Query{Subject: ref("a1"), Newest: true}, []string{"page.wanted", "alert.resolved", "alert.fired"}},
			{journal.Query{Subject: ref("a1"), Limit: 2}, []string{"alert.fired", "alert.resolved"}},
			{journal.Query{Subject: ref("a1"), Kinds: []string{"alert.resolved"}}, []string{"alert.resolved"}},
			{journal.Query{Subject: ref("a1"), After: 2}, []string{"alert.resolved", "page.wanted"}},
			{journal.Query{Subject: ref("a1"), Project: "elsewhere"}, nil},
			{journal.Query{Subject: ref("nobody")}, nil},
		} {
			facts, err := e.Journal.Facts(t.Context(), c.q)
			var kinds []string
			for _, f := range facts {
				kinds = append(kinds, f.Kind)
			}
			if err != nil || !slices.Equal(kinds, c.want) {
				t.Errorf("%+v gives %q, %v; want %q", c.q, kinds, err, c.want)
			}
		}
	})
}

// A subscriber that is far behind passes batches that hold nothing for it without reading them.
func TestWhatInterestsNobodyIsNotRead(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		for i := range 30 {
			append1(t, e, "p", fmt.Sprint(i))
		}
		e.Commit(t, commit.Set{Facts: []fact.Fact{fact.New(e.Clock.Now(), "p", mainstay.System("test"), fact.ServiceCreated{Title: "wanted"})}})
		append1(t, e, "p", "last")
		err := e.DB.Write(t.Context(), storage.Normal, func(ctx context.Context) error {
			_, err := e.DB.Exec(ctx, `UPDATE journal_batch SET facts = $1 WHERE kinds = 'project.created'`, []byte("unreadable"))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		facts, to, err := e.Journal.Wanted(t.Context(), "p", []string{"service.created"}, 0)
		if err != nil || len(facts) != 1 || facts[0].Sequence != 31 || to != 32 {
			t.Fatalf("%v up to %d, %v", facts, to, err)
		}
		if _, _, err := e.Journal.Wanted(t.Context(), "p", nil, 0); err == nil {
			t.Fatal("whoever wants all must be told that some cannot be read")
		}
		v, err := e.Journal.Verify(t.Context())
		if err != nil || v[0].Fault == nil {
			t.Fatalf("%+v, %v", v, err)
		}
	})
}
