package communicationweb_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/practice/communication/communicationdb"
	"github.com/mainstayhq/mainstay/practice/communication/communicationweb"
	"github.com/mainstayhq/mainstay/practice/communication/statuspage"
	"github.com/mainstayhq/mainstay/web"
)

const (
	shop  = "01900000-0000-7000-8000-000000000001"
	other = "01900000-0000-7000-8000-000000000002"
	store = "01900000-0000-7000-8000-0000000000aa" // a service
	anaID = "01900000-0000-7000-8000-00000000000a"
	benID = "01900000-0000-7000-8000-00000000000b"
)

// site is the whole of communication on one database: pages, API, status page. Incidents, projects and people are asked of the
// test, as app would answer.
type site struct {
	t *testing.T
	*mainstaytest.Env
	service   *communication.Service
	handler   http.Handler
	public    *statuspage.Renderer
	incidents map[string]communication.Incident
}

func (s *site) Incident(_ context.Context, id string) (communication.Incident, error) {
	if i, ok := s.incidents[id]; ok {
		return i, nil
	}
	return communication.Incident{}, mainstay.Errorf(mainstay.NotFound, "There is no such incident.")
}

func (s *site) Projects(context.Context) ([]project.Project, error) {
	return []project.Project{{ID: shop, Name: "shop", Spec: project.Spec{Title: "Shop"}}, {ID: other, Name: "other"}}, nil
}

func (s *site) Services(_ context.Context, id string) ([]project.Service, error) {
	return []project.Service{{ID: store, Project: shop, Name: "store", Spec: project.ServiceSpec{Title: "Store"}}}, nil
}

func (s *site) Actor(_ context.Context, a mainstay.Actor) string {
	return "Person " + a.ID[max(len(a.ID)-1, 0):]
}

func (s *site) Subject(_ context.Context, r mainstay.Ref) (string, string) {
	if i, ok := s.incidents[r.ID]; ok {
		return mainstay.KindIncident.Number(i.Number), "/incidents/" + r.ID
	}
	return string(r.Kind), "/" + string(r.Kind) + "/" + r.ID
}

func (s *site) Viewer(r *http.Request) (access.Viewer, error) {
	grants := map[string][]access.Grant{
		"ana": {{Role: access.Manager, Project: shop}}, "ben": {{Role: access.Responder, Project: shop}}, "eve": {{Role: access.Manager, Project: other}},
		"root": {{Role: access.Administrator}},
	}
	ids := map[string]string{"ana": anaID, "ben": benID, "eve": "e", "root": "r"}
	who := r.Header.Get("X-Who")
	if ids[who] == "" {
		return access.Viewer{}, nil
	}
	return access.Viewer{Actor: mainstay.Person(ids[who]), PersonID: ids[who], Name: who, Grants: grants[who]}, nil
}

func each(t *testing.T, f func(s *site)) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		s := &site{t: t, Env: e, incidents: map[string]communication.Incident{}}
		rows := communicationdb.New(e.DB, e.Saver, e.Objects)
		var err error
		if s.service, err = communication.New(communication.Config{Store: rows, Incidents: s, Projects: s, Time: e.Clock, Log: e.Log}); err != nil {
			t.Fatal(err)
		}
		pages, err := communicationweb.New(communicationweb.Config{
			Service: s.service, Projects: s, Names: s, Time: e.Clock, StatusURL: func() string { return "http://status.test" },
		})
		if err != nil {
			t.Fatal(err)
		}
		rt, err := web.NewRouter(web.Config{Time: e.Clock, Log: slog.New(slog.DiscardHandler), Identity: s, Objects: e.Objects, Version: "1"})
		if err != nil {
			t.Fatal(err)
		}
		pages.Routes(rt)
		rt.AddPanels(pages.Panels()...)
		rt.Handle(web.Route{Method: "GET", Pattern: "/incidents/{id}", Permission: access.IncidentRead, Kind: mainstay.KindIncident}, func(c *web.Ctx) error {
			wide, side := c.Panels("incident-first")
			return c.Render(web.Page{Title: "Incident"}, both(append(wide, side...)))
		})
		s.handler = rt.Handler()
		if s.public, err = statuspage.NewRenderer(statuspage.Config{Source: rows, Time: e.Clock, Log: e.Log}); err != nil {
			t.Fatal(err)
		}
		if err := s.public.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.public.Stop)
		for id, name := range map[string]string{shop: "shop", other: "other"} {
			e.Commit(t, commit.Set{Objects: []commit.Object{{Ref: mainstay.Ref{Kind: mainstay.KindProject, ID: id}, Project: id, Name: name, At: e.Clock.Now()}}})
		}
		f(s)
	}, communicationdb.Migrations())
}

