package knowledgeweb

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/search"
	"github.com/mainstayhq/mainstay/practice/knowledge"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// row is one article in a list.
type row struct {
	Key, URL, Title string
	State           ui.State
	Rule, Owner     string
	Used            string
	Stale           string
	Changed         time.Time
	Spans           []search.Span
}

type listView struct {
	List     ui.Listing
	Rows     []row
	Filtered bool
	MayAdd   bool
}

// revisionView is one line of the history.
type revisionView struct {
	N    int64
	By   string
	At   time.Time
	URL  string
	Here bool
}

// oneView is the page of one article.
type oneView struct {
	Key, URL                 string
	Heading                  ui.Heading
	HTML                     string
	Revision, Newest         int64
	ShownNote                string
	Diff                     []document.Line
	History                  []revisionView
	Rule, Service, Owner     string
	From, FromURL            string
	ReviewAt, UsedAt         time.Time
	Solved, Helped, Failed   int64
	Public, Private          bool
	Stale                    string
	MayWrite                 bool
	Publish, Retire, Restore bool
	Ref                      string
	Panels                   []web.Component // of other practices: exhibits
}

// formView is the form of an article.
type formView struct {
	Title, Action, Back string
	Values              map[string]string
	Public              bool
	Faults              map[string]string
	Base                int64
	Stale               []document.Line
	Projects            []ui.Option // nil when the project stands
	Services, People    []ui.Option
}

// onAlert is an article as an alert shows it.
type onAlert struct {
	Key, URL, Title, HTML, Used, Stale string
	Buttons                            []ui.PostButton
}

type alertView struct {
	Articles []onAlert
	Rule     string
	NewURL   string
}

func (p *Pages) row(ctx context.Context, a knowledge.Article, now time.Time) row {
	return row{
		Key: a.Key(), URL: path(a), Title: a.Title, State: state(a), Rule: a.Rule, Owner: p.person(ctx, a.Owner), Used: used(a),
		Stale: a.Stale(now), Changed: a.ChangedAt,
	}
}

func (p *Pages) person(ctx context.Context, id string) string {
	if id == "" {
		return ""
	}
	return p.cfg.Names.Actor(ctx, mainstay.Person(id))
}

func state(a knowledge.Article) ui.State {
	switch a.State {
	case knowledge.Published:
		return ui.Good("published")
	case knowledge.Retired:
		return ui.Muted("retired").As("na")
	}
	return ui.Info("draft")
}

// used says how often an article helped.
func used(a knowledge.Article) string {
	var parts []string
	for _, x := range []struct {
		n    int64
		word string
	}{{a.Solved, "solved"}, {a.Helped, "helped"}, {a.Failed, "failed"}} {
		if x.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d×", x.word, x.n))
		}
	}
	if len(parts) == 0 {
		return "not used yet"
	}
	return strings.Join(parts, ", ")
}

// kept says which revision is shown to readers.
func kept(a knowledge.Article, revision int64) string {
	switch {
	case a.State == knowledge.Published && revision == a.Shown && a.Shown < a.Revision:
		return fmt.Sprintf("Revision %d is published; revision %d waits to be.", a.Shown, a.Revision)
	case a.State == knowledge.Published && revision != a.Shown:
		return fmt.Sprintf("You read revision %d. Published is revision %d.", revision, a.Shown)
	case revision != a.Revision:
		return fmt.Sprintf("You read revision %d. The newest is revision %d.", revision, a.Revision)
	}
	return ""
}

func (p *Pages) service(ctx context.Context, a knowledge.Article) string {
	if a.Service == "" {
		return ""
	}
	list, err := p.cfg.Projects.Services(ctx, a.Project)
	if err != nil {
		return ""
	}
	for _, s := range list {
		if s.ID == a.Service {
			return s.Title()
		}
	}
	return ""
}

// options are the services of a project and the persons who may keep an article.
func (p *Pages) options(ctx context.Context, projectID string, f *formView) error {
	f.Services = []ui.Option{{Value: "", Text: "any"}}
	if projectID != "" && projectID != mainstay.Installation {
		services, err := p.cfg.Projects.Services(ctx, projectID)
		if err != nil {
			return err
		}
		for _, s := range services {
			f.Services = append(f.Services, ui.Option{Value: s.ID, Text: s.Title()})
		}
	}
	list, _, err := p.cfg.People.List(ctx, people.Query{Limit: 500})
	f.People = []ui.Option{{Value: "", Text: "nobody yet"}}
	for _, x := range list {
		name := x.FullName
		if name == "" {
			name = x.Name
		}
		f.People = append(f.People, ui.Option{Value: x.ID, Text: name})
	}
	return err
}

// projects are those in which the viewer may write articles.
func (p *Pages) projects(ctx context.Context, v access.Viewer) ([]ui.Option, error) {
	list, err := p.cfg.Projects.Projects(ctx)
	var options []ui.Option
	for _, x := range list {
		if v.May(access.ArticleWrite, x.ID) {
			options = append(options, ui.Option{Value: x.ID, Text: x.Title()})
		}
	}
	return options, err
}

// outcomes are the buttons of the page itself.
func (v oneView) outcomes() []ui.PostButton {
	var list []ui.PostButton
	for _, o := range []struct{ outcome, label string }{{"solved", "Solved it"}, {"helped", "Helped"}, {"failed", "Did not help"}} {
		list = append(list, ui.PostButton{URL: v.URL + "/use", Label: o.label, Small: true, Hidden: []ui.Pair{{Name: "outcome", Value: o.outcome}}})
	}
	return list
}
