package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"time"

	"github.com/mainstayhq/mainstay/core/people"
)

// Attempt is what is remembered of failed sign-ins, for one account or from one address.
type Attempt struct {
	Failures int
	LastAt   time.Time
	Until    time.Time // locked until then; zero when not
}

const (
	freeFailures = 5                // failures before the first lock
	firstLock    = 30 * time.Second // doubled by each further failure
	longestLock  = time.Hour
	forgetAfter  = 24 * time.Hour // without a failure
)

// Locked reports whether a sign-in must not even be tried.
func (a Attempt) Locked(now time.Time) bool { return now.Before(a.Until) }

// fail is the attempt after one more failure.
func (a Attempt) fail(now time.Time) Attempt {
	if now.Sub(a.LastAt) > forgetAfter {
		a = Attempt{}
	}
	a.Failures, a.LastAt = a.Failures+1, now
	if over := a.Failures - freeFailures; over >= 0 {
		a.Until = now.Add(min(firstLock<<min(over, 20), longestLock))
	}
	return a
}

// ease is an address's attempt after somebody signed in from it. It is halved and not forgotten: whoever owns one account
// must not thereby get endless tries at others.
func (a Attempt) ease() Attempt {
	a.Failures /= 2
	return a
}

// accountKey is the key under which the failures of an account are kept, whether the account exists or not.
func accountKey(email string) string { return "account:" + digest(people.EmailKey(email)) }

// addressKey is the key of the address that a request came from. An IPv6 client has a whole /64.
func addressKey(address string) string {
	if ip, err := netip.ParseAddr(address); err == nil && ip.Unmap().Is6() {
		if p, err := ip.WithZone("").Prefix(64); err == nil {
			address = p.Masked().String()
		}
	}
	return "address:" + digest(address)
}

// digest is the SHA-256 of text, in hex.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
