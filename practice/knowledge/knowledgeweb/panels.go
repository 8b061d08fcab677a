package knowledgeweb

import (
	"context"
	"net/url"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/knowledge"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Panels are the articles on the alert of their rule, and the article of an incident.
func (p *Pages) Panels() []web.Panel {
	return []web.Panel{
		{Where: "alert", Title: "What helped before", Order: 20, Render: p.onAlert},
		{Where: "incident", Title: "Article", Order: 70, Side: true, Render: p.onIncident},
		{Where: "mine", Title: "Drafts", Order: 50, Render: p.mine},
	}
}

// mine are the drafts that the viewer keeps.
func (p *Pages) mine(ctx context.Context, at web.At) (web.Component, error) {
	if at.Viewer.PersonID == "" || !at.Viewer.MayAny(access.ArticleRead) {
		return nil, nil
	}
	list, err := p.cfg.Articles.List(ctx, visible(at.Viewer, knowledge.Query{Owner: at.Viewer.PersonID, States: []knowledge.State{knowledge.Draft}, Limit: 20}))
	if err != nil || len(list) == 0 {
		return nil, err
	}
	var rows []row
	for _, a := range list {
		rows = append(rows, p.row(ctx, a, at.Now))
	}
	return minePanel(rows), nil
}

// shownOnAlert bounds how many articles an alert shows.
const shownOnAlert = 3

func (p *Pages) onAlert(ctx context.Context, at web.At) (web.Component, error) {
	list, al, err := p.cfg.Articles.ForAlert(ctx, at.Ref.ID)
	if mainstay.Is(err, mainstay.NotFound) {
		return nil, nil
	}
	if err != nil || al.Name == "" {
		return nil, err
	}
	v := alertView{Rule: al.Name}
	if at.Viewer.May(access.ArticleWrite, al.Project) {
		v.NewURL = "/articles/new?" + url.Values{"rule": {al.Name}, "service": {al.Service}, "project": {al.Project}}.Encode()
	}
	for _, a := range list {
		if !sees(at.Viewer, a) || len(v.Articles) == shownOnAlert {
			continue
		}
		text, err := p.cfg.Articles.TextAt(ctx, a, a.Shown)
		if err != nil {
			return nil, err
		}
		shown := onAlert{Key: a.Key(), URL: path(a), Title: a.Title, HTML: text.HTML, Used: used(a), Stale: a.Stale(at.Now)}
		if at.Viewer.May(access.ArticleWrite, a.Project) {
			shown.Buttons = outcomes(a, at.Ref)
		}
		v.Articles = append(v.Articles, shown)
	}
	if len(v.Articles) == 0 && v.NewURL == "" {
		return nil, nil
	}
	return alertPanel(v), nil
}

// outcomes are the buttons by which somebody says what the article did.
func outcomes(a knowledge.Article, about mainstay.Ref) []ui.PostButton {
	var list []ui.PostButton
	for _, o := range []struct{ outcome, label string }{{"solved", "Solved it"}, {"helped", "Helped"}, {"failed", "Did not help"}} {
		list = append(list, ui.PostButton{
			URL: path(a) + "/use", Label: o.label, Small: true,
			Hidden: []ui.Pair{{Name: "outcome", Value: o.outcome}, {Name: "about", Value: about.String()}},
		})
	}
	return list
}

func (p *Pages) onIncident(ctx context.Context, at web.At) (web.Component, error) {
	list, err := p.cfg.Articles.List(ctx, visible(at.Viewer, knowledge.Query{From: at.Ref, Limit: 1}))
	if err != nil {
		return nil, err
	}
	if len(list) > 0 {
		return articlePanel(p.row(ctx, list[0], at.Now)), nil
	}
	if !at.Viewer.May(access.ArticleWrite, at.Project) {
		return nil, nil
	}
	o, err := p.cfg.Objects.Find(ctx, at.Ref.Kind, at.Ref.ID, "")
	if err != nil || o.State != "resolved" && o.State != "closed" {
		return nil, err
	}
	return draftPanel(at.Ref.String()), nil
}
