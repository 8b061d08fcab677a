package calendar

import "time"

// A "reading" is what a wall clock shows, kept as a time.Time in UTC that has no other meaning: 09:00 on 2 March is
// 2026-03-02T09:00:00Z whatever the zone. Arithmetic on readings knows no daylight saving; the zone comes in at the ends.

// read is what a wall clock in loc shows at t.
func read(t time.Time, loc *time.Location) time.Time {
	_, offset := t.In(loc).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// segment is a stretch of real time in which a zone's offset does not change: within it wall clocks run evenly.
type segment struct {
	Interval
	offset time.Duration
}

var (
	longAgo   = time.Date(-9999, 1, 1, 0, 0, 0, 0, time.UTC)
	farFuture = time.Date(99999, 1, 1, 0, 0, 0, 0, time.UTC)
)

// segmentAt is the segment that t lies in.
func segmentAt(t time.Time, loc *time.Location) segment {
	in := t.In(loc)
	from, until := in.ZoneBounds()
	if from.IsZero() {
		from = longAgo
	}
	if until.IsZero() {
		until = farFuture
	}
	_, offset := in.Zone()
	return segment{Interval{from.UTC(), until.UTC()}, time.Duration(offset) * time.Second}
}

// instant is the first instant at which a wall clock in loc shows the reading or, where the reading is skipped, something
// later. So a reading in a gap means the end of the gap, and one that comes twice means its first time.
func instant(reading time.Time, loc *time.Location) time.Time {
	s := segmentAt(reading.Add(-26*time.Hour), loc) // no zone is further than 26 hours from another
	for {
		t := reading.Add(-s.offset)
		if t.Before(s.From) {
			return s.From
		}
		if t.Before(s.Until) {
			return t
		}
		s = segmentAt(s.Until, loc)
	}
}

// At is the instant at which a wall clock in loc shows the time of day on the date: the end of the gap when that reading is
// skipped, the first time when it comes twice.
func At(d Date, t TimeOfDay, loc *time.Location) time.Time {
	return instant(d.reading().Add(t.duration()), loc)
}
