package escalationdb_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/access/accessdb"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/people/peopledb"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/core/project/projectdb"
	"github.com/mainstayhq/mainstay/core/setting"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/practice/escalation/escalationdb"
	"github.com/mainstayhq/mainstay/storage"
)

var admin = mainstay.System("manifest")

// world is a shop with people, schedules and policies, on one database.
type world struct {
	*mainstaytest.Env
	*escalation.Service
	people  *people.Service
	project string
	person  map[string]string // name to id
}

func migrations() []storage.Migrations {
	return []storage.Migrations{peopledb.Migrations(), accessdb.Migrations(), projectdb.Migrations(), escalationdb.Migrations()}
}

func newWorld(t testing.TB, e *mainstaytest.Env) *world {
	t.Helper()
	store := peopledb.New(e.DB, e.Saver)
	acc, err := access.New(access.Config{Store: accessdb.New(e.DB, e.Saver), Teams: store, Time: e.Clock})
	must(t, err)
	folk, err := people.New(people.Config{Store: store, Roles: acc, Time: e.Clock})
	must(t, err)
	registry, err := project.New(project.Config{Store: projectdb.New(e.DB, e.Saver), Time: e.Clock})
	must(t, err)
	_, err = registry.Define(t.Context(), admin, "shop", project.Spec{Title: "Harbour"})
	must(t, err)
	shop, err := registry.Project(t.Context(), "shop")
	must(t, err)
	_, err = registry.DefineService(t.Context(), admin, shop.ID, "checkout", project.ServiceSpec{Title: "Checkout"})
	must(t, err)
	s, err := escalation.New(escalation.Config{
		Store: escalationdb.New(e.DB, e.Saver, e.Objects), People: folk, Projects: registry,
		Signer: setting.NewVault(make([]byte, 32)), Time: e.Clock, Log: e.Log,
	})
	must(t, err)
	w := &world{Env: e, Service: s, people: folk, project: shop.ID, person: map[string]string{}}
	for _, name := range []string{"ana", "lena", "samir", "priya"} {
		p, err := folk.Create(t.Context(), admin, people.Person{Name: name, FullName: strings.ToUpper(name), Email: name + "@example.com"})
		must(t, err)
		w.person[name] = p.ID
	}
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// weekly is a schedule whose turn at mainstaytest.Start, a Tuesday, is the first participant's.
func weekly(people ...string) escalation.ScheduleSpec {
	return escalation.ScheduleSpec{Title: "Primary", Zone: "Europe/Berlin", Layers: []escalation.LayerSpec{{
		Name: "week", Rotation: "weekly", Handoff: "Mon 09:00", Start: "2026-03-16", Participants: people,
	}}}
}

func (w *world) schedule(t testing.TB, name string, spec escalation.ScheduleSpec) escalation.Schedule {
	t.Helper()
	_, err := w.DefineSchedule(t.Context(), admin, w.project, name, spec)
	must(t, err)
	return w.load(t, name)
}

func (w *world) load(t testing.TB, name string) escalation.Schedule {
	t.Helper()
	now := w.Clock.Now()
	s, err := w.ScheduleByName(t.Context(), w.project, name, now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
	must(t, err)
	return s
}

func (w *world) policy(t testing.TB, name string, spec escalation.PolicySpec) {
	t.Helper()
	_, err := w.DefinePolicy(t.Context(), admin, w.project, name, spec)
	must(t, err)
}

// standard is ana first, then lena after 5 minutes, once more after 10.
func (w *world) standard(t testing.TB) {
	t.Helper()
	w.schedule(t, "primary", weekly("ana", "lena"))
	w.policy(t, "default", escalation.PolicySpec{
		Steps:   []escalation.StepSpec{{Targets: []string{"schedule:primary"}}, {Delay: "5m", Targets: []string{"person:lena"}}},
		Repeats: 1, RepeatAfter: "10m",
	})
}

func alert(id string) mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindAlert, ID: id} }

// want asks for a page about alerts, as warning does.
func (w *world) want(t testing.TB, policy, title string, about ...mainstay.Ref) fact.Fact {
	t.Helper()
	f := fact.New(w.Clock.Now(), w.project, mainstay.System("warning"), fact.PageWanted{
		Policy: policy, Severity: "sev-1", Title: title, Reason: "route critical", Service: "checkout",
	}, about...)
	w.Commit(t, commit.Set{Facts: []fact.Fact{f}})
	return f
}

func (w *world) engines(t testing.TB) *mainstaytest.Engines {
	t.Helper()
	return w.Engines(t, w.Subscribers(), w.Service.Timers())
}

// page is the latest page.
func (w *world) page(t testing.TB) escalation.Page {
	t.Helper()
	list, err := w.Pages(t.Context(), escalation.PageQuery{Limit: 1})
	must(t, err)
	if len(list) == 0 {
		t.Fatal("there is no page")
	}
	return list[0]
}

// told lists who was sent what, in order, such as "ana page".
func (w *world) told() []string {
	names := map[string]string{}
	for n, id := range w.person {
		names[id] = n
	}
	var list []string
	for _, n := range w.Notices() {
		list = append(list, names[n.Person]+" "+n.Template)
	}
	return list
}

func (w *world) kinds(t testing.TB) []string {
	t.Helper()
	var list []string
	for _, f := range w.Facts(t, w.project) {
		if strings.HasPrefix(f.Kind, "page.") && f.Kind != "page.wanted" {
			list = append(list, f.Kind)
		}
	}
	return list
}

func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, ", "), strings.Join(want, ", "))
	}
}

func (w *world) dataOf(t testing.TB, n commit.Notice) notify.PageData {
	t.Helper()
	var d notify.PageData
	must(t, json.Unmarshal(n.Data, &d))
	return d
}

func each(t *testing.T, f func(t *testing.T, w *world)) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) { f(t, newWorld(t, e)) }, migrations()...)
}

// timers counts the timers that stand.
func timers(t testing.TB, w *world) int {
	t.Helper()
	list, err := w.Env.Timers.Upcoming(t.Context(), w.Clock.Now().AddDate(1, 0, 0), 1000)
	must(t, err)
	return len(list)
}
