package actionweb

import (
	"context"
	"net/url"

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

// Panels are "Due next" and "Promised" on Now, what is due in a project, and the actions that an incident or an analysis asked
// for, on their pages.
func (p *Pages) Panels() []web.Panel {
	panels := []web.Panel{
		{Where: "now", Title: "Mine", Order: 30, Render: p.dueNext},
		{Where: "now", Title: "Promised", Order: 60, Side: true, Render: p.promised},
		{Where: "project", Title: "Actions", Order: 60, Render: p.dueInProject},
	}
	for _, where := range []mainstay.Kind{mainstay.KindIncident, mainstay.KindRootCause, mainstay.KindWindow} {
		panels = append(panels, web.Panel{Where: string(where), Title: "Actions", Order: 70, Side: true, Render: p.of})
	}
	return panels
}

// dueNext is what the viewer owes, soonest first.
func (p *Pages) dueNext(ctx context.Context, at web.At) (web.Component, error) {
	if at.Viewer.PersonID == "" {
		return nil, nil
	}
	page, err := p.cfg.Actions.List(ctx, action.Query{Owner: at.Viewer.PersonID, States: []action.State{action.Proposed, action.Accepted}, ByDue: true, Limit: 5})
	if err != nil || len(page.Items) == 0 {
		return nil, err
	}
	v := panelView{ID: "mine-next", Title: "You owe", All: "/mine"}
	v.Rows, err = p.rows(ctx, at.Viewer, at.Now, page.Items)
	return duePanel(v), err
}

// promised is what falls due next from anybody in the projects that the viewer sees.
func (p *Pages) promised(ctx context.Context, at web.At) (web.Component, error) {
	if !at.Viewer.MayAny(access.ActionRead) {
		return nil, nil
	}
	v, err := p.owed(ctx, at, panelView{ID: "promised", Title: "Promised", All: "/actions"}, within(at.Viewer))
	if err != nil || len(v.Rows) == 0 {
		return nil, err
	}
	return promisedPanel(v), nil
}

func (p *Pages) dueInProject(ctx context.Context, at web.At) (web.Component, error) {
	if !at.Viewer.May(access.ActionRead, at.Project) {
		return nil, nil
	}
	v, err := p.owed(ctx, at, panelView{ID: "project-actions", Title: "Promised", All: "/actions"}, []string{at.Project})
	if err != nil || len(v.Rows) == 0 {
		return nil, err
	}
	return duePanel(v), nil
}

func (p *Pages) owed(ctx context.Context, at web.At, v panelView, projects []string) (panelView, error) {
	page, err := p.cfg.Actions.List(ctx, action.Query{Projects: projects, States: []action.State{action.Proposed, action.Accepted}, ByDue: true, Limit: 5})
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
