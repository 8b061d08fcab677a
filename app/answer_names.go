package app

import (
	"context"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/object"
)

// names answers what things are called: for warning's routes, and for every page that shows actors and objects.
type names struct{ a *App }

// Services implements warning.Names: ids of a project's services by name.
func (n names) Services(ctx context.Context, project string) (map[string]string, error) {
	list, err := n.a.Projects.Services(ctx, project)
	m := make(map[string]string, len(list))
	for _, s := range list {
		m[s.Name] = s.ID
	}
	return m, err
}

// PolicyExists implements warning.Names.
func (n names) PolicyExists(ctx context.Context, project, name string) error {
	_, err := n.a.Escalation.Policy(ctx, project, name)
	return err
}

// ProjectID is the id of a project by id or name.
func (n names) ProjectID(ctx context.Context, key string) (string, error) {
	return n.a.Projects.ProjectID(ctx, key)
}

// Actor is a name for people.
func (n names) Actor(ctx context.Context, who mainstay.Actor) string {
	switch who.Kind {
	case mainstay.ActorPerson:
		if p, err := n.a.People.ByID(ctx, who.ID); err == nil {
			return p.FullName
		}
		return "somebody who has left"
	case mainstay.ActorToken:
		if m, err := n.a.Identity.TokenActors(ctx, []string{who.ID}); err == nil && m[who.ID] != "" {
			return "the API token " + m[who.ID]
		}
		return "an API token"
	}
	if who.ID == "operator" {
		return "the operator"
	}
	return "Mainstay"
}

// Subject is a short name and the path of the object's page; both are empty for what is not registered.
func (n names) Subject(ctx context.Context, r mainstay.Ref) (name, url string) {
	o, err := finder(n).Find(ctx, r.Kind, r.ID, "")
	if err != nil {
		return "", ""
	}
	switch r.Kind {
	case mainstay.KindPerson, mainstay.KindService, mainstay.KindProject, mainstay.KindTeam, mainstay.KindComponent:
		name = o.Title
	default:
		name = o.Key()
	}
	if o.Ref.Kind == mainstay.KindService || o.Ref.Kind == mainstay.KindComponent || o.Ref.Kind == mainstay.KindSchedule || o.Ref.Kind == mainstay.KindPolicy {
		return name, object.URL(r.Kind, r.ID) // names repeat between projects
	}
	return name, o.URL()
}
