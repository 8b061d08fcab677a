package identitydb_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/mainstaytest/idp"
)

const back = "https://support.example.org/sign-in/with/example/back"

// with signs in with the stand-in, as a browser would.
func (h house) with(t testing.TB, p *idp.Provider) (identity.Signed, error) {
	t.Helper()
	away, err := h.identity.ToProvider(t.Context(), "example", back, "/incidents")
	if err != nil {
		return identity.Signed{}, err
	}
	signed, next, err := h.identity.FromProvider(t.Context(), client, "example", away.Cookie, p.Authorize(away.URL))
	if err == nil && next != "/incidents" {
		t.Errorf("the person wanted to go to /incidents, not %s", next)
	}
	return signed, err
}

// eachProvider tells a story with a stand-in provider that is known as "example".
func eachProvider(t *testing.T, spec identity.ProviderSpec, f func(t *testing.T, h house, p *idp.Provider)) {
	eachHouse(t, identity.Config{HTTP: http.DefaultClient}, func(t *testing.T, h house) {
		h.setup(t)
		for _, name := range []string{"shop", "depot"} {
			if _, err := h.projects.Define(t.Context(), mainstay.System("test"), name, project.Spec{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := h.people.ChangeTeam(t.Context(), mainstay.System("test"), "", func(x *people.Team) error { x.Name, x.Title = "crew", "Crew"; return nil }); err != nil {
			t.Fatal(err)
		}
		p := idp.New(t, h.Clock)
		p.Claims = map[string]any{"email": "bea@example.com", "email_verified": true, "name": "Bea Lund", "preferred_username": "bea"}
		spec.Issuer, spec.ClientID, spec.ClientSecret = p.URL, idp.ClientID, idp.ClientSecret
		if changed, err := h.identity.DefineProvider(t.Context(), mainstay.System("test"), "", "example", spec); err != nil || !changed {
			t.Fatal(changed, err)
		}
		f(t, h, p)
	})
}

func (h house) roles(t testing.TB, person string) []string {
	t.Helper()
	grants, err := h.access.GrantsOf(t.Context(), person)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, g := range grants {
		where := "all"
		if g.Project != "" {
			if where, err = h.projects.ProjectName(t.Context(), g.Project); err != nil {
				t.Fatal(err)
			}
		}
		list = append(list, string(g.Role)+" in "+where)
	}
	slices.Sort(list)
	return list
}

func TestAnAccountElsewhereSignsIn(t *testing.T) {
	t.Parallel()
	eachProvider(t, identity.ProviderSpec{CreatePersons: true, Domains: []string{"example.com"}}, func(t *testing.T, h house, p *idp.Provider) {
		signed, err := h.with(t, p)
		if err != nil {
			t.Fatal(err)
		}
		bea := signed.Person
		if v := h.viewer(t, signed); v.PersonID != bea.ID || bea.Name != "bea" || bea.FullName != "Bea Lund" || signed.Session.Provider != "example" {
			t.Errorf("who came in: %+v as %+v", v, bea)
		}
		p.Claims["email"] = "bea.lund@example.com" // she married; the account is the same
		again, err := h.with(t, p)
		if err != nil || again.Person.ID != bea.ID {
			t.Errorf("the same account with another address: %v %v", again.Person.ID, err)
		}
		if err := h.people.SetActive(t.Context(), mainstay.System("test"), bea.ID, false); err != nil {
			t.Fatal(err)
		}
		if _, err := h.with(t, p); !mainstay.Is(err, mainstay.Denied) || !strings.Contains(err.Error(), "deactivated") {
			t.Errorf("a deactivated person: %v", err)
		}
		p.Claims = map[string]any{"sub": "account-2", "email": "Ana@Example.com", "email_verified": "true"}
		linked, err := h.with(t, p)
		if err != nil || linked.Person.Name != "ana" {
			t.Errorf("the account with ana's verified address: %+v %v", linked.Person, err)
		}
		accounts, err := h.identity.AccountsOf(t.Context(), linked.Person.ID)
		if err != nil || len(accounts) != 1 || accounts[0].Subject != "account-2" {
			t.Errorf("linked: %+v %v", accounts, err)
		}
		proof := identity.Proof{Person: linked.Person.ID, Session: linked.Session.ID, Text: password}
		if err := h.identity.Unlink(t.Context(), proof, "example"); err != nil {
			t.Fatal(err)
		}
		if list, err := h.identity.AccountsOf(t.Context(), linked.Person.ID); err != nil || len(list) != 0 {
			t.Errorf("unlinked: %v %v", list, err)
		}
		if kinds := h.kinds(t); !slices.Contains(kinds, "identity.account_linked") || !slices.Contains(kinds, "identity.account_unlinked") {
			t.Errorf("facts: %v", kinds)
		}
		if to := h.identity.LeaveURL(t.Context(), "example", "https://support.example.org/sign-in"); !strings.HasPrefix(to, p.URL+"/leave?") {
			t.Errorf("signing out there: %q", to)
		}
	})
}

func TestWhoeverIsNotLetIn(t *testing.T) {
	t.Parallel()
	eachProvider(t, identity.ProviderSpec{Domains: []string{"example.com"}}, func(t *testing.T, h house, p *idp.Provider) {
		for name, c := range map[string]struct {
			claims map[string]any
			says   string
		}{
			"not verified":       {map[string]any{"email": email, "email_verified": false}, "not verified"},
			"verified unsaid":    {map[string]any{"email": email}, "not verified"},
			"no address":         {map[string]any{"name": "Ana"}, "does not tell your e-mail address"},
			"another domain":     {map[string]any{"email": "ana@example.com.evil.example", "email_verified": true}, "may not sign in"},
			"nobody has it here": {map[string]any{"email": "eve@example.com", "email_verified": true}, "Nobody here has the address"},
		} {
			p.Claims = c.claims
			if _, err := h.with(t, p); !mainstay.Is(err, mainstay.Denied) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v", name, err)
			}
		}
		list, err := h.people.ByName(t.Context(), "eve")
		if !mainstay.Is(err, mainstay.NotFound) {
			t.Errorf("a person was made: %+v %v", list, err)
		}
		refused := 0
		for _, k := range h.kinds(t) {
			if k == "identity.provider_refused" {
				refused++
			}
		}
		if refused != 5 {
			t.Errorf("%d facts of five refusals", refused)
		}
	})
}

func TestAProviderThatLies(t *testing.T) {
	t.Parallel()
	eachProvider(t, identity.ProviderSpec{CreatePersons: true}, func(t *testing.T, h house, p *idp.Provider) {
		for fault, says := range map[string]string{
			"nonce": "belongs to another sign-in", "audience": "issued for another client", "party": "issued for another client",
			"expired": "has run out", "issuer": "not signed by a key of the issuer", "key": "not signed by a key of the issuer",
			"key under the same name": "not signed by a key of the issuer", "unsigned": "not signed by a key of the issuer", "no token": "no ID token",
		} {
			p.Fault = fault
			if signed, err := h.with(t, p); !mainstay.Is(err, mainstay.Denied) || !strings.Contains(err.Error(), says) || signed.Secret != "" {
				t.Errorf("%s: %v", fault, err)
			}
		}
		p.Fault = ""
		away, err := h.identity.ToProvider(t.Context(), "example", back, "/")
		if err != nil {
			t.Fatal(err)
		}
		good := p.Authorize(away.URL)
		from := func(cookie string, q url.Values) error {
			_, _, err := h.identity.FromProvider(t.Context(), client, "example", cookie, q)
			return err
		}
		other := url.Values{"state": {"invented"}, "code": good["code"]}
		if err := from(away.Cookie, other); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Errorf("another state: %v", err)
		}
		if err := from("", good); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Errorf("another browser: %v", err)
		}
		mixed := url.Values{"state": good["state"], "code": good["code"], "iss": {"https://id.example.net"}}
		if err := from(away.Cookie, mixed); !mainstay.Is(err, mainstay.Denied) {
			t.Errorf("the answer of another issuer: %v", err)
		}
		if err := from(away.Cookie, url.Values{"state": good["state"], "error": {"access_denied"}, "error_description": {"The user <b>said</b> no"}}); !mainstay.Is(err, mainstay.Denied) || !strings.Contains(err.Error(), "said") {
			t.Errorf("a refusal there: %v", err)
		}
		second, err := h.identity.ToProvider(t.Context(), "example", back, "/")
		if err != nil {
			t.Fatal(err)
		}
		stolen := p.Authorize(second.URL)
		stolen.Set("state", good.Get("state"))
		if err := from(away.Cookie, stolen); !mainstay.Is(err, mainstay.Denied) {
			t.Errorf("a code that another browser asked for passes PKCE: %v", err)
		}
		if err := from(away.Cookie, good); err != nil {
			t.Errorf("the good answer: %v", err)
		}
		if err := from(away.Cookie, good); err == nil {
			t.Error("an answer counts twice")
		}
	})
}

