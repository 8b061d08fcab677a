package intake

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Label is one name with its value.
type Label struct{ Name, Value string }

// Labels is a label set: sorted by name, each name once.
type Labels []Label

// LabelsOf makes a label set of a map.
func LabelsOf(m map[string]string) Labels {
	l := make(Labels, 0, len(m))
	for n, v := range m {
		l = append(l, Label{n, v})
	}
	l.sort()
	return l
}

func (l Labels) sort() {
	slices.SortFunc(l, func(a, b Label) int { return cmp.Compare(a.Name, b.Name) })
}

// Sort sorts the set in place and reports whether each name occurs once.
func (l Labels) Sort() bool {
	sorted := true
	for i := 1; i < len(l); i++ {
		if l[i-1].Name >= l[i].Name {
			sorted = false
			break
		}
	}
	if sorted {
		return true
	}
	l.sort()
	for i := 1; i < len(l); i++ {
		if l[i-1].Name == l[i].Name {
			return false
		}
	}
	return true
}

// Get is the value of a label, "" when the set lacks it.
func (l Labels) Get(name string) string {
	for i := range l {
		if l[i].Name == name {
			return l[i].Value
		}
	}
	return ""
}

// Map is the set as a map.
func (l Labels) Map() map[string]string {
	m := make(map[string]string, len(l))
	for _, x := range l {
		m[x.Name] = x.Value
	}
	return m
}

// Fingerprint identifies the set. It equals the one of prometheus/common/model: 64-bit FNV-1a over name, 0xff, value, 0xff of
// each label in order of the names.
func (l Labels) Fingerprint() uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := range l {
		for j := 0; j < len(l[i].Name); j++ {
			h = (h ^ uint64(l[i].Name[j])) * prime
		}
		h = (h ^ 255) * prime
		for j := 0; j < len(l[i].Value); j++ {
			h = (h ^ uint64(l[i].Value[j])) * prime
		}
		h = (h ^ 255) * prime
	}
	return h
}

// FingerprintText is a fingerprint as people and APIs see it: 16 hexadecimal digits.
func FingerprintText(f uint64) string {
	var b [16]byte
	for i := range b {
		b[i] = hexDigits[f>>(60-4*i)&15]
	}
	return string(b[:])
}

// AppendJSON appends the set as a JSON object in order of the names. The text is canonical: equal sets give equal text.
func (l Labels) AppendJSON(b []byte) []byte {
	b = append(b, '{')
	for i := range l {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, l[i].Name)
		b = append(b, ':')
		b = AppendString(b, l[i].Value)
	}
	return append(b, '}')
}

// JSON is the set as canonical JSON.
func (l Labels) JSON() string { return string(l.AppendJSON(make([]byte, 0, 64+48*len(l)))) }

// ParseLabels reads what AppendJSON wrote; empty text is the empty set.
func ParseLabels(text string) (Labels, error) {
	if text == "" || text == "{}" {
		return nil, nil
	}
	m := map[string]string{}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return nil, fmt.Errorf("reading labels: %w", err)
	}
	return LabelsOf(m), nil
}

// Lookup finds a label's value in canonical JSON without reading all of it. Quotes within strings are escaped, so a name in
// quotes after a brace or a comma can only be a name.
func Lookup(text, name string) (string, bool) {
	var buf [96]byte
	key := append(AppendString(buf[:0], name), ':', '"')
	for from := 0; ; {
		i := strings.Index(text[from:], string(key))
		if i < 0 {
			return "", false
		}
		i += from
		if i > 0 && (text[i-1] == '{' || text[i-1] == ',') {
			return unquoteAt(text, i+len(key)), true
		}
		from = i + 1
	}
}

// unquoteAt is the value of the JSON string whose content begins at i.
func unquoteAt(text string, i int) string {
	for j := i; j < len(text); j++ {
		switch text[j] {
		case '"':
			return text[i:j]
		case '\\':
			var s string
			if err := json.NewDecoder(strings.NewReader(text[i-1:])).Decode(&s); err != nil {
				return ""
			}
			return s
		}
	}
	return ""
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. Control characters are escaped, invalid UTF-8 becomes the replacement character.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c != 0x7f && c < utf8.RuneSelf {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			b = append(b, s[start:i]...)
			if c == '"' || c == '\\' {
				b = append(b, '\\', c)
			} else {
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			b = append(b, s[start:i]...)
			b = append(b, "\uFFFD"...)
			start = i + n
		}
		i += n
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// Check says what is wrong with a label set under the limits, in the words that Alertmanager uses where it has some; "" when
// nothing is. what is "label set" or "annotations".
func (l Labels) Check(what string, max Limits) string {
	if len(l) > max.Labels {
		return fmt.Sprintf("invalid %s: %d entries, at most %d are accepted", what, len(l), max.Labels)
	}
	for i := range l {
		switch n, v := l[i].Name, l[i].Value; {
		case n == "" || !utf8.ValidString(n):
			return fmt.Sprintf("invalid %s: invalid name %q", what, clip(n))
		case !utf8.ValidString(v):
			return fmt.Sprintf("invalid %s: invalid value %q", what, clip(v))
		case len(n) > max.Name:
			return fmt.Sprintf("invalid %s: the name %q… has %d bytes, at most %d are accepted", what, clip(n), len(n), max.Name)
		case len(v) > max.Value:
			return fmt.Sprintf("invalid %s: the value of %q has %d bytes, at most %d are accepted", what, clip(n), len(v), max.Value)
		}
	}
	return ""
}

func clip(s string) string {
	if len(s) <= 64 {
		return s
	}
	cut := 64
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}
