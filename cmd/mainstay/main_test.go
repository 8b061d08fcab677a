package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestSettingsComeFromFlagsThenTheEnvironmentThenTheFile(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	file := at("mainstay.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Each run of export opens the database in the folder that it was told, so the folder says which setting counted.
	used := func(want string, args ...string) {
		t.Helper()
		if code := run(append([]string{"--config", file, "export"}, args...)); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		if _, err := os.Stat(filepath.Join(at(want), "mainstay.db")); err != nil {
			t.Errorf("the folder %s was not used", want)
		}
	}
	write(fmt.Sprintf("data: %s\nallow-targets: [10.0.0.0/8, 127.0.0.1]\n", at("by-file")))
	used("by-file")
	t.Setenv("MAINSTAY_DATA", at("by-environment"))
	used("by-environment")
	used("by-flag", "--data", at("by-flag"))

	write("dta: /nowhere\n")
	if code := run([]string{"--config", file, "export"}); code != 2 {
		t.Errorf("an unknown key in the file: exit code %d, want 2", code)
	}
}

func TestWrongUseIsToldByTheExitCode(t *testing.T) {
	dir := t.TempDir()
	manifest := filepath.Join(dir, "shop.yaml")
	if err := os.WriteFile(manifest, []byte("apiVersion: mainstay/v1\nkind: Project\nmetadata: {name: shop}\nspec: {colour: blue}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		want int
	}{
		"no command":               {nil, 2},
		"an unknown flag":          {[]string{"serve", "--loud"}, 2},
		"PostgreSQL without a key": {[]string{"serve", "--database-url", "postgres://x/y"}, 2},
		"a URL that is none":       {[]string{"serve", "--data", dir, "--external-url", "support"}, 2},
		"a network that is none":   {[]string{"serve", "--data", dir, "--allow-targets", "ten"}, 2},
		"a role that is none":      {[]string{"token", "create", "--name", "x", "--role", "king", "--data", dir}, 2},
		"a faulty manifest":        {[]string{"apply", "-f", manifest, "--data", dir}, 2},
		"no such project":          {[]string{"key", "create", "--project", "gone", "--format", "generic", "--data", dir}, 1},
		"a server without a token": {[]string{"apply", "-f", manifest, "--server", "http://127.0.0.1:1"}, 2},
		"version":                  {[]string{"version"}, 0},
		"a journal that is whole":  {[]string{"journal", "verify", "--data", dir}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := run(tc.args); got != tc.want {
				t.Errorf("exit code %d, want %d", got, tc.want)
			}
		})
	}
}
