package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// changed completes the set of a change: the register is told where it shows.
func (i *Incident) changed(now time.Time, set commit.Set) commit.Set {
	i.ChangedAt = now
	set.Objects = append(set.Objects, i.object(now))
	return set
}

func (i Incident) fact(now time.Time, by mainstay.Actor, p fact.Payload, more ...mainstay.Ref) commit.Set {
	return commit.Set{Facts: []fact.Fact{fact.New(now, i.Project, by, p, append([]mainstay.Ref{i.Ref()}, more...)...)}}
}

// running refuses changes of what has been closed.
func (i Incident) running() error {
	if i.State == Closed {
		return mainstay.Errorf(mainstay.Conflict, "%s is closed. Reopen it first.", i.Key())
	}
	return nil
}

func (i *Incident) step(number int) (*Step, error) {
	if number < 1 || number > len(i.Steps) {
		return nil, mainstay.Errorf(mainstay.NotFound, "%s has no step %d.", i.Key(), number)
	}
	s := &i.Steps[number-1]
	if s.State != Todo {
		return nil, mainstay.Errorf(mainstay.Conflict, "Step %d is %s already.", number, s.State)
	}
	return s, nil
}

// finish marks a step done.
func (i *Incident) finish(now time.Time, by mainstay.Actor, number int) (commit.Set, error) {
	s, err := i.step(number)
	if err != nil {
		return commit.Set{}, err
	}
	s.State, s.At, s.By = Done, now, by
	set := i.fact(now, by, fact.IncidentStepDone{Step: number, Title: s.Title, Late: s.Late(now)})
	set.Cancel = []commit.CancelTimer{{Kind: TimerStep, Subject: i.stepSubject(number)}}
	return i.changed(now, set), nil
}

// skip leaves a step out; note and digest are those of the document that holds the reason.
func (i *Incident) skip(now time.Time, by mainstay.Actor, number int, note, digest string) (commit.Set, error) {
	s, err := i.step(number)
	if err != nil {
		return commit.Set{}, err
	}
	s.State, s.At, s.By, s.Note = Skipped, now, by, note
	set := i.fact(now, by, fact.IncidentStepSkipped{Step: number, Title: s.Title, Note: note, Digest: digest})
	set.Cancel = []commit.CancelTimer{{Kind: TimerStep, Subject: i.stepSubject(number)}}
	return i.changed(now, set), nil
}

// fellDue notes once that a step's time has passed, and tells whoever should have done it. The fact happened when it was due,
// however late it is noticed. A step that is no longer to do says nothing.
func (i *Incident) fellDue(now time.Time, number int) commit.Set {
	s, err := i.step(number)
	if err != nil || i.State == Closed || !s.Late(now) || !s.OverdueAt.IsZero() {
		return commit.Set{}
	}
	s.OverdueAt = now
	set := i.fact(now, mainstay.System("incident"), fact.IncidentStepOverdue{Step: number, Title: s.Title, Role: s.Role})
	set.Facts[0] = set.Facts[0].Happened(s.Due)
	person := i.Holder(s.Role)
	if person == "" {
		person = i.Holder(Commander)
	}
	if person != "" {
		key := fmt.Sprintf("incident.step_overdue/%s/%d", i.ID, number)
		set.Notices = []commit.Notice{i.notice(now, key, person, fmt.Sprintf("Step %d is late: %s", number, s.Title), s.Due)}
	}
	return i.changed(now, set)
}

// assign gives a role to a person, or takes it back with "". The commander can only be handed over.
func (i *Incident) assign(now time.Time, by mainstay.Actor, role, person string) (commit.Set, error) {
	if err := i.running(); err != nil {
		return commit.Set{}, err
	}
	if !slices.ContainsFunc(i.Roles, func(r Role) bool { return r.Role == role }) {
		return commit.Set{}, fault("role", "The plan of %s has no role %q.", i.Key(), role)
	}
	if person == "" && role == Commander {
		return commit.Set{}, fault("person", "Somebody must command. Hand the role over instead.")
	}
	if i.Holder(role) == person {
		return commit.Set{}, nil
	}
	return i.changed(now, i.give(now, by, role, person)), nil
}

