package communicationweb

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

func postState(s communication.PostState) ui.State {
	switch s {
	case communication.Published:
		return ui.Good("Published")
	case communication.Rejected:
		return ui.Muted("Rejected")
	}
	return ui.Warn("Waits for approval")
}

func (p *Pages) posts(c *web.Ctx) error {
	state := communication.PostState(c.Query("state"))
	q := communication.PostQuery{Projects: within(c.Viewer, access.PostRead), State: state, Before: c.Query("cursor"), Limit: 51}
	list, err := p.cfg.Service.Posts(c.Context(), q)
	if err != nil {
		return err
	}
	v := postsView{}
	if len(list) > 50 {
		list = list[:50]
		v.Next = "/posts?state=" + string(state) + "&cursor=" + list[49].ID
	}
	for _, one := range list {
		v.Rows = append(v.Rows, p.postRow(c.Context(), one))
	}
	for _, s := range []communication.PostState{"", communication.Draft, communication.Published, communication.Rejected} {
		text := "All"
		if s != "" {
			text = postState(s).Word
		}
		v.Tabs = append(v.Tabs, ui.Tab{Text: text, URL: "/posts?state=" + string(s), Here: s == state})
	}
	return c.Render(web.Page{Title: "Public updates", Nav: "incidents", Crumbs: []web.Crumb{{Text: "Public updates"}}}, postsPage(v))
}

func (p *Pages) postRow(ctx context.Context, x communication.Post) postRow {
	r := postRow{URL: "/posts/" + x.ID, Title: x.Title, Text: x.Body, Status: x.Status.Words(), State: postState(x.State), At: x.DraftedAt,
		Who: p.cfg.Names.Actor(ctx, x.Drafter), Draft: x.State == communication.Draft}
	if !x.DecidedAt.IsZero() {
		r.At, r.Who = x.DecidedAt, p.cfg.Names.Actor(ctx, x.Decider)
	}
	r.Incident, r.IncidentURL = p.cfg.Names.Subject(ctx, mainstay.Ref{Kind: mainstay.KindIncident, ID: x.Incident})
	return r
}

func (p *Pages) post(c *web.Ctx) error { return p.showPost(c, 0, nil, nil) }

// showPost shows one update: as the public would read it, and the form while it is a draft.
func (p *Pages) showPost(c *web.Ctx, status int, in *communication.Input, faults map[string]string) error {
	ctx := c.Context()
	x, err := p.cfg.Service.Post(ctx, c.Ref.ID)
	if err != nil {
		return err
	}
	v := postView{Row: p.postRow(ctx, x), URL: "/posts/" + x.ID, Title: x.Title, Body: paragraphs(x.Body), Reason: x.Reason, NextUpdate: x.NextUpdate}
	v.Components, err = p.affected(ctx, x.Components)
	if err != nil {
		return err
	}
	if x.State == communication.Draft {
		title, body, fault := p.cfg.Service.Preview(ctx, x)
		if mainstay.Is(fault, mainstay.Denied) {
			return mainstay.Errorf(mainstay.NotFound, "There is no such public update, or you may not see it.")
		}
		if fault == nil {
			v.Title, v.Body = title, paragraphs(body)
		} else if faults == nil {
			faults = mainstay.ErrorFields(fault)
		}
		v.MayEdit, v.MayApprove = c.May(access.PostDraft), c.May(access.PostApprove)
		err := p.cfg.Service.MayRelease(ctx, c.Actor(), x)
		if err == nil {
			err = p.mayPublish(ctx, c.Viewer, x.ID)
		}
		if err != nil {
			v.MayApprove, v.WhyNot = false, mainstay.ErrorMessage(err)
		}
		v.MayReject = c.May(access.PostApprove)
		if in == nil {
			in = &communication.Input{Incident: x.Incident, Status: x.Status, Title: x.Title, Body: x.Body, Components: x.Components, NextMinutes: int(x.Next / time.Minute)}
		}
		if v.Form, err = p.form(ctx, *in, x.Template); err != nil {
			return err
		}
		v.Form.Faults, v.Form.Action, v.Form.Save = faults, "/posts/"+x.ID, "Save the draft"
	}
	return c.Render(web.Page{
		Title: "Public update: " + x.Title, Nav: "incidents", Status: status, Live: []mainstay.Ref{c.Ref},
		Crumbs: []web.Crumb{{Text: "Incidents", URL: "/incidents"}, {Text: v.Row.Incident, URL: v.Row.IncidentURL}, {Text: "Public update"}},
	}, postPage(v))
}

func paragraphs(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
}

