package identitydb_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/access/accessdb"
	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/core/identity/identitydb"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/people/peopledb"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/core/project/projectdb"
	"github.com/mainstayhq/mainstay/core/setting"
	"github.com/mainstayhq/mainstay/core/setting/settingdb"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/storage"
)

const (
	email    = "ana@example.com"
	password = "a bridge over nothing"
)

type house struct {
	*mainstaytest.Env
	people   *people.Service
	access   *access.Service
	identity *identity.Service
	projects *project.Registry
	store    *identitydb.Store
}

func migrations() []storage.Migrations {
	return []storage.Migrations{peopledb.Migrations(), accessdb.Migrations(), identitydb.Migrations(), settingdb.Migrations(), projectdb.Migrations()}
}

func newHouse(t testing.TB, e *mainstaytest.Env, cfg identity.Config) house {
	t.Helper()
	store := peopledb.New(e.DB, e.Saver)
	acc, err := access.New(access.Config{Store: accessdb.New(e.DB, e.Saver), Teams: store, Time: e.Clock})
	if err != nil {
		t.Fatal(err)
	}
	p, err := people.New(people.Config{Store: store, Roles: acc, Time: e.Clock})
	if err != nil {
		t.Fatal(err)
	}
	projects, err := project.New(project.Config{Store: projectdb.New(e.DB, e.Saver), Time: e.Clock})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Projects = projects
	cfg.Store, cfg.People, cfg.Access, cfg.Time, cfg.Log = identitydb.New(e.DB, e.Saver), p, acc, e.Clock, e.Log
	cfg.Vault, cfg.Settings = setting.NewVault(make([]byte, 32)), setting.New(settingdb.New(e.DB, e.Saver), e.Clock)
	s, err := identity.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return house{e, p, acc, s, projects, identitydb.New(e.DB, e.Saver)}
}

func eachHouse(t *testing.T, cfg identity.Config, f func(t *testing.T, h house)) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) { f(t, newHouse(t, e, cfg)) }, migrations()...)
}

func (h house) setup(t testing.TB) people.Person {
	t.Helper()
	if err := h.identity.Setup(t.Context(), email, password); err != nil {
		t.Fatal(err)
	}
	p, err := h.people.ByEmail(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (h house) signIn(t testing.TB) identity.Signed {
	t.Helper()
	s, err := h.try(t, email, password, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (h house) try(t testing.TB, email, password, address string) (identity.Signed, error) {
	return h.identity.SignIn(t.Context(), identity.SignInput{Email: email, Password: password, Address: address, Agent: "test"})
}

func (h house) viewer(t testing.TB, s identity.Signed) access.Viewer {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(h.identity.Cookie(s.Secret))
	v, err := h.identity.Viewer(r)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (h house) bearer(secret string) (access.Viewer, error) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+secret)
	return h.identity.Viewer(r)
}

func (h house) kinds(t testing.TB) []string {
	var list []string
	for _, f := range h.Facts(t, mainstay.Installation) {
		list = append(list, f.Kind)
	}
	return list
}

func TestSetupOnce(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		if has, err := h.identity.HasAdministrator(t.Context()); has || err != nil {
			t.Fatal(has, err)
		}
		for field, c := range map[string][2]string{"password": {email, email}, "email": {"ana", password}} {
			if err := h.identity.Setup(t.Context(), c[0], c[1]); mainstay.ErrorFields(err)[field] == "" {
				t.Errorf("%s: %v", field, err)
			}
		}
		if facts := h.kinds(t); len(facts) != 0 {
			t.Errorf("a refused set-up left %v", facts)
		}
		ana := h.setup(t)
		if ana.Name != "ana" || len(ana.Contacts) != 1 || !ana.Contacts[0].ForPages {
			t.Errorf("the administrator: %+v", ana)
		}
		before := h.kinds(t)
		err := h.identity.Setup(t.Context(), "eve@example.com", password)
		if !mainstay.Is(err, mainstay.Conflict) || !strings.Contains(err.Error(), "administrator exists") {
			t.Errorf("a second set-up: %v", err)
		}
		if _, err := h.identity.SetupLink(t.Context()); !mainstay.Is(err, mainstay.Conflict) {
			t.Errorf("a link for a second set-up: %v", err)
		}
		if after := h.kinds(t); !slices.Equal(before, after) {
			t.Errorf("the refused set-up wrote %v", after)
		}
		v := h.viewer(t, h.signIn(t))
		if !v.May(access.PeopleManage, "") || v.PersonID != ana.ID || v.Name != "ana" || v.Token {
			t.Errorf("viewer: %+v", v)
		}
	})
}

func TestTwoSetupsAtOnce(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		var done sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			done.Go(func() {
				errs[i] = h.identity.Setup(t.Context(), string(rune('a'+i))+"@example.com", password)
			})
		}
		done.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else if !mainstay.Is(err, mainstay.Conflict) {
				t.Error(err)
			}
		}
		if made != 1 {
			t.Errorf("%d administrators were set up at once", made)
		}
	})
}

