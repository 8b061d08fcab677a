package mainstay

import (
	"sync"
	"time"
)

// Timekeeper is the one source of time. Production uses Clock; tests and simulations use Moved.
type Timekeeper interface {
	// Now is the present time, in UTC, cut to microseconds (the precision of the database).
	Now() time.Time
	// Wait returns a channel that is closed once d has passed, and a function that gives the wait up.
	Wait(d time.Duration) (<-chan struct{}, func())
}

// Clock is the Timekeeper of the machine.
type Clock struct{}

// Now is the machine's time.
func (Clock) Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Wait waits on the machine's clock.
func (Clock) Wait(d time.Duration) (<-chan struct{}, func()) {
	c := make(chan struct{})
	t := time.AfterFunc(d, func() { close(c) })
	return c, func() { t.Stop() }
}

// Moved is a Timekeeper that stands still until it is moved. It serves tests, and the demo's past.
// After Release it runs with the machine's clock.
type Moved struct {
	mu    sync.Mutex
	now   time.Time
	real  bool
	waits map[*movedWait]struct{}
}

type movedWait struct {
	at   time.Time
	c    chan struct{}
	stop func() bool // set after Release
}

// NewMoved makes a clock that stands at the given time.
func NewMoved(at time.Time) *Moved {
	return &Moved{now: at.UTC().Truncate(time.Microsecond), waits: map[*movedWait]struct{}{}}
}

// Now is the time at which the clock stands.
func (m *Moved) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.real {
		return Clock{}.Now()
	}
	return m.now
}

// Wait is over when the clock has been moved by d.
func (m *Moved) Wait(d time.Duration) (<-chan struct{}, func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := &movedWait{at: m.now.Add(d), c: make(chan struct{})}
	if m.real {
		return Clock{}.Wait(d)
	}
	if d <= 0 {
		close(w.c)
		return w.c, func() {}
	}
	m.waits[w] = struct{}{}
	return w.c, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.waits, w)
		if w.stop != nil {
			w.stop()
		}
	}
}

// Advance moves the clock forward by d and ends the waits that fall due.
func (m *Moved) Advance(d time.Duration) { m.Set(m.Now().Add(d)) }

// Set moves the clock to t. Moving it back ends no wait.
func (m *Moved) Set(t time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = t.UTC().Truncate(time.Microsecond)
	for w := range m.waits {
		if !w.at.After(m.now) {
			close(w.c)
			delete(m.waits, w)
		}
	}
}

// Release lets the clock run with the machine's from now on. Waits go on for what is left of them.
func (m *Moved) Release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.real = true
	now := Clock{}.Now()
	for w := range m.waits {
		w.stop = time.AfterFunc(w.at.Sub(now), func() { close(w.c) }).Stop
		delete(m.waits, w)
	}
}
