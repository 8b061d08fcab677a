package maintenance

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/fact"
)

// State is how far a window is.
type State string

// The states.
const (
	Scheduled  State = "scheduled"
	InProgress State = "in_progress"
	Verifying  State = "verifying"
	Completed  State = "completed"
	Cancelled  State = "cancelled"
)

// Open reports whether the window has not ended.
func (s State) Open() bool { return s == Scheduled || s.Active() }

// Active reports whether the window is under way.
func (s State) Active() bool { return s == InProgress || s == Verifying }

// Words is how the state is said to people.
func (s State) Words() string {
	switch s {
	case Scheduled:
		return "Planned"
	case InProgress:
		return "Under way"
	case Verifying:
		return "Being checked"
	case Completed:
		return "Complete"
	}
	return "Cancelled"
}

// Window is one stretch of planned maintenance.
type Window struct {
	ID          string
	Number      int64
	Project     string // project id, or mainstay.Installation
	Name        string // the manifest's name; "" when it was made by hand
	Title, Text string // public
	Services    []string
	Components  []string
	From, Until time.Time
	ByHand      bool // ends by a person; else by itself at Until
	State       State
	Overrun     bool  // went on beyond Until
	Sequence    int64 // rises with every change
	Plan        int64 // rises with every change of the times; a timer of an older one does nothing
	Updates     []Update
	CreatedBy   mainstay.Actor
	CreatedAt   time.Time
	UpdatedAt   time.Time
	StartedAt   time.Time
	EndedAt     time.Time
	Version     int64
}

// Update is one thing that the public was told about a window.
type Update struct {
	ID    string
	State State
	Text  string
	By    mainstay.Actor
	At    time.Time
}

// WindowSpec is a window in a manifest.
type WindowSpec struct {
	Title      string       `yaml:"title" json:"title" doc:"What is done, in the users' words"`
	Text       string       `yaml:"text,omitempty" json:"text,omitempty" doc:"What users will notice"`
	Services   []string     `yaml:"services,omitempty" json:"services,omitempty" names:"Service" doc:"Names of services that are worked on"`
	Components []string     `yaml:"components,omitempty" json:"components,omitempty" names:"Component" doc:"Names of components that users see under maintenance"`
	From       string       `yaml:"from" json:"from" doc:"RFC 3339 with its offset"`
	Until      string       `yaml:"until" json:"until" doc:"RFC 3339 with its offset; at most 31 days after from"`
	Finish     string       `yaml:"finish,omitempty" json:"finish,omitempty" enum:"auto,hand" doc:"auto (default): it ends at until; hand: a person ends it"`
	Updates    []UpdateSpec `yaml:"updates,omitempty" json:"updates,omitempty" doc:"Public updates; one that was told already is not told again"`
}

// UpdateSpec is a public update in a manifest; one whose text was told already is told no second time.
type UpdateSpec struct {
	Text string `yaml:"text" json:"text" doc:"What users are told"`
}

const (
	timerStart = "window.start"
	timerEnd   = "window.end"
)

// system is the actor for what a timer does.
var system = mainstay.System("maintenance")

// Ref points at the window.
func (w Window) Ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindWindow, ID: w.ID} }

// Key is the window's number, such as WIN-3.
func (w Window) Key() string { return mainstay.KindWindow.Number(w.Number) }

// future refuses times that have passed.
func (w Window) future(now time.Time) error {
	if !w.Until.After(now) {
		return mainstay.Faults{"until": "that is over: maintenance is planned ahead"}.Err()
	}
	return nil
}

