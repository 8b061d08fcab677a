// Package notify owns the way of a notice to people: which addresses it goes to, when it is tried again, who takes over when
// it cannot be delivered, and the record of all of it. It never decides who is to be told what; whoever made the notice did.
package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/people"
)

// State says how far a delivery has come.
type State string

// The states of a delivery. Planned and Leased are open, the others are ends.
const (
	Planned    State = "planned"    // to be sent at Next
	Leased     State = "leased"     // being sent; after a crash it may or may not have been, and is sent once more
	Sent       State = "sent"       // the next server took it
	Confirmed  State = "confirmed"  // the receiver itself took it, or the person answered it
	Failed     State = "failed"     // given up; Error says why
	Suppressed State = "suppressed" // deliberately not sent; Reason says why
)

// Open reports whether something is still to happen.
func (s State) Open() bool { return s == Planned || s == Leased }

// States lists all states in the order of a delivery's life.
func States() []State { return []State{Planned, Leased, Sent, Confirmed, Failed, Suppressed} }

// Delivery is one notice on its way to one address over one channel.
type Delivery struct {
	ID       string
	Key      string // unique for ever: the notice's key, the channel and a digest of the address
	Notice   string // the notice's id
	Project  string
	Subject  mainstay.Ref
	Person   string // person id; "" when the notice named an address
	Channel  string // "email", "webhook"; "" when nobody could be reached
	Address  string
	Template string
	Urgent   bool
	Zone     string // the person's time zone, "" for UTC
	State    State
	Attempts int
	Planned  time.Time // when it was decided
	Next     time.Time // when it is tried next
	Began    time.Time // when the last attempt began
	Ended    time.Time // when it came to its end
	Error    string    // what went wrong at the last attempt
	Answer   string    // what the receiver said when it took the message
	Reason   string    // why it was suppressed, or why it takes the place of another
	Instead  string    // id of the delivery that it takes over from
	Relieved bool      // another delivery has taken over from this one
}

// Key is the idempotency key of a delivery.
func Key(notice, channel, address string) string {
	sum := sha256.Sum256([]byte(channel + "\x00" + address))
	return notice + "|" + channel + "|" + hex.EncodeToString(sum[:8])
}

// Recipient is what notify knows of a person.
type Recipient struct {
	ID      string
	Name    string
	Zone    string   // IANA name of the time zone
	Blocked string   // why the person gets nothing at all, such as "the account is deactivated"; "" for everybody else
	Methods []Method // in the person's order of preference
	Wish    people.Preferences
}

// Method is one way to reach a person.
type Method struct {
	Channel string
	Address string
	Pages   bool   // urgent notices go here
	Blocked string // why it may not be used, such as "the address was never confirmed"; "" when it may
}

// People answers how a person can be reached. An unknown person is an error with the code NotFound. It is asked within the
// transaction that plans the delivery.
type People interface {
	Recipient(ctx context.Context, person string) (Recipient, error)
}

// Message is what a channel is given to send.
type Message struct {
	ID       string // the delivery's id, the same at each attempt: receivers can tell a duplicate by it
	Attempt  int    // 1 at the first
	Person   string // person id; "" when the notice named an address
	Address  string
	Project  string
	Subject  mainstay.Ref // what it is about; messages of one subject belong to one thread
	Template string
	Urgent   bool
	Data     json.RawMessage // the template's data, as the notice gave it
	Content  Content         // the same rendered for people
	External string          // the server's own URL without a slash at the end; links in Data that begin with "/" hang on it
	Now      time.Time
	turn     func(context.Context)
}

// Turn is called by a sender just before it does what cannot be taken back: posts the request, hands the mail over. It waits a
// moment while the outcome of another message is in doubt, so that a crash repeats one message at most. What was prepared
// before, such as a connection, costs the others nothing.
func (m Message) Turn(ctx context.Context) {
	if m.turn != nil {
		m.turn(ctx)
	}
}

// Receipt is what the receiver said.
type Receipt struct {
	Answer    string // such as "250 OK id=1a2b" or "200 OK"
	Confirmed bool   // the receiver itself has it, not only a server on the way
}

// Sender sends one message over one channel. An error is taken as passing, unless Permanent made it.
type Sender interface {
	Send(ctx context.Context, m Message) (Receipt, error)
}

// Channel is one way out. The list of them is given by app.
type Channel struct {
	Name    string // the word in contact methods: "email"
	Sender  Sender
	Timeout time.Duration // for one attempt; default 30 s
	// Lane names what breaks together, such as the host of a webhook's URL: each lane has its own circuit. nil for one lane.
	Lane func(address string) string
	// Off says why the channel cannot be used on this server; "" when it can.
	Off string
}

// permanent is an error that no further attempt will mend.
type permanent struct{ err error }

func (p permanent) Error() string { return p.err.Error() }
func (p permanent) Unwrap() error { return p.err }

// Permanent marks an error as one that no further attempt will mend: the delivery fails at once, and the next address of the
// person takes over.
func Permanent(err error) error { return permanent{err} }

// IsPermanent reports whether Permanent marked err.
func IsPermanent(err error) bool {
	var p permanent
	return errors.As(err, &p)
}

// later is a passing error whose receiver said when to come back.
type later struct {
	err   error
	after time.Duration
}

func (l later) Error() string { return l.err.Error() }
func (l later) Unwrap() error { return l.err }

// Later marks a passing error with the time that the receiver asked us to wait.
func Later(err error, after time.Duration) error { return later{err, after} }

// wanted is how long the receiver asked us to wait, 0 when it did not say.
func wanted(err error) time.Duration {
	var l later
	if errors.As(err, &l) {
		return l.after
	}
	return 0
}
