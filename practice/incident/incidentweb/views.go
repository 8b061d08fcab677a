package incidentweb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// stepView is one row of the plan.
type stepView struct {
	Number      int
	Title, Role string
	Holder      string
	Shape       ui.State
	Due, At     time.Time
	Late        time.Duration // done or still to do so much after its time
	Current     bool
	Open        bool // still to do
	Skipped     string
	Reason      string // rendered Markdown
	Template    string
}

// roleView is one row of the roles.
type roleView struct {
	Role, Name, Person string
	Mine               bool
}

// taskView is one task.
type taskView struct {
	ID, Title, Owner string
	Done             bool
	By               string
	At               time.Time
}

// linkView is something that the incident touches.
type linkView struct{ Text, URL string }

// pageView is the page of one incident.
type pageView struct {
	Incident            incident.Incident
	Path                string
	State               ui.State
	Commander           string
	Phases              []ui.Phase
	Steps               []stepView
	Roles               []roleView
	Tasks               []taskView
	OpenTasks           int
	Services            []string
	Alerts, Pages, More []linkView
	Project             linkView
	Plan                linkView
	Events              []ui.Event
	EventsAll           int
	Hidden              int  // lines that are not shown at first
	Whole               bool // the whole timeline is shown
	Respond             bool
	Next                incident.Phase
	Settable            []ui.Option // phases that may still be set
	People              []ui.Option
	Update              string
	Wide, Aside         []web.Component
	First               []web.Component // at the head of the narrow column
	Failed              string          // the form that could not be taken
	Faults              map[string]string
	Typed               func(name string) string
}

// typed is what was typed into a field of a form that could not be taken, else the given value.
func (v pageView) typed(form, field, value string) string {
	if v.Failed == form && v.Typed != nil {
		return v.Typed(field)
	}
	return value
}

// fault is what is wrong with a field of a form.
func (v pageView) fault(form, field string) string {
	if v.Failed == form {
		return v.Faults[field]
	}
	return ""
}

// faults are all faults of a form.
func (v pageView) faults(form string) map[string]string {
	if v.Failed == form {
		return v.Faults
	}
	return nil
}

func (v pageView) badges() []string {
	b := []string{string(v.Incident.Severity)}
	if v.Incident.Private {
		b = append(b, "private")
	}
	return b
}

func (v pageView) goesOn() bool { return v.Incident.State == incident.Open }

func (v pageView) planNote() string {
	if v.Incident.Plan.Name == "" {
		return "declared without a plan"
	}
	note := fmt.Sprintf("%s, version %d", v.Incident.Plan.Title(), v.Incident.Plan.Version)
	if n := len(v.Incident.Plan.Spec.Contributors); n > 0 {
		note += ", by " + strings.Join(v.Incident.Plan.Spec.Contributors, ", ")
	}
	return note
}

// endView is the page before an incident is resolved.
type endView struct {
	Incident incident.Incident
	Left     []string
	At       string
	Faults   map[string]string
	MayPost  bool
	Update   string
}

// state is the state of an incident with its colour and shape.
func state(i incident.Incident) ui.State {
	switch {
	case i.State == incident.Closed:
		return ui.Muted("closed")
	case i.State == incident.Resolved:
		return ui.Good("resolved")
	case !i.Phases[incident.Mitigated].IsZero():
		return ui.Warn("mitigated")
	case i.Phases[incident.Acknowledged].IsZero():
		return ui.Crit("nobody has it")
	}
	return ui.Crit("not mitigated")
}

// names looks up persons and services of incidents once.
type names struct {
	people   map[string]people.Person
	services map[string]string
}

func (p *Pages) names(ctx context.Context, list ...incident.Incident) (names, error) {
	n := names{services: map[string]string{}}
	var ids, projects []string
	for _, i := range list {
		for _, r := range i.Roles {
			ids = append(ids, r.Person)
		}
		for _, t := range i.Tasks {
			ids = append(ids, t.Owner)
		}
		if !slices.Contains(projects, i.Project) {
			projects = append(projects, i.Project)
		}
	}
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
	var err error
	if n.people, err = p.cfg.People.ByIDs(ctx, ids); err != nil {
		return n, err
	}
	for _, id := range projects {
		services, err := p.cfg.Projects.Services(ctx, id)
		if err != nil {
			return n, err
		}
		for _, s := range services {
			n.services[s.ID] = s.Title()
		}
	}
	return n, nil
}

func (n names) person(id string) string { return fullName(n.people[id]) }

