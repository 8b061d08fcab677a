package action

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/fact"
)

// The kinds of the timers of an action; the subject is its id.
const (
	TimerDue      = "action.due"
	TimerReminder = "action.reminder"
)

// The names of the templates of the notices to owners.
const (
	TemplateAssigned = "action.assigned"
	TemplateReminder = "action.reminder"
	TemplateOverdue  = "action.overdue"
)

// remind is how long before the due date the owner is reminded.
const remind = 24 * time.Hour

// Limits of the texts, in characters.
const (
	MaxTitle = 200
	MaxText  = 4000
)

// Notice is the data of a notice about an action, in the shape of notify's general message.
type Notice struct {
	Title string    `json:"title"`
	Text  string    `json:"text,omitempty"`
	Link  string    `json:"link,omitempty"`
	URL   string    `json:"url,omitempty"` // path of the action's page
	Due   time.Time `json:"due,omitzero"`
}

// Begin makes the Action of a plain row, and what commits with it. An action that a person makes for themselves is accepted
// at once; every other waits for its owner's yes.
func Begin(c commit.Action) (Action, commit.Set) {
	if c.Project == "" {
		c.Project = mainstay.Installation
	}
	a := Action{
		ID: c.ID, Number: c.Number, Project: c.Project, Kind: c.Kind, Title: c.Title, Owner: c.Owner, Due: c.Due,
		Origin: c.Origin, Private: c.Private, State: Proposed, Proof: c.Proof, CreatedBy: c.By, CreatedAt: c.At, ChangedAt: c.At, Version: 1,
	}
	if a.Owner != "" && c.By == mainstay.Person(a.Owner) {
		a.State = Accepted
	}
	set := a.set(c.At)
	set.Facts = []fact.Fact{fact.New(c.At, a.Project, c.By, fact.ActionCreated{
		Number: a.Number, Title: a.Title, Owner: a.Owner, Due: a.Due, ActionKind: a.Kind,
	}, a.Ref(), a.Origin)}
	if !a.Origin.IsZero() {
		set.Links = []commit.Link{{From: a.Origin, Type: "asks for", To: a.Ref(), At: c.At}}
	}
	if a.Owner != "" && a.State == Proposed {
		set.Notices = append(set.Notices, a.notice(TemplateAssigned, c.At))
	}
	return a, set
}

// set registers the action and moves its timers to where its state and date want them.
func (a Action) set(now time.Time) commit.Set {
	s := commit.Set{Objects: []commit.Object{{
		Ref: a.Ref(), Number: a.Number, Project: a.Project, Title: a.Title, State: a.State.Words(), Private: a.Private, Of: a.Origin, Text: a.Proof, At: now,
	}}}
	arm := func(kind string, due time.Time, wanted bool) {
		if wanted {
			s.Timers = append(s.Timers, timer.Timer{Kind: kind, Subject: a.ID, Project: a.Project, Due: due})
		} else {
			s.Cancel = append(s.Cancel, commit.CancelTimer{Kind: kind, Subject: a.ID})
		}
	}
	owed := a.State.Owed() && !a.Due.IsZero()
	arm(TimerDue, a.Due, owed && a.OverdueAt.IsZero())
	arm(TimerReminder, a.Due.Add(-remind), owed && a.Due.Add(-remind).After(now))
	return s
}

func (a Action) notice(template string, now time.Time) commit.Notice {
	n := Notice{Title: a.Key() + ": " + a.Title, Link: "Open " + a.Key(), URL: "/actions/" + a.Key(), Due: a.Due}
	switch template {
	case TemplateAssigned:
		n.Text = "You are asked to own this. Accept it, or hand it on with a word why."
	case TemplateReminder:
		n.Text = "This falls due within a day."
	case TemplateOverdue:
		n.Title = "Overdue: " + n.Title
		n.Text = "Its date has passed. Finish it, or agree on another date."
	}
	if a.Proof != "" {
		n.Text += "\n\nHow its effect will be proven: " + a.Proof
	}
	data, err := json.Marshal(n)
	if err != nil {
		panic(err) // the struct holds nothing that cannot be written
	}
	return commit.Notice{
		Key:     fmt.Sprintf("%s/%s/%s/%d", template, a.ID, a.Owner, a.Due.UnixMicro()),
		Project: a.Project, Subject: a.Ref(), Person: a.Owner, Template: template, Data: data, At: now,
	}
}

// changed is what every change of an action commits.
func (a Action) changed(now time.Time, by mainstay.Actor, from State) commit.Set {
	s := a.set(now)
	s.Facts = []fact.Fact{fact.New(now, a.Project, by, fact.ActionChanged{
		Number: a.Number, From: string(from), To: string(a.State), Owner: a.Owner, Due: a.Due,
	}, a.Ref(), a.Origin)}
	return s
}

