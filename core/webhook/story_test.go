package webhook_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/outbound"
	"github.com/mainstayhq/mainstay/core/webhook"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

func TestFactsLeaveAsSignedCloudEvents(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.happens("shop", "i0", fact.IncidentDeclared{}) // before the endpoint exists: it never leaves
		r := newReceiver(t, h.Clock)
		e := h.endpoint(r, "shop", webhook.Spec{})
		h.start().knows("shop", "i1", 42, false, nil)
		h.happens("shop", "i1", fact.IncidentDeclared{}, fact.IncidentRetitled{})
		h.happens("other", "i2", fact.IncidentDeclared{}) // another project's
		h.happens("", "i3", fact.SignedIn{})
		h.settle()
		if got := r.kinds(); got != "object.changed incident.declared incident.retitled" {
			t.Fatalf("it got %s", got)
		}
		g, event := r.requests()[1], r.events()[1]
		facts := h.Facts(t, "shop", "incident.declared")
		f := facts[1]
		want := webhook.Event{
			SpecVersion: "1.0", ID: f.ID, Source: "https://mainstay.example.com/projects/the-shop", Type: "com.mainstayhq.incident.declared",
			Subject: "incident:i1", Time: "2026-03-17T03:00:00Z", ContentType: "application/json",
			DataSchema: "https://mainstay.example.com/api/v1/fact-kinds/incident.declared/schema", Sequence: "00000000000000000003",
			Recorded: "2026-03-17T03:00:00Z", Project: "the-shop", Actor: "person:ana", Number: "INC-42",
			Link: "https://mainstay.example.com/incidents/INC-42", Related: "service:checkout-id", Sentence: fact.Sentence(f), Data: f.Payload,
		}
		if a, b := asJSON(t, event), asJSON(t, want); a != b {
			t.Errorf("the event is\n%s\nwant\n%s", a, b)
		}
		if g.header.Get("Content-Type") != "application/cloudevents+json; charset=utf-8" || g.header.Get("Webhook-Id") != f.ID ||
			g.header.Get("User-Agent") != "Mainstay/test" {
			t.Errorf("the headers are %v", g.header)
		}
		if err := outbound.Verify(outbound.NewSecret(), g.header, g.body, g.at, outbound.Slack); err == nil {
			t.Error("it verifies with any secret")
		}
		if got := h.results(e.ID); got != "OK delivered, OK delivered, OK delivered" {
			t.Errorf("the log reads %s", got)
		}
	})
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestBinaryModeAndBatches(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.start()
		binary, batch := newReceiver(t, h.Clock), newReceiver(t, h.Clock)
		h.endpoint(binary, "shop", webhook.Spec{Mode: webhook.Binary, Kinds: []string{"incident"}})
		e, _, err := h.service.Put(t.Context(), root, "shop", "siem", webhook.Spec{URL: batch.URL, Batch: 4, Kinds: []string{"incident.*"}})
		if err != nil {
			t.Fatal(err)
		}
		secrets, _ := h.service.Secrets(t.Context(), root, e.ID)
		batch.secret = secrets[0].Plain
		h.happens("shop", "i1", fact.IncidentRetitled{}, fact.IncidentDeclared{Title: "Käse \"50 %\""}, fact.IncidentRetitled{},
			fact.IncidentRetitled{}, fact.IncidentRetitled{}, fact.IncidentRetitled{})
		h.settle()
		g := binary.requests()[1]
		f := h.Facts(t, "shop", "incident.declared")[0]
		if string(g.body) != string(f.Payload) || g.header.Get("Ce-Type") != "com.mainstayhq.incident.declared" || g.header.Get("Ce-Id") != f.ID ||
			g.header.Get("Content-Type") != "application/json" || g.header.Get("Ce-Specversion") != "1.0" {
			t.Errorf("the request is %v\n%s", g.header, g.body)
		}
		if s := g.header.Get("Ce-Sentence"); strings.ContainsAny(s, " \"") || strings.Contains(s, "ä") {
			t.Errorf("the header of the sentence is %q", s)
		}
		if err := outbound.Verify(binary.secret, g.header, g.body, g.at, outbound.Slack); err != nil {
			t.Error(err)
		}
		if n := len(batch.events()); n != 6 || len(batch.requests()) > 3 {
			t.Errorf("%d events in %d requests", n, len(batch.requests()))
		}
		if c := batch.requests()[0].header.Get("Content-Type"); c != "application/cloudevents-batch+json; charset=utf-8" {
			t.Errorf("the batch's type is %s", c)
		}
	})
}

