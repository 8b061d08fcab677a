package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

const openAlerts = 100_032 // in requests of 64

// benchOpen measures what 100,000 open alerts cost: memory, the pages and lists that show them, and a start that reads them again.
func benchOpen() (*result, error) {
	r := &result{Notes: []string{
		fmt.Sprintf("%d open alerts of about 550 bytes, all different; memory: resident 10 s after the last, and after a kill -9 and a new start", openAlerts),
		"lists: p99 of 100 requests one after the other; start: from exec until /-/ready answers and until an alert, posted again and again from before the start, is acknowledged; all alerts are counted afterwards",
	}}
	for _, engine := range []string{"sqlite", "postgres"} {
		if *only != "" && !strings.Contains(*only, engine) {
			continue
		}
		figures, err := open(engine)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", engine, err)
		}
		for _, f := range figures {
			f.Name += ", " + engine
			r.Figures = append(r.Figures, f)
		}
	}
	return r, nil
}

func open(engine string) (list []figure, err error) {
	s, key, token, err := startIntake(engine, intakeWorld)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	path := "/in/" + key + "/alertmanager/api/v2/alerts"
	l := &load{addr: s.addr, path: path, by: 64, conns: 8, starts: time.Now()}
	if _, err := l.run(openAlerts, 0); err != nil {
		return nil, err
	}
	time.Sleep(10 * time.Second) // real: what was only needed to take them in goes
	memory, err := s.memory()
	if err != nil {
		return nil, err
	}
	list = append(list, figure{Name: "100,000 open alerts, memory", Value: memory, Unit: "MB", Promise: 300})
	for _, x := range []struct{ name, path, shows string }{
		{"API, first 100", "/api/v1/alerts?limit=100&state=firing", "ALR-100032"},
		{"API, first 100 with a label", "/api/v1/alerts?limit=100&state=firing&label=instance=10.0.0.7:9100", "10.0.0.7:9100"},
		{"Alertmanager's API, one label", "/alertmanager/api/v2/alerts?filter=n%3D%220000050000%22", "0000050000"},
		{"page of alerts", "/alerts", "ALR-100032"},
		{"page Now", "/", "ALR-"},
	} {
		var waits []float64
		for range 100 {
			began := time.Now()
			text, err := s.get(x.path, token)
			if err != nil {
				return nil, err
			}
			if !strings.Contains(string(text), x.shows) {
				return nil, fmt.Errorf("%s does not show %s", x.path, x.shows)
			}
			waits = append(waits, float64(time.Since(began).Microseconds())/1000)
		}
		list = append(list, figure{Name: "100,000 open alerts, " + x.name + ", p99", Value: quantile(waits, .99), Unit: "ms", Promise: 200})
	}
	again, err := s.restart(path)
	if err != nil {
		return nil, err
	}
	list = append(list, again...)
	time.Sleep(10 * time.Second) // real: as above
	if memory, err = s.memory(); err != nil {
		return nil, err
	}
	list = append(list, figure{Name: "100,000 open alerts, memory after a new start", Value: memory, Unit: "MB", Promise: 300})
	text, err := s.get("/alertmanager/api/v2/alerts", token)
	if err != nil {
		return nil, err
	}
	if n := strings.Count(string(text), `"fingerprint"`); n != openAlerts+1 {
		return nil, fmt.Errorf("%d alerts are open, of %d", n, openAlerts+1)
	}
	return list, s.complete(token, openAlerts)
}

// restart kills the server, starts it again, and posts one alert again and again meanwhile.
func (s *server) restart(path string) ([]figure, error) {
	s.kill()
	began := time.Now()
	accepted := make(chan time.Duration, 1)
	failed := make(chan error, 1)
	go func() {
		for time.Since(began) < 30*time.Second {
			res, err := http.Post("http://"+s.addr+path, "application/json", strings.NewReader(`[{"labels":{"alertname":"Meanwhile"}}]`))
			if err == nil {
				_ = res.Body.Close()
				if res.StatusCode == 200 {
					accepted <- time.Since(began)
					return
				}
			}
			time.Sleep(5 * time.Millisecond) // real: nobody listens yet
		}
		failed <- fmt.Errorf("no alert was acknowledged within 30 s of the start")
	}()
	ready, err := s.start()
	if err != nil {
		return nil, err
	}
	select {
	case err := <-failed:
		return nil, err
	case first := <-accepted:
		return []figure{
			{Name: "100,000 open alerts, start until ready", Value: ready.Seconds(), Unit: "s", Promise: 1},
			{Name: "100,000 open alerts, start until an alert is acknowledged", Value: first.Seconds(), Unit: "s", Promise: 1},
		}, nil
	}
}
