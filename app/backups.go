package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"golang.org/x/sys/unix"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/backup"
	"github.com/mainstayhq/mainstay/core/backup/backupdb"
	"github.com/mainstayhq/mainstay/core/backup/backupweb"
)

// backups are the copies that the server makes by itself.
type backups struct {
	Backups *backup.Service
}

func (a *App) wireBackups() (err error) {
	a.Backups, err = backup.New(backup.Config{
		Dir: a.cfg.BackupDir, Store: backupdb.New(a.DB, a.Saver), Maker: maker{a}, Settings: a.Settings, Questions: backupQuestions{a},
		Time: a.cfg.Time, Log: a.cfg.Log, Changed: func(refs []mainstay.Ref) { a.router.Live().Publish("", refs) },
	})
	return err
}

// startBackups begins to make them, and shows how they are in /metrics.
func (a *App) startBackups(ctx context.Context) error {
	if a.cfg.BackupDir == "" {
		return nil
	}
	if err := a.Backups.Start(ctx); err != nil {
		return err
	}
	a.DB.OnForeign(a.Backups.Wake)
	a.stopLater(func(context.Context) error { a.Backups.Stop(); return nil })
	a.metrics.set.RegisterMetricsWriter(func(w io.Writer) {
		ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		h, err := a.Backups.Health(ask)
		if err != nil {
			return
		}
		gauge := func(name string, v int64) {
			metrics.WriteMetadataIfNeeded(w, name, "gauge")
			_, _ = fmt.Fprintf(w, "%s %d\n", name, v)
		}
		verified, late := int64(0), int64(0)
		if !h.Newest.Began.IsZero() {
			verified = h.Newest.Began.Unix()
		}
		if h.Late {
			late = 1
		}
		gauge("mainstay_backup_verified_timestamp_seconds", verified)
		gauge("mainstay_backup_size_bytes", h.Newest.Size)
		gauge("mainstay_backup_late", late)
	})
	return nil
}

func (a *App) backupPages(n names) (*backupweb.Pages, error) {
	return backupweb.New(backupweb.Config{Service: a.Backups, Names: n, Key: a.cfg.SecretKeyFile, Data: a.cfg.Data, URL: a.cfg.DatabaseURL != ""})
}

// backupKinds are the manifests of the schedule.
func (a *App) backupKinds() []kind {
	return []kind{
		kindOf("Backups", false, a.Backups.Define, a.Backups.Specs).
			is("backup-schedules", "", "When backups are made by themselves, and which are kept. There is one, named default."),
	}
}

// backupQuestions answers what the making of backups asks.
type backupQuestions struct{ a *App }

// Administrators implements backup.Questions.
func (q backupQuestions) Administrators(ctx context.Context) ([]string, error) {
	return q.a.Access.Administrators(ctx)
}

// Policy implements backup.Questions.
func (q backupQuestions) Policy(ctx context.Context, project, policy string) (string, error) {
	id, err := q.a.Projects.ProjectID(ctx, project)
	if err != nil {
		return "", err
	}
	_, err = q.a.Escalation.Policy(ctx, id, policy)
	return id, err
}

// maker makes backups of the working server and tries them.
type maker struct{ a *App }

// tight is the room on the disk below which no backup is begun.
const tight = 64 * mebi

// room refuses to fill the disk to its end.
func room(dir string, need uint64) error {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return fmt.Errorf("asking for the free space of %s: %w", dir, err)
	}
	if free := s.Bavail * uint64(s.Bsize); free < need { //nolint:gosec // a block has a positive size
		return mainstay.Errorf(mainstay.Unavailable, "Only %d MiB are free in %s, and %d MiB are needed.", free/mebi, dir, (need+mebi-1)/mebi)
	}
	return nil
}

