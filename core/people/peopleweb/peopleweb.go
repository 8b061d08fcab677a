// Package peopleweb owns the pages and the API of persons and teams. It never shows a password, and a webhook's secret only to
// whom it belongs and to those who manage people.
package peopleweb

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Pages are the routes.
type Pages struct {
	people   *people.Service
	exporter Exporter
	standing Standing // may be nil
}

// New makes the pages. Without an exporter nothing is exported.
func New(people *people.Service, exporter Exporter) *Pages {
	return &Pages{people: people, exporter: exporter}
}

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	add := func(method, pattern string, perm access.Permission, kind mainstay.Kind, h func(*web.Ctx) error) {
		rt.Handle(web.Route{Method: method, Pattern: pattern, Permission: perm, Kind: kind}, h)
	}
	add("GET", "/people", access.PeopleRead, "", p.list)
	add("GET", "/people/new", access.PeopleManage, "", p.newPerson)
	add("POST", "/people", access.PeopleManage, "", p.create)
	add("GET", "/people/{id}", access.PeopleRead, mainstay.KindPerson, p.person)
	add("GET", "/people/{id}/edit", access.PeopleManage, mainstay.KindPerson, p.edit)
	add("POST", "/people/{id}/edit", access.PeopleManage, mainstay.KindPerson, p.save)
	add("POST", "/people/{id}/activate", access.PeopleManage, mainstay.KindPerson, p.activate)
	p.leavingRoutes(rt)
	p.preferenceRoutes(rt)
	add("GET", "/me/edit", access.Self, "", p.editMe)
	add("POST", "/me/edit", access.Self, "", p.saveMe)
	add("GET", "/teams", access.PeopleRead, "", p.teams)
	add("GET", "/teams/new", access.PeopleManage, "", p.newTeam)
	add("POST", "/teams", access.PeopleManage, "", p.createTeam)
	add("GET", "/teams/{id}", access.PeopleRead, mainstay.KindTeam, p.team)
	add("GET", "/teams/{id}/edit", access.PeopleManage, mainstay.KindTeam, p.editTeam)
	add("POST", "/teams/{id}/edit", access.PeopleManage, mainstay.KindTeam, p.saveTeam)
	p.api(rt)
}

const pageSize = 50

// listView is a list of persons.
type listView struct {
	Search string
	All    bool // deactivated persons too
	Rows   []personRow
	Next   string // address of the next page
	Manage bool
	Invite bool // somebody can be invited
	Total  bool // the installation has persons that match no search
}

type personRow struct {
	Person ui.PersonView
	Email  string
	Zone   string
	State  ui.State
	Reach  ui.State // can a page reach them
}

func row(p people.Person) personRow {
	r := personRow{
		Person: ui.PersonView{Name: p.FullName, Note: p.Name, URL: "/people/" + p.Name, Away: !p.Active()},
		Email:  p.Email, Zone: p.Zone, State: state(p), Reach: reach(p),
	}
	return r
}

func state(p people.Person) ui.State {
	if p.Active() {
		return ui.Good("active")
	}
	return ui.Muted("deactivated")
}

// reach says whether a page would get to the person.
func reach(p people.Person) ui.State {
	if !p.Active() {
		return ui.Muted("–").As("na")
	}
	unsure := false
	for _, c := range p.Contacts {
		if c.ForPages && c.Verified() {
			return ui.Good("reachable")
		}
		unsure = unsure || c.ForPages
	}
	if unsure {
		return ui.Warn("contact not verified").As("half")
	}
	return ui.Warn("no contact for pages")
}

func (p *Pages) list(c *web.Ctx) error {
	q := people.Query{Search: c.Query("q"), Deactivated: c.Query("all") != "", After: c.Query("after"), Limit: pageSize}
	list, next, err := p.people.List(c.Context(), q)
	if err != nil {
		return err
	}
	v := listView{Search: q.Search, All: q.Deactivated, Manage: c.May(access.PeopleManage)}
	for _, x := range list {
		v.Rows = append(v.Rows, row(x))
	}
	v.Invite = v.Manage && p.standing != nil
	if err := p.stand(c.Context(), v.Rows, list); err != nil {
		return err
	}
	if next != "" {
		u := url.Values{"q": {q.Search}, "after": {next}}
		if q.Deactivated {
			u.Set("all", "1")
		}
		v.Next = "/people?" + u.Encode()
	}
	return c.Render(web.Page{Title: "People", Nav: "admin", Crumbs: []web.Crumb{{Text: "People"}}}, peoplePage(v))
}

// personView is one person.
type personView struct {
	Person     people.Person
	Contacts   []people.Contact // with secrets where the viewer may see them
	Teams      []people.Team
	Secrets    bool
	Manage     bool
	Me         bool
	Wide, Side []web.Component
}

func (p *Pages) person(c *web.Ctx) error {
	x, err := p.people.ByID(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	v := personView{Person: x, Contacts: x.Contacts, Manage: c.May(access.PeopleManage), Me: c.Viewer.PersonID == x.ID}
	switch v.Secrets = v.Manage || v.Me; {
	case !v.Secrets:
		v.Contacts = veiled(x.Contacts)
	case x.Active():
		if v.Contacts, err = p.people.Contacts(c.Context(), x.ID, false); err != nil {
			return err
		}
	}
	if v.Teams, _, err = p.people.Teams(c.Context(), people.TeamQuery{Person: x.ID}); err != nil {
		return err
	}
	v.Wide, v.Side = c.Panels("person")
	return c.Render(web.Page{
		Title: x.FullName, Nav: "admin", Live: []mainstay.Ref{c.Ref},
		Crumbs: []web.Crumb{{Text: "People", URL: "/people"}, {Text: x.FullName}},
	}, personPage(v))
}

// veiled hides what follows the host of a webhook: the path of such an address is often a secret.
func veiled(list []people.Contact) []people.Contact {
	out := slices.Clone(list)
	for i, c := range out {
		if u, err := url.Parse(c.Address); err == nil && c.Channel == people.Webhook {
			out[i].Address = u.Scheme + "://" + u.Host + "/…"
		}
	}
	return out
}

// zones are offered while somebody types; every IANA zone is taken.
var zones = []string{
	"UTC", "Europe/London", "Europe/Lisbon", "Europe/Madrid", "Europe/Paris", "Europe/Berlin", "Europe/Zurich", "Europe/Rome",
	"Europe/Warsaw", "Europe/Stockholm", "Europe/Helsinki", "Europe/Athens", "Europe/Kyiv", "Europe/Istanbul", "Africa/Cairo",
	"Africa/Lagos", "Africa/Nairobi", "Africa/Johannesburg", "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Dhaka",
	"Asia/Bangkok", "Asia/Singapore", "Asia/Shanghai", "Asia/Tokyo", "Asia/Seoul", "Australia/Perth", "Australia/Sydney",
	"Pacific/Auckland", "America/Sao_Paulo", "America/Argentina/Buenos_Aires", "America/New_York", "America/Toronto",
	"America/Chicago", "America/Mexico_City", "America/Denver", "America/Los_Angeles", "Pacific/Honolulu",
}

func contactField(i int, part string) string { return fmt.Sprintf("contact-%d-%s", i, part) }
