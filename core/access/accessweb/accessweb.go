// Package accessweb owns the pages and the API that say who may do what in which project, and why, and that give and take roles. It
// never decides what a role means.
package accessweb

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Config is what the pages need; every field is required.
type Config struct {
	Access   *access.Service
	People   *people.Service
	Projects *project.Registry
}

// Pages are the routes.
type Pages struct{ cfg Config }

// New makes the pages.
func New(cfg Config) (*Pages, error) {
	if cfg.Access == nil || cfg.People == nil || cfg.Projects == nil {
		return nil, errors.New("accessweb: Access, People and Projects must be provided")
	}
	return &Pages{cfg}, nil
}

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	add := func(method, pattern string, perm access.Permission, kind mainstay.Kind, h func(*web.Ctx) error) {
		rt.Handle(web.Route{Method: method, Pattern: pattern, Permission: perm, Kind: kind}, h)
	}
	add("GET", "/people/{id}/access", access.PeopleRead, mainstay.KindPerson, p.matrix)
	add("POST", "/people/{id}/access", access.PeopleManage, mainstay.KindPerson, p.save)
	add("GET", "/teams/{id}/access", access.PeopleRead, mainstay.KindTeam, p.matrix)
	add("POST", "/teams/{id}/access", access.PeopleManage, mainstay.KindTeam, p.save)
	add("GET", "/projects/{id}/people", access.PeopleRead, mainstay.KindProject, p.project)
	add("POST", "/projects/{id}/people", access.PeopleManage, mainstay.KindProject, p.saveProject)
	p.api(rt)
}

// Panels lead to the matrix from the page of a person, and to the people from the page of a project.
func (p *Pages) Panels() []web.Panel {
	return []web.Panel{{Where: "project", Title: "People", Order: 80, Side: true, Render: p.panel}}
}

// place is one row of a matrix: a project, or all of them.
type place struct {
	ID, Name, Title string // ID "" for all
	Cells           []cell
}

// cell is what stands under one role in one place.
type cell struct {
	Role       access.Role
	Own        bool
	Teams      []team // that give it
	Everywhere bool   // it counts here because it counts in all projects
}

type team struct{ Title, URL string }

// Key names the role and the place in a form.
func (x cell) key(place string) string { return strings.TrimSpace(string(x.Role) + " " + place) }

// may is one line of "what may they do".
type may struct {
	Title string
	Held  bool
	Why   []string
}

type matrixView struct {
	Ref     mainstay.Ref
	Name    string // full name or title
	Short   string // handle
	At      string // path of its page
	Person  bool
	Manage  bool
	Places  []place
	More    bool // not every project is shown
	Roles   []access.Role
	Chosen  string // id of the place whose permissions are listed
	ChosenN string // its title
	May     []may
	Options []ui.Option // places
	Give    []ui.Option // roles
	Fault   string
	Teams   []team // of a person, those without a role too
}

// narrow is the class of a role's column: one that nobody holds anywhere is left out on a phone.
func (v matrixView) narrow(r access.Role) string {
	for _, at := range v.Places {
		for _, x := range at.Cells {
			if x.Role == r && (x.Own || len(x.Teams) > 0) {
				return ""
			}
		}
	}
	return "lo"
}

// mostPlaces bounds the rows; those with a role come first.
const mostPlaces = 100

func (p *Pages) matrixView(c *web.Ctx) (v matrixView, err error) {
	v = matrixView{Ref: c.Ref, Person: c.Ref.Kind == mainstay.KindPerson, Manage: c.May(access.PeopleManage), Roles: access.Roles()}
	var grants []access.Grant
	if v.Person {
		x, err := p.cfg.People.ByID(c.Context(), c.Ref.ID)
		if err != nil {
			return v, err
		}
		if !v.Manage && c.Viewer.PersonID != x.ID {
			return v, mainstay.Errorf(mainstay.Denied, "What others may do is shown to those who manage people.")
		}
		v.Name, v.Short, v.At = x.FullName, x.Name, "/people/"+x.Name
		grants, err = p.cfg.Access.GrantsOf(c.Context(), x.ID)
		if err != nil {
			return v, err
		}
	} else {
		t, err := p.cfg.People.Team(c.Context(), c.Ref.ID)
		if err != nil {
			return v, err
		}
		v.Name, v.Short, v.At = t.Title, t.Name, "/teams/"+t.Name
		roles, err := p.cfg.Access.RolesOf(c.Context(), t.Ref())
		if err != nil {
			return v, err
		}
		for _, r := range roles {
			grants = append(grants, access.Grant{Role: access.Role(r.Role), Project: r.Project})
		}
	}
	return v, p.fill(c.Context(), &v, grants, c.Query("in"), c.Viewer)
}

