package identity

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/fact"
)

// Purpose says why a link was made.
type Purpose string

// The purposes.
const (
	ForSetup  Purpose = "setup"  // the first administrator of the installation
	ForHand   Purpose = "hand"   // to pass on to a person
	ForInvite Purpose = "invite" // mailed to a person who has not signed in yet
	ForReset  Purpose = "reset"  // mailed to a person who has forgotten their password
)

// Link lets whoever has it set a password, or a passkey, once: for one person, or, for Person "", for the first administrator.
type Link struct {
	Person    string
	Purpose   Purpose
	CreatedAt time.Time
	ExpiresAt time.Time
}

// How long links last.
const (
	linkLife   = 24 * time.Hour
	inviteLife = 7 * 24 * time.Hour
	resetLife  = time.Hour
)

func errLinkGone() error {
	return mainstay.Errorf(mainstay.Gone, "This link was used, has run out, or was replaced by a newer one. Ask for a new one.")
}

func errAdministratorExists() error {
	return mainstay.Errorf(mainstay.Conflict, "An administrator exists already. Nothing was changed.")
}

// Standing says how somebody stands with signing in.
type Standing struct {
	Able    bool      // has a password, a passkey or an account at a provider
	Invited time.Time // until when an invitation or a link counts; zero without one
	Second  bool      // has a second factor
}

// Standings tell how each of the persons stands, by id.
func (s *Service) Standings(ctx context.Context, persons []string) (map[string]Standing, error) {
	m, err := s.cfg.Store.Standings(ctx, persons)
	now := s.cfg.Time.Now()
	for id, x := range m {
		if !now.Before(x.Invited) {
			x.Invited = time.Time{}
			m[id] = x
		}
	}
	return m, err
}

// HasAdministrator reports whether somebody can sign in who is administrator of all projects.
func (s *Service) HasAdministrator(ctx context.Context) (bool, error) {
	admins, err := s.cfg.Access.Administrators(ctx)
	if err != nil || len(admins) == 0 {
		return false, err
	}
	able, err := s.cfg.Store.Standings(ctx, admins)
	for _, x := range able {
		if x.Able {
			return true, nil
		}
	}
	return false, err
}

// SetupLink makes the secret of /setup/{secret}, by which the first administrator is made. Earlier ones end. It is a Conflict
// when an administrator exists.
func (s *Service) SetupLink(ctx context.Context) (secret string, err error) {
	if has, err := s.HasAdministrator(ctx); err != nil || has {
		if err == nil {
			err = errAdministratorExists()
		}
		return "", err
	}
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		secret, err = s.link(ctx, "", ForSetup, linkLife)
		return err
	})
	return secret, err
}

// invitee is a person to whom a link may be given.
func (s *Service) invitee(ctx context.Context, person string) (people.Person, error) {
	p, err := s.cfg.People.ByID(ctx, person)
	switch {
	case err != nil:
	case !p.Active():
		err = mainstay.Errorf(mainstay.Conflict, "%s is deactivated. Activate them first.", p.FullName)
	case p.Email == "":
		err = mainstay.Errorf(mainstay.Conflict, "%s has no e-mail address to sign in with. Give one first.", p.FullName)
	}
	return p, err
}

// PasswordLink makes the secret of /setup/{secret}, by which the person sets a password or a passkey. Earlier ones end. Whoever
// may manage people hands it over; a password that exists goes on until the link is used.
func (s *Service) PasswordLink(ctx context.Context, actor mainstay.Actor, person string) (secret string, err error) {
	p, err := s.invitee(ctx, person)
	if err != nil {
		return "", err
	}
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if secret, err = s.link(ctx, person, ForHand, linkLife); err != nil {
			return err
		}
		now := s.cfg.Time.Now()
		return s.cfg.Store.Save(ctx, commit.Set{Facts: []fact.Fact{
			fact.New(now, "", actor, fact.Invited{By: "hand", Until: now.Add(linkLife)}, p.Ref())}})
	})
	return secret, err
}

// MailOff says why no mail can be sent, "" when it can.
func (s *Service) MailOff() string { return s.cfg.MailOff() }

