package intake

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// Key lets a sender in. It says which project, service and format the sender is for. The secret itself is kept nowhere.
type Key struct {
	ID       string    `json:"id"`
	Project  string    `json:"project"`           // id
	Service  string    `json:"service,omitempty"` // id, "" when the key is for the whole project
	Format   string    `json:"format"`
	Hint     string    `json:"hint"` // the first characters, to tell keys apart
	Creator  string    `json:"-"`    // "person:…"
	Created  time.Time `json:"createdAt,omitzero"`
	LastUsed time.Time `json:"lastUsedAt,omitzero"` // to the minute
	Revoked  time.Time `json:"revokedAt,omitzero"`
}

// State is the word shown beside a key.
func (k Key) State() string {
	if k.Revoked.IsZero() {
		return "active"
	}
	return "revoked"
}

// ValidKey reports whether s has the shape of a key: 32 lower-case hexadecimal characters.
func ValidKey(s string) bool {
	if len(s) != 32 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}

// KeyStore is what Keys needs of the database.
type KeyStore interface {
	// AddKey saves a new key under the hash of its secret, with the set.
	AddKey(ctx context.Context, k Key, hash string, set commit.Set) error
	// KeyByHash finds a key, revoked ones included; NotFound when there is none.
	KeyByHash(ctx context.Context, hash string) (Key, error)
	// Keys lists the keys of a project ("" for all), newest first, after the given id ("" for the first page), at most limit.
	Keys(ctx context.Context, project, after string, limit int) ([]Key, error)
	// UpdateKey changes a key by f, or loads it when f changes nothing; NotFound when there is none.
	UpdateKey(ctx context.Context, id string, f func(*Key) (commit.Set, error)) error
	// KeysChanged registers a function that is called after any process may have changed keys.
	KeysChanged(func())
}

// KeysConfig makes Keys. Store and Formats are required.
type KeysConfig struct {
	Store   KeyStore
	Time    mainstay.Timekeeper
	Log     *slog.Logger
	Formats []string // the names that keys may be made for
}

// Keys makes, finds and revokes intake keys. Several keys for one purpose may be valid at once, so a key is exchanged without a
// gap: make the new one, give it to the sender, revoke the old one.
type Keys struct {
	cfg KeysConfig

	mu      sync.Mutex
	known   map[string]*known // by hash
	version int               // rises with each change: what was read before one is read again
	lookups float64           // look-ups left in the bucket
	filled  time.Time
}

// known is a key in memory.
type known struct {
	Key
	version int
}

const (
	lookupRate  = 1000.0 // unknown keys looked up in the database, per second
	lookupBurst = 2000.0
	maxKnown    = 100_000
)

// NewKeys makes the service.
func NewKeys(cfg KeysConfig) (*Keys, error) {
	if cfg.Store == nil || len(cfg.Formats) == 0 {
		return nil, errors.New("intake: Keys needs a Store and Formats")
	}
	if cfg.Time == nil {
		cfg.Time = mainstay.Clock{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	k := &Keys{cfg: cfg, known: map[string]*known{}, lookups: lookupBurst}
	cfg.Store.KeysChanged(k.forget)
	return k, nil
}

func (k *Keys) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.version++
}

// Formats are the names that keys may be made for.
func (k *Keys) Formats() []string { return slices.Clone(k.cfg.Formats) }

// Create makes a key for a project (its id), perhaps for one of its services (id), and a format. The key is returned this once.
func (k *Keys) Create(ctx context.Context, actor mainstay.Actor, project, service, format string) (string, error) {
	var faults mainstay.Faults
	if project == "" {
		faults.Add("project", "say which project the key is for")
	}
	if !slices.Contains(k.cfg.Formats, format) {
		faults.Add("format", "%q is none of: %s", format, strings.Join(k.cfg.Formats, ", "))
	}
	if err := faults.Err(); err != nil {
		return "", err
	}
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("making a key: %w", err)
	}
	secret := hex.EncodeToString(b[:])
	now := k.cfg.Time.Now()
	key := Key{
		ID: mainstay.NewID(now), Project: project, Service: service, Format: format, Hint: secret[:6],
		Creator: actor.String(), Created: now,
	}
	set := key.set(now)
	set.Facts = []fact.Fact{fact.New(now, project, actor, fact.KeyCreated{Format: format, Service: service}, key.ref(), serviceRef(service))}
	if err := k.cfg.Store.AddKey(ctx, key, hash(secret), set); err != nil {
		return "", err
	}
	return secret, nil
}

func (k Key) ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindKey, ID: k.ID} }

func serviceRef(id string) mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindService, ID: id} }

func (k Key) set(now time.Time) commit.Set {
	return commit.Set{Objects: []commit.Object{{
		Ref: k.ref(), Project: k.Project, Name: k.Hint, Title: fmt.Sprintf("Intake key %s… for %s", k.Hint, k.Format), State: k.State(), At: now,
	}}}
}

