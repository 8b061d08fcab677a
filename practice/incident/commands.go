package incident

import (
	"context"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/document"
)

// update applies a rule to an incident and returns it as it is then.
func (s *Service) update(ctx context.Context, id string, rule func(now time.Time, i *Incident) (commit.Set, error)) (Incident, error) {
	now := s.cfg.Time.Now()
	var after Incident
	err := s.cfg.Store.Update(ctx, id, func(i *Incident) (commit.Set, error) {
		set, err := rule(now, i)
		after = *i
		return set, err
	})
	return after, err
}

// FinishStep marks a step of the plan done. Errors: NotFound, Conflict when it is done or skipped already.
func (s *Service) FinishStep(ctx context.Context, by mainstay.Actor, id string, number int) (Incident, error) {
	return s.update(ctx, id, func(now time.Time, i *Incident) (commit.Set, error) { return i.finish(now, by, number) })
}

// SkipStep leaves a step of the plan out, for a reason that is kept. Errors: Invalid (reason), NotFound, Conflict.
func (s *Service) SkipStep(ctx context.Context, by mainstay.Actor, id string, number int, reason string) (after Incident, err error) {
	if strings.TrimSpace(reason) == "" {
		return Incident{}, fault("reason", "Say why the step is skipped: the review will ask.")
	}
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		note, err := s.note(ctx, by, id, "skip", reason)
		if err != nil {
			return err
		}
		after, err = s.update(ctx, id, func(now time.Time, i *Incident) (commit.Set, error) {
			return i.skip(now, by, number, note.Document, note.Digest)
		})
		return err
	})
	return after, err
}

// note keeps a text of the incident as a document.
func (s *Service) note(ctx context.Context, by mainstay.Actor, id, kind, markdown string) (document.Revision, error) {
	i, err := s.cfg.Store.One(ctx, id)
	if err != nil {
		return document.Revision{}, err
	}
	return s.cfg.Notes.Save(ctx, document.Draft{Project: i.Project, Subject: i.Ref(), Kind: kind, Markdown: markdown, Author: by})
}

// The kinds of notes in a timeline.
const (
	NoteHappened = "happened" // something happened or was seen
	NoteDecision = "decision"
	NoteWorked   = "action" // something was done
)

// AddNote writes in the timeline. happened is when it happened; zero is now. Errors: Invalid (text, at, kind).
func (s *Service) AddNote(ctx context.Context, by mainstay.Actor, id, kind, markdown string, happened time.Time) (after Incident, err error) {
	if kind == "" {
		kind = NoteHappened
	}
	if kind != NoteHappened && kind != NoteDecision && kind != NoteWorked {
		return Incident{}, fault("kind", "A note is one of happened, decision and action.")
	}
	if strings.TrimSpace(markdown) == "" {
		return Incident{}, fault("text", "Say what happened.")
	}
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		note, err := s.note(ctx, by, id, "note", markdown)
		if err != nil {
			return err
		}
		after, err = s.update(ctx, id, func(now time.Time, i *Incident) (commit.Set, error) {
			return i.noted(now, by, kind, note.Document, note.Digest, happened)
		})
		return err
	})
	return after, err
}

// Mark says that a phase was reached, at a time (zero is now). Errors: Invalid (phase, at), Conflict when it was before.
func (s *Service) Mark(ctx context.Context, by mainstay.Actor, id string, p Phase, at time.Time) (Incident, error) {
	return s.update(ctx, id, func(now time.Time, i *Incident) (commit.Set, error) { return i.mark(now, by, p, at) })
}

// Assign gives a role to a person (an id), or takes it back with "". Errors: Invalid (role, person), Conflict when closed.
func (s *Service) Assign(ctx context.Context, by mainstay.Actor, id, role, person string) (Incident, error) {
	if person != "" && s.cfg.People != nil {
		known, err := s.cfg.People.ByIDs(ctx, []string{person})
		if err != nil {
			return Incident{}, err
		}
		if p, ok := known[person]; !ok || !p.Active() {
			return Incident{}, fault("person", "There is no such person, or they have left.")
		}
	}
	return s.update(ctx, id, func(now time.Time, i *Incident) (commit.Set, error) { return i.assign(now, by, role, person) })
}

// SetSeverity changes the severity. Errors: Invalid (severity), Conflict when closed.
func (s *Service) SetSeverity(ctx context.Context, by mainstay.Actor, id string, v mainstay.Severity) (Incident, error) {
	return s.update(ctx, id, func(now time.Time, i *Incident) (commit.Set, error) { return i.grade(now, by, v) })
}

// Retitle changes the title. Errors: Invalid (title).
func (s *Service) Retitle(ctx context.Context, by mainstay.Actor, id, title string) (Incident, error) {
	return s.update(ctx, id, func(now time.Time, i *Incident) (commit.Set, error) { return i.retitle(now, by, title) })
}

// AddTask adds a task, for somebody (a person's id) or for nobody yet. Errors: Invalid (task), Conflict.
func (s *Service) AddTask(ctx context.Context, by mainstay.Actor, id, title, owner string) (Incident, error) {
	return s.update(ctx, id, func(now time.Time, i *Incident) (commit.Set, error) { return i.addTask(now, by, title, owner) })
}

// DoTask marks a task done, or to do again. Errors: NotFound.
func (s *Service) DoTask(ctx context.Context, by mainstay.Actor, id, task string, done bool) (Incident, error) {
	return s.update(ctx, id, func(now time.Time, i *Incident) (commit.Set, error) { return i.doTask(now, by, task, done) })
}

// Link ties the incident to an alert, a page or another object. Linking twice changes nothing.
func (s *Service) Link(ctx context.Context, by mainstay.Actor, id string, to mainstay.Ref) (Incident, error) {
	return s.update(ctx, id, func(now time.Time, i *Incident) (commit.Set, error) { return i.link(now, by, to) })
}

// Resolve says that service was restored, at a time (zero is now). What is left to be done or said is in Incident.Left; it
// does not forbid it. Errors: Invalid (at), Conflict when it is not open.
func (s *Service) Resolve(ctx context.Context, by mainstay.Actor, id string, at time.Time) (Incident, error) {
	return s.update(ctx, id, func(now time.Time, i *Incident) (commit.Set, error) { return i.resolve(now, by, at) })
}

// Reopen says that it was not over. Errors: Conflict when it is open.
func (s *Service) Reopen(ctx context.Context, by mainstay.Actor, id string) (Incident, error) {
	return s.update(ctx, id, func(now time.Time, i *Incident) (commit.Set, error) { return i.reopen(now, by) })
}

// Close says that nothing is left to do in it. Errors: Conflict when it is not resolved.
func (s *Service) Close(ctx context.Context, by mainstay.Actor, id string) (Incident, error) {
	return s.update(ctx, id, func(now time.Time, i *Incident) (commit.Set, error) { return i.end(now, by) })
}

// Unclose takes back a closing, given the version that the incident had after it. Errors: Conflict when anything has followed.
func (s *Service) Unclose(ctx context.Context, by mainstay.Actor, id string, version int64) (Incident, error) {
	return s.update(ctx, id, func(now time.Time, i *Incident) (commit.Set, error) { return i.unclose(now, by, version) })
}
