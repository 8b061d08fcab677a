// Package identitydb keeps password hashes, second factors, passkeys, providers, sessions, tokens, failed sign-ins and one-time links
// in the database. It sees no secret, only hashes and what is sealed, and decides nothing.
package identitydb

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of identity.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "identity", Files: sub}
}

// Saver writes a set in the transaction that ctx carries; commitdb.Saver does.
type Saver interface {
	Save(ctx context.Context, set commit.Set) error
}

// Store implements identity.Store.
type Store struct {
	db    *storage.DB
	saver Saver
}

// New makes the store.
func New(db *storage.DB, saver Saver) *Store { return &Store{db, saver} }

var _ identity.Store = (*Store)(nil)

// In runs f in one write transaction.
func (s *Store) In(ctx context.Context, f func(ctx context.Context) error) error {
	return s.db.Write(ctx, storage.Normal, f)
}

// Save writes a set in the transaction that ctx carries.
func (s *Store) Save(ctx context.Context, set commit.Set) error { return s.saver.Save(ctx, set) }

// Alone lets one transaction at a time go on; see identity.Transactions.
func (s *Store) Alone(ctx context.Context) error {
	if s.db.SQLite() {
		return nil // the writer is alone
	}
	_, err := s.db.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext(current_schema() || '/identity'))`)
	return err
}

// exec runs a statement in a transaction of its own, or in the one that ctx carries.
func (s *Store) exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = s.In(ctx, func(ctx context.Context) error {
		n, err = s.db.Exec(ctx, query, args...)
		return err
	})
	return n, err
}

// Password is the encoded hash of a person's password; NotFound when there is none.
func (s *Store) Password(ctx context.Context, person string) (string, error) {
	return storage.One(ctx, s.db, storage.Value[string], `SELECT hash FROM password WHERE person = $1`, person)
}

// SetPassword keeps the hash of a person's password.
func (s *Store) SetPassword(ctx context.Context, person, hash string, now time.Time) error {
	_, err := s.exec(ctx, `INSERT INTO password (person, hash, changed_at) VALUES ($1, $2, $3)
		ON CONFLICT (person) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at`, person, hash, storage.Micros(now))
	return err
}

// EndPassword forgets the person's password.
func (s *Store) EndPassword(ctx context.Context, person string) error {
	_, err := s.exec(ctx, `DELETE FROM password WHERE person = $1`, person)
	return err
}

// AddSession keeps a session under the hash of its secret.
func (s *Store) AddSession(ctx context.Context, x identity.Session, hash string) error {
	_, err := s.exec(ctx, `INSERT INTO session (id, secret_hash, person, created_at, seen_at, address, agent, method, provider)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, x.ID, hash, x.Person, storage.Micros(x.CreatedAt), storage.Micros(x.SeenAt),
		x.Address, x.Agent, x.Method, x.Provider)
	return err
}

const selectSession = `SELECT id, person, created_at, seen_at, address, agent, method, provider FROM session`

func scanSession(s storage.Scanner) (identity.Session, error) {
	var x identity.Session
	err := s(&x.ID, &x.Person, storage.Into(&x.CreatedAt), storage.Into(&x.SeenAt), &x.Address, &x.Agent, &x.Method, &x.Provider)
	return x, err
}

// SessionByHash is the session of a secret's hash; NotFound when there is none.
func (s *Store) SessionByHash(ctx context.Context, hash string) (identity.Session, error) {
	return storage.One(ctx, s.db, scanSession, selectSession+` WHERE secret_hash = $1`, hash)
}

// SessionsOf lists a person's sessions, the last seen first.
func (s *Store) SessionsOf(ctx context.Context, person string) ([]identity.Session, error) {
	return storage.All(ctx, s.db, scanSession, selectSession+` WHERE person = $1 ORDER BY seen_at DESC, id DESC LIMIT 200`, person)
}

