// Package mainstaytest owns what tests stand on: both real databases, a moved clock, the foundations wired on them, and the one
// way to skip what a machine lacks. It never stands in for our own code.
package mainstaytest

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/journal/journaldb"
	"github.com/mainstayhq/mainstay/core/object/objectdb"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/core/timer/timerdb"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/storage"
)

// Start is the time at which moved clocks stand at first: a Tuesday, 03:00 UTC.
var Start = time.Date(2026, 3, 17, 3, 0, 0, 0, time.UTC)

// Env is one test's foundations on one database.
type Env struct {
	Engine  string // "sqlite" or "postgres"
	DB      *storage.DB
	URL     string // of the test's own PostgreSQL schema; "" on SQLite
	Clock   *mainstay.Moved
	Journal *journaldb.Store
	Timers  *timerdb.Store
	Objects *objectdb.Store
	Saver   *commitdb.Saver // writes facts, objects, links and timers; notices and actions are kept for Notices and Actions
	Log     *slog.Logger

	mu      sync.Mutex
	notices []commit.Notice
	actions []commit.Action
}

// Databases runs f as a subtest on SQLite and on PostgreSQL, with the foundations' schema and the given migrations.
func Databases(t *testing.T, f func(t *testing.T, e *Env), migrations ...storage.Migrations) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			f(t, New(t, engine, migrations...))
		})
	}
}

// New makes the foundations on a fresh database of the engine.
func New(t testing.TB, engine string, migrations ...storage.Migrations) *Env {
	t.Helper()
	if engine == "postgres" {
		return newEnv(t, Postgres(t), migrations...)
	}
	return newEnv(t, "", migrations...)
}

func newEnv(t testing.TB, address string, migrations ...storage.Migrations) *Env {
	t.Helper()
	engine := "postgres"
	if address == "" {
		engine = "sqlite"
	}
	e := &Env{Engine: engine, URL: address, Clock: mainstay.NewMoved(Start), Log: slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	cfg := storage.Config{URL: address, Time: e.Clock, Log: e.Log}
	if address == "" {
		cfg.Dir = t.TempDir()
	}
	db, err := storage.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	e.DB = db
	own := Owners()
	if err := db.Migrate(t.Context(), append(own, migrations...)...); err != nil {
		t.Fatal(err)
	}
	e.Journal, e.Timers, e.Objects = journaldb.New(db), timerdb.New(db), objectdb.New(db)
	e.Saver = commitdb.New(e.Timers, commitdb.Writers{
		Facts: e.Journal.Append, Objects: e.Objects.Save, Links: e.Objects.SaveLinks,
		Notices: keep(e, &e.notices), Actions: keep(e, &e.actions),
	})
	return e
}

// keep records rows once their transaction has committed.
func keep[T any](e *Env, to *[]T) func(context.Context, []T) error {
	return func(ctx context.Context, rows []T) error {
		storage.Current(ctx).AfterCommit(func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			*to = append(*to, rows...)
		})
		return nil
	}
}

// KeepNotices is the writer of notices that New gave to the Saver, for tests that extend it with a writer of actions.
func (e *Env) KeepNotices(ctx context.Context, rows []commit.Notice) error {
	return keep(e, &e.notices)(ctx, rows)
}

// Notices returns the notices committed so far, in order, unless the test has extended the Saver.
func (e *Env) Notices() []commit.Notice {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]commit.Notice(nil), e.notices...)
}

// Actions returns the actions committed so far, in order, where the test has not extended the Saver.
func (e *Env) Actions() []commit.Action {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]commit.Action(nil), e.actions...)
}

