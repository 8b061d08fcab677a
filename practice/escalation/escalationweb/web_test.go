package escalationweb_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/access/accessdb"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/people/peopledb"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/core/project/projectdb"
	"github.com/mainstayhq/mainstay/core/setting"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/practice/escalation/escalationdb"
	"github.com/mainstayhq/mainstay/practice/escalation/escalationweb"
	"github.com/mainstayhq/mainstay/web"
)

var admin = mainstay.System("manifest")

// house is a real router with the pages of escalation on a real database.
type house struct {
	*mainstaytest.Env
	service *escalation.Service
	people  *people.Service
	project string
	viewers map[string]access.Viewer
	person  map[string]string
	run     *mainstaytest.Engines
	h       http.Handler
}

// Viewer says who asks: the name stands in the cookie "who".
func (h *house) Viewer(r *http.Request) (access.Viewer, error) {
	if c, err := r.Cookie("who"); err == nil {
		return h.viewers[c.Value], nil
	}
	return access.Viewer{}, nil
}

// Actor and Subject are the names that pages show.
func (h *house) Actor(ctx context.Context, a mainstay.Actor) string {
	if p, err := h.people.ByID(ctx, a.ID); err == nil {
		return p.FullName
	}
	return "Mainstay"
}

// Subject names an object.
func (h *house) Subject(_ context.Context, r mainstay.Ref) (name, url string) {
	return string(r.Kind) + " " + r.ID, "/alerts/" + r.ID
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newHouse(t *testing.T, e *mainstaytest.Env) *house {
	t.Helper()
	store := peopledb.New(e.DB, e.Saver)
	acc, err := access.New(access.Config{Store: accessdb.New(e.DB, e.Saver), Teams: store, Time: e.Clock})
	must(t, err)
	folk, err := people.New(people.Config{Store: store, Roles: acc, Time: e.Clock})
	must(t, err)
	registry, err := project.New(project.Config{Store: projectdb.New(e.DB, e.Saver), Time: e.Clock})
	must(t, err)
	_, err = registry.Define(t.Context(), admin, "shop", project.Spec{Title: "Harbour"})
	must(t, err)
	shop, err := registry.Project(t.Context(), "shop")
	must(t, err)
	s, err := escalation.New(escalation.Config{
		Store: escalationdb.New(e.DB, e.Saver, e.Objects), People: folk, Projects: registry, Signer: setting.NewVault(make([]byte, 32)), Time: e.Clock, Log: e.Log,
	})
	must(t, err)
	h := &house{Env: e, service: s, people: folk, project: shop.ID, viewers: map[string]access.Viewer{}, person: map[string]string{}}
	for name, role := range map[string]access.Role{"ana": access.Responder, "lena": access.Manager, "mia": access.Member, "sten": access.Stakeholder} {
		p, err := folk.Create(t.Context(), admin, people.Person{Name: name, FullName: strings.ToUpper(name[:1]) + name[1:] + " Ruiz", Email: name + "@example.com"})
		must(t, err)
		h.person[name] = p.ID
		h.viewers[name] = access.Viewer{Actor: mainstay.Person(p.ID), PersonID: p.ID, Name: name, Zone: time.UTC, Grants: []access.Grant{{Role: role, Project: shop.ID}}}
	}
	_, err = s.DefineSchedule(t.Context(), admin, shop.ID, "primary", escalation.ScheduleSpec{Title: "Primary", Zone: "Europe/Berlin", Layers: []escalation.LayerSpec{
		{Name: "week", Handoff: "Mon 09:00", Start: "2026-03-16", Participants: []string{"ana", "lena"}},
	}})
	must(t, err)
	_, err = s.DefinePolicy(t.Context(), admin, shop.ID, "default", escalation.PolicySpec{
		Steps: []escalation.StepSpec{{Targets: []string{"schedule:primary"}}, {Delay: "5m", Targets: []string{"person:lena"}}}, Repeats: 1,
	})
	must(t, err)
	rt, err := web.NewRouter(web.Config{Time: e.Clock, Log: e.Log, Identity: h, Objects: e.Objects})
	must(t, err)
	pages, err := escalationweb.New(escalationweb.Config{Service: s, People: folk, Projects: registry, Names: h, Journal: e.Journal, Time: e.Clock})
	must(t, err)
	pages.Routes(rt)
	rt.AddPanels(pages.Panels()...)
	h.h = rt.Handler()
	h.run = e.Engines(t, s.Subscribers(), s.Timers())
	return h
}

func each(t *testing.T, f func(t *testing.T, h *house)) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) { f(t, newHouse(t, e)) },
		peopledb.Migrations(), accessdb.Migrations(), projectdb.Migrations(), escalationdb.Migrations())
}

