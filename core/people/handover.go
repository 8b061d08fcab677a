package people

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// Holding is one thing that a person holds and that somebody else must hold when they go.
type Holding struct {
	Ref     mainstay.Ref
	Project string // id, or mainstay.Installation
	Title   string // such as "primary: 3 shifts, the next on Mon 2 March"
	URL     string // path of its page
	Note    string // what becomes of it without a successor
}

// Holder knows one kind of what persons hold, and hands it over. app lists them.
type Holder interface {
	// Group is a word for forms and facts, such as "schedules"; Title what people read.
	Group() (name, title string)
	// Holdings lists what the person holds from now on, at most 1,000.
	Holdings(ctx context.Context, p Person, now time.Time) ([]Holding, error)
	// HandOver gives all of it to the successor, within the transaction that ctx carries. What was stays as it was.
	HandOver(ctx context.Context, actor mainstay.Actor, from, to Person) error
}

// HeldGroup is one group of what a person holds.
type HeldGroup struct {
	Name, Title string
	Items       []Holding
}

// Held lists what the person holds, in groups; groups of nothing are left out.
func (s *Service) Held(ctx context.Context, person string) ([]HeldGroup, error) {
	p, err := s.ByID(ctx, person)
	if err != nil {
		return nil, err
	}
	return s.held(ctx, p)
}

func (s *Service) held(ctx context.Context, p Person) ([]HeldGroup, error) {
	groups := []HeldGroup{}
	for _, h := range s.holders() {
		name, title := h.Group()
		items, err := h.Holdings(ctx, p, s.cfg.Time.Now())
		if err != nil {
			return nil, fmt.Errorf("asking what %s holds of %s: %w", p.ID, name, err)
		}
		if len(items) > 0 {
			groups = append(groups, HeldGroup{name, title, items})
		}
	}
	return groups, nil
}

func (s *Service) holders() []Holder {
	if s.cfg.Holders == nil {
		return nil
	}
	return s.cfg.Holders()
}

// Successors say who takes over what: by group, by the id of a person, and All for every group that is not named. "" leaves it.
type Successors struct {
	All    string
	Groups map[string]string
}

func (x Successors) of(group string) string {
	if to, named := x.Groups[group]; named {
		return to
	}
	return x.All
}

// overdue is within what time a manager shall find somebody for what nobody took over.
const ownerDue = 3 * 24 * time.Hour

// Deactivate ends a person's time here, in one transaction: what they hold goes to the successors, what nobody takes is asked of a
// manager of its project, their sessions, invitations and tokens end, and they can neither sign in nor be paged. The last
// administrator is a Conflict. What was stays as it was.
func (s *Service) Deactivate(ctx context.Context, actor mainstay.Actor, id string, to Successors) error {
	return s.cfg.Roles.Guard(ctx, func(ctx context.Context) error {
		p, err := s.ByID(ctx, id)
		if err != nil || !p.Active() {
			return err
		}
		handed, left, err := s.handOver(ctx, actor, p, to)
		if err != nil {
			return err
		}
		if s.cfg.Leave != nil {
			if err := s.cfg.Leave(ctx, actor, p.ID); err != nil {
				return err
			}
		}
		now := s.cfg.Time.Now()
		extra, err := s.orphans(ctx, actor, p, left, now)
		if err != nil {
			return err
		}
		return s.cfg.Store.SavePerson(ctx, id, func(p *Person) (commit.Set, error) {
			old := p.clone()
			p.DeactivatedAt = now
			set, err := p.save(now, actor, old, fact.PersonDeactivated{Handed: handed, Left: count(left)})
			set.Add(extra)
			return set, err
		})
	})
}

// HandOver gives what a person holds to others though the person stays, or has gone already.
func (s *Service) HandOver(ctx context.Context, actor mainstay.Actor, id string, to Successors) (handed int, err error) {
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		p, err := s.ByID(ctx, id)
		if err != nil {
			return err
		}
		moved, _, err := s.handOver(ctx, actor, p, to)
		for _, m := range moved {
			handed += m.Count
		}
		if err != nil || handed == 0 {
			return err
		}
		return s.cfg.Store.Save(ctx, commit.Set{Facts: []fact.Fact{
			fact.New(s.cfg.Time.Now(), "", actor, fact.HandedOver{Handed: moved}, p.Ref()),
		}})
	})
	return handed, err
}

