package escalationdb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/storage"
)

// conditions gathers the conditions of a query with their parameters.
type conditions struct {
	words []string
	args  []any
}

// add notes a condition; every "?" in it is the parameter.
func (c *conditions) add(words string, arg any) {
	c.args = append(c.args, arg)
	c.words = append(c.words, strings.ReplaceAll(words, "?", fmt.Sprintf("$%d", len(c.args))))
}

func (c *conditions) where() string {
	if len(c.words) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.words, " AND ")
}

// parameter adds a parameter and returns its placeholder.
func (c *conditions) parameter(arg any) string {
	c.args = append(c.args, arg)
	return fmt.Sprintf("$%d", len(c.args))
}

const scheduleColumns = `id, project, name, revision, retired_at`

func scanSchedule(s storage.Scanner) (escalation.Schedule, error) {
	var v escalation.Schedule
	err := s(&v.ID, &v.Project, &v.Name, &v.Revision, storage.Into(&v.Retired))
	return v, err
}

// Schedules lists by project and name; see escalation.ScheduleStore.
func (s *Store) Schedules(ctx context.Context, q escalation.ScheduleQuery) ([]escalation.Schedule, error) {
	var c conditions
	if q.ID != "" {
		c.add("id = ?", q.ID)
	} else {
		c.words = append(c.words, "retired_at = 0")
	}
	if q.Name != "" {
		c.add("name = ?", q.Name)
	}
	if q.Projects != nil {
		c.words = append(c.words, s.db.In("project", c.parameter(storage.List(q.Projects))))
	}
	var list []escalation.Schedule
	err := s.db.View(ctx, func(ctx context.Context) (err error) {
		list, err = storage.All(ctx, s.db, scanSchedule,
			`SELECT `+scheduleColumns+` FROM schedule`+c.where()+` ORDER BY project, name LIMIT 1000`, c.args...)
		if err != nil {
			return err
		}
		return s.complete(ctx, list, q.From, q.Until)
	})
	return list, err
}

// versioned and overriding are rows with the schedule that they belong to.
type versioned struct {
	schedule string
	escalation.Version
}

type overriding struct {
	schedule string
	escalation.Override
}

func scanVersion(s storage.Scanner) (versioned, error) {
	var v versioned
	err := s(&v.schedule, &v.Number, storage.Into(&v.Effective), storage.IntoJSON(&v.Spec))
	return v, err
}

func scanOverride(s storage.Scanner) (overriding, error) {
	var o overriding
	var by string
	err := s(&o.schedule, &o.ID, &o.Person, storage.Into(&o.From), storage.Into(&o.Until), &o.Reason, &by,
		storage.Into(&o.Created), storage.Into(&o.Removed))
	o.By = actorOf(by)
	return o, err
}

// complete adds versions, and the overrides that touch [from, until).
func (s *Store) complete(ctx context.Context, list []escalation.Schedule, from, until time.Time) error {
	if len(list) == 0 {
		return nil
	}
	at := map[string]*escalation.Schedule{}
	var ids []string
	for i := range list {
		at[list[i].ID] = &list[i]
		ids = append(ids, list[i].ID)
	}
	versions, err := storage.All(ctx, s.db, scanVersion, `SELECT schedule, number, effective_at, spec FROM schedule_version
		WHERE `+s.db.In("schedule", "$1")+` ORDER BY schedule, number`, storage.List(ids))
	if err != nil {
		return err
	}
	for _, v := range versions {
		at[v.schedule].Versions = append(at[v.schedule].Versions, v.Version)
	}
	if !from.Before(until) {
		return nil
	}
	overrides, err := storage.All(ctx, s.db, scanOverride, `SELECT `+overrideColumns+` FROM schedule_override
		WHERE `+s.db.In("schedule", "$1")+` AND until_at > $2 AND from_at < $3 ORDER BY created_at, id`,
		storage.List(ids), storage.Micros(from), storage.Micros(until))
	for _, o := range overrides {
		at[o.schedule].Overrides = append(at[o.schedule].Overrides, o.Override)
	}
	return err
}

const overrideColumns = `schedule, id, person, from_at, until_at, reason, made_by, created_at, removed_at`

