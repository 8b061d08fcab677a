package notify

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
)

// The names of the templates. Each one's data is the type beside it; a notice with a template that notify does not know is
// rendered as General.
const (
	TemplatePage         = "page"          // PageData: look at this
	TemplatePageResolved = "page.resolved" // PageData: it is over
	TemplateIncident     = "incident"      // IncidentData
	TemplateInvite       = "invite"        // LinkData
	TemplateReset        = "reset"         // LinkData
	TemplateVerify       = "verify"        // LinkData, with a code
	TemplateTest         = "test"          // LinkData
	TemplateGeneral      = "general"       // GeneralData
)

// PageData is what a page says. URLs may begin with "/": the server's own address is put before them. Everything may be
// empty but Title.
type PageData struct {
	Page     string    `json:"page"`               // the page's id
	Number   string    `json:"number"`             // PAG-3
	Title    string    `json:"title"`              // what is wrong, in one line
	Severity string    `json:"severity,omitempty"` // sev-1 … sev-4
	Since    time.Time `json:"since,omitzero"`     // since when it is wrong
	Summary  string    `json:"summary,omitempty"`  // more about it, plain text
	Project  string    `json:"project,omitempty"`  // title, for people
	Service  string    `json:"service,omitempty"`  // title, for people
	Policy   string    `json:"policy,omitempty"`   // the policy's name
	Step     int       `json:"step,omitempty"`     // 1 for the first
	Repeat   int       `json:"repeat,omitempty"`   // 0 for the first round
	Why      string    `json:"why,omitempty"`      // why this person: "on call in primary until 08:00"
	Drill    bool      `json:"drill,omitempty"`
	URL      string    `json:"url,omitempty"`     // the page
	AckURL   string    `json:"ackUrl,omitempty"`  // signed, for this person alone; leads to a form that confirms
	Runbook  string    `json:"runbook,omitempty"` // URL of what to do
	Incident string    `json:"incident,omitempty"`
	Resolved time.Time `json:"resolved,omitzero"`
	Reason   string    `json:"reason,omitempty"`   // of the resolution, or of an escalation
	Receiver string    `json:"receiver,omitempty"` // name for webhook receivers; default "mainstay"
	Alerts   []Alert   `json:"alerts,omitempty"`   // the alerts behind it
}

// Alert is an alert as Alertmanager's webhook carries it.
type Alert struct {
	Status       string            `json:"status"` // firing or resolved
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

// IncidentData tells somebody what happened to an incident.
type IncidentData struct {
	Incident string    `json:"incident"`        // id
	Number   string    `json:"number"`          // INC-42
	Title    string    `json:"title"`           // of the incident
	Event    string    `json:"event,omitempty"` // what happened, as a sentence: "You are the commander."
	Severity string    `json:"severity,omitempty"`
	State    string    `json:"state,omitempty"` // the state word
	Text     string    `json:"text,omitempty"`  // plain text
	By       string    `json:"by,omitempty"`    // who did it, by name
	Since    time.Time `json:"since,omitzero"`
	Due      time.Time `json:"due,omitzero"` // when something is expected of the reader
	Project  string    `json:"project,omitempty"`
	URL      string    `json:"url,omitempty"`
}

// LinkData is a short message with one link or code: an invitation, a reset, a confirmation, a test.
type LinkData struct {
	Name    string    `json:"name,omitempty"` // of the reader
	By      string    `json:"by,omitempty"`   // who caused it, by name
	Code    string    `json:"code,omitempty"`
	URL     string    `json:"url,omitempty"`
	Sealed  string    `json:"sealed,omitempty"` // in place of URL: a link that nobody who reads the database may use; see Config.Open
	Expires time.Time `json:"expires,omitzero"`
}

// GeneralData is any other message. What is empty is left out.
type GeneralData struct {
	Title string    `json:"title"`
	Text  string    `json:"text,omitempty"` // plain text
	Link  string    `json:"link,omitempty"` // the words of the link; default "Open"
	URL   string    `json:"url,omitempty"`
	Due   time.Time `json:"due,omitzero"`
}

// Notice fills in the template and data of a notice. The data must be one of the types of this package.
func Notice(n commit.Notice, template string, data any) commit.Notice {
	b, err := json.Marshal(data)
	if err != nil {
		panic(fmt.Sprintf("notify: %T cannot be written as JSON: %v", data, err)) // a programming error
	}
	n.Template, n.Data = template, b
	return n
}

// Test makes a test message to each usable address of a person.
func Test(who Recipient, now time.Time) []commit.Notice {
	var list []commit.Notice
	id := mainstay.NewID(now)
	for i, m := range who.Methods {
		if m.Blocked != "" || who.Blocked != "" {
			continue
		}
		list = append(list, Notice(commit.Notice{
			Key: fmt.Sprintf("test/%s/%d", id, i), Project: mainstay.Installation, Subject: mainstay.Ref{Kind: mainstay.KindPerson, ID: who.ID},
			Person: who.ID, Channel: m.Channel, Address: m.Address, At: now,
		}, TemplateTest, LinkData{Name: who.Name, URL: "/me/notifications"}))
	}
	return list
}
