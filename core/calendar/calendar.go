// Package calendar owns the arithmetic of wall clocks: zones, working hours, holidays, rotations and who has a turn when. It
// never knows a schedule's name, a person or the present time, and it does no I/O: every function is of its arguments alone.
//
// All intervals are half-open: [from, until).
package calendar

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones work on machines that have none

	"github.com/mainstayhq/mainstay"
)

// Zone loads a zone by its name, such as "Europe/Berlin" or "UTC". The machine's own zone has no name here.
func Zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, mainstay.Errorf(mainstay.Invalid, "a time zone is needed, such as Europe/Berlin")
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, mainstay.Errorf(mainstay.Invalid, "there is no time zone %q; use a name such as Europe/Berlin", name)
	}
	return loc, nil
}

// Interval is the time from From, inclusive, until Until, exclusive.
type Interval struct{ From, Until time.Time }

// Contains reports whether t lies in the interval.
func (i Interval) Contains(t time.Time) bool { return !t.Before(i.From) && t.Before(i.Until) }

// Empty reports whether no instant lies in the interval.
func (i Interval) Empty() bool { return !i.From.Before(i.Until) }

// Length is the real time between the ends, 0 for an empty interval.
func (i Interval) Length() time.Duration { return max(i.Until.Sub(i.From), 0) }

// Meet is what the two intervals have in common, perhaps nothing.
func (i Interval) Meet(o Interval) Interval {
	return Interval{From: later(i.From, o.From), Until: earlier(i.Until, o.Until)}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Date is a day on a wall clock.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf is the date that t reads in the location it carries.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// ParseDate reads a date such as 2026-03-29.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, mainstay.Errorf(mainstay.Invalid, "%q is not a date such as 2026-03-29", s)
	}
	return DateOf(t), nil
}

func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

// reading is midnight of the date as a reading (see read).
func (d Date) reading() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// AddDays is the date n days later.
func (d Date) AddDays(n int) Date { return DateOf(d.reading().AddDate(0, 0, n)) }

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday { return d.reading().Weekday() }

// TimeOfDay is a reading of a wall clock in minutes since midnight, from 0 to 1440 (24:00, an end only).
type TimeOfDay int

// EndOfDay is 24:00.
const EndOfDay TimeOfDay = 24 * 60

// ParseTimeOfDay reads 09:00 or 9:00; 24:00 is the end of the day.
func ParseTimeOfDay(s string) (TimeOfDay, error) {
	hour, minute, ok := strings.Cut(s, ":")
	h, okH := digits(hour, 2)
	m, okM := digits(minute, 2)
	t := TimeOfDay(60*h + m)
	if !ok || !okH || !okM || len(minute) != 2 || m > 59 || t > EndOfDay {
		return 0, mainstay.Errorf(mainstay.Invalid, "%q is not a time of day such as 09:00", s)
	}
	return t, nil
}

func digits(s string, most int) (int, bool) {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = 10*n + int(s[i]-'0')
	}
	return n, len(s) > 0 && len(s) <= most
}

func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", int(t)/60, int(t)%60) }

func (t TimeOfDay) duration() time.Duration { return time.Duration(t) * time.Minute }

// weekdayNames are in the order of time.Weekday.
var weekdayNames = [7]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

// ParseWeekday reads a weekday by its first three letters or its whole English name, in any case.
func ParseWeekday(s string) (time.Weekday, error) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(s, weekdayNames[d]) || strings.EqualFold(s, d.String()) {
			return d, nil
		}
	}
	return 0, mainstay.Errorf(mainstay.Invalid, "%q is not a weekday such as Mon", s)
}
