package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync/atomic"

	"github.com/mainstayhq/mainstay/core/identity/identityweb"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/search/searchweb"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/practice/escalation/escalationweb"
	"github.com/mainstayhq/mainstay/practice/incident/incidentweb"
	"github.com/mainstayhq/mainstay/storage"
	"github.com/mainstayhq/mainstay/web"
)

// engine is what runs in a started App.
type engine struct {
	metrics       *figures
	eraser        eraser
	channels      []notify.Channel
	lease         *storage.Lease
	journal       *journal.Engine
	timers        *timer.Engine
	sending       *notify.Engine
	router        *web.Router
	palette       *searchweb.Pages
	identityPages *identityweb.Pages
	incidentPages *incidentweb.Pages
	oncallPages   *escalationweb.Pages
	ready         atomic.Bool
	servers       []*http.Server
	cert          *certificate // nil without TLS
	failed        chan error
	URL           string // where the pages answer
	Status        string // where the status page answers; "" when it is off
	stops         []func(context.Context) error
}

// Start takes the lease, rebuilds what lives in memory, begins the work and listens. It returns once /-/ready answers.
func (a *App) Start(ctx context.Context) (err error) {
	host, _ := os.Hostname()
	if a.lease, err = a.DB.Hold(ctx, fmt.Sprintf("%s/%d", host, os.Getpid())); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = a.Stop(context.WithoutCancel(ctx))
		}
	}()
	// The engines outlive the signal that stops the server: Stop ends them in order.
	work := a.lease.Fenced(context.WithoutCancel(ctx))
	main, status, err := a.bind()
	if err != nil {
		return err
	}
	if err := a.startWork(work); err != nil {
		return err
	}
	a.Journal.Changed(a.publish)
	a.startHousekeeping(work)
	if err := a.startBackups(work); err != nil {
		return err
	}
	a.startErasing(work)
	if err := a.startPages(work); err != nil {
		return err
	}
	if err := a.offerSetup(ctx); err != nil {
		return err
	}
	a.failed = make(chan error, 2)
	if err := a.serveAll(main, status); err != nil {
		return err
	}
	a.ready.Store(true)
	a.cfg.Log.Info("ready", "url", a.URL, "status", a.Status, "version", a.cfg.Version)
	return nil
}

// startWork begins with what takes signals in and ends with what sends: nothing is sent before everything is known.
func (a *App) startWork(ctx context.Context) error {
	if err := a.Warning.Start(ctx); err != nil {
		return fmt.Errorf("starting warning: %w", err)
	}
	a.stopLater(func(context.Context) error { a.Warning.Stop(); return nil })
	if err := a.sending.Start(ctx); err != nil {
		return fmt.Errorf("starting notify: %w", err)
	}
	a.stopLater(func(context.Context) error { a.sending.Stop(); return nil })
	var err error
	a.journal, err = journal.NewEngine(journal.Config{
		Store: a.Journal, Time: a.cfg.Time, Log: a.cfg.Log, Subscribers: a.subscribers(), Failed: a.metrics.failed,
	})
	if err != nil {
		return err
	}
	handlers := map[string]timer.Handler{}
	for _, h := range a.handlers() {
		for kind := range h {
			if handlers[kind] != nil {
				return fmt.Errorf("two practices serve timers of kind %q", kind)
			}
		}
		maps.Copy(handlers, h)
	}
	a.timers, err = timer.NewEngine(timer.Config{Store: a.Timers, Time: a.cfg.Time, Log: a.cfg.Log, Handlers: handlers, Fired: a.metrics.fired})
	if err != nil {
		return err
	}
	if err := a.journal.Start(ctx); err != nil {
		return err
	}
	a.stopLater(func(context.Context) error { a.journal.Stop(); return nil })
	if err := a.timers.Start(ctx); err != nil {
		return err
	}
	a.stopLater(func(context.Context) error { a.timers.Stop(); return nil })
	return a.startOutward(ctx)
}

func (a *App) stopLater(f func(context.Context) error) { a.stops = append(a.stops, f) }

// offerSetup makes the one-time link while nobody is administrator.
func (a *App) offerSetup(ctx context.Context) error {
	has, err := a.Identity.HasAdministrator(ctx)
	if err != nil || has {
		return err
	}
	secret, err := a.Identity.SetupLink(ctx)
	a.SetupLink = a.external() + "/setup/" + secret
	return err
}

// external is where people reach the server, without a slash at the end.
func (a *App) external() string {
	if a.cfg.ExternalURL != nil {
		u := a.cfg.ExternalURL.String()
		for len(u) > 0 && u[len(u)-1] == '/' {
			u = u[:len(u)-1]
		}
		return u
	}
	scheme := "http://"
	if a.cfg.TLSCert != "" {
		scheme = "https://"
	}
	host, port, err := net.SplitHostPort(a.cfg.Listen)
	if err != nil {
		return scheme + a.cfg.Listen
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost" // it listens everywhere; this much of everywhere is known
	}
	return scheme + net.JoinHostPort(host, port)
}

// Wait returns when ctx ends (nil) or a listener fails.
func (a *App) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-a.failed:
		return err
	}
}

// Stop lets requests end, then the engines, in the reverse order of their start. Until ctx ends it waits for them.
func (a *App) Stop(ctx context.Context) error {
	a.ready.Store(false)
	if a.router != nil {
		a.router.Live().Close()
	}
	var err error
	for _, s := range a.servers {
		err = errors.Join(err, s.Shutdown(ctx))
	}
	for i := len(a.stops) - 1; i >= 0; i-- {
		err = errors.Join(err, a.stops[i](ctx))
	}
	a.servers, a.stops = nil, nil
	return err
}

// Settled reports whether nothing is under way: every fact was handed over, nothing is due, nothing waits to be sent.
func (a *App) Settled() bool {
	return a.timers.Settled() && a.journal.Settled() && a.sending.Idle() && a.hooks.Idle()
}