func TestTheSetupLink(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		old, err := h.identity.SetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		secret, err := h.identity.SetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name, s := range map[string]string{"replaced": old, "invented": strings.Repeat("A", 43), "empty": ""} {
			if _, err := h.identity.UseLink(t.Context(), s, email, "Ana", password); !mainstay.Is(err, mainstay.Gone) {
				t.Errorf("a link that is %s: %v", name, err)
			}
		}
		h.Clock.Advance(24 * time.Hour)
		if _, _, err := h.identity.FindLink(t.Context(), secret); !mainstay.Is(err, mainstay.Gone) {
			t.Errorf("a day later: %v", err)
		}
		if secret, err = h.identity.SetupLink(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := h.identity.UseLink(t.Context(), secret, email, "Ana", "short"); mainstay.ErrorFields(err)["password"] == "" {
			t.Errorf("a short password: %v", err)
		}
		if got, err := h.identity.UseLink(t.Context(), secret, email, "Ana Ruiz", password); err != nil || got != email {
			t.Fatal(got, err)
		}
		if _, err := h.identity.UseLink(t.Context(), secret, "eve@example.com", "Eve", password); err == nil {
			t.Error("the link was used twice")
		}
		h.signIn(t)
	})
}

func TestAPasswordLink(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		h.setup(t)
		bea, err := h.people.Create(t.Context(), mainstay.System("test"), people.Person{Name: "bea", FullName: "Bea", Email: "bea@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.try(t, "bea@example.com", "", "192.0.2.9"); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Errorf("a person without password signs in: %v", err)
		}
		secret, err := h.identity.PasswordLink(t.Context(), mainstay.System("test"), bea.ID)
		if err != nil {
			t.Fatal(err)
		}
		if p, _, err := h.identity.FindLink(t.Context(), secret); err != nil || p.ID != bea.ID {
			t.Errorf("%+v %v", p, err)
		}
		if _, err := h.identity.UseLink(t.Context(), secret, "ignored@example.com", "", "under the old bridge"); err != nil {
			t.Fatal(err)
		}
		if _, err := h.identity.UseLink(t.Context(), secret, "", "", "under the new bridge"); !mainstay.Is(err, mainstay.Gone) {
			t.Errorf("the link was used twice: %v", err)
		}
		if _, err := h.try(t, "BEA@example.com", "under the old bridge", "192.0.2.9"); err != nil {
			t.Error(err)
		}
	})
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		ana := h.setup(t)
		one, two, three := h.signIn(t), h.signIn(t), h.signIn(t)
		if list, err := h.identity.Sessions(t.Context(), ana.ID); err != nil || len(list) != 3 || list[0].Address != "192.0.2.1" {
			t.Errorf("sessions: %+v %v", list, err)
		}
		self := mainstay.Person(ana.ID)
		if err := h.identity.SignOut(t.Context(), self, ana.ID, one.Session.ID); err != nil {
			t.Fatal(err)
		}
		if h.viewer(t, one).SignedIn() || !h.viewer(t, two).SignedIn() {
			t.Error("the wrong session ended")
		}
		if err := h.identity.SignOutEverywhere(t.Context(), self, ana.ID, two.Session.ID); err != nil {
			t.Fatal(err)
		}
		if h.viewer(t, three).SignedIn() || !h.viewer(t, two).SignedIn() {
			t.Error("everywhere else was not everywhere else")
		}
		four := h.signIn(t)
		if err := h.identity.ChangePassword(t.Context(), ana.ID, four.Session.ID, "wrong", "another long password"); mainstay.ErrorFields(err)["present"] == "" {
			t.Errorf("with a wrong present password: %v", err)
		}
		if err := h.identity.ChangePassword(t.Context(), ana.ID, four.Session.ID, password, "another long password"); err != nil {
			t.Fatal(err)
		}
		if h.viewer(t, two).SignedIn() || !h.viewer(t, four).SignedIn() {
			t.Error("a new password ends every session but the present one")
		}
		if _, err := h.try(t, email, password, "192.0.2.1"); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Errorf("the old password: %v", err)
		}
	})
}

