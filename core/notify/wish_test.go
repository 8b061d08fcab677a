package notify_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/people"
)

// TestWhatAPersonChoseIsRespected plans notices for somebody with a mail address for pages, a device and a webhook.
func TestWhatAPersonChoseIsRespected(t *testing.T) {
	t.Parallel()
	methods := []notify.Method{
		{Channel: "email", Address: "ana@example.com", Pages: true}, {Channel: "push", Address: "https://push.example/1", Pages: true},
		{Channel: "webhook", Address: "https://hook.example/ana"},
	}
	night := time.Date(2026, 1, 8, 2, 0, 0, 0, time.UTC) // three in the morning in Berlin
	quiet := people.Quiet{From: "22:00", To: "07:00"}
	for name, c := range map[string]struct {
		wish   people.Preferences
		kind   mainstay.Kind
		urgent bool
		want   string // channel or the reason, of each delivery
		held   bool
	}{
		"nothing chosen":           {people.Preferences{}, "action", false, "email", false},
		"devices first":            {people.Preferences{Order: []people.Channel{"push"}}, "action", false, "push", false},
		"the page order is others": {people.Preferences{PageOrder: []people.Channel{"push"}}, "action", false, "email", false},
		"a page":                   {people.Preferences{PageOrder: []people.Channel{"push"}}, "page", true, "push email", false},
		"a topic elsewhere":        {people.Preferences{Topics: map[string][]string{"action": {"webhook"}}}, "action", false, "webhook", false},
		"another topic":            {people.Preferences{Topics: map[string][]string{"action": {"webhook"}}}, "incident", false, "email", false},
		"nowhere":                  {people.Preferences{Topics: map[string][]string{"action": {"none"}}}, "action", false, "suppressed: the person chose not to be sent actions", false},
		"in the digest":            {people.Preferences{Topics: map[string][]string{"rootcause": {"digest"}}}, "rootcause", false, "suppressed: the person chose to read of root cause analyses in the digest", false},
		"a page is not a topic":    {people.Preferences{Topics: map[string][]string{"page": {"none"}}, Quiet: quiet}, "page", true, "email push", false},
		"quiet":                    {people.Preferences{Quiet: quiet}, "incident", false, "email", true},
		"quiet on other hours":     {people.Preferences{Quiet: people.Quiet{From: "12:00", To: "13:00"}}, "incident", false, "email", false},
		"everything else":          {people.Preferences{Topics: map[string][]string{"other": {"push"}}}, "service", false, "push", false},
	} {
		who := notify.Recipient{ID: "ana", Zone: "Europe/Berlin", Methods: slices.Clone(methods), Wish: c.wish}
		n := commit.Notice{Key: "k", Person: "ana", Subject: mainstay.Ref{Kind: c.kind, ID: "1"}, Template: "general", Urgent: c.urgent}
		var got []string
		for _, d := range notify.Plan(n, "n", who, func(string) string { return "" }, night) {
			if d.State == notify.Suppressed {
				got = append(got, "suppressed: "+d.Reason)
				continue
			}
			got = append(got, d.Channel)
			if held := d.Next.Equal(time.Date(2026, 1, 8, 6, 0, 0, 0, time.UTC)) && strings.Contains(d.Reason, "quiet hours"); held != c.held || !held && !d.Next.Equal(night) {
				t.Errorf("%s: sent at %s (%s)", name, d.Next, d.Reason)
			}
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %q, want %q", name, s, c.want)
		}
	}
}

// TestNobodyWaitsForWhatTheyAskedFor: what somebody sits and waits for comes in quiet hours, too, whatever was chosen.
func TestNobodyWaitsForWhatTheyAskedFor(t *testing.T) {
	t.Parallel()
	who := notify.Recipient{ID: "ana", Zone: "UTC", Methods: []notify.Method{{Channel: "push", Address: "https://push.example/1"}, {Channel: "email", Address: "ana@example.com"}},
		Wish: people.Preferences{Quiet: people.Quiet{From: "00:00", To: "23:59"}, Topics: map[string][]string{"other": {"none"}}}}
	now := time.Date(2026, 1, 8, 2, 0, 0, 0, time.UTC)
	for _, template := range []string{notify.TemplateReset, notify.TemplateInvite, notify.TemplateTest, people.DigestTemplate} {
		n := commit.Notice{Key: "k", Person: "ana", Subject: mainstay.Ref{Kind: mainstay.KindPerson, ID: "ana"}, Template: template}
		list := notify.Plan(n, "n", who, func(string) string { return "" }, now)
		if len(list) != 1 || list[0].State != notify.Planned || !list[0].Next.Equal(now) {
			t.Errorf("%s: %+v", template, list)
		}
		if template == people.DigestTemplate && list[0].Channel != "email" {
			t.Errorf("the summary goes by %s", list[0].Channel)
		}
	}
}

func TestADigestReadsLikeOne(t *testing.T) {
	t.Parallel()
	data := []byte(`{"name":"Ana","url":"/me/preferences","sections":[{"title":"Actions that are due","lines":[
		{"text":"ACT-7 Mend <the> pool","url":"/actions/ACT-7","at":"2026-01-08T09:00:00Z","note":"overdue"},{"text":"evil","url":"javascript:alert(1)"}],"more":3}]}`)
	c, err := notify.Render(people.DigestTemplate, data, "https://mainstay.example", "Europe/Berlin", time.Date(2026, 1, 8, 6, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ACTIONS THAT ARE DUE", "- ACT-7 Mend <the> pool - 10:00 CET, overdue", "and 3 more", "https://mainstay.example/me/preferences"} {
		if !strings.Contains(c.Text, want) {
			t.Errorf("the text does not say %q:\n%s", want, c.Text)
		}
	}
	if c.Subject != "Your day with Mainstay: 5 things" || !strings.Contains(c.HTML, `href="https://mainstay.example/actions/ACT-7"`) ||
		strings.Contains(c.HTML, "javascript:") || strings.Contains(c.HTML, "<the>") {
		t.Errorf("%s\n%s", c.Subject, c.HTML)
	}
	empty, err := notify.Render(people.DigestTemplate, []byte(`{"weekly":true}`), "https://mainstay.example", "UTC", time.Now())
	if err != nil || empty.Subject != "Your week with Mainstay" || !strings.Contains(empty.Text, "Nothing of yours is due") {
		t.Errorf("%+v %v", empty, err)
	}
}
