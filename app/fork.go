package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/search/searchdb"
	"github.com/mainstayhq/mainstay/storage"
)

// Fork is an installation that began as a copy of another, in which a project then lived for itself. Adopt brings the project home.
type Fork struct {
	// Reserved are the numbers that it may take of each kind, from 1: none of them was given here. See App.Reserve.
	Reserved map[mainstay.Kind]int

	cfg  Config
	base map[[sha256.Size]byte]bool // the rows with which it began
}

// Split makes the copy in the folder of cfg from a backup. It must have the secret key of the original.
func Split(ctx context.Context, cfg Config, backup []byte) (*Fork, error) {
	if _, err := Restore(ctx, cfg, bytes.NewReader(backup)); err != nil {
		return nil, fmt.Errorf("copying the installation: %w", err)
	}
	f := &Fork{cfg: cfg, base: map[[sha256.Size]byte]bool{}}
	db, err := openStorage(ctx, &f.cfg)
	if err != nil {
		return nil, err
	}
	err = eachRow(ctx, db, func(t storage.Table, row []any) error {
		f.base[rowKey(t, row)] = true
		return nil
	})
	return f, errors.Join(err, db.Close())
}

func eachRow(ctx context.Context, db *storage.DB, f func(t storage.Table, row []any) error) error {
	tables, err := db.Tables(ctx, Migrations()...)
	if err != nil {
		return err
	}
	// Cursors first: should the server look at the journal meanwhile, it knows that everything in it was handed over.
	slices.SortStableFunc(tables, func(a, b storage.Table) int { return first(a) - first(b) })
	for _, t := range tables {
		if err := db.Dump(ctx, t, func(row []any) error { return f(t, row) }); err != nil {
			return fmt.Errorf("reading table %s: %w", t.Name, err)
		}
	}
	return nil
}

func first(t storage.Table) int {
	if t.Name == "journal_cursor" {
		return 0
	}
	return 1
}

func rowKey(t storage.Table, row []any) [sha256.Size]byte {
	b, err := json.Marshal(row)
	if err != nil {
		panic(err) // strings, numbers, bytes
	}
	return sha256.Sum256(append([]byte(t.Name+"\x00"), b...))
}

// homebound says which tables stay behind: what belongs to a running process, to the installation, or to people's sign-in. The roles of
// people in the project are given anew, so that the installation's own journal says so.
var homebound = []string{
	"lease", "object_counter", "inbox", "alert_checkpoint", "session", "sign_in_attempt", "password", "password_link", "access_grant",
}

// adoptChunk is how many rows are taken over in one transaction: pages and people's work go in between.
const adoptChunk = 64

// Adopt brings home what has happened in the fork since it began: every row that it has more, but for those of the installation. A row
// whose key is taken here stays as it is here. Nothing may work in the fork any more, and no alert may be open in it. It runs beside the
// working server in small transactions; the numbers of objects must have been reserved. done is told how many rows have come.
func (a *App) Adopt(ctx context.Context, f *Fork, done func(rows int)) error {
	from, err := openStorage(ctx, &f.cfg)
	if err != nil {
		return err
	}
	defer from.Close() //nolint:errcheck // read only
	if err := f.check(ctx, from); err != nil {
		return err
	}
	m := &moving{a: a, ctx: ctx, done: done}
	mark, err := searchdb.New(a.DB).Last(ctx)
	if err != nil {
		return err
	}
	err = eachRow(ctx, from, func(t storage.Table, row []any) error {
		if slices.Contains(homebound, t.Name) || f.base[rowKey(t, row)] || ofInstallation(t, row) {
			return nil
		}
		return m.add(t, row)
	})
	if err == nil {
		err = m.flush()
	}
	for more := true; err == nil && more; {
		err = a.DB.Write(ctx, storage.Normal, func(ctx context.Context) error {
			mark, more, err = searchdb.New(a.DB).RebuildAfter(ctx, mark, adoptChunk)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("bringing the project home: %w", err)
	}
	a.DB.Foreign()
	return nil
}

// check refuses a fork that took numbers which are given here: rows that bear one would be left out.
func (f *Fork) check(ctx context.Context, from *storage.DB) error {
	return eachRow(ctx, from, func(t storage.Table, row []any) error {
		if t.Name != "object_counter" {
			return nil
		}
		kind, _ := row[slices.Index(t.Columns, "kind")].(string)
		last, _ := row[slices.Index(t.Columns, "last")].(int64)
		if reserved := f.Reserved[mainstay.Kind(kind)]; last > int64(reserved) {
			return fmt.Errorf("the fork has taken %d numbers of the kind %s, and %d were reserved", last, kind, reserved)
		}
		return nil
	})
}

// ofInstallation reports whether a row belongs to no project.
func ofInstallation(t storage.Table, row []any) bool {
	i := slices.Index(t.Columns, "project")
	return i >= 0 && (row[i] == mainstay.Installation || row[i] == "") && t.Name != "project"
}

// moving collects rows of one table for a transaction.
type moving struct {
	a     *App
	ctx   context.Context
	table storage.Table
	into  *storage.Filler
	rows  [][]any
	count int
	done  func(int)
}

func (m *moving) add(t storage.Table, row []any) error {
	if t.Name != m.table.Name {
		if err := m.flush(); err != nil {
			return err
		}
		m.table, m.into = t, m.a.DB.Merger(t)
	}
	row = slices.Clone(row)
	for i, v := range row {
		if b, ok := v.([]byte); ok && b == nil {
			row[i] = []byte{} // an empty one, which is not none
		}
	}
	m.rows = append(m.rows, row)
	if len(m.rows) < adoptChunk {
		return nil
	}
	return m.flush()
}

func (m *moving) flush() error {
	if len(m.rows) == 0 {
		return nil
	}
	err := m.a.DB.Write(m.ctx, storage.Normal, func(ctx context.Context) error { return m.into.Add(ctx, m.rows) })
	m.count += len(m.rows)
	m.rows = m.rows[:0]
	if m.done != nil {
		m.done(m.count)
	}
	return err
}
