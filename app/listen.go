package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay"
)

func (a *App) bind() (main, status net.Listener, err error) {
	if main, err = net.Listen("tcp", a.cfg.Listen); err != nil {
		return nil, nil, mainstay.Errorf(mainstay.Unavailable, "cannot listen on %s: %v", a.cfg.Listen, err)
	}
	if _, port, err := net.SplitHostPort(a.cfg.Listen); err == nil && port == "0" {
		a.cfg.Listen = main.Addr().String() // a port of the system's choice: the set-up link names it
	}
	if a.cfg.StatusListen == "off" {
		return main, nil, nil
	}
	if status, err = net.Listen("tcp", a.cfg.StatusListen); err != nil {
		_ = main.Close()
		return nil, nil, mainstay.Errorf(mainstay.Unavailable, "cannot listen on %s: %v", a.cfg.StatusListen, err)
	}
	return main, status, nil
}

func (a *App) serveAll(main, status net.Listener) error {
	scheme := "http://"
	var secure *tls.Config
	if a.cfg.TLSCert != "" {
		c := &certificate{cert: a.cfg.TLSCert, key: a.cfg.TLSKey}
		if _, err := c.load(); err != nil {
			return mainstay.Errorf(mainstay.Invalid, "reading --tls-cert and --tls-key: %v", err)
		}
		scheme, secure = "https://", &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS12}
		a.cert = c
	}
	a.URL = scheme + main.Addr().String()
	a.serve(main, a.router.Handler(), secure)
	if status != nil {
		a.Status = scheme + status.Addr().String()
		a.serve(status, a.statusHandler(), secure)
	}
	return nil
}

// serve answers on l. Who sends a request has ten seconds for its header and five minutes for all of it; the live stream takes its
// connection out of that limit.
func (a *App) serve(l net.Listener, h http.Handler, secure *tls.Config) {
	s := &http.Server{
		Handler: h, TLSConfig: secure, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 5 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	a.servers = append(a.servers, s)
	go func() {
		var err error
		if secure != nil {
			err = s.ServeTLS(l, "", "")
		} else {
			err = s.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			a.failed <- fmt.Errorf("serving %s: %w", l.Addr(), err)
		}
	}()
}

// certificate is a pair of files that whoever renews certificates may replace at any time.
type certificate struct {
	cert, key string

	mu      sync.Mutex
	pair    *tls.Certificate
	written time.Time // of the files that pair was read from
	looked  time.Time
}

// get answers with the pair in the files, which it looks at once a second at most. Files that cannot be used, say because only one
// of the two was replaced yet, leave the pair before in use.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < time.Second {
		return c.pair, nil
	}
	return c.look()
}

// Reload reads the certificate and its key again, now; a pair that cannot be used is an error, and leaves the one before in use.
func (a *App) Reload() error {
	if a.cert == nil {
		return nil
	}
	a.cert.mu.Lock()
	defer a.cert.mu.Unlock()
	pair, err := tls.LoadX509KeyPair(a.cert.cert, a.cert.key)
	if err != nil {
		return mainstay.Errorf(mainstay.Invalid, "reading --tls-cert and --tls-key: %v; the certificate of before stays in use", err)
	}
	a.cert.pair, a.cert.written = &pair, newest(a.cert.cert, a.cert.key)
	return nil
}

func (c *certificate) load() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.look()
}

func (c *certificate) look() (*tls.Certificate, error) {
	c.looked = time.Now() // of files and handshakes, which no moved clock moves
	written := newest(c.cert, c.key)
	if c.pair != nil && written.Equal(c.written) {
		return c.pair, nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	switch {
	case err == nil:
		c.pair, c.written = &pair, written
	case c.pair == nil:
		return nil, err
	}
	return c.pair, nil
}

func newest(files ...string) (t time.Time) {
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && info.ModTime().After(t) {
			t = info.ModTime()
		}
	}
	return t
}
