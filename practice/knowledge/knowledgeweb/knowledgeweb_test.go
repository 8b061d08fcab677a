package knowledgeweb_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/core/document/documentdb"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/core/search"
	"github.com/mainstayhq/mainstay/core/search/searchdb"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/mainstaytest/house"
	"github.com/mainstayhq/mainstay/practice/knowledge"
	"github.com/mainstayhq/mainstay/practice/knowledge/knowledgedb"
	"github.com/mainstayhq/mainstay/practice/knowledge/knowledgeweb"
	"github.com/mainstayhq/mainstay/web"
)

// others answers what app answers from other practices.
type others struct {
	h       *house.House
	project string
}

func (o others) Source(_ context.Context, _ mainstay.Ref) (knowledge.Source, error) {
	return knowledge.Source{Project: o.project, Title: "Mails come late", Rule: "MailQueueStuck", Reference: "INC-38", Symptom: "Late mails."}, nil
}

func (o others) Alert(_ context.Context, _ string) (knowledge.Alert, error) {
	return knowledge.Alert{Project: o.project, Name: "MailQueueStuck"}, nil
}

func (o others) Actor(_ context.Context, a mainstay.Actor) string { return string(a.Kind) }

func (o others) Subject(ctx context.Context, r mainstay.Ref) (string, string) {
	x, err := o.h.Objects.Find(ctx, r.Kind, r.ID, "")
	if err != nil {
		return "", ""
	}
	return x.Key(), object.URL(r.Kind, x.Key())
}

type world struct {
	*house.House
	articles *knowledge.Service
	project  string
	incident mainstay.Ref
}

func setup(t *testing.T, f func(t *testing.T, w world)) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		index := searchdb.New(e.DB)
		e.Saver = commitdb.New(e.Timers, commitdb.Writers{
			Facts: e.Journal.Append, Links: e.Objects.SaveLinks,
			Objects: func(ctx context.Context, list []commit.Object) error {
				if err := e.Objects.Save(ctx, list); err != nil {
					return err
				}
				return index.IndexObjects(ctx, list)
			},
		})
		w := world{House: house.New(t, e), incident: mainstay.Ref{Kind: mainstay.KindIncident, ID: mainstay.NewID(e.Clock.Now())}}
		w.project = w.Project(t, "shop")
		w.Person(t, "mia", access.Grant{Role: access.Member, Project: w.project})
		w.Person(t, "sten", access.Grant{Role: access.Stakeholder, Project: w.project})
		w.Person(t, "out", access.Grant{Role: access.Manager, Project: w.Project(t, "bank")})
		e.Commit(t, commit.Set{Objects: []commit.Object{{Ref: w.incident, Number: 38, Project: w.project, Title: "Mails come late", State: "resolved", At: e.Clock.Now()}}})
		w.serve(t, index)
		f(t, w)
	}, append(house.Migrations(), documentdb.Migrations(), searchdb.Migrations(), knowledgedb.Migrations())...)
}

func (w *world) serve(t *testing.T, index *searchdb.Store) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	o := others{w.House, w.project}
	texts, err := document.New(document.Config{Store: documentdb.New(w.DB), Time: w.Clock})
	check(err)
	w.articles, err = knowledge.New(knowledge.Config{
		Store: knowledgedb.New(w.DB, w.Saver, w.Objects), Texts: texts, Sources: o, Alerts: o, Time: w.Clock,
	})
	check(err)
	finder, err := search.New(search.Config{Store: index, Reads: web.Reads})
	check(err)
	pages, err := knowledgeweb.New(knowledgeweb.Config{
		Articles: w.articles, Names: o, People: w.People, Projects: w.Projects, Finder: finder, Objects: w.Objects, Time: w.Clock,
	})
	check(err)
	w.Serve(t, pages)
}

