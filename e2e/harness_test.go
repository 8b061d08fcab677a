// Package e2e owns the journeys that a user makes, through the built binary alone. It imports none of our packages.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// need returns what scripts/test has prepared, or skips; with MAINSTAY_TEST_ALL a missing part is a failure.
func need(t testing.TB, part string) string {
	t.Helper()
	v := os.Getenv("MAINSTAY_TEST_" + strings.ToUpper(part))
	if v == "" && os.Getenv("MAINSTAY_TEST_ALL") != "" {
		t.Fatalf("MAINSTAY_TEST_%s is not set: the test needs it", strings.ToUpper(part))
	}
	if v == "" {
		t.Skipf("needs MAINSTAY_TEST_%s: run it by make test", strings.ToUpper(part))
	}
	return v
}

// server is one installation: the built binary, a data folder and perhaps a PostgreSQL schema.
type server struct {
	t      testing.TB // of the part of the test that goes on
	root   testing.TB // of the test that made it: what lives as long as the server hangs on it
	bin    string
	dir    string
	db     []string // flags that choose the database
	addr   string
	status string
	flags  []string

	mu       sync.Mutex
	cmd      *exec.Cmd
	out      *os.File
	launched time.Time        // when the latest process began
	ended    *os.ProcessState // how the latest process ended
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // only its number was wanted
	return l.Addr().String()
}

