// Package timer owns everything that falls due: one row per (kind, subject), fired once, in one transaction with its effect.
// It never knows what a timer means; the practice that set it does.
package timer

import (
	"context"
	"fmt"
	"time"
)

// Timer is one thing that falls due. (Kind, Subject) is unique: setting it again moves it.
type Timer struct {
	Kind       string    // such as "escalation.step"; the part before the dot names the owner
	Subject    string    // what it is about, usually an object's id
	Project    string    // project id or mainstay.Installation
	Due        time.Time // fires at this time or as soon as possible after it
	Generation int64     // compared by the owner: an older generation than the subject's does nothing
	Data       string    // opaque to us
}

// Firing is a timer that is due.
type Firing struct {
	Timer
	Now  time.Time // the transaction's one "now"
	Late bool      // it was due while nobody watched: more than a second before
}

// Handler does what a due timer asks for. ctx carries the transaction that also deletes the timer: whatever the handler
// writes through its stores commits with it. An error undoes both and the timer fires again later.
type Handler func(ctx context.Context, f Firing) error

// Store is what the engine needs of the database.
type Store interface {
	// Upcoming lists the timers due before the horizon, earliest first, at most limit.
	Upcoming(ctx context.Context, horizon time.Time, limit int) ([]Timer, error)
	// Fire deletes the timer if it still stands exactly so, and calls h in the same transaction. It reports false when the
	// timer has gone or changed.
	Fire(ctx context.Context, t Timer, h func(ctx context.Context) error) (bool, error)
	// Changed is called with a function that the store calls after every commit that set timers, in this process, and
	// whenever another process may have.
	Changed(wake func([]Timer))
}

// Validate says what is wrong with a timer that is about to be set.
func (t Timer) Validate() error {
	switch {
	case t.Kind == "" || t.Subject == "":
		return fmt.Errorf("timer without kind or subject: %+v", t)
	case t.Due.IsZero():
		return fmt.Errorf("timer %s of %s without a due time", t.Kind, t.Subject)
	}
	return nil
}

// key identifies a timer in memory.
type key struct{ kind, subject string }

func (t Timer) key() key { return key{t.Kind, t.Subject} }

// late is the slack after which a firing counts as late; firing precision is promised within it.
const late = time.Second

func firing(t Timer, now time.Time) Firing {
	return Firing{Timer: t, Now: now, Late: now.Sub(t.Due) > late}
}
