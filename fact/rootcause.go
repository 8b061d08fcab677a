package fact

import "time"

// RootCauseOpened: an analysis is due.
type RootCauseOpened struct {
	Number   int64     `json:"number,omitempty"`
	Incident string    `json:"incident,omitempty"`
	Severity string    `json:"severity,omitempty"`
	Due      time.Time `json:"due,omitzero"`
}

// FactKind is "rootcause.opened".
func (RootCauseOpened) FactKind() string { return "rootcause.opened" }

// Sentence says it after the actor's name.
func (RootCauseOpened) Sentence() string { return "opened the root cause analysis" }

// CauseAdded: a node of the cause graph.
type CauseAdded struct {
	Node     string `json:"node,omitempty"`
	NodeKind string `json:"nodeKind,omitempty"`
	Category string `json:"category,omitempty"`
}

// FactKind is "rootcause.cause_added".
func (CauseAdded) FactKind() string { return "rootcause.cause_added" }

// Sentence says it after the actor's name.
func (p CauseAdded) Sentence() string {
	return "added " + article(words(p.NodeKind)) + " to the cause graph"
}

// CauseChanged: a node of the cause graph changed or went.
type CauseChanged struct {
	Node   string `json:"node,omitempty"`
	Status string `json:"status,omitempty"`
}

// FactKind is "rootcause.cause_changed".
func (CauseChanged) FactKind() string { return "rootcause.cause_changed" }

// Sentence says it after the actor's name.
func (p CauseChanged) Sentence() string {
	switch p.Status {
	case "supported", "refuted":
		return "marked a cause " + p.Status
	case "", "removed":
		return "removed a cause"
	}
	if p.Status == "unlinked" {
		return "took a link between two causes away"
	}
	return "revised a cause; it is a " + words(p.Status)
}

// CausesLinked: an edge of the cause graph; Type is because, enabled, masked or amplified.
type CausesLinked struct {
	From     string `json:"from,omitempty"`
	To       string `json:"to,omitempty"`
	EdgeType string `json:"edgeType,omitempty"`
}

// FactKind is "rootcause.causes_linked".
func (CausesLinked) FactKind() string { return "rootcause.causes_linked" }

// Sentence says it after the actor's name.
func (p CausesLinked) Sentence() string {
	return "linked a cause to what it explains" + how(p.EdgeType)
}

// RootCauseReviewed: somebody else than the author agreed.
type RootCauseReviewed struct {
	Number int64 `json:"number,omitempty"`
}

// FactKind is "rootcause.reviewed".
func (RootCauseReviewed) FactKind() string { return "rootcause.reviewed" }

// Sentence says it after the actor's name.
func (RootCauseReviewed) Sentence() string { return "reviewed the root cause analysis" }

// RootCausePublished: the analysis is done.
type RootCausePublished struct {
	Number int64 `json:"number,omitempty"`
	Late   bool  `json:"late,omitempty"`
}

// FactKind is "rootcause.published".
func (RootCausePublished) FactKind() string { return "rootcause.published" }

// Sentence says it after the actor's name.
func (p RootCausePublished) Sentence() string {
	return "published the root cause analysis" + when(p.Late, ", late")
}

var rootcauseKinds = []Teller{
	RootCauseOpened{},
	CauseAdded{},
	CauseChanged{},
	CausesLinked{},
	RootCauseReviewed{},
	RootCausePublished{},
}
