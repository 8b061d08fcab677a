package storage

import "strings"

// Merger puts rows of a copy into a table that holds others. A row whose key is taken, by whatever, is left out: what stands here
// stays.
func (db *DB) Merger(t Table) *Filler {
	f := db.Filler(t)
	const tail = ` ON CONFLICT DO NOTHING`
	if db.lite {
		f.lite = NewInserts(`INSERT INTO `+t.Name+` (`+strings.Join(t.Columns, ", ")+`) VALUES`, len(t.Columns), tail)
	} else {
		f.text += tail
	}
	return f
}

// Foreign tells everybody who keeps anything in memory to read it again, as after a write of another process.
func (db *DB) Foreign() { db.foreignWrite() }
