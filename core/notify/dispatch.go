package notify

import (
	"container/heap"
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// entry is one open delivery in memory.
type entry struct {
	Delivery
	doubt bool // a lease of it failed, and may have been written all the same
}

// channelQueue is what waits for one channel.
type channelQueue struct {
	Channel
	ready   [2][]*entry // urgent ones first
	sending int
	lanes   map[string]*lane
}

// lane is what breaks together; it has its own circuit and its own share of the channel's senders.
type lane struct {
	circuit
	sending int
	held    []*entry // due, while the circuit is open
}

// dispatcher decides what is sent when. Its own goroutine alone changes it; mu lets others look.
type dispatcher struct {
	e       *Engine
	started time.Time

	mu       sync.Mutex
	channels map[string]*channelQueue
	order    []string
	known    map[string]bool // ids of deliveries in memory or under way
	waiting  waiting
	more     bool // the table holds open deliveries that are not in memory
	leasing  bool
	backlog  atomic.Int64 // messages that are due and wait for a free sender
}

func newDispatcher(e *Engine) *dispatcher {
	return &dispatcher{e: e, channels: map[string]*channelQueue{}, known: map[string]bool{}}
}

// run goes on until ctx ends. Attempts run under send.
func (d *dispatcher) run(ctx, send context.Context) {
	for ctx.Err() == nil {
		if err := d.take(ctx); err != nil && ctx.Err() == nil {
			d.e.cfg.Log.ErrorContext(ctx, "open notifications cannot be read", "err", err)
			d.retryLoad(ctx)
		}
		for d.round(ctx, send) {
			// more may be sent at once
		}
		d.wait(ctx)
	}
}

// take moves what other goroutines handed in to the queues.
func (d *dispatcher) take(ctx context.Context) error {
	e := d.e
	e.mu.Lock()
	news, results, back, reload := e.news, e.results, e.back, e.reload
	e.news, e.results, e.back, e.reload = nil, nil, nil, false
	e.mu.Unlock()
	now := e.cfg.Time.Now()
	d.mu.Lock()
	for _, r := range results {
		d.ended(r, now)
	}
	for _, b := range back {
		delete(d.known, b.ID)
		if b.State == Planned {
			d.add(b)
		}
	}
	for _, n := range news {
		d.add(n)
	}
	reload = reload || d.more && len(d.known) < maxWaiting/2
	d.mu.Unlock()
	if reload {
		return d.load(ctx)
	}
	return nil
}

// add takes a delivery into memory. Urgent ones are taken always.
func (d *dispatcher) add(n Delivery) {
	if d.known[n.ID] {
		return
	}
	if len(d.known) >= maxWaiting && !n.Urgent {
		d.more = true
		return
	}
	d.known[n.ID] = true
	heap.Push(&d.waiting, &entry{Delivery: n})
}

// load reads the open deliveries from the table. A leased one that is not under way here was under way in a process that
// died: it is sent again at once.
func (d *dispatcher) load(ctx context.Context) error {
	const chunk = 1000
	d.mu.Lock()
	d.more = false
	d.mu.Unlock()
	for after := ""; ; {
		list, err := d.e.cfg.Store.Open(ctx, after, chunk)
		if err != nil {
			return err
		}
		d.mu.Lock()
		for _, n := range list {
			d.add(n)
		}
		d.mu.Unlock()
		if len(list) < chunk {
			return nil
		}
		after = list[len(list)-1].ID
	}
}

func (d *dispatcher) retryLoad(ctx context.Context) {
	over, give := d.e.cfg.Time.Wait(time.Second)
	defer give()
	select {
	case <-over:
	case <-ctx.Done():
	}
	d.e.mu.Lock()
	d.e.reload = true
	d.e.mu.Unlock()
}

// round sends what may be sent now, with one lease for all of it. It reports whether it is worth trying again at once.
func (d *dispatcher) round(ctx, send context.Context) bool {
	now := d.e.cfg.Time.Now()
	d.mu.Lock()
	d.due(now)
	urgent, batch := d.pick(now)
	d.leasing = len(batch) > 0
	d.backlog.Store(d.ready())
	d.mu.Unlock()
	if len(batch) == 0 {
		return false
	}
	list := make([]Delivery, len(batch))
	for i, b := range batch {
		list[i] = b.Delivery
	}
	leased, err := d.e.cfg.Store.Lease(ctx, list, now)
	d.mu.Lock()
	d.leasing = false
	if err != nil {
		d.unlease(batch, now)
		d.mu.Unlock()
		if ctx.Err() == nil {
			d.e.cfg.Log.ErrorContext(ctx, "notifications cannot be leased", "urgent", urgent, "count", len(batch), "err", err)
		}
		return false
	}
	again := false
	got := map[string]Parcel{}
	for _, l := range leased {
		got[l.Delivery.ID] = l
	}
	for _, b := range batch {
		l, ok := got[b.ID]
		c := d.channels[b.Channel]
		if !ok { // somebody else ended it
			d.free(c, b.Address).probing = false
			delete(d.known, b.ID)
			again = again || b.doubt
			continue
		}
		d.e.sending.Add(1)
		go d.e.send(send, c.Channel, l)
	}
	d.mu.Unlock()
	if again {
		d.e.changed(nil)
	}
	return true
}

// ready counts what is due and waits for a free sender.
func (d *dispatcher) ready() (n int64) {
	for _, c := range d.channels {
		n += int64(len(c.ready[0]) + len(c.ready[1]))
	}
	return n
}

// due moves what has fallen due to its channel.
func (d *dispatcher) due(now time.Time) {
	for len(d.waiting) > 0 && !d.waiting[0].Next.After(now) {
		n := heap.Pop(&d.waiting).(*entry)
		c := d.channels[n.Channel]
		if c == nil || c.Off != "" { // the server lost a channel since it was planned
			d.e.record.add(Outcome{Delivery: n.Delivery, State: Failed, At: now, Error: d.e.Available(n.Channel), Relieve: true, Held: true})
			continue
		}
		c.queue(n)
	}
}

func (c *channelQueue) queue(n *entry) {
	class := 1
	if n.Urgent {
		class = 0
	}
	c.ready[class] = append(c.ready[class], n)
}

func (c *channelQueue) lane(address string) *lane {
	name := ""
	if c.Lane != nil {
		name = c.Lane(address)
	}
	l := c.lanes[name]
	if l == nil {
		l = &lane{}
		c.lanes[name] = l
	}
	return l
}

// pick takes what may be sent now, of one class: urgent ones if there are any.
func (d *dispatcher) pick(now time.Time) (urgent bool, batch []*entry) {
	for class := range 2 {
		for _, name := range d.order {
			batch = append(batch, d.pickFrom(d.channels[name], class, now)...)
		}
		if len(batch) > 0 {
			return class == 0, batch
		}
	}
	return false, nil
}

// pickFrom takes from one channel. A quarter of its senders is kept for urgent messages, and no lane gets more than half.
func (d *dispatcher) pickFrom(c *channelQueue, class int, now time.Time) []*entry {
	room := d.e.cfg.Workers
	if class == 1 {
		room -= d.e.cfg.Workers / 4
	}
	var batch []*entry
	rest := c.ready[class][:0]
	for i, n := range c.ready[class] {
		if c.sending >= room {
			rest = append(rest, c.ready[class][i:]...)
			break
		}
		l := c.lane(n.Address)
		switch {
		case !l.admits(now):
			d.hold(l, n, now)
		case c.Lane != nil && l.sending >= max(1, d.e.cfg.Workers/2):
			rest = append(rest, n)
		default:
			l.begin()
			l.sending++
			c.sending++
			batch = append(batch, n)
		}
	}
	clear(c.ready[class][len(rest):])
	c.ready[class] = rest
	return batch
}

// hold keeps a delivery back while its lane is broken. An urgent one brings in the person's next method at once: no page
// waits for a server that does not answer.
func (d *dispatcher) hold(l *lane, n *entry, now time.Time) {
	if n.Urgent && !n.Relieved {
		d.e.record.add(Outcome{
			Delivery: n.Delivery, State: Planned, Next: n.Next, At: now, Relieve: true, Held: true,
			Error: "held back: " + l.err,
		})
		n.Relieved = true
	}
	l.held = append(l.held, n)
}

// free gives a sender back.
func (d *dispatcher) free(c *channelQueue, address string) *lane {
	l := c.lane(address)
	l.sending--
	c.sending--
	return l
}

// ended notes how an attempt ended for its lane, and lets go what waited for it.
func (d *dispatcher) ended(r result, now time.Time) {
	c := d.channels[r.delivery.Channel]
	l := d.free(c, r.delivery.Address)
	l.end(r.err, now)
	if !l.until.IsZero() {
		d.expire(l, now)
		return
	}
	for _, n := range l.held {
		c.queue(n)
	}
	l.held = nil
	if l.sending == 0 && l.failures == 0 && c.Lane != nil { // lanes come and go with the addresses
		delete(c.lanes, c.Lane(r.delivery.Address))
	}
}

// expire gives up what has waited too long for a broken lane.
func (d *dispatcher) expire(l *lane, now time.Time) {
	kept := l.held[:0]
	for _, n := range l.held {
		since := n.Planned
		if since.Before(d.started) {
			since = d.started
		}
		if now.Sub(since) < limitOf(n.Urgent) {
			kept = append(kept, n)
			continue
		}
		d.e.record.add(Outcome{
			Delivery: n.Delivery, State: Failed, At: now, Relieve: !n.Relieved, Held: true,
			Error: "given up after " + words(limitOf(n.Urgent)) + ": " + l.err,
		})
	}
	clear(l.held[len(kept):])
	l.held = kept
}

// unlease puts a batch back whose lease could not be written.
func (d *dispatcher) unlease(batch []*entry, now time.Time) {
	for _, b := range batch {
		d.free(d.channels[b.Channel], b.Address).probing = false
		b.Next, b.doubt = now.Add(time.Second), true
		heap.Push(&d.waiting, b)
	}
}

// probes returns one held delivery of each broken lane whose pause is over to its queue, and when the next pause ends.
func (d *dispatcher) probes(now time.Time) (next time.Time) {
	for _, c := range d.channels {
		for _, l := range c.lanes {
			if len(l.held) == 0 || l.probing {
				continue
			}
			if l.admits(now) {
				c.queue(l.held[0])
				l.held = l.held[1:]
				next = now
				continue
			}
			next = earlier(next, l.until)
		}
	}
	return next
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// wait returns when something was handed in, something is due, or ctx ends.
func (d *dispatcher) wait(ctx context.Context) {
	now := d.e.cfg.Time.Now()
	d.mu.Lock()
	next := d.probes(now)
	if len(d.waiting) > 0 {
		next = earlier(next, d.waiting[0].Next)
	}
	d.mu.Unlock()
	var over <-chan struct{}
	if !next.IsZero() {
		c, give := d.e.cfg.Time.Wait(next.Sub(now))
		defer give()
		over = c
	}
	select {
	case <-ctx.Done():
	case <-d.e.wake:
	case <-over:
	}
}

func (d *dispatcher) idle() bool {
	now := d.e.cfg.Time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.leasing || len(d.waiting) > 0 && !d.waiting[0].Next.After(now) {
		return false
	}
	for _, c := range d.channels {
		if c.sending > 0 || len(c.ready[0])+len(c.ready[1]) > 0 {
			return false
		}
		for _, l := range c.lanes {
			if len(l.held) > 0 && l.admits(now) {
				return false
			}
		}
	}
	return true
}

// recorder writes outcomes: whatever waits, in one transaction.
type recorder struct {
	e    *Engine
	wake chan struct{}

	mu      sync.Mutex
	list    []Outcome
	writing bool
	closed  bool
}

func (r *recorder) add(o Outcome) {
	r.mu.Lock()
	r.list = append(r.list, o)
	r.mu.Unlock()
	r.poke()
}

func (r *recorder) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// close lets run return once everything is written.
func (r *recorder) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.poke()
}

func (r *recorder) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.list) == 0 && !r.writing
}

