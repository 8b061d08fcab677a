package incidentweb

import (
	"net/url"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// rowView is an incident in a list.
type rowView struct {
	Key, Title, URL, Severity string
	State                     ui.State
	Private                   bool
	Since, Ended              time.Time
	Commander, Services       string
	Next                      string
	Due                       time.Time
	Burning                   bool
	People                    int
}

func row(i incident.Incident, n names) rowView {
	r := rowView{
		Key: i.Key(), Title: i.Title, URL: "/incidents/" + i.Key(), Severity: string(i.Severity), State: state(i), Private: i.Private,
		Since: i.StartedAt(), Ended: i.ResolvedAt, Commander: n.person(i.Holder(incident.Commander)), Services: strings.Join(n.touched(i), ", "),
		Burning: i.State == incident.Open && (i.Severity == mainstay.Sev1 || i.Severity == mainstay.Sev2),
	}
	seen := map[string]bool{}
	for _, x := range i.Roles {
		if x.Person != "" && !seen[x.Person] {
			seen[x.Person] = true
			r.People++
		}
	}
	if s, ok := i.Current(); ok && i.State == incident.Open {
		r.Next, r.Due = s.Title, s.Due
	}
	return r
}

// listView is the list of incidents.
type listView struct {
	Tabs       []ui.Tab
	Rows       []rowView
	Next       string
	MayDeclare bool
	MayPosts   bool
	Severities []ui.Tab
	Filtered   bool
}

// The views of the list by the word in the address.
var shows = []struct {
	word, text string
	states     []incident.State
}{
	{"", "All", nil},
	{"open", "Open", []incident.State{incident.Open}},
	{"resolved", "Resolved", []incident.State{incident.Resolved}},
	{"closed", "Closed", []incident.State{incident.Closed}},
}

func (p *Pages) list(c *web.Ctx) error {
	v := listView{MayDeclare: c.May(access.IncidentRespond), MayPosts: c.Viewer.MayAny(access.PostRead)}
	show, severity := c.Query("show"), c.Query("severity")
	q := query(c.Viewer)
	q.Cursor, q.Limit = c.Query("cursor"), 50
	if s := mainstay.Severity(severity); s.Valid() {
		q.Severity = s
	}
	for _, s := range shows {
		if s.word == show {
			q.States = s.states
		}
		v.Tabs = append(v.Tabs, ui.Tab{Text: s.text, URL: "/incidents" + params(s.word, severity, ""), Here: s.word == show})
	}
	v.Severities = []ui.Tab{{Text: "every severity", URL: "/incidents" + params(show, "", ""), Here: q.Severity == ""}}
	for _, s := range mainstay.Severities() {
		v.Severities = append(v.Severities, ui.Tab{Text: string(s), URL: "/incidents" + params(show, string(s), ""), Here: s == q.Severity})
	}
	v.Filtered = q.States != nil || q.Severity != "" || q.Cursor != ""
	page, err := p.cfg.Incidents.List(c.Context(), q)
	if err != nil {
		return err
	}
	list := page.Items
	if !v.Filtered { // the first page of all: what is open stands first, whatever its age
		if list, err = p.openFirst(c, q, list); err != nil {
			return err
		}
	}
	n, err := p.names(c.Context(), list...)
	if err != nil {
		return err
	}
	for _, i := range list {
		v.Rows = append(v.Rows, row(i, n))
	}
	if page.Next != "" {
		v.Next = "/incidents" + params(show, severity, page.Next)
	}
	return c.Render(web.Page{Title: "Incidents", Nav: "incidents", Crumbs: []web.Crumb{{Text: "Incidents"}}}, listPage(v))
}

// openFirst puts the open incidents before the others.
func (p *Pages) openFirst(c *web.Ctx, q incident.Query, list []incident.Incident) ([]incident.Incident, error) {
	q.States, q.Limit = []incident.State{incident.Open}, 100
	open, err := p.cfg.Incidents.List(c.Context(), q)
	if err != nil {
		return nil, err
	}
	worst(open.Items)
	out := open.Items
	for _, i := range list {
		if i.State != incident.Open {
			out = append(out, i)
		}
	}
	return out, nil
}

func params(show, severity, cursor string) string {
	q := url.Values{}
	for name, v := range map[string]string{"show": show, "severity": severity, "cursor": cursor} {
		if v != "" {
			q.Set(name, v)
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}
