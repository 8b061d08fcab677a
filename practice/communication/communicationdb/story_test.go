package communicationdb_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/practice/communication/communicationdb"
	"github.com/mainstayhq/mainstay/storage"
)

const shop = "01900000-0000-7000-8000-000000000001"

var (
	ana  = mainstay.Person("01900000-0000-7000-8000-00000000000a")
	bert = mainstay.Person("01900000-0000-7000-8000-00000000000b")
)

// incidents answers as the incident practice would, from a table that the test writes: it is the other side of a question,
// not our code.
type incidents map[string]*communication.Incident

func (m incidents) Incident(_ context.Context, id string) (communication.Incident, error) {
	if i, ok := m[id]; ok {
		return *i, nil
	}
	return communication.Incident{}, mainstay.Errorf(mainstay.NotFound, "There is no such incident.")
}

type world struct {
	*mainstaytest.Env
	store     *communicationdb.Store
	service   *communication.Service
	incidents incidents
	engines   *mainstaytest.Engines
	woken     int
}

func each(t *testing.T, f func(t *testing.T, w *world)) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		w := &world{Env: e, store: communicationdb.New(e.DB, e.Saver, e.Objects), incidents: incidents{}}
		w.store.Changed(func() { w.woken++ })
		var err error
		w.service, err = communication.New(communication.Config{Store: w.store, Incidents: w.incidents, Time: e.Clock, Log: e.Log})
		if err != nil {
			t.Fatal(err)
		}
		f(t, w)
	}, communicationdb.Migrations())
}

func (w *world) run(t *testing.T) {
	w.engines = w.Engines(t, w.service.Subscribers(), w.service.Timers())
}

// declare makes an incident as its practice would: its own row, its entry in the register, its fact.
func (w *world) declare(t *testing.T, title string, sev mainstay.Severity, private bool) *communication.Incident {
	t.Helper()
	now := w.Clock.Now()
	i := &communication.Incident{
		ID: mainstay.NewID(now), Number: int64(len(w.incidents) + 1), Project: shop, Title: title, Severity: sev, Private: private, StartedAt: now,
	}
	w.incidents[i.ID] = i
	w.say(t, i, fact.IncidentDeclared{Title: title, Severity: string(sev), Private: private, StartedAt: now})
	return i
}

func (w *world) say(t *testing.T, i *communication.Incident, p fact.Payload) fact.Fact {
	t.Helper()
	ref := mainstay.Ref{Kind: mainstay.KindIncident, ID: i.ID}
	f := fact.New(w.Clock.Now(), shop, ana, p, ref)
	w.Commit(t, commit.Set{
		Facts:   []fact.Fact{f},
		Objects: []commit.Object{{Ref: ref, Number: i.Number, Project: shop, Title: i.Title, Private: i.Private, At: w.Clock.Now()}},
	})
	return f
}

func (w *world) component(t *testing.T, name string, spec communication.ComponentSpec) communication.Component {
	t.Helper()
	if _, err := w.service.Define(t.Context(), ana, shop, name, spec); err != nil {
		t.Fatal(err)
	}
	list, err := w.service.Components(t.Context(), shop)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("component %s was defined and is not there", name)
	return communication.Component{}
}

