package app_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pquerna/otp/totp"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
)

const guarded = `
apiVersion: mainstay/v1
kind: Project
metadata: {name: shop}
---
apiVersion: mainstay/v1
kind: Person
metadata: {name: ana}
spec:
  email: ana@example.com
  roles: [{role: administrator}]
  contacts: [{type: webhook, address: "https://hooks.example.com/ana", pages: true}]
---
apiVersion: mainstay/v1
kind: IdentityProvider
metadata: {name: company}
spec: {issuer: "https://id.example.org", clientId: mainstay, clientSecret: client-secret-7431}
---
apiVersion: mainstay/v1
kind: Webhook
metadata: {name: chat, project: shop}
spec: {url: "https://chat.example.com/hook", secret: "{{secret}}"}
`

// secretsOf makes one of each secret that there is, and returns what must never be in the database in clear.
func secretsOf(t *testing.T, s *servertest.Server) []string {
	t.Helper()
	hook := "whsec_" + base64.StdEncoding.EncodeToString([]byte("a signing secret of 32 bytes ...")[:32])
	s.Apply(t, strings.ReplaceAll(guarded, "{{secret}}", hook))
	ana := s.As(t, "ana")
	p, err := s.People.ByName(t.Context(), "ana")
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Identity.Enrol(p, "", "")
	if err != nil {
		t.Fatal(err)
	}
	seed := strings.ReplaceAll(e.Secret, " ", "")
	code, err := totp.GenerateCode(seed, s.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	recovery, err := s.Identity.Confirm(t.Context(), mainstay.Person(p.ID), p.ID, e.State, code)
	if err != nil || len(recovery) == 0 {
		t.Fatal(recovery, err)
	}
	list := []string{
		"client-secret-7431", strings.TrimPrefix(hook, "whsec_"), seed, servertest.Password, ana.Cookie.Value,
		strings.TrimPrefix(s.Token(t, "responder", ""), "mst_"), s.Key(t, "shop", "alertmanager"),
	}
	return append(list, recovery...)
}

// TestNoSecretInClear greps the bytes of the database, and everything that a backup holds.
func TestNoSecretInClear(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		secrets := secretsOf(t, s)
		s.Settle(t)
		_, c := taken(t, s.Config)
		holds := map[string][]byte{"the backup": []byte(strings.Join(c.rows, "\n"))}
		if s.Engine == "sqlite" {
			for _, name := range []string{"mainstay.db", "mainstay.db-wal"} {
				b, err := os.ReadFile(filepath.Join(s.Config.Data, name))
				if err != nil {
					t.Fatal(err)
				}
				holds[name] = b
			}
		}
		key, err := os.ReadFile(s.Config.SecretKeyFile)
		if err != nil {
			t.Fatal(err)
		}
		for where, b := range holds {
			if !bytes.Contains(b, []byte("company")) && where != "mainstay.db" {
				t.Errorf("%s does not hold what it should: this looks at nothing", where)
			}
			for _, secret := range append(secrets, strings.TrimSpace(string(key))) {
				if len(secret) < 8 || bytes.Contains(b, []byte(secret)) {
					t.Errorf("%s holds the secret %s", where, secret)
				}
			}
		}
	})
}

// TestRotateTheSecretKey: everything that was sealed is opened with the new key alone, and nothing with the old one.
func TestRotateTheSecretKey(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		secretsOf(t, s)
		s.Settle(t)
		if _, err := app.RotateKey(t.Context(), s.Config, false); !mainstay.Is(err, mainstay.Conflict) {
			t.Fatalf("beside a running server it answers %v", err)
		}
		before, err := os.ReadFile(s.Config.SecretKeyFile)
		if err != nil {
			t.Fatal(err)
		}
		s.Stop(t)
		out, err := app.RotateKey(t.Context(), s.Config, false)
		if err != nil || out.Secrets < 4 || len(out.Lost) > 0 {
			t.Fatalf("%+v %v", out, err)
		}
		after, err := os.ReadFile(s.Config.SecretKeyFile)
		if err != nil || bytes.HasPrefix(after, bytes.TrimSpace(before)) || bytes.Contains(after, bytes.TrimSpace(before)) {
			t.Errorf("the key file still holds the key of before (%v)", err)
		}
		if kept, err := os.ReadFile(out.Before); err != nil || !bytes.Equal(kept, before) {
			t.Errorf("the key of before was not kept: %v", err)
		}
		s.Again(t)
		if state := lookAt(t, s.Config)["sealed secrets"]; state != "ok" {
			t.Errorf("with the new key, sealed secrets are %s", state)
		}
		everySealedTable(t, s)
		if told := sayings(t, s, "setting.secret_key_rotated"); len(told) != 1 {
			t.Errorf("the journal says %q", told)
		}
		s.Stop(t)
		if err := os.WriteFile(s.Config.SecretKeyFile, before, 0o600); err != nil {
			t.Fatal(err)
		}
		if state := lookAt(t, s.Config)["sealed secrets"]; state != "wrong" {
			t.Errorf("with the old key, sealed secrets are %s", state)
		}
	})
}

// everySealedTable fails when doctor does not know of a table in which something is sealed.
func everySealedTable(t *testing.T, s *servertest.Server) {
	t.Helper()
	tables, err := s.DB.Tables(t.Context(), app.Migrations()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		found, err := s.DB.Holding(t.Context(), table, "v1:")
		if err != nil {
			t.Fatal(err)
		}
		for column, values := range found {
			if !slices.Contains(app.SealedTables(), table.Name) {
				t.Errorf("%s.%s has sealed secrets, and doctor does not know of it: %.80s", table.Name, column, values[0])
			}
		}
	}
}

// lookAt is what doctor says, by check; the worst counts.
func lookAt(t *testing.T, cfg app.Config) map[string]string {
	t.Helper()
	list, err := app.Doctor(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, f := range list {
		if found[f.Check] == "" || found[f.Check] == app.Fine || f.State == app.Wrong {
			found[f.Check] = f.State
		}
	}
	return found
}
