package app

import (
	"context"
	"errors"
	"time"

	"github.com/mainstayhq/mainstay/core/notify"
	emailout "github.com/mainstayhq/mainstay/core/notify/email"
	"github.com/mainstayhq/mainstay/core/notify/webhook"
	"github.com/mainstayhq/mainstay/core/outbound"
	"github.com/mainstayhq/mainstay/core/people"
)

// listChannels lists every way out. A channel that this server cannot use stays in the list with the reason.
func (a *App) listChannels() ([]notify.Channel, error) {
	email := notify.Channel{Name: "email", Off: "no mail server is configured (--smtp-url)"}
	if a.cfg.SMTPURL != "" {
		sender, err := emailout.New(emailout.Config{URL: a.cfg.SMTPURL, From: a.cfg.MailFrom})
		if err != nil {
			return nil, err
		}
		email = notify.Channel{Name: "email", Sender: sender, Timeout: time.Minute}
		a.stopLater(func(context.Context) error { sender.Close(); return nil })
	}
	guard := outbound.New(outbound.Config{Allow: a.cfg.AllowTargets})
	hook, err := webhook.New(webhook.Config{
		Client: guard.Client(), Time: a.cfg.Time, Secret: a.webhookSecret, Sign: outbound.Sign, RetryAfter: outbound.RetryAfter, Agent: "Mainstay/" + a.cfg.Version,
		Refused: func(err error) bool { return errors.Is(err, outbound.ErrRefused) },
	})
	if err != nil {
		return nil, err
	}
	push, err := a.pushChannel()
	if err != nil {
		return nil, err
	}
	list := []notify.Channel{email, {Name: "webhook", Sender: hook, Timeout: 15 * time.Second, Lane: webhook.Lane}, push}
	for i := range list {
		if s := a.cfg.Channels[list[i].Name]; s != nil {
			list[i] = notify.Channel{Name: list[i].Name, Sender: s}
		}
	}
	return list, nil
}

// webhookSecret is what messages to a person's webhook are signed with, "" when the address is not the person's any more.
func (a *App) webhookSecret(ctx context.Context, person, address string) (string, error) {
	list, err := a.People.Contacts(ctx, person, false)
	if err != nil {
		return "", err
	}
	for _, c := range list {
		if c.Channel == people.Webhook && c.Address == address {
			return c.Secret, nil
		}
	}
	return "", nil
}
