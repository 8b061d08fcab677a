package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay/mainstaytest"
)

// TestBackup while the server runs, its verification, and its restore on a new machine.
func TestBackup(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, d database) {
		d.must(t, d.with("apply", "-f", d.file(t, "shop.yaml", shop))...)
		token := oneLine(t, d.must(t, d.with("token", "create", "--name", "ci", "--role", "administrator")...), `^mst_`)
		s := d.serve(t)
		if out := d.must(t, d.with("backup", "b.mainstay")...); !strings.Contains(out, "The secret key is not in it") {
			t.Errorf("it says %s", out)
		}
		if info, err := os.Stat(filepath.Join(d.dir, "b.mainstay")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file is %v %v", info, err)
		}
		if out := d.must(t, "backup", "--verify", "b.mainstay"); !strings.Contains(out, "b.mainstay is whole") {
			t.Errorf("verified, it says %s", out)
		}
		d.refuses(t, 1, `another Mainstay serves this data already: stop it first`, d.with("restore", "b.mainstay")...)
		s.stop(t)
		d.refuses(t, 1, `there is data here already`, d.with("restore", "b.mainstay")...)
		d.refuses(t, 2, `damaged|no backup`, "backup", "--verify", d.file(t, "cut", "not a backup"))
		d.refuses(t, 1, `There is no Mainstay in nowhere`, "backup", "x", "--data", "nowhere")
		if left, err := filepath.Glob(filepath.Join(d.dir, ".*.part")); err != nil || len(left) > 0 {
			t.Errorf("it leaves %v behind", left)
		}
		there := database{in: in{dir: t.TempDir()}, flags: []string{"--data", "new"}}
		out := there.must(t, there.with("restore", filepath.Join(d.dir, "b.mainstay"))...)
		if !strings.Contains(out, "The journal is whole") || !strings.Contains(out, "Put the secret key of the old installation into new/secret.key") {
			t.Errorf("restored, it says %s", out)
		}
		if a, b := d.must(t, d.with("export")...), there.must(t, there.with("export")...); a != b {
			t.Errorf("it exports\n%s\nwas\n%s", b, a)
		}
		if status, body := there.serve(t).ask(t, "GET", "/api/v1/projects", token, ""); status != 200 || !strings.Contains(body, `"shop"`) {
			t.Errorf("it answers %d %s", status, body)
		}
	})
}

// TestMigrate moves an installation to PostgreSQL, where it runs on.
func TestMigrate(t *testing.T) {
	t.Parallel()
	d := database{in: in{dir: t.TempDir()}, flags: []string{"--data", "old"}}
	d.must(t, d.with("apply", "-f", d.file(t, "shop.yaml", shop))...)
	text := d.must(t, d.with("export")...)
	to := mainstaytest.Postgres(t)
	s := d.serve(t)
	d.refuses(t, 1, `stop it first`, "migrate", "--from", "old", "--to", to)
	s.stop(t)
	if out := d.must(t, "migrate", "--from", "old", "--to", to, "--data", "old"); !strings.Contains(out, "The journal is whole") || strings.Contains(out, "secret") {
		t.Errorf("it says %s", out)
	}
	d.refuses(t, 1, `there is data here already`, "migrate", "--from", "old", "--to", to)
	d.refuses(t, 2, `the same`, "migrate", "--from", "old", "--to", "old")
	d.refuses(t, 1, `There is no Mainstay in nowhere`, "migrate", "--from", "nowhere", "--to", "new")
	moved := database{in: d.in, flags: []string{"--data", "old", "--database-url", to, "--secret-key-file", "old/secret.key"}}
	if again := moved.must(t, moved.with("export")...); again != text {
		t.Errorf("it exports\n%s\nwas\n%s", again, text)
	}
}

