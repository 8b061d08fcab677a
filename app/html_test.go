package app_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"

	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
)

// faultsOfPage says what a page does that the policy forbids, and what it lacks for people who do not see it.
func faultsOfPage(text string) (faults []string) {
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(text))
	if err != nil {
		return []string{err.Error()}
	}
	say := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if n := doc.Find("main, [role=main]").Length(); n != 1 {
		say("it has %d main landmarks", n)
	}
	if n := doc.Find("h1").Length(); n != 1 {
		say("it has %d first headings", n)
	}
	if doc.Find("html").AttrOr("lang", "") == "" {
		say("it does not say its language")
	}
	if strings.TrimSpace(doc.Find("head title").Text()) == "" {
		say("it has no title")
	}
	if doc.Find("script:not([src]), style").Length() > 0 {
		say("it has a script or a style in it")
	}
	ids := map[string]int{}
	doc.Find("*").Each(func(_ int, s *goquery.Selection) {
		for _, a := range s.Nodes[0].Attr {
			switch {
			case a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on"):
				say("<%s> has the attribute %s", goquery.NodeName(s), a.Key)
			case a.Key == "id":
				ids[a.Val]++
			case (a.Key == "href" || a.Key == "src" || a.Key == "action") && strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:"):
				say("<%s> has a script as its %s", goquery.NodeName(s), a.Key)
			}
		}
	})
	for id, n := range ids {
		if n > 1 {
			say("the id %q stands %d times", id, n)
		}
	}
	doc.Find("input, select, textarea").Each(func(_ int, s *goquery.Selection) {
		if kind := s.AttrOr("type", ""); kind != "hidden" && kind != "submit" && !labelled(doc, s) {
			say("the field %q has no label", s.AttrOr("name", s.AttrOr("id", "?")))
		}
	})
	doc.Find("button, a[href]").Each(func(_ int, s *goquery.Selection) {
		if strings.TrimSpace(s.Text()) == "" && s.AttrOr("aria-label", "") == "" && s.Find("img[alt], svg title, [aria-label]").Length() == 0 {
			h, _ := goquery.OuterHtml(s)
			say("nobody can tell what it does: %.120s", h)
		}
	})
	doc.Find("img").Each(func(_ int, s *goquery.Selection) {
		if _, ok := s.Attr("alt"); !ok {
			say("an image has no alt: %s", s.AttrOr("src", ""))
		}
	})
	return faults
}

// labelled reports whether a field has a name that can be read out.
func labelled(doc *goquery.Document, s *goquery.Selection) bool {
	if s.AttrOr("aria-label", "") != "" || s.Closest("label").Length() > 0 {
		return true
	}
	for _, id := range strings.Fields(s.AttrOr("aria-labelledby", "")) {
		if doc.FindNodes(find(doc, id)...).Length() > 0 {
			return true
		}
	}
	id := s.AttrOr("id", "")
	return id != "" && doc.Find("label").FilterFunction(func(_ int, l *goquery.Selection) bool { return l.AttrOr("for", "") == id }).Length() > 0
}

func find(doc *goquery.Document, id string) []*html.Node {
	return doc.Find("[id]").FilterFunction(func(_ int, s *goquery.Selection) bool { return s.AttrOr("id", "") == id }).Nodes
}

// TestFaultsOfPage holds the checker itself to account.
func TestFaultsOfPage(t *testing.T) {
	t.Parallel()
	const frame = `<!doctype html><html lang="en"><head><title>x</title></head><body>%s</body></html>`
	good := `<main><h1>x</h1><label for="a">A</label><input id="a" name="a"><label>B <select name="b"></select></label><input type="hidden" name="c"></main>`
	if f := faultsOfPage(fmt.Sprintf(frame, good)); f != nil {
		t.Error("a good page has faults:", f)
	}
	for bad, want := range map[string]string{
		"<h1>x</h1>":                                          "0 main",
		"<main></main>":                                       "0 first",
		"<main><h1>x</h1><h1>y</h1></main>":                   "2 first",
		`<main><h1 style="color:red">x</h1></main>`:           "style",
		`<main><h1 onclick="x()">x</h1></main>`:               "onclick",
		`<main><h1>x</h1><script>1</script></main>`:           "a script",
		`<main><h1>x</h1><input id="q" name="q"></main>`:      `"q" has no label`,
		`<main><h1 id="a">x</h1><p id="a"></p></main>`:        `"a" stands 2`,
		`<main><h1>x</h1><a href="JavaScript:1">y</a></main>`: "script as its href",
		`<main><h1>x</h1><button></button></main>`:            "nobody can tell",
		`<main><h1>x</h1><img src="/x.png"></main>`:           "no alt",
	} {
		if f := faultsOfPage(fmt.Sprintf(frame, bad)); len(f) != 1 || !strings.Contains(f[0], want) {
			t.Errorf("%s has the faults %v, want one with %q", bad, f, want)
		}
	}
}

// TestPagesThatSayNo are whole pages too, for whoever asks, and tell programs what programs understand.
func TestPagesThatSayNo(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite")
	s.Apply(t, strings.TrimPrefix(personYAML("root", "administrator", "")+personYAML("guest", "customer", ""), "---\n"))
	for name, c := range map[string]*servertest.Client{"nobody": s.Nobody(), "an administrator": s.As(t, "root"), "a customer": s.As(t, "guest")} {
		for _, r := range []struct {
			method, path string
			status       int
		}{
			{"GET", "/nothing/here", 404}, {"GET", "/incidents/INC-77/nothing", 404}, {"PUT", "/incidents", 405}, {"DELETE", "/sign-in", 405},
			{"GET", "/setup/nothing", 410}, {"GET", "/sign-in?next=//evil.example", 200},
		} {
			a := c.Do(c.Request(t.Context(), r.method, r.path, nil))
			if r.path[:8] == "/sign-in" && name != "nobody" && r.method == "GET" {
				if a.Status != 303 || a.Header.Get("Location") != "/" {
					t.Errorf("%s is led to %s", name, a.Header.Get("Location"))
				}
				continue
			}
			if a.Status != r.status || (a.Status == 405) != (a.Header.Get("Allow") != "") {
				t.Errorf("%s: %s %s answers %d, Allow %q", name, r.method, r.path, a.Status, a.Header.Get("Allow"))
			}
			for _, fault := range faultsOfPage(a.Body) {
				t.Errorf("%s: the page of %s %s: %s", name, r.method, r.path, fault)
			}
			if strings.Contains(a.Body, "evil.example") {
				t.Errorf("%s: %s leads elsewhere", name, r.path)
			}
		}
	}
	for path, to := range map[string]string{"/incidents/": "/incidents", "/api/v1/incidents/?limit=1": "/api/v1/incidents?limit=1"} {
		if a := s.As(t, "root").Get(t, path); a.Status != 308 || a.Header.Get("Location") != to {
			t.Errorf("%s answers %d and leads to %q", path, a.Status, a.Header.Get("Location"))
		}
	}
	program := s.Nobody().Request(t.Context(), "GET", "/nothing", nil)
	program.Header.Set("Accept", "application/json")
	if a := s.Nobody().Do(program); a.Status != 404 || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a program is told %d %s", a.Status, a.Header.Get("Content-Type"))
	}
}
