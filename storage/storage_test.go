package storage_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/storage"
)

var boats = storage.Migrations{Owner: "boat", Files: fstest.MapFS{
	"0001.sql": {Data: []byte(`CREATE TABLE boat (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, length BIGINT NOT NULL CHECK (length > 0), at BIGINT NOT NULL);
CREATE TABLE crew (boat TEXT NOT NULL REFERENCES boat (id), name TEXT NOT NULL);`)},
}}

type boat struct {
	id, name string
	length   int64
	at       time.Time
}

func scanBoat(s storage.Scanner) (boat, error) {
	var b boat
	err := s(&b.id, &b.name, &b.length, storage.Into(&b.at))
	return b, err
}

func put(ctx context.Context, db *storage.DB, b boat) error {
	return db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		_, err := db.Exec(ctx, `INSERT INTO boat (id, name, length, at) VALUES ($1, $2, $3, $4)`, b.id, b.name, b.length, storage.Micros(b.at))
		return err
	})
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		ctx := t.Context()
		want := boat{"a", "Ada", 12, mainstaytest.Start}
		if err := put(ctx, e.DB, want); err != nil {
			t.Fatal(err)
		}
		got, err := storage.One(ctx, e.DB, scanBoat, `SELECT id, name, length, at FROM boat WHERE name = $1`, "Ada")
		if err != nil || got != want {
			t.Fatalf("got %+v, %v", got, err)
		}
		// Parameters out of order and used twice mean the same on both engines.
		n, err := storage.One(ctx, e.DB, storage.Value[int64], `SELECT length + CAST($2 AS BIGINT) * 10 + CAST($1 AS BIGINT) + CAST($2 AS BIGINT) FROM boat WHERE name <> '$1'`, 1, 2)
		if err != nil || n != 12+20+1+2 {
			t.Fatalf("got %d, %v", n, err)
		}
		names, err := storage.All(ctx, e.DB, storage.Value[string], `SELECT name FROM boat WHERE `+e.DB.In("name", "$1"), storage.List([]string{"Ada", "o'Brien"}))
		if err != nil || len(names) != 1 {
			t.Fatalf("got %v, %v", names, err)
		}
	}, boats)
}

// Strangers' text must not undo what it stands beside: PostgreSQL refuses NUL characters and broken UTF-8, so they are replaced there.
func TestAnyTextIsKept(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		if err := put(t.Context(), e.DB, boat{"a", "A\x00d\xffa", 12, mainstaytest.Start}); err != nil {
			t.Fatal(err)
		}
		list, err := storage.All(t.Context(), e.DB, scanBoat, `SELECT id, name, length, at FROM boat WHERE name = $1`, "A\x00d\xffa")
		if err != nil || len(list) != 1 {
			t.Fatalf("got %+v, %v", list, err)
		}
	}, boats)
}

// A caller who hangs up while the transaction begins leaves the writer usable.
func TestHangingUpLeavesTheWriterUsable(t *testing.T) {
	t.Parallel()
	e := mainstaytest.New(t, "sqlite", boats)
	for n := range 2000 {
		ctx, hangUp := context.WithCancel(t.Context())
		go func() {
			for range n % 200 {
				runtime.Gosched()
			}
			hangUp()
		}()
		_ = e.DB.Write(ctx, storage.Normal, func(context.Context) error { return nil })
		hangUp()
	}
	if err := put(t.Context(), e.DB, boat{"a", "Ada", 12, mainstaytest.Start}); err != nil {
		t.Fatal(err)
	}
}

func TestDriverErrorsHaveCodes(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		ctx := t.Context()
		if err := put(ctx, e.DB, boat{"a", "Ada", 12, mainstaytest.Start}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			what string
			err  error
			want mainstay.Code
		}{
			{"same key", put(ctx, e.DB, boat{"a", "Bea", 9, mainstaytest.Start}), mainstay.Conflict},
			{"same name", put(ctx, e.DB, boat{"b", "Ada", 9, mainstaytest.Start}), mainstay.Conflict},
			{"check", put(ctx, e.DB, boat{"b", "Bea", 0, mainstaytest.Start}), mainstay.Invalid},
			{"foreign key", e.DB.Write(ctx, storage.Normal, func(ctx context.Context) error {
				_, err := e.DB.Exec(ctx, `INSERT INTO crew (boat, name) VALUES ($1, $2)`, "zzz", "Kim")
				return err
			}), mainstay.Conflict},
			{"no row", func() error {
				_, err := storage.One(ctx, e.DB, scanBoat, `SELECT id, name, length, at FROM boat WHERE id = $1`, "none")
				return err
			}(), mainstay.NotFound},
		} {
			if got := mainstay.ErrorCode(c.err); got != c.want {
				t.Errorf("%s: code %s (%v), want %s", c.what, got, c.err, c.want)
			}
		}
	}, boats)
}

