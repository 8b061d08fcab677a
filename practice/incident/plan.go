package incident

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
)

// Span is a length of time that is written as "5m" or "1h30m" in manifests and the API.
type Span time.Duration

// Duration is the span as Go counts it.
func (s Span) Duration() time.Duration { return time.Duration(s) }

func (s Span) String() string {
	t := time.Duration(s).String()
	if strings.HasSuffix(t, "m0s") {
		t = strings.TrimSuffix(t, "0s")
	}
	if strings.HasSuffix(t, "h0m") {
		t = strings.TrimSuffix(t, "0m")
	}
	return t
}

// MarshalText implements encoding.TextMarshaler.
func (s Span) MarshalText() ([]byte, error) {
	if s == 0 {
		return nil, nil
	}
	return []byte(s.String()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler. Empty text is no span.
func (s *Span) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*s = 0
		return nil
	}
	d, err := time.ParseDuration(string(b))
	if err != nil || d < 0 {
		return mainstay.Errorf(mainstay.Invalid, "%q is no length of time; write it like 5m, 90s or 1h30m", b)
	}
	*s = Span(d)
	return nil
}

// StepSpec is one step of a plan.
type StepSpec struct {
	Title    string `yaml:"title" json:"title" minLength:"1" maxLength:"200" doc:"What is to be done"`
	Role     string `yaml:"role,omitempty" json:"role,omitempty" doc:"Who does it; default commander"`
	Within   Span   `yaml:"within,omitempty" json:"within,omitempty" doc:"Such as 15m, from the declaration on"`
	Template string `yaml:"template,omitempty" json:"template,omitempty" names:"PostTemplate" doc:"Name of the public text that it sends"`
}

// PlanSpec is what a manifest of kind IncidentPlan says.
type PlanSpec struct {
	Title string `yaml:"title,omitempty" json:"title,omitempty" maxLength:"200" doc:"For people; default: the name"`
	// Severities and Services say for which incidents the plan is meant; none means all. Services are names.
	Severities []mainstay.Severity `yaml:"severities,omitempty" json:"severities,omitempty" enum:"sev-1,sev-2,sev-3,sev-4" doc:"For which incidents it is meant; none means all"`
	Services   []string            `yaml:"services,omitempty" json:"services,omitempty" names:"Service" doc:"Names of services for whose incidents it is meant; none means all"`
	Roles      []string            `yaml:"roles,omitempty" json:"roles,omitempty" maxItems:"30" doc:"Default: commander, communications, scribe, expert; the commander is always there"`
	Steps      []StepSpec          `yaml:"steps,omitempty" json:"steps,omitempty" maxItems:"100" doc:"What is done, in order"`
	// Updates says per severity how often users are told something.
	Updates map[mainstay.Severity]Span `yaml:"updates,omitempty" json:"updates,omitempty" doc:"Severity: how often users are told something, such as sev-1: 20m"`
	// PostOnResolve asks for a last public word when an incident is resolved.
	PostOnResolve bool `yaml:"postOnResolve,omitempty" json:"postOnResolve,omitempty" doc:"Ask for a last public word when it is resolved"`
	// Restored says in words by what one sees that service is as before.
	Restored string `yaml:"restored,omitempty" json:"restored,omitempty" doc:"In words, by what one sees that service is as before"`
	// Contributors name the functions that had a hand in the plan, such as "support" or "legal".
	Contributors []string `yaml:"contributors,omitempty" json:"contributors,omitempty" doc:"Functions that had a hand in the plan, such as support or legal"`
}

// Plan is the newest version of a plan. A version is never edited: every change makes the next one.
type Plan struct {
	ID      string
	Project string // mainstay.Installation when it serves all projects
	Name    string
	Version int64
	Spec    PlanSpec
	By      mainstay.Actor // who made this version
	At      time.Time      // when
	Retired time.Time      // when it was taken out of use
}

// Title is the plan's title, or its name.
func (p Plan) Title() string {
	if p.Spec.Title != "" {
		return p.Spec.Title
	}
	return p.Name
}

// Ref points at the plan.
func (p Plan) Ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindPlan, ID: p.ID} }

// Snapshot is the plan as it stood when an incident was declared. It is kept with the incident and never changes.
type Snapshot struct {
	ID      string   `json:"id,omitempty"`
	Name    string   `json:"name,omitempty"`
	Version int64    `json:"version,omitempty"`
	Spec    PlanSpec `json:"spec"`
}

// Title is the plan's title, its name, or words that say that there was none.
func (s Snapshot) Title() string {
	switch {
	case s.Spec.Title != "":
		return s.Spec.Title
	case s.Name != "":
		return s.Name
	}
	return "No plan"
}

// Limits of a plan and of texts in an incident, in numbers and characters.
const (
	MaxSteps = 100
	MaxRoles = 30
	MaxTitle = 200
)

