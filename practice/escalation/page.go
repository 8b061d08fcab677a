package escalation

import (
	"fmt"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/fact"
)

// State is how far a page has come.
type State string

// The states of a page. Open and Acknowledged pages are under way.
const (
	Open         State = "open"         // it goes on asking
	Acknowledged State = "acknowledged" // somebody has it
	Exhausted    State = "exhausted"    // the policy ended without an answer
	Resolved     State = "resolved"     // what it was about is over
)

// States lists the states in the order of a page's life.
func States() []State { return []State{Open, Acknowledged, Exhausted, Resolved} }

// StepTimer is the kind of the timer of a page's next step; its subject is the page's id.
const StepTimer = "escalation.step"

// Page is one demand on people to look.
type Page struct {
	ID         string
	Number     int64
	Project    string
	Request    string // id of the fact that asked for it
	Title      string
	Severity   mainstay.Severity
	Service    string // id or name, as the request said
	Reason     string // why it was asked for
	Subjects   []Subject
	Policy     Policy // as it was at the opening
	State      State
	Step       int   // the last step taken; 0 before the first
	Repeat     int   // the round, from 0
	Generation int64 // raised by whatever makes a set timer stale
	NextAt     time.Time
	Opened     time.Time
	Acked      time.Time
	AckedBy    mainstay.Actor
	AckedVia   string // mail, web or api
	Ended      time.Time
	EndReason  string
	Log        []Taken // the steps taken, oldest first
	Version    int64
}

// Subject is an object that the page is about. Ended is when it was over; zero while it lasts.
type Subject struct {
	Ref   mainstay.Ref
	Ended time.Time
}

// Taken is one step as it was taken.
type Taken struct {
	At      time.Time      `json:"at"`
	Step    int            `json:"step"`
	Repeat  int            `json:"repeat"`
	Late    bool           `json:"late,omitempty"`
	By      mainstay.Actor `json:"by,omitzero"` // who sent the page on; zero for the timer
	Reached []Reached      `json:"reached,omitempty"`
	Missed  []Missed       `json:"missed,omitempty"`
}

// Reached is a person who was paged, and what chose them.
type Reached struct {
	Person string `json:"person"` // id
	Target string `json:"target"` // schedule:primary
	Why    string `json:"why"`
}

// Missed is a target that led to nobody, or to somebody who cannot be reached, and why.
type Missed struct {
	Target string `json:"target"`
	Person string `json:"person,omitempty"` // id
	Why    string `json:"why"`
}

// Ref points at the page.
func (p *Page) Ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindPage, ID: p.ID} }

// Key is how people call the page: PAG-3.
func (p *Page) Key() string { return mainstay.KindPage.Number(p.Number) }

// Underway reports whether the page is open or acknowledged.
func (p *Page) Underway() bool { return p.State == Open || p.State == Acknowledged }

// People lists the ids of everybody who was paged, in order, once each.
func (p *Page) People() []string {
	var ids []string
	for _, t := range p.Log {
		for _, r := range t.Reached {
			if !slices.Contains(ids, r.Person) {
				ids = append(ids, r.Person)
			}
		}
	}
	return ids
}

func (p *Page) fact(now time.Time, actor mainstay.Actor, payload fact.Payload) fact.Fact {
	refs := []mainstay.Ref{p.Ref()}
	for _, s := range p.Subjects {
		refs = append(refs, s.Ref)
	}
	return fact.New(now, p.Project, actor, payload, refs...)
}

// object is the page's entry in the register.
func (p *Page) object(now time.Time) commit.Object {
	return commit.Object{Ref: p.Ref(), Number: p.Number, Project: p.Project, Title: p.Title, State: string(p.State), Text: p.Reason, At: now}
}

// Timer is the timer that the page stands for now; false when nothing is due.
func (p *Page) Timer() (timer.Timer, bool) {
	if p.State != Open || p.NextAt.IsZero() {
		return timer.Timer{}, false
	}
	return timer.Timer{Kind: StepTimer, Subject: p.ID, Project: p.Project, Due: p.NextAt, Generation: p.Generation}, true
}

// open is the rule of opening: the page is there, and no step taken.
func (p *Page) open(now time.Time, actor mainstay.Actor) commit.Set {
	p.State, p.Opened = Open, now
	set := commit.Set{
		Facts: []fact.Fact{p.fact(now, actor, fact.PageOpened{
			Number: p.Number, Title: p.Title, Policy: p.Policy.Name, Severity: string(p.Severity), Request: p.Request,
		})},
		Objects: []commit.Object{p.object(now)},
	}
	for _, s := range p.Subjects {
		set.Links = append(set.Links, commit.Link{From: p.Ref(), Type: "about", To: s.Ref, At: now})
	}
	return set
}

// following is the step after the last one and how long after it is due by the policy. It reports false when the rounds are
// used up; then wait is how long an answer is still waited for. forced goes round once more.
func (p *Page) following(forced bool) (step, repeat int, wait time.Duration, ok bool) {
	switch {
	case p.Step < len(p.Policy.Steps):
		return p.Step + 1, p.Repeat, p.Policy.Steps[p.Step].Delay, true
	case p.Repeat < p.Policy.Repeats || forced:
		return 1, p.Repeat + 1, p.Policy.RepeatAfter, true
	}
	return 0, 0, p.Policy.RepeatAfter, false
}

// arm sets when the next step is due, or the end. Whatever timer stood before is stale then.
func (p *Page) arm(now time.Time) {
	_, _, wait, _ := p.following(false)
	p.NextAt = now.Add(wait)
	p.Generation++
}

