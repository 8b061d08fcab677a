package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/fact"
)

// Config makes an Engine. Store is required.
type Config struct {
	Store       Store
	Time        mainstay.Timekeeper
	Log         *slog.Logger
	Subscribers []Subscriber
	// Failed is called when a subscriber failed, for the counter in /metrics. May be nil.
	Failed func(subscriber string)
}

// Engine brings facts to the subscribers: one goroutine each, woken by commits. It polls nothing.
type Engine struct {
	cfg  Config
	mu   sync.Mutex
	cond *sync.Cond // a cursor or head moved, or a subscriber waits
	head map[string]int64
	tail map[string][]fact.Fact // the latest facts of each project without a hole, so that subscribers need not read them
	subs []*subscription
	wg   sync.WaitGroup
	stop context.CancelFunc
}

type subscription struct {
	Subscriber
	wake   chan struct{}
	cursor map[string]int64
	kept   map[string]int64 // the cursor as it stands in the database
}

const (
	tailLength = 4096   // facts kept in memory per project
	handful    = 100    // facts handed over in one transaction
	stretch    = 1000   // facts read at once
	uninterest = 20_000 // facts passed without interest before the cursor is kept
	tries      = 12     // before a fact is parked
)

// NewEngine makes an engine; Start begins the work.
func NewEngine(cfg Config) (*Engine, error) {
	if cfg.Store == nil {
		return nil, errors.New("journal: the engine needs a Store")
	}
	if cfg.Time == nil {
		cfg.Time = mainstay.Clock{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	e := &Engine{cfg: cfg, head: map[string]int64{}, tail: map[string][]fact.Fact{}}
	e.cond = sync.NewCond(&e.mu)
	names := map[string]bool{}
	for _, s := range cfg.Subscribers {
		if names[s.Name] || s.Name == "" {
			return nil, fmt.Errorf("journal: subscriber name %q is empty or used twice", s.Name)
		}
		names[s.Name] = true
		s.Handle = survive(s.Handle)
		e.subs = append(e.subs, &subscription{Subscriber: s, wake: make(chan struct{}, 1)})
	}
	return e, nil
}

// survive makes a handler that breaks down one that fails: its fact is parked in the end, instead of ending every start anew.
func survive(h func(ctx context.Context, facts []fact.Fact) error) func(ctx context.Context, facts []fact.Fact) error {
	return func(ctx context.Context, facts []fact.Fact) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("the handler broke down: %v\n%s", p, debug.Stack())
			}
		}()
		return h(ctx, facts)
	}
}

// Start reads heads and cursors and begins. Every write under ctx is fenced, if the caller made it so.
func (e *Engine) Start(ctx context.Context) error {
	ctx, e.stop = context.WithCancel(ctx)
	e.cfg.Store.Changed(func(facts []fact.Fact) { e.changed(ctx, facts) })
	heads, err := e.cfg.Store.Heads(ctx)
	if err != nil {
		return err
	}
	e.mu.Lock()
	for p, n := range heads {
		e.head[p] = max(e.head[p], n)
	}
	e.mu.Unlock()
	for _, s := range e.subs {
		kept, err := e.cfg.Store.Cursors(ctx, s.Name)
		if err != nil {
			return err
		}
		e.mu.Lock()
		s.kept, s.cursor = kept, maps.Clone(kept)
		e.mu.Unlock()
		e.wg.Go(func() { e.run(ctx, s) })
	}
	return nil
}

// Stop ends the subscribers after the transaction they are in.
func (e *Engine) Stop() {
	if e.stop != nil {
		e.stop()
	}
	e.wg.Wait()
}

