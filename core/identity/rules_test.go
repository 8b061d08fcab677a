package identity

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/mainstayhq/mainstay"
)

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	for password, good := range map[string]bool{
		"":                                false,
		"short":                           false,
		"nine char":                       false,
		"ten chars!":                      true,
		"zehn Öäüß!":                      true,
		"ana@example.com":                 false,
		"ANA@Example.com":                 false,
		"password123":                     false,
		"PassWord123":                     false,
		"1111111111":                      false,
		"1212121212":                      false,
		"correct horse battery":           true,
		strings.Repeat("abcd", 256):       true,
		strings.Repeat("abcd", 256) + "e": false,
		"ten chars\xff!":                  false,
	} {
		if err := CheckPassword(password, "ana@example.com"); (err == nil) != good {
			t.Errorf("%q: %v", password, err)
		}
	}
	for w := range common {
		if len(w) < 10 || w != strings.ToLower(w) {
			t.Errorf("the list of common passwords holds %q, which is too short to matter or not lower case", w)
		}
	}
}

func TestHashes(t *testing.T) {
	t.Parallel()
	h := newHasher(1)
	kept := h.hash("ten chars!")
	if !strings.HasPrefix(kept, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash: %s", kept)
	}
	if ok, stale, err := h.verify("ten chars!", kept); !ok || stale || err != nil {
		t.Errorf("the right password: %v %v %v", ok, stale, err)
	}
	if ok, _, err := h.verify("ten chars?", kept); ok || err != nil {
		t.Errorf("a wrong password: %v %v", ok, err)
	}
	weak := params{memory: 64, time: 1, threads: 1}
	salt := []byte("0123456789abcdef")
	old := encoded{weak, salt, argon2.IDKey([]byte("ten chars!"), salt, 1, 64, 1, 32)}.String()
	if ok, stale, err := h.verify("ten chars!", old); !ok || !stale || err != nil {
		t.Errorf("a hash of lower cost: %v %v %v", ok, stale, err)
	}
	for _, bad := range []string{"x", "$argon2id$v=19$m=99999999,t=2,p=1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "$argon2i$v=19$m=64,t=1,p=1$AAAA$AAAA", "$argon2id$v=19$m=64,t=0,p=1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		if ok, _, err := h.verify("ten chars!", bad); ok || err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func TestAttempts(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 17, 3, 0, 0, 0, time.UTC)
	var a Attempt
	var locks []time.Duration
	for range 14 {
		a = a.fail(now)
		locks = append(locks, max(0, a.Until.Sub(now)))
		now = now.Add(time.Hour)
	}
	want := []time.Duration{0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600}
	for i, w := range want {
		if locks[i] != w*time.Second {
			t.Errorf("failure %d locks for %s, want %s", i+1, locks[i], w*time.Second)
		}
	}
	if a = a.fail(now.Add(25 * time.Hour)); a.Failures != 1 || a.Locked(now.Add(25*time.Hour)) {
		t.Errorf("a day later it is not forgotten: %+v", a)
	}
	if addressKey("2001:db8::1") != addressKey("2001:db8::ffff:2") || addressKey("2001:db8::1") == addressKey("2001:db8:0:1::1") {
		t.Error("an IPv6 client is not its /64")
	}
	if addressKey("192.0.2.1") == addressKey("192.0.2.2") || addressKey("192.0.2.1") == accountKey("192.0.2.1") {
		t.Error("two keys fall together")
	}
	if accountKey(" Ana@Example.com") != accountKey("ana@example.com") {
		t.Error("the case of an address gives further tries")
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		s := newToken()
		if !looksLikeToken(s) || seen[s] {
			t.Fatalf("token %q", s)
		}
		seen[s] = true
	}
	for _, s := range []string{"", "mst_", "mst_" + strings.Repeat("-", 43), strings.Repeat("a", 47), "mst_" + strings.Repeat("a", 44)} {
		if looksLikeToken(s) {
			t.Errorf("%q would be looked up", s)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 17, 3, 0, 0, 0, time.UTC)
	l := newLimits(1, 3)
	for i := range 3 {
		if d := l.take("a", now); d != 0 {
			t.Errorf("request %d must wait %s", i, d)
		}
	}
	if d := l.take("a", now); d != time.Second {
		t.Errorf("the fourth at once waits %s, want 1s", d)
	}
	if d := l.take("b", now); d != 0 {
		t.Error("one token's requests count for another")
	}
	if d := l.take("a", now.Add(time.Second)); d != 0 {
		t.Errorf("a second later it waits %s", d)
	}
	for range strangersBurst {
		l.stranger("x", now)
	}
	if l.stranger("y", now) == 0 {
		t.Error("strangers are not limited")
	}
	if l.stranger("a", now) != 0 {
		t.Error("a known token waits for strangers")
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, c := range []struct {
		header, want string
		ok           bool
	}{
		{"Bearer mst_x", "mst_x", true},
		{"bearer  mst_x ", "mst_x", true},
		{basic("any:mst_x"), "mst_x", true},
		{basic(":mst_x"), "mst_x", true},
		{basic("any:a:b"), "a:b", true},
		{basic("any:"), "", false},
		{basic("any"), "any", false},
		{"Basic !!!", "", false},
		{"Bearer", "", false},
		{"Bearer a b", "", false},
		{"Digest x", "", false},
		{"Bearer " + strings.Repeat("x", 5000), "", false},
	} {
		got, ok := credentials(c.header)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%q: %q %v", c.header, got, ok)
		}
	}
}

func FuzzCredentials(f *testing.F) {
	for _, s := range []string{"Bearer mst_x", "Basic YTpi", "basic", "BEARER \x00", "Basic  YTpi  ", "Bearer\tx"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, h string) {
		secret, ok := credentials(h)
		if ok && (secret == "" || len(secret) > len(h)) {
			t.Errorf("%q gives %q", h, secret)
		}
	})
}

// FuzzCookie looks at whatever a client may send as the session's cookie: only a value of the right length is looked up.
func FuzzCookie(f *testing.F) {
	s := &Service{cfg: Config{Time: mainstay.Clock{}, Store: noStore{}}}
	for _, v := range []string{"mainstay_session=", "mainstay_session=" + strings.Repeat("a", 43), "a=b; mainstay_session=\"x\"", ";;;", "=\x00"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := &http.Request{Header: http.Header{"Cookie": {header}}}
		if v, err := s.Viewer(r); err != nil || v.SignedIn() {
			t.Errorf("%q gives %+v %v", header, v, err)
		}
	})
}

func TestCookie(t *testing.T) {
	t.Parallel()
	plain := (&Service{}).Cookie("x")
	if plain.Name != "mainstay_session" || !plain.HttpOnly || plain.SameSite != http.SameSiteLaxMode || plain.Secure {
		t.Errorf("over http: %v", plain)
	}
	secure := (&Service{cfg: Config{Secure: true}}).Cookie("x")
	if secure.Name != "__Host-mainstay_session" || !secure.Secure || secure.Path != "/" || secure.Domain != "" {
		t.Errorf("over https: %v", secure)
	}
	if gone := (&Service{}).Cookie(""); gone.MaxAge >= 0 {
		t.Errorf("not taken away: %v", gone)
	}
}

// noStore knows no session.
type noStore struct{ Store }

func (noStore) SessionByHash(context.Context, string) (Session, error) {
	return Session{}, mainstay.Errorf(mainstay.NotFound, "none")
}
