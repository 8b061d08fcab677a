package incidentweb

import (
	"maps"
	"strconv"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/web"
)

// doing is one form on the page of an incident. It returns what to say afterwards; a fault shows the page again with what was
// typed.
type doing struct {
	form string // the form's name, to show faults where they belong
	back string // anchor to return to
	do   func(c *web.Ctx, i incident.Incident) (says string, err error)
}

// command makes a handler of a form.
func (p *Pages) command(d doing) func(c *web.Ctx) error {
	return func(c *web.Ctx) error {
		i, err := p.see(c.Context(), c.Viewer, c.Ref.ID)
		if err != nil {
			return err
		}
		says, err := d.do(c, i)
		if faults := mainstay.ErrorFields(err); faults != nil {
			return p.again(c, i, d.form, faults)
		}
		if err != nil {
			return err
		}
		if says != "" {
			c.Say("%s", says)
		}
		return c.See("/incidents/" + i.Key() + d.back)
	}
}

// commands are the forms by the end of their path.
func (p *Pages) commands() map[string]doing {
	all := p.working()
	maps.Copy(all, p.ending())
	return all
}

// working are the forms while an incident goes on.
func (p *Pages) working() map[string]doing {
	s := p.cfg.Incidents
	return map[string]doing{
		"/steps/{number}/done": {"step", "#plan", func(c *web.Ctx, i incident.Incident) (string, error) {
			_, err := s.FinishStep(c.Context(), c.Actor(), i.ID, number(c))
			return "", err
		}},
		"/steps/{number}/skip": {"skip", "#plan", func(c *web.Ctx, i incident.Incident) (string, error) {
			_, err := s.SkipStep(c.Context(), c.Actor(), i.ID, number(c), c.Form("reason"))
			return "", err
		}},
		"/notes": {"note", "#timeline", func(c *web.Ctx, i incident.Incident) (string, error) {
			at, err := moment("at", c.Form("at"), c.Viewer.Location())
			if err != nil {
				return "", err
			}
			_, err = s.AddNote(c.Context(), c.Actor(), i.ID, c.Form("kind"), c.Form("text"), at)
			return "", err
		}},
		"/phases": {"phase", "", func(c *web.Ctx, i incident.Incident) (string, error) {
			at, err := moment("at", c.Form("reached"), c.Viewer.Location())
			if err != nil {
				return "", err
			}
			ph := incident.Phase(c.Form("phase"))
			_, err = s.Mark(c.Context(), c.Actor(), i.ID, ph, at)
			return i.Key() + " is marked " + ph.Words() + ".", err
		}},
		"/roles": {"role", "#roles", func(c *web.Ctx, i incident.Incident) (string, error) {
			person := c.Form("person")
			if c.Form("me") != "" {
				person = c.Viewer.PersonID
			}
			_, err := s.Assign(c.Context(), c.Actor(), i.ID, c.Form("role"), person)
			return "", err
		}},
		"/tasks": {"task", "#tasks", func(c *web.Ctx, i incident.Incident) (string, error) {
			_, err := s.AddTask(c.Context(), c.Actor(), i.ID, c.Form("task"), c.Form("owner"))
			return "", err
		}},
		"/tasks/{task}": {"task", "#tasks", func(c *web.Ctx, i incident.Incident) (string, error) {
			_, err := s.DoTask(c.Context(), c.Actor(), i.ID, c.Path("task"), c.Form("done") == "1")
			return "", err
		}},
		"/about": {"about", "", func(c *web.Ctx, i incident.Incident) (string, error) { return "", p.about(c, i) }},
		"/links": {"link", "#touches", func(c *web.Ctx, i incident.Incident) (string, error) { return "", p.link(c, i) }},
	}
}

