package storage

import (
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"github.com/mainstayhq/mainstay"
)

// dbError carries what the driver said for the operator's log, and a code with a plain sentence for people.
type dbError struct {
	people mainstay.Error
	driver error
}

func (e *dbError) Error() string   { return e.driver.Error() }
func (e *dbError) Unwrap() []error { return []error{&e.people, e.driver} }

// Map gives a driver's error the code that it means, by the driver's code and never by its text. A nil error stays nil, an
// error that carries a code already stays as it is, and one that no rule knows stays without.
func Map(err error) error {
	var known *mainstay.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	code, says := classify(err)
	if code == "" {
		return err
	}
	return &dbError{mainstay.Error{Code: code, Message: says}, err}
}

func classify(err error) (mainstay.Code, string) {
	if errors.Is(err, sql.ErrNoRows) {
		return mainstay.NotFound, "There is no such thing here, or it has gone."
	}
	var pg *pgconn.PgError
	var lite *sqlite.Error
	class := ""
	switch {
	case errors.As(err, &pg):
		class = postgresClass(pg.Code)
	case errors.As(err, &lite):
		class = sqliteClass(lite.Code())
	}
	switch class {
	case "unique":
		return mainstay.Conflict, "There is one of that name already."
	case "foreign":
		return mainstay.Conflict, "Something that this refers to does not exist, or something still refers to it."
	case "check":
		return mainstay.Invalid, "A value is outside of what is allowed."
	case "retry":
		return mainstay.Unavailable, "The database is busy. Nothing was changed; try again."
	case "full":
		return mainstay.Unavailable, "The database cannot store more: its disk is full. Nothing was changed."
	}
	return "", ""
}

// postgresClass sorts SQLSTATE codes: https://www.postgresql.org/docs/15/errcodes-appendix.html.
func postgresClass(code string) string {
	switch code {
	case "23505":
		return "unique"
	case "23503":
		return "foreign"
	case "23514", "23502", "22001", "22003":
		return "check"
	case "40001", "40P01", "55P03", "53300", "57P01", "57P03":
		return "retry"
	case "53100":
		return "full"
	}
	return ""
}

// sqliteClass sorts extended result codes: https://www.sqlite.org/rescode.html.
func sqliteClass(code int) string {
	switch code {
	case 2067, 1555: // SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_PRIMARYKEY
		return "unique"
	case 787: // SQLITE_CONSTRAINT_FOREIGNKEY
		return "foreign"
	case 275, 1299: // SQLITE_CONSTRAINT_CHECK, SQLITE_CONSTRAINT_NOTNULL
		return "check"
	case 13: // SQLITE_FULL
		return "full"
	}
	if code&0xff == 5 || code&0xff == 6 { // SQLITE_BUSY, SQLITE_LOCKED
		return "retry"
	}
	return ""
}
