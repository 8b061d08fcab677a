package setting

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// Retention says how long a project keeps what it need not keep for ever. It is the spec of manifests of the kinds Retention, of a
// project, and InstallationRetention, which counts wherever a project says nothing; each has one, named "default". Ages are such as
// 400d, 52w or forever.
type Retention struct {
	Alerts     string            `yaml:"alerts,omitempty" json:"alerts,omitempty" doc:"Alerts that are over and belong to no incident, with the content of their facts; default 400d"`
	Deliveries string            `yaml:"deliveries,omitempty" json:"deliveries,omitempty" doc:"Entries of the delivery log; default 400d"`
	Inbox      string            `yaml:"inbox,omitempty" json:"inbox,omitempty" doc:"Requests as senders sent them, once they were folded into alerts; default 7d"`
	Files      string            `yaml:"files,omitempty" json:"files,omitempty" doc:"Files that were attached; default forever"`
	Facts      map[string]string `yaml:"facts,omitempty" json:"facts,omitempty" doc:"The content of facts by their kinds, such as page.*: 800d; what is not named stays. The chain stays whole"`
	Hold       string            `yaml:"hold,omitempty" json:"hold,omitempty" maxLength:"300" doc:"A legal hold, and why: while it is set, nothing is removed for its age"`
}

// Forever is the age of what is never removed.
const Forever = time.Duration(0)

const (
	day      = 24 * time.Hour
	mostDays = 36500
	mostHold = 300
)

// defaultRetention is what counts where nothing else is said.
var defaultRetention = Retention{Alerts: "400d", Deliveries: "400d", Inbox: "7d", Files: "forever"}

// least is the shortest age of each.
var least = map[string]time.Duration{"alerts": 30 * day, "deliveries": 7 * day, "inbox": day, "files": 30 * day, "facts": 30 * day}

var kindPattern = regexp.MustCompile(`^[a-z]+\.[a-z_]*\*?$`)

// ParseAge reads an age such as 400d, 52w, 2y or forever, which is 0.
func ParseAge(s string) (time.Duration, error) {
	if s == "forever" {
		return Forever, nil
	}
	unit := map[byte]int{'d': 1, 'w': 7, 'y': 365}
	if len(s) > 1 {
		n, err := strconv.Atoi(s[:len(s)-1])
		if days := n * unit[s[len(s)-1]]; err == nil && n > 0 && n <= mostDays && days > 0 && days <= mostDays {
			return time.Duration(days) * day, nil
		}
	}
	return 0, mainstay.Errorf(mainstay.Invalid, "%q is not an age such as 400d, 52w, 2y or forever", s)
}

// Check says what is wrong, field by field.
func (r Retention) Check() error {
	var faults mainstay.Faults
	for _, f := range r.ages() {
		if f.text != "" {
			checkAge(&faults, f.name, f.text, least[f.name])
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Facts)) {
		name := "facts." + kind
		if noun, _, _ := strings.Cut(kind, "."); !kindPattern.MatchString(kind) || noun == "journal" || noun == "retention" {
			faults.Add(name, "%q is neither a kind of facts such as page.opened nor a pattern such as page.*, of which content may go", kind)
			continue
		}
		if !slices.ContainsFunc(fact.Kinds(), func(k string) bool { return matches(kind, k) }) {
			faults.Add(name, "there is no kind of facts %q", kind)
		}
		checkAge(&faults, name, r.Facts[kind], least["facts"])
	}
	if len(r.Hold) > mostHold {
		faults.Add("hold", "at most %d characters", mostHold)
	}
	return faults.Err()
}

func checkAge(faults *mainstay.Faults, name, text string, least time.Duration) {
	d, err := ParseAge(text)
	switch {
	case err != nil:
		faults.Add(name, "%s", mainstay.ErrorMessage(err))
	case d != Forever && d < least:
		faults.Add(name, "at least %d days", int(least/day))
	}
}

func matches(pattern, kind string) bool {
	ok, err := path.Match(pattern, kind)
	return err == nil && ok
}

type namedAge struct{ name, text string }

func (r Retention) ages() []namedAge {
	return []namedAge{{"alerts", r.Alerts}, {"deliveries", r.Deliveries}, {"inbox", r.Inbox}, {"files", r.Files}}
}

// Age is how long "alerts", "deliveries", "inbox" or "files" are kept, Forever when they are for ever. r must be whole.
func (r Retention) Age(what string) time.Duration {
	for _, f := range r.ages() {
		if f.name == what {
			d, err := ParseAge(f.text)
			if err != nil {
				return Forever
			}
			return d
		}
	}
	return Forever
}

