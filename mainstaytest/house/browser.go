package house

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
)

// Browser is one person's browser, without script. It follows redirects and keeps cookies.
type Browser struct {
	t      testing.TB
	base   string
	client *http.Client
}

// Page is what a browser shows.
type Page struct {
	b      *Browser
	Status int
	Path   string // where redirects led to, with the query
	Header http.Header
	Doc    *goquery.Document
	Body   string
}

// Browser is one in which nobody has signed in.
func (h *House) Browser(t testing.TB) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Browser{t: t, base: h.URL, client: &http.Client{Jar: jar}}
}

// Get opens a path.
func (b *Browser) Get(path string) *Page {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil, nil)
}

// Post sends a form to a path, as a form of the same site does.
func (b *Browser) Post(path string, form url.Values) *Page {
	b.t.Helper()
	return b.do(http.MethodPost, path, strings.NewReader(form.Encode()), http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"},
	})
}

// Call sends an API request with a bearer token; without a token, as whoever is signed in.
func (b *Browser) Call(method, path, token, body string) *Page {
	b.t.Helper()
	h := http.Header{"Accept": {"application/json"}}
	if body != "" {
		h.Set("Content-Type", "application/json")
	}
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	return b.do(method, path, strings.NewReader(body), h)
}

// Send sends any body with the headers, such as a form with a file.
func (b *Browser) Send(method, path string, body io.Reader, header http.Header) *Page {
	b.t.Helper()
	return b.do(method, path, body, header)
}

func (b *Browser) do(method, path string, body io.Reader, header http.Header) *Page {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	for name, values := range header {
		req.Header[name] = values
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to the end below
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	p := &Page{b: b, Status: res.StatusCode, Path: res.Request.URL.RequestURI(), Header: res.Header, Body: string(text)}
	if p.Doc, err = goquery.NewDocumentFromReader(bytes.NewReader(text)); err != nil {
		b.t.Fatal(err)
	}
	return p
}

// Cookies are the names of the cookies that the browser keeps for the server.
func (b *Browser) Cookies() []string {
	u, err := url.Parse(b.base)
	if err != nil {
		b.t.Fatal(err)
	}
	var names []string
	for _, c := range b.client.Jar.Cookies(u) {
		names = append(names, c.Name)
	}
	return names
}

// Text is what stands on the page, with single spaces, also between elements.
func (p *Page) Text() string {
	var words []string
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			words = append(words, strings.Fields(n.Data)...)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	for _, n := range p.Doc.Nodes {
		walk(n)
	}
	return strings.Join(words, " ")
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// Title is the page's first heading.
func (p *Page) Title() string { return squeeze(p.Doc.Find("h1").First().Text()) }

// Says reports whether the text stands on the page.
func (p *Page) Says(text string) bool { return strings.Contains(p.Text(), text) }

// Follow opens the link with the text.
func (p *Page) Follow(text string) *Page {
	p.b.t.Helper()
	link := p.Doc.Find("a[href]").FilterFunction(func(_ int, s *goquery.Selection) bool { return squeeze(s.Text()) == text }).First()
	to, ok := link.Attr("href")
	if !ok {
		p.b.t.Fatalf("%s has no link %q:\n%s", p.Path, text, p.Text())
	}
	return p.b.Get(to)
}

// Press presses the button with the label: it sends the form around it, as filled in, with the given values in place of the
// form's own. A value for a field that the form does not have is an error.
func (p *Page) Press(label string, values url.Values) *Page {
	p.b.t.Helper()
	button := p.Doc.Find("button").FilterFunction(func(_ int, s *goquery.Selection) bool {
		first := squeeze(s.Clone().Find("kbd").Remove().End().Text())
		return first == label
	}).First()
	form := button.Closest("form")
	if form.Length() == 0 {
		p.b.t.Fatalf("%s has no button %q in a form:\n%s", p.Path, label, p.Text())
	}
	filled := filledIn(form)
	if name, ok := button.Attr("name"); ok {
		filled.Set(name, button.AttrOr("value", ""))
	}
	for name, v := range values {
		if form.Find(`[name="`+name+`"]`).Length() == 0 {
			p.b.t.Fatalf("the form of %q has no field %q", label, name)
		}
		filled[name] = v
	}
	to := form.AttrOr("action", p.Path)
	if strings.EqualFold(form.AttrOr("method", "get"), "get") {
		return p.b.Get(to + "?" + filled.Encode())
	}
	return p.b.Post(to, filled)
}

// filledIn is what a form would send as it stands.
func filledIn(form *goquery.Selection) url.Values {
	v := url.Values{}
	form.Find("input[name], textarea[name], select[name]").Each(func(_ int, s *goquery.Selection) {
		name := s.AttrOr("name", "")
		switch goquery.NodeName(s) {
		case "textarea":
			v.Add(name, s.Text())
		case "select":
			chosen := s.Find("option[selected]").First()
			if chosen.Length() == 0 {
				chosen = s.Find("option").First()
			}
			v.Add(name, chosen.AttrOr("value", squeeze(chosen.Text())))
		default:
			kind := s.AttrOr("type", "text")
			_, checked := s.Attr("checked")
			if kind == "submit" || (kind == "checkbox" || kind == "radio") && !checked {
				return
			}
			v.Add(name, s.AttrOr("value", ""))
		}
	})
	return v
}
