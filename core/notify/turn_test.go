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
		time.Sleep(50 * time.Millisecond)
		enter("after it", true)
		expect(turnPatience, "after it") // in which "hangs" is not waited for any more
		s.leave("after it")
		enter("later", true)
		expect(turnPatience, "later")
		storm = true
		enter("in a storm", true)
		expect(turnPatience, "in a storm")
		s.leave("hangs")
		s.leave("later")
		s.leave("in a storm")
	})
}
