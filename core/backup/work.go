package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/fact"
)

var errCancelled = errors.New("somebody cancelled it")

// Make begins a backup that somebody asked for. A Conflict says that one is being made already.
func (s *Service) Make(ctx context.Context, actor mainstay.Actor) (Copy, error) {
	return s.make(ctx, actor, CausePerson)
}

func (s *Service) make(ctx context.Context, actor mainstay.Actor, cause string) (Copy, error) {
	now := s.cfg.Time.Now()
	c := Copy{ID: mainstay.NewID(now), Name: NameAt(now), State: Making, Cause: cause, By: actor, Began: now}
	return c, s.begin(ctx, c, func(ctx context.Context) { s.work(ctx, c) })
}

// Verify begins to try a copy, once more if need be.
func (s *Service) Verify(ctx context.Context, actor mainstay.Actor, id string) (Copy, error) {
	c, err := s.cfg.Store.Copy(ctx, id)
	if err != nil {
		return c, err
	}
	if c.State != Verified && c.State != Unverified && (c.State != Failed || c.Made.IsZero()) {
		return c, mainstay.Errorf(mainstay.Conflict, "There is no whole file of this backup to try.")
	}
	c.State, c.By = Verifying, actor
	return c, s.begin(ctx, c, func(ctx context.Context) { s.try(ctx, c) })
}

// Cancel ends what is being done.
func (s *Service) Cancel() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		s.cancel(errCancelled)
	}
}

// begin takes the one place for work, saves the copy and does the work beside the caller.
func (s *Service) begin(ctx context.Context, c Copy, work func(context.Context)) error {
	if err := s.take(c); err != nil {
		return err
	}
	if err := s.cfg.Store.Save(ctx, c, commit.Set{}); err != nil {
		s.leave()
		return err
	}
	s.mu.Lock()
	base := s.base
	if base == nil {
		s.mu.Unlock()
		s.leave()
		return errOff
	}
	working, cancel := context.WithCancelCause(base)
	s.cancel = cancel
	s.done.Go(func() {
		defer cancel(nil)
		work(working)
		s.leave()
		s.cfg.Changed([]mainstay.Ref{c.Ref()})
		s.Wake()
	})
	s.mu.Unlock()
	s.cfg.Changed([]mainstay.Ref{c.Ref()})
	return nil
}

var errOff = mainstay.Errorf(mainstay.Conflict, "This server makes no backups: it was started without a folder for them (--backup-dir).")

func (s *Service) take(c Copy) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.Dir == "" || s.base == nil {
		return errOff
	}
	if s.now != nil {
		return mainstay.Errorf(mainstay.Conflict, "A backup is being worked on already. Wait until it has ended.")
	}
	s.now = &Progress{Copy: c.ID, State: c.State, Since: s.cfg.Time.Now()}
	return nil
}

func (s *Service) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now, s.cancel = nil, nil
}

// progress tells how far the work is; of is how many rows there will be, or were the last time.
func (s *Service) progress(c Copy, state State, of int64) func(done int64) {
	var told time.Time
	return func(done int64) {
		now := s.cfg.Time.Now()
		s.mu.Lock()
		if s.now != nil {
			if s.now.State != state {
				s.now.Since = now
			}
			s.now.State, s.now.Done, s.now.Of = state, done, of
		}
		s.mu.Unlock()
		if now.Sub(told) >= 500*time.Millisecond {
			told = now
			s.cfg.Changed([]mainstay.Ref{c.Ref()})
		}
	}
}

// work makes the backup and tries it.
func (s *Service) work(ctx context.Context, c Copy) {
	made, err := s.cfg.Maker.Make(ctx, s.Path(c), s.progress(c, Making, s.before(ctx)))
	now := s.cfg.Time.Now()
	if err != nil {
		s.fail(ctx, c, "making", err)
		return
	}
	c.Made, c.Size, c.Rows, c.Files, c.Missing, c.Version = now, made.Size, made.Rows, made.Files, made.Missing, made.Version
	c.State = Verifying
	f := fact.New(now, mainstay.Installation, c.By, fact.BackupMade{Name: c.Name, Size: c.Size, Rows: c.Rows, Files: c.Files, Cause: c.Cause}, c.Ref())
	if err := s.save(ctx, c, commit.Set{Facts: []fact.Fact{f}}); err != nil {
		return
	}
	s.try(ctx, c)
}

