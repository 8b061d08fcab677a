package escalation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// PolicySpec is what a manifest of kind EscalationPolicy says.
type PolicySpec struct {
	Title       string     `yaml:"title,omitempty" json:"title,omitempty" maxLength:"200" doc:"For people; default: the name"`
	Steps       []StepSpec `yaml:"steps" json:"steps" minItems:"1" maxItems:"20" doc:"Whom it pages, one step after the other"`
	Repeats     int        `yaml:"repeats,omitempty" json:"repeats,omitempty" minimum:"0" maximum:"50" doc:"How often all steps are taken again; default 0"`
	RepeatAfter string     `yaml:"repeatAfter,omitempty" json:"repeatAfter,omitempty" doc:"Such as 10m: from the last step to the next round, or to the end without an answer; default: the last step's delay, else 5m"`
}

// StepSpec is one step of a policy.
type StepSpec struct {
	Delay   string   `yaml:"delay,omitempty" json:"delay,omitempty" doc:"Such as 5m: after the step before, or after the opening; at once when absent"`
	Targets []string `yaml:"targets" json:"targets" names:"schedule:Schedule person:Person team:Team" minItems:"1" maxItems:"20" doc:"schedule:NAME, person:NAME or team:NAME; all of them are paged"`
}

// Policy says whom a page reaches, in what order and how soon. A page carries a copy of the one that it was opened with.
type Policy struct {
	ID          string        `json:"id"`
	Project     string        `json:"project"`
	Name        string        `json:"name"`
	Title       string        `json:"title,omitempty"`
	Steps       []Step        `json:"steps"`
	Repeats     int           `json:"repeats,omitempty"`
	RepeatAfter time.Duration `json:"repeatAfter"` // nanoseconds
	Revision    int64         `json:"revision"`
	Retired     time.Time     `json:"retired,omitzero"` // when it was taken out of use
}

// Step is one step of a policy.
type Step struct {
	Delay   time.Duration `json:"delay"` // nanoseconds
	Targets []Target      `json:"targets"`
}

// Target is a schedule, person or team that a step pages.
type Target struct {
	Kind mainstay.Kind `json:"kind"`
	ID   string        `json:"id"`
	Name string        `json:"name"`
}

func (t Target) String() string { return string(t.Kind) + ":" + t.Name }

// Ref points at the policy.
func (p *Policy) Ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindPolicy, ID: p.ID} }

// Called is the title for people; a policy without one is called by its name.
func (p *Policy) Called() string { return cmp.Or(p.Title, p.Name) }

// Spec is the policy as a manifest says it.
func (p *Policy) Spec() PolicySpec {
	s := PolicySpec{Title: p.Title, Repeats: p.Repeats}
	for _, st := range p.Steps {
		step := StepSpec{}
		if st.Delay > 0 {
			step.Delay = short(st.Delay)
		}
		for _, t := range st.Targets {
			step.Targets = append(step.Targets, t.String())
		}
		s.Steps = append(s.Steps, step)
	}
	if p.RepeatAfter != pause(p.Steps) {
		s.RepeatAfter = short(p.RepeatAfter)
	}
	return s
}

// short writes a duration without zero parts: 5m, not 5m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// pause is how long a round is waited for when the policy does not say.
func pause(steps []Step) time.Duration {
	if n := len(steps); n > 0 && steps[n-1].Delay > 0 {
		return steps[n-1].Delay
	}
	return 5 * time.Minute
}

const (
	maxSteps   = 20
	maxTargets = 20
	maxRepeats = 50
	maxDelay   = 7 * 24 * time.Hour
)

func parseDelay(field, s string, f *mainstay.Faults) time.Duration {
	if s == "" || s == "0" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > maxDelay {
		f.Add(field, "%q is not a time such as 5m or 90s, at most 7 days (168h)", s)
		return 0
	}
	return d
}

