// Package searchdb owns the index's tables: FTS5 on SQLite, tsvector on PostgreSQL. It never decides who may see a hit.
package searchdb

import (
	"context"
	"embed"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/search"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the schema changes of the index.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return storage.Migrations{Owner: "search", Files: sub, Derived: []string{"search_object.n", "search_object.words", "search_object.length"}}
}

// Store is the index in the database.
type Store struct{ db *storage.DB }

var _ search.Store = (*Store)(nil)

// New makes a Store.
func New(db *storage.DB) *Store { return &Store{db} }

// maxBody bounds how much of a text is indexed, in bytes.
const maxBody = 100_000

// IndexObjects puts objects into the index, or takes deleted ones out, in the write transaction that ctx carries. An object
// without Text keeps the text that it had.
func (s *Store) IndexObjects(ctx context.Context, list []commit.Object) error {
	for _, o := range list {
		if !slices.Contains(search.Kinds(), o.Ref.Kind) {
			continue
		}
		var err error
		if o.Deleted {
			err = s.forget(ctx, o.Ref)
		} else {
			err = s.index(ctx, o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// words is what decides whether the index must be written again.
type words struct {
	n                         int64
	name, title, body, labels string
}

func (s *Store) index(ctx context.Context, o commit.Object) error {
	now := words{name: o.Name, title: clean(o.Title), body: clean(o.Text), labels: labels(o)}
	was, err := storage.One(ctx, s.db, func(sc storage.Scanner) (words, error) {
		var w words
		err := sc(&w.n, &w.name, &w.title, &w.body, &w.labels)
		return w, err
	}, `SELECT n, name, title, body, labels FROM search_object WHERE kind = $1 AND id = $2`, o.Ref.Kind, o.Ref.ID)
	if err != nil && !mainstay.Is(err, mainstay.NotFound) {
		return err
	}
	if now.body == "" {
		now.body = was.body
	}
	if o.Project == "" {
		o.Project = mainstay.Installation
	}
	now.n, err = storage.One(ctx, s.db, storage.Value[int64],
		`INSERT INTO search_object (kind, id, number, project, name, title, state, body, labels, private, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (kind, id) DO UPDATE SET number = excluded.number, project = excluded.project, name = excluded.name,
			title = excluded.title, state = excluded.state, body = excluded.body, labels = excluded.labels,
			private = excluded.private, at = excluded.at
		RETURNING n`,
		o.Ref.Kind, o.Ref.ID, o.Number, o.Project, now.name, now.title, o.State, now.body, now.labels, o.Private, storage.Micros(o.At))
	if err != nil || was == now {
		return err
	}
	return s.write(ctx, now)
}

func (s *Store) write(ctx context.Context, w words) error {
	if !s.db.SQLite() {
		_, err := s.db.Exec(ctx, `UPDATE search_object SET words = setweight(to_tsvector('english', $1), 'A')
			|| setweight(to_tsvector('english', $2), 'B') || setweight(to_tsvector('english', $3), 'D'), length = $4 WHERE n = $5`,
			w.title, w.name+" "+w.labels, w.body, len(strings.Fields(w.title))+len(strings.Fields(w.body)), w.n)
		return err
	}
	_, err := s.db.Exec(ctx, `INSERT OR REPLACE INTO search_text (rowid, title, name, body) VALUES ($1, $2, $3, $4)`,
		w.n, w.title, w.name+" "+w.labels, w.body)
	return err
}

func (s *Store) forget(ctx context.Context, r mainstay.Ref) error {
	if s.db.SQLite() {
		_, err := s.db.Exec(ctx, `DELETE FROM search_text
			WHERE rowid = (SELECT n FROM search_object WHERE kind = $1 AND id = $2)`, r.Kind, r.ID)
		if err != nil {
			return err
		}
	}
	_, err := s.db.Exec(ctx, `DELETE FROM search_object WHERE kind = $1 AND id = $2`, r.Kind, r.ID)
	return err
}

// clean cuts a text to what is indexed; PostgreSQL takes no NUL.
func clean(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, " "), "\x00", " ")
	if len(text) > maxBody {
		cut := maxBody
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut]
	}
	return text
}

// labels is what an object is found by besides its title and text: its number and the values of its labels.
func labels(o commit.Object) string {
	values := make([]string, 0, len(o.Labels)+1)
	for _, v := range o.Labels {
		values = append(values, v)
	}
	slices.Sort(values)
	return clean(strings.TrimSpace(o.Ref.Kind.Number(o.Number) + " " + strings.Join(values, " ")))
}

// Rebuild writes the words of every object again from what is kept of it, for a database that was filled from a copy, in the write
// transaction that ctx carries.
func (s *Store) Rebuild(ctx context.Context) (err error) {
	for after, more := int64(-1), true; more && err == nil; {
		after, more, err = s.RebuildAfter(ctx, after, 200)
	}
	return err
}

// Last is the place of the newest object in the index, -1 when it is empty.
func (s *Store) Last(ctx context.Context) (int64, error) {
	return storage.One(ctx, s.db, storage.Value[int64], `SELECT coalesce(max(n), -1) FROM search_object`)
}

// RebuildAfter is Rebuild for at most so many objects after a place. It returns the place that it reached, and whether there is more.
func (s *Store) RebuildAfter(ctx context.Context, after int64, limit int) (last int64, more bool, err error) {
	list, err := storage.All(ctx, s.db, func(sc storage.Scanner) (words, error) {
		var w words
		err := sc(&w.n, &w.name, &w.title, &w.body, &w.labels)
		return w, err
	}, `SELECT n, name, title, body, labels FROM search_object WHERE n > $1 ORDER BY n LIMIT $2`, after, limit)
	for _, w := range list {
		if err == nil {
			err = s.write(ctx, w)
			after = w.n
		}
	}
	return after, len(list) == limit, err
}
