package identity

import (
	"context"
	"errors"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/people"
)

var _ people.Keeper = (*Service)(nil)

// Leave ends the sessions of somebody who leaves, and the links by which they could set a password, within the transaction that ctx
// carries. What they sign in with stays for the day on which they come back.
func (s *Service) Leave(ctx context.Context, actor mainstay.Actor, person string) error {
	if _, err := s.Revoke(ctx, actor, person); err != nil {
		return err
	}
	return s.SignOutEverywhere(ctx, actor, person, "")
}

// Kept implements people.Keeper.
func (s *Service) Kept() (what, remains string) { return "how they sign in", "" }

// exported is what identity holds on a person, as an export shows it. It holds nothing by which somebody could sign in.
type exported struct {
	PasswordSetAt  *time.Time        `json:"passwordSetAt,omitempty"`
	AppAddedAt     *time.Time        `json:"authenticatorAppAddedAt,omitempty"`
	RecoveryCodes  int               `json:"recoveryCodesLeft"`
	Passkeys       []exportedPasskey `json:"passkeys"`
	Accounts       []Account         `json:"accounts"`
	Sessions       []Session         `json:"sessions"`
	GivenByAGroup  []Given           `json:"givenByGroups"`
	SignInIsLocked *time.Time        `json:"lockedUntil,omitempty"`
}

type exportedPasskey struct {
	Name    string     `json:"name"`
	AddedAt time.Time  `json:"addedAt"`
	UsedAt  *time.Time `json:"usedAt,omitempty"`
}

func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Export implements people.Keeper.
func (s *Service) Export(ctx context.Context, p people.Person, to people.Archive) error {
	has, err := s.Factors(ctx, p.ID)
	if err != nil {
		return err
	}
	locked, err := s.LockedUntil(ctx, p)
	if err != nil {
		return err
	}
	x := exported{
		PasswordSetAt: when(has.PasswordAt), AppAddedAt: when(has.Authenticator), RecoveryCodes: has.Recovery, SignInIsLocked: when(locked),
		Passkeys: []exportedPasskey{},
	}
	keys, err := s.PasskeysOf(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, k := range keys {
		x.Passkeys = append(x.Passkeys, exportedPasskey{k.Name, k.AddedAt, when(k.UsedAt)})
	}
	var accounts, sessions, given error
	x.Accounts, accounts = s.AccountsOf(ctx, p.ID)
	x.Sessions, sessions = s.Sessions(ctx, p.ID)
	x.GivenByAGroup, given = s.GivenTo(ctx, p.ID)
	if err := errors.Join(accounts, sessions, given); err != nil {
		return err
	}
	return people.JSON(to, "sign-in.json", x)
}

// Erase implements people.Keeper.
func (s *Service) Erase(ctx context.Context, p people.Person, _ people.Forget) error {
	store, now := s.cfg.Store, s.cfg.Time.Now()
	_, sessions := store.EndSessions(ctx, p.ID, "", "")
	_, links := store.EndLinks(ctx, now, p.ID)
	_, app := store.EndAuthenticator(ctx, p.ID)
	err := errors.Join(sessions, links, app, store.EndPassword(ctx, p.ID), store.SetRecoveryCodes(ctx, p.ID, nil), store.EndPasskeys(ctx, p.ID))
	for _, key := range []string{factorKey(p.ID), accountKey(p.Email), accountKey("change:" + p.ID), "reset-" + accountKey(p.Email)} {
		err = errors.Join(err, store.ForgetAttempt(ctx, key))
	}
	given, failed := store.Given(ctx, "", p.ID)
	err = errors.Join(err, failed)
	for _, g := range given {
		err = errors.Join(err, store.SetGiven(ctx, g.Provider, p.ID, nil))
	}
	accounts, failed := store.AccountsOf(ctx, p.ID)
	err = errors.Join(err, failed)
	for _, a := range accounts {
		_, failed := store.EndAccount(ctx, a.Provider, p.ID)
		err = errors.Join(err, failed)
	}
	return err
}
