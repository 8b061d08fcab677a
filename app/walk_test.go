package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
	"github.com/mainstayhq/mainstay/web"
)

// publicRoutes are all the routes that need nobody signed in, and why.
var publicRoutes = map[string]string{
	"GET /-/healthy":                       "a supervisor asks it",
	"GET /-/ready":                         "a load balancer asks it",
	"GET /api/openapi.json":                "it describes, and holds nothing of anybody",
	"GET /schemas/mainstay-v1.json":        "it describes, and holds nothing of anybody",
	"GET /assets/{version}/{file}":         "the sign-in page needs its style",
	"GET /worker.js":                       "browsers fetch the service worker without credentials",
	"GET /offline":                         "the service worker keeps it for everybody",
	"GET /manifest.webmanifest":            "browsers fetch it without credentials",
	"GET /favicon.ico":                     "browsers fetch it without credentials",
	"GET /robots.txt":                      "robots have no account",
	"GET /metrics":                         "a Prometheus on the same machine; others are asked for a token by the handler",
	"GET /sign-in":                         "nobody is signed in yet",
	"POST /sign-in":                        "nobody is signed in yet",
	"GET /setup/{secret}":                  "the link is the proof, once",
	"POST /setup/{secret}":                 "the link is the proof, once",
	"GET /setup/{secret}/passkey":          "the link is the proof, once",
	"POST /setup/{secret}/passkey":         "the link is the proof, once",
	"GET /sign-in/passkey":                 "nobody is signed in yet",
	"POST /sign-in/passkey":                "nobody is signed in yet",
	"GET /sign-in/second":                  "a sealed cookie says whose first factor was right",
	"POST /sign-in/second":                 "a sealed cookie says whose first factor was right",
	"GET /sign-in/enrol":                   "a sealed cookie says whose first factor was right",
	"POST /sign-in/enrol":                  "a sealed cookie says whose first factor was right",
	"GET /sign-in/enrol/passkey":           "a sealed cookie says whose first factor was right",
	"POST /sign-in/enrol/passkey":          "a sealed cookie says whose first factor was right",
	"GET /sign-in/with/{name}":             "nobody is signed in yet",
	"GET /sign-in/with/{name}/back":        "the provider's answer is the proof, checked by the handler",
	"GET /signed-out":                      "nobody is signed in any more",
	"GET /forgot":                          "nobody is signed in yet",
	"POST /forgot":                         "nobody is signed in yet; it says nothing about whom it knows",
	" /in/{key}/{format}":                  "the key is the proof",
	" /in/{key}/{format}/{path...}":        "the key is the proof",
	"GET /alertmanager/-/ready":            "amtool and Prometheus ask it as they ask Alertmanager",
	"GET /alertmanager/-/healthy":          "amtool and Prometheus ask it as they ask Alertmanager",
	" /alertmanager/api/v1/{path...}":      "it says that version 1 is gone",
	"GET /pages/{id}/ack":                  "the signed link in a message is the proof",
	"POST /pages/{id}/ack":                 "the signed link in a message is the proof",
	"GET /api/v1/fact-kinds/{kind}/schema": "the dataschema of an event points there; it describes, and holds nothing of anybody",
}

// rawRoutes have a shape of their own: without credentials they answer 401, never a page.
var rawRoutes = regexp.MustCompile(`^(/live|/search\.json|/alertmanager/.*|/in/.*)$`)

// personal routes are for persons: a token has no account, whatever its role, and is told so.
var personal = regexp.MustCompile(`^(/me|/me/edit|/me/preferences|/me/export|/api/v1/me/preferences|/api/v1/me/export|/me/password|/me/test|/me/notifications|/api/v1/me/test|/me/sign-out-everywhere|/me/sign-out-elsewhere|/me/security.*|/me/sessions/.*|/me/devices.*|/me/notifications/.*|/views.*|/undo/.*|/welcome.*)$`)

// others routes show somebody else's to those alone who manage people; what is one's own is asked for by the same route.
var others = regexp.MustCompile(`^(/api/v1)?/people/\{id\}/access$`)

// installationKinds belong to no project: whoever reads them in one project reads all of them.
var installationKinds = []mainstay.Kind{mainstay.KindPerson, mainstay.KindTeam, mainstay.KindToken}

// installationPermissions count only when they are held for all projects.
var installationPermissions = []access.Permission{access.PeopleManage, access.TokenManage, access.SettingManage}

// walker is one viewer of the walk.
type walker struct {
	name   string
	client *servertest.Client
	role   access.Role // "" for nobody
	all    bool        // the role holds for all projects
	token  bool
}

func (v walker) holds(p access.Permission) bool {
	return p == access.Self && v.role != "" || v.role.May(p) && (v.all || !slices.Contains(installationPermissions, p))
}

// outcome is what the role table promises for a request.
type outcome string

const (
	allowed outcome = "allowed"
	signIn  outcome = "sign in"
	denied  outcome = "403"
	hidden  outcome = "404"
)

