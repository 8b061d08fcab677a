// Package identity owns who somebody is: passwords, second factors, passkeys, providers of identities, sessions, API tokens, the
// lock-out, invitations and resets. It never decides what somebody may do; that is access's.
package identity

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/setting"
)

// Store keeps what identity knows. Secrets come to it as hashes only. Every method joins the transaction that ctx carries.
type Store interface {
	Passwords
	Sessions
	Tokens
	Attempts
	Links
	Factors
	Passkeys
	Providers
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
	// Forget, within In, removes every row about the person.
	Forget(ctx context.Context, person string) error
}

// Passwords keeps password hashes.
type Passwords interface {
	// Password is the encoded hash of a person's password; NotFound when there is none.
	Password(ctx context.Context, person string) (string, error)
	SetPassword(ctx context.Context, person, hash string, now time.Time) error
	// Standings say how each of the persons can sign in, by id; one who cannot is missing.
	Standings(ctx context.Context, persons []string) (map[string]Standing, error)
	// EndPassword forgets the person's password.
	EndPassword(ctx context.Context, person string) error
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
	// TokenByHash is the token whose secret, or whose secret before the last rotation while that counts at now, has the hash;
	// NotFound when there is none.
	TokenByHash(ctx context.Context, hash string, now time.Time) (Token, error)
	// ListTokens lists newest first, those with an id before the given one ("" = from the start). With id, only that one.
	ListTokens(ctx context.Context, id, before string, limit int) ([]Token, error)
	UsedToken(ctx context.Context, id string, now time.Time) error
	RevokeToken(ctx context.Context, id string, now time.Time) error
	// RotateToken gives the token another secret, by its hash; the one before counts until the time.
	RotateToken(ctx context.Context, id, hash, tail string, until time.Time) error
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
	// EndLinks ends the person's links ("" for those that set up the installation) of the purposes, all without any, and returns
	// how many of them could still have been used at now.
	EndLinks(ctx context.Context, now time.Time, person string, purposes ...Purpose) (int, error)
}

// People knows persons; people.Service does.
type People interface {
	ByID(ctx context.Context, id string) (people.Person, error)
	ByName(ctx context.Context, name string) (people.Person, error)
	ByEmail(ctx context.Context, email string) (people.Person, error)
	Create(ctx context.Context, actor mainstay.Actor, p people.Person) (people.Person, error)
	Teams
}

// Teams knows teams, which the groups of a provider may fill; people.Service does.
type Teams interface {
	Team(ctx context.Context, idOrName string) (people.Team, error)
	ChangeTeam(ctx context.Context, actor mainstay.Actor, id string, f func(*people.Team) error) (people.Team, bool, error)
}

// Access knows who may do what; access.Service does.
type Access interface {
	GrantsOf(ctx context.Context, person string) ([]access.Grant, error)
	Give(ctx context.Context, actor mainstay.Actor, to mainstay.Ref, role access.Role, project string) error
	Administrators(ctx context.Context) ([]string, error)
	Roles
}

// Roles changes what was given to somebody; access.Service does.
type Roles interface {
	RolesOf(ctx context.Context, to mainstay.Ref) ([]people.Role, error)
	SetRoles(ctx context.Context, actor mainstay.Actor, to mainstay.Ref, roles []people.Role) (changed bool, err error)
	// KeepsAdministrator is a Conflict when the installation would have no administrator without this person.
	KeepsAdministrator(ctx context.Context, person string) error
}

// Projects translates the names of projects.
type Projects interface {
	ProjectID(ctx context.Context, name string) (string, error)
}

// Vault seals what the database and the browser keep for us; setting.Vault does.
type Vault interface {
	Seal(secret string) (string, error)
	Open(sealed string) (string, error)
	Derive(purpose string) []byte
}

// Config is what a Service needs. Store, People, Access and Vault are required.
type Config struct {
	Store    Store
	People   People
	Access   Access
	Vault    Vault
	Projects Projects         // nil: groups of a provider give roles in all projects only
	Settings *setting.Service // nil: the defaults of Policy hold
	Time     mainstay.Timekeeper
	Log      *slog.Logger
	Secure   bool // the server is reached over https: cookies say so
	// MailOff says why no mail can be sent, "" when it can. nil: it cannot.
	MailOff func() string
	// HTTP reaches identity providers; it must go through the guard for outgoing requests. nil: there are none.
	HTTP *http.Client
	// Known lists the ids of the private objects that a person may know of; object's register does. nil: none.
	Known func(ctx context.Context, person string) ([]string, error)

	Hashes     int     // passwords hashed at one time; default 2, each takes 19 MiB
	TokenRate  float64 // requests per second that one token may make for long; default 100
	TokenBurst int     // and at once; default 500
}

// Service signs people and programs in.
type Service struct {
	cfg       Config
	hasher    *hasher
	limits    *limits
	providers providerCache
	codes     []byte // key of the recovery codes' hashes
}

// New checks the configuration and sets the defaults.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.People == nil || cfg.Access == nil || cfg.Vault == nil {
		return nil, errors.New("identity: Store, People, Access and Vault must be provided")
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
	if cfg.MailOff == nil {
		cfg.MailOff = func() string { return "no mail server is configured (--smtp-url)" }
	}
	return &Service{
		cfg: cfg, hasher: newHasher(cfg.Hashes), limits: newLimits(cfg.TokenRate, cfg.TokenBurst), codes: cfg.Vault.Derive("recovery-codes"),
	}, nil
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
