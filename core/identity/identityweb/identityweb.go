// Package identityweb owns the pages of signing in, of one's own account, of roles and of API tokens, and the API of tokens. It
// shows a secret once, when it is made, and never again.
package identityweb

import (
	"context"
	"net/http"
	"net/url"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Config is what the pages need.
type Config struct {
	Identity    *identity.Service
	People      *people.Service
	Access      *access.Service
	Projects    *project.Registry
	ExternalURL *url.URL // nil: links begin with the host that was asked for
}

// Pages are the routes.
type Pages struct {
	Config
	rt *web.Router
}

// New makes the pages.
func New(cfg Config) *Pages { return &Pages{Config: cfg} }

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	p.rt = rt
	add := func(method, pattern string, perm access.Permission, kind mainstay.Kind, h func(*web.Ctx) error) {
		rt.Handle(web.Route{Method: method, Pattern: pattern, Permission: perm, Kind: kind}, h)
	}
	add("GET", "/sign-in", access.Public, "", p.askSignIn)
	add("POST", "/sign-in", access.Public, "", p.signIn)
	add("POST", "/sign-out", access.Self, "", p.signOut)
	add("GET", "/setup/{secret}", access.Public, "", p.askPassword)
	add("POST", "/setup/{secret}", access.Public, "", p.setPassword)
	add("GET", "/me", access.Self, "", p.me)
	add("POST", "/me/password", access.Self, "", p.changePassword)
	add("POST", "/me/sessions/{session}/end", access.Self, "", p.endSession)
	add("POST", "/me/sign-out-everywhere", access.Self, "", p.endSessions)
	add("GET", "/admin", access.PeopleRead, "", p.admin)
	add("GET", "/admin/people", access.PeopleManage, "", p.roles)
	add("GET", "/admin/people/{id}", access.PeopleManage, mainstay.KindPerson, p.editRoles)
	add("POST", "/admin/people/{id}", access.PeopleManage, mainstay.KindPerson, p.saveRoles)
	add("POST", "/admin/people/{id}/link", access.PeopleManage, mainstay.KindPerson, p.makeLink)
	add("POST", "/admin/people/{id}/sign-out", access.PeopleManage, mainstay.KindPerson, p.endOthers)
	add("GET", "/admin/teams/{id}", access.PeopleManage, mainstay.KindTeam, p.editRoles)
	add("POST", "/admin/teams/{id}", access.PeopleManage, mainstay.KindTeam, p.saveRoles)
	add("GET", "/admin/tokens", access.TokenManage, "", p.tokens)
	add("GET", "/admin/tokens/new", access.TokenManage, "", p.newToken)
	add("POST", "/admin/tokens", access.TokenManage, "", p.createToken)
	add("POST", "/admin/tokens/{id}/revoke", access.TokenManage, mainstay.KindToken, p.revokeToken)
	p.api(rt)
}

// Panels are the roles on the page of a person and of a team.
func (p *Pages) Panels() []web.Panel {
	panel := func(where string) web.Panel {
		return web.Panel{Where: where, Title: "Roles", Order: 20, Side: true, Render: p.rolesPanel}
	}
	return []web.Panel{panel("person"), panel("team")}
}

// Me is how the viewer appears in the shell; web.Config.Me.
func (p *Pages) Me(ctx context.Context, v access.Viewer) (web.Me, error) {
	if v.PersonID == "" {
		return web.Me{Name: v.Name, Line: "API token"}, nil
	}
	x, err := p.People.ByID(ctx, v.PersonID)
	return web.Me{Name: x.FullName, URL: "/me"}, err
}

// signInView is the sign-in form.
type signInView struct {
	Email, Next string
	Fault       string
	Locked      bool
}

func (p *Pages) askSignIn(c *web.Ctx) error {
	next := web.Local(c.Query("next"))
	if c.Viewer.SignedIn() {
		return c.See(next)
	}
	return c.Render(web.Page{Title: "Sign in", Bare: true}, signInPage(signInView{Next: next}))
}

