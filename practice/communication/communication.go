// Package communication owns what the public is told: components and their states, public updates of incidents, and the
// public copy of both that the status page is rendered from. It never tells anything about a private incident, and it never
// decides what an incident or a maintenance window is.
package communication

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/project"
)

// Incidents answers what communication must know of an incident. It is asked within the transaction that ctx carries, so that
// what it says of privacy holds when that transaction commits. NotFound when there is none.
type Incidents interface {
	Incident(ctx context.Context, id string) (Incident, error)
}

// Projects answers which services there are; project.Registry does.
type Projects interface {
	// Services lists a project's services, or those of all projects with "".
	Services(ctx context.Context, project string) ([]project.Service, error)
}

// Incident is what the incident practice answers.
type Incident struct {
	ID        string
	Number    int64
	Project   string
	Title     string // internal: it reaches the public only after the linter and an approver have seen it
	Severity  mainstay.Severity
	Private   bool
	Services  []Named // the services it disrupts
	StartedAt time.Time
	EndedAt   time.Time     // unset while it goes on
	Cadence   time.Duration // how often its plan wants users told; 0 = by severity
}

// Named is an id with the words shown for it.
type Named struct{ ID, Title string }

// Config makes a Service. Store and Incidents are required.
type Config struct {
	Store     Store
	Incidents Incidents
	Projects  Projects // nil: components name no services
	// Zone is the zone of the times in the texts about a project. nil: that of Projects if it knows zones, as project.Registry
	// does, else UTC.
	Zone func(ctx context.Context, project string) (*time.Location, error)
	Time mainstay.Timekeeper
	Log  *slog.Logger
	// Hostnames are further patterns (regular expressions) of internal names that must not become public.
	Hostnames []string
}

// Service does what people and facts ask of communication.
type Service struct {
	store     Store
	incidents Incidents
	projects  Projects
	zone      func(ctx context.Context, project string) (*time.Location, error)
	time      mainstay.Timekeeper
	log       *slog.Logger
	lint      *Linter
}

// New makes the service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Incidents == nil {
		return nil, errors.New("communication: Config needs a Store and Incidents")
	}
	if cfg.Time == nil {
		cfg.Time = mainstay.Clock{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if zones, ok := cfg.Projects.(interface {
		Zone(ctx context.Context, project string) (*time.Location, error)
	}); ok && cfg.Zone == nil {
		cfg.Zone = zones.Zone
	}
	if cfg.Zone == nil {
		cfg.Zone = func(context.Context, string) (*time.Location, error) { return time.UTC, nil }
	}
	lint, err := NewLinter(cfg.Hostnames)
	if err != nil {
		return nil, err
	}
	return &Service{
		store: cfg.Store, incidents: cfg.Incidents, projects: cfg.Projects, zone: cfg.Zone, time: cfg.Time, log: cfg.Log, lint: lint,
	}, nil
}

// errPrivate is the wall: the one answer to whoever would make something of a private incident public.
var errPrivate = mainstay.Errorf(mainstay.Denied,
	"This incident is private. Nothing about it can be drafted for the public or published.")

// Wall is nil when the public may be told of the incident. Every way to the public passes it: drafting, the transaction that
// publishes, and the rendering (Site).
func Wall(i Incident) error {
	if i.Private {
		return errPrivate
	}
	return nil
}

// system is the actor for what communication does by itself.
var system = mainstay.System("communication")
