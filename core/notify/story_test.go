package notify_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/notify/notifydb"
	"github.com/mainstayhq/mainstay/core/notify/webhook"
	"github.com/mainstayhq/mainstay/core/outbound"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

// phonebook answers how people are reached, from a map.
type phonebook map[string]notify.Recipient

func (p phonebook) Recipient(_ context.Context, person string) (notify.Recipient, error) {
	r, ok := p[person]
	if !ok {
		return r, mainstay.Errorf(mainstay.NotFound, "there is no such person")
	}
	return r, nil
}

const secret = "a secret between the two"

// house is a running notify on one database, with a guard that lets it reach this machine.
type house struct {
	*mainstaytest.Env
	t      testing.TB
	store  *notifydb.Store
	engine *notify.Engine
	people phonebook
}

// newHouse makes everything, and starts the engine unless the test wants to do so itself. More channels may be given.
func newHouse(t testing.TB, e *mainstaytest.Env, people phonebook, perHour int, channels ...notify.Channel) *house {
	t.Helper()
	h := &house{Env: e, t: t, people: people}
	var err error
	h.store, err = notifydb.New(e.DB, e.Saver, notifydb.Config{
		People: people, Time: e.Clock, Log: e.Log, PerHour: perHour,
		Available: func(c string) string { return h.engine.Available(c) },
	})
	if err != nil {
		t.Fatal(err)
	}
	e.Saver.Extend(h.store.SaveNotices, nil)
	h.engine = h.newEngine(channels...)
	return h
}

func (h *house) newEngine(channels ...notify.Channel) *notify.Engine {
	h.t.Helper()
	guard := outbound.New(outbound.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Timeout: 500 * time.Millisecond})
	hook, err := webhook.New(webhook.Config{
		Sign: outbound.Sign, RetryAfter: outbound.RetryAfter,
		Client: guard.Client(), Time: h.Clock,
		Secret: func(context.Context, string, string) (string, error) { return secret, nil },
	})
	if err != nil {
		h.t.Fatal(err)
	}
	engine, err := notify.NewEngine(notify.Config{
		Store: h.store, Time: h.Clock, Log: h.Log, External: "https://mainstay.example.com", Jitter: func() float64 { return 0.5 },
		Channels: append([]notify.Channel{{Name: "webhook", Sender: hook, Lane: webhook.Lane}, {Name: "pigeon", Off: "there are no pigeons"}}, channels...),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return engine
}

func (h *house) start() *house {
	h.t.Helper()
	if err := h.engine.Start(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(h.engine.Stop)
	return h
}

// page tells a person of a page, once per key.
func (h *house) page(key, person string) { h.t.Helper(); h.say(key, person, true) }

func (h *house) say(key, person string, urgent bool) {
	h.t.Helper()
	h.Clock.Advance(time.Millisecond) // so that the log has an order: ids follow the clock
	h.Commit(h.t, commit.Set{Notices: []commit.Notice{notice(key, person, urgent, h.Clock.Now())}})
}

func notice(key, person string, urgent bool, now time.Time) commit.Notice {
	return notify.Notice(commit.Notice{
		Key: key, Project: harbour, Subject: page, Person: person, Urgent: urgent, At: now,
	}, notify.TemplatePage, notify.PageData{
		Page: page.ID, Number: "PAG-3", Title: "Checkout errors above 5 %", Severity: "sev-1", Since: now.Add(-4 * time.Minute),
		URL: "/pages/PAG-3", AckURL: "/ack/token", Alerts: []notify.Alert{{
			Status: "firing", Labels: map[string]string{"alertname": "CheckoutErrors", "service": "checkout"},
			Annotations: map[string]string{"summary": "too many"}, StartsAt: now.Add(-4 * time.Minute), Fingerprint: "00c0ffee00c0ffee",
		}},
	})
}

const harbour = "01900000-0000-7000-8000-000000000001"

var page = mainstay.Ref{Kind: mainstay.KindPage, ID: "01900000-0000-7000-8000-00000000000a"}

// settle waits until nothing is due.
func (h *house) settle() {
	h.t.Helper()
	mainstaytest.Eventually(h.t, "nothing is due", h.engine.Idle)
}

func (h *house) advance(d time.Duration) {
	h.t.Helper()
	h.settle()
	h.Clock.Advance(d)
	h.settle()
}

// log is the delivery log, oldest first; those of one moment with the ones that take over last, by address.
func (h *house) log() []notify.Delivery {
	h.t.Helper()
	list, err := h.store.Deliveries(h.t.Context(), notify.Filter{Limit: 1000})
	if err != nil {
		h.t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b notify.Delivery) int {
		return cmp.Or(a.Planned.Compare(b.Planned), cmp.Compare(min(1, len(a.Instead)), min(1, len(b.Instead))), cmp.Compare(a.Address, b.Address))
	})
	return list
}

// expect compares the log with lines of "channel state attempts".
func (h *house) expect(lines ...string) {
	h.t.Helper()
	var got []string
	for _, d := range h.log() {
		got = append(got, fmt.Sprintf("%s %s %d", d.Channel, d.State, d.Attempts))
	}
	if !slices.Equal(got, lines) {
		h.t.Fatalf("the log is\n  %q\nwant\n  %q\nin full: %+v", got, lines, h.log())
	}
}

// receiver is a webhook receiver that keeps what it got.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []request
	answer func(n int, w http.ResponseWriter, r *http.Request) // n counts from 1; nil answers 200
}