func TestAProviderThatIsDown(t *testing.T) {
	t.Parallel()
	eachProvider(t, identity.ProviderSpec{}, func(t *testing.T, h house, p *idp.Provider) {
		if says, err := h.identity.Probe(t.Context(), "example"); says != "" || err != nil {
			t.Errorf("the test of a good one: %q %v", says, err)
		}
		for fault, says := range map[string]string{"down": "503", "another issuer": "issuer"} {
			p.Fault = fault
			if got, err := h.identity.Probe(t.Context(), "example"); !strings.Contains(got, says) || err != nil {
				t.Errorf("%s: %q %v", fault, got, err)
			}
			if _, err := h.with(t, p); !mainstay.Is(err, mainstay.Unavailable) || !strings.Contains(err.Error(), "cannot be reached") {
				t.Errorf("%s: %v", fault, err)
			}
		}
		p.Fault = ""
		spec := identity.ProviderSpec{Issuer: p.URL, ClientID: idp.ClientID, ClientSecret: "another"}
		if _, err := h.identity.DefineProvider(t.Context(), mainstay.System("test"), "", "example", spec); err != nil {
			t.Fatal(err)
		}
		if _, err := h.with(t, p); !mainstay.Is(err, mainstay.Unavailable) || !strings.Contains(err.Error(), "client id or secret is wrong") {
			t.Errorf("a wrong secret: %v", err)
		}
		spec.ClientSecret, spec.Disabled = "", true
		if _, err := h.identity.DefineProvider(t.Context(), mainstay.System("test"), "", "example", spec); err != nil {
			t.Fatal(err)
		}
		if _, err := h.with(t, p); !mainstay.Is(err, mainstay.NotFound) {
			t.Errorf("a provider that is turned off: %v", err)
		}
	})
}

