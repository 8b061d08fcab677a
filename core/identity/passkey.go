package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/fact"
)

// Passkey is a key pair that a device of the person keeps; only its public half is here. It signs in without a password, or
// stands beside one as the second factor.
type Passkey struct {
	ID           string
	Person       string
	CredentialID string // base64url; unique
	Credential   string // what the library needs to check a signature, as JSON
	Name         string
	AddedAt      time.Time
	UsedAt       time.Time // zero before the first use
	SuspectAt    time.Time // when its counter went back: it is refused since; zero while all is well
	Synced       bool      // kept in an account of the person's, not on one device only
}

// Passkeys keeps passkeys.
type Passkeys interface {
	AddPasskey(ctx context.Context, p Passkey) error // Conflict when the credential is known
	// PasskeysOf lists a person's, oldest first.
	PasskeysOf(ctx context.Context, person string) ([]Passkey, error)
	// SavePasskey writes the name, the credential and the times.
	SavePasskey(ctx context.Context, p Passkey) error
	EndPasskey(ctx context.Context, person, id string) (bool, error)
	EndPasskeys(ctx context.Context, person string) error
}

// Site is the address at which browsers see the server: passkeys are bound to it.
type Site struct {
	Origin string // "https://support.example.org"
	ID     string // "support.example.org"
}

// SiteOf is the site of the server's own URL, or without one of the host that was asked for. why says what must be done before
// passkeys can be used; then the site is zero.
func SiteOf(external *url.URL, host string, tls bool) (site Site, why string) {
	u := external
	if u == nil {
		u = &url.URL{Scheme: "http", Host: host}
		if tls {
			u.Scheme = "https"
		}
	}
	name := strings.ToLower(u.Hostname())
	local := name == "localhost" || strings.HasSuffix(name, ".localhost")
	switch {
	case net.ParseIP(name) != nil:
		return Site{}, "Passkeys need a name instead of an IP address: set --external-url to the https address that people use."
	case u.Scheme != "https" && !local:
		return Site{}, "Passkeys need https: set --external-url to the https address that people use."
	}
	return Site{Origin: u.Scheme + "://" + u.Host, ID: name}, ""
}

func (x Site) library() (*webauthn.WebAuthn, error) {
	if x.ID == "" {
		return nil, mainstay.Errorf(mainstay.Invalid, "Passkeys cannot be used at this address: they need https and a name.")
	}
	return webauthn.New(&webauthn.Config{RPID: x.ID, RPDisplayName: "Mainstay", RPOrigins: []string{x.Origin}})
}

// keyring is a person as the library wants one.
type keyring struct {
	person people.Person
	keys   []webauthn.Credential
}

func (k keyring) WebAuthnID() []byte                         { return []byte(k.person.ID) }
func (k keyring) WebAuthnDisplayName() string                { return k.person.FullName }
func (k keyring) WebAuthnCredentials() []webauthn.Credential { return k.keys }
func (k keyring) WebAuthnName() string {
	if k.person.Email != "" {
		return k.person.Email
	}
	return k.person.Name
}

// keyring loads a person's passkeys; those that are suspect are left out.
func (s *Service) keyring(ctx context.Context, p people.Person) (keyring, []Passkey, error) {
	list, err := s.cfg.Store.PasskeysOf(ctx, p.ID)
	k := keyring{person: p}
	for _, x := range list {
		var c webauthn.Credential
		if err := json.Unmarshal([]byte(x.Credential), &c); err != nil {
			return k, nil, fmt.Errorf("reading the passkey %s: %w", x.ID, err)
		}
		k.keys = append(k.keys, c)
	}
	return k, list, err
}

// Ceremony is a question that a browser answers with a passkey. State goes back with the answer.
type Ceremony struct {
	State   string `json:"state"`
	Options any    `json:"options"` // for navigator.credentials
}

type ceremony struct {
	For     string               `json:"for"` // "register" or "assert"
	Person  string               `json:"person,omitempty"`
	Site    Site                 `json:"site"`
	Session webauthn.SessionData `json:"session"`
	Until   time.Time            `json:"until"`
}

const ceremonyLife = 5 * time.Minute

func errPasskey() error {
	return mainstay.Errorf(mainstay.Unauthenticated, "The passkey was not accepted. Try again, or sign in by other means.")
}

func (s *Service) ceremony(c ceremony, options any) (Ceremony, error) {
	c.Until = s.cfg.Time.Now().Add(ceremonyLife)
	c.Session.Expires = time.Time{} // ours counts, by our clock
	state, err := s.seal(c)
	return Ceremony{State: state, Options: options}, err
}

