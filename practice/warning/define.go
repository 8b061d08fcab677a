package warning

import (
	"context"
	"maps"
	"slices"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// Define makes the project's route of that name what the spec says, and reports whether that changed anything. Faults carry the
// names of the manifest's fields.
func (s *Service) Define(ctx context.Context, actor mainstay.Actor, project, name string, spec RouteSpec) (bool, error) {
	service, err := s.check(ctx, project, name, spec)
	if err != nil {
		return false, err
	}
	now, changed := s.cfg.Time.Now(), false
	err = s.cfg.Routes.SaveRoute(ctx, project, name, func(r *Route) (commit.Set, error) {
		fields := differing(r.Spec, spec)
		changed = r.Version == 0 || len(fields) > 0 || r.ServiceID != service
		if !changed {
			return commit.Set{}, nil
		}
		if r.Version == 0 {
			r.ID, r.Project, r.Name = mainstay.NewID(now), project, name
		}
		r.Spec, r.ServiceID = spec, service
		r.Version++
		ref := mainstay.Ref{Kind: mainstay.KindRoute, ID: r.ID}
		return commit.Set{
			Objects: []commit.Object{{Ref: ref, Project: project, Name: name, Title: name, State: "active", At: now}},
			Facts: []fact.Fact{fact.New(now, project, actor, fact.ObjectChanged{
				Kind: string(mainstay.KindRoute), Name: name, Fields: fields, Revision: r.Version,
			}, ref)},
		}, nil
	})
	return changed, err
}

// check validates a route as pages and manifests do, and finds its service.
func (s *Service) check(ctx context.Context, project, name string, spec RouteSpec) (service string, err error) {
	faults := mainstay.Faults(mainstay.ErrorFields(spec.Check()))
	if project == "" || project == mainstay.Installation {
		faults.Add("project", "a route belongs to a project")
	}
	if name == "" || len(name) > 63 {
		faults.Add("name", "give a name of at most 63 characters")
	}
	if spec.Service != "" && project != "" {
		services, err := s.cfg.Names.Services(ctx, project)
		if err != nil {
			return "", err
		}
		if service = services[spec.Service]; service == "" {
			faults.Add("service", "the project has no service %q", spec.Service)
		}
	}
	if spec.Policy != "" {
		err := s.cfg.Names.PolicyExists(ctx, project, spec.Policy)
		if err != nil && !mainstay.Is(err, mainstay.NotFound) {
			return "", err
		}
		if err != nil {
			faults.Add("policy", "there is no escalation policy %q", spec.Policy)
		}
	}
	return service, faults.Err()
}

// differing names the fields in which two specs differ.
func differing(a, b RouteSpec) []string {
	var fields []string
	for name, same := range map[string]bool{
		"order": a.Order == b.Order, "match": maps.Equal(a.Match, b.Match), "matchRegex": maps.Equal(a.MatchRegex, b.MatchRegex),
		"service": a.Service == b.Service, "policy": a.Policy == b.Policy, "severity": a.Severity == b.Severity,
		"severityLabel": a.SeverityLabel == b.SeverityLabel, "severityMap": maps.Equal(a.SeverityMap, b.SeverityMap),
		"urgency": a.Urgency == b.Urgency,
	} {
		if !same {
			fields = append(fields, name)
		}
	}
	slices.Sort(fields)
	return fields
}

// Remove deletes the project's route of that name. NotFound when there is none.
func (s *Service) Remove(ctx context.Context, actor mainstay.Actor, project, name string) error {
	now := s.cfg.Time.Now()
	return s.cfg.Routes.DeleteRoute(ctx, project, name, func(r Route) commit.Set {
		ref := mainstay.Ref{Kind: mainstay.KindRoute, ID: r.ID}
		return commit.Set{
			Objects: []commit.Object{{Ref: ref, Project: project, Name: name, At: now, Deleted: true}},
			Facts:   []fact.Fact{fact.New(now, project, actor, fact.ObjectDeleted{Kind: string(mainstay.KindRoute), Name: name}, ref)},
		}
	})
}

// Routes lists a project's routes in the order in which they decide; "" lists those of all projects.
func (s *Service) Routes(ctx context.Context, project string) ([]Route, error) {
	list, err := s.cfg.Routes.Routes(ctx, project)
	if err != nil {
		return nil, err
	}
	ordered, err := compile(list)
	if err != nil {
		return list, nil //nolint:nilerr // the page shows the route that cannot be used; the writer has logged it
	}
	for i, c := range ordered {
		list[i] = c.Route
	}
	return list, nil
}

// Specs are the project's routes as manifests, by name.
func (s *Service) Specs(ctx context.Context, project string) (map[string]RouteSpec, error) {
	list, err := s.cfg.Routes.Routes(ctx, project)
	specs := make(map[string]RouteSpec, len(list))
	for _, r := range list {
		specs[r.Name] = r.Spec
	}
	return specs, err
}
