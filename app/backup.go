package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/backup"
	"github.com/mainstayhq/mainstay/core/file"
	"github.com/mainstayhq/mainstay/core/file/filedb"
	"github.com/mainstayhq/mainstay/core/journal/journaldb"
	"github.com/mainstayhq/mainstay/core/object/objectdb"
	"github.com/mainstayhq/mainstay/core/search/searchdb"
	"github.com/mainstayhq/mainstay/core/setting"
	"github.com/mainstayhq/mainstay/storage"
)

// openStorage opens the database as it is, without bringing its schema up to date. One that does not exist is NotFound.
func openStorage(ctx context.Context, cfg *Config) (*storage.DB, error) {
	if err := cfg.defaults(); err != nil {
		return nil, err
	}
	s := storage.Config{Dir: cfg.Data, URL: cfg.DatabaseURL, Time: mainstay.Clock{}, Log: cfg.Log}
	if !s.Exists() {
		return nil, mainstay.Errorf(mainstay.NotFound, "There is no Mainstay in %s: it has no %s.", cfg.Data, storage.File)
	}
	return storage.Open(ctx, s)
}

// Taken says what a backup holds, and what of the installation it could not get.
type Taken struct {
	backup.Summary
	Missing []string `json:"missing"` // digests of exhibits whose content is not in the folder of files
}

// BackupFile writes a backup to a file of mode 0600. A file of that name is replaced once the backup is whole, and not before.
func BackupFile(ctx context.Context, cfg Config, path string) (Taken, error) {
	return intoFile(path, func(w io.Writer) (Taken, error) { return Backup(ctx, cfg, w) })
}

