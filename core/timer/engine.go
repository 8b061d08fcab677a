package timer

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay"
)

// Config makes an Engine. Store is required.
type Config struct {
	Store    Store
	Time     mainstay.Timekeeper
	Log      *slog.Logger
	Handlers map[string]Handler // by kind
	// Fired is told how late each timer fired, for the histogram in /metrics. May be nil.
	Fired func(kind string, late time.Duration)
}

// Engine fires timers when they fall due. The table is the truth; the heap in memory is its cache for the near future, filled
// by commits. Its cost grows with what is due, never with what is open.
type Engine struct {
	cfg     Config
	mu      sync.Mutex
	near    timers
	index   map[key]*item
	until   time.Time // the heap holds everything due before this
	full    bool      // the last read did not hold all: the next is worth it when the heap has no more before until
	wake    chan struct{}
	firing  int
	loading int              // reads of the table that are under way
	fresh   map[key]struct{} // set while the table is read: what is read of them may be older
	wg      sync.WaitGroup
	stop    context.CancelFunc
}

const (
	horizon = 2 * time.Minute // how far the heap looks ahead
	page    = 10_000
	retry   = 2 * time.Second // until a timer whose handler failed fires again
)

// NewEngine makes an engine; Start begins the work.
func NewEngine(cfg Config) (*Engine, error) {
	if cfg.Store == nil {
		return nil, errors.New("timer: the engine needs a Store")
	}
	if cfg.Time == nil {
		cfg.Time = mainstay.Clock{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Handlers = maps.Clone(cfg.Handlers)
	return &Engine{cfg: cfg, index: map[key]*item{}, wake: make(chan struct{}, 1)}, nil
}

// Start begins to fire. What fell due while nobody watched fires now, once, marked late.
func (e *Engine) Start(ctx context.Context) error {
	ctx, e.stop = context.WithCancel(ctx)
	e.cfg.Store.Changed(e.changed)
	if err := e.load(ctx); err != nil {
		return err
	}
	e.wg.Go(func() { e.run(ctx) })
	return nil
}

// Stop ends after the timer that is firing.
func (e *Engine) Stop() {
	if e.stop != nil {
		e.stop()
	}
	e.wg.Wait()
}

// changed notes timers that a commit has set; nil asks to read the table again.
func (e *Engine) changed(set []Timer) {
	e.mu.Lock()
	if set == nil {
		e.until = time.Time{}
	}
	for _, t := range set {
		if e.loading > 0 {
			e.fresh[t.key()] = struct{}{}
		}
		if t.Due.Before(e.until) {
			e.push(t)
		} else if it := e.index[t.key()]; it != nil {
			heap.Remove(&e.near, it.at) // moved beyond the horizon
			delete(e.index, t.key())
		}
	}
	e.mu.Unlock()
	e.poke()
}

func (e *Engine) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *Engine) push(t Timer) {
	if it := e.index[t.key()]; it != nil {
		it.Timer, it.later = t, time.Time{}
		heap.Fix(&e.near, it.at)
		return
	}
	it := &item{Timer: t}
	e.index[t.key()] = it
	heap.Push(&e.near, it)
}

// load reads what falls due within the horizon. A full page shortens it.
func (e *Engine) load(ctx context.Context) error {
	until := e.cfg.Time.Now().Add(horizon)
	e.mu.Lock()
	before := e.until
	e.until = until // what is set from now on comes by changed
	e.loading++
	e.fresh = map[key]struct{}{}
	e.mu.Unlock()
	list, err := e.cfg.Store.Upcoming(ctx, until, page)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.loading--
	if err != nil {
		e.until = before // still to be read
		return fmt.Errorf("reading timers: %w", err)
	}
	if e.full = len(list) == page; e.full {
		e.until = list[page-1].Due
	}
	for _, t := range list {
		if _, newer := e.fresh[t.key()]; newer {
			continue
		}
		if it := e.index[t.key()]; it == nil || it.Generation <= t.Generation {
			e.push(t)
		}
	}
	return nil
}

// stale reports whether the table is to be read again. After a full page it is when all before until has fired: while very many
// fall due at once, a read before each of them would keep the engine from firing.
func (e *Engine) stale(now time.Time) bool {
	if e.full && !e.until.IsZero() {
		return len(e.near) == 0 || e.near[0].when().After(e.until)
	}
	return !now.Before(e.until.Add(-horizon / 2))
}

func (e *Engine) run(ctx context.Context) {
	for ctx.Err() == nil {
		e.mu.Lock()
		stale := e.stale(e.cfg.Time.Now())
		e.mu.Unlock()
		if stale {
			if err := e.load(ctx); err != nil && ctx.Err() == nil {
				e.cfg.Log.Error("timers cannot be read", "error", err)
				c, cancel := e.cfg.Time.Wait(time.Second)
				select {
				case <-c:
				case <-ctx.Done():
				}
				cancel()
			}
		}
		if t, ok := e.due(); ok {
			e.fire(ctx, t)
			continue
		}
		e.sleep(ctx)
	}
}

// due takes the earliest timer from the heap if it is due.
func (e *Engine) due() (Timer, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.near) == 0 || e.near[0].when().After(e.cfg.Time.Now()) {
		return Timer{}, false
	}
	it := heap.Pop(&e.near).(*item)
	delete(e.index, it.key())
	e.firing++
	return it.Timer, true
}

