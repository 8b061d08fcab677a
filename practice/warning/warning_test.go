package warning_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/core/intake/alertmanager"
	"github.com/mainstayhq/mainstay/core/intake/generic"
	"github.com/mainstayhq/mainstay/core/intake/heartbeat"
	"github.com/mainstayhq/mainstay/core/intake/intakedb"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/practice/warning/warningdb"
)

const shop = "00000000-0000-7000-8000-00000000000a"

// names is a project with two services and one policy.
type names struct{}

func (names) Services(_ context.Context, project string) (map[string]string, error) {
	if project != shop {
		return nil, nil
	}
	return map[string]string{"checkout": "svc-checkout", "search": "svc-search"}, nil
}

func (names) PolicyExists(_ context.Context, _, name string) error {
	if name != "nights" {
		return mainstay.Errorf(mainstay.NotFound, "no such policy")
	}
	return nil
}

// world is warning on one database.
type world struct {
	*mainstaytest.Env
	s     *warning.Service
	store *warningdb.Store
	fail  *failing
}

// failing makes commits fail, as a database does.
type failing struct {
	*warningdb.Store
	mu  sync.Mutex
	err error
}

func (f *failing) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *failing) Commit(ctx context.Context, c *warning.Changes) error {
	f.mu.Lock()
	err := f.err
	f.mu.Unlock()
	if err != nil {
		return err
	}
	return f.Store.Commit(ctx, c)
}

func begin(t testing.TB, e *mainstaytest.Env) *world {
	t.Helper()
	w := &world{Env: e, store: warningdb.New(e.DB, e.Saver, e.Objects, intakedb.New(e.DB, e.Saver))}
	w.fail = &failing{Store: w.store}
	w.start(t)
	t.Cleanup(func() { w.s.Stop() })
	return w
}

