// Package documentdb owns the tables of documents and their revisions. It never changes a revision.
package documentdb

import (
	"context"
	"embed"
	"io/fs"
	"math"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the schema changes of documents.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return storage.Migrations{Owner: "document", Files: sub}
}

// Store keeps documents in the database.
type Store struct{ db *storage.DB }

var _ document.Store = (*Store)(nil)

// New makes a Store.
func New(db *storage.DB) *Store { return &Store{db} }

const (
	textColumns = `d.id, r.revision, d.project, d.subject_kind, d.subject_id, d.kind, r.digest, r.author_kind, r.author_id, r.at,
		r.markdown, r.html, r.renderer`
	metaColumns = `d.id, r.revision, d.project, d.subject_kind, d.subject_id, d.kind, r.digest, r.author_kind, r.author_id, r.at,
		'', '', 0`
	newest = ` FROM document d JOIN document_revision r ON r.document = d.id AND r.revision = d.revision`
)

func scan(s storage.Scanner) (document.Revision, error) {
	var r document.Revision
	var renderer int64
	err := s(&r.Document, &r.Revision, &r.Project, &r.Subject.Kind, &r.Subject.ID, &r.Kind, &r.Digest, &r.Author.Kind,
		&r.Author.ID, storage.Into(&r.At), &r.Markdown, &r.HTML, &renderer)
	if err == nil && renderer > 0 && renderer < document.Renderer {
		r.HTML, err = document.Render(r.Markdown)
	}
	return r, err
}

// Append implements document.Store.
func (s *Store) Append(ctx context.Context, id string,
	next func(document.Revision) (document.Revision, error)) (document.Revision, error) {
	var kept document.Revision
	err := s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		// The row is locked first: PostgreSQL would join an old revision to it otherwise.
		_, err := storage.One(ctx, s.db, storage.Value[int64],
			`SELECT revision FROM document WHERE id = $1`+s.db.Locking(), id)
		was := document.Revision{}
		if err == nil {
			was, err = s.Load(ctx, id, 0)
		} else if mainstay.Is(err, mainstay.NotFound) {
			err = nil
		}
		if err != nil {
			return err
		}
		if kept, err = next(was); err != nil || was.Revision == kept.Revision {
			return err
		}
		return s.insert(ctx, kept)
	})
	return kept, err
}

func (s *Store) insert(ctx context.Context, r document.Revision) error {
	n, err := s.db.Exec(ctx, `INSERT INTO document (id, project, subject_kind, subject_id, kind, revision, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET revision = excluded.revision WHERE document.revision = excluded.revision - 1`,
		r.Document, r.Project, r.Subject.Kind, r.Subject.ID, r.Kind, r.Revision, storage.Micros(r.At))
	if err != nil {
		return err
	}
	if n == 0 {
		return mainstay.Errorf(mainstay.Conflict, "Somebody else saved this text at the same moment. Nothing was overwritten; save again.")
	}
	_, err = s.db.Exec(ctx, `INSERT INTO document_revision
		(document, revision, markdown, html, renderer, digest, author_kind, author_id, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		r.Document, r.Revision, r.Markdown, r.HTML, document.Renderer, r.Digest, r.Author.Kind, r.Author.ID, storage.Micros(r.At))
	return err
}

// Load implements document.Store.
func (s *Store) Load(ctx context.Context, id string, revision int64) (document.Revision, error) {
	if revision == 0 {
		return storage.One(ctx, s.db, scan, `SELECT `+textColumns+newest+` WHERE d.id = $1`, id)
	}
	return storage.One(ctx, s.db, scan, `SELECT `+textColumns+`
		FROM document d JOIN document_revision r ON r.document = d.id WHERE d.id = $1 AND r.revision = $2`, id, revision)
}

// LoadAll implements document.Store.
func (s *Store) LoadAll(ctx context.Context, ids []string) ([]document.Revision, error) {
	return storage.All(ctx, s.db, scan, `SELECT `+textColumns+newest+` WHERE `+s.db.In("d.id", "$1"), storage.List(ids))
}

// History implements document.Store.
func (s *Store) History(ctx context.Context, id string, before int64, limit int) ([]document.Revision, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	return storage.All(ctx, s.db, scan, `SELECT `+metaColumns+`
		FROM document d JOIN document_revision r ON r.document = d.id
		WHERE d.id = $1 AND r.revision < $2 ORDER BY r.revision DESC LIMIT $3`, id, before, limit)
}

// Of implements document.Store.
func (s *Store) Of(ctx context.Context, subject mainstay.Ref, kind string, limit int) ([]document.Revision, error) {
	return storage.All(ctx, s.db, scan, `SELECT `+textColumns+newest+`
		WHERE d.subject_id = $1 AND d.subject_kind = $2 AND ($3 = '' OR d.kind = $3) ORDER BY d.id LIMIT $4`,
		subject.ID, subject.Kind, kind, limit)
}
