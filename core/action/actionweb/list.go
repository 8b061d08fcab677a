package actionweb

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// folk are the persons to choose from in a list, after some choices of its own.
func (p *Pages) folk(ctx context.Context, first ...ui.Option) ([]ui.Option, error) {
	list, _, err := p.cfg.People.List(ctx, people.Query{Limit: 300})
	for _, x := range list {
		first = append(first, ui.Option{Value: x.ID, Text: fullName(x)})
	}
	return first, err
}

// listSpec says by what actions are narrowed.
func (p *Pages) listSpec(c *web.Ctx) (web.ListSpec, error) {
	s := web.ListSpec{Name: "actions", Label: "Actions", Path: "/actions", Tab: web.Filter{Name: "show"}, Sorts: []ui.Option{{Value: "usual", Text: "by date"}, {Value: "newest", Text: "newest first"}}}
	for _, t := range tabs {
		s.Tab.Options = append(s.Tab.Options, ui.Option{Value: t.word, Text: t.text})
	}
	owners, err := p.folk(c.Context(), ui.Option{Value: "", Text: "anybody"}, ui.Option{Value: "me", Text: "me"}, ui.Option{Value: "nobody", Text: "nobody yet"})
	if err != nil {
		return s, err
	}
	s.Filters = append(c.ProjectFilter(access.ActionRead),
		web.Filter{Name: "owner", Label: "Who", Options: owners},
		web.Filter{Name: "late", Label: "Date", Options: []ui.Option{{Value: "", Text: "any"}, {Value: "1", Text: "overdue"}, {Value: "7", Text: "due within 7 days"}}},
		web.Filter{Name: "q", Label: "Title", Type: "search", Placeholder: "words"})
	if c.Viewer.MayAny(access.ActionWrite) {
		to, err := p.folk(c.Context(), ui.Option{Value: "", Text: "nobody"})
		if err != nil {
			return s, err
		}
		s.Bulk = "/actions/bulk"
		s.Acts = []ui.BulkAct{
			{Word: "accept", Label: "Accept"}, {Word: "done", Label: "Done"},
			{Word: "assign", Label: "Assign", Field: &ui.Field{Name: "to", Label: "Assign to", Type: "select", Options: to, Value: c.Viewer.PersonID}},
			{Word: "due", Label: "Set date", Field: &ui.Field{Name: "by", Label: "New date", Type: "date"}},
		}
	}
	return s, nil
}

// listQuery is what the list asks for.
func listQuery(c *web.Ctx, l *web.Listing) (action.Query, error) {
	q := within(c.Viewer)
	var err error
	if q.Projects, err = l.Within(access.ActionRead); err != nil {
		return q, err
	}
	for _, t := range tabs {
		if t.word == l.Value("show") {
			q.States, q.ByDue = t.states, t.byDue
		}
	}
	q.ByDue = q.ByDue && l.Value("sort") != "newest"
	q.Cursor, q.Limit, q.Text = l.Cursor(), l.Size(), l.Value("q")
	switch who := l.Value("owner"); who {
	case "me":
		q.Owner = c.Viewer.PersonID
	case "nobody":
		q.Unowned = true
	default:
		q.Owner = who
	}
	if days, err := strconv.Atoi(l.Value("late")); err == nil {
		q.Late = c.Now
		if days > 1 {
			q.Late = c.Now.AddDate(0, 0, days)
		}
	}
	return q, nil
}

// list is all actions in three views.
func (p *Pages) list(c *web.Ctx) error {
	spec, err := p.listSpec(c)
	if err != nil {
		return err
	}
	l, err := c.List(spec)
	if err != nil {
		return err
	}
	q, err := listQuery(c, l)
	if err != nil {
		return err
	}
	page, err := p.cfg.Actions.List(c.Context(), q)
	if err != nil {
		return err
	}
	v := listView{MayAdd: c.May(access.ActionWrite), MayCauses: c.Viewer.MayAny(access.RootCauseRead), Filtered: l.Filtered()}
	if v.Rows, err = p.rows(c.Context(), c.Viewer, c.Now, page.Items); err != nil {
		return err
	}
	l.Rows(len(v.Rows), page.Next, 0)
	v.List = l.View()
	return c.Render(web.Page{Title: "Actions", Nav: "improve", Status: l.Status(), Crumbs: []web.Crumb{{Text: "Actions"}}}, listPage(v))
}