// intoFile has a backup written to a file that appears when it is whole.
func intoFile(path string, write func(w io.Writer) (Taken, error)) (taken Taken, err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part")
	if err != nil {
		return taken, fmt.Errorf("writing the backup: %w", err)
	}
	defer func() {
		_ = tmp.Close()           // closed already when all went well
		_ = os.Remove(tmp.Name()) // moved away when all went well
	}()
	if taken, err = write(tmp); err != nil {
		return taken, err
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return taken, fmt.Errorf("writing the backup: %w", err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return taken, fmt.Errorf("writing the backup: %w", err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return taken, fmt.Errorf("writing the backup: %w", err)
	}
	defer dir.Close() //nolint:errcheck // only synced
	return taken, dir.Sync()
}

// Backup writes a copy of the installation to w, also while a server runs on it: all tables as they are at one moment, and the files
// that they refer to. The secret key is not in it.
func Backup(ctx context.Context, cfg Config, w io.Writer) (Taken, error) {
	db, err := openStorage(ctx, &cfg)
	if err != nil {
		return Taken{}, err
	}
	taken, err := backupOf(ctx, db, cfg, w, nil)
	return taken, errors.Join(err, db.Close())
}

// backupOf writes the backup and tells wrote, which may be nil, of each row.
func backupOf(ctx context.Context, db *storage.DB, cfg Config, w io.Writer, wrote func()) (taken Taken, err error) {
	_, newer, err := db.Pending(ctx, Migrations()...)
	if err == nil && len(newer) > 0 {
		err = mainstay.Errorf(mainstay.Conflict, "the database was written by a newer Mainstay (it has the schema change %q): use that version", newer[0])
	}
	if err != nil {
		return taken, err
	}
	var b *backup.Writer
	var digests []string
	err = db.View(ctx, func(ctx context.Context) error { // short: while it lasts, SQLite's log only grows
		if b, err = dump(ctx, db, cfg, w, wrote); err != nil {
			return err
		}
		return eachDigest(ctx, db, func(sha string) error {
			digests = append(digests, sha)
			return nil
		})
	})
	if err == nil {
		taken.Missing, err = keepFiles(ctx, cfg, digests, b)
	}
	if err == nil {
		taken.Summary, err = b.Close()
	} else if b != nil {
		b.Abandon()
	}
	return taken, err
}

// dump writes every table. All is of one moment, because ctx carries a reading transaction.
func dump(ctx context.Context, db *storage.DB, cfg Config, w io.Writer, wrote func()) (*backup.Writer, error) {
	schema, err := db.Schema(ctx)
	if err != nil {
		return nil, err
	}
	tables, err := db.Tables(ctx, Migrations()...)
	if err != nil {
		return nil, err
	}
	head := backup.Head{Version: cfg.Version, Engine: "postgres", Taken: cfg.Time.Now().UTC(), Schema: schema, Key: keyPrint(cfg.SecretKeyFile)}
	if db.SQLite() {
		head.Engine = "sqlite"
	}
	for _, t := range tables {
		head.Tables = append(head.Tables, backup.Table(t))
	}
	b, err := backup.NewWriter(w, head)
	if err != nil {
		return nil, err
	}
	row := b.Row
	if wrote != nil {
		row = func(values []any) error { wrote(); return b.Row(values) }
	}
	for _, t := range tables {
		if err = b.Table(backup.Table(t)); err == nil {
			err = db.Dump(ctx, t, row)
		}
		if err != nil {
			return b, fmt.Errorf("copying table %s: %w", t.Name, err)
		}
	}
	return b, nil
}

// keyPrints tell whether two secret keys are the same and say nothing about them: of the key in the file, and of those before that it
// opens for. None when there is no key.
func keyPrints(path string) []string {
	k, err := setting.ReadKeyFile(path)
	if err != nil {
		return nil
	}
	return k.Vault().Prints()
}

func keyPrint(path string) string {
	if list := keyPrints(path); len(list) > 0 {
		return list[0]
	}
	return ""
}

// keepFiles adds the contents, and returns the digests of those that are gone.
func keepFiles(ctx context.Context, cfg Config, digests []string, b *backup.Writer) (missing []string, err error) {
	disk, err := file.NewDisk(filepath.Join(cfg.Data, "files"))
	if err != nil {
		return nil, err
	}
	for _, sha := range digests {
		switch err := keepFile(ctx, disk, sha, b); {
		case mainstay.Is(err, mainstay.NotFound):
			missing = append(missing, sha)
		case err != nil:
			return missing, err
		}
	}
	return missing, nil
}

func keepFile(ctx context.Context, disk *file.Disk, sha string, b *backup.Writer) error {
	r, err := disk.Open(ctx, sha)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // read only
	size, err := r.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = r.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("reading the file %s: %w", sha, err)
	}
	return b.File(sha, size, r)
}

// eachDigest calls f for each content that exhibits refer to, in order.
func eachDigest(ctx context.Context, db *storage.DB, f func(sha string) error) error {
	store := filedb.New(db, nil)
	for after := ""; ; {
		list, err := store.Digests(ctx, after, 500)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, sha := range list {
			if err := f(sha); err != nil {
				return err
			}
		}
		after = list[len(list)-1]
	}
}

// CheckBackup reads a backup to its end and compares every member with its manifest. It touches no installation.
func CheckBackup(path string) (backup.Summary, error) {
	f, err := os.Open(path)
	if err != nil {
		return backup.Summary{}, err
	}
	defer f.Close() //nolint:errcheck // read only
	return backup.Read(f, nil)
}

// Restored says what a restore brought, and what is to be looked at.
type Restored struct {
	backup.Summary
	Chains  []Chain  `json:"chains"`
	Missing []string `json:"missing"` // digests of exhibits without content
	Behind  []string `json:"behind"`  // kinds whose counter is behind their highest number
	// Key is "same", "other" or "absent": whether the secret key that is here is the one that sealed what was restored; "unknown"
	// when the backup does not tell.
	Key string `json:"key"`
}

// Whole reports whether every chain of the journal is.
func (r Restored) Whole() bool {
	return !slices.ContainsFunc(r.Chains, func(c Chain) bool { return !c.Whole })
}

// RestoreFile fills an empty installation from a backup file.
func RestoreFile(ctx context.Context, cfg Config, path string) (Restored, error) {
	f, err := os.Open(path)
	if err != nil {
		return Restored{}, err
	}
	defer f.Close() //nolint:errcheck // read only
	return Restore(ctx, cfg, f)
}

// Restore fills an empty installation, of either engine, in one transaction: with any fault of the backup nothing was restored. It
// refuses when a server holds the installation or when it holds data. Older schemas are brought up to date.
func Restore(ctx context.Context, cfg Config, r io.Reader) (Restored, error) {
	return restore(ctx, cfg, r, nil)
}

// restore is Restore. A trial keeps no file and builds no index: what it fills is thrown away.
func restore(ctx context.Context, cfg Config, r io.Reader, trial *trial) (out Restored, err error) {
	if err := cfg.defaults(); err != nil {
		return out, err
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return out, fmt.Errorf("making the data folder: %w", err)
	}
	db, err := storage.Open(ctx, storage.Config{Dir: cfg.Data, URL: cfg.DatabaseURL, Time: mainstay.Clock{}, Log: cfg.Log, Scratch: trial != nil})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Alone(ctx); err != nil {
		return out, err
	}
	disk, err := file.NewDisk(filepath.Join(cfg.Data, "files"))
	if err != nil {
		return out, err
	}
	err = db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		if err := db.Clear(ctx, Migrations()...); err != nil {
			return err
		}
		into := &restoring{ctx: ctx, db: db, disk: disk, trial: trial}
		if out.Summary, err = backup.Read(r, into); err != nil {
			return err
		}
		if err := into.count(out.Summary); err != nil {
			return err
		}
		if err := db.Migrate(ctx, Migrations()...); err != nil {
			return err
		}
		if trial != nil {
			return out.look(ctx, db, trial.has)
		}
		if err := searchdb.New(db).Rebuild(ctx); err != nil {
			return fmt.Errorf("building the search index: %w", err)
		}
		return out.look(ctx, db, onDisk(disk))
	})
	out.Key = compareKeys(out.Head.Key, keyPrints(cfg.SecretKeyFile))
	return out, err
}

