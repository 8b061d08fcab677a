package intakeweb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/intake"
)

// buffer is the memory of one request: its body as read, and compressed.
type buffer struct {
	raw    bytes.Buffer
	packed []byte
}

// keepBuffer bounds what goes back to the pool, so that one huge body is not held for ever.
const keepBuffer = 1 << 20

var gzips sync.Pool

// ServeHTTP takes one request of a sender.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	format := p.formats[r.PathValue("format")]
	if format == nil {
		reply(w, intake.Reply{Status: 404, Type: "application/problem+json", Body: []byte(`{"status":404,"detail":"There is no intake format of this name."}` + "\n")})
		return
	}
	key, err := p.key(r, format.Name())
	if err != nil {
		if mainstay.Is(err, mainstay.Unauthenticated) {
			w.Header().Set("WWW-Authenticate", `Basic realm="Mainstay intake"`)
		}
		p.refuse(w, r, format, err)
		return
	}
	b, _ := p.buffers.Get().(*buffer)
	if b == nil {
		b = &buffer{}
	}
	b.raw.Reset()
	limits := p.cfg.Limits().Filled()
	held := intake.Holds(r.ContentLength, r.Header.Get("Content-Encoding") != "", limits)
	defer func() { p.held.Add(-held) }()
	if p.held.Add(held) > p.cfg.InFlight && held > intake.LeastHeld {
		p.refuse(w, r, format, intake.ErrFull)
		return
	}
	if err := read(&b.raw, w, r, limits); err != nil {
		p.refuse(w, r, format, err)
		return
	}
	more := int64(b.raw.Len()) - held
	p.held.Add(more)
	held += more
	if p.take(w, r, format, key, limits, b) && b.raw.Cap() <= keepBuffer {
		p.buffers.Put(b)
	}
}

// take parses and commits a body and answers. It reports whether nobody holds the buffer any more.
func (p *Pages) take(w http.ResponseWriter, r *http.Request, format intake.Format, key intake.Key, limits intake.Limits, b *buffer) bool {
	req := &intake.Request{
		Method: r.Method, Path: "/" + r.PathValue("path"), Type: r.Header.Get("Content-Type"), Accept: r.Header.Get("Accept"),
		Scope: key.Service, Body: b.raw.Bytes(), Now: p.cfg.Time.Now(),
	}
	if r.URL.RawQuery != "" {
		req.Query = r.URL.Query()
	}
	parsed := format.Parse(req, limits)
	if parsed.Empty() {
		reply(w, parsed.Reply)
		return true
	}
	b.packed = s2.Encode(b.packed[:cap(b.packed)], b.raw.Bytes())
	batch := &intake.Batch{
		Project: key.Project, Service: key.Service, Key: key.ID, Format: format.Name(), Body: b.packed, At: req.Now,
		Signals: parsed.Signals, Beat: parsed.Beat, Want: parsed.Answer != nil,
	}
	if parsed.Head {
		batch.Head = req.Head()
	}
	if err := p.cfg.Sink.Take(r.Context(), batch); err != nil {
		p.refuse(w, r, format, err)
		return false
	}
	p.cfg.Keys.Used(r.Context(), key)
	if parsed.Answer != nil {
		parsed.Reply = parsed.Answer(batch.Results)
	}
	reply(w, parsed.Reply)
	return true
}

// key finds the key of a request: in the path, and as bearer or as the password of basic authentication.
func (p *Pages) key(r *http.Request, format string) (intake.Key, error) {
	inPath := r.PathValue("key")
	given := make([]string, 0, 3)
	if inPath != "-" {
		if !intake.ValidKey(inPath) {
			inPath = strings.Repeat("0", 32) // no key: the same answer as for an unknown one
		}
		given = append(given, inPath)
	}
	if h := r.Header.Get("Authorization"); h != "" {
		if scheme, token, ok := strings.Cut(h, " "); ok && strings.EqualFold(scheme, "bearer") {
			given = append(given, strings.TrimSpace(token))
		} else if _, password, ok := r.BasicAuth(); ok {
			given = append(given, password)
		}
	}
	return p.cfg.Keys.Find(r.Context(), format, given...)
}

// read takes the body into the buffer, unpacked.
func read(to *bytes.Buffer, w http.ResponseWriter, r *http.Request, l intake.Limits) error {
	if r.ContentLength > l.Body {
		return tooLarge("as sent", l.Body)
	}
	body := io.Reader(http.MaxBytesReader(w, r.Body, l.Body))
	limit := l.Body
	switch enc := strings.ToLower(r.Header.Get("Content-Encoding")); enc {
	case "", "identity":
	case "gzip", "x-gzip":
		z, _ := gzips.Get().(*gzip.Reader)
		if z == nil {
			z = &gzip.Reader{}
		}
		defer gzips.Put(z)
		if err := z.Reset(body); err != nil {
			return unread(err, l)
		}
		body, limit = io.LimitReader(z, l.Unpacked+1), l.Unpacked
	default:
		return mainstay.Errorf(mainstay.Invalid, "The content encoding %q is not understood: send gzip, or nothing.", clip(enc))
	}
	if r.ContentLength > 0 {
		to.Grow(int(min(r.ContentLength, l.Body)) + bytes.MinRead)
	}
	if _, err := to.ReadFrom(body); err != nil {
		return unread(err, l)
	}
	if int64(to.Len()) > limit {
		return tooLarge("unpacked", limit)
	}
	return nil
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40]
	}
	return s
}

func unread(err error, l intake.Limits) error {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return tooLarge("as sent", l.Body)
	}
	return fmt.Errorf("%w: %w", mainstay.Errorf(mainstay.Invalid, "The body cannot be read: it ends early, or is not what its encoding says."), err)
}

func tooLarge(how string, limit int64) error {
	return mainstay.Errorf(mainstay.TooLarge, "The body is too large: %s, at most %d bytes are accepted. Send less at a time.", how, limit)
}

// refuse answers an error in the sender's own shape.
func (p *Pages) refuse(w http.ResponseWriter, r *http.Request, format intake.Format, err error) {
	code := mainstay.ErrorCode(err)
	if code == mainstay.Internal || code == mainstay.Unavailable {
		if r.Context().Err() != nil {
			return // nobody listens
		}
		p.cfg.Log.Error("a request could not be taken in", "format", format.Name(), "error", err)
	}
	if code == mainstay.Unavailable || code == mainstay.TooMany {
		w.Header().Set("Retry-After", intake.RetryAfter)
	}
	reply(w, format.Refuse(code, mainstay.ErrorMessage(err)))
}

func reply(w http.ResponseWriter, a intake.Reply) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if a.Type != "" {
		h.Set("Content-Type", a.Type)
	}
	w.WriteHeader(a.Status)
	if len(a.Body) > 0 {
		_, _ = w.Write(a.Body) // the sender may have gone
	}
}