// promised is what the role table says about a route; at says whether the object is in the walker's project.
func promised(v walker, r web.Route, home bool) outcome {
	switch {
	case r.Permission == access.Public:
		return allowed
	case v.role == "":
		return signIn
	case r.Kind == "":
		if v.holds(r.Permission) {
			return allowed
		}
		return denied
	}
	if r.Kind == mainstay.KindExhibit && !v.holds(access.IncidentRead) {
		return hidden // it belongs to an incident, and who may not read that may not know of it
	}
	if r.Method == http.MethodGet && others.MatchString(r.Pattern) && v.holds(access.PeopleRead) && !v.holds(access.PeopleManage) {
		return denied
	}
	near := home || v.all || slices.Contains(installationKinds, r.Kind)
	switch {
	case near && v.holds(r.Permission):
		return allowed
	case near && v.holds(web.Reads(r.Kind)):
		return denied
	}
	return hidden
}

var pathValue = regexp.MustCompile(`\{([a-z]+)(\.\.\.)?\}`)

// fill puts values into a pattern: the object's id, and words that name nothing for the rest.
func fillPattern(r web.Route, ids map[mainstay.Kind]string) string {
	words := map[string]string{
		"version": "x", "file": "mainstay.css", "secret": "nothing", "key": "-", "format": "alertmanager", "path": "novel", "number": "1",
		"sequence": "1", "part": "summary", "name": "novel",
	}
	subject := false
	return pathValue.ReplaceAllStringFunc(strings.TrimSuffix(r.Pattern, "{$}"), func(s string) string {
		name := pathValue.FindStringSubmatch(s)[1]
		switch {
		case !subject && r.Kind != "" && (name == "id" || name == "name"):
			subject = true
			return ids[r.Kind]
		case words[name] != "":
			return words[name]
		}
		return "00000000-0000-7000-8000-000000000000"
	})
}

// onlySubject reports whether the pattern names nothing but the object of the route.
func onlySubject(r web.Route) bool {
	n := len(pathValue.FindAllString(strings.ReplaceAll(r.Pattern, "{$}", ""), -1))
	return n == 0 || n == 1 && r.Kind != ""
}

func isAPIRoute(r web.Route) bool {
	return strings.HasPrefix(r.Pattern, "/api/") && r.Pattern != "/api/docs"
}

// ask sends a request of the route's method that says nothing, but for the project of a form.
func (w *world) ask(t *testing.T, v walker, r web.Route, path string) servertest.Answer {
	t.Helper()
	if r.Pattern == "/live" {
		return v.client.Begin(t, path)
	}
	ctx, method := t.Context(), r.Method
	if method == "" {
		method = http.MethodPost
	}
	req := v.client.Request(ctx, method, path, nil)
	switch {
	case method == http.MethodGet:
	case isAPIRoute(r):
		req = v.client.Request(ctx, method, path, strings.NewReader("{}"))
		req.Header.Set("Content-Type", "application/json")
	default:
		req = v.client.Request(ctx, method, path, strings.NewReader("project="+w.alpha[mainstay.KindProject]))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return v.client.Do(req)
}

// walkers are nobody, a person and a token of each role in alpha, and an administrator of everything, weakest first: what the
// strong ones end, the weak ones have seen.
func (w *world) walkers(t *testing.T) []walker {
	t.Helper()
	list := []walker{{name: "nobody", client: w.Nobody()}}
	roles := access.Roles()
	slices.Reverse(roles)
	for _, r := range roles {
		list = append(list,
			walker{name: string(r), client: w.As(t, string(r)), role: r},
			walker{name: "token of a " + string(r), client: w.With(w.tokens[r]), role: r, token: true})
	}
	return append(list,
		walker{name: "token of everything", client: w.With(w.root), role: access.Administrator, all: true, token: true},
		walker{name: "root", client: w.As(t, "root"), role: access.Administrator, all: true})
}

// TestEveryRouteAsEveryRole walks the whole route table as nobody, as each role of one project, as tokens of these, and as an
// administrator, and expects of each request exactly what the role table promises.
func TestEveryRouteAsEveryRole(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		seen := map[string]bool{}
		for _, r := range w.Routes() {
			name := r.Method + " " + r.Pattern
			seen[name] = true
			if !r.Permission.Valid() {
				t.Errorf("%s needs the permission %q, which does not exist", name, r.Permission)
			}
			if _, ok := publicRoutes[name]; ok != (r.Permission == access.Public) {
				t.Errorf("%s needs %q: the list of public routes says otherwise. Say there why nobody needs to sign in", name, r.Permission)
			}
			if r.Kind != "" && w.alpha[r.Kind] == "" {
				t.Fatalf("the world of this test has no %s for %s", r.Kind, name)
			}
		}
		for name := range publicRoutes {
			if !seen[name] {
				t.Errorf("the public route %q is gone: take it out of the list", name)
			}
		}
		for _, v := range w.walkers(t) {
			w.walk(t, v)
		}
	})
}

