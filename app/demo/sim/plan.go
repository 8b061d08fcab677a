package sim

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// planner is a plan being made. It goes through time once, hour by hour.
type planner struct {
	World
	seed     uint64
	from, to time.Time
	events   []Event
	streams  map[string]*rand.Rand

	fired    int
	declared int
	busy     map[string]time.Time // a firing instance, until when
	troubled []time.Time          // when incidents began, and when scripted ones will
	known    map[int]*history     // by cause
}

// history is what has come of a cause so far.
type history struct {
	incidents int
	article   string
	written   time.Time // when the article can be used
	fixes     int       // asked for
	mended    time.Time
}

// Plan invents what happens to the world in [from, to). The events are in the order of their times.
func Plan(w World, seed uint64, from, to time.Time) []Event {
	p := &planner{
		World: w, seed: seed, from: from, to: to, streams: map[string]*rand.Rand{}, busy: map[string]time.Time{}, known: map[int]*history{},
	}
	for i := range w.Causes {
		p.known[i] = &history{}
	}
	p.upkeep()
	scripts := map[time.Time][]Scripted{}
	for _, s := range w.Scripted {
		t := p.scripted(s)
		if t.Before(from) {
			continue
		}
		scripts[t.Truncate(time.Hour)] = append(scripts[t.Truncate(time.Hour)], s)
		p.troubled = append(p.troubled, t)
	}
	for h := from.Truncate(time.Hour); h.Before(to); h = h.Add(time.Hour) {
		p.hour(h)
		for _, s := range scripts[h] {
			t := p.scripted(s)
			p.occur(s.Cause, t, s.Grade, true)
		}
	}
	p.secret()
	p.events = slices.DeleteFunc(p.events, func(e Event) bool { return e.At.Before(from) || !e.At.Before(to) })
	inOrder(p.events)
	return p.events
}

// stream is the random stream of that name: what one draws changes nothing for the others.
func (p *planner) stream(name string) *rand.Rand {
	if r := p.streams[name]; r != nil {
		return r
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(p.Name + "/" + name))
	r := rand.New(rand.NewPCG(p.seed, h.Sum64())) //nolint:gosec // dice, not secrets
	p.streams[name] = r
	return r
}

func (p *planner) at(t time.Time, d Deed) {
	p.events = append(p.events, Event{t.Truncate(time.Millisecond), d})
}

func (p *planner) scripted(s Scripted) time.Time {
	t := p.to.Add(-s.Before).In(p.Zone)
	if s.Clock > 0 {
		t = time.Date(t.Year(), t.Month(), t.Day(), s.Clock, 12, 0, 0, p.Zone)
	}
	return t.UTC()
}

// hour lets each cause come as often as its rhythm says.
func (p *planner) hour(h time.Time) {
	for i, c := range p.Causes {
		r := p.stream("cause/" + c.Alert + "/" + c.Service)
		n := poisson(r, c.Weekly/168*c.Rhythm.weight(h.In(p.Zone))*p.era(h)*p.left(i, h))
		for range n {
			p.occur(i, h.Add(time.Duration(r.Float64()*float64(time.Hour))), "", false)
		}
	}
}

// left is how much of a cause is left at t.
func (p *planner) left(i int, t time.Time) float64 {
	c, share := p.Causes[i], float64(t.Sub(p.from))/float64(p.to.Sub(p.from))
	if share < c.From || c.Until > 0 && share >= c.Until {
		return 0
	}
	if m := p.known[i].mended; !m.IsZero() && t.After(m) {
		return 0.22 // nothing is ever wholly gone
	}
	return 1
}

// era is how busy a time is: after the launch, and as the project grows.
func (p *planner) era(t time.Time) float64 {
	share := float64(t.Sub(p.from)) / float64(p.to.Sub(p.from))
	e := 1 + p.Growth*(share-0.5)
	if p.Launch {
		e *= 1 + 0.9*math.Exp(-t.Sub(p.from).Hours()/24/12)
	}
	return e
}

