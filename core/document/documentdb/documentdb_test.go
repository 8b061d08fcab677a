package documentdb_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/core/document/documentdb"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/storage"
)

func setup(t *testing.T, f func(t *testing.T, e *mainstaytest.Env, s *document.Service)) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		s, err := document.New(document.Config{Store: documentdb.New(e.DB), Time: e.Clock})
		if err != nil {
			t.Fatal(err)
		}
		f(t, e, s)
	}, documentdb.Migrations())
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Ana writes, Ben corrects, and Ana, who still has the first text open, is told instead of overwriting him.
func TestRevisions(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, e *mainstaytest.Env, s *document.Service) {
		ctx := t.Context()
		ana, ben := mainstay.Person("ana"), mainstay.Person("ben")
		incident := mainstay.Ref{Kind: mainstay.KindIncident, ID: "i1"}
		first := must(s.Save(ctx, document.Draft{Project: "p1", Subject: incident, Kind: "summary", Markdown: "# Queue\r\nstuck  \n\n", Author: ana}))(t)
		if first.Revision != 1 || first.Markdown != "# Queue\nstuck" || first.HTML != "<h3>Queue</h3>\n<p>stuck</p>\n" || len(first.Digest) != 64 {
			t.Fatalf("%+v", first)
		}
		second := must(s.Save(ctx, document.Draft{ID: first.Document, Markdown: "# Queue\nstuck since 09:12", Author: ben, Base: 1}))(t)
		if second.Revision != 2 || second.Subject != incident || second.Project != "p1" || second.Kind != "summary" {
			t.Fatalf("%+v", second)
		}
		same := must(s.Save(ctx, document.Draft{ID: first.Document, Markdown: "# Queue\nstuck since 09:12\n", Author: ana, Base: 1}))(t)
		if same.Revision != 2 || same.Author != ben {
			t.Errorf("the same text made a revision: %+v", same)
		}
		_, err := s.Save(ctx, document.Draft{ID: first.Document, Markdown: "# Queue\nstuck, 96 min", Author: ana, Base: 1})
		stale, ok := document.AsStale(err)
		if !ok || !mainstay.Is(err, mainstay.Conflict) || stale.Newest.Markdown != second.Markdown || stale.Yours != "# Queue\nstuck, 96 min" {
			t.Fatalf("a save from revision 1 must say what is newer: %v", err)
		}
		if r := must(s.Save(ctx, document.Draft{ID: first.Document, Markdown: "x", Author: ana, Base: document.Latest}))(t); r.Revision != 3 {
			t.Errorf("%+v", r)
		}
		if r := must(s.At(ctx, first.Document, 1))(t); r.Markdown != first.Markdown || r.Author != ana || !r.At.Equal(first.At) {
			t.Errorf("revision 1 reads %+v", r)
		}
		if h := must(s.History(ctx, first.Document, 3))(t); len(h) != 2 || h[0].Revision != 2 || h[1].Revision != 1 || h[0].Markdown != "" {
			t.Errorf("history: %+v", h)
		}
		if l := must(s.Of(ctx, incident, "summary"))(t); len(l) != 1 || l[0].Revision != 3 {
			t.Errorf("%+v", l)
		}
		if m := must(s.LoadAll(ctx, []string{first.Document, "none"}))(t); len(m) != 1 || m[first.Document].HTML == "" {
			t.Errorf("%+v", m)
		}
	})
}

func TestWhatCannotBeSaved(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, e *mainstaytest.Env, s *document.Service) {
		ctx := t.Context()
		for code, md := range map[mainstay.Code]string{
			mainstay.TooLarge: strings.Repeat("a", document.MaxBytes+1),
			mainstay.Invalid:  "a\xff",
		} {
			if _, err := s.Save(ctx, document.Draft{Markdown: md}); !mainstay.Is(err, code) {
				t.Errorf("%s: %v", code, err)
			}
		}
		if _, err := s.Load(ctx, "none"); !mainstay.Is(err, mainstay.NotFound) {
			t.Error(err)
		}
		if _, err := s.At(ctx, "none", 0); !mainstay.Is(err, mainstay.NotFound) {
			t.Error(err)
		}
	})
}

// A text commits or goes with the use case that wrote it.
func TestSaveJoinsTheTransaction(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, e *mainstaytest.Env, s *document.Service) {
		gone := errors.New("the use case failed")
		var id string
		err := e.DB.Write(t.Context(), storage.Normal, func(ctx context.Context) error {
			r, err := s.Save(ctx, document.Draft{Markdown: "note"})
			if err != nil {
				return err
			}
			if id = r.Document; must(s.Load(ctx, id))(t).Markdown != "note" {
				t.Error("the transaction does not see its own text")
			}
			return gone
		})
		if !errors.Is(err, gone) {
			t.Fatal(err)
		}
		if _, err := s.Load(t.Context(), id); !mainstay.Is(err, mainstay.NotFound) {
			t.Errorf("the text outlived its transaction: %v", err)
		}
	})
}

// Ten people save at once from the same revision: one of them wins, nine are told, nothing is lost.
func TestOnlyOneWins(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, e *mainstaytest.Env, s *document.Service) {
		first := must(s.Save(t.Context(), document.Draft{Markdown: "start"}))(t)
		results := make([]error, 10)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() {
				_, results[i] = s.Save(t.Context(), document.Draft{ID: first.Document, Markdown: strings.Repeat("x", i+1), Base: 1})
			})
		}
		wg.Wait()
		won := 0
		for _, err := range results {
			if err == nil {
				won++
			} else if !mainstay.Is(err, mainstay.Conflict) {
				t.Error(err)
			}
		}
		if won != 1 || must(s.Load(t.Context(), first.Document))(t).Revision != 2 {
			t.Errorf("%d won", won)
		}
	})
}
