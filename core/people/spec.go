package people

import (
	"context"
	"slices"
	"strings"

	"github.com/mainstayhq/mainstay"
)

// PersonSpec is the spec of a manifest of kind Person.
type PersonSpec struct {
	FullName    string        `yaml:"fullName,omitempty" json:"fullName,omitempty" doc:"For people; default: the name"`
	Email       string        `yaml:"email,omitempty" json:"email,omitempty" doc:"Signs in with it"`
	Zone        string        `yaml:"zone,omitempty" json:"zone,omitempty" doc:"IANA name; times in messages are told in it; default UTC"`
	Language    string        `yaml:"language,omitempty" json:"language,omitempty" doc:"Default en"`
	Deactivated bool          `yaml:"deactivated,omitempty" json:"deactivated,omitempty" doc:"True: can neither sign in nor be paged"`
	Contacts    []ContactSpec `yaml:"contacts,omitempty" json:"contacts,omitempty" doc:"Contact methods in the order in which they are tried; default: the mail address, for pages"`
	Roles       []RoleSpec    `yaml:"roles,omitempty" json:"roles,omitempty" doc:"What the person may do, besides what the teams may"`
	Successor   string        `yaml:"successor,omitempty" json:"successor,omitempty" names:"Person" doc:"With deactivated: takes over what the person holds"`
	Preferences *Preferences  `yaml:"preferences,omitempty" json:"preferences,omitempty" doc:"How the person wants to be told of what is no page; absent: as they chose themselves"`
}

// ContactSpec is one contact method, in the order in which they are tried.
type ContactSpec struct {
	Type    string `yaml:"type" json:"type" enum:"email,webhook" doc:"What kind of address it is"`
	Address string `yaml:"address" json:"address" doc:"Mail address, or the URL of a webhook"`
	Pages   bool   `yaml:"pages,omitempty" json:"pages,omitempty" doc:"True: urgent messages go there"`
}

// RoleSpec gives a role, in one project (by name) or in all.
type RoleSpec struct {
	Role    string `yaml:"role" json:"role" enum:"administrator,manager,responder,member,stakeholder,customer" doc:"Each holds all that the next one holds"`
	Project string `yaml:"project,omitempty" json:"project,omitempty" names:"Project" doc:"Name of a project; all projects when absent"`
}

// TeamSpec is the spec of a manifest of kind Team. Members and leads are persons by name; a lead is a member, listed or not.
type TeamSpec struct {
	Title   string     `yaml:"title,omitempty" json:"title,omitempty" doc:"For people; default: the name"`
	Members []string   `yaml:"members,omitempty" json:"members,omitempty" names:"Person" doc:"Names of persons"`
	Leads   []string   `yaml:"leads,omitempty" json:"leads,omitempty" names:"Person" doc:"Names of persons; a lead is a member, listed or not"`
	Roles   []RoleSpec `yaml:"roles,omitempty" json:"roles,omitempty" doc:"Every member has them"`
}

func (x PersonSpec) apply(p *Person) {
	p.FullName, p.Email, p.Zone, p.Language = x.FullName, x.Email, x.Zone, x.Language
	if p.FullName == "" {
		p.FullName = p.Name
	}
	devices := p.Devices()
	p.Contacts = nil
	for _, c := range x.Contacts {
		p.Contacts = append(p.Contacts, Contact{Channel: Channel(c.Type), Address: c.Address, ForPages: c.Pages})
	}
	p.firstContact()
	p.Contacts = append(p.Contacts, devices...)
	if x.Preferences != nil {
		p.Preferences = x.Preferences.clone()
	}
}

// DefinePerson makes the person with the handle be as the spec says, and reports whether that changed anything. A faulty spec
// is an error with the manifest's field names.
func (s *Service) DefinePerson(ctx context.Context, actor mainstay.Actor, name string, spec PersonSpec) (changed bool, err error) {
	err = s.cfg.Roles.Guard(ctx, func(ctx context.Context) error {
		roles, err := s.roleIDs(ctx, spec.Roles)
		if err != nil {
			return err
		}
		p, err := s.ByName(ctx, name)
		switch {
		case mainstay.Is(err, mainstay.NotFound):
			n := Person{Name: name}
			spec.apply(&n)
			p, err = s.Create(ctx, actor, n)
			changed = true
		case err == nil:
			changed, err = s.Change(ctx, actor, p.ID, true, func(p *Person) error { spec.apply(p); return nil })
		}
		if err != nil {
			return err
		}
		given, err := s.cfg.Roles.SetRoles(ctx, actor, p.Ref(), roles)
		if err != nil {
			return err
		}
		changed = changed || given
		if p.Active() != spec.Deactivated {
			return nil
		}
		changed = true
		if !spec.Deactivated {
			return s.Activate(ctx, actor, p.ID)
		}
		to, err := s.successorNamed(ctx, spec.Successor)
		if err != nil {
			return err
		}
		return s.Deactivate(ctx, actor, p.ID, Successors{All: to})
	})
	return changed && err == nil, err
}

// successorNamed is the id of the person with the handle; "" for none.
func (s *Service) successorNamed(ctx context.Context, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	p, err := s.ByName(ctx, name)
	if mainstay.Is(err, mainstay.NotFound) {
		return "", mainstay.Faults{"successor": "There is no person \"" + name + "\"."}.Err()
	}
	return p.ID, err
}

