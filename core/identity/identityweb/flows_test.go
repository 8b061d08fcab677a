package identityweb_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/core/identity/identityweb"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/mainstaytest/house"
	"github.com/mainstayhq/mainstay/mainstaytest/idp"
)

// code is what the app shows whose secret stands on the page.
func code(t *testing.T, h *house.House, secret string) url.Values {
	t.Helper()
	c, err := totp.GenerateCode(strings.ReplaceAll(secret, " ", ""), h.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return url.Values{"code": {c}}
}

// mailed is the path of the link in the newest mail of a template.
func mailed(t *testing.T, h *house.House, template string) string {
	t.Helper()
	list := h.Notices()
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Template != template {
			continue
		}
		var d notify.LinkData
		if err := json.Unmarshal(list[i].Data, &d); err != nil {
			t.Fatal(err)
		}
		path, err := h.Vault.Open(d.Sealed)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Fatalf("no mail %q", template)
	return ""
}

func TestSigningInWithACode(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		h.Person(t, "ana", access.Grant{Role: access.Administrator})
		b := h.As(t, "ana")
		p := b.Get("/me/security").Follow("Set up an authenticator app")
		secret := p.Doc.Find("#secret").Text()
		if p.Doc.Find("svg.qr path").AttrOr("d", "") == "" || len(strings.ReplaceAll(secret, " ", "")) != 32 {
			t.Fatalf("the QR code and the secret %q: %s", secret, p.Text())
		}
		p = p.Press("Confirm the app", url.Values{"code": {"000000"}})
		if p.Status != 422 || !p.Says("not the code") || p.Doc.Find("#secret").Text() != secret {
			t.Errorf("a wrong code: %d %s", p.Status, p.Text())
		}
		p = p.Press("Confirm the app", code(t, h, secret))
		codes := strings.Fields(p.Doc.Find("#codes").Text())
		if p.Status != 200 || len(codes) != 10 {
			t.Fatalf("recovery codes: %d %s", p.Status, p.Text())
		}
		p = p.Follow("I have kept them")
		if p.Path != "/me/security" || !p.Says("10 left") || strings.Contains(p.Body, codes[0]) {
			t.Errorf("the codes are shown again, or not counted: %s", p.Text())
		}
		h.Clock.Advance(time.Minute)
		c := h.Browser(t)
		p = c.Get("/sign-in?next=%2Fadmin").Press("Sign in", url.Values{"email": {"ana@example.com"}, "password": {house.Password}})
		if !strings.HasPrefix(p.Path, "/sign-in/second") || !p.Says("One more step") {
			t.Fatalf("a password alone leads to %s", p.Path)
		}
		if q := c.Get("/me"); !strings.HasPrefix(q.Path, "/sign-in") {
			t.Errorf("between the two factors one sees %s", q.Path)
		}
		if q := p.Press("Go on", url.Values{"code": {"123"}}); q.Status != http.StatusUnauthorized || !q.Says("The code is wrong") {
			t.Errorf("a wrong code: %d %s", q.Status, q.Text())
		}
		if p = p.Press("Go on", code(t, h, secret)); p.Status != 200 || p.Path != "/admin" {
			t.Errorf("the code leads to %d %s: %s", p.Status, p.Path, p.Text())
		}
		d := h.Browser(t)
		p = d.Get("/sign-in").Press("Sign in", url.Values{"email": {"ana@example.com"}, "password": {house.Password}})
		if p = p.Press("Go on", url.Values{"code": {codes[0]}}); p.Path != "/" {
			t.Errorf("a recovery code leads to %s: %s", p.Path, p.Text())
		}
		p = d.Get("/me/security")
		if !p.Says("9 left") || !p.Says("password and code") {
			t.Errorf("%s", p.Text())
		}
		if q := p.Press("Remove the app", url.Values{"proof": {"nothing"}}); q.Status != 422 || !q.Says("neither your password nor a code") {
			t.Errorf("removing without a proof: %d %s", q.Status, q.Text())
		}
		if p = p.Press("Remove the app", url.Values{"proof": {house.Password}}); !p.Says("The authenticator app is removed") {
			t.Errorf("removing: %d %s", p.Status, p.Text())
		}
	})
}

