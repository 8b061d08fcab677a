package warningdb

import (
	"context"
	"maps"
	"slices"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/storage"
)

// origin is what many alerts have in common, a row of alert_origin. Rows are never changed and only the writer adds some, so what was
// read once stays true.
type origin struct {
	project, service   string
	severity           mainstay.Severity
	format, key        string
	route, policy, why string
}

func originOf(a *warning.Alert) origin {
	return origin{a.Project, a.Service, a.Severity, a.Format, a.Key, a.Route, a.Policy, a.Why}
}

// origins gives the origins of alerts their numbers. It is used by the writer alone.
type origins struct {
	known map[origin]int64
	last  struct { // alerts of one request mostly have one origin
		origin
		id int64
	}
}

// originIDs returns the number of each alert's origin, in the write transaction that ctx carries. New ones are kept in memory once
// they are committed.
func (s *Store) originIDs(ctx context.Context, alerts []*warning.Alert) ([]int64, error) {
	o := &s.origins
	if o.known == nil {
		known, err := s.readOrigins(ctx)
		if err != nil {
			return nil, err
		}
		o.known = known
	}
	ids := make([]int64, len(alerts))
	var fresh map[origin]int64
	for i, a := range alerts {
		from := originOf(a)
		if o.last.id != 0 && from == o.last.origin {
			ids[i] = o.last.id
			continue
		}
		id, ok := o.known[from]
		if !ok {
			id = fresh[from]
		}
		if id == 0 {
			id = int64(len(o.known) + len(fresh) + 1)
			if err := s.addOrigin(ctx, id, from); err != nil {
				return nil, err
			}
			if fresh == nil {
				fresh = map[origin]int64{}
			}
			fresh[from] = id
		}
		ids[i] = id
		if fresh == nil {
			o.last.origin, o.last.id = from, id
		}
	}
	if fresh != nil {
		storage.Current(ctx).AfterCommit(func() { maps.Copy(o.known, fresh) })
	}
	return ids, nil
}

func (s *Store) readOrigins(ctx context.Context) (map[origin]int64, error) {
	known := map[origin]int64{}
	_, err := storage.All(ctx, s.db, func(sc storage.Scanner) (struct{}, error) {
		var id int64
		var from origin
		err := sc(&id, &from.project, &from.service, &from.severity, &from.format, &from.key, &from.route, &from.policy, &from.why)
		known[from] = id
		return struct{}{}, err
	}, `SELECT id, project, service, severity, format, key_id, route, policy, why FROM alert_origin`)
	return known, err
}

// originsOf are the origins of which the query may want alerts, by their numbers, and whether those are all.
func (s *Store) originsOf(ctx context.Context, q warning.Query) (from map[int64]origin, all bool, err error) {
	known, err := s.readOrigins(ctx)
	from = make(map[int64]origin, len(known))
	for o, id := range known {
		if (q.Projects == nil || slices.Contains(q.Projects, o.project)) && (q.Service == "" || o.service == q.Service) &&
			(q.Severity == "" || o.severity == q.Severity) {
			from[id] = o
		}
	}
	return from, len(from) == len(known), err
}

func (s *Store) addOrigin(ctx context.Context, id int64, from origin) error {
	_, err := s.db.Exec(ctx, `INSERT INTO alert_origin (id, project, service, severity, format, key_id, route, policy, why)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		id, from.project, from.service, string(from.severity), from.format, from.key, from.route, from.policy, from.why)
	return err
}
