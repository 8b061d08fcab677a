package incident_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/practice/incident"
)

// Card payments fail at night. Ana declares it, hands over, the plan is walked, users are told, service comes back, it is
// closed. The journal tells it afterwards.
func TestTheWholeLifeOfAnIncident(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		ctx, by := t.Context(), mainstay.Person(ana)
		engines := w.start(t)
		i := w.declare(t)
		if i.Key() != "INC-1" || i.Plan.Name != "payments" || i.Plan.Version != 1 || len(i.Steps) != 3 || i.Holder("commander") != ana {
			t.Fatalf("declared: %+v", i)
		}
		if i.Cadence() != 20*time.Minute || i.Phases[incident.Acknowledged].IsZero() {
			t.Fatalf("cadence %v, phases %v", i.Cadence(), i.Phases)
		}
		o, err := w.Objects.Find(ctx, mainstay.KindIncident, "INC-1", "")
		must(t, err)
		if o.State != "open" || o.Labels["severity"] != "sev-1" {
			t.Fatalf("in the register: %+v", o)
		}

		engines.Advance(t, 2*time.Minute)
		_, err = w.FinishStep(ctx, by, i.ID, 1)
		must(t, err)
		_, err = w.FinishStep(ctx, by, i.ID, 1)
		code(t, err, mainstay.Conflict)
		_, err = w.Assign(ctx, by, i.ID, "communications", ines)
		must(t, err)
		_, err = w.Assign(ctx, by, i.ID, "cook", ines)
		code(t, err, mainstay.Invalid)
		_, err = w.Assign(ctx, by, i.ID, "commander", "")
		code(t, err, mainstay.Invalid)
		_, err = w.AddTask(ctx, by, i.ID, "Check refunds", tomasz)
		must(t, err)
		_, err = w.SetSeverity(ctx, by, i.ID, mainstay.Sev2)
		must(t, err)
		_, err = w.Retitle(ctx, by, i.ID, "Card payments fail at checkout")
		must(t, err)

		engines.Advance(t, 7*time.Minute)
		told := w.Clock.Now()
		w.Commit(t, commit.Set{Facts: []fact.Fact{fact.New(told, w.project, mainstay.Person(ines), fact.PostPublished{Status: "investigating", First: true},
			mainstay.Ref{Kind: mainstay.KindPost, ID: mainstay.NewID(told)}, i.Ref())}})
		engines.Settle(t)
		_, err = w.Mark(ctx, by, i.ID, incident.Mitigated, time.Time{})
		must(t, err)
		_, err = w.Mark(ctx, by, i.ID, incident.Mitigated, time.Time{})
		code(t, err, mainstay.Conflict)

		engines.Advance(t, 30*time.Minute)
		i, err = w.Incident(ctx, i.ID)
		must(t, err)
		if !i.Phases[incident.FirstWord].Equal(told) {
			t.Fatalf("first word at %v, want %v", i.Phases[incident.FirstWord], told)
		}
		if left := i.Left(); len(left) != 3 {
			t.Fatalf("left: %q", left)
		}
		w.end(t, i.ID)

		line, err := w.Timeline(ctx, i.ID)
		must(t, err)
		if len(line) < 15 || line[0].Who != "Ana Ruiz" || !strings.HasPrefix(line[0].Sentence, "declared the incident") {
			t.Fatalf("the journal tells %d lines, first %+v", len(line), line[0])
		}
	})
}

