package document_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/mainstayhq/mainstay/core/document"
)

// allowed is every element and attribute that may come out, whatever goes in.
var allowed = map[string]string{
	"p": "", "br": "", "hr": "", "h3": "", "h4": "", "h5": "", "h6": "", "em": "", "strong": "", "del": "", "code": "class",
	"pre": "", "blockquote": "", "ul": "", "ol": "start", "li": "", "table": "", "thead": "", "tbody": "", "tr": "", "th": "",
	"td": "", "a": "href rel target", "img": "src alt", "input": "type checked disabled",
}

// harmless fails the test when the HTML holds anything but what is allowed.
func harmless(t *testing.T, md, out string) {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(out))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.CommentToken, html.DoctypeToken:
			t.Fatalf("a comment came out of %q: %q", md, out)
		case html.StartTagToken, html.SelfClosingTagToken:
			tok := z.Token()
			attrs, ok := allowed[tok.Data]
			if !ok {
				t.Fatalf("<%s> came out of %q: %q", tok.Data, md, out)
			}
			for _, a := range tok.Attr {
				if !strings.Contains(" "+attrs+" ", " "+a.Key+" ") {
					t.Fatalf("%s= on <%s> came out of %q: %q", a.Key, tok.Data, md, out)
				}
				address(t, md, tok, a)
			}
		}
	}
}

func address(t *testing.T, md string, tok html.Token, a html.Attribute) {
	t.Helper()
	v := strings.ToLower(strings.TrimSpace(a.Val))
	switch a.Key {
	case "src":
		if !strings.HasPrefix(v, "/exhibits/") || strings.Contains(v, "..") {
			t.Fatalf("an image from %q came out of %q", a.Val, md)
		}
	case "href":
		scheme, _, colon := strings.Cut(v, ":")
		outside := scheme == "http" || scheme == "https" || scheme == "mailto"
		if strings.HasPrefix(v, "//") || strings.Contains(v, `\`) || colon && !outside && !strings.ContainsAny(scheme, "/#?") {
			t.Fatalf("a link to %q came out of %q", a.Val, md)
		}
		for _, other := range tok.Attr {
			if other.Key == "rel" && strings.Contains(other.Val, "nofollow") {
				return
			}
		}
		t.Fatalf("a link without nofollow came out of %q: %v", md, tok)
	}
}

func TestHostileMarkdownIsHarmless(t *testing.T) {
	t.Parallel()
	corpus, err := os.ReadFile("testdata/xss.txt")
	if err != nil {
		t.Fatal(err)
	}
	texts := append(strings.Split(string(corpus), "\n"), string(corpus))
	for _, md := range texts {
		out, err := document.Render(md)
		if err != nil {
			t.Fatal(err)
		}
		harmless(t, md, out)
	}
}

func TestWhatPeopleWriteIsKept(t *testing.T) {
	t.Parallel()
	for md, want := range map[string]string{
		"# One\n## Two":                       "<h3>One</h3>\n<h4>Two</h4>\n",
		"**b** _i_ ~~s~~ `c`":                 "<p><strong>b</strong> <em>i</em> <del>s</del> <code>c</code></p>\n",
		"[INC-42](/incidents/INC-42)":         `<p><a href="/incidents/INC-42" rel="nofollow">INC-42</a></p>` + "\n",
		"https://example.org/a":               `<p><a href="https://example.org/a" rel="nofollow noreferrer noopener" target="_blank">https://example.org/a</a></p>` + "\n",
		"![graph](/exhibits/0190-a)":          `<p><img src="/exhibits/0190-a" alt="graph"></p>` + "\n",
		"![graph](https://example.org/g.png)": `<p><a href="https://example.org/g.png" rel="nofollow noreferrer noopener" target="_blank">graph</a></p>` + "\n",
		"3. three":                            "<ol start=\"3\">\n<li>three</li>\n</ol>\n",
		"```go\nx := 1 < 2\n```":              "<pre><code class=\"language-go\">x := 1 &lt; 2\n</code></pre>\n",
		"- [x] done":                          "<ul>\n<li><input checked=\"\" disabled=\"\" type=\"checkbox\"> done</li>\n</ul>\n",
	} {
		got, err := document.Render(md)
		if err != nil || got != want {
			t.Errorf("%q\n got %q\nwant %q (%v)", md, got, want, err)
		}
	}
}

// Nobody may keep the server busy with a text: each of these is as large as a text may be.
func TestLargeTextsRenderFast(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{">", "> ", "- ", "* > ", "[", "![", "[a](", "*a_", "`", "<", "\\", "|a", "1. ", "#\n", "[a]: b\n", "    - a\n", "~", "a@", "http://a", "_a *b ",
		"# *a_[a](", "|*a_[a](|\n|-|\n"} {
		md := strings.Repeat(unit, document.MaxBytes/len(unit))
		start := time.Now()
		if _, err := document.Render(md); err != nil {
			t.Errorf("%q: %v", unit, err)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("256 KiB of %q take %v", unit, d)
		}
	}
}

func TestPlainText(t *testing.T) {
	t.Parallel()
	got := document.Plain("# Symptom\n\nThe **queue** `stalls`:\n\n- one\n- [two](https://example.org)\n\n```\nlog line\n```\n")
	if want := "Symptom The queue stalls: one two log line"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzRender(f *testing.F) {
	corpus, err := os.ReadFile("testdata/xss.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, l := range strings.Split(string(corpus), "\n") {
		f.Add(l)
	}
	f.Fuzz(func(t *testing.T, md string) {
		out, err := document.Render(document.Tidy(md))
		if err != nil {
			t.Skip(err)
		}
		harmless(t, md, out)
		document.Plain(md)
	})
}

func BenchmarkRender(b *testing.B) {
	md := strings.Repeat("## Cause\n\nThe pool was **full** since [09:12](/incidents/INC-3).\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n", 20)
	b.SetBytes(int64(len(md)))
	for b.Loop() {
		if _, err := document.Render(md); err != nil {
			b.Fatal(err)
		}
	}
}
