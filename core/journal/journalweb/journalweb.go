// Package journalweb owns the API and the page that read the journal. It never writes to it.
package journalweb

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/web"
)

// Names gives people's and things' names for actors and subjects; what it does not know is shown by kind.
type Names interface {
	// ProjectID is the id of a project by id or name; "installation" stays.
	ProjectID(ctx context.Context, key string) (string, error)
	// Actor is a name for people, such as "Ana Ruiz" or "Mainstay".
	Actor(ctx context.Context, a mainstay.Actor) string
	// Subject is a short name and the path of its page; both may be empty.
	Subject(ctx context.Context, r mainstay.Ref) (name, url string)
}

// Pages are the routes.
type Pages struct {
	journal journal.Reader
	names   Names
	objects web.Register
	cfg     Config
}

// Config is what the pages need. Without Audits there is no audit.
type Config struct {
	Journal journal.Reader
	Names   Names
	Objects web.Register
	Audits  Audits
	Finder  Finder
	Time    mainstay.Timekeeper
	// Note appends a fact of the installation, in a transaction of its own.
	Note func(ctx context.Context, p fact.Payload, by mainstay.Actor) error
}

// New makes the pages.
func New(cfg Config) *Pages { return &Pages{cfg.Journal, cfg.Names, cfg.Objects, cfg} }

// readable are those of the facts that the viewer may read: not those about private objects that they may not know of.
func (p *Pages) readable(ctx context.Context, v access.Viewer, facts []fact.Fact) ([]fact.Fact, error) {
	return web.Known(ctx, p.objects, v, facts, func(f fact.Fact) []mainstay.Ref { return f.Subjects })
}

// Fact is a fact as the API shows it.
type Fact struct {
	ID       string          `json:"id"`
	Project  string          `json:"project"`
	Sequence int64           `json:"sequence"`
	Kind     string          `json:"kind"`
	At       time.Time       `json:"at" doc:"when it happened"`
	Recorded time.Time       `json:"recorded" doc:"when it was written down"`
	Actor    mainstay.Actor  `json:"actor"`
	Subjects []string        `json:"subjects" doc:"kind:id"`
	Sentence string          `json:"sentence" doc:"what happened, after the actor's name"`
	Payload  json.RawMessage `json:"payload" doc:"null once erased"`
}

func view(f fact.Fact) Fact {
	v := Fact{
		ID: f.ID, Project: f.Project, Sequence: f.Sequence, Kind: f.Kind, At: f.At, Recorded: f.Recorded,
		Actor: f.Actor, Subjects: []string{}, Sentence: fact.Sentence(f), Payload: f.Payload,
	}
	for _, s := range f.Subjects {
		v.Subjects = append(v.Subjects, s.String())
	}
	if len(v.Payload) == 0 {
		v.Payload = json.RawMessage("null")
	}
	return v
}

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	web.API(rt, web.Route{Method: "GET", Pattern: "/facts", Permission: access.JournalRead},
		web.Doc{
			Summary: "Read a project's facts, oldest first, or those about one object",
			Description: "project is required: an id, a name, or installation for what belongs to none. subject is kind:id. " +
				"With newest the order is reversed.", Tag: "facts",
		}, p.list)
	web.API(rt, web.Route{Method: "GET", Pattern: "/facts/{sequence}", Permission: access.JournalRead},
		web.Doc{Summary: "One fact, by its sequence in a project", Tag: "facts"}, p.one)
	p.auditRoutes(rt)
	rt.Handle(web.Route{Method: "GET", Pattern: "/admin/journal", Permission: access.JournalRead}, p.page)
}

// project is the id of a project whose journal the viewer may read.
func (p *Pages) project(ctx context.Context, v access.Viewer, key string) (string, error) {
	if key == "" {
		all, ids := v.Projects(access.JournalRead)
		if all || len(ids) != 1 {
			return "", mainstay.Errorf(mainstay.Invalid, "Say which project, or installation.")
		}
		key = ids[0]
	}
	id, err := p.names.ProjectID(ctx, key)
	if err == nil && !v.May(access.JournalRead, id) {
		err = mainstay.Errorf(mainstay.NotFound, "There is no project %q.", key)
	}
	return id, err
}