// Invite mails the person a link by which they set a password or a passkey. Earlier ones end. It is a Conflict when no mail can be sent: then PasswordLink makes a link to pass on.
func (s *Service) Invite(ctx context.Context, actor mainstay.Actor, person string) error {
	if why := s.MailOff(); why != "" {
		return mainstay.Errorf(mainstay.Conflict, "No mail can be sent: %s. Make a link and hand it over.", why)
	}
	p, err := s.invitee(ctx, person)
	if err != nil {
		return err
	}
	by := ""
	if actor.Kind == mainstay.ActorPerson {
		if a, err := s.cfg.People.ByID(ctx, actor.ID); err == nil {
			by = a.FullName
		}
	}
	now := s.cfg.Time.Now()
	return s.cfg.Store.In(ctx, func(ctx context.Context) error {
		secret, err := s.link(ctx, p.ID, ForInvite, inviteLife)
		if err != nil {
			return err
		}
		n, err := s.linkNotice(now, p, notify.TemplateInvite, secret, by, now.Add(inviteLife))
		if err != nil {
			return err
		}
		return s.cfg.Store.Save(ctx, commit.Set{
			Facts:   []fact.Fact{fact.New(now, "", actor, fact.Invited{By: "mail", Until: now.Add(inviteLife)}, p.Ref())},
			Notices: []commit.Notice{n},
		})
	})
}

// linkNotice is a mail with a link, which notify puts behind the server's own address, never the one that a request names. It is
// sealed: nobody who reads the database can use it. It goes to the address alone, not to the person, whose other channels may be
// read by others and must not take over when mail fails.
func (s *Service) linkNotice(now time.Time, p people.Person, template, secret, by string, until time.Time) (commit.Notice, error) {
	sealed, err := s.cfg.Vault.Seal("/setup/" + secret)
	if err != nil {
		return commit.Notice{}, err
	}
	return notify.Notice(commit.Notice{
		Key: template + "/" + mainstay.NewID(now), Subject: p.Ref(), Channel: "email", Address: p.Email, At: now,
	}, template, notify.LinkData{Name: p.FullName, By: by, Sealed: sealed, Expires: until}), nil
}

// tell mails a person that something about how they sign in has changed; nothing to somebody without an address.
func (s *Service) tell(now time.Time, p people.Person, title, text string) []commit.Notice {
	if p.Email == "" {
		return nil
	}
	return []commit.Notice{notify.Notice(commit.Notice{
		Key: "identity/" + mainstay.NewID(now), Subject: p.Ref(), Person: p.ID, Channel: "email", Address: p.Email, At: now,
	}, notify.TemplateGeneral, notify.GeneralData{Title: title, Text: text, Link: "Sign-in and security", URL: "/me/security"})}
}

// Revoke ends the links by which a person could set a password, and reports whether there were any.
func (s *Service) Revoke(ctx context.Context, actor mainstay.Actor, person string) (revoked bool, err error) {
	now := s.cfg.Time.Now()
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		n, err := s.cfg.Store.EndLinks(ctx, now, person, ForInvite, ForHand, ForReset)
		if err != nil || n == 0 {
			return err
		}
		revoked = true
		return s.cfg.Store.Save(ctx, commit.Set{Facts: []fact.Fact{
			fact.New(now, "", actor, fact.InvitationRevoked{}, mainstay.Ref{Kind: mainstay.KindPerson, ID: person})}})
	})
	return revoked && err == nil, err
}

// How many resets may be asked for within an hour.
const (
	resetsPerAccount = 3
	resetsPerAddress = 20
)

