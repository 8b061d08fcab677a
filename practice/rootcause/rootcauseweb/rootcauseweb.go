// Package rootcauseweb owns the pages and the API of root cause analyses: the list, one analysis with its path of whys, evidence, texts
// and actions, and its report. It never decides what may be done with one.
package rootcauseweb

import (
	"context"
	"errors"
	"slices"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/practice/rootcause"
	"github.com/mainstayhq/mainstay/web"
)

// Names gives the names of actors and objects.
type Names interface {
	Actor(ctx context.Context, a mainstay.Actor) string
	// Subject is a short name and the path of the object's page; both may be empty.
	Subject(ctx context.Context, r mainstay.Ref) (name, url string)
}

// People answers who may lead an analysis or own an action; people.Service does.
type People interface {
	List(ctx context.Context, q people.Query) (list []people.Person, next string, err error)
}

// Projects turns a project's name into its id; an id stays as it is.
type Projects func(ctx context.Context, key string) (id string, err error)

// Config is what the pages need; every field is required.
type Config struct {
	RootCauses *rootcause.Service
	Names      Names
	People     People
	Projects   Projects
	Register   web.Register
	Time       mainstay.Timekeeper
}

// Pages are the routes.
type Pages struct{ cfg Config }

// New makes the pages.
func New(cfg Config) (*Pages, error) {
	if cfg.RootCauses == nil || cfg.Names == nil || cfg.People == nil || cfg.Projects == nil || cfg.Register == nil || cfg.Time == nil {
		return nil, errors.New("rootcauseweb needs RootCauses, Names, People, Projects, Register and Time")
	}
	return &Pages{cfg}, nil
}

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	rt.Handle(web.Route{Method: "GET", Pattern: "/rootcauses", Permission: access.RootCauseRead}, p.list)
	rt.Handle(web.Route{Method: "POST", Pattern: "/incidents/{id}/rootcause", Permission: access.RootCauseWrite, Kind: mainstay.KindIncident}, p.open)
	read := func(pattern string, h func(c *web.Ctx) error) {
		rt.Handle(web.Route{Method: "GET", Pattern: "/rootcauses/{id}" + pattern, Permission: access.RootCauseRead, Kind: mainstay.KindRootCause}, h)
	}
	write := func(pattern string, h func(c *web.Ctx) error) {
		rt.Handle(web.Route{
			Method: "POST", Pattern: "/rootcauses/{id}" + pattern, Permission: access.RootCauseWrite, Kind: mainstay.KindRootCause,
			MaxBody: 2 << 20,
		}, h)
	}
	read("", p.one)
	read("/report.md", p.reportMarkdown)
	read("/report.html", p.reportHTML)
	write("/causes", p.addCause)
	write("/causes/{node}", p.changeCause)
	write("/causes/{node}/remove", p.removeCause)
	write("/causes/{node}/evidence", p.addEvidence)
	write("/causes/{node}/evidence/{evidence}/remove", p.removeEvidence)
	write("/links", p.link)
	write("/links/remove", p.unlink)
	write("/texts/{part}", p.write)
	write("/actions", p.addAction)
	write("/owner", p.assign)
	write("/send", p.send)
	write("/review", p.review)
	write("/publish", p.publish)
	write("/reopen", p.reopen)
	p.bulk(rt)
	p.api(rt)
}

// visible narrows a query to what the viewer may see.
func visible(v access.Viewer, q rootcause.Query) rootcause.Query {
	if all, ids := v.Projects(access.RootCauseRead); !all {
		q.Projects = append([]string{}, ids...)
	}
	q.AllPrivate, q.Private, q.Known = v.Private()
	return q
}

// sees reports whether the viewer may see the analysis at all.
func sees(v access.Viewer, rc rootcause.RootCause) bool {
	return v.May(access.RootCauseRead, rc.Project) && v.Sees(rc.ID, rc.Project, rc.Private)
}

// timeline is what happened, without what the viewer may not read: a stakeholder reads an analysis, not alerts and pages, and nobody
// what happened in other projects or about other private objects.
func (p *Pages) timeline(ctx context.Context, v access.Viewer, rc rootcause.RootCause) ([]fact.Fact, error) {
	facts, err := p.cfg.RootCauses.Timeline(ctx, rc)
	if err != nil {
		return nil, err
	}
	facts = slices.DeleteFunc(facts, func(f fact.Fact) bool {
		return len(f.Subjects) > 0 && !v.May(web.Reads(f.Subjects[0].Kind), f.Project)
	})
	return web.Known(ctx, p.cfg.Register, v, facts, func(f fact.Fact) []mainstay.Ref { return f.Subjects })
}

// path is the address of an analysis.
func path(rc rootcause.RootCause) string { return "/rootcauses/" + rc.Key() }
