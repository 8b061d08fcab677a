package app

import (
	"context"

	"github.com/mainstayhq/mainstay/core/notify"
)

// recipients answers notify: how can a person be reached?
type recipients struct{ a *App }

// Recipient implements notify.People.
func (r recipients) Recipient(ctx context.Context, person string) (notify.Recipient, error) {
	p, err := r.a.People.ByID(ctx, person)
	if err != nil {
		return notify.Recipient{}, err
	}
	out := notify.Recipient{ID: p.ID, Name: p.FullName, Zone: p.Zone, Wish: p.Preferences}
	if !p.Active() {
		out.Blocked = "the account is deactivated"
	}
	for _, c := range p.Contacts {
		m := notify.Method{Channel: string(c.Channel), Address: c.Address, Pages: c.ForPages}
		if !c.Verified() {
			m.Blocked = "the address was never confirmed"
		}
		out.Methods = append(out.Methods, m)
	}
	return out, nil
}

// available says why a channel cannot be used on this server, "" when it can.
func (a *App) available(channel string) string {
	for _, c := range a.channels {
		if c.Name == channel {
			return c.Off
		}
	}
	return "this server has no channel " + channel
}
