package identity

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/people"
)

// roleOfPerson is a role as access gives it.
type roleOfPerson = people.Role

func (g Given) role() roleOfPerson { return people.Role{Role: string(g.Role), Project: g.Project} }

// giveTeams adds the person to teams and takes them out, and returns those places that are the provider's.
func (s *Service) giveTeams(ctx context.Context, person string, had, want, lost []Given) (marked []Given, err error) {
	for _, g := range want {
		if g.Team == "" {
			continue
		}
		added, err := s.join(ctx, g.Team, person)
		if err != nil {
			return nil, err
		}
		if added || slices.Contains(had, g) {
			marked = append(marked, g)
		}
	}
	for _, g := range lost {
		if g.Team == "" {
			continue
		}
		_, _, err := s.cfg.People.ChangeTeam(ctx, self, g.Team, func(t *people.Team) error {
			t.Members = slices.DeleteFunc(t.Members, func(m people.Member) bool { return m.Person == person })
			return nil
		})
		if err != nil && !mainstay.Is(err, mainstay.NotFound) {
			return nil, err
		}
	}
	return marked, nil
}

// join makes the person a member of the team, and reports whether they were none.
func (s *Service) join(ctx context.Context, team, person string) (added bool, err error) {
	p, err := s.cfg.People.ByID(ctx, person)
	if err != nil {
		return false, err
	}
	_, _, err = s.cfg.People.ChangeTeam(ctx, self, team, func(t *people.Team) error {
		if slices.ContainsFunc(t.Members, func(m people.Member) bool { return m.Person == person }) {
			return nil
		}
		added = true
		t.Members = append(t.Members, people.Member{Person: p.ID, Name: p.Name, FullName: p.FullName, Active: p.Active()})
		slices.SortFunc(t.Members, func(a, b people.Member) int { return strings.Compare(a.Name, b.Name) })
		return nil
	})
	return added, err
}

// wanted is what the groups give. A project or team that is gone gives nothing, and is logged.
func (s *Service) wanted(ctx context.Context, p Provider, groups []string) ([]Given, error) {
	list := []Given{}
	for _, g := range p.Spec.Groups {
		if !slices.Contains(groups, g.Group) {
			continue
		}
		x, err := s.give(ctx, g)
		if mainstay.Is(err, mainstay.NotFound) {
			s.cfg.Log.WarnContext(ctx, "a group of an identity provider gives something that is gone", "provider", p.Name, "group", g.Group, "err", err)
			continue
		}
		if err != nil {
			return nil, err
		}
		if !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	return list, nil
}

// claims are what a provider says about an account.
type claims map[string]json.RawMessage

func (c claims) text(name string) string {
	var s string
	if json.Unmarshal(c[name], &s) != nil {
		return ""
	}
	return strings.TrimSpace(s)
}

// yes reports whether a claim is true; some providers write that as text.
func (c claims) yes(name string) bool {
	v := strings.Trim(string(c[name]), `"`)
	return v == "true"
}

// groups reads the claim with the name; dots lead into objects. A single text is one group.
func (c claims) groups(name string) (list []string, found bool) {
	raw, ok := c[name]
	for rest := name; !ok; {
		head, tail, more := strings.Cut(rest, ".")
		inner, there := c[head]
		if !more || !there {
			return nil, false
		}
		c = nil
		if json.Unmarshal(inner, &c) != nil {
			return nil, false
		}
		rest = tail
		raw, ok = c[rest]
	}
	var one string
	if json.Unmarshal(raw, &list) == nil {
		return list, true
	}
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, true
	}
	return nil, true
}
