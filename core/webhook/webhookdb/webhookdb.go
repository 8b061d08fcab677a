// Package webhookdb keeps endpoints, cursors and the log of attempts in the database. It never holds a fact: those stay in the
// journal.
package webhookdb

import (
	"context"
	"embed"
	"io/fs"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/core/journal/journaldb"
	"github.com/mainstayhq/mainstay/core/webhook"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of endpoints.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "webhook", Files: sub}
}

// Store implements webhook.Store, Replays, Log and Queue.
type Store struct {
	db      *storage.DB
	saver   *commitdb.Saver
	journal *journaldb.Store

	mu   sync.Mutex
	wake []func()
}

// New makes the store and listens for writes of other processes.
func New(db *storage.DB, saver *commitdb.Saver, journal *journaldb.Store) *Store {
	s := &Store{db: db, saver: saver, journal: journal}
	db.OnForeign(s.changed)
	return s
}

// Changed registers a function for commits that change endpoints; see webhook.Queue.
func (s *Store) Changed(wake func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake = append(s.wake, wake)
}

func (s *Store) changed() {
	s.mu.Lock()
	wake := s.wake
	s.mu.Unlock()
	for _, f := range wake {
		f()
	}
}

const columns = `id, project, name, spec, secrets, state, reason, failures, since, aside, next_at, ok_at, try_at, error, created_at, updated_at, version`

func scan(s storage.Scanner) (webhook.Endpoint, error) {
	var e webhook.Endpoint
	err := s(&e.ID, &e.Project, &e.Name, storage.IntoJSON(&e.Spec), storage.IntoJSON(&e.Secrets), &e.State, &e.Reason, &e.Health.Failures,
		storage.Into(&e.Health.Since), &e.Health.Aside, storage.Into(&e.Health.Next), storage.Into(&e.Health.LastOK), storage.Into(&e.Health.LastTry),
		&e.Health.Error, storage.Into(&e.CreatedAt), storage.Into(&e.UpdatedAt), &e.Version)
	return e, err
}

// Endpoints lists those of the projects, nil for all; see webhook.Store.
func (s *Store) Endpoints(ctx context.Context, projects []string) ([]webhook.Endpoint, error) {
	where, args := "", []any{}
	if projects != nil {
		where, args = ` WHERE `+s.db.In("project", "$1"), append(args, storage.List(projects))
	}
	return storage.All(ctx, s.db, scan, `SELECT `+columns+` FROM webhook_endpoint`+where+` ORDER BY project, name LIMIT 1000`, args...)
}

// Endpoint is one; see webhook.Store.
func (s *Store) Endpoint(ctx context.Context, id string) (webhook.Endpoint, error) {
	e, err := storage.One(ctx, s.db, scan, `SELECT `+columns+` FROM webhook_endpoint WHERE id = $1`, id)
	if mainstay.Is(err, mainstay.NotFound) {
		err = mainstay.Errorf(mainstay.NotFound, "There is no such webhook.")
	}
	return e, err
}

// Change changes an endpoint, or makes it; see webhook.Store.
func (s *Store) Change(ctx context.Context, at webhook.Key, f func(ctx context.Context, e *webhook.Endpoint) (commit.Set, bool, error)) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		where, args := `project = $1 AND name = $2`, []any{at.Project, at.Name}
		if at.ID != "" {
			where, args = `id = $1`, []any{at.ID}
		}
		list, err := storage.All(ctx, s.db, scan, `SELECT `+columns+` FROM webhook_endpoint WHERE `+where+s.db.Locking(), args...)
		if err != nil {
			return err
		}
		var e webhook.Endpoint
		switch {
		case len(list) > 0:
			e = list[0]
			if err := storage.Holds(ctx, e.ID, e.Version); err != nil {
				return err
			}
		case at.ID != "":
			return mainstay.Errorf(mainstay.NotFound, "There is no such webhook.")
		}
		set, save, err := f(ctx, &e)
		if err != nil || !save {
			return err
		}
		if len(list) == 0 {
			if err := s.start(ctx, e); err != nil {
				return err
			}
		}
		if err := s.save(ctx, e); err != nil {
			return err
		}
		storage.Current(ctx).AfterCommit(s.changed)
		return s.saver.Save(ctx, set)
	})
}