func TestAFailingReceiverIsTriedAgainAndLosesNothing(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		r := newReceiver(t, h.Clock)
		e := h.endpoint(r, "shop", webhook.Spec{Kinds: []string{"incident.*"}})
		h.start()
		r.says(func(n int, w http.ResponseWriter, _ *http.Request, _ []byte) {
			switch n {
			case 1:
				w.WriteHeader(http.StatusBadGateway)
				_, _ = w.Write([]byte("upstream\nis down"))
			case 2:
				w.Header().Set("Retry-After", "120")
				w.WriteHeader(http.StatusTooManyRequests)
			}
		})
		h.happens("shop", "i1", fact.IncidentDeclared{}, fact.IncidentRetitled{})
		h.settle()
		if got := h.results(e.ID); got != "Bad Gateway retrying" {
			t.Fatalf("the log reads %s", got)
		}
		a := h.log(e.ID)[0]
		if a.Answer != "upstream is down" || a.Next.Sub(h.Clock.Now()) != 5*time.Second || strings.Contains(a.Error, "hidden") {
			t.Errorf("the attempt is %+v", a)
		}
		if h.engine.Waiting(e.ID) != 2 {
			t.Errorf("%d facts wait", h.engine.Waiting(e.ID))
		}
		h.advance(4 * time.Second)
		if n := len(r.requests()); n != 1 {
			t.Fatalf("it was tried %d times before its time", n)
		}
		h.advance(time.Second)
		h.advance(119 * time.Second)
		if n := len(r.requests()); n != 2 {
			t.Fatalf("Retry-After was not heeded: %d requests", n)
		}
		h.advance(time.Second)
		if got := r.kinds(); got != "incident.declared incident.declared incident.declared incident.retitled" {
			t.Errorf("it got %s", got)
		}
		ids := map[string]bool{}
		for _, g := range r.requests()[:3] {
			ids[g.header.Get("Webhook-Id")] = true
		}
		if len(ids) != 1 || r.requests()[2].header.Get("Mainstay-Attempt") != "3" {
			t.Errorf("three attempts of one message have the ids %v", ids)
		}
		if x := h.look(e.ID); x.Health.Failures != 0 || x.Health.Error != "" || x.Health.LastOK.IsZero() {
			t.Errorf("its health is %+v", x.Health)
		}
	})
}

func TestDaysOfFailureDisableAndResumeGoesOn(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		r := newReceiver(t, h.Clock)
		e := h.endpoint(r, "shop", webhook.Spec{Kinds: []string{"incident.*"}})
		h.start()
		r.says(always(http.StatusInternalServerError))
		h.happens("shop", "i1", fact.IncidentDeclared{}, fact.IncidentRetitled{})
		began := h.Clock.Now()
		for h.look(e.ID).State == webhook.Active && h.Clock.Now().Sub(began) < 10*24*time.Hour {
			h.advance(30 * time.Minute)
		}
		x, took := h.look(e.ID), h.Clock.Now().Sub(began)
		if x.State != webhook.Disabled || took < 72*time.Hour || took > 77*time.Hour || !strings.Contains(x.Reason, "3 days") {
			t.Fatalf("after %v it is %s: %s", took, x.State, x.Reason)
		}
		if n := len(r.requests()); n < 20 || n > 40 {
			t.Errorf("it was tried %d times", n)
		}
		if n := h.Notices(); len(n) != 2 || n[0].Person != "root" || !strings.Contains(string(n[0].Data), "was disabled") {
			t.Errorf("the notices are %+v", n)
		}
		if f := h.Facts(t, "shop", "webhook.disabled"); len(f) != 1 {
			t.Errorf("%d facts say so", len(f))
		}
		before := len(r.requests())
		h.happens("shop", "i1", fact.IncidentResolved{})
		h.advance(30 * 24 * time.Hour)
		if len(r.requests()) != before {
			t.Error("a disabled endpoint was tried")
		}
		r.says(nil)
		if err := h.service.Resume(t.Context(), root, e.ID, false); err != nil {
			t.Fatal(err)
		}
		h.settle()
		got := strings.Fields(r.kinds())[before:]
		if strings.Join(got, " ") != "incident.declared incident.retitled incident.resolved" {
			t.Errorf("it went on with %v", got)
		}
	})
}

