package identitydb_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/setting"
)

var client = identity.Client{Address: "192.0.2.1", Agent: "test"}

func mailWorks() string { return "" }

// code is what the authenticator app shows.
func (h house) code(t testing.TB, secret string) string {
	t.Helper()
	c, err := totp.GenerateCode(strings.ReplaceAll(secret, " ", ""), h.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// enrolled sets an authenticator app up and returns its secret and the recovery codes.
func (h house) enrolled(t testing.TB, p people.Person) (secret string, recovery []string) {
	t.Helper()
	e, err := h.identity.Enrol(p, "support.example.org", "")
	if err != nil {
		t.Fatal(err)
	}
	recovery, err = h.identity.Confirm(t.Context(), mainstay.Person(p.ID), p.ID, e.State, h.code(t, e.Secret))
	if err != nil {
		t.Fatal(err)
	}
	return e.Secret, recovery
}

// mails are the notices to the person since the last look.
func (h house) mails(p people.Person) []commit.Notice {
	var list []commit.Notice
	for _, n := range h.Notices() {
		if n.Subject == p.Ref() {
			list = append(list, n)
		}
	}
	return list
}

func TestAnAuthenticatorApp(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		ana := h.setup(t)
		e, err := h.identity.Enrol(ana, "support.example.org", "")
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(e.URL)
		if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Query().Get("secret") != strings.ReplaceAll(e.Secret, " ", "") || e.Path == "" || e.Size < 30 {
			t.Errorf("the QR code holds %s, %d squares wide", e.URL, e.Size)
		}
		if again, err := h.identity.Enrol(ana, "", e.State); err != nil || again.Secret != e.Secret {
			t.Errorf("the page shown again has another secret: %v", err)
		}
		if _, err := h.identity.Confirm(t.Context(), mainstay.Person(ana.ID), ana.ID, e.State, "000000"); mainstay.ErrorFields(err)["code"] == "" {
			t.Errorf("a wrong first code: %v", err)
		}
		if signed := h.signIn(t); signed.Step != "" {
			t.Error("an app that was not confirmed is asked for")
		}
		secret, recovery := h.enrolled(t, ana)
		if len(recovery) != 10 {
			t.Fatalf("recovery codes: %v", recovery)
		}
		signed := h.signIn(t)
		if signed.Step == "" || signed.Secret != "" {
			t.Fatalf("a password alone signs in: %+v", signed)
		}
		if _, err := h.identity.Second(t.Context(), client, signed.Step, h.code(t, secret)); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Errorf("the code that confirmed the app counts again: %v", err)
		}
		h.Clock.Advance(30 * time.Second)
		code := h.code(t, secret)
		done, err := h.identity.Second(t.Context(), client, signed.Step, code[:3]+" "+code[3:])
		if err != nil || h.viewer(t, done).PersonID != ana.ID || done.Session.Method != "password and code" {
			t.Fatalf("the next code: %+v %v", done, err)
		}
		if _, err := h.identity.Second(t.Context(), client, signed.Step, code); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Errorf("a code counts twice: %v", err)
		}
		h.Clock.Advance(60 * time.Second)
		late := h.code(t, secret)
		h.Clock.Advance(30 * time.Second)
		if _, err := h.identity.Second(t.Context(), client, h.signIn(t).Step, late); err != nil {
			t.Errorf("a code of 30 s ago: %v", err)
		}
		h.Clock.Advance(30 * time.Second)
		old := h.code(t, secret)
		h.Clock.Advance(60 * time.Second)
		if _, err := h.identity.Second(t.Context(), client, h.signIn(t).Step, old); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Errorf("a code of a minute ago: %v", err)
		}
		step := h.signIn(t).Step
		h.Clock.Advance(identity.StepLife)
		if _, err := h.identity.Second(t.Context(), client, step, h.code(t, secret)); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Errorf("a step that took too long: %v", err)
		}
		for _, s := range []string{"", "x", e.State} {
			if _, err := h.identity.Second(t.Context(), client, s, h.code(t, secret)); !mainstay.Is(err, mainstay.Unauthenticated) {
				t.Errorf("an invented step: %v", err)
			}
		}
	})
}

