package warning

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/intake"
)

const (
	maxFold    = 2048             // signals in one transaction
	maxExpire  = 500              // ends in one transaction
	checkEvery = 60 * time.Second // rows of open alerts lag no longer behind
	loadPage   = 10_000           // rows read at once at a start
	checkChunk = 200              // rows saved in one transaction
	pruneEvery = time.Hour
	pruneChunk = 500
)

// job is one thing that waits for the writer.
type job struct {
	batches []*intake.Batch
	resolve *resolving
	beat    string // id of the heartbeat that a batch of our own is about
	done    chan error
}

type resolving struct {
	key    key
	number int64
	by     mainstay.Actor
	found  bool
}

func (j *job) weight() int {
	n := 1
	for _, b := range j.batches {
		n += len(b.Signals)
	}
	return n
}

// weigh is the weight of jobs together.
func weigh(jobs []*job) (n int) {
	for _, j := range jobs {
		n += j.weight()
	}
	return n
}

// writer is the state of the one goroutine that folds and commits.
type writer struct {
	seq        int64 // last in the inbox
	checkpoint int64
	dirs       map[string]*directory
	checkAt    time.Time // when open alerts are next saved into their rows
	pruneAt    time.Time
	doubt      doubt    // after a commit that failed: it may have happened all the same
	saving     []handle // what is left of a checkpoint under way ...
	savingSeq  int64    // ... which reaches to this sequence
	pace       pace
}

// doubt says how far memory may be trusted after a failed commit.
type doubt int

const (
	sure      doubt = iota
	doubtSeq        // it holds unless the inbox has moved on
	doubtOpen       // nothing tells: read everything again
)

// Start loads what is open and begins to fold. Writes under ctx are fenced, if the caller made it so.
func (s *Service) Start(ctx context.Context) error {
	ctx, s.stop = context.WithCancel(ctx)
	if err := s.load(ctx); err != nil {
		return err
	}
	if err := s.remiss(ctx); err != nil {
		return err
	}
	now := s.cfg.Time.Now()
	s.w.checkAt, s.w.pruneAt = now.Add(checkEvery), now.Add(pruneEvery/4)
	s.mu.Lock()
	s.stopped = false
	s.mu.Unlock()
	s.done.Go(func() { s.run(ctx) })
	return nil
}

// Stop ends the writer after the transaction it is in. What still waits is refused. It saves nothing else: the next start reads
// the inbox.
func (s *Service) Stop() {
	if s.stop != nil {
		s.stop()
	}
	s.done.Wait()
	s.mu.Lock()
	s.stopped = true
	left := s.waiting
	s.waiting, s.weight = nil, 0
	s.mu.Unlock()
	for _, j := range left {
		j.done <- errStopped
	}
}

var errStopped = mainstay.Errorf(mainstay.Unavailable, "Mainstay is not taking alerts at this moment. Send it again.")

// Take commits batches and returns when they are safe; see intake.Sink. It must not be called within a transaction.
func (s *Service) Take(ctx context.Context, batches ...*intake.Batch) error {
	return s.submit(ctx, &job{batches: batches, done: make(chan error, 1)})
}

func (s *Service) submit(ctx context.Context, j *job) error {
	if err := s.enqueue(j); err != nil {
		return err
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		s.withdraw(j)
		return ctx.Err() // unless it was still waiting, it may be committed all the same
	}
}

// withdraw drops a job that still waits: its sender has hung up and will send it again.
func (s *Service) withdraw(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, j); i >= 0 {
		s.waiting = slices.Delete(slices.Clone(s.waiting), i, i+1) // the writer may look at the old ones
		s.weight -= j.weight()
	}
}

// enqueue puts a job before the writer without waiting for it.
func (s *Service) enqueue(j *job) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return errStopped
	}
	s.waiting = append(s.waiting, j)
	if s.weight += j.weight(); s.weight >= paceFull {
		tell(s.full)
	}
	tell(s.wake)
	return nil
}

