package escalationweb

import (
	"context"
	"strconv"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/calendar"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/web"
)

// Page is a page as the API shows it. Persons are ids.
type Page struct {
	ID             string          `json:"id"`
	Number         string          `json:"number" doc:"PAG-3"`
	Project        string          `json:"project" doc:"id"`
	Title          string          `json:"title"`
	Severity       string          `json:"severity"`
	Service        string          `json:"service,omitempty"`
	Reason         string          `json:"reason,omitempty" doc:"why it was asked for"`
	State          string          `json:"state" enum:"open,acknowledged,exhausted,resolved"`
	Policy         string          `json:"policy" doc:"name"`
	Step           int             `json:"step" doc:"the last step taken, from 1; 0 before the first"`
	Repeat         int             `json:"repeat" doc:"the round, from 0"`
	NextAt         *time.Time      `json:"nextAt,omitempty" doc:"when the next step is due, or the policy ends"`
	OpenedAt       time.Time       `json:"openedAt"`
	AcknowledgedAt *time.Time      `json:"acknowledgedAt,omitempty"`
	AcknowledgedBy *mainstay.Actor `json:"acknowledgedBy,omitempty"`
	Via            string          `json:"via,omitempty" enum:"mail,web,api"`
	EndedAt        *time.Time      `json:"endedAt,omitempty"`
	EndReason      string          `json:"endReason,omitempty"`
	Subjects       []string        `json:"subjects" doc:"what it is about, as kind:id"`
	Log            []Taken         `json:"log" doc:"the steps taken, oldest first"`
}

// Taken is one step that was taken, as the API shows it.
type Taken struct {
	At      time.Time            `json:"at"`
	Step    int                  `json:"step"`
	Repeat  int                  `json:"repeat"`
	Late    bool                 `json:"late,omitempty"`
	Reached []escalation.Reached `json:"reached" doc:"who was paged, and what chose them"`
	Missed  []escalation.Missed  `json:"missed" doc:"targets that led to nobody, and why"`
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func viewPage(v escalation.Page) Page {
	p := Page{
		ID: v.ID, Number: v.Key(), Project: v.Project, Title: v.Title, Severity: string(v.Severity), Service: v.Service, Reason: v.Reason,
		State: string(v.State), Policy: v.Policy.Name, Step: v.Step, Repeat: v.Repeat, NextAt: optional(v.NextAt), OpenedAt: v.Opened,
		AcknowledgedAt: optional(v.Acked), Via: v.AckedVia, EndedAt: optional(v.Ended), EndReason: v.EndReason,
		Subjects: []string{}, Log: []Taken{},
	}
	if v.AckedBy.ID != "" {
		p.AcknowledgedBy = &v.AckedBy
	}
	for _, s := range v.Subjects {
		p.Subjects = append(p.Subjects, s.Ref.String())
	}
	for _, t := range v.Log {
		p.Log = append(p.Log, Taken{
			At: t.At, Step: t.Step, Repeat: t.Repeat, Late: t.Late,
			Reached: append([]escalation.Reached{}, t.Reached...), Missed: append([]escalation.Missed{}, t.Missed...),
		})
	}
	return p
}

type pagesIn struct {
	web.Query
	State   string `query:"state" enum:"open,acknowledged,exhausted,resolved" doc:"only pages in this state"`
	Subject string `query:"subject" maxLength:"200" doc:"only pages about this object, as kind:id"`
}

type oneIn struct {
	ID string `path:"id"`
}

type escalateIn struct {
	ID   string `path:"id"`
	Body struct {
		Step   *int `json:"step,omitempty" doc:"the step that you saw as the last one taken; when another was taken meanwhile, nothing happens"`
		Repeat int  `json:"repeat,omitempty" doc:"the round of that step, from 0"`
	}
}

// Changed is a page, and whether the request changed it.
type Changed struct {
	Changed bool `json:"changed" doc:"false when it was so already, or had moved on"`
	Page    Page `json:"page"`
}

func (p *Pages) api(rt *web.Router) {
	web.API(rt, web.Route{Method: "GET", Pattern: "/pages", Permission: access.PageRead},
		web.Doc{Summary: "List pages, newest first", Tag: "pages"}, p.apiPages)
	web.API(rt, web.Route{Method: "GET", Pattern: "/pages/{id}", Permission: access.PageRead, Kind: mainstay.KindPage},
		web.Doc{Summary: "One page, by id or number", Tag: "pages"}, p.apiPage)
	act := func(word, summary string, h func(context.Context, *oneIn) (*web.Out[Changed], error)) {
		web.API(rt, web.Route{Method: "POST", Pattern: "/pages/{id}/" + word, Permission: access.PageRespond, Kind: mainstay.KindPage, Urgent: true},
			web.Doc{Summary: summary, Tag: "pages"}, h)
	}
	act("acknowledge", "Acknowledge a page; idempotent", p.apiAcknowledge)
	act("resolve", "End a page by hand; idempotent", p.apiResolve)
	web.API(rt, web.Route{Method: "POST", Pattern: "/pages/{id}/escalate", Permission: access.PageRespond, Kind: mainstay.KindPage, Urgent: true},
		web.Doc{Summary: "Take a page's next step at once", Tag: "pages"}, p.apiEscalate)
	p.apiSchedules(rt)
	p.apiPolicies(rt)
}

// within narrows what the viewer may see to one project of the query, by id or name.
func (p *Pages) within(ctx context.Context, q web.Query, perm access.Permission, shared bool) ([]string, error) {
	v := web.ViewerFrom(ctx)
	if q.Project == "" {
		return visible(v, perm, shared), nil
	}
	id := mainstay.Installation
	if q.Project != id {
		pr, err := p.Projects.Project(ctx, q.Project)
		if err != nil {
			return nil, err
		}
		id = pr.ID
	}
	if !v.May(perm, id) {
		return nil, mainstay.Errorf(mainstay.NotFound, "There is no project %q.", q.Project)
	}
	return []string{id}, nil
}

func (p *Pages) apiPages(ctx context.Context, in *pagesIn) (*web.Out[web.List[Page]], error) {
	projects, err := p.within(ctx, in.Query, access.PageRead, false)
	if err != nil {
		return nil, err
	}
	q := escalation.PageQuery{Projects: projects, Limit: in.Limit + 1, Subject: mainstay.ParseRef(in.Subject)}
	if in.State != "" {
		q.States = []escalation.State{escalation.State(in.State)}
	}
	if in.Cursor != "" {
		if q.Before, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil || q.Before <= 0 {
			return nil, mainstay.Errorf(mainstay.Invalid, "The cursor is not one of ours: give the next of the page before.")
		}
	}
	list, err := p.Service.Pages(ctx, q)
	if err != nil {
		return nil, err
	}
	out := web.List[Page]{Items: []Page{}}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Next = strconv.FormatInt(list[len(list)-1].Number, 10)
	}
	for _, v := range list {
		out.Items = append(out.Items, viewPage(v))
	}
	return &web.Out[web.List[Page]]{Body: out}, nil
}

