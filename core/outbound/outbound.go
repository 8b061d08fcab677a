// Package outbound owns the way out to URLs that users configure: the one guard that says which addresses may be reached, for how
// long, and how much of an answer is read, and the one signature that what goes there carries. It never decides what is sent.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/mainstayhq/mainstay"
)

// Config opens what is closed by default. The zero Config is a good one.
type Config struct {
	// Allow are networks that may be reached although they are private, loopback or otherwise closed: --allow-targets.
	Allow []netip.Prefix
	// Timeout bounds a whole exchange, with redirects and the reading of the answer. Default 10 s.
	Timeout time.Duration
	// MaxBody is how much of an answer is read; more is an error. Default 64 KiB.
	MaxBody int64
}

// Guard lets requests out to public addresses and to those that the operator opened, and to nothing else.
type Guard struct {
	cfg    Config
	dialer net.Dialer
}

// New makes a guard.
func New(cfg Config) *Guard {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 64 << 10
	}
	g := &Guard{cfg: cfg}
	g.dialer = net.Dialer{Timeout: min(cfg.Timeout, 5*time.Second), ControlContext: g.control}
	return g
}

// ParseAllow reads the value of --allow-targets: networks and single addresses, separated by commas or spaces.
func ParseAllow(s string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' }) {
		p, err := netip.ParsePrefix(word)
		if err != nil {
			a, err := netip.ParseAddr(word)
			if err != nil || a.Zone() != "" {
				return nil, mainstay.Errorf(mainstay.Invalid, "%q is neither an address nor a network such as 10.0.0.0/8", word)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		list = append(list, p.Masked())
	}
	return list, nil
}

// ErrRefused is in the chain of every error that comes from the guard and not from the network: trying again is in vain.
var ErrRefused = errors.New("refused by the guard for outgoing requests")

type refusal struct{ message string }

func (r refusal) Error() string        { return r.message }
func (r refusal) Is(target error) bool { return target == ErrRefused }

func refuse(format string, args ...any) error { return refusal{fmt.Sprintf(format, args...)} }

// Check says what is wrong with a URL that somebody wants to configure, before anything is sent there: an Invalid error for
// people. A name is not looked up; what it leads to is checked at each dial.
func (g *Guard) Check(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return mainstay.Errorf(mainstay.Invalid, "this is not a URL")
	}
	if err := g.checkURL(u); err != nil {
		return mainstay.Errorf(mainstay.Invalid, "%s", err.Error())
	}
	return nil
}

func (g *Guard) checkURL(u *url.URL) error {
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return refuse("the URL must begin with https:// or http://")
	case u.Hostname() == "":
		return refuse("the URL names no host")
	case u.User != nil:
		return refuse("the URL must not carry a name or password")
	case len(u.String()) > 2048:
		return refuse("the URL is longer than 2,048 characters")
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if a, err := netip.ParseAddr(host); err == nil {
		return g.CheckAddr(a)
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return g.CheckAddr(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	return nil
}

// CheckAddr says why an address may not be reached, nil when it may.
func (g *Guard) CheckAddr(a netip.Addr) error {
	if a.Zone() != "" {
		return refuse("addresses with a zone cannot be reached")
	}
	a = a.Unmap()
	for _, p := range g.cfg.Allow {
		if p.Contains(a) {
			return nil
		}
	}
	if why := closed(a); why != "" {
		return refuse("%s is %s; an operator can open it with --allow-targets", a, why)
	}
	return nil
}

// control is called for each address that is about to be dialled, after the name was resolved: a name that answers one thing
// when checked and another when dialled gains nothing.
func (g *Guard) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return refuse("only TCP may be dialled, not %s", network)
	}
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return refuse("%q is not an address", address)
	}
	return g.CheckAddr(ap.Addr())
}

// Dial connects to an address that may be reached.
func (g *Guard) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return g.dialer.DialContext(ctx, network, address)
}

// maxRedirects is how many redirects are followed. Each is dialled anew, and so checked anew.
const maxRedirects = 3

// Client makes an HTTP client behind the guard. Proxies of the environment are not used: they would dial in its place.
func (g *Guard) Client() *http.Client {
	t := &http.Transport{
		DialContext: g.Dial, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 5 * time.Second,
		ResponseHeaderTimeout: g.cfg.Timeout, MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConns: 64, MaxIdleConnsPerHost: 8, IdleConnTimeout: 90 * time.Second,
	}
	return &http.Client{Timeout: g.cfg.Timeout, Transport: limited{g, t}, CheckRedirect: redirect}
}

func redirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return refuse("more than %d redirects", maxRedirects)
	}
	if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return refuse("the receiver redirects from https to %s", req.URL.Scheme)
	}
	return nil
}

// limited checks each request's URL and bounds its answer.
type limited struct {
	g    *Guard
	next http.RoundTripper
}

// RoundTrip sends one request, redirected ones too.
func (l limited) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := l.g.checkURL(req.URL); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	res, err := l.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	res.Body = &bounded{ReadCloser: res.Body, left: l.g.cfg.MaxBody}
	return res, nil
}

// CloseIdleConnections closes what is kept open.
func (l limited) CloseIdleConnections() {
	if t, ok := l.next.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

type bounded struct {
	io.ReadCloser
	left int64
}

// Read reads until the limit; one byte more is an error.
func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if int64(n) > b.left {
		n = int(b.left)
		err = refuse("the answer is too long")
	}
	b.left -= int64(n)
	return n, err
}
