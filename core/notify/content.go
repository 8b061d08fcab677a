package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"
	_ "time/tzdata" // zones of persons, on machines without a zone database

	"github.com/mainstayhq/mainstay/core/people"
)

// Content is a message rendered for people. Subject is one line; HTML is a whole document.
type Content struct {
	Subject string
	Text    string
	HTML    string
}

// letter is what every message is made of, before it becomes text and HTML.
type letter struct {
	Subject string
	State   string // one word above the title, such as "sev-1" or "Resolved"
	Loud    bool   // somebody must act now
	Title   string
	Facts   []pair
	Text    string
	Groups  []group // of a digest
	Links   []link  // the first is what the reader should do
	Foot    string
}

type pair struct{ Label, Value string }

// group is a heading with lines under it; a line may lead somewhere.
type group struct {
	Title string
	Lines []line
	More  string
}

type line struct{ Text, Note, URL string }

type link struct{ Words, URL string }

// setting is what a template may use besides its data.
type setting struct {
	external string
	zone     *time.Location
	now      time.Time
}

// Render makes the content of a message from its template's data. zone is an IANA name, "" for UTC; external is the server's
// own URL. Data that does not fit the template is an error; a name that is not known is rendered as General.
func Render(name string, data json.RawMessage, external, zone string, now time.Time) (Content, error) {
	s := setting{external: strings.TrimSuffix(external, "/"), zone: time.UTC, now: now}
	if l, err := time.LoadLocation(zone); err == nil {
		s.zone = l
	}
	var l letter
	var err error
	switch name {
	case TemplatePage:
		l, err = with(data, s.page)
	case TemplatePageResolved:
		l, err = with(data, s.pageResolved)
	case TemplateIncident:
		l, err = with(data, s.incident)
	case TemplateInvite:
		l, err = with(data, s.invite)
	case TemplateReset:
		l, err = with(data, s.reset)
	case TemplateVerify:
		l, err = with(data, s.verify)
	case TemplateTest:
		l, err = with(data, s.test)
	case people.DigestTemplate:
		l, err = with(data, s.digest)
	default:
		l, err = with(data, s.general)
	}
	if err != nil {
		return Content{}, fmt.Errorf("rendering the template %q: %w", name, err)
	}
	return l.content(s)
}

func with[T any](data json.RawMessage, f func(T) letter) (letter, error) {
	var v T
	if len(data) > 0 {
		if err := json.Unmarshal(data, &v); err != nil {
			return letter{}, err
		}
	}
	return f(v), nil
}

// content cleans everything, because all of it may come from outside, and writes the text and the HTML.
func (l letter) content(s setting) (Content, error) {
	l.Subject, l.Title, l.State = cut(oneLine(l.Subject), 200), cut(oneLine(l.Title), 300), oneLine(l.State)
	l.Text, l.Foot = cut(plain(l.Text), 10_000), oneLine(l.Foot)
	facts := l.Facts
	l.Facts = nil
	for _, f := range facts {
		if v := oneLine(f.Value); v != "" {
			l.Facts = append(l.Facts, pair{f.Label, cut(v, 500)})
		}
	}
	l.Groups = s.groups(l.Groups)
	links := l.Links
	l.Links = nil
	for _, k := range links {
		if u := s.link(k.URL); u != "" {
			l.Links = append(l.Links, link{oneLine(k.Words), u})
		}
	}
	var html bytes.Buffer
	if err := page.Execute(&html, l); err != nil {
		return Content{}, fmt.Errorf("writing the HTML: %w", err)
	}
	return Content{Subject: l.Subject, Text: l.text(), HTML: html.String()}, nil
}

func (l letter) text() string {
	var b strings.Builder
	if l.State != "" {
		b.WriteString(strings.ToUpper(l.State) + "\n")
	}
	b.WriteString(l.Title + "\n")
	width := 0
	for _, f := range l.Facts {
		width = max(width, len(f.Label))
	}
	for i, f := range l.Facts {
		if i == 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%-*s  %s\n", width, f.Label, f.Value)
	}
	if l.Text != "" {
		b.WriteString("\n" + l.Text + "\n")
	}
	for _, g := range l.Groups {
		b.WriteString("\n" + strings.ToUpper(g.Title) + "\n")
		for _, x := range g.Lines {
			b.WriteString("- " + x.Text + after(" - ", x.Note) + "\n")
		}
		if g.More != "" {
			b.WriteString(g.More + "\n")
		}
	}
	for _, k := range l.Links {
		b.WriteString("\n" + k.Words + ":\n" + k.URL + "\n")
	}
	if l.Foot != "" {
		b.WriteString("\n-- \n" + l.Foot + "\n")
	}
	return b.String()
}

