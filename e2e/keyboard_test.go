package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// TestKeyboard walks the main job in a real Chromium with keys alone, from signing in to the resolved incident; then connects the
// browser as a device and acknowledges from a pushed message.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	need(t, "browser")
	st := newStory(t, "sqlite")
	s := st.s
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("the admin of the story\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.mainstay("setup", "--admin", "admin@mail.test", "--password-file", password)
	s.mainstay("apply", "-f", st.manifest(t, "{delay: 4s,", "{delay: 1h,"))
	s.start()
	key := s.mainstay("key", "create", "--project", "shop", "--service", "checkout", "--format", "alertmanager")
	admin := s.signIn(t, "admin", "admin@mail.test", "the admin of the story")
	ben := admin.invite(t, "ben", st.boxB.Address, "ben runs the support")
	dir := os.Getenv("MAINSTAY_SHOTS")
	if dir == "" {
		dir = t.TempDir()
	}
	t.Log(browse(t, "keyboard.js", map[string]any{
		"url": "http://" + s.addr, "key": key, "dir": dir, "ben": map[string]string{"email": ben.Email, "password": ben.Password},
	}))
	files, err := filepath.Glob(filepath.Join(dir, "keyboard-*.png"))
	if err != nil || len(files) < 7 {
		t.Errorf("there are %d pictures, %v", len(files), err)
	}
}
