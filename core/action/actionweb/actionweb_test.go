package actionweb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/action/actiondb"
	"github.com/mainstayhq/mainstay/core/action/actionweb"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/core/project/projectdb"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/web"
)

var persons = map[string]people.Person{
	"ana":  {ID: "0197f000-0000-7000-8000-0000000000a1", Name: "ana", FullName: "Ana Ruiz"},
	"ines": {ID: "0197f000-0000-7000-8000-0000000000c3", Name: "ines", FullName: "Ines Okafor"},
	"sten": {ID: "0197f000-0000-7000-8000-0000000000e5", Name: "sten", FullName: "Sten Dahl"},
}

var roles = map[string]access.Role{"ana": access.Member, "ines": access.Member, "sten": access.Stakeholder}

// world is the pages on a real router and real stores; who people are is said by a cookie.
type world struct {
	*mainstaytest.Env
	t       *testing.T
	project string
	h       http.Handler
}

// Viewer implements web.Identity.
func (w *world) Viewer(r *http.Request) (access.Viewer, error) {
	c, err := r.Cookie("who")
	if err != nil || persons[c.Value].ID == "" {
		return access.Viewer{}, nil
	}
	return access.Viewer{
		Actor: mainstay.Person(persons[c.Value].ID), PersonID: persons[c.Value].ID, Name: c.Value, Zone: time.UTC,
		Grants: []access.Grant{{Role: roles[c.Value], Project: w.project}},
	}, nil
}

func (w *world) ByIDs(_ context.Context, ids []string) (map[string]people.Person, error) {
	m := map[string]people.Person{}
	for _, id := range ids {
		for _, p := range persons {
			if p.ID == id {
				m[id] = p
			}
		}
	}
	return m, nil
}

func (w *world) ByName(_ context.Context, name string) (people.Person, error) {
	p, ok := persons[name]
	if !ok {
		return p, mainstay.Errorf(mainstay.NotFound, "There is no person %q.", name)
	}
	return p, nil
}

func (w *world) List(context.Context, people.Query) ([]people.Person, string, error) {
	return []people.Person{persons["ana"], persons["ines"]}, "", nil
}

func (w *world) Actor(_ context.Context, a mainstay.Actor) string {
	for _, p := range persons {
		if p.ID == a.ID {
			return p.FullName
		}
	}
	return "Mainstay"
}

func (w *world) Subject(context.Context, mainstay.Ref) (name, url string) { return "Harbour", "" }

func (w *world) do(who, method, path, body, kind string, status int) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.AddCookie(&http.Cookie{Name: "who", Value: who})
	r.Header.Set("Content-Type", kind)
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	if rec.Code != status {
		w.t.Fatalf("%s %s by %s: %d, want %d: %s", method, path, who, rec.Code, status, rec.Body)
	}
	return rec
}

func (w *world) post(who, path string, form url.Values, status int) *goquery.Document {
	w.t.Helper()
	return w.page(w.do(who, "POST", path, form.Encode(), "application/x-www-form-urlencoded", status))
}

func (w *world) get(who, path string, status int) *goquery.Document {
	w.t.Helper()
	return w.page(w.do(who, "GET", path, "", "", status))
}

func (w *world) page(rec *httptest.ResponseRecorder) *goquery.Document {
	w.t.Helper()
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(rec.Body.Bytes()))
	if err != nil {
		w.t.Fatal(err)
	}
	if n := doc.Find("[style], [onclick], script:not([src]), [hx-on]").Length(); n > 0 {
		w.t.Errorf("%d elements that the content security policy refuses", n)
	}
	return doc
}

func newWorld(t *testing.T, e *mainstaytest.Env) *world {
	t.Helper()
	w := &world{Env: e, t: t}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	registry, err := project.New(project.Config{Store: projectdb.New(e.DB, e.Saver), Time: e.Clock})
	must(err)
	_, err = registry.Define(t.Context(), mainstay.System("test"), "harbour", project.Spec{Title: "Harbour"})
	must(err)
	p, err := registry.Project(t.Context(), "harbour")
	must(err)
	w.project = p.ID
	store := actiondb.New(e.DB, e.Saver, e.Objects)
	e.Saver.Extend(e.KeepNotices, store.SaveActions)
	service, err := action.New(action.Config{Store: store, Time: e.Clock})
	must(err)
	pages, err := actionweb.New(actionweb.Config{Actions: service, People: w, Projects: registry, Names: w, Journal: e.Journal})
	must(err)
	rt, err := web.NewRouter(web.Config{Time: e.Clock, Log: e.Log, Identity: w, Objects: e.Objects})
	must(err)
	pages.Routes(rt)
	rt.AddPanels(pages.Panels()...)
	w.h = rt.Handler()
	return w
}

