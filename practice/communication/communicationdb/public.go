package communicationdb

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/storage"
)

const (
	incidentColumns = `id, project, name, status, impact, components, started_at, created_at, updated_at, monitoring_at, resolved_at, withheld`
	windowColumns   = `id, project, number, name, body, status, from_at, until_at, components, sequence, overrun, created_at, updated_at,
		started_at, ended_at`
)

func scanIncident(s storage.Scanner) (communication.PublicIncident, error) {
	var p communication.PublicIncident
	err := s(&p.ID, &p.Project, &p.Name, &p.Status, &p.Impact, storage.IntoJSON(&p.Components), storage.Into(&p.StartedAt),
		storage.Into(&p.CreatedAt), storage.Into(&p.UpdatedAt), storage.Into(&p.MonitoringAt), storage.Into(&p.ResolvedAt), &p.Withheld)
	return p, err
}

// PublicIncident reads a public copy without its updates; within a transaction it locks it.
func (s *Store) PublicIncident(ctx context.Context, id string) (communication.PublicIncident, error) {
	p, err := storage.One(ctx, s.db, scanIncident, `SELECT `+incidentColumns+` FROM public_incident WHERE id = $1`+s.locking(ctx), id)
	if mainstay.Is(err, mainstay.NotFound) {
		return communication.PublicIncident{ID: id}, nil
	}
	return p, err
}

// SavePublicIncident writes a public copy; see communication.PublicStore.
func (s *Store) SavePublicIncident(ctx context.Context, p communication.PublicIncident) error {
	if p.Components == nil {
		p.Components = []string{}
	}
	n, err := s.db.Exec(ctx, `INSERT INTO public_incident (`+incidentColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, status = excluded.status, impact = excluded.impact,
			components = excluded.components, started_at = excluded.started_at, created_at = excluded.created_at,
			updated_at = excluded.updated_at, monitoring_at = excluded.monitoring_at, resolved_at = excluded.resolved_at,
			withheld = excluded.withheld
		WHERE excluded.withheld OR NOT public_incident.withheld`,
		p.ID, p.Project, p.Name, string(p.Status), string(p.Impact), storage.JSON(p.Components), storage.Micros(p.StartedAt),
		storage.Micros(p.CreatedAt), storage.Micros(p.UpdatedAt), storage.Micros(p.MonitoringAt), storage.Micros(p.ResolvedAt), p.Withheld)
	if err != nil {
		return err
	}
	if n == 0 {
		return mainstay.Errorf(mainstay.Denied, "This incident was private. Nothing of it can be published.")
	}
	s.touch(ctx)
	return nil
}

// ForgetPublicIncident removes a copy that never had an update.
func (s *Store) ForgetPublicIncident(ctx context.Context, id string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM public_incident WHERE id = $1 AND created_at = 0`, id)
	return err
}

