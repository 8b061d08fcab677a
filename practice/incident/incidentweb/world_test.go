package incidentweb_test

import (
	"bytes"
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
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/core/document/documentdb"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/core/project/projectdb"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/practice/incident/incidentdb"
	"github.com/mainstayhq/mainstay/practice/incident/incidentweb"
	"github.com/mainstayhq/mainstay/web"
)

// persons of the shop Harbour, by the handle that stands in the cookie "who".
var persons = map[string]people.Person{
	"ana":   {ID: "0197f000-0000-7000-8000-0000000000a1", Name: "ana", FullName: "Ana Ruiz"},
	"ines":  {ID: "0197f000-0000-7000-8000-0000000000c3", Name: "ines", FullName: "Ines Okafor"},
	"mona":  {ID: "0197f000-0000-7000-8000-0000000000d4", Name: "mona", FullName: "Mona Berg"},
	"sten":  {ID: "0197f000-0000-7000-8000-0000000000e5", Name: "sten", FullName: "Sten Dahl"},
	"other": {ID: "0197f000-0000-7000-8000-0000000000f6", Name: "other", FullName: "Omar Elsewhere"},
}

var roles = map[string]access.Role{
	"ana": access.Responder, "ines": access.Responder, "mona": access.Manager, "sten": access.Stakeholder, "other": access.Responder,
}

// world is the pages on a real router and real stores; who people are is said by a cookie.
type world struct {
	*mainstaytest.Env
	t       *testing.T
	service *incident.Service
	project string
	pages   *incidentweb.Pages
	h       http.Handler
}

func (w *world) viewer(name string) access.Viewer {
	p, ok := persons[name]
	if !ok {
		return access.Viewer{}
	}
	at := w.project
	if name == "other" {
		at = "another-project"
	}
	known, err := w.Objects.Known(w.t.Context(), p.ID)
	w.must(err)
	return access.Viewer{
		Known: known, Actor: mainstay.Person(p.ID), PersonID: p.ID, Name: name, Zone: time.UTC,
		Grants: []access.Grant{{Role: roles[name], Project: at}},
	}
}

// Viewer implements web.Identity.
func (w *world) Viewer(r *http.Request) (access.Viewer, error) {
	c, err := r.Cookie("who")
	if err != nil {
		return access.Viewer{}, nil
	}
	return w.viewer(c.Value), nil
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
	return []people.Person{persons["ana"], persons["ines"], persons["mona"]}, "", nil
}

func (w *world) Actor(_ context.Context, a mainstay.Actor) string {
	for _, p := range persons {
		if p.ID == a.ID {
			return p.FullName
		}
	}
	return "Mainstay"
}

func (w *world) Subject(ctx context.Context, r mainstay.Ref) (name, url string) {
	o, err := w.Objects.Many(ctx, []mainstay.Ref{r})
	if err != nil || o[r].Ref.IsZero() {
		return "", ""
	}
	return o[r].Key(), o[r].URL()
}

func newWorld(t *testing.T, e *mainstaytest.Env) *world {
	t.Helper()
	w := &world{Env: e, t: t}
	registry, err := project.New(project.Config{Store: projectdb.New(e.DB, e.Saver), Time: e.Clock})
	w.must(err)
	system := mainstay.System("test")
	_, err = registry.Define(t.Context(), system, "harbour", project.Spec{Title: "Harbour"})
	w.must(err)
	p, err := registry.Project(t.Context(), "harbour")
	w.must(err)
	w.project = p.ID
	_, err = registry.DefineService(t.Context(), system, p.ID, "checkout", project.ServiceSpec{Title: "Checkout"})
	w.must(err)
	notes, err := document.New(document.Config{Store: documentdb.New(e.DB), Time: e.Clock})
	w.must(err)
	store := incidentdb.New(e.DB, e.Saver, e.Objects)
	w.service, err = incident.New(incident.Config{Store: store, Plans: store, Notes: notes, Journal: e.Journal, Services: registry, People: w, Time: e.Clock})
	w.must(err)
	_, err = w.service.Define(t.Context(), system, p.ID, "payments", incident.PlanSpec{
		Title: "Payments down", Steps: []incident.StepSpec{{Title: "Take command", Within: incident.Span(5 * time.Minute)}, {Title: "Call the vendor", Role: "expert"}},
		Roles: []string{"commander", "expert"}, Updates: map[mainstay.Severity]incident.Span{mainstay.Sev1: incident.Span(20 * time.Minute)},
	})
	w.must(err)
	w.pages, err = incidentweb.New(incidentweb.Config{Incidents: w.service, People: w, Projects: registry, Objects: e.Objects, Names: w, UpdatePath: "/posts/new"})
	w.must(err)
	rt, err := web.NewRouter(web.Config{Time: e.Clock, Log: e.Log, Identity: w, Objects: e.Objects, Burning: w.pages.Burning})
	w.must(err)
	w.pages.Routes(rt)
	rt.AddPanels(w.pages.Panels()...)
	w.h = rt.Handler()
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) do(who, method, path string, body io.Reader, kind string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(method, path, body)
	r.AddCookie(&http.Cookie{Name: "who", Value: who})
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	return rec
}

// get reads a page and requires the status; it also looks for what the content security policy would refuse.
func (w *world) get(who, path string, status int) *goquery.Document {
	w.t.Helper()
	rec := w.do(who, "GET", path, nil, "")
	if rec.Code != status {
		w.t.Fatalf("%s reads %s: %d, want %d: %s", who, path, rec.Code, status, rec.Body)
	}
	return w.page(rec)
}

func (w *world) page(rec *httptest.ResponseRecorder) *goquery.Document {
	w.t.Helper()
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(rec.Body.Bytes()))
	w.must(err)
	if n := doc.Find("[style], [onclick], script:not([src]), [hx-on]").Length(); n > 0 {
		w.t.Errorf("%d elements that the content security policy refuses", n)
	}
	ids := map[string]bool{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		id, _ := s.Attr("id")
		if ids[id] {
			w.t.Errorf("the id %q stands twice", id)
		}
		ids[id] = true
	})
	return doc
}

// post sends a form and requires the status.
func (w *world) post(who, path string, form url.Values, status int) *httptest.ResponseRecorder {
	w.t.Helper()
	rec := w.do(who, "POST", path, strings.NewReader(form.Encode()), "application/x-www-form-urlencoded")
	if rec.Code != status {
		w.t.Fatalf("%s posts to %s: %d, want %d: %s", who, path, rec.Code, status, rec.Body)
	}
	return rec
}

// call uses the API and requires the status; the answer is read into out unless that is nil.
func (w *world) call(who, method, path, body string, status int, out any) {
	w.t.Helper()
	rec := w.do(who, method, "/api/v1"+path, strings.NewReader(body), "application/json")
	if rec.Code != status {
		w.t.Fatalf("%s %s by %s: %d, want %d: %s", method, path, who, rec.Code, status, rec.Body)
	}
	if out != nil {
		w.must(json.Unmarshal(rec.Body.Bytes(), out))
	}
}

func text(s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") }
