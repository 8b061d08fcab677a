package rootcause

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// CauseDraft is a node about to be added, and what it explains.
type CauseDraft struct {
	Text     string
	Kind     NodeKind
	Category Category
	Explains string   // id of a node; "" when it stands alone for now
	Edge     EdgeType // Because when empty
}

// AddCause adds a node, and an edge to what it explains. It returns the node's id. Errors: Invalid with fields, Conflict.
func (s *Service) AddCause(ctx context.Context, by mainstay.Actor, id string, d CauseDraft) (node string, err error) {
	err = s.change(ctx, by, id, func(rc *RootCause, now time.Time) (commit.Set, error) {
		n, err := rc.Graph.add(d)
		if err != nil {
			return commit.Set{}, err
		}
		node = n.ID
		set := commit.Set{Facts: []fact.Fact{
			rc.fact(now, by, fact.CauseAdded{Node: n.ID, NodeKind: string(n.Kind), Category: string(n.Category)}),
		}}
		if d.Explains != "" {
			set.Facts = append(set.Facts, rc.fact(now, by, fact.CausesLinked{From: d.Explains, To: n.ID, EdgeType: string(rc.Graph.edge(d.Explains, n.ID))}))
		}
		return set, nil
	})
	return node, err
}

func (g *Graph) add(d CauseDraft) (Node, error) {
	d.Text = strings.TrimSpace(d.Text)
	if d.Kind == "" {
		d.Kind = Cause
	}
	if d.Edge == "" {
		d.Edge = Because
	}
	if d.Kind == Effect {
		d.Category, d.Explains = "", ""
	}
	var faults mainstay.Faults
	checkText(&faults, d.Text)
	if !slices.Contains(NodeKinds(), d.Kind) {
		faults.Add("kind", "must be effect, cause, condition, mitigator or luck")
	}
	if d.Kind != Effect && !slices.Contains(Categories(), d.Category) {
		faults.Add("category", "say where it lies: people, process, technology, data, environment, vendor or monitoring")
	}
	if len(g.Nodes) >= maxNodes {
		faults.Add("text", "a graph has at most %d causes; split the analysis", maxNodes)
	}
	if err := faults.Err(); err != nil {
		return Node{}, err
	}
	g.Last++
	n := Node{ID: fmt.Sprintf("n%d", g.Last), Kind: d.Kind, Text: d.Text, Category: d.Category, Status: Hypothesis}
	g.Nodes = append(g.Nodes, n)
	if d.Explains == "" {
		return n, nil
	}
	return n, g.link(Edge{From: d.Explains, To: n.ID, Type: d.Edge})
}

func checkText(faults *mainstay.Faults, text string) {
	switch n := len([]rune(text)); {
	case n == 0:
		faults.Add("text", "say it in one sentence")
	case n > maxText:
		faults.Add("text", "has %d characters; %d are enough for one cause, more belongs into the text", n, maxText)
	}
}

func (g *Graph) edge(from, to string) EdgeType {
	for _, e := range g.Edges {
		if e.From == from && e.To == to {
			return e.Type
		}
	}
	return ""
}

// CauseChange is what may be changed of a node. Empty fields stay; a Confidence below 0 stays.
type CauseChange struct {
	Text       string
	Category   Category
	Status     Status
	Confidence int // percent
}

// ChangeCause changes a node. Calling it supported needs two independent pieces of evidence. Errors: Invalid, Conflict, NotFound.
func (s *Service) ChangeCause(ctx context.Context, by mainstay.Actor, id, node string, c CauseChange) error {
	return s.node(ctx, by, id, node, func(n *Node) error { return n.change(c) })
}

