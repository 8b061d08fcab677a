package knowledgeweb

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/search"
	"github.com/mainstayhq/mainstay/practice/knowledge"
	"github.com/mainstayhq/mainstay/web"
)

// View is an article as the API shows it. Persons, services and projects are ids.
type View struct {
	ID        string         `json:"id"`
	Number    string         `json:"number" doc:"such as KB-19"`
	Project   string         `json:"project"`
	Title     string         `json:"title"`
	State     string         `json:"state" enum:"draft,published,retired"`
	Rule      string         `json:"rule,omitempty" doc:"the alertname on whose alerts it is shown"`
	Service   string         `json:"service,omitempty"`
	Owner     string         `json:"owner,omitempty"`
	Public    bool           `json:"public"`
	ReviewAt  *time.Time     `json:"reviewAt,omitempty"`
	Stale     string         `json:"stale,omitempty" doc:"why it should be looked at before it is trusted"`
	Revision  int64          `json:"revision" doc:"the newest one"`
	Published int64          `json:"publishedRevision,omitempty"`
	From      string         `json:"from,omitempty" doc:"what it was drafted from, kind:id"`
	Solved    int64          `json:"solved"`
	Helped    int64          `json:"helped"`
	Failed    int64          `json:"failed"`
	Markdown  string         `json:"markdown,omitempty" doc:"the newest revision; only when one is read"`
	HTML      string         `json:"html,omitempty" doc:"rendered and safe; only when one is read"`
	Revisions []Revision     `json:"revisions,omitempty" doc:"newest first, at most 100; only when one is read"`
	CreatedBy mainstay.Actor `json:"createdBy"`
	CreatedAt time.Time      `json:"createdAt"`
	ChangedAt time.Time      `json:"changedAt"`
	Version   int64          `json:"version"`
}

// Revision is one state of the text.
type Revision struct {
	Revision int64          `json:"revision"`
	Digest   string         `json:"digest" doc:"SHA-256 of the Markdown"`
	Author   mainstay.Actor `json:"author"`
	At       time.Time      `json:"at"`
}

func view(a knowledge.Article, now time.Time) View {
	v := View{
		ID: a.ID, Number: a.Key(), Project: a.Project, Title: a.Title, State: string(a.State), Rule: a.Rule, Service: a.Service,
		Owner: a.Owner, Public: a.Public, Stale: a.Stale(now), Revision: a.Revision, Published: a.Shown, From: a.From.String(),
		Solved: a.Solved, Helped: a.Helped, Failed: a.Failed, CreatedBy: a.CreatedBy, CreatedAt: a.CreatedAt, ChangedAt: a.ChangedAt,
		Version: a.Version,
	}
	if !a.ReviewAt.IsZero() {
		v.ReviewAt = &a.ReviewAt
	}
	return v
}

// ListInput selects articles.
type ListInput struct {
	web.Query
	Q     string `query:"q" maxLength:"500" doc:"words to find, best first; without it, newest first"`
	State string `query:"state" enum:"draft,published,retired" doc:"only those in this state"`
	Rule  string `query:"rule" maxLength:"200" doc:"only those for the alerts of this rule"`
}

// One names an article by id or number.
type One struct {
	ID string `path:"id" doc:"id or number"`
}

// Content is what is written of an article.
type Content struct {
	Title    string     `json:"title,omitempty" maxLength:"200" doc:"required, but for a draft from something"`
	Markdown string     `json:"markdown,omitempty"`
	Rule     string     `json:"rule,omitempty" maxLength:"200"`
	Service  string     `json:"service,omitempty" doc:"a service's id"`
	Owner    string     `json:"owner,omitempty" doc:"a person's id"`
	Public   bool       `json:"public,omitempty"`
	ReviewAt *time.Time `json:"reviewAt,omitempty"`
}

func (c Content) values() knowledge.Values {
	v := knowledge.Values{Title: c.Title, Rule: c.Rule, Service: c.Service, Owner: c.Owner, Public: c.Public}
	if c.ReviewAt != nil {
		v.ReviewAt = c.ReviewAt.UTC()
	}
	return v
}

