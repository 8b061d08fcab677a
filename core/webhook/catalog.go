package webhook

import (
	_ "embed"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/fact"
)

// The words about kinds and their fields come from the comments of package fact; a test writes them here and fails when they are
// not current.
//
//go:embed kinds.json
var kindWords []byte

// KindWords is what the comments of package fact say about a kind.
type KindWords struct {
	Doc    string            `json:"doc"`
	Fields map[string]string `json:"fields,omitempty"`
}

// Kind is one kind of fact as receivers need to know it.
type Kind struct {
	Name         string
	Doc          string
	Confidential bool // leaves only by an endpoint that is marked private
	Fields       []Field
	Schema       map[string]any // JSON Schema of the data
}

// Field is one field of a kind's data.
type Field struct{ Name, Type, Doc string }

// Catalog lists every kind of fact, by name. external is the server's own URL, for the schemas' ids.
func Catalog(external string) ([]Kind, error) { return catalog(external, kindWords) }

// CatalogOf is the catalog with other words than those that are built in; what writes the documentation uses it.
func CatalogOf(words []byte) ([]Kind, error) { return catalog("", words) }

func catalog(external string, text []byte) ([]Kind, error) {
	words := map[string]KindWords{}
	if err := json.Unmarshal(text, &words); err != nil {
		return nil, err
	}
	var list []Kind
	for _, name := range fact.Kinds() {
		list = append(list, describe(external, name, words[name]))
	}
	return list, nil
}

// KindNamed is one kind of fact; NotFound when there is none of that name.
func KindNamed(external, name string) (Kind, error) {
	list, err := Catalog(external)
	if err != nil {
		return Kind{}, err
	}
	if i := slices.IndexFunc(list, func(k Kind) bool { return k.Name == name }); i >= 0 {
		return list[i], nil
	}
	return Kind{}, mainstay.Errorf(mainstay.NotFound, "There is no kind of fact %q.", name)
}

func describe(external, name string, w KindWords) Kind {
	k := Kind{Name: name, Doc: w.Doc, Confidential: Confidential(name)}
	p, _ := fact.Zero(name)
	properties := map[string]any{}
	if p != nil {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(p)) {
			json, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if json == "" || json == "-" {
				continue
			}
			s := schemaOf(f.Type)
			if doc := w.Fields[json]; doc != "" {
				s["description"] = doc
			}
			properties[json] = s
			k.Fields = append(k.Fields, Field{json, typeWords(s), w.Fields[json]})
		}
	}
	k.Schema = map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SchemaURL(external, name), "title": TypePrefix + name,
		"description": w.Doc, "type": "object", "properties": properties,
	}
	return k
}

// schemaOf is the JSON Schema of a Go type as encoding/json writes it.
func schemaOf(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[json.RawMessage]():
		return map[string]any{}
	}
	switch t.Kind() {
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint32, reflect.Uint64:
		return map[string]any{"type": "integer"}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Slice, reflect.Array:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Struct:
		properties := map[string]any{}
		for _, f := range reflect.VisibleFields(t) {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
				properties[name] = schemaOf(f.Type)
			}
		}
		return map[string]any{"type": "object", "properties": properties}
	}
	return map[string]any{}
}

// typeWords is a schema's type in words: "text", "time", "list of text".
func typeWords(s map[string]any) string {
	switch s["type"] {
	case "string":
		if s["format"] != nil {
			return "time"
		}
		return "text"
	case "boolean":
		return "true or false"
	case "integer", "number":
		return "number"
	case "array":
		if items, ok := s["items"].(map[string]any); ok {
			return "list of " + typeWords(items)
		}
	case "object":
		return "object"
	}
	return "anything"
}