func TestGoneDisablesAtOnce(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		r := newReceiver(t, h.Clock)
		e := h.endpoint(r, "shop", webhook.Spec{Kinds: []string{"incident.*"}})
		h.start()
		r.says(always(http.StatusGone))
		h.happens("shop", "i1", fact.IncidentDeclared{}, fact.IncidentRetitled{})
		h.advance(time.Hour)
		if x := h.look(e.ID); x.State != webhook.Disabled || len(r.requests()) != 1 {
			t.Errorf("it is %s after %d requests", x.State, len(r.requests()))
		}
		r.says(nil)
		if err := h.service.Resume(t.Context(), root, e.ID, true); err != nil { // what was missed is not wanted
			t.Fatal(err)
		}
		h.happens("shop", "i1", fact.IncidentResolved{})
		h.settle()
		if got := r.kinds(); got != "incident.declared incident.resolved" {
			t.Errorf("it got %s", got)
		}
	})
}

// One event that the receiver does not understand does not hold up those behind it; a receiver that understands none is at fault
// itself.
func TestAnEventThatIsRefusedIsSetAside(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		r := newReceiver(t, h.Clock)
		e := h.endpoint(r, "shop", webhook.Spec{Kinds: []string{"incident.*"}, Batch: 8})
		h.start()
		r.says(func(_ int, w http.ResponseWriter, _ *http.Request, body []byte) {
			if strings.Contains(string(body), "incident.resolved") {
				w.WriteHeader(http.StatusUnprocessableEntity)
			}
		})
		h.happens("shop", "i1", fact.IncidentDeclared{}, fact.IncidentRetitled{}, fact.IncidentResolved{}, fact.IncidentReopened{}, fact.IncidentRetitled{})
		for range 20 {
			h.advance(10 * time.Minute)
		}
		taken := map[string]int{}
		for _, a := range h.log(e.ID) {
			if a.Result == webhook.Delivered {
				taken["events"] += a.Events
			}
			if a.Result == webhook.Refused {
				taken["aside"] += a.Events
			}
		}
		if taken["events"] != 4 || taken["aside"] != 1 {
			t.Errorf("%v: %s", taken, h.results(e.ID))
		}
		if f := h.Facts(t, "shop", "webhook.event_refused"); len(f) != 1 {
			t.Errorf("%d facts say so", len(f))
		}
		r.says(always(http.StatusBadRequest))
		for range 30 {
			h.happens("shop", "i1", fact.IncidentRetitled{})
		}
		for range 240 {
			h.advance(time.Hour)
			if h.look(e.ID).State != webhook.Active {
				break
			}
		}
		if x := h.look(e.ID); x.State != webhook.Disabled || x.Health.Aside > 10 {
			t.Errorf("it is %s, with %d set aside", x.State, x.Health.Aside)
		}
	})
}

