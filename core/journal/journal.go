// Package journal owns the append-only record of facts: one hash chain per project, durable subscribers, the live stream.
// It never edits a fact and never knows what one means.
package journal

import (
	"context"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/fact"
)

// Subscriber is told of facts, in order per project, at least once each. Handle runs in the transaction that also moves the
// subscriber's cursor, carried by ctx: what it writes through stores commits with the cursor. It must key its effects on the
// fact's id. Handle gets one or more facts of one project at a time, all of the wanted kinds.
type Subscriber struct {
	Name   string   // stable: the cursor is kept under it
	Kinds  []string // the kinds wanted; nil for all
	Urgent bool     // paging and acknowledging: its writes go before everything else
	Handle func(ctx context.Context, facts []fact.Fact) error
}

// Query selects facts to read. Zero fields select everything.
type Query struct {
	Project string       // project id or mainstay.Installation; "" only together with Subject
	Subject mainstay.Ref // facts about this object, of any project
	Kinds   []string
	After   int64     // sequence; exclusive
	Before  int64     // sequence; exclusive; with Newest the page after
	Newest  bool      // newest first
	Limit   int       // default 100, at most 1,000
	Since   time.Time // happened at or after
}

// Sparse names kinds of facts that are too many for an entry each in the index of subjects: the state facts of alerts. Those about one
// object are found by the moments at which they were recorded, which the object's own row keeps.
type Sparse struct {
	Subject mainstay.Kind // the kind of their first subject
	Kinds   []string
	// Moments are the project of the object with this id, and when facts of these kinds about it were recorded. An object that
	// does not exist has none.
	Moments func(ctx context.Context, id string) (project string, at []time.Time, err error)
}

// Holds reports whether facts of the kind are found by their moments.
func (s Sparse) Holds(kind string) bool { return s.Moments != nil && slices.Contains(s.Kinds, kind) }

// Reader reads the journal.
type Reader interface {
	// Facts returns the facts that the query selects, in order of sequence (or of recording, for a subject in several
	// projects).
	Facts(ctx context.Context, q Query) ([]fact.Fact, error)
}

// Store is what the engine and the verifier need of the database.
type Store interface {
	Reader
	// Wanted returns facts of the kinds (nil for all) after a sequence in order, and the sequence up to which it has looked: beyond
	// the last of the facts where others follow that are of no interest. It looks at some thousand facts at once.
	Wanted(ctx context.Context, project string, kinds []string, after int64) (facts []fact.Fact, to int64, err error)
	// Heads returns each project's last sequence.
	Heads(ctx context.Context) (map[string]int64, error)
	// Cursors returns a subscriber's position per project.
	Cursors(ctx context.Context, subscriber string) (map[string]int64, error)
	// Advance calls the subscriber's Handle with the facts, in one transaction with the new cursor "to". When the kept cursor
	// is beyond after, nothing is called and the kept one is returned. No facts only keep the cursor.
	Advance(ctx context.Context, s Subscriber, project string, after, to int64, facts []fact.Fact) (cursor int64, err error)
	// Park notes that a subscriber could not handle a fact, and moves its cursor past it.
	Park(ctx context.Context, subscriber string, f fact.Fact, reason string, now time.Time) error
	// Changed is called with a function that the store calls after every commit that appended facts, with what was
	// appended, and with nil whenever another process may have appended some.
	Changed(wake func([]fact.Fact))
}