// end resolves an incident, finds that it was not over, resolves it again and closes it.
func (w *world) end(t *testing.T, id string) {
	t.Helper()
	ctx, by := t.Context(), mainstay.Person(ana)
	i, err := w.Resolve(ctx, by, id, w.Clock.Now().Add(-4*time.Minute))
	must(t, err)
	if i.State != incident.Resolved || !i.ResolvedAt.Equal(w.Clock.Now().Add(-4*time.Minute)) || !i.Phases[incident.Restored].Equal(i.ResolvedAt) {
		t.Fatalf("resolved: %+v", i)
	}
	resolved := w.Facts(t, w.project, "incident.resolved")
	p, ok := fact.As[fact.IncidentResolved](resolved[0])
	if !ok || p.Number != 1 || p.Title != "Card payments fail at checkout" || p.Severity != "sev-2" || len(p.Services) != 1 || p.StartedAt.IsZero() {
		t.Fatalf("the fact for the others: %+v", p)
	}
	if w.count(t, fact.PostWanted{}) != 1 {
		t.Fatal("the plan wants a last word, and nobody was asked for it")
	}

	_, err = w.Reopen(ctx, by, i.ID)
	must(t, err)
	_, err = w.Close(ctx, by, i.ID)
	code(t, err, mainstay.Conflict)
	_, err = w.Resolve(ctx, by, i.ID, time.Time{})
	must(t, err)
	i, err = w.Close(ctx, by, i.ID)
	must(t, err)
	if i.State != incident.Closed || i.Phases[incident.Ended].IsZero() {
		t.Fatalf("closed: %+v", i)
	}
	_, err = w.AddTask(ctx, by, i.ID, "Too late", "")
	code(t, err, mainstay.Conflict)
}

func TestAStepFallsOverdueOnce(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		engines := w.start(t)
		i := w.declare(t)
		engines.Advance(t, 4*time.Minute)
		if n := w.count(t, fact.IncidentStepOverdue{}); n != 0 {
			t.Fatalf("%d overdue too early", n)
		}
		engines.Advance(t, time.Minute)
		engines.Advance(t, time.Hour)
		facts := w.Facts(t, w.project, "incident.step_overdue")
		if len(facts) != 2 || !facts[0].At.Equal(i.Steps[0].Due) {
			t.Fatalf("two steps have times, and the facts are %+v", facts)
		}
		notices := w.Notices()
		if len(notices) != 2 || notices[0].Person != ana || notices[1].Person != ana {
			t.Fatalf("nobody else holds a role, so the commander is told: %+v", notices)
		}
		i, err := w.FinishStep(t.Context(), mainstay.Person(ana), i.ID, 1)
		must(t, err)
		if !i.Steps[0].Late(w.Clock.Now()) {
			t.Fatalf("done late: %+v", i.Steps[0])
		}
		p, _ := fact.As[fact.IncidentStepDone](w.Facts(t, w.project, "incident.step_done")[0])
		if !p.Late {
			t.Fatal("the fact does not say that it was late")
		}
	})
}

// The server was down while a step fell due: the fact happened when it was due, and was recorded when the server came back.
func TestAStepThatFellDueInDowntimeIsNoticedOnce(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		i := w.declare(t)
		w.Clock.Advance(10 * time.Minute)
		engines := w.start(t)
		engines.Settle(t)
		engines.Advance(t, time.Second)
		facts := w.Facts(t, w.project, "incident.step_overdue")
		if len(facts) != 1 || !facts[0].At.Equal(i.Steps[0].Due) || facts[0].Recorded.Sub(facts[0].At) != 5*time.Minute {
			t.Fatalf("facts: %+v", facts)
		}
	})
}

func TestADoneStepNeverFallsOverdueAndClosingEndsTheWait(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		ctx, by := t.Context(), mainstay.Person(ana)
		engines := w.start(t)
		i := w.declare(t)
		_, err := w.FinishStep(ctx, by, i.ID, 1)
		must(t, err)
		_, err = w.Resolve(ctx, by, i.ID, time.Time{})
		must(t, err)
		_, err = w.Close(ctx, by, i.ID)
		must(t, err)
		engines.Advance(t, time.Hour)
		if n := w.count(t, fact.IncidentStepOverdue{}); n != 0 {
			t.Fatalf("%d steps fell overdue in a closed incident", n)
		}
	})
}

