package notify

import (
	"maps"
	"slices"
	"strings"
	"unicode"
)

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// oneLine makes text from outside safe for a header or a table: valid UTF-8, no control characters, no bidirectional
// overrides, single spaces.
func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		case hidden(r):
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// plain makes text from outside safe for the body of a mail: lines end in \n, other control characters go.
func plain(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), "\uFFFD")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case unicode.IsControl(r), hidden(r):
			return -1
		}
		return r
	}, s))
}

// hidden characters change how the text around them reads: overrides of direction, and a byte order mark.
func hidden(r rune) bool {
	return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r == 0xFEFF
}
