// Package projectweb owns the pages and the API of projects and services. The home of a project belongs to web: it is made of
// panels.
package projectweb

import (
	"context"
	"slices"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Pages are the routes.
type Pages struct{ projects *project.Registry }

// New makes the pages.
func New(projects *project.Registry) *Pages { return &Pages{projects} }

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	get := func(pattern string, perm access.Permission, kind mainstay.Kind, h func(*web.Ctx) error) {
		rt.Handle(web.Route{Method: "GET", Pattern: pattern, Permission: perm, Kind: kind}, h)
	}
	post := func(pattern string, perm access.Permission, kind mainstay.Kind, h func(*web.Ctx) error) {
		rt.Handle(web.Route{Method: "POST", Pattern: pattern, Permission: perm, Kind: kind}, h)
	}
	get("/projects/new", access.SettingManage, "", p.newProject)
	post("/projects", access.SettingManage, "", p.createProject)
	get("/projects/{id}/edit", access.ProjectManage, mainstay.KindProject, p.editProject)
	post("/projects/{id}/edit", access.ProjectManage, mainstay.KindProject, p.saveProject)
	get("/projects/{id}/services/new", access.ProjectManage, mainstay.KindProject, p.newService)
	post("/projects/{id}/services", access.ProjectManage, mainstay.KindProject, p.createService)
	get("/services/{id}", access.ProjectRead, mainstay.KindService, p.service)
	get("/services/{id}/edit", access.ProjectManage, mainstay.KindService, p.editService)
	post("/services/{id}/edit", access.ProjectManage, mainstay.KindService, p.saveService)
	p.api(rt)
}

// Panels are the services of a project on its home.
func (p *Pages) Panels() []web.Panel {
	return []web.Panel{{Where: "project", Title: "Services", Order: 40, Render: func(ctx context.Context, at web.At) (web.Component, error) {
		list, err := p.projects.Services(ctx, at.Project)
		if err != nil {
			return nil, err
		}
		proj, err := p.projects.Project(ctx, at.Project)
		if err != nil {
			return nil, err
		}
		return servicesPanel(proj, lines(list), at.Viewer.May(access.ProjectManage, at.Project)), nil
	}}}
}

type line struct{ Name, Title, URL, Tier, DependsOn string }

func lines(list []project.Service) []line {
	out := make([]line, len(list))
	for i, s := range list {
		out[i] = line{s.Name, s.Title(), "/services/" + s.ID, s.Spec.Tier, strings.Join(s.Spec.DependsOn, ", ")}
	}
	return out
}

// form is one form's values and faults.
type form struct {
	Title, Action, Cancel string
	New                   bool
	Name                  string
	Project               project.Spec
	Service               project.ServiceSpec
	Faults                map[string]string
}

func phases() []ui.Option {
	var o []ui.Option
	for _, p := range project.Phases() {
		o = append(o, ui.Option{Value: string(p), Text: string(p)})
	}
	return o
}

func (p *Pages) newProject(c *web.Ctx) error {
	return c.Render(web.Page{Title: "New project", Nav: "projects"}, projectForm(form{
		Title: "New project", Action: "/projects", Cancel: "/projects", New: true, Project: project.Spec{Phase: project.Steady},
	}))
}

func specOf(c *web.Ctx) project.Spec {
	return project.Spec{Title: c.Form("title"), Description: c.Form("description"), Zone: c.Form("zone"), Phase: project.Phase(c.Form("phase"))}
}

// defineProject saves what the form says, or shows the form again with what is wrong.
func (p *Pages) defineProject(c *web.Ctx, f form) error {
	_, err := p.projects.Define(c.Context(), c.Actor(), f.Name, f.Project)
	if f.Faults = mainstay.ErrorFields(err); f.Faults != nil {
		return c.Render(web.Page{Title: f.Title, Nav: "projects", Status: 422}, projectForm(f))
	}
	if err != nil {
		return err
	}
	c.Say("Saved %s.", f.Name)
	return c.See("/projects/" + f.Name)
}

func (p *Pages) createProject(c *web.Ctx) error {
	f := form{Title: "New project", Action: "/projects", Cancel: "/projects", New: true, Name: c.Form("name"), Project: specOf(c)}
	if _, err := p.projects.Project(c.Context(), f.Name); err == nil {
		f.Faults = map[string]string{"name": "there is a project of that name already"}
		return c.Render(web.Page{Title: f.Title, Nav: "projects", Status: 422}, projectForm(f))
	}
	return p.defineProject(c, f)
}