// before is how many rows the newest backup that was verified has, 0 without one.
func (s *Service) before(ctx context.Context) int64 {
	h, err := s.Health(ctx)
	if err != nil {
		return 0 // it only guesses how long it will take
	}
	return h.Newest.Rows
}

// try restores the copy into a database of its own.
func (s *Service) try(ctx context.Context, c Copy) {
	s.progress(c, Verifying, c.Rows)(0)
	tried, err := s.cfg.Maker.Try(ctx, s.Path(c), s.progress(c, Verifying, c.Rows))
	if err != nil {
		s.fail(ctx, c, "verifying", err)
		return
	}
	now := s.cfg.Time.Now()
	c.State, c.Error, c.Ended, c.Verified = Verified, "", now, now
	c.Rows, c.Facts, c.Files, c.Missing, c.Version = tried.Rows, tried.Facts, tried.Files, tried.Missing, tried.Version
	set := commit.Set{Facts: []fact.Fact{fact.New(now, mainstay.Installation, self,
		fact.BackupVerified{Name: c.Name, Rows: c.Rows, Facts: c.Facts, Chains: tried.Chains, Files: c.Files}, c.Ref())}}
	if back, err := s.recovered(ctx, c, now); err != nil {
		s.cfg.Log.Error("administrators cannot be told that backups work again", "err", err)
	} else {
		set.Notices = back
	}
	if s.save(ctx, c, set) != nil {
		return
	}
	s.cfg.Log.Info("a backup was made and tried", "file", s.Path(c), "rows", c.Rows, "facts", c.Facts, "bytes", c.Size, "took", now.Sub(c.Began).String())
	if err := s.prune(ctx); err != nil && ctx.Err() == nil {
		s.cfg.Log.Error("old backups cannot be removed", "err", err)
	}
}

// save keeps the copy, unless the server ends.
func (s *Service) save(ctx context.Context, c Copy, set commit.Set) error {
	err := s.cfg.Store.Save(ctx, c, set)
	if err != nil && ctx.Err() == nil {
		s.cfg.Log.Error("what became of a backup cannot be kept", "file", c.Name, "err", err)
	}
	return err
}

// fail keeps what went wrong and tells whoever is to mend it. When the server ends, nothing failed: the next start goes on.
func (s *Service) fail(ctx context.Context, c Copy, phase string, cause error) {
	cancelled := errors.Is(context.Cause(ctx), errCancelled)
	if ctx.Err() != nil && !cancelled {
		return
	}
	ctx = context.WithoutCancel(ctx)
	now := s.cfg.Time.Now()
	c.Ended, c.State, c.Error = now, Failed, words(cause)
	var set commit.Set
	if cancelled {
		c.Error = "Somebody cancelled it."
		if c.Verified = (time.Time{}); !c.Made.IsZero() {
			c.State, c.Error = Unverified, ""
		}
	} else {
		s.cfg.Log.Error("a backup failed", "file", s.Path(c), "phase", phase, "err", cause)
		set.Facts = []fact.Fact{fact.New(now, mainstay.Installation, self, fact.BackupFailed{Name: c.Name, Phase: phase, Reason: c.Error}, c.Ref())}
		if err := s.alarm(ctx, &c, phase, &set, now); err != nil {
			s.cfg.Log.Error("administrators cannot be told of a backup that failed", "err", err)
		}
	}
	_ = s.save(ctx, c, set) // it says itself what went wrong
}