func TestARoleForcesASecondFactor(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		ana := h.Person(t, "ana", access.Grant{Role: access.Administrator})
		h.Person(t, "bea", access.Grant{Role: access.Administrator})
		b := h.As(t, "ana")
		p := b.Get("/admin").Follow("Sign-in").Press("Save", url.Values{"role": {"administrator"}})
		if p.Status != 200 || !p.Says("next sign-in") || p.Doc.Find(`[name=role][value=administrator][checked]`).Length() != 1 {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		c := h.Browser(t)
		p = c.Get("/sign-in").Press("Sign in", url.Values{"email": {"bea@example.com"}, "password": {house.Password}})
		if !strings.HasPrefix(p.Path, "/sign-in/enrol") || !p.Says("one of your roles needs more than a password") {
			t.Fatalf("%s %s", p.Path, p.Text())
		}
		if q := c.Get("/admin"); !strings.HasPrefix(q.Path, "/sign-in") {
			t.Errorf("before the second factor is set up one sees %s", q.Path)
		}
		if q := p.Press("Confirm the app", url.Values{"code": {"000000"}}); q.Status != 422 || q.Doc.Find("#secret").Text() != p.Doc.Find("#secret").Text() {
			t.Errorf("a wrong code: %d %s", q.Status, q.Text())
		}
		p = p.Press("Confirm the app", code(t, h, p.Doc.Find("#secret").Text()))
		if p.Doc.Find("#codes").Length() != 1 {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		if p = p.Follow("I have kept them"); p.Path != "/" {
			t.Errorf("%s", p.Path)
		}
		p = b.Get("/admin/people/bea")
		if p = p.Press("Remove the second factors of bea", nil); !p.Says("The second factors are removed") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
		if q := c.Get("/admin"); !strings.HasPrefix(q.Path, "/sign-in") {
			t.Errorf("the session goes on: %s", q.Path)
		}
		facts := h.Facts(t, mainstay.Installation, "identity.factors_reset")
		if len(facts) != 1 || facts[0].Actor != mainstay.Person(ana.ID) {
			t.Errorf("who did it: %+v", facts)
		}
	})
}

func TestInvitingSomebody(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		shop := h.Project(t, "shop")
		h.Person(t, "ana", access.Grant{Role: access.Administrator})
		b := h.As(t, "ana")
		p := b.Get("/admin/people").Follow("Invite somebody")
		if q := p.Press("Send the invitation", url.Values{"email": {"bea"}}); q.Status != 422 || !q.Says("Give an e-mail address") {
			t.Errorf("%d %s", q.Status, q.Text())
		}
		p = p.Press("Send the invitation", url.Values{"email": {"bea.lund@example.com"}, "name": {"Bea Lund"}, "role": {"responder"}, "project": {shop}})
		if p.Status != 200 || !p.Says("on its way") || !p.Says("invited") || !p.Says("responder shop") {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		if p := b.Get("/admin/people"); !p.Says("invited") {
			t.Errorf("the list: %s", p.Text())
		}
		old := mailed(t, h, notify.TemplateInvite)
		h.Clock.Advance(time.Second)
		if p = p.Press("Mail the invitation again", nil); !p.Says("on its way") {
			t.Errorf("%s", p.Text())
		}
		if q := h.Browser(t).Get(old); q.Status != http.StatusGone {
			t.Errorf("the former link: %d", q.Status)
		}
		p = h.Browser(t).Get(mailed(t, h, notify.TemplateInvite))
		if !p.Says("Bea Lund") || p.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s %v", p.Text(), p.Header)
		}
		p = p.Press("Set the password and sign in", url.Values{"password": {"under the old bridge"}, "again": {"under the old bridge"}})
		if p.Path != "/" || !p.Says("Welcome") {
			t.Errorf("%s %s", p.Path, p.Text())
		}
		if p := b.Get("/admin/people"); p.Says("invited") {
			t.Errorf("the list: %s", p.Text())
		}
		h.MailOff = "no mail server is configured (--smtp-url)"
		p = b.Get("/admin/invite")
		if !p.Says("You get a link to hand over instead") {
			t.Errorf("%s", p.Text())
		}
		p = p.Press("Add them and make a link", url.Values{"email": {"cleo@example.com"}, "role": {"none"}})
		if link := p.Doc.Find("code").Text(); !strings.HasPrefix(link, h.URL+"/setup/") {
			t.Errorf("the link: %q on %s", link, p.Text())
		}
		if p = b.Get("/admin/people/cleo").Press("Take the invitation back", nil); !p.Says("taken back") || !p.Says("not invited yet") {
			t.Errorf("%s", p.Text())
		}
	})
}

