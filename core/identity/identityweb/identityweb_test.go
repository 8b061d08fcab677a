package identityweb_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/identity/identityweb"
	"github.com/mainstayhq/mainstay/mainstaytest/house"
)

func eachHouse(t *testing.T, f func(t *testing.T, h *house.House)) {
	house.Databases(t, func(t *testing.T, h *house.House) {
		h.Serve(t, identityweb.New(identityweb.Config{Identity: h.Identity, People: h.People, Access: h.Access, Projects: h.Projects}))
		f(t, h)
	})
}

func TestTheFirstAdministratorSetsUp(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		secret, err := h.Identity.SetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b := h.Browser(t)
		if p := b.Get("/setup/" + strings.Repeat("x", 43)); p.Status != http.StatusGone {
			t.Errorf("an invented link: %d %s", p.Status, p.Text())
		}
		p := b.Get("/setup/" + secret)
		p = p.Press("Set the password and sign in", url.Values{"email": {"ana"}, "name": {"Ana <b>"}, "password": {"short"}, "again": {"short"}})
		if p.Status != 422 || !p.Says("is not an e-mail address") || !p.Says("at least 10 characters") || p.Doc.Find(`[name=name]`).AttrOr("value", "") != "Ana <b>" {
			t.Errorf("a faulty form: %d %s", p.Status, p.Text())
		}
		if p.Doc.Find(`input[type=password]`).AttrOr("value", "") != "" {
			t.Error("a password stands in the page")
		}
		p = p.Press("Set the password and sign in", url.Values{"email": {"ana@example.com"}, "password": {house.Password}, "again": {house.Password + "x"}})
		if p.Status != 422 || !p.Says("not the same") {
			t.Errorf("two different passwords: %d %s", p.Status, p.Text())
		}
		p = p.Press("Set the password and sign in", url.Values{"password": {house.Password}, "again": {house.Password}})
		if p.Status != 200 || p.Path != "/" || !p.Says("Welcome") {
			t.Errorf("set up: %d %s %s", p.Status, p.Path, p.Text())
		}
		if p := b.Get("/admin"); p.Status != 200 || !p.Says("API tokens") {
			t.Errorf("the administrator's pages: %d %s", p.Status, p.Text())
		}
		if p := h.Browser(t).Get("/setup/" + secret); p.Status != http.StatusGone {
			t.Errorf("the used link: %d %s", p.Status, p.Text())
		}
	})
}

func TestSigningIn(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		h.Person(t, "ana", access.Grant{Role: access.Administrator})
		b := h.Browser(t)
		p := b.Get("/admin/tokens?x=1")
		if p.Path != "/sign-in?next=%2Fadmin%2Ftokens%3Fx%3D1" {
			t.Fatalf("nobody is sent to %s", p.Path)
		}
		p = p.Press("Sign in", url.Values{"email": {"ana@example.com"}, "password": {"wrong password"}})
		if p.Status != http.StatusUnauthorized || !p.Says("The address or the password is wrong") || p.Doc.Find("[name=email]").AttrOr("value", "") != "ana@example.com" {
			t.Errorf("a wrong password: %d %s", p.Status, p.Text())
		}
		if len(b.Cookies()) != 0 {
			t.Errorf("cookies of nobody: %v", b.Cookies())
		}
		p = p.Press("Sign in", url.Values{"password": {house.Password}})
		if p.Status != 200 || p.Path != "/admin/tokens?x=1" {
			t.Errorf("signed in: %d %s", p.Status, p.Path)
		}
		if !slices.Contains(b.Cookies(), "mainstay_session") {
			t.Errorf("cookies: %v", b.Cookies())
		}
		for _, next := range []string{"//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"} {
			p := h.Browser(t).Get("/sign-in?" + url.Values{"next": {next}}.Encode())
			if p = p.Press("Sign in", url.Values{"email": {"ana@example.com"}, "password": {house.Password}}); p.Path != "/" {
				t.Errorf("next=%s leads to %s", next, p.Path)
			}
		}
		if p = b.Get("/me").Press("Sign out", nil); p.Path != "/sign-in" {
			t.Errorf("signed out: %s", p.Path)
		}
		if p = b.Get("/me"); !strings.HasPrefix(p.Path, "/sign-in") {
			t.Errorf("after signing out: %s", p.Path)
		}
	})
}

func TestALockedClientIsToldHowLong(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		h.Person(t, "ana")
		p := h.Browser(t).Get("/sign-in")
		for range 5 {
			p = p.Press("Sign in", url.Values{"email": {"ana@example.com"}, "password": {"wrong password"}})
		}
		p = p.Press("Sign in", url.Values{"password": {house.Password}})
		if p.Status != http.StatusTooManyRequests || p.Header.Get("Retry-After") != "30" || !p.Says("Wait a minute") {
			t.Errorf("%d %v %s", p.Status, p.Header, p.Text())
		}
		h.Clock.Advance(30 * time.Second)
		if p = p.Press("Sign in", url.Values{"password": {house.Password}}); p.Status != 200 || p.Path != "/" {
			t.Errorf("after the wait: %d %s", p.Status, p.Path)
		}
	})
}

