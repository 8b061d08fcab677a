package peopledb

import (
	"context"

	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/storage"
)

// SaveErasure adds an erasure or moves it on; see people.Erasures.
func (s *Store) SaveErasure(ctx context.Context, e people.Erasure) error {
	_, err := s.db.Exec(ctx, `INSERT INTO erasure (person, pseudonym, asked_by, reason, asked_at, sealed, project, sequence, facts, done_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (person) DO UPDATE SET sealed = excluded.sealed, project = excluded.project, sequence = excluded.sequence,
			facts = excluded.facts, done_at = excluded.done_at`,
		e.Person, e.Pseudonym, e.By, e.Reason, storage.Micros(e.AskedAt), e.Sealed, e.Project, e.Sequence, e.Facts, storage.Micros(e.DoneAt))
	return err
}

// ListErasures lists erasures, oldest first; see people.Erasures.
func (s *Store) ListErasures(ctx context.Context, open bool) ([]people.Erasure, error) {
	cond := ""
	if open {
		cond = ` WHERE done_at = 0`
	}
	return storage.All(ctx, s.db, func(sc storage.Scanner) (people.Erasure, error) {
		var e people.Erasure
		err := sc(&e.Person, &e.Pseudonym, &e.By, &e.Reason, storage.Into(&e.AskedAt), &e.Sealed, &e.Project, &e.Sequence, &e.Facts,
			storage.Into(&e.DoneAt))
		return e, err
	}, `SELECT person, pseudonym, asked_by, reason, asked_at, sealed, project, sequence, facts, done_at FROM erasure`+cond+` ORDER BY asked_at, person`)
}
