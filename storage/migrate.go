package storage

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
)

// Migrations are the numbered SQL files of one practice or mechanism: 0001.sql, 0002.sql, …; 0002.postgres.sql stands beside
// 0002.sql where PostgreSQL needs another text. Each runs once, and is never edited after a release.
type Migrations struct {
	Owner string // the package's noun, such as "incident"
	Files fs.FS
	// Derived names what a copy of the database leaves out, because it is made again from the rest or belongs to the one
	// database: tables, and columns as "table.column".
	Derived []string
}

type migration struct {
	owner  string
	number int
	file   string
	files  fs.FS
}

// Migrate brings the schema up to date, in one transaction: the owners in the given order, each one's files by number. A schema that
// is newer than this binary is an error, and so is a change that fails; then nothing is changed.
func (db *DB) Migrate(ctx context.Context, owners ...Migrations) error {
	return db.migrate(ctx, func(migration) bool { return true }, owners)
}

// migrate runs the changes among the owners' that are wanted and have not run.
func (db *DB) migrate(ctx context.Context, wanted func(migration) bool, owners []Migrations) error {
	err := db.Write(ctx, Normal, func(ctx context.Context) error {
		if !db.lite { // two commands may start at once
			if _, err := db.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext(current_schema() || '/migrate'))`); err != nil {
				return err
			}
		}
		_, err := db.Exec(ctx, `CREATE TABLE IF NOT EXISTS schema_migration (
			owner TEXT NOT NULL, number BIGINT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (owner, number))`)
		return err
	})
	if err != nil {
		return err
	}
	all, err := db.listMigrations(owners)
	if err != nil {
		return err
	}
	done, err := db.migrated(ctx)
	if err != nil {
		return err
	}
	for key := range done {
		if !slices.ContainsFunc(all, func(m migration) bool { return m.key() == key }) {
			return mainstay.Errorf(mainstay.Conflict,
				"the database was written by a newer Mainstay (it has the schema change %q): start that version, or restore a backup", key)
		}
	}
	todo := slices.DeleteFunc(all, func(m migration) bool { return done[m.key()] || !wanted(m) })
	if len(todo) == 0 {
		return nil
	}
	return db.Write(ctx, Normal, func(ctx context.Context) error { // all or none: with a fault, the version of before still starts
		for _, m := range todo {
			if err := db.migrateOne(ctx, m); err != nil {
				return fmt.Errorf("schema change %s: %w", m.key(), err)
			}
		}
		return nil
	})
}

func (m migration) key() string { return fmt.Sprintf("%s/%04d", m.owner, m.number) }

func (db *DB) migrated(ctx context.Context) (map[string]bool, error) {
	rows, err := All(ctx, db, func(s Scanner) (string, error) {
		var m migration
		err := s(&m.owner, &m.number)
		return m.key(), err
	}, `SELECT owner, number FROM schema_migration`)
	done := map[string]bool{}
	for _, k := range rows {
		done[k] = true
	}
	return done, err
}

func (db *DB) migrateOne(ctx context.Context, m migration) error {
	text, err := fs.ReadFile(m.files, m.file)
	if err != nil {
		return err
	}
	return db.Write(ctx, Normal, func(ctx context.Context) error {
		// Whoever was here first, in this process or another, has done it.
		n, err := db.Exec(ctx, `INSERT INTO schema_migration (owner, number, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			m.owner, m.number, Micros(db.cfg.Time.Now()))
		if err != nil || n == 0 {
			return err
		}
		for _, statement := range split(string(text)) {
			if _, err := db.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

// split cuts a migration at the semicolons that end a line; a statement with inner ones (a trigger) ends with ";;".
func split(text string) []string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var list []string
	var b strings.Builder
	trigger := false
	for _, line := range strings.Split(text, "\n") {
		code, _, _ := strings.Cut(line, "--")
		code = strings.TrimSpace(code)
		if code == "" {
			continue
		}
		trigger = trigger || strings.HasPrefix(strings.ToUpper(code), "CREATE TRIGGER")
		end := strings.HasSuffix(code, ";") && !trigger || strings.HasSuffix(code, ";;")
		b.WriteString(strings.TrimRight(code, ";"))
		if trigger && !end && strings.HasSuffix(code, ";") {
			b.WriteByte(';')
		}
		b.WriteByte('\n')
		if end {
			list = append(list, strings.TrimSpace(b.String()))
			b.Reset()
			trigger = false
		}
	}
	if s := strings.TrimSpace(b.String()); s != "" {
		list = append(list, s)
	}
	return list
}

func (db *DB) listMigrations(owners []Migrations) ([]migration, error) {
	var all []migration
	for _, o := range owners {
		names, err := fs.Glob(o.Files, "*.sql")
		if err != nil {
			return nil, err
		}
		var own []migration
		for _, name := range names {
			base, engine, _ := strings.Cut(strings.TrimSuffix(name, ".sql"), ".")
			n, err := strconv.Atoi(base)
			if err != nil {
				return nil, fmt.Errorf("migration %s of %s: its name must be a number", name, o.Owner)
			}
			own = slices.DeleteFunc(own, func(m migration) bool { return m.number == n && engine == "postgres" && !db.lite })
			if engine == "postgres" && db.lite || slices.ContainsFunc(own, func(m migration) bool { return m.number == n }) {
				continue
			}
			own = append(own, migration{o.Owner, n, name, o.Files})
		}
		slices.SortFunc(own, func(a, b migration) int { return cmp.Compare(a.number, b.number) })
		all = append(all, own...)
	}
	return all, nil
}

// Migrated is when the first schema change ran, which is when the database was made.
func (db *DB) Migrated(ctx context.Context) (t time.Time, err error) {
	us, err := One(ctx, db, Value[int64], `SELECT coalesce(min(at), 0) FROM schema_migration`)
	return Time(us), err
}
