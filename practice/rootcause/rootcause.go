// Package rootcause owns the analyses of why an incident happened: who owes one by when, the graph of causes with its evidence, the
// texts, the review and the publishing. It never copies the timeline, which it reads from the journal, and never keeps the corrective
// actions, which are obligations of their own.
package rootcause

import (
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/calendar"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// State is how far an analysis is.
type State string

// The states.
const (
	Open      State = "open"      // being written
	Review    State = "in_review" // somebody else reads it
	Reviewed  State = "reviewed"  // somebody else agreed; it can be published
	Published State = "published"
	Waiting   State = "waiting" // its incident was reopened; it goes on when that is resolved again
)

// Words is the state as people read it.
func (s State) Words() string { return strings.ReplaceAll(string(s), "_", " ") }

// Valid reports whether s is one of the states.
func (s State) Valid() bool {
	return slices.Contains([]State{Open, Review, Reviewed, Published, Waiting}, s)
}

// Owed reports whether somebody still has to write.
func (s State) Owed() bool { return s == Open || s == Review || s == Reviewed }

// Part is one of the texts of an analysis.
type Part string

// The parts, in the order of the report.
const (
	Summary  Part = "summary"
	Happened Part = "happened"
	Lessons  Part = "lessons"
)

// Parts lists the parts in their order.
func Parts() []Part { return []Part{Summary, Happened, Lessons} }

// Title is the heading of the part.
func (p Part) Title() string {
	switch p {
	case Summary:
		return "Summary"
	case Happened:
		return "What happened"
	}
	return "What we learned"
}

// Valid reports whether p is one of the parts.
func (p Part) Valid() bool { return slices.Contains(Parts(), p) }

// Corrective says which node a corrective action addresses; the action itself is core/action's.
type Corrective struct {
	Action string `json:"action"` // id
	Node   string `json:"node,omitempty"`
}

// RootCause is one analysis. There is one per incident.
type RootCause struct {
	ID          string
	Number      int64
	Project     string // id
	Incident    string // id
	Title       string
	Severity    mainstay.Severity
	Private     bool
	State       State
	Owner       string // person id; "" when nobody has it yet
	Due         time.Time
	Request     string          // id of the fact that opened it or took it up again; "" when a person did
	Action      string          // id of the action "Write the root cause analysis" that is owed now
	Texts       map[Part]string // document ids
	Graph       Graph
	Corrective  []Corrective
	Authors     []string // actors who wrote any of it, as "person:ID"
	OpenedAt    time.Time
	OpenedBy    mainstay.Actor
	SentAt      time.Time
	SentBy      mainstay.Actor
	ReviewedAt  time.Time
	ReviewedBy  mainstay.Actor
	PublishedAt time.Time
	PublishedBy mainstay.Actor
	ChangedAt   time.Time
	Version     int64
}

// Ref points at the analysis.
func (rc *RootCause) Ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindRootCause, ID: rc.ID} }

// IncidentRef points at its incident.
func (rc *RootCause) IncidentRef() mainstay.Ref {
	return mainstay.Ref{Kind: mainstay.KindIncident, ID: rc.Incident}
}

// Key is its readable number, such as RCA-12.
func (rc *RootCause) Key() string { return mainstay.KindRootCause.Number(rc.Number) }

// Overdue reports whether it should have been published by now.
func (rc *RootCause) Overdue(now time.Time) bool {
	return rc.State.Owed() && !rc.Due.IsZero() && now.After(rc.Due)
}

// Wanted reports whether an incident of that severity asks for an analysis by itself.
func Wanted(s mainstay.Severity) bool { return s == mainstay.Sev1 || s == mainstay.Sev2 }

// DueAt is when an analysis of an incident resolved at that time is due: 3 calendar days for sev-1, 5 working days for all others, at
// the same time of day in the calendar's zone.
func DueAt(s mainstay.Severity, resolved time.Time, hours calendar.Hours) (time.Time, error) {
	if s == mainstay.Sev1 {
		return resolved.In(hours.Zone).AddDate(0, 0, 3).UTC(), nil
	}
	return hours.AddWorkingDays(resolved, 5)
}

