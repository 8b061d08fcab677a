package communication

import (
	"context"
	"slices"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// RetireComponent takes a component of the project (by id) off the status page; what was said about it stays. A group that still has
// components is a Conflict. NotFound when there is none in use.
func (s *Service) RetireComponent(ctx context.Context, by mainstay.Actor, project, name string) error {
	if project == "" {
		project = mainstay.Installation
	}
	return s.store.Write(ctx, func(ctx context.Context) error {
		list, err := s.store.Components(ctx, project)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(c Component) bool { return c.Name == name && c.Project == project })
		if i < 0 {
			return mainstay.Errorf(mainstay.NotFound, "There is no component %q.", name)
		}
		c, err := s.store.Component(ctx, list[i].ID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(list, func(m Component) bool { return m.Group == c.ID }) {
			return mainstay.Errorf(mainstay.Conflict, "%s is a group with components: move them or remove them first.", name)
		}
		now := s.time.Now()
		set := c.set(now, by, func(c *Component) { c.Retired = now })
		for i := range set.Objects {
			set.Objects[i].State = "retired"
		}
		set.Facts = append(set.Facts, fact.New(now, project, by, fact.ObjectDeleted{Kind: string(mainstay.KindComponent), Name: name}, c.Ref()))
		if err := s.store.SaveComponent(ctx, &c); err != nil {
			return err
		}
		return s.store.Save(ctx, set)
	})
}

// RemoveTemplate deletes a template of the project (by id); posts keep their text. NotFound when there is none.
func (s *Service) RemoveTemplate(ctx context.Context, by mainstay.Actor, project, name string) error {
	if project == "" {
		project = mainstay.Installation
	}
	return s.store.Write(ctx, func(ctx context.Context) error {
		own, err := s.store.Templates(ctx, project)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(own, func(t Template) bool { return t.Name == name && t.Project == project })
		if i < 0 {
			return mainstay.Errorf(mainstay.NotFound, "There is no template %q.", name)
		}
		if err := s.store.DeleteTemplate(ctx, own[i].ID); err != nil {
			return err
		}
		now := s.time.Now()
		return s.store.Save(ctx, commit.Set{Facts: []fact.Fact{fact.New(now, project, by,
			fact.ObjectDeleted{Kind: "posttemplate", Name: name}, mainstay.Ref{Kind: "posttemplate", ID: own[i].ID})}})
	})
}
