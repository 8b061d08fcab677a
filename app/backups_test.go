package app_test

import (
	"bytes"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/core/backup"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
)

// withBackups gives the server a folder for backups.
func withBackups(t *testing.T) servertest.Option {
	return func(cfg *app.Config) { cfg.BackupDir = filepath.Join(t.TempDir(), "backups") }
}

const keptShop = `
apiVersion: mainstay/v1
kind: Project
metadata: {name: shop}
---
apiVersion: mainstay/v1
kind: Person
metadata: {name: ana}
spec: {email: ana@example.com, roles: [{role: administrator}]}
---
apiVersion: mainstay/v1
kind: EscalationPolicy
metadata: {name: operators, project: shop}
spec: {steps: [{targets: ["person:ana"]}]}
---
apiVersion: mainstay/v1
kind: Backups
metadata: {name: default}
spec: {at: "03:30", keep: {daily: 2, monthly: 1}, policy: shop/operators}
`

// states are those of the copies that are not gone, newest first.
func states(t *testing.T, s *servertest.Server) (list []string) {
	t.Helper()
	copies, err := s.Backups.Copies(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range copies {
		list = append(list, string(c.State))
	}
	return list
}

// await waits until the copies are in these states, newest first.
func await(t *testing.T, s *servertest.Server, want ...string) {
	t.Helper()
	mainstaytest.Eventually(t, "the backups are "+strings.Join(want, ", "), func() bool {
		_, busy := s.Backups.Now()
		got := states(t, s)
		return !busy && slices.Equal(got, want)
	})
	s.Settle(t)
}

// facts lists what the installation's journal says of kinds.
func sayings(t *testing.T, s *servertest.Server, kinds ...string) (list []string) {
	t.Helper()
	facts, err := s.Journal.Facts(t.Context(), journal.Query{Project: mainstay.Installation, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range facts {
		if slices.Contains(kinds, f.Kind) {
			list = append(list, fact.Sentence(f))
		}
	}
	return list
}

func mails(t *testing.T, s *servertest.Server, template string) (n int) {
	t.Helper()
	list, err := s.Notices.Deliveries(t.Context(), notify.Filter{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if d.Template == template && strings.HasPrefix(d.Subject.String(), "backup:") {
			n++
		}
	}
	return n
}

// TestScheduledBackups are made when they are due, restored to try them, and those that need not be kept are removed.
func TestScheduledBackups(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		s.Apply(t, keptShop)
		if list := states(t, s); len(list) > 0 {
			t.Fatalf("before any is due there are %v", list)
		}
		s.Advance(t, 10*time.Minute) // the server has just started: what was due before is made up for after a while
		await(t, s, "verified")
		for _, day := range [][]string{{"verified", "verified"}, {"verified", "verified", "gone"}, {"verified", "verified", "gone", "gone"}} {
			s.Advance(t, 24*time.Hour)
			await(t, s, day...)
		}
		files, err := filepath.Glob(filepath.Join(s.Config.BackupDir, "*"))
		if err != nil || len(files) != 2 {
			t.Errorf("in the folder are %v (%v)", files, err)
		}
		if hidden, _ := filepath.Glob(filepath.Join(s.Config.BackupDir, ".*")); len(hidden) > 0 {
			t.Errorf("left behind are %v", hidden)
		}
		told := sayings(t, s, "backup.made", "backup.verified", "backup.removed")
		if len(told) != 4+4+2 || !strings.HasPrefix(told[0], "made the backup mainstay-20260317T03") || !strings.Contains(told[1], "and found it whole") {
			t.Errorf("the journal says %q", told)
		}
		info, err := os.Stat(files[1])
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file is %v (%v)", info, err)
		}

		// The lost disk: another installation of either engine has all of it.
		there := servertest.Config(t, map[string]string{"sqlite": "postgres", "postgres": "sqlite"}[s.Engine])
		out, err := app.RestoreFile(t.Context(), there, files[1])
		if err != nil || !out.Whole() || out.Key != "absent" {
			t.Fatalf("%+v %v", out, err)
		}
		for _, c := range []struct {
			path, says string
			status     int
		}{{"/metrics", "mainstay_backup_late 0", 200}, {"/admin/backups", "verified", 200}} {
			if a := s.As(t, "ana").Get(t, c.path); c.path != "/metrics" && (a.Status != c.status || !strings.Contains(a.Body, c.says)) {
				t.Errorf("%s answers %d without %q", c.path, a.Status, c.says)
			}
		}
		h, err := s.Backups.Health(t.Context())
		if err != nil || h.Late || h.Newest.Facts == 0 {
			t.Errorf("its health is %+v (%v)", h, err)
		}
	}, withBackups(t))
}

// TestBackupsThatFail tell the administrators once, ask for a page, and say when all is well again.
func TestBackupsThatFail(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		s.Apply(t, keptShop)
		s.Settle(t)
		dir := s.Config.BackupDir
		if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, []byte("in the way"), 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Backups.Make(t.Context(), servertest.Operator); err != nil {
			t.Fatal(err)
		}
		ended := func(n int) {
			t.Helper()
			mainstaytest.Eventually(t, "it has failed", func() bool { _, busy := s.Backups.Now(); return !busy && len(sayings(t, s, "backup.failed")) == n })
			s.Settle(t)
			if errs := s.Log.Take(); len(errs) < 1 || !strings.Contains(strings.Join(errs, "\n"), "a backup failed") {
				t.Errorf("the log says %q", errs)
			}
		}
		ended(1)
		if n := mails(t, s, notify.TemplateGeneral); n != 1 {
			t.Errorf("%d messages went to administrators", n)
		}
		pages := s.As(t, "ana").Get(t, "/api/v1/pages")
		if !strings.Contains(pages.Body, "The backup of Mainstay could not be made") {
			t.Errorf("the pages are %.400s", pages.Body)
		}
		if _, err := s.Backups.Make(t.Context(), servertest.Operator); err == nil {
			t.Error("two backups of one second") // its name is taken
		}
		s.Clock.Advance(2 * time.Second)
		if _, err := s.Backups.Make(t.Context(), servertest.Operator); err != nil {
			t.Fatal(err)
		}
		ended(2)
		if n := mails(t, s, notify.TemplateGeneral); n != 1 {
			t.Errorf("after the second failure, %d messages went to administrators", n)
		}
		if page := s.As(t, "ana").Get(t, "/admin/backups"); page.Status != 200 || !strings.Contains(page.Body, "The last backup failed") {
			t.Errorf("the page answers %d %.300s", page.Status, page.Body)
		}

		if err := errors.Join(os.Remove(dir), os.Mkdir(dir, 0o700)); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(2 * time.Second)
		if _, err := s.Backups.Make(t.Context(), servertest.Operator); err != nil {
			t.Fatal(err)
		}
		await(t, s, "verified", "failed", "failed")
		if n := mails(t, s, notify.TemplateGeneral); n != 2 {
			t.Errorf("that all is well again, %d messages say", n-1)
		}
	}, withBackups(t))
}