type request struct {
	header http.Header
	body   []byte
	at     time.Time
}

func newReceiver(t testing.TB, clock mainstay.Timekeeper, answer func(n int, w http.ResponseWriter, r *http.Request)) *receiver {
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		r.got = append(r.got, request{req.Header.Clone(), b, clock.Now()})
		n, answer := len(r.got), r.answer
		r.mu.Unlock()
		if answer != nil {
			answer(n, w, req)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) requests() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// answers gives one status after the other, and the last one from then on.
func answers(list ...int) func(int, http.ResponseWriter, *http.Request) {
	return func(n int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(list[min(n, len(list))-1]) }
}

func hooks(pages bool, urls ...string) []notify.Method {
	var list []notify.Method
	for _, u := range urls {
		list = append(list, notify.Method{Channel: "webhook", Address: u, Pages: pages})
	}
	return list
}

func TestAPageReachesEveryAddressForPages(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		one, two, other := newReceiver(t, e.Clock, nil), newReceiver(t, e.Clock, nil), newReceiver(t, e.Clock, nil)
		h := newHouse(t, e, phonebook{"ana": {ID: "ana", Zone: "Europe/Lisbon", Methods: append(hooks(true, one.URL, two.URL), hooks(false, other.URL)...)}}, 0).start()
		h.page("PAG-3/1", "ana")
		h.page("PAG-3/1", "ana") // asked for twice, told once
		h.settle()
		h.expect("webhook confirmed 1", "webhook confirmed 1")
		if n := len(one.requests()) + len(two.requests()); n != 2 || len(other.requests()) != 0 {
			t.Fatalf("%d requests for pages, %d others", n, len(other.requests()))
		}
		r := one.requests()[0]
		if err := outbound.Verify(secret, r.header, r.body, e.Clock.Now(), time.Minute); err != nil {
			t.Error(err)
		}
		if err := outbound.Verify("another", r.header, r.body, e.Clock.Now(), time.Minute); err == nil {
			t.Error("a signature with another secret was taken")
		}
		var body struct {
			Version, Status, Receiver string
			Alerts                    []notify.Alert
			Mainstay                  struct{ Delivery, Page, AckURL string }
		}
		if err := json.Unmarshal(r.body, &body); err != nil {
			t.Fatal(err)
		}
		if body.Version != "4" || body.Status != "firing" || body.Alerts[0].Labels["alertname"] != "CheckoutErrors" ||
			body.Mainstay.Page != "PAG-3" || body.Mainstay.AckURL != "https://mainstay.example.com/ack/token" ||
			body.Mainstay.Delivery != r.header.Get("Mainstay-Delivery") {
			t.Errorf("the body is %s", r.body)
		}
		if facts := e.Facts(t, harbour, "notification.sent"); len(facts) != 2 || facts[0].Subject(mainstay.KindPage) != page.ID {
			t.Errorf("facts: %+v", facts)
		}
	}, notifydb.Migrations())
}