// What is owed after the end is not forgotten at the end: a resolved incident's steps still fall overdue.
func TestStepsGoOnAfterResolving(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		engines := w.start(t)
		i := w.declare(t)
		_, err := w.Resolve(t.Context(), mainstay.Person(ana), i.ID, time.Time{})
		must(t, err)
		engines.Advance(t, 20*time.Minute)
		if n := w.count(t, fact.IncidentStepOverdue{}); n != 2 {
			t.Fatalf("%d of 2 steps fell overdue", n)
		}
	})
}

func TestSkippingNeedsAReasonThatIsKept(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		ctx, by := t.Context(), mainstay.Person(ana)
		i := w.declare(t)
		_, err := w.SkipStep(ctx, by, i.ID, 3, "  ")
		code(t, err, mainstay.Invalid)
		if mainstay.ErrorFields(err)["reason"] == "" {
			t.Fatalf("the fault is not at the field: %v", err)
		}
		_, err = w.SkipStep(ctx, by, i.ID, 9, "no such step")
		code(t, err, mainstay.NotFound)
		i, err = w.SkipStep(ctx, by, i.ID, 3, "Northgate is green, and only our **new version** fails.")
		must(t, err)
		if i.Steps[2].State != incident.Skipped || i.Steps[2].Note == "" {
			t.Fatalf("skipped: %+v", i.Steps[2])
		}
		f := w.Facts(t, w.project, "incident.step_skipped")[0]
		if strings.Contains(string(f.Payload), "Northgate") {
			t.Fatalf("free text in a fact: %s", f.Payload)
		}
		line, err := w.Timeline(ctx, i.ID)
		must(t, err)
		last := line[len(line)-1]
		if last.NoteKind != "skip" || !strings.Contains(last.HTML, "<strong>new version</strong>") {
			t.Fatalf("the timeline shows %+v", last)
		}
	})
}

func TestTheTimelineHasTwoClocks(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		ctx, by := t.Context(), mainstay.Person(ana)
		i := w.declare(t)
		w.Clock.Advance(20 * time.Minute)
		_, err := w.AddNote(ctx, by, i.ID, "", "seen just now", time.Time{})
		must(t, err)
		w.Clock.Advance(time.Minute)
		earlier := w.Clock.Now().Add(-11 * time.Minute)
		_, err = w.AddNote(ctx, by, i.ID, incident.NoteDecision, "decided earlier", earlier)
		must(t, err)
		_, err = w.AddNote(ctx, by, i.ID, "", "tomorrow", w.Clock.Now().Add(time.Hour))
		code(t, err, mainstay.Invalid)
		_, err = w.AddNote(ctx, by, i.ID, "", " ", time.Time{})
		code(t, err, mainstay.Invalid)
		line, err := w.Timeline(ctx, i.ID)
		must(t, err)
		n := len(line)
		first, second := line[n-2], line[n-1]
		if first.Markdown != "decided earlier" || !first.At.Equal(earlier) || !first.Late() || second.Markdown != "seen just now" || second.Late() {
			t.Fatalf("the order of happening: %+v then %+v", first, second)
		}
	})
}

