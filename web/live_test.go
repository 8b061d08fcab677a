package web_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/web"
)

// stream is one open page.
type stream struct {
	t      testing.TB
	lines  chan string
	cancel context.CancelFunc
	status int
}

// listen opens the live stream as one of the people.
func (w *world) listen(who, query string, headers ...string) *stream {
	w.t.Helper()
	if w.srv == nil {
		w.srv = httptest.NewServer(w.h)
		w.t.Cleanup(func() { w.rt.Live().Close(); w.srv.Close() })
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", w.srv.URL+"/live"+query, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.AddCookie(&http.Cookie{Name: "who", Value: who})
	req.Header.Set("Accept-Encoding", "gzip")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	s := &stream{t: w.t, lines: make(chan string, 1000), cancel: cancel, status: res.StatusCode}
	go func() {
		defer close(s.lines)
		defer func() { _ = res.Body.Close() }()
		for scan := bufio.NewScanner(res.Body); scan.Scan(); {
			if line := scan.Text(); line != "" {
				s.lines <- line
			}
		}
	}()
	return s
}

// until reads on to a line that begins so, and returns its rest. It fails when the stream ends before.
func (s *stream) until(prefix string) string {
	s.t.Helper()
	for {
		select {
		case line, ok := <-s.lines:
			if !ok {
				s.t.Fatalf("the stream ended before %q", prefix)
			}
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				return rest
			}
			if strings.HasPrefix(line, "data: ") && line != "data: " && prefix == "never" {
				s.t.Fatalf("heard %q", line)
			}
		case <-time.After(5 * time.Second):
			s.t.Fatalf("no %q within 5 s", prefix)
		}
	}
}

func ref(kind mainstay.Kind, id string) mainstay.Ref { return mainstay.Ref{Kind: kind, ID: id} }

func TestTheStreamSaysWhatChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.listen("ana", "")
	s.until("event: hello")
	w.rt.Live().Publish("har", []mainstay.Ref{ref("incident", "i42"), ref("page", "p1")})
	if got := s.until("data: inc"); got != "ident:i42 page:p1 project:har" {
		t.Fatal(got)
	}
}

func TestTheStreamTellsNobodyWhatTheyMayNotRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.listen("sten", "") // a stakeholder: incidents, no alerts, project har only
	s.until("event: hello")
	w.rt.Live().Publish("sec", []mainstay.Ref{ref("incident", "i99")})
	w.rt.Live().Publish("har", []mainstay.Ref{ref("alert", "a1")})
	w.rt.Live().Publish("har", []mainstay.Ref{ref("incident", "i66")}) // private
	w.rt.Live().Publish("har", []mainstay.Ref{ref("alert", "a2"), ref("incident", "i42")})
	if got := s.until("data: "); got != "" { // the hello
		t.Fatal(got)
	}
	if got := s.until("data: "); got != "incident:i42 project:har" {
		t.Fatal(got)
	}
	for who, knows := range map[string]bool{"ana": false, "role": true, "max": true} {
		s := w.listen(who, "")
		s.until("event: hello")
		s.until("data: ")
		w.rt.Live().Publish("har", []mainstay.Ref{ref("incident", "i66")})
		w.rt.Live().Publish("har", []mainstay.Ref{ref("incident", "i42")})
		if got := s.until("data: "); (got == "incident:i66 project:har") != knows {
			t.Errorf("%s hears of a private incident: %q", who, got)
		}
	}
	if nobody := w.listen("", ""); nobody.status != 401 {
		t.Fatalf("nobody gets %d", nobody.status)
	}
}

func TestAfterAReconnectNothingIsMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.listen("ana", "")
	at := s.until("id: ")
	s.cancel()
	w.rt.Live().Publish("har", []mainstay.Ref{ref("incident", "i1")})
	w.rt.Live().Publish("har", []mainstay.Ref{ref("incident", "i2")})
	again := w.listen("ana", "?after="+at)
	again.until("data: incident:i1")
	last := again.until("id: ")
	again.until("data: incident:i2")
	// The browser's own reconnect knows better than the page's address.
	w.rt.Live().Publish("har", []mainstay.Ref{ref("incident", "i3")})
	third := w.listen("ana", "?after="+at, "Last-Event-ID", last)
	if got := third.until("data: incident:"); !strings.HasPrefix(got, "i3") {
		t.Fatal(got)
	}
	// Another process, or too long ago: the page refreshes wholly.
	w.listen("ana", "?after=other.7").until("event: whole")
	for range 3000 {
		w.rt.Live().Publish("har", []mainstay.Ref{ref("incident", "i4")})
	}
	w.listen("ana", "?after="+at).until("event: whole")
}

func TestAPageKnowsWhereItWasMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at, _ := page(t, w.ask("ana", "GET", "/incidents/INC-42", "")).Find("html").Attr("data-live-at")
	w.rt.Live().Publish("har", []mainstay.Ref{ref("incident", "i42")}) // between the page and its stream
	w.listen("ana", "?after="+at).until("data: incident:i42")
}

func TestAStreamBeatsAndEndsWithTheSession(t *testing.T) {
	t.Parallel()
	var gone atomic.Bool
	w := newWorld(t, func(cfg *web.Config) { cfg.Identity = doorsWhile{open: func() bool { return !gone.Load() }} })
	s := w.listen("ana", "")
	s.until("event: hello")
	s.after(w, "event: beat")
	gone.Store(true)
	s.after(w, "event: end")
}

// Whoever's session has ended hears no more, however much there is to tell.
func TestABusyStreamEndsWithTheSession(t *testing.T) {
	t.Parallel()
	var gone atomic.Bool
	w := newWorld(t, func(cfg *web.Config) { cfg.Identity = doorsWhile{open: func() bool { return !gone.Load() }} })
	s := w.listen("ana", "")
	s.until("event: hello")
	gone.Store(true)
	for range 500 {
		w.rt.Live().Publish("har", []mainstay.Ref{ref("incident", "i42")})
		w.clock.Advance(3 * time.Second) // never a beat without an event before it
		select {
		case line := <-s.lines:
			if line == "event: end" {
				return
			}
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatal("it hears on")
}

// after moves the clock by the time of a beat, again and again, until the line comes: the stream may not wait yet.
func (s *stream) after(w *world, line string) {
	s.t.Helper()
	for range 500 {
		w.clock.Advance(21 * time.Second)
		select {
		case got := <-s.lines:
			if got == line {
				return
			}
		case <-time.After(10 * time.Millisecond):
		}
	}
	s.t.Fatalf("no %q", line)
}

func TestTheServerEndsItsStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.listen("ana", "")
	s.until("event: hello")
	w.rt.Live().Close()
	for range s.lines {
	}
	if late := w.listen("ana", ""); late.status != 503 {
		t.Fatalf("after the end: %d", late.status)
	}
}