// occur is one occurrence of a cause: alerts, perhaps a page, perhaps an incident.
func (p *planner) occur(i int, t time.Time, grade string, forced bool) {
	c := &p.Causes[i]
	r := p.stream("occurrence/" + c.Alert + "/" + c.Service)
	lasts := minutes(lognormal(r, c.Minutes, 0.7))
	a := p.alert(r, c)
	if !forced && (p.busy[a.Name+a.Instance].After(t) || t.Add(lasts+3*time.Hour).After(p.to.Add(-10*time.Minute))) {
		return
	}
	if forced || c.Trouble != nil && r.Float64() < c.Chance && p.quiet(t) {
		p.troubled = append(p.troubled, t)
		p.busy[a.Name+a.Instance] = p.trouble(i, t, a, grade, r)
		return
	}
	if r.Float64() < c.Flaps {
		p.busy[a.Name+a.Instance] = p.flap(r, t, a, c)
		return
	}
	list := []Alert{a}
	if len(c.Instances) > 2 && r.Float64() < 0.15 { // several at once, in one request
		for _, other := range c.Instances {
			if other != a.Instance && len(list) < 3 && !p.busy[a.Name+other].After(t) {
				b := a
				b.Instance, b.Key = other, p.key()
				list = append(list, b)
			}
		}
	}
	end := t.Add(lasts)
	if c.Severity != Notice {
		end = p.page(r, i, t, end, a)
	}
	p.at(t, Fire{list})
	p.at(end, End{keys(list)})
	for _, b := range list {
		p.busy[b.Name+b.Instance] = end.Add(time.Minute)
	}
}

// flap comes and goes. Whoever is paged finds it gone more often than not.
func (p *planner) flap(r *rand.Rand, t time.Time, a Alert, c *Cause) time.Time {
	for range 2 + r.IntN(4) {
		end := t.Add(minutes(2 + 5*r.Float64()))
		p.at(t, Fire{[]Alert{a}})
		if ack := p.latency(r, t, c.Severity == Warning); c.Severity != Notice && ack.Before(end) {
			p.at(ack, Ack{Alert: a.Key, Via: via(r), Pick: r.IntN(8)})
		}
		p.at(end, End{[]string{a.Key}})
		t = end.Add(minutes(3 + 12*r.Float64()))
		a.Key = p.key()
	}
	return t
}

// page is what people do about an alert that pages: they take it on, perhaps use an article, and mend it; or it ends before.
func (p *planner) page(r *rand.Rand, i int, t, end time.Time, a Alert) time.Time {
	ack := p.latency(r, t, a.Severity == Warning)
	if !ack.Before(end) {
		return end
	}
	p.at(ack, Ack{Alert: a.Key, Via: via(r), Pick: r.IntN(8)})
	if end.Sub(ack) < 3*time.Minute {
		end = ack.Add(minutes(3 + 8*r.Float64()))
	}
	h := p.known[i]
	if h.article != "" && ack.After(h.written) && r.Float64() < 0.55 {
		outcome := []string{"solved", "solved", "solved", "helped", "helped", "failed"}[r.IntN(6)]
		p.at(end.Add(-minutes(1.5)), Use{Article: h.article, Alert: a.Key, Outcome: outcome})
	}
	return end
}

// latency is when somebody acknowledges. It is longer at night and for what is not urgent, and sometimes long enough for the next step.
func (p *planner) latency(r *rand.Rand, t time.Time, calm bool) time.Time {
	median, sigma := 2.1, 0.65
	local := t.In(p.Zone)
	switch h := local.Hour(); {
	case h < 6:
		median, sigma = 5.2, 0.6
	case h < 8 || h >= 22:
		median = 3.4
	}
	if weekend(local) {
		median *= 1.3
	}
	if calm {
		median *= 2.2
	}
	return t.Add(minutes(max(0.4, lognormal(r, median, sigma))))
}

// alert draws one.
func (p *planner) alert(r *rand.Rand, c *Cause) Alert {
	fill := numbers(r, c)
	a := Alert{Key: p.key(), Name: c.Alert, Service: c.Service, Severity: c.Severity, Summary: fill.Replace(c.Summary), Description: fill.Replace(c.Description)}
	if a.Instance = c.Service + "-1"; len(c.Instances) > 0 {
		a.Instance = c.Instances[r.IntN(len(c.Instances))]
	}
	return a
}

func numbers(r *rand.Rand, c *Cause) *strings.Replacer {
	draw := func(span [2]int) string { return fmt.Sprint(span[0] + r.IntN(span[1]-span[0]+1)) }
	return strings.NewReplacer("{a}", draw(c.A), "{b}", draw(c.B))
}

func (p *planner) key() string {
	p.fired++
	return fmt.Sprintf("a%d", p.fired)
}

// quiet reports whether no other incident is near: a team has one at a time.
func (p *planner) quiet(t time.Time) bool {
	return t.Add(8*time.Hour).Before(p.to) && !slices.ContainsFunc(p.troubled, func(o time.Time) bool { return o.Sub(t).Abs() < 9*time.Hour })
}

func keys(list []Alert) (out []string) {
	for _, a := range list {
		out = append(out, a.Key)
	}
	return out
}

func via(r *rand.Rand) string { return []string{"mail", "web", "web", "mail", "web"}[r.IntN(5)] }
