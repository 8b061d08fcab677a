package incidentweb

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/object"
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
	List       ui.Listing
	Rows       []rowView
	MayDeclare bool
	MayPosts   bool
	Filtered   bool
}

// listSpec says by what incidents are narrowed.
func (p *Pages) listSpec(c *web.Ctx) (web.ListSpec, error) {
	s := web.ListSpec{
		Name: "incidents", Label: "Incidents by state", Path: "/incidents",
		Tab: web.Filter{Name: "show", Options: []ui.Option{{Value: "all", Text: "All"}, {Value: "open", Text: "Open"}, {Value: "resolved", Text: "Resolved"}, {Value: "closed", Text: "Closed"}}},
	}
	s.Filters = append(c.ProjectFilter(access.IncidentRead), web.Filter{Name: "severity", Label: "Severity", Options: web.SeverityOptions()})
	services, err := p.cfg.Projects.Services(c.Context(), "")
	if err != nil {
		return s, err
	}
	options := []ui.Option{{Value: "", Text: "every service"}}
	for _, x := range services {
		if c.Viewer.May(access.IncidentRead, x.Project) && len(options) < 300 {
			options = append(options, ui.Option{Value: x.ID, Text: x.Title()})
		}
	}
	if len(options) > 2 {
		s.Filters = append(s.Filters, web.Filter{Name: "service", Label: "Service", Options: options})
	}
	s.Filters = append(s.Filters,
		web.Filter{Name: "who", Label: "Who", Options: []ui.Option{{Value: "", Text: "anybody"}, {Value: "me", Text: "I have a role"}}},
		web.Filter{Name: "from", Label: "From", Type: "date"}, web.Filter{Name: "until", Label: "Until", Type: "date"},
		web.Filter{Name: "q", Label: "Title", Type: "search", Placeholder: "words"})
	if c.Viewer.MayAny(access.IncidentRespond) {
		s.Bulk = "/incidents/bulk"
		s.Acts = []ui.BulkAct{
			{Word: "command", Label: "Take command"},
			{Word: "close", Label: "Close", Key: "C"},
		}
	}
	return s, nil
}

// listQuery is what the list asks for.
func listQuery(c *web.Ctx, l *web.Listing) (incident.Query, error) {
	q := query(c.Viewer)
	var err error
	if q.Projects, err = l.Within(access.IncidentRead); err != nil {
		return q, err
	}
	q.Cursor, q.Limit = l.Cursor(), l.Size()
	if st := incident.State(l.Value("show")); st.Valid() {
		q.States = []incident.State{st}
	}
	q.Severity, q.Service, q.Text = mainstay.Severity(l.Value("severity")), l.Value("service"), l.Value("q")
	if l.Value("who") == "me" {
		q.Holder = c.Viewer.PersonID
	}
	q.From = l.Day("from")
	if q.Until = l.Day("until"); !q.Until.IsZero() {
		q.Until = q.Until.AddDate(0, 0, 1) // that day too
	}
	return q, nil
}

func (p *Pages) list(c *web.Ctx) error {
	spec, err := p.listSpec(c)
	if err != nil {
		return err
	}
	l, err := c.List(spec)
	if err != nil {
		return err
	}
	q, err := listQuery(c, l)
	if err != nil {
		return err
	}
	page, err := p.cfg.Incidents.List(c.Context(), q)
	if err != nil {
		return err
	}
	v := listView{MayDeclare: c.May(access.IncidentRespond), MayPosts: c.Viewer.MayAny(access.PostRead)}
	v.Filtered = l.Filtered() || q.States != nil || q.Cursor != ""
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
	l.Rows(len(v.Rows), page.Next, 0)
	v.List = l.View()
	return c.Render(web.Page{Title: "Incidents", Nav: "incidents", Status: l.Status(), Crumbs: []web.Crumb{{Text: "Incidents"}}}, listPage(v))
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

// bulk is what can be done to many incidents at once.
func (p *Pages) bulk(rt *web.Router) {
	rt.Bulk(web.Bulk{
		Pattern: "/incidents/bulk", Kind: mainstay.KindIncident, Permission: access.IncidentRespond, Back: "/incidents",
		Words:    map[string]string{"close": "closed", "command": "commanded by you"},
		Matching: p.matching,
		Acts: map[string]func(*web.Ctx, object.Object) (web.Did, error){
			"close": func(c *web.Ctx, o object.Object) (web.Did, error) {
				i, err := p.cfg.Incidents.Close(c.Context(), c.Actor(), o.Ref.ID)
				return web.Did{Said: i.Key() + " is closed.", Undo: &web.Inverse{Act: "incident.unclose", Version: i.Version + 1}}, err
			},
			"command": p.command1,
		},
	})
	rt.Undoes("incident.unclose", access.IncidentRespond, func(c *web.Ctx, o object.Object, was web.Inverse) (web.Did, error) {
		i, err := p.cfg.Incidents.Unclose(c.Context(), c.Actor(), o.Ref.ID, was.Version)
		return web.Did{Said: i.Key() + " is resolved, and not closed."}, err
	})
	rt.Undoes("incident.commander", access.IncidentRespond, func(c *web.Ctx, o object.Object, was web.Inverse) (web.Did, error) {
		i, err := p.cfg.Incidents.Incident(c.Context(), o.Ref.ID)
		if err == nil && i.Version != was.Version {
			err = mainstay.Errorf(mainstay.Conflict, "%s has changed since; the command was not handed back.", i.Key())
		}
		if err == nil {
			_, err = p.cfg.Incidents.Assign(c.Context(), c.Actor(), o.Ref.ID, incident.Commander, was.Before)
		}
		return web.Did{Said: o.Key() + " is commanded as before."}, err
	})
}

// command1 makes the viewer the commander of one incident.
func (p *Pages) command1(c *web.Ctx, o object.Object) (web.Did, error) {
	before, err := p.cfg.Incidents.Incident(c.Context(), o.Ref.ID)
	if err != nil {
		return web.Did{}, err
	}
	if c.Viewer.PersonID == "" || before.Holder(incident.Commander) == c.Viewer.PersonID {
		return web.Did{Idle: true, Said: "You command " + o.Key() + " already."}, nil
	}
	i, err := p.cfg.Incidents.Assign(c.Context(), c.Actor(), o.Ref.ID, incident.Commander, c.Viewer.PersonID)
	return web.Did{Said: "You command " + o.Key() + ".", Undo: &web.Inverse{Act: "incident.commander", Version: i.Version + 1, Before: before.Holder(incident.Commander)}}, err
}

// matching lists the incidents that a list's query selects.
func (p *Pages) matching(c *web.Ctx, query url.Values, most int) ([]string, error) {
	spec, err := p.listSpec(c)
	if err != nil {
		return nil, err
	}
	l := c.Listing(spec, query)
	q, err := listQuery(c, l)
	if err != nil {
		return nil, err
	}
	q.Cursor, q.Limit = "", most
	page, err := p.cfg.Incidents.List(c.Context(), q)
	keys := []string{}
	for _, i := range page.Items {
		keys = append(keys, i.Key())
	}
	return slices.Clip(keys), err
}
