package incidentweb

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

func digits(n int64) string { return strconv.FormatInt(n, 10) }

// panelView is the incidents on another page.
type panelView struct {
	Rows    []rowView
	Declare string // address of the form that declares one; "" when the viewer may not
	Update  string
}

// smaller reports whether incidents go on that do not burn.
func (v panelView) smaller() bool {
	return slices.ContainsFunc(v.Rows, func(r rowView) bool { return !r.Burning })
}

// Panels are "Burning" on Now and on a project's home, and the incident of an alert or a page.
func (p *Pages) Panels() []web.Panel {
	return []web.Panel{
		{Where: "now", Title: "Burning", Order: 10, Whole: true, Render: p.burning},
		{Where: "project", Title: "Burning", Order: 10, Whole: true, Render: p.burningHere},
		{Where: string(mainstay.KindAlert), Title: "Incident", Order: 20, Side: true, Render: p.ofThis},
		{Where: string(mainstay.KindPage), Title: "Incident", Order: 20, Side: true, Render: p.ofThis},
		{Where: "mine", Title: "Incidents", Order: 20, Render: p.mine},
	}
}

// worst orders open incidents: the worst severity first, then the oldest.
func worst(list []incident.Incident) {
	slices.SortStableFunc(list, func(a, b incident.Incident) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), a.StartedAt().Compare(b.StartedAt()))
	})
}

func (p *Pages) open(ctx context.Context, v access.Viewer, project string) ([]incident.Incident, error) {
	q := query(v)
	q.States, q.Limit = []incident.State{incident.Open}, 20
	if project != "" {
		if !v.May(access.IncidentRead, project) {
			return nil, nil
		}
		q.Projects = []string{project}
	} else if !v.MayAny(access.IncidentRead) {
		return nil, nil
	}
	page, err := p.cfg.Incidents.List(ctx, q)
	worst(page.Items)
	return page.Items, err
}

func (p *Pages) burning(ctx context.Context, at web.At) (web.Component, error) {
	return p.fires(ctx, at, "")
}

func (p *Pages) burningHere(ctx context.Context, at web.At) (web.Component, error) {
	return p.fires(ctx, at, at.Project)
}

func (p *Pages) fires(ctx context.Context, at web.At, project string) (web.Component, error) {
	list, err := p.open(ctx, at.Viewer, project)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	v := panelView{}
	if at.Viewer.MayAny(access.PostDraft) {
		v.Update = p.cfg.UpdatePath
	}
	n, err := p.names(ctx, list...)
	if err != nil {
		return nil, err
	}
	for _, i := range list {
		v.Rows = append(v.Rows, row(i, n))
	}
	return burningPanel(v), nil
}

// ofThis is the incident that the alert or page belongs to, or a button that declares one.
func (p *Pages) ofThis(ctx context.Context, at web.At) (web.Component, error) {
	if !at.Viewer.May(access.IncidentRead, at.Project) {
		return nil, nil
	}
	q := query(at.Viewer)
	q.Linked, q.Limit = at.Ref, 10
	page, err := p.cfg.Incidents.List(ctx, q)
	if err != nil {
		return nil, err
	}
	n, err := p.names(ctx, page.Items...)
	if err != nil {
		return nil, err
	}
	v := panelView{}
	for _, i := range page.Items {
		v.Rows = append(v.Rows, row(i, n))
	}
	// The page of an alert has such a button itself.
	if len(v.Rows) == 0 && at.Ref.Kind != mainstay.KindAlert && at.Viewer.May(access.IncidentRespond, at.Project) {
		v.Declare = "/incidents/new?" + string(at.Ref.Kind) + "=" + at.Ref.ID
	}
	if len(v.Rows) == 0 && v.Declare == "" {
		return nil, nil
	}
	return linkedPanel(v), nil
}

// Of is the incident that an object is linked to, an open one before those that are over; "" when there is none that the
// viewer may know of.
func (p *Pages) Of(ctx context.Context, v access.Viewer, ref mainstay.Ref) (key, url string, open bool, err error) {
	q := query(v)
	q.Linked, q.Limit = ref, 10
	page, err := p.cfg.Incidents.List(ctx, q)
	for _, i := range page.Items {
		if key == "" || !open && i.State == incident.Open {
			key, url, open = i.Key(), "/incidents/"+i.Key(), i.State == incident.Open
		}
	}
	return key, url, open, err
}

// Burning is the worst open sev-1 that the viewer may know of, for the strip above every page; nil when none burns.
func (p *Pages) Burning(ctx context.Context, v access.Viewer) (*ui.Burn, error) {
	list, err := p.open(ctx, v, "")
	if err != nil || len(list) == 0 || list[0].Severity != mainstay.Sev1 {
		return nil, err
	}
	i := list[0]
	b := &ui.Burn{URL: "/incidents/" + i.Key(), ID: i.Key(), Title: i.Title, Since: i.StartedAt()}
	if holder := i.Holder(incident.Commander); holder != "" {
		known, err := p.cfg.People.ByIDs(ctx, []string{holder})
		if err != nil {
			return nil, err
		}
		b.Who = fullName(known[holder])
	}
	if s, ok := i.Current(); ok {
		b.Next, b.Due = s.Title, s.Due
	}
	return b, nil
}

// Tally is the number of open incidents for the rail, critical while a sev-1 or sev-2 is open.
func (p *Pages) Tally(ctx context.Context, v access.Viewer) (ui.Tally, error) {
	list, err := p.open(ctx, v, "")
	t := ui.Tally{N: len(list)}
	if len(list) > 0 {
		t.Crit = list[0].Severity <= mainstay.Sev2
	}
	return t, err
}

// mine are the open incidents in which the viewer holds a role, or a task that is not done.
func (p *Pages) mine(ctx context.Context, at web.At) (web.Component, error) {
	if at.Viewer.PersonID == "" || !at.Viewer.MayAny(access.IncidentRead) {
		return nil, nil
	}
	q := query(at.Viewer)
	q.Holder, q.States, q.Limit = at.Viewer.PersonID, []incident.State{incident.Open}, 20
	page, err := p.cfg.Incidents.List(ctx, q)
	if err != nil || len(page.Items) == 0 {
		return nil, err
	}
	n, err := p.names(ctx, page.Items...)
	if err != nil {
		return nil, err
	}
	v := minePanel{}
	for _, i := range page.Items {
		line := mineLine{row: row(i, n)}
		for _, x := range i.Roles {
			if x.Person == at.Viewer.PersonID {
				line.Roles = append(line.Roles, x.Role)
			}
		}
		for _, t := range i.Tasks {
			if t.Owner == at.Viewer.PersonID && t.State == incident.Todo {
				line.Tasks++
			}
		}
		v.Lines = append(v.Lines, line)
	}
	return mineIncidents(v), nil
}

// minePanel is what the viewer has to do with incidents.
type minePanel struct{ Lines []mineLine }

type mineLine struct {
	row   rowView
	Roles []string
	Tasks int
}