func text(s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") }

// Ana asks Ines for something; Ines finds it on her list, does it, and Ana judges it.
func TestAnActionFromFormToProof(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		w := newWorld(t, e)
		if got := text(w.get("ines", "/mine", 200).Find(".empty b")); got != "You owe nobody anything." {
			t.Fatalf("the empty list says %q", got)
		}
		form := url.Values{"project": {w.project}, "owner": {persons["ines"].ID}, "due": {"2026-03-18"}, "proof": {"Replay it."}}
		bad := w.post("ana", "/actions", form, 422)
		if bad.Find("#f-title-err").Length() != 1 || text(bad.Find("#f-proof")) != "Replay it." {
			t.Fatal("the fault is not beside its field, or what was typed is lost")
		}
		form.Set("title", "Bound the retries")
		w.post("ana", "/actions", form, 303)
		w.post("sten", "/actions", form, 403)
		mine := w.get("ines", "/mine", 200)
		if !strings.Contains(text(mine.Find("tbody tr")), "Bound the retries ACT-1") || text(mine.Find("tbody .btn")) != "Accept" {
			t.Fatalf("Ines sees %q", text(mine.Find("tbody")))
		}
		w.post("ines", "/actions/ACT-1/state", url.Values{"to": {"accepted"}, "back": {"/mine"}}, 303)
		e.Clock.Advance(48 * time.Hour)
		if got := text(w.get("ines", "/mine", 200).Find(".head .sub")); got != "1 is overdue, 1 is owed in all." {
			t.Fatalf("the head says %q", got)
		}
		if w.get("ines", "/", 200).Find("#due-next tbody tr").Length() != 1 || w.get("ana", "/", 200).Find("#due-next tbody tr").Length() != 1 {
			t.Fatal("Now does not show it")
		}
		w.post("ines", "/actions/ACT-1/state", url.Values{"to": {"done"}}, 303)
		w.post("ines", "/actions/ACT-1/state", url.Values{"to": {"in_place"}}, 303)
		if n := w.get("ines", "/actions/ACT-1", 200).Find(`input[name=to][value=effective]`).Length(); n != 0 {
			t.Fatal("the owner may judge")
		}
		w.post("ines", "/actions/ACT-1/state", url.Values{"to": {"effective"}}, 403)
		failed := w.post("ana", "/actions/ACT-1/state", url.Values{"to": {"ineffective"}}, 422)
		if failed.Find(".err").Length() == 0 {
			t.Fatal("a verdict without a reason")
		}
		w.post("ana", "/actions/ACT-1/state", url.Values{"to": {"effective"}, "reason": {"The drill held."}}, 303)
		page := w.get("sten", "/actions/ACT-1", 200)
		if text(page.Find(".head .chip")) != "effective" || !strings.Contains(text(page.Find("#about")), "The drill held.") || page.Find("#history .tl li:not(.day)").Length() != 5 {
			t.Fatalf("the page says %q", text(page.Find("main")))
		}
		if n := w.get("sten", "/actions?show=over", 200).Find("tbody tr").Length(); n != 1 {
			t.Fatalf("%d actions are over", n)
		}
	}, projectdb.Migrations(), actiondb.Migrations())
}

func TestTheActionsAPI(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		w := newWorld(t, e)
		call := func(who, method, path, body string, status int, out any) {
			t.Helper()
			rec := w.do(who, method, "/api/v1"+path, body, "application/json", status)
			if out != nil {
				if err := json.Unmarshal(rec.Body.Bytes(), out); err != nil {
					t.Fatal(err)
				}
			}
		}
		var a struct {
			Number, State, Owner string
			Next                 []string
		}
		call("ana", "POST", "/actions", `{"project":"harbour","title":"Renew the certificate","owner":"ines","due":"2026-03-20T12:00:00Z"}`, 201, &a)
		if a.Number != "ACT-1" || a.State != "proposed" || a.Owner != persons["ines"].ID {
			t.Fatalf("created: %+v", a)
		}
		call("ana", "POST", "/actions", `{"project":"harbour","title":""}`, 422, nil)
		call("ana", "POST", "/actions", `{"project":"harbour","title":"x","owner":"nobody"}`, 404, nil)
		call("sten", "POST", "/actions/ACT-1/state", `{"state":"done"}`, 403, nil)
		call("ines", "POST", "/actions/ACT-1/state", `{"state":"done"}`, 200, &a)
		if a.State != "done" || len(a.Next) != 3 {
			t.Fatalf("done: %+v", a)
		}
		call("ines", "POST", "/actions/ACT-1/state", `{"state":"effective"}`, 409, nil)
		var list struct {
			Items []struct{ Number string }
			Next  string
		}
		call("sten", "GET", "/actions?state=done&owner=ines", "", 200, &list)
		if len(list.Items) != 1 || list.Next != "" {
			t.Fatalf("listed: %+v", list)
		}
		call("sten", "GET", "/actions/ACT-1", "", 200, nil)
		call("sten", "GET", "/actions/ACT-9", "", 404, nil)
	}, projectdb.Migrations(), actiondb.Migrations())
}
