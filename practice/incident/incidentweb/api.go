package incidentweb

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/web"
)

// Incident is an incident as the API shows it. Persons, services and the project are ids; links are kind:id.
type Incident struct {
	ID         string               `json:"id"`
	Number     string               `json:"number" doc:"such as INC-42"`
	Project    string               `json:"project"`
	Title      string               `json:"title"`
	Severity   string               `json:"severity"`
	State      string               `json:"state" enum:"open,resolved,closed"`
	Private    bool                 `json:"private"`
	Services   []string             `json:"services"`
	Commander  string               `json:"commander"`
	DeclaredBy mainstay.Actor       `json:"declaredBy"`
	DeclaredAt time.Time            `json:"declaredAt"`
	StartedAt  time.Time            `json:"startedAt"`
	ResolvedAt *time.Time           `json:"resolvedAt,omitempty"`
	Phases     map[string]time.Time `json:"phases" doc:"when each phase was reached: started, detected, acknowledged, first_word, mitigated, restored, closed"`
	Plan       PlanRef              `json:"plan"`
	Roles      []Role               `json:"roles"`
	Steps      []Step               `json:"steps"`
	Tasks      []Task               `json:"tasks"`
	Links      []string             `json:"links"`
	Left       []string             `json:"left" doc:"what is still to be done or said, in words"`
	Version    int64                `json:"version"`
}

// PlanRef says which version of which plan an incident runs under.
type PlanRef struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version int64  `json:"version"`
}

// Role is a role of an incident and who holds it.
type Role struct {
	Role   string     `json:"role"`
	Person string     `json:"person"`
	Since  *time.Time `json:"since,omitempty"`
}

// Step is a step of the plan.
type Step struct {
	Number  int        `json:"number"`
	Title   string     `json:"title"`
	Role    string     `json:"role"`
	State   string     `json:"state" enum:"todo,done,skipped"`
	Due     *time.Time `json:"due,omitempty"`
	At      *time.Time `json:"at,omitempty"`
	Overdue bool       `json:"overdue" doc:"done late, or late and still to do"`
}

// Task is something that the plan did not foresee.
type Task struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Owner string `json:"owner"`
	Done  bool   `json:"done"`
}

// Line is one line of a timeline.
type Line struct {
	Fact     string         `json:"fact"`
	Kind     string         `json:"kind"`
	At       time.Time      `json:"at" doc:"when it happened"`
	Recorded time.Time      `json:"recorded" doc:"when it was written down"`
	Actor    mainstay.Actor `json:"actor"`
	Who      string         `json:"who"`
	Sentence string         `json:"sentence"`
	Text     string         `json:"text,omitempty" doc:"what people wrote, as Markdown"`
	Subject  string         `json:"subject"`
}

// Plan is a plan as the API shows it.
type Plan struct {
	ID      string            `json:"id"`
	Project string            `json:"project"`
	Name    string            `json:"name"`
	Title   string            `json:"title"`
	Version int64             `json:"version"`
	Spec    incident.PlanSpec `json:"spec"`
}

