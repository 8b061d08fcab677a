package storage_test

import (
	"context"
	"testing"

	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/storage"
)

// Any number of rows goes in whole and in order.
func TestInserts(t *testing.T) {
	t.Parallel()
	in := storage.NewInserts(`INSERT INTO line (a, b) VALUES`, 2, `ON CONFLICT DO NOTHING`)
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		for _, n := range []int{0, 1, 7, 8, 9, 31, 32, 33, 100} {
			err := e.DB.Write(t.Context(), storage.Normal, func(ctx context.Context) error {
				if _, err := e.DB.Exec(ctx, `CREATE TABLE IF NOT EXISTS line (a BIGINT PRIMARY KEY, b TEXT NOT NULL)`); err != nil {
					return err
				}
				if _, err := e.DB.Exec(ctx, `DELETE FROM line`); err != nil {
					return err
				}
				var args []any
				for i := range n {
					args = append(args, int64(i), "x")
				}
				if err := in.Exec(ctx, e.DB, args); err != nil {
					return err
				}
				return in.Exec(ctx, e.DB, args[:min(len(args), 2)])
			})
			if err != nil {
				t.Fatal(n, err)
			}
			got, err := storage.One(t.Context(), e.DB, storage.Value[int64], `SELECT count(*) FROM line`)
			if err != nil || got != int64(n) {
				t.Fatalf("%d rows, want %d: %v", got, n, err)
			}
		}
		err := e.DB.Write(t.Context(), storage.Normal, func(ctx context.Context) error { return in.Exec(ctx, e.DB, []any{1}) })
		if err == nil {
			t.Fatal("half a row was taken")
		}
	})
}