// ask makes a request as the viewer; a form makes it a post, a body that begins with "{" an API call.
func (h *house) ask(t *testing.T, who, method, to, body string) (int, string, http.Header) {
	t.Helper()
	req := httptest.NewRequest(method, "http://mainstay.test"+to, strings.NewReader(body))
	if who != "" {
		req.AddCookie(&http.Cookie{Name: "who", Value: who})
	}
	req.Header.Set("Accept", "text/html")
	switch {
	case strings.HasPrefix(to, "/api/"):
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json")
	case method == "POST":
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if method == "POST" || method == "DELETE" || method == "PUT" {
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	w := httptest.NewRecorder()
	h.h.ServeHTTP(w, req)
	res := w.Result()
	b, err := io.ReadAll(res.Body)
	must(t, err)
	return res.StatusCode, string(b), res.Header
}

func (h *house) want(t *testing.T, id string) escalation.Page {
	t.Helper()
	h.Commit(t, commit.Set{Facts: []fact.Fact{fact.New(h.Clock.Now(), h.project, mainstay.System("warning"), fact.PageWanted{
		Policy: "default", Severity: "sev-1", Title: "Card <b>payments</b> fail",
	}, mainstay.Ref{Kind: mainstay.KindAlert, ID: id})}})
	h.run.Settle(t)
	list, err := h.service.Pages(t.Context(), escalation.PageQuery{Limit: 1})
	must(t, err)
	return list[0]
}

func text(t *testing.T, html string) string {
	t.Helper()
	d, err := goquery.NewDocumentFromReader(strings.NewReader(html))
	must(t, err)
	return strings.Join(strings.Fields(d.Find("main, body.bare").Text()), " ")
}

func has(t *testing.T, what, html string, words ...string) {
	t.Helper()
	all := text(t, html)
	for _, w := range words {
		if !strings.Contains(all, w) {
			t.Errorf("%s does not say %q:\n%s", what, w, all)
		}
	}
}

func TestThePageSaysWhatWhoAndWhatNext(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.want(t, "a1")
		h.Clock.Advance(48 * time.Second)
		status, html, _ := h.ask(t, "ana", "GET", "/pages/PAG-1", "")
		if status != 200 {
			t.Fatalf("%d %s", status, html)
		}
		has(t, "the page", html, "PAG-1", "sev-1", "Card <b>payments</b> fail", "Nobody has it yet.", "Escalates to Lena Ruiz in 4:12", "Ana Ruiz: schedule primary, layer week",
			"Acknowledge", "alert a1", "round 1 of 2", "schedule primary", "after 5 min")
		if strings.Contains(html, "<b>payments</b>") {
			t.Error("what senders wrote is not escaped")
		}
		if status, _, _ := h.ask(t, "sten", "GET", "/pages/PAG-1", ""); status != 404 {
			t.Errorf("a stakeholder sees pages: %d", status)
		}
		if status, _, _ := h.ask(t, "mia", "POST", "/pages/PAG-1/acknowledge", ""); status != 403 {
			t.Errorf("a member acknowledges: %d", status)
		}
		if _, html, _ = h.ask(t, "mia", "GET", "/pages/PAG-1", ""); strings.Contains(html, "/acknowledge") {
			t.Error("a member is shown the button")
		}
		status, _, header := h.ask(t, "ana", "POST", "/pages/PAG-1/acknowledge", "")
		if status != 303 || header.Get("Location") != "/pages/PAG-1" {
			t.Errorf("acknowledging: %d %s", status, header.Get("Location"))
		}
		_, html, _ = h.ask(t, "lena", "GET", "/pages/PAG-1", "")
		has(t, "afterwards", html, "Ana Ruiz has it", "Ana Ruiz acknowledged the page", "Page Lena Ruiz")
		_, html, _ = h.ask(t, "lena", "GET", "/pages", "")
		has(t, "the list", html, "PAG-1", "Ana Ruiz has it")
		if status, _, _ = h.ask(t, "lena", "POST", "/pages/PAG-1/escalate", "step=1&round=0"); status != 303 {
			t.Errorf("escalating: %d", status)
		}
		if n := len(h.Notices()); n != 2 {
			t.Errorf("%d notices", n)
		}
		if status, _, _ = h.ask(t, "lena", "POST", "/pages/PAG-1/resolve", ""); status != 303 {
			t.Errorf("ending: %d", status)
		}
		_, html, _ = h.ask(t, "ana", "GET", "/pages/PAG-1", "")
		has(t, "at the end", html, "over", "ended by hand")
		for _, place := range []string{"/", "/projects/shop"} {
			if status, _, _ := h.ask(t, "ana", "GET", place, ""); status >= 500 {
				t.Errorf("%s with panels: %d", place, status)
			}
		}
	})
}

