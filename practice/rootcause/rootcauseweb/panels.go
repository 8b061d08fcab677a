package rootcauseweb

import (
	"context"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/rootcause"
	"github.com/mainstayhq/mainstay/web"
)

// Panels are the analysis on its incident's page, and what is due on Now.
func (p *Pages) Panels() []web.Panel {
	return []web.Panel{
		{Where: "incident", Title: "Root cause", Order: 60, Side: true, Render: p.onIncident},
		{Where: "now", Title: "Analyses due", Order: 50, Render: p.onNow},
	}
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

func (p *Pages) onNow(ctx context.Context, at web.At) (web.Component, error) {
	list, err := p.cfg.RootCauses.List(ctx, visible(at.Viewer, rootcause.Query{ByDue: true, Limit: 5}))
	if err != nil || len(list) == 0 {
		return nil, err
	}
	var rows []row
	for _, rc := range list {
		rows = append(rows, p.row(ctx, rc, at.Now))
	}
	return nowPanel(rows), nil
}
