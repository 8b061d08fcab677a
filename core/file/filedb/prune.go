package filedb

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/storage"
)

// PruneOf removes exhibits of a project that were kept before the time, with their entries in the register, at most limit, in the write
// transaction that ctx carries. Their contents are removed by the next sweep, unless another exhibit has the same.
func (s *Store) PruneOf(ctx context.Context, project string, before time.Time, limit int) (int64, error) {
	list, err := storage.All(ctx, s.db, scan, `SELECT `+columns+` FROM exhibit WHERE project = $1 AND at < $2 ORDER BY id LIMIT $3`,
		project, storage.Micros(before), limit)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	var set commit.Set
	for _, e := range list {
		if _, err := s.db.Exec(ctx, `DELETE FROM exhibit WHERE id = $1`, e.ID); err != nil {
			return 0, err
		}
		set.Objects = append(set.Objects, commit.Object{Ref: e.Object().Ref, Project: e.Project, Deleted: true, At: e.At})
	}
	return int64(len(list)), s.saver.Save(ctx, set)
}
