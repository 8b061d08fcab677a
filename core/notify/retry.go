package notify

import (
	"fmt"
	"time"
)

// The schedules of attempts. After the last step the last one repeats until the limit has passed.
var (
	urgentSteps = []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second}
	normalSteps = []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour}
)

const (
	urgentLimit = 15 * time.Minute
	normalLimit = 24 * time.Hour
	// relieveAfter is how many attempts of an urgent delivery fail before the person's next method is brought in as well:
	// after about eight seconds. Attempts at the first go on.
	relieveAfter = 3
	// A receiver that asks us to wait longer than this is asked again sooner.
	urgentPatience = time.Minute
	normalPatience = time.Hour
)

// Outcome is what an attempt, or the wait for one, came to.
type Outcome struct {
	Delivery Delivery // as it was leased
	State    State    // Sent, Confirmed, Failed, or Planned for another attempt
	Next     time.Time
	At       time.Time
	Error    string
	Answer   string
	Relieve  bool // the person's next method is to take over, if there is one
	Held     bool // there was no attempt: the lane's circuit is open
}

// decide is the rule of what follows an attempt. since is when the delivery's patience began to run: when it was planned, or
// when the server started. jitter is in [0,1).
func decide(d Delivery, r Receipt, err error, since, now time.Time, jitter float64) Outcome {
	o := Outcome{Delivery: d, At: now, Answer: brief(r.Answer)}
	if err == nil {
		o.State = Sent
		if r.Confirmed {
			o.State = Confirmed
		}
		return o
	}
	o.Error = brief(err.Error())
	if IsPermanent(err) {
		o.State, o.Relieve = Failed, !d.Relieved
		return o
	}
	o.Next = now.Add(pause(d.Urgent, d.Attempts, wanted(err), jitter))
	if limit := limitOf(d.Urgent); o.Next.Sub(since) > limit {
		o.State, o.Next, o.Relieve = Failed, time.Time{}, !d.Relieved
		o.Error = brief(fmt.Sprintf("given up after %d attempts in %s: %s", d.Attempts, words(limit), err.Error()))
		return o
	}
	o.State = Planned
	o.Relieve = d.Urgent && d.Attempts >= relieveAfter && !d.Relieved
	return o
}

func limitOf(urgent bool) time.Duration {
	if urgent {
		return urgentLimit
	}
	return normalLimit
}

// pause is the time to the next attempt after so many: the schedule's step with a fifth of jitter to either side, or what the
// receiver asked for if that is longer, within reason.
func pause(urgent bool, attempts int, wanted time.Duration, jitter float64) time.Duration {
	steps, patience := normalSteps, normalPatience
	if urgent {
		steps, patience = urgentSteps, urgentPatience
	}
	step := steps[min(max(attempts, 1), len(steps))-1]
	step += time.Duration((jitter*2 - 1) * 0.2 * float64(step))
	return max(step, min(wanted, patience))
}

func words(d time.Duration) string {
	if d >= time.Hour {
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d minutes", int(d.Minutes()))
}

// brief keeps what strangers answered from filling the log.
func brief(s string) string {
	const most = 500
	s = oneLine(s)
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && s[cut]&0xC0 == 0x80 { // not within a character
		cut--
	}
	return s[:cut] + "…"
}

// circuit watches one lane: after some failures in a row nothing is tried there for a while but one probe at a time.
type circuit struct {
	failures int       // in a row, passing ones
	since    time.Time // of the first of them
	until    time.Time // nothing is tried before; zero while closed
	probing  bool
	err      string
}

const (
	circuitOpens   = 5
	circuitLongest = 30 * time.Second
)

// admits reports whether an attempt may be made now. While it is open, one probe at a time may, after a pause.
func (c *circuit) admits(now time.Time) bool {
	return c.until.IsZero() || !c.probing && !now.Before(c.until)
}

// begin notes that an attempt begins.
func (c *circuit) begin() {
	if !c.until.IsZero() {
		c.probing = true
	}
}

// end notes how an attempt ended. A permanent refusal shows that the receiver is alive.
func (c *circuit) end(err error, now time.Time) {
	c.probing = false
	if err == nil || IsPermanent(err) {
		*c = circuit{}
		return
	}
	if c.failures == 0 {
		c.since = now
	}
	c.failures++
	c.err = brief(err.Error())
	if over := c.failures - circuitOpens; over >= 0 {
		c.until = now.Add(min(time.Second<<min(over, 10), circuitLongest))
	}
}