func (p *Pages) signIn(c *web.Ctx) error {
	v := signInView{Email: c.Form("email"), Next: web.Local(c.Form("next"))}
	signed, err := p.Identity.SignIn(c.Context(), identity.SignInput{
		Email: v.Email, Password: c.R.PostFormValue("password"), Address: p.rt.ClientIP(c.R), Agent: c.R.UserAgent(),
	})
	switch {
	case err == nil:
		if old := c.Viewer; old.Session != "" { // whoever signs in again leaves the session before
			if err := p.Identity.SignOut(c.Context(), old.Actor, old.PersonID, old.Session); err != nil {
				return err
			}
		}
		http.SetCookie(c.W, p.Identity.Cookie(signed.Secret))
		return c.See(v.Next)
	case mainstay.Is(err, mainstay.Unauthenticated), mainstay.Is(err, mainstay.TooMany):
		v.Fault, v.Locked = mainstay.ErrorMessage(err), mainstay.Is(err, mainstay.TooMany)
		return p.refuse(c, err, web.Page{Title: "Sign in", Bare: true}, signInPage(v))
	}
	return err
}

// refuse shows a page with the status of the error, and says when to come back.
func (p *Pages) refuse(c *web.Ctx, err error, page web.Page, body web.Component) error {
	if seconds := web.RetryAfter(err); seconds != "" {
		c.W.Header().Set("Retry-After", seconds)
	}
	page.Status = web.Status(err)
	return c.Render(page, body)
}

func (p *Pages) signOut(c *web.Ctx) error {
	if c.Viewer.Session != "" {
		if err := p.Identity.SignOut(c.Context(), c.Actor(), c.Viewer.PersonID, c.Viewer.Session); err != nil {
			return err
		}
	}
	http.SetCookie(c.W, p.Identity.Cookie(""))
	c.Say("You are signed out.")
	return c.See("/sign-in")
}

// setupView is the form behind a one-time link.
type setupView struct {
	First       bool // the first administrator, else a person whom somebody manages
	Email, Name string
	Faults      map[string]string
}

func (p *Pages) setupView(c *web.Ctx) (setupView, error) {
	x, err := p.Identity.FindLink(c.Context(), c.Path("secret"))
	return setupView{First: x.ID == "", Email: x.Email, Name: x.FullName}, err
}

func (v setupView) page(status int) web.Page {
	title := "Set your password"
	if v.First {
		title = "Set Mainstay up"
	}
	return web.Page{Title: title, Bare: true, Status: status}
}

func (p *Pages) askPassword(c *web.Ctx) error {
	v, err := p.setupView(c)
	if err != nil {
		return err
	}
	return c.Render(v.page(200), setupPage(v))
}

func (p *Pages) setPassword(c *web.Ctx) error {
	v, err := p.setupView(c)
	if err != nil {
		return err
	}
	if v.First {
		v.Email, v.Name = c.Form("email"), c.Form("name")
	}
	password := c.R.PostFormValue("password")
	var f mainstay.Faults
	if password != c.R.PostFormValue("again") {
		f.Add("again", "The two are not the same.")
		err = f.Err()
	}
	if err == nil {
		v.Email, err = p.Identity.UseLink(c.Context(), c.Path("secret"), v.Email, v.Name, password)
	}
	if v.Faults = mainstay.ErrorFields(err); v.Faults != nil {
		return c.Render(v.page(422), setupPage(v))
	}
	if err != nil {
		return err
	}
	signed, err := p.Identity.SignIn(c.Context(), identity.SignInput{
		Email: v.Email, Password: password, Address: p.rt.ClientIP(c.R), Agent: c.R.UserAgent(),
	})
	if err != nil { // such as a locked address: the password is set all the same
		c.Say("The password is set.")
		return c.See("/sign-in")
	}
	http.SetCookie(c.W, p.Identity.Cookie(signed.Secret))
	c.Say("Welcome. The password is set and you are signed in.")
	return c.See("/")
}

// meView is the viewer's own page.
type meView struct {
	Person   people.Person
	Contacts []people.Contact
	Teams    []people.Team
	Roles    []roleLine
	Sessions []sessionRow
	Faults   map[string]string
	Fault    string // of the password form as a whole
}

type sessionRow struct {
	identity.Session
	Device string
	Here   bool
}

func (p *Pages) meView(c *web.Ctx) (v meView, err error) {
	if c.Viewer.PersonID == "" {
		return v, mainstay.Errorf(mainstay.Denied, "A token has no page of its own. Sign in as a person.")
	}
	if v.Person, err = p.People.ByID(c.Context(), c.Viewer.PersonID); err != nil {
		return v, err
	}
	if v.Contacts, err = p.People.Contacts(c.Context(), v.Person.ID, false); err != nil {
		return v, err
	}
	if v.Teams, _, err = p.People.Teams(c.Context(), people.TeamQuery{Person: v.Person.ID}); err != nil {
		return v, err
	}
	if v.Roles, err = p.lines(c.Context(), c.Viewer.Grants); err != nil {
		return v, err
	}
	sessions, err := p.Identity.Sessions(c.Context(), v.Person.ID)
	for _, s := range sessions {
		v.Sessions = append(v.Sessions, sessionRow{s, device(s.Agent), s.ID == c.Viewer.Session})
	}
	return v, err
}