// Mail scanners follow links and send HEAD; only the button acknowledges.
func TestALinkInAMailAcknowledgesOnlyByItsButton(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.want(t, "a1")
		var data notify.PageData
		must(t, json.Unmarshal(h.Notices()[0].Data, &data))
		state := func() escalation.State {
			v, err := h.service.Page(t.Context(), p.ID)
			must(t, err)
			return v.State
		}
		for _, method := range []string{"GET", "HEAD", "GET"} {
			status, html, _ := h.ask(t, "", method, data.AckURL, "")
			if status != 200 || state() != escalation.Open {
				t.Fatalf("%s: %d, the page is %s", method, status, state())
			}
			if method == "GET" {
				has(t, "the form", html, "Card <b>payments</b> fail", "sev-1", "I have it")
			}
		}
		link, err := url.Parse(data.AckURL)
		must(t, err)
		token := link.Query().Get("token")
		for _, bad := range []string{"", "token=", "token=" + token[:len(token)-3] + "xyz"} {
			if status, _, _ := h.ask(t, "", "POST", link.Path, bad); status != 403 || state() != escalation.Open {
				t.Errorf("token %q: %d, the page is %s", bad, status, state())
			}
		}
		status, html, _ := h.ask(t, "", "POST", link.Path, "token="+url.QueryEscape(token))
		if status != 200 || state() != escalation.Acknowledged {
			t.Fatalf("the button: %d, the page is %s", status, state())
		}
		has(t, "afterwards", html, "You have it.")
		v, err := h.service.Page(t.Context(), p.ID)
		must(t, err)
		if v.AckedBy != mainstay.Person(h.person["ana"]) || v.AckedVia != escalation.ViaMail {
			t.Errorf("by %v via %s", v.AckedBy, v.AckedVia)
		}
		if _, html, _ = h.ask(t, "", "GET", data.AckURL, ""); strings.Contains(html, "<form method") {
			t.Error("there is still a button")
		}
		must(t, h.people.SetActive(t.Context(), admin, h.person["ana"], false))
		if status, _, _ = h.ask(t, "", "GET", data.AckURL, ""); status != 403 {
			t.Errorf("a deactivated person: %d", status)
		}
		h.Clock.Advance(8 * 24 * time.Hour)
		if status, _, _ = h.ask(t, "", "GET", data.AckURL, ""); status != 410 {
			t.Errorf("after a week: %d", status)
		}
	})
}

func TestSchedulesShowWhoIsOnCallAndTakeOverrides(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, html, _ := h.ask(t, "ana", "GET", "/schedules", "")
		has(t, "the list", html, "Primary", "Ana Ruiz", "Mon 23 Mar, 09:00", "Lena Ruiz")
		_, html, _ = h.ask(t, "ana", "GET", "/schedules/primary", "")
		has(t, "the schedule", html, "Ana Ruiz is on call until Mon 23 Mar, 09:00", "Times in Europe/Berlin", "Take the pager", "every week, handoff Mon 09:00")
		if !strings.Contains(html, `class="block"`) || strings.Contains(html, "style=") {
			t.Error("the chart is missing, or there is an inline style")
		}
		// A responder may take the pager, not give it.
		body := url.Values{"person": {h.person["lena"]}, "until": {"2026-03-18T09:00"}}
		if status, _, _ := h.ask(t, "ana", "POST", "/schedules/primary/overrides", body.Encode()); status != 403 {
			t.Errorf("ana puts lena on call: %d", status)
		}
		body = url.Values{"person": {h.person["lena"]}, "until": {"2026-03-16T09:00"}, "reason": {"kept as typed"}}
		status, html, _ := h.ask(t, "lena", "POST", "/schedules/primary/overrides", body.Encode())
		if status != 422 || !strings.Contains(html, "kept as typed") {
			t.Errorf("in the past: %d", status)
		}
		has(t, "what is wrong", html, "This time has passed")
		body.Set("until", "2026-03-18T09:00")
		if status, html, _ = h.ask(t, "lena", "POST", "/schedules/primary/overrides", body.Encode()); status != 303 {
			t.Errorf("lena takes it: %d %s", status, html)
		}
		_, html, _ = h.ask(t, "ana", "GET", "/schedules/primary", "")
		has(t, "overridden", html, "Lena Ruiz is on call until Wed 18 Mar, 09:00", "kept as typed")
		s, err := h.service.ScheduleByName(t.Context(), h.project, "primary", h.Clock.Now(), h.Clock.Now().AddDate(0, 0, 9))
		must(t, err)
		remove := "/schedules/primary/overrides/" + s.Overrides[0].ID + "/remove"
		if status, _, _ = h.ask(t, "ana", "POST", remove, ""); status != 403 {
			t.Errorf("ana takes back lena's: %d", status)
		}
		if status, _, _ = h.ask(t, "lena", "POST", remove, ""); status != 303 {
			t.Errorf("lena takes it back: %d", status)
		}
		_, html, _ = h.ask(t, "ana", "GET", "/schedules/primary", "")
		has(t, "taken back", html, "Ana Ruiz is on call")
	})
}

