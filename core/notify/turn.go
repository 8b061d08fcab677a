package notify

import (
	"context"
	"slices"
	"sync"
	"time"
)

// turnstile lets one message at a time pass the point from which it cannot be taken back. From there until its outcome is
// recorded a crash leaves it in doubt, and what is in doubt is sent once more: so a crash repeats one message and not all that
// were under way. Nobody waits long for it: a receiver that does not answer is passed after some patience, nobody waits longer
// than turnLongest, and in a storm, which is when messages wait for a free sender, nobody waits at all.
type turnstile struct {
	storm func() bool

	mu     sync.Mutex
	doubt  map[string]*time.Timer // by id: deliveries that have passed, are not recorded, and are still waited for
	queued []*turn
}

type turn struct {
	id     string
	urgent bool
	come   chan struct{}
}

const ( // real: the receivers do not follow a moved clock
	turnPatience = 400 * time.Millisecond
	turnLongest  = time.Second
)

// enter returns when it is the delivery's turn, when it has waited longest or ctx has ended, or at once in a storm.
func (t *turnstile) enter(ctx context.Context, id string, urgent bool) {
	t.mu.Lock()
	if t.doubt[id] != nil {
		t.mu.Unlock()
		return
	}
	if len(t.doubt) == 0 || t.storm() {
		t.pass(id)
		t.mu.Unlock()
		return
	}
	me := &turn{id, urgent, make(chan struct{})}
	t.queued = append(t.queued, me)
	t.mu.Unlock()
	over := time.NewTimer(turnLongest)
	defer over.Stop()
	select {
	case <-me.come:
		return
	case <-over.C:
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.queued, me); i >= 0 {
		t.queued = slices.Delete(t.queued, i, i+1)
		t.pass(id)
	}
}

// pass notes that the delivery is in doubt now.
func (t *turnstile) pass(id string) {
	t.doubt[id] = time.AfterFunc(turnPatience, func() { t.leave(id) })
}

// answered notes that the receiver has answered: the record follows, and is waited for.
func (t *turnstile) answered(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if over := t.doubt[id]; over != nil {
		over.Stop()
	}
}

// leave notes that a delivery's outcome is recorded, or that it is not waited for any more, and lets the next one pass: an
// urgent one if there is any.
func (t *turnstile) leave(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if over := t.doubt[id]; over != nil {
		over.Stop()
		delete(t.doubt, id)
	}
	if len(t.doubt) > 0 || len(t.queued) == 0 {
		return
	}
	i := max(0, slices.IndexFunc(t.queued, func(q *turn) bool { return q.urgent }))
	next := t.queued[i]
	t.queued = slices.Delete(t.queued, i, i+1)
	t.pass(next.id)
	close(next.come)
}
