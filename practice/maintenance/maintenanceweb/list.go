package maintenanceweb

import (
	"slices"
	"strconv"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/maintenance"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// listSpec says by what windows are narrowed. Nothing is done to many at once: each tells users something of its own.
func listSpec(c *web.Ctx) web.ListSpec {
	return web.ListSpec{
		Name: "windows", Label: "Which maintenance", Path: "/windows",
		Tab:     web.Filter{Name: "state", Options: []ui.Option{{Value: "planned", Text: "Planned and under way"}, {Value: "ended", Text: "Ended"}}},
		Filters: append(c.ProjectFilter(access.WindowRead), web.Filter{Name: "q", Label: "Title", Type: "search", Placeholder: "words"}),
	}
}

func (p *Pages) list(c *web.Ctx) error {
	ctx := c.Context()
	l, err := c.List(listSpec(c))
	if err != nil {
		return err
	}
	v := listView{MayAdd: c.Viewer.MayAny(access.WindowManage), Old: l.Value("state") == "ended", Filtered: l.Filtered()}
	q := maintenance.Query{Projects: within(c.Viewer, access.WindowRead), Limit: l.Size() + 1, Text: l.Value("q")}
	q.Before, _ = strconv.ParseInt(l.Cursor(), 10, 64) // a wrong cursor begins at the top
	q.States = []maintenance.State{maintenance.Scheduled, maintenance.InProgress, maintenance.Verifying}
	if v.Old {
		q.States = []maintenance.State{maintenance.Completed, maintenance.Cancelled}
	}
	if l.Value("project") != "" {
		if q.Projects, err = l.Within(access.WindowRead); err != nil {
			return err
		}
	}
	list, err := p.cfg.Service.Windows(ctx, q)
	if err != nil {
		return err
	}
	next := ""
	if len(list) == q.Limit {
		list = list[:q.Limit-1]
		next = strconv.FormatInt(list[len(list)-1].Number, 10)
	}
	if !v.Old {
		slices.SortStableFunc(list, func(a, b maintenance.Window) int { return a.From.Compare(b.From) })
	}
	for _, w := range list {
		r := row{Key: w.Key(), URL: "/windows/" + w.Key(), Title: w.Title, State: stateOf(w), From: w.From, Length: ui.Long(w.Until.Sub(w.From))}
		r.Project, _ = p.cfg.Names.Subject(ctx, mainstay.Ref{Kind: mainstay.KindProject, ID: w.Project})
		v.Rows = append(v.Rows, r)
	}
	l.Rows(len(v.Rows), next, 0)
	v.List = l.View()
	return c.Render(web.Page{Title: "Maintenance", Nav: "plan", Status: l.Status(), Crumbs: []web.Crumb{{Text: "Maintenance"}}}, listPage(v))
}