func TestATransactionIsAllOrNothingAndJoined(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		ctx := t.Context()
		var order []string
		broken := errors.New("broken")
		err := e.DB.Write(ctx, storage.Normal, func(ctx context.Context) error {
			storage.Current(ctx).AfterCommit(func() { t.Error("AfterCommit ran without a commit") })
			if err := put(ctx, e.DB, boat{"a", "Ada", 12, mainstaytest.Start}); err != nil { // joins
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
		err = e.DB.Write(ctx, storage.Urgent, func(ctx context.Context) error {
			tx := storage.Current(ctx)
			tx.AfterCommit(func() { order = append(order, "after") })
			tx.BeforeCommit(2, "late", func(context.Context) error { order = append(order, "late"); return nil })
			tx.BeforeCommit(1, "early", func(context.Context) error { order = append(order, "early"); return nil })
			tx.BeforeCommit(1, "early", func(context.Context) error { t.Error("the same key twice"); return nil })
			// What is read inside is what this transaction has written.
			if err := put(ctx, e.DB, boat{"b", "Bea", 9, mainstaytest.Start}); err != nil {
				return err
			}
			_, err := storage.One(ctx, e.DB, scanBoat, `SELECT id, name, length, at FROM boat WHERE id = $1`, "b")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(order) != 3 || order[0] != "early" || order[1] != "late" || order[2] != "after" {
			t.Errorf("order %v", order)
		}
		all, err := storage.All(ctx, e.DB, storage.Value[string], `SELECT id FROM boat`)
		if err != nil || len(all) != 1 || all[0] != "b" {
			t.Fatalf("%v, %v", all, err)
		}
	}, boats)
}

func TestManyWritersAllGetTheirTurn(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				class := storage.Class(i % 2)
				err := e.DB.Write(t.Context(), class, func(ctx context.Context) error {
					id := mainstay.NewID(time.Now())
					_, err := e.DB.Exec(ctx, `INSERT INTO boat (id, name, length, at) VALUES ($1, $2, 1, 0)`, id, id)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		n, err := storage.One(t.Context(), e.DB, storage.Value[int64], `SELECT count(*) FROM boat`)
		if err != nil || n != 40 {
			t.Fatalf("%d, %v", n, err)
		}
	}, boats)
}

func TestSQLiteIsDurableOnEveryConnection(t *testing.T) {
	e := mainstaytest.New(t, "sqlite")
	check := func(ctx context.Context, pragma string, want string) {
		t.Helper()
		got, err := storage.One(ctx, e.DB, storage.Value[string], `PRAGMA `+pragma)
		if err != nil || got != want {
			t.Errorf("%s = %q (%v), want %q", pragma, got, err, want)
		}
	}
	err := e.DB.Write(t.Context(), storage.Normal, func(ctx context.Context) error {
		check(ctx, "journal_mode", "wal")
		check(ctx, "synchronous", "2") // FULL
		check(ctx, "foreign_keys", "1")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	check(t.Context(), "synchronous", "2")
}

func TestAFencedWriteOfAFormerHolderFails(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		first, err := e.DB.Hold(t.Context(), "first")
		if err != nil {
			t.Fatal(err)
		}
		write := func(l *storage.Lease) error {
			return e.DB.Write(l.Fenced(t.Context()), storage.Urgent, func(context.Context) error { return nil })
		}
		if err := write(first); err != nil {
			t.Fatal(err)
		}
		// Another takes over behind its back, as after a pause of the whole machine.
		err = e.DB.Write(t.Context(), storage.Urgent, func(ctx context.Context) error {
			_, err := e.DB.Exec(ctx, `UPDATE lease SET fence = fence + 1, holder = 'second'`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := write(first); !mainstay.Is(err, mainstay.Unavailable) {
			t.Fatalf("the former holder wrote: %v", err)
		}
	})
}

func TestASecondServerIsRefused(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		if _, err := e.DB.Hold(t.Context(), "first"); err != nil {
			t.Fatal(err)
		}
		other, err := storage.Open(t.Context(), storage.Config{Dir: e.DB.Dir(), URL: e.URL})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close() //nolint:errcheck // the test is over
		if _, err := other.Hold(t.Context(), "second"); !mainstay.Is(err, mainstay.Conflict) {
			t.Fatalf("the second server was let in: %v", err)
		}
	})
}

func TestANewerSchemaIsRefused(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		if err := e.DB.Migrate(t.Context(), storage.Own()); !mainstay.Is(err, mainstay.Conflict) {
			t.Fatalf("an older binary went on: %v", err)
		}
	}, boats)
}

func TestWritesOfAnotherProcessAreNoticed(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		var mu sync.Mutex
		noticed := 0
		e.DB.OnForeign(func() { mu.Lock(); noticed++; mu.Unlock() })
		time.Sleep(1200 * time.Millisecond) // real: SQLite is asked once a second; the first answer is the baseline
		mu.Lock()
		before := noticed
		mu.Unlock()
		other, err := storage.Open(t.Context(), storage.Config{Dir: e.DB.Dir(), URL: e.URL, Announce: true})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close() //nolint:errcheck // the test is over
		if err := put(t.Context(), other, boat{"a", "Ada", 12, mainstaytest.Start}); err != nil {
			t.Fatal(err)
		}
		mainstaytest.Eventually(t, "the write is noticed", func() bool { mu.Lock(); defer mu.Unlock(); return noticed > before })
	}, boats)
}

func BenchmarkWriteOneRow(b *testing.B) {
	e := mainstaytest.New(b, "sqlite", boats)
	for b.Loop() {
		err := e.DB.Write(b.Context(), storage.Urgent, func(ctx context.Context) error {
			id := mainstay.NewID(time.Now())
			_, err := e.DB.Exec(ctx, `INSERT INTO boat (id, name, length, at) VALUES ($1, $2, 1, 0)`, id, id)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// When the answer to a commit is lost, the caller has an error, the change may be there, and whoever keeps a cache looks again.
func TestTheAnswerToACommitIsLost(t *testing.T) {
	t.Parallel()
	e, wire := mainstaytest.OverWire(t, boats)
	looked := make(chan struct{}, 10)
	e.DB.OnForeign(func() { looked <- struct{}{} })
	wire.LoseCommit()
	if err := put(t.Context(), e.DB, boat{"a", "Ada", 12, mainstaytest.Start}); err == nil || !wire.Lost() {
		t.Fatalf("the answer came: %v", err)
	}
	<-looked
	if n, err := storage.One(t.Context(), e.DB, storage.Value[int64], `SELECT count(*) FROM boat`); err != nil || n != 1 {
		t.Fatalf("%d boats, %v", n, err)
	}
}
