package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/fact"
)

// system is who disables.
var system = mainstay.System("webhook")

// work sends to one endpoint until there is nothing more, something fails, or others had better have the worker.
func (e *Engine) work(ctx context.Context, l *lane) {
	var err error
	var read []fact.Fact // of the cursor that it was read for, beyond what was sent
	var of *progress
	for range spell {
		e.mu.Lock()
		p := e.next(l)
		ok := p != nil && l.e.State == Active && !l.stale && !e.cfg.Time.Now().Before(l.e.Health.Next)
		head := int64(0)
		if ok {
			head = e.heads[p.Project]
		}
		e.mu.Unlock()
		if !ok || ctx.Err() != nil {
			break
		}
		if p != of {
			read, of = nil, p
		}
		if read, err = e.step(ctx, l, p, head, read); err != nil {
			break
		}
	}
	e.mu.Lock()
	l.busy = false
	if l.stale {
		l.stale, e.reload = false, true
	}
	e.mu.Unlock()
	if err != nil && ctx.Err() == nil {
		e.cfg.Log.ErrorContext(ctx, "a webhook could not go on", "webhook", l.e.Name, "err", err)
		e.mu.Lock()
		l.e.Health.Next = e.cfg.Time.Now().Add(2 * time.Second) // the database is not well; the row says nothing of this
		e.mu.Unlock()
		e.again(ctx, 2*time.Second)
	}
}

// step goes on by one request, or past facts that nobody wants. It returns facts that were read beyond that.
func (e *Engine) step(ctx context.Context, l *lane, p *progress, head int64, read []fact.Fact) ([]fact.Fact, error) {
	if err := e.begin(ctx, l, p, head); err != nil {
		return nil, err
	}
	until := head
	if p.Replay != "" {
		until = p.Until
	}
	if len(read) == 0 && p.Sequence < until {
		var err error
		if read, err = e.cfg.History.Facts(ctx, journal.Query{Project: p.Project, After: p.Sequence, Limit: stretch}); err != nil {
			return nil, err
		}
	}
	for len(read) > 0 && read[len(read)-1].Sequence > until {
		read = read[:len(read)-1]
	}
	if len(read) == 0 {
		return nil, e.passed(ctx, l, p, until)
	}
	window, behind := l.window(read)
	known, err := e.cfg.Questions.Objects(ctx, subjectsOf(l.wanted(window))) // what is private is asked just before it would leave
	if err != nil {
		return nil, err
	}
	picked, rest, to := l.pick(window, known)
	rest = slices.Concat(rest, behind)
	if len(picked) == 0 {
		return rest, e.passed(ctx, l, p, to)
	}
	at := place{external: e.cfg.Sender.external()}
	if p.Project != mainstay.Installation {
		if at.project, err = e.cfg.Questions.ProjectName(ctx, p.Project); err != nil {
			return nil, err
		}
	}
	events := make([]Event, len(picked))
	for i, f := range picked {
		events[i] = at.event(f, known)
	}
	return rest, e.attempt(ctx, l, p, picked, events, to)
}

// begin finds where delivery of a project begins that is new to the endpoint: at the first fact since the endpoint exists.
func (e *Engine) begin(ctx context.Context, l *lane, p *progress, head int64) error {
	if p.Sequence >= 0 {
		return nil
	}
	first, err := sequenceAt(ctx, e.cfg.History, p.Project, head, l.e.CreatedAt)
	if err != nil {
		return err
	}
	e.mu.Lock()
	p.Sequence = first - 1
	e.mu.Unlock()
	return nil
}

// wanted are the facts of kinds that the endpoint wants.
func (l *lane) wanted(facts []fact.Fact) []fact.Fact {
	var list []fact.Fact
	for _, f := range facts {
		if l.wants(f.Kind) {
			list = append(list, f)
		}
	}
	return list
}

// window is as much of the facts as one request needs, or a handful when some of them may be filtered.
func (l *lane) window(facts []fact.Fact) (window, behind []fact.Fact) {
	n := 0
	for i, f := range facts {
		if l.wants(f.Kind) {
			n++
		}
		if n == max(20, l.e.Spec.Batch) {
			return facts[:i+1], facts[i+1:]
		}
	}
	return facts, nil
}

