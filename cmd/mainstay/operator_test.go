package main_test

import (
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // a tampering hand
)

const password = "a bridge over nothing"

// TestHelp: whoever knows nothing is told what to do first.
func TestHelp(t *testing.T) {
	t.Parallel()
	here := in{dir: t.TempDir()}
	help := here.must(t, "--help")
	for _, want := range []string{
		"mainstay demo", "mainstay serve", "mainstay setup --admin you@example.org --password-file FILE", "mainstay apply -f shop.yaml",
		"mainstay key create --project shop --format alertmanager", "MAINSTAY_LISTEN", "Exit codes: 0 done",
	} {
		if !strings.Contains(help, want) {
			t.Errorf("--help lacks %q:\n%s", want, help)
		}
	}
	for _, command := range [][]string{{"serve"}, {"demo"}, {"setup"}, {"token", "create"}, {"key", "create"}, {"apply"}, {"export"}, {"status"}, {"journal", "verify"}, {"backup"}, {"restore"}, {"migrate"}, {"doctor"}, {"version"}} {
		text := here.must(t, append(command, "--help")...)
		if !strings.Contains(text, "Usage: mainstay "+strings.Join(command, " ")) {
			t.Errorf("the help of %v has no usage:\n%s", command, text)
		}
	}
	if v := here.must(t, "version"); v != "mainstay v1.2.3-test\n" {
		t.Errorf("the version is %q", v)
	}
	here.refuses(t, 2, `unknown flag --loud.*\nTry mainstay --help`, "serve", "--loud")
	here.refuses(t, 2, `unexpected argument fly`, "fly")
	here.refuses(t, 2, `--admin`, "setup", "--password-file", "x")
	if left, err := os.ReadDir(here.dir); err != nil || len(left) > 0 {
		t.Errorf("asking for help left %v behind", left)
	}
}

// TestSettings come from flags, then the environment, then the file.
func TestSettings(t *testing.T) {
	t.Parallel()
	here := in{dir: t.TempDir()}
	file := here.file(t, "mainstay.yaml", "data: by-file\nlog-level: error\n")
	used := func(env []string, args ...string) string {
		t.Helper()
		in{dir: here.dir, env: env}.must(t, append([]string{"export", "--config", file}, args...)...)
		for _, name := range []string{"by-flag", "by-env", "by-file", "mainstay-data"} {
			if os.RemoveAll(filepath.Join(here.dir, "gone")) == nil && os.Rename(filepath.Join(here.dir, name), filepath.Join(here.dir, "gone")) == nil {
				return name
			}
		}
		return "none"
	}
	if got := used(nil); got != "by-file" {
		t.Errorf("with the file, the data is in %s", got)
	}
	if got := used([]string{"MAINSTAY_DATA=by-env"}); got != "by-env" {
		t.Errorf("with file and environment, the data is in %s", got)
	}
	if got := used([]string{"MAINSTAY_DATA=by-env"}, "--data", "by-flag"); got != "by-flag" {
		t.Errorf("with file, environment and flag, the data is in %s", got)
	}
	here.must(t, "export")
	if _, err := os.Stat(filepath.Join(here.dir, "mainstay-data", "mainstay.db")); err != nil {
		t.Errorf("without any setting the data is not in ./mainstay-data: %v", err)
	}
	here.refuses(t, 2, `unknown key "dta"`, "export", "--config", here.file(t, "bad.yaml", "dta: x\n"))
	here.refuses(t, 2, `no-such-file`, "export", "--config", "no-such-file")
	here.refuses(t, 2, `debug`, "export", "--log-level", "loud")
	in{dir: here.dir, env: []string{"MAINSTAY_LOG_LEVEL=loud"}}.refuses(t, 2, `debug`, "export")
	here.refuses(t, 2, `--database-url needs --secret-key-file`, "export", "--database-url", "postgres://x/y")
}

