package actionweb

import (
	"cmp"
	"context"
	"net/url"
	"slices"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/web"
)

// panelView is a short list of actions.
type panelView struct {
	ID, Title, All, Add string
	Rows                []row
}

// Panels are "Due next" on Now and in a project, and the actions that an incident or an analysis asked for, on their pages.
func (p *Pages) Panels() []web.Panel {
	panels := []web.Panel{
		{Where: "now", Title: "Due next", Order: 30, Render: p.dueNext},
		{Where: "project", Title: "Due next", Order: 60, Render: p.dueInProject},
	}
	for _, where := range []mainstay.Kind{mainstay.KindIncident, mainstay.KindRootCause, mainstay.KindWindow} {
		panels = append(panels, web.Panel{Where: string(where), Title: "Actions", Order: 70, Side: true, Render: p.of})
	}
	return panels
}

// dueNext is what falls due next: what the viewer owes, and what anybody owes in the projects that the viewer sees.
func (p *Pages) dueNext(ctx context.Context, at web.At) (web.Component, error) {
	owed, limit := []action.State{action.Proposed, action.Accepted}, 6
	var list []action.Action
	if at.Viewer.PersonID != "" {
		q := action.Query{Owner: at.Viewer.PersonID, States: owed, ByDue: true, Limit: limit}
		q.AllPrivate, q.Private, q.Known = at.Viewer.Private()
		page, err := p.cfg.Actions.List(ctx, q)
		if err != nil {
			return nil, err
		}
		list = page.Items
	}
	if at.Viewer.MayAny(access.ActionRead) {
		q := within(at.Viewer)
		q.States, q.ByDue, q.Limit = owed, true, limit
		page, err := p.cfg.Actions.List(ctx, q)
		if err != nil {
			return nil, err
		}
		list = soonest(append(list, page.Items...), limit)
	}
	if len(list) == 0 {
		return nil, nil
	}
	v := panelView{ID: "due-next", Title: "Due next", All: "/actions"}
	var err error
	v.Rows, err = p.rows(ctx, at.Viewer, at.Now, list)
	return duePanel(v), err
}

// soonest are the first n actions by due date, each once; those without a date come last.
func soonest(list []action.Action, n int) []action.Action {
	slices.SortFunc(list, func(a, b action.Action) int {
		if a.Due.IsZero() != b.Due.IsZero() {
			return cmp.Compare(b.Due.Unix(), a.Due.Unix()) // the zero time is the earliest
		}
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Number, b.Number))
	})
	list = slices.CompactFunc(list, func(a, b action.Action) bool { return a.ID == b.ID })
	return list[:min(n, len(list))]
}

func (p *Pages) dueInProject(ctx context.Context, at web.At) (web.Component, error) {
	if !at.Viewer.May(access.ActionRead, at.Project) {
		return nil, nil
	}
	v, err := p.owed(ctx, at, panelView{ID: "project-actions", Title: "Due next", All: "/actions"}, []string{at.Project})
	if err != nil || len(v.Rows) == 0 {
		return nil, err
	}
	return duePanel(v), nil
}

func (p *Pages) owed(ctx context.Context, at web.At, v panelView, projects []string) (panelView, error) {
	q := within(at.Viewer)
	q.Projects, q.States, q.ByDue, q.Limit = projects, []action.State{action.Proposed, action.Accepted}, true, 5
	page, err := p.cfg.Actions.List(ctx, q)
	if err == nil {
		v.Rows, err = p.rows(ctx, at.Viewer, at.Now, page.Items)
	}
	return v, err
}

// of is what the object of the page asked for.
func (p *Pages) of(ctx context.Context, at web.At) (web.Component, error) {
	if !at.Viewer.May(access.ActionRead, at.Project) {
		return nil, nil
	}
	list, err := p.cfg.Actions.Of(ctx, at.Ref)
	if err != nil {
		return nil, err
	}
	v := panelView{}
	if at.Viewer.May(access.ActionWrite, at.Project) {
		v.Add = "/actions/new?" + url.Values{"project": {at.Project}, "origin": {at.Ref.String()}}.Encode()
	}
	if v.Rows, err = p.rows(ctx, at.Viewer, at.Now, list); err != nil {
		return nil, err
	}
	return ofPanel(v), nil
}
