package people

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/calendar"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/timer"
)

// Preferences say how a person wants to be told of things. They never delay or reroute away a page: of pages they order the
// addresses, and no more. The zero Preferences are those of somebody who chose nothing.
type Preferences struct {
	PageOrder []Channel           `yaml:"pageOrder,omitempty" json:"pageOrder,omitempty" doc:"Channels for pages, the one to try first at the front; every address for pages is used all the same"`
	Order     []Channel           `yaml:"order,omitempty" json:"order,omitempty" doc:"Channels for everything that is no page, the one to try first at the front"`
	Topics    map[string][]string `yaml:"topics,omitempty" json:"topics,omitempty" doc:"By kind of notice (incident, action, rootcause, article, page, other): channels, or digest, or none"`
	Quiet     Quiet               `yaml:"quiet,omitempty" json:"quiet,omitzero" doc:"When nothing but pages is sent; it waits until then"`
	Digest    Digest              `yaml:"digest,omitempty" json:"digest,omitzero" doc:"A summary of what is mine by mail"`
}

// Quiet are hours, on the person's own wall clock, in which nothing but pages is sent. From and To are both empty or both given.
type Quiet struct {
	From     string `yaml:"from,omitempty" json:"from,omitempty" doc:"Such as 22:00, in the person's zone"`
	To       string `yaml:"to,omitempty" json:"to,omitempty" doc:"Such as 07:00; before from it is the next morning"`
	Weekends bool   `yaml:"weekends,omitempty" json:"weekends,omitempty" doc:"All of Saturday and Sunday too"`
}

// Digest is a summary by mail of what is the person's own: actions, shifts, incidents.
type Digest struct {
	Daily  bool   `yaml:"daily,omitempty" json:"daily,omitempty" doc:"One each day"`
	Weekly bool   `yaml:"weekly,omitempty" json:"weekly,omitempty" doc:"One each week"`
	At     string `yaml:"at,omitempty" json:"at,omitempty" doc:"Such as 08:00, in the person's zone; default 08:00"`
	Day    string `yaml:"day,omitempty" json:"day,omitempty" enum:"mon,tue,wed,thu,fri,sat,sun" doc:"Of the weekly one; default mon"`
	Empty  bool   `yaml:"empty,omitempty" json:"empty,omitempty" doc:"Send it though there is nothing to tell"`
}

// The words that stand in Preferences.Topics in place of channels.
const (
	InDigest = "digest" // only the digest tells of it
	Nowhere  = "none"   // only the notification centre shows it
)

// Topic is a kind of notice that a person may want on other channels than the rest. Pages are none: they always come.
type Topic struct{ Name, Title string }

// Topics lists the kinds of notices, in the order in which pages show them.
func Topics() []Topic {
	return []Topic{
		{"incident", "Incidents that you have a role in"},
		{"action", "Actions: asked of you, due soon, overdue"},
		{"rootcause", "Root cause analyses that you lead or review"},
		{"article", "Articles that you keep"},
		{"page", "A page of yours is over"},
		{"other", "Everything else"},
	}
}

// Channels lists the channels that a person may have addresses for.
func Channels() []Channel { return []Channel{Email, Push, Webhook} }

// IsZero reports whether nothing was chosen.
func (p Preferences) IsZero() bool {
	return len(p.PageOrder)+len(p.Order)+len(p.Topics) == 0 && p.Quiet == (Quiet{}) && p.Digest == (Digest{})
}

func (p Preferences) clone() Preferences {
	p.PageOrder, p.Order, p.Topics = slices.Clone(p.PageOrder), slices.Clone(p.Order), maps.Clone(p.Topics)
	return p
}

func (p Preferences) equal(o Preferences) bool {
	return slices.Equal(p.PageOrder, o.PageOrder) && slices.Equal(p.Order, o.Order) && p.Quiet == o.Quiet && p.Digest == o.Digest &&
		maps.EqualFunc(p.Topics, o.Topics, slices.Equal[[]string])
}

func (p Preferences) faults(f *mainstay.Faults) {
	for _, l := range []struct {
		field string
		list  []Channel
	}{{"pageOrder", p.PageOrder}, {"order", p.Order}} {
		for i, c := range l.list {
			if !slices.Contains(Channels(), c) {
				f.Add("preferences."+l.field, "%q is not a channel: use email, push or webhook.", c)
			} else if slices.Contains(l.list[:i], c) {
				f.Add("preferences."+l.field, "%s is there twice.", c)
			}
		}
	}
	for topic, list := range p.Topics {
		if !slices.ContainsFunc(Topics(), func(t Topic) bool { return t.Name == topic }) {
			f.Add("preferences.topics", "%q is not a kind of notice: use incident, action, rootcause, article, page or other.", topic)
		}
		for _, w := range list {
			alone := w == InDigest || w == Nowhere
			if alone && len(list) > 1 {
				f.Add("preferences.topics", "%s: %q stands alone.", topic, w)
			} else if !alone && !slices.Contains(Channels(), Channel(w)) {
				f.Add("preferences.topics", "%s: %q is not a channel: use email, push, webhook, digest or none.", topic, w)
			}
		}
	}
	p.Quiet.faults(f)
	p.Digest.faults(f)
}

