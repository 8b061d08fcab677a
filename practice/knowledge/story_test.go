package knowledge_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/core/document/documentdb"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/practice/knowledge"
	"github.com/mainstayhq/mainstay/practice/knowledge/knowledgedb"
)

// others answers what app answers from incident, rootcause and warning.
type others struct{}

func (others) Source(_ context.Context, ref mainstay.Ref) (knowledge.Source, error) {
	if ref.ID != "i1" {
		return knowledge.Source{}, mainstay.Errorf(mainstay.NotFound, "no incident")
	}
	return knowledge.Source{Project: "shop", Title: "Confirmation mails come late", Owner: "ana", Rule: "MailQueueStuck", Service: "mail",
		Reference: "INC-38", Symptom: "Mails arrive hours late.", Cause: "The pool was full."}, nil
}

func (others) Alert(_ context.Context, id string) (knowledge.Alert, error) {
	return map[string]knowledge.Alert{
		"a1": {Project: "shop", Name: "MailQueueStuck", Service: "mail"},
		"a2": {Project: "shop", Name: "MailQueueStuck", Service: "web"},
		"a3": {Project: "bank", Name: "MailQueueStuck", Service: "mail"},
		"a4": {Project: "shop"},
	}[id], nil
}

type world struct {
	*knowledge.Service
	env     *mainstaytest.Env
	engines *mainstaytest.Engines
}

var (
	ana, ben = mainstay.Person("ana"), mainstay.Person("ben")
	inc      = mainstay.Ref{Kind: mainstay.KindIncident, ID: "i1"}
)

func setup(t *testing.T, f func(t *testing.T, w world)) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		texts, err := document.New(document.Config{Store: documentdb.New(e.DB), Time: e.Clock})
		if err != nil {
			t.Fatal(err)
		}
		s, err := knowledge.New(knowledge.Config{
			Store: knowledgedb.New(e.DB, e.Saver, e.Objects), Texts: texts, Sources: others{}, Alerts: others{}, Time: e.Clock,
		})
		if err != nil {
			t.Fatal(err)
		}
		f(t, world{s, e, e.Engines(t, s.Subscribers(), s.Timers())})
	}, documentdb.Migrations(), knowledgedb.Migrations())
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// The way of one article: asked for by a fact (twice), written, published, shown on the alert of its rule, used, reviewed, retired.
func TestTheWayOfAnArticle(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		ctx := t.Context()
		f := fact.New(w.env.Clock.Now(), "shop", ana, fact.ArticleWanted{Reason: "resolved"}, inc)
		w.env.Commit(t, commit.Set{Facts: []fact.Fact{f}})
		w.engines.Settle(t)
		if err := w.Subscribers()[0].Handle(ctx, []fact.Fact{f}); err != nil {
			t.Fatal(err)
		}
		a := must(w.DraftFrom(ctx, ben, inc, ""))(t)
		all := must(w.List(ctx, knowledge.Query{AllPrivate: true}))(t)
		if len(all) != 1 || a.Key() != "KB-1" || a.State != knowledge.Draft || a.Owner != "ana" || a.Rule != "MailQueueStuck" {
			t.Fatalf("%d articles; %+v", len(all), a)
		}
		text := must(w.Text(ctx, a))(t)
		if want := "## Symptom\n\nMails arrive hours late.\n\n## Environment\n\n## Cause\n\nThe pool was full.\n\n## Resolution\n\n## Why it works\n\n---\n\nDrafted from INC-38."; text.Markdown != want {
			t.Errorf("drafted %q", text.Markdown)
		}
		if l, _ := must2(w.ForAlert(ctx, "a1"))(t); len(l) != 0 {
			t.Errorf("a draft is shown on an alert: %+v", l)
		}
		values := knowledge.Values{Title: "Mails late: empty the pool", Service: "mail", Rule: "MailQueueStuck", Owner: "ana"}
		a = must(w.Edit(ctx, ben, a.ID, values, text.Markdown+"\n\nRestart the worker.", text.Revision))(t)
		if _, err := w.Edit(ctx, ana, a.ID, values, "Something else", text.Revision); !mainstay.Is(err, mainstay.Conflict) {
			t.Errorf("Ana overwrote Ben: %v", err)
		}
		a = must(w.Publish(ctx, ana, a.ID))(t)
		if a.Shown != 2 || !a.ReviewAt.Equal(w.env.Clock.Now().AddDate(0, 0, 180)) {
			t.Errorf("%+v", a)
		}
		for alert, want := range map[string]int{"a1": 1, "a2": 0, "a3": 0, "a4": 0} {
			if l, _ := must2(w.ForAlert(ctx, alert))(t); len(l) != want {
				t.Errorf("%s shows %d articles, want %d", alert, len(l), want)
			}
		}
		alert := mainstay.Ref{Kind: mainstay.KindAlert, ID: "a1"}
		must(w.Use(ctx, ben, a.ID, knowledge.Solved, alert))(t)
		a = must(w.Use(ctx, ben, a.ID, knowledge.Failed, alert))(t)
		if a.Solved != 1 || a.Failed != 1 || a.Stale(w.env.Clock.Now()) != "its last use failed" {
			t.Errorf("%+v", a)
		}
		w.engines.Advance(t, 181*24*time.Hour)
		actions := w.env.Actions()
		if len(actions) != 1 || actions[0].Owner != "ana" || actions[0].Title != "Review the article KB-1" {
			t.Errorf("%+v", actions)
		}
		a = must(w.Retire(ctx, ana, a.ID))(t)
		if l, _ := must2(w.ForAlert(ctx, "a1"))(t); len(l) != 0 || a.State != knowledge.Retired {
			t.Errorf("a retired article is shown: %+v", l)
		}
		var kinds []string
		for _, f := range w.env.Facts(t, "shop") {
			kinds = append(kinds, f.Kind)
		}
		if got := strings.Join(kinds, " "); got != "article.wanted article.drafted article.revised object.changed article.published article.used article.used article.retired" {
			t.Error(got)
		}
	})
}

func must2[A, B any](a A, b B, err error) func(t *testing.T) (A, B) {
	return func(t *testing.T) (A, B) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return a, b
	}
}

// Of several articles for one rule, the one for the very service stands first, and one that failed last.
func TestTheBestArticleFirst(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		ctx := t.Context()
		make := func(title, service string, outcomes ...knowledge.Outcome) {
			a := must(w.Create(ctx, ana, "shop", knowledge.Values{Title: title, Rule: "MailQueueStuck", Service: service}, ""))(t)
			must(w.Publish(ctx, ana, a.ID))(t)
			w.env.Clock.Advance(time.Minute)
			for _, o := range outcomes {
				must(w.Use(ctx, ben, a.ID, o, mainstay.Ref{}))(t)
			}
		}
		make("failed", "", knowledge.Failed)
		make("never used", "")
		make("solved twice", "", knowledge.Solved, knowledge.Solved)
		make("for mail, failed", "mail", knowledge.Failed)
		make("for web", "web")
		list, al := must2(w.ForAlert(ctx, "a1"))(t)
		var titles []string
		for _, a := range list {
			titles = append(titles, a.Title)
		}
		if got := strings.Join(titles, ", "); got != "for mail, failed, solved twice, never used, failed" || al.Name != "MailQueueStuck" {
			t.Error(got)
		}
		if _, err := w.Create(ctx, ana, "shop", knowledge.Values{}, "x"); !mainstay.Is(err, mainstay.Invalid) || mainstay.ErrorFields(err)["title"] == "" {
			t.Errorf("an article without a title: %v", err)
		}
	})
}