func TestWrongCodesLock(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		ana := h.setup(t)
		secret, _ := h.enrolled(t, ana)
		h.Clock.Advance(time.Minute)
		for range 5 {
			if _, err := h.identity.Second(t.Context(), client, h.signIn(t).Step, "000000"); !mainstay.Is(err, mainstay.Unauthenticated) {
				t.Fatal(err)
			}
		}
		step := h.signIn(t).Step
		if _, err := h.identity.Second(t.Context(), client, step, h.code(t, secret)); !mainstay.Is(err, mainstay.TooMany) {
			t.Errorf("the right code after five wrong ones: %v", err)
		}
		if until, err := h.identity.LockedUntil(t.Context(), ana); err != nil || until.IsZero() {
			t.Errorf("nobody can see the lock: %v %v", until, err)
		}
		if err := h.identity.Unlock(t.Context(), mainstay.System("test"), ana.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := h.identity.Second(t.Context(), client, step, h.code(t, secret)); err != nil {
			t.Errorf("after the lock was ended: %v", err)
		}
		if kinds := h.kinds(t); !slices.Contains(kinds, "identity.factor_refused") || !slices.Contains(kinds, "identity.locked_out") || !slices.Contains(kinds, "identity.unlocked") {
			t.Errorf("facts: %v", kinds)
		}
	})
}

func TestRecoveryCodes(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		ana := h.setup(t)
		_, recovery := h.enrolled(t, ana)
		signed, err := h.identity.Second(t.Context(), client, h.signIn(t).Step, strings.ToLower(recovery[3]))
		if err != nil || h.viewer(t, signed).PersonID != ana.ID {
			t.Fatal(err)
		}
		if _, err := h.identity.Second(t.Context(), client, h.signIn(t).Step, recovery[3]); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Errorf("a recovery code counts twice: %v", err)
		}
		if has, err := h.identity.Factors(t.Context(), ana.ID); err != nil || has.Recovery != 9 {
			t.Errorf("left: %+v %v", has, err)
		}
		proof := identity.Proof{Person: ana.ID, Session: signed.Session.ID, Text: "wrong password"}
		if _, err := h.identity.NewRecoveryCodes(t.Context(), proof); mainstay.ErrorFields(err)["proof"] == "" {
			t.Errorf("new codes without a proof: %v", err)
		}
		proof.Text = password
		fresh, err := h.identity.NewRecoveryCodes(t.Context(), proof)
		if err != nil || len(fresh) != 10 || slices.Contains(fresh, recovery[0]) {
			t.Fatal(fresh, err)
		}
		if _, err := h.identity.Second(t.Context(), client, h.signIn(t).Step, recovery[0]); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Errorf("a former code counts: %v", err)
		}
		proof.Text = fresh[0]
		if err := h.identity.Disable(t.Context(), proof); err != nil {
			t.Fatal(err)
		}
		if s := h.signIn(t); s.Step != "" {
			t.Error("a code is asked for after the app was removed")
		}
		if has, err := h.identity.Factors(t.Context(), ana.ID); err != nil || has.Second() || has.Recovery != 0 {
			t.Errorf("what is left: %+v %v", has, err)
		}
	})
}

func TestARoleThatNeedsASecondFactor(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		ana := h.setup(t)
		policy := identity.Policy{Passwords: identity.PasswordsEverybody, SecondFactor: []access.Role{access.Administrator}}
		for range 2 {
			if _, err := h.identity.SetPolicy(t.Context(), mainstay.Person(ana.ID), policy); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.identity.SetPolicy(t.Context(), mainstay.Person(ana.ID), identity.Policy{Passwords: "nobody", SecondFactor: []access.Role{"god"}}); len(mainstay.ErrorFields(err)) != 2 {
			t.Errorf("a faulty policy: %v", err)
		}
		signed := h.signIn(t)
		step, p, err := h.identity.Step(t.Context(), signed.Step)
		if err != nil || !step.Enrol {
			t.Fatalf("an administrator signs in without a second factor: %+v %v", step, err)
		}
		if _, err := h.identity.Second(t.Context(), client, signed.Step, "123456"); !mainstay.Is(err, mainstay.Denied) {
			t.Errorf("a code before there is an app: %v", err)
		}
		e, err := h.identity.Enrol(p, "", "")
		if err != nil {
			t.Fatal(err)
		}
		done, recovery, err := h.identity.EnrolAuthenticator(t.Context(), client, signed.Step, e.State, h.code(t, e.Secret))
		if err != nil || len(recovery) != 10 || h.viewer(t, done).PersonID != ana.ID {
			t.Fatal(recovery, err)
		}
		if _, _, err := h.identity.EnrolAuthenticator(t.Context(), client, signed.Step, e.State, h.code(t, e.Secret)); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Errorf("the same step sets up a second app: %v", err)
		}
		proof := identity.Proof{Person: ana.ID, Session: done.Session.ID, Text: password}
		if err := h.identity.Disable(t.Context(), proof); !mainstay.Is(err, mainstay.Conflict) {
			t.Errorf("the last second factor goes though a role needs it: %v", err)
		}
		if err := h.identity.ResetFactors(t.Context(), mainstay.System("test"), ana.ID); err != nil {
			t.Fatal(err)
		}
		if h.viewer(t, done).SignedIn() {
			t.Error("the session goes on after the second factor was reset")
		}
		if err := h.identity.ResetFactors(t.Context(), mainstay.System("test"), ana.ID); !mainstay.Is(err, mainstay.Conflict) {
			t.Errorf("there is nothing left to reset: %v", err)
		}
		if step, _, err := h.identity.Step(t.Context(), h.signIn(t).Step); err != nil || !step.Enrol {
			t.Errorf("after the reset: %+v %v", step, err)
		}
		n := 0
		for _, k := range h.kinds(t) {
			if k == "setting.changed" {
				n++
			}
		}
		if n != 1 {
			t.Errorf("the policy was set once, and %d facts say so", n)
		}
	})
}

