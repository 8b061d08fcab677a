package action

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/timer"
)

// Store is what the Service needs of the database.
type Store interface {
	// Save writes a set in one transaction, or in the one that ctx carries.
	Save(ctx context.Context, set commit.Set) error
	// Update loads an action, applies a pure rule, and saves it with the set in one transaction. An empty set saves nothing.
	Update(ctx context.Context, id string, rule func(*Action) (commit.Set, error)) error
	// One reads an action by id. NotFound when there is none.
	One(ctx context.Context, id string) (Action, error)
	// List reads one page of actions.
	List(ctx context.Context, q Query) (Page, error)
}

// Config is what a Service needs; Store and Time are required.
type Config struct {
	Store Store
	Time  mainstay.Timekeeper
}

// Service keeps obligations.
type Service struct{ cfg Config }

// New makes a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Time == nil {
		return nil, errors.New("action needs a Store and a Timekeeper")
	}
	return &Service{cfg}, nil
}

// Wanted is an action that a person asks for.
type Wanted struct {
	Project, Kind, Title, Owner, Proof string
	Due                                time.Time
	Origin                             mainstay.Ref
	Private                            bool // the origin is private
}

// Create keeps a new action. Practices put a commit.Action into their set instead. Errors: Invalid with fields.
func (s *Service) Create(ctx context.Context, by mainstay.Actor, w Wanted) (Action, error) {
	now := s.cfg.Time.Now()
	w.Title, w.Proof = strings.TrimSpace(w.Title), strings.TrimSpace(w.Proof)
	if err := check(w.Title, w.Proof); err != nil {
		return Action{}, err
	}
	if !w.Due.IsZero() && w.Due.Before(now) {
		return Action{}, fault("due", "This date has passed already.")
	}
	if w.Kind == "" {
		w.Kind = "task"
	}
	c := commit.Action{
		ID: mainstay.NewID(now), Project: w.Project, Kind: w.Kind, Title: w.Title, Owner: w.Owner, Due: w.Due,
		Origin: w.Origin, Private: w.Private, Proof: w.Proof, By: by, At: now,
	}
	if err := s.cfg.Store.Save(ctx, commit.Set{Actions: []commit.Action{c}}); err != nil {
		return Action{}, err
	}
	return s.cfg.Store.One(ctx, c.ID)
}

// Action reads one by id.
func (s *Service) Action(ctx context.Context, id string) (Action, error) {
	return s.cfg.Store.One(ctx, id)
}

// List reads one page.
func (s *Service) List(ctx context.Context, q Query) (Page, error) { return s.cfg.Store.List(ctx, q) }

// Of lists the actions that an object asked for, oldest date first, at most 1,000.
func (s *Service) Of(ctx context.Context, origin mainstay.Ref) ([]Action, error) {
	p, err := s.cfg.Store.List(ctx, Query{Origin: origin, AllPrivate: true, ByDue: true, Limit: 1000})
	return p.Items, err
}

// Mine lists what a person owes, the most overdue first, those without a date last, at most 1,000.
func (s *Service) Mine(ctx context.Context, person string) ([]Action, error) {
	if person == "" {
		return []Action{}, nil
	}
	p, err := s.cfg.Store.List(ctx, Query{Owner: person, States: []State{Proposed, Accepted}, AllPrivate: true, ByDue: true, Limit: 1000})
	return p.Items, err
}

// Move takes an action to another state; see Action.Move. Errors: Conflict, Denied, Invalid.
func (s *Service) Move(ctx context.Context, by mainstay.Actor, id string, to State, verdict string) (Action, error) {
	return s.update(ctx, id, func(a *Action, now time.Time) (commit.Set, error) { return a.Move(now, by, to, verdict) })
}

// Edit changes what an action asks for; see Action.Edit.
func (s *Service) Edit(ctx context.Context, by mainstay.Actor, id string, e Edit) (Action, error) {
	return s.update(ctx, id, func(a *Action, now time.Time) (commit.Set, error) { return a.Edit(now, by, e) })
}

func (s *Service) update(ctx context.Context, id string, rule func(*Action, time.Time) (commit.Set, error)) (Action, error) {
	now := s.cfg.Time.Now()
	var after Action
	err := s.cfg.Store.Update(ctx, id, func(a *Action) (commit.Set, error) {
		set, err := rule(a, now)
		after = *a
		return set, err
	})
	return after, err
}

// Timers are the handlers of the timers of actions.
func (s *Service) Timers() map[string]timer.Handler {
	fire := func(rule func(*Action, time.Time) commit.Set) timer.Handler {
		return func(ctx context.Context, f timer.Firing) error {
			err := s.cfg.Store.Update(ctx, f.Subject, func(a *Action) (commit.Set, error) { return rule(a, f.Now), nil })
			if mainstay.Is(err, mainstay.NotFound) {
				return nil // it has gone; so has its date
			}
			return err
		}
	}
	return map[string]timer.Handler{
		TimerDue:      fire((*Action).FellDue),
		TimerReminder: fire((*Action).Remind),
	}
}

// Now is the service's time, for views that say what is overdue.
func (s *Service) Now() time.Time { return s.cfg.Time.Now() }
