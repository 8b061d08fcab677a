package notify

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
)

// Told is one thing that a person was told, or was to be told: a notice, whatever addresses it went to.
type Told struct {
	ID       string
	Project  string
	Subject  mainstay.Ref
	Template string
	Data     json.RawMessage
	Urgent   bool
	At, Read time.Time // Read is zero while they have not looked
}

// TellFilter selects what a person was told, newest first. Messages that hold a secret, such as a link to reset a password, are
// never among it.
type TellFilter struct {
	Person string
	Unread bool
	ID     string
	Before string // id; exclusive
	Limit  int    // default 50, at most 500
}

// Inbox is what persons were told, and what they have read of it.
type Inbox interface {
	Told(ctx context.Context, f TellFilter) ([]Told, error)
	// Unread counts at most so many.
	Unread(ctx context.Context, person string, most int) (int, error)
	// Read marks one as read, or with upTo all up to that one; with read false it marks it unread.
	Read(ctx context.Context, person, id string, upTo, read bool, at time.Time) error
}

// Secret lists the templates of messages that hold a secret: they are sent, and shown nowhere.
func Secret() []string { return []string{TemplateInvite, TemplateReset, TemplateVerify} }

// Heading is what a notice says in one line, and where it leads: a path of this server, or "".
func (t Told) Heading(zone string, now time.Time) (title, url string) {
	var d struct{ URL string }
	if json.Unmarshal(t.Data, &d) == nil && strings.HasPrefix(d.URL, "/") && !strings.HasPrefix(d.URL, "//") {
		url = d.URL
	}
	c, err := Render(t.Template, t.Data, "", zone, now)
	if err != nil || c.Subject == "" {
		return "A message that can no longer be shown", url
	}
	return c.Subject, url
}

// Why says why the person was told.
func (t Told) Why() string {
	switch t.Template {
	case TemplatePage:
		var d PageData
		if json.Unmarshal(t.Data, &d) != nil || d.Why == "" {
			return "You were paged."
		}
		why := "You were paged: " + d.Why
		if d.Policy != "" {
			why += ", by the policy " + d.Policy
		}
		return why + "."
	case TemplatePageResolved:
		return "You were paged for it, and it is over."
	case TemplateIncident:
		var d IncidentData
		if json.Unmarshal(t.Data, &d) == nil && d.Event != "" {
			return d.Event
		}
		return "You have a role in the incident."
	case TemplateTest:
		return "You asked for a test."
	case "action.assigned":
		return "You are asked to own it."
	case "action.reminder", "action.overdue":
		return "You own it, and its date is near or past."
	}
	switch t.Subject.Kind {
	case mainstay.KindAction:
		return "You own it."
	case mainstay.KindRootCause:
		return "You lead the analysis, or are asked to review it."
	case mainstay.KindArticle:
		return "You keep the article."
	case mainstay.KindIncident:
		return "You have a role in the incident."
	}
	return ""
}