func (e *Engine) sleep(ctx context.Context) {
	e.mu.Lock()
	now := e.cfg.Time.Now()
	wait := e.until.Add(-horizon / 2).Sub(now)
	if e.full && len(e.near) > 0 {
		wait = horizon
	}
	if len(e.near) > 0 {
		wait = min(wait, e.near[0].when().Sub(now))
	}
	e.mu.Unlock()
	c, cancel := e.cfg.Time.Wait(max(wait, 0))
	defer cancel()
	select {
	case <-c:
	case <-e.wake:
	case <-ctx.Done():
	}
}

func (e *Engine) fire(ctx context.Context, t Timer) {
	now := e.cfg.Time.Now()
	h := e.cfg.Handlers[t.Kind]
	if h == nil {
		h = func(context.Context, Firing) error {
			e.cfg.Log.Warn("a timer of an unknown kind was dropped", "kind", t.Kind, "subject", t.Subject)
			return nil
		}
	}
	fired, err := e.cfg.Store.Fire(ctx, t, func(ctx context.Context) (err error) {
		defer func() {
			if p := recover(); p != nil { // it is tried again like one that failed; the others fire
				err = fmt.Errorf("the handler broke down: %v\n%s", p, debug.Stack())
			}
		}()
		return h(ctx, firing(t, now))
	})
	e.mu.Lock()
	e.firing--
	if err != nil && ctx.Err() == nil && e.index[t.key()] == nil {
		// The row stands unchanged; only this process looks later.
		it := &item{Timer: t, later: now.Add(retry)}
		e.index[t.key()] = it
		heap.Push(&e.near, it)
	}
	e.mu.Unlock()
	switch {
	case err != nil && ctx.Err() == nil:
		e.cfg.Log.Error("a timer failed and will fire again", "kind", t.Kind, "subject", t.Subject, "error", err)
	case fired && e.cfg.Fired != nil:
		e.cfg.Fired(t.Kind, now.Sub(t.Due))
	}
}

// Settled reports whether nothing is due and nothing is firing.
func (e *Engine) Settled() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.cfg.Time.Now()
	return e.firing == 0 && e.loading == 0 && now.Before(e.until) && (len(e.near) == 0 || e.near[0].when().After(now))
}

// item is a timer in the heap.
type item struct {
	Timer
	later time.Time // set after a failure
	at    int
}

func (i *item) when() time.Time {
	if i.later.After(i.Due) {
		return i.later
	}
	return i.Due
}

type timers []*item

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].when().Before(t[j].when()) }
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].at, t[j].at = i, j
}

// Push implements heap.Interface.
func (t *timers) Push(x any) {
	it := x.(*item)
	it.at = len(*t)
	*t = append(*t, it)
}

// Pop implements heap.Interface.
func (t *timers) Pop() any {
	l := *t
	it := l[len(l)-1]
	*t = l[:len(l)-1]
	return it
}
