package warning

import (
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/fact"
)

// fold is what one transaction does to the open set, worked out beside it: the set itself is only changed once the transaction
// has committed, so a failed one leaves nothing to undo and readers see only what is safe.
type fold struct {
	set     *openSet
	now     time.Time
	timeout time.Duration // after which an alert without an end is taken to have ended
	decide  func(*intake.Batch, *intake.Signal) decision
	replay  bool // only move what is open: everything else is in the rows already

	staged map[key]*stage
	order  []*stage
	room   []stage  // for stages: one piece of memory instead of many
	fired  []*Alert // new rows, in order
	ended  []*Alert // rows that end
	events []event
	wanted []result
	buf    []byte
}

// stage is the state of one condition within the fold.
type stage struct {
	key   key
	alert *Alert // ours to change; nil when nothing is open
	own   bool   // alert is a copy or new, not yet visible to anybody
	fresh bool   // alert has no row yet
	seq   int64  // alert's when the fold began
}

type event struct {
	alert           *Alert
	ended           bool
	by              mainstay.Actor
	routed, urgency string
}

// result is what a batch wants to know about one of its signals once the numbers are known.
type result struct {
	to    *intake.Result
	alert *Alert
	fresh bool
}

// decision is what the routes say about a new alert.
type decision struct {
	service  string
	severity mainstay.Severity
	route    string
	routed   string // the route's name
	policy   string
	urgency  string
	why      string
}

// newFold makes a fold of about so many signals.
func newFold(set *openSet, now time.Time, timeout time.Duration, signals int) *fold {
	return &fold{
		set: set, now: now, timeout: timeout, staged: make(map[key]*stage, signals), order: make([]*stage, 0, signals), room: make([]stage, 0, signals),
	}
}

func (f *fold) stage(k key) *stage {
	s := f.staged[k]
	if s == nil {
		if len(f.room) == cap(f.room) {
			f.room = make([]stage, 0, 64)
		}
		f.room = append(f.room, stage{key: k, alert: f.set.peek(k)})
		s = &f.room[len(f.room)-1]
		if s.alert != nil {
			s.seq = s.alert.Seq
		}
		f.staged[k] = s
		f.order = append(f.order, s)
	}
	return s
}

// mine makes the stage's alert one that may be changed.
func (s *stage) mine() *Alert {
	if !s.own {
		c := *s.alert
		s.alert, s.own = &c, true
	}
	return s.alert
}

// batch folds the signals of a batch that has the sequence in the inbox.
func (f *fold) batch(b *intake.Batch, seq int64) {
	b.Moved = false
	if b.Want {
		b.Results = make([]intake.Result, len(b.Signals))
	}
	for i := range b.Signals {
		fresh, a := f.signal(b, &b.Signals[i], seq)
		if a != nil && b.Want {
			f.wanted = append(f.wanted, result{&b.Results[i], a, fresh})
		}
	}
}

// signal folds one signal and returns the alert that it went into, nil when there is none, and whether it is new.
func (f *fold) signal(b *intake.Batch, sig *intake.Signal, seq int64) (bool, *Alert) {
	s := f.stage(key{b.Project, sig.Fingerprint})
	if f.replay && (s.alert == nil || s.seq >= seq) {
		return false, nil // the row knows better
	}
	at := b.At
	if !f.replay {
		at = f.now
	}
	ends, timeout := sig.EndsAt, false
	if ends.IsZero() && !sig.Lasting {
		ends, timeout = at.Add(f.timeout), true
	}
	over := !ends.IsZero() && !ends.After(at)
	switch {
	case s.alert == nil && over:
		return false, nil // it ended before we ever saw it
	case s.alert == nil:
		a := f.fire(b, sig, seq, ends, timeout)
		s.alert, s.own, s.fresh = a, true, true
		return true, a
	case over:
		if f.replay {
			return false, nil
		}
		a := s.mine()
		f.merge(a, sig, at, len(sig.Annotations) > 0)
		f.end(s, ends, EndedBySender, mainstay.System("warning"), seq)
		return false, a
	}
	a := s.mine()
	a.Seq = seq
	b.Moved = b.Moved || !s.fresh
	f.merge(a, sig, at, true)
	// A sender's own word about the end stands against one that comes earlier, and against our timeout.
	if a.EndsAt.IsZero() && !sig.Lasting || a.Timeout || ends.IsZero() || ends.After(a.EndsAt) {
		a.EndsAt, a.Timeout = ends, timeout
	}
	return false, a
}

// merge takes over what a newer signal says: the earliest start, the newest text.
func (f *fold) merge(a *Alert, sig *intake.Signal, at time.Time, text bool) {
	if sig.StartsAt.Before(a.StartsAt) {
		a.StartsAt = sig.StartsAt
	}
	a.UpdatedAt = at
	if !text {
		return // a bare "it is over" does not erase what was said
	}
	if f.buf = sig.Annotations.AppendJSON(f.buf[:0]); string(f.buf) != a.Annotations {
		a.Annotations = string(f.buf)
	}
	if sig.GeneratorURL != "" && sig.GeneratorURL != a.GeneratorURL {
		a.GeneratorURL = string([]byte(sig.GeneratorURL)) // not a part of the request's body
	}
}