// tell wakes whoever waits for c, or will.
func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// pull takes whatever waits, up to the size of one transaction but at least one job.
func (s *Service) pull() []*job {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, weight := 0, 0
	for n < len(s.waiting) && (n == 0 || weight+s.waiting[n].weight() <= maxFold) {
		weight += s.waiting[n].weight()
		n++
	}
	s.weight -= weight
	jobs := s.waiting[:n:n]
	s.waiting = s.waiting[n:]
	if len(s.waiting) == 0 {
		s.waiting = nil
	}
	return jobs
}

func (s *Service) run(ctx context.Context) {
	for ctx.Err() == nil {
		s.linger(ctx)
		jobs := s.pull()
		now := s.cfg.Time.Now()
		expired := s.open.expired(now, maxExpire)
		if len(jobs)+len(expired) > 0 {
			began := s.w.pace.clock.Now()
			s.round(ctx, now, jobs, expired)
			s.w.pace.note(began, len(jobs))
			s.maintain(ctx, now) // a little under load too, so that a checkpoint is never put off for ever
			continue
		}
		if s.maintain(ctx, now) {
			continue
		}
		s.wait(ctx, now)
	}
}

// wait sleeps until something waits, ends, or is to be saved.
func (s *Service) wait(ctx context.Context, now time.Time) {
	until := s.w.checkAt
	if end, ok := s.open.nextEnd(); ok && end.Before(until) {
		until = end
	}
	c, cancel := s.cfg.Time.Wait(max(until.Sub(now), time.Microsecond))
	defer cancel()
	if s.cfg.Time.Now().Sub(now) > 10*time.Millisecond {
		return // the clock was moved meanwhile, and the wait would be too long by as much
	}
	select {
	case <-s.wake:
	case <-c:
	case <-ctx.Done():
	}
}

// round commits the jobs and the ends in one transaction and answers the jobs. When several jobs fail together for another reason
// than a database that is away, each gets a transaction of its own, so that one cannot spoil the others.
func (s *Service) round(ctx context.Context, now time.Time, jobs []*job, expired []*Alert) {
	err := s.commit(ctx, now, jobs, expired)
	if err != nil && ctx.Err() == nil {
		s.cfg.Log.Error("alerts could not be committed", "requests", len(jobs), "ends", len(expired), "error", err)
		if len(jobs) > 1 && !mainstay.Is(err, mainstay.Unavailable) {
			for _, j := range jobs {
				j.done <- refused(s.commit(ctx, now, []*job{j}, nil))
			}
			jobs = nil
		}
	}
	for _, j := range jobs {
		j.done <- refused(err)
	}
	if err != nil && len(expired) > 0 { // they stay due: no reason to spin
		c, cancel := s.cfg.Time.Wait(time.Second)
		defer cancel()
		select {
		case <-c:
		case <-s.wake:
		case <-ctx.Done():
		}
	}
}

// refused is the error as the sender may see it.
func refused(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", mainstay.Errorf(mainstay.Unavailable, "The alerts could not be stored. Nothing of this request was kept; send it again."), err)
}

