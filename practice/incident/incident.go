// Package incident owns disruptions while they are handled: who does what by when under which plan, what happened when, and
// which phase is reached. It never decides that something is wrong, never pages and never speaks to the public.
package incident

import (
	"time"

	"github.com/mainstayhq/mainstay"
)

// State is whether an incident is still handled.
type State string

// The states.
const (
	Open     State = "open"     // it goes on
	Resolved State = "resolved" // service is restored; there may be work left
	Closed   State = "closed"   // nothing is left to do in it
)

// Valid reports whether s is one of the states.
func (s State) Valid() bool { return s == Open || s == Resolved || s == Closed }

// Phase is a moment in the life of an incident. Phases are kept apart, and each is set once.
type Phase string

// The phases, in their usual order.
const (
	Started      Phase = "started"      // the disruption began
	Detected     Phase = "detected"     // somebody or something noticed
	Acknowledged Phase = "acknowledged" // a person has it
	FirstWord    Phase = "first_word"   // users were told for the first time
	Mitigated    Phase = "mitigated"    // the harm is stopped
	Restored     Phase = "restored"     // service is as before
	Ended        Phase = "closed"       // nothing is left to do
)

// Phases lists all phases in their usual order.
func Phases() []Phase {
	return []Phase{Started, Detected, Acknowledged, FirstWord, Mitigated, Restored, Ended}
}

// Valid reports whether p is one of the phases.
func (p Phase) Valid() bool {
	for _, q := range Phases() {
		if p == q {
			return true
		}
	}
	return false
}

// Words is the phase as people read it.
func (p Phase) Words() string {
	if p == FirstWord {
		return "first word"
	}
	return string(p)
}

// StepState is whether a step of the plan has been taken.
type StepState string

// The states of a step.
const (
	Todo    StepState = "todo"
	Done    StepState = "done"
	Skipped StepState = "skipped"
)

// Step is one step of the plan in a running incident.
type Step struct {
	Number    int // from 1
	Title     string
	Role      string
	Template  string    // name of the public text that it sends, if any
	Due       time.Time // zero when the plan gives no time
	State     StepState
	At        time.Time      // when it was done or skipped
	By        mainstay.Actor // who did or skipped it
	Note      string         // document with the reason for skipping
	OverdueAt time.Time      // when it was noticed that it had not been done in time
}

// Late reports whether the step was done, or is still to do, after its time.
func (s Step) Late(now time.Time) bool {
	switch {
	case s.Due.IsZero() || s.State == Skipped:
		return false
	case s.State == Done:
		return s.At.After(s.Due)
	}
	return !now.Before(s.Due)
}

// Role says who holds a role of the incident. Persons are ids.
type Role struct {
	Role   string
	Person string // "" when nobody holds it
	Since  time.Time
}

// Task is something to do that the plan did not foresee.
type Task struct {
	ID      string
	Title   string
	Owner   string // person id; "" when nobody took it yet
	State   StepState
	AddedBy mainstay.Actor
	AddedAt time.Time
	DoneBy  mainstay.Actor
	DoneAt  time.Time
}

// The types of the links of an incident.
const (
	Includes = "includes" // an alert or page that belongs to it
	Related  = "related"  // another incident, or anything else that has to do with it
)

// Link ties the incident to another object.
type Link struct {
	Ref  mainstay.Ref
	Type string
	At   time.Time
}

// Commander is the role that leads. Every plan has it.
const Commander = "commander"

// Incident is one disruption. Its phases, steps, roles, tasks and links belong to it and are saved with it.
type Incident struct {
	ID         string
	Number     int64
	Project    string
	Title      string
	Severity   mainstay.Severity
	State      State
	Services   []string // ids
	Private    bool     // only those who manage incidents and those with a role in it may know of it
	DeclaredBy mainstay.Actor
	DeclaredAt time.Time
	ResolvedAt time.Time // when service was restored, as said by whoever resolved it; zero while open
	ChangedAt  time.Time
	Request    string // id of the fact that asked for it; "" when a person declared it
	Plan       Snapshot
	Phases     map[Phase]time.Time
	Steps      []Step
	Roles      []Role
	Tasks      []Task
	Links      []Link
	Version    int64
}

// Ref points at the incident.
func (i Incident) Ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindIncident, ID: i.ID} }

// Key is its readable number, such as INC-42.
func (i Incident) Key() string { return mainstay.KindIncident.Number(i.Number) }

// StartedAt is when the disruption began.
func (i Incident) StartedAt() time.Time { return i.Phases[Started] }

// Holder is the person who holds a role, or "".
func (i Incident) Holder(role string) string {
	for _, r := range i.Roles {
		if r.Role == role {
			return r.Person
		}
	}
	return ""
}

// HasRole reports whether the person holds any role in the incident.
func (i Incident) HasRole(person string) bool {
	if person == "" {
		return false
	}
	for _, r := range i.Roles {
		if r.Person == person {
			return true
		}
	}
	return false
}

// VisibleTo reports whether somebody who may read incidents of the project may know of this one: a private one is for those
// who manage incidents, those who hold a role in it, and whoever declared it and knows anyway.
func (i Incident) VisibleTo(person string, manages bool) bool {
	return !i.Private || manages || i.HasRole(person) || person != "" && i.DeclaredBy == mainstay.Person(person)
}

// readers are the persons who may know of it though they do not manage incidents; none are listed when it is not private.
func (i Incident) readers() []string {
	if !i.Private {
		return nil
	}
	var list []string
	for _, r := range i.Roles {
		if r.Person != "" {
			list = append(list, r.Person)
		}
	}
	if i.DeclaredBy.Kind == mainstay.ActorPerson {
		list = append(list, i.DeclaredBy.ID)
	}
	return list
}

// Current is the step that is to be done next: the first one in the plan's order that is still to do.
func (i Incident) Current() (Step, bool) {
	for _, s := range i.Steps {
		if s.State == Todo {
			return s, true
		}
	}
	return Step{}, false
}

// Next is the phase that an open incident waits for among those that are reached by people's work.
func (i Incident) Next() Phase {
	for _, p := range []Phase{Acknowledged, Mitigated, Restored, Ended} {
		if i.Phases[p].IsZero() {
			return p
		}
	}
	return ""
}

// Cadence is how often the plan wants users told at the present severity; 0 when it does not say.
func (i Incident) Cadence() time.Duration { return i.Plan.Spec.Updates[i.Severity].Duration() }

// told is the title as facts carry it: a private incident's is kept out of the journal.
func (i Incident) told(title string) string {
	if i.Private {
		return "Private incident"
	}
	return title
}
