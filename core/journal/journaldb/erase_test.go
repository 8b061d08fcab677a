package journaldb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/storage"
)

// masked takes a name out of the titles of services, and everything out of projects of that name.
func masked(name string) func(fact.Fact) (json.RawMessage, bool) {
	return func(f fact.Fact) (json.RawMessage, bool) {
		if !strings.Contains(string(f.Payload), name) {
			return nil, false
		}
		if f.Kind == "project.created" {
			return nil, true
		}
		return json.RawMessage(strings.ReplaceAll(string(f.Payload), name, "somebody")), true
	}
}

func eraseAll(t *testing.T, e *mainstaytest.Env, x journal.Erasure) int64 {
	t.Helper()
	var n int64
	for {
		done, err := e.Journal.Erase(t.Context(), e.Clock.Now(), x)
		if err != nil {
			t.Fatal(err)
		}
		n += done.Facts
		if x.After = done.Last; done.Done {
			return n
		}
	}
}

func whole(t *testing.T, e *mainstaytest.Env) (erased int64) {
	t.Helper()
	list, err := e.Journal.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		if v.Fault != nil {
			t.Errorf("%s: %v", v.Project, v.Fault)
		}
		erased += v.Erased
	}
	return erased
}

func TestErasingKeepsTheChain(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		ana := mainstay.Ref{Kind: mainstay.KindPerson, ID: "ana-1"}
		for i := range 50 {
			set := commit.Set{Facts: []fact.Fact{
				fact.New(e.Clock.Now(), "p", mainstay.Person("ana-1"), fact.ProjectCreated{Title: fmt.Sprint("thing ", i)}, ana),
				fact.New(e.Clock.Now(), "p", mainstay.System("x"), fact.ServiceCreated{Name: "s", Title: "for <Ana> & others"}),
			}}
			if i == 30 {
				set.Facts[0] = fact.New(e.Clock.Now(), "p", mainstay.Person("ana-1"), fact.ProjectCreated{Title: "Ana's"}, ana)
			}
			if err := e.DB.Write(t.Context(), storage.Normal, func(ctx context.Context) error { return e.Saver.Save(ctx, set) }); err != nil {
				t.Fatal(err)
			}
		}
		x := journal.Erasure{Project: "p", Rewrite: masked("Ana"), Holds: []string{"Ana"}, Batches: 7, Actor: mainstay.System("test"),
			Cause: "person", Person: "ana-1", Reason: "she asked"}
		if n := eraseAll(t, e, x); n != 51 {
			t.Errorf("%d facts were erased, want 51", n)
		}
		if n := whole(t, e); n != 51 {
			t.Errorf("the verifier counts %d", n)
		}
		if n := eraseAll(t, e, x); n != 0 {
			t.Errorf("once more: %d facts were erased", n)
		}
		var told int64
		for _, f := range e.Facts(t, "p") {
			if strings.Contains(string(f.Payload), "Ana") {
				t.Errorf("fact %d still says %s", f.Sequence, f.Payload)
			}
			if p, is := fact.As[fact.PayloadErased](f); is {
				told += p.Facts
				if p.Reason != "she asked" || p.Person != "ana-1" {
					t.Errorf("%+v", p)
				}
			}
			if f.Sequence == 2 && !strings.Contains(string(f.Payload), "somebody") {
				t.Errorf("fact 2 says %s", f.Payload)
			}
		}
		if told != 51 {
			t.Errorf("facts tell of %d erased ones", told)
		}
		// What was replaced can be replaced again, and what is old goes altogether.
		x.Rewrite, x.Holds = masked("somebody"), nil
		if n := eraseAll(t, e, x); n != 0 {
			t.Errorf("a replacement by the same changed %d", n)
		}
		x.Rewrite, x.Before = journal.Kinds("service.created"), e.Clock.Now().Add(time.Hour)
		if n := eraseAll(t, e, x); n != 50 {
			t.Errorf("pruned %d", n)
		}
		if n := whole(t, e); n != 51 {
			t.Errorf("the verifier counts %d after pruning", n)
		}
	})
}

func TestErasingByHandIsFound(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		append1(t, e, "p", "one", "two", "three")
		append1(t, e, "p", "four")
		x := journal.Erasure{Project: "p", Actor: mainstay.System("test"), Reason: "a try", Rewrite: func(f fact.Fact) (json.RawMessage, bool) {
			if f.Sequence == 2 {
				return json.RawMessage(`{"title":"other"}`), true
			}
			return nil, f.Sequence == 4
		}}
		if n := eraseAll(t, e, x); n != 2 {
			t.Fatal(n)
		}
		whole(t, e)
		// The facts that say so are taken away: what is missing can no longer be explained.
		err := e.DB.Write(t.Context(), storage.Normal, func(ctx context.Context) error {
			for _, q := range []string{`DELETE FROM journal_batch WHERE first >= 5`, `DELETE FROM fact_subject`, `DELETE FROM journal_cursor`} {
				if _, err := e.DB.Exec(ctx, q); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		v, err := e.Journal.Verify(t.Context())
		if err != nil || v[0].Fault == nil || !strings.Contains(v[0].Fault.Error(), "no fact says") {
			t.Errorf("%+v %v", v, err)
		}
	})
}
