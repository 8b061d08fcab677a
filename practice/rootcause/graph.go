package rootcause

import (
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
)

// NodeKind says what part a node plays.
type NodeKind string

// The kinds of nodes. Mitigators and luck are kept because they teach.
const (
	Effect    NodeKind = "effect"    // what users or operators noticed; the paths begin here
	Cause     NodeKind = "cause"     // something happened
	Condition NodeKind = "condition" // something was so
	Mitigator NodeKind = "mitigator" // it kept the effect smaller
	Luck      NodeKind = "luck"      // it could as well have been otherwise
)

// NodeKinds lists the kinds of nodes.
func NodeKinds() []NodeKind { return []NodeKind{Effect, Cause, Condition, Mitigator, Luck} }

// Category is where a cause lies; a fishbone groups by it.
type Category string

// The categories.
const (
	People      Category = "people"
	Process     Category = "process"
	Technology  Category = "technology"
	Data        Category = "data"
	Environment Category = "environment"
	Vendor      Category = "vendor"
	Monitoring  Category = "monitoring"
)

// Categories lists the categories.
func Categories() []Category {
	return []Category{People, Process, Technology, Data, Environment, Vendor, Monitoring}
}

// Status is how sure we are of a node.
type Status string

// The statuses.
const (
	Hypothesis Status = "hypothesis"
	Supported  Status = "supported" // by two independent pieces of evidence or more
	Refuted    Status = "refuted"
)

// Statuses lists the statuses.
func Statuses() []Status { return []Status{Hypothesis, Supported, Refuted} }

// Evidence is one piece for or against a node.
type Evidence struct {
	ID      string         `json:"id"`
	Type    string         `json:"type"`             // metric, log, change, timeline, interview or doc
	Text    string         `json:"text"`             // what it shows, in a line
	Ref     string         `json:"ref,omitempty"`    // "exhibit:ID", "fact:ID", another object, or an address
	Digest  string         `json:"digest,omitempty"` // SHA-256 of the frozen copy, where there is one
	Against bool           `json:"against,omitempty"`
	By      mainstay.Actor `json:"by"`
	At      time.Time      `json:"at"`
}

// EvidenceTypes lists the types of evidence.
func EvidenceTypes() []string {
	return []string{"metric", "log", "change", "timeline", "interview", "doc"}
}

// source is what makes a piece the same as another: two pieces from one source are one.
func (e Evidence) source() string {
	switch {
	case e.Digest != "":
		return "sha256:" + e.Digest
	case e.Ref != "":
		return strings.ToLower(e.Ref)
	}
	return e.Type + ":" + strings.Join(strings.Fields(strings.ToLower(e.Text)), " ")
}

// Node is one part of the explanation.
type Node struct {
	ID         string     `json:"id"` // "n1", "n2", ... never used twice in a graph
	Kind       NodeKind   `json:"kind"`
	Text       string     `json:"text"`
	Category   Category   `json:"category,omitempty"` // none for the effect
	Status     Status     `json:"status"`
	Confidence int        `json:"confidence,omitempty"` // percent, 0 when nobody said
	Evidence   []Evidence `json:"evidence,omitempty"`
}

// Independent is how many pieces of evidence from different sources speak for the node.
func (n Node) Independent() int {
	seen := map[string]bool{}
	for _, e := range n.Evidence {
		if !e.Against {
			seen[e.source()] = true
		}
	}
	return len(seen)
}

// EdgeType says how a node explains another.
type EdgeType string

// The types of edges.
const (
	Because   EdgeType = "because"   // without it, it would not have happened
	Enabled   EdgeType = "enabled"   // it made it possible
	Masked    EdgeType = "masked"    // it hid it
	Amplified EdgeType = "amplified" // it made it worse
)

// EdgeTypes lists the types of edges.
func EdgeTypes() []EdgeType { return []EdgeType{Because, Enabled, Masked, Amplified} }

// Edge leads from what is explained to what explains it: from "the queue stopped", because, to "the pool was full".
type Edge struct {
	From string   `json:"from"`
	To   string   `json:"to"`
	Type EdgeType `json:"type"`
}

