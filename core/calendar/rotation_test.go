package calendar_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/mainstayhq/mainstay/core/calendar"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs:\n%s\nwant:\n%s", name, got, want)
	}
}

// table shows shifts on the wall clock of a zone, with their real length.
func table(shifts []calendar.Shift, loc *time.Location) string {
	var b strings.Builder
	for _, s := range shifts {
		fmt.Fprintf(&b, "%-6s layer %d  %s  until  %s  %s\n", s.Person, s.Layer,
			s.From.In(loc).Format("Mon 02 Jan 15:04 -0700"), s.Until.In(loc).Format("Mon 02 Jan 15:04 -0700"), s.Length())
	}
	return b.String()
}

func TestTurnsOverTheChangeOfClocks(t *testing.T) {
	weekends := []struct{ zone, spring, autumn string }{
		{"Europe/Berlin", "2026-03-27", "2026-10-23"},
		{"America/New_York", "2026-03-06", "2026-10-30"},
		{"Australia/Lord_Howe", "2026-10-02", "2026-04-03"},
	}
	rotations := map[string]calendar.Rotation{
		"weekly": {Unit: calendar.Weekly, Handoff: calendar.Handoff{Day: time.Sunday, Time: 2*60 + 10}},
		"daily":  {Unit: calendar.Daily, Handoff: calendar.Handoff{Time: 2*60 + 10}},
		"12h":    {Unit: calendar.Hourly, Every: 12, Handoff: calendar.Handoff{Time: 8 * 60}},
		"hourly": {Unit: calendar.Hourly},
	}
	for _, w := range weekends {
		loc := zone(t, w.zone)
		for name, r := range rotations {
			var b strings.Builder
			for _, season := range []struct{ name, day string }{{"clocks go forward", w.spring}, {"clocks go back", w.autumn}} {
				d, _ := calendar.ParseDate(season.day)
				r.Zone, r.Participants = loc, []string{"ana", "lena", "samir"}
				r.Start = calendar.At(d.AddDays(-7), 0, loc)
				from, until := calendar.At(d, 12*60, loc), calendar.At(d.AddDays(3), 12*60, loc)
				if name == "hourly" {
					from, until = calendar.At(d.AddDays(2), 0, loc), calendar.At(d.AddDays(2), 5*60, loc)
				}
				fmt.Fprintf(&b, "# %s, %s, %s\n%s", w.zone, name, season.name, table(calendar.Roster{{Rotation: r}}.Shifts(from, until), loc))
			}
			golden(t, strings.ReplaceAll(w.zone, "/", "_")+"_"+name, b.String())
		}
	}
}

func TestALaterLayerCoversTheEarlier(t *testing.T) {
	loc := zone(t, "Europe/Berlin")
	start := at(t, "2026-03-02T08:00:00Z") // Monday 09:00
	night := week(t, "Mon-Fri 22:00-06:00")
	r := calendar.Roster{
		{Rotation: calendar.Rotation{Zone: loc, Unit: calendar.Weekly, Handoff: calendar.Handoff{Day: time.Monday, Time: 9 * 60}, Start: start, Participants: []string{"ana", "lena"}}},
		{Rotation: calendar.Rotation{Zone: loc, Unit: calendar.Daily, Handoff: calendar.Handoff{Time: 22 * 60}, Start: start, Participants: []string{"kenji"}}, Only: &night},
	}
	shifts := r.Shifts(at(t, "2026-03-02T00:00:00Z"), at(t, "2026-03-11T12:00:00Z"))
	golden(t, "layers", table(shifts, loc))
	gaps := calendar.Gaps(shifts, calendar.Interval{From: at(t, "2026-03-02T00:00:00Z"), Until: at(t, "2026-03-11T12:00:00Z")})
	if len(gaps) != 1 || !gaps[0].Until.Equal(start) {
		t.Errorf("before the start nobody is on call, then always somebody: %v", gaps)
	}
}

func TestTheFirstTurnIsTheOneThatBeganBeforeTheStart(t *testing.T) {
	r := calendar.Rotation{Zone: time.UTC, Unit: calendar.Weekly, Every: 2, Handoff: calendar.Handoff{Day: time.Monday, Time: 9 * 60},
		Start: at(t, "2026-03-04T12:00:00Z"), Participants: []string{"ana", "lena"}}
	shifts := calendar.Roster{{Rotation: r}}.Shifts(at(t, "2026-01-01T00:00:00Z"), at(t, "2026-04-20T00:00:00Z"))
	golden(t, "fortnights", table(shifts, time.UTC))
}

