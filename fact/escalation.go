package fact

import "time"

// PageOpened: a page began to walk up its policy.
type PageOpened struct {
	Number   int64  `json:"number,omitempty"`
	Title    string `json:"title,omitempty"`
	Policy   string `json:"policy,omitempty"`
	Severity string `json:"severity,omitempty"`
	Request  string `json:"request,omitempty"`
}

// FactKind is "page.opened".
func (PageOpened) FactKind() string { return "page.opened" }

// Sentence says it after the actor's name.
func (p PageOpened) Sentence() string { return "opened a page: " + p.Title }

// PageJoined: another request about the same thing joined the open page instead of paging twice.
type PageJoined struct {
	Request string `json:"request,omitempty"`
	Title   string `json:"title,omitempty"`
}

// FactKind is "page.joined".
func (PageJoined) FactKind() string { return "page.joined" }

// Sentence says it after the actor's name.
func (p PageJoined) Sentence() string { return "joined another request to the page: " + p.Title }

// PageStepped: a step of the policy was taken; People are ids; Why says what chose each.
type PageStepped struct {
	Step    int      `json:"step,omitempty"`
	Repeat  int      `json:"repeat,omitempty"`
	People  []string `json:"people,omitempty"`
	Targets []string `json:"targets,omitempty"`
	Why     []string `json:"why,omitempty"`
	Missed  []string `json:"missed,omitempty"` // why targets reached nobody
	Late    bool     `json:"late,omitempty"`
}

// FactKind is "page.stepped".
func (PageStepped) FactKind() string { return "page.stepped" }

// Sentence says it after the actor's name.
func (p PageStepped) Sentence() string {
	return "took step " + itoa(p.Step) + again(p.Repeat) + reached(len(p.People)) + when(p.Late, ", late")
}

// PageAcknowledged: somebody has it; Via is mail, web or api.
type PageAcknowledged struct {
	Via     string `json:"via,omitempty"`
	Step    int    `json:"step,omitempty"`
	Seconds int64  `json:"seconds,omitempty"`
}

// FactKind is "page.acknowledged".
func (PageAcknowledged) FactKind() string { return "page.acknowledged" }

// Sentence says it after the actor's name.
func (p PageAcknowledged) Sentence() string { return "acknowledged the page" + via(p.Via) }

// PageEscalated: somebody sent the page to the next step at once.
type PageEscalated struct {
	Step int `json:"step,omitempty"`
}

// FactKind is "page.escalated".
func (PageEscalated) FactKind() string { return "page.escalated" }

// Sentence says it after the actor's name.
func (p PageEscalated) Sentence() string { return "escalated to step " + itoa(p.Step) }

// PageReleased: whoever acknowledged took it back at once, and the page asks again.
type PageReleased struct {
	Step int `json:"step,omitempty"`
}

// FactKind is "page.released".
func (PageReleased) FactKind() string { return "page.released" }

// Sentence says it after the actor's name.
func (PageReleased) Sentence() string {
	return "took back the acknowledgement, and the page asks again"
}

// PageResolved: the page ended.
type PageResolved struct {
	Reason string `json:"reason,omitempty"`
}

// FactKind is "page.resolved".
func (PageResolved) FactKind() string { return "page.resolved" }

// Sentence says it after the actor's name.
func (p PageResolved) Sentence() string { return "saw the page end: " + p.Reason }

// PageExhausted: the policy ended without an acknowledgement.
type PageExhausted struct {
	Repeats int `json:"repeats,omitempty"`
}

// FactKind is "page.exhausted".
func (PageExhausted) FactKind() string { return "page.exhausted" }

// Sentence says it after the actor's name.
func (PageExhausted) Sentence() string {
	return "reached the end of the policy without an acknowledgement"
}

// PageRefused: a page was wanted and could not be opened.
type PageRefused struct {
	Reason string `json:"reason,omitempty"`
}

// FactKind is "page.refused".
func (PageRefused) FactKind() string { return "page.refused" }

// Sentence says it after the actor's name.
func (p PageRefused) Sentence() string { return "could not page: " + p.Reason }

// OverrideAdded: somebody takes part of a schedule.
type OverrideAdded struct {
	Schedule string    `json:"schedule,omitempty"`
	Person   string    `json:"person,omitempty"`
	From     time.Time `json:"from,omitzero"`
	Until    time.Time `json:"until,omitzero"`
}

// FactKind is "schedule.overridden".
func (OverrideAdded) FactKind() string { return "schedule.overridden" }

// Sentence says it after the actor's name.
func (OverrideAdded) Sentence() string { return "overrode the schedule" }

// OverrideRemoved: an override was taken back.
type OverrideRemoved struct {
	Schedule string `json:"schedule,omitempty"`
	Person   string `json:"person,omitempty"`
}

// FactKind is "schedule.override_removed".
func (OverrideRemoved) FactKind() string { return "schedule.override_removed" }

// Sentence says it after the actor's name.
func (OverrideRemoved) Sentence() string { return "took the override back" }

var escalationKinds = []Teller{
	PageOpened{},
	PageJoined{},
	PageStepped{},
	PageAcknowledged{},
	PageEscalated{},
	PageReleased{},
	PageResolved{},
	PageExhausted{},
	PageRefused{},
	OverrideAdded{},
	OverrideRemoved{},
}