func (p *Pages) apiPage(ctx context.Context, _ *oneIn) (*web.Out[Page], error) {
	v, err := p.Service.Page(ctx, web.RefFrom(ctx).ID)
	return &web.Out[Page]{ETag: web.ETag(v.Version), Body: viewPage(v)}, err
}

func changedOut(v escalation.Page, changed bool, err error) (*web.Out[Changed], error) {
	return &web.Out[Changed]{ETag: web.ETag(v.Version), Body: Changed{Changed: changed, Page: viewPage(v)}}, err
}

func (p *Pages) apiAcknowledge(ctx context.Context, _ *oneIn) (*web.Out[Changed], error) {
	return changedOut(p.Service.Acknowledge(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID, escalation.ViaAPI))
}

func (p *Pages) apiResolve(ctx context.Context, _ *oneIn) (*web.Out[Changed], error) {
	return changedOut(p.Service.Resolve(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID))
}

func (p *Pages) apiEscalate(ctx context.Context, in *escalateIn) (*web.Out[Changed], error) {
	seen := escalation.AnyStep
	if in.Body.Step != nil {
		seen = *in.Body.Step
	}
	return changedOut(p.Service.Escalate(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID, seen, in.Body.Repeat))
}

// Schedule is a schedule as the API shows it.
type Schedule struct {
	ID      string                  `json:"id"`
	Project string                  `json:"project" doc:"id, or installation"`
	Name    string                  `json:"name"`
	Title   string                  `json:"title"`
	Spec    escalation.ScheduleSpec `json:"spec" doc:"as a manifest says it"`
	Version int64                   `json:"version"`
}

