package actionweb

import (
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// mine is the one list of what the viewer owes, the most overdue first.
func (p *Pages) mine(c *web.Ctx) error {
	list, err := p.cfg.Actions.Mine(c.Context(), c.Viewer.PersonID)
	if err != nil {
		return err
	}
	list = seen(c.Viewer, list)
	v := mineView{}
	if v.Rows, err = p.rows(c.Context(), c.Viewer, c.Now, list); err != nil {
		return err
	}
	for _, r := range v.Rows {
		if r.Late {
			v.Late++
		}
	}
	v.Wide, v.Side = c.Panels("mine")
	return c.Render(web.Page{Title: "Mine", Crumbs: []web.Crumb{{Text: "Mine"}}}, minePage(v))
}

// choices fills in what the form offers.
func (p *Pages) choices(c *web.Ctx, f *formView) error {
	may, err := p.projects(c.Context(), c.Viewer, access.ActionWrite)
	if err != nil {
		return err
	}
	for _, x := range may {
		f.Projects = append(f.Projects, ui.Option{Value: x.ID, Text: x.Title()})
	}
	if f.Owners, err = p.owners(c.Context(), f.Owner); err != nil {
		return err
	}
	if o, err := p.origin(c.Context(), f.Origin); err == nil && !o.Ref.IsZero() {
		f.OriginName, _ = p.cfg.Names.Subject(c.Context(), o.Ref)
	}
	return nil
}

func (p *Pages) newAction(c *web.Ctx) error {
	f := formView{Owner: c.Viewer.PersonID, Project: c.Query("project"), Origin: c.Query("origin")}
	if err := p.choices(c, &f); err != nil {
		return err
	}
	return c.Render(web.Page{Title: "New action", Nav: "improve", Crumbs: []web.Crumb{{Text: "Actions", URL: "/actions"}, {Text: "New"}}}, newPage(f))
}

func (p *Pages) create(c *web.Ctx) error {
	f := formView{
		Title: c.Form("title"), Project: c.Form("project"), Owner: c.Form("owner"), Due: c.Form("due"), Proof: c.Form("proof"), Origin: c.Form("origin"),
	}
	if err := p.choices(c, &f); err != nil {
		return err
	}
	due, err := when(f.Due, c.Viewer.Location())
	if err == nil {
		err = owns(f)
	}
	if err == nil && !slices.ContainsFunc(f.Projects, func(o ui.Option) bool { return o.Value == f.Project }) {
		var faults mainstay.Faults
		faults.Add("project", "Choose a project.")
		err = faults.Err()
	}
	var origin object.Object
	if err == nil {
		origin, err = p.origin(c.Context(), f.Origin)
	}
	var a action.Action
	if err == nil {
		a, err = p.cfg.Actions.Create(c.Context(), c.Actor(), action.Wanted{
			Project: f.Project, Title: f.Title, Owner: f.Owner, Due: due, Proof: f.Proof, Origin: origin.Ref, Private: origin.Private,
		})
	}
	if f.Faults = mainstay.ErrorFields(err); f.Faults != nil {
		return c.Render(web.Page{Title: "New action", Nav: "improve", Status: 422}, newPage(f))
	}
	if err != nil {
		return err
	}
	c.Say("%s is kept.", a.Key())
	return c.See("/actions/" + a.Key())
}

// owns refuses an owner that the form did not offer.
func owns(f formView) error {
	if slices.ContainsFunc(f.Owners, func(o ui.Option) bool { return o.Value == f.Owner }) {
		return nil
	}
	var faults mainstay.Faults
	faults.Add("owner", "Choose a person from the list.")
	return faults.Err()
}

// view gathers the page of one action.
func (p *Pages) view(c *web.Ctx) (oneView, error) {
	a, err := p.cfg.Actions.Action(c.Context(), c.Ref.ID)
	if err != nil {
		return oneView{}, err
	}
	rows, err := p.rows(c.Context(), c.Viewer, c.Now, []action.Action{a})
	if err != nil {
		return oneView{}, err
	}
	v := oneView{Action: a, Row: rows[0], MayWrite: c.May(access.ActionWrite), CreatedBy: p.cfg.Names.Actor(c.Context(), a.CreatedBy)}
	if a.JudgedBy.ID != "" {
		v.JudgedBy = p.cfg.Names.Actor(c.Context(), a.JudgedBy)
	}
	v.Project, _ = p.cfg.Names.Subject(c.Context(), mainstay.Ref{Kind: mainstay.KindProject, ID: a.Project})
	v.Moves, v.Own = moves(a, c.Actor())
	v.Form = formView{Title: a.Title, Owner: a.Owner, Proof: a.Proof}
	if !a.Due.IsZero() {
		v.Form.Due = a.Due.In(c.Viewer.Location()).Format("2006-01-02T15:04")
	}
	if v.Form.Owners, err = p.owners(c.Context(), a.Owner); err != nil {
		return v, err
	}
	v.History, err = p.history(c.Context(), a.Ref())
	v.Wide, v.Aside = c.Panels("action")
	return v, err
}

func (p *Pages) show(c *web.Ctx, v oneView, status int) error {
	return c.Render(web.Page{
		Title: v.Action.Key() + " " + v.Action.Title, Nav: "improve", Live: []mainstay.Ref{c.Ref}, Status: status,
		Crumbs: []web.Crumb{{Text: "Actions", URL: "/actions"}, {Text: v.Action.Key()}},
	}, onePage(v))
}

func (p *Pages) one(c *web.Ctx) error {
	v, err := p.view(c)
	if err != nil {
		return err
	}
	return p.show(c, v, 0)
}

func (p *Pages) move(c *web.Ctx) error {
	a, err := p.cfg.Actions.Move(c.Context(), c.Actor(), c.Ref.ID, action.State(c.Form("to")), c.Form("reason"))
	if faults := mainstay.ErrorFields(err); faults != nil {
		v, err := p.view(c)
		if err != nil {
			return err
		}
		v.Faults, v.Reason = faults, c.Form("reason")
		return p.show(c, v, 422)
	}
	if err != nil {
		return err
	}
	c.Say("%s is %s.", a.Key(), a.State.Words())
	if back := c.Form("back"); back != "" {
		return c.See(back)
	}
	return c.See("/actions/" + a.Key())
}

func (p *Pages) edit(c *web.Ctx) error {
	title, owner, proof := c.Form("title"), c.Form("owner"), c.Form("proof")
	var a action.Action
	due, err := when(c.Form("due"), c.Viewer.Location())
	if err == nil {
		_, err = p.person(c.Context(), owner)
	}
	if err == nil {
		a, err = p.cfg.Actions.Edit(c.Context(), c.Actor(), c.Ref.ID, action.Edit{Title: &title, Owner: &owner, Due: p.keep(c, due), Proof: &proof})
	}
	if faults := mainstay.ErrorFields(err); faults != nil {
		v, err := p.view(c)
		if err != nil {
			return err
		}
		v.Form.Title, v.Form.Owner, v.Form.Due, v.Form.Proof, v.Form.Faults = title, owner, c.Form("due"), proof, faults
		return p.show(c, v, 422)
	}
	if err != nil {
		return err
	}
	c.Say("%s is changed.", a.Key())
	return c.See("/actions/" + a.Key())
}

// keep is nil when the form's date is the one that stands, cut to minutes: saving a form must not move a date by seconds.
func (p *Pages) keep(c *web.Ctx, due time.Time) *time.Time {
	a, err := p.cfg.Actions.Action(c.Context(), c.Ref.ID)
	if err == nil && a.Due.Truncate(time.Minute).Equal(due) {
		return nil
	}
	return &due
}