func (n *Node) change(c CauseChange) error {
	var faults mainstay.Faults
	if c.Text = strings.TrimSpace(c.Text); c.Text != "" {
		checkText(&faults, c.Text)
		n.Text = c.Text
	}
	if c.Category != "" && n.Kind != Effect {
		if !slices.Contains(Categories(), c.Category) {
			faults.Add("category", "is not one of the categories")
		}
		n.Category = c.Category
	}
	if c.Confidence > 100 {
		faults.Add("confidence", "is a percentage, from 0 to 100")
	} else if c.Confidence >= 0 {
		n.Confidence = c.Confidence
	}
	if c.Status != "" {
		if !slices.Contains(Statuses(), c.Status) {
			faults.Add("status", "must be hypothesis, supported or refuted")
		}
		if missing := 2 - n.Independent(); c.Status == Supported && missing > 0 {
			faults.Add("status", "needs two independent pieces of evidence: %d %s missing", missing, map[bool]string{true: "is", false: "are"}[missing == 1])
		}
		n.Status = c.Status
	}
	return faults.Err()
}

// AddEvidence adds a piece of evidence to a node. Errors: Invalid with fields, Conflict, NotFound.
func (s *Service) AddEvidence(ctx context.Context, by mainstay.Actor, id, node string, e Evidence) error {
	now := s.cfg.Time.Now()
	e.ID, e.By, e.At = mainstay.NewID(now), by, now
	e.Text, e.Ref = strings.TrimSpace(e.Text), strings.TrimSpace(e.Ref)
	return s.node(ctx, by, id, node, func(n *Node) error {
		var faults mainstay.Faults
		checkText(&faults, e.Text)
		if len(e.Ref) > 2000 {
			faults.Add("ref", "is longer than 2,000 characters")
		}
		if !slices.Contains(EvidenceTypes(), e.Type) {
			faults.Add("type", "must be metric, log, change, timeline, interview or doc")
		}
		if len(n.Evidence) >= maxEvidence {
			faults.Add("text", "a cause has at most %d pieces of evidence", maxEvidence)
		}
		n.Evidence = append(n.Evidence, e)
		return faults.Err()
	})
}

// RemoveEvidence takes a piece of evidence away. A node that has too little left is a hypothesis again.
func (s *Service) RemoveEvidence(ctx context.Context, by mainstay.Actor, id, node, evidence string) error {
	return s.node(ctx, by, id, node, func(n *Node) error {
		n.Evidence = slices.DeleteFunc(n.Evidence, func(e Evidence) bool { return e.ID == evidence })
		if n.Status == Supported && n.Independent() < 2 {
			n.Status = Hypothesis
		}
		return nil
	})
}

// RemoveCause takes a node out of the graph, with its edges and evidence.
func (s *Service) RemoveCause(ctx context.Context, by mainstay.Actor, id, node string) error {
	return s.change(ctx, by, id, func(rc *RootCause, now time.Time) (commit.Set, error) {
		if rc.Graph.Node(node) == nil {
			return commit.Set{}, nil
		}
		rc.Graph.remove(node)
		return commit.Set{Facts: []fact.Fact{rc.fact(now, by, fact.CauseChanged{Node: node, Status: "removed"})}}, nil
	})
}

// Link adds an edge: to explains from. Errors: Invalid (also where it would go in a circle), Conflict.
func (s *Service) Link(ctx context.Context, by mainstay.Actor, id string, e Edge) error {
	return s.change(ctx, by, id, func(rc *RootCause, now time.Time) (commit.Set, error) {
		if e.Type == "" {
			e.Type = Because
		}
		if err := rc.Graph.link(e); err != nil {
			return commit.Set{}, err
		}
		return commit.Set{Facts: []fact.Fact{rc.fact(now, by, fact.CausesLinked{From: e.From, To: e.To, EdgeType: string(e.Type)})}}, nil
	})
}

// Unlink removes the edges from one node to another.
func (s *Service) Unlink(ctx context.Context, by mainstay.Actor, id, from, to string) error {
	return s.change(ctx, by, id, func(rc *RootCause, now time.Time) (commit.Set, error) {
		rc.Graph.Edges = slices.DeleteFunc(rc.Graph.Edges, func(e Edge) bool { return e.From == from && e.To == to })
		return commit.Set{Facts: []fact.Fact{rc.fact(now, by, fact.CauseChanged{Node: to, Status: "unlinked"})}}, nil
	})
}

