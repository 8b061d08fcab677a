package objectdb

import (
	"context"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/storage"
)

// Linked says which of the objects of a kind, by their ids, have a link to or from an object of the other kind.
func (s *Store) Linked(ctx context.Context, kind mainstay.Kind, ids []string, other mainstay.Kind) (map[string]bool, error) {
	list, err := storage.All(ctx, s.db, storage.Value[string], `SELECT from_id FROM object_link WHERE from_kind = $1 AND to_kind = $2 AND `+s.db.In("from_id", "$3")+`
		UNION SELECT to_id FROM object_link WHERE to_kind = $4 AND from_kind = $5 AND `+s.db.In("to_id", "$6"),
		string(kind), string(other), storage.List(ids), string(kind), string(other), storage.List(ids))
	has := map[string]bool{}
	for _, id := range list {
		has[id] = true
	}
	return has, err
}

// LinkedAll lists the ids of the objects of a kind that have a link to or from an object of the other kind.
func (s *Store) LinkedAll(ctx context.Context, kind, other mainstay.Kind) (map[string]bool, error) {
	list, err := storage.All(ctx, s.db, storage.Value[string], `SELECT from_id FROM object_link WHERE from_kind = $1 AND to_kind = $2
		UNION SELECT to_id FROM object_link WHERE to_kind = $3 AND from_kind = $4`, string(kind), string(other), string(kind), string(other))
	has := map[string]bool{}
	for _, id := range list {
		has[id] = true
	}
	return has, err
}
