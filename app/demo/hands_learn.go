package demo

import (
	"context"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app/demo/sim"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/practice/knowledge"
	"github.com/mainstayhq/mainstay/practice/rootcause"
)

// learn has the hands of what follows from an incident.
func (p *player) learn(ctx context.Context, d sim.Deed) (known bool, err error) {
	switch d := d.(type) {
	case sim.Analyse:
		return true, p.analyse(ctx, d)
	case sim.Send:
		return true, p.about(ctx, d.Incident, func(rc rootcause.RootCause) error { return p.app.RootCauses.Send(ctx, p.people[d.By], rc.ID) })
	case sim.Agree:
		return true, p.about(ctx, d.Incident, func(rc rootcause.RootCause) error {
			return p.app.RootCauses.Review(ctx, p.reviewer(rc, d.By), rc.ID, true)
		})
	case sim.Publish:
		return true, p.about(ctx, d.Incident, func(rc rootcause.RootCause) error { return p.app.RootCauses.Publish(ctx, p.people[d.By], rc.ID) })
	case sim.Move:
		return true, p.move(ctx, d)
	case sim.Delay:
		id, ok := p.actions[d.Action]
		if !ok {
			return true, mainstay.Errorf(mainstay.NotFound, "The action was not asked for.")
		}
		_, err = p.app.Actions.Edit(ctx, p.people[d.By], id, action.Edit{Due: &d.Due})
		return true, err
	case sim.Write:
		return true, p.write(ctx, d)
	case sim.Use:
		return true, p.use(ctx, d)
	case sim.Tidy:
		return true, p.tidy(ctx, d)
	}
	return false, nil
}

// about finds the analysis of an incident.
func (p *player) about(ctx context.Context, key string, f func(rc rootcause.RootCause) error) error {
	return p.with(key, "", func(i *handled, _ mainstay.Actor) error {
		rc, err := p.app.RootCauses.OfIncident(ctx, i.id)
		if err != nil {
			return err
		}
		return f(rc)
	})
}

// reviewer is the named person, or the first who may review.
func (p *player) reviewer(rc rootcause.RootCause, handle string) mainstay.Actor {
	for _, h := range []string{handle, "ana", "ines", "jonas", "samir", "tomasz"} {
		if a, ok := p.people[h]; ok && rc.MayReview(a) == nil {
			return a
		}
	}
	return p.people[handle]
}

// analyse writes an analysis; one that nobody asked for is opened by hand.
func (p *player) analyse(ctx context.Context, d sim.Analyse) error {
	return p.with(d.Incident, d.By, func(i *handled, by mainstay.Actor) error {
		s := p.app.RootCauses
		rc, err := s.OfIncident(ctx, i.id)
		if mainstay.Is(err, mainstay.NotFound) {
			rc, err = s.Open(ctx, by, i.id)
		}
		if err != nil {
			return err
		}
		if rc.Owner != by.ID {
			if err := s.Assign(ctx, by, rc.ID, by.ID); err != nil {
				return err
			}
		}
		for part, text := range map[rootcause.Part]string{rootcause.Summary: d.Summary, rootcause.Happened: d.Happened, rootcause.Lessons: d.Lessons} {
			if err := s.Write(ctx, by, rc.ID, part, text, 0); err != nil {
				return err
			}
		}
		nodes, err := p.why(ctx, by, rc, d.Why)
		if err != nil {
			return err
		}
		for _, f := range d.Fixes {
			draft := rootcause.ActionDraft{Title: f.Title, Proof: f.Proof, Owner: p.people[f.Owner].ID, Due: f.Due}
			if f.Node < len(nodes) {
				draft.Node = nodes[f.Node]
			}
			if p.actions[f.Key], err = s.AddAction(ctx, by, rc.ID, draft); err != nil {
				return err
			}
		}
		return nil
	})
}

