package escalation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/calendar"
	"github.com/mainstayhq/mainstay/core/people"
)

// Schedule is the schedule with the id, with the overrides that touch [from, until); NotFound when there is none.
func (s *Service) Schedule(ctx context.Context, id string, from, until time.Time) (Schedule, error) {
	list, err := s.cfg.Store.Schedules(ctx, ScheduleQuery{ID: id, From: from, Until: until})
	if err != nil {
		return Schedule{}, err
	}
	if len(list) == 0 {
		return Schedule{}, mainstay.Errorf(mainstay.NotFound, "There is no such schedule.")
	}
	return list[0], nil
}

// ScheduleByName is the project's schedule of that name, else the installation's; NotFound when there is neither.
func (s *Service) ScheduleByName(ctx context.Context, project, name string, from, until time.Time) (Schedule, error) {
	list, err := s.cfg.Store.Schedules(ctx, ScheduleQuery{Name: name, Projects: scopes(project), From: from, Until: until})
	if err != nil {
		return Schedule{}, err
	}
	for _, want := range scopes(project) {
		if i := slices.IndexFunc(list, func(v Schedule) bool { return v.Project == want }); i >= 0 {
			return list[i], nil
		}
	}
	return Schedule{}, mainstay.Errorf(mainstay.NotFound, "There is no schedule %q.", name)
}

// scopes are where a name is looked for: in the project, then in the installation.
func scopes(project string) []string {
	if scope(project) == mainstay.Installation {
		return []string{mainstay.Installation}
	}
	return []string{project, mainstay.Installation}
}

// Schedules lists the schedules of the projects (nil: all), with the overrides that touch [from, until).
func (s *Service) Schedules(ctx context.Context, projects []string, from, until time.Time) ([]Schedule, error) {
	return s.cfg.Store.Schedules(ctx, ScheduleQuery{Projects: projects, From: from, Until: until})
}

// OnCall is who has the schedule's duty at the time, by the schedule's id. It reports false when nobody has it.
func (s *Service) OnCall(ctx context.Context, schedule string, at time.Time) (Duty, bool, error) {
	sch, err := s.Schedule(ctx, schedule, at, at.Add(time.Microsecond))
	if err != nil {
		return Duty{}, false, err
	}
	d, ok := sch.At(at)
	return d, ok, nil
}

// Shifts lists who has the schedule's duty in [from, until), by the schedule's id. A range of over 400 days is Invalid.
func (s *Service) Shifts(ctx context.Context, schedule string, from, until time.Time) ([]calendar.Shift, error) {
	if until.Sub(from) > 400*24*time.Hour {
		return nil, mainstay.Errorf(mainstay.Invalid, "Ask for at most 400 days at once.")
	}
	sch, err := s.Schedule(ctx, schedule, from, until)
	if err != nil {
		return nil, err
	}
	return sch.Shifts(from, until), nil
}

// OnCallPeople lists the ids of everybody who has the duty of a schedule of the project, or of the installation, at the time.
func (s *Service) OnCallPeople(ctx context.Context, project string, at time.Time) ([]string, error) {
	list, err := s.Schedules(ctx, scopes(project), at, at.Add(time.Microsecond))
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, sch := range list {
		if d, ok := sch.At(at); ok && !slices.Contains(ids, d.Person) {
			ids = append(ids, d.Person)
		}
	}
	return ids, nil
}

// Reach finds the people that a step leads to, and names every target that leads to nobody. A person that two targets lead to
// is reached once.
func (s *Service) Reach(ctx context.Context, step Step, at time.Time) (reached []Reached, missed []Missed, err error) {
	for _, t := range step.Targets {
		var r []Reached
		var m []Missed
		switch t.Kind {
		case mainstay.KindSchedule:
			r, m, err = s.reachSchedule(ctx, t, at)
		case mainstay.KindTeam:
			r, m, err = s.reachTeam(ctx, t)
		default:
			r = []Reached{{Person: t.ID, Target: t.String(), Why: "named by the policy"}}
		}
		if err != nil {
			return nil, nil, err
		}
		reached, missed = append(reached, r...), append(missed, m...)
	}
	return s.reachable(ctx, reached, missed)
}

