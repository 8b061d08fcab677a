package accessdb_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/access/accessdb"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/people/peopledb"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

var manifest = mainstay.System("manifest")

type projects map[string]string

func (p projects) ProjectID(_ context.Context, name string) (string, error) {
	if id, ok := p[name]; ok {
		return id, nil
	}
	return "", mainstay.Errorf(mainstay.NotFound, "no project")
}

func (p projects) ProjectName(_ context.Context, id string) (string, error) {
	for n, i := range p {
		if i == id {
			return n, nil
		}
	}
	return "", mainstay.Errorf(mainstay.NotFound, "no project")
}

type house struct {
	*mainstaytest.Env
	people *people.Service
	access *access.Service
}

func eachHouse(t *testing.T, f func(t *testing.T, h house)) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		store := peopledb.New(e.DB, e.Saver)
		acc, err := access.New(access.Config{Store: accessdb.New(e.DB, e.Saver), Teams: store, Time: e.Clock})
		if err != nil {
			t.Fatal(err)
		}
		p, err := people.New(people.Config{
			Store: store, Roles: acc, Projects: projects{"shop": "id-of-shop"}, Sealer: paper{}, Time: e.Clock,
		})
		if err != nil {
			t.Fatal(err)
		}
		f(t, house{e, p, acc})
	}, peopledb.Migrations(), accessdb.Migrations())
}

func (h house) person(t *testing.T, name string, spec people.PersonSpec) people.Person {
	t.Helper()
	if _, err := h.people.DefinePerson(t.Context(), manifest, name, spec); err != nil {
		t.Fatal(err)
	}
	p, err := h.people.ByName(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func kinds(facts []fact.Fact) []string {
	var list []string
	for _, f := range facts {
		list = append(list, f.Kind)
	}
	return list
}

func TestManifestOfAPerson(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h house) {
		spec := people.PersonSpec{
			FullName: "Ana Ruiz", Email: "Ana@example.com", Zone: "Europe/Lisbon",
			Contacts: []people.ContactSpec{{Type: "webhook", Address: "https://hooks.example/ana", Pages: true}, {Type: "email", Address: "ana@example.com"}},
			Roles:    []people.RoleSpec{{Role: "responder", Project: "shop"}, {Role: "stakeholder"}},
		}
		ana := h.person(t, "ana", spec)
		if got, err := h.people.ByEmail(t.Context(), "ANA@EXAMPLE.COM"); err != nil || got.ID != ana.ID {
			t.Errorf("by address: %v %v", got, err)
		}
		pages, err := h.people.Contacts(t.Context(), ana.ID, true)
		if err != nil || len(pages) != 1 || pages[0].Channel != people.Webhook || !pages[0].Verified() || len(pages[0].Secret) != 64 {
			t.Errorf("contacts for pages: %+v %v", pages, err)
		}

		changed, err := h.people.DefinePerson(t.Context(), manifest, "ana", spec)
		if err != nil || changed {
			t.Errorf("the same once more: changed=%v %v", changed, err)
		}
		if got, want := kinds(h.Facts(t, mainstay.Installation)), []string{"person.created", "access.granted", "access.granted"}; !slices.Equal(got, want) {
			t.Errorf("facts: %v, want %v", got, want)
		}

		spec.Contacts[1].Pages = true
		spec.Roles = spec.Roles[:1]
		if changed, err = h.people.DefinePerson(t.Context(), manifest, "ana", spec); err != nil || !changed {
			t.Errorf("a contact and a role less: changed=%v %v", changed, err)
		}
		again, err := h.people.Contacts(t.Context(), ana.ID, true)
		if err != nil || len(again) != 2 || again[0].Secret != pages[0].Secret || again[0].ID != pages[0].ID {
			t.Errorf("contacts after the change: %+v %v", again, err)
		}
		back, err := h.people.PersonSpecs(t.Context())
		if err != nil || fmt.Sprint(back["ana"]) != fmt.Sprint(people.PersonSpec{FullName: "Ana Ruiz", Email: "Ana@example.com",
			Zone: "Europe/Lisbon", Language: "en", Contacts: spec.Contacts, Roles: spec.Roles}) {
			t.Errorf("exported: %+v %v", back, err)
		}

		spec.Deactivated = true
		if changed, err = h.people.DefinePerson(t.Context(), manifest, "ana", spec); err != nil || !changed {
			t.Errorf("deactivated: changed=%v %v", changed, err)
		}
		if none, err := h.people.Contacts(t.Context(), ana.ID, true); err != nil || len(none) != 0 {
			t.Errorf("a deactivated person is still paged: %v %v", none, err)
		}
		if changed, err = h.people.DefinePerson(t.Context(), manifest, "ana", spec); err != nil || changed {
			t.Errorf("deactivated once more: changed=%v %v", changed, err)
		}
	})
}