// Mia drafts an article from the incident, completes and publishes it; Sten, who only reads, finds it; nobody outside does.
func TestFromTheIncidentToTheSearch(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		mia := w.As(t, "mia")
		edit := mia.Post("/articles/draft", url.Values{"from": {w.incident.String()}})
		if edit.Status != http.StatusOK || edit.Path != "/articles/KB-1/edit" {
			t.Fatalf("%d %s: %s", edit.Status, edit.Path, edit.Text())
		}
		stale := edit
		page := edit.Press("Save", url.Values{"markdown": {"## Symptom\n\nLate mails <script>alert(1)</script> [x](javascript:alert(1))\n\n## Resolution\n\nRestart the **drainer**."}})
		if page.Title() != "Mails come late" || !page.Says("Restart the drainer") || page.Doc.Find(".prose script, .prose a[href^=javascript]").Length() > 0 {
			t.Errorf("%d: %s", page.Status, page.Body)
		}
		conflict := stale.Press("Save", url.Values{"markdown": {"mine"}})
		if conflict.Status != http.StatusConflict || conflict.Doc.Find("textarea").Text() != "mine" || conflict.Doc.Find(".diff ins").Length() == 0 {
			t.Errorf("%d: %s", conflict.Status, conflict.Text())
		}
		if p := page.Press("Publish revision 2", nil); !p.Says("published") || p.Status != http.StatusOK {
			t.Errorf("%d: %s", p.Status, p.Text())
		}
		sten := w.As(t, "sten")
		for text, want := range map[string]string{"drainers": "Mails come late", "KB-1": "Mails come late", "MailQueueStuck": "Mails come late", `"; DROP (`: "Nothing found."} {
			if p := sten.Get("/articles?q=" + url.QueryEscape(text)); p.Status != http.StatusOK || !p.Says(want) {
				t.Errorf("Sten looks for %q: %d %s", text, p.Status, p.Text())
			}
		}
		if p := sten.Post("/articles/KB-1/retire", nil); p.Status != http.StatusForbidden {
			t.Errorf("Sten retires: %d", p.Status)
		}
		out := w.As(t, "out")
		if p := out.Get("/articles/KB-1"); p.Status != http.StatusNotFound {
			t.Errorf("somebody of another project reads it: %d", p.Status)
		}
		if p := out.Get("/articles?q=drainer"); !p.Says("Nothing found.") {
			t.Errorf("somebody of another project finds it: %s", p.Text())
		}
		if p := out.Post("/articles/draft", url.Values{"from": {w.incident.String()}}); p.Status != http.StatusNotFound {
			t.Errorf("somebody of another project drafts from it: %d", p.Status)
		}
		if p := page.Press("Solved it", nil); !p.Says("solved 1×") {
			t.Errorf("%s", p.Text())
		}
	})
}

func TestArticlesOverTheAPI(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		mia := w.As(t, "mia")
		call := func(method, path, body string, into any) int {
			t.Helper()
			p := mia.Call(method, path, "", body)
			if into != nil && p.Status < 300 {
				if err := json.Unmarshal([]byte(p.Body), into); err != nil {
					t.Fatalf("%s %s: %v in %s", method, path, err, p.Body)
				}
			}
			if p.Status >= 500 {
				t.Fatalf("%s %s: %s", method, path, p.Body)
			}
			return p.Status
		}
		var a knowledgeweb.View
		if s := call("POST", "/api/v1/articles", `{"title":"Disk full","project":"shop","markdown":"inodes","rule":"DiskFull"}`, &a); s != 201 || a.Number != "KB-1" || a.HTML != "<p>inodes</p>\n" {
			t.Fatalf("%d: %+v", s, a)
		}
		if s := call("POST", "/api/v1/articles", `{"title":"","project":"shop"}`, nil); s != 422 && s != 400 {
			t.Errorf("no title: %d", s)
		}
		if s := call("POST", "/api/v1/articles", `{"title":"x","project":"bank"}`, nil); s != 403 {
			t.Errorf("another project: %d", s)
		}
		if s := call("POST", "/api/v1/articles", `{"from":"`+w.incident.String()+`"}`, nil); s != 201 {
			t.Errorf("from the incident: %d", s)
		}
		if s := call("PUT", "/api/v1/articles/KB-1", `{"title":"Disk full","markdown":"inodes and blocks","rule":"DiskFull","base":1}`, &a); s != 200 || a.Revision != 2 || len(a.Revisions) != 2 {
			t.Errorf("%d: %+v", s, a)
		}
		if s := call("PUT", "/api/v1/articles/KB-1", `{"title":"Disk full","markdown":"lost","base":1}`, nil); s != 409 {
			t.Errorf("a stale change: %d", s)
		}
		if s := call("POST", "/api/v1/articles/KB-1/publish", "", &a); s != 200 || a.State != "published" {
			t.Errorf("%d: %+v", s, a)
		}
		var list web.List[knowledgeweb.View]
		for query, want := range map[string]int{"": 2, "?rule=DiskFull": 1, "?rule=Other": 0, "?q=block": 1, "?q=zzz": 0, "?state=draft": 1, "?project=shop": 2, "?project=bank": 0} {
			if s := call("GET", "/api/v1/articles"+query, "", &list); s != 200 || len(list.Items) != want {
				t.Errorf("%q: %d, %d items", query, s, len(list.Items))
			}
		}
	})
}
