package app_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
	"github.com/mainstayhq/mainstay/web"
)

// facts is how many facts a project has; "" for the installation.
func (w *world) facts(t *testing.T, project string) int64 {
	t.Helper()
	if project == "" {
		project = mainstay.Installation
	}
	list, err := w.Journal.Facts(t.Context(), journal.Query{Project: project, Newest: true, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		return 0
	}
	return list[0].Sequence
}

// crossing is a request that names another object in its body, where no route can check it.
type crossing struct {
	method, path string // {kind} stands for the id of the own project's object
	body         string // of the API; {kind} stands for the id in the project that is tried
	form         bool
}

var crossings = []crossing{
	{"POST", "/api/v1/incidents", `{"project":"{project}","title":"New","severity":"sev-3"}`, false},
	{"POST", "/api/v1/incidents", `{"links":["{ALR}"],"severity":"sev-3"}`, false},
	{"POST", "/api/v1/incidents", `{"project":"{project}","title":"New","severity":"sev-3","services":["{service}"],"plan":"{plan}"}`, false},
	{"POST", "/api/v1/actions", `{"project":"{project}","title":"New"}`, false},
	{"POST", "/api/v1/actions", `{"project":"{project}","title":"New","origin":"incident:{incident}"}`, false},
	{"POST", "/api/v1/articles", `{"project":"{project}","title":"New","markdown":"x"}`, false},
	{"POST", "/api/v1/articles", `{"from":"incident:{incident}"}`, false},
	{"POST", "/api/v1/keys", `{"project":"{project}","format":"generic"}`, false},
	{"POST", "/api/v1/windows", `{"project":"{project}","title":"New","from":"2026-05-01T01:00:00Z","until":"2026-05-01T02:00:00Z"}`, false},
	{"POST", "/api/v1/posts", `{"incident":"{incident}","title":"New","body":"New words"}`, false},
	{"PUT", "/api/v1/components/new?project={project}", `{"title":"New"}`, false},
	{"PUT", "/api/v1/schedules/new?project={project}", `{"zone":"UTC","layers":[{"name":"a","participants":["duty"]}]}`, false},
	{"PUT", "/api/v1/policies/new?project={project}", `{"steps":[{"targets":["person:duty"]}]}`, false},
	{"POST", "/incidents", "project={project}&title=New&severity=sev-3", true},
	{"POST", "/actions", "project={project}&title=New", true},
	{"POST", "/articles", "project={project}&title=New&markdown=x", true},
	{"POST", "/articles/draft", "from=incident:{incident}", true},
	{"POST", "/admin/keys", "project={project}&format=generic", true},
	{"POST", "/windows", "project={project}&name=neu&title=New&from=2026-05-01T01:00&until=2026-05-01T02:00", true},
	{"POST", "/components", "project={project}&name=newpart&title=New", true},
	{"POST", "/schedules", "project={project}&name=newer&zone=UTC&layers[0].name=a&layers[0].participants=duty&layers[0].rotation=weekly", true},
	{"POST", "/policies", "project={project}&name=newer&steps[0].targets=person:duty", true},
}

// references are requests about an own object that name another project's in their body: what the border keeps out, although the
// own project would have it.
var references = []crossing{
	{"POST", "/api/v1/actions", `{"project":"alpha","title":"New","origin":"incident:{incident}"}`, false},
	{"POST", "/api/v1/incidents", `{"project":"alpha","title":"New","severity":"sev-3","links":["{ALR}"]}`, false},
	{"POST", "/api/v1/incidents", `{"project":"alpha","title":"New","severity":"sev-3","services":["{service}"]}`, false},
	{"POST", "/api/v1/incidents", `{"project":"alpha","title":"New","severity":"sev-3","plan":"{plan}"}`, false},
	{"POST", "/api/v1/posts", `{"incident":"{own incident}","title":"New","body":"New","components":{"{component}":"degraded_performance"}}`, false},
	{"POST", "/api/v1/windows", `{"project":"alpha","title":"New","from":"2026-05-01T01:00:00Z","until":"2026-05-01T02:00:00Z","services":["{service}"]}`, false},
	{"POST", "/api/v1/windows", `{"project":"alpha","title":"New","from":"2026-05-01T01:00:00Z","until":"2026-05-01T02:00:00Z","components":["{component}"]}`, false},
	{"POST", "/api/v1/keys", `{"project":"alpha","format":"generic","service":"{service}"}`, false},
	{"POST", "/api/v1/articles", `{"project":"alpha","title":"New","markdown":"x","service":"{service}"}`, false},
	{"PUT", "/api/v1/components/new2?project=alpha", `{"title":"New","service":"web-beta"}`, false},
	{"PUT", "/api/v1/policies/new2?project=alpha", `{"steps":[{"targets":["schedule:primary-beta"]}]}`, false},
	{"POST", "/incidents/{own incident}/links", "to={alert}", true},
	{"POST", "/incidents/{own incident}/links", "to={incident}", true},
	{"POST", "/articles/{own article}/use", "outcome=solved&about=incident:{incident}", true},
}

func (c crossing) send(t *testing.T, client *servertest.Client, own, ids map[mainstay.Kind]string) servertest.Answer {
	t.Helper()
	var pairs []string
	for kind, id := range ids {
		pairs = append(pairs, "{"+string(kind)+"}", id, "{own "+string(kind)+"}", own[kind])
	}
	fill := strings.NewReplacer(pairs...)
	if !c.form {
		return client.Send(t, c.method, fill.Replace(c.path), fill.Replace(c.body))
	}
	form, err := url.ParseQuery(fill.Replace(c.body))
	if err != nil {
		t.Fatal(err)
	}
	return client.Post(t, fill.Replace(c.path), form)
}

// TestNothingCrossesTheBorderOfAProject sends what would be right in the own project, about another: it is refused, it changes
// nothing there, and it shows nothing of it.
func TestNothingCrossesTheBorderOfAProject(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		client := w.As(t, string(access.Administrator)) // of alpha alone
		for _, c := range append(append([]crossing{}, crossings...), references...) {
			name := c.method + " " + c.path + " " + c.body
			before, own := w.facts(t, w.beta[mainstay.KindProject]), w.facts(t, w.alpha[mainstay.KindProject])
			a := c.send(t, client, w.alpha, w.beta)
			if a.Status != 403 && a.Status != 404 && a.Status != 422 {
				t.Errorf("%s answers %d: %.200s", name, a.Status, a.Body)
			}
			if now := w.facts(t, w.beta[mainstay.KindProject]); now != before {
				t.Errorf("%s changed something in the other project", name)
			}
			if now := w.facts(t, w.alpha[mainstay.KindProject]); now != own {
				t.Errorf("%s was refused and changed something all the same", name)
			}
			if strings.Contains(a.Body, markOther) {
				t.Errorf("%s shows something of the other project: %s", name, around(a.Body, markOther))
			}
		}
		for _, c := range crossings { // so that they were refused for nothing but the project
			if a := c.send(t, client, w.alpha, w.alpha); a.Status >= 400 {
				t.Errorf("%s %s %s is refused in the own project too: %d %s", c.method, c.path, c.body, a.Status, says(a))
			}
		}
	})
}

