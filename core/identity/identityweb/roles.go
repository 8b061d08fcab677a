package identityweb

import (
	"context"
	"net/url"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// roleLine is one role as pages show it.
type roleLine struct {
	Role    string
	Where   string // a project's name, or "all projects"
	Project string // id; "" for all
	Through string // the team that gives it; "" when it is one's own
	From    string // the identity provider whose group gives it; "" when somebody gave it here
}

// lines names the projects and teams of grants.
func (p *Pages) lines(ctx context.Context, grants []access.Grant) ([]roleLine, error) {
	list := []roleLine{}
	for _, g := range grants {
		l := roleLine{Role: string(g.Role), Where: "all projects", Project: g.Project}
		var err error
		if g.Project != "" {
			if l.Where, err = p.Projects.ProjectName(ctx, g.Project); mainstay.Is(err, mainstay.NotFound) {
				l.Where, err = "a project that is gone", nil
			}
		}
		if err != nil {
			return nil, err
		}
		if g.Team != "" {
			t, err := p.People.Team(ctx, g.Team)
			if err != nil {
				return nil, err
			}
			l.Through = t.Title
		}
		list = append(list, l)
	}
	return list, nil
}

// own are the roles given to the person or team itself.
func (p *Pages) own(ctx context.Context, to mainstay.Ref) ([]roleLine, error) {
	roles, err := p.Access.RolesOf(ctx, to)
	if err != nil {
		return nil, err
	}
	grants := make([]access.Grant, len(roles))
	for i, r := range roles {
		grants[i] = access.Grant{Role: access.Role(r.Role), Project: r.Project}
	}
	return p.lines(ctx, grants)
}

// all are a person's roles, those of their teams too, or a team's own.
func (p *Pages) all(ctx context.Context, of mainstay.Ref) ([]roleLine, error) {
	if of.Kind != mainstay.KindPerson {
		return p.own(ctx, of)
	}
	grants, err := p.Access.GrantsOf(ctx, of.ID)
	if err != nil {
		return nil, err
	}
	list, err := p.lines(ctx, grants)
	if err != nil {
		return nil, err
	}
	return list, p.marked(ctx, of.ID, list)
}

func (p *Pages) rolesPanel(ctx context.Context, at web.At) (web.Component, error) {
	edit := ""
	if at.Viewer.May(access.PeopleManage, "") {
		edit = rolesURL(at.Ref)
	}
	if edit == "" && at.Viewer.PersonID != at.Ref.ID {
		return nil, nil
	}
	list, err := p.all(ctx, at.Ref)
	if err != nil {
		return nil, err
	}
	return rolesSection(list, edit), nil
}

func rolesURL(of mainstay.Ref) string {
	if of.Kind == mainstay.KindTeam {
		return "/admin/teams/" + of.ID
	}
	return "/admin/people/" + of.ID
}

// rolesView is the list of everybody with their roles.
type rolesView struct {
	Search string
	Rows   []holderRow
	Next   string
}

type holderRow struct {
	Person ui.PersonView
	Roles  []roleLine
	State  ui.State // of signing in
	URL    string
}

func (p *Pages) roles(c *web.Ctx) error {
	v := rolesView{Search: c.Query("q")}
	list, next, err := p.People.List(c.Context(), people.Query{Search: v.Search, After: c.Query("after"), Limit: 50})
	if err != nil {
		return err
	}
	ids := make([]string, len(list))
	for i, x := range list {
		ids[i] = x.ID
	}
	states, err := p.Standing(c.Context(), ids)
	if err != nil {
		return err
	}
	for _, x := range list {
		if _, ok := states[x.ID]; !ok {
			states[x.ID] = ui.Good("can sign in")
		}
		roles, err := p.all(c.Context(), x.Ref())
		if err != nil {
			return err
		}
		v.Rows = append(v.Rows, holderRow{
			Person: ui.PersonView{Name: x.FullName, Note: x.Name, URL: "/people/" + x.Name}, Roles: roles, State: states[x.ID],
			URL: "/admin/people/" + x.Name,
		})
	}
	if next != "" {
		v.Next = "/admin/people?" + url.Values{"q": {v.Search}, "after": {next}}.Encode()
	}
	return c.Render(web.Page{Title: "Roles", Nav: "admin", Crumbs: []web.Crumb{{Text: "Admin", URL: "/admin"}, {Text: "Roles"}}}, rolesPage(v))
}

// grantsView is the form for the roles of a person or team.
type grantsView struct {
	Ref      mainstay.Ref
	Name     string // full name or title
	Page     string // of the person or team
	Action   string
	Own      []roleLine
	Through  []roleLine // by teams: not to be changed here
	Roles    []ui.Option
	Projects []ui.Option
	Person   bool
	Standing standingView
	Link     string
	Fault    string
}

func (p *Pages) grantsView(c *web.Ctx) (v grantsView, err error) {
	v = grantsView{Ref: c.Ref, Action: rolesURL(c.Ref), Person: c.Ref.Kind == mainstay.KindPerson}
	if v.Person {
		x, err := p.People.ByID(c.Context(), c.Ref.ID)
		if err != nil {
			return v, err
		}
		v.Name, v.Page = x.FullName, "/people/"+x.Name
		if v.Standing, err = p.standing(c.Context(), x, c.Viewer.Session); err != nil {
			return v, err
		}
	} else {
		t, err := p.People.Team(c.Context(), c.Ref.ID)
		if err != nil {
			return v, err
		}
		v.Name, v.Page = t.Title, "/teams/"+t.Name
	}
	all, err := p.all(c.Context(), c.Ref)
	if err != nil {
		return v, err
	}
	for _, l := range all {
		if l.Through == "" {
			v.Own = append(v.Own, l)
		} else {
			v.Through = append(v.Through, l)
		}
	}
	v.Roles = roleOptions()
	v.Projects, err = p.projectOptions(c.Context())
	return v, err
}

func roleOptions() []ui.Option {
	var list []ui.Option
	for _, r := range access.Roles() {
		list = append(list, ui.Option{Value: string(r), Text: r.Title()})
	}
	return list
}

// everywhere stands for all projects in a form, where a choice must have a value.
const everywhere = "all"

// projectOf is the project that a form names: its id, or "" for all. One that does not exist is NotFound.
func (p *Pages) projectOf(c *web.Ctx) (string, error) {
	id := c.Form("project")
	if id == "" || id == everywhere {
		return "", nil
	}
	_, err := p.Projects.ProjectName(c.Context(), id)
	return id, err
}

func (p *Pages) projectOptions(ctx context.Context) ([]ui.Option, error) {
	list := []ui.Option{{Value: everywhere, Text: "all projects"}}
	projects, err := p.Projects.Projects(ctx)
	for _, x := range projects {
		list = append(list, ui.Option{Value: x.ID, Text: x.Title()})
	}
	return list, err
}

func (v grantsView) page(status int) web.Page {
	return web.Page{Title: "Roles of " + v.Name, Nav: "admin", Status: status, Live: []mainstay.Ref{v.Ref}, Crumbs: []web.Crumb{
		{Text: "Admin", URL: "/admin"}, {Text: "Roles", URL: "/admin/people"}, {Text: v.Name},
	}}
}

func (p *Pages) editRoles(c *web.Ctx) error {
	v, err := p.grantsView(c)
	if err != nil {
		return err
	}
	return c.Render(v.page(200), grantsPage(v))
}

// saveRoles gives a role, or takes one ("take" holds "role project").
func (p *Pages) saveRoles(c *web.Ctx) error {
	v, err := p.grantsView(c)
	if err != nil {
		return err
	}
	var want []people.Role
	take, taking := c.Form("take"), c.Form("take") != ""
	for _, l := range v.Own {
		if taking && take == l.key() {
			continue
		}
		want = append(want, people.Role{Role: l.Role, Project: l.Project})
	}
	if !taking {
		project, err := p.projectOf(c)
		if err != nil {
			return err
		}
		want = append(want, people.Role{Role: c.Form("role"), Project: project})
	}
	changed, err := p.Access.SetRoles(c.Context(), c.Actor(), c.Ref, want)
	if mainstay.Is(err, mainstay.Conflict) || mainstay.Is(err, mainstay.Invalid) {
		v.Fault = mainstay.ErrorMessage(err)
		return c.Render(v.page(web.Status(err)), grantsPage(v))
	}
	if err != nil {
		return err
	}
	if changed {
		c.Say("The roles of %s are changed.", v.Name)
	}
	return c.See(v.Action)
}

// key names a role in a form.
func (l roleLine) key() string { return strings.TrimSpace(l.Role + " " + l.Project) }

// base is the address of the server, as links to it begin.
func (p *Pages) base(c *web.Ctx) string {
	if p.ExternalURL != nil {
		return strings.TrimSuffix(p.ExternalURL.String(), "/")
	}
	if c.R.TLS != nil {
		return "https://" + c.R.Host
	}
	return "http://" + c.R.Host
}
