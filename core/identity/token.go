package identity

import (
	"context"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// Token lets a program act with a role, in one project or in all.
type Token struct {
	ID        string
	Name      string
	Role      access.Role
	Project   string // project id; "" = all
	Tail      string // the secret's last four characters, to tell tokens apart
	CreatedAt time.Time
	CreatedBy mainstay.Actor
	UsedAt    time.Time // kept to the minute; zero before the first use
	ExpiresAt time.Time // zero for one that counts until it is revoked
	OldUntil  time.Time // until when the secret before the last rotation counts, too; zero without one
	RevokedAt time.Time // zero while it counts
}

// Counts reports whether the token lets anybody in at that time.
func (t *Token) Counts(now time.Time) bool {
	return t.RevokedAt.IsZero() && (t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt))
}

// Ref points at the token.
func (t *Token) Ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindToken, ID: t.ID} }

// TokenPrefix begins every token, so that people and scanners recognise one.
const TokenPrefix = "mst_"

// tokenLength is the prefix and 32 bytes in base 62.
const tokenLength = len(TokenPrefix) + 43

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// newToken makes a secret.
func newToken() string {
	n := new(big.Int).SetBytes(random(32))
	digits := make([]byte, tokenLength-len(TokenPrefix))
	mod, base := new(big.Int), big.NewInt(62)
	for i := len(digits) - 1; i >= 0; i-- {
		n.DivMod(n, base, mod)
		digits[i] = base62[mod.Int64()]
	}
	return TokenPrefix + string(digits)
}

// looksLikeToken reports whether it is worth looking s up.
func looksLikeToken(s string) bool {
	return len(s) == tokenLength && strings.HasPrefix(s, TokenPrefix) &&
		!strings.ContainsFunc(s[len(TokenPrefix):], func(r rune) bool { return !strings.ContainsRune(base62, r) })
}

// CreateToken makes an API token and returns its secret, which is told only now. project is a project's id, or "" for all.
// Several tokens may have one name.
func (s *Service) CreateToken(ctx context.Context, actor mainstay.Actor, name string, role access.Role, project string) (secret string, err error) {
	_, secret, err = s.AddToken(ctx, actor, name, role, project, time.Time{})
	return secret, err
}

// AddToken is CreateToken, and returns the token too. It counts until the time, or until it is revoked.
func (s *Service) AddToken(ctx context.Context, actor mainstay.Actor, name string, role access.Role, project string, until time.Time) (t Token, secret string, err error) {
	name = strings.TrimSpace(name)
	var f mainstay.Faults
	switch {
	case name == "":
		f.Add("name", "Give the token a name that says what uses it.")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }):
		f.Add("name", "It holds characters that are not text.")
	case utf8.RuneCountInString(name) > 100:
		f.Add("name", "At most 100 characters.")
	}
	if !role.Valid() {
		f.Add("role", "%q is not a role: use administrator, manager, responder, member, stakeholder or customer.", role)
	}
	now := s.cfg.Time.Now()
	if !until.IsZero() && !until.After(now) {
		f.Add("expires", "This time is over. Give one that is to come, or none.")
	}
	if err := f.Err(); err != nil {
		return t, "", err
	}
	secret = newToken()
	t = Token{
		ID: mainstay.NewID(now), Name: name, Role: role, Project: project, Tail: secret[len(secret)-4:],
		CreatedAt: now, CreatedBy: actor, ExpiresAt: until,
	}
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if err := s.cfg.Store.AddToken(ctx, t, digest(secret)); err != nil {
			return err
		}
		return s.cfg.Store.Save(ctx, commit.Set{
			Facts:   []fact.Fact{fact.New(now, project, actor, fact.TokenCreated{Name: name, Role: string(role), Expires: until}, t.Ref())},
			Objects: []commit.Object{t.object(now)},
		})
	})
	return t, secret, err
}

func (t *Token) object(now time.Time) commit.Object {
	project := t.Project
	if project == "" {
		project = mainstay.Installation
	}
	state := "active"
	if !t.RevokedAt.IsZero() {
		state = "revoked"
	}
	return commit.Object{Ref: t.Ref(), Project: project, Title: t.Name, State: state, At: now}
}

// Token is the token with the id; NotFound when there is none.
func (s *Service) Token(ctx context.Context, id string) (Token, error) {
	list, err := s.cfg.Store.ListTokens(ctx, id, "", 1)
	if err != nil {
		return Token{}, err
	}
	if len(list) == 0 {
		return Token{}, mainstay.Errorf(mainstay.NotFound, "There is no such token.")
	}
	return list[0], nil
}

// ListTokens lists tokens, revoked ones too, newest first. next is the before of the following page, "" on the last one.
func (s *Service) ListTokens(ctx context.Context, before string, limit int) (list []Token, next string, err error) {
	if limit <= 0 || limit > 1000 {
		limit = 100
	}
	list, err = s.cfg.Store.ListTokens(ctx, "", before, limit+1)
	if err == nil && len(list) > limit {
		list = list[:limit]
		next = list[limit-1].ID
	}
	return list, next, err
}

// RevokeToken ends a token at once. Revoking it twice changes nothing.
func (s *Service) RevokeToken(ctx context.Context, actor mainstay.Actor, id string) error {
	now := s.cfg.Time.Now()
	return s.cfg.Store.In(ctx, func(ctx context.Context) error {
		t, err := s.Token(ctx, id)
		if err != nil || !t.RevokedAt.IsZero() {
			return err
		}
		t.RevokedAt = now
		if err := s.cfg.Store.RevokeToken(ctx, id, now); err != nil {
			return err
		}
		return s.cfg.Store.Save(ctx, commit.Set{
			Facts:   []fact.Fact{fact.New(now, t.Project, actor, fact.TokenRevoked{Name: t.Name}, t.Ref())},
			Objects: []commit.Object{t.object(now)},
		})
	})
}