// SeenSession notes the last use; it never goes back.
func (s *Store) SeenSession(ctx context.Context, id string, now time.Time) error {
	_, err := s.exec(ctx, `UPDATE session SET seen_at = $1 WHERE id = $2 AND seen_at < $1`, storage.Micros(now), id)
	return err
}

// EndSessions ends one session of the person, or all but one; see identity.Sessions.
func (s *Store) EndSessions(ctx context.Context, person, id, except string) (int, error) {
	n, err := s.exec(ctx, `DELETE FROM session WHERE person = $1 AND ($2 = '' OR id = $2) AND id <> $3`, person, id, except)
	return int(n), err
}

// PruneSessions forgets sessions that were begun or last seen before these times.
func (s *Store) PruneSessions(ctx context.Context, begun, seen time.Time) error {
	_, err := s.exec(ctx, `DELETE FROM session WHERE created_at <= $1 OR seen_at <= $2`, storage.Micros(begun), storage.Micros(seen))
	return err
}

// AddToken keeps a token under the hash of its secret.
func (s *Store) AddToken(ctx context.Context, t identity.Token, hash string) error {
	_, err := s.exec(ctx, `INSERT INTO token (id, secret_hash, name, role, project, tail, created_at, created_by, used_at, revoked_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, $9)`,
		t.ID, hash, t.Name, string(t.Role), t.Project, t.Tail, storage.Micros(t.CreatedAt), t.CreatedBy.String(), storage.Micros(t.ExpiresAt))
	return err
}

const selectToken = `SELECT id, name, role, project, tail, created_at, created_by, used_at, revoked_at, expires_at, old_until FROM token`

func scanToken(s storage.Scanner) (identity.Token, error) {
	var t identity.Token
	var by string
	err := s(&t.ID, &t.Name, &t.Role, &t.Project, &t.Tail, storage.Into(&t.CreatedAt), &by, storage.Into(&t.UsedAt), storage.Into(&t.RevokedAt),
		storage.Into(&t.ExpiresAt), storage.Into(&t.OldUntil))
	kind, id, _ := strings.Cut(by, ":")
	t.CreatedBy = mainstay.Actor{Kind: mainstay.ActorKind(kind), ID: id}
	return t, err
}

// TokenByHash is the token of a secret's hash, revoked, run out or not; see identity.Tokens.
func (s *Store) TokenByHash(ctx context.Context, hash string, now time.Time) (identity.Token, error) {
	t, err := storage.One(ctx, s.db, scanToken, selectToken+` WHERE secret_hash = $1`, hash)
	if !mainstay.Is(err, mainstay.NotFound) {
		return t, err
	}
	return storage.One(ctx, s.db, scanToken, selectToken+` WHERE old_hash = $1 AND old_hash <> '' AND old_until > $2`, hash, storage.Micros(now))
}

// RotateToken gives the token another secret; see identity.Tokens.
func (s *Store) RotateToken(ctx context.Context, id, hash, tail string, until time.Time) error {
	_, err := s.exec(ctx, `UPDATE token SET old_hash = secret_hash, old_until = $1, secret_hash = $2, tail = $3 WHERE id = $4`,
		storage.Micros(until), hash, tail, id)
	return err
}

// ListTokens lists newest first; see identity.Tokens.
func (s *Store) ListTokens(ctx context.Context, id, before string, limit int) ([]identity.Token, error) {
	return storage.All(ctx, s.db, scanToken, selectToken+` WHERE ($1 = '' OR id = $1) AND ($2 = '' OR id < $2)
		ORDER BY id DESC LIMIT $3`, id, before, limit)
}

// UsedToken notes the last use; it never goes back.
func (s *Store) UsedToken(ctx context.Context, id string, now time.Time) error {
	_, err := s.exec(ctx, `UPDATE token SET used_at = $1 WHERE id = $2 AND used_at < $1`, storage.Micros(now), id)
	return err
}

