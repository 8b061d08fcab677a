// Package knowledge owns articles: what was seen, in which environment, what causes it, what helps and why; who keeps an article, when
// it is reviewed, on which alerts it is shown, and how often it helped. It never keeps the text itself, which is a document, and never
// decides what an alert is.
package knowledge

import (
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/fact"
)

// State is how far an article is.
type State string

// The states.
const (
	Draft     State = "draft"     // being written
	Published State = "published" // shown on alerts, and found as an answer
	Retired   State = "retired"   // kept for the record
)

// States lists the states.
func States() []State { return []State{Draft, Published, Retired} }

// Valid reports whether s is one of the states.
func (s State) Valid() bool { return slices.Contains(States(), s) }

// Outcome is what an article did for somebody who worked by it.
type Outcome string

// The outcomes.
const (
	Solved Outcome = "solved" // it was all that was needed
	Helped Outcome = "helped" // it was a part of it
	Failed Outcome = "failed" // it was wrong, or did not fit
)

// Valid reports whether o is one of the outcomes.
func (o Outcome) Valid() bool { return o == Solved || o == Helped || o == Failed }

// Article is one piece of knowledge.
type Article struct {
	ID       string
	Number   int64
	Project  string // id, or mainstay.Installation
	Title    string
	State    State
	Owner    string // person id
	ReviewAt time.Time
	Public   bool         // may be shown to users; otherwise internal
	Private  bool         // drafted from a private incident: shown to those alone who may see that
	Service  string       // service id, "" for any
	Rule     string       // alertname: the article is shown on the alerts of this rule; "" for none
	Document string       // document id
	Revision int64        // the newest revision
	Shown    int64        // the newest revision that was published; 0 when none was
	From     mainstay.Ref // what it was drafted from
	Request  string       // id of the fact that asked for it

	Solved, Helped, Failed int64
	UsedAt, FailedAt       time.Time // the last use, and the last that failed

	CreatedBy mainstay.Actor
	CreatedAt time.Time
	ChangedAt time.Time
	Version   int64
}

// Ref points at the article.
func (a *Article) Ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindArticle, ID: a.ID} }

// Key is its readable number, such as KB-19.
func (a *Article) Key() string { return mainstay.KindArticle.Number(a.Number) }

// Stale says why the article should be looked at before it is trusted, or "".
func (a *Article) Stale(now time.Time) string {
	switch {
	case !a.FailedAt.IsZero() && !a.FailedAt.Before(a.UsedAt) && !a.FailedAt.Before(a.ChangedAt):
		return "its last use failed"
	case a.State == Published && !a.ReviewAt.IsZero() && !now.Before(a.ReviewAt):
		return "its review is due"
	}
	return ""
}

// Template is the text of a new article.
const Template = "## Symptom\n\n\n\n## Environment\n\n\n\n## Cause\n\n\n\n## Resolution\n\n\n\n## Why it works\n\n"

// Source is what an article can be drafted from: an incident or a root cause analysis. The texts are Markdown, and may be empty.
type Source struct {
	Project     string
	Title       string
	Private     bool
	Owner       string // person id: who knows best
	Service     string // service id
	Rule        string // alertname of its first alert
	Reference   string // such as INC-42
	Symptom     string
	Environment string
	Cause       string
	Resolution  string
	Why         string
}

// Text writes a draft from the source. What the source does not say is left to its reader.
func (s Source) Text() string {
	var b strings.Builder
	for _, part := range []struct{ title, text string }{
		{"Symptom", s.Symptom}, {"Environment", s.Environment}, {"Cause", s.Cause}, {"Resolution", s.Resolution}, {"Why it works", s.Why},
	} {
		b.WriteString("## " + part.title + "\n\n")
		if text := strings.TrimSpace(part.text); text != "" {
			b.WriteString(text + "\n\n")
		}
	}
	if s.Reference != "" {
		b.WriteString("---\n\nDrafted from " + s.Reference + ".\n")
	}
	return document.Tidy(b.String())
}

// reviewAfter is how long a published article is trusted before somebody looks at it again.
const reviewAfter = 180 * 24 * time.Hour

// reviewTime is how long its owner has for that.
const reviewTime = 14 * 24 * time.Hour

// TimerReview is the kind of the timers of review dates.
const TimerReview = "knowledge.review"

// Values are what a person sets of an article besides its text.
type Values struct {
	Title    string
	Service  string // id
	Rule     string
	Owner    string // person id
	Public   bool
	ReviewAt time.Time // zero keeps it, or sets none
}

