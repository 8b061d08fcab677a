package identity

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/fact"
)

// Attempt is what is remembered of failed sign-ins, for one account, on one device, or from one address.
type Attempt struct {
	Failures int
	LastAt   time.Time
	Until    time.Time // locked until then; zero when not
}

const (
	freeFailures = 5                // failures before the first lock
	firstLock    = 30 * time.Second // doubled by each further failure
	longestLock  = time.Hour
	forgetAfter  = 24 * time.Hour // without a failure
)

// Locked reports whether a sign-in must not even be tried.
func (a Attempt) Locked(now time.Time) bool { return now.Before(a.Until) }

// fail is the attempt after one more failure.
func (a Attempt) fail(now time.Time) Attempt {
	if now.Sub(a.LastAt) > forgetAfter {
		a = Attempt{}
	}
	a.Failures, a.LastAt = a.Failures+1, now
	if over := a.Failures - freeFailures; over >= 0 {
		a.Until = now.Add(min(firstLock<<min(over, 20), longestLock))
	}
	return a
}

// ease is an address's attempt after somebody signed in from it. It is halved and not forgotten: whoever owns one account
// must not thereby get endless tries at others.
func (a Attempt) ease() Attempt {
	a.Failures /= 2
	return a
}

// take counts one more of what may be done so often in an hour, from the first of them on, and reports how long to wait when that
// is used up.
func (a Attempt) take(now time.Time, most int) (Attempt, time.Duration) {
	if now.Sub(a.LastAt) >= time.Hour {
		a = Attempt{LastAt: now}
	}
	if a.Failures >= most {
		return a, a.LastAt.Add(time.Hour).Sub(now)
	}
	a.Failures++
	return a, 0
}

// accountKey is the key under which the failures of an account are kept, whether the account exists or not.
func accountKey(email string) string { return "account:" + digest(people.EmailKey(email)) }

// factorKey is the key under which a person's wrong second factors are kept.
func factorKey(person string) string { return "factor:" + digest(person) }

// addressKey is the key of the address that a request came from. An IPv6 client has a whole /64.
func addressKey(address string) string {
	if ip, err := netip.ParseAddr(address); err == nil && ip.Unmap().Is6() {
		if p, err := ip.WithZone("").Prefix(64); err == nil {
			address = p.Masked().String()
		}
	}
	return "address:" + digest(address)
}

// digest is the SHA-256 of text, in hex.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Client is the browser from which somebody signs in.
type Client struct {
	Address string // IP address
	Agent   string // header User-Agent
	Device  string // the value of the cookie that DeviceCookie made, "" without one
}

// digest is the address as facts keep it.
func (c Client) digest() string { return addressKey(c.Address)[len("address:"):] }

// device is what a browser keeps of an account that has signed in on it. Whoever has it is not locked out by what others try from
// elsewhere: their failures are counted apart.
type device struct {
	For    string `json:"for"` // always "device": what is sealed for one purpose does not open for another
	Person string `json:"person"`
	Nonce  string `json:"nonce"`
}

const deviceLife = 365 * 24 * time.Hour

// DeviceCookie remembers on the client's browser that the person has signed in there. It signs nobody in.
func (s *Service) DeviceCookie(client Client, person string) (*http.Cookie, error) {
	d := device{For: "device", Person: person, Nonce: base64.RawURLEncoding.EncodeToString(random(12))}
	if old, ok := s.device(client); ok && old.Person == person {
		d = old
	}
	value, err := s.seal(d)
	if err != nil {
		return nil, err
	}
	return &http.Cookie{
		Name: s.DeviceCookieName(), Value: value, Path: "/", MaxAge: int(deviceLife / time.Second),
		HttpOnly: true, Secure: s.cfg.Secure, SameSite: http.SameSiteLaxMode,
	}, nil
}

// DeviceCookieName is the name of the cookie that remembers a device.
func (s *Service) DeviceCookieName() string {
	if s.cfg.Secure {
		return "__Host-mainstay_device"
	}
	return "mainstay_device"
}

// device is the device that the client claims to be; false without a true claim.
func (s *Service) device(c Client) (device, bool) {
	var d device
	if c.Device == "" || s.unseal(c.Device, &d) != nil || d.For != "device" || d.Person == "" {
		return device{}, false
	}
	return d, true
}