func TestPlanEditsDoNotTouchRunningIncidents(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		ctx, by := t.Context(), mainstay.Person(ana)
		i := w.declare(t)
		spec := payments()
		changed, err := w.Define(ctx, by, w.project, "payments", spec)
		if err != nil || changed {
			t.Fatalf("defining the same again: changed %v, %v", changed, err)
		}
		spec.Steps = spec.Steps[:1]
		changed, err = w.Define(ctx, by, w.project, "payments", spec)
		if err != nil || !changed {
			t.Fatalf("defining another version: changed %v, %v", changed, err)
		}
		i, err = w.Incident(ctx, i.ID)
		must(t, err)
		if i.Plan.Version != 1 || len(i.Plan.Spec.Steps) != 3 || len(i.Steps) != 3 {
			t.Fatalf("the running incident changed: %+v", i.Plan)
		}
		versions, err := w.Versions(ctx, i.Plan.ID)
		must(t, err)
		if len(versions) != 2 || versions[0].Version != 2 || len(versions[1].Spec.Steps) != 3 {
			t.Fatalf("versions: %+v", versions)
		}
		specs, err := w.Specs(ctx, w.project)
		must(t, err)
		if len(specs["payments"].Steps) != 1 {
			t.Fatalf("export: %+v", specs)
		}
		facts := w.Facts(t, w.project, "object.changed")
		last, _ := fact.As[fact.ObjectChanged](facts[len(facts)-1])
		if last.Revision != 2 || len(last.Fields) != 1 || last.Fields[0] != "steps" {
			t.Fatalf("the fact says %+v", last)
		}
		spec.Steps[0].Role, spec.Services = "cook", []string{"warehouse"}
		_, err = w.Define(ctx, by, w.project, "payments", spec)
		f := mainstay.ErrorFields(err)
		if f["steps[0].role"] == "" || f["services"] == "" {
			t.Fatalf("faults: %v", err)
		}
	})
}

// Two alerts' facts may ask for an incident, and each is handed over at least once.
func TestOneRequestMakesOneIncident(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		ctx, now := t.Context(), w.Clock.Now()
		w.onCall = tomasz
		alert := mainstay.Ref{Kind: mainstay.KindAlert, ID: mainstay.NewID(now)}
		w.alerts[alert.ID] = incident.Alert{Number: 7, Title: "Card failure ratio above 5 %", Project: w.project, Service: w.services["checkout"], StartsAt: now.Add(-2 * time.Minute)}
		wanted := fact.New(now, w.project, mainstay.System("warning"), fact.IncidentWanted{Severity: "sev-2"}, alert)
		handle := w.Subscribers()[0].Handle
		for range 2 {
			must(t, handle(ctx, []fact.Fact{wanted}))
		}
		again := fact.New(now, w.project, mainstay.System("warning"), fact.IncidentWanted{Severity: "sev-2"}, alert)
		must(t, handle(ctx, []fact.Fact{again}))
		open, err := w.Open(ctx, w.project)
		must(t, err)
		if len(open) != 1 {
			t.Fatalf("%d incidents of one alert", len(open))
		}
		i := open[0]
		if i.Title != "Card failure ratio above 5 %" || i.Holder("commander") != tomasz || i.Services[0] != w.services["checkout"] ||
			!i.Phases[incident.Detected].Equal(now.Add(-2*time.Minute)) || !i.StartedAt().Equal(now.Add(-2*time.Minute)) ||
			!i.Phases[incident.Acknowledged].IsZero() {
			t.Fatalf("declared from the alert: %+v", i)
		}
		if w.count(t, fact.IncidentDeclared{}) != 1 {
			t.Fatal("declared more than once")
		}
	})
}

func TestARequestThatCannotBeServedIsAnswered(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		wanted := fact.New(w.Clock.Now(), w.project, mainstay.System("warning"), fact.IncidentWanted{Title: "Search is slow", Plan: "no-such-plan"})
		must(t, w.Subscribers()[0].Handle(t.Context(), []fact.Fact{wanted}))
		p, ok := fact.As[fact.IncidentRefused](w.Facts(t, w.project, "incident.refused")[0])
		if !ok || p.Request != wanted.ID || !strings.Contains(p.Reason, "no-such-plan") {
			t.Fatalf("the answer: %+v", p)
		}
	})
}

