package communicationdb

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/storage"
)

const componentColumns = `id, project, name, title, description, is_group, group_id, service, position, showcase, only_if_degraded,
	since, hand, reason, windows, created_at, updated_at, version, retired_at`

func scanComponent(s storage.Scanner) (communication.Component, error) {
	var c communication.Component
	err := s(&c.ID, &c.Project, &c.Name, &c.Title, &c.Description, &c.IsGroup, &c.Group, &c.Service, &c.Position, &c.Showcase,
		&c.OnlyIfDegraded, storage.Into(&c.Since), &c.Hand, &c.Reason, storage.IntoJSON(&c.Windows), storage.Into(&c.CreatedAt),
		storage.Into(&c.UpdatedAt), &c.Version, storage.Into(&c.Retired))
	return c, err
}

// Components lists components in the order of the page. There are as many as somebody defined by hand: at most 2,000 are read.
func (s *Store) Components(ctx context.Context, project string) ([]communication.Component, error) {
	list, err := storage.All(ctx, s.db, scanComponent, `SELECT `+componentColumns+` FROM component
		WHERE ($1 = '' OR project = $2) AND retired_at = 0 ORDER BY position, title, id LIMIT 2000`, project, project)
	communication.Order(list) // the engines sort text differently
	return list, err
}

// Component reads one component; within a transaction it locks it.
func (s *Store) Component(ctx context.Context, id string) (communication.Component, error) {
	c, err := storage.One(ctx, s.db, scanComponent, `SELECT `+componentColumns+` FROM component WHERE id = $1`+s.locking(ctx), id)
	if mainstay.Is(err, mainstay.NotFound) {
		err = mainstay.Errorf(mainstay.NotFound, "There is no such component.")
	}
	return c, err
}

// RetiredComponent reads one that was taken out of use.
func (s *Store) RetiredComponent(ctx context.Context, project, name string) (communication.Component, error) {
	return storage.One(ctx, s.db, scanComponent, `SELECT `+componentColumns+` FROM component
		WHERE project = $1 AND name = $2 AND retired_at > 0`+s.locking(ctx), project, name)
}

// SaveComponent writes a new or changed component and its stretch of time; see communication.ComponentStore.
func (s *Store) SaveComponent(ctx context.Context, c *communication.Component) error {
	if c.Windows == nil {
		c.Windows = []string{}
	}
	args := []any{c.ID, c.Project, c.Name, c.Title, c.Description, c.IsGroup, c.Group, c.Service, c.Position, c.Showcase,
		c.OnlyIfDegraded, storage.Micros(c.Since), string(c.Hand), c.Reason, storage.JSON(c.Windows), storage.Micros(c.CreatedAt),
		storage.Micros(c.UpdatedAt), c.Version + 1, storage.Micros(c.Retired)}
	if err := storage.Holds(ctx, c.ID, c.Version); err != nil {
		return err
	}
	query := `INSERT INTO component (` + componentColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) ON CONFLICT DO NOTHING`
	if c.Version > 0 {
		query = `UPDATE component SET project = $2, name = $3, title = $4, description = $5, is_group = $6, group_id = $7,
			service = $8, position = $9, showcase = $10, only_if_degraded = $11, since = $12, hand = $13, reason = $14,
			windows = $15, created_at = $16, updated_at = $17, version = $18, retired_at = $19 WHERE id = $1 AND version = $20`
		args = append(args, c.Version)
	}
	n, err := s.db.Exec(ctx, query, args...)
	if err != nil {
		return err
	}
	if n == 0 {
		return errStale()
	}
	c.Version++
	s.touch(ctx)
	if c.IsGroup {
		return nil // it has the state of its members, and so their past
	}
	return s.saveInterval(ctx, *c)
}

func (s *Store) saveInterval(ctx context.Context, c communication.Component) error {
	open, err := storage.All(ctx, s.db, scanInterval, `SELECT component, state, from_at, until_at FROM component_state
		WHERE component = $1 AND until_at = 0 ORDER BY from_at`, c.ID)
	if err != nil {
		return err
	}
	at := c.UpdatedAt
	for _, o := range open {
		if o.State == c.State() {
			return nil
		}
		if !at.After(o.From) { // two changes in one instant, or one that is told late
			at = o.From.Add(time.Microsecond)
		}
		if _, err := s.db.Exec(ctx, `UPDATE component_state SET until_at = $1 WHERE component = $2 AND from_at = $3`,
			storage.Micros(at), c.ID, storage.Micros(o.From)); err != nil {
			return err
		}
	}
	_, err = s.db.Exec(ctx, `INSERT INTO component_state (component, from_at, until_at, state) VALUES ($1, $2, 0, $3)`,
		c.ID, storage.Micros(at), string(c.State()))
	return err
}

func scanInterval(s storage.Scanner) (communication.Interval, error) {
	var i communication.Interval
	err := s(&i.Component, &i.State, storage.Into(&i.From), storage.Into(&i.Until))
	return i, err
}

// Intervals lists stretches of time since then, oldest first.
func (s *Store) Intervals(ctx context.Context, since time.Time) ([]communication.Interval, error) {
	return storage.All(ctx, s.db, scanInterval, `SELECT component, state, from_at, until_at FROM component_state
		WHERE until_at = 0 OR until_at > $1 ORDER BY from_at, component LIMIT 200000`, storage.Micros(since))
}

// locking locks the row that is read within Write.
func (s *Store) locking(ctx context.Context) string {
	if ctx.Value(writingKey{}) == nil {
		return ""
	}
	return s.db.Locking()
}
