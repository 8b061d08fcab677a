package app_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
	"github.com/mainstayhq/mainstay/practice/incident"
)

// secrets are the private objects of alpha: two incidents and what hangs on them.
func (w *world) secrets(t *testing.T) []object.Object {
	t.Helper()
	known := must[[]string](t)(w.Objects.Known(t.Context(), must[string](t)(w.personID(t, "duty"))))
	kinds := []mainstay.Kind{mainstay.KindIncident, mainstay.KindRootCause, mainstay.KindArticle, mainstay.KindAction, mainstay.KindExhibit}
	var refs []mainstay.Ref
	for _, k := range kinds {
		for _, id := range known {
			refs = append(refs, mainstay.Ref{Kind: k, ID: id})
		}
	}
	var list []object.Object
	found := map[mainstay.Kind]int{}
	for _, o := range must[map[mainstay.Ref]object.Object](t)(w.Objects.Many(t.Context(), refs)) {
		list = append(list, o)
		found[o.Ref.Kind]++
	}
	for _, k := range kinds {
		if found[k] == 0 {
			t.Fatalf("the world of this test has no private %s", k)
		}
	}
	return list
}

// TestAPrivateIncidentIsOneSecret asks on every way for two private incidents and all that hangs on them, as those who may know of
// them and as those who may not, who may respond to every other incident of the project.
func TestAPrivateIncidentIsOneSecret(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		secrets := w.secrets(t)
		for name, knows := range map[string]bool{"duty": true, "manager": true, "root": true, "responder": false, "member": false, "stakeholder": false} {
			w.seekSecrets(t, name, w.As(t, name), secrets, knows)
		}
		w.seekSecrets(t, "token of a manager", w.With(w.tokens["manager"]), secrets, true)
		w.seekSecrets(t, "token of a responder", w.With(w.tokens["responder"]), secrets, false)
		w.handOver(t, secrets, "member")
		w.seekSecrets(t, "a member with a role", w.As(t, "member"), w.secrets(t), true)
		w.handOver(t, secrets, "duty")
		w.seekSecrets(t, "a member who had a role", w.As(t, "member"), w.secrets(t), false)
		w.seekSecrets(t, "who declared it", w.As(t, "duty"), w.secrets(t), true)
	})
}

// handOver makes somebody the commander of the private incidents.
func (w *world) handOver(t *testing.T, secrets []object.Object, to string) {
	t.Helper()
	duty, person := must[string](t)(w.personID(t, "duty")), must[string](t)(w.personID(t, to))
	for _, o := range secrets {
		if o.Ref.Kind == mainstay.KindIncident {
			must[incident.Incident](t)(w.Incidents.Assign(t.Context(), mainstay.Person(duty), o.Ref.ID, incident.Commander, person))
		}
	}
	w.Settle(t)
}

// seekSecrets opens each secret by its own address, and reads every list that could tell of one.
func (w *world) seekSecrets(t *testing.T, who string, c *servertest.Client, secrets []object.Object, knows bool) {
	t.Helper()
	w.Clock.Advance(time.Second) // tokens are limited to so many requests a second
	want := map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[knows]
	for _, o := range secrets {
		paths := []string{o.URL()}
		if o.Ref.Kind != mainstay.KindExhibit {
			paths = append(paths, "/api/v1"+o.URL())
		}
		for _, path := range paths {
			if a := c.Get(t, path); a.Status != want {
				t.Errorf("%s: %s answers %d, want %d", who, path, a.Status, want)
			}
		}
	}
	past := secrets[slices.IndexFunc(secrets, func(o object.Object) bool { return o.Ref.Kind == mainstay.KindIncident })]
	for _, path := range []string{
		"/api/v1/search?q=" + markPrivate, "/search?q=" + markPrivate, "/search.json?q=" + markPrivate, "/api/v1/search?q=" + past.Key(),
		"/api/v1/incidents", "/incidents?state=all", "/api/v1/rootcauses", "/rootcauses?state=all", "/api/v1/articles", "/articles",
		"/api/v1/actions", "/actions", "/", "/projects/alpha", "/api/v1/facts?project=alpha&newest=true&limit=1000",
		"/api/v1/facts?project=alpha&subject=" + past.Ref.String(), "/admin/journal?project=alpha", "/api/v1/notifications?project=alpha",
		"/admin/notifications", "/mine",
	} {
		a := c.Get(t, path)
		if a.Status == http.StatusForbidden && !knows { // a stakeholder reads no journal
			continue
		}
		if a.Status != http.StatusOK {
			t.Errorf("%s: %s answers %d", who, path, a.Status)
		}
		tells := strings.Contains(a.Body, markPrivate) && !strings.Contains(path, "search?q="+markPrivate)
		for _, o := range secrets {
			tells = tells || strings.Contains(a.Body, o.Ref.ID) || strings.Contains(a.Body, o.URL()+`"`)
		}
		always := strings.HasPrefix(path, "/api/v1/search?q="+markPrivate) || strings.HasPrefix(path, "/api/v1/facts") || path == "/api/v1/incidents" || path == "/api/v1/actions" || path == "/api/v1/rootcauses"
		if tells && !knows || always && knows && !tells {
			t.Errorf("%s: %s tells of a private incident: %v, may know: %v", who, path, tells, knows)
		}
	}
}
