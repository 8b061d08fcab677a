package rootcause

import (
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay"
)

// mails is the graph of the late confirmation mails: one chain, and causes beside it.
func mails(t testing.TB) *Graph {
	t.Helper()
	g := &Graph{}
	for _, d := range []CauseDraft{
		{Text: "Mails late", Kind: Effect},
		{Text: "Queue stopped", Category: Technology, Explains: "n1"},
		{Text: "Pool full", Category: Technology, Explains: "n2"},
		{Text: "Alert at 2 h", Category: Monitoring, Explains: "n1", Edge: Masked},
		{Text: "No load test asked for", Category: Process, Explains: "n3"},
		{Text: "Vendor slow", Category: Vendor, Explains: "n3", Kind: Condition},
	} {
		if _, err := g.add(d); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func texts(nodes []Node) string {
	var l []string
	for _, n := range nodes {
		l = append(l, n.Text)
	}
	return strings.Join(l, " < ")
}

func TestPath(t *testing.T) {
	t.Parallel()
	g := mails(t)
	if got := texts(g.Path()); got != "Mails late < Queue stopped < Pool full < No load test asked for" {
		t.Error(got)
	}
	g.Node("n6").Status = Supported // of two equally long chains the better supported one
	if got := texts(g.Path()); got != "Mails late < Queue stopped < Pool full < Vendor slow" {
		t.Error(got)
	}
	g.Node("n2").Status = Refuted
	if got := texts(g.Path()); got != "Mails late" {
		t.Error(got)
	}
	if got := texts((&Graph{}).Path()); got != "" {
		t.Error(got)
	}
}

func TestNoCircles(t *testing.T) {
	t.Parallel()
	g := mails(t)
	for _, e := range []Edge{{"n5", "n2", Because}, {"n2", "n2", Because}, {"n2", "n1", Because}, {"n2", "n99", Because}, {"n1", "n5", "perhaps"}} {
		if err := g.link(e); !mainstay.Is(err, mainstay.Invalid) {
			t.Errorf("%v: %v", e, err)
		}
	}
	if err := g.link(Edge{"n4", "n5", Enabled}); err != nil {
		t.Error(err)
	}
	g.remove("n3")
	if g.Node("n3") != nil || len(g.Explaining("n2", "")) != 0 {
		t.Error("a removed node is still linked")
	}
	if n, err := g.add(CauseDraft{Text: "x", Category: Data}); err != nil || n.ID != "n7" {
		t.Errorf("an id was used twice: %+v, %v", n, err)
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	blocked := func(g *Graph) string {
		var l []string
		for _, f := range g.Lint() {
			if f.Blocks {
				l = append(l, f.Text)
			}
		}
		return strings.Join(l, "; ")
	}
	if got := blocked(&Graph{}); !strings.Contains(got, "no effect") {
		t.Error(got)
	}
	g := mails(t)
	if got := blocked(g); got != "" {
		t.Error(got)
	}
	for _, text := range []string{"Human error", "operator error during rollout", "She forgot the flag", "They should have tested", "Carelessness"} {
		g := mails(t)
		g.Node("n5").Text = text
		if got := blocked(g); !strings.Contains(got, "ends at a person") {
			t.Errorf("%q passed: %s", text, got)
		}
		if _, err := g.add(CauseDraft{Text: "The flag has no default", Category: Technology, Explains: "n5"}); err != nil {
			t.Fatal(err)
		}
		if got := blocked(g); got != "" { // it is not the end any more
			t.Errorf("%q: %s", text, got)
		}
	}
	g = mails(t)
	for i := range g.Nodes {
		if g.Nodes[i].Kind != Effect {
			g.Nodes[i].Category = Technology
		}
	}
	found := false
	for _, f := range g.Lint() {
		found = found || strings.Contains(f.Text, "ends in technology")
	}
	if !found {
		t.Error("nothing said of a graph of technology alone")
	}
}

func TestIndependentEvidence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		list []Evidence
		want int
	}{
		"none":               {nil, 0},
		"two":                {[]Evidence{{Type: "log", Text: "a"}, {Type: "metric", Text: "a"}}, 2},
		"the same words":     {[]Evidence{{Type: "log", Text: "A  b"}, {Type: "log", Text: "a b"}}, 1},
		"the same address":   {[]Evidence{{Type: "log", Text: "a", Ref: "exhibit:1"}, {Type: "metric", Text: "b", Ref: "exhibit:1"}}, 1},
		"the same content":   {[]Evidence{{Ref: "exhibit:1", Digest: "d"}, {Ref: "exhibit:2", Digest: "d"}}, 1},
		"one speaks against": {[]Evidence{{Type: "log", Text: "a"}, {Type: "metric", Text: "b", Against: true}}, 1},
	} {
		if got := (Node{Evidence: c.list}).Independent(); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
