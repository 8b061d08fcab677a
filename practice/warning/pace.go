package warning

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay"
)

const (
	paceTimes = 3 // how long from one transaction to the next, in what the last ones took
	paceMost  = 10 * time.Millisecond
	paceLeast = 500 * time.Microsecond // without anybody new, before it is clear that nobody comes
	paceFull  = 512                    // signals that are worth a transaction at once
)

// pace spaces transactions out under load, because each has a cost that does not depend on how much is in it. What comes when nothing
// came for a while is committed at once. It goes by the machine's clock whatever the service's clock does.
type pace struct {
	clock mainstay.Clock
	took  time.Duration // a transaction, of late
	gap   time.Duration // from one request to the next, of late
	began time.Time     // the last transaction
}

// note takes in that a transaction of so many requests took from began until now.
func (p *pace) note(began time.Time, requests int) {
	p.took += (min(p.clock.Now().Sub(began), paceMost) - p.took) / 4
	if gap := began.Sub(p.began); requests > 0 {
		p.gap += (min(gap/time.Duration(requests), paceMost) - p.gap) / 4
	}
	p.began = began
}

// linger waits for more to come when the last transaction began only just before, until nobody new comes or much is there.
func (s *Service) linger(ctx context.Context) {
	p := &s.w.pace
	next := p.began.Add(min(paceTimes*p.took, paceMost))
	if !p.clock.Now().Before(next) {
		return
	}
	select { // what it said may be long done
	case <-s.full:
	default:
	}
	for had := 0; ; {
		s.mu.Lock()
		n, enough := len(s.waiting), s.weight >= paceFull
		s.mu.Unlock()
		left := next.Sub(p.clock.Now())
		if n == had || enough || left <= 0 {
			return
		}
		had = n
		c, cancel := p.clock.Wait(min(max(2*p.gap, paceLeast), left))
		select {
		case <-s.full:
		case <-c:
		case <-ctx.Done():
		}
		cancel()
	}
}
