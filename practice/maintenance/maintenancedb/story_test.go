package maintenancedb_test

import (
	"context"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/practice/maintenance"
	"github.com/mainstayhq/mainstay/practice/maintenance/maintenancedb"
)

const shop = "01900000-0000-7000-8000-000000000001"

var ana = mainstay.Person("01900000-0000-7000-8000-00000000000a")

// components are what communication would answer.
type components []maintenance.Named

func (c components) Components(context.Context, string) ([]maintenance.Named, error) { return c, nil }

type world struct {
	*mainstaytest.Env
	service *maintenance.Service
	engines *mainstaytest.Engines
}

func each(t *testing.T, f func(t *testing.T, w *world)) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		w := &world{Env: e}
		var err error
		w.service, err = maintenance.New(maintenance.Config{
			Store: maintenancedb.New(e.DB, e.Saver, e.Objects), Time: e.Clock,
			Components: components{{ID: "id-pay", Name: "pay", Title: "Payments"}, {ID: "id-web", Name: "web", Title: "Website"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		w.engines = e.Engines(t, nil, w.service.Timers())
		f(t, w)
	}, maintenancedb.Migrations())
}

func spec(w *world, in, length time.Duration) maintenance.WindowSpec {
	from := w.Clock.Now().Add(in)
	return maintenance.WindowSpec{
		Title: "Payments database", Text: "Paying may pause.", Components: []string{"pay"},
		From: from.Format(time.RFC3339), Until: from.Add(length).Format(time.RFC3339),
	}
}

func (w *world) window(t *testing.T, id string) maintenance.Window {
	t.Helper()
	win, err := w.service.Window(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return win
}

// A window begins and ends by itself at its times; each step is a fact with all that is public.
func TestBySelf(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		win, err := w.service.Plan(t.Context(), ana, shop, "", spec(w, time.Hour, time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if win.Key() != "WIN-1" || win.State != maintenance.Scheduled {
			t.Errorf("planned %+v", win)
		}
		w.engines.Advance(t, 59*time.Minute)
		if got := w.window(t, win.ID).State; got != maintenance.Scheduled {
			t.Errorf("a minute before: %s", got)
		}
		w.engines.Advance(t, time.Minute)
		if got := w.window(t, win.ID); got.State != maintenance.InProgress || !got.StartedAt.Equal(win.From) {
			t.Errorf("at its time: %+v", got)
		}
		w.engines.Advance(t, time.Hour)
		if got := w.window(t, win.ID); got.State != maintenance.Completed || got.Overrun || !got.EndedAt.Equal(win.Until) {
			t.Errorf("after its end: %+v", got)
		}
		var last int64
		for _, f := range w.Facts(t, shop) {
			var p struct{ Public fact.WindowPublic }
			if err := f.Decode(&p); err != nil {
				t.Fatal(err)
			}
			if p.Public.Sequence <= last || p.Public.Title == "" || len(p.Public.Components) != 1 || p.Public.Number != 1 {
				t.Errorf("%s says %+v after sequence %d", f.Kind, p.Public, last)
			}
			last = p.Public.Sequence
		}
		if last != 3 {
			t.Errorf("%d changes; want planned, begun, complete", last)
		}
	})
}

// A window that a person ends goes beyond its time and says so.
func TestOverrun(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := spec(w, time.Hour, time.Hour)
		s.Finish = "hand"
		win, err := w.service.Plan(t.Context(), ana, shop, "", s)
		if err != nil {
			t.Fatal(err)
		}
		w.engines.Advance(t, 2*time.Hour)
		if got := w.window(t, win.ID); got.State != maintenance.InProgress || !got.Overrun {
			t.Errorf("beyond its time: %+v", got)
		}
		if n := len(w.Facts(t, shop, "window.overrun")); n != 1 {
			t.Errorf("%d facts of overrun", n)
		}
		if err := w.service.Verify(t.Context(), ana, win.ID); err != nil {
			t.Fatal(err)
		}
		if err := w.service.Finish(t.Context(), ana, win.ID); err != nil {
			t.Fatal(err)
		}
		if got := w.window(t, win.ID); got.State != maintenance.Completed || !got.Overrun {
			t.Errorf("finished: %+v", got)
		}
		if err := w.service.Finish(t.Context(), ana, win.ID); !mainstay.Is(err, mainstay.Conflict) {
			t.Errorf("finishing twice: %v", err)
		}
	})
}