// Graph is the explanation: nodes and the edges between them, without cycles. A five-whys is a path in it, a fishbone the same nodes
// by category.
type Graph struct {
	Nodes []Node `json:"nodes,omitempty"`
	Edges []Edge `json:"edges,omitempty"`
	Last  int    `json:"last,omitempty"` // number of the newest node ever
}

// The bounds of a graph that one page can show.
const (
	maxNodes    = 200
	maxEvidence = 50
	maxText     = 500 // characters
)

// Node returns the node of that id, or nil.
func (g *Graph) Node(id string) *Node {
	for i := range g.Nodes {
		if g.Nodes[i].ID == id {
			return &g.Nodes[i]
		}
	}
	return nil
}

// Explaining lists the nodes that explain the node, by edges of the given type ("" for any), in the order in which they were linked.
func (g *Graph) Explaining(id string, t EdgeType) []string {
	var list []string
	for _, e := range g.Edges {
		if e.From == id && (t == "" || e.Type == t) {
			list = append(list, e.To)
		}
	}
	return list
}

// reaches reports whether a path leads from one node to another.
func (g *Graph) reaches(from, to string) bool {
	seen := map[string]bool{}
	var walk func(string) bool
	walk = func(id string) bool {
		if id == to {
			return true
		}
		if seen[id] {
			return false
		}
		seen[id] = true
		return slices.ContainsFunc(g.Explaining(id, ""), walk)
	}
	return walk(from)
}

// link adds an edge.
func (g *Graph) link(e Edge) error {
	switch {
	case g.Node(e.From) == nil || g.Node(e.To) == nil:
		return mainstay.Errorf(mainstay.Invalid, "One of the two causes is not in the graph any more.")
	case !slices.Contains(EdgeTypes(), e.Type):
		return mainstay.Errorf(mainstay.Invalid, "A cause explains as because, enabled, masked or amplified.")
	case g.Node(e.To).Kind == Effect:
		return mainstay.Errorf(mainstay.Invalid, "The effect explains nothing; causes explain it.")
	case g.reaches(e.To, e.From):
		return mainstay.Errorf(mainstay.Invalid, "This would go in a circle: %q is explained by %q already.", g.Node(e.To).Text, g.Node(e.From).Text)
	}
	for i, had := range g.Edges {
		if had.From == e.From && had.To == e.To {
			g.Edges[i].Type = e.Type
			return nil
		}
	}
	g.Edges = append(g.Edges, e)
	return nil
}

// remove takes a node out, with its edges.
func (g *Graph) remove(id string) {
	g.Nodes = slices.DeleteFunc(g.Nodes, func(n Node) bool { return n.ID == id })
	g.Edges = slices.DeleteFunc(g.Edges, func(e Edge) bool { return e.From == id || e.To == id })
}

// effect is the first effect, or nil.
func (g *Graph) effect() *Node {
	i := slices.IndexFunc(g.Nodes, func(n Node) bool { return n.Kind == Effect })
	if i < 0 {
		return nil
	}
	return &g.Nodes[i]
}

// Path is the five whys: from the effect, the longest chain of "because" that is not refuted; of two equally long ones the one with
// more supported nodes, then the one linked first. The effect itself stands first.
func (g *Graph) Path() []Node {
	start := g.effect()
	if start == nil {
		return nil
	}
	type best struct {
		ids       []string
		supported int
	}
	memo := map[string]best{}
	var walk func(id string) best
	walk = func(id string) best {
		if b, ok := memo[id]; ok {
			return b
		}
		var b best
		for _, to := range g.Explaining(id, Because) {
			if g.Node(to).Status == Refuted {
				continue
			}
			if c := walk(to); len(c.ids) > len(b.ids) || len(c.ids) == len(b.ids) && c.supported > b.supported {
				b = c
			}
		}
		own := best{append([]string{id}, b.ids...), b.supported}
		if g.Node(id).Status == Supported {
			own.supported++
		}
		memo[id] = own
		return own
	}
	var path []Node
	for _, id := range walk(start.ID).ids {
		path = append(path, *g.Node(id))
	}
	return path
}

// Beside lists the nodes that are not on the path, in their order.
func (g *Graph) Beside() []Node {
	on := map[string]bool{}
	for _, n := range g.Path() {
		on[n.ID] = true
	}
	var list []Node
	for _, n := range g.Nodes {
		if !on[n.ID] {
			list = append(list, n)
		}
	}
	return list
}
