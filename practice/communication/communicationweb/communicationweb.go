// Package communicationweb owns the pages and the API of components and public updates. It never shows anything about a
// private incident, and it never decides what may become public: communication does.
package communicationweb

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/web"
)

// Projects answers which projects and services there are; project.Registry does.
type Projects interface {
	Projects(ctx context.Context) ([]project.Project, error)
	Services(ctx context.Context, projectID string) ([]project.Service, error)
}

// Names gives the names of actors and objects.
type Names interface {
	Actor(ctx context.Context, a mainstay.Actor) string
	// Subject is a short name and the path of the object's page; both may be empty.
	Subject(ctx context.Context, r mainstay.Ref) (name, url string)
}

// Config is what the pages need; all but StatusURL is required.
type Config struct {
	Service  *communication.Service
	Projects Projects
	Names    Names
	Time     mainstay.Timekeeper
	// StatusURL is where the public finds the status page; "" or a nil func shows no link.
	StatusURL func() string
	// Open lists the ids of the incidents that go on, for "Promised" on Now; nil shows none.
	Open func(ctx context.Context) ([]string, error)
}

// Pages are the routes and panels.
type Pages struct {
	cfg Config
	rt  *web.Router
}

// New makes the pages.
func New(cfg Config) (*Pages, error) {
	if cfg.Service == nil || cfg.Projects == nil || cfg.Names == nil || cfg.Time == nil {
		return nil, errors.New("communicationweb needs Service, Projects, Names and Time")
	}
	if cfg.StatusURL == nil {
		cfg.StatusURL = func() string { return "" }
	}
	return &Pages{cfg: cfg}, nil
}

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	p.rt = rt
	page := func(method, pattern string, kind mainstay.Kind, perm access.Permission, h func(*web.Ctx) error) {
		rt.Handle(web.Route{Method: method, Pattern: pattern, Permission: perm, Kind: kind}, h)
	}
	page("GET", "/components", "", access.ComponentRead, p.components)
	page("GET", "/components/new", "", access.ComponentManage, p.newComponent)
	page("POST", "/components", "", access.ComponentManage, p.createComponent)
	page("GET", "/components/{id}", mainstay.KindComponent, access.ComponentRead, p.component)
	page("POST", "/components/{id}", mainstay.KindComponent, access.ComponentManage, p.changeComponent)
	page("POST", "/components/{id}/state", mainstay.KindComponent, access.ComponentManage, p.setState)

	page("GET", "/posts", "", access.PostRead, p.posts)
	page("GET", "/posts/{id}", mainstay.KindPost, access.PostRead, p.post)
	page("POST", "/posts/{id}", mainstay.KindPost, access.PostDraft, p.revise)
	page("POST", "/posts/{id}/approve", mainstay.KindPost, access.PostApprove, p.approve)
	page("POST", "/posts/{id}/reject", mainstay.KindPost, access.PostApprove, p.reject)
	page("GET", "/incidents/{id}/posts/new", mainstay.KindIncident, access.PostDraft, p.newPost)
	page("POST", "/incidents/{id}/posts", mainstay.KindIncident, access.PostDraft, p.draft)
	p.api(rt)
}

// within are the projects in which the viewer holds the permission, nil for all; the installation's own things count for all
// who hold it anywhere.
func within(v access.Viewer, perm access.Permission) []string {
	all, ids := v.Projects(perm)
	if all {
		return nil
	}
	return append([]string{mainstay.Installation}, ids...)
}

// among reports whether the project is one of them; nil means all.
func among(projects []string, id string) bool {
	return projects == nil || slices.Contains(projects, id)
}

// intervals sorts what is known of all components' states by component.
func (p *Pages) intervals(ctx context.Context) (map[string][]communication.Interval, error) {
	list, err := p.cfg.Service.Intervals(ctx)
	of := map[string][]communication.Interval{}
	for _, i := range list {
		of[i.Component] = append(of[i.Component], i)
	}
	return of, err
}

// projectTitles are the titles of projects by id, with the installation's.
func (p *Pages) projectTitles(ctx context.Context) (map[string]string, error) {
	list, err := p.cfg.Projects.Projects(ctx)
	titles := map[string]string{mainstay.Installation: "All projects"}
	for _, x := range list {
		titles[x.ID] = x.Title()
	}
	return titles, err
}

const barDays = 90

func zoneOf(v access.Viewer) *time.Location { return v.Location() }
