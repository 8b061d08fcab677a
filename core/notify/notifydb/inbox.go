package notifydb

import (
	"context"
	"fmt"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/storage"
)

// shown is the condition that leaves out what holds a secret.
const shown = `template NOT IN ('invite', 'reset', 'verify')`

func scanTold(sc storage.Scanner) (notify.Told, error) {
	var t notify.Told
	var subject, data string
	err := sc(&t.ID, &t.Project, &subject, &t.Template, &data, &t.Urgent, storage.Into(&t.At), storage.Into(&t.Read))
	t.Subject, t.Data = mainstay.ParseRef(subject), []byte(data)
	return t, err
}

// Told lists what a person was told; see notify.Inbox.
func (s *Store) Told(ctx context.Context, f notify.TellFilter) ([]notify.Told, error) {
	where, args := `person = $1 AND `+shown, []any{f.Person}
	if f.Unread {
		where += ` AND read_at = 0`
	}
	add := func(cond string, v any) {
		args = append(args, v)
		where += fmt.Sprintf(` AND `+cond, len(args))
	}
	if f.ID != "" {
		add(`id = $%d`, f.ID)
	}
	if f.Before != "" {
		add(`id < $%d`, f.Before)
	}
	if f.Limit <= 0 {
		f.Limit = 50
	}
	args = append(args, min(f.Limit, 500))
	return storage.All(ctx, s.db, scanTold, `SELECT id, project, subject, template, data, urgent, at, read_at FROM notice WHERE `+where+
		fmt.Sprintf(` ORDER BY id DESC LIMIT $%d`, len(args)), args...)
}

// Unread counts; see notify.Inbox.
func (s *Store) Unread(ctx context.Context, person string, most int) (int, error) {
	n, err := storage.One(ctx, s.db, storage.Value[int64],
		`SELECT count(*) FROM (SELECT id FROM notice WHERE person = $1 AND read_at = 0 AND `+shown+` LIMIT $2) AS unread`, person, most)
	return int(n), err
}

// Read marks; see notify.Inbox.
func (s *Store) Read(ctx context.Context, person, id string, upTo, read bool, at time.Time) error {
	where := `person = $2 AND id = $3`
	if upTo {
		where = `person = $2 AND id <= $3`
	}
	if read {
		where += ` AND read_at = 0`
	} else {
		at = time.Time{}
	}
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		_, err := s.db.Exec(ctx, `UPDATE notice SET read_at = $1 WHERE `+where, storage.Micros(at), person, id)
		return err
	})
}

// Seen marks as read what somebody, or everybody, was told about a subject; see notify.Answering.
func (s *Store) Seen(ctx context.Context, subject mainstay.Ref, person, template string, at time.Time) error {
	where, args := `subject = $1 AND template = $2 AND read_at = 0`, []any{subject.String(), template, storage.Micros(at)}
	if person != "" {
		args = append(args, person)
		where += ` AND person = $4`
	}
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		_, err := s.db.Exec(ctx, `UPDATE notice SET read_at = $3 WHERE `+where, args...)
		return err
	})
}

var _ notify.Inbox = (*Store)(nil)
