package peopleweb

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Exporter writes everything that is held on a person as one zip; app does.
type Exporter interface {
	ExportPerson(ctx context.Context, actor mainstay.Actor, person string, w io.Writer) error
}

func (p *Pages) leavingRoutes(rt *web.Router) {
	add := func(method, pattern string, perm access.Permission, kind mainstay.Kind, h func(*web.Ctx) error) {
		rt.Handle(web.Route{Method: method, Pattern: pattern, Permission: perm, Kind: kind}, h)
	}
	add("GET", "/people/{id}/deactivate", access.PeopleManage, mainstay.KindPerson, p.leaving)
	add("POST", "/people/{id}/deactivate", access.PeopleManage, mainstay.KindPerson, p.leave)
	add("GET", "/people/{id}/handover", access.PeopleManage, mainstay.KindPerson, p.leaving)
	add("POST", "/people/{id}/handover", access.PeopleManage, mainstay.KindPerson, p.leave)
	add("GET", "/people/{id}/erase", access.PeopleManage, mainstay.KindPerson, p.erasing)
	add("POST", "/people/{id}/erase", access.PeopleManage, mainstay.KindPerson, p.erase)
	add("GET", "/people/{id}/export", access.PeopleManage, mainstay.KindPerson, func(c *web.Ctx) error { return p.export(c, c.Ref.ID) })
	add("GET", "/me/export", access.Self, "", func(c *web.Ctx) error {
		x, err := p.self(c.Context(), c.Viewer)
		if err != nil {
			return err
		}
		return p.export(c, x.ID)
	})
	add("GET", "/admin/personal-data", access.PeopleManage, "", p.personalData)
	p.leavingAPI(rt)
}

// leavingForm shows what a person holds, and asks who takes it over.
type leavingForm struct {
	Person    people.Person
	At        string // path of the person's page
	Going     bool   // they are deactivated by it; else they stay, or have gone
	Groups    []people.HeldGroup
	All       string            // handle of the successor for everything
	Each      map[string]string // by group
	Faults    map[string]string
	Teammates []string // handles that are offered
}

func (p *Pages) leavingForm(c *web.Ctx) (leavingForm, error) {
	x, err := p.people.ByID(c.Context(), c.Ref.ID)
	if err != nil {
		return leavingForm{}, err
	}
	f := leavingForm{Person: x, At: "/people/" + x.Name, Going: x.Active() && c.R.URL.Path == "/people/"+c.Path("id")+"/deactivate", Each: map[string]string{}}
	if f.Groups, err = p.people.Held(c.Context(), x.ID); err != nil {
		return f, err
	}
	f.Teammates, err = p.teammates(c.Context(), x)
	return f, err
}

// teammates are offered as successors: those of the person's teams, else the first of all.
func (p *Pages) teammates(ctx context.Context, x people.Person) ([]string, error) {
	teams, _, err := p.people.Teams(ctx, people.TeamQuery{Person: x.ID, Limit: 20})
	if err != nil {
		return nil, err
	}
	names := []string{}
	seen := map[string]bool{x.Name: true}
	for _, t := range teams {
		for _, m := range t.Members {
			if m.Active && !seen[m.Name] {
				seen[m.Name] = true
				names = append(names, m.Name)
			}
		}
	}
	if len(names) > 0 {
		return names, nil
	}
	list, _, err := p.people.List(ctx, people.Query{Limit: 50})
	for _, o := range list {
		if !seen[o.Name] {
			names = append(names, o.Name)
		}
	}
	return names, err
}

func (f leavingForm) show(c *web.Ctx, status int) error {
	title := "Hand over what " + f.Person.FullName + " holds"
	if f.Going {
		title = "Deactivate " + f.Person.FullName
	}
	return c.Render(web.Page{
		Title: title, Nav: "admin", Status: status,
		Crumbs: []web.Crumb{{Text: "People", URL: "/people"}, {Text: f.Person.FullName, URL: f.At}, {Text: "Hand over"}},
	}, leavingPage(title, f))
}

func (p *Pages) leaving(c *web.Ctx) error {
	f, err := p.leavingForm(c)
	if err != nil {
		return err
	}
	return f.show(c, 200)
}

