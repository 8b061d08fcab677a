package rootcauseweb

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/practice/rootcause"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// listSpec says by what analyses are narrowed.
func listSpec(c *web.Ctx) web.ListSpec {
	s := web.ListSpec{
		Name: "rootcauses", Label: "Root causes", Path: "/rootcauses",
		Tab: web.Filter{Name: "state", Options: []ui.Option{{Value: "owed", Text: "To write"}, {Value: "published", Text: "Published"}, {Value: "all", Text: "All"}}},
	}
	s.Filters = append(c.ProjectFilter(access.RootCauseRead),
		web.Filter{Name: "severity", Label: "Severity", Options: web.SeverityOptions()},
		web.Filter{Name: "who", Label: "Led by", Options: []ui.Option{{Value: "", Text: "anybody"}, {Value: "me", Text: "me"}}})
	if c.Viewer.MayAny(access.RootCauseWrite) && c.Viewer.PersonID != "" {
		s.Bulk = "/rootcauses/bulk"
		s.Acts = []ui.BulkAct{{Word: "lead", Label: "Lead them myself"}}
	}
	return s
}

// listQuery is what the list asks for.
func listQuery(c *web.Ctx, l *web.Listing) (rootcause.Query, error) {
	q := visible(c.Viewer, rootcause.Query{Limit: l.Size() + 1, Severity: mainstay.Severity(l.Value("severity"))})
	switch l.Value("state") {
	case "published":
		q.States = []rootcause.State{rootcause.Published}
	case "owed":
		q.ByDue = true
	}
	if l.Value("who") == "me" {
		q.Owner = c.Viewer.PersonID
	}
	if due, number, ok := strings.Cut(l.Cursor(), "."); ok && q.ByDue {
		at, err := strconv.ParseInt(due, 10, 64)
		if q.Above, _ = strconv.ParseInt(number, 10, 64); err == nil {
			q.DueAfter = time.UnixMicro(at).UTC()
		}
	} else {
		q.Before, _ = strconv.ParseInt(l.Cursor(), 10, 64) // anything else begins at the newest
	}
	var err error
	if l.Value("project") != "" {
		q.Projects, err = l.Within(access.RootCauseRead)
	}
	return q, err
}

func (p *Pages) list(c *web.Ctx) error {
	l, err := c.List(listSpec(c))
	if err != nil {
		return err
	}
	q, err := listQuery(c, l)
	if err != nil {
		return err
	}
	list, err := p.cfg.RootCauses.List(c.Context(), q)
	if err != nil {
		return err
	}
	next := ""
	if len(list) == q.Limit {
		list = list[:q.Limit-1]
		last := list[len(list)-1]
		next = strconv.FormatInt(last.Number, 10)
		if q.ByDue {
			next = strconv.FormatInt(last.Due.UnixMicro(), 10) + "." + next
		}
	}
	v := listView{Filtered: l.Filtered()}
	for _, rc := range list {
		v.Rows = append(v.Rows, p.row(c.Context(), rc, c.Now))
	}
	l.Rows(len(v.Rows), next, 0)
	v.List = l.View()
	return c.Render(web.Page{Title: "Root causes", Nav: "improve", Status: l.Status(), Crumbs: []web.Crumb{{Text: "Root causes"}}}, listPage(v))
}

// bulk is what can be done to many analyses at once.
func (p *Pages) bulk(rt *web.Router) {
	rt.Bulk(web.Bulk{
		Pattern: "/rootcauses/bulk", Kind: mainstay.KindRootCause, Permission: access.RootCauseWrite, Back: "/rootcauses", Matching: p.matching,
		Words: map[string]string{"lead": "led by you"},
		Acts: map[string]func(*web.Ctx, object.Object) (web.Did, error){
			"lead": func(c *web.Ctx, o object.Object) (web.Did, error) {
				before, err := p.cfg.RootCauses.One(c.Context(), o.Ref.ID)
				if err != nil {
					return web.Did{}, err
				}
				if before.Owner == c.Viewer.PersonID {
					return web.Did{Idle: true, Said: "You lead " + o.Key() + " already."}, nil
				}
				err = p.cfg.RootCauses.Assign(c.Context(), c.Actor(), o.Ref.ID, c.Viewer.PersonID)
				return web.Did{Said: "You lead " + o.Key() + ".", Undo: &web.Inverse{Act: "rootcause.owner", Before: before.Owner}}, err
			},
		},
	})
	rt.Undoes("rootcause.owner", access.RootCauseWrite, func(c *web.Ctx, o object.Object, was web.Inverse) (web.Did, error) {
		now, err := p.cfg.RootCauses.One(c.Context(), o.Ref.ID)
		if err == nil && now.Owner != c.Viewer.PersonID {
			err = mainstay.Errorf(mainstay.Conflict, "Somebody else leads %s by now.", o.Key())
		}
		if err == nil {
			err = p.cfg.RootCauses.Assign(c.Context(), c.Actor(), o.Ref.ID, was.Before)
		}
		return web.Did{Said: o.Key() + " is led by whom it was."}, err
	})
}

// matching lists the analyses that a list's query selects.
func (p *Pages) matching(c *web.Ctx, query url.Values, most int) ([]string, error) {
	q, err := listQuery(c, c.Listing(listSpec(c), query))
	if err != nil {
		return nil, err
	}
	q.Before, q.DueAfter, q.Limit = 0, time.Time{}, most
	list, err := p.cfg.RootCauses.List(c.Context(), q)
	keys := []string{}
	for _, rc := range list {
		keys = append(keys, rc.Key())
	}
	return keys, err
}
