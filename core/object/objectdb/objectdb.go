// Package objectdb keeps the register of objects, their numbers and links in the database. It never deletes an object that is
// still linked without its links.
package objectdb

import (
	"context"
	"embed"
	"io/fs"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the register's tables.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "object", Files: sub}
}

// Store is the register in the database. It implements object.Register.
type Store struct{ db *storage.DB }

// New makes the store.
func New(db *storage.DB) *Store { return &Store{db} }

// NextNumber takes the next number of a kind in the write transaction that ctx carries. A rolled-back transaction gives it back.
func (s *Store) NextNumber(ctx context.Context, kind mainstay.Kind) (int64, error) {
	return s.NextNumbers(ctx, kind, 1)
}

// NextNumbers takes n numbers in a row and returns the first.
func (s *Store) NextNumbers(ctx context.Context, kind mainstay.Kind, n int) (int64, error) {
	last, err := storage.One(ctx, s.db, storage.Value[int64], `INSERT INTO object_counter (kind, last) VALUES ($1, $2)
		ON CONFLICT (kind) DO UPDATE SET last = object_counter.last + excluded.last RETURNING last`, string(kind), n)
	return last - int64(n) + 1, err
}

// Behind lists the kinds whose next number has been given already. It is none, unless somebody has changed the database by hand.
func (s *Store) Behind(ctx context.Context) ([]string, error) {
	return storage.All(ctx, s.db, storage.Value[string], `SELECT o.kind FROM object o LEFT JOIN object_counter c ON c.kind = o.kind
		WHERE o.number > 0 GROUP BY o.kind, c.last HAVING MAX(o.number) > COALESCE(c.last, 0) ORDER BY o.kind`)
}

