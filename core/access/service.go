package access

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/fact"
)

// Store keeps the grants of persons and teams. (A token's grant is kept with the token.)
type Store interface {
	// Grants lists what was given to each of these; for the grant to a team, Grant.Team is its id.
	Grants(ctx context.Context, to ...mainstay.Ref) ([]Grant, error)
	// Update loads what the grantee has, has f say what it shall have, and writes that with the set in one transaction.
	Update(ctx context.Context, to mainstay.Ref, f func(ctx context.Context, has []Grant) ([]Grant, commit.Set, error)) error
	// In lists who was given what in the project: to persons and to teams. "" is what counts in all projects.
	In(ctx context.Context, project string) ([]Given, error)
	// Alone runs f in a transaction in which nobody else changes who is administrator: roles, teams, who is active.
	Alone(ctx context.Context, f func(ctx context.Context) error) error
}

// Given is a role and whom it was given to.
type Given struct {
	To   mainstay.Ref // a person or a team
	Role Role
}

// Teams knows who is in which team; the store of people does.
type Teams interface {
	TeamsOf(ctx context.Context, person string) ([]string, error)
	MembersOf(ctx context.Context, teams []string) ([]string, error)
	ActiveOf(ctx context.Context, persons []string) ([]string, error)
}

// Config is what a Service needs.
type Config struct {
	Store Store
	Teams Teams
	Time  mainstay.Timekeeper
}

// Service gives, takes and tells roles.
type Service struct{ cfg Config }

// New checks the configuration.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Teams == nil {
		return nil, errors.New("access: Store and Teams must be provided")
	}
	if cfg.Time == nil {
		cfg.Time = mainstay.Clock{}
	}
	return &Service{cfg: cfg}, nil
}

var _ people.Roles = (*Service)(nil)

// GrantsOf are a person's own grants and those of their teams.
func (s *Service) GrantsOf(ctx context.Context, person string) ([]Grant, error) {
	teams, err := s.cfg.Teams.TeamsOf(ctx, person)
	if err != nil {
		return nil, err
	}
	refs := []mainstay.Ref{{Kind: mainstay.KindPerson, ID: person}}
	for _, t := range teams {
		refs = append(refs, mainstay.Ref{Kind: mainstay.KindTeam, ID: t})
	}
	return s.cfg.Store.Grants(ctx, refs...)
}

// RolesOf lists the roles given to the person or team itself.
func (s *Service) RolesOf(ctx context.Context, to mainstay.Ref) ([]people.Role, error) {
	grants, err := s.cfg.Store.Grants(ctx, to)
	roles := make([]people.Role, len(grants))
	for i, g := range grants {
		roles[i] = people.Role{Role: string(g.Role), Project: g.Project}
	}
	return roles, err
}

// SetRoles makes the roles of the person or team exactly these, and reports whether that changed anything. Unknown roles are a
// fault of the field "roles"; leaving the installation without an administrator is a Conflict.
func (s *Service) SetRoles(ctx context.Context, actor mainstay.Actor, to mainstay.Ref, roles []people.Role) (changed bool, err error) {
	want := []Grant{}
	var f mainstay.Faults
	for _, r := range roles {
		if !Role(r.Role).Valid() {
			f.Add("roles", "%q is not a role: use %s.", r.Role, roleList())
		}
		want = append(want, Grant{Role: Role(r.Role), Project: r.Project})
	}
	if err := f.Err(); err != nil {
		return false, err
	}
	slices.SortFunc(want, byProject)
	want = slices.Compact(want)
	err = s.Guard(ctx, func(ctx context.Context) error {
		return s.cfg.Store.Update(ctx, to, func(_ context.Context, has []Grant) ([]Grant, commit.Set, error) {
			set := s.difference(actor, to, has, want)
			changed = !set.IsZero()
			return want, set, nil
		})
	})
	return changed && err == nil, err
}

