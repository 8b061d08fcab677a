package rootcauseweb_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/action/actiondb"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/core/document/documentdb"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest/house"
	"github.com/mainstayhq/mainstay/practice/rootcause"
	"github.com/mainstayhq/mainstay/practice/rootcause/rootcausedb"
	"github.com/mainstayhq/mainstay/practice/rootcause/rootcauseweb"
	"github.com/mainstayhq/mainstay/web"
)

type world struct {
	*house.House
	causes    *rootcause.Service
	project   string
	incidents map[string]rootcause.Incident
	ana, tom  string
}

// Incident answers what app answers from the incident practice.
func (w *world) Incident(_ context.Context, id string) (rootcause.Incident, error) {
	inc, ok := w.incidents[id]
	if !ok {
		return inc, mainstay.Errorf(mainstay.NotFound, "no incident")
	}
	return inc, nil
}

func (w *world) Actor(ctx context.Context, a mainstay.Actor) string {
	if p, err := w.People.ByID(ctx, a.ID); err == nil {
		return p.FullName
	}
	return "Mainstay"
}

func (w *world) Subject(ctx context.Context, r mainstay.Ref) (string, string) {
	x, err := w.Objects.Find(ctx, r.Kind, r.ID, "")
	if err != nil {
		return "", ""
	}
	return x.Key(), object.URL(r.Kind, x.Key())
}

func setup(t *testing.T, f func(t *testing.T, w *world)) {
	house.Databases(t, func(t *testing.T, h *house.House) {
		w := &world{House: h, incidents: map[string]rootcause.Incident{}}
		check := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		store := actiondb.New(h.DB, h.Saver, h.Objects)
		h.Saver.Extend(h.KeepNotices, store.SaveActions)
		actions, err := action.New(action.Config{Store: store, Time: h.Clock})
		check(err)
		texts, err := document.New(document.Config{Store: documentdb.New(h.DB), Time: h.Clock})
		check(err)
		w.causes, err = rootcause.New(rootcause.Config{
			Store: rootcausedb.New(h.DB, h.Saver, h.Objects), Incidents: w, Texts: texts, Actions: actions, Journal: h.Journal, Time: h.Clock,
		})
		check(err)
		pages, err := rootcauseweb.New(rootcauseweb.Config{
			RootCauses: w.causes, Names: w, People: h.People, Projects: h.Projects.ProjectID, Register: h.Objects, Time: h.Clock,
		})
		check(err)
		w.Serve(t, pages)
		w.project = w.Project(t, "shop")
		w.ana = w.Person(t, "ana", access.Grant{Role: access.Responder, Project: w.project}).ID
		w.tom = w.Person(t, "tom", access.Grant{Role: access.Member, Project: w.project}).ID
		w.Person(t, "max", access.Grant{Role: access.Manager, Project: w.project})
		w.Person(t, "ben", access.Grant{Role: access.Responder, Project: w.project})
		w.Person(t, "sten", access.Grant{Role: access.Stakeholder, Project: w.project})
		w.Person(t, "out", access.Grant{Role: access.Manager, Project: w.Project(t, "bank")})
		f(t, w)
	}, actiondb.Migrations(), documentdb.Migrations(), rootcausedb.Migrations())
}

// resolve resolves an incident and lets the analysis open.
func (w *world) resolve(t *testing.T, n int64, title string, private bool) {
	t.Helper()
	now := w.Clock.Now()
	inc := rootcause.Incident{
		ID: mainstay.NewID(now), Number: n, Project: w.project, Title: title, Severity: mainstay.Sev2, Private: private, Commander: w.ana,
		StartedAt: now.Add(-time.Hour), ResolvedAt: now,
	}
	w.incidents[inc.ID] = inc
	ref := mainstay.Ref{Kind: mainstay.KindIncident, ID: inc.ID}
	f := fact.New(now, w.project, mainstay.Person(w.ana), fact.IncidentResolved{
		Number: n, Title: title, Severity: "sev-2", Private: private, ResolvedAt: now}, ref)
	w.Commit(t, commit.Set{Facts: []fact.Fact{f}, Objects: []commit.Object{{Ref: ref, Number: n, Project: w.project, Title: title, State: "resolved", Private: private, Readers: []string{w.ana, w.tom}, At: now}}})
	if err := w.causes.Subscribers()[0].Handle(t.Context(), []fact.Fact{f}); err != nil {
		t.Fatal(err)
	}
}

