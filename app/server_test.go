package app_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
	"github.com/mainstayhq/mainstay/practice/incident"
)

// TestHealthAndReadiness tells a supervisor the truth: alive at once, ready only when everything is.
func TestHealthAndReadiness(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		for path, want := range map[string]string{"/-/healthy": "healthy\n", "/-/ready": "ready\n", "/alertmanager/-/ready": "OK", "/alertmanager/-/healthy": "OK"} {
			if a := s.Nobody().Get(t, path); a.Status != 200 || a.Body != want {
				t.Errorf("%s answers %d %q", path, a.Status, a.Body)
			}
		}
	})
	a, err := app.Open(t.Context(), servertest.Config(t, "sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close() //nolint:errcheck // the folder goes too
	asleep := (&servertest.Server{App: a}).Nobody()
	if got := asleep.Get(t, "/-/ready"); got.Status != 503 || !strings.HasPrefix(got.Body, "not ready") {
		t.Errorf("not started, it answers %d %q", got.Status, got.Body)
	}
	if got := asleep.Get(t, "/-/healthy"); got.Status != 200 {
		t.Errorf("not started, it is not alive: %d", got.Status)
	}
}

// TestItsOwnMetrics are for a Prometheus on the same machine; others need a token that may manage settings.
func TestItsOwnMetrics(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		s.Apply(t, strings.NewReplacer("{P}", "shop", "{M}", "Basalt").Replace(worldYAML)+personYAML("duty", "responder", ""))
		s.Nobody().Send(t, "POST", "/in/"+s.Key(t, "shop", "alertmanager")+"/alertmanager/api/v2/alerts", `[{"labels":{"alertname":"Down"}}]`)
		s.Advance(t, time.Hour)
		want := []string{
			"mainstay_timer_late_seconds_count{kind=", "mainstay_subscriber_lag_facts{subscriber=", "go_goroutines ", "process_resident_memory_bytes ",
			"mainstay_notification_wait_seconds_count{channel=",
		}
		if s.Engine == "sqlite" {
			want = append(want, `mainstay_write_wait_seconds_count{class="urgent"}`, `mainstay_write_wait_seconds_count{class="normal"}`)
		}
		for _, w := range want {
			mainstaytest.Eventually(t, "/metrics has "+w, func() bool { return strings.Contains(fetch(t, s.URL+"/metrics", nil, 200), w) })
		}
		fetch(t, s.URL+"/metrics", http.Header{"X-Forwarded-For": {"192.0.2.7"}}, 401)
		if a := s.With(s.Token(t, "manager", "")).Get(t, "/metrics"); a.Status != 403 {
			t.Errorf("a manager reads /metrics from afar: %d", a.Status)
		}
		if a := s.With(s.Token(t, "administrator", "")).Get(t, "/metrics"); a.Status != 200 {
			t.Errorf("an administrator's token does not read /metrics: %d", a.Status)
		}
	}, func(c *app.Config) { c.Channels = map[string]notify.Sender{"email": box{}} })
}

// box is a mail server that takes everything.
type box struct{}

// Send implements notify.Sender.
func (box) Send(context.Context, notify.Message) (notify.Receipt, error) {
	return notify.Receipt{Answer: "250 taken"}, nil
}

// fetch reads an address over the network and expects the status.
func fetch(t *testing.T, url string, header http.Header, status int) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to the end below
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != status {
		t.Errorf("%s answers %d, want %d: %.200s", url, res.StatusCode, status, b)
	}
	return string(b)
}