// says is what an answer says to people.
func says(a servertest.Answer) string {
	var p struct{ Detail string }
	if json.Unmarshal([]byte(a.Body), &p) == nil && p.Detail != "" {
		return a.Body
	}
	i := strings.Index(a.Body, "class=\"err\"")
	return around(a.Body+" ", a.Body[max(i, 0):min(len(a.Body), max(i, 0)+200)])
}

// TestNoOtherSiteActsForAPerson sends every unsafe request as a browser does that another site's page made to, with the
// administrator's session.
func TestNoOtherSiteActsForAPerson(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite")
	w := newWorld(t, s)
	root := w.As(t, "root")
	before := w.facts(t, w.alpha[mainstay.KindProject]) + w.facts(t, "")
	tried := 0
	for _, r := range w.Routes() {
		if r.Method == http.MethodGet || r.Permission == access.Public && rawRoutes.MatchString(r.Pattern) {
			continue
		}
		for _, foreign := range []http.Header{{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}}} {
			tried++
			if a := w.askFrom(t, root, r, foreign); a.Status != http.StatusForbidden {
				t.Errorf("%s %s from another site (%v) answers %d", r.Method, r.Pattern, foreign, a.Status)
			}
		}
	}
	if tried < 300 {
		t.Errorf("only %d requests were tried", tried)
	}
	if after := w.facts(t, w.alpha[mainstay.KindProject]) + w.facts(t, ""); after != before {
		t.Error("a request from another site changed something")
	}
	if a := root.Get(t, "/"); a.Status != 200 {
		t.Errorf("the session has ended: %d", a.Status)
	}
}

func (w *world) askFrom(t *testing.T, c *servertest.Client, r web.Route, foreign http.Header) servertest.Answer {
	t.Helper()
	method := r.Method
	if method == "" {
		method = http.MethodPost
	}
	req := c.Request(t.Context(), method, fillPattern(r, w.alpha), strings.NewReader("{}"))
	req.Header.Set("Content-Type", "text/plain") // what a page may send without asking first
	req.Header.Del("Sec-Fetch-Site")
	for name, values := range foreign {
		req.Header[name] = values
	}
	return c.Do(req)
}
