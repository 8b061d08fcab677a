package identitydb

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/storage"
)

// Standings say how each of the persons can sign in; see identity.Passwords.
func (s *Store) Standings(ctx context.Context, persons []string) (map[string]identity.Standing, error) {
	type row struct {
		person string
		way    string
		until  time.Time
	}
	rows, err := storage.All(ctx, s.db, func(sc storage.Scanner) (row, error) {
		var r row
		err := sc(&r.person, &r.way, storage.Into(&r.until))
		return r, err
	}, `SELECT person, 'password', 0 FROM password WHERE `+s.db.In("person", "$1")+`
		UNION ALL SELECT person, 'passkey', 0 FROM passkey WHERE `+s.db.In("person", "$1")+`
		UNION ALL SELECT person, 'authenticator', 0 FROM authenticator WHERE `+s.db.In("person", "$1")+`
		UNION ALL SELECT person, 'account', 0 FROM provider_account WHERE `+s.db.In("person", "$1")+`
		UNION ALL SELECT person, 'link', expires_at FROM password_link WHERE purpose <> 'reset' AND `+s.db.In("person", "$1"),
		storage.List(persons))
	m := map[string]identity.Standing{}
	for _, r := range rows {
		x := m[r.person]
		switch r.way {
		case "link":
			if r.until.After(x.Invited) {
				x.Invited = r.until
			}
		case "authenticator":
			x.Second = true
		case "passkey":
			x.Able, x.Second = true, true
		default:
			x.Able = true
		}
		m[r.person] = x
	}
	return m, err
}

// FactorsOf tells what the person has.
func (s *Store) FactorsOf(ctx context.Context, person string) (identity.Having, error) {
	return storage.One(ctx, s.db, func(sc storage.Scanner) (identity.Having, error) {
		var h identity.Having
		err := sc(storage.Into(&h.PasswordAt), storage.Into(&h.Authenticator), &h.Recovery, &h.Passkeys, &h.Accounts)
		h.Password = !h.PasswordAt.IsZero()
		return h, err
	}, `SELECT coalesce((SELECT changed_at FROM password WHERE person = $1), 0), coalesce((SELECT added_at FROM authenticator WHERE person = $1), 0),
		(SELECT count(*) FROM recovery_code WHERE person = $1), (SELECT count(*) FROM passkey WHERE person = $1),
		(SELECT count(*) FROM provider_account WHERE person = $1)`, person)
}

// Authenticator is the person's; NotFound when there is none.
func (s *Store) Authenticator(ctx context.Context, person string) (identity.Authenticator, error) {
	return storage.One(ctx, s.db, func(sc storage.Scanner) (identity.Authenticator, error) {
		var a identity.Authenticator
		err := sc(&a.Person, &a.Sealed, storage.Into(&a.AddedAt), &a.Step)
		return a, err
	}, `SELECT person, secret, added_at, step FROM authenticator WHERE person = $1`, person)
}

// SetAuthenticator keeps the person's authenticator in place of a former one.
func (s *Store) SetAuthenticator(ctx context.Context, a identity.Authenticator) error {
	_, err := s.exec(ctx, `INSERT INTO authenticator (person, secret, added_at, step) VALUES ($1, $2, $3, $4)
		ON CONFLICT (person) DO UPDATE SET secret = excluded.secret, added_at = excluded.added_at, step = excluded.step`,
		a.Person, a.Sealed, storage.Micros(a.AddedAt), a.Step)
	return err
}

// UseStep uses a code up; see identity.Factors.
func (s *Store) UseStep(ctx context.Context, person string, step int64) (bool, error) {
	n, err := s.exec(ctx, `UPDATE authenticator SET step = $1 WHERE person = $2 AND step < $1`, step, person)
	return n > 0, err
}

// EndAuthenticator forgets the person's authenticator, and reports whether there was one.
func (s *Store) EndAuthenticator(ctx context.Context, person string) (bool, error) {
	n, err := s.exec(ctx, `DELETE FROM authenticator WHERE person = $1`, person)
	return n > 0, err
}

