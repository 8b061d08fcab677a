package fileweb_test

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/file"
	"github.com/mainstayhq/mainstay/core/file/filedb"
	"github.com/mainstayhq/mainstay/core/file/fileweb"
	"github.com/mainstayhq/mainstay/mainstaytest/house"
)

type names struct{}

func (names) Actor(_ context.Context, a mainstay.Actor) string { return a.String() }

type world struct {
	*house.House
	files  *file.Service
	open   mainstay.Ref
	secret mainstay.Ref
}

func setup(t *testing.T, f func(t *testing.T, w world)) {
	house.Databases(t, func(t *testing.T, h *house.House) {
		disk, err := file.NewDisk(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		w := world{House: h}
		w.files, err = file.New(file.Config{Store: filedb.New(h.DB, h.Saver), Blobs: disk, Time: h.Clock, Max: func(context.Context) int64 { return 1 << 20 }})
		if err != nil {
			t.Fatal(err)
		}
		pages, err := fileweb.New(fileweb.Config{Files: w.files, Objects: h.Objects, Names: names{}})
		if err != nil {
			t.Fatal(err)
		}
		w.Serve(t, pages)
		shop := w.Project(t, "shop")
		ana := w.Person(t, "ana", access.Grant{Role: access.Responder, Project: shop})
		w.Person(t, "ben", access.Grant{Role: access.Responder, Project: shop})
		w.Person(t, "max", access.Grant{Role: access.Manager, Project: shop})
		role := w.Person(t, "role", access.Grant{Role: access.Stakeholder, Project: shop})
		w.Person(t, "sten", access.Grant{Role: access.Stakeholder, Project: shop})
		w.Person(t, "out", access.Grant{Role: access.Manager, Project: w.Project(t, "bank")})
		now := h.Clock.Now()
		w.open = mainstay.Ref{Kind: mainstay.KindIncident, ID: mainstay.NewID(now)}
		w.secret = mainstay.Ref{Kind: mainstay.KindIncident, ID: mainstay.NewID(now)}
		h.Commit(t, commit.Set{Objects: []commit.Object{
			{Ref: w.open, Number: 1, Project: shop, Title: "Mails late", At: now},
			{Ref: w.secret, Number: 2, Project: shop, Title: "Keys leaked", Private: true, Readers: []string{ana.ID, role.ID}, At: now},
		}})
		f(t, w)
	}, filedb.Migrations())
}

// upload sends a file as the form does, by a signed-in browser's cookies, and returns the exhibits of the subject afterwards.
func (w world) upload(t *testing.T, who string, subject mainstay.Ref, name, content string) int {
	t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	if err := m.WriteField("subject", subject.String()); err != nil {
		t.Fatal(err)
	}
	part, err := m.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return w.As(t, who).Send(http.MethodPost, "/exhibits", &body, http.Header{"Content-Type": {m.FormDataContentType()}, "Sec-Fetch-Site": {"same-origin"}}).Status
}

func TestUploadAndServe(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		png := "\x89PNG\r\n\x1a\n" + strings.Repeat("x", 100)
		for i, c := range []struct {
			who     string
			subject mainstay.Ref
			name    string
			content string
			want    int
		}{
			{"sten", w.open, "a.png", png, 403},
			{"out", w.open, "a.png", png, 404},
			{"ben", w.secret, "a.png", png, 404},
			{"role", w.secret, "a.png", png, 403},
			{"ana", mainstay.Ref{Kind: mainstay.KindPerson, ID: "x"}, "a.png", png, 422},
			{"ana", w.open, "big.bin", strings.Repeat("x", 1<<20+1), 413},
			{"ana", w.open, "huge.bin", strings.Repeat("x", 3<<20), 413},
			{"ana", w.open, "empty", "", 422},
		} {
			if got := w.upload(t, c.who, c.subject, c.name, c.content); got != c.want {
				t.Errorf("upload %d: %d, want %d", i, got, c.want)
			}
		}
		for _, name := range []string{"graph.png", "page.html"} {
			content := png
			if strings.HasSuffix(name, "html") {
				content = "<html><script>alert(1)</script></html>"
			}
			w.upload(t, "ana", w.open, name, content) // leads to the incident, which has no page here
			w.upload(t, "ana", w.secret, name, content)
		}
		for _, s := range []struct {
			subject mainstay.Ref
			want    map[string]int
		}{{w.open, map[string]int{"ana": 200, "sten": 200, "out": 404}}, {w.secret, map[string]int{"ana": 200, "role": 200, "max": 200, "ben": 404, "sten": 404, "out": 404}}} {
			list, err := w.files.Of(t.Context(), s.subject)
			if err != nil || len(list) != 2 {
				t.Fatalf("%d exhibits: %v", len(list), err)
			}
			for who, want := range s.want {
				for _, e := range list {
					p := w.As(t, who).Get(e.URL())
					if p.Status != want {
						t.Errorf("%s reads %s: %d, want %d", who, e.Name, p.Status, want)
					}
					if want == 200 {
						served(t, e, p)
					}
				}
			}
		}
	})
}

// served checks the headers that keep a hostile file from acting as a page of ours.
func served(t *testing.T, e file.Exhibit, p *house.Page) {
	t.Helper()
	how := map[bool]string{true: "inline", false: "attachment"}[e.Image()]
	for header, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
		"Content-Type": e.MediaType, "Content-Disposition": how + "; filename=" + e.Name, "Etag": fmt.Sprintf("%q", e.SHA256),
	} {
		if got := p.Header.Get(header); !strings.HasPrefix(got, want) {
			t.Errorf("%s of %s: %q, want %q", header, e.Name, got, want)
		}
	}
}
