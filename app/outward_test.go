package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/core/outbound"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
)

type hookView struct {
	ID, Name, Project, State string
	Version                  int64
	Spec                     struct{ URL, Secret string }
}

// TestWebhooksByTheAPI defines an endpoint by PUT, sees a fact arrive signed, and walks the rules of who may what.
func TestWebhooksByTheAPI(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		var mu sync.Mutex
		var bodies [][]byte
		var heads []http.Header
		receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			mu.Lock()
			defer mu.Unlock()
			bodies, heads = append(bodies, b), append(heads, r.Header.Clone())
		}))
		t.Cleanup(receiver.Close)
		s.Apply(t, "apiVersion: mainstay/v1\nkind: Project\nmetadata: {name: shop}\n---\napiVersion: mainstay/v1\nkind: Webhook\n"+
			"metadata: {name: chat, project: shop}\nspec: {url: \""+receiver.URL+"/x\", kinds: [\"service.*\", \"object.changed\"], batch: 10}\n")
		root, manager := s.With(s.Token(t, "administrator", "")), s.With(s.Token(t, "manager", "shop"))
		var hook hookView
		a := manager.Get(t, "/api/v1/webhooks/chat")
		a.JSON(t, &hook)
		if a.Status != 200 || hook.State != "active" || hook.Spec.Secret != "" {
			t.Fatalf("%d: %+v", a.Status, hook)
		}
		var secrets struct{ Items []struct{ Secret string } }
		manager.Get(t, "/api/v1/webhooks/chat/secrets").JSON(t, &secrets)
		s.Apply(t, "apiVersion: mainstay/v1\nkind: Service\nmetadata: {name: checkout, project: shop}\n")
		mainstaytest.Eventually(t, "the fact arrives", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(bodies) > 0 && strings.Contains(string(bodies[len(bodies)-1]), "com.mainstayhq.service.created")
		})
		mu.Lock()
		h, b := heads[len(heads)-1], bodies[len(bodies)-1]
		mu.Unlock()
		sent, err := http.ParseTime(h.Get("Date"))
		if err != nil {
			sent = s.Clock.Now()
		}
		if err := outbound.Verify(secrets.Items[0].Secret, h, b, sent, outbound.Slack); err != nil {
			t.Error(err)
		}
		var events []struct{ DataSchema string }
		if err := json.Unmarshal(b, &events); err != nil || len(events) == 0 {
			t.Fatalf("%v: %s", err, b)
		}
		_, path, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(events[0].DataSchema, "https://"), "http://"), "/")
		if a := s.Nobody().Get(t, "/"+path); a.Status != 200 || !strings.Contains(string(a.Body), "2020-12") {
			t.Errorf("the schema at %s answers %d: %s", events[0].DataSchema, a.Status, a.Body)
		}
		put := func(c *servertest.Client, path string, spec map[string]any, match string) servertest.Answer {
			r := c.Request(t.Context(), "PUT", path, strings.NewReader(asJSON(t, spec)))
			r.Header.Set("Content-Type", "application/json")
			if match != "" {
				r.Header.Set("If-Match", match)
			}
			return c.Do(r)
		}
		spec := map[string]any{"url": receiver.URL + "/y"}
		for _, c := range []struct {
			name, path, match string
			client            *servertest.Client
			spec              map[string]any
			want              int
		}{
			{"a stale tag", "/api/v1/webhooks/chat?project=shop", `"99"`, manager, spec, 412},
			{"a manager of the project", "/api/v1/webhooks/chat?project=shop", "", manager, spec, 200},
			{"a manager, of all", "/api/v1/webhooks/all", "", manager, spec, 403},
			{"a manager, private", "/api/v1/webhooks/leak?project=shop", "", manager, map[string]any{"url": receiver.URL, "private": true}, 403},
			{"an administrator, private", "/api/v1/webhooks/siem?project=shop", "", root, map[string]any{"url": receiver.URL, "private": true}, 200},
			{"a manager takes it over", "/api/v1/webhooks/siem?project=shop", "", manager, spec, 403},
			{"a wrong kind", "/api/v1/webhooks/wrong?project=shop", "", root, map[string]any{"url": receiver.URL, "kinds": []string{"nothing.*"}}, 422},
			{"a closed network", "/api/v1/webhooks/wrong?project=shop", "", root, map[string]any{"url": "http://169.254.169.254/"}, 422},
			{"an administrator, of all", "/api/v1/webhooks/all", "", root, spec, 200},
		} {
			if a := put(c.client, c.path, c.spec, c.match); a.Status != c.want {
				t.Errorf("%s: %d, want %d: %s", c.name, a.Status, c.want, a.Body)
			}
		}
		if a := manager.Send(t, "POST", "/api/v1/webhooks/chat/test", nil); a.Status != 200 || !strings.Contains(string(a.Body), `"delivered"`) {
			t.Errorf("a test: %d %s", a.Status, a.Body)
		}
		if a := manager.Send(t, "POST", "/api/v1/webhooks/chat/replay", map[string]any{"from": 1}); a.Status != 202 {
			t.Errorf("a replay: %d %s", a.Status, a.Body)
		}
		if a := manager.Send(t, "DELETE", "/api/v1/webhooks/chat?project=shop", nil); a.Status/100 != 2 {
			t.Errorf("deleting: %d %s", a.Status, a.Body)
		}
	}, func(c *app.Config) { c.AllowTargets = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