// affected says which component goes to which state.
func (p *Pages) affected(ctx context.Context, states map[string]communication.State) ([]ui.Pair, error) {
	list, err := p.cfg.Service.Components(ctx, "")
	if err != nil {
		return nil, err
	}
	var out []ui.Pair
	for _, x := range list {
		if s, ok := states[x.ID]; ok {
			out = append(out, ui.Pair{Name: x.Title, Value: s.Words()})
		}
	}
	return out, nil
}

// form makes the form of an update from an input.
func (p *Pages) form(ctx context.Context, in communication.Input, template string) (postForm, error) {
	sug, err := p.cfg.Service.Suggest(ctx, in.Incident, in.Status, template)
	if err != nil {
		if sug, err = p.cfg.Service.Suggest(ctx, in.Incident, "", ""); err != nil { // a wrong status or template is told by its field
			return postForm{}, err
		}
	}
	f := postForm{Input: in, Template: template, Every: ui.Long(sug.Incident.Every())}
	if in.NextMinutes > 0 {
		f.Next = strconv.Itoa(in.NextMinutes)
	}
	for _, s := range communication.Statuses() {
		f.Statuses = append(f.Statuses, ui.Option{Value: string(s), Text: s.Words()})
	}
	for _, x := range sug.Components {
		if in.OwnOnly && x.Project == mainstay.Installation && sug.Incident.Project != mainstay.Installation {
			continue
		}
		field := ui.Field{Name: "component-" + x.ID, Label: x.Title, Type: "select", Value: string(in.Components[x.ID]), Required: true,
			Options: []ui.Option{{Value: "", Text: "not named: stays as it is (" + strings.ToLower(x.State().Words()) + ")"}}}
		for _, s := range communication.States() {
			if s != communication.UnderMaintenance {
				field.Options = append(field.Options, ui.Option{Value: string(s), Text: s.Words()})
			}
		}
		f.Components = append(f.Components, field)
	}
	for _, t := range sug.Templates {
		f.Templates = append(f.Templates, ui.Tab{Text: t.Title, Here: t.Name == template})
		f.Names = append(f.Names, t.Name)
	}
	if r, err := p.cfg.Service.Render(ctx, in); err == nil {
		f.Preview = &preview{Title: r.Title, Status: in.Status.Words(), Body: paragraphs(r.Body), NextUpdate: r.NextUpdate}
		f.Preview.Incident, _ = p.cfg.Names.Subject(ctx, mainstay.Ref{Kind: mainstay.KindIncident, ID: in.Incident})
		if f.Preview.Components, err = p.affected(ctx, in.Components); err != nil {
			return f, err
		}
	}
	return f, nil
}

// ownOnly reports whether the viewer may not set components of the whole installation.
func ownOnly(v access.Viewer) bool { return !v.May(access.ComponentManage, mainstay.Installation) }

// mayPublish says why the viewer may not publish a post: it sets what serves the whole installation.
func (p *Pages) mayPublish(ctx context.Context, v access.Viewer, id string) error {
	if !ownOnly(v) {
		return nil
	}
	x, err := p.cfg.Service.Post(ctx, id)
	if err != nil {
		return err
	}
	list, err := p.cfg.Service.Shared(ctx, x)
	if err == nil && len(list) > 0 {
		err = mainstay.Errorf(mainstay.Denied, "It sets %s, which serves the whole installation: only who manages components there may approve it.", list[0].Title)
	}
	return err
}

func (p *Pages) newPost(c *web.Ctx) error {
	sug, err := p.cfg.Service.Suggest(c.Context(), c.Ref.ID, communication.Status(c.Query("status")), c.Query("template"))
	if err != nil {
		return err
	}
	in := sug.Input
	if in.OwnOnly = ownOnly(c.Viewer); in.OwnOnly && sug.Incident.Project != mainstay.Installation {
		for _, x := range sug.Components {
			if x.Project == mainstay.Installation {
				delete(in.Components, x.ID)
			}
		}
	}
	if in.Body, err = p.cfg.Service.Settle(c.Context(), in.Body, sug.Incident, in.Components); err != nil {
		return err
	}
	return p.showNewPost(c, 0, in, in.Template, nil)
}

func (p *Pages) showNewPost(c *web.Ctx, status int, in communication.Input, template string, faults map[string]string) error {
	f, err := p.form(c.Context(), in, template)
	if err != nil {
		return err
	}
	name, url := p.cfg.Names.Subject(c.Context(), c.Ref)
	f.Action, f.Save, f.Faults, f.MayApprove, f.Look = "/incidents/"+c.Ref.ID+"/posts", "Save as draft, to be approved", faults, c.May(access.PostApprove), true
	for i := range f.Templates {
		f.Templates[i].URL = "/incidents/" + c.Ref.ID + "/posts/new?template=" + f.Names[i]
	}
	return c.Render(web.Page{
		Title: "Tell users", Nav: "incidents", Status: status,
		Crumbs: []web.Crumb{{Text: "Incidents", URL: "/incidents"}, {Text: name, URL: url}, {Text: "Tell users"}},
	}, newPostPage(f))
}

