package undo_test

import (
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/undo"
	"github.com/mainstayhq/mainstay/core/undo/undodb"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

// An act can be taken back once, by whoever did it, within a minute.
func TestAnActIsTakenBackOnceByItsDoerWithinAMinute(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		s, err := undo.New(undodb.New(e.DB), e.Clock)
		if err != nil {
			t.Fatal(err)
		}
		keep := func() string {
			t.Helper()
			id, err := s.Keep(t.Context(), "ana", []byte(`{"x":1}`))
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		gone := func(person, id string) {
			t.Helper()
			if _, err := s.Take(t.Context(), person, id); !mainstay.Is(err, mainstay.Gone) {
				t.Errorf("%s takes %s: %v", person, id, err)
			}
		}
		id := keep()
		gone("ben", id)
		if body, err := s.Take(t.Context(), "ana", id); err != nil || string(body) != `{"x":1}` {
			t.Fatalf("%s, %v", body, err)
		}
		gone("ana", id)
		gone("ana", "nonsense")
		late := keep()
		e.Clock.Advance(undo.Stands + time.Second)
		gone("ana", late)
		keep() // and whatever has expired is forgotten
	}, undodb.Migrations())
}
