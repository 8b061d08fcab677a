// Package access owns who may do what in which project: the permissions, the roles that bundle them, and the grants that give
// a role to a person, a team or a token. It never authenticates anybody; that is identity's.
package access

import (
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
)

// Permission is one thing that may be allowed. Every route names the one it needs.
type Permission string

// The permissions. Public needs nobody signed in, Self needs anybody signed in.
const (
	Public          Permission = "public"
	Self            Permission = "self"
	ProjectRead     Permission = "project.read"
	ProjectManage   Permission = "project.manage"
	AlertRead       Permission = "alert.read"
	AlertRespond    Permission = "alert.respond"
	PageRead        Permission = "page.read"
	PageRespond     Permission = "page.respond"
	OnCallRead      Permission = "oncall.read" // schedules and policies
	OnCallManage    Permission = "oncall.manage"
	IncidentRead    Permission = "incident.read"
	IncidentRespond Permission = "incident.respond"
	IncidentManage  Permission = "incident.manage" // plans
	PostRead        Permission = "post.read"
	PostDraft       Permission = "post.draft"
	PostApprove     Permission = "post.approve"
	ComponentRead   Permission = "component.read"
	ComponentManage Permission = "component.manage"
	WindowRead      Permission = "window.read"
	WindowManage    Permission = "window.manage"
	RootCauseRead   Permission = "rootcause.read"
	RootCauseWrite  Permission = "rootcause.write"
	ArticleRead     Permission = "article.read"
	ArticleWrite    Permission = "article.write"
	ActionRead      Permission = "action.read"
	ActionWrite     Permission = "action.write"
	PeopleRead      Permission = "people.read"
	PeopleManage    Permission = "people.manage" // persons, teams, contacts of others, grants
	KeyManage       Permission = "key.manage"
	TokenManage     Permission = "token.manage"
	JournalRead     Permission = "journal.read"
	SettingManage   Permission = "setting.manage"
)

// Role is a bundle of permissions with a name that people know.
type Role string

// The roles, strongest first.
const (
	Administrator Role = "administrator"
	Manager       Role = "manager"
	Responder     Role = "responder"
	Member        Role = "member"
	Stakeholder   Role = "stakeholder" // a read-only business view
	Customer      Role = "customer"    // only what is theirs
)

// Roles lists all roles, strongest first.
func Roles() []Role {
	return []Role{Administrator, Manager, Responder, Member, Stakeholder, Customer}
}

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool { _, ok := table[r]; return ok }

// Title is what a role means, in a few words for the page that gives it.
func (r Role) Title() string { return titles[r] }

var titles = map[Role]string{
	Administrator: "Administrator: everything, including people, tokens and settings",
	Manager:       "Manager: runs a project, its on-call, plans, keys and public words",
	Responder:     "Responder: is paged, handles alerts and incidents",
	Member:        "Member: sees everything of a project, writes articles and does actions",
	Stakeholder:   "Stakeholder: a read-only business view without alerts and pages",
	Customer:      "Customer: only what is theirs",
}

// May reports whether the role holds the permission.
func (r Role) May(p Permission) bool { return p == Public || table[r][p] }

// Permissions lists what the role holds, in alphabetical order.
func (r Role) Permissions() []Permission {
	var all []Permission
	for p := range table[r] {
		all = append(all, p)
	}
	slices.Sort(all)
	return all
}

// The table: what each role adds to the one that it builds on.
var (
	customer    = []Permission{Self}
	stakeholder = append(slices.Clone(customer), ProjectRead, IncidentRead, PostRead, ComponentRead, WindowRead,
		RootCauseRead, ArticleRead, ActionRead)
	member = append(slices.Clone(stakeholder), AlertRead, PageRead, OnCallRead, PeopleRead, JournalRead,
		ArticleWrite, ActionWrite)
	responder = append(slices.Clone(member), AlertRespond, PageRespond, IncidentRespond, PostDraft, RootCauseWrite)
	manager   = append(slices.Clone(responder), ProjectManage, OnCallManage, IncidentManage, PostApprove,
		ComponentManage, WindowManage, KeyManage)
	administrator = append(slices.Clone(manager), PeopleManage, TokenManage, SettingManage)

	table = map[Role]map[Permission]bool{
		Customer:      set(customer),
		Stakeholder:   set(stakeholder),
		Member:        set(member),
		Responder:     set(responder),
		Manager:       set(manager),
		Administrator: set(administrator),
	}
)

