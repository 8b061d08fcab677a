package escalation

import (
	"context"
	"fmt"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/fact"
)

// Subscribers serve requests for pages and end pages whose cause is over.
func (s *Service) Subscribers() []journal.Subscriber {
	return []journal.Subscriber{{
		Name: "escalation.pages", Urgent: true,
		Kinds: []string{
			fact.PageWanted{}.FactKind(), fact.AlertResolved{}.FactKind(), fact.IncidentResolved{}.FactKind(),
		},
		Handle: func(ctx context.Context, facts []fact.Fact) error {
			for _, f := range facts {
				if err := s.handle(ctx, f); err != nil {
					return fmt.Errorf("%s %s: %w", f.Kind, f.ID, err)
				}
			}
			return nil
		},
	}}
}

// Timers take the steps that fall due.
func (s *Service) Timers() map[string]timer.Handler {
	return map[string]timer.Handler{StepTimer: s.fire}
}

func (s *Service) handle(ctx context.Context, f fact.Fact) error {
	if w, ok := fact.As[fact.PageWanted](f); ok {
		return s.serve(ctx, f, w)
	}
	if len(f.Subjects) == 0 {
		return nil // erased, or about nothing
	}
	return s.ended(ctx, f)
}

// serve opens the page that the fact asks for, with its first step when that is due at once, in one transaction. A request
// that was served before, or that is about something for which a page is under way, opens none.
func (s *Service) serve(ctx context.Context, f fact.Fact, w fact.PageWanted) error {
	now := s.cfg.Time.Now()
	page := &Page{
		ID: mainstay.NewID(now), Project: f.Project, Request: f.ID, Title: title(w), Severity: severity(w.Severity),
		Service: w.Service, Reason: w.Reason,
	}
	for i, ref := range f.Subjects {
		if i == 0 || ref.Kind == mainstay.KindAlert { // a request may name its route or service besides
			page.Subjects = append(page.Subjects, Subject{Ref: ref})
		}
	}
	return s.cfg.Store.In(ctx, func(ctx context.Context) error {
		underway, err := s.underway(ctx, page)
		if err != nil {
			return err
		}
		id := page.ID
		if underway != "" {
			id = underway
		}
		if fresh, err := s.cfg.Store.Claim(ctx, f.ID, id); err != nil || !fresh {
			return err
		}
		if underway == "" {
			return s.open(ctx, now, f, w, page)
		}
		return s.cfg.Store.UpdatePage(ctx, underway, func(_ context.Context, p *Page) (commit.Set, error) {
			return p.join(now, f.Actor, f.ID, page), nil
		})
	})
}

func title(w fact.PageWanted) string {
	if w.Title == "" {
		return "Somebody is needed"
	}
	return w.Title
}

func severity(s string) mainstay.Severity {
	if v := mainstay.Severity(s); v.Valid() {
		return v
	}
	return mainstay.Sev3
}

// underway is the id of the page that already asks for somebody about the first subject, "" without one.
func (s *Service) underway(ctx context.Context, page *Page) (string, error) {
	if len(page.Subjects) == 0 {
		return "", nil
	}
	list, err := s.cfg.Store.Pages(ctx, PageQuery{Subject: page.Subjects[0].Ref, States: []State{Open, Acknowledged}, Limit: 1})
	if err != nil || len(list) == 0 {
		return "", err
	}
	return list[0].ID, nil
}

func (s *Service) open(ctx context.Context, now time.Time, f fact.Fact, w fact.PageWanted, page *Page) error {
	policy, reason, err := s.policyFor(ctx, f.Project, w.Policy)
	if err != nil {
		return err
	}
	if reason != "" {
		s.cfg.Log.Error("a page could not be opened", "project", f.Project, "title", w.Title, "reason", reason)
		page.Policy, page.State, page.EndReason = Policy{Name: w.Policy}, Exhausted, reason
		return s.cfg.Store.CreatePage(ctx, page, func(p *Page) (commit.Set, error) {
			set := p.open(now, f.Actor)
			p.State = Exhausted
			set.Objects = []commit.Object{p.object(now)}
			set.Facts = append(set.Facts, p.fact(now, mainstay.System("escalation"), fact.PageRefused{Reason: reason}))
			return set, nil
		})
	}
	page.Policy = policy
	return s.cfg.Store.CreatePage(ctx, page, func(p *Page) (commit.Set, error) {
		set := p.open(now, f.Actor)
		if d := p.Policy.Steps[0].Delay; d > 0 {
			p.arm(now)
			return set, nil
		}
		more, err := s.advance(ctx, p, now, how{})
		set.Add(more)
		return set, err
	})
}