// TestTheFirstAdministrator is made on a folder that does not exist, once.
func TestTheFirstAdministrator(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, d database) {
		secret := d.file(t, "password", password+"\n")
		d.refuses(t, 2, `password`, d.with("setup", "--admin", "ana@example.org", "--password-file", d.file(t, "short", "short"))...)
		d.must(t, d.with("setup", "--admin", "ana@example.org", "--password-file", secret)...)
		before := d.must(t, d.with("journal", "verify")...) + d.must(t, d.with("export")...)
		d.refuses(t, 1, `^mainstay: An administrator exists already. Nothing was changed.\n$`, d.with("setup", "--admin", "ben@example.org", "--password-file", secret)...)
		if after := d.must(t, d.with("journal", "verify")...) + d.must(t, d.with("export")...); after != before || !strings.Contains(after, "ana@example.org") || strings.Contains(after, "ben@") {
			t.Errorf("a second set-up changed something:\n%s\n%s", before, after)
		}
		for path, mode := range map[string]os.FileMode{"new/data": 0o700, "new/data/secret.key": 0o600, "secret.key": 0o600} {
			if info, err := os.Stat(filepath.Join(d.dir, path)); err == nil && info.Mode().Perm() != mode {
				t.Errorf("%s has the permissions %o, want %o", path, info.Mode().Perm(), mode)
			} else if err != nil && d.lite == strings.HasPrefix(path, "new") {
				t.Errorf("%s: %v", path, err)
			}
		}
		s := d.serve(t)
		if strings.Contains(s.log.String(), "/setup/") {
			t.Error("it offers a set-up link although there is an administrator")
		}
		signIn(t, s, "ana@example.org", password, "/")
	})
	d := database{in: in{dir: t.TempDir(), input: password}}
	d.must(t, "setup", "--admin", "ana@example.org", "--password-file", "-")
}

// signIn posts the sign-in form and expects to be led on.
func signIn(t *testing.T, s *server, email, password, to string) {
	t.Helper()
	status, where := s.ask(t, "POST", "/sign-in", "", url.Values{"email": {email}, "password": {password}}.Encode())
	if status != 303 || where != to {
		t.Errorf("signing in as %s answers %d and leads to %.200s", email, status, where)
	}
}

// TestTheSetupLink is printed by the first start, works once, and not after a restart.
func TestTheSetupLink(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, d database) {
		s := d.serve(t)
		old := link(t, s)
		s.stop(t)
		s = d.serve(t)
		path := link(t, s)
		if status, _ := s.ask(t, "GET", old, "", ""); status != 410 {
			t.Errorf("the link of the start before answers %d", status)
		}
		if status, page := s.ask(t, "GET", path, "", ""); status != 200 || !strings.Contains(page, "<form") {
			t.Errorf("the link answers %d %.300s", status, page)
		}
		form := url.Values{"email": {"ana@example.org"}, "name": {"Ana Ruiz"}, "password": {password}, "again": {"another"}}
		if status, _ := s.ask(t, "POST", path, "", form.Encode()); status != 422 {
			t.Errorf("two different passwords answer %d", status)
		}
		form.Set("again", password)
		if status, where := s.ask(t, "POST", path, "", form.Encode()); status != 303 || where != "/" {
			t.Errorf("the form answers %d and leads to %.200s", status, where)
		}
		for _, method := range []string{"GET", "POST"} {
			if status, _ := s.ask(t, method, path, "", form.Encode()); status != 410 {
				t.Errorf("%s of the used link answers %d", method, status)
			}
		}
		signIn(t, s, "ana@example.org", password, "/")
		s.stop(t)
		if s = d.serve(t); strings.Contains(s.log.String(), "/setup/") {
			t.Errorf("started again, it offers another link:\n%s", s.log)
		}
	})
}

