package actionweb

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// row is an action in a list.
type row struct {
	Key, Title, URL, Kind string
	Due                   time.Time
	Late                  bool
	Owner                 string
	Origin, OriginURL     string
	State                 ui.State
	Next                  []ui.PostButton
}

// state is the state of an action with its colour and shape.
func state(a action.Action, now time.Time) ui.State {
	switch {
	case a.Overdue(now):
		return ui.Crit("overdue")
	case a.State == action.Proposed:
		return ui.Warn("proposed").As("next")
	case a.State == action.Accepted:
		return ui.Info("accepted").As("run")
	case a.State == action.Effective:
		return ui.Good("effective")
	case a.State == action.Ineffective:
		return ui.Crit("ineffective")
	case a.State == action.Dropped:
		return ui.Muted("dropped").As("skip")
	}
	return ui.Info(a.State.Words()).As("half") // done or in place: its effect is not proven yet
}

// labels are the words of the buttons.
var labels = map[action.State]string{
	action.Accepted: "Accept", action.Done: "Done", action.InPlace: "It is in place", action.Effective: "It works",
	action.Ineffective: "It does not work", action.Dropped: "Drop it",
}

func fullName(p people.Person) string {
	if p.FullName != "" {
		return p.FullName
	}
	return p.Name
}

// rows are the view of a list. Persons are looked up once, origins each.
func (p *Pages) rows(ctx context.Context, v access.Viewer, now time.Time, list []action.Action) ([]row, error) {
	var owners []string
	for _, a := range list {
		owners = append(owners, a.Owner)
	}
	known, err := p.cfg.People.ByIDs(ctx, owners)
	if err != nil {
		return nil, err
	}
	rows := make([]row, len(list))
	names := map[mainstay.Ref][2]string{}
	for i, a := range list {
		r := row{
			Key: a.Key(), Title: a.Title, URL: "/actions/" + a.Key(), Kind: a.Kind, Due: a.Due, Late: a.Overdue(now),
			Owner: fullName(known[a.Owner]), State: state(a, now),
		}
		if !a.Origin.IsZero() {
			if _, ok := names[a.Origin]; !ok {
				name, url := p.cfg.Names.Subject(ctx, a.Origin)
				names[a.Origin] = [2]string{name, url}
			}
			r.Origin, r.OriginURL = names[a.Origin][0], names[a.Origin][1]
		}
		if v.May(access.ActionWrite, a.Project) && a.State.Owed() {
			to := action.Done
			if a.State == action.Proposed {
				to = action.Accepted
			}
			r.Next = []ui.PostButton{{URL: r.URL + "/state", Label: labels[to], Small: true, Hidden: []ui.Pair{{Name: "to", Value: string(to)}, {Name: "back", Value: "/mine"}}}}
		}
		rows[i] = r
	}
	return rows, nil
}

// mineView is the page of what the viewer owes.
type mineView struct {
	Rows       []row
	Late       int
	Wide, Side []web.Component
}

func (v mineView) sub() string {
	switch {
	case len(v.Rows) == 0:
		return "What you owe, what asks you, when you are on call."
	case v.Late > 0:
		return ui.Plural(v.Late, "is overdue", "are overdue") + ", " + ui.Plural(len(v.Rows), "is owed", "are owed") + " in all."
	}
	return ui.Plural(len(v.Rows), "is owed", "are owed") + ", none is overdue."
}

// tab is one of the views of the list.
type tab struct {
	word, text string
	states     []action.State
	byDue      bool
}

var tabs = []tab{
	{"owed", "Owed", []action.State{action.Proposed, action.Accepted}, true},
	{"unproven", "Done, not proven", []action.State{action.Done, action.InPlace, action.Ineffective}, false},
	{"over", "Over", []action.State{action.Effective, action.Dropped}, false},
}

// listView is the page of all actions.
type listView struct {
	List      ui.Listing
	Rows      []row
	Filtered  bool
	MayAdd    bool
	MayCauses bool // the viewer may read root causes
}

// formView is the form of a new action.
type formView struct {
	Title, Project, Owner, Due, Proof, Origin string
	OriginName                                string
	Projects, Owners                          []ui.Option
	Faults                                    map[string]string
}

// move is one thing that may become of an action.
type move struct {
	To, Label, Kind string
	Reason          bool // asks for a word why
	Required        bool
}

// oneView is the page of one action.
type oneView struct {
	Action      action.Action
	Row         row
	Project     string
	CreatedBy   string
	JudgedBy    string
	Moves       []move
	Own         bool // the viewer owns it, and cannot judge it
	MayWrite    bool
	Form        formView
	History     []ui.Event
	Faults      map[string]string
	Reason      string
	Wide, Aside []web.Component
}

func (v oneView) badges() []string {
	if v.Action.Kind == "" {
		return nil
	}
	return []string{v.Action.Kind}
}

// moves lists what the viewer may make of an action.
func moves(a action.Action, viewer mainstay.Actor) (list []move, own bool) {
	own = a.Owner != "" && viewer == mainstay.Person(a.Owner)
	for _, to := range a.State.Next() {
		judged := to == action.Effective || to == action.Ineffective || to == action.Dropped
		if own && judged && !(to == action.Dropped && a.CreatedBy == viewer) {
			continue
		}
		m := move{To: string(to), Label: labels[to], Reason: judged, Required: to == action.Ineffective || to == action.Dropped}
		if to == action.Accepted && a.State != action.Proposed {
			m.Label = "Back to work"
		}
		if len(list) == 0 && !judged {
			m.Kind = "primary"
		}
		list = append(list, m)
	}
	return list, own
}

// owners are the persons to choose from, the chosen one included even when they have left.
func (p *Pages) owners(ctx context.Context, chosen string) ([]ui.Option, error) {
	list, _, err := p.cfg.People.List(ctx, people.Query{Limit: 500})
	if err != nil {
		return nil, err
	}
	options := []ui.Option{{Value: "", Text: "Nobody yet"}}
	seen := chosen == ""
	for _, x := range list {
		options = append(options, ui.Option{Value: x.ID, Text: fullName(x)})
		seen = seen || x.ID == chosen
	}
	if !seen {
		known, err := p.cfg.People.ByIDs(ctx, []string{chosen})
		if err != nil {
			return nil, err
		}
		options = append(options, ui.Option{Value: chosen, Text: fullName(known[chosen]) + " (has left)"})
	}
	return options, nil
}

// history is what the journal says of an action, newest first.
func (p *Pages) history(ctx context.Context, r mainstay.Ref) ([]ui.Event, error) {
	facts, err := p.cfg.Journal.Facts(ctx, journal.Query{Subject: r, Newest: true, Limit: 100})
	if err != nil {
		return nil, err
	}
	events := make([]ui.Event, len(facts))
	for i, f := range facts {
		events[i] = ui.Event{At: f.At, Recorded: f.Recorded, Text: happened(p.cfg.Names.Actor(ctx, f.Actor), fact.Sentence(f))}
		if f.Kind == (fact.ActionOverdue{}).FactKind() {
			events[i].State = ui.Warn("overdue")
		}
	}
	return events, nil
}
