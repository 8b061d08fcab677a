package escalationdb_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/practice/escalation"
)

func TestDefinitionsAreIdempotentAndComeBackAsTheyWere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		spec := escalation.ScheduleSpec{Title: "Primary", Zone: "Europe/Berlin", Layers: []escalation.LayerSpec{
			{Name: "week", Rotation: "weekly", Handoff: "Mon 09:00", Start: "2026-03-16", Participants: []string{"ana", "lena"}},
			{Rotation: "daily", Every: 2, Participants: []string{"samir"}, Restrictions: []string{"Sat,Sun 10:00-12:00"}},
		}}
		for i, want := range []bool{true, false} {
			if changed, err := w.DefineSchedule(t.Context(), admin, w.project, "primary", spec); err != nil || changed != want {
				t.Errorf("time %d: %v %v", i, changed, err)
			}
		}
		specs, err := w.ScheduleSpecs(t.Context(), w.project)
		must(t, err)
		if !reflect.DeepEqual(specs["primary"], spec) {
			t.Errorf("came back as\n%+v", specs["primary"])
		}
		spec.Layers[0].Participants = []string{"lena"}
		if changed, err := w.DefineSchedule(t.Context(), admin, w.project, "primary", spec); err != nil || !changed {
			t.Errorf("a change: %v %v", changed, err)
		}
		if s := w.load(t, "primary"); len(s.Versions) != 2 {
			t.Errorf("%d versions", len(s.Versions))
		}

		policy := escalation.PolicySpec{Title: "Default", Steps: []escalation.StepSpec{
			{Targets: []string{"schedule:primary"}}, {Delay: "5m", Targets: []string{"person:lena", "person:ana"}}, {Delay: "1h30m", Targets: []string{"person:ana"}},
		}, Repeats: 2}
		for i, want := range []bool{true, false} {
			if changed, err := w.DefinePolicy(t.Context(), admin, w.project, "default", policy); err != nil || changed != want {
				t.Errorf("policy, time %d: %v %v", i, changed, err)
			}
		}
		policies, err := w.PolicySpecs(t.Context(), w.project)
		must(t, err)
		if !reflect.DeepEqual(policies["default"], policy) {
			t.Errorf("came back as\n%+v", policies["default"])
		}
		for kind, name := range map[mainstay.Kind]string{mainstay.KindSchedule: "primary", mainstay.KindPolicy: "default"} {
			o, err := w.Objects.Find(t.Context(), kind, name, w.project)
			if err != nil || o.URL() != "/"+object.Plural(kind)+"/"+name {
				t.Errorf("%s in the register: %+v %v", kind, o, err)
			}
		}
	})
}

func TestFaultsNameTheFieldOfTheManifest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, err := w.DefineSchedule(t.Context(), admin, w.project, "Bad Name", escalation.ScheduleSpec{Zone: "Mars", Layers: []escalation.LayerSpec{
			{Rotation: "monthly", Handoff: "noon", Start: "soon", Participants: []string{"nobody"}, Restrictions: []string{"whenever"}}, {},
		}})
		for _, field := range []string{"name", "zone", "layers[0].rotation", "layers[0].handoff", "layers[0].start", "layers[0].participants", "layers[0].restrictions", "layers[1].participants"} {
			if mainstay.ErrorFields(err)[field] == "" {
				t.Errorf("no fault at %s in %v", field, err)
			}
		}
		_, err = w.DefinePolicy(t.Context(), admin, w.project, "default", escalation.PolicySpec{Repeats: -1, RepeatAfter: "1s", Steps: []escalation.StepSpec{
			{Delay: "later", Targets: []string{"schedule:none"}}, {}, {Targets: []string{"pigeon:coo"}},
		}})
		for _, field := range []string{"repeats", "repeatAfter", "steps[0].delay", "steps[0].targets", "steps[1].targets", "steps[2].targets"} {
			if mainstay.ErrorFields(err)[field] == "" {
				t.Errorf("no fault at %s in %v", field, err)
			}
		}
	})
}

func TestAProjectsNameGoesBeforeTheInstallations(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, err := w.DefineSchedule(t.Context(), admin, "", "primary", weekly("samir"))
		must(t, err)
		own := w.schedule(t, "primary", weekly("ana"))
		s, err := w.ScheduleByName(t.Context(), w.project, "primary", time.Time{}, time.Time{})
		if err != nil || s.ID != own.ID {
			t.Errorf("the project's own: %+v %v", s, err)
		}
		s, err = w.ScheduleByName(t.Context(), "another", "primary", time.Time{}, time.Time{})
		if err != nil || s.Project != mainstay.Installation {
			t.Errorf("elsewhere the installation's: %+v %v", s, err)
		}
		ids, err := w.OnCallPeople(t.Context(), w.project, w.Clock.Now())
		if err != nil || len(ids) != 2 {
			t.Errorf("on call for the project: %v %v", ids, err)
		}
	})
}