func (q Quiet) faults(f *mainstay.Faults) {
	if (q.From == "") != (q.To == "") {
		f.Add("preferences.quiet", "Give both when the quiet hours begin and when they end.")
		return
	}
	for _, s := range []string{q.From, q.To} {
		if _, err := calendar.ParseTimeOfDay(s); err != nil && s != "" {
			f.Add("preferences.quiet", "%q is not a time of day such as 22:00.", s)
		}
	}
	if q.From != "" && q.From == q.To {
		f.Add("preferences.quiet", "Quiet hours end at another time than they begin.")
	}
}

func (d Digest) equal(o Digest) bool { return d == o }

func (d Digest) faults(f *mainstay.Faults) {
	if _, err := calendar.ParseTimeOfDay(d.At); err != nil && d.At != "" {
		f.Add("preferences.digest", "%q is not a time of day such as 08:00.", d.At)
	}
	if _, err := calendar.ParseWeekday(d.Day); err != nil && d.Day != "" {
		f.Add("preferences.digest", "%q is not a day such as mon.", d.Day)
	}
}

// Until is when the quiet hours end in which now lies; zero when now is in none.
func (q Quiet) Until(now time.Time, loc *time.Location) time.Time {
	t := now
	for range 10 { // nights and weekends may join
		end := q.end(t, loc)
		if !end.After(t) {
			break
		}
		t = end
	}
	if t.Equal(now) {
		return time.Time{}
	}
	return t.UTC()
}

// end is when the one stretch of quiet ends that holds t; t when none does.
func (q Quiet) end(t time.Time, loc *time.Location) time.Time {
	local := t.In(loc)
	day := calendar.DateOf(local)
	if w := day.Weekday(); q.Weekends && (w == time.Saturday || w == time.Sunday) {
		return calendar.At(day.AddDays(map[time.Weekday]int{time.Saturday: 2, time.Sunday: 1}[w]), 0, loc)
	}
	from, err1 := calendar.ParseTimeOfDay(q.From)
	to, err2 := calendar.ParseTimeOfDay(q.To)
	if q.From == "" || err1 != nil || err2 != nil {
		return t
	}
	for _, begin := range []calendar.Date{day.AddDays(-1), day} {
		end := begin
		if to < from {
			end = begin.AddDays(1)
		}
		i := calendar.Interval{From: calendar.At(begin, from, loc), Until: calendar.At(end, to, loc)}
		if i.Contains(t) {
			return i.Until
		}
	}
	return t
}

// The kinds of the timers of digests; the subject is the person's id.
const (
	TimerDaily  = "people.digest.daily"
	TimerWeekly = "people.digest.weekly"
)

// Next is when the digest comes next after now: the wall clock in loc shows its time then, on whatever side of a change of clocks.
func (d Digest) Next(weekly bool, now time.Time, loc *time.Location) time.Time {
	at, err := calendar.ParseTimeOfDay(d.At)
	if err != nil || d.At == "" {
		at = 8 * 60
	}
	want, err := calendar.ParseWeekday(d.Day)
	if err != nil || d.Day == "" {
		want = time.Monday
	}
	day := calendar.DateOf(now.In(loc))
	for range 9 {
		if t := calendar.At(day, at, loc); t.After(now) && (!weekly || day.Weekday() == want) {
			return t.UTC()
		}
		day = day.AddDays(1)
	}
	panic(fmt.Sprintf("people: no next digest after %s", now)) // a week has every weekday
}

// digests arms the timers of the digests as the person wants them.
func (p *Person) digests(now time.Time) commit.Set {
	var set commit.Set
	arm := func(kind string, weekly, wanted bool) {
		if !wanted || !p.Active() {
			set.Cancel = append(set.Cancel, commit.CancelTimer{Kind: kind, Subject: p.ID})
			return
		}
		set.Timers = append(set.Timers, timer.Timer{
			Kind: kind, Subject: p.ID, Project: mainstay.Installation, Due: p.Preferences.Digest.Next(weekly, now, p.Location()),
		})
	}
	arm(TimerDaily, false, p.Preferences.Digest.Daily)
	arm(TimerWeekly, true, p.Preferences.Digest.Weekly)
	return set
}

// Ordered are the person's contacts in the order in which they are tried: by the channels preferred for pages, or for everything
// else, and among those of one channel as they stand.
func (p *Person) Ordered(pages bool) []Contact {
	order := p.Preferences.Order
	if pages {
		order = p.Preferences.PageOrder
	}
	rank := func(c Contact) int {
		if i := slices.Index(order, c.Channel); i >= 0 {
			return i
		}
		return len(order)
	}
	list := slices.Clone(p.Contacts)
	slices.SortStableFunc(list, func(a, b Contact) int { return rank(a) - rank(b) })
	return list
}
