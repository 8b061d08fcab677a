// Package servertest owns the whole server of a test: everything that app wires, on a real database, with a moved clock and free
// loopback ports. It never stands in for our own code.
package servertest

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

// Server is one running Mainstay. It stops when its test ends.
type Server struct {
	*app.App
	Engine string          // "sqlite" or "postgres"
	Clock  *mainstay.Moved // nil when an option chose another time
	Config app.Config      // as it was opened with
	Log    *Log
}

// Option changes the configuration before the server is opened.
type Option func(*app.Config)

// Databases runs f as a subtest with a server on SQLite and one on PostgreSQL.
func Databases(t *testing.T, f func(t *testing.T, s *Server), options ...Option) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			f(t, New(t, engine, options...))
		})
	}
}

// Config is the configuration of a server on a fresh database of the engine: an empty folder, free ports, a clock that stands at
// mainstaytest.Start.
func Config(t testing.TB, engine string) app.Config {
	t.Helper()
	cfg := app.Config{
		Data: filepath.Join(t.TempDir(), "data"), Listen: "127.0.0.1:0", StatusListen: "127.0.0.1:0", Version: "test",
		Time: mainstay.NewMoved(mainstaytest.Start),
	}
	cfg.SecretKeyFile = filepath.Join(cfg.Data, "secret.key")
	if engine == "postgres" {
		cfg.DatabaseURL = mainstaytest.Postgres(t)
	}
	return cfg
}

// New starts a server on a fresh database of the engine. An error in its log fails the test, unless the test takes it from Log.
func New(t testing.TB, engine string, options ...Option) *Server {
	t.Helper()
	s := &Server{Engine: engine, Config: Config(t, engine), Log: &Log{}}
	s.Config.Log = slog.New(s.Log)
	for _, o := range options {
		o(&s.Config)
	}
	s.Clock, _ = s.Config.Time.(*mainstay.Moved)
	t.Cleanup(func() {
		for _, line := range s.Log.Take() {
			t.Error("the server's log:", line)
		}
	})
	s.start(t)
	t.Cleanup(func() { s.Stop(t) })
	return s
}

func (s *Server) start(t testing.TB) {
	t.Helper()
	var err error
	if s.App, err = app.Open(t.Context(), s.Config); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		_ = s.Close()
		t.Fatal(err)
	}
}

// Stop stops the server and closes its database; a second time it does nothing.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.App == nil {
		return
	}
	stop, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.App.Stop(stop); err != nil {
		t.Error("stopping:", err)
	}
	if err := s.Close(); err != nil {
		t.Error("closing:", err)
	}
	s.App = nil
}

// Again stops the server and starts another on the same database and the same clock.
func (s *Server) Again(t testing.TB) {
	t.Helper()
	s.Stop(t)
	s.start(t)
}

// Settle waits in real time until everything that was caused has happened.
func (s *Server) Settle(t testing.TB) {
	t.Helper()
	mainstaytest.Eventually(t, "the server settles", s.Settled)
}

// Advance moves the clock and waits until what fell due has had its effects.
func (s *Server) Advance(t testing.TB, d time.Duration) {
	t.Helper()
	s.Settle(t)
	s.Clock.Advance(d)
	s.Settle(t)
}

// Operator is the actor of what a test sets up.
var Operator = mainstay.System("test")

// Apply applies manifests.
func (s *Server) Apply(t testing.TB, manifests string) []app.Change {
	t.Helper()
	list, err := s.App.Apply(t.Context(), Operator, []app.Source{{Name: "test.yaml", Text: manifests}}, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Token makes an API token of the role in a project (by name), or in all for "".
func (s *Server) Token(t testing.TB, role, project string) string {
	t.Helper()
	token, err := s.CreateToken(t.Context(), "test "+role, role, project)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Key makes an intake key of the format for a project (by name).
func (s *Server) Key(t testing.TB, project, format string) string {
	t.Helper()
	key, err := s.CreateKey(t.Context(), project, "", format)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Log keeps what a server says at the levels warning and error.
type Log struct {
	mu     sync.Mutex
	errors []string
	warned []string
}

// Take returns the errors so far and forgets them.
func (l *Log) Take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.errors
	l.errors = nil
	return list
}

// Warnings returns the warnings so far.
func (l *Log) Warnings() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.warned...)
}

// Enabled implements slog.Handler.
func (l *Log) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// Handle implements slog.Handler.
func (l *Log) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Level >= slog.LevelError {
		l.errors = append(l.errors, b.String())
	} else {
		l.warned = append(l.warned, b.String())
	}
	return nil
}

// WithAttrs implements slog.Handler; the server gives its logger none.
func (l *Log) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l *Log) WithGroup(string) slog.Handler { return l }
