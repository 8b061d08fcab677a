// Package knowledgeweb owns the pages and the API of articles: the list with its search, one article with its revisions, the forms, and
// the article that is shown on an alert. It never decides which article fits.
package knowledgeweb

import (
	"context"
	"errors"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/core/search"
	"github.com/mainstayhq/mainstay/practice/knowledge"
	"github.com/mainstayhq/mainstay/web"
)

// Names gives the names of actors and objects.
type Names interface {
	Actor(ctx context.Context, a mainstay.Actor) string
	// Subject is a short name and the path of the object's page; both may be empty.
	Subject(ctx context.Context, r mainstay.Ref) (name, url string)
}

// People answers who may keep an article; people.Service does.
type People interface {
	List(ctx context.Context, q people.Query) (list []people.Person, next string, err error)
}

// Projects answers which projects and services there are; project.Registry does.
type Projects interface {
	Projects(ctx context.Context) ([]project.Project, error)
	Project(ctx context.Context, key string) (project.Project, error)
	Services(ctx context.Context, project string) ([]project.Service, error)
}

// Finder finds articles by their words; search.Service does.
type Finder interface {
	Find(ctx context.Context, v access.Viewer, q search.Query) ([]search.Hit, error)
}

// Config is what the pages need; every field is required.
type Config struct {
	Articles *knowledge.Service
	Names    Names
	People   People
	Projects Projects
	Finder   Finder
	Objects  web.Objects
	Time     mainstay.Timekeeper
}

// Pages are the routes.
type Pages struct {
	cfg Config
	rt  *web.Router
}

// New makes the pages.
func New(cfg Config) (*Pages, error) {
	if cfg.Articles == nil || cfg.Names == nil || cfg.People == nil || cfg.Projects == nil || cfg.Finder == nil || cfg.Objects == nil || cfg.Time == nil {
		return nil, errors.New("knowledgeweb needs Articles, Names, People, Projects, Finder, Objects and Time")
	}
	return &Pages{cfg: cfg}, nil
}

// maxBody lets an article of the largest size through, form-encoded.
const maxBody = 2 << 20

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	p.rt = rt
	rt.Handle(web.Route{Method: "GET", Pattern: "/articles", Permission: access.ArticleRead}, p.list)
	rt.Handle(web.Route{Method: "GET", Pattern: "/articles/new", Permission: access.ArticleWrite}, p.newArticle)
	rt.Handle(web.Route{Method: "POST", Pattern: "/articles", Permission: access.ArticleWrite, MaxBody: maxBody}, p.create)
	rt.Handle(web.Route{Method: "POST", Pattern: "/articles/draft", Permission: access.ArticleWrite}, p.draft)
	rt.Handle(web.Route{Method: "GET", Pattern: "/articles/{id}", Permission: access.ArticleRead, Kind: mainstay.KindArticle}, p.one)
	rt.Handle(web.Route{Method: "GET", Pattern: "/articles/{id}/edit", Permission: access.ArticleWrite, Kind: mainstay.KindArticle}, p.editForm)
	for pattern, h := range map[string]func(*web.Ctx) error{
		"/edit": p.edit, "/publish": p.publish, "/retire": p.retire, "/restore": p.restore, "/use": p.use,
	} {
		rt.Handle(web.Route{Method: "POST", Pattern: "/articles/{id}" + pattern, Permission: access.ArticleWrite, Kind: mainstay.KindArticle, MaxBody: maxBody}, h)
	}
	p.bulk(rt)
	p.api(rt)
}

// visible narrows a query to what the viewer may see.
func visible(v access.Viewer, q knowledge.Query) knowledge.Query {
	if all, ids := v.Projects(access.ArticleRead); !all {
		q.Projects = append([]string{}, ids...)
		if v.May(access.ArticleRead, mainstay.Installation) {
			q.Projects = append(q.Projects, mainstay.Installation)
		}
	}
	q.AllPrivate, q.Private, q.Known = v.Private()
	return q
}

// sees reports whether the viewer may see the article at all.
func sees(v access.Viewer, a knowledge.Article) bool {
	return v.May(access.ArticleRead, a.Project) && v.Sees(a.ID, a.Project, a.Private)
}

// path is the address of an article.
func path(a knowledge.Article) string { return "/articles/" + a.Key() }

// source checks that the viewer may write an article from the object: they must see it, and may write articles in its project.
func (p *Pages) source(ctx context.Context, v access.Viewer, ref mainstay.Ref) error {
	if ref.Kind != mainstay.KindIncident && ref.Kind != mainstay.KindRootCause {
		return mainstay.Errorf(mainstay.Invalid, "An article is drafted from an incident or a root cause analysis.")
	}
	o, err := p.rt.Seen(ctx, ref)
	if err != nil {
		return err
	}
	if !v.May(access.ArticleWrite, o.Project) {
		return mainstay.Errorf(mainstay.Denied, "You may not write articles in this project.")
	}
	return nil
}