// newServer prepares an installation on the engine; start runs it.
func newServer(t testing.TB, engine string, flags ...string) *server {
	t.Helper()
	s := &server{t: t, root: t, bin: need(t, "binary"), dir: t.TempDir(), addr: freeAddr(t), status: freeAddr(t), flags: flags}
	s.db = []string{"--data", s.dir}
	if engine == "postgres" {
		s.db = append(s.db, "--database-url", schema(t), "--secret-key-file", filepath.Join(s.dir, "secret.key"))
	}
	log, err := os.Create(filepath.Join(s.dir, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	s.out = log
	t.Cleanup(func() {
		s.kill()
		_ = log.Close()
		if t.Failed() {
			b, _ := os.ReadFile(log.Name())
			t.Logf("server log, its end:\n%s", b[max(0, len(b)-8000):])
		}
	})
	return s
}

// schema makes a schema of its own with psql and returns its URL.
func schema(t testing.TB) string {
	t.Helper()
	base := need(t, "postgres")
	name := fmt.Sprintf("e2e%d", time.Now().UnixNano())
	psql := func(statement string) {
		out, err := exec.Command("psql", base, "-qc", statement).CombinedOutput()
		if err != nil {
			t.Fatalf("psql: %v: %s", err, out)
		}
	}
	psql("CREATE SCHEMA " + name)
	t.Cleanup(func() { psql("DROP SCHEMA " + name + " CASCADE") })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

func (s *server) start() {
	s.t.Helper()
	s.launch()
	s.awaitReady()
}

// launch begins the process and does not wait for it to be ready.
func (s *server) launch() {
	s.t.Helper()
	args := append([]string{"serve", "--listen", s.addr, "--status-listen", s.status, "--external-url", "http://" + s.addr}, s.db...)
	cmd := exec.Command(s.bin, append(args, s.flags...)...)
	cmd.Stdout, cmd.Stderr = s.out, s.out
	cmd.Env = append(os.Environ(), "TZ=UTC")
	s.launched = time.Now()
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	s.cmd = cmd
	s.mu.Unlock()
}

func (s *server) awaitReady() {
	s.t.Helper()
	eventually(s.t, 30*time.Second, "the server is ready", func() error {
		code, body, err := s.get("/-/ready")
		if err == nil && code != 200 {
			err = fmt.Errorf("%d %s", code, body)
		}
		return err
	})
}

// kill ends the server as kill -9 does; it returns once the process is gone.
func (s *server) kill() { s.signal(syscall.SIGKILL) }

// stop asks it to end.
func (s *server) stop() { s.signal(syscall.SIGTERM) }

func (s *server) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(sig)
	_ = s.cmd.Wait()
	s.ended = s.cmd.ProcessState
	s.cmd = nil
}

// mainstay runs a command of the binary on this installation and returns its standard output.
func (s *server) mainstay(args ...string) string {
	s.t.Helper()
	out, err := s.try(args...)
	if err != nil {
		s.t.Fatalf("mainstay %s: %v", strings.Join(args, " "), err)
	}
	return out
}

func (s *server) try(args ...string) (string, error) {
	cmd := exec.Command(s.bin, append(args, s.db...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%w: %s", err, errs.String())
	}
	return strings.TrimSpace(out.String()), nil
}

// quick asks a server that may listen without answering yet.
var quick = &http.Client{Timeout: 10 * time.Second}

func (s *server) get(path string) (int, string, error) {
	res, err := quick.Get("http://" + s.addr + path)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close() //nolint:errcheck // it is read whole
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

// api calls the REST API with a token and decodes the answer into out, which may be nil. It fails the test on any error.
func (s *server) api(token, method, path string, in, out any) {
	s.t.Helper()
	if err := s.tryAPI(token, method, path, in, out); err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
}

type statusError struct {
	code int
	body string
}

func (e *statusError) Error() string { return fmt.Sprintf("%d %s", e.code, e.body) }

func (s *server) tryAPI(token, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, "http://"+s.addr+"/api/v1"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it is read whole
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return &statusError{res.StatusCode, string(b)}
	}
	if out == nil || len(b) == 0 {
		return nil
	}
	reflect.ValueOf(out).Elem().SetZero() // what the answer leaves out must not stay from an answer before
	return json.Unmarshal(b, out)
}

// post sends a body to a path and returns the status and the answer.
func (s *server) post(path, contentType string, body []byte) (int, string, error) {
	res, err := http.Post("http://"+s.addr+path, contentType, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close() //nolint:errcheck // it is read whole
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

func eventually(t testing.TB, within time.Duration, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain until %s: %v", within, what, err)
		}
		time.Sleep(20 * time.Millisecond) // real: other processes are waited for
	}
}

// hook is a webhook receiver with its own log of what arrived.
type hook struct {
	URL  string
	mu   sync.Mutex
	got  []delivery
	fail int // answer so many with 503 first
}

type delivery struct {
	At     time.Time
	Header http.Header
	Body   []byte
}

func newHook(t testing.TB) *hook {
	t.Helper()
	h := &hook{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := time.Now()
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return // the sender died in the middle: not received
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.fail > 0 {
			h.fail--
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		h.got = append(h.got, delivery{at, r.Header.Clone(), b})
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	h.URL = "http://" + l.Addr().String() + "/hook"
	return h
}

// wait waits until n messages have arrived, and returns the n-th.
func (h *hook) wait(t testing.TB, n int, what string) delivery {
	t.Helper()
	var d delivery
	eventually(t, 30*time.Second, what, func() error {
		if got := h.deliveries(); len(got) >= n {
			d = got[n-1]
			return nil
		}
		return errNotYet
	})
	return d
}

func (h *hook) deliveries() []delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]delivery(nil), h.got...)
}

// target is a service that Prometheus watches: it answers while it is up.
type target struct {
	Addr string
	mu   sync.Mutex
	down bool
	n    int // how often it was asked
}

func newTarget(t testing.TB) *target {
	t.Helper()
	tg := &target{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tg.mu.Lock()
		defer tg.mu.Unlock()
		tg.n++
		if tg.down {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, "orders_total 42")
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	tg.Addr = l.Addr().String()
	return tg
}

func (tg *target) set(down bool) {
	tg.mu.Lock()
	defer tg.mu.Unlock()
	tg.down = down
}

func (tg *target) asked() int {
	tg.mu.Lock()
	defer tg.mu.Unlock()
	return tg.n
}

// actAsPrometheus stands in where Debian's Prometheus is not installed: it asks the target each second and posts as Prometheus does.
func actAsPrometheus(t testing.TB, s *server, key string, tg *target) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var over sync.WaitGroup
	over.Go(func() {
		var began time.Time
		tick := time.NewTicker(time.Second) // real: a scrape each second is what is played
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			res, err := http.Get("http://" + tg.Addr)
			if err != nil {
				continue
			}
			_ = res.Body.Close()
			now, ends := time.Now(), time.Now().Add(8*time.Second)
			switch {
			case res.StatusCode != 200 && began.IsZero():
				began = now
			case res.StatusCode == 200 && began.IsZero():
				continue
			case res.StatusCode == 200:
				ends = now
			}
			b, _ := json.Marshal([]map[string]any{{
				"labels":       map[string]string{"alertname": "CheckoutDown", "instance": tg.Addr, "job": "checkout", "service": "checkout", "severity": "critical"},
				"annotations":  map[string]string{"summary": "Checkout does not answer", "description": "The checkout answers no request."},
				"startsAt":     began.UTC().Format(time.RFC3339Nano),
				"endsAt":       ends.UTC().Format(time.RFC3339Nano),
				"generatorURL": "http://prometheus.example/graph",
			}})
			if code, _, err := s.post("/in/"+key+"/alertmanager/api/v2/alerts", "application/json", b); err == nil && code == 200 && res.StatusCode == 200 {
				began = time.Time{}
			}
		}
	})
	t.Cleanup(func() { cancel(); over.Wait() })
}

// startPrometheus runs Debian's Prometheus with one target and one rule, and sends alerts to the server under the key.
func startPrometheus(t testing.TB, s *server, key string, tg *target) {
	t.Helper()
	bin := need(t, "prometheus")
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("rules.yml", `
groups:
- name: shop
  interval: 1s
  rules:
  - alert: CheckoutDown
    expr: up{job="checkout"} == 0
    labels: {severity: critical, service: checkout}
    annotations: {summary: "Checkout does not answer", description: "The checkout answers no request."}
`)
	write("prometheus.yml", fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
- job_name: checkout
  static_configs: [{targets: [%q]}]
alerting:
  alertmanagers:
  - path_prefix: /in/%s/alertmanager
    static_configs: [{targets: [%q]}]
`, tg.Addr, key, s.addr))
	cmd := exec.Command(bin, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+freeAddr(t), "--rules.alert.resend-delay=2s", "--log.level=warn")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("prometheus: %s", log.String())
		}
	})
}

// browse runs one of the scripts of browser/ in a real Chromium; args reach it as JSON.
func browse(t testing.TB, script string, args any) string {
	t.Helper()
	chromium := need(t, "browser")
	text, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", filepath.Join("browser", script))
	cmd.Env = append(os.Environ(), "CHROMIUM="+chromium, "ARGS="+string(text))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

var errNotYet = errors.New("not yet")
