package incident

import (
	"context"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/fact"
)

// complete fills in what the declarer left out from what is linked: which alert belongs to which page, since when it is wrong,
// who has it already.
func (s *Service) complete(ctx context.Context, now time.Time, by mainstay.Actor, d *Declaration) error {
	if err := s.relatives(ctx, d); err != nil {
		return err
	}
	waiting := false // for the acknowledgement of a page
	var began time.Time
	for _, r := range d.Links {
		switch r.Kind {
		case mainstay.KindAlert:
			a, err := s.alert(ctx, r.ID)
			if err != nil {
				return err
			}
			d.adopt(a)
			began = earlier(began, a.StartsAt)
		case mainstay.KindPage:
			at, err := s.acknowledged(ctx, r)
			if err != nil {
				return err
			}
			d.AcknowledgedAt = earlier(d.AcknowledgedAt, at)
			waiting = waiting || at.IsZero()
		}
	}
	if d.DetectedAt.IsZero() && !began.IsZero() && !began.After(now) {
		d.DetectedAt = began
	}
	if d.StartedAt.IsZero() && !began.After(now) {
		d.StartedAt = began
	}
	if d.DetectedAt.Before(d.StartedAt) && !d.DetectedAt.IsZero() {
		d.DetectedAt = d.StartedAt
	}
	if by.Kind == mainstay.ActorPerson {
		if d.Commander == "" {
			d.Commander = by.ID
		}
		if d.AcknowledgedAt.IsZero() && !waiting {
			d.AcknowledgedAt = now // whoever declares it by hand has it
		}
	}
	if d.Commander == "" && s.cfg.OnCall != nil {
		person, err := s.cfg.OnCall.OnCall(ctx, d.Project, d.Services)
		if err != nil && !mainstay.Is(err, mainstay.NotFound) {
			return err
		}
		d.Commander = person
	}
	return nil
}

// adopt takes from an alert what the declarer left out.
func (d *Declaration) adopt(a Alert) {
	if d.Project == "" {
		d.Project = a.Project
	}
	if d.Title == "" {
		d.Title = a.Title
	}
	if a.Service != "" && a.Project == d.Project && !slices.Contains(d.Services, a.Service) {
		d.Services = append(d.Services, a.Service)
	}
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// alert asks about an alert; one that nobody knows (any more) is no reason not to declare an incident.
func (s *Service) alert(ctx context.Context, id string) (Alert, error) {
	if s.cfg.Alerts == nil {
		return Alert{}, nil
	}
	a, err := s.cfg.Alerts.Alert(ctx, id)
	if mainstay.Is(err, mainstay.NotFound) {
		err = nil
	}
	return a, err
}

// relatives adds the pages of linked alerts, and the alerts of linked pages.
func (s *Service) relatives(ctx context.Context, d *Declaration) error {
	for _, r := range slices.Clone(d.Links) {
		if r.Kind != mainstay.KindAlert && r.Kind != mainstay.KindPage {
			continue
		}
		opened, err := s.cfg.Journal.Facts(ctx, journal.Query{Subject: r, Kinds: []string{fact.PageOpened{}.FactKind()}, Newest: true, Limit: 1})
		if err != nil {
			return err
		}
		for _, f := range opened {
			for _, other := range f.Subjects {
				if belongs(other) && !slices.Contains(d.Links, other) {
					d.Links = append(d.Links, other)
				}
			}
		}
	}
	return nil
}

// belongs reports whether an object can be part of an incident.
func belongs(r mainstay.Ref) bool { return r.Kind == mainstay.KindAlert || r.Kind == mainstay.KindPage }

// acknowledged is when a page was acknowledged; zero when it has not been.
func (s *Service) acknowledged(ctx context.Context, page mainstay.Ref) (time.Time, error) {
	facts, err := s.cfg.Journal.Facts(ctx, journal.Query{Subject: page, Kinds: []string{fact.PageAcknowledged{}.FactKind()}, Limit: 1})
	if err != nil || len(facts) == 0 {
		return time.Time{}, err
	}
	return facts[0].At, nil
}
