package identity

import "context"

// Forget removes all by which the person could sign in and what was kept about their signing in: password, sessions with their
// addresses, links, authenticator, recovery codes, passkeys, accounts at identity providers. It joins the transaction of ctx.
func (s *Service) Forget(ctx context.Context, person string) error {
	return s.cfg.Store.In(ctx, func(ctx context.Context) error { return s.cfg.Store.Forget(ctx, person) })
}