// RevokeToken ends a token.
func (s *Store) RevokeToken(ctx context.Context, id string, now time.Time) error {
	_, err := s.exec(ctx, `UPDATE token SET revoked_at = $1 WHERE id = $2 AND revoked_at = 0`, storage.Micros(now), id)
	return err
}

// Attempts are the failures kept under the keys.
func (s *Store) Attempts(ctx context.Context, keys ...string) (map[string]identity.Attempt, error) {
	type row struct {
		key string
		a   identity.Attempt
	}
	rows, err := storage.All(ctx, s.db, func(sc storage.Scanner) (row, error) {
		var r row
		err := sc(&r.key, &r.a.Failures, storage.Into(&r.a.LastAt), storage.Into(&r.a.Until))
		return r, err
	}, `SELECT key, failures, last_at, until_at FROM sign_in_attempt WHERE `+s.db.In("key", "$1"), storage.List(keys))
	m := make(map[string]identity.Attempt, len(rows))
	for _, r := range rows {
		m[r.key] = r.a
	}
	return m, err
}

// SetAttempt keeps the failures under the key.
func (s *Store) SetAttempt(ctx context.Context, key string, a identity.Attempt) error {
	_, err := s.exec(ctx, `INSERT INTO sign_in_attempt (key, failures, last_at, until_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET failures = excluded.failures, last_at = excluded.last_at, until_at = excluded.until_at`,
		key, a.Failures, storage.Micros(a.LastAt), storage.Micros(a.Until))
	return err
}

// ForgetAttempt forgets the failures under the key.
func (s *Store) ForgetAttempt(ctx context.Context, key string) error {
	_, err := s.exec(ctx, `DELETE FROM sign_in_attempt WHERE key = $1`, key)
	return err
}

// PruneAttempts forgets failures older than the time.
func (s *Store) PruneAttempts(ctx context.Context, before time.Time) error {
	_, err := s.exec(ctx, `DELETE FROM sign_in_attempt WHERE last_at < $1`, storage.Micros(before))
	return err
}

// AddLink keeps a link under the hash of its secret, and forgets those that have run out.
func (s *Store) AddLink(ctx context.Context, l identity.Link, hash string) error {
	if _, err := s.exec(ctx, `DELETE FROM password_link WHERE expires_at <= $1`, storage.Micros(l.CreatedAt)); err != nil {
		return err
	}
	_, err := s.exec(ctx, `INSERT INTO password_link (secret_hash, person, purpose, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		hash, l.Person, string(l.Purpose), storage.Micros(l.CreatedAt), storage.Micros(l.ExpiresAt))
	return err
}

// LinkByHash is the link of a secret's hash; NotFound when there is none.
func (s *Store) LinkByHash(ctx context.Context, hash string) (identity.Link, error) {
	return storage.One(ctx, s.db, func(sc storage.Scanner) (identity.Link, error) {
		var l identity.Link
		err := sc(&l.Person, &l.Purpose, storage.Into(&l.CreatedAt), storage.Into(&l.ExpiresAt))
		return l, err
	}, `SELECT person, purpose, created_at, expires_at FROM password_link WHERE secret_hash = $1`, hash)
}

// EndLinks ends links of the person; see identity.Links.
func (s *Store) EndLinks(ctx context.Context, now time.Time, person string, purposes ...identity.Purpose) (int, error) {
	cond, args := "person = $1", []any{person}
	if len(purposes) > 0 {
		names := make([]string, len(purposes))
		for i, p := range purposes {
			names[i] = string(p)
		}
		cond, args = cond+" AND "+s.db.In("purpose", "$2"), append(args, storage.List(names))
	}
	alive, err := storage.One(ctx, s.db, storage.Value[int], `SELECT count(*) FROM password_link WHERE `+cond+
		fmt.Sprintf(" AND expires_at > $%d", len(args)+1), append(args, storage.Micros(now))...)
	if err != nil {
		return 0, err
	}
	_, err = s.exec(ctx, `DELETE FROM password_link WHERE `+cond, args...)
	return alive, err
}
