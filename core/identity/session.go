package identity

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/fact"
)

// Session is a person signed in on one device.
type Session struct {
	ID        string
	Person    string
	CreatedAt time.Time
	SeenAt    time.Time // kept to the minute
	Address   string    // from which it began
	Agent     string    // the browser, as it calls itself
}

const (
	idle      = 14 * 24 * time.Hour
	absolute  = 90 * 24 * time.Hour
	seenEvery = time.Minute
)

// Alive reports whether the session still counts.
func (s Session) Alive(now time.Time) bool {
	return now.Sub(s.SeenAt) < idle && now.Sub(s.CreatedAt) < absolute
}

// SignInput is what somebody who signs in brings.
type SignInput struct {
	Email, Password string
	Address         string // IP address of the client
	Agent           string // header User-Agent
}

// Signed is a session that has just begun. Secret goes into the cookie and is kept nowhere.
type Signed struct {
	Session Session
	Secret  string
	Person  people.Person
}

func errCredentials() error {
	return mainstay.Errorf(mainstay.Unauthenticated, "The address or the password is wrong.")
}

func errLocked(after time.Duration) error {
	return tooMany(after, "Too many failed sign-ins. Wait %s, then try again.", words(after))
}

// words says how long a wait is, rounded up.
func words(d time.Duration) string {
	if d <= time.Minute {
		return "a minute"
	}
	return strings.TrimSuffix((d + time.Minute - 1).Truncate(time.Minute).String(), "0s")
}

// SignIn begins a session. It fails with Unauthenticated when the address or the password is wrong, and with TooMany while the
// account or the client's address is locked; both take no longer for an account that exists than for one that does not.
func (s *Service) SignIn(ctx context.Context, in SignInput) (Signed, error) {
	if len(in.Password) > 1024 || len(in.Email) > 254 {
		return Signed{}, errCredentials()
	}
	var signed Signed
	if err := s.unlocked(ctx, in); err != nil { // before the queue, so that a locked client waits for nothing
		return signed, err
	}
	err := s.hasher.inTurn(ctx, func() error {
		if err := s.unlocked(ctx, in); err != nil { // others may have failed while this one waited
			return err
		}
		p, kept, err := s.account(ctx, in.Email)
		if err != nil {
			return err
		}
		ok, stale, err := s.hasher.verify(in.Password, kept)
		if err != nil {
			return err
		}
		if !ok {
			return s.failed(ctx, in, p)
		}
		fresh := ""
		if stale {
			fresh = s.hasher.hash(in.Password)
		}
		signed, err = s.begin(ctx, in, p, kept, fresh)
		return err
	})
	return signed, err
}

// unlocked is a TooMany error while the account or the address is locked.
func (s *Service) unlocked(ctx context.Context, in SignInput) error {
	attempts, err := s.cfg.Store.Attempts(ctx, accountKey(in.Email), addressKey(in.Address))
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

// account finds the person and the kept hash; a zero person and "" when nobody may sign in with the address.
func (s *Service) account(ctx context.Context, email string) (people.Person, string, error) {
	p, err := s.cfg.People.ByEmail(ctx, strings.TrimSpace(email))
	if err == nil && p.Active() {
		kept, err := s.cfg.Store.Password(ctx, p.ID)
		if err == nil || !mainstay.Is(err, mainstay.NotFound) {
			return p, kept, err
		}
		return people.Person{}, "", nil
	}
	if err != nil && !mainstay.Is(err, mainstay.NotFound) {
		return people.Person{}, "", err
	}
	return people.Person{}, "", nil
}

// failed writes a failure down and returns the error for it.
func (s *Service) failed(ctx context.Context, in SignInput, p people.Person) error {
	now := s.cfg.Time.Now()
	ctx = context.WithoutCancel(ctx) // hanging up must not make a failure uncounted
	err := s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if err := s.cfg.Store.Alone(ctx); err != nil { // two failures at one moment are two
			return err
		}
		account, address := accountKey(in.Email), addressKey(in.Address)
		kept, err := s.cfg.Store.Attempts(ctx, account, address)
		if err != nil {
			return err
		}
		set := commit.Set{Facts: []fact.Fact{fact.New(now, "", self,
			fact.SignInFailed{AddressDigest: addressKey(in.Address)[len("address:"):], Reason: "wrong address or password"}, p.Ref())}}
		var until time.Time
		for _, key := range []string{account, address} {
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
	if err != nil {
		return err
	}
	return errCredentials()
}

// begin writes a new session down, unless the password was changed while this one was checked.
func (s *Service) begin(ctx context.Context, in SignInput, p people.Person, checked, fresh string) (Signed, error) {
	now := s.cfg.Time.Now()
	secret := base64.RawURLEncoding.EncodeToString(random(32))
	session := Session{
		ID: mainstay.NewID(now), Person: p.ID, CreatedAt: now, SeenAt: now,
		Address: clip(in.Address, 64), Agent: clip(in.Agent, 200),
	}
	err := s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if now, err := s.cfg.Store.Password(ctx, p.ID); err != nil || now != checked {
			return errors.Join(err, errCredentials())
		}
		if fresh != "" {
			if err := s.cfg.Store.SetPassword(ctx, p.ID, fresh, now); err != nil {
				return err
			}
		}
		if err := s.forgive(ctx, in, now); err != nil {
			return err
		}
		if err := s.cfg.Store.AddSession(ctx, session, digest(secret)); err != nil {
			return err
		}
		return s.cfg.Store.Save(ctx, commit.Set{Facts: []fact.Fact{
			fact.New(now, "", mainstay.Person(p.ID), fact.SignedIn{Session: session.ID}, p.Ref())}})
	})
	return Signed{Session: session, Secret: secret, Person: p}, err
}

