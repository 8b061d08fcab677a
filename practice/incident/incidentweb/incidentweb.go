// Package incidentweb owns the pages and the API of incidents and plans. It never shows a private incident to somebody who
// neither manages incidents nor holds a role in it.
package incidentweb

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/web"
)

// People answers who may hold a role; people.Service does.
type People interface {
	ByIDs(ctx context.Context, ids []string) (map[string]people.Person, error)
	ByName(ctx context.Context, name string) (people.Person, error)
	List(ctx context.Context, q people.Query) (list []people.Person, next string, err error)
}

// Projects answers which projects and services there are; project.Registry does.
type Projects interface {
	Projects(ctx context.Context) ([]project.Project, error)
	Services(ctx context.Context, projectID string) ([]project.Service, error)
}

// Objects finds objects by kind and id, number or name, alerts too.
type Objects interface {
	web.Register
	Find(ctx context.Context, kind mainstay.Kind, key, project string) (object.Object, error)
}

// Names gives the names of actors and objects.
type Names interface {
	Actor(ctx context.Context, a mainstay.Actor) string
	// Subject is a short name and the path of the object's page; both may be empty.
	Subject(ctx context.Context, r mainstay.Ref) (name, url string)
}

// Config is what the pages need; all but UpdatePath are required.
type Config struct {
	Incidents *incident.Service
	People    People
	Projects  Projects
	Objects   Objects
	Names     Names
	// UpdatePath is what stands after an incident's own path where a public update is written, such as "/posts/new"; "" shows
	// no button for it.
	UpdatePath string
}

// Pages are the routes.
type Pages struct{ cfg Config }

// New makes the pages.
func New(cfg Config) (*Pages, error) {
	if cfg.Incidents == nil || cfg.People == nil || cfg.Projects == nil || cfg.Objects == nil || cfg.Names == nil {
		return nil, errors.New("incidentweb needs Incidents, People, Projects, Objects and Names")
	}
	return &Pages{cfg}, nil
}

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	get := func(pattern string, kind mainstay.Kind, perm access.Permission, h func(*web.Ctx) error) {
		rt.Handle(web.Route{Method: "GET", Pattern: pattern, Permission: perm, Kind: kind}, h)
	}
	get("/incidents", "", access.IncidentRead, p.list)
	get("/incidents/new", "", access.IncidentRespond, p.newIncident)
	rt.Handle(web.Route{Method: "POST", Pattern: "/incidents", Permission: access.IncidentRespond, Urgent: true}, p.declare)
	get("/incidents/{id}", mainstay.KindIncident, access.IncidentRead, p.one)
	get("/incidents/{id}/resolve", mainstay.KindIncident, access.IncidentRespond, p.beforeEnd)
	for pattern, do := range p.commands() {
		rt.Handle(web.Route{Method: "POST", Pattern: "/incidents/{id}" + pattern, Permission: access.IncidentRespond, Kind: mainstay.KindIncident, Urgent: true},
			p.command(do))
	}
	get("/plans", "", access.IncidentRead, p.plans)
	get("/plans/{id}", mainstay.KindPlan, access.IncidentRead, p.plan)
	p.bulk(rt)
	p.api(rt)
}

// errHidden is the answer about a private incident to those who may not know of it: the same as for one that does not exist.
func errHidden() error {
	return mainstay.Errorf(mainstay.NotFound, "There is no such incident, or you may not see it.")
}

// see reads an incident for a viewer.
func (p *Pages) see(ctx context.Context, v access.Viewer, id string) (incident.Incident, error) {
	i, err := p.cfg.Incidents.Incident(ctx, id)
	if err != nil {
		return i, err
	}
	if !visible(v, i) {
		return incident.Incident{}, errHidden()
	}
	return i, nil
}

func visible(v access.Viewer, i incident.Incident) bool {
	return i.VisibleTo(v.PersonID, v.May(access.IncidentManage, i.Project))
}

// query is the part of every query that the viewer's grants decide.
func query(v access.Viewer) incident.Query {
	q := incident.Query{Hide: true, Viewer: v.PersonID}
	if all, ids := v.Projects(access.IncidentRead); !all {
		q.Projects = append([]string{}, ids...)
	}
	q.ManagesAll, q.Manages = v.Projects(access.IncidentManage)
	return q
}

// allowed are the projects in which the viewer holds the permission.
func (p *Pages) allowed(ctx context.Context, v access.Viewer, perm access.Permission) ([]project.Project, error) {
	list, err := p.cfg.Projects.Projects(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(list), func(x project.Project) bool { return !v.May(perm, x.ID) }), nil
}

// moment reads a datetime of a form in the viewer's zone; "" is the zero time.
func moment(field, s string, zone *time.Location) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil && t.Year() <= 9998 {
			return t.UTC().Truncate(time.Microsecond), nil
		}
	}
	return time.Time{}, fault(field, "Write a date and a time, such as 2026-03-17T02:51.")
}

func fault(field, format string, args ...any) error {
	var f mainstay.Faults
	f.Add(field, format, args...)
	return f.Err()
}

func fullName(p people.Person) string {
	if p.FullName != "" {
		return p.FullName
	}
	return p.Name
}
