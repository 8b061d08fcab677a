package webpush

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay/core/notify"
)

// Note is what the service worker is given.
type Note struct {
	Title  string `json:"title"`
	Body   string `json:"body,omitempty"`
	URL    string `json:"url,omitempty"`    // a path of this server: what a click opens
	Ack    string `json:"ack,omitempty"`    // a path with a token: what the button Acknowledge posts to
	Tag    string `json:"tag,omitempty"`    // messages of one tag take each other's place on the screen
	Urgent bool   `json:"urgent,omitempty"` // it stays until somebody looks
	Over   bool   `json:"over,omitempty"`   // what it was about is over
	At     int64  `json:"at,omitempty"`     // milliseconds since 1970
	Verify string `json:"verify,omitempty"` // a code that proves that the device gets messages
}

// most is how many bytes of a note fit into one encrypted record with room to spare.
const most = 3000

// Payload makes the note of a message, as JSON.
func Payload(m notify.Message) ([]byte, error) {
	n := Note{Title: m.Content.Subject, Body: summary(m.Content.Text), Urgent: m.Urgent, At: m.Now.UnixMilli()}
	if !m.Subject.IsZero() {
		n.Tag = m.Subject.String()
	}
	var err error
	switch m.Template {
	case notify.TemplatePage, notify.TemplatePageResolved:
		var d notify.PageData
		if err = json.Unmarshal(m.Data, &d); err == nil {
			n.page(d, m)
		}
	case notify.TemplateVerify:
		var d notify.LinkData
		err = json.Unmarshal(m.Data, &d)
		n.Verify, n.URL, n.Tag, n.Title = d.Code, d.URL, "verify", "This device gets your pages"
		n.Body = "Mainstay has connected it. You can close this."
	case notify.TemplateTest:
		n.Title, n.Body, n.URL, n.Tag = "A test", "This device gets messages from Mainstay.", "/me/notifications", "test"
	default:
		var d struct {
			URL string `json:"url"`
		}
		err = json.Unmarshal(m.Data, &d)
		n.URL = d.URL
	}
	if err != nil {
		return nil, fmt.Errorf("reading the data of %q: %w", m.Template, err)
	}
	n.URL, n.Ack = local(n.URL, m.External), local(n.Ack, m.External)
	n.Title = cut(n.Title, 200)
	for {
		b, err := json.Marshal(n)
		if err != nil || len(b) <= most || n.Body == "" {
			return b, err
		}
		n.Body = cut(n.Body, utf8.RuneCountInString(n.Body)/2)
	}
}

func (n *Note) page(d notify.PageData, m notify.Message) {
	n.URL, n.Title = d.URL, strings.TrimPrefix(d.Title, " ")
	var where []string
	for _, s := range []string{d.Severity, d.Service, d.Project} {
		if s != "" {
			where = append(where, s)
		}
	}
	n.Body = strings.Join(where, " · ")
	if d.Drill {
		n.Title = "Drill: " + n.Title
	}
	if m.Template == notify.TemplatePageResolved {
		n.Over, n.Urgent, n.Title = true, false, "Over: "+n.Title
		if d.Reason != "" {
			n.Body += "\n" + d.Reason
		}
		return
	}
	n.Ack = d.AckURL
	if d.Why != "" {
		n.Body += "\nYou: " + d.Why
	}
	if d.Number != "" {
		n.Body += "\n" + d.Number
	}
}

// summary is the first lines of a text that say something, without the title above them.
func summary(text string) string {
	var lines []string
	for i, l := range strings.Split(text, "\n") {
		if l = strings.TrimSpace(l); l == "" || i == 0 {
			continue
		}
		if l == "--" || strings.HasPrefix(l, "http") || len(lines) == 4 {
			break
		}
		lines = append(lines, strings.TrimSuffix(l, ":"))
	}
	return strings.Join(lines, "\n")
}

// local is the path of an address of this server; the worker opens nothing else.
func local(u, external string) string {
	if external != "" {
		u = strings.TrimPrefix(u, strings.TrimSuffix(external, "/"))
	}
	if !strings.HasPrefix(u, "/") || strings.HasPrefix(u, "//") {
		return ""
	}
	return u
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:max(0, n-1)]) + "…"
	}
	return s
}