// AskReset mails a link to choose a new password to the person who signs in with the address. The answer is the same whether there
// is one or not; only a client that asks too often is told, with TooMany.
func (s *Service) AskReset(ctx context.Context, c Client, email string) error {
	if why := s.MailOff(); why != "" {
		return mainstay.Errorf(mainstay.Conflict, "This server sends no mail. Ask whoever manages people here for a link to set a new password.")
	}
	email = strings.TrimSpace(email)
	if len(email) > 254 || !people.ValidEmail(email) {
		return mainstay.Faults{"email": "This is not an e-mail address such as ana@example.com."}.Err()
	}
	now := s.cfg.Time.Now()
	var refused error
	err := s.cfg.Store.In(ctx, func(ctx context.Context) error {
		address, account := "reset-"+addressKey(c.Address), "reset-"+accountKey(email)
		kept, err := s.cfg.Store.Attempts(ctx, address, account)
		if err != nil {
			return err
		}
		byAddress, wait := kept[address].take(now, resetsPerAddress)
		if wait > 0 {
			refused = tooMany(wait, "Too many resets were asked for from here. Wait %s, then try again.", words(wait))
			return nil
		}
		byAccount, silent := kept[account].take(now, resetsPerAccount)
		if err := errors.Join(s.cfg.Store.SetAttempt(ctx, address, byAddress), s.cfg.Store.SetAttempt(ctx, account, byAccount)); err != nil {
			return err
		}
		if silent > 0 {
			return nil
		}
		return s.reset(ctx, c, email)
	})
	return errors.Join(err, refused)
}

// reset makes the link and its mail, within a transaction, or the same work for nobody.
func (s *Service) reset(ctx context.Context, c Client, email string) error {
	now := s.cfg.Time.Now()
	p, err := s.cfg.People.ByEmail(ctx, email)
	if mainstay.Is(err, mainstay.NotFound) || err == nil && !p.Active() {
		_, err := s.link(ctx, "nobody:"+digest(email), ForReset, resetLife)
		return err
	}
	if err != nil {
		return err
	}
	policy, err := s.Policy(ctx)
	if err != nil {
		return err
	}
	_, everywhere, err := s.rolesOf(ctx, p.ID)
	if err != nil {
		return err
	}
	set := commit.Set{Facts: []fact.Fact{fact.New(now, "", self, fact.ResetAsked{AddressDigest: c.digest()}, p.Ref())}}
	secret, err := s.link(ctx, p.ID, ForReset, resetLife)
	if err != nil {
		return err
	}
	if policy.Passwords == PasswordsAdministrators && !everywhere {
		if _, err := s.cfg.Store.EndLinks(ctx, now, p.ID, ForReset); err != nil {
			return err
		}
		set.Notices = s.tell(now, p, "Mainstay has no password of yours", "Somebody, most likely you, asked for a new password of your Mainstay account. "+
			"Passwords are for administrators only here: sign in with your organisation's account or a passkey.")
		return s.cfg.Store.Save(ctx, set)
	}
	n, err := s.linkNotice(now, p, notify.TemplateReset, secret, "", now.Add(resetLife))
	set.Notices = []commit.Notice{n}
	if err != nil {
		return err
	}
	return s.cfg.Store.Save(ctx, set)
}

// link makes a new link in place of others of its kind, within a transaction. A reset that a stranger asks for leaves an
// invitation as it is.
func (s *Service) link(ctx context.Context, person string, purpose Purpose, life time.Duration) (secret string, err error) {
	ended := []Purpose{purpose}
	if purpose != ForReset {
		ended = []Purpose{ForSetup, ForHand, ForInvite, ForReset}
	}
	now := s.cfg.Time.Now()
	if _, err := s.cfg.Store.EndLinks(ctx, now, person, ended...); err != nil {
		return "", err
	}
	secret = base64.RawURLEncoding.EncodeToString(random(32))
	return secret, s.cfg.Store.AddLink(ctx, Link{Person: person, Purpose: purpose, CreatedAt: now, ExpiresAt: now.Add(life)}, digest(secret))
}

