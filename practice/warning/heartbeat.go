package warning

import (
	"context"
	"fmt"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/core/timer"
)

// BeatState says how a heartbeat is doing.
type BeatState string

// The states of a heartbeat.
const (
	Beating BeatState = "beating"
	Missed  BeatState = "missed"
	Failed  BeatState = "failed"
)

// MissedTimer is the kind of the timer that goes off when a heartbeat stays out.
const MissedTimer = "heartbeat.missed"

// DefaultEvery is how often a heartbeat is expected that has not said so.
const DefaultEvery = 24 * time.Hour

// Heartbeat is something that must report regularly.
type Heartbeat struct {
	ID      string
	Project string
	Service string // id, or ""
	Name    string
	Every   time.Duration
	State   BeatState
	LastAt  time.Time
	Told    bool // the alert about a missed beat has been folded
}

// Cursor is the heartbeat's place in a list by name.
func (h Heartbeat) Cursor() string { return h.Name + "/" + h.ID }

// Due is when the next sign of life counts as missing: a tenth later than promised, at least 5 s, at most an hour.
func (h Heartbeat) Due() time.Time {
	slack := min(max(h.Every/10, 5*time.Second), time.Hour)
	return h.LastAt.Add(h.Every + slack)
}

// Beaten is a sign of life that a transaction of the writer records.
type Beaten struct {
	Heartbeat        // ID is used when it is new; Every 0 keeps what was promised
	ToldID    string // instead: the heartbeat of this id has had its alert
}

// HeartbeatStore keeps heartbeats. Signs of life are recorded by Writing.Commit.
type HeartbeatStore interface {
	// Miss notes in the transaction of the timer that a heartbeat stayed out, and calls then once that has committed. When
	// it has reported after the timer was set, nothing happens.
	Miss(ctx context.Context, id string, due time.Time, then func(Heartbeat)) error
	// Untold lists heartbeats that stayed out and have no alert for it yet, at most limit.
	Untold(ctx context.Context, limit int) ([]Heartbeat, error)
	// Heartbeat reads one by its id; NotFound when there is none.
	Heartbeat(ctx context.Context, id string) (Heartbeat, error)
	// Heartbeats lists those of a project, "" for all, by name, after the Cursor of one, at most limit.
	Heartbeats(ctx context.Context, project, after string, limit int) ([]Heartbeat, error)
}

// Timers are the handlers of our timers.
func (s *Service) Timers() map[string]timer.Handler {
	return map[string]timer.Handler{MissedTimer: s.miss}
}

// miss notes that a heartbeat stayed out. The alert follows after the commit, for the fold has a transaction of its own; should
// we be killed in between, the next start finds the note.
func (s *Service) miss(ctx context.Context, f timer.Firing) error {
	return s.cfg.Heartbeats.Miss(ctx, f.Subject, f.Due, s.tell)
}

// tell folds the alert about a heartbeat that stayed out, without waiting.
func (s *Service) tell(h Heartbeat) {
	j := s.missing(h)
	if err := s.enqueue(j); err != nil {
		s.cfg.Log.Info("a missed heartbeat waits for the next start", "heartbeat", h.Name)
	}
}

func (s *Service) missing(h Heartbeat) *job {
	now := s.cfg.Time.Now()
	sig := beatSignal(h, now, fmt.Sprintf("Heartbeat %s stayed out", clean(h.Name, 120)),
		fmt.Sprintf("It promised to report every %s and was last heard of at %s.", h.Every, h.LastAt.UTC().Format("2006-01-02 15:04:05 UTC")))
	sig.StartsAt = h.Due()
	b := &intake.Batch{Project: h.Project, Service: h.Service, Format: ownFormat, At: now, Signals: []intake.Signal{sig}, Body: []byte{}}
	return &job{batches: []*intake.Batch{b}, beat: h.ID, done: make(chan error, 1)}
}

// ownFormat is the format of batches that we make ourselves.
const ownFormat = "mainstay"

func beatSignal(h Heartbeat, now time.Time, summary, description string) intake.Signal {
	labels := intake.LabelsOf(map[string]string{"alertname": "Heartbeat", "heartbeat": h.Name, "severity": "critical"})
	notes := map[string]string{"summary": summary}
	if description != "" {
		notes["description"] = description
	}
	return intake.Signal{
		Labels: labels, Annotations: intake.LabelsOf(notes), Fingerprint: labels.Fingerprint(), StartsAt: now, Lasting: true,
	}
}

// remiss tells about heartbeats whose alert was lost by a kill.
func (s *Service) remiss(ctx context.Context) error {
	list, err := s.cfg.Heartbeats.Untold(ctx, 1000)
	if err != nil {
		return fmt.Errorf("reading heartbeats: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range list {
		j := s.missing(h)
		s.waiting = append(s.waiting, j)
		s.weight += j.weight()
	}
	return nil
}

// beat turns a sign of life into its record and its signal. id is the heartbeat that a batch of our own is about.
func (s *Service) beat(c *Changes, b *intake.Batch, id string) {
	if id != "" {
		c.Beats = append(c.Beats, Beaten{ToldID: id})
		return
	}
	if b.Beat == nil {
		return
	}
	h := Heartbeat{
		ID: mainstay.NewID(c.Now), Project: b.Project, Service: b.Service, Name: b.Beat.Name, Every: b.Beat.Every, State: Beating, LastAt: c.Now, Told: true,
	}
	sig := beatSignal(h, c.Now, fmt.Sprintf("Heartbeat %s reports a failure", clean(h.Name, 120)), clean(b.Beat.Message, 2048))
	if b.Beat.Fail {
		h.State = Failed
	} else {
		sig.EndsAt = c.Now
		sig.Annotations = nil
	}
	b.Signals = []intake.Signal{sig}
	c.Beats = append(c.Beats, Beaten{Heartbeat: h})
}

// Heartbeats lists the heartbeats of a project ("" for all) by name, after a name, at most limit.
func (s *Service) Heartbeats(ctx context.Context, project, after string, limit int) ([]Heartbeat, error) {
	return s.cfg.Heartbeats.Heartbeats(ctx, project, after, limit)
}

// Heartbeat is one heartbeat, by its id. NotFound when there is none.
func (s *Service) Heartbeat(ctx context.Context, id string) (Heartbeat, error) {
	return s.cfg.Heartbeats.Heartbeat(ctx, id)
}
