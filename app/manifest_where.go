package app

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

func index(i int) string { return fmt.Sprintf("[%d]", i) }

// step is one step of a field path: a key, or an index.
type step struct {
	key string
	n   int // -1 for a key
}

// steps takes a field path such as layers[0].handoff apart.
func steps(path string) []step {
	var list []step
	for _, part := range strings.Split(path, ".") {
		key, rest, _ := strings.Cut(part, "[")
		if key != "" {
			list = append(list, step{key, -1})
		}
		for rest != "" {
			var number string
			number, rest, _ = strings.Cut(rest, "]")
			if n, err := strconv.Atoi(number); err == nil {
				list = append(list, step{"", n})
			}
			rest = strings.TrimPrefix(rest, "[")
		}
	}
	return list
}

// child is the key (or the value, for an element of a list) and the value of a step; nil when it is not there.
func child(node ast.Node, s step) (key, value ast.Node) {
	switch n := node.(type) {
	case *ast.AnchorNode:
		return child(n.Value, s)
	case *ast.MappingNode:
		for _, v := range n.Values {
			if s.n < 0 && text(v.Key) == s.key {
				return v.Key, v.Value
			}
		}
	case *ast.SequenceNode:
		if s.n >= 0 && s.n < len(n.Values) {
			return n.Values[s.n], n.Values[s.n]
		}
	}
	return nil, nil
}

// quoted finds what a message quotes.
var quoted = regexp.MustCompile(`"([^"]+)"`)

// where is the place of a field by its path; of the nearest field around it that is there; of the manifest itself. When the message
// quotes a value that stands in the field, its place is better still.
func (m manifest) where(path, says string) spot {
	for _, head := range []string{"name", "project"} {
		if n := m.head[head]; n != nil && path == head {
			if _, value := child(m.spec, step{head, -1}); value == nil {
				return spotOf(n)
			}
		}
	}
	at, node := m.at, m.spec
	if n := m.head["spec"]; n != nil {
		at = spotOf(n)
	}
	for _, s := range steps(path) {
		key, value := child(node, s)
		if key == nil {
			return at
		}
		at, node = spotOf(key), value
	}
	for _, q := range quoted.FindAllStringSubmatch(says, -1) {
		if n := holding(node, q[1]); n != nil {
			return spotOf(n)
		}
	}
	return at
}

// holding finds the first text under a node that is the value, or ends in it after a colon (schedule:primary); nil without one.
func holding(node ast.Node, value string) ast.Node {
	switch n := node.(type) {
	case nil:
		return nil
	case *ast.AnchorNode:
		return holding(n.Value, value)
	case *ast.MappingNode:
		for _, v := range n.Values {
			if text(v.Key) == value {
				return v.Key
			}
			if found := holding(v.Value, value); found != nil {
				return found
			}
		}
	case *ast.SequenceNode:
		for _, v := range n.Values {
			if found := holding(v, value); found != nil {
				return found
			}
		}
	default:
		if t := text(n); t == value || strings.HasSuffix(t, ":"+value) {
			return n
		}
	}
	return nil
}

// meant is "; did you mean x?" for the candidate that is nearest to a word, "" when none is near.
func meant(word string, candidates []string) string {
	best, least := "", 1+(len(word)+1)/3
	for _, c := range candidates {
		d := distance(strings.ToLower(word), strings.ToLower(c))
		if d < least && c != word {
			best, least = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance counts the letters to insert, delete, replace or swap between two words.
func distance(a, b string) int {
	if a == "" || b == "" {
		return max(len(a), len(b))
	}
	before, row, last := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
