package outbound_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/core/outbound"
)

// The example of the Standard Webhooks specification, which every library of it verifies.
func TestSignByTheStandard(t *testing.T) {
	t.Parallel()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	h, at := http.Header{}, time.Unix(1614265330, 0)
	body := []byte(`{"test": 2432232314}`)
	outbound.Sign(h, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body, secret)
	if got := h.Get("webhook-signature"); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("the signature is %s", got)
	}
	if h.Get("webhook-timestamp") != "1614265330" {
		t.Errorf("the time is %s", h.Get("webhook-timestamp"))
	}
	if err := outbound.Verify(secret, h, body, at.Add(time.Minute), outbound.Slack); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"another body":   outbound.Verify(secret, h, []byte(`{}`), at, outbound.Slack),
		"another secret": outbound.Verify(outbound.NewSecret(), h, body, at, outbound.Slack),
		"an hour later":  outbound.Verify(secret, h, body, at.Add(time.Hour), outbound.Slack),
		"no headers":     outbound.Verify(secret, http.Header{}, body, at, outbound.Slack),
	} {
		if err == nil {
			t.Errorf("%s is verified", name)
		}
	}
}

// While secrets are exchanged, whoever holds either one can verify.
func TestSignWithTwoSecrets(t *testing.T) {
	t.Parallel()
	older, newer := outbound.NewSecret(), outbound.NewSecret()
	h, at := http.Header{}, time.Unix(1614265330, 0)
	outbound.Sign(h, "m", at, nil, newer, older)
	for _, s := range []string{older, newer} {
		if err := outbound.Verify(s, h, nil, at, outbound.Slack); err != nil {
			t.Error(err)
		}
	}
	if err := outbound.CheckSecret(newer); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "whsec_", "secret", "whsec_c2hvcnQ=", "whsec_" + strings.Repeat("A", 100)} {
		if outbound.CheckSecret(bad) == nil {
			t.Errorf("%q is a secret", bad)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 17, 3, 0, 0, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-5": 0, "120": 2 * time.Minute, now.Add(time.Hour).Format(http.TimeFormat): time.Hour,
		now.Add(-time.Hour).Format(http.TimeFormat): 0,
	} {
		if got := outbound.RetryAfter(v, now); got != want {
			t.Errorf("%q is %v, want %v", v, got, want)
		}
	}
}
