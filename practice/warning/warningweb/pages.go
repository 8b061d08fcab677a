package warningweb

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

const pageSize = 50

// alertRow is an alert in a list.
type alertRow struct {
	Key, URL, Title, Where, Severity string
	State                            ui.State
	Since                            time.Time
	Ended                            time.Time
	Bad                              bool
	Handled                          Handled
	Pick                             string // what a bulk act is given; "" when nothing can be done
}

// listView is the list of alerts.
type listView struct {
	List     ui.Listing
	Rows     []alertRow
	Show     string
	Filtered bool
	MayKey   bool
}

// decision is one line of why an alert paged or did not.
type decision struct {
	At      time.Time
	Shape   ui.State
	Verdict string
	Text    string
	Rule    string
}

// oneView is the page of one alert.
type oneView struct {
	Key, Title, Severity string
	State                ui.State
	ID                   string
	Where                string // "Checkout, Harbour"
	Since                time.Time
	Ended                time.Time
	Source               string // the sender's own page, "" unless it is a plain web address
	Declare              string
	Resolve              ui.PostButton
	MayResolve           bool
	Decisions            []decision
	Facts                []ui.Pair
	Labels, Notes        []ui.Pair
	Description          []string // line by line
	History              []ui.Event
	Wide, Side           []web.Component
	Handled              Handled
	Phone                bool // there is something to do at the thumb
}

// stateOf is how an alert looks.
func stateOf(a *warning.Alert) ui.State {
	switch {
	case a.State == warning.Resolved:
		return ui.Good("over")
	case a.State == warning.Suppressed:
		return ui.Muted("suppressed").As("quiet")
	case a.Severity == mainstay.Sev1 || a.Severity == mainstay.Sev2:
		return ui.Crit("firing")
	}
	return ui.Warn("firing")
}

// names are the titles of projects and services, by id.
func (p *Pages) names(ctx context.Context) (map[string]string, error) {
	names := map[string]string{}
	projects, err := p.cfg.Projects.Projects(ctx)
	if err != nil {
		return nil, err
	}
	for _, x := range projects {
		names[x.ID] = x.Title()
	}
	services, err := p.cfg.Projects.Services(ctx, "")
	for _, x := range services {
		names[x.ID] = x.Title()
	}
	return names, err
}

func rows(list []*warning.Alert, names map[string]string) []alertRow {
	var out []alertRow
	for _, a := range list {
		r := alertRow{
			Key: a.Readable(), URL: "/alerts/" + a.Readable(), Title: a.Title(), Severity: string(a.Severity), State: stateOf(a), Since: a.StartsAt,
			Where: cmp.Or(names[a.Service], names[a.Project]), Bad: a.Open() && a.Severity == mainstay.Sev1,
		}
		if a.Open() {
			r.Pick = r.Key
		} else {
			r.Ended = a.EndsAt
		}
		out = append(out, r)
	}
	return out
}

func (p *Pages) one(c *web.Ctx) error {
	ctx := c.Context()
	a, err := p.cfg.Warning.Alert(ctx, c.Ref.ID)
	if err != nil {
		return err
	}
	names, err := p.names(ctx)
	if err != nil {
		return err
	}
	v := oneView{
		Key: a.Readable(), Title: a.Title(), Severity: string(a.Severity), State: stateOf(a), ID: a.ID(), Since: a.StartsAt,
		Source: source(a.GeneratorURL), Description: lines(a.Annotation("description")),
		Resolve: ui.PostButton{URL: "/alerts/" + a.Readable() + "/resolve", Label: "It is over"},
	}
	if v.Handled, err = p.handled(ctx, c.Viewer, a); err != nil {
		return err
	}
	if a.Open() && c.May(access.IncidentRespond) && !v.Handled.IncidentOpen {
		v.Declare = "/incidents/new?alert=" + a.ID()
	}
	v.MayResolve = a.Open() && c.May(access.AlertRespond)
	if !a.Open() {
		v.Ended = a.EndsAt
	}
	v.Where = strings.Join(slices.DeleteFunc([]string{names[a.Service], names[a.Project]}, func(s string) bool { return s == "" }), ", ")
	v.Phone = v.Declare != "" || v.MayResolve || v.Handled.Acknowledge != "" || v.Handled.IncidentOpen
	if v.Labels, err = pairs(a.Labels); err != nil {
		return err
	}
	if v.Notes, err = pairs(a.Annotations, "summary", "description"); err != nil {
		return err
	}
	v.Decisions = p.decisions(ctx, a)
	v.Facts = facts(a, c.Viewer.Location())
	if v.History, err = p.history(ctx, c.Viewer, a); err != nil {
		return err
	}
	v.Wide, v.Side = c.Panels("alert")
	return c.Render(web.Page{
		Title: a.Readable() + " " + a.Title(), Nav: "alerts", Live: []mainstay.Ref{a.Ref()}, Phone: v.Phone,
		Crumbs: []web.Crumb{{Text: "Alerts", URL: "/alerts"}, {Text: a.Readable()}},
	}, onePage(v))
}

// lines are the lines of a text that have something to say, at most 200.
func lines(s string) []string {
	var list []string
	for _, l := range strings.Split(s, "\n") {
		if l = strings.TrimSpace(l); l != "" && len(list) < 200 {
			list = append(list, l)
		}
	}
	return list
}