func (s *Service) node(ctx context.Context, by mainstay.Actor, id, node string, rule func(n *Node) error) error {
	return s.change(ctx, by, id, func(rc *RootCause, now time.Time) (commit.Set, error) {
		n := rc.Graph.Node(node)
		if n == nil {
			return commit.Set{}, mainstay.Errorf(mainstay.NotFound, "This cause is not in the graph any more.")
		}
		if err := rule(n); err != nil {
			return commit.Set{}, err
		}
		return commit.Set{Facts: []fact.Fact{rc.fact(now, by, fact.CauseChanged{Node: node, Status: string(n.Status)})}}, nil
	})
}

// change applies a rule to an analysis that may be written.
func (s *Service) change(ctx context.Context, by mainstay.Actor, id string, rule func(rc *RootCause, now time.Time) (commit.Set, error)) error {
	return s.update(ctx, id, func(_ context.Context, rc *RootCause, now time.Time) (commit.Set, error) {
		if err := rc.edit(by); err != nil {
			return commit.Set{}, err
		}
		return rule(rc, now)
	})
}

// ActionDraft is a corrective action about to be asked for.
type ActionDraft struct {
	Title string
	Owner string    // person id; "" when nobody has it yet
	Due   time.Time // the default by severity when zero
	Node  string    // the node that it addresses; "" for the whole
	Proof string    // how its effect will be proven
}

// AddAction asks for a corrective action, which core/action then follows until its effect is proven. It returns the action's id.
// Errors: Invalid with fields.
func (s *Service) AddAction(ctx context.Context, by mainstay.Actor, id string, d ActionDraft) (string, error) {
	d.Title, d.Proof = strings.TrimSpace(d.Title), strings.TrimSpace(d.Proof)
	var made string
	err := s.update(ctx, id, func(_ context.Context, rc *RootCause, now time.Time) (commit.Set, error) {
		var faults mainstay.Faults
		if n := len([]rune(d.Title)); n == 0 || n > 200 {
			faults.Add("title", "say in at most 200 characters what will be different")
		}
		if d.Node != "" && rc.Graph.Node(d.Node) == nil {
			faults.Add("node", "is not in the graph any more")
		}
		if d.Due.IsZero() {
			d.Due = CorrectiveDue(rc.Severity, now)
		} else if d.Due.Before(now) {
			faults.Add("due", "has passed already")
		}
		if err := faults.Err(); err != nil {
			return commit.Set{}, err
		}
		made = mainstay.NewID(now)
		rc.Corrective = append(rc.Corrective, Corrective{Action: made, Node: d.Node})
		return commit.Set{
			Facts: []fact.Fact{rc.fact(now, by, rc.changed("actions"))},
			Actions: []commit.Action{{
				ID: made, Project: rc.Project, Kind: "corrective", Title: d.Title, Owner: d.Owner, Due: d.Due, Origin: rc.Ref(), Private: rc.Private,
				Proof: d.Proof, By: by, At: now,
			}},
		}, nil
	})
	return made, err
}

// Correction is a corrective action with the node that it addresses.
type Correction struct {
	action.Action
	Node string // id, "" for the whole
}

// Corrections reads the corrective actions of an analysis, the earliest due first.
func (s *Service) Corrections(ctx context.Context, rc RootCause) ([]Correction, error) {
	all, err := s.cfg.Actions.Of(ctx, rc.Ref())
	if err != nil {
		return nil, err
	}
	node := map[string]string{}
	for _, c := range rc.Corrective {
		node[c.Action] = c.Node
	}
	list := []Correction{}
	for _, a := range all {
		if n, ok := node[a.ID]; ok {
			list = append(list, Correction{a, n})
		}
	}
	return list, nil
}
