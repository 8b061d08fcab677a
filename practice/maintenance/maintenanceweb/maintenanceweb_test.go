package maintenanceweb_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/practice/maintenance"
	"github.com/mainstayhq/mainstay/practice/maintenance/maintenancedb"
	"github.com/mainstayhq/mainstay/practice/maintenance/maintenanceweb"
	"github.com/mainstayhq/mainstay/web"
)

const shop = "01900000-0000-7000-8000-000000000001"

// site is maintenance on one database, with what app would answer.
type site struct {
	t *testing.T
	*mainstaytest.Env
	handler http.Handler
}

func (s *site) Projects(context.Context) ([]project.Project, error) {
	return []project.Project{{ID: shop, Name: "shop", Spec: project.Spec{Title: "Shop"}}}, nil
}

func (s *site) Services(context.Context, string) ([]project.Service, error) {
	return []project.Service{{ID: "s-store", Project: shop, Name: "store"}}, nil
}

func (s *site) Components(context.Context, string) ([]maintenance.Named, error) {
	return []maintenance.Named{{ID: "c-pay", Name: "pay", Title: "Paying"}}, nil
}

func (s *site) Actor(context.Context, mainstay.Actor) string { return "Ana" }

func (s *site) Subject(_ context.Context, r mainstay.Ref) (string, string) { return r.ID, "/x/" + r.ID }

func (s *site) Viewer(r *http.Request) (access.Viewer, error) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return access.Viewer{}, err
	}
	role := map[string]access.Role{"ana": access.Manager, "ben": access.Responder}[r.Header.Get("X-Who")]
	if role == "" {
		return access.Viewer{}, nil
	}
	return access.Viewer{Actor: mainstay.Person("p"), PersonID: "p", Grants: []access.Grant{{Role: role, Project: shop}}, Zone: berlin}, nil
}

func each(t *testing.T, f func(s *site)) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		s := &site{t: t, Env: e}
		service, err := maintenance.New(maintenance.Config{Store: maintenancedb.New(e.DB, e.Saver, e.Objects), Components: s, Projects: s, Time: e.Clock})
		if err != nil {
			t.Fatal(err)
		}
		pages, err := maintenanceweb.New(maintenanceweb.Config{Service: service, Projects: s, Names: s, Time: e.Clock})
		if err != nil {
			t.Fatal(err)
		}
		rt, err := web.NewRouter(web.Config{Time: e.Clock, Log: slog.New(slog.DiscardHandler), Identity: s, Objects: e.Objects, Version: "1"})
		if err != nil {
			t.Fatal(err)
		}
		pages.Routes(rt)
		s.handler = rt.Handler()
		e.Commit(t, commit.Set{Objects: []commit.Object{{Ref: mainstay.Ref{Kind: mainstay.KindProject, ID: shop}, Project: shop, Name: "shop", At: e.Clock.Now()}}})
		f(s)
	}, maintenancedb.Migrations())
}

func (s *site) do(who, method, path, mime, body string, want int) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("X-Who", who)
	r.Header.Set("Content-Type", mime)
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if w.Code != want {
		s.t.Fatalf("%s %s: %d, want %d\n%.1500s", method, path, w.Code, want, w.Body)
	}
	return w
}

func (s *site) post(who, path string, form url.Values, want int) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.do(who, "POST", path, "application/x-www-form-urlencoded", form.Encode(), want)
}

