// Package intakeweb owns the routes through which signals come in, and the pages and API of intake keys. It never looks into a
// body: the format does.
package intakeweb

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/web"
)

// Projects answers which projects and services there are; project.Registry does.
type Projects interface {
	Projects(ctx context.Context) ([]project.Project, error)
	Services(ctx context.Context, project string) ([]project.Service, error)
}

// Config is what the routes need. Limits and ExternalURL may be left out.
type Config struct {
	Keys        *intake.Keys
	Formats     []intake.Format
	Sink        intake.Sink
	Projects    Projects
	Time        mainstay.Timekeeper
	Log         *slog.Logger
	Limits      func() intake.Limits // asked for each request; nil: the defaults
	ExternalURL string               // shown in what senders are told to use, such as "https://mainstay.example"
	InFlight    int64                // bytes of bodies that may be held at once; 0 is 256 MiB
}

// Pages are the routes.
type Pages struct {
	cfg     Config
	formats map[string]intake.Format
	held    atomic.Int64
	buffers sync.Pool
}

// New makes the routes.
func New(cfg Config) (*Pages, error) {
	if cfg.Keys == nil || cfg.Sink == nil || cfg.Projects == nil || len(cfg.Formats) == 0 {
		return nil, errors.New("intakeweb needs Keys, Sink, Projects and Formats")
	}
	if cfg.Time == nil {
		cfg.Time = mainstay.Clock{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Limits == nil {
		cfg.Limits = func() intake.Limits { return intake.Limits{} }
	}
	if cfg.InFlight == 0 {
		cfg.InFlight = intake.InFlight
	}
	p := &Pages{cfg: cfg, formats: map[string]intake.Format{}}
	for _, f := range cfg.Formats {
		p.formats[f.Name()] = f
	}
	return p, nil
}

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	for _, pattern := range []string{"/in/{key}/{format}", "/in/{key}/{format}/{path...}"} {
		rt.Raw(web.Route{Pattern: pattern, Permission: access.Public, Urgent: true, MaxBody: -1}, p)
	}
	rt.Handle(web.Route{Method: "GET", Pattern: "/admin/keys", Permission: access.KeyManage}, p.list)
	rt.Handle(web.Route{Method: "POST", Pattern: "/admin/keys", Permission: access.KeyManage}, p.create)
	rt.Handle(web.Route{Method: "POST", Pattern: "/admin/keys/{id}/rotate", Permission: access.KeyManage, Kind: mainstay.KindKey}, p.rotate)
	rt.Handle(web.Route{Method: "POST", Pattern: "/admin/keys/{id}/revoke", Permission: access.KeyManage, Kind: mainstay.KindKey}, p.revoke)
	p.api(rt)
}
