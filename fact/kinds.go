package fact

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// Teller is a Payload that can say in words what happened: a past-tense predicate that reads well after the actor's name
// and needs no object names but those in the payload, such as "acknowledged the page". Every payload is one.
type Teller interface {
	Payload
	Sentence() string
}

// kinds holds one zero payload per kind. Each practice's file contributes a list.
var kinds = index(
	coreKinds, identityKinds, warningKinds, escalationKinds, incidentKinds, communicationKinds,
	maintenanceKinds, rootcauseKinds, knowledgeKinds, webhookKinds, operationsKinds,
)

func index(lists ...[]Teller) map[string]Teller {
	m := map[string]Teller{}
	for _, l := range lists {
		for _, p := range l {
			if _, twice := m[p.FactKind()]; twice {
				panic("fact kind twice: " + p.FactKind()) // found by the first test that runs
			}
			m[p.FactKind()] = p
		}
	}
	return m
}

// Kinds lists every kind, sorted.
func Kinds() []string {
	var l []string
	for k := range kinds {
		l = append(l, k)
	}
	slices.Sort(l)
	return l
}

// Sentence says what happened, without the actor. An unknown or erased fact still gives a readable line.
func Sentence(f Fact) string {
	p, ok := kinds[f.Kind]
	if !ok {
		return strings.ReplaceAll(f.Kind, ".", " ")
	}
	if len(f.Payload) == 0 || string(f.Payload) == "null" {
		return strings.ReplaceAll(f.Kind, ".", " ") + " (content erased)"
	}
	v := reflect.New(reflect.TypeOf(p))
	if err := json.Unmarshal(f.Payload, v.Interface()); err != nil {
		return strings.ReplaceAll(f.Kind, ".", " ")
	}
	return v.Elem().Interface().(Teller).Sentence()
}
