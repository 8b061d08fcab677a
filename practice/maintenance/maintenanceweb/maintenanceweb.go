// Package maintenanceweb owns the pages and the API of maintenance windows. It never decides what a window may do next:
// maintenance does.
package maintenanceweb

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/practice/maintenance"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Projects answers which projects there are; project.Registry does.
type Projects interface {
	Projects(ctx context.Context) ([]project.Project, error)
}

// Names gives the names of actors and objects.
type Names interface {
	Actor(ctx context.Context, a mainstay.Actor) string
	// Subject is a short name and the path of the object's page; both may be empty.
	Subject(ctx context.Context, r mainstay.Ref) (name, url string)
}

// Config is what the pages need; every field is required.
type Config struct {
	Service  *maintenance.Service
	Projects Projects
	Names    Names
	Time     mainstay.Timekeeper
}

// Pages are the routes.
type Pages struct{ cfg Config }

// New makes the pages.
func New(cfg Config) (*Pages, error) {
	if cfg.Service == nil || cfg.Projects == nil || cfg.Names == nil || cfg.Time == nil {
		return nil, errors.New("maintenanceweb needs Service, Projects, Names and Time")
	}
	return &Pages{cfg}, nil
}

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	page := func(method, pattern string, kind mainstay.Kind, perm access.Permission, h func(*web.Ctx) error) {
		rt.Handle(web.Route{Method: method, Pattern: pattern, Permission: perm, Kind: kind}, h)
	}
	page("GET", "/windows", "", access.WindowRead, p.list)
	page("GET", "/windows/new", "", access.WindowManage, p.newWindow)
	page("POST", "/windows", "", access.WindowManage, p.create)
	page("GET", "/windows/{id}", mainstay.KindWindow, access.WindowRead, p.one)
	page("GET", "/windows/{id}/edit", mainstay.KindWindow, access.WindowManage, p.edit)
	page("POST", "/windows/{id}", mainstay.KindWindow, access.WindowManage, p.change)
	for name, do := range p.commands() {
		page("POST", "/windows/{id}/"+name, mainstay.KindWindow, access.WindowManage, p.command(do))
	}
	p.api(rt)
}

func stateOf(w maintenance.Window) ui.State {
	switch {
	case w.Overrun && w.State.Active():
		return ui.Warn("Takes longer than planned")
	case w.State.Active():
		return ui.Info(w.State.Words())
	case w.State == maintenance.Scheduled:
		return ui.Info(w.State.Words()).As("next")
	case w.State == maintenance.Cancelled:
		return ui.Muted(w.State.Words()).As("na")
	}
	return ui.Good(w.State.Words())
}

// within are the projects in which the viewer holds the permission, nil for all.
func within(v access.Viewer, perm access.Permission) []string {
	all, ids := v.Projects(perm)
	if all {
		return nil
	}
	return append([]string{mainstay.Installation}, ids...)
}

func (p *Pages) one(c *web.Ctx) error { return p.show(c, 0, "", nil) }