func TestHandoffsAreReadAsPeopleWriteThem(t *testing.T) {
	for text, unit := range map[string]calendar.Unit{"Mon 09:00": calendar.Weekly, "fri": calendar.Weekly, "": calendar.Daily, "09:00": calendar.Daily, "00:30": calendar.Hourly} {
		if _, err := calendar.ParseHandoff(text, unit); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for text, unit := range map[string]calendar.Unit{"09:00": calendar.Weekly, "Mon 09:00": calendar.Daily, "24:00": calendar.Daily, "Mon 09:00 x": calendar.Weekly} {
		if h, err := calendar.ParseHandoff(text, unit); err == nil {
			t.Errorf("%q was taken for %s: %v", text, unit, h)
		}
	}
}

// arbitrary makes a roster at random.
func arbitrary(r *rand.Rand, zones []*time.Location) calendar.Roster {
	var roster calendar.Roster
	for range 1 + r.IntN(3) {
		rot := calendar.Rotation{
			Zone: zones[r.IntN(len(zones))], Unit: []calendar.Unit{calendar.Hourly, calendar.Daily, calendar.Weekly}[r.IntN(3)],
			Every: r.IntN(14), Handoff: calendar.Handoff{Day: time.Weekday(r.IntN(7)), Time: calendar.TimeOfDay(r.IntN(1440))},
			Start: time.Date(2026, time.Month(1+r.IntN(12)), 1+r.IntN(28), r.IntN(24), r.IntN(60), 0, 0, time.UTC),
		}
		for i := range 1 + r.IntN(4) {
			rot.Participants = append(rot.Participants, fmt.Sprint("p", i))
		}
		l := calendar.Layer{Rotation: rot}
		if r.IntN(2) == 0 {
			var w calendar.Week
			for range 1 + r.IntN(5) {
				a, b := calendar.TimeOfDay(r.IntN(1440)), calendar.TimeOfDay(r.IntN(1440))
				if a != b {
					w.Add(time.Weekday(r.IntN(7)), calendar.Span{From: a, Until: b})
				}
			}
			l.Only = &w
		}
		roster = append(roster, l)
	}
	return roster
}

func zonesOfTheWorld(t testing.TB) []*time.Location {
	var l []*time.Location
	for _, n := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Apia"} {
		l = append(l, zone(t, n))
	}
	return l
}

// Whatever the roster: the shifts are in order, do not overlap, and say for every instant the same as At does. So shifts and
// gaps together cover the time exactly.
func TestShiftsAndAtAgreeAtEveryInstant(t *testing.T) {
	zones := zonesOfTheWorld(t)
	check := func(seed uint64) bool {
		r := rand.New(rand.NewPCG(seed, 1))
		roster := arbitrary(r, zones)
		from := time.Date(2026, time.Month(1+r.IntN(12)), 1+r.IntN(28), r.IntN(24), r.IntN(60), 0, 0, time.UTC)
		until := from.Add(time.Duration(r.IntN(20*24*60)) * time.Minute)
		shifts := roster.Shifts(from, until)
		covered := time.Duration(0)
		for i, s := range shifts {
			if s.Empty() || s.From.Before(from) || s.Until.After(until) || i > 0 && s.From.Before(shifts[i-1].Until) {
				t.Logf("seed %d: shift %d is out of order: %v", seed, i, s)
				return false
			}
			covered += s.Length()
		}
		for _, g := range calendar.Gaps(shifts, calendar.Interval{From: from, Until: until}) {
			covered += g.Length()
		}
		if covered != until.Sub(from) {
			t.Logf("seed %d: shifts and gaps cover %s of %s", seed, covered, until.Sub(from))
			return false
		}
		for range 200 {
			probe := from.Add(time.Duration(r.Int64N(int64(until.Sub(from)) + 1)))
			if !probe.Before(until) {
				continue
			}
			want, ok := roster.At(probe)
			got, found := find(shifts, probe)
			if ok != found || got.Person != want.Person || got.Layer != want.Layer || got.Turn != want.Turn {
				t.Logf("seed %d at %s: shifts say %v, At says %v", seed, probe, got, want)
				return false
			}
		}
		return true
	}
	if err := quick.Check(check, &quick.Config{MaxCount: 400}); err != nil {
		t.Error(err)
	}
}

func find(shifts []calendar.Shift, at time.Time) (calendar.Shift, bool) {
	for _, s := range shifts {
		if s.Contains(at) {
			return s, true
		}
	}
	return calendar.Shift{}, false
}