// CorrectiveDue is when a corrective action is due unless its author says otherwise: 15 days for sev-1, 30 for all others.
func CorrectiveDue(s mainstay.Severity, now time.Time) time.Time {
	if s == mainstay.Sev1 {
		return now.AddDate(0, 0, 15)
	}
	return now.AddDate(0, 0, 30)
}

// Incident is what an analysis must know of its incident.
type Incident struct {
	ID, Project string
	Number      int64
	Title       string
	Severity    mainstay.Severity
	Private     bool
	Commander   string // person id, "" when nobody commanded
	StartedAt   time.Time
	DetectedAt  time.Time
	ResolvedAt  time.Time      // zero while it is open
	Related     []mainstay.Ref // its alerts, pages and posts, whose facts belong on the timeline
}

// Key is its readable number.
func (i Incident) Key() string { return mainstay.KindIncident.Number(i.Number) }

// begin makes an analysis of an incident.
func begin(now time.Time, number int64, inc Incident, due time.Time, by mainstay.Actor, request string) (RootCause, commit.Set) {
	rc := RootCause{
		ID: mainstay.NewID(now), Number: number, Project: inc.Project, Incident: inc.ID, Title: "Why: " + inc.Title, Severity: inc.Severity,
		Private: inc.Private, State: Open, Owner: inc.Commander, Due: due, Request: request, Texts: map[Part]string{},
		OpenedAt: now, OpenedBy: by, ChangedAt: now,
	}
	rc.Graph.Last = 1
	rc.Graph.Nodes = []Node{{ID: "n1", Kind: Effect, Text: cut(inc.Title), Status: Hypothesis}}
	set := rc.owe(now, inc, by)
	set.Facts = append(set.Facts, rc.opened(now, by))
	set.Links = []commit.Link{{From: rc.Ref(), Type: "explains", To: rc.IncidentRef(), At: now}}
	return rc, set
}

// owe makes the obligation to write the analysis.
func (rc *RootCause) owe(now time.Time, inc Incident, by mainstay.Actor) commit.Set {
	rc.Action = mainstay.NewID(now)
	title := "Write the root cause analysis of " + inc.Key() + ": " + inc.Title
	return commit.Set{Actions: []commit.Action{{
		ID: rc.Action, Project: rc.Project, Kind: "analysis", Title: title,
		Owner: rc.Owner, Due: rc.Due, Origin: rc.Ref(), Private: rc.Private, By: by, At: now,
	}}}
}

func (rc *RootCause) opened(now time.Time, by mainstay.Actor) fact.Fact {
	return rc.fact(now, by, fact.RootCauseOpened{Number: rc.Number, Incident: rc.Incident, Severity: string(rc.Severity), Due: rc.Due})
}

// fact is about the analysis and its incident.
func (rc *RootCause) fact(now time.Time, by mainstay.Actor, p fact.Payload) fact.Fact {
	return fact.New(now, rc.Project, by, p, rc.Ref(), rc.IncidentRef())
}

// resume takes an analysis up again after its incident was reopened and resolved once more.
func (rc *RootCause) resume(now time.Time, inc Incident, due time.Time, by mainstay.Actor, request string) commit.Set {
	rc.State, rc.Due, rc.Request, rc.Severity, rc.Private = Open, due, request, inc.Severity, inc.Private
	rc.forgetReview()
	if rc.Owner == "" {
		rc.Owner = inc.Commander
	}
	set := rc.owe(now, inc, by)
	set.Facts = append(set.Facts, rc.opened(now, by))
	return set
}

func (rc *RootCause) forgetReview() {
	rc.SentAt, rc.SentBy, rc.ReviewedAt, rc.ReviewedBy = time.Time{}, mainstay.Actor{}, time.Time{}, mainstay.Actor{}
	rc.PublishedAt, rc.PublishedBy = time.Time{}, mainstay.Actor{}
}

// wait lets an analysis rest while its incident goes on.
func (rc *RootCause) wait() bool {
	was := rc.State
	rc.State = Waiting
	return was != Waiting
}

