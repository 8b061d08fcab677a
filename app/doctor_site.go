package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mainstayhq/mainstay/storage"
)

// What doctor looks at of how the server meets the world.

const (
	longLog   = 256 * mebi
	hugeLog   = 2 * gibi
	deepAbove = 512 * mebi // a larger file is read to its end only when asked for
	fewFiles  = 4096
	soon      = 14 * 24 * time.Hour
)

// site looks at the flags, and asks the server from outside.
func (d *doctor) site(ctx context.Context) {
	d.exposure()
	d.networks()
	d.certificate()
	d.external(ctx)
	d.limits()
}

// loopback reports whether an address is reached from this machine alone.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (d *doctor) exposure() {
	const check = "exposure"
	secure := d.cfg.TLSCert != "" || d.cfg.ExternalURL != nil && d.cfg.ExternalURL.Scheme == "https"
	switch {
	case loopback(d.cfg.Listen):
		d.fine(check, "The pages are reached from this machine alone (%s); what stands before it decides the rest.", d.cfg.Listen)
	case !secure:
		d.found(check, Wrong, "Set --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy that speaks TLS and set --external-url to its https address.",
			"The pages listen on %s without TLS: passwords and sessions pass the network in clear.", d.cfg.Listen)
	case d.cfg.TLSCert == "" && len(d.cfg.TrustedProxies) == 0:
		d.found(check, Look, "Let it listen on 127.0.0.1, or name the proxy with --trusted-proxies and keep others off with a firewall.",
			"The pages listen on %s without TLS; whoever goes around the proxy is in clear.", d.cfg.Listen)
	default:
		d.fine(check, "The pages listen on %s, with TLS.", d.cfg.Listen)
	}
}

// networks looks for lists that let everybody in.
func (d *doctor) networks() {
	var wide []string
	for _, p := range d.cfg.TrustedProxies {
		if p.Bits() == 0 {
			wide = append(wide, fmt.Sprintf("--trusted-proxies has %s: everybody may say to be any address.", p))
		}
	}
	d.each("trusted proxies", Wrong, "Name the addresses of your proxies alone.", "Nobody but the proxies that are named is believed.", wide)
	wide = nil
	for _, p := range d.cfg.AllowTargets {
		if p.Bits() == 0 {
			wide = append(wide, fmt.Sprintf("--allow-targets has %s: whoever may set a webhook reaches everything that this machine reaches.", p))
		}
	}
	d.each("webhook targets", Wrong, "Name the networks of your receivers alone.", "Webhooks reach what is public, and what is named.", wide)
}

// certificate looks at the files of --tls-cert and --tls-key.
func (d *doctor) certificate() {
	const check, do = "certificate", "Renew it; the server takes new files up by itself."
	if d.cfg.TLSCert == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(d.cfg.TLSCert, d.cfg.TLSKey)
	if err != nil {
		d.found(check, Wrong, "Give --tls-cert and --tls-key a chain and its key, which the server's user may read.", "The pair cannot be used: %v.", err)
		return
	}
	if info, err := os.Stat(d.cfg.TLSKey); err == nil && info.Mode().Perm()&0o007 != 0 {
		d.found(check, Wrong, "chmod 640 "+d.cfg.TLSKey, "Everybody on this machine may read the key %s.", d.cfg.TLSKey)
	}
	leaf := pair.Leaf
	if leaf == nil {
		if leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			d.found(check, Wrong, do, "It cannot be read: %v.", err)
			return
		}
	}
	host := ""
	if d.cfg.ExternalURL != nil {
		host = d.cfg.ExternalURL.Hostname()
	}
	d.leaf(check, do, leaf, host)
}

// leaf looks at one certificate; a host of "" is any.
func (d *doctor) leaf(check, do string, c *x509.Certificate, host string) {
	now := d.cfg.Time.Now()
	switch {
	case now.After(c.NotAfter):
		d.found(check, Wrong, do, "It has run out on %s.", c.NotAfter.UTC().Format(time.DateOnly))
	case now.Before(c.NotBefore):
		d.found(check, Wrong, do, "It counts from %s only.", c.NotBefore.UTC().Format(time.DateOnly))
	case host != "" && c.VerifyHostname(host) != nil:
		d.found(check, Wrong, do, "It is not for %s.", host)
	case weakKey(c) != "":
		d.found(check, Wrong, do, "It has %s.", weakKey(c))
	case c.NotAfter.Sub(now) < soon:
		d.found(check, Look, do, "It runs out on %s.", c.NotAfter.UTC().Format(time.DateOnly))
	default:
		d.fine(check, "It counts until %s.", c.NotAfter.UTC().Format(time.DateOnly))
	}
}

