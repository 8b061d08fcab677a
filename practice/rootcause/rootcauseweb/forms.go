package rootcauseweb

import (
	"fmt"

	"github.com/mainstayhq/mainstay/web/ui"
)

// words makes options of a list of words.
func words[S ~string](list []S) []ui.Option {
	options := make([]ui.Option, len(list))
	for i, w := range list {
		options[i] = ui.Option{Value: string(w), Text: string(w)}
	}
	return options
}

func percent(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// lastOf is the node at the end of the path, where the next why is asked.
func lastOf(path []nodeView) string {
	if len(path) == 0 {
		return ""
	}
	return path[len(path)-1].ID
}

// against are the nodes that an action may address.
func (v oneView) against() []ui.Option {
	return append([]ui.Option{{Value: "", Text: "the whole"}}, v.Nodes...)
}

// about says what kind of node it is, where it lies and how sure we are.
func (n nodeView) about() string {
	s := n.Kind
	if n.Category != "" {
		s += ", " + n.Category
	}
	if n.Confidence > 0 {
		s += fmt.Sprintf(", %d %% sure", n.Confidence)
	}
	return s
}

// who says which action it is and who owes it.
func (a actionView) who() string {
	if a.Owner == "" {
		return a.Key + ", nobody yet"
	}
	return a.Key + ", " + a.Owner
}