// fill makes the rows of the matrix, and what is allowed in the chosen place; who does not manage people sees no project that they may
// not read.
func (p *Pages) fill(ctx context.Context, v *matrixView, grants []access.Grant, chosen string, viewer access.Viewer) error {
	teams, err := p.teams(ctx, grants)
	if err != nil {
		return err
	}
	projects, err := p.cfg.Projects.Projects(ctx)
	if err != nil {
		return err
	}
	held := func(id string) bool {
		return slices.ContainsFunc(grants, func(g access.Grant) bool { return g.Project == id })
	}
	if !v.Manage {
		projects = slices.DeleteFunc(projects, func(x project.Project) bool { return !viewer.May(access.ProjectRead, x.ID) })
	}
	slices.SortStableFunc(projects, func(a, b project.Project) int { return order(held(b.ID)) - order(held(a.ID)) })
	v.Places = append(v.Places, row(place{Title: "All projects"}, grants, teams))
	v.Options = append(v.Options, ui.Option{Value: everywhere, Text: "all projects, and what belongs to none"})
	v.ChosenN = "all projects, and in what belongs to none"
	for _, x := range projects {
		v.Options = append(v.Options, ui.Option{Value: x.ID, Text: x.Title()})
		if x.ID == chosen || x.Name == chosen {
			v.Chosen, v.ChosenN = x.ID, x.Title()
		}
		if len(v.Places) > mostPlaces {
			v.More = true
			continue
		}
		v.Places = append(v.Places, row(place{ID: x.ID, Name: x.Name, Title: x.Title()}, grants, teams))
	}
	if chosen == "" && len(projects) > 0 && len(grants) > 0 && held(projects[0].ID) {
		v.Chosen, v.ChosenN = projects[0].ID, projects[0].Title()
	}
	titles := map[string]string{"": "all projects"}
	for _, x := range projects {
		titles[x.ID] = x.Title()
	}
	for _, perm := range access.Permissions() {
		m := may{Title: perm.Title()}
		for _, g := range access.Why(grants, perm, v.Chosen) {
			m.Held = true
			says := string(g.Role) + " in " + titles[g.Project]
			if g.Team != "" {
				says += ", by the team " + teams[g.Team].Title
			}
			m.Why = append(m.Why, says)
		}
		v.May = append(v.May, m)
	}
	for _, r := range access.Roles() {
		v.Give = append(v.Give, ui.Option{Value: string(r), Text: r.Title()})
	}
	return nil
}

