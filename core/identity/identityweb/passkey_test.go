package identityweb_test

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/mainstaytest/house"
)

// TestPasskeysInABrowser adds, uses, names, copies and refuses passkeys in a real browser with a virtual authenticator.
func TestPasskeysInABrowser(t *testing.T) {
	t.Parallel()
	chromium := mainstaytest.Need(t, "browser")
	eachHouse(t, func(t *testing.T, h *house.House) {
		ana := h.Person(t, "ana", access.Grant{Role: access.Administrator})
		by := mainstay.Person(ana.ID)
		bea, err := h.People.Create(t.Context(), by, people.Person{Name: "bea", FullName: "Bea", Email: "bea@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		secret, err := h.Identity.PasswordLink(t.Context(), by, bea.ID)
		if err != nil {
			t.Fatal(err)
		}
		base := strings.Replace(h.URL, "127.0.0.1", "localhost", 1) // passkeys are bound to a name
		cmd := exec.CommandContext(t.Context(), "node", "testdata/passkey.js", base, ana.Email, house.Password, "/setup/"+secret)
		cmd.Env = append(os.Environ(), "MAINSTAY_TEST_BROWSER="+chromium)
		out, err := cmd.CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := h.Identity.PasskeysOf(t.Context(), ana.ID)
		if err != nil || len(keys) != 1 || keys[0].Name != "Laptop at work" || keys[0].UsedAt.IsZero() || keys[0].SuspectAt.IsZero() {
			t.Errorf("%+v %v", keys, err)
		}
		if facts := h.Facts(t, mainstay.Installation, "identity.passkey_suspect"); len(facts) == 0 {
			t.Error("no fact of the copied passkey")
		}
		if !slices.ContainsFunc(h.Notices(), func(n commit.Notice) bool {
			return n.Person == ana.ID && strings.Contains(string(n.Data), "may have been copied")
		}) {
			t.Error("the person is not told of the copied passkey")
		}
	})
}

// TestPasskeysWithoutABrowser asks as a program would: what it invents is refused, and counted.
func TestPasskeysWithoutABrowser(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		h.Person(t, "ana")
		b := h.As(t, "ana")
		if p := b.Get("/sign-in/passkey"); p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Body, "https and a name") {
			t.Errorf("at an IP address: %d %s", p.Status, p.Body)
		}
		site := identity.Site{Origin: "https://support.example.org", ID: "support.example.org"}
		q, err := h.Identity.Assertion(t.Context(), site, "")
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range map[string]url.Values{
			"nothing": {}, "no state": {"response": {"{}"}}, "no answer": {"state": {q.State}}, "rubbish": {"state": {q.State}, "response": {`{"id":"x","rawId":"eA","type":"public-key","response":{}}`}},
		} {
			if p := h.Browser(t).Post("/sign-in/passkey", v); p.Status != http.StatusUnauthorized {
				t.Errorf("%s: %d %s", name, p.Status, p.Text())
			}
		}
		if facts := h.Facts(t, mainstay.Installation, "identity.factor_refused"); len(facts) != 2 {
			t.Errorf("%d facts", len(facts))
		}
	})
}

func TestWherePasskeysWork(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		external, host string
		tls            bool
		origin         string
	}{
		{"https://support.example.org/", "x", false, "https://support.example.org"},
		{"https://support.example.org:8443", "x", false, "https://support.example.org:8443"},
		{"http://support.example.org", "x", false, ""},
		{"https://192.0.2.1", "x", false, ""},
		{"", "localhost:8080", false, "http://localhost:8080"},
		{"", "127.0.0.1:8080", false, ""},
		{"", "[::1]:8080", true, ""},
		{"", "support.example.org", true, "https://support.example.org"},
		{"", "support.example.org", false, ""},
	} {
		var u *url.URL
		if c.external != "" {
			var err error
			if u, err = url.Parse(c.external); err != nil {
				t.Fatal(err)
			}
		}
		site, why := identity.SiteOf(u, c.host, c.tls)
		if site.Origin != c.origin || (why == "") != (c.origin != "") {
			t.Errorf("%+v: %+v %q", c, site, why)
		}
	}
}