// changed notes new facts; nil means that another process may have written.
func (e *Engine) changed(ctx context.Context, facts []fact.Fact) {
	if facts == nil {
		heads, err := e.cfg.Store.Heads(ctx)
		if err != nil {
			e.cfg.Log.Warn("reading the journal's heads", "error", err)
			return
		}
		e.mu.Lock()
		for p, n := range heads {
			e.head[p] = max(e.head[p], n)
		}
	} else {
		e.mu.Lock()
		for len(facts) > 0 {
			n := 1
			for n < len(facts) && facts[n].Project == facts[0].Project && facts[n].Sequence == facts[n-1].Sequence+1 {
				n++
			}
			e.remember(facts[:n])
			e.pass(facts[:n])
			facts = facts[n:]
		}
	}
	e.cond.Broadcast()
	e.mu.Unlock()
	for _, s := range e.subs {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// remember adds facts that follow each other to the tail of their project. Commits may be told out of order; then the tail starts anew.
func (e *Engine) remember(facts []fact.Fact) {
	project, first, last := facts[0].Project, facts[0].Sequence, facts[len(facts)-1].Sequence
	e.head[project] = max(e.head[project], last)
	t := e.tail[project]
	if n := len(t); n > 0 && t[n-1].Sequence+1 != first {
		if first <= t[n-1].Sequence {
			return
		}
		t = nil
	}
	if keep := tailLength - min(tailLength, len(facts)); len(t)+len(facts) > cap(t) {
		grown := make([]fact.Fact, 0, min(2*tailLength, 4*(len(t)+len(facts))))
		t = append(grown, t[len(t)-min(keep, len(t)):]...)
	}
	e.tail[project] = append(t, facts...)
}

// pass moves the subscribers that have seen everything before the facts, and want none of their kinds, past them in memory: under load
// most facts interest few.
func (e *Engine) pass(facts []fact.Fact) {
	project, first, last := facts[0].Project, facts[0].Sequence, facts[len(facts)-1].Sequence
	for _, s := range e.subs {
		at, known := s.cursor[project]
		if at+1 != first || !known && first != 1 || s.cursor == nil || last-s.kept[project] >= uninterest {
			continue
		}
		n := 0
		for n < len(facts) && (n > 0 && facts[n].Kind == facts[n-1].Kind || !s.wants(&facts[n])) {
			n++
		}
		if n > 0 {
			s.cursor[project] = facts[n-1].Sequence
		}
	}
}

func (s *subscription) wants(f *fact.Fact) bool {
	return s.Kinds == nil || slices.Contains(s.Kinds, f.Kind)
}

func (e *Engine) run(ctx context.Context, s *subscription) {
	for {
		for e.round(ctx, s) {
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return
		}
	}
}

// round serves each project that has news once, and reports whether there may be more.
func (e *Engine) round(ctx context.Context, s *subscription) bool {
	e.mu.Lock()
	var behind []string
	for p, h := range e.head {
		if s.cursor[p] < h {
			behind = append(behind, p)
		}
	}
	e.mu.Unlock()
	slices.Sort(behind)
	for _, p := range behind {
		if err := e.serve(ctx, s, p); err != nil {
			if ctx.Err() != nil {
				return false
			}
			e.cfg.Log.Error("a subscriber could not go on", "subscriber", s.Name, "project", p, "error", err)
			if !e.pause(ctx, time.Second) {
				return false
			}
		}
	}
	return len(behind) > 0 && ctx.Err() == nil
}

func (e *Engine) pause(ctx context.Context, d time.Duration) bool {
	c, cancel := e.cfg.Time.Wait(d)
	defer cancel()
	select {
	case <-c:
		return true
	case <-ctx.Done():
		return false
	}
}

// read returns the facts after the cursor that the subscriber wants, from memory when they are there, and how far it has looked.
func (e *Engine) read(ctx context.Context, s *subscription, project string, after int64) (want []fact.Fact, to int64, err error) {
	e.mu.Lock()
	t := e.tail[project]
	if len(t) > 0 && t[0].Sequence <= after+1 && t[len(t)-1].Sequence > after {
		facts := t[after+1-t[0].Sequence:]
		facts = facts[:min(len(facts), stretch)]
		for i := range facts {
			if s.wants(&facts[i]) {
				want = append(want, facts[i])
			}
		}
		to = facts[len(facts)-1].Sequence
		e.mu.Unlock()
		return want, to, nil
	}
	e.mu.Unlock()
	return e.cfg.Store.Wanted(ctx, project, s.Kinds, after)
}

// serve hands one stretch of a project's facts to the subscriber.
func (e *Engine) serve(ctx context.Context, s *subscription, project string) error {
	after := e.position(s, project)
	want, to, err := e.read(ctx, s, project, after)
	if err != nil {
		return err
	}
	if to <= after {
		return fmt.Errorf("the facts of %s after %d cannot be found", project, after)
	}
	if len(want) > handful {
		want = want[:handful]
		to = want[handful-1].Sequence
	}
	if len(want) == 0 && to-s.kept[project] < uninterest {
		e.move(s, project, to, false)
		return nil
	}
	cursor, err := e.cfg.Store.Advance(ctx, s.Subscriber, project, after, to, want)
	if err != nil {
		if e.cfg.Failed != nil {
			e.cfg.Failed(s.Name)
		}
		return e.singly(ctx, s, project, after, to, want, err)
	}
	e.move(s, project, cursor, true)
	return nil
}

// singly hands facts over one by one after a failure, each several times, and parks the one that never works.
func (e *Engine) singly(ctx context.Context, s *subscription, project string, after, to int64, want []fact.Fact, failed error) error {
	for _, f := range want {
		if f.Sequence <= after {
			continue // done at the first try, whose answer was lost
		}
		backoff := 50 * time.Millisecond
		for try := 1; ; try++ {
			cursor, err := e.cfg.Store.Advance(ctx, s.Subscriber, project, after, f.Sequence, []fact.Fact{f})
			if err == nil {
				after = cursor
				e.move(s, project, cursor, true)
				break
			}
			if ctx.Err() != nil {
				return err
			}
			// A busy database or a lost lease is not the fact's fault.
			if try >= tries && !mainstay.Is(err, mainstay.Unavailable) {
				e.cfg.Log.Error("a fact is parked", "subscriber", s.Name, "project", project, "sequence", f.Sequence, "kind", f.Kind, "error", err)
				if err := e.cfg.Store.Park(ctx, s.Name, f, err.Error(), e.cfg.Time.Now()); err != nil {
					return err
				}
				after = f.Sequence
				e.move(s, project, after, true)
				break
			}
			e.cfg.Log.Warn("a subscriber failed and will try again", "subscriber", s.Name, "kind", f.Kind, "try", try, "error", err, "first", failed)
			if !e.pause(ctx, backoff) {
				return ctx.Err()
			}
			backoff = min(2*backoff, 30*time.Second)
		}
	}
	e.move(s, project, max(after, to), false)
	return nil
}

func (e *Engine) position(s *subscription, project string) int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return s.cursor[project]
}

func (e *Engine) move(s *subscription, project string, to int64, kept bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s.cursor[project] = to
	if kept {
		s.kept[project] = to
	}
	e.cond.Broadcast()
}

// Settled reports whether every subscriber has seen every fact that is known to be committed.
func (e *Engine) Settled() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.subs {
		for p, h := range e.head {
			if s.cursor[p] < h {
				return false
			}
		}
	}
	return true
}

// Lag is how many facts the slowest subscriber of the given name is behind, over all projects; for /metrics.
func (e *Engine) Lag() map[string]int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := map[string]int64{}
	for _, s := range e.subs {
		m[s.Name] = 0
		for p, h := range e.head {
			m[s.Name] += h - s.cursor[p]
		}
	}
	return m
}
