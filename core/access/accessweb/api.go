package accessweb

import (
	"context"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/web"
)

// Role is a role as the API shows it.
type Role struct {
	Role    string `json:"role" enum:"administrator,manager,responder,member,stakeholder,customer"`
	Project string `json:"project,omitempty" doc:"Name; absent for all projects"`
	Team    string `json:"team,omitempty" doc:"Name of the team that gives it; absent for one's own"`
}

// Access is what a person or team may do.
type Access struct {
	Name  string    `json:"name"`
	Roles []Role    `json:"roles"`
	May   []Allowed `json:"may" doc:"In the project that was asked for, or in all projects and what belongs to none"`
}

// Allowed is one permission that is held, and by which roles.
type Allowed struct {
	Permission string `json:"permission"`
	Why        []Role `json:"why"`
}

type accessInput struct {
	ID      string `path:"id" doc:"The id or the name"`
	Project string `query:"in" maxLength:"100" doc:"A project, by id or name"`
}

type rolesInput struct {
	ID   string `path:"id" doc:"The id or the name"`
	Body struct {
		Roles []Role `json:"roles" maxItems:"1000" doc:"All of them; what is not there is taken"`
	}
}

func (p *Pages) api(rt *web.Router) {
	web.API(rt, web.Route{Method: "GET", Pattern: "/people/{id}/access", Permission: access.PeopleRead, Kind: mainstay.KindPerson},
		web.Doc{Summary: "What a person may do, and why", Tag: "people"}, p.accessAPI)
	web.API(rt, web.Route{Method: "PUT", Pattern: "/people/{id}/roles", Permission: access.PeopleManage, Kind: mainstay.KindPerson},
		web.Doc{Summary: "Make a person's own roles exactly these", Tag: "people"}, p.rolesAPI)
	web.API(rt, web.Route{Method: "GET", Pattern: "/teams/{id}/access", Permission: access.PeopleRead, Kind: mainstay.KindTeam},
		web.Doc{Summary: "What the members of a team may do by it", Tag: "people"}, p.accessAPI)
	web.API(rt, web.Route{Method: "PUT", Pattern: "/teams/{id}/roles", Permission: access.PeopleManage, Kind: mainstay.KindTeam},
		web.Doc{Summary: "Make a team's roles exactly these", Tag: "people"}, p.rolesAPI)
	web.API(rt, web.Route{Method: "GET", Pattern: "/projects/{id}/people", Permission: access.PeopleRead, Kind: mainstay.KindProject},
		web.Doc{Summary: "Who has which role in a project, and by what", Tag: "people"}, p.projectAPI)
}

// called names the projects and teams of grants.
func (p *Pages) called(ctx context.Context, g access.Grant) (Role, error) {
	r := Role{Role: string(g.Role)}
	var err error
	if g.Project != "" {
		if r.Project, err = p.cfg.Projects.ProjectName(ctx, g.Project); err != nil {
			return r, err
		}
	}
	if g.Team != "" {
		t, err := p.cfg.People.Team(ctx, g.Team)
		if err != nil {
			return r, err
		}
		r.Team = t.Name
	}
	return r, nil
}

func (p *Pages) accessAPI(ctx context.Context, in *accessInput) (*web.Out[Access], error) {
	ref, v := web.RefFrom(ctx), web.ViewerFrom(ctx)
	out := Access{Roles: []Role{}, May: []Allowed{}}
	var grants []access.Grant
	if ref.Kind == mainstay.KindPerson {
		if v.PersonID != ref.ID && !v.May(access.PeopleManage, "") {
			return nil, mainstay.Errorf(mainstay.Denied, "What others may do is shown to those who manage people.")
		}
		x, err := p.cfg.People.ByID(ctx, ref.ID)
		if err != nil {
			return nil, err
		}
		out.Name = x.Name
		if grants, err = p.cfg.Access.GrantsOf(ctx, ref.ID); err != nil {
			return nil, err
		}
	} else {
		t, err := p.cfg.People.Team(ctx, ref.ID)
		if err != nil {
			return nil, err
		}
		out.Name = t.Name
		roles, err := p.cfg.Access.RolesOf(ctx, ref)
		if err != nil {
			return nil, err
		}
		for _, r := range roles {
			grants = append(grants, access.Grant{Role: access.Role(r.Role), Project: r.Project})
		}
	}
	for _, g := range grants {
		r, err := p.called(ctx, g)
		if err != nil {
			return nil, err
		}
		out.Roles = append(out.Roles, r)
	}
	project := ""
	if in.Project != "" {
		var err error
		if project, err = p.cfg.Projects.ProjectID(ctx, in.Project); err != nil {
			return nil, err
		}
	}
	for _, perm := range access.Permissions() {
		a := Allowed{Permission: string(perm), Why: []Role{}}
		for _, g := range access.Why(grants, perm, project) {
			r, err := p.called(ctx, g)
			if err != nil {
				return nil, err
			}
			a.Why = append(a.Why, r)
		}
		if len(a.Why) > 0 {
			out.May = append(out.May, a)
		}
	}
	return &web.Out[Access]{Body: out}, nil
}

func (p *Pages) rolesAPI(ctx context.Context, in *rolesInput) (*web.Out[Access], error) {
	var want []people.Role
	for _, r := range in.Body.Roles {
		w := people.Role{Role: r.Role}
		if r.Team != "" {
			continue // given by a team; it goes with the team
		}
		if r.Project != "" {
			var err error
			if w.Project, err = p.cfg.Projects.ProjectID(ctx, r.Project); err != nil {
				return nil, err
			}
		}
		want = append(want, w)
	}
	if _, err := p.cfg.Access.SetRoles(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx), want); err != nil {
		return nil, err
	}
	return p.accessAPI(ctx, &accessInput{ID: in.ID})
}

// Holder is a person or team with roles in a project.
type Holder struct {
	Kind  string       `json:"kind" enum:"person,team"`
	Name  string       `json:"name"`
	Roles []HolderRole `json:"roles"`
}

// HolderRole is one of the roles, and by what it is held.
type HolderRole struct {
	Role string `json:"role"`
	By   string `json:"by,omitempty" doc:"absent: given to them in this project"`
}

func (p *Pages) projectAPI(ctx context.Context, _ *struct {
	ID string `path:"id" doc:"The id or the name"`
}) (*web.Out[web.List[Holder]], error) {
	rows, _, err := p.holders(ctx, web.RefFrom(ctx).ID)
	if err != nil {
		return nil, err
	}
	out := web.List[Holder]{Items: []Holder{}}
	for _, r := range rows {
		h := Holder{Kind: "person", Name: r.Person.Note}
		if r.Team != nil {
			h.Kind, h.Name = "team", r.Team.URL[len("/teams/"):]
		}
		for _, x := range r.Roles {
			h.Roles = append(h.Roles, HolderRole{string(x.Role), x.By})
		}
		out.Items = append(out.Items, h)
	}
	return &web.Out[web.List[Holder]]{Body: out}, nil
}