// opened is the ceremony of a state that counts for the purpose and has not run out.
func (s *Service) opened(state, purpose string) (ceremony, error) {
	var c ceremony
	if s.unseal(state, &c) != nil || c.For != purpose || !s.cfg.Time.Now().Before(c.Until) {
		return c, mainstay.Errorf(mainstay.Unauthenticated, "This took too long. Try again.")
	}
	return c, nil
}

// spend makes a challenge count once; within a transaction.
func (s *Service) spend(ctx context.Context, c ceremony) error {
	ok, err := s.cfg.Store.Spend(ctx, "passkey:"+digest(c.Session.Challenge), s.cfg.Time.Now(), c.Until)
	if err == nil && !ok {
		err = errPasskey()
	}
	return err
}

// Registration asks the person's browser for a new passkey.
func (s *Service) Registration(ctx context.Context, site Site, person string) (Ceremony, error) {
	lib, err := site.library()
	if err != nil {
		return Ceremony{}, err
	}
	p, err := s.cfg.People.ByID(ctx, person)
	if err != nil {
		return Ceremony{}, err
	}
	k, _, err := s.keyring(ctx, p)
	if err != nil {
		return Ceremony{}, err
	}
	options, session, err := lib.BeginRegistration(k,
		webauthn.WithExclusions(webauthn.Credentials(k.keys).CredentialDescriptors()),
		webauthn.WithConveyancePreference(protocol.PreferNoAttestation),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred,
		}))
	if err != nil {
		return Ceremony{}, fmt.Errorf("asking for a passkey: %w", err)
	}
	return s.ceremony(ceremony{For: "register", Person: person, Site: site, Session: *session}, options)
}

// mostPasskeys bounds how many one person has.
const mostPasskeys = 50

// Register keeps the passkey that a browser made. The codes that it returns are recovery codes, made with the first second factor
// and told only now.
func (s *Service) Register(ctx context.Context, actor mainstay.Actor, person, state, answer, name string) (key Passkey, recovery []string, err error) {
	c, err := s.opened(state, "register")
	if err != nil || c.Person != person {
		return key, nil, errors.Join(err, errNotYours(c.Person != person))
	}
	p, err := s.cfg.People.ByID(ctx, person)
	if err != nil {
		return key, nil, err
	}
	if key, err = s.registered(ctx, c, p, answer); err != nil {
		return key, nil, err
	}
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if err := s.spend(ctx, c); err != nil {
			return err
		}
		has, err := s.Factors(ctx, person)
		if err != nil {
			return err
		}
		if has.Passkeys >= mostPasskeys {
			return mainstay.Errorf(mainstay.Conflict, "There are %d passkeys already. Remove one first.", has.Passkeys)
		}
		if key.Name, err = passkeyName(name, has.Passkeys); err != nil {
			return err
		}
		if err := s.cfg.Store.AddPasskey(ctx, key); err != nil {
			return err
		}
		recovery, err = s.added(ctx, actor, p, has, fact.FactorAdded{Factor: "passkey", Name: key.Name}, "The passkey "+key.Name)
		return err
	})
	return key, recovery, err
}

