package fact

import "time"

// WindowPublic is what the public may know of a window: every window fact carries all of it, so that the status page needs
// no other source. Text is public text, not personal.
type WindowPublic struct {
	Number     int64     `json:"number,omitempty"`
	Title      string    `json:"title,omitempty"`
	Text       string    `json:"text,omitempty"` // what will happen, in the users' words
	From       time.Time `json:"from,omitzero"`
	Until      time.Time `json:"until,omitzero"`
	Components []string  `json:"components,omitempty"` // component ids
	Status     string    `json:"status,omitempty"`     // scheduled, in_progress, verifying, completed, cancelled
	Sequence   int64     `json:"sequence,omitempty"`   // rises with every change; an older one changes nothing
	Overrun    bool      `json:"overrun,omitempty"`
	Update     string    `json:"update,omitempty"` // what was said with this change; "" for the usual words
}

// WindowScheduled: maintenance is announced.
type WindowScheduled struct {
	Number int64        `json:"number,omitempty"`
	Title  string       `json:"title,omitempty"`
	From   time.Time    `json:"from,omitzero"`
	Until  time.Time    `json:"until,omitzero"`
	Public WindowPublic `json:"public,omitzero"`
}

// FactKind is "window.scheduled".
func (WindowScheduled) FactKind() string { return "window.scheduled" }

// Sentence says it after the actor's name.
func (p WindowScheduled) Sentence() string { return "scheduled maintenance: " + p.Title }

// WindowChanged: the announcement changed.
type WindowChanged struct {
	Number int64        `json:"number,omitempty"`
	Title  string       `json:"title,omitempty"`
	From   time.Time    `json:"from,omitzero"`
	Until  time.Time    `json:"until,omitzero"`
	Public WindowPublic `json:"public,omitzero"`
}

// FactKind is "window.changed".
func (WindowChanged) FactKind() string { return "window.changed" }

// Sentence says it after the actor's name.
func (p WindowChanged) Sentence() string { return "changed maintenance: " + p.Title }

// WindowStarted: maintenance began.
type WindowStarted struct {
	Number     int64        `json:"number,omitempty"`
	Title      string       `json:"title,omitempty"`
	Components []string     `json:"components,omitempty"`
	Public     WindowPublic `json:"public,omitzero"`
}

// FactKind is "window.started".
func (WindowStarted) FactKind() string { return "window.started" }

// Sentence says it after the actor's name.
func (p WindowStarted) Sentence() string { return "began maintenance: " + p.Title }

// WindowCompleted: maintenance ended.
type WindowCompleted struct {
	Number     int64        `json:"number,omitempty"`
	Title      string       `json:"title,omitempty"`
	Components []string     `json:"components,omitempty"`
	Overrun    bool         `json:"overrun,omitempty"`
	Public     WindowPublic `json:"public,omitzero"`
}

// FactKind is "window.completed".
func (WindowCompleted) FactKind() string { return "window.completed" }

// Sentence says it after the actor's name.
func (p WindowCompleted) Sentence() string {
	return "finished maintenance: " + p.Title + when(p.Overrun, ", late")
}

// WindowCancelled: maintenance will not happen, or was broken off.
type WindowCancelled struct {
	Number     int64        `json:"number,omitempty"`
	Title      string       `json:"title,omitempty"`
	Components []string     `json:"components,omitempty"`
	Public     WindowPublic `json:"public,omitzero"`
}

// FactKind is "window.cancelled".
func (WindowCancelled) FactKind() string { return "window.cancelled" }

// Sentence says it after the actor's name.
func (p WindowCancelled) Sentence() string { return "cancelled maintenance: " + p.Title }

// WindowOverrun: maintenance has not ended by the time that was announced.
type WindowOverrun struct {
	Number int64        `json:"number,omitempty"`
	Title  string       `json:"title,omitempty"`
	Public WindowPublic `json:"public,omitzero"`
}

// FactKind is "window.overrun".
func (WindowOverrun) FactKind() string { return "window.overrun" }

// Sentence says it after the actor's name.
func (p WindowOverrun) Sentence() string {
	return "saw maintenance take longer than planned: " + p.Title
}

// WindowUpdated: something was told about it.
type WindowUpdated struct {
	Number int64        `json:"number,omitempty"`
	Status string       `json:"status,omitempty"`
	Digest string       `json:"digest,omitempty"`
	Public WindowPublic `json:"public,omitzero"`
}

// FactKind is "window.updated".
func (WindowUpdated) FactKind() string { return "window.updated" }

// Sentence says it after the actor's name.
func (p WindowUpdated) Sentence() string { return "told users about maintenance: " + p.Status }

var maintenanceKinds = []Teller{
	WindowScheduled{},
	WindowChanged{},
	WindowStarted{},
	WindowCompleted{},
	WindowCancelled{},
	WindowOverrun{},
	WindowUpdated{},
}