func TestFaultsNameTheField(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h house) {
		h.person(t, "ana", people.PersonSpec{Email: "ana@example.com"})
		for field, c := range map[string]struct {
			name string
			spec people.PersonSpec
		}{
			"email": {"bea", people.PersonSpec{Email: "ANA@example.com"}},
			"name":  {"B e a", people.PersonSpec{}},
			"zone":  {"bea", people.PersonSpec{Zone: "Nowhere"}},
			"roles": {"bea", people.PersonSpec{Roles: []people.RoleSpec{{Role: "god"}}}},
		} {
			_, err := h.people.DefinePerson(t.Context(), manifest, c.name, c.spec)
			if mainstay.ErrorFields(err)[field] == "" {
				t.Errorf("%s: %v", field, err)
			}
		}
		_, err := h.people.DefinePerson(t.Context(), manifest, "bea", people.PersonSpec{Roles: []people.RoleSpec{{Role: "member", Project: "bank"}}})
		if mainstay.ErrorFields(err)["roles"] == "" {
			t.Errorf("an unknown project: %v", err)
		}
		if _, err := h.people.ByName(t.Context(), "bea"); !mainstay.Is(err, mainstay.NotFound) {
			t.Errorf("a faulty manifest left something behind: %v", err)
		}
		if _, err := h.people.DefineTeam(t.Context(), manifest, "pay", people.TeamSpec{Members: []string{"ana", "zoe"}}); mainstay.ErrorFields(err)["members"] == "" {
			t.Errorf("an unknown member: %v", err)
		}
	})
}

func TestTeamsGiveRoles(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h house) {
		ana := h.person(t, "ana", people.PersonSpec{})
		h.person(t, "bea", people.PersonSpec{})
		spec := people.TeamSpec{Title: "Payments", Members: []string{"bea"}, Leads: []string{"ana"}, Roles: []people.RoleSpec{{Role: "responder", Project: "shop"}}}
		if changed, err := h.people.DefineTeam(t.Context(), manifest, "pay", spec); err != nil || !changed {
			t.Fatal(changed, err)
		}
		if changed, err := h.people.DefineTeam(t.Context(), manifest, "pay", spec); err != nil || changed {
			t.Errorf("the same once more: changed=%v %v", changed, err)
		}
		team, err := h.people.Team(t.Context(), "pay")
		if err != nil || len(team.Members) != 2 || !team.Members[0].Lead || team.Members[1].Lead {
			t.Fatalf("team: %+v %v", team, err)
		}
		grants, err := h.access.GrantsOf(t.Context(), ana.ID)
		if err != nil || !slices.Equal(grants, []access.Grant{{Role: access.Responder, Project: "id-of-shop", Team: team.ID}}) {
			t.Errorf("grants through the team: %v %v", grants, err)
		}
		mine, _, err := h.people.Teams(t.Context(), people.TeamQuery{Person: ana.ID})
		if err != nil || len(mine) != 1 || mine[0].Name != "pay" {
			t.Errorf("teams of a person: %v %v", mine, err)
		}
		back, err := h.people.TeamSpecs(t.Context())
		if err != nil || len(back["pay"].Members) != 2 || fmt.Sprint(back["pay"].Roles) != fmt.Sprint(spec.Roles) {
			t.Errorf("exported: %+v %v", back, err)
		}
		spec.Leads = nil
		if changed, err := h.people.DefineTeam(t.Context(), manifest, "pay", spec); err != nil || !changed {
			t.Errorf("without ana: changed=%v %v", changed, err)
		}
		if grants, err := h.access.GrantsOf(t.Context(), ana.ID); err != nil || len(grants) != 0 {
			t.Errorf("ana left the team and kept %v %v", grants, err)
		}
	})
}

