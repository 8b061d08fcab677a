package app

import (
	"context"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/calendar"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/practice/knowledge"
	"github.com/mainstayhq/mainstay/practice/rootcause"
)

// sources answers knowledge: what is there to write down about an incident or its analysis?
type sources struct{ a *App }

// Source implements knowledge.Sources.
func (q sources) Source(ctx context.Context, ref mainstay.Ref) (knowledge.Source, error) {
	switch ref.Kind {
	case mainstay.KindIncident:
		return q.incident(ctx, ref.ID)
	case mainstay.KindRootCause:
		rc, err := q.a.RootCauses.One(ctx, ref.ID)
		if err != nil {
			return knowledge.Source{}, err
		}
		return q.incident(ctx, rc.Incident)
	}
	return knowledge.Source{}, mainstay.Errorf(mainstay.Invalid, "An article is drafted from an incident or from its root cause analysis.")
}

func (q sources) incident(ctx context.Context, id string) (knowledge.Source, error) {
	i, err := q.a.Incidents.Incident(ctx, id)
	if err != nil {
		return knowledge.Source{}, err
	}
	src := knowledge.Source{
		Project: i.Project, Title: i.Title, Private: i.Private, Owner: i.Holder(incident.Commander), Reference: i.Key(), Symptom: i.Title,
	}
	var services []string
	for n, id := range i.Services {
		if s, err := q.a.Projects.Service(ctx, i.Project, id); err == nil {
			services = append(services, s.Title())
		}
		if n == 0 {
			src.Service = id
		}
	}
	src.Environment = strings.Join(services, ", ")
	for _, l := range i.Links {
		if l.Ref.Kind != mainstay.KindAlert {
			continue
		}
		if al, err := q.a.Warning.Alert(ctx, l.Ref.ID); err == nil {
			src.Rule = al.Name()
			break
		}
	}
	if err := q.written(ctx, i, &src); err != nil {
		return src, err
	}
	return src, q.analysed(ctx, id, &src)
}

// written takes decisions and actions from the timeline: what was done is the best first draft of what to do.
func (q sources) written(ctx context.Context, i incident.Incident, src *knowledge.Source) error {
	entries, err := q.a.Incidents.Timeline(ctx, i.ID)
	if err != nil {
		return err
	}
	var done []string
	for _, e := range entries {
		if e.NoteKind == "decision" || e.NoteKind == "action" {
			done = append(done, "- "+strings.TrimSpace(e.Markdown))
		}
	}
	src.Resolution = strings.Join(done, "\n")
	return nil
}

// analysed takes causes from the analysis, if there is one.
func (q sources) analysed(ctx context.Context, incidentID string, src *knowledge.Source) error {
	rc, err := q.a.RootCauses.OfIncident(ctx, incidentID)
	if mainstay.Is(err, mainstay.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var causes []string
	for _, n := range rc.Graph.Nodes {
		if n.Kind != rootcause.Effect && n.Status != rootcause.Refuted {
			causes = append(causes, "- "+n.Text)
		}
	}
	src.Cause = strings.Join(causes, "\n")
	texts, err := q.a.RootCauses.Texts(ctx, rc)
	if err != nil {
		return err
	}
	src.Why = texts[rootcause.Lessons].Markdown
	return nil
}

// workingHours answers rootcause: when does a project work? Monday to Friday, nine to five, in its zone.
func (a *App) workingHours(ctx context.Context, project string) (calendar.Hours, error) {
	zone, err := a.Projects.Zone(ctx, project)
	return rootcause.OfficeHours(zone), err
}
