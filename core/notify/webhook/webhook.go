// Package webhook sends notifications as signed JSON over HTTP, in the shape of Alertmanager's webhook with an object of our
// own beside it. It never decides where to, and reaches nothing that the guard for outgoing requests does not let it.
package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/notify"
)

// Config is what the sender stands on. Client and Time must be given.
type Config struct {
	// Client must come from outbound.Guard. It follows no redirects here, whatever it would do: a signed body stays where it
	// was sent.
	Client *http.Client
	Time   mainstay.Timekeeper
	// Secret is what the message to a person's address is signed with, "" for none. May be nil.
	Secret func(ctx context.Context, person, address string) (string, error)
	// Sign puts the headers of a signature into h; outbound.Sign does. Required with Secret.
	Sign func(h http.Header, id string, at time.Time, body []byte, secrets ...string)
	// RetryAfter reads the header of that name; outbound.RetryAfter does. nil ignores it.
	RetryAfter func(value string, now time.Time) time.Duration
	// Refused reports whether an error is the guard's: no further attempt mends it. May be nil.
	Refused func(error) bool
	Agent   string // User-Agent; default "Mainstay"
}

// Sender posts messages.
type Sender struct{ cfg Config }

// New makes a sender.
func New(cfg Config) (*Sender, error) {
	if cfg.Client == nil || cfg.Time == nil {
		return nil, errors.New("webhook: the sender needs a guarded client and a timekeeper")
	}
	if cfg.Secret != nil && cfg.Sign == nil {
		return nil, errors.New("webhook: secrets are of no use without Sign")
	}
	if cfg.RetryAfter == nil {
		cfg.RetryAfter = func(string, time.Time) time.Duration { return 0 }
	}
	if cfg.Agent == "" {
		cfg.Agent = "Mainstay"
	}
	if cfg.Refused == nil {
		cfg.Refused = func(error) bool { return false }
	}
	client := *cfg.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	cfg.Client = &client
	return &Sender{cfg}, nil
}

// Lane is the host of an address: what breaks together.
func Lane(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Host
	}
	return ""
}

// Send posts one message.
func (s *Sender) Send(ctx context.Context, m notify.Message) (notify.Receipt, error) {
	body, err := payload(m)
	if err != nil {
		return notify.Receipt{}, notify.Permanent(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.Address, bytes.NewReader(body))
	if err != nil {
		return notify.Receipt{}, notify.Permanent(errors.New("the address is not a URL"))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", s.cfg.Agent)
	req.Header.Set("Mainstay-Delivery", m.ID) // the same at each attempt: a receiver can tell a duplicate
	req.Header.Set("Mainstay-Attempt", strconv.Itoa(m.Attempt))
	if s.cfg.Secret != nil && m.Person != "" {
		secret, err := s.cfg.Secret(ctx, m.Person, m.Address)
		if err != nil {
			return notify.Receipt{}, fmt.Errorf("looking up the secret: %w", err)
		}
		if secret != "" {
			s.cfg.Sign(req.Header, m.ID, s.cfg.Time.Now(), body, secret)
		}
	}
	m.Turn(ctx)
	res, err := s.cfg.Client.Do(req)
	if err != nil {
		return notify.Receipt{}, s.failure(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read as far as it matters
	return s.receipt(res)
}

// failure takes the URL, which may hold a secret, out of the error.
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

func (s *Sender) receipt(res *http.Response) (notify.Receipt, error) {
	text, _ := io.ReadAll(io.LimitReader(res.Body, 300)) // what it says is a courtesy
	answer := res.Status
	if said := strings.TrimSpace(string(text)); said != "" && res.StatusCode/100 != 2 {
		answer += ": " + said
	}
	switch c := res.StatusCode; {
	case c/100 == 2:
		return notify.Receipt{Answer: res.Status, Confirmed: true}, nil
	case c == http.StatusRequestTimeout, c == http.StatusTooEarly:
		return notify.Receipt{}, errors.New(answer)
	case c == http.StatusTooManyRequests, c == http.StatusServiceUnavailable:
		return notify.Receipt{}, notify.Later(errors.New(answer), s.cfg.RetryAfter(res.Header.Get("Retry-After"), s.cfg.Time.Now()))
	case c/100 == 3:
		return notify.Receipt{}, notify.Permanent(fmt.Errorf("%s: redirects are not followed; use the address that it leads to", answer))
	case c/100 == 4:
		return notify.Receipt{}, notify.Permanent(errors.New(answer))
	}
	return notify.Receipt{}, errors.New(answer)
}

var _ notify.Sender = (*Sender)(nil)
