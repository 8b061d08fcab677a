package notify_test

import (
	"fmt"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/notify/notifydb"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

func TestTheLogIsReadInPages(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		r := newReceiver(t, e.Clock, nil)
		h := newHouse(t, e, phonebook{"ana": {ID: "ana", Methods: hooks(true, r.URL)}, "ben": {ID: "ben"}}, 0).start()
		for i := range 7 {
			h.page(fmt.Sprint("a", i), "ana")
		}
		h.page("b", "ben")
		other := notice("c", "ana", true, e.Clock.Now())
		other.Project, other.Subject = "elsewhere", mainstay.Ref{Kind: mainstay.KindIncident, ID: "i"}
		h.Commit(t, commit.Set{Notices: []commit.Notice{other}})
		h.settle()
		count := func(f notify.Filter) (n int) {
			t.Helper()
			f.Limit = 3
			seen := map[string]bool{}
			for {
				list, err := h.store.Deliveries(t.Context(), f)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range list {
					if seen[d.ID] || f.Before != "" && d.ID >= f.Before {
						t.Fatalf("%+v comes out of order", d)
					}
					seen[d.ID] = true
				}
				if n += len(list); len(list) < 3 {
					return n
				}
				f.Before = list[2].ID
			}
		}
		for want, f := range map[int]notify.Filter{
			9: {}, 8: {Projects: []string{harbour}}, 7: {State: notify.Confirmed, Projects: []string{harbour}, Channel: "webhook"}, 1: {Person: "ben"},
			0: {Projects: []string{}},
		} {
			if n := count(f); n != want {
				t.Errorf("%+v: %d, want %d", f, n, want)
			}
		}
		if n := count(notify.Filter{Subject: other.Subject}); n != 1 {
			t.Errorf("about the incident: %d", n)
		}
		list, err := h.store.Deliveries(t.Context(), notify.Filter{Person: "ben"})
		if err != nil {
			t.Fatal(err)
		}
		if d, err := h.store.Delivery(t.Context(), list[0].ID); err != nil || d != list[0] {
			t.Errorf("one by its id: %+v, %v", d, err)
		}
		if _, err := h.store.Delivery(t.Context(), "none"); !mainstay.Is(err, mainstay.NotFound) {
			t.Errorf("an unknown id: %v", err)
		}
	}, notifydb.Migrations())
}
