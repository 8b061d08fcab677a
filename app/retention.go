package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/file/filedb"
	"github.com/mainstayhq/mainstay/core/intake/intakedb"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/setting"
	"github.com/mainstayhq/mainstay/core/setting/settingdb"
	"github.com/mainstayhq/mainstay/core/setting/settingweb"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/practice/warning/warningdb"
	"github.com/mainstayhq/mainstay/storage"
)

// retention removes what is older than a project keeps: in chunks of a few milliseconds, each with the fact that says so, behind
// everything urgent.
type retention struct {
	alertRows *warningdb.Store
	inboxRows *intakedb.Store
}

const (
	retentionEvery = 6 * time.Hour
	retentionChunk = 200
)

var retainer = mainstay.System("retention")

// keptByRetention is longer than anything is kept: warning leaves its inbox to retention, which knows of projects.
const keptByRetention = 100 * 365 * 24 * time.Hour

// Retain does one round over all projects.
func (a *App) Retain(ctx context.Context) error {
	now := a.cfg.Time.Now()
	projects, err := a.Projects.Projects(ctx)
	if err != nil {
		return err
	}
	ids := []string{mainstay.Installation}
	for _, p := range projects {
		ids = append(ids, p.ID)
	}
	rules := map[string]setting.Retention{}
	for _, id := range ids {
		kept, err := a.Settings.Kept(ctx, id)
		if err != nil {
			return fmt.Errorf("retention of %s: %w", id, err)
		}
		if kept.Hold == "" {
			rules[id] = kept
		}
	}
	for _, id := range ids { // in an order that is always the same
		kept, free := rules[id]
		if !free {
			continue
		}
		if err := a.retainRows(ctx, now, id, kept); err != nil {
			return err
		}
		if err := a.retainFacts(ctx, now, id, kept); err != nil {
			return err
		}
	}
	return a.retainAlerts(ctx, now, rules)
}

// retainRows removes what lies in rows of its own.
func (a *App) retainRows(ctx context.Context, now time.Time, project string, kept setting.Retention) error {
	_, checkpoint, err := a.alertRows.Position(ctx)
	if err != nil {
		return err
	}
	files := filedb.New(a.DB, a.Saver)
	for what, prune := range map[string]func(ctx context.Context, before time.Time) (int64, error){
		"deliveries": func(ctx context.Context, before time.Time) (int64, error) {
			return a.Notices.PruneOf(ctx, project, before, retentionChunk)
		},
		"inbox": func(ctx context.Context, before time.Time) (int64, error) {
			return a.inboxRows.PruneOf(ctx, project, before, checkpoint, retentionChunk)
		},
		"files": func(ctx context.Context, before time.Time) (int64, error) {
			return files.PruneOf(ctx, project, before, retentionChunk)
		},
	} {
		age := kept.Age(what)
		if age == setting.Forever {
			continue
		}
		before := now.Add(-age)
		for n := int64(retentionChunk); n == retentionChunk; {
			err := a.pruned(ctx, project, what, before, func(ctx context.Context) (_ int64, err error) {
				n, err = prune(ctx, before)
				return n, err
			})
			if err != nil {
				return fmt.Errorf("removing old %s: %w", what, err)
			}
		}
	}
	return nil
}

// pruned does one chunk in a transaction with its record and its fact.
func (a *App) pruned(ctx context.Context, project, what string, before time.Time, chunk func(ctx context.Context) (int64, error)) error {
	marks := settingdb.New(a.DB, a.Saver)
	return a.DB.Write(ctx, storage.Normal, func(ctx context.Context) error {
		n, err := chunk(ctx)
		if err != nil || n == 0 {
			return err
		}
		now := a.cfg.Time.Now()
		if err := marks.AddPruned(ctx, project, what, now, before, n); err != nil {
			return err
		}
		return a.Journal.Append(ctx, []fact.Fact{fact.New(now, project, retainer, fact.RetentionPruned{What: what, Count: n, Before: before})})
	})
}

// retainAlerts removes alerts that are over and belong to no incident. It walks over the old end of the table once for all projects.
func (a *App) retainAlerts(ctx context.Context, now time.Time, rules map[string]setting.Retention) error {
	var newest time.Time
	for _, kept := range rules {
		if age := kept.Age("alerts"); age != setting.Forever && now.Add(-age).After(newest) {
			newest = now.Add(-age)
		}
	}
	if newest.IsZero() {
		return nil
	}
	reach, err := a.alertRows.Reach(ctx, newest)
	for after, more := int64(0), true; err == nil && more; {
		var list []*warning.Alert
		if list, err = a.alertRows.Over(ctx, after, reach, retentionChunk); err != nil || len(list) == 0 {
			break
		}
		after, more = list[len(list)-1].Number, len(list) == retentionChunk
		err = a.retainSome(ctx, now, rules, list)
	}
	if err != nil {
		return fmt.Errorf("removing old alerts: %w", err)
	}
	return nil
}

