package app

import (
	"context"

	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/practice/knowledge"
	"github.com/mainstayhq/mainstay/practice/warning"
)

// findAlert finds an alert by id or number.
func (a *App) findAlert(ctx context.Context, key string) (object.Object, error) {
	return a.Warning.Object(ctx, key)
}

// alertsOf answers escalation: what do the messages about a page say of its alerts?
type alertsOf struct{ a *App }

// AlertsOf implements escalation.Alerts. Alerts that are not known are left out.
func (q alertsOf) AlertsOf(ctx context.Context, ids []string) ([]notify.Alert, error) {
	out := []notify.Alert{}
	for _, id := range ids {
		al, err := q.a.Warning.Alert(ctx, id)
		if err != nil {
			continue
		}
		n := notify.Alert{
			Status: "firing", Labels: pairs(al.Labels), Annotations: pairs(al.Annotations), StartsAt: al.StartsAt,
			GeneratorURL: al.GeneratorURL, Fingerprint: intake.FingerprintText(al.Fingerprint),
		}
		if al.State == warning.Resolved {
			n.Status, n.EndsAt = "resolved", al.EndsAt
		}
		out = append(out, n)
	}
	return out, nil
}

func pairs(canonical string) map[string]string {
	m := map[string]string{}
	labels, _ := intake.ParseLabels(canonical) // we wrote it
	for _, l := range labels {
		m[l.Name] = l.Value
	}
	return m
}

// incidentAlerts answers incident: what is behind an alert?
type incidentAlerts struct{ a *App }

// Alert implements incident.Alerts.
func (q incidentAlerts) Alert(ctx context.Context, id string) (incident.Alert, error) {
	al, err := q.a.Warning.Alert(ctx, id)
	if err != nil {
		return incident.Alert{}, err
	}
	return incident.Alert{Number: al.Number, Title: al.Title(), Project: al.Project, Service: al.Service, StartsAt: al.StartsAt}, nil
}

// knowledgeAlerts answers knowledge: of which rule and service is an alert?
type knowledgeAlerts struct{ a *App }

// Alert implements knowledge.Alerts.
func (q knowledgeAlerts) Alert(ctx context.Context, id string) (knowledge.Alert, error) {
	al, err := q.a.Warning.Alert(ctx, id)
	if err != nil {
		return knowledge.Alert{}, err
	}
	return knowledge.Alert{Project: al.Project, Name: al.Name(), Service: al.Service}, nil
}