// words is a fault for people, as one sentence.
func words(err error) string {
	text := err.Error()
	if mainstay.ErrorCode(err) != mainstay.Internal {
		text = mainstay.ErrorMessage(err)
	}
	if text = strings.TrimSpace(text); text != "" && !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// alarm adds notices to administrators, and the request for a page when a policy is set; not for each of many failures in a row.
func (s *Service) alarm(ctx context.Context, c *Copy, phase string, set *commit.Set, now time.Time) error {
	list, err := s.cfg.Store.Copies(ctx, listed)
	if err != nil {
		return err
	}
	for _, o := range list {
		if o.State == Verified && o.ID != c.ID {
			break
		}
		if o.Told && now.Sub(o.Ended) < reminder && o.ID != c.ID {
			return nil
		}
	}
	what := "The backup of Mainstay could not be made"
	if phase == "verifying" {
		what = "A backup of Mainstay cannot be restored"
	}
	text := c.Error + " It is tried again in an hour, and at each time of the schedule."
	if set.Notices, err = s.notices(ctx, c, "failed", what, text, now); err != nil {
		return err
	}
	c.Told = true
	spec, err := s.Spec(ctx)
	project, policy, ok := strings.Cut(spec.Policy, "/")
	if err != nil || !ok {
		return err
	}
	id, err := s.cfg.Questions.Policy(ctx, project, policy)
	if err != nil {
		return fmt.Errorf("the policy %s: %w", spec.Policy, err)
	}
	set.Facts = append(set.Facts, fact.New(now, id, self, fact.PageWanted{
		Policy: policy, Severity: string(mainstay.Sev3), Title: what, Reason: c.Error,
	}, c.Ref()))
	return nil
}

// recovered are the notices that backups work again, for whoever was told that they did not.
func (s *Service) recovered(ctx context.Context, c Copy, now time.Time) ([]commit.Notice, error) {
	list, err := s.cfg.Store.Copies(ctx, listed)
	if err != nil {
		return nil, err
	}
	for _, o := range list {
		if o.ID == c.ID {
			if !o.Told {
				continue
			}
		} else if o.State == Verified {
			return nil, nil
		}
		if o.Told {
			return s.notices(ctx, &c, "verified", "Backups of Mainstay work again", "The backup "+c.Name+" was made, and restored to try it.", now)
		}
	}
	return nil, nil
}

func (s *Service) notices(ctx context.Context, c *Copy, step, title, text string, now time.Time) (list []commit.Notice, err error) {
	who, err := s.cfg.Questions.Administrators(ctx)
	for _, id := range who {
		list = append(list, notify.Notice(commit.Notice{
			Key: fmt.Sprintf("backup/%s/%s/%d/%s", c.ID, step, now.UnixMicro(), id), Project: mainstay.Installation, Subject: c.Ref(), Person: id, At: now,
		}, notify.TemplateGeneral, notify.GeneralData{Title: title, Text: text, Link: "Open the backups", URL: "/admin/backups"}))
	}
	return list, err
}

// prune removes the files that need not be kept, now that there is a newer one that was tried. What failed takes no place from what did
// not: its file goes as soon as there is a better one.
func (s *Service) prune(ctx context.Context) error {
	spec, err := s.Spec(ctx)
	if err != nil {
		return err
	}
	list, err := s.cfg.Store.Copies(ctx, listed)
	if err != nil {
		return err
	}
	var good []Copy
	var times []time.Time
	for _, c := range list {
		if c.State == Verified {
			good, times = append(good, c), append(times, c.Began)
		}
	}
	for _, i := range spec.Spare(times) {
		if err := s.remove(ctx, self, good[i], "retention"); err != nil {
			return err
		}
	}
	for n, c := range list {
		if c.State == Failed && len(good) > 0 && c.Began.Before(good[0].Began) {
			if err := s.drop(c); err != nil {
				return err
			}
		}
		if (c.State == Failed || c.State == Gone) && n >= listed/2 {
			if err := s.cfg.Store.Forget(ctx, c.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// Remove removes a copy and its file.
func (s *Service) Remove(ctx context.Context, actor mainstay.Actor, id string) error {
	c, err := s.cfg.Store.Copy(ctx, id)
	if err != nil {
		return err
	}
	if now, busy := s.Now(); busy && now.Copy == id || c.State.UnderWay() {
		return mainstay.Errorf(mainstay.Conflict, "This backup is being worked on. Cancel that first.")
	}
	if c.State == Verified {
		list, err := s.cfg.Store.Copies(ctx, listed)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(list, func(o Copy) bool { return o.ID != c.ID && o.State == Verified }) {
			return mainstay.Errorf(mainstay.Conflict, "This is the only backup that was verified. Make another one first.")
		}
	}
	return s.remove(ctx, actor, c, "person")
}

func (s *Service) remove(ctx context.Context, actor mainstay.Actor, c Copy, reason string) error {
	if err := s.drop(c); err != nil {
		return err
	}
	now := s.cfg.Time.Now()
	c.State, c.Error, c.Ended = Gone, "It was removed.", now
	if reason == "retention" {
		c.Error = "Newer ones have taken its place."
	}
	err := s.cfg.Store.Save(ctx, c, commit.Set{Facts: []fact.Fact{
		fact.New(now, mainstay.Installation, actor, fact.BackupRemoved{Name: c.Name, Reason: reason}, c.Ref()),
	}})
	s.cfg.Changed([]mainstay.Ref{c.Ref()})
	return err
}

func (s *Service) drop(c Copy) error {
	if _, ok := named(c.Name); !ok {
		return nil // it was never ours
	}
	if err := os.Remove(s.Path(c)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a backup: %w", err)
	}
	return nil
}
