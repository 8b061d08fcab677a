package e2e

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Each earlier version's own data is opened by the present one, on both databases: nothing is missing, the journal is whole, and
// it goes on working.
func TestUpgrades(t *testing.T) {
	archives, err := filepath.Glob("testdata/upgrades/*.tar.gz")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no earlier version to upgrade from (%v)", err)
	}
	for _, archive := range archives {
		version := strings.TrimSuffix(filepath.Base(archive), ".tar.gz")
		for _, engine := range []string{"sqlite", "postgres"} {
			t.Run(version+"/"+engine, func(t *testing.T) { upgrade(t, archive, engine) })
		}
	}
}

func upgrade(t *testing.T, archive, engine string) {
	s := newServer(t, "sqlite", "--allow-targets", "127.0.0.0/8")
	old := t.TempDir()
	unpack(t, archive, old)
	s.dir = filepath.Join(old, "data")
	s.db = []string{"--data", s.dir}
	if engine == "postgres" {
		s.db = append(s.db, "--database-url", load(t, filepath.Join(old, "postgres.sql")), "--secret-key-file", filepath.Join(s.dir, "secret.key"))
	}
	b, err := os.ReadFile(filepath.Join(old, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string]json.RawMessage
	var token string
	if err := errors.Join(json.Unmarshal(b, &expected), json.Unmarshal(expected["token"], &token)); err != nil {
		t.Fatal(err)
	}
	delete(expected, "token")

	s.start()
	for list, was := range expected {
		stillThere(t, s, token, list, was)
	}
	s.mainstay("journal", "verify")
	goesOn(t, s, token)
	s.stop()
	s.start() // and once more: an upgrade ends
	s.mainstay("journal", "verify")
}

// stillThere compares what makes an object itself; what was added to answers since is no fault.
func stillThere(t *testing.T, s *server, token, list string, was json.RawMessage) {
	t.Helper()
	var then struct {
		Items []map[string]any `json:"items"`
	}
	if err := json.Unmarshal(was, &then); err != nil {
		t.Fatal(err)
	}
	if len(then.Items) == 0 {
		t.Logf("the earlier version had no %s", list)
	}
	now := map[any]map[string]any{}
	path := "/" + list + "?limit=100"
	for cursor := ""; ; {
		var answer struct {
			Items []map[string]any `json:"items"`
			Next  string           `json:"next"`
		}
		s.api(token, "GET", path+cursor, nil, &answer)
		for _, item := range answer.Items {
			now[item["id"]] = item
		}
		if answer.Next == "" {
			break
		}
		cursor = "&cursor=" + url.QueryEscape(answer.Next)
	}
	for _, item := range then.Items {
		found := now[item["id"]]
		for _, field := range []string{"number", "name", "title", "key", "severity", "project", "createdAt", "openedAt", "email"} {
			if want, ok := item[field]; ok && fmt.Sprint(found[field]) != fmt.Sprint(want) {
				t.Errorf("%s %v: %s was %v and is %v", list, item["id"], field, want, found[field])
			}
		}
	}
}

// goesOn sends an alert through the whole upgraded system: somebody is paged.
func goesOn(t *testing.T, s *server, token string) {
	t.Helper()
	key := strings.TrimSpace(s.mainstay("key", "create", "--project", "harbour", "--service", "checkout", "--format", "alertmanager"))
	code, body, err := s.post("/in/"+key+"/alertmanager/api/v2/alerts", "application/json",
		[]byte(`[{"labels":{"alertname":"AfterTheUpgrade","service":"checkout","severity":"critical"}}]`))
	if err != nil || code != 200 {
		t.Fatalf("%d %s %v", code, body, err)
	}
	eventually(t, 20*time.Second, "somebody is paged", func() error {
		var pages struct {
			Items []struct{ Title string } `json:"items"`
		}
		if err := s.tryAPI(token, "GET", "/pages?limit=20", nil, &pages); err != nil {
			return err
		}
		if !slices.ContainsFunc(pages.Items, func(p struct{ Title string }) bool { return strings.Contains(p.Title, "AfterTheUpgrade") }) {
			return fmt.Errorf("pages: %v", pages.Items)
		}
		return nil
	})
}

func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.FileInfo().IsDir() {
			err = os.MkdirAll(path, 0o755)
		} else {
			var b []byte
			if b, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(path, b, h.FileInfo().Mode().Perm())
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// load makes a database of its own from a dump and returns its URL.
func load(t *testing.T, dump string) string {
	t.Helper()
	base := need(t, "postgres")
	name := fmt.Sprintf("upgrade%d", time.Now().UnixNano())
	psql := func(url string, args ...string) {
		if out, err := exec.Command("psql", append([]string{url, "-q", "-v", "ON_ERROR_STOP=1"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("psql: %v: %s", err, out)
		}
	}
	psql(base, "-c", "CREATE DATABASE "+name)
	t.Cleanup(func() { psql(base, "-c", "DROP DATABASE "+name+" WITH (FORCE)") })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	psql(u.String(), "-o", os.DevNull, "-f", dump)
	return u.String()
}
