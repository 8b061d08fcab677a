package notifydb

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/storage"
)

// PruneOf removes entries of a project's log, or of the installation's, that ended and were planned before the time, at most limit, in the
// write transaction that ctx carries. Notices of which nothing is left go with them.
func (s *Store) PruneOf(ctx context.Context, project string, before time.Time, limit int) (int64, error) {
	other := project
	if project == mainstay.Installation {
		other = ""
	}
	notices, err := storage.All(ctx, s.db, storage.Value[string], `DELETE FROM delivery WHERE id IN (SELECT id FROM delivery
		WHERE (project = $1 OR project = $2) AND planned < $3 AND state NOT IN ('planned', 'leased') ORDER BY id LIMIT $4) RETURNING notice`,
		project, other, storage.Micros(before), limit)
	if err != nil || len(notices) == 0 {
		return 0, err
	}
	_, err = s.db.Exec(ctx, `DELETE FROM notice WHERE `+s.db.In("id", "$1")+
		` AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.notice = notice.id)`, storage.List(notices))
	return int64(len(notices)), err
}