func TestOnesOwnPage(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		h.Person(t, "ana", access.Grant{Role: access.Member, Project: h.Project(t, "shop")})
		here, there := h.As(t, "ana"), h.As(t, "ana")
		if p := here.Get("/me"); p.Status != 200 || !p.Says("ana@example.com") || !p.Says("member in shop") || !p.Says("2 devices") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
		p := here.Get("/me/security")
		if p.Status != 200 || !p.Says("ana@example.com") || p.Doc.Find("#sessions tbody tr").Length() != 2 {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		if p = p.Press("End", nil); !p.Says("That session has ended") || p.Doc.Find("#sessions tbody tr").Length() != 1 {
			t.Errorf("ending the other session: %s", p.Text())
		}
		if p := there.Get("/me"); !strings.HasPrefix(p.Path, "/sign-in") {
			t.Errorf("the other session goes on: %s", p.Path)
		}
		p = p.Press("Change the password", url.Values{"present": {"wrong password"}, "password": {"another long one"}, "again": {"another long one"}})
		if p.Status != 422 || !p.Says("not your present password") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
		p = p.Press("Change the password", url.Values{"present": {house.Password}, "password": {"another long one"}, "again": {"another long one"}})
		if p.Status != 200 || !p.Says("Your password is changed") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
		if p = p.Press("Sign out everywhere", nil); p.Path != "/sign-in" {
			t.Errorf("signed out everywhere: %s", p.Path)
		}
		if p := h.Browser(t).Call("POST", "/me/password", "", ""); p.Status != http.StatusUnauthorized {
			t.Errorf("nobody changes a password: %d", p.Status)
		}
	})
}

func TestTokensOnPagesAndInTheAPI(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		shop := h.Project(t, "shop")
		h.Person(t, "ana", access.Grant{Role: access.Administrator})
		h.Person(t, "bea", access.Grant{Role: access.Administrator, Project: shop})
		b := h.As(t, "ana")
		p := b.Get("/admin/tokens").Follow("Make the first token").Press("Make the token", url.Values{"name": {"deploy"}, "role": {"administrator"}})
		secret := p.Doc.Find("#secret").Text()
		if p.Status != 200 || !strings.HasPrefix(secret, "mst_") || p.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		if p = b.Get("/admin/tokens"); strings.Contains(p.Body, secret) || !p.Says("deploy") {
			t.Error("the secret is shown twice, or the token is missing")
		}
		api := h.Browser(t)
		p = api.Call("POST", "/api/v1/tokens", secret, `{"name":"reader","role":"member","project":"shop"}`)
		var made identityweb.Token
		if err := json.Unmarshal([]byte(p.Body), &made); err != nil || p.Status != 201 || made.Project != shop || made.Secret == "" {
			t.Fatalf("%d %s", p.Status, p.Body)
		}
		if p = api.Call("GET", "/api/v1/tokens", made.Secret, ""); p.Status != http.StatusForbidden || p.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("a member lists tokens: %d %s", p.Status, p.Body)
		}
		if p = api.Call("GET", "/api/v1/tokens/"+made.ID, secret, ""); p.Status != 200 || strings.Contains(p.Body, `"secret"`) || !strings.Contains(p.Body, `"usedAt"`) {
			t.Errorf("one token: %d %s", p.Status, p.Body)
		}
		if p = api.Call("DELETE", "/api/v1/tokens/"+made.ID, secret, ""); p.Status != http.StatusNoContent {
			t.Errorf("revoking: %d %s", p.Status, p.Body)
		}
		if p = api.Call("GET", "/api/v1/tokens", made.Secret, ""); p.Status != http.StatusUnauthorized {
			t.Errorf("a revoked token: %d %s", p.Status, p.Body)
		}
		if p = b.Get("/admin/tokens").Press("Revoke", nil); !p.Says("The token deploy is revoked") {
			t.Errorf("revoking on the page: %s", p.Text())
		}
		if p = api.Call("GET", "/api/v1/tokens", secret, ""); p.Status != http.StatusUnauthorized {
			t.Errorf("a revoked token: %d %s", p.Status, p.Body)
		}
		if p = h.As(t, "bea").Get("/admin/tokens"); p.Status != http.StatusForbidden {
			t.Errorf("an administrator of one project sees all tokens: %d", p.Status)
		}
	})
}

func TestRolesAndTheLinkToSetAPassword(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		shop := h.Project(t, "shop")
		h.Person(t, "ana", access.Grant{Role: access.Administrator})
		bea := h.Person(t, "bea")
		b := h.As(t, "ana")
		p := b.Get("/admin/people?q=bea").Follow("Change")
		p = p.Press("Give the role", url.Values{"role": {"responder"}, "project": {shop}})
		if p.Status != 200 || !p.Says("responder shop") {
			t.Errorf("giving a role: %d %s", p.Status, p.Text())
		}
		grants, err := h.Access.GrantsOf(t.Context(), bea.ID)
		if err != nil || !slices.Equal(grants, []access.Grant{{Role: access.Responder, Project: shop}}) {
			t.Errorf("grants: %v %v", grants, err)
		}
		if p = p.Press("Take away", nil); p.Status != 200 || !p.Says("No role is given here") {
			t.Errorf("taking it away: %d %s", p.Status, p.Text())
		}
		if p := b.Get("/admin/people/ana").Press("Take away", nil); p.Status != http.StatusConflict || !p.Says("last administrator") {
			t.Errorf("the last administrator: %d %s", p.Status, p.Text())
		}
		p = b.Get("/admin/people/bea").Press("Make a link to set a password", nil)
		link := p.Doc.Find("code").Text()
		if !strings.HasPrefix(link, h.URL+"/setup/") {
			t.Fatalf("the link: %q on %s", link, p.Text())
		}
		p = h.Browser(t).Get(strings.TrimPrefix(link, h.URL))
		p = p.Press("Set the password and sign in", url.Values{"password": {"under the old bridge"}, "again": {"under the old bridge"}})
		if p.Status != 200 || p.Path != "/" {
			t.Errorf("bea sets a password: %d %s %s", p.Status, p.Path, p.Text())
		}
	})
}