// TestErrorsOfTheAPI are problems with the right code, whatever goes wrong.
func TestErrorsOfTheAPI(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		s.Apply(t, "apiVersion: mainstay/v1\nkind: Project\nmetadata: {name: shop}\n")
		admin := s.With(s.Token(t, "administrator", ""))
		for _, c := range []struct {
			client             *servertest.Client
			method, path, body string
			status             int
			code, detail       string
		}{
			{admin, "GET", "/api/v1/nothing", "", 404, "not_found", "nothing at this address"},
			{admin, "GET", "/api/nothing", "", 404, "not_found", ""},
			{admin, "PATCH", "/api/v1/incidents", "", 405, "invalid", "GET"},
			{admin, "GET", "/api/v1/incidents/INC-99", "", 404, "not_found", "INC-99"},
			{admin, "GET", "/api/v1/incidents?limit=1001", "", 422, "invalid", ""},
			{admin, "GET", "/api/v1/incidents?limit=0", "", 422, "invalid", ""},
			{admin, "GET", "/api/v1/incidents?limit=many", "", 422, "invalid", ""},
			{admin, "GET", "/api/v1/incidents?cursor=broken%00", "", 422, "invalid", "cursor"},
			{admin, "GET", "/api/v1/incidents?project=nowhere", "", 404, "not_found", "nowhere"},
			{admin, "POST", "/api/v1/incidents", `{"severity":`, 400, "invalid", ""},
			{admin, "POST", "/api/v1/incidents", `[]`, 422, "invalid", ""},
			{admin, "POST", "/api/v1/incidents", ``, 400, "invalid", "body"},
			{admin, "POST", "/api/v1/incidents", `{"title":"x","severity":"sev-3","project":"shop","colour":"red"}`, 422, "invalid", ""},
			{admin, "POST", "/api/v1/incidents", `{"title":"x","severity":"sev-9","project":"shop"}`, 422, "invalid", ""},
			{admin, "POST", "/api/v1/incidents", `{"title":"` + strings.Repeat("x", 2<<20) + `","severity":"sev-3"}`, 413, "too_large", ""},
			{admin, "POST", "/api/v1/incidents", `{"title":"x","severity":"sev-3","project":"nowhere"}`, 404, "not_found", "nowhere"},
			{s.Nobody(), "GET", "/api/v1/incidents", "", 401, "unauthenticated", "Sign in"},
			{s.With("mst_" + strings.Repeat("x", 43)), "GET", "/api/v1/incidents", "", 401, "unauthenticated", "not known"},
			{s.With("rubbish"), "GET", "/api/v1/incidents", "", 401, "unauthenticated", ""},
			{s.With(s.Token(t, "customer", "")), "GET", "/api/v1/incidents", "", 403, "denied", "incident.read"},
		} {
			var body any
			if c.method != "GET" {
				body = c.body
			}
			a := c.client.Send(t, c.method, c.path, body)
			var p struct {
				Status                             int
				Code, Detail, Title, Type, Request string
			}
			name := fmt.Sprintf("%s %s %.60s", c.method, c.path, c.body)
			if kind := a.Header.Get("Content-Type"); a.Status != c.status || !strings.HasPrefix(kind, "application/problem+json") {
				t.Errorf("%s answers %d %s %.300s, want %d", name, a.Status, kind, a.Body, c.status)
				continue
			}
			a.JSON(t, &p)
			if p.Status != c.status || p.Code != c.code || !strings.Contains(a.Body, c.detail) || p.Title == "" || p.Request == "" || a.Header.Get("X-Request-Id") != p.Request {
				t.Errorf("%s answers %s, want the code %s and the words %q", name, a.Body, c.code, c.detail)
			}
			if c.status == 401 && a.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s answers 401 without WWW-Authenticate", name)
			}
			if c.status == 405 && a.Header.Get("Allow") == "" {
				t.Errorf("%s answers 405 without Allow", name)
			}
		}
	})
}

// TestTokensAreLimited answers 429 with Retry-After to a token that asks too often, and to whoever tries unknown ones.
func TestTokensAreLimited(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		busy, calm := s.With(s.Token(t, "administrator", "")), s.With(s.Token(t, "administrator", ""))
		limited := func(c *servertest.Client, most int) (int, servertest.Answer) {
			for n := range most {
				if a := c.Get(t, "/api/v1/projects"); a.Status == http.StatusTooManyRequests {
					return n, a
				}
			}
			t.Fatalf("%d requests at one moment were not too many", most)
			return 0, servertest.Answer{}
		}
		n, a := limited(busy, 1000)
		if wait, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 10 || n < 100 || !strings.Contains(a.Body, `"code":"too_many"`) {
			t.Errorf("after %d requests: %v %s", n, a.Header, a.Body)
		}
		if a := calm.Get(t, "/api/v1/projects"); a.Status != 200 {
			t.Errorf("another token waits too: %d", a.Status)
		}
		s.Clock.Advance(time.Second)
		if a := busy.Get(t, "/api/v1/projects"); a.Status != 200 {
			t.Errorf("a second later it still answers %d", a.Status)
		}
		tries := 0
		for ; tries < 1000; tries++ {
			a = s.With(fmt.Sprintf("mst_%043d", tries)).Get(t, "/api/v1/projects")
			if a.Status == http.StatusTooManyRequests {
				break
			}
		}
		if tries < 20 || tries == 1000 || a.Header.Get("Retry-After") == "" {
			t.Errorf("%d unknown tokens could be tried at one moment: %v", tries, a.Header)
		}
	})
}

