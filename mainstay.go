// Package mainstay owns the nouns that every other package shares: kinds of objects, references, actors,
// severities, errors with codes, identifiers and the one source of time. It never does I/O.
package mainstay

import (
	"fmt"
	"strings"
)

// Kind names what an object is. The words are those of the design and appear in URLs, facts and the API.
type Kind string

// The kinds of objects that exist.
const (
	KindProject      Kind = "project"
	KindService      Kind = "service"
	KindTeam         Kind = "team"
	KindPerson       Kind = "person"
	KindToken        Kind = "token"
	KindProvider     Kind = "provider" // of identities: who signs people in elsewhere
	KindKey          Kind = "key"
	KindAlert        Kind = "alert"
	KindRoute        Kind = "route"
	KindSchedule     Kind = "schedule"
	KindPolicy       Kind = "policy"
	KindPage         Kind = "page"
	KindNotification Kind = "notification"
	KindIncident     Kind = "incident"
	KindPlan         Kind = "plan"
	KindComponent    Kind = "component"
	KindPost         Kind = "post"
	KindWindow       Kind = "window"
	KindRootCause    Kind = "rootcause"
	KindArticle      Kind = "article"
	KindAction       Kind = "action"
	KindDocument     Kind = "document"
	KindExhibit      Kind = "exhibit"
	KindWebhook      Kind = "webhook" // an endpoint outside to which facts are delivered
	KindBackup       Kind = "backup"
)

// prefixes are the letters before the number of those kinds that people speak of by number.
var prefixes = map[Kind]string{
	KindAlert:     "ALR",
	KindPage:      "PAG",
	KindIncident:  "INC",
	KindAction:    "ACT",
	KindArticle:   "KB",
	KindRootCause: "RCA",
	KindWindow:    "WIN",
}

// Number renders a readable identifier such as INC-42. Kinds without a prefix render an empty string.
func (k Kind) Number(n int64) string {
	p, ok := prefixes[k]
	if !ok || n == 0 {
		return ""
	}
	return fmt.Sprintf("%s-%d", p, n)
}

// ParseNumber is the inverse of Kind.Number; the letters may be in either case.
func ParseNumber(s string) (Kind, int64, bool) {
	letters, digits, ok := strings.Cut(s, "-")
	if !ok {
		return "", 0, false
	}
	var n int64
	if _, err := fmt.Sscanf(digits, "%d", &n); err != nil || n <= 0 || fmt.Sprint(n) != digits {
		return "", 0, false
	}
	for k, p := range prefixes {
		if strings.EqualFold(p, letters) {
			return k, n, true
		}
	}
	return "", 0, false
}

// Ref points at one object. Its text form is "kind:id", the form of a fact's subject.
type Ref struct {
	Kind Kind   `json:"kind"`
	ID   string `json:"id"`
}

func (r Ref) String() string {
	if r.ID == "" {
		return ""
	}
	return string(r.Kind) + ":" + r.ID
}

// IsZero reports whether the reference points nowhere.
func (r Ref) IsZero() bool { return r.ID == "" }

// ParseRef is the inverse of Ref.String; text without a colon gives the zero Ref.
func ParseRef(s string) Ref {
	k, id, ok := strings.Cut(s, ":")
	if !ok {
		return Ref{}
	}
	return Ref{Kind: Kind(k), ID: id}
}

// ActorKind says who acted: a person, an API token, or Mainstay itself.
type ActorKind string

// The kinds of actors.
const (
	ActorPerson ActorKind = "person"
	ActorToken  ActorKind = "token"
	ActorSystem ActorKind = "system"
)

// Actor is who did something. ID is a person's or token's id, or the name of the part of Mainstay that acted.
// Facts keep actors by id only; names are looked up when shown.
type Actor struct {
	Kind ActorKind `json:"kind"`
	ID   string    `json:"id"`
}

// System is the actor for work that Mainstay does by itself, such as "escalation".
func System(part string) Actor { return Actor{Kind: ActorSystem, ID: part} }

// Person is the actor for a signed-in person.
func Person(id string) Actor { return Actor{Kind: ActorPerson, ID: id} }

func (a Actor) String() string { return string(a.Kind) + ":" + a.ID }

// Severity ranks an incident or a page, from sev-1 (worst) to sev-4.
type Severity string

// The severities, worst first.
const (
	Sev1 Severity = "sev-1"
	Sev2 Severity = "sev-2"
	Sev3 Severity = "sev-3"
	Sev4 Severity = "sev-4"
)

// Severities lists all severities, worst first.
func Severities() []Severity { return []Severity{Sev1, Sev2, Sev3, Sev4} }

// Valid reports whether s is one of the four severities.
func (s Severity) Valid() bool { return s == Sev1 || s == Sev2 || s == Sev3 || s == Sev4 }

// Installation is the pseudo-project of facts and timers that belong to no project.
const Installation = "installation"
