package ui

import (
	"context"
	"fmt"
	"time"
)

type clockKey struct{}

type clock struct {
	now     time.Time
	zone    *time.Location
	project *time.Location
	fields  map[string]int // ids of fields given out in this rendering
}

// WithClock carries the request's now and the viewer's zone to the components.
func WithClock(ctx context.Context, now time.Time, zone *time.Location) context.Context {
	return context.WithValue(ctx, clockKey{}, clock{now: now, zone: zone, fields: map[string]int{}})
}

// WithProjectZone adds the zone of the project that the page is about.
func WithProjectZone(ctx context.Context, zone *time.Location) context.Context {
	c := clockOf(ctx)
	c.project = zone
	return context.WithValue(ctx, clockKey{}, c)
}

func clockOf(ctx context.Context) clock {
	c, ok := ctx.Value(clockKey{}).(clock)
	if !ok || c.zone == nil {
		c.zone = time.UTC
	}
	return c
}

// Now is the request's now.
func Now(ctx context.Context) time.Time { return clockOf(ctx).now }

// Zone is the viewer's zone.
func Zone(ctx context.Context) *time.Location { return clockOf(ctx).zone }

// Ago is how long ago a time was, or how far it is ahead: "just now", "4 min ago", "in 2 h", "3 days ago".
func Ago(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case d >= 0 && d < 30*time.Second:
		return "just now"
	case d < 0 && d > -30*time.Second:
		return "in seconds"
	case d < 0:
		return "in " + Long(-d)
	}
	return Long(d) + " ago"
}

// Long is a duration in the coarse words that people use: "40 s", "23 min", "5 h", "3 days".
func Long(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 100*time.Minute:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	case d < 60*24*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d < 730*24*time.Hour:
		return fmt.Sprintf("%d months", int(d.Hours()/24/30))
	}
	return fmt.Sprintf("%d years", int(d.Hours()/24/365))
}

// Count is a countdown's reading: "2:40", "−1:05", "3 h 05", "2 days".
func Count(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "−", -d
	}
	switch {
	case d < time.Hour:
		return fmt.Sprintf("%s%d:%02d", sign, int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%s%d h %02d", sign, int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%s%d days", sign, int(d.Hours()/24))
}

// wall is a time of day in the viewer's zone, with the date when it is not today.
func wall(ctx context.Context, t time.Time) string {
	c := clockOf(ctx)
	local, today := t.In(c.zone), c.now.In(c.zone)
	switch {
	case sameDay(local, today):
		return local.Format("15:04")
	case today.Sub(local).Abs() < 180*24*time.Hour:
		return local.Format("2 Jan 15:04")
	}
	return local.Format("2 Jan 2006")
}

// HourText is a time of day in the viewer's zone: "03:14".
func HourText(ctx context.Context, t time.Time) string {
	return t.In(clockOf(ctx).zone).Format("15:04")
}

// DayText is a day in the viewer's zone: "Today", "Yesterday", "Tue 24 Nov", "24 Nov 2025" when that is long ago.
func DayText(ctx context.Context, t time.Time) string {
	c := clockOf(ctx)
	local, today := t.In(c.zone), c.now.In(c.zone)
	switch {
	case sameDay(local, today):
		return "Today"
	case sameDay(local, today.AddDate(0, 0, -1)):
		return "Yesterday, " + local.Format("Mon 2 Jan")
	case today.Sub(local).Abs() < 180*24*time.Hour:
		return local.Format("Mon 2 Jan")
	}
	return local.Format("2 Jan 2006")
}

// IsToday reports whether a time falls on the viewer's today.
func IsToday(ctx context.Context, t time.Time) bool {
	c := clockOf(ctx)
	return sameDay(t.In(c.zone), c.now.In(c.zone))
}

// DueWord stands before a Due: "in " while it lies ahead, "overdue, " after.
func DueWord(ctx context.Context, t time.Time) string {
	if t.Before(clockOf(ctx).now) {
		return "overdue, "
	}
	return "in "
}

func sameDay(a, b time.Time) bool { return a.Format(time.DateOnly) == b.Format(time.DateOnly) }

// newDay is the day of the i-th event when it is another than that of the line above; "" when it is the same. Nothing
// above the first line counts as today.
func newDay(ctx context.Context, events []Event, i int) string {
	zone, at := clockOf(ctx).zone, events[i].At
	if at.IsZero() || i == 0 && IsToday(ctx, at) || i > 0 && sameDay(at.In(zone), events[i-1].At.In(zone)) {
		return ""
	}
	return DayText(ctx, at)
}

// full is the absolute time for titles: the viewer's zone, and the project's beside it where they differ.
func full(ctx context.Context, t time.Time) string {
	c := clockOf(ctx)
	s := t.In(c.zone).Format("Mon 2 Jan 2006 15:04:05 MST")
	if c.project != nil {
		_, a := t.In(c.zone).Zone()
		_, b := t.In(c.project).Zone()
		if a != b {
			s += ", " + t.In(c.project).Format("15:04 MST") + " for the project"
		}
	}
	return s
}

// machine is a time for the datetime attribute.
func machine(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