// Cutting a range in two changes nothing but the cut: Shifts is a function of the roster and the instant.
func TestShiftsDoNotDependOnTheRangeAsked(t *testing.T) {
	zones := zonesOfTheWorld(t)
	check := func(seed uint64) bool {
		r := rand.New(rand.NewPCG(seed, 2))
		roster := arbitrary(r, zones)
		from := time.Date(2026, time.Month(1+r.IntN(12)), 1+r.IntN(28), 0, 0, 0, 0, time.UTC)
		until := from.Add(time.Duration(1+r.IntN(10*24*60)) * time.Minute)
		cut := from.Add(time.Duration(r.Int64N(int64(until.Sub(from)))))
		whole := roster.Shifts(from, until)
		halves := append(roster.Shifts(from, cut), roster.Shifts(cut, until)...)
		for _, s := range halves {
			w, ok := find(whole, s.From)
			if !ok || w.Person != s.Person || w.Turn != s.Turn || s.Until.After(w.Until) {
				t.Logf("seed %d: %v is not in the whole", seed, s)
				return false
			}
		}
		return true
	}
	if err := quick.Check(check, &quick.Config{MaxCount: 300}); err != nil {
		t.Error(err)
	}
}

// Working time added is working time counted, and the sentence in the design holds instant by instant.
func TestWorkingHoursAgreeWithTheSentence(t *testing.T) {
	zones := zonesOfTheWorld(t)
	check := func(seed uint64) bool {
		r := rand.New(rand.NewPCG(seed, 3))
		h := calendar.Hours{Zone: zones[r.IntN(len(zones))], Holidays: map[calendar.Date][]calendar.Span{}}
		for range 1 + r.IntN(8) {
			if a, b := calendar.TimeOfDay(r.IntN(1440)), calendar.TimeOfDay(r.IntN(1440)); a != b {
				h.Week.Add(time.Weekday(r.IntN(7)), calendar.Span{From: a, Until: b})
			}
		}
		from := time.Date(2026, time.Month(1+r.IntN(12)), 1+r.IntN(28), r.IntN(24), r.IntN(60), 0, 0, time.UTC)
		h.Holidays[calendar.DateOf(from.AddDate(0, 0, 1+r.IntN(5)))] = []calendar.Span{{From: calendar.TimeOfDay(r.IntN(700)), Until: calendar.TimeOfDay(701 + r.IntN(700))}}
		until := from.Add(time.Duration(r.IntN(9*24*60)) * time.Minute)
		minutes := time.Duration(0)
		for m := from; m.Before(until); m = m.Add(time.Minute) {
			if h.Working(m) {
				minutes += time.Minute
			}
		}
		if got := h.WorkingBetween(from, until); got != minutes {
			t.Logf("seed %d in %s from %s until %s: %s, minute by minute %s", seed, h.Zone, from, until, got, minutes)
			return false
		}
		if h.Week.Closed() {
			return true
		}
		d := time.Duration(1+r.IntN(5000)) * time.Second
		end, err := h.AddWorking(from, d)
		return err == nil && h.WorkingBetween(from, end) == d && h.WorkingBetween(from, end.Add(-time.Second)) == d-time.Second
	}
	if err := quick.Check(check, &quick.Config{MaxCount: 150}); err != nil {
		t.Error(err)
	}
}

func FuzzWindowsAndHandoffs(f *testing.F) {
	for _, s := range []string{"Mon-Fri 09:00-17:00", "Mon 09:00", "Sat,Sun", "22:00-06:00", "–", "Mon-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if w, err := calendar.ParseWeek([]string{s}); err == nil && w.Closed() {
			t.Errorf("%q was taken and means nothing", s)
		}
		for _, u := range []calendar.Unit{calendar.Hourly, calendar.Daily, calendar.Weekly} {
			if h, err := calendar.ParseHandoff(s, u); err == nil && (h.Time < 0 || h.Time >= calendar.EndOfDay) {
				t.Errorf("%q gave the handoff %v", s, h)
			}
		}
	})
}

func BenchmarkShifts90Days(b *testing.B) {
	loc := zone(b, "Europe/Berlin")
	night := week(b, "22:00-06:00")
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	roster := calendar.Roster{
		{Rotation: calendar.Rotation{Zone: loc, Unit: calendar.Weekly, Handoff: calendar.Handoff{Day: time.Monday, Time: 540}, Start: start, Participants: []string{"a", "b", "c"}}},
		{Rotation: calendar.Rotation{Zone: loc, Unit: calendar.Daily, Handoff: calendar.Handoff{Time: 540}, Start: start, Participants: []string{"d", "e"}}, Only: &night},
	}
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		if len(roster.Shifts(from, from.AddDate(0, 0, 90))) < 100 {
			b.Fatal("too few shifts")
		}
	}
}

func BenchmarkOnCallAt(b *testing.B) {
	loc := zone(b, "Europe/Berlin")
	roster := calendar.Roster{{Rotation: calendar.Rotation{Zone: loc, Unit: calendar.Weekly, Handoff: calendar.Handoff{Day: time.Monday, Time: 540},
		Start: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), Participants: []string{"a", "b", "c"}}}}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for b.Loop() {
		roster.At(at)
	}
}
