package identitydb

import (
	"context"

	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/storage"
)

// Providers lists identity providers by name; with a name, that one alone.
func (s *Store) Providers(ctx context.Context, name string) ([]identity.Provider, error) {
	return storage.All(ctx, s.db, func(sc storage.Scanner) (identity.Provider, error) {
		var p identity.Provider
		err := sc(&p.Name, storage.IntoJSON(&p.Spec), &p.Sealed, storage.Into(&p.CreatedAt), storage.Into(&p.ChangedAt), &p.Version)
		return p, err
	}, `SELECT name, spec, secret, created_at, changed_at, version FROM identity_provider WHERE $1 = '' OR name = $1 ORDER BY name LIMIT 100`, name)
}

// SaveProvider keeps a provider in place of a former one with its name.
func (s *Store) SaveProvider(ctx context.Context, p identity.Provider) error {
	_, err := s.exec(ctx, `INSERT INTO identity_provider (name, spec, secret, created_at, changed_at, version) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (name) DO UPDATE SET spec = excluded.spec, secret = excluded.secret, changed_at = excluded.changed_at, version = excluded.version`,
		p.Name, storage.JSON(p.Spec), p.Sealed, storage.Micros(p.CreatedAt), storage.Micros(p.ChangedAt), p.Version)
	return err
}

// EndProvider forgets a provider, whose accounts sign in, and what it gave.
func (s *Store) EndProvider(ctx context.Context, name string) error {
	for _, query := range []string{
		`DELETE FROM provider_account WHERE provider = $1`, `DELETE FROM provider_given WHERE provider = $1`, `DELETE FROM identity_provider WHERE name = $1`,
	} {
		if _, err := s.exec(ctx, query, name); err != nil {
			return err
		}
	}
	return nil
}

const selectAccount = `SELECT provider, subject, person, linked_at, used_at FROM provider_account`

func scanAccount(sc storage.Scanner) (identity.Account, error) {
	var a identity.Account
	err := sc(&a.Provider, &a.Subject, &a.Person, storage.Into(&a.LinkedAt), storage.Into(&a.UsedAt))
	return a, err
}

// AccountBy is the account of a provider with the subject; NotFound when there is none.
func (s *Store) AccountBy(ctx context.Context, provider, subject string) (identity.Account, error) {
	return storage.One(ctx, s.db, scanAccount, selectAccount+` WHERE provider = $1 AND subject = $2`, provider, subject)
}

// AccountsOf lists the accounts that sign a person in.
func (s *Store) AccountsOf(ctx context.Context, person string) ([]identity.Account, error) {
	return storage.All(ctx, s.db, scanAccount, selectAccount+` WHERE person = $1 ORDER BY provider, subject LIMIT 100`, person)
}

// SaveAccount keeps whom an account signs in.
func (s *Store) SaveAccount(ctx context.Context, a identity.Account) error {
	_, err := s.exec(ctx, `INSERT INTO provider_account (provider, subject, person, linked_at, used_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (provider, subject) DO UPDATE SET used_at = excluded.used_at`,
		a.Provider, a.Subject, a.Person, storage.Micros(a.LinkedAt), storage.Micros(a.UsedAt))
	return err
}

// EndAccount forgets the person's accounts at a provider, and reports whether there were any.
func (s *Store) EndAccount(ctx context.Context, provider, person string) (bool, error) {
	n, err := s.exec(ctx, `DELETE FROM provider_account WHERE provider = $1 AND person = $2`, provider, person)
	return n > 0, err
}

// Given are what providers gave; see identity.Providers.
func (s *Store) Given(ctx context.Context, provider, person string) ([]identity.Given, error) {
	return storage.All(ctx, s.db, func(sc storage.Scanner) (identity.Given, error) {
		var g identity.Given
		err := sc(&g.Provider, &g.Person, &g.Role, &g.Project, &g.Team)
		return g, err
	}, `SELECT provider, person, role, project, team FROM provider_given WHERE ($1 = '' OR provider = $1) AND ($2 = '' OR person = $2)
		ORDER BY provider, person, role, project, team`, provider, person)
}

// SetGiven keeps what the provider gave to the person in place of all that it gave before.
func (s *Store) SetGiven(ctx context.Context, provider, person string, list []identity.Given) error {
	if _, err := s.exec(ctx, `DELETE FROM provider_given WHERE provider = $1 AND person = $2`, provider, person); err != nil {
		return err
	}
	for _, g := range list {
		if _, err := s.exec(ctx, `INSERT INTO provider_given (provider, person, role, project, team) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT DO NOTHING`, provider, person, string(g.Role), g.Project, g.Team); err != nil {
			return err
		}
	}
	return nil
}
