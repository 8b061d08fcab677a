// Package identity owns who somebody is: passwords, sessions, API tokens, the lock-out and the links by which a first password
// is set. It never decides what somebody may do; that is access's.
package identity

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/people"
)

// Store keeps what identity knows. Secrets come to it as hashes only. Every method joins the transaction that ctx carries.
type Store interface {
	Passwords
	Sessions
	Tokens
	Attempts
	Links
	Transactions
}

// Transactions runs use cases.
type Transactions interface {
	// In runs f in one write transaction.
	In(ctx context.Context, f func(ctx context.Context) error) error
	// Save writes a set in the transaction that ctx carries.
	Save(ctx context.Context, set commit.Set) error
	// Alone, within In, lets one transaction at a time go on: two set-ups at one moment must not both succeed.
	Alone(ctx context.Context) error
}

// Passwords keeps password hashes.
type Passwords interface {
	// Password is the encoded hash of a person's password; NotFound when there is none.
	Password(ctx context.Context, person string) (string, error)
	SetPassword(ctx context.Context, person, hash string, now time.Time) error
	// WithPassword are those of the persons who have one.
	WithPassword(ctx context.Context, persons []string) ([]string, error)
}

// Sessions keeps sessions by the hash of their secret.
type Sessions interface {
	AddSession(ctx context.Context, s Session, hash string) error
	SessionByHash(ctx context.Context, hash string) (Session, error) // NotFound when there is none
	SessionsOf(ctx context.Context, person string) ([]Session, error)
	SeenSession(ctx context.Context, id string, now time.Time) error
	// EndSessions ends the person's session with the id, or with "" all but the excepted one, and returns how many.
	EndSessions(ctx context.Context, person, id, except string) (int, error)
	// PruneSessions forgets sessions that were begun or last seen before these times.
	PruneSessions(ctx context.Context, begun, seen time.Time) error
}

// Tokens keeps API tokens by the hash of their secret.
type Tokens interface {
	AddToken(ctx context.Context, t Token, hash string) error
	TokenByHash(ctx context.Context, hash string) (Token, error) // NotFound when there is none
	// ListTokens lists newest first, those with an id before the given one ("" = from the start). With id, only that one.
	ListTokens(ctx context.Context, id, before string, limit int) ([]Token, error)
	UsedToken(ctx context.Context, id string, now time.Time) error
	RevokeToken(ctx context.Context, id string, now time.Time) error
}

// Attempts keeps failed sign-ins.
type Attempts interface {
	// Attempts are the failures kept under the keys; a key without any is missing.
	Attempts(ctx context.Context, keys ...string) (map[string]Attempt, error)
	SetAttempt(ctx context.Context, key string, a Attempt) error
	ForgetAttempt(ctx context.Context, key string) error
	// PruneAttempts forgets failures older than the time.
	PruneAttempts(ctx context.Context, before time.Time) error
}

// Links keeps one-time links by the hash of their secret.
type Links interface {
	AddLink(ctx context.Context, l Link, hash string) error
	LinkByHash(ctx context.Context, hash string) (Link, error) // NotFound when there is none
	// EndLinks ends the links for the person ("" for those that set up the installation).
	EndLinks(ctx context.Context, person string) error
}

// People knows persons; people.Service does.
type People interface {
	ByID(ctx context.Context, id string) (people.Person, error)
	ByName(ctx context.Context, name string) (people.Person, error)
	ByEmail(ctx context.Context, email string) (people.Person, error)
	Create(ctx context.Context, actor mainstay.Actor, p people.Person) (people.Person, error)
}

// Access knows who may do what; access.Service does.
type Access interface {
	GrantsOf(ctx context.Context, person string) ([]access.Grant, error)
	Give(ctx context.Context, actor mainstay.Actor, to mainstay.Ref, role access.Role, project string) error
	Administrators(ctx context.Context) ([]string, error)
}

// Config is what a Service needs. Store, People and Access are required.
type Config struct {
	Store  Store
	People People
	Access Access
	Time   mainstay.Timekeeper
	Log    *slog.Logger
	Secure bool // the server is reached over https: cookies say so
	// Known lists the ids of the private objects that a person may know of; object's register does. nil: none.
	Known func(ctx context.Context, person string) ([]string, error)

	Hashes     int     // passwords hashed at one time; default 2, each takes 19 MiB
	TokenRate  float64 // requests per second that one token may make for long; default 100
	TokenBurst int     // and at once; default 500
}

// Service signs people and programs in.
type Service struct {
	cfg    Config
	hasher *hasher
	limits *limits
}

// New checks the configuration and sets the defaults.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.People == nil || cfg.Access == nil {
		return nil, errors.New("identity: Store, People and Access must be provided")
	}
	if cfg.Time == nil {
		cfg.Time = mainstay.Clock{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Hashes == 0 {
		cfg.Hashes = 2
	}
	if cfg.TokenRate == 0 {
		cfg.TokenRate = 100
	}
	if cfg.TokenBurst == 0 {
		cfg.TokenBurst = 500
	}
	return &Service{cfg: cfg, hasher: newHasher(cfg.Hashes), limits: newLimits(cfg.TokenRate, cfg.TokenBurst)}, nil
}

// self is the actor for what nobody signed in has done.
var self = mainstay.System("identity")

// Wait is a TooMany error that knows how long to wait.
type Wait struct {
	After time.Duration
	cause error
}

func tooMany(after time.Duration, format string, args ...any) error {
	return &Wait{After: after, cause: mainstay.Errorf(mainstay.TooMany, format, args...)}
}

// Error is the sentence for people.
func (w *Wait) Error() string { return w.cause.Error() }

// Unwrap gives the error with the code.
func (w *Wait) Unwrap() error { return w.cause }

// RetryAfter is how long to wait, at least a second: the answer's header Retry-After says it.
func (w *Wait) RetryAfter() time.Duration { return max(w.After, time.Second) }
