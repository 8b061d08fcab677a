package knowledgeweb

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/practice/knowledge"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

const pageSize = 50

func (p *Pages) one(c *web.Ctx) error {
	ctx := c.Context()
	a, err := p.cfg.Articles.One(ctx, c.Ref.ID)
	if err != nil {
		return err
	}
	revision := a.Revision
	if a.State == knowledge.Published {
		revision = a.Shown
	}
	asked := c.Query("revision")
	if n, err := strconv.ParseInt(asked, 10, 64); err == nil {
		revision = n
	}
	text, err := p.cfg.Articles.TextAt(ctx, a, revision)
	if err != nil {
		return err
	}
	v := p.view(c, a, text)
	wide, side := c.Panels("article")
	v.Panels = append(wide, side...)
	if asked != "" && revision > 1 {
		before, err := p.cfg.Articles.TextAt(ctx, a, revision-1)
		if err != nil {
			return err
		}
		v.Diff = document.Diff(before.Markdown, text.Markdown)
	}
	history, err := p.cfg.Articles.History(ctx, a, 0)
	if err != nil {
		return err
	}
	for _, r := range history {
		v.History = append(v.History, revisionView{
			N: r.Revision, By: p.cfg.Names.Actor(ctx, r.Author), At: r.At, Here: r.Revision == revision,
			URL: fmt.Sprintf("%s?revision=%d", v.URL, r.Revision),
		})
	}
	return c.Render(web.Page{
		Title: a.Key() + " " + a.Title, Nav: "knowledge", Live: []mainstay.Ref{a.Ref()},
		Crumbs: []web.Crumb{{Text: "Knowledge", URL: "/articles"}, {Text: a.Key()}},
	}, onePage(v))
}

func (p *Pages) view(c *web.Ctx, a knowledge.Article, text document.Revision) oneView {
	ctx := c.Context()
	v := oneView{
		Key: a.Key(), URL: path(a), HTML: text.HTML, Revision: text.Revision, Newest: a.Revision, ShownNote: kept(a, text.Revision),
		Rule: a.Rule, Service: p.service(ctx, a), Owner: p.person(ctx, a.Owner), ReviewAt: a.ReviewAt, UsedAt: a.UsedAt,
		Solved: a.Solved, Helped: a.Helped, Failed: a.Failed, Public: a.Public, Private: a.Private, Stale: a.Stale(c.Now),
		MayWrite: c.May(access.ArticleWrite), Ref: a.Ref().String(),
		Heading: ui.Heading{ID: a.Key(), State: state(a), Title: a.Title, Sub: ui.Text("Revision " + fmt.Sprint(text.Revision) + ", " + used(a) + ".")},
	}
	if !a.From.IsZero() {
		v.From, v.FromURL = p.cfg.Names.Subject(ctx, a.From)
	}
	v.Publish = v.MayWrite && (a.State != knowledge.Published || a.Shown < a.Revision)
	v.Retire = v.MayWrite && a.State == knowledge.Published
	v.Restore = v.MayWrite && a.State == knowledge.Retired
	return v
}

func (p *Pages) newArticle(c *web.Ctx) error {
	f := formView{Title: "New article", Values: map[string]string{
		"title": c.Query("title"), "rule": c.Query("rule"), "service": c.Query("service"), "project": c.Query("project"),
		"owner": c.Viewer.PersonID, "markdown": knowledge.Template,
	}}
	return p.newForm(c, f, 0)
}

func (p *Pages) newForm(c *web.Ctx, f formView, status int) error {
	projects, err := p.projects(c.Context(), c.Viewer)
	if err != nil {
		return err
	}
	if len(projects) == 0 {
		return mainstay.Errorf(mainstay.Denied, "You may write articles in no project yet. A manager of one can change that.")
	}
	f.Action, f.Back, f.Projects = "/articles", "/articles", projects
	if f.Values["project"] == "" {
		f.Values["project"] = projects[0].Value
	}
	if err := p.options(c.Context(), f.Values["project"], &f); err != nil {
		return err
	}
	return c.Render(web.Page{Title: "New article", Nav: "knowledge", Status: status,
		Crumbs: []web.Crumb{{Text: "Knowledge", URL: "/articles"}, {Text: "New article"}}}, formPage(f))
}

