package web

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
)

// policy is the content security policy of every answer.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; worker-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// Handler is the whole server: the routes behind request ids, the access log, panic recovery and security headers.
func (rt *Router) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s := &scope{request: mainstay.NewID(rt.cfg.Time.Now())}
		req = req.WithContext(context.WithValue(req.Context(), scopeKey{}, s))
		headers(w.Header(), s.request, rt.secure())
		out := newAnswer(w, req)
		defer rt.finish(out, req, s, rt.cfg.Time.Now())
		rt.serve(out, req)
	})
}

func headers(h http.Header, request string, secure bool) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	h.Set("X-Request-Id", request)
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// finish recovers from a panic, ends the answer and writes one line to the access log. It never logs a query, a header or a
// path value that may be a secret.
func (rt *Router) finish(out *answer, req *http.Request, s *scope, began time.Time) {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler { // the stdlib's word for "cut the connection"
			panic(p)
		}
		rt.cfg.Log.ErrorContext(req.Context(), "panic", "request", s.request, "route", req.Pattern, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		if out.status == 0 {
			rt.refuse(out, req, fmt.Errorf("panic: %v", p))
		}
	}
	out.close()
	level := slog.LevelInfo
	taken := strings.HasPrefix(req.URL.Path, "/in/") && out.status < 300 // a busy sender's thousands a second
	if taken || strings.HasPrefix(req.URL.Path, "/assets/") || strings.HasPrefix(req.URL.Path, "/-/") {
		level = slog.LevelDebug // many, and they say nothing
	}
	if !rt.cfg.Log.Enabled(req.Context(), level) {
		return
	}
	attrs := []any{
		"request", s.request, "method", req.Method, "path", loggedPath(req), "status", out.status, "bytes", out.written,
		"took", rt.cfg.Time.Now().Sub(began).Round(time.Microsecond).String(), "client", rt.ClientIP(req),
	}
	if s.viewer.SignedIn() {
		attrs = append(attrs, "actor", s.viewer.Actor.String())
	}
	if s.err != nil {
		attrs = append(attrs, "code", string(mainstay.ErrorCode(s.err)))
	}
	rt.cfg.Log.Log(req.Context(), level, "request", attrs...)
}

// loggedPath is the path with keys and tokens taken out.
func loggedPath(req *http.Request) string {
	path := req.URL.Path
	for _, name := range []string{"key", "token", "secret", "code"} {
		if v := req.PathValue(name); v != "" && v != "-" {
			path = strings.ReplaceAll(path, v, "…")
		}
	}
	if req.Pattern == "" { // no route has named the secret of these
		for _, prefix := range []string{"/in/", "/setup/"} {
			if strings.HasPrefix(path, prefix) {
				return prefix + "…"
			}
		}
	}
	return path
}

// serve finds the route, or says that there is none.
func (rt *Router) serve(w http.ResponseWriter, req *http.Request) {
	h, pattern := rt.mux.Handler(req)
	if pattern != "" {
		rt.mux.ServeHTTP(w, req)
		return
	}
	if short := strings.TrimRight(req.URL.Path, "/"); short != "" && short != req.URL.Path && !unsafeMethod(req.Method) {
		again := req.Clone(req.Context())
		again.URL.Path = short
		if _, pattern := rt.mux.Handler(again); pattern != "" {
			http.Redirect(w, req, again.URL.RequestURI(), http.StatusPermanentRedirect)
			return
		}
	}
	probe := &probe{header: http.Header{}}
	h.ServeHTTP(probe, req)
	if probe.status == http.StatusMethodNotAllowed {
		allow := probe.header.Get("Allow")
		w.Header().Set("Allow", allow)
		rt.refuse(w, req, &methodError{method: req.Method, allow: allow})
		return
	}
	rt.refuse(w, req, mainstay.Errorf(mainstay.NotFound, "There is nothing at this address. The link may be old, or mistyped."))
}

// refuse answers outside of any route: as a page where people look, as a problem where programs do.
func (rt *Router) refuse(w http.ResponseWriter, req *http.Request, err error) {
	if isAPI(req) {
		rt.WriteProblem(w, req, err)
		return
	}
	c := &Ctx{W: w, R: req, Now: rt.cfg.Time.Now(), rt: rt, livePosition: rt.live.position()}
	if viewer, err := rt.cfg.Identity.Viewer(req); err == nil { // for the rail around the error; who it is decides nothing here
		c.Viewer = viewer
		scopeOf(req.Context()).viewer = viewer
	}
	c.fail(err)
}

func isAPI(req *http.Request) bool {
	for _, prefix := range []string{"/api/", "/in/", "/alertmanager/", "/prometheus/", "/-/", "/metrics"} {
		if strings.HasPrefix(req.URL.Path, prefix) {
			return true
		}
	}
	return !strings.Contains(req.Header.Get("Accept"), "text/html") && req.Header.Get("Accept") != "" && req.Header.Get("Accept") != "*/*"
}

// probe keeps what a handler would have answered.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) WriteHeader(status int)      { p.status = status }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }

// ClientIP is the address of who asks. X-Forwarded-For and Forwarded count only as far as trusted proxies wrote them.
func (rt *Router) ClientIP(req *http.Request) string {
	host, _, err := net.SplitHostPort(req.RemoteAddr)
	if err != nil {
		host = req.RemoteAddr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !rt.trusted(ip) {
		return host
	}
	list := hops(req.Header)
	for i := len(list) - 1; i >= 0; i-- {
		from, err := hop(list[i])
		if err != nil {
			break
		}
		ip = from
		if !rt.trusted(from) {
			break
		}
	}
	return ip.Unmap().String()
}

func (rt *Router) trusted(ip netip.Addr) bool {
	for _, p := range rt.cfg.TrustedProxies {
		if p.Contains(ip.Unmap()) {
			return true
		}
	}
	return false
}
