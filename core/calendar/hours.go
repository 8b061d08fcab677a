package calendar

import (
	"iter"
	"time"

	"github.com/mainstayhq/mainstay"
)

// Hours are the working hours of a calendar. An instant is working time if and only if its wall-clock reading in Zone lies
// inside a window of that weekday and not on a holiday. That sentence is the whole rule: a reading that daylight saving skips
// never occurs, and one that comes twice counts twice.
type Hours struct {
	Zone *time.Location // required
	Week Week
	// Holidays are closed: the whole date when it has no span, else these parts of it.
	Holidays map[Date][]Span
}

// years is how far AddWorking and AddWorkingDays look before they say that a calendar never opens.
const years = 20

// errClosed is what a calendar without working time answers.
func errClosed() error {
	return mainstay.Errorf(mainstay.Invalid, "this calendar never opens: it has no working hours outside its holidays")
}

// Working reports whether t is working time.
func (h Hours) Working(t time.Time) bool {
	r := read(t, h.Zone)
	if !h.Week.contains(r) {
		return false
	}
	holiday, ok := h.Holidays[DateOf(r)]
	if !ok {
		return true
	}
	var w Week
	w[r.Weekday()] = holiday
	return len(holiday) > 0 && !w.contains(r)
}

// Windows yields the working time in [from, until) as intervals in order. Intervals that touch may come apart at midnight and
// where the clocks change.
func (h Hours) Windows(from, until time.Time) iter.Seq[Interval] {
	return windows(from, until, h.Zone, h.open)
}

// open lists the open spans of a date, in order.
func (h Hours) open(d Date) []Span {
	spans := h.Week[d.Weekday()]
	holiday, ok := h.Holidays[d]
	switch {
	case !ok:
		return spans
	case len(holiday) == 0:
		return nil
	}
	return without(spans, merge(append([]Span(nil), holiday...)))
}

// without cuts spans out of spans; both are sorted.
func without(spans, cut []Span) []Span {
	var out []Span
	for _, s := range spans {
		for _, c := range cut {
			if c.Until <= s.From || c.From >= s.Until {
				continue
			}
			if c.From > s.From {
				out = append(out, Span{s.From, c.From})
			}
			s.From = min(c.Until, s.Until)
		}
		if s.From < s.Until {
			out = append(out, s)
		}
	}
	return out
}

// windows yields the stretches of [from, until) whose readings lie in the open spans of their date. It walks the segments of
// constant offset, in each of which the wall clock runs evenly, so gaps and overlaps need no rule.
func windows(from, until time.Time, loc *time.Location, open func(Date) []Span) iter.Seq[Interval] {
	return func(yield func(Interval) bool) {
		for at := from; at.Before(until); {
			s := segmentAt(at, loc)
			part := s.Meet(Interval{at, until})
			last := DateOf(part.Until.UTC().Add(s.offset - 1))
			for d := DateOf(part.From.UTC().Add(s.offset)); ; d = d.AddDays(1) {
				midnight := d.reading().Add(-s.offset)
				for _, span := range open(d) {
					w := part.Meet(Interval{midnight.Add(span.From.duration()), midnight.Add(span.Until.duration())})
					if !w.Empty() && !yield(w) {
						return
					}
				}
				if d == last {
					break
				}
			}
			at = s.Until
		}
	}
}

// AddWorking is the earliest instant at which d of working time has passed since t. A budget used up exactly at closing time
// ends at closing time. With d <= 0 it is t. A calendar that never opens is an error.
func (h Hours) AddWorking(t time.Time, d time.Duration) (time.Time, error) {
	if d <= 0 {
		return t, nil
	}
	if h.Week.Closed() {
		return time.Time{}, errClosed()
	}
	for w := range h.Windows(t, t.AddDate(years, 0, 0)) {
		if l := w.Length(); l < d {
			d -= l
			continue
		}
		return w.From.Add(d).UTC(), nil
	}
	return time.Time{}, errClosed()
}

// WorkingBetween is the working time in [from, until), 0 when until is not after from.
func (h Hours) WorkingBetween(from, until time.Time) time.Duration {
	var sum time.Duration
	for w := range h.Windows(from, until) {
		sum += w.Length()
	}
	return sum
}

// AddWorkingDays is the same reading of the wall clock on the n-th working day after the day of t. A day on which the calendar
// opens at all is a working day; the day of t does not count. With n <= 0 it is t. A calendar that has fewer working days in
// the next 20 years is an error.
func (h Hours) AddWorkingDays(t time.Time, n int) (time.Time, error) {
	if n <= 0 {
		return t, nil
	}
	if h.Week.Closed() {
		return time.Time{}, errClosed()
	}
	r := read(t, h.Zone)
	d := DateOf(r)
	clock := r.Sub(d.reading())
	for range years * 366 {
		d = d.AddDays(1)
		if len(h.open(d)) > 0 {
			n--
		}
		if n == 0 {
			return instant(d.reading().Add(clock), h.Zone), nil
		}
	}
	return time.Time{}, errClosed()
}