func (a *App) retainSome(ctx context.Context, now time.Time, rules map[string]setting.Retention, list []*warning.Alert) error {
	var ids []string
	for _, al := range list {
		ids = append(ids, al.ID())
	}
	linked, err := a.Objects.Linked(ctx, mainstay.KindAlert, ids, mainstay.KindIncident)
	if err != nil {
		return err
	}
	spare := map[string][]int64{}
	for _, al := range list {
		kept, free := rules[al.Project]
		age := kept.Age("alerts")
		if free && age != setting.Forever && al.EndsAt.Before(now.Add(-age)) && al.Created.Before(now.Add(-age)) && !linked[al.ID()] {
			spare[al.Project] = append(spare[al.Project], al.Number)
		}
	}
	for project, numbers := range spare {
		err := a.pruned(ctx, project, "alerts", now.Add(-rules[project].Age("alerts")), func(ctx context.Context) (int64, error) {
			return a.alertRows.Remove(ctx, numbers)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// retainFacts removes the content of old facts: of alerts that belong to no incident as long as the alerts are kept, and of the kinds
// that the project names.
func (a *App) retainFacts(ctx context.Context, now time.Time, project string, kept setting.Retention) error {
	if age := kept.Age("alerts"); age != setting.Forever && project != mainstay.Installation {
		linked, err := a.Objects.LinkedAll(ctx, mainstay.KindAlert, mainstay.KindIncident)
		if err != nil {
			return err
		}
		kinds := setting.FactRule{Pattern: "alert.*"}.Kinds()
		err = a.eraseOld(ctx, now, project, "alerts", age, func(f fact.Fact) bool {
			return slices.Contains(kinds, f.Kind) && !linked[f.Subject(mainstay.KindAlert)]
		})
		if err != nil {
			return err
		}
	}
	for _, rule := range kept.FactRules() {
		kinds := rule.Kinds()
		if err := a.eraseOld(ctx, now, project, rule.Pattern, rule.Age, func(f fact.Fact) bool { return slices.Contains(kinds, f.Kind) }); err != nil {
			return err
		}
	}
	return nil
}

// eraseOld removes the content of the project's facts that are older than age. It goes on where it stopped the last time, and stops before
// what a subscriber has not read yet.
func (a *App) eraseOld(ctx context.Context, now time.Time, project, rule string, age time.Duration, is func(fact.Fact) bool) error {
	marks := settingdb.New(a.DB, a.Saver)
	mark, err := marks.Mark(ctx, project, rule)
	if err != nil {
		return err
	}
	read, err := a.readByAll(ctx, project)
	if err != nil {
		return err
	}
	e := journal.Erasure{
		Project: project, After: mark, Before: now.Add(-age), Actor: retainer, Cause: "retention", Reason: "older than " + setting.AgeWords(age),
		Rewrite: func(f fact.Fact) (json.RawMessage, bool) { return nil, f.Sequence <= read && is(f) },
	}
	for done := false; !done && e.After < read; {
		out, err := a.Journal.Erase(ctx, a.cfg.Time.Now(), e)
		if err != nil {
			return fmt.Errorf("removing the content of old facts: %w", err)
		}
		done, e.After = out.Done || out.Last == e.After, min(out.Last, read)
		if out.Facts > 0 {
			if err := a.pruned(ctx, project, "facts", e.Before, func(context.Context) (int64, error) { return out.Facts, nil }); err != nil {
				return err
			}
		}
		if err := marks.SetMark(ctx, project, rule, e.After); err != nil {
			return err
		}
	}
	return nil
}

// readByAll is the sequence that every subscriber has passed. Where a subscriber wants nothing, it passes in memory alone, so that only
// those count that are behind.
func (a *App) readByAll(ctx context.Context, project string) (int64, error) {
	heads, err := a.Journal.Heads(ctx)
	if err != nil {
		return 0, err
	}
	read := heads[project]
	for name, behind := range a.journal.Lag() {
		if behind == 0 {
			continue
		}
		cursors, err := a.Journal.Cursors(ctx, name)
		if err != nil {
			return 0, err
		}
		read = min(read, cursors[project])
	}
	return read, nil
}

// retentionKinds are the manifests of what is kept how long.
func (a *App) retentionKinds() []kind {
	return []kind{
		kindOf("Retention", true, a.Settings.DefineRetention, a.Settings.RetentionSpecs).
			is("retention", "", "How long a project keeps what it need not keep for ever, and its legal hold. There is one a project, named default."),
		kindOf("InstallationRetention", false, a.Settings.DefineRetention, a.Settings.RetentionSpecs).
			is("retention", "", "How long every project keeps what it need not keep for ever, unless it says otherwise itself. There is one, named default."),
	}
}

func (a *App) retentionPages() (*settingweb.Pages, error) {
	return settingweb.New(settingweb.Config{
		Settings: a.Settings, Projects: a.Projects,
		Pruned: func(ctx context.Context, project string) (out []settingweb.Pruned, err error) {
			list, err := settingdb.New(a.DB, a.Saver).Pruned(ctx, project)
			for _, x := range list {
				out = append(out, settingweb.Pruned(x))
			}
			return out, err
		},
	})
}
