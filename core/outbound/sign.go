package outbound

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
)

// The headers of a signed request, by the Standard Webhooks rule.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// Slack is how far a receiver should let the time of a signature be off.
const Slack = 5 * time.Minute

const secretPrefix = "whsec_"

// NewSecret makes a secret of 32 random bytes as receivers' libraries take it: "whsec_" and base64.
func NewSecret() string {
	var b [32]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // the operating system has no randomness: nothing can go on safely
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(b[:])
}

// CheckSecret says what is wrong with a secret that somebody chose: an Invalid error.
func CheckSecret(s string) error {
	coded, ok := strings.CutPrefix(s, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(coded)
	switch {
	case !ok || err != nil:
		return mainstay.Errorf(mainstay.Invalid, "a secret is whsec_ and the base64 of 24 to 64 random bytes; left out, one is made")
	case len(key) < 24 || len(key) > 64:
		return mainstay.Errorf(mainstay.Invalid, "a secret holds 24 to 64 bytes, this one %d", len(key))
	}
	return nil
}

// key is what a secret's text stands for. Receivers' libraries read base64 with or without the prefix; what is not base64 stands for
// itself.
func key(secret string) []byte {
	coded := strings.TrimPrefix(secret, secretPrefix)
	if b, err := base64.StdEncoding.DecodeString(coded); err == nil {
		return b
	}
	return []byte(secret)
}

// Sign puts the three headers of a signed request into h, by the Standard Webhooks rule: an HMAC-SHA256 over "id.seconds.body",
// one for each secret, so that a receiver may hold the old or the new one while secrets are exchanged.
func Sign(h http.Header, id string, at time.Time, body []byte, secrets ...string) {
	t := strconv.FormatInt(at.Unix(), 10)
	list := make([]string, len(secrets))
	for i, s := range secrets {
		list[i] = "v1," + base64.StdEncoding.EncodeToString(digest(s, id, t, body))
	}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, t)
	h.Set(HeaderSignature, strings.Join(list, " "))
}

func digest(secret, id, t string, body []byte) []byte {
	mac := hmac.New(sha256.New, key(secret))
	mac.Write([]byte(id + "." + t + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

// Verify checks the headers that Sign made. It is what receivers of ours, and tests, use.
func Verify(secret string, h http.Header, body []byte, now time.Time, slack time.Duration) error {
	t := h.Get(HeaderTimestamp)
	sec, err := strconv.ParseInt(t, 10, 64)
	if err != nil || h.Get(HeaderID) == "" || h.Get(HeaderSignature) == "" {
		return errors.New("the signature's headers are missing or malformed")
	}
	if d := now.Sub(time.Unix(sec, 0)); d > slack || d < -slack {
		return errors.New("the signature is too old or from the future")
	}
	want := digest(secret, h.Get(HeaderID), t, body)
	for one := range strings.SplitSeq(h.Get(HeaderSignature), " ") {
		coded, ok := strings.CutPrefix(one, "v1,")
		given, err := base64.StdEncoding.DecodeString(coded)
		if ok && err == nil && hmac.Equal(given, want) {
			return nil
		}
	}
	return errors.New("the signature does not match")
}

// RetryAfter reads the header of that name, seconds or a date: how long from now the receiver wants to be left alone, 0 when it
// does not say.
func RetryAfter(v string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && n > 0 && n < 1e7 {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}
