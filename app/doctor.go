package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mainstayhq/mainstay/core/setting"
	"github.com/mainstayhq/mainstay/practice/communication/statuspage"
	"github.com/mainstayhq/mainstay/storage"
)

// The states of a finding.
const (
	Fine  = "ok"
	Look  = "look"  // worth a look; it works
	Wrong = "wrong" // something does not work, or will not when it is needed
)

// Finding is what doctor found out about one thing.
type Finding struct {
	Check string `json:"check"`
	State string `json:"state"`         // ok, look or wrong
	Says  string `json:"says"`          // a sentence
	Why   string `json:"why,omitempty"` // why it matters; "" when all is well
	Do    string `json:"do,omitempty"`  // what to do; "" when all is well
}

// doctor collects findings.
type doctor struct {
	cfg  Config
	deep bool
	list []Finding
}

func (d *doctor) fine(check, format string, args ...any) {
	d.list = append(d.list, Finding{Check: check, State: Fine, Says: fmt.Sprintf(format, args...)})
}

func (d *doctor) found(check, state, do, format string, args ...any) {
	d.list = append(d.list, Finding{Check: check, State: state, Says: fmt.Sprintf(format, args...), Why: why[check], Do: do})
}

// each reports problems that were found, or that there are none.
func (d *doctor) each(check, state, do, fine string, problems []string) {
	for _, p := range problems {
		d.found(check, state, do, "%s", p)
	}
	if len(problems) == 0 {
		d.fine(check, "%s", fine)
	}
}

// Doctor looks at an installation, also while a server runs on it, and changes nothing. What it cannot look at because of another
// finding, it leaves out.
func Doctor(ctx context.Context, cfg Config) ([]Finding, error) { return Examine(ctx, cfg, false) }

// Examine is Doctor; a deep look also reads the whole file of a large embedded database.
func Examine(ctx context.Context, cfg Config, deep bool) ([]Finding, error) {
	if err := cfg.defaults(); err != nil {
		return nil, err
	}
	d := &doctor{cfg: cfg, deep: deep}
	d.folder()
	key := d.key()
	if schema := d.database(ctx); !schema || !key {
		return d.list, nil // opening the installation would make or change something
	}
	d.site(ctx)
	cfg.Announce = true
	a, err := Open(ctx, cfg)
	if err != nil {
		d.found("installation", Wrong, "Mend what it says, then run doctor again.", "It cannot be opened: %v.", err)
		return d.list, nil
	}
	for _, check := range []func(context.Context, *App) error{
		d.sealed, d.journal, d.people, d.administrators, d.passwords, d.schedules, d.gaps, d.policies, d.routes, d.signals, d.hooks,
		d.mail, d.deliveries, d.backups, d.holds,
	} {
		if err := check(ctx, a); err != nil {
			return d.list, errors.Join(err, a.Close())
		}
	}
	return d.list, a.Close()
}

const (
	mebi = 1 << 20
	gibi = 1 << 30
)

func (d *doctor) folder() {
	const check = "data folder"
	dir := d.cfg.Data
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.found(check, Wrong, "Name the folder with --data, or start the server once.", "%s does not exist.", dir)
		return
	case err != nil:
		d.found(check, Wrong, "Run doctor as the user that the server runs as.", "%s cannot be looked at: %v.", dir, err)
		return
	case info.Mode().Perm()&0o077 != 0:
		d.found(check, Wrong, "chmod 700 "+dir, "Others on this machine may look into %s (mode %o).", dir, info.Mode().Perm())
	case unix.Access(dir, unix.W_OK|unix.X_OK) != nil:
		d.found(check, Wrong, "Run doctor as the user that the server runs as, or give it the folder with chown.", "%s cannot be written.", dir)
	default:
		d.fine(check, "%s is for its owner alone, and can be written.", dir)
	}
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		d.found("disk", Look, "Look with df.", "The free space of %s is not known: %v.", dir, err)
		return
	}
	free := s.Bavail * uint64(s.Bsize) //nolint:gosec // a block has a positive size
	switch {
	case free < 256*mebi:
		d.found("disk", Wrong, "Make room now: when the disk is full nothing is accepted any more.", "Only %d MiB are free on the disk of %s.", free/mebi, dir)
	case free < 2*gibi:
		d.found("disk", Look, "Make room, or move the data to a larger disk.", "%d MiB are free on the disk of %s.", free/mebi, dir)
	default:
		d.fine("disk", "%d GiB are free.", free/gibi)
	}
}

