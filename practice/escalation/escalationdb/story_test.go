package escalationdb_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/practice/escalation"
)

func TestAPageClimbsItsPolicyUntilSomebodyHasIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.standard(t)
		run := w.engines(t)
		w.want(t, "default", "Card payments fail", alert("a1"))
		run.Settle(t)
		same(t, "at once", w.told(), []string{"ana page"})
		same(t, "facts", w.kinds(t), []string{"page.opened", "page.stepped"})
		p := w.page(t)
		if p.Key() != "PAG-1" || p.Step != 1 || p.State != escalation.Open || !p.NextAt.Equal(w.Clock.Now().Add(5*time.Minute)) {
			t.Errorf("after the opening: %+v", p)
		}
		if why := p.Log[0].Reached[0].Why; why != "schedule primary, layer week, turn of Mon 16 Mar 09:00 until Mon 23 Mar 09:00 CET" {
			t.Errorf("why ana: %q", why)
		}

		run.Advance(t, 5*time.Minute)
		same(t, "second step", w.told(), []string{"ana page", "lena page"})
		run.Advance(t, 9*time.Minute)
		same(t, "still waiting", w.told(), []string{"ana page", "lena page"})
		run.Advance(t, time.Minute)
		same(t, "the round again", w.told(), []string{"ana page", "lena page", "ana page"})
		if p = w.page(t); p.Step != 1 || p.Repeat != 1 {
			t.Errorf("in the second round: step %d, repeat %d", p.Step, p.Repeat)
		}

		p, changed, err := w.Acknowledge(t.Context(), mainstay.Person(w.person["lena"]), p.ID, escalation.ViaWeb)
		if err != nil || !changed || p.State != escalation.Acknowledged {
			t.Fatalf("acknowledging: %v %v %s", changed, err, p.State)
		}
		if timers(t, w) != 0 {
			t.Error("a page that somebody has leaves no timer")
		}
		p, changed, err = w.Acknowledge(t.Context(), mainstay.Person(w.person["ana"]), p.ID, escalation.ViaAPI)
		if err != nil || changed || p.AckedBy.ID != w.person["lena"] {
			t.Errorf("the second one is told who has it: %v %v %v", changed, err, p.AckedBy)
		}
		run.Advance(t, time.Hour)
		same(t, "quiet", w.told(), []string{"ana page", "lena page", "ana page"})

		w.Commit(t, commit.Set{Facts: []fact.Fact{fact.New(w.Clock.Now(), w.project, mainstay.System("warning"), fact.AlertResolved{}, alert("a1"))}})
		run.Settle(t)
		same(t, "told that it is over", w.told()[3:], []string{"ana page.resolved", "lena page.resolved"})
		same(t, "facts", w.kinds(t), []string{"page.opened", "page.stepped", "page.stepped", "page.stepped", "page.acknowledged", "page.resolved"})
		if p = w.page(t); p.State != escalation.Resolved || p.EndReason != "the alert ended" {
			t.Errorf("at the end: %s, %s", p.State, p.EndReason)
		}
	})
}

func TestTheNoticeCarriesWhatIsNeededAtThreeInTheMorning(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.standard(t)
		run := w.engines(t)
		w.want(t, "default", "Card payments fail", alert("a1"))
		run.Settle(t)
		n := w.Notices()[0]
		d := w.dataOf(t, n)
		if d.Title != "Card payments fail" || d.Number != "PAG-1" || d.Severity != "sev-1" || d.Project != "Harbour" || d.Service != "Checkout" ||
			d.URL != "/pages/PAG-1" || d.Step != 1 || d.Policy != "default" || !strings.HasPrefix(d.Why, "schedule primary") {
			t.Errorf("data: %+v", d)
		}
		p := w.page(t)
		if want := "page:" + p.ID + ":1:0:" + w.person["ana"] + ":page"; n.Key != want || !n.Urgent || n.Subject != p.Ref() {
			t.Errorf("notice %+v", n)
		}
		token := strings.TrimPrefix(d.AckURL, "/pages/"+p.ID+"/ack?token=")
		if who, err := w.Bearer(t.Context(), p.ID, token); err != nil || who != w.person["ana"] {
			t.Errorf("the token names ana: %q %v", who, err)
		}
		if _, err := w.Bearer(t.Context(), "another", token); !mainstay.Is(err, mainstay.Denied) {
			t.Errorf("for another page: %v", err)
		}
		if _, err := w.Bearer(t.Context(), p.ID, token[:len(token)-2]+"xx"); !mainstay.Is(err, mainstay.Denied) {
			t.Errorf("altered: %v", err)
		}
		if _, _, err := w.AcknowledgeByToken(t.Context(), p.ID, token); err != nil {
			t.Fatal(err)
		}
		if p = w.page(t); p.AckedBy != mainstay.Person(w.person["ana"]) || p.AckedVia != escalation.ViaMail {
			t.Errorf("acknowledged by %v via %s", p.AckedBy, p.AckedVia)
		}
		w.Clock.Advance(8 * 24 * time.Hour)
		if _, err := w.Bearer(t.Context(), p.ID, token); !mainstay.Is(err, mainstay.Gone) {
			t.Errorf("after a week: %v", err)
		}
	})
}

