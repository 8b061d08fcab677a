// Package warning owns alerts: it folds signals into the living state of conditions, ends what is over, decides by routes who is
// asked to act, and watches heartbeats. It never reads a sender's format, never pages anybody itself, and never forgets a signal
// that it has taken.
package warning

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/intake"
)

// Names answers what projects call their services and policies.
type Names interface {
	// Services are the ids of a project's services by name.
	Services(ctx context.Context, project string) (map[string]string, error)
	// PolicyExists is NotFound unless the project (or the installation) has a policy of that name.
	PolicyExists(ctx context.Context, project, name string) error
}

// Writing is the part of the database that the writer and only the writer uses.
type Writing interface {
	// Commit saves the changes in one transaction. It gives the new alerts their numbers and then asks for the facts.
	Commit(ctx context.Context, c *Changes) error
	// LoadOpen gives the rows of open alerts to f by number, after a number, at most limit, and returns how many there were. f must
	// not keep the alert.
	LoadOpen(ctx context.Context, after int64, limit int, f func(*Alert)) (int, error)
	// Inbox lists the entries after a sequence that moved alerts whose rows lag behind, at most limit.
	Inbox(ctx context.Context, after int64, limit int) ([]Entry, error)
	// Position returns the last sequence of the inbox and the one up to which the rows of open alerts are complete.
	Position(ctx context.Context) (last, checkpoint int64, err error)
	// SaveOpen writes where open alerts stand into their rows; with a checkpoint above 0, it moves there.
	SaveOpen(ctx context.Context, alerts []*Alert, checkpoint int64) error
	// Prune removes up to limit of the oldest inbox entries from before the time that are folded into the rows.
	Prune(ctx context.Context, before time.Time, checkpoint int64, limit int) (int64, error)
}

// Reading is the part of the database that everybody reads.
type Reading interface {
	// Alerts lists rows by falling number.
	Alerts(ctx context.Context, q Query) ([]*Alert, error)
	// AlertByNumber is NotFound when there is none.
	AlertByNumber(ctx context.Context, number int64) (*Alert, error)
}

// RouteStore keeps routes.
type RouteStore interface {
	// Routes lists the routes of a project; "" lists all.
	Routes(ctx context.Context, project string) ([]Route, error)
	// SaveRoute loads the route of that name (the zero Route when there is none), applies f and saves what it leaves. With
	// Version unchanged by f nothing is written.
	SaveRoute(ctx context.Context, project, name string, f func(*Route) (commit.Set, error)) error
	// DeleteRoute removes it with the set; NotFound when there is none.
	DeleteRoute(ctx context.Context, project, name string, f func(Route) commit.Set) error
	// Changed registers a function that is called after any process may have changed routes.
	Changed(func())
}

// Config makes a Service. Writing, Reading, Routes, Heartbeats and Names are required.
type Config struct {
	Writing    Writing
	Reading    Reading
	Routes     RouteStore
	Heartbeats HeartbeatStore
	Names      Names
	Formats    []intake.Format // to read the inbox again after a restart
	Time       mainstay.Timekeeper
	Log        *slog.Logger
	// Timeout is the resolve timeout, asked for each time; nil is intake.ResolveTimeout.
	Timeout func() time.Duration
	// Keep is how long inbox entries are kept after folding; 0 is 7 days.
	Keep time.Duration
	// Committed is told of each commit of the writer, for /metrics: signals taken, alerts fired and ended, how long it took.
	// May be nil.
	Committed func(signals, fired, ended int, took time.Duration, err error)
}

// Service is the practice.
type Service struct {
	cfg     Config
	formats map[string]intake.Format
	open    *openSet

	mu      sync.Mutex
	waiting []*job
	weight  int // of what waits
	stopped bool
	wake    chan struct{}
	full    chan struct{} // told when much waits

	stop context.CancelFunc
	done sync.WaitGroup

	stale atomic.Bool // routes may have changed
	w     writer
}

// New makes the service; Start begins its work.
func New(cfg Config) (*Service, error) {
	if cfg.Writing == nil || cfg.Reading == nil || cfg.Routes == nil || cfg.Names == nil || cfg.Heartbeats == nil {
		return nil, errors.New("warning: a Service needs Writing, Reading, Routes, Heartbeats and Names")
	}
	if cfg.Time == nil {
		cfg.Time = mainstay.Clock{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Timeout == nil {
		cfg.Timeout = func() time.Duration { return intake.ResolveTimeout }
	}
	if cfg.Keep == 0 {
		cfg.Keep = 7 * 24 * time.Hour
	}
	s := &Service{cfg: cfg, open: newOpenSet(), wake: make(chan struct{}, 1), full: make(chan struct{}, 1), formats: map[string]intake.Format{}, stopped: true}
	for _, f := range cfg.Formats {
		s.formats[f.Name()] = f
	}
	s.stale.Store(true)
	cfg.Routes.Changed(func() { s.stale.Store(true) })
	return s, nil
}

// Timeout is the resolve timeout as it is now.
func (s *Service) Timeout() time.Duration { return s.cfg.Timeout() }

// Changes is what one transaction of the writer saves.
type Changes struct {
	Now     time.Time
	Seq     int64           // of the first batch in the inbox; the others follow
	Batches []*intake.Batch // inbox entries
	Fired   []*Alert        // new; Commit sets their numbers
	Ended   []*Alert        // rows that end
	Beats   []Beaten
	Facts   func() commit.Set // after the numbers
}

// Entry is a batch as the inbox keeps it: without its signals.
type Entry struct {
	Seq int64
	intake.Batch
}
