package web

import (
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// answer is the response writer of the whole server: it counts, and compresses what is text and long enough.
type answer struct {
	http.ResponseWriter
	head    bool // a HEAD request: no body, so nothing to compress
	accepts bool // the client takes gzip
	status  int
	written int64
	zip     *gzip.Writer
}

var zips = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, 5)
	if err != nil {
		panic(err) // level 5 exists
	}
	return z
}}

func newAnswer(w http.ResponseWriter, req *http.Request) *answer {
	return &answer{ResponseWriter: w, head: req.Method == http.MethodHead, accepts: acceptsGzip(req.Header.Get("Accept-Encoding"))}
}

// acceptsGzip reads an Accept-Encoding header.
func acceptsGzip(header string) bool {
	for _, part := range strings.Split(header, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q, ok := strings.CutPrefix(strings.TrimSpace(params), "q=")
			v, err := strconv.ParseFloat(q, 64)
			return !ok || err != nil || v > 0
		}
	}
	return false
}

// shortest is the length in bytes from which compressing pays.
const shortest = 1024

func (a *answer) WriteHeader(status int) {
	if a.status != 0 {
		return
	}
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		a.ResponseWriter.WriteHeader(status)
		return
	}
	a.status = status
	h := a.Header()
	if compressible(h) {
		h.Add("Vary", "Accept-Encoding")
		n, err := strconv.Atoi(h.Get("Content-Length"))
		long := err != nil || n >= shortest
		bodyless := status == http.StatusNoContent || status == http.StatusNotModified || a.head
		if a.accepts && long && !bodyless {
			h.Set("Content-Encoding", "gzip")
			h.Del("Content-Length")
			a.zip = zips.Get().(*gzip.Writer)
			a.zip.Reset(a.ResponseWriter)
		}
	}
	a.ResponseWriter.WriteHeader(status)
}

func compressible(h http.Header) bool {
	if h.Get("Content-Encoding") != "" {
		return false
	}
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	switch kind {
	case "text/html", "text/css", "text/javascript", "text/plain", "application/json", "application/problem+json",
		"application/vnd.oai.openapi+json", "application/manifest+json", "image/svg+xml":
		return true
	}
	return false
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		if a.Header().Get("Content-Type") == "" {
			a.Header().Set("Content-Type", http.DetectContentType(b))
		}
		a.WriteHeader(http.StatusOK)
	}
	a.written += int64(len(b))
	if a.zip != nil {
		return a.zip.Write(b)
	}
	return a.ResponseWriter.Write(b)
}

// Flush sends on what was written so far.
func (a *answer) Flush() {
	if a.zip != nil {
		_ = a.zip.Flush() // a broken connection shows at the next write
	}
	_ = http.NewResponseController(a.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// close ends the compressed stream.
func (a *answer) close() {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.zip != nil {
		_ = a.zip.Close() // the client may have gone
		zips.Put(a.zip)
		a.zip = nil
	}
}