func (w *world) start(t testing.TB) {
	t.Helper()
	s, err := warning.New(warning.Config{
		Writing: w.fail, Reading: w.store, Routes: w.store, Heartbeats: w.store, Names: names{}, Time: w.Clock, Log: w.Log,
		Formats: []intake.Format{alertmanager.Format{}, generic.Format{}, heartbeat.Format{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.s = s
}

// kill stops the server without a checkpoint and starts another.
func (w *world) kill(t testing.TB) {
	t.Helper()
	w.s.Stop()
	w.start(t)
}

// post sends what Prometheus would.
func (w *world) post(t testing.TB, body string) {
	t.Helper()
	if err := w.try(t, body); err != nil {
		t.Fatal(err)
	}
}

func (w *world) try(t testing.TB, body string) error {
	t.Helper()
	now := w.Clock.Now()
	signals, err := alertmanager.Parse([]byte(body), intake.Limits{}, now)
	if err != nil {
		t.Fatal(err)
	}
	return w.s.Take(t.Context(), &intake.Batch{
		Project: shop, Format: alertmanager.Name, Body: s2.Encode(nil, []byte(body)), At: now, Signals: signals,
	})
}

func (w *world) list(t testing.TB, q warning.Query) []*warning.Alert {
	t.Helper()
	list, _, err := w.s.List(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// ends waits until the alert with the number is over, and returns it.
func (w *world) ends(t testing.TB, number int64) *warning.Alert {
	t.Helper()
	var a *warning.Alert
	mainstaytest.Eventually(t, "the alert ends", func() bool {
		var err error
		if a, err = w.s.Alert(t.Context(), mainstay.KindAlert.Number(number)); err != nil {
			t.Fatal(err)
		}
		return !a.Open()
	})
	return a
}

func databases(t *testing.T, f func(t *testing.T, w *world)) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) { f(t, begin(t, e)) }, intakedb.Migrations(), warningdb.Migrations())
}

func kinds(facts []fact.Fact) string {
	var l []string
	for _, f := range facts {
		l = append(l, f.Kind)
	}
	return strings.Join(l, " ")
}

// An alert fires, is repeated, is resolved by its sender, and fires again as another alert.
func TestLifeOfAnAlert(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		const fires = `[{"labels":{"alertname":"Down","service":"checkout","severity":"critical"},"annotations":{"summary":"Checkout is down"},"generatorURL":"http://p/g"}]`
		w.post(t, fires)
		a := w.list(t, warning.Query{})[0]
		if a.Readable() != "ALR-1" || a.State != warning.Firing || a.Service != "svc-checkout" || a.Severity != mainstay.Sev2 ||
			a.Title() != "Checkout is down" || !a.StartsAt.Equal(mainstaytest.Start) || !a.EndsAt.Equal(mainstaytest.Start.Add(5*time.Minute)) {
			t.Fatalf("%+v", a)
		}
		w.Clock.Advance(4 * time.Minute)
		w.post(t, fires)
		if b := w.list(t, warning.Query{}); len(b) != 1 || b[0].ID() != a.ID() || !b[0].StartsAt.Equal(a.StartsAt) || !b[0].EndsAt.Equal(w.Clock.Now().Add(5*time.Minute)) {
			t.Fatalf("after a repeat: %+v", b[0])
		}
		w.post(t, `[{"labels":{"alertname":"Down","service":"checkout","severity":"critical"},"startsAt":"2026-03-17T03:00:00Z","endsAt":"2026-03-17T03:03:30Z"}]`)
		a = w.list(t, warning.Query{})[0]
		if a.State != warning.Resolved || a.Reason != warning.EndedBySender || !a.EndsAt.Equal(mainstaytest.Start.Add(3*time.Minute+30*time.Second)) ||
			a.Annotation("summary") != "Checkout is down" {
			t.Fatalf("resolved: %+v", a)
		}
		w.post(t, `[{"labels":{"alertname":"Down","service":"checkout","severity":"critical"},"startsAt":"2026-03-17T03:00:00Z","endsAt":"2026-03-17T03:03:30Z"}]`)
		if n := len(w.list(t, warning.Query{})); n != 1 {
			t.Fatalf("a resolved alert that is sent again made %d alerts", n)
		}
		w.post(t, fires)
		if b := w.list(t, warning.Query{State: warning.Firing}); len(b) != 1 || b[0].Number != 2 {
			t.Fatalf("fires again: %+v", b)
		}
		if got := kinds(w.Facts(t, shop)); got != "alert.fired alert.resolved alert.fired" {
			t.Fatal(got)
		}
		if f, _ := fact.As[fact.AlertFired](w.Facts(t, shop)[0]); f.Number != 1 || f.Summary != "Checkout is down" || f.Severity != "sev-2" {
			t.Fatalf("%+v", f)
		}
	})
}

// An alert that is not heard of again ends by timeout, one with an end of its own at that end, and by a person at once.
func TestEnds(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		w.post(t, `[{"labels":{"alertname":"Silent"}},{"labels":{"alertname":"Told"},"endsAt":"2026-03-17T03:02:00Z","startsAt":"2026-03-17T02:59:00Z"},{"labels":{"alertname":"Long"},"endsAt":"2026-03-17T09:00:00Z","startsAt":"2026-03-17T02:59:00Z"}]`)
		w.Clock.Advance(2 * time.Minute)
		if a := w.ends(t, 2); a.Reason != warning.EndedBySender || !a.EndsAt.Equal(mainstaytest.Start.Add(2*time.Minute)) {
			t.Fatalf("%+v", a)
		}
		w.Clock.Advance(3 * time.Minute)
		if a := w.ends(t, 1); a.Reason != warning.EndedByTimeout || !a.EndsAt.Equal(mainstaytest.Start.Add(5*time.Minute)) {
			t.Fatalf("%+v", a)
		}
		open := w.s.Open(t.Context(), warning.Query{})
		if len(open) != 1 || open[0].Number != 3 {
			t.Fatalf("%+v", open)
		}
		ana := mainstay.Person("ana")
		if err := w.s.Resolve(t.Context(), ana, open[0].ID()); err != nil {
			t.Fatal(err)
		}
		if a := w.ends(t, 3); a.Reason != warning.EndedByPerson {
			t.Fatalf("%+v", a)
		}
		if err := w.s.Resolve(t.Context(), ana, "ALR-3"); !mainstay.Is(err, mainstay.Conflict) {
			t.Fatal(err)
		}
		last := w.Facts(t, shop, "alert.resolved")
		if len(last) != 3 || last[2].Actor != ana {
			t.Fatalf("%+v", last)
		}
	})
}

