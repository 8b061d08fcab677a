package communication

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
)

// Template is a text with placeholders such as {{service}}, for one status.
type Template struct {
	ID, Project string // "" for the built-in ones
	Name        string
	Title       string
	Status      Status
	Body        string
	// Holding marks text that was approved beforehand: used unchanged, its drafter may release it alone.
	Holding   bool
	UpdatedAt time.Time
	Version   int64
}

// TemplateSpec is a template in a manifest (kind PostTemplate).
type TemplateSpec struct {
	Title    string `yaml:"title" json:"title" doc:"What it is for"`
	Status   string `yaml:"status" json:"status" enum:"investigating,identified,monitoring,resolved" doc:"Of the update that it writes"`
	Body     string `yaml:"body" json:"body" doc:"Public text; placeholders such as {{service}} and {{next_update}} are filled in"`
	Approved bool   `yaml:"approved,omitempty" json:"approved,omitempty" doc:"True: released unchanged, it needs nobody else's approval"`
}

// BuiltIn are the templates that every installation has, one for each status and a first word without a diagnosis.
func BuiltIn() []Template {
	return []Template{
		{Name: "first-word", Title: "First word", Status: Investigating, Holding: true,
			Body: "Since {{started}} we see problems with {{service}}. We are looking into it. We will tell you more by {{next_update}}."},
		{Name: "identified", Title: "Cause known", Status: Identified,
			Body: "We know what disturbs {{service}} and are working on it. We will tell you more by {{next_update}}."},
		{Name: "monitoring", Title: "Watching the remedy", Status: Monitoring,
			Body: "A remedy is in place for {{service}} and we are watching whether it holds. We will tell you more by {{next_update}}."},
		{Name: "resolved", Title: "Over", Status: Resolved,
			Body: "The problems with {{service}} are over. They lasted from {{started}} to {{ended}}. We are sorry for the trouble."},
	}
}

// builtInFor is the built-in template of a status.
func builtInFor(s Status) Template {
	for _, t := range BuiltIn() {
		if t.Status == s {
			return t
		}
	}
	return BuiltIn()[0]
}

// Placeholders are the names that a text may use between double braces. Each is bound to a fact of the incident or the post.
func Placeholders() []string {
	return []string{"service", "components", "started", "ended", "next_update", "now", "state"}
}

// Values are what the placeholders stand for.
type Values map[string]string

// bind makes the values for a post about an incident at now. zone is the zone of the times in the text.
func bind(i Incident, parts []Component, next, now time.Time, zone *time.Location) Values {
	var titles []string
	worst := Operational
	for _, c := range parts {
		titles = append(titles, c.Title)
		if c.Hand.Rank() > worst.Rank() {
			worst = c.Hand
		}
	}
	services := titles
	if len(services) == 0 {
		for _, s := range i.Services {
			services = append(services, s.Title)
		}
	}
	ended := i.EndedAt
	if ended.IsZero() {
		ended = now
	}
	end := clockTime(ended, now, zone)
	if sameDay(i.StartedAt, ended, zone) {
		end = ended.In(orUTC(zone)).Format("15:04 MST") // its day was said with the beginning
	}
	v := Values{
		"service": orWord(enumerate(services), "our service"), "components": orWord(enumerate(titles), "our service"),
		"started": clockTime(i.StartedAt, now, zone), "ended": end,
		"next_update": clockTime(next, now, zone), "now": clockTime(now, now, zone),
		"state": strings.ToLower(worst.Words()),
	}
	return v
}

func orWord(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// enumerate joins as in "a, b and c".
func enumerate(l []string) string {
	switch len(l) {
	case 0:
		return ""
	case 1:
		return l[0]
	}
	return strings.Join(l[:len(l)-1], ", ") + " and " + l[len(l)-1]
}

// clockTime is "15:24 UTC", with the date when it is not today's.
func clockTime(t, now time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	zone = orUTC(zone)
	if sameDay(t, now, zone) {
		return t.In(zone).Format("15:04 MST")
	}
	return t.In(zone).Format("15:04 MST on 2 January")
}

func orUTC(zone *time.Location) *time.Location {
	if zone == nil {
		return time.UTC
	}
	return zone
}

func sameDay(a, b time.Time, zone *time.Location) bool {
	zone = orUTC(zone)
	return a.In(zone).Format(time.DateOnly) == b.In(zone).Format(time.DateOnly)
}

// Fill replaces the placeholders of a text by their values, once: a value that looks like a placeholder stays as it is. An
// unknown placeholder, or one without a value here, is an Invalid error that names those there are.
func Fill(text string, v Values) (string, error) {
	var b strings.Builder
	for rest := text; ; {
		open := strings.Index(rest, "{{")
		if open < 0 {
			b.WriteString(rest)
			return b.String(), nil
		}
		length := strings.Index(rest[open:], "}}")
		if length < 0 {
			return "", mainstay.Errorf(mainstay.Invalid, "a placeholder is opened with {{ and never closed with }}")
		}
		name := strings.TrimSpace(rest[open+2 : open+length])
		value, known := v[name]
		switch {
		case !known && slices.Contains(Placeholders(), name), known && value == "":
			return "", mainstay.Errorf(mainstay.Invalid, "{{%s}} has no value here: write the words instead", name)
		case !known:
			return "", mainstay.Errorf(mainstay.Invalid, "there is no placeholder {{%.40s}}; there are: %s", name, placeholderList())
		}
		b.WriteString(rest[:open])
		b.WriteString(value)
		rest = rest[open+length+2:]
	}
}

func placeholderList() string {
	var l []string
	for _, p := range Placeholders() {
		l = append(l, fmt.Sprintf("{{%s}}", p))
	}
	return strings.Join(l, " ")
}

// check says what is wrong with a template's definition.
func (s TemplateSpec) check(name string, lint *Linter) error {
	var f mainstay.Faults
	if !nameShape.MatchString(name) {
		f.Add("name", "a name has lower-case letters, digits and hyphens, at most 63")
	}
	if slices.ContainsFunc(BuiltIn(), func(t Template) bool { return t.Name == name }) {
		f.Add("name", "the built-in template %s cannot be replaced: choose another name", name)
	}
	if strings.TrimSpace(s.Title) == "" {
		f.Add("title", "say what the template is for")
	}
	status := Status(s.Status)
	if !status.Valid() {
		f.Add("status", "one of investigating, identified, monitoring, resolved")
	}
	sample := Values{}
	for _, p := range Placeholders() {
		sample[p] = "12:00 UTC"
	}
	text, err := Fill(s.Body, sample)
	if err != nil {
		f.Add("body", "%s", mainstay.ErrorMessage(err))
	} else {
		lint.text(&f, "body", text, status)
	}
	return f.Err()
}