func (s *Service) handOver(ctx context.Context, actor mainstay.Actor, p Person, to Successors) (handed []fact.Handed, left []Holding, err error) {
	groups, err := s.held(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	for group := range to.Groups {
		if !slices.ContainsFunc(s.holders(), func(h Holder) bool { n, _ := h.Group(); return n == group }) {
			return nil, nil, mainstay.Faults{"successors": fmt.Sprintf("There is no group %q.", group)}.Err()
		}
	}
	if to.All != "" { // a successor who cannot be one is said though there is nothing to take over
		if _, err := s.successor(ctx, p, to.All, "successor"); err != nil {
			return nil, nil, err
		}
	}
	for _, h := range s.holders() {
		name, _ := h.Group()
		i := slices.IndexFunc(groups, func(g HeldGroup) bool { return g.Name == name })
		if i < 0 {
			continue
		}
		items := groups[i].Items
		if to.of(name) == "" {
			left = append(left, items...)
			continue
		}
		next, err := s.successor(ctx, p, to.of(name), "successor-"+name)
		if err != nil {
			return nil, nil, err
		}
		if err := h.HandOver(ctx, actor, p, next); err != nil {
			return nil, nil, fmt.Errorf("handing over %s: %w", name, err)
		}
		handed = append(handed, fact.Handed{Group: name, To: next.ID, Count: len(items)})
	}
	return handed, left, nil
}

// successor is the person with the id, who must be able to take over.
func (s *Service) successor(ctx context.Context, from Person, id, field string) (Person, error) {
	to, err := s.ByID(ctx, id)
	switch {
	case mainstay.Is(err, mainstay.NotFound):
		return to, mainstay.Faults{field: "There is no such person."}.Err()
	case err != nil:
		return to, err
	case to.ID == from.ID:
		return to, mainstay.Faults{field: "Choose somebody else than the person who goes."}.Err()
	case !to.Active():
		return to, mainstay.Faults{field: to.FullName + " is deactivated and cannot take anything over."}.Err()
	}
	return to, nil
}

// orphans asks a manager of each project to find somebody for what nobody took over.
func (s *Service) orphans(ctx context.Context, actor mainstay.Actor, p Person, left []Holding, now time.Time) (commit.Set, error) {
	var set commit.Set
	projects := map[string]int{}
	var order []string
	for _, h := range left {
		if projects[h.Project]++; projects[h.Project] == 1 {
			order = append(order, h.Project)
		}
	}
	slices.Sort(order)
	for _, project := range order {
		owner, err := s.cfg.Roles.ManagerOf(ctx, project, p.ID)
		if err != nil {
			return set, err
		}
		if owner == "" && actor.Kind == mainstay.ActorPerson && actor.ID != p.ID {
			owner = actor.ID
		}
		var titles []string
		for _, h := range left {
			if h.Project == project && len(titles) < 20 {
				titles = append(titles, h.Title)
			}
		}
		set.Actions = append(set.Actions, commit.Action{
			ID: mainstay.NewID(now), Project: project, Kind: "handover", Owner: owner, Due: now.Add(ownerDue), Origin: p.Ref(), By: actor, At: now,
			Title: fmt.Sprintf("Find owners for what %s held", p.FullName),
			Proof: "Nobody holds these any more: " + strings.Join(titles, "; "),
		})
	}
	return set, nil
}

func count(list []Holding) int { return len(list) }

// Activate lets a person sign in and be paged again. What was handed over stays with whoever took it.
func (s *Service) Activate(ctx context.Context, actor mainstay.Actor, id string) error {
	now := s.cfg.Time.Now()
	return s.cfg.Store.SavePerson(ctx, id, func(p *Person) (commit.Set, error) {
		if p.Active() {
			return commit.Set{}, nil
		}
		if p.Erased() {
			return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "This person's data was erased. Add the person anew.")
		}
		old := p.clone()
		p.DeactivatedAt = time.Time{}
		return p.save(now, actor, old, fact.PersonActivated{})
	})
}

// SetActive deactivates a person without successors, or activates them.
func (s *Service) SetActive(ctx context.Context, actor mainstay.Actor, id string, active bool) error {
	if active {
		return s.Activate(ctx, actor, id)
	}
	return s.Deactivate(ctx, actor, id, Successors{})
}
