package generic

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/core/intake"
)

var now = time.Date(2026, 3, 17, 3, 0, 0, 0, time.UTC)

// Each case of testdata/cases.txt is a content type with a query, the body, then "=>" and what it means.
func TestCases(t *testing.T) {
	t.Parallel()
	const path = "testdata/cases.txt"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	update := os.Getenv("UPDATE_GOLDEN") != ""
	var out strings.Builder
	for _, c := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n\n") {
		in, want, _ := strings.Cut(c, "\n=> ")
		first, body, _ := strings.Cut(in, "\n")
		kind, query, _ := strings.Cut(first, "?")
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		r := &intake.Request{Method: "POST", Type: kind, Query: q, Body: []byte(body), Scope: "svc", Now: now}
		p := Format{}.Parse(r, intake.Limits{})
		got := fmt.Sprintf("%d %s", p.Reply.Status, strings.TrimSpace(string(p.Reply.Body)))
		for _, s := range p.Signals {
			got += fmt.Sprintf("\n   %s %s %s over=%v", intake.FingerprintText(s.Fingerprint), s.Labels.JSON(), s.Annotations.JSON(), !s.EndsAt.IsZero())
		}
		got = strings.TrimSpace(got)
		fmt.Fprintf(&out, "%s\n=> %s\n\n", in, got)
		if !update && got != want {
			t.Errorf("%s\n got: %s\nwant: %s", in, got, want)
		}
	}
	if update {
		if err := os.WriteFile(path, []byte(strings.TrimSuffix(out.String(), "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Opening and closing meet in one condition, by the dedup key or by the same text; another service is another condition.
func TestIdentity(t *testing.T) {
	t.Parallel()
	fp := func(scope string, e Event) uint64 {
		return e.Signal(&intake.Request{Scope: scope, Now: now}).Fingerprint
	}
	open := Event{Summary: "Disk", Dedup: "d", Severity: "critical", Labels: map[string]string{"host": "db"}}
	if fp("a", open) != fp("a", Event{Dedup: "d", Close: true}) {
		t.Error("closing by dedup misses what it opened")
	}
	if fp("a", open) == fp("b", open) {
		t.Error("two services share a condition")
	}
	if fp("a", Event{Summary: "x", Details: "y"}) != fp("a", Event{Summary: "x", Details: "y", Close: true}) || fp("a", Event{Summary: "x"}) == fp("a", Event{Summary: "z"}) {
		t.Error("the text does not identify")
	}
}

func FuzzRead(f *testing.F) {
	f.Add("application/json", []byte(`{"summary":"x","labels":{"a":1},"action":"close"}`), "dedup=d")
	f.Add("application/x-www-form-urlencoded", []byte(`summary=x&labels.a=b`), "")
	f.Add("multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"summary\"\r\n\r\nx\r\n--b--\r\n"), "")
	f.Fuzz(func(t *testing.T, kind string, body []byte, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Skip()
		}
		p := Format{}.Parse(&intake.Request{Method: "POST", Type: kind, Body: body, Query: q, Now: now}, intake.Limits{})
		if p.Reply.Status == 0 || p.Empty() && p.Reply.Status < 300 {
			t.Fatalf("%+v", p.Reply)
		}
		for _, s := range p.Signals {
			if len(s.Labels) == 0 || len(s.Annotations.Get("summary")) > MaxSummary {
				t.Fatalf("%+v", s)
			}
		}
	})
}
