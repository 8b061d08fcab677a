package backup

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/calendar"
)

// Spec is the spec of a manifest of kind Backups, of which there is one, named "default": when backups are made by themselves and which
// of them are kept. Zero fields are the defaults. The folder is the operator's, by --backup-dir.
type Spec struct {
	Off    bool     `yaml:"off,omitempty" json:"off,omitempty" doc:"Make none by itself"`
	At     string   `yaml:"at,omitempty" json:"at,omitempty" doc:"Time of day, such as 02:30 (the default)"`
	Days   []string `yaml:"days,omitempty" json:"days,omitempty" maxItems:"7" doc:"Weekdays, such as Mon; none means every day"`
	Every  string   `yaml:"every,omitempty" json:"every,omitempty" doc:"Instead of a time of day: so many hours apart, counted from midnight, such as 6h"`
	Zone   string   `yaml:"zone,omitempty" json:"zone,omitempty" doc:"Time zone of that time, such as Europe/Berlin; default UTC"`
	Keep   Keep     `yaml:"keep,omitempty" json:"keep,omitzero" doc:"Which are kept; the newest always is"`
	Policy string   `yaml:"policy,omitempty" json:"policy,omitempty" doc:"Escalation policy that is paged when one fails, as project/policy; administrators are told anyway"`
}

// Keep says which backups are kept: the newest of each of so many days, weeks and months that have one. All zero means 7 days, 4 weeks
// and 6 months.
type Keep struct {
	Daily   int `yaml:"daily,omitempty" json:"daily,omitempty" minimum:"0" maximum:"1000" doc:"The newest of so many days"`
	Weekly  int `yaml:"weekly,omitempty" json:"weekly,omitempty" minimum:"0" maximum:"1000" doc:"The newest of so many weeks"`
	Monthly int `yaml:"monthly,omitempty" json:"monthly,omitempty" minimum:"0" maximum:"1000" doc:"The newest of so many months"`
}

const (
	defaultAt = "02:30"
	mostKept  = 1000
)

// Filled is the spec with its defaults.
func (s Spec) Filled() Spec {
	if s.At == "" && s.Every == "" {
		s.At = defaultAt
	}
	if s.Zone == "" {
		s.Zone = "UTC"
	}
	if s.Keep == (Keep{}) {
		s.Keep = Keep{Daily: 7, Weekly: 4, Monthly: 6}
	}
	return s
}

// Check says what is wrong, field by field of the manifest.
func (s Spec) Check() error {
	var faults mainstay.Faults
	if s.At != "" {
		if t, err := calendar.ParseTimeOfDay(s.At); err != nil || t == calendar.EndOfDay {
			faults.Add("at", "%q is not a time of day such as 02:30", s.At)
		}
	}
	if s.Every != "" {
		if s.At != "" {
			faults.Add("every", "say either a time of day or how far apart they are")
		}
		if d, err := time.ParseDuration(s.Every); err != nil || d < time.Hour || d > 24*time.Hour || d%time.Hour != 0 {
			faults.Add("every", "%q is not a number of whole hours from 1h to 24h", s.Every)
		}
	}
	for _, d := range s.Days {
		if _, err := calendar.ParseWeekday(d); err != nil {
			faults.Add("days", "%q is not a weekday such as Mon", d)
		}
	}
	if s.Zone != "" {
		if _, err := calendar.Zone(s.Zone); err != nil {
			faults.Add("zone", "there is no time zone %q; use a name such as Europe/Berlin", s.Zone)
		}
	}
	for _, k := range []struct {
		name string
		n    int
	}{{"keep.daily", s.Keep.Daily}, {"keep.weekly", s.Keep.Weekly}, {"keep.monthly", s.Keep.Monthly}} {
		if k.n < 0 || k.n > mostKept {
			faults.Add(k.name, "0 to %d", mostKept)
		}
	}
	if project, policy, ok := strings.Cut(s.Policy, "/"); s.Policy != "" && (!ok || project == "" || policy == "" || strings.Contains(policy, "/")) {
		faults.Add("policy", "name the project and the policy, as shop/urgent")
	}
	return faults.Err()
}

// Location is the time zone of the schedule; it must have been checked.
func (s Spec) Location() *time.Location {
	loc, err := calendar.Zone(s.Filled().Zone)
	if err != nil {
		return time.UTC
	}
	return loc
}

