package alertmanager

import (
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay/core/intake"
)

// scan reads the plain form that senders really use, an order of magnitude faster than a general decoder. Whatever is not plain,
// every error included, makes it report false; then decode reads the body from the start. What scan accepts, decode must read
// alike: the fuzz test compares them.
func scan(src string) ([]alert, bool) {
	if !utf8.ValidString(src) {
		return nil, false
	}
	s := scanner{src: src, slab: make([]intake.Label, 0, len(src)/32)}
	list := make([]alert, 0, len(src)/512+1)
	if !s.take('[') {
		return nil, false
	}
	for !s.take(']') {
		if len(list) > 0 && !s.take(',') {
			return nil, false
		}
		var a alert
		if !s.alert(&a) {
			return nil, false
		}
		list = append(list, a)
	}
	s.space()
	return list, s.i == len(src)
}

type scanner struct {
	src  string
	i    int
	slab []intake.Label // labels of all alerts; each alert's lie together
}

func (s *scanner) space() {
	for s.i < len(s.src) {
		switch s.src[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// take skips space and the byte c, if it is next.
func (s *scanner) take(c byte) bool {
	s.space()
	if s.i < len(s.src) && s.src[s.i] == c {
		s.i++
		return true
	}
	return false
}

const (
	sawLabels = 1 << iota
	sawAnnotations
	sawStart
	sawEnd
	sawURL
)

// field maps a name to its bit; 0 for every other name.
func field(name string) int {
	switch name {
	case "labels":
		return sawLabels
	case "annotations":
		return sawAnnotations
	case "startsAt":
		return sawStart
	case "endsAt":
		return sawEnd
	case "generatorURL":
		return sawURL
	}
	return 0
}

func (s *scanner) alert(a *alert) bool {
	if !s.take('{') {
		return false
	}
	saw := 0
	for !s.take('}') {
		if saw != 0 && !s.take(',') {
			return false
		}
		name, ok := s.text()
		if !ok || !s.take(':') {
			return false
		}
		bit := field(name)
		if bit == 0 || saw&bit != 0 || !s.value(a, bit) {
			return false
		}
		saw |= bit
	}
	return saw&sawLabels != 0
}

func (s *scanner) value(a *alert, bit int) (ok bool) {
	switch bit {
	case sawLabels:
		a.labels, ok = s.labels()
	case sawAnnotations:
		a.annotations, ok = s.labels()
	case sawStart:
		a.startsAt, ok = s.time()
	case sawEnd:
		a.endsAt, ok = s.time()
	case sawURL:
		a.generatorURL, ok = s.text()
		ok = ok && (a.generatorURL == "" || plainURL(a.generatorURL) || validURI(a.generatorURL))
	}
	return ok
}

func (s *scanner) labels() (intake.Labels, bool) {
	if !s.take('{') {
		return nil, false
	}
	start := len(s.slab)
	for !s.take('}') {
		if len(s.slab) > start && !s.take(',') {
			return nil, false
		}
		name, ok := s.text()
		if !ok || !s.take(':') {
			return nil, false
		}
		value, ok := s.text()
		if !ok {
			return nil, false
		}
		s.slab = append(s.slab, intake.Label{Name: name, Value: value})
	}
	l := intake.Labels(s.slab[start:len(s.slab):len(s.slab)])
	return l, l.Sort()
}

func (s *scanner) time() (time.Time, bool) {
	text, ok := s.text()
	if !ok {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	return t, err == nil
}

// text reads a JSON string. Without escapes it is a part of the source.
func (s *scanner) text() (string, bool) {
	if !s.take('"') {
		return "", false
	}
	start := s.i
	for ; s.i < len(s.src); s.i++ {
		switch c := s.src[s.i]; {
		case c == '"':
			s.i++
			return s.src[start : s.i-1], true
		case c == '\\':
			return s.escaped(start)
		case c < 0x20:
			return "", false
		}
	}
	return "", false
}

// escaped reads a string with escapes; the scanner stands at the first.
func (s *scanner) escaped(start int) (string, bool) {
	var b strings.Builder
	b.WriteString(s.src[start:s.i])
	for s.i < len(s.src) {
		switch c := s.src[s.i]; {
		case c == '"':
			s.i++
			return b.String(), true
		case c < 0x20:
			return "", false
		case c != '\\':
			b.WriteByte(c)
			s.i++
		default:
			if !s.escape(&b) {
				return "", false
			}
		}
	}
	return "", false
}

func (s *scanner) escape(b *strings.Builder) bool {
	if s.i+1 >= len(s.src) {
		return false
	}
	c := s.src[s.i+1]
	if c == 'u' {
		r, ok := s.unit(s.i)
		if !ok {
			return false
		}
		s.i += 6
		if utf16.IsSurrogate(r) {
			low, ok := s.unit(s.i)
			if r = utf16.DecodeRune(r, low); ok && r != utf8.RuneError {
				s.i += 6
			} else {
				r = utf8.RuneError
			}
		}
		b.WriteRune(r)
		return true
	}
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	k := strings.IndexByte(from, c)
	if k < 0 {
		return false
	}
	b.WriteByte(to[k])
	s.i += 2
	return true
}

// unit reads \uXXXX at i.
func (s *scanner) unit(i int) (rune, bool) {
	if i+6 > len(s.src) || s.src[i] != '\\' || s.src[i+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s.src[i+2 : i+6]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// plainURL reports whether s is surely a valid URI: http or https, a plain host, printable ASCII without escapes in the path.
func plainURL(s string) bool {
	rest, ok := strings.CutPrefix(s, "http://")
	if !ok {
		if rest, ok = strings.CutPrefix(s, "https://"); !ok {
			return false
		}
	}
	i := 0
	for i < len(rest) && (rest[i] >= 'a' && rest[i] <= 'z' || rest[i] >= '0' && rest[i] <= '9' || rest[i] == '.' || rest[i] == '-' ||
		rest[i] >= 'A' && rest[i] <= 'Z') {
		i++
	}
	if i < len(rest) && rest[i] == ':' {
		for i++; i < len(rest) && rest[i] >= '0' && rest[i] <= '9'; i++ {
		}
	}
	if i < len(rest) && rest[i] != '/' {
		return false
	}
	query := false
	for ; i < len(rest); i++ {
		c := rest[i]
		query = query || c == '?'
		if c <= 0x20 || c >= 0x7f || c == '%' && !query {
			return false
		}
	}
	return true
}
