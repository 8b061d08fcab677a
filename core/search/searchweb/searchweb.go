// Package searchweb owns the way from the index to the palette, the search page and the API. It never ranks.
package searchweb

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/search"
	"github.com/mainstayhq/mainstay/web"
)

// Config is what the routes need; both fields are required.
type Config struct {
	Search *search.Service
	// Project turns a project's name into its id; an id stays as it is.
	Project func(ctx context.Context, key string) (id string, err error)
}

// Pages are the routes.
type Pages struct{ cfg Config }

// New makes the routes.
func New(cfg Config) (*Pages, error) {
	if cfg.Search == nil || cfg.Project == nil {
		return nil, errors.New("searchweb needs Search and Project")
	}
	return &Pages{cfg}, nil
}

// Palette finds what the palette and the search page show: web.Config.Search.
func (p *Pages) Palette(ctx context.Context, v access.Viewer, q string) ([]web.Hit, error) {
	found, err := p.cfg.Search.Find(ctx, v, search.Query{Text: q, Prefix: true, Limit: 20})
	if err != nil {
		return nil, err
	}
	hits := make([]web.Hit, len(found))
	for i, h := range found {
		hits[i] = web.Hit{Kind: h.Ref.Kind, Number: h.Ref.Kind.Number(h.Number), Title: h.Title, Note: note(h), URL: h.URL()}
		if h.Title == "" {
			hits[i].Title = h.Key()
		}
	}
	return hits, nil
}

// note is the second line of a hit: its state, and the text around a match.
func note(h search.Hit) string {
	parts := []string{}
	if h.State != "" {
		parts = append(parts, h.State)
	}
	if slices.ContainsFunc(h.Spans, func(s search.Span) bool { return s.Marked }) {
		parts = append(parts, h.Excerpt())
	}
	return strings.Join(parts, " · ")
}

// Hit is what the API answers.
type Hit struct {
	Kind    string        `json:"kind"`
	ID      string        `json:"id"`
	Key     string        `json:"key" doc:"number, name or id"`
	Project string        `json:"project"`
	Title   string        `json:"title"`
	State   string        `json:"state"`
	URL     string        `json:"url"`
	Excerpt []search.Span `json:"excerpt" doc:"pieces of the text; marked ones are words searched for"`
}

// Input is what to find.
type Input struct {
	web.Query
	Q    string `query:"q" maxLength:"500" required:"true" doc:"words, a number such as INC-42, or a name"`
	Kind string `query:"kind" maxLength:"40" doc:"only objects of this kind"`
}

// Routes adds the API operation; the page and the palette belong to the shell.
func (p *Pages) Routes(rt *web.Router) {
	web.API(rt, web.Route{Method: "GET", Pattern: "/search", Permission: access.Self},
		web.Doc{Summary: "Find objects by words, number or name, best first", Tag: "search"}, p.find)
}

func (p *Pages) find(ctx context.Context, in *Input) (*web.Out[web.List[Hit]], error) {
	q := search.Query{Text: in.Q, Limit: in.Limit, Cursor: in.Cursor}
	if in.Kind != "" {
		q.Kinds = []mainstay.Kind{mainstay.Kind(in.Kind)}
	}
	if in.Project != "" {
		id, err := p.cfg.Project(ctx, in.Project)
		if err != nil {
			return nil, err
		}
		q.Project = id
	}
	found, err := p.cfg.Search.Find(ctx, web.ViewerFrom(ctx), q)
	if err != nil {
		return nil, err
	}
	out := &web.Out[web.List[Hit]]{Body: web.List[Hit]{Items: []Hit{}}}
	for _, h := range found {
		spans := h.Spans
		if spans == nil {
			spans = []search.Span{}
		}
		out.Body.Items = append(out.Body.Items, Hit{
			Kind: string(h.Ref.Kind), ID: h.Ref.ID, Key: h.Key(), Project: h.Project, Title: h.Title, State: h.State, URL: h.URL(), Excerpt: spans,
		})
	}
	if len(found) == in.Limit {
		out.Body.Next = found[len(found)-1].Cursor
	}
	return out, nil
}
