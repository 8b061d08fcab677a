package escalation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/project"
)

// DefineSchedule creates the schedule or gives it a new version from now on; the past stays. project is an id, "" for a schedule
// of the installation. Faults bear the manifest's field names, such as layers[0].handoff.
func (s *Service) DefineSchedule(ctx context.Context, actor mainstay.Actor, in, name string, spec ScheduleSpec) (changed bool, err error) {
	faults := spec.check()
	if says := project.CheckName(name); says != "" {
		faults.Add("name", "%s", says)
	}
	ids := map[string]string{}
	for i, l := range spec.Layers {
		for _, p := range l.Participants {
			person, err := s.cfg.People.ByName(ctx, p)
			if mainstay.Is(err, mainstay.NotFound) {
				faults.Add(fmt.Sprintf("layers[%d].participants", i), "there is no person %q", p)
			} else if err != nil {
				return false, err
			}
			ids[p] = person.ID
		}
	}
	if err := faults.Err(); err != nil {
		return false, err
	}
	spec = spec.rename(func(_ int, p string) string { return ids[p] })
	now := s.cfg.Time.Now()
	err = s.cfg.Store.SaveSchedule(ctx, scope(in), name, now, func(sch *Schedule) (commit.Set, error) {
		set := sch.define(now, actor, spec)
		changed = !set.IsZero()
		return set, nil
	})
	return changed && err == nil, err
}

// SpecOf is the latest definition of a schedule as a manifest says it, with names of persons.
func (s *Service) SpecOf(ctx context.Context, sch Schedule) (ScheduleSpec, error) {
	spec := sch.Spec()
	var ids []string
	for _, l := range spec.Layers {
		ids = append(ids, l.Participants...)
	}
	persons, err := s.cfg.People.ByIDs(ctx, ids)
	if err != nil {
		return spec, err
	}
	return spec.rename(func(_ int, id string) string {
		if p, ok := persons[id]; ok {
			return p.Name
		}
		return id
	}), nil
}

// ScheduleSpecs are the schedules of the project ("" for the installation's), by name, as manifests say them.
func (s *Service) ScheduleSpecs(ctx context.Context, in string) (map[string]ScheduleSpec, error) {
	list, err := s.cfg.Store.Schedules(ctx, ScheduleQuery{Projects: []string{scope(in)}})
	if err != nil {
		return nil, err
	}
	m := map[string]ScheduleSpec{}
	for _, sch := range list {
		if m[sch.Name], err = s.SpecOf(ctx, sch); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// DefinePolicy creates the policy or changes it; pages under way keep the one that they were opened with. project is an id, ""
// for a policy of the installation. Schedules are looked for in the project, then in the installation.
func (s *Service) DefinePolicy(ctx context.Context, actor mainstay.Actor, in, name string, spec PolicySpec) (changed bool, err error) {
	to, err := spec.parse(func(kind mainstay.Kind, target string) (string, error) { return s.target(ctx, in, kind, target) })
	faults := mainstay.Faults(mainstay.ErrorFields(err))
	if err != nil && faults == nil {
		return false, err
	}
	if says := project.CheckName(name); says != "" {
		faults.Add("name", "%s", says)
	}
	if err := faults.Err(); err != nil {
		return false, err
	}
	now := s.cfg.Time.Now()
	err = s.cfg.Store.SavePolicy(ctx, scope(in), name, func(p *Policy) (commit.Set, error) {
		set := p.define(now, actor, to)
		changed = !set.IsZero()
		return set, nil
	})
	return changed && err == nil, err
}

func (s *Service) target(ctx context.Context, in string, kind mainstay.Kind, name string) (string, error) {
	switch kind {
	case mainstay.KindSchedule:
		sch, err := s.ScheduleByName(ctx, in, name, time.Time{}, time.Time{})
		return sch.ID, err
	case mainstay.KindTeam:
		team, err := s.cfg.People.Team(ctx, name)
		return team.ID, err
	}
	p, err := s.cfg.People.ByName(ctx, name)
	return p.ID, err
}

// PolicySpecs are the policies of the project ("" for the installation's), by name, as manifests say them.
func (s *Service) PolicySpecs(ctx context.Context, in string) (map[string]PolicySpec, error) {
	list, err := s.cfg.Store.Policies(ctx, PolicyQuery{Projects: []string{scope(in)}})
	if err != nil {
		return nil, err
	}
	m := map[string]PolicySpec{}
	for _, p := range list {
		m[p.Name] = p.Spec()
	}
	return m, nil
}

// Policies lists the policies of the projects (nil: all), by project and name.
func (s *Service) Policies(ctx context.Context, projects []string) ([]Policy, error) {
	return s.cfg.Store.Policies(ctx, PolicyQuery{Projects: projects})
}

// Policy finds a policy by id, or by name in the project and then in the installation; NotFound when there is none.
func (s *Service) Policy(ctx context.Context, in, key string) (Policy, error) {
	q := PolicyQuery{Name: key, Projects: scopes(in)}
	if mainstay.ValidID(key) {
		q = PolicyQuery{ID: key}
	}
	list, err := s.cfg.Store.Policies(ctx, q)
	if err != nil {
		return Policy{}, err
	}
	for _, want := range scopes(in) {
		if i := slices.IndexFunc(list, func(p Policy) bool { return p.Project == want }); i >= 0 {
			return list[i], nil
		}
	}
	if q.ID != "" && len(list) > 0 {
		return list[0], nil
	}
	return Policy{}, mainstay.Errorf(mainstay.NotFound, "There is no policy %q.", key)
}

// Override gives the duty of the schedule with the id to a person (id) for some time. From is now when it is zero or past.
func (s *Service) Override(ctx context.Context, actor mainstay.Actor, schedule string, o Override) error {
	who, err := s.cfg.People.ByID(ctx, o.Person)
	switch {
	case mainstay.Is(err, mainstay.NotFound):
		return mainstay.Faults{"person": "Say who takes over."}.Err()
	case err != nil:
		return err
	case !who.Active():
		return mainstay.Faults{"person": "This account is deactivated."}.Err()
	}
	o.By = actor
	return s.changeSchedule(ctx, schedule, func(now time.Time, sch *Schedule) (commit.Set, error) { return sch.override(now, o) })
}

// RemoveOverride takes an override back: it ends now. One that has ended is left alone.
func (s *Service) RemoveOverride(ctx context.Context, actor mainstay.Actor, schedule, override string) error {
	return s.changeSchedule(ctx, schedule, func(now time.Time, sch *Schedule) (commit.Set, error) {
		return sch.remove(now, actor, override)
	})
}

func (s *Service) changeSchedule(ctx context.Context, id string, f func(now time.Time, sch *Schedule) (commit.Set, error)) error {
	sch, err := s.Schedule(ctx, id, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	now := s.cfg.Time.Now()
	return s.cfg.Store.SaveSchedule(ctx, sch.Project, sch.Name, now, func(sch *Schedule) (commit.Set, error) { return f(now, sch) })
}