func TestOneRequestOpensOnePageHoweverOftenItComes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.standard(t)
		f := fact.New(w.Clock.Now(), w.project, mainstay.System("warning"), fact.PageWanted{Policy: "default", Title: "Down"}, alert("a1"))
		for range 3 {
			must(t, w.Subscribers()[0].Handle(t.Context(), []fact.Fact{f}))
		}
		same(t, "once", w.told(), []string{"ana page"})
		again := fact.New(w.Clock.Now(), w.project, mainstay.System("warning"), fact.PageWanted{Policy: "default", Title: "Down again"}, alert("a1"), alert("a2"))
		for range 2 {
			must(t, w.Subscribers()[0].Handle(t.Context(), []fact.Fact{again}))
		}
		same(t, "a second request joins", w.told(), []string{"ana page"})
		same(t, "and is recorded", w.kinds(t), []string{"page.opened", "page.stepped", "page.joined"})

		// The page ends when everything that it is about has.
		end := func(id string) {
			must(t, w.Subscribers()[0].Handle(t.Context(), []fact.Fact{
				fact.New(w.Clock.Now(), w.project, mainstay.System("warning"), fact.AlertResolved{}, alert(id)),
			}))
		}
		end("a1")
		if p := w.page(t); p.State != escalation.Open {
			t.Errorf("a2 lasts, the page is %s", p.State)
		}
		end("a2")
		end("a2")
		if p := w.page(t); p.State != escalation.Resolved {
			t.Errorf("all ended, the page is %s", p.State)
		}
		must(t, w.Subscribers()[0].Handle(t.Context(), []fact.Fact{
			fact.New(w.Clock.Now(), w.project, mainstay.System("warning"), fact.PageWanted{Policy: "default", Title: "Down"}, alert("a1")),
		}))
		if p := w.page(t); p.Number != 2 {
			t.Errorf("afterwards a new page opens, got %s", p.Key())
		}
	})
}

func TestWhoCannotBeReachedIsNamedAndTheNextStepComesAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.schedule(t, "primary", weekly("ana"))
		spec := weekly("ana")
		spec.Layers[0].Restrictions = []string{"Sat,Sun"}
		w.schedule(t, "weekend", spec)
		_, _, err := w.people.ChangeTeam(t.Context(), admin, "", func(x *people.Team) error { x.Name = "empty"; return nil })
		must(t, err)
		w.policy(t, "default", escalation.PolicySpec{Steps: []escalation.StepSpec{
			{Targets: []string{"schedule:weekend", "team:empty"}},
			{Delay: "5m", Targets: []string{"schedule:primary", "person:ana"}},
			{Delay: "5m", Targets: []string{"person:lena", "person:samir"}},
		}})
		must(t, w.people.SetActive(t.Context(), admin, w.person["ana"], false))
		run := w.engines(t)
		w.want(t, "default", "Down", alert("a1"))
		run.Settle(t)
		same(t, "the third step at once", w.told(), []string{"lena page", "samir page"})
		p := w.page(t)
		if len(p.Log) != 3 || p.Step != 3 {
			t.Fatalf("steps: %+v", p.Log)
		}
		var missed []string
		for _, l := range p.Log {
			for _, m := range l.Missed {
				missed = append(missed, m.Target+": "+m.Why)
			}
		}
		same(t, "who was not reached and why", missed, []string{
			"schedule:weekend: nobody is on call", "team:empty: the team has no members",
			"schedule:primary: the account is deactivated", "person:ana: the account is deactivated",
		})
		run.Advance(t, 5*time.Minute)
		if p = w.page(t); p.State != escalation.Exhausted || timers(t, w) != 0 {
			t.Errorf("the policy ended: %s, %d timers", p.State, timers(t, w))
		}
		same(t, "facts", w.kinds(t), []string{"page.opened", "page.stepped", "page.stepped", "page.stepped", "page.exhausted"})
	})
}