func (s *site) text(w *httptest.ResponseRecorder) string {
	s.t.Helper()
	d, err := goquery.NewDocumentFromReader(w.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if d.Find("main [style], main script, main [onclick]").Length() > 0 {
		s.t.Error("the page holds what the policy forbids")
	}
	return strings.Join(strings.Fields(d.Find("main").Text()), " ")
}

func (s *site) page(who, path string, want ...string) {
	s.t.Helper()
	text := s.text(s.do(who, "GET", path, "", "", 200))
	for _, w := range want {
		if !strings.Contains(text, w) {
			s.t.Errorf("%s lacks %q: %.1200s", path, w, text)
		}
	}
}

// A person plans a window in their own zone, begins it, tells users, and finishes it.
func TestPages(t *testing.T) {
	each(t, func(s *site) {
		s.page("ben", "/windows", "No maintenance is planned")
		s.page("ana", "/windows/new", "Paying", "store", "In Europe/Berlin.")
		bad := url.Values{"project": {shop}, "title": {""}, "from": {"2026-03-17T10:00"}, "until": {"2026-03-17T09:00"}}
		if text := s.text(s.post("ana", "/windows", bad, 422)); !strings.Contains(text, "it must lie after the beginning") || !strings.Contains(text, "in the users' words") {
			t.Errorf("faults: %s", text)
		}
		good := url.Values{"project": {shop}, "title": {"Database move"}, "text": {"Paying may pause."}, "from": {"2026-03-17T10:00"}, "until": {"2026-03-17T11:00"}, "components": {"c-pay"}, "byhand": {"1"}}
		s.post("ben", "/windows", good, 403)
		if to := s.post("ana", "/windows", good, 303).Header().Get("Location"); to != "/windows/WIN-1" {
			t.Fatalf("sent to %s", to)
		}
		s.page("ana", "/windows/WIN-1", "Database move", "Planned", "10:00", "Begin now, users see maintenance", "by a person")
		s.page("ben", "/windows", "Database move WIN-1")
		s.page("ana", "/windows/WIN-1/edit", "Save, and announce the change")
		good.Set("until", "2026-03-17T12:00")
		s.post("ana", "/windows/WIN-1", good, 303)
		s.post("ben", "/windows/WIN-1/start", nil, 403)
		s.post("ana", "/windows/WIN-1/start", nil, 303)
		s.post("ana", "/windows/WIN-1/start", nil, 409)
		s.post("ana", "/windows/WIN-1/updates", url.Values{"text": {""}}, 422)
		s.post("ana", "/windows/WIN-1/updates", url.Values{"text": {"Half done."}}, 303)
		s.page("ben", "/windows/WIN-1", "Under way", "Half done.")
		s.post("ana", "/windows/WIN-1/finish", nil, 303)
		s.page("ana", "/windows?state=ended", "Database move", "Complete")
		s.post("ana", "/windows/WIN-1/cancel", nil, 409)
	})
}

// The API plans, moves and lists windows.
func TestAPI(t *testing.T) {
	each(t, func(s *site) {
		call := func(who, method, path, body string, want int) map[string]any {
			t.Helper()
			v := map[string]any{}
			if err := json.Unmarshal(s.do(who, method, "/api/v1"+path, "application/json", body, want).Body.Bytes(), &v); err != nil {
				t.Fatal(err)
			}
			return v
		}
		body := `{"project":"shop","title":"Move","from":"2026-03-18T10:00:00+01:00","until":"2026-03-18T11:00:00+01:00","components":["pay"],"services":["store"]}`
		w := call("ana", "POST", "/windows", body, 201)
		if w["number"] != "WIN-1" || w["state"] != "scheduled" || w["from"] != "2026-03-18T09:00:00Z" || w["components"].([]any)[0] != "c-pay" {
			t.Errorf("planned %v", w)
		}
		call("ben", "POST", "/windows", body, 403)
		call("ana", "POST", "/windows", strings.Replace(body, `"pay"`, `"nothing"`, 1), 422)
		call("ana", "POST", "/windows", strings.Replace(body, `"project":"shop",`, "", 1), 403)
		call("ana", "POST", "/windows/WIN-1/updates", `{"text":"Soon."}`, 200)
		if w = call("ana", "POST", "/windows/WIN-1/cancel", `{}`, 200); w["state"] != "cancelled" || len(w["updates"].([]any)) != 1 {
			t.Errorf("cancelled %v", w)
		}
		if l := call("ben", "GET", "/windows?state=cancelled&project=shop", "", 200); len(l["items"].([]any)) != 1 || l["next"] != "" {
			t.Errorf("list %v", l)
		}
	})
}