// RotateToken gives a token another secret, which is told only now. The one before counts for as long as overlap says, so that
// whatever uses it can be changed first; 0 ends it at once.
func (s *Service) RotateToken(ctx context.Context, actor mainstay.Actor, id string, overlap time.Duration) (t Token, secret string, err error) {
	if overlap < 0 || overlap > 30*24*time.Hour {
		return t, "", mainstay.Faults{"overlap": "Use at most 30 days."}.Err()
	}
	now := s.cfg.Time.Now()
	secret = newToken()
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if t, err = s.Token(ctx, id); err != nil {
			return err
		}
		if !t.Counts(now) {
			return mainstay.Errorf(mainstay.Conflict, "The token %s was revoked or has run out. Make a new one.", t.Name)
		}
		t.Tail, t.OldUntil = secret[len(secret)-4:], now.Add(overlap)
		if err := s.cfg.Store.RotateToken(ctx, id, digest(secret), t.Tail, t.OldUntil); err != nil {
			return err
		}
		return s.cfg.Store.Save(ctx, commit.Set{
			Facts: []fact.Fact{fact.New(now, t.Project, actor, fact.TokenRotated{Name: t.Name, Until: t.OldUntil}, t.Ref())},
		})
	})
	if err != nil {
		secret = ""
	}
	return t, secret, err
}

// byToken is the viewer of a token's secret. The token is looked up each time, because another process may have made or revoked
// it; only those that were never seen are limited in number, so that nobody can try tokens quickly.
func (s *Service) byToken(ctx context.Context, secret string) (access.Viewer, error) {
	unknown := mainstay.Errorf(mainstay.Unauthenticated, "The token is not known here, or was revoked.")
	if !looksLikeToken(secret) {
		return access.Viewer{}, unknown
	}
	now := s.cfg.Time.Now()
	hash := digest(secret)
	if wait := s.limits.stranger(hash, now); wait > 0 {
		return access.Viewer{}, tooMany(wait, "Too many unknown tokens were tried. Wait, then try again.")
	}
	t, err := s.cfg.Store.TokenByHash(ctx, hash, now)
	if mainstay.Is(err, mainstay.NotFound) || err == nil && !t.RevokedAt.IsZero() {
		s.limits.forget(hash)
		return access.Viewer{}, unknown
	}
	if err != nil {
		return access.Viewer{}, err
	}
	if !t.Counts(now) {
		s.limits.forget(hash)
		return access.Viewer{}, mainstay.Errorf(mainstay.Unauthenticated, "The token %q has run out.", t.Name)
	}
	if wait := s.limits.take(hash, now); wait > 0 {
		return access.Viewer{}, tooMany(wait, "The token %q makes too many requests. Wait %s, then go on.", t.Name, wait.Round(time.Millisecond))
	}
	if now.Sub(t.UsedAt) >= seenEvery {
		s.touch(ctx, "token", func(ctx context.Context) error { return s.cfg.Store.UsedToken(ctx, t.ID, now) })
	}
	return access.Viewer{
		Actor: mainstay.Actor{Kind: mainstay.ActorToken, ID: t.ID}, Name: t.Name, Zone: time.UTC, Token: true,
		Grants: []access.Grant{{Role: t.Role, Project: t.Project}},
	}, nil
}

// touch notes a last use. That it failed must not keep anybody from working.
func (s *Service) touch(ctx context.Context, what string, f func(ctx context.Context) error) {
	if err := s.cfg.Store.In(ctx, f); err != nil && ctx.Err() == nil {
		s.cfg.Log.WarnContext(ctx, "last use not noted", "of", what, "err", err)
	}
}

// limits counts the requests of each token that was seen, by its hash, and the tries of strangers.
type limits struct {
	mu        sync.Mutex
	each      rate.Limit
	burst     int
	known     map[string]*rate.Limiter
	strangers *rate.Limiter
}

// Unknown tokens looked up per second for long, and at once.
const (
	strangersEach  = 20
	strangersBurst = 100
)

func newLimits(each float64, burst int) *limits {
	return &limits{
		each: rate.Limit(each), burst: burst, known: map[string]*rate.Limiter{},
		strangers: rate.NewLimiter(strangersEach, strangersBurst),
	}
}

// stranger is how long to wait before a secret may be looked up: 0 for a known one.
func (l *limits) stranger(hash string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.known[hash]; ok {
		return 0
	}
	return wait(l.strangers, now)
}

// take is how long a known token must wait; 0 when it may go on.
func (l *limits) take(hash string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	k, ok := l.known[hash]
	if !ok {
		k = rate.NewLimiter(l.each, l.burst)
		l.known[hash] = k
	}
	return wait(k, now)
}

func (l *limits) forget(hash string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.known, hash)
}

func wait(l *rate.Limiter, now time.Time) time.Duration {
	r := l.ReserveN(now, 1)
	d := r.DelayFrom(now)
	if d > 0 {
		r.CancelAt(now)
	}
	return d
}

// TokenActors names the tokens with the ids, for pages that show who acted.
func (s *Service) TokenActors(ctx context.Context, ids []string) (map[string]string, error) {
	names := make(map[string]string, len(ids))
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		t, err := s.Token(ctx, id)
		if mainstay.Is(err, mainstay.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		names[id] = t.Name
	}
	return names, nil
}