func TestSchedulesAndPoliciesAreMadeByForms(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		form := url.Values{"name": {"second"}, "project": {h.project}, "zone": {"Europe/Berlin"}, "layers[0].participants": {"lena, nobody"},
			"layers[0].rotation": {"daily"}, "layers[0].handoff": {"09:00"}, "layers[0].restrictions": {"Sat,Sun"}}
		status, html, _ := h.ask(t, "lena", "POST", "/schedules", form.Encode())
		if status != 422 {
			t.Errorf("nobody: %d", status)
		}
		has(t, "what is wrong", html, `there is no person "nobody"`)
		form.Set("layers[0].participants", "lena ana")
		status, _, header := h.ask(t, "lena", "POST", "/schedules", form.Encode())
		if status != 303 || header.Get("Location") != "/schedules/second" {
			t.Fatalf("made: %d %s", status, header.Get("Location"))
		}
		_, html, _ = h.ask(t, "lena", "GET", "/schedules/second", "")
		has(t, "gaps", html, "Nobody is on call.", "gaps of the next 90 days")
		if _, html, _ = h.ask(t, "lena", "GET", "/schedules/second/edit", ""); !strings.Contains(html, `value="lena, ana"`) {
			t.Error("the form does not hold what is defined")
		}
		if status, _, _ = h.ask(t, "ana", "POST", "/schedules", form.Encode()); status != 403 {
			t.Errorf("a responder makes a schedule: %d", status)
		}
		form.Set("project", "")
		if status, _, _ = h.ask(t, "lena", "POST", "/schedules", form.Encode()); status != 403 {
			t.Errorf("a project's manager makes one for all: %d", status)
		}

		policy := url.Values{"name": {"late"}, "project": {h.project}, "steps[0].targets": {"schedule:second"}, "steps[1].targets": {"person:mia"}, "steps[1].delay": {"soon"}, "repeats": {"2"}}
		status, html, _ = h.ask(t, "lena", "POST", "/policies", policy.Encode())
		if status != 422 || !strings.Contains(html, `value="person:mia"`) {
			t.Errorf("a delay that is none: %d", status)
		}
		policy.Set("steps[1].delay", "10m")
		if status, _, _ = h.ask(t, "lena", "POST", "/policies", policy.Encode()); status != 303 {
			t.Errorf("made: %d", status)
		}
		_, html, _ = h.ask(t, "ana", "GET", "/policies/late", "")
		has(t, "the policy", html, "schedule second", "nobody is on call", "person mia", "Mia Ruiz", "2 times")
		_, html, _ = h.ask(t, "ana", "GET", "/policies", "")
		has(t, "the policies", html, "schedule primary, then after 5 min person lena")
		if status, _, _ = h.ask(t, "lena", "GET", "/policies/late/edit", ""); status != 200 {
			t.Errorf("the form: %d", status)
		}
	})
}

// get reads an answer of the API into a value.
func (h *house) get(t *testing.T, who, to string, into any) int {
	t.Helper()
	status, body, _ := h.ask(t, who, "GET", "/api/v1"+to, "")
	if status == 200 {
		must(t, json.Unmarshal([]byte(body), into))
	}
	return status
}