// values reads the form.
func values(c *web.Ctx) (knowledge.Values, map[string]string, error) {
	typed := map[string]string{}
	for _, name := range []string{"title", "rule", "service", "owner", "project", "reviewAt"} {
		typed[name] = c.Form(name)
	}
	typed["markdown"] = c.R.PostFormValue("markdown")
	v := knowledge.Values{Title: typed["title"], Rule: typed["rule"], Service: typed["service"], Owner: typed["owner"], Public: c.Checked("public")}
	if s := typed["reviewAt"]; s != "" {
		day, err := time.ParseInLocation(time.DateOnly, s, c.Viewer.Location())
		if err != nil || day.Year() > 9998 {
			return v, typed, &mainstay.Error{Code: mainstay.Invalid, Message: "The review date is none.",
				Fields: map[string]string{"reviewAt": "write a date such as 2026-09-20"}}
		}
		v.ReviewAt = day.UTC()
	}
	return v, typed, nil
}

func (p *Pages) create(c *web.Ctx) error {
	v, typed, err := values(c)
	projectID := typed["project"]
	var a knowledge.Article
	if err == nil {
		if !c.Viewer.May(access.ArticleWrite, projectID) {
			return mainstay.Errorf(mainstay.Denied, "You may not write articles in this project.")
		}
		err = p.serviceOf(c.Context(), projectID, v.Service)
	}
	if err == nil {
		a, err = p.cfg.Articles.Create(c.Context(), c.Actor(), projectID, v, typed["markdown"])
	}
	if err == nil {
		return c.See(path(a))
	}
	if !typedWrong(err) {
		return err
	}
	return p.newForm(c, formView{Title: "New article", Values: typed, Public: v.Public, Faults: faults(err)}, http.StatusUnprocessableEntity)
}

// serviceOf refuses a service of another project.
func (p *Pages) serviceOf(ctx context.Context, projectID, service string) error {
	if service == "" {
		return nil
	}
	list, err := p.cfg.Projects.Services(ctx, projectID)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.ID == service {
			return nil
		}
	}
	var f mainstay.Faults
	f.Add("service", "is not a service of this project")
	return f.Err()
}

func typedWrong(err error) bool {
	return mainstay.Is(err, mainstay.Invalid) || mainstay.Is(err, mainstay.TooLarge)
}

func faults(err error) map[string]string {
	if f := mainstay.ErrorFields(err); len(f) > 0 {
		return f
	}
	return map[string]string{"": mainstay.ErrorMessage(err)}
}

func (p *Pages) draft(c *web.Ctx) error {
	from := mainstay.ParseRef(c.Form("from"))
	if err := p.source(c.Context(), c.Viewer, from); err != nil {
		return err
	}
	a, err := p.cfg.Articles.DraftFrom(c.Context(), c.Actor(), from, "")
	if err != nil {
		return err
	}
	c.Say("%s is drafted from what is known. Read it, complete it, publish it.", a.Key())
	return c.See(path(a) + "/edit")
}

