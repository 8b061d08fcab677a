package access

import "github.com/mainstayhq/mainstay"

// Title is what a permission allows, as it reads after "may".
func (p Permission) Title() string {
	if t := permissionTitles[p]; t != "" {
		return t
	}
	return string(p)
}

var permissionTitles = map[Permission]string{
	Public: "see what is public", Self: "sign in and keep their own data",
	ProjectRead: "see the project", ProjectManage: "change the project and its services",
	AlertRead: "see alerts", AlertRespond: "take, silence and close alerts",
	PageRead: "see pages", PageRespond: "acknowledge and escalate pages",
	OnCallRead: "see schedules and policies", OnCallManage: "change schedules and policies",
	IncidentRead: "see incidents", IncidentRespond: "declare and handle incidents", IncidentManage: "write incident plans, and see private incidents",
	PostRead: "see drafts of public updates", PostDraft: "draft public updates", PostApprove: "approve and publish updates",
	ComponentRead: "see components", ComponentManage: "change components and the status page",
	WindowRead: "see maintenance", WindowManage: "plan maintenance",
	RootCauseRead: "read root cause analyses", RootCauseWrite: "write root cause analyses",
	ArticleRead: "read articles", ArticleWrite: "write articles",
	ActionRead: "see actions", ActionWrite: "take on and change actions",
	PeopleRead: "see people and teams", PeopleManage: "add and deactivate people, and give roles",
	KeyManage: "make intake keys", TokenManage: "make API tokens", JournalRead: "read the journal and the audit", SettingManage: "change settings",
}

// Permissions lists all permissions that roles bundle, in the order of the table: what a stakeholder holds first.
func Permissions() []Permission {
	seen := map[Permission]bool{}
	var all []Permission
	for _, list := range [][]Permission{customer, stakeholder, member, responder, manager, administrator} {
		for _, p := range list {
			if !seen[p] {
				seen[p] = true
				all = append(all, p)
			}
		}
	}
	return all
}

// Why lists the grants by which the permission is held in the project, "" for what belongs to none; by the rule of Viewer.May.
func Why(grants []Grant, p Permission, project string) []Grant {
	if project == mainstay.Installation {
		project = ""
	}
	var why []Grant
	for _, g := range grants {
		one := Viewer{Actor: mainstay.Person("somebody"), Grants: []Grant{g}}
		if g.Role.May(p) && one.May(p, project) {
			why = append(why, g)
		}
	}
	return why
}