func (f *fold) fire(b *intake.Batch, sig *intake.Signal, seq int64, ends time.Time, timeout bool) *Alert {
	d := f.decide(b, sig)
	f.buf = sig.Labels.AppendJSON(f.buf[:0])
	n := len(f.buf)
	f.buf = sig.Annotations.AppendJSON(f.buf)
	m := len(f.buf)
	f.buf = append(f.buf, sig.GeneratorURL...)
	text := string(f.buf) // one piece, and not a part of the request's body
	a := &Alert{
		Created: f.now, Project: b.Project, Service: d.service, Fingerprint: sig.Fingerprint, State: Firing, Severity: d.severity,
		StartsAt: sig.StartsAt, EndsAt: ends, UpdatedAt: f.now, Timeout: timeout,
		Labels: text[:n], Annotations: text[n:m], GeneratorURL: text[m:],
		Format: b.Format, Key: b.Key, Route: d.route, Policy: d.policy, Why: d.why, Seq: seq,
	}
	f.fired = append(f.fired, a)
	f.events = append(f.events, event{alert: a, routed: d.routed, urgency: d.urgency})
	return a
}

// end ends the stage's alert.
func (f *fold) end(s *stage, at time.Time, reason string, by mainstay.Actor, seq int64) {
	a := s.mine()
	a.State, a.EndsAt, a.Reason, a.Timeout, a.Closed = Resolved, at, reason, false, f.now
	if a.StartsAt.After(at) {
		a.StartsAt = at
	}
	if !s.fresh {
		a.Seq = seq
		f.ended = append(f.ended, a)
	}
	f.events = append(f.events, event{alert: a, ended: true, by: by})
	s.alert, s.own, s.fresh = nil, false, false
}

// expire ends alerts whose end has come. What has changed since the list was made is left alone.
func (f *fold) expire(list []*Alert, seq int64) {
	for _, a := range list {
		s := f.stage(a.key())
		if s.alert == nil || s.alert.Number != a.Number || s.alert.EndsAt.IsZero() || s.alert.EndsAt.After(f.now) {
			continue
		}
		reason := EndedBySender
		if s.alert.Timeout {
			reason = EndedByTimeout
		}
		f.end(s, s.alert.EndsAt, reason, mainstay.System("warning"), seq)
	}
}

// resolve ends an alert on a person's word, and reports whether it was open.
func (f *fold) resolve(k key, number int64, by mainstay.Actor, seq int64) bool {
	s := f.stage(k)
	if s.alert == nil || s.alert.Number != number {
		return false
	}
	f.end(s, f.now, EndedByPerson, by, seq)
	return true
}

// apply brings the open set to where the fold has led. The transaction has committed.
func (f *fold) apply() {
	f.set.mu.Lock()
	defer f.set.mu.Unlock()
	for _, s := range f.order {
		switch {
		case s.alert == nil:
			f.set.remove(s.key)
		case s.own:
			f.set.put(s.alert, !s.fresh)
		}
	}
}

// answer tells the batches what became of their signals.
func (f *fold) answer() {
	for _, r := range f.wanted {
		*r.to = intake.Result{Alert: r.alert.ID(), Number: r.alert.Number, New: r.fresh}
	}
}

// StateFacts are the kinds of facts about an alert's state. They are found by the moments that the alert's row keeps.
func StateFacts() []string {
	return []string{fact.AlertFired{}.FactKind(), fact.AlertResolved{}.FactKind()}
}

// facts is what the fold has to tell, once its new alerts have their numbers.
func (f *fold) facts() commit.Set {
	set := commit.Set{Facts: make([]fact.Fact, 0, 2*len(f.events))}
	self := mainstay.System("warning")
	for _, e := range f.events {
		a := e.alert
		ref, service := a.Ref(), mainstay.Ref{Kind: mainstay.KindService, ID: a.Service}
		if e.ended {
			set.Facts = append(set.Facts, fact.New(f.now, a.Project, e.by, fact.AlertResolved{
				Number: a.Number, Name: a.Name(), Fingerprint: intake.FingerprintText(a.Fingerprint), EndsAt: a.EndsAt, Reason: a.Reason,
			}, ref, service).Happened(a.EndsAt))
			continue
		}
		set.Facts = append(set.Facts, fact.New(f.now, a.Project, self, fact.AlertFired{
			Number: a.Number, Name: a.Name(), Summary: a.Title(), Fingerprint: intake.FingerprintText(a.Fingerprint),
			Service: a.Service, Severity: string(a.Severity), Route: e.routed, StartsAt: a.StartsAt,
		}, ref, service))
		if a.Policy != "" {
			set.Facts = append(set.Facts, fact.New(f.now, a.Project, self, fact.PageWanted{
				Policy: a.Policy, Urgency: e.urgency, Severity: string(a.Severity), Title: a.Title(), Reason: a.Why, Service: a.Service,
			}, ref, service))
		}
	}
	return set
}
