package main_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/mainstaytest"
)

// TestARequestUnderWay ends before the server does: SIGTERM comes while a sender has sent half of its alerts.
func TestARequestUnderWay(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, d database) {
		d.must(t, d.with("apply", "-f", d.file(t, "shop.yaml", shop))...)
		key := oneLine(t, d.must(t, d.with("key", "create", "--project", "shop", "--format", "alertmanager")...), `^[0-9a-f]{32}$`)
		s := d.serve(t)
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close() //nolint:errcheck // the test ends
		body := `[{"labels":{"alertname":"UnderWay","severity":"critical"}}]`
		fmt.Fprintf(c, "POST /in/%s/alertmanager/api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", key, len(body), body[:20])
		time.Sleep(300 * time.Millisecond) // real: the server reads it
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond) // real: it begins to stop
		if _, err := io.WriteString(c, body[20:]); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%+v %v", res, err)
		}
		_ = res.Body.Close()
		mainstaytest.Eventually(t, "the server has ended", s.ended)
		s = d.serve(t)
		token := oneLine(t, d.must(t, d.with("token", "create", "--name", "t", "--role", "member")...), `^mst_`)
		if status, body := s.ask(t, "GET", "/api/v1/alerts", token, ""); status != 200 || !strings.Contains(body, "UnderWay") {
			t.Errorf("what was answered with 200 is not there: %d %s", status, body)
		}
	})
}

// TestForeignHost: whatever a client calls the server, nothing that it says leads there.
func TestForeignHost(t *testing.T) {
	t.Parallel()
	d := database{in: in{dir: t.TempDir()}}
	s := d.serve(t, "--external-url", "https://support.example.org")
	for _, path := range []string{"/", "/sign-in", "/forgot", "/api/openapi.json", "/no-such-page"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "evil.example"
		req.Header.Set("X-Forwarded-Host", "evil.example")
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if strings.Contains(string(b)+res.Header.Get("Location"), "evil.example") {
			t.Errorf("%s names the host that the client made up: %s", path, res.Header.Get("Location"))
		}
	}
	if !strings.Contains(s.log.String(), "https://support.example.org/setup/") {
		t.Errorf("the set-up link is not at the external URL:\n%s", s.log)
	}
}

// TestHangUp: SIGHUP reads the certificate again, does not end the server, and a pair that cannot be used leaves the one of before.
func TestHangUp(t *testing.T) {
	t.Parallel()
	d := database{in: in{dir: t.TempDir()}}
	cert, key := filepath.Join(d.dir, "tls.crt"), filepath.Join(d.dir, "tls.key")
	makePair(t, cert, key, 1)
	s := d.serve(t, "--tls-cert", cert, "--tls-key", key)
	serial := func() int64 {
		c, err := tls.Dial("tcp", strings.TrimPrefix(s.url, "https://"), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // its own certificate
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close() //nolint:errcheck // only looked at
		return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	info, err := os.Stat(cert)
	if err != nil || serial() != 1 {
		t.Fatal(err, serial())
	}
	makePair(t, cert, key, 2)
	for _, f := range []string{cert, key} { // as a copy that keeps times would leave them: only the signal tells
		if err := os.Chtimes(f, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
	}
	hangUp := func(says string) {
		t.Helper()
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		mainstaytest.Eventually(t, "it says "+says, func() bool { return strings.Contains(s.log.String(), says) })
	}
	hangUp("read the certificate again")
	if n := serial(); n != 2 {
		t.Errorf("after the signal it shows %d", n)
	}
	if err := os.WriteFile(key, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	hangUp("the certificate of before stays in use")
	if n := serial(); n != 2 {
		t.Errorf("with a broken pair it shows %d", n)
	}
	res, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}).Get(s.url + "/sign-in") //nolint:gosec,noctx // its own certificate
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if h := res.Header.Get("Strict-Transport-Security"); h == "" {
		t.Error("a server that speaks TLS itself does not tell browsers to stay with it")
	}
}

func makePair(t *testing.T, cert, key string, serial int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
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