// Save registers, updates or forgets objects in the write transaction that ctx carries.
func (s *Store) Save(ctx context.Context, list []commit.Object) error {
	for _, o := range list {
		var err error
		if o.Deleted {
			err = s.forget(ctx, o.Ref)
		} else {
			err = s.save(ctx, o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) save(ctx context.Context, o commit.Object) error {
	if o.Project == "" {
		o.Project = mainstay.Installation
	}
	if o.Labels == nil {
		o.Labels = map[string]string{}
	}
	secret, err := s.secret(ctx, o)
	if err != nil {
		return err
	}
	_, err = s.db.Exec(ctx, `INSERT INTO object (kind, id, number, project, name, title, state, labels, private, secret, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (kind, id) DO UPDATE SET number = excluded.number, project = excluded.project, name = excluded.name,
			title = excluded.title, state = excluded.state, labels = excluded.labels, private = excluded.private,
			secret = excluded.secret, updated_at = excluded.updated_at`,
		string(o.Ref.Kind), o.Ref.ID, o.Number, o.Project, o.Name, o.Title, o.State, storage.JSON(o.Labels), o.Private, secret, storage.Micros(o.At))
	if err != nil || secret != o.Ref.ID {
		return err
	}
	return s.saveReaders(ctx, secret, o.Readers)
}

// secret is the id of the object whose readers may know of this one, "" when it is not private. What it hangs on was saved before it;
// when that is not private, or not known, only those who manage incidents may know of it.
func (s *Store) secret(ctx context.Context, o commit.Object) (string, error) {
	if !o.Private {
		return "", nil
	}
	if o.Of.IsZero() {
		return o.Ref.ID, nil
	}
	found, err := storage.All(ctx, s.db, storage.Value[string], `SELECT secret FROM object WHERE kind = $1 AND id = $2 AND secret <> ''`,
		string(o.Of.Kind), o.Of.ID)
	if err != nil || len(found) == 0 {
		return o.Ref.ID, err
	}
	return found[0], nil
}

func (s *Store) saveReaders(ctx context.Context, secret string, persons []string) error {
	if _, err := s.db.Exec(ctx, `DELETE FROM object_reader WHERE secret = $1`, secret); err != nil {
		return err
	}
	for _, p := range persons {
		if _, err := s.db.Exec(ctx, `INSERT INTO object_reader (secret, person) VALUES ($1, $2) ON CONFLICT DO NOTHING`, secret, p); err != nil {
			return err
		}
	}
	return nil
}

// Known lists the ids of the private objects that the person may know of without managing incidents, ascending.
func (s *Store) Known(ctx context.Context, person string) ([]string, error) {
	return storage.All(ctx, s.db, storage.Value[string], `SELECT o.id FROM object_reader r JOIN object o ON o.secret = r.secret
		WHERE r.person = $1 AND r.secret <> '' AND o.secret <> '' ORDER BY o.id`, person)
}

func (s *Store) forget(ctx context.Context, r mainstay.Ref) error {
	if _, err := s.db.Exec(ctx, `DELETE FROM object_link WHERE from_kind = $1 AND from_id = $2 OR to_kind = $3 AND to_id = $4`,
		string(r.Kind), r.ID, string(r.Kind), r.ID); err != nil {
		return err
	}
	if _, err := s.db.Exec(ctx, `DELETE FROM object_reader WHERE secret = $1`, r.ID); err != nil {
		return err
	}
	_, err := s.db.Exec(ctx, `DELETE FROM object WHERE kind = $1 AND id = $2`, string(r.Kind), r.ID)
	return err
}

// SaveLinks adds or drops links in the write transaction that ctx carries.
func (s *Store) SaveLinks(ctx context.Context, list []commit.Link) error {
	for _, l := range list {
		query := `INSERT INTO object_link (from_kind, from_id, type, to_kind, to_id, at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`
		args := []any{string(l.From.Kind), l.From.ID, l.Type, string(l.To.Kind), l.To.ID, storage.Micros(l.At)}
		if l.Drop {
			query = `DELETE FROM object_link WHERE from_kind = $1 AND from_id = $2 AND type = $3 AND to_kind = $4 AND to_id = $5`
			args = args[:5]
		}
		if _, err := s.db.Exec(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
}

const columns = `kind, id, number, project, name, title, state, labels, private, updated_at`

func scan(s storage.Scanner) (object.Object, error) {
	var o object.Object
	err := s(&o.Ref.Kind, &o.Ref.ID, &o.Number, &o.Project, &o.Name, &o.Title, &o.State, storage.IntoJSON(&o.Labels), &o.Private, storage.Into(&o.Updated))
	return o, err
}

// Find looks an object up by id, number or name; see object.Register.
func (s *Store) Find(ctx context.Context, kind mainstay.Kind, key, project string) (object.Object, error) {
	where, args := `name = $2 ORDER BY project LIMIT 2`, []any{string(kind), key}
	if k, n, ok := mainstay.ParseNumber(key); ok && k == kind {
		where, args = `number = $2`, []any{string(kind), n}
	} else if mainstay.ValidID(key) {
		where = `id = $2`
	} else if project != "" {
		where, args = `name = $2 AND project = $3`, append(args, project)
	}
	list, err := storage.All(ctx, s.db, scan, `SELECT `+columns+` FROM object WHERE kind = $1 AND `+where, args...)
	switch {
	case err != nil:
		return object.Object{}, err
	case len(list) == 0:
		return object.Object{}, mainstay.Errorf(mainstay.NotFound, "There is no %s %q.", kind, key)
	case len(list) > 1:
		return object.Object{}, mainstay.Errorf(mainstay.Conflict, "Several projects have a %s %q: say which, or use its id.", kind, key)
	}
	return list[0], nil
}

// Many looks up objects by reference; see object.Register.
func (s *Store) Many(ctx context.Context, refs []mainstay.Ref) (map[mainstay.Ref]object.Object, error) {
	ids := map[mainstay.Kind][]string{}
	for _, r := range refs {
		ids[r.Kind] = append(ids[r.Kind], r.ID)
	}
	found := map[mainstay.Ref]object.Object{}
	for kind, l := range ids {
		list, err := storage.All(ctx, s.db, scan, `SELECT `+columns+` FROM object WHERE kind = $1 AND `+s.db.In("id", "$2"),
			string(kind), storage.List(l))
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			found[o.Ref] = o
		}
	}
	return found, nil
}

// List returns the objects of a kind in a project ("" for all), by name and id, after the given id, at most limit.
func (s *Store) List(ctx context.Context, kind mainstay.Kind, project, after string, limit int) ([]object.Object, error) {
	return storage.All(ctx, s.db, scan, `SELECT `+columns+` FROM object
		WHERE kind = $1 AND ($2 = '' OR project = $3) AND id > $4 ORDER BY id LIMIT $5`, string(kind), project, project, after, limit)
}

// Links lists the links from and to the object; see object.Register.
func (s *Store) Links(ctx context.Context, r mainstay.Ref) ([]object.Link, error) {
	return storage.All(ctx, s.db, func(sc storage.Scanner) (object.Link, error) {
		var l object.Link
		err := sc(&l.From.Kind, &l.From.ID, &l.Type, &l.To.Kind, &l.To.ID, storage.Into(&l.At))
		return l, err
	}, `SELECT from_kind, from_id, type, to_kind, to_id, at FROM object_link
		WHERE from_kind = $1 AND from_id = $2 OR to_kind = $3 AND to_id = $4 ORDER BY at, from_id, to_id LIMIT 500`,
		string(r.Kind), r.ID, string(r.Kind), r.ID)
}

var _ object.Register = (*Store)(nil)
