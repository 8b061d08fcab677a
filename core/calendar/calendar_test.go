package calendar_test

import (
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/calendar"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := calendar.Zone(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func at(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v.UTC()
}

func week(t testing.TB, windows ...string) calendar.Week {
	t.Helper()
	w, err := calendar.ParseWeek(windows)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestAZoneNeedsAName(t *testing.T) {
	for _, name := range []string{"", "Local", "Mars/Olympus", "../etc/passwd"} {
		if _, err := calendar.Zone(name); !mainstay.Is(err, mainstay.Invalid) {
			t.Errorf("zone %q: %v", name, err)
		}
	}
}

func TestReadingsSkippedOrTwiceMeanOneInstant(t *testing.T) {
	for _, c := range []struct{ zone, date, clock, want, why string }{
		{"Europe/Berlin", "2026-03-29", "01:59", "2026-03-29T00:59:00Z", "before the gap"},
		{"Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:00:00Z", "in the gap: its end"},
		{"Europe/Berlin", "2026-03-29", "03:00", "2026-03-29T01:00:00Z", "the end of the gap"},
		{"Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30:00Z", "twice: the first"},
		{"Europe/Berlin", "2026-10-25", "03:00", "2026-10-25T02:00:00Z", "after the second"},
		{"America/New_York", "2026-03-08", "02:30", "2026-03-08T07:00:00Z", "in the gap"},
		{"America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30:00Z", "twice: the first"},
		{"Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30:00Z", "a gap of half an hour"},
		{"Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04T14:45:00Z", "an overlap of half an hour"},
		{"Pacific/Apia", "2011-12-30", "12:00", "2011-12-30T10:00:00Z", "a day that never was"},
		{"America/Sao_Paulo", "2018-11-04", "00:00", "2018-11-04T03:00:00Z", "midnight in the gap"},
		{"Asia/Kathmandu", "2026-06-01", "24:00", "2026-06-01T18:15:00Z", "the end of the day"},
	} {
		d, err := calendar.ParseDate(c.date)
		if err != nil {
			t.Fatal(err)
		}
		clock, err := calendar.ParseTimeOfDay(c.clock)
		if err != nil {
			t.Fatal(err)
		}
		if got := calendar.At(d, clock, zone(t, c.zone)); !got.Equal(at(t, c.want)) {
			t.Errorf("%s %s %s (%s): %s, want %s", c.zone, c.date, c.clock, c.why, got.UTC().Format(time.RFC3339), c.want)
		}
	}
}

func TestWindowsAreReadAsPeopleWriteThem(t *testing.T) {
	for _, text := range []string{"Mon-Fri 09:00-17:00", "sat,Sunday", "Fri 22:00-06:00", "09:00-17:00", "Fri-Mon 00:00-24:00", "Mon 9:00–12:30"} {
		if _, err := calendar.ParseWeek([]string{text}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"", "Mun 09:00-17:00", "Mon 09:00", "Mon 09:00-09:00", "Mon 09:00-25:00", "Mon 24:00-01:00", "09:00-17:00 Mon", "Mon 9-17", "Mon 09:00-17:0x", "a b c"} {
		if _, err := calendar.ParseWeek([]string{text}); !mainstay.Is(err, mainstay.Invalid) {
			t.Errorf("%q was taken: %v", text, err)
		}
	}
	night := week(t, "Fri 22:00-06:00")
	if len(night[time.Friday]) != 1 || len(night[time.Saturday]) != 1 || night[time.Saturday][0].String() != "00:00-06:00" {
		t.Errorf("a night goes on into the next day: %v", night)
	}
	joined := week(t, "Mon 09:00-12:00", "Mon 12:00-17:00", "Mon 10:00-11:00")
	if len(joined[time.Monday]) != 1 || joined[time.Monday][0].String() != "09:00-17:00" {
		t.Errorf("windows that touch are one: %v", joined)
	}
}

func TestWorkingTimeIsAddedAcrossNightsWeekendsAndHolidays(t *testing.T) {
	h := calendar.Hours{Zone: zone(t, "Europe/Berlin"), Week: week(t, "Mon-Fri 09:00-17:00"), Holidays: map[calendar.Date][]calendar.Span{
		{Year: 2026, Month: 4, Day: 3}:        nil,                            // Good Friday
		{Year: 2026, Month: 4, Day: 6}:        nil,                            // Easter Monday
		{Year: 2026, Month: 12, Day: 24}:      {{From: 12 * 60, Until: 1440}}, // half a day
		{Year: 2026, Month: 3, Day: 11}:       {{From: 0, Until: 24 * 60}},
		{Year: 2026, Month: time.May, Day: 1}: nil,
	}}
	for _, c := range []struct {
		from string
		add  time.Duration
		want string
		why  string
	}{
		{"2026-03-10T10:00:00+01:00", 4 * time.Hour, "2026-03-10T14:00:00+01:00", "within a day"},
		{"2026-03-10T16:00:00+01:00", time.Hour, "2026-03-10T17:00:00+01:00", "used up at closing time"},
		{"2026-03-10T16:00:00+01:00", 2 * time.Hour, "2026-03-12T10:00:00+01:00", "over a holiday"},
		{"2026-03-27T16:00:00+01:00", 2 * time.Hour, "2026-03-30T10:00:00+02:00", "over the weekend of the clocks"},
		{"2026-04-02T18:00:00+02:00", 8 * time.Hour, "2026-04-07T17:00:00+02:00", "Easter"},
		{"2026-12-24T11:00:00+01:00", 2 * time.Hour, "2026-12-25T10:00:00+01:00", "half a holiday"},
		{"2026-03-08T03:00:00+01:00", 0, "2026-03-08T03:00:00+01:00", "nothing to add"},
	} {
		got, err := h.AddWorking(at(t, c.from), c.add)
		if err != nil || !got.Equal(at(t, c.want)) {
			t.Errorf("%s: %s + %s = %s, want %s (%v)", c.why, c.from, c.add, got, c.want, err)
		}
	}
	if got := h.WorkingBetween(at(t, "2026-04-01T00:00:00+02:00"), at(t, "2026-04-08T00:00:00+02:00")); got != 24*time.Hour {
		t.Errorf("the Easter week has three working days, got %s", got)
	}
	if got := h.WorkingBetween(at(t, "2026-04-08T00:00:00+02:00"), at(t, "2026-04-01T00:00:00+02:00")); got != 0 {
		t.Errorf("backwards there is no time, got %s", got)
	}
}

func TestWorkingTimeOverTheChangeOfClocksIsRealTime(t *testing.T) {
	all := calendar.Hours{Zone: zone(t, "Europe/Berlin"), Week: week(t, "Sun 00:00-24:00")}
	if got := all.WorkingBetween(at(t, "2026-03-28T12:00:00Z"), at(t, "2026-03-30T12:00:00Z")); got != 23*time.Hour {
		t.Errorf("the Sunday in spring has 23 hours, got %s", got)
	}
	if got := all.WorkingBetween(at(t, "2026-10-24T12:00:00Z"), at(t, "2026-10-26T12:00:00Z")); got != 25*time.Hour {
		t.Errorf("the Sunday in autumn has 25 hours, got %s", got)
	}
	// 01:30-02:30 in autumn: 01:30-02:30 and then 02:00-02:30 again.
	part := calendar.Hours{Zone: zone(t, "Europe/Berlin"), Week: week(t, "Sun 01:30-02:30")}
	if got := part.WorkingBetween(at(t, "2026-10-24T12:00:00Z"), at(t, "2026-10-26T12:00:00Z")); got != 90*time.Minute {
		t.Errorf("readings that come twice count twice, got %s", got)
	}
	if got := part.WorkingBetween(at(t, "2026-03-28T12:00:00Z"), at(t, "2026-03-30T12:00:00Z")); got != 30*time.Minute {
		t.Errorf("readings that never come do not count, got %s", got)
	}
}

func TestACalendarThatNeverOpensSaysSo(t *testing.T) {
	closed := calendar.Hours{Zone: time.UTC}
	if _, err := closed.AddWorking(at(t, "2026-03-01T00:00:00Z"), time.Second); !mainstay.Is(err, mainstay.Invalid) {
		t.Errorf("no window: %v", err)
	}
	if _, err := closed.AddWorkingDays(at(t, "2026-03-01T00:00:00Z"), 1); !mainstay.Is(err, mainstay.Invalid) {
		t.Errorf("no day: %v", err)
	}
	// Open only in the hour that daylight saving skips, on that one Sunday: the wall clock never shows it.
	gap := calendar.Hours{Zone: zone(t, "Europe/Berlin"), Week: week(t, "Sun 02:00-03:00")}
	if gap.Working(at(t, "2026-03-29T01:00:00Z")) || gap.Working(at(t, "2026-03-29T00:59:59Z")) {
		t.Error("the gap is no working time")
	}
}

func TestWorkingDaysKeepTheTimeOfDay(t *testing.T) {
	h := calendar.Hours{Zone: zone(t, "Europe/Berlin"), Week: week(t, "Mon-Fri 09:00-17:00"), Holidays: map[calendar.Date][]calendar.Span{
		{Year: 2026, Month: 4, Day: 3}: nil, {Year: 2026, Month: 4, Day: 6}: nil,
	}}
	for _, c := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-03-24T03:14:00+01:00", 5, "2026-03-31T03:14:00+02:00"},
		{"2026-03-28T12:00:00+01:00", 1, "2026-03-30T12:00:00+02:00"}, // from a Saturday
		{"2026-04-02T15:00:00+02:00", 1, "2026-04-07T15:00:00+02:00"}, // over Easter
		{"2026-04-02T15:00:00+02:00", 0, "2026-04-02T15:00:00+02:00"},
	} {
		if got, err := h.AddWorkingDays(at(t, c.from), c.n); err != nil || !got.Equal(at(t, c.want)) {
			t.Errorf("%s + %d working days = %s, want %s (%v)", c.from, c.n, got, c.want, err)
		}
	}
}