func (n names) touched(i incident.Incident) []string {
	var list []string
	for _, id := range i.Services {
		if s := n.services[id]; s != "" {
			list = append(list, s)
		}
	}
	return list
}

// phases is the strip of phases. The first one that is missing and that people reach is "now" while the incident goes on.
func phases(i incident.Incident, now time.Time, zone *time.Location) []ui.Phase {
	var strip []ui.Phase
	next := i.Next()
	for _, ph := range incident.Phases() {
		v := ui.Phase{Name: ph.Words()}
		at := i.Phases[ph]
		switch {
		case !at.IsZero():
			v.Value = at.In(zone).Format("15:04")
			switch {
			case at.After(i.StartedAt()):
				v.Note = "+" + ui.Long(at.Sub(i.StartedAt()))
			case ph == incident.Started:
				v.Note = dayOf(at, now, zone)
			}
		case ph == next && i.State != incident.Closed:
			v.Value, v.Now, v.Todo = "not yet", i.State == incident.Open, i.State != incident.Open
			if v.Now {
				v.Note = ui.Long(now.Sub(i.StartedAt())) + " so far"
			}
		default:
			v.Value, v.Todo = "–", true
			if ph == incident.Restored {
				v.Note = i.Plan.Spec.Restored
			}
		}
		strip = append(strip, v)
	}
	return strip
}

// dayOf is the day of a time in a zone; "" for today.
func dayOf(t, now time.Time, zone *time.Location) string {
	t, now = t.In(zone), now.In(zone)
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return ""
	}
	return t.Format("Mon 2 Jan")
}

// who is the step's role and who holds it.
func (s stepView) who() string {
	if s.Holder == "" {
		return titled(s.Role)
	}
	return titled(s.Role) + ", " + s.Holder
}

// steps are the rows of the plan; actor gives the names of those who skipped one.
func steps(i incident.Incident, n names, reasons map[int]string, actor func(mainstay.Actor) string, now time.Time) []stepView {
	current, _ := i.Current()
	var list []stepView
	for _, s := range i.Steps {
		v := stepView{
			Number: s.Number, Title: s.Title, Role: s.Role, Holder: n.person(i.Holder(s.Role)), Due: s.Due, At: s.At, Template: s.Template,
			Open: s.State == incident.Todo, Current: s.Number == current.Number && i.State != incident.Closed,
		}
		switch {
		case s.State == incident.Skipped:
			v.Shape, v.Skipped, v.Reason = ui.Muted("skipped").As("skip"), actor(s.By), reasons[s.Number]
		case s.State == incident.Done && s.Late(now):
			v.Shape, v.Late = ui.Warn("done late"), s.At.Sub(s.Due)
		case s.State == incident.Done:
			v.Shape = ui.Good("done")
		case s.Late(now):
			v.Shape, v.Late = ui.Crit("late"), now.Sub(s.Due)
		case v.Current:
			v.Shape = ui.Info("running").As("run")
		default:
			v.Shape = ui.Muted("to do").As("next")
		}
		list = append(list, v)
	}
	return list
}

// titled begins a word with a capital.
func titled(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func (p *Pages) touches(ctx context.Context, v *pageView, viewer access.Viewer) {
	for _, l := range v.Incident.Links {
		if l.Ref.Kind == mainstay.KindIncident {
			if _, err := p.see(ctx, viewer, l.Ref.ID); err != nil {
				continue // not for this viewer, or gone
			}
		}
		name, url := p.cfg.Names.Subject(ctx, l.Ref)
		if name == "" {
			name = string(l.Ref.Kind)
		}
		link := linkView{name, url}
		switch l.Ref.Kind {
		case mainstay.KindAlert:
			v.Alerts = append(v.Alerts, link)
		case mainstay.KindPage:
			v.Pages = append(v.Pages, link)
		default:
			v.More = append(v.More, link)
		}
	}
}

// everybody are the persons to choose from.
func (p *Pages) everybody(ctx context.Context) ([]ui.Option, error) {
	list, _, err := p.cfg.People.List(ctx, people.Query{Limit: 500})
	options := []ui.Option{{Value: "", Text: "Nobody"}}
	for _, x := range list {
		options = append(options, ui.Option{Value: x.ID, Text: fullName(x)})
	}
	return options, err
}

// shapeOf is the name of the shape of a state in the sprite.
func shapeOf(s ui.State) string {
	if s.Shape != "" {
		return s.Shape
	}
	return string(s.Tone)
}

func primary(yes bool) string {
	if yes {
		return "primary"
	}
	return ""
}

// slug is a word that may stand in an id.
func slug(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' {
			return '-'
		}
		return r
	}, s)
}
