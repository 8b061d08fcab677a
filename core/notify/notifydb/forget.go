package notifydb

import (
	"context"
	"encoding/json"
	"strings"
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

var like = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// Rewrite has f look at the data of every notice that holds one of the texts, as JSON writes them, and keeps what it makes of it; it
// returns how many it changed. It reads outside of transactions and writes in short ones.
func (s *Store) Rewrite(ctx context.Context, texts []string, f func(json.RawMessage) (json.RawMessage, bool)) (changed int64, err error) {
	type row struct{ id, data string }
	for _, text := range texts {
		for after := ""; ; {
			list, err := storage.All(ctx, s.db, func(sc storage.Scanner) (row, error) {
				var r row
				err := sc(&r.id, &r.data)
				return r, err
			}, `SELECT id, data FROM notice WHERE id > $1 AND data LIKE $2 ESCAPE '\' ORDER BY id LIMIT 100`, after, "%"+like.Replace(text)+"%")
			if err != nil {
				return changed, err
			}
			if len(list) == 0 {
				break
			}
			after = list[len(list)-1].id
			err = s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
				for _, r := range list {
					data, differs := f(json.RawMessage(r.data))
					if !differs {
						continue
					}
					changed++
					if _, err := s.db.Exec(ctx, `UPDATE notice SET data = $1 WHERE id = $2`, string(data), r.id); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return changed, err
			}
		}
	}
	return changed, nil
}
