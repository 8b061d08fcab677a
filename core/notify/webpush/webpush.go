// Package webpush sends notifications to browsers: encrypted for the one device that reads them (RFC 8291), signed with this
// server's own key (VAPID, RFC 8292), handed to the push service that the browser named. It never decides where to, and reaches
// nothing that the guard for outgoing requests does not let it.
package webpush

import (
	"context"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	push "github.com/SherClockHolmes/webpush-go"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/notify"
)

// Device is what a browser said when it asked for messages. It is the secret of a contact, kept sealed.
type Device struct {
	P256dh string `json:"p256dh"` // its public key, base64url
	Auth   string `json:"auth"`   // its share of the key, base64url
	Label  string `json:"label"`  // "Firefox on Android"
}

// Encode is the device as a contact keeps it.
func (d Device) Encode() string {
	b, err := json.Marshal(d)
	if err != nil {
		panic(err) // three strings
	}
	return string(b)
}

// ParseDevice reads what Encode wrote.
func ParseDevice(secret string) (Device, error) {
	var d Device
	if err := json.Unmarshal([]byte(secret), &d); err != nil {
		return d, errors.New("the device's keys cannot be read")
	}
	return d, nil
}

// Check says what is wrong with a device's keys: an Invalid error for people.
func (d Device) Check() error {
	p, err1 := decode(d.P256dh)
	a, err2 := decode(d.Auth)
	_, err3 := ecdh.P256().NewPublicKey(p)
	if err1 != nil || err2 != nil || err3 != nil || len(a) != 16 || len(d.Label) > 100 {
		return mainstay.Errorf(mainstay.Invalid, "The browser sent keys that cannot be used. Reload the page and try again.")
	}
	return nil
}

func decode(s string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
}

// Keys are this server's own, by which push services know its messages.
type Keys struct{ Public, Private string }

// NewKeys makes them from 32 secret bytes, the same ones each time.
func NewKeys(seed []byte) (Keys, error) {
	for range 8 { // a seed that is no scalar of the curve, once in 2³² times, is hashed into another
		k, err := ecdh.P256().NewPrivateKey(seed)
		if err == nil {
			return Keys{Public: base64.RawURLEncoding.EncodeToString(k.PublicKey().Bytes()), Private: base64.RawURLEncoding.EncodeToString(k.Bytes())}, nil
		}
		sum := sha256.Sum256(seed)
		seed = sum[:]
	}
	return Keys{}, errors.New("webpush: no key can be made from this seed")
}

// Config is what the sender stands on. All but Gone and Refused must be given.
type Config struct {
	// Client must come from outbound.Guard: the address comes from a browser, and so from whoever says to be one.
	Client *http.Client
	Keys   Keys
	Time   mainstay.Timekeeper
	// Contact is where the operator of a push service may complain: a mail address, or an https: URL.
	Contact string
	// Device is what belongs to a person's address; NotFound when the person does not have it any more.
	Device func(ctx context.Context, person, address string) (Device, error)
	// Gone is told that a push service knows the address no longer: the device is to be removed. May be nil.
	Gone func(ctx context.Context, person, address string) error
	// Refused reports whether an error is the guard's: no further attempt mends it. May be nil.
	Refused func(error) bool
}

// Sender pushes messages.
type Sender struct{ cfg Config }

// New makes a sender.
func New(cfg Config) (*Sender, error) {
	if cfg.Client == nil || cfg.Time == nil || cfg.Device == nil || cfg.Keys.Private == "" {
		return nil, errors.New("webpush: the sender needs a guarded client, keys, a timekeeper and who knows the devices")
	}
	if cfg.Refused == nil {
		cfg.Refused = func(error) bool { return false }
	}
	client := *cfg.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	cfg.Client = &client
	return &Sender{cfg}, nil
}

// Lane is the host of an address: one push service serves many devices, and breaks for all of them.
func Lane(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Host
	}
	return ""
}

// How long a push service keeps a message for a device that it cannot reach. A page that old has gone on to somebody else.
const (
	pageTTL  = time.Hour
	otherTTL = 24 * time.Hour
)

