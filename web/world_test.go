package web_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// world is a small installation around a real router: the shop Harbour (project "har") and a project "sec" that few see.
type world struct {
	t     testing.TB
	clock *mainstay.Moved
	rt    *web.Router
	log   *strings.Builder
	h     http.Handler
	srv   *httptest.Server
}

var noon = time.Date(2026, 3, 17, 12, 0, 0, 0, time.UTC)

// people are the viewers, by the name that stands in the cookie "who" or after "Bearer ".
var people = map[string]access.Viewer{
	"ana":   person("ana", access.Grant{Role: access.Responder, Project: "har"}),
	"sten":  person("sten", access.Grant{Role: access.Stakeholder, Project: "har"}),
	"mia":   person("mia", access.Grant{Role: access.Member, Project: "har"}),
	"out":   person("out", access.Grant{Role: access.Member, Project: "sec"}),
	"admin": person("admin", access.Grant{Role: access.Administrator}),
	"max":   person("max", access.Grant{Role: access.Manager, Project: "har"}),
	"role":  knowing("i66", person("role", access.Grant{Role: access.Stakeholder, Project: "har"})), // has a role in the private incident
	"away":  knowing("i66", person("away", access.Grant{Role: access.Member, Project: "sec"})),      // had one, and left the project
}

func knowing(id string, v access.Viewer) access.Viewer {
	v.Known = []string{id}
	return v
}

func person(name string, grants ...access.Grant) access.Viewer {
	return access.Viewer{Actor: mainstay.Person(name), PersonID: name, Name: name, Grants: grants, Zone: time.UTC}
}

// doors is the identity of the world.
type doors struct{}

func (doors) Viewer(r *http.Request) (access.Viewer, error) {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		if v, ok := people[token]; ok {
			return v, nil
		}
		return access.Viewer{}, mainstay.Errorf(mainstay.Unauthenticated, "This token is not known. Make one under Admin, Tokens.")
	}
	if c, err := r.Cookie("who"); err == nil {
		return people[c.Value], nil
	}
	return access.Viewer{}, nil
}

// doorsWhile are doors that know people only while open says so.
type doorsWhile struct{ open func() bool }

func (d doorsWhile) Viewer(r *http.Request) (access.Viewer, error) {
	if !d.open() {
		return access.Viewer{}, nil
	}
	return doors{}.Viewer(r)
}

// register is the register of the world's objects.
type register map[string]object.Object

func (g register) Find(_ context.Context, kind mainstay.Kind, key, _ string) (object.Object, error) {
	o, ok := g[string(kind)+" "+key]
	if !ok {
		return object.Object{}, mainstay.Errorf(mainstay.NotFound, "There is no %s %q.", kind, key)
	}
	return o, nil
}

type shops struct{}

func (shops) List(context.Context, access.Viewer) ([]web.ProjectLine, error) {
	return []web.ProjectLine{{ID: "har", Name: "harbour", Title: "Harbour", Phase: "hypercare, day 16", State: ui.Crit("1 incident")}}, nil
}

func (shops) One(context.Context, string) (web.ProjectLine, error) {
	return web.ProjectLine{ID: "har", Name: "harbour", Title: "Harbour", Phase: "hypercare, day 16"}, nil
}

type incidentView struct {
	Number string `json:"number"`
	Note   string `json:"note"`
}

type noteIn struct {
	ID   string `path:"id"`
	Body struct {
		Note  string `json:"note" minLength:"1"`
		Count int    `json:"count,omitempty"`
	}
}

