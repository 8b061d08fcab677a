package warningdb

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/storage"
)

func placeholder(n int) string { return "$" + strconv.Itoa(n) }

const routeColumns = `id, project, name, service, spec, version`

func scanRoute(s storage.Scanner) (warning.Route, error) {
	var r warning.Route
	err := s(&r.ID, &r.Project, &r.Name, &r.ServiceID, storage.IntoJSON(&r.Spec), &r.Version)
	return r, err
}

// Routes lists routes; see warning.RouteStore.
func (s *Store) Routes(ctx context.Context, project string) ([]warning.Route, error) {
	return storage.All(ctx, s.db, scanRoute, `SELECT `+routeColumns+` FROM route WHERE ($1 = '' OR project = $2) ORDER BY project, name`,
		project, project)
}

// SaveRoute changes or makes a route; see warning.RouteStore.
func (s *Store) SaveRoute(ctx context.Context, project, name string, f func(*warning.Route) (commit.Set, error)) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		list, err := storage.All(ctx, s.db, scanRoute, `SELECT `+routeColumns+` FROM route WHERE project = $1 AND name = $2`+s.db.Locking(),
			project, name)
		if err != nil {
			return err
		}
		var r warning.Route
		if len(list) > 0 {
			r = list[0]
		}
		if err := storage.Holds(ctx, r.ID, r.Version); err != nil {
			return err
		}
		before := r.Version
		set, err := f(&r)
		if err != nil || r.Version == before {
			return err
		}
		n, err := s.db.Exec(ctx, `INSERT INTO route (`+routeColumns+`) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (project, name) DO UPDATE SET service = excluded.service, spec = excluded.spec, version = excluded.version
			WHERE route.id = excluded.id`,
			r.ID, project, name, r.ServiceID, storage.JSON(r.Spec), r.Version)
		if err != nil {
			return err
		}
		if n == 0 {
			return mainstay.Errorf(mainstay.Conflict, "The route %s was made by somebody else at the same moment: look at it, then try again.", name)
		}
		storage.Current(ctx).AfterCommit(s.changed)
		return s.saver.Save(ctx, set)
	})
}

// DeleteRoute removes a route; see warning.RouteStore.
func (s *Store) DeleteRoute(ctx context.Context, project, name string, f func(warning.Route) commit.Set) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		r, err := storage.One(ctx, s.db, scanRoute, `SELECT `+routeColumns+` FROM route WHERE project = $1 AND name = $2`+s.db.Locking(),
			project, name)
		if err != nil {
			return err
		}
		if err := storage.Holds(ctx, r.ID, r.Version); err != nil {
			return err
		}
		if _, err := s.db.Exec(ctx, `DELETE FROM route WHERE id = $1`, r.ID); err != nil {
			return err
		}
		storage.Current(ctx).AfterCommit(s.changed)
		return s.saver.Save(ctx, f(r))
	})
}

const beatColumns = `id, project, service, name, every, state, last_at, told`

func scanBeat(s storage.Scanner) (warning.Heartbeat, error) {
	var h warning.Heartbeat
	var every int64
	err := s(&h.ID, &h.Project, &h.Service, &h.Name, &every, &h.State, storage.Into(&h.LastAt), &h.Told)
	h.Every = time.Duration(every) * time.Microsecond
	return h, err
}

// Miss notes that a heartbeat stayed out; see warning.HeartbeatStore.
func (s *Store) Miss(ctx context.Context, id string, due time.Time, then func(warning.Heartbeat)) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		list, err := storage.All(ctx, s.db, scanBeat, `SELECT `+beatColumns+` FROM heartbeat WHERE id = $1`+s.db.Locking(), id)
		if err != nil || len(list) == 0 {
			return err
		}
		h := list[0]
		if h.Due().After(due) {
			return nil
		}
		h.State, h.Told = warning.Missed, false
		if _, err := s.db.Exec(ctx, `UPDATE heartbeat SET state = $1, told = FALSE WHERE id = $2`, string(h.State), id); err != nil {
			return err
		}
		storage.Current(ctx).AfterCommit(func() { then(h) })
		return nil
	})
}

// Untold lists heartbeats without their alert; see warning.HeartbeatStore.
func (s *Store) Untold(ctx context.Context, limit int) ([]warning.Heartbeat, error) {
	return storage.All(ctx, s.db, scanBeat, `SELECT `+beatColumns+` FROM heartbeat WHERE NOT told ORDER BY id LIMIT $1`, limit)
}

// Heartbeat reads one; see warning.HeartbeatStore.
func (s *Store) Heartbeat(ctx context.Context, id string) (warning.Heartbeat, error) {
	h, err := storage.One(ctx, s.db, scanBeat, `SELECT `+beatColumns+` FROM heartbeat WHERE id = $1`, id)
	if mainstay.Is(err, mainstay.NotFound) {
		err = mainstay.Errorf(mainstay.NotFound, "There is no such heartbeat.")
	}
	return h, err
}

// Heartbeats lists heartbeats; see warning.HeartbeatStore.
func (s *Store) Heartbeats(ctx context.Context, project, after string, limit int) ([]warning.Heartbeat, error) {
	name, id := after, ""
	if i := strings.LastIndexByte(after, '/'); i >= 0 {
		name, id = after[:i], after[i+1:]
	}
	return storage.All(ctx, s.db, scanBeat, `SELECT `+beatColumns+` FROM heartbeat
		WHERE ($1 = '' OR project = $2) AND ($3 = '' OR name > $4 OR name = $5 AND id > $6) ORDER BY name, id LIMIT $7`,
		project, project, after, name, name, id, limit)
}
