package escalationweb

import (
	"fmt"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay/core/calendar"
)

// chart is a stretch of days with one row of shifts per schedule or layer, drawn twice: for wide and for narrow windows.
type chart struct {
	Label        string // what it shows, for those who cannot see it
	Wide, Narrow drawing
}

// drawing is a chart in pixels.
type drawing struct {
	Class         string
	Width, Height int
	Narrow        bool
	Top, Bottom   int // of the rows
	Days          []day
	Rows          []drawnRow
	Now           float64
	ShowNow       bool
}

type day struct {
	X, Width, TextX float64
	Text            string
	Weekend         bool
}

type drawnRow struct {
	Title, Note       string
	TextX             float64
	TitleY, NoteY     float64
	Blocks            []block
	Gaps              []block
	Y, GapY           float64
	Height, GapHeight int
	Strong            bool
}

type block struct {
	X, Width, TextX, TextY float64
	Text, Title            string
}

// row is what a chart shows: shifts of one schedule or layer.
type row struct {
	Title, Note string
	Shifts      []calendar.Shift
	Gaps        bool // holes are faults
	Strong      bool // the pager itself
}

const rowHeight = 44

// newChart draws rows over n days from the date on the wall clock of the zone.
func newChart(label string, rows []row, first calendar.Date, n int, loc *time.Location, now time.Time, name func(id string) string) chart {
	return chart{
		Label:  label,
		Wide:   draw(rows, first, n, loc, now, name, 1180, 120, false),
		Narrow: draw(rows, first, n, loc, now, name, 328, 0, true),
	}
}

func draw(rows []row, first calendar.Date, n int, loc *time.Location, now time.Time, name func(string) string, width, left int, narrow bool) drawing {
	in := calendar.Interval{From: calendar.At(first, 0, loc), Until: calendar.At(first.AddDays(n), 0, loc)}
	// Days are of equal width: the wall clock is what people plan by, also on the days with 23 and 25 hours.
	perDay := float64(width-left) / float64(n)
	x := func(t time.Time) float64 {
		d := 0
		for d < n && !calendar.At(first.AddDays(d+1), 0, loc).After(t) {
			d++
		}
		from, until := calendar.At(first.AddDays(d), 0, loc), calendar.At(first.AddDays(d+1), 0, loc)
		return float64(left) + perDay*(float64(d)+float64(t.Sub(from))/float64(until.Sub(from)))
	}
	g := drawing{Class: "ch only-wide xl", Width: width, Narrow: narrow, Top: 28}
	step := rowHeight
	if narrow {
		g.Class, step = "ch only-narrow xl", 62
	}
	g.Bottom = g.Top + step*len(rows)
	g.Height = g.Bottom + 8
	g.Days = days(first, n, loc, x, perDay, narrow)
	for i, r := range rows {
		g.Rows = append(g.Rows, drawRow(r, calendar.Interval{From: now, Until: in.Until}, g.Top+i*step, narrow, x, name, loc))
	}
	if g.ShowNow = in.Contains(now); g.ShowNow {
		g.Now = x(now)
	}
	return g
}

func days(first calendar.Date, n int, loc *time.Location, x func(time.Time) float64, width float64, narrow bool) []day {
	var out []day
	for i := range n {
		d := first.AddDays(i)
		v := day{X: x(calendar.At(d, 0, loc)), Width: width, Weekend: d.Weekday() == time.Saturday || d.Weekday() == time.Sunday}
		v.TextX = v.X + width/2
		v.Text = fmt.Sprintf("%s %d", d.Weekday().String()[:3], d.Day)
		if narrow {
			v.Text, v.TextX = "", v.X+2
			if i%7 == 0 {
				v.Text = fmt.Sprintf("%s %d %s", d.Weekday().String()[:3], d.Day, d.Month.String()[:3])
			}
		}
		out = append(out, v)
	}
	return out
}

func drawRow(r row, future calendar.Interval, y int, narrow bool, x func(time.Time) float64, name func(string) string, loc *time.Location) drawnRow {
	top := float64(y + 4)
	if narrow {
		top += 18
	}
	d := drawnRow{
		Title: r.Title, Note: r.Note, TitleY: float64(y + 17), NoteY: float64(y + 32), Y: top, Height: 32, GapY: top - 3, GapHeight: 38, Strong: r.Strong,
	}
	if narrow && r.Note != "" {
		d.Title, d.Note = r.Title+", "+r.Note, ""
	}
	for _, s := range joined(r.Shifts) {
		b := block{X: x(s.From) + 1, TextY: top + 20}
		b.Width = max(x(s.Until)-b.X-1, 1)
		b.TextX = b.X + 8
		b.Text = fit(name(s.Person), b.Width-12)
		b.Title = fmt.Sprintf("%s, %s until %s", name(s.Person), in2(loc, s.From), in2(loc, s.Until))
		d.Blocks = append(d.Blocks, b)
	}
	if r.Gaps {
		for _, g := range calendar.Gaps(r.Shifts, future) {
			b := block{X: x(g.From), Title: fmt.Sprintf("nobody, %s until %s", in2(loc, g.From), in2(loc, g.Until))}
			b.Width = max(x(g.Until)-b.X, 3)
			d.Gaps = append(d.Gaps, b)
		}
	}
	return d
}

func in2(loc *time.Location, t time.Time) string { return t.In(loc).Format("Mon 2 Jan 15:04") }

// joined makes one of shifts that follow each other and are of the same person.
func joined(shifts []calendar.Shift) []calendar.Shift {
	var out []calendar.Shift
	for _, s := range shifts {
		if n := len(out); n > 0 && out[n-1].Person == s.Person && out[n-1].Until.Equal(s.From) {
			out[n-1].Until = s.Until
			continue
		}
		out = append(out, s)
	}
	return out
}

// fit is as much of a name as there is room for: all, the first word, its initials, or nothing. Letters are 12 px high.
func fit(name string, width float64) string {
	const letter = 7.2
	first, _, _ := strings.Cut(name, " ")
	for _, s := range []string{name, first} {
		if float64(len([]rune(s)))*letter <= width {
			return s
		}
	}
	if 2*letter <= width && len(first) > 0 {
		var initials string
		for _, w := range strings.Fields(name) {
			initials += string([]rune(w)[0])
		}
		return initials[:min(2, len(initials))]
	}
	return ""
}

// px is a length for an attribute.
func px(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") }