// CreateInput begins an article.
type CreateInput struct {
	Body struct {
		Content
		Project string `json:"project,omitempty" doc:"id or name; not needed with from"`
		From    string `json:"from,omitempty" maxLength:"100" doc:"draft it from incident:ID or rootcause:ID; all else is ignored then"`
	}
}

// EditInput changes an article.
type EditInput struct {
	One
	IfMatch string `header:"If-Match"`
	Body    struct {
		Content
		Base int64 `json:"base" doc:"the revision that you began from"`
	}
}

// UseInput counts what an article did.
type UseInput struct {
	One
	Body struct {
		Outcome string `json:"outcome" enum:"solved,helped,failed"`
		About   string `json:"about,omitempty" maxLength:"100" doc:"the alert or incident, kind:id"`
	}
}

func (p *Pages) api(rt *web.Router) {
	add := func(method, pattern string, perm access.Permission) web.Route {
		r := web.Route{Method: method, Pattern: "/articles" + pattern, Permission: perm, MaxBody: maxBody}
		if pattern != "" {
			r.Kind = mainstay.KindArticle
		}
		return r
	}
	doc := func(summary string) web.Doc { return web.Doc{Summary: summary, Tag: "articles"} }
	web.API(rt, add("GET", "", access.ArticleRead), doc("List or find articles"), p.apiList)
	web.API(rt, add("GET", "/{id}", access.ArticleRead), doc("Read one article with its text and revisions"),
		func(ctx context.Context, _ *One) (*web.Out[View], error) { return p.read(ctx, web.RefFrom(ctx).ID) })
	created := doc("Write an article, or draft it from an incident")
	created.Status = 201
	web.API(rt, add("POST", "", access.ArticleWrite), created, p.apiCreate)
	web.API(rt, add("PUT", "/{id}", access.ArticleWrite), doc("Change an article"), p.apiEdit)
	web.API(rt, add("POST", "/{id}/use", access.ArticleWrite), doc("Say what an article did for you"),
		func(ctx context.Context, in *UseInput) (*web.Out[View], error) {
			about, err := p.about(ctx, in.Body.About)
			if err == nil {
				_, err = p.cfg.Articles.Use(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID, knowledge.Outcome(in.Body.Outcome), about)
			}
			if err != nil {
				return nil, err
			}
			return p.read(ctx, web.RefFrom(ctx).ID)
		})
	for word, do := range map[string]func(context.Context, mainstay.Actor, string) (knowledge.Article, error){
		"publish": p.cfg.Articles.Publish, "retire": p.cfg.Articles.Retire, "restore": p.cfg.Articles.Restore,
	} {
		web.API(rt, add("POST", "/{id}/"+word, access.ArticleWrite), doc("Article: "+word),
			func(ctx context.Context, _ *One) (*web.Out[View], error) {
				a, err := do(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID)
				if err != nil {
					return nil, err
				}
				return p.read(ctx, a.ID)
			})
	}
}

func (p *Pages) read(ctx context.Context, id string) (*web.Out[View], error) {
	a, err := p.cfg.Articles.One(ctx, id)
	if err != nil {
		return nil, err
	}
	v := view(a, p.cfg.Time.Now())
	text, err := p.cfg.Articles.Text(ctx, a)
	if err != nil {
		return nil, err
	}
	v.Markdown, v.HTML = text.Markdown, text.HTML
	history, err := p.cfg.Articles.History(ctx, a, 0)
	if err != nil {
		return nil, err
	}
	for _, r := range history {
		v.Revisions = append(v.Revisions, Revision{Revision: r.Revision, Digest: r.Digest, Author: r.Author, At: r.At})
	}
	return &web.Out[View]{ETag: web.ETag(a.Version), Body: v}, nil
}

