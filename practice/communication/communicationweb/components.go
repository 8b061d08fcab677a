package communicationweb

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/practice/communication/statuspage"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

func (p *Pages) components(c *web.Ctx) error {
	ctx := c.Context()
	list, err := p.cfg.Service.Components(ctx, "")
	if err != nil {
		return err
	}
	titles, err := p.projectTitles(ctx)
	if err != nil {
		return err
	}
	of, err := p.intervals(ctx)
	if err != nil {
		return err
	}
	may := within(c.Viewer, access.ComponentRead)
	v := componentsView{MayAdd: c.Viewer.MayAny(access.ComponentManage), StatusURL: p.cfg.StatusURL()}
	var order []string
	rows := map[string][]componentRow{}
	for _, x := range arranged(list) {
		if !among(may, x.Project) {
			continue
		}
		if rows[x.Project] == nil {
			order = append(order, x.Project)
		}
		rows[x.Project] = append(rows[x.Project], p.row(c, x, of[x.ID]))
	}
	for _, id := range order {
		v.Projects = append(v.Projects, componentList{Title: titles[id], Rows: rows[id]})
	}
	return c.Render(web.Page{Title: "Components", Nav: "incidents", Crumbs: []web.Crumb{{Text: "Components"}}}, componentsPage(v))
}

// arranged puts each group before its members, and what is in no group last.
func arranged(list []communication.Component) []communication.Component {
	var out []communication.Component
	for _, g := range list {
		if !g.IsGroup {
			continue
		}
		out = append(out, g)
		for _, m := range list {
			if m.Group == g.ID {
				out = append(out, m)
			}
		}
	}
	for _, x := range list {
		if !x.IsGroup && !slices.ContainsFunc(list, func(g communication.Component) bool { return g.ID == x.Group }) {
			out = append(out, x)
		}
	}
	return out
}

func (p *Pages) row(c *web.Ctx, x communication.Component, intervals []communication.Interval) componentRow {
	r := componentRow{Title: x.Title, URL: "/components/" + x.ID, Name: x.Name, State: stateOf(x.State()), Group: x.IsGroup}
	if !x.IsGroup {
		r.Bars = statuspage.Bars(x, intervals, c.Now, barDays, zoneOf(c.Viewer))
		r.Share = share(intervals, c.Now, zoneOf(c.Viewer))
	}
	return r
}

func share(intervals []communication.Interval, now time.Time, zone *time.Location) string {
	return statuspage.Share(communication.Days(intervals, now, barDays, zone))
}

func stateOf(s communication.State) ui.State {
	switch s {
	case communication.MajorOutage, communication.PartialOutage:
		return ui.Crit(s.Words())
	case communication.Degraded:
		return ui.Warn(s.Words())
	case communication.UnderMaintenance:
		return ui.Info(s.Words())
	}
	return ui.Good(s.Words())
}

func (p *Pages) component(c *web.Ctx) error { return p.showComponent(c, 0, nil, nil) }

// showComponent shows one component, with what was typed where a form could not be taken.
func (p *Pages) showComponent(c *web.Ctx, status int, typed *definition, faults map[string]string) error {
	ctx := c.Context()
	x, err := p.find(ctx, c.Ref.ID)
	if err != nil {
		return err
	}
	of, err := p.intervals(ctx)
	if err != nil {
		return err
	}
	mine := of[x.ID]
	v := componentView{Row: p.row(c, x, mine), Description: x.Description, Hand: x.Hand, Reason: x.Reason, MayManage: c.May(access.ComponentManage), URL: "/components/" + x.ID, Faults: faults}
	if x.Service != "" {
		v.Service, v.ServiceURL = p.cfg.Names.Subject(ctx, mainstay.Ref{Kind: mainstay.KindService, ID: x.Service})
	}
	for i := len(mine) - 1; i >= 0 && len(v.History) < 50; i-- {
		v.History = append(v.History, stretch{State: stateOf(mine[i].State), From: mine[i].From, Until: mine[i].Until})
	}
	if v.Form, err = p.definition(ctx, x); err != nil {
		return err
	}
	if typed != nil {
		typed.Groups, typed.Services = v.Form.Groups, v.Form.Services
		v.Form = *typed
	}
	v.Form.Faults = faults
	return c.Render(web.Page{
		Title: x.Title, Nav: "incidents", Status: status, Live: []mainstay.Ref{c.Ref},
		Crumbs: []web.Crumb{{Text: "Components", URL: "/components"}, {Text: x.Title}},
	}, componentPage(v))
}

// find reads one component; a group has the state of its members.
func (p *Pages) find(ctx context.Context, id string) (communication.Component, error) {
	list, err := p.cfg.Service.Components(ctx, "")
	if err != nil {
		return communication.Component{}, err
	}
	if i := slices.IndexFunc(list, func(x communication.Component) bool { return x.ID == id }); i >= 0 {
		return list[i], nil
	}
	return communication.Component{}, mainstay.Errorf(mainstay.NotFound, "There is no such component.")
}