// forgive forgets the account's failures, halves the address's, and clears away what has run out.
func (s *Service) forgive(ctx context.Context, in SignInput, now time.Time) error {
	if err := s.cfg.Store.ForgetAttempt(ctx, accountKey(in.Email)); err != nil {
		return err
	}
	key := addressKey(in.Address)
	kept, err := s.cfg.Store.Attempts(ctx, key)
	if err != nil {
		return err
	}
	if a, ok := kept[key]; ok {
		if err := s.cfg.Store.SetAttempt(ctx, key, a.ease()); err != nil {
			return err
		}
	}
	if err := s.cfg.Store.PruneAttempts(ctx, now.Add(-forgetAfter)); err != nil {
		return err
	}
	return s.cfg.Store.PruneSessions(ctx, now.Add(-absolute), now.Add(-idle))
}

// clip cuts text to n bytes and keeps it valid.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
}

// Sessions lists a person's living sessions, the last seen first.
func (s *Service) Sessions(ctx context.Context, person string) ([]Session, error) {
	list, err := s.cfg.Store.SessionsOf(ctx, person)
	alive := []Session{}
	for _, x := range list {
		if x.Alive(s.cfg.Time.Now()) {
			alive = append(alive, x)
		}
	}
	return alive, err
}

// SignOut ends one session of the person. A session that has ended already is no error.
func (s *Service) SignOut(ctx context.Context, actor mainstay.Actor, person, session string) error {
	if session == "" {
		return mainstay.Errorf(mainstay.Invalid, "Say which session shall end.")
	}
	return s.end(ctx, actor, person, session, "")
}

// SignOutEverywhere ends all sessions of the person except the given one ("" for none).
func (s *Service) SignOutEverywhere(ctx context.Context, actor mainstay.Actor, person, except string) error {
	return s.end(ctx, actor, person, "", except)
}

func (s *Service) end(ctx context.Context, actor mainstay.Actor, person, session, except string) error {
	return s.cfg.Store.In(ctx, func(ctx context.Context) error {
		n, err := s.cfg.Store.EndSessions(ctx, person, session, except)
		if err != nil || n == 0 {
			return err
		}
		return s.cfg.Store.Save(ctx, commit.Set{Facts: []fact.Fact{fact.New(s.cfg.Time.Now(), "", actor,
			fact.SignedOut{Everywhere: session == "", Sessions: n}, mainstay.Ref{Kind: mainstay.KindPerson, ID: person})}})
	})
}

// ChangePassword sets a new password after checking the present one, and ends every other session of the person.
func (s *Service) ChangePassword(ctx context.Context, person, session, present, password string) error {
	p, err := s.cfg.People.ByID(ctx, person)
	if err != nil {
		return err
	}
	if err := CheckPassword(password, p.Email, p.FullName, p.Name); err != nil {
		return err
	}
	key := accountKey("change:" + person)
	return s.hasher.inTurn(ctx, func() error {
		kept, err := s.cfg.Store.Attempts(ctx, key)
		if err != nil {
			return err
		}
		now := s.cfg.Time.Now()
		if a := kept[key]; a.Locked(now) {
			return errLocked(a.Until.Sub(now))
		}
		hash, err := s.cfg.Store.Password(ctx, person)
		if err != nil && !mainstay.Is(err, mainstay.NotFound) {
			return err
		}
		ok, _, err := s.hasher.verify(present, hash)
		if err != nil {
			return err
		}
		if !ok {
			ctx := context.WithoutCancel(ctx)
			if err := s.cfg.Store.In(ctx, func(ctx context.Context) error {
				return s.cfg.Store.SetAttempt(ctx, key, kept[key].fail(now))
			}); err != nil {
				return err
			}
			return mainstay.Faults{"present": "This is not your present password."}.Err()
		}
		return s.keep(ctx, mainstay.Person(person), p, s.hasher.hash(password), session)
	})
}

// SetPassword gives a person a password without asking for the present one. It is for the operator and the demo: no page does
// it for somebody else. All sessions of the person end.
func (s *Service) SetPassword(ctx context.Context, actor mainstay.Actor, person, password string) error {
	p, err := s.cfg.People.ByID(ctx, person)
	if err != nil {
		return err
	}
	if err := CheckPassword(password, p.Email, p.FullName, p.Name); err != nil {
		return err
	}
	return s.hasher.inTurn(ctx, func() error { return s.keep(ctx, actor, p, s.hasher.hash(password), "") })
}

// keep writes a new hash down and ends the sessions but one.
func (s *Service) keep(ctx context.Context, actor mainstay.Actor, p people.Person, hash, session string) error {
	now := s.cfg.Time.Now()
	return s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if err := s.cfg.Store.SetPassword(ctx, p.ID, hash, now); err != nil {
			return err
		}
		if err := s.cfg.Store.ForgetAttempt(ctx, accountKey("change:"+p.ID)); err != nil {
			return err
		}
		if err := s.cfg.Store.EndLinks(ctx, p.ID); err != nil {
			return err
		}
		if err := s.end(ctx, actor, p.ID, "", session); err != nil {
			return err
		}
		return s.cfg.Store.Save(ctx, commit.Set{Facts: []fact.Fact{fact.New(now, "", actor, fact.PasswordChanged{}, p.Ref())}})
	})
}