// The whole analysis by the forms of its page: causes, evidence, text, action, review by somebody else, publishing, report.
func TestAnAnalysisOnItsPage(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w *world) {
		w.resolve(t, 38, "Mails <b>late</b>", false)
		ana, ben := w.As(t, "ana"), w.As(t, "ben")
		if list := ana.Get("/rootcauses"); !list.Says("Why: Mails <b>late</b>") || !list.Says("INC-38") {
			t.Fatalf("%d: %s", list.Status, list.Text())
		}
		page := ana.Get("/rootcauses/RCA-1")
		if page.Status != http.StatusOK || !page.Says("resolved the incident") {
			t.Fatalf("%d: %s", page.Status, page.Text())
		}
		if p := page.Press("Add", url.Values{"text": {""}}); p.Status != http.StatusUnprocessableEntity || !p.Says("say it in one sentence") {
			t.Errorf("%d: %s", p.Status, p.Text())
		}
		page = page.Press("Add", url.Values{"text": {"The queue stopped"}})
		page = page.Press("Add", url.Values{"text": {"Somebody forgot the limit"}, "category": {"people"}})
		if got := strings.Fields(page.Doc.Find("ol.path .k").Text()); strings.Join(got, "") != "!12" || !page.Says("ends at a person") {
			t.Errorf("%v: %s", got, page.Text())
		}
		page.Press("Add", url.Values{"text": {"Nothing asks for a load test"}, "category": {"process"}})
		w.support(t, ana)
		page = ana.Get("/rootcauses/RCA-1").Press("Ask for it", url.Values{"title": {"Cap retries"}, "owner": {w.ana}, "proof": {"Three slow days"}})
		if !page.Says("Cap retries") || !page.Says("0 of 1 in place") {
			t.Errorf("%d: %s", page.Status, page.Text())
		}
		if p := page.Press("Send for review", nil); p.Status != http.StatusUnprocessableEntity || !p.Says("Write the summary first") {
			t.Errorf("%d: %s", p.Status, p.Text())
		}
		page = ana.Post("/rootcauses/RCA-1/texts/summary", url.Values{"base": {"0"}, "markdown": {"Retries filled the pool. <img src=x onerror=alert(1)>"}})
		if page.Status != http.StatusOK || page.Doc.Find("#summary .prose img").Length() > 0 {
			t.Errorf("%d: %s", page.Status, page.Text())
		}
		if p := ben.Post("/rootcauses/RCA-1/texts/summary", url.Values{"base": {"0"}, "markdown": {"Mine"}}); p.Status != http.StatusConflict || !p.Says("Retries filled the pool") || p.Doc.Find("#summary textarea").Text() != "Mine" {
			t.Errorf("a stale text: %d", p.Status)
		}
		page.Press("Send for review", nil)
		if p := ana.Get("/rootcauses/RCA-1"); !p.Says("Somebody who did not write RCA-1 must review it") || p.Doc.Find("form[action$='/review']").Length() > 0 {
			t.Errorf("the author may review: %s", p.Text())
		}
		if p := ana.Post("/rootcauses/RCA-1/review", url.Values{"agree": {"1"}}); p.Status != http.StatusForbidden {
			t.Errorf("the author reviewed: %d", p.Status)
		}
		ben.Get("/rootcauses/RCA-1").Press("Agree", nil).Press("Publish", nil)
		if p := ben.Get("/rootcauses?state=published"); !p.Says("RCA-1") {
			t.Errorf("%s", p.Text())
		}
		md := ben.Get("/rootcauses/RCA-1/report.md")
		if md.Status != 200 || !strings.HasPrefix(md.Body, `# RCA-1: Why: Mails \<b\>late`) || !strings.Contains(md.Body, "Cap retries") {
			t.Errorf("%d: %s", md.Status, md.Body)
		}
		if p := ben.Get("/rootcauses/RCA-1/report.html"); p.Status != 200 || p.Doc.Find("b, script, img").Length() > 0 || !p.Says("Why it happened") {
			t.Errorf("%d: %s", p.Status, p.Body)
		}
	})
}

