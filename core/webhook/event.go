package webhook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/fact"
)

// TypePrefix stands before a fact's kind in the type of its event.
const TypePrefix = "com.mainstayhq."

// Media types of requests.
const (
	typeEvent = "application/cloudevents+json; charset=utf-8"
	typeBatch = "application/cloudevents-batch+json; charset=utf-8"
	typeData  = "application/json"
)

// Event is a fact as a CloudEvent of version 1.0. The attributes after DataSchema are extensions.
type Event struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`                // the fact's; with the source unique for ever
	Source      string          `json:"source"`            // the server's own URL and the project
	Type        string          `json:"type"`              // com.mainstayhq. and the fact's kind
	Subject     string          `json:"subject,omitempty"` // what it is about: kind:id
	Time        string          `json:"time"`              // when it happened
	ContentType string          `json:"datacontenttype,omitempty"`
	DataSchema  string          `json:"dataschema,omitempty"`
	Sequence    string          `json:"sequence,omitempty"`     // position in the project's journal, 20 digits: it sorts as text
	Recorded    string          `json:"recordedtime,omitempty"` // when it was written down
	Project     string          `json:"project,omitempty"`      // the project's name
	Actor       string          `json:"actor,omitempty"`        // person:id, token:id or system:part
	Number      string          `json:"number,omitempty"`       // of the subject, such as INC-42
	Link        string          `json:"link,omitempty"`         // the page of the subject
	Related     string          `json:"related,omitempty"`      // the other objects it is about, kind:id, with commas
	Sentence    string          `json:"sentence,omitempty"`     // what happened, to stand after the actor's name
	Data        json.RawMessage `json:"data,omitempty"`         // the payload; none once it was erased
}

// place is what an event says about where a fact happened.
type place struct {
	external string // the server's own URL, without a slash at the end
	project  string // the project's name, "" for the installation
}

func (p place) source() string {
	if p.project == "" {
		return p.external + "/"
	}
	return p.external + "/projects/" + p.project
}

// SchemaURL is where the JSON Schema of a kind's data is.
func SchemaURL(external, kind string) string {
	return external + "/api/v1/fact-kinds/" + kind + "/schema"
}

// event makes the event of a fact. known are the objects that it is about, as far as they are registered.
func (p place) event(f fact.Fact, known map[mainstay.Ref]object.Object) Event {
	e := Event{
		SpecVersion: "1.0", ID: f.ID, Source: p.source(), Type: TypePrefix + f.Kind, Time: stamp(f.At), Recorded: stamp(f.Recorded),
		Sequence: fmt.Sprintf("%020d", f.Sequence), Project: p.project, Actor: f.Actor.String(), Sentence: fact.Sentence(f),
	}
	if len(f.Payload) > 0 && string(f.Payload) != "null" {
		e.Data, e.ContentType, e.DataSchema = f.Payload, typeData, SchemaURL(p.external, f.Kind)
	}
	var related []string
	for i, r := range f.Subjects {
		if i > 0 {
			related = append(related, r.String())
			continue
		}
		e.Subject = r.String()
		o, ok := known[r]
		if !ok {
			continue
		}
		e.Number = o.Ref.Kind.Number(o.Number)
		if key := first(e.Number, r.ID); object.URL(r.Kind, key) != "" {
			e.Link = p.external + object.URL(r.Kind, key)
		}
	}
	e.Related = strings.Join(related, ",")
	return e
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// request is the body of a request and what its headers say of it.
type request struct {
	id     string
	header http.Header
	body   []byte
	events []Event
}

// encode makes the request that carries the events: by the mode one, or in a batch any number.
func encode(mode Mode, batch bool, events []Event) (request, error) {
	r := request{header: http.Header{}, events: events, id: events[0].ID}
	var err error
	switch {
	case batch:
		if len(events) > 1 {
			r.id = fmt.Sprintf("%s.%d", events[0].ID, len(events)) // another batch is another message
		}
		r.header.Set("Content-Type", typeBatch)
		r.body, err = json.Marshal(events)
	case mode == Binary:
		e := events[0]
		r.body = e.Data
		if e.ContentType != "" {
			r.header.Set("Content-Type", e.ContentType)
		}
		for _, a := range e.attributes() {
			r.header.Set("Ce-"+a[0], headerValue(a[1]))
		}
	default:
		r.header.Set("Content-Type", typeEvent)
		r.body, err = json.Marshal(events[0])
	}
	return r, err
}

// attributes are the event's attributes but the content type, with their names; empty ones are left out.
func (e Event) attributes() [][2]string {
	all := [][2]string{
		{"specversion", e.SpecVersion}, {"id", e.ID}, {"source", e.Source}, {"type", e.Type}, {"subject", e.Subject}, {"time", e.Time},
		{"dataschema", e.DataSchema}, {"sequence", e.Sequence}, {"recordedtime", e.Recorded}, {"project", e.Project}, {"actor", e.Actor},
		{"number", e.Number}, {"link", e.Link}, {"related", e.Related}, {"sentence", e.Sentence},
	}
	var list [][2]string
	for _, a := range all {
		if a[1] != "" {
			list = append(list, a)
		}
	}
	return list
}

// headerValue encodes a value for a header as CloudEvents' HTTP binding says: spaces, quotes, percent signs and everything outside
// printable ASCII by the percent-encoding of their UTF-8 bytes.
func headerValue(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c <= 0x20 || c >= 0x7F || c == '"' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