// moved is what every change ends with: the next sequence, the entry in the register, and the fact with all that is public.
func (w *Window) moved(at time.Time, by mainstay.Actor, said string, payload func(fact.WindowPublic) fact.Payload) commit.Set {
	w.Sequence++
	w.UpdatedAt = at
	public := fact.WindowPublic{
		Number: w.Number, Title: w.Title, Text: w.Text, From: w.From, Until: w.Until, Components: w.Components,
		Status: string(w.State), Sequence: w.Sequence, Overrun: w.Overrun, Update: said,
	}
	subjects := []mainstay.Ref{w.Ref()}
	for _, s := range w.Services {
		subjects = append(subjects, mainstay.Ref{Kind: mainstay.KindService, ID: s})
	}
	return commit.Set{
		Objects: []commit.Object{{
			Ref: w.Ref(), Number: w.Number, Project: w.Project, Name: w.Name, Title: w.Title, State: string(w.State), Text: w.Text, At: at,
		}},
		Facts: []fact.Fact{fact.New(at, w.Project, by, payload(public), subjects...)},
	}
}

// timers sets what falls due, by the window's state.
func (w *Window) timers(set *commit.Set) {
	w.Plan++
	one := func(kind string, due time.Time, want bool) {
		if want {
			set.Timers = append(set.Timers, timer.Timer{Kind: kind, Subject: w.ID, Project: w.Project, Due: due, Generation: w.Plan})
		} else {
			set.Cancel = append(set.Cancel, commit.CancelTimer{Kind: kind, Subject: w.ID})
		}
	}
	one(timerStart, w.From, w.State == Scheduled)
	one(timerEnd, w.Until, w.State.Open() && !w.Overrun)
}

func (w *Window) schedule(now time.Time, by mainstay.Actor, updates []UpdateSpec) (commit.Set, error) {
	set := w.moved(now, by, "", func(p fact.WindowPublic) fact.Payload {
		return fact.WindowScheduled{Number: w.Number, Title: w.Title, From: w.From, Until: w.Until, Public: p}
	})
	w.timers(&set)
	w.say(now, by, updates, &set)
	return set, nil
}

// say tells the updates that were not told yet.
func (w *Window) say(now time.Time, by mainstay.Actor, updates []UpdateSpec, set *commit.Set) (said bool) {
	for _, u := range updates {
		if slices.ContainsFunc(w.Updates, func(o Update) bool { return o.Text == strings.TrimSpace(u.Text) }) {
			continue
		}
		if more, err := w.tell(now, by, u.Text); err == nil {
			set.Add(more)
			said = true
		}
	}
	return said
}

func (w *Window) change(now time.Time, by mainstay.Actor, to Window, updates []UpdateSpec) (set commit.Set, changed bool, err error) {
	times := !w.From.Equal(to.From) || !w.Until.Equal(to.Until)
	same := !times && w.Title == to.Title && w.Text == to.Text && w.ByHand == to.ByHand &&
		slices.Equal(w.Services, to.Services) && slices.Equal(w.Components, to.Components)
	switch {
	case same && !w.State.Open():
		return set, false, nil
	case !w.State.Open():
		return set, false, mainstay.Errorf(mainstay.Conflict, "%s has ended: plan another window.", w.Key())
	case times && !to.Until.After(now):
		return set, false, to.future(now)
	case w.State.Active() && !w.From.Equal(to.From):
		return set, false, mainstay.Faults{"from": "it has begun already"}.Err()
	}
	if !same {
		w.Title, w.Text, w.From, w.Until, w.ByHand = to.Title, to.Text, to.From, to.Until, to.ByHand
		w.Services, w.Components = to.Services, to.Components
		if times {
			w.Overrun = false
		}
		set = w.moved(now, by, "", func(p fact.WindowPublic) fact.Payload {
			return fact.WindowChanged{Number: w.Number, Title: w.Title, From: w.From, Until: w.Until, Public: p}
		})
		if times {
			w.timers(&set)
		}
	}
	said := w.say(now, by, updates, &set)
	return set, said || !same, nil
}

func (w *Window) start(now time.Time, by mainstay.Actor) (commit.Set, error) {
	if w.State != Scheduled {
		return commit.Set{}, w.refuse("begin")
	}
	w.State, w.StartedAt = InProgress, now
	set := w.moved(now, by, "", func(p fact.WindowPublic) fact.Payload {
		return fact.WindowStarted{Number: w.Number, Title: w.Title, Components: w.Components, Public: p}
	})
	set.Cancel = append(set.Cancel, commit.CancelTimer{Kind: timerStart, Subject: w.ID})
	return set, nil
}

