package knowledge

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/fact"
)

// Query selects articles, newest first. Zero fields select everything.
type Query struct {
	Projects []string // ids; nil for all, empty for none
	States   []State
	Rule     string
	IDs      []string
	Owner    string       // person id
	From     mainstay.Ref // drafted from this object
	// Private lists the projects whose private articles may be seen, Known the ids of more objects; AllPrivate says all.
	Private    []string
	Known      []string
	AllPrivate bool
	Before     int64 // number; only older ones
	Limit      int   // 100 when 0, at most 1,000
}

// Store keeps articles.
type Store interface {
	// Create takes the next number and saves what begin makes of it, in one transaction, which the context given to it carries. When
	// there is one from the same object, or for the same request, it saves nothing and returns that one.
	Create(ctx context.Context, from mainstay.Ref, request string,
		begin func(ctx context.Context, number int64) (Article, commit.Set, error)) (a Article, created bool, err error)
	// Update loads one, applies the rule, and saves it with the set in one transaction, which the context given to the rule carries.
	Update(ctx context.Context, id string, rule func(ctx context.Context, a *Article) (commit.Set, error)) error
	// One reads one by id. NotFound without one.
	One(ctx context.Context, id string) (Article, error)
	List(ctx context.Context, q Query) ([]Article, error)
}

// Texts keeps what people write; document.Service does.
type Texts interface {
	Save(ctx context.Context, d document.Draft) (document.Revision, error)
	Load(ctx context.Context, id string) (document.Revision, error)
	At(ctx context.Context, id string, revision int64) (document.Revision, error)
	History(ctx context.Context, id string, before int64) ([]document.Revision, error)
}

// Sources answers what an article can be drafted from: an incident or a root cause analysis.
type Sources interface {
	Source(ctx context.Context, ref mainstay.Ref) (Source, error)
}

// Alert is what knowledge must know of an alert.
type Alert struct {
	Project string // id
	Name    string // alertname
	Service string // id, "" when it has none
}

// Alerts answers about alerts.
type Alerts interface {
	Alert(ctx context.Context, id string) (Alert, error)
}

// Config is what a Service needs; every field is required.
type Config struct {
	Store   Store
	Texts   Texts
	Sources Sources
	Alerts  Alerts
	Time    mainstay.Timekeeper
}

// Service keeps articles.
type Service struct{ cfg Config }

// New makes a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Texts == nil || cfg.Sources == nil || cfg.Alerts == nil || cfg.Time == nil {
		return nil, errors.New("knowledge needs Store, Texts, Sources, Alerts and Time")
	}
	return &Service{cfg}, nil
}

// One reads an article by id.
func (s *Service) One(ctx context.Context, id string) (Article, error) {
	return s.cfg.Store.One(ctx, id)
}

// List reads one page.
func (s *Service) List(ctx context.Context, q Query) ([]Article, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	q.Limit = min(q.Limit, 1000)
	return s.cfg.Store.List(ctx, q)
}

// Text reads an article's newest revision.
func (s *Service) Text(ctx context.Context, a Article) (document.Revision, error) {
	return s.cfg.Texts.Load(ctx, a.Document)
}

// TextAt reads one revision.
func (s *Service) TextAt(ctx context.Context, a Article, revision int64) (document.Revision, error) {
	return s.cfg.Texts.At(ctx, a.Document, revision)
}

// History lists revisions before the given one (0: from the newest), newest first, at most 100.
func (s *Service) History(ctx context.Context, a Article, before int64) ([]document.Revision, error) {
	return s.cfg.Texts.History(ctx, a.Document, before)
}

// Create begins an article by hand. Errors: Invalid with fields, TooLarge.
func (s *Service) Create(ctx context.Context, by mainstay.Actor, project string, v Values, markdown string) (Article, error) {
	if err := v.check(); err != nil {
		return Article{}, err
	}
	if strings.TrimSpace(markdown) == "" {
		markdown = Template
	}
	if v.Owner == "" && by.Kind == mainstay.ActorPerson {
		v.Owner = by.ID
	}
	a := Article{Project: project}
	a.apply(v)
	a, _, err := s.create(ctx, by, a, markdown)
	return a, err
}