// start sets the cursors of a new endpoint to the end of the journal.
func (s *Store) start(ctx context.Context, e webhook.Endpoint) error {
	heads, err := s.journal.Heads(ctx)
	if err != nil {
		return err
	}
	for project, head := range heads {
		if e.Project != mainstay.Installation && e.Project != project {
			continue
		}
		if err := s.keep(ctx, webhook.Cursor{Endpoint: e.ID, Project: project, Sequence: head}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) save(ctx context.Context, e webhook.Endpoint) error {
	h := e.Health
	n, err := s.db.Exec(ctx, `INSERT INTO webhook_endpoint (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
		ON CONFLICT (id) DO UPDATE SET spec = excluded.spec, secrets = excluded.secrets, state = excluded.state, reason = excluded.reason,
			failures = excluded.failures, since = excluded.since, aside = excluded.aside, next_at = excluded.next_at, ok_at = excluded.ok_at,
			try_at = excluded.try_at, error = excluded.error, updated_at = excluded.updated_at, version = excluded.version`,
		e.ID, e.Project, e.Name, storage.JSON(e.Spec), storage.JSON(e.Secrets), string(e.State), e.Reason, h.Failures, storage.Micros(h.Since),
		h.Aside, storage.Micros(h.Next), storage.Micros(h.LastOK), storage.Micros(h.LastTry), h.Error, storage.Micros(e.CreatedAt),
		storage.Micros(e.UpdatedAt), e.Version+1)
	if err == nil && n == 0 {
		err = mainstay.Errorf(mainstay.Conflict, "There is a webhook %q already.", e.Name)
	}
	return err
}

// Delete removes an endpoint; see webhook.Store.
func (s *Store) Delete(ctx context.Context, id string, set commit.Set) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		for _, q := range []string{
			`DELETE FROM webhook_cursor WHERE endpoint = $1`, `DELETE FROM webhook_attempt WHERE endpoint = $1`, `DELETE FROM webhook_endpoint WHERE id = $1`,
		} {
			if _, err := s.db.Exec(ctx, q, id); err != nil {
				return err
			}
		}
		storage.Current(ctx).AfterCommit(s.changed)
		return s.saver.Save(ctx, set)
	})
}

func scanCursor(s storage.Scanner) (webhook.Cursor, error) {
	var c webhook.Cursor
	var by string
	err := s(&c.Endpoint, &c.Project, &c.Replay, &c.Sequence, &c.Until, storage.Into(&c.Created), &by)
	r := mainstay.ParseRef(by)
	c.By = mainstay.Actor{Kind: mainstay.ActorKind(r.Kind), ID: r.ID}
	return c, err
}

// Cursors lists cursors; see webhook.Queue.
func (s *Store) Cursors(ctx context.Context, endpoint string) ([]webhook.Cursor, error) {
	return storage.All(ctx, s.db, scanCursor, `SELECT endpoint, project, replay, sequence, until, created_at, creator FROM webhook_cursor
		WHERE $1 = '' OR endpoint = $2 ORDER BY endpoint, created_at, replay, project`, endpoint, endpoint)
}

// keep writes a cursor. One of what happens never goes back.
func (s *Store) keep(ctx context.Context, c webhook.Cursor) error {
	by := ""
	if c.Replay != "" {
		by = c.By.String()
	}
	_, err := s.db.Exec(ctx, `INSERT INTO webhook_cursor (endpoint, project, replay, sequence, until, created_at, creator) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (endpoint, project, replay) DO UPDATE SET sequence = excluded.sequence WHERE webhook_cursor.sequence < excluded.sequence`,
		c.Endpoint, c.Project, c.Replay, c.Sequence, c.Until, storage.Micros(c.Created), by)
	return err
}

// Begin adds replays; see webhook.Replays.
func (s *Store) Begin(ctx context.Context, list []webhook.Cursor, set commit.Set) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		for _, c := range list {
			if err := s.keep(ctx, c); err != nil {
				return err
			}
		}
		storage.Current(ctx).AfterCommit(s.changed)
		return s.saver.Save(ctx, set)
	})
}

// Cancel ends a replay; see webhook.Replays.
func (s *Store) Cancel(ctx context.Context, endpoint, replay string) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		n, err := s.db.Exec(ctx, `DELETE FROM webhook_cursor WHERE endpoint = $1 AND replay = $2 AND replay <> ''`, endpoint, replay)
		if err == nil && n == 0 {
			err = mainstay.Errorf(mainstay.NotFound, "That replay is over.")
		}
		storage.Current(ctx).AfterCommit(s.changed)
		return err
	})
}

// Skip moves the cursors of what happens to the end of the journal; see webhook.Replays.
func (s *Store) Skip(ctx context.Context, endpoint string) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		e, err := s.Endpoint(ctx, endpoint)
		if err == nil {
			err = s.start(ctx, e)
		}
		return err
	})
}

