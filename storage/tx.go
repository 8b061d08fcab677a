package storage

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// Tx is one transaction. It is carried by the context: whatever asks the database within Write or View uses it.
type Tx struct {
	db     *DB
	conn   conn
	write  bool
	before []hook
	after  []func()
	local  map[any]any
}

type hook struct {
	order int
	key   string
	f     func(context.Context) error
}

type txKey struct{}

func ambient(ctx context.Context) *Tx {
	t, _ := ctx.Value(txKey{}).(*Tx)
	return t
}

// Current is the write transaction that ctx carries. It panics without one: only code that Write has called may ask.
func Current(ctx context.Context) *Tx {
	t := ambient(ctx)
	if t == nil || !t.write {
		panic("storage: no write transaction in the context")
	}
	return t
}

// Write runs f in one write transaction and commits it when f returns nil. When ctx carries a write transaction already, f
// joins it and nothing is committed here. The context passed to f carries the transaction; use no other inside.
func (db *DB) Write(ctx context.Context, c Class, f func(ctx context.Context) error) error {
	if t := ambient(ctx); t != nil && t.db == db {
		if !t.write {
			return fmt.Errorf("storage: a write inside a read transaction")
		}
		return f(ctx)
	}
	if db.lite {
		start := db.cfg.Time.Now()
		if err := db.queue.enter(ctx, c); err != nil {
			return err
		}
		defer db.queue.leave()
		if db.cfg.Waited != nil {
			db.cfg.Waited(c, db.cfg.Time.Now().Sub(start))
		}
	}
	t := &Tx{db: db, write: true}
	if err := t.run(ctx, f); err != nil {
		return err
	}
	for _, f := range t.after {
		f()
	}
	return nil
}

func (t *Tx) run(ctx context.Context, f func(ctx context.Context) error) (err error) {
	if t.conn, err = t.db.begin(ctx); err != nil {
		return Map(fmt.Errorf("beginning: %w", err))
	}
	committed := false
	defer func() {
		if !committed {
			t.conn.rollback()
		}
	}()
	ctx = context.WithValue(ctx, txKey{}, t)
	if l := leaseFrom(ctx); l != nil && l.db == t.db { // the work may write to another database besides
		if err := l.check(ctx, t); err != nil {
			return err
		}
	}
	if err := f(ctx); err != nil {
		return err
	}
	slices.SortStableFunc(t.before, func(a, b hook) int { return a.order - b.order })
	for i := 0; i < len(t.before); i++ { // a hook may add hooks
		if err := t.before[i].f(ctx); err != nil {
			return err
		}
	}
	if t.db.cfg.Announce && !t.db.lite {
		if _, err := t.Exec(ctx, `SELECT pg_notify('mainstay', current_schema())`); err != nil {
			return err
		}
	}
	if err := t.conn.commit(); err != nil {
		// The answer may be lost and not the commit. Nobody here was told of it, so all look again, as after another's write.
		go t.db.foreignWrite()
		return Map(fmt.Errorf("committing: %w", err))
	}
	committed = true
	return nil
}

// View runs f in one read transaction: everything it reads is of one moment. It joins a transaction that ctx carries.
func (db *DB) View(ctx context.Context, f func(ctx context.Context) error) error {
	if t := ambient(ctx); t != nil && t.db == db {
		return f(ctx)
	}
	tx, err := db.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: !db.lite, Isolation: db.snapshot()})
	if err != nil {
		return Map(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing to keep
	return f(context.WithValue(ctx, txKey{}, &Tx{db: db, conn: sqlTx{db, tx}}))
}

func (db *DB) snapshot() sql.IsolationLevel {
	if db.lite {
		return sql.LevelDefault
	}
	return sql.LevelRepeatableRead
}

// BeforeCommit has f run just before the transaction commits, after everything else was written; a second call with the same
// key is ignored. Lower orders run first. The journal appends here, so that its lock is held shortest.
func (t *Tx) BeforeCommit(order int, key string, f func(ctx context.Context) error) {
	if slices.ContainsFunc(t.before, func(h hook) bool { return h.key == key }) {
		return
	}
	t.before = append(t.before, hook{order, key, f})
}

// AfterCommit has f run once the transaction has committed. It must return at once: the writer waits for it no longer than a
// channel send takes.
func (t *Tx) AfterCommit(f func()) { t.after = append(t.after, f) }

// Local is a value that belongs to this transaction alone, made by the first call. The key must be of an unexported type.
func (t *Tx) Local(key any, create func() any) any {
	if v, ok := t.local[key]; ok {
		return v
	}
	if t.local == nil {
		t.local = map[any]any{}
	}
	v := create()
	t.local[key] = v
	return v
}
