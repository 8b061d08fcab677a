// Package fileweb owns the routes of exhibits: serving one, keeping an upload, and the section that lists the exhibits of an object.
// It never serves an exhibit to whoever may not read the object that it belongs to.
package fileweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/file"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/web"
)

// Names gives the names of actors.
type Names interface {
	Actor(ctx context.Context, a mainstay.Actor) string
}

// Config is what the routes need; every field is required.
type Config struct {
	Files   *file.Service
	Objects web.Objects
	Names   Names
}

// Pages are the routes.
type Pages struct{ cfg Config }

// New makes the routes.
func New(cfg Config) (*Pages, error) {
	if cfg.Files == nil || cfg.Objects == nil || cfg.Names == nil {
		return nil, errors.New("fileweb needs Files, Objects and Names")
	}
	return &Pages{cfg}, nil
}

// frame is what a form holds besides its file, in bytes.
const frame = 1 << 20

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	rt.Handle(web.Route{Method: "GET", Pattern: "/exhibits/{id}", Permission: access.Self, Kind: mainstay.KindExhibit}, p.serve)
	rt.Handle(web.Route{Method: "POST", Pattern: "/exhibits", Permission: access.Self, MaxBody: p.cfg.Files.Max(context.Background()) + frame}, p.keep)
	p.api(rt)
}

// writes is the permission to add a file to an object of the kind.
var writes = map[mainstay.Kind]access.Permission{
	mainstay.KindIncident:  access.IncidentRespond,
	mainstay.KindRootCause: access.RootCauseWrite,
	mainstay.KindArticle:   access.ArticleWrite,
	mainstay.KindAction:    access.ActionWrite,
	mainstay.KindPage:      access.PageRespond,
	mainstay.KindAlert:     access.AlertRespond,
	mainstay.KindWindow:    access.WindowManage,
	mainstay.KindProject:   access.ProjectManage,
}

// mayRead reports whether the viewer may read the object that the exhibit belongs to.
func (p *Pages) mayRead(ctx context.Context, v access.Viewer, e file.Exhibit) error {
	projectID, sees := e.Project, v.Sees(e.ID, e.Project, e.Private)
	o, err := p.cfg.Objects.Find(ctx, e.Subject.Kind, e.Subject.ID, "")
	switch {
	case err == nil:
		projectID, sees = o.Project, sees && v.Sees(o.Ref.ID, o.Project, o.Private)
	case !mainstay.Is(err, mainstay.NotFound):
		return err
	}
	if !v.May(web.Reads(e.Subject.Kind), projectID) || !sees {
		return mainstay.Errorf(mainstay.NotFound, "There is no such exhibit, or you may not see it.")
	}
	return nil
}

func (p *Pages) serve(c *web.Ctx) error {
	e, err := p.cfg.Files.Load(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	if err := p.mayRead(c.Context(), c.Viewer, e); err != nil {
		return err
	}
	_, r, err := p.cfg.Files.Open(c.Context(), e.ID)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // read only
	h := c.W.Header()
	h.Set("Content-Type", e.MediaType)
	h.Set("Content-Disposition", e.Disposition())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("ETag", `"`+e.SHA256+`"`)
	h.Set("Cache-Control", "private, no-cache") // kept by the browser, and asked for each time: permissions change
	http.ServeContent(c.W, c.R, "", time.Time{}, r)
	return nil
}

// subject finds the object that a file is to belong to, and checks that the viewer may add to it.
func (p *Pages) subject(ctx context.Context, v access.Viewer, ref mainstay.Ref) (object.Object, error) {
	perm, ok := writes[ref.Kind]
	if !ok {
		return object.Object{}, mainstay.Errorf(mainstay.Invalid, "Files cannot be added there.")
	}
	o, err := p.cfg.Objects.Find(ctx, ref.Kind, ref.ID, "")
	if err != nil {
		return o, err
	}
	if !v.May(web.Reads(ref.Kind), o.Project) || !v.Sees(o.Ref.ID, o.Project, o.Private) {
		return o, mainstay.Errorf(mainstay.NotFound, "There is no such %s, or you may not see it.", ref.Kind)
	}
	if !v.May(perm, o.Project) {
		return o, mainstay.Errorf(mainstay.Denied, "You may not add files to this %s: it needs the permission %q.", ref.Kind, perm)
	}
	return o, nil
}

func (p *Pages) keep(c *web.Ctx) error {
	o, err := p.subject(c.Context(), c.Viewer, mainstay.ParseRef(c.Form("subject")))
	if err != nil {
		return err
	}
	f, head, err := c.R.FormFile("file")
	if err != nil {
		return mainstay.Errorf(mainstay.Invalid, "Choose a file first. Nothing was kept.")
	}
	defer f.Close() //nolint:errcheck // read only
	e, err := p.cfg.Files.Keep(c.Context(), file.Upload{
		Project: o.Project, Subject: o.Ref, Name: head.Filename, Private: o.Private, By: c.Actor(),
	}, f)
	if err != nil {
		return err
	}
	c.Say("%s is kept, SHA-256 %s…", e.Name, e.SHA256[:12])
	if url := o.URL(); url != "" {
		return c.See(url + "#exhibits")
	}
	return c.See(e.URL())
}

// Panels list the exhibits of an incident on its page.
func (p *Pages) Panels() []web.Panel {
	return []web.Panel{
		{Where: "incident", Title: "Exhibits", Order: 80, Render: p.Section},
		{Where: "rootcause", Title: "Exhibits", Order: 80, Render: p.Section},
		{Where: "article", Title: "Exhibits", Order: 80, Render: p.Section},
	}
}

type line struct {
	Name, URL, Size, Digest, By, Ref string
	At                               time.Time
	Image                            bool
}

type sectionView struct {
	Lines   []line
	Subject string
	May     bool
	Max     string
}

// Section lists the exhibits of the object, with a form to add one; nil when there is nothing to show or do. Whoever calls it has
// checked that the viewer may read the object.
func (p *Pages) Section(ctx context.Context, at web.At) (web.Component, error) {
	list, err := p.cfg.Files.Of(ctx, at.Ref)
	if err != nil {
		return nil, err
	}
	perm, ok := writes[at.Ref.Kind]
	v := sectionView{Subject: at.Ref.String(), May: ok && at.Viewer.May(perm, at.Project), Max: size(p.cfg.Files.Max(ctx))}
	if len(list) == 0 && !v.May {
		return nil, nil
	}
	for _, e := range list {
		l := line{Name: e.Name, URL: e.URL(), Size: size(e.Size), Digest: e.SHA256, By: p.cfg.Names.Actor(ctx, e.By), At: e.At,
			Image: e.Image(), Ref: "exhibit:" + e.ID}
		v.Lines = append(v.Lines, l)
	}
	return section(v), nil
}

// size is a number of bytes as people read it.
func size(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