// DraftFrom begins an article from an incident or a root cause analysis, filled with what those say. There is one article per source:
// asked again, it returns that one. request is the id of the fact that asked, "" for a person.
func (s *Service) DraftFrom(ctx context.Context, by mainstay.Actor, from mainstay.Ref, request string) (Article, error) {
	src, err := s.cfg.Sources.Source(ctx, from)
	if err != nil {
		return Article{}, err
	}
	a := Article{
		Project: src.Project, Title: src.Title, Owner: src.Owner, Private: src.Private, Service: src.Service, Rule: src.Rule,
		From: from, Request: request,
	}
	if a.Owner == "" && by.Kind == mainstay.ActorPerson {
		a.Owner = by.ID
	}
	a, _, err = s.create(ctx, by, a, src.Text())
	return a, err
}

func (s *Service) create(ctx context.Context, by mainstay.Actor, a Article, markdown string) (Article, bool, error) {
	now := s.cfg.Time.Now()
	return s.cfg.Store.Create(ctx, a.From, a.Request, func(ctx context.Context, number int64) (Article, commit.Set, error) {
		a.ID, a.Number, a.State = mainstay.NewID(now), number, Draft
		a.CreatedBy, a.CreatedAt, a.ChangedAt = by, now, now
		if a.Project == "" {
			a.Project = mainstay.Installation
		}
		r, err := s.cfg.Texts.Save(ctx, document.Draft{
			Project: a.Project, Subject: a.Ref(), Kind: "article", Markdown: markdown, Author: by,
		})
		if err != nil {
			return a, commit.Set{}, err
		}
		a.Document, a.Revision = r.Document, r.Revision
		set := commit.Set{
			Facts:   []fact.Fact{a.fact(now, by, fact.ArticleDrafted{Number: a.Number, Title: a.Title}, a.From)},
			Objects: []commit.Object{a.object(markdown)},
		}
		if !a.From.IsZero() {
			set.Links = []commit.Link{{From: a.Ref(), Type: "drafted from", To: a.From, At: now}}
		}
		return a, set, nil
	})
}

// Edit changes an article and its text. base is the revision that the author began from. Errors: Invalid with fields, TooLarge, Conflict
// (a *document.Stale when somebody else wrote meanwhile; nothing is saved then).
func (s *Service) Edit(ctx context.Context, by mainstay.Actor, id string, v Values, markdown string, base int64) (Article, error) {
	if err := v.check(); err != nil {
		return Article{}, err
	}
	return s.update(ctx, id, func(ctx context.Context, a *Article, now time.Time) (commit.Set, error) {
		r, err := s.cfg.Texts.Save(ctx, document.Draft{ID: a.Document, Markdown: markdown, Author: by, Base: base})
		if err != nil {
			return commit.Set{}, err
		}
		var set commit.Set
		if r.Revision != a.Revision {
			a.Revision = r.Revision
			set.Facts = append(set.Facts, a.fact(now, by, fact.ArticleRevised{Number: a.Number, Title: v.Title, Revision: r.Revision, Digest: r.Digest}))
		}
		if changed := a.apply(v); len(changed) > 0 {
			set.Add(a.review())
			set.Facts = append(set.Facts, a.fact(now, by, fact.ObjectChanged{Kind: string(mainstay.KindArticle), Name: a.Key(), Fields: changed}))
		}
		return set, nil
	})
}

// Publish shows the newest revision to everybody who may read articles of its project.
func (s *Service) Publish(ctx context.Context, by mainstay.Actor, id string) (Article, error) {
	return s.update(ctx, id, func(_ context.Context, a *Article, now time.Time) (commit.Set, error) { return a.publish(now, by) })
}

// Retire takes an article out of sight; its text and numbers are kept.
func (s *Service) Retire(ctx context.Context, by mainstay.Actor, id string) (Article, error) {
	return s.update(ctx, id, func(_ context.Context, a *Article, now time.Time) (commit.Set, error) { return a.retire(now, by) })
}

// Restore makes a retired article a draft again.
func (s *Service) Restore(ctx context.Context, by mainstay.Actor, id string) (Article, error) {
	return s.update(ctx, id, func(_ context.Context, a *Article, now time.Time) (commit.Set, error) { return a.restore(now, by) })
}

