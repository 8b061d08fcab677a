package rootcause

import (
	"fmt"
	"regexp"
)

// Finding is something that the analysis still lacks. One that blocks must be gone before it can be sent for review.
type Finding struct {
	Node   string `json:"node,omitempty"` // the node that it is about, if any
	Text   string `json:"text"`
	Blocks bool   `json:"blocks"`
}

// humanError finds explanations that end at a person instead of at what made the mistake possible.
var humanError = regexp.MustCompile(`(?i)\b(human error|operator error|user error|pilot error|fat[- ]finger\w*|careless\w*|negligen\w*|incompeten\w*|forgot(ten)?|should have|failed to (notice|check|follow|remember)|didn'?t (notice|check|follow|remember|pay attention)|mistake by|inattenti\w*|lack of (attention|care|discipline))\b`)

// Lint says what the graph still lacks, the gravest first.
func (g *Graph) Lint() []Finding {
	var list []Finding
	if g.effect() == nil {
		list = append(list, Finding{Text: "Say what users noticed: the graph has no effect yet.", Blocks: true})
	} else if len(g.Path()) < 2 {
		list = append(list, Finding{Text: "Ask why once: nothing explains the effect yet.", Blocks: true})
	}
	list = append(list, g.ends()...)
	list = append(list, g.short()...)
	for _, n := range g.Nodes {
		if n.Kind != Effect && n.Status != Refuted && !g.linked(n.ID) {
			list = append(list, Finding{Node: n.ID, Text: fmt.Sprintf("%q stands alone: say what it explains.", n.Text)})
		}
	}
	return list
}

// ends looks at the last causes: none may be a person's error, and not all of them technology.
func (g *Graph) ends() []Finding {
	var list []Finding
	ends, technology := 0, 0
	for _, n := range g.Nodes {
		if n.Status == Refuted || n.Kind == Effect || n.Kind == Mitigator || n.Kind == Luck || g.explained(n.ID) {
			continue
		}
		ends++
		if n.Category == Technology {
			technology++
		}
		if n.Category == People || humanError.MatchString(n.Text) {
			list = append(list, Finding{Node: n.ID, Blocks: true,
				Text: fmt.Sprintf("%q ends at a person. Ask once more: what made that possible, likely, or hard to see?", n.Text)})
		}
	}
	if ends > 0 && ends == technology {
		list = append(list, Finding{Text: "Every chain ends in technology. What in process, data, monitoring or a vendor let it through?"})
	}
	return list
}

// short lists what is not supported although it stands on the path, and what no longer has its evidence.
func (g *Graph) short() []Finding {
	var list []Finding
	for i, n := range g.Path() {
		switch n.Status {
		case Hypothesis:
			if i == 0 {
				continue // the effect is what happened
			}
			missing := max(0, 2-n.Independent())
			text := fmt.Sprintf("%q has its evidence; mark it supported.", n.Text)
			if missing > 0 {
				text = fmt.Sprintf("%q is still a guess: %d independent %s short.", n.Text, missing, pieces(missing))
			}
			list = append(list, Finding{Node: n.ID, Text: text})
		case Supported:
			if n.Independent() < 2 {
				list = append(list, Finding{Node: n.ID, Blocks: true, Text: fmt.Sprintf("%q is called supported, but has no two independent pieces of evidence any more.", n.Text)})
			}
		}
	}
	return list
}

func pieces(n int) string {
	if n == 1 {
		return "piece"
	}
	return "pieces"
}

// explained reports whether anything that is not refuted explains the node.
func (g *Graph) explained(id string) bool {
	for _, to := range g.Explaining(id, "") {
		if g.Node(to).Status != Refuted {
			return true
		}
	}
	return false
}

func (g *Graph) linked(id string) bool {
	for _, e := range g.Edges {
		if e.From == id || e.To == id {
			return true
		}
	}
	return false
}