// A kill loses nothing: what was accepted is there, and how long it lasts is rebuilt from the inbox.
func TestKilled(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		down := func(ends string) string {
			return `[{"labels":{"alertname":"Down"},"annotations":{"value":"` + ends + `"},"startsAt":"2026-03-17T02:59:00Z","endsAt":"2026-03-17T` + ends + `Z"}]`
		}
		w.post(t, down("03:04:00"))
		w.post(t, `[{"labels":{"alertname":"Short"},"endsAt":"2026-03-17T03:02:00Z"}]`)
		w.Clock.Advance(time.Minute)
		w.post(t, down("03:05:00"))
		w.kill(t)
		w.Clock.Advance(30 * time.Second)
		w.post(t, down("03:06:00"))
		w.kill(t)
		a := w.s.Open(t.Context(), warning.Query{Match: []warning.Matcher{matcher(t, "alertname", "Down")}})[0]
		if !a.EndsAt.Equal(time.Date(2026, 3, 17, 3, 6, 0, 0, time.UTC)) || a.Annotation("value") != "03:06:00" || a.Number != 1 {
			t.Fatalf("after the kill: %+v", a)
		}
		w.Clock.Advance(3*time.Minute + 29*time.Second) // 03:04:59
		w.ends(t, 2)
		if n := w.s.Count(nil); n != 1 {
			t.Fatalf("%d open", n)
		}
		w.Clock.Advance(62 * time.Second)
		if a := w.ends(t, 1); !a.EndsAt.Equal(time.Date(2026, 3, 17, 3, 6, 0, 0, time.UTC)) {
			t.Fatalf("%+v", a)
		}
		w.post(t, down("03:20:00"))
		w.kill(t)
		if a := w.s.Open(t.Context(), warning.Query{})[0]; a.Number != 3 || !a.EndsAt.Equal(time.Date(2026, 3, 17, 3, 20, 0, 0, time.UTC)) {
			t.Fatalf("the new alert took over an old end: %+v", a)
		}
	})
}

// After a checkpoint the rows stand by themselves, and the inbox before it may go.
func TestCheckpoint(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		const long = `[{"labels":{"alertname":"Long"},"startsAt":"2026-03-17T02:59:00Z","endsAt":"2026-03-17T%sZ"}]`
		w.post(t, fmt.Sprintf(long, "03:30:00"))
		w.post(t, fmt.Sprintf(long, "04:00:00"))
		w.Clock.Advance(61 * time.Second)
		mainstaytest.Eventually(t, "the checkpoint", func() bool {
			_, reached, err := w.store.Position(t.Context())
			return err == nil && reached == 2
		})
		row, err := w.store.AlertByNumber(t.Context(), 1)
		if err != nil || !row.EndsAt.Equal(time.Date(2026, 3, 17, 4, 0, 0, 0, time.UTC)) {
			t.Fatalf("%+v %v", row, err)
		}
		if n, err := w.store.Prune(t.Context(), w.Clock.Now(), 2, 100); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		w.kill(t)
		w.post(t, fmt.Sprintf(long, "05:00:00"))
		if last, _, err := w.store.Position(t.Context()); last != 3 || err != nil {
			t.Fatalf("sequences start again at %d: %v", last, err)
		}
	})
}

// When the transaction fails, nobody is told that it was accepted, and memory knows nothing of it.
func TestCommitFails(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		w.post(t, `[{"labels":{"alertname":"Before"},"endsAt":"2026-03-17T03:30:00Z"}]`)
		w.fail.set(errors.New("the disk is gone"))
		for _, body := range []string{
			`[{"labels":{"alertname":"Lost"}}]`,
			`[{"labels":{"alertname":"Before"},"startsAt":"2026-03-17T02:00:00Z","endsAt":"2026-03-17T05:00:00Z"}]`,
			`[{"labels":{"alertname":"Before"},"endsAt":"2026-03-17T02:30:00Z"}]`,
		} {
			if err := w.try(t, body); !mainstay.Is(err, mainstay.Unavailable) {
				t.Fatal(err)
			}
		}
		open := w.s.Open(t.Context(), warning.Query{})
		if len(open) != 1 || !open[0].StartsAt.Equal(open[0].EndsAt) || !open[0].EndsAt.Equal(time.Date(2026, 3, 17, 3, 30, 0, 0, time.UTC)) {
			t.Fatalf("%+v", open)
		}
		w.fail.set(nil)
		w.post(t, `[{"labels":{"alertname":"After"}}]`)
		if l := w.list(t, warning.Query{}); len(l) != 2 || l[0].Number != 2 || l[0].Name() != "After" {
			t.Fatalf("%+v", l)
		}
	})
}

