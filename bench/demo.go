package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"
)

// benchDemo measures how soon the demonstration answers, how soon the year of its second project is there, how its pages answer
// meanwhile, and counts what it has.
func benchDemo() (*result, error) {
	r := &result{Notes: []string{
		"first page: from the start of mainstay demo until /-/ready answers 200, with 30 days of history; year: until the second project has come home, played in the background",
		"page: GET / signed in, every 50 ms while the year is played",
	}}
	s, err := newServer("sqlite")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	began := time.Now()
	home, err := s.demo()
	if err != nil {
		return nil, err
	}
	if err := s.ready(time.Minute, home); err != nil {
		return nil, err
	}
	first := time.Since(began)
	c, err := s.visitor("ana@harbour.example", "harbour-demo")
	if err != nil {
		return nil, err
	}
	pages, line, err := s.visit(c, home)
	if err != nil {
		return nil, err
	}
	year := time.Since(began)
	if !strings.Contains(line, "come home") {
		return nil, fmt.Errorf("the demonstration says %q", line)
	}
	cpu, err := s.cpu()
	if err != nil {
		return nil, err
	}
	memory, err := s.memory()
	if err != nil {
		return nil, err
	}
	r.Figures = []figure{
		{Name: "first page, with 30 days of history", Value: first.Seconds(), Unit: "s", Promise: 10},
		{Name: "a year in a second project, after the start", Value: year.Seconds(), Unit: "s", Promise: 120},
		{Name: "page while the year is played, p50", Value: quantile(pages, 0.5), Unit: "ms"},
		{Name: "page while the year is played, p99", Value: quantile(pages, 0.99), Unit: "ms"},
		{Name: "processor time until the year is there", Value: cpu, Unit: "s"},
		{Name: "memory then", Value: memory, Unit: "MB"},
	}
	for _, of := range []struct {
		path    string
		promise float64
	}{{"alerts", 3000}, {"pages", 400}, {"incidents", 60}} {
		n, err := s.count(c, of.path)
		if err != nil {
			return nil, err
		}
		r.Figures = append(r.Figures, figure{Name: of.path, Value: float64(n), Unit: "", Promise: of.promise, AtLeast: true})
	}
	_ = s.cmd.Process.Signal(os.Interrupt) // it removes its folder
	return r, s.cmd.Wait()
}

// demo starts the demonstration. The channel gives the line that says how the year of its second project ended.
func (s *server) demo() (<-chan string, error) {
	s.cmd = exec.Command(s.bin, "demo", "--listen", s.addr, "--status-listen", s.status)
	progress, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	home := make(chan string, 1)
	go func() {
		last, lines := "", bufio.NewScanner(progress)
		for lines.Scan() {
			if last = lines.Text(); strings.Contains(last, "come home") || strings.Contains(last, "could not") {
				break
			}
		}
		home <- last
		_, _ = io.Copy(io.Discard, progress)
	}()
	return home, nil
}

// ready waits until the server answers, or has ended.
func (s *server) ready(most time.Duration, ended <-chan string) error {
	for began := time.Now(); time.Since(began) < most; time.Sleep(5 * time.Millisecond) { // real: the server is another process
		select {
		case line := <-ended:
			return fmt.Errorf("it ended: %s", line)
		default:
		}
		if res, err := http.Get("http://" + s.addr + "/-/ready"); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
	return fmt.Errorf("it did not become ready in %s", most)
}

// visitor signs in and keeps the cookie.
func (s *server) visitor(email, password string) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	c := &http.Client{Jar: jar, Timeout: 30 * time.Second}
	res, err := c.PostForm("http://"+s.addr+"/sign-in", url.Values{"email": {email}, "password": {password}})
	if err != nil {
		return nil, err
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("signing in answers %s", res.Status)
	}
	return c, nil
}

// visit looks at Now until home says something; it returns how long each look took, in ms.
func (s *server) visit(c *http.Client, home <-chan string) (took []float64, line string, err error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case line := <-home:
			return took, line, nil
		case <-tick.C:
			began := time.Now()
			res, err := c.Get("http://" + s.addr + "/")
			if err != nil {
				return took, "", err
			}
			_ = res.Body.Close()
			if res.StatusCode != http.StatusOK {
				return took, "", fmt.Errorf("the page Now answers %s", res.Status)
			}
			took = append(took, float64(time.Since(began).Microseconds())/1000)
		}
	}
}

// count pages through a list of the API.
func (s *server) count(c *http.Client, list string) (n int, err error) {
	for cursor := ""; ; {
		res, err := c.Get("http://" + s.addr + "/api/v1/" + list + "?limit=1000&cursor=" + url.QueryEscape(cursor))
		if err != nil {
			return n, err
		}
		var page struct {
			Items []json.RawMessage `json:"items"`
			Next  string            `json:"next"`
		}
		err = json.NewDecoder(res.Body).Decode(&page)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK {
			return n, fmt.Errorf("%s answers %s: %w", list, res.Status, err)
		}
		n += len(page.Items)
		if cursor = page.Next; cursor == "" {
			return n, nil
		}
	}
}
