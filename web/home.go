package web

import (
	"context"
	"encoding/json"
	"net/http"
	"sort"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Panels renders the panels of a place for a page: first the wide column, then the narrow one. A panel that fails is
// replaced by a note that says so, because the others may be what is needed.
func (c *Ctx) Panels(where string) (wide, side []Component) {
	whole, wide, side := c.places(where)
	return append(whole, wide...), side
}

// places renders the panels of a place: those across the whole page, those of the wide and those of the narrow column.
func (c *Ctx) places(where string) (whole, wide, side []Component) {
	at := At{Viewer: c.Viewer, Ref: c.Ref, Project: c.Project, Now: c.Now}
	panels := []Panel{}
	for _, p := range c.rt.panels {
		if p.Where == where {
			panels = append(panels, p)
		}
	}
	sort.SliceStable(panels, func(i, j int) bool {
		a, b := panels[i], panels[j]
		return a.Order < b.Order || a.Order == b.Order && a.Title < b.Title
	})
	ctx := c.uiContext()
	for _, p := range panels {
		body := c.panel(ctx, p, at)
		switch {
		case body == nil:
		case p.Side:
			side = append(side, body)
		case p.Whole:
			whole = append(whole, body)
		default:
			wide = append(wide, body)
		}
	}
	return whole, wide, side
}

func (c *Ctx) panel(ctx context.Context, p Panel, at At) Component {
	body, err := p.Render(ctx, at)
	if err == nil {
		return body
	}
	if mainstay.Is(err, mainstay.Denied) {
		return nil
	}
	c.rt.cfg.Log.ErrorContext(ctx, "panel failed", "panel", p.Title, "where", p.Where, "request", RequestID(ctx), "err", err)
	return ui.BrokenPanel(p.Title, RequestID(ctx))
}

// now is the first page.
func (rt *Router) now(c *Ctx) error {
	view := ui.NowView{}
	view.Whole, view.Wide, view.Side = c.places("now")
	if rt.cfg.Line != nil {
		line, err := rt.cfg.Line(c.Context(), c.Viewer)
		if err != nil {
			return err
		}
		view.Line = line
	}
	if rt.cfg.First != nil {
		first, err := rt.cfg.First(c.Context(), c.Viewer)
		if err != nil {
			return err
		}
		view.First = first
	}
	return c.Render(Page{Title: "Now", Nav: "now", Crumbs: []Crumb{{Text: "Now"}}}, ui.NowPage(view))
}

func (rt *Router) projects(c *Ctx) error {
	lines, err := rt.cfg.Projects.List(c.Context(), c.Viewer)
	if err != nil {
		return err
	}
	view := ui.ProjectsView{}
	for _, l := range lines {
		view.Lines = append(view.Lines, projectLine(l))
	}
	if r, ok := rt.route(http.MethodGet, "/projects/new"); ok {
		view.MayAdd = c.Viewer.MayAny(r.Permission)
	}
	return c.Render(Page{Title: "Projects", Nav: "projects", Crumbs: []Crumb{{Text: "Projects"}}}, ui.ProjectsPage(view))
}

func projectLine(l ProjectLine) ui.ProjectLine {
	return ui.ProjectLine{ID: l.ID, Name: l.Name, Title: l.Title, Phase: l.Phase, Note: l.Note, State: l.State}
}

// project is a project's home.
func (rt *Router) project(c *Ctx) error {
	line, err := rt.cfg.Projects.One(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	c.Project = c.Ref.ID
	whole, wide, side := c.places("project")
	page := Page{Title: line.Title, Nav: "projects", Crumbs: []Crumb{{"Projects", "/projects"}, {Text: line.Title}}, Live: []mainstay.Ref{c.Ref}}
	return c.Render(page, ui.ProjectPage(ui.ProjectView{Line: projectLine(line), Whole: whole, Wide: wide, Side: side}))
}

// search is the palette without script.
func (rt *Router) search(c *Ctx) error {
	q := c.Query("q")
	view := ui.SearchView{Query: q}
	hits, err := rt.hits(c.R, Seek{Text: q})
	if err != nil {
		return err
	}
	for _, h := range hits {
		hit := ui.Hit{Kind: string(h.Kind), Number: h.Number, Title: h.Title, Note: h.Note, URL: h.URL, Do: h.Do}
		if h.Post != nil {
			hit.Post = &ui.PostButton{URL: h.URL, Label: h.Title, Small: true}
			for _, f := range h.Post.Fields {
				hit.Post.Hidden = append(hit.Post.Hidden, ui.Pair{Name: f.Name, Value: f.Value})
			}
		}
		view.Hits = append(view.Hits, hit)
	}
	return c.Render(Page{Title: "Search", Crumbs: []Crumb{{Text: "Search"}}}, ui.SearchPage(view))
}

func (rt *Router) hits(req *http.Request, q Seek) ([]Hit, error) {
	if len(q.Text) > 500 {
		return nil, mainstay.Errorf(mainstay.Invalid, "Search for fewer than 500 characters.")
	}
	if rt.cfg.Search == nil {
		return nil, nil
	}
	return rt.cfg.Search(req.Context(), ViewerFrom(req.Context()), q)
}

// serveHits answers the palette.
func (rt *Router) serveHits(w http.ResponseWriter, req *http.Request) {
	q := req.URL.Query()
	hits, err := rt.hits(req, Seek{Text: q.Get("q"), At: mainstay.ParseRef(q.Get("at")), Do: q.Get("only") == "do"})
	if err != nil {
		rt.WriteProblem(w, req, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(List[Hit]{Items: append([]Hit{}, hits...)}) // the client may have gone
}