// Duty is who is on call, as the API shows it.
type Duty struct {
	At     time.Time `json:"at"`
	Person string    `json:"person,omitempty" doc:"id; empty when nobody is on call"`
	Name   string    `json:"name,omitempty" doc:"the person's short name"`
	Layer  string    `json:"layer,omitempty" doc:"empty for an override"`
	From   time.Time `json:"from,omitzero" doc:"of the turn, or of the override"`
	Until  time.Time `json:"until,omitzero"`
	By     string    `json:"by,omitempty" enum:"rotation,override"`
}

// Shift is a stretch of time for which somebody is on call.
type Shift struct {
	From     time.Time `json:"from"`
	Until    time.Time `json:"until"`
	Person   string    `json:"person" doc:"id; empty for a gap"`
	Name     string    `json:"name,omitempty"`
	Override string    `json:"override,omitempty" doc:"the override's id"`
}

// Override is an override as the API shows it.
type Override struct {
	Person string    `json:"person" doc:"id, or short name"`
	From   time.Time `json:"from,omitzero" doc:"now when absent"`
	Until  time.Time `json:"until"`
	Reason string    `json:"reason,omitempty" maxLength:"500"`
}

type dutyIn struct {
	ID string    `path:"id"`
	At time.Time `query:"at" doc:"RFC 3339; now when absent"`
}

type shiftsIn struct {
	ID    string    `path:"id"`
	From  time.Time `query:"from" doc:"RFC 3339; now when absent"`
	Until time.Time `query:"until" doc:"RFC 3339; 14 days after from when absent"`
}

type putSchedule struct {
	Name    string `path:"name"`
	Project string `query:"project" doc:"id or name; the installation's when absent"`
	web.Precondition
	Body escalation.ScheduleSpec
}

type overrideIn struct {
	ID   string `path:"id"`
	Body Override
}

type removeIn struct {
	ID       string `path:"id"`
	Override string `path:"override"`
}

func (p *Pages) apiSchedules(rt *web.Router) {
	web.API(rt, web.Route{Method: "GET", Pattern: "/schedules", Permission: access.OnCallRead},
		web.Doc{Summary: "List schedules", Tag: "schedules"}, p.apiListSchedules)
	web.API(rt, web.Route{Method: "GET", Pattern: "/schedules/{id}", Permission: access.OnCallRead, Kind: mainstay.KindSchedule},
		web.Doc{Summary: "One schedule, by id or name", Tag: "schedules"}, p.apiSchedule)
	web.API(rt, web.Route{Method: "PUT", Pattern: "/schedules/{name}", Permission: access.OnCallManage, Names: mainstay.KindSchedule},
		web.Doc{Summary: "Make a schedule, or give it a new version from now on; idempotent", Tag: "schedules"}, p.apiPutSchedule)
	web.API(rt, web.Route{Method: "GET", Pattern: "/schedules/{id}/oncall", Permission: access.OnCallRead, Kind: mainstay.KindSchedule},
		web.Doc{Summary: "Who is on call at a time", Tag: "schedules"}, p.apiOnCall)
	web.API(rt, web.Route{Method: "GET", Pattern: "/schedules/{id}/shifts", Permission: access.OnCallRead, Kind: mainstay.KindSchedule},
		web.Doc{Summary: "Who is on call over a time, gaps included", Tag: "schedules"}, p.apiShifts)
	web.API(rt, web.Route{Method: "POST", Pattern: "/schedules/{id}/overrides", Permission: access.OnCallManage, Kind: mainstay.KindSchedule},
		web.Doc{Summary: "Put somebody on call for a time", Tag: "schedules", Status: 201}, p.apiOverride)
	web.API(rt, web.Route{Method: "DELETE", Pattern: "/schedules/{id}/overrides/{override}", Permission: access.OnCallManage, Kind: mainstay.KindSchedule},
		web.Doc{Summary: "Take an override back: it ends now", Tag: "schedules"}, p.apiRemoveOverride)
}

func (p *Pages) viewSchedule(ctx context.Context, s escalation.Schedule) (Schedule, error) {
	spec, err := p.Service.SpecOf(ctx, s)
	return Schedule{ID: s.ID, Project: s.Project, Name: s.Name, Title: s.Title(), Spec: spec, Version: s.Revision}, err
}

