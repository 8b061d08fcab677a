// Package notifydb keeps notices and their deliveries in the database. It never sends one and never decides about one; it
// applies the rules of notify within the transactions of others.
package notifydb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of notices and deliveries.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "notify", Files: sub}
}

// Config is what the store stands on. People and Time must be given.
type Config struct {
	People    notify.People
	Available notify.Available // default: every channel is
	Time      mainstay.Timekeeper
	Log       *slog.Logger
	// PerHour is how many messages that are not urgent one address gets in an hour; what is more is suppressed and says so.
	// Default 60. Urgent ones are never held back.
	PerHour int
}

// Store keeps deliveries. It implements notify.Store, notify.Log and, by SaveNotices, the writer of notices for commitdb.
type Store struct {
	db    *storage.DB
	saver *commitdb.Saver
	cfg   Config

	mu   sync.Mutex
	wake []func([]notify.Delivery)
}

// New makes the store and listens for writes of other processes. saver writes the facts about deliveries.
func New(db *storage.DB, saver *commitdb.Saver, cfg Config) (*Store, error) {
	if cfg.People == nil || cfg.Time == nil {
		return nil, errors.New("notifydb: the store needs people and a timekeeper")
	}
	if cfg.Available == nil {
		cfg.Available = func(string) string { return "" }
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.PerHour <= 0 {
		cfg.PerHour = 60
	}
	s := &Store{db: db, saver: saver, cfg: cfg}
	db.OnForeign(func() { s.changed(nil) })
	return s, nil
}

// Changed registers a function that is called after every commit that planned deliveries; see notify.Store.
func (s *Store) Changed(wake func([]notify.Delivery)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake = append(s.wake, wake)
}

func (s *Store) changed(list []notify.Delivery) {
	s.mu.Lock()
	wake := s.wake
	s.mu.Unlock()
	for _, f := range wake {
		f(list)
	}
}

// plannedKey collects what a transaction planned, to hand it to the engine in one piece after the commit.
type plannedKey struct{}

type planned struct{ list []notify.Delivery }

func (s *Store) announce(ctx context.Context, list []notify.Delivery) {
	if len(list) == 0 {
		return
	}
	tx := storage.Current(ctx)
	made := false
	p := tx.Local(plannedKey{}, func() any { made = true; return &planned{} }).(*planned)
	p.list = append(p.list, list...)
	if made {
		tx.AfterCommit(func() { s.changed(p.list) })
	}
}

// SaveNotices plans the deliveries of notices in the write transaction that ctx carries. A notice whose key was used before
// changes nothing.
func (s *Store) SaveNotices(ctx context.Context, list []commit.Notice) error {
	people := map[string]notify.Recipient{} // one notice each for many steps asks once
	var facts []fact.Fact
	for _, n := range list {
		f, err := s.saveNotice(ctx, n, people)
		if err != nil {
			return fmt.Errorf("planning the notice %q: %w", n.Key, err)
		}
		facts = append(facts, f...)
	}
	if len(facts) == 0 {
		return nil
	}
	return s.saver.Save(ctx, commit.Set{Facts: facts})
}

func (s *Store) saveNotice(ctx context.Context, n commit.Notice, people map[string]notify.Recipient) ([]fact.Fact, error) {
	if n.Key == "" || n.Person == "" && n.Address == "" {
		return nil, errors.New("a notice needs a key and a person or an address")
	}
	if n.Project == "" {
		n.Project = mainstay.Installation
	}
	now := n.At
	if now.IsZero() {
		now = s.cfg.Time.Now()
	}
	id := mainstay.NewID(now)
	read := time.Time{}
	if n.Template == notify.TemplatePageResolved || n.Person == "" {
		read = now // it asks for nothing, so the bell does not count it
	}
	fresh, err := s.db.Exec(ctx, `INSERT INTO notice (id, key, project, subject, person, channel, address, template, data, urgent, at, read_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`,
		id, n.Key, n.Project, n.Subject.String(), n.Person, n.Channel, n.Address, n.Template, string(n.Data), n.Urgent, storage.Micros(now), storage.Micros(read))
	if err != nil || fresh == 0 {
		return nil, err
	}
	who, err := s.recipient(ctx, n, people)
	if err != nil {
		return nil, err
	}
	return s.plan(ctx, notify.Plan(n, id, who, s.cfg.Available, now))
}

func (s *Store) recipient(ctx context.Context, n commit.Notice, people map[string]notify.Recipient) (notify.Recipient, error) {
	if n.Address != "" {
		return notify.Recipient{}, nil
	}
	if who, ok := people[n.Person]; ok {
		return who, nil
	}
	who, err := s.cfg.People.Recipient(ctx, n.Person)
	if mainstay.Is(err, mainstay.NotFound) {
		who, err = notify.Recipient{ID: n.Person, Blocked: "there is no such person any more"}, nil
	}
	if err == nil {
		people[n.Person] = who
	}
	return who, err
}

// plan inserts deliveries, throttles those that are not urgent, and returns the facts about what is suppressed.
func (s *Store) plan(ctx context.Context, list []notify.Delivery) ([]fact.Fact, error) {
	var facts []fact.Fact
	var open []notify.Delivery
	for _, d := range list {
		if d.State == notify.Planned && !d.Urgent {
			reason, err := s.throttled(ctx, d)
			if err != nil {
				return nil, err
			}
			if reason != "" {
				d.State, d.Reason, d.Ended, d.Next = notify.Suppressed, reason, d.Planned, time.Time{}
			}
		}
		fresh, err := s.insert(ctx, d)
		if err != nil {
			return nil, err
		}
		switch {
		case fresh == 0:
		case d.State == notify.Suppressed:
			facts = append(facts, suppressed(d, d.Planned))
		default:
			open = append(open, d)
		}
	}
	s.announce(ctx, open)
	return facts, nil
}

func (s *Store) throttled(ctx context.Context, d notify.Delivery) (string, error) {
	n, err := storage.One(ctx, s.db, storage.Value[int64],
		`SELECT count(*) FROM delivery WHERE address = $1 AND planned > $2 AND channel = $3 AND state <> 'suppressed' AND NOT urgent`,
		d.Address, storage.Micros(d.Planned.Add(-time.Hour)), d.Channel)
	if err != nil || n < int64(s.cfg.PerHour) {
		return "", err
	}
	return fmt.Sprintf("throttled: the address got %d messages within an hour", n), nil
}

func (s *Store) insert(ctx context.Context, d notify.Delivery) (int64, error) {
	return s.db.Exec(ctx, `INSERT INTO delivery (`+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22) ON CONFLICT DO NOTHING`,
		d.ID, d.Key, d.Notice, d.Project, d.Subject.String(), d.Person, d.Channel, d.Address, d.Template, d.Urgent, d.Zone,
		string(d.State), d.Attempts, storage.Micros(d.Planned), storage.Micros(d.Next), storage.Micros(d.Began), storage.Micros(d.Ended),
		d.Error, d.Answer, d.Reason, d.Instead, d.Relieved)
}

const columns = `id, key, notice, project, subject, person, channel, address, template, urgent, zone, state, attempts, planned, next,
	began, ended, error, answer, reason, instead, relieved`

func scan(sc storage.Scanner) (notify.Delivery, error) {
	var d notify.Delivery
	var subject string
	err := sc(&d.ID, &d.Key, &d.Notice, &d.Project, &subject, &d.Person, &d.Channel, &d.Address, &d.Template, &d.Urgent, &d.Zone,
		&d.State, &d.Attempts, storage.Into(&d.Planned), storage.Into(&d.Next), storage.Into(&d.Began), storage.Into(&d.Ended),
		&d.Error, &d.Answer, &d.Reason, &d.Instead, &d.Relieved)
	d.Subject = mainstay.ParseRef(subject)
	return d, err
}

// actor is who acts when a delivery goes its way.
var actor = mainstay.System("notify")

func about(d notify.Delivery) []mainstay.Ref {
	refs := []mainstay.Ref{{Kind: mainstay.KindNotification, ID: d.ID}, d.Subject}
	if d.Person != "" {
		refs = append(refs, mainstay.Ref{Kind: mainstay.KindPerson, ID: d.Person})
	}
	return refs
}

func suppressed(d notify.Delivery, now time.Time) fact.Fact {
	return fact.New(now, d.Project, actor, fact.NotificationSuppressed{
		Person: d.Person, Channel: d.Channel, Template: d.Template, Reason: d.Reason,
	}, about(d)...)
}

func failed(o notify.Outcome, over bool) fact.Fact {
	d := o.Delivery
	return fact.New(o.At, d.Project, actor, fact.NotificationFailed{
		Notification: d.ID, Person: d.Person, Channel: d.Channel, Template: d.Template, Attempts: d.Attempts, Reason: o.Error, FailedOver: over,
	}, about(d)...)
}

func sent(o notify.Outcome) fact.Fact {
	d := o.Delivery
	return fact.New(o.At, d.Project, actor, fact.NotificationSent{
		Notification: d.ID, Person: d.Person, Channel: d.Channel, Template: d.Template, Attempts: d.Attempts,
	}, about(d)...)
}

// Send plans notices in a transaction of its own.
func (s *Store) Send(ctx context.Context, list []commit.Notice) error {
	return s.db.Write(ctx, storage.Urgent, func(ctx context.Context) error { return s.SaveNotices(ctx, list) })
}
