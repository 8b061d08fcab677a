package storage_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/storage"
)

// TestHealth: what doctor asks of a database is answered on both engines.
func TestHealth(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		ctx := t.Context()
		if err := e.DB.Writable(ctx); err != nil {
			t.Error(err)
		}
		faults, err := e.DB.Durability(ctx)
		if err != nil || e.DB.SQLite() && len(faults) > 0 || slices.ContainsFunc(faults, func(f string) bool { return strings.HasPrefix(f, "synchronous_commit") }) {
			t.Error(faults, err) // a PostgreSQL for tests alone may be run without fsync
		}
		if served, err := e.DB.Served(ctx); err != nil || served {
			t.Errorf("nobody serves it: %v %v", served, err)
		}
		other, err := storage.Open(ctx, storage.Config{Dir: e.DB.Dir(), URL: e.URL})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Hold(ctx, "other"); err != nil {
			t.Fatal(err)
		}
		if served, err := e.DB.Served(ctx); err != nil || !served {
			t.Errorf("somebody serves it: %v %v", served, err)
		}
		if err := other.Close(); err != nil {
			t.Error(err)
		}
		at, err := e.DB.Clock(ctx)
		if apart := time.Since(at).Abs(); err != nil || !e.DB.SQLite() && apart > time.Minute {
			t.Error(at, err)
		}
		if e.DB.SQLite() {
			return
		}
		lax, err := storage.Open(ctx, storage.Config{URL: e.URL + "&synchronous_commit=off&default_transaction_read_only=on"})
		if err != nil {
			t.Fatal(err)
		}
		defer lax.Close() //nolint:errcheck // it only reads
		if faults, err := lax.Durability(ctx); err != nil || !slices.Contains(faults, "synchronous_commit is off") {
			t.Error(faults, err)
		}
		if err := lax.Writable(ctx); err == nil {
			t.Error("a read-only database can be written")
		}
	})
}