// A page belongs to the incident of its alert, whichever came first; its acknowledgement is the incident's.
func TestPagesOfLinkedAlertsAreFollowed(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		ctx, now := t.Context(), w.Clock.Now()
		engines := w.start(t)
		alert := mainstay.Ref{Kind: mainstay.KindAlert, ID: mainstay.NewID(now)}
		page := mainstay.Ref{Kind: mainstay.KindPage, ID: mainstay.NewID(now)}
		late := mainstay.Ref{Kind: mainstay.KindPage, ID: mainstay.NewID(now)}
		w.alerts[alert.ID] = incident.Alert{Title: "Cards fail", Project: w.project, StartsAt: now}
		system := mainstay.System("escalation")
		w.Commit(t, commit.Set{Facts: []fact.Fact{fact.New(now, w.project, system, fact.PageOpened{Number: 1}, page, alert)}})
		i, err := w.Declare(ctx, mainstay.System("warning"), incident.Declaration{Severity: mainstay.Sev2, Links: []mainstay.Ref{alert}})
		must(t, err)
		if len(i.Links) != 2 || i.Project != w.project || i.Holder("commander") != "" {
			t.Fatalf("the page of the alert: %+v", i)
		}
		engines.Advance(t, time.Minute)
		acked := w.Clock.Now()
		w.Commit(t, commit.Set{Facts: []fact.Fact{
			fact.New(acked, w.project, mainstay.Person(tomasz), fact.PageAcknowledged{Via: "mail"}, page),
			fact.New(acked, w.project, system, fact.PageOpened{Number: 2}, late, alert),
		}})
		engines.Settle(t)
		i, err = w.Incident(ctx, i.ID)
		must(t, err)
		if !i.Phases[incident.Acknowledged].Equal(acked) || i.Holder("commander") != tomasz || len(i.Links) != 3 {
			t.Fatalf("after the acknowledgement: %+v", i)
		}
		line, err := w.Timeline(ctx, i.ID)
		must(t, err)
		var seen bool
		for _, e := range line {
			seen = seen || e.Kind == "page.acknowledged" && e.Who == "Tomasz Bielak"
		}
		if !seen {
			t.Fatalf("the page's facts are missing in %+v", line)
		}
	})
}

func TestAPrivateIncidentIsKnownOnlyToThoseInIt(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		ctx, by := t.Context(), mainstay.Person(ana)
		i, err := w.Declare(ctx, by, incident.Declaration{Project: w.project, Title: "Customer data on a public bucket", Severity: mainstay.Sev1, Private: true})
		must(t, err)
		_, err = w.AddTask(ctx, by, i.ID, "Close the bucket of Acme", "")
		must(t, err)
		_, err = w.Assign(ctx, by, i.ID, "scribe", ines)
		must(t, err)
		list := func(person string, manages ...string) int {
			t.Helper()
			p, err := w.List(ctx, incident.Query{Hide: true, Viewer: person, Manages: manages})
			must(t, err)
			return len(p.Items)
		}
		if list(ana) != 1 || list(ines) != 1 || list(tomasz) != 0 || list("") != 0 || list(tomasz, w.project) != 1 {
			t.Fatalf("seen by ana %d, ines %d, tomasz %d, a token %d, a manager %d", list(ana), list(ines), list(tomasz), list(""), list(tomasz, w.project))
		}
		i, err = w.Incident(ctx, i.ID)
		must(t, err)
		if i.VisibleTo(tomasz, false) || i.VisibleTo("", false) || !i.VisibleTo(ines, false) || !i.VisibleTo(tomasz, true) {
			t.Fatal("the page and the list disagree")
		}
		for _, f := range w.Facts(t, w.project) {
			if s := string(f.Payload); strings.Contains(s, "bucket") || strings.Contains(s, "Acme") {
				t.Fatalf("the journal tells: %s", s)
			}
		}
		o, err := w.Objects.Find(ctx, mainstay.KindIncident, i.Key(), "")
		if err != nil || !o.Private {
			t.Fatalf("in the register: %+v, %v", o, err)
		}
		knows := func(person string) bool {
			t.Helper()
			known, err := w.Objects.Known(ctx, person)
			must(t, err)
			return slices.Contains(known, i.ID)
		}
		if !knows(ana) || !knows(ines) || knows(tomasz) || knows("") {
			t.Fatal("the register and the page disagree")
		}
		_, err = w.Assign(ctx, by, i.ID, "scribe", tomasz)
		must(t, err)
		if knows(ines) || !knows(tomasz) {
			t.Fatal("the register does not follow the roles")
		}
	})
}

