package warning

import (
	"encoding/hex"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/intake"
)

// State is the state of an alert.
type State string

// The states.
const (
	Firing     State = "firing"
	Suppressed State = "suppressed"
	Resolved   State = "resolved"
)

// States lists the states.
func States() []State { return []State{Firing, Suppressed, Resolved} }

// Valid reports whether s is one of the states.
func (s State) Valid() bool { return s == Firing || s == Suppressed || s == Resolved }

// How an alert ended.
const (
	EndedBySender  = "ends_at" // its sender said when
	EndedByTimeout = "timeout" // nothing was heard of it
	EndedByPerson  = "person"
)

// Alert is the living state of one condition. Alerts that are handed out are never changed.
type Alert struct {
	Number       int64
	Created      time.Time // when we first saw it; with Number it makes the id
	Project      string    // id
	Service      string    // id, or ""
	Fingerprint  uint64
	State        State
	Severity     mainstay.Severity
	StartsAt     time.Time
	EndsAt       time.Time // of an open alert: when it ends unless it is heard of; zero: it lasts until it is ended
	UpdatedAt    time.Time // when it was last heard of
	Closed       time.Time // when its end was noted; zero of an open alert
	Timeout      bool      // EndsAt is our timeout, not the sender's word
	Reason       string    // of a resolved alert: how it ended
	Labels       string    // canonical JSON; see intake.Lookup and intake.ParseLabels
	Annotations  string    // canonical JSON
	GeneratorURL string
	Format       string // in which it came
	Key          string // id of the intake key, or ""
	Route        string // id of the route that decided, or ""
	Policy       string // name of the policy that was asked to page, or ""
	Why          string // a sentence: why it paged or did not
	Seq          int64  // the inbox entry that last changed the row
	SuppressedBy []string
}

// ID is the alert's identifier: a UUIDv7 of Created whose random part is the number. So a row is found by its number alone, and
// the table needs no second index.
func (a *Alert) ID() string { return alertID(a.Created, a.Number) }

// Ref points at the alert.
func (a *Alert) Ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindAlert, ID: a.ID()} }

// Readable is the readable number, such as ALR-7.
func (a *Alert) Readable() string { return mainstay.KindAlert.Number(a.Number) }

// Open reports whether the condition still holds.
func (a *Alert) Open() bool { return a.State != Resolved }

// Name is the value of the label alertname, else the first labels.
func (a *Alert) Name() string {
	if n := clean(a.Label("alertname"), 120); n != "" {
		return n
	}
	l, err := intake.ParseLabels(a.Labels)
	if err != nil || len(l) == 0 {
		return "alert"
	}
	var list []string
	for _, x := range l[:min(3, len(l))] {
		list = append(list, clean(x.Name, 40)+"="+clean(x.Value, 40))
	}
	return strings.Join(list, " ")
}

// Title says in a line what is wrong: the annotation summary, else the name.
func (a *Alert) Title() string {
	for _, n := range []string{"summary", "message", "title"} {
		if v, ok := intake.Lookup(a.Annotations, n); ok {
			if v = clean(v, 200); v != "" {
				return v
			}
		}
	}
	return a.Name()
}

// Label is the value of a label, "" when the alert lacks it.
func (a *Alert) Label(name string) string {
	v, _ := intake.Lookup(a.Labels, name)
	return v
}

// Annotation is the value of an annotation, "" when the alert lacks it.
func (a *Alert) Annotation(name string) string {
	v, _ := intake.Lookup(a.Annotations, name)
	return v
}

// clean makes one line of text that others wrote: control characters become spaces, and n bytes at most are kept.
func clean(s string, n int) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.TrimSpace(s[:n]) + "…"
}

func alertID(created time.Time, number int64) string {
	var b [16]byte
	ms := created.UnixMilli()
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6] = 0x70
	for i := range 8 {
		b[8+i] = byte(number >> (56 - 8*i))
	}
	b[8] = b[8]&0x3f | 0x80
	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:36], b[10:16])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}

// NumberOf is the number of the alert that a key names: an id or a readable number. It reports false for other text. That an
// alert has the id is known only when its row has been read.
func NumberOf(key string) (int64, bool) {
	if k, n, ok := mainstay.ParseNumber(key); ok {
		return n, k == mainstay.KindAlert
	}
	if !mainstay.ValidID(key) {
		return 0, false
	}
	b, err := hex.DecodeString(strings.ReplaceAll(key, "-", ""))
	if err != nil {
		return 0, false
	}
	n := int64(b[8] & 0x3f)
	for _, x := range b[9:16] {
		n = n<<8 | int64(x)
	}
	return n, n > 0
}

// severityOf maps the word of a label to a severity.
func severityOf(word string) mainstay.Severity {
	switch strings.ToLower(word) {
	case "sev-1", "sev1", "disaster", "p1":
		return mainstay.Sev1
	case "sev-2", "sev2", "critical", "page", "high", "error", "p2":
		return mainstay.Sev2
	case "sev-3", "sev3", "warning", "average", "p3":
		return mainstay.Sev3
	}
	return mainstay.Sev4
}
