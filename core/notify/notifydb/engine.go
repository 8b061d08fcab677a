package notifydb

import (
	"context"
	"fmt"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/storage"
)

// Open lists deliveries that are planned or leased, by id; see notify.Store.
func (s *Store) Open(ctx context.Context, after string, limit int) ([]notify.Delivery, error) {
	return storage.All(ctx, s.db, scan,
		`SELECT `+columns+` FROM delivery WHERE state IN ('planned', 'leased') AND id > $1 ORDER BY id LIMIT $2`, after, limit)
}

// Lease marks deliveries as being sent; see notify.Store.
func (s *Store) Lease(ctx context.Context, list []notify.Delivery, now time.Time) ([]notify.Parcel, error) {
	class := storage.Normal
	for _, d := range list {
		if d.Urgent {
			class = storage.Urgent
		}
	}
	var parcels []notify.Parcel
	err := s.db.Write(ctx, class, func(ctx context.Context) error {
		for _, d := range list {
			got, err := storage.All(ctx, s.db, scan, `UPDATE delivery SET state = 'leased', attempts = attempts + 1, began = $1
				WHERE id = $2 AND attempts = $3 AND state IN ('planned', 'leased') RETURNING `+columns,
				storage.Micros(now), d.ID, d.Attempts)
			if err != nil {
				return err
			}
			if len(got) == 0 {
				continue
			}
			data, err := storage.One(ctx, s.db, storage.Value[string], `SELECT data FROM notice WHERE id = $1`, d.Notice)
			if err != nil {
				return err
			}
			parcels = append(parcels, notify.Parcel{Delivery: got[0], Data: []byte(data)})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return parcels, nil
}

// Record writes what attempts came to; see notify.Store.
func (s *Store) Record(ctx context.Context, list []notify.Outcome) error {
	return s.db.Write(ctx, storage.Urgent, func(ctx context.Context) error {
		var set commit.Set
		for _, o := range list {
			facts, err := s.recordOne(ctx, o)
			if err != nil {
				return fmt.Errorf("recording the delivery %s: %w", o.Delivery.ID, err)
			}
			set.Facts = append(set.Facts, facts...)
		}
		return s.saver.Save(ctx, set)
	})
}

func (s *Store) recordOne(ctx context.Context, o notify.Outcome) ([]fact.Fact, error) {
	d := o.Delivery
	ended := o.At
	if o.State == notify.Planned {
		ended = time.Time{}
	}
	var n int64
	var err error
	if o.Held { // it was not tried: it is as it was, or has been leased or ended meanwhile
		n, err = s.db.Exec(ctx, `UPDATE delivery SET state = $1, ended = $2, error = $3
			WHERE id = $4 AND attempts = $5 AND state IN ('planned', 'leased')`,
			string(o.State), storage.Micros(ended), o.Error, d.ID, d.Attempts)
	} else {
		n, err = s.db.Exec(ctx, `UPDATE delivery SET state = $1, next = $2, ended = $3, error = $4, answer = $5
			WHERE id = $6 AND attempts = $7 AND state = 'leased'`,
			string(o.State), storage.Micros(o.Next), storage.Micros(ended), o.Error, o.Answer, d.ID, d.Attempts)
	}
	if err == nil && n == 0 { // recorded before, and the answer to the first try was lost: the engine may have missed a relief
		storage.Current(ctx).AfterCommit(func() { s.changed(nil) })
	}
	if err != nil || n == 0 {
		return nil, err
	}
	var facts []fact.Fact
	over := d.Relieved
	if o.Relieve {
		relief, more, err := s.relieve(ctx, o)
		if err != nil {
			return nil, err
		}
		over = over || relief
		facts = append(facts, more...)
	}
	switch o.State {
	case notify.Sent, notify.Confirmed:
		facts = append(facts, sent(o))
	case notify.Failed:
		facts = append(facts, failed(o, over))
	}
	return facts, nil
}

// relieve lets the person's next method take over. It reports whether there is one.
func (s *Store) relieve(ctx context.Context, o notify.Outcome) (bool, []fact.Fact, error) {
	d := o.Delivery
	if d.Person == "" {
		return false, nil, nil
	}
	who, err := s.cfg.People.Recipient(ctx, d.Person)
	if mainstay.Is(err, mainstay.NotFound) {
		return false, nil, nil
	}
	if err != nil {
		return false, nil, err
	}
	n, err := storage.One(ctx, s.db, func(sc storage.Scanner) (commit.Notice, error) {
		var n commit.Notice
		err := sc(&n.Key, &n.Address)
		return n, err
	}, `SELECT key, address FROM notice WHERE id = $1`, d.Notice)
	if err != nil || n.Address != "" { // it was meant for that address alone
		return false, nil, err
	}
	had, err := storage.All(ctx, s.db, scan, `SELECT `+columns+` FROM delivery WHERE notice = $1`, d.Notice)
	if err != nil {
		return false, nil, err
	}
	next, ok := notify.Relief(d, n.Key, who, had, s.cfg.Available, o.At)
	if !ok {
		return false, nil, nil
	}
	if _, err := s.db.Exec(ctx, `UPDATE delivery SET relieved = $1 WHERE id = $2`, true, d.ID); err != nil {
		return false, nil, err
	}
	facts, err := s.plan(ctx, []notify.Delivery{next})
	return true, facts, err
}

// Withdraw ends, with the reason, what was planned up to now and is not yet being sent about the subject from the template.
func (s *Store) Withdraw(ctx context.Context, subject mainstay.Ref, template, reason string, now time.Time) error {
	return s.db.Write(ctx, storage.Urgent, func(ctx context.Context) error {
		list, err := storage.All(ctx, s.db, scan, `UPDATE delivery SET state = 'suppressed', reason = $1, ended = $2
			WHERE subject = $3 AND template = $4 AND state = 'planned' AND planned <= $5 RETURNING `+columns,
			reason, storage.Micros(now), subject.String(), template, storage.Micros(now))
		if err != nil {
			return err
		}
		var set commit.Set
		for _, d := range list {
			set.Facts = append(set.Facts, suppressed(d, now))
		}
		return s.saver.Save(ctx, set)
	})
}

// Confirm notes that the person answered a message about the subject.
func (s *Store) Confirm(ctx context.Context, subject mainstay.Ref, person, channel, answer string) error {
	return s.db.Write(ctx, storage.Urgent, func(ctx context.Context) error {
		_, err := s.db.Exec(ctx, `UPDATE delivery SET state = 'confirmed', answer = $1
			WHERE subject = $2 AND person = $3 AND channel = $4 AND state = 'sent'`, answer, subject.String(), person, channel)
		return err
	})
}
