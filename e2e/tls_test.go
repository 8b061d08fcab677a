package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The server speaks TLS itself: not less than 1.2, with a certificate that may be renewed under it.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	writePair(t, cert, key, 1)
	s := newServer(t, "sqlite", "--tls-cert", cert, "--tls-key", key)
	s.launch()
	serial := func() (int64, *http.Response) {
		client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
			DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // its own certificate
		res, err := client.Get("https://" + s.addr + "/sign-in")
		if err != nil {
			return 0, nil
		}
		_ = res.Body.Close()
		return res.TLS.PeerCertificates[0].SerialNumber.Int64(), res
	}
	await := func(n int64) *http.Response {
		var res *http.Response
		eventually(t, 20*time.Second, fmt.Sprintf("certificate %d is shown", n), func() error {
			var got int64
			if got, res = serial(); got != n {
				return fmt.Errorf("it shows %d", got)
			}
			return nil
		})
		return res
	}
	await(1)
	if _, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}); err == nil { //nolint:gosec // it must fail
		t.Error("the server takes TLS 1.1")
	}
	if res, err := http.Get("http://" + s.addr + "/-/healthy"); err == nil {
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			t.Error("the port of TLS answers without it")
		}
	}

	// Half of a renewal harms nobody, the other half completes it.
	writePair(t, cert, filepath.Join(dir, "later.key"), 2)
	touchAhead(t, cert, 2*time.Second)
	time.Sleep(1200 * time.Millisecond) // it looks at the files once a second
	if n, _ := serial(); n != 1 {
		t.Errorf("with half of a new pair it shows %d", n)
	}
	if err := os.Rename(filepath.Join(dir, "later.key"), key); err != nil {
		t.Fatal(err)
	}
	touchAhead(t, key, 4*time.Second)
	await(2)
}

// A proxy in front speaks TLS: cookies are Secure, browsers are told to stay with it, and the client is whom a trusted proxy names.
func TestProxy(t *testing.T) {
	for _, trusted := range []bool{true, false} {
		flags := []string{"--external-url", "https://support.example.org"}
		if trusted {
			flags = append(flags, "--trusted-proxies", "127.0.0.1,10.0.0.0/8")
		}
		s := newServer(t, "sqlite", flags...)
		s.start()
		req, err := http.NewRequest(http.MethodGet, "http://"+s.addr+"/no-such-page", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Forwarded-For", "203.0.113.66, 192.0.2.7, 10.1.2.3")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if h := res.Header.Get("Strict-Transport-Security"); !strings.HasPrefix(h, "max-age=") {
			t.Errorf("Strict-Transport-Security: %q", h)
		}
		want := "client=127.0.0.1"
		if trusted {
			want = "client=192.0.2.7" // the last that a trusted proxy saw; what stands before it anybody can write
		}
		eventually(t, 5*time.Second, "the log names the client", func() error {
			b, err := os.ReadFile(s.out.Name())
			for line := range strings.Lines(string(b)) {
				if strings.Contains(line, "path=/no-such-page") && strings.Contains(line, want) {
					return nil
				}
			}
			return fmt.Errorf("no line with %s (%v)", want, err)
		})
		s.stop()
	}
}

// Somebody who sends a request byte by byte does not keep its connection.
func TestSlowHeader(t *testing.T) {
	s := newServer(t, "sqlite")
	s.start()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test ends
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX-A"); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second)) // the limit is ten real seconds of a real connection
	if _, err := io.Copy(io.Discard, c); err != nil {
		t.Errorf("after 20 s the connection stands: %v", err)
	}
}

// writePair makes a certificate that signs itself.
func writePair(t *testing.T, cert, key string, serial int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// touchAhead makes sure that the file's time differs from the one before.
func touchAhead(t *testing.T, file string, by time.Duration) {
	t.Helper()
	at := time.Now().Add(by)
	if err := os.Chtimes(file, at, at); err != nil {
		t.Fatal(err)
	}
}
