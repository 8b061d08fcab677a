package statuspage_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/mainstayhq/mainstay/practice/communication"
)

func document(t testing.TB, body []byte) *goquery.Document {
	t.Helper()
	d, err := goquery.NewDocumentFromReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The first page says what is wrong, since when, and when the next word comes; every page passes our own rules.
func TestPages(t *testing.T) {
	files := render(t, harbour())
	d := document(t, files["index.html"].Body)
	text := strings.Join(strings.Fields(d.Find("main").Text()), " ")
	for _, want := range []string{
		"Some card payments fail", "We know the cause", "Next word by 03:24 CET", "Storefront", "Website", "Works", "Checkout", "Partly down",
		"Payments database", "Checkout was down", "Solved after 41 min.", "11 March: down 41 min", "Last change 17 March 2026, 03:04 CET",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the first page lacks %q", want)
		}
	}
	if strings.Contains(text, "Confirmation mails") {
		t.Error("a component that is shown only when degraded is shown while it works")
	}
	if n := d.Find("svg.up[role=img][aria-label]").Length(); n != 2 {
		t.Errorf("%d bars with a label; want one for each of 2 components", n)
	}
	if n := document(t, render(t, communication.Site{At: now})["index.html"].Body).Find("h1").Text(); strings.TrimSpace(n) != "No status yet" {
		t.Errorf("the empty page says %q", n)
	}
	for name, f := range files {
		if len(f.Zip) > 50_000 {
			t.Errorf("%s has %d compressed bytes; want 50,000 at most", name, len(f.Zip))
		}
		if !strings.HasSuffix(name, ".html") {
			continue
		}
		d := document(t, f.Body)
		if n := d.Find("script, [style], [onclick], iframe, form").Length(); n > 0 {
			t.Errorf("%s has %d elements that the policy forbids", name, n)
		}
		if d.Find("h1").Length() != 1 || d.Find("main").Length() != 1 || d.Find("title").Text() == "" || d.Find("html[lang]").Length() != 1 {
			t.Errorf("%s lacks a landmark", name)
		}
		d.Find("a[href]").Each(func(_ int, a *goquery.Selection) {
			to := a.AttrOr("href", "")
			path := strings.Trim(strings.Split(to, "#")[0], "/")
			if path == "" {
				return
			}
			if files[path] == nil && files[path+"/index.html"] == nil {
				t.Errorf("%s links to %s, which is not there", name, to)
			}
		})
	}
}

// A page with 50 components in five groups stays small.
func TestWeight(t *testing.T) {
	files := render(t, many(50))
	if n := len(files["index.html"].Zip); n > 50_000 {
		t.Errorf("50 components: %d compressed bytes; want 50,000 at most", n)
	} else {
		t.Logf("50 components: %d bytes, %d compressed", len(files["index.html"].Body), n)
	}
}

func many(n int) communication.Site {
	s := communication.Site{At: now}
	for k := range n {
		id := fmt.Sprintf("c-%02d", k)
		s.Components = append(s.Components, communication.Component{ID: id, Title: "Component " + id, Showcase: true, Hand: communication.Operational, CreatedAt: at(-100, "00:00"), UpdatedAt: at(-1, "00:00")})
		from := at(-100, "00:00")
		for d := -88; d < 0; d += 7 + k%5 {
			s.Intervals = append(s.Intervals,
				communication.Interval{Component: id, State: communication.Operational, From: from, Until: at(d, "09:00")},
				communication.Interval{Component: id, State: communication.States()[2+k%3], From: at(d, "09:00"), Until: at(d, "09:07").Add(time.Duration(k) * time.Minute)})
			from = at(d, "09:07").Add(time.Duration(k) * time.Minute)
		}
		s.Intervals = append(s.Intervals, communication.Interval{Component: id, State: communication.Operational, From: from})
	}
	return s
}

// What is withheld is nowhere in any file, even when the rows reach the renderer.
func TestWallOfTheRendering(t *testing.T) {
	s := harbour()
	s.Incidents[0].Withheld = true
	for name, f := range render(t, s) {
		if bytes.Contains(f.Body, []byte("card payments")) || strings.Contains(name, "i-2") {
			t.Errorf("%s shows what was withheld", name)
		}
	}
	for name, f := range render(t, harbour().Public(map[string]bool{"i-2": true})) {
		if bytes.Contains(f.Body, []byte("card payments")) || strings.Contains(name, "i-2") {
			t.Errorf("%s shows what the register calls private", name)
		}
	}
}