// AddUpdate adds an update; one whose id exists changes nothing.
func (s *Store) AddUpdate(ctx context.Context, u communication.PublicUpdate) error {
	affected := ""
	if u.Affected != nil {
		affected = storage.JSON(u.Affected)
	}
	_, err := s.db.Exec(ctx, `INSERT INTO public_update (id, parent, status, body, at, next_at, affected)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		u.ID, u.Of, u.Status, u.Body, storage.Micros(u.At), storage.Micros(u.NextUpdate), affected)
	s.touch(ctx)
	return err
}

func scanUpdate(s storage.Scanner) (communication.PublicUpdate, error) {
	var u communication.PublicUpdate
	err := s(&u.ID, &u.Of, &u.Status, &u.Body, storage.Into(&u.At), storage.Into(&u.NextUpdate), storage.IntoJSON(&u.Affected))
	return u, err
}

func scanWindow(s storage.Scanner) (communication.PublicWindow, error) {
	var w communication.PublicWindow
	err := s(&w.ID, &w.Project, &w.Number, &w.Name, &w.Text, &w.Status, storage.Into(&w.From), storage.Into(&w.Until),
		storage.IntoJSON(&w.Components), &w.Sequence, &w.Overrun, storage.Into(&w.CreatedAt), storage.Into(&w.UpdatedAt),
		storage.Into(&w.StartedAt), storage.Into(&w.EndedAt))
	return w, err
}

// PublicWindow reads the public copy of a window without its updates; the zero value with the id when there is none.
func (s *Store) PublicWindow(ctx context.Context, id string) (communication.PublicWindow, error) {
	w, err := storage.One(ctx, s.db, scanWindow, `SELECT `+windowColumns+` FROM public_window WHERE id = $1`+s.locking(ctx), id)
	if mainstay.Is(err, mainstay.NotFound) {
		return communication.PublicWindow{ID: id}, nil
	}
	return w, err
}

// SavePublicWindow writes the public copy of a window.
func (s *Store) SavePublicWindow(ctx context.Context, w communication.PublicWindow) error {
	if w.Components == nil {
		w.Components = []string{}
	}
	_, err := s.db.Exec(ctx, `INSERT INTO public_window (`+windowColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
		ON CONFLICT (id) DO UPDATE SET number = excluded.number, name = excluded.name, body = excluded.body, status = excluded.status,
			from_at = excluded.from_at, until_at = excluded.until_at, components = excluded.components, sequence = excluded.sequence,
			overrun = excluded.overrun, updated_at = excluded.updated_at, started_at = excluded.started_at, ended_at = excluded.ended_at`,
		w.ID, w.Project, w.Number, w.Name, w.Text, w.Status, storage.Micros(w.From), storage.Micros(w.Until), storage.JSON(w.Components),
		w.Sequence, w.Overrun, storage.Micros(w.CreatedAt), storage.Micros(w.UpdatedAt), storage.Micros(w.StartedAt), storage.Micros(w.EndedAt))
	s.touch(ctx)
	return err
}

// OpenWindows lists the windows that are planned or under way, the nearest first.
func (s *Store) OpenWindows(ctx context.Context) ([]communication.PublicWindow, error) {
	return storage.All(ctx, s.db, scanWindow, `SELECT `+windowColumns+` FROM public_window
		WHERE status IN ('scheduled', 'in_progress', 'verifying') ORDER BY from_at, id LIMIT 50`)
}

// What the page shows at most: the feeds and the API show the latest 50, the history a year.
const (
	maxIncidents = 500
	maxWindows   = 200
	history      = 366 * 24 * time.Hour
	barDays      = 91 * 24 * time.Hour
)

// Site reads everything that the status page shows, at one moment.
func (s *Store) Site(ctx context.Context, now time.Time) (communication.Site, map[string]bool, error) {
	site := communication.Site{At: now}
	private := map[string]bool{}
	err := s.db.View(ctx, func(ctx context.Context) error {
		var err error
		if site.Components, err = s.Components(ctx, ""); err != nil {
			return err
		}
		if site.Intervals, err = s.Intervals(ctx, now.Add(-barDays)); err != nil {
			return err
		}
		site.Incidents, err = storage.All(ctx, s.db, scanIncident, `SELECT `+incidentColumns+` FROM public_incident
			WHERE NOT withheld AND (created_at > $1 OR status <> 'resolved') ORDER BY created_at DESC, id DESC LIMIT $2`,
			storage.Micros(now.Add(-history)), maxIncidents)
		if err != nil {
			return err
		}
		site.Windows, err = storage.All(ctx, s.db, scanWindow, `SELECT `+windowColumns+` FROM public_window
			WHERE until_at > $1 OR status IN ('scheduled', 'in_progress', 'verifying') ORDER BY from_at DESC, id DESC LIMIT $2`,
			storage.Micros(now.Add(-history)), maxWindows)
		if err != nil {
			return err
		}
		if err := s.updates(ctx, &site); err != nil {
			return err
		}
		return s.private(ctx, site.Incidents, private)
	})
	communication.WithGroups(site.Components)
	return site, private, err
}

func (s *Store) updates(ctx context.Context, site *communication.Site) error {
	var ids []string
	for _, i := range site.Incidents {
		ids = append(ids, i.ID)
	}
	for _, w := range site.Windows {
		ids = append(ids, w.ID)
	}
	list, err := storage.All(ctx, s.db, scanUpdate, `SELECT id, parent, status, body, at, next_at, affected FROM public_update
		WHERE `+s.db.In("parent", "$1")+` ORDER BY at DESC, id DESC`, storage.List(ids))
	if err != nil {
		return err
	}
	of := map[string][]communication.PublicUpdate{}
	for _, u := range list {
		of[u.Of] = append(of[u.Of], u)
	}
	for k := range site.Incidents {
		site.Incidents[k].Updates = of[site.Incidents[k].ID]
	}
	for k := range site.Windows {
		site.Windows[k].Updates = of[site.Windows[k].ID]
	}
	return nil
}

// private asks the register of objects, which each incident keeps up in its own transactions.
func (s *Store) private(ctx context.Context, list []communication.PublicIncident, private map[string]bool) error {
	var refs []mainstay.Ref
	for _, i := range list {
		refs = append(refs, mainstay.Ref{Kind: mainstay.KindIncident, ID: i.ID})
	}
	objects, err := s.objects.Many(ctx, refs)
	for ref, o := range objects {
		if o.Private {
			private[ref.ID] = true
		}
	}
	return err
}
