package storage

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/mainstayhq/mainstay"
)

//go:embed migrations/*.sql
var files embed.FS

// Own are storage's own migrations: the lease. They come first.
func Own() Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return Migrations{Owner: "storage", Files: sub, Derived: []string{"lease"}}
}

// Lease is the right to do the work of the engine: alerts, timers, delivery. Its fencing number rises each time somebody takes
// it; a write of the engine that carries an older number fails, so a holder that was thought dead can do no harm.
type Lease struct {
	db    *DB
	name  string
	Fence int64
}

type leaseKey struct{}

func leaseFrom(ctx context.Context) *Lease {
	l, _ := ctx.Value(leaseKey{}).(*Lease)
	return l
}

// Fenced marks every write under the context as one of the engine: it commits only while the lease is held.
func (l *Lease) Fenced(ctx context.Context) context.Context {
	return context.WithValue(ctx, leaseKey{}, l)
}

func (l *Lease) check(ctx context.Context, t *Tx) error {
	sharing := ""
	if !l.db.lite {
		sharing = " FOR SHARE" // taking the lease over waits for this commit
	}
	fence, err := One(ctx, t.db, Value[int64], `SELECT fence FROM lease WHERE name = $1`+sharing, l.name)
	if err != nil {
		return fmt.Errorf("checking the lease: %w", err)
	}
	if fence != l.Fence {
		return mainstay.Errorf(mainstay.Unavailable, "another Mainstay has taken over this work")
	}
	return nil
}

// Hold makes this process the only server on the database until Close, and takes the lease. It is an error that says so when
// another process holds it. One holder has all projects for now; the lease is called "installation".
func (db *DB) Hold(ctx context.Context, holder string) (*Lease, error) {
	if err := db.Alone(ctx); err != nil {
		return nil, err
	}
	l := &Lease{db: db, name: mainstay.Installation}
	err := db.Write(ctx, Urgent, func(ctx context.Context) (err error) {
		l.Fence, err = One(ctx, db, Value[int64], `INSERT INTO lease (name, holder, fence, taken_at) VALUES ($1, $2, 1, $3)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = lease.fence + 1, taken_at = excluded.taken_at
			RETURNING fence`, l.name, holder, Micros(db.cfg.Time.Now()))
		return err
	})
	return l, err
}

// Alone keeps every server off the database until Close. It is an error that says so when one holds it. It needs no schema.
func (db *DB) Alone(ctx context.Context) (err error) {
	if db.lite {
		db.lock, err = lockFile(filepath.Join(db.cfg.Dir, "lock"))
	} else {
		db.lock, err = db.lockSession(ctx)
	}
	return err
}

var errHeld = mainstay.Errorf(mainstay.Conflict,
	"another Mainstay serves this data already: stop it first, or choose another folder with --data")

func lockFile(path string) (func(), error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the data folder: %w", err)
	}
	for try := 0; ; try++ {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if errors.Is(err, unix.EWOULDBLOCK) && try < 5 { // perhaps only Held looks
			_ = pause(context.Background(), 20*time.Millisecond)
			continue
		}
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errHeld
		}
		return nil, fmt.Errorf("locking the data folder: %w", err)
	}
}

// Held reports whether a server holds the data folder now. Only for the embedded database. A server that starts at this moment waits
// until it has looked.
func (db *DB) Held() bool {
	f, err := os.Open(filepath.Join(db.cfg.Dir, "lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		return true
	}
	defer f.Close()                                                  //nolint:errcheck // the lock goes with it
	return unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil // shared: those who look do not take each other for a server
}

// lockSession takes a lock that PostgreSQL gives up with the connection. A server that was killed a moment ago may not have
// been noticed yet, so it is tried for some seconds.
func (db *DB) lockSession(ctx context.Context) (func(), error) {
	c, err := db.w.Conn(ctx)
	if err != nil {
		return nil, Map(err)
	}
	for try := 0; ; try++ {
		var ok bool
		err := c.QueryRowContext(ctx, `SELECT pg_try_advisory_lock(hashtext(current_schema() || '/serve'))`).Scan(&ok)
		if err == nil && ok {
			return func() { _ = c.Close() }, nil
		}
		if err == nil && try >= 20 {
			err = errHeld
		}
		if err == nil {
			err = pause(ctx, 100*time.Millisecond)
		}
		if err != nil {
			_ = c.Close()
			return nil, Map(err)
		}
	}
}

// pause waits in real time: the database of another process does not follow a moved clock.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// watch calls the OnForeign functions when another process has written: SQLite is asked each second, PostgreSQL tells. last is
// SQLite's answer when the database was opened.
func (db *DB) watch(ctx context.Context, last int64) {
	if !db.lite {
		db.done.Go(func() {
			// A commit of a server that was killed a moment ago may come through after this one has looked.
			if pause(ctx, 2*time.Second) == nil {
				db.foreignWrite()
			}
		})
		for ctx.Err() == nil {
			db.listen(ctx)
			_ = pause(ctx, time.Second)
			db.foreignWrite() // what was missed while the connection was gone
		}
		return
	}
	for pause(ctx, time.Second) == nil {
		if db.queue.enter(ctx, Normal) != nil {
			return
		}
		v, err := db.writer.dataVersion(ctx)
		db.queue.leave()
		if err == nil && v != last {
			last = v
			db.foreignWrite()
		}
	}
}

func (db *DB) listen(ctx context.Context) {
	c, err := db.w.Conn(ctx)
	if err != nil {
		return
	}
	defer c.Close() //nolint:errcheck // it is given up either way
	if _, err := c.ExecContext(ctx, `LISTEN mainstay`); err != nil {
		return
	}
	_ = c.Raw(func(d any) error {
		for {
			if _, err := d.(*stdlib.Conn).Conn().WaitForNotification(ctx); err != nil {
				return err
			}
			db.foreignWrite()
		}
	})
}
