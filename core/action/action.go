// Package action owns obligations: who owes what by when, whoever asked for it, until its effect is proven. It never does what
// an action asks for, and never forgets one because the thing that made it has been closed.
package action

import (
	"time"

	"github.com/mainstayhq/mainstay"
)

// State is how far an action has come. It ends at proven effect, not at "done".
type State string

// The states, in the order in which an action goes through them.
const (
	Proposed    State = "proposed"    // asked for; its owner has not said yes yet
	Accepted    State = "accepted"    // its owner has said yes
	Done        State = "done"        // the owner says that the work is done
	InPlace     State = "in_place"    // it has been checked that it is there
	Effective   State = "effective"   // somebody else than the owner saw that it works
	Ineffective State = "ineffective" // somebody else than the owner saw that it does not
	Dropped     State = "dropped"     // given up, with a reason
)

// States lists all states in their order.
func States() []State {
	return []State{Proposed, Accepted, Done, InPlace, Effective, Ineffective, Dropped}
}

// Valid reports whether s is one of the states.
func (s State) Valid() bool { return moves[s] != nil }

// Owed reports whether the owner still has to act: proposed or accepted. Only then can an action be overdue.
func (s State) Owed() bool { return s == Proposed || s == Accepted }

// Over reports whether nothing more is to come: effective or dropped.
func (s State) Over() bool { return s == Effective || s == Dropped }

// Words is the state as people read it.
func (s State) Words() string {
	if s == InPlace {
		return "in place"
	}
	return string(s)
}

// moves says where each state may go.
var moves = map[State][]State{
	Proposed:    {Accepted, Done, Dropped},
	Accepted:    {Done, Dropped},
	Done:        {InPlace, Accepted, Dropped},
	InPlace:     {Effective, Ineffective, Dropped},
	Ineffective: {Accepted, Dropped},
	Effective:   {Ineffective}, // it came back
	Dropped:     {Accepted},
}

// Next lists where an action in this state may go.
func (s State) Next() []State { return moves[s] }

// Action is one obligation.
type Action struct {
	ID      string
	Number  int64
	Project string
	Kind    string // "corrective", "review", ...: said by whoever asked for it
	Title   string
	Owner   string       // person id; "" when nobody owns it yet
	Due     time.Time    // zero when it has no date
	Origin  mainstay.Ref // the object that asked for it; zero when a person did
	Private bool         // that object is private: shown to those alone who may see it
	State   State
	Proof   string // how its effect will be proven, in words

	Verdict   string         // why it was judged or dropped, in words
	JudgedBy  mainstay.Actor // who set effective, ineffective or dropped; zero before
	JudgedAt  time.Time
	CreatedBy mainstay.Actor
	CreatedAt time.Time
	ChangedAt time.Time
	DoneAt    time.Time
	OverdueAt time.Time // when it was noticed that the due date had passed; zero again after a new date
	Version   int64
}

// Ref points at the action.
func (a Action) Ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindAction, ID: a.ID} }

// Key is its readable number, such as ACT-2.
func (a Action) Key() string { return mainstay.KindAction.Number(a.Number) }

// Overdue reports whether the due date has come and the owner still owes it.
func (a Action) Overdue(now time.Time) bool {
	return a.State.Owed() && !a.Due.IsZero() && !now.Before(a.Due)
}

// Query selects actions. Zero fields select everything that is not private.
type Query struct {
	Projects []string // project ids; nil for all, empty for none
	// Private lists the projects whose private actions may be seen, Known the ids of more objects; AllPrivate says all.
	Private    []string
	Known      []string
	AllPrivate bool
	States     []State
	Owner      string
	Unowned    bool   // only those that nobody owns yet
	Text       string // words of the title
	Origin     mainstay.Ref
	Late       time.Time // only those whose due date lies before it and that are still owed
	ByDue      bool      // by due date, those without one last; else newest first
	Cursor     string    // of the page before, from Page.Next
	Limit      int       // 100 when 0, at most 1,000
}

// Page is one page of a list; Next is the cursor of the following one, "" at the end.
type Page struct {
	Items []Action
	Next  string
}
