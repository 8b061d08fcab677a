package warningweb

import (
	"net/url"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// listSpec says by what alerts are narrowed.
func (p *Pages) listSpec(c *web.Ctx) (web.ListSpec, error) {
	s := web.ListSpec{
		Name: "alerts", Label: "Alerts", Path: "/alerts", Size: pageSize,
		Tab: web.Filter{
			Name: "show", Options: []ui.Option{{Value: "open", Text: "Open"}, {Value: "over", Text: "Over"}, {Value: "all", Text: "All"}},
			N: map[string]int{"open": p.cfg.Warning.Count(within(c.Viewer))},
		},
	}
	s.Filters = append(c.ProjectFilter(access.AlertRead), web.Filter{Name: "severity", Label: "Severity", Options: web.SeverityOptions()})
	services, err := p.cfg.Projects.Services(c.Context(), "")
	if err != nil {
		return s, err
	}
	options := []ui.Option{{Value: "", Text: "every service"}}
	for _, x := range services {
		if c.Viewer.May(access.AlertRead, x.Project) && len(options) < 300 {
			options = append(options, ui.Option{Value: x.ID, Text: x.Title()})
		}
	}
	if len(options) > 2 {
		s.Filters = append(s.Filters, web.Filter{Name: "service", Label: "Service", Options: options})
	}
	s.Filters = append(s.Filters,
		web.Filter{Name: "state", Label: "State", Options: []ui.Option{{Value: "", Text: "every state"}, {Value: "firing", Text: "firing"}, {Value: "suppressed", Text: "suppressed"}}},
		web.Filter{Name: "label", Label: "Label", Placeholder: "severity=critical"},
		web.Filter{Name: "q", Label: "Words", Type: "search", Placeholder: "title or label"})
	if c.Viewer.MayAny(access.AlertRespond) {
		s.Bulk = "/alerts/bulk"
		s.Acts = []ui.BulkAct{{Word: "acknowledge", Label: "Acknowledge", Kind: "primary", Key: "E"}, {Word: "resolve", Label: "They are over"}}
	}
	return s, nil
}

// listQuery is what the list asks for.
func (p *Pages) listQuery(c *web.Ctx, l *web.Listing) (q warning.Query, err error) {
	q.Limit = l.Size()
	switch l.Value("show") {
	case "over":
		q.State = warning.Resolved
	case "open":
		q.Open = true
	}
	if s := warning.State(l.Value("state")); s.Valid() && q.State == "" {
		q.State = s
	}
	if text := l.Value("label"); text != "" {
		m, err := parseMatcher(text)
		if err != nil {
			l.Fault("label", "Write a condition such as severity=critical or job=~web.*")
		} else {
			q.Match = []warning.Matcher{m}
		}
	}
	q.Severity, q.Service, q.Text = mainstay.Severity(l.Value("severity")), l.Value("service"), strings.ToLower(l.Value("q"))
	if q.Projects, err = l.Within(access.AlertRead); err != nil {
		return q, err
	}
	return q, warning.ParseCursor(&q, l.Cursor())
}

func (p *Pages) list(c *web.Ctx) error {
	ctx := c.Context()
	spec, err := p.listSpec(c)
	if err != nil {
		return err
	}
	l, err := c.List(spec)
	if err != nil {
		return err
	}
	q, err := p.listQuery(c, l)
	if err != nil {
		return err
	}
	list, next, err := p.cfg.Warning.List(ctx, q)
	if err != nil {
		return err
	}
	names, err := p.names(ctx)
	if err != nil {
		return err
	}
	v := listView{Show: l.Value("show"), MayKey: c.Viewer.MayAny(access.KeyManage), Filtered: l.Filtered(), Rows: rows(list, names)}
	if err := p.handle(ctx, c.Viewer, v.Rows, list); err != nil {
		return err
	}
	l.Rows(len(v.Rows), next, 0)
	v.List = l.View()
	return c.Render(web.Page{Title: "Alerts", Nav: "alerts", Status: l.Status(), Crumbs: []web.Crumb{{Text: "Alerts"}}}, listPage(v))
}

// bulk is what can be done to many alerts at once.
func (p *Pages) bulk(rt *web.Router) {
	rt.Bulk(web.Bulk{
		Pattern: "/alerts/bulk", Kind: mainstay.KindAlert, Permission: access.AlertRespond, Back: "/alerts",
		Words:    map[string]string{"acknowledge": "acknowledged", "resolve": "ended"},
		Matching: p.matching,
		Acts: map[string]func(*web.Ctx, object.Object) (web.Did, error){
			"acknowledge": func(c *web.Ctx, o object.Object) (web.Did, error) {
				a, err := p.cfg.Warning.Alert(c.Context(), o.Ref.ID)
				if err != nil {
					return web.Did{}, err
				}
				if p.cfg.Handling == nil {
					return web.Did{}, mainstay.Errorf(mainstay.Conflict, "Nobody was paged for %s.", a.Readable())
				}
				return p.cfg.Handling.Acknowledge(c.Context(), c.Viewer, a)
			},
			"resolve": func(c *web.Ctx, o object.Object) (web.Did, error) {
				err := p.cfg.Warning.Resolve(c.Context(), c.Actor(), o.Ref.ID)
				return web.Did{Said: o.Key() + " is over. When its sender still sees it, it comes back as a new alert."}, err
			},
		},
	})
}

// matching lists the alerts that a list's query selects.
func (p *Pages) matching(c *web.Ctx, query url.Values, most int) ([]string, error) {
	spec, err := p.listSpec(c)
	if err != nil {
		return nil, err
	}
	q, err := p.listQuery(c, c.Listing(spec, query))
	if err != nil {
		return nil, err
	}
	q.Before, q.Limit = 0, most
	list, _, err := p.cfg.Warning.List(c.Context(), q)
	keys := []string{}
	for _, a := range list {
		if a.Open() {
			keys = append(keys, a.Readable())
		}
	}
	return keys, err
}
