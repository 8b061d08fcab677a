package main

import (
	"os"
	"path/filepath"
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

// TestTheExitCodeSaysWhetherAnythingChanged: 0, 1 and 2 of --detailed-exitcode.
func TestTheExitCodeSaysWhetherAnythingChanged(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) string {
		file := filepath.Join(dir, "f.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	const project = "{apiVersion: mainstay/v1, kind: Project, metadata: {name: shop}}\n"
	for _, c := range []struct {
		text string
		more []string
		want int
	}{
		{project, []string{"--dry-run", "--detailed-exitcode"}, 2},
		{project, []string{"--dry-run"}, 0},
		{project, []string{"--detailed-exitcode"}, 2},
		{project, []string{"--detailed-exitcode"}, 0},
		{project + "---\n{kind: Nothing}\n", []string{"--detailed-exitcode"}, 1},
		{project + "---\n{kind: Nothing}\n", nil, 2},
		{project, []string{"--prune-limit", "200"}, 2},
	} {
		args := append([]string{"apply", "-f", write(c.text), "--data", filepath.Join(dir, "data")}, c.more...)
		if got := run(args); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.more, got, c.want)
		}
	}
}
