package identitydb

import "context"

// Forget removes every row about the person, within a transaction; see identity.Service.Forget.
func (s *Store) Forget(ctx context.Context, person string) error {
	for _, table := range []string{
		"password", "session", "password_link", "authenticator", "recovery_code", "passkey", "provider_account", "provider_given",
	} {
		if _, err := s.db.Exec(ctx, `DELETE FROM `+table+` WHERE person = $1`, person); err != nil {
			return err
		}
	}
	return nil
}