// definition fills the form of a component as it is now.
func (p *Pages) definition(ctx context.Context, x communication.Component) (definition, error) {
	specs, err := p.cfg.Service.Specs(ctx, x.Project)
	if err != nil {
		return definition{}, err
	}
	d := definition{Name: x.Name, Spec: specs[x.Name], IsGroup: x.IsGroup, Project: x.Project, Showcase: x.ID == "" || x.Showcase}
	d.Groups = []ui.Option{{Value: "", Text: "none"}}
	for _, name := range sorted(specs) {
		if specs[name].Group == "true" && name != x.Name {
			d.Groups = append(d.Groups, ui.Option{Value: name, Text: specs[name].Title})
		}
	}
	d.Services = []ui.Option{{Value: "", Text: "none"}}
	if x.Project != mainstay.Installation {
		services, err := p.cfg.Projects.Services(ctx, x.Project)
		if err != nil {
			return d, err
		}
		for _, s := range services {
			d.Services = append(d.Services, ui.Option{Value: s.Name, Text: s.Title()})
		}
	}
	return d, nil
}

func sorted[V any](m map[string]V) []string {
	var l []string
	for k := range m {
		l = append(l, k)
	}
	slices.Sort(l)
	return l
}

// typed reads the form of a definition.
func typed(c *web.Ctx) definition {
	position, _ := strconv.Atoi(c.Form("position")) // a wrong number falls back to the first place
	showcase := c.Checked("showcase")
	d := definition{Name: c.Form("name"), Project: c.Form("project"), IsGroup: c.Checked("isgroup"), Showcase: showcase, Spec: communication.ComponentSpec{
		Title: c.Form("title"), Description: c.Form("description"), Group: communication.GroupRef(c.Form("group")), Service: c.Form("service"),
		Position: position, Showcase: &showcase, OnlyShowIfDegraded: c.Checked("onlyShowIfDegraded"), StartDate: c.Form("startDate"),
	}}
	if d.IsGroup {
		d.Spec.Group, d.Spec.Service = "true", ""
	}
	return d
}

func (p *Pages) changeComponent(c *web.Ctx) error {
	x, err := p.cfg.Service.Component(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	d := typed(c)
	d.Name, d.Project = x.Name, x.Project
	if _, err := p.cfg.Service.Define(c.Context(), c.Actor(), x.Project, x.Name, d.Spec); err != nil {
		if f := mainstay.ErrorFields(err); f != nil {
			return p.showComponent(c, http.StatusUnprocessableEntity, &d, f)
		}
		return err
	}
	c.Say("%s is saved.", d.Spec.Title)
	return c.See("/components/" + x.ID)
}

func (p *Pages) newComponent(c *web.Ctx) error { return p.showNew(c, 0, nil, nil) }

func (p *Pages) showNew(c *web.Ctx, status int, typed *definition, faults map[string]string) error {
	ctx := c.Context()
	projects, err := p.cfg.Projects.Projects(ctx)
	if err != nil {
		return err
	}
	v := newComponentView{}
	for _, x := range projects {
		if c.Viewer.May(access.ComponentManage, x.ID) {
			v.Projects = append(v.Projects, ui.Option{Value: x.ID, Text: x.Title()})
		}
	}
	if c.Viewer.May(access.ComponentManage, mainstay.Installation) || len(v.Projects) == 0 {
		v.Projects = append(v.Projects, ui.Option{Value: mainstay.Installation, Text: "All projects"})
	}
	chosen := c.Query("project")
	if typed != nil {
		chosen = typed.Project
	}
	if !slices.ContainsFunc(v.Projects, func(o ui.Option) bool { return o.Value == chosen }) {
		chosen = v.Projects[0].Value
	}
	if v.Form, err = p.definition(ctx, communication.Component{Project: chosen}); err != nil {
		return err
	}
	if typed != nil {
		typed.Groups, typed.Services = v.Form.Groups, v.Form.Services
		v.Form = *typed
	}
	v.Form.Project, v.Form.Faults, v.Form.New = chosen, faults, true
	return c.Render(web.Page{
		Title: "New component", Nav: "incidents", Status: status, Crumbs: []web.Crumb{{Text: "Components", URL: "/components"}, {Text: "New"}},
	}, newComponentPage(v))
}

func (p *Pages) createComponent(c *web.Ctx) error {
	d := typed(c)
	if d.Project == "" {
		d.Project = mainstay.Installation
	}
	if !c.Viewer.May(access.ComponentManage, d.Project) {
		return mainstay.Errorf(mainstay.Denied, "You may not add components to this project.")
	}
	specs, err := p.cfg.Service.Specs(c.Context(), d.Project)
	if err != nil {
		return err
	}
	if _, taken := specs[d.Name]; taken {
		return p.showNew(c, http.StatusUnprocessableEntity, &d, map[string]string{"name": "there is a component of that name"})
	}
	if _, err := p.cfg.Service.Define(c.Context(), c.Actor(), d.Project, d.Name, d.Spec); err != nil {
		if f := mainstay.ErrorFields(err); f != nil {
			return p.showNew(c, http.StatusUnprocessableEntity, &d, f)
		}
		return err
	}
	c.Say("%s is on the status page now.", d.Spec.Title)
	return c.See("/components")
}

func (p *Pages) setState(c *web.Ctx) error {
	err := p.cfg.Service.SetState(c.Context(), c.Actor(), c.Ref.ID, communication.State(c.Form("state")), c.Form("reason"))
	if f := mainstay.ErrorFields(err); f != nil {
		return p.showComponent(c, http.StatusUnprocessableEntity, nil, f)
	}
	if err != nil {
		return err
	}
	c.Say("Users see it as: %s.", communication.State(c.Form("state")).Words())
	return c.See("/components/" + c.Ref.ID)
}