// pick takes from the facts what one request carries. rest are those behind it, and to is the sequence up to which all is done with
// it.
func (l *lane) pick(facts []fact.Fact, known map[mainstay.Ref]object.Object) (picked, rest []fact.Fact, to int64) {
	most, size := max(1, l.e.Spec.Batch), 0
	if l.shrink > 0 {
		most = min(most, l.shrink)
	}
	for i, f := range facts {
		if !l.wants(f.Kind) || !l.e.Spec.admits(f, known) {
			to = f.Sequence
			continue
		}
		if size += len(f.Payload) + 700; len(picked) > 0 && (len(picked) == most || size > maxBody) {
			return picked, facts[i:], to
		}
		picked, to = append(picked, f), f.Sequence
	}
	return picked, nil, to
}

// admits reports whether a fact of a wanted kind leaves: nothing about a private object does, unless the endpoint is marked for it,
// and only what the filter by subjects and labels lets through.
func (s Spec) admits(f fact.Fact, known map[mainstay.Ref]object.Object) bool {
	about, labelled := len(s.Subjects) == 0, len(s.Labels) == 0
	for _, r := range f.Subjects {
		o := known[r]
		if o.Private && !s.Private {
			return false
		}
		for _, want := range s.Subjects {
			ref := mainstay.ParseRef(want)
			about = about || want == string(r.Kind) || ref.Kind == r.Kind && (ref.ID == r.ID || ref.ID != "" && (ref.ID == o.Name || ref.ID == o.Key()))
		}
		has := len(o.Labels) > 0
		for k, v := range s.Labels {
			has = has && o.Labels[k] == v
		}
		labelled = labelled || has
	}
	return about && labelled
}

// passed moves a cursor past facts that nobody wants. It is written only now and then; after a crash they are passed once more.
func (e *Engine) passed(ctx context.Context, l *lane, p *progress, to int64) error {
	over := p.Replay != "" && to >= p.Until
	if over || to-p.kept >= uninterest {
		c := p.Cursor
		c.Sequence = to
		if err := e.cfg.Queue.Record(ctx, Outcome{Endpoint: l.e.ID, Cursor: c, Ended: over, Health: l.e.Health}); err != nil {
			return err
		}
	}
	e.moved(l, p, to, over, over || to-p.kept >= uninterest)
	return nil
}

func (e *Engine) moved(l *lane, p *progress, to int64, over, kept bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p.Sequence = max(p.Sequence, to)
	if kept {
		p.kept = p.Sequence
	}
	if over {
		for i, r := range l.replays {
			if r == p {
				l.replays = append(l.replays[:i:i], l.replays[i+1:]...)
				break
			}
		}
	}
}

// attempt sends the events and records what came of it, in one transaction with the cursor.
func (e *Engine) attempt(ctx context.Context, l *lane, p *progress, facts []fact.Fact, events []Event, to int64) error {
	r, err := encode(l.e.Spec.Mode, l.e.Spec.Batch > 0, events)
	if err != nil {
		return fmt.Errorf("writing an event: %w", err)
	}
	origin := Live
	if p.Replay != "" {
		origin = Replay
	}
	a := answer{err: l.sealed}
	began := e.cfg.Time.Now()
	if l.sealed == nil {
		send, cancel := context.WithTimeout(ctx, attemptTimeout)
		a = e.cfg.Sender.send(send, l.e, r, origin, l.e.Health.Failures+1)
		cancel()
	}
	if ctx.Err() != nil {
		return ctx.Err() // stopped under way: it is sent once more
	}
	now := e.cfg.Time.Now()
	log := Attempt{
		ID: mainstay.NewID(now), Endpoint: l.e.ID, Project: p.Project, Message: r.id, First: facts[0].Sequence, Last: facts[len(facts)-1].Sequence,
		Events: len(facts), Kind: facts[0].Kind, Origin: origin, Replay: p.Replay, Try: l.e.Health.Failures + 1,
		At: began, Took: a.took, Status: a.status, Answer: a.text, Result: Delivered,
	}
	if len(facts[0].Subjects) > 0 {
		log.Subject = facts[0].Subjects[0]
	}
	if a.err != nil {
		log.Error = a.err.Error()
	}
	o, shrink := l.decide(a, log, p, to, now, e.cfg.Jitter())
	if o.State == Disabled {
		if err := e.tell(ctx, l, &o, now); err != nil {
			return err
		}
	}
	if err := e.cfg.Queue.Record(ctx, o); err != nil {
		return err
	}
	e.mu.Lock()
	l.e.Health, l.shrink = o.Health, shrink
	if o.State != "" {
		l.e.State = o.State
	}
	e.mu.Unlock()
	if o.Cursor.Sequence > p.Sequence {
		e.moved(l, p, o.Cursor.Sequence, o.Ended, true)
	}
	return nil
}

