package webhook

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/notify"
)

// envelope is version 4 of Alertmanager's webhook, field for field in its order, and our own object at its end. Receivers
// made for Alertmanager need not know that object.
type envelope struct {
	Receiver           string            `json:"receiver"`
	Status             string            `json:"status"`
	Alerts             []notify.Alert    `json:"alerts"`
	NotificationReason string            `json:"notification_reason"`
	GroupLabels        map[string]string `json:"groupLabels"`
	CommonLabels       map[string]string `json:"commonLabels"`
	CommonAnnotations  map[string]string `json:"commonAnnotations"`
	RouteLabels        map[string]string `json:"routeLabels"`
	ExternalURL        string            `json:"externalURL"`
	Version            string            `json:"version"`
	GroupKey           string            `json:"groupKey"`
	TruncatedAlerts    uint64            `json:"truncatedAlerts"`
	Mainstay           own               `json:"mainstay"`
}

// own is what Alertmanager's payload has no place for.
type own struct {
	Delivery string          `json:"delivery"` // the id, the same at each attempt
	Attempt  int             `json:"attempt"`
	Template string          `json:"template"`
	Project  string          `json:"project"`
	Subject  string          `json:"subject,omitempty"` // such as "page:…"
	Person   string          `json:"person,omitempty"`
	Urgent   bool            `json:"urgent"`
	Title    string          `json:"title"`
	Text     string          `json:"text"` // the whole message in words
	Page     string          `json:"page,omitempty"`
	URL      string          `json:"url,omitempty"`
	AckURL   string          `json:"ackUrl,omitempty"`
	Data     json.RawMessage `json:"data,omitempty"` // the template's data
}

const (
	firing   = "firing"
	resolved = "resolved"
	// maxAlerts bounds one message, as a receiver's configuration does in Alertmanager; the rest is counted.
	maxAlerts = 200
)

// payload is the body of a message.
func payload(m notify.Message) ([]byte, error) {
	var d notify.PageData
	data := m.Data
	if m.Template == notify.TemplatePage || m.Template == notify.TemplatePageResolved {
		if err := json.Unmarshal(m.Data, &d); err != nil {
			return nil, fmt.Errorf("reading the data of a page: %w", err)
		}
		bare := d
		bare.Alerts = nil // they stand in the envelope
		var err error
		if data, err = json.Marshal(bare); err != nil {
			return nil, fmt.Errorf("writing the data of a page: %w", err)
		}
	}
	e := envelope{
		Receiver: d.Receiver, Status: firing, Alerts: d.Alerts, NotificationReason: reason(m.Template, d),
		RouteLabels: map[string]string{}, ExternalURL: m.External, Version: "4",
		Mainstay: own{
			Delivery: m.ID, Attempt: m.Attempt, Template: m.Template, Project: m.Project, Subject: m.Subject.String(), Person: m.Person,
			Urgent: m.Urgent, Title: m.Content.Subject, Text: m.Content.Text, Page: d.Number,
			URL: absolute(m.External, d.URL), AckURL: absolute(m.External, d.AckURL), Data: data,
		},
	}
	if e.Receiver == "" {
		e.Receiver = "mainstay"
	}
	if m.Template == notify.TemplatePageResolved {
		e.Status = resolved
	}
	if len(e.Alerts) == 0 {
		e.Alerts = []notify.Alert{standIn(m, d, e.Status)}
	}
	if over := len(e.Alerts) - maxAlerts; over > 0 {
		e.Alerts, e.TruncatedAlerts = e.Alerts[:maxAlerts], uint64(over)
	}
	e.Alerts = complete(e.Alerts, e.Status)
	e.CommonLabels = common(e.Alerts, func(a notify.Alert) map[string]string { return a.Labels })
	e.CommonAnnotations = common(e.Alerts, func(a notify.Alert) map[string]string { return a.Annotations })
	e.GroupLabels = map[string]string{}
	if name, ok := e.CommonLabels["alertname"]; ok {
		e.GroupLabels["alertname"] = name
	}
	e.GroupKey = fmt.Sprintf("{}:{subject=%q}", m.Subject.String())
	return json.Marshal(e)
}

// reason says why the message is sent, in Alertmanager's words.
func reason(template string, d notify.PageData) string {
	switch {
	case template == notify.TemplatePageResolved:
		return "all alerts resolved"
	case d.Repeat > 0:
		return "repeat interval elapsed"
	}
	return "first notification"
}

// standIn is an alert for a message that is about none, so that a receiver of alerts shows it all the same.
func standIn(m notify.Message, d notify.PageData, status string) notify.Alert {
	title, start := d.Title, d.Since
	if title == "" {
		title = m.Content.Subject
	}
	if start.IsZero() {
		start = m.Now
	}
	a := notify.Alert{
		Status: status, Labels: map[string]string{"alertname": title}, Annotations: map[string]string{"summary": title},
		StartsAt: start, GeneratorURL: absolute(m.External, d.URL), Fingerprint: fingerprint(m.Subject),
	}
	if d.Severity != "" {
		a.Labels["severity"] = d.Severity
	}
	if d.Service != "" {
		a.Labels["service"] = d.Service
	}
	if d.Summary != "" {
		a.Annotations["description"] = d.Summary
	}
	if status == resolved {
		a.EndsAt = d.Resolved
	}
	return a
}

// fingerprint looks like Alertmanager's: 16 hex characters, the same for the same subject.
func fingerprint(r mainstay.Ref) string {
	h := uint64(14695981039346656037)
	for _, b := range []byte(r.String()) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return fmt.Sprintf("%016x", h)
}

// complete leaves no field of an alert out: receivers in strict languages fail on null.
func complete(alerts []notify.Alert, status string) []notify.Alert {
	list := make([]notify.Alert, len(alerts))
	for i, a := range alerts {
		if a.Labels == nil {
			a.Labels = map[string]string{}
		}
		if a.Annotations == nil {
			a.Annotations = map[string]string{}
		}
		if a.Status == "" {
			a.Status = status
		}
		a.StartsAt, a.EndsAt = a.StartsAt.UTC(), a.EndsAt.UTC()
		list[i] = a
	}
	return list
}

// common are the pairs that all alerts share.
func common(alerts []notify.Alert, of func(notify.Alert) map[string]string) map[string]string {
	shared := maps.Clone(of(alerts[0]))
	for _, a := range alerts[1:] {
		other := of(a)
		maps.DeleteFunc(shared, func(k, v string) bool {
			o, ok := other[k]
			return !ok || o != v
		})
	}
	return shared
}

func absolute(external, u string) string {
	if !strings.HasPrefix(u, "/") || strings.HasPrefix(u, "//") {
		if p, err := url.Parse(u); err != nil || p.Scheme != "http" && p.Scheme != "https" {
			return ""
		}
		return u
	}
	return strings.TrimSuffix(external, "/") + u
}
