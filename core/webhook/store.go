package webhook

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
)

// Store keeps the endpoints. Secrets come and go sealed.
type Store interface {
	// Endpoints lists those of the projects (nil for all), by project and name.
	Endpoints(ctx context.Context, projects []string) ([]Endpoint, error)
	// Endpoint is one; NotFound when there is none.
	Endpoint(ctx context.Context, id string) (Endpoint, error)
	// Change loads the endpoint, by id or by project and name, has f change it, and writes it with the set in one transaction,
	// unless f says that nothing is to be saved. f gets the zero Endpoint when there is none of that name; a new one starts at the
	// end of the journal.
	Change(ctx context.Context, at Key, f func(ctx context.Context, e *Endpoint) (set commit.Set, save bool, err error)) error
	// Delete removes the endpoint with its cursors and its log, with the set.
	Delete(ctx context.Context, id string, set commit.Set) error
}

// Key finds an endpoint: by ID, or by project and name.
type Key struct{ ID, Project, Name string }

// Cursor says how far delivery to an endpoint has come in a project's journal.
type Cursor struct {
	Endpoint string
	Project  string
	Replay   string    // id of a replay; "" for what happens
	Sequence int64     // everything up to it is done
	Until    int64     // of a replay: where it ends
	Created  time.Time // of a replay
	By       mainstay.Actor
}

// Replays keeps the replays that are under way.
type Replays interface {
	// Cursors lists the cursors of an endpoint, or of all when id is "".
	Cursors(ctx context.Context, endpoint string) ([]Cursor, error)
	// Begin adds replays, with the set.
	Begin(ctx context.Context, list []Cursor, set commit.Set) error
	// Cancel ends a replay; NotFound when it has ended.
	Cancel(ctx context.Context, endpoint, replay string) error
	// Skip moves the cursors of what happens to the end of the journal. It joins the transaction that ctx carries.
	Skip(ctx context.Context, endpoint string) error
}

// Origin says why a request was sent.
type Origin string

// The origins.
const (
	Live   Origin = "live"
	Replay Origin = "replay"
	Test   Origin = "test"
)

// Result says how an attempt ended.
type Result string

// The results.
const (
	Delivered Result = "delivered"
	Retrying  Result = "retrying" // failed, and is tried again at Next
	Refused   Result = "refused"  // set aside after several attempts; those behind it went on
	Failed    Result = "failed"   // a test that failed, or the last attempt before the endpoint was disabled
)

// Results lists the results.
func Results() []Result { return []Result{Delivered, Retrying, Refused, Failed} }

// Attempt is one request in the log.
type Attempt struct {
	ID       string
	Endpoint string
	Project  string
	Message  string // the header Webhook-Id: the same at each attempt of a message
	First    int64  // sequence of its first event
	Last     int64
	Events   int
	Kind     string // of the first event
	Subject  mainstay.Ref
	Origin   Origin
	Replay   string
	Try      int // 1 for the first
	At       time.Time
	Took     time.Duration
	Status   int    // of the answer; 0 when there was none
	Answer   string // its first bytes
	Error    string // in words, when it failed
	Result   Result
	Next     time.Time // of a failed one: when it is tried again
}

// Query selects attempts.
type Query struct {
	Endpoint string
	Result   Result // "" for all
	Message  string
	Before   string // id; older ones
	Limit    int    // default 50, at most 1,000
}

// Log keeps the attempts.
type Log interface {
	// Attempts lists attempts, newest first.
	Attempts(ctx context.Context, q Query) ([]Attempt, error)
	// Attempt is one; NotFound when there is none.
	Attempt(ctx context.Context, id string) (Attempt, error)
	// Note adds an attempt that moves nothing: a test.
	Note(ctx context.Context, a Attempt) error
	// Prune removes attempts older than before, at most limit, and says how many.
	Prune(ctx context.Context, before time.Time, limit int) (int64, error)
}

// Outcome is what one attempt, or passing facts that nobody wants, came to.
type Outcome struct {
	Endpoint string
	Attempt  *Attempt // nil when nothing was sent
	Cursor   Cursor   // where delivery has come to
	Ended    bool     // the replay is over
	Health   Health
	State    State // when it changes, else ""
	Reason   string
	Set      commit.Set
}

// Queue is what the engine needs of the database.
type Queue interface {
	Endpoints(ctx context.Context, projects []string) ([]Endpoint, error)
	Cursors(ctx context.Context, endpoint string) ([]Cursor, error)
	// Record writes an outcome in one transaction. It does nothing when the endpoint is gone.
	Record(ctx context.Context, o Outcome) error
	// Changed is called with a function that the store calls after every commit that changed an endpoint or began a replay, and
	// whenever another process may have.
	Changed(wake func())
}

// Keep is how long the log is kept.
const Keep = 30 * 24 * time.Hour