// decide says what an answer comes to: how the log reads, where the cursor stands, when it is tried again, whether the endpoint is
// disabled. It is pure. shrink is how many events the next batch may hold.
func (l *lane) decide(a answer, log Attempt, p *progress, to int64, now time.Time, jitter float64) (o Outcome, shrink int) {
	o = Outcome{Endpoint: l.e.ID, Attempt: &log, Cursor: p.Cursor, Health: l.e.Health}
	o.Health.LastTry = now
	on := func() {
		o.Cursor.Sequence = to
		o.Ended = p.Replay != "" && to >= p.Until
		o.Health.Failures, o.Health.Since, o.Health.Next, o.Health.Error = 0, time.Time{}, time.Time{}, ""
	}
	v := again
	if a.status != 0 {
		v = judge(a.status)
	}
	if v == delivered {
		on()
		o.Health.LastOK, o.Health.Aside = now, 0
		return o, 0
	}
	if o.Health.Failures++; o.Health.Failures == 1 {
		o.Health.Since = now
	}
	o.Health.Error = log.Error
	switch {
	case v == gone:
		return l.disable(o, "gone", "The receiver answered 410: it will not be there again.", now), 0
	case v == refused && log.Events > 1: // one of them it is: look for it in smaller batches
		shrink = max(1, log.Events/2)
	case v == refused && o.Health.Failures >= asideAfter && o.Health.Aside < asideMost:
		failures := o.Health.Failures
		on()
		o.Health.Aside++
		log.Result, log.Try = Refused, failures
		o.Set.Facts = []fact.Fact{fact.New(now, l.e.Project, system, fact.WebhookEventRefused{Name: l.e.Name, First: log.First, Status: a.status}, l.e.Ref())}
		return o, 0
	}
	if now.Sub(o.Health.Since) >= l.e.patience() {
		return l.disable(o, "failing", "Nothing got through for "+dayWords(l.e.patience())+". The last answer: "+log.Error, now), 0
	}
	o.Health.Next = now.Add(pause(o.Health.Failures, a.wish, jitter))
	log.Result, log.Next = Retrying, o.Health.Next
	o.Set.Timers = []timer.Timer{{Kind: timerRetry, Subject: l.e.ID, Project: l.e.Project, Due: o.Health.Next}}
	return o, shrink
}

func (l *lane) disable(o Outcome, code, words string, now time.Time) Outcome {
	o.State, o.Reason, o.Attempt.Result = Disabled, words, Failed
	o.Set.Facts = []fact.Fact{fact.New(now, l.e.Project, system, fact.WebhookDisabled{Name: l.e.Name, Reason: code, Since: o.Health.Since}, l.e.Ref())}
	e := l.e
	e.State, e.UpdatedAt = Disabled, now
	o.Set.Objects = []commit.Object{e.object()}
	return o
}

func dayWords(d time.Duration) string {
	if n := int(d / (24 * time.Hour)); n != 1 {
		return fmt.Sprintf("%d days", n)
	}
	return "a day"
}

// tell adds a notice to every administrator that the endpoint was disabled.
func (e *Engine) tell(ctx context.Context, l *lane, o *Outcome, now time.Time) error {
	who, err := e.cfg.Questions.Administrators(ctx)
	if err != nil {
		return err
	}
	data, err := json.Marshal(notify.GeneralData{
		Title: "The webhook " + l.e.Name + " was disabled",
		Text:  o.Reason + " Facts are kept for it: once it is enabled again, it goes on where it stopped.",
		Link:  "Open the webhook", URL: "/webhooks/" + l.e.ID,
	})
	if err != nil {
		return err
	}
	for _, id := range who {
		o.Set.Notices = append(o.Set.Notices, commit.Notice{
			Key: fmt.Sprintf("webhook/%s/disabled/%d/%s", l.e.ID, now.UnixMicro(), id), Project: l.e.Project, Subject: l.e.Ref(), Person: id,
			Template: notify.TemplateGeneral, Data: data, At: now,
		})
	}
	return nil
}