// support gives the first cause two independent pieces of evidence; with one it cannot be called supported.
func (w *world) support(t *testing.T, ana *house.Browser) {
	t.Helper()
	node := "/rootcauses/RCA-1/causes/n2"
	change := url.Values{"text": {"The queue stopped"}, "category": {"technology"}, "status": {"supported"}, "confidence": {"90"}}
	ana.Post(node+"/evidence", url.Values{"type": {"metric"}, "text": {"Queue depth"}, "ref": {"javascript:alert(1)"}})
	if p := ana.Post(node, change); p.Status != http.StatusUnprocessableEntity || !p.Says("needs two independent pieces of evidence") || p.Doc.Find("a[href^=javascript]").Length() > 0 {
		t.Errorf("%d: %s", p.Status, p.Text())
	}
	ana.Post(node+"/evidence", url.Values{"type": {"log"}, "text": {"0 sends"}, "ref": {"https://example.org/log"}})
	if p := ana.Post(node, change); p.Status != http.StatusOK || !p.Says("supported, 2") || !p.Says("90 % sure") {
		t.Errorf("%d: %s", p.Status, p.Text())
	}
}

// A private incident's analysis is there for those alone who manage incidents or have a role in it; nobody writes who only reads.
func TestWhoSeesAnAnalysis(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w *world) {
		w.resolve(t, 38, "Mails late", false)
		w.resolve(t, 40, "Keys leaked", true)
		for name, c := range map[string]struct {
			open, private, write int
			lists                string
		}{
			"ana":  {200, 200, 200, "RCA-1 RCA-2"},
			"tom":  {200, 200, 403, "RCA-1 RCA-2"},
			"max":  {200, 200, 200, "RCA-1 RCA-2"},
			"ben":  {200, 404, 200, "RCA-1"},
			"sten": {200, 404, 403, "RCA-1"},
			"out":  {404, 404, 404, ""},
		} {
			b := w.As(t, name)
			if p := b.Get("/rootcauses/RCA-1"); p.Status != c.open {
				t.Errorf("%s reads RCA-1: %d", name, p.Status)
			}
			for _, path := range []string{"/rootcauses/RCA-2", "/rootcauses/RCA-2/report.md", "/api/v1/rootcauses/RCA-2"} {
				if p := b.Get(path); p.Status != c.private {
					t.Errorf("%s reads %s: %d", name, path, p.Status)
				}
			}
			if p := b.Post("/rootcauses/RCA-1/causes", url.Values{"text": {"x"}, "category": {"data"}, "explains": {"n1"}}); p.Status != c.write {
				t.Errorf("%s writes: %d", name, p.Status)
			}
			var list web.List[rootcauseweb.View]
			if p := b.Call("GET", "/api/v1/rootcauses", "", ""); json.Unmarshal([]byte(p.Body), &list) != nil {
				t.Fatalf("%d %s", p.Status, p.Body)
			}
			var keys []string
			for _, v := range list.Items {
				keys = append([]string{v.Number}, keys...)
			}
			if got := strings.Join(keys, " "); got != c.lists {
				t.Errorf("%s lists %q", name, got)
			}
			if p := b.Get("/rootcauses?state=all"); p.Says("Keys leaked") != (c.private == 200) {
				t.Errorf("%s at %s: %s", name, p.Path, p.Text())
			}
		}
	})
}

