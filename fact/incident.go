package fact

import "time"

// IncidentWanted: a request: declare an incident. Served by incident.
type IncidentWanted struct {
	Title    string `json:"title,omitempty"`
	Severity string `json:"severity,omitempty"`
	Plan     string `json:"plan,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// FactKind is "incident.wanted".
func (IncidentWanted) FactKind() string { return "incident.wanted" }

// Sentence says it after the actor's name.
func (p IncidentWanted) Sentence() string { return "asked for an incident: " + p.Title }

// IncidentRefused: an incident was wanted and could not be declared; Request is the id of the fact that wanted it.
type IncidentRefused struct {
	Request string `json:"request,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// FactKind is "incident.refused".
func (IncidentRefused) FactKind() string { return "incident.refused" }

// Sentence says it after the actor's name.
func (p IncidentRefused) Sentence() string { return "could not declare an incident: " + p.Reason }

// IncidentDeclared: a disruption is handled under a plan.
type IncidentDeclared struct {
	Number      int64     `json:"number,omitempty"`
	Title       string    `json:"title,omitempty"`
	Severity    string    `json:"severity,omitempty"`
	Plan        string    `json:"plan,omitempty"`
	PlanVersion int64     `json:"planVersion,omitempty"`
	Private     bool      `json:"private,omitempty"`
	Services    []string  `json:"services,omitempty"`
	StartedAt   time.Time `json:"startedAt,omitzero"`
	Request     string    `json:"request,omitempty"` // id of the fact that asked for it
}

// FactKind is "incident.declared".
func (IncidentDeclared) FactKind() string { return "incident.declared" }

// Sentence says it after the actor's name.
func (p IncidentDeclared) Sentence() string {
	return "declared the incident: " + p.Title + " (" + p.Severity + ")"
}

// IncidentSeverityChanged: the severity moved.
type IncidentSeverityChanged struct {
	Number int64  `json:"number,omitempty"`
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
}

// FactKind is "incident.severity_changed".
func (IncidentSeverityChanged) FactKind() string { return "incident.severity_changed" }

// Sentence says it after the actor's name.
func (p IncidentSeverityChanged) Sentence() string {
	return "changed the severity from " + p.From + " to " + p.To
}

// IncidentRetitled: the title changed.
type IncidentRetitled struct {
	Number int64  `json:"number,omitempty"`
	Title  string `json:"title,omitempty"`
}

// FactKind is "incident.retitled".
func (IncidentRetitled) FactKind() string { return "incident.retitled" }

// Sentence says it after the actor's name.
func (p IncidentRetitled) Sentence() string { return "renamed the incident to: " + p.Title }

// IncidentRoleAssigned: a person took a role, or gave it back when Person is empty.
type IncidentRoleAssigned struct {
	Role   string `json:"role,omitempty"`
	Person string `json:"person,omitempty"`
}

// FactKind is "incident.role_assigned".
func (IncidentRoleAssigned) FactKind() string { return "incident.role_assigned" }

// Sentence says it after the actor's name.
func (p IncidentRoleAssigned) Sentence() string { return "assigned the role " + p.Role }

// IncidentPhaseReached: started, detected, acknowledged, first_word, mitigated, restored or closed; the fact's At says when.
type IncidentPhaseReached struct {
	Phase string `json:"phase,omitempty"`
}

// FactKind is "incident.phase_reached".
func (IncidentPhaseReached) FactKind() string { return "incident.phase_reached" }

// Sentence says it after the actor's name.
func (p IncidentPhaseReached) Sentence() string {
	switch p.Phase {
	case "started":
		return "set when the disruption began"
	case "detected":
		return "set when it was detected"
	case "acknowledged":
		return "took the incident"
	case "first_word":
		return "marked the first word to users"
	}
	return "marked the incident " + words(p.Phase)
}

// IncidentStepDone: a step of the plan is done.
type IncidentStepDone struct {
	Step  int    `json:"step,omitempty"`
	Title string `json:"title,omitempty"`
	Late  bool   `json:"late,omitempty"`
}

// FactKind is "incident.step_done".
func (IncidentStepDone) FactKind() string { return "incident.step_done" }

// Sentence says it after the actor's name.
func (p IncidentStepDone) Sentence() string {
	return "did the step: " + p.Title + when(p.Late, ", late")
}

// IncidentStepSkipped: a step of the plan is skipped; Note is the document that holds the reason.
type IncidentStepSkipped struct {
	Step   int    `json:"step,omitempty"`
	Title  string `json:"title,omitempty"`
	Note   string `json:"note,omitempty"`
	Digest string `json:"digest,omitempty"`
}

// FactKind is "incident.step_skipped".
func (IncidentStepSkipped) FactKind() string { return "incident.step_skipped" }

// Sentence says it after the actor's name.
func (p IncidentStepSkipped) Sentence() string { return "skipped the step: " + p.Title }

// IncidentStepOverdue: a step of the plan passed its deadline undone.
type IncidentStepOverdue struct {
	Step  int    `json:"step,omitempty"`
	Title string `json:"title,omitempty"`
	Role  string `json:"role,omitempty"`
}

// FactKind is "incident.step_overdue".
func (IncidentStepOverdue) FactKind() string { return "incident.step_overdue" }

// Sentence says it after the actor's name.
func (p IncidentStepOverdue) Sentence() string { return "saw a step pass its deadline: " + p.Title }

// IncidentTaskChanged: a task was added, done or reopened.
type IncidentTaskChanged struct {
	Task  string `json:"task,omitempty"`
	Title string `json:"title,omitempty"`
	State string `json:"state,omitempty"`
}

// FactKind is "incident.task_changed".
func (IncidentTaskChanged) FactKind() string { return "incident.task_changed" }

// Sentence says it after the actor's name.
func (p IncidentTaskChanged) Sentence() string { return p.State + " the task: " + p.Title }

// IncidentNoted: somebody added to the timeline; the text is the document.
type IncidentNoted struct {
	Note     string `json:"note,omitempty"`
	Digest   string `json:"digest,omitempty"`
	NoteKind string `json:"noteKind,omitempty"`
}

// FactKind is "incident.noted".
func (IncidentNoted) FactKind() string { return "incident.noted" }

// Sentence says it after the actor's name.
func (IncidentNoted) Sentence() string { return "wrote in the timeline" }

// IncidentLinked: the incident was tied to another object; the second subject is that object.
type IncidentLinked struct {
	LinkType string `json:"linkType,omitempty"`
}

// FactKind is "incident.linked".
func (IncidentLinked) FactKind() string { return "incident.linked" }

// Sentence says it after the actor's name.
func (p IncidentLinked) Sentence() string {
	return "linked " + first(when(p.LinkType == "includes", "what belongs to it"), "something related")
}

// IncidentResolved: the disruption is over.
type IncidentResolved struct {
	Number     int64     `json:"number,omitempty"`
	Title      string    `json:"title,omitempty"`
	Severity   string    `json:"severity,omitempty"`
	Private    bool      `json:"private,omitempty"`
	Services   []string  `json:"services,omitempty"`
	StartedAt  time.Time `json:"startedAt,omitzero"`
	ResolvedAt time.Time `json:"resolvedAt,omitzero"`
}

// FactKind is "incident.resolved".
func (IncidentResolved) FactKind() string { return "incident.resolved" }

// Sentence says it after the actor's name.
func (IncidentResolved) Sentence() string { return "resolved the incident" }

// IncidentReopened: it was not over.
type IncidentReopened struct {
	Number int64 `json:"number,omitempty"`
}

// FactKind is "incident.reopened".
func (IncidentReopened) FactKind() string { return "incident.reopened" }

// Sentence says it after the actor's name.
func (IncidentReopened) Sentence() string { return "reopened the incident" }

// IncidentUnclosed: the closing was taken back at once; it is resolved as before.
type IncidentUnclosed struct {
	Number int64 `json:"number,omitempty"`
}

// FactKind is "incident.unclosed".
func (IncidentUnclosed) FactKind() string { return "incident.unclosed" }

// Sentence says it after the actor's name.
func (IncidentUnclosed) Sentence() string { return "took back the closing" }

// IncidentClosed: nothing is left to do in it.
type IncidentClosed struct {
	Number int64 `json:"number,omitempty"`
}

// FactKind is "incident.closed".
func (IncidentClosed) FactKind() string { return "incident.closed" }

// Sentence says it after the actor's name.
func (IncidentClosed) Sentence() string { return "closed the incident" }

var incidentKinds = []Teller{
	IncidentWanted{},
	IncidentRefused{},
	IncidentDeclared{},
	IncidentSeverityChanged{},
	IncidentRetitled{},
	IncidentRoleAssigned{},
	IncidentPhaseReached{},
	IncidentStepDone{},
	IncidentStepSkipped{},
	IncidentStepOverdue{},
	IncidentTaskChanged{},
	IncidentNoted{},
	IncidentLinked{},
	IncidentResolved{},
	IncidentReopened{},
	IncidentClosed{},
	IncidentUnclosed{},
}