// Record writes an outcome; see webhook.Queue.
func (s *Store) Record(ctx context.Context, o webhook.Outcome) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		there, err := storage.All(ctx, s.db, storage.Value[int64], `SELECT version FROM webhook_endpoint WHERE id = $1`+s.db.Locking(), o.Endpoint)
		if err != nil || len(there) == 0 {
			return err
		}
		switch {
		case o.Ended:
			_, err = s.db.Exec(ctx, `DELETE FROM webhook_cursor WHERE endpoint = $1 AND project = $2 AND replay = $3`, o.Endpoint, o.Cursor.Project, o.Cursor.Replay)
		case o.Cursor.Replay != "": // one that was cancelled stays so
			_, err = s.db.Exec(ctx, `UPDATE webhook_cursor SET sequence = $1 WHERE endpoint = $2 AND project = $3 AND replay = $4`,
				o.Cursor.Sequence, o.Endpoint, o.Cursor.Project, o.Cursor.Replay)
		default:
			err = s.keep(ctx, o.Cursor)
		}
		if err != nil || o.Attempt == nil {
			return err
		}
		if err := s.note(ctx, *o.Attempt); err != nil {
			return err
		}
		h := o.Health
		if _, err := s.db.Exec(ctx, `UPDATE webhook_endpoint SET failures = $1, since = $2, aside = $3, next_at = $4, ok_at = $5, try_at = $6, error = $7
			WHERE id = $8`, h.Failures, storage.Micros(h.Since), h.Aside, storage.Micros(h.Next), storage.Micros(h.LastOK), storage.Micros(h.LastTry),
			h.Error, o.Endpoint); err != nil {
			return err
		}
		if o.State != "" {
			if _, err := s.db.Exec(ctx, `UPDATE webhook_endpoint SET state = $1, reason = $2, updated_at = $3, version = version + 1 WHERE id = $4`,
				string(o.State), o.Reason, storage.Micros(h.LastTry), o.Endpoint); err != nil {
				return err
			}
		}
		return s.saver.Save(ctx, o.Set)
	})
}

const attemptColumns = `id, endpoint, project, message, first, last, events, kind, subject, origin, replay, try, at, took, status, answer, error, result, next_at`

func scanAttempt(s storage.Scanner) (webhook.Attempt, error) {
	var a webhook.Attempt
	var subject string
	var took int64
	err := s(&a.ID, &a.Endpoint, &a.Project, &a.Message, &a.First, &a.Last, &a.Events, &a.Kind, &subject, &a.Origin, &a.Replay, &a.Try,
		storage.Into(&a.At), &took, &a.Status, &a.Answer, &a.Error, &a.Result, storage.Into(&a.Next))
	a.Subject, a.Took = mainstay.ParseRef(subject), time.Duration(took)*time.Microsecond
	return a, err
}

func (s *Store) note(ctx context.Context, a webhook.Attempt) error {
	_, err := s.db.Exec(ctx, `INSERT INTO webhook_attempt (`+attemptColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) ON CONFLICT DO NOTHING`,
		a.ID, a.Endpoint, a.Project, a.Message, a.First, a.Last, a.Events, a.Kind, a.Subject.String(), string(a.Origin), a.Replay, a.Try,
		storage.Micros(a.At), a.Took.Microseconds(), a.Status, a.Answer, a.Error, string(a.Result), storage.Micros(a.Next))
	return err
}

// Note adds an attempt that moves nothing; see webhook.Log.
func (s *Store) Note(ctx context.Context, a webhook.Attempt) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error { return s.note(ctx, a) })
}

// Attempts lists the log, newest first; see webhook.Log.
func (s *Store) Attempts(ctx context.Context, q webhook.Query) ([]webhook.Attempt, error) {
	return storage.All(ctx, s.db, scanAttempt, `SELECT `+attemptColumns+` FROM webhook_attempt WHERE endpoint = $1
		AND ($2 = '' OR result = $3) AND ($4 = '' OR message = $5) AND ($6 = '' OR id < $7) ORDER BY id DESC LIMIT $8`,
		q.Endpoint, string(q.Result), string(q.Result), q.Message, q.Message, q.Before, q.Before, q.Limit)
}

// Attempt is one; see webhook.Log.
func (s *Store) Attempt(ctx context.Context, id string) (webhook.Attempt, error) {
	a, err := storage.One(ctx, s.db, scanAttempt, `SELECT `+attemptColumns+` FROM webhook_attempt WHERE id = $1`, id)
	if mainstay.Is(err, mainstay.NotFound) {
		err = mainstay.Errorf(mainstay.NotFound, "There is no such delivery, or it is older than the log.")
	}
	return a, err
}

// Prune removes old attempts; see webhook.Log.
func (s *Store) Prune(ctx context.Context, before time.Time, limit int) (n int64, err error) {
	err = s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		n, err = s.db.Exec(ctx, `DELETE FROM webhook_attempt WHERE id IN (SELECT id FROM webhook_attempt WHERE at < $1 ORDER BY at LIMIT $2)`,
			storage.Micros(before), limit)
		return err
	})
	return n, err
}

var (
	_ webhook.Store   = (*Store)(nil)
	_ webhook.Replays = (*Store)(nil)
	_ webhook.Log     = (*Store)(nil)
	_ webhook.Queue   = (*Store)(nil)
)
