package intakedb

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay/storage"
)

// PruneOf removes up to limit of the oldest entries of a project that came before the time and not after the sequence, in the write
// transaction that ctx carries. It returns how many there were.
func (s *Store) PruneOf(ctx context.Context, project string, before time.Time, seq int64, limit int) (int64, error) {
	return s.db.Exec(ctx, `DELETE FROM inbox WHERE seq IN (
		SELECT seq FROM inbox WHERE project = $1 AND at < $2 AND seq <= $3 ORDER BY seq LIMIT $4)`,
		project, storage.Micros(before), seq, limit)
}
