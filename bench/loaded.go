package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// loadedWorld pages ana for alerts with page="yes" and nobody for all others.
const loadedWorld = world + `
---
apiVersion: mainstay/v1
kind: Route
metadata: {name: flood, project: shop}
spec: {order: -1, service: checkout, match: {page: ""}}
`

// loadedPeer is the same for Alertmanager: it tells at once, and of each alert by itself.
const loadedPeer = `
route:
  receiver: nobody
  group_by: [alertname]
  routes: [{matchers: ['page="yes"'], receiver: hook, group_by: ['...'], group_wait: 0s}]
receivers:
- {name: nobody}
- {name: hook, webhook_configs: [{url: '%s'}]}
`

const loadedSamples = 300

// benchLoaded measures from POST to webhook while the intake takes half of what it can: all new alerts, by 64.
func benchLoaded() (*result, error) {
	bin, err := buildPeer()
	if err != nil {
		return nil, err
	}
	r := &result{Notes: []string{
		fmt.Sprintf("the limit is what 16 connections bring in by 64 in 10 s without a schedule; then, at half of that, %d new alerts that page, 100 ms apart, on a connection of their own, from before the POST until the receiver has the request", loadedSamples),
		"the generator, the receiver and, on PostgreSQL, the database run on the same two cores; Alertmanager tells at once (group_wait 0s), each alert by itself, and keeps alerts in memory alone",
	}}
	for _, who := range []string{"sqlite", "postgres", "alertmanager"} {
		if *only != "" && !strings.Contains(*only, who) {
			continue
		}
		hook := newHook()
		var l *load
		var stop func()
		if who == "alertmanager" {
			p, err := startPeer(bin, fmt.Sprintf(loadedPeer, hook.url))
			if err != nil {
				return nil, err
			}
			l, stop = &load{addr: p.addr, path: "/api/v2/alerts"}, p.stop
		} else {
			contact := fmt.Sprintf("{type: webhook, address: %q, pages: true}", hook.url)
			s, key, _, err := startIntake(who, fmt.Sprintf(loadedWorld, contact), "--allow-targets", "127.0.0.0/8")
			if err != nil {
				return nil, err
			}
			l, stop = &load{addr: s.addr, path: "/in/" + key + "/alertmanager/api/v2/alerts"}, s.stop
		}
		l.by, l.conns, l.starts = 64, 16, time.Now()
		limit, waits, err := hook.loaded(l)
		stop()
		hook.close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", who, err)
		}
		name := map[string]string{"sqlite": "sqlite", "postgres": "postgres", "alertmanager": "Alertmanager " + peerVersion[1:]}[who]
		promise := 250.
		if who == "alertmanager" {
			promise = 0
		}
		r.Figures = append(r.Figures,
			figure{Name: "limit of new alerts by 64, " + name, Value: limit, Unit: "/s"},
			figure{Name: "POST to webhook at half of it, " + name + ", p50", Value: quantile(waits, .5), Unit: "ms"},
			figure{Name: "POST to webhook at half of it, " + name + ", p99", Value: quantile(waits, .99), Unit: "ms", Promise: promise},
			figure{Name: "POST to webhook at half of it, " + name + ", slowest", Value: quantile(waits, 1), Unit: "ms"})
		fmt.Fprintf(os.Stderr, "%s: limit %.0f/s, p50 %.1f p99 %.1f max %.1f ms\n", who, limit, quantile(waits, .5), quantile(waits, .99), quantile(waits, 1))
	}
	return r, nil
}

// hook is a receiver of webhooks that knows which alert it was told of.
type hook struct {
	url     string
	close   func()
	mu      sync.Mutex
	arrived map[string]time.Time
}

func newHook() *hook {
	h := &hook{arrived: map[string]time.Time{}}
	addr, err := freeAddr()
	if err != nil {
		panic(err)
	}
	srv := &http.Server{Addr: addr, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		now := time.Now()
		b := make([]byte, 1<<16)
		n := 0
		for n < len(b) {
			m, err := r.Body.Read(b[n:])
			n += m
			if err != nil {
				break
			}
		}
		text := string(b[:n])
		h.mu.Lock()
		defer h.mu.Unlock()
		for {
			_, after, ok := strings.Cut(text, "probe-")
			if !ok {
				return
			}
			if id := "probe-" + after[:4]; h.arrived[id].IsZero() {
				h.arrived[id] = now
			}
			text = after
		}
	})}
	go func() { _ = srv.ListenAndServe() }()
	h.url, h.close = "http://"+addr+"/hook", func() { _ = srv.Close() }
	return h
}

// loaded finds the limit of the load, and then posts alerts that page at half of it.
func (h *hook) loaded(l *load) (limit float64, waits []float64, err error) {
	if err := l.warm(); err != nil {
		return 0, nil, err
	}
	flat := &load{addr: l.addr, path: l.path, by: l.by, conns: l.conns, starts: l.starts, first: l.first}
	out, err := flat.run(0, 10*time.Second)
	if err != nil {
		return 0, nil, err
	}
	limit = float64(out.alerts) / out.took.Seconds()
	half := &load{addr: l.addr, path: l.path, by: l.by, conns: l.conns, starts: l.starts, first: flat.first + out.alerts, rate: limit / 2}
	done := make(chan error, 1)
	go func() {
		_, err := half.run(0, (loadedSamples*100+3000)*time.Millisecond)
		done <- err
	}()
	time.Sleep(2 * time.Second) // real: until the load is under way
	sent := map[string]time.Time{}
	for i := range loadedSamples {
		id := fmt.Sprintf("probe-%04d", i)
		body := fmt.Sprintf(`[{"labels":{"alertname":"Probe","page":"yes","service":"checkout","severity":"critical","probe":%q}}]`, id)
		began := time.Now()
		sent[id] = began
		res, err := http.Post("http://"+l.addr+l.path, "application/json", strings.NewReader(body))
		if err != nil {
			return 0, nil, err
		}
		_ = res.Body.Close()
		if res.StatusCode != 200 {
			return 0, nil, fmt.Errorf("the alert that pages was answered %s", res.Status)
		}
		time.Sleep(time.Until(began.Add(100 * time.Millisecond))) // real: the schedule
	}
	if err := <-done; err != nil {
		return 0, nil, err
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) { // real: the last ones are on their way
		h.mu.Lock()
		n := len(h.arrived)
		h.mu.Unlock()
		if n == len(sent) {
			break
		}
		if time.Now().After(deadline) {
			return 0, nil, fmt.Errorf("%d of %d alerts that page never arrived", len(sent)-n, len(sent))
		}
	}
	for id, at := range h.arrived {
		waits = append(waits, float64(at.Sub(sent[id]).Microseconds())/1000)
	}
	return limit, waits, nil
}
