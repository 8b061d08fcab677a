package search

import (
	"strings"
	"unicode/utf8"
)

// around is how many bytes of text an excerpt has, and lead how many of them stand before the first match.
const (
	around = 180
	lead   = 40
)

// excerpt is the part of the text around the first match, with the matches marked; the text's beginning when nothing matches.
func excerpt(body string, words []string) []Span {
	body = strings.Join(strings.Fields(body), " ")
	if body == "" {
		return nil
	}
	from := 0
	eachWord(body, func(start, end int) bool {
		if matches(body[start:end], words) {
			from = max(0, start-lead)
			return false
		}
		return true
	})
	cut := window(body, from)
	spans, last := []Span{}, 0
	eachWord(cut, func(start, end int) bool {
		if matches(cut[start:end], words) {
			if start > last {
				spans = append(spans, Span{Text: cut[last:start]})
			}
			spans = append(spans, Span{Text: cut[start:end], Marked: true})
			last = end
		}
		return true
	})
	if last < len(cut) {
		spans = append(spans, Span{Text: cut[last:]})
	}
	return spans
}

// window cuts the text at spaces, with an ellipsis where something is left out.
func window(body string, from int) string {
	before, after := "", ""
	if from > 0 {
		if i := strings.IndexByte(body[from:], ' '); i >= 0 && i < lead {
			from += i + 1
		}
		for from > 0 && !utf8.RuneStart(body[from]) {
			from--
		}
		before = "… "
	}
	to := len(body)
	if to-from > around {
		to = from + around
		if i := strings.LastIndexByte(body[from:to], ' '); i > around/2 {
			to = from + i
		}
		for to > from && !utf8.RuneStart(body[to]) {
			to--
		}
		after = " …"
	}
	return before + body[from:to] + after
}

func eachWord(s string, f func(start, end int) bool) {
	start := -1
	for i, r := range s {
		if isWord(r) {
			if start < 0 {
				start = i
			}
		} else if start >= 0 {
			if !f(start, i) {
				return
			}
			start = -1
		}
	}
	if start >= 0 {
		f(start, len(s))
	}
}

// matches compares roughly as the index does: by what is left without the usual endings.
func matches(word string, words []string) bool {
	root := stem(strings.ToLower(word))
	for _, w := range words {
		if r := stem(w); root == r || len(r) > 3 && strings.HasPrefix(root, r) {
			return true
		}
	}
	return false
}

func stem(w string) string {
	for _, end := range []string{"ations", "ation", "ings", "ing", "ies", "ied", "ed", "es", "ly", "s", "e", "y"} {
		if r, ok := strings.CutSuffix(w, end); ok && len(r) >= 3 {
			return r
		}
	}
	return w
}
