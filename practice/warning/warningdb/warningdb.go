// Package warningdb keeps alerts, routes and heartbeats in the database. It never decides what a signal means.
package warningdb

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/core/intake/intakedb"
	"github.com/mainstayhq/mainstay/core/object/objectdb"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the practice's tables.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "warning", Files: sub}
}

// Store implements all that warning needs of the database.
type Store struct {
	db      *storage.DB
	saver   *commitdb.Saver
	objects *objectdb.Store
	inbox   *intakedb.Store

	origins origins

	mu   sync.Mutex
	wake []func()
}

// New makes the store and listens for writes of other processes.
func New(db *storage.DB, saver *commitdb.Saver, objects *objectdb.Store, inbox *intakedb.Store) *Store {
	s := &Store{db: db, saver: saver, objects: objects, inbox: inbox}
	db.OnForeign(s.changed)
	return s
}

// Changed registers a function; see warning.RouteStore.
func (s *Store) Changed(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake = append(s.wake, f)
}

func (s *Store) changed() {
	s.mu.Lock()
	wake := s.wake
	s.mu.Unlock()
	for _, f := range wake {
		f()
	}
}

// alertColumns and alertFrom read alerts; the columns of alert_origin have names of their own.
const (
	alertColumns = `number, created_at, closed_at, project, service, fingerprint, state, severity, starts_at, ends_at, updated_at, timeout,
		reason, labels, annotations, generator_url, format, key_id, route, policy, why, seq`
	alertFrom = ` FROM alert JOIN alert_origin ON alert_origin.id = alert.origin`
)

const alertWidth = 15

var alertInserts = storage.NewInserts(`INSERT INTO alert (number, created_at, closed_at, origin, fingerprint, state, starts_at, ends_at,
	updated_at, timeout, reason, seq, labels, annotations, generator_url) VALUES`, alertWidth, "")

func scanAlert(s storage.Scanner) (*warning.Alert, error) {
	var a warning.Alert
	var fingerprint int64
	err := s(&a.Number, storage.Into(&a.Created), storage.Into(&a.Closed), &a.Project, &a.Service, &fingerprint, &a.State, &a.Severity,
		storage.Into(&a.StartsAt), storage.Into(&a.EndsAt), storage.Into(&a.UpdatedAt), &a.Timeout,
		&a.Reason, &a.Labels, &a.Annotations, &a.GeneratorURL, &a.Format, &a.Key, &a.Route, &a.Policy, &a.Why, &a.Seq)
	a.Fingerprint = uint64(fingerprint) //nolint:gosec // the same 64 bits
	return &a, err
}

// bareColumns and scanBare read alerts without a join, whose plan a database may choose badly: what they have in common is at hand.
const bareColumns = `number, created_at, closed_at, origin, fingerprint, state, starts_at, ends_at, updated_at, timeout, reason, seq,
	labels, annotations, generator_url`

func scanBare(from map[int64]origin) func(storage.Scanner) (*warning.Alert, error) {
	return func(sc storage.Scanner) (*warning.Alert, error) {
		var a warning.Alert
		var created, closed, starts, ends, updated, fingerprint, id int64
		err := sc(&a.Number, &created, &closed, &id, &fingerprint, &a.State, &starts, &ends, &updated, &a.Timeout, &a.Reason, &a.Seq,
			&a.Labels, &a.Annotations, &a.GeneratorURL)
		o, known := from[id]
		if err == nil && !known {
			err = fmt.Errorf("alert %d is of the origin %d, which is missing", a.Number, id)
		}
		a.Project, a.Service, a.Severity, a.Format, a.Key, a.Route, a.Policy, a.Why = o.project, o.service, o.severity, o.format, o.key, o.route, o.policy, o.why
		a.Created, a.Closed, a.StartsAt = storage.Time(created), storage.Time(closed), storage.Time(starts)
		a.EndsAt, a.UpdatedAt = storage.Time(ends), storage.Time(updated)
		a.Fingerprint = uint64(fingerprint) //nolint:gosec // the same 64 bits
		return &a, err
	}
}

func alertValues(args []any, a *warning.Alert, origin int64) []any {
	return append(args, a.Number, storage.Micros(a.Created), storage.Micros(a.Closed), origin, int64(a.Fingerprint), //nolint:gosec // the same 64 bits
		string(a.State), storage.Micros(a.StartsAt), storage.Micros(a.EndsAt), storage.Micros(a.UpdatedAt), a.Timeout,
		a.Reason, a.Seq, a.Labels, a.Annotations, a.GeneratorURL)
}

