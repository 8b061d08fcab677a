package communication

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	coreproject "github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/fact"
)

// Components lists a project's components, or all with "", in the order of the page. Groups have the state of their members.
func (s *Service) Components(ctx context.Context, project string) ([]Component, error) {
	list, err := s.store.Components(ctx, project)
	if err != nil {
		return nil, err
	}
	return WithGroups(list), nil
}

// Component is one component.
func (s *Service) Component(ctx context.Context, id string) (Component, error) {
	return s.store.Component(ctx, id)
}

// OpenWindows lists the maintenance that is planned or under way, the nearest first.
func (s *Service) OpenWindows(ctx context.Context) ([]PublicWindow, error) {
	return s.store.OpenWindows(ctx)
}

// Intervals lists what is known of all components' states since 90 days, oldest first.
func (s *Service) Intervals(ctx context.Context) ([]Interval, error) {
	return s.store.Intervals(ctx, s.time.Now().AddDate(0, 0, -91))
}

// WithGroups gives each group the worst state of its members.
func WithGroups(list []Component) []Component {
	members := map[string][]Component{}
	for _, c := range list {
		if c.Group != "" {
			members[c.Group] = append(members[c.Group], c)
		}
	}
	for i, c := range list {
		if c.IsGroup {
			list[i].Hand, list[i].Windows = GroupState(members[c.ID]), nil
		}
	}
	return list
}

// SetState sets a component's state by hand. reason is for the journal's readers and never becomes public; it must be given.
func (s *Service) SetState(ctx context.Context, by mainstay.Actor, id string, to State, reason string) error {
	var f mainstay.Faults
	if !to.Valid() || to == UnderMaintenance {
		f.Add("state", "one of operational, degraded_performance, partial_outage, major_outage; maintenance comes from a window")
	}
	if strings.TrimSpace(reason) == "" {
		f.Add("reason", "say why, for those who ask later")
	}
	if len(reason) > 500 {
		f.Add("reason", "at most 500 characters")
	}
	if err := f.Err(); err != nil {
		return err
	}
	return s.store.Write(ctx, func(ctx context.Context) error {
		c, err := s.store.Component(ctx, id)
		if err != nil {
			return err
		}
		if c.IsGroup {
			return mainstay.Errorf(mainstay.Invalid, "%s is a group: it has the state of its components.", c.Title)
		}
		now := s.time.Now()
		set := c.set(now, by, func(c *Component) { c.Hand, c.Reason = to, reason })
		if err := s.store.SaveComponent(ctx, &c); err != nil {
			return err
		}
		return s.store.Save(ctx, set)
	})
}

// Define creates or changes a component as a manifest or form says, and reports whether anything changed. A group that does
// not exist yet is made. Faults are told by the manifest's field names.
func (s *Service) Define(ctx context.Context, by mainstay.Actor, project, name string, spec ComponentSpec) (bool, error) {
	if err := spec.check(name); err != nil {
		return false, err
	}
	if project == "" {
		project = mainstay.Installation
	}
	var changed bool
	err := s.store.Write(ctx, func(ctx context.Context) error {
		list, err := s.store.Components(ctx, project)
		if err != nil {
			return err
		}
		service, err := s.serviceOf(ctx, project, spec.Service)
		if err != nil {
			return err
		}
		group, err := s.groupOf(ctx, by, project, list, spec.Group)
		if err != nil {
			return err
		}
		changed, err = s.define(ctx, by, project, name, list, func(c *Component) ([]string, error) {
			if c.IsGroup && spec.Group != isGroup && slices.ContainsFunc(list, func(m Component) bool { return m.Group == c.ID }) {
				return nil, mainstay.Faults{"group": "it has components: move them to another group first"}.Err()
			}
			return spec.apply(c, group, service), nil
		})
		return err
	})
	return changed, err
}

