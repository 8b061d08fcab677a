package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/notify/webhook"
	"github.com/mainstayhq/mainstay/core/outbound"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func send(t *testing.T, h http.HandlerFunc, m notify.Message) (notify.Receipt, error) {
	t.Helper()
	s := httptest.NewServer(h)
	defer s.Close()
	hook, err := webhook.New(webhook.Config{
		Client: s.Client(), Time: mainstay.NewMoved(mainstaytest.Start),
		Secret: func(_ context.Context, person, address string) (string, error) { return "s3cret " + person, nil },
		Sign:   outbound.Sign, RetryAfter: outbound.RetryAfter,
	})
	if err != nil {
		t.Fatal(err)
	}
	m.Address = s.URL + "/hook?token=hidden"
	return hook.Send(t.Context(), m)
}

func message(t *testing.T, template string, data any) notify.Message {
	t.Helper()
	b, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	c, err := notify.Render(template, b, "https://mainstay.example.com", "", mainstaytest.Start)
	if err != nil {
		t.Fatal(err)
	}
	return notify.Message{
		ID: "01900000-0000-7000-8000-0000000000d1", Attempt: 2, Person: "ana", Project: "har", Template: template, Urgent: true, Data: b, Content: c,
		Subject: mainstay.Ref{Kind: mainstay.KindPage, ID: "p3"}, External: "https://mainstay.example.com", Now: mainstaytest.Start,
	}
}

func TestPayloads(t *testing.T) {
	t.Parallel()
	now := mainstaytest.Start
	alert := func(instance string) notify.Alert {
		return notify.Alert{
			Status: "firing", Labels: map[string]string{"alertname": "CheckoutErrors", "severity": "critical", "instance": instance},
			Annotations: map[string]string{"summary": "Too many <errors>"}, StartsAt: now.Add(-4 * time.Minute),
			GeneratorURL: "http://prometheus.example.com/graph", Fingerprint: "00c0ffee00c0ffee",
		}
	}
	paged := notify.PageData{
		Page: "p3", Number: "PAG-3", Title: "Checkout errors", Severity: "sev-1", Since: now.Add(-4 * time.Minute), Service: "Checkout",
		URL: "/pages/PAG-3", AckURL: "/ack/abc", Alerts: []notify.Alert{alert("a"), alert("b")},
	}
	over := paged
	over.Alerts = []notify.Alert{alert("a")}
	over.Alerts[0].Status, over.Alerts[0].EndsAt, over.Resolved = "resolved", now, now
	byHand := paged
	byHand.Alerts = nil
	for name, m := range map[string]notify.Message{
		"page": message(t, notify.TemplatePage, paged), "resolved": message(t, notify.TemplatePageResolved, over),
		"by-hand": message(t, notify.TemplatePage, byHand), "test": message(t, notify.TemplateTest, notify.LinkData{Name: "Ana"}),
	} {
		var got bytes.Buffer
		_, err := send(t, func(_ http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			if err := outbound.Verify("s3cret ana", r.Header, b, now, time.Minute); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if r.Header.Get("Mainstay-Delivery") != m.ID || r.Header.Get("Mainstay-Attempt") != "2" || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: the headers are %v", name, r.Header)
			}
			if err := json.Indent(&got, b, "", "  "); err != nil {
				t.Error(err)
			}
		}, m)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		path := "testdata/" + name + ".json"
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s differs; run with -update and look at it. Now:\n%s", path, got.String())
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		200: "confirmed", 204: "confirmed", 301: "failed", 307: "failed", 400: "failed", 401: "failed", 404: "failed", 410: "failed", 413: "failed",
		408: "again", 425: "again", 429: "again", 500: "again", 502: "again", 503: "again", 504: "again",
	} {
		r, err := send(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			if status != http.StatusNoContent {
				_, _ = io.WriteString(w, "because\nof <this>")
			}
		}, message(t, notify.TemplateTest, notify.LinkData{}))
		got := "again"
		switch {
		case err == nil && r.Confirmed:
			got = "confirmed"
		case notify.IsPermanent(err):
			got = "failed"
		}
		if got != want {
			t.Errorf("%d: %s (%v), want %s", status, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%d: the error shows the address: %v", status, err)
		}
	}
}

func TestErrorsHideTheAddress(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	hook, err := webhook.New(webhook.Config{
		Time: mainstay.Clock{}, Refused: func(err error) bool { return errors.Is(err, refused) },
		Client: &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "guarded.example" {
				return nil, refused
			}
			return nil, errors.New("connection reset")
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	for address, permanent := range map[string]bool{
		"https://guarded.example/hidden": true, "https://down.example/hidden": false, "::hidden": true,
	} {
		m := message(t, notify.TemplateTest, notify.LinkData{})
		m.Address = address
		_, err := hook.Send(t.Context(), m)
		if err == nil || notify.IsPermanent(err) != permanent || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v, permanent %v", address, err, notify.IsPermanent(err))
		}
	}
}

type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