// The feeds are XML with an id that stays and a time that moves; the calendar keeps its UIDs.
func TestFeeds(t *testing.T) {
	type feed struct {
		ID      string `xml:"id"`
		Updated string `xml:"updated"`
		Entries []struct {
			ID      string `xml:"id"`
			Title   string `xml:"title"`
			Updated string `xml:"updated"`
			Link    struct {
				Href string `xml:"href,attr"`
			} `xml:"link"`
		} `xml:"entry"`
	}
	read := func(s communication.Site) (f feed) {
		if err := xml.Unmarshal(render(t, s)["feed.atom"].Body, &f); err != nil {
			t.Fatal(err)
		}
		return f
	}
	before := harbour()
	f := read(before)
	if len(f.Entries) != 4 || f.Entries[0].Title != "Some card payments fail" || f.Entries[0].Link.Href != "https://status.example.com/incidents/i-2" {
		t.Fatalf("feed %+v", f)
	}
	before.Incidents[0].UpdatedAt = at(0, "02:40")
	if g := read(before); g.Entries[0].ID != f.Entries[0].ID || g.Entries[0].Updated == f.Entries[0].Updated || g.Updated == f.Updated {
		t.Errorf("after an update: %+v; before: %+v", g.Entries[0], f.Entries[0])
	}
	events := parseCalendar(t, render(t, harbour())["maintenance.ics"].Body)
	if len(events) != 2 || events[0]["UID"] != "w-2@status.example.com" || events[0]["SEQUENCE"] != "1" || events[0]["STATUS"] != "CONFIRMED" ||
		events[1]["STATUS"] != "CANCELLED" || events[0]["DTSTART"] != "20260322T030000Z" {
		t.Errorf("calendar %v", events)
	}
	if want := `Paying may pause for up to 4 minutes\, or 5\; see below.`; events[0]["DESCRIPTION"] != want {
		t.Errorf("description %q; want %q", events[0]["DESCRIPTION"], want)
	}
}

// parseCalendar reads content lines as RFC 5545 says: CRLF, at most 75 bytes, folded lines joined.
func parseCalendar(t testing.TB, body []byte) []map[string]string {
	t.Helper()
	if !bytes.HasSuffix(body, []byte("\r\n")) || bytes.Contains(bytes.ReplaceAll(body, []byte("\r\n"), nil), []byte("\n")) {
		t.Error("the calendar has lines that do not end in CRLF")
	}
	for _, l := range bytes.Split(body, []byte("\r\n")) {
		if len(l) > 75 {
			t.Errorf("a line of %d bytes", len(l))
		}
	}
	var events []map[string]string
	for _, l := range strings.Split(strings.ReplaceAll(string(body), "\r\n ", ""), "\r\n") {
		name, value, ok := strings.Cut(l, ":")
		switch {
		case l == "BEGIN:VEVENT":
			events = append(events, map[string]string{})
		case l != "" && !ok:
			t.Errorf("a line without a name: %q", l)
		case ok && len(events) > 0:
			events[len(events)-1][name] = value
		}
	}
	return events
}

// Whatever a title and a text hold, every file stays well formed and none of it becomes markup.
func FuzzRender(f *testing.F) {
	f.Add("<script>alert(1)</script>", "a\r\nb\x00]]>&amp;{{next_update}}")
	f.Add("\xff\xfe", "javascript:alert(1)")
	f.Add("BEGIN:VEVENT\r\nUID:x", "é\u2028𝕏\ufffe")
	f.Fuzz(func(t *testing.T, title, text string) {
		s := harbour()
		s.Components[1].Title, s.Components[1].Description = title, text
		s.Incidents[0].Name, s.Incidents[0].Updates[0].Body = title, text
		s.Windows[0].Name, s.Windows[0].Text = title, text
		files := render(t, s)
		for _, name := range []string{"index.html", "history/index.html", "incidents/i-2/index.html", "maintenances/w-2/index.html"} {
			if n := document(t, files[name].Body).Find("script, [onerror], [onload], [style], iframe").Length(); n > 0 {
				t.Errorf("%s: %q %q became markup", name, title, text)
			}
		}
		for _, name := range []string{"feed.atom", "feed.rss"} {
			d := xml.NewDecoder(bytes.NewReader(files[name].Body))
			for {
				if _, err := d.Token(); err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
		}
		if n := len(parseCalendar(t, files["maintenance.ics"].Body)); n != 2 {
			t.Errorf("%d events; want 2", n)
		}
	})
}

func BenchmarkRender(b *testing.B) {
	s := many(50)
	for b.Loop() {
		render(b, s)
	}
}
