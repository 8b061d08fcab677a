package communicationdb_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/core/journal/journaldb"
	"github.com/mainstayhq/mainstay/core/object/objectdb"
	"github.com/mainstayhq/mainstay/core/timer/timerdb"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/practice/communication/communicationdb"
	"github.com/mainstayhq/mainstay/practice/communication/statuspage"
	"github.com/mainstayhq/mainstay/storage"
)

// The status page shows a change within two seconds, and keeps answering, with its age, when the database is gone under it.
func TestTheStatusPageOutlivesTheDatabase(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			e := mainstaytest.New(t, engine, communicationdb.Migrations())
			// A second handle on the same data, so that the end of this one is not the end of the test's.
			cfg := storage.Config{URL: e.URL, Dir: e.DB.Dir(), Time: e.Clock, Log: e.Log}
			db, err := storage.Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			journal, timers, objects := journaldb.New(db), timerdb.New(db), objectdb.New(db)
			saver := commitdb.New(timers, commitdb.Writers{Facts: journal.Append, Objects: objects.Save, Links: objects.SaveLinks})
			store := communicationdb.New(db, saver, objects)
			service, err := communication.New(communication.Config{Store: store, Incidents: incidents{}, Time: e.Clock, Log: e.Log})
			if err != nil {
				t.Fatal(err)
			}
			r, err := statuspage.NewRenderer(statuspage.Config{Source: store, Time: e.Clock})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer r.Stop()
			page := func(gzip bool) *httptest.ResponseRecorder {
				w, req := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
				if gzip {
					req.Header.Set("Accept-Encoding", "gzip")
				}
				r.Handler().ServeHTTP(w, req)
				return w
			}
			if w := page(false); w.Code != 200 || !strings.Contains(w.Body.String(), "No status yet") {
				t.Fatalf("the empty page is %d: %s", w.Code, w.Body)
			}
			began := time.Now() // real: what is promised is real time
			if _, err := service.Define(t.Context(), ana, shop, "checkout", communication.ComponentSpec{Title: "Checkout"}); err != nil {
				t.Fatal(err)
			}
			mainstaytest.Eventually(t, "the component is on the page", func() bool { return strings.Contains(page(false).Body.String(), "Checkout") })
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("a change was visible after %v", took)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			tag := page(true).Header().Get("Etag")
			for range 10 {
				e.Clock.Advance(30 * time.Second)
				r.Wake()
				if w := page(true); w.Code != 200 || w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Content-Length") == "" {
					t.Fatalf("without a database it answers %d, %v", w.Code, w.Header())
				}
			}
			mainstaytest.Eventually(t, "the page says its age", func() bool {
				return strings.Contains(page(false).Body.String(), "could not be brought up to date since")
			})
			if body := page(false).Body.String(); !strings.Contains(body, "Checkout") || strings.Contains(body, mainstaytest.Start.Add(time.Hour).Format("15:04")) {
				t.Errorf("what it knew is gone: %s", body)
			}
			if page(true).Header().Get("Etag") == tag {
				t.Error("the page with its age has the tag of the one without")
			}
		})
	}
}

// Whoever may not manage the installation's components neither sets them in an update nor is offered to.
func TestSharedComponentsNeedTheirOwnPermission(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for project, name := range map[string]string{shop: "checkout", "": "login"} {
			if _, err := w.service.Define(t.Context(), ana, project, name, communication.ComponentSpec{Title: strings.ToUpper(name)}); err != nil {
				t.Fatal(err)
			}
		}
		list, err := w.service.Components(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]string{}
		for _, c := range list {
			ids[c.Name] = c.ID
		}
		i := w.declare(t, "Payments fail", mainstay.Sev3, false)
		in := communication.Input{
			Incident: i.ID, Status: communication.Investigating, Title: "Some payments fail", OwnOnly: true, NextMinutes: 30,
			Body:       "Since {{started}} we see problems with {{service}}. We will tell you more by {{next_update}}.",
			Components: map[string]communication.State{ids["checkout"]: communication.PartialOutage, ids["login"]: communication.MajorOutage},
		}
		if _, err := w.service.Draft(t.Context(), ana, in); !strings.Contains(mainstay.ErrorFields(err)["components"], "LOGIN") {
			t.Errorf("a shared component was set: %v", err)
		}
		in.OwnOnly = false
		p, err := w.service.Draft(t.Context(), ana, in)
		if err != nil {
			t.Fatal(err)
		}
		if list, err := w.service.Shared(t.Context(), p); err != nil || len(list) != 1 || list[0].ID != ids["login"] {
			t.Errorf("the post shares %v, %v", list, err)
		}
		in.OwnOnly = true
		if err := w.service.Revise(t.Context(), ana, p.ID, in); mainstay.ErrorFields(err)["components"] == "" {
			t.Errorf("a draft was changed to set a shared component: %v", err)
		}
	})
}

// The form speaks in words, the preview in the words that go out; an approved text whose words are only filled in still counts as
// unchanged.
func TestAnUpdateIsSeenBeforeItGoesOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if _, err := w.service.Define(t.Context(), ana, shop, "checkout", communication.ComponentSpec{Title: "Checkout"}); err != nil {
			t.Fatal(err)
		}
		i := w.declare(t, "Payments fail", mainstay.Sev3, false)
		sug, err := w.service.Suggest(t.Context(), i.ID, "", "")
		if err != nil {
			t.Fatal(err)
		}
		in := sug.Input
		if in.Body, err = w.service.Settle(t.Context(), in.Body, sug.Incident, in.Components); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(in.Body, "{{started}}") || !strings.Contains(in.Body, "{{next_update}}") || !strings.Contains(in.Body, "03:00 UTC") {
			t.Errorf("the form says %q", in.Body)
		}
		in.Title = "Some payments fail"
		r, err := w.service.Render(t.Context(), in)
		if err != nil || strings.Contains(r.Body, "{{") || r.NextUpdate.IsZero() {
			t.Errorf("the preview is %+v, %v", r, err)
		}
		if list, _ := w.service.Posts(t.Context(), communication.PostQuery{Limit: 10}); len(list) != 0 {
			t.Error("a preview was kept")
		}
		p, err := w.service.Draft(t.Context(), ana, in)
		if err != nil {
			t.Fatal(err)
		}
		if p, err = w.service.Publish(t.Context(), ana, p.ID); err != nil || p.Body != r.Body {
			t.Errorf("its writer may not release an approved text with its words filled in: %v; it says %q", err, p.Body)
		}
		in.Body = ""
		in.Title = "{{nothing}}"
		if _, err := w.service.Render(t.Context(), in); mainstay.ErrorFields(err)["title"] == "" {
			t.Errorf("a fault is not told by its field: %v", err)
		}
	})
}
