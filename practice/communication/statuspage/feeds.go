package statuspage

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"html"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay/practice/communication"
)

// entry is one incident or window in the feeds. Its id never changes; its time is that of the last update.
type entry struct {
	id, title, link, html string
	created, updated      time.Time
}

func (v *view) entries() []entry {
	var list []entry
	for _, i := range v.site.Incidents {
		list = append(list, v.entry("incidents", i.ID, i.Name, i.CreatedAt, i.UpdatedAt, i.Updates))
	}
	for _, w := range v.site.Windows {
		e := v.entry("maintenances", w.ID, w.Name, w.CreatedAt, w.UpdatedAt, w.Updates)
		e.html = "<p><strong>" + html.EscapeString(v.span(w.From, w.Until)) + "</strong></p>\n" + e.html
		list = append(list, e)
	}
	sortBy(list, func(a, b entry) bool {
		if !a.updated.Equal(b.updated) {
			return a.updated.After(b.updated)
		}
		return a.id > b.id
	})
	return list[:min(len(list), latest)]
}

func (v *view) entry(where, id, title string, created, updated time.Time, updates []communication.PublicUpdate) entry {
	var b strings.Builder
	for _, u := range updates {
		fmt.Fprintf(&b, "<p><small>%s</small><br/><strong>%s</strong> %s</p>\n", html.EscapeString(v.stamp(u.At)),
			html.EscapeString(statusWords(u.Status)), strings.ReplaceAll(html.EscapeString(clean(u.Body)), "\n", "<br/>"))
	}
	return entry{
		id:    fmt.Sprintf("tag:%s,%s:%s/%s", v.host(), created.UTC().Format(time.DateOnly), where, id),
		title: clean(title), link: v.link("/" + where + "/" + id), html: b.String(), created: created, updated: updated,
	}
}

// clean removes what XML cannot carry.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r >= 0x20 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd && r != 0xfffd || r >= 0x10000 && r <= 0x10ffff {
			return r
		}
		return -1
	}, strings.ToValidUTF8(s, ""))
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

type atomEntry struct {
	ID        string   `xml:"id"`
	Title     string   `xml:"title"`
	Link      atomLink `xml:"link"`
	Published string   `xml:"published"`
	Updated   string   `xml:"updated"`
	Content   atomText `xml:"content"`
}

type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Links   []atomLink  `xml:"link"`
	Updated string      `xml:"updated"`
	Author  string      `xml:"author>name"`
	Entries []atomEntry `xml:"entry"`
}

func (v *view) atom() ([]byte, error) {
	f := atomFeed{
		ID: "tag:" + v.host() + ",2026:status", Title: clean(v.page.Name), Updated: v.changed.UTC().Format(time.RFC3339), Author: clean(v.page.Name),
		Links: []atomLink{{Rel: "alternate", Type: "text/html", Href: v.link("/")}, {Rel: "self", Type: "application/atom+xml", Href: v.link("/feed.atom")}},
	}
	for _, e := range v.entries() {
		f.Entries = append(f.Entries, atomEntry{
			ID: e.id, Title: e.title, Link: atomLink{Rel: "alternate", Type: "text/html", Href: e.link},
			Published: e.created.UTC().Format(time.RFC3339), Updated: e.updated.UTC().Format(time.RFC3339),
			Content: atomText{Type: "html", Text: e.html},
		})
	}
	return marshalXML(f)
}

type rssItem struct {
	Title       string  `xml:"title"`
	Link        string  `xml:"link"`
	GUID        rssGUID `xml:"guid"`
	PubDate     string  `xml:"pubDate"`
	Description string  `xml:"description"`
}

type rssGUID struct {
	Permanent bool   `xml:"isPermaLink,attr"`
	ID        string `xml:",chardata"`
}

type rssFeed struct {
	XMLName xml.Name  `xml:"rss"`
	Version string    `xml:"version,attr"`
	Title   string    `xml:"channel>title"`
	Link    string    `xml:"channel>link"`
	Says    string    `xml:"channel>description"`
	Built   string    `xml:"channel>lastBuildDate"`
	Items   []rssItem `xml:"channel>item"`
}

func (v *view) rss() ([]byte, error) {
	f := rssFeed{
		Version: "2.0", Title: clean(v.page.Name), Link: v.link("/"), Says: clean(v.page.Name) + ": incidents and maintenance",
		Built: v.changed.UTC().Format(time.RFC1123Z),
	}
	for _, e := range v.entries() {
		f.Items = append(f.Items, rssItem{
			Title: e.title, Link: e.link, GUID: rssGUID{ID: e.id}, PubDate: e.updated.UTC().Format(time.RFC1123Z), Description: e.html,
		})
	}
	return marshalXML(f)
}

func marshalXML(v any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	e.Indent("", " ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("writing a feed: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// ical is the calendar of maintenance (RFC 5545): one event per window, whose UID stays and whose SEQUENCE rises; a cancelled
// one is kept, marked so.
func (v *view) ical() []byte {
	var b bytes.Buffer
	line := func(name, value string) { fold(&b, name+":"+value) }
	line("BEGIN", "VCALENDAR")
	line("VERSION", "2.0")
	line("PRODID", "-//Mainstay//status page//EN")
	line("CALSCALE", "GREGORIAN")
	line("METHOD", "PUBLISH")
	line("X-WR-CALNAME", icalText(v.page.Name+": maintenance"))
	line("REFRESH-INTERVAL;VALUE=DURATION", "PT1H")
	const utc = "20060102T150405Z"
	for _, w := range v.site.Windows {
		line("BEGIN", "VEVENT")
		line("UID", w.ID+"@"+v.host())
		line("SEQUENCE", fmt.Sprint(max(w.Sequence-1, 0)))
		line("DTSTAMP", w.UpdatedAt.UTC().Format(utc))
		line("CREATED", w.CreatedAt.UTC().Format(utc))
		line("LAST-MODIFIED", w.UpdatedAt.UTC().Format(utc))
		line("DTSTART", w.From.UTC().Format(utc))
		line("DTEND", w.Until.UTC().Format(utc))
		line("SUMMARY", icalText("Maintenance: "+w.Name))
		if w.Text != "" {
			line("DESCRIPTION", icalText(w.Text))
		}
		line("URL", v.link("/maintenances/"+w.ID))
		line("STATUS", map[bool]string{true: "CANCELLED", false: "CONFIRMED"}[w.Cancelled()])
		line("TRANSP", "TRANSPARENT")
		line("END", "VEVENT")
	}
	line("END", "VCALENDAR")
	return b.Bytes()
}

var icalEscaper = strings.NewReplacer("\\", "\\\\", ";", "\\;", ",", "\\,", "\r\n", "\\n", "\n", "\\n", "\r", "")

func icalText(s string) string { return icalEscaper.Replace(clean(s)) }

// fold writes a content line in pieces of at most 75 bytes, never within a character.
func fold(b *bytes.Buffer, s string) {
	room := 75
	for len(s) > room {
		cut := room
		for cut > 0 && s[cut]&0xc0 == 0x80 {
			cut--
		}
		b.WriteString(s[:cut])
		b.WriteString("\r\n ")
		s, room = s[cut:], 74
	}
	b.WriteString(s)
	b.WriteString("\r\n")
}