// mark sets a phase at a time. Each is set once, not in the future and not before the start.
func (i *Incident) mark(now time.Time, by mainstay.Actor, p Phase, at time.Time) (commit.Set, error) {
	if at.IsZero() {
		at = now
	}
	switch {
	case !p.Valid() || p == Ended:
		return commit.Set{}, fault("phase", "There is no phase %q to set.", p)
	case !i.Phases[p].IsZero():
		return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "%s was marked %s already.", i.Key(), p.Words())
	case at.After(now):
		return commit.Set{}, fault("at", "This time lies in the future.")
	case at.Before(i.StartedAt()):
		return commit.Set{}, fault("at", "This is before the start of the disruption.")
	}
	if err := i.running(); err != nil {
		return commit.Set{}, err
	}
	return i.changed(now, i.reach(now, by, p, at)), nil
}

// grade changes the severity. Steps keep the times that were agreed at the declaration.
func (i *Incident) grade(now time.Time, by mainstay.Actor, s mainstay.Severity) (commit.Set, error) {
	if !s.Valid() {
		return commit.Set{}, fault("severity", "Choose sev-1 to sev-4.")
	}
	if err := i.running(); err != nil || s == i.Severity {
		return commit.Set{}, err
	}
	from := i.Severity
	i.Severity = s
	return i.changed(now, i.fact(now, by, fact.IncidentSeverityChanged{Number: i.Number, From: string(from), To: string(s)})), nil
}

func (i *Incident) retitle(now time.Time, by mainstay.Actor, title string) (commit.Set, error) {
	title = strings.TrimSpace(title)
	var f mainstay.Faults
	if checkTitle(&f, title); f != nil {
		return commit.Set{}, f.Err()
	}
	if title == i.Title {
		return commit.Set{}, nil
	}
	i.Title = title
	return i.changed(now, i.fact(now, by, fact.IncidentRetitled{Number: i.Number, Title: i.told(title)})), nil
}

// addTask adds something to do that the plan did not foresee.
func (i *Incident) addTask(now time.Time, by mainstay.Actor, title, owner string) (commit.Set, error) {
	title = strings.TrimSpace(title)
	switch n := utf8.RuneCountInString(title); {
	case n == 0:
		return commit.Set{}, fault("task", "Say what is to be done.")
	case n > MaxTitle:
		return commit.Set{}, fault("task", "This is longer than %d characters.", MaxTitle)
	case len(i.Tasks) >= 500:
		return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "%s has 500 tasks already.", i.Key())
	}
	if err := i.running(); err != nil {
		return commit.Set{}, err
	}
	t := Task{ID: mainstay.NewID(now), Title: title, Owner: owner, State: Todo, AddedBy: by, AddedAt: now}
	i.Tasks = append(i.Tasks, t)
	return i.changed(now, i.fact(now, by, i.taskFact(t, "added"))), nil
}

// doTask marks a task done, or to do again.
func (i *Incident) doTask(now time.Time, by mainstay.Actor, id string, done bool) (commit.Set, error) {
	n := slices.IndexFunc(i.Tasks, func(t Task) bool { return t.ID == id })
	if n < 0 {
		return commit.Set{}, mainstay.Errorf(mainstay.NotFound, "%s has no such task.", i.Key())
	}
	t := &i.Tasks[n]
	if done == (t.State == Done) {
		return commit.Set{}, nil
	}
	word := "did"
	if t.State, t.DoneBy, t.DoneAt = Done, by, now; !done {
		t.State, t.DoneBy, t.DoneAt, word = Todo, mainstay.Actor{}, time.Time{}, "reopened"
	}
	return i.changed(now, i.fact(now, by, i.taskFact(*t, word))), nil
}

// taskFact keeps what people typed about a private incident out of the journal.
func (i Incident) taskFact(t Task, word string) fact.IncidentTaskChanged {
	if i.Private {
		t.Title = "private"
	}
	return fact.IncidentTaskChanged{Task: t.ID, Title: t.Title, State: word}
}

// noted says that somebody wrote in the timeline; happened may lie before now.
func (i *Incident) noted(now time.Time, by mainstay.Actor, kind, note, digest string, happened time.Time) (commit.Set, error) {
	if happened.After(now) {
		return commit.Set{}, fault("at", "This time lies in the future.")
	}
	set := i.fact(now, by, fact.IncidentNoted{Note: note, Digest: digest, NoteKind: kind})
	set.Facts[0] = set.Facts[0].Happened(happened)
	return i.changed(now, set), nil
}

