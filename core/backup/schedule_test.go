package backup_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/backup"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestNext says when the next backup is due, also over the gaps and overlaps of a time zone.
func TestNext(t *testing.T) {
	t.Parallel()
	berlin := "Europe/Berlin"
	for _, c := range []struct {
		name              string
		spec              backup.Spec
		now, last, nextAt string
	}{
		{"default", backup.Spec{}, "2026-03-17T03:00:00Z", "2026-03-17T02:30:00Z", "2026-03-18T02:30:00Z"},
		{"at the moment itself", backup.Spec{}, "2026-03-17T02:30:00Z", "2026-03-17T02:30:00Z", "2026-03-18T02:30:00Z"},
		{"in a zone", backup.Spec{At: "01:00", Zone: berlin}, "2026-03-17T12:00:00Z", "2026-03-17T00:00:00Z", "2026-03-18T00:00:00Z"},
		{"a skipped time comes at the end of the gap", backup.Spec{At: "02:30", Zone: berlin}, "2026-03-29T00:00:00Z", "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z"},
		{"a time that comes twice counts once", backup.Spec{At: "02:30", Zone: berlin}, "2026-10-25T00:45:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"on weekdays", backup.Spec{At: "22:00", Days: []string{"Sat", "Wed"}}, "2026-03-17T12:00:00Z", "2026-03-14T22:00:00Z", "2026-03-18T22:00:00Z"},
		{"every six hours", backup.Spec{Every: "6h"}, "2026-03-17T17:59:00Z", "2026-03-17T12:00:00Z", "2026-03-17T18:00:00Z"},
		{"every six hours over midnight", backup.Spec{Every: "6h"}, "2026-03-17T18:00:00Z", "2026-03-17T18:00:00Z", "2026-03-18T00:00:00Z"},
	} {
		now := at(t, c.now)
		if err := c.spec.Check(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := c.spec.Next(now); !got.Equal(at(t, c.nextAt)) {
			t.Errorf("%s: the next is due at %s, want %s", c.name, got.UTC(), c.nextAt)
		}
		if got := c.spec.Last(now); !got.Equal(at(t, c.last)) {
			t.Errorf("%s: the last was due at %s, want %s", c.name, got.UTC(), c.last)
		}
	}
	if off := (backup.Spec{Off: true}); !off.Next(time.Now()).IsZero() || !off.Last(time.Now()).IsZero() {
		t.Error("one is due although it is off")
	}
}

// TestSpecFaults names every field that is wrong at once.
func TestSpecFaults(t *testing.T) {
	t.Parallel()
	s := backup.Spec{At: "25:00", Every: "90m", Days: []string{"Someday"}, Zone: "Mars/Olympus", Keep: backup.Keep{Daily: -1}, Policy: "urgent"}
	fields := mainstay.ErrorFields(s.Check())
	for _, name := range []string{"at", "every", "days", "zone", "keep.daily", "policy"} {
		if fields[name] == "" {
			t.Errorf("%s has no fault: %v", name, fields)
		}
	}
}

// TestSpare keeps the newest of each day, week and month, and always the newest of all.
func TestSpare(t *testing.T) {
	t.Parallel()
	var times []time.Time
	for d := at(t, "2026-01-01T02:30:00Z"); d.Before(at(t, "2026-06-18T00:00:00Z")); d = d.Add(12 * time.Hour) {
		times = append(times, d)
	}
	spec := backup.Spec{Keep: backup.Keep{Daily: 3, Weekly: 2, Monthly: 4}}
	spare := spec.Spare(times)
	var kept []string
	for i := range times {
		if !slices.Contains(spare, i) {
			kept = append(kept, times[i].Format("01-02T15"))
		}
	}
	// Three days; the weeks are those that end on 17 and 14 June; the months end with 17 June, 31 May, 30 April and 31 March.
	if got := strings.Join(kept, " "); got != "03-31T14 04-30T14 05-31T14 06-14T14 06-15T14 06-16T14 06-17T14" {
		t.Errorf("kept are %s", got)
	}
	if got := (backup.Spec{Keep: backup.Keep{Monthly: 1}}).Spare(times[:1]); len(got) > 0 {
		t.Errorf("the only one is spare: %v", got)
	}
	old := []time.Time{at(t, "2020-01-01T00:00:00Z"), at(t, "2019-12-31T00:00:00Z")}
	if got := (backup.Spec{Keep: backup.Keep{Daily: 1}}).Spare(old); !slices.Equal(got, []int{1}) {
		t.Errorf("of two old ones, spare are %v", got)
	}
}
