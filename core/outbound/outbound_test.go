package outbound_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/outbound"
)

func TestAddressesThatMayNotBeReached(t *testing.T) {
	t.Parallel()
	g := outbound.New(outbound.Config{})
	for _, s := range []string{
		"127.0.0.1", "127.255.255.254", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "0.0.0.0", "0.1.2.3",
		"100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16", "198.18.0.1", "203.0.113.9", "224.0.0.1", "239.255.255.255",
		"240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
		"64:ff9b:1::a00:1", "2002:7f00:1::", "2001:0:7f00:1::", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
		"100::1", "5f00::1", "4000::1",
	} {
		if err := g.CheckAddr(netip.MustParseAddr(s)); !errors.Is(err, outbound.ErrRefused) {
			t.Errorf("%s: got %v, want a refusal", s, err)
		}
	}
	for _, s := range []string{"1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0", "::ffff:8.8.8.8", "2606:4700::1111", "2a00:1450::1"} {
		if err := g.CheckAddr(netip.MustParseAddr(s)); err != nil {
			t.Errorf("%s: got %v, want it open", s, err)
		}
	}
}

func TestTheOperatorOpensNetworks(t *testing.T) {
	t.Parallel()
	allow, err := outbound.ParseAllow("10.0.0.0/8, ::1,::ffff:192.168.7.0/120")
	if err != nil {
		t.Fatal(err)
	}
	g := outbound.New(outbound.Config{Allow: allow})
	for s, open := range map[string]bool{
		"10.9.9.9": true, "::ffff:10.0.0.1": true, "::1": true, "192.168.7.9": true, "192.168.8.9": false, "127.0.0.1": false, "64:ff9b::a00:1": false,
	} {
		if err := g.CheckAddr(netip.MustParseAddr(s)); (err == nil) != open {
			t.Errorf("%s: got %v, want open %v", s, err, open)
		}
	}
	for _, s := range []string{"10.0.0.0/33", "localhost", "fe80::1%eth0"} {
		if _, err := outbound.ParseAllow(s); !mainstay.Is(err, mainstay.Invalid) {
			t.Errorf("%s: got %v, want Invalid", s, err)
		}
	}
}

func TestURLsAreCheckedWhenConfigured(t *testing.T) {
	t.Parallel()
	g := outbound.New(outbound.Config{})
	for u, ok := range map[string]bool{
		"https://hooks.example.com/x?y=z": true, "http://example.com:8080/": true, "https://8.8.8.8/": true,
		"ftp://example.com/": false, "javascript:alert(1)": false, "https://": false, "https://user:pw@example.com/": false,
		"http://127.0.0.1/": false, "http://[::1]/": false, "http://[::ffff:7f00:1]/": false, "http://localhost:9000/": false,
		"http://LOCALHOST./": false, "http://a.localhost/": false, "http://169.254.169.254/latest/meta-data/": false, "http://[fe80::1%25eth0]/": false,
		"//example.com": false, "": false, "http://example.com/" + strings.Repeat("a", 2048): false, "http://ex\nample.com/": false,
	} {
		if err := g.Check(u); (err == nil) != ok || err != nil && !mainstay.Is(err, mainstay.Invalid) {
			t.Errorf("%q: got %v, want ok %v", u, err, ok)
		}
	}
}

// Forms of addresses that a resolver may turn into 127.0.0.1 are stopped at the dial, whatever they look like.
func TestTheDialIsCheckedAfterResolution(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the receiver was reached") }))
	t.Cleanup(s.Close)
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	g := outbound.New(outbound.Config{Timeout: 3 * time.Second})
	for _, host := range []string{"127.0.0.1", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "[::ffff:127.0.0.1]", "[::]", "0.0.0.0", "0"} {
		res, err := g.Client().Get("http://" + host + port + "/") //nolint:noctx // the client has a timeout
		if err == nil {
			_ = res.Body.Close()
			t.Errorf("%s was let out", host)
		}
	}
	if _, err := g.Dial(t.Context(), "tcp", "localhost"+port); !errors.Is(err, outbound.ErrRefused) {
		t.Errorf("dialling localhost: got %v, want a refusal", err)
	}
}

func TestRedirectsAreCheckedAnew(t *testing.T) {
	t.Parallel()
	reached := false
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(inner.Close)
	target := "http://169.254.169.254/latest/meta-data/"
	outer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(outer.Close)
	g := outbound.New(outbound.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Timeout: 3 * time.Second})
	get := func() error {
		res, err := g.Client().Get(outer.URL) //nolint:noctx // the client has a timeout
		if err == nil {
			_ = res.Body.Close()
		}
		return err
	}
	if err := get(); !errors.Is(err, outbound.ErrRefused) {
		t.Errorf("redirect to the metadata address: got %v, want a refusal", err)
	}
	target = inner.URL
	if err := get(); err != nil || !reached {
		t.Errorf("redirect to an open address: got %v, reached %v", err, reached)
	}
	target = outer.URL
	if err := get(); !errors.Is(err, outbound.ErrRefused) {
		t.Errorf("a circle of redirects: got %v, want a refusal", err)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/long":
			_, _ = w.Write(make([]byte, 101))
		case "/fits":
			_, _ = w.Write(make([]byte, 100))
		default:
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Second):
			}
		}
	}))
	t.Cleanup(s.Close)
	g := outbound.New(outbound.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Timeout: 300 * time.Millisecond, MaxBody: 100})
	read := func(path string) error {
		res, err := g.Client().Get(s.URL + path) //nolint:noctx // the client has a timeout
		if err != nil {
			return err
		}
		defer res.Body.Close() //nolint:errcheck // a test
		b, err := io.ReadAll(res.Body)
		if len(b) > 100 {
			t.Errorf("%s: read %d bytes", path, len(b))
		}
		return err
	}
	if err := read("/fits"); err != nil {
		t.Errorf("an answer that fits: %v", err)
	}
	if err := read("/long"); !errors.Is(err, outbound.ErrRefused) {
		t.Errorf("a long answer: got %v, want a refusal", err)
	}
	if err := read("/never"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no answer: got %v, want a timeout", err)
	}
}

// FuzzCheck: whatever the URL, what Check lets pass names a host and is no closed address in any of its spellings.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{"http://example.com", "http://[::ffff:127.0.0.1]/", "http://127.0.0.1:80@example.com/", "http://0x7f.1/", "https://[64:ff9b::7f00:1]", "http://%31%32%37.0.0.1/"} {
		f.Add(s)
	}
	g := outbound.New(outbound.Config{})
	f.Fuzz(func(t *testing.T, s string) {
		if g.Check(s) != nil {
			return
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s, nil)
		if err != nil {
			return // nothing can be sent there
		}
		host := req.URL.Hostname()
		if host == "" || req.URL.User != nil {
			t.Fatalf("%q passed without a host or with a user", s)
		}
		if a, err := netip.ParseAddr(host); err == nil && g.CheckAddr(a) != nil {
			t.Fatalf("%q passed with a closed address", s)
		}
	})
}
