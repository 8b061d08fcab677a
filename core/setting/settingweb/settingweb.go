// Package settingweb owns the pages of retention: how long a project keeps what it need not keep for ever, and its legal hold. It never
// removes anything.
package settingweb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/core/setting"
	"github.com/mainstayhq/mainstay/web"
)

// Pruned is what was removed of a project for its age.
type Pruned struct {
	What   string
	At     time.Time
	Before time.Time
	Total  int64
}

// Config makes Pages.
type Config struct {
	Settings *setting.Service
	Projects *project.Registry
	// Pruned lists what was removed of a project, by its id or mainstay.Installation.
	Pruned func(ctx context.Context, project string) ([]Pruned, error)
}

// Pages are the routes.
type Pages struct{ cfg Config }

// New makes the pages.
func New(cfg Config) (*Pages, error) {
	if cfg.Settings == nil || cfg.Projects == nil || cfg.Pruned == nil {
		return nil, errors.New("settingweb needs Settings, Projects and Pruned")
	}
	return &Pages{cfg}, nil
}

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	all := func(method string, h func(*web.Ctx) error) {
		rt.Handle(web.Route{Method: method, Pattern: "/admin/retention", Permission: access.SettingManage}, h)
	}
	one := func(method string, h func(*web.Ctx) error) {
		rt.Handle(web.Route{Method: method, Pattern: "/projects/{id}/retention", Permission: access.ProjectManage, Kind: mainstay.KindProject}, h)
	}
	all("GET", p.show)
	all("POST", p.save)
	one("GET", p.show)
	one("POST", p.save)
}

// Panels is what a project keeps, on its home.
func (p *Pages) Panels() []web.Panel {
	return []web.Panel{{Where: "project", Title: "Retention", Order: 90, Side: true, Render: func(ctx context.Context, at web.At) (web.Component, error) {
		if !at.Viewer.May(access.ProjectManage, at.Project) {
			return nil, nil //nolint:nilnil // nothing to show
		}
		kept, err := p.cfg.Settings.Kept(ctx, at.Project)
		if err != nil {
			return nil, err
		}
		x, err := p.cfg.Projects.Project(ctx, at.Project)
		if err != nil {
			return nil, err
		}
		return retentionPanel(kept, "/projects/"+x.Name+"/retention"), nil
	}}}
}

type line struct{ Name, Title, URL, Alerts, Hold string }

type view struct {
	Title, Project, Action, Back string
	Spec                         setting.Retention
	Below                        setting.Retention // what counts where Spec says nothing
	Facts                        string
	Faults                       map[string]string
	Pruned                       []Pruned
	Projects                     []line
	HoldOfAll                    string
}

func (v view) page(status int) web.Page {
	page := web.Page{Title: v.Title, Nav: "admin", Status: status, Crumbs: []web.Crumb{{Text: "Admin", URL: "/admin"}, {Text: "Retention"}}}
	if v.Project != "" {
		page.Nav = "projects"
		page.Crumbs = []web.Crumb{{Text: "Projects", URL: "/projects"}, {Text: v.Project, URL: v.Back}, {Text: "Retention"}}
	}
	return page
}

// of is the id of what the page is about.
func of(c *web.Ctx) string {
	if c.Ref.ID == "" {
		return mainstay.Installation
	}
	return c.Ref.ID
}

func (p *Pages) view(c *web.Ctx) (v view, err error) {
	ctx, id := c.Context(), of(c)
	v = view{Title: "Retention", Action: "/admin/retention", Back: "/admin", Below: setting.DefaultRetention()}
	if id != mainstay.Installation {
		x, err := p.cfg.Projects.Project(ctx, id)
		if err != nil {
			return v, err
		}
		v.Title, v.Project = "Retention of "+x.Title(), x.Title()
		v.Action, v.Back = "/projects/"+x.Name+"/retention", "/projects/"+x.Name
		all, err := p.cfg.Settings.Retention(ctx, mainstay.Installation)
		if err != nil {
			return v, err
		}
		v.HoldOfAll = all.Hold
		if v.Below, err = p.cfg.Settings.Kept(ctx, mainstay.Installation); err != nil {
			return v, err
		}
	} else if v.Projects, err = p.lines(ctx); err != nil {
		return v, err
	}
	if v.Spec, err = p.cfg.Settings.Retention(ctx, id); err != nil {
		return v, err
	}
	v.Facts = factLines(v.Spec.Facts)
	v.Pruned, err = p.cfg.Pruned(ctx, id)
	return v, err
}

func (p *Pages) lines(ctx context.Context) (lines []line, err error) {
	list, err := p.cfg.Projects.Projects(ctx)
	if err != nil {
		return nil, err
	}
	for _, x := range list {
		kept, err := p.cfg.Settings.Kept(ctx, x.ID)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line{x.Name, x.Title(), "/projects/" + x.Name + "/retention", kept.Alerts, kept.Hold})
	}
	return lines, nil
}

// factLines is one rule a line.
func factLines(facts map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(facts)) {
		fmt.Fprintf(&b, "%s %s\n", k, facts[k])
	}
	return b.String()
}

// parseFacts is the inverse of factLines.
func parseFacts(text string) (map[string]string, error) {
	facts := map[string]string{}
	for l := range strings.Lines(text) {
		words := strings.Fields(strings.ReplaceAll(l, ":", " "))
		switch len(words) {
		case 0:
		case 2:
			facts[words[0]] = words[1]
		default:
			return nil, mainstay.Faults{"facts": fmt.Sprintf("%q is no kind and age such as page.* 800d", strings.TrimSpace(l))}.Err()
		}
	}
	if len(facts) == 0 {
		return nil, nil //nolint:nilnil // no rule is a rule
	}
	return facts, nil
}

func (p *Pages) show(c *web.Ctx) error {
	v, err := p.view(c)
	if err != nil {
		return err
	}
	return c.Render(v.page(http.StatusOK), retentionPage(v))
}

func (p *Pages) save(c *web.Ctx) error {
	spec := setting.Retention{
		Alerts: c.Form("alerts"), Deliveries: c.Form("deliveries"), Inbox: c.Form("inbox"), Files: c.Form("files"), Hold: c.Form("hold"),
	}
	facts, err := parseFacts(c.Form("facts"))
	if err == nil {
		spec.Facts = facts
		project := of(c)
		if project == mainstay.Installation {
			project = ""
		}
		_, err = p.cfg.Settings.DefineRetention(c.Context(), c.Actor(), project, "default", spec)
	}
	if faults := mainstay.ErrorFields(err); faults != nil {
		v, err := p.view(c)
		if err != nil {
			return err
		}
		v.Spec, v.Facts, v.Faults = spec, c.Form("facts"), faults
		for name, says := range faults {
			if strings.HasPrefix(name, "facts.") {
				v.Faults["facts"] = strings.TrimSpace(v.Faults["facts"] + " " + says)
			}
		}
		return c.Render(v.page(http.StatusUnprocessableEntity), retentionPage(v))
	}
	if err != nil {
		return err
	}
	c.Say("Saved what is kept.")
	return c.See(c.R.URL.Path)
}

// hint says what counts when a field is left empty.
func hint(below string) string {
	if below == "forever" {
		return "Left empty, they are kept for ever."
	}
	return "Left empty, it is " + below + "."
}

func whatWords(what string) string {
	switch what {
	case "deliveries":
		return "Entries of the delivery log"
	case "inbox":
		return "Requests of the inbox"
	case "facts":
		return "Contents of facts"
	case "alerts":
		return "Alerts"
	}
	return "Files"
}