// maxRecord bounds one transaction.
const maxRecord = 100

func (r *recorder) run(ctx context.Context) {
	for {
		r.mu.Lock()
		list := r.list[:min(len(r.list), maxRecord)]
		r.list = r.list[len(list):]
		r.writing = len(list) > 0
		closed := r.closed
		r.mu.Unlock()
		if len(list) == 0 {
			if closed {
				return
			}
			<-r.wake
			continue
		}
		if !r.write(ctx, list) {
			return
		}
	}
}

// write goes on until the outcomes are written: without them a restart would send again. It gives up when the lease is lost
// or, once the engine stops, after a few tries.
func (r *recorder) write(ctx context.Context, list []Outcome) bool {
	for try := 0; ; try++ {
		err := r.e.cfg.Store.Record(ctx, list)
		if err == nil {
			break
		}
		r.e.cfg.Log.ErrorContext(ctx, "notifications cannot be recorded", "count", len(list), "try", try+1, "err", err)
		r.mu.Lock()
		closed := r.closed
		r.mu.Unlock()
		if closed && try >= 3 {
			return false
		}
		t := time.NewTimer(min(100*time.Millisecond<<min(try, 5), 2*time.Second)) // real: the database does not follow a moved clock
		<-t.C
	}
	var back []Delivery
	for _, o := range list {
		r.e.turns.leave(o.Delivery.ID)
		if o.Held && o.State == Planned {
			continue // still held in memory
		}
		d := o.Delivery
		d.State, d.Next, d.Relieved = o.State, o.Next, d.Relieved || o.Relieve
		back = append(back, d)
	}
	r.e.recorded(back)
	r.mu.Lock()
	r.writing = false
	r.mu.Unlock()
	return true
}
