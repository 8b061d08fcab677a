package people

import (
	"context"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// Gone reports whether a manifest itself takes the person out of use.
func (x PersonSpec) Gone() bool { return x.Deactivated }

// RemovePerson deactivates the person with the handle; persons are never deleted. The last administrator is a Conflict.
func (s *Service) RemovePerson(ctx context.Context, actor mainstay.Actor, name string) error {
	p, err := s.ByName(ctx, name)
	if err != nil || !p.Active() {
		return err
	}
	return s.SetActive(ctx, actor, p.ID, false)
}

// RemoveTeam takes the team's roles and deletes it. NotFound when there is none; taking the last administrators' role is a Conflict.
func (s *Service) RemoveTeam(ctx context.Context, actor mainstay.Actor, name string) error {
	now := s.cfg.Time.Now()
	return s.cfg.Roles.Guard(ctx, func(ctx context.Context) error {
		t, err := s.Team(ctx, name)
		if err != nil {
			return err
		}
		if _, err := s.cfg.Roles.SetRoles(ctx, actor, t.Ref(), nil); err != nil {
			return err
		}
		return s.cfg.Store.DeleteTeam(ctx, t.ID, func(t Team) (commit.Set, error) {
			return commit.Set{
				Objects: []commit.Object{{Ref: t.Ref(), Project: mainstay.Installation, Name: t.Name, At: now, Deleted: true}},
				Facts:   []fact.Fact{fact.New(now, "", actor, fact.ObjectDeleted{Kind: string(mainstay.KindTeam), Name: t.Name}, t.Ref())},
			}, nil
		})
	})
}
