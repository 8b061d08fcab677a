package statuspage_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/practice/communication/statuspage"
)

func ask(h http.Handler, method, path string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func read(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Every file has a strong tag and answers 304, HEAD and gzip.
func TestHandler(t *testing.T) {
	files := render(t, harbour())
	h := &statuspage.Handler{}
	if r := ask(h, "GET", "/"); r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
		t.Errorf("before the first rendering: %d", r.StatusCode)
	}
	h.Show(files, now, now)
	for name, f := range files {
		if name == "404.html" {
			continue
		}
		path := "/" + strings.TrimSuffix(name, "index.html")
		r := ask(h, "GET", path)
		tag := r.Header.Get("ETag")
		if r.StatusCode != 200 || read(t, r) != string(f.Body) || !strings.HasPrefix(tag, `"`) || r.Header.Get("Content-Type") == "" {
			t.Errorf("GET %s: %d, tag %s, type %s", path, r.StatusCode, tag, r.Header.Get("Content-Type"))
		}
		if got := r.Header.Get("Cache-Control"); got != "max-age=10, stale-while-revalidate=60, stale-if-error=86400" {
			t.Errorf("GET %s: Cache-Control %q", path, got)
		}
		for _, known := range []string{tag, `W/"x", ` + tag, "*", strings.TrimSuffix(tag, `"`) + `-gz"`} {
			if r := ask(h, "GET", path, "If-None-Match", known); r.StatusCode != 304 || read(t, r) != "" || r.Header.Get("ETag") != tag {
				t.Errorf("GET %s with %s: %d", path, known, r.StatusCode)
			}
		}
		if r := ask(h, "GET", path, "If-None-Match", `"another"`); r.StatusCode != 200 {
			t.Errorf("GET %s with another tag: %d", path, r.StatusCode)
		}
		if r := ask(h, "HEAD", path); r.StatusCode != 200 || read(t, r) != "" || r.Header.Get("ETag") != tag || r.ContentLength != int64(len(f.Body)) {
			t.Errorf("HEAD %s: %d, length %d", path, r.StatusCode, r.ContentLength)
		}
		if f.Zip == nil {
			continue
		}
		r = ask(h, "GET", path, "Accept-Encoding", "br, gzip;q=0.5")
		z, err := gzip.NewReader(r.Body)
		if err != nil || r.Header.Get("Content-Encoding") != "gzip" || r.Header.Get("Vary") != "Accept-Encoding" || r.Header.Get("ETag") == tag {
			t.Fatalf("GET %s compressed: %v, tag %s", path, err, r.Header.Get("ETag"))
		}
		if b, err := io.ReadAll(z); err != nil || !bytes.Equal(b, f.Body) {
			t.Errorf("GET %s compressed gives other bytes: %v", path, err)
		}
	}
	for header, want := range map[string]string{"": "", "gzip": "gzip", "*": "gzip", "gzip;q=0": "", "gzip; q=0.0, *": "", "identity": "", "GZIP": "gzip"} {
		if got := ask(h, "GET", "/", "Accept-Encoding", header).Header.Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %q gives %q; want %q", header, got, want)
		}
	}
	if r := ask(h, "POST", "/"); r.StatusCode != 405 || r.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d", r.StatusCode)
	}
	if r := ask(h, "GET", "/incidents/none"); r.StatusCode != 404 || !strings.Contains(read(t, r), "There is no such page") {
		t.Errorf("a page that is not there: %d", r.StatusCode)
	}
	if r := ask(h, "GET", "/incidents/i-2"); r.StatusCode != 200 {
		t.Errorf("an incident without the last slash: %d", r.StatusCode)
	}
	if got := ask(h, "GET", "/").Header.Get("Content-Security-Policy"); strings.Contains(got, "unsafe") || !strings.Contains(got, "default-src 'none'") {
		t.Errorf("policy %q", got)
	}
	if ask(h, "GET", "/api/v2/summary.json").Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Error("browsers of other pages cannot read the API")
	}
}

// A page that could not be brought up to date says so without script.
func TestAge(t *testing.T) {
	h := &statuspage.Handler{}
	files := render(t, harbour())
	h.Show(files, now.Add(-50*time.Second), now)
	fresh := ask(h, "GET", "/")
	if strings.Contains(read(t, fresh), "class=\"age\"") {
		t.Error("a fresh page says its age")
	}
	h.Show(files, now.Add(-5*time.Minute), now)
	old := ask(h, "GET", "/")
	if body := read(t, old); !strings.Contains(body, "This page is as of 17 March 2026, 03:09 UTC, 5 min ago.") {
		t.Errorf("an old page does not say its age: %.900s", body)
	}
	if old.Header.Get("ETag") == fresh.Header.Get("ETag") {
		t.Error("the old page has the tag of the fresh one")
	}
	if got := old.Header.Get("Mainstay-As-Of"); got != "2026-03-17T03:09:20Z" {
		t.Errorf("as of %q", got)
	}
}

func BenchmarkServe(b *testing.B) {
	h := &statuspage.Handler{}
	h.Show(render(b, many(50)), now, now)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}
