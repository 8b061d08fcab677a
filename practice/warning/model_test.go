package warning_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/practice/warning"
)

// model is what Alertmanager's rules say about one condition, as plainly as can be.
type model struct {
	number        int64
	starts, ends  time.Time
	timeout, open bool
}

// A long random story of signals, waits, checkpoints and kills gives what the rules say, on both databases.
func TestAgainstModel(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 1))
		var all [6]model
		var last int64
		for step := range 150 {
			now := w.Clock.Now()
			switch op := r.IntN(10); {
			case op < 6:
				i := r.IntN(len(all))
				body, next := signal(r, i, now, all[i], &last)
				w.post(t, body)
				all[i] = next
			case op < 9:
				w.Clock.Advance(time.Duration(r.IntN(150)) * time.Second)
				now = w.Clock.Now()
				for i := range all {
					if all[i].open && !all[i].ends.After(now) {
						all[i].open = false
					}
				}
			default:
				w.kill(t)
			}
			check(t, w, step, all[:])
		}
	})
}

// signal makes a random signal about a condition and works out what follows from it.
func signal(r *rand.Rand, i int, now time.Time, m model, last *int64) (string, model) {
	starts := now.Add(-time.Duration(r.IntN(300)) * time.Second)
	body := fmt.Sprintf(`[{"labels":{"alertname":"C%d"},"startsAt":%q`, i, starts.Format(time.RFC3339))
	starts = starts.Truncate(time.Second)
	ends, timeout := now.Add(5*time.Minute), true
	if r.IntN(3) > 0 {
		ends, timeout = starts.Add(time.Duration(r.IntN(600))*time.Second), false
		body += fmt.Sprintf(`,"endsAt":%q`, ends.Format(time.RFC3339))
	}
	body += "}]"
	over := !ends.After(now)
	switch {
	case !m.open && over:
		return body, m
	case !m.open:
		*last++
		return body, model{number: *last, starts: starts, ends: ends, timeout: timeout, open: true}
	}
	if starts.Before(m.starts) {
		m.starts = starts
	}
	switch {
	case over:
		m.open = false
	case m.timeout || ends.After(m.ends):
		m.ends, m.timeout = ends, timeout
	}
	return body, m
}

func check(t *testing.T, w *world, step int, all []model) {
	t.Helper()
	want := map[int64]model{}
	for _, m := range all {
		if m.open {
			want[m.number] = m
		}
	}
	mainstaytest.Eventually(t, fmt.Sprintf("step %d: %d are open", step, len(want)), func() bool { return w.s.Count(nil) == len(want) })
	for _, a := range w.s.Open(t.Context(), warning.Query{}) {
		m, ok := want[a.Number]
		if !ok || !a.StartsAt.Equal(m.starts) || !a.EndsAt.Equal(m.ends) || a.Timeout != m.timeout {
			t.Fatalf("step %d at %s: %s starts %s ends %s timeout %v\nwant %+v", step, w.Clock.Now(), a.Readable(), a.StartsAt, a.EndsAt, a.Timeout, m)
		}
	}
}
