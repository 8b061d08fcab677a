package peopleweb

import (
	"net/url"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/web"
)

// personForm is one form's values and faults.
type personForm struct {
	Title, Action, Cancel string
	New                   bool
	Mine                  bool // the person edits themself: no handle, no address to sign in with
	Person                people.Person
	Contacts              []people.Contact // with two blank ones at the end
	Faults                map[string]string
}

// mostContacts is how many contact methods a form may send.
const mostContacts = 20

func (f *personForm) blanks() {
	for _, c := range f.Person.Contacts {
		if c.Channel != people.Push { // devices are connected and removed on a page of their own
			f.Contacts = append(f.Contacts, c)
		}
	}
	f.Contacts = append(f.Contacts, people.Contact{Channel: people.Email}, people.Contact{Channel: people.Email})
	if len(f.Contacts) > mostContacts {
		f.Contacts = f.Contacts[:mostContacts]
	}
}

// read takes what the form says into the person; contacts without an address are left out.
func (f *personForm) read(c *web.Ctx, to *people.Person) {
	to.FullName, to.Zone, to.Language = c.Form("fullName"), c.Form("zone"), c.Form("language")
	if !f.Mine {
		to.Name, to.Email = c.Form("name"), c.Form("email")
	}
	devices := to.Devices()
	to.Contacts = nil
	for i := range mostContacts {
		address := c.Form(contactField(i, "address"))
		if address == "" {
			continue
		}
		to.Contacts = append(to.Contacts, people.Contact{
			Channel: people.Channel(c.Form(contactField(i, "channel"))), Address: address, ForPages: c.Checked(contactField(i, "pages")),
		})
	}
	to.Contacts = append(to.Contacts, devices...)
}

func (f personForm) show(c *web.Ctx, status int) error {
	f.blanks()
	return c.Render(web.Page{Title: f.Title, Nav: "admin", Status: status, Crumbs: f.crumbs()}, personFormPage(f))
}

func (f personForm) crumbs() []web.Crumb {
	if f.Mine {
		return []web.Crumb{{Text: "You", URL: "/me"}, {Text: f.Title}}
	}
	return []web.Crumb{{Text: "People", URL: "/people"}, {Text: f.Title}}
}

// end answers a form: with the faults beside what was typed, or with the page that follows.
func (f personForm) end(c *web.Ctx, err error, next, say string) error {
	if f.Faults = mainstay.ErrorFields(err); f.Faults != nil {
		return f.show(c, 422)
	}
	if err != nil {
		return err
	}
	c.Say("%s", say)
	return c.See(next)
}

func (p *Pages) newPerson(c *web.Ctx) error {
	return personForm{
		Title: "New person", Action: "/people", Cancel: "/people", New: true, Person: people.Person{Zone: "UTC", Language: "en"},
	}.show(c, 200)
}

func (p *Pages) create(c *web.Ctx) error {
	f := personForm{Title: "New person", Action: "/people", Cancel: "/people", New: true}
	f.read(c, &f.Person)
	x, err := p.people.Create(c.Context(), c.Actor(), f.Person)
	return f.end(c, err, "/people/"+x.Name, "Added "+x.FullName+". Give them a role and a link to set a password.")
}

func (p *Pages) editForm(c *web.Ctx) (personForm, error) {
	x, err := p.people.ByID(c.Context(), c.Ref.ID)
	at := "/people/" + x.Name
	return personForm{Title: "Edit " + x.FullName, Action: at + "/edit", Cancel: at, Person: x}, err
}

func (p *Pages) edit(c *web.Ctx) error {
	f, err := p.editForm(c)
	if err != nil {
		return err
	}
	return f.show(c, 200)
}

func (p *Pages) save(c *web.Ctx) error {
	f, err := p.editForm(c)
	if err != nil {
		return err
	}
	f.read(c, &f.Person)
	_, err = p.people.Change(c.Context(), c.Actor(), c.Ref.ID, true, func(x *people.Person) error {
		f.read(c, x)
		return nil
	})
	return f.end(c, err, "/people/"+f.Person.Name, "Saved "+f.Person.FullName+".")
}

// me is the form for the viewer's own data.
func (p *Pages) me(c *web.Ctx) (personForm, error) {
	if c.Viewer.PersonID == "" {
		return personForm{}, mainstay.Errorf(mainstay.Denied, "A token has no data of its own. Sign in as a person.")
	}
	x, err := p.people.ByID(c.Context(), c.Viewer.PersonID)
	return personForm{Title: "Your data and contacts", Action: "/me/edit", Cancel: "/me", Mine: true, Person: x}, err
}

func (p *Pages) editMe(c *web.Ctx) error {
	f, err := p.me(c)
	if err != nil {
		return err
	}
	return f.show(c, 200)
}

