package incidentdb

import (
	"context"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/storage"
)

const planColumns = `p.id, p.project, p.name, v.version, v.spec, v.by_kind, v.by_id, v.at, p.retired_at`

func scanPlan(s storage.Scanner) (incident.Plan, error) {
	var p incident.Plan
	err := s(&p.ID, &p.Project, &p.Name, &p.Version, storage.IntoJSON(&p.Spec), &p.By.Kind, &p.By.ID, storage.Into(&p.At), storage.Into(&p.Retired))
	return p, err
}

const newest = ` FROM incident_plan p JOIN incident_plan_version v ON v.plan = p.id AND v.version = p.version`

// SavePlan keeps another version of a plan; see incident.Plans.
func (s *Store) SavePlan(ctx context.Context, project, name string, rule func(*incident.Plan) (commit.Set, error)) error {
	return s.In(ctx, func(ctx context.Context) error {
		var p incident.Plan
		version, err := storage.One(ctx, s.db, storage.Value[int64],
			`SELECT version FROM incident_plan WHERE project = $1 AND name = $2`+s.db.Locking(), project, name)
		if err == nil {
			p, err = storage.One(ctx, s.db, scanPlan, `SELECT `+planColumns+newest+` WHERE p.project = $1 AND p.name = $2`, project, name)
		} else if mainstay.Is(err, mainstay.NotFound) {
			err = nil
		}
		if err != nil {
			return err
		}
		if err := storage.Holds(ctx, p.ID, p.Version); err != nil {
			return err
		}
		set, err := rule(&p)
		if err != nil || set.IsZero() {
			return err
		}
		n, err := s.db.Exec(ctx, `INSERT INTO incident_plan (id, project, name, version, retired_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (project, name) DO UPDATE SET version = excluded.version, retired_at = excluded.retired_at
			WHERE incident_plan.version = $6`,
			p.ID, p.Project, p.Name, p.Version, storage.Micros(p.Retired), version)
		if err != nil {
			return err
		}
		if n == 0 {
			return mainstay.Errorf(mainstay.Conflict, "Somebody else changed this plan at the same moment. Look at it again.")
		}
		if _, err := s.db.Exec(ctx, `INSERT INTO incident_plan_version (plan, version, spec, by_kind, by_id, at) VALUES ($1, $2, $3, $4, $5, $6)`,
			p.ID, p.Version, storage.JSON(p.Spec), string(p.By.Kind), p.By.ID, storage.Micros(p.At)); err != nil {
			return err
		}
		return s.saver.Save(ctx, set)
	})
}

// Plans lists newest versions; see incident.Plans.
func (s *Store) Plans(ctx context.Context, project string) ([]incident.Plan, error) {
	return storage.All(ctx, s.db, scanPlan, `SELECT `+planColumns+newest+
		` WHERE p.retired_at = 0 AND ($1 = '' OR p.project = $2 OR p.project = $3) ORDER BY p.name, p.id LIMIT 1000`,
		project, project, mainstay.Installation)
}

// Versions lists all versions of a plan; see incident.Plans.
func (s *Store) Versions(ctx context.Context, id string) ([]incident.Plan, error) {
	return storage.All(ctx, s.db, scanPlan, `SELECT `+planColumns+` FROM incident_plan p
		JOIN incident_plan_version v ON v.plan = p.id WHERE p.id = $1 ORDER BY v.version DESC LIMIT 1000`, id)
}
