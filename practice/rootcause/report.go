package rootcause

import (
	"fmt"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/fact"
)

// Report is everything that goes into the written report.
type Report struct {
	RootCause   RootCause
	Incident    Incident
	Texts       map[Part]document.Revision
	Timeline    []fact.Fact
	Notes       map[string]document.Revision // what people wrote into the timeline, by the id of the fact
	Corrections []Correction
	Name        func(a mainstay.Actor) string // how to call an actor
	Zone        *time.Location
}

// Markdown writes the report.
func (r Report) Markdown() string {
	var b strings.Builder
	rc := &r.RootCause
	fmt.Fprintf(&b, "# %s: %s\n\n", rc.Key(), escape(rc.Title))
	fmt.Fprintf(&b, "- Incident: %s, %s, %s\n", r.Incident.Key(), escape(r.Incident.Title), rc.Severity)
	if !r.Incident.StartedAt.IsZero() {
		fmt.Fprintf(&b, "- From %s to %s\n", r.clock(r.Incident.StartedAt), r.clock(r.Incident.ResolvedAt))
	}
	fmt.Fprintf(&b, "- State: %s, due %s\n", rc.State.Words(), r.clock(rc.Due))
	if rc.Owner != "" {
		fmt.Fprintf(&b, "- Led by: %s\n", escape(r.Name(mainstay.Person(rc.Owner))))
	}
	if !rc.ReviewedAt.IsZero() {
		fmt.Fprintf(&b, "- Reviewed by: %s, %s\n", escape(r.Name(rc.ReviewedBy)), r.clock(rc.ReviewedAt))
	}
	r.part(&b, Summary)
	r.part(&b, Happened)
	r.causes(&b)
	r.part(&b, Lessons)
	r.actions(&b)
	b.WriteString("\n## Timeline\n\n")
	for _, f := range r.Timeline {
		if note := r.Notes[f.ID].Markdown; note != "" {
			fmt.Fprintf(&b, "- %s: %s noted: %s\n", r.clock(f.At), escape(r.Name(f.Actor)), escape(note))
		} else if Essential(f) {
			fmt.Fprintf(&b, "- %s: %s %s\n", r.clock(f.At), escape(r.Name(f.Actor)), escape(fact.Sentence(f)))
		}
	}
	return b.String()
}

func (r Report) part(b *strings.Builder, p Part) {
	if text := r.Texts[p].Markdown; text != "" {
		fmt.Fprintf(b, "\n## %s\n\n%s\n", p.Title(), text)
	}
}

func (r Report) causes(b *strings.Builder) {
	g := &r.RootCause.Graph
	b.WriteString("\n## Why it happened\n\n")
	for i, n := range g.Path() {
		fmt.Fprintf(b, "%d. %s (%s)\n", i+1, escape(n.Text), n.words())
		for _, e := range n.Evidence {
			fmt.Fprintf(b, "   - %s%s: %s%s\n", map[bool]string{true: "against, "}[e.Against], e.Type, escape(e.Text), frozen(e))
		}
	}
	if beside := g.Beside(); len(beside) > 0 {
		b.WriteString("\nBeside this chain:\n\n")
		for _, n := range beside {
			fmt.Fprintf(b, "- %s (%s, %s)\n", escape(n.Text), n.Kind, n.words())
		}
	}
}

func (n Node) words() string {
	if n.Kind == Effect {
		return "what was noticed"
	}
	words := string(n.Status)
	if n.Category != "" {
		words = string(n.Category) + ", " + words
	}
	return fmt.Sprintf("%s, %d independent %s of evidence", words, n.Independent(), pieces(n.Independent()))
}

func frozen(e Evidence) string {
	if e.Digest == "" {
		return ""
	}
	return " (SHA-256 " + e.Digest[:min(12, len(e.Digest))] + "…)"
}

func (r Report) actions(b *strings.Builder) {
	if len(r.Corrections) == 0 {
		return
	}
	b.WriteString("\n## Actions\n\n| Action | Owner | Due | State |\n|---|---|---|---|\n")
	for _, c := range r.Corrections {
		owner := "nobody yet"
		if c.Owner != "" {
			owner = r.Name(mainstay.Person(c.Owner))
		}
		fmt.Fprintf(b, "| %s %s | %s | %s | %s |\n", c.Key(), escape(c.Title), escape(owner), r.clock(c.Due), c.State.Words())
	}
}

func (r Report) clock(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	zone := r.Zone
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format("2 Jan 2006 15:04 MST")
}

// escape makes text that Markdown shows as it is, in one line.
func escape(s string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(s), " ") {
		if strings.ContainsRune("\\`*_{}[]<>#|!~", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
