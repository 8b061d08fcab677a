// Package statuspage owns the public status page: it renders everything to bytes when something changes, serves those bytes,
// and writes and reads the signed folder from which another process serves them. It never asks a database while answering a
// request, and it never sees anything that is not public.
package statuspage

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/mainstayhq/mainstay/practice/communication"
)

// File is one thing that the page serves, made beforehand.
type File struct {
	Name string // as in the folder, such as "index.html" or "api/v2/summary.json"
	Type string // media type
	Body []byte
	Zip  []byte // the body compressed, nil when that does not pay
	Sum  string // of the body
}

// Files are all files of the page by name.
type Files map[string]*File

//go:embed style.css
var style []byte

//go:embed icon.svg
var icon []byte

// ageMark is where a page says how old it is, when it is old.
const ageMark = "<!--age-->"

// Types of the files, by the end of their names.
var types = []struct{ end, media string }{
	{".html", "text/html; charset=utf-8"},
	{".json", "application/json; charset=utf-8"},
	{".css", "text/css; charset=utf-8"},
	{".svg", "image/svg+xml"},
	{".atom", "application/atom+xml; charset=utf-8"},
	{".rss", "application/rss+xml; charset=utf-8"},
	{".ics", "text/calendar; charset=utf-8"},
}

func mediaType(name string) string {
	for _, t := range types {
		if strings.HasSuffix(name, t.end) {
			return t.media
		}
	}
	return "application/octet-stream"
}

// newFile compresses and sums a body. old, if it has the same body, is used again.
func newFile(name string, body []byte, old Files) *File {
	sum := sha256.Sum256(body)
	text := base64.RawURLEncoding.EncodeToString(sum[:18])
	if f := old[name]; f != nil && f.Sum == text {
		return f
	}
	f := &File{Name: name, Type: mediaType(name), Body: body, Sum: text}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err) // the level exists
	}
	_, _ = z.Write(body) // a buffer takes everything
	_ = z.Close()
	if b.Len()+32 < len(body) {
		f.Zip = bytes.Clone(b.Bytes())
	}
	return f
}

// Render makes every file of the page. The site must have passed its wall; what calls itself withheld is left out here too.
// Files of old that come out the same are kept as they are.
func Render(ctx context.Context, p Page, site communication.Site, old Files) (Files, error) {
	v := newView(p, site.Public(nil))
	files := Files{}
	put := func(name string, body []byte) { files[name] = newFile(name, body, old) }
	put("style.css", style)
	put("icon.svg", icon)
	for name, content := range v.api() {
		body, err := json.Marshal(content)
		if err != nil {
			return nil, fmt.Errorf("rendering %s.json: %w", name, err)
		}
		put("api/v2/"+name+".json", append(body, '\n'))
	}
	atom, err := v.atom()
	if err != nil {
		return nil, err
	}
	rss, err := v.rss()
	if err != nil {
		return nil, err
	}
	put("feed.atom", atom)
	put("feed.rss", rss)
	put("maintenance.ics", v.ical())
	for name, page := range v.pages() {
		var b bytes.Buffer
		if err := document(page.shell, page.body).Render(ctx, &b); err != nil {
			return nil, fmt.Errorf("rendering %s: %w", name, err)
		}
		put(name, b.Bytes())
	}
	return files, nil
}

type page struct {
	shell shell
	body  templ.Component
}

func (v *view) pages() map[string]page {
	index, history := v.index(), v.history()
	pages := map[string]page{
		"index.html":         {index.Shell, indexBody(index)},
		"history/index.html": {history.Shell, historyBody(history)},
		"404.html":           {v.shell("No such page"), missingBody()},
	}
	for _, i := range v.site.Incidents {
		m := v.incidentModel(i)
		pages["incidents/"+i.ID+"/index.html"] = page{m.Shell, detailBody(m)}
	}
	for _, w := range v.site.Windows {
		m := v.windowModel(w)
		pages["maintenances/"+w.ID+"/index.html"] = page{m.Shell, detailBody(m)}
	}
	return pages
}

// names lists the files in order.
func (f Files) names() []string { return slices.Sorted(maps.Keys(f)) }

// Bytes is the body.
func (f *File) Bytes() []byte { return f.Body }
