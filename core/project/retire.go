package project

import (
	"context"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// RetireService takes a service of a project (by id) out of use: it is in no list any more, and what names it keeps its name. Defining
// it again brings it back. NotFound when there is none in use.
func (r *Registry) RetireService(ctx context.Context, actor mainstay.Actor, project, name string) error {
	now := r.cfg.Time.Now()
	return r.cfg.Store.SaveService(ctx, project, name, func(s *Service) (commit.Set, error) {
		if s.ID == "" || !s.Retired.IsZero() {
			return commit.Set{}, mainstay.Errorf(mainstay.NotFound, "There is no service %q in this project.", name)
		}
		s.Retired = now
		s.Version++
		ref := mainstay.Ref{Kind: mainstay.KindService, ID: s.ID}
		return commit.Set{
			Objects: []commit.Object{{Ref: ref, Project: project, Name: name, Title: s.Title(), State: "retired", Text: s.Spec.Description, At: now}},
			Facts:   []fact.Fact{fact.New(now, project, actor, fact.ObjectDeleted{Kind: string(mainstay.KindService), Name: name}, ref)},
		}, nil
	})
}
