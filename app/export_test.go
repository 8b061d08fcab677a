package app

import "context"

// SealedTables is sealedTables, for tests.
func SealedTables() []string { return sealedTables }

// WeakTLS is what doctor finds when it tries old versions of TLS at an address.
func WeakTLS(ctx context.Context, base string) []Finding {
	d := &doctor{}
	d.weakTLS(ctx, base)
	return d.list
}