func TestTheAPIListsPagesAndActsOnThem(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.want(t, "a1")
		h.want(t, "a2")
		var list web.List[escalationweb.Page]
		if s := h.get(t, "ana", "/pages?limit=1", &list); s != 200 || len(list.Items) != 1 || list.Items[0].Number != "PAG-2" || list.Next == "" {
			t.Errorf("the first page of pages: %d %+v", s, list)
		}
		if h.get(t, "ana", "/pages?cursor="+list.Next, &list); len(list.Items) != 1 || list.Items[0].Number != "PAG-1" || list.Next != "" {
			t.Errorf("the second: %+v", list)
		}
		if h.get(t, "ana", "/pages?subject=alert:a2&state=open&project=shop", &list); len(list.Items) != 1 {
			t.Errorf("filtered: %+v", list)
		}
		if s := h.get(t, "ana", "/pages?cursor=x", &list); s != 422 && s != 400 {
			t.Errorf("a bad cursor: %d", s)
		}
		if s := h.get(t, "", "/pages", &list); s != 401 {
			t.Errorf("nobody: %d", s)
		}
		var one escalationweb.Page
		if h.get(t, "ana", "/pages/PAG-1", &one); len(one.Log) != 1 || one.Log[0].Reached[0].Person != h.person["ana"] || one.State != "open" {
			t.Errorf("one: %+v", one)
		}
		var changed escalationweb.Changed
		for i, want := range []bool{true, false} {
			status, body, _ := h.ask(t, "ana", "POST", "/api/v1/pages/PAG-1/acknowledge", "")
			must(t, json.Unmarshal([]byte(body), &changed))
			if status != 200 || changed.Changed != want || changed.Page.Via != "api" {
				t.Errorf("acknowledging, time %d: %d %s", i, status, body)
			}
		}
		if status, body, _ := h.ask(t, "ana", "POST", "/api/v1/pages/PAG-2/escalate", `{"step":1}`); status != 200 || !strings.Contains(body, `"changed":true`) {
			t.Errorf("escalating: %d %s", status, body)
		}
		if status, body, _ := h.ask(t, "ana", "POST", "/api/v1/pages/PAG-2/resolve", ""); status != 200 {
			t.Errorf("ending: %d %s", status, body)
		}

	})
}

func TestTheAPIDefinesSchedulesAndSaysWhoIsOnCall(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var duty escalationweb.Duty
		if h.get(t, "ana", "/schedules/primary/oncall", &duty); duty.Name != "ana" {
			t.Errorf("now: %+v", duty)
		}
		if h.get(t, "ana", "/schedules/primary/oncall?at=2026-03-24T12:00:00Z", &duty); duty.Name != "lena" || duty.By != "rotation" {
			t.Errorf("next week: %+v", duty)
		}
		spec := `{"zone":"UTC","layers":[{"participants":["mia"],"restrictions":["Mon-Fri 09:00-17:00"]}]}`
		for range 2 {
			if status, body, _ := h.ask(t, "lena", "PUT", "/api/v1/schedules/office?project=shop", spec); status != 200 {
				t.Errorf("PUT: %d %s", status, body)
			}
		}
		var shifts web.List[escalationweb.Shift]
		if h.get(t, "ana", "/schedules/office/shifts?from=2026-03-18T00:00:00Z&until=2026-03-19T00:00:00Z", &shifts); len(shifts.Items) != 3 || shifts.Items[1].Name != "mia" || shifts.Items[0].Person != "" {
			t.Errorf("shifts: %+v", shifts)
		}
		if status, body, _ := h.ask(t, "lena", "POST", "/api/v1/schedules/office/overrides", `{"person":"ana","until":"2026-03-17T12:00:00Z"}`); status != 201 {
			t.Errorf("overriding: %d %s", status, body)
		}
		if h.get(t, "ana", "/schedules/office/oncall", &duty); duty.Name != "ana" || duty.By != "override" {
			t.Errorf("overridden: %+v", duty)
		}
		if status, body, _ := h.ask(t, "lena", "PUT", "/api/v1/policies/office?project=shop", `{"steps":[{"targets":["schedule:office"]}]}`); status != 200 {
			t.Errorf("PUT: %d %s", status, body)
		}
		if status, body, _ := h.ask(t, "lena", "PUT", "/api/v1/policies/office?project=shop", `{"steps":[{"targets":["schedule:nope"]}]}`); status != 422 && status != 400 || !strings.Contains(body, "steps[0].targets") {
			t.Errorf("a fault: %d %s", status, body)
		}
		var policies web.List[escalationweb.Policy]
		if h.get(t, "ana", "/policies", &policies); len(policies.Items) != 2 {
			t.Errorf("policies: %+v", policies)
		}
		var schedules web.List[escalationweb.Schedule]
		if h.get(t, "ana", "/schedules", &schedules); len(schedules.Items) != 2 || schedules.Items[1].Spec.Layers[0].Participants[0] != "ana" {
			t.Errorf("schedules: %+v", schedules)
		}
	})
}
