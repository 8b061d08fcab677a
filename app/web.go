package app

import (
	"context"
	"errors"
	"net/http"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/storage"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// wireWeb makes the router with every route and panel of the core and the practices.
func (a *App) wireWeb() (err error) {
	a.router, err = web.NewRouter(web.Config{
		Time: a.cfg.Time, Log: a.cfg.Log, Identity: a.Identity, Objects: finder{a}, ExternalURL: a.cfg.ExternalURL,
		TrustedProxies: a.cfg.TrustedProxies, TLS: a.cfg.TLSCert != "", Version: a.cfg.Version, Ready: a.isReady, Metrics: a.metrics.handler(),
		Me: a.me, Burning: func(ctx context.Context, v access.Viewer) (*ui.Burn, error) { return a.incidentPages.Burning(ctx, v) }, Tallies: a.tallies, Search: a.find, Projects: projects{a}, First: a.first,
		Line: a.line, Zone: a.Projects.Zone, Views: savedViews{a}, Undo: a.Undo, Rate: a.cfg.Rate, Expect: storage.Expect, Setup: assistant{a},
		Unread: func(ctx context.Context, v access.Viewer) (int, error) { return a.bell.Unread(ctx, v) },
	})
	if err != nil {
		return err
	}
	list, err := a.pages()
	if err != nil {
		return err
	}
	for _, p := range list {
		p.Routes(a.router)
		if with, ok := p.(interface{ Panels() []web.Panel }); ok {
			a.router.AddPanels(with.Panels()...)
		}
	}
	a.router.AddPanels(a.cfg.Panels...)
	a.applyRoute()
	a.serveKinds()
	return nil
}

// Routes is the route table, for the test that walks it.
func (a *App) Routes() []web.Route { return a.router.Routes() }

// Handler serves pages, API and intake.
func (a *App) Handler() http.Handler { return a.router.Handler() }

func (a *App) isReady(ctx context.Context) error {
	if !a.ready.Load() {
		return errors.New("starting")
	}
	_, err := a.Projects.Projects(ctx) // the database answers
	return err
}

// finder finds objects for routes: alerts by warning, all others in the register.
type finder struct{ a *App }

// Find implements web.Objects.
func (f finder) Find(ctx context.Context, kind mainstay.Kind, key, project string) (object.Object, error) {
	if kind == mainstay.KindAlert {
		return f.a.findAlert(ctx, key)
	}
	id, err := f.a.Projects.ProjectID(ctx, project)
	if mainstay.Is(err, mainstay.NotFound) { // nobody learns here which projects there are
		return object.Object{}, mainstay.Errorf(mainstay.NotFound, "There is no %s %q.", kind, key)
	}
	if err != nil {
		return object.Object{}, err
	}
	return f.a.Objects.Find(ctx, kind, key, id)
}

// Many implements web.Register; alerts are left out.
func (f finder) Many(ctx context.Context, refs []mainstay.Ref) (map[mainstay.Ref]object.Object, error) {
	return f.a.Objects.Many(ctx, refs)
}

// projects answers the list and the homes of projects.
type projects struct{ a *App }

// List implements web.Projects.
func (p projects) List(ctx context.Context, v access.Viewer) ([]web.ProjectLine, error) {
	list, err := p.a.Projects.Projects(ctx)
	if err != nil {
		return nil, err
	}
	out := []web.ProjectLine{}
	for _, x := range list {
		if v.May(access.ProjectRead, x.ID) {
			line, err := p.line(ctx, x)
			if err != nil {
				return nil, err
			}
			out = append(out, line)
		}
	}
	return out, nil
}

// One implements web.Projects.
func (p projects) One(ctx context.Context, id string) (web.ProjectLine, error) {
	x, err := p.a.Projects.Project(ctx, id)
	if err != nil {
		return web.ProjectLine{}, err
	}
	return p.line(ctx, x)
}

func (p projects) line(ctx context.Context, x project.Project) (web.ProjectLine, error) {
	phase := x.Spec.Phase
	if phase == "" {
		phase = project.Steady
	}
	line := web.ProjectLine{ID: x.ID, Name: x.Name, Title: x.Title(), Phase: string(phase), Note: x.Spec.Description}
	var err error
	line.State, err = p.a.projectState(ctx, x.ID)
	return line, err
}
