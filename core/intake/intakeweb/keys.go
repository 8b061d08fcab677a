package intakeweb

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

const pageSize = 100

// keyRow is a key in the list.
type keyRow struct {
	Hint, Project, Service, Format string
	Created, LastUsed              time.Time
	State                          ui.State
	Rotate, Revoke                 ui.PostButton
	Active                         bool
}

// keysView is the page of keys. Secret is a new key, shown this once.
type keysView struct {
	Rows     []keyRow
	Next     string
	Secret   string
	URL      string // what the sender is told to use
	Snippet  string
	Form     keyForm
	Projects []ui.Option
	Services []ui.Option
	Formats  []ui.Option
}

type keyForm struct {
	Project, Service, Format string
	Faults                   map[string]string
}

func (p *Pages) list(c *web.Ctx) error { return p.render(c, keysView{}) }

func (p *Pages) create(c *web.Ctx) error {
	f := keyForm{Project: c.Form("project"), Service: c.Form("service"), Format: c.Form("format")}
	project, service, err := p.owner(c.Context(), c.Viewer, f.Project, f.Service)
	secret := ""
	if err == nil {
		secret, err = p.cfg.Keys.Create(c.Context(), c.Actor(), project, service, f.Format)
	}
	if faults := mainstay.ErrorFields(err); faults != nil {
		f.Faults = faults
		return p.render(c, keysView{Form: f})
	}
	if err != nil {
		return err
	}
	return p.render(c, p.shown(secret, f.Format))
}

func (p *Pages) rotate(c *web.Ctx) error {
	key, err := p.cfg.Keys.Key(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	secret, err := p.cfg.Keys.Rotate(c.Context(), c.Actor(), key.ID)
	if err != nil {
		return err
	}
	return p.render(c, p.shown(secret, key.Format))
}

func (p *Pages) revoke(c *web.Ctx) error {
	if err := p.cfg.Keys.Revoke(c.Context(), c.Actor(), c.Ref.ID); err != nil {
		return err
	}
	c.Say("The key is revoked. Whoever still sends with it is answered 401.")
	return c.See("/admin/keys")
}

// owner checks where a key shall belong, and that the viewer may make one there. Both may be given by id or name.
func (p *Pages) owner(ctx context.Context, v access.Viewer, project, service string) (projectID, serviceID string, err error) {
	var faults mainstay.Faults
	projects, err := p.cfg.Projects.Projects(ctx)
	if err != nil {
		return "", "", err
	}
	for _, x := range projects {
		if (x.ID == project || x.Name == project) && v.May(access.KeyManage, x.ID) {
			projectID = x.ID
		}
	}
	if projectID == "" {
		faults.Add("project", "There is no project %q in which you may make keys.", clip(project))
		return "", "", faults.Err()
	}
	if service == "" {
		return projectID, "", nil
	}
	services, err := p.cfg.Projects.Services(ctx, projectID)
	if err != nil {
		return "", "", err
	}
	for _, x := range services {
		if x.ID == service || x.Name == service {
			return projectID, x.ID, nil
		}
	}
	faults.Add("service", "The project has no service %q.", clip(service))
	return "", "", faults.Err()
}

// shown is the page with a new key and how to use it.
func (p *Pages) shown(secret, format string) keysView {
	base := strings.TrimSuffix(p.cfg.ExternalURL, "/")
	if base == "" {
		base = "http://127.0.0.1:8080"
	}
	v := keysView{Secret: secret, URL: base + "/in/" + secret + "/" + format}
	scheme, host, _ := strings.Cut(base, "://")
	switch format {
	case "alertmanager":
		v.Snippet = "alerting:\n  alertmanagers:\n    - scheme: " + scheme + "\n      path_prefix: /in/" + secret + "/alertmanager\n      static_configs:\n        - targets: [" + host + "]\n"
	case "heartbeat":
		v.Snippet = "curl -fsS '" + v.URL + "/nightly-backup?every=1d'\n"
	case "generic":
		v.Snippet = "curl -fsS -d summary='Disk is full on db-1' -d dedup=disk-db-1 -d severity=critical " + v.URL + "\ncurl -fsS -d dedup=disk-db-1 -d action=close " + v.URL + "\n"
	}
	return v
}

// within are the ids and titles of projects in which the viewer may manage keys.
func (p *Pages) titles(ctx context.Context, v access.Viewer) (names map[string]string, projects, services []ui.Option, err error) {
	names = map[string]string{}
	list, err := p.cfg.Projects.Projects(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, x := range list {
		names[x.ID] = x.Title()
		if v.May(access.KeyManage, x.ID) {
			projects = append(projects, ui.Option{Value: x.ID, Text: x.Title()})
		}
	}
	all, err := p.cfg.Projects.Services(ctx, "")
	if err != nil {
		return nil, nil, nil, err
	}
	services = []ui.Option{{Value: "", Text: "the whole project"}}
	for _, x := range all {
		names[x.ID] = x.Title()
		if v.May(access.KeyManage, x.Project) {
			services = append(services, ui.Option{Value: x.ID, Text: names[x.Project] + " / " + x.Title()})
		}
	}
	return names, projects, services, nil
}

func (p *Pages) render(c *web.Ctx, v keysView) error {
	names, projects, services, err := p.titles(c.Context(), c.Viewer)
	if err != nil {
		return err
	}
	v.Projects, v.Services, v.Formats = projects, services, ui.Options(p.cfg.Keys.Formats()...)
	keys, next, err := p.keys(c.Context(), c.Viewer, "", c.Query("cursor"), pageSize)
	if err != nil {
		return err
	}
	if next != "" {
		v.Next = "/admin/keys?cursor=" + next
	}
	for _, k := range keys {
		r := keyRow{
			Hint: k.Hint, Project: names[k.Project], Service: names[k.Service], Format: k.Format, Created: k.Created, LastUsed: k.LastUsed,
			State: ui.Good("active"), Active: k.Revoked.IsZero(),
			Rotate: ui.PostButton{URL: "/admin/keys/" + k.ID + "/rotate", Label: "Make a successor", Small: true},
			Revoke: ui.PostButton{URL: "/admin/keys/" + k.ID + "/revoke", Label: "Revoke", Kind: "danger", Small: true},
		}
		if !r.Active {
			r.State = ui.Muted("revoked")
		}
		v.Rows = append(v.Rows, r)
	}
	status := http.StatusOK
	if v.Form.Faults != nil {
		status = http.StatusUnprocessableEntity
	}
	return c.Render(web.Page{
		Title: "Intake keys", Nav: "admin", Status: status, Crumbs: []web.Crumb{{Text: "Admin", URL: "/admin"}, {Text: "Intake keys"}},
	}, keysPage(v))
}

// keys lists the keys that the viewer may manage, in one project (id) or in all of them.
func (p *Pages) keys(ctx context.Context, v access.Viewer, project, after string, limit int) (list []intake.Key, next string, err error) {
	for len(list) < limit {
		page, err := p.cfg.Keys.List(ctx, project, after, pageSize)
		if err != nil {
			return nil, "", err
		}
		for _, k := range page {
			if len(list) == limit {
				return list, after, nil
			}
			after = k.ID
			if v.May(access.KeyManage, k.Project) {
				list = append(list, k)
			}
		}
		if len(page) < pageSize {
			return list, "", nil
		}
	}
	return list, after, nil
}
