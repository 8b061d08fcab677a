// Package identityweb owns the pages of signing in, of one's own account, of invitations, roles, identity providers and API tokens,
// and the API of tokens. It shows a secret once, when it is made, and never again.
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

// adder adds a page.
type adder func(method, pattern string, perm access.Permission, kind mainstay.Kind, h func(*web.Ctx) error)

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	p.rt = rt
	add := adder(func(method, pattern string, perm access.Permission, kind mainstay.Kind, h func(*web.Ctx) error) {
		rt.Handle(web.Route{Method: method, Pattern: pattern, Permission: perm, Kind: kind}, h)
	})
	p.signInRoutes(add)
	p.securityRoutes(add)
	add("GET", "/admin", access.PeopleRead, "", p.admin)
	add("GET", "/admin/people", access.PeopleManage, "", p.roles)
	add("GET", "/admin/people/{id}", access.PeopleManage, mainstay.KindPerson, p.editRoles)
	add("POST", "/admin/people/{id}", access.PeopleManage, mainstay.KindPerson, p.saveRoles)
	p.personRoutes(add)
	p.providerRoutes(add)
	add("GET", "/admin/teams/{id}", access.PeopleManage, mainstay.KindTeam, p.editRoles)
	add("POST", "/admin/teams/{id}", access.PeopleManage, mainstay.KindTeam, p.saveRoles)
	add("GET", "/admin/tokens", access.TokenManage, "", p.tokens)
	add("GET", "/admin/tokens/new", access.TokenManage, "", p.newToken)
	add("POST", "/admin/tokens", access.TokenManage, "", p.createToken)
	add("POST", "/admin/tokens/{id}/revoke", access.TokenManage, mainstay.KindToken, p.revokeToken)
	add("POST", "/admin/tokens/{id}/rotate", access.TokenManage, mainstay.KindToken, p.rotateToken)
	p.api(rt)
}

// Panels are the roles on the page of a person and of a team, and how a person signs in.
func (p *Pages) Panels() []web.Panel {
	panel := func(where string) web.Panel {
		return web.Panel{Where: where, Title: "Roles", Order: 20, Side: true, Render: p.rolesPanel}
	}
	return []web.Panel{panel("person"), panel("team"), {Where: "person", Title: "Signing in", Order: 30, Side: true, Render: p.standingPanel}}
}

// Me is how the viewer appears in the shell; web.Config.Me.
func (p *Pages) Me(ctx context.Context, v access.Viewer) (web.Me, error) {
	if v.PersonID == "" {
		return web.Me{Name: v.Name, Line: "API token"}, nil
	}
	x, err := p.People.ByID(ctx, v.PersonID)
	return web.Me{Name: x.FullName, URL: "/me"}, err
}

// meView is the viewer's own page.
type meView struct {
	Person   people.Person
	Contacts []people.Contact
	Teams    []people.Team
	Roles    []roleLine
	Sessions int
	Second   bool // has a second factor
	Must     bool // needs one
	Password bool
}

func (p *Pages) meView(c *web.Ctx) (v meView, err error) {
	if c.Viewer.PersonID == "" {
		return v, errNoPerson()
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
	if v.Roles, err = p.all(c.Context(), v.Person.Ref()); err != nil {
		return v, err
	}
	sessions, err := p.Identity.Sessions(c.Context(), v.Person.ID)
	if err != nil {
		return v, err
	}
	v.Sessions = len(sessions)
	has, err := p.Identity.Factors(c.Context(), v.Person.ID)
	if err != nil {
		return v, err
	}
	v.Second, v.Password = has.Second(), has.Password
	v.Must, err = p.Identity.MustHaveSecond(c.Context(), v.Person.ID)
	return v, err
}

func errNoPerson() error {
	return mainstay.Errorf(mainstay.Denied, "A token has no page of its own. Sign in as a person.")
}

func (p *Pages) me(c *web.Ctx) error {
	v, err := p.meView(c)
	if err != nil {
		return err
	}
	return c.Render(web.Page{Title: "You", Crumbs: []web.Crumb{{Text: "You"}}}, mePage(v))
}

// adminPlaces are the pages behind Admin, in order; those that exist and that the viewer may see are shown.
var adminPlaces = []adminPlace{
	{"/people", "People", "who signs in, is paged, or both"},
	{"/teams", "Teams", "groups that are paged and own services"},
	{"/admin/people", "Roles", "who may do what in which project"},
	{"/admin/sign-in", "Sign-in", "passwords, second factors, identity providers"},
	{"/admin/tokens", "API tokens", "for programs that use the API"},
	{"/admin/keys", "Intake keys", "for senders of alerts and heartbeats"},
	{"/routes", "Routes", "which alerts go to which service and policy"},
	{"/admin/routes", "Routes", "which alerts go to which service and policy"},
	{"/policies", "Escalation policies", "who is paged, after how long, how often"},
	{"/plans", "Incident plans", "what is done when, and by whom"},
	{"/components", "Components", "what the status page shows"},
	{"/admin/notifications", "Delivery log", "what was sent to whom, and how it went"},
	{"/admin/webhooks", "Webhooks", "facts delivered outward, signed, with retry and replay"},
	{"/admin/settings", "Settings", "of this installation"},
	{"/admin/backups", "Backups", "made on schedule, and restored to try them"},
	{"/admin/retention", "Retention", "how long what is kept, and legal holds"},
	{"/admin/audit", "Audit", "who changed what, and when; with export"},
	{"/admin/personal-data", "Personal data", "what is held of persons, erasures, what nobody owns"},
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
