package storage_test

import (
	"context"
	"testing"

	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/storage"
)

// TestMergeLeavesWhatIsHere puts rows into a table that holds others: those with a key of their own come, the others stay as they were.
func TestMergeLeavesWhatIsHere(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		ctx := t.Context()
		told := 0
		e.DB.OnForeign(func() { told++ })
		table := storage.Table{Name: "boat", Columns: []string{"id", "name", "length", "at"}, Types: []string{"text", "text", "integer", "integer"}}
		err := e.DB.Write(ctx, storage.Normal, func(ctx context.Context) error {
			if _, err := e.DB.Exec(ctx, `INSERT INTO boat (id, name, length, at) VALUES ('a', 'Ada', 12, 1)`); err != nil {
				return err
			}
			return e.DB.Merger(table).Add(ctx, [][]any{{"a", "Another", int64(3), int64(2)}, {"b", "Bee", int64(4), int64(3)}})
		})
		if err != nil {
			t.Fatal(err)
		}
		names, err := storage.All(ctx, e.DB, storage.Value[string], `SELECT name FROM boat ORDER BY id`)
		if err != nil || len(names) != 2 || names[0] != "Ada" || names[1] != "Bee" {
			t.Error(names, err)
		}
		before := told // a commit on PostgreSQL may have been told already
		e.DB.Foreign()
		if told <= before {
			t.Error("nobody was told to look again")
		}
	}, boats)
}

// TestScratchWaitsForNoDisk is for what would be made anew after a power cut, and for nothing else.
func TestScratchWaitsForNoDisk(t *testing.T) {
	t.Parallel()
	for scratch, want := range map[bool]string{true: "0", false: "2"} {
		db, err := storage.Open(t.Context(), storage.Config{Dir: t.TempDir(), Scratch: scratch})
		if err != nil {
			t.Fatal(err)
		}
		err = db.Write(t.Context(), storage.Normal, func(ctx context.Context) error {
			got, err := storage.One(ctx, db, storage.Value[string], `PRAGMA synchronous`)
			if got != want {
				t.Errorf("scratch %v: synchronous is %s, want %s", scratch, got, want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}
