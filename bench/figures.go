package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

// benchStart measures the start on an empty folder, the idle memory and the size of the binary.
func benchStart() (*result, error) {
	r := &result{Notes: []string{"start: until /-/ready answers 200, median of 7, on an empty folder; memory: resident after 20 s idle; idle: processor time over the 60 s after that"}}
	var starts []float64
	var idle, share float64
	for i := range 7 {
		s, err := newServer("sqlite")
		if err != nil {
			return nil, err
		}
		took, err := s.start()
		if err == nil && i == 6 {
			time.Sleep(20 * time.Second) // real: idle is idle
			idle, err = s.memory()
			if err == nil {
				share, err = s.share(time.Minute)
			}
		}
		s.stop()
		if err != nil {
			return nil, err
		}
		starts = append(starts, took.Seconds())
	}
	info, err := os.Stat(os.Getenv("MAINSTAY_TEST_BINARY"))
	if err != nil {
		return nil, err
	}
	r.Figures = []figure{
		{Name: "start on an empty folder, median", Value: quantile(starts, .5), Unit: "s", Promise: .5},
		{Name: "start on an empty folder, slowest of 7", Value: quantile(starts, 1), Unit: "s"},
		{Name: "idle memory", Value: idle, Unit: "MB", Promise: 80},
		{Name: "idle, of a core", Value: share, Unit: "%", Promise: 1},
		{Name: "binary", Value: float64(info.Size()) / 1e6, Unit: "MB", Promise: 40},
	}
	return r, nil
}

const world = `
{apiVersion: mainstay/v1, kind: Project, metadata: {name: shop}}
---
apiVersion: mainstay/v1
kind: Person
metadata: {name: ana}
spec: {fullName: Ana Ruiz, email: ana@mail.test, contacts: [%s]}
---
{apiVersion: mainstay/v1, kind: Service, metadata: {name: checkout, project: shop}}
---
apiVersion: mainstay/v1
kind: EscalationPolicy
metadata: {name: default, project: shop}
spec: {steps: [{targets: ["person:ana"]}]}
---
apiVersion: mainstay/v1
kind: Route
metadata: {name: all, project: shop}
spec: {service: checkout, policy: default}
`

const samples = 300

// benchLatency measures from the POST of a new alert until the webhook, or the mail's MAIL FROM, arrives, one alert at a time.
func benchLatency() (*result, error) {
	r := &result{Notes: []string{
		fmt.Sprintf("%d new alerts one after the other, 30 ms apart, each opening a page; from before the POST until the receiver has the request, or the mail server the MAIL FROM", samples),
		"mail passes a relay of ours in front of Debian's exim, which notes the time; connections are kept open between mails",
	}}
	for _, engine := range []string{"sqlite", "postgres"} {
		for _, channel := range []string{"webhook", "email"} {
			waits, err := latency(engine, channel)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", engine, channel, err)
			}
			name := fmt.Sprintf("POST to %s, %s, ", channel, engine)
			r.Figures = append(r.Figures,
				figure{Name: name + "p50", Value: quantile(waits, .5), Unit: "ms", Promise: 10},
				figure{Name: name + "p99", Value: quantile(waits, .99), Unit: "ms", Promise: 50},
				figure{Name: name + "slowest", Value: quantile(waits, 1), Unit: "ms"})
		}
	}
	return r, nil
}

func latency(engine, channel string) ([]float64, error) {
	arrived := make(chan time.Time, samples)
	addr, closeIt, err := receiver(channel, arrived)
	if err != nil {
		return nil, err
	}
	defer closeIt()
	s, err := newServer(engine)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	contact := fmt.Sprintf("{type: webhook, address: \"http://%s/hook\", pages: true}", addr)
	flags := []string{"--allow-targets", "127.0.0.0/8"}
	if channel == "email" {
		contact = "{type: email, address: ana@mail.test, pages: true}"
		flags = []string{"--smtp-url", "smtp://" + addr + "?starttls=none", "--mail-from", "mainstay@mail.test"}
	}
	if err := s.apply(fmt.Sprintf(world, contact)); err != nil {
		return nil, err
	}
	key, err := s.mainstay("", "key", "create", "--project", "shop", "--format", "alertmanager")
	if err != nil {
		return nil, err
	}
	if _, err := s.start(flags...); err != nil {
		return nil, err
	}
	var waits []float64
	for i := range samples + 20 {
		time.Sleep(30 * time.Millisecond) // real: the server is to be idle again
		began := time.Now()
		body := fmt.Sprintf(`[{"labels":{"alertname":"Bench","service":"checkout","severity":"critical","n":"%d"}}]`, i)
		if err := s.post("/in/"+key+"/alertmanager/api/v2/alerts", body); err != nil {
			return nil, err
		}
		select {
		case at := <-arrived:
			if i >= 20 { // the first ones warm up
				waits = append(waits, float64(at.Sub(began).Microseconds())/1000)
			}
		case <-time.After(10 * time.Second):
			return nil, fmt.Errorf("alert %d did not arrive within 10 s", i)
		}
	}
	return waits, nil
}

// receiver listens for the webhook, or relays to the mail server; it notes when each message, or connection, arrives.
func receiver(channel string, arrived chan<- time.Time) (string, func(), error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	if channel == "webhook" {
		srv := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			arrived <- time.Now()
			_, _ = io.Copy(io.Discard, r.Body)
		})}
		go func() { _ = srv.Serve(l) }()
		return l.Addr().String(), func() { _ = srv.Close() }, nil
	}
	mail, err := url.Parse(os.Getenv("MAINSTAY_TEST_SMTP_PLAIN"))
	if err != nil || mail.Host == "" {
		return "", nil, fmt.Errorf("MAINSTAY_TEST_SMTP_PLAIN is not set: run it by make")
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go relay(c, mail.Host, arrived)
		}
	}()
	return l.Addr().String(), func() { _ = l.Close() }, nil
}

// relay passes a conversation on and notes when a mail begins: connections are kept open, so a mail need not open one.
func relay(c net.Conn, to string, arrived chan<- time.Time) {
	defer c.Close() //nolint:errcheck // the conversation is over
	d, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer d.Close() //nolint:errcheck // the conversation is over
	go func() { _, _ = io.Copy(c, d) }()
	lines := bufio.NewReader(c)
	for {
		line, err := lines.ReadBytes('\n')
		if bytes.HasPrefix(bytes.ToUpper(line), []byte("MAIL FROM:")) {
			arrived <- time.Now()
		}
		if _, werr := d.Write(line); err != nil || werr != nil {
			return
		}
	}
}
