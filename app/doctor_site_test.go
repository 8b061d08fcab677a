package app_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
	"github.com/mainstayhq/mainstay/storage"
)

// certFor writes a pair that signs itself.
func certFor(t *testing.T, host string, key crypto.Signer, until time.Time) (cert, keyFile string) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: until.AddDate(-1, 0, 0), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, keyFile
}

// twoKeys are one that will do and one that is weak.
func twoKeys(t *testing.T) (good, weak crypto.Signer) {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	old, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // that is the fault to be found
	if err != nil {
		t.Fatal(err)
	}
	return ec, old
}

func answers(t *testing.T, body string) *url.URL {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestDoctorOfTheSite: each finding about how the server meets the world, when there is something to find and when there is not.
func TestDoctorOfTheSite(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite")
	now := s.Clock.Now()
	ec, old := twoKeys(t)
	pair := func(key crypto.Signer, host string, until time.Time) func(*app.Config) {
		cert, keyFile := certFor(t, host, key, until)
		return func(c *app.Config) { c.TLSCert, c.TLSKey = cert, keyFile }
	}
	at := func(text string) func(*app.Config) {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return func(c *app.Config) { c.ExternalURL = u }
	}
	listen := func(addr string) func(*app.Config) { return func(c *app.Config) { c.Listen = addr } }
	everybody := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	few := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	good := pair(ec, "support.example.org", now.AddDate(0, 6, 0))
	healthy, other := answers(t, "healthy\n"), answers(t, "hello")
	for _, c := range []struct {
		name, check, want, says string
		change                  []func(*app.Config)
	}{
		{"behind a proxy", "exposure", "ok", "this machine alone", nil},
		{"open and in clear", "exposure", "wrong", "without TLS", []func(*app.Config){listen("0.0.0.0:8080")}},
		{"open with TLS", "exposure", "ok", "with TLS", []func(*app.Config){listen("0.0.0.0:8080"), good}},
		{"open behind TLS", "exposure", "look", "around the proxy", []func(*app.Config){listen("0.0.0.0:8080"), at("https://127.0.0.1:1")}},
		{"believes everybody", "trusted proxies", "wrong", "everybody may say", []func(*app.Config){func(c *app.Config) { c.TrustedProxies = everybody }}},
		{"believes some", "trusted proxies", "ok", "", []func(*app.Config){func(c *app.Config) { c.TrustedProxies = few }}},
		{"lets webhooks anywhere", "webhook targets", "wrong", "0.0.0.0/0", []func(*app.Config){func(c *app.Config) { c.AllowTargets = everybody }}},
		{"lets webhooks somewhere", "webhook targets", "ok", "", []func(*app.Config){func(c *app.Config) { c.AllowTargets = few }}},
		{"a good certificate", "certificate", "ok", "", []func(*app.Config){good}},
		{"for another name", "certificate", "wrong", "not for elsewhere", []func(*app.Config){good, at("https://elsewhere.example.org")}},
		{"run out", "certificate", "wrong", "run out", []func(*app.Config){pair(ec, "x", now.AddDate(0, 0, -1))}},
		{"running out", "certificate", "look", "runs out", []func(*app.Config){pair(ec, "x", now.AddDate(0, 0, 3))}},
		{"weak", "certificate", "wrong", "1024 bits", []func(*app.Config){pair(old, "x", now.AddDate(0, 6, 0))}},
		{"missing", "certificate", "wrong", "cannot be used", []func(*app.Config){func(c *app.Config) { c.TLSCert, c.TLSKey = "none", "none" }}},
		{"no external URL", "external URL", "look", "this machine alone", nil},
		{"it answers there", "external URL", "ok", "answers at", []func(*app.Config){func(c *app.Config) { c.ExternalURL = healthy }}},
		{"another answers there", "external URL", "wrong", "something else", []func(*app.Config){func(c *app.Config) { c.ExternalURL = other }}},
		{"nothing answers there", "external URL", "wrong", "does not answer", []func(*app.Config){at("http://127.0.0.1:1")}},
		{"not https", "external URL", "wrong", "not https", []func(*app.Config){at("http://support.invalid")}},
		{"the log is small", "write-ahead log", "ok", "", nil},
		{"the structure is whole", "integrity", "ok", "", nil},
	} {
		cfg := s.Config
		for _, change := range c.change {
			change(&cfg)
		}
		expectFinding(t, cfg, c.name, c.check, c.want, c.says)
	}
}

// expectFinding fails unless doctor says so about the check, and says why and what to do about what is not well.
func expectFinding(t *testing.T, cfg app.Config, name, check, state, says string) {
	t.Helper()
	list, err := app.Doctor(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	seen := ""
	for _, f := range list {
		if f.State != app.Fine && (f.Why == "" || f.Do == "") {
			t.Errorf("%s: it says neither why nor what to do: %+v", name, f)
		}
		if f.Check == check {
			seen += f.State + ": " + f.Says + "\n"
			if f.State == state && strings.Contains(f.Says, says) {
				return
			}
		}
	}
	t.Errorf("%s: %s is not %s with %q but\n%s", name, check, state, says, seen)
}

// TestOldTLS is tried for, and refused by a server that takes 1.2 at least.
func TestOldTLS(t *testing.T) {
	t.Parallel()
	for version, want := range map[uint16]string{tls.VersionTLS10: app.Wrong, tls.VersionTLS12: app.Fine} {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.TLS = &tls.Config{MinVersion: version} //nolint:gosec // that is the fault to be found
		s.Config.ErrorLog = nil
		s.StartTLS()
		t.Cleanup(s.Close)
		if list := app.WeakTLS(t.Context(), s.URL); len(list) != 1 || list[0].State != want {
			t.Errorf("a server that takes %x is %+v", version, list)
		}
	}
}

// TestDoctorOfABrokenFile: a damaged database is named, and so is a log that is not written back.
func TestDoctorOfABrokenFile(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite")
	s.Apply(t, ill)
	root, err := storage.One(t.Context(), s.DB, storage.Value[int64], `SELECT rootpage FROM sqlite_schema WHERE name = 'retention_run'`)
	if err != nil {
		t.Fatal(err)
	}
	s.Stop(t)
	f, err := os.OpenFile(filepath.Join(s.Config.Data, storage.File), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	rubbish := make([]byte, 64)
	_, _ = rand.Read(rubbish)
	if _, err := f.WriteAt(rubbish, (root-1)*4096); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	list, err := app.Doctor(t.Context(), s.Config)
	found := false
	for _, x := range list {
		found = found || x.Check == "integrity" && x.State == app.Wrong
	}
	if !found {
		t.Errorf("of a broken file it says %+v (%v)", list, err)
	}

	whole := servertest.New(t, "sqlite")
	whole.Stop(t)
	wal := filepath.Join(whole.Config.Data, storage.File+"-wal")
	if err := os.WriteFile(wal, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(wal, 300<<20); err != nil { // a sparse file
		t.Fatal(err)
	}
	expectFinding(t, whole.Config, "a large log", "write-ahead log", "look", "300 MiB")
}

// TestDoctorOfPeopleAndSenders: each finding about what people take care of, both ways.
func TestDoctorOfPeopleAndSenders(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		s.Apply(t, ill)
		key := s.Key(t, "shop", "heartbeat")
		expect := func(name, check, state, says string) {
			t.Helper()
			expectFinding(t, s.Config, name, check, state, says)
		}
		expect("a new one", "backups", "look", "There is none yet")
		expect("a new one", "known passwords", "ok", "")
		expect("a new one", "intake keys", "ok", "")
		expect("a new one", "schedule gaps", "look", "Schedule shop/later has nobody for")
		p, err := s.People.ByName(t.Context(), "ana")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Identity.SetPassword(t.Context(), servertest.Operator, p.ID, "harbour-demo"); err != nil {
			t.Fatal(err)
		}
		expect("with the demonstration's password", "known passwords", "wrong", "ana has")
		expect("with a password", "second factor", "look", "No administrator has a second factor: ana")
		exec(t, s, `INSERT INTO authenticator (person, secret, added_at, step) VALUES ($1, 'x', 1, 0)`, p.ID)
		expect("with an app", "second factor", "ok", "")

		s.Clock.Advance(25 * time.Hour)
		expect("a day later", "intake keys", "look", "never used")
		if a := s.Nobody().Send(t, "POST", "/in/"+key+"/heartbeat/nightly?every=1m", nil); a.Status >= 300 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		s.Settle(t)
		expect("once it is used", "intake keys", "ok", "")
		expect("once it is heard", "heartbeats", "ok", "")
		s.Advance(t, time.Hour)
		expect("an hour of silence later", "heartbeats", "look", "shop/nightly")

		mainstaytest.Eventually(t, "a backup was made by itself", func() bool {
			_, busy := s.Backups.Now()
			return !busy && slices.Contains(states(t, s), "verified")
		})
		expect("with a backup", "backups", "ok", "The newest that was verified shows")
		expect("with a backup", "backup disk", "look", "lie on the disk of the data")
		s.Backups.Stop() // it would make another at once
		exec(t, s, `UPDATE backup_copy SET began = began - 259200000000`)
		expect("with an old backup", "backups", "wrong", "none that is recent")
		exec(t, s, `INSERT INTO webhook_endpoint (id, project, name, spec, secrets, state, reason, failures, since, aside, next_at, ok_at, try_at, error, created_at, updated_at, version)
			SELECT 'e', project, 'chat', '{"url":"http://chat.example.com/x"}', '[]', 'disabled', 'nothing got through.', 0, 0, 0, 0, 0, 0, '', 0, 0, 1 FROM schedule WHERE name = 'primary'`)
		expect("with a bad webhook", "webhooks", "look", "not encrypted")
		expect("with a bad webhook", "webhooks", "look", "disabled")
		expect("with a bad webhook", "unsigned webhooks", "look", "shop/chat are not signed")
		exec(t, s, `DELETE FROM webhook_endpoint`)
		expect("without", "webhooks", "ok", "")
		expect("without", "unsigned webhooks", "ok", "")
	}, withBackups(t), func(c *app.Config) { c.AllowTargets = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
}

// exec changes the database by hand.
func exec(t *testing.T, s *servertest.Server, query string, args ...any) {
	t.Helper()
	err := s.DB.Write(t.Context(), storage.Normal, func(ctx context.Context) error {
		_, err := s.DB.Exec(ctx, query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
