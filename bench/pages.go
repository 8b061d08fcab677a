package main

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync/atomic"
	"time"
)

const pagedAlerts = 3_200

var newestPage = regexp.MustCompile(`"number":"PAG-(\d+)"`)

// paged measures what the intake does not have to wait for: pages. Every alert is new and asks a policy for a page of its own, which
// tells one person over one webhook.
func paged(engine string) (list []figure, err error) {
	var told atomic.Int64
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	srv := &http.Server{Addr: addr, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		told.Add(1)
	})}
	go func() { _ = srv.ListenAndServe() }()
	defer srv.Close() //nolint:errcheck // nobody else needs it
	contact := fmt.Sprintf("{type: webhook, address: \"http://%s/hook\", pages: true}", addr)
	s, key, token, err := startIntake(engine, fmt.Sprintf(world, contact), "--allow-targets", "127.0.0.0/8")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	l := &load{addr: s.addr, path: "/in/" + key + "/alertmanager/api/v2/alerts", by: 64, conns: 8, starts: time.Now()}
	began := time.Now()
	if _, err := l.run(pagedAlerts, 0); err != nil {
		return nil, err
	}
	taken := time.Since(began)
	var opened time.Duration
	for n := 0; opened == 0 || told.Load() < pagedAlerts; time.Sleep(10 * time.Millisecond) { // real: another process
		if time.Since(began) > 3*time.Minute {
			return nil, fmt.Errorf("after 3 minutes %d of %d pages are open and %d have been told", n, pagedAlerts, told.Load())
		}
		if opened > 0 {
			continue
		}
		text, err := s.get("/api/v1/pages?limit=1", token)
		if err != nil {
			return nil, err
		}
		if m := newestPage.FindSubmatch(text); m != nil {
			if n, err = strconv.Atoi(string(m[1])); err != nil {
				return nil, err
			}
		}
		if n >= pagedAlerts {
			opened = time.Since(began)
		}
	}
	all := time.Since(began)
	name := fmt.Sprintf("%d alerts at once that all page, %s, ", pagedAlerts, engine)
	return []figure{
		{Name: name + "acknowledged", Value: pagedAlerts / taken.Seconds(), Unit: "/s"},
		{Name: name + "pages opened", Value: pagedAlerts / opened.Seconds(), Unit: "/s"},
		{Name: name + "webhooks told", Value: float64(told.Load()) / all.Seconds(), Unit: "/s"},
	}, nil
}