// Many senders at once: every accepted alert is there once, numbered without a hole, with one fact each.
func TestManySenders(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				for j := range 10 {
					var b strings.Builder
					for k := range 8 {
						fmt.Fprintf(&b, `,{"labels":{"alertname":"A","i":"%d","j":"%d","k":"%d"}},{"labels":{"alertname":"Same"}}`, i, j, k)
					}
					w.post(t, "["+b.String()[1:]+"]")
				}
			})
		}
		wg.Wait()
		seen := map[int64]bool{}
		for q := (warning.Query{Limit: 100}); ; {
			list, next, err := w.s.List(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range list {
				if seen[a.Number] {
					t.Fatalf("%d twice", a.Number)
				}
				seen[a.Number] = true
			}
			if next == "" {
				break
			}
			if err := warning.ParseCursor(&q, next); err != nil {
				t.Fatal(err)
			}
		}
		if len(seen) != 1281 || !seen[1] || !seen[1281] || w.s.Count([]string{shop}) != 1281 {
			t.Fatalf("%d alerts, %d open", len(seen), w.s.Count(nil))
		}
	})
}

// The first matching route in order decides about service, severity and policy; the alert says why.
func TestRoutes(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		ana := mainstay.Person("ana")
		define := func(name string, spec warning.RouteSpec, want bool) {
			t.Helper()
			if changed, err := w.s.Define(t.Context(), ana, shop, name, spec); err != nil || changed != want {
				t.Fatal(name, changed, err)
			}
		}
		define("z-first", warning.RouteSpec{Order: 1, MatchRegex: map[string]string{"alertname": "Card.*"}, Match: map[string]string{"env": "prod"}, Policy: "nights", Service: "checkout", Severity: "sev-1"}, true)
		define("all", warning.RouteSpec{Order: 2, SeverityMap: map[string]string{"bad": "sev-1"}}, true)
		define("all", warning.RouteSpec{Order: 2, SeverityMap: map[string]string{"bad": "sev-1"}}, false)
		w.post(t, `[{"labels":{"alertname":"CardFailures","env":"prod"},"annotations":{"summary":"Cards\u0000fail"}},{"labels":{"alertname":"ACardFailures","env":"prod","severity":"bad","service":"search"}}]`)
		l := w.list(t, warning.Query{})
		slices.Reverse(l)
		if l[0].Policy != "nights" || l[0].Service != "svc-checkout" || l[0].Severity != mainstay.Sev1 ||
			l[0].Why != "Route z-first decided (env is prod, alertname matches Card.*): paged by policy nights." {
			t.Fatalf("%+v", l[0])
		}
		if l[1].Policy != "" || l[1].Service != "svc-search" || l[1].Severity != mainstay.Sev1 || !strings.Contains(l[1].Why, "nobody is paged") {
			t.Fatalf("%+v", l[1])
		}
		wanted := w.Facts(t, shop, "page.wanted")
		if p, _ := fact.As[fact.PageWanted](wanted[0]); len(wanted) != 1 || p.Policy != "nights" || p.Severity != "sev-1" || p.Title != "Cards fail" ||
			p.Service != "svc-checkout" || wanted[0].Subjects[0] != l[0].Ref() {
			t.Fatalf("%+v", wanted)
		}
		if err := w.s.Remove(t.Context(), ana, shop, "z-first"); err != nil {
			t.Fatal(err)
		}
		w.post(t, `[{"labels":{"alertname":"CardFailures","env":"prod","x":"y"}}]`)
		if a := w.list(t, warning.Query{})[0]; a.Policy != "" {
			t.Fatalf("a removed route decided: %+v", a)
		}
		_, err := w.s.Define(t.Context(), ana, shop, "bad", warning.RouteSpec{MatchRegex: map[string]string{"a": "("}, Policy: "none", Service: "none", Severity: "x"})
		if f := mainstay.ErrorFields(err); f["matchRegex"] == "" || f["policy"] == "" || f["service"] == "" || f["severity"] == "" {
			t.Fatal(err)
		}
		specs, err := w.s.Specs(t.Context(), shop)
		if err != nil || len(specs) != 1 || specs["all"].Order != 2 {
			t.Fatal(specs, err)
		}
	})
}