// Moving a window makes its old timers harmless; cancelling ends it for good.
func TestMovedAndCancelled(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := spec(w, time.Hour, time.Hour)
		if changed, err := w.service.Define(ctx, ana, shop, "db", s); err != nil || !changed {
			t.Fatal(changed, err)
		}
		if changed, err := w.service.Define(ctx, ana, shop, "db", s); err != nil || changed {
			t.Errorf("the same again: %v, %v", changed, err)
		}
		later := spec(w, 3*time.Hour, time.Hour)
		later.Updates = []maintenance.UpdateSpec{{Text: "We moved it to a quieter hour."}}
		for _, want := range []bool{true, false} {
			if changed, err := w.service.Define(ctx, ana, shop, "db", later); err != nil || changed != want {
				t.Errorf("moved: %v, %v; want %v", changed, err, want)
			}
		}
		list, err := w.service.Windows(ctx, maintenance.Query{Project: shop})
		if err != nil || len(list) != 1 || len(list[0].Updates) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		w.engines.Advance(t, 2*time.Hour)
		if got := w.window(t, list[0].ID).State; got != maintenance.Scheduled {
			t.Errorf("an old timer moved it to %s", got)
		}
		specs, err := w.service.Specs(ctx, shop)
		if err != nil || specs["db"].From != later.From || len(specs["db"].Components) != 1 || specs["db"].Components[0] != "pay" {
			t.Errorf("exported %+v, %v", specs, err)
		}
		if changed, err := w.service.Define(ctx, ana, shop, "db", specs["db"]); err != nil || changed {
			t.Errorf("the export applied: %v, %v", changed, err)
		}
		if err := w.service.Cancel(ctx, ana, list[0].ID, ""); err != nil {
			t.Fatal(err)
		}
		w.engines.Advance(t, 9*time.Hour)
		if got := w.window(t, list[0].ID).State; got != maintenance.Cancelled {
			t.Errorf("cancelled, then %s", got)
		}
		if _, err := w.service.Define(ctx, ana, shop, "db", spec(w, time.Hour, time.Hour)); !mainstay.Is(err, mainstay.Conflict) {
			t.Errorf("changing what has ended: %v", err)
		}
	})
}

// A server that was down over the whole window tells it as it was planned, once.
func TestDown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		win, err := w.service.Plan(t.Context(), ana, shop, "", spec(w, time.Hour, time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		w.engines.Advance(t, 48*time.Hour)
		got := w.window(t, win.ID)
		if got.State != maintenance.Completed || !got.StartedAt.Equal(win.From) || !got.EndedAt.Equal(win.Until) {
			t.Errorf("after two days: %+v", got)
		}
		if n := len(w.Facts(t, shop)); n != 3 {
			t.Errorf("%d facts; want 3", n)
		}
	})
}

// Faults name the field.
func TestFaults(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		good := spec(w, time.Hour, time.Hour)
		for field, change := range map[string]func(*maintenance.WindowSpec){
			"title":      func(s *maintenance.WindowSpec) { s.Title = " " },
			"from":       func(s *maintenance.WindowSpec) { s.From = "tomorrow" },
			"until":      func(s *maintenance.WindowSpec) { s.Until = s.From },
			"components": func(s *maintenance.WindowSpec) { s.Components = []string{"nothing"} },
			"services":   func(s *maintenance.WindowSpec) { s.Services = []string{"nothing"} },
			"finish":     func(s *maintenance.WindowSpec) { s.Finish = "never" },
			"updates":    func(s *maintenance.WindowSpec) { s.Updates = []maintenance.UpdateSpec{{}} },
		} {
			s := good
			change(&s)
			if _, err := w.service.Plan(t.Context(), ana, shop, "", s); mainstay.ErrorFields(err)[field] == "" {
				t.Errorf("fault of %s: %v", field, err)
			}
		}
		past := spec(w, -3*time.Hour, time.Hour)
		if _, err := w.service.Plan(t.Context(), ana, shop, "", past); mainstay.ErrorFields(err)["until"] == "" {
			t.Errorf("planned in the past: %v", err)
		}
	})
}
