package setting_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/core/setting"
)

// TestRotatedKeys: while a key is rotated both open; afterwards only the new one does, and what others rely on stays unless it leaked.
func TestRotatedKeys(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret.key")
	before, err := setting.LoadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := before.Seal("hunter2")
	if err != nil {
		t.Fatal(err)
	}
	link := before.Sign("ack", "page", time.Unix(1000, 0))
	for _, leaked := range []bool{false, true} {
		file, err := setting.ReadKeyFile(path)
		if err != nil {
			t.Fatal(err)
		}
		during, after, err := file.Rotated(leaked)
		if err != nil {
			t.Fatal(err)
		}
		both := during.Vault()
		if plain, err := both.Open(sealed); err != nil || plain != "hunter2" {
			t.Errorf("while it is rotated, the secret is %q (%v)", plain, err)
		}
		if sealed, err = both.Seal("hunter2"); err != nil {
			t.Fatal(err)
		}
		if err := after.Write(path); err != nil {
			t.Fatal(err)
		}
		now, err := setting.LoadKey(path)
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := now.Open(sealed); err != nil || plain != "hunter2" {
			t.Errorf("afterwards the secret is %q (%v)", plain, err)
		}
		if _, err := before.Open(sealed); err == nil {
			t.Error("the key before opens what was sealed anew")
		}
		_, err = now.Verify("ack", link, time.Unix(999, 0))
		if (err == nil) == leaked {
			t.Errorf("leaked %t: a link of before answers %v", leaked, err)
		}
		for _, purpose := range []string{"recovery-codes", "web-push", "status-snapshot"} {
			if same := bytes.Equal(before.Derive(purpose), now.Derive(purpose)); same == leaked {
				t.Errorf("leaked %t: the key for %s is the same: %t", leaked, purpose, same)
			}
		}
		if len(now.Prints()) != 1 || now.Prints()[0] == before.Prints()[0] || len(both.Prints()) < 2 {
			t.Errorf("the prints are %v, while it was rotated %v", now.Prints(), both.Prints())
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file is %v (%v)", info, err)
		}
	}
}

func TestKeyFilesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "abc", strings.Repeat("0", 64) + "\nold abc", "old " + strings.Repeat("0", 64), strings.Repeat("0", 64) + " x"} {
		if _, err := setting.ParseKeyFile(text); err == nil {
			t.Errorf("%q is a key file", text)
		}
	}
}
