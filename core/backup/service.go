package backup

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/setting"
	"github.com/mainstayhq/mainstay/fact"
)

const (
	grace    = 5 * time.Minute // after a start, before a backup that was missed is made up for
	again    = time.Hour       // after a failure
	reminder = 24 * time.Hour  // administrators are told of the same trouble once in so long
	listed   = 500             // copies that are looked at
)

var self = mainstay.System("backup")

// Config makes a Service. All but Changed is required.
type Config struct {
	Dir       string // folder of the backups, made when absent; "" for a server that makes none
	Store     Store
	Maker     Maker
	Settings  *setting.Service
	Questions Questions
	Time      mainstay.Timekeeper
	Log       *slog.Logger
	// Changed is told when a copy or its progress changed, at most twice a second for progress.
	Changed func(refs []mainstay.Ref)
}

// Progress is what is being done now.
type Progress struct {
	Copy     string // id
	State    State  // Making or Verifying
	Done, Of int64  // rows; Of is a guess while a backup is made, 0 when nothing is known
	Since    time.Time
}

// Service makes backups when they are due or asked for, tries each of them, and removes those that are not kept.
type Service struct {
	cfg  Config
	wake chan struct{}

	mu     sync.Mutex
	now    *Progress
	cancel context.CancelCauseFunc
	base   context.Context // of the work, from Start; nil before
	began  time.Time       // of Start
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// New makes a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Maker == nil || cfg.Settings == nil || cfg.Questions == nil || cfg.Time == nil || cfg.Log == nil {
		return nil, errors.New("backup: a Service needs Store, Maker, Settings, Questions, Time and Log")
	}
	if cfg.Changed == nil {
		cfg.Changed = func([]mainstay.Ref) {}
	}
	return &Service{cfg: cfg, wake: make(chan struct{}, 1)}, nil
}

// Dir is the folder of the backups, "" on a server that makes none.
func (s *Service) Dir() string { return s.cfg.Dir }

// Path is where the file of a copy lies.
func (s *Service) Path(c Copy) string { return filepath.Join(s.cfg.Dir, filepath.Base(c.Name)) }

var settings = setting.Setting[Spec]{Name: "backups", Check: Spec.Check}

// Spec is what is set.
func (s *Service) Spec(ctx context.Context) (Spec, error) {
	return setting.Read(ctx, s.cfg.Settings, mainstay.Installation, settings)
}

// specName is the name of the one manifest.
const specName = "default"

// Define makes the settings be as the spec says.
func (s *Service) Define(ctx context.Context, actor mainstay.Actor, _, name string, spec Spec) (bool, error) {
	if name != specName {
		return false, mainstay.Faults{"name": "There is one manifest of this kind, and its name is " + specName + "."}.Err()
	}
	if err := spec.Check(); err != nil {
		return false, err
	}
	if project, policy, ok := strings.Cut(spec.Policy, "/"); ok {
		if _, err := s.cfg.Questions.Policy(ctx, project, policy); mainstay.Is(err, mainstay.NotFound) {
			return false, mainstay.Faults{"policy": "There is no escalation policy " + policy + " in a project " + project + "."}.Err()
		} else if err != nil {
			return false, err
		}
	}
	has, err := s.Spec(ctx)
	if err != nil || same(has, spec) {
		return false, err
	}
	if err := setting.Write(ctx, s.cfg.Settings, actor, mainstay.Installation, settings, spec); err != nil {
		return false, err
	}
	s.Wake()
	return true, nil
}

func same(a, b Spec) bool {
	days := slices.Equal(a.Days, b.Days)
	a.Days, b.Days = nil, nil
	return days && a.Off == b.Off && a.At == b.At && a.Every == b.Every && a.Zone == b.Zone && a.Keep == b.Keep && a.Policy == b.Policy
}

// Specs are the manifests, for export: none while all is default.
func (s *Service) Specs(ctx context.Context, _ string) (map[string]Spec, error) {
	has, err := s.Spec(ctx)
	if err != nil || same(has, Spec{}) {
		return nil, err
	}
	return map[string]Spec{specName: has}, nil
}