func (s *Service) commit(ctx context.Context, now time.Time, jobs []*job, expired []*Alert) error {
	if len(jobs)+len(expired) == 0 {
		return nil
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	began := s.cfg.Time.Now()
	f := newFold(s.open, now, s.cfg.Timeout(), weigh(jobs)+len(expired))
	c := &Changes{Now: now, Seq: s.w.seq + 1, Facts: f.facts}
	seen := map[string]bool{}
	f.decide = func(b *intake.Batch, sig *intake.Signal) decision { return s.decide(ctx, b, sig, seen) }
	if err := s.refreshRoutes(ctx); err != nil {
		return err
	}
	f.expire(expired, s.w.seq)
	signals := 0
	for _, j := range jobs {
		for _, b := range j.batches {
			c.Batches = append(c.Batches, b)
			signals += len(b.Signals)
			seq := s.w.seq + int64(len(c.Batches))
			s.beat(c, b, j.beat)
			f.batch(b, seq)
		}
		if r := j.resolve; r != nil {
			r.found = f.resolve(r.key, r.number, r.by, s.w.seq+int64(len(c.Batches)))
		}
	}
	c.Fired, c.Ended = f.fired, f.ended
	err := s.cfg.Writing.Commit(ctx, c)
	if err == nil {
		s.w.seq += int64(len(c.Batches))
		f.apply()
		f.answer()
	} else if s.w.doubt = max(s.w.doubt, doubtSeq); len(c.Batches) == 0 {
		s.w.doubt = doubtOpen
	}
	if s.cfg.Committed != nil {
		s.cfg.Committed(signals, len(c.Fired), len(c.Ended), s.cfg.Time.Now().Sub(began), err)
	}
	return err
}

// settle finds out whether a commit whose answer was lost has happened, and if so reads again what is open: the connection to a
// database can break just when it has committed.
func (s *Service) settle(ctx context.Context) error {
	if s.w.doubt == sure {
		return nil
	}
	last, _, err := s.cfg.Writing.Position(ctx)
	if err != nil {
		return err
	}
	if s.w.doubt == doubtOpen || last != s.w.seq {
		s.cfg.Log.Warn("a commit may have happened though it seemed to fail: the open alerts are read again")
		if err := s.load(ctx); err != nil {
			return err
		}
		s.w.saving, s.w.savingSeq = nil, 0
	}
	s.w.doubt = sure
	return nil
}

// refreshRoutes reads the routes again when they may have changed.
func (s *Service) refreshRoutes(ctx context.Context) error {
	if !s.stale.Swap(false) {
		return nil
	}
	routes, err := s.cfg.Routes.Routes(ctx, "")
	if err != nil {
		s.stale.Store(true)
		return err
	}
	by := map[string][]Route{}
	for _, r := range routes {
		by[r.Project] = append(by[r.Project], r)
	}
	dirs := map[string]*directory{}
	for project, list := range by {
		c, err := compile(list)
		if err != nil {
			s.cfg.Log.Error("a route cannot be used", "project", project, "error", err)
		}
		dirs[project] = &directory{routes: c}
	}
	s.w.dirs = dirs
	return nil
}

// decide asks the project's directory. The names of services are read when first needed, and again, once a transaction, when an
// alert names one that is not known.
func (s *Service) decide(ctx context.Context, b *intake.Batch, sig *intake.Signal, seen map[string]bool) decision {
	d := s.w.dirs[b.Project]
	if d == nil {
		d = &directory{}
		s.w.dirs[b.Project] = d
	}
	name := ""
	if b.Service == "" {
		name = sig.Labels.Get("service")
	}
	if _, known := d.services[name]; name != "" && !known && !seen[b.Project] {
		seen[b.Project] = true
		services, err := s.cfg.Names.Services(ctx, b.Project)
		if err != nil {
			s.cfg.Log.Warn("reading the services of a project", "project", b.Project, "error", err)
		} else {
			d.services = services
		}
	}
	return d.decide(b, sig)
}

// Forget makes the writer read routes and services again. It may be called at any time.
func (s *Service) Forget() { s.stale.Store(true) }

// load rebuilds the open set: the rows, then what the inbox has brought since the last checkpoint.
func (s *Service) load(ctx context.Context) error {
	set := newOpenSet()
	for after, n := int64(0), loadPage; n == loadPage; {
		var err error
		n, err = s.cfg.Writing.LoadOpen(ctx, after, loadPage, func(a *Alert) {
			set.put(a, false)
			after = a.Number
		})
		if err != nil {
			return fmt.Errorf("loading open alerts: %w", err)
		}
	}
	last, checkpoint, err := s.cfg.Writing.Position(ctx)
	if err != nil {
		return fmt.Errorf("loading open alerts: %w", err)
	}
	s.w.seq, s.w.checkpoint = last, checkpoint
	if err := s.replay(ctx, set, checkpoint); err != nil {
		return fmt.Errorf("reading the inbox again: %w", err)
	}
	s.open.replace(set)
	return nil
}

func (s *Service) replay(ctx context.Context, set *openSet, after int64) error {
	if set.len() == 0 {
		return nil
	}
	for {
		entries, err := s.cfg.Writing.Inbox(ctx, after, 64)
		if err != nil || len(entries) == 0 {
			return err
		}
		f := newFold(set, s.cfg.Time.Now(), s.cfg.Timeout(), 64)
		f.replay = true
		for i := range entries {
			e := &entries[i]
			after = e.Seq
			if err := s.reread(e); err != nil {
				s.cfg.Log.Warn("an inbox entry cannot be read again", "sequence", e.Seq, "format", e.Format, "error", err)
				continue
			}
			f.batch(&e.Batch, e.Seq)
		}
		f.apply()
	}
}

// reread parses an inbox entry again.
func (s *Service) reread(e *Entry) error {
	format := s.formats[e.Format]
	if format == nil {
		return nil // our own, or a format that is gone: it moved nothing that is not in a row
	}
	body, err := s2.Decode(nil, e.Body)
	if err != nil {
		return err
	}
	r, err := intake.Again(e.Head, body)
	if err != nil {
		return err
	}
	r.Now, r.Scope = e.At, e.Service
	if e.Head == "" {
		r.Path = ""
	}
	e.Signals = format.Parse(r, intake.Limits{Labels: 1 << 20, Name: 1 << 26, Value: 1 << 26}).Signals
	return nil
}

// maintain does one small piece of what is not urgent, and reports whether there is more.
func (s *Service) maintain(ctx context.Context, now time.Time) bool {
	if len(s.w.saving) > 0 || s.w.savingSeq > 0 {
		return s.save(ctx)
	}
	if !now.Before(s.w.checkAt) {
		s.w.checkAt = now.Add(checkEvery)
		s.open.compact()
		s.w.saving, s.w.savingSeq = s.open.dirty(), s.w.seq
		if s.w.seq == s.w.checkpoint && len(s.w.saving) == 0 {
			s.w.savingSeq = 0
			return false
		}
		return true
	}
	if !now.Before(s.w.pruneAt) {
		n, err := s.cfg.Writing.Prune(ctx, now.Add(-s.cfg.Keep), s.w.checkpoint, pruneChunk)
		if err != nil && ctx.Err() == nil {
			s.cfg.Log.Warn("pruning the inbox", "error", err)
		}
		if n < pruneChunk {
			s.w.pruneAt = now.Add(pruneEvery)
		}
		return n == pruneChunk
	}
	return false
}

// save writes one chunk of a checkpoint under way, and reports whether there is more to write.
func (s *Service) save(ctx context.Context) bool {
	n := min(checkChunk, len(s.w.saving))
	var reaches int64
	if n == len(s.w.saving) {
		reaches = s.w.savingSeq
	}
	var write []*Alert // as they stand now; what has ended has its row
	for _, h := range s.w.saving[:n] {
		if a := s.open.still(h); a != nil {
			write = append(write, a)
		}
	}
	if err := s.cfg.Writing.SaveOpen(ctx, write, reaches); err != nil {
		if ctx.Err() == nil {
			s.cfg.Log.Warn("saving open alerts", "error", err)
		}
		s.w.saving, s.w.savingSeq = nil, 0 // the next checkpoint tries again
		return false
	}
	s.open.clean(s.w.saving[:n])
	s.w.saving = s.w.saving[n:]
	if reaches > 0 {
		s.w.checkpoint, s.w.saving, s.w.savingSeq = reaches, nil, 0
	}
	return s.w.savingSeq > 0
}
