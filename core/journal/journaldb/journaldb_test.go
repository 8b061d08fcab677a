package journaldb_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/storage"
)

func noted(now time.Time, project, title string) fact.Fact {
	return fact.New(now, project, mainstay.System("test"), fact.ProjectCreated{Name: title, Title: title}, mainstay.Ref{Kind: mainstay.KindProject, ID: title})
}

func append1(t *testing.T, e *mainstaytest.Env, project string, titles ...string) {
	t.Helper()
	var set commit.Set
	for _, s := range titles {
		set.Facts = append(set.Facts, noted(e.Clock.Now(), project, s))
	}
	e.Commit(t, set)
}

func TestFactsKeepTheirOrderPerProject(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				append1(t, e, "p1", fmt.Sprint("a", i), fmt.Sprint("b", i))
				append1(t, e, "p2", fmt.Sprint("c", i))
			})
		}
		wg.Wait()
		facts := e.Facts(t, "p1")
		if len(facts) != 40 {
			t.Fatalf("%d facts", len(facts))
		}
		for i, f := range facts {
			if f.Sequence != int64(i)+1 {
				t.Fatalf("fact %d has sequence %d", i, f.Sequence)
			}
		}
		newest, err := e.Journal.Facts(t.Context(), journal.Query{Project: "p1", Newest: true, Limit: 3, Before: 40})
		if err != nil || len(newest) != 3 || newest[0].Sequence != 39 || newest[2].Sequence != 37 {
			t.Fatalf("%v, %v", newest, err)
		}
		about, err := e.Journal.Facts(t.Context(), journal.Query{Subject: mainstay.Ref{Kind: mainstay.KindProject, ID: "c7"}})
		if err != nil || len(about) != 1 || about[0].Project != "p2" {
			t.Fatalf("%v, %v", about, err)
		}
		verified, err := e.Journal.Verify(t.Context())
		if err != nil || len(verified) != 2 || verified[0].Fault != nil || verified[1].Fault != nil || verified[0].Facts != 40 {
			t.Fatalf("%+v, %v", verified, err)
		}
	})
}

func TestAnAlteredJournalIsFound(t *testing.T) {
	for name, tamper := range map[string]string{
		"a batch is gone":     `DELETE FROM journal_batch WHERE first = 2`,
		"the last is rewound": `UPDATE journal_batch SET hash = prev WHERE first = 3`,
		"content swapped":     `UPDATE journal_batch SET facts = (SELECT facts FROM journal_batch WHERE first = 1) WHERE first = 2`,
	} {
		t.Run(name, func(t *testing.T) {
			mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
				for i := range 3 {
					append1(t, e, "p", fmt.Sprint(i))
				}
				err := e.DB.Write(t.Context(), storage.Normal, func(ctx context.Context) error {
					_, err := e.DB.Exec(ctx, tamper)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				v, err := e.Journal.Verify(t.Context())
				if err != nil || v[0].Fault == nil {
					t.Fatalf("the journal passed: %+v, %v", v, err)
				}
			})
		})
	}
}

