package incidentdb

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/storage"
)

const columns = `id, number, project, title, severity, state, services, private, declared_kind, declared_id, declared_at, resolved_at,
	changed_at, request, plan, phases, version`

func scan(s storage.Scanner) (incident.Incident, error) {
	i := incident.Incident{Phases: map[incident.Phase]time.Time{}}
	err := s(&i.ID, &i.Number, &i.Project, &i.Title, &i.Severity, &i.State, storage.IntoJSON(&i.Services), &i.Private,
		&i.DeclaredBy.Kind, &i.DeclaredBy.ID, storage.Into(&i.DeclaredAt), storage.Into(&i.ResolvedAt), storage.Into(&i.ChangedAt),
		&i.Request, storage.IntoJSON(&i.Plan), storage.IntoJSON(&i.Phases), &i.Version)
	if i.Request == i.ID {
		i.Request = ""
	}
	return i, err
}

// load reads one incident with its parts.
func (s *Store) load(ctx context.Context, where string, args ...any) (incident.Incident, error) {
	i, err := storage.One(ctx, s.db, scan, `SELECT `+columns+` FROM incident `+where, args...)
	if err != nil {
		return i, err
	}
	list := []incident.Incident{i}
	err = s.loadParts(ctx, list)
	return list[0], err
}

// loadParts reads the steps, roles, tasks and links of incidents.
func (s *Store) loadParts(ctx context.Context, list []incident.Incident) error {
	if len(list) == 0 {
		return nil
	}
	at := map[string]*incident.Incident{}
	ids := make([]string, len(list))
	for n := range list {
		at[list[n].ID], ids[n] = &list[n], list[n].ID
	}
	in := s.db.In("incident", "$1")
	if _, err := storage.All(ctx, s.db, func(sc storage.Scanner) (struct{}, error) {
		var id string
		var v incident.Step
		err := sc(&id, &v.Number, &v.Title, &v.Role, &v.Template, storage.Into(&v.Due), &v.State, storage.Into(&v.At), &v.By.Kind, &v.By.ID,
			&v.Note, storage.Into(&v.OverdueAt))
		at[id].Steps = append(at[id].Steps, v)
		return struct{}{}, err
	}, `SELECT incident, number, title, role, template, due_at, state, at, by_kind, by_id, note, overdue_at
		FROM incident_step WHERE `+in+` ORDER BY incident, number`, storage.List(ids)); err != nil {
		return err
	}
	if _, err := storage.All(ctx, s.db, func(sc storage.Scanner) (struct{}, error) {
		var id string
		var v incident.Role
		err := sc(&id, &v.Role, &v.Person, storage.Into(&v.Since))
		at[id].Roles = append(at[id].Roles, v)
		return struct{}{}, err
	}, `SELECT incident, role, person, since FROM incident_role WHERE `+in+` ORDER BY incident, position`, storage.List(ids)); err != nil {
		return err
	}
	if _, err := storage.All(ctx, s.db, func(sc storage.Scanner) (struct{}, error) {
		var id string
		var v incident.Task
		err := sc(&v.ID, &id, &v.Title, &v.Owner, &v.State, &v.AddedBy.Kind, &v.AddedBy.ID, storage.Into(&v.AddedAt),
			&v.DoneBy.Kind, &v.DoneBy.ID, storage.Into(&v.DoneAt))
		at[id].Tasks = append(at[id].Tasks, v)
		return struct{}{}, err
	}, `SELECT id, incident, title, owner, state, added_kind, added_id, added_at, done_kind, done_id, done_at
		FROM incident_task WHERE `+in+` ORDER BY incident, id`, storage.List(ids)); err != nil {
		return err
	}
	_, err := storage.All(ctx, s.db, func(sc storage.Scanner) (struct{}, error) {
		var id string
		var v incident.Link
		err := sc(&id, &v.Ref.Kind, &v.Ref.ID, &v.Type, storage.Into(&v.At))
		at[id].Links = append(at[id].Links, v)
		return struct{}{}, err
	}, `SELECT incident, kind, id, type, at FROM incident_link WHERE `+in+` ORDER BY incident, at, kind, id`, storage.List(ids))
	return err
}

// clone is a copy whose parts may be changed.
func clone(i incident.Incident) incident.Incident {
	i.Services, i.Steps, i.Roles = slices.Clone(i.Services), slices.Clone(i.Steps), slices.Clone(i.Roles)
	i.Tasks, i.Links, i.Phases = slices.Clone(i.Tasks), slices.Clone(i.Links), maps.Clone(i.Phases)
	return i
}

// saveParts writes the parts that differ. Parts are added and changed, never removed.
func (s *Store) saveParts(ctx context.Context, was, now incident.Incident) error {
	if err := differing(was.Steps, now.Steps, func(_ int, v incident.Step) error { return s.saveStep(ctx, now.ID, v) }); err != nil {
		return err
	}
	if err := differing(was.Roles, now.Roles, func(n int, v incident.Role) error { return s.saveRole(ctx, now.ID, n, v) }); err != nil {
		return err
	}
	if err := differing(was.Tasks, now.Tasks, func(_ int, v incident.Task) error { return s.saveTask(ctx, now.ID, v) }); err != nil {
		return err
	}
	return differing(was.Links, now.Links, func(_ int, v incident.Link) error { return s.saveLink(ctx, now.ID, v) })
}

func differing[T comparable](was, now []T, save func(n int, v T) error) error {
	for n, v := range now {
		if n < len(was) && was[n] == v {
			continue
		}
		if err := save(n, v); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) saveStep(ctx context.Context, id string, v incident.Step) error {
	_, err := s.db.Exec(ctx, `INSERT INTO incident_step
		(incident, number, title, role, template, due_at, state, at, by_kind, by_id, note, overdue_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (incident, number) DO UPDATE SET state = excluded.state, at = excluded.at, by_kind = excluded.by_kind,
			by_id = excluded.by_id, note = excluded.note, overdue_at = excluded.overdue_at`,
		id, v.Number, v.Title, v.Role, v.Template, storage.Micros(v.Due), string(v.State), storage.Micros(v.At), string(v.By.Kind), v.By.ID,
		v.Note, storage.Micros(v.OverdueAt))
	return err
}

func (s *Store) saveRole(ctx context.Context, id string, n int, v incident.Role) error {
	_, err := s.db.Exec(ctx, `INSERT INTO incident_role (incident, position, role, person, since) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (incident, role) DO UPDATE SET person = excluded.person, since = excluded.since`,
		id, n, v.Role, v.Person, storage.Micros(v.Since))
	return err
}

func (s *Store) saveTask(ctx context.Context, id string, v incident.Task) error {
	_, err := s.db.Exec(ctx, `INSERT INTO incident_task
		(id, incident, title, owner, state, added_kind, added_id, added_at, done_kind, done_id, done_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, state = excluded.state, done_kind = excluded.done_kind,
			done_id = excluded.done_id, done_at = excluded.done_at`,
		v.ID, id, v.Title, v.Owner, string(v.State), string(v.AddedBy.Kind), v.AddedBy.ID, storage.Micros(v.AddedAt),
		string(v.DoneBy.Kind), v.DoneBy.ID, storage.Micros(v.DoneAt))
	return err
}

func (s *Store) saveLink(ctx context.Context, id string, v incident.Link) error {
	_, err := s.db.Exec(ctx, `INSERT INTO incident_link (incident, kind, id, type, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (incident, kind, id) DO NOTHING`, id, string(v.Ref.Kind), v.Ref.ID, v.Type, storage.Micros(v.At))
	return err
}
