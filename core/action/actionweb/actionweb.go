// Package actionweb owns the pages and the API of obligations: what I owe, all actions, one action with what may become of it.
package actionweb

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/web"
)

// People answers who may own an action; people.Service does.
type People interface {
	ByIDs(ctx context.Context, ids []string) (map[string]people.Person, error)
	ByName(ctx context.Context, name string) (people.Person, error)
	List(ctx context.Context, q people.Query) (list []people.Person, next string, err error)
}

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
	Actions  *action.Service
	People   People
	Projects Projects
	Names    Names
	Journal  journal.Reader
}

// Pages are the routes.
type Pages struct {
	cfg Config
	rt  *web.Router
}

// New makes the pages.
func New(cfg Config) (*Pages, error) {
	if cfg.Actions == nil || cfg.People == nil || cfg.Projects == nil || cfg.Names == nil || cfg.Journal == nil {
		return nil, errors.New("actionweb needs Actions, People, Projects, Names and Journal")
	}
	return &Pages{cfg: cfg}, nil
}

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	p.rt = rt
	rt.Handle(web.Route{Method: "GET", Pattern: "/mine", Permission: access.Self}, p.mine)
	rt.Handle(web.Route{Method: "GET", Pattern: "/actions", Permission: access.ActionRead}, p.list)
	rt.Handle(web.Route{Method: "GET", Pattern: "/actions/new", Permission: access.ActionWrite}, p.newAction)
	rt.Handle(web.Route{Method: "POST", Pattern: "/actions", Permission: access.ActionWrite}, p.create)
	rt.Handle(web.Route{Method: "GET", Pattern: "/actions/{id}", Permission: access.ActionRead, Kind: mainstay.KindAction}, p.one)
	rt.Handle(web.Route{Method: "POST", Pattern: "/actions/{id}/state", Permission: access.ActionWrite, Kind: mainstay.KindAction}, p.move)
	rt.Handle(web.Route{Method: "POST", Pattern: "/actions/{id}/edit", Permission: access.ActionWrite, Kind: mainstay.KindAction}, p.edit)
	p.bulk(rt)
	p.api(rt)
}

// origin is the object that asks for an action, zero for ""; one that the viewer may not see is a fault of the field.
func (p *Pages) origin(ctx context.Context, text string) (object.Object, error) {
	r := mainstay.ParseRef(text)
	if text == "" {
		return object.Object{}, nil
	}
	o, err := p.rt.Seen(ctx, r)
	if mainstay.Is(err, mainstay.NotFound) || r.IsZero() {
		var faults mainstay.Faults
		faults.Add("origin", "There is no such object, or you may not see it. Write kind:id.")
		err = faults.Err()
	}
	return o, err
}

// within is the query for all that the viewer may read.
func within(v access.Viewer) action.Query {
	q := action.Query{}
	if all, ids := v.Projects(access.ActionRead); !all {
		q.Projects = append([]string{}, ids...)
	}
	q.AllPrivate, q.Private, q.Known = v.Private()
	return q
}

// seen leaves out the private actions that the viewer may not know of.
func seen(v access.Viewer, list []action.Action) []action.Action {
	return slices.DeleteFunc(list, func(a action.Action) bool { return !v.Sees(a.ID, a.Project, a.Private) })
}

// projects are the projects in which the viewer holds the permission.
func (p *Pages) projects(ctx context.Context, v access.Viewer, perm access.Permission) ([]project.Project, error) {
	list, err := p.cfg.Projects.Projects(ctx)
	if err != nil {
		return nil, err
	}
	var may []project.Project
	for _, x := range list {
		if v.May(perm, x.ID) {
			may = append(may, x)
		}
	}
	return may, nil
}

// when reads a date of a form: "2026-03-20" is the end of that day in the viewer's zone, with a time it is that minute.
func when(s string, zone *time.Location) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.ParseInLocation("2006-01-02T15:04", s, zone); err == nil {
		return t.UTC(), nil
	}
	t, err := time.ParseInLocation(time.DateOnly, s, zone)
	if err != nil || t.Year() > 9998 {
		var f mainstay.Faults
		f.Add("due", "Write a date such as 2026-03-20.")
		return time.Time{}, f.Err()
	}
	return t.AddDate(0, 0, 1).Add(-time.Minute).UTC(), nil
}
