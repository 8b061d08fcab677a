package incidentweb

import (
	"slices"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// few is how many lines of the timeline are shown at first.
const few = 25

func (p *Pages) one(c *web.Ctx) error {
	i, err := p.see(c.Context(), c.Viewer, c.Ref.ID)
	if err != nil {
		return err
	}
	v, err := p.view(c, i)
	if err != nil {
		return err
	}
	return p.show(c, v)
}

func (p *Pages) show(c *web.Ctx, v pageView) error {
	return c.Render(web.Page{
		Title: v.Incident.Key() + " " + v.Incident.Title, Nav: "incidents", Live: []mainstay.Ref{c.Ref}, Phone: v.Respond,
		Crumbs: []web.Crumb{{Text: v.Project.Text, URL: v.Project.URL}, {Text: "Incidents", URL: "/incidents"}, {Text: v.Incident.Key()}},
		Status: status(v.Faults),
	}, incidentPage(v))
}

// view gathers the page.
func (p *Pages) view(c *web.Ctx, i incident.Incident) (pageView, error) {
	ctx := c.Context()
	v := pageView{
		Incident: i, Path: "/incidents/" + i.Key(), State: state(i), Phases: phases(i, c.Now, c.Viewer.Location()), Next: i.Next(),
		Respond: c.May(access.IncidentRespond), Whole: c.Query("timeline") == "all",
	}
	if p.cfg.UpdatePath != "" && c.May(access.PostDraft) && !i.Private {
		v.Update = v.Path + p.cfg.UpdatePath
	}
	n, err := p.names(ctx, i)
	if err != nil {
		return v, err
	}
	v.Commander = n.person(i.Holder(incident.Commander))
	v.Services = n.touched(i)
	v.Project.Text, v.Project.URL = p.cfg.Names.Subject(ctx, mainstay.Ref{Kind: mainstay.KindProject, ID: i.Project})
	if i.Plan.ID != "" {
		v.Plan = linkView{i.Plan.Title(), "/plans/" + i.Plan.ID}
	}
	for _, r := range i.Roles {
		v.Roles = append(v.Roles, roleView{Role: r.Role, Name: n.person(r.Person), Person: r.Person, Mine: r.Person != "" && r.Person == c.Viewer.PersonID})
	}
	for _, t := range i.Tasks {
		task := taskView{ID: t.ID, Title: t.Title, Owner: n.person(t.Owner), Done: t.State == incident.Done, At: t.DoneAt}
		if task.Done {
			task.By = p.cfg.Names.Actor(ctx, t.DoneBy)
		} else {
			v.OpenTasks++
		}
		v.Tasks = append(v.Tasks, task)
	}
	for _, ph := range incident.Phases() {
		if ph != incident.Ended && i.Phases[ph].IsZero() {
			v.Settable = append(v.Settable, ui.Option{Value: string(ph), Text: ph.Words()})
		}
	}
	reasons, err := p.timeline(c, &v)
	if err != nil {
		return v, err
	}
	actor := func(a mainstay.Actor) string { return p.cfg.Names.Actor(ctx, a) }
	v.Steps = steps(i, n, reasons, actor, c.Now)
	p.touches(ctx, &v, c.Viewer)
	if v.Respond {
		if v.People, err = p.everybody(ctx); err != nil {
			return v, err
		}
	}
	v.Wide, v.Aside = c.Panels("incident")
	_, v.First = c.Panels("incident-first")
	return v, nil
}

// timeline fills in the lines, newest first, and returns the reasons of skipped steps.
func (p *Pages) timeline(c *web.Ctx, v *pageView) (map[int]string, error) {
	entries, err := p.cfg.Incidents.Timeline(c.Context(), v.Incident.ID)
	if err != nil {
		return nil, err
	}
	if entries, err = p.readable(c.Context(), c.Viewer, entries); err != nil {
		return nil, err
	}
	v.EventsAll = len(entries)
	defer func() { v.Hidden = v.EventsAll - len(v.Events) }()
	skipped := map[string]int{}
	for _, s := range v.Incident.Steps {
		if s.State == incident.Skipped {
			skipped["skipped the step: "+s.Title] = s.Number
		}
	}
	reasons := map[int]string{}
	slices.Reverse(entries)
	for _, e := range entries {
		if e.NoteKind == "skip" {
			reasons[skipped[e.Sentence]] = e.HTML
		}
		if v.Whole || len(v.Events) < few && essential(e) {
			v.Events = append(v.Events, p.event(c, v.Incident, e))
		}
	}
	return reasons, nil
}

// bookkeeping are the kinds that are left out at first: other lines say what came of them, or other pages hold them.
var bookkeeping = map[string]bool{
	"post.wanted": true, "post.drafted": true, "notification.sent": true, "notification.suppressed": true, "document.revised": true,
	"article.drafted": true, "incident.linked": true, "object.changed": true, "exhibit.added": true, "action.changed": true,
}

// essential reports whether a line tells what happened rather than how it was kept. The work on the analysis is its page's.
func essential(e incident.Entry) bool {
	if e.Kind == "incident.phase_reached" { // the strip of phases shows them all
		return !mark(e).IsZero()
	}
	return !bookkeeping[e.Kind] && (e.Subject.Kind != mainstay.KindRootCause || e.Kind == "rootcause.opened" || e.Kind == "rootcause.published")
}

// event is one line. Facts about alerts and pages say which.
func (p *Pages) event(c *web.Ctx, i incident.Incident, e incident.Entry) ui.Event {
	who := e.Who
	if who == "" {
		who = p.cfg.Names.Actor(c.Context(), e.Actor)
	}
	l := lineView{Who: who, What: e.Sentence, HTML: e.HTML}
	if e.Kind == "incident.linked" && len(e.Subjects) > 1 {
		e.Subject = e.Subjects[1]
	}
	if e.Subject != i.Ref() {
		if l.About, l.URL = p.cfg.Names.Subject(c.Context(), e.Subject); mainstay.ValidID(l.About) {
			l.About = "" // it has no name that says anything
		}
	}
	out := ui.Event{At: e.At, Recorded: e.Recorded, State: mark(e)}
	switch e.NoteKind {
	case incident.NoteDecision:
		l.What = "decided"
	case incident.NoteHappened:
		l.What = "noted"
	case incident.NoteWorked:
		l.What = "did"
	}
	out.Text = line(l)
	return out
}

// lineView is the text of a line.
type lineView struct {
	Who, What, HTML string
	About, URL      string
}

// marks are the shapes of the lines that stand out.
var marks = map[string]ui.State{
	"alert.fired": ui.Crit("alert"), "alert.resolved": ui.Good("alert over"), "page.exhausted": ui.Crit("nobody answered"),
	"page.acknowledged": ui.Info("acknowledged"), "incident.declared": ui.Crit("declared"), "incident.resolved": ui.Good("resolved"),
	"incident.reopened": ui.Crit("reopened"), "incident.step_overdue": ui.Warn("late"), "post.published": ui.Good("users told"),
	"post.overdue": ui.Warn("late"), "notification.failed": ui.Warn("not delivered"), "incident.step_done": ui.Good("step done"),
}

func mark(e incident.Entry) ui.State {
	if s, ok := marks[e.Kind]; ok {
		return s
	}
	if e.Kind == "incident.phase_reached" && (strings.HasSuffix(e.Sentence, "mitigated") || strings.HasSuffix(e.Sentence, "restored")) {
		return ui.Good("phase")
	}
	return ui.State{}
}
