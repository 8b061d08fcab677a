package app

import (
	"context"
	"slices"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/practice/warning/warningweb"
	"github.com/mainstayhq/mainstay/web"
)

// handling answers the pages of alerts: who has one, and in which incident is it handled?
type handling struct{ a *App }

// Handled implements warningweb.Handling.
func (q handling) Handled(ctx context.Context, v access.Viewer, al *warning.Alert) (warningweb.Handled, error) {
	var h warningweb.Handled
	if v.May(access.PageRead, al.Project) {
		p, ok, err := q.a.oncallPages.Paged(ctx, al.Ref())
		if err != nil {
			return h, err
		}
		if ok {
			h = warningweb.Handled{
				Page: p.Key, PageURL: p.URL, State: p.State, Who: p.Who, Has: p.Has, Since: p.Since, Comes: p.Comes, ComesAt: p.ComesAt,
			}
			if v.May(access.PageRespond, al.Project) {
				h.Acknowledge = p.Ack
			}
		}
	}
	if !v.May(access.IncidentRead, al.Project) {
		return h, nil
	}
	var err error
	h.Incident, h.IncidentURL, h.IncidentOpen, err = q.a.incidentPages.Of(ctx, v, al.Ref())
	return h, err
}

// Acknowledge implements warningweb.Handling.
func (q handling) Acknowledge(ctx context.Context, v access.Viewer, al *warning.Alert) (web.Did, error) {
	list, err := q.a.Escalation.PagesFor(ctx, al.Ref())
	if err != nil {
		return web.Did{}, err
	}
	if len(list) == 0 {
		return web.Did{}, mainstay.Errorf(mainstay.Conflict, "Nobody was paged for %s.", al.Readable())
	}
	if !v.May(access.PageRespond, al.Project) {
		return web.Did{}, mainstay.Errorf(mainstay.Denied, "You may not acknowledge in this project.")
	}
	at := max(slices.IndexFunc(list, func(p escalation.Page) bool { return p.State != escalation.Resolved }), 0)
	return q.a.oncallPages.Take(ctx, v.Actor, list[at].ID)
}

// burningNow answers communication: in which incidents are users owed a word? Ids of open ones that may be public.
func (a *App) burningNow(ctx context.Context) ([]string, error) {
	list, err := a.Incidents.Open(ctx, "")
	var ids []string
	for _, i := range list {
		if i.State == incident.Open && !i.Private {
			ids = append(ids, i.ID)
		}
	}
	return ids, err
}
