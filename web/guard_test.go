package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

func TestARouteWithoutPermissionIsRefusedAtRegistration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	defer func() {
		if recover() == nil {
			t.Fatal("registered")
		}
	}()
	w.rt.Handle(web.Route{Method: "GET", Pattern: "/open"}, func(*web.Ctx) error { return nil })
}

func TestEveryRouteIsInTheTableWithAPermission(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seen := map[string]bool{}
	for _, r := range w.rt.Routes() {
		if r.Permission == "" {
			t.Errorf("%s %s names no permission", r.Method, r.Pattern)
		}
		seen[r.Method+" "+r.Pattern] = true
	}
	for _, want := range []string{"GET /{$}", "GET /live", "GET /-/healthy", "GET /api/openapi.json", "POST /api/v1/incidents/{id}/notes", "POST /in/{key}/{format}"} {
		if !seen[want] {
			t.Errorf("%s is not in the table", want)
		}
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tc := range []struct {
		name, who, method, target string
		want                      int
	}{
		{"nobody reads: sent to sign in", "", "GET", "/incidents/INC-42", 303},
		{"a session that ended is nobody", "gone", "GET", "/incidents/INC-42", 303},
		{"a stakeholder reads", "sten", "GET", "/incidents/INC-42", 200},
		{"a stakeholder does not write", "sten", "POST", "/incidents/INC-42/note", 403},
		{"a responder writes", "ana", "POST", "/incidents/INC-42/note", 303},
		{"another project's incident is not there", "ana", "GET", "/incidents/INC-99", 404},
		{"a private incident is not there for a stakeholder", "sten", "GET", "/incidents/INC-66", 404},
		{"nor for a member", "mia", "GET", "/incidents/INC-66", 404},
		{"nor for a responder who has no role in it", "ana", "GET", "/incidents/INC-66", 404},
		{"nor may such a one write to it", "ana", "POST", "/incidents/INC-66/note", 404},
		{"whoever has a role in it reads it", "role", "GET", "/incidents/INC-66", 200},
		{"and may not do more than before", "role", "POST", "/incidents/INC-66/note", 403},
		{"a role is worth nothing outside one's projects", "away", "GET", "/incidents/INC-66", 404},
		{"whoever manages incidents sees it", "max", "GET", "/incidents/INC-66", 200},
		{"an administrator sees all", "admin", "GET", "/incidents/INC-99", 200},
		{"what does not exist", "ana", "GET", "/incidents/INC-1", 404},
		{"no such page", "ana", "GET", "/nowhere", 404},
		{"no such method", "ana", "DELETE", "/incidents/INC-42", 405},
		{"a slash too many", "ana", "GET", "/incidents/INC-42/", 308},
		{"HEAD of the stream ends", "ana", "HEAD", "/live", 200},
		{"HEAD is GET without a body", "ana", "HEAD", "/incidents/INC-42", 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := w.ask(tc.who, tc.method, tc.target, "note=x")
			wantStatus(t, res, tc.want)
			if tc.want == 405 && res.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow: %q", res.Header.Get("Allow"))
			}
		})
	}
}

func TestSignInComesBackToWhereOneWas(t *testing.T) {
	t.Parallel()
	res := newWorld(t).ask("", "GET", "/incidents/INC-42?tab=plan", "")
	if got := res.Header.Get("Location"); got != "/sign-in?next=%2Fincidents%2FINC-42%3Ftab%3Dplan" {
		t.Fatal(got)
	}
}

func TestTheHandlerKnowsTheObject(t *testing.T) {
	t.Parallel()
	wantText(t, body(t, newWorld(t).ask("ana", "GET", "/incidents/INC-42", "")), "ref incident:i42 project har")
}

func TestDeniedSaysWhichPermissionIsMissing(t *testing.T) {
	t.Parallel()
	wantText(t, body(t, newWorld(t).ask("sten", "POST", "/incidents/INC-42/note", "note=x")), "incident.respond")
}

func TestAnotherSitesFormIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Origin", "https://evil.example"},
		{"Sec-Fetch-Site", "same-site", "Origin", "https://other.mainstay.example"},
	} {
		wantStatus(t, w.ask("ana", "POST", "/incidents/INC-42/note", "note=x", headers...), 403)
	}
	wantStatus(t, w.ask("ana", "POST", "/incidents/INC-42/note", "note=x", "Sec-Fetch-Site", "same-origin"), 303)
	wantStatus(t, w.ask("ana", "POST", "/incidents/INC-42/note", "note=x", "Origin", "https://mainstay.example"), 303)
	cross := []string{"Sec-Fetch-Site", "cross-site", "Content-Type", "application/json"}
	wantStatus(t, w.ask("ana", "POST", "/api/v1/incidents/INC-42/notes", `{"note":"x"}`, cross...), 403)
	wantStatus(t, w.ask("", "POST", "/api/v1/incidents/INC-42/notes", `{"note":"x"}`, append(cross, "Authorization", "Bearer ana")...), 201)
	wantStatus(t, w.ask("", "POST", "/in/00112233445566778899aabbccddeeff/alertmanager", "[]", "Sec-Fetch-Site", "cross-site"), 202)
}

func TestALapsedSessionLosesNoWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res := w.ask("", "POST", "/incidents/INC-42/note", "note=%3Cb%3Elong+text%3C%2Fb%3E&tags=a&tags=b&password=hush&present=hush&again=hush")
	wantStatus(t, res, 401)
	doc := page(t, res)
	form := doc.Find(`form[method=post][action="/incidents/INC-42/note"]`)
	if v, _ := form.Find(`[name=note]`).Attr("value"); v != "<b>long text</b>" {
		t.Errorf("note: %q", v)
	}
	if n := form.Find(`[name=tags]`).Length(); n != 2 {
		t.Errorf("%d tags", n)
	}
	if form.Find(`[name=password], [name=present], [name=again]`).Length() != 0 {
		t.Error("the password is in the page")
	}
	if to, _ := doc.Find(`a[target=_blank]`).Attr("href"); to != "/sign-in?next=%2Fsigned-in" {
		t.Errorf("sign-in: %q", to)
	}
}

func TestFormsMustBeText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wantStatus(t, w.ask("ana", "POST", "/incidents/INC-42/note", "note=%ff%fe"), 422)
	wantStatus(t, w.ask("ana", "POST", "/incidents/INC-42/note", "note=a%00b"), 422)
	wantStatus(t, w.ask("ana", "POST", "/incidents/INC-42/note", "note="+strings.Repeat("x", 2<<20)), 413)
}

func TestErrorsOfTheAPIAreProblems(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tc := range []struct {
		name, token, body string
		target            string
		status            int
		code, detail      string
	}{
		{"nobody", "", `{}`, "/api/v1/incidents/INC-42/notes", 401, "unauthenticated", "Sign in"},
		{"unknown token", "zed", `{}`, "/api/v1/incidents/INC-42/notes", 401, "unauthenticated", "token is not known"},
		{"may not", "sten", `{"note":"x"}`, "/api/v1/incidents/INC-42/notes", 403, "denied", "incident.respond"},
		{"may not see", "ana", `{"note":"x"}`, "/api/v1/incidents/INC-99/notes", 404, "not_found", "may not see"},
		{"not JSON", "ana", `{"note":`, "/api/v1/incidents/INC-42/notes", 400, "invalid", ""},
		{"wrong type", "ana", `{"note":"x","count":"many"}`, "/api/v1/incidents/INC-42/notes", 422, "invalid", ""},
		{"unknown field", "ana", `{"note":"x","colour":"red"}`, "/api/v1/incidents/INC-42/notes", 422, "invalid", ""},
		{"a fault of ours", "ana", `{"note":"bad"}`, "/api/v1/incidents/INC-42/notes", 422, "invalid", "note: is bad"},
		{"too large", "ana", `{"note":"` + strings.Repeat("x", 2<<20) + `"}`, "/api/v1/incidents/INC-42/notes", 413, "too_large", ""},
		{"no such resource", "ana", ``, "/api/v1/nothing", 404, "not_found", ""},
		{"no such method", "ana", ``, "/api/v1/incidents", 405, "invalid", "GET"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			headers := []string{"Content-Type", "application/json", "Accept", "application/json"}
			if tc.token != "" {
				headers = append(headers, "Authorization", "Bearer "+tc.token)
			}
			res := w.ask("", "POST", tc.target, tc.body, headers...)
			text := body(t, res)
			if res.StatusCode != tc.status {
				t.Fatalf("%d: %s", res.StatusCode, text)
			}
			if ct := res.Header.Get("Content-Type"); ct != "application/problem+json" {
				t.Errorf("Content-Type %q", ct)
			}
			var p web.Problem
			if err := json.Unmarshal([]byte(text), &p); err != nil {
				t.Fatal(err)
			}
			if string(p.Code) != tc.code || p.Status != tc.status || p.Request == "" || !strings.Contains(p.Detail, tc.detail) {
				t.Errorf("problem %+v", p)
			}
			if tc.status == 401 && !strings.Contains(strings.Join(res.Header.Values("WWW-Authenticate"), " "), "Bearer") {
				t.Error("no WWW-Authenticate")
			}
		})
	}
}

func TestAnOperationAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res := w.ask("", "POST", "/api/v1/incidents/INC-42/notes", `{"note":"seen"}`, "Authorization", "Bearer ana", "Content-Type", "application/json")
	wantStatus(t, res, 201)
	if res.Header.Get("ETag") != `"3"` {
		t.Errorf("ETag %q", res.Header.Get("ETag"))
	}
	wantText(t, body(t, res), `"note":"seen by ana on incident:i42"`)
	list := body(t, w.ask("", "GET", "/api/v1/incidents?limit=5", "", "Authorization", "Bearer ana"))
	wantText(t, list, `"items":[{"number":"INC-42"`)
	wantText(t, list, `"next":""`)
	wantStatus(t, w.ask("", "GET", "/api/v1/incidents?limit=5000", "", "Authorization", "Bearer ana"), 422)
}