// FactRule is how long the content of facts of the kinds of a pattern is kept.
type FactRule struct {
	Pattern string
	Age     time.Duration
}

// Kinds are the kinds of facts that the rule is about.
func (f FactRule) Kinds() []string {
	return slices.DeleteFunc(fact.Kinds(), func(k string) bool { return !matches(f.Pattern, k) })
}

// FactRules are those rules under which content goes at all.
func (r Retention) FactRules() (list []FactRule) {
	for _, kind := range slices.Sorted(maps.Keys(r.Facts)) {
		if d, err := ParseAge(r.Facts[kind]); err == nil && d != Forever {
			list = append(list, FactRule{kind, d})
		}
	}
	return list
}

// over fills what r leaves out from below. A hold is nobody's but one's own.
func (r Retention) over(below Retention) Retention {
	for _, f := range []struct{ mine, other *string }{
		{&r.Alerts, &below.Alerts}, {&r.Deliveries, &below.Deliveries}, {&r.Inbox, &below.Inbox}, {&r.Files, &below.Files},
	} {
		if *f.mine == "" {
			*f.mine = *f.other
		}
	}
	facts := maps.Clone(below.Facts)
	if facts == nil {
		facts = map[string]string{}
	}
	maps.Copy(facts, r.Facts)
	r.Facts = facts
	return r
}

func (r Retention) same(o Retention) bool {
	return slices.Equal(r.ages(), o.ages()) && r.Hold == o.Hold && maps.Equal(r.Facts, o.Facts)
}

const retentionName = "retention"

// Retention is what the project itself says, or the installation with mainstay.Installation.
func (s *Service) Retention(ctx context.Context, project string) (r Retention, err error) {
	text, err := s.store.Value(ctx, project, retentionName)
	if mainstay.Is(err, mainstay.NotFound) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &r)
	}
	return r, err
}

// Kept is what counts for the project: its own word, over the installation's, over the defaults. A hold of the installation holds every
// project.
func (s *Service) Kept(ctx context.Context, project string) (Retention, error) {
	all, err := s.Retention(ctx, mainstay.Installation)
	if err != nil {
		return all, err
	}
	own, hold := all, all.Hold
	if project != mainstay.Installation {
		if own, err = s.Retention(ctx, project); err != nil {
			return own, err
		}
		own = own.over(all)
		if own.Hold == "" {
			own.Hold = hold
		}
	}
	return own.over(defaultRetention), nil
}

// DefineRetention makes the retention of a project, or with "" of the installation, be as the spec says.
func (s *Service) DefineRetention(ctx context.Context, actor mainstay.Actor, project, name string, spec Retention) (bool, error) {
	if name != "default" {
		return false, mainstay.Faults{"name": "There is one manifest of this kind, and its name is default."}.Err()
	}
	spec.Hold = strings.TrimSpace(spec.Hold)
	if err := spec.Check(); err != nil {
		return false, err
	}
	if project == "" {
		project = mainstay.Installation
	}
	has, err := s.Retention(ctx, project)
	if err != nil || has.same(spec) {
		return false, err
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return false, err
	}
	now := s.time.Now()
	set := commit.Set{Facts: []fact.Fact{fact.New(now, project, actor, fact.SettingChanged{Name: retentionName})}}
	if (has.Hold == "") != (spec.Hold == "") {
		set.Facts = append(set.Facts, fact.New(now, project, actor, fact.RetentionHeld{Held: spec.Hold != ""}))
	}
	return true, s.store.Put(ctx, project, retentionName, string(text), set)
}

// RetentionSpecs are the manifests of a project, or with "" of the installation: none while nothing is said.
func (s *Service) RetentionSpecs(ctx context.Context, project string) (map[string]Retention, error) {
	if project == "" {
		project = mainstay.Installation
	}
	has, err := s.Retention(ctx, project)
	if err != nil || has.same(Retention{}) {
		return nil, err
	}
	return map[string]Retention{"default": has}, nil
}

// AgeWords says an age for people.
func AgeWords(d time.Duration) string {
	if d == Forever {
		return "for ever"
	}
	if d == day {
		return "a day"
	}
	return fmt.Sprintf("%d days", int(d/day))
}

// DefaultRetention is what counts where nobody says anything.
func DefaultRetention() Retention { return defaultRetention }
