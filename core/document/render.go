package document

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Renderer counts the changes of how a text is rendered. A stored rendering of an older number is made anew when it is read,
// so that a stricter policy holds for old texts too.
const Renderer = 1

// maxDepth bounds how deep quotes and lists may nest; deeper marks are shown as they were typed. Without a bound, a text of
// nothing but ">" takes minutes.
const maxDepth = 24

var (
	markdown = goldmark.New(
		goldmark.WithExtensions(extension.GFM),
		goldmark.WithParserOptions(
			parser.WithParagraphTransformers(util.Prioritized(wall{}, 10)),
			parser.WithASTTransformers(util.Prioritized(demote{}, 100)),
		),
	)
	policy = strict()
)

// Render turns Markdown (GitHub's flavour) into HTML that is safe on any of our pages: raw HTML, scripts, styles, forms and
// frames do not survive; links lead outside with rel="nofollow noopener"; images come from our own exhibits only. Headings
// start at the third level, because a page has two of its own.
func Render(md string) (string, error) {
	var b bytes.Buffer
	if err := markdown.Convert([]byte(flatten(md)), &b); err != nil {
		return "", fmt.Errorf("rendering Markdown: %w", err)
	}
	return policy.Sanitize(b.String()), nil
}

func strict() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h3", "h4", "h5", "h6", "em", "strong", "del", "code", "pre", "blockquote",
		"ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("start").Matching(regexp.MustCompile(`^[0-9]{1,9}$`)).OnElements("ol")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^language-[a-z0-9+#-]{1,30}$`)).OnElements("code")
	p.AllowAttrs("href").Matching(linkTarget).OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnFullyQualifiedLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true) // with rel="noopener"
	p.AllowAttrs("src").Matching(regexp.MustCompile(`^/exhibits/[0-9a-zA-Z-]{1,64}$`)).OnElements("img")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowAttrs("type").Matching(regexp.MustCompile(`^checkbox$`)).OnElements("input")
	p.AllowAttrs("checked", "disabled").Matching(regexp.MustCompile(`^$`)).OnElements("input")
	p.AllowElements("input")
	return p
}

// linkTarget lets absolute addresses, mail, paths of this installation and places on the page through. A path that begins
// with two slashes or a backslash would lead elsewhere.
var linkTarget = regexp.MustCompile(`^(?:(?i:https?)://[^\s\\]+|(?i:mailto):[^\s\\]+|/(?:[^/\\\s][^\\\s]*)?|#[^\s\\]*|[A-Za-z0-9._-][^:\\\s]*)$`)

// demote moves headings two levels down and unwraps pictures that we would not load, leaving their description.
type demote struct{}

// Transform implements parser.ASTTransformer.
func (demote) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	var remote []*ast.Image
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the walker returns no error of its own
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			n.Level = min(n.Level+2, 6)
		case *ast.Image:
			if !bytes.HasPrefix(n.Destination, []byte("/exhibits/")) {
				remote = append(remote, n)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, img := range remote {
		link := ast.NewLink()
		link.Destination = img.Destination
		for c := img.FirstChild(); c != nil; {
			following := c.NextSibling()
			link.AppendChild(link, c)
			c = following
		}
		if link.FirstChild() == nil {
			link.AppendChild(link, ast.NewString(img.Destination))
		}
		img.Parent().ReplaceChild(img.Parent(), img, link)
	}
}

// maxMarks bounds the marks within one paragraph, whose cost grows with their square. No paragraph that a person wrote comes
// near it; one that does is shown as it was typed.
const maxMarks = 2000

// longLine is the length beyond which a line full of marks is broken, so that headings and cells are bounded too.
const longLine = 8 << 10

func marks(b []byte) int {
	n := 0
	for _, c := range b {
		if strings.IndexByte("[]!*_~`<\\", c) >= 0 {
			n++
		}
	}
	return n
}

// wall turns a paragraph with too many marks into a block of code before its marks are read.
type wall struct{}

// Transform implements parser.ParagraphTransformer.
func (wall) Transform(node *ast.Paragraph, reader text.Reader, _ parser.Context) {
	n := 0
	for i := range node.Lines().Len() {
		line := node.Lines().At(i)
		n += marks(line.Value(reader.Source()))
	}
	if n <= maxMarks {
		return
	}
	code := ast.NewCodeBlock()
	code.SetLines(node.Lines())
	node.Parent().InsertBefore(node.Parent(), node, code)
	node.Parent().RemoveChild(node.Parent(), node)
}

// flatten takes the marks away that nest deeper than maxDepth, line by line, and breaks lines that are walls of marks.
func flatten(md string) string {
	if len(md) < longLine && !deepMarks(md) {
		return md
	}
	lines := strings.Split(md, "\n")
	for i, l := range lines {
		lines[i] = flattenLine(l)
	}
	return strings.Join(lines, "\n")
}

func deepMarks(md string) bool {
	run := 0
	for i := range len(md) {
		switch c := md[i]; {
		case isMark(c):
			run++
			if run > maxDepth {
				return true
			}
		case c == '\n':
			run = 0
		case c != ' ' && c != '\t':
			run = -1 << 20 // text has begun: what follows on this line is not a mark of a block
		}
	}
	return false
}

func isMark(c byte) bool { return strings.IndexByte(">-*+.)", c) >= 0 || c >= '0' && c <= '9' }

func flattenLine(l string) string {
	if len(l) > longLine && marks([]byte(l)) > maxMarks {
		var b strings.Builder
		for len(l) > longLine {
			cut := longLine
			for cut > longLine-utf8.UTFMax && !utf8.RuneStart(l[cut]) {
				cut--
			}
			b.WriteString(l[:cut] + "\n")
			l = l[cut:]
		}
		return b.String() + l
	}
	nested := 0
	for i := range len(l) {
		c := l[i]
		if c == ' ' || c == '\t' {
			continue
		}
		if !isMark(c) {
			return l
		}
		if nested++; nested > maxDepth && (c == '>' || i+1 < len(l) && l[i+1] == ' ') {
			return l[:i] + "\\" + l[i:]
		}
	}
	return l
}

// Plain is the text without its marks, for search and for one-line excerpts: words separated by single spaces.
func Plain(md string) string {
	source := []byte(flatten(md))
	var b strings.Builder
	_ = ast.Walk(markdown.Parser().Parse(text.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			if n.Type() == ast.TypeBlock {
				b.WriteByte(' ')
			}
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(n.Segment.Value(source))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		case *ast.AutoLink:
			b.Write(n.URL(source))
		case *ast.CodeBlock, *ast.FencedCodeBlock:
			for i := range n.Lines().Len() {
				line := n.Lines().At(i)
				b.Write(line.Value(source))
			}
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.FieldsFunc(b.String(), func(r rune) bool { return unicode.IsSpace(r) }), " ")
}