func set(list []Permission) map[Permission]bool {
	m := make(map[Permission]bool, len(list))
	for _, p := range list {
		m[p] = true
	}
	return m
}

// installation holds the permissions over what belongs to no project. A grant for one project never gives them: whoever
// manages people could otherwise make themselves administrator of everything.
var installation = set([]Permission{PeopleManage, TokenManage, SettingManage})

// shared holds the permissions that, over what belongs to no project, count when they are held in any project: a schedule or a
// team serves several projects, and whoever works in one of them may see it.
var shared = set([]Permission{PeopleRead, OnCallRead, IncidentRead, ComponentRead, WindowRead, ArticleRead})

// OfInstallation reports whether the permission is about the whole installation and needs a grant for all projects.
func (p Permission) OfInstallation() bool { return installation[p] }

// Valid reports whether p is one of the permissions.
func (p Permission) Valid() bool { return p == Public || table[Administrator][p] }

// Grant gives a role in one project, or in all. Team names the team through which a person has it, "" when it is their own.
type Grant struct {
	Role    Role   `json:"role"`
	Project string `json:"project,omitempty"` // project id; "" = all projects
	Team    string `json:"team,omitempty"`    // team id
}

// Viewer is whoever makes a request: a person with a session, or a token. The zero Viewer is nobody.
type Viewer struct {
	Actor    mainstay.Actor
	PersonID string // "" for a token
	Name     string // a person's handle, or a token's name
	Grants   []Grant
	Zone     *time.Location // never nil for somebody signed in
	Session  string         // the session's id (never its secret); "" for a token
	Token    bool           // signed in by an API token
	Known    []string       // ids of the private objects that the person may know of by a role in an incident or by having declared it
}

// SignedIn reports whether this is somebody.
func (v Viewer) SignedIn() bool { return v.Actor.ID != "" }

// Location is the zone in which to show times: the viewer's own, else UTC.
func (v Viewer) Location() *time.Location {
	if v.Zone == nil {
		return time.UTC
	}
	return v.Zone
}

// May reports whether the viewer holds the permission in the project (its id; "" or mainstay.Installation for what belongs to
// no project). What belongs to no project needs a grant for all projects, except for reading what projects share.
func (v Viewer) May(p Permission, project string) bool {
	if project == mainstay.Installation {
		project = ""
	}
	switch {
	case p == Public:
		return true
	case !v.SignedIn():
		return false
	case p == Self:
		return true
	}
	anyProject := project == "" && shared[p]
	for _, g := range v.Grants {
		if !g.Role.May(p) {
			continue
		}
		if g.Project == "" || anyProject || !installation[p] && g.Project == project {
			return true
		}
	}
	return false
}

// MayAny reports whether the viewer holds the permission in at least one project; permissions over the installation still need
// a grant for all projects.
func (v Viewer) MayAny(p Permission) bool {
	if v.May(p, "") {
		return true
	}
	if !v.SignedIn() || installation[p] {
		return false
	}
	return slices.ContainsFunc(v.Grants, func(g Grant) bool { return g.Role.May(p) })
}

// Sees reports whether the viewer may know of an object, given its id, its project and whether it is private. A private incident
// and what hangs on it are known only to those who manage incidents in its project, those with a role in it, and whoever declared
// it. It says nothing about the permission to read objects of that kind.
func (v Viewer) Sees(id, project string, private bool) bool {
	return !private || v.May(IncidentManage, project) || v.SignedIn() && slices.Contains(v.Known, id)
}

// Private says which private objects the viewer may know of: all, or those in the projects and those with the ids. Lists filter
// with it, by the rule of Sees.
func (v Viewer) Private() (all bool, projects, known []string) {
	if all, projects = v.Projects(IncidentManage); all || !v.SignedIn() {
		return all, nil, nil
	}
	return false, projects, v.Known
}

// Projects says in which projects the viewer holds the permission: all of them, or the ids in ascending order.
// Lists filter with it.
func (v Viewer) Projects(p Permission) (all bool, ids []string) {
	if !v.SignedIn() {
		return false, nil
	}
	for _, g := range v.Grants {
		if !g.Role.May(p) {
			continue
		}
		if g.Project == "" {
			return true, nil
		}
		if !installation[p] {
			ids = append(ids, g.Project)
		}
	}
	slices.Sort(ids)
	return false, slices.Compact(ids)
}
