package app

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/core/outbound"
	"github.com/mainstayhq/mainstay/core/webhook"
	"github.com/mainstayhq/mainstay/core/webhook/webhookdb"
	"github.com/mainstayhq/mainstay/core/webhook/webhookweb"
	"github.com/mainstayhq/mainstay/web"
)

// outward is the delivery of facts to endpoints outside.
type outward struct {
	Webhooks *webhook.Service
	hooks    *webhook.Engine
}

func (a *App) wireOutward() error {
	store := webhookdb.New(a.DB, a.Saver, a.Journal)
	guard := outbound.New(outbound.Config{Allow: a.cfg.AllowTargets, Timeout: 15 * time.Second})
	sender, err := webhook.NewSender(guard.Client(), a.cfg.Time, a.external, "Mainstay/"+a.cfg.Version)
	if err != nil {
		return err
	}
	if a.Webhooks, err = webhook.New(webhook.Config{
		Store: store, Replays: store, Log: store, Sealer: a.Vault, Sender: sender, History: a.Journal, Time: a.cfg.Time, Check: guard.Check,
	}); err != nil {
		return err
	}
	a.hooks, err = webhook.NewEngine(webhook.EngineConfig{
		Queue: store, History: a.Journal, Questions: outwardQuestions{a}, Sealer: a.Vault, Sender: sender, Time: a.cfg.Time, Log: a.cfg.Log,
	})
	return err
}

// startOutward begins to deliver; it comes after the timers, which wake it.
func (a *App) startOutward(ctx context.Context) error {
	a.Journal.Changed(a.hooks.Committed)
	if err := a.hooks.Start(ctx); err != nil {
		return err
	}
	a.stopLater(func(context.Context) error { a.hooks.Stop(); return nil })
	return nil
}

func (a *App) outwardPages(n names) (*webhookweb.Pages, error) {
	return webhookweb.New(webhookweb.Config{
		Service: a.Webhooks, Projects: a.Projects, Names: n, Time: a.cfg.Time, Waiting: a.hooks.Waiting, External: a.external,
	})
}

// webhookKinds are the manifests of endpoints: of a project, and of the whole installation. Over the API only an administrator may
// define one that is marked private; whoever works on the machine itself may.
func (a *App) webhookKinds() []kind {
	define := func(ctx context.Context, by mainstay.Actor, project, name string, spec webhook.Spec) (bool, error) {
		w := webhook.Writer{Actor: by, Administrator: true}
		if v := web.ViewerFrom(ctx); v.SignedIn() {
			w.Administrator = v.May(access.SettingManage, "")
		}
		_, changed, err := a.Webhooks.Put(ctx, w, project, name, spec)
		return changed, err
	}
	return []kind{
		kindOf("Webhook", true, define, a.Webhooks.Specs).
			is("webhooks", mainstay.KindWebhook, "An endpoint outside to which facts of a project are delivered as signed CloudEvents.").removable(a.Webhooks.Remove),
		kindOf("InstallationWebhook", false, define, a.Webhooks.Specs).
			is("webhooks", mainstay.KindWebhook, "An endpoint outside to which the facts of every project are delivered, and those of none.").removable(a.Webhooks.Remove),
	}
}

// outwardQuestions answers what delivery asks.
type outwardQuestions struct{ a *App }

// Objects implements webhook.Questions.
func (q outwardQuestions) Objects(ctx context.Context, refs []mainstay.Ref) (map[mainstay.Ref]object.Object, error) {
	return q.a.Objects.Many(ctx, refs)
}

// ProjectName implements webhook.Questions. Facts of a project that is gone still leave, under its id.
func (q outwardQuestions) ProjectName(ctx context.Context, id string) (string, error) {
	p, err := q.a.Projects.Project(ctx, id)
	if mainstay.Is(err, mainstay.NotFound) {
		return id, nil
	}
	return p.Name, err
}

// Administrators implements webhook.Questions.
func (q outwardQuestions) Administrators(ctx context.Context) ([]string, error) {
	return q.a.Access.Administrators(ctx)
}