func TestSessionsAge(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		ana := h.setup(t)
		idle, busy := h.signIn(t), h.signIn(t)
		for day := 1; day <= 89; day++ {
			h.Clock.Advance(24 * time.Hour)
			if !h.viewer(t, busy).SignedIn() {
				t.Fatalf("a busy session ended on day %d", day)
			}
			if alive := h.viewer; day == 14 && alive(t, idle).SignedIn() {
				t.Error("an idle session lives for longer than 14 days")
			}
		}
		h.Clock.Advance(24 * time.Hour)
		if h.viewer(t, busy).SignedIn() {
			t.Error("a session lives for longer than 90 days")
		}
		h.signIn(t)
		if list, err := h.identity.Sessions(t.Context(), ana.ID); err != nil || len(list) != 1 {
			t.Errorf("sessions: %+v %v", list, err)
		}
	})
}

func TestLockOut(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		h.setup(t)
		for _, account := range []string{email, "nobody@example.com"} { // it must be the same for both
			for i := range 5 {
				// Each from another address, so that the account alone is locked.
				if _, err := h.try(t, account, "wrong password", "198.51.100."+string(rune('1'+i))); !mainstay.Is(err, mainstay.Unauthenticated) {
					t.Fatalf("failure %d of %s: %v", i+1, account, err)
				}
			}
			_, err := h.try(t, account, password, "192.0.2.7")
			if !mainstay.Is(err, mainstay.TooMany) || !strings.Contains(err.Error(), "a minute") {
				t.Errorf("%s after five failures: %v", account, err)
			}
		}
		h.Clock.Advance(29 * time.Second)
		if _, err := h.try(t, email, password, "192.0.2.7"); !mainstay.Is(err, mainstay.TooMany) {
			t.Errorf("29 s later: %v", err)
		}
		h.Clock.Advance(time.Second)
		if _, err := h.try(t, email, "wrong password", "192.0.2.7"); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Errorf("30 s later, wrong again: %v", err)
		}
		h.Clock.Advance(59 * time.Second)
		if _, err := h.try(t, email, password, "192.0.2.7"); !mainstay.Is(err, mainstay.TooMany) {
			t.Errorf("the second lock is not longer: %v", err)
		}
		h.Clock.Advance(time.Second)
		if _, err := h.try(t, email, password, "192.0.2.7"); err != nil {
			t.Errorf("after the second lock: %v", err)
		}
		if _, err := h.try(t, email, "wrong password", "192.0.2.7"); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Errorf("signing in did not forget the failures: %v", err)
		}
		kinds := h.kinds(t)
		count := func(k string) (n int) {
			for _, x := range kinds {
				if x == k {
					n++
				}
			}
			return n
		}
		if count("identity.sign_in_failed") != 12 || count("identity.locked_out") < 3 {
			t.Errorf("facts: %v", kinds)
		}
	})
}