// FindLink is the link of a secret; Gone when it does not count (any more). p is the zero Person for the first administrator.
func (s *Service) FindLink(ctx context.Context, secret string) (p people.Person, l Link, err error) {
	if len(secret) != 43 {
		return p, l, errLinkGone()
	}
	l, err = s.cfg.Store.LinkByHash(ctx, digest(secret))
	switch {
	case mainstay.Is(err, mainstay.NotFound):
		return p, l, errLinkGone()
	case err != nil:
		return p, l, err
	case !s.cfg.Time.Now().Before(l.ExpiresAt):
		return p, l, errLinkGone()
	case l.Person == "":
		has, err := s.HasAdministrator(ctx)
		if err == nil && has {
			err = errAdministratorExists()
		}
		return p, l, err
	}
	p, err = s.cfg.People.ByID(ctx, l.Person)
	if mainstay.Is(err, mainstay.NotFound) || err == nil && !p.Active() {
		err = errLinkGone()
	}
	return p, l, err
}

// UseLink sets the password for which the link was made, ends the link, every session of the person and the lock of their account,
// and tells them. email and name are asked for the first administrator only. It returns the address to sign in with.
func (s *Service) UseLink(ctx context.Context, secret, email, name, password string) (string, error) {
	p, l, err := s.FindLink(ctx, secret)
	if err != nil {
		return "", err
	}
	if p.ID == "" {
		email = strings.TrimSpace(email)
		return email, s.setup(ctx, secret, email, strings.TrimSpace(name), password)
	}
	if err := CheckPassword(password, p.Email, p.FullName, p.Name); err != nil {
		return "", err
	}
	now := s.cfg.Time.Now()
	return p.Email, s.hasher.inTurn(ctx, func() error {
		hash := s.hasher.hash(password)
		return s.cfg.Store.In(ctx, func(ctx context.Context) error {
			if _, err := s.cfg.Store.LinkByHash(ctx, digest(secret)); err != nil {
				return errLinkGone() // used at the same moment
			}
			has, err := s.Factors(ctx, p.ID)
			if err != nil {
				return err
			}
			if err := s.keepBy(ctx, mainstay.Person(p.ID), p, hash, "", "link"); err != nil {
				return err
			}
			if err := s.cfg.Store.ForgetAttempt(ctx, accountKey(p.Email)); err != nil || !has.Password {
				return err
			}
			return s.cfg.Store.Save(ctx, commit.Set{Notices: s.tell(now, p, "Your Mainstay password was changed", fmt.Sprintf(
				"A new password was set by a link that was %s. Every session has ended. If it was not you, tell whoever manages people in your "+
					"installation at once.", l.Purpose.words()))})
		})
	})
}

func (p Purpose) words() string {
	if p == ForHand {
		return "handed over by somebody who manages people"
	}
	return "mailed to this address"
}

// LinkRegistration asks the browser of somebody who has a link for a passkey in place of a password.
func (s *Service) LinkRegistration(ctx context.Context, site Site, secret string) (Ceremony, error) {
	p, _, err := s.FindLink(ctx, secret)
	if err != nil {
		return Ceremony{}, err
	}
	if err := s.mayUsePasskey(ctx, p.ID); err != nil {
		return Ceremony{}, err
	}
	return s.Registration(ctx, site, p.ID)
}

// mayUsePasskey is an error when a link must not add a passkey: whoever reads somebody's mail must not get around the second factor.
func (s *Service) mayUsePasskey(ctx context.Context, person string) error {
	if person == "" {
		return mainstay.Errorf(mainstay.Conflict, "The first administrator begins with a password.")
	}
	has, err := s.Factors(ctx, person)
	if err == nil && has.Second() {
		err = mainstay.Errorf(mainstay.Conflict, "This account has a second factor already, which the link does not replace. Set a password; then sign in with both.")
	}
	return err
}

// UseLinkPasskey keeps a passkey in place of a password, ends the link and begins a session. The person's other sessions end.
func (s *Service) UseLinkPasskey(ctx context.Context, c Client, secret, state, answer, name string) (signed Signed, recovery []string, err error) {
	p, _, err := s.FindLink(ctx, secret)
	if err != nil {
		return signed, nil, err
	}
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if _, err := s.cfg.Store.LinkByHash(ctx, digest(secret)); err != nil {
			return errLinkGone()
		}
		if err := s.mayUsePasskey(ctx, p.ID); err != nil {
			return err
		}
		if _, recovery, err = s.Register(ctx, mainstay.Person(p.ID), p.ID, state, answer, name); err != nil {
			return err
		}
		if _, err := s.cfg.Store.EndLinks(ctx, s.cfg.Time.Now(), p.ID); err != nil {
			return err
		}
		if err := s.end(ctx, mainstay.Person(p.ID), p.ID, "", ""); err != nil {
			return err
		}
		signed, err = s.begin(ctx, c, p, Session{Method: "passkey"}, func(context.Context) error { return nil })
		return err
	})
	return signed, recovery, err
}

