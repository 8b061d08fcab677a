package storage_test

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/storage"
)

// harbours are two owners: the second refers to the first, and has a column and a table that copies leave out.
func harbours(numbers ...string) []storage.Migrations {
	berths := fstest.MapFS{
		"0001.sql": {Data: []byte(`CREATE TABLE berth (id TEXT PRIMARY KEY, boat TEXT REFERENCES boat (id), open BOOLEAN NOT NULL, plan BYTEA, depth DOUBLE PRECISION, rank BIGINT);
CREATE TABLE tide (at BIGINT NOT NULL);
CREATE TABLE gone (at BIGINT NOT NULL);`)},
		"0002.sql": {Data: []byte("DROP TABLE gone;\nALTER TABLE berth ADD COLUMN light TEXT NOT NULL DEFAULT 'none';")},
	}
	kept := fstest.MapFS{}
	for _, n := range numbers {
		kept[n] = berths[n]
	}
	return []storage.Migrations{boats, {Owner: "berth", Files: kept, Derived: []string{"berth.rank", "tide"}}}
}

// TestCopy carries every row from one database to another of either engine, with the schema that it had, and then to the newest.
func TestCopy(t *testing.T) {
	older, newer := harbours("0001.sql"), harbours("0001.sql", "0002.sql")
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		ctx := t.Context()
		fill := func(ctx context.Context) error {
			if _, err := e.DB.Exec(ctx, `INSERT INTO boat (id, name, length, at) VALUES ('a', 'Ada', 12, 1), ('b', 'ünï "c"', 3, 9007199254740993)`); err != nil {
				return err
			}
			_, err := e.DB.Exec(ctx, `INSERT INTO berth (id, boat, open, plan, depth, rank) VALUES ('1', 'a', $1, $2, 1.5, 7), ('2', NULL, $3, NULL, NULL, NULL)`, true, []byte{0, 255}, false)
			return err
		}
		if err := e.DB.Write(ctx, storage.Normal, fill); err != nil {
			t.Fatal(err)
		}
		tables, err := e.DB.Tables(ctx, older...)
		if err != nil || len(tables) != 4 || tables[2].Name != "berth" || !slices.Equal(tables[2].Types, []string{"text", "text", "boolean", "bytes", "number"}) {
			t.Fatal(tables, err)
		}
		rows := map[string][][]any{}
		err = e.DB.View(ctx, func(ctx context.Context) error {
			for _, table := range tables {
				if err := e.DB.Dump(ctx, table, func(v []any) error { rows[table.Name] = append(rows[table.Name], slices.Clone(v)); return nil }); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := [][]any{{"1", "a", true, []byte{0, 255}, 1.5}, {"2", nil, false, nil, nil}}
		if !reflect.DeepEqual(rows["berth"], want) {
			t.Fatalf("it gives %#v", rows["berth"])
		}
		if err := e.DB.Write(ctx, storage.Normal, func(ctx context.Context) error { return e.DB.Clear(ctx, older...) }); !mainstay.Is(err, mainstay.Conflict) {
			t.Errorf("a database that holds data is cleared: %v", err)
		}
		for _, engine := range []string{"sqlite", "postgres"} {
			to := mainstaytest.New(t, engine).DB
			copyInto(t, to, tables, rows, older, newer)
		}
	}, older...)
}

// copyInto makes the older schema in one transaction, fills it, and brings it to the newest.
func copyInto(t *testing.T, to *storage.DB, tables []storage.Table, rows map[string][][]any, older, newer []storage.Migrations) {
	t.Helper()
	err := to.Write(t.Context(), storage.Normal, func(ctx context.Context) error {
		if err := to.Clear(ctx, newer...); err != nil {
			return err
		}
		if err := to.MigrateTo(ctx, []string{"boat/0001", "berth/0001"}, newer...); err != nil {
			return err
		}
		for _, table := range tables {
			if err := to.Filler(table).Add(ctx, rows[table.Name]); err != nil {
				return err
			}
		}
		pending, unknown, err := to.Pending(ctx, newer...)
		if err != nil || !slices.Equal(pending, []string{"berth/0002"}) || len(unknown) > 0 {
			t.Error(pending, unknown, err)
		}
		return to.Migrate(ctx, newer...)
	})
	if err != nil {
		t.Fatal(err)
	}
	lights, err := storage.All(t.Context(), to, storage.Value[string], `SELECT light FROM berth WHERE boat = 'a' AND open AND depth > 1`)
	if err != nil || len(lights) != 1 || lights[0] != "none" {
		t.Error(lights, err)
	}
	at, err := storage.One(t.Context(), to, storage.Value[int64], `SELECT at FROM boat WHERE id = 'b'`)
	if err != nil || at != 9007199254740993 {
		t.Error(at, err)
	}
	if _, unknown, err := to.Pending(t.Context(), older...); err != nil || !slices.Equal(unknown, []string{"berth/0002"}) {
		t.Error(unknown, err)
	}
	if err := to.MigrateTo(t.Context(), []string{"boat/0009"}, newer...); !mainstay.Is(err, mainstay.Conflict) {
		t.Errorf("a schema of the future: %v", err)
	}
}