// SetRecoveryCodes keeps the hashes in place of all former ones.
func (s *Store) SetRecoveryCodes(ctx context.Context, person string, hashes []string) error {
	if _, err := s.exec(ctx, `DELETE FROM recovery_code WHERE person = $1`, person); err != nil {
		return err
	}
	for _, h := range hashes {
		if _, err := s.exec(ctx, `INSERT INTO recovery_code (person, hash) VALUES ($1, $2)`, person, h); err != nil {
			return err
		}
	}
	return nil
}

// UseRecoveryCode uses a recovery code up; see identity.Factors.
func (s *Store) UseRecoveryCode(ctx context.Context, person, hash string) (left int, ok bool, err error) {
	n, err := s.exec(ctx, `DELETE FROM recovery_code WHERE person = $1 AND hash = $2`, person, hash)
	if err != nil || n == 0 {
		return 0, false, err
	}
	left, err = storage.One(ctx, s.db, storage.Value[int], `SELECT count(*) FROM recovery_code WHERE person = $1`, person)
	return left, err == nil, err
}

// Spend makes the key count once; see identity.Factors.
func (s *Store) Spend(ctx context.Context, key string, now, until time.Time) (bool, error) {
	if _, err := s.exec(ctx, `DELETE FROM spent WHERE until_at < $1`, storage.Micros(now)); err != nil {
		return false, err
	}
	n, err := s.exec(ctx, `INSERT INTO spent (key, until_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, key, storage.Micros(until))
	return n > 0, err
}

const selectPasskey = `SELECT id, person, credential_id, credential, name, added_at, used_at, suspect_at, synced FROM passkey`

func scanPasskey(sc storage.Scanner) (identity.Passkey, error) {
	var p identity.Passkey
	err := sc(&p.ID, &p.Person, &p.CredentialID, &p.Credential, &p.Name, storage.Into(&p.AddedAt), storage.Into(&p.UsedAt), storage.Into(&p.SuspectAt), &p.Synced)
	return p, err
}

// AddPasskey keeps a passkey; Conflict when its credential is known.
func (s *Store) AddPasskey(ctx context.Context, p identity.Passkey) error {
	n, err := s.exec(ctx, `INSERT INTO passkey (id, person, credential_id, credential, name, added_at, used_at, suspect_at, synced)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		p.ID, p.Person, p.CredentialID, p.Credential, p.Name, storage.Micros(p.AddedAt), storage.Micros(p.UsedAt), storage.Micros(p.SuspectAt), p.Synced)
	if err == nil && n == 0 {
		err = mainstay.Errorf(mainstay.Conflict, "This passkey is known here already.")
	}
	return err
}

// PasskeysOf lists a person's passkeys, oldest first.
func (s *Store) PasskeysOf(ctx context.Context, person string) ([]identity.Passkey, error) {
	return storage.All(ctx, s.db, scanPasskey, selectPasskey+` WHERE person = $1 ORDER BY id LIMIT 100`, person)
}

// SavePasskey writes the name, the credential and the times.
func (s *Store) SavePasskey(ctx context.Context, p identity.Passkey) error {
	_, err := s.exec(ctx, `UPDATE passkey SET credential = $1, name = $2, used_at = $3, suspect_at = $4 WHERE id = $5`,
		p.Credential, p.Name, storage.Micros(p.UsedAt), storage.Micros(p.SuspectAt), p.ID)
	return err
}

// EndPasskey forgets one of the person's passkeys, and reports whether there was one.
func (s *Store) EndPasskey(ctx context.Context, person, id string) (bool, error) {
	n, err := s.exec(ctx, `DELETE FROM passkey WHERE person = $1 AND id = $2`, person, id)
	return n > 0, err
}

// EndPasskeys forgets all of the person's passkeys.
func (s *Store) EndPasskeys(ctx context.Context, person string) error {
	_, err := s.exec(ctx, `DELETE FROM passkey WHERE person = $1`, person)
	return err
}
