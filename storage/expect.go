package storage

import "context"

type expectKey struct{}

// expectation is what a caller holds of an object; see Expect.
type expectation struct {
	id    string
	check func(version int64) error
	tx    *Tx // in which it was checked
	kept  bool
}

// Expect returns a context in which the object with the id changes only when check accepts the version that the change finds, in the
// transaction that makes it: an If-Match that nobody can slip past. Stores ask with Holds, after they have locked the row. It counts
// for the first transaction that commits.
func Expect(ctx context.Context, id string, check func(version int64) error) context.Context {
	return context.WithValue(ctx, expectKey{}, &expectation{id: id, check: check})
}

// Holds checks what the context expects of the object, in the transaction that it carries. Without an expectation it is nil.
func Holds(ctx context.Context, id string, version int64) error {
	e, _ := ctx.Value(expectKey{}).(*expectation)
	tx := ambient(ctx)
	if e == nil || e.id != id || e.kept || tx == nil || e.tx == tx {
		return nil
	}
	if err := e.check(version); err != nil {
		return err
	}
	e.tx = tx
	tx.AfterCommit(func() { e.kept = true })
	return nil
}