func TestAPageThatReachesNobodyAtAllSaysSoAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(t, "default", escalation.PolicySpec{Steps: []escalation.StepSpec{{Targets: []string{"person:ana"}}}})
		must(t, w.people.SetActive(t.Context(), admin, w.person["ana"], false))
		run := w.engines(t)
		w.want(t, "", "Down", alert("a1"))
		w.want(t, "gone", "Down too", alert("a2"))
		run.Settle(t)
		same(t, "nobody", w.told(), nil)
		for _, ref := range []mainstay.Ref{alert("a1"), alert("a2")} { // no policy and an unknown one fall back to default
			list, err := w.PagesFor(t.Context(), ref)
			must(t, err)
			if len(list) != 1 || list[0].State != escalation.Exhausted || list[0].Policy.Name != "default" {
				t.Errorf("%s: %+v", ref, list)
			}
		}
		// Once somebody can be reached, a person sends it round again.
		must(t, w.people.SetActive(t.Context(), admin, w.person["ana"], true))
		p := w.page(t)
		p, changed, err := w.Escalate(t.Context(), mainstay.Person(w.person["lena"]), p.ID, p.Step, p.Repeat)
		if err != nil || !changed || p.State != escalation.Open || p.Repeat != 1 {
			t.Fatalf("again: %v %v %+v", changed, err, p)
		}
		same(t, "paged after all", w.told(), []string{"ana page"})
	})
}

func TestWithoutAnyPolicyTheRequestIsRefusedVisibly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		run := w.engines(t)
		w.want(t, "gone", "Down", alert("a1"))
		run.Settle(t)
		same(t, "facts", w.kinds(t), []string{"page.opened", "page.refused"})
		p := w.page(t)
		if p.State != escalation.Exhausted || p.EndReason != `there is no policy "gone", and none called default` {
			t.Errorf("%s: %s", p.State, p.EndReason)
		}
		if _, _, err := w.Escalate(t.Context(), admin, p.ID, escalation.AnyStep, 0); !mainstay.Is(err, mainstay.Conflict) {
			t.Errorf("there is nothing to escalate to: %v", err)
		}
	})
}

func TestEscalatingNowAndStaleClicks(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.standard(t)
		run := w.engines(t)
		w.want(t, "default", "Down", alert("a1"))
		run.Settle(t)
		p := w.page(t)
		samir := mainstay.Person(w.person["samir"])
		if _, changed, err := w.Escalate(t.Context(), samir, p.ID, 1, 0); err != nil || !changed {
			t.Fatalf("escalating: %v %v", changed, err)
		}
		same(t, "lena now", w.told(), []string{"ana page", "lena page"})
		if _, changed, err := w.Escalate(t.Context(), samir, p.ID, 1, 0); err != nil || changed {
			t.Errorf("a click on what was seen before does nothing: %v %v", changed, err)
		}
		if timers(t, w) != 1 {
			t.Errorf("the timer stands after a stale click: %d", timers(t, w))
		}
		// The timer of the first step's wait is stale: at its time nothing happens.
		run.Advance(t, 5*time.Minute)
		same(t, "nothing at 5 min", w.told(), []string{"ana page", "lena page"})
		run.Advance(t, 5*time.Minute)
		same(t, "the round after 10 min", w.told(), []string{"ana page", "lena page", "ana page"})
		// Somebody has it, and needs help: it asks again.
		_, _, err := w.Acknowledge(t.Context(), samir, p.ID, escalation.ViaWeb)
		must(t, err)
		p, _, err = w.Escalate(t.Context(), samir, p.ID, escalation.AnyStep, 0)
		must(t, err)
		if p.State != escalation.Open || !p.Acked.IsZero() {
			t.Errorf("sent on, it is %s", p.State)
		}
		if _, changed, err := w.Resolve(t.Context(), samir, p.ID); err != nil || !changed {
			t.Fatal(err)
		}
		if _, changed, err := w.Resolve(t.Context(), samir, p.ID); err != nil || changed {
			t.Errorf("ending twice: %v %v", changed, err)
		}
		if _, _, err := w.Escalate(t.Context(), samir, p.ID, escalation.AnyStep, 0); !mainstay.Is(err, mainstay.Conflict) {
			t.Errorf("escalating what is over: %v", err)
		}
		if timers(t, w) != 0 {
			t.Error("a page that is over leaves a timer")
		}
	})
}

