package statuspage_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/practice/communication/statuspage"
)

// source is what the database would say; the test changes it.
type source struct {
	mu   sync.Mutex
	site communication.Site
	hide map[string]bool
	err  error
	wake func()
}

func (s *source) Site(_ context.Context, now time.Time) (communication.Site, map[string]bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	site := s.site
	site.At = now
	return site, s.hide, s.err
}

func (s *source) Changed(wake func()) { s.wake = wake }

func (s *source) change(f func()) {
	s.mu.Lock()
	f()
	s.mu.Unlock()
	s.wake()
}

type setup struct {
	source *source
	clock  *mainstay.Moved
	dir    string
	key    ed25519.PrivateKey
	r      *statuspage.Renderer
}

func start(t *testing.T) *setup {
	t.Helper()
	dir := t.TempDir()
	key, err := statuspage.Key(filepath.Join(dir, "status.key"))
	if err != nil {
		t.Fatal(err)
	}
	s := &setup{source: &source{site: harbour()}, clock: mainstay.NewMoved(now), dir: filepath.Join(dir, "status"), key: key}
	s.r, err = statuspage.NewRenderer(statuspage.Config{
		Source: s.source, Dir: s.dir, Key: key, Time: s.clock,
		Page: func(context.Context) (statuspage.Page, error) { return page, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.r.Stop)
	return s
}

func (s *setup) reader(t *testing.T, key ed25519.PublicKey) *statuspage.Snapshot {
	t.Helper()
	r, err := statuspage.NewSnapshot(statuspage.SnapshotConfig{Dir: s.dir, Key: key, Time: s.clock})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func shows(t *testing.T, h http.Handler, path, want string) bool {
	t.Helper()
	return strings.Contains(read(t, ask(h, "GET", path)), want)
}

// A change is rendered, written and shown by the other process; when the server dies, that goes on and says its age.
func TestSnapshot(t *testing.T) {
	s := start(t)
	other := s.reader(t, nil)
	if !shows(t, other.Handler(), "/", "Some card payments fail") || !shows(t, other.Handler(), "/api/v2/status.json", "major") {
		t.Fatal("the snapshot does not show the page")
	}
	s.source.change(func() {
		s.source.site.Incidents[0].Name = "All card payments fail"
	})
	mainstaytest.Eventually(t, "the change is shown by both", func() bool {
		other.Refresh()
		return shows(t, s.r.Handler(), "/", "All card payments fail") && shows(t, other.Handler(), "/", "All card payments fail")
	})
	// What was taken down is in no file of the folder.
	s.source.change(func() { s.source.hide = map[string]bool{"i-2": true} })
	mainstaytest.Eventually(t, "the incident is gone", func() bool {
		other.Refresh()
		return ask(other.Handler(), "GET", "/incidents/i-2").StatusCode == 404
	})
	mainstaytest.Eventually(t, "the folder is tidy", func() bool { return !holds(t, s.dir, "card payments") })
	if link, err := os.ReadFile(filepath.Join(s.dir, "www", "index.html")); err != nil || !strings.Contains(string(link), "Harbour status") {
		t.Errorf("a plain web server finds no page in www: %v", err)
	}
	// The server dies.
	s.r.Stop()
	s.clock.Advance(6 * time.Minute)
	other.Refresh()
	if !shows(t, other.Handler(), "/", "6 min ago") {
		t.Error("the page does not say that it is old")
	}
	again := s.reader(t, s.key.Public().(ed25519.PublicKey))
	if !shows(t, again.Handler(), "/", "6 min ago") {
		t.Error("a reader that starts now does not show the last snapshot")
	}
}

func holds(t *testing.T, dir, text string) bool {
	found := false
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // a generation that is being removed
		}
		b, _ := os.ReadFile(path)
		found = found || strings.Contains(string(b), text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// While the database is away, the page stays and says its age.
func TestDatabaseAway(t *testing.T) {
	s := start(t)
	s.source.change(func() { s.source.err = errors.New("the database is gone") })
	for range 6 {
		s.clock.Advance(30 * time.Second)
		time.Sleep(10 * time.Millisecond) // real: lets the renderer see each beat
	}
	mainstaytest.Eventually(t, "the page says its age", func() bool {
		s.r.Wake()
		return shows(t, s.r.Handler(), "/", "This page is as of")
	})
	s.source.change(func() { s.source.err = nil })
	mainstaytest.Eventually(t, "the page is current again", func() bool { return !shows(t, s.r.Handler(), "/", "This page is as of") })
}

// Whoever alters the folder is not believed: the last good page stays.
func TestTampering(t *testing.T) {
	_, foreign, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	generation := func(t *testing.T, s *setup) string {
		l, err := filepath.Glob(filepath.Join(s.dir, "g2*"))
		if err != nil || len(l) != 1 {
			t.Fatalf("generations %v, %v", l, err)
		}
		return l[0]
	}
	edit := func(t *testing.T, path, from, to string) {
		b, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(b), from) {
			t.Fatalf("%s: %v, %q", path, err, from)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(b), from, to)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, alter := range map[string]func(t *testing.T, s *setup){
		"no key": func(t *testing.T, s *setup) { edit(t, filepath.Join(s.dir, "current.json"), "\"key\"", "\"kee\"") },
		"a page": func(t *testing.T, s *setup) { edit(t, filepath.Join(generation(t, s), "index.html"), "card", "gift") },
		"the list": func(t *testing.T, s *setup) {
			edit(t, filepath.Join(generation(t, s), "manifest.json"), "feed.rss", "feed.xyz")
		},
		"the time": func(t *testing.T, s *setup) {
			edit(t, filepath.Join(s.dir, "current.json"), "2026-03-17", "2026-03-18")
		},
		"the signature": func(t *testing.T, s *setup) {
			edit(t, filepath.Join(s.dir, "current.json"), "signature\": \"", "signature\": \"A")
		},
		"a file less": func(t *testing.T, s *setup) { _ = os.Remove(filepath.Join(generation(t, s), "feed.atom")) },
		"another key": func(t *testing.T, s *setup) {
			r, err := statuspage.NewRenderer(statuspage.Config{Source: &source{site: many(1)}, Dir: s.dir, Key: foreign, Time: s.clock})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.Stop()
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			s := start(t)
			running := s.reader(t, nil)
			s.r.Stop()
			alter(t, s)
			running.Refresh()
			if !shows(t, running.Handler(), "/", "Some card payments fail") {
				t.Error("a reader that runs does not keep the last good page")
			}
			fresh := s.reader(t, s.key.Public().(ed25519.PublicKey))
			if r := ask(fresh.Handler(), "GET", "/"); r.StatusCode != 503 {
				t.Errorf("a reader that starts shows an altered folder: %d", r.StatusCode)
			}
		})
	}
}

// The whole of "mainstay status": a listener, a folder that comes later, a clean end.
func TestServe(t *testing.T) {
	s := start(t)
	dir := filepath.Join(t.TempDir(), "later")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- statuspage.Serve(ctx, statuspage.SnapshotConfig{Dir: dir, Time: s.clock}, l) }()
	get := func() int {
		r, err := http.Get("http://" + l.Addr().String() + "/api/v2/summary.json")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close() //nolint:errcheck // only read
		return r.StatusCode
	}
	if got := get(); got != 503 {
		t.Errorf("without a folder: %d", got)
	}
	if err := os.Rename(s.dir, dir); err != nil {
		t.Fatal(err)
	}
	mainstaytest.Eventually(t, "the folder is taken over", func() bool {
		s.clock.Advance(time.Second)
		return get() == 200
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A key is told in base64 or hex; no text is no key.
func TestParseKey(t *testing.T) {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{base64.StdEncoding.EncodeToString(public) + "\n", hex.EncodeToString(public)} {
		if got, err := statuspage.ParseKey(text); err != nil || !got.Equal(public) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if got, err := statuspage.ParseKey(" "); err != nil || got != nil {
		t.Errorf("no text: %v, %v", got, err)
	}
	if _, err := statuspage.ParseKey("abc"); !mainstay.Is(err, mainstay.Invalid) {
		t.Errorf("nonsense: %v", err)
	}
}

// The key is made once, readable by nobody else.
func TestKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "status.key")
	a, err := statuspage.Key(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := statuspage.Key(path)
	if err != nil || !a.Equal(b) {
		t.Errorf("the second time: another key, %v", err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("no"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := statuspage.Key(path); !mainstay.Is(err, mainstay.Invalid) {
		t.Errorf("a damaged key: %v", err)
	}
}