func (p *Pages) apiList(ctx context.Context, in *ListInput) (*web.Out[web.List[View]], error) {
	viewer := web.ViewerFrom(ctx)
	projectID := ""
	if in.Project != "" {
		x, err := p.cfg.Projects.Project(ctx, in.Project)
		if err != nil {
			return nil, err
		}
		projectID = x.ID
	}
	if in.Q != "" {
		return p.apiFind(ctx, viewer, in, projectID)
	}
	q := visible(viewer, knowledge.Query{Rule: in.Rule, Limit: in.Limit + 1})
	if in.State != "" {
		q.States = []knowledge.State{knowledge.State(in.State)}
	}
	if projectID != "" {
		if q.Projects != nil && !slices.Contains(q.Projects, projectID) {
			projectID = ""
		}
		q.Projects = []string{projectID}
	}
	if in.Cursor != "" {
		n, err := strconv.ParseInt(in.Cursor, 10, 64)
		if err != nil || n <= 0 {
			return nil, mainstay.Errorf(mainstay.Invalid, "The cursor %q is not one of ours.", in.Cursor)
		}
		q.Before = n
	}
	list, err := p.cfg.Articles.List(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &web.Out[web.List[View]]{Body: web.List[View]{Items: []View{}}}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Body.Next = strconv.FormatInt(list[in.Limit-1].Number, 10)
	}
	for _, a := range list {
		out.Body.Items = append(out.Body.Items, view(a, p.cfg.Time.Now()))
	}
	return out, nil
}

// apiFind answers with what the search finds; state and rule narrow a page after it was found.
func (p *Pages) apiFind(ctx context.Context, viewer access.Viewer, in *ListInput, projectID string) (*web.Out[web.List[View]], error) {
	hits, err := p.cfg.Finder.Find(ctx, viewer, search.Query{
		Text: in.Q, Kinds: []mainstay.Kind{mainstay.KindArticle}, Project: projectID, Limit: in.Limit, Cursor: in.Cursor,
	})
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, h := range hits {
		ids = append(ids, h.Ref.ID)
	}
	list, err := p.cfg.Articles.List(ctx, visible(viewer, knowledge.Query{IDs: ids, Rule: in.Rule, Limit: 1000}))
	if err != nil {
		return nil, err
	}
	out := &web.Out[web.List[View]]{Body: web.List[View]{Items: []View{}}}
	if len(hits) == in.Limit {
		out.Body.Next = hits[len(hits)-1].Cursor
	}
	for _, h := range hits {
		i := slices.IndexFunc(list, func(a knowledge.Article) bool { return a.ID == h.Ref.ID })
		if i >= 0 && (in.State == "" || string(list[i].State) == in.State) {
			out.Body.Items = append(out.Body.Items, view(list[i], p.cfg.Time.Now()))
		}
	}
	return out, nil
}

func (p *Pages) apiCreate(ctx context.Context, in *CreateInput) (*web.Out[View], error) {
	viewer := web.ViewerFrom(ctx)
	if in.Body.From != "" {
		from := mainstay.ParseRef(in.Body.From)
		if err := p.source(ctx, viewer, from); err != nil {
			return nil, err
		}
		a, err := p.cfg.Articles.DraftFrom(ctx, viewer.Actor, from, "")
		if err != nil {
			return nil, err
		}
		return p.read(ctx, a.ID)
	}
	x, err := p.cfg.Projects.Project(ctx, in.Body.Project)
	if err != nil {
		return nil, err
	}
	if !viewer.May(access.ArticleWrite, x.ID) {
		return nil, mainstay.Errorf(mainstay.Denied, "You may not write articles in this project.")
	}
	if err := p.serviceOf(ctx, x.ID, in.Body.Service); err != nil {
		return nil, err
	}
	a, err := p.cfg.Articles.Create(ctx, viewer.Actor, x.ID, in.Body.values(), in.Body.Markdown)
	if err != nil {
		return nil, err
	}
	return p.read(ctx, a.ID)
}

func (p *Pages) apiEdit(ctx context.Context, in *EditInput) (*web.Out[View], error) {
	a, err := p.cfg.Articles.One(ctx, web.RefFrom(ctx).ID)
	if err != nil {
		return nil, err
	}
	if err := web.Match(in.IfMatch, a.Version); err != nil {
		return nil, err
	}
	if err := p.serviceOf(ctx, a.Project, in.Body.Service); err != nil {
		return nil, err
	}
	if _, err := p.cfg.Articles.Edit(ctx, web.ViewerFrom(ctx).Actor, a.ID, in.Body.values(), in.Body.Markdown, in.Body.Base); err != nil {
		return nil, err
	}
	return p.read(ctx, a.ID)
}