// standard are the roles of an incident without a plan, and of a plan that names none.
var standard = []string{Commander, "communications", "scribe", "expert"}

// normal fills in what every plan has: the commander, and a role for every step.
func (s PlanSpec) normal() PlanSpec {
	s.Title, s.Restored = strings.TrimSpace(s.Title), strings.TrimSpace(s.Restored)
	s.Roles = slices.Clone(s.Roles)
	if len(s.Roles) == 0 {
		s.Roles = slices.Clone(standard)
	}
	if !slices.Contains(s.Roles, Commander) {
		s.Roles = append([]string{Commander}, s.Roles...)
	}
	s.Steps = slices.Clone(s.Steps)
	for i := range s.Steps {
		s.Steps[i].Title = strings.TrimSpace(s.Steps[i].Title)
		if s.Steps[i].Role == "" {
			s.Steps[i].Role = Commander
		}
	}
	return s
}

// check says what is wrong with a normal spec.
func (s PlanSpec) check() mainstay.Faults {
	var f mainstay.Faults
	if utf8.RuneCountInString(s.Title) > MaxTitle {
		f.Add("title", "The title is longer than %d characters.", MaxTitle)
	}
	for _, v := range s.Severities {
		if !v.Valid() {
			f.Add("severities", "%q is no severity; use sev-1 to sev-4.", v)
		}
	}
	for v, span := range s.Updates {
		if !v.Valid() {
			f.Add("updates", "%q is no severity; use sev-1 to sev-4.", v)
		}
		if span != 0 && span.Duration() < time.Minute {
			f.Add("updates", "Users cannot be told more often than each minute.")
		}
	}
	s.checkRoles(&f)
	s.checkSteps(&f)
	return f
}

func (s PlanSpec) checkRoles(f *mainstay.Faults) {
	seen := map[string]bool{}
	for _, r := range s.Roles {
		switch {
		case r == "" || strings.TrimSpace(r) != r || utf8.RuneCountInString(r) > 60:
			f.Add("roles", "%q is no role; use a word or two, such as scribe.", r)
		case seen[r]:
			f.Add("roles", "The role %q is named twice.", r)
		}
		seen[r] = true
	}
	if len(s.Roles) > MaxRoles {
		f.Add("roles", "There are more than %d roles.", MaxRoles)
	}
}

func (s PlanSpec) checkSteps(f *mainstay.Faults) {
	if len(s.Steps) > MaxSteps {
		f.Add("steps", "There are more than %d steps.", MaxSteps)
	}
	for i, st := range s.Steps {
		field := fmt.Sprintf("steps[%d]", i)
		switch n := utf8.RuneCountInString(st.Title); {
		case n == 0:
			f.Add(field+".title", "Say what is to be done.")
		case n > MaxTitle:
			f.Add(field+".title", "The title is longer than %d characters.", MaxTitle)
		}
		if !slices.Contains(s.Roles, st.Role) {
			f.Add(field+".role", "The plan has no role %q.", st.Role)
		}
		if st.Within.Duration() > 365*24*time.Hour {
			f.Add(field+".within", "A step of an incident cannot take longer than a year.")
		}
	}
}

// differs names the fields in which two specs differ, in the order of the manifest.
func (s PlanSpec) differs(o PlanSpec) []string {
	var fields []string
	a, b := reflect.ValueOf(s), reflect.ValueOf(o)
	for i := range a.NumField() {
		x, y := a.Field(i), b.Field(i)
		empty := (x.Kind() == reflect.Slice || x.Kind() == reflect.Map) && x.Len() == 0 && y.Len() == 0
		if !empty && !reflect.DeepEqual(x.Interface(), y.Interface()) {
			name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("yaml"), ",")
			fields = append(fields, name)
		}
	}
	return fields
}

// Choose picks the plan that fits an incident best: one that names a service of it before one that names none, one that names
// its severity before one for all, the project's own before the installation's, then by name. Services are names. It reports
// false when none fits.
func Choose(plans []Plan, project string, severity mainstay.Severity, services []string) (Plan, bool) {
	best, score := Plan{}, -1
	for _, p := range plans {
		n := p.fits(project, severity, services)
		if n > score || n == score && n >= 0 && p.Name < best.Name {
			best, score = p, n
		}
	}
	return best, score >= 0
}

// fits is how well the plan fits, -1 when it does not.
func (p Plan) fits(project string, severity mainstay.Severity, services []string) int {
	n := 0
	switch {
	case p.Project == project:
		n++
	case p.Project != mainstay.Installation:
		return -1
	}
	if len(p.Spec.Severities) > 0 {
		if !slices.Contains(p.Spec.Severities, severity) {
			return -1
		}
		n += 2
	}
	if len(p.Spec.Services) > 0 {
		if !slices.ContainsFunc(p.Spec.Services, func(s string) bool { return slices.Contains(services, s) }) {
			return -1
		}
		n += 4
	}
	return n
}
