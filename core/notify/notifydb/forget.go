package notifydb

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay/storage"
)

// Forget removes what notices to the person said, and the addresses they went to, within a transaction. That something was sent, when
// and how it ended stays. What still waited is not sent.
func (s *Store) Forget(ctx context.Context, person string, addresses []string, now time.Time) error {
	if _, err := s.db.Exec(ctx, `UPDATE delivery SET state = 'suppressed', reason = 'the personal data of the reader was erased', ended = $1, next = 0
		WHERE person = $2 AND state = 'planned'`, storage.Micros(now), person); err != nil {
		return err
	}
	if _, err := s.db.Exec(ctx, `UPDATE delivery SET address = '', error = '', answer = '', zone = '' WHERE person = $1`, person); err != nil {
		return err
	}
	if _, err := s.db.Exec(ctx, `UPDATE notice SET address = '', data = '{}' WHERE person = $1`, person); err != nil {
		return err
	}
	if len(addresses) == 0 {
		return nil
	}
	in := s.db.In("address", "$1")
	if _, err := s.db.Exec(ctx, `UPDATE delivery SET address = '', error = '', answer = '' WHERE `+in, storage.List(addresses)); err != nil {
		return err
	}
	_, err := s.db.Exec(ctx, `UPDATE notice SET address = '', data = '{}' WHERE `+in, storage.List(addresses))
	return err
}
