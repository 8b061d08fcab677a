package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"
)

// TestStoryBrowser clicks the story through in a real Chromium: on a desk, on a phone, and without script.
func TestStoryBrowser(t *testing.T) {
	t.Parallel()
	need(t, "browser")
	st := newStory(t, "sqlite")
	s := st.s
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("the admin of the story\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.mainstay("setup", "--admin", "admin@mail.test", "--password-file", password)
	// Nothing may happen by itself while it is clicked: the second step comes late.
	s.mainstay("apply", "-f", st.manifest(t, "{delay: 4s,", "{delay: 1h,"))
	s.start()
	key := s.mainstay("key", "create", "--project", "shop", "--service", "checkout", "--format", "alertmanager")
	admin := s.signIn(t, "admin", "admin@mail.test", "the admin of the story")
	ben := admin.invite(t, "ben", st.boxB.Address, "ben runs the support")
	cleo := admin.invite(t, "cleo", "cleo@mail.test", "cleo reads with care")
	who := func(p *person) map[string]string { return map[string]string{"email": p.Email, "password": p.Password} }
	t.Log(browse(t, "story.js", map[string]any{
		"url": "http://" + s.addr, "status": "http://" + s.status, "key": key, "ben": who(ben), "cleo": who(cleo),
	}))
}

// TestStoryDemo starts mainstay demo, sees that it shows what it promises, and keeps the pictures of the guide where
// MAINSTAY_SHOTS says.
func TestStoryDemo(t *testing.T) {
	t.Parallel()
	s, out := startDemo(t)
	var sum summaryJSON
	if err := readStatus(s.status, "/api/v2/summary.json", &sum); err != nil || len(sum.Components) != 7 || len(sum.ScheduledMaintenances) == 0 {
		t.Errorf("its status page says %+v, %v", sum, err)
	}
	ana := s.signIn(t, "ana", "ana@harbour.example", "harbour-demo")
	var past listOf[incidentJSON]
	ana.api(t, "GET", "/incidents", nil, &past)
	if !slices.ContainsFunc(past.Items, func(i incidentJSON) bool {
		return i.Title == "Card payments fail at checkout" && i.State == "resolved" && len(i.Steps) == 6
	}) {
		t.Errorf("its past incidents are %+v", past.Items)
	}
	eventually(t, 10*time.Second, "it says how to sign in", func() error { // a moment after the first page answers
		if b, err := os.ReadFile(out); !regexp.MustCompile(`sign in as ana@harbour\.example with harbour-demo`).Match(b) {
			return fmt.Errorf("it says %q (%v)", b, err)
		}
		return nil
	})
	t.Run("pictures", func(t *testing.T) {
		need(t, "browser")
		dir := os.Getenv("MAINSTAY_SHOTS")
		if dir == "" {
			dir = t.TempDir()
		}
		t.Log(browse(t, "shots.js", map[string]any{"url": "http://" + s.addr, "status": "http://" + s.status, "dir": dir}))
		files, err := filepath.Glob(filepath.Join(dir, "*.png"))
		if err != nil || len(files) < 9 {
			t.Errorf("there are %d pictures, %v", len(files), err)
		}
		for _, f := range files {
			if info, err := os.Stat(f); err != nil || info.Size() > 250_000 {
				t.Errorf("%s is too large for the repository: %v", f, info)
			}
		}
	})
}

// startDemo runs mainstay demo until it answers. out is what it prints.
func startDemo(t *testing.T) (s *server, out string) {
	t.Helper()
	s = &server{t: t, root: t, bin: need(t, "binary"), addr: freeAddr(t), status: freeAddr(t)}
	out = filepath.Join(t.TempDir(), "demo.log")
	log, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	cmd := exec.Command(s.bin, "demo", "--listen", s.addr, "--status-listen", s.status)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		_ = log.Close()
		if b, _ := os.ReadFile(out); t.Failed() {
			t.Logf("mainstay demo: %s", b)
		}
	})
	eventually(t, time.Minute, "the demonstration is ready", func() error {
		code, _, err := s.get("/-/ready")
		if err == nil && code != 200 {
			err = errNotYet
		}
		return err
	})
	t.Logf("the demonstration was ready after %.1f s", time.Since(began).Seconds())
	return s, out
}
