package storage_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/storage"
)

// A change that fails leaves the schema of before whole: nothing of the upgrade has happened, and the version of before goes on.
func TestAFailedUpgradeLeavesTheOldSchema(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		ctx := t.Context()
		if err := put(ctx, e.DB, boat{"a", "Ada", 12, mainstaytest.Start}); err != nil {
			t.Fatal(err)
		}
		before, err := e.DB.Schema(ctx)
		if err != nil {
			t.Fatal(err)
		}
		files := fstest.MapFS{"0002.sql": {Data: []byte("ALTER TABLE boat ADD COLUMN flag TEXT NOT NULL DEFAULT 'none';\nUPDATE boat SET name = 'Bea';\n")},
			"0003.sql": {Data: []byte("CREATE TABLE fleet (id TEXT PRIMARY KEY);\nINSERT INTO no_such_table (id) VALUES ('x');\n")}}
		for name, f := range boats.Files.(fstest.MapFS) {
			files[name] = f
		}
		newer := storage.Migrations{Owner: boats.Owner, Files: files}
		owners := append(slices.Clone(mainstaytest.Owners()), newer)
		if err := e.DB.Migrate(ctx, owners...); err == nil {
			t.Fatal("a change that cannot run has run")
		}
		if after, err := e.DB.Schema(ctx); err != nil || !slices.Equal(after, before) {
			t.Errorf("the schema is %v (%v), was %v", after, err, before)
		}
		list, err := storage.All(ctx, e.DB, scanBoat, `SELECT id, name, length, at FROM boat`)
		if err != nil || len(list) != 1 || list[0].name != "Ada" {
			t.Errorf("the boats are %+v (%v)", list, err)
		}
		if _, err := storage.All(ctx, e.DB, storage.Value[string], `SELECT flag FROM boat`); err == nil {
			t.Error("a column of the upgrade that failed is there")
		}
		if err := e.DB.Migrate(ctx, append(slices.Clone(mainstaytest.Owners()), boats)...); err != nil {
			t.Errorf("the version of before does not go on: %v", err)
		}
		if err := put(ctx, e.DB, boat{"b", "Cid", 9, mainstaytest.Start}); err != nil {
			t.Error(err)
		}
	}, boats)
}

// Whoever looks whether a server runs never keeps one from starting.
func TestLookingDoesNotHold(t *testing.T) {
	t.Parallel()
	e := mainstaytest.New(t, "sqlite")
	if e.DB.Held() {
		t.Fatal("nobody holds it, and it is held")
	}
	ctx, cancel := context.WithCancel(t.Context())
	for range 4 {
		go func() {
			for ctx.Err() == nil {
				e.DB.Held()
			}
		}()
	}
	defer cancel()
	for range 20 {
		server, err := storage.Open(t.Context(), storage.Config{Dir: filepath.Clean(e.DB.Dir())})
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Alone(t.Context()); err != nil {
			t.Error(err)
		} else if !e.DB.Held() {
			t.Error("a server holds it, and it is not held")
		}
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond) // real: the others look
	}
}