func TestForgottenPassword(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		h.Person(t, "ana", access.Grant{Role: access.Administrator})
		b := h.Browser(t)
		text := func(email string) string {
			p := b.Get("/sign-in").Follow("Forgotten your password?").Press("Send me a link", url.Values{"email": {email}})
			if p.Status != 200 {
				t.Errorf("%s: %d", email, p.Status)
			}
			return strings.ReplaceAll(p.Text(), email, "X")
		}
		if known, unknown := text("ana@example.com"), text("eve@example.com"); known != unknown || !strings.Contains(known, "Look into your mail") {
			t.Errorf("the answers differ:\n%s\n%s", known, unknown)
		}
		if n := len(h.Notices()); n != 1 {
			t.Errorf("%d mails", n)
		}
		p := b.Get(mailed(t, h, notify.TemplateReset))
		if p.Title() != "Choose a new password" {
			t.Errorf("%s", p.Text())
		}
		p = p.Press("Set the password and sign in", url.Values{"password": {"under the old bridge"}, "again": {"under the old bridge"}})
		if p.Path != "/" {
			t.Errorf("%s %s", p.Path, p.Text())
		}
		for range 18 {
			b.Post("/forgot", url.Values{"email": {"eve@example.com"}})
		}
		if p := b.Post("/forgot", url.Values{"email": {"eve@example.com"}}); p.Status != http.StatusTooManyRequests || p.Header.Get("Retry-After") == "" {
			t.Errorf("the twenty-first: %d %v", p.Status, p.Header)
		}
		h.MailOff = "no mail server"
		if p := h.Browser(t).Get("/forgot"); !p.Says("This server sends no mail") {
			t.Errorf("%s", p.Text())
		}
	})
}

func TestSessionsOfOthers(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		h.Person(t, "ana", access.Grant{Role: access.Administrator})
		h.Person(t, "bea")
		b, one, two := h.As(t, "ana"), h.As(t, "bea"), h.As(t, "bea")
		p := b.Get("/admin/people/bea")
		if p.Doc.Find("#sessions tbody tr").Length() != 2 {
			t.Fatalf("%s", p.Text())
		}
		if p = p.Press("End", nil); p.Doc.Find("#sessions tbody tr").Length() != 1 {
			t.Errorf("ending one: %s", p.Text())
		}
		if p = p.Press("End every session", nil); p.Doc.Find("#sessions tbody tr").Length() != 0 {
			t.Errorf("ending all: %s", p.Text())
		}
		for _, x := range []*house.Browser{one, two} {
			if q := x.Get("/me"); !strings.HasPrefix(q.Path, "/sign-in") {
				t.Errorf("a session goes on: %s", q.Path)
			}
		}
		here, there := h.As(t, "bea"), h.As(t, "bea")
		if p := here.Get("/me/security").Press("End all others", nil); p.Doc.Find("#sessions tbody tr").Length() != 1 {
			t.Errorf("%s", p.Text())
		}
		if q := there.Get("/me"); !strings.HasPrefix(q.Path, "/sign-in") {
			t.Errorf("the other session goes on: %s", q.Path)
		}
		for range 5 {
			h.Browser(t).Get("/sign-in").Press("Sign in", url.Values{"email": {"bea@example.com"}, "password": {"wrong password"}})
		}
		if p := b.Get("/admin/people/bea"); !p.Says("locked for now") || !p.Press("End the lock", nil).Says("The lock has ended") {
			t.Errorf("%s", p.Text())
		}
	})
}

func TestAProviderFromTheFirstFormToSigningOut(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		h.Project(t, "shop")
		h.Person(t, "ana", access.Grant{Role: access.Administrator})
		x := idp.New(t, h.Clock)
		x.Claims = map[string]any{"email": "bea@example.com", "email_verified": true, "name": "Bea Lund", "groups": []string{"/sre"}}
		b := h.As(t, "ana")
		p := b.Get("/admin/sign-in").Follow("Add a provider")
		p = p.Press("Save", url.Values{"name": {"example"}, "issuer": {"nowhere"}, "clientId": {""}, "groups": {"/sre: responder"}})
		if p.Status != 422 || !p.Says("Give the issuer's URL") && !p.Says("write group = role") {
			t.Errorf("a faulty form: %d %s", p.Status, p.Text())
		}
		p = p.Press("Save", url.Values{
			"issuer": {x.URL}, "title": {"Example account"}, "clientId": {idp.ClientID}, "clientSecret": {idp.ClientSecret}, "groups": {"/sre = responder in shop\n"},
		})
		if p.Status != 200 || p.Path != "/admin/sign-in/providers/example" || strings.Contains(p.Body, idp.ClientSecret) {
			t.Fatalf("%d %s %s", p.Status, p.Path, p.Text())
		}
		if q := p.Press("Test", nil); !q.Says("It answers") {
			t.Errorf("%s", q.Text())
		}
		c := h.Browser(t)
		p = c.Get("/sign-in?next=%2Fme").Follow("Sign in with Example account")
		if p.Path != "/me" || !p.Says("Bea Lund") || !p.Says("responder in shop from Example account") {
			t.Fatalf("%d %s %s", p.Status, p.Path, p.Text())
		}
		if q := b.Get("/admin/people/bea"); !q.Says("by a group of Example account") || q.Says("Take away") {
			t.Errorf("a role that a group gives: %s", q.Text())
		}
		p = p.Press("Sign out", nil)
		if !strings.HasPrefix(p.Path, "/signed-out") || !p.Says("Sign out of Example account") {
			t.Errorf("%s %s", p.Path, p.Text())
		}
		x.Claims["email_verified"] = false
		x.Claims["sub"] = "account-2"
		p = h.Browser(t).Get("/sign-in").Follow("Sign in with Example account")
		if p.Status != http.StatusForbidden || !p.Says("has not verified your e-mail address") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
		if p := h.Browser(t).Get("/sign-in/with/example/back?state=invented&code=x"); p.Status != http.StatusUnauthorized || !p.Says("begun elsewhere") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
		p = b.Get("/admin/sign-in/providers/example").Press("Remove example", nil)
		if p.Path != "/admin/sign-in" || p.Says("Example account") {
			t.Errorf("%s", p.Text())
		}
		if q := b.Get("/admin/people/bea"); !q.Says("No role is given here") {
			t.Errorf("the role outlives the provider: %s", q.Text())
		}
	})
}