// why builds the graph: a path from what users noticed. What has two pieces of evidence is called supported.
func (p *player) why(ctx context.Context, by mainstay.Actor, rc rootcause.RootCause, path []sim.Why) (nodes []string, err error) {
	s, explains := p.app.RootCauses, rc.Graph.Nodes[0].ID
	for _, w := range path {
		draft := rootcause.CauseDraft{Text: w.Text, Kind: rootcause.NodeKind(w.Kind), Category: rootcause.Category(w.Category), Explains: explains, Edge: rootcause.Because}
		if explains, err = s.AddCause(ctx, by, rc.ID, draft); err != nil {
			return nil, err
		}
		nodes = append(nodes, explains)
		for _, e := range w.Evidence {
			if err := s.AddEvidence(ctx, by, rc.ID, explains, rootcause.Evidence{Type: e.Type, Text: e.Text, Ref: e.Ref}); err != nil {
				return nil, err
			}
		}
		if len(w.Evidence) > 1 {
			if err := s.ChangeCause(ctx, by, rc.ID, explains, rootcause.CauseChange{Status: rootcause.Supported, Confidence: 90}); err != nil {
				return nil, err
			}
		}
	}
	return nodes, nil
}

func (p *player) move(ctx context.Context, d sim.Move) error {
	id, ok := p.actions[d.Action]
	if !ok {
		return mainstay.Errorf(mainstay.NotFound, "The action was not asked for.")
	}
	is, err := p.app.Actions.Action(ctx, id)
	if err != nil || is.State == action.State(d.To) { // whoever asks oneself has accepted
		return err
	}
	_, err = p.app.Actions.Move(ctx, p.people[d.By], id, action.State(d.To), d.Verdict)
	return err
}

// write drafts an article from an incident and publishes it.
func (p *player) write(ctx context.Context, d sim.Write) error {
	return p.with(d.Incident, d.By, func(i *handled, by mainstay.Actor) error {
		a, err := p.app.Knowledge.DraftFrom(ctx, by, mainstay.Ref{Kind: mainstay.KindIncident, ID: i.id}, "")
		if err != nil {
			return err
		}
		p.articles[d.Article] = a.ID
		v := knowledge.Values{Title: d.Title, Service: a.Service, Rule: a.Rule, Owner: a.Owner}
		if _, err := p.app.Knowledge.Edit(ctx, by, a.ID, v, d.Text, a.Revision); err != nil {
			return err
		}
		_, err = p.app.Knowledge.Publish(ctx, by, a.ID)
		return err
	})
}

func (p *player) use(ctx context.Context, d sim.Use) error {
	id, ok := p.articles[d.Article]
	f := p.alerts[d.Alert]
	if !ok || f.ref.IsZero() {
		return mainstay.Errorf(mainstay.NotFound, "There is no article to use, or nothing to use it on.")
	}
	_, err := p.app.Knowledge.Use(ctx, p.who(d.By, f.by), id, knowledge.Outcome(d.Outcome), f.ref)
	return err
}

// tidy is the monthly look at what is owed: two articles out of three are read again, and trusted for another half year.
func (p *player) tidy(ctx context.Context, _ sim.Tidy) error {
	now := p.clock.Now()
	page, err := p.app.Actions.List(ctx, action.Query{
		Projects: []string{p.project}, States: []action.State{action.Proposed, action.Accepted}, Late: now.Add(10 * 24 * time.Hour), Limit: 100,
	})
	if err != nil {
		return err
	}
	owed := slices.DeleteFunc(page.Items, func(a action.Action) bool { return a.Kind != "review" || (int(a.Number)+int(now.Month()))%3 == 0 })
	for _, a := range owed {
		if err := p.reread(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) reread(ctx context.Context, owed action.Action) error {
	by := p.who("", mainstay.Person(owed.Owner))
	a, err := p.app.Knowledge.One(ctx, owed.Origin.ID)
	if err != nil {
		return err
	}
	text, err := p.app.Knowledge.Text(ctx, a)
	if err != nil {
		return err
	}
	v := knowledge.Values{Title: a.Title, Service: a.Service, Rule: a.Rule, Owner: a.Owner, Public: a.Public, ReviewAt: p.clock.Now().AddDate(0, 6, 0)}
	if _, err := p.app.Knowledge.Edit(ctx, by, a.ID, v, text.Markdown, a.Revision); err != nil {
		return err
	}
	_, err = p.app.Actions.Move(ctx, by, owed.ID, action.Done, "")
	return err
}
