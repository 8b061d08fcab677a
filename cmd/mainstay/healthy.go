package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"
)

// healthyCmd asks a server on this machine how it is; containers without a shell use it.
type healthyCmd struct {
	Listen  string `help:"Address that the server listens on." default:"127.0.0.1:8080" placeholder:"ADDR"`
	TLSCert string `name:"tls-cert" help:"Set when the server speaks TLS itself; only whether it is set counts." placeholder:"FILE"`
	Ready   bool   `help:"Ask whether it is ready, not only alive."`
}

// Help shows its use.
func (healthyCmd) Help() string {
	return `Examples:

    mainstay healthy && echo alive
    mainstay healthy --ready --listen 127.0.0.1:8080`
}

// Run fails when the server does not answer with 200 within four seconds.
func (c healthyCmd) Run(ctx context.Context) error {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return usage("--listen must be such as 127.0.0.1:8080, not %q", c.Listen)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	url := "http://" + net.JoinHostPort(host, port) + "/-/healthy"
	if c.TLSCert != "" {
		url = "https" + url[len("http"):]
	}
	if c.Ready {
		url = url[:len(url)-len("healthy")] + "ready"
	}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	// The certificate is made for the public name, and this asks the machine itself.
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // loopback
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, answer.Status)
	}
	return nil
}
