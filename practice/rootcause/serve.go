package rootcause

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/fact"
)

// Subscribers open an analysis when an incident is resolved, and let it wait when that is reopened.
func (s *Service) Subscribers() []journal.Subscriber {
	return []journal.Subscriber{{
		Name:   "rootcause",
		Kinds:  []string{fact.IncidentResolved{}.FactKind(), fact.IncidentReopened{}.FactKind()},
		Handle: s.handle,
	}}
}

func (s *Service) handle(ctx context.Context, facts []fact.Fact) error {
	for _, f := range facts {
		id := f.Subject(mainstay.KindIncident)
		if id == "" {
			continue
		}
		var err error
		if p, ok := fact.As[fact.IncidentResolved](f); ok {
			err = s.resolved(ctx, f, id, p)
		} else if f.Kind == (fact.IncidentReopened{}).FactKind() {
			err = s.reopened(ctx, f, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var self = mainstay.System("rootcause")

// resolved opens the analysis, or takes it up again. The fact's id is kept, so a fact that comes twice does nothing.
func (s *Service) resolved(ctx context.Context, f fact.Fact, id string, p fact.IncidentResolved) error {
	had, err := s.cfg.Store.OfIncident(ctx, id)
	known := err == nil
	if err != nil && !mainstay.Is(err, mainstay.NotFound) {
		return err
	}
	if known && (had.Request == f.ID || had.State != Waiting) || !known && !Wanted(mainstay.Severity(p.Severity)) {
		return nil
	}
	inc, err := s.cfg.Incidents.Incident(ctx, id)
	if err != nil {
		return err
	}
	inc.Severity, inc.Private = mainstay.Severity(p.Severity), p.Private
	at := p.ResolvedAt
	if at.IsZero() {
		at = f.At
	}
	now := s.cfg.Time.Now()
	if !known {
		_, err := s.open(ctx, now, inc, at, self, f.ID)
		return err
	}
	due, err := s.due(ctx, inc, at)
	if err != nil {
		return err
	}
	return s.update(ctx, had.ID, func(_ context.Context, rc *RootCause, now time.Time) (commit.Set, error) {
		return rc.resume(now, inc, due, self, f.ID), nil
	})
}

// reopened lets the analysis wait: its end is not known yet. The obligation to write it is dropped, and comes back with a new date.
func (s *Service) reopened(ctx context.Context, f fact.Fact, id string) error {
	had, err := s.cfg.Store.OfIncident(ctx, id)
	if mainstay.Is(err, mainstay.NotFound) {
		return nil
	}
	if err != nil || before(f, had) {
		return err
	}
	return s.update(ctx, had.ID, func(ctx context.Context, rc *RootCause, now time.Time) (commit.Set, error) {
		if !rc.wait() {
			return commit.Set{}, nil
		}
		err := s.settle(ctx, *rc, self, action.Dropped, "Its incident was reopened. The analysis goes on when that is resolved.")
		return commit.Set{Facts: []fact.Fact{rc.fact(now, self, rc.changed("state"))}}, err
	})
}

// before reports whether the fact is older than what opened the analysis or took it up again: identifiers ascend with time.
func before(f fact.Fact, rc RootCause) bool {
	if rc.Request != "" {
		return f.ID <= rc.Request
	}
	return !f.Recorded.After(rc.OpenedAt)
}

// bookkeeping are the kinds of facts that say how things were kept, not what happened: other lines say what came of them.
var bookkeeping = map[string]bool{
	"post.wanted": true, "post.drafted": true, "notification.sent": true, "notification.suppressed": true, "document.revised": true,
	"article.drafted": true, "article.published": true, "article.revised": true, "incident.linked": true, "object.changed": true,
	"exhibit.added": true, "action.changed": true, "page.wanted": true, "alert.routed": true, "incident.role_assigned": true,
	"incident.step_done": true, "page.stepped": true,
}

// Essential reports whether a fact of the timeline tells what happened.
func Essential(f fact.Fact) bool { return !bookkeeping[f.Kind] }

// Written are the texts that people wrote into the timeline, by the id of their fact.
func (s *Service) Written(ctx context.Context, facts []fact.Fact) (map[string]document.Revision, error) {
	of := map[string]string{}
	var ids []string
	for _, f := range facts {
		if p, ok := fact.As[fact.IncidentNoted](f); ok && p.Note != "" {
			of[f.ID] = p.Note
			ids = append(ids, p.Note)
		}
	}
	texts, err := s.cfg.Texts.LoadAll(ctx, ids)
	notes := make(map[string]document.Revision, len(of))
	for f, id := range of {
		if t, ok := texts[id]; ok {
			notes[f] = t
		}
	}
	return notes, err
}

// timelineLimit bounds how many facts of one object a timeline reads.
const timelineLimit = 1000

// Timeline reads what happened from the journal: every fact about the incident, its alerts, pages and posts, in the order in which
// it happened. Nothing is copied.
func (s *Service) Timeline(ctx context.Context, rc RootCause) ([]fact.Fact, error) {
	inc, err := s.cfg.Incidents.Incident(ctx, rc.Incident)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var all []fact.Fact
	for _, ref := range append([]mainstay.Ref{rc.IncidentRef()}, inc.Related...) {
		facts, err := s.cfg.Journal.Facts(ctx, journal.Query{Subject: ref, Limit: timelineLimit})
		if err != nil {
			return nil, err
		}
		for _, f := range facts {
			if !seen[f.ID] && f.Subject(mainstay.KindRootCause) == "" {
				seen[f.ID] = true
				all = append(all, f)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b fact.Fact) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Sequence, b.Sequence)) })
	return all, nil
}
