package demo

import (
	"fmt"
	"strings"
	"time"
)

// person is somebody of the demonstration, with their role in each project.
type person struct {
	name, full, zone string
	roles            map[string]string
	pages, chat      bool
}

var everybody = []person{
	{"ana", "Ana Ruiz", "Europe/Berlin", map[string]string{"": "administrator"}, true, true},
	{"samir", "Samir Haddad", "Europe/Berlin", map[string]string{"harbour": "responder", "lighthouse": "responder"}, true, false},
	{"ines", "Ines Okafor", "Europe/Lisbon", map[string]string{"harbour": "manager", "lighthouse": "manager"}, false, false},
	{"tomasz", "Tomasz Bielak", "Europe/Warsaw", map[string]string{"harbour": "responder"}, true, false},
	{"lena", "Lena Vogt", "Europe/Berlin", map[string]string{"harbour": "stakeholder", "lighthouse": "stakeholder"}, false, false},
	{"jonas", "Jonas Weber", "Europe/Berlin", map[string]string{"lighthouse": "responder"}, true, false},
	{"mira", "Mira Lindqvist", "Europe/Stockholm", map[string]string{"lighthouse": "responder"}, true, false},
	{"farid", "Farid Amari", "Europe/Paris", map[string]string{"lighthouse": "responder"}, true, false},
}

// teams are applied with the people.
const teams = `---
apiVersion: mainstay/v1
kind: Team
metadata: {name: support}
spec: {title: Support, members: [ana, samir], leads: [ines]}
---
apiVersion: mainstay/v1
kind: Team
metadata: {name: developers}
spec: {title: Developers, members: [tomasz]}
---
apiVersion: mainstay/v1
kind: Team
metadata: {name: crew}
spec: {title: "Crew of Lighthouse", members: [jonas, mira, farid], leads: [ines]}
`

// peopleWith are the manifests of everybody with their roles in these projects; chat is where Ana's chat takes messages.
func peopleWith(chat string, projects ...string) string {
	var b strings.Builder
	for _, p := range everybody {
		fmt.Fprintf(&b, "---\napiVersion: mainstay/v1\nkind: Person\nmetadata: {name: %s}\nspec:\n  fullName: %s\n  email: %s@harbour.example\n  zone: %s\n",
			p.name, p.full, p.name, p.zone)
		if p.pages {
			fmt.Fprintf(&b, "  contacts:\n  - {type: email, address: %s@harbour.example, pages: true}\n", p.name)
		}
		if p.chat {
			fmt.Fprintf(&b, "  - {type: webhook, address: %q, pages: true}\n", chat)
		}
		var roles []string
		if r := p.roles[""]; r != "" {
			roles = append(roles, "{role: "+r+"}")
		}
		for _, project := range projects {
			if r := p.roles[project]; r != "" {
				roles = append(roles, "{role: "+r+", project: "+project+"}")
			}
		}
		if len(roles) > 0 {
			fmt.Fprintf(&b, "  roles: [%s]\n", strings.Join(roles, ", "))
		}
	}
	return b.String()
}

// rota orders two people on a weekly rotation so that the first has the turn at t. Turns count from Monday, 1 January 2024, and
// change at nine.
func rota(t time.Time, zone *time.Location, first, second string) string {
	begin := time.Date(2024, 1, 1, 9, 0, 0, 0, zone)
	days := int(t.In(zone).Sub(begin).Hours()+1) / 24 // an hour of summer time changes no day
	if days/7%2 == 0 {
		return first + ", " + second
	}
	return second + ", " + first
}
