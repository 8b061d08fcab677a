package main_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

const shop = "apiVersion: mainstay/v1\nkind: Project\nmetadata: {name: shop}\n---\napiVersion: mainstay/v1\nkind: Service\nmetadata: {name: web, project: shop}\n"

// TestCommandsBesideTheServer: whatever is made while the server runs counts at once.
func TestCommandsBesideTheServer(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, d database) {
		s := d.serve(t)
		d.must(t, d.with("setup", "--admin", "ana@example.org", "--password-file", d.file(t, "password", password))...)
		signIn(t, s, "ana@example.org", password, "/")
		manifest := d.file(t, "shop.yaml", shop)
		if out := d.must(t, d.with("apply", "-f", manifest, "--dry-run")...); !strings.Contains(out, "2 to create, 0 unchanged.") {
			t.Errorf("a dry run says\n%s", out)
		}
		if out := d.must(t, d.with("apply", "-f", manifest)...); !strings.Contains(out, "2 created, 0 unchanged.") {
			t.Errorf("applying says\n%s", out)
		}
		if out := d.must(t, d.with("apply", "-f", manifest)...); out != "2 unchanged.\n" {
			t.Errorf("applying again says\n%s", out)
		}
		token := oneLine(t, d.must(t, d.with("token", "create", "--name", "ci", "--role", "administrator")...), `^mst_[0-9A-Za-z]{43}$`)
		if status, body := s.ask(t, "GET", "/api/v1/projects", token, ""); status != 200 || !strings.Contains(body, `"shop"`) {
			t.Errorf("the new token answers %d %s", status, body)
		}
		key := oneLine(t, d.must(t, d.with("key", "create", "--project", "shop", "--service", "web", "--format", "alertmanager")...), `^[0-9a-f]{32}$`)
		if status, body := s.ask(t, "POST", "/in/"+key+"/alertmanager/api/v2/alerts", "", `[{"labels":{"alertname":"Down"}}]`); status != 200 {
			t.Errorf("the new key answers %d %s", status, body)
		}
		if status, body := s.ask(t, "GET", "/api/v1/alerts", token, ""); status != 200 || !strings.Contains(body, `"Down"`) {
			t.Errorf("the alert is not there: %d %s", status, body)
		}
		remotely(t, d, s, token)
	})
}

// remotely does the same over the API.
func remotely(t *testing.T, d database, s *server, token string) {
	t.Helper()
	to := []string{"--server", s.url, "--token", token}
	manager := oneLine(t, d.must(t, append([]string{"token", "create", "--name", "m", "--role", "manager", "--project", "shop"}, to...)...), `^mst_[0-9A-Za-z]{43}$`)
	key := oneLine(t, d.must(t, "key", "create", "--project", "shop", "--format", "generic", "--server", s.url, "--token", manager), `^[0-9a-f]{32}$`)
	if status, body := s.ask(t, "POST", "/in/"+key+"/generic", "", `{"summary":"Slow"}`); status >= 300 {
		t.Errorf("a key made by a manager over the API answers %d %s", status, body)
	}
	out := d.must(t, append([]string{"apply", "-f", d.file(t, "more.yaml", strings.ReplaceAll(shop, "name: web", "name: mail")), "-o", "json"}, to...)...)
	var list []struct {
		Kind, Name string
		Changed    bool
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 2 || list[0].Changed || !list[1].Changed || list[1].Name != "mail" {
		t.Errorf("applied over the API it says %s %v", out, err)
	}
	d.refuses(t, 2, `more\.yaml:4:8: Service "mail": .*colour`, append([]string{"apply", "-f", d.file(t, "more.yaml",
		"apiVersion: mainstay/v1\nkind: Service\nmetadata: {name: mail, project: shop}\nspec: {colour: blue}\n")}, to...)...)
	d.refuses(t, 1, `token.manage`, "token", "create", "--name", "x", "--role", "administrator", "--server", s.url, "--token", manager)
	d.refuses(t, 1, `not known`, "key", "create", "--project", "shop", "--format", "generic", "--server", s.url, "--token", strings.Repeat("x", 20))
	d.refuses(t, 2, `--server needs --token`, "apply", "-f", "more.yaml", "--server", s.url)
	d.refuses(t, 1, `refused`, "apply", "-f", "shop.yaml", "--server", "http://127.0.0.1:1", "--token", "x")
}

// oneLine expects a value alone on one line.
func oneLine(t *testing.T, out, pattern string) string {
	t.Helper()
	value, rest, ok := strings.Cut(out, "\n")
	if !ok || rest != "" || !regexp.MustCompile(pattern).MatchString(value) {
		t.Fatalf("it prints %q, want one line like %s", out, pattern)
	}
	return value
}

// TestOneServerAtATime: a second one refuses, and says what to do; the first goes on.
func TestOneServerAtATime(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, d database) {
		s := d.serve(t)
		d.refuses(t, 1, `another Mainstay serves this data already: stop it first, or choose another folder`,
			d.with("serve", "--listen", "127.0.0.1:0", "--status-listen", "off", "--log-level", "error")...)
		if status, _ := s.ask(t, "GET", "/-/ready", "", ""); status != 200 {
			t.Errorf("the first one answers %d", status)
		}
		taken := strings.TrimPrefix(s.url, "http://")
		other := in{dir: t.TempDir()}
		other.refuses(t, 1, `cannot listen on `+regexp.QuoteMeta(taken), "serve", "--listen", taken, "--status-listen", "off", "--log-level", "error")
		s.stop(t)
		d.serve(t).stop(t)
	})
}

// TestStopping ends open streams and waits for nobody.
func TestStopping(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, d database) {
		token := oneLine(t, d.must(t, d.with("token", "create", "--name", "ci", "--role", "administrator")...), `^mst_`)
		s := d.serve(t)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/live", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close() //nolint:errcheck // a stream
		if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || res.StatusCode != 200 {
			t.Fatal(res.StatusCode, line, err)
		}
		began := time.Now()
		s.stop(t)
		t.Logf("it stopped in %s", time.Since(began))
		if !strings.Contains(s.log.String(), "msg=ready") {
			t.Error("it never said that it was ready")
		}
	})
}
