// Package webhook owns the endpoints outside to which facts are delivered as signed CloudEvents: what each one wants, how far it has
// come, when it is tried again, and the log of every attempt. It never copies a fact for an endpoint: a cursor into the journal is
// the queue, so a receiver that is dead for days costs a row and no memory.
package webhook

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/fact"
)

// State says whether an endpoint is delivered to.
type State string

// The states. Only an Active endpoint is delivered to; from the others it resumes where it stopped.
const (
	Active   State = "active"
	Paused   State = "paused"   // by a person
	Disabled State = "disabled" // by Mainstay; Reason says why
)

// Mode is the shape of a request: CloudEvents' content modes of the HTTP binding.
type Mode string

// The modes. A structured event is one JSON object; a binary one has its attributes in headers and its data as the body.
const (
	Structured Mode = "structured"
	Binary     Mode = "binary"
)

// Limits of an endpoint.
const (
	MaxBatch  = 100 // events in one request
	MaxDays   = 30  // of failure until it is disabled
	days      = 3   // the default
	maxKinds  = 50
	maxOthers = 20 // subjects, labels
)

// Spec is an endpoint as a manifest describes it (kinds Webhook and InstallationWebhook).
type Spec struct {
	URL         string            `yaml:"url" json:"url" doc:"where events are posted; public, or opened by the operator with --allow-targets"`
	Description string            `yaml:"description,omitempty" json:"description,omitempty" maxLength:"300" doc:"What it is for"`
	Kinds       []string          `yaml:"kinds,omitempty" json:"kinds,omitempty" maxItems:"50" doc:"kinds of facts, such as incident.declared, or patterns such as incident.*; none means all"`
	Subjects    []string          `yaml:"subjects,omitempty" json:"subjects,omitempty" maxItems:"20" doc:"only facts about one of these: a kind such as incident, or kind:name such as service:checkout"`
	Labels      map[string]string `yaml:"labels,omitempty" json:"labels,omitempty" doc:"only facts about an object with all of these labels"`
	Mode        Mode              `yaml:"mode,omitempty" json:"mode,omitempty" enum:"structured,binary" doc:"default structured"`
	Batch       int               `yaml:"batch,omitempty" json:"batch,omitempty" minimum:"0" maximum:"100" doc:"at most so many events in one request, as a JSON array; 0 for one event a request"`
	Private     bool              `yaml:"private,omitempty" json:"private,omitempty" doc:"facts about private objects, identities, access and secrets' names leave too; only an administrator may say so"`
	DisableDays int               `yaml:"disableAfterDays,omitempty" json:"disableAfterDays,omitempty" minimum:"0" maximum:"30" doc:"so many days of nothing but failures disable it; default 3"`
	Paused      bool              `yaml:"paused,omitempty" json:"paused,omitempty" doc:"deliver nothing for now"`
	Secret      string            `yaml:"secret,omitempty" json:"secret,omitempty" maxLength:"200" secret:"kept" doc:"whsec_ and base64; made when left out; never shown again by export"`
}

// Secret is one key that requests are signed with.
type Secret struct {
	Plain   string    `json:"-"`
	Sealed  string    `json:"sealed"`
	Created time.Time `json:"created"`
	Until   time.Time `json:"until,omitzero"` // signs no more from then on; zero for the newest
}

// Health is how delivery goes.
type Health struct {
	Failures int       // attempts in a row that failed
	Since    time.Time // of the first of them
	Aside    int       // events in a row that the receiver refused for what they are
	Next     time.Time // nothing is tried before
	LastOK   time.Time
	LastTry  time.Time
	Error    string // of the last attempt, "" when it succeeded
}

// Endpoint is one receiver.
type Endpoint struct {
	ID        string
	Project   string // project id, or mainstay.Installation: facts of all projects and of none
	Name      string // unique in the project
	Spec      Spec   // without Secret and Paused
	Secrets   []Secret
	State     State
	Reason    string // why it is disabled, in words
	Health    Health
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int64
}

// Ref points at the endpoint.
func (e Endpoint) Ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindWebhook, ID: e.ID} }

// Title is what the endpoint is called in lists.
func (e Endpoint) Title() string {
	if e.Spec.Description != "" {
		return e.Spec.Description
	}
	return e.Name
}

// covers reports whether the endpoint wants facts of the project.
func (e Endpoint) covers(project string) bool {
	return e.Project == mainstay.Installation || e.Project == project
}

// Signing are the secrets that count at now, the newest first, opened.
func (e Endpoint) Signing(now time.Time) []string {
	var list []string
	for _, s := range e.Secrets {
		if s.Until.IsZero() || now.Before(s.Until) {
			list = append(list, s.Plain)
		}
	}
	return list
}

