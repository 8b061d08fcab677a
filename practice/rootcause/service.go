package rootcause

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/calendar"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/fact"
)

// Query selects analyses, newest first. Zero fields select everything.
type Query struct {
	Projects []string // ids; nil for all, empty for none
	States   []State
	Owner    string // person id
	Severity mainstay.Severity
	ByDue    bool // only those still owed, the earliest due first
	// Private lists the projects whose private analyses may be seen, Known the ids of more objects; AllPrivate says all.
	Private    []string
	Known      []string
	AllPrivate bool
	Before     int64     // number; only older ones
	DueAfter   time.Time // with ByDue: only those due after it, or at it with a number above Above
	Above      int64
	Limit      int // 100 when 0, at most 1,000
}

// Store keeps analyses.
type Store interface {
	// Create takes the next number and saves what begin makes of it. When there is one for the incident already it saves nothing
	// and returns that one.
	Create(ctx context.Context, incident string, begin func(number int64) (RootCause, commit.Set)) (rc RootCause, created bool, err error)
	// Update loads one, applies the rule, and saves it with the set in one transaction, which the context given to the rule carries.
	Update(ctx context.Context, id string, rule func(ctx context.Context, rc *RootCause) (commit.Set, error)) error
	// One reads one by id, or by its incident's id. NotFound without one.
	One(ctx context.Context, id string) (RootCause, error)
	OfIncident(ctx context.Context, incident string) (RootCause, error)
	List(ctx context.Context, q Query) ([]RootCause, error)
}

// Incidents answers what an analysis must know of its incident.
type Incidents interface {
	Incident(ctx context.Context, id string) (Incident, error)
}

// Hours answers the working hours of a project; nil for Monday to Friday, 9 to 17 o'clock, UTC.
type Hours func(ctx context.Context, project string) (calendar.Hours, error)

// Texts keeps what people write; document.Service does.
type Texts interface {
	Save(ctx context.Context, d document.Draft) (document.Revision, error)
	LoadAll(ctx context.Context, ids []string) (map[string]document.Revision, error)
}

// Actions keeps obligations; action.Service does.
type Actions interface {
	Of(ctx context.Context, origin mainstay.Ref) ([]action.Action, error)
	Move(ctx context.Context, by mainstay.Actor, id string, to action.State, verdict string) (action.Action, error)
}

// Config is what a Service needs. All but Hours are required.
type Config struct {
	Store     Store
	Incidents Incidents
	Texts     Texts
	Actions   Actions
	Journal   journal.Reader
	Hours     Hours
	Time      mainstay.Timekeeper
}

// Service runs analyses.
type Service struct{ cfg Config }

// New makes a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Incidents == nil || cfg.Texts == nil || cfg.Actions == nil || cfg.Journal == nil || cfg.Time == nil {
		return nil, errors.New("rootcause needs Store, Incidents, Texts, Actions, Journal and Time")
	}
	if cfg.Hours == nil {
		cfg.Hours = func(context.Context, string) (calendar.Hours, error) { return OfficeHours(time.UTC), nil }
	}
	return &Service{cfg}, nil
}

// OfficeHours are Monday to Friday, 9 to 17 o'clock in the zone.
func OfficeHours(zone *time.Location) calendar.Hours {
	h := calendar.Hours{Zone: zone}
	for d := time.Monday; d <= time.Friday; d++ {
		h.Week[d] = []calendar.Span{{From: 9 * 60, Until: 17 * 60}}
	}
	return h
}

// One reads an analysis by id.
func (s *Service) One(ctx context.Context, id string) (RootCause, error) {
	return s.cfg.Store.One(ctx, id)
}

// OfIncident reads the analysis of an incident. NotFound when there is none.
func (s *Service) OfIncident(ctx context.Context, incident string) (RootCause, error) {
	return s.cfg.Store.OfIncident(ctx, incident)
}

// List reads one page.
func (s *Service) List(ctx context.Context, q Query) ([]RootCause, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	q.Limit = min(q.Limit, 1000)
	return s.cfg.Store.List(ctx, q)
}

// Incident reads what is known of the incident of an analysis.
func (s *Service) Incident(ctx context.Context, rc RootCause) (Incident, error) {
	return s.cfg.Incidents.Incident(ctx, rc.Incident)
}

// Open begins an analysis by hand, for an incident of any severity. When there is one already, it returns that one.
func (s *Service) Open(ctx context.Context, by mainstay.Actor, incident string) (RootCause, error) {
	inc, err := s.cfg.Incidents.Incident(ctx, incident)
	if err != nil {
		return RootCause{}, err
	}
	now := s.cfg.Time.Now()
	resolved := inc.ResolvedAt
	if resolved.IsZero() || resolved.Before(now) {
		resolved = now
	}
	return s.open(ctx, now, inc, resolved, by, "")
}

func (s *Service) open(ctx context.Context, now time.Time, inc Incident, resolved time.Time, by mainstay.Actor, request string) (RootCause, error) {
	due, err := s.due(ctx, inc, resolved)
	if err != nil {
		return RootCause{}, err
	}
	rc, _, err := s.cfg.Store.Create(ctx, inc.ID, func(number int64) (RootCause, commit.Set) {
		rc, set := begin(now, number, inc, due, by, request)
		set.Objects = []commit.Object{rc.object("")}
		return rc, set
	})
	return rc, err
}

func (s *Service) due(ctx context.Context, inc Incident, resolved time.Time) (time.Time, error) {
	hours, err := s.cfg.Hours(ctx, inc.Project)
	if err != nil {
		return time.Time{}, fmt.Errorf("working hours of a project: %w", err)
	}
	return DueAt(inc.Severity, resolved, hours)
}