func mePageOf(status int) web.Page {
	return web.Page{Title: "You", Status: status, Crumbs: []web.Crumb{{Text: "You"}}}
}

func (p *Pages) me(c *web.Ctx) error {
	v, err := p.meView(c)
	if err != nil {
		return err
	}
	return c.Render(mePageOf(200), mePage(v))
}

func (p *Pages) changePassword(c *web.Ctx) error {
	v, err := p.meView(c)
	if err != nil {
		return err
	}
	password := c.R.PostFormValue("password")
	if password != c.R.PostFormValue("again") {
		err = mainstay.Faults{"again": "The two are not the same."}.Err()
	} else {
		err = p.Identity.ChangePassword(c.Context(), v.Person.ID, c.Viewer.Session, c.R.PostFormValue("present"), password)
	}
	if v.Faults = mainstay.ErrorFields(err); v.Faults != nil {
		return c.Render(mePageOf(422), mePage(v))
	}
	if mainstay.Is(err, mainstay.TooMany) {
		v.Fault = mainstay.ErrorMessage(err)
		return p.refuse(c, err, mePageOf(0), mePage(v))
	}
	if err != nil {
		return err
	}
	c.Say("Your password is changed. Every other session has ended.")
	return c.See("/me")
}

func (p *Pages) endSession(c *web.Ctx) error {
	if err := p.Identity.SignOut(c.Context(), c.Actor(), c.Viewer.PersonID, c.Path("session")); err != nil {
		return err
	}
	c.Say("That session has ended.")
	return c.See("/me")
}

func (p *Pages) endSessions(c *web.Ctx) error {
	if c.Viewer.PersonID == "" {
		return mainstay.Errorf(mainstay.Denied, "A token has no sessions.")
	}
	if err := p.Identity.SignOutEverywhere(c.Context(), c.Actor(), c.Viewer.PersonID, ""); err != nil {
		return err
	}
	http.SetCookie(c.W, p.Identity.Cookie(""))
	c.Say("You are signed out everywhere.")
	return c.See("/sign-in")
}

func (p *Pages) endOthers(c *web.Ctx) error {
	if err := p.Identity.SignOutEverywhere(c.Context(), c.Actor(), c.Ref.ID, c.Viewer.Session); err != nil {
		return err
	}
	c.Say("Every session of this person has ended.")
	return c.See("/admin/people/" + c.Path("id"))
}

// adminPlaces are the pages behind Admin, in order; those that exist and that the viewer may see are shown.
var adminPlaces = []adminPlace{
	{"/people", "People", "who signs in, is paged, or both"},
	{"/teams", "Teams", "groups that are paged and own services"},
	{"/admin/people", "Roles", "who may do what in which project"},
	{"/admin/tokens", "API tokens", "for programs that use the API"},
	{"/admin/keys", "Intake keys", "for senders of alerts and heartbeats"},
	{"/routes", "Routes", "which alerts go to which service and policy"},
	{"/admin/routes", "Routes", "which alerts go to which service and policy"},
	{"/policies", "Escalation policies", "who is paged, after how long, how often"},
	{"/plans", "Incident plans", "what is done when, and by whom"},
	{"/components", "Components", "what the status page shows"},
	{"/admin/notifications", "Delivery log", "what was sent to whom, and how it went"},
	{"/admin/settings", "Settings", "of this installation"},
	{"/admin/journal", "Journal", "everything that happened, chained and verifiable"},
}

type adminPlace struct{ URL, Title, Note string }

func (p *Pages) admin(c *web.Ctx) error {
	may := map[string]bool{}
	for _, r := range p.rt.Routes() {
		if r.Method == http.MethodGet && c.Viewer.MayAny(r.Permission) {
			may[r.Pattern] = true
		}
	}
	var places []adminPlace
	for _, a := range adminPlaces {
		if may[a.URL] {
			places = append(places, a)
		}
	}
	wide, side := c.Panels("admin")
	return c.Render(web.Page{Title: "Admin", Nav: "admin", Crumbs: []web.Crumb{{Text: "Admin"}}}, adminPage(places, ui.Panels(wide, side)))
}