// patience is how long nothing but failures is borne.
func (e Endpoint) patience() time.Duration {
	n := e.Spec.DisableDays
	if n == 0 {
		n = days
	}
	return time.Duration(n) * 24 * time.Hour
}

// Confidential reports whether facts of the kind leave only through an endpoint that an administrator marked private: who signs in,
// who may do what, and what keys and tokens there are.
func Confidential(kind string) bool {
	noun, _, _ := strings.Cut(kind, ".")
	return slices.Contains([]string{"identity", "access", "token", "key", "person", "setting"}, noun)
}

// Selects lists the kinds of facts that the patterns select, of those that leave by such an endpoint; nil for every one there is or
// will be.
func (s Spec) Selects() []string {
	if len(s.Kinds) == 0 && s.Private {
		return nil
	}
	list := []string{}
	for _, k := range fact.Kinds() {
		if (s.Private || !Confidential(k)) && s.wants(k) {
			list = append(list, k)
		}
	}
	return list
}

// wants reports whether a pattern selects the kind. "incident.*" and "incident" both mean every kind of that noun.
func (s Spec) wants(kind string) bool {
	return len(s.Kinds) == 0 || slices.ContainsFunc(s.Kinds, func(p string) bool {
		return p == kind || p == "*" || strings.HasPrefix(kind, p+".") || matches(p, kind)
	})
}

func matches(pattern, kind string) bool {
	ok, err := path.Match(pattern, kind)
	return ok && err == nil
}

var (
	nameShape    = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	patternShape = regexp.MustCompile(`^[a-z*][a-z_.*]{0,99}$`)
	subjectShape = regexp.MustCompile(`^[a-z]{2,30}(:[^\s:]{1,100})?$`)
)

// check says what is wrong with a definition, field by field. address is the guard's.
func (s *Spec) check(name string, address func(string) error, secret func(string) error) error {
	var f mainstay.Faults
	if !nameShape.MatchString(name) {
		f.Add("name", "a name has lower-case letters, digits and hyphens, at most 63")
	}
	s.URL = strings.TrimSpace(s.URL)
	if err := address(s.URL); err != nil {
		f.Add("url", "%s", mainstay.ErrorMessage(err))
	}
	if len(s.Description) > 300 {
		f.Add("description", "at most 300 characters")
	}
	s.checkFilter(&f)
	switch s.Mode {
	case "", Structured:
		s.Mode = Structured
	case Binary:
		if s.Batch > 0 {
			f.Add("batch", "events in binary mode come one by one")
		}
	default:
		f.Add("mode", "structured or binary")
	}
	if s.Batch < 0 || s.Batch > MaxBatch {
		f.Add("batch", "0 to %d events", MaxBatch)
	}
	if s.DisableDays < 0 || s.DisableDays > MaxDays {
		f.Add("disableAfterDays", "1 to %d days", MaxDays)
	}
	if s.Secret != "" {
		if err := secret(s.Secret); err != nil {
			f.Add("secret", "%s", mainstay.ErrorMessage(err))
		}
	}
	return f.Err()
}

func (s *Spec) checkFilter(f *mainstay.Faults) {
	if len(s.Kinds) > maxKinds || len(s.Subjects) > maxOthers || len(s.Labels) > maxOthers {
		f.Add("kinds", "at most %d kinds, %d subjects and %d labels", maxKinds, maxOthers, maxOthers)
	}
	for _, k := range s.Kinds {
		one := Spec{Kinds: []string{k}, Private: true}
		switch {
		case !patternShape.MatchString(k):
			f.Add("kinds", "%q is no kind of fact", k)
		case len(one.Selects()) == 0:
			f.Add("kinds", "no kind of fact is called %q; /webhooks/events lists them", k)
		case !s.Private && !slices.ContainsFunc(one.Selects(), func(k string) bool { return !Confidential(k) }):
			f.Add("kinds", "%q leaves only through an endpoint that is marked private", k)
		}
	}
	for _, r := range s.Subjects {
		if !subjectShape.MatchString(r) {
			f.Add("subjects", "%q is neither a kind of object nor kind:name", r)
		}
	}
	for k, v := range s.Labels {
		if k == "" || len(k) > 100 || len(v) > 300 {
			f.Add("labels", "a label has a name of at most 100 characters and a value of at most 300")
		}
	}
}

// differs names the fields in which two definitions differ.
func (s Spec) differs(o Spec) []string {
	var a, b map[string]json.RawMessage
	x, errX := json.Marshal(s)
	y, errY := json.Marshal(o)
	if errX != nil || errY != nil || json.Unmarshal(x, &a) != nil || json.Unmarshal(y, &b) != nil {
		return []string{"spec"}
	}
	var names []string
	for k := range a {
		if string(a[k]) != string(b[k]) {
			names = append(names, k)
		}
	}
	for k := range b {
		if _, both := a[k]; !both {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	return names
}
