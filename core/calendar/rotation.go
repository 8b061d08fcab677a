package calendar

import (
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
)

// Unit is the length of a turn, times Rotation.Every.
type Unit string

// The units.
const (
	Hourly Unit = "hourly"
	Daily  Unit = "daily"
	Weekly Unit = "weekly"
)

// length is how long the unit lasts on the wall clock.
func (u Unit) length() time.Duration {
	switch u {
	case Hourly:
		return time.Hour
	case Daily:
		return 24 * time.Hour
	}
	return 7 * 24 * time.Hour
}

// Handoff is the reading of the wall clock at which turns change: the time of day, and for weekly rotations the weekday. Of an
// hourly rotation it is one of the changes; the others lie whole turns apart.
type Handoff struct {
	Day  time.Weekday
	Time TimeOfDay
}

// ParseHandoff reads "Mon 09:00" for weekly rotations and "09:00" for the others. An empty text is Monday, midnight.
func ParseHandoff(s string, u Unit) (Handoff, error) {
	h := Handoff{Day: time.Monday}
	fields := strings.Fields(s)
	if len(fields) == 0 {
		return h, nil
	}
	var err error
	if u == Weekly {
		if h.Day, err = ParseWeekday(fields[0]); err != nil {
			return h, mainstay.Errorf(mainstay.Invalid, "%q is not a weekly handoff such as Mon 09:00", s)
		}
		if fields = fields[1:]; len(fields) == 0 {
			return h, nil
		}
	}
	if len(fields) != 1 {
		return h, mainstay.Errorf(mainstay.Invalid, "%q is not a handoff such as 09:00", s)
	}
	if h.Time, err = ParseTimeOfDay(fields[0]); err == nil && h.Time == EndOfDay {
		err = mainstay.Errorf(mainstay.Invalid, "a handoff at the end of the day is 00:00 of the next")
	}
	return h, err
}

// Rotation hands one duty round among participants. Turns are of equal length on the wall clock of Zone: a handoff whose
// reading is skipped happens at the end of the gap, one whose reading comes twice at the first time.
type Rotation struct {
	Zone         *time.Location // required
	Unit         Unit
	Every        int // units in a turn; 0 counts as 1
	Handoff      Handoff
	Start        time.Time // nobody has a turn before it; it lies in the first participant's turn
	Participants []string
}

// period is the length of a turn on the wall clock.
func (r Rotation) period() time.Duration { return time.Duration(max(r.Every, 1)) * r.Unit.length() }

// anchor is the reading of the handoff that began the first turn: the last one at or before Start.
func (r Rotation) anchor() time.Time {
	start := read(r.Start, r.Zone)
	a := DateOf(start).reading().Add(r.Handoff.Time.duration())
	back := -1
	if r.Unit == Weekly {
		a = a.AddDate(0, 0, int(r.Handoff.Day-start.Weekday()))
		back = -7
	}
	if a.After(start) {
		a = a.AddDate(0, 0, back)
	}
	return a.Add(start.Sub(a) / r.period() * r.period())
}

// turns counts turns from an anchor.
type turns struct {
	Rotation
	first time.Time // the anchor
}

func (r Rotation) turns() turns { return turns{r, r.anchor()} }

// begin is when turn n begins.
func (t turns) begin(n int64) time.Time {
	return instant(t.first.Add(time.Duration(n)*t.period()), t.Zone)
}

// number is the turn that at lies in.
func (t turns) number(at time.Time) int64 {
	n := int64(read(at, t.Zone).Sub(t.first) / t.period())
	for at.Before(t.begin(n)) {
		n--
	}
	for !at.Before(t.begin(n + 1)) {
		n++
	}
	return n
}

// turn is the interval of turn n and who has it. The first begins with the rotation.
func (t turns) turn(n int64) (Interval, string) {
	who := t.Participants[int(n)%len(t.Participants)]
	return Interval{later(t.begin(n), t.Start), t.begin(n + 1)}, who
}

// Layer is a rotation, perhaps only at some times of the week.
type Layer struct {
	Rotation Rotation
	Only     *Week // nil: at all times; read on the wall clock of the rotation's zone
}