func TestWhatIsWrongWithAnOverrideIsSaidAtItsField(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.standard(t)
		s, now := w.load(t, "primary"), w.Clock.Now()
		for _, c := range []struct {
			o     escalation.Override
			field string
		}{
			{escalation.Override{Until: now.Add(time.Hour)}, "person"},
			{escalation.Override{Person: w.person["samir"]}, "until"},
			{escalation.Override{Person: w.person["samir"], Until: now.Add(-time.Hour)}, "until"},
			{escalation.Override{Person: w.person["samir"], From: now.Add(2 * time.Hour), Until: now.Add(time.Hour)}, "until"},
			{escalation.Override{Person: w.person["samir"], Until: now.AddDate(2, 0, 0)}, "until"},
		} {
			if err := w.Override(t.Context(), admin, s.ID, c.o); mainstay.ErrorFields(err)[c.field] == "" {
				t.Errorf("%+v: %v", c.o, err)
			}
		}
	})
}

func TestAnOverrideTakesTheDutyAndCanBeTakenBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.standard(t)
		s := w.load(t, "primary")
		now := w.Clock.Now()
		onCall := func() string {
			d, ok, err := w.OnCall(t.Context(), s.ID, w.Clock.Now())
			must(t, err)
			for n, id := range w.person {
				if ok && id == d.Person {
					return n
				}
			}
			return "nobody"
		}
		if onCall() != "ana" {
			t.Fatalf("by the rotation ana, got %s", onCall())
		}
		must(t, w.Override(t.Context(), mainstay.Person(w.person["ana"]), s.ID, escalation.Override{Person: w.person["samir"], From: now.Add(-time.Hour), Until: now.Add(4 * time.Hour), Reason: "dentist"}))
		must(t, w.Override(t.Context(), admin, s.ID, escalation.Override{Person: w.person["priya"], From: now.Add(time.Hour), Until: now.Add(2 * time.Hour)}))
		if onCall() != "samir" {
			t.Errorf("overridden: %s", onCall())
		}
		s = w.load(t, "primary")
		if len(s.Overrides) != 2 || !s.Overrides[0].From.Equal(now) || s.Overrides[0].By != mainstay.Person(w.person["ana"]) {
			t.Errorf("the past is left alone: %+v", s.Overrides)
		}
		run := w.engines(t)
		w.want(t, "default", "Down", alert("a1"))
		run.Settle(t)
		same(t, "the page goes to", w.told(), []string{"samir page"})
		w.Clock.Advance(90 * time.Minute)
		if onCall() != "priya" {
			t.Errorf("the later one counts: %s", onCall())
		}
		must(t, w.RemoveOverride(t.Context(), admin, s.ID, s.Overrides[1].ID))
		must(t, w.RemoveOverride(t.Context(), admin, s.ID, s.Overrides[1].ID))
		if onCall() != "samir" {
			t.Errorf("taken back: %s", onCall())
		}
		must(t, w.RemoveOverride(t.Context(), admin, s.ID, s.Overrides[0].ID))
		if onCall() != "ana" {
			t.Errorf("both taken back: %s", onCall())
		}
		if err := w.RemoveOverride(t.Context(), admin, s.ID, "none"); !mainstay.Is(err, mainstay.NotFound) {
			t.Errorf("one that never was: %v", err)
		}
		shifts, err := w.Shifts(t.Context(), s.ID, now, now.Add(6*time.Hour))
		must(t, err)
		var line string
		for _, x := range shifts {
			line += fmt.Sprint(x.Length(), " ")
		}
		if line != "1h0m0s 30m0s 4h30m0s " {
			t.Errorf("what was, was: %s", line)
		}
		if n := len(w.Facts(t, w.project, "schedule.overridden", "schedule.override_removed")); n != 4 {
			t.Errorf("%d facts", n)
		}
	})
}

func TestListsOfPagesAreFilteredAndPaged(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.standard(t)
		run := w.engines(t)
		for i := range 5 {
			w.want(t, "default", fmt.Sprint("Down ", i), alert(fmt.Sprint("a", i)))
		}
		run.Settle(t)
		p := w.page(t)
		_, _, err := w.Acknowledge(t.Context(), admin, p.ID, escalation.ViaAPI)
		must(t, err)
		count := func(q escalation.PageQuery) int {
			list, err := w.Pages(t.Context(), q)
			must(t, err)
			return len(list)
		}
		for _, c := range []struct {
			q    escalation.PageQuery
			want int
		}{
			{escalation.PageQuery{}, 5}, {escalation.PageQuery{Limit: 2}, 2}, {escalation.PageQuery{Before: 3}, 2},
			{escalation.PageQuery{States: []escalation.State{escalation.Open}}, 4}, {escalation.PageQuery{Projects: []string{}}, 0},
			{escalation.PageQuery{Projects: []string{w.project}}, 5}, {escalation.PageQuery{Person: w.person["ana"]}, 5},
			{escalation.PageQuery{Person: w.person["priya"]}, 0}, {escalation.PageQuery{Subject: alert("a3")}, 1},
		} {
			if n := count(c.q); n != c.want {
				t.Errorf("%+v: %d, want %d", c.q, n, c.want)
			}
		}
		if by, _, ok, err := w.Acknowledged(t.Context(), alert("a4")); err != nil || !ok || by != admin {
			t.Errorf("who has a4: %v %v %v", by, ok, err)
		}
		if _, _, ok, err := w.Acknowledged(t.Context(), alert("a3")); err != nil || ok {
			t.Errorf("nobody has a3: %v %v", ok, err)
		}
	})
}