// DefineTeam makes the team with the handle be as the spec says, and reports whether that changed anything.
func (s *Service) DefineTeam(ctx context.Context, actor mainstay.Actor, name string, spec TeamSpec) (changed bool, err error) {
	err = s.cfg.Roles.Guard(ctx, func(ctx context.Context) error {
		roles, err := s.roleIDs(ctx, spec.Roles)
		if err != nil {
			return err
		}
		members, err := s.Members(ctx, spec.Members, spec.Leads)
		if err != nil {
			return err
		}
		t, err := s.Team(ctx, name)
		if err != nil && !mainstay.Is(err, mainstay.NotFound) {
			return err
		}
		t, changed, err = s.ChangeTeam(ctx, actor, t.ID, func(t *Team) error {
			t.Name, t.Title, t.Members = name, spec.Title, members
			return nil
		})
		if err != nil {
			return err
		}
		given, err := s.cfg.Roles.SetRoles(ctx, actor, t.Ref(), roles)
		changed = changed || given
		return err
	})
	return changed && err == nil, err
}

// Members turns handles into members; a handle that nobody has is a fault of the field "members". Leads are members too.
func (s *Service) Members(ctx context.Context, members, leads []string) ([]Member, error) {
	var list []Member
	var f mainstay.Faults
	for _, name := range append(slices.Clone(members), leads...) {
		if slices.ContainsFunc(list, func(m Member) bool { return m.Name == name }) {
			continue
		}
		p, err := s.ByName(ctx, name)
		if mainstay.Is(err, mainstay.NotFound) {
			f.Add("members", "There is no person %q.", name)
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, Member{Person: p.ID, Name: p.Name, FullName: p.FullName, Lead: slices.Contains(leads, name), Active: p.Active()})
	}
	slices.SortFunc(list, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	return list, f.Err()
}

func (s *Service) roleIDs(ctx context.Context, specs []RoleSpec) ([]Role, error) {
	var f mainstay.Faults
	roles := []Role{}
	for _, r := range specs {
		role := Role{Role: r.Role}
		if r.Project != "" {
			if s.cfg.Projects == nil {
				f.Add("roles", "Roles can only be given for all projects here.")
				continue
			}
			id, err := s.cfg.Projects.ProjectID(ctx, r.Project)
			if mainstay.Is(err, mainstay.NotFound) {
				f.Add("roles", "There is no project %q.", r.Project)
				continue
			}
			if err != nil {
				return nil, err
			}
			role.Project = id
		}
		roles = append(roles, role)
	}
	return roles, f.Err()
}

func (s *Service) roleSpecs(ctx context.Context, to mainstay.Ref) ([]RoleSpec, error) {
	roles, err := s.cfg.Roles.RolesOf(ctx, to)
	if err != nil {
		return nil, err
	}
	var list []RoleSpec
	for _, r := range roles {
		spec := RoleSpec{Role: r.Role}
		if r.Project != "" && s.cfg.Projects != nil {
			if spec.Project, err = s.cfg.Projects.ProjectName(ctx, r.Project); err != nil {
				return nil, err
			}
		}
		list = append(list, spec)
	}
	return list, nil
}

// PersonSpecs are all persons as manifests, by handle.
func (s *Service) PersonSpecs(ctx context.Context) (map[string]PersonSpec, error) {
	specs := map[string]PersonSpec{}
	for after, more := "", true; more; more = after != "" {
		list, next, err := s.List(ctx, Query{Deactivated: true, After: after, Limit: maxLimit})
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			if p.Erased() {
				continue // nothing of them is left to define
			}
			x := PersonSpec{FullName: p.FullName, Email: p.Email, Zone: p.Zone, Language: p.Language, Deactivated: !p.Active()}
			for _, c := range p.Contacts {
				if c.Channel == Push {
					continue // it works on this installation alone
				}
				x.Contacts = append(x.Contacts, ContactSpec{Type: string(c.Channel), Address: c.Address, Pages: c.ForPages})
			}
			if x.Roles, err = s.roleSpecs(ctx, p.Ref()); err != nil {
				return nil, err
			}
			if !p.Preferences.IsZero() {
				chosen := p.Preferences.clone()
				x.Preferences = &chosen
			}
			specs[p.Name] = x
		}
		after = next
	}
	return specs, nil
}

// TeamSpecs are all teams as manifests, by handle.
func (s *Service) TeamSpecs(ctx context.Context) (map[string]TeamSpec, error) {
	specs := map[string]TeamSpec{}
	for after, more := "", true; more; more = after != "" {
		list, next, err := s.Teams(ctx, TeamQuery{After: after, Limit: maxLimit})
		if err != nil {
			return nil, err
		}
		for _, t := range list {
			x := TeamSpec{Title: t.Title}
			for _, m := range t.Members {
				x.Members = append(x.Members, m.Name)
				if m.Lead {
					x.Leads = append(x.Leads, m.Name)
				}
			}
			if x.Roles, err = s.roleSpecs(ctx, t.Ref()); err != nil {
				return nil, err
			}
			specs[t.Name] = x
		}
		after = next
	}
	return specs, nil
}