// walk asks for every route: first what the table refuses, with objects of the other project and of the own one, then what it
// allows, reading before writing.
func (w *world) walk(t *testing.T, v walker) {
	t.Helper()
	var later []func()
	for i, r := range w.Routes() {
		if i%50 == 0 {
			w.Clock.Advance(time.Second) // tokens are limited to so many requests a second
		}
		want, path := promised(v, r, true), fillPattern(r, w.alpha)
		if r.Kind != "" && !v.all {
			away := fillPattern(r, w.beta)
			if promised(v, r, false) != allowed {
				w.check(t, v, r, away, promised(v, r, false))
			}
		}
		if want != allowed || r.Method == http.MethodGet {
			w.check(t, v, r, path, want)
			continue
		}
		later = append(later, func() { w.check(t, v, r, path, want) })
	}
	for i, f := range later {
		if i%50 == 0 {
			w.Clock.Advance(time.Second)
		}
		f()
	}
}

// check sends one request and compares.
func (w *world) check(t *testing.T, v walker, r web.Route, path string, want outcome) {
	t.Helper()
	a := w.ask(t, v, r, path)
	where := fmt.Sprintf("%s: %s %s", v.name, r.Method, path)
	faults := append(faultsOf(r, a, want), faultsOfAnswer(r, a)...)
	if v.token && personal.MatchString(r.Pattern) && want == allowed && a.Status >= 400 && a.Status < 500 {
		faults = nil
	}
	for _, fault := range faults {
		t.Errorf("%s: %s", where, fault)
	}
	if !v.all && v.role != "" && strings.Contains(a.Body, markOther) && r.Pattern != "/api/openapi.json" {
		t.Errorf("%s shows something of the other project: %s", where, around(a.Body, markOther))
	}
	if !v.holds(access.IncidentManage) && strings.Contains(a.Body, markPrivate) {
		t.Errorf("%s shows something of a private incident: %s", where, around(a.Body, markPrivate))
	}
	if !v.holds(access.AlertRead) && strings.Contains(a.Body, markAlert) {
		t.Errorf("%s shows something of an alert: %s", where, around(a.Body, markAlert))
	}
	if v.client.Cookie != nil && r.Method == http.MethodPost && strings.Contains(r.Pattern, "sign-out") {
		v.client.SignIn(t, v.name)
	}
}

func around(s, mark string) string {
	i := strings.Index(s, mark)
	return strings.Join(strings.Fields(s[max(0, i-100):min(len(s), i+60)]), " ")
}

// faultsOf says in what an answer differs from what was promised.
func faultsOf(r web.Route, a servertest.Answer, want outcome) (faults []string) {
	is := func(status ...int) {
		if !slices.Contains(status, a.Status) {
			faults = append(faults, fmt.Sprintf("answers %d, promised is %s (%s): %.200s", a.Status, want, r.Permission, a.Body))
		}
	}
	page := !isAPIRoute(r) && !rawRoutes.MatchString(r.Pattern)
	switch {
	case want == denied:
		is(http.StatusForbidden)
	case want == hidden:
		is(http.StatusNotFound)
	case want == signIn && page && r.Method == http.MethodGet:
		is(http.StatusSeeOther)
		if !strings.HasPrefix(a.Header.Get("Location"), "/sign-in") {
			faults = append(faults, "leads to "+a.Header.Get("Location"))
		}
	case want == signIn:
		is(http.StatusUnauthorized)
		if !page && a.Header.Get("WWW-Authenticate") == "" {
			faults = append(faults, "401 without WWW-Authenticate")
		}
	case r.Permission == access.Public: // the handler decides for itself, by key, link or password
		if a.Status >= 500 {
			is(200)
		}
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden || a.Status >= 500:
		is(200)
	case r.Method == http.MethodGet && onlySubject(r) && a.Status != http.StatusUnprocessableEntity: // which asks for something more
		is(200, http.StatusSeeOther)
	}
	return faults
}

// faultsOfAnswer says what is wrong with an answer whatever was asked.
func faultsOfAnswer(r web.Route, a servertest.Answer) (faults []string) {
	kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	if csp := a.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		faults = append(faults, "the content security policy is "+csp)
	}
	if isAPIRoute(r) && a.Status >= 400 {
		var p struct {
			Title, Code, Detail string
			Status              int
		}
		err := json.Unmarshal([]byte(a.Body), &p)
		if kind != "application/problem+json" || err != nil || p.Title == "" || p.Code == "" || p.Detail == "" || p.Status != a.Status {
			faults = append(faults, fmt.Sprintf("%d is not a whole problem+json: %s %s", a.Status, kind, a.Body))
		}
	}
	if kind == "text/html" && strings.HasPrefix(a.Body, "<!doctype") { // whole pages, also those that say no
		faults = append(faults, faultsOfPage(a.Body)...)
	}
	return faults
}
