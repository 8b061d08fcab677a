package communication

import (
	"slices"
	"time"
)

// Day is one bar: how long a component was in which state on one calendar day.
type Day struct {
	Date     time.Time // midnight in the page's zone
	Worst    State     // "" when nothing is known
	Spent    map[State]time.Duration
	Measured time.Duration
}

// Days cuts the intervals of one component into the n calendar days that end with now's, in the zone. A day on which daylight
// saving begins has 23 hours. Intervals must be in order and may be open.
func Days(intervals []Interval, now time.Time, n int, zone *time.Location) []Day {
	if zone == nil {
		zone = time.UTC
	}
	y, m, d := now.In(zone).Date()
	days := make([]Day, n)
	for k := range days {
		from := time.Date(y, m, d-n+1+k, 0, 0, 0, 0, zone)
		until := time.Date(y, m, d-n+2+k, 0, 0, 0, 0, zone)
		if until.After(now) {
			until = now
		}
		days[k] = Day{Date: from, Spent: map[State]time.Duration{}}
		for _, i := range intervals {
			days[k].add(i, from, until)
		}
	}
	return days
}

func (d *Day) add(i Interval, from, until time.Time) {
	if i.From.After(from) {
		from = i.From
	}
	if !i.Until.IsZero() && i.Until.Before(until) {
		until = i.Until
	}
	spent := until.Sub(from)
	if spent <= 0 {
		return
	}
	d.Spent[i.State] += spent
	d.Measured += spent
	if d.Worst == "" || i.State.Rank() > d.Worst.Rank() {
		d.Worst = i.State
	}
}

// Available is the share of the time in which a component was neither partly nor wholly down; planned maintenance is left out
// of both sides. It reports false when nothing was measured.
func Available(days []Day) (float64, bool) {
	var up, all time.Duration
	for _, d := range days {
		all += d.Measured - d.Spent[UnderMaintenance]
		up += d.Spent[Operational] + d.Spent[Degraded]
	}
	if all <= 0 {
		return 0, false
	}
	return float64(up) / float64(all), true
}

// GroupState is the worst state among the members of a group.
func GroupState(members []Component) State {
	worst := Operational
	for _, c := range members {
		if s := c.State(); s.Rank() > worst.Rank() {
			worst = s
		}
	}
	return worst
}

// Order sorts components as the page shows them: by position, then title, then id.
func Order(list []Component) {
	slices.SortStableFunc(list, func(a, b Component) int {
		switch {
		case a.Position != b.Position:
			return a.Position - b.Position
		case a.Title != b.Title:
			if a.Title < b.Title {
				return -1
			}
			return 1
		case a.ID < b.ID:
			return -1
		}
		return 1
	})
}
