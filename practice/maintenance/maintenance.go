// Package maintenance owns maintenance windows: what is done to which services and components, when, how far it is, and what
// the public is told about it. It never changes a component's state itself; communication hears of windows as facts.
package maintenance

import (
	"context"
	"errors"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/core/timer"
)

// Components answers which components the public knows of a project.
type Components interface {
	Components(ctx context.Context, project string) ([]Named, error)
}

// Projects answers which services there are; project.Registry does.
type Projects interface {
	Services(ctx context.Context, project string) ([]project.Service, error)
}

// Named is an object with its manifest's name and the words shown for it.
type Named struct{ ID, Name, Title string }

// Store is what maintenance needs of the database. Every method joins the transaction that ctx carries.
type Store interface {
	// Create saves a new window under the next number, with what f says commits with it.
	Create(ctx context.Context, w *Window, f func(*Window) (commit.Set, error)) error
	// Update loads a window, applies f and saves it with what f returns; a version conflict is tried again, three times in all.
	Update(ctx context.Context, id string, f func(*Window) (commit.Set, error)) error
	// Window reads one window with its updates.
	Window(ctx context.Context, id string) (Window, error)
	// Windows lists windows with their updates.
	Windows(ctx context.Context, q Query) ([]Window, error)
}

// Query selects windows. Zero fields select everything.
type Query struct {
	Project  string
	Projects []string // nil for all
	Name     string
	Text     string // words of the title
	States   []State
	Before   int64 // number; exclusive; newest first
	Limit    int   // default 50, at most 1,000
}

// Config makes a Service. Store is required.
type Config struct {
	Store      Store
	Components Components // nil: windows name no components
	Projects   Projects   // nil: windows name no services
	Time       mainstay.Timekeeper
}

// Service does what people and timers ask of maintenance.
type Service struct{ cfg Config }

// New makes the service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil {
		return nil, errors.New("maintenance: Config needs a Store")
	}
	if cfg.Time == nil {
		cfg.Time = mainstay.Clock{}
	}
	return &Service{cfg}, nil
}

// Window is one window.
func (s *Service) Window(ctx context.Context, id string) (Window, error) {
	return s.cfg.Store.Window(ctx, id)
}

// Windows lists windows, the newest number first.
func (s *Service) Windows(ctx context.Context, q Query) ([]Window, error) {
	return s.cfg.Store.Windows(ctx, q)
}

// Choices are the services and components of a project that a window may name.
func (s *Service) Choices(ctx context.Context, project string) (services, components []Named, err error) {
	if s.cfg.Projects != nil && project != mainstay.Installation {
		list, err := s.cfg.Projects.Services(ctx, project)
		if err != nil {
			return nil, nil, err
		}
		for _, o := range list {
			services = append(services, Named{o.ID, o.Name, o.Title()})
		}
	}
	if s.cfg.Components != nil {
		if components, err = s.cfg.Components.Components(ctx, project); err != nil {
			return nil, nil, err
		}
	}
	return services, components, nil
}

// Start begins a window by hand, before or at its time.
func (s *Service) Start(ctx context.Context, by mainstay.Actor, id string) error {
	return s.cfg.Store.Update(ctx, id, func(w *Window) (commit.Set, error) { return w.start(s.cfg.Time.Now(), by) })
}

// Verify says that the work is done and is being checked.
func (s *Service) Verify(ctx context.Context, by mainstay.Actor, id string) error {
	return s.cfg.Store.Update(ctx, id, func(w *Window) (commit.Set, error) { return w.verify(s.cfg.Time.Now(), by) })
}

// Finish ends a window.
func (s *Service) Finish(ctx context.Context, by mainstay.Actor, id string) error {
	return s.cfg.Store.Update(ctx, id, func(w *Window) (commit.Set, error) { return w.finish(s.cfg.Time.Now(), by) })
}

// Cancel calls a window off, or breaks it off. The text is public; "" says it in the usual words.
func (s *Service) Cancel(ctx context.Context, by mainstay.Actor, id, text string) error {
	return s.cfg.Store.Update(ctx, id, func(w *Window) (commit.Set, error) { return w.cancel(s.cfg.Time.Now(), by, text) })
}

