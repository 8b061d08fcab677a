package fact

import "time"

// AlertFired: an alert began to fire.
type AlertFired struct {
	Number      int64     `json:"number,omitempty"`
	Name        string    `json:"name,omitempty"`
	Summary     string    `json:"summary,omitempty"`
	Fingerprint string    `json:"fingerprint,omitempty"`
	Service     string    `json:"service,omitempty"`
	Severity    string    `json:"severity,omitempty"`
	Route       string    `json:"route,omitempty"`
	StartsAt    time.Time `json:"startsAt,omitzero"`
}

// FactKind is "alert.fired".
func (AlertFired) FactKind() string { return "alert.fired" }

// Sentence says it after the actor's name.
func (p AlertFired) Sentence() string { return "saw the alert fire: " + first(p.Summary, p.Name) }

// AlertResolved: an alert ended; Reason is ends_at, timeout or person.
type AlertResolved struct {
	Number      int64     `json:"number,omitempty"`
	Name        string    `json:"name,omitempty"`
	Fingerprint string    `json:"fingerprint,omitempty"`
	EndsAt      time.Time `json:"endsAt,omitzero"`
	Reason      string    `json:"reason,omitempty"`
}

// FactKind is "alert.resolved".
func (AlertResolved) FactKind() string { return "alert.resolved" }

// Sentence says it after the actor's name.
func (p AlertResolved) Sentence() string { return "saw the alert end" + endReason(p.Reason) }

// PageWanted: a request: page people about the subject (the first subject of the fact) by a policy. Served by escalation.
type PageWanted struct {
	Policy   string `json:"policy,omitempty"`
	Urgency  string `json:"urgency,omitempty"`
	Severity string `json:"severity,omitempty"`
	Title    string `json:"title,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Service  string `json:"service,omitempty"`
}

// FactKind is "page.wanted".
func (PageWanted) FactKind() string { return "page.wanted" }

// Sentence says it after the actor's name.
func (p PageWanted) Sentence() string { return "asked for a page: " + p.Title }

// RouteChosen: which route decided what happens to an alert, or that none did.
type RouteChosen struct {
	Route  string `json:"route,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// FactKind is "alert.routed".
func (RouteChosen) FactKind() string { return "alert.routed" }

// Sentence says it after the actor's name.
func (p RouteChosen) Sentence() string { return "routed the alert: " + p.Reason }

var warningKinds = []Teller{
	AlertFired{},
	AlertResolved{},
	PageWanted{},
	RouteChosen{},
}
