package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app/demo/sim"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/practice/maintenance"
)

func (p *player) tell(ctx context.Context, alerts []map[string]any) error {
	body, err := json.Marshal(alerts)
	if err != nil {
		return err
	}
	return post(ctx, p.app.Handler(), "/in/"+p.keys.alerts+"/alertmanager/api/v2/alerts", string(body))
}

// fire tells of alerts that last until they are said to be over; a day is longer than any.
func (p *player) fire(ctx context.Context, d sim.Fire) error {
	now := p.clock.Now()
	var list []map[string]any
	for _, a := range d.Alerts {
		p.alerts[a.Key] = firing{Alert: a, began: now}
		list = append(list, told(a, now, now.Add(24*time.Hour)))
	}
	return p.tell(ctx, list)
}

func (p *player) end(ctx context.Context, d sim.End) error {
	now := p.clock.Now()
	var list []map[string]any
	for _, k := range d.Alerts {
		f := p.alerts[k]
		list = append(list, told(f.Alert, f.began, now))
		delete(p.alerts, k)
	}
	return p.tell(ctx, list)
}

// acknowledge is done by one of those who were reached last: the second step's when the first one's did not answer.
func (p *player) acknowledge(ctx context.Context, d sim.Ack) error {
	f := p.alerts[d.Alert]
	var err error
	if job, ok := strings.CutPrefix(d.Alert, "Heartbeat/"); ok {
		f.ref, err = p.find(ctx, "Heartbeat", "heartbeat", job)
	} else {
		f.ref, err = p.find(ctx, f.Name, "instance", f.Instance)
	}
	if err != nil {
		return err
	}
	pages, err := p.app.Escalation.PagesFor(ctx, f.ref)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(pages, func(g escalation.Page) bool { return g.State == escalation.Open || g.State == escalation.Exhausted })
	if i < 0 {
		return mainstay.Errorf(mainstay.NotFound, "Nobody is paged for it.")
	}
	f.by = p.reached(&pages[i], d.Pick)
	_, _, err = p.app.Escalation.Acknowledge(ctx, f.by, pages[i].ID, d.Via)
	if d.Alert == f.Key {
		p.alerts[d.Alert] = f
	}
	return err
}

// reached is one of those whom the page reached last, and not before if there are such.
func (p *player) reached(g *escalation.Page, pick int) mainstay.Actor {
	var before, last []string
	for _, t := range g.Log {
		before = append(before, last...)
		last = nil
		for _, r := range t.Reached {
			last = append(last, r.Person)
		}
	}
	fresh := slices.DeleteFunc(slices.Clone(last), func(id string) bool { return slices.Contains(before, id) })
	for _, list := range [][]string{fresh, last, before} {
		if len(list) > 0 {
			return mainstay.Person(list[pick%len(list)])
		}
	}
	return p.who("", mainstay.Actor{})
}

func (p *player) beat(ctx context.Context, d sim.Beat) error {
	return beat(ctx, p.app.Handler(), p.keys, d)
}

// beat gives a sign of life.
func beat(ctx context.Context, h http.Handler, keys intakeKeys, d sim.Beat) error {
	q := url.Values{"every": {d.Every.String()}}
	if d.Fail {
		q.Set("status", "fail")
		q.Set("message", d.Message)
	}
	return post(ctx, h, "/in/"+keys.beats+"/heartbeat/"+d.Name+"?"+q.Encode(), "")
}

// away gives each turn of the person in that time to somebody else.
func (p *player) away(ctx context.Context, d sim.Away) error {
	now := p.clock.Now()
	s, err := p.app.Escalation.ScheduleByName(ctx, p.project, d.Schedule, now, d.Until)
	if err != nil {
		return err
	}
	by, gone := p.who(d.Person, mainstay.Actor{}), p.people[d.Person].ID
	for _, shift := range s.Shifts(d.From, d.Until) {
		if shift.Person != gone || !shift.Until.After(now) {
			continue
		}
		o := escalation.Override{Person: p.people[d.For].ID, From: shift.From, Until: shift.Until, Reason: d.Reason, By: by}
		if err := p.app.Escalation.Override(ctx, by, s.ID, o); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) window(ctx context.Context, d sim.Window) error {
	spec := maintenance.WindowSpec{
		Title: d.Title, Text: d.Text, Services: d.Services, Components: d.Parts, From: d.From.Format(time.RFC3339), Until: d.Until.Format(time.RFC3339),
	}
	if d.ByHand {
		spec.Finish = "hand"
	}
	w, err := p.app.Maintenance.Plan(ctx, p.who(d.By, mainstay.Actor{}), p.project, "", spec)
	p.windows[d.Key] = w.ID
	return err
}

func (p *player) maintain(ctx context.Context, d sim.Maintain) error {
	id, ok := p.windows[d.Window]
	if !ok {
		return mainstay.Errorf(mainstay.NotFound, "There is no such window.")
	}
	by := p.who(d.By, mainstay.Actor{})
	switch d.Do {
	case "verify":
		return p.app.Maintenance.Verify(ctx, by, id)
	case "finish":
		return p.app.Maintenance.Finish(ctx, by, id)
	case "cancel":
		return p.app.Maintenance.Cancel(ctx, by, id, d.Text)
	}
	return p.app.Maintenance.Tell(ctx, by, id, d.Text)
}

func (p *player) phase(ctx context.Context, d sim.Phase) error {
	is, err := p.app.Projects.Project(ctx, p.project)
	if err != nil {
		return err
	}
	spec := is.Spec
	spec.Phase = project.Phase(cmp.Or(d.Phase, string(project.Steady)))
	_, err = p.app.Projects.Define(ctx, p.who(d.By, mainstay.Actor{}), is.Name, spec)
	return err
}