func (p *Pages) show(c *web.Ctx, status int, text string, faults map[string]string) error {
	ctx := c.Context()
	w, err := p.cfg.Service.Window(ctx, c.Ref.ID)
	if err != nil {
		return err
	}
	v := windowView{
		Key: w.Key(), URL: "/windows/" + w.Key(), Title: w.Title, Text: w.Text, State: stateOf(w), From: w.From, Until: w.Until, Started: w.StartedAt,
		Ended: w.EndedAt, ByHand: w.ByHand, By: p.cfg.Names.Actor(ctx, w.CreatedBy), Typed: text, Faults: faults, Live: c.Ref.String(),
	}
	v.Length = ui.Long(w.Until.Sub(w.From))
	if may := c.May(access.WindowManage); may {
		v.MayStart, v.MayVerify = w.State == maintenance.Scheduled, w.State == maintenance.InProgress
		v.MayFinish, v.MayCancel, v.MayTell, v.MayEdit = w.State.Active(), w.State.Open(), w.State.Open(), w.State.Open()
	}
	for _, id := range w.Services {
		v.Services = append(v.Services, p.link(ctx, mainstay.KindService, id))
	}
	for _, id := range w.Components {
		v.Components = append(v.Components, p.link(ctx, mainstay.KindComponent, id))
	}
	for i := len(w.Updates) - 1; i >= 0; i-- {
		u := w.Updates[i]
		v.Updates = append(v.Updates, update{At: u.At, Text: u.Text, State: u.State.Words(), Who: p.cfg.Names.Actor(ctx, u.By)})
	}
	_, v.Panels = c.Panels("window")
	return c.Render(web.Page{
		Title: w.Title, Nav: "plan", Status: status, Live: []mainstay.Ref{c.Ref},
		Crumbs: []web.Crumb{{Text: "Maintenance", URL: "/windows"}, {Text: w.Key()}},
	}, windowPage(v))
}

func (p *Pages) link(ctx context.Context, k mainstay.Kind, id string) ui.Act {
	name, url := p.cfg.Names.Subject(ctx, mainstay.Ref{Kind: k, ID: id})
	if name == "" {
		name = id
	}
	return ui.Act{Label: name, URL: url}
}

type command func(ctx context.Context, by mainstay.Actor, id, text string) error

func (p *Pages) commands() map[string]command {
	plain := func(f func(context.Context, mainstay.Actor, string) error) command {
		return func(ctx context.Context, by mainstay.Actor, id, _ string) error { return f(ctx, by, id) }
	}
	s := p.cfg.Service
	return map[string]command{
		"start": plain(s.Start), "verify": plain(s.Verify), "finish": plain(s.Finish), "cancel": s.Cancel, "updates": s.Tell,
	}
}

func (p *Pages) command(do command) func(*web.Ctx) error {
	return func(c *web.Ctx) error {
		err := do(c.Context(), c.Actor(), c.Ref.ID, c.Form("text"))
		if f := mainstay.ErrorFields(err); f != nil {
			return p.show(c, http.StatusUnprocessableEntity, c.Form("text"), f)
		}
		if err != nil {
			return err
		}
		w, err := p.cfg.Service.Window(c.Context(), c.Ref.ID)
		if err != nil {
			return err
		}
		c.Say("%s: %s. The status page says so.", w.Key(), stateOf(w).Word)
		return c.See("/windows/" + w.Key())
	}
}

func (p *Pages) newWindow(c *web.Ctx) error {
	from := c.Now.In(c.Viewer.Location()).Truncate(time.Hour).Add(25 * time.Hour)
	return p.showForm(c, 0, form{From: from.Format(moment), Until: from.Add(time.Hour).Format(moment), Project: c.Query("project")}, nil)
}

const moment = "2006-01-02T15:04"

// showForm shows the form of a new window, or of an existing one when the route names it.
func (p *Pages) showForm(c *web.Ctx, status int, f form, faults map[string]string) error {
	ctx := c.Context()
	f.Faults, f.Zone = faults, c.Viewer.Location().String()
	if c.Ref.ID == "" {
		if err := p.projects(c, &f); err != nil {
			return err
		}
		f.Action, f.Title, f.Save = "/windows", "Plan maintenance", "Plan it, and announce it on the status page"
	} else {
		f.Action, f.Save = "/windows/"+c.Ref.ID, "Save, and announce the change"
	}
	services, components, err := p.cfg.Service.Choices(ctx, f.Project)
	if err != nil {
		return err
	}
	f.Services, f.Components = choices(services, f.Spec.Services), choices(components, f.Spec.Components)
	return c.Render(web.Page{
		Title: f.Title, Nav: "plan", Status: status, Crumbs: []web.Crumb{{Text: "Maintenance", URL: "/windows"}, {Text: f.Title}},
	}, formPage(f))
}