// Make implements backup.Maker. It takes at most half of one core, so that the intake hardly notices.
func (m maker) Make(ctx context.Context, path string, progress func(rows int64)) (made backup.Made, err error) {
	if err := room(filepath.Dir(path), tight); err != nil {
		return made, err
	}
	var rows int64
	taken, err := intoFile(path, func(w io.Writer) (Taken, error) {
		return backupOf(ctx, m.a.DB, m.a.cfg, &gentle{ctx: ctx, w: w}, func() {
			if rows++; rows%1000 == 0 {
				progress(rows)
			}
		})
	})
	if err != nil {
		return made, err
	}
	made = backup.Made{Rows: taken.Total(), Files: taken.Files, Missing: int64(len(taken.Missing)), Version: taken.Head.Version}
	info, err := os.Stat(path)
	if err == nil {
		made.Size = info.Size()
	}
	return made, err
}

// Try implements backup.Maker: it restores into an embedded database in a folder of its own beside the file, whatever engine the backup
// was taken from, and removes that again.
func (m maker) Try(ctx context.Context, path string, progress func(rows int64)) (tried backup.Tried, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return tried, mainstay.Errorf(mainstay.NotFound, "The file is not in the folder any more.")
	}
	if err != nil {
		return tried, err
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err == nil {
		err = room(filepath.Dir(path), uint64(4*info.Size()+tight)) //nolint:gosec // a size is positive
	}
	if err != nil {
		return tried, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), backup.TrialFolder+"*")
	if err != nil {
		return tried, fmt.Errorf("making a folder to restore into: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var rows int64
	t := &trial{seen: map[string]bool{}, progress: func(n int64) { rows += n; progress(rows) }}
	cfg := Config{Data: dir, SecretKeyFile: m.a.cfg.SecretKeyFile, Version: m.a.cfg.Version, Log: m.a.cfg.Log}
	out, err := restore(ctx, cfg, &gentle{ctx: ctx, r: f}, t)
	if err != nil {
		return tried, err
	}
	tried = backup.Tried{Rows: out.Total(), Files: out.Files, Missing: int64(len(out.Missing)), Chains: len(out.Chains), Version: out.Head.Version}
	for _, c := range out.Chains {
		tried.Facts += c.Facts
		if !c.Whole {
			return tried, mainstay.Errorf(mainstay.Invalid, "The journal in it is not whole: %s.", c.Verdict)
		}
	}
	if len(out.Behind) > 0 {
		return tried, mainstay.Errorf(mainstay.Invalid, "Numbers of kind %s would be given twice after a restore: somebody altered the database.", out.Behind[0])
	}
	return tried, nil
}

// trial is a restore that is thrown away.
type trial struct {
	seen     map[string]bool // digests of the contents in the backup
	progress func(rows int64)
}

func (t *trial) file(sha string, body io.Reader) error { // who reads the backup compares the digest
	t.seen[sha] = true
	_, err := io.Copy(io.Discard, body)
	return err
}

func (t *trial) has(_ context.Context, sha string) (bool, error) { return t.seen[sha], nil }

// gentle passes reads and writes on and rests after each as long as the work since the one before took: what is made of it takes half
// of a core at most, and others come in between. It ends with ctx.
type gentle struct {
	ctx  context.Context
	w    io.Writer
	r    io.Reader
	last time.Time
}

// mostRest is the longest rest.
const mostRest = 250 * time.Millisecond

func (g *gentle) rest() error {
	clock := mainstay.Clock{} // real: it is about this machine's work
	if !g.last.IsZero() {
		wait, stop := clock.Wait(min(clock.Now().Sub(g.last), mostRest))
		select {
		case <-wait:
		case <-g.ctx.Done():
		}
		stop()
	}
	g.last = clock.Now()
	if g.ctx.Err() != nil {
		return context.Cause(g.ctx)
	}
	return nil
}

// Write implements io.Writer.
func (g *gentle) Write(b []byte) (int, error) {
	if err := g.rest(); err != nil {
		return 0, err
	}
	return g.w.Write(b)
}

// Read implements io.Reader.
func (g *gentle) Read(b []byte) (int, error) {
	if err := g.rest(); err != nil {
		return 0, err
	}
	return g.r.Read(b[:min(len(b), 64<<10)])
}

var _ backup.Maker = maker{}
