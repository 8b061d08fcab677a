package communication

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
)

// Linter finds what must not be said in public: internal names, bare promises of a time, blame. It never changes a text.
type Linter struct{ hosts []*regexp.Regexp }

// Limits of a public update.
const (
	maxTitle = 200
	maxBody  = 5000
	maxNext  = 24 * time.Hour
)

// internalNames are patterns of names that only we use. They are matched on the lower-cased text.
var internalNames = []string{
	`\b(?:[a-z0-9-]+\.)+(?:internal|local|lan|corp|intra|intranet|localdomain|test|invalid)\b`, // names of private zones
	`\b[a-z0-9-]+\.(?:[a-z0-9-]+\.)?svc(?:\.cluster\.local)?\b`,                                // Kubernetes services
	`\blocalhost\b`,
	`\b(?:\d{1,3}\.){3}\d{1,3}\b`, // IPv4 addresses
	`\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{0,4}\b|\b[0-9a-f]{1,4}::[0-9a-f]{1,4}\b`, // IPv6 addresses
	`\bip-\d+-\d+-\d+-\d+\b`, // cloud machines
	`\b[a-z][a-z0-9]*(?:-[a-z0-9]+)*-(?:prod|stage|staging|dev|db|node|host|srv|worker|master|replica|primary)-?\d*\b`, // pay-db-3, shop-prod
	`\b(?:db|web|app|srv|node|host|k8s|redis|mysql|pg|postgres|kafka|es|mq|lb|proxy|cache|worker)-?\d{1,4}[a-z]?\b`,    // db3, web-02
	`\b[a-z0-9-]+-[0-9a-f]{8,10}-[a-z0-9]{5}\b`, // pods
	`\b[a-z0-9][a-z0-9.-]*:\d{4,5}\b`,           // host:port
	`https?://[^\s/]*:\d+`,
}

// NewLinter makes a linter that also knows the given patterns of internal names. A pattern that is no regular expression is an
// error.
func NewLinter(patterns []string) (*Linter, error) {
	l := &Linter{}
	for i, p := range append(append([]string{}, internalNames...), patterns...) {
		re, err := regexp.Compile(p)
		if err != nil {
			return nil, mainstay.Errorf(mainstay.Invalid, "the pattern %d of internal names is no regular expression: %v", i-len(internalNames)+1, err)
		}
		l.hosts = append(l.hosts, re)
	}
	return l, nil
}

var (
	restoring = `(?:restored?|restoration|fix(?:ed)?|resolv(?:e|ed|ing)|resolution|back|online|normal|recover(?:ed|y)?|repair(?:ed)?|solv(?:e|ed)|works?|working|available|up|over|done|complete[d]?)`
	when      = `(?:in|within|by|before|until|at|around|about|after|under)\s+(?:about |around |approximately |roughly |the |a |an |next |another )*(?:\d+|one|two|three|five|ten|few|half|hour|minute|noon|midnight|tonight|today|tomorrow|end of|monday|tuesday|wednesday|thursday|friday|saturday|sunday)`
	ahead     = `(?:will|should|expect|expects|expected|expecting|hope|hopes|hoping|plan to|aim to|estimate|estimated|estimates|going to|likely to|shall|'ll|we’ll)`

	barePromises = []*regexp.Regexp{
		regexp.MustCompile(`\beta\b`),
		regexp.MustCompile(`\bestimated (?:time|resolution|restoration|recovery|fix)`),
		regexp.MustCompile(`\b` + ahead + `\b[^.!?]*\b` + restoring + `\b[^.!?]*\b` + when),
		regexp.MustCompile(`\b` + ahead + `\b[^.!?]*\b` + restoring + `\b[^.!?]*\b(?:soon|shortly|momentarily|any minute|in no time|quickly)\b`),
		regexp.MustCompile(`\b(?:back|fixed|resolved|restored)\s+(?:up |online |to normal )?(?:soon|shortly|(?:in|within)\s+(?:\d+|a few|a couple|an?|half|the) ?(?:of )?(?:s|m|h|hours?|minutes?|mins?|days?|hour)\b)`),
	}
	// A promise of the next word is no promise of a remedy.
	nextWord = regexp.MustCompile(`(?:we(?: will|'ll|’ll)|next)\s+(?:tell|say|update|write|report|post|inform|share|word)[^.!?]*`)

	blame = regexp.MustCompile(`\b(?:human error|operator error|(?:his|her|their) (?:fault|mistake)|to blame|blame(?:d|s)?|careless(?:ly|ness)?|incompeten\w*|negligen\w*)\b`)
)

// text lints one text and adds its faults under the field.
func (l *Linter) text(f *mainstay.Faults, field, text string, status Status) {
	low := strings.ToLower(text)
	if !utf8.ValidString(text) {
		f.Add(field, "the text is not valid UTF-8")
		return
	}
	for _, re := range l.hosts {
		if m := re.FindString(low); m != "" {
			f.Add(field, "%s is an internal name: say it in the users' words", quote(text, low, m))
			return
		}
	}
	if m := blame.FindString(low); m != "" {
		f.Add(field, "%s lays blame: say what happened, not whose fault it was", quote(text, low, m))
		return
	}
	if status == Resolved {
		return
	}
	plain := nextWord.ReplaceAllString(low, "")
	for _, re := range barePromises {
		if m := re.FindString(plain); m != "" {
			f.Add(field, "%s promises a time of recovery, which nobody can: say instead when the next update comes", quote(text, low, m))
			return
		}
	}
}

// quote shows a match of the lower-cased text as it was written.
func quote(text, low, match string) string {
	if i := strings.Index(low, match); i >= 0 && len(low) == len(text) {
		match = text[i : i+len(match)]
	}
	if len(match) > 80 {
		match = strings.ToValidUTF8(match[:80], "") + "…"
	}
	return fmt.Sprintf("“%s”", match)
}

// Check lints a whole update as the public would see it: fields title, body, next (minutes).
func (l *Linter) Check(title, body string, status Status, next time.Duration) error {
	var f mainstay.Faults
	switch title = strings.TrimSpace(title); {
	case title == "":
		f.Add("title", "say in a few words what users notice")
	case utf8.RuneCountInString(title) > maxTitle:
		f.Add("title", "at most %d characters", maxTitle)
	default:
		l.text(&f, "title", title, status)
	}
	switch body = strings.TrimSpace(body); {
	case body == "":
		f.Add("body", "say what users notice, what they can do, and that you are on it")
	case utf8.RuneCountInString(body) > maxBody:
		f.Add("body", "at most %d characters", maxBody)
	default:
		l.text(&f, "body", body, status)
	}
	if !status.Valid() {
		f.Add("status", "one of investigating, identified, monitoring, resolved")
	}
	switch {
	case status == Resolved && next != 0:
		f.Add("next", "the last update needs no next one")
	case status != Resolved && next <= 0:
		f.Add("next", "say in how many minutes users hear from you again")
	case next > maxNext:
		f.Add("next", "at most 24 hours")
	}
	return f.Err()
}