// TestDoctor says what is wrong by its words and its exit code.
func TestDoctor(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, d database) {
		look := func(code int, args ...string) map[string]string {
			t.Helper()
			r := d.run(t, d.with(append([]string{"doctor", "-o", "json"}, args...)...)...)
			var list []struct{ Check, State, Says, Do string }
			err := json.Unmarshal([]byte(r.out), &list)
			found := map[string]string{}
			for _, f := range list {
				if f.Check == "durability" && f.State == "wrong" && !d.lite {
					code = 1 // a PostgreSQL for tests alone may be run without fsync
				}
			}
			if err != nil || r.code != code {
				t.Errorf("exit code %d, want %d: %v\n%s%s", r.code, code, err, r.out, r.err)
			}
			for _, f := range list {
				if f.State != "ok" && f.Do == "" {
					t.Errorf("it says not what to do: %+v", f)
				}
				found[f.Check] = f.State
			}
			return found
		}
		if found := look(1); found["secret key"] != "wrong" {
			t.Errorf("of nothing it says %v", found)
		}
		if _, err := os.Stat(d.flags[1]); err == nil {
			t.Error("looking made an installation")
		}
		d.must(t, d.with("apply", "-f", d.file(t, "shop.yaml", shop))...)
		if found := look(0); found["database"] != "ok" || d.lite && found["durability"] != "ok" || found["server"] != "look" || found["policies"] != "ok" {
			t.Errorf("of a small one it says %v", found)
		}
		s := d.serve(t)
		if found := look(0); found["server"] != "ok" || found["status page"] != "ok" {
			t.Errorf("of a running one it says %v", found)
		}
		s.stop(t)
		if found := look(1, "--smtp-url", "smtp://127.0.0.1:1"); found["mail server"] != "wrong" {
			t.Errorf("without a mail server it says %v", found)
		}
		if err := os.Chmod(d.flags[1], 0o755); err != nil { //nolint:gosec // that is the fault to be found
			t.Fatal(err)
		}
		if found := look(1); found["data folder"] != "wrong" {
			t.Errorf("of an open folder it says %v", found)
		}
		if r := d.run(t, d.with("doctor")...); r.code != 1 || !strings.Contains(r.out, "→ chmod 700") || !strings.Contains(r.err, "something is wrong") {
			t.Errorf("for people it says %d\n%s%s", r.code, r.out, r.err)
		}
	})
}

// TestPrune removes what the manifests do not have, where that can be removed, and says so before it does.
func TestPrune(t *testing.T) {
	t.Parallel()
	d := database{in: in{dir: t.TempDir()}}
	route := func(project, name string) string {
		return "---\napiVersion: mainstay/v1\nkind: Route\nmetadata: {name: " + name + ", project: " + project + "}\n"
	}
	blog := "---\napiVersion: mainstay/v1\nkind: Project\nmetadata: {name: blog}\n"
	d.must(t, "apply", "-f", d.file(t, "all.yaml", shop+route("shop", "old")+route("shop", "new")+blog+route("blog", "all")))
	less := d.file(t, "less.yaml", strings.Split(shop, "---")[0]+route("shop", "new"))
	before := d.must(t, "export")
	out := d.must(t, "apply", "-f", less, "--prune", "--dry-run")
	if !strings.Contains(out, "2 to remove") || d.must(t, "export") != before {
		t.Errorf("a dry run says\n%s", out)
	}
	out = d.must(t, "apply", "-f", less, "--prune")
	for _, want := range []string{"- Route shop/old  (deleted)", "- Service shop/web  (retired)", "2 removed, 2 unchanged."} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q\n%s", want, out)
		}
	}
	after := d.must(t, "export")
	if strings.Contains(after, "name: old") || !strings.Contains(after, "name: new") || strings.Contains(after, "name: web") || !strings.Contains(after, "project: blog") {
		t.Errorf("afterwards there is\n%s", after)
	}
	if again := d.must(t, "apply", "-f", less, "--prune"); strings.Contains(again, "removed") {
		t.Errorf("again it says\n%s", again)
	}
}