func (p *Pages) editProject(c *web.Ctx) error {
	x, err := p.projects.Project(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	return c.Render(web.Page{Title: "Edit " + x.Title(), Nav: "projects"}, projectForm(form{
		Title: "Edit " + x.Title(), Action: "/projects/" + x.Name + "/edit", Cancel: "/projects/" + x.Name, Name: x.Name, Project: x.Spec,
	}))
}

func (p *Pages) saveProject(c *web.Ctx) error {
	x, err := p.projects.Project(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	return p.defineProject(c, form{
		Title: "Edit " + x.Title(), Action: "/projects/" + x.Name + "/edit", Cancel: "/projects/" + x.Name, Name: x.Name, Project: specOf(c),
	})
}

func (p *Pages) newService(c *web.Ctx) error {
	x, err := p.projects.Project(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	return c.Render(web.Page{Title: "New service", Nav: "projects"}, serviceForm(form{
		Title: "New service of " + x.Title(), Action: "/projects/" + x.Name + "/services", Cancel: "/projects/" + x.Name, New: true,
	}))
}

func serviceSpecOf(c *web.Ctx) project.ServiceSpec {
	deps := strings.FieldsFunc(c.Form("dependsOn"), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
	return project.ServiceSpec{
		Title: c.Form("title"), Description: c.Form("description"), Tier: c.Form("tier"), Owner: c.Form("owner"), DependsOn: deps,
	}
}

func (p *Pages) defineService(c *web.Ctx, projectID string, f form) error {
	_, err := p.projects.DefineService(c.Context(), c.Actor(), projectID, f.Name, f.Service)
	if f.Faults = mainstay.ErrorFields(err); f.Faults != nil {
		return c.Render(web.Page{Title: f.Title, Nav: "projects", Status: 422}, serviceForm(f))
	}
	if err != nil {
		return err
	}
	c.Say("Saved %s.", f.Name)
	return c.See(f.Cancel)
}

func (p *Pages) createService(c *web.Ctx) error {
	x, err := p.projects.Project(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	f := form{
		Title: "New service of " + x.Title(), Action: "/projects/" + x.Name + "/services", Cancel: "/projects/" + x.Name,
		New: true, Name: c.Form("name"), Service: serviceSpecOf(c),
	}
	if _, err := p.projects.Service(c.Context(), x.ID, f.Name); err == nil {
		f.Faults = map[string]string{"name": "there is a service of that name already"}
		return c.Render(web.Page{Title: f.Title, Nav: "projects", Status: 422}, serviceForm(f))
	}
	return p.defineService(c, x.ID, f)
}

type serviceView struct {
	Service     project.Service
	Project     project.Project
	NeededBy    []line
	Needs       []line
	Manage      bool
	Wide, Aside []web.Component
}

func (p *Pages) service(c *web.Ctx) error {
	s, err := p.projects.Service(c.Context(), c.Project, c.Ref.ID)
	if err != nil {
		return err
	}
	x, err := p.projects.Project(c.Context(), s.Project)
	if err != nil {
		return err
	}
	all, err := p.projects.Services(c.Context(), s.Project)
	if err != nil {
		return err
	}
	v := serviceView{Service: s, Project: x, Manage: c.May(access.ProjectManage)}
	for _, o := range lines(all) {
		i := slices.IndexFunc(all, func(a project.Service) bool { return a.Name == o.Name })
		if slices.Contains(all[i].Spec.DependsOn, s.Name) {
			v.NeededBy = append(v.NeededBy, o)
		}
		if slices.Contains(s.Spec.DependsOn, o.Name) {
			v.Needs = append(v.Needs, o)
		}
	}
	v.Wide, v.Aside = c.Panels("service")
	return c.Render(web.Page{
		Title: s.Title(), Nav: "projects", Live: []mainstay.Ref{c.Ref},
		Crumbs: []web.Crumb{{Text: x.Title(), URL: "/projects/" + x.Name}, {Text: s.Title()}},
	}, servicePage(v))
}

func (p *Pages) editForm(c *web.Ctx) (form, string, error) {
	s, err := p.projects.Service(c.Context(), c.Project, c.Ref.ID)
	if err != nil {
		return form{}, "", err
	}
	at := "/services/" + s.ID
	return form{Title: "Edit " + s.Title(), Action: at + "/edit", Cancel: at, Name: s.Name, Service: s.Spec}, s.Project, nil
}

func (p *Pages) editService(c *web.Ctx) error {
	f, _, err := p.editForm(c)
	if err != nil {
		return err
	}
	return c.Render(web.Page{Title: f.Title, Nav: "projects"}, serviceForm(f))
}

func (p *Pages) saveService(c *web.Ctx) error {
	f, projectID, err := p.editForm(c)
	if err != nil {
		return err
	}
	f.Service = serviceSpecOf(c)
	return p.defineService(c, projectID, f)
}
