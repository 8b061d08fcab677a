package identity

import (
	"context"

	"github.com/mainstayhq/mainstay"
)

// HasPassword tells whether that is the person's password. It is for looking for known ones: no attempt is counted, and nobody is
// signed in.
func (s *Service) HasPassword(ctx context.Context, person, password string) (has bool, err error) {
	kept, err := s.cfg.Store.Password(ctx, person)
	if mainstay.Is(err, mainstay.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	err = s.hasher.inTurn(ctx, func() error {
		has, _, err = s.hasher.verify(password, kept)
		return err
	})
	return has, err
}
