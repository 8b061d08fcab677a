package journaldb_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

// auditAll reads every page and fails when a fact comes twice or out of order.
func auditAll(t *testing.T, e *mainstaytest.Env, q journal.AuditQuery) (all []fact.Fact) {
	t.Helper()
	seen := map[string]bool{}
	for {
		page, err := e.Journal.Audit(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Facts {
			if seen[f.ID] {
				t.Fatalf("fact %d of %s came twice", f.Sequence, f.Project)
			}
			seen[f.ID] = true
			if n := len(all); n > 0 && all[n-1].Recorded.Before(f.Recorded) {
				t.Fatalf("fact %d of %s is newer than the one before it", f.Sequence, f.Project)
			}
			all = append(all, f)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return all
		}
	}
}

func TestTheAuditReadsSeveralProjectsAsOneStory(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		ana, shop := mainstay.Ref{Kind: mainstay.KindPerson, ID: "ana-1"}, mainstay.Ref{Kind: mainstay.KindService, ID: "svc-1"}
		begin := e.Clock.Now()
		for i := range 120 {
			e.Clock.Advance(time.Second)
			now, project := e.Clock.Now(), []string{"p", "q", mainstay.Installation}[i%3]
			set := commit.Set{Facts: []fact.Fact{fact.New(now, project, mainstay.System("x"), fact.ServiceCreated{Title: fmt.Sprint(i)}, shop)}}
			switch {
			case i%10 == 0:
				set.Facts = append(set.Facts, fact.New(now, project, mainstay.Person("ana-1"), fact.SettingChanged{Name: fmt.Sprint(i)}))
			case i%10 == 5:
				set.Facts = append(set.Facts, fact.New(now, project, mainstay.System("x"), fact.SignedIn{}, ana))
			}
			e.Commit(t, set)
		}
		all := journal.AuditQuery{Projects: []string{"p", "q", mainstay.Installation}, Limit: 7}
		with := func(change func(*journal.AuditQuery)) journal.AuditQuery { q := all; change(&q); return q }
		for name, c := range map[string]struct {
			q    journal.AuditQuery
			want int
		}{
			"everything":           {all, 144},
			"one project":          {with(func(q *journal.AuditQuery) { q.Projects = []string{"q"} }), 48},
			"no such project":      {with(func(q *journal.AuditQuery) { q.Projects = []string{"zzz"} }), 0},
			"by or about a person": {with(func(q *journal.AuditQuery) { q.Person = "ana-1" }), 24},
			"by people":            {with(func(q *journal.AuditQuery) { q.By = "people" }), 12},
			"by itself":            {with(func(q *journal.AuditQuery) { q.By = "system" }), 132},
			"a kind":               {with(func(q *journal.AuditQuery) { q.Kinds = []string{"setting.changed"} }), 12},
			"the beginning":        {with(func(q *journal.AuditQuery) { q.Kinds = []string{"identity.", "setting.changed"} }), 24},
			"an object":            {with(func(q *journal.AuditQuery) { q.Subject = shop }), 120},
			"an object in one":     {with(func(q *journal.AuditQuery) { q.Subject = shop; q.Projects = []string{"p"} }), 40},
			"since":                {with(func(q *journal.AuditQuery) { q.Since = begin.Add(100 * time.Second); q.By = "people" }), 2},
			"until":                {with(func(q *journal.AuditQuery) { q.Until = begin.Add(31 * time.Second); q.By = "people" }), 3},
			"little reach":         {with(func(q *journal.AuditQuery) { q.Reach = 5; q.Person = "ana-1" }), 24},
		} {
			if got := auditAll(t, e, c.q); len(got) != c.want {
				t.Errorf("%s: %d facts, want %d", name, len(got), c.want)
			}
		}
		// What commits between two pages neither shifts nor repeats anything.
		first, err := e.Journal.Audit(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		append1(t, e, "p", "new")
		q := all
		q.Cursor = first.Next
		if rest := auditAll(t, e, q); len(rest) != 144-7 {
			t.Errorf("after the first page: %d", len(rest))
		}
		if _, err := e.Journal.Audit(t.Context(), with(func(q *journal.AuditQuery) { q.Cursor = "x" })); !mainstay.Is(err, mainstay.Invalid) {
			t.Errorf("a cursor of somebody else: %v", err)
		}
	})
}