func TestAStepMissedWhileTheServerWasDownIsTakenOnceAndMarkedLate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.standard(t)
		f := fact.New(w.Clock.Now(), w.project, mainstay.System("warning"), fact.PageWanted{Policy: "default", Title: "Down"}, alert("a1"))
		must(t, w.Subscribers()[0].Handle(t.Context(), []fact.Fact{f}))
		w.Clock.Advance(3 * time.Hour) // nobody watches
		run := w.engines(t)
		run.Settle(t)
		same(t, "one step", w.told(), []string{"ana page", "lena page"})
		p := w.page(t)
		if p.Log[0].Late || !p.Log[1].Late {
			t.Errorf("the second step came late: %+v", p.Log)
		}
		if !p.NextAt.Equal(w.Clock.Now().Add(10 * time.Minute)) {
			t.Errorf("the next counts from now: %s", p.NextAt)
		}
	})
}

func TestAPageKeepsThePolicyThatItWasOpenedWith(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.standard(t)
		run := w.engines(t)
		w.want(t, "default", "Down", alert("a1"))
		run.Settle(t)
		w.policy(t, "default", escalation.PolicySpec{Steps: []escalation.StepSpec{{Targets: []string{"person:priya"}}}})
		run.Advance(t, 5*time.Minute)
		same(t, "lena as before", w.told(), []string{"ana page", "lena page"})
		w.want(t, "default", "Down", alert("a2"))
		run.Settle(t)
		same(t, "the new one for new pages", w.told()[2:], []string{"priya page"})
	})
}

// Whoever comes first, exactly one of the two happens: the acknowledgement keeps the step from being taken, or comes after it.
func TestAnAcknowledgementRacingAStepHasOneOutcome(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.standard(t)
		for range 50 {
			ref := alert(mainstay.NewID(w.Clock.Now()))
			f := fact.New(w.Clock.Now(), w.project, mainstay.System("warning"), fact.PageWanted{Policy: "default", Title: "Down"}, ref)
			must(t, w.Subscribers()[0].Handle(t.Context(), []fact.Fact{f}))
			p := w.page(t)
			w.Clock.Advance(5 * time.Minute)
			due, err := w.Env.Timers.Upcoming(t.Context(), w.Clock.Now().Add(time.Second), 1000)
			must(t, err)
			var both sync.WaitGroup
			both.Go(func() {
				for _, d := range due {
					if d.Subject != p.ID {
						continue
					}
					if _, err := w.Env.Timers.Fire(t.Context(), d, func(ctx context.Context) error {
						return w.Service.Timers()[d.Kind](ctx, firing(d, w.Clock.Now()))
					}); err != nil {
						t.Error(err)
					}
				}
			})
			both.Go(func() {
				if _, _, err := w.Acknowledge(t.Context(), mainstay.Person(w.person["ana"]), p.ID, escalation.ViaWeb); err != nil {
					t.Error(err)
				}
			})
			both.Wait()
			after := w.page(t)
			if after.State != escalation.Acknowledged || len(after.Log) > 2 {
				t.Fatalf("after the race: %s, %d steps", after.State, len(after.Log))
			}
			told := 0
			for _, n := range w.Notices() {
				if n.Subject == p.Ref() {
					told++
				}
			}
			if told != len(after.Log) {
				t.Fatalf("%d steps and %d messages", len(after.Log), told)
			}
		}
		// No timer that was left behind does anything.
		before := len(w.Notices())
		run := w.engines(t)
		run.Advance(t, 24*time.Hour)
		if n := len(w.Notices()); n != before {
			t.Errorf("stale timers sent %d messages", n-before)
		}
	})
}

func TestManyAcknowledgeAtOnceAndOneHasIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.standard(t)
		run := w.engines(t)
		w.want(t, "default", "Down", alert("a1"))
		run.Settle(t)
		p := w.page(t)
		var wg sync.WaitGroup
		var mu sync.Mutex
		firsts := 0
		for _, id := range w.person {
			for range 5 {
				wg.Go(func() {
					_, changed, err := w.Acknowledge(t.Context(), mainstay.Person(id), p.ID, escalation.ViaWeb)
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						t.Error(err)
					}
					if changed {
						firsts++
					}
				})
			}
		}
		wg.Wait()
		if firsts != 1 {
			t.Errorf("%d had it first", firsts)
		}
		if n := len(w.Facts(t, w.project, "page.acknowledged")); n != 1 {
			t.Errorf("%d facts", n)
		}
	})
}

// firing is how the engine hands a timer over.
func firing(d timer.Timer, now time.Time) timer.Firing {
	return timer.Firing{Timer: d, Now: now, Late: now.Sub(d.Due) > time.Second}
}