// successors turns handles into ids; the faults bear the names of the form's fields.
func (p *Pages) successors(ctx context.Context, all string, each map[string]string) (people.Successors, error) {
	to := people.Successors{Groups: map[string]string{}}
	var faults mainstay.Faults
	find := func(field, name string) (string, error) {
		x, err := p.people.ByName(ctx, name)
		if mainstay.Is(err, mainstay.NotFound) {
			faults.Add(field, "There is no person %q.", name)
			return "", nil
		}
		return x.ID, err
	}
	var err error
	if all != "" {
		if to.All, err = find("successor", all); err != nil {
			return to, err
		}
	}
	for group, name := range each {
		if name == "" {
			continue
		}
		if to.Groups[group], err = find("successor-"+group, name); err != nil {
			return to, err
		}
	}
	return to, faults.Err()
}

func (p *Pages) leave(c *web.Ctx) error {
	f, err := p.leavingForm(c)
	if err != nil {
		return err
	}
	f.All = c.Form("successor")
	for _, g := range f.Groups {
		f.Each[g.Name] = c.Form("successor-" + g.Name)
	}
	to, err := p.successors(c.Context(), f.All, f.Each)
	if err == nil {
		if f.Going {
			err = p.people.Deactivate(c.Context(), c.Actor(), f.Person.ID, to)
		} else {
			var n int
			if n, err = p.people.HandOver(c.Context(), c.Actor(), f.Person.ID, to); err == nil && n == 0 {
				err = mainstay.Faults{"successor": "Say who takes over."}.Err()
			}
		}
	}
	if mainstay.Is(err, mainstay.Conflict) {
		f.Faults = map[string]string{"": mainstay.ErrorMessage(err)}
		return f.show(c, web.Status(err))
	}
	if f.Faults = mainstay.ErrorFields(err); f.Faults != nil {
		return f.show(c, 422)
	}
	if err != nil {
		return err
	}
	if f.Going {
		c.Offer("Undo", f.At+"/activate", "%s can no longer sign in or be paged. Every session has ended. What was handed over stays with whoever has it.", f.Person.FullName)
	} else {
		c.Say("Handed over.")
	}
	return c.See(f.At)
}