func weakKey(c *x509.Certificate) string {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < 2048 {
			return fmt.Sprintf("an RSA key of %d bits", k.N.BitLen())
		}
	case *ecdsa.PublicKey:
		if k.Params().BitSize < 224 {
			return fmt.Sprintf("a key of %d bits", k.Params().BitSize)
		}
	}
	if c.SignatureAlgorithm == x509.SHA1WithRSA || c.SignatureAlgorithm == x509.ECDSAWithSHA1 || c.SignatureAlgorithm == x509.MD5WithRSA {
		return "a signature by " + c.SignatureAlgorithm.String()
	}
	return ""
}

// external asks for the server where people reach it.
func (d *doctor) external(ctx context.Context) {
	const check = "external URL"
	u := d.cfg.ExternalURL
	if u == nil {
		d.found(check, Look, "Set --external-url to where people reach the server.", "Links in messages point to %s, which works on this machine alone.", d.ownURL())
		return
	}
	if u.Scheme != "https" && !loopback(net.JoinHostPort(u.Hostname(), "1")) {
		d.found(check, Wrong, "Put TLS before it, and set --external-url to the https address.", "%s is not https: passwords pass in clear, and passkeys and push do not work.", u)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	base := strings.TrimSuffix(u.String(), "/")
	answer, says := d.fetch(ctx, base+"/-/healthy", nil)
	switch {
	case says != "":
		d.found(check, Wrong, "Check the name, the proxy, its certificate and the firewall; links in messages lead there.", "%s", says)
		return
	case answer != "healthy\n":
		d.found(check, Wrong, "Point the proxy to the server's --listen address, or mend --external-url.", "At %s something else answers.", base)
		return
	}
	d.fine(check, "Mainstay answers at %s.", base)
	if u.Scheme == "https" {
		d.weakTLS(ctx, base)
	}
}

func (d *doctor) ownURL() string {
	a := App{cfg: d.cfg}
	return a.external()
}

// fetch reads a short answer, or says why there is none.
func (d *doctor) fetch(ctx context.Context, url string, t *tls.Config) (body, says string) {
	client := &http.Client{
		Transport: &http.Transport{TLSClientConfig: t, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err.Error()
	}
	res, err := client.Do(req)
	if err != nil {
		return "", fmt.Sprintf("%s does not answer: %v.", url, err)
	}
	defer res.Body.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(io.LimitReader(res.Body, 1024))
	if err != nil || res.StatusCode != http.StatusOK {
		return "", fmt.Sprintf("%s answers %s.", url, res.Status)
	}
	if res.TLS != nil && len(res.TLS.PeerCertificates) > 0 {
		d.leaf("certificate outside", "Renew it where TLS is spoken.", res.TLS.PeerCertificates[0], "")
	}
	return string(b), ""
}

// weakTLS tries what must not work.
func (d *doctor) weakTLS(ctx context.Context, base string) {
	const check = "TLS outside"
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}} //nolint:gosec // only tried
	host := strings.TrimPrefix(base, "https://")
	host, _, _ = strings.Cut(host, "/")
	if _, _, err := net.SplitHostPort(host); err != nil {
		host = net.JoinHostPort(strings.Trim(host, "[]"), "443")
	}
	c, err := dialer.DialContext(ctx, "tcp", host)
	if err == nil {
		_ = c.Close()
		d.found(check, Wrong, "Let the proxy speak TLS 1.2 and 1.3 only.", "%s takes TLS 1.1 or older.", base)
		return
	}
	d.fine(check, "Nothing older than TLS 1.2 is taken.")
}

func (d *doctor) limits() {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil || r.Cur >= fewFiles || r.Max >= fewFiles {
		return // Go raises the soft limit to the hard one by itself
	}
	d.found("open files", Look, "ulimit -n 65536, or LimitNOFILE=65536 in the unit.", "Only %d files and connections may be open at once.", r.Max)
}

// files looks at the size and the structure of the embedded database.
func (d *doctor) files(ctx context.Context, db *storage.DB) {
	size, log, err := db.Sizes()
	switch {
	case err != nil:
		d.found("write-ahead log", Look, "Look into the data folder.", "Its size is not known: %v.", err)
	case log > hugeLog:
		d.found("write-ahead log", Wrong, "Restart the server; look for something else that has mainstay.db open.", "%s-wal has %d MiB: something keeps it from being written back.", storage.File, log/mebi)
	case log > longLog:
		d.found("write-ahead log", Look, "It shrinks once a long read, such as a backup, has ended.", "%s-wal has %d MiB.", storage.File, log/mebi)
	case db.SQLite():
		d.fine("write-ahead log", "It has %d MiB.", log/mebi)
	}
	if size > deepAbove && !d.deep {
		d.fine("integrity", "Not looked at: the database has %d MiB (mainstay doctor --deep reads all of it).", size/mebi)
		return
	}
	faults, err := db.Integrity(ctx)
	if err != nil {
		faults = []string{explain(err)}
	}
	d.each("integrity", Wrong, "Stop the server, keep a copy of the data folder, and restore the newest verified backup.", "The database's structure is whole.", faults)
}