// farAway is later than any override.
var farAway = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// SaveSchedule loads, changes and saves a schedule; see escalation.ScheduleStore.
func (s *Store) SaveSchedule(ctx context.Context, project, name string, now time.Time, f func(*escalation.Schedule) (commit.Set, error)) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		list, err := storage.All(ctx, s.db, scanSchedule,
			`SELECT `+scheduleColumns+` FROM schedule WHERE project = $1 AND name = $2`+s.db.Locking(), project, name)
		if err != nil {
			return err
		}
		if err := s.complete(ctx, list, now, farAway); err != nil {
			return err
		}
		v := append(list, escalation.Schedule{Project: project, Name: name})[0]
		if err := storage.Holds(ctx, v.ID, v.Revision); err != nil {
			return err
		}
		set, err := f(&v)
		if err != nil || set.IsZero() {
			return err
		}
		if err := s.writeSchedule(ctx, v); err != nil {
			return err
		}
		return s.saver.Save(ctx, set)
	})
}

func (s *Store) writeSchedule(ctx context.Context, v escalation.Schedule) error {
	if _, err := s.db.Exec(ctx, `INSERT INTO schedule (`+scheduleColumns+`) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, retired_at = excluded.retired_at`,
		v.ID, v.Project, v.Name, v.Revision, storage.Micros(v.Retired)); err != nil {
		return err
	}
	for _, n := range v.Versions {
		if _, err := s.db.Exec(ctx, `INSERT INTO schedule_version (schedule, number, effective_at, spec) VALUES ($1, $2, $3, $4)
			ON CONFLICT DO NOTHING`, v.ID, n.Number, storage.Micros(n.Effective), storage.JSON(n.Spec)); err != nil {
			return err
		}
	}
	for _, o := range v.Overrides {
		if _, err := s.db.Exec(ctx, `INSERT INTO schedule_override (`+overrideColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO UPDATE SET removed_at = excluded.removed_at`,
			v.ID, o.ID, o.Person, storage.Micros(o.From), storage.Micros(o.Until), o.Reason, actorText(o.By),
			storage.Micros(o.Created), storage.Micros(o.Removed)); err != nil {
			return err
		}
	}
	return nil
}

func scanPolicy(s storage.Scanner) (escalation.Policy, error) {
	var p escalation.Policy
	var id, project, name string
	var revision int64
	err := s(&id, &project, &name, storage.IntoJSON(&p), &revision)
	p.ID, p.Project, p.Name, p.Revision = id, project, name, revision
	return p, err
}

const policyColumns = `id, project, name, definition, revision`

// Policies lists by project and name; see escalation.PolicyStore.
func (s *Store) Policies(ctx context.Context, q escalation.PolicyQuery) ([]escalation.Policy, error) {
	var c conditions
	if q.ID != "" {
		c.add("id = ?", q.ID)
	}
	if q.Name != "" {
		c.add("name = ?", q.Name)
	}
	if q.Projects != nil {
		c.words = append(c.words, s.db.In("project", c.parameter(storage.List(q.Projects))))
	}
	list, err := storage.All(ctx, s.db, scanPolicy,
		`SELECT `+policyColumns+` FROM escalation_policy`+c.where()+` ORDER BY project, name LIMIT 1000`, c.args...)
	if q.ID == "" {
		list = slices.DeleteFunc(list, func(p escalation.Policy) bool { return !p.Retired.IsZero() })
	}
	return list, err
}

// SavePolicy loads, changes and saves a policy; see escalation.PolicyStore.
func (s *Store) SavePolicy(ctx context.Context, project, name string, f func(*escalation.Policy) (commit.Set, error)) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		list, err := storage.All(ctx, s.db, scanPolicy,
			`SELECT `+policyColumns+` FROM escalation_policy WHERE project = $1 AND name = $2`+s.db.Locking(), project, name)
		if err != nil {
			return err
		}
		p := append(list, escalation.Policy{Project: project, Name: name})[0]
		if err := storage.Holds(ctx, p.ID, p.Revision); err != nil {
			return err
		}
		set, err := f(&p)
		if err != nil || set.IsZero() {
			return err
		}
		if p.ID == "" {
			return mainstay.Errorf(mainstay.Internal, "a policy without an id")
		}
		if _, err := s.db.Exec(ctx, `INSERT INTO escalation_policy (`+policyColumns+`) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (id) DO UPDATE SET definition = excluded.definition, revision = excluded.revision`,
			p.ID, p.Project, p.Name, storage.JSON(p), p.Revision); err != nil {
			return err
		}
		return s.saver.Save(ctx, set)
	})
}
