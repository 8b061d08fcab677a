package escalationweb

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

func overrideTitle(v scheduleView) string {
	if v.Manage {
		return "Put somebody on call"
	}
	return "Take the pager"
}

func badges(v pageView) []string {
	list := []string{string(v.Page.Severity)}
	if v.Service != "" {
		list = append(list, v.Service)
	}
	return list
}

// form is what the forms of schedules and policies share. The names of the fields are those of the manifest, so that faults
// find their place.
type form struct {
	Title, Action, Cancel string
	New                   bool
	Name, Project         string
	Projects              []ui.Option
	Faults                map[string]string
	Schedule              escalation.ScheduleSpec
	Policy                escalation.PolicySpec
}

// at is the name of a field of a list's entry.
func at(list string, i int, field string) string { return fmt.Sprintf("%s[%d].%s", list, i, field) }

// words splits what people type as a list.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' || r == ' ' })
}

func textLines(s string) []string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

func every(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// projectOptions are the projects in which the viewer may manage on-call, and the installation for those who may everywhere.
func (p *Pages) projectOptions(c *web.Ctx) ([]ui.Option, error) {
	list, err := p.Projects.Projects(c.Context())
	var out []ui.Option
	for _, v := range list {
		if c.Viewer.May(access.OnCallManage, v.ID) {
			out = append(out, ui.Option{Value: v.ID, Text: v.Title()})
		}
	}
	if c.Viewer.May(access.OnCallManage, "") {
		out = append(out, ui.Option{Value: "", Text: "All projects"})
	}
	return out, err
}

// scheduleOf reads the schedule's form. Layers without anything are left out.
func scheduleOf(c *web.Ctx) escalation.ScheduleSpec {
	s := escalation.ScheduleSpec{Title: c.Form("title"), Zone: c.Form("zone")}
	for i := range 11 {
		f := func(field string) string { return c.Form(at("layers", i, field)) }
		l := escalation.LayerSpec{
			Name: f("name"), Rotation: f("rotation"), Handoff: f("handoff"), Start: f("start"),
			Participants: words(f("participants")), Restrictions: textLines(f("restrictions")),
		}
		if n := f("every"); n != "" {
			var err error
			if l.Every, err = strconv.Atoi(n); err != nil {
				l.Every = -1 // the rule says what is wrong
			}
		}
		if len(l.Participants) == 0 && l.Name == "" && len(l.Restrictions) == 0 {
			continue
		}
		s.Layers = append(s.Layers, l)
	}
	return s
}

// spare is the definition with an empty layer at the end, for the form.
func spare(s escalation.ScheduleSpec) []escalation.LayerSpec {
	if len(s.Layers) >= 10 {
		return s.Layers
	}
	return append(append([]escalation.LayerSpec{}, s.Layers...), escalation.LayerSpec{})
}

func spareStep(s escalation.PolicySpec) []escalation.StepSpec {
	if len(s.Steps) >= 20 {
		return s.Steps
	}
	return append(append([]escalation.StepSpec{}, s.Steps...), escalation.StepSpec{})
}

func policyOf(c *web.Ctx) escalation.PolicySpec {
	s := escalation.PolicySpec{Title: c.Form("title"), RepeatAfter: c.Form("repeatAfter")}
	if n := c.Form("repeats"); n != "" {
		var err error
		if s.Repeats, err = strconv.Atoi(n); err != nil {
			s.Repeats = -1 // the rule says what is wrong
		}
	}
	for i := range 21 {
		st := escalation.StepSpec{Delay: c.Form(at("steps", i, "delay")), Targets: words(c.Form(at("steps", i, "targets")))}
		if st.Delay != "" || len(st.Targets) > 0 {
			s.Steps = append(s.Steps, st)
		}
	}
	return s
}

func (p *Pages) newSchedule(c *web.Ctx) error {
	return p.scheduleForm(c, form{New: true, Schedule: escalation.ScheduleSpec{
		Zone: c.Viewer.Location().String(), Layers: []escalation.LayerSpec{{Rotation: "weekly", Handoff: "Mon 09:00"}},
	}}, 0)
}

func (p *Pages) scheduleForm(c *web.Ctx, f form, status int) error {
	var err error
	f.Title, f.Action, f.Cancel = "Edit schedule "+f.Name, path(mainstay.KindSchedule, c.Path("id"))+"/edit", path(mainstay.KindSchedule, c.Path("id"))
	if f.New {
		f.Title, f.Action, f.Cancel = "New schedule", "/schedules", "/schedules"
		if f.Projects, err = p.projectOptions(c); err != nil {
			return err
		}
	}
	return c.Render(web.Page{
		Title: f.Title, Nav: "oncall", Status: status, Crumbs: []web.Crumb{{Text: "On call", URL: "/schedules"}, {Text: f.Title}},
	}, scheduleFormPage(f))
}

func (p *Pages) createSchedule(c *web.Ctx) error {
	f := form{New: true, Name: c.Form("name"), Project: c.Form("project"), Schedule: scheduleOf(c)}
	if !c.Viewer.May(access.OnCallManage, f.Project) {
		return mainstay.Errorf(mainstay.Denied, "You may not manage on-call there.")
	}
	specs, err := p.Service.ScheduleSpecs(c.Context(), f.Project)
	if err != nil {
		return err
	}
	if _, there := specs[f.Name]; there {
		f.Faults = map[string]string{"name": "There is a schedule of that name already."}
		return p.scheduleForm(c, f, 422)
	}
	return p.defineSchedule(c, f)
}

func (p *Pages) defineSchedule(c *web.Ctx, f form) error {
	_, err := p.Service.DefineSchedule(c.Context(), c.Actor(), f.Project, f.Name, f.Schedule)
	if f.Faults = mainstay.ErrorFields(err); f.Faults != nil {
		return p.scheduleForm(c, f, 422)
	}
	if err != nil {
		return err
	}
	c.Say("Saved %s. What has passed stays as it was.", f.Name)
	if f.New {
		return c.See("/schedules/" + url.PathEscape(f.Name))
	}
	return c.See(path(mainstay.KindSchedule, c.Path("id")))
}

func (p *Pages) editSchedule(c *web.Ctx) error {
	s, err := p.Service.Schedule(c.Context(), c.Ref.ID, c.Now, c.Now)
	if err != nil {
		return err
	}
	spec, err := p.Service.SpecOf(c.Context(), s)
	if err != nil {
		return err
	}
	return p.scheduleForm(c, form{Name: s.Name, Schedule: spec}, 0)
}

func (p *Pages) saveSchedule(c *web.Ctx) error {
	s, err := p.Service.Schedule(c.Context(), c.Ref.ID, c.Now, c.Now)
	if err != nil {
		return err
	}
	return p.defineSchedule(c, form{Name: s.Name, Project: s.Project, Schedule: scheduleOf(c)})
}

// policyLine is a policy in the list.
type policyLine struct{ Title, URL, Steps, Project string }

type policiesView struct {
	Lines  []policyLine
	Manage bool
}

func (p *Pages) policies(c *web.Ctx) error {
	list, err := p.Service.Policies(c.Context(), visible(c.Viewer, access.OnCallRead, true))
	if err != nil {
		return err
	}
	projects, err := p.projectNames(c.Context())
	if err != nil {
		return err
	}
	seen := map[string]int{}
	for _, v := range list {
		seen[v.Name]++
	}
	view := policiesView{Manage: c.Viewer.MayAny(access.OnCallManage)}
	for i := range list {
		v := &list[i]
		view.Lines = append(view.Lines, policyLine{v.Called(), path(mainstay.KindPolicy, key(v.Name, v.ID, seen)), summary(v), projects[v.Project]})
	}
	return c.Render(web.Page{
		Title: "Policies", Nav: "oncall", Crumbs: []web.Crumb{{Text: "On call", URL: "/schedules"}, {Text: "Policies"}},
	}, policiesPage(view))
}

// summary says a policy in one line.
func summary(v *escalation.Policy) string {
	var parts []string
	for _, s := range v.Steps {
		part := targets(s)
		if s.Delay > 0 {
			part = after(s.Delay) + " " + part
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", then ")
}

// policyView is one policy.
type policyView struct {
	Policy  escalation.Policy
	Ref     string
	URL     string
	Project string
	Manage  bool
	Steps   []policyStep
	Ends    string
}

type policyStep struct {
	N     int
	After string
	Lines []policyTarget
}

type policyTarget struct {
	Text, URL, Now string
	Bad            bool
}

func (p *Pages) policy(c *web.Ctx) error {
	v, err := p.Service.Policy(c.Context(), c.Project, c.Ref.ID)
	if err != nil {
		return err
	}
	projects, err := p.projectNames(c.Context())
	if err != nil {
		return err
	}
	view := policyView{
		Policy: v, Ref: v.Ref().String(), URL: path(mainstay.KindPolicy, c.Path("id")), Project: projects[v.Project], Manage: c.May(access.OnCallManage),
	}
	if view.Steps, err = p.policySteps(c, v); err != nil {
		return err
	}
	view.Ends = "After that the page counts as unanswered " + after(v.RepeatAfter) + "."
	if v.Repeats > 0 {
		view.Ends = fmt.Sprintf("All steps are taken again %s, %s, each %s the last step. Then the page counts as unanswered.",
			ui.Plural(v.Repeats, "time", "times"), "as long as nobody acknowledges", after(v.RepeatAfter))
	}
	return c.Render(web.Page{
		Title: v.Called(), Nav: "oncall", Live: []mainstay.Ref{v.Ref()},
		Crumbs: []web.Crumb{{Text: "On call", URL: "/schedules"}, {Text: "Policies", URL: "/policies"}, {Text: v.Called()}},
	}, policyPage(view))
}

// policySteps says for each target whom it would page now.
func (p *Pages) policySteps(c *web.Ctx, v escalation.Policy) ([]policyStep, error) {
	var out []policyStep
	for i, s := range v.Steps {
		reached, missed, err := p.Service.Reach(c.Context(), s, c.Now)
		if err != nil {
			return nil, err
		}
		var ids []string
		for _, r := range reached {
			ids = append(ids, r.Person)
		}
		f, err := p.folk(c.Context(), ids)
		if err != nil {
			return nil, err
		}
		st := policyStep{N: i + 1, After: after(s.Delay)}
		for _, t := range s.Targets {
			l := policyTarget{Text: string(t.Kind) + " " + t.Name, URL: path(t.Kind, t.ID)}
			if t.Kind != mainstay.KindSchedule {
				l.URL = path(t.Kind, t.Name)
			}
			var now []string
			for _, r := range reached {
				if r.Target == t.String() {
					now = append(now, f.name(r.Person))
				}
			}
			for _, m := range missed {
				if m.Target == t.String() {
					now, l.Bad = append(now, m.Why), true
				}
			}
			l.Now = strings.Join(now, ", ")
			st.Lines = append(st.Lines, l)
		}
		out = append(out, st)
	}
	return out, nil
}

func (p *Pages) newPolicy(c *web.Ctx) error {
	return p.policyForm(c, form{New: true, Policy: escalation.PolicySpec{Repeats: 1, Steps: []escalation.StepSpec{{}, {Delay: "5m"}}}}, 0)
}

func (p *Pages) policyForm(c *web.Ctx, f form, status int) error {
	var err error
	f.Title, f.Action, f.Cancel = "Edit policy "+f.Name, path(mainstay.KindPolicy, c.Path("id"))+"/edit", path(mainstay.KindPolicy, c.Path("id"))
	if f.New {
		f.Title, f.Action, f.Cancel = "New policy", "/policies", "/policies"
		if f.Projects, err = p.projectOptions(c); err != nil {
			return err
		}
	}
	return c.Render(web.Page{
		Title: f.Title, Nav: "oncall", Status: status,
		Crumbs: []web.Crumb{{Text: "On call", URL: "/schedules"}, {Text: "Policies", URL: "/policies"}, {Text: f.Title}},
	}, policyFormPage(f))
}

func (p *Pages) createPolicy(c *web.Ctx) error {
	f := form{New: true, Name: c.Form("name"), Project: c.Form("project"), Policy: policyOf(c)}
	if !c.Viewer.May(access.OnCallManage, f.Project) {
		return mainstay.Errorf(mainstay.Denied, "You may not manage on-call there.")
	}
	specs, err := p.Service.PolicySpecs(c.Context(), f.Project)
	if err != nil {
		return err
	}
	if _, there := specs[f.Name]; there {
		f.Faults = map[string]string{"name": "There is a policy of that name already."}
		return p.policyForm(c, f, 422)
	}
	return p.definePolicy(c, f)
}

func (p *Pages) definePolicy(c *web.Ctx, f form) error {
	_, err := p.Service.DefinePolicy(c.Context(), c.Actor(), f.Project, f.Name, f.Policy)
	if f.Faults = mainstay.ErrorFields(err); f.Faults != nil {
		return p.policyForm(c, f, 422)
	}
	if err != nil {
		return err
	}
	c.Say("Saved %s. Pages under way keep the policy that they began with.", f.Name)
	if f.New {
		return c.See("/policies/" + url.PathEscape(f.Name))
	}
	return c.See(path(mainstay.KindPolicy, c.Path("id")))
}

func (p *Pages) editPolicy(c *web.Ctx) error {
	v, err := p.Service.Policy(c.Context(), c.Project, c.Ref.ID)
	if err != nil {
		return err
	}
	return p.policyForm(c, form{Name: v.Name, Policy: v.Spec()}, 0)
}

func (p *Pages) savePolicy(c *web.Ctx) error {
	v, err := p.Service.Policy(c.Context(), c.Project, c.Ref.ID)
	if err != nil {
		return err
	}
	return p.definePolicy(c, form{Name: v.Name, Project: v.Project, Policy: policyOf(c)})
}
