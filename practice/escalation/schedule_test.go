package escalation_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/quick"
	"time"

	"github.com/mainstayhq/mainstay/core/calendar"
	"github.com/mainstayhq/mainstay/practice/escalation"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func layer(people ...string) escalation.LayerSpec {
	return escalation.LayerSpec{Name: "week", Rotation: "weekly", Handoff: "Mon 09:00", Start: "2026-03-02", Participants: people}
}

func berlin(layers ...escalation.LayerSpec) escalation.ScheduleSpec {
	return escalation.ScheduleSpec{Zone: "Europe/Berlin", Layers: layers}
}

func schedule(specs ...escalation.ScheduleSpec) escalation.Schedule {
	s := escalation.Schedule{ID: "s", Name: "primary"}
	for i, spec := range specs {
		s.Versions = append(s.Versions, escalation.Version{Number: int64(i + 1), Effective: at("2026-03-01T00:00:00Z").AddDate(0, 0, 14*i), Spec: spec})
	}
	return s
}

func who(s *escalation.Schedule, t string) string {
	d, ok := s.At(at(t))
	if !ok {
		return "nobody"
	}
	return d.Person
}

func TestTheHandoffKeepsItsTimeOnTheWallOverTheChangeOfClocks(t *testing.T) {
	s := schedule(berlin(layer("ana", "lena")))
	for when, want := range map[string]string{
		"2026-03-02T07:59:59Z": "nobody", // before the start
		"2026-03-02T08:00:00Z": "ana",
		"2026-03-23T07:59:59Z": "ana", // winter: 09:00 is 08:00 UTC
		"2026-03-23T08:00:00Z": "lena",
		"2026-03-30T06:59:59Z": "lena", // summer: 09:00 is 07:00 UTC
		"2026-03-30T07:00:00Z": "ana",
	} {
		if got := who(&s, when); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
}

func TestANewVersionLeavesThePastAsItWas(t *testing.T) {
	s := schedule(berlin(layer("ana", "lena")), berlin(layer("samir"))) // the second from 15 March
	for when, want := range map[string]string{"2026-03-10T12:00:00Z": "lena", "2026-03-14T23:59:59Z": "lena", "2026-03-15T00:00:00Z": "samir", "2026-02-01T00:00:00Z": "nobody"} {
		if got := who(&s, when); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	before := schedule(berlin(layer("ana", "lena")))
	a, b := before.Shifts(at("2026-03-01T00:00:00Z"), at("2026-03-15T00:00:00Z")), s.Shifts(at("2026-03-01T00:00:00Z"), at("2026-03-15T00:00:00Z"))
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("the past changed:\n%v\n%v", a, b)
	}
}

func TestTheLaterOverrideCountsAndOneTakenBackEndsThen(t *testing.T) {
	s := schedule(berlin(layer("ana", "lena")))
	day := func(d, h int) time.Time { return time.Date(2026, 3, d, h, 0, 0, 0, time.UTC) }
	s.Overrides = []escalation.Override{
		{ID: "o1", Person: "samir", From: day(3, 12), Until: day(4, 12), Created: day(2, 0)},
		{ID: "o2", Person: "priya", From: day(3, 18), Until: day(3, 22), Created: day(2, 1)},
		{ID: "o3", Person: "lena", From: day(5, 0), Until: day(6, 0), Created: day(2, 2), Removed: day(5, 6)},
		{ID: "o4", Person: "lena", From: day(7, 0), Until: day(8, 0), Created: day(2, 3), Removed: day(6, 0)}, // before it began
	}
	for when, want := range map[string]string{
		"2026-03-03T11:59:59Z": "ana", "2026-03-03T12:00:00Z": "samir", "2026-03-03T18:00:00Z": "priya", "2026-03-03T22:00:00Z": "samir",
		"2026-03-04T12:00:00Z": "ana", "2026-03-05T05:59:59Z": "lena", "2026-03-05T06:00:00Z": "ana", "2026-03-07T12:00:00Z": "ana",
	} {
		if got := who(&s, when); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	var line string
	for _, x := range s.Shifts(day(3, 0), day(6, 0)) {
		line += fmt.Sprintf("%s until %s; ", x.Person, x.Until.Format("2 15:04"))
	}
	if want := "ana until 3 12:00; samir until 3 18:00; priya until 3 22:00; samir until 4 12:00; ana until 5 00:00; lena until 5 06:00; ana until 6 00:00; "; line != want {
		t.Errorf("shifts:\n got %s\nwant %s", line, want)
	}
}

// Whatever versions and overrides there are: shifts and gaps together cover the time exactly, and agree with At everywhere.
func TestEveryInstantIsCoveredOrAGap(t *testing.T) {
	check := func(seed uint64) bool {
		r := rand.New(rand.NewPCG(seed, 7))
		zones := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"}
		var s escalation.Schedule
		effective := at("2026-03-20T00:00:00Z")
		for i := range 1 + r.IntN(3) {
			spec := escalation.ScheduleSpec{Zone: zones[r.IntN(len(zones))]}
			for range 1 + r.IntN(3) {
				l := escalation.LayerSpec{Rotation: []string{"", "weekly", "daily", "hourly"}[r.IntN(4)], Every: r.IntN(4), Participants: []string{"a", "b", "c"}[:1+r.IntN(3)]}
				if r.IntN(2) == 0 {
					l.Restrictions = []string{[]string{"Mon-Fri 09:00-17:00", "22:00-06:00", "Sat,Sun", "Sun 01:30-03:30"}[r.IntN(4)]}
				}
				spec.Layers = append(spec.Layers, l)
			}
			s.Versions = append(s.Versions, escalation.Version{Number: int64(i), Effective: effective, Spec: spec})
			effective = effective.Add(time.Duration(r.IntN(200)) * time.Hour)
		}
		for i := range r.IntN(5) {
			from := at("2026-03-22T00:00:00Z").Add(time.Duration(r.IntN(200)) * time.Hour)
			o := escalation.Override{ID: fmt.Sprint("o", i), Person: fmt.Sprint("x", i), From: from, Until: from.Add(time.Duration(1+r.IntN(90)) * time.Hour)}
			if r.IntN(3) == 0 {
				o.Removed = from.Add(time.Duration(r.IntN(40)-20) * time.Hour)
			}
			s.Overrides = append(s.Overrides, o)
		}
		in := calendar.Interval{From: at("2026-03-19T00:00:00Z"), Until: at("2026-04-08T00:00:00Z")}
		shifts := s.Shifts(in.From, in.Until)
		var sum time.Duration
		for _, x := range shifts {
			sum += x.Length()
		}
		for _, g := range calendar.Gaps(shifts, in) {
			sum += g.Length()
			if d, ok := s.At(g.From); ok {
				t.Logf("seed %d: in the gap at %s is %v", seed, g.From, d)
				return false
			}
		}
		for _, x := range shifts {
			for _, probe := range []time.Time{x.From, x.Until.Add(-time.Microsecond)} {
				if d, ok := s.At(probe); !ok || d.Person != x.Person {
					t.Logf("seed %d at %s: shifts say %s, At says %v %v", seed, probe, x.Person, d.Person, ok)
					return false
				}
			}
		}
		return sum == in.Length()
	}
	if err := quick.Check(check, &quick.Config{MaxCount: 400}); err != nil {
		t.Error(err)
	}
}

func BenchmarkScheduleShifts90Days(b *testing.B) {
	night := layer("samir", "priya")
	night.Restrictions = []string{"22:00-06:00"}
	s := schedule(berlin(layer("ana", "lena"), night))
	for i := range 30 {
		from := at("2026-03-02T00:00:00Z").AddDate(0, 0, 3*i)
		s.Overrides = append(s.Overrides, escalation.Override{ID: fmt.Sprint(i), Person: "x", From: from, Until: from.Add(8 * time.Hour)})
	}
	from := at("2026-03-02T00:00:00Z")
	b.ReportAllocs()
	for b.Loop() {
		if len(s.Shifts(from, from.AddDate(0, 0, 90))) == 0 {
			b.Fatal("no shifts")
		}
	}
}
