package communication_test

import (
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/practice/communication"
)

func TestLinter(t *testing.T) {
	l, err := communication.NewLinter([]string{`\bproject-x\b`})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text  string
		fault string // a part of what the linter says, "" when it must pass
	}{
		// What users should read.
		{"Since 02:51 UTC some card payments do not go through. Orders by invoice work.", ""},
		{"We have found the likely cause and are working on it. We will tell you more by 15:24 UTC.", ""},
		{"Next update by 15:24 UTC, whatever we know then.", ""},
		{"You can pay by invoice until this is over.", ""},
		{"Version 2.4.1 of the app shows old prices.", ""},
		{"The web page at https://shop.example.com/help says how.", ""},
		{"Mails are late by up to 20 minutes.", ""},
		{"We expect to know more by 16:00.", ""},
		{"Payments in the EU are affected; the rest of the world works.", ""},
		{"The beta feature is off.", ""},
		// Internal names.
		{"db-3 is full", "db-3"},
		{"The host pay.prod.internal is gone", "pay.prod.internal"},
		{"checkout.default.svc.cluster.local times out", "svc"},
		{"10.0.3.17 does not answer", "10.0.3.17"},
		{"2001:db8:1:2::5 does not answer", "2001:db8"},
		{"ip-10-0-0-1 was replaced", "ip-10-0-0-1"},
		{"localhost is unreachable", "localhost"},
		{"pay-api-7d9f8b6c5d-x2x4z was restarted", "pay-api"},
		{"redis:6379 refused", "redis:6379"},
		{"payments-db-primary is full", "payments-db-primary"},
		{"PROJECT-X failed", "PROJECT-X"},
		{"NODE-12 failed", "NODE-12"},
		// Bare promises.
		{"ETA 30 minutes", "ETA"},
		{"It will be fixed in 20 minutes.", "promises"},
		{"We expect to be back by 15:00.", "promises"},
		{"Service should be restored within the hour.", "promises"},
		{"Back soon", "promises"},
		{"We hope to have everything working again tonight or at noon", "promises"},
		{"Checkout will be back shortly.", "promises"},
		{"Estimated time of recovery: 3 pm", "promises"},
		{"Payments will be available again by tomorrow", "promises"},
		// Blame.
		{"Caused by human error.", "blame"},
		{"The vendor is to blame.", "blame"},
	} {
		err := l.Check("Card payments fail", c.text, communication.Investigating, 20*time.Minute)
		says := mainstay.ErrorFields(err)["body"]
		if c.fault == "" && says != "" || c.fault != "" && !strings.Contains(says, c.fault) {
			t.Errorf("%q: the linter says %q; want %q", c.text, says, c.fault)
		}
	}
	for name, c := range map[string]struct {
		title, body string
		status      communication.Status
		next        time.Duration
	}{
		"title":  {"", "Some text.", communication.Identified, time.Minute},
		"body":   {"Title", " ", communication.Identified, time.Minute},
		"next":   {"Title", "Some text.", communication.Monitoring, 0},
		"status": {"Title", "Some text.", "gone", time.Minute},
	} {
		if err := l.Check(c.title, c.body, c.status, c.next); mainstay.ErrorFields(err)[name] == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := l.Check("Over", "It was fixed at 15:00 and works in all regions since then.", communication.Resolved, 0); err != nil {
		t.Errorf("the last word: %v", err)
	}
	if err := l.Check("T", "Text.", communication.Identified, 25*time.Hour); mainstay.ErrorFields(err)["next"] == "" {
		t.Errorf("in 25 hours: %v", err)
	}
	if _, err := communication.NewLinter([]string{"("}); !mainstay.Is(err, mainstay.Invalid) {
		t.Errorf("a broken pattern: %v", err)
	}
}

