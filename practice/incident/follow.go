package incident

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/fact"
)

// Subscribers are told when an incident is wanted, and of what others do that an incident must know.
func (s *Service) Subscribers() []journal.Subscriber {
	return []journal.Subscriber{{
		Name: "incident",
		Kinds: []string{
			fact.IncidentWanted{}.FactKind(), fact.PageOpened{}.FactKind(), fact.PageAcknowledged{}.FactKind(),
			fact.PostPublished{}.FactKind(),
		},
		Handle: func(ctx context.Context, facts []fact.Fact) error {
			for _, f := range facts {
				if err := s.follow(ctx, f); err != nil {
					return err
				}
			}
			return nil
		},
	}}
}

func (s *Service) follow(ctx context.Context, f fact.Fact) error {
	switch f.Kind {
	case fact.IncidentWanted{}.FactKind():
		return s.serve(ctx, f)
	case fact.PageOpened{}.FactKind():
		page := mainstay.Ref{Kind: mainstay.KindPage, ID: f.Subject(mainstay.KindPage)}
		alert := mainstay.Ref{Kind: mainstay.KindAlert, ID: f.Subject(mainstay.KindAlert)}
		return s.linked(ctx, alert, func(now time.Time, i *Incident) (commit.Set, error) { return i.link(now, f.Actor, page) })
	case fact.PageAcknowledged{}.FactKind():
		page := mainstay.Ref{Kind: mainstay.KindPage, ID: f.Subject(mainstay.KindPage)}
		return s.linked(ctx, page, func(now time.Time, i *Incident) (commit.Set, error) { return i.taken(now, f), nil })
	case fact.PostPublished{}.FactKind():
		id := f.Subject(mainstay.KindIncident)
		if id == "" {
			return nil
		}
		_, err := s.update(ctx, id, func(now time.Time, i *Incident) (commit.Set, error) {
			set := i.reach(now, f.Actor, FirstWord, f.At)
			if set.IsZero() {
				return set, nil
			}
			return i.changed(now, set), nil
		})
		return gone(err)
	}
	return nil
}

// taken notes that a person has it: the first acknowledgement of a page of the incident. Without a commander they lead.
func (i *Incident) taken(now time.Time, f fact.Fact) commit.Set {
	set := i.reach(now, f.Actor, Acknowledged, f.At)
	if f.Actor.Kind == mainstay.ActorPerson && i.Holder(Commander) == "" {
		set.Add(i.give(now, f.Actor, Commander, f.Actor.ID))
	}
	if set.IsZero() {
		return set
	}
	return i.changed(now, set)
}

// linked applies a rule to every open incident that the object belongs to.
func (s *Service) linked(ctx context.Context, r mainstay.Ref, rule func(time.Time, *Incident) (commit.Set, error)) error {
	if r.IsZero() {
		return nil
	}
	p, err := s.cfg.Store.List(ctx, Query{Linked: r, States: []State{Open}})
	if err != nil {
		return err
	}
	for _, i := range p.Items {
		if _, err := s.update(ctx, i.ID, rule); err != nil {
			return err
		}
	}
	return nil
}

// serve declares the incident that a fact asks for, once. An object that belongs to an open incident needs no other one.
func (s *Service) serve(ctx context.Context, f fact.Fact) error {
	p, ok := fact.As[fact.IncidentWanted](f)
	if !ok {
		return nil // erased
	}
	d := Declaration{
		Project: f.Project, Title: p.Title, Severity: mainstay.Severity(p.Severity), Plan: p.Plan, Request: f.ID, StartedAt: f.At,
	}
	if !d.Severity.Valid() {
		d.Severity = mainstay.Sev3
	}
	for _, r := range f.Subjects {
		switch {
		case belongs(r):
			open, err := s.cfg.Store.List(ctx, Query{Linked: r, States: []State{Open}, Limit: 1})
			if err != nil || len(open.Items) > 0 {
				return err
			}
			d.Links = append(d.Links, r)
			d.StartedAt = time.Time{} // the alert knows better
		case r.Kind == mainstay.KindService:
			d.Services = append(d.Services, r.ID)
		case r.Kind != mainstay.KindIncident:
			d.Links = append(d.Links, r)
		}
	}
	_, err := s.Declare(ctx, f.Actor, d)
	if mainstay.Is(err, mainstay.Invalid) { // asking again would not make it right
		return s.refuse(ctx, f, mainstay.ErrorMessage(err))
	}
	return err
}

// refuse answers a request that cannot be served.
func (s *Service) refuse(ctx context.Context, f fact.Fact, reason string) error {
	now := s.cfg.Time.Now()
	answer := fact.New(now, f.Project, mainstay.System("incident"), fact.IncidentRefused{Request: f.ID, Reason: reason}, f.Subjects...)
	return s.cfg.Store.Append(ctx, commit.Set{Facts: []fact.Fact{answer}})
}

func gone(err error) error {
	if mainstay.Is(err, mainstay.NotFound) {
		return nil
	}
	return err
}

// Timers are the handlers of the timers of incidents.
func (s *Service) Timers() map[string]timer.Handler {
	return map[string]timer.Handler{TimerStep: func(ctx context.Context, f timer.Firing) error {
		id, digits, _ := strings.Cut(f.Subject, "/")
		number, err := strconv.Atoi(digits)
		if err != nil {
			return fmt.Errorf("timer of a step with the subject %q: %w", f.Subject, err)
		}
		return gone(s.cfg.Store.Update(ctx, id, func(i *Incident) (commit.Set, error) { return i.fellDue(f.Now, number), nil }))
	}}
}
