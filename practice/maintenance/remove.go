package maintenance

import (
	"context"

	"github.com/mainstayhq/mainstay"
)

// Remove cancels the window of that name of the project (by id): users are told so. NotFound when there is none that has not ended.
func (s *Service) Remove(ctx context.Context, by mainstay.Actor, project, name string) error {
	if project == "" {
		project = mainstay.Installation
	}
	list, err := s.cfg.Store.Windows(ctx, Query{Project: project, Name: name, Limit: 1})
	if err != nil {
		return err
	}
	if len(list) == 0 || !list[0].State.Open() {
		return mainstay.Errorf(mainstay.NotFound, "There is no window %q that has not ended.", name)
	}
	return s.Cancel(ctx, by, list[0].ID, "")
}
