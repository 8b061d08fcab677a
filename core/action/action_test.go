package action_test

import (
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/action/actiondb"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

const (
	harbour = "0197f000-0000-7000-8000-000000000001"
	ana     = "0197f000-0000-7000-8000-0000000000a1"
	tomasz  = "0197f000-0000-7000-8000-0000000000b2"
)

func setup(t *testing.T, e *mainstaytest.Env) *action.Service {
	t.Helper()
	store := actiondb.New(e.DB, e.Saver, e.Objects)
	s, err := action.New(action.Config{Store: store, Time: e.Clock})
	if err != nil {
		t.Fatal(err)
	}
	e.Saver.Extend(e.KeepNotices, store.SaveActions)
	return s
}

func on(t *testing.T, f func(t *testing.T, e *mainstaytest.Env, s *action.Service)) {
	t.Helper()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) { f(t, e, setup(t, e)) }, actiondb.Migrations())
}

func code(t *testing.T, err error, want mainstay.Code) {
	t.Helper()
	if mainstay.ErrorCode(err) != want {
		t.Fatalf("got the error %v, want the code %q", err, want)
	}
}

// An incident's analysis asks Tomasz for a fix. He accepts, does it, it is put in place, and Ana sees that it works.
func TestAnActionEndsAtProvenEffect(t *testing.T) {
	on(t, func(t *testing.T, e *mainstaytest.Env, s *action.Service) {
		ctx, now := t.Context(), e.Clock.Now()
		origin := mainstay.Ref{Kind: mainstay.KindRootCause, ID: mainstay.NewID(now)}
		row := commit.Action{
			ID: mainstay.NewID(now), Project: harbour, Kind: "corrective", Title: "Bound the retries of checkout",
			Owner: tomasz, Due: now.Add(72 * time.Hour), Origin: origin, Proof: "Replay the outage in a drill.",
			By: mainstay.Person(ana), At: now,
		}
		e.Commit(t, commit.Set{Actions: []commit.Action{row}})
		e.Commit(t, commit.Set{Actions: []commit.Action{row}}) // asked for twice: one action
		list, err := s.Of(ctx, origin)
		if err != nil || len(list) != 1 || list[0].Key() != "ACT-1" || list[0].State != action.Proposed {
			t.Fatalf("the analysis asked for %+v, %v", list, err)
		}
		id := list[0].ID
		if o, err := e.Objects.Find(ctx, mainstay.KindAction, "ACT-1", ""); err != nil || o.Ref.ID != id || o.State != "proposed" {
			t.Fatalf("in the register: %+v, %v", o, err)
		}

		for _, to := range []action.State{action.Accepted, action.Done, action.InPlace} {
			if _, err := s.Move(ctx, mainstay.Person(tomasz), id, to, ""); err != nil {
				t.Fatal(to, err)
			}
		}
		_, err = s.Move(ctx, mainstay.Person(tomasz), id, action.Effective, "works")
		code(t, err, mainstay.Denied) // the owner does not judge
		a, err := s.Move(ctx, mainstay.Person(ana), id, action.Effective, "The drill of 20 March held.")
		if err != nil || a.JudgedBy != mainstay.Person(ana) || !a.State.Over() {
			t.Fatalf("judged: %+v, %v", a, err)
		}
		_, err = s.Move(ctx, mainstay.Person(ana), id, action.Done, "")
		code(t, err, mainstay.Conflict)
		if n := len(e.Facts(t, harbour, "action.created")); n != 1 {
			t.Fatalf("%d facts say that it was asked for", n)
		}
		if n := len(e.Facts(t, harbour, "action.changed")); n != 4 {
			t.Fatalf("%d facts say how it moved, want 4", n)
		}
		if n := e.Notices(); len(n) != 1 || n[0].Template != action.TemplateAssigned || n[0].Person != tomasz {
			t.Fatalf("Tomasz was told %+v", n)
		}
	})
}

func TestTheOwnerIsRemindedADayBeforeAndToldOnceWhenLate(t *testing.T) {
	on(t, func(t *testing.T, e *mainstaytest.Env, s *action.Service) {
		ctx, now := t.Context(), e.Clock.Now()
		engines := e.Engines(t, nil, s.Timers())
		a, err := s.Create(ctx, mainstay.Person(ana), action.Wanted{Project: harbour, Title: "Write the runbook", Owner: ana, Due: now.Add(48 * time.Hour)})
		if err != nil || a.State != action.Accepted {
			t.Fatalf("made for oneself: %+v, %v", a, err)
		}
		engines.Advance(t, 23*time.Hour)
		if n := e.Notices(); len(n) != 0 {
			t.Fatalf("reminded too early: %+v", n)
		}
		engines.Advance(t, time.Hour)
		if n := e.Notices(); len(n) != 1 || n[0].Template != action.TemplateReminder {
			t.Fatalf("a day before: %+v", n)
		}
		engines.Advance(t, 24*time.Hour)
		engines.Advance(t, 240*time.Hour)
		if n := e.Notices(); len(n) != 2 || n[1].Template != action.TemplateOverdue {
			t.Fatalf("at the due date: %+v", n)
		}
		facts := e.Facts(t, harbour, "action.overdue")
		if len(facts) != 1 || !facts[0].At.Equal(a.Due) {
			t.Fatalf("overdue facts: %+v", facts)
		}
		late, err := s.List(ctx, action.Query{Late: e.Clock.Now()})
		if err != nil || len(late.Items) != 1 || !late.Items[0].Overdue(e.Clock.Now()) {
			t.Fatalf("late: %+v, %v", late, err)
		}

		// A new date starts anew; a finished action falls silent.
		due := e.Clock.Now().Add(12 * time.Hour)
		if _, err := s.Edit(ctx, mainstay.Person(ana), a.ID, action.Edit{Due: &due}); err != nil {
			t.Fatal(err)
		}
		engines.Advance(t, 13*time.Hour)
		if n := len(e.Facts(t, harbour, "action.overdue")); n != 2 {
			t.Fatalf("%d overdue facts after the new date", n)
		}
		if _, err := s.Move(ctx, mainstay.Person(ana), a.ID, action.Done, ""); err != nil {
			t.Fatal(err)
		}
		if mine, err := s.Mine(ctx, ana); err != nil || len(mine) != 0 {
			t.Fatalf("Ana still owes %+v, %v", mine, err)
		}
	})
}

