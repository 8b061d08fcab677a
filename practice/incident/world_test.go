package incident_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/core/document/documentdb"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/core/project/projectdb"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/practice/incident/incidentdb"
)

// The people of the shop Harbour.
const (
	ana    = "0197f000-0000-7000-8000-0000000000a1"
	tomasz = "0197f000-0000-7000-8000-0000000000b2"
	ines   = "0197f000-0000-7000-8000-0000000000c3"
)

// world is the incident practice on real stores, and the answers of other practices.
type world struct {
	*mainstaytest.Env
	*incident.Service
	project  string
	services map[string]string // name -> id
	onCall   string
	alerts   map[string]incident.Alert
}

func (w *world) OnCall(context.Context, string, []string) (string, error) {
	if w.onCall == "" {
		return "", mainstay.Errorf(mainstay.NotFound, "Nobody is on call.")
	}
	return w.onCall, nil
}

func (w *world) Alert(_ context.Context, id string) (incident.Alert, error) {
	a, ok := w.alerts[id]
	if !ok {
		return a, mainstay.Errorf(mainstay.NotFound, "There is no such alert.")
	}
	return a, nil
}

func (w *world) ByIDs(_ context.Context, ids []string) (map[string]people.Person, error) {
	m := map[string]people.Person{}
	for id, name := range map[string]string{ana: "Ana Ruiz", tomasz: "Tomasz Bielak", ines: "Ines Okafor"} {
		if slices.Contains(ids, id) {
			m[id] = people.Person{ID: id, FullName: name}
		}
	}
	return m, nil
}

func on(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) { f(t, newWorld(t, e)) },
		documentdb.Migrations(), projectdb.Migrations(), incidentdb.Migrations())
}

func newWorld(t *testing.T, e *mainstaytest.Env) *world {
	t.Helper()
	w := &world{Env: e, services: map[string]string{}, alerts: map[string]incident.Alert{}}
	registry, err := project.New(project.Config{Store: projectdb.New(e.DB, e.Saver), Time: e.Clock})
	must(t, err)
	system := mainstay.System("test")
	_, err = registry.Define(t.Context(), system, "harbour", project.Spec{Title: "Harbour"})
	must(t, err)
	p, err := registry.Project(t.Context(), "harbour")
	must(t, err)
	w.project = p.ID
	for _, name := range []string{"checkout", "search"} {
		_, err := registry.DefineService(t.Context(), system, p.ID, name, project.ServiceSpec{})
		must(t, err)
		s, err := registry.Service(t.Context(), p.ID, name)
		must(t, err)
		w.services[name] = s.ID
	}
	notes, err := document.New(document.Config{Store: documentdb.New(e.DB), Time: e.Clock})
	must(t, err)
	store := incidentdb.New(e.DB, e.Saver, e.Objects)
	w.Service, err = incident.New(incident.Config{
		Store: store, Plans: store, Notes: notes, Journal: e.Journal, Services: registry, People: w, OnCall: w, Alerts: w,
		Time: e.Clock, Log: e.Log,
	})
	must(t, err)
	return w
}

// start runs the engines with what the practice subscribes to.
func (w *world) start(t *testing.T) *mainstaytest.Engines {
	t.Helper()
	return w.Engines(t, w.Subscribers(), w.Service.Timers())
}

// payments is a plan with two steps for card payments.
func payments() incident.PlanSpec {
	return incident.PlanSpec{
		Title: "Payments down", Severities: []mainstay.Severity{mainstay.Sev1}, Services: []string{"checkout"},
		Roles: []string{"commander", "communications", "scribe"},
		Steps: []incident.StepSpec{
			{Title: "Take command", Role: "commander", Within: incident.Span(5 * time.Minute)},
			{Title: "First word to users", Role: "communications", Within: incident.Span(15 * time.Minute)},
			{Title: "Call the vendor"},
		},
		Updates:       map[mainstay.Severity]incident.Span{mainstay.Sev1: incident.Span(20 * time.Minute)},
		PostOnResolve: true,
	}
}

// declare opens a sev-1 about checkout under the plan "payments".
func (w *world) declare(t *testing.T) incident.Incident {
	t.Helper()
	_, err := w.Define(t.Context(), mainstay.Person(ana), w.project, "payments", payments())
	must(t, err)
	i, err := w.Declare(t.Context(), mainstay.Person(ana), incident.Declaration{
		Project: w.project, Title: "Card payments fail", Severity: mainstay.Sev1, Services: []string{w.services["checkout"]},
	})
	must(t, err)
	return i
}

// kinds counts facts of a kind in the project.
func (w *world) count(t *testing.T, p fact.Payload) int {
	t.Helper()
	return len(w.Facts(t, w.project, p.FactKind()))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func code(t *testing.T, err error, want mainstay.Code) {
	t.Helper()
	if mainstay.ErrorCode(err) != want {
		t.Fatalf("got the error %v, want the code %q", err, want)
	}
}
