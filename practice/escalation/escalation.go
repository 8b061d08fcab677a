// Package escalation owns schedules, escalation policies and pages: who has the duty, whom a page reaches when, and until when
// it goes on asking. It never sends anything (notify does) and never judges what is wrong (whoever asked for the page did).
package escalation

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/project"
)

// ScheduleStore keeps schedules with their versions and overrides.
type ScheduleStore interface {
	// Schedules lists by project and name. Each comes with all its versions, and with the overrides that touch the query's
	// interval.
	Schedules(ctx context.Context, q ScheduleQuery) ([]Schedule, error)
	// SaveSchedule loads the schedule of that name (a zero one with project and name when there is none), with the overrides
	// that end after now, has f change it, and writes it with the set in one transaction. A zero Set writes nothing.
	SaveSchedule(ctx context.Context, project, name string, now time.Time, f func(*Schedule) (commit.Set, error)) error
}

// ScheduleQuery selects schedules; zero fields select all.
type ScheduleQuery struct {
	ID, Name    string
	Projects    []string // ids; nil for all
	From, Until time.Time
}

// PolicyStore keeps policies.
type PolicyStore interface {
	// Policies lists by project and name.
	Policies(ctx context.Context, q PolicyQuery) ([]Policy, error)
	// SavePolicy loads the policy of that name (a zero one with project and name when there is none), has f change it, and
	// writes it with the set in one transaction. A zero Set writes nothing.
	SavePolicy(ctx context.Context, project, name string, f func(*Policy) (commit.Set, error)) error
}

// PolicyQuery selects policies; zero fields select all.
type PolicyQuery struct {
	ID, Name string
	Projects []string // ids; nil for all
}

// PageStore keeps pages.
type PageStore interface {
	// In runs f in one urgent write transaction, which the other methods join.
	In(ctx context.Context, f func(ctx context.Context) error) error
	// Claim notes that a request was served by a page ("" when refused). It reports false when it was before.
	Claim(ctx context.Context, request, page string) (bool, error)
	// CreatePage gives the page its number and writes it with the set that f makes.
	CreatePage(ctx context.Context, p *Page, f func(*Page) (commit.Set, error)) error
	// UpdatePage loads the page with its log, has f change it, and writes it with the set in one transaction. Its timer
	// follows the page (see Page.Timer). When f answers ErrUnchanged nothing is written and there is no error.
	UpdatePage(ctx context.Context, id string, f func(ctx context.Context, p *Page) (commit.Set, error)) error
	// Pages lists pages, newest first, with their logs.
	Pages(ctx context.Context, q PageQuery) ([]Page, error)
}

// ErrUnchanged is what a rule answers when there is nothing to write.
var ErrUnchanged = errors.New("escalation: nothing changed")

// PageQuery selects pages; zero fields select all.
type PageQuery struct {
	ID       string
	Subject  mainstay.Ref // pages about this object
	Projects []string     // ids; nil for all
	States   []State
	Person   string // pages that this person was reached by
	Acked    string // pages that this person acknowledged
	Severity mainstay.Severity
	Text     string    // words of the title
	From     time.Time // opened at or after it
	Until    time.Time // opened before it
	Before   int64     // number, exclusive; the page after
	Limit    int       // default 50, at most 1,000
}

// Store is everything that the Service needs of the database.
type Store interface {
	ScheduleStore
	PolicyStore
	PageStore
}

// People answers who persons and teams are; people.Service does.
type People interface {
	ByID(ctx context.Context, id string) (people.Person, error)
	ByIDs(ctx context.Context, ids []string) (map[string]people.Person, error)
	ByName(ctx context.Context, name string) (people.Person, error)
	Team(ctx context.Context, idOrName string) (people.Team, error)
}

// Projects answers what projects and services are called; project.Registry does.
type Projects interface {
	Project(ctx context.Context, key string) (project.Project, error)
	Service(ctx context.Context, project, key string) (project.Service, error)
}

// Alerts tells the alerts behind a page, for what its messages say. Alerts that are not known are left out.
type Alerts interface {
	AlertsOf(ctx context.Context, ids []string) ([]notify.Alert, error)
}

// Signer makes and checks the tokens in mails; setting.Vault does.
type Signer interface {
	Sign(purpose, text string, until time.Time) string
	Verify(purpose, token string, now time.Time) (string, error)
}

// Config is what a Service needs. Store, People and Signer are required.
type Config struct {
	Store    Store
	People   People
	Signer   Signer
	Projects Projects // may be nil: messages then name no project
	Alerts   Alerts   // may be nil: messages then carry no alerts
	Time     mainstay.Timekeeper
	Log      *slog.Logger
}

// Service is what others do with schedules, policies and pages.
type Service struct{ cfg Config }

// New checks the configuration.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.People == nil || cfg.Signer == nil {
		return nil, errors.New("escalation: Store, People and Signer must be provided")
	}
	if cfg.Time == nil {
		cfg.Time = mainstay.Clock{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{cfg: cfg}, nil
}

// scope is the project as it is kept: what belongs to no project belongs to the installation.
func scope(project string) string {
	if project == "" {
		return mainstay.Installation
	}
	return project
}