type listInput struct {
	web.Query
	Subject string `query:"subject" maxLength:"200" doc:"kind:id, such as incident:0197…"`
	Kind    string `query:"kind" maxLength:"100" doc:"such as page.acknowledged"`
	Newest  bool   `query:"newest" doc:"Newest first"`
}

func (p *Pages) list(ctx context.Context, in *listInput) (*web.Out[web.List[Fact]], error) {
	id, err := p.project(ctx, web.ViewerFrom(ctx), in.Project)
	if err != nil {
		return nil, err
	}
	q := journal.Query{Project: id, Subject: mainstay.ParseRef(in.Subject), Newest: in.Newest, Limit: in.Limit}
	if in.Kind != "" {
		q.Kinds = []string{in.Kind}
	}
	if in.Cursor != "" {
		n, err := strconv.ParseInt(in.Cursor, 10, 64)
		if err != nil {
			return nil, mainstay.Errorf(mainstay.Invalid, "The cursor is not one of ours.")
		}
		if q.After = n; in.Newest {
			q.After, q.Before = 0, n
		}
	}
	facts, err := p.journal.Facts(ctx, q)
	if err != nil {
		return nil, err
	}
	shown, err := p.readable(ctx, web.ViewerFrom(ctx), facts)
	if err != nil {
		return nil, err
	}
	out := web.List[Fact]{Items: []Fact{}}
	for _, f := range shown {
		out.Items = append(out.Items, view(f))
	}
	if len(facts) == in.Limit {
		out.Next = strconv.FormatInt(facts[len(facts)-1].Sequence, 10)
	}
	return &web.Out[web.List[Fact]]{Body: out}, nil
}

type oneInput struct {
	Sequence int64  `path:"sequence"`
	Project  string `query:"project" maxLength:"100"`
}

func (p *Pages) one(ctx context.Context, in *oneInput) (*web.Out[Fact], error) {
	id, err := p.project(ctx, web.ViewerFrom(ctx), in.Project)
	if err != nil {
		return nil, err
	}
	facts, err := p.journal.Facts(ctx, journal.Query{Project: id, After: in.Sequence - 1, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(facts) > 0 {
		facts, err = p.readable(ctx, web.ViewerFrom(ctx), facts)
	}
	if err != nil {
		return nil, err
	}
	if len(facts) == 0 || facts[0].Sequence != in.Sequence {
		return nil, mainstay.Errorf(mainstay.NotFound, "There is no fact %d in this project.", in.Sequence)
	}
	return &web.Out[Fact]{Body: view(facts[0])}, nil
}

type row struct {
	Fact    Fact
	Actor   string
	Subject string
	URL     string
}

type pageView struct {
	Project string
	Where   string // in words
	Rows    []row
	Older   string
}

func (p *Pages) page(c *web.Ctx) error {
	key := c.Query("project")
	if key == "" {
		key = mainstay.Installation
		if all, ids := c.Viewer.Projects(access.JournalRead); !all && len(ids) > 0 {
			key = ids[0]
		}
	}
	id, err := p.project(c.Context(), c.Viewer, key)
	if err != nil {
		return err
	}
	before, _ := strconv.ParseInt(c.Query("before"), 10, 64) // anything else reads from the end
	facts, err := p.journal.Facts(c.Context(), journal.Query{Project: id, Newest: true, Before: before, Limit: 100})
	if err != nil {
		return err
	}
	shown, err := p.readable(c.Context(), c.Viewer, facts)
	if err != nil {
		return err
	}
	v := pageView{Project: key, Where: "the installation"}
	if id != mainstay.Installation {
		if v.Where, _ = p.names.Subject(c.Context(), mainstay.Ref{Kind: mainstay.KindProject, ID: id}); v.Where == "" {
			v.Where = key
		}
	}
	for _, f := range shown {
		r := row{Fact: view(f), Actor: p.names.Actor(c.Context(), f.Actor)}
		if len(f.Subjects) > 0 {
			r.Subject, r.URL = p.names.Subject(c.Context(), f.Subjects[0])
		}
		v.Rows = append(v.Rows, r)
	}
	if len(facts) == 100 {
		v.Older = "/admin/journal?project=" + key + "&before=" + strconv.FormatInt(facts[99].Sequence, 10)
	}
	return c.Render(web.Page{Title: "Journal", Nav: "admin", Crumbs: []web.Crumb{{Text: "Admin", URL: "/admin"}, {Text: "Journal"}}}, journalPage(v))
}
