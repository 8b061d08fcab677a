package access

import (
	"slices"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
)

func viewer(g ...Grant) Viewer {
	return Viewer{Actor: mainstay.Person("p"), PersonID: "p", Name: "ana", Grants: g, Zone: time.UTC}
}

// TestRoles is the role table once more, by hand: a permission that moves between roles must be moved here too.
func TestRoles(t *testing.T) {
	t.Parallel()
	lowest := map[Permission]Role{
		Self:        Customer,
		ProjectRead: Stakeholder, IncidentRead: Stakeholder, PostRead: Stakeholder, ComponentRead: Stakeholder,
		WindowRead: Stakeholder, RootCauseRead: Stakeholder, ArticleRead: Stakeholder, ActionRead: Stakeholder,
		AlertRead: Member, PageRead: Member, OnCallRead: Member, PeopleRead: Member, JournalRead: Member,
		ArticleWrite: Member, ActionWrite: Member,
		AlertRespond: Responder, PageRespond: Responder, IncidentRespond: Responder, PostDraft: Responder, RootCauseWrite: Responder,
		ProjectManage: Manager, OnCallManage: Manager, IncidentManage: Manager, PostApprove: Manager,
		ComponentManage: Manager, WindowManage: Manager, KeyManage: Manager,
		PeopleManage: Administrator, TokenManage: Administrator, SettingManage: Administrator,
	}
	strength := Roles()
	for p, low := range lowest {
		for _, r := range strength {
			want := slices.Index(strength, r) <= slices.Index(strength, low)
			if got := r.May(p); got != want {
				t.Errorf("%s may %s: %v, want %v", r, p, got, want)
			}
			if got := viewer(Grant{Role: r}).May(p, "shop"); got != (want || p == Self) {
				t.Errorf("a %s of everything may %s in a project: %v", r, p, got)
			}
		}
	}
	for _, p := range Administrator.Permissions() {
		if _, ok := lowest[p]; !ok {
			t.Errorf("%s is in the role table but not in this test", p)
		}
		if !p.Valid() {
			t.Errorf("%s is not valid", p)
		}
	}
	for _, r := range strength {
		if !r.Valid() || r.Title() == "" || !r.May(Public) {
			t.Errorf("role %s lacks something", r)
		}
	}
	if Role("root").Valid() || Role("root").May(Self) || Permission("everything").Valid() {
		t.Error("an unknown role or permission means something")
	}
}

// What is private is for those who manage incidents there and for those who know of it anyway; responding is not enough.
func TestSees(t *testing.T) {
	t.Parallel()
	knows := viewer(Grant{Role: Stakeholder, Project: "shop"})
	knows.Known = []string{"i1"}
	for name, c := range map[string]struct {
		v                  Viewer
		public, one, other bool
		all                bool
		projects, known    []string
	}{
		"nobody":               {v: Viewer{Known: []string{"i1"}}, public: true},
		"responder":            {v: viewer(Grant{Role: Responder, Project: "shop"}), public: true},
		"manager":              {v: viewer(Grant{Role: Manager, Project: "shop"}), public: true, one: true, other: true, projects: []string{"shop"}},
		"manager elsewhere":    {v: viewer(Grant{Role: Manager, Project: "bank"}), public: true, projects: []string{"bank"}},
		"administrator of all": {v: viewer(Grant{Role: Administrator}), public: true, one: true, other: true, all: true},
		"with a role in one":   {v: knows, public: true, one: true, known: []string{"i1"}},
	} {
		if c.v.Sees("i1", "shop", false) != c.public || c.v.Sees("i1", "shop", true) != c.one || c.v.Sees("i2", "shop", true) != c.other {
			t.Errorf("%s sees otherwise", name)
		}
		if all, projects, known := c.v.Private(); all != c.all || !slices.Equal(projects, c.projects) || !slices.Equal(known, c.known) {
			t.Errorf("%s: lists hold %v, %v, %v", name, all, projects, known)
		}
	}
}

func TestMay(t *testing.T) {
	t.Parallel()
	shop := viewer(Grant{Role: Responder, Project: "shop"}, Grant{Role: Stakeholder, Project: "bank"})
	owner := viewer(Grant{Role: Administrator, Project: "shop"})
	all := viewer(Grant{Role: Administrator})
	for _, c := range []struct {
		name    string
		v       Viewer
		p       Permission
		project string
		want    bool
	}{
		{"nobody sees what is public", Viewer{}, Public, "shop", true},
		{"nobody is not somebody", Viewer{}, Self, "", false},
		{"grants without an actor are worth nothing", Viewer{Grants: []Grant{{Role: Administrator}}}, AlertRead, "shop", false},
		{"somebody without a role is still somebody", viewer(), Self, "", true},
		{"and sees nothing", viewer(), ProjectRead, "shop", false},
		{"a responder responds in the project", shop, PageRespond, "shop", true},
		{"and not in another", shop, PageRespond, "bank", false},
		{"there the weaker role counts", shop, IncidentRead, "bank", true},
		{"nor over what belongs to none", shop, PageRespond, "", false},
		{"but sees the people", shop, PeopleRead, "", true},
		{"and shared schedules", shop, OnCallRead, mainstay.Installation, true},
		{"not the installation's journal", shop, JournalRead, mainstay.Installation, false},
		{"an administrator of one project manages it", owner, ProjectManage, "shop", true},
		{"but not people", owner, PeopleManage, "", false},
		{"not even by naming the project", owner, PeopleManage, "shop", false},
		{"an administrator of all manages people", all, PeopleManage, "", true},
		{"and reads the installation's journal", all, JournalRead, mainstay.Installation, true},
		{"unknown permissions are held by nobody", all, "everything", "", false},
	} {
		if got := c.v.May(c.p, c.project); got != c.want {
			t.Errorf("%s: May(%s, %q) = %v", c.name, c.p, c.project, got)
		}
	}
}

func TestMayAnyAndProjects(t *testing.T) {
	t.Parallel()
	v := viewer(Grant{Role: Responder, Project: "shop"}, Grant{Role: Member, Project: "bank", Team: "t"}, Grant{Role: Member, Project: "bank"})
	if !v.MayAny(PageRespond) || v.MayAny(ProjectManage) {
		t.Error("MayAny does not follow the grants")
	}
	if all, ids := v.Projects(AlertRead); all || !slices.Equal(ids, []string{"bank", "shop"}) {
		t.Errorf("projects with alerts to read: all=%v %v", all, ids)
	}
	if all, ids := v.Projects(PageRespond); all || !slices.Equal(ids, []string{"shop"}) {
		t.Errorf("projects with pages to respond to: all=%v %v", all, ids)
	}
	owner := viewer(Grant{Role: Administrator, Project: "shop"})
	if owner.MayAny(TokenManage) {
		t.Error("an administrator of one project could make tokens for all")
	}
	if all, ids := owner.Projects(TokenManage); all || len(ids) != 0 {
		t.Errorf("an administrator of one project holds token.manage in all=%v %v", all, ids)
	}
	if all, _ := viewer(Grant{Role: Member}).Projects(AlertRead); !all {
		t.Error("a grant for all projects is not one for all projects")
	}
	if all, ids := (Viewer{}).Projects(AlertRead); all || ids != nil {
		t.Error("nobody has projects")
	}
}