type both []web.Component

func (b both) Render(ctx context.Context, w io.Writer) error {
	for _, c := range b {
		if err := c.Render(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

func (s *site) declare(title string, sev mainstay.Severity, private bool) communication.Incident {
	s.t.Helper()
	i := communication.Incident{
		ID: mainstay.NewID(s.Clock.Now()), Number: int64(len(s.incidents) + 1), Project: shop, Title: title, Severity: sev, Private: private,
		Services: []communication.Named{{ID: store, Title: "Store"}}, StartedAt: s.Clock.Now(),
	}
	s.incidents[i.ID] = i
	s.Commit(s.t, commit.Set{Objects: []commit.Object{{
		Ref: mainstay.Ref{Kind: mainstay.KindIncident, ID: i.ID}, Number: i.Number, Project: shop, Title: title, Private: private, At: s.Clock.Now(),
	}}})
	return i
}

func (s *site) do(who, method, path string, form url.Values, want int) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("X-Who", who)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.serve(r, want)
}

func (s *site) api(who, method, path, body string, want int) map[string]any {
	s.t.Helper()
	r := httptest.NewRequest(method, "/api/v1"+path, strings.NewReader(body))
	r.Header.Set("X-Who", who)
	r.Header.Set("Content-Type", "application/json")
	v := map[string]any{}
	if err := json.Unmarshal(s.serve(r, want).Body.Bytes(), &v); err != nil {
		s.t.Fatal(err)
	}
	return v
}

func (s *site) serve(r *http.Request, want int) *httptest.ResponseRecorder {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if w.Code != want {
		s.t.Fatalf("%s %s: %d, want %d\n%.2000s", r.Method, r.URL, w.Code, want, w.Body)
	}
	return w
}

// page reads a page and checks our own rules of markup.
func (s *site) page(who, path string) (*goquery.Document, string) {
	s.t.Helper()
	return s.read(s.do(who, "GET", path, nil, 200))
}

func (s *site) read(w *httptest.ResponseRecorder) (*goquery.Document, string) {
	s.t.Helper()
	d, err := goquery.NewDocumentFromReader(w.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if n := d.Find("main [style], main script, main [onclick]").Length(); n > 0 {
		s.t.Errorf("%d elements that the policy forbids", n)
	}
	d.Find("main input.in, main select, main textarea").Each(func(_ int, e *goquery.Selection) {
		if id := e.AttrOr("id", ""); d.Find(`label[for="`+id+`"]`).Length() != 1 {
			s.t.Errorf("the field %s has no label", e.AttrOr("name", ""))
		}
	})
	return d, strings.Join(strings.Fields(d.Find("main").Text()), " ")
}

func (s *site) contains(text string, want ...string) {
	s.t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			s.t.Errorf("lacks %q: %.1500s", w, text)
		}
	}
}

func (s *site) shows(path string) string {
	w := httptest.NewRecorder()
	s.public.Handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Body.String()
}

// A person puts a component on the status page, an incident is told, and the public reads it within a second.
func TestPages(t *testing.T) {
	each(t, func(s *site) {
		_, text := s.page("ana", "/components")
		s.contains(text, "Nothing is on the status page yet", "Add the first component")
		s.page("ana", "/components/new")
		w := s.do("ana", "POST", "/components", url.Values{"project": {shop}, "name": {"Not A Name"}, "title": {"Paying"}}, 422)
		d, text := s.read(w)
		s.contains(text, "Not saved", "lower-case letters")
		if d.Find("#f-title").AttrOr("value", "") != "Paying" {
			t.Error("what was typed is lost")
		}
		s.do("ana", "POST", "/components", url.Values{"project": {shop}, "name": {"paying"}, "title": {"Paying"}, "service": {"store"}, "showcase": {"1"}}, 303)
		s.do("eve", "POST", "/components", url.Values{"project": {shop}, "name": {"x"}, "title": {"X"}}, 403)
		_, text = s.page("ben", "/components")
		s.contains(text, "Shop", "Paying", "Works")
		id := s.api("ben", "GET", "/components", "", 200)["items"].([]any)[0].(map[string]any)["id"].(string)
		_, text = s.page("ana", "/components/"+id)
		s.contains(text, "Show this to users now", "Definition")
		s.do("ben", "POST", "/components/"+id+"/state", url.Values{"state": {"major_outage"}, "reason": {"x"}}, 403)
		s.do("ana", "POST", "/components/"+id+"/state", url.Values{"state": {"major_outage"}}, 422)
		s.do("ana", "POST", "/components/"+id+"/state", url.Values{"state": {"degraded_performance"}, "reason": {"slow"}}, 303)
		mainstaytest.Eventually(t, "the public sees it", func() bool { return strings.Contains(s.shows("/"), "Slower than usual") })

		i := s.declare("Paying fails", mainstay.Sev2, false)
		_, text = s.page("ben", "/incidents/INC-1")
		s.contains(text, "Who hears next", "Users have been told nothing.", "Tell users")
		d, text = s.page("ben", "/incidents/INC-1/posts/new")
		s.contains(text, "First word", "Cause known", "{{next_update}}", "What users see from then on", "Paying")
		if got := d.Find("#f-next").AttrOr("value", ""); got != "30" {
			t.Errorf("next within %q minutes; want 30 at sev-2", got)
		}
		bad := url.Values{"status": {"investigating"}, "title": {"db-3 is down"}, "body": {"It will be back in 10 minutes."}, "next": {""}}
		_, text = s.read(s.do("ben", "POST", "/incidents/INC-1/posts", bad, 422))
		s.contains(text, "“db-3” is an internal name", "“will be back in 10” promises a time of recovery", "in how many minutes", "It will be back in 10 minutes.")

		good := url.Values{
			"status": {"investigating"}, "title": {"Paying fails"}, "body": {"Some cards are refused. More by {{next_update}}."}, "next": {"15"},
			"component-" + id: {"partial_outage"}, "do": {"publish"},
		}
		to := s.do("ben", "POST", "/incidents/INC-1/posts", good, 303).Header().Get("Location")
		if !strings.HasPrefix(to, "/posts/") {
			t.Fatalf("a responder may not publish, and was sent to %s", to)
		}
		_, text = s.page("ben", to)
		s.contains(text, "Waits for approval", "Some cards are refused. More by 03:15 UTC.", "Paying: Partly down")
		s.do("ben", "POST", to+"/approve", nil, 403)
		d, text = s.page("ana", "/incidents/"+i.ID)
		s.contains(text, "Waits for approval", "Approve, and tell users now")
		if d.Find(`form[action="`+to+`/approve"] button`).Length() != 1 {
			t.Error("no button approves it")
		}
		s.do("ana", "POST", to, url.Values{"status": {"investigating"}, "title": {"Paying fails"}, "body": {"Many cards are refused. More by {{next_update}}."}, "next": {"15"}, "component-" + id: {"partial_outage"}}, 303)
		s.do("ana", "POST", to+"/approve", nil, 303)
		mainstaytest.Eventually(t, "the public reads it", func() bool {
			return strings.Contains(s.shows("/"), "Many cards are refused. More by 03:15 UTC.") && strings.Contains(s.shows("/api/v2/status.json"), `"major"`)
		})
		_, text = s.page("ben", "/incidents/INC-1")
		s.contains(text, "Many cards are refused", "As users see it")
		_, text = s.page("ben", "/posts")
		s.contains(text, "Paying fails", "Published", "INC-1")
		s.page("ben", to)
		s.page("ben", "/")
	})
}

// The API does what the pages do.
func TestAPI(t *testing.T) {
	each(t, func(s *site) {
		c := s.api("ana", "PUT", "/components/paying?project=shop", `{"title":"Paying","service":"store","group":"front"}`, 200)
		if c["state"] != "operational" || c["service"] != store || c["group"] == nil {
			t.Errorf("component %v", c)
		}
		s.api("eve", "PUT", "/components/paying?project=shop", `{"title":"X"}`, 404)
		s.api("ana", "PUT", "/components/paying", `{"title":"X"}`, 403)
		if got := s.api("ana", "PUT", "/components/paying?project=shop", `{"title":""}`, 422); got["code"] != "invalid" {
			t.Errorf("problem %v", got)
		}
		s.api("ana", "POST", "/components/paying/state", `{"state":"partial_outage","reason":"cards"}`, 200)
		s.declare("Paying fails", mainstay.Sev1, false)
		s.api("eve", "POST", "/posts", `{"incident":"INC-1"}`, 404)
		p := s.api("ben", "POST", "/posts", `{"incident":"INC-1","template":"identified","components":{"paying":"major_outage"}}`, 201)
		if p["status"] != "identified" || p["nextMinutes"] != 20.0 || p["title"] != "Paying fails" || len(p["components"].(map[string]any)) != 1 {
			t.Errorf("draft %v", p)
		}
		id := p["id"].(string)
		s.api("ben", "PUT", "/posts/"+id, `{"status":"identified","title":"Paying fails","body":"We know why. ETA 5 minutes.","nextMinutes":5}`, 422)
		s.api("ben", "PUT", "/posts/"+id, `{"status":"identified","title":"Paying fails","body":"We know why.","nextMinutes":5,"components":{"paying":"major_outage"}}`, 200)
		s.api("ben", "POST", "/posts/"+id+"/approve", "", 403)
		p = s.api("ana", "POST", "/posts/"+id+"/approve", "", 200)
		if p["state"] != "published" || p["nextUpdate"] == nil || p["decider"] == nil {
			t.Errorf("published %v", p)
		}
		s.api("ana", "POST", "/posts/"+id+"/approve", "", 409)
		if got := s.api("ben", "GET", "/components/paying", "", 200); got["state"] != "major_outage" {
			t.Errorf("component %v", got)
		}
		q := s.api("ben", "POST", "/posts", `{"incident":"INC-1"}`, 201)
		s.api("ana", "POST", "/posts/"+q["id"].(string)+"/reject", `{"reason":"not yet"}`, 200)
		list := s.api("ben", "GET", "/posts?incident=INC-1&limit=1", "", 200)
		if len(list["items"].([]any)) != 1 || list["next"] == "" {
			t.Errorf("list %v", list)
		}
		rest := s.api("ben", "GET", "/posts?incident=INC-1&limit=1&cursor="+list["next"].(string), "", 200)
		if len(rest["items"].([]any)) != 1 || rest["next"] != "" {
			t.Errorf("the rest %v", rest)
		}
		if l := s.api("eve", "GET", "/posts", "", 200)["items"].([]any); len(l) != 0 {
			t.Errorf("another project's manager sees %v", l)
		}
	})
}

// No page and no operation drafts or shows anything for a private incident.
func TestPrivatePages(t *testing.T) {
	each(t, func(s *site) {
		s.declare("Customer data was read", mainstay.Sev1, true)
		// Ben responds, but has no role in it: for him it does not exist.
		for who, want := range map[string]int{"ana": 403, "ben": 404, "root": 403} {
			s.do(who, "GET", "/incidents/INC-1/posts/new", nil, want)
			s.do(who, "POST", "/incidents/INC-1/posts", url.Values{"status": {"investigating"}, "title": {"t"}, "body": {"b"}, "next": {"5"}}, want)
			s.api(who, "POST", "/posts", `{"incident":"INC-1"}`, want)
			if want == 404 {
				continue
			}
			if _, text := s.page(who, "/incidents/INC-1"); strings.Contains(text, "Tell users") || strings.Contains(text, "Who hears next") {
				t.Errorf("%s is offered to tell users of a private incident", who)
			}
		}
	})
}