// Many people press buttons at once: each command is applied to what the one before left, and of two that exclude each other
// one wins.
func TestCommandsAtTheSameMoment(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		ctx, i := t.Context(), w.declare(t)
		var wg sync.WaitGroup
		var mu sync.Mutex
		won, lost := 0, 0
		for n := range 8 {
			wg.Go(func() {
				person := mainstay.Person([]string{ana, tomasz, ines}[n%3])
				_, err := w.FinishStep(ctx, person, i.ID, 1)
				_, other := w.AddTask(ctx, person, i.ID, "Look at the logs", "")
				mu.Lock()
				defer mu.Unlock()
				switch {
				case other != nil:
					t.Error(other)
				case err == nil:
					won++
				case mainstay.Is(err, mainstay.Conflict):
					lost++
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		i, err := w.Incident(ctx, i.ID)
		must(t, err)
		if won != 1 || lost != 7 || len(i.Tasks) != 8 || w.count(t, fact.IncidentStepDone{}) != 1 {
			t.Fatalf("won %d, lost %d, %d tasks", won, lost, len(i.Tasks))
		}
	})
}

func TestNothingIsSavedWhenAUseCaseFailsHalfway(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		i := w.declare(t)
		before := len(w.Facts(t, w.project))
		failed := errors.New("power cut")
		err := w.DB.Write(t.Context(), 0, func(ctx context.Context) error {
			if _, err := w.FinishStep(ctx, mainstay.Person(ana), i.ID, 1); err != nil {
				return err
			}
			return failed
		})
		if !errors.Is(err, failed) || len(w.Facts(t, w.project)) != before {
			t.Fatalf("%v, %d facts more", err, len(w.Facts(t, w.project))-before)
		}
	})
}

func TestDeclaringSaysWhatIsWrongFieldByField(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		_, err := w.Declare(t.Context(), mainstay.Person(ana), incident.Declaration{Severity: "sev-9", StartedAt: w.Clock.Now().Add(time.Hour)})
		f := mainstay.ErrorFields(err)
		for _, field := range []string{"title", "severity", "project", "started"} {
			if f[field] == "" {
				t.Errorf("no fault at %s: %v", field, err)
			}
		}
		_, err = w.Declare(t.Context(), mainstay.Person(ana), incident.Declaration{Project: w.project, Title: "x", Severity: mainstay.Sev1, Services: []string{"nope"}})
		if mainstay.ErrorFields(err)["services"] == "" {
			t.Errorf("unknown service: %v", err)
		}
	})
}

func TestListsPageNewestFirst(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		ctx, by := t.Context(), mainstay.Person(ana)
		for range 5 {
			_, err := w.Declare(ctx, by, incident.Declaration{Project: w.project, Title: "Search is slow", Severity: mainstay.Sev3, Services: []string{w.services["search"]}})
			must(t, err)
		}
		var numbers []int64
		q := incident.Query{Projects: []string{w.project}, Service: w.services["search"], Severity: mainstay.Sev3, Limit: 2}
		for {
			p, err := w.List(ctx, q)
			must(t, err)
			for _, i := range p.Items {
				numbers = append(numbers, i.Number)
			}
			if q.Cursor = p.Next; q.Cursor == "" {
				break
			}
		}
		if len(numbers) != 5 || numbers[0] != 5 || numbers[4] != 1 {
			t.Fatalf("numbers %v", numbers)
		}
		_, err := w.List(ctx, incident.Query{Cursor: "1; DROP TABLE incident"})
		code(t, err, mainstay.Invalid)
	})
}
