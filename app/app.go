// Package app owns the wiring: it makes every service, answers the questions that practices ask each other, lists the practices,
// channels and formats, and starts and stops the whole. It holds no rule of a practice.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/storage"
	"github.com/mainstayhq/mainstay/web"
)

// Config is everything that an operator chooses. Zero fields have the defaults of the promised flags.
type Config struct {
	Data          string // folder; "./mainstay-data" when empty
	DatabaseURL   string // PostgreSQL instead of the embedded database
	SecretKeyFile string // required
	Listen        string // "127.0.0.1:8080" when empty
	StatusListen  string // "127.0.0.1:8081" when empty; "off" for none
	ExternalURL   *url.URL
	StatusURL     *url.URL
	TLSCert       string
	TLSKey        string

	TrustedProxies []netip.Prefix
	AllowTargets   []netip.Prefix
	SMTPURL        string
	MailFrom       string
	BackupDir      string   // folder of scheduled backups; "" for a server that makes none
	Rate           web.Rate // of the API; zero for the default

	Version  string
	Announce bool // a command beside the server: its writes wake the server
	Time     mainstay.Timekeeper
	Log      *slog.Logger
	// Channels replaces the way out of the channels of these names; the demo keeps its mail in a folder.
	Channels map[string]notify.Sender
	// Panels are shown besides those of the practices; the demo shows its progress.
	Panels []web.Panel
	// Scratch is for an installation that would be made anew after a power cut: no write waits for the disk.
	Scratch bool
}

func (c *Config) defaults() error {
	if c.SecretKeyFile == "" {
		return errors.New("app: Config.SecretKeyFile is missing")
	}
	for _, d := range []struct {
		field *string
		value string
	}{
		{&c.Data, "./mainstay-data"}, {&c.Listen, "127.0.0.1:8080"}, {&c.StatusListen, "127.0.0.1:8081"},
		{&c.Version, "dev"}, {&c.MailFrom, "mainstay@localhost"},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	if c.Time == nil {
		c.Time = mainstay.Clock{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// App is one wired Mainstay on an open database.
type App struct {
	cfg Config
	DB  *storage.DB
	core
	practices
	engine
	shelves
	outward
	backups
	retention

	SetupLink string // printed by the first start while nobody is administrator
}

// Open opens the database, brings its schema up to date and wires everything. Nothing runs yet: Start does that, and commands
// use the services as they are.
func Open(ctx context.Context, cfg Config) (_ *App, err error) {
	if err := cfg.defaults(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	a := &App{cfg: cfg}
	a.metrics = newFigures(a)
	a.DB, err = storage.Open(ctx, storage.Config{
		Dir: cfg.Data, URL: cfg.DatabaseURL, Time: mainstay.Clock{}, Log: cfg.Log, Announce: cfg.Announce, Scratch: cfg.Scratch,
		Waited: a.metrics.waited,
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = a.DB.Close()
		}
	}()
	if err := a.DB.Migrate(ctx, Migrations()...); err != nil {
		return nil, err
	}
	if err := a.wireCore(ctx); err != nil {
		return nil, fmt.Errorf("wiring the core: %w", err)
	}
	if err := a.wirePractices(ctx); err != nil {
		return nil, fmt.Errorf("wiring the practices: %w", err)
	}
	return a, nil
}

// Close closes the database. A started App must be stopped first.
func (a *App) Close() error { return a.DB.Close() }
