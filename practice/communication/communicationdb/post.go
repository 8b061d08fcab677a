package communicationdb

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/storage"
)

const postColumns = `id, project, incident, state, status, title, body, template, components, next_seconds, next_at, drafter, decider,
	reason, request, private, drafted_at, decided_at, version`

func scanPost(s storage.Scanner) (communication.Post, error) {
	var p communication.Post
	var seconds int64
	var drafter, decider string
	var request *string
	err := s(&p.ID, &p.Project, &p.Incident, &p.State, &p.Status, &p.Title, &p.Body, &p.Template, storage.IntoJSON(&p.Components),
		&seconds, storage.Into(&p.NextUpdate), &drafter, &decider, &p.Reason, &request, &p.Private, storage.Into(&p.DraftedAt),
		storage.Into(&p.DecidedAt), &p.Version)
	p.Next = time.Duration(seconds) * time.Second
	p.Drafter, p.Decider = actor(drafter), actor(decider)
	if request != nil {
		p.Request = *request
	}
	return p, err
}

// An actor is kept as "kind:id"; nobody is "".
func actor(s string) mainstay.Actor {
	kind, id, _ := strings.Cut(s, ":")
	return mainstay.Actor{Kind: mainstay.ActorKind(kind), ID: id}
}

func actorText(a mainstay.Actor) string {
	if a == (mainstay.Actor{}) {
		return ""
	}
	return a.String()
}

// Post reads one post; within a transaction it locks it.
func (s *Store) Post(ctx context.Context, id string) (communication.Post, error) {
	p, err := storage.One(ctx, s.db, scanPost, `SELECT `+postColumns+` FROM post WHERE id = $1`+s.locking(ctx), id)
	if mainstay.Is(err, mainstay.NotFound) {
		err = mainstay.Errorf(mainstay.NotFound, "There is no such public update.")
	}
	return p, err
}

// Posts lists posts, newest first.
func (s *Store) Posts(ctx context.Context, q communication.PostQuery) ([]communication.Post, error) {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	where := []string{"NOT private"}
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	if q.Incident != "" {
		where = append(where, "incident = "+arg(q.Incident))
	}
	if q.Projects != nil {
		where = append(where, s.db.In("project", arg(storage.List(q.Projects))))
	}
	if q.State != "" {
		where = append(where, "state = "+arg(string(q.State)))
	}
	if q.Before != "" {
		where = append(where, "id < "+arg(q.Before))
	}
	return storage.All(ctx, s.db, scanPost, `SELECT `+postColumns+` FROM post WHERE `+strings.Join(where, " AND ")+` ORDER BY id DESC LIMIT `+arg(min(q.Limit, 1000)), args...)
}

// SavePost writes a new or changed post; see communication.PostStore.
func (s *Store) SavePost(ctx context.Context, p *communication.Post) (bool, error) {
	if p.Components == nil {
		p.Components = map[string]communication.State{}
	}
	var request any
	if p.Request != "" {
		request = p.Request
	}
	args := []any{p.ID, p.Project, p.Incident, string(p.State), string(p.Status), p.Title, p.Body, p.Template,
		storage.JSON(p.Components), int64(p.Next / time.Second), storage.Micros(p.NextUpdate), actorText(p.Drafter),
		actorText(p.Decider), p.Reason, request, p.Private, storage.Micros(p.DraftedAt), storage.Micros(p.DecidedAt), p.Version + 1}
	if p.Version == 0 {
		n, err := s.db.Exec(ctx, `INSERT INTO post (`+postColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) ON CONFLICT DO NOTHING`, args...)
		if err != nil || n == 0 {
			return false, err
		}
		p.Version = 1
		return true, nil
	}
	if err := storage.Holds(ctx, p.ID, p.Version); err != nil {
		return false, err
	}
	n, err := s.db.Exec(ctx, `UPDATE post SET project = $2, incident = $3, state = $4, status = $5, title = $6, body = $7, template = $8,
		components = $9, next_seconds = $10, next_at = $11, drafter = $12, decider = $13, reason = $14, request = $15,
		private = $16, drafted_at = $17, decided_at = $18, version = $19 WHERE id = $1 AND version = $20`, append(args, p.Version)...)
	if err == nil && n == 0 {
		err = errStale()
	}
	if err != nil {
		return false, err
	}
	p.Version++
	return true, nil
}

const templateColumns = `id, project, name, title, status, body, holding, updated_at, version`

// Templates lists the project's own templates and those of the installation, by name.
func (s *Store) Templates(ctx context.Context, project string) ([]communication.Template, error) {
	return storage.All(ctx, s.db, func(sc storage.Scanner) (communication.Template, error) {
		var t communication.Template
		err := sc(&t.ID, &t.Project, &t.Name, &t.Title, &t.Status, &t.Body, &t.Holding, storage.Into(&t.UpdatedAt), &t.Version)
		return t, err
	}, `SELECT `+templateColumns+` FROM post_template WHERE project = $1 OR project = $2 ORDER BY name, project LIMIT 500`,
		project, mainstay.Installation)
}

// SaveTemplate writes a new (Version 0) or changed template.
func (s *Store) SaveTemplate(ctx context.Context, t *communication.Template) error {
	n, err := s.db.Exec(ctx, `INSERT INTO post_template (`+templateColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (project, name) DO UPDATE SET title = excluded.title, status = excluded.status, body = excluded.body,
			holding = excluded.holding, updated_at = excluded.updated_at, version = excluded.version
			WHERE post_template.version = excluded.version - 1`,
		t.ID, t.Project, t.Name, t.Title, string(t.Status), t.Body, t.Holding, storage.Micros(t.UpdatedAt), t.Version+1)
	if err == nil && n == 0 {
		err = errStale()
	}
	t.Version++
	return err
}

// DeleteTemplate removes a template.
func (s *Store) DeleteTemplate(ctx context.Context, id string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM post_template WHERE id = $1`, id)
	return err
}

// Cadence reads what users are owed about an incident; within a transaction it locks it.
func (s *Store) Cadence(ctx context.Context, incident string) (communication.Cadence, error) {
	c, err := storage.One(ctx, s.db, func(sc storage.Scanner) (communication.Cadence, error) {
		var c communication.Cadence
		err := sc(&c.Incident, &c.Project, storage.Into(&c.Due), &c.Overdue, &c.First, &c.Generation)
		return c, err
	}, `SELECT incident, project, due_at, overdue, first_word, generation FROM post_cadence WHERE incident = $1`+s.locking(ctx), incident)
	if mainstay.Is(err, mainstay.NotFound) {
		return communication.Cadence{Incident: incident}, nil
	}
	return c, err
}

// SaveCadence writes what users are owed.
func (s *Store) SaveCadence(ctx context.Context, c communication.Cadence) error {
	_, err := s.db.Exec(ctx, `INSERT INTO post_cadence (incident, project, due_at, overdue, first_word, generation)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (incident) DO UPDATE SET project = excluded.project, due_at = excluded.due_at, overdue = excluded.overdue,
			first_word = excluded.first_word, generation = excluded.generation`,
		c.Incident, c.Project, storage.Micros(c.Due), c.Overdue, c.First, c.Generation)
	return err
}
