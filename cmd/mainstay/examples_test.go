package main

import (
	"strings"
	"testing"
)

// TestEveryCommandTeaches: each shows an example that begins with its own name, and every flag says what it is.
func TestEveryCommandTeaches(t *testing.T) {
	for _, n := range model(t).Leaves(true) {
		shown := false
		for line := range strings.Lines(n.Detail) {
			shown = shown || strings.HasPrefix(line, "    ") && strings.Contains(line, "mainstay ") && strings.Contains(line, n.Path())
		}
		if !shown || n.Help == "" {
			t.Errorf("mainstay %s has no example, or no sentence: %q", n.Path(), n.Detail)
		}
		for _, f := range n.Flags {
			if f.Help == "" {
				t.Errorf("mainstay %s: --%s says nothing", n.Path(), f.Name)
			}
		}
	}
	for path := range examples {
		found := false
		for _, n := range model(t).Leaves(true) {
			found = found || n.Path() == path
		}
		if !found {
			t.Errorf("examples of %q, which is no command", path)
		}
	}
}