// TestASealedSecret reads the database as a thief would: neither the app's secret nor a recovery code stands in it.
func TestASealedSecret(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{MailOff: mailWorks}, func(t *testing.T, h house) {
		ana := h.setup(t)
		secret, recovery := h.enrolled(t, ana)
		if err := h.identity.AskReset(t.Context(), client, email); err != nil {
			t.Fatal(err)
		}
		a, err := h.store.Authenticator(t.Context(), ana.ID)
		if err != nil || strings.Contains(a.Sealed, strings.ReplaceAll(secret, " ", "")) {
			t.Errorf("the secret stands in the database: %v", err)
		}
		if _, ok, err := h.store.UseRecoveryCode(t.Context(), ana.ID, strings.ReplaceAll(recovery[0], "-", "")); ok || err != nil {
			t.Errorf("a recovery code is kept in clear: %v", err)
		}
		for _, n := range h.mails(ana) {
			if strings.Contains(string(n.Data), "/setup/") {
				t.Errorf("the notice holds the link in clear: %s", n.Data)
			}
		}
	})
}

// link opens the link of the person's newest mail of a template, as notify does before it sends.
func (h house) link(t testing.TB, p people.Person, template string) string {
	t.Helper()
	list := h.mails(p)
	slices.Reverse(list)
	for _, n := range list {
		if n.Template != template {
			continue
		}
		var d notify.LinkData
		if err := json.Unmarshal(n.Data, &d); err != nil || n.Address != p.Email || n.Channel != "email" {
			t.Fatalf("%+v %v", n, err)
		}
		u, err := setting.NewVault(make([]byte, 32)).Open(d.Sealed)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(u, "/setup/")
	}
	t.Fatalf("no mail %q to %s: %v", template, p.Email, list)
	return ""
}

