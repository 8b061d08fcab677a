package statuspage

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/mainstayhq/mainstay/practice/communication"
)

// bars are the uptime bars of one component: one path per state, and a rectangle with its own words for each bad day.
type bars struct {
	Label string
	Box   string
	Paths []barPath
	Bad   []barDay
}

type barPath struct{ Class, D string }

type barDay struct{ Class, X, Y, Height, Says string }

// Bars are the uptime bars of a component for other pages: n days that end with now's, in the zone. They use the classes up, ok,
// dg, dn, mt and nd of the house's style sheet.
func Bars(c communication.Component, intervals []communication.Interval, now time.Time, n int, zone *time.Location) templ.Component {
	v := &view{zone: zone}
	return drawnBars(v.bars(c, communication.Days(intervals, now, n, zone), filled))
}

// classes and heights of a bar: the worse, the taller, so that colour is not needed to see it.
func barShape(s communication.State) (class string, height int) {
	switch s {
	case communication.MajorOutage, communication.PartialOutage:
		return "dn", 28
	case communication.Degraded:
		return "dg", 20
	case communication.UnderMaintenance:
		return "mt", 14
	case communication.Operational:
		return "ok", 10
	}
	return "nd", 4
}

// filled draws days of one state as a path of rectangles, for the house's style sheet.
func filled(d *strings.Builder, from, n, height int) {
	for k := from; k < from+n; k++ {
		fmt.Fprintf(d, "M%d %dh3v%dh-3z", k*4, 28-height, height)
	}
}

// dashed draws them as a line that the page's own style sheet makes as thick as the bars are tall, with a gap after each: ninety days
// on which nothing happened are a dozen characters.
func dashed(d *strings.Builder, from, n, height int) {
	fmt.Fprintf(d, "M%d %dh%d", from*4, 28-height/2, n*4-1)
}

func (v *view) bars(c communication.Component, days []communication.Day, draw func(d *strings.Builder, from, n, height int)) bars {
	b := bars{Box: fmt.Sprintf("0 0 %d 28", len(days)*4-1), Label: fmt.Sprintf("%s, last %d days", c.Title, len(days))}
	if share := Share(days); share != "" {
		b.Label += ": available " + share
	}
	paths := map[string]*strings.Builder{}
	for k := 0; k < len(days); {
		class, height := barShape(days[k].Worst)
		if class == "dn" || class == "dg" || class == "mt" {
			b.Bad = append(b.Bad, barDay{class, strconv.Itoa(k * 4), strconv.Itoa(28 - height), strconv.Itoa(height), v.dayWords(days[k])})
			k++
			continue
		}
		n := 1
		for k+n < len(days) {
			if next, _ := barShape(days[k+n].Worst); next != class {
				break
			}
			n++
		}
		if paths[class] == nil {
			paths[class] = &strings.Builder{}
		}
		draw(paths[class], k, n, height)
		k += n
	}
	for _, class := range []string{"ok", "nd"} {
		if p := paths[class]; p != nil {
			b.Paths = append(b.Paths, barPath{class, p.String()})
		}
	}
	return b
}

// dayWords is "11 March: down 12 min, slower than usual 1 h 3 min".
func (v *view) dayWords(d communication.Day) string {
	var l []string
	for _, s := range []communication.State{communication.MajorOutage, communication.PartialOutage, communication.Degraded, communication.UnderMaintenance} {
		if t := d.Spent[s]; t > 0 {
			l = append(l, strings.ToLower(s.Words())+" "+long(t))
		}
	}
	return d.Date.Format("2 January") + ": " + strings.Join(l, ", ")
}

// long is a length of time in words: "41 min", "3 h 8 min", "2 d 4 h".
func long(d time.Duration) string {
	m := int((d + 30*time.Second) / time.Minute)
	switch {
	case m < 1:
		return "under a minute"
	case m < 60:
		return fmt.Sprintf("%d min", m)
	case m < 48*60:
		return strings.TrimSuffix(fmt.Sprintf("%d h %d min", m/60, m%60), " 0 min")
	}
	return strings.TrimSuffix(fmt.Sprintf("%d d %d h", m/1440, m%1440/60), " 0 h")
}

// Share says in words how much of the days was available: "99.98 %", or "100 % of 2 days" where fewer were measured; "" when
// nothing was.
func Share(days []communication.Day) string {
	share, ok := communication.Available(days)
	if !ok {
		return ""
	}
	measured := 0
	for _, d := range days {
		if d.Measured > 0 {
			measured++
		}
	}
	switch measured {
	case len(days):
		return percent(share)
	case 1:
		return percent(share) + " of 1 day"
	}
	return fmt.Sprintf("%s of %d days", percent(share), measured)
}

// percent cuts, never rounds up: 100 % means that nothing was missing.
func percent(share float64) string {
	if share >= 1 {
		return "100 %"
	}
	return fmt.Sprintf("%.2f %%", float64(int(share*10000))/100)
}
