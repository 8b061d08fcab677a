package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/core/backup"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
	"github.com/mainstayhq/mainstay/storage"
)

// contents is everything that a backup holds, in no order of the engine's.
type contents struct {
	rows  []string
	files []string
}

func (c *contents) Head(backup.Head) error { return nil }

func (c *contents) Rows(t backup.Table, rows [][]any) error {
	for _, r := range rows {
		named := make([]string, len(r))
		for i, v := range r {
			named[i] = fmt.Sprintf("%s=%#v", t.Columns[i], v)
		}
		slices.Sort(named)
		c.rows = append(c.rows, t.Name+" "+strings.Join(named, " "))
	}
	return nil
}

func (c *contents) File(sha string, r io.Reader) error {
	body, err := io.ReadAll(r)
	c.files = append(c.files, sha+" "+string(body))
	return err
}

// taken takes a backup of an installation and unpacks it.
func taken(t *testing.T, cfg app.Config) (file []byte, c contents) {
	t.Helper()
	var b bytes.Buffer
	sum, err := app.Backup(t.Context(), cfg, &b)
	if err != nil || len(sum.Missing) > 0 {
		t.Fatal(sum, err)
	}
	if _, err := backup.Read(bytes.NewReader(b.Bytes()), &c); err != nil {
		t.Fatal(err)
	}
	slices.Sort(c.rows)
	return b.Bytes(), c
}

// same compares what two backups hold; when each schema change ran is each database's own affair.
func same(t *testing.T, a, b contents) {
	t.Helper()
	if !slices.Equal(a.files, b.files) || len(a.files) == 0 {
		t.Errorf("the files are %v, were %v", b.files, a.files)
	}
	if slices.Equal(a.rows, b.rows) {
		return
	}
	for _, r := range a.rows {
		if _, found := slices.BinarySearch(b.rows, r); !found {
			t.Errorf("it is gone: %.300s", r)
		}
	}
	for _, r := range b.rows {
		if _, found := slices.BinarySearch(a.rows, r); !found {
			t.Errorf("it is new: %.300s", r)
		}
	}
}

// TestBackupAndRestore takes a backup of a world while it runs, and restores it in the same and in the other engine: nothing is
// lost, nothing is altered, and it runs on.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		file, before := taken(t, s.Config)
		whole, err := s.VerifyJournal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.Stop(t)
		for _, engine := range []string{"sqlite", "postgres"} {
			t.Run("into "+engine, func(t *testing.T) {
				cfg := servertest.Config(t, engine)
				out, err := app.Restore(t.Context(), cfg, bytes.NewReader(file))
				if err != nil || !out.Whole() || len(out.Missing)+len(out.Behind) > 0 || len(out.Chains) != len(whole) || out.Total() < 100 {
					t.Fatalf("%+v %v", out, err)
				}
				if out.Key != "absent" {
					t.Errorf("the key is %q although nobody brought it", out.Key)
				}
				_, after := taken(t, cfg)
				same(t, before, after)
				if _, err := app.Restore(t.Context(), cfg, bytes.NewReader(file)); !mainstay.Is(err, mainstay.Conflict) || !strings.Contains(err.Error(), "data here already") {
					t.Errorf("restored onto itself: %v", err)
				}
				again := servertest.New(t, engine, func(c *app.Config) {
					c.Data, c.DatabaseURL, c.Time = cfg.Data, cfg.DatabaseURL, s.Config.Time
					c.SecretKeyFile = s.Config.SecretKeyFile
				})
				if a := again.With(w.root).Get(t, "/api/v1/incidents"); a.Status != 200 || !strings.Contains(a.Body, markPrivate) {
					t.Errorf("the restored server answers %d %.300s", a.Status, a.Body)
				}
				if a := again.With(w.root).Get(t, "/search?q=Basalt"); a.Status != 200 || strings.Count(a.Body, "Basalt") < 5 {
					t.Errorf("its search answers %d %.2000s", a.Status, a.Body)
				}
				if a := again.With(w.root).Send(t, "POST", "/api/v1/incidents", map[string]any{"project": "alpha", "title": "After", "severity": "sev-3"}); a.Status >= 300 {
					t.Errorf("nothing can be declared: %d %s", a.Status, a.Body)
				}
				again.Settle(t)
				again.Stop(t)
			})
		}
	})
}