func order(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// teams names the teams of the grants, by id.
func (p *Pages) teams(ctx context.Context, grants []access.Grant) (map[string]team, error) {
	m := map[string]team{}
	for _, g := range grants {
		if _, known := m[g.Team]; known || g.Team == "" {
			continue
		}
		t, err := p.cfg.People.Team(ctx, g.Team)
		if err != nil {
			return nil, err
		}
		m[g.Team] = team{t.Title, "/teams/" + t.Name}
	}
	return m, nil
}

func row(at place, grants []access.Grant, teams map[string]team) place {
	for _, r := range access.Roles() {
		x := cell{Role: r}
		for _, g := range grants {
			switch {
			case g.Role != r:
			case g.Project == "" && at.ID != "":
				x.Everywhere = true
			case g.Project != at.ID:
			case g.Team != "":
				x.Teams = append(x.Teams, teams[g.Team])
			default:
				x.Own = true
			}
		}
		at.Cells = append(at.Cells, x)
	}
	return at
}

func (v matrixView) page(status int) web.Page {
	list := web.Crumb{Text: "People", URL: "/people"}
	if !v.Person {
		list = web.Crumb{Text: "Teams", URL: "/teams"}
	}
	return web.Page{
		Title: "What " + v.Name + " may do", Nav: "admin", Status: status, Live: []mainstay.Ref{v.Ref},
		Crumbs: []web.Crumb{list, {Text: v.Name, URL: v.At}, {Text: "Access"}},
	}
}

func (p *Pages) matrix(c *web.Ctx) error {
	v, err := p.matrixView(c)
	if err != nil {
		return err
	}
	return c.Render(v.page(200), matrixPage(v))
}

// everywhere stands for all projects in a form, where a choice must have a value.
const everywhere = "all"

// save gives a role ("role", "project") or takes one ("take" holds "role project").
func (p *Pages) save(c *web.Ctx) error {
	v, err := p.matrixView(c)
	if err != nil {
		return err
	}
	say, err := p.change(c, c.Ref, v.Name)
	if mainstay.Is(err, mainstay.Conflict) || mainstay.Is(err, mainstay.Invalid) || mainstay.Is(err, mainstay.NotFound) {
		v.Fault = mainstay.ErrorMessage(err)
		return c.Render(v.page(web.Status(err)), matrixPage(v))
	}
	if err != nil {
		return err
	}
	c.Say("%s", say)
	return c.See(v.At + "/access")
}

// change gives or takes what the form says.
func (p *Pages) change(c *web.Ctx, to mainstay.Ref, name string) (say string, err error) {
	if take := c.Form("take"); take != "" {
		role, in, _ := strings.Cut(take, " ")
		_, err := p.cfg.Access.Take(c.Context(), c.Actor(), to, access.Role(role), in)
		return name + " is no longer " + role + " there.", err
	}
	in := c.Form("project")
	switch in {
	case everywhere:
		in = ""
	case "":
		return "", mainstay.Errorf(mainstay.Invalid, "Say in which project.")
	default:
		if _, err := p.cfg.Projects.ProjectName(c.Context(), in); err != nil {
			return "", err
		}
	}
	return name + " is " + c.Form("role") + " now.", p.cfg.Access.Give(c.Context(), c.Actor(), to, access.Role(c.Form("role")), in)
}

// projectView is who may do what in one project.
type projectView struct {
	ID, Name, Title string
	Manage          bool
	Rows            []holderRow
	More            int // persons that are not shown
	Give            []ui.Option
	Fault           string
	Who             string // what was typed
}

// holderRow is a person or a team with roles in the project.
type holderRow struct {
	Person ui.PersonView
	Team   *team
	Size   int // members of a team
	Roles  []held
	Access string // path of the matrix
	rank   int
}

// held is one role of a person, and by what they have it.
type held struct {
	Role access.Role
	By   string // "" for one's own in this project
	URL  string
	Take string // in a form; "" when it cannot be taken here
	To   string // in a form: whom it is taken from
}

// mostPersons bounds the list.
const mostPersons = 500

func (p *Pages) projectView(c *web.Ctx) (projectView, error) {
	x, err := p.cfg.Projects.Project(c.Context(), c.Ref.ID)
	v := projectView{ID: x.ID, Name: x.Name, Title: x.Title(), Manage: c.May(access.PeopleManage)}
	if err != nil {
		return v, err
	}
	for _, r := range access.Roles() {
		v.Give = append(v.Give, ui.Option{Value: string(r), Text: r.Title()})
	}
	v.Rows, v.More, err = p.holders(c.Context(), x.ID)
	return v, err
}

// holders lists everybody who has a role in the project, strongest first: teams, then persons with all by which they have it.
func (p *Pages) holders(ctx context.Context, id string) (rows []holderRow, more int, err error) {
	persons := map[string]*holderRow{}
	give := func(person string, h held) {
		if persons[person] == nil {
			persons[person] = &holderRow{rank: 100}
		}
		persons[person].Roles = append(persons[person].Roles, h)
	}
	for _, at := range []string{id, ""} {
		given, err := p.cfg.Access.In(ctx, at)
		if err != nil {
			return nil, 0, err
		}
		for _, g := range given {
			h := held{Role: g.Role, Take: string(g.Role) + " " + at, To: g.To.String()}
			if at == "" {
				h.By, h.Take = "in all projects", ""
			}
			if g.To.Kind == mainstay.KindPerson {
				give(g.To.ID, h)
				continue
			}
			t, err := p.cfg.People.Team(ctx, g.To.ID)
			if mainstay.Is(err, mainstay.NotFound) {
				continue
			}
			if err != nil {
				return nil, 0, err
			}
			of := team{t.Title, "/teams/" + t.Name}
			rows = append(rows, holderRow{Team: &of, Size: len(t.Members), Roles: []held{h}, Access: of.URL + "/access", rank: -1})
			for _, m := range t.Members {
				give(m.Person, held{Role: g.Role, By: "by the team " + t.Title, URL: of.URL})
			}
		}
	}
	named, more, err := p.named(ctx, persons)
	return append(rows, named...), more, err
}

// named fills in who the persons are; those who are deactivated are left out.
func (p *Pages) named(ctx context.Context, persons map[string]*holderRow) (rows []holderRow, more int, err error) {
	ids := []string{}
	for id := range persons {
		ids = append(ids, id)
	}
	known, err := p.cfg.People.ByIDs(ctx, ids)
	if err != nil {
		return nil, 0, err
	}
	for id, r := range persons {
		x, ok := known[id]
		if !ok || !x.Active() {
			continue
		}
		r.Person = ui.PersonView{Name: x.FullName, Note: x.Name, URL: "/people/" + x.Name}
		r.Access = r.Person.URL + "/access"
		for _, h := range r.Roles {
			r.rank = min(r.rank, slices.Index(access.Roles(), h.Role))
		}
		slices.SortStableFunc(r.Roles, func(a, b held) int {
			return slices.Index(access.Roles(), a.Role) - slices.Index(access.Roles(), b.Role)
		})
		rows = append(rows, *r)
	}
	slices.SortFunc(rows, func(a, b holderRow) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		return strings.Compare(a.Person.Note, b.Person.Note)
	})
	more = max(len(rows)-mostPersons, 0)
	return rows[:len(rows)-more], more, nil
}

