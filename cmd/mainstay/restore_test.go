package main_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAKilledRestore leaves nothing half: after kill -9 at any moment there is nothing, or all of it, and restoring again succeeds.
func TestAKilledRestore(t *testing.T) {
	t.Parallel()
	d := database{in: in{dir: t.TempDir()}}
	d.must(t, "apply", "-f", d.file(t, "shop.yaml", shop))
	key := oneLine(t, d.must(t, "key", "create", "--project", "shop", "--format", "alertmanager"), `^[0-9a-f]{32}$`)
	s := d.serve(t, "--backup-dir", "off")
	for n := range 20 {
		var b bytes.Buffer
		for i := range 1000 {
			fmt.Fprintf(&b, `%s{"labels":{"alertname":"A%d","n":"%d"}}`, map[bool]string{true: "[", false: ","}[i == 0], n, i)
		}
		if status, body := s.ask(t, "POST", "/in/"+key+"/alertmanager/api/v2/alerts", "", b.String()+"]"); status != 200 {
			t.Fatal(status, body)
		}
	}
	s.stop(t)
	d.must(t, "backup", "all.backup")
	want := rows(t, filepath.Join(d.dir, "mainstay-data"))
	began := time.Now()
	d.must(t, "restore", "all.backup", "--data", "whole")
	took := time.Since(began)

	killed := 0
	for n := range 8 {
		dir := fmt.Sprintf("lost-%d", n)
		c := exec.Command(binary, "restore", "all.backup", "--data", dir)
		c.Dir, c.Env = d.dir, clean()
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(took * time.Duration(n+1) / 9) // real: another process works
		if c.Process.Kill() == nil && c.Wait() != nil {
			killed++
		}
		if left := rows(t, filepath.Join(d.dir, dir)); len(left) > 0 && fmt.Sprint(left) != fmt.Sprint(want) {
			t.Fatalf("killed after %d/9 of it, there is half of it: %v", n+1, left)
		} else if len(left) == 0 {
			if out := d.must(t, "restore", "all.backup", "--data", dir); !strings.Contains(out, "The journal is whole") {
				t.Errorf("restored again, it says %s", out)
			}
		}
		if again := rows(t, filepath.Join(d.dir, dir)); fmt.Sprint(again) != fmt.Sprint(want) {
			t.Errorf("restored again, there are %v, want %v", again, want)
		}
	}
	if killed < 4 {
		t.Errorf("only %d of 8 were killed in time", killed)
	}
}

// rows counts the rows of some tables; nothing when there are no tables.
func rows(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	path := filepath.Join(dir, "mainstay.db")
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // only read
	var tables int
	if err := db.QueryRow(`SELECT count(*) FROM sqlite_schema WHERE type = 'table'`).Scan(&tables); err != nil || tables == 0 {
		if err != nil {
			t.Fatal(err)
		}
		return nil
	}
	counts := map[string]int64{}
	for _, table := range []string{"alert", "inbox", "journal_batch", "project", "person", "object", "schema_migration"} {
		var n int64
		if err := db.QueryRow(`SELECT count(*) FROM ` + table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		counts[table] = n
	}
	return counts
}