func (w *world) site(t *testing.T) communication.Site {
	t.Helper()
	site, private, err := w.store.Site(t.Context(), w.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return site.Public(private)
}

// An incident is told to the public: drafted from a template, approved, followed up, ended.
func TestStory(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.run(t)
		ctx := t.Context()
		checkout := w.component(t, "checkout", communication.ComponentSpec{Title: "Checkout", Group: "storefront"})
		i := w.declare(t, "Some card payments fail", mainstay.Sev2, false)
		f := w.say(t, i, fact.PostWanted{})
		w.engines.Settle(t)

		waiting, err := w.service.Posts(ctx, communication.PostQuery{Incident: i.ID, State: communication.Draft})
		if err != nil || len(waiting) != 1 {
			t.Fatalf("the request gave %d drafts, %v; want 1", len(waiting), err)
		}
		draft := waiting[0]
		if draft.Request != f.ID || draft.Title != i.Title || draft.Drafter.Kind != mainstay.ActorSystem {
			t.Errorf("draft %+v does not come from the request", draft)
		}
		err = w.service.Revise(ctx, ana, draft.ID, communication.Input{
			Status: communication.Investigating, Title: draft.Title, Body: "Since {{started}} some cards are refused at {{service}}. More by {{next_update}}.",
			Components: map[string]communication.State{checkout.ID: communication.PartialOutage}, NextMinutes: 20,
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(w.site(t).Incidents) != 0 {
			t.Fatal("a draft is public")
		}
		w.Clock.Advance(2 * time.Minute)
		before := w.woken
		post, err := w.service.Publish(ctx, ana, draft.ID) // sev-2: its writer may
		if err != nil {
			t.Fatal(err)
		}
		if want := "Since 03:00 UTC some cards are refused at Checkout. More by 03:22 UTC."; post.Body != want {
			t.Errorf("published %q; want %q", post.Body, want)
		}
		if w.woken == before {
			t.Error("publishing woke nobody: the page would not be rendered")
		}
		if _, err := w.service.Publish(ctx, ana, draft.ID); !mainstay.Is(err, mainstay.Conflict) {
			t.Errorf("publishing twice: %v; want conflict", err)
		}
		site := w.site(t)
		if len(site.Incidents) != 1 || site.Incidents[0].Impact != communication.ImpactMajor || len(site.Incidents[0].Updates) != 1 {
			t.Fatalf("public: %+v", site.Incidents)
		}
		if a := site.Incidents[0].Updates[0].Affected; len(a) != 1 || a[0].Old != communication.Operational || a[0].New != communication.PartialOutage {
			t.Errorf("affected %+v", a)
		}
		for _, c := range site.Components { // the group has the state of its member
			if c.State() != communication.PartialOutage {
				t.Errorf("%s is %s", c.Name, c.State())
			}
		}

		w.fallsOverdue(t, i)
		w.isOver(t, i, checkout)
	})
}

// fallsOverdue lets the time of the promised word pass.
func (w *world) fallsOverdue(t *testing.T, i *communication.Incident) {
	ctx := t.Context()
	w.engines.Advance(t, 21*time.Minute)
	c, err := w.service.Cadence(ctx, i.ID)
	if err != nil || !c.Overdue {
		t.Errorf("cadence %+v, %v; want overdue", c, err)
	}
	if n := len(w.Facts(t, shop, "post.overdue")); n != 1 {
		t.Errorf("%d facts say that the word is overdue; want 1", n)
	}
}

// isOver ends the incident and tells the last word.
func (w *world) isOver(t *testing.T, i *communication.Incident, checkout communication.Component) {
	ctx := t.Context()
	i.EndedAt = w.Clock.Now()
	w.say(t, i, fact.IncidentResolved{Title: i.Title})
	last, err := w.service.Draft(ctx, bert, communication.Input{Incident: i.ID})
	if err != nil {
		t.Fatal(err)
	}
	if last.Status != communication.Resolved || last.Components[checkout.ID] != communication.Operational {
		t.Errorf("the draft after the end is %+v", last)
	}
	if _, err := w.service.Publish(ctx, ana, last.ID); err != nil {
		t.Fatal(err)
	}
	w.engines.Settle(t)
	site := w.site(t)
	if got := site.Incidents[0]; got.Status != communication.Resolved || got.ResolvedAt.IsZero() || len(got.Updates) != 2 {
		t.Errorf("public after the end: %+v", got)
	}
	if c, _ := w.service.Cadence(ctx, i.ID); !c.Due.IsZero() || c.Overdue {
		t.Errorf("after the last word users are owed %+v", c)
	}
	w.engines.Advance(t, time.Hour)
	days := communication.Days(only(site.Intervals, checkout.ID), w.Clock.Now(), 90, time.UTC)
	if got := days[89].Spent[communication.PartialOutage]; got != 21*time.Minute {
		t.Errorf("the outage lasted %v in the bars; want 21 min", got)
	}
}

func only(list []communication.Interval, id string) []communication.Interval {
	var l []communication.Interval
	for _, i := range list {
		if i.Component == id {
			l = append(l, i)
		}
	}
	return l
}

// Nothing of a private incident becomes public, by any way.
func TestWall(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.run(t)
		ctx := t.Context()
		i := w.declare(t, "Customer data seen by a stranger", mainstay.Sev1, true)

		// A request drafts nothing and is answered.
		w.say(t, i, fact.PostWanted{Status: "investigating"})
		w.engines.Settle(t)
		if l, _ := w.service.Posts(ctx, communication.PostQuery{Incident: i.ID}); len(l) != 0 {
			t.Errorf("the request drafted %+v", l)
		}
		if l := w.Facts(t, shop, "post.rejected"); len(l) != 1 || !strings.Contains(string(l[0].Payload), "private") {
			t.Errorf("the request was answered by %v", l)
		}
		// A person drafts nothing.
		in := communication.Input{Incident: i.ID, Status: communication.Investigating, Title: "t", Body: "b", NextMinutes: 5, Components: map[string]communication.State{}}
		if _, err := w.service.Draft(ctx, ana, in); !mainstay.Is(err, mainstay.Denied) {
			t.Errorf("drafting: %v; want denied", err)
		}
		if _, err := w.service.Suggest(ctx, i.ID, "", ""); !mainstay.Is(err, mainstay.Denied) {
			t.Errorf("suggesting: %v; want denied", err)
		}
		// No word is owed.
		if c, _ := w.service.Cadence(ctx, i.ID); !c.Due.IsZero() {
			t.Errorf("a word is owed about it: %+v", c)
		}

	})
}

