package accessdb_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/people"
)

// ways are all the ways in which somebody can stop being administrator. Each person is it by a team of their own and by nothing else,
// or by themselves.
var ways = map[string]struct {
	team bool
	end  func(ctx context.Context, h house, name string) error
}{
	"the role is taken": {false, func(ctx context.Context, h house, name string) error {
		p, err := h.people.ByName(ctx, name)
		if err == nil {
			_, err = h.access.Take(ctx, manifest, p.Ref(), access.Administrator, "")
		}
		return err
	}},
	"the person is deactivated": {false, func(ctx context.Context, h house, name string) error {
		p, err := h.people.ByName(ctx, name)
		if err == nil {
			err = h.people.SetActive(ctx, manifest, p.ID, false)
		}
		return err
	}},
	"the manifest leaves the role out": {false, func(ctx context.Context, h house, name string) error {
		_, err := h.people.DefinePerson(ctx, manifest, name, people.PersonSpec{})
		return err
	}},
	"the manifest deactivates": {false, func(ctx context.Context, h house, name string) error {
		_, err := h.people.DefinePerson(ctx, manifest, name, people.PersonSpec{Deactivated: true, Roles: []people.RoleSpec{{Role: "administrator"}}})
		return err
	}},
	"the member leaves the team": {true, func(ctx context.Context, h house, name string) error {
		t, err := h.people.Team(ctx, "of-"+name)
		if err == nil {
			_, _, err = h.people.ChangeTeam(ctx, manifest, t.ID, func(t *people.Team) error { t.Members = nil; return nil })
		}
		return err
	}},
	"the team loses the role": {true, func(ctx context.Context, h house, name string) error {
		t, err := h.people.Team(ctx, "of-"+name)
		if err == nil {
			_, err = h.access.SetRoles(ctx, manifest, t.Ref(), nil)
		}
		return err
	}},
	"the team is removed": {true, func(ctx context.Context, h house, name string) error {
		return h.people.RemoveTeam(ctx, manifest, "of-"+name)
	}},
	"the manifest empties the team": {true, func(ctx context.Context, h house, name string) error {
		_, err := h.people.DefineTeam(ctx, manifest, "of-"+name, people.TeamSpec{Roles: []people.RoleSpec{{Role: "administrator"}}})
		return err
	}},
	"the member of the team is deactivated": {true, func(ctx context.Context, h house, name string) error {
		p, err := h.people.ByName(ctx, name)
		if err == nil {
			err = h.people.Deactivate(ctx, manifest, p.ID, people.Successors{})
		}
		return err
	}},
}

// makeAdministrator gives the role by the person or by a team that has no other members.
func (h house) makeAdministrator(t *testing.T, name string, team bool) {
	t.Helper()
	all := []people.RoleSpec{{Role: "administrator"}}
	if !team {
		h.person(t, name, people.PersonSpec{Roles: all})
		return
	}
	h.person(t, name, people.PersonSpec{})
	if _, err := h.people.DefineTeam(t.Context(), manifest, "of-"+name, people.TeamSpec{Members: []string{name}, Roles: all}); err != nil {
		t.Fatal(err)
	}
}

func TestNoWayLosesTheLastAdministrator(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h house) {
		names := []string{}
		for name := range ways {
			names = append(names, name)
		}
		slices.Sort(names)
		for i, name := range names {
			way := ways[name]
			who := fmt.Sprintf("p%d", i)
			h.makeAdministrator(t, who, way.team)
			// The one of before goes; now this one is alone.
			if i > 0 {
				before := ways[names[i-1]]
				if err := before.end(t.Context(), h, fmt.Sprintf("p%d", i-1)); err != nil {
					t.Fatalf("with another one, %s: %v", names[i-1], err)
				}
			}
			was := len(h.Facts(t, mainstay.Installation))
			if err := way.end(t.Context(), h, who); !mainstay.Is(err, mainstay.Conflict) {
				t.Errorf("%s, and that was the last: %v", name, err)
			}
			if n := len(h.Facts(t, mainstay.Installation)); n != was {
				t.Errorf("%s was refused and left %d facts", name, n-was)
			}
			if list, err := h.access.Administrators(t.Context()); err != nil || len(list) != 1 {
				t.Fatalf("after %s: administrators %v %v", name, list, err)
			}
		}
	})
}

func TestTwoWhoEndEachOtherAtOnceLeaveOne(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h house) {
		round := 0
		for one, a := range ways {
			for other, b := range ways {
				if one > other {
					continue
				}
				ana, bea := fmt.Sprintf("ana%d", round), fmt.Sprintf("bea%d", round)
				round++
				h.makeAdministrator(t, ana, a.team)
				h.makeAdministrator(t, bea, b.team)
				h.onlyThese(t, ana, bea)
				var wg sync.WaitGroup
				errs := make([]error, 2)
				wg.Go(func() { errs[0] = a.end(t.Context(), h, ana) })
				wg.Go(func() { errs[1] = b.end(t.Context(), h, bea) })
				wg.Wait()
				list, err := h.access.Administrators(t.Context())
				if err != nil || len(list) != 1 {
					t.Fatalf("%s and %s at once left %v: %v, %v", one, other, list, errs, err)
				}
				if (errs[0] == nil) == (errs[1] == nil) {
					t.Fatalf("%s and %s at once: %v", one, other, errs)
				}
			}
		}
	})
}

// onlyThese takes the role from everybody else.
func (h house) onlyThese(t *testing.T, names ...string) {
	t.Helper()
	list, err := h.access.Administrators(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range list {
		p, err := h.people.ByID(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(names, p.Name) {
			if err := h.people.SetActive(t.Context(), manifest, p.ID, false); err != nil {
				t.Fatal(err)
			}
		}
	}
}
