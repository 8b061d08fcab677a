package warningweb

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// routeRow is a route in the list.
type routeRow struct {
	Name, URL, Project string
	Order              int
	Conditions         []string
	Service, Severity  string
	Policy, PolicyURL  string
}

// beatRow is a heartbeat in the list.
type beatRow struct {
	Name, Where, Every string
	LastAt, DueAt      time.Time
	State              ui.State
}

func routeView(r warning.Route, names map[string]string) routeRow {
	v := routeRow{
		Name: r.Name, URL: "/routes/" + r.ID, Project: names[r.Project], Order: r.Spec.Order, Service: cmp.Or(names[r.ServiceID], r.Spec.Service), Policy: r.Spec.Policy,
		Severity: r.Spec.Severity,
	}
	for _, l := range intake.LabelsOf(r.Spec.Match) {
		v.Conditions = append(v.Conditions, l.Name+" is "+l.Value)
	}
	for _, l := range intake.LabelsOf(r.Spec.MatchRegex) {
		v.Conditions = append(v.Conditions, l.Name+" matches "+l.Value)
	}
	if len(v.Conditions) == 0 {
		v.Conditions = []string{"every alert"}
	}
	if v.Severity == "" {
		v.Severity = "from the label " + cmp.Or(r.Spec.SeverityLabel, "severity")
	}
	if v.Policy != "" {
		v.PolicyURL = "/policies/" + v.Policy
	}
	return v
}

func (p *Pages) routes(c *web.Ctx) error {
	list, err := p.cfg.Warning.Routes(c.Context(), "")
	if err != nil {
		return err
	}
	names, err := p.names(c.Context())
	if err != nil {
		return err
	}
	projects := within(c.Viewer)
	var view []routeRow
	for _, r := range list {
		if projects == nil || slices.Contains(projects, r.Project) {
			view = append(view, routeView(r, names))
		}
	}
	return c.Render(web.Page{Title: "Routes", Nav: "alerts", Crumbs: []web.Crumb{{Text: "Alerts", URL: "/alerts"}, {Text: "Routes"}}}, routesPage(view))
}

func (p *Pages) route(c *web.Ctx) error {
	list, err := p.cfg.Warning.Routes(c.Context(), c.Project)
	if err != nil {
		return err
	}
	names, err := p.names(c.Context())
	if err != nil {
		return err
	}
	for _, r := range list {
		if r.ID == c.Ref.ID {
			return c.Render(web.Page{
				Title: "Route " + r.Name, Nav: "alerts",
				Crumbs: []web.Crumb{{Text: "Alerts", URL: "/alerts"}, {Text: "Routes", URL: "/routes"}, {Text: r.Name}},
			}, routePage(routeView(r, names)))
		}
	}
	return fmt.Errorf("route %s is registered, but not kept", c.Ref.ID)
}

func (p *Pages) heartbeats(c *web.Ctx) error {
	list, next, err := p.beats(c.Context(), c.Viewer, c.Query("project"), c.Query("cursor"), 200)
	if err != nil {
		return err
	}
	names, err := p.names(c.Context())
	if err != nil {
		return err
	}
	var view []beatRow
	for _, h := range list {
		r := beatRow{
			Name: h.Name, Where: cmp.Or(names[h.Service], names[h.Project]), Every: ui.Long(h.Every), LastAt: h.LastAt, DueAt: h.Due(), State: ui.Good("beating"),
		}
		switch h.State {
		case warning.Missed:
			r.State = ui.Crit("stayed out")
		case warning.Failed:
			r.State = ui.Crit("failed")
		}
		view = append(view, r)
	}
	if next != "" {
		next = "/heartbeats?cursor=" + next
	}
	return c.Render(web.Page{Title: "Heartbeats", Nav: "alerts", Crumbs: []web.Crumb{{Text: "Alerts", URL: "/alerts"}, {Text: "Heartbeats"}}}, heartbeatsPage(view, next))
}
