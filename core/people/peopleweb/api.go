package peopleweb

import (
	"context"
	"net/url"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/web"
)

const manage = access.PeopleManage

// Person is a person as the API shows them. Contacts are shown to those who manage people, and to the person.
type Person struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	FullName string    `json:"fullName"`
	Email    string    `json:"email,omitempty"`
	Zone     string    `json:"zone"`
	Language string    `json:"language"`
	State    string    `json:"state" enum:"active,deactivated"`
	Contacts []Contact `json:"contacts,omitempty"`
	Version  int64     `json:"version"`
}

// Contact is a contact method as the API shows it.
type Contact struct {
	Type     string `json:"type" enum:"email,webhook"`
	Address  string `json:"address"`
	Pages    bool   `json:"pages" doc:"Used for pages, at any hour"`
	Verified bool   `json:"verified"`
}

// Team is a team as the API shows it.
type Team struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Members []Member `json:"members"`
	Version int64    `json:"version"`
}

// Member is a person's place in a team.
type Member struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Lead bool   `json:"lead"`
}

func viewPerson(v access.Viewer, p people.Person) Person {
	x := Person{ID: p.ID, Name: p.Name, FullName: p.FullName, Email: p.Email, Zone: p.Zone, Language: p.Language, State: p.State(), Version: p.Version}
	if v.PersonID == p.ID || v.May(manage, "") {
		for _, c := range p.Contacts {
			x.Contacts = append(x.Contacts, Contact{string(c.Channel), shownAddress(c), c.ForPages, c.Verified()})
		}
	}
	return x
}

func viewTeam(t people.Team) Team {
	x := Team{ID: t.ID, Name: t.Name, Title: t.Title, Version: t.Version, Members: []Member{}}
	for _, m := range t.Members {
		x.Members = append(x.Members, Member{m.Person, m.Name, m.Lead})
	}
	return x
}

type personQuery struct {
	web.Query
	Q     string `query:"q" maxLength:"200" doc:"The name, full name or address holds it"`
	State string `query:"state" enum:"active,all" default:"active"`
}

type teamQuery struct {
	web.Query
	Q string `query:"q" maxLength:"200" doc:"The name or title holds it"`
}

type byID struct {
	ID string `path:"id" doc:"The id or the name"`
}

func (p *Pages) api(rt *web.Router) {
	web.API(rt, web.Route{Method: "GET", Pattern: "/people", Permission: access.PeopleRead},
		web.Doc{Summary: "List persons by name", Tag: "people"}, p.listAPI)
	web.API(rt, web.Route{Method: "GET", Pattern: "/people/{id}", Permission: access.PeopleRead, Kind: mainstay.KindPerson},
		web.Doc{Summary: "One person, by id or name", Tag: "people"}, p.personAPI)
	web.API(rt, web.Route{Method: "GET", Pattern: "/teams", Permission: access.PeopleRead},
		web.Doc{Summary: "List teams by name", Tag: "people"}, p.teamsAPI)
	web.API(rt, web.Route{Method: "GET", Pattern: "/teams/{id}", Permission: access.PeopleRead, Kind: mainstay.KindTeam},
		web.Doc{Summary: "One team, by id or name", Tag: "people"}, p.teamAPI)
}

func (p *Pages) listAPI(ctx context.Context, in *personQuery) (*web.Out[web.List[Person]], error) {
	list, next, err := p.people.List(ctx, people.Query{Search: in.Q, Deactivated: in.State == "all", After: in.Cursor, Limit: in.Limit})
	out := &web.Out[web.List[Person]]{Body: web.List[Person]{Items: []Person{}, Next: next}}
	for _, x := range list {
		out.Body.Items = append(out.Body.Items, viewPerson(web.ViewerFrom(ctx), x))
	}
	return out, err
}

func (p *Pages) personAPI(ctx context.Context, _ *byID) (*web.Out[Person], error) {
	x, err := p.people.ByID(ctx, web.RefFrom(ctx).ID)
	return &web.Out[Person]{ETag: web.ETag(x.Version), Body: viewPerson(web.ViewerFrom(ctx), x)}, err
}

func (p *Pages) teamsAPI(ctx context.Context, in *teamQuery) (*web.Out[web.List[Team]], error) {
	list, next, err := p.people.Teams(ctx, people.TeamQuery{Search: in.Q, After: in.Cursor, Limit: in.Limit})
	out := &web.Out[web.List[Team]]{Body: web.List[Team]{Items: []Team{}, Next: next}}
	for _, x := range list {
		out.Body.Items = append(out.Body.Items, viewTeam(x))
	}
	return out, err
}

func (p *Pages) teamAPI(ctx context.Context, _ *byID) (*web.Out[Team], error) {
	x, err := p.people.Team(ctx, web.RefFrom(ctx).ID)
	return &web.Out[Team]{ETag: web.ETag(x.Version), Body: viewTeam(x)}, err
}

// shownAddress is the address of a contact over the API: of a device only whose push service it is.
func shownAddress(c people.Contact) string {
	if u, err := url.Parse(c.Address); c.Channel == people.Push && err == nil {
		return u.Scheme + "://" + u.Host
	}
	return c.Address
}
