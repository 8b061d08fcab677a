package peopledb

import (
	"context"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/storage"
)

// DeleteTeam removes a team and its memberships; see people.Store.
func (s *Store) DeleteTeam(ctx context.Context, id string, f func(people.Team) (commit.Set, error)) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		list, err := storage.All(ctx, s.db, scanTeam, selectTeam+` WHERE id = $1`+s.db.Locking(), id)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return mainstay.Errorf(mainstay.NotFound, "There is no such team.")
		}
		if err := storage.Holds(ctx, id, list[0].Version); err != nil {
			return err
		}
		set, err := f(list[0])
		if err != nil {
			return err
		}
		for _, query := range []string{`DELETE FROM team_member WHERE team = $1`, `DELETE FROM team WHERE id = $1`} {
			if _, err := s.db.Exec(ctx, query, id); err != nil {
				return err
			}
		}
		return s.saver.Save(ctx, set)
	})
}
