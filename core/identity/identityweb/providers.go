package identityweb

import (
	"slices"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

func (p *Pages) providerRoutes(add adder) {
	add("GET", "/admin/sign-in", access.SettingManage, "", p.policy)
	add("POST", "/admin/sign-in", access.SettingManage, "", p.savePolicy)
	add("GET", "/admin/sign-in/providers/new", access.SettingManage, "", p.newProvider)
	add("POST", "/admin/sign-in/providers", access.SettingManage, "", p.createProvider)
	add("GET", "/admin/sign-in/providers/{name}", access.SettingManage, "", p.editProvider)
	add("POST", "/admin/sign-in/providers/{name}", access.SettingManage, "", p.saveProvider)
	add("POST", "/admin/sign-in/providers/{name}/test", access.SettingManage, "", p.testProvider)
	add("POST", "/admin/sign-in/providers/{name}/remove", access.SettingManage, "", p.removeProvider)
}

// policyView is how people sign in to the installation.
type policyView struct {
	Passwords string
	Roles     []roleChoice
	Providers []providerRow
	MailOff   string
	Passkeys  string // why they cannot be used at this address, "" when they can
	Faults    map[string]string
	Me        bool // the viewer has a second factor
}

type roleChoice struct {
	Value, Text string
	On          bool
}

type providerRow struct {
	Name, Title, Issuer string
	Groups              int
	State               ui.State
}

func (p *Pages) policyView(c *web.Ctx) (v policyView, err error) {
	x, err := p.Identity.Policy(c.Context())
	if err != nil {
		return v, err
	}
	_, why := p.site(c)
	v = policyView{Passwords: string(x.Passwords), MailOff: p.Identity.MailOff(), Passkeys: why, Roles: choices(x.SecondFactor)}
	if c.Viewer.PersonID != "" {
		has, err := p.Identity.Factors(c.Context(), c.Viewer.PersonID)
		if err != nil {
			return v, err
		}
		v.Me = has.Second()
	}
	list, err := p.Identity.Providers(c.Context())
	for _, y := range list {
		r := providerRow{y.Name, y.Title(), y.Spec.Issuer, len(y.Spec.Groups), ui.Good("in use")}
		if y.Spec.Disabled {
			r.State = ui.Muted("turned off")
		}
		v.Providers = append(v.Providers, r)
	}
	return v, err
}

func choices(on []access.Role) []roleChoice {
	var list []roleChoice
	for _, r := range access.Roles() {
		list = append(list, roleChoice{string(r), r.Title(), slices.Contains(on, r)})
	}
	return list
}

func policyPageOf(status int) web.Page {
	return web.Page{Title: "Sign-in", Nav: "admin", Status: status, Crumbs: []web.Crumb{{Text: "Admin", URL: "/admin"}, {Text: "Sign-in"}}}
}

func (p *Pages) policy(c *web.Ctx) error {
	v, err := p.policyView(c)
	if err != nil {
		return err
	}
	return c.Render(policyPageOf(200), policyPage(v))
}

func (p *Pages) savePolicy(c *web.Ctx) error {
	x := identity.Policy{Passwords: identity.PasswordUse(c.Form("passwords"))}
	for _, r := range c.FormAll("role") {
		x.SecondFactor = append(x.SecondFactor, access.Role(r))
	}
	changed, err := p.Identity.SetPolicy(c.Context(), c.Actor(), x)
	if faults := mainstay.ErrorFields(err); faults != nil {
		v, err := p.policyView(c)
		if err != nil {
			return err
		}
		v.Faults, v.Passwords, v.Roles = faults, string(x.Passwords), choices(x.SecondFactor)
		return c.Render(policyPageOf(422), policyPage(v))
	}
	if err != nil {
		return err
	}
	if changed {
		c.Say("It is so from everybody's next sign-in on.")
	}
	return c.See("/admin/sign-in")
}

// providerForm is the form of an identity provider.
type providerForm struct {
	Fresh         bool
	Name          string
	Title         string
	Issuer        string
	ClientID      string
	HasSecret     bool
	Scopes        string
	GroupsClaim   string
	Groups        string // one per line: group = role [in project], or group = team NAME
	Domains       string
	CreatePersons bool
	AskSecond     bool
	Disabled      bool
	Back          string // the address to enter at the provider
	Leave         string
	Faults        map[string]string
	Probed, Works bool
	ProbeSays     string
}

func formOf(x identity.Provider) providerForm {
	s := x.Spec
	return providerForm{
		Name: x.Name, Title: s.Title, Issuer: s.Issuer, ClientID: s.ClientID, HasSecret: x.Sealed != "", Scopes: strings.Join(s.Scopes, " "),
		GroupsClaim: s.GroupsClaim, Groups: groupLines(s.Groups), Domains: strings.Join(s.Domains, " "), CreatePersons: s.CreatePersons,
		AskSecond: s.AskSecondFactor, Disabled: s.Disabled,
	}
}

// groupLines writes groups as the form shows them.
func groupLines(list []identity.GroupSpec) string {
	var b strings.Builder
	for _, g := range list {
		b.WriteString(g.Group + " = ")
		switch {
		case g.Team != "":
			b.WriteString("team " + g.Team)
		case g.Project != "":
			b.WriteString(g.Role + " in " + g.Project)
		default:
			b.WriteString(g.Role)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// parseGroups is the inverse. A line that cannot be read is a fault of the field "groups".
func parseGroups(text string) ([]identity.GroupSpec, error) {
	var list []identity.GroupSpec
	var f mainstay.Faults
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		at := strings.LastIndex(line, "=")
		if at < 0 {
			f.Add("groups", "%q: write group = role, group = role in project, or group = team name.", line)
			continue
		}
		g := identity.GroupSpec{Group: strings.TrimSpace(line[:at])}
		words := strings.Fields(line[at+1:])
		switch {
		case len(words) == 1:
			g.Role = words[0]
		case len(words) == 2 && words[0] == "team":
			g.Team = words[1]
		case len(words) == 3 && words[1] == "in":
			g.Role, g.Project = words[0], words[2]
		default:
			f.Add("groups", "%q: write group = role, group = role in project, or group = team name.", line)
			continue
		}
		list = append(list, g)
	}
	return list, f.Err()
}

func (p *Pages) showProvider(c *web.Ctx, f providerForm, status int) error {
	name := f.Name
	if name == "" {
		name = "NAME"
	}
	f.Back, f.Leave = p.base(c)+"/sign-in/with/"+name+"/back", p.base(c)+"/sign-in"
	title := "New identity provider"
	if !f.Fresh {
		title = f.Name
	}
	return c.Render(web.Page{Title: title, Nav: "admin", Status: status, Crumbs: []web.Crumb{
		{Text: "Admin", URL: "/admin"}, {Text: "Sign-in", URL: "/admin/sign-in"}, {Text: title},
	}}, providerPage(f))
}

func (p *Pages) newProvider(c *web.Ctx) error {
	return p.showProvider(c, providerForm{Fresh: true, CreatePersons: true}, 200)
}

func (p *Pages) editProvider(c *web.Ctx) error {
	x, err := p.Identity.Provider(c.Context(), c.Path("name"))
	if err != nil {
		return err
	}
	return p.showProvider(c, formOf(x), 200)
}

// posted is what a form holds.
func posted(c *web.Ctx) (providerForm, identity.ProviderSpec, error) {
	f := providerForm{
		Title: c.Form("title"), Issuer: c.Form("issuer"), ClientID: c.Form("clientId"), Scopes: c.Form("scopes"),
		GroupsClaim: c.Form("groupsClaim"), Groups: c.R.PostFormValue("groups"), Domains: c.Form("domains"),
		CreatePersons: c.Checked("createPersons"), AskSecond: c.Checked("askSecondFactor"), Disabled: c.Checked("disabled"),
	}
	spec := identity.ProviderSpec{
		Title: f.Title, Issuer: f.Issuer, ClientID: f.ClientID, ClientSecret: c.Form("clientSecret"), Scopes: wordsOf(f.Scopes),
		GroupsClaim: f.GroupsClaim, Domains: wordsOf(f.Domains), CreatePersons: f.CreatePersons, AskSecondFactor: f.AskSecond, Disabled: f.Disabled,
	}
	var err error
	spec.Groups, err = parseGroups(f.Groups)
	return f, spec, err
}

func wordsOf(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' || r == '\r' || r == '\t' })
}

func (p *Pages) createProvider(c *web.Ctx) error { return p.keepProvider(c, c.Form("name"), true) }

func (p *Pages) saveProvider(c *web.Ctx) error {
	if _, err := p.Identity.Provider(c.Context(), c.Path("name")); err != nil {
		return err
	}
	return p.keepProvider(c, c.Path("name"), false)
}

func (p *Pages) keepProvider(c *web.Ctx, name string, fresh bool) error {
	f, spec, err := posted(c)
	f.Fresh, f.Name = fresh, name
	old, missing := p.Identity.Provider(c.Context(), name)
	f.HasSecret = missing == nil && old.Sealed != ""
	if fresh && missing == nil && name != "" {
		err = mainstay.Faults{"name": "There is a provider with this name already."}.Err()
	}
	changed := false
	if err == nil {
		changed, err = p.Identity.DefineProvider(c.Context(), c.Actor(), "", name, spec)
	}
	if f.Faults = mainstay.ErrorFields(err); f.Faults != nil {
		return p.showProvider(c, f, 422)
	}
	if err != nil {
		return err
	}
	if changed {
		c.Say("Saved. Test whether the provider answers.")
	}
	return c.See("/admin/sign-in/providers/" + name)
}

func (p *Pages) testProvider(c *web.Ctx) error {
	x, err := p.Identity.Provider(c.Context(), c.Path("name"))
	if err != nil {
		return err
	}
	f := formOf(x)
	f.ProbeSays, err = p.Identity.Probe(c.Context(), x.Name)
	if err != nil {
		return err
	}
	f.Probed, f.Works = true, f.ProbeSays == ""
	return p.showProvider(c, f, 200)
}

func (p *Pages) removeProvider(c *web.Ctx) error {
	name := c.Path("name")
	if err := p.Identity.RemoveProvider(c.Context(), c.Actor(), "", name); err != nil {
		return err
	}
	c.Say("The provider %s is removed, with the roles that its groups gave.", name)
	return c.See("/admin/sign-in")
}