// Revoke ends a key. Revoking it again changes nothing.
func (k *Keys) Revoke(ctx context.Context, actor mainstay.Actor, id string) error {
	now := k.cfg.Time.Now()
	return k.cfg.Store.UpdateKey(ctx, id, func(key *Key) (commit.Set, error) {
		if !key.Revoked.IsZero() {
			return commit.Set{}, nil
		}
		key.Revoked = now
		set := key.set(now)
		set.Facts = []fact.Fact{fact.New(now, key.Project, actor, fact.KeyRevoked{Format: key.Format}, key.ref())}
		return set, nil
	})
}

// Rotate makes another key like the given one. The old one stays valid until it is revoked.
func (k *Keys) Rotate(ctx context.Context, actor mainstay.Actor, id string) (string, error) {
	old, err := k.Key(ctx, id)
	if err != nil {
		return "", err
	}
	return k.Create(ctx, actor, old.Project, old.Service, old.Format)
}

// Key finds a key by its id.
func (k *Keys) Key(ctx context.Context, id string) (Key, error) {
	var found Key
	err := k.cfg.Store.UpdateKey(ctx, id, func(key *Key) (commit.Set, error) {
		found = *key
		return commit.Set{}, nil
	})
	return found, err
}

// List lists the keys of a project ("" for all), newest first, after the given id, at most limit.
func (k *Keys) List(ctx context.Context, project, after string, limit int) ([]Key, error) {
	return k.cfg.Store.Keys(ctx, project, after, limit)
}

var errKey = mainstay.Errorf(mainstay.Unauthenticated, "The intake key is unknown, revoked, or made for another format.")

// Find checks the credentials that a request brings, of which every one that has a key's shape counts: they must be one and the
// same key, valid, and made for the format. Every other case is the same Unauthenticated error.
func (k *Keys) Find(ctx context.Context, format string, credentials ...string) (Key, error) {
	secret := ""
	for _, c := range credentials {
		switch {
		case !ValidKey(c):
		case secret == "":
			secret = c
		case secret != c:
			return Key{}, mainstay.Errorf(mainstay.Unauthenticated, "The request brings two different intake keys.")
		}
	}
	if secret == "" {
		return Key{}, errKey
	}
	key, err := k.find(ctx, hash(secret))
	switch {
	case mainstay.Is(err, mainstay.NotFound):
		return Key{}, errKey
	case err != nil:
		return Key{}, err
	case !key.Revoked.IsZero() || key.Format != format:
		return Key{}, errKey
	}
	return *key, nil
}

// find looks a key up: in memory, then in the database, for another process may have made or revoked it. Keys that were never
// seen are looked up at a limited rate, beyond which they count as unknown; whoever guesses keys cannot take that from known ones.
func (k *Keys) find(ctx context.Context, hash string) (*Key, error) {
	k.mu.Lock()
	seen, version := k.known[hash], k.version
	allowed := seen != nil || k.allow()
	k.mu.Unlock()
	if seen != nil && seen.version == version {
		return &seen.Key, nil
	}
	if !allowed {
		return nil, errKey
	}
	found, err := k.cfg.Store.KeyByHash(ctx, hash)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		if mainstay.Is(err, mainstay.NotFound) {
			delete(k.known, hash)
		}
		return nil, err
	}
	if seen == nil {
		k.lookups = min(lookupBurst, k.lookups+1) // only misses cost
	}
	if seen != nil || len(k.known) < maxKnown {
		k.known[hash] = &known{found, version}
	}
	return &found, nil
}

func (k *Keys) allow() bool {
	now := k.cfg.Time.Now()
	if d := now.Sub(k.filled); d > 0 {
		k.lookups = min(lookupBurst, k.lookups+d.Seconds()*lookupRate)
	}
	k.filled = now
	if k.lookups < 1 {
		return false
	}
	k.lookups--
	return true
}

// Used notes that a key was used, once a minute at most. It fails silently but for the log: a sender must not suffer from it.
func (k *Keys) Used(ctx context.Context, key Key) {
	now := k.cfg.Time.Now()
	if now.Sub(key.LastUsed) < time.Minute {
		return
	}
	k.mu.Lock()
	due := true
	for h, x := range k.known {
		if x.ID == key.ID {
			due = now.Sub(x.LastUsed) >= time.Minute
			fresh := *x
			fresh.LastUsed = now
			k.known[h] = &fresh
		}
	}
	k.mu.Unlock()
	if !due {
		return
	}
	err := k.cfg.Store.UpdateKey(ctx, key.ID, func(stored *Key) (commit.Set, error) {
		stored.LastUsed = now
		return commit.Set{}, nil
	})
	if err != nil {
		k.cfg.Log.WarnContext(ctx, "noting a key's use", "key", key.ID, "error", err)
	}
}

func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
