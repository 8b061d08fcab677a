package rootcauseweb

import (
	"context"
	"html"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/practice/rootcause"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/assets"
	"github.com/mainstayhq/mainstay/web/ui"
)

func (p *Pages) one(c *web.Ctx) error { return p.show(c, form{}, nil) }

// show renders the page, with a form that could not be taken.
func (p *Pages) show(c *web.Ctx, f form, stale *document.Stale) error {
	rc, err := p.cfg.RootCauses.One(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	v, err := p.view(c.Context(), c, rc)
	if err != nil {
		return err
	}
	v.Form = f
	v.Panels, _ = c.Panels("rootcause") // the page has no narrow column, and shows the actions itself
	status := 0
	if f.Name != "" {
		status = http.StatusUnprocessableEntity
	}
	for i := range v.Parts {
		if stale != nil && v.Parts[i].Name == f.Name {
			v.Parts[i].Stale = document.Diff(stale.Yours, stale.Newest.Markdown)
			status = http.StatusConflict
		}
	}
	return c.Render(web.Page{
		Title: rc.Key() + " " + rc.Title, Nav: "improve", Status: status, Live: []mainstay.Ref{rc.Ref(), rc.IncidentRef()},
		Crumbs: []web.Crumb{{Text: "Root causes", URL: "/rootcauses"}, {Text: rc.Key()}},
	}, onePage(v))
}

// done sends on to the page, or shows what was typed again with what is wrong.
func (p *Pages) done(c *web.Ctx, name, anchor string, err error) error {
	if err == nil {
		rc, err := p.cfg.RootCauses.One(c.Context(), c.Ref.ID)
		if err != nil {
			return err
		}
		return c.See(path(rc) + anchor)
	}
	stale, _ := document.AsStale(err)
	known := mainstay.Is(err, mainstay.Invalid) || mainstay.Is(err, mainstay.TooLarge) || stale != nil
	if !known {
		return err
	}
	f := form{Name: name, Values: map[string]string{}, Faults: map[string]string{}}
	for field := range c.R.PostForm {
		f.Values[field] = c.R.PostFormValue(field)
	}
	maps.Copy(f.Faults, mainstay.ErrorFields(err))
	if len(f.Faults) == 0 {
		f.Faults[""] = mainstay.ErrorMessage(err)
	}
	return p.show(c, f, stale)
}

func (p *Pages) open(c *web.Ctx) error {
	rc, err := p.cfg.RootCauses.Open(c.Context(), c.Actor(), c.Ref.ID)
	if err != nil {
		return err
	}
	return c.See(path(rc))
}

func (p *Pages) addCause(c *web.Ctx) error {
	node, err := p.cfg.RootCauses.AddCause(c.Context(), c.Actor(), c.Ref.ID, rootcause.CauseDraft{
		Text: c.Form("text"), Kind: rootcause.NodeKind(c.Form("kind")), Category: rootcause.Category(c.Form("category")),
		Explains: c.Form("explains"), Edge: rootcause.EdgeType(c.Form("edge")),
	})
	return p.done(c, "cause", "#"+node, err)
}

func (p *Pages) changeCause(c *web.Ctx) error {
	sure := 0
	if s := c.Form("confidence"); s != "" {
		n, err := c.FormInt("confidence")
		if err != nil || n < 0 || n > 100 {
			return p.done(c, "node "+c.Path("node"), "", &mainstay.Error{Code: mainstay.Invalid, Fields: map[string]string{"confidence": "is a percentage, from 0 to 100"}})
		}
		sure = int(n)
	}
	err := p.cfg.RootCauses.ChangeCause(c.Context(), c.Actor(), c.Ref.ID, c.Path("node"), rootcause.CauseChange{
		Text: c.Form("text"), Category: rootcause.Category(c.Form("category")), Status: rootcause.Status(c.Form("status")), Confidence: sure,
	})
	return p.done(c, "node "+c.Path("node"), "#"+c.Path("node"), err)
}

func (p *Pages) removeCause(c *web.Ctx) error {
	return p.done(c, "whole", "#whys", p.cfg.RootCauses.RemoveCause(c.Context(), c.Actor(), c.Ref.ID, c.Path("node")))
}

func (p *Pages) addEvidence(c *web.Ctx) error {
	err := p.cfg.RootCauses.AddEvidence(c.Context(), c.Actor(), c.Ref.ID, c.Path("node"), rootcause.Evidence{
		Type: c.Form("type"), Text: c.Form("text"), Ref: c.Form("ref"), Against: c.Checked("against"),
	})
	return p.done(c, "evidence "+c.Path("node"), "#"+c.Path("node"), err)
}

func (p *Pages) removeEvidence(c *web.Ctx) error {
	err := p.cfg.RootCauses.RemoveEvidence(c.Context(), c.Actor(), c.Ref.ID, c.Path("node"), c.Path("evidence"))
	return p.done(c, "whole", "#"+c.Path("node"), err)
}

func (p *Pages) link(c *web.Ctx) error {
	err := p.cfg.RootCauses.Link(c.Context(), c.Actor(), c.Ref.ID, rootcause.Edge{From: c.Form("from"), To: c.Form("to"), Type: rootcause.EdgeType(c.Form("edge"))})
	return p.done(c, "link", "#whys", err)
}

func (p *Pages) unlink(c *web.Ctx) error {
	return p.done(c, "whole", "#whys", p.cfg.RootCauses.Unlink(c.Context(), c.Actor(), c.Ref.ID, c.Form("from"), c.Form("to")))
}

func (p *Pages) write(c *web.Ctx) error {
	base, err := c.FormInt("base")
	if err != nil {
		return err
	}
	err = p.cfg.RootCauses.Write(c.Context(), c.Actor(), c.Ref.ID, rootcause.Part(c.Path("part")), c.Form("markdown"), base)
	return p.done(c, c.Path("part"), "#"+c.Path("part"), err)
}

func (p *Pages) addAction(c *web.Ctx) error {
	d := rootcause.ActionDraft{Title: c.Form("title"), Owner: c.Form("owner"), Node: c.Form("node"), Proof: c.Form("proof")}
	if s := c.Form("due"); s != "" {
		day, err := time.ParseInLocation(time.DateOnly, s, c.Viewer.Location())
		if err != nil || day.Year() > 9998 {
			return p.done(c, "action", "", &mainstay.Error{Code: mainstay.Invalid, Fields: map[string]string{"due": "write a date such as 2026-03-20"}})
		}
		d.Due = day.AddDate(0, 0, 1).Add(-time.Minute).UTC()
	}
	_, err := p.cfg.RootCauses.AddAction(c.Context(), c.Actor(), c.Ref.ID, d)
	return p.done(c, "action", "#actions", err)
}

func (p *Pages) assign(c *web.Ctx) error {
	return p.done(c, "owner", "", p.cfg.RootCauses.Assign(c.Context(), c.Actor(), c.Ref.ID, c.Form("owner")))
}

func (p *Pages) send(c *web.Ctx) error {
	return p.done(c, "whole", "", p.cfg.RootCauses.Send(c.Context(), c.Actor(), c.Ref.ID))
}

func (p *Pages) review(c *web.Ctx) error {
	return p.done(c, "whole", "", p.cfg.RootCauses.Review(c.Context(), c.Actor(), c.Ref.ID, c.Form("agree") == "1"))
}

func (p *Pages) publish(c *web.Ctx) error {
	return p.done(c, "whole", "", p.cfg.RootCauses.Publish(c.Context(), c.Actor(), c.Ref.ID))
}

func (p *Pages) reopen(c *web.Ctx) error {
	return p.done(c, "whole", "", p.cfg.RootCauses.Reopen(c.Context(), c.Actor(), c.Ref.ID))
}

// people are the options for who does something.
func (p *Pages) people(ctx context.Context) ([]ui.Option, error) {
	list, _, err := p.cfg.People.List(ctx, people.Query{Limit: 500})
	if err != nil {
		return nil, err
	}
	options := []ui.Option{{Value: "", Text: "nobody yet"}}
	for _, x := range list {
		name := x.FullName
		if name == "" {
			name = x.Name
		}
		options = append(options, ui.Option{Value: x.ID, Text: name})
	}
	return options, nil
}

func (p *Pages) report(c *web.Ctx) (rc rootcause.RootCause, markdown string, err error) {
	ctx := c.Context()
	if rc, err = p.cfg.RootCauses.One(ctx, c.Ref.ID); err != nil {
		return rc, "", err
	}
	r := rootcause.Report{RootCause: rc, Zone: c.Viewer.Location(), Name: func(a mainstay.Actor) string { return p.cfg.Names.Actor(ctx, a) }}
	if r.Incident, err = p.cfg.RootCauses.Incident(ctx, rc); err != nil {
		return rc, "", err
	}
	if r.Texts, err = p.cfg.RootCauses.Texts(ctx, rc); err != nil {
		return rc, "", err
	}
	if r.Corrections, err = p.cfg.RootCauses.Corrections(ctx, rc); err != nil {
		return rc, "", err
	}
	if r.Timeline, err = p.timeline(ctx, c.Viewer, rc); err != nil {
		return rc, "", err
	}
	if r.Notes, err = p.cfg.RootCauses.Written(ctx, r.Timeline); err != nil {
		return rc, "", err
	}
	return rc, r.Markdown(), nil
}

func (p *Pages) reportMarkdown(c *web.Ctx) error {
	rc, md, err := p.report(c)
	if err != nil {
		return err
	}
	return send(c, "text/markdown; charset=utf-8", "attachment; filename="+rc.Key()+".md", md)
}

func (p *Pages) reportHTML(c *web.Ctx) error {
	rc, md, err := p.report(c)
	if err != nil {
		return err
	}
	_, md, _ = strings.Cut(md, "\n") // its title is the page's first heading; Render has none of that rank
	body, err := document.Render(md)
	if err != nil {
		return err
	}
	title := html.EscapeString(rc.Key() + ": " + rc.Title)
	page := "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>" +
		title + "</title><link rel=\"stylesheet\" href=\"" + assets.URL("mainstay.css") + "\"></head>\n<body>\n<main class=\"doc\">\n<h1>" + title + "</h1>\n" + body + "</main>\n</body>\n</html>\n"
	return send(c, "text/html; charset=utf-8", "inline; filename="+rc.Key()+".html", page)
}

func send(c *web.Ctx, kind, disposition, body string) error {
	h := c.W.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", disposition)
	h.Set("Cache-Control", "no-store")
	http.ServeContent(c.W, c.R, "", time.Time{}, strings.NewReader(body))
	return nil
}