// Shift is a stretch of time for which somebody has the duty.
type Shift struct {
	Interval
	Person   string
	Layer    int      // 1 for the first layer; 0 for what was laid over the layers
	Turn     Interval // the turn of the rotation that the shift is a part of
	Override string   // what was laid over the layers, for whoever did
}

// Roster is layers painted over each other: where a later layer has somebody, it covers the earlier ones.
type Roster []Layer

// At is the shift of whoever has the duty at t. Its interval is the turn: restrictions and other layers may end it sooner.
// It reports false when nobody has it.
func (r Roster) At(t time.Time) (Shift, bool) {
	for i, l := range slices.Backward(r) {
		if len(l.Rotation.Participants) == 0 || t.Before(l.Rotation.Start) {
			continue
		}
		if l.Only != nil && !l.Only.contains(read(t, l.Rotation.Zone)) {
			continue
		}
		ts := l.Rotation.turns()
		turn, who := ts.turn(ts.number(t))
		return Shift{Interval: turn, Person: who, Layer: i + 1, Turn: turn}, true
	}
	return Shift{}, false
}

// Shifts lists who has the duty in [from, until), in order, without overlap. Where nobody has it there is a hole; see Gaps.
func (r Roster) Shifts(from, until time.Time) []Shift {
	var all []Shift
	for i, l := range r {
		all = Lay(all, l.shifts(i+1, Interval{from, until}))
	}
	return all
}

// shifts lists the layer's own shifts, whatever covers them.
func (l Layer) shifts(number int, in Interval) []Shift {
	in.From = later(in.From, l.Rotation.Start)
	if in.Empty() || len(l.Rotation.Participants) == 0 {
		return nil
	}
	var all []Shift
	ts := l.Rotation.turns()
	for n := ts.number(in.From); ; n++ {
		turn, who := ts.turn(n)
		if !turn.From.Before(in.Until) {
			return all
		}
		part := turn.Meet(in)
		if part.Empty() {
			continue // a turn that lies within a gap of the wall clock
		}
		s := Shift{Interval: part, Person: who, Layer: number, Turn: turn}
		if l.Only == nil {
			all = append(all, s)
			continue
		}
		for w := range windows(part.From, part.Until, l.Rotation.Zone, func(d Date) []Span { return l.Only[d.Weekday()] }) {
			s.Interval = w
			all = appendShift(all, s)
		}
	}
}

// appendShift joins s to the last shift when it is its continuation.
func appendShift(all []Shift, s Shift) []Shift {
	if n := len(all); n > 0 {
		last := &all[n-1]
		if last.Until.Equal(s.From) && last.Person == s.Person && last.Layer == s.Layer && last.Turn == s.Turn && last.Override == s.Override {
			last.Until = s.Until
			return all
		}
	}
	return append(all, s)
}

// Lay covers the shifts below with those above. Each list must be in order and without overlap, and so is the result.
func Lay(below, above []Shift) []Shift {
	if len(above) == 0 {
		return below
	}
	out := make([]Shift, 0, len(below)+2*len(above))
	i := 0
	for _, s := range below {
		for i < len(above) && !above[i].From.After(s.From) {
			out = append(out, above[i])
			i++
		}
		if i > 0 {
			s.From = later(s.From, above[i-1].Until)
		}
		for i < len(above) && above[i].From.Before(s.Until) {
			if piece := s; s.From.Before(above[i].From) {
				piece.Until = above[i].From
				out = append(out, piece)
			}
			out = append(out, above[i])
			s.From = later(s.From, above[i].Until)
			i++
		}
		if !s.Empty() {
			out = append(out, s)
		}
	}
	return append(out, above[i:]...)
}

// Gaps lists the stretches of the interval in which nobody has the duty. The shifts must be in order and without overlap.
func Gaps(shifts []Shift, in Interval) []Interval {
	var gaps []Interval
	at := in.From
	for _, s := range shifts {
		if g := (Interval{at, earlier(s.From, in.Until)}); !g.Empty() {
			gaps = append(gaps, g)
		}
		at = later(at, s.Until)
	}
	if g := (Interval{at, in.Until}); !g.Empty() {
		gaps = append(gaps, g)
	}
	return gaps
}