// What was drafted while the incident was not private is not published after it became so: publishing reads the flag again.
func TestWallWhenPublishing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.run(t)
		ctx := t.Context()
		in := communication.Input{Status: communication.Investigating, Title: "t", Body: "b", NextMinutes: 5, Components: map[string]communication.State{}}
		j := w.declare(t, "Login fails", mainstay.Sev2, false)
		in.Incident = j.ID
		w.engines.Settle(t)
		p, err := w.service.Draft(ctx, ana, in)
		if err != nil {
			t.Fatal(err)
		}
		j.Private = true
		if _, err := w.service.Publish(ctx, bert, p.ID); !mainstay.Is(err, mainstay.Denied) {
			t.Errorf("publishing: %v; want denied", err)
		}
		if err := w.service.Revise(ctx, bert, p.ID, in); !mainstay.Is(err, mainstay.Denied) {
			t.Errorf("revising: %v; want denied", err)
		}
	})
}

// What became private after it was published is hidden at once by the register, and taken down by the incident's next fact.
func TestWallAfterPublishing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.run(t)
		ctx := t.Context()
		in := communication.Input{Status: communication.Investigating, Title: "t", Body: "b", NextMinutes: 5, Components: map[string]communication.State{}}
		k := w.declare(t, "Search is slow", mainstay.Sev3, false)
		in.Incident = k.ID
		w.engines.Settle(t)
		p, err := w.service.Draft(ctx, ana, in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.service.Publish(ctx, ana, p.ID); !mainstay.Is(err, mainstay.Denied) {
			t.Errorf("its writer approved alone at sev-3: %v", err)
		}
		if _, err := w.service.Publish(ctx, bert, p.ID); err != nil {
			t.Fatal(err)
		}
		if len(w.site(t).Incidents) != 1 {
			t.Fatal("the published incident is not public")
		}
		ref := mainstay.Ref{Kind: mainstay.KindIncident, ID: k.ID}
		w.Commit(t, commit.Set{Objects: []commit.Object{{Ref: ref, Project: shop, Title: k.Title, Private: true, At: w.Clock.Now()}}})
		if l := w.site(t).Incidents; len(l) != 0 {
			t.Errorf("the register says private and the site shows %+v", l)
		}
		k.Private = true
		w.say(t, k, fact.ObjectChanged{Kind: "incident", Fields: []string{"private"}})
		w.engines.Settle(t)
		site, _, err := w.store.Site(ctx, w.Clock.Now())
		if err != nil || len(site.Incidents) != 0 {
			t.Errorf("the copy is not withheld: %+v, %v", site.Incidents, err)
		}
		if l, _ := w.service.Posts(ctx, communication.PostQuery{Incident: k.ID}); len(l) != 0 {
			t.Errorf("its updates are listed: %+v", l)
		}
		if o, err := w.Objects.Find(ctx, mainstay.KindPost, p.ID, ""); err != nil || !o.Private {
			t.Errorf("its update is in the register as %+v, %v", o, err)
		}
		if n := len(w.Facts(t, shop, "post.withdrawn")); n != 1 {
			t.Errorf("%d facts say that it was taken down; want 1", n)
		}
		// Not even the store writes it again.
		err = w.DB.Write(ctx, storage.Normal, func(ctx context.Context) error {
			return w.store.SavePublicIncident(ctx, communication.PublicIncident{ID: k.ID, Name: "x"})
		})
		if !mainstay.Is(err, mainstay.Denied) {
			t.Errorf("writing a withheld copy: %v; want denied", err)
		}
		k.Private = false
		p, err = w.service.Draft(ctx, ana, in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.service.Publish(ctx, bert, p.ID); !mainstay.Is(err, mainstay.Denied) {
			t.Errorf("publishing what was taken down: %v; want denied", err)
		}
	})
}

