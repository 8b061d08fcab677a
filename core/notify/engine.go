package notify

import (
	"container/heap"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay"
)

// Store is what the engine needs of the database.
type Store interface {
	// Open lists deliveries that are planned or leased, in order of their ids, from the one after the given id.
	Open(ctx context.Context, after string, limit int) ([]Delivery, error)
	// Lease marks deliveries as being sent, and counts an attempt. It returns those that still stood as given, with what is
	// to be sent; the others were changed by somebody else and are left out.
	Lease(ctx context.Context, list []Delivery, now time.Time) ([]Parcel, error)
	// Record writes what attempts came to, the facts about it, and who takes over, in one transaction.
	Record(ctx context.Context, list []Outcome) error
	// Changed is called with a function that the store calls after every commit that planned deliveries, with them, and with
	// nil whenever another process may have planned some.
	Changed(wake func([]Delivery))
}

// Parcel is a delivery that is being sent, with the data of its notice.
type Parcel struct {
	Delivery Delivery
	Data     []byte
}

// Config is what the engine stands on. Store and Time must be given.
type Config struct {
	Store    Store
	Channels []Channel
	Time     mainstay.Timekeeper
	Log      *slog.Logger
	External string         // the server's own URL, for links
	Workers  int            // attempts at once per channel; default 16
	Jitter   func() float64 // in [0,1); default random
	// Open opens the sealed link of a LinkData just before it is sent; setting.Vault does. Without it such a message fails.
	Open func(sealed string) (string, error)
	// Observed is told of each attempt, for the histogram in /metrics: how long after it was planned it began, and how it
	// ended ("sent", "confirmed", "failed", "retry"). May be nil.
	Observed func(channel, result string, waited time.Duration)
}

// storm is how many messages wait for a free sender when they stop taking turns.
const storm = 32

// maxWaiting bounds what is kept in memory; the rest stays in the table until there is room.
const maxWaiting = 20_000

// Engine sends what is planned. One goroutine decides, a bounded number sends, one records.
type Engine struct {
	cfg  Config
	wake chan struct{}

	mu      sync.Mutex
	news    []Delivery // planned since the last look
	reload  bool       // look into the table
	results []result   // attempts that ended, for the dispatcher
	back    []Delivery // recorded, to be tried again

	d      *dispatcher
	record *recorder
	turns  *turnstile
	cancel context.CancelFunc
	give   context.CancelFunc // gives attempts under way up

	dispatching, sending, recording sync.WaitGroup
}

type result struct {
	delivery Delivery
	err      error
}

