package communication

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
)

// Rendered is an update as its readers would get it if it went out now.
type Rendered struct {
	Title, Body string
	NextUpdate  time.Time // when the next word would be promised; unset after the last one
}

// Render fills an update's text without keeping anything. Its error tells, by field, what stands in the way of telling users.
func (s *Service) Render(ctx context.Context, in Input) (Rendered, error) {
	i, err := s.incidents.Incident(ctx, in.Incident)
	if err != nil {
		return Rendered{}, err
	}
	p := Post{Project: i.Project, Incident: i.ID, State: Draft}
	p.write(in)
	now := s.time.Now()
	i, named, err := s.surround(ctx, p)
	if err != nil {
		return Rendered{}, err
	}
	r := Rendered{}
	if r.Title, r.Body, err = s.checked(ctx, p, i, named, now); err != nil {
		return Rendered{}, err
	}
	if p.Next > 0 {
		r.NextUpdate = now.Add(p.Next)
	}
	return r, nil
}

// unsettled are the placeholders whose values are known only at the moment when users are told, or while the incident goes on.
func unsettled(i Incident) []string {
	if i.EndedAt.IsZero() {
		return []string{"next_update", "now", "ended"}
	}
	return []string{"next_update", "now"}
}

// Settle fills those placeholders of a text whose values are known already, so that whoever writes an update reads words. What is
// known only when users are told stays.
func (s *Service) Settle(ctx context.Context, text string, i Incident, states map[string]State) (string, error) {
	if len(states) == 0 {
		states = nil // speak of the incident's services
	}
	_, named, err := s.parts(ctx, i, states)
	if err != nil {
		return "", err
	}
	zone := time.UTC
	if i.Project != mainstay.Installation {
		if zone, err = s.zone(ctx, i.Project); err != nil {
			return "", err
		}
	}
	now := s.time.Now()
	v := bind(i, named, now, now, zone)
	var pairs []string
	for name, value := range v {
		if value != "" && !slices.Contains(unsettled(i), name) {
			pairs = append(pairs, "{{"+name+"}}", value)
		}
	}
	return strings.NewReplacer(pairs...).Replace(text), nil
}

// asWritten is the template as it counts for the post: one whose settled text the post has unchanged counts as used unchanged.
func (s *Service) asWritten(ctx context.Context, t Template, p Post, i Incident) (Template, error) {
	if !t.Holding || t.Body == p.Body {
		return t, nil
	}
	text, err := s.Settle(ctx, t.Body, i, p.Components)
	if err == nil && text == p.Body {
		t.Body = p.Body
	}
	return t, err
}

// shared tells which of the components serve the whole installation. A post of one project sets them only when its writer may manage
// them, which whoever calls knows.
func (s *Service) shared(ctx context.Context, states map[string]State) ([]Component, error) {
	all, err := s.store.Components(ctx, "")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(c Component) bool {
		_, named := states[c.ID]
		return !named || c.Project != mainstay.Installation
	}), nil
}

// Shared lists the components of the whole installation that the post sets.
func (s *Service) Shared(ctx context.Context, p Post) ([]Component, error) {
	if p.Project == mainstay.Installation {
		return nil, nil
	}
	return s.shared(ctx, p.Components)
}

// ownOnly refuses components of the whole installation that the writer chose, and leaves out those that were only suggested.
func (s *Service) ownOnly(ctx context.Context, in *Input, i Incident, chosen bool) error {
	if !in.OwnOnly || i.Project == mainstay.Installation {
		return nil
	}
	list, err := s.shared(ctx, in.Components)
	if err != nil || len(list) == 0 {
		return err
	}
	if chosen {
		return mainstay.Faults{"components": list[0].Title + " serves the whole installation: only who manages components there may set it"}.Err()
	}
	for _, c := range list {
		delete(in.Components, c.ID)
	}
	return nil
}
