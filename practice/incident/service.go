package incident

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/project"
)

// Query selects incidents, newest first. Zero fields select everything.
type Query struct {
	Projects []string // project ids; nil for all, empty for none
	States   []State
	Severity mainstay.Severity
	Service  string       // id
	Text     string       // words of the title
	Holder   string       // person id: whoever holds a role in it
	From     time.Time    // declared at or after it
	Until    time.Time    // declared before it
	Linked   mainstay.Ref // those that this object belongs to or has to do with
	Request  string       // the one that was declared for this fact
	// Viewer hides private incidents that this person may not know of, when Hide is set; Manages lists the projects whose
	// private incidents they may see, or says all.
	Hide       bool
	Viewer     string
	ManagesAll bool
	Manages    []string
	Cursor     string // of the page before
	Limit      int    // 100 when 0, at most 1,000
}

// Page is one page of a list; Next is the cursor of the following one, "" at the end.
type Page struct {
	Items []Incident
	Next  string
}

// Transactions make several writes one.
type Transactions interface {
	// In runs f in one transaction, which every other method and other stores join.
	In(ctx context.Context, f func(ctx context.Context) error) error
	// Append writes a set by itself.
	Append(ctx context.Context, set commit.Set) error
}

// Store keeps incidents.
type Store interface {
	Transactions
	// Create takes the next number and saves what begin makes of it. It reports false, and saves nothing, when an incident for
	// the same request exists.
	Create(ctx context.Context, begin func(number int64) (Incident, commit.Set, error)) (created bool, err error)
	// Update loads an incident, applies a pure rule, and saves it with the set in one transaction; an empty set saves nothing.
	Update(ctx context.Context, id string, rule func(*Incident) (commit.Set, error)) error
	// One reads an incident by id. NotFound when there is none.
	One(ctx context.Context, id string) (Incident, error)
	// List reads one page.
	List(ctx context.Context, q Query) (Page, error)
}

// Plans keeps plans and all their versions.
type Plans interface {
	// SavePlan loads the newest version (a zero Plan when there is none), and keeps what the rule makes of it as another
	// version; an empty set saves nothing.
	SavePlan(ctx context.Context, project, name string, rule func(*Plan) (commit.Set, error)) error
	// Plans lists the newest versions of a project's own plans and of the installation's, by name; "" lists all.
	Plans(ctx context.Context, project string) ([]Plan, error)
	// Versions lists all versions of a plan, newest first, at most 1,000.
	Versions(ctx context.Context, id string) ([]Plan, error)
}

// Notes keeps what people write; document.Service does.
type Notes interface {
	Save(ctx context.Context, d document.Draft) (document.Revision, error)
	LoadAll(ctx context.Context, ids []string) (map[string]document.Revision, error)
}

// OnCall answers who is on call for services of a project, by person id. NotFound when nobody is.
type OnCall interface {
	OnCall(ctx context.Context, project string, services []string) (person string, err error)
}

// Alert is what an incident must know of an alert.
type Alert struct {
	Number   int64
	Title    string
	Project  string // id
	Service  string // id, or ""
	StartsAt time.Time
}

// Alerts answers about alerts.
type Alerts interface {
	Alert(ctx context.Context, id string) (Alert, error)
}

// Services answers what services a project has; project.Registry does.
type Services interface {
	Services(ctx context.Context, project string) ([]project.Service, error)
}

// People answers who persons are; people.Service does.
type People interface {
	ByIDs(ctx context.Context, ids []string) (map[string]people.Person, error)
}

// Config is what a Service needs. Store, Plans, Notes, Journal and Services are required; without OnCall nobody is made
// commander but declarers, without Alerts nothing is known of linked alerts, without People timelines show no names.
type Config struct {
	Store    Store
	Plans    Plans
	Notes    Notes
	Journal  journal.Reader
	Services Services
	People   People
	OnCall   OnCall
	Alerts   Alerts
	Time     mainstay.Timekeeper
	Log      *slog.Logger
}

// Service runs incidents.
type Service struct{ cfg Config }

