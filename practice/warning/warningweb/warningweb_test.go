package warningweb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/core/intake/alertmanager"
	"github.com/mainstayhq/mainstay/core/intake/intakedb"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/practice/warning/warningdb"
	"github.com/mainstayhq/mainstay/practice/warning/warningweb"
	"github.com/mainstayhq/mainstay/web"
)

const (
	shop = "00000000-0000-7000-8000-00000000000a"
	mail = "00000000-0000-7000-8000-00000000000b"
	svc  = "00000000-0000-7000-8000-0000000000c1"
)

// registry is two projects, or fewer.
type registry struct{ projects []project.Project }

func (g *registry) Projects(context.Context) ([]project.Project, error) { return g.projects, nil }
func (g *registry) Services(context.Context, string) ([]project.Service, error) {
	return []project.Service{{ID: svc, Project: shop, Name: "checkout"}}, nil
}

type named struct{}

func (named) Actor(_ context.Context, a mainstay.Actor) string { return a.ID }
func (named) Subject(context.Context, mainstay.Ref) (string, string) {
	return "", ""
}

type asked struct{}

func (asked) Services(context.Context, string) (map[string]string, error) {
	return map[string]string{"checkout": svc}, nil
}
func (asked) PolicyExists(context.Context, string, string) error { return nil }

// doors lets in whoever brings a token that names a role, perhaps with a project: "responder", "responder@shop".
type doors struct{}

func (doors) Viewer(r *http.Request) (access.Viewer, error) {
	_, token, _ := r.BasicAuth()
	if t, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token = t
	}
	if token == "" {
		return access.Viewer{}, nil
	}
	role, where, _ := strings.Cut(token, "@")
	if !access.Role(role).Valid() {
		return access.Viewer{}, mainstay.Errorf(mainstay.Unauthenticated, "This token is not known.")
	}
	g := access.Grant{Role: access.Role(role), Project: map[string]string{"shop": shop, "mail": mail}[where]}
	return access.Viewer{Actor: mainstay.Actor{Kind: mainstay.ActorToken, ID: token}, Name: token, Grants: []access.Grant{g}, Zone: time.UTC, Token: true}, nil
}

type finder struct{ s *warning.Service }

func (f finder) Find(ctx context.Context, kind mainstay.Kind, key, _ string) (object.Object, error) {
	if kind != mainstay.KindAlert {
		return object.Object{}, mainstay.Errorf(mainstay.NotFound, "none")
	}
	return f.s.Object(ctx, key)
}

type world struct {
	*mainstaytest.Env
	s   *warning.Service
	reg *registry
	srv *httptest.Server
	def string
}

