package storage

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/mainstayhq/mainstay"
)

// Table is one table as a copy keeps it, the same for both engines: its columns, and for each what it holds: "text", "integer",
// "number", "boolean" or "bytes".
type Table struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Types   []string `json:"types"`
}

var (
	creates = regexp.MustCompile(`(?i)^CREATE\s+(VIRTUAL\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)`)
	drops   = regexp.MustCompile(`(?i)^DROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?(\w+)`)
	renames = regexp.MustCompile(`(?i)^ALTER\s+TABLE\s+(\w+)\s+RENAME\s+TO\s+(\w+)`)
)

// made is a table that a migration makes.
type made struct {
	name    string
	virtual bool
}

// made lists the tables that migrations make, each after those that it refers to. Tables of somebody else in the same PostgreSQL
// schema are none of our business. A table that was rebuilt under its old name keeps its place.
func (db *DB) made(owners []Migrations) ([]made, error) {
	all, err := db.listMigrations(owners)
	if err != nil {
		return nil, err
	}
	var list []made
	gone := map[string]bool{}
	add := func(name string, virtual bool) {
		gone[name] = false
		if !slices.ContainsFunc(list, func(m made) bool { return m.name == name }) {
			list = append(list, made{name, virtual})
		}
	}
	for _, m := range all {
		text, err := fs.ReadFile(m.files, m.file)
		if err != nil {
			return nil, err
		}
		for _, s := range split(string(text)) {
			if f := creates.FindStringSubmatch(s); f != nil {
				add(f[2], f[1] != "")
			} else if f := drops.FindStringSubmatch(s); f != nil {
				gone[f[1]] = true
			} else if f := renames.FindStringSubmatch(s); f != nil {
				gone[f[1]] = true
				add(f[2], false)
			}
		}
	}
	return slices.DeleteFunc(list, func(m made) bool { return gone[m.name] }), nil
}

// existing are the tables that the database has.
func (db *DB) existing(ctx context.Context) (map[string]bool, error) {
	query := `SELECT name FROM sqlite_schema WHERE type = 'table'`
	if !db.lite {
		query = `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`
	}
	names, err := All(ctx, db, Value[string], query)
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m, err
}

// Tables lists the tables of the owners that the database has and a copy keeps, in an order in which they can be filled. What is
// Derived is left out.
func (db *DB) Tables(ctx context.Context, owners ...Migrations) ([]Table, error) {
	list, err := db.made(owners)
	if err != nil {
		return nil, err
	}
	exist, err := db.existing(ctx)
	if err != nil {
		return nil, err
	}
	var derived []string
	for _, o := range owners {
		derived = append(derived, o.Derived...)
	}
	var tables []Table
	for _, m := range list {
		if m.virtual || !exist[m.name] || slices.Contains(derived, m.name) {
			continue
		}
		t, err := db.describe(ctx, m.name, derived)
		if err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	return tables, nil
}

func (db *DB) describe(ctx context.Context, name string, derived []string) (Table, error) {
	t := Table{Name: name}
	rows, err := db.query(ctx, `SELECT * FROM `+name+` LIMIT 0`, nil)
	if err != nil {
		return t, err
	}
	defer rows.Close() //nolint:errcheck // there are none
	columns, err := rows.ColumnTypes()
	if err != nil {
		return t, err
	}
	for _, c := range columns {
		if slices.Contains(derived, name+"."+c.Name()) {
			continue
		}
		kind := portable(c.DatabaseTypeName())
		if kind == "" {
			return t, fmt.Errorf("column %s.%s has the type %s, which no copy knows", name, c.Name(), c.DatabaseTypeName())
		}
		t.Columns, t.Types = append(t.Columns, c.Name()), append(t.Types, kind)
	}
	return t, nil
}

// portable is what a column of an engine's type holds, "" when that is unknown.
func portable(engine string) string {
	switch strings.ToUpper(engine) {
	case "TEXT":
		return "text"
	case "BIGINT", "INTEGER", "INT8", "INT4":
		return "integer"
	case "BOOLEAN", "BOOL":
		return "boolean"
	case "BYTEA", "BLOB":
		return "bytes"
	case "DOUBLE PRECISION", "REAL", "FLOAT8":
		return "number"
	}
	return ""
}

// Dump gives every row of a table, one after the other, to f, which must not keep the slice. Within a View all tables are of one
// moment. The values are nil, string, int64, float64, bool or []byte, as the table's types say.
func (db *DB) Dump(ctx context.Context, t Table, f func(values []any) error) error {
	rows, err := db.query(ctx, `SELECT `+strings.Join(t.Columns, ", ")+` FROM `+t.Name, nil)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	values, into := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("reading a row of %s: %w", t.Name, err)
		}
		for i, kind := range t.Types {
			values[i] = plain(kind, values[i])
		}
		if err := f(values); err != nil {
			return err
		}
	}
	return Map(rows.Err())
}

// Count is how many rows a table has.
func (db *DB) Count(ctx context.Context, t Table) (int64, error) {
	return One(ctx, db, Value[int64], `SELECT count(*) FROM `+t.Name)
}

// plain gives a value the Go type of its column: SQLite lets any value stand in any column.
func plain(kind string, v any) any {
	switch v := v.(type) {
	case []byte:
		if kind == "text" {
			return string(v)
		}
	case string:
		if kind == "bytes" {
			return []byte(v)
		}
	case int64:
		switch kind {
		case "boolean":
			return v != 0
		case "number":
			return float64(v)
		}
	}
	return v
}

