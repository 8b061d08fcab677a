package app

import (
	"context"
	"errors"
	"net/mail"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/notify/notifyweb"
	"github.com/mainstayhq/mainstay/core/notify/webpush"
	"github.com/mainstayhq/mainstay/core/outbound"
	"github.com/mainstayhq/mainstay/core/people"
)

// pushKeys are the keys by which push services know this server. They follow from the secret key file, so nothing of them lies
// in the database, and every replica has the same.
func (a *App) pushKeys() (webpush.Keys, error) { return webpush.NewKeys(a.Vault.Derive("web-push")) }

// pushChannel is the way to the devices of persons.
func (a *App) pushChannel() (notify.Channel, error) {
	keys, err := a.pushKeys()
	if err != nil {
		return notify.Channel{}, err
	}
	sender, err := webpush.New(webpush.Config{
		Client: outbound.New(outbound.Config{Allow: a.cfg.AllowTargets}).Client(), Keys: keys, Time: a.cfg.Time, Contact: a.pushContact(),
		Device: a.pushDevice, Gone: a.dropDevice, Refused: func(err error) bool { return errors.Is(err, outbound.ErrRefused) },
	})
	return notify.Channel{Name: string(people.Push), Sender: sender, Timeout: 15 * time.Second, Lane: webpush.Lane}, err
}

// pushContact is where the operator of a push service may complain.
func (a *App) pushContact() string {
	if u := a.cfg.ExternalURL; u != nil && u.Scheme == "https" {
		return u.String()
	}
	if from, err := mail.ParseAddress(a.cfg.MailFrom); err == nil {
		return from.Address
	}
	return "mainstay@localhost"
}

// pushDevice answers webpush: what keys has the device at a person's address?
func (a *App) pushDevice(ctx context.Context, person, address string) (webpush.Device, error) {
	list, err := a.People.Contacts(ctx, person, false)
	if err != nil {
		return webpush.Device{}, err
	}
	for _, c := range list {
		if c.Channel == people.Push && c.Address == address {
			return webpush.ParseDevice(c.Secret)
		}
	}
	return webpush.Device{}, mainstay.Errorf(mainstay.NotFound, "The device was removed.")
}

// dropDevice removes a device whose push service knows it no longer.
func (a *App) dropDevice(ctx context.Context, person, address string) error {
	_, err := a.People.Change(ctx, mainstay.System("notify"), person, false, func(p *people.Person) error {
		p.Contacts = slices.DeleteFunc(p.Contacts, func(c people.Contact) bool { return c.Channel == people.Push && c.Address == address })
		return nil
	})
	if mainstay.Is(err, mainstay.NotFound) {
		return nil
	}
	return err
}

// pushPages is what the page of devices needs.
func (a *App) pushPages() (*notifyweb.Push, error) {
	keys, err := a.pushKeys()
	if err != nil {
		return nil, err
	}
	return &notifyweb.Push{
		Contacts: a.People, Signer: a.Vault, Key: keys.Public, Check: outbound.New(outbound.Config{Allow: a.cfg.AllowTargets}).Check,
		Off: a.available(string(people.Push)),
	}, nil
}
