package statuspage

import (
	"bytes"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Handler serves files that were made beforehand: no request costs more than a look into a map. Its methods may be called from
// many goroutines.
type Handler struct{ shown atomic.Pointer[shown] }

// shown is what is served now, never changed once it is stored.
type shown struct {
	answers map[string]*answer // by path of the request
	missing *answer
	asOf    []string
}

// answer is a file with its headers, as they go out.
type answer struct {
	file        *File
	contentType []string
	tag, zipTag []string
	length      []string
	zipLength   []string
}

// staleAfter is the age from which a page says how old it is.
const staleAfter = time.Minute

// Show serves the files from now on. asOf is the time at which they were known to be current; when that is more than a minute
// before now, each page says so in its first lines.
func (h *Handler) Show(files Files, asOf, now time.Time) {
	s := &shown{answers: make(map[string]*answer, len(files)), asOf: []string{asOf.UTC().Format(time.RFC3339)}}
	notice := ageNotice(asOf, now)
	for name, f := range files {
		if notice != "" && strings.HasSuffix(name, ".html") {
			f = newFile(name, bytes.Replace(f.Body, []byte(ageMark), []byte(notice), 1), nil)
		}
		a := newAnswer(f)
		if name == "404.html" {
			s.missing = a
			continue
		}
		s.answers["/"+name] = a
		if dir, ok := strings.CutSuffix("/"+name, "index.html"); ok {
			s.answers[dir] = a
			if dir != "/" {
				s.answers[strings.TrimSuffix(dir, "/")] = a
			}
		}
	}
	h.shown.Store(s)
}

// ageNotice is what an old page says of itself, "" for a fresh one. It changes once a minute.
func ageNotice(asOf, now time.Time) string {
	age := now.Sub(asOf)
	if age <= staleAfter {
		return ""
	}
	return fmt.Sprintf(`<p class="age" role="status"><b>This page is as of %s, %s ago.</b> It could not be brought up to date since.</p>`,
		html.EscapeString(asOf.UTC().Format("2 January 2006, 15:04 MST")), html.EscapeString(long(age.Truncate(time.Minute))))
}

func newAnswer(f *File) *answer {
	return &answer{
		file: f, contentType: []string{f.Type}, tag: []string{`"` + f.Sum + `"`}, zipTag: []string{`"` + f.Sum + `-gz"`},
		length: []string{strconv.Itoa(len(f.Body))}, zipLength: []string{strconv.Itoa(len(f.Zip))},
	}
}

// Header values that every answer shares. They are never changed.
var (
	cacheControl = []string{"max-age=10, stale-while-revalidate=60, stale-if-error=86400"}
	noSniff      = []string{"nosniff"}
	policy       = []string{"default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}
	noReferrer   = []string{"no-referrer"}
	vary         = []string{"Accept-Encoding"}
	gzipped      = []string{"gzip"}
	anyOrigin    = []string{"*"}
	allow        = []string{"GET, HEAD"}
)

// ServeHTTP answers GET and HEAD.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head["X-Content-Type-Options"], head["Content-Security-Policy"], head["Referrer-Policy"] = noSniff, policy, noReferrer
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		head["Allow"] = allow
		http.Error(w, "this page can only be read", http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Path == "/-/healthy" {
		head["Cache-Control"] = []string{"no-store"}
		_, _ = w.Write([]byte("ok\n"))
		return
	}
	s := h.shown.Load()
	if s == nil {
		head["Retry-After"] = []string{"1"}
		head["Cache-Control"] = []string{"no-store"}
		http.Error(w, "the status page is not ready yet; try again in a second", http.StatusServiceUnavailable)
		return
	}
	head["Cache-Control"], head["Vary"], head["Mainstay-As-Of"] = cacheControl, vary, s.asOf
	a, status := s.answers[r.URL.Path], http.StatusOK
	if a == nil {
		if a, status = s.missing, http.StatusNotFound; a == nil {
			http.NotFound(w, r)
			return
		}
	}
	a.serve(w, r, status)
}

func (a *answer) serve(w http.ResponseWriter, r *http.Request, status int) {
	head := w.Header()
	tag, length, body := a.tag, a.length, a.file.Body
	zip := a.file.Zip != nil && acceptsGzip(r.Header["Accept-Encoding"])
	if zip {
		tag, length, body = a.zipTag, a.zipLength, a.file.Zip
	}
	if !strings.HasPrefix(a.contentType[0], "text/html") {
		head["Access-Control-Allow-Origin"] = anyOrigin
	}
	if status == http.StatusOK {
		head["Etag"] = tag
		if matches(r.Header["If-None-Match"], a.tag[0], a.zipTag[0]) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	head["Content-Type"], head["Content-Length"] = a.contentType, length
	if zip {
		head["Content-Encoding"] = gzipped
	}
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // whoever hung up does not need it
	}
}

// matches reports whether an If-None-Match header names one of the tags of this file, or any.
func matches(headers []string, tag, zipTag string) bool {
	for _, h := range headers {
		for h != "" {
			var one string
			one, h, _ = strings.Cut(h, ",")
			one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
			if one == "*" || one == tag || one == zipTag {
				return true
			}
		}
	}
	return false
}

// acceptsGzip reads Accept-Encoding: gzip is named, or anything is, and not with weight 0.
func acceptsGzip(headers []string) bool {
	star := false
	for _, h := range headers {
		for h != "" {
			var one string
			one, h, _ = strings.Cut(h, ",")
			name, params, _ := strings.Cut(one, ";")
			name = strings.TrimSpace(name)
			if !strings.EqualFold(name, "gzip") && name != "*" {
				continue
			}
			q, weighted := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(params), " ", ""), "q=")
			weight, err := strconv.ParseFloat(q, 64)
			yes := !weighted || err == nil && weight > 0
			if name != "*" {
				return yes
			}
			star = yes
		}
	}
	return star
}
