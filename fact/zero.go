package fact

// Zero is the zero payload of a kind; false when there is no such kind.
func Zero(kind string) (Payload, bool) {
	p, ok := kinds[kind]
	return p, ok
}