func pointer(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func view(i incident.Incident, now time.Time) Incident {
	v := Incident{
		ID: i.ID, Number: i.Key(), Project: i.Project, Title: i.Title, Severity: string(i.Severity), State: string(i.State), Private: i.Private,
		Services: append([]string{}, i.Services...), Commander: i.Holder(incident.Commander), DeclaredBy: i.DeclaredBy, DeclaredAt: i.DeclaredAt,
		StartedAt: i.StartedAt(), ResolvedAt: pointer(i.ResolvedAt), Phases: map[string]time.Time{},
		Plan:  PlanRef{i.Plan.ID, i.Plan.Name, i.Plan.Version},
		Roles: []Role{}, Steps: []Step{}, Tasks: []Task{}, Links: []string{}, Left: append([]string{}, i.Left()...), Version: i.Version,
	}
	for ph, at := range i.Phases {
		v.Phases[string(ph)] = at
	}
	for _, r := range i.Roles {
		v.Roles = append(v.Roles, Role{r.Role, r.Person, pointer(r.Since)})
	}
	for _, s := range i.Steps {
		v.Steps = append(v.Steps, Step{s.Number, s.Title, s.Role, string(s.State), pointer(s.Due), pointer(s.At), s.Late(now)})
	}
	for _, t := range i.Tasks {
		v.Tasks = append(v.Tasks, Task{t.ID, t.Title, t.Owner, t.State == incident.Done})
	}
	for _, l := range i.Links {
		v.Links = append(v.Links, l.Ref.String())
	}
	return v
}

type one = web.Out[Incident]

type byID struct {
	ID string `path:"id" doc:"id or number"`
}

type listIn struct {
	web.Query
	State    string `query:"state" enum:"open,resolved,closed," doc:"only incidents in this state"`
	Severity string `query:"severity" enum:"sev-1,sev-2,sev-3,sev-4," doc:"only incidents of this severity"`
	Service  string `query:"service" maxLength:"100" doc:"id of a service"`
}

// Declaration is what declares an incident.
type Declaration struct {
	Project   string     `json:"project,omitempty" doc:"a project's id or name; that of the first link when empty" maxLength:"100"`
	Title     string     `json:"title,omitempty" doc:"that of the first alert when empty" maxLength:"1000"`
	Severity  string     `json:"severity" enum:"sev-1,sev-2,sev-3,sev-4"`
	Services  []string   `json:"services,omitempty" doc:"ids or names" maxItems:"100"`
	StartedAt *time.Time `json:"startedAt,omitempty"`
	Private   bool       `json:"private,omitempty"`
	Plan      string     `json:"plan,omitempty" doc:"id or name; the one that fits best when empty" maxLength:"100"`
	Commander string     `json:"commander,omitempty" doc:"a person's id or handle" maxLength:"100"`
	Links     []string   `json:"links,omitempty" doc:"alerts and pages it comes from, by number: ALR-7" maxItems:"100"`
}

type declareIn struct {
	Body Declaration
}

// Resolution says since when service is restored.
type Resolution struct {
	At *time.Time `json:"at,omitempty" doc:"since when service is restored; now when absent"`
}

type atIn struct {
	ID      string `path:"id" doc:"id or number"`
	IfMatch string `header:"If-Match"`
	Body    *Resolution
}

// Note is something to write in the timeline.
type Note struct {
	Text string     `json:"text" doc:"Markdown"`
	Kind string     `json:"kind,omitempty" enum:"happened,decision,action"`
	At   *time.Time `json:"at,omitempty" doc:"when it happened; now when absent"`
}

type noteIn struct {
	ID   string `path:"id" doc:"id or number"`
	Body Note
}

// PhaseReached says when a phase was reached.
type PhaseReached struct {
	Phase string     `json:"phase" enum:"detected,acknowledged,first_word,mitigated,restored"`
	At    *time.Time `json:"at,omitempty" doc:"when it was reached; now when absent"`
}

type phaseIn struct {
	ID   string `path:"id" doc:"id or number"`
	Body PhaseReached
}

// RoleGiven gives a role to a person.
type RoleGiven struct {
	Role   string `json:"role" maxLength:"100"`
	Person string `json:"person" doc:"a person's id or handle; empty takes the role back" maxLength:"100"`
}

type roleIn struct {
	ID   string `path:"id" doc:"id or number"`
	Body RoleGiven
}

type stepIn struct {
	ID     string `path:"id" doc:"id or number"`
	Number int    `path:"number"`
}

// Skip says why a step is skipped.
type Skip struct {
	Reason string `json:"reason"`
}

type skipIn struct {
	ID     string `path:"id" doc:"id or number"`
	Number int    `path:"number"`
	Body   Skip
}

// TaskAdded is a task to add.
type TaskAdded struct {
	Title string `json:"title" maxLength:"1000"`
	Owner string `json:"owner,omitempty" doc:"a person's id or handle" maxLength:"100"`
}

type taskIn struct {
	ID   string `path:"id" doc:"id or number"`
	Body TaskAdded
}

// TaskDone says whether a task is done.
type TaskDone struct {
	Done bool `json:"done"`
}

type taskDoneIn struct {
	ID   string `path:"id" doc:"id or number"`
	Task string `path:"task"`
	Body TaskDone
}

// SeverityChanged is the new severity.
type SeverityChanged struct {
	Severity string `json:"severity" enum:"sev-1,sev-2,sev-3,sev-4"`
}

type severityIn struct {
	ID   string `path:"id" doc:"id or number"`
	Body SeverityChanged
}

func (p *Pages) api(rt *web.Router) {
	const inc = mainstay.KindIncident
	get := func(pattern string) web.Route {
		return web.Route{Method: "GET", Pattern: pattern, Permission: access.IncidentRead, Kind: inc}
	}
	post := func(pattern string) web.Route {
		return web.Route{Method: "POST", Pattern: pattern, Permission: access.IncidentRespond, Kind: inc, Urgent: true}
	}
	doc := func(summary string) web.Doc { return web.Doc{Summary: summary, Tag: "incidents"} }
	web.API(rt, web.Route{Method: "GET", Pattern: "/incidents", Permission: access.IncidentRead}, doc("List incidents, newest first"), p.apiList)
	web.API(rt, web.Route{Method: "POST", Pattern: "/incidents", Permission: access.IncidentRespond, Urgent: true},
		web.Doc{Summary: "Declare an incident", Tag: "incidents", Status: http.StatusCreated}, p.apiDeclare)
	web.API(rt, get("/incidents/{id}"), doc("One incident, by id or number"), p.apiOne)
	web.API(rt, get("/incidents/{id}/timeline"), doc("What happened, by the time of happening"), p.apiTimeline)
	web.API(rt, post("/incidents/{id}/resolve"), doc("Say that service is restored"), p.apiResolve)
	web.API(rt, post("/incidents/{id}/reopen"), doc("Say that it was not over"), p.apiDo((*incident.Service).Reopen))
	web.API(rt, post("/incidents/{id}/close"), doc("Say that nothing is left to do in it"), p.apiDo((*incident.Service).Close))
	web.API(rt, post("/incidents/{id}/notes"), doc("Write in the timeline"), p.apiNote)
	web.API(rt, post("/incidents/{id}/phases"), doc("Mark a phase reached"), p.apiPhase)
	web.API(rt, post("/incidents/{id}/roles"), doc("Give a role to a person"), p.apiRole)
	web.API(rt, post("/incidents/{id}/severity"), doc("Change the severity"), p.apiSeverity)
	web.API(rt, post("/incidents/{id}/steps/{number}/done"), doc("Mark a step of the plan done"), p.apiStepDone)
	web.API(rt, post("/incidents/{id}/steps/{number}/skip"), doc("Skip a step of the plan, with a reason"), p.apiSkip)
	web.API(rt, post("/incidents/{id}/tasks"), doc("Add a task"), p.apiTask)
	web.API(rt, post("/incidents/{id}/tasks/{task}"), doc("Mark a task done, or to do again"), p.apiTaskDone)
	web.API(rt, web.Route{Method: "GET", Pattern: "/plans", Permission: access.IncidentRead},
		web.Doc{Summary: "List incident plans by name, the newest version of each", Tag: "plans"}, p.apiPlans)
	web.API(rt, web.Route{Method: "GET", Pattern: "/plans/{id}", Permission: access.IncidentRead, Kind: mainstay.KindPlan},
		web.Doc{Summary: "One incident plan, by id or name", Tag: "plans"}, p.apiPlan)
}

func (p *Pages) answer(i incident.Incident, err error) (*one, error) {
	if err != nil {
		return nil, err
	}
	return &one{ETag: web.ETag(i.Version), Body: view(i, p.cfg.Incidents.Now())}, nil
}

// after answers a command with the incident as it is saved.
func (p *Pages) after(ctx context.Context, _ incident.Incident, err error) (*one, error) {
	if err != nil {
		return nil, err
	}
	return p.answer(p.see(ctx, web.ViewerFrom(ctx), web.RefFrom(ctx).ID))
}

// enter is the id of the incident of the request, once the viewer may know of it.
func (p *Pages) enter(ctx context.Context) (id string, by mainstay.Actor, err error) {
	v := web.ViewerFrom(ctx)
	i, err := p.see(ctx, v, web.RefFrom(ctx).ID)
	return i.ID, v.Actor, err
}

func (p *Pages) apiList(ctx context.Context, in *listIn) (*web.Out[web.List[Incident]], error) {
	v := web.ViewerFrom(ctx)
	q := query(v)
	q.Severity, q.Service, q.Cursor, q.Limit = mainstay.Severity(in.Severity), in.Service, in.Cursor, in.Limit
	if in.State != "" {
		q.States = []incident.State{incident.State(in.State)}
	}
	if in.Project != "" {
		id, err := p.project(ctx, in.Project, access.IncidentRead)
		if err != nil {
			return nil, err
		}
		q.Projects = []string{id}
	}
	page, err := p.cfg.Incidents.List(ctx, q)
	if err != nil {
		return nil, err
	}
	out := web.List[Incident]{Items: []Incident{}, Next: page.Next}
	now := p.cfg.Incidents.Now()
	for _, i := range page.Items {
		out.Items = append(out.Items, view(i, now))
	}
	return &web.Out[web.List[Incident]]{Body: out}, nil
}

// project is the id of a project, by id or name, in which the viewer holds the permission.
func (p *Pages) project(ctx context.Context, key string, perm access.Permission) (string, error) {
	may, err := p.allowed(ctx, web.ViewerFrom(ctx), perm)
	if err != nil {
		return "", err
	}
	for _, x := range may {
		if x.ID == key || x.Name == key {
			return x.ID, nil
		}
	}
	return "", mainstay.Errorf(mainstay.NotFound, "There is no project %q, or you may not do this in it.", key)
}

// handle is the id of a person by id or handle; "" stays.
func (p *Pages) handle(ctx context.Context, key string) (string, error) {
	if key == "" {
		return "", nil
	}
	if !mainstay.ValidID(key) {
		x, err := p.cfg.People.ByName(ctx, key)
		return x.ID, err
	}
	known, err := p.cfg.People.ByIDs(ctx, []string{key})
	if err == nil && known[key].ID == "" {
		err = mainstay.Errorf(mainstay.NotFound, "There is no person %q.", key)
	}
	return key, err
}

func (p *Pages) apiOne(ctx context.Context, _ *byID) (*one, error) {
	return p.answer(p.see(ctx, web.ViewerFrom(ctx), web.RefFrom(ctx).ID))
}

func (p *Pages) apiDeclare(ctx context.Context, in *declareIn) (*one, error) {
	b, v := in.Body, web.ViewerFrom(ctx)
	d := incident.Declaration{
		Title: b.Title, Severity: mainstay.Severity(b.Severity), Private: b.Private, Plan: b.Plan,
	}
	if b.StartedAt != nil {
		d.StartedAt = b.StartedAt.UTC().Truncate(time.Microsecond)
	}
	for _, key := range b.Links {
		kind, _, ok := mainstay.ParseNumber(key)
		if !ok || kind != mainstay.KindAlert && kind != mainstay.KindPage {
			return nil, fault("links", "%q is no number of an alert or a page, such as ALR-7.", key)
		}
		o, err := p.cfg.Objects.Find(ctx, kind, key, "")
		if err != nil {
			return nil, err
		}
		if !v.May(web.Reads(kind), o.Project) {
			return nil, mainstay.Errorf(mainstay.NotFound, "There is no %s, or you may not see it.", key)
		}
		if b.Project == "" {
			b.Project = o.Project
		}
		d.Links = append(d.Links, o.Ref)
	}
	var err error
	if d.Project, err = p.project(ctx, b.Project, access.IncidentRespond); err != nil {
		return nil, err
	}
	if d.Commander, err = p.handle(ctx, b.Commander); err != nil {
		return nil, err
	}
	if d.Services, err = p.services(ctx, d.Project, b.Services); err != nil {
		return nil, err
	}
	i, err := p.cfg.Incidents.Declare(ctx, v.Actor, d)
	return p.answer(i, err)
}

// services are the ids of services by id or name.
func (p *Pages) services(ctx context.Context, projectID string, keys []string) ([]string, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	known, err := p.cfg.Projects.Services(ctx, projectID)
	if err != nil {
		return nil, err
	}
	ids := slices.Clone(keys)
	for n, key := range keys {
		for _, s := range known {
			if s.Name == key {
				ids[n] = s.ID
			}
		}
	}
	return ids, nil
}

func (p *Pages) apiTimeline(ctx context.Context, _ *byID) (*web.Out[web.List[Line]], error) {
	id, _, err := p.enter(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := p.cfg.Incidents.Timeline(ctx, id)
	if err != nil {
		return nil, err
	}
	if entries, err = p.readable(ctx, web.ViewerFrom(ctx), entries); err != nil {
		return nil, err
	}
	out := web.List[Line]{Items: []Line{}}
	for _, e := range entries {
		out.Items = append(out.Items, Line{
			Fact: e.Fact, Kind: e.Kind, At: e.At, Recorded: e.Recorded, Actor: e.Actor, Who: e.Who, Sentence: e.Sentence, Text: e.Markdown,
			Subject: e.Subject.String(),
		})
	}
	return &web.Out[web.List[Line]]{Body: out}, nil
}

// apiDo makes a handler of a command without input.
func (p *Pages) apiDo(do func(*incident.Service, context.Context, mainstay.Actor, string) (incident.Incident, error)) func(context.Context, *byID) (*one, error) {
	return func(ctx context.Context, _ *byID) (*one, error) {
		id, by, err := p.enter(ctx)
		if err != nil {
			return nil, err
		}
		i, err := do(p.cfg.Incidents, ctx, by, id)
		return p.after(ctx, i, err)
	}
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

func (p *Pages) apiResolve(ctx context.Context, in *atIn) (*one, error) {
	i, err := p.see(ctx, web.ViewerFrom(ctx), web.RefFrom(ctx).ID)
	if err == nil {
		err = web.Match(in.IfMatch, i.Version)
	}
	if err != nil {
		return nil, err
	}
	at := time.Time{}
	if in.Body != nil {
		at = timeOf(in.Body.At)
	}
	i, err = p.cfg.Incidents.Resolve(ctx, web.ViewerFrom(ctx).Actor, i.ID, at)
	return p.after(ctx, i, err)
}

func (p *Pages) apiNote(ctx context.Context, in *noteIn) (*one, error) {
	id, by, err := p.enter(ctx)
	if err != nil {
		return nil, err
	}
	i, err := p.cfg.Incidents.AddNote(ctx, by, id, in.Body.Kind, in.Body.Text, timeOf(in.Body.At))
	return p.after(ctx, i, err)
}

func (p *Pages) apiPhase(ctx context.Context, in *phaseIn) (*one, error) {
	id, by, err := p.enter(ctx)
	if err != nil {
		return nil, err
	}
	i, err := p.cfg.Incidents.Mark(ctx, by, id, incident.Phase(in.Body.Phase), timeOf(in.Body.At))
	return p.after(ctx, i, err)
}

func (p *Pages) apiRole(ctx context.Context, in *roleIn) (*one, error) {
	id, by, err := p.enter(ctx)
	if err != nil {
		return nil, err
	}
	person, err := p.handle(ctx, in.Body.Person)
	if err != nil {
		return nil, err
	}
	i, err := p.cfg.Incidents.Assign(ctx, by, id, in.Body.Role, person)
	return p.after(ctx, i, err)
}

func (p *Pages) apiSeverity(ctx context.Context, in *severityIn) (*one, error) {
	id, by, err := p.enter(ctx)
	if err != nil {
		return nil, err
	}
	i, err := p.cfg.Incidents.SetSeverity(ctx, by, id, mainstay.Severity(in.Body.Severity))
	return p.after(ctx, i, err)
}

func (p *Pages) apiStepDone(ctx context.Context, in *stepIn) (*one, error) {
	id, by, err := p.enter(ctx)
	if err != nil {
		return nil, err
	}
	i, err := p.cfg.Incidents.FinishStep(ctx, by, id, in.Number)
	return p.after(ctx, i, err)
}

func (p *Pages) apiSkip(ctx context.Context, in *skipIn) (*one, error) {
	id, by, err := p.enter(ctx)
	if err != nil {
		return nil, err
	}
	i, err := p.cfg.Incidents.SkipStep(ctx, by, id, in.Number, in.Body.Reason)
	return p.after(ctx, i, err)
}

func (p *Pages) apiTask(ctx context.Context, in *taskIn) (*one, error) {
	id, by, err := p.enter(ctx)
	if err != nil {
		return nil, err
	}
	owner, err := p.handle(ctx, in.Body.Owner)
	if err != nil {
		return nil, err
	}
	i, err := p.cfg.Incidents.AddTask(ctx, by, id, in.Body.Title, owner)
	return p.after(ctx, i, err)
}

func (p *Pages) apiTaskDone(ctx context.Context, in *taskDoneIn) (*one, error) {
	id, by, err := p.enter(ctx)
	if err != nil {
		return nil, err
	}
	i, err := p.cfg.Incidents.DoTask(ctx, by, id, in.Task, in.Body.Done)
	return p.after(ctx, i, err)
}

func planOf(x incident.Plan) Plan {
	return Plan{ID: x.ID, Project: x.Project, Name: x.Name, Title: x.Title(), Version: x.Version, Spec: x.Spec}
}

func (p *Pages) apiPlans(ctx context.Context, in *struct{ web.Query }) (*web.Out[web.List[Plan]], error) {
	within := ""
	if in.Project != "" {
		id, err := p.project(ctx, in.Project, access.IncidentRead)
		if err != nil {
			return nil, err
		}
		within = id
	}
	list, err := p.cfg.Incidents.Plans(ctx, within)
	if err != nil {
		return nil, err
	}
	out := web.List[Plan]{Items: []Plan{}}
	for _, x := range list {
		key := x.Name + "/" + x.ID
		if key <= in.Cursor || !web.ViewerFrom(ctx).May(access.IncidentRead, x.Project) {
			continue
		}
		if len(out.Items) == in.Limit {
			last := out.Items[in.Limit-1]
			out.Next = last.Name + "/" + last.ID
			break
		}
		out.Items = append(out.Items, planOf(x))
	}
	return &web.Out[web.List[Plan]]{Body: out}, nil
}

func (p *Pages) apiPlan(ctx context.Context, _ *byID) (*web.Out[Plan], error) {
	list, err := p.cfg.Incidents.Versions(ctx, web.RefFrom(ctx).ID)
	if err != nil {
		return nil, err
	}
	return &web.Out[Plan]{ETag: web.ETag(list[0].Version), Body: planOf(list[0])}, nil
}
