package calendar

import (
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
)

// Span is a part of a day on the wall clock: from From until Until, at most 24:00.
type Span struct{ From, Until TimeOfDay }

// ParseSpan reads 09:00-17:00.
func ParseSpan(s string) (Span, error) {
	from, until, ok := strings.Cut(strings.ReplaceAll(s, "–", "-"), "-")
	if !ok {
		return Span{}, mainstay.Errorf(mainstay.Invalid, "%q is not a window such as 09:00-17:00", s)
	}
	a, err := ParseTimeOfDay(strings.TrimSpace(from))
	if err != nil {
		return Span{}, err
	}
	b, err := ParseTimeOfDay(strings.TrimSpace(until))
	if err != nil {
		return Span{}, err
	}
	if a == b || a == EndOfDay {
		return Span{}, mainstay.Errorf(mainstay.Invalid, "the window %q is empty; a whole day is 00:00-24:00", s)
	}
	return Span{a, b}, nil
}

func (s Span) String() string { return s.From.String() + "-" + s.Until.String() }

// Week is a pattern of windows that repeats every week; the index is time.Weekday. The zero Week has no window.
type Week [7][]Span

// Always is the week without a closed minute.
func Always() Week {
	var w Week
	for d := range w {
		w[d] = []Span{{0, EndOfDay}}
	}
	return w
}

// Add opens a window on a weekday. A window that ends before it begins goes on into the next day.
func (w *Week) Add(day time.Weekday, s Span) {
	if s.Until > s.From {
		w[day] = merge(append(w[day], s))
		return
	}
	w[day] = merge(append(w[day], Span{s.From, EndOfDay}))
	if s.Until > 0 {
		next := (day + 1) % 7
		w[next] = merge(append(w[next], Span{0, s.Until}))
	}
}

// merge sorts spans and joins those that touch.
func merge(l []Span) []Span {
	slices.SortFunc(l, func(a, b Span) int { return int(a.From - b.From) })
	out := l[:0]
	for _, s := range l {
		if n := len(out); n > 0 && s.From <= out[n-1].Until {
			out[n-1].Until = max(out[n-1].Until, s.Until)
			continue
		}
		out = append(out, s)
	}
	return out
}

// Closed reports whether the week has no window at all.
func (w Week) Closed() bool {
	for _, spans := range w {
		if len(spans) > 0 {
			return false
		}
	}
	return true
}

// contains reports whether a reading lies in a window.
func (w Week) contains(reading time.Time) bool {
	minute := TimeOfDay(reading.Hour()*60 + reading.Minute())
	for _, s := range w[reading.Weekday()] {
		if minute >= s.From && minute < s.Until {
			return true
		}
	}
	return false
}

// ParseWeek reads windows such as "Mon-Fri 09:00-17:00", "Sat,Sun", "Fri 22:00-06:00" and "09:00-17:00" (every day), and
// joins them.
func ParseWeek(windows []string) (Week, error) {
	var w Week
	for _, text := range windows {
		if err := w.parse(text); err != nil {
			return Week{}, err
		}
	}
	return w, nil
}

func (w *Week) parse(text string) error {
	days, span := allDays(), Span{0, EndOfDay}
	fields := strings.Fields(text)
	if len(fields) == 0 || len(fields) > 2 {
		return mainstay.Errorf(mainstay.Invalid, "%q is not a window such as Mon-Fri 09:00-17:00", text)
	}
	var err error
	if first := fields[0]; first[0] < '0' || first[0] > '9' {
		if days, err = parseDays(first); err != nil {
			return err
		}
		fields = fields[1:]
	}
	if len(fields) > 1 {
		return mainstay.Errorf(mainstay.Invalid, "%q is not a window such as Mon-Fri 09:00-17:00", text)
	}
	if len(fields) == 1 {
		if span, err = ParseSpan(fields[0]); err != nil {
			return err
		}
	}
	for _, d := range days {
		w.Add(d, span)
	}
	return nil
}

func allDays() []time.Weekday { return []time.Weekday{0, 1, 2, 3, 4, 5, 6} }

// parseDays reads Mon, Mon-Fri, Sat,Sun and Fri-Mon.
func parseDays(s string) ([]time.Weekday, error) {
	var days []time.Weekday
	for _, part := range strings.Split(s, ",") {
		first, last, isRange := strings.Cut(part, "-")
		a, err := ParseWeekday(first)
		if err != nil {
			return nil, err
		}
		b := a
		if isRange {
			if b, err = ParseWeekday(last); err != nil {
				return nil, err
			}
		}
		for d := a; ; d = (d + 1) % 7 {
			days = append(days, d)
			if d == b {
				break
			}
		}
	}
	return days, nil
}