func TestWhatIsPrivateStaysInside(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		r, marked := newReceiver(t, h.Clock), newReceiver(t, h.Clock)
		h.start()
		h.endpoint(r, "", webhook.Spec{})
		if _, _, err := h.service.Put(t.Context(), lead, "shop", "leak", webhook.Spec{URL: r.URL, Private: true}); !mainstay.Is(err, mainstay.Denied) {
			t.Fatalf("a manager marked an endpoint private: %v", err)
		}
		e, _, err := h.service.Put(t.Context(), root, "shop", "siem", webhook.Spec{URL: marked.URL, Private: true})
		if err != nil {
			t.Fatal(err)
		}
		for name, act := range map[string]func() error{
			"change": func() error {
				_, _, err := h.service.Put(t.Context(), lead, "shop", "siem", webhook.Spec{URL: r.URL})
				return err
			},
			"rotate": func() error { return h.service.Rotate(t.Context(), lead, e.ID) },
			"read":   func() error { _, err := h.service.Secrets(t.Context(), lead, e.ID); return err },
			"test":   func() error { _, err := h.service.Test(t.Context(), lead, e.ID); return err },
			"replay": func() error { _, err := h.service.Replay(t.Context(), lead, e.ID, webhook.Range{}); return err },
		} {
			if err := act(); !mainstay.Is(err, mainstay.Denied) {
				t.Errorf("a manager may %s one that is marked private: %v", name, err)
			}
		}
		secrets, _ := h.service.Secrets(t.Context(), root, e.ID)
		marked.secret = secrets[0].Plain
		h.settle()
		before, beforeMarked := len(r.requests()), len(marked.requests())
		h.knows("shop", "secret", 7, true, nil)
		h.happens("shop", "secret", fact.IncidentDeclared{Title: "Breach"})
		h.happens("", "x", fact.SignedIn{Session: "s"}, fact.TokenCreated{Name: "ci"})
		h.happens("shop", "open", fact.IncidentDeclared{})
		h.settle()
		if got := strings.Fields(r.kinds())[before:]; strings.Join(got, " ") != "incident.declared" || strings.Contains(string(r.requests()[before].body), "Breach") {
			t.Errorf("it got %v", got)
		}
		if got := strings.Fields(marked.kinds())[beforeMarked:]; strings.Join(got, " ") != "incident.declared incident.declared" {
			t.Errorf("the marked one got %v", got)
		}
		if _, err := h.service.Define(t.Context(), ana, "shop", "spy", webhook.Spec{URL: r.URL, Kinds: []string{"identity.*"}}); err == nil {
			t.Error("an endpoint that is not marked may ask for identities")
		}
	})
}

func TestFilters(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		r := newReceiver(t, h.Clock)
		h.start().endpoint(r, "shop", webhook.Spec{Kinds: []string{"incident.declared"}, Subjects: []string{"incident:INC-1", "service:other"}, Labels: map[string]string{"tier": "gold"}})
		h.knows("shop", "i1", 1, false, map[string]string{"tier": "gold"})
		h.knows("shop", "i2", 2, false, map[string]string{"tier": "gold"})
		h.happens("shop", "i2", fact.IncidentDeclared{})
		h.happens("shop", "i1", fact.IncidentRetitled{}, fact.IncidentDeclared{})
		h.settle()
		h.knows("shop", "i1", 1, false, map[string]string{"tier": "tin"})
		h.happens("shop", "i1", fact.IncidentDeclared{})
		h.settle()
		events := r.events()
		if len(events) != 1 || events[0].Subject != "incident:i1" {
			t.Errorf("it got %+v", events)
		}
	})
}

func TestSecretsAreExchangedWithoutAGap(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		r := newReceiver(t, h.Clock)
		e := h.endpoint(r, "shop", webhook.Spec{Kinds: []string{"incident.*"}})
		h.start()
		older := r.secret
		if err := h.service.Rotate(t.Context(), lead, e.ID); err != nil {
			t.Fatal(err)
		}
		secrets, err := h.service.Secrets(t.Context(), lead, e.ID)
		if err != nil || len(secrets) != 2 {
			t.Fatalf("%d secrets count, %v", len(secrets), err)
		}
		last := func() got { list := r.requests(); return list[len(list)-1] }
		var g got
		for range 20 { // on PostgreSQL the engine hears of the new secret a moment later, and signs with the old one alone until then
			h.happens("shop", "i1", fact.IncidentDeclared{})
			h.settle()
			if g = last(); outbound.Verify(secrets[0].Plain, g.header, g.body, g.at, outbound.Slack) == nil {
				break
			}
		}
		for _, s := range []string{older, secrets[0].Plain} {
			if err := outbound.Verify(s, g.header, g.body, g.at, outbound.Slack); err != nil {
				t.Error(err)
			}
		}
		h.advance(25 * time.Hour)
		h.happens("shop", "i1", fact.IncidentResolved{})
		h.settle()
		g = last()
		if outbound.Verify(older, g.header, g.body, g.at, outbound.Slack) == nil {
			t.Error("the old secret counts for ever")
		}
		if err := outbound.Verify(secrets[0].Plain, g.header, g.body, g.at, outbound.Slack); err != nil {
			t.Error(err)
		}
		if x := h.look(e.ID); strings.Contains(asJSON(t, x.Secrets), secrets[0].Plain) || strings.Contains(asJSON(t, x.Spec), "whsec") {
			t.Error("a secret lies open in the database")
		}
	})
}

