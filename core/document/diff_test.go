package document_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay/core/document"
)

func show(lines []document.Line) string {
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%c%s\n", l.Op, l.Text)
	}
	return b.String()
}

func TestDiff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ older, newer, want string }{
		{"", "", ""},
		{"a", "a", " a\n"},
		{"", "a", "+a\n"},
		{"a", "", "-a\n"},
		{"a\nb\nc", "a\nx\nc", " a\n-b\n+x\n c\n"},
		{"a\nb\nc\na\nb\nb\na", "c\nb\na\nb\na\nc", "-a\n-b\n c\n+b\n a\n b\n-b\n a\n+c\n"},
	} {
		if got := show(document.Diff(c.older, c.newer)); got != c.want {
			t.Errorf("%q to %q\n got %q\nwant %q", c.older, c.newer, got, c.want)
		}
	}
}

// Whatever the texts: the kept and removed lines are the old text, the kept and added ones are the new.
func TestDiffLeadsFromOneTextToTheOther(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	text := func() string {
		l := make([]string, r.IntN(40))
		for i := range l {
			l[i] = string(rune('a' + r.IntN(5)))
		}
		return strings.Join(l, "\n")
	}
	for range 2000 {
		older, newer := text(), text()
		var was, is []string
		for _, l := range document.Diff(older, newer) {
			if l.Op != '+' {
				was = append(was, l.Text)
			}
			if l.Op != '-' {
				is = append(is, l.Text)
			}
		}
		if strings.Join(was, "\n") != older || strings.Join(is, "\n") != newer {
			t.Fatalf("%q to %q gives %q and %q", older, newer, was, is)
		}
	}
}

func TestDiffOfTextsWithNothingInCommon(t *testing.T) {
	t.Parallel()
	older, newer := strings.Repeat("a\n", 60_000), strings.Repeat("b\n", 60_000)
	if n := len(document.Diff(older, newer)); n != 120_001 {
		t.Errorf("%d lines", n)
	}
}
