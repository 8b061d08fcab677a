// Package demo owns the demonstration: a small shop with a past that was played through the services on a moved clock, and faults
// that come and go live through the real intake. It never writes a row by itself.
package demo

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/core/notify"
)

//go:embed harbour.yaml
var harbour string

// Config says where the demonstration runs.
type Config struct {
	Listen, StatusListen string
	Dir                  string // "" for a temporary folder, removed by Close
	Version              string
	Log                  *slog.Logger
	Progress             func(string)
}

// Demo is a running demonstration.
type Demo struct {
	App             *app.App
	URL, StatusURL  string
	Email, Password string

	dir    string
	keep   bool
	clock  *mainstay.Moved
	hook   *http.Server
	hookAt string
	key    string
	people map[string]mainstay.Actor
	cancel context.CancelFunc
	live   sync.WaitGroup
}

// email and password are those of the demonstration's administrator, who is on call.
const (
	email    = "ana@harbour.example"
	password = "harbour-demo"
)

// New builds the world, plays its past and goes live. It returns when the pages answer.
func New(ctx context.Context, cfg Config) (_ *Demo, err error) {
	d := &Demo{Email: email, Password: password, dir: cfg.Dir, keep: cfg.Dir != "", people: map[string]mainstay.Actor{}}
	if d.dir == "" {
		if d.dir, err = os.MkdirTemp("", "mainstay-demo-"); err != nil {
			return nil, err
		}
	}
	ctx, d.cancel = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	if err := d.listenForChat(); err != nil {
		return nil, err
	}
	d.clock = mainstay.NewMoved(time.Now().Add(-6 * 24 * time.Hour))
	d.App, err = app.Open(ctx, app.Config{
		Data: d.dir, SecretKeyFile: filepath.Join(d.dir, "secret.key"), Listen: cfg.Listen, StatusListen: cfg.StatusListen,
		Version: cfg.Version, Log: cfg.Log, Time: d.clock, MailFrom: "mainstay@harbour.example",
		AllowTargets: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Channels:     map[string]notify.Sender{"email": &outbox{dir: filepath.Join(d.dir, "outbox")}},
		Prologue: func(ctx context.Context) error {
			cfg.Progress("playing the past of the shop Harbour ...")
			return d.playPast(ctx)
		},
	})
	if err != nil {
		return nil, err
	}
	if err := d.App.Start(ctx); err != nil {
		return nil, err
	}
	d.URL, d.StatusURL = d.App.URL, d.App.Status
	d.live.Go(func() { d.liveFaults(ctx) })
	return d, nil
}

// Close ends the demonstration and removes its folder, unless it was to be kept.
func (d *Demo) Close() {
	d.cancel()
	d.live.Wait()
	if d.App != nil {
		stop, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = d.App.Stop(stop)
		_ = d.App.Close()
	}
	if d.hook != nil {
		_ = d.hook.Close()
	}
	if !d.keep {
		_ = os.RemoveAll(d.dir)
	}
}

// listenForChat stands for the team's chat: a webhook receiver that takes everything.
func (d *Demo) listenForChat() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	d.hookAt = "http://" + l.Addr().String() + "/chat"
	d.hook = &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	})}
	go func() { _ = d.hook.Serve(l) }()
	return nil
}

// outbox keeps mail in a folder instead of sending it: the demonstration bothers nobody.
type outbox struct{ dir string }

// Send implements notify.Sender.
func (o *outbox) Send(_ context.Context, m notify.Message) (notify.Receipt, error) {
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return notify.Receipt{}, err
	}
	text := fmt.Sprintf("To: %s\nSubject: %s\n\n%s\n", m.Address, m.Content.Subject, m.Content.Text)
	if err := os.WriteFile(filepath.Join(o.dir, m.ID+".txt"), []byte(text), 0o600); err != nil {
		return notify.Receipt{}, err
	}
	if m.Content.HTML != "" {
		if err := os.WriteFile(filepath.Join(o.dir, m.ID+".html"), []byte(m.Content.HTML), 0o600); err != nil {
			return notify.Receipt{}, err
		}
	}
	return notify.Receipt{Answer: "kept in the demo's outbox"}, nil
}

// post sends alerts to the intake route, as a Prometheus would.
func (d *Demo) post(alerts ...map[string]any) error {
	body, err := json.Marshal(alerts)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, "http://demo/in/"+d.key+"/alertmanager/api/v2/alerts", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	w := &answer{header: http.Header{}}
	d.App.Handler().ServeHTTP(w, req)
	if w.status != http.StatusOK {
		return fmt.Errorf("the intake answered %d %s", w.status, strings.TrimSpace(w.body.String()))
	}
	return nil
}

// answer keeps what a handler answers.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// alert is one condition of the simulated shop.
type alert struct{ name, service, severity, summary, description string }

var (
	cards  = alert{"CardFailureRatioHigh", "checkout", "critical", "Card failure ratio above 5 %", "22 % of card payments fail; invoices go through."}
	orders = alert{"OrdersLow", "web", "warning", "Orders per minute low", "1.1 orders a minute, expected 3.1."}
	slow   = alert{"SearchSlow", "search", "warning", "Search p95 above 800 ms", "Half of the searches take longer than 800 ms."}
	queue  = alert{"MailQueueGrows", "mail", "warning", "Order mails wait longer than 10 minutes", "412 mails wait; Postlane answers slowly."}
	broken = alert{"CheckoutErrors", "checkout", "critical", "Checkout answers with errors", "4 % of the requests to the checkout fail."}
)

func (a alert) fires(from, until time.Time) map[string]any {
	m := map[string]any{
		"labels":       map[string]string{"alertname": a.name, "service": a.service, "severity": a.severity, "instance": a.service + "-1"},
		"annotations":  map[string]string{"summary": a.summary, "description": a.description},
		"startsAt":     from.Format(time.RFC3339Nano),
		"generatorURL": "http://prometheus.harbour.example/graph?g0.expr=" + a.name,
	}
	if !until.IsZero() {
		m["endsAt"] = until.Format(time.RFC3339Nano)
	}
	return m
}

// liveFaults lets faults come and go: one at once, so that something is to be seen, then another every few minutes.
func (d *Demo) liveFaults(ctx context.Context) {
	faults := []alert{slow, queue, broken}
	for i := 0; ; i++ {
		f := faults[i%len(faults)]
		began := time.Now()
		for range 12 { // three minutes of firing, told every 15 s as a Prometheus does
			if err := d.post(f.fires(began, time.Now().Add(time.Minute))); err != nil && ctx.Err() == nil {
				return // the server is stopping
			}
			if !sleep(ctx, 15*time.Second) {
				return
			}
		}
		if d.post(f.fires(began, time.Now())) != nil || !sleep(ctx, 90*time.Second) {
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
