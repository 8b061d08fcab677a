package escalationweb

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// pagesView is the list of pages.
type pagesView struct {
	List     ui.Listing
	Lines    []line
	Show     string
	Filtered bool
}

var underway = []escalation.State{escalation.Open, escalation.Acknowledged, escalation.Exhausted}

// listSpec says by what pages are narrowed.
func (p *Pages) listSpec(c *web.Ctx) web.ListSpec {
	s := web.ListSpec{
		Name: "pages", Label: "Pages", Path: "/pages",
		Tab: web.Filter{Name: "show", Options: []ui.Option{{Value: "underway", Text: "Under way"}, {Value: "waiting", Text: "Nobody has it"}, {Value: "over", Text: "Over"}, {Value: "all", Text: "All"}}},
	}
	s.Filters = append(c.ProjectFilter(access.PageRead),
		web.Filter{Name: "severity", Label: "Severity", Options: web.SeverityOptions()},
		web.Filter{Name: "who", Label: "Who", Options: []ui.Option{{Value: "", Text: "anybody"}, {Value: "me", Text: "asked me"}, {Value: "mine", Text: "I have it"}}},
		web.Filter{Name: "from", Label: "From", Type: "date"}, web.Filter{Name: "until", Label: "Until", Type: "date"},
		web.Filter{Name: "q", Label: "Title", Type: "search", Placeholder: "words"})
	if c.Viewer.MayAny(access.PageRespond) {
		s.Bulk = "/pages/bulk"
		s.Acts = []ui.BulkAct{{Word: "acknowledge", Label: "Acknowledge", Kind: "primary", Key: "E"}, {Word: "resolve", Label: "End, and tell those who were paged"}}
	}
	return s
}

// listQuery is what the list asks for.
func listQuery(c *web.Ctx, l *web.Listing) (escalation.PageQuery, error) {
	q := escalation.PageQuery{Limit: l.Size() + 1, Severity: mainstay.Severity(l.Value("severity")), Text: l.Value("q"), From: l.Day("from")}
	switch l.Value("show") {
	case "underway":
		q.States = underway
	case "waiting":
		q.States = []escalation.State{escalation.Open, escalation.Exhausted}
	case "over":
		q.States = []escalation.State{escalation.Resolved}
	}
	switch l.Value("who") {
	case "me":
		q.Person = c.Viewer.PersonID
	case "mine":
		q.Acked = c.Viewer.PersonID
	}
	if q.Until = l.Day("until"); !q.Until.IsZero() {
		q.Until = q.Until.AddDate(0, 0, 1) // that day too
	}
	q.Before, _ = strconv.ParseInt(l.Cursor(), 10, 64) // anything else begins at the newest
	var err error
	q.Projects, err = l.Within(access.PageRead)
	return q, err
}

func (p *Pages) pages(c *web.Ctx) error {
	l, err := c.List(p.listSpec(c))
	if err != nil {
		return err
	}
	q, err := listQuery(c, l)
	if err != nil {
		return err
	}
	list, err := p.Service.Pages(c.Context(), q)
	if err != nil {
		return err
	}
	next := ""
	if len(list) == q.Limit {
		list = list[:q.Limit-1]
		next = strconv.FormatInt(list[len(list)-1].Number, 10)
	}
	view := pagesView{Show: l.Value("show"), Filtered: l.Filtered()}
	if view.Lines, err = p.lines(c.Context(), list); err != nil {
		return err
	}
	l.Rows(len(list), next, 0)
	view.List = l.View()
	return c.Render(web.Page{Title: "Pages", Nav: "oncall", Status: l.Status(), Crumbs: []web.Crumb{{Text: "On call", URL: "/schedules"}, {Text: "Pages"}}}, pagesPage(view))
}

// Take acknowledges a page and says what came of it, with what takes it back.
func (p *Pages) Take(ctx context.Context, by mainstay.Actor, id string) (web.Did, error) {
	v, changed, err := p.Service.Acknowledge(ctx, by, id, escalation.ViaWeb)
	switch {
	case err != nil:
		return web.Did{}, err
	case changed:
		return web.Did{
			Said: fmt.Sprintf("You have %s. Nobody else is paged for it.", v.Key()),
			Undo: &web.Inverse{Act: "page.release", Kind: mainstay.KindPage, ID: v.ID, Key: v.Key(), Version: v.Version + 1},
		}, nil
	case v.State == escalation.Resolved:
		return web.Did{Idle: true, Said: v.Key() + " is over already."}, nil
	}
	return web.Did{Idle: true, Said: fmt.Sprintf("%s has %s already.", p.Names.Actor(ctx, v.AckedBy), v.Key())}, nil
}

// bulk is what can be done to many pages at once.
func (p *Pages) bulk(rt *web.Router) {
	rt.Bulk(web.Bulk{
		Pattern: "/pages/bulk", Kind: mainstay.KindPage, Permission: access.PageRespond, Back: "/pages",
		Words:    map[string]string{"acknowledge": "acknowledged", "resolve": "ended"},
		Matching: p.matching,
		Acts: map[string]func(*web.Ctx, object.Object) (web.Did, error){
			"acknowledge": func(c *web.Ctx, o object.Object) (web.Did, error) { return p.Take(c.Context(), c.Actor(), o.Ref.ID) },
			"resolve": func(c *web.Ctx, o object.Object) (web.Did, error) {
				v, changed, err := p.Service.Resolve(c.Context(), c.Actor(), o.Ref.ID)
				return web.Did{Said: v.Key() + " is over. Those who were paged are told.", Idle: !changed}, err
			},
		},
	})
	rt.Undoes("page.release", access.PageRespond, func(c *web.Ctx, o object.Object, was web.Inverse) (web.Did, error) {
		v, err := p.Service.Release(c.Context(), c.Actor(), o.Ref.ID, was.Version)
		return web.Did{Said: v.Key() + " asks again, as before."}, err
	})
}

// matching lists the pages that a list's query selects.
func (p *Pages) matching(c *web.Ctx, query url.Values, most int) ([]string, error) {
	q, err := listQuery(c, c.Listing(p.listSpec(c), query))
	if err != nil {
		return nil, err
	}
	q.Before, q.Limit = 0, most
	list, err := p.Service.Pages(c.Context(), q)
	keys := []string{}
	for _, v := range list {
		keys = append(keys, v.Key())
	}
	return keys, err
}