func TestAnInvitation(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{MailOff: mailWorks}, func(t *testing.T, h house) {
		ana := h.setup(t)
		by := mainstay.Person(ana.ID)
		bea, err := h.people.Create(t.Context(), by, people.Person{Name: "bea", FullName: "Bea", Email: "bea@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		standing := func() identity.Standing {
			m, err := h.identity.Standings(t.Context(), []string{ana.ID, bea.ID})
			if err != nil || !m[ana.ID].Able {
				t.Fatal(m, err)
			}
			return m[bea.ID]
		}
		if err := h.identity.Invite(t.Context(), by, bea.ID); err != nil {
			t.Fatal(err)
		}
		first := h.link(t, bea, notify.TemplateInvite)
		if x := standing(); x.Able || !x.Invited.Equal(h.Clock.Now().Add(7*24*time.Hour)) {
			t.Errorf("invited: %+v", x)
		}
		if err := h.identity.AskReset(t.Context(), client, bea.Email); err != nil { // by whomever: the invitation goes on
			t.Fatal(err)
		}
		if _, _, err := h.identity.FindLink(t.Context(), first); err != nil {
			t.Errorf("a reset that a stranger asked for ends the invitation: %v", err)
		}
		h.Clock.Advance(time.Second)
		if err := h.identity.Invite(t.Context(), by, bea.ID); err != nil {
			t.Fatal(err)
		}
		second := h.link(t, bea, notify.TemplateInvite)
		if _, _, err := h.identity.FindLink(t.Context(), first); !mainstay.Is(err, mainstay.Gone) {
			t.Errorf("the replaced invitation: %v", err)
		}
		if had, err := h.identity.Revoke(t.Context(), by, bea.ID); !had || err != nil {
			t.Fatal(had, err)
		}
		if _, _, err := h.identity.FindLink(t.Context(), second); !mainstay.Is(err, mainstay.Gone) {
			t.Errorf("the invitation that was taken back: %v", err)
		}
		if had, err := h.identity.Revoke(t.Context(), by, bea.ID); had || err != nil {
			t.Errorf("taking it back twice: %v %v", had, err)
		}
		h.Clock.Advance(time.Second)
		if err := h.identity.Invite(t.Context(), by, bea.ID); err != nil {
			t.Fatal(err)
		}
		third := h.link(t, bea, notify.TemplateInvite)
		if _, err := h.identity.UseLink(t.Context(), third, "", "", "under the old bridge"); err != nil {
			t.Fatal(err)
		}
		if x := standing(); !x.Able || !x.Invited.IsZero() {
			t.Errorf("after the invitation was used: %+v", x)
		}
		if _, err := h.try(t, bea.Email, "under the old bridge", "192.0.2.5"); err != nil {
			t.Error(err)
		}
		h.Clock.Advance(time.Second)
		if err := h.identity.Invite(t.Context(), by, bea.ID); err != nil {
			t.Fatal(err)
		}
		late := h.link(t, bea, notify.TemplateInvite)
		h.Clock.Advance(7 * 24 * time.Hour)
		if _, err := h.identity.UseLink(t.Context(), late, "", "", "under the new bridge"); !mainstay.Is(err, mainstay.Gone) {
			t.Errorf("a week later: %v", err)
		}
		kinds := h.kinds(t)
		if !slices.Contains(kinds, "identity.invited") || !slices.Contains(kinds, "identity.invitation_revoked") {
			t.Errorf("facts: %v", kinds)
		}
	})
}

func TestAResetByMail(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{MailOff: mailWorks}, func(t *testing.T, h house) {
		ana := h.setup(t)
		open := h.signIn(t)
		before := len(h.Notices())
		if err := h.identity.AskReset(t.Context(), client, "nobody@example.com"); err != nil || len(h.Notices()) != before {
			t.Errorf("an address that nobody has: %v, %d mails", err, len(h.Notices())-before)
		}
		for range 5 { // three mails an hour, and no word about the others
			if err := h.identity.AskReset(t.Context(), client, "ANA@example.com"); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(h.Notices()) - before; n != 3 {
			t.Errorf("%d mails within an hour", n)
		}
		secret := h.link(t, ana, notify.TemplateReset)
		if _, err := h.try(t, email, password, "192.0.2.1"); err != nil {
			t.Errorf("the password that was asked to be reset: %v", err)
		}
		for range 6 {
			_, _ = h.try(t, email, "wrong password", "198.51.100.7")
		}
		if _, err := h.identity.UseLink(t.Context(), secret, "", "", "a bridge over something"); err != nil {
			t.Fatal(err)
		}
		if h.viewer(t, open).SignedIn() {
			t.Error("a session outlives the reset")
		}
		if _, err := h.try(t, email, "a bridge over something", "192.0.2.1"); err != nil {
			t.Errorf("the new password, on an account that was locked from elsewhere: %v", err)
		}
		if list := h.mails(ana); !strings.Contains(string(list[len(list)-1].Data), "password was changed") {
			t.Errorf("the person is not told: %s", list[len(list)-1].Data)
		}
		if _, err := h.identity.UseLink(t.Context(), secret, "", "", "a bridge over nobody"); !mainstay.Is(err, mainstay.Gone) {
			t.Errorf("the link counts twice: %v", err)
		}
		h.Clock.Advance(time.Hour)
		if err := h.identity.AskReset(t.Context(), client, email); err != nil {
			t.Fatal(err)
		}
		late := h.link(t, ana, notify.TemplateReset)
		h.Clock.Advance(time.Hour)
		if _, _, err := h.identity.FindLink(t.Context(), late); !mainstay.Is(err, mainstay.Gone) {
			t.Errorf("an hour later: %v", err)
		}
		for i := range 21 {
			err := h.identity.AskReset(t.Context(), identity.Client{Address: "203.0.113.1"}, "x"+string(rune('a'+i))+"@example.com")
			if (i == 20) != mainstay.Is(err, mainstay.TooMany) {
				t.Errorf("reset %d from one address: %v", i+1, err)
			}
		}
	})
}