func (p *Pages) editForm(c *web.Ctx) error {
	a, err := p.cfg.Articles.One(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	text, err := p.cfg.Articles.Text(c.Context(), a)
	if err != nil {
		return err
	}
	f := formView{Base: text.Revision, Public: a.Public, Values: map[string]string{
		"title": a.Title, "rule": a.Rule, "service": a.Service, "owner": a.Owner, "markdown": text.Markdown,
	}}
	if !a.ReviewAt.IsZero() {
		f.Values["reviewAt"] = a.ReviewAt.In(c.Viewer.Location()).Format(time.DateOnly)
	}
	return p.showEdit(c, a, f, 0)
}

func (p *Pages) showEdit(c *web.Ctx, a knowledge.Article, f formView, status int) error {
	f.Title, f.Action, f.Back = "Change "+a.Key(), path(a)+"/edit", path(a)
	if err := p.options(c.Context(), a.Project, &f); err != nil {
		return err
	}
	return c.Render(web.Page{Title: f.Title, Nav: "knowledge", Status: status, Crumbs: []web.Crumb{
		{Text: "Knowledge", URL: "/articles"}, {Text: a.Key(), URL: path(a)}, {Text: "Change"},
	}}, formPage(f))
}

func (p *Pages) edit(c *web.Ctx) error {
	base, err := c.FormInt("base")
	if err != nil {
		return err
	}
	a, err := p.cfg.Articles.One(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	v, typed, err := values(c)
	if err == nil {
		err = p.serviceOf(c.Context(), a.Project, v.Service)
	}
	if err == nil {
		_, err = p.cfg.Articles.Edit(c.Context(), c.Actor(), c.Ref.ID, v, typed["markdown"], base)
	}
	if err == nil {
		return c.See(fmt.Sprintf("%s?revision=%d", path(a), p.newestOf(c.Context(), a)))
	}
	f := formView{Values: typed, Public: v.Public, Base: base}
	if stale, ok := document.AsStale(err); ok {
		f.Base, f.Faults = stale.Newest.Revision, map[string]string{"": mainstay.ErrorMessage(err)}
		f.Stale = document.Diff(document.Tidy(typed["markdown"]), stale.Newest.Markdown)
		return p.showEdit(c, a, f, http.StatusConflict)
	}
	if !typedWrong(err) {
		return err
	}
	f.Faults = faults(err)
	return p.showEdit(c, a, f, http.StatusUnprocessableEntity)
}

func (p *Pages) newestOf(ctx context.Context, a knowledge.Article) int64 {
	if now, err := p.cfg.Articles.One(ctx, a.ID); err == nil {
		return now.Revision
	}
	return a.Revision
}

func (p *Pages) publish(c *web.Ctx) error {
	a, err := p.cfg.Articles.Publish(c.Context(), c.Actor(), c.Ref.ID)
	if err != nil {
		return err
	}
	c.Say("%s is published.", a.Key())
	return c.See(path(a))
}

func (p *Pages) retire(c *web.Ctx) error {
	a, err := p.cfg.Articles.Retire(c.Context(), c.Actor(), c.Ref.ID)
	if err != nil {
		return err
	}
	c.Offer("Undo", path(a)+"/restore", "%s is retired.", a.Key())
	return c.See(path(a))
}

func (p *Pages) restore(c *web.Ctx) error {
	a, err := p.cfg.Articles.Restore(c.Context(), c.Actor(), c.Ref.ID)
	if err != nil {
		return err
	}
	return c.See(path(a))
}

// about is the alert or incident that an article was used for; one that the viewer may not see is not found.
func (p *Pages) about(ctx context.Context, text string) (mainstay.Ref, error) {
	about := mainstay.ParseRef(text)
	switch about.Kind {
	case "":
		return mainstay.Ref{}, nil
	case mainstay.KindAlert, mainstay.KindIncident:
		o, err := p.rt.Seen(ctx, about)
		return o.Ref, err
	}
	return about, mainstay.Errorf(mainstay.Invalid, "An article is used for an alert or an incident.")
}

func (p *Pages) use(c *web.Ctx) error {
	about, err := p.about(c.Context(), c.Form("about"))
	if err != nil {
		return err
	}
	a, err := p.cfg.Articles.Use(c.Context(), c.Actor(), c.Ref.ID, knowledge.Outcome(c.Form("outcome")), about)
	if err != nil {
		return err
	}
	c.Say("Thank you. %s %s.", a.Key(), used(a))
	if _, url := p.cfg.Names.Subject(c.Context(), about); url != "" {
		return c.See(url)
	}
	return c.See(path(a))
}