// TestTheLiveStreamTellsWhatOthersDid follows a change of one client, and one of a command beside the server, to another
// client's stream; what somebody may not see is not told.
func TestTheLiveStreamTellsWhatOthersDid(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		s.Apply(t, strings.NewReplacer("{P}", "alpha", "{M}", "Basalt").Replace(worldYAML)+personYAML("duty", "responder", "alpha")+
			personYAML("reader", "responder", "alpha")+personYAML("guest", "customer", "alpha"))
		project := must[string](t)(s.Projects.ProjectID(t.Context(), "alpha"))
		duty := must[string](t)(func() (string, error) { p, err := s.People.ByName(t.Context(), "duty"); return p.ID, err }())
		by := mainstay.Person(duty)
		declare := func(private bool) incident.Incident {
			return must[incident.Incident](t)(s.Incidents.Declare(t.Context(), by, incident.Declaration{
				Project: project, Title: "Trouble", Severity: mainstay.Sev3, Private: private,
			}))
		}
		open, hidden := declare(false), declare(true)
		s.Settle(t)
		duties, reader, guest := listen(t, s, "duty"), listen(t, s, "reader"), listen(t, s, "guest")

		worker := s.With(s.Token(t, "manager", "alpha"))
		if a := worker.Send(t, "POST", "/api/v1/incidents/"+hidden.ID+"/notes", `{"text":"quietly"}`); a.Status >= 300 {
			t.Fatal(a.Status, a.Body)
		}
		duties.hear(t, "incident:"+hidden.ID)
		if a := worker.Send(t, "POST", "/api/v1/incidents/"+open.ID+"/notes", `{"text":"aloud"}`); a.Status >= 300 {
			t.Fatal(a.Status, a.Body)
		}
		duties.hear(t, "incident:"+open.ID)
		if heard := reader.hear(t, "incident:"+open.ID); strings.Contains(heard, hidden.ID) {
			t.Errorf("a responder without a role heard of a private incident: %s", heard)
		}

		beside := s.Config
		beside.Announce, beside.Log = true, nil
		command := must[*app.App](t)(app.Open(t.Context(), beside))
		defer command.Close() //nolint:errcheck // a reader and writer beside the server
		must[incident.Incident](t)(command.Incidents.Retitle(t.Context(), by, open.ID, "Other trouble"))
		duties.hear(t, "event: whole") // whatever it was: the pages read again what they show
		reader.hear(t, "event: whole")
		if heard := guest.heard(); strings.Contains(heard, "incident:") {
			t.Errorf("a customer heard of incidents: %s", heard)
		}
	})
}

// ear listens to a stream.
type ear struct {
	lines chan string
	all   strings.Builder
}

// listen opens the live stream as a person, and waits until it is open.
func listen(t *testing.T, s *servertest.Server, name string) *ear {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(s.As(t, name).Cookie)
	res, err := http.DefaultClient.Do(req) //nolint:bodyclose // closed by the goroutine below
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cancel)
	if kind := res.Header.Get("Content-Type"); res.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("the stream answers %d %s", res.StatusCode, kind)
	}
	e := &ear{lines: make(chan string, 1000)}
	go func() {
		defer res.Body.Close() //nolint:errcheck // it ends with the test
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			e.lines <- lines.Text()
		}
	}()
	e.hear(t, "event: hello")
	return e
}

// hear waits for a line that holds the text, for up to ten real seconds, and returns all that was heard until then.
func (e *ear) hear(t *testing.T, text string) string {
	t.Helper()
	t.Helper()
	limit := time.After(10 * time.Second)
	from := e.all.Len()
	for {
		select {
		case line := <-e.lines:
			e.all.WriteString(line + "\n")
			if strings.Contains(line, text) {
				return e.all.String()[from:]
			}
		case <-limit:
			t.Fatalf("ten seconds without %q; heard %q", text, e.all.String())
		}
	}
}

// heard is all that was heard so far.
func (e *ear) heard() string {
	for {
		select {
		case line := <-e.lines:
			e.all.WriteString(line + "\n")
		default:
			return e.all.String()
		}
	}
}

// TestEveryAlertIsListedOnce pages through the list of alerts while new ones come in: every alert that was there when the first
// page was read is shown exactly once, newest first.
func TestEveryAlertIsListedOnce(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		s.Apply(t, "apiVersion: mainstay/v1\nkind: Project\nmetadata: {name: shop}\n")
		path := "/in/" + s.Key(t, "shop", "alertmanager") + "/alertmanager/api/v2/alerts"
		n := 0
		fire := func(count int) {
			var b strings.Builder
			for i := range count {
				n++
				fmt.Fprintf(&b, `%s{"labels":{"alertname":"A%d"}}`, map[bool]string{true: "", false: ","}[i == 0], n)
			}
			s.Clock.Advance(time.Millisecond)
			if a := s.Nobody().Send(t, "POST", path, "["+b.String()+"]"); a.Status != 200 {
				t.Fatal(a.Status, a.Body)
			}
		}
		for range 10 {
			fire(13)
		}
		s.Settle(t)
		there := n
		reader := s.With(s.Token(t, "member", "shop"))
		var seen []string
		for cursor, first := "", true; first || cursor != ""; first = false {
			var page struct {
				Items []struct{ ID, Number string }
				Next  string
			}
			reader.Get(t, "/api/v1/alerts?limit=7&cursor="+cursor).JSON(t, &page)
			for _, a := range page.Items {
				seen = append(seen, a.ID)
			}
			cursor = page.Next
			fire(3) // between two pages
			if len(seen) > there {
				t.Fatalf("%d alerts were shown, there were %d", len(seen), there)
			}
		}
		if len(seen) != there || !slices.IsSortedFunc(seen, func(a, b string) int { return strings.Compare(b, a) }) {
			t.Errorf("%d alerts were shown, there were %d", len(seen), there)
		}
		slices.Sort(seen)
		if len(slices.Compact(seen)) != there {
			t.Error("an alert was shown twice")
		}
	})
}