// check says what is wrong with the values.
func (v *Values) check() error {
	v.Title, v.Rule = strings.Join(strings.Fields(v.Title), " "), strings.TrimSpace(v.Rule)
	var faults mainstay.Faults
	if n := len([]rune(v.Title)); n == 0 {
		faults.Add("title", "name the symptom, as somebody who looks for it would")
	} else if n > 200 {
		faults.Add("title", "has %d characters; at most 200", n)
	}
	if len([]rune(v.Rule)) > 200 {
		faults.Add("rule", "is longer than 200 characters")
	}
	return faults.Err()
}

func (a *Article) apply(v Values) (changed []string) {
	set := func(name string, differs bool) {
		if differs {
			changed = append(changed, name)
		}
	}
	set("title", a.Title != v.Title)
	set("service", a.Service != v.Service)
	set("rule", a.Rule != v.Rule)
	set("owner", a.Owner != v.Owner)
	set("public", a.Public != v.Public)
	if !v.ReviewAt.IsZero() && !v.ReviewAt.Equal(a.ReviewAt) {
		set("reviewAt", true)
		a.ReviewAt = v.ReviewAt
	}
	a.Title, a.Service, a.Rule, a.Owner, a.Public = v.Title, v.Service, v.Rule, v.Owner, v.Public
	return changed
}

// fact is about the article and what it came from.
func (a *Article) fact(now time.Time, by mainstay.Actor, p fact.Payload, about ...mainstay.Ref) fact.Fact {
	return fact.New(now, a.Project, by, p, append([]mainstay.Ref{a.Ref()}, about...)...)
}

// publish shows the newest revision.
func (a *Article) publish(now time.Time, by mainstay.Actor) (commit.Set, error) {
	if a.State == Published && a.Shown == a.Revision {
		return commit.Set{}, nil
	}
	a.State, a.Shown = Published, a.Revision
	if a.ReviewAt.Before(now) {
		a.ReviewAt = now.Add(reviewAfter)
	}
	set := a.review()
	set.Facts = []fact.Fact{a.fact(now, by, fact.ArticlePublished{Number: a.Number, Title: a.Title, Revision: a.Revision}, a.From)}
	return set, nil
}

// review sets the timer of the review date.
func (a *Article) review() commit.Set {
	if a.State != Published || a.ReviewAt.IsZero() {
		return commit.Set{Cancel: []commit.CancelTimer{{Kind: TimerReview, Subject: a.ID}}}
	}
	return commit.Set{Timers: []timer.Timer{{Kind: TimerReview, Subject: a.ID, Project: a.Project, Due: a.ReviewAt}}}
}

// retire takes it out of sight.
func (a *Article) retire(now time.Time, by mainstay.Actor) (commit.Set, error) {
	if a.State == Retired {
		return commit.Set{}, nil
	}
	a.State = Retired
	set := a.review()
	set.Facts = []fact.Fact{a.fact(now, by, fact.ArticleRetired{Number: a.Number, Title: a.Title})}
	return set, nil
}

// restore makes a retired article a draft again.
func (a *Article) restore(now time.Time, by mainstay.Actor) (commit.Set, error) {
	if a.State != Retired {
		return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "%s is %s, not retired.", a.Key(), a.State)
	}
	a.State = Draft
	return commit.Set{Facts: []fact.Fact{a.fact(now, by, fact.ObjectChanged{Kind: string(mainstay.KindArticle), Name: a.Key(), Fields: []string{"state"}})}}, nil
}

// use counts an outcome.
func (a *Article) use(now time.Time, by mainstay.Actor, o Outcome, about mainstay.Ref) (commit.Set, error) {
	if !o.Valid() {
		return commit.Set{}, mainstay.Errorf(mainstay.Invalid, "An article solved it, helped, or failed.")
	}
	a.UsedAt = now
	switch o {
	case Solved:
		a.Solved++
	case Helped:
		a.Helped++
	case Failed:
		a.Failed++
		a.FailedAt = now
	}
	revision := a.Shown
	if revision == 0 {
		revision = a.Revision
	}
	set := commit.Set{Facts: []fact.Fact{a.fact(now, by, fact.ArticleUsed{Number: a.Number, Revision: revision, Outcome: string(o)}, about)}}
	if !about.IsZero() {
		set.Links = []commit.Link{{From: about, Type: "used", To: a.Ref(), At: now}}
	}
	return set, nil
}

// object is its entry in the register.
func (a *Article) object(markdown string) commit.Object {
	labels := map[string]string{}
	if a.Rule != "" {
		labels["rule"] = a.Rule
	}
	if a.Service != "" {
		labels["service"] = a.Service
	}
	return commit.Object{
		Ref: a.Ref(), Number: a.Number, Project: a.Project, Title: a.Title, State: string(a.State), Labels: labels,
		Private: a.Private, Of: a.From, Text: document.Plain(markdown) + " " + a.Rule, At: a.ChangedAt,
	}
}