func TestFill(t *testing.T) {
	v := communication.Values{"service": "{{state}} & <b>", "next_update": "15:24 UTC", "state": "down"}
	for text, want := range map[string]string{
		"plain": "plain", "{{ service }} by {{next_update}}": "{{state}} & <b> by 15:24 UTC", "a } } b { c": "a } } b { c", "": "", "{{state}}{{state}}": "downdown",
	} {
		if got, err := communication.Fill(text, v); err != nil || got != want {
			t.Errorf("%q gives %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"{{", "{{nothing}}", "x {{ service", "{{}}", "{{ended}}", "{{{{service}}}}"} {
		if got, err := communication.Fill(text, v); !mainstay.Is(err, mainstay.Invalid) {
			t.Errorf("%q gives %q, %v; want invalid", text, got, err)
		}
	}
	for _, b := range communication.BuiltIn() {
		all := communication.Values{}
		for _, p := range communication.Placeholders() {
			all[p] = "12:00 UTC"
		}
		l, err := communication.NewLinter(nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := communication.Fill(b.Body, all)
		next := 20 * time.Minute
		if b.Status == communication.Resolved {
			next = 0
		}
		if err == nil {
			err = l.Check("Title", text, b.Status, next)
		}
		if err != nil {
			t.Errorf("the built-in template %s does not pass its own linter: %v", b.Name, err)
		}
	}
}

// Filling never panics, never leaves a placeholder that it knows, and never fills a value again.
func FuzzFill(f *testing.F) {
	f.Add("{{service}} and {{state}}", "{{state}}")
	f.Add("{{ {{service}} }}", "x")
	f.Add("}}{{", "{{")
	f.Fuzz(func(t *testing.T, text, value string) {
		v := communication.Values{"service": value, "state": "down"}
		got, err := communication.Fill(text, v)
		if err != nil {
			if !mainstay.Is(err, mainstay.Invalid) {
				t.Fatal(err)
			}
			return
		}
		if !strings.Contains(text, "{{") && got != text {
			t.Errorf("%q without a placeholder became %q", text, got)
		}
		if want := strings.Count(text, "{{service}}"); value != "" && !strings.Contains(value, "down") && strings.Count(got, value) < want {
			t.Errorf("%q with %q became %q", text, value, got)
		}
	})
}

// The linter takes any text in linear time.
func FuzzLint(f *testing.F) {
	l, err := communication.NewLinter(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("will be fixed in 10 minutes", "db-1")
	f.Add("\xff", strings.Repeat("a.", 500))
	f.Fuzz(func(t *testing.T, title, body string) {
		if err := l.Check(title, body, communication.Identified, time.Minute); err != nil && !mainstay.Is(err, mainstay.Invalid) {
			t.Fatal(err)
		}
	})
}

// A manifest says group: true for a group and group: name for a member, and is written back so.
func TestManifest(t *testing.T) {
	for text, want := range map[string]communication.GroupRef{
		"title: A\ngroup: true\n": "true", "title: A\ngroup: shop\n": "shop", "title: A\n": "", "title: A\ngroup: false\n": "", "title: A\ngroup: \"shop\"\n": "shop",
	} {
		var s communication.ComponentSpec
		if err := yaml.NewDecoder(strings.NewReader(text), yaml.Strict()).Decode(&s); err != nil || s.Group != want {
			t.Errorf("%q: group %q, %v; want %q", text, s.Group, err, want)
		}
		out, err := yaml.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var again communication.ComponentSpec
		if err := yaml.Unmarshal(out, &again); err != nil || again.Group != want {
			t.Errorf("%q written back as %q: %v", text, out, err)
		}
	}
	for _, text := range []string{"title: A\ngroup: [a]\n", "title: A\ngroups: x\n", "title: A\ngroup: 3\n"} {
		var s communication.ComponentSpec
		if err := yaml.NewDecoder(strings.NewReader(text), yaml.Strict()).Decode(&s); err == nil {
			t.Errorf("%q is taken as %+v", text, s)
		}
	}
}

func TestDays(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC)
	at := func(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 0, 0, 0, time.UTC) }
	intervals := []communication.Interval{
		{State: communication.Operational, From: at(28, 12), Until: at(29, 20)},
		{State: communication.MajorOutage, From: at(29, 20), Until: at(29, 21)},
		{State: communication.UnderMaintenance, From: at(29, 21), Until: at(30, 1)},
		{State: communication.Degraded, From: at(30, 1)},
	}
	days := communication.Days(intervals, now, 4, berlin)
	if days[0].Worst != "" || days[0].Measured != 0 {
		t.Errorf("before anything was known: %+v", days[0])
	}
	if got := days[2]; got.Measured != 23*time.Hour || got.Worst != communication.MajorOutage || got.Spent[communication.MajorOutage] != time.Hour {
		t.Errorf("the day on which summer time begins: %+v", got)
	}
	if got := days[3]; got.Worst != communication.Degraded || got.Spent[communication.UnderMaintenance] != 3*time.Hour {
		t.Errorf("today: %+v", got)
	}
	share, ok := communication.Available(days)
	up, all := 32.0+11, 32.0+11+1 // hours; four of maintenance are left out
	if want := up / all; !ok || share < want-1e-9 || share > want+1e-9 {
		t.Errorf("available %v, %v; want %v", share, ok, want)
	}
	if _, ok := communication.Available(nil); ok {
		t.Error("available without a measurement")
	}
}