// Commit saves a transaction of the writer; see warning.Writing.
func (s *Store) Commit(ctx context.Context, c *warning.Changes) error {
	err := s.db.Write(ctx, storage.Urgent, func(ctx context.Context) error { return s.save(ctx, c) })
	if err != nil {
		s.origins = origins{} // the commit may have happened all the same
	}
	return err
}

func (s *Store) save(ctx context.Context, c *warning.Changes) error {
	if n := len(c.Fired); n > 0 {
		first, err := s.objects.NextNumbers(ctx, mainstay.KindAlert, n)
		if err != nil {
			return err
		}
		from, err := s.originIDs(ctx, c.Fired)
		if err != nil {
			return err
		}
		args := make([]any, 0, n*alertWidth)
		for i, a := range c.Fired {
			a.Number = first + int64(i)
			args = alertValues(args, a, from[i])
		}
		if err := alertInserts.Exec(ctx, s.db, args); err != nil {
			return err
		}
	}
	for _, a := range c.Ended {
		if err := s.endAlert(ctx, a); err != nil {
			return err
		}
	}
	if len(c.Batches) > 0 {
		if err := s.inbox.Put(ctx, c.Seq, c.Batches); err != nil {
			return err
		}
	}
	set := c.Facts()
	for _, b := range c.Beats {
		t, err := s.beat(ctx, b)
		if err != nil {
			return err
		}
		set.Timers = append(set.Timers, t...)
	}
	return s.saver.Save(ctx, set)
}

func (s *Store) endAlert(ctx context.Context, a *warning.Alert) error {
	_, err := s.db.Exec(ctx, `UPDATE alert SET state = $1, starts_at = $2, ends_at = $3, updated_at = $4, timeout = $5, reason = $6,
		annotations = $7, generator_url = $8, seq = $9, closed_at = $10 WHERE number = $11`,
		string(a.State), storage.Micros(a.StartsAt), storage.Micros(a.EndsAt), storage.Micros(a.UpdatedAt), a.Timeout, a.Reason,
		a.Annotations, a.GeneratorURL, a.Seq, storage.Micros(a.Closed), a.Number)
	return err
}

