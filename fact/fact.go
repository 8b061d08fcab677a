// Package fact owns the published language: the kind and the payload of everything that can happen, one file per practice.
// It never stores, reads or acts on a fact.
package fact

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
)

// Payload is the content of one kind of fact. Payloads name persons by id and hold no free text of people:
// that lives in documents and is referenced by digest. A kind never changes its meaning; fields are only added.
type Payload interface {
	// FactKind is the kind, as "noun.participle": "page.acknowledged".
	FactKind() string
}

// Fact is something that happened. Once committed to the journal it is never edited.
type Fact struct {
	ID       string          `json:"id"`
	Project  string          `json:"project"`  // project id, or mainstay.Installation
	Sequence int64           `json:"sequence"` // position in the project's chain; 0 until committed
	Kind     string          `json:"kind"`
	At       time.Time       `json:"at"`       // when it happened
	Recorded time.Time       `json:"recorded"` // when we wrote it down
	Actor    mainstay.Actor  `json:"actor"`
	Subjects []mainstay.Ref  `json:"subjects"` // the objects that it is about, the first foremost
	Payload  json.RawMessage `json:"payload"`  // the payload's JSON; null when erased
}

// New makes a fact that happened and is recorded at now.
func New(now time.Time, project string, actor mainstay.Actor, p Payload, subjects ...mainstay.Ref) Fact {
	if project == "" {
		project = mainstay.Installation
	}
	body := write(p)
	subjects = slices.DeleteFunc(slices.Clone(subjects), mainstay.Ref.IsZero)
	return Fact{
		ID: mainstay.NewID(now), Project: project, Kind: p.FactKind(), At: now, Recorded: now,
		Actor: actor, Subjects: subjects, Payload: body,
	}
}

// write is a payload as JSON.
func write(p Payload) json.RawMessage {
	if a, ok := p.(appender); ok {
		return a.appendJSON(make([]byte, 0, 320))
	}
	body, err := json.Marshal(p)
	if err != nil {
		panic(fmt.Sprintf("fact %s cannot be written as JSON: %v", p.FactKind(), err)) // a programming error
	}
	return body
}

// Happened sets a time of happening that differs from the time of recording.
func (f Fact) Happened(at time.Time) Fact {
	if !at.IsZero() {
		f.At = at
	}
	return f
}

// Decode reads the payload into p, which must be a pointer to the payload of the fact's kind.
func (f Fact) Decode(p any) error {
	if len(f.Payload) == 0 || string(f.Payload) == "null" {
		return fmt.Errorf("fact %s: its payload was erased", f.ID)
	}
	if err := json.Unmarshal(f.Payload, p); err != nil {
		return fmt.Errorf("fact %s (%s): %w", f.ID, f.Kind, err)
	}
	return nil
}

// As decodes a fact of T's kind. It reports false when the fact is of another kind or was erased.
func As[T Payload](f Fact) (T, bool) {
	var p T
	if f.Kind != p.FactKind() || f.Decode(&p) != nil {
		return p, false
	}
	return p, true
}

// Subject is the id of the first subject of the given kind, or "".
func (f Fact) Subject(k mainstay.Kind) string {
	for _, s := range f.Subjects {
		if s.Kind == k {
			return s.ID
		}
	}
	return ""
}