// parse translates the spec; targets get their ids from find.
func (s PolicySpec) parse(find func(kind mainstay.Kind, name string) (id string, err error)) (Policy, error) {
	var f mainstay.Faults
	p := Policy{Title: s.Title, Repeats: s.Repeats}
	if len(s.Title) > 200 {
		f.Add("title", "use at most 200 bytes")
	}
	if len(s.Steps) == 0 || len(s.Steps) > maxSteps {
		f.Add("steps", "give 1 to %d steps", maxSteps)
	}
	if s.Repeats < 0 || s.Repeats > maxRepeats {
		f.Add("repeats", "use a number from 0 to %d", maxRepeats)
	}
	for i, st := range s.Steps {
		at := fmt.Sprintf("steps[%d].", i)
		step := Step{Delay: parseDelay(at+"delay", st.Delay, &f)}
		if len(st.Targets) == 0 || len(st.Targets) > maxTargets {
			f.Add(at+"targets", "give 1 to %d targets", maxTargets)
		}
		for _, text := range st.Targets {
			t, err := parseTarget(text, find)
			if err != nil && mainstay.ErrorCode(err) == mainstay.Internal {
				return Policy{}, err
			}
			if err != nil {
				f.Add(at+"targets", "%s", mainstay.ErrorMessage(err))
			}
			step.Targets = append(step.Targets, t)
		}
		p.Steps = append(p.Steps, step)
	}
	p.RepeatAfter = pause(p.Steps)
	if s.RepeatAfter != "" {
		if p.RepeatAfter = parseDelay("repeatAfter", s.RepeatAfter, &f); p.RepeatAfter < 10*time.Second {
			f.Add("repeatAfter", "wait at least 10s")
		}
	}
	return p, f.Err()
}

func parseTarget(text string, find func(mainstay.Kind, string) (string, error)) (Target, error) {
	kind, name, _ := strings.Cut(strings.TrimSpace(text), ":")
	t := Target{Kind: mainstay.Kind(kind), Name: name}
	if t.Kind != mainstay.KindSchedule && t.Kind != mainstay.KindPerson && t.Kind != mainstay.KindTeam || name == "" {
		return t, mainstay.Errorf(mainstay.Invalid, "%q is not a target: use schedule:NAME, person:NAME or team:NAME", text)
	}
	id, err := find(t.Kind, name)
	if mainstay.Is(err, mainstay.NotFound) {
		return t, mainstay.Errorf(mainstay.Invalid, "there is no %s %q", kind, name)
	}
	t.ID = id
	return t, err
}

func (p *Policy) same(o Policy) bool {
	return p.Title == o.Title && p.Repeats == o.Repeats && p.RepeatAfter == o.RepeatAfter &&
		slices.EqualFunc(p.Steps, o.Steps, func(a, b Step) bool { return a.Delay == b.Delay && slices.Equal(a.Targets, b.Targets) })
}

// define is the rule of a new definition.
func (p *Policy) define(now time.Time, actor mainstay.Actor, to Policy) commit.Set {
	if p.ID != "" && p.Retired.IsZero() && p.same(to) {
		return commit.Set{}
	}
	p.Retired = time.Time{}
	var fields []string
	if p.ID == "" {
		p.ID = mainstay.NewID(now)
	} else {
		for name, differs := range map[string]bool{
			"title": p.Title != to.Title, "repeats": p.Repeats != to.Repeats, "repeatAfter": p.RepeatAfter != to.RepeatAfter,
			"steps": !slices.EqualFunc(p.Steps, to.Steps, func(a, b Step) bool { return a.Delay == b.Delay && slices.Equal(a.Targets, b.Targets) }),
		} {
			if differs {
				fields = append(fields, name)
			}
		}
		slices.Sort(fields)
	}
	p.Title, p.Steps, p.Repeats, p.RepeatAfter = to.Title, to.Steps, to.Repeats, to.RepeatAfter
	p.Revision++
	return commit.Set{
		Facts: []fact.Fact{fact.New(now, p.Project, actor, fact.ObjectChanged{
			Kind: string(mainstay.KindPolicy), Name: p.Name, Fields: fields, Revision: p.Revision,
		}, p.Ref())},
		Objects: []commit.Object{{Ref: p.Ref(), Project: p.Project, Name: p.Name, Title: p.Called(), State: "active", At: now}},
	}
}
