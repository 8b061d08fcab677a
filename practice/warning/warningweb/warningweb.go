// Package warningweb owns the pages of alerts, routes and heartbeats, their API, and the API that Alertmanager's clients speak. It
// holds no rule: it shows what the service says and hands on what people ask for.
package warningweb

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Names gives names for actors and objects.
type Names interface {
	// Actor is a name for people, such as "Ana Ruiz" or "Mainstay".
	Actor(ctx context.Context, a mainstay.Actor) string
	// Subject is a short name and the path of its page; both may be empty.
	Subject(ctx context.Context, r mainstay.Ref) (name, url string)
}

// Projects answers which projects and services there are; project.Registry does.
type Projects interface {
	Projects(ctx context.Context) ([]project.Project, error)
	Services(ctx context.Context, project string) ([]project.Service, error)
}

// Config is what the pages need. Limits, Default and Version may be left out.
type Config struct {
	Warning  *warning.Service
	Format   intake.Format // that of Alertmanager, for what is posted to /alertmanager
	Projects Projects
	Names    Names
	Journal  journal.Reader
	Register web.Register
	Handling Handling // who has an alert; nil: the pages do not say
	Time     mainstay.Timekeeper
	Limits   func() intake.Limits // of a posted body; nil: the defaults
	Default  func() string        // id of the project that /alertmanager writes to without a label; nil or "": none
	Version  string
}

// Pages are the routes and panels.
type Pages struct {
	cfg   Config
	began time.Time
	gets  chan struct{} // how many reads of the Alertmanager API may be under way
	held  atomic.Int64  // bytes of posted bodies
}

// New checks the configuration.
func New(cfg Config) (*Pages, error) {
	if cfg.Warning == nil || cfg.Format == nil || cfg.Projects == nil || cfg.Names == nil || cfg.Journal == nil || cfg.Register == nil || cfg.Time == nil {
		return nil, errors.New("warningweb needs Warning, Format, Projects, Names, Journal, Register and Time")
	}
	if cfg.Limits == nil {
		cfg.Limits = func() intake.Limits { return intake.Limits{} }
	}
	if cfg.Default == nil {
		cfg.Default = func() string { return "" }
	}
	return &Pages{cfg: cfg, began: cfg.Time.Now(), gets: make(chan struct{}, max(runtime.GOMAXPROCS(0), 8))}, nil
}

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	rt.Handle(web.Route{Method: "GET", Pattern: "/alerts", Permission: access.AlertRead}, p.list)
	rt.Handle(web.Route{Method: "GET", Pattern: "/alerts/{id}", Permission: access.AlertRead, Kind: mainstay.KindAlert}, p.one)
	rt.Handle(web.Route{Method: "POST", Pattern: "/alerts/{id}/resolve", Permission: access.AlertRespond, Kind: mainstay.KindAlert, Urgent: true}, p.resolve)
	rt.Handle(web.Route{Method: "GET", Pattern: "/routes", Permission: access.AlertRead}, p.routes)
	rt.Handle(web.Route{Method: "GET", Pattern: "/routes/{id}", Permission: access.AlertRead, Kind: mainstay.KindRoute}, p.route)
	rt.Handle(web.Route{Method: "GET", Pattern: "/heartbeats", Permission: access.AlertRead}, p.heartbeats)
	p.bulk(rt)
	p.api(rt)
	p.alertmanager(rt)
}

// Panels are the alerts on Now and on a project's home.
func (p *Pages) Panels() []web.Panel {
	return []web.Panel{
		{Where: "now", Title: "Alerts", Order: 20, Whole: true, Render: p.burning},
		{Where: "project", Title: "Alerts", Order: 20, Whole: true, Render: p.burning},
	}
}

// Tally is the number of open alerts for the rail.
func (p *Pages) Tally(_ context.Context, v access.Viewer) (ui.Tally, error) {
	return ui.Tally{N: p.cfg.Warning.Count(within(v))}, nil
}

// within are the projects in which the viewer may read alerts, in the form of warning.Query: nil for all.
func within(v access.Viewer) []string {
	all, ids := v.Projects(access.AlertRead)
	if all {
		return nil
	}
	return append([]string{}, ids...)
}

// narrow is the query's projects when only one is asked for, by id or name.
func (p *Pages) narrow(ctx context.Context, v access.Viewer, key string) ([]string, error) {
	if key == "" {
		return within(v), nil
	}
	list, err := p.cfg.Projects.Projects(ctx)
	if err != nil {
		return nil, err
	}
	for _, x := range list {
		if (x.ID == key || x.Name == key) && v.May(access.AlertRead, x.ID) {
			return []string{x.ID}, nil
		}
	}
	return nil, mainstay.Errorf(mainstay.NotFound, "There is no project %q, or you may not see its alerts.", key)
}

// service is the id of a service by id or name, within the projects.
func (p *Pages) service(ctx context.Context, projects []string, key string) (string, error) {
	if key == "" || mainstay.ValidID(key) {
		return key, nil
	}
	only := ""
	if len(projects) == 1 {
		only = projects[0]
	}
	list, err := p.cfg.Projects.Services(ctx, only)
	if err != nil {
		return "", err
	}
	found := ""
	for _, x := range list {
		if x.Name == key && found != "" {
			return "", mainstay.Errorf(mainstay.Conflict, "Several projects have a service %q: say which project.", key)
		}
		if x.Name == key {
			found = x.ID
		}
	}
	if found == "" {
		return "", mainstay.Errorf(mainstay.NotFound, "There is no service %q.", key)
	}
	return found, nil
}
