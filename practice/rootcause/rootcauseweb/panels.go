package rootcauseweb

import (
	"context"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/rootcause"
	"github.com/mainstayhq/mainstay/web"
)

// Panels are the analysis on its incident's page. That one is due stands on Now as the action it is.
func (p *Pages) Panels() []web.Panel {
	return []web.Panel{
		{Where: "incident", Title: "Root cause", Order: 60, Side: true, Render: p.onIncident},
		{Where: "mine", Title: "Root causes", Order: 40, Render: p.mine},
	}
}

// mine are the analyses that the viewer leads and owes.
func (p *Pages) mine(ctx context.Context, at web.At) (web.Component, error) {
	if at.Viewer.PersonID == "" || !at.Viewer.MayAny(access.RootCauseRead) {
		return nil, nil
	}
	list, err := p.cfg.RootCauses.List(ctx, visible(at.Viewer, rootcause.Query{Owner: at.Viewer.PersonID, ByDue: true, Limit: 20}))
	if err != nil || len(list) == 0 {
		return nil, err
	}
	var rows []row
	for _, rc := range list {
		rows = append(rows, p.row(ctx, rc, at.Now))
	}
	return minePanel(rows), nil
}

func (p *Pages) onIncident(ctx context.Context, at web.At) (web.Component, error) {
	rc, err := p.cfg.RootCauses.OfIncident(ctx, at.Ref.ID)
	if mainstay.Is(err, mainstay.NotFound) {
		return p.offer(ctx, at)
	}
	if err != nil || !sees(at.Viewer, rc) {
		return nil, err
	}
	return incidentPanel(p.row(ctx, rc, at.Now)), nil
}

// offer is the button to open an analysis by hand, once the incident is over.
func (p *Pages) offer(ctx context.Context, at web.At) (web.Component, error) {
	if !at.Viewer.May(access.RootCauseWrite, at.Project) {
		return nil, nil
	}
	inc, err := p.cfg.RootCauses.Incident(ctx, rootcause.RootCause{Incident: at.Ref.ID})
	if err != nil || inc.ResolvedAt.IsZero() || rootcause.Wanted(inc.Severity) {
		return nil, err
	}
	return openPanel("/incidents/" + inc.Key() + "/rootcause"), nil
}