// update applies a rule, and keeps the register's entry current.
func (s *Service) update(ctx context.Context, id string, rule func(ctx context.Context, rc *RootCause, now time.Time) (commit.Set, error)) error {
	now := s.cfg.Time.Now()
	return s.cfg.Store.Update(ctx, id, func(ctx context.Context, rc *RootCause) (commit.Set, error) {
		set, err := rule(ctx, rc, now)
		if err != nil || set.IsZero() {
			return set, err
		}
		rc.ChangedAt = now
		texts, err := s.Texts(ctx, *rc)
		if err != nil {
			return set, err
		}
		var b strings.Builder
		for _, p := range Parts() {
			b.WriteString(" " + document.Plain(texts[p].Markdown))
		}
		set.Objects = append(set.Objects, rc.object(b.String()))
		return set, nil
	})
}

// Texts reads the newest revisions of an analysis's parts; parts that nobody wrote are missing.
func (s *Service) Texts(ctx context.Context, rc RootCause) (map[Part]document.Revision, error) {
	var ids []string
	for _, id := range rc.Texts {
		ids = append(ids, id)
	}
	found, err := s.cfg.Texts.LoadAll(ctx, ids)
	if err != nil {
		return nil, err
	}
	m := map[Part]document.Revision{}
	for p, id := range rc.Texts {
		if r, ok := found[id]; ok {
			m[p] = r
		}
	}
	return m, nil
}

// Write keeps a new revision of a part. base is the revision that the author began from, 0 for none. Errors: Conflict (a
// *document.Stale when somebody else wrote meanwhile), TooLarge.
func (s *Service) Write(ctx context.Context, by mainstay.Actor, id string, part Part, markdown string, base int64) error {
	if !part.Valid() {
		return mainstay.Errorf(mainstay.Invalid, "The parts of an analysis are its summary, what happened, and what we learned.")
	}
	return s.update(ctx, id, func(ctx context.Context, rc *RootCause, now time.Time) (commit.Set, error) {
		if err := rc.edit(by); err != nil {
			return commit.Set{}, err
		}
		r, err := s.cfg.Texts.Save(ctx, document.Draft{
			ID: rc.Texts[part], Project: rc.Project, Subject: rc.Ref(), Kind: string(part), Markdown: markdown, Author: by, Base: base,
		})
		if err != nil {
			return commit.Set{}, err
		}
		rc.Texts[part] = r.Document
		return commit.Set{Facts: []fact.Fact{rc.fact(now, by, r.Revised())}}, nil
	})
}

// Assign gives the analysis to a person ("" to nobody).
func (s *Service) Assign(ctx context.Context, by mainstay.Actor, id, owner string) error {
	return s.update(ctx, id, func(_ context.Context, rc *RootCause, now time.Time) (commit.Set, error) {
		if rc.Owner == owner {
			return commit.Set{}, nil
		}
		rc.Owner = owner
		return commit.Set{Facts: []fact.Fact{rc.fact(now, by, rc.changed("owner"))}}, nil
	})
}

// Send asks somebody else for a review. Errors: Invalid (it says what is missing), Conflict.
func (s *Service) Send(ctx context.Context, by mainstay.Actor, id string) error {
	return s.update(ctx, id, func(ctx context.Context, rc *RootCause, now time.Time) (commit.Set, error) {
		texts, err := s.Texts(ctx, *rc)
		if err != nil {
			return commit.Set{}, err
		}
		if err := rc.send(now, by, texts[Summary].Markdown); err != nil {
			return commit.Set{}, err
		}
		return commit.Set{Facts: []fact.Fact{rc.fact(now, by, rc.changed("state"))}}, nil
	})
}

// Review agrees, or sends the analysis back. Errors: Denied for whoever owns, wrote or sent it; Conflict.
func (s *Service) Review(ctx context.Context, by mainstay.Actor, id string, agree bool) error {
	return s.update(ctx, id, func(_ context.Context, rc *RootCause, now time.Time) (commit.Set, error) {
		return rc.review(now, by, agree)
	})
}

// Publish ends the analysis, and with it the obligation to write it. Errors: Conflict.
func (s *Service) Publish(ctx context.Context, by mainstay.Actor, id string) error {
	return s.update(ctx, id, func(ctx context.Context, rc *RootCause, now time.Time) (commit.Set, error) {
		set, err := rc.publish(now, by)
		if err != nil {
			return set, err
		}
		return set, s.settle(ctx, *rc, by, action.Done, "")
	})
}

// Reopen lets a published analysis be changed; it must be reviewed again.
func (s *Service) Reopen(ctx context.Context, by mainstay.Actor, id string) error {
	return s.update(ctx, id, func(_ context.Context, rc *RootCause, now time.Time) (commit.Set, error) {
		if rc.State != Published {
			return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "%s is %s, not published.", rc.Key(), rc.State.Words())
		}
		rc.State = Open
		rc.forgetReview()
		return commit.Set{Facts: []fact.Fact{rc.fact(now, by, rc.changed("state"))}}, nil
	})
}

// settle ends the obligation to write, if it is still owed.
func (s *Service) settle(ctx context.Context, rc RootCause, by mainstay.Actor, to action.State, verdict string) error {
	list, err := s.cfg.Actions.Of(ctx, rc.Ref())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(a action.Action) bool { return a.ID == rc.Action && a.State.Owed() })
	if i < 0 {
		return nil
	}
	_, err = s.cfg.Actions.Move(ctx, by, rc.Action, to, verdict)
	return err
}
