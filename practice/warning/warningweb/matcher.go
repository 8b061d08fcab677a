package warningweb

import (
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/practice/warning"
)

// parseMatcher reads a condition such as severity="critical", job=~web.* or team!=sre. Name and value may stand in quotes.
func parseMatcher(s string) (warning.Matcher, error) {
	bad := mainstay.Errorf(mainstay.Invalid, "bad matcher format: %s", short(s))
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") {
		s = strings.TrimSpace(s[1 : len(s)-1])
	}
	name, rest, ok := word(s)
	if !ok {
		return warning.Matcher{}, bad
	}
	op := warning.MatchOp("")
	for _, o := range []warning.MatchOp{warning.Regexp, warning.NotRegexp, warning.NotEqual, warning.Equal} {
		if strings.HasPrefix(rest, string(o)) {
			op = o
			break
		}
	}
	if op == "" {
		return warning.Matcher{}, bad
	}
	value := strings.TrimSpace(rest[len(op):])
	if strings.HasPrefix(value, `"`) {
		v, after, ok := quoted(value)
		if !ok || after != "" {
			return warning.Matcher{}, bad
		}
		value = v
	} else if strings.Contains(value, `"`) {
		return warning.Matcher{}, bad
	}
	return warning.NewMatcher(name, op, value)
}

// word reads a label's name, plain or in quotes, and the space after it.
func word(s string) (name, rest string, ok bool) {
	if strings.HasPrefix(s, `"`) {
		name, rest, ok = quoted(s)
		return name, strings.TrimSpace(rest), ok
	}
	i := strings.IndexAny(s, "=!~ \t\"")
	if i <= 0 {
		return "", "", false
	}
	return s[:i], strings.TrimSpace(s[i:]), true
}

// quoted reads a string in double quotes with the escapes \" \\ \n.
func quoted(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
			switch s[i] {
			case 'n':
				b.WriteByte('\n')
			case '"', '\\':
				b.WriteByte(s[i])
			default:
				b.WriteByte('\\')
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}

func parseMatchers(list []string) ([]warning.Matcher, error) {
	if len(list) > 50 {
		return nil, mainstay.Errorf(mainstay.Invalid, "at most 50 matchers are accepted")
	}
	var ms []warning.Matcher
	for _, s := range list {
		m, err := parseMatcher(s)
		if err != nil {
			return nil, err
		}
		ms = append(ms, m)
	}
	return ms, nil
}

func short(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
