package webhook_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/core/outbound"
	"github.com/mainstayhq/mainstay/core/setting"
	"github.com/mainstayhq/mainstay/core/webhook"
	"github.com/mainstayhq/mainstay/core/webhook/webhookdb"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

var (
	ana  = mainstay.Person("ana")
	root = webhook.Writer{Actor: ana, Administrator: true}
	lead = webhook.Writer{Actor: ana} // manages the project, and is no administrator
)

// got is one request as a receiver sees it.
type got struct {
	header http.Header
	body   []byte
	at     time.Time
}

// receiver is a real HTTP server that keeps what it gets and answers as it is told.
type receiver struct {
	*httptest.Server
	t      *testing.T
	clock  mainstay.Timekeeper
	secret string

	mu     sync.Mutex
	list   []got
	answer func(n int, w http.ResponseWriter, r *http.Request, body []byte)
}

func newReceiver(t *testing.T, clock mainstay.Timekeeper) *receiver {
	t.Helper()
	r := &receiver{t: t, clock: clock}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.list = append(r.list, got{req.Header.Clone(), body, clock.Now()})
		n, answer := len(r.list), r.answer
		r.mu.Unlock()
		if answer != nil {
			answer(n, w, req, body)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) says(f func(n int, w http.ResponseWriter, r *http.Request, body []byte)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

func always(status int) func(int, http.ResponseWriter, *http.Request, []byte) {
	return func(_ int, w http.ResponseWriter, _ *http.Request, _ []byte) { w.WriteHeader(status) }
}

func (r *receiver) requests() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

// events decodes what came, structured or in batches, and checks every signature as a receiver does.
func (r *receiver) events() []webhook.Event {
	r.t.Helper()
	var list []webhook.Event
	for _, g := range r.requests() {
		if err := outbound.Verify(r.secret, g.header, g.body, g.at, outbound.Slack); err != nil {
			r.t.Errorf("a request does not verify: %v", err)
		}
		if strings.Contains(g.header.Get("Content-Type"), "batch") {
			var batch []webhook.Event
			if err := json.Unmarshal(g.body, &batch); err != nil {
				r.t.Fatal(err)
			}
			list = append(list, batch...)
			continue
		}
		var one webhook.Event
		if err := json.Unmarshal(g.body, &one); err != nil {
			r.t.Fatalf("%v: %s", err, g.body)
		}
		list = append(list, one)
	}
	return list
}

// kinds are the kinds of the events that came, in order.
func (r *receiver) kinds() string {
	var l []string
	for _, e := range r.events() {
		l = append(l, strings.TrimPrefix(e.Type, webhook.TypePrefix))
	}
	return strings.Join(l, " ")
}

// house is a Mainstay that delivers.
type house struct {
	*mainstaytest.Env
	t       *testing.T
	store   *webhookdb.Store
	service *webhook.Service
	engine  *webhook.Engine
	engines *mainstaytest.Engines
	sender  *webhook.Sender
	vault   *setting.Vault
}

type answers struct{ e *mainstaytest.Env }

func (a answers) Objects(ctx context.Context, refs []mainstay.Ref) (map[mainstay.Ref]object.Object, error) {
	return a.e.Objects.Many(ctx, refs)
}

func (a answers) ProjectName(_ context.Context, id string) (string, error) { return "the-" + id, nil }

func (a answers) Administrators(context.Context) ([]string, error) {
	return []string{"root", "ana"}, nil
}

func newHouse(t *testing.T, e *mainstaytest.Env) *house {
	t.Helper()
	h := &house{Env: e, t: t, store: webhookdb.New(e.DB, e.Saver, e.Journal), vault: setting.NewVault(make([]byte, 32))}
	guard := outbound.New(outbound.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Timeout: 2 * time.Second})
	var err error
	h.sender, err = webhook.NewSender(guard.Client(), e.Clock, func() string { return "https://mainstay.example.com" }, "Mainstay/test")
	if err != nil {
		t.Fatal(err)
	}
	h.service, err = webhook.New(webhook.Config{
		Store: h.store, Replays: h.store, Log: h.store, Sealer: h.vault, Sender: h.sender, History: e.Journal, Time: e.Clock, Check: guard.Check,
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) newEngine() *webhook.Engine {
	h.t.Helper()
	engine, err := webhook.NewEngine(webhook.EngineConfig{
		Queue: h.store, History: h.Journal, Questions: answers{h.Env}, Sealer: h.vault, Sender: h.sender, Time: h.Clock,
		Log: slog.New(slog.DiscardHandler), Jitter: func() float64 { return 0.5 },
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return engine
}

// start runs the engine and the timers until the test ends.
func (h *house) start() *house {
	h.t.Helper()
	h.engine = h.newEngine()
	h.Journal.Changed(func(f []fact.Fact) { h.engine.Committed(f) })
	if err := h.engine.Start(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { h.engine.Stop() })
	h.engines = h.Engines(h.t, nil, h.engine.Timers())
	return h
}

func (h *house) settle() {
	h.t.Helper()
	mainstaytest.Eventually(h.t, "everything is delivered that can be", func() bool { return h.engine.Idle() })
	h.engines.Settle(h.t)
	mainstaytest.Eventually(h.t, "everything is delivered that can be", func() bool { return h.engine.Idle() })
}

func (h *house) advance(d time.Duration) {
	h.t.Helper()
	h.settle()
	h.Clock.Advance(d)
	h.settle()
}

// endpoint makes an endpoint for the receiver and tells that its secret.
func (h *house) endpoint(r *receiver, project string, spec webhook.Spec) webhook.Endpoint {
	h.t.Helper()
	if spec.URL == "" {
		spec.URL = r.URL + "/hook?token=hidden"
	}
	e, _, err := h.service.Put(h.t.Context(), root, project, "chat", spec)
	if err != nil {
		h.t.Fatal(err)
	}
	secrets, err := h.service.Secrets(h.t.Context(), root, e.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	r.secret = secrets[0].Plain
	return e
}

func incident(n string) mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindIncident, ID: n} }

// happens commits facts about an incident of a project.
func (h *house) happens(project, n string, payloads ...fact.Payload) {
	h.t.Helper()
	now := h.Clock.Now()
	var set commit.Set
	for _, p := range payloads {
		set.Facts = append(set.Facts, fact.New(now, project, ana, p, incident(n), mainstay.Ref{Kind: mainstay.KindService, ID: "checkout-id"}))
	}
	h.Commit(h.t, set)
}

// knows registers an incident.
func (h *house) knows(project, n string, number int64, private bool, labels map[string]string) {
	h.t.Helper()
	h.Commit(h.t, commit.Set{Objects: []commit.Object{{
		Ref: incident(n), Number: number, Project: project, Title: "Checkout fails", State: "open", Private: private, Labels: labels, At: h.Clock.Now(),
	}}})
}

func (h *house) look(id string) webhook.Endpoint {
	h.t.Helper()
	e, err := h.service.Endpoint(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

func (h *house) log(id string) []webhook.Attempt {
	h.t.Helper()
	list, err := h.service.Attempts(h.t.Context(), webhook.Query{Endpoint: id, Limit: 1000})
	if err != nil {
		h.t.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

// results are the log in words, oldest first: "503 retrying, 200 delivered".
func (h *house) results(id string) string {
	h.t.Helper()
	var l []string
	for _, a := range h.log(id) {
		l = append(l, http.StatusText(a.Status)+" "+string(a.Result))
	}
	return strings.Join(l, ", ")
}

func databases(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) { f(t, newHouse(t, e)) }, webhookdb.Migrations())
}

func cancelled(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(t.Context())
}
