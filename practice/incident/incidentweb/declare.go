package incidentweb

import (
	"slices"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// declareView is the form with which an incident is declared.
type declareView struct {
	Title, Project, Severity, Started, Plan, Commander string
	Private                                            bool
	Services                                           []string // chosen ids
	Links                                              []declareLink
	Projects, Plans, People                            []ui.Option
	AllServices                                        []serviceOption
	Faults                                             map[string]string
}

type declareLink struct{ Ref, Name, URL string }

// serviceOption is a service to tick.
type serviceOption struct {
	ID, Text string
	Chosen   bool
}

func severities() []ui.Option {
	return []ui.Option{
		{Value: "sev-1", Text: "sev-1: most users cannot do what they came for, or data is at risk"},
		{Value: "sev-2", Text: "sev-2: many users, or an important part"},
		{Value: "sev-3", Text: "sev-3: some users, or there is a way around"},
		{Value: "sev-4", Text: "sev-4: hardly noticed"},
	}
}

func (p *Pages) newIncident(c *web.Ctx) error {
	v := declareView{Project: c.Query("project"), Severity: "sev-2", Commander: c.Viewer.PersonID, Title: c.Query("title")}
	if s := mainstay.Severity(c.Query("severity")); s.Valid() {
		v.Severity = string(s)
	}
	for _, kind := range []mainstay.Kind{mainstay.KindAlert, mainstay.KindPage} {
		key := c.Query(string(kind))
		if key == "" {
			continue
		}
		o, err := p.cfg.Objects.Find(c.Context(), kind, key, "")
		if err != nil {
			return err
		}
		if !p.maySee(c, o.Ref, o.Project) {
			return mainstay.Errorf(mainstay.NotFound, "There is no %s %q, or you may not see it.", kind, key)
		}
		v.Project = o.Project
		if v.Title == "" {
			v.Title = o.Title
		}
		v.Links = append(v.Links, declareLink{Ref: o.Ref.String()})
		if s := o.Labels["service"]; s != "" {
			v.Services = append(v.Services, s)
		}
	}
	return p.showDeclare(c, v)
}

// showDeclare fills in what the form offers and shows it.
func (p *Pages) showDeclare(c *web.Ctx, v declareView) error {
	ctx := c.Context()
	may, err := p.allowed(ctx, c.Viewer, access.IncidentRespond)
	if err != nil {
		return err
	}
	if len(may) == 1 && v.Project == "" {
		v.Project = may[0].ID
	}
	if err := p.offer(c, &v, may); err != nil {
		return err
	}
	if v.People, err = p.everybody(ctx); err != nil {
		return err
	}
	v.People[0].Text = "Whoever is on call"
	for n, l := range v.Links {
		v.Links[n].Name, v.Links[n].URL = p.cfg.Names.Subject(ctx, mainstay.ParseRef(l.Ref))
	}
	return c.Render(web.Page{
		Title: "Declare an incident", Nav: "incidents", Status: status(v.Faults),
		Crumbs: []web.Crumb{{Text: "Incidents", URL: "/incidents"}, {Text: "Declare"}},
	}, declarePage(v))
}

// offer lists projects with their services and plans.
func (p *Pages) offer(c *web.Ctx, v *declareView, may []project.Project) error {
	v.Plans = []ui.Option{{Value: "", Text: "The one that fits severity and services"}}
	seen := map[string]bool{}
	for _, x := range may {
		v.Projects = append(v.Projects, ui.Option{Value: x.ID, Text: x.Title()})
		services, err := p.cfg.Projects.Services(c.Context(), x.ID)
		if err != nil {
			return err
		}
		for _, s := range services {
			text := s.Title()
			if len(may) > 1 {
				text = x.Title() + ": " + text
			}
			chosen := slices.Contains(v.Services, s.ID) || slices.Contains(v.Services, s.Name) && v.Project == x.ID
			v.AllServices = append(v.AllServices, serviceOption{ID: s.ID, Text: text, Chosen: chosen})
		}
		plans, err := p.cfg.Incidents.Plans(c.Context(), x.ID)
		if err != nil {
			return err
		}
		for _, pl := range plans {
			if !seen[pl.ID] {
				seen[pl.ID] = true
				v.Plans = append(v.Plans, ui.Option{Value: pl.ID, Text: pl.Title()})
			}
		}
	}
	return nil
}

func (p *Pages) declare(c *web.Ctx) error {
	v := declareView{
		Title: c.Form("title"), Project: c.Form("project"), Severity: c.Form("severity"), Started: c.Form("started"), Plan: c.Form("plan"),
		Commander: c.Form("commander"), Private: c.Checked("private"), Services: c.FormAll("services"),
	}
	d := incident.Declaration{
		Project: v.Project, Title: v.Title, Severity: mainstay.Severity(v.Severity), Services: v.Services, Private: v.Private, Plan: v.Plan,
		Commander: v.Commander,
	}
	started, err := moment("started", v.Started, c.Viewer.Location())
	d.StartedAt = started
	for _, s := range c.FormAll("links") {
		v.Links = append(v.Links, declareLink{Ref: s})
		o, found := p.linkable(c, mainstay.ParseRef(s), v.Project)
		if !found && err == nil {
			err = fault("project", "What it is declared from belongs to another project, or you may not see it.")
		}
		d.Links = append(d.Links, o.Ref)
	}
	if err == nil && v.Project != "" && !c.Viewer.May(access.IncidentRespond, v.Project) {
		err = fault("project", "You may not declare incidents in this project.")
	}
	if err == nil {
		err = p.person(c, v.Commander)
	}
	var i incident.Incident
	if err == nil {
		i, err = p.cfg.Incidents.Declare(c.Context(), c.Actor(), d)
	}
	if v.Faults = mainstay.ErrorFields(err); v.Faults != nil {
		return p.showDeclare(c, v)
	}
	if err != nil {
		return err
	}
	c.Say("%s is declared.", i.Key())
	return c.See("/incidents/" + i.Key())
}

// linkable finds an alert or page that the viewer may see, in the project.
func (p *Pages) linkable(c *web.Ctx, r mainstay.Ref, projectID string) (object.Object, bool) {
	if r.Kind != mainstay.KindAlert && r.Kind != mainstay.KindPage {
		return object.Object{}, false
	}
	o, err := p.cfg.Objects.Find(c.Context(), r.Kind, r.ID, "")
	return o, err == nil && o.Project == projectID && p.maySee(c, o.Ref, o.Project)
}

// person refuses a commander who is not there.
func (p *Pages) person(c *web.Ctx, id string) error {
	if id == "" {
		return nil
	}
	known, err := p.cfg.People.ByIDs(c.Context(), []string{id})
	if x, ok := known[id]; err == nil && (!ok || !x.Active()) {
		return fault("commander", "There is no such person, or they have left.")
	}
	return err
}