// Next is the first moment after t at which a backup is due, zero when none ever is.
func (s Spec) Next(t time.Time) time.Time {
	if s.Off {
		return time.Time{}
	}
	loc := s.Location()
	for day := calendar.DateOf(t.In(loc)).AddDays(-1); ; day = day.AddDays(1) { // a gap of the zone may move one past midnight
		for _, at := range s.on(day, loc) {
			if at.After(t) {
				return at
			}
		}
	}
}

// Last is the latest moment not after t at which a backup was due, zero when none ever is.
func (s Spec) Last(t time.Time) (last time.Time) {
	if s.Off {
		return last
	}
	loc := s.Location()
	for day := calendar.DateOf(t.In(loc)); last.IsZero(); day = day.AddDays(-1) {
		for _, at := range s.on(day, loc) {
			if !at.After(t) {
				last = at
			}
		}
	}
	return last
}

// on lists the moments of a day.
func (s Spec) on(day calendar.Date, loc *time.Location) (list []time.Time) {
	s = s.Filled()
	if len(s.Days) > 0 && !slices.ContainsFunc(s.Days, func(d string) bool {
		w, err := calendar.ParseWeekday(d)
		return err == nil && w == day.Weekday()
	}) {
		return nil
	}
	step, err := time.ParseDuration(s.Every)
	if err != nil || step < time.Hour {
		at, err := calendar.ParseTimeOfDay(s.At)
		if err != nil {
			at = 150
		}
		return []time.Time{calendar.At(day, at, loc)}
	}
	for at := time.Duration(0); at < 24*time.Hour; at += step {
		t := calendar.At(day, calendar.TimeOfDay(at/time.Minute), loc)
		if len(list) == 0 || t.After(list[len(list)-1]) {
			list = append(list, t)
		}
	}
	return list
}

// Words says the schedule in a few words.
func (s Spec) Words() string {
	if s.Off {
		return "only when somebody asks for one"
	}
	f := s.Filled()
	days := "every day"
	if len(f.Days) > 0 {
		days = "on " + strings.Join(f.Days, ", ")
	}
	if f.Every != "" {
		d, _ := time.ParseDuration(f.Every) // checked
		return fmt.Sprintf("every %d hours from midnight, %s (%s)", int(d/time.Hour), days, f.Zone)
	}
	return fmt.Sprintf("at %s, %s (%s)", f.At, days, f.Zone)
}

// Words says what is kept in a few words.
func (k Keep) Words() string {
	k = Spec{Keep: k}.Filled().Keep
	var parts []string
	for _, p := range []struct {
		n    int
		unit string
	}{{k.Daily, "day"}, {k.Weekly, "week"}, {k.Monthly, "month"}} {
		switch {
		case p.n == 1:
			parts = append(parts, "1 "+p.unit)
		case p.n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", p.n, p.unit))
		}
	}
	return "the newest of each of " + strings.Join(parts, ", ")
}

// Stale is the age from which the newest verified backup is too old under the schedule: two were missed.
func (s Spec) Stale(now time.Time) time.Time {
	last := s.Last(now)
	if last.IsZero() {
		return last
	}
	return s.Last(last.Add(-time.Second))
}

// Spare lists those of the copies that need not be kept: of times, given in any order, it returns the indexes. The newest is always kept.
func (s Spec) Spare(times []time.Time) (spare []int) {
	f := s.Filled()
	loc := f.Location()
	order := make([]int, len(times))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return times[b].Compare(times[a]) })
	keep := map[int]bool{}
	mark := func(n int, bucket func(time.Time) string) {
		seen := map[string]bool{}
		for _, i := range order {
			b := bucket(times[i].In(loc))
			if seen[b] || len(seen) == n {
				continue
			}
			seen[b], keep[i] = true, true
		}
	}
	mark(f.Keep.Daily, func(t time.Time) string { return t.Format(time.DateOnly) })
	mark(f.Keep.Weekly, func(t time.Time) string {
		y, w := t.ISOWeek()
		return fmt.Sprintf("%d-%d", y, w)
	})
	mark(f.Keep.Monthly, func(t time.Time) string { return t.Format("2006-01") })
	for n, i := range order {
		if n > 0 && !keep[i] {
			spare = append(spare, i)
		}
	}
	return spare
}
