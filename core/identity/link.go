package identity

import (
	"context"
	"encoding/base64"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/people"
)

// Link lets whoever has it set a password once: that of one person, or, for Person "", that of the first administrator.
type Link struct {
	Person    string
	ExpiresAt time.Time
}

const linkLife = 24 * time.Hour

func errLinkGone() error {
	return mainstay.Errorf(mainstay.Gone, "This link was used, has run out, or was replaced by a newer one. Ask for a new one.")
}

func errAdministratorExists() error {
	return mainstay.Errorf(mainstay.Conflict, "An administrator exists already. Nothing was changed.")
}

// HasAdministrator reports whether somebody can sign in who is administrator of all projects.
func (s *Service) HasAdministrator(ctx context.Context) (bool, error) {
	admins, err := s.cfg.Access.Administrators(ctx)
	if err != nil || len(admins) == 0 {
		return false, err
	}
	able, err := s.cfg.Store.WithPassword(ctx, admins)
	return len(able) > 0, err
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
	return s.link(ctx, "")
}

// PasswordLink makes the secret of /setup/{secret}, by which the person sets a password. Earlier ones end. Whoever may manage
// people hands it over; a password that exists goes on until the link is used.
func (s *Service) PasswordLink(ctx context.Context, person string) (secret string, err error) {
	p, err := s.cfg.People.ByID(ctx, person)
	if err != nil {
		return "", err
	}
	if !p.Active() {
		return "", mainstay.Errorf(mainstay.Conflict, "%s is deactivated. Activate them first.", p.FullName)
	}
	if p.Email == "" {
		return "", mainstay.Errorf(mainstay.Conflict, "%s has no e-mail address to sign in with. Give one first.", p.FullName)
	}
	return s.link(ctx, person)
}

func (s *Service) link(ctx context.Context, person string) (secret string, err error) {
	secret = base64.RawURLEncoding.EncodeToString(random(32))
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if err := s.cfg.Store.EndLinks(ctx, person); err != nil {
			return err
		}
		return s.cfg.Store.AddLink(ctx, Link{Person: person, ExpiresAt: s.cfg.Time.Now().Add(linkLife)}, digest(secret))
	})
	return secret, err
}

// FindLink is the link of a secret; Gone when it does not count (any more). p is the zero Person for the first administrator.
func (s *Service) FindLink(ctx context.Context, secret string) (p people.Person, err error) {
	if len(secret) != 43 {
		return p, errLinkGone()
	}
	l, err := s.cfg.Store.LinkByHash(ctx, digest(secret))
	switch {
	case mainstay.Is(err, mainstay.NotFound):
		return p, errLinkGone()
	case err != nil:
		return p, err
	case !s.cfg.Time.Now().Before(l.ExpiresAt):
		return p, errLinkGone()
	case l.Person == "":
		has, err := s.HasAdministrator(ctx)
		if err == nil && has {
			err = errAdministratorExists()
		}
		return p, err
	}
	if p, err = s.cfg.People.ByID(ctx, l.Person); err == nil && !p.Active() {
		err = errLinkGone()
	}
	return p, err
}

// UseLink sets the password for which the link was made, and ends the link. email and name are asked for the first
// administrator only. It returns the address to sign in with.
func (s *Service) UseLink(ctx context.Context, secret, email, name, password string) (string, error) {
	p, err := s.FindLink(ctx, secret)
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
	return p.Email, s.hasher.inTurn(ctx, func() error {
		hash := s.hasher.hash(password)
		return s.cfg.Store.In(ctx, func(ctx context.Context) error {
			if _, err := s.cfg.Store.LinkByHash(ctx, digest(secret)); err != nil {
				return errLinkGone() // used at the same moment
			}
			return s.keep(ctx, mainstay.Person(p.ID), p, hash, "")
		})
	})
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
		if handle, err = s.handle(ctx, email); err != nil {
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
	if err := s.cfg.Store.EndLinks(ctx, ""); err != nil {
		return err
	}
	return s.keep(ctx, mainstay.Person(p.ID), p, hash, "")
}

var notHandle = regexp.MustCompile(`[^a-z0-9]+`)

// handle makes a free handle of an address.
func (s *Service) handle(ctx context.Context, email string) (string, error) {
	local, _, _ := strings.Cut(strings.ToLower(email), "@")
	base := strings.Trim(notHandle.ReplaceAllString(local, "-"), "-")
	if base == "" || base == "new" || base == "me" || base == "edit" {
		base = "admin"
	}
	base = strings.Trim(base[:min(len(base), 50)], "-")
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