// Send pushes one message.
func (s *Sender) Send(ctx context.Context, m notify.Message) (notify.Receipt, error) {
	d, err := s.cfg.Device(ctx, m.Person, m.Address)
	if mainstay.Is(err, mainstay.NotFound) {
		return notify.Receipt{}, notify.Permanent(errors.New("the device was removed"))
	}
	if err != nil {
		return notify.Receipt{}, fmt.Errorf("looking up the device: %w", err)
	}
	if err := d.Check(); err != nil {
		return notify.Receipt{}, notify.Permanent(err)
	}
	body, err := Payload(m)
	if err != nil {
		return notify.Receipt{}, notify.Permanent(err)
	}
	ttl, urgency := otherTTL, push.UrgencyNormal
	if m.Urgent {
		ttl, urgency = pageTTL, push.UrgencyHigh
	}
	res, err := push.SendNotificationWithContext(ctx, body, &push.Subscription{Endpoint: m.Address, Keys: push.Keys{Auth: d.Auth, P256dh: d.P256dh}}, &push.Options{
		HTTPClient: turning{ctx, m, s.cfg.Client}, RecordSize: 4096, Subscriber: s.cfg.Contact, Topic: topic(m), TTL: int(ttl / time.Second), Urgency: urgency,
		VAPIDPublicKey: s.cfg.Keys.Public, VAPIDPrivateKey: s.cfg.Keys.Private,
	}) // its signature holds for 12 hours by the machine's clock, which is the one that push services check it by
	if err != nil {
		return notify.Receipt{}, s.failure(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read as far as it matters
	return s.receipt(ctx, m, res)
}

// turning takes its turn when all is prepared and only the request is left.
type turning struct {
	ctx  context.Context
	m    notify.Message
	next *http.Client
}

// Do sends the request.
func (t turning) Do(req *http.Request) (*http.Response, error) {
	t.m.Turn(t.ctx)
	return t.next.Do(req)
}

// topic makes a newer message about the same thing take the place of one that still waits at the push service. It tells the
// service nothing.
func topic(m notify.Message) string {
	if m.Subject.IsZero() || m.Template == notify.TemplateVerify || m.Template == notify.TemplateTest {
		return ""
	}
	sum := sha256.Sum256([]byte(m.Subject.String() + m.Person))
	return base64.RawURLEncoding.EncodeToString(sum[:])[:32]
}

// failure takes the URL, which is a secret between browser and server, out of the error.
func (s *Sender) failure(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
		if ue.Timeout() {
			err = errors.New("no answer in time")
		}
	}
	if s.cfg.Refused(err) {
		return notify.Permanent(err)
	}
	return err
}

func (s *Sender) receipt(ctx context.Context, m notify.Message, res *http.Response) (notify.Receipt, error) {
	text, _ := io.ReadAll(io.LimitReader(res.Body, 300)) // what it says is a courtesy
	answer := res.Status
	if said := strings.Join(strings.Fields(string(text)), " "); said != "" && res.StatusCode/100 != 2 {
		answer += ": " + said
	}
	switch c := res.StatusCode; {
	case c/100 == 2:
		return notify.Receipt{Answer: res.Status}, nil
	case c == http.StatusNotFound, c == http.StatusGone:
		if s.cfg.Gone != nil {
			if err := s.cfg.Gone(ctx, m.Person, m.Address); err != nil {
				return notify.Receipt{}, fmt.Errorf("removing a device that is gone: %w", err)
			}
		}
		return notify.Receipt{}, notify.Permanent(fmt.Errorf("%s: the browser has given up this address; the device was removed", res.Status))
	case c == http.StatusTooManyRequests, c == http.StatusServiceUnavailable:
		return notify.Receipt{}, notify.Later(errors.New(answer), s.after(res.Header.Get("Retry-After")))
	case c == http.StatusRequestTimeout, c == http.StatusTooEarly:
		return notify.Receipt{}, errors.New(answer)
	case c/100 == 3:
		return notify.Receipt{}, notify.Permanent(fmt.Errorf("%s: a push service does not redirect", answer))
	case c/100 == 4:
		return notify.Receipt{}, notify.Permanent(errors.New(answer))
	}
	return notify.Receipt{}, errors.New(answer)
}

// after reads Retry-After: seconds, or a date.
func (s *Sender) after(v string) time.Duration {
	if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && n > 0 && n < 1e6 {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, t.Sub(s.cfg.Time.Now()))
	}
	return 0
}

var _ notify.Sender = (*Sender)(nil)