func TestNoMailNoReset(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		ana := h.setup(t)
		if err := h.identity.AskReset(t.Context(), client, email); !mainstay.Is(err, mainstay.Conflict) || !strings.Contains(err.Error(), "sends no mail") {
			t.Errorf("a reset: %v", err)
		}
		if err := h.identity.Invite(t.Context(), mainstay.System("test"), ana.ID); !mainstay.Is(err, mainstay.Conflict) || !strings.Contains(err.Error(), "Make a link") {
			t.Errorf("an invitation: %v", err)
		}
	})
}

// TestNobodyIsLockedOutFromElsewhere keeps an account locked from another address, as anybody on the internet can: a browser on
// which the person has signed in before goes on to let them in, and has a lock of its own.
func TestNobodyIsLockedOutFromElsewhere(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		ana := h.setup(t)
		cookie, err := h.identity.DeviceCookie(client, ana.ID)
		if err != nil {
			t.Fatal(err)
		}
		in := identity.SignInput{Email: email, Password: password, Address: "192.0.2.1", Device: cookie.Value}
		for range 12 {
			if _, err := h.try(t, email, "wrong password", "198.51.100.9"); mainstay.Is(err, mainstay.TooMany) {
				h.Clock.Advance(time.Minute)
			}
		}
		if _, err := h.try(t, email, password, "192.0.2.1"); !mainstay.Is(err, mainstay.TooMany) {
			t.Fatalf("the account is not locked: %v", err)
		}
		if _, err := h.identity.SignIn(t.Context(), in); err != nil {
			t.Errorf("the person's own browser: %v", err)
		}
		for range 5 {
			bad := in
			bad.Password = "wrong password"
			if _, err := h.identity.SignIn(t.Context(), bad); !mainstay.Is(err, mainstay.Unauthenticated) {
				t.Fatal(err)
			}
		}
		if _, err := h.identity.SignIn(t.Context(), in); !mainstay.Is(err, mainstay.TooMany) {
			t.Errorf("whoever has the cookie tries for ever: %v", err)
		}
		bea, err := h.people.Create(t.Context(), mainstay.System("test"), people.Person{Name: "bea", FullName: "Bea", Email: "bea@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		foreign, err := h.identity.DeviceCookie(identity.Client{}, bea.ID)
		if err != nil {
			t.Fatal(err)
		}
		for range 6 {
			_, _ = h.try(t, email, "wrong password", "198.51.100.10")
		}
		in.Device = foreign.Value
		if _, err := h.identity.SignIn(t.Context(), in); !mainstay.Is(err, mainstay.TooMany) {
			t.Errorf("the cookie of another account helps: %v", err)
		}
	})
}

func TestATokenRotatesAndRunsOut(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		by := mainstay.System("test")
		if _, _, err := h.identity.AddToken(t.Context(), by, "late", access.Member, "", h.Clock.Now()); mainstay.ErrorFields(err)["expires"] == "" {
			t.Errorf("a token that has run out at once: %v", err)
		}
		tok, first, err := h.identity.AddToken(t.Context(), by, "ci", access.Member, "", h.Clock.Now().Add(48*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		rotated, second, err := h.identity.RotateToken(t.Context(), by, tok.ID, time.Hour)
		if err != nil || second == first || rotated.Tail != second[len(second)-4:] {
			t.Fatal(rotated, err)
		}
		for name, secret := range map[string]string{"new": second, "former": first} {
			if v, err := h.bearer(secret); err != nil || v.Name != "ci" {
				t.Errorf("the %s secret: %v", name, err)
			}
		}
		h.Clock.Advance(time.Hour)
		if _, err := h.bearer(first); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Errorf("the former secret after its time: %v", err)
		}
		_, third, err := h.identity.RotateToken(t.Context(), by, tok.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.bearer(second); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Errorf("a secret that was replaced at once: %v", err)
		}
		h.Clock.Advance(47 * time.Hour)
		if _, err := h.bearer(third); !mainstay.Is(err, mainstay.Unauthenticated) || !strings.Contains(err.Error(), "run out") {
			t.Errorf("a token that has run out: %v", err)
		}
		if _, _, err := h.identity.RotateToken(t.Context(), by, tok.ID, 0); !mainstay.Is(err, mainstay.Conflict) {
			t.Errorf("rotating it: %v", err)
		}
		if kinds := h.kinds(t); !slices.Contains(kinds, "token.rotated") {
			t.Errorf("facts: %v", kinds)
		}
	})
}