func TestTheAPIDescribesItself(t *testing.T) {
	t.Parallel()
	res := newWorld(t).ask("", "GET", "/api/openapi.json", "")
	wantStatus(t, res, 200)
	var doc struct {
		OpenAPI string                    `json:"openapi"`
		Paths   map[string]map[string]any `json:"paths"`
	}
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || doc.Paths["/api/v1/incidents/{id}/notes"]["post"] == nil {
		t.Fatalf("%+v", doc)
	}
}

func TestErrorsOfPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for how, want := range map[string]int{"conflict": 409, "panic": 500, "eof": 500} {
		res := w.ask("ana", "GET", "/fail/"+how, "")
		id := res.Header.Get("X-Request-Id")
		wantStatus(t, res, want)
		text := body(t, res)
		wantText(t, text, id)
		if strings.Contains(text, "secret thing") || strings.Contains(text, "unexpected EOF") {
			t.Error("the page tells what is inside: " + text)
		}
		wantText(t, w.log.String(), id)
	}
	wantText(t, w.log.String(), "a secret thing")
}

func TestTheLogKeepsNoSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ask("", "POST", "/in/00112233445566778899aabbccddeeff/alertmanager?token=hush", "[]")
	w.ask("", "POST", "/in/00112233445566778899aabbccddeeff/x/y/z", "[]")
	w.ask("ana", "GET", "/incidents?token=hush", "", "Cookie", "who=ana; session=hush")
	if log := w.log.String(); strings.Contains(log, "hush") || strings.Contains(log, "0011223344") {
		t.Fatal(log)
	}
	wantText(t, w.log.String(), "path=/in/…/alertmanager status=202")
}

func TestEveryAnswerHasThePolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, target := range []string{"/", "/incidents", "/incidents/INC-42", "/nowhere", "/fail/panic", "/-/healthy", "/api/v1/incidents", "/assets/x/mainstay.css", "/sign-in"} {
		h := w.ask("ana", "GET", target, "").Header
		csp := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Request-Id") == "" {
			t.Errorf("%s: %v", target, h)
		}
	}
}

func TestMetricsAreForTheMachineOrATokenThatMay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := func(remote string, headers ...string) int {
		req := httptest.NewRequest("GET", "/metrics", nil)
		req.RemoteAddr = remote
		for i := 0; i+1 < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		rec := httptest.NewRecorder()
		w.h.ServeHTTP(rec, req)
		return rec.Code
	}
	for _, tc := range []struct {
		got, want int
	}{
		{ask("127.0.0.1:5000"), 200},
		{ask("[::1]:5000"), 200},
		{ask("192.0.2.7:5000"), 401},
		{ask("127.0.0.1:5000", "X-Forwarded-For", "192.0.2.7"), 401},
		{ask("192.0.2.7:5000", "Authorization", "Bearer ana"), 403},
		{ask("192.0.2.7:5000", "Authorization", "Bearer admin"), 200},
	} {
		if tc.got != tc.want {
			t.Errorf("%d, want %d", tc.got, tc.want)
		}
	}
}

func TestRedirectsStayHere(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		"/incidents?x=1#y": "/incidents?x=1#y", "https://evil.example/": "/", "//evil.example": "/", `/\evil.example`: "/",
		"javascript:alert(1)": "/", "": "/", "evil": "/", "/a\r\nSet-Cookie: x": "/",
	} {
		if got := web.Local(to); got != want {
			t.Errorf("Local(%q) = %q", to, got)
		}
	}
}

func TestListsLookOnlyWhereTheViewerMay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	scope := func(who, project string) string {
		var got string
		path := "/scope/" + who + project
		w.rt.Handle(web.Route{Method: "GET", Pattern: path, Permission: access.Self}, func(c *web.Ctx) error {
			all, ids, err := w.rt.Scope(c.Context(), access.IncidentRead, project)
			got = fmt.Sprintf("%v %v %s", all, ids, mainstay.ErrorCode(err))
			return c.Part(ui.Text(""))
		})
		w.ask(who, "GET", path, "")
		return got
	}
	for _, tc := range []struct{ got, want string }{
		{scope("ana", ""), "false [har] "},
		{scope("admin", ""), "true [] "},
		{scope("ana", "harbour"), "false [har] "},
		{scope("ana", "elsewhere"), "false [] not_found"},
		{scope("out", "harbour"), "false [] not_found"},
	} {
		if tc.got != tc.want {
			t.Errorf("%q, want %q", tc.got, tc.want)
		}
	}
}

func TestAMissingPageStillHasTheRail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if page(t, w.ask("ana", "GET", "/nowhere", "")).Find("nav.rail").Length() != 1 || page(t, w.ask("", "GET", "/nowhere", "")).Find("nav.rail").Length() != 0 {
		t.Fatal("the rail")
	}
}

func TestReadyWaitsForTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wantStatus(t, w.ask("", "GET", "/-/healthy", ""), 200)
	wantStatus(t, w.ask("", "GET", "/-/ready", ""), 200)
	wantStatus(t, w.ask("", "GET", "/sign-in", "", "Accept", "text/html"), http.StatusNotFound) // identity brings it
}