func (p *Pages) saveMe(c *web.Ctx) error {
	f, err := p.me(c)
	if err != nil {
		return err
	}
	f.read(c, &f.Person)
	_, err = p.people.Change(c.Context(), c.Actor(), f.Person.ID, false, func(x *people.Person) error {
		f.read(c, x)
		return nil
	})
	return f.end(c, err, "/me", "Saved.")
}

// teamForm is one form's values and faults. Members and Leads are handles.
type teamForm struct {
	Title, Action, Cancel string
	New                   bool
	Name, TeamTitle       string
	Members, Leads        string
	Faults                map[string]string
}

func handles(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == ';' })
}

func (f *teamForm) read(c *web.Ctx) {
	f.Name, f.TeamTitle, f.Members, f.Leads = c.Form("name"), c.Form("title"), c.Form("members"), c.Form("leads")
}

func (f teamForm) show(c *web.Ctx, status int) error {
	return c.Render(web.Page{
		Title: f.Title, Nav: "admin", Status: status, Crumbs: []web.Crumb{{Text: "Teams", URL: "/teams"}, {Text: f.Title}},
	}, teamFormPage(f))
}

func (p *Pages) newTeam(c *web.Ctx) error {
	return teamForm{Title: "New team", Action: "/teams", Cancel: "/teams", New: true}.show(c, 200)
}

func (p *Pages) createTeam(c *web.Ctx) error {
	f := teamForm{Title: "New team", Action: "/teams", Cancel: "/teams", New: true}
	f.read(c)
	return p.changeTeam(c, f, "")
}

// changeTeam saves what the form says, or shows it again with what is wrong.
func (p *Pages) changeTeam(c *web.Ctx, f teamForm, id string) error {
	members, err := p.people.Members(c.Context(), handles(f.Members), handles(f.Leads))
	if err == nil {
		_, _, err = p.people.ChangeTeam(c.Context(), c.Actor(), id, func(t *people.Team) error {
			t.Name, t.Title, t.Members = f.Name, f.TeamTitle, members
			return nil
		})
	}
	if f.Faults = mainstay.ErrorFields(err); f.Faults != nil {
		return f.show(c, 422)
	}
	if err != nil {
		return err
	}
	c.Say("Saved the team %s.", f.Name)
	return c.See("/teams/" + f.Name)
}

func (p *Pages) teamFormOf(c *web.Ctx) (teamForm, error) {
	t, err := p.people.Team(c.Context(), c.Ref.ID)
	at := "/teams/" + t.Name
	f := teamForm{Title: "Edit " + t.Title, Action: at + "/edit", Cancel: at, Name: t.Name, TeamTitle: t.Title}
	var members, leads []string
	for _, m := range t.Members {
		members = append(members, m.Name)
		if m.Lead {
			leads = append(leads, m.Name)
		}
	}
	f.Members, f.Leads = strings.Join(members, "\n"), strings.Join(leads, " ")
	return f, err
}

func (p *Pages) editTeam(c *web.Ctx) error {
	f, err := p.teamFormOf(c)
	if err != nil {
		return err
	}
	return f.show(c, 200)
}

func (p *Pages) saveTeam(c *web.Ctx) error {
	f, err := p.teamFormOf(c)
	if err != nil {
		return err
	}
	f.read(c)
	return p.changeTeam(c, f, c.Ref.ID)
}

// teamsView is the list of teams.
type teamsView struct {
	Rows   []people.Team
	Next   string
	Manage bool
}

func (p *Pages) teams(c *web.Ctx) error {
	list, next, err := p.people.Teams(c.Context(), people.TeamQuery{After: c.Query("after"), Limit: pageSize})
	if err != nil {
		return err
	}
	if next != "" {
		next = "/teams?after=" + next
	}
	v := teamsView{Rows: list, Next: next, Manage: c.May(manage)}
	return c.Render(web.Page{Title: "Teams", Nav: "admin", Crumbs: []web.Crumb{{Text: "Teams"}}}, teamsPage(v))
}

// teamView is one team.
type teamView struct {
	Team       people.Team
	Manage     bool
	Wide, Side []web.Component
}

func (p *Pages) team(c *web.Ctx) error {
	t, err := p.people.Team(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	v := teamView{Team: t, Manage: c.May(manage)}
	v.Wide, v.Side = c.Panels("team")
	return c.Render(web.Page{
		Title: t.Title, Nav: "admin", Live: []mainstay.Ref{c.Ref}, Crumbs: []web.Crumb{{Text: "Teams", URL: "/teams"}, {Text: t.Title}},
	}, teamPage(v))
}

// at is the address of a contact as pages show it: that of a device is long, secret, and says nothing.
func at(c people.Contact) string {
	if c.Channel != people.Push {
		return c.Address
	}
	host := c.Address
	if u, err := url.Parse(c.Address); err == nil {
		host = u.Host
	}
	return "a browser, by way of " + host
}
