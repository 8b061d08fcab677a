package ui

// SetupView is the first-run assistant.
type SetupView struct {
	Steps []SetupStep
	Done  int
	Now   string // the word of the first step that is still to do; "" at the end
}

// SetupStep is one step of it. A step that is done says what it found; one that can be done again has a form.
type SetupStep struct {
	Word, Title   string // "project", "Name what you look after"
	Text          string // why, in a sentence or two
	Done, Skipped bool
	Open          bool // its form is shown
	Result        string
	ResultURL     string
	Trouble       string // what stands in the way, and what to do about it
	Ways          []Act  // other ways to what the step wants
	Fields        []Field
	Faults        map[string]string
	Button        string // "" for a step without a form
	MaySkip       bool
	Snippets      []Snippet
	Progress      []SetupMark // what has happened so far, live
	Live          string      // whose changes refresh it
}

// Snippet is text to copy.
type Snippet struct{ Title, Text string }

// SetupMark is one thing that happens on the way of the first page.
type SetupMark struct {
	State State
	Text  string
	URL   string
}

func (v SetupView) class(s SetupStep) string {
	switch {
	case s.Done || s.Skipped:
		return "done"
	case s.Word == v.Now:
		return "now"
	}
	return ""
}
