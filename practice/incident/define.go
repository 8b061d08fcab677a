package incident

import (
	"context"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/fact"
)

// Define makes a plan, or another version of it when the spec differs from the newest one; project is an id, "" for a plan of
// the whole installation. Running incidents keep the version that they began with. Errors: Invalid with the fields of the
// manifest.
func (s *Service) Define(ctx context.Context, actor mainstay.Actor, projectID, name string, spec PlanSpec) (changed bool, err error) {
	if projectID == "" {
		projectID = mainstay.Installation
	}
	spec = spec.normal()
	faults := spec.check()
	if says := project.CheckName(name); says != "" {
		faults.Add("name", "%s", says)
	}
	if err := s.checkServices(ctx, projectID, spec, &faults); err != nil {
		return false, err
	}
	if err := faults.Err(); err != nil {
		return false, err
	}
	now := s.cfg.Time.Now()
	err = s.cfg.Plans.SavePlan(ctx, projectID, name, func(p *Plan) (commit.Set, error) {
		set := p.define(now, actor, projectID, name, spec)
		changed = !set.IsZero()
		return set, nil
	})
	return changed, err
}

func (p *Plan) define(now time.Time, actor mainstay.Actor, projectID, name string, spec PlanSpec) commit.Set {
	if p.ID != "" && p.Retired.IsZero() && len(p.Spec.differs(spec)) == 0 {
		return commit.Set{}
	}
	p.Retired = time.Time{}
	fields := spec.differs(p.Spec)
	if p.ID == "" {
		p.ID, p.Project, p.Name = mainstay.NewID(now), projectID, name
	}
	p.Version++
	p.Spec, p.By, p.At = spec, actor, now
	return commit.Set{
		Objects: []commit.Object{{Ref: p.Ref(), Project: projectID, Name: name, Title: p.Title(), At: now}},
		Facts: []fact.Fact{fact.New(now, projectID, actor, fact.ObjectChanged{
			Kind: string(mainstay.KindPlan), Name: name, Fields: fields, Revision: p.Version,
		}, p.Ref())},
	}
}

func (s *Service) checkServices(ctx context.Context, projectID string, spec PlanSpec, f *mainstay.Faults) error {
	if len(spec.Services) == 0 {
		return nil
	}
	if projectID == mainstay.Installation {
		f.Add("services", "A plan for all projects cannot name services: give it a project.")
		return nil
	}
	known, err := s.cfg.Services.Services(ctx, projectID)
	if err != nil {
		return err
	}
	for _, name := range spec.Services {
		if !slices.ContainsFunc(known, func(s project.Service) bool { return s.Name == name }) {
			f.Add("services", "The project has no service %q.", name)
		}
	}
	return nil
}

// Specs are the newest versions of a project's own plans by name ("" for those of the installation), for export.
func (s *Service) Specs(ctx context.Context, projectID string) (map[string]PlanSpec, error) {
	if projectID == "" {
		projectID = mainstay.Installation
	}
	list, err := s.cfg.Plans.Plans(ctx, projectID)
	specs := map[string]PlanSpec{}
	for _, p := range list {
		if p.Project == projectID {
			specs[p.Name] = p.Spec
		}
	}
	return specs, err
}

// Plans lists the newest versions of a project's plans and of the installation's; "" lists all.
func (s *Service) Plans(ctx context.Context, projectID string) ([]Plan, error) {
	return s.cfg.Plans.Plans(ctx, projectID)
}

// Versions lists all versions of a plan, newest first. NotFound when there is no such plan.
func (s *Service) Versions(ctx context.Context, id string) ([]Plan, error) {
	list, err := s.cfg.Plans.Versions(ctx, id)
	if err == nil && len(list) == 0 {
		err = mainstay.Errorf(mainstay.NotFound, "There is no such plan.")
	}
	return list, err
}
