package storage

import (
	"context"
	"sync"
)

// queue lets one writer in at a time: the urgent ones first, each class in order of arrival.
type queue struct {
	mu      sync.Mutex
	busy    bool
	waiting [2][]chan struct{}
}

func newQueue() *queue { return &queue{} }

// enter waits for the turn. Every nil return must be followed by one leave.
func (q *queue) enter(ctx context.Context, c Class) error {
	q.mu.Lock()
	if !q.busy {
		q.busy = true
		q.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	q.waiting[c] = append(q.waiting[c], turn)
	q.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	for i, t := range q.waiting[c] {
		if t == turn {
			q.waiting[c] = append(q.waiting[c][:i:i], q.waiting[c][i+1:]...)
			q.mu.Unlock()
			return ctx.Err()
		}
	}
	q.mu.Unlock()
	q.leave() // the turn came while we gave up: hand it on
	return ctx.Err()
}

// leave hands the turn to the next writer.
func (q *queue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range []Class{Urgent, Normal} {
		if w := q.waiting[c]; len(w) > 0 {
			q.waiting[c] = w[1:]
			close(w[0])
			return
		}
	}
	q.busy = false
}