func roleList() string {
	var names []string
	for _, r := range Roles() {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

func byProject(a, b Grant) int {
	if c := strings.Compare(a.Project, b.Project); c != 0 {
		return c
	}
	return slices.Index(Roles(), a.Role) - slices.Index(Roles(), b.Role)
}

func (s *Service) difference(actor mainstay.Actor, to mainstay.Ref, has, want []Grant) commit.Set {
	now := s.cfg.Time.Now()
	var set commit.Set
	for _, g := range want {
		if !slices.Contains(has, g) {
			set.Facts = append(set.Facts, fact.New(now, "", actor, fact.AccessGranted{Grantee: to.String(), Role: string(g.Role), Project: g.Project}, to))
		}
	}
	for _, g := range has {
		if !slices.Contains(want, g) {
			set.Facts = append(set.Facts, fact.New(now, "", actor, fact.AccessRevoked{Grantee: to.String(), Role: string(g.Role), Project: g.Project}, to))
		}
	}
	return set
}

// Give adds a role, if it is not there yet.
func (s *Service) Give(ctx context.Context, actor mainstay.Actor, to mainstay.Ref, role Role, project string) error {
	_, err := s.change(ctx, actor, to, func(has []people.Role) []people.Role {
		return append(has, people.Role{Role: string(role), Project: project})
	})
	return err
}

// Take takes a role away, and reports whether it was there. Taking the last administrator's is a Conflict.
func (s *Service) Take(ctx context.Context, actor mainstay.Actor, to mainstay.Ref, role Role, project string) (changed bool, err error) {
	return s.change(ctx, actor, to, func(has []people.Role) []people.Role {
		return slices.DeleteFunc(has, func(r people.Role) bool { return r == people.Role{Role: string(role), Project: project} })
	})
}

// change sets the roles to what f makes of them, in one transaction: two who give at the same moment both do.
func (s *Service) change(ctx context.Context, actor mainstay.Actor, to mainstay.Ref, f func([]people.Role) []people.Role) (changed bool, err error) {
	err = s.cfg.Store.Alone(ctx, func(ctx context.Context) error {
		has, err := s.RolesOf(ctx, to)
		if err != nil {
			return err
		}
		changed, err = s.SetRoles(ctx, actor, to, f(has))
		return err
	})
	return changed && err == nil, err
}

// In lists who was given what in the project itself; "" is what counts in all projects.
func (s *Service) In(ctx context.Context, project string) ([]Given, error) {
	return s.cfg.Store.In(ctx, project)
}

// Administrators are the active persons, by id, who are administrator of all projects, by themselves or through a team.
func (s *Service) Administrators(ctx context.Context) ([]string, error) {
	given, err := s.cfg.Store.In(ctx, "")
	if err != nil {
		return nil, err
	}
	return s.persons(ctx, given, Administrator)
}

// Guard runs a change of roles, of a team or of who is active, one at a time, in a transaction. A change that takes the last
// administrator away is a Conflict and is undone. Every way to lose the role goes through it.
func (s *Service) Guard(ctx context.Context, change func(ctx context.Context) error) error {
	return s.cfg.Store.Alone(ctx, func(ctx context.Context) error {
		before, err := s.Administrators(ctx)
		if err != nil {
			return err
		}
		if err := change(ctx); err != nil || len(before) == 0 {
			return err
		}
		after, err := s.Administrators(ctx)
		if err == nil && len(after) == 0 {
			err = errLast()
		}
		return err
	})
}

// ManagerOf is an active person, other than the one, who manages the project: by a role there before one in all projects, managers
// before administrators. "" when there is none. See people.Roles.
func (s *Service) ManagerOf(ctx context.Context, project, other string) (string, error) {
	if project == mainstay.Installation {
		project = ""
	}
	places := []string{project, ""}
	if project == "" {
		places = places[:1]
	}
	for _, place := range places {
		given, err := s.cfg.Store.In(ctx, place)
		if err != nil {
			return "", err
		}
		for _, role := range []Role{Manager, Administrator} {
			persons, err := s.persons(ctx, given, role)
			if err != nil {
				return "", err
			}
			for _, p := range persons {
				if p != other {
					return p, nil
				}
			}
		}
	}
	return "", nil
}

// persons are the active persons who have the role among what was given, by themselves or through a team.
func (s *Service) persons(ctx context.Context, given []Given, role Role) ([]string, error) {
	var persons, teams []string
	for _, g := range given {
		switch {
		case g.Role != role:
		case g.To.Kind == mainstay.KindTeam:
			teams = append(teams, g.To.ID)
		default:
			persons = append(persons, g.To.ID)
		}
	}
	if len(teams) > 0 {
		members, err := s.cfg.Teams.MembersOf(ctx, teams)
		if err != nil {
			return nil, err
		}
		persons = append(persons, members...)
	}
	if len(persons) == 0 {
		return []string{}, nil
	}
	return s.cfg.Teams.ActiveOf(ctx, persons)
}

// KeepsAdministrator is a Conflict when the installation would have no administrator without this person. Within a transaction
// that stays so until its end.
func (s *Service) KeepsAdministrator(ctx context.Context, person string) error {
	return s.cfg.Store.Alone(ctx, func(ctx context.Context) error {
		admins, err := s.Administrators(ctx)
		if err == nil && len(admins) == 1 && admins[0] == person {
			err = errLast()
		}
		return err
	})
}

func errLast() error {
	return mainstay.Errorf(mainstay.Conflict,
		"This is the last administrator. Make somebody else administrator of all projects first; nothing was changed.")
}
