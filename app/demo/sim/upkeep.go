package sim

import (
	"fmt"
	"time"
)

// upkeep is what recurs by the calendar: maintenance, nightly jobs, leave, the monthly look at what is owed, the phases.
func (p *planner) upkeep() {
	for i := range p.Windows {
		p.routine(i)
	}
	for _, j := range p.Jobs {
		p.nightly(j)
	}
	for _, d := range p.Rota {
		p.leave(d)
	}
	r := p.stream("tidy")
	for m := p.from.In(p.Zone); m.Before(p.to); m = m.AddDate(0, 1, 0) {
		p.at(p.office(r, time.Date(m.Year(), m.Month(), 8, 14, 0, 0, 0, p.Zone)), Tidy{By: p.Teller})
	}
	if p.Launch {
		p.at(p.from.Add(time.Minute), Phase{By: p.Teller, Phase: "hypercare"})
		p.at(p.office(r, p.from.AddDate(0, 0, 44)), Phase{By: p.Teller, Phase: "steady"})
	}
}

// routine plans a routine's windows six days ahead. Some run over, some are called off.
func (p *planner) routine(i int) {
	m := p.Windows[i]
	r := p.stream("window/" + m.Title)
	first := p.from.In(p.Zone).AddDate(0, 0, 4)
	for first.Weekday() != m.Day {
		first = first.AddDate(0, 0, 1)
	}
	for n, d := 0, first; ; n, d = n+1, d.AddDate(0, 0, 7*m.Every) {
		begin := time.Date(d.Year(), d.Month(), d.Day(), m.Hour, 0, 0, 0, p.Zone).UTC()
		end := begin.Add(minutes(float64(m.Minutes)))
		planned := p.office(r, begin.AddDate(0, 0, -6))
		if planned.Before(p.from) {
			planned = p.from.Add(2 * time.Minute)
		}
		if !planned.Before(p.to) {
			return
		}
		w := Window{
			Key: fmt.Sprintf("w%d/%d", i, n), By: m.By, Title: m.Title, Text: m.Text, Services: m.Services, Parts: m.Parts, From: begin, Until: end,
		}
		switch dice := r.Float64(); {
		case dice < 0.07 && n > 0:
			p.at(p.office(r, begin.AddDate(0, 0, -2)), Maintain{Window: w.Key, By: m.By, Do: "cancel", Text: "We have put this off: another change goes first. We will announce a new date."})
		case dice < 0.28:
			w.ByHand = true
			p.at(end.Add(-minutes(4)), Maintain{Window: w.Key, By: m.By, Do: "tell", Text: "The work takes longer than planned. What we said about it still holds."})
			p.at(end.Add(minutes(8+30*r.Float64())), Maintain{Window: w.Key, By: m.By, Do: "verify"})
			p.at(end.Add(minutes(45+15*r.Float64())), Maintain{Window: w.Key, By: m.By, Do: "finish"})
		}
		p.at(planned, w)
	}
}

// nightly has a job report each night; now and then it fails, and works at the second run.
func (p *planner) nightly(name string) {
	r := p.stream("job/" + name)
	l := p.from.In(p.Zone)
	for d := time.Date(l.Year(), l.Month(), l.Day(), 1, 0, 0, 0, p.Zone); d.Before(p.to); d = d.AddDate(0, 0, 1) {
		t := time.Date(d.Year(), d.Month(), d.Day(), 2, 40+r.IntN(6), r.IntN(60), 0, p.Zone).UTC()
		b := Beat{Name: name, Every: 26 * time.Hour}
		if r.Float64() < 0.012 && t.Add(3*time.Hour).Before(p.to) {
			bad := b
			bad.Fail, bad.Message = true, []string{"the copy stopped after 214 of 380 tables: no space left on device", "the target did not answer for 10 minutes", "the checksum of the last part does not match"}[r.IntN(3)]
			p.at(t, bad)
			p.at(p.latency(r, t, false), Ack{Alert: "Heartbeat/" + name, Via: via(r), Pick: r.IntN(8)})
			t = t.Add(minutes(40 + 60*r.Float64()))
		}
		p.at(t, b)
	}
}

// leave is holidays, told two weeks ahead, and days of illness, told in the morning.
func (p *planner) leave(d Duty) {
	r := p.stream("leave/" + d.Person + d.Schedule)
	for t := p.from.Add(days(6 + 30*r.Float64())); t.Before(p.to); t = t.Add(days(45 + 50*r.Float64())) {
		l := t.In(p.Zone)
		begin := time.Date(l.Year(), l.Month(), l.Day(), 9, 0, 0, 0, p.Zone)
		for begin.Weekday() != time.Monday {
			begin = begin.AddDate(0, 0, 1)
		}
		a := Away{Person: d.Person, For: d.For, Schedule: d.Schedule, From: begin.UTC(), Until: begin.AddDate(0, 0, []int{7, 7, 14}[r.IntN(3)]).UTC(), Reason: "On leave"}
		told := p.office(r, begin.AddDate(0, 0, -14))
		if r.Float64() < 0.25 {
			a.Until, a.Reason, told = begin.AddDate(0, 0, 1+r.IntN(3)).UTC(), "Ill", begin.Add(-minutes(50)).UTC()
		}
		p.at(told, a)
	}
}
