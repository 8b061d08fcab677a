// Package viewweb owns the pages of saved views. It never shows a view that is neither the viewer's own nor shared with them.
package viewweb

import (
	"context"
	"errors"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/view"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Names gives the names of objects.
type Names interface {
	Actor(ctx context.Context, a mainstay.Actor) string
	// Subject is a short name and the path of the object's page; both may be empty.
	Subject(ctx context.Context, r mainstay.Ref) (name, url string)
}

// Pages are the routes.
type Pages struct {
	views *view.Service
	names Names
	share func(c *web.Ctx) []ui.Option
}

// New makes the pages. share lists the projects with which the viewer may share, after the choice of none.
func New(views *view.Service, names Names) (*Pages, error) {
	if views == nil || names == nil {
		return nil, errors.New("viewweb needs Views and Names")
	}
	return &Pages{views: views, names: names, share: (*web.Ctx).Sharing}, nil
}

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	add := func(method, pattern string, h func(*web.Ctx) error) {
		rt.Handle(web.Route{Method: method, Pattern: pattern, Permission: access.Self}, h)
	}
	add("GET", "/views", p.list)
	add("POST", "/views", p.save)
	add("POST", "/views/{id}/use", p.use)
	add("POST", "/views/{id}/edit", p.edit)
	add("POST", "/views/{id}/remove", p.remove)
}

// query is what the viewer may use.
func query(v access.Viewer) view.Query {
	q := view.Query{Person: v.PersonID}
	q.All, q.Projects = v.Projects(access.ProjectRead)
	return q
}

// Of answers the shell: the views of one list, or with "" those pinned of all.
func Of(ctx context.Context, s *view.Service, names Names, v access.Viewer, list string) ([]web.SavedView, error) {
	q := query(v)
	q.List, q.Pinned = list, list == ""
	found, err := s.Views(ctx, q)
	out := make([]web.SavedView, len(found))
	for i, x := range found {
		out[i] = web.SavedView{ID: x.ID, List: x.List, Title: x.Title, Path: x.Path, Query: x.Query, Pinned: x.Pinned, Default: x.Default}
		if x.Project != "" && list != "" {
			out[i].Shared, _ = names.Subject(ctx, mainstay.Ref{Kind: mainstay.KindProject, ID: x.Project})
		}
	}
	return out, err
}

// row is one view on the page of all.
type row struct {
	ID, Title, URL, List, Who string
	Pinned, Default, MayEdit  bool
	Project                   string
}

type listView struct {
	Rows   []row
	Share  []ui.Option
	Faults map[string]string
	Wrong  string // the view whose form was wrong
	Typed  string
}

func (p *Pages) person(c *web.Ctx) error {
	if c.Viewer.PersonID == "" {
		return mainstay.Errorf(mainstay.Denied, "A token has no views of its own. Sign in as a person.")
	}
	return nil
}

func (p *Pages) list(c *web.Ctx) error { return p.show(c, listView{}, 0) }

func (p *Pages) show(c *web.Ctx, v listView, status int) error {
	if err := p.person(c); err != nil {
		return err
	}
	list, err := p.views.Views(c.Context(), query(c.Viewer))
	if err != nil {
		return err
	}
	for _, x := range list {
		r := row{
			ID: x.ID, Title: x.Title, URL: web.SavedView{ID: x.ID, Path: x.Path, Query: x.Query}.URL(), List: x.List, Pinned: x.Pinned, Default: x.Default,
			MayEdit: p.mayEdit(c.Viewer, x), Project: x.Project, Who: "only you",
		}
		if x.Project != "" {
			name, _ := p.names.Subject(c.Context(), mainstay.Ref{Kind: mainstay.KindProject, ID: x.Project})
			r.Who = "everybody in " + name
			if x.Owner != c.Viewer.PersonID {
				r.Who += ", by " + p.names.Actor(c.Context(), mainstay.Person(x.Owner))
			}
		}
		v.Rows = append(v.Rows, r)
	}
	v.Share = p.share(c)
	return c.Render(web.Page{Title: "Saved views", Status: status, Crumbs: []web.Crumb{{Text: "You", URL: "/me"}, {Text: "Saved views"}}}, viewsPage(v))
}

// mayEdit: the owner, and whoever manages the project with which it is shared.
func (p *Pages) mayEdit(v access.Viewer, x view.View) bool {
	return x.Owner == v.PersonID || x.Project != "" && v.May(access.ProjectManage, x.Project)
}

// save keeps what the menu of a list sends.
func (p *Pages) save(c *web.Ctx) error {
	if err := p.person(c); err != nil {
		return err
	}
	x := view.View{
		Owner: c.Viewer.PersonID, Project: c.Form("project"), List: c.Form("list"), Path: c.Form("path"), Query: c.Form("query"), Title: c.Form("title"),
		Pinned: c.Checked("pinned"), Default: c.Checked("default"),
	}
	if err := p.mayShare(c.Viewer, x.Project); err != nil {
		return err
	}
	x, err := p.views.Save(c.Context(), c.Actor(), x)
	if err != nil {
		return err
	}
	c.Say("Saved the view %q.", x.Title)
	return c.See(web.SavedView{ID: x.ID, Path: x.Path, Query: x.Query}.URL())
}

func (p *Pages) mayShare(v access.Viewer, project string) error {
	if project != "" && !v.May(access.ActionWrite, project) {
		return mainstay.Faults{"project": "You may not share a view with that project: it needs a role in it that writes."}.Err()
	}
	return nil
}

func (p *Pages) one(c *web.Ctx) (view.View, error) {
	if err := p.person(c); err != nil {
		return view.View{}, err
	}
	return p.views.One(c.Context(), query(c.Viewer), c.Path("id"))
}

func (p *Pages) use(c *web.Ctx) error {
	x, err := p.one(c)
	if err != nil {
		return err
	}
	switch c.Form("do") {
	case "pin":
		x.Pinned = true
	case "unpin":
		x.Pinned = false
	case "default":
		x.Default = true
	case "undefault":
		x.Default = false
	}
	if err := p.views.Use(c.Context(), c.Viewer.PersonID, x); err != nil {
		return err
	}
	return c.See("/views")
}

// editable is a view that the viewer may change.
func (p *Pages) editable(c *web.Ctx) (view.View, error) {
	x, err := p.one(c)
	if err == nil && !p.mayEdit(c.Viewer, x) {
		err = mainstay.Errorf(mainstay.Denied, "Only its owner and whoever manages the project may change this view.")
	}
	return x, err
}

func (p *Pages) edit(c *web.Ctx) error {
	x, err := p.editable(c)
	if err != nil {
		return err
	}
	to := c.Form("project")
	if to != x.Project {
		if err := p.mayShare(c.Viewer, to); err != nil {
			return err
		}
	}
	x.Title, x.Project = c.Form("title"), to
	err = p.views.Change(c.Context(), c.Actor(), x)
	if faults := mainstay.ErrorFields(err); faults != nil {
		return p.show(c, listView{Faults: faults, Wrong: x.ID, Typed: x.Title}, 422)
	}
	if err != nil {
		return err
	}
	c.Say("Saved.")
	return c.See("/views")
}

func (p *Pages) remove(c *web.Ctx) error {
	x, err := p.editable(c)
	if err != nil {
		return err
	}
	if err := p.views.Remove(c.Context(), c.Actor(), x); err != nil {
		return err
	}
	c.Say("Removed the view %q. Its filters are still in the address of the list, should you want it back.", x.Title)
	return c.See("/views")
}