func (w *Window) verify(now time.Time, by mainstay.Actor) (commit.Set, error) {
	if w.State != InProgress {
		return commit.Set{}, w.refuse("be checked")
	}
	w.State = Verifying
	return w.moved(now, by, "", func(p fact.WindowPublic) fact.Payload {
		return fact.WindowUpdated{Number: w.Number, Status: string(w.State), Public: p}
	}), nil
}

func (w *Window) finish(now time.Time, by mainstay.Actor) (commit.Set, error) {
	if !w.State.Active() {
		return commit.Set{}, w.refuse("be finished")
	}
	w.State, w.EndedAt = Completed, now
	w.Overrun = w.Overrun || now.After(w.Until)
	set := w.moved(now, by, "", func(p fact.WindowPublic) fact.Payload {
		return fact.WindowCompleted{Number: w.Number, Title: w.Title, Components: w.Components, Overrun: w.Overrun, Public: p}
	})
	w.timers(&set)
	return set, nil
}

func (w *Window) cancel(now time.Time, by mainstay.Actor, text string) (commit.Set, error) {
	if !w.State.Open() {
		return commit.Set{}, w.refuse("be cancelled")
	}
	text = strings.TrimSpace(text)
	if err := checkText(text, false); err != nil {
		return commit.Set{}, err
	}
	w.State, w.EndedAt = Cancelled, now
	if text != "" {
		w.Updates = append(w.Updates, Update{ID: mainstay.NewID(now), State: w.State, Text: text, By: by, At: now})
	}
	set := w.moved(now, by, text, func(p fact.WindowPublic) fact.Payload {
		return fact.WindowCancelled{Number: w.Number, Title: w.Title, Components: w.Components, Public: p}
	})
	w.timers(&set)
	return set, nil
}

func (w *Window) tell(now time.Time, by mainstay.Actor, text string) (commit.Set, error) {
	text = strings.TrimSpace(text)
	if err := checkText(text, true); err != nil {
		return commit.Set{}, err
	}
	w.Updates = append(w.Updates, Update{ID: mainstay.NewID(now), State: w.State, Text: text, By: by, At: now})
	sum := sha256.Sum256([]byte(text))
	return w.moved(now, by, text, func(p fact.WindowPublic) fact.Payload {
		return fact.WindowUpdated{Number: w.Number, Status: string(w.State), Digest: hex.EncodeToString(sum[:]), Public: p}
	}), nil
}

// end is the rule of the timer at Until: the window ends by itself, or goes on beyond its time until a person ends it.
func (w *Window) end(at time.Time) (commit.Set, error) {
	var set commit.Set
	if w.State == Scheduled { // both timers were due while nobody watched
		first, err := w.start(at, system)
		if err != nil {
			return set, err
		}
		set.Add(first)
	}
	switch {
	case !w.State.Active() || w.Overrun:
		return set, nil
	case !w.ByHand:
		done, err := w.finish(at, system)
		set.Add(done)
		return set, err
	}
	w.Overrun = true
	set.Add(w.moved(at, system, "", func(p fact.WindowPublic) fact.Payload {
		return fact.WindowOverrun{Number: w.Number, Title: w.Title, Public: p}
	}))
	return set, nil
}

func (w *Window) refuse(what string) error {
	return mainstay.Errorf(mainstay.Conflict, "%s is %s and cannot %s.", w.Key(), strings.ToLower(w.State.Words()), what)
}

func checkText(text string, need bool) error {
	switch {
	case need && text == "":
		return mainstay.Faults{"text": "say what users should know"}.Err()
	case utf8.RuneCountInString(text) > 5000:
		return mainstay.Faults{"text": "at most 5,000 characters"}.Err()
	}
	return nil
}
