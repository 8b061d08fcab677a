package app

import (
	"context"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/practice/rootcause"
)

// publicIncidents answers communication: what is an incident, and may it be spoken of?
type publicIncidents struct{ a *App }

// Incident implements communication.Incidents.
func (q publicIncidents) Incident(ctx context.Context, id string) (communication.Incident, error) {
	i, err := q.a.Incidents.Incident(ctx, id)
	if err != nil {
		return communication.Incident{}, err
	}
	out := communication.Incident{
		ID: i.ID, Number: i.Number, Project: i.Project, Title: i.Title, Severity: i.Severity, Private: i.Private,
		StartedAt: i.StartedAt(), EndedAt: i.ResolvedAt, Cadence: i.Cadence(),
	}
	for _, id := range i.Services {
		if s, err := q.a.Projects.Service(ctx, i.Project, id); err == nil {
			out.Services = append(out.Services, communication.Named{ID: s.ID, Title: s.Title()})
		}
	}
	return out, nil
}

// causeIncidents answers rootcause: what must an analysis know of its incident?
type causeIncidents struct{ a *App }

// Incident implements rootcause.Incidents.
func (q causeIncidents) Incident(ctx context.Context, id string) (rootcause.Incident, error) {
	i, err := q.a.Incidents.Incident(ctx, id)
	if err != nil {
		return rootcause.Incident{}, err
	}
	out := rootcause.Incident{
		ID: i.ID, Project: i.Project, Number: i.Number, Title: i.Title, Severity: i.Severity, Private: i.Private,
		Commander: i.Holder(incident.Commander), StartedAt: i.StartedAt(), DetectedAt: i.Phases[incident.Detected], ResolvedAt: i.ResolvedAt,
	}
	for _, l := range i.Links {
		if l.Ref.Kind == mainstay.KindAlert || l.Ref.Kind == mainstay.KindPage {
			out.Related = append(out.Related, l.Ref)
		}
	}
	return out, nil
}