func TestAnAddressIsLocked(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		h.setup(t)
		for i := range 5 {
			if _, err := h.try(t, "guess"+string(rune('1'+i))+"@example.com", "wrong password", "198.51.100.1"); !mainstay.Is(err, mainstay.Unauthenticated) {
				t.Fatal(err)
			}
		}
		if _, err := h.try(t, email, password, "198.51.100.1"); !mainstay.Is(err, mainstay.TooMany) {
			t.Errorf("the address may go on: %v", err)
		}
		if _, err := h.try(t, email, password, "198.51.100.2"); err != nil {
			t.Errorf("another address: %v", err)
		}
	})
}

// TestAnOldHashIsMadeAnew signs in with a password that was hashed at a lower cost.
func TestAnOldHashIsMadeAnew(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		ana := h.setup(t)
		store := identitydb.New(h.DB, h.Saver)
		salt, b64 := []byte("0123456789abcdef"), base64.RawStdEncoding
		old := "$argon2id$v=19$m=64,t=1,p=1$" + b64.EncodeToString(salt) + "$" + b64.EncodeToString(argon2.IDKey([]byte(password), salt, 1, 64, 1, 32))
		if err := store.SetPassword(t.Context(), ana.ID, old, h.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			h.signIn(t)
			if now, err := store.Password(t.Context(), ana.ID); err != nil || !strings.HasPrefix(now, "$argon2id$v=19$m=19456,t=2,p=1$") {
				t.Errorf("the hash after signing in: %s %v", now, err)
			}
		}
	})
}

// TestManyAtOnce signs twenty people in at one moment: two passwords are hashed at one time, never more, and a flood of wrong
// ones gets no further tries from coming all at once.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		h.setup(t)
		together := func(password string) map[mainstay.Code]int {
			var mu sync.Mutex
			var done sync.WaitGroup
			codes := map[mainstay.Code]int{}
			for range 20 {
				done.Go(func() {
					_, err := h.try(t, email, password, "192.0.2.1")
					mu.Lock()
					defer mu.Unlock()
					codes[mainstay.ErrorCode(err)]++
				})
			}
			done.Wait()
			return codes
		}
		if codes := together(password); codes[""] != 20 {
			t.Errorf("twenty at once: %v", codes)
		}
		if _, most := h.identity.Hashing(); most < 1 || most > 2 {
			t.Errorf("%d passwords were hashed at one time", most)
		}
		// The two in turn when the lock begins may both have been let in.
		if codes := together("wrong password"); codes[mainstay.Unauthenticated] > 6 || codes[mainstay.Unauthenticated] < 5 {
			t.Errorf("twenty wrong ones at once: %v", codes)
		}
	})
}

func TestADeactivatedPersonIsOut(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		ana := h.setup(t)
		session := h.signIn(t)
		bea, err := h.people.Create(t.Context(), mainstay.System("test"), people.Person{Name: "bea", FullName: "Bea", Email: "bea@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.access.Give(t.Context(), mainstay.System("test"), bea.Ref(), access.Administrator, ""); err != nil {
			t.Fatal(err)
		}
		if err := h.people.SetActive(t.Context(), mainstay.Person(bea.ID), ana.ID, false); err != nil {
			t.Fatal(err)
		}
		if h.viewer(t, session).SignedIn() {
			t.Error("a deactivated person's session goes on")
		}
		if _, err := h.try(t, email, password, "192.0.2.1"); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Errorf("a deactivated person signs in: %v", err)
		}
	})
}

