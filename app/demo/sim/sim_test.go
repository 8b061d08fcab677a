package sim_test

import (
	"bytes"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/app/demo/sim"
)

// end is when the plans of the tests end: a Wednesday.
var end = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

func berlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func harbour(t testing.TB, seed uint64) []sim.Event {
	return sim.Plan(sim.Harbour(berlin(t)), seed, end.AddDate(0, 0, -30), end)
}

func lighthouse(t testing.TB, seed uint64) []sim.Event {
	return sim.Plan(sim.Lighthouse(berlin(t)), seed, end.AddDate(-1, 0, 0), end)
}

// TestTheSameSeedIsTheSameWorld pins both worlds: whoever changes one on purpose writes the new digest into testdata (MAINSTAY_UPDATE=1).
func TestTheSameSeedIsTheSameWorld(t *testing.T) {
	t.Parallel()
	got := "harbour " + sim.Digest(harbour(t, 1)) + "\nlighthouse " + sim.Digest(lighthouse(t, 1)) + "\n"
	if again := "harbour " + sim.Digest(harbour(t, 1)) + "\nlighthouse " + sim.Digest(lighthouse(t, 1)) + "\n"; again != got {
		t.Fatalf("twice the same seed is not the same: %s %s", got, again)
	}
	if sim.Digest(harbour(t, 1)) == sim.Digest(harbour(t, 2)) {
		t.Error("another seed is the same world")
	}
	const file = "testdata/digests"
	if os.Getenv("MAINSTAY_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if runtime.GOARCH != "amd64" {
		return // other processors round otherwise in the last digit
	}
	if err != nil || string(want) != got {
		t.Errorf("the worlds have changed: %v\n%s", err, got)
	}
}

// TestEnoughHappens is the promise of the demonstration: both worlds together have 3,000 alerts, 400 pages and 60 incidents.
func TestEnoughHappens(t *testing.T) {
	t.Parallel()
	for week := range 12 { // on whatever day it is started
		to := end.Add(time.Duration(week) * 31 * 29 * time.Hour)
		h := sim.Counts(sim.Plan(sim.Harbour(berlin(t)), 1, to.AddDate(0, 0, -30), to))
		l := sim.Counts(sim.Plan(sim.Lighthouse(berlin(t)), 1, to.AddDate(-1, 0, 0), to))
		if a, p, i := h.Alerts+l.Alerts, h.Pages+l.Pages, h.Incidents+l.Incidents; a < 3000 || p < 400 || i < 60 {
			t.Errorf("until %s: %d alerts, %d pages, %d incidents", to, a, p, i)
		}
	}
	for seed := range uint64(12) { // another seed is another year, and still a year
		l := sim.Counts(lighthouse(t, seed))
		if l.Alerts < 2800 || l.Alerts > 5000 || l.Pages < 280 || l.Incidents < 40 || l.Incidents > 110 || l.Windows < 10 {
			t.Errorf("seed %d: %+v", seed, l)
		}
	}
}

// TestTheRhythmOfDaysAndWeeks counts when alerts come: most in office hours, fewest late at night, fewer at weekends, but never none.
func TestTheRhythmOfDaysAndWeeks(t *testing.T) {
	t.Parallel()
	zone := berlin(t)
	var hours [24]int
	var deploys [7]int
	total, weekend := 0, 0
	for seed := range uint64(3) {
		for _, e := range lighthouse(t, seed) {
			f, ok := e.Do.(sim.Fire)
			if !ok {
				continue
			}
			at := e.At.In(zone)
			hours[at.Hour()]++
			total++
			if d := at.Weekday(); d == time.Saturday || d == time.Sunday {
				weekend++
			}
			if f.Alerts[0].Name == "InstanceRestarted" {
				deploys[at.Weekday()]++
			}
		}
	}
	share := func(from, to int) float64 {
		n := 0
		for _, c := range hours[from:to] {
			n += c
		}
		return float64(n) / float64(total) / float64(to-from) * 24
	}
	t.Logf("by hour %v, at weekends %.2f, deploys by day %v", hours, float64(weekend)/float64(total), deploys)
	if office, night, evening := share(9, 17), share(0, 6), share(18, 21); office < 1.2 || night > 0.8 || night < 0.2 || evening < night*1.2 {
		t.Errorf("the day has no rhythm: office %.2f, evening %.2f, night %.2f times the mean", office, evening, night)
	}
	if w := float64(weekend) / float64(total); w < 0.1 || w > 0.25 {
		t.Errorf("%.2f of the alerts come at weekends; without a rhythm it were 0.29", w)
	}
	if mid := deploys[2] + deploys[3] + deploys[4]; mid < 3*(deploys[0]+deploys[1]+deploys[5]+deploys[6]) {
		t.Errorf("deploys are not on Tuesday to Thursday: %v", deploys)
	}
}