func (v projectView) page(status int) web.Page {
	return web.Page{
		Title: "People of " + v.Title, Nav: "projects", Status: status, Live: []mainstay.Ref{{Kind: mainstay.KindProject, ID: v.ID}},
		Crumbs: []web.Crumb{{Text: "Projects", URL: "/projects"}, {Text: v.Title, URL: "/projects/" + v.Name}, {Text: "People"}},
	}
}

func (p *Pages) project(c *web.Ctx) error {
	v, err := p.projectView(c)
	if err != nil {
		return err
	}
	return c.Render(v.page(200), projectPage(v))
}

// saveProject gives a role in the project to a person or a team by name, or takes one away.
func (p *Pages) saveProject(c *web.Ctx) error {
	v, err := p.projectView(c)
	if err != nil {
		return err
	}
	v.Who = c.Form("who")
	err = p.changeIn(c, v)
	if mainstay.Is(err, mainstay.Conflict) || mainstay.Is(err, mainstay.Invalid) || mainstay.Is(err, mainstay.NotFound) {
		v.Fault = mainstay.ErrorMessage(err)
		return c.Render(v.page(web.Status(err)), projectPage(v))
	}
	if err != nil {
		return err
	}
	return c.See("/projects/" + v.Name + "/people")
}

func (p *Pages) changeIn(c *web.Ctx, v projectView) error {
	if take := c.Form("take"); take != "" {
		role, _, _ := strings.Cut(take, " ")
		_, err := p.cfg.Access.Take(c.Context(), c.Actor(), mainstay.ParseRef(c.Form("to")), access.Role(role), v.ID)
		if err == nil {
			c.Say("The role %s is taken.", role)
		}
		return err
	}
	to, name, err := p.find(c.Context(), v.Who)
	if err != nil {
		return err
	}
	if err := p.cfg.Access.Give(c.Context(), c.Actor(), to, access.Role(c.Form("role")), v.ID); err != nil {
		return err
	}
	c.Say("%s is %s of %s now.", name, c.Form("role"), v.Title)
	return nil
}

// find is the person or the team of that name; a person's address will do.
func (p *Pages) find(ctx context.Context, who string) (mainstay.Ref, string, error) {
	x, err := p.cfg.People.ByName(ctx, who)
	if mainstay.Is(err, mainstay.NotFound) {
		x, err = p.cfg.People.ByEmail(ctx, who)
	}
	if err == nil {
		return x.Ref(), x.FullName, nil
	}
	if !mainstay.Is(err, mainstay.NotFound) {
		return mainstay.Ref{}, "", err
	}
	t, err := p.cfg.People.Team(ctx, who)
	if mainstay.Is(err, mainstay.NotFound) {
		err = mainstay.Errorf(mainstay.NotFound, "There is no person and no team %q.", who)
	}
	return t.Ref(), t.Title, err
}

func (p *Pages) panel(ctx context.Context, at web.At) (web.Component, error) {
	if !at.Viewer.May(access.PeopleRead, at.Project) {
		return nil, nil
	}
	rows, _, err := p.holders(ctx, at.Project)
	if err != nil {
		return nil, err
	}
	n := 0
	for _, r := range rows {
		if r.Team == nil {
			n++
		}
	}
	return projectPanel(n, "/projects/"+url.PathEscape(at.Project)+"/people"), nil
}