func TestGroupsGiveRoles(t *testing.T) {
	t.Parallel()
	spec := identity.ProviderSpec{CreatePersons: true, GroupsClaim: "realm.roles", Groups: []identity.GroupSpec{
		{Group: "/sre", Role: "responder", Project: "shop"}, {Group: "/sre", Team: "crew"}, {Group: "/leads", Role: "manager", Project: "depot"},
		{Group: "/all", Role: "stakeholder"},
	}}
	eachProvider(t, spec, func(t *testing.T, h house, p *idp.Provider) {
		in := func(groups ...string) identity.Signed {
			t.Helper()
			p.Claims["realm"] = map[string]any{"roles": groups}
			s, err := h.with(t, p)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		is := func(person string, want ...string) {
			t.Helper()
			if got := h.roles(t, person); !slices.Equal(got, want) {
				t.Errorf("roles: %v, not %v", got, want)
			}
		}
		bea := in("/sre", "/all", "/unknown").Person
		is(bea.ID, "responder in shop", "stakeholder in all")
		crew, err := h.people.Team(t.Context(), "crew")
		if err != nil || len(crew.Members) != 1 || crew.Members[0].Person != bea.ID {
			t.Errorf("the team: %+v %v", crew, err)
		}
		depot, err := h.projects.ProjectID(t.Context(), "depot")
		if err != nil {
			t.Fatal(err)
		}
		if err := h.access.Give(t.Context(), mainstay.System("test"), bea.Ref(), access.Manager, depot); err != nil { // by hand
			t.Fatal(err)
		}
		in("/leads")
		is(bea.ID, "manager in depot")
		if crew, err = h.people.Team(t.Context(), "crew"); err != nil || len(crew.Members) != 0 {
			t.Errorf("the team after the group is gone: %+v %v", crew, err)
		}
		in()
		is(bea.ID, "manager in depot") // which was given by hand
		in("/sre")
		given, err := h.identity.GivenTo(t.Context(), bea.ID)
		if err != nil || len(given) != 2 {
			t.Errorf("marked as the provider's: %+v %v", given, err)
		}
		if err := h.identity.RemoveProvider(t.Context(), mainstay.System("test"), "", "example"); err != nil {
			t.Fatal(err)
		}
		is(bea.ID, "manager in depot")
	})
}

func TestTheLastAdministratorStays(t *testing.T) {
	t.Parallel()
	spec := identity.ProviderSpec{CreatePersons: true, Groups: []identity.GroupSpec{{Group: "admins", Role: "administrator"}}}
	eachProvider(t, spec, func(t *testing.T, h house, p *idp.Provider) {
		p.Claims["groups"] = "admins" // one group as a text, as some write it
		bea, err := h.with(t, p)
		if err != nil {
			t.Fatal(err)
		}
		ana, err := h.people.ByName(t.Context(), "ana")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.access.SetRoles(t.Context(), mainstay.System("test"), ana.Ref(), nil); err != nil {
			t.Fatal(err)
		}
		p.Claims["groups"] = []string{}
		if _, err := h.with(t, p); err != nil {
			t.Fatal(err)
		}
		if got := h.roles(t, bea.Person.ID); !slices.Equal(got, []string{"administrator in all"}) {
			t.Errorf("the last administrator has %v", got)
		}
		if err := h.access.Give(t.Context(), mainstay.System("test"), ana.Ref(), access.Administrator, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := h.with(t, p); err != nil {
			t.Fatal(err)
		}
		if got := h.roles(t, bea.Person.ID); len(got) != 0 {
			t.Errorf("with another administrator the role goes with the group: %v", got)
		}
	})
}

// TestUserinfo signs in with a provider that tells the address and the groups only when it is asked for them.
func TestUserinfo(t *testing.T) {
	t.Parallel()
	spec := identity.ProviderSpec{CreatePersons: true, Groups: []identity.GroupSpec{{Group: "sre", Role: "responder"}}}
	eachProvider(t, spec, func(t *testing.T, h house, p *idp.Provider) {
		p.Claims = map[string]any{"email_verified": true} // which says nothing without an address
		p.Userinfo = map[string]any{"sub": "another", "email": "bea@example.com", "email_verified": true, "groups": []string{"sre"}}
		if _, err := h.with(t, p); !mainstay.Is(err, mainstay.Denied) {
			t.Errorf("userinfo of another account: %v", err)
		}
		p.Userinfo["sub"], p.Userinfo["email_verified"] = "account-1", false
		if _, err := h.with(t, p); !mainstay.Is(err, mainstay.Denied) {
			t.Errorf("an address that is not verified: %v", err)
		}
		p.Userinfo["email_verified"] = true
		s, err := h.with(t, p)
		if err != nil || !slices.Equal(h.roles(t, s.Person.ID), []string{"responder in all"}) {
			t.Errorf("%+v %v", s.Person, err)
		}
	})
}

func TestPasswordsForAdministratorsOnly(t *testing.T) {
	t.Parallel()
	eachProvider(t, identity.ProviderSpec{AskSecondFactor: true}, func(t *testing.T, h house, p *idp.Provider) {
		by := mainstay.System("test")
		bea, err := h.people.Create(t.Context(), by, people.Person{Name: "bea", FullName: "Bea", Email: "bea@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.identity.SetPassword(t.Context(), by, bea.ID, "under the old bridge"); err != nil {
			t.Fatal(err)
		}
		if _, err := h.identity.SetPolicy(t.Context(), by, identity.Policy{Passwords: identity.PasswordsAdministrators}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.try(t, bea.Email, "under the old bridge", "192.0.2.1"); !mainstay.Is(err, mainstay.Denied) {
			t.Errorf("a password of somebody who is no administrator: %v", err)
		}
		if _, err := h.try(t, bea.Email, "wrong password", "192.0.2.1"); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Errorf("a wrong one says the same as ever: %v", err)
		}
		h.signIn(t)
		secret, _ := h.enrolled(t, bea)
		h.Clock.Advance(time.Minute)
		signed, err := h.with(t, p)
		if err != nil || signed.Step == "" {
			t.Fatalf("the second factor is not asked for: %+v %v", signed, err)
		}
		done, err := h.identity.Second(t.Context(), client, signed.Step, h.code(t, secret))
		if err != nil || done.Session.Method != "provider example and code" || done.Session.Provider != "example" {
			t.Errorf("%+v %v", done.Session, err)
		}
	})
}

func TestAFaultyProvider(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		by := mainstay.System("test")
		spec := identity.ProviderSpec{
			Issuer: "http://id.example.org", Scopes: []string{"two words"}, Domains: []string{"@example"},
			Groups: []identity.GroupSpec{{Group: "a", Role: "god"}, {Group: "b", Role: "member", Team: "crew"}, {}},
		}
		_, err := h.identity.DefineProvider(t.Context(), by, "", "Not a name", spec)
		faults := mainstay.ErrorFields(err)
		for _, field := range []string{"name", "issuer", "clientId", "scopes", "domains", "groups"} {
			if faults[field] == "" {
				t.Errorf("no fault of %s: %v", field, err)
			}
		}
		good := identity.ProviderSpec{Issuer: "https://id.example.org", ClientID: "mainstay", ClientSecret: "one"}
		good.Groups = []identity.GroupSpec{{Group: "a", Role: "member", Project: "nowhere"}, {Group: "a", Team: "nobody"}}
		if _, err := h.identity.DefineProvider(t.Context(), by, "", "example", good); !strings.Contains(mainstay.ErrorFields(err)["groups"], "nowhere") {
			t.Errorf("a project that does not exist: %v", err)
		}
		good.Groups = nil
		for i, want := range []bool{true, false} {
			if changed, err := h.identity.DefineProvider(t.Context(), by, "", "example", good); err != nil || changed != want {
				t.Errorf("%d: %v %v", i, changed, err)
			}
		}
		good.ClientSecret = "" // as an export writes it
		if changed, err := h.identity.DefineProvider(t.Context(), by, "", "example", good); err != nil || changed {
			t.Errorf("without a secret nothing changes: %v %v", changed, err)
		}
		p, err := h.identity.Provider(t.Context(), "example")
		if err != nil || p.Sealed == "" || strings.Contains(p.Sealed, "one") {
			t.Errorf("%+v %v", p, err)
		}
		specs, err := h.identity.ProviderSpecs(t.Context(), "")
		if err != nil || specs["example"].ClientSecret != "" || specs["example"].ClientID != "mainstay" {
			t.Errorf("exported: %+v %v", specs, err)
		}
	})
}