// The timeline leaves out what the reader may not read elsewhere: alerts, other projects, another private incident of the same alert.
func TestTheTimelineTellsNobodyWhatTheyMayNotRead(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w *world) {
		now := w.Clock.Now()
		ref := func(k mainstay.Kind) mainstay.Ref { return mainstay.Ref{Kind: k, ID: mainstay.NewID(now)} }
		near, far, secret := ref(mainstay.KindAlert), ref(mainstay.KindAlert), ref(mainstay.KindIncident)
		bank := must(w.Projects.ProjectID(t.Context(), "bank"))(t)
		by := mainstay.System("test")
		declared := fact.IncidentDeclared{Number: 41, Title: "Private incident", Severity: "sev-4", Private: true, StartedAt: now}
		w.Commit(t, commit.Set{
			Objects: []commit.Object{{Ref: secret, Number: 41, Project: w.project, Title: "Keys leaked", Private: true, At: now}},
			Facts: []fact.Fact{
				fact.New(now, w.project, by, fact.AlertFired{Name: "NearAlert"}, near), fact.New(now, bank, by, fact.AlertFired{Name: "FarAlert"}, far),
				fact.New(now, w.project, by, declared, secret, near),
			},
		})
		w.resolve(t, 38, "Mails late", false)
		for id, inc := range w.incidents {
			inc.Related = []mainstay.Ref{near, far}
			w.incidents[id] = inc
		}
		for name, want := range map[string][]bool{ // whether it tells of the alert, of the other project's, of the private incident
			"sten": {false, false, false}, "ben": {true, false, false}, "max": {true, false, true},
		} {
			for _, path := range []string{"/rootcauses/RCA-1", "/rootcauses/RCA-1/report.md", "/rootcauses/RCA-1/report.html", "/api/v1/rootcauses/RCA-1"} {
				p := w.As(t, name).Get(path)
				if p.Status != http.StatusOK || !strings.Contains(p.Body, "resolved the incident") {
					t.Errorf("%s reads %s: %d", name, path, p.Status)
				}
				for i, mark := range []string{"NearAlert", "FarAlert", "declared"} {
					if got := strings.Contains(p.Body, mark); got != want[i] {
						t.Errorf("%s at %s is told of %s: %v", name, path, mark, got)
					}
				}
			}
		}
	})
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestAnAnalysisOverTheAPI(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w *world) {
		w.resolve(t, 38, "Mails late", false)
		ana := w.As(t, "ana")
		var v rootcauseweb.View
		call := func(method, path, body string, want int) {
			t.Helper()
			p := ana.Call(method, "/api/v1/rootcauses/RCA-1"+path, "", body)
			if p.Status != want {
				t.Fatalf("%s %s: %d %s", method, path, p.Status, p.Body)
			}
			v = rootcauseweb.View{}
			if want == 200 && json.Unmarshal([]byte(p.Body), &v) != nil {
				t.Fatal(p.Body)
			}
		}
		call("POST", "/causes", `{"text":"Queue stopped","category":"technology","explains":"n1"}`, 200)
		call("POST", "/causes/n2/evidence", `{"type":"log","text":"0 sends"}`, 200)
		call("PUT", "/causes/n2", `{"status":"supported"}`, 422)
		call("PUT", "/texts/summary", `{"markdown":"Short","base":0}`, 200)
		call("PUT", "/texts/summary", `{"markdown":"Lost","base":0}`, 409)
		call("POST", "/actions", `{"title":"Cap retries","node":"n2"}`, 200)
		call("GET", "", "", 200)
		if strings.Join(v.Path, " ") != "n1 n2" || v.Texts["summary"] != "Short" || len(v.Actions) != 1 || len(v.Timeline) != 1 {
			t.Errorf("%+v", v)
		}
	})
}
