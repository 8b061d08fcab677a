package storage

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// conn is the connection of one transaction.
type conn interface {
	exec(ctx context.Context, query string, args []any) (sql.Result, error)
	query(ctx context.Context, query string, args []any) (*sql.Rows, error)
	commit() error
	rollback()
}

func (db *DB) begin(ctx context.Context) (conn, error) {
	if db.lite {
		return db.writer, db.writer.begin(ctx)
	}
	tx, err := db.w.BeginTx(ctx, nil)
	return sqlTx{db, tx}, err
}

// sqlTx is a transaction of PostgreSQL, or a reading one of SQLite.
type sqlTx struct {
	db *DB
	tx *sql.Tx
}

func (s sqlTx) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	return s.tx.ExecContext(ctx, query, args...)
}

func (s sqlTx) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	return s.tx.QueryContext(ctx, query, args...)
}

func (s sqlTx) commit() error { return s.tx.Commit() }
func (s sqlTx) rollback()     { _ = s.tx.Rollback() }

// writer is the one writing connection of SQLite. It speaks BEGIN and COMMIT itself, because database/sql cannot use a prepared
// statement of a connection within a transaction of that connection. The queue lets one user in at a time.
type writer struct {
	conn  *sql.Conn
	stmts statements
}

func newWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{conn: c}
	w.stmts.prepare = func(ctx context.Context, q string) (*sql.Stmt, error) { return c.PrepareContext(ctx, q) }
	return w, nil
}

func (w *writer) begin(ctx context.Context) error {
	_, err := w.exec(ctx, "BEGIN IMMEDIATE", nil)
	if err != nil {
		w.rollback() // a caller who hung up just then is told that it failed, though the transaction may have begun
	}
	return err
}

func (w *writer) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	if st := w.stmts.get(ctx, query); st != nil {
		return st.ExecContext(ctx, args...)
	}
	return w.conn.ExecContext(ctx, query, args...)
}

func (w *writer) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	if st := w.stmts.get(ctx, query); st != nil {
		return st.QueryContext(ctx, args...)
	}
	return w.conn.QueryContext(ctx, query, args...)
}

// commit is not given the caller's context: once it begins, a caller who hangs up must not leave it undecided.
func (w *writer) commit() error {
	_, err := w.exec(context.Background(), "COMMIT", nil)
	return err
}

func (w *writer) rollback() {
	_, _ = w.exec(context.Background(), "ROLLBACK", nil) // fails when the error has ended the transaction already
}

// dataVersion changes when another process has written to the file.
func (w *writer) dataVersion(ctx context.Context) (int64, error) {
	var v int64
	err := w.conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&v)
	return v, err
}

func (w *writer) close() error {
	w.stmts.close()
	if err := w.conn.Close(); err != nil {
		return fmt.Errorf("closing the writer: %w", err)
	}
	return nil
}

// statements keeps prepared statements of the embedded database; pgx keeps its own. Preparing each time costs a third more.
type statements struct {
	prepare func(ctx context.Context, query string) (*sql.Stmt, error) // nil on PostgreSQL
	mu      sync.Mutex
	m       map[string]*sql.Stmt
}

// maxStatements bounds the memory: a text that is built from a user's filters is not kept beyond it.
const maxStatements = 1000

// get returns the prepared statement, or nil when it is to be run unprepared.
func (s *statements) get(ctx context.Context, query string) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.m[query]; st != nil {
		return st
	}
	if s.prepare == nil || len(s.m) >= maxStatements {
		return nil
	}
	st, err := s.prepare(ctx, query)
	if err != nil {
		return nil // running it unprepared gives the caller the error
	}
	if s.m == nil {
		s.m = map[string]*sql.Stmt{}
	}
	s.m[query] = st
	return st
}

func (s *statements) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.m {
		_ = st.Close()
	}
	s.m = nil
}
