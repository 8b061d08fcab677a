package filedb_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/file"
	"github.com/mainstayhq/mainstay/core/file/filedb"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

func setup(t *testing.T, f func(t *testing.T, e *mainstaytest.Env, s *file.Service, dir string)) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		dir := t.TempDir()
		disk, err := file.NewDisk(dir)
		if err != nil {
			t.Fatal(err)
		}
		s, err := file.New(file.Config{
			Store: filedb.New(e.DB, e.Saver), Blobs: disk, Time: e.Clock,
			Max: func(context.Context) int64 { return 1 << 20 },
		})
		if err != nil {
			t.Fatal(err)
		}
		f(t, e, s, dir)
	}, filedb.Migrations())
}

var incident = mainstay.Ref{Kind: mainstay.KindIncident, ID: "i1"}

func keep(t *testing.T, s *file.Service, name, content string) file.Exhibit {
	t.Helper()
	x, err := s.Keep(t.Context(), file.Upload{Project: "p1", Subject: incident, Name: name, By: mainstay.Person("ana")}, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// A graph is kept, read back byte for byte, and lies on the disk under its digest.
func TestKeepAndRead(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, e *mainstaytest.Env, s *file.Service, dir string) {
		png := "\x89PNG\r\n\x1a\n" + strings.Repeat("x", 5000)
		x := keep(t, s, `C:\tmp\queue "depth".png`, png)
		sum := sha256.Sum256([]byte(png))
		if sha := hex.EncodeToString(sum[:]); x.SHA256 != sha || x.Size != 5008 || x.MediaType != "image/png" || x.Name != "queue depth.png" {
			t.Fatalf("%+v", x)
		}
		if _, err := os.Stat(filepath.Join(dir, x.SHA256[:2], x.SHA256[2:])); err != nil {
			t.Error(err)
		}
		back, r, err := s.Open(t.Context(), x.ID)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close() //nolint:errcheck // read only
		content, err := io.ReadAll(r)
		if err != nil || string(content) != png || back != x {
			t.Errorf("read back %d bytes of %+v: %v", len(content), back, err)
		}
		facts := e.Facts(t, "p1", "exhibit.added")
		if len(facts) != 1 || facts[0].Subjects[1] != incident {
			t.Fatalf("%+v", facts)
		}
		if p, ok := fact.As[fact.ExhibitAdded](facts[0]); !ok || p.SHA256 != x.SHA256 {
			t.Errorf("%+v", p)
		}
		if o, err := e.Objects.Find(t.Context(), mainstay.KindExhibit, x.ID, ""); err != nil || o.Project != "p1" {
			t.Errorf("%+v: %v", o, err)
		}
		keep(t, s, "again.png", png)
		if l, err := s.Of(t.Context(), incident); err != nil || len(l) != 2 {
			t.Errorf("%+v: %v", l, err)
		}
	})
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, e *mainstaytest.Env, s *file.Service, dir string) {
		up := file.Upload{Project: "p1", Subject: incident, Name: "a", By: mainstay.Person("ana")}
		if _, err := s.Keep(t.Context(), up, bytes.NewReader(make([]byte, 1<<20+1))); !mainstay.Is(err, mainstay.TooLarge) {
			t.Error(err)
		}
		if _, err := s.Keep(t.Context(), up, strings.NewReader("")); !mainstay.Is(err, mainstay.Invalid) {
			t.Error(err)
		}
		if _, err := s.Keep(t.Context(), file.Upload{}, strings.NewReader("a")); !mainstay.Is(err, mainstay.Invalid) {
			t.Error(err)
		}
		if _, _, err := s.Open(t.Context(), "../../etc/passwd"); !mainstay.Is(err, mainstay.NotFound) {
			t.Error(err)
		}
		if left, err := os.ReadDir(filepath.Join(dir, "incoming")); err != nil || len(left) != 0 {
			t.Errorf("%v left behind: %v", left, err)
		}
	})
}

// A content whose row never committed goes, once it is a day old; one that is referred to stays.
func TestSweep(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, e *mainstaytest.Env, s *file.Service, dir string) {
		x := keep(t, s, "kept.txt", "kept")
		disk, err := file.NewDisk(dir)
		if err != nil {
			t.Fatal(err)
		}
		orphan, err := disk.Put(t.Context(), strings.NewReader("orphan"), 100)
		if err != nil {
			t.Fatal(err)
		}
		e.Clock.Set(time.Now())
		if n, err := s.Sweep(t.Context()); err != nil || n != 0 {
			t.Fatalf("a young content was swept: %d, %v", n, err)
		}
		half := filepath.Join(dir, "incoming", "1.part") // of a server that was killed
		if err := os.WriteFile(half, []byte("hal"), 0o600); err != nil {
			t.Fatal(err)
		}
		e.Clock.Advance(25 * time.Hour)
		if n, err := s.Sweep(t.Context()); err != nil || n != 2 {
			t.Fatalf("%d swept: %v", n, err)
		}
		if _, err := os.Stat(half); err == nil {
			t.Error("half a file is left")
		}
		if _, err := disk.Open(t.Context(), orphan.SHA256); !mainstay.Is(err, mainstay.NotFound) {
			t.Error(err)
		}
		if _, r, err := s.Open(t.Context(), x.ID); err != nil {
			t.Error(err)
		} else if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}