func TestTheLastAdministratorStays(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h house) {
		admin := people.PersonSpec{Roles: []people.RoleSpec{{Role: "administrator"}}}
		ana := h.person(t, "ana", admin)
		if err := h.people.SetActive(t.Context(), manifest, ana.ID, false); !mainstay.Is(err, mainstay.Conflict) {
			t.Errorf("the last administrator was deactivated: %v", err)
		}
		if _, err := h.people.DefinePerson(t.Context(), manifest, "ana", people.PersonSpec{}); !mainstay.Is(err, mainstay.Conflict) {
			t.Errorf("the last administrator lost the role: %v", err)
		}
		bea := h.person(t, "bea", people.PersonSpec{})
		if _, err := h.people.DefineTeam(t.Context(), manifest, "ops", people.TeamSpec{Members: []string{"bea"}, Roles: admin.Roles}); err != nil {
			t.Fatal(err)
		}
		if err := h.people.SetActive(t.Context(), manifest, ana.ID, false); err != nil {
			t.Errorf("with another administrator: %v", err)
		}
		if err := h.people.SetActive(t.Context(), manifest, bea.ID, false); !mainstay.Is(err, mainstay.Conflict) {
			t.Errorf("the administrator of the team was the last: %v", err)
		}
	})
}

func TestListsPageAndSearch(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h house) {
		for i := range 25 {
			h.person(t, fmt.Sprintf("p%02d", i), people.PersonSpec{FullName: fmt.Sprintf("Älva %d%%", i)})
		}
		var seen []string
		for after, more := "", true; more; more = after != "" {
			list, next, err := h.people.List(t.Context(), people.Query{After: after, Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range list {
				seen = append(seen, p.Name)
			}
			after = next
		}
		if len(seen) != 25 || !slices.IsSorted(seen) {
			t.Errorf("paging showed %v", seen)
		}
		for search, want := range map[string]int{"ÄLVA": 25, "älva 7": 1, "7%": 2, "%": 25, "_": 0, "p1": 10, "x": 0} {
			list, _, err := h.people.List(t.Context(), people.Query{Search: search})
			if err != nil || len(list) != want {
				t.Errorf("search %q: %d, want %d; %v", search, len(list), want, err)
			}
		}
	})
}

func TestOwnContactsAreNotVerified(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h house) {
		ana := h.person(t, "ana", people.PersonSpec{Email: "ana@example.com"})
		changed, err := h.people.Change(t.Context(), mainstay.Person(ana.ID), ana.ID, false, func(p *people.Person) error {
			p.Contacts = append(p.Contacts, people.Contact{Channel: people.Email, Address: "home@example.com", ForPages: true})
			return nil
		})
		if err != nil || !changed {
			t.Fatal(changed, err)
		}
		list, err := h.people.Contacts(t.Context(), ana.ID, false)
		if err != nil || len(list) != 2 || !list[0].Verified() || list[1].Verified() {
			t.Errorf("contacts: %+v %v", list, err)
		}
		facts := h.Facts(t, mainstay.Installation, "object.changed")
		if len(facts) != 1 || strings.Contains(string(facts[0].Payload), "example.com") {
			t.Errorf("the journal holds personal data: %+v", facts)
		}
	})
}

// paper seals so that everybody can read it: how secrets are sealed is not this test's concern.
type paper struct{}

func (paper) Seal(secret string) (string, error) { return "sealed " + secret, nil }
func (paper) Open(sealed string) (string, error) { return strings.TrimPrefix(sealed, "sealed "), nil }