// keys are those under which a failure to sign in with the address is kept: the account's and the client's address, or, on a
// device on which the person has signed in before, that alone.
func (s *Service) keys(ctx context.Context, c Client, email string) ([]string, error) {
	if d, ok := s.device(c); ok {
		p, err := s.cfg.People.ByID(ctx, d.Person)
		if err != nil && !mainstay.Is(err, mainstay.NotFound) {
			return nil, err
		}
		if err == nil && p.Email != "" && people.EmailKey(p.Email) == people.EmailKey(email) {
			return []string{"device:" + digest(d.Nonce)}, nil
		}
	}
	return []string{accountKey(email), addressKey(c.Address)}, nil
}

// unlocked is a TooMany error while one of the keys is locked.
func (s *Service) unlocked(ctx context.Context, keys []string) error {
	attempts, err := s.cfg.Store.Attempts(ctx, keys...)
	if err != nil {
		return err
	}
	now := s.cfg.Time.Now()
	var wait time.Duration
	for _, a := range attempts {
		if a.Locked(now) {
			wait = max(wait, a.Until.Sub(now))
		}
	}
	if wait > 0 {
		return errLocked(wait)
	}
	return nil
}

// failed writes a failure down under each of the keys, with the fact and, when it locks, a fact about that.
func (s *Service) failed(ctx context.Context, keys []string, p people.Person, what fact.Payload) error {
	now := s.cfg.Time.Now()
	ctx = context.WithoutCancel(ctx) // hanging up must not make a failure uncounted
	return s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if err := s.cfg.Store.Alone(ctx); err != nil { // two failures at one moment are two
			return err
		}
		kept, err := s.cfg.Store.Attempts(ctx, keys...)
		if err != nil {
			return err
		}
		set := commit.Set{Facts: []fact.Fact{fact.New(now, "", self, what, p.Ref())}}
		var until time.Time
		for _, key := range keys {
			a := kept[key].fail(now)
			if a.Until.After(until) {
				until = a.Until
			}
			if err := s.cfg.Store.SetAttempt(ctx, key, a); err != nil {
				return err
			}
		}
		if until.After(now) {
			set.Facts = append(set.Facts, fact.New(now, "", self, fact.LockedOut{Until: until}, p.Ref()))
		}
		return s.cfg.Store.Save(ctx, set)
	})
}

// forgive forgets the failures of an account and of the client's device, and halves those of its address.
func (s *Service) forgive(ctx context.Context, c Client, p people.Person) error {
	forget := []string{factorKey(p.ID)}
	if p.Email != "" {
		forget = append(forget, accountKey(p.Email))
	}
	if d, ok := s.device(c); ok {
		forget = append(forget, "device:"+digest(d.Nonce))
	}
	for _, key := range forget {
		if err := s.cfg.Store.ForgetAttempt(ctx, key); err != nil {
			return err
		}
	}
	key := addressKey(c.Address)
	kept, err := s.cfg.Store.Attempts(ctx, key)
	if err != nil {
		return err
	}
	if a, ok := kept[key]; ok {
		return s.cfg.Store.SetAttempt(ctx, key, a.ease())
	}
	return nil
}

// LockedUntil says until when nobody can sign in to the person's account from a device on which they never have; zero when it is
// not locked.
func (s *Service) LockedUntil(ctx context.Context, p people.Person) (time.Time, error) {
	kept, err := s.cfg.Store.Attempts(ctx, accountKey(p.Email), factorKey(p.ID))
	var until time.Time
	for _, a := range kept {
		if a.Locked(s.cfg.Time.Now()) && a.Until.After(until) {
			until = a.Until
		}
	}
	return until, err
}

// Unlock forgets the failed sign-ins of a person's account. An account that is not locked is no error.
func (s *Service) Unlock(ctx context.Context, actor mainstay.Actor, person string) error {
	p, err := s.cfg.People.ByID(ctx, person)
	if err != nil {
		return err
	}
	return s.cfg.Store.In(ctx, func(ctx context.Context) error {
		for _, key := range []string{accountKey(p.Email), factorKey(p.ID), accountKey("change:" + p.ID)} {
			if err := s.cfg.Store.ForgetAttempt(ctx, key); err != nil {
				return err
			}
		}
		return s.cfg.Store.Save(ctx, commit.Set{Facts: []fact.Fact{fact.New(s.cfg.Time.Now(), "", actor, fact.Unlocked{}, p.Ref())}})
	})
}

// clip cuts text to n bytes and keeps it valid.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
}