// Facts returns every fact of a project, oldest first; without kinds all of them.
func (e *Env) Facts(t testing.TB, project string, kinds ...string) []fact.Fact {
	t.Helper()
	list, err := e.Journal.Facts(t.Context(), journal.Query{Project: project, Kinds: kinds, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Commit writes a set in a transaction of its own.
func (e *Env) Commit(t testing.TB, set commit.Set) {
	t.Helper()
	if err := e.DB.Write(t.Context(), storage.Normal, func(ctx context.Context) error { return e.Saver.Save(ctx, set) }); err != nil {
		t.Fatal(err)
	}
}

// Engines runs the subscribers and timers until the test ends. Use Settle to wait for them.
func (e *Env) Engines(t testing.TB, subscribers []journal.Subscriber, handlers map[string]timer.Handler) *Engines {
	t.Helper()
	j, err := journal.NewEngine(journal.Config{Store: e.Journal, Time: e.Clock, Log: e.Log, Subscribers: subscribers})
	if err != nil {
		t.Fatal(err)
	}
	tm, err := timer.NewEngine(timer.Config{Store: e.Timers, Time: e.Clock, Log: e.Log, Handlers: handlers})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := tm.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Stop)
	t.Cleanup(tm.Stop)
	return &Engines{env: e, journal: j, timers: tm}
}

// Engines are the running journal and timer engines of a test.
type Engines struct {
	env     *Env
	journal *journal.Engine
	timers  *timer.Engine
}

// Settle waits in real time until every fact has been handed over and nothing is due.
func (e *Engines) Settle(t testing.TB) {
	t.Helper()
	Eventually(t, "the engines settle", func() bool { return e.timers.Settled() && e.journal.Settled() })
}

// Advance moves the clock and waits until what fell due has had its effects.
func (e *Engines) Advance(t testing.TB, d time.Duration) {
	t.Helper()
	e.Settle(t)
	e.env.Clock.Advance(d)
	e.Settle(t)
}

// Eventually waits up to 20 real seconds for a condition that other goroutines bring about, and requires it to hold twice
// in a row.
func Eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for held := 0; held < 2; {
		if cond() {
			held++
		} else {
			held = 0
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited 20 s in vain until %s", what)
		}
		time.Sleep(time.Millisecond) // real: goroutines and the database do not follow the moved clock
	}
}

// Need skips the test when the machine lacks a part, and names it. "make test" and CI install every part and set
// MAINSTAY_TEST_ALL=1: then a missing part is a failure, never a skip.
func Need(t testing.TB, part string) string {
	t.Helper()
	name := "MAINSTAY_TEST_" + strings.ToUpper(part)
	v := os.Getenv(name)
	if v == "" {
		if os.Getenv("MAINSTAY_TEST_ALL") != "" {
			t.Fatalf("%s is not set: the test needs %s", name, part)
		}
		t.Skipf("needs %s: run it by make test, or set %s", part, name)
	}
	return v
}

var schemas sync.Mutex

// Postgres makes a schema of its own on the PostgreSQL that MAINSTAY_TEST_POSTGRES names, and returns its URL.
func Postgres(t testing.TB) string {
	t.Helper()
	server := Need(t, "postgres")
	name := fmt.Sprintf("t%s", strings.ReplaceAll(mainstay.NewID(time.Now()), "-", ""))
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	run := func(statement string) {
		schemas.Lock()
		defer schemas.Unlock()
		db, err := sql.Open("pgx", server)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close() //nolint:errcheck // a test's connection
		if _, err := db.ExecContext(context.WithoutCancel(t.Context()), statement); err != nil {
			t.Fatal(err)
		}
	}
	run("CREATE SCHEMA " + name)
	t.Cleanup(func() { run("DROP SCHEMA " + name + " CASCADE") })
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

type testWriter struct{ t testing.TB }

// Write logs a line to the test.
func (w testWriter) Write(b []byte) (int, error) {
	w.t.Helper()
	w.t.Logf("%s", strings.TrimRight(string(b), "\n"))
	return len(b), nil
}

// Owners are the migrations that every Env has, besides those that its test asks for.
func Owners() []storage.Migrations {
	return []storage.Migrations{storage.Own(), journaldb.Migrations(), timerdb.Migrations(), objectdb.Migrations()}
}
