// Package storage owns the way to the database: opening SQLite or PostgreSQL, transactions, migrations, the lease with its
// fencing number, and the mapping of errors. It is the only package that names a database driver, and it never knows a table
// of anybody else.
package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/mainstayhq/mainstay"
)

// Config says which database to open. The zero values are the embedded default in ./mainstay-data.
type Config struct {
	Dir  string // folder of the SQLite file, made when absent; ignored with URL
	URL  string // postgres://… of a PostgreSQL database
	Time mainstay.Timekeeper
	Log  *slog.Logger
	// Waited is told how long a write waited for its turn, for the histogram in /metrics. May be nil.
	Waited func(c Class, d time.Duration)
	// Announce makes every write wake the other processes on the same PostgreSQL database. Commands that are not the server
	// set it; on SQLite the server notices by itself.
	Announce bool
	// Scratch has SQLite wait for no disk: after a power cut the file may be broken. For what would be made anew then.
	Scratch bool
}

// Class orders the writers of SQLite: paging, acknowledgement and intake go before everything else.
type Class int

// The two classes.
const (
	Normal Class = iota
	Urgent
)

func (c Class) String() string {
	if c == Urgent {
		return "urgent"
	}
	return "normal"
}

// DB is an open database. Its methods may be called from many goroutines.
type DB struct {
	cfg     Config
	lite    bool
	w, r    *sql.DB // one writer and a pool of readers on SQLite; the same pool on PostgreSQL
	queue   *queue
	stmts   statements // of the pool of readers
	writer  *writer    // SQLite only
	rewrite sync.Map   // SQL text -> *rewritten
	lock    func()     // releases the hold on the folder or database, if held

	mu      sync.Mutex
	foreign []func()
	stop    context.CancelFunc
	done    sync.WaitGroup
}

// File is the name of the SQLite database in the data folder.
const File = "mainstay.db"

// Open opens the database and starts to watch for writes of other processes. It runs no migration.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.Time == nil {
		cfg.Time = mainstay.Clock{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Dir == "" {
		cfg.Dir = "mainstay-data"
	}
	db := &DB{cfg: cfg, lite: cfg.URL == "", queue: newQueue()}
	db.stmts.prepare = func(ctx context.Context, q string) (*sql.Stmt, error) { return db.r.PrepareContext(ctx, q) }
	var err error
	if db.lite {
		err = db.openSQLite(ctx)
	} else {
		err = db.openPostgres(ctx)
	}
	if err != nil {
		return nil, err
	}
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	db.stop = stop
	var seen int64
	if db.lite { // now: what another process writes in the first second counts as well
		if seen, err = db.writer.dataVersion(ctx); err != nil {
			return nil, errors.Join(Map(err), db.Close())
		}
	}
	db.done.Go(func() { db.watch(watch, seen) })
	return db, nil
}

func (db *DB) openSQLite(ctx context.Context) error {
	if err := os.MkdirAll(db.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("making the data folder: %w", err)
	}
	sync := "FULL"
	if db.cfg.Scratch {
		sync = "OFF"
	}
	base := "file:" + (&url.URL{Path: filepath.Join(db.cfg.Dir, File)}).EscapedPath() +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(" + sync + ")&_pragma=foreign_keys(1)" +
		"&_pragma=cache_size(-8000)&_pragma=journal_size_limit(67108864)"
	var err error
	if db.w, err = sql.Open("sqlite", base+"&_txlock=immediate"); err != nil {
		return fmt.Errorf("opening SQLite: %w", err)
	}
	db.w.SetMaxOpenConns(1)
	db.w.SetMaxIdleConns(1)
	db.w.SetConnMaxIdleTime(0)
	if db.writer, err = newWriter(ctx, db.w); err != nil {
		return fmt.Errorf("opening %s: %w", filepath.Join(db.cfg.Dir, File), err)
	}
	if db.r, err = sql.Open("sqlite", base+"&_pragma=query_only(1)"); err != nil {
		return fmt.Errorf("opening SQLite: %w", err)
	}
	db.r.SetMaxOpenConns(8)
	db.r.SetMaxIdleConns(8)
	return nil
}

func (db *DB) openPostgres(ctx context.Context) error {
	if !strings.HasPrefix(db.cfg.URL, "postgres://") && !strings.HasPrefix(db.cfg.URL, "postgresql://") {
		return mainstay.Errorf(mainstay.Invalid, "the database URL must begin with postgres://")
	}
	var err error
	if db.w, err = sql.Open("pgx", db.cfg.URL); err != nil {
		return fmt.Errorf("opening PostgreSQL: %w", err)
	}
	db.w.SetMaxOpenConns(24)
	db.w.SetMaxIdleConns(12)
	db.r = db.w
	if err := db.w.PingContext(ctx); err != nil {
		return fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	return nil
}

// Close ends the watch, gives up the hold and closes the connections.
func (db *DB) Close() error {
	db.stop()
	db.done.Wait()
	if db.lock != nil {
		db.lock()
	}
	if !db.lite {
		return db.w.Close()
	}
	db.stmts.close()
	return errors.Join(db.writer.close(), db.w.Close(), db.r.Close())
}

// SQLite reports whether this is the embedded database. Only the few …db packages that need a difference may ask.
func (db *DB) SQLite() bool { return db.lite }

// Dir is the data folder of the embedded database.
func (db *DB) Dir() string { return db.cfg.Dir }

// OnForeign registers a function that is called when another process may have written: caches must be read again.
func (db *DB) OnForeign(f func()) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.foreign = append(db.foreign, f)
}

func (db *DB) foreignWrite() {
	db.mu.Lock()
	fs := db.foreign
	db.mu.Unlock()
	for _, f := range fs {
		f()
	}
}
