package storage

import (
	"context"
	"slices"
	"time"
)

// Writable tries a write that changes nothing. The schema must be there.
func (db *DB) Writable(ctx context.Context) error {
	return db.Write(ctx, Normal, func(ctx context.Context) error {
		_, err := db.Exec(ctx, `UPDATE schema_migration SET at = at WHERE owner = ''`)
		return err
	})
}

// durable are the settings on which durability stands, and what each may be, with the statement's word before the name.
var durable = map[string]map[string][]string{
	"PRAGMA ": {"synchronous": {"2", "3"}, "journal_mode": {"wal"}, "foreign_keys": {"1"}},
	"SHOW ": {
		"synchronous_commit": {"on", "local", "remote_write", "remote_apply"}, "fsync": {"on"}, "full_page_writes": {"on"},
	},
}

// Durability names the settings under which an answered write may be lost with the power, such as "synchronous_commit is off".
func (db *DB) Durability(ctx context.Context) (faults []string, err error) {
	word := "SHOW "
	if db.lite {
		word = "PRAGMA "
	}
	read := func(ctx context.Context) error {
		for name, good := range durable[word] {
			v, err := One(ctx, db, Value[string], word+name)
			if err != nil {
				return err
			}
			if !slices.Contains(good, v) {
				faults = append(faults, name+" is "+v)
			}
		}
		return nil
	}
	if db.lite { // on the connection that writes
		err = db.Write(ctx, Normal, read)
	} else {
		err = read(ctx)
	}
	slices.Sort(faults)
	return faults, err
}

// Clock is what time the database's machine has; the embedded database has this machine's.
func (db *DB) Clock(ctx context.Context) (time.Time, error) {
	if db.lite {
		return db.cfg.Time.Now(), nil
	}
	us, err := One(ctx, db, Value[int64], `SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)`)
	return Time(us), err
}

// Served reports whether a server holds the database now.
func (db *DB) Served(ctx context.Context) (bool, error) {
	if db.lite {
		return db.Held(), nil
	}
	c, err := db.w.Conn(ctx)
	if err != nil {
		return false, Map(err)
	}
	defer c.Close() //nolint:errcheck // the lock is given up below
	var free bool
	const key = `(hashtext(current_schema() || '/serve'))`
	if err := c.QueryRowContext(ctx, `SELECT pg_try_advisory_lock`+key).Scan(&free); err != nil {
		return false, Map(err)
	}
	if !free {
		return true, nil
	}
	_, err = c.ExecContext(ctx, `SELECT pg_advisory_unlock`+key)
	return false, Map(err)
}