// TestRestoreRefuses what would harm.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		s.Apply(t, "apiVersion: mainstay/v1\nkind: Project\nmetadata: {name: shop}\n")
		file, _ := takenBare(t, s.Config)
		if _, err := app.Restore(t.Context(), s.Config, bytes.NewReader(file)); !mainstay.Is(err, mainstay.Conflict) || !strings.Contains(err.Error(), "stop it first") {
			t.Errorf("under a running server: %v", err)
		}
		cfg := servertest.Config(t, s.Engine)
		for name, b := range map[string][]byte{"cut off": file[:len(file)-30], "no backup": []byte("hello"), "empty": nil} {
			if _, err := app.Restore(t.Context(), cfg, bytes.NewReader(b)); !mainstay.Is(err, mainstay.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		out, err := app.Restore(t.Context(), cfg, bytes.NewReader(file)) // nothing of those before is left
		if err != nil || out.Rows["project"] != 1 {
			t.Errorf("%+v %v", out, err)
		}
		nowhere := app.Config{Data: filepath.Join(t.TempDir(), "no"), SecretKeyFile: "no"}
		if _, err := app.Backup(t.Context(), nowhere, io.Discard); !mainstay.Is(err, mainstay.NotFound) {
			t.Errorf("a backup of nothing: %v", err)
		}
		if _, err := os.Stat(nowhere.Data); err == nil {
			t.Error("asking for a backup made an installation")
		}
	})
}

// takenBare is taken of an installation without files.
func takenBare(t *testing.T, cfg app.Config) (file []byte, c contents) {
	t.Helper()
	file, c = taken(t, cfg)
	if len(c.files) > 0 {
		t.Fatal(c.files)
	}
	return file, c
}

// TestMove there and back brings everything back.
func TestMove(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite")
	newWorld(t, s)
	s.Stop(t)
	_, before := taken(t, s.Config)
	there, back := servertest.Config(t, "postgres"), servertest.Config(t, "sqlite")
	there.SecretKeyFile = s.Config.SecretKeyFile
	out, err := app.Move(t.Context(), s.Config, there)
	if err != nil || !out.Whole() || out.Key != "same" {
		t.Fatalf("%+v %v", out, err)
	}
	if out, err = app.Move(t.Context(), there, back); err != nil || !out.Whole() {
		t.Fatalf("%+v %v", out, err)
	}
	_, after := taken(t, back)
	same(t, before, after)
}

// BenchmarkRestore restores 50,000 facts in batches of a thousand, each with two subjects, and verifies them.
func BenchmarkRestore(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			const facts = 50_000
			from := servertest.Config(b, "sqlite")
			a, err := app.Open(b.Context(), from)
			if err != nil {
				b.Fatal(err)
			}
			now := mainstay.Clock{}.Now()
			for range facts / 1000 {
				err := a.DB.Write(b.Context(), storage.Normal, func(ctx context.Context) error {
					var list []fact.Fact
					for range 1000 {
						list = append(list, fact.New(now, "", servertest.Operator, fact.ObjectDeleted{Kind: "route", Name: "all"},
							mainstay.Ref{Kind: mainstay.KindRoute, ID: mainstay.NewID(now)}, mainstay.Ref{Kind: mainstay.KindProject, ID: mainstay.NewID(now)}))
					}
					return a.Saver.Save(ctx, commit.Set{Facts: list})
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			if err := a.Close(); err != nil {
				b.Fatal(err)
			}
			var file bytes.Buffer
			if _, err := app.Backup(b.Context(), from, &file); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				out, err := app.Restore(b.Context(), servertest.Config(b, engine), bytes.NewReader(file.Bytes()))
				if err != nil || !out.Whole() || out.Chains[0].Facts != facts {
					b.Fatal(out, err)
				}
			}
			b.ReportMetric(facts*float64(b.N)/b.Elapsed().Seconds(), "facts/s")
			b.ReportMetric(float64(file.Len())/facts, "bytes/fact")
		})
	}
}
