package web

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// TestClientIP: as many hops are believed as trusted proxies wrote, and none of what a client says himself.
func TestClientIP(t *testing.T) {
	t.Parallel()
	rt := &Router{cfg: Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}}
	for _, c := range []struct {
		name, from string
		header     http.Header
		want       string
	}{
		{"nobody in between", "192.0.2.1:99", nil, "192.0.2.1"},
		{"a client who says to be another", "192.0.2.1:99", http.Header{"X-Forwarded-For": {"203.0.113.7"}}, "192.0.2.1"},
		{"a client who says so in the other way", "192.0.2.1:99", http.Header{"Forwarded": {"for=203.0.113.7"}}, "192.0.2.1"},
		{"one proxy", "10.0.0.1:99", http.Header{"X-Forwarded-For": {"192.0.2.7"}}, "192.0.2.7"},
		{"what the client wrote before", "10.0.0.1:99", http.Header{"X-Forwarded-For": {"203.0.113.66, 192.0.2.7, 10.1.2.3"}}, "192.0.2.7"},
		{"in two headers", "10.0.0.1:99", http.Header{"X-Forwarded-For": {"203.0.113.66", "192.0.2.7"}}, "192.0.2.7"},
		{"with a port", "10.0.0.1:99", http.Header{"X-Forwarded-For": {"192.0.2.7:4711"}}, "192.0.2.7"},
		{"Forwarded", "10.0.0.1:99", http.Header{"Forwarded": {`for=203.0.113.66, for=192.0.2.7;proto=https;by=10.0.0.1`}}, "192.0.2.7"},
		{"Forwarded with IPv6", "[fd00::1]:99", http.Header{"Forwarded": {`For="[2001:db8::7]:4711"`}}, "2001:db8::7"},
		{"Forwarded that hides", "10.0.0.1:99", http.Header{"Forwarded": {`for=203.0.113.66, for=_hidden, for=10.1.2.3`}}, "10.1.2.3"},
		{"rubbish", "10.0.0.1:99", http.Header{"X-Forwarded-For": {"me"}}, "10.0.0.1"},
		{"IPv4 within IPv6", "[::ffff:10.0.0.1]:99", http.Header{"X-Forwarded-For": {"::ffff:192.0.2.7"}}, "192.0.2.7"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header = c.from, c.header
		if r.Header == nil {
			r.Header = http.Header{}
		}
		if got := rt.ClientIP(r); got != c.want {
			t.Errorf("%s: it is %s, want %s", c.name, got, c.want)
		}
	}
}
