package timerdb_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/core/timer/timerdb"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/storage"
)

type recorder struct {
	mu    sync.Mutex
	fired []timer.Firing
	fail  int
}

func (r *recorder) handle(_ context.Context, f timer.Firing) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail > 0 {
		if r.fail--; r.fail == 0 {
			panic("not yet either")
		}
		return errors.New("not yet")
	}
	r.fired = append(r.fired, f)
	return nil
}

func (r *recorder) subjects() (l []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.fired {
		l = append(l, f.Subject)
	}
	return l
}

func at(d time.Duration, subject string) timer.Timer {
	return timer.Timer{Kind: "test.due", Subject: subject, Project: "p", Due: mainstaytest.Start.Add(d)}
}

func TestTimersFireWhenDueInOrderAndOnce(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		r := &recorder{}
		e.Commit(t, commit.Set{Timers: []timer.Timer{at(-time.Hour, "missed"), at(time.Minute, "second"), at(30*time.Second, "first"), at(5*time.Hour, "far")}})
		engines := e.Engines(t, nil, map[string]timer.Handler{"test.due": r.handle})
		engines.Settle(t)
		if got := r.subjects(); len(got) != 1 || got[0] != "missed" || !r.fired[0].Late {
			t.Fatalf("after the start: %v", got)
		}
		engines.Advance(t, 29*time.Second)
		if got := r.subjects(); len(got) != 1 {
			t.Fatalf("too early: %v", got)
		}
		engines.Advance(t, time.Minute)
		if got := r.subjects(); len(got) != 3 || got[1] != "first" || got[2] != "second" {
			t.Fatalf("order: %v", got)
		}
		engines.Advance(t, 5*time.Hour)
		if got := r.subjects(); len(got) != 4 || got[3] != "far" {
			t.Fatalf("the far one: %v", got)
		}
	})
}

func TestAMovedOrCancelledTimerDoesNotFireAtItsOldTime(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		r := &recorder{}
		engines := e.Engines(t, nil, map[string]timer.Handler{"test.due": r.handle})
		e.Commit(t, commit.Set{Timers: []timer.Timer{at(10*time.Second, "moved"), at(10*time.Second, "cancelled"), at(10*time.Second, "away")}})
		e.Commit(t, commit.Set{
			Timers: []timer.Timer{at(40*time.Second, "moved"), at(4*time.Hour, "away")},
			Cancel: []commit.CancelTimer{{Kind: "test.due", Subject: "cancelled"}},
		})
		engines.Advance(t, 20*time.Second)
		if got := r.subjects(); len(got) != 0 {
			t.Fatalf("fired at the old time: %v", got)
		}
		engines.Advance(t, 30*time.Second)
		if got := r.subjects(); len(got) != 1 || got[0] != "moved" {
			t.Fatalf("%v", got)
		}
	})
}

func TestAFailedTimerFiresAgain(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		r := &recorder{fail: 2}
		engines := e.Engines(t, nil, map[string]timer.Handler{"test.due": r.handle})
		e.Commit(t, commit.Set{Timers: []timer.Timer{at(time.Second, "stubborn")}})
		for range 4 {
			engines.Advance(t, 3*time.Second)
		}
		if got := r.subjects(); len(got) != 1 {
			t.Fatalf("%v", got)
		}
	})
}

// slow is a store whose read of the table takes so long that another commit comes in between.
type slow struct {
	timer.Store
	during func()
}

func (s *slow) Upcoming(ctx context.Context, horizon time.Time, limit int) ([]timer.Timer, error) {
	list, err := s.Store.Upcoming(ctx, horizon, limit)
	if s.during != nil {
		s.during()
	}
	return list, err
}

// A timer that is moved while the table is read fires at its new time, not after the next read.
func TestATimerMovedDuringARead(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		store := &slow{Store: timerdb.New(e.DB)}
		r := &recorder{}
		engine, err := timer.NewEngine(timer.Config{Store: store, Time: e.Clock, Handlers: map[string]timer.Handler{"test.due": r.handle}})
		if err != nil {
			t.Fatal(err)
		}
		moving := store.Store.(*timerdb.Store)
		set := func(x timer.Timer) {
			err := e.DB.Write(t.Context(), storage.Normal, func(ctx context.Context) error { return moving.Set(ctx, []timer.Timer{x}) })
			if err != nil {
				t.Error(err)
			}
		}
		set(at(50*time.Second, "page"))
		store.during = func() { set(at(5*time.Second, "page")) }
		if err := engine.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer engine.Stop()
		e.Clock.Advance(6 * time.Second)
		mainstaytest.Eventually(t, "it has fired", func() bool { return len(r.subjects()) == 1 })
	})
}

// A timer fires, sets the next one, and the answer to that commit is lost: the next one fires in time all the same.
func TestTheAnswerToACommitIsLost(t *testing.T) {
	t.Parallel()
	e, wire := mainstaytest.OverWire(t)
	var mu sync.Mutex
	var steps []int64
	engines := e.Engines(t, nil, map[string]timer.Handler{"test.step": func(ctx context.Context, f timer.Firing) error {
		mu.Lock()
		steps = append(steps, f.Generation)
		mu.Unlock()
		next := f.Timer
		next.Due, next.Generation = f.Now.Add(10*time.Second), f.Generation+1
		return e.Saver.Save(ctx, commit.Set{Timers: []timer.Timer{next}})
	}})
	first := at(time.Minute, "page")
	first.Kind = "test.step"
	e.Commit(t, commit.Set{Timers: []timer.Timer{first}})
	engines.Settle(t)
	wire.LoseCommit()
	e.Clock.Advance(time.Minute)
	mainstaytest.Eventually(t, "the commit was lost", wire.Lost)
	time.Sleep(100 * time.Millisecond) // real: the other goroutine is told
	e.Clock.Advance(10 * time.Second)
	mainstaytest.Eventually(t, "the second step is taken", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(steps) > 1
	})
	mu.Lock()
	defer mu.Unlock()
	if len(steps) != 2 || steps[1] != steps[0]+1 {
		t.Errorf("steps %v", steps)
	}
}
