package app

import (
	"context"
	"log/slog"
	"net"
	"net/http"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/access/accessweb"
	"github.com/mainstayhq/mainstay/core/action/actionweb"
	"github.com/mainstayhq/mainstay/core/identity/identityweb"
	"github.com/mainstayhq/mainstay/core/intake/intakeweb"
	"github.com/mainstayhq/mainstay/core/notify/notifyweb"
	"github.com/mainstayhq/mainstay/core/people/peopleweb"
	"github.com/mainstayhq/mainstay/core/project/projectweb"
	"github.com/mainstayhq/mainstay/core/view/viewweb"
	"github.com/mainstayhq/mainstay/practice/communication/statuspage"
	"github.com/mainstayhq/mainstay/web"
)

// pages lists everybody who has routes.
type pages interface{ Routes(rt *web.Router) }

// startPages begins what renders by itself.
func (a *App) startPages(ctx context.Context) error {
	if a.StatusPage == nil {
		return errNoStatusPage
	}
	if err := a.StatusPage.Start(ctx); err != nil {
		return err
	}
	a.stopLater(func(context.Context) error { a.StatusPage.Stop(); return nil })
	return nil
}

func (a *App) statusHandler() http.Handler { return a.StatusPage.Handler() }

// SnapshotConfig says which folder mainstay status serves.
type SnapshotConfig struct {
	Dir       string
	Listen    string
	PublicKey string // base64 or hex of the key that must have signed it; "" trusts the first that is seen
	Log       *slog.Logger
}

// ServeSnapshot serves the public status page from a folder alone, until ctx ends. It needs no database.
func ServeSnapshot(ctx context.Context, cfg SnapshotConfig) error {
	key, err := statuspage.ParseKey(cfg.PublicKey)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return mainstay.Errorf(mainstay.Unavailable, "cannot listen on %s: %v", cfg.Listen, err)
	}
	cfg.Log.Info("serving the status page", "folder", cfg.Dir, "url", "http://"+l.Addr().String())
	return statuspage.Serve(ctx, statuspage.SnapshotConfig{Dir: cfg.Dir, Key: key, Time: mainstay.Clock{}, Log: cfg.Log}, l)
}

type applyInput struct {
	Body struct {
		Sources []Source `json:"sources" minItems:"1" maxItems:"1000" doc:"Texts of manifests; the names stand in errors"`
		DryRun  bool     `json:"dryRun,omitempty" doc:"Say what would change, and change nothing"`
		Prune   bool     `json:"prune,omitempty" doc:"Also remove what is configured in the projects of the manifests and in none of them"`
		Limit   int      `json:"pruneLimit,omitempty" minimum:"1" maximum:"100" doc:"Refuse to remove more than so many percent of it; 50 when absent. Up to ten objects are never too many"`
	}
}

// applyRoute is mainstay apply over the API. Kinds of the installation need setting.manage, a project's project.manage there.
func (a *App) applyRoute() {
	web.API(a.router, web.Route{Method: "POST", Pattern: "/apply", Permission: access.ProjectManage, MaxBody: 8 << 20},
		web.Doc{Summary: "Bring everything that manifests describe to what they say: all of it or, with any fault, nothing", Tag: "apply"},
		func(ctx context.Context, in *applyInput) (*web.Out[web.List[Change]], error) {
			v := web.ViewerFrom(ctx)
			changes, err := a.Carry(ctx, v.Actor, Order{in.Body.Sources, in.Body.DryRun, in.Body.Prune, in.Body.Limit}, allowed(v))
			if changes == nil {
				changes = []Change{}
			}
			return &web.Out[web.List[Change]]{Body: web.List[Change]{Items: changes}}, err
		})
}

func (a *App) pages() ([]pages, error) {
	n := names{a}
	external := ""
	if a.cfg.ExternalURL != nil {
		external = a.external()
	}
	keys, err := intakeweb.New(intakeweb.Config{
		Keys: a.Keys, Formats: formats(), Sink: a.Warning, Projects: a.Projects, Time: a.cfg.Time, Log: a.cfg.Log, ExternalURL: external, Limits: a.limits,
	})
	if err != nil {
		return nil, err
	}
	actions, err := actionweb.New(actionweb.Config{Actions: a.Actions, People: a.People, Projects: a.Projects, Names: n, Journal: a.Journal})
	if err != nil {
		return nil, err
	}
	push, err := a.pushPages()
	if err != nil {
		return nil, err
	}
	log, err := notifyweb.New(notifyweb.Config{
		Log: a.Notices, People: recipients{a}, Names: n, Register: a.Objects, Time: a.cfg.Time, Send: a.Notices.Send, Troubled: a.sending.Troubled, Inbox: a.Notices, Push: push,
	})
	if err != nil {
		return nil, err
	}
	a.bell = log
	a.identityPages = identityweb.New(identityweb.Config{
		Identity: a.Identity, People: a.People, Access: a.Access, Projects: a.Projects, ExternalURL: a.cfg.ExternalURL,
	})
	who, err := accessweb.New(accessweb.Config{Access: a.Access, People: a.People, Projects: a.Projects})
	if err != nil {
		return nil, err
	}
	list := []pages{
		a.identityPages, peopleweb.New(a.People, a).WithStanding(a.identityPages.Standing), projectweb.New(a.Projects), a.auditPages(n), who, keys, actions, log,
	}
	views, err := viewweb.New(a.Views, n)
	if err != nil {
		return nil, err
	}
	list = append(list, views)
	hooks, err := a.outwardPages(n)
	if err != nil {
		return nil, err
	}
	list = append(list, hooks)
	copies, err := a.backupPages(n)
	if err != nil {
		return nil, err
	}
	keep, err := a.retentionPages()
	if err != nil {
		return nil, err
	}
	list = append(list, copies, keep)
	practices, err := a.practicePages(n)
	return append(list, practices...), err
}