// ending are the forms with which it ends, or does not.
func (p *Pages) ending() map[string]doing {
	s := p.cfg.Incidents
	return map[string]doing{
		"/resolve": {"resolve", "", func(c *web.Ctx, i incident.Incident) (string, error) {
			at, err := moment("at", c.Form("at"), c.Viewer.Location())
			if err != nil {
				return "", err
			}
			_, err = s.Resolve(c.Context(), c.Actor(), i.ID, at)
			return i.Key() + " is resolved.", err
		}},
		"/reopen": {"reopen", "", func(c *web.Ctx, i incident.Incident) (string, error) {
			_, err := s.Reopen(c.Context(), c.Actor(), i.ID)
			return i.Key() + " is open again.", err
		}},
		"/close": {"close", "", func(c *web.Ctx, i incident.Incident) (string, error) {
			_, err := s.Close(c.Context(), c.Actor(), i.ID)
			return i.Key() + " is closed.", err
		}},
	}
}

// number is the number of the step that the path names; 0, which no step has, when it is none.
func number(c *web.Ctx) int {
	n, err := strconv.Atoi(c.Path("number"))
	if err != nil {
		return 0
	}
	return n
}

// about changes title and severity together.
func (p *Pages) about(c *web.Ctx, i incident.Incident) error {
	if _, err := p.cfg.Incidents.Retitle(c.Context(), c.Actor(), i.ID, c.Form("title")); err != nil {
		return err
	}
	if s := mainstay.Severity(c.Form("severity")); s != i.Severity {
		_, err := p.cfg.Incidents.SetSeverity(c.Context(), c.Actor(), i.ID, s)
		return err
	}
	return nil
}

// link ties the incident to what a number such as ALR-7 names, if the viewer may see that.
func (p *Pages) link(c *web.Ctx, i incident.Incident) error {
	kind, _, ok := mainstay.ParseNumber(c.Form("to"))
	if !ok {
		return fault("to", "Write a number such as ALR-7, PAG-3 or INC-42.")
	}
	o, err := p.cfg.Objects.Find(c.Context(), kind, c.Form("to"), "")
	switch {
	case mainstay.Is(err, mainstay.NotFound), err == nil && !p.maySee(c, o.Ref, o.Project):
		return fault("to", "There is no %s, or you may not see it.", c.Form("to"))
	case err != nil:
		return err
	}
	_, err = p.cfg.Incidents.Link(c.Context(), c.Actor(), i.ID, o.Ref)
	return err
}

// maySee reports whether the viewer may see an object that a form names.
func (p *Pages) maySee(c *web.Ctx, r mainstay.Ref, projectID string) bool {
	if !c.Viewer.May(web.Reads(r.Kind), projectID) {
		return false
	}
	if r.Kind != mainstay.KindIncident {
		return true
	}
	_, err := p.see(c.Context(), c.Viewer, r.ID)
	return err == nil
}

// beforeEnd is the page that says what is left before an incident is resolved.
func (p *Pages) beforeEnd(c *web.Ctx) error {
	i, err := p.see(c.Context(), c.Viewer, c.Ref.ID)
	if err != nil {
		return err
	}
	if i.State != incident.Open {
		return c.See("/incidents/" + i.Key())
	}
	return p.showEnd(c, i, nil)
}

func (p *Pages) showEnd(c *web.Ctx, i incident.Incident, faults map[string]string) error {
	v := endView{Incident: i, Left: i.Left(), At: c.Form("at"), Faults: faults, MayPost: c.May(access.PostDraft) && p.cfg.UpdatePath != "", Update: p.cfg.UpdatePath}
	return c.Render(web.Page{
		Title: "Resolve " + i.Key(), Nav: "incidents", Status: status(faults),
		Crumbs: []web.Crumb{{Text: "Incidents", URL: "/incidents"}, {Text: i.Key(), URL: "/incidents/" + i.Key()}, {Text: "Resolve"}},
	}, endPage(v))
}

// again shows the page with what was typed and what is wrong with it.
func (p *Pages) again(c *web.Ctx, i incident.Incident, form string, faults map[string]string) error {
	if form == "resolve" {
		return p.showEnd(c, i, faults)
	}
	v, err := p.view(c, i)
	if err != nil {
		return err
	}
	v.Failed, v.Faults, v.Typed = form, faults, c.Form
	if form == "skip" {
		v.Failed = "skip" + c.Path("number")
	}
	if form == "role" {
		v.Failed = "role" + c.Form("role")
	}
	return p.show(c, v)
}

func status(faults map[string]string) int {
	if len(faults) > 0 {
		return 422
	}
	return 0
}