// bulk is what can be done to many actions at once.
func (p *Pages) bulk(rt *web.Router) {
	move := func(to action.State, back action.State) func(*web.Ctx, object.Object) (web.Did, error) {
		return func(c *web.Ctx, o object.Object) (web.Did, error) {
			a, err := p.cfg.Actions.Move(c.Context(), c.Actor(), o.Ref.ID, to, "")
			did := web.Did{Said: a.Key() + " is " + a.State.Words() + "."}
			if back != "" {
				did.Undo = &web.Inverse{Act: "action.back", Version: a.Version + 1, Before: string(back)}
			}
			return did, err
		}
	}
	rt.Bulk(web.Bulk{
		Pattern: "/actions/bulk", Kind: mainstay.KindAction, Permission: access.ActionWrite, Back: "/actions", Matching: p.matching,
		Words: map[string]string{"accept": "accepted", "done": "done", "assign": "assigned", "due": "given a date"},
		Acts: map[string]func(*web.Ctx, object.Object) (web.Did, error){
			"accept": move(action.Accepted, ""), "done": move(action.Done, action.Accepted), "assign": p.assign, "due": p.postpone,
		},
	})
	rt.Undoes("action.back", access.ActionWrite, func(c *web.Ctx, o object.Object, was web.Inverse) (web.Did, error) {
		if err := p.unchanged(c.Context(), o, was); err != nil {
			return web.Did{}, err
		}
		a, err := p.cfg.Actions.Move(c.Context(), c.Actor(), o.Ref.ID, action.State(was.Before), "")
		return web.Did{Said: a.Key() + " is " + a.State.Words() + "."}, err
	})
	rt.Undoes("action.owner", access.ActionWrite, func(c *web.Ctx, o object.Object, was web.Inverse) (web.Did, error) {
		if err := p.unchanged(c.Context(), o, was); err != nil {
			return web.Did{}, err
		}
		a, err := p.cfg.Actions.Edit(c.Context(), c.Actor(), o.Ref.ID, action.Edit{Owner: &was.Before})
		return web.Did{Said: a.Key() + " belongs to whom it did."}, err
	})
	rt.Undoes("action.due", access.ActionWrite, func(c *web.Ctx, o object.Object, was web.Inverse) (web.Did, error) {
		if err := p.unchanged(c.Context(), o, was); err != nil {
			return web.Did{}, err
		}
		due, err := time.Parse(time.RFC3339Nano, was.Before)
		if err != nil {
			return web.Did{}, err
		}
		a, err := p.cfg.Actions.Edit(c.Context(), c.Actor(), o.Ref.ID, action.Edit{Due: &due})
		return web.Did{Said: a.Key() + " has its former date."}, err
	})
}

// unchanged refuses to take something back after somebody else has been at it.
func (p *Pages) unchanged(ctx context.Context, o object.Object, was web.Inverse) error {
	a, err := p.cfg.Actions.Action(ctx, o.Ref.ID)
	if err == nil && a.Version != was.Version {
		err = mainstay.Errorf(mainstay.Conflict, "%s has changed since, and was left as it is.", a.Key())
	}
	return err
}

func (p *Pages) assign(c *web.Ctx, o object.Object) (web.Did, error) {
	to := c.Form("to")
	if to != "" {
		if _, err := p.person(c.Context(), to); err != nil {
			return web.Did{}, err
		}
	}
	before, err := p.cfg.Actions.Action(c.Context(), o.Ref.ID)
	if err != nil {
		return web.Did{}, err
	}
	if before.Owner == to {
		return web.Did{Idle: true, Said: "It belongs to them already."}, nil
	}
	a, err := p.cfg.Actions.Edit(c.Context(), c.Actor(), o.Ref.ID, action.Edit{Owner: &to})
	return web.Did{Said: a.Key() + " is assigned.", Undo: &web.Inverse{Act: "action.owner", Version: a.Version + 1, Before: before.Owner}}, err
}

func (p *Pages) postpone(c *web.Ctx, o object.Object) (web.Did, error) {
	due, err := when(c.Form("by"), c.Viewer.Location())
	if err != nil {
		return web.Did{}, err
	}
	before, err := p.cfg.Actions.Action(c.Context(), o.Ref.ID)
	if err != nil {
		return web.Did{}, err
	}
	a, err := p.cfg.Actions.Edit(c.Context(), c.Actor(), o.Ref.ID, action.Edit{Due: &due})
	return web.Did{Said: a.Key() + " has another date.", Undo: &web.Inverse{Act: "action.due", Version: a.Version + 1, Before: before.Due.Format(time.RFC3339Nano)}}, err
}

// matching lists the actions that a list's query selects.
func (p *Pages) matching(c *web.Ctx, query url.Values, most int) ([]string, error) {
	spec, err := p.listSpec(c)
	if err != nil {
		return nil, err
	}
	q, err := listQuery(c, c.Listing(spec, query))
	if err != nil {
		return nil, err
	}
	q.Cursor, q.Limit = "", most
	page, err := p.cfg.Actions.List(c.Context(), q)
	keys := []string{}
	for _, a := range page.Items {
		keys = append(keys, a.Key())
	}
	return keys, err
}
