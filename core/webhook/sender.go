package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/outbound"
	"github.com/mainstayhq/mainstay/fact"
)

// Sender posts one request to an endpoint. It keeps nothing between two.
type Sender struct {
	client *http.Client
	time   mainstay.Timekeeper
	agent  string
	// External is the server's own URL, without a slash at the end; it is known for certain only once it listens.
	external func() string
}

// NewSender makes a sender. client must come from outbound.Guard; redirects are not followed, whatever it would do: a signed body
// stays where it was sent.
func NewSender(client *http.Client, time mainstay.Timekeeper, external func() string, agent string) (*Sender, error) {
	if client == nil || time == nil || external == nil {
		return nil, errors.New("webhook: a sender needs a guarded client, a timekeeper and the server's own URL")
	}
	c := *client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Sender{&c, time, agent, external}, nil
}

// answer is what came back.
type answer struct {
	status int
	text   string // its first bytes, or what went wrong
	wish   time.Duration
	took   time.Duration
	err    error // nil when the receiver took it
}

// firstBytes is how much of an answer is kept.
const firstBytes = 500

func (s *Sender) send(ctx context.Context, e Endpoint, r request, origin Origin, try int) answer {
	began := s.time.Now()
	secrets := e.Signing(began)
	if len(secrets) == 0 {
		return answer{err: errors.New("there is no secret to sign with: rotate it")}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.Spec.URL, bytes.NewReader(r.body))
	if err != nil {
		return answer{err: errors.New("the URL is none")}
	}
	for k, v := range r.header {
		req.Header[k] = v
	}
	req.Header.Set("User-Agent", s.agent)
	req.Header.Set("Mainstay-Attempt", strconv.Itoa(try))
	if origin != Live {
		req.Header.Set("Mainstay-Origin", string(origin))
	}
	outbound.Sign(req.Header, r.id, began, r.body, secrets...)
	res, err := s.client.Do(req)
	if err != nil {
		return answer{err: plain(err), took: s.time.Now().Sub(began)}
	}
	defer res.Body.Close() //nolint:errcheck // it was read as far as it matters
	text, _ := io.ReadAll(io.LimitReader(res.Body, firstBytes))
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 16<<10)) // a connection whose answer was read can be used again
	now := s.time.Now()
	a := answer{status: res.StatusCode, text: clean(string(text)), took: now.Sub(began), wish: outbound.RetryAfter(res.Header.Get("Retry-After"), now)}
	switch {
	case res.StatusCode/100 == 2:
	case res.StatusCode/100 == 3:
		a.err = fmt.Errorf("%s: redirects are not followed; use the address that it leads to", res.Status)
	default:
		a.err = errors.New(res.Status)
	}
	return a
}

// plain takes the URL, which may hold a secret, out of an error.
func plain(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
		if ue.Timeout() {
			err = errors.New("no answer in time")
		}
	}
	return err
}

// clean makes text from outside fit for a page and a log: valid UTF-8, no control characters.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.TrimSpace(s)
}

// testKind is the type of a test event, after the prefix.
const testKind = "webhook.test"

// Test sends a test event to the endpoint now, whatever its state, and says what came back. It moves nothing.
func (s *Service) Test(ctx context.Context, w Writer, id string) (Attempt, error) {
	e, err := s.cfg.Store.Endpoint(ctx, id)
	if err == nil {
		err = w.may(e)
	}
	if err == nil {
		err = unseal(s.cfg.Sealer, &e)
	}
	if err != nil {
		return Attempt{}, err
	}
	now, sender := s.cfg.Time.Now(), s.cfg.Sender
	at := place{external: sender.external()}
	data, err := json.Marshal(map[string]string{"webhook": e.Name, "text": "This is a test from Mainstay. There is nothing to do."})
	if err != nil {
		return Attempt{}, err
	}
	event := Event{
		SpecVersion: "1.0", ID: mainstay.NewID(now), Source: at.source(), Type: TypePrefix + testKind, Subject: e.Ref().String(), Time: stamp(now),
		Actor: w.Actor.String(), Link: at.external + "/webhooks/" + e.ID, Sentence: "sent a test event", Data: data, ContentType: typeData,
	}
	r, err := encode(e.Spec.Mode, e.Spec.Batch > 0, []Event{event})
	if err != nil {
		return Attempt{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	a := sender.send(ctx, e, r, Test, 1)
	attempt := Attempt{
		ID: mainstay.NewID(now), Endpoint: e.ID, Project: e.Project, Message: r.id, Events: 1, Kind: testKind, Subject: e.Ref(), Origin: Test, Try: 1,
		At: now, Took: a.took, Status: a.status, Answer: a.text, Result: Delivered,
	}
	if a.err != nil {
		attempt.Result, attempt.Error = Failed, a.err.Error()
	}
	return attempt, s.cfg.Log.Note(context.WithoutCancel(ctx), attempt)
}

// unseal opens the secrets of an endpoint.
func unseal(v Sealer, e *Endpoint) (err error) {
	for i := range e.Secrets {
		if e.Secrets[i].Plain, err = v.Open(e.Secrets[i].Sealed); err != nil {
			return err
		}
	}
	return nil
}

// subjectsOf lists what the facts are about.
func subjectsOf(facts []fact.Fact) []mainstay.Ref {
	seen := map[mainstay.Ref]bool{}
	var list []mainstay.Ref
	for _, f := range facts {
		for _, r := range f.Subjects {
			if !seen[r] && r.Kind != mainstay.KindAlert { // alerts are in no register, and never private
				seen[r] = true
				list = append(list, r)
			}
		}
	}
	return list
}
