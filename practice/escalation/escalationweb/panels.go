package escalationweb

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/web"
)

// Panels are what other pages show of escalation: open pages and who is on call.
func (p *Pages) Panels() []web.Panel {
	return []web.Panel{
		{Where: "now", Title: "Pages", Order: 20, Render: p.nowPages},
		{Where: "now", Title: "On call", Order: 30, Side: true, Render: p.onCallPanel},
		{Where: "project", Title: "Pages", Order: 20, Render: p.nowPages},
		{Where: "project", Title: "On call", Order: 30, Side: true, Render: p.onCallPanel},
		{Where: "alert", Title: "Pages", Order: 20, Render: p.aboutPanel},
		{Where: "incident", Title: "Pages", Order: 60, Render: p.aboutPanel},
	}
}

// panelView is a table of pages under a title.
type panelView struct {
	ID, Title, Live string
	Lines           []line
}

// nowPages are the pages under way, of one project or of all that the viewer may see.
func (p *Pages) nowPages(ctx context.Context, at web.At) (web.Component, error) {
	q := escalation.PageQuery{Projects: visible(at.Viewer, access.PageRead, false), States: underway, Limit: 20}
	if at.Project != "" {
		if !at.Viewer.May(access.PageRead, at.Project) {
			return nil, nil //nolint:nilnil // nothing to show
		}
		q.Projects = []string{at.Project}
	}
	list, err := p.Service.Pages(ctx, q)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	lines, err := p.lines(ctx, list)
	return pagesPanel(panelView{Title: "Pages", Lines: lines}), err
}

// aboutPanel are the pages about the object of the page.
func (p *Pages) aboutPanel(ctx context.Context, at web.At) (web.Component, error) {
	if !at.Viewer.May(access.PageRead, at.Project) {
		return nil, nil //nolint:nilnil // nothing to show
	}
	list, err := p.Service.PagesFor(ctx, at.Ref)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	lines, err := p.lines(ctx, list[:min(len(list), 10)])
	return pagesPanel(panelView{ID: "panel-pages", Title: "Pages", Live: "page:* " + at.Ref.String(), Lines: lines}), err
}

// onCallPanel is who has the pager now.
func (p *Pages) onCallPanel(ctx context.Context, at web.At) (web.Component, error) {
	projects := visible(at.Viewer, access.OnCallRead, true)
	if at.Project != "" {
		if !at.Viewer.May(access.OnCallRead, at.Project) {
			return nil, nil //nolint:nilnil // nothing to show
		}
		projects = []string{at.Project, mainstay.Installation}
	}
	list, err := p.Service.Schedules(ctx, projects, at.Now.Add(-time.Hour), at.Now.AddDate(0, 0, gapDays))
	if err != nil || len(list) == 0 {
		return nil, err
	}
	lines, _, err := p.scheduleLines(ctx, list, at.Now)
	return onCallPanel(lines), err
}