// TestADamagedBackup is found out by trying it again, and is not taken for a good one.
func TestADamagedBackup(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite", withBackups(t))
	s.Apply(t, keptShop)
	c, err := s.Backups.Make(t.Context(), servertest.Operator)
	if err != nil {
		t.Fatal(err)
	}
	await(t, s, "verified")
	path := s.Backups.Path(c)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(whole)
	bad[len(bad)/2] ^= 0x40
	if err := os.WriteFile(path, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Backups.Verify(t.Context(), servertest.Operator, c.ID); err != nil {
		t.Fatal(err)
	}
	await(t, s, "failed")
	if told := sayings(t, s, "backup.failed"); len(told) != 1 || !strings.Contains(told[0], "could not restore the backup") {
		t.Errorf("the journal says %q", told)
	}
	if errs := s.Log.Take(); len(errs) != 1 {
		t.Errorf("the log says %q", errs)
	}
	if h, err := s.Backups.Health(t.Context()); err != nil || h.Troubled == "" || h.Newest.ID != "" {
		t.Errorf("its health is %+v (%v)", h, err)
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Backups.Verify(t.Context(), servertest.Operator, c.ID); err != nil {
		t.Fatal(err)
	}
	await(t, s, "verified")
}

// TestBackupsAfterARestart: what a killed server left half is removed, what was missed is made up for, and files of another
// installation are found.
func TestBackupsAfterARestart(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite", withBackups(t))
	s.Apply(t, keptShop)
	if _, err := s.Backups.Make(t.Context(), servertest.Operator); err != nil {
		t.Fatal(err)
	}
	await(t, s, "verified")
	s.Stop(t)
	dir := s.Config.BackupDir
	half := []string{filepath.Join(dir, ".mainstay-20260318T033000Z.backup.123.part"), filepath.Join(dir, backup.TrialFolder+"1")}
	if err := os.WriteFile(half[0], []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(half[1], 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"mainstay-20250101T000000Z.backup": "of long ago", "notes.txt": "not ours"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.Clock.Advance(30 * time.Hour) // 18 March, 09:00: the one of 03:30 was missed
	s.Again(t)
	for _, path := range half {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is left", path)
		}
	}
	if got := states(t, s); !slices.Equal(got, []string{"verified", "unverified"}) {
		t.Errorf("after the start there are %v", got)
	}
	s.Advance(t, 6*time.Minute)
	await(t, s, "verified", "verified", "unverified")
}

// TestBackupPages: make one, take it out, which is noted, change the schedule; who is no administrator of everything sees nothing of it.
func TestBackupPages(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		s.Apply(t, keptShop)
		ana := s.As(t, "ana")
		if page := ana.Get(t, "/admin/backups"); page.Status != 200 || !strings.Contains(page.Body, "No backup yet") {
			t.Fatalf("the page answers %d", page.Status)
		}
		if a := ana.Post(t, "/admin/backups", nil); a.Status != 303 {
			t.Fatalf("making one answers %d %.300s", a.Status, a.Body)
		}
		await(t, s, "verified")
		page := ana.Get(t, "/admin/backups").Doc(t)
		link, _ := page.Find(`a[aria-label^="Download"]`).Attr("href")
		if link == "" || page.Find(`main:contains("verified")`).Length() == 0 {
			t.Fatal("the page offers no download")
		}
		file := ana.Get(t, link)
		if _, err := backup.Read(strings.NewReader(file.Body), nil); err != nil || file.Status != 200 {
			t.Errorf("the download answers %d: %v", file.Status, err)
		}
		if told := sayings(t, s, "backup.downloaded"); len(told) != 1 {
			t.Errorf("of the download the journal says %q", told)
		}
		form := url.Values{"on": {"1"}, "how": {"every"}, "every": {"90m"}, "zone": {"Europe/Berlin"}, "daily": {"3"}, "weekly": {"0"}, "monthly": {"1"}}
		if a := ana.Post(t, "/admin/backups/schedule", form); a.Status != 422 || !strings.Contains(a.Body, "whole hours") {
			t.Errorf("a wrong schedule answers %d", a.Status)
		}
		form.Set("every", "6h")
		if a := ana.Post(t, "/admin/backups/schedule", form); a.Status != 303 {
			t.Errorf("a schedule answers %d %.300s", a.Status, a.Body)
		}
		if spec, err := s.Backups.Spec(t.Context()); err != nil || spec.Every != "6h" || spec.Policy != "" || spec.Keep.Daily != 3 {
			t.Errorf("it is set to %+v (%v)", spec, err)
		}
		manager := s.With(s.Token(t, "administrator", "shop"))
		if a := manager.Get(t, "/api/v1/backups"); a.Status != 403 {
			t.Errorf("an administrator of one project is answered %d", a.Status)
		}
		root := s.With(s.Token(t, "administrator", ""))
		var list struct{ Items []struct{ State string } }
		root.Get(t, "/api/v1/backups").JSON(t, &list)
		if len(list.Items) != 1 || list.Items[0].State != "verified" {
			t.Errorf("the API lists %v", list.Items)
		}
	}, withBackups(t))
}
