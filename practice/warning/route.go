package warning

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/intake"
)

// RouteSpec is what a manifest of kind Route says: which alerts it is for, and what happens to them. The first route in order
// whose conditions all hold decides; a route without conditions is for every alert.
type RouteSpec struct {
	Order         int               `yaml:"order,omitempty" json:"order,omitempty" doc:"Lower goes first; equal ones by name"`
	Match         map[string]string `yaml:"match,omitempty" json:"match,omitempty" doc:"Label: exact value; an empty value means that the label is absent"`
	MatchRegex    map[string]string `yaml:"matchRegex,omitempty" json:"matchRegex,omitempty" doc:"Label: regular expression (RE2) that the whole value must match"`
	Service       string            `yaml:"service,omitempty" json:"service,omitempty" names:"Service" doc:"Name of a service; else the label service names it"`
	Policy        string            `yaml:"policy,omitempty" json:"policy,omitempty" names:"EscalationPolicy" doc:"Name of an escalation policy; without one nobody is paged"`
	Severity      string            `yaml:"severity,omitempty" json:"severity,omitempty" enum:"sev-1,sev-2,sev-3,sev-4" doc:"Fixed severity"`
	SeverityLabel string            `yaml:"severityLabel,omitempty" json:"severityLabel,omitempty" doc:"Else from this label; default severity"`
	SeverityMap   map[string]string `yaml:"severityMap,omitempty" json:"severityMap,omitempty" doc:"Value of the label: severity"`
	Urgency       string            `yaml:"urgency,omitempty" json:"urgency,omitempty" enum:"high,low" doc:"Default high"`
}

// Route is a route of a project.
type Route struct {
	ID        string
	Project   string
	Name      string
	ServiceID string
	Spec      RouteSpec
	Version   int64
}

const (
	maxConditions = 32
	maxPattern    = 1024
)

// Check says what is wrong with a route, field by field of the manifest.
func (s RouteSpec) Check() error {
	var faults mainstay.Faults
	if len(s.Match)+len(s.MatchRegex) > maxConditions {
		faults.Add("match", "has %d conditions with matchRegex, at most %d are possible", len(s.Match)+len(s.MatchRegex), maxConditions)
	}
	for n, v := range s.Match {
		if n == "" || len(n)+len(v) > maxPattern {
			faults.Add("match", "a label needs a name, and name and value together at most %d bytes", maxPattern)
		}
	}
	for n, p := range s.MatchRegex {
		if n == "" || len(n)+len(p) > maxPattern {
			faults.Add("matchRegex", "a label needs a name, and name and pattern together at most %d bytes", maxPattern)
		} else if _, err := anchored(p); err != nil {
			faults.Add("matchRegex", "%s: %v", n, err)
		}
	}
	if s.Severity != "" && !mainstay.Severity(s.Severity).Valid() {
		faults.Add("severity", "%q is none of sev-1, sev-2, sev-3, sev-4", s.Severity)
	}
	for word, sev := range s.SeverityMap {
		if !mainstay.Severity(sev).Valid() {
			faults.Add("severityMap", "%s: %q is none of sev-1, sev-2, sev-3, sev-4", word, sev)
		}
	}
	if s.Urgency != "" && s.Urgency != "high" && s.Urgency != "low" {
		faults.Add("urgency", "%q is neither high nor low", s.Urgency)
	}
	return faults.Err()
}

func anchored(pattern string) (*regexp.Regexp, error) { return regexp.Compile("^(?:" + pattern + ")$") }

// compiled is a route ready to decide.
type compiled struct {
	Route
	labels   intake.Labels
	patterns []pattern
	why      string
}

type pattern struct {
	name string
	re   *regexp.Regexp
}

// compile readies routes, in the order in which they decide. One that cannot be used is left out and is an error.
func compile(routes []Route) (list []*compiled, err error) {
routes:
	for _, r := range routes {
		c := &compiled{Route: r, labels: intake.LabelsOf(r.Spec.Match)}
		for _, n := range slices.Sorted(maps.Keys(r.Spec.MatchRegex)) {
			re, bad := anchored(r.Spec.MatchRegex[n])
			if bad != nil {
				err = errors.Join(err, fmt.Errorf("route %s: %w", r.Name, bad))
				continue routes
			}
			c.patterns = append(c.patterns, pattern{n, re})
		}
		c.why = c.reason()
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b *compiled) int {
		return cmp.Or(cmp.Compare(a.Spec.Order, b.Spec.Order), cmp.Compare(a.Name, b.Name))
	})
	return list, err
}

func (c *compiled) matches(l intake.Labels) bool {
	for _, m := range c.labels {
		if l.Get(m.Name) != m.Value {
			return false
		}
	}
	for _, p := range c.patterns {
		if !p.re.MatchString(l.Get(p.name)) {
			return false
		}
	}
	return true
}

// directory is what deciding needs to know of one project.
type directory struct {
	routes   []*compiled
	services map[string]string // id by name
}

// decide finds the route of a new alert and what follows from it.
func (d *directory) decide(b *intake.Batch, sig *intake.Signal) decision {
	out := decision{service: b.Service, urgency: "high"}
	if out.service == "" {
		out.service = d.services[sig.Labels.Get("service")]
	}
	for _, r := range d.routes {
		if !r.matches(sig.Labels) {
			continue
		}
		out.route, out.routed, out.policy = r.ID, r.Name, r.Spec.Policy
		if r.ServiceID != "" {
			out.service = r.ServiceID
		}
		if r.Spec.Urgency != "" {
			out.urgency = r.Spec.Urgency
		}
		out.severity = r.severity(sig.Labels)
		out.why = r.why
		return out
	}
	out.severity = severityOf(sig.Labels.Get("severity"))
	out.why = "No route matches it, so nobody is paged."
	if len(d.routes) == 0 {
		out.why = "The project has no route, so nobody is paged."
	}
	return out
}

func (c *compiled) severity(l intake.Labels) mainstay.Severity {
	if c.Spec.Severity != "" {
		return mainstay.Severity(c.Spec.Severity)
	}
	word := l.Get(cmp.Or(c.Spec.SeverityLabel, "severity"))
	if s, ok := c.Spec.SeverityMap[word]; ok {
		return mainstay.Severity(s)
	}
	return severityOf(word)
}

// reason says why the route decided, and what.
func (c *compiled) reason() string {
	var conditions []string
	for _, m := range c.labels {
		conditions = append(conditions, clean(m.Name, 60)+" is "+clean(m.Value, 60))
	}
	for _, p := range c.patterns {
		conditions = append(conditions, clean(p.name, 60)+" matches "+clean(c.Spec.MatchRegex[p.name], 60))
	}
	because := "it takes every alert"
	if len(conditions) > 0 {
		because = strings.Join(conditions, ", ")
	}
	if c.Spec.Policy == "" {
		return fmt.Sprintf("Route %s decided (%s): it names no policy, so nobody is paged.", c.Name, because)
	}
	return fmt.Sprintf("Route %s decided (%s): paged by policy %s.", c.Name, because, c.Spec.Policy)
}
