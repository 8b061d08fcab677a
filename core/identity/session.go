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
	Method    string    // how it began: "password", "password and code", "passkey", "provider keycloak" …
	Provider  string    // name of the identity provider that vouched for it; "" for none
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
	Device          string // the cookie of DeviceCookie
}

func (in SignInput) client() Client {
	return Client{Address: in.Address, Agent: in.Agent, Device: in.Device}
}

// Signed is a session that has just begun, or, when Step is not "", a sign-in that needs a second factor before one begins.
// Secret goes into the cookie and is kept nowhere.
type Signed struct {
	Session Session
	Secret  string
	Person  people.Person
	Step    string // what the second step is asked with; see Service.Step
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

// SignIn begins a session, or the second step to one. It fails with Unauthenticated when the address or the password is wrong, with
// TooMany while the account or the client's address is locked, and with Denied when the person must sign in by other means; the
// first two take no longer for an account that exists than for one that does not.
func (s *Service) SignIn(ctx context.Context, in SignInput) (Signed, error) {
	if len(in.Password) > 1024 || len(in.Email) > 254 {
		return Signed{}, errCredentials()
	}
	var signed Signed
	keys, err := s.keys(ctx, in.client(), in.Email)
	if err != nil {
		return signed, err
	}
	if err := s.unlocked(ctx, keys); err != nil { // before the queue, so that a locked client waits for nothing
		return signed, err
	}
	err = s.hasher.inTurn(ctx, func() error {
		if err := s.unlocked(ctx, keys); err != nil { // others may have failed while this one waited
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
			err := s.failed(ctx, keys, p, fact.SignInFailed{AddressDigest: in.client().digest(), Reason: "wrong address or password"})
			if err == nil {
				err = errCredentials()
			}
			return err
		}
		if stale {
			if kept, err = s.harden(ctx, p, kept, in.Password); err != nil {
				return err
			}
		}
		signed, err = s.passwordRight(ctx, in, p, kept)
		return err
	})
	return signed, err
}

// passwordRight goes on after the first factor.
func (s *Service) passwordRight(ctx context.Context, in SignInput, p people.Person, kept string) (Signed, error) {
	policy, err := s.Policy(ctx)
	if err != nil {
		return Signed{}, err
	}
	roles, everywhere, err := s.rolesOf(ctx, p.ID)
	if err != nil {
		return Signed{}, err
	}
	if policy.Passwords == PasswordsAdministrators && !everywhere {
		return Signed{}, mainstay.Errorf(mainstay.Denied, "Passwords are for administrators only here. Sign in with your organisation's account or a passkey.")
	}
	f, err := s.Factors(ctx, p.ID)
	if err != nil {
		return Signed{}, err
	}
	enrol := !f.Second() && policy.asks(roles)
	if f.Second() || enrol {
		return s.secondStep(p, Step{Enrol: enrol, Method: "password", Checked: digest(kept)})
	}
	return s.begin(ctx, in.client(), p, Session{Method: "password"}, s.passwordStill(p.ID, digest(kept)))
}

// passwordStill is a check within the transaction that begins a session: the password was not changed since.
func (s *Service) passwordStill(person, checked string) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		kept, err := s.cfg.Store.Password(ctx, person)
		if err != nil || digest(kept) != checked {
			return errors.Join(err, errCredentials())
		}
		return nil
	}
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

// harden hashes a password anew at today's cost, unless it was changed meanwhile, and returns the hash that is kept.
func (s *Service) harden(ctx context.Context, p people.Person, kept, password string) (string, error) {
	fresh := s.hasher.hash(password)
	err := s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if now, err := s.cfg.Store.Password(ctx, p.ID); err != nil || now != kept {
			return errors.Join(err, errCredentials())
		}
		return s.cfg.Store.SetPassword(ctx, p.ID, fresh, s.cfg.Time.Now())
	})
	return fresh, err
}

// begin writes a new session down; like says how it began. proof runs first in the same transaction: what was proven must hold
// still.
func (s *Service) begin(ctx context.Context, c Client, p people.Person, like Session, proof func(ctx context.Context) error) (Signed, error) {
	now := s.cfg.Time.Now()
	secret := base64.RawURLEncoding.EncodeToString(random(32))
	session := Session{
		ID: mainstay.NewID(now), Person: p.ID, CreatedAt: now, SeenAt: now, Method: like.Method, Provider: like.Provider,
		Address: clip(c.Address, 64), Agent: clip(c.Agent, 200),
	}
	err := s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if err := proof(ctx); err != nil {
			return err
		}
		if err := s.forgive(ctx, c, p); err != nil {
			return err
		}
		if err := s.cfg.Store.PruneAttempts(ctx, now.Add(-forgetAfter)); err != nil {
			return err
		}
		if err := s.cfg.Store.PruneSessions(ctx, now.Add(-absolute), now.Add(-idle)); err != nil {
			return err
		}
		if err := s.cfg.Store.AddSession(ctx, session, digest(secret)); err != nil {
			return err
		}
		return s.cfg.Store.Save(ctx, commit.Set{Facts: []fact.Fact{
			fact.New(now, "", mainstay.Person(p.ID), fact.SignedIn{Session: session.ID, Method: session.Method}, p.Ref())}})
	})
	return Signed{Session: session, Secret: secret, Person: p}, err
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
	return s.keepBy(ctx, actor, p, hash, session, "")
}

// keepBy is keep; by says in the fact what the proof was.
func (s *Service) keepBy(ctx context.Context, actor mainstay.Actor, p people.Person, hash, session, by string) error {
	now := s.cfg.Time.Now()
	return s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if err := s.cfg.Store.SetPassword(ctx, p.ID, hash, now); err != nil {
			return err
		}
		if err := s.cfg.Store.ForgetAttempt(ctx, accountKey("change:"+p.ID)); err != nil {
			return err
		}
		if _, err := s.cfg.Store.EndLinks(ctx, now, p.ID); err != nil {
			return err
		}
		if err := s.end(ctx, actor, p.ID, "", session); err != nil {
			return err
		}
		return s.cfg.Store.Save(ctx, commit.Set{Facts: []fact.Fact{fact.New(now, "", actor, fact.PasswordChanged{By: by}, p.Ref())}})
	})
}
