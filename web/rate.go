package web

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/mainstayhq/mainstay"
)

// Rate limits the requests of the API under /api/v1. Zero fields have the stated defaults; a negative PerSecond sets no limit.
type Rate struct {
	PerSecond float64 // of one token or person, for long; 100
	Burst     int     // at once; twice PerSecond
}

// addresses is how much more one address may ask than one token: several tokens may come from one.
const addresses = 4

// meters counts the requests of each asker.
type meters struct {
	each  rate.Limit
	burst int
	mu    sync.Mutex
	all   map[string]*rate.Limiter
}

// mostMeters are kept at once; those that are full again are forgotten.
const mostMeters = 20_000

func newMeters(r Rate, times int) *meters {
	if r.PerSecond < 0 {
		return nil
	}
	if r.PerSecond == 0 {
		r.PerSecond = 100
	}
	if r.Burst <= 0 {
		r.Burst = int(math.Ceil(2 * r.PerSecond))
	}
	return &meters{each: rate.Limit(r.PerSecond * float64(times)), burst: r.Burst * times, all: map[string]*rate.Limiter{}}
}

// take counts one request; left is how many may follow at once, wait how long to wait when this one may not pass.
func (m *meters) take(who string, now time.Time) (left int, wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.all[who]
	if l == nil {
		if len(m.all) >= mostMeters {
			for k, o := range m.all {
				if o.TokensAt(now) >= float64(m.burst) {
					delete(m.all, k)
				}
			}
		}
		if len(m.all) >= mostMeters {
			clear(m.all) // an attack from more addresses than that: begin anew
		}
		l = rate.NewLimiter(m.each, m.burst)
		m.all[who] = l
	}
	if !l.AllowN(now, 1) {
		missing := 1 - l.TokensAt(now)
		return 0, time.Duration(missing / float64(m.each) * float64(time.Second))
	}
	return int(l.TokensAt(now)), 0
}

// tooMany is a TooMany error that knows how long to wait.
type tooMany struct {
	after time.Duration
	cause error
}

func (e *tooMany) Error() string             { return e.cause.Error() }
func (e *tooMany) Unwrap() error             { return e.cause }
func (e *tooMany) RetryAfter() time.Duration { return max(e.after, time.Second) }

// meter counts a request of the API and says in its headers how many may follow.
func (rt *Router) meter(m *meters, who string, w http.ResponseWriter) error {
	if m == nil {
		return nil
	}
	left, wait := m.take(who, rt.cfg.Time.Now())
	h := w.Header()
	h.Set("RateLimit-Limit", strconv.Itoa(m.burst))
	h.Set("RateLimit-Remaining", strconv.Itoa(left))
	h.Set("RateLimit-Reset", strconv.Itoa(int(math.Ceil(float64(m.burst-left)/float64(m.each)))))
	h.Set("RateLimit-Policy", fmt.Sprintf("%d;w=%d", m.burst, max(1, int(math.Ceil(float64(m.burst)/float64(m.each))))))
	if wait == 0 {
		return nil
	}
	return &tooMany{wait, mainstay.Errorf(mainstay.TooMany, "Too many requests: at most %g a second for long, %d at once. Wait as Retry-After says, then go on.", float64(m.each), m.burst)}
}