func TestReplay(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		for range 5 {
			h.happens("shop", "i1", fact.IncidentDeclared{})
			h.Clock.Advance(time.Hour)
		}
		r := newReceiver(t, h.Clock)
		e := h.endpoint(r, "shop", webhook.Spec{Kinds: []string{"incident.*"}})
		h.start().settle()
		replay := func(what webhook.Range, want int) {
			t.Helper()
			before := len(r.requests())
			if _, err := h.service.Replay(t.Context(), root, e.ID, what); err != nil {
				t.Fatal(err)
			}
			h.settle()
			if got := len(r.requests()) - before; got != want {
				t.Errorf("%+v replays %d, want %d", what, got, want)
			}
		}
		replay(webhook.Range{From: 3, To: 3}, 1) // one delivery
		replay(webhook.Range{From: 2, To: 4}, 3)
		replay(webhook.Range{Since: mainstaytest.Start.Add(150 * time.Minute)}, 2)
		replay(webhook.Range{Since: mainstaytest.Start.Add(30 * time.Minute), Until: mainstaytest.Start.Add(150 * time.Minute)}, 2)
		replay(webhook.Range{}, 5)
		if _, err := h.service.Replay(t.Context(), root, e.ID, webhook.Range{Since: h.Clock.Now().Add(time.Hour)}); mainstay.ErrorFields(err) == nil {
			t.Errorf("an empty range: %v", err)
		}
		g := r.requests()[0]
		if g.header.Get("Mainstay-Origin") != "replay" || g.header.Get("Webhook-Id") != h.Facts(t, "shop")[2].ID {
			t.Errorf("the headers are %v", g.header)
		}
		if _, replays, err := h.service.Running(t.Context(), e.ID); err != nil || len(replays) != 0 {
			t.Errorf("%d replays are left, %v", len(replays), err)
		}
		if f := h.Facts(t, "shop", "webhook.replayed"); len(f) != 5 {
			t.Errorf("%d facts say so", len(f))
		}
	})
}

func TestATestEvent(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		r := newReceiver(t, h.Clock)
		e := h.endpoint(r, "shop", webhook.Spec{Batch: 5, Paused: true})
		a, err := h.service.Test(t.Context(), lead, e.ID)
		if err != nil || a.Result != webhook.Delivered || a.Status != 200 || r.kinds() != "webhook.test" {
			t.Errorf("%+v, %v: it got %s", a, err, r.kinds())
		}
		r.says(always(http.StatusForbidden))
		h.Clock.Advance(time.Second)
		if a, err = h.service.Test(t.Context(), lead, e.ID); err != nil || a.Result != webhook.Failed || a.Error != "403 Forbidden" {
			t.Errorf("%+v, %v", a, err)
		}
		if got := h.results(e.ID); got != "OK delivered, Forbidden failed" {
			t.Errorf("the log reads %s", got)
		}
		if x := h.look(e.ID); x.State != webhook.Paused || x.Health.Failures != 0 {
			t.Errorf("a test changed its health: %+v", x)
		}
	})
}

