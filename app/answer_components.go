package app

import (
	"context"

	"github.com/mainstayhq/mainstay/practice/communication/statuspage"
	"github.com/mainstayhq/mainstay/practice/maintenance"
)

// windowComponents answers maintenance: which components may a window name?
type windowComponents struct{ a *App }

// Components implements maintenance.Components.
func (q windowComponents) Components(ctx context.Context, project string) ([]maintenance.Named, error) {
	list, err := q.a.Communication.Components(ctx, project)
	if err != nil {
		return nil, err
	}
	var out []maintenance.Named
	for _, c := range list {
		if !c.IsGroup {
			out = append(out, maintenance.Named{ID: c.ID, Name: c.Name, Title: c.Title})
		}
	}
	return out, nil
}

// statusIdentity answers the status page: how is it called, and where is it? One project gives it its name and zone.
func (a *App) statusIdentity(ctx context.Context) (statuspage.Page, error) {
	page := statuspage.Page{URL: a.statusURL()}
	list, err := a.Projects.Projects(ctx)
	if err != nil {
		return page, err
	}
	if len(list) == 1 {
		page.Name, page.Zone = list[0].Title(), list[0].Zone()
	}
	return page, nil
}