// Filler puts rows of a copy into an empty table.
type Filler struct {
	db    *DB
	table Table
	lite  *Inserts
	text  string
}

// Filler makes one for a table that the database has.
func (db *DB) Filler(t Table) *Filler {
	head := `INSERT INTO ` + t.Name + ` (` + strings.Join(t.Columns, ", ") + `) `
	f := &Filler{db: db, table: t}
	if db.lite {
		f.lite = NewInserts(head+`VALUES`, len(t.Columns), ``)
		return f
	}
	var arrays []string
	for i, kind := range t.Types {
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", i+1, map[string]string{
			"text": "text", "integer": "bigint", "boolean": "boolean", "bytes": "bytea", "number": "double precision",
		}[kind]))
	}
	f.text = head + `SELECT * FROM unnest(` + strings.Join(arrays, ", ") + `)`
	return f
}

// Add inserts rows, whose values have the types that Dump gives, in the write transaction that ctx carries.
func (f *Filler) Add(ctx context.Context, rows [][]any) error {
	if f.db.lite {
		args := make([]any, 0, len(rows)*len(f.table.Columns))
		for _, r := range rows {
			args = append(args, r...)
		}
		return f.lite.Exec(ctx, f.db, args)
	}
	for chunk := range slices.Chunk(rows, 1000) { // one statement for all of them; a message has its limits
		args := make([]any, len(f.table.Columns))
		for i, kind := range f.table.Types {
			args[i] = array(kind, chunk, i)
		}
		if _, err := f.db.Exec(ctx, f.text, args...); err != nil {
			return err
		}
	}
	return nil
}

// array is one column of rows as PostgreSQL's driver takes it.
func array(kind string, rows [][]any, column int) any {
	switch kind {
	case "integer":
		return pointers[int64](rows, column)
	case "boolean":
		return pointers[bool](rows, column)
	case "number":
		return pointers[float64](rows, column)
	case "bytes":
		list := make([][]byte, len(rows))
		for i, r := range rows {
			list[i], _ = r[column].([]byte)
		}
		return list
	}
	return pointers[string](rows, column)
}

func pointers[T any](rows [][]any, column int) []*T {
	list := make([]*T, len(rows))
	for i, r := range rows {
		if v, ok := r[column].(T); ok {
			list[i] = &v
		}
	}
	return list
}

// Schema lists the schema changes that have run, such as "incident/0001", in order. A database without any gives none.
func (db *DB) Schema(ctx context.Context) ([]string, error) {
	exist, err := db.existing(ctx)
	if err != nil || !exist["schema_migration"] {
		return nil, err
	}
	done, err := db.migrated(ctx)
	var list []string
	for key := range done {
		list = append(list, key)
	}
	slices.Sort(list)
	return list, err
}

// Pending compares the schema with the owners' migrations: what the next start will run, and what only a newer Mainstay knows.
func (db *DB) Pending(ctx context.Context, owners ...Migrations) (pending, newer []string, err error) {
	all, err := db.listMigrations(owners)
	if err != nil {
		return nil, nil, err
	}
	done, err := db.Schema(ctx)
	for _, m := range all {
		if !slices.Contains(done, m.key()) {
			pending = append(pending, m.key())
		}
	}
	for _, key := range done {
		if !slices.ContainsFunc(all, func(m migration) bool { return m.key() == key }) {
			newer = append(newer, key)
		}
	}
	return pending, newer, err
}

// MigrateTo makes the schema that had run exactly these changes, on a database that has none. A change that the owners do not know
// is an error.
func (db *DB) MigrateTo(ctx context.Context, schema []string, owners ...Migrations) error {
	all, err := db.listMigrations(owners)
	if err != nil {
		return err
	}
	for _, key := range schema {
		if !slices.ContainsFunc(all, func(m migration) bool { return m.key() == key }) {
			return mainstay.Errorf(mainstay.Conflict, "the copy was written by a newer Mainstay (it has the schema change %q): use that version", key)
		}
	}
	return db.migrate(ctx, func(m migration) bool { return slices.Contains(schema, m.key()) }, owners)
}

// Clear makes sure that the owners' tables hold nothing, and removes them. A table that holds a row is a Conflict, and nothing is
// removed. It runs in the write transaction that ctx carries.
func (db *DB) Clear(ctx context.Context, owners ...Migrations) error {
	list, err := db.made(owners)
	if err != nil {
		return err
	}
	exist, err := db.existing(ctx)
	if err != nil || !exist["schema_migration"] {
		return err // what is here is not Mainstay's
	}
	list = append([]made{{"schema_migration", false}}, slices.DeleteFunc(list, func(m made) bool { return !exist[m.name] })...)
	for _, m := range list[1:] {
		if m.virtual || m.name == "lease" {
			continue
		}
		n, err := One(ctx, db, Value[int64], `SELECT count(*) FROM (SELECT 1 FROM `+m.name+` LIMIT 1) AS t`)
		if err != nil {
			return err
		}
		if n > 0 {
			return mainstay.Errorf(mainstay.Conflict, "there is data here already (in the table %s). Nothing was changed; choose an empty folder or database", m.name)
		}
	}
	for _, m := range slices.Backward(list) {
		if _, err := db.Exec(ctx, `DROP TABLE IF EXISTS `+m.name); err != nil {
			return err
		}
	}
	return nil
}

// Exists reports whether the data folder has an embedded database; of PostgreSQL, it says yes.
func (c Config) Exists() bool {
	if c.URL != "" {
		return true
	}
	_, err := os.Stat(filepath.Join(c.Dir, File))
	return err == nil
}
