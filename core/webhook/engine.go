package webhook

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/fact"
)

// Questions is what delivery asks of others.
type Questions interface {
	// Objects looks up what facts are about; what is not registered is left out.
	Objects(ctx context.Context, refs []mainstay.Ref) (map[mainstay.Ref]object.Object, error)
	// ProjectName is the name of a project by its id.
	ProjectName(ctx context.Context, id string) (string, error)
	// Administrators lists the ids of the persons who are administrators of everything.
	Administrators(ctx context.Context) ([]string, error)
}

// EngineConfig makes an Engine. Every field but Log, Workers and Jitter is required.
type EngineConfig struct {
	Queue     Queue
	History   History
	Questions Questions
	Sealer    Sealer
	Sender    *Sender
	Time      mainstay.Timekeeper
	Log       *slog.Logger
	Workers   int            // requests at once, over all endpoints; default 16
	Jitter    func() float64 // in [0,1); default random
}

// Engine delivers. One goroutine decides; at most Workers send, each for one endpoint, one request at a time: so the events of a
// project reach an endpoint in the order of the journal. It polls nothing: commits wake it, and timers when a failed attempt is due.
type Engine struct {
	cfg    EngineConfig
	mu     sync.Mutex
	lanes  map[string]*lane
	heads  map[string]int64
	reload bool
	reads  bool // the tables are being read
	turn   int  // of the lanes, so that none waits for ever for a worker
	wake   chan struct{}
	slots  chan struct{}
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// lane is an endpoint at work. Its worker alone uses it while it is busy.
type lane struct {
	e       Endpoint
	kinds   map[string]bool // nil for all
	sealed  error           // its secrets cannot be opened
	busy    bool
	stale   bool // changed while it was busy: read it again
	shrink  int  // events in the next batch, after a refusal of a larger one; 0 for the full size
	cursors map[string]*progress
	replays []*progress
}

// progress is a cursor in memory.
type progress struct {
	Cursor
	kept int64 // as it stands in the database
}

const (
	timerRetry     = "webhook.retry"
	attemptTimeout = 15 * time.Second
	stretch        = 500    // facts read at once
	uninterest     = 20_000 // facts passed without interest before the cursor is kept
	maxBody        = 512 << 10
	spell          = 50 // requests that a worker sends before others may
)

// NewEngine makes an engine; Start begins the work.
func NewEngine(cfg EngineConfig) (*Engine, error) {
	if cfg.Queue == nil || cfg.History == nil || cfg.Questions == nil || cfg.Sealer == nil || cfg.Sender == nil || cfg.Time == nil {
		return nil, errors.New("webhook: the engine needs Queue, History, Questions, Sealer, Sender and Time")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Workers <= 0 {
		cfg.Workers = 16
	}
	if cfg.Jitter == nil {
		cfg.Jitter = rand.Float64
	}
	return &Engine{
		cfg: cfg, lanes: map[string]*lane{}, heads: map[string]int64{}, reload: true,
		wake: make(chan struct{}, 1), slots: make(chan struct{}, cfg.Workers),
	}, nil
}

// Timers are the handlers of the engine's timers.
func (e *Engine) Timers() map[string]timer.Handler {
	return map[string]timer.Handler{timerRetry: func(context.Context, timer.Firing) error {
		e.poke() // the row of the endpoint says when; the timer only wakes
		return nil
	}}
}

// Start reads endpoints and cursors and begins. Every write under ctx is fenced, if the caller made it so.
func (e *Engine) Start(ctx context.Context) error {
	if e.stop != nil {
		return errors.New("webhook: the engine was started before")
	}
	ctx, e.stop = context.WithCancel(ctx)
	e.cfg.Queue.Changed(func() {
		e.mu.Lock()
		e.reload = true
		e.mu.Unlock()
		e.poke()
	})
	if err := e.load(ctx); err != nil {
		e.stop()
		return err
	}
	e.done.Go(func() { e.run(ctx) })
	e.poke()
	return nil
}

// Stop ends the requests under way, which are sent again at the next start, and waits for them.
func (e *Engine) Stop() {
	if e.stop == nil {
		return
	}
	e.stop()
	e.done.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, l := range e.lanes {
		for _, p := range l.cursors {
			if p.Sequence > p.kept && e.cfg.Queue.Record(ctx, Outcome{Endpoint: l.e.ID, Cursor: p.Cursor, Health: l.e.Health}) == nil {
				p.kept = p.Sequence
			}
		}
	}
}

// Committed is told of every commit that appended facts; nil when another process may have appended some. It returns at once.
func (e *Engine) Committed(facts []fact.Fact) {
	e.mu.Lock()
	news := facts == nil
	if news {
		e.reload = true
	}
	for _, f := range facts {
		e.heads[f.Project] = max(e.heads[f.Project], f.Sequence)
		for _, l := range e.lanes {
			if l.e.State != Active || !l.e.covers(f.Project) {
				continue
			}
			p := l.cursors[f.Project]
			// Most facts interest few: an endpoint that has seen all before and does not want this one is moved past it in memory.
			if !l.busy && p != nil && p.Sequence+1 == f.Sequence && !l.wants(f.Kind) && f.Sequence-p.kept < uninterest {
				p.Sequence = f.Sequence
				continue
			}
			news = true
		}
	}
	e.mu.Unlock()
	if news {
		e.poke()
	}
}

func (l *lane) wants(kind string) bool { return l.kinds == nil || l.kinds[kind] }

func (e *Engine) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *Engine) run(ctx context.Context) {
	for {
		e.mu.Lock()
		reload := e.reload
		e.mu.Unlock()
		if reload {
			if err := e.load(ctx); err != nil && ctx.Err() == nil {
				e.cfg.Log.ErrorContext(ctx, "webhooks cannot be read", "err", err)
				e.again(ctx, time.Second)
			}
		}
		e.dispatch(ctx)
		select {
		case <-e.wake:
		case <-ctx.Done():
			return
		}
	}
}

// again wakes the engine after a while, to try what the database did not let happen.
func (e *Engine) again(ctx context.Context, d time.Duration) {
	e.done.Go(func() {
		c, cancel := e.cfg.Time.Wait(d)
		defer cancel()
		select {
		case <-c:
			e.mu.Lock()
			e.reload = true
			e.mu.Unlock()
			e.poke()
		case <-ctx.Done():
		}
	})
}

// load reads endpoints, cursors and heads. What is busy is read when it is done.
func (e *Engine) load(ctx context.Context) error {
	e.mu.Lock()
	e.reload, e.reads = false, true
	e.mu.Unlock()
	fail := func(err error) error {
		e.mu.Lock()
		e.reload, e.reads = true, false
		e.mu.Unlock()
		return err
	}
	endpoints, err := e.cfg.Queue.Endpoints(ctx, nil)
	if err != nil {
		return fail(err)
	}
	cursors, err := e.cfg.Queue.Cursors(ctx, "")
	if err != nil {
		return fail(err)
	}
	heads, err := e.cfg.History.Heads(ctx)
	if err != nil {
		return fail(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reads = false
	for p, n := range heads {
		e.heads[p] = max(e.heads[p], n)
	}
	there := map[string]bool{}
	for _, x := range endpoints {
		there[x.ID] = true
		if l := e.lanes[x.ID]; l != nil && l.busy {
			l.stale = true
			continue
		}
		e.lanes[x.ID] = e.lane(x, e.lanes[x.ID], cursors)
	}
	for id, l := range e.lanes {
		if !there[id] && !l.busy {
			delete(e.lanes, id)
		} else if !there[id] {
			l.stale = true
		}
	}
	return nil
}

// lane makes an endpoint's lane. A cursor that is further in memory than in the table stays.
func (e *Engine) lane(x Endpoint, old *lane, cursors []Cursor) *lane {
	l := &lane{e: x, cursors: map[string]*progress{}}
	l.sealed = unseal(e.cfg.Sealer, &l.e)
	if kinds := x.Spec.Selects(); kinds != nil {
		l.kinds = map[string]bool{}
		for _, k := range kinds {
			l.kinds[k] = true
		}
	}
	for _, c := range cursors {
		if c.Endpoint != x.ID {
			continue
		}
		p := &progress{c, c.Sequence}
		if c.Replay != "" {
			l.replays = append(l.replays, p)
			continue
		}
		if old != nil && old.cursors[c.Project] != nil {
			p.Sequence = max(p.Sequence, old.cursors[c.Project].Sequence)
		}
		l.cursors[c.Project] = p
	}
	if old != nil {
		for project, p := range old.cursors { // in memory alone so far
			if l.cursors[project] == nil {
				l.cursors[project] = p
			}
		}
	}
	slices.SortFunc(l.replays, func(a, b *progress) int { return a.Created.Compare(b.Created) })
	return l
}

// dispatch gives the endpoints that have something to do to free workers.
func (e *Engine) dispatch(ctx context.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.cfg.Time.Now()
	ids := make([]string, 0, len(e.lanes))
	for id := range e.lanes {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for i := range ids {
		l := e.lanes[ids[(i+e.turn)%len(ids)]]
		if ctx.Err() != nil || !e.ready(l, now) {
			continue
		}
		select {
		case e.slots <- struct{}{}:
		default:
			e.turn += i
			return // whoever frees one wakes us
		}
		l.busy = true
		e.done.Go(func() {
			e.work(ctx, l)
			<-e.slots
			e.poke()
		})
	}
}

// ready reports whether there is something to send to the endpoint now.
func (e *Engine) ready(l *lane, now time.Time) bool {
	return !l.busy && l.e.State == Active && !now.Before(l.e.Health.Next) && e.next(l) != nil
}

// next is the cursor that has something before it: of what happens first, project by project, then of the oldest replay.
func (e *Engine) next(l *lane) *progress {
	var found *progress
	for project, head := range e.heads {
		if !l.e.covers(project) {
			continue
		}
		p := l.cursors[project]
		if p == nil { // a project that is new to the endpoint; where it begins is looked up before the first fact is read
			p = &progress{Cursor: Cursor{Endpoint: l.e.ID, Project: project, Sequence: -1}}
			l.cursors[project] = p
		}
		if p.Sequence < head && (found == nil || p.Project < found.Project) {
			found = p
		}
	}
	if found == nil && len(l.replays) > 0 {
		return l.replays[0]
	}
	return found
}

// Idle reports whether nothing is being sent and nothing could be. What waits for its next attempt does not count.
func (e *Engine) Idle() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.cfg.Time.Now()
	if e.reload || e.reads {
		return false
	}
	for _, l := range e.lanes {
		if l.busy || l.stale || e.ready(l, now) {
			return false
		}
	}
	return true
}

// Waiting is how many facts of the journal lie before an endpoint, wanted or not, and since when the first attempt has failed.
func (e *Engine) Waiting(id string) int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.lanes[id]
	if l == nil {
		return 0
	}
	var n int64
	for project, head := range e.heads {
		if p := l.cursors[project]; p != nil && l.e.covers(project) && p.Sequence >= 0 {
			n += max(0, head-p.Sequence)
		}
	}
	return n
}
