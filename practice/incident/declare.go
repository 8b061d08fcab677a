package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/fact"
)

// TimerStep is the kind of the timer of a step; its subject is the incident's id, a slash and the step's number.
const TimerStep = "incident.step"

// Declaration is what is known when an incident is declared. Only Project, Title and Severity must be given.
type Declaration struct {
	Project   string // id
	Title     string
	Severity  mainstay.Severity
	Services  []string // ids
	StartedAt time.Time
	Private   bool
	Plan      string         // name or id; "" lets the best fitting one be chosen
	Commander string         // person id; "" for the declarer, else whoever is on call
	Links     []mainstay.Ref // alerts, pages and other incidents it comes from
	Request   string         // id of the fact that asked for it
	// DetectedAt and AcknowledgedAt are found from the linked alerts and pages when zero.
	DetectedAt, AcknowledgedAt time.Time
}

func (d *Declaration) check(now time.Time) error {
	var f mainstay.Faults
	d.Title = strings.TrimSpace(d.Title)
	checkTitle(&f, d.Title)
	if !d.Severity.Valid() {
		f.Add("severity", "Choose sev-1 to sev-4.")
	}
	if d.Project == "" || d.Project == mainstay.Installation {
		f.Add("project", "Say which project is disrupted.")
	}
	if d.StartedAt.After(now) {
		f.Add("started", "It cannot have begun in the future.")
	}
	return f.Err()
}

func checkTitle(f *mainstay.Faults, title string) {
	switch n := utf8.RuneCountInString(title); {
	case n == 0:
		f.Add("title", "Say in a few words what is wrong.")
	case n > MaxTitle:
		f.Add("title", "The title is longer than %d characters.", MaxTitle)
	}
}

// begin makes the incident of a checked declaration under a plan, with all that commits with it.
func begin(now time.Time, number int64, by mainstay.Actor, d Declaration, plan Snapshot) (Incident, commit.Set) {
	plan.Spec = plan.Spec.normal()
	i := Incident{
		ID: mainstay.NewID(now), Number: number, Project: d.Project, Title: d.Title, Severity: d.Severity, State: Open,
		Services: slices.Clone(d.Services), Private: d.Private, DeclaredBy: by, DeclaredAt: now, ChangedAt: now,
		Request: d.Request, Plan: plan, Phases: map[Phase]time.Time{}, Version: 1,
	}
	for _, r := range plan.Spec.Roles {
		i.Roles = append(i.Roles, Role{Role: r})
	}
	for n, st := range plan.Spec.Steps {
		s := Step{Number: n + 1, Title: st.Title, Role: st.Role, Template: st.Template, State: Todo}
		if st.Within > 0 {
			s.Due = now.Add(st.Within.Duration())
		}
		i.Steps = append(i.Steps, s)
	}
	started := d.StartedAt
	if started.IsZero() || started.After(now) {
		started = now
	}
	subjects := []mainstay.Ref{i.Ref()}
	subjects = append(subjects, d.Links...)
	for _, s := range d.Services {
		subjects = append(subjects, mainstay.Ref{Kind: mainstay.KindService, ID: s})
	}
	set := commit.Set{Facts: []fact.Fact{fact.New(now, i.Project, by, fact.IncidentDeclared{
		Number: number, Title: i.told(i.Title), Severity: string(i.Severity), Plan: plan.Name, PlanVersion: plan.Version,
		Private: i.Private, Services: i.Services, StartedAt: started, Request: d.Request,
	}, subjects...)}}
	set.Add(i.reach(now, by, Started, started))
	if at := d.DetectedAt; !at.IsZero() {
		set.Add(i.reach(now, by, Detected, at))
	} else {
		set.Add(i.reach(now, by, Detected, now))
	}
	if at := d.AcknowledgedAt; !at.IsZero() {
		set.Add(i.reach(now, by, Acknowledged, at))
	}
	for _, r := range d.Links {
		set.Add(i.tie(now, r))
	}
	if d.Commander != "" {
		set.Add(i.give(now, by, Commander, d.Commander))
	}
	set.Timers = append(set.Timers, i.stepTimers()...)
	set.Objects = append(set.Objects, i.object(now))
	return i, set
}

func (i Incident) stepTimers() []timer.Timer {
	var list []timer.Timer
	for _, s := range i.Steps {
		if s.State == Todo && !s.Due.IsZero() && s.OverdueAt.IsZero() {
			list = append(list, timer.Timer{Kind: TimerStep, Subject: i.stepSubject(s.Number), Project: i.Project, Due: s.Due})
		}
	}
	return list
}

func (i Incident) stepSubject(number int) string { return fmt.Sprintf("%s/%d", i.ID, number) }

// object is the incident's entry in the register.
func (i Incident) object(now time.Time) commit.Object {
	return commit.Object{
		Ref: i.Ref(), Number: i.Number, Project: i.Project, Title: i.Title, State: string(i.State), Private: i.Private,
		Readers: i.readers(), Labels: map[string]string{"severity": string(i.Severity)}, At: now,
	}
}

// reach notes a phase once. The fact happened at the time of the phase. A phase that is set already stays.
func (i *Incident) reach(now time.Time, by mainstay.Actor, p Phase, at time.Time) commit.Set {
	if !i.Phases[p].IsZero() {
		return commit.Set{}
	}
	i.Phases[p] = at
	return commit.Set{Facts: []fact.Fact{
		fact.New(now, i.Project, by, fact.IncidentPhaseReached{Phase: string(p)}, i.Ref()).Happened(at),
	}}
}

// tie links an object once, without a fact: the caller's fact names it as a subject.
func (i *Incident) tie(now time.Time, r mainstay.Ref) commit.Set {
	if r.IsZero() || r == i.Ref() || slices.ContainsFunc(i.Links, func(l Link) bool { return l.Ref == r }) {
		return commit.Set{}
	}
	l := Link{Ref: r, Type: Related, At: now}
	if r.Kind == mainstay.KindAlert || r.Kind == mainstay.KindPage {
		l.Type = Includes
	}
	i.Links = append(i.Links, l)
	return commit.Set{Links: []commit.Link{{From: i.Ref(), Type: l.Type, To: r, At: now}}}
}

// give assigns a role and tells its new holder.
func (i *Incident) give(now time.Time, by mainstay.Actor, role, person string) commit.Set {
	for n := range i.Roles {
		if i.Roles[n].Role == role {
			i.Roles[n].Person, i.Roles[n].Since = person, now
		}
	}
	set := commit.Set{Facts: []fact.Fact{fact.New(now, i.Project, by, fact.IncidentRoleAssigned{Role: role, Person: person}, i.Ref())}}
	if person != "" && by != mainstay.Person(person) {
		key := fmt.Sprintf("incident.role/%s/%s/%s/%d", i.ID, role, person, now.UnixMicro())
		set.Notices = []commit.Notice{i.notice(now, key, person, "You are the "+role+".", time.Time{})}
	}
	return set
}

// notice tells a person something about the incident.
func (i Incident) notice(now time.Time, key, person, event string, due time.Time) commit.Notice {
	n := commit.Notice{Key: key, Project: i.Project, Subject: i.Ref(), Person: person, At: now}
	return notify.Notice(n, notify.TemplateIncident, notify.IncidentData{
		Incident: i.ID, Number: i.Key(), Title: i.Title, Event: event, Severity: string(i.Severity), State: string(i.State),
		Since: i.StartedAt(), Due: due, URL: "/incidents/" + i.Key(),
	})
}