func newWorld(t testing.TB, change ...func(*web.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: mainstay.NewMoved(noon), log: &strings.Builder{}}
	objects := register{
		"incident INC-42": {Ref: mainstay.Ref{Kind: mainstay.KindIncident, ID: "i42"}, Number: 42, Project: "har", Title: "Card payments fail"},
		"incident INC-66": {Ref: mainstay.Ref{Kind: mainstay.KindIncident, ID: "i66"}, Number: 66, Project: "har", Title: "Keys leaked", Private: true},
		"incident INC-99": {Ref: mainstay.Ref{Kind: mainstay.KindIncident, ID: "i99"}, Number: 99, Project: "sec", Title: "Elsewhere"},
		"project harbour": {Ref: mainstay.Ref{Kind: mainstay.KindProject, ID: "har"}, Project: "har", Name: "harbour", Title: "Harbour"},
	}
	for _, o := range objects {
		objects[string(o.Ref.Kind)+" "+o.Ref.ID] = o
	}
	cfg := web.Config{
		Time: w.clock, Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Identity: doors{}, Objects: objects, Projects: shops{},
		ExternalURL: &url.URL{Scheme: "https", Host: "mainstay.example"}, Version: "1.2.3",
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "up 1\n") }),
		Search: func(_ context.Context, _ access.Viewer, seek web.Seek) ([]web.Hit, error) {
			q := seek.Text
			return []web.Hit{{Kind: "incident", Number: "INC-42", Title: "Card <b>payments</b> fail " + q, URL: "/incidents/INC-42"}}, nil
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	rt, err := web.NewRouter(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.rt = rt
	w.routes()
	w.h = rt.Handler()
	return w
}

// routes are a small practice.
func (w *world) routes() {
	rt := w.rt
	rt.Handle(web.Route{Method: "GET", Pattern: "/incidents", Permission: access.IncidentRead}, func(c *web.Ctx) error {
		return c.Render(web.Page{Title: "Incidents", Nav: "incidents"}, ui.Empty("No incident.", strings.Repeat("All is quiet. ", 200)))
	})
	rt.Handle(web.Route{Method: "GET", Pattern: "/incidents/{id}", Permission: access.IncidentRead, Kind: mainstay.KindIncident}, func(c *web.Ctx) error {
		return c.Render(web.Page{Title: "INC-42", Nav: "incidents", Live: []mainstay.Ref{c.Ref}}, ui.Text("ref "+c.Ref.String()+" project "+c.Project))
	})
	rt.Handle(web.Route{Method: "POST", Pattern: "/incidents/{id}/note", Permission: access.IncidentRespond, Kind: mainstay.KindIncident}, func(c *web.Ctx) error {
		if c.Form("note") == "" {
			faults := map[string]string{"note": "Say something."}
			field := ui.Field{Name: "note", Label: "What happened", Value: c.Form("note"), Hint: "One sentence.", Fault: faults["note"], Required: true}
			return c.Render(web.Page{Title: "Note", Status: 422}, ui.Input(field))
		}
		c.Offer("Undo", "/incidents/INC-42/undo", "Noted: %s", c.Form("note"))
		return c.See("/incidents/INC-42")
	})
	rt.Handle(web.Route{Method: "GET", Pattern: "/fail/{how}", Permission: access.Self}, func(c *web.Ctx) error {
		switch c.Path("how") {
		case "conflict":
			return mainstay.Errorf(mainstay.Conflict, "Someone else changed it. Read it again.")
		case "panic":
			panic("a secret thing")
		}
		return io.ErrUnexpectedEOF
	})
	web.API(rt, web.Route{Method: "POST", Pattern: "/incidents/{id}/notes", Permission: access.IncidentRespond, Kind: mainstay.KindIncident},
		web.Doc{Summary: "Add a note", Tag: "Incidents", Status: 201}, func(ctx context.Context, in *noteIn) (*web.Out[incidentView], error) {
			if in.Body.Note == "bad" {
				faults := mainstay.Faults{}
				faults.Add("note", "is bad")
				return nil, faults.Err()
			}
			return &web.Out[incidentView]{ETag: web.ETag(3), Body: incidentView{Number: in.ID, Note: in.Body.Note + " by " + web.ViewerFrom(ctx).Name + " on " + web.RefFrom(ctx).String()}}, nil
		})
	web.API(rt, web.Route{Method: "GET", Pattern: "/incidents", Permission: access.IncidentRead},
		web.Doc{Summary: "List incidents", Tag: "Incidents"}, func(_ context.Context, in *struct{ web.Query }) (*web.Out[web.List[incidentView]], error) {
			return &web.Out[web.List[incidentView]]{Body: web.List[incidentView]{Items: []incidentView{{Number: "INC-42"}}}}, nil
		})
	rt.Raw(web.Route{Method: "POST", Pattern: "/in/{key}/{format}", Permission: access.Public}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
	}))
}

// ask makes one request. who "" is nobody; headers come in pairs.
func (w *world) ask(who, method, target, body string, headers ...string) *http.Response {
	w.t.Helper()
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	if who != "" {
		req.AddCookie(&http.Cookie{Name: "who", Value: who})
	}
	req.Header.Set("Accept", "text/html")
	if method == "POST" && !strings.HasPrefix(target, "/api") {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, req)
	return rec.Result()
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func page(t *testing.T, res *http.Response) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func wantStatus(t *testing.T, res *http.Response, want int) {
	t.Helper()
	if res.StatusCode != want {
		t.Fatalf("%d, want %d: %s", res.StatusCode, want, body(t, res))
	}
}

func wantText(t *testing.T, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Fatalf("%q is not in: %s", want, got)
	}
}
