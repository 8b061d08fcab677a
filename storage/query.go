package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Exec runs a statement in the transaction and returns how many rows it touched.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	query, args = t.db.prepare(query, args)
	res, err := t.conn.exec(ctx, query, args)
	if err != nil {
		return 0, Map(fmt.Errorf("%w in: %s", err, brief(query)))
	}
	return res.RowsAffected()
}

// Exec runs a statement in the write transaction that ctx carries, and returns how many rows it touched.
func (db *DB) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	return Current(ctx).Exec(ctx, query, args...)
}

// query runs in the transaction that ctx carries, else on the pool of readers.
func (db *DB) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	query, args = db.prepare(query, args)
	var rows *sql.Rows
	var err error
	if t := ambient(ctx); t != nil && t.db == db {
		rows, err = t.conn.query(ctx, query, args)
	} else if st := db.stmts.get(ctx, query); st != nil {
		rows, err = st.QueryContext(ctx, args...)
	} else {
		rows, err = db.r.QueryContext(ctx, query, args...)
	}
	if err != nil {
		return nil, Map(fmt.Errorf("%w in: %s", err, brief(query)))
	}
	return rows, nil
}

// Scanner reads the columns of one row, as sql.Rows.Scan does.
type Scanner func(dest ...any) error

// All reads every row that the query gives. It uses the transaction that ctx carries, if any. No rows give an empty slice.
func All[T any](ctx context.Context, db *DB, scan func(Scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := db.query(ctx, query, args)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	list := []T{}
	for rows.Next() {
		v, err := scan(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("reading a row of: %s: %w", brief(query), err)
		}
		list = append(list, v)
	}
	return list, Map(rows.Err())
}

// One reads the first row that the query gives. Without a row the error has the code NotFound.
func One[T any](ctx context.Context, db *DB, scan func(Scanner) (T, error), query string, args ...any) (T, error) {
	list, err := All(ctx, db, scan, query, args...)
	if err == nil && len(list) == 0 {
		err = Map(sql.ErrNoRows)
	}
	if err != nil {
		var zero T
		return zero, err
	}
	return list[0], nil
}

// Value is a scan function for queries of one column.
func Value[T any](s Scanner) (T, error) {
	var v T
	err := s(&v)
	return v, err
}

// Micros is a time as the database keeps it: microseconds since 1970 in UTC, 0 for the zero time.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is the inverse of Micros.
func Time(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// timeScan lets a time be scanned straight from its microseconds.
type timeScan struct{ t *time.Time }

// Scan implements sql.Scanner.
func (s timeScan) Scan(v any) error {
	us, ok := v.(int64)
	if !ok && v != nil {
		return fmt.Errorf("a time must be microseconds, not %T", v)
	}
	*s.t = Time(us)
	return nil
}

// Into scans a BIGINT column of microseconds into t.
func Into(t *time.Time) any { return timeScan{t} }

type jsonScan struct{ v any }

// Scan implements sql.Scanner.
func (s jsonScan) Scan(v any) error {
	switch b := v.(type) {
	case nil:
		return nil
	case string:
		return unmarshal([]byte(b), s.v)
	case []byte:
		return unmarshal(b, s.v)
	}
	return fmt.Errorf("JSON must be text, not %T", v)
}

func unmarshal(b []byte, v any) error {
	if len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, v)
}

// IntoJSON scans a TEXT column of JSON into v, a pointer. Empty text leaves v as it is.
func IntoJSON(v any) any { return jsonScan{v} }

// JSON is v as the database keeps it: opaque text.
func JSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("storage: %T cannot be written as JSON: %v", v, err)) // a programming error
	}
	return string(b)
}

// In is a condition that holds when column is among the values of the parameter, a List. placeholder is such as "$3".
func (db *DB) In(column, placeholder string) string {
	if db.lite {
		return column + " IN (SELECT value FROM json_each(" + placeholder + "))"
	}
	return column + " IN (SELECT jsonb_array_elements_text(" + placeholder + "::jsonb))"
}

// List is the parameter for In.
func List(values []string) string {
	if values == nil {
		values = []string{}
	}
	return JSON(values)
}

// Locking is appended to a SELECT that loads a row in order to change it.
func (db *DB) Locking() string {
	if db.lite {
		return "" // the writer is alone
	}
	return " FOR UPDATE"
}

func brief(q string) string {
	q = strings.Join(strings.Fields(q), " ")
	if len(q) > 120 {
		q = q[:120] + "…"
	}
	return q
}

// rewritten is a statement in SQLite's form: $n became ?, in order of appearance.
type rewritten struct {
	text string
	args []int // for each ?, the number of the parameter; nil when they stand in order, once each
}

// prepare turns $n into ? for SQLite, whose named parameters are slow: their cost grows with their number.
func (db *DB) prepare(query string, args []any) (string, []any) {
	if len(args) == 0 {
		return query, args
	}
	if !db.lite {
		return query, keepable(args)
	}
	v, ok := db.rewrite.Load(query)
	if !ok {
		v, _ = db.rewrite.LoadOrStore(query, rewrite(query))
	}
	r := v.(*rewritten)
	if r.args == nil {
		return r.text, args
	}
	list := make([]any, len(r.args))
	for i, n := range r.args {
		if n <= len(args) {
			list[i] = args[n-1]
		}
	}
	return r.text, list
}

// keepable replaces, in texts for PostgreSQL, what it refuses to keep: NUL characters, and bytes that are not UTF-8. Such text comes
// from strangers, and must not undo what it stands beside.
func keepable(args []any) []any {
	copied := false
	for i, a := range args {
		s, ok := a.(string)
		if !ok || strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) {
			continue
		}
		if !copied {
			args, copied = slices.Clone(args), true
		}
		args[i] = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	}
	return args
}

func rewrite(q string) *rewritten {
	var b strings.Builder
	r := &rewritten{}
	inOrder, quoted := true, false
	for i := 0; i < len(q); i++ {
		c := q[i]
		if c == '\'' {
			quoted = !quoted
		}
		n, j := 0, i+1
		for ; c == '$' && !quoted && j < len(q) && q[j] >= '0' && q[j] <= '9'; j++ {
			n = n*10 + int(q[j]-'0')
		}
		if n == 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('?')
		r.args = append(r.args, n)
		inOrder = inOrder && n == len(r.args)
		i = j - 1
	}
	r.text = b.String()
	if inOrder {
		r.args = nil
	}
	return r
}

// Containing is the pattern of "lower(column) LIKE $n" for texts that hold the words in this order, whatever their case. The
// wildcards of LIKE are no wildcards in it.
func Containing(text string) string {
	words := strings.Fields(strings.NewReplacer("%", " ", "_", " ", `\`, " ").Replace(strings.ToLower(text)))
	return "%" + strings.Join(words, "%") + "%"
}