// key reports whether the secret key is there and can be used.
func (d *doctor) key() bool {
	const check = "secret key"
	path := d.cfg.SecretKeyFile
	info, err := os.Stat(path)
	if err != nil {
		d.found(check, Wrong, "Put the key back from your copy. Without it, webhook secrets cannot be opened; a start without it makes a new one.",
			"There is no key in %s.", path)
		return false
	}
	if _, err := setting.LoadKey(path); err != nil {
		d.found(check, Wrong, "Put the key back from your copy.", "The key in %s cannot be used: %v.", path, err)
		return false
	}
	if info.Mode().Perm()&0o077 != 0 {
		d.found(check, Wrong, "chmod 600 "+path, "Others on this machine may read %s (mode %o).", path, info.Mode().Perm())
		return true
	}
	d.fine(check, "%s is for its owner alone. Keep a copy apart from the backups: they do not hold it.", path)
	return true
}

// database looks at the database as it is, and reports whether its schema is this binary's.
func (d *doctor) database(ctx context.Context) bool {
	const check = "database"
	db, err := openStorage(ctx, &d.cfg)
	if err != nil {
		do := "Check --data or --database-url, and that the database runs."
		if storage.Broken(err) {
			do = "Keep a copy of the data folder as it is, and restore the newest verified backup into an empty one."
		}
		d.found(check, Wrong, do, "It cannot be reached: %s", explain(err))
		return false
	}
	defer db.Close() //nolint:errcheck // it was only looked at
	pending, newer, err := db.Pending(ctx, Migrations()...)
	switch {
	case err != nil:
		d.found(check, Wrong, "Look into the log of the database.", "Its schema cannot be read: %s", explain(err))
	case len(newer) > 0:
		d.found("schema", Wrong, "Use the version that wrote it, or restore a backup.", "A newer Mainstay wrote it (%s).", strings.Join(newer, ", "))
	case len(pending) > 0:
		d.found("schema", Look, "Take a backup, then start the server: it runs them.", "Schema changes wait for the next start: %s.", strings.Join(pending, ", "))
	default:
		d.fine("schema", "It is this version's.")
	}
	if err != nil || len(newer)+len(pending) > 0 {
		return false
	}
	if err := db.Writable(ctx); err != nil {
		d.found(check, Wrong, "Look whether the disk is full, or the database read-only.", "It cannot be written: %s", explain(err))
		return true
	}
	d.fine(check, "It can be reached and written.")
	faults, err := db.Durability(ctx)
	if err != nil {
		faults = []string{explain(err)}
	}
	d.each("durability", Wrong, "Set it back in the database's configuration: what was answered may be lost with the power.", "What is answered is on disk.", faults)
	d.files(ctx, db)
	d.clock(ctx, db)
	d.snapshot(ctx, db)
	return true
}

// clockSkew is how far the clocks of two machines may be apart.
const clockSkew = 2 * time.Second

func (d *doctor) clock(ctx context.Context, db *storage.DB) {
	before := time.Now()
	theirs, err := db.Clock(ctx)
	if err != nil {
		d.found("clock", Wrong, "Look into the log of the database.", "The database does not tell its time: %s", explain(err))
		return
	}
	apart := theirs.Sub(before.Add(time.Since(before) / 2)).Round(time.Millisecond)
	if apart.Abs() > clockSkew {
		d.found("clock", Wrong, "Let both machines keep their time with NTP.", "The database's clock is %s apart from this machine's.", apart)
		return
	}
	d.fine("clock", "It is %s.", before.UTC().Format(time.RFC3339))
}

// staleSnapshot is the age at which the status page is late: it is renewed every 20 seconds.
const staleSnapshot = 2 * time.Minute

func (d *doctor) snapshot(ctx context.Context, db *storage.DB) {
	const check = "status page"
	served, err := db.Served(ctx)
	if err != nil {
		d.found("server", Wrong, "Look into the log of the database.", "Whether a server runs is not known: %s", explain(err))
		return
	}
	if !served {
		d.found("server", Look, "Start it with mainstay serve.", "No server runs on this data.")
	} else {
		d.fine("server", "It runs.")
	}
	at, err := statuspage.AsOf(filepath.Join(d.cfg.Data, "status"))
	age := d.cfg.Time.Now().Sub(at).Round(time.Second)
	switch {
	case err != nil && served:
		d.found(check, Wrong, "Look into the server's log.", "The server has written no status page that can be read: %v.", err)
	case err == nil && served && age > staleSnapshot:
		d.found(check, Wrong, "Look into the server's log.", "The status page is %s old although a server runs.", age)
	case err == nil && served:
		d.fine(check, "It is %s old.", age)
	}
}