func TestAPIToken(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{TokenRate: 1, TokenBurst: 3}, func(t *testing.T, h house) {
		ana := h.setup(t)
		self := mainstay.Person(ana.ID)
		if _, err := h.identity.CreateToken(t.Context(), self, "", "god", ""); len(mainstay.ErrorFields(err)) != 2 {
			t.Errorf("without name, with an unknown role: %v", err)
		}
		secret, err := h.identity.CreateToken(t.Context(), self, "ci", access.Responder, "id-of-shop")
		if err != nil || !strings.HasPrefix(secret, "mst_") {
			t.Fatal(secret, err)
		}
		v, err := h.bearer(secret)
		if err != nil || !v.Token || v.Name != "ci" || !v.May(access.AlertRespond, "id-of-shop") || v.MayAny(access.TokenManage) || v.May(access.AlertRead, "other") {
			t.Errorf("viewer: %+v %v", v, err)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth("anybody", secret)
		if v, err := h.identity.Viewer(r); err != nil || v.Name != "ci" {
			t.Errorf("basic authentication: %+v %v", v, err)
		}
		list, _, err := h.identity.ListTokens(t.Context(), "", 10)
		if err != nil || len(list) != 1 || !list[0].UsedAt.Equal(h.Clock.Now()) || list[0].CreatedBy != self || list[0].Tail != secret[len(secret)-4:] {
			t.Errorf("tokens: %+v %v", list, err)
		}

		if _, err := h.bearer(secret); err != nil {
			t.Error(err)
		}
		_, err = h.bearer(secret)
		wait, ok := err.(*identity.Wait)
		if !mainstay.Is(err, mainstay.TooMany) || !ok || wait.RetryAfter() != time.Second {
			t.Errorf("the fourth request at once: %v", err)
		}
		h.Clock.Advance(5 * time.Second)

		if err := h.identity.RevokeToken(t.Context(), self, list[0].ID); err != nil {
			t.Fatal(err)
		}
		if _, err := h.bearer(secret); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Errorf("a revoked token: %v", err)
		}
		var told []string
		for _, f := range h.Facts(t, "id-of-shop") {
			told = append(told, f.Kind)
		}
		if !slices.Equal(told, []string{"token.created", "token.revoked"}) {
			t.Errorf("facts of the project: %v", told)
		}
	})
}

func TestAnotherProcessMakesAToken(t *testing.T) {
	t.Parallel()
	eachHouse(t, identity.Config{}, func(t *testing.T, h house) {
		server, command := h, newHouse(t, h.Env, identity.Config{})
		if _, err := server.bearer("mst_" + strings.Repeat("x", 43)); !mainstay.Is(err, mainstay.Unauthenticated) {
			t.Fatal(err)
		}
		secret, err := command.identity.CreateToken(t.Context(), mainstay.System("command"), "cli", access.Administrator, "")
		if err != nil {
			t.Fatal(err)
		}
		if v, err := server.bearer(secret); err != nil || !v.May(access.TokenManage, "") {
			t.Errorf("%+v %v", v, err)
		}
		for i := 0; ; i++ {
			_, err := server.bearer("mst_" + strings.Repeat("y", 43))
			if mainstay.Is(err, mainstay.TooMany) {
				break
			}
			if i > 1000 {
				t.Fatal("unknown tokens may be tried without end")
			}
		}
		if _, err := server.bearer(secret); err != nil {
			t.Errorf("a known token suffers from the unknown ones: %v", err)
		}
	})
}

// BenchmarkViewer is what every request pays to know who asks.
func BenchmarkViewer(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			h := newHouse(b, mainstaytest.New(b, engine, migrations()...), identity.Config{TokenRate: 1e9, TokenBurst: 1e9})
			h.setup(b)
			session := h.signIn(b)
			secret, err := h.identity.CreateToken(context.Background(), mainstay.System("bench"), "bench", access.Member, "")
			if err != nil {
				b.Fatal(err)
			}
			b.Run("session", func(b *testing.B) {
				for b.Loop() {
					if !h.viewer(b, session).SignedIn() {
						b.Fatal("signed out")
					}
				}
			})
			b.Run("token", func(b *testing.B) {
				for b.Loop() {
					if _, err := h.bearer(secret); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