// Move takes the action to another state. The verdict is required for ineffective and dropped. Effect and end are judged by
// somebody else than the owner.
func (a *Action) Move(now time.Time, by mainstay.Actor, to State, verdict string) (commit.Set, error) {
	verdict = strings.TrimSpace(verdict)
	from := a.State
	if !to.Valid() {
		return commit.Set{}, fault("state", "There is no state %q.", to)
	}
	if !slices.Contains(from.Next(), to) {
		return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "%s is %s now, and cannot become %s from there.", a.Key(), from.Words(), to.Words())
	}
	if err := a.mayJudge(by, to); err != nil {
		return commit.Set{}, err
	}
	if verdict == "" && (to == Ineffective || to == Dropped) {
		return commit.Set{}, fault("reason", "Say why it is %s: whoever finds it later needs the reason.", to.Words())
	}
	if utf8.RuneCountInString(verdict) > MaxText {
		return commit.Set{}, fault("reason", "The reason is longer than %d characters.", MaxText)
	}
	a.State, a.ChangedAt = to, now
	switch to {
	case Accepted, Done:
		if a.Owner == "" && by.Kind == mainstay.ActorPerson {
			a.Owner = by.ID
		}
		a.Verdict, a.JudgedBy, a.JudgedAt, a.DoneAt = "", mainstay.Actor{}, time.Time{}, time.Time{}
		if to == Done {
			a.DoneAt = now
		}
	case Effective, Ineffective, Dropped:
		a.Verdict, a.JudgedBy, a.JudgedAt = verdict, by, now
	}
	return a.changed(now, by, from), nil
}

// mayJudge refuses the owner's own verdict. Only what one has asked oneself for one may also drop oneself.
func (a *Action) mayJudge(by mainstay.Actor, to State) error {
	owner := mainstay.Person(a.Owner)
	if a.Owner == "" || by != owner || to == Dropped && a.CreatedBy == owner {
		return nil
	}
	switch to {
	case Effective, Ineffective, Dropped:
		return mainstay.Errorf(mainstay.Denied,
			"You own %s, and somebody else must judge whether it is %s. Ask a colleague to look at it.", a.Key(), to.Words())
	}
	return nil
}

// Edit is a change of what an action asks for; nil fields stay.
type Edit struct {
	Title *string
	Owner *string // person id; "" gives it back
	Due   *time.Time
	Proof *string
}

// Edit changes what the action asks for. A new owner is asked anew and told so; a new date is reminded of anew. It reports an
// empty set when nothing changes.
func (a *Action) Edit(now time.Time, by mainstay.Actor, e Edit) (commit.Set, error) {
	next := *a
	put(&next.Title, e.Title)
	put(&next.Owner, e.Owner)
	put(&next.Due, e.Due)
	put(&next.Proof, e.Proof)
	next.Due = next.Due.UTC().Truncate(time.Microsecond)
	next.Title, next.Proof = strings.TrimSpace(next.Title), strings.TrimSpace(next.Proof)
	if err := check(next.Title, next.Proof); err != nil {
		return commit.Set{}, err
	}
	if next == *a {
		return commit.Set{}, nil
	}
	if a.State.Over() {
		return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "%s is %s and can no longer be changed.", a.Key(), a.State.Words())
	}
	next.ChangedAt = now
	asked := next.Owner != a.Owner && next.Owner != "" && by != mainstay.Person(next.Owner)
	if asked && next.State == Accepted {
		next.State = Proposed
	}
	if !next.Due.Equal(a.Due) {
		next.OverdueAt = time.Time{}
	}
	set := next.changed(now, by, a.State)
	if asked && next.State.Owed() {
		set.Notices = append(set.Notices, next.notice(TemplateAssigned, now))
	}
	*a = next
	return set, nil
}

func put[T any](to *T, v *T) {
	if v != nil {
		*to = *v
	}
}

// FellDue notes once that the due date has passed undone, and tells the owner. The fact happened at the due date, however
// late it is noticed.
func (a *Action) FellDue(now time.Time) commit.Set {
	if !a.Overdue(now) || !a.OverdueAt.IsZero() {
		return commit.Set{}
	}
	a.OverdueAt = now
	s := commit.Set{Facts: []fact.Fact{fact.New(now, a.Project, mainstay.System("action"), fact.ActionOverdue{
		Number: a.Number, Title: a.Title, Owner: a.Owner, Due: a.Due,
	}, a.Ref(), a.Origin).Happened(a.Due)}}
	if a.Owner != "" {
		s.Notices = []commit.Notice{a.notice(TemplateOverdue, now)}
	}
	return s
}

// Remind tells the owner that the due date is near; nothing when it has passed or moved away.
func (a *Action) Remind(now time.Time) commit.Set {
	if !a.State.Owed() || a.Owner == "" || a.Due.IsZero() || !now.Before(a.Due) || a.Due.Sub(now) > remind {
		return commit.Set{}
	}
	return commit.Set{Notices: []commit.Notice{a.notice(TemplateReminder, now)}}
}

func check(title, proof string) error {
	var f mainstay.Faults
	switch n := utf8.RuneCountInString(title); {
	case n == 0:
		f.Add("title", "Say what is to be done.")
	case n > MaxTitle:
		f.Add("title", "The title is longer than %d characters.", MaxTitle)
	}
	if utf8.RuneCountInString(proof) > MaxText {
		f.Add("proof", "This is longer than %d characters.", MaxText)
	}
	return f.Err()
}

func fault(field, format string, args ...any) error {
	var f mainstay.Faults
	f.Add(field, format, args...)
	return f.Err()
}
