package escalation

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// RetireSchedule takes a schedule of the project (by id) out of use: nobody has its duty from now on, and its past stays. Defining it
// again brings it back. NotFound when there is none in use.
func (s *Service) RetireSchedule(ctx context.Context, actor mainstay.Actor, in, name string) error {
	now := s.cfg.Time.Now()
	return s.cfg.Store.SaveSchedule(ctx, scope(in), name, now, func(sch *Schedule) (commit.Set, error) {
		if sch.ID == "" || !sch.Retired.IsZero() {
			return commit.Set{}, mainstay.Errorf(mainstay.NotFound, "There is no schedule %q.", name)
		}
		sch.Retired = now
		sch.Revision++
		return retired(now, actor, sch.Ref(), sch.Project, name, sch.Title()), nil
	})
}

// RetirePolicy takes a policy of the project (by id) out of use; pages under way keep it. Defining it again brings it back. NotFound
// when there is none in use.
func (s *Service) RetirePolicy(ctx context.Context, actor mainstay.Actor, in, name string) error {
	now := s.cfg.Time.Now()
	return s.cfg.Store.SavePolicy(ctx, scope(in), name, func(p *Policy) (commit.Set, error) {
		if p.ID == "" || !p.Retired.IsZero() {
			return commit.Set{}, mainstay.Errorf(mainstay.NotFound, "There is no policy %q.", name)
		}
		p.Retired = now
		p.Revision++
		return retired(now, actor, p.Ref(), p.Project, name, p.Called()), nil
	})
}

func retired(now time.Time, actor mainstay.Actor, ref mainstay.Ref, in, name, title string) commit.Set {
	return commit.Set{
		Objects: []commit.Object{{Ref: ref, Project: in, Name: name, Title: title, State: "retired", At: now}},
		Facts:   []fact.Fact{fact.New(now, in, actor, fact.ObjectDeleted{Kind: string(ref.Kind), Name: name}, ref)},
	}
}
