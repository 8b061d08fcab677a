package notify_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestWhatMessagesSay(t *testing.T) {
	t.Parallel()
	now := mainstaytest.Start
	paged := notify.PageData{
		Page: "p", Number: "PAG-3", Title: "Checkout errors above 5 %", Severity: "sev-1", Since: now.Add(-4 * time.Minute),
		Summary: "5.2 % of checkouts fail.\nIt began with the deploy of 02:51.", Project: "Harbour", Service: "Checkout", Policy: "primary", Step: 2,
		Why: "on call in Primary until 08:00", URL: "/pages/PAG-3", AckURL: "/ack/abc", Runbook: "https://wiki.example.com/checkout",
		Alerts: []notify.Alert{{Labels: map[string]string{"alertname": "CheckoutErrors", "service": "checkout", "job": "shop"}}, {}},
	}
	drill, over := paged, paged
	drill.Drill, drill.Repeat = true, 1
	over.Resolved, over.Reason = now, "the alert ended"
	for name, c := range map[string]struct {
		template string
		data     any
	}{
		"page":     {notify.TemplatePage, paged},
		"drill":    {notify.TemplatePage, drill},
		"bare":     {notify.TemplatePage, notify.PageData{Title: "Something is wrong"}},
		"resolved": {notify.TemplatePageResolved, over},
		"incident": {notify.TemplateIncident, notify.IncidentData{
			Number: "INC-42", Title: "Card payments fail", Event: "You are the commander.", Severity: "sev-1", State: "open", By: "Ana Ruiz",
			Since: now.Add(-26 * time.Hour), Project: "Harbour", URL: "/incidents/INC-42",
		}},
		"invite":  {notify.TemplateInvite, notify.LinkData{Name: "Ben", By: "Ana Ruiz", URL: "/invite/x", Expires: now.Add(72 * time.Hour)}},
		"reset":   {notify.TemplateReset, notify.LinkData{Name: "Ben", URL: "/reset/x", Expires: now.Add(time.Hour)}},
		"verify":  {notify.TemplateVerify, notify.LinkData{Code: "493 027", Expires: now.Add(time.Hour)}},
		"test":    {notify.TemplateTest, notify.LinkData{Name: "Ben", URL: "/me/notifications"}},
		"general": {"action.overdue", notify.GeneralData{Title: "Overdue: ACT-2: Restore test", Text: "Its date has passed.", Link: "Open ACT-2", URL: "/actions/ACT-2", Due: now.Add(-time.Hour)}},
	} {
		data, err := json.Marshal(c.data)
		if err != nil {
			t.Fatal(err)
		}
		got, err := notify.Render(c.template, data, "https://mainstay.example.com/", "America/New_York", now)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		golden(t, name+".txt", "Subject: "+got.Subject+"\n\n"+got.Text)
		golden(t, name+".html", got.HTML)
		if n := strings.Count(got.Text, "https://"); n != strings.Count(got.HTML, "href=") {
			t.Errorf("%s: the text has %d links, the HTML another number", name, n)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -update and look at it. Now:\n%s", path, got)
	}
}

// FuzzRender: whatever an alert says, the subject stays one line, the text holds no control characters, and the HTML no element
// and no address that is not ours.
func FuzzRender(f *testing.F) {
	for _, s := range []string{"plain", "a\r\nBcc: x", "<script>alert(1)</script>", "\xff\x00\x1b[2J", "javascript:alert(1)", "https://x.example/\" onclick=\"", "\u202Eevil", "{{.}}", "//evil.example"} {
		f.Add(s, s)
	}
	allowed := map[string]bool{
		"html": true, "head": true, "meta": true, "title": true, "body": true, "div": true, "p": true, "h1": true, "table": true, "tbody": true,
		"tr": true, "td": true, "a": true,
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		data, err := json.Marshal(notify.PageData{
			Title: a, Summary: b, Number: a, Severity: b, Why: a, URL: b, AckURL: a, Runbook: b, Service: a, Project: b, Reason: a,
			Alerts: []notify.Alert{{Labels: map[string]string{a: b}}},
		})
		if err != nil {
			t.Skip()
		}
		c, err := notify.Render(notify.TemplatePage, data, "https://mainstay.example.com", a, mainstaytest.Start)
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(c.Subject, unicode.IsControl) || !utf8.ValidString(c.Subject) || utf8.RuneCountInString(c.Subject) > 200 {
			t.Errorf("the subject is %q", c.Subject)
		}
		if strings.ContainsFunc(c.Text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) || !utf8.ValidString(c.Text) {
			t.Errorf("the text is %q", c.Text)
		}
		doc, err := html.Parse(strings.NewReader(c.HTML))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if !allowed[n.Data] {
				t.Errorf("an element <%s> in\n%s", n.Data, c.HTML)
			}
			for _, at := range n.Attr {
				if at.Key == "href" && !strings.HasPrefix(strings.ToLower(at.Val), "http") || strings.HasPrefix(at.Key, "on") {
					t.Errorf("an attribute %s=%q", at.Key, at.Val)
				}
			}
		}
	})
}