func TestAttemptsFollowTheSchedule(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		r := newReceiver(t, e.Clock, answers(500, 503, 500, 200))
		h := newHouse(t, e, phonebook{"ana": {ID: "ana", Methods: hooks(true, r.URL)}}, 0).start()
		h.page("k", "ana")
		for range 40 {
			h.advance(250 * time.Millisecond)
		}
		h.expect("webhook confirmed 4")
		var gaps []time.Duration
		for _, q := range r.requests() {
			gaps = append(gaps, q.at.Sub(h.log()[0].Planned))
		}
		if want := []time.Duration{0, time.Second, 3 * time.Second, 8 * time.Second}; !slices.Equal(gaps, want) {
			t.Errorf("attempts at %v, want %v", gaps, want)
		}
		ids := map[string]bool{}
		for _, q := range r.requests() {
			ids[q.header.Get("Mainstay-Delivery")] = true
		}
		if len(ids) != 1 {
			t.Errorf("the attempts carry %d ids, want the same one", len(ids))
		}
	}, notifydb.Migrations())
}

func TestAReceiverThatAsksToWaitIsGivenTime(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		r := newReceiver(t, e.Clock, func(n int, w http.ResponseWriter, _ *http.Request) {
			if n == 1 {
				w.Header().Set("Retry-After", "20")
				w.WriteHeader(http.StatusTooManyRequests)
			}
		})
		h := newHouse(t, e, phonebook{"ana": {ID: "ana", Methods: hooks(true, r.URL)}}, 0).start()
		h.page("k", "ana")
		h.advance(19 * time.Second)
		h.expect("webhook planned 1")
		h.advance(time.Second)
		h.expect("webhook confirmed 2")
	}, notifydb.Migrations())
}

func TestARefusalFailsOverAtOnce(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		bad, good := newReceiver(t, e.Clock, answers(404)), newReceiver(t, e.Clock, nil)
		h := newHouse(t, e, phonebook{"ana": {ID: "ana", Methods: append(hooks(true, bad.URL), hooks(false, good.URL)...)}}, 0).start()
		h.page("k", "ana")
		h.settle()
		h.expect("webhook failed 1", "webhook confirmed 1")
		log := h.log()
		if log[1].Instead != log[0].ID || !log[0].Relieved || log[0].Error != "404 Not Found" {
			t.Errorf("the log is %+v", log)
		}
		facts := e.Facts(t, harbour, "notification.failed")
		if len(facts) != 1 || string(facts[0].Payload) == "" || !json.Valid(facts[0].Payload) {
			t.Fatalf("facts: %+v", facts)
		}
		var p struct{ FailedOver bool }
		if err := json.Unmarshal(facts[0].Payload, &p); err != nil || !p.FailedOver {
			t.Errorf("the failure says %s", facts[0].Payload)
		}
	}, notifydb.Migrations())
}

func TestARedirectToTheMetadataAddressIsRefused(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		r := newReceiver(t, e.Clock, func(_ int, w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, "http://169.254.169.254/latest/meta-data/", http.StatusTemporaryRedirect)
		})
		h := newHouse(t, e, phonebook{
			"ana": {ID: "ana", Methods: hooks(true, r.URL)},
			"ben": {ID: "ben", Methods: hooks(true, "http://10.1.2.3/")},
		}, 0).start()
		h.page("a", "ana")
		h.settle()
		h.expect("webhook failed 1")
	}, notifydb.Migrations())
}

func TestAReceiverThatDoesNotAnswerIsTriedAgain(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		r := newReceiver(t, e.Clock, func(n int, _ http.ResponseWriter, req *http.Request) {
			if n == 1 {
				<-req.Context().Done()
			}
		})
		h := newHouse(t, e, phonebook{"ana": {ID: "ana", Methods: hooks(true, r.URL)}}, 0).start()
		h.page("k", "ana")
		h.settle()
		if log := h.log(); log[0].State != notify.Planned || log[0].Error != "no answer in time" {
			t.Fatalf("after the timeout: %+v", log)
		}
		h.advance(time.Second)
		h.expect("webhook confirmed 2")
	}, notifydb.Migrations())
}

func TestItIsGivenUpInTheEnd(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		r := newReceiver(t, e.Clock, answers(500))
		h := newHouse(t, e, phonebook{"ana": {ID: "ana", Methods: hooks(true, r.URL)}}, 0).start()
		h.page("k", "ana")
		for range 16 * 4 {
			h.advance(15 * time.Second)
		}
		log := h.log()
		if log[0].State != notify.Failed || log[0].Ended.Sub(log[0].Planned) > 15*time.Minute {
			t.Fatalf("after 16 minutes: %+v", log)
		}
		if n := len(e.Facts(t, harbour, "notification.failed")); n != 1 {
			t.Errorf("%d facts", n)
		}
	}, notifydb.Migrations())
}
