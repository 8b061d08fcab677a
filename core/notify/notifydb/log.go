package notifydb

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/storage"
)

// Deliveries reads the log, newest first; see notify.Log.
func (s *Store) Deliveries(ctx context.Context, f notify.Filter) ([]notify.Delivery, error) {
	var where []string
	var args []any
	add := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(condition, fmt.Sprintf("$%d", len(args))))
	}
	if f.Projects != nil {
		args = append(args, storage.List(f.Projects))
		where = append(where, s.db.In("project", fmt.Sprintf("$%d", len(args))))
	}
	if !f.Subject.IsZero() {
		add("subject = %s", f.Subject.String())
	}
	if f.Notices != nil {
		args = append(args, storage.List(f.Notices))
		where = append(where, s.db.In("notice", fmt.Sprintf("$%d", len(args))))
	}
	if f.Person != "" {
		add("person = %s", f.Person)
	}
	if f.Channel != "" {
		add("channel = %s", f.Channel)
	}
	if f.State != "" {
		add("state = %s", string(f.State))
	}
	if f.Before != "" {
		add("id < %s", f.Before)
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	args = append(args, min(limit, 1000))
	query := `SELECT ` + columns + ` FROM delivery`
	if len(where) > 0 {
		query += ` WHERE ` + strings.Join(where, " AND ")
	}
	return storage.All(ctx, s.db, scan, query+fmt.Sprintf(` ORDER BY id DESC LIMIT $%d`, len(args)), args...)
}

// Delivery is one by its id; see notify.Log.
func (s *Store) Delivery(ctx context.Context, id string) (notify.Delivery, error) {
	return storage.One(ctx, s.db, scan, `SELECT `+columns+` FROM delivery WHERE id = $1`, id)
}

// Prune deletes ended deliveries that were planned before the time, oldest first and at most limit of them, and notices that
// have none left. It returns how many deliveries went; the caller goes on until there are none, in transactions of their own.
func (s *Store) Prune(ctx context.Context, before time.Time, limit int) (int64, error) {
	var n int64
	err := s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		notices, err := storage.All(ctx, s.db, storage.Value[string], `DELETE FROM delivery WHERE id IN (SELECT id FROM delivery
			WHERE planned < $1 AND state NOT IN ('planned', 'leased') ORDER BY id LIMIT $2) RETURNING notice`, storage.Micros(before), limit)
		if err != nil {
			return err
		}
		n = int64(len(notices))
		_, err = s.db.Exec(ctx, `DELETE FROM notice WHERE `+s.db.In("id", "$1")+
			` AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.notice = notice.id)`, storage.List(notices))
		return err
	})
	return n, err
}