// link makes a URL absolute. What is not a web address is dropped: "javascript:" has no place in a mail.
func (s setting) link(u string) string {
	if strings.HasPrefix(u, "/") && !strings.HasPrefix(u, "//") {
		if s.external == "" {
			return ""
		}
		u = s.external + u
	}
	p, err := url.Parse(u)
	if err != nil || p.Host == "" || p.Scheme != "http" && p.Scheme != "https" || strings.ContainsFunc(u, func(r rune) bool { return r <= ' ' }) {
		return ""
	}
	return u
}

// at is a time for people: in their zone, with the day when it is not today's.
func (s setting) at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	l := t.In(s.zone)
	if now := s.now.In(s.zone); now.YearDay() == l.YearDay() && now.Year() == l.Year() {
		return l.Format("15:04 MST")
	}
	return l.Format("Mon 2 Jan 2006 15:04 MST")
}

// since is a time in the past with how long ago it was.
func (s setting) since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if d := s.now.Sub(t); d >= time.Minute {
		return s.at(t) + ", " + ago(d) + " ago"
	}
	return s.at(t)
}

func ago(d time.Duration) string {
	switch {
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// page is the HTML of every mail. Mail programs ignore style sheets, so styles are on the elements.
var page = template.Must(template.New("mail").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>{{.Subject}}</title></head>
<body style="margin:0;padding:16px;font:14px/20px -apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;color:#14181b;background:#ffffff">
<div style="max-width:560px;margin:0 auto">
{{- if .State}}
<p style="margin:0 0 4px;font-size:12px;line-height:16px;font-weight:600;color:{{if .Loud}}#b3231a{{else}}#464e55{{end}}">{{if .Loud}}&#9650; {{end}}{{.State}}</p>
{{- end}}
<h1 style="margin:0 0 16px;font-size:20px;line-height:28px;font-weight:600">{{.Title}}</h1>
{{- range $i, $l := .Links}}{{if eq $i 0}}
<p style="margin:0 0 16px"><a href="{{$l.URL}}" style="display:inline-block;padding:12px 20px;border-radius:4px;font-size:16px;line-height:20px;font-weight:600;text-decoration:none;background:#14181b;color:#ffffff">{{$l.Words}}</a></p>
{{- end}}{{end}}
{{- if .Facts}}
<table role="presentation" cellpadding="0" cellspacing="0" style="border-collapse:collapse;margin:0 0 16px">
{{- range .Facts}}
<tr><td style="padding:2px 16px 2px 0;color:#5f686f;vertical-align:top;white-space:nowrap">{{.Label}}</td><td style="padding:2px 0;vertical-align:top">{{.Value}}</td></tr>
{{- end}}
</table>
{{- end}}
{{- if .Text}}
<p style="margin:0 0 16px;white-space:pre-wrap">{{.Text}}</p>
{{- end}}
{{- range .Groups}}
<h2 style="margin:16px 0 4px;font-size:14px;line-height:20px;font-weight:600">{{.Title}}</h2>
<ul style="margin:0 0 8px;padding:0 0 0 20px">
{{- range .Lines}}
<li>{{if .URL}}<a href="{{.URL}}" style="color:#1c55b0">{{.Text}}</a>{{else}}{{.Text}}{{end}}{{if .Note}} <span style="color:#5f686f">{{.Note}}</span>{{end}}</li>
{{- end}}
</ul>
{{- if .More}}
<p style="margin:0 0 8px;color:#5f686f">{{.More}}</p>
{{- end}}
{{- end}}
{{- range $i, $l := .Links}}{{if gt $i 0}}
<p style="margin:0 0 8px"><a href="{{$l.URL}}" style="color:#1c55b0">{{$l.Words}}</a></p>
{{- end}}{{end}}
{{- if .Foot}}
<p style="margin:16px 0 0;padding:8px 0 0;border-top:1px solid #e0e3e5;font-size:12px;line-height:16px;color:#5f686f">{{.Foot}}</p>
{{- end}}
</div>
</body></html>
`))
