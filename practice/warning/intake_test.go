package warning_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/core/intake/alertmanager"
	"github.com/mainstayhq/mainstay/core/intake/intakedb"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/practice/warning/warningdb"
	"github.com/mainstayhq/mainstay/storage"
)

// The facts about an alert's state have no entries in the journal's index, and each way in which an alert can end is found all the same.
func TestTheFactsOfAnAlertAreFound(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		w.Journal.Sparse(journal.Sparse{Subject: mainstay.KindAlert, Kinds: warning.StateFacts(), Moments: w.store.Moments})
		w.post(t, `[{"labels":{"alertname":"Sent"}},{"labels":{"alertname":"Timed"}},{"labels":{"alertname":"Told"}}]`)
		open := map[string]*warning.Alert{}
		for _, a := range w.s.Open(t.Context(), warning.Query{}) {
			open[a.Name()] = a
		}
		w.Clock.Advance(time.Minute)
		w.post(t, fmt.Sprintf(`[{"labels":{"alertname":"Sent"},"endsAt":%q}]`, w.Clock.Now().Format(time.RFC3339)))
		if err := w.s.Resolve(t.Context(), mainstay.Person("ana"), open["Told"].ID()); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(10 * time.Minute)
		mainstaytest.Eventually(t, "nothing is open", func() bool { return w.s.Count(nil) == 0 })
		for name, a := range open {
			facts, err := w.Journal.Facts(t.Context(), journal.Query{Subject: a.Ref()})
			if err != nil || len(facts) != 2 || facts[0].Kind != "alert.fired" || facts[1].Kind != "alert.resolved" {
				t.Errorf("%s: %+v, %v", name, facts, err)
			}
		}
		n, err := storage.One(t.Context(), w.DB, storage.Value[int64], `SELECT count(*) FROM fact_subject WHERE subject LIKE 'alert:%'`)
		if err != nil || n != 0 {
			t.Errorf("%d entries, %v", n, err)
		}
	})
}

// At a start only those requests are read again that moved alerts without touching their rows.
func TestWhatTheRowsKnowIsNotReadAgain(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		w.post(t, `[{"labels":{"alertname":"A"},"endsAt":"2099-01-01T00:00:00Z"}]`)
		w.post(t, `[{"labels":{"alertname":"B"}},{"labels":{"alertname":"A"},"endsAt":"2099-02-01T00:00:00Z"}]`)
		w.post(t, `[{"labels":{"alertname":"C"}},{"labels":{"alertname":"C"},"annotations":{"summary":"twice in one request"}}]`)
		moved, err := storage.All(t.Context(), w.DB, storage.Value[int64], `SELECT seq FROM inbox WHERE moved ORDER BY seq`)
		if err != nil || len(moved) != 1 || moved[0] != 2 {
			t.Fatalf("%v would be read again, %v", moved, err)
		}
		w.kill(t)
		for _, a := range w.s.Open(t.Context(), warning.Query{}) {
			if a.Name() == "A" && a.EndsAt.Month() != time.February || a.Name() == "C" && a.Title() != "twice in one request" {
				t.Errorf("%s ends at %s, %q", a.Name(), a.EndsAt, a.Title())
			}
		}
	})
}

// What a sender no longer waits for is dropped while it still waits for the writer: the sender will send it again.
func TestWhoHangsUpIsForgotten(t *testing.T) {
	t.Parallel()
	w := begin(t, mainstaytest.New(t, "sqlite", intakedb.Migrations(), warningdb.Migrations()))
	take := func(ctx context.Context, name string) error {
		body := fmt.Appendf(nil, `[{"labels":{"alertname":%q}}]`, name)
		signals, err := alertmanager.Parse(body, intake.Limits{}, w.Clock.Now())
		if err != nil {
			return err
		}
		return w.s.Take(ctx, &intake.Batch{Project: shop, Format: alertmanager.Name, Body: s2.Encode(nil, body), At: w.Clock.Now(), Signals: signals})
	}
	var wg sync.WaitGroup
	held, release := make(chan struct{}), make(chan struct{})
	wg.Go(func() {
		if err := w.DB.Write(t.Context(), storage.Urgent, func(context.Context) error {
			close(held)
			<-release
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	<-held
	wg.Go(func() { // the writer takes this one and waits for its turn
		if err := take(t.Context(), "first"); err != nil {
			t.Error(err)
		}
	})
	time.Sleep(50 * time.Millisecond) // real: the writer is another goroutine
	ctx, hangUp := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer hangUp()
	if err := take(ctx, "gone"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	close(release)
	wg.Wait()
	if err := take(t.Context(), "last"); err != nil {
		t.Fatal(err)
	}
	for _, a := range w.s.Open(t.Context(), warning.Query{}) {
		if a.Name() == "gone" {
			t.Error("what its sender gave up was taken all the same")
		}
	}
}