// TestCausesComeBackUntilTheyAreMended follows a cause: it comes back, and much less often once its action is done.
func TestCausesComeBackUntilTheyAreMended(t *testing.T) {
	t.Parallel()
	incidents := map[string]int{}
	outcomes := map[string]int{}
	moves := map[string]int{}
	for _, e := range lighthouse(t, 1) {
		switch d := e.Do.(type) {
		case sim.Declare:
			incidents[strings.Join(d.Services, ",")]++
		case sim.Use:
			outcomes[d.Outcome]++
		case sim.Move:
			moves[d.To]++
		}
	}
	recur := 0
	for _, n := range incidents {
		if n > 1 {
			recur++
		}
	}
	if recur < 5 {
		t.Errorf("only %d causes came back: %v", recur, incidents)
	}
	if outcomes["solved"] <= outcomes["failed"] || outcomes["failed"] == 0 {
		t.Errorf("articles are not used as they are in life: %v", outcomes)
	}
	if moves["accepted"] <= moves["effective"] || moves["effective"] < 8 || moves["done"] < moves["effective"] {
		t.Errorf("actions do not go their way: %v", moves)
	}
}

// TestPeopleAreSlowerAtNight compares how long people take, in the plan.
func TestPeopleAreSlowerAtNight(t *testing.T) {
	t.Parallel()
	zone := berlin(t)
	fired := map[string]time.Time{}
	var day, night []float64
	ended := 0
	for _, e := range lighthouse(t, 1) {
		switch d := e.Do.(type) {
		case sim.Fire:
			for _, a := range d.Alerts {
				if a.Severity == sim.Critical || a.Severity == sim.Warning {
					fired[a.Key] = e.At
				}
			}
		case sim.Ack:
			at, ok := fired[d.Alert]
			if !ok {
				continue
			}
			delete(fired, d.Alert)
			took := e.At.Sub(at).Minutes()
			if h := at.In(zone).Hour(); h < 6 {
				night = append(night, took)
			} else if h >= 8 && h < 22 {
				day = append(day, took)
			}
		}
	}
	ended = len(fired)
	slices.Sort(day)
	slices.Sort(night)
	if len(day) < 100 || len(night) < 20 {
		t.Fatalf("%d by day, %d by night", len(day), len(night))
	}
	if d, n := day[len(day)/2], night[len(night)/2]; n < 1.5*d || d > 6 || n > 20 {
		t.Errorf("half are acknowledged within %.1f min by day and %.1f min by night", d, n)
	}
	if all := len(day) + len(night) + ended; ended*20 < all || ended*2 > all {
		t.Errorf("%d of %d pages end before anybody looks", ended, all)
	}
}

// TestEveryDeedHasItsPlace checks what the player relies on: order, alerts that end, no incident without its alert.
func TestEveryDeedHasItsPlace(t *testing.T) {
	t.Parallel()
	for name, events := range map[string][]sim.Event{"harbour": harbour(t, 3), "lighthouse": lighthouse(t, 3)} {
		open, told := map[string]bool{}, map[string]bool{}
		last := time.Time{}
		for _, e := range events {
			if e.At.Before(last) {
				t.Fatalf("%s: %s comes after %s", name, e.At, last)
			}
			last = e.At
			switch d := e.Do.(type) {
			case sim.Fire:
				for _, a := range d.Alerts {
					if told[a.Key] {
						t.Errorf("%s: %s fires twice", name, a.Key)
					}
					open[a.Key], told[a.Key] = true, true
				}
			case sim.End:
				for _, k := range d.Alerts {
					delete(open, k)
				}
			case sim.Declare:
				for _, k := range d.Alerts {
					if !open[k] {
						t.Errorf("%s: %s is declared on %s, which does not fire", name, d.Incident, k)
					}
				}
			case sim.Say:
				if strings.Contains(d.Body+d.Title, "{") {
					t.Errorf("%s: users read %q", name, d.Body)
				}
			}
		}
		if len(open) > 0 {
			t.Errorf("%s: at the end these still fire: %v", name, slices.Collect(maps.Keys(open)))
		}
	}
}

// TestALineForEachEvent prints a plan for people.
func TestALineForEachEvent(t *testing.T) {
	t.Parallel()
	events := harbour(t, 1)
	var b bytes.Buffer
	if err := sim.Fprint(&b, events); err != nil || strings.Count(b.String(), "\n") < len(events) {
		t.Errorf("%d events, %d lines, %v", len(events), strings.Count(b.String(), "\n"), err)
	}
}

func BenchmarkPlan(b *testing.B) {
	zone := berlin(b)
	for b.Loop() {
		sim.Plan(sim.Lighthouse(zone), 1, end.AddDate(-1, 0, 0), end)
	}
}
