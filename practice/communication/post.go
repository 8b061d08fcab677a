package communication

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// Status is how far a public update says we are.
type Status string

// The statuses, in the order of an incident.
const (
	Investigating Status = "investigating"
	Identified    Status = "identified"
	Monitoring    Status = "monitoring"
	Resolved      Status = "resolved"
)

// Statuses lists all statuses in order.
func Statuses() []Status { return []Status{Investigating, Identified, Monitoring, Resolved} }

// Valid reports whether s is one of the statuses.
func (s Status) Valid() bool { return slices.Contains(Statuses(), s) }

// Words is how the status is said to people.
func (s Status) Words() string {
	switch s {
	case Investigating:
		return "We are looking into it"
	case Identified:
		return "We know the cause"
	case Monitoring:
		return "A remedy is in place"
	case Resolved:
		return "Over"
	}
	return string(s)
}

// PostState is where a public update stands.
type PostState string

// The states of a post.
const (
	Draft     PostState = "draft"
	Published PostState = "published"
	Rejected  PostState = "rejected"
)

// Post is one public update of an incident: drafted, then published or rejected. Title and Body hold placeholders until it is
// published; then they hold what the public read.
type Post struct {
	ID          string
	Project     string
	Incident    string // incident id
	State       PostState
	Status      Status
	Title, Body string
	Template    string           // the template that it began as; "" when written freely
	Components  map[string]State // component id → state that is set with it
	Next        time.Duration    // the next update comes this long after publishing; 0 for the last one
	NextUpdate  time.Time        // set by publishing
	Drafter     mainstay.Actor
	Decider     mainstay.Actor // who approved or rejected
	Reason      string         // why it was rejected
	Request     string         // id of the fact that asked for it
	Private     bool           // its incident became private: nobody is shown it any more
	DraftedAt   time.Time
	DecidedAt   time.Time
	Version     int64
}

// Ref points at the post.
func (p Post) Ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindPost, ID: p.ID} }

func (p Post) incident() mainstay.Ref {
	return mainstay.Ref{Kind: mainstay.KindIncident, ID: p.Incident}
}

func (p Post) object(at time.Time) commit.Object {
	return commit.Object{Ref: p.Ref(), Project: p.Project, Title: p.Title, State: string(p.State), Text: p.Body, Private: p.Private, Of: p.incident(), At: at}
}

// Input is what a person gives for a draft.
type Input struct {
	Incident    string // id
	Status      Status
	Template    string // name; its text is used where Body is empty
	Title, Body string
	Components  map[string]State // component id → state
	NextMinutes int              // 0: as the incident's plan says
	// OwnOnly: the writer may not set components of the whole installation.
	OwnOnly bool
}

// write puts the input on a draft.
func (p *Post) write(in Input) {
	p.Status, p.Title, p.Body, p.Template = in.Status, strings.TrimSpace(in.Title), strings.TrimSpace(in.Body), in.Template
	p.Components = maps.Clone(in.Components)
	p.Next = time.Duration(in.NextMinutes) * time.Minute
	if p.Status == Resolved {
		p.Next = 0
	}
}

// filled is the post as the public would read it if it were published at now. Faults are told by field.
func (p Post) filled(i Incident, parts []Component, now time.Time, zone *time.Location) (title, body string, err error) {
	var next time.Time
	if p.Next > 0 {
		next = now.Add(p.Next)
	}
	v := bind(i, parts, next, now, zone)
	if next.IsZero() {
		v["next_update"] = "the next update" // the linter tells that its time is missing
	}
	var f mainstay.Faults
	if title, err = Fill(p.Title, v); err != nil {
		f.Add("title", "%s", mainstay.ErrorMessage(err))
	}
	if body, err = Fill(p.Body, v); err != nil {
		f.Add("body", "%s", mainstay.ErrorMessage(err))
	}
	return title, body, f.Err()
}

// mayApprove says whether the actor may release the post, holding the permission to approve. Somebody else than the drafter
// always may. The drafter alone may when minutes count (sev-1 and sev-2), or when the text is an approved one, unchanged.
func mayApprove(p Post, i Incident, by mainstay.Actor, template Template) error {
	if by != p.Drafter || p.Drafter.Kind == mainstay.ActorSystem {
		return nil
	}
	if i.Severity == mainstay.Sev1 || i.Severity == mainstay.Sev2 {
		return nil
	}
	if template.Holding && template.Body == p.Body && template.Status == p.Status {
		return nil
	}
	return mainstay.Errorf(mainstay.Denied,
		"You wrote this update, so somebody else must approve it. At sev-1 and sev-2, or with an approved text unchanged, its writer may.")
}

func (p Post) open() error {
	switch p.State {
	case Published:
		return mainstay.Errorf(mainstay.Conflict, "This update was published already.")
	case Rejected:
		return mainstay.Errorf(mainstay.Conflict, "This update was rejected already.")
	}
	return nil
}

// publish releases the draft: the rule of the transaction that publishes. The incident must have been read in that transaction.
func (p *Post) publish(now time.Time, i Incident, by mainstay.Actor, title, body string, first bool) (commit.Set, error) {
	if err := Wall(i); err != nil {
		return commit.Set{}, err
	}
	if err := p.open(); err != nil {
		return commit.Set{}, err
	}
	p.State, p.Decider, p.DecidedAt, p.Title, p.Body = Published, by, now, title, body
	if p.Next > 0 {
		p.NextUpdate = now.Add(p.Next)
	}
	states := map[string]string{}
	for id, s := range p.Components {
		states[id] = string(s)
	}
	sum := sha256.Sum256([]byte(body))
	return commit.Set{
		Objects: []commit.Object{p.object(now)},
		Facts: []fact.Fact{fact.New(now, p.Project, by, fact.PostPublished{
			Status: string(p.Status), Digest: hex.EncodeToString(sum[:]), Components: states, First: first, NextUpdate: p.NextUpdate,
		}, p.Ref(), p.incident())},
	}, nil
}

// answers reports whether a request for such a post needs no other one: this one waits, or was published since the request, or
// it was the last word.
func (p Post) answers(f fact.Fact) bool {
	switch p.State {
	case Draft:
		return p.Request != f.ID
	case Published:
		return !p.DecidedAt.Before(f.At) || p.Status == Resolved
	}
	return false
}

// hide takes the post out of sight, because its incident became private; a draft is rejected.
func (p *Post) hide(now time.Time) commit.Set {
	p.Private = true
	var set commit.Set
	if p.State == Draft {
		p.State, p.Decider, p.DecidedAt = Rejected, system, now
		set.Facts = append(set.Facts, fact.New(now, p.Project, system, fact.PostRejected{Status: string(p.Status), Reason: "private"},
			p.Ref(), p.incident()))
	}
	set.Objects = append(set.Objects, p.object(now))
	return set
}

// reject ends the draft.
func (p *Post) reject(now time.Time, by mainstay.Actor, reason string) (commit.Set, error) {
	if err := p.open(); err != nil {
		return commit.Set{}, err
	}
	p.State, p.Decider, p.DecidedAt, p.Reason = Rejected, by, now, reason
	why := "person"
	if by == system {
		why = "superseded"
	}
	return commit.Set{
		Objects: []commit.Object{p.object(now)},
		Facts: []fact.Fact{fact.New(now, p.Project, by, fact.PostRejected{Status: string(p.Status), Reason: why},
			p.Ref(), p.incident())},
	}, nil
}