// NewEngine checks the configuration. Nothing runs before Start.
func NewEngine(cfg Config) (*Engine, error) {
	if cfg.Store == nil || cfg.Time == nil {
		return nil, errors.New("notify: the engine needs a store and a timekeeper")
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
	e := &Engine{cfg: cfg, wake: make(chan struct{}, 1), reload: true}
	e.d = newDispatcher(e)
	e.turns = &turnstile{storm: func() bool { return e.d.backlog.Load() > storm }, doubt: map[string]*time.Timer{}}
	for _, c := range cfg.Channels {
		if c.Name == "" || c.Sender == nil && c.Off == "" || e.d.channels[c.Name] != nil {
			return nil, fmt.Errorf("notify: the channel %q is incomplete or given twice", c.Name)
		}
		if c.Timeout <= 0 {
			c.Timeout = 30 * time.Second
		}
		e.d.channels[c.Name] = &channelQueue{Channel: c, lanes: map[string]*lane{}}
		e.d.order = append(e.d.order, c.Name)
	}
	e.record = &recorder{e: e, wake: make(chan struct{}, 1)}
	cfg.Store.Changed(e.changed)
	return e, nil
}

// Available says why a channel cannot be used on this server, "" when it can.
func (e *Engine) Available(channel string) string {
	c := e.d.channels[channel]
	switch {
	case c == nil:
		return fmt.Sprintf("this server has no channel %q", channel)
	default:
		return c.Off
	}
}

// Start loads what is open and begins to send. ctx should carry the lease, so that an engine that lost it writes nothing.
func (e *Engine) Start(ctx context.Context) error {
	if e.cancel != nil {
		return errors.New("notify: the engine was started before")
	}
	e.d.started = e.cfg.Time.Now()
	e.mu.Lock()
	e.reload = false // whatever is written from here on asks for another look
	e.mu.Unlock()
	if err := e.d.load(ctx); err != nil {
		return fmt.Errorf("loading open notifications: %w", err)
	}
	keep := context.WithoutCancel(ctx) // what was begun is finished and recorded though ctx ends
	var run, send context.Context
	run, e.cancel = context.WithCancel(ctx)
	send, e.give = context.WithCancel(keep)
	e.dispatching.Go(func() { e.d.run(run, send) })
	e.recording.Go(func() { e.record.run(keep) })
	return nil
}

// Stop begins no more attempts, waits up to ten seconds for those under way, and records them.
func (e *Engine) Stop() {
	if e.cancel == nil {
		return
	}
	e.cancel()
	e.dispatching.Wait()
	ended := make(chan struct{})
	go func() { e.sending.Wait(); close(ended) }()
	timeout := time.NewTimer(10 * time.Second) // real: the receivers do not follow a moved clock
	defer timeout.Stop()
	select {
	case <-ended:
	case <-timeout.C:
		e.give()
		<-ended
	}
	e.give()
	e.record.close()
	e.recording.Wait()
}

// changed is called by the store after a commit: it must return at once.
func (e *Engine) changed(list []Delivery) {
	e.mu.Lock()
	if list == nil {
		e.reload = true
	}
	e.news = append(e.news, list...)
	e.mu.Unlock()
	e.poke()
}

func (e *Engine) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// recorded takes over what the recorder has written and what is to be tried again.
func (e *Engine) recorded(list []Delivery) {
	e.mu.Lock()
	e.back = append(e.back, list...)
	e.mu.Unlock()
	e.poke()
}

// send makes one attempt, in a goroutine of its own, and hands on how it ended.
func (e *Engine) send(ctx context.Context, c Channel, l Parcel) {
	defer e.sending.Done()
	began := e.cfg.Time.Now()
	r, err := e.attempt(ctx, c, l, began)
	e.turns.answered(l.Delivery.ID)
	now := e.cfg.Time.Now()
	since := l.Delivery.Planned
	if since.Before(e.d.started) {
		since = e.d.started
	}
	o := decide(l.Delivery, r, err, since, now, e.cfg.Jitter())
	if err != nil {
		e.cfg.Log.WarnContext(ctx, "notification not delivered", "delivery", l.Delivery.ID, "channel", c.Name, "attempt", l.Delivery.Attempts,
			"state", o.State, "err", o.Error)
	}
	if e.cfg.Observed != nil {
		word := string(o.State)
		if o.State == Planned {
			word = "retry"
		}
		e.cfg.Observed(c.Name, word, began.Sub(l.Delivery.Planned))
	}
	e.record.add(o)
	e.mu.Lock()
	e.results = append(e.results, result{l.Delivery, err})
	e.mu.Unlock()
	e.poke()
}

func (e *Engine) attempt(ctx context.Context, c Channel, l Parcel, now time.Time) (r Receipt, err error) {
	defer func() {
		if p := recover(); p != nil { // a hostile payload must not stop the paging of others
			err = Permanent(fmt.Errorf("sending broke down: %v", p))
		}
	}()
	data, err := e.unsealed(l.Delivery.Template, l.Data)
	if err != nil {
		return r, Permanent(err)
	}
	content, err := Render(l.Delivery.Template, data, e.cfg.External, l.Delivery.Zone, now)
	if err != nil {
		return r, Permanent(err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	return c.Sender.Send(ctx, Message{
		ID: l.Delivery.ID, Attempt: l.Delivery.Attempts, Person: l.Delivery.Person, Address: l.Delivery.Address, Project: l.Delivery.Project,
		Subject: l.Delivery.Subject, Template: l.Delivery.Template, Urgent: l.Delivery.Urgent, Data: l.Data, Content: content,
		External: e.cfg.External, Now: now, turn: func(ctx context.Context) { e.turns.enter(ctx, l.Delivery.ID, l.Delivery.Urgent) },
	})
}

// unsealed is the data of a message with its sealed link opened, for the one who gets it and nobody else.
func (e *Engine) unsealed(template string, data json.RawMessage) (json.RawMessage, error) {
	if template != TemplateInvite && template != TemplateReset {
		return data, nil
	}
	var d LinkData
	if err := json.Unmarshal(data, &d); err != nil || d.Sealed == "" {
		return data, err
	}
	if e.cfg.Open == nil {
		return nil, errors.New("the link is sealed, and nothing opens it")
	}
	var err error
	if d.URL, err = e.cfg.Open(d.Sealed); err != nil {
		return nil, fmt.Errorf("opening a sealed link: %w", err)
	}
	d.Sealed = ""
	return json.Marshal(d)
}

// Lane is the state of what breaks together, for the page that shows it.
type Lane struct {
	Channel, Name string
	Failures      int       // in a row
	Since         time.Time // of the first of them
	Until         time.Time // nothing is tried before; zero while it is still tried
	Held          int       // deliveries that wait for it
	Error         string
}

// Troubled lists the lanes whose last attempts failed.
func (e *Engine) Troubled() []Lane {
	e.d.mu.Lock()
	defer e.d.mu.Unlock()
	var list []Lane
	for _, name := range e.d.order {
		c := e.d.channels[name]
		for lane, l := range c.lanes {
			if l.failures > 0 {
				list = append(list, Lane{name, lane, l.failures, l.since, l.until, len(l.held), l.err})
			}
		}
	}
	return list
}

// Idle reports whether nothing is being sent, recorded or due. Deliveries that wait for their next attempt do not count.
func (e *Engine) Idle() bool {
	e.mu.Lock()
	quiet := len(e.news)+len(e.results)+len(e.back) == 0 && !e.reload
	e.mu.Unlock()
	return quiet && e.record.idle() && e.d.idle()
}

// waiting is the heap of deliveries by their next attempt.
type waiting []*entry

// Len, Less, Swap, Push and Pop make a heap.
func (w waiting) Len() int { return len(w) }

// Less orders by the next attempt.
func (w waiting) Less(i, j int) bool { return w[i].Next.Before(w[j].Next) }

// Swap exchanges two.
func (w waiting) Swap(i, j int) { w[i], w[j] = w[j], w[i] }

// Push appends one.
func (w *waiting) Push(x any) { *w = append(*w, x.(*entry)) }

// Pop removes the last one.
func (w *waiting) Pop() any {
	old := *w
	x := old[len(old)-1]
	old[len(old)-1] = nil
	*w = old[:len(old)-1]
	return x
}

var _ heap.Interface = (*waiting)(nil)
