package demo

import (
	"context"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app/demo/sim"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/practice/incident"
)

// handle has the hands of an incident.
func (p *player) handle(ctx context.Context, d sim.Deed) (known bool, err error) {
	s := p.app.Incidents
	switch d := d.(type) {
	case sim.Declare:
		return true, p.declare(ctx, d)
	case sim.Say:
		return true, p.say(ctx, d)
	case sim.Step:
		return true, p.step(ctx, d)
	case sim.Task:
		return true, p.task(ctx, d)
	case sim.Link:
		return true, p.link(ctx, d)
	case sim.Role:
		return true, p.with(d.Incident, "", func(i *handled, by mainstay.Actor) error {
			_, err := s.Assign(ctx, by, i.id, d.Role, p.people[d.Person].ID)
			return refusedAsConflict(err) // the plan does not have the role
		})
	case sim.Note:
		return true, p.with(d.Incident, d.By, func(i *handled, by mainstay.Actor) error {
			happened := time.Time{}
			if d.Ago > 0 {
				happened = p.clock.Now().Add(-d.Ago)
			}
			_, err := s.AddNote(ctx, by, i.id, d.Kind, d.Text, happened)
			return err
		})
	case sim.Mark:
		return true, p.with(d.Incident, d.By, func(i *handled, by mainstay.Actor) error {
			_, err := s.Mark(ctx, by, i.id, incident.Phase(d.Phase), p.clock.Now())
			return err
		})
	case sim.Regrade:
		return true, p.with(d.Incident, d.By, func(i *handled, by mainstay.Actor) error {
			_, err := s.SetSeverity(ctx, by, i.id, mainstay.Severity(d.Severity))
			return err
		})
	case sim.Resolve:
		return true, p.with(d.Incident, d.By, func(i *handled, by mainstay.Actor) error {
			_, err := s.Resolve(ctx, by, i.id, time.Time{})
			return err
		})
	case sim.Reopen:
		return true, p.with(d.Incident, d.By, func(i *handled, by mainstay.Actor) error {
			_, err := s.Reopen(ctx, by, i.id)
			return err
		})
	case sim.Close:
		return true, p.with(d.Incident, d.By, func(i *handled, by mainstay.Actor) error {
			_, err := s.Close(ctx, by, i.id)
			return err
		})
	}
	return false, nil
}

// with does something about an incident, by the named person or its commander.
func (p *player) with(key, by string, f func(i *handled, by mainstay.Actor) error) error {
	i := p.incidents[key]
	if i == nil {
		return mainstay.Errorf(mainstay.NotFound, "The incident was not declared.")
	}
	return f(i, p.who(by, i.commander))
}

func refusedAsConflict(err error) error {
	if mainstay.Is(err, mainstay.Invalid) {
		return mainstay.Errorf(mainstay.Conflict, "%s", mainstay.ErrorMessage(err))
	}
	return err
}

// belongs finds an alert that is open, and its page.
func (p *player) belongs(ctx context.Context, key string) ([]mainstay.Ref, error) {
	f := p.alerts[key]
	ref, err := p.find(ctx, f.Name, "instance", f.Instance)
	if err != nil {
		return nil, err
	}
	refs := []mainstay.Ref{ref}
	pages, err := p.app.Escalation.PagesFor(ctx, ref)
	if len(pages) > 0 {
		refs = append(refs, mainstay.Ref{Kind: mainstay.KindPage, ID: pages[0].ID})
	}
	return refs, err
}

func (p *player) link(ctx context.Context, d sim.Link) error {
	return p.with(d.Incident, "", func(i *handled, by mainstay.Actor) error {
		refs, err := p.belongs(ctx, d.Alert)
		for _, r := range refs {
			if err == nil {
				_, err = p.app.Incidents.Link(ctx, by, i.id, r)
			}
		}
		return err
	})
}

func (p *player) declare(ctx context.Context, d sim.Declare) error {
	var links []mainstay.Ref
	var first mainstay.Actor
	for _, k := range d.Alerts {
		refs, err := p.belongs(ctx, k)
		if err != nil {
			return err
		}
		links, first = append(links, refs...), p.alerts[k].by
	}
	by := p.who(d.By, first)
	i, err := p.app.Incidents.Declare(ctx, by, incident.Declaration{
		Project: p.project, Title: d.Title, Severity: mainstay.Severity(d.Severity), StartedAt: d.Began, Services: p.ids(p.services, d.Services),
		Links: links, Commander: by.ID, Private: d.Private,
	})
	if err == nil {
		p.incidents[d.Incident] = &handled{id: i.ID, commander: by, steps: len(i.Steps)}
	}
	return err
}

func (p *player) step(ctx context.Context, d sim.Step) error {
	return p.with(d.Incident, d.By, func(i *handled, by mainstay.Actor) (err error) {
		switch {
		case d.Number > i.steps:
			return nil // its plan is shorter
		case d.Skip != "":
			_, err = p.app.Incidents.SkipStep(ctx, by, i.id, d.Number, d.Skip)
		default:
			_, err = p.app.Incidents.FinishStep(ctx, by, i.id, d.Number)
		}
		return err
	})
}

func (p *player) task(ctx context.Context, d sim.Task) error {
	return p.with(d.Incident, d.By, func(i *handled, by mainstay.Actor) error {
		if !d.Done {
			_, err := p.app.Incidents.AddTask(ctx, by, i.id, d.Title, by.ID)
			return err
		}
		is, err := p.app.Incidents.Incident(ctx, i.id)
		if err != nil {
			return err
		}
		for _, t := range is.Tasks {
			if t.Title == d.Title {
				_, err = p.app.Incidents.DoTask(ctx, by, i.id, t.ID, true)
			}
		}
		return err
	})
}

// say drafts an update and has it approved: below sev-2 by somebody else than its writer.
func (p *player) say(ctx context.Context, d sim.Say) error {
	return p.with(d.Incident, d.By, func(i *handled, by mainstay.Actor) error {
		states := map[string]communication.State{}
		for _, part := range d.Parts {
			name, state, _ := strings.Cut(part, "=")
			if id, ok := p.parts[name]; ok {
				states[id] = communication.State(state)
			}
		}
		draft, err := p.app.Communication.Draft(ctx, by, communication.Input{
			Incident: i.id, Status: communication.Status(d.Status), Title: d.Title, Body: d.Body, Components: states, NextMinutes: d.Next,
		})
		if err != nil {
			return err
		}
		approver := p.who(d.Approver, by)
		if approver == by && d.By == "" {
			approver = p.who("ana", by)
		}
		_, err = p.app.Communication.Publish(ctx, approver, draft.ID)
		return err
	})
}
