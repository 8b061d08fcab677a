// Package intake owns what comes in: the signal that every sender's format is parsed into, the formats' common shape, the intake
// keys, and the limits. It never decides what a signal means; warning folds signals into alerts.
package intake

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/mainstayhq/mainstay"
)

// Signal is one thing that a sender told us, parsed.
type Signal struct {
	Labels       Labels // sorted, no empty values, at least one
	Annotations  Labels // sorted
	Fingerprint  uint64 // of Labels
	StartsAt     time.Time
	EndsAt       time.Time // zero: the condition holds until the resolve timeout passes without news of it
	GeneratorURL string
	Lasting      bool // without EndsAt: it holds until it is ended, however long nothing is heard
}

// Beat is a sign of life of something that must report regularly.
type Beat struct {
	Name    string        // of the heartbeat within its project
	Every   time.Duration // how often it promises to report; 0 leaves what was promised before
	Fail    bool          // it reports that it failed
	Message string        // what it says about that, for people
}

// Batch is what one request brought, for one project.
type Batch struct {
	Project, Service string // ids; Service may be ""
	Key              string // id of the intake key, or "" for a token
	Format           string
	Head             string // what besides the body is needed to read the request again; see Request.Head
	Body             []byte // as received, s2-compressed; it must not change until Take returns
	At               time.Time
	Signals          []Signal
	Beat             *Beat

	Moved bool // set by the sink: it moved open alerts whose rows lag behind, so it is read again at the next start

	// Results is filled by the sink, one per signal, when Want is set.
	Want    bool
	Results []Result
}

// Result says what became of a signal.
type Result struct {
	Alert  string // id of the alert that it was folded into, "" when there is none
	Number int64
	New    bool
}

// Sink takes batches in. When Take returns nil, all of them are committed; when it returns an error, none is.
type Sink interface {
	Take(ctx context.Context, batches ...*Batch) error
}

// Request is what a format sees of an HTTP request. Path is the sender's own part of it, after the format's name.
type Request struct {
	Method string
	Path   string
	Query  url.Values
	Type   string // Content-Type
	Accept string
	Scope  string // id of the key's service, "" without one: what identifies by a key of its own is unique within it
	Body   []byte
	Now    time.Time
}

// Reply is an HTTP answer in the sender's own shape.
type Reply struct {
	Status int
	Type   string // Content-Type; "" without a body
	Body   []byte
}

// Parsed is what a request says. Reply is sent once the signals are safe, or at once when there is nothing to keep.
type Parsed struct {
	Signals []Signal
	Beat    *Beat
	Reply   Reply
	Answer  func([]Result) Reply // if set, makes the reply from what became of the signals
	Head    bool                 // the request's head is needed to read it again
	Partial bool                 // some of the request was wrong and is not among the signals
	Faults  []string             // with Partial: what was wrong
}

// Empty reports whether there is nothing to keep.
func (p Parsed) Empty() bool { return len(p.Signals) == 0 && p.Beat == nil }

// Format is one sender's way of speaking. Its methods are pure and may be called from many goroutines.
type Format interface {
	// Name is the path element and the word that keys are made for.
	Name() string
	// Parse reads a request. What is wrong with it is said by the reply; what is right is kept all the same where the sender's
	// own system would keep it.
	Parse(r *Request, l Limits) Parsed
	// Refuse is the reply for a request that is not even parsed: no key, too large, cannot be stored now.
	Refuse(code mainstay.Code, message string) Reply
}

// Limits bound what is accepted. The zero value of a field means its default.
type Limits struct {
	Body     int64 `yaml:"body" json:"body"`         // bytes as sent; default 4 MiB
	Unpacked int64 `yaml:"unpacked" json:"unpacked"` // bytes after gzip; default 32 MiB
	Labels   int   `yaml:"labels" json:"labels"`     // labels, and annotations, per alert; default 64
	Name     int   `yaml:"name" json:"name"`         // bytes of a label's name; default 1 KiB
	Value    int   `yaml:"value" json:"value"`       // bytes of a value; default 8 KiB
}

// Filled is the limits with the defaults in place of zeros.
func (l Limits) Filled() Limits {
	if l.Body <= 0 {
		l.Body = 4 << 20
	}
	if l.Unpacked <= 0 {
		l.Unpacked = 32 << 20
	}
	if l.Labels <= 0 {
		l.Labels = 64
	}
	if l.Name <= 0 {
		l.Name = 1 << 10
	}
	if l.Value <= 0 {
		l.Value = 8 << 10
	}
	return l
}

// What requests may hold in memory at once; small ones pass however many large ones come in.
const (
	InFlight  = 256 << 20
	LeastHeld = 64 << 10
)

// RetryAfter is when a sender that was told to come again should, in seconds.
const RetryAfter = "1"

// ErrFull is the answer to a request for which there is no memory now.
var ErrFull = mainstay.Errorf(mainstay.Unavailable, "Too much is coming in at this moment. Send it again.")

// Holds is how many bytes a request of this length, -1 when it does not say, will probably hold.
func Holds(length int64, packed bool, l Limits) int64 {
	switch {
	case packed:
		length = min(10*max(length, l.Body/10), l.Unpacked)
	case length < 0:
		length = l.Body
	}
	return max(length, LeastHeld)
}

// LastYear is the last year in which a time may lie: it keeps times within what four digits can say in every zone.
const LastYear = 9998

// Status is the HTTP status of a code, for replies in shapes of our own choice.
func Status(c mainstay.Code) int {
	switch c {
	case mainstay.Invalid:
		return http.StatusBadRequest
	case mainstay.Unauthenticated:
		return http.StatusUnauthorized
	case mainstay.Denied:
		return http.StatusForbidden
	case mainstay.NotFound:
		return http.StatusNotFound
	case mainstay.Conflict:
		return http.StatusConflict
	case mainstay.Gone:
		return http.StatusGone
	case mainstay.TooLarge:
		return http.StatusRequestEntityTooLarge
	case mainstay.TooMany:
		return http.StatusTooManyRequests
	case mainstay.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