func (p *Pages) apiListSchedules(ctx context.Context, in *struct{ web.Query }) (*web.Out[web.List[Schedule]], error) {
	projects, err := p.within(ctx, in.Query, access.OnCallRead, true)
	if err != nil {
		return nil, err
	}
	list, err := p.Service.Schedules(ctx, projects, time.Time{}, time.Time{})
	if err != nil {
		return nil, err
	}
	out := web.List[Schedule]{Items: []Schedule{}}
	for _, s := range list {
		k := s.Project + "/" + s.Name
		if k <= in.Cursor {
			continue
		}
		if len(out.Items) == in.Limit {
			last := out.Items[len(out.Items)-1]
			out.Next = last.Project + "/" + last.Name
			break
		}
		v, err := p.viewSchedule(ctx, s)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, v)
	}
	return &web.Out[web.List[Schedule]]{Body: out}, nil
}

func (p *Pages) apiSchedule(ctx context.Context, _ *oneIn) (*web.Out[Schedule], error) {
	s, err := p.Service.Schedule(ctx, web.RefFrom(ctx).ID, time.Time{}, time.Time{})
	if err != nil {
		return nil, err
	}
	v, err := p.viewSchedule(ctx, s)
	return &web.Out[Schedule]{ETag: web.ETag(v.Version), Body: v}, err
}

// target is the project that a definition goes to, for those who may manage on-call there.
func (p *Pages) target(ctx context.Context, name string) (string, error) {
	id := ""
	if name != "" {
		pr, err := p.Projects.Project(ctx, name)
		if err != nil {
			return "", err
		}
		id = pr.ID
	}
	if !web.ViewerFrom(ctx).May(access.OnCallManage, id) {
		return "", mainstay.Errorf(mainstay.Denied, "You may not manage on-call there.")
	}
	return id, nil
}

// holds checks a precondition against what was found by name: what is not there, or belongs to the installation instead, has no
// version yet.
func (p *Pages) holds(c web.Precondition, own bool, version int64, err error) error {
	switch {
	case mainstay.Is(err, mainstay.NotFound), err == nil && !own:
		return c.Holds(0)
	case err != nil:
		return err
	}
	return c.Holds(version)
}

func (p *Pages) apiPutSchedule(ctx context.Context, in *putSchedule) (*web.Out[Schedule], error) {
	id, err := p.target(ctx, in.Project)
	if err != nil {
		return nil, err
	}
	before, err := p.Service.ScheduleByName(ctx, id, in.Name, time.Time{}, time.Time{})
	if err = p.holds(in.Precondition, before.Project == id, before.Revision, err); err != nil {
		return nil, err
	}
	if _, err := p.Service.DefineSchedule(ctx, web.ViewerFrom(ctx).Actor, id, in.Name, in.Body); err != nil {
		return nil, err
	}
	s, err := p.Service.ScheduleByName(ctx, id, in.Name, time.Time{}, time.Time{})
	if err != nil {
		return nil, err
	}
	v, err := p.viewSchedule(ctx, s)
	return &web.Out[Schedule]{ETag: web.ETag(v.Version), Body: v}, err
}

func (p *Pages) apiOnCall(ctx context.Context, in *dutyIn) (*web.Out[Duty], error) {
	at := in.At
	if at.IsZero() {
		at = p.Time.Now()
	}
	d, ok, err := p.Service.OnCall(ctx, web.RefFrom(ctx).ID, at)
	if err != nil || !ok {
		return &web.Out[Duty]{Body: Duty{At: at.UTC()}}, err
	}
	f, err := p.folk(ctx, []string{d.Person})
	out := Duty{At: at.UTC(), Person: d.Person, Name: f[d.Person].Name, Layer: d.Layer, From: d.Turn.From.UTC(), Until: d.Turn.Until.UTC(), By: "rotation"}
	if d.Override != nil {
		out.By = "override"
	}
	return &web.Out[Duty]{Body: out}, err
}

