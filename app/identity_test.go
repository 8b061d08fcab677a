package app_test

import (
	"context"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/mainstaytest/idp"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
)

// postbox keeps the mails that a server sends.
type postbox struct {
	mu   sync.Mutex
	list []notify.Message
}

// Send implements notify.Sender.
func (p *postbox) Send(_ context.Context, m notify.Message) (notify.Receipt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, m)
	return notify.Receipt{Answer: "250 OK"}, nil
}

func (p *postbox) to(address string) []notify.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []notify.Message
	for _, m := range p.list {
		if m.Address == address {
			list = append(list, m)
		}
	}
	return list
}

var mailedLink = regexp.MustCompile(`http://\S+(/setup/\S+)`)

// TestAnInvitationAndAResetAreMailed follows both from the page to the mail, and the link in it back to the server.
func TestAnInvitationAndAResetAreMailed(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			box := &postbox{}
			s := servertest.New(t, engine, func(c *app.Config) { c.Channels = map[string]notify.Sender{"email": box} })
			bea, err := s.People.Create(t.Context(), servertest.Operator, people.Person{Name: "bea", FullName: "Bea", Email: "bea@example.com"})
			if err != nil {
				t.Fatal(err)
			}
			mail := func(n int, subject string) string {
				t.Helper()
				mainstaytest.Eventually(t, "the mail has come: "+subject, func() bool { return len(box.to(bea.Email)) >= n })
				m := box.to(bea.Email)[n-1]
				if !strings.Contains(m.Content.Subject, subject) || strings.Contains(string(m.Data), "/setup/") {
					t.Errorf("the mail %q with %s", m.Content.Subject, m.Data)
				}
				found := mailedLink.FindStringSubmatch(m.Content.Text)
				if found == nil {
					return ""
				}
				return found[1]
			}
			if err := s.Identity.Invite(t.Context(), servertest.Operator, bea.ID); err != nil {
				t.Fatal(err)
			}
			if a := s.Nobody().Get(t, mail(1, "invites you to Mainstay")); a.Status != http.StatusOK || !strings.Contains(a.Body, "Bea") {
				t.Errorf("the link in the invitation: %d", a.Status)
			}
			if err := s.Identity.SetPassword(t.Context(), servertest.Operator, bea.ID, servertest.Password); err != nil {
				t.Fatal(err)
			}
			if err := s.Identity.AskReset(t.Context(), identity.Client{Address: "192.0.2.1"}, bea.Email); err != nil {
				t.Fatal(err)
			}
			if a := s.Nobody().Get(t, mail(2, "Choose a new Mainstay password")); a.Status != http.StatusOK || !strings.Contains(a.Body, "Choose a new password") {
				t.Errorf("the link in the reset: %d", a.Status)
			}
		})
	}
}

// TestTheGuardStandsBeforeProviders lets nobody who types an address into a page reach the networks around the server.
func TestTheGuardStandsBeforeProviders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		allow []netip.Prefix
		says  string
	}{
		{nil, "--allow-targets"},
		{[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, ""},
	} {
		s := servertest.New(t, "sqlite", func(x *app.Config) { x.AllowTargets = c.allow })
		p := idp.New(t, s.Clock)
		spec := identity.ProviderSpec{Issuer: p.URL, ClientID: idp.ClientID}
		if _, err := s.Identity.DefineProvider(t.Context(), servertest.Operator, "", "example", spec); err != nil {
			t.Fatal(err)
		}
		got, err := s.Identity.Probe(t.Context(), "example")
		if err != nil || c.says == "" && got != "" || !strings.Contains(got, c.says) {
			t.Errorf("allowed %v: %q %v", c.allow, got, err)
		}
	}
}

// TestTheManifestsOfSigningIn applies what docs/access.md shows.
func TestTheManifestsOfSigningIn(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite", func(c *app.Config) { c.Time = mainstay.Clock{} })
	sources := append(manifestsOf(t, "docs/manifests.md"), manifestsOf(t, "docs/access.md")...)
	first := apply(t, s.App, sources, false)
	for _, kind := range []string{"IdentityProvider", "SignIn"} {
		if !slices.Contains(first, kind) {
			t.Errorf("it shows no %s that can be applied", kind)
		}
	}
	if again := apply(t, s.App, sources, false); again != nil {
		t.Errorf("applied again, %v changed", again)
	}
	policy, err := s.Identity.Policy(t.Context())
	if err != nil || !slices.Contains(policy.SecondFactor, access.Administrator) {
		t.Errorf("the policy: %+v %v", policy, err)
	}
	var out strings.Builder
	if err := s.Export(t.Context(), &out, ""); err != nil || strings.Contains(out.String(), "from the client's page") || !strings.Contains(out.String(), "kind: SignIn") {
		t.Errorf("exported: %s %v", out.String(), err)
	}
	if changed := apply(t, s.App, []app.Source{{Name: "export", Text: out.String()}}, false); changed != nil {
		t.Errorf("what was exported changes %v", changed)
	}
	p, err := s.Identity.Provider(t.Context(), "keycloak")
	if err != nil || p.Sealed == "" || time.Since(p.CreatedAt) > time.Hour {
		t.Errorf("%+v %v", p, err)
	}
}
