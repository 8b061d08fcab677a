// Package escalationweb owns the pages and the API of schedules, policies and pages. It holds no rule: it shows what the
// service says and hands on what people ask for.
package escalationweb

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/practice/escalation"
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

// People answers who persons are; people.Service does.
type People interface {
	ByIDs(ctx context.Context, ids []string) (map[string]people.Person, error)
	ByName(ctx context.Context, name string) (people.Person, error)
	List(ctx context.Context, q people.Query) (list []people.Person, next string, err error)
}

// Projects answers what projects there are; project.Registry does.
type Projects interface {
	Projects(ctx context.Context) ([]project.Project, error)
	Project(ctx context.Context, key string) (project.Project, error)
}

// Config is what the pages need; all of it is required.
type Config struct {
	Service  *escalation.Service
	People   People
	Projects Projects
	Names    Names
	Journal  journal.Reader
	Time     mainstay.Timekeeper
}

// Pages are the routes and panels.
type Pages struct {
	Config
}

// New checks the configuration.
func New(cfg Config) (*Pages, error) {
	if cfg.Service == nil || cfg.People == nil || cfg.Projects == nil || cfg.Names == nil || cfg.Journal == nil || cfg.Time == nil {
		return nil, errors.New("escalationweb: every part of the Config must be provided")
	}
	return &Pages{cfg}, nil
}

// Routes adds the routes to the router.
func (p *Pages) Routes(rt *web.Router) {
	get := func(pattern string, perm access.Permission, kind mainstay.Kind, h func(*web.Ctx) error) {
		rt.Handle(web.Route{Method: "GET", Pattern: pattern, Permission: perm, Kind: kind}, h)
	}
	post := func(pattern string, perm access.Permission, kind mainstay.Kind, h func(*web.Ctx) error) {
		rt.Handle(web.Route{Method: "POST", Pattern: pattern, Permission: perm, Kind: kind, Urgent: kind == mainstay.KindPage}, h)
	}
	get("/pages", access.PageRead, "", p.pages)
	get("/pages/{id}", access.PageRead, mainstay.KindPage, p.page)
	post("/pages/{id}/acknowledge", access.PageRespond, mainstay.KindPage, p.acknowledge)
	post("/pages/{id}/escalate", access.PageRespond, mainstay.KindPage, p.escalate)
	post("/pages/{id}/resolve", access.PageRespond, mainstay.KindPage, p.resolve)
	get("/pages/{id}/ack", access.Public, "", p.askAck)
	rt.Handle(web.Route{Method: "POST", Pattern: "/pages/{id}/ack", Permission: access.Public, Urgent: true}, p.takeAck)

	get("/schedules", access.OnCallRead, "", p.schedules)
	get("/schedules/new", access.OnCallManage, "", p.newSchedule)
	post("/schedules", access.OnCallManage, "", p.createSchedule)
	get("/schedules/{id}", access.OnCallRead, mainstay.KindSchedule, p.schedule)
	get("/schedules/{id}/edit", access.OnCallManage, mainstay.KindSchedule, p.editSchedule)
	post("/schedules/{id}/edit", access.OnCallManage, mainstay.KindSchedule, p.saveSchedule)
	post("/schedules/{id}/overrides", access.PageRespond, mainstay.KindSchedule, p.override)
	post("/schedules/{id}/overrides/{override}/remove", access.PageRespond, mainstay.KindSchedule, p.removeOverride)

	get("/policies", access.OnCallRead, "", p.policies)
	get("/policies/new", access.OnCallManage, "", p.newPolicy)
	post("/policies", access.OnCallManage, "", p.createPolicy)
	get("/policies/{id}", access.OnCallRead, mainstay.KindPolicy, p.policy)
	get("/policies/{id}/edit", access.OnCallManage, mainstay.KindPolicy, p.editPolicy)
	post("/policies/{id}/edit", access.OnCallManage, mainstay.KindPolicy, p.savePolicy)
	p.bulk(rt)
	p.api(rt)
}

// visible are the projects in which the viewer holds the permission: nil for all. With shared, what belongs to the installation
// counts too.
func visible(v access.Viewer, perm access.Permission, shared bool) []string {
	all, ids := v.Projects(perm)
	if all {
		return nil
	}
	ids = append([]string{}, ids...)
	if shared && v.May(perm, "") {
		ids = append(ids, mainstay.Installation)
	}
	return ids
}

// folk looks persons up once and names them.
type folk map[string]people.Person

func (p *Pages) folk(ctx context.Context, ids []string) (folk, error) {
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
	if len(ids) == 0 {
		return folk{}, nil
	}
	return p.People.ByIDs(ctx, ids)
}

// name is the full name of a person.
func (f folk) name(id string) string {
	if v, ok := f[id]; ok && v.FullName != "" {
		return v.FullName
	}
	if v, ok := f[id]; ok {
		return v.Name
	}
	return "somebody who was removed"
}

// view is a person as lists show them.
func (f folk) view(id, note string) ui.PersonView {
	v := ui.PersonView{Name: f.name(id), Note: note}
	if who, ok := f[id]; ok {
		v.URL, v.Away = object.URL(mainstay.KindPerson, who.Name), !who.Active()
	}
	return v
}

// projectNames are the titles of all projects by id, with the installation's.
func (p *Pages) projectNames(ctx context.Context) (map[string]string, error) {
	list, err := p.Projects.Projects(ctx)
	names := map[string]string{mainstay.Installation: "all projects"}
	for _, v := range list {
		names[v.ID] = v.Title()
	}
	return names, err
}

// key is the name of an object in its URL: the name where the viewer sees it only once, else the id.
func key(name, id string, names map[string]int) string {
	if names[name] > 1 {
		return id
	}
	return name
}

// path escapes a name for a URL.
func path(kind mainstay.Kind, name string) string {
	return object.URL(kind, url.PathEscape(name))
}

// stateOf is how the state of a page looks.
func stateOf(s escalation.State) ui.State {
	switch s {
	case escalation.Open:
		return ui.Crit("open")
	case escalation.Exhausted:
		return ui.Crit("nobody answered")
	case escalation.Acknowledged:
		return ui.Info("acknowledged")
	}
	return ui.Muted("over")
}

// in is a time on the wall clock of a zone, for tables of a schedule.
func in(loc *time.Location, t time.Time) string { return t.In(loc).Format("Mon 2 Jan, 15:04") }