func (s *Service) reachSchedule(ctx context.Context, t Target, at time.Time) ([]Reached, []Missed, error) {
	sch, err := s.Schedule(ctx, t.ID, at, at.Add(time.Microsecond))
	if mainstay.Is(err, mainstay.NotFound) {
		return nil, []Missed{{Target: t.String(), Why: "the schedule was removed"}}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	d, ok := sch.At(at)
	if !ok {
		return nil, []Missed{{Target: t.String(), Why: "nobody is on call"}}, nil
	}
	return []Reached{{Person: d.Person, Target: t.String(), Why: d.why(&sch)}}, nil, nil
}

func (s *Service) reachTeam(ctx context.Context, t Target) (reached []Reached, missed []Missed, err error) {
	team, err := s.cfg.People.Team(ctx, t.ID)
	if mainstay.Is(err, mainstay.NotFound) {
		return nil, []Missed{{Target: t.String(), Why: "the team was removed"}}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for _, m := range team.Members {
		reached = append(reached, Reached{Person: m.Person, Target: t.String(), Why: "member of team " + team.Name})
	}
	if len(reached) == 0 {
		missed = []Missed{{Target: t.String(), Why: "the team has no members"}}
	}
	return reached, missed, nil
}

// reachable moves those who cannot be told anything from the reached to the missed.
func (s *Service) reachable(ctx context.Context, found []Reached, missed []Missed) ([]Reached, []Missed, error) {
	if len(found) == 0 {
		return nil, missed, nil
	}
	ids := make([]string, len(found))
	for i, r := range found {
		ids[i] = r.Person
	}
	persons, err := s.cfg.People.ByIDs(ctx, ids)
	if err != nil {
		return nil, nil, fmt.Errorf("looking up who is to be paged: %w", err)
	}
	var reached []Reached
	for _, r := range found {
		p, ok := persons[r.Person]
		if why := unreachable(p, ok); why != "" {
			missed = append(missed, Missed{Target: r.Target, Person: r.Person, Why: why})
			continue
		}
		if i := slices.IndexFunc(reached, func(o Reached) bool { return o.Person == r.Person }); i >= 0 {
			reached[i].Why += "; " + r.Why
			continue
		}
		reached = append(reached, r)
	}
	return reached, missed, nil
}

// unreachable says why a person cannot be paged, "" when they can.
func unreachable(p people.Person, known bool) string {
	switch {
	case !known:
		return "the person was removed"
	case !p.Active():
		return "the account is deactivated"
	case !slices.ContainsFunc(p.Contacts, people.Contact.Verified):
		return "the person has no confirmed address"
	}
	return ""
}

// Coming is a step that is still to be taken, and whom it would reach as things stand.
type Coming struct {
	Step, Repeat int
	At           time.Time // when it is due; zero when only a person can bring it about
	End          bool      // no step: the policy ends unanswered then
	Reached      []Reached
	Missed       []Missed
}

// Next is what comes next for the page: the step that is due, or the end. For a page that asks nobody any more it is the step
// that escalating by hand would take. It reports false when there is none, as for a page that is over.
func (s *Service) Next(ctx context.Context, p Page) (Coming, bool, error) {
	if p.State == Resolved || len(p.Policy.Steps) == 0 {
		return Coming{}, false, nil
	}
	step, repeat, _, ok := p.following(p.State != Open)
	c := Coming{Step: step, Repeat: repeat, At: p.NextAt, End: !ok}
	if !ok {
		return c, true, nil
	}
	when := c.At
	if now := s.cfg.Time.Now(); when.Before(now) {
		when = now
	}
	var err error
	c.Reached, c.Missed, err = s.Reach(ctx, p.Policy.Steps[step-1], when)
	return c, true, err
}
