package notify

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// One message at a time is in doubt; the next passes when its outcome is recorded, an urgent one first, and nobody waits for a
// receiver that does not answer, nor in a storm.
func TestMessagesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storm := false
		s := &turnstile{storm: func() bool { return storm }, doubt: map[string]*time.Timer{}}
		start := time.Now()
		passed := make(chan string, 10)
		enter := func(id string, urgent bool) {
			go func() { s.enter(context.Background(), id, urgent); passed <- id }()
			synctest.Wait()
		}
		expect := func(after time.Duration, id string) {
			t.Helper()
			if got := <-passed; got != id || time.Since(start) != after {
				t.Fatalf("%s passed after %s, want %s after %s", got, time.Since(start), id, after)
			}
		}
		enter("first", true)
		expect(0, "first")
		enter("mail", false)
		enter("page", true)
		s.leave("first")
		expect(0, "page")
		s.leave("page")
		expect(0, "mail")
		s.leave("mail")

		enter("hangs", true)
		expect(0, "hangs")
		time.Sleep(50 * time.Millisecond) // real: the one whose turn it is hangs for a while
		enter("after it", true)
		enter("and after that", true)
		expect(turnPatience, "after it") // "hangs" is not waited for any more
		s.answered("after it")           // and its record takes long
		expect(50*time.Millisecond+turnLongest, "and after that")
		storm = true
		enter("in a storm", true)
		expect(50*time.Millisecond+turnLongest, "in a storm")
		for _, id := range []string{"hangs", "after it", "and after that", "in a storm"} {
			s.leave(id)
		}
		if len(s.doubt)+len(s.queued) > 0 {
			t.Errorf("%d are left in doubt, %d in the queue", len(s.doubt), len(s.queued))
		}
	})
}