// take is the rule of taking a step that led to these people.
func (p *Page) take(t Taken) commit.Set {
	p.Step, p.Repeat = t.Step, t.Repeat
	p.Log = append(p.Log, t)
	payload := fact.PageStepped{Step: t.Step, Repeat: t.Repeat, Late: t.Late}
	for _, r := range t.Reached {
		payload.People = append(payload.People, r.Person)
		payload.Targets = append(payload.Targets, r.Target)
		payload.Why = append(payload.Why, r.Why)
	}
	for _, m := range t.Missed {
		payload.Missed = append(payload.Missed, m.Target+": "+m.Why)
	}
	f := p.fact(t.At, mainstay.System("escalation"), payload)
	for _, r := range t.Reached {
		f.Subjects = append(f.Subjects, mainstay.Ref{Kind: mainstay.KindPerson, ID: r.Person})
	}
	return commit.Set{Facts: []fact.Fact{f}}
}

// barren reports whether the present round reached nobody so far.
func (p *Page) barren() bool {
	for _, t := range p.Log {
		if t.Repeat == p.Repeat && len(t.Reached) > 0 {
			return false
		}
	}
	return true
}

// exhaust is the rule of the policy's end without an answer.
func (p *Page) exhaust(now time.Time) commit.Set {
	p.State, p.NextAt = Exhausted, time.Time{}
	p.Generation++
	return commit.Set{
		Facts:   []fact.Fact{p.fact(now, mainstay.System("escalation"), fact.PageExhausted{Repeats: p.Repeat})},
		Objects: []commit.Object{p.object(now)},
	}
}

// acknowledge is the rule of somebody taking the page on. A page that somebody has, or that is over, stays as it is.
func (p *Page) acknowledge(now time.Time, actor mainstay.Actor, via string) (commit.Set, error) {
	if p.State == Acknowledged || p.State == Resolved {
		return commit.Set{}, ErrUnchanged
	}
	p.State, p.Acked, p.AckedBy, p.AckedVia, p.NextAt = Acknowledged, now, actor, via, time.Time{}
	p.Generation++
	return commit.Set{
		Facts: []fact.Fact{p.fact(now, actor, fact.PageAcknowledged{
			Via: via, Step: p.Step, Seconds: int64(now.Sub(p.Opened) / time.Second),
		})},
		Objects: []commit.Object{p.object(now)},
	}, nil
}

// reopen makes the page ask again, because somebody sends it on.
func (p *Page) reopen() {
	p.State, p.Acked, p.AckedBy, p.AckedVia = Open, time.Time{}, mainstay.Actor{}, ""
}

// release is the rule of taking back an acknowledgement: by whoever acknowledged, at once, and only if nothing has followed. The
// page asks again as if nothing had been: the step that was due is due when it was, or now.
func (p *Page) release(now time.Time, actor mainstay.Actor, version int64) (commit.Set, error) {
	if p.State != Acknowledged || p.Version != version || p.AckedBy != actor || now.Sub(p.Acked) > Regret {
		return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "%s has changed since, or more than a minute has passed. It is as it was; escalate it if somebody else is to take it.", p.Key())
	}
	p.reopen()
	p.arm(now)
	if n := len(p.Log); n > 0 {
		_, _, wait, _ := p.following(false)
		p.NextAt = later(p.Log[n-1].At.Add(wait), now)
	}
	return commit.Set{
		Facts:   []fact.Fact{p.fact(now, actor, fact.PageReleased{Step: p.Step})},
		Objects: []commit.Object{p.object(now)},
	}, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// resolve is the rule of the end. A page that is over stays as it is.
func (p *Page) resolve(now time.Time, actor mainstay.Actor, reason string) (commit.Set, error) {
	if p.State == Resolved {
		return commit.Set{}, ErrUnchanged
	}
	p.State, p.Ended, p.EndReason, p.NextAt = Resolved, now, reason, time.Time{}
	p.Generation++
	return commit.Set{
		Facts:   []fact.Fact{p.fact(now, actor, fact.PageResolved{Reason: reason})},
		Objects: []commit.Object{p.object(now)},
	}, nil
}

// join is the rule of another request about the same thing: it is recorded, and what it is about counts as lasting.
func (p *Page) join(now time.Time, actor mainstay.Actor, request string, other *Page) commit.Set {
	set := commit.Set{}
	for _, s := range other.Subjects {
		i := slices.IndexFunc(p.Subjects, func(o Subject) bool { return o.Ref == s.Ref })
		if i >= 0 {
			p.Subjects[i].Ended = time.Time{}
			continue
		}
		p.Subjects = append(p.Subjects, s)
		set.Links = append(set.Links, commit.Link{From: p.Ref(), Type: "about", To: s.Ref, At: now})
	}
	set.Facts = append(set.Facts, p.fact(now, actor, fact.PageJoined{Request: request, Title: other.Title}))
	return set
}

// over notes that a subject has ended, and reports whether all have.
func (p *Page) over(ref mainstay.Ref, at time.Time) (all bool) {
	all = true
	for i := range p.Subjects {
		s := &p.Subjects[i]
		if s.Ref == ref && s.Ended.IsZero() {
			s.Ended = at
		}
		all = all && !s.Ended.IsZero()
	}
	return all
}

// noticeKey makes a message to a person happen once.
func (p *Page) noticeKey(t Taken, person, template string) string {
	return fmt.Sprintf("page:%s:%d:%d:%s:%s", p.ID, t.Step, t.Repeat, person, template)
}