func begin(t *testing.T, engine string, clock mainstay.Timekeeper) *world {
	t.Helper()
	e := mainstaytest.New(t, engine, intakedb.Migrations(), warningdb.Migrations())
	if clock == nil {
		clock = e.Clock
	}
	store := warningdb.New(e.DB, e.Saver, e.Objects, intakedb.New(e.DB, e.Saver))
	s, err := warning.New(warning.Config{
		Writing: store, Reading: store, Routes: store, Heartbeats: store, Names: asked{}, Time: clock, Log: e.Log, Formats: []intake.Format{alertmanager.Format{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	w := &world{Env: e, s: s, reg: &registry{[]project.Project{{ID: shop, Name: "shop"}, {ID: mail, Name: "mail"}}}}
	rt, err := web.NewRouter(web.Config{Time: clock, Log: e.Log, Identity: doors{}, Objects: finder{s}})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := warningweb.New(warningweb.Config{
		Warning: s, Format: alertmanager.Format{}, Projects: w.reg, Names: named{}, Journal: e.Journal, Register: e.Objects, Time: clock, Default: func() string { return w.def },
	})
	if err != nil {
		t.Fatal(err)
	}
	pages.Routes(rt)
	rt.AddPanels(pages.Panels()...)
	w.srv = httptest.NewServer(rt.Handler())
	t.Cleanup(w.srv.Close)
	return w
}

func (w *world) ask(t *testing.T, token, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.SetBasicAuth("x", token)
	}
	res, err := w.srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // a test
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(path, "/alertmanager") && res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s %s: Cache-Control is %q", method, path, res.Header.Get("Cache-Control"))
	}
	return res.StatusCode, strings.TrimSpace(string(b))
}

func (w *world) want(t *testing.T, token, method, path, body string, status int, contains string) {
	t.Helper()
	if code, got := w.ask(t, token, method, path, body); code != status || !strings.Contains(got, contains) {
		t.Errorf("%s %s %s as %s: %d %s\nwant %d %s", method, path, body, token, code, got, status, contains)
	}
}

const am = "/alertmanager/api/v2/alerts"

// The whole Alertmanager API: shapes, filters, whose alerts are seen, and where posted ones go.
func TestAlertmanagerAPI(t *testing.T) {
	t.Parallel()
	w := begin(t, "sqlite", nil)
	w.want(t, "responder", "GET", am, "", 200, "[]")
	w.want(t, "responder@shop", "POST", am, `[{"labels":{"alertname":"Down","severity":"critical"},"annotations":{"summary":"It is \"down\""},"generatorURL":"http://p/g"}]`, 200, "")
	code, got := w.ask(t, "responder", "GET", am, "")
	const want = `[{"annotations":{"summary":"It is \"down\""},"endsAt":"2026-03-17T03:05:00.000Z","fingerprint":"49a12c23a4cec5f1","receivers":[{"name":"nobody"}],` +
		`"startsAt":"2026-03-17T03:00:00.000Z","status":{"inhibitedBy":[],"mutedBy":[],"silencedBy":[],"state":"active"},"updatedAt":"2026-03-17T03:00:00.000Z",` +
		`"generatorURL":"http://p/g","labels":{"alertname":"Down","severity":"critical"}}]`
	fp := got
	if i := strings.Index(got, `"fingerprint":"`); i > 0 {
		fp = got[:i] + `"fingerprint":"49a12c23a4cec5f1` + got[i+15+16:]
	}
	if code != 200 || fp != want {
		t.Fatalf("%d\n%s\n%s", code, got, want)
	}
	w.want(t, "member@shop", "GET", am, "", 200, "Down")
	w.want(t, "member@mail", "GET", am, "", 200, "[]")
	for q, n := range map[string]int{
		`filter=alertname%3D"Down"`: 1, `filter=alertname%3DDown&filter=severity%3D~crit.*`: 1, `filter=severity!%3Dcritical`: 0, `filter=none%3D""`: 1,
		`filter=none!%3D""`: 0, `filter=severity!~"crit"`: 1, `active=false`: 0, `silenced=false&inhibited=false&unprocessed=false`: 1, `receiver=no.*`: 1, `receiver=no`: 0,
	} {
		_, got := w.ask(t, "member", "GET", am+"?"+q, "")
		var list []any
		if err := json.Unmarshal([]byte(got), &list); err != nil || len(list) != n {
			t.Errorf("%s: %s %v", q, got, err)
		}
	}
	w.want(t, "member", "GET", am+"?filter=foo", "", 400, `"bad matcher format: foo"`)
	w.want(t, "member", "GET", am+"?receiver=(", "", 400, `"failed to parse receiver param: error parsing regexp`)

	w.want(t, "", "GET", am, "", 401, `{"code":401,"message":"Sign in`)
	w.want(t, "wrong", "GET", am, "", 401, `{"code":401,`)
	w.want(t, "stakeholder", "GET", am, "", 403, `{"code":403,`)
	w.want(t, "member", "POST", am, "[]", 403, `{"code":403,`)
	w.want(t, "responder", "POST", am, "nope", 400, `{"code":400,"message":"parsing alerts body`)
	w.want(t, "responder", "POST", am, "[{}]", 422, `{"code":602,`)
	w.want(t, "responder", "POST", am, strings.Repeat(" ", 5<<20), 413, `{"code":413,`)

	// A wide token must say which project is meant; what can be kept is kept.
	w.want(t, "responder", "POST", am, `[{"labels":{"alertname":"A"}},{"labels":{"alertname":"B","project":"mail"}},{"labels":{"alertname":"C","project":"x"}},{"labels":{"":"D"}}]`,
		400, `"invalid label set: invalid name \"\"; the label project is missing: `)
	w.want(t, "responder", "POST", am, `[{"labels":{"alertname":"S","project":"shop"}},{"labels":{"alertname":"M","project":"mail"}}]`, 200, "")
	w.want(t, "member@mail", "GET", "/api/v1/alerts?limit=10", "", 200, `"alertname":"B"`)
	w.def = mail
	w.want(t, "responder", "POST", am, `[{"labels":{"alertname":"Default"}}]`, 200, "")
	w.want(t, "member@mail", "GET", am+"?filter=alertname%3DDefault", "", 200, "Default")
	w.def, w.reg.projects = "", w.reg.projects[:1]
	w.want(t, "responder", "POST", am, `[{"labels":{"alertname":"Only"}}]`, 200, "")
	w.want(t, "member@shop", "GET", am+"?filter=alertname%3DOnly", "", 200, "Only")

	w.want(t, "member", "GET", "/alertmanager/api/v2/receivers", "", 200, `[{"name":"nobody"}]`)
	w.want(t, "member", "GET", "/alertmanager/api/v2/status", "", 200, `"cluster":{"peers":[],"status":"disabled"}`)
	w.want(t, "", "GET", "/alertmanager/-/ready", "", 200, "OK")
	w.want(t, "", "GET", "/alertmanager/-/healthy", "", 200, "OK")
	w.want(t, "", "POST", "/alertmanager/api/v1/alerts", "[]", 410, `{"code":410,`)
	w.want(t, "member", "PUT", am, "[]", 405, `{"code":405,"message":"method PUT is not allowed, but [GET,POST] are"}`)
	w.want(t, "member", "GET", "/alertmanager/api/v2/nothing", "", 404, `{"code":404,"message":"path /api/v2/nothing was not found"}`)
}

// Debian's amtool works with the token in the URL.
func TestAmtool(t *testing.T) {
	t.Parallel()
	amtool, err := exec.LookPath("amtool")
	if err != nil {
		mainstaytest.Need(t, "amtool")
	}
	w := begin(t, "sqlite", mainstay.Clock{})
	if _, err := w.s.Define(t.Context(), mainstay.Person("ana"), shop, "all", warning.RouteSpec{Policy: "nights", Match: map[string]string{"job": "demo"}, MatchRegex: map[string]string{"env": "prod|test"}}); err != nil {
		t.Fatal(err)
	}
	url := strings.Replace(w.srv.URL, "http://", "http://x:responder%40shop@", 1) + "/alertmanager"
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), amtool, append(args, "--alertmanager.url="+url)...).CombinedOutput()
		if err != nil {
			t.Fatalf("amtool %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run("alert", "add", "alertname=FromAmtool", "job=demo", "--annotation=summary=By hand")
	if out := run("alert", "query", "alertname=FromAmtool"); !strings.Contains(out, "FromAmtool") || !strings.Contains(out, "By hand") {
		t.Fatal(out)
	}
	if out := run("alert", "query", "-o", "json", "job=~de.*"); !strings.Contains(out, `"alertname":"FromAmtool"`) {
		t.Fatal(out)
	}
	if out := run("alert", "query", "job=other"); strings.Contains(out, "FromAmtool") {
		t.Fatal(out)
	}
	if out := run("config", "show"); !strings.Contains(out, "nights") {
		t.Fatal(out)
	}
	if out := run("config", "routes", "test", "job=demo", "env=prod"); !strings.Contains(out, "nights") {
		t.Fatal(out)
	}
}

// Paging through the API shows every alert that existed at the first page once, whatever comes meanwhile.
func TestAPIPages(t *testing.T) {
	t.Parallel()
	w := begin(t, "sqlite", nil)
	post := func(from, n int) {
		t.Helper()
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{"labels":{"alertname":"A","n":"%d","even":"%v","service":"checkout"}}`, from+i, i%2 == 0))
		}
		w.want(t, "responder@shop", "POST", am, "["+strings.Join(list, ",")+"]", 200, "")
	}
	post(0, 25)
	seen, cursor := map[string]int{}, ""
	for page := 0; ; page++ {
		_, body := w.ask(t, "member@shop", "GET", "/api/v1/alerts?limit=7&cursor="+cursor, "")
		var out struct {
			Items []struct {
				ID, Number, Project, Service, Fingerprint, State string
				Labels, Annotations                              map[string]string
				StartsAt                                         time.Time
				EndsAt                                           *time.Time
				SuppressedBy                                     []string
			}
			Next string
		}
		if err := json.Unmarshal([]byte(body), &out); err != nil {
			t.Fatal(err, body)
		}
		for _, a := range out.Items {
			seen[a.ID]++
			if a.Project != shop || a.Service != svc || a.State != "firing" || len(a.Fingerprint) != 16 || a.SuppressedBy == nil || a.Annotations == nil || a.EndsAt == nil {
				t.Fatalf("%+v", a)
			}
		}
		post(100+10*page, 3)
		if cursor = out.Next; cursor == "" {
			break
		}
	}
	if len(seen) != 25 {
		t.Fatalf("%d alerts", len(seen))
	}
	w.want(t, "member@shop", "GET", "/api/v1/alerts?label=n%3D3&service=checkout&project=shop&state=firing", "", 200, `"n":"3"`)
	w.want(t, "member@shop", "GET", "/api/v1/alerts?state=resolved", "", 200, `{"items":[],"next":""}`)
	w.want(t, "member@shop", "GET", "/api/v1/alerts?cursor=nonsense", "", 422, `cursor`)
	w.want(t, "member@shop", "GET", "/api/v1/alerts?project=mail", "", 404, ``)
	w.want(t, "member@shop", "GET", "/api/v1/alerts/ALR-3", "", 200, `"number":"ALR-3"`)
	w.want(t, "member@mail", "GET", "/api/v1/alerts/ALR-3", "", 404, ``)
	w.want(t, "member@shop", "GET", "/api/v1/alerts/ALR-3000", "", 404, ``)
	w.want(t, "responder@shop", "POST", "/api/v1/alerts/ALR-3/resolve", "", 200, `"state":"resolved"`)
	w.want(t, "responder@shop", "POST", "/api/v1/alerts/ALR-3/resolve", "", 409, `over already`)
}

// The pages say what is wrong, since when and why it paged, and show hostile text as text.
func TestPages(t *testing.T) {
	t.Parallel()
	w := begin(t, "sqlite", nil)
	page := func(path string) *goquery.Document {
		t.Helper()
		code, body := w.ask(t, "responder@shop", "GET", path, "")
		if code != 200 {
			t.Fatalf("%s: %d %s", path, code, body)
		}
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	if s := page("/alerts").Find("main .empty").Text(); !strings.Contains(s, "Nothing is firing") {
		t.Fatal(s)
	}
	w.want(t, "responder@shop", "POST", am, `[{"labels":{"alertname":"Bad","service":"checkout","severity":"critical","x":"<script>alert(1)</script>"},"annotations":{"summary":"<b>Cards</b> fail","description":"Line"},"generatorURL":"javascript:alert(1)"}]`, 200, "")
	list := page("/alerts")
	if got := list.Find("table[aria-label=Alerts] tbody tr th a").Text(); got != "<b>Cards</b> fail" {
		t.Fatal(got)
	}
	one := page("/alerts/ALR-1")
	if got := one.Find("h1").Text(); got != "<b>Cards</b> fail" {
		t.Fatal(got)
	}
	for _, want := range []string{"firing", "sev-2", "checkout", "Nobody is paged.", "The project has no route, so nobody is paged.", "<script>alert(1)</script>", "saw the alert fire"} {
		if !strings.Contains(one.Find("main").Text(), want) {
			t.Errorf("the page lacks %q:\n%s", want, one.Find("main").Text())
		}
	}
	if one.Find("main script").Length() > 0 || one.Find("a[href^=javascript]").Length() > 0 {
		t.Error("hostile text became markup")
	}
	if href, _ := one.Find("a:contains('Declare an incident')").Attr("href"); !strings.HasPrefix(href, "/incidents/new?alert=") {
		t.Error(href)
	}
	if got := page("/").Find("#burning-alerts tbody tr").Length(); got != 1 {
		t.Errorf("%d burning alerts on Now", got)
	}
	if got := page("/alerts?label=severity%3Dwarning").Find(".empty").Text(); !strings.Contains(got, "No alert matches") {
		t.Error(got)
	}
	w.want(t, "responder@shop", "GET", "/alerts?label=nonsense", "", 422, "Write a condition")
	code, _ := w.ask(t, "responder@shop", "POST", "/alerts/ALR-1/resolve", "")
	if code != 200 { // followed the 303
		t.Fatal(code)
	}
	if got := page("/alerts/ALR-1").Find("main").Text(); !strings.Contains(got, "over") || !strings.Contains(got, "a person said so") {
		t.Error(got)
	}
	page("/routes")
	page("/heartbeats")
}
