package journal

import (
	"context"
	"encoding/json"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/fact"
)

// Erasure says of which facts of a project the content goes, and why. What it leaves of each fact: its place in the chain, its
// times, kind, actor, subjects, and the digest of what was there, so that the chain can still be verified.
type Erasure struct {
	Project string
	After   int64     // only facts after this sequence: where an earlier call ended
	Before  time.Time // only batches that were recorded before; zero for all
	Holds   []string  // only batches whose text holds one of these; nil for all. Finding few among many is quick with it
	// Rewrite decides about one fact: change false leaves it, a nil payload removes its content, another takes its place.
	// It is called inside and outside of transactions, and must not read the database.
	Rewrite func(f fact.Fact) (payload json.RawMessage, change bool)
	Batches int // how many batches are read in one call; default 500

	Actor  mainstay.Actor
	Cause  string // "person", "retention" or "fact"
	Person string // id of the person whose data it is
	Reason string // why, in words
}

// Erased is what one call did.
type Erased struct {
	Facts int64 // whose content went or was replaced
	Last  int64 // the sequence up to which everything was looked at; the After of the next call
	Done  bool  // nothing is left after Last
}

// Eraser erases the content of facts. Each call looks at a stretch of the chain, in short transactions, and appends for each that
// changed something a fact "journal.erased" that says what, who and why. Calling it again changes nothing more.
type Eraser interface {
	Erase(ctx context.Context, now time.Time, e Erasure) (Erased, error)
}

// Kinds makes a Rewrite that removes the content of facts of these kinds.
func Kinds(kinds ...string) func(fact.Fact) (json.RawMessage, bool) {
	set := map[string]bool{}
	for _, k := range kinds {
		set[k] = true
	}
	return func(f fact.Fact) (json.RawMessage, bool) { return nil, set[f.Kind] }
}