// input reads the form of an update. A wrong number of minutes is none, which the linter tells.
func input(c *web.Ctx, incident string) communication.Input {
	in := communication.Input{
		Incident: incident, Status: communication.Status(c.Form("status")), Template: c.Form("template"), Title: c.Form("title"),
		Body: c.Form("body"), Components: map[string]communication.State{}, OwnOnly: ownOnly(c.Viewer),
	}
	var err error
	if in.NextMinutes, err = strconv.Atoi(c.Form("next")); err != nil || in.NextMinutes == 0 {
		in.NextMinutes = -1 // 0 would mean: as the plan says
	}
	for _, name := range slices.Sorted(maps.Keys(c.R.PostForm)) {
		if id, ok := strings.CutPrefix(name, "component-"); ok && c.Form(name) != "" {
			in.Components[id] = communication.State(c.Form(name))
		}
	}
	return in
}

func (p *Pages) draft(c *web.Ctx) error {
	in := input(c, c.Ref.ID)
	typed := in
	if c.Form("do") == "preview" {
		_, err := p.cfg.Service.Render(c.Context(), in)
		f := mainstay.ErrorFields(err)
		if err != nil && f == nil {
			return err
		}
		status := 0
		if f != nil {
			status = http.StatusUnprocessableEntity
		}
		return p.showNewPost(c, status, typed, typed.Template, f)
	}
	if in.Title == "" || in.Body == "" { // a person who emptied a field is told so; only the API fills it
		in.Title, in.Body = orSpace(in.Title), orSpace(in.Body)
	}
	x, err := p.cfg.Service.Draft(c.Context(), c.Actor(), in)
	if f := mainstay.ErrorFields(err); f != nil {
		return p.showNewPost(c, http.StatusUnprocessableEntity, typed, typed.Template, f)
	}
	if err != nil {
		return err
	}
	if c.Form("do") != "publish" || !c.May(access.PostApprove) {
		c.Say("The draft waits for approval. Users see nothing yet.")
		return c.See("/posts/" + x.ID)
	}
	if err = p.mayPublish(c.Context(), c.Viewer, x.ID); err == nil {
		_, err = p.cfg.Service.Publish(c.Context(), c.Actor(), x.ID)
	}
	if mainstay.Is(err, mainstay.Denied) {
		c.Say("Saved as a draft. %s", mainstay.ErrorMessage(err))
		return c.See("/posts/" + x.ID)
	}
	if err != nil {
		return err
	}
	c.Say("Users have been told.")
	return c.See("/incidents/" + c.Ref.ID)
}

func orSpace(s string) string {
	if s == "" {
		return " "
	}
	return s
}

func (p *Pages) revise(c *web.Ctx) error {
	x, err := p.cfg.Service.Post(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	in := input(c, x.Incident)
	err = p.cfg.Service.Revise(c.Context(), c.Actor(), x.ID, in)
	if f := mainstay.ErrorFields(err); f != nil {
		return p.showPost(c, http.StatusUnprocessableEntity, &in, f)
	}
	if err != nil {
		return err
	}
	c.Say("The draft is saved. Users see nothing yet.")
	return c.See("/posts/" + x.ID)
}

func (p *Pages) approve(c *web.Ctx) error {
	if err := p.mayPublish(c.Context(), c.Viewer, c.Ref.ID); err != nil {
		return err
	}
	x, err := p.cfg.Service.Publish(c.Context(), c.Actor(), c.Ref.ID)
	if f := mainstay.ErrorFields(err); f != nil {
		return p.showPost(c, http.StatusUnprocessableEntity, nil, f)
	}
	if err != nil {
		return err
	}
	c.Say("Users have been told.")
	return c.See("/incidents/" + x.Incident)
}

func (p *Pages) reject(c *web.Ctx) error {
	err := p.cfg.Service.Reject(c.Context(), c.Actor(), c.Ref.ID, c.Form("reason"))
	if f := mainstay.ErrorFields(err); f != nil {
		return p.showPost(c, http.StatusUnprocessableEntity, nil, f)
	}
	if err != nil {
		return err
	}
	c.Say("Rejected. Users were told nothing.")
	return c.See("/posts/" + c.Ref.ID)
}
