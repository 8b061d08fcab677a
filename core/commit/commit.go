// Package commit owns the shape of what one use case writes together besides its own row: facts, timers, notices, actions and
// object registrations, as plain data. It never writes them itself; commitdb.Save does, and nothing else does.
package commit

import (
	"encoding/json"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/fact"
)

// Set is everything that commits with a change. The zero Set is valid and writes nothing.
type Set struct {
	Facts   []fact.Fact
	Objects []Object
	Links   []Link
	Timers  []timer.Timer
	Cancel  []CancelTimer
	Notices []Notice
	Actions []Action
}

// Add appends another set to this one.
func (s *Set) Add(o Set) {
	s.Facts = append(s.Facts, o.Facts...)
	s.Objects = append(s.Objects, o.Objects...)
	s.Links = append(s.Links, o.Links...)
	s.Timers = append(s.Timers, o.Timers...)
	s.Cancel = append(s.Cancel, o.Cancel...)
	s.Notices = append(s.Notices, o.Notices...)
	s.Actions = append(s.Actions, o.Actions...)
}

// IsZero reports whether the set writes nothing.
func (s Set) IsZero() bool {
	return len(s.Facts)+len(s.Objects)+len(s.Links)+len(s.Timers)+len(s.Cancel)+len(s.Notices)+len(s.Actions) == 0
}

// CancelTimer removes the timer of that kind and subject, if there is one.
type CancelTimer struct{ Kind, Subject string }

// Object registers or updates an object in the register that every list, link, palette and search stands on.
type Object struct {
	Ref     mainstay.Ref
	Number  int64  // 0 for kinds without numbers
	Project string // project id, or mainstay.Installation
	Name    string // the manifest's name, unique per kind and project; "" when it has none
	Title   string
	State   string // the state word shown beside it
	Labels  map[string]string
	Private bool // never reaches a public page, and is found only by those who may know of it; see access.Viewer.Sees
	// Of is the object that a private one hangs on: whoever may know of that may know of this. Zero when it hangs on none.
	Of mainstay.Ref
	// Readers are the ids of the persons who may know of a private object that hangs on none, besides those who manage incidents.
	Readers []string
	Text    string // what search finds it by besides title and number; plain text
	At      time.Time
	Deleted bool // forget it
}

// Link joins two objects. Saving the same link twice keeps one.
type Link struct {
	From mainstay.Ref
	Type string // such as "caused", "opened", "explains"; read from From to To
	To   mainstay.Ref
	At   time.Time
	Drop bool // remove the link instead
}

// Notice asks notify to tell somebody something. Key makes it happen once however often it is asked for.
type Notice struct {
	Key      string       // unique for ever: what, step, repeat, person, channel, state
	Project  string       // project id, or mainstay.Installation
	Subject  mainstay.Ref // what it is about; the delivery log is shown there
	Person   string       // to this person's contact methods ...
	Channel  string       // ... or, with Address, to one address over this channel ("email", "webhook")
	Address  string
	Template string          // name of the template, such as "page"
	Data     json.RawMessage // the template's data
	Urgent   bool            // a page: before everything else, to every contact method for pages; never throttled
	At       time.Time
}

// Action creates an obligation: somebody owes something by a date. Saving an action whose id exists changes nothing.
type Action struct {
	ID      string
	Number  int64 // from object numbers; 0 lets the writer take the next one
	Project string
	Kind    string // "corrective", "plan-step", "review", ...
	Title   string
	Owner   string // person id; "" when nobody owns it yet
	Due     time.Time
	Origin  mainstay.Ref // the object that made it
	Private bool         // that object is private: shown to those alone who may see it
	Proof   string       // how its effect will be proven; "" when not said yet
	By      mainstay.Actor
	At      time.Time
}