// link is the path of the set-up link that the server printed.
func link(t *testing.T, s *server) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^\s+`+regexp.QuoteMeta(s.url)+`(/setup/\S+)$`).FindAllStringSubmatch(s.log.String(), -1)
	if len(m) != 1 || strings.Count(s.log.String(), m[0][1]) != 1 {
		t.Fatalf("it prints not one link:\n%s", s.log)
	}
	return m[0][1]
}

// TestJournalVerify tells by its exit code that a record was altered.
func TestJournalVerify(t *testing.T) {
	t.Parallel()
	d := database{in: in{dir: t.TempDir()}}
	d.must(t, "apply", "-f", d.file(t, "shop.yaml", "apiVersion: mainstay/v1\nkind: Project\nmetadata: {name: shop}\n---\napiVersion: mainstay/v1\nkind: Service\nmetadata: {name: web, project: shop}\n"))
	d.must(t, "apply", "-f", d.file(t, "blog.yaml", "apiVersion: mainstay/v1\nkind: Person\nmetadata: {name: ana}\n"))
	if out := d.must(t, "journal", "verify"); !strings.Contains(out, "PROJECT") || !regexp.MustCompile(`(?m)^shop +\d+ +\d+ +whole$`).MatchString(out) {
		t.Errorf("a whole journal is told as\n%s", out)
	}
	for name, statement := range map[string]string{
		"a fact was altered": `UPDATE journal_batch SET facts = facts || x'00'`,
		"a hash was altered": `UPDATE journal_batch SET hash = zeroblob(32)`,
		"the end is missing": `DELETE FROM journal_batch WHERE project <> 'installation'`,
		"a fact is missing":  `DELETE FROM journal_batch WHERE first = 1 AND project = 'installation'`,
	} {
		t.Run(name, func(t *testing.T) {
			copied := database{in: in{dir: t.TempDir()}}
			if err := os.CopyFS(copied.dir, os.DirFS(d.dir)); err != nil {
				t.Fatal(err)
			}
			sqlite(t, copied.dir, statement)
			r := copied.run(t, "journal", "verify")
			if r.code != 3 || !strings.Contains(r.err, "not whole") || !strings.Contains(r.out, "shop") || strings.Count(r.out, " whole") == strings.Count(r.out, "\n")-1 {
				t.Errorf("exit code %d\n%s%s", r.code, r.out, r.err)
			}
			if r := copied.run(t, "journal", "verify", "-o", "json"); r.code != 3 || !strings.Contains(r.out, `"whole":false`) {
				t.Errorf("as JSON: exit code %d\n%s%s", r.code, r.out, r.err)
			}
		})
	}
}

// sqlite runs a statement on the file, as somebody with a shell would.
func sqlite(t *testing.T, dir, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "mainstay-data", "mainstay.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it has committed
	done, err := db.Exec(statement)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s changed %d rows: %v", statement, n, err)
	}
}

// TestADatabaseOfANewerVersion is not touched.
func TestADatabaseOfANewerVersion(t *testing.T) {
	t.Parallel()
	d := in{dir: t.TempDir()}
	d.must(t, "export")
	sqlite(t, d.dir, `INSERT INTO schema_migration (owner, number, at) VALUES ('incident', 9001, 0)`)
	for _, command := range [][]string{{"serve", "--listen", "127.0.0.1:0", "--status-listen", "off"}, {"export"}, {"journal", "verify"}} {
		d.refuses(t, 1, `written by a newer Mainstay \(it has the schema change "incident/9001"\): start that version, or restore a backup`, command...)
	}
}

// TestExportAndApply: what is exported, applied elsewhere from a folder, exports the same.
func TestExportAndApply(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, d database) {
		if err := os.CopyFS(filepath.Join(d.dir, "shop"), os.DirFS("../../app/testdata/shop")); err != nil {
			t.Fatal(err)
		}
		d.must(t, d.with("apply", "-f", "shop")...)
		text := d.must(t, d.with("export")...)
		other := in{dir: t.TempDir()}
		other.must(t, "apply", "-f", other.file(t, "all.yml", text))
		if again := other.must(t, "export"); again != text || !strings.Contains(text, "kind: Window") {
			t.Errorf("exported elsewhere it is\n%s\nwas\n%s", again, text)
		}
		if out := d.must(t, d.with("apply", "-f", filepath.Join(other.dir, "all.yml"))...); strings.Contains(out, " changed") {
			t.Errorf("what was exported changes\n%s", out)
		}
		if part := d.must(t, d.with("export", "--project", "blog")...); strings.Contains(part, "project: shop\nspec") || !strings.Contains(part, "name: blog") {
			t.Errorf("the export of one project is\n%s", part)
		}
		d.refuses(t, 1, `nowhere`, d.with("apply", "-f", "nowhere")...)
		if err := os.Mkdir(filepath.Join(d.dir, "empty"), 0o700); err != nil {
			t.Fatal(err)
		}
		d.refuses(t, 2, `empty holds no .yaml file`, d.with("apply", "-f", "empty")...)
	})
}

// TestTheStatusPageAlone serves what a server has written, after that server has gone.
func TestTheStatusPageAlone(t *testing.T) {
	t.Parallel()
	d := database{in: in{dir: t.TempDir()}}
	if err := os.CopyFS(filepath.Join(d.dir, "shop"), os.DirFS("../../app/testdata/shop")); err != nil {
		t.Fatal(err)
	}
	d.must(t, "apply", "-f", "shop")
	d.serve(t).stop(t)
	s := d.begin(t, regexp.MustCompile(`url=(\S+)`), "status", "--snapshot", "mainstay-data/status", "--listen", "127.0.0.1:0")
	if status, body := s.ask(t, "GET", "/api/v2/components.json", "", ""); status != 200 || !strings.Contains(body, "Paying by card") {
		t.Errorf("it answers %d %s", status, body)
	}
	if status, body := s.ask(t, "GET", "/", "", ""); status != 200 || !strings.Contains(body, "<h1") {
		t.Errorf("its page answers %d %.300s", status, body)
	}
}
