package communication

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// State is the public state of a component, in the words that status pages share.
type State string

// The states.
const (
	Operational      State = "operational"
	Degraded         State = "degraded_performance"
	PartialOutage    State = "partial_outage"
	MajorOutage      State = "major_outage"
	UnderMaintenance State = "under_maintenance"
)

// States lists all states, best first.
func States() []State {
	return []State{Operational, UnderMaintenance, Degraded, PartialOutage, MajorOutage}
}

// Valid reports whether s is one of the states.
func (s State) Valid() bool { return slices.Contains(States(), s) }

// Rank orders states, 0 for the best.
func (s State) Rank() int { return max(slices.Index(States(), s), 0) }

// Words is how the state is said to people.
func (s State) Words() string {
	switch s {
	case Operational:
		return "Works"
	case Degraded:
		return "Slower than usual"
	case PartialOutage:
		return "Partly down"
	case MajorOutage:
		return "Down"
	case UnderMaintenance:
		return "Maintenance"
	}
	return string(s)
}

// Component is a part of the product in the users' words. A group gathers components and has the worst of their states.
type Component struct {
	ID                 string
	Project            string // project id, or mainstay.Installation
	Name               string // the manifest's name
	Title, Description string
	IsGroup            bool
	Group              string // id of the group it belongs to; "" for none
	Service            string // id of the service it stands for; "" for none
	Position           int
	Showcase           bool
	OnlyIfDegraded     bool
	Since              time.Time // the date from which it is counted; unset for none
	Hand               State     // as people and posts set it
	Reason             string    // why a person set it so; never public
	Windows            []string  // maintenance windows that are under way
	CreatedAt          time.Time
	UpdatedAt          time.Time
	Retired            time.Time // when it was taken out of use
	Version            int64
}

// State is what the public sees: maintenance covers what is good or slow, never an outage.
func (c Component) State() State {
	if len(c.Windows) > 0 && c.Hand.Rank() < PartialOutage.Rank() {
		return UnderMaintenance
	}
	if c.Hand == "" {
		return Operational
	}
	return c.Hand
}

// Ref points at the component.
func (c Component) Ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindComponent, ID: c.ID} }

func (c Component) object() commit.Object {
	return commit.Object{
		Ref: c.Ref(), Project: c.Project, Name: c.Name, Title: c.Title, State: string(c.State()),
		Text: c.Description, At: c.UpdatedAt,
	}
}

// set changes the component by f and returns what must commit with it: its entry in the register, and a fact when the public
// state changed. about are further subjects of the fact.
func (c *Component) set(now time.Time, by mainstay.Actor, f func(*Component), about ...mainstay.Ref) commit.Set {
	before := c.State()
	f(c)
	c.UpdatedAt = now
	set := commit.Set{Objects: []commit.Object{c.object()}}
	if after := c.State(); after != before {
		set.Facts = append(set.Facts, fact.New(now, c.Project, by,
			fact.ComponentChanged{Component: c.ID, Name: c.Title, From: string(before), To: string(after)},
			append([]mainstay.Ref{c.Ref()}, about...)...))
	}
	return set
}

// Interval is a stretch of time in one state. Until is unset for the one that goes on.
type Interval struct {
	Component   string
	State       State
	From, Until time.Time
}

// ComponentSpec is a component in a manifest.
type ComponentSpec struct {
	Title              string   `yaml:"title" json:"title" doc:"What users call it"`
	Description        string   `yaml:"description,omitempty" json:"description,omitempty" maxLength:"1000" doc:"For users"`
	Group              GroupRef `yaml:"group,omitempty" json:"group,omitempty" names:"Component" doc:"True for a group itself, else the name of the group it belongs to"`
	Service            string   `yaml:"service,omitempty" json:"service,omitempty" names:"Service" doc:"Name of the service it stands for"`
	Position           int      `yaml:"position,omitempty" json:"position,omitempty" minimum:"0" maximum:"100000" doc:"Order on the page"`
	Showcase           *bool    `yaml:"showcase,omitempty" json:"showcase,omitempty" doc:"Show the bars of 90 days; default true"`
	OnlyShowIfDegraded bool     `yaml:"onlyShowIfDegraded,omitempty" json:"onlyShowIfDegraded,omitempty" doc:"Show it only while something is wrong with it"`
	StartDate          string   `yaml:"startDate,omitempty" json:"startDate,omitempty" doc:"Such as 2026-03-17: counted from then on"`
}

