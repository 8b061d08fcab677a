package identityweb

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// personRoutes are what those who manage people do about how somebody signs in.
func (p *Pages) personRoutes(add adder) {
	on := func(what string, h func(*web.Ctx) error) {
		add("POST", "/admin/people/{id}/"+what, access.PeopleManage, mainstay.KindPerson, h)
	}
	on("link", p.makeLink)
	on("invite", p.invitePerson)
	on("revoke", p.revokeLinks)
	on("unlock", p.unlock)
	on("reset-factors", p.resetFactors)
	on("sign-out", p.endOthers)
	on("sessions/{session}/end", p.endOther)
	add("GET", "/admin/invite", access.PeopleManage, "", p.askInvite)
	add("POST", "/admin/invite", access.PeopleManage, "", p.invite)
}

// standingView is how a person signs in, for those who manage people.
type standingView struct {
	Action   string // base of what can be done
	Name     string
	MaySign  bool // active and with an address
	MailOff  string
	Able     bool
	Invited  time.Time
	Locked   time.Time
	Has      identity.Having
	Must     bool
	Passkeys []identity.Passkey
	Accounts []accountRow
	Sessions []sessionRow
}

// State is the person's standing in a word.
func (v standingView) State() ui.State {
	switch {
	case !v.MaySign:
		return ui.Muted("cannot sign in").As("na")
	case !v.Locked.IsZero():
		return ui.Warn("locked for now")
	case v.Able:
		return ui.Good("can sign in")
	case !v.Invited.IsZero():
		return ui.Info("invited")
	}
	return ui.Muted("not invited yet").As("na")
}

func (p *Pages) standing(ctx context.Context, x people.Person, here string) (v standingView, err error) {
	v = standingView{Action: "/admin/people/" + x.ID, Name: x.FullName, MaySign: x.Active() && x.Email != "", MailOff: p.Identity.MailOff()}
	all, err := p.Identity.Standings(ctx, []string{x.ID})
	if err != nil {
		return v, err
	}
	v.Able, v.Invited = all[x.ID].Able, all[x.ID].Invited
	if v.Locked, err = p.Identity.LockedUntil(ctx, x); err != nil {
		return v, err
	}
	if v.Has, err = p.Identity.Factors(ctx, x.ID); err != nil {
		return v, err
	}
	if v.Must, err = p.Identity.MustHaveSecond(ctx, x.ID); err != nil {
		return v, err
	}
	if v.Passkeys, err = p.Identity.PasskeysOf(ctx, x.ID); err != nil {
		return v, err
	}
	list, err := p.Identity.AccountsOf(ctx, x.ID)
	if err != nil {
		return v, err
	}
	for _, a := range list {
		v.Accounts = append(v.Accounts, accountRow{a, a.Provider})
	}
	sessions, err := p.Identity.Sessions(ctx, x.ID)
	v.Sessions = sessionRows(sessions, here, v.Action+"/sessions")
	return v, err
}

// standingPanel shows on a person's page how they sign in.
func (p *Pages) standingPanel(ctx context.Context, at web.At) (web.Component, error) {
	if !at.Viewer.May(access.PeopleManage, "") {
		return nil, nil
	}
	x, err := p.People.ByID(ctx, at.Ref.ID)
	if err != nil {
		return nil, err
	}
	v, err := p.standing(ctx, x, at.Viewer.Session)
	if err != nil {
		return nil, err
	}
	return standingSection(v), nil
}

// Standing says in a word how each of the persons stands with signing in, for lists of people: nothing about those who can.
func (p *Pages) Standing(ctx context.Context, persons []string) (map[string]ui.State, error) {
	all, err := p.Identity.Standings(ctx, persons)
	m := map[string]ui.State{}
	for _, id := range persons {
		switch x := all[id]; {
		case x.Able:
		case !x.Invited.IsZero():
			m[id] = ui.Info("invited")
		default:
			m[id] = ui.Muted("not invited yet").As("na")
		}
	}
	return m, err
}

// back shows the person's page of roles and sign-in again.
func (p *Pages) backToPerson(c *web.Ctx) error { return c.See("/admin/people/" + c.Ref.ID) }

// refusePerson shows it with why nothing was done.
func (p *Pages) refusePerson(c *web.Ctx, cause error) error {
	if !mainstay.Is(cause, mainstay.Conflict) && !mainstay.Is(cause, mainstay.Invalid) {
		return cause
	}
	v, err := p.grantsView(c)
	if err != nil {
		return err
	}
	v.Fault = mainstay.ErrorMessage(cause)
	return c.Render(v.page(web.Status(cause)), grantsPage(v))
}

// makeLink shows a new link by which the person sets a password.
func (p *Pages) makeLink(c *web.Ctx) error {
	secret, err := p.Identity.PasswordLink(c.Context(), c.Actor(), c.Ref.ID)
	if err != nil {
		return p.refusePerson(c, err)
	}
	v, err := p.grantsView(c)
	if err != nil {
		return err
	}
	v.Link = p.base(c) + "/setup/" + secret
	return c.Render(v.page(200), grantsPage(v))
}

func (p *Pages) invitePerson(c *web.Ctx) error {
	if err := p.Identity.Invite(c.Context(), c.Actor(), c.Ref.ID); err != nil {
		return p.refusePerson(c, err)
	}
	c.Say("The invitation is on its way. It counts for seven days.")
	return p.backToPerson(c)
}

