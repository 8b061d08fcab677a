package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mainstayhq/mainstay/core/backup"
	"github.com/mainstayhq/mainstay/core/calendar"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/webhook"
	"github.com/mainstayhq/mainstay/practice/warning"
)

// What doctor looks at of what people are to take care of.

// backups looks whether there is a backup that would help.
func (d *doctor) backups(ctx context.Context, a *App) error {
	const check = "backups"
	h, err := a.Backups.Health(ctx)
	if err != nil {
		return err
	}
	newest := "None was verified yet."
	if h.Newest.State == backup.Verified {
		newest = "The newest that was verified shows " + h.Newest.Began.UTC().Format("2 January 15:04 UTC") + "."
	}
	switch {
	case h.Troubled != "":
		d.found(check, Wrong, "Mend what it says, then make one by Admin, Backups.", "The last one failed: %s %s", h.Troubled, newest)
	case h.Spec.Off && h.Newest.ID == "":
		d.found(check, Look, "Turn the schedule on (Admin, Backups), or take backups by mainstay backup and restore one to try it.", "None is made by itself.")
	case h.Newest.ID == "" && a.young(ctx):
		d.found(check, Look, "The server makes the first one minutes after its start; or make one by Admin, Backups.", "There is none yet.")
	case h.Late:
		d.found(check, Wrong, "The server's log and Admin, Backups say why none is made; --backup-dir names the folder.", "There is none that is recent. %s", newest)
	default:
		d.fine(check, "%s", newest)
	}
	if dir := d.cfg.BackupDir; dir != "" && sameDisk(dir, d.cfg.Data) {
		d.found("backup disk", Look, "Name a folder on another disk or machine with --backup-dir, or copy the files away.", "The backups in %s lie on the disk of the data: they go with it.", dir)
	}
	return nil
}

// young reports whether the installation is of the last two days.
func (a *App) young(ctx context.Context) bool {
	oldest, err := a.DB.Migrated(ctx)
	return err == nil && a.cfg.Time.Now().Sub(oldest) < 48*time.Hour
}

func sameDisk(a, b string) bool {
	var x, y unix.Stat_t
	return unix.Stat(a, &x) == nil && unix.Stat(b, &y) == nil && x.Dev == y.Dev
}

// demoPasswords are those of the demonstration, which everybody knows.
var demoPasswords = []string{"harbour-demo"}

// mostTried bounds how many people's passwords are tried: each takes some hundredths of a second.
const mostTried = 200