// editable says why nobody may write now, or nil. Writing after the review undoes the review.
func (rc *RootCause) edit(by mainstay.Actor) error {
	if rc.State == Published {
		return mainstay.Errorf(mainstay.Conflict, "%s is published. Reopen it to change it.", rc.Key())
	}
	if rc.State == Review || rc.State == Reviewed {
		rc.State = Open
		rc.forgetReview()
	}
	if a := by.String(); !slices.Contains(rc.Authors, a) {
		rc.Authors = append(rc.Authors, a)
	}
	return nil
}

// Send asks for a review. What blocks must be mended first.
func (rc *RootCause) send(now time.Time, by mainstay.Actor, summary string) error {
	if rc.State != Open {
		return mainstay.Errorf(mainstay.Conflict, "%s is %s; only an open one can be sent for review.", rc.Key(), rc.State.Words())
	}
	if strings.TrimSpace(summary) == "" {
		return mainstay.Errorf(mainstay.Invalid, "Write the summary first: one paragraph that says what happened, why, and what will change.")
	}
	for _, f := range rc.Graph.Lint() {
		if f.Blocks {
			return mainstay.Errorf(mainstay.Invalid, "Not ready for review. %s", f.Text)
		}
	}
	rc.State, rc.SentAt, rc.SentBy = Review, now, by
	return nil
}

// MayReview says why an actor may not review, or nil: nobody reviews what they own, wrote or sent themselves.
func (rc *RootCause) MayReview(by mainstay.Actor) error {
	if rc.State != Review {
		return mainstay.Errorf(mainstay.Conflict, "%s is %s; it can be reviewed once it was sent for review.", rc.Key(), rc.State.Words())
	}
	own := by.Kind == mainstay.ActorPerson && by.ID == rc.Owner
	if own || by == rc.SentBy || slices.Contains(rc.Authors, by.String()) {
		return mainstay.Errorf(mainstay.Denied, "Somebody who did not write %s must review it. Ask a colleague.", rc.Key())
	}
	return nil
}

// review agrees, or sends it back.
func (rc *RootCause) review(now time.Time, by mainstay.Actor, agree bool) (commit.Set, error) {
	if err := rc.MayReview(by); err != nil {
		return commit.Set{}, err
	}
	if !agree {
		rc.State = Open
		rc.forgetReview()
		return commit.Set{Facts: []fact.Fact{rc.fact(now, by, rc.changed("review"))}}, nil
	}
	rc.State, rc.ReviewedAt, rc.ReviewedBy = Reviewed, now, by
	return commit.Set{Facts: []fact.Fact{rc.fact(now, by, fact.RootCauseReviewed{Number: rc.Number})}}, nil
}

// publish ends the analysis.
func (rc *RootCause) publish(now time.Time, by mainstay.Actor) (commit.Set, error) {
	if rc.State != Reviewed {
		return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "%s is %s; it can be published once somebody else has reviewed it.", rc.Key(), rc.State.Words())
	}
	rc.State, rc.PublishedAt, rc.PublishedBy = Published, now, by
	late := !rc.Due.IsZero() && now.After(rc.Due)
	return commit.Set{Facts: []fact.Fact{rc.fact(now, by, fact.RootCausePublished{Number: rc.Number, Late: late})}}, nil
}

// changed is the fact of a change that has no kind of its own; fields only are named.
func (rc *RootCause) changed(fields ...string) fact.ObjectChanged {
	return fact.ObjectChanged{Kind: string(mainstay.KindRootCause), Name: rc.Key(), Fields: fields}
}

// object is its entry in the register.
func (rc *RootCause) object(text string) commit.Object {
	var b strings.Builder
	b.WriteString(text)
	for _, n := range rc.Graph.Nodes {
		b.WriteString(" " + n.Text)
	}
	return commit.Object{
		Ref: rc.Ref(), Number: rc.Number, Project: rc.Project, Title: rc.Title, State: rc.State.Words(), Private: rc.Private, Of: rc.IncidentRef(),
		Labels: map[string]string{"severity": string(rc.Severity)}, Text: b.String(), At: rc.ChangedAt,
	}
}

// cut bounds a text to what a node may hold.
func cut(s string) string {
	if r := []rune(strings.Join(strings.Fields(s), " ")); len(r) > maxText {
		return string(r[:maxText-1]) + "…"
	} else {
		return string(r)
	}
}