// onDisk asks whether a content lies in the folder of files.
func onDisk(disk *file.Disk) func(ctx context.Context, sha string) (bool, error) {
	return func(ctx context.Context, sha string) (bool, error) {
		f, err := disk.Open(ctx, sha)
		if mainstay.Is(err, mainstay.NotFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		return true, f.Close()
	}
}

// look reads back what was restored.
func (r *Restored) look(ctx context.Context, db *storage.DB, has func(ctx context.Context, sha string) (bool, error)) error {
	chains, err := journaldb.New(db).Verify(ctx)
	if err != nil {
		return err
	}
	for _, v := range chains {
		r.Chains = append(r.Chains, chainOf(v))
	}
	if r.Behind, err = objectdb.New(db).Behind(ctx); err != nil {
		return err
	}
	return eachDigest(ctx, db, func(sha string) error {
		is, err := has(ctx, sha)
		if err == nil && !is {
			r.Missing = append(r.Missing, sha)
		}
		return err
	})
}

func compareKeys(backup string, here []string) string {
	switch {
	case backup == "":
		return "unknown"
	case len(here) == 0:
		return "absent"
	case slices.Contains(here, backup):
		return "same"
	}
	return "other"
}

// restoring puts what a backup holds into the database and the folder of files.
type restoring struct {
	ctx     context.Context // carries the transaction
	db      *storage.DB
	disk    *file.Disk
	trial   *trial // nil when it is meant
	tables  []storage.Table
	fillers map[string]*storage.Filler
}

// Head makes the schema that the backup was taken of, and checks that its tables are those of this schema.
func (r *restoring) Head(h backup.Head) (err error) {
	if err := r.db.MigrateTo(r.ctx, h.Schema, Migrations()...); err != nil {
		return err
	}
	r.fillers = map[string]*storage.Filler{}
	r.tables, err = r.db.Tables(r.ctx, Migrations()...)
	for _, t := range h.Tables {
		i := slices.IndexFunc(r.tables, func(o storage.Table) bool { return o.Name == t.Name })
		if err == nil && (i < 0 || !slices.Equal(sorted(t.Columns), sorted(r.tables[i].Columns))) {
			err = mainstay.Errorf(mainstay.Invalid, "the backup's table %s is none of its schema", t.Name)
		}
	}
	return err
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// count compares the rows that are in the database now with those that the backup says it holds.
func (r *restoring) count(sum backup.Summary) error {
	for _, t := range r.tables {
		n, err := r.db.Count(r.ctx, t)
		if err != nil {
			return err
		}
		if n != sum.Rows[t.Name] {
			return mainstay.Errorf(mainstay.Invalid, "The table %s has %d rows after it was filled, and the backup holds %d.", t.Name, n, sum.Rows[t.Name])
		}
	}
	return nil
}

// Rows inserts rows.
func (r *restoring) Rows(t backup.Table, rows [][]any) error {
	if r.trial != nil {
		r.trial.progress(int64(len(rows)))
	}
	f := r.fillers[t.Name]
	if f == nil {
		f = r.db.Filler(storage.Table(t))
		r.fillers[t.Name] = f
	}
	if err := f.Add(r.ctx, rows); err != nil {
		return fmt.Errorf("filling table %s: %w", t.Name, err)
	}
	return nil
}

// File keeps a content under its digest.
func (r *restoring) File(sha string, body io.Reader) error {
	if r.trial != nil {
		return r.trial.file(sha, body)
	}
	blob, err := r.disk.Put(r.ctx, body, 1<<62)
	if err != nil {
		return err
	}
	if blob.SHA256 != sha {
		return mainstay.Errorf(mainstay.Invalid, "the backup is damaged: the file %s was altered", sha)
	}
	return nil
}

// Move fills the empty installation to with everything of from, on the way that a backup takes. Neither may have a server.
func Move(ctx context.Context, from, to Config) (out Restored, err error) {
	db, err := openStorage(ctx, &from)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Alone(ctx); err != nil {
		return out, err
	}
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := backupOf(ctx, db, from, w, nil)
		done <- errors.Join(err, w.CloseWithError(err))
	}()
	out, err = Restore(ctx, to, r)
	_ = r.CloseWithError(errors.Join(err, fs.ErrClosed)) // whoever writes ends
	if failed := <-done; failed != nil && err != nil && !errors.Is(failed, fs.ErrClosed) {
		err = failed // the first cause
	}
	return out, err
}