// beat records a sign of life and returns its timer.
func (s *Store) beat(ctx context.Context, b warning.Beaten) ([]timer.Timer, error) {
	if b.ToldID != "" {
		_, err := s.db.Exec(ctx, `UPDATE heartbeat SET told = TRUE WHERE id = $1`, b.ToldID)
		return nil, err
	}
	every := b.Every
	if every == 0 {
		every = warning.DefaultEvery
	}
	h, err := storage.One(ctx, s.db, scanBeat, `INSERT INTO heartbeat (`+beatColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (project, name) DO UPDATE SET service = excluded.service, state = excluded.state, last_at = excluded.last_at,
			told = excluded.told, every = CASE WHEN $9 THEN excluded.every ELSE heartbeat.every END
		RETURNING `+beatColumns,
		b.ID, b.Project, b.Service, b.Name, every.Microseconds(), string(b.State), storage.Micros(b.LastAt), b.Told, b.Every != 0)
	if err != nil {
		return nil, err
	}
	return []timer.Timer{{Kind: warning.MissedTimer, Subject: h.ID, Project: h.Project, Due: h.Due()}}, nil
}

// LoadOpen reads open rows; see warning.Writing.
func (s *Store) LoadOpen(ctx context.Context, after int64, limit int, f func(*warning.Alert)) (int, error) {
	from, _, err := s.originsOf(ctx, warning.Query{})
	if err != nil {
		return 0, err
	}
	scan := scanBare(from)
	list, err := storage.All(ctx, s.db, func(sc storage.Scanner) (struct{}, error) {
		a, err := scan(sc)
		if err == nil {
			f(a)
		}
		return struct{}{}, err
	}, `SELECT `+bareColumns+` FROM alert WHERE state <> 'resolved' AND number > $1 ORDER BY number LIMIT $2`, after, limit)
	return len(list), err
}

// Inbox lists entries; see warning.Writing.
func (s *Store) Inbox(ctx context.Context, after int64, limit int) ([]warning.Entry, error) {
	list, err := s.inbox.Moved(ctx, after, limit)
	entries := make([]warning.Entry, len(list))
	for i := range list {
		entries[i] = warning.Entry(list[i])
	}
	return entries, err
}

const checkpoint = "open"

// Position returns the inbox's last sequence and the checkpoint; see warning.Writing.
func (s *Store) Position(ctx context.Context) (last, reached int64, err error) {
	err = s.db.View(ctx, func(ctx context.Context) error {
		if last, err = s.inbox.LastSeq(ctx); err != nil {
			return err
		}
		reached, err = storage.One(ctx, s.db, storage.Value[int64], `SELECT coalesce(max(seq), 0) FROM alert_checkpoint WHERE name = $1`, checkpoint)
		return err
	})
	return max(last, reached), reached, err // an inbox that was pruned empty must not start again at 1
}

// SaveOpen writes where open alerts stand; see warning.Writing.
func (s *Store) SaveOpen(ctx context.Context, alerts []*warning.Alert, reached int64) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		for _, a := range alerts {
			if err := s.endAlert(ctx, a); err != nil {
				return err
			}
		}
		if reached == 0 {
			return nil
		}
		_, err := s.db.Exec(ctx, `INSERT INTO alert_checkpoint (name, seq) VALUES ($1, $2)
			ON CONFLICT (name) DO UPDATE SET seq = excluded.seq`, checkpoint, reached)
		return err
	})
}

// Prune removes old inbox entries; see warning.Writing.
func (s *Store) Prune(ctx context.Context, before time.Time, reached int64, limit int) (n int64, err error) {
	err = s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		n, err = s.inbox.Prune(ctx, before, reached, limit)
		return err
	})
	return n, err
}

// Alerts lists rows; see warning.Reading.
func (s *Store) Alerts(ctx context.Context, q warning.Query) (list []*warning.Alert, err error) {
	err = s.db.View(ctx, func(ctx context.Context) error { // rows and origins of one moment
		list, err = s.alerts(ctx, q)
		return err
	})
	return list, err
}

func (s *Store) alerts(ctx context.Context, q warning.Query) ([]*warning.Alert, error) {
	from, all, err := s.originsOf(ctx, q)
	if err != nil || len(from) == 0 {
		return []*warning.Alert{}, err
	}
	where, args := `number > $1`, []any{int64(0)}
	add := func(cond string, arg any) {
		args = append(args, arg)
		where += " AND " + cond + placeholder(len(args))
	}
	if q.Before > 0 {
		add("number < ", q.Before)
	}
	if !all {
		ids := make([]string, 0, len(from))
		for id := range from {
			ids = append(ids, strconv.FormatInt(id, 10))
		}
		args = append(args, storage.List(ids))
		where += " AND " + s.db.In("CAST(origin AS TEXT)", placeholder(len(args)))
	}
	if q.Open && q.State == "" {
		where += ` AND state <> 'resolved'`
	}
	switch q.State {
	case "":
	case warning.Resolved:
		where += ` AND state = 'resolved'`
	default:
		where += ` AND state <> 'resolved'` // so that the index of open alerts serves
		add("state = ", string(q.State))
	}
	args = append(args, q.Limit)
	return storage.All(ctx, s.db, scanBare(from), `SELECT `+bareColumns+` FROM alert WHERE `+where+` ORDER BY number DESC LIMIT `+
		placeholder(len(args)), args...)
}

// Moments are when the facts about an alert's state were recorded; see journal.Sparse.
func (s *Store) Moments(ctx context.Context, id string) (project string, at []time.Time, err error) {
	number, ok := warning.NumberOf(id)
	if !ok {
		return "", nil, nil
	}
	list, err := storage.All(ctx, s.db, scanAlert, `SELECT `+alertColumns+alertFrom+` WHERE number = $1`, number)
	if err != nil || len(list) == 0 || list[0].ID() != id {
		return "", nil, err
	}
	at = append(at, list[0].Created)
	if !list[0].Closed.IsZero() {
		at = append(at, list[0].Closed)
	}
	return list[0].Project, at, nil
}

// AlertByNumber finds a row; see warning.Reading.
func (s *Store) AlertByNumber(ctx context.Context, number int64) (*warning.Alert, error) {
	return storage.One(ctx, s.db, scanAlert, `SELECT `+alertColumns+alertFrom+` WHERE number = $1`, number)
}

var (
	_ warning.Writing        = (*Store)(nil)
	_ warning.Reading        = (*Store)(nil)
	_ warning.RouteStore     = (*Store)(nil)
	_ warning.HeartbeatStore = (*Store)(nil)
)