func TestSubscribersGetEachFactOnceAndTheirEffectsCommitWithTheCursor(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		append1(t, e, "p", "before the start")
		var mu sync.Mutex
		seen := map[string]int{}
		failures := 2
		sub := journal.Subscriber{Name: "echo", Kinds: []string{"project.created"}, Handle: func(ctx context.Context, facts []fact.Fact) error {
			for _, f := range facts {
				p, _ := fact.As[fact.ProjectCreated](f)
				if p.Title == "stubborn" {
					mu.Lock()
					failures--
					left := failures
					mu.Unlock()
					if left >= 0 {
						return errors.New("not yet")
					}
				}
				// An effect of its own: a fact in another project, in the same transaction.
				if err := e.Saver.Save(ctx, commit.Set{Facts: []fact.Fact{fact.New(e.Clock.Now(), "echo", mainstay.System("echo"), fact.ServiceCreated{Title: p.Title})}}); err != nil {
					return err
				}
				storage.Current(ctx).AfterCommit(func() { mu.Lock(); seen[p.Title]++; mu.Unlock() })
			}
			return nil
		}}
		engines := e.Engines(t, []journal.Subscriber{sub}, nil)
		append1(t, e, "p", "one", "two")
		append1(t, e, "q", "three")
		engines.Settle(t)
		append1(t, e, "q", "stubborn", "after")
		for range 4 { // the waits between tries follow the moved clock
			time.Sleep(20 * time.Millisecond) // real: the subscriber's goroutine begins its wait
			e.Clock.Advance(time.Minute)
		}
		engines.Settle(t)
		for _, s := range []string{"before the start", "one", "two", "three", "stubborn", "after"} {
			if seen[s] != 1 {
				t.Errorf("%q was handled %d times", s, seen[s])
			}
		}
		if n := len(e.Facts(t, "echo")); n != 6 {
			t.Errorf("%d effects", n)
		}
	})
}

func TestAFactThatNeverWorksIsParked(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		var handled []string
		engines := e.Engines(t, []journal.Subscriber{{Name: "picky", Handle: func(_ context.Context, facts []fact.Fact) error {
			for _, f := range facts {
				if p, _ := fact.As[fact.ProjectCreated](f); p.Title == "poison" {
					return errors.New("never")
				}
			}
			handled = append(handled, facts[0].ID)
			return nil
		}}, {Name: "clumsy", Handle: func(_ context.Context, facts []fact.Fact) error {
			if p, _ := fact.As[fact.ProjectCreated](facts[0]); p.Title == "poison" {
				panic("it fell")
			}
			return nil
		}}}, nil)
		append1(t, e, "p", "poison")
		append1(t, e, "p", "good")
		mainstaytest.Eventually(t, "the poison is passed", func() bool {
			e.Clock.Advance(time.Minute)
			n, err := storage.One(t.Context(), e.DB, storage.Value[int64], `SELECT count(*) FROM journal_parked`)
			return err == nil && n == 2
		})
		engines.Settle(t)
		if len(handled) != 1 {
			t.Errorf("handled %d", len(handled))
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	e := mainstaytest.New(b, "sqlite")
	for b.Loop() {
		e.Commit(b, commit.Set{Facts: []fact.Fact{noted(e.Clock.Now(), "p", "x")}})
	}
}

// Facts whose commit's answer was lost reach the subscribers, and effects whose commit's answer was lost happen once.
func TestTheAnswersToCommitsAreLost(t *testing.T) {
	t.Parallel()
	e, wire := mainstaytest.OverWire(t)
	var mu sync.Mutex
	seen := ""
	engines := e.Engines(t, []journal.Subscriber{{Name: "reader", Handle: func(ctx context.Context, facts []fact.Fact) error {
		mu.Lock()
		defer mu.Unlock()
		for _, f := range facts {
			p, _ := fact.As[fact.ProjectCreated](f)
			seen += p.Name
			if p.Name == "b" {
				storage.Current(ctx).BeforeCommit(1000, "last", func(context.Context) error { wire.LoseCommit(); return nil })
			}
		}
		return nil
	}}}, nil)
	expect := func(want string) {
		t.Helper()
		mainstaytest.Eventually(t, want+" is seen", func() bool { mu.Lock(); defer mu.Unlock(); return wire.Lost() && seen == want })
	}
	wire.LoseCommit()
	if err := e.DB.Write(t.Context(), storage.Normal, func(ctx context.Context) error {
		return e.Journal.Append(ctx, []fact.Fact{noted(e.Clock.Now(), "p", "a")})
	}); err == nil {
		t.Fatal("the answer came")
	}
	expect("a")
	append1(t, e, "p", "b", "c")
	expect("abc")
	e.Clock.Advance(time.Minute) // past the pause before another try
	append1(t, e, "p", "d")
	expect("abcd")
	engines.Settle(t)
	expect("abcd")
}