// registered checks a browser's answer to Registration.
func (s *Service) registered(ctx context.Context, c ceremony, p people.Person, answer string) (Passkey, error) {
	lib, err := c.Site.library()
	if err != nil {
		return Passkey{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return Passkey{}, mainstay.Errorf(mainstay.Invalid, "The browser's answer cannot be read. Try again.")
	}
	k, _, err := s.keyring(ctx, p)
	if err != nil {
		return Passkey{}, err
	}
	credential, err := lib.CreateCredential(k, c.Session, parsed)
	if err != nil {
		s.cfg.Log.InfoContext(ctx, "passkey not registered", "person", p.ID, "err", err)
		return Passkey{}, mainstay.Errorf(mainstay.Invalid, "The passkey could not be checked. Try again, or use another one.")
	}
	b, err := json.Marshal(credential)
	now := s.cfg.Time.Now()
	return Passkey{
		ID: mainstay.NewID(now), Person: p.ID, CredentialID: base64.RawURLEncoding.EncodeToString(credential.ID), Credential: string(b),
		AddedAt: now, Synced: credential.Flags.BackupEligible,
	}, err
}

func errNotYours(is bool) error {
	if !is {
		return nil
	}
	return mainstay.Errorf(mainstay.Denied, "This passkey was asked for somebody else.")
}

func passkeyName(name string, has int) (string, error) {
	if name = strings.TrimSpace(name); name == "" {
		return fmt.Sprintf("Passkey %d", has+1), nil
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) || utf8.RuneCountInString(name) > 60 {
		return "", mainstay.Faults{"name": "Use at most 60 characters."}.Err()
	}
	return name, nil
}

// Assertion asks a browser to sign in with any passkey that it has for this server; with a step, with one of that person's, as the
// second factor.
func (s *Service) Assertion(ctx context.Context, site Site, sealedStep string) (Ceremony, error) {
	lib, err := site.library()
	if err != nil {
		return Ceremony{}, err
	}
	if sealedStep == "" {
		options, session, err := lib.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
		if err != nil {
			return Ceremony{}, fmt.Errorf("asking for a passkey: %w", err)
		}
		return s.ceremony(ceremony{For: "assert", Site: site, Session: *session}, options)
	}
	_, p, err := s.Step(ctx, sealedStep)
	if err != nil {
		return Ceremony{}, err
	}
	k, _, err := s.keyring(ctx, p)
	if err != nil {
		return Ceremony{}, err
	}
	if len(k.keys) == 0 {
		return Ceremony{}, mainstay.Errorf(mainstay.Conflict, "There is no passkey for this account.")
	}
	options, session, err := lib.BeginLogin(k, webauthn.WithUserVerification(protocol.VerificationPreferred))
	if err != nil {
		return Ceremony{}, fmt.Errorf("asking for a passkey: %w", err)
	}
	return s.ceremony(ceremony{For: "assert", Person: p.ID, Site: site, Session: *session}, options)
}

// SignInPasskey begins a session with a passkey: alone, or with the step whose second factor it is. What somebody else tries does
// not lock it.
func (s *Service) SignInPasskey(ctx context.Context, client Client, state, answer, sealedStep string) (Signed, error) {
	c, err := s.opened(state, "assert")
	if err != nil {
		return Signed{}, err
	}
	if err := s.unlocked(ctx, []string{addressKey(client.Address)}); err != nil {
		if _, known := s.device(client); !known {
			return Signed{}, err
		}
	}
	like, proof := Session{Method: "passkey"}, func(context.Context) error { return nil }
	if sealedStep != "" {
		step, p, err := s.Step(ctx, sealedStep)
		if err != nil {
			return Signed{}, err
		}
		if p.ID != c.Person || step.Enrol {
			return Signed{}, errPasskey()
		}
		like, proof = Session{Method: step.Method + " and passkey", Provider: step.provider()}, s.still(step)
	} else if c.Person != "" {
		return Signed{}, errPasskey()
	}
	p, key, err := s.asserted(ctx, c, answer)
	if err != nil {
		return Signed{}, s.passkeyRefused(ctx, client, p, key, err)
	}
	return s.begin(ctx, client, p, like, func(ctx context.Context) error {
		if err := proof(ctx); err != nil {
			return err
		}
		if err := s.spend(ctx, c); err != nil {
			return err
		}
		return s.cfg.Store.SavePasskey(ctx, key)
	})
}

// errClone is what a passkey whose counter went back is refused with.
var errClone = errors.New("the counter of the passkey went back")

// asserted checks a browser's answer to Assertion and returns whose passkey it is, as it is to be kept from now on.
func (s *Service) asserted(ctx context.Context, c ceremony, answer string) (people.Person, Passkey, error) {
	lib, err := c.Site.library()
	if err != nil {
		return people.Person{}, Passkey{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return people.Person{}, Passkey{}, fmt.Errorf("reading the answer: %w", err)
	}
	person := c.Person
	if person == "" {
		person = string(parsed.Response.UserHandle)
	}
	p, err := s.cfg.People.ByID(ctx, person)
	if err != nil {
		return people.Person{}, Passkey{}, err
	}
	k, list, err := s.keyring(ctx, p)
	if err != nil {
		return p, Passkey{}, err
	}
	var credential *webauthn.Credential
	if c.Person == "" {
		credential, err = lib.ValidateDiscoverableLogin(func(_, _ []byte) (webauthn.User, error) { return k, nil }, c.Session, parsed)
	} else {
		credential, err = lib.ValidateLogin(k, c.Session, parsed)
	}
	if err != nil {
		return p, Passkey{}, err
	}
	return s.used(p, list, credential)
}

// used is the passkey after it has signed, and errClone when its counter says that there are two of it.
func (s *Service) used(p people.Person, list []Passkey, credential *webauthn.Credential) (people.Person, Passkey, error) {
	id, now := base64.RawURLEncoding.EncodeToString(credential.ID), s.cfg.Time.Now()
	for _, x := range list {
		if x.CredentialID != id {
			continue
		}
		if credential.Authenticator.CloneWarning || !x.SuspectAt.IsZero() {
			return p, x, errClone
		}
		b, err := json.Marshal(credential)
		x.Credential, x.UsedAt = string(b), now
		if err == nil && !p.Active() {
			err = errors.New("the person is deactivated")
		}
		return p, x, err
	}
	return p, Passkey{}, errors.New("the passkey was removed")
}

// passkeyRefused writes down why a passkey did not sign in, and returns what people are told.
func (s *Service) passkeyRefused(ctx context.Context, client Client, p people.Person, key Passkey, cause error) error {
	var own *protocol.Error
	switch {
	case errors.Is(cause, errClone):
		return s.suspect(ctx, p, key)
	case errors.As(cause, &own):
		s.cfg.Log.InfoContext(ctx, "passkey refused", "person", p.ID, "err", own.Details, "info", own.DevInfo)
	default:
		s.cfg.Log.InfoContext(ctx, "passkey refused", "person", p.ID, "err", cause)
	}
	err := s.failed(ctx, []string{addressKey(client.Address)}, p, fact.FactorRefused{
		Factor: "passkey", AddressDigest: client.digest(), Reason: "the passkey is not known here, or its signature is wrong",
	})
	if err != nil {
		return err
	}
	return errPasskey()
}

// suspect shuts a passkey of which there may be a copy out, and tells the person.
func (s *Service) suspect(ctx context.Context, p people.Person, key Passkey) error {
	now := s.cfg.Time.Now()
	fresh := key.SuspectAt.IsZero()
	if fresh {
		key.SuspectAt = now
	}
	err := s.cfg.Store.In(context.WithoutCancel(ctx), func(ctx context.Context) error {
		if err := s.cfg.Store.SavePasskey(ctx, key); err != nil {
			return err
		}
		set := commit.Set{Facts: []fact.Fact{fact.New(now, "", self, fact.PasskeySuspect{Name: key.Name}, p.Ref())}}
		if fresh {
			set.Notices = s.tell(now, p, "A passkey of yours may have been copied", "The passkey "+key.Name+" was used with a counter that went back, "+
				"as happens when there are two copies of it. It is refused from now on. Remove it, and look at where you are signed in.")
		}
		return s.cfg.Store.Save(ctx, set)
	})
	if err != nil {
		return err
	}
	return mainstay.Errorf(mainstay.Unauthenticated, "This passkey is refused: its counter went back, as if there were a copy of it. Sign in by other means and remove it.")
}

// PasskeysOf lists a person's passkeys, oldest first.
func (s *Service) PasskeysOf(ctx context.Context, person string) ([]Passkey, error) {
	return s.cfg.Store.PasskeysOf(ctx, person)
}

func (s *Service) passkey(ctx context.Context, person, id string) (Passkey, error) {
	list, err := s.cfg.Store.PasskeysOf(ctx, person)
	if err != nil {
		return Passkey{}, err
	}
	for _, x := range list {
		if x.ID == id {
			return x, nil
		}
	}
	return Passkey{}, mainstay.Errorf(mainstay.NotFound, "There is no such passkey.")
}

// RenamePasskey gives one of the person's passkeys another name.
func (s *Service) RenamePasskey(ctx context.Context, person, id, name string) error {
	if strings.TrimSpace(name) == "" {
		return mainstay.Faults{"name": "Give a name, such as Laptop."}.Err()
	}
	name, err := passkeyName(name, 0)
	if err != nil {
		return err
	}
	return s.cfg.Store.In(ctx, func(ctx context.Context) error {
		x, err := s.passkey(ctx, person, id)
		if err != nil || x.Name == name {
			return err
		}
		x.Name = name
		if err := s.cfg.Store.SavePasskey(ctx, x); err != nil {
			return err
		}
		return s.cfg.Store.Save(ctx, commit.Set{Facts: []fact.Fact{fact.New(s.cfg.Time.Now(), "", mainstay.Person(person),
			fact.PasskeyRenamed{Name: name}, mainstay.Ref{Kind: mainstay.KindPerson, ID: person})}})
	})
}

// RemovePasskey removes one of the person's passkeys after a proof.
func (s *Service) RemovePasskey(ctx context.Context, proof Proof, id string) (Passkey, error) {
	x, err := s.passkey(ctx, proof.Person, id)
	if err != nil {
		return x, err
	}
	if err := s.prove(ctx, proof); err != nil {
		return x, err
	}
	p, err := s.cfg.People.ByID(ctx, proof.Person)
	if err != nil {
		return x, err
	}
	return x, s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if had, err := s.cfg.Store.EndPasskey(ctx, p.ID, id); err != nil || !had {
			return err
		}
		has, err := s.Factors(ctx, p.ID)
		if err != nil {
			return err
		}
		if !has.Password && has.Passkeys == 0 && has.Accounts == 0 {
			return mainstay.Errorf(mainstay.Conflict, "You could not sign in any more: there is no password and no other passkey. Set a password first.")
		}
		return s.removed(ctx, p, fact.FactorRemoved{Factor: "passkey", Name: x.Name}, "The passkey "+x.Name)
	})
}