func (p *Pages) apiShifts(ctx context.Context, in *shiftsIn) (*web.Out[web.List[Shift]], error) {
	span := calendar.Interval{From: in.From, Until: in.Until}
	if span.From.IsZero() {
		span.From = p.Time.Now()
	}
	if span.Until.IsZero() {
		span.Until = span.From.AddDate(0, 0, 14)
	}
	list, err := p.Service.Shifts(ctx, web.RefFrom(ctx).ID, span.From, span.Until)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, s := range list {
		ids = append(ids, s.Person)
	}
	f, err := p.folk(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := web.List[Shift]{Items: []Shift{}}
	at := span.From
	for _, s := range list {
		if s.From.After(at) {
			out.Items = append(out.Items, Shift{From: at.UTC(), Until: s.From.UTC()})
		}
		out.Items = append(out.Items, Shift{From: s.From.UTC(), Until: s.Until.UTC(), Person: s.Person, Name: f[s.Person].Name, Override: s.Override})
		at = s.Until
	}
	if at.Before(span.Until) {
		out.Items = append(out.Items, Shift{From: at.UTC(), Until: span.Until.UTC()})
	}
	return &web.Out[web.List[Shift]]{Body: out}, nil
}

func (p *Pages) apiOverride(ctx context.Context, in *overrideIn) (*struct{}, error) {
	o := escalation.Override{Person: in.Body.Person, From: in.Body.From, Until: in.Body.Until, Reason: in.Body.Reason}
	if !mainstay.ValidID(o.Person) {
		who, err := p.People.ByName(ctx, o.Person)
		if err != nil && !mainstay.Is(err, mainstay.NotFound) {
			return nil, err
		}
		o.Person = who.ID
	}
	return nil, p.Service.Override(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID, o)
}

func (p *Pages) apiRemoveOverride(ctx context.Context, in *removeIn) (*struct{}, error) {
	return nil, p.Service.RemoveOverride(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID, in.Override)
}

// Policy is a policy as the API shows it.
type Policy struct {
	ID      string                `json:"id"`
	Project string                `json:"project" doc:"id, or installation"`
	Name    string                `json:"name"`
	Title   string                `json:"title"`
	Spec    escalation.PolicySpec `json:"spec" doc:"as a manifest says it"`
	Version int64                 `json:"version"`
}

func viewPolicy(v escalation.Policy) Policy {
	return Policy{ID: v.ID, Project: v.Project, Name: v.Name, Title: v.Called(), Spec: v.Spec(), Version: v.Revision}
}

type putPolicy struct {
	Name    string `path:"name"`
	Project string `query:"project" doc:"id or name; the installation's when absent"`
	web.Precondition
	Body escalation.PolicySpec
}

func (p *Pages) apiPolicies(rt *web.Router) {
	web.API(rt, web.Route{Method: "GET", Pattern: "/policies", Permission: access.OnCallRead},
		web.Doc{Summary: "List escalation policies", Tag: "policies"}, p.apiListPolicies)
	web.API(rt, web.Route{Method: "GET", Pattern: "/policies/{id}", Permission: access.OnCallRead, Kind: mainstay.KindPolicy},
		web.Doc{Summary: "One policy, by id or name", Tag: "policies"}, p.apiPolicy)
	web.API(rt, web.Route{Method: "PUT", Pattern: "/policies/{name}", Permission: access.OnCallManage, Names: mainstay.KindPolicy},
		web.Doc{Summary: "Make or change a policy; idempotent", Tag: "policies"}, p.apiPutPolicy)
}

func (p *Pages) apiListPolicies(ctx context.Context, in *struct{ web.Query }) (*web.Out[web.List[Policy]], error) {
	projects, err := p.within(ctx, in.Query, access.OnCallRead, true)
	if err != nil {
		return nil, err
	}
	list, err := p.Service.Policies(ctx, projects)
	if err != nil {
		return nil, err
	}
	out := web.List[Policy]{Items: []Policy{}}
	for _, v := range list {
		if v.Project+"/"+v.Name <= in.Cursor {
			continue
		}
		if len(out.Items) == in.Limit {
			last := out.Items[len(out.Items)-1]
			out.Next = last.Project + "/" + last.Name
			break
		}
		out.Items = append(out.Items, viewPolicy(v))
	}
	return &web.Out[web.List[Policy]]{Body: out}, nil
}

func (p *Pages) apiPolicy(ctx context.Context, _ *oneIn) (*web.Out[Policy], error) {
	v, err := p.Service.Policy(ctx, web.ProjectFrom(ctx), web.RefFrom(ctx).ID)
	return &web.Out[Policy]{ETag: web.ETag(v.Revision), Body: viewPolicy(v)}, err
}

func (p *Pages) apiPutPolicy(ctx context.Context, in *putPolicy) (*web.Out[Policy], error) {
	id, err := p.target(ctx, in.Project)
	if err != nil {
		return nil, err
	}
	before, err := p.Service.Policy(ctx, id, in.Name)
	if err = p.holds(in.Precondition, before.Project == id, before.Revision, err); err != nil {
		return nil, err
	}
	if _, err := p.Service.DefinePolicy(ctx, web.ViewerFrom(ctx).Actor, id, in.Name, in.Body); err != nil {
		return nil, err
	}
	v, err := p.Service.Policy(ctx, id, in.Name)
	return &web.Out[Policy]{ETag: web.ETag(v.Revision), Body: viewPolicy(v)}, err
}
