package knowledgeweb

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/core/search"
	"github.com/mainstayhq/mainstay/practice/knowledge"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// listSpec says by what articles are narrowed.
func listSpec(c *web.Ctx) web.ListSpec {
	s := web.ListSpec{
		Name: "articles", Label: "Articles", Path: "/articles", Size: pageSize,
		Tab: web.Filter{Name: "state", Options: []ui.Option{{Value: "current", Text: "Current"}, {Value: "published", Text: "Published"}, {Value: "draft", Text: "Drafts"}, {Value: "retired", Text: "Retired"}}},
	}
	s.Filters = append(c.ProjectFilter(access.ArticleRead),
		web.Filter{Name: "who", Label: "Kept by", Options: []ui.Option{{Value: "", Text: "anybody"}, {Value: "me", Text: "me"}}},
		web.Filter{Name: "q", Label: "Words", Type: "search", Placeholder: "A symptom, an error message"})
	if c.Viewer.MayAny(access.ArticleWrite) {
		s.Bulk = "/articles/bulk"
		s.Acts = []ui.BulkAct{{Word: "publish", Label: "Publish"}, {Word: "retire", Label: "Retire"}}
	}
	return s
}

// listQuery is what the list asks for, but for its words.
func listQuery(c *web.Ctx, l *web.Listing) (knowledge.Query, error) {
	q := visible(c.Viewer, knowledge.Query{Limit: l.Size() + 1})
	if l.Value("project") != "" {
		only, err := l.Within(access.ArticleRead)
		if err != nil {
			return q, err
		}
		q.Projects = only
	}
	q.States = []knowledge.State{knowledge.Draft, knowledge.Published}
	if st := knowledge.State(l.Value("state")); st.Valid() {
		q.States = []knowledge.State{st}
	}
	if l.Value("who") == "me" {
		q.Owner = c.Viewer.PersonID
	}
	q.Before, _ = strconv.ParseInt(l.Cursor(), 10, 64) // anything else begins at the newest
	return q, nil
}

func (p *Pages) list(c *web.Ctx) error {
	l, err := c.List(listSpec(c))
	if err != nil {
		return err
	}
	v := listView{MayAdd: c.Viewer.MayAny(access.ArticleWrite), Filtered: l.Filtered()}
	q, err := listQuery(c, l)
	if err != nil {
		return err
	}
	if words := l.Value("q"); words != "" {
		err = p.found(c, &v, q, words)
		l.Rows(len(v.Rows), "", 0)
	} else {
		err = p.newest(c, &v, q, l)
	}
	if err != nil {
		return err
	}
	v.List = l.View()
	return c.Render(web.Page{Title: "Articles", Nav: "knowledge", Status: l.Status(), Crumbs: []web.Crumb{{Text: "Knowledge"}}}, listPage(v))
}

// found fills the list with what the search finds, best first.
func (p *Pages) found(c *web.Ctx, v *listView, q knowledge.Query, words string) error {
	hits, err := p.cfg.Finder.Find(c.Context(), c.Viewer, search.Query{
		Text: words, Kinds: []mainstay.Kind{mainstay.KindArticle}, Limit: 200, Prefix: true,
	})
	if err != nil {
		return err
	}
	q.IDs, q.Before, q.Limit = []string{}, 0, len(hits)+1
	for _, h := range hits {
		q.IDs = append(q.IDs, h.Ref.ID)
	}
	list, err := p.cfg.Articles.List(c.Context(), q)
	if err != nil {
		return err
	}
	byID := map[string]knowledge.Article{}
	for _, a := range list {
		byID[a.ID] = a
	}
	for _, h := range hits {
		if a, ok := byID[h.Ref.ID]; ok && len(v.Rows) < pageSize {
			r := p.row(c.Context(), a, c.Now)
			r.Spans = h.Spans
			v.Rows = append(v.Rows, r)
		}
	}
	return nil
}

func (p *Pages) newest(c *web.Ctx, v *listView, q knowledge.Query, l *web.Listing) error {
	list, err := p.cfg.Articles.List(c.Context(), q)
	if err != nil {
		return err
	}
	next := ""
	if len(list) == q.Limit {
		list = list[:q.Limit-1]
		next = strconv.FormatInt(list[len(list)-1].Number, 10)
	}
	for _, a := range list {
		v.Rows = append(v.Rows, p.row(c.Context(), a, c.Now))
	}
	l.Rows(len(v.Rows), next, 0)
	return nil
}

// bulk is what can be done to many articles at once.
func (p *Pages) bulk(rt *web.Router) {
	rt.Bulk(web.Bulk{
		Pattern: "/articles/bulk", Kind: mainstay.KindArticle, Permission: access.ArticleWrite, Back: "/articles", Matching: p.matching,
		Words: map[string]string{"publish": "published", "retire": "retired"},
		Acts: map[string]func(*web.Ctx, object.Object) (web.Did, error){
			"publish": func(c *web.Ctx, o object.Object) (web.Did, error) {
				a, err := p.cfg.Articles.Publish(c.Context(), c.Actor(), o.Ref.ID)
				return web.Did{Said: a.Key() + " is published."}, err
			},
			"retire": func(c *web.Ctx, o object.Object) (web.Did, error) {
				before, err := p.cfg.Articles.One(c.Context(), o.Ref.ID)
				if err != nil {
					return web.Did{}, err
				}
				a, err := p.cfg.Articles.Retire(c.Context(), c.Actor(), o.Ref.ID)
				return web.Did{Said: a.Key() + " is retired.", Undo: &web.Inverse{Act: "article.restore", Version: a.Version + 1, Before: string(before.State)}}, err
			},
		},
	})
	rt.Undoes("article.restore", access.ArticleWrite, func(c *web.Ctx, o object.Object, was web.Inverse) (web.Did, error) {
		a, err := p.cfg.Articles.One(c.Context(), o.Ref.ID)
		if err == nil && a.Version != was.Version {
			err = mainstay.Errorf(mainstay.Conflict, "%s has changed since, and was left as it is.", a.Key())
		}
		if err == nil {
			a, err = p.cfg.Articles.Restore(c.Context(), c.Actor(), o.Ref.ID)
		}
		if err == nil && knowledge.State(was.Before) == knowledge.Published {
			a, err = p.cfg.Articles.Publish(c.Context(), c.Actor(), o.Ref.ID)
		}
		return web.Did{Said: a.Key() + " is " + string(a.State) + " again."}, err
	})
}

// matching lists the articles that a list's query selects.
func (p *Pages) matching(c *web.Ctx, query url.Values, most int) ([]string, error) {
	l := c.Listing(listSpec(c), query)
	q, err := listQuery(c, l)
	if err != nil {
		return nil, err
	}
	q.Before, q.Limit = 0, most
	if words := l.Value("q"); words != "" {
		v := listView{}
		if err := p.found(c, &v, q, words); err != nil {
			return nil, err
		}
		keys := []string{}
		for _, r := range v.Rows {
			keys = append(keys, r.Key)
		}
		return keys, nil
	}
	list, err := p.cfg.Articles.List(c.Context(), q)
	keys := []string{}
	for _, a := range list {
		keys = append(keys, a.Key())
	}
	return slices.Clip(keys), err
}