// New makes a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Plans == nil || cfg.Notes == nil || cfg.Journal == nil || cfg.Services == nil {
		return nil, errors.New("incident needs Store, Plans, Notes, Journal and Services")
	}
	if cfg.Time == nil {
		cfg.Time = mainstay.Clock{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{cfg}, nil
}

// Incident reads one by id. Whether the reader may know of a private one is for the caller to ask: Incident.VisibleTo.
func (s *Service) Incident(ctx context.Context, id string) (Incident, error) {
	return s.cfg.Store.One(ctx, id)
}

// List reads one page.
func (s *Service) List(ctx context.Context, q Query) (Page, error) { return s.cfg.Store.List(ctx, q) }

// Open lists the open incidents of a project ("" for all), newest first, at most 1,000, private ones included.
func (s *Service) Open(ctx context.Context, project string) ([]Incident, error) {
	q := Query{States: []State{Open}, Limit: 1000}
	if project != "" {
		q.Projects = []string{project}
	}
	p, err := s.cfg.Store.List(ctx, q)
	return p.Items, err
}

// Declare opens an incident. What is missing is found from the linked alerts and pages, the plan is chosen and kept with it,
// and the commander is the declarer or whoever is on call. When the request was served before, that incident is returned.
// Errors: Invalid with the fields title, severity, project, started, plan, services.
func (s *Service) Declare(ctx context.Context, by mainstay.Actor, d Declaration) (Incident, error) {
	now := s.cfg.Time.Now()
	var made Incident
	err := s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if d.Request != "" {
			p, err := s.cfg.Store.List(ctx, Query{Request: d.Request, Limit: 1})
			if err != nil || len(p.Items) > 0 {
				made = first(p.Items)
				return err
			}
		}
		if err := s.complete(ctx, now, by, &d); err != nil {
			return err
		}
		if err := d.check(now); err != nil {
			return err
		}
		plan, err := s.choose(ctx, d)
		if err != nil {
			return err
		}
		created, err := s.cfg.Store.Create(ctx, func(number int64) (Incident, commit.Set, error) {
			var set commit.Set
			made, set = begin(now, number, by, d, plan)
			return made, set, nil
		})
		if err == nil && !created {
			err = mainstay.Errorf(mainstay.Conflict, "This incident is being declared already.")
		}
		return err
	})
	return made, err
}

func first(list []Incident) Incident {
	if len(list) == 0 {
		return Incident{}
	}
	return list[0]
}

// choose takes the plan that was named, else the one that fits best, else none.
func (s *Service) choose(ctx context.Context, d Declaration) (Snapshot, error) {
	services, err := s.cfg.Services.Services(ctx, d.Project)
	if err != nil {
		return Snapshot{}, err
	}
	var names []string
	for _, id := range d.Services {
		n := slices.IndexFunc(services, func(s project.Service) bool { return s.ID == id })
		if n < 0 {
			return Snapshot{}, fault("services", "The project has no such service.")
		}
		names = append(names, services[n].Name)
	}
	plans, err := s.cfg.Plans.Plans(ctx, d.Project)
	if err != nil {
		return Snapshot{}, err
	}
	p, ok := Choose(plans, d.Project, d.Severity, names)
	if d.Plan != "" {
		own := func(p Plan) bool { return (p.Name == d.Plan || p.ID == d.Plan) && p.Project == d.Project }
		shared := func(p Plan) bool { return p.Name == d.Plan || p.ID == d.Plan }
		n := slices.IndexFunc(plans, own)
		if n < 0 {
			n = slices.IndexFunc(plans, shared)
		}
		if n < 0 {
			return Snapshot{}, fault("plan", "There is no plan %q for this project.", d.Plan)
		}
		p, ok = plans[n], true
	}
	if !ok {
		return Snapshot{}, nil
	}
	return Snapshot{ID: p.ID, Name: p.Name, Version: p.Version, Spec: p.Spec}, nil
}

// Now is the service's time, for views that say what is late.
func (s *Service) Now() time.Time { return s.cfg.Time.Now() }