// A cron job that stays out raises an alert, also when the server was killed before it could; a beat ends it.
func TestHeartbeat(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		beat := func(query string) {
			t.Helper()
			r := &intake.Request{Method: "GET", Path: "/backup", Now: w.Clock.Now()}
			r.Query = map[string][]string{}
			for _, kv := range strings.Split(query, "&") {
				k, v, _ := strings.Cut(kv, "=")
				r.Query[k] = []string{v}
			}
			p := heartbeat.Format{}.Parse(r, intake.Limits{})
			if p.Reply.Status != 200 {
				t.Fatal(string(p.Reply.Body))
			}
			b := &intake.Batch{Project: shop, Format: heartbeat.Name, Head: r.Head(), Body: s2.Encode(nil, nil), At: r.Now, Beat: p.Beat}
			if err := w.s.Take(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		engines := w.Engines(t, nil, map[string]timer.Handler{
			warning.MissedTimer: func(ctx context.Context, f timer.Firing) error { return w.s.Timers()[f.Kind](ctx, f) },
		})
		beat("every=10m")
		engines.Advance(t, 10*time.Minute)
		beat("")
		engines.Advance(t, 10*time.Minute)
		if n := w.s.Count(nil); n != 0 {
			t.Fatalf("%d open", n)
		}
		engines.Advance(t, time.Minute)
		mainstaytest.Eventually(t, "the missed beat fires", func() bool { return w.s.Count(nil) == 1 })
		a := w.s.Open(t.Context(), warning.Query{})[0]
		if a.Title() != "Heartbeat backup stayed out" || a.Severity != mainstay.Sev2 || !a.EndsAt.IsZero() {
			t.Fatalf("%+v", a)
		}
		engines.Advance(t, 24*time.Hour)
		beat("")
		w.ends(t, a.Number)
		beat("status=fail&message=disk+full")
		if l := w.s.Open(t.Context(), warning.Query{}); len(l) != 1 || l[0].Title() != "Heartbeat backup reports a failure" || l[0].Annotation("description") != "disk+full" {
			t.Fatalf("%+v", l)
		}
		beat("status=0")
		w.s.Stop()
		engines.Advance(t, 11*time.Minute)
		w.start(t)
		mainstaytest.Eventually(t, "the beat missed while dead fires", func() bool { return w.s.Count(nil) == 1 })
		w.kill(t)
		if n := len(w.list(t, warning.Query{})); n != 3 {
			t.Fatalf("%d alerts", n)
		}
	})
}

func matcher(t testing.TB, name, value string) warning.Matcher {
	t.Helper()
	m, err := warning.NewMatcher(name, warning.Equal, value)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// When the answer to a commit is lost, the sender is told that nothing was kept and sends again: it is one alert all the same,
// and those after it find their place in the inbox.
func TestTheAnswerToACommitIsLost(t *testing.T) {
	t.Parallel()
	e, wire := mainstaytest.OverWire(t, intakedb.Migrations(), warningdb.Migrations())
	w := begin(t, e)
	w.post(t, `[{"labels":{"alertname":"Before"}}]`)
	wire.LoseCommit()
	again := `[{"labels":{"alertname":"Again"}},{"labels":{"alertname":"Before"},"annotations":{"summary":"newer"}}]`
	if err := w.try(t, again); !mainstay.Is(err, mainstay.Unavailable) || !wire.Lost() {
		t.Fatalf("the answer came: %v", err)
	}
	w.post(t, again)
	w.post(t, `[{"labels":{"alertname":"After"}}]`)
	if l := w.list(t, warning.Query{}); len(l) != 3 || l[0].Name() != "After" || l[1].Name() != "Again" || l[0].Number != 3 {
		t.Fatalf("%+v", l)
	}
	if got := kinds(w.Facts(t, shop, fact.AlertFired{}.FactKind())); strings.Count(got, fact.AlertFired{}.FactKind()) != 3 {
		t.Fatalf("facts: %s", got)
	}
	w.kill(t) // and what memory says now is what the rows and the inbox say
	if l := w.s.Open(t.Context(), warning.Query{}); len(l) != 3 {
		t.Fatalf("%+v", l)
	}
}