func TestRotatingATokenOnThePageAndInTheAPI(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		h.Person(t, "ana", access.Grant{Role: access.Administrator})
		b := h.As(t, "ana")
		p := b.Get("/admin/tokens/new").Press("Make the token", url.Values{"name": {"ci"}, "role": {"administrator"}, "expires": {"30"}})
		first := p.Doc.Find("#secret").Text()
		if !p.Says("30 d") && !p.Says("4 weeks") && !p.Says("month") {
			t.Logf("runs out: %s", p.Text())
		}
		p = p.Press("Rotate", nil)
		second := p.Doc.Find("#secret").Text()
		if second == first || !p.Says("has a new secret") {
			t.Fatalf("%s", p.Text())
		}
		api := h.Browser(t)
		for _, secret := range []string{first, second} {
			if p := api.Call("GET", "/api/v1/tokens", secret, ""); p.Status != 200 {
				t.Errorf("%d %s", p.Status, p.Body)
			}
		}
		var list struct{ Items []identityweb.Token }
		if err := json.Unmarshal([]byte(api.Call("GET", "/api/v1/tokens", second, "").Body), &list); err != nil || list.Items[0].ExpiresAt == nil || list.Items[0].OldUntil == nil {
			t.Fatalf("%+v %v", list, err)
		}
		p = api.Call("POST", "/api/v1/tokens/"+list.Items[0].ID+"/rotate", second, "{}")
		var made identityweb.Token
		if err := json.Unmarshal([]byte(p.Body), &made); err != nil || made.Secret == "" {
			t.Fatalf("%d %s", p.Status, p.Body)
		}
		if p := api.Call("GET", "/api/v1/tokens", second, ""); p.Status != http.StatusUnauthorized {
			t.Errorf("the former secret: %d", p.Status)
		}
		if p := api.Call("POST", "/api/v1/tokens/"+made.ID+"/rotate", made.Secret, `{"overlap":"soon"}`); p.Status != 422 {
			t.Errorf("a faulty overlap: %d %s", p.Status, p.Body)
		}
		h.Clock.Advance(31 * 24 * time.Hour)
		if p := api.Call("GET", "/api/v1/tokens", made.Secret, ""); p.Status != http.StatusUnauthorized || !strings.Contains(p.Body, "run out") {
			t.Errorf("after 30 days: %d %s", p.Status, p.Body)
		}
	})
}

func TestPasswordsForAdministratorsOnly(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		h.Person(t, "ana", access.Grant{Role: access.Administrator})
		h.Person(t, "bea")
		if p := h.As(t, "ana").Get("/admin/sign-in").Press("Save", url.Values{"passwords": {string(identity.PasswordsAdministrators)}}); p.Status != 200 {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		p := h.Browser(t).Get("/sign-in").Press("Sign in", url.Values{"email": {"bea@example.com"}, "password": {house.Password}})
		if p.Status != http.StatusForbidden || !p.Says("Passwords are for administrators only here") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
		if p = p.Press("Sign in", url.Values{"email": {"ana@example.com"}, "password": {house.Password}}); p.Path != "/" {
			t.Errorf("an administrator: %s", p.Text())
		}
	})
}
