package warningdb

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/storage"
)

// Reach is the number of the first alert that was created at t or later, one past the last when there is none. Numbers ascend with the
// time, so it takes a few looks.
func (s *Store) Reach(ctx context.Context, t time.Time) (int64, error) {
	low, high, err := s.ends(ctx)
	for err == nil && low < high {
		middle := low + (high-low)/2
		var found []struct{ number, created int64 }
		found, err = storage.All(ctx, s.db, func(sc storage.Scanner) (struct{ number, created int64 }, error) {
			var v struct{ number, created int64 }
			err := sc(&v.number, &v.created)
			return v, err
		}, `SELECT number, created_at FROM alert WHERE number >= $1 ORDER BY number LIMIT 1`, middle)
		switch {
		case err != nil:
		case len(found) == 0 || found[0].created >= storage.Micros(t):
			high = middle
		default:
			low = found[0].number + 1
		}
	}
	return low, err
}

func (s *Store) ends(ctx context.Context) (first, beyond int64, err error) {
	first, err = storage.One(ctx, s.db, storage.Value[int64], `SELECT coalesce(min(number), 1) FROM alert`)
	if err == nil {
		beyond, err = storage.One(ctx, s.db, storage.Value[int64], `SELECT coalesce(max(number), 0) + 1 FROM alert`)
	}
	return first, beyond, err
}

// Over lists alerts that are over, by number, those after one and before another, at most limit.
func (s *Store) Over(ctx context.Context, after, before int64, limit int) ([]*warning.Alert, error) {
	return storage.All(ctx, s.db, scanAlert, `SELECT `+alertColumns+alertFrom+`
		WHERE number > $1 AND number < $2 AND state = 'resolved' ORDER BY number LIMIT $3`, after, before, limit)
}

// Remove removes alerts that are over, in the write transaction that ctx carries, and returns how many there were. The writer knows
// nothing of them any more.
func (s *Store) Remove(ctx context.Context, numbers []int64) (n int64, err error) {
	for _, number := range numbers {
		gone, err := s.db.Exec(ctx, `DELETE FROM alert WHERE number = $1 AND state = 'resolved'`, number)
		if err != nil {
			return n, err
		}
		n += gone
	}
	return n, nil
}
