package app

// SealedTables is sealedTables, for tests.
func SealedTables() []string { return sealedTables }
