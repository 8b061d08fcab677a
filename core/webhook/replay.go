package webhook

import (
	"context"
	"sort"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/fact"
)

// History is the journal as delivery reads it; journaldb.Store is one.
type History interface {
	journal.Reader
	Heads(ctx context.Context) (map[string]int64, error)
}

// Range says what to replay: by time of recording or by sequence, of one project or, for an endpoint of the installation, of all.
// What is zero does not bound it: a zero Range is everything that there is.
type Range struct {
	Project string    // id; "" for the endpoint's own, or all
	Since   time.Time // recorded at or after
	Until   time.Time // recorded before
	From    int64     // sequence, inclusive; needs Project
	To      int64     // sequence, inclusive
}

// maxReplays is how many replays an endpoint may have under way.
const maxReplays = 50

// Replay delivers what the range holds once more, filtered as ever, beside what happens. It returns how many facts are looked at. It
// fails with Invalid and fields.
func (s *Service) Replay(ctx context.Context, w Writer, id string, r Range) (facts int64, err error) {
	e, err := s.cfg.Store.Endpoint(ctx, id)
	if err == nil {
		err = w.may(e)
	}
	if err == nil {
		err = r.check(&e)
	}
	if err != nil {
		return 0, err
	}
	heads, err := s.cfg.History.Heads(ctx)
	if err != nil {
		return 0, err
	}
	running, err := s.cfg.Replays.Cursors(ctx, id)
	if err != nil {
		return 0, err
	}
	now := s.cfg.Time.Now()
	var list []Cursor
	set := commit.Set{}
	for project, head := range heads {
		if !e.covers(project) || r.Project != "" && r.Project != project {
			continue
		}
		after, until, err := s.bounds(ctx, project, head, r)
		if err != nil {
			return 0, err
		}
		if until <= after {
			continue
		}
		facts += until - after
		list = append(list, Cursor{Endpoint: id, Project: project, Replay: mainstay.NewID(now), Sequence: after, Until: until, Created: now, By: w.Actor})
		set.Facts = append(set.Facts, fact.New(now, e.Project, w.Actor,
			fact.WebhookReplayed{Name: e.Name, Project: project, After: after, Until: until}, e.Ref()))
	}
	if len(list) == 0 {
		return 0, mainstay.Faults{"since": "there is nothing in this range"}.Err()
	}
	n := len(list)
	for _, c := range running {
		if c.Replay != "" {
			n++
		}
	}
	if n > maxReplays {
		return 0, mainstay.Errorf(mainstay.TooMany, "This webhook has %d replays under way. Cancel some, or wait until they are over.", n-len(list))
	}
	return facts, s.cfg.Replays.Begin(ctx, list, set)
}

func (r *Range) check(e *Endpoint) error {
	var f mainstay.Faults
	if e.Project != mainstay.Installation {
		if r.Project != "" && r.Project != e.Project {
			f.Add("project", "this webhook is another project's")
		}
		r.Project = e.Project
	}
	if (r.From != 0 || r.To != 0) && r.Project == "" {
		f.Add("project", "sequences are a project's: say which")
	}
	if r.From < 0 || r.To < 0 || r.To != 0 && r.To < r.From {
		f.Add("from", "the first is beyond the last")
	}
	if !r.Since.IsZero() && !r.Until.IsZero() && !r.Since.Before(r.Until) {
		f.Add("until", "the end is before the beginning")
	}
	return f.Err()
}

// bounds are the sequences after which and up to which a range reaches in a project's journal.
func (s *Service) bounds(ctx context.Context, project string, head int64, r Range) (after, until int64, err error) {
	until = head
	if r.From > 0 {
		after = r.From - 1
	}
	if r.To > 0 {
		until = min(until, r.To)
	}
	if !r.Since.IsZero() {
		first, err := sequenceAt(ctx, s.cfg.History, project, head, r.Since)
		if err != nil {
			return 0, 0, err
		}
		after = max(after, first-1)
	}
	if !r.Until.IsZero() {
		first, err := sequenceAt(ctx, s.cfg.History, project, head, r.Until)
		if err != nil {
			return 0, 0, err
		}
		until = min(until, first-1)
	}
	return after, until, nil
}

// sequenceAt is the sequence of the first fact of a project that was recorded at t or later; head+1 when there is none. It halves the
// journal a few times and reads one fact at each.
func sequenceAt(ctx context.Context, h journal.Reader, project string, head int64, t time.Time) (int64, error) {
	var failed error
	n := sort.Search(int(head), func(i int) bool {
		if failed != nil {
			return true
		}
		list, err := h.Facts(ctx, journal.Query{Project: project, After: int64(i), Limit: 1})
		if err != nil {
			failed = err
			return true
		}
		return len(list) == 0 || !list[0].Recorded.Before(t)
	})
	return int64(n) + 1, failed
}

// Running lists the replays of an endpoint that are under way, and how far the delivery of what happens has come.
func (s *Service) Running(ctx context.Context, id string) (live, replays []Cursor, err error) {
	list, err := s.cfg.Replays.Cursors(ctx, id)
	for _, c := range list {
		if c.Replay == "" {
			live = append(live, c)
		} else {
			replays = append(replays, c)
		}
	}
	return live, replays, err
}

// CancelReplay ends a replay.
func (s *Service) CancelReplay(ctx context.Context, w Writer, id, replay string) error {
	e, err := s.cfg.Store.Endpoint(ctx, id)
	if err == nil {
		err = w.may(e)
	}
	if err != nil {
		return err
	}
	return s.cfg.Replays.Cancel(ctx, id, replay)
}