// Wake has the schedule looked at again: the settings may have changed.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Copies lists what is in the folder and what failed, the newest first. Of a folder that cannot be read, it is what was known.
func (s *Service) Copies(ctx context.Context) ([]Copy, error) {
	if err := s.look(ctx); err != nil && ctx.Err() == nil {
		s.cfg.Log.Warn("the folder of backups cannot be looked at", "folder", s.cfg.Dir, "err", err)
	}
	return s.cfg.Store.Copies(ctx, listed)
}

// Copy is one of them.
func (s *Service) Copy(ctx context.Context, id string) (Copy, error) {
	return s.cfg.Store.Copy(ctx, id)
}

// Now is what is being done, if anything is.
func (s *Service) Now() (Progress, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		return Progress{}, false
	}
	return *s.now, true
}

// look compares what is known with the folder: files that nobody knows of are found, known ones may be gone. Only a server that works
// looks: another process would see the one that is being written.
func (s *Service) look(ctx context.Context) error {
	s.mu.Lock()
	works := s.base != nil
	s.mu.Unlock()
	if s.cfg.Dir == "" || !works {
		return nil
	}
	entries, err := os.ReadDir(s.cfg.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	known, err := s.cfg.Store.Copies(ctx, listed)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, e := range entries {
		began, ok := named(e.Name())
		info, err := e.Info()
		if !ok || err != nil || !info.Mode().IsRegular() {
			continue
		}
		there[e.Name()] = true
		if !slices.ContainsFunc(known, func(c Copy) bool { return c.Name == e.Name() }) {
			c := Copy{ID: mainstay.NewID(s.cfg.Time.Now()), Name: e.Name(), State: Unverified, Cause: CauseFound, By: self, Began: began, Made: info.ModTime(), Size: info.Size()}
			if err := s.cfg.Store.Save(ctx, c, commit.Set{}); err != nil {
				return err
			}
		}
	}
	for _, c := range known {
		if (c.State == Verified || c.State == Unverified) && !there[c.Name] {
			c.State, c.Error = Gone, "The file is not in the folder any more."
			if err := s.cfg.Store.Save(ctx, c, commit.Set{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Start begins to make backups when they are due. It takes up what an end of the server interrupted.
func (s *Service) Start(ctx context.Context) error {
	if s.cfg.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(s.cfg.Dir, 0o700); err != nil {
		return mainstay.Errorf(mainstay.Invalid, "the folder of backups cannot be made: %v", err)
	}
	ctx, stop := context.WithCancel(ctx)
	s.mu.Lock()
	s.base, s.stop, s.began = ctx, stop, s.cfg.Time.Now()
	s.mu.Unlock()
	if err := s.recover(ctx); err != nil {
		stop()
		return err
	}
	s.done.Go(func() { s.watch(ctx) })
	return nil
}

// Stop ends what is being done; the next start takes it up.
func (s *Service) Stop() {
	s.mu.Lock()
	stop := s.stop
	s.base = nil
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
	s.done.Wait()
}

// recover ends what a killed server was doing.
func (s *Service) recover(ctx context.Context) error {
	for _, pattern := range []string{".*" + nameSuffix + ".*.part", TrialFolder + "*"} {
		left, err := filepath.Glob(filepath.Join(s.cfg.Dir, pattern))
		if err != nil {
			return err
		}
		for _, p := range left {
			_ = os.RemoveAll(p)
		}
	}
	list, err := s.cfg.Store.Copies(ctx, listed)
	if err != nil {
		return err
	}
	for _, c := range list {
		switch c.State {
		case Making:
			if _, err := os.Stat(s.Path(c)); err == nil { // it was whole; what it holds, trying it tells
				c.State, c.Made = Unverified, s.cfg.Time.Now()
				break
			}
			c.State, c.Error, c.Ended = Failed, "The server ended while it was being made.", s.cfg.Time.Now()
		case Verifying:
			c.State = Unverified
		default:
			continue
		}
		if err := s.cfg.Store.Save(ctx, c, commit.Set{}); err != nil {
			return err
		}
	}
	return s.look(ctx)
}

// watch makes backups when they are due, until ctx ends.
func (s *Service) watch(ctx context.Context) {
	for ctx.Err() == nil {
		wait := s.due(ctx)
		timer, stop := s.cfg.Time.Wait(wait)
		select {
		case <-timer:
		case <-s.wake:
		case <-ctx.Done():
		}
		stop()
	}
}

// due begins what is due, and returns how long nothing more will be.
func (s *Service) due(ctx context.Context) time.Duration {
	now := s.cfg.Time.Now()
	spec, err := s.Spec(ctx)
	var list []Copy
	if err == nil {
		list, err = s.Copies(ctx)
	}
	if err != nil {
		if ctx.Err() == nil {
			s.cfg.Log.Error("the schedule of backups cannot be read", "err", err)
		}
		return again
	}
	next, todo := plan(spec, list, now, s.began.Add(grace))
	if next.IsZero() {
		return 24 * time.Hour
	}
	if next.After(now) {
		return next.Sub(now)
	}
	if _, busy := s.Now(); busy {
		return time.Minute
	}
	if todo != "" {
		_, err = s.Verify(ctx, self, todo)
	} else {
		_, err = s.make(ctx, self, CauseSchedule)
	}
	if err != nil && ctx.Err() == nil {
		s.cfg.Log.Error("a backup cannot be begun", "err", err)
		return again
	}
	return time.Minute
}

// plan says when something is to be done: a backup made, or with an id that one verified. ready is when what was missed may be made up
// for.
func plan(spec Spec, list []Copy, now, ready time.Time) (next time.Time, verify string) {
	last := spec.Last(now)
	if last.IsZero() {
		return last, ""
	}
	var failed time.Time
	for _, c := range list {
		if c.Began.Before(last) {
			continue
		}
		switch c.State {
		case Verified:
			return spec.Next(now), ""
		case Unverified:
			if verify == "" {
				verify = c.ID
			}
		case Failed:
			failed = later(failed, c.Ended)
		}
	}
	next = last
	if !failed.IsZero() {
		next = earlier(failed.Add(again), spec.Next(now))
	}
	if ready.After(last) { // it was due before the start
		next = later(next, ready)
	}
	return next, verify
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Health is what doctor and the metrics want to know.
type Health struct {
	Spec     Spec
	Newest   Copy      // the newest that was verified; the zero Copy when there is none
	Next     time.Time // when one is due
	Late     bool      // none that was verified is young enough
	Troubled string    // why the last one failed, "" when it did not
}

// Health looks at what is known.
func (s *Service) Health(ctx context.Context) (h Health, err error) {
	if h.Spec, err = s.Spec(ctx); err != nil {
		return h, err
	}
	list, err := s.cfg.Store.Copies(ctx, listed)
	if err != nil {
		return h, err
	}
	now := s.cfg.Time.Now()
	h.Next = h.Spec.Next(now)
	for _, c := range list { // the newest first
		if c.State == Verified {
			h.Newest = c
			break
		}
		if c.State == Failed && c.Error != "" {
			h.Troubled = cmp.Or(h.Troubled, c.Error)
		}
	}
	stale := h.Spec.Stale(now)
	h.Late = !stale.IsZero() && h.Newest.Began.Before(stale)
	return h, nil
}

// Downloaded notes that somebody takes the file out.
func (s *Service) Downloaded(ctx context.Context, actor mainstay.Actor, c Copy) error {
	now := s.cfg.Time.Now()
	return s.cfg.Store.Save(ctx, c, commit.Set{Facts: []fact.Fact{
		fact.New(now, mainstay.Installation, actor, fact.BackupDownloaded{Name: c.Name}, c.Ref()),
	}})
}