// Setup makes the first administrator. When one exists it is a Conflict that says so, and nothing is changed. A person who has
// the address already becomes administrator.
func (s *Service) Setup(ctx context.Context, email, password string) error {
	return s.setup(ctx, "", strings.TrimSpace(email), "", password)
}

func (s *Service) setup(ctx context.Context, secret, email, name, password string) error {
	if has, err := s.HasAdministrator(ctx); err != nil || has {
		if err == nil {
			err = errAdministratorExists()
		}
		return err
	}
	local, _, _ := strings.Cut(email, "@")
	if name == "" {
		name = local
	}
	f := mainstay.Faults(mainstay.ErrorFields(CheckPassword(password, email, local, name)))
	if !people.ValidEmail(email) {
		f.Add("email", "%q is not an e-mail address such as ana@example.com.", clip(email, 100))
	}
	if err := f.Err(); err != nil {
		return err
	}
	return s.hasher.inTurn(ctx, func() error {
		hash := s.hasher.hash(password)
		return s.cfg.Store.In(ctx, func(ctx context.Context) error { return s.first(ctx, secret, email, name, hash) })
	})
}

// first makes the administrator, within a transaction.
func (s *Service) first(ctx context.Context, secret, email, name, hash string) error {
	if err := s.cfg.Store.Alone(ctx); err != nil {
		return err
	}
	if has, err := s.HasAdministrator(ctx); err != nil || has {
		if err == nil {
			err = errAdministratorExists()
		}
		return err
	}
	if secret != "" {
		if _, err := s.cfg.Store.LinkByHash(ctx, digest(secret)); err != nil {
			return errLinkGone()
		}
	}
	p, err := s.cfg.People.ByEmail(ctx, email)
	if mainstay.Is(err, mainstay.NotFound) {
		var handle string
		if handle, err = s.handle(ctx, email, "admin"); err != nil {
			return err
		}
		p, err = s.cfg.People.Create(ctx, mainstay.System("setup"), people.Person{Name: handle, FullName: name, Email: email})
	}
	if err != nil {
		return err
	}
	if !p.Active() {
		return mainstay.Errorf(mainstay.Conflict, "The person with this address is deactivated. Use another address.")
	}
	if err := s.cfg.Access.Give(ctx, mainstay.System("setup"), p.Ref(), access.Administrator, ""); err != nil {
		return err
	}
	if _, err := s.cfg.Store.EndLinks(ctx, s.cfg.Time.Now(), ""); err != nil {
		return err
	}
	return s.keep(ctx, mainstay.Person(p.ID), p, hash, "")
}

var notHandle = regexp.MustCompile(`[^a-z0-9]+`)

// handle makes a free handle of an address or of a user name; fallback is used when nothing of it can be.
func (s *Service) handle(ctx context.Context, wish, fallback string) (string, error) {
	local, _, _ := strings.Cut(strings.ToLower(wish), "@")
	base := strings.Trim(notHandle.ReplaceAllString(local, "-"), "-")
	base = strings.Trim(base[:min(len(base), 50)], "-")
	if base == "" || base == "new" || base == "me" || base == "edit" {
		base = fallback
	}
	for n := 1; ; n++ {
		name := base
		if n > 1 {
			name += "-" + strconv.Itoa(n)
		}
		_, err := s.cfg.People.ByName(ctx, name)
		if mainstay.Is(err, mainstay.NotFound) {
			return name, nil
		}
		if err != nil {
			return "", err
		}
	}
}

// Handle is a free handle for a new person with the address.
func (s *Service) Handle(ctx context.Context, email string) (string, error) {
	return s.handle(ctx, email, "person")
}
