package webhook

import (
	"net/http"
	"time"
)

// steps are the pauses before the second attempt, the third, and so on; the last one repeats until the endpoint is disabled.
var steps = []time.Duration{
	5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
	30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour,
}

// Steps are the pauses between attempts, for people; each is taken with a fifth of jitter to either side.
func Steps() []time.Duration { return append([]time.Duration(nil), steps...) }

// longestWish is how long a receiver's Retry-After is heeded.
const longestWish = 24 * time.Hour

// pause is the time to the next attempt after so many failures in a row: the schedule's step with jitter (in [0,1)), or what the
// receiver asked for when that is longer.
func pause(failures int, wish time.Duration, jitter float64) time.Duration {
	step := steps[min(max(failures, 1), len(steps))-1]
	step += time.Duration((jitter*2 - 1) * 0.2 * float64(step))
	return max(step, min(wish, longestWish)).Truncate(time.Microsecond)
}

// verdict is what an answer means.
type verdict int

const (
	delivered verdict = iota
	again             // the receiver is not well: try again
	refused           // it is well and does not want this event
	gone              // it says that it will never be there again
)

// judge reads the status of an answer. 401, 403 and 404 count as a receiver that is not well: they are about the endpoint, not about
// an event.
func judge(status int) verdict {
	switch {
	case status/100 == 2:
		return delivered
	case status == http.StatusGone:
		return gone
	case status == http.StatusBadRequest, status == http.StatusRequestEntityTooLarge, status == http.StatusUnsupportedMediaType,
		status == http.StatusUnprocessableEntity, status == http.StatusRequestURITooLong, status == http.StatusRequestHeaderFieldsTooLarge:
		return refused
	}
	return again
}

const (
	// asideAfter is how often an event that the receiver refuses is sent before it is set aside, so that those behind it get through.
	asideAfter = 5
	// asideMost is how many events in a row are set aside. A receiver that refuses more refuses all: the fault is not in the events.
	asideMost = 10
)