// Use counts what the article did for somebody; about is the alert or incident that they worked on, if any.
func (s *Service) Use(ctx context.Context, by mainstay.Actor, id string, o Outcome, about mainstay.Ref) (Article, error) {
	now := s.cfg.Time.Now()
	var after Article
	err := s.cfg.Store.Update(ctx, id, func(_ context.Context, a *Article) (commit.Set, error) {
		set, err := a.use(now, by, o, about)
		after = *a
		return set, err
	})
	return after, err
}

// update applies a rule, and keeps the register's entry current.
func (s *Service) update(ctx context.Context, id string,
	rule func(ctx context.Context, a *Article, now time.Time) (commit.Set, error)) (Article, error) {
	now := s.cfg.Time.Now()
	var after Article
	err := s.cfg.Store.Update(ctx, id, func(ctx context.Context, a *Article) (commit.Set, error) {
		set, err := rule(ctx, a, now)
		if err == nil && !set.IsZero() {
			a.ChangedAt = now
			var text document.Revision
			if text, err = s.cfg.Texts.Load(ctx, a.Document); err == nil {
				set.Objects = append(set.Objects, a.object(text.Markdown))
			}
		}
		after = *a
		return set, err
	})
	return after, err
}

// ForAlert lists the published articles of the alert's rule, the best first: those for its very service, then those that are not
// stale, then those that helped most often. It also returns what it knows of the alert.
func (s *Service) ForAlert(ctx context.Context, id string) ([]Article, Alert, error) {
	al, err := s.cfg.Alerts.Alert(ctx, id)
	if err != nil {
		return nil, al, err
	}
	list, err := s.ForRule(ctx, al)
	return list, al, err
}

// ForRule is ForAlert for an alert that is known already.
func (s *Service) ForRule(ctx context.Context, al Alert) ([]Article, error) {
	if al.Name == "" {
		return []Article{}, nil
	}
	list, err := s.cfg.Store.List(ctx, Query{
		Projects: []string{al.Project, mainstay.Installation}, States: []State{Published}, Rule: al.Name, AllPrivate: true, Limit: 100,
	})
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(a Article) bool { return a.Service != "" && a.Service != al.Service })
	now := s.cfg.Time.Now()
	slices.SortStableFunc(list, func(a, b Article) int { return cmp.Compare(b.fit(al, now), a.fit(al, now)) })
	return list, nil
}

// fit orders the articles of one rule.
func (a *Article) fit(al Alert, now time.Time) float64 {
	score := 0.0
	if a.Service != "" && a.Service == al.Service {
		score += 4
	}
	if a.Stale(now) == "" {
		score += 2
	}
	// The share that helped, as if two uses had been seen before: one that helped and one that did not.
	return score + (float64(a.Solved)+float64(a.Helped)/2+1)/(float64(a.Solved+a.Helped+a.Failed)+2)
}

// Subscribers draft the articles that others ask for.
func (s *Service) Subscribers() []journal.Subscriber {
	return []journal.Subscriber{{
		Name: "knowledge", Kinds: []string{fact.ArticleWanted{}.FactKind()},
		Handle: func(ctx context.Context, facts []fact.Fact) error {
			for _, f := range facts {
				if len(f.Subjects) == 0 {
					continue
				}
				_, err := s.DraftFrom(ctx, f.Actor, f.Subjects[0], f.ID)
				if err != nil && !mainstay.Is(err, mainstay.NotFound) && !mainstay.Is(err, mainstay.Invalid) {
					return err
				}
			}
			return nil
		},
	}}
}

// Timers ask the owner for a review when its date has come.
func (s *Service) Timers() map[string]timer.Handler {
	return map[string]timer.Handler{TimerReview: func(ctx context.Context, f timer.Firing) error {
		err := s.cfg.Store.Update(ctx, f.Subject, func(_ context.Context, a *Article) (commit.Set, error) {
			if a.State != Published || f.Now.Before(a.ReviewAt) {
				return commit.Set{}, nil
			}
			return commit.Set{Actions: []commit.Action{{
				ID: mainstay.NewID(f.Now), Project: a.Project, Kind: "review", Title: "Review the article " + a.Key(),
				Owner: a.Owner, Due: f.Now.Add(reviewTime), Origin: a.Ref(), Private: a.Private, By: mainstay.System("knowledge"), At: f.Now,
			}}}, nil
		})
		if mainstay.Is(err, mainstay.NotFound) {
			return nil
		}
		return err
	}}
}
