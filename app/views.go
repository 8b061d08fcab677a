package app

import (
	"context"

	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/notify/notifyweb"
	"github.com/mainstayhq/mainstay/core/undo"
	"github.com/mainstayhq/mainstay/core/undo/undodb"
	"github.com/mainstayhq/mainstay/core/view"
	"github.com/mainstayhq/mainstay/core/view/viewdb"
	"github.com/mainstayhq/mainstay/core/view/viewweb"
	"github.com/mainstayhq/mainstay/web"
)

// shelves are what a person keeps for themselves: saved views of lists, and for a minute what takes back an act.
type shelves struct {
	Views *view.Service
	Undo  *undo.Service
	bell  *notifyweb.Pages
}

func (a *App) wireShelves() (err error) {
	if a.Views, err = view.New(viewdb.New(a.DB, a.Saver), a.cfg.Time); err != nil {
		return err
	}
	a.Undo, err = undo.New(undodb.New(a.DB), a.cfg.Time)
	return err
}

// savedViews answers the shell: which saved views may somebody use?
type savedViews struct{ a *App }

// Of implements web.Views.
func (q savedViews) Of(ctx context.Context, v access.Viewer, list string) ([]web.SavedView, error) {
	return viewweb.Of(ctx, q.a.Views, names(q), v, list)
}
