package storage

import (
	"context"
)

// Holding lists the values of a table's text columns that hold the words, by column. It is for what must be found wherever it lies, and
// reads the whole table.
func (db *DB) Holding(ctx context.Context, t Table, words string) (map[string][]string, error) {
	found := map[string][]string{}
	for i, column := range t.Columns {
		if t.Types[i] != "text" {
			continue
		}
		list, err := All(ctx, db, Value[string], `SELECT DISTINCT `+column+` FROM `+t.Name+` WHERE `+column+` LIKE $1`, "%"+words+"%")
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			found[column] = list
		}
	}
	return found, nil
}

// Swap puts another value in a text column's place wherever it has the one given, in the write transaction that ctx carries.
func (db *DB) Swap(ctx context.Context, t Table, column, was, is string) error {
	_, err := db.Exec(ctx, `UPDATE `+t.Name+` SET `+column+` = $1 WHERE `+column+` = $2`, is, was)
	return err
}