// define saves one component after f has put its definition on it.
func (s *Service) define(ctx context.Context, by mainstay.Actor, project, name string, list []Component, f func(*Component) ([]string, error)) (bool, error) {
	now := s.time.Now()
	c := Component{ID: mainstay.NewID(now), Project: project, Name: name, Hand: Operational, CreatedAt: now}
	if i := slices.IndexFunc(list, func(c Component) bool { return c.Name == name }); i >= 0 {
		c = list[i]
	} else if old, err := s.store.RetiredComponent(ctx, project, name); err == nil {
		c = old
	} else if !mainstay.Is(err, mainstay.NotFound) {
		return false, err
	}
	var fields []string
	var err error
	back := !c.Retired.IsZero()
	set := c.set(now, by, func(c *Component) { fields, err = f(c); c.Retired = time.Time{} })
	if back && len(fields) == 0 {
		fields = []string{"retired"}
	}
	if err != nil || len(fields) == 0 {
		return false, err
	}
	set.Facts = append(set.Facts, fact.New(now, project, by,
		fact.ObjectChanged{Kind: string(mainstay.KindComponent), Name: name, Fields: fields, Revision: c.Version + 1}, c.Ref()))
	if err := s.store.SaveComponent(ctx, &c); err != nil {
		return false, err
	}
	return true, s.store.Save(ctx, set)
}

func (s *Service) serviceOf(ctx context.Context, project, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	list, err := s.servicesOf(ctx, project)
	if err != nil {
		return "", err
	}
	if i := slices.IndexFunc(list, func(o coreproject.Service) bool { return o.Name == name }); i >= 0 {
		return list[i].ID, nil
	}
	return "", mainstay.Faults{"service": "there is no service " + name + " in this project"}.Err()
}

func (s *Service) servicesOf(ctx context.Context, project string) ([]coreproject.Service, error) {
	if s.projects == nil || project == mainstay.Installation {
		return nil, nil
	}
	return s.projects.Services(ctx, project)
}

func (s *Service) groupOf(ctx context.Context, by mainstay.Actor, project string, list []Component, g GroupRef) (string, error) {
	if g == "" || g == isGroup {
		return "", nil
	}
	if i := slices.IndexFunc(list, func(c Component) bool { return c.Name == string(g) }); i >= 0 {
		if !list[i].IsGroup {
			return "", mainstay.Faults{"group": string(g) + " is a component, not a group"}.Err()
		}
		return list[i].ID, nil
	}
	// Manifests come in any order: the group's own one will give it its title.
	var id string
	_, err := s.define(ctx, by, project, string(g), list, func(c *Component) ([]string, error) {
		id = c.ID
		return ComponentSpec{Title: string(g), Group: isGroup}.apply(c, "", ""), nil
	})
	return id, err
}

// Specs are the project's components as manifests, by name.
func (s *Service) Specs(ctx context.Context, project string) (map[string]ComponentSpec, error) {
	if project == "" {
		project = mainstay.Installation
	}
	list, err := s.store.Components(ctx, project)
	if err != nil {
		return nil, err
	}
	services, err := s.servicesOf(ctx, project)
	if err != nil {
		return nil, err
	}
	specs := map[string]ComponentSpec{}
	for _, c := range list {
		spec := ComponentSpec{
			Title: c.Title, Description: c.Description, Position: c.Position, OnlyShowIfDegraded: c.OnlyIfDegraded,
		}
		if !c.Showcase {
			spec.Showcase = new(bool)
		}
		if !c.Since.IsZero() {
			spec.StartDate = c.Since.Format("2006-01-02")
		}
		if c.IsGroup {
			spec.Group = isGroup
		}
		if i := slices.IndexFunc(list, func(g Component) bool { return g.ID == c.Group }); i >= 0 {
			spec.Group = GroupRef(list[i].Name)
		}
		if i := slices.IndexFunc(services, func(o coreproject.Service) bool { return o.ID == c.Service }); i >= 0 {
			spec.Service = services[i].Name
		}
		specs[c.Name] = spec
	}
	return specs, nil
}