func (p *Pages) projects(c *web.Ctx, f *form) error {
	list, err := p.cfg.Projects.Projects(c.Context())
	if err != nil {
		return err
	}
	for _, x := range list {
		if c.Viewer.May(access.WindowManage, x.ID) {
			f.Projects = append(f.Projects, ui.Option{Value: x.ID, Text: x.Title()})
		}
	}
	if len(f.Projects) == 0 || c.Viewer.May(access.WindowManage, mainstay.Installation) {
		f.Projects = append(f.Projects, ui.Option{Value: mainstay.Installation, Text: "All projects"})
	}
	if !slices.ContainsFunc(f.Projects, func(o ui.Option) bool { return o.Value == f.Project }) {
		f.Project = f.Projects[0].Value
	}
	return nil
}

func choices(list []maintenance.Named, chosen []string) []choice {
	var out []choice
	for _, n := range list {
		out = append(out, choice{Value: n.ID, Text: n.Title, Checked: slices.Contains(chosen, n.ID) || slices.Contains(chosen, n.Name)})
	}
	return out
}

// typed reads the form; times are in the viewer's zone.
func typed(c *web.Ctx) form {
	f := form{Project: c.Form("project"), From: c.Form("from"), Until: c.Form("until"), ByHand: c.Checked("byhand")}
	f.Spec = maintenance.WindowSpec{
		Title: c.Form("title"), Text: c.Form("text"), From: instant(f.From, c.Viewer.Location()), Until: instant(f.Until, c.Viewer.Location()),
		Services: c.FormAll("services"), Components: c.FormAll("components"), Finish: "auto",
	}
	if f.ByHand {
		f.Spec.Finish = "hand"
	}
	return f
}

// instant turns a wall-clock reading into a time with its offset; what is none stays as it is and is told by its field.
func instant(s string, zone *time.Location) string {
	for _, layout := range []string{moment, moment + ":05"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.Format(time.RFC3339)
		}
	}
	return s
}

func (p *Pages) create(c *web.Ctx) error {
	f := typed(c)
	if f.Project == "" {
		f.Project = mainstay.Installation
	}
	if !c.Viewer.May(access.WindowManage, f.Project) {
		return mainstay.Errorf(mainstay.Denied, "You may not plan maintenance in this project.")
	}
	if c.Form("do") == "project" { // without script, the services and components of another project need a round
		return p.showForm(c, 0, f, nil)
	}
	w, err := p.cfg.Service.Plan(c.Context(), c.Actor(), f.Project, "", f.Spec)
	if faults := mainstay.ErrorFields(err); faults != nil {
		return p.showForm(c, http.StatusUnprocessableEntity, f, faults)
	}
	if err != nil {
		return err
	}
	c.Say("%s is planned and announced.", w.Key())
	return c.See("/windows/" + w.Key())
}

func (p *Pages) edit(c *web.Ctx) error {
	w, err := p.cfg.Service.Window(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	zone := c.Viewer.Location()
	return p.showForm(c, 0, form{
		Title: "Change " + w.Key(), Project: w.Project, From: w.From.In(zone).Format(moment), Until: w.Until.In(zone).Format(moment), ByHand: w.ByHand,
		Spec: maintenance.WindowSpec{Title: w.Title, Text: w.Text, Services: w.Services, Components: w.Components},
	}, nil)
}

func (p *Pages) change(c *web.Ctx) error {
	w, err := p.cfg.Service.Window(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	f := typed(c)
	f.Project, f.Title = w.Project, "Change "+w.Key()
	changed, err := p.cfg.Service.Change(c.Context(), c.Actor(), w.ID, f.Spec)
	if faults := mainstay.ErrorFields(err); faults != nil {
		return p.showForm(c, http.StatusUnprocessableEntity, f, faults)
	}
	if err != nil {
		return err
	}
	if changed {
		c.Say("%s is changed and announced.", w.Key())
	}
	return c.See("/windows/" + w.Key())
}
