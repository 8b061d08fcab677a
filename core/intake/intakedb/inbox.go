package intakedb

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/storage"
)

// Entry is a row of the inbox.
type Entry struct {
	Seq int64
	intake.Batch
}

const inboxColumns = `seq, at, project, service, key_id, format, head, body`

const inboxWidth = 9

var inboxInserts = storage.NewInserts(`INSERT INTO inbox (`+inboxColumns+`, moved) VALUES`, inboxWidth, "")

// Put appends batches in the write transaction that ctx carries. The first gets the sequence first, and so on. Sequences ascend
// and are given out by one writer, the holder of the lease.
func (s *Store) Put(ctx context.Context, first int64, batches []*intake.Batch) error {
	args := make([]any, 0, inboxWidth*len(batches))
	for i, b := range batches {
		args = append(args, first+int64(i), storage.Micros(b.At), b.Project, b.Service, b.Key, b.Format, b.Head, b.Body, b.Moved)
	}
	return inboxInserts.Exec(ctx, s.db, args)
}

// LastSeq is the last sequence in the inbox, 0 when it is empty.
func (s *Store) LastSeq(ctx context.Context) (int64, error) {
	return storage.One(ctx, s.db, storage.Value[int64], `SELECT coalesce(max(seq), 0) FROM inbox`)
}

// Moved lists the entries after a sequence that moved alerts whose rows lagged behind, in order, at most limit.
func (s *Store) Moved(ctx context.Context, seq int64, limit int) ([]Entry, error) {
	return storage.All(ctx, s.db, func(sc storage.Scanner) (Entry, error) {
		var e Entry
		err := sc(&e.Seq, storage.Into(&e.At), &e.Project, &e.Service, &e.Key, &e.Format, &e.Head, &e.Body)
		return e, err
	}, `SELECT `+inboxColumns+` FROM inbox WHERE moved AND seq > $1 ORDER BY seq LIMIT $2`, seq, limit)
}

// Prune removes up to limit of the oldest entries that came before the time and not after the sequence, in the write transaction
// that ctx carries. It returns how many there were.
func (s *Store) Prune(ctx context.Context, before time.Time, seq int64, limit int) (int64, error) {
	return s.db.Exec(ctx, `DELETE FROM inbox WHERE seq IN (
		SELECT seq FROM (SELECT seq, at FROM inbox ORDER BY seq LIMIT $1) AS oldest WHERE at < $2 AND seq <= $3)`,
		limit, storage.Micros(before), seq)
}