// administrators looks at those who may do everything.
func (d *doctor) administrators(ctx context.Context, a *App) error {
	ids, err := a.Access.Administrators(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	var bare []string
	for _, id := range ids {
		has, err := a.Identity.Factors(ctx, id)
		if err != nil {
			return err
		}
		if !has.Second() && has.Password {
			bare = append(bare, a.nameOf(ctx, id))
		}
	}
	switch {
	case len(bare) == len(ids):
		d.found("second factor", Look, "Let them add a passkey or an authenticator app (My security), and require it for the role (Admin, Sign-in).", "No administrator has a second factor: %s.", strings.Join(bare, ", "))
	case len(bare) > 0:
		d.found("second factor", Look, "Require it for the role (Admin, Sign-in).", "Some administrators have no second factor: %s.", strings.Join(bare, ", "))
	default:
		d.fine("second factor", "Every administrator has one.")
	}
	return nil
}

func (a *App) nameOf(ctx context.Context, person string) string {
	if p, err := a.People.ByID(ctx, person); err == nil {
		return p.Name
	}
	return person
}

// passwords tries those that everybody knows.
func (d *doctor) passwords(ctx context.Context, a *App) error {
	var known []string
	tried := 0
	err := a.everybody(ctx, func(p people.Person) error {
		if !p.Active() || tried >= mostTried {
			return nil
		}
		tried++
		for _, word := range demoPasswords {
			has, err := a.Identity.HasPassword(ctx, p.ID, word)
			if err != nil {
				return err
			}
			if has {
				known = append(known, fmt.Sprintf("%s has the password of the demonstration.", p.Name))
			}
		}
		return nil
	})
	d.each("known passwords", Wrong, "Let them set another one (My security), or deactivate the account.", "Nobody has the password of the demonstration.", known)
	return err
}

// gaps looks for hours of the next days that nobody has.
func (d *doctor) gaps(ctx context.Context, a *App) error {
	now := a.cfg.Time.Now()
	list, err := a.Escalation.Schedules(ctx, nil, now, now.Add(ahead))
	if err != nil {
		return err
	}
	var open []string
	for _, sch := range list {
		holes := calendar.Gaps(sch.Shifts(now, now.Add(ahead)), calendar.Interval{From: now, Until: now.Add(ahead)})
		if len(holes) == 0 {
			continue
		}
		var total time.Duration
		for _, g := range holes {
			total += g.Length()
		}
		open = append(open, fmt.Sprintf("Schedule %s has nobody for %s of the next 14 days, the first time from %s.", a.within(ctx, sch.Name, sch.Project),
			total.Round(time.Minute), holes[0].From.UTC().Format("2 January 15:04 UTC")))
	}
	d.each("schedule gaps", Look, "Give it a layer or an override for these hours, or let the policy have another step.", "No schedule has a gap in the next 14 days.", open)
	return nil
}

// signals looks for senders that were never heard, or are silent.
func (d *doctor) signals(ctx context.Context, a *App) error {
	now := a.cfg.Time.Now()
	var unheard, silent []string
	for after := ""; ; {
		keys, err := a.Keys.List(ctx, "", after, 500)
		if err != nil {
			return err
		}
		for _, k := range keys {
			after = k.ID
			if k.Revoked.IsZero() && k.LastUsed.IsZero() && now.Sub(k.Created) > 24*time.Hour {
				unheard = append(unheard, fmt.Sprintf("The %s key %s… of %s was made on %s and never used.", k.Format, k.Hint, a.within(ctx, "project", k.Project), k.Created.UTC().Format("2 January")))
			}
		}
		if len(keys) < 500 {
			break
		}
	}
	d.each("intake keys", Look, "Set the sender up with it, or revoke it (Admin, Intake keys).", "Every intake key was used.", unheard)
	for after := ""; ; {
		beats, err := a.Warning.Heartbeats(ctx, "", after, 500)
		if err != nil {
			return err
		}
		for _, b := range beats {
			after = b.Cursor()
			if b.State == warning.Missed {
				silent = append(silent, fmt.Sprintf("The heartbeat %s was last heard on %s.", a.within(ctx, b.Name, b.Project), b.LastAt.UTC().Format("2 January 15:04 UTC")))
			}
		}
		if len(beats) < 500 {
			break
		}
	}
	d.each("heartbeats", Look, "Look after the sender; a heartbeat that is not needed any more is ended on its page.", "No heartbeat is missing.", silent)
	return nil
}

// hooks looks at what leaves by webhook.
func (d *doctor) hooks(ctx context.Context, a *App) error {
	var bad, unsigned []string
	list, err := a.Webhooks.Endpoints(ctx, nil)
	if err != nil {
		return err
	}
	for _, e := range list {
		where := a.within(ctx, e.Name, e.Project)
		if strings.HasPrefix(e.Spec.URL, "http://") && !targetsLoopback(e.Spec.URL) {
			bad = append(bad, fmt.Sprintf("The webhook %s is not encrypted (http).", where))
		}
		if e.State == webhook.Disabled {
			bad = append(bad, fmt.Sprintf("The webhook %s is disabled: %s", where, e.Reason))
		}
		if len(e.Signing(a.cfg.Time.Now())) == 0 {
			unsigned = append(unsigned, fmt.Sprintf("Requests of the webhook %s are not signed.", where))
		}
	}
	err = a.everybody(ctx, func(p people.Person) error {
		for _, c := range p.Contacts {
			if c.Channel == people.Webhook && c.Sealed == "" {
				unsigned = append(unsigned, fmt.Sprintf("Messages to the webhook of %s are not signed.", p.Name))
			}
		}
		return nil
	})
	d.each("webhooks", Look, "Use the receiver's https address; enable it again once the receiver is well.", "Every webhook is encrypted and delivered to.", bad)
	d.each("unsigned webhooks", Look, "Give it a secret, so that the receiver can tell who sends: rotate it, or add it again.", "Every webhook is signed.", unsigned)
	return err
}

func targetsLoopback(url string) bool {
	host := strings.TrimPrefix(url, "http://")
	host, _, _ = strings.Cut(host, "/")
	if !strings.Contains(host, ":") {
		host += ":80"
	}
	return loopback(host)
}

// holds reminds of legal holds, under which nothing is removed.
func (d *doctor) holds(ctx context.Context, a *App) error {
	list, err := a.Projects.Projects(ctx)
	if err != nil {
		return err
	}
	for _, p := range list {
		kept, err := a.Settings.Kept(ctx, p.ID)
		if err != nil {
			return err
		}
		if kept.Hold != "" {
			d.fine("legal hold", "Nothing of %s is removed for its age: %s.", p.Name, strings.TrimSuffix(kept.Hold, "."))
		}
	}
	return nil
}
