package storage

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Inserts puts many rows in with few statements. It has one text per number of rows, so each is prepared once: 32 rows a
// statement cost half of single rows, and more rows no less.
type Inserts struct {
	columns int
	texts   map[int]string
}

// insertSizes are the numbers of rows in one statement, largest first.
var insertSizes = []int{32, 8, 1}

// NewInserts makes them from the statement up to and including VALUES, the number of columns, and what follows the rows, such as
// ON CONFLICT DO NOTHING.
func NewInserts(head string, columns int, tail string) *Inserts {
	in := &Inserts{columns, map[int]string{}}
	for _, rows := range insertSizes {
		var b strings.Builder
		b.WriteString(head)
		for n := 0; n < rows*columns; n++ {
			switch {
			case n > 0 && n%columns == 0:
				b.WriteString("), (")
			case n > 0:
				b.WriteString(", ")
			default:
				b.WriteString(" (")
			}
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n + 1))
		}
		b.WriteString(") " + tail)
		in.texts[rows] = b.String()
	}
	return in
}

// Exec inserts rows in the write transaction that ctx carries. args are their values, row by row.
func (in *Inserts) Exec(ctx context.Context, db *DB, args []any) error {
	if len(args)%in.columns != 0 {
		return fmt.Errorf("%d values do not make rows of %d", len(args), in.columns)
	}
	for len(args) > 0 {
		for _, rows := range insertSizes {
			n := rows * in.columns
			if len(args) < n {
				continue
			}
			if _, err := db.Exec(ctx, in.texts[rows], args[:n]...); err != nil {
				return err
			}
			args = args[n:]
			break
		}
	}
	return nil
}