// The server was down over the due date: the fact carries the date, the record carries when it was noticed.
func TestLateIsNoticedAfterDowntimeOnce(t *testing.T) {
	on(t, func(t *testing.T, e *mainstaytest.Env, s *action.Service) {
		now := e.Clock.Now()
		a, err := s.Create(t.Context(), mainstay.Person(ana), action.Wanted{Project: harbour, Title: "Renew the certificate", Due: now.Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		e.Clock.Advance(5 * time.Hour)
		engines := e.Engines(t, nil, s.Timers())
		engines.Settle(t)
		facts := e.Facts(t, harbour, "action.overdue")
		if len(facts) != 1 || !facts[0].At.Equal(a.Due) || !facts[0].Recorded.Equal(e.Clock.Now()) {
			t.Fatalf("overdue facts: %+v", facts)
		}
	})
}

func TestANewOwnerIsAskedAnew(t *testing.T) {
	on(t, func(t *testing.T, e *mainstaytest.Env, s *action.Service) {
		ctx := t.Context()
		a, err := s.Create(ctx, mainstay.Person(ana), action.Wanted{Project: harbour, Title: "Ask the vendor", Owner: ana})
		if err != nil {
			t.Fatal(err)
		}
		to := tomasz
		a, err = s.Edit(ctx, mainstay.Person(ana), a.ID, action.Edit{Owner: &to})
		if err != nil || a.State != action.Proposed || a.Owner != tomasz {
			t.Fatalf("handed over: %+v, %v", a, err)
		}
		again, err := s.Edit(ctx, mainstay.Person(ana), a.ID, action.Edit{Owner: &to})
		if err != nil || again.State != action.Proposed {
			t.Fatal(err)
		}
		if n := len(e.Facts(t, harbour, "action.changed")); n != 1 {
			t.Fatalf("%d facts; the second edit changed nothing", n)
		}
		empty := " "
		_, err = s.Edit(ctx, mainstay.Person(ana), a.ID, action.Edit{Title: &empty})
		code(t, err, mainstay.Invalid)
		_, err = s.Move(ctx, mainstay.Person(tomasz), a.ID, action.Dropped, "no time")
		code(t, err, mainstay.Denied) // what others ask for, others let go
		_, err = s.Move(ctx, mainstay.Person(ana), a.ID, action.Dropped, " ")
		code(t, err, mainstay.Invalid)
		if _, err = s.Move(ctx, mainstay.Person(ana), a.ID, action.Dropped, "The contract ended."); err != nil {
			t.Fatal(err)
		}
	})
}

func TestListsPageByDueDateWithoutGaps(t *testing.T) {
	on(t, func(t *testing.T, e *mainstaytest.Env, s *action.Service) {
		ctx, now := t.Context(), e.Clock.Now()
		for i := range 7 {
			w := action.Wanted{Project: harbour, Title: "Step", Owner: ana, Due: now.Add(time.Duration(7-i) * time.Hour)}
			if i%3 == 2 {
				w.Due = time.Time{}
			}
			if _, err := s.Create(ctx, mainstay.Person(ana), w); err != nil {
				t.Fatal(err)
			}
		}
		for _, byDue := range []bool{true, false} {
			var seen []action.Action
			q := action.Query{Projects: []string{harbour}, ByDue: byDue, Limit: 3}
			for {
				p, err := s.List(ctx, q)
				if err != nil {
					t.Fatal(err)
				}
				seen = append(seen, p.Items...)
				if q.Cursor = p.Next; q.Cursor == "" {
					break
				}
			}
			if len(seen) != 7 {
				t.Fatalf("by due %v: saw %d of 7", byDue, len(seen))
			}
			if byDue && (seen[0].Number != 7 || !seen[6].Due.IsZero()) {
				t.Fatalf("order by due: %+v", seen)
			}
		}
		if p, err := s.List(ctx, action.Query{Projects: []string{}}); err != nil || len(p.Items) != 0 {
			t.Fatalf("no project allowed: %+v, %v", p, err)
		}
		_, err := s.List(ctx, action.Query{Cursor: "x' OR 1=1"})
		code(t, err, mainstay.Invalid)
	})
}

func TestSentencesOfActionFacts(t *testing.T) {
	f := fact.New(mainstaytest.Start, harbour, mainstay.Person(ana), fact.ActionChanged{From: "done", To: "in_place"})
	if got := fact.Sentence(f); got != "moved the action from done to in place" {
		t.Fatal(got)
	}
}
