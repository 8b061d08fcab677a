package incident

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/fact"
)

// Entry is one line of a timeline, read from the journal. It has two clocks: when it happened, and when that was recorded.
type Entry struct {
	Fact     string // id
	Project  string // id
	Kind     string // of the fact
	At       time.Time
	Recorded time.Time
	Actor    mainstay.Actor
	Who      string // the actor's name, "" for Mainstay itself and for persons who are not known
	Sentence string // what happened, to be read after the name
	Subject  mainstay.Ref
	Subjects []mainstay.Ref
	Whom     string // name of the person who was given a role; the sentence says it too
	NoteKind string // happened, decision or action for what people wrote, skip for the reason of a skipped step
	Markdown string // what people wrote
	HTML     string // the same, rendered and sanitised
}

// Late reports whether it was recorded more than a minute after it happened.
func (e Entry) Late() bool { return e.Recorded.Sub(e.At) >= time.Minute }

// before is how long before the start of the disruption facts about its alerts and pages still belong to it.
const before = 30 * time.Minute

// Timeline reads what happened in an incident and to its alerts and pages, by the time of happening, at most about 1,000 facts of
// each.
func (s *Service) Timeline(ctx context.Context, id string) ([]Entry, error) {
	i, err := s.cfg.Store.One(ctx, id)
	if err != nil {
		return nil, err
	}
	facts, err := s.facts(ctx, i)
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, 0, len(facts))
	for _, f := range facts {
		entries = append(entries, entry(f))
	}
	slices.SortStableFunc(entries, func(a, b Entry) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		if c := a.Recorded.Compare(b.Recorded); c != 0 {
			return c
		}
		return strings.Compare(a.Fact, b.Fact) // ids ascend in the order of making
	})
	if err := s.written(ctx, entries); err != nil {
		return nil, err
	}
	return entries, s.named(ctx, entries)
}

// facts reads the facts about the incident, and those about its alerts and pages while it lasted.
func (s *Service) facts(ctx context.Context, i Incident) ([]fact.Fact, error) {
	all, err := s.cfg.Journal.Facts(ctx, journal.Query{Subject: i.Ref(), Limit: 1000})
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, f := range all {
		seen[f.ID] = true
	}
	until := i.Phases[Ended]
	for _, l := range i.Links {
		if l.Type != Includes {
			continue
		}
		more, err := s.cfg.Journal.Facts(ctx, journal.Query{Subject: l.Ref, Since: i.StartedAt().Add(-before), Limit: 1000})
		if err != nil {
			return nil, err
		}
		for _, f := range more {
			if !seen[f.ID] && (until.IsZero() || !f.At.After(until)) {
				seen[f.ID] = true
				all = append(all, f)
			}
		}
	}
	return all, nil
}

func entry(f fact.Fact) Entry {
	e := Entry{
		Fact: f.ID, Project: f.Project, Kind: f.Kind, At: f.At, Recorded: f.Recorded, Actor: f.Actor, Sentence: fact.Sentence(f), Subjects: f.Subjects,
	}
	if len(f.Subjects) > 0 {
		e.Subject = f.Subjects[0]
	}
	if p, ok := fact.As[fact.IncidentNoted](f); ok {
		e.NoteKind, e.Markdown = p.NoteKind, p.Note // the id, until written replaces it
	}
	if p, ok := fact.As[fact.IncidentRoleAssigned](f); ok {
		e.Whom = p.Person // the id, until named replaces it
	}
	if p, ok := fact.As[fact.IncidentStepSkipped](f); ok {
		e.NoteKind, e.Markdown = "skip", p.Note
	}
	return e
}

// written puts the texts in the place of their documents' ids.
func (s *Service) written(ctx context.Context, entries []Entry) error {
	var ids []string
	for _, e := range entries {
		if e.Markdown != "" {
			ids = append(ids, e.Markdown)
		}
	}
	texts, err := s.cfg.Notes.LoadAll(ctx, ids)
	if err != nil {
		return err
	}
	for n := range entries {
		if id := entries[n].Markdown; id != "" {
			entries[n].Markdown, entries[n].HTML = texts[id].Markdown, texts[id].HTML
		}
	}
	return nil
}

// named fills in the names of persons.
func (s *Service) named(ctx context.Context, entries []Entry) error {
	var ids []string
	for _, e := range entries {
		if e.Actor.Kind == mainstay.ActorPerson {
			ids = append(ids, e.Actor.ID)
		}
		if e.Whom != "" {
			ids = append(ids, e.Whom)
		}
	}
	slices.Sort(ids)
	known := map[string]people.Person{}
	if ids = slices.Compact(ids); len(ids) > 0 && s.cfg.People != nil {
		var err error
		if known, err = s.cfg.People.ByIDs(ctx, ids); err != nil {
			return err
		}
	}
	for n := range entries {
		e := &entries[n]
		if e.Actor.Kind == mainstay.ActorPerson {
			e.Who = nameOf(known[e.Actor.ID])
		}
		if e.Whom != "" {
			if e.Whom = nameOf(known[e.Whom]); e.Whom != "" {
				e.Sentence += " to " + e.Whom
			}
		}
	}
	return nil
}

func nameOf(p people.Person) string {
	if p.FullName == "" {
		return p.Name
	}
	return p.FullName
}
