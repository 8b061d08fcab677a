package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The disk is lost, and with it the folder or the database. What is left is the last backup and the key that was kept apart: the
// installation stands up from them elsewhere, whole, and goes on working.
func TestLostDisk(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) { loseDisk(t, engine) })
	}
}

func loseDisk(t *testing.T, engine string) {
	h := newHook(t)
	s := newServer(t, engine, "--allow-targets", "127.0.0.0/8")
	apply(t, s, fmt.Sprintf(lostWorld, h.URL))
	token := s.mainstay("token", "create", "--name", "lost", "--role", "administrator")
	key := s.mainstay("key", "create", "--project", "shop", "--format", "alertmanager")
	s.start()
	fire := func(s *server, name string) {
		code, body, err := s.post("/in/"+key+"/alertmanager/api/v2/alerts", "application/json",
			fmt.Appendf(nil, `[{"labels":{"alertname":%q,"service":"checkout","severity":"critical"}}]`, name))
		if err != nil || code != 200 {
			t.Fatalf("%d %s %v", code, body, err)
		}
	}
	fire(s, "BeforeTheLoss")
	h.wait(t, 1, "the page before the loss")

	safe := t.TempDir()
	file := filepath.Join(safe, "nightly.backup")
	s.mainstay("backup", file) // while it serves
	s.mainstay("backup", "--verify", file)
	secret, err := os.ReadFile(filepath.Join(s.dir, "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	s.kill()
	if err := os.RemoveAll(s.dir); err != nil {
		t.Fatal(err)
	}

	again := newServer(t, engine, "--allow-targets", "127.0.0.0/8") // another folder, and another schema of PostgreSQL
	if err := os.WriteFile(filepath.Join(again.dir, "secret.key"), secret, 0o600); err != nil {
		t.Fatal(err)
	}
	again.mainstay("restore", file)
	again.mainstay("journal", "verify")
	again.start()
	var pages struct {
		Items []struct {
			Title, State string
		} `json:"items"`
	}
	again.api(token, "GET", "/pages?limit=10", nil, &pages) // the token of before the loss
	if len(pages.Items) != 1 {
		t.Errorf("after the loss there are the pages %+v", pages.Items)
	}
	had := len(h.deliveries())
	fire(again, "AfterTheLoss") // by the key of before the loss
	eventually(t, 20*time.Second, "somebody is paged again", func() error {
		if n := len(h.deliveries()); n <= had {
			return fmt.Errorf("%d messages, as before", n)
		}
		return nil
	})
	if out, err := again.try("restore", file); err == nil {
		t.Errorf("a backup was restored over a running installation: %s", out)
	}
}

const lostWorld = `
{apiVersion: mainstay/v1, kind: Project, metadata: {name: shop}}
---
{apiVersion: mainstay/v1, kind: Service, metadata: {name: checkout, project: shop}}
---
apiVersion: mainstay/v1
kind: Person
metadata: {name: ana}
spec: {fullName: Ana Ruiz, email: ana@mail.test, contacts: [{type: webhook, address: %q, pages: true}]}
---
apiVersion: mainstay/v1
kind: EscalationPolicy
metadata: {name: default, project: shop}
spec: {steps: [{targets: ["person:ana"]}]}
---
{apiVersion: mainstay/v1, kind: Route, metadata: {name: all, project: shop}, spec: {service: checkout, policy: default}}
`