// Definitions are idempotent, groups come in any order, faults name the field.
func TestDefine(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		off := false
		spec := communication.ComponentSpec{Title: "Checkout", Description: "Paying", Group: "shop", Position: 2, Showcase: &off, StartDate: "2026-01-05"}
		w.component(t, "checkout", spec)
		again, err := w.service.Define(ctx, ana, shop, "checkout", spec)
		if err != nil || again {
			t.Errorf("the second time: changed %v, %v", again, err)
		}
		if changed, err := w.service.Define(ctx, ana, shop, "shop", communication.ComponentSpec{Title: "The shop", Group: "true"}); err != nil || !changed {
			t.Errorf("the group's own manifest: %v, %v", changed, err)
		}
		specs, err := w.service.Specs(ctx, shop)
		if err != nil || len(specs) != 2 {
			t.Fatalf("exported %v, %v", specs, err)
		}
		if got := specs["checkout"]; got.Group != "shop" || *got.Showcase || got.StartDate != "2026-01-05" || got.Position != 2 {
			t.Errorf("exported %+v", got)
		}
		for name, spec := range specs { // what is exported defines the same
			if changed, err := w.service.Define(ctx, ana, shop, name, spec); err != nil || changed {
				t.Errorf("%s: applying the export: changed %v, %v", name, changed, err)
			}
		}
		for field, bad := range map[string]communication.ComponentSpec{
			"title": {}, "group": {Title: "x", Group: "checkout"}, "service": {Title: "x", Service: "nothing"}, "startDate": {Title: "x", StartDate: "soon"},
		} {
			_, err := w.service.Define(ctx, ana, shop, "other", bad)
			if mainstay.ErrorFields(err)[field] == "" {
				t.Errorf("fault of %s: %v", field, err)
			}
		}
		if n := len(w.Facts(t, shop, "object.changed")); n != 3 {
			t.Errorf("%d facts; want one per change: 3", n)
		}
	})
}

// What Mainstay had prepared ends when users were told as much in other words; a request that comes late adds nothing.
func TestSuperseded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.run(t)
		ctx := t.Context()
		i := w.declare(t, "Search is slow", mainstay.Sev2, false)
		w.say(t, i, fact.PostWanted{Status: "investigating"})
		w.say(t, i, fact.PostWanted{Status: "resolved"})
		w.engines.Settle(t)
		w.Clock.Advance(time.Minute)
		in := communication.Input{Incident: i.ID, Status: communication.Identified, Title: "Search is slow", Body: "We know why.", NextMinutes: 20}
		p, err := w.service.Draft(ctx, ana, in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.service.Publish(ctx, ana, p.ID); err != nil {
			t.Fatal(err)
		}
		left, err := w.service.Posts(ctx, communication.PostQuery{Incident: i.ID, State: communication.Draft})
		if err != nil || len(left) != 1 || left[0].Status != communication.Resolved {
			t.Errorf("waiting: %+v, %v; want the last word alone", left, err)
		}
		w.say(t, i, fact.PostWanted{Status: "identified"})
		w.engines.Settle(t)
		if left, _ = w.service.Posts(ctx, communication.PostQuery{Incident: i.ID, State: communication.Draft}); len(left) != 1 {
			t.Errorf("a request for what was told at that moment drafted %+v", left)
		}
	})
}

