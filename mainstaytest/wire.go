package mainstaytest

import (
	"bytes"
	"net"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/mainstayhq/mainstay/storage"
)

// OverWire is New on PostgreSQL, over a wire on which an answer can get lost.
func OverWire(t testing.TB, migrations ...storage.Migrations) (*Env, *Wire) {
	t.Helper()
	w := newWire(t, Postgres(t))
	return newEnv(t, w.URL, migrations...), w
}

// Wire is the way to the PostgreSQL server, on which an answer can get lost.
type Wire struct {
	URL string // of the server, over the wire

	lose atomic.Bool
}

// LoseCommit lets the next commit reach the server and be done, and its answer be lost with the connection.
func (w *Wire) LoseCommit() { w.lose.Store(true) }

// Lost reports whether LoseCommit has found its commit.
func (w *Wire) Lost() bool { return !w.lose.Load() }

// newWire lays a wire to the server at the URL, until the test ends.
func newWire(t testing.TB, server string) *Wire {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	w, far := &Wire{}, u.Host
	u.Host = l.Addr().String()
	w.URL = u.String()
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(near, far)
		}
	}()
	return w
}

func (w *Wire) carry(near net.Conn, address string) {
	defer near.Close() //nolint:errcheck // its end is what is wanted
	far, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer far.Close() //nolint:errcheck // its end is what is wanted
	var losing atomic.Bool
	go func() {
		defer near.Close() //nolint:errcheck // its end is what is wanted
		b := make([]byte, 64<<10)
		for {
			n, err := far.Read(b)
			if err != nil || losing.Load() { // the answer is here, so the commit is done
				return
			}
			if _, err := near.Write(b[:n]); err != nil {
				return
			}
		}
	}()
	b := make([]byte, 64<<10)
	for {
		n, err := near.Read(b)
		if err != nil {
			return
		}
		if bytes.HasPrefix(b[:n], []byte("Q\x00\x00\x00\x0bcommit\x00")) && w.lose.CompareAndSwap(true, false) {
			losing.Store(true)
		}
		if _, err := far.Write(b[:n]); err != nil {
			return
		}
	}
}