// GroupRef says how a component stands to groups: "true" is a group itself (group: true), any other text is the name of the
// group it belongs to, and "" is neither.
type GroupRef string

const isGroup GroupRef = "true"

// UnmarshalYAML takes a boolean or a name.
func (g *GroupRef) UnmarshalYAML(decode func(any) error) error {
	var v any
	if err := decode(&v); err != nil {
		return err
	}
	switch v := v.(type) {
	case nil:
		*g = ""
	case bool:
		*g = ""
		if v {
			*g = isGroup
		}
	case string:
		*g = GroupRef(v)
	default:
		return fmt.Errorf("group must be true, or the name of a group")
	}
	return nil
}

// MarshalYAML writes true for a group.
func (g GroupRef) MarshalYAML() (any, error) {
	if g == isGroup {
		return true, nil
	}
	return string(g), nil
}

var nameShape = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// check says what is wrong with a component's definition.
func (s ComponentSpec) check(name string) error {
	var f mainstay.Faults
	if !nameShape.MatchString(name) || name == string(isGroup) {
		f.Add("name", "a name has lower-case letters, digits and hyphens, at most 63")
	}
	if strings.TrimSpace(s.Title) == "" {
		f.Add("title", "say what users call it")
	}
	if len(s.Title) > 200 {
		f.Add("title", "at most 200 characters")
	}
	if len(s.Description) > 1000 {
		f.Add("description", "at most 1,000 characters")
	}
	if s.Group != "" && s.Group != isGroup && !nameShape.MatchString(string(s.Group)) {
		f.Add("group", "either true, for a group, or the name of a group")
	}
	if string(s.Group) == name {
		f.Add("group", "a component cannot be in itself")
	}
	if s.Group == isGroup && s.Service != "" {
		f.Add("service", "a group stands for no service; its components do")
	}
	if s.Position < 0 || s.Position > 100_000 {
		f.Add("position", "between 0 and 100,000")
	}
	if s.StartDate != "" {
		if _, err := time.Parse(time.DateOnly, s.StartDate); err != nil {
			f.Add("startDate", "a date such as 2026-03-17")
		}
	}
	return f.Err()
}

// apply puts the checked definition on the component and names what changed.
func (s ComponentSpec) apply(c *Component, group, service string) (changed []string) {
	set := func(field string, differs bool) {
		if differs {
			changed = append(changed, field)
		}
	}
	since := time.Time{}
	if s.StartDate != "" {
		since, _ = time.Parse(time.DateOnly, s.StartDate)
	}
	showcase := s.Showcase == nil || *s.Showcase
	set("title", c.Title != s.Title)
	set("description", c.Description != s.Description)
	set("group", c.IsGroup != (s.Group == isGroup) || c.Group != group)
	set("service", c.Service != service)
	set("position", c.Position != s.Position)
	set("showcase", c.Showcase != showcase)
	set("onlyShowIfDegraded", c.OnlyIfDegraded != s.OnlyShowIfDegraded)
	set("startDate", !c.Since.Equal(since))
	c.Title, c.Description, c.IsGroup, c.Group, c.Service = s.Title, s.Description, s.Group == isGroup, group, service
	c.Position, c.Showcase, c.OnlyIfDegraded, c.Since = s.Position, showcase, s.OnlyShowIfDegraded, since
	return changed
}
