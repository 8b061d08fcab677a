package storage

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Integrity reads the database's own structures and names what is broken in them, at most ten things. On SQLite it reads the whole file.
func (db *DB) Integrity(ctx context.Context) (faults []string, err error) {
	if !db.lite {
		return All(ctx, db, Value[string], `SELECT 'the index ' || c.relname || ' is not valid' FROM pg_index i
			JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = current_schema() AND NOT i.indisvalid ORDER BY c.relname LIMIT 10`)
	}
	list, err := All(ctx, db, Value[string], `PRAGMA quick_check(10)`)
	if err != nil || len(list) == 1 && list[0] == "ok" {
		return nil, err
	}
	return list, nil
}

// Broken reports whether the embedded database says that its file is damaged, or none.
func Broken(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_CORRUPT || e.Code()&0xff == sqlite3.SQLITE_NOTADB)
}

// Sizes are the bytes of the embedded database's file and of its log; both are 0 for PostgreSQL.
func (db *DB) Sizes() (file, log int64, err error) {
	if !db.lite {
		return 0, 0, nil
	}
	for name, into := range map[string]*int64{File: &file, File + "-wal": &log} {
		info, err := os.Stat(filepath.Join(db.cfg.Dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return file, log, err
		}
		*into = info.Size()
	}
	return file, log, nil
}