func (p *Pages) activate(c *web.Ctx) error {
	x, err := p.people.ByID(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	if err := p.people.Activate(c.Context(), c.Actor(), x.ID); err != nil {
		return err
	}
	c.Say("%s may sign in and be paged again.", x.FullName)
	return c.See("/people/" + x.Name)
}

// erasingForm asks why, and says what goes and what stays.
type erasingForm struct {
	Person people.Person
	At     string
	Kept   []people.Kept
	Held   int
	Reason string
	Typed  string // the handle, typed to confirm
	Faults map[string]string
}

func (p *Pages) erasingForm(c *web.Ctx) (erasingForm, error) {
	x, err := p.people.ByID(c.Context(), c.Ref.ID)
	if err != nil {
		return erasingForm{}, err
	}
	f := erasingForm{Person: x, At: "/people/" + x.Name, Kept: p.people.Keepers()}
	groups, err := p.people.Held(c.Context(), x.ID)
	for _, g := range groups {
		f.Held += len(g.Items)
	}
	return f, err
}

func (f erasingForm) show(c *web.Ctx, status int) error {
	return c.Render(web.Page{
		Title: "Erase personal data", Nav: "admin", Status: status,
		Crumbs: []web.Crumb{{Text: "People", URL: "/people"}, {Text: f.Person.FullName, URL: f.At}, {Text: "Erase"}},
	}, erasingPage(f))
}

func (p *Pages) erasing(c *web.Ctx) error {
	f, err := p.erasingForm(c)
	if err != nil {
		return err
	}
	return f.show(c, 200)
}

func (p *Pages) erase(c *web.Ctx) error {
	f, err := p.erasingForm(c)
	if err != nil {
		return err
	}
	f.Reason, f.Typed = c.Form("reason"), c.Form("typed")
	var e people.Erasure
	if f.Typed != f.Person.Name {
		err = mainstay.Faults{"typed": fmt.Sprintf("Type %s: this cannot be undone.", f.Person.Name)}.Err()
	} else {
		e, err = p.people.Erase(c.Context(), c.Actor(), f.Person.ID, f.Reason)
	}
	if mainstay.Is(err, mainstay.Conflict) || mainstay.Is(err, mainstay.Unavailable) {
		f.Faults = map[string]string{"": mainstay.ErrorMessage(err)}
		return f.show(c, web.Status(err))
	}
	if f.Faults = mainstay.ErrorFields(err); f.Faults != nil {
		return f.show(c, 422)
	}
	if err != nil {
		return err
	}
	c.Say("The personal data is erased. The journal forgets it in the background; history reads %s.", e.Pseudonym)
	return c.See("/admin/personal-data")
}

// export streams the zip. A fault in the midst of it breaks the connection, so that nobody takes half of it for the whole.
func (p *Pages) export(c *web.Ctx, person string) error {
	if p.exporter == nil {
		return mainstay.Errorf(mainstay.Unavailable, "Nothing is exported here.")
	}
	x, err := p.people.ByID(c.Context(), person)
	if err != nil {
		return err
	}
	h := c.W.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="mainstay-%s-%s.zip"`, x.Name, c.Now.UTC().Format("2006-01-02")))
	h.Set("Cache-Control", "no-store")
	w := &counted{w: c.W}
	if err := p.exporter.ExportPerson(c.Context(), c.Actor(), person, w); err != nil {
		if w.n == 0 {
			h.Del("Content-Disposition")
			return err
		}
		panic(http.ErrAbortHandler)
	}
	return nil
}

type counted struct {
	w io.Writer
	n int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// dataView lists erasures, and what is held of persons at all.
type dataView struct {
	Kept     []people.Kept
	Erasures []erasureRow
	Unowned  []unownedRow
}

type erasureRow struct {
	people.Erasure
	URL   string
	State ui.State
}

// unownedRow is a person who is gone and still holds something.
type unownedRow struct {
	Person ui.PersonView
	N      int
	URL    string
}

func (p *Pages) personalData(c *web.Ctx) error {
	v := dataView{Kept: p.people.Keepers()}
	list, err := p.people.Erasures(c.Context())
	if err != nil {
		return err
	}
	for i := len(list) - 1; i >= 0 && len(v.Erasures) < 200; i-- {
		r := erasureRow{Erasure: list[i], URL: "/people/" + list[i].Pseudonym, State: ui.Good("done")}
		if r.DoneAt.IsZero() {
			r.State = ui.Info("the journal is forgetting").As("half")
		}
		v.Erasures = append(v.Erasures, r)
	}
	if v.Unowned, err = p.unowned(c.Context()); err != nil {
		return err
	}
	return c.Render(web.Page{Title: "Personal data", Nav: "admin", Crumbs: []web.Crumb{{Text: "Admin", URL: "/admin"}, {Text: "Personal data"}}}, dataPage(v))
}

// unowned lists persons who are deactivated and still hold something; the first 200 who are.
func (p *Pages) unowned(ctx context.Context) ([]unownedRow, error) {
	var rows []unownedRow
	asked := 0
	for after, more := "", true; more && asked < 200; more = after != "" {
		list, next, err := p.people.List(ctx, people.Query{Deactivated: true, After: after, Limit: 500})
		if err != nil {
			return nil, err
		}
		for _, x := range list {
			if x.Active() || asked >= 200 {
				continue
			}
			asked++
			groups, err := p.people.Held(ctx, x.ID)
			if err != nil {
				return nil, err
			}
			n := 0
			for _, g := range groups {
				n += len(g.Items)
			}
			if n > 0 {
				rows = append(rows, unownedRow{ui.PersonView{Name: x.FullName, Note: x.Name, URL: "/people/" + x.Name, Away: true}, n, "/people/" + x.Name + "/handover"})
			}
		}
		after = next
	}
	return rows, nil
}

// Held is one thing that a person holds, as the API shows it.
type Held struct {
	Group   string       `json:"group"`
	Subject mainstay.Ref `json:"subject"`
	Title   string       `json:"title"`
	URL     string       `json:"url"`
}

// Leaving says who takes over; names of persons.
type Leaving struct {
	Successor  string            `json:"successor,omitempty" doc:"Takes over everything that no other is named for"`
	Successors map[string]string `json:"successors,omitempty" doc:"By group, such as schedules or actions; an empty name leaves it without an owner"`
}

type leavingInput struct {
	ID   string `path:"id" doc:"The id or the name"`
	Body Leaving
}

// Erasing says why data is erased.
type Erasing struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"It stays in the journal: name nobody"`
}

type erasingInput struct {
	ID   string `path:"id" doc:"The id or the name"`
	Body Erasing
}

func (p *Pages) leavingAPI(rt *web.Router) {
	route := func(method, pattern string) web.Route {
		return web.Route{Method: method, Pattern: pattern, Permission: access.PeopleManage, Kind: mainstay.KindPerson}
	}
	web.API(rt, route("GET", "/people/{id}/holdings"), web.Doc{Summary: "What a person holds from now on", Tag: "people"}, p.holdingsAPI)
	web.API(rt, route("POST", "/people/{id}/handover"), web.Doc{Summary: "Give what a person holds to others", Tag: "people"}, p.handoverAPI)
	web.API(rt, route("POST", "/people/{id}/deactivate"),
		web.Doc{Summary: "Deactivate a person, and hand over what they hold", Tag: "people"}, p.deactivateAPI)
	web.API(rt, route("POST", "/people/{id}/activate"), web.Doc{Summary: "Let a person sign in and be paged again", Tag: "people"}, p.activateAPI)
	web.API(rt, route("POST", "/people/{id}/erase"), web.Doc{Summary: "Erase the personal data of a deactivated person; it cannot be undone", Tag: "people"}, p.eraseAPI)
	web.API(rt, web.Route{Method: "GET", Pattern: "/erasures", Permission: access.PeopleManage},
		web.Doc{Summary: "Whose data was erased, newest first", Tag: "people"}, p.erasuresAPI)
	rt.Raw(web.Route{Method: "GET", Pattern: "/api/v1/people/{id}/export", Permission: access.PeopleManage, Kind: mainstay.KindPerson}, http.HandlerFunc(p.exportAPI))
}

// exportAPI streams the zip to whoever has a token.
func (p *Pages) exportAPI(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Cache-Control", "no-store")
	ctx := r.Context()
	if p.exporter == nil || p.exporter.ExportPerson(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID, w) != nil {
		panic(http.ErrAbortHandler)
	}
}

func (p *Pages) holdingsAPI(ctx context.Context, _ *byID) (*web.Out[web.List[Held]], error) {
	groups, err := p.people.Held(ctx, web.RefFrom(ctx).ID)
	out := &web.Out[web.List[Held]]{Body: web.List[Held]{Items: []Held{}}}
	for _, g := range groups {
		for _, h := range g.Items {
			out.Body.Items = append(out.Body.Items, Held{g.Name, h.Ref, h.Title, h.URL})
		}
	}
	return out, err
}

func (p *Pages) handoverAPI(ctx context.Context, in *leavingInput) (*web.Out[web.List[Held]], error) {
	to, err := p.successors(ctx, in.Body.Successor, in.Body.Successors)
	if err != nil {
		return nil, err
	}
	if _, err := p.people.HandOver(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID, to); err != nil {
		return nil, err
	}
	return p.holdingsAPI(ctx, nil)
}

func (p *Pages) deactivateAPI(ctx context.Context, in *leavingInput) (*web.Out[Person], error) {
	to, err := p.successors(ctx, in.Body.Successor, in.Body.Successors)
	if err != nil {
		return nil, err
	}
	if err := p.people.Deactivate(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID, to); err != nil {
		return nil, err
	}
	return p.personAPI(ctx, nil)
}

func (p *Pages) activateAPI(ctx context.Context, _ *byID) (*web.Out[Person], error) {
	if err := p.people.Activate(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID); err != nil {
		return nil, err
	}
	return p.personAPI(ctx, nil)
}

func (p *Pages) eraseAPI(ctx context.Context, in *erasingInput) (*web.Out[people.Erasure], error) {
	e, err := p.people.Erase(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID, in.Body.Reason)
	return &web.Out[people.Erasure]{Body: e}, err
}

func (p *Pages) erasuresAPI(ctx context.Context, _ *struct{}) (*web.Out[web.List[people.Erasure]], error) {
	list, err := p.people.Erasures(ctx)
	out := web.List[people.Erasure]{Items: []people.Erasure{}}
	for i := len(list) - 1; i >= 0 && len(out.Items) < 1000; i-- {
		out.Items = append(out.Items, list[i])
	}
	return &web.Out[web.List[people.Erasure]]{Body: out}, err
}
