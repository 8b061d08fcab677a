package backup

import (
	"context"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
)

// State says how far a copy has come.
type State string

// The states of a copy. Making and Verifying are under way.
const (
	Making     State = "making"
	Unverified State = "unverified" // whole as far as is known; nobody has tried to restore it
	Verifying  State = "verifying"
	Verified   State = "verified"
	Failed     State = "failed"
	Gone       State = "gone" // its file is not in the folder any more
)

// UnderWay reports whether something is being done with the copy.
func (s State) UnderWay() bool { return s == Making || s == Verifying }

// What a copy was made for.
const (
	CauseSchedule = "schedule"
	CausePerson   = "person"
	CauseFound    = "found" // it lay in the folder, of an installation that is gone or of another server
)

// Copy is one backup in the folder.
type Copy struct {
	ID       string
	Name     string // of the file in the folder
	State    State
	Cause    string // CauseSchedule, CausePerson or CauseFound
	By       mainstay.Actor
	Began    time.Time // which is about the moment that it shows
	Made     time.Time // zero when it never was
	Ended    time.Time // of the last thing that was done with it
	Size     int64     // bytes of the file
	Rows     int64
	Facts    int64 // known once it was verified
	Files    int64
	Missing  int64  // exhibits whose content the installation itself did not have
	Version  string // of Mainstay
	Error    string // why it failed
	Told     bool   // administrators were told that it failed
	Verified time.Time
}

// Ref points at the copy.
func (c Copy) Ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindBackup, ID: c.ID} }

const (
	namePrefix = "mainstay-"
	nameSuffix = ".backup"
	nameTime   = "20060102T150405Z"
)

// TrialFolder begins the names of folders that backups are restored into to try them; what is left of one may be removed.
const TrialFolder = ".trying-"

// NameAt is the name of the file of a backup that begins at t.
func NameAt(t time.Time) string { return namePrefix + t.UTC().Format(nameTime) + nameSuffix }

// named is when a backup of that file name began; false for files of another name.
func named(name string) (time.Time, bool) {
	text, is := strings.CutPrefix(name, namePrefix)
	text, ends := strings.CutSuffix(text, nameSuffix)
	t, err := time.Parse(nameTime, text)
	return t, is && ends && err == nil
}

// Store keeps what is known of copies.
type Store interface {
	// Save inserts the copy or replaces it, with the set, in one transaction.
	Save(ctx context.Context, c Copy, set commit.Set) error
	// Copy is NotFound without one.
	Copy(ctx context.Context, id string) (Copy, error)
	// Copies lists the newest by Began, at most limit.
	Copies(ctx context.Context, limit int) ([]Copy, error)
	// Forget removes what is known of a copy.
	Forget(ctx context.Context, id string) error
}

// Made is what a Maker wrote.
type Made struct {
	Size, Rows, Files, Missing int64
	Version                    string
}

// Tried is what a Maker found by restoring.
type Tried struct {
	Rows, Facts, Files, Missing int64
	Chains                      int
	Version                     string
}

// Maker writes backups and tries to restore them. Both tell how far they are, and end soon after ctx.
type Maker interface {
	// Make writes a backup; the file is not there before it is whole.
	Make(ctx context.Context, file string, progress func(rows int64)) (Made, error)
	// Try restores the file into a database of its own, which it then removes, and looks whether everything is there. Any fault is an
	// error.
	Try(ctx context.Context, file string, progress func(rows int64)) (Tried, error)
}

// Questions are what the service asks others.
type Questions interface {
	// Administrators lists the ids of those who are told of failures.
	Administrators(ctx context.Context) ([]string, error)
	// Policy finds an escalation policy by the names of its project and itself, and returns the project's id.
	Policy(ctx context.Context, project, policy string) (string, error)
}
