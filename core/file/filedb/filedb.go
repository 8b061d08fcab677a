// Package filedb owns the table of exhibits. It never touches a content.
package filedb

import (
	"context"
	"embed"
	"io/fs"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/core/file"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the schema changes of exhibits.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return storage.Migrations{Owner: "file", Files: sub}
}

// Store keeps exhibits in the database.
type Store struct {
	db    *storage.DB
	saver *commitdb.Saver
}

var _ file.Store = (*Store)(nil)

// New makes a Store.
func New(db *storage.DB, saver *commitdb.Saver) *Store { return &Store{db, saver} }

const columns = `id, project, subject_kind, subject_id, name, sha256, size, media_type, private, by_kind, by_id, at`

func scan(s storage.Scanner) (file.Exhibit, error) {
	var e file.Exhibit
	err := s(&e.ID, &e.Project, &e.Subject.Kind, &e.Subject.ID, &e.Name, &e.SHA256, &e.Size, &e.MediaType, &e.Private,
		&e.By.Kind, &e.By.ID, storage.Into(&e.At))
	return e, err
}

// Insert implements file.Store.
func (s *Store) Insert(ctx context.Context, e file.Exhibit, set commit.Set) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		_, err := s.db.Exec(ctx, `INSERT INTO exhibit (`+columns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			e.ID, e.Project, e.Subject.Kind, e.Subject.ID, e.Name, e.SHA256, e.Size, e.MediaType, e.Private,
			e.By.Kind, e.By.ID, storage.Micros(e.At))
		if err != nil {
			return err
		}
		return s.saver.Save(ctx, set)
	})
}

// Load implements file.Store.
func (s *Store) Load(ctx context.Context, id string) (file.Exhibit, error) {
	return storage.One(ctx, s.db, scan, `SELECT `+columns+` FROM exhibit WHERE id = $1`, id)
}

// Of implements file.Store.
func (s *Store) Of(ctx context.Context, subject mainstay.Ref, limit int) ([]file.Exhibit, error) {
	return storage.All(ctx, s.db, scan, `SELECT `+columns+` FROM exhibit
		WHERE subject_id = $1 AND subject_kind = $2 ORDER BY id LIMIT $3`, subject.ID, subject.Kind, limit)
}

// Used implements file.Store.
func (s *Store) Used(ctx context.Context, sha string) (bool, error) {
	n, err := storage.One(ctx, s.db, storage.Value[int64],
		`SELECT COUNT(*) FROM (SELECT 1 FROM exhibit WHERE sha256 = $1 LIMIT 1) one`, sha)
	return n > 0, err
}

// Digests lists the contents that exhibits refer to, in order, those after the one given; at most limit.
func (s *Store) Digests(ctx context.Context, after string, limit int) ([]string, error) {
	return storage.All(ctx, s.db, storage.Value[string],
		`SELECT DISTINCT sha256 FROM exhibit WHERE sha256 > $1 ORDER BY sha256 LIMIT $2`, after, limit)
}