// A component is set by hand; a window covers what is good or slow and never an outage.
func TestStates(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.run(t)
		ctx := t.Context()
		c := w.component(t, "mail", communication.ComponentSpec{Title: "Mails"})
		if err := w.service.SetState(ctx, ana, c.ID, communication.Degraded, ""); mainstay.ErrorFields(err)["reason"] == "" {
			t.Errorf("without a reason: %v", err)
		}
		if err := w.service.SetState(ctx, ana, c.ID, communication.UnderMaintenance, "x"); mainstay.ErrorFields(err)["state"] == "" {
			t.Errorf("maintenance by hand: %v", err)
		}
		if err := w.service.SetState(ctx, ana, c.ID, communication.Degraded, "the queue is long"); err != nil {
			t.Fatal(err)
		}
		window := mainstay.Ref{Kind: mainstay.KindWindow, ID: mainstay.NewID(w.Clock.Now())}
		public := fact.WindowPublic{
			Number: 1, Title: "Mail move", Text: "Mails may be late.", From: w.Clock.Now().Add(time.Hour), Until: w.Clock.Now().Add(2 * time.Hour),
			Components: []string{c.ID}, Status: "scheduled", Sequence: 1,
		}
		say := func(p fact.Payload) {
			w.Commit(t, commit.Set{Facts: []fact.Fact{fact.New(w.Clock.Now(), shop, ana, p, window)}})
			w.engines.Settle(t)
		}
		state := func() communication.State {
			c, err := w.service.Component(ctx, c.ID)
			if err != nil {
				t.Fatal(err)
			}
			return c.State()
		}
		say(fact.WindowScheduled{Number: 1, Public: public})
		if state() != communication.Degraded {
			t.Errorf("before the window: %s", state())
		}
		w.engines.Advance(t, time.Hour)
		public.Status, public.Sequence = "in_progress", 2
		say(fact.WindowStarted{Number: 1, Public: public})
		if state() != communication.UnderMaintenance {
			t.Errorf("in the window: %s", state())
		}
		if err := w.service.SetState(ctx, ana, c.ID, communication.MajorOutage, "it is gone"); err != nil {
			t.Fatal(err)
		}
		if state() != communication.MajorOutage {
			t.Errorf("an outage in the window: %s", state())
		}
		if err := w.service.SetState(ctx, ana, c.ID, communication.Operational, "it is back"); err != nil {
			t.Fatal(err)
		}
		public.Status, public.Sequence = "completed", 3
		say(fact.WindowCompleted{Number: 1, Public: public})
		public.Status, public.Sequence = "in_progress", 2
		say(fact.WindowStarted{Number: 1, Public: public}) // an old fact comes late: it changes nothing
		if state() != communication.Operational {
			t.Errorf("after the window: %s", state())
		}
		site := w.site(t)
		if len(site.Windows) != 1 || site.Windows[0].Status != "completed" || len(site.Windows[0].Updates) != 3 {
			t.Errorf("public windows: %+v", site.Windows)
		}
		if n := len(w.Facts(t, shop, "component.changed")); n != 5 {
			t.Errorf("%d changes of state in the journal; want 5", n)
		}
	})
}

// The first word is owed within five minutes at sev-1 and sev-2, and not below.
func TestFirstWord(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.run(t)
		i := w.declare(t, "All is down", mainstay.Sev1, false)
		j := w.declare(t, "A typo", mainstay.Sev4, false)
		w.engines.Settle(t)
		if c, _ := w.service.Cadence(t.Context(), i.ID); c.Due.Sub(w.Clock.Now()) != 5*time.Minute || !c.First {
			t.Errorf("sev-1 owes %+v", c)
		}
		if c, _ := w.service.Cadence(t.Context(), j.ID); !c.Due.IsZero() {
			t.Errorf("sev-4 owes %+v", c)
		}
		i.EndedAt = w.Clock.Now().Add(time.Minute)
		w.Clock.Advance(time.Minute)
		w.say(t, i, fact.IncidentResolved{})
		w.engines.Advance(t, time.Hour)
		if n := len(w.Facts(t, shop, "post.overdue")); n != 0 {
			t.Errorf("it was over before users were told anything: %d overdue words", n)
		}
	})
}

// An own template is linted, and releases its unchanged text by one person when it was approved beforehand.
func TestTemplates(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		bad := communication.TemplateSpec{Title: "Pay", Status: "investigating", Body: "We will be back in 10 minutes, {{foo}}"}
		if _, err := w.service.DefineTemplate(ctx, ana, shop, "pay", bad); mainstay.ErrorFields(err)["body"] == "" {
			t.Errorf("a bad template: %v", err)
		}
		good := communication.TemplateSpec{Title: "Pay", Status: "investigating", Body: "Paying does not work. More by {{next_update}}.", Approved: true}
		if changed, err := w.service.DefineTemplate(ctx, ana, shop, "pay", good); err != nil || !changed {
			t.Fatal(changed, err)
		}
		if changed, err := w.service.DefineTemplate(ctx, ana, shop, "pay", good); err != nil || changed {
			t.Errorf("again: %v, %v", changed, err)
		}
		i := w.declare(t, "Paying fails", mainstay.Sev3, false)
		p, err := w.service.Draft(ctx, ana, communication.Input{Incident: i.ID, Template: "pay", NextMinutes: 10})
		if err != nil {
			t.Fatal(err)
		}
		if p, err = w.service.Publish(ctx, ana, p.ID); err != nil {
			t.Fatal(err)
		}
		if p.Body != "Paying does not work. More by 03:10 UTC." {
			t.Errorf("published %q", p.Body)
		}
		if specs, err := w.service.TemplateSpecs(ctx, shop); err != nil || specs["pay"] != good {
			t.Errorf("exported %v, %v", specs, err)
		}
	})
}