// link ties the incident to another object.
func (i *Incident) link(now time.Time, by mainstay.Actor, r mainstay.Ref) (commit.Set, error) {
	if r == i.Ref() {
		return commit.Set{}, fault("to", "An incident cannot be linked to itself.")
	}
	set := i.tie(now, r)
	if set.IsZero() {
		return set, nil
	}
	set.Add(i.fact(now, by, fact.IncidentLinked{LinkType: i.Links[len(i.Links)-1].Type}, r))
	return i.changed(now, set), nil
}

// Left says what is still to be done or said, in words. Nothing of it forbids to resolve or close; people see it first.
func (i Incident) Left() []string {
	var left []string
	for _, s := range i.Steps {
		if s.State == Todo {
			left = append(left, fmt.Sprintf("Step %d is neither done nor skipped: %s", s.Number, s.Title))
		}
	}
	for _, t := range i.Tasks {
		if t.State == Todo {
			left = append(left, "A task is not done: "+t.Title)
		}
	}
	if !i.Private && i.Cadence() > 0 && i.Phases[FirstWord].IsZero() {
		left = append(left, "Users have not been told anything, and the plan wants that.")
	}
	if i.Phases[Acknowledged].IsZero() {
		left = append(left, "Nobody has acknowledged it.")
	}
	return left
}

// resolve says that service is restored. Mitigation is then reached too, if nobody marked it before.
func (i *Incident) resolve(now time.Time, by mainstay.Actor, at time.Time) (commit.Set, error) {
	if at.IsZero() {
		at = now
	}
	if r := i.Phases[Restored]; !r.IsZero() {
		at = r // it was marked before
	}
	switch {
	case i.State != Open:
		return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "%s is %s already.", i.Key(), i.State)
	case at.After(now):
		return commit.Set{}, fault("at", "This time lies in the future.")
	case at.Before(i.StartedAt()):
		return commit.Set{}, fault("at", "This is before the start of the disruption.")
	}
	i.State, i.ResolvedAt = Resolved, at
	set := i.reach(now, by, Mitigated, at)
	set.Add(i.reach(now, by, Restored, at))
	set.Add(i.fact(now, by, fact.IncidentResolved{
		Number: i.Number, Title: i.told(i.Title), Severity: string(i.Severity), Private: i.Private, Services: i.Services,
		StartedAt: i.StartedAt(), ResolvedAt: at,
	}))
	if i.Plan.Spec.PostOnResolve && !i.Private && !i.Phases[FirstWord].IsZero() {
		set.Add(i.fact(now, by, fact.PostWanted{Status: "resolved"}))
	}
	return i.changed(now, set), nil
}

// reopen says that it was not over. Mitigation, restoration and end are open again; what the journal says of them stays.
func (i *Incident) reopen(now time.Time, by mainstay.Actor) (commit.Set, error) {
	if i.State == Open {
		return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "%s is open.", i.Key())
	}
	i.State, i.ResolvedAt = Open, time.Time{}
	for _, p := range []Phase{Mitigated, Restored, Ended} {
		delete(i.Phases, p)
	}
	set := i.fact(now, by, fact.IncidentReopened{Number: i.Number})
	set.Timers = i.stepTimers()
	return i.changed(now, set), nil
}

// end closes a resolved incident: its steps are no longer waited for.
func (i *Incident) end(now time.Time, by mainstay.Actor) (commit.Set, error) {
	switch i.State {
	case Open:
		return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "%s goes on. Resolve it first.", i.Key())
	case Closed:
		return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "%s is closed already.", i.Key())
	}
	i.State = Closed
	set := i.reach(now, by, Ended, now)
	set.Add(i.fact(now, by, fact.IncidentClosed{Number: i.Number}))
	for _, s := range i.Steps {
		if s.State == Todo && !s.Due.IsZero() {
			set.Cancel = append(set.Cancel, commit.CancelTimer{Kind: TimerStep, Subject: i.stepSubject(s.Number)})
		}
	}
	return i.changed(now, set), nil
}

// unclose takes back a closing that nothing has followed.
func (i *Incident) unclose(now time.Time, by mainstay.Actor, version int64) (commit.Set, error) {
	if i.State != Closed || i.Version != version {
		return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "%s has changed since; the closing was not taken back. Reopen it if it was not over.", i.Key())
	}
	i.State = Resolved
	delete(i.Phases, Ended)
	set := i.fact(now, by, fact.IncidentUnclosed{Number: i.Number})
	set.Timers = i.stepTimers()
	return i.changed(now, set), nil
}

func fault(field, format string, args ...any) error {
	var f mainstay.Faults
	f.Add(field, format, args...)
	return f.Err()
}
