package incident

import (
	"context"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// Retire takes a plan of the project (by id) out of use: no incident is declared under it any more, and its versions stay. Defining it
// again brings it back. NotFound when there is none in use.
func (s *Service) Retire(ctx context.Context, actor mainstay.Actor, projectID, name string) error {
	if projectID == "" {
		projectID = mainstay.Installation
	}
	now := s.cfg.Time.Now()
	return s.cfg.Plans.SavePlan(ctx, projectID, name, func(p *Plan) (commit.Set, error) {
		if p.ID == "" || !p.Retired.IsZero() {
			return commit.Set{}, mainstay.Errorf(mainstay.NotFound, "There is no plan %q.", name)
		}
		p.Version++
		p.By, p.At, p.Retired = actor, now, now
		return commit.Set{
			Objects: []commit.Object{{Ref: p.Ref(), Project: projectID, Name: name, Title: p.Title(), State: "retired", At: now}},
			Facts:   []fact.Fact{fact.New(now, projectID, actor, fact.ObjectDeleted{Kind: string(mainstay.KindPlan), Name: name}, p.Ref())},
		}, nil
	})
}