// defaultPolicy is the name of the policy that serves requests that name none, or one that does not exist: somebody must be
// told.
const defaultPolicy = "default"

// policyFor finds the policy by id or name, in the project, then in the installation. Without one it falls back to the default
// policy, and says a reason when there is none either.
func (s *Service) policyFor(ctx context.Context, project, key string) (p Policy, reason string, err error) {
	if key != "" {
		if p, err = s.Policy(ctx, project, key); !mainstay.Is(err, mainstay.NotFound) {
			return p, "", err
		}
	}
	if p, err = s.Policy(ctx, project, defaultPolicy); !mainstay.Is(err, mainstay.NotFound) {
		return p, "", err
	}
	if key == "" {
		return p, "no policy was named, and there is no policy called default", nil
	}
	return p, fmt.Sprintf("there is no policy %q, and none called default", key), nil
}

// how says how a step comes about.
type how struct {
	late   bool
	by     mainstay.Actor // who sent the page on; zero for the timer
	forced bool           // go on even when the rounds are used up
}

// advance takes the next step. A step that reaches nobody is recorded and the one after it is taken at once; when a whole round
// reached nobody, the next round is waited for, and after the last the page is exhausted.
func (s *Service) advance(ctx context.Context, p *Page, now time.Time, h how) (commit.Set, error) {
	var set commit.Set
	for {
		step, repeat, _, ok := p.following(h.forced)
		if !ok {
			set.Add(p.exhaust(now))
			return set, nil
		}
		reached, missed, err := s.Reach(ctx, p.Policy.Steps[step-1], now)
		if err != nil {
			return commit.Set{}, err
		}
		t := Taken{At: now, Step: step, Repeat: repeat, Late: h.late, By: h.by, Reached: reached, Missed: missed}
		set.Add(p.take(t))
		last := step == len(p.Policy.Steps)
		switch {
		case len(reached) > 0:
			p.arm(now)
			notices, err := s.notices(ctx, p, t)
			set.Notices = append(set.Notices, notices...)
			return set, err
		case last && p.barren() && repeat >= p.Policy.Repeats:
			set.Add(p.exhaust(now))
			return set, nil
		case last:
			p.arm(now)
			return set, nil
		}
		h.forced = false
	}
}

// fire is the timer of a page's next step.
func (s *Service) fire(ctx context.Context, f timer.Firing) error {
	err := s.cfg.Store.UpdatePage(ctx, f.Subject, func(ctx context.Context, p *Page) (commit.Set, error) {
		if p.State != Open || p.Generation != f.Generation {
			return commit.Set{}, ErrUnchanged // somebody was faster
		}
		return s.advance(ctx, p, f.Now, how{late: f.Late})
	})
	if mainstay.Is(err, mainstay.NotFound) {
		return nil // removed by retention
	}
	return err
}

// ended notes that what pages are about is over, and resolves those that have nothing left.
func (s *Service) ended(ctx context.Context, f fact.Fact) error {
	ref := f.Subjects[0]
	list, err := s.cfg.Store.Pages(ctx, PageQuery{Subject: ref, States: []State{Open, Acknowledged, Exhausted}, Limit: 100})
	if err != nil {
		return err
	}
	now := s.cfg.Time.Now()
	for _, page := range list {
		err := s.cfg.Store.UpdatePage(ctx, page.ID, func(ctx context.Context, p *Page) (commit.Set, error) {
			if all := p.over(ref, now); !all {
				return commit.Set{}, nil // the others last
			}
			return s.resolve(ctx, p, now, mainstay.System("escalation"), ending(ref))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func ending(r mainstay.Ref) string {
	if r.Kind == mainstay.KindIncident {
		return "the incident was resolved"
	}
	return "the alert ended"
}
