// Package escalationdb keeps schedules, policies and pages in the database. It never decides anything about them.
package escalationdb

import (
	"embed"
	"io/fs"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/core/object/objectdb"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of escalation.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "escalation", Files: sub}
}

// Store implements escalation.Store.
type Store struct {
	db      *storage.DB
	saver   *commitdb.Saver
	objects *objectdb.Store
}

// New makes the store.
func New(db *storage.DB, saver *commitdb.Saver, objects *objectdb.Store) *Store {
	return &Store{db: db, saver: saver, objects: objects}
}

// actorText is an actor in one column; "" for nobody.
func actorText(a mainstay.Actor) string {
	if a.ID == "" {
		return ""
	}
	return a.String()
}

func actorOf(s string) mainstay.Actor {
	kind, id, ok := strings.Cut(s, ":")
	if !ok {
		return mainstay.Actor{}
	}
	return mainstay.Actor{Kind: mainstay.ActorKind(kind), ID: id}
}

var _ escalation.Store = (*Store)(nil)