// Tell adds a public update to a window.
func (s *Service) Tell(ctx context.Context, by mainstay.Actor, id, text string) error {
	return s.cfg.Store.Update(ctx, id, func(w *Window) (commit.Set, error) { return w.tell(s.cfg.Time.Now(), by, text) })
}

// Plan makes a window from a form or an API request and returns it. Faults are told by the spec's field names.
func (s *Service) Plan(ctx context.Context, by mainstay.Actor, project, name string, spec WindowSpec) (Window, error) {
	now := s.cfg.Time.Now()
	w, err := s.resolve(ctx, project, name, spec)
	if err != nil {
		return Window{}, err
	}
	if err := w.future(now); err != nil {
		return Window{}, err
	}
	w.ID, w.CreatedBy, w.CreatedAt, w.State = mainstay.NewID(now), by, now, Scheduled
	err = s.cfg.Store.Create(ctx, &w, func(w *Window) (commit.Set, error) { return w.schedule(now, by, spec.Updates) })
	return w, err
}

// Change gives a window that has not ended another definition, and reports whether anything changed.
func (s *Service) Change(ctx context.Context, by mainstay.Actor, id string, spec WindowSpec) (changed bool, err error) {
	old, err := s.cfg.Store.Window(ctx, id)
	if err != nil {
		return false, err
	}
	to, err := s.resolve(ctx, old.Project, old.Name, spec)
	if err != nil {
		return false, err
	}
	err = s.cfg.Store.Update(ctx, id, func(w *Window) (commit.Set, error) {
		var set commit.Set
		set, changed, err = w.change(s.cfg.Time.Now(), by, to, spec.Updates)
		return set, err
	})
	return changed, err
}

// Define brings the window of that name to the spec, as a manifest says, and reports whether anything changed.
func (s *Service) Define(ctx context.Context, by mainstay.Actor, project, name string, spec WindowSpec) (bool, error) {
	if project == "" {
		project = mainstay.Installation
	}
	list, err := s.cfg.Store.Windows(ctx, Query{Project: project, Name: name, Limit: 1})
	if err != nil {
		return false, err
	}
	if len(list) == 0 {
		_, err := s.Plan(ctx, by, project, name, spec)
		return err == nil, err
	}
	return s.Change(ctx, by, list[0].ID, spec)
}

// Specs are the project's named windows that have not ended, as manifests: what is over cannot be planned again.
func (s *Service) Specs(ctx context.Context, project string) (map[string]WindowSpec, error) {
	if project == "" {
		project = mainstay.Installation
	}
	list, err := s.cfg.Store.Windows(ctx, Query{Project: project, States: []State{Scheduled, InProgress, Verifying}, Limit: 1000})
	if err != nil {
		return nil, err
	}
	services, components, err := s.Choices(ctx, project)
	if err != nil {
		return nil, err
	}
	specs := map[string]WindowSpec{}
	for _, w := range list {
		if w.Name != "" {
			specs[w.Name] = w.spec(services, components)
		}
	}
	return specs, nil
}

// Timers are the handlers of maintenance's timers.
func (s *Service) Timers() map[string]timer.Handler {
	return map[string]timer.Handler{timerStart: s.begins, timerEnd: s.ends}
}

func (s *Service) begins(ctx context.Context, f timer.Firing) error {
	return s.onTimer(ctx, f, func(w *Window, at time.Time) (commit.Set, error) {
		if w.State != Scheduled {
			return commit.Set{}, nil
		}
		return w.start(at, system)
	})
}

func (s *Service) ends(ctx context.Context, f timer.Firing) error {
	return s.onTimer(ctx, f, func(w *Window, at time.Time) (commit.Set, error) { return w.end(at) })
}

// onTimer applies the rule of a timer at the time it was due: a server that was down does not move the window.
func (s *Service) onTimer(ctx context.Context, f timer.Firing, rule func(*Window, time.Time) (commit.Set, error)) error {
	err := s.cfg.Store.Update(ctx, f.Subject, func(w *Window) (commit.Set, error) {
		if w.Plan != f.Generation {
			return commit.Set{}, nil
		}
		set, err := rule(w, f.Due)
		for i := range set.Facts {
			set.Facts[i].Recorded = f.Now
		}
		return set, err
	})
	if mainstay.Is(err, mainstay.NotFound) {
		return nil
	}
	return err
}
