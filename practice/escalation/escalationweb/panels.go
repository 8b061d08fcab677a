package escalationweb

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
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
		{Where: "mine", Title: "Pages", Order: 10, Render: p.minePages},
		{Where: "mine", Title: "On call", Order: 30, Side: true, Render: p.mineShifts},
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
	list = slices.DeleteFunc(list, aboutAlert) // the alerts themselves say who has them
	if err != nil || len(list) == 0 {
		return nil, err
	}
	lines, err := p.lines(ctx, list)
	return pagesPanel(panelView{Title: "Pages", Lines: lines}), err
}

// aboutAlert reports whether an alert that goes on is behind the page.
func aboutAlert(v escalation.Page) bool {
	return slices.ContainsFunc(v.Subjects, func(s escalation.Subject) bool { return s.Ref.Kind == mainstay.KindAlert && s.Ended.IsZero() })
}

// Paged is the page about an object in few words.
type Paged struct {
	Key, URL string
	State    ui.State
	Who      string // who has it, or whom it asks
	Has      bool
	Since    time.Time // when they took it
	Comes    string    // what comes next, before the time
	ComesAt  time.Time
	Ack      string // address to post to, "" when there is nothing to acknowledge
}

// Paged is the page about an object that goes on, or else the last one. It reports false when there was none.
func (p *Pages) Paged(ctx context.Context, about mainstay.Ref) (Paged, bool, error) {
	list, err := p.Service.PagesFor(ctx, about)
	if err != nil || len(list) == 0 {
		return Paged{}, false, err
	}
	v := list[0]
	for _, x := range list {
		if x.State != escalation.Resolved {
			v = x
			break
		}
	}
	lines, err := p.lines(ctx, []escalation.Page{v})
	if err != nil {
		return Paged{}, false, err
	}
	out := Paged{Key: v.Key(), URL: lines[0].URL, State: lines[0].State, Who: strings.TrimPrefix(lines[0].Who, "asks ")}
	if !v.Acked.IsZero() {
		out.Who, out.Has, out.Since = p.Names.Actor(ctx, v.AckedBy), true, v.Acked
	} else if v.State != escalation.Resolved {
		out.Ack = out.URL + "/acknowledge"
		var view pageView
		if err := p.comes(ctx, v, &view); err != nil {
			return out, false, err
		}
		out.Comes, out.ComesAt = view.Comes, view.ComesAt
	}
	return out, true, nil
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