func (p *Pages) revokeLinks(c *web.Ctx) error {
	had, err := p.Identity.Revoke(c.Context(), c.Actor(), c.Ref.ID)
	if err != nil {
		return err
	}
	if had {
		c.Say("The invitation is taken back: its link no longer counts.")
	}
	return p.backToPerson(c)
}

func (p *Pages) unlock(c *web.Ctx) error {
	if err := p.Identity.Unlock(c.Context(), c.Actor(), c.Ref.ID); err != nil {
		return err
	}
	c.Say("The lock has ended.")
	return p.backToPerson(c)
}

func (p *Pages) resetFactors(c *web.Ctx) error {
	if err := p.Identity.ResetFactors(c.Context(), c.Actor(), c.Ref.ID); err != nil {
		return p.refusePerson(c, err)
	}
	c.Say("The second factors are removed, and every session has ended.")
	return p.backToPerson(c)
}

func (p *Pages) endOthers(c *web.Ctx) error {
	if err := p.Identity.SignOutEverywhere(c.Context(), c.Actor(), c.Ref.ID, c.Viewer.Session); err != nil {
		return err
	}
	c.Say("Every session of this person has ended.")
	return p.backToPerson(c)
}

func (p *Pages) endOther(c *web.Ctx) error {
	if err := p.Identity.SignOut(c.Context(), c.Actor(), c.Ref.ID, c.Path("session")); err != nil {
		return err
	}
	c.Say("That session has ended.")
	return p.backToPerson(c)
}

// inviteView is the form that adds somebody, gives a role and mails an invitation at once.
type inviteView struct {
	Email, Name, Role, Project string
	Roles, Projects            []ui.Option
	MailOff                    string
	Faults                     map[string]string
	Fault                      string
}

// noRole stands for none in the form.
const noRole = "none"

func (p *Pages) showInvite(c *web.Ctx, v inviteView, status int) (err error) {
	v.Roles = append(roleOptions(), ui.Option{Value: noRole, Text: "No role yet: sees nothing of any project"})
	v.MailOff = p.Identity.MailOff()
	if v.Projects, err = p.projectOptions(c.Context()); err != nil {
		return err
	}
	return c.Render(web.Page{Title: "Invite somebody", Nav: "admin", Status: status, Crumbs: []web.Crumb{
		{Text: "People", URL: "/people"}, {Text: "Invite"},
	}}, invitePage(v))
}

func (p *Pages) askInvite(c *web.Ctx) error {
	return p.showInvite(c, inviteView{Role: string(access.Responder)}, 200)
}

func (p *Pages) invite(c *web.Ctx) error {
	v := inviteView{Email: c.Form("email"), Name: c.Form("name"), Role: c.Form("role"), Project: c.Form("project")}
	project, err := p.projectOf(c)
	if err != nil {
		return err
	}
	var f mainstay.Faults
	if !people.ValidEmail(v.Email) {
		f.Add("email", "Give an e-mail address such as ana@example.com.")
	}
	if v.Role != noRole && !access.Role(v.Role).Valid() {
		f.Add("role", "Choose a role.")
	}
	if err = f.Err(); err != nil {
		v.Faults = f
		return p.showInvite(c, v, 422)
	}
	x, err := p.newcomer(c, v, project)
	if v.Faults = mainstay.ErrorFields(err); v.Faults != nil {
		return p.showInvite(c, v, 422)
	}
	if err != nil {
		return err
	}
	c.Ref = x.Ref()
	if p.Identity.MailOff() != "" {
		return p.makeLink(c)
	}
	return p.invitePerson(c)
}

// newcomer is the person with the address, made if there is none, with the role.
func (p *Pages) newcomer(c *web.Ctx, v inviteView, project string) (people.Person, error) {
	ctx := c.Context()
	x, err := p.People.ByEmail(ctx, v.Email)
	if mainstay.Is(err, mainstay.NotFound) {
		name := v.Name
		if name == "" {
			name, _, _ = strings.Cut(v.Email, "@")
		}
		var handle string
		if handle, err = p.Identity.Handle(ctx, v.Email); err != nil {
			return x, err
		}
		x, err = p.People.Create(ctx, c.Actor(), people.Person{Name: handle, FullName: name, Email: v.Email})
	}
	if err != nil || v.Role == noRole {
		return x, err
	}
	if !x.Active() {
		return x, mainstay.Faults{"email": x.FullName + " has this address and is deactivated. Activate them on their page."}.Err()
	}
	return x, p.Access.Give(ctx, c.Actor(), x.Ref(), access.Role(v.Role), project)
}

// marked says beside each of a person's own roles which provider's group gives it.
func (p *Pages) marked(ctx context.Context, person string, lines []roleLine) error {
	given, err := p.Identity.GivenTo(ctx, person)
	if err != nil {
		return err
	}
	for i, l := range lines {
		at := slices.IndexFunc(given, func(g identity.Given) bool { return g.Team == "" && string(g.Role) == l.Role && g.Project == l.Project })
		if at < 0 || l.Through != "" {
			continue
		}
		lines[i].From = given[at].Provider
		if x, err := p.Identity.Provider(ctx, given[at].Provider); err == nil {
			lines[i].From = x.Title()
		}
	}
	return nil
}