// A process that dies between a request and its record sends the event once more, and loses none.
func TestKilledWhileDelivering(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		r := newReceiver(t, h.Clock)
		e := h.endpoint(r, "shop", webhook.Spec{Kinds: []string{"incident.*"}})
		for range 40 {
			h.happens("shop", "i1", fact.IncidentDeclared{})
		}
		for n := range 6 { // an engine that is stopped under way and writes nothing on its way out
			engine := h.newEngine()
			arrived := make(chan struct{}, 100)
			r.says(func(int, http.ResponseWriter, *http.Request, []byte) { arrived <- struct{}{} })
			ctx, kill := cancelled(t)
			if err := engine.Start(ctx); err != nil {
				t.Fatal(err)
			}
			for range n + 1 {
				<-arrived
			}
			kill()
			engine.Stop()
		}
		r.says(nil)
		h.start().settle()
		seen := map[string]int{}
		order := ""
		for _, ev := range r.events() {
			if seen[ev.ID]++; seen[ev.ID] == 1 {
				if ev.Sequence < order {
					t.Errorf("%s comes after %s", ev.Sequence, order)
				}
				order = ev.Sequence
			}
		}
		if len(seen) != 40 {
			t.Errorf("%d of 40 events arrived", len(seen))
		}
		if twice := len(r.requests()) - 40; twice > 6 {
			t.Errorf("%d events came twice after 6 kills", twice)
		}
		if x := h.look(e.ID); x.Health.Failures != 0 {
			t.Errorf("its health is %+v", x.Health)
		}
	})
}

// A hundred dead receivers hold up nobody, and cost no memory for what they miss.
func TestDeadReceiversHoldUpNobody(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		dead := newReceiver(t, h.Clock)
		dead.says(always(http.StatusServiceUnavailable))
		for i := range 40 {
			if _, err := h.service.Define(t.Context(), ana, "shop", "dead"+string(rune('a'+i/26))+string(rune('a'+i%26)), webhook.Spec{URL: dead.URL, Kinds: []string{"incident.*"}}); err != nil {
				t.Fatal(err)
			}
		}
		r := newReceiver(t, h.Clock)
		h.endpoint(r, "shop", webhook.Spec{Kinds: []string{"incident.*"}})
		h.start()
		for range 50 {
			h.happens("shop", "i1", fact.IncidentDeclared{})
		}
		h.settle()
		if n := len(r.requests()); n != 50 {
			t.Errorf("the live one got %d of 50", n)
		}
		if n := len(dead.requests()); n != 40 {
			t.Errorf("the dead ones were tried %d times", n)
		}
	})
}

func TestDefinitionsAreChecked(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		for field, spec := range map[string]webhook.Spec{
			"url":              {URL: "http://10.0.0.1/"},
			"kinds":            {URL: "https://a.example/", Kinds: []string{"incidents.*"}},
			"subjects":         {URL: "https://a.example/", Subjects: []string{"a b"}},
			"mode":             {URL: "https://a.example/", Mode: "loud"},
			"batch":            {URL: "https://a.example/", Mode: webhook.Binary, Batch: 2},
			"disableAfterDays": {URL: "https://a.example/", DisableDays: 31},
			"secret":           {URL: "https://a.example/", Secret: "short"},
		} {
			_, err := h.service.Define(t.Context(), ana, "shop", "x", spec)
			if mainstay.ErrorFields(err)[field] == "" {
				t.Errorf("%s: %v", field, err)
			}
		}
		spec := webhook.Spec{URL: "https://a.example/x", Kinds: []string{"page.*"}, Secret: outbound.NewSecret()}
		for i, want := range []bool{true, false} {
			if changed, err := h.service.Define(t.Context(), ana, "shop", "x", spec); changed != want || err != nil {
				t.Errorf("%d: changed %v, %v", i, changed, err)
			}
		}
		specs, err := h.service.Specs(t.Context(), "shop")
		if err != nil || specs["x"].URL != spec.URL || specs["x"].Secret != "" {
			t.Errorf("the manifest is %+v, %v", specs, err)
		}
		if changed, err := h.service.Define(t.Context(), ana, "shop", "x", specs["x"]); changed || err != nil {
			t.Errorf("what export writes changes something: %v, %v", changed, err)
		}
		if err := h.service.Remove(t.Context(), ana, "shop", "x"); err != nil {
			t.Error(err)
		}
	})
}
