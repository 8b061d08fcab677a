// Package webhook sends notifications as signed JSON over HTTP, in the shape of Alertmanager's webhook with an object of our
// own beside it. It never decides where to, and reaches nothing that the guard for outgoing requests does not let it.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
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

// Sign is the value of the header Mainstay-Signature: the time and an HMAC-SHA256 over "time.body". A receiver computes the
// same, compares in constant time, and refuses times that are more than some minutes off.
func Sign(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + digest(secret, t, body)
}

func digest(secret, t string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Verify checks a header that Sign made. It is what receivers of ours, and tests, use.
func Verify(secret, header string, body []byte, now time.Time, slack time.Duration) error {
	var t, v1 string
	for part := range strings.SplitSeq(header, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch k {
		case "t":
			t = v
		case "v1":
			v1 = v
		}
	}
	sec, err := strconv.ParseInt(t, 10, 64)
	if err != nil || v1 == "" {
		return errors.New("the signature header is malformed")
	}
	if d := now.Sub(time.Unix(sec, 0)); d > slack || d < -slack {
		return errors.New("the signature is too old or from the future")
	}
	if !hmac.Equal([]byte(v1), []byte(digest(secret, t, body))) {
		return errors.New("the signature does not match")
	}
	return nil
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
			req.Header.Set("Mainstay-Signature", Sign(secret, s.cfg.Time.Now(), body))
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
		return notify.Receipt{}, notify.Later(errors.New(answer), s.after(res.Header.Get("Retry-After")))
	case c/100 == 3:
		return notify.Receipt{}, notify.Permanent(fmt.Errorf("%s: redirects are not followed; use the address that it leads to", answer))
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