// source is the sender's own page of the alert, when it is a web address.
func source(s string) string {
	if u, err := url.Parse(s); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		return s
	}
	return ""
}

func pairs(text string, without ...string) ([]ui.Pair, error) {
	l, err := intake.ParseLabels(text)
	var list []ui.Pair
	for _, x := range l {
		if !slices.Contains(without, x.Name) {
			list = append(list, ui.Pair{Name: x.Name, Value: x.Value})
		}
	}
	return list, err
}

// decisions says, rule by rule, why the alert paged or did not.
func (p *Pages) decisions(ctx context.Context, a *warning.Alert) []decision {
	via := "with an API token"
	if a.Key != "" {
		via = "with an intake key"
		if name, _ := p.cfg.Names.Subject(ctx, mainstay.Ref{Kind: mainstay.KindKey, ID: a.Key}); name != "" && !mainstay.ValidID(name) {
			via = "with the intake key " + name + "…"
		}
	}
	list := []decision{{
		At: a.Created, Shape: ui.Muted("").As("dot"), Verdict: "Signal.", Text: fmt.Sprintf("Received in the format %s, %s, and folded into %s.", a.Format, via, a.Readable()),
		Rule: "fingerprint " + intake.FingerprintText(a.Fingerprint),
	}}
	d := decision{At: a.Created, Shape: ui.Warn(""), Verdict: "Nobody is paged.", Text: a.Why}
	if a.Policy != "" {
		d.Shape, d.Verdict = ui.Crit(""), "A page was asked for."
	}
	if a.Route != "" {
		if name, _ := p.cfg.Names.Subject(ctx, mainstay.Ref{Kind: mainstay.KindRoute, ID: a.Route}); name != "" {
			d.Rule = "route " + name
		}
	}
	return append(list, d)
}

// facts are the small print of an alert.
func facts(a *warning.Alert, zone *time.Location) []ui.Pair {
	list := []ui.Pair{{Name: "Fingerprint", Value: intake.FingerprintText(a.Fingerprint)}, {Name: "Format", Value: a.Format}}
	switch {
	case !a.Open():
		how := map[string]string{
			warning.EndedBySender: "its sender said so", warning.EndedByTimeout: "its sender fell silent", warning.EndedByPerson: "a person said so",
		}
		list = append(list, ui.Pair{Name: "Ended", Value: how[a.Reason]})
	case a.EndsAt.IsZero():
		list = append(list, ui.Pair{Name: "Ends", Value: "when its sender says so"})
	case a.Timeout:
		list = append(list, ui.Pair{Name: "Ends", Value: "when nothing is heard of it for 5 minutes"})
	default:
		list = append(list, ui.Pair{Name: "Ends", Value: "at " + a.EndsAt.In(zone).Format("15:04:05") + ", unless it is heard of again"})
	}
	return list
}

// history is what the journal says about the alert and the viewer may know, newest last.
func (p *Pages) history(ctx context.Context, v access.Viewer, a *warning.Alert) ([]ui.Event, error) {
	list, err := p.cfg.Journal.Facts(ctx, journal.Query{Subject: a.Ref(), Limit: 100})
	if err == nil {
		list, err = web.Known(ctx, p.cfg.Register, v, list, func(f fact.Fact) []mainstay.Ref { return f.Subjects })
	}
	var events []ui.Event
	for _, f := range list {
		e := ui.Event{At: f.At, Recorded: f.Recorded, Text: ui.Text(p.cfg.Names.Actor(ctx, f.Actor) + " " + fact.Sentence(f) + ".")}
		switch f.Kind {
		case fact.AlertFired{}.FactKind():
			e.State = ui.Crit("fired")
		case fact.AlertResolved{}.FactKind():
			e.State = ui.Good("over")
		}
		events = append(events, e)
	}
	return events, err
}

func (p *Pages) resolve(c *web.Ctx) error {
	if err := p.cfg.Warning.Resolve(c.Context(), c.Actor(), c.Ref.ID); err != nil {
		return err
	}
	a, err := p.cfg.Warning.Alert(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	c.Say("%s is over. If its sender still sees the condition, it comes back as a new alert.", a.Readable())
	return c.See("/alerts/" + a.Readable())
}

// burning is the panel of open alerts, worst first.
func (p *Pages) burning(ctx context.Context, at web.At) (web.Component, error) {
	q := warning.Query{Projects: within(at.Viewer), Limit: 11}
	if at.Project != "" {
		if !at.Viewer.May(access.AlertRead, at.Project) {
			return nil, nil //nolint:nilnil // nothing to show
		}
		q.Projects = []string{at.Project}
	}
	list := p.cfg.Warning.Open(ctx, q)
	if len(list) == 0 {
		return nil, nil //nolint:nilnil // nothing to show
	}
	names, err := p.names(ctx)
	if err != nil {
		return nil, err
	}
	more := 0
	if len(list) > 10 {
		list, more = list[:10], p.cfg.Warning.Count(q.Projects)-10
	}
	lines := rows(list, names)
	return burningPanel(lines, more), p.handle(ctx, at.Viewer, lines, list)
}

// shapeRef points at a shape of the sprite.
func shapeRef(s ui.State) string {
	return "#s-" + cmp.Or(s.Shape, string(s.Tone), "muted")
}
