package app

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// SchemaID is the address by which the JSON Schema of manifests is known.
const SchemaID = "https://mainstayhq.example/schemas/mainstay-v1.json"

// schema is a JSON Schema; its members are written in order of their names.
type schema map[string]any

// Schema is the JSON Schema (draft 2020-12) of one manifest of any kind, made from the same types that read them.
func Schema() ([]byte, error) {
	a := &App{} // only the types of its kinds are asked
	defs := schema{}
	var rules []any
	kinds := a.kinds()
	for _, k := range kinds {
		spec := typeSchema(k.spec, defs)
		spec["description"] = k.about
		defs[k.name] = spec
		metadata := schema{"required": []string{"name"}, "properties": schema{"project": false}}
		if k.scoped {
			metadata = schema{"required": []string{"name", "project"}}
		}
		then := schema{"properties": schema{"spec": schema{"$ref": "#/$defs/" + k.name}, "metadata": metadata}}
		if required, ok := spec["required"]; ok && len(required.([]string)) > 0 { //nolint:errcheck // typeSchema makes it so
			then["required"] = []string{"spec"}
		}
		rules = append(rules, schema{"if": schema{"required": []string{"kind"}, "properties": schema{"kind": schema{"const": k.name}}}, "then": then})
	}
	var words, texts []string
	for _, k := range kinds {
		words, texts = append(words, k.name), append(texts, k.about)
	}
	top := schema{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SchemaID, "title": "Mainstay manifest",
		"description": "One thing that Mainstay is configured with, as mainstay apply reads it.",
		"type":        "object", "additionalProperties": false, "required": []string{"apiVersion", "kind", "metadata"},
		"properties": schema{
			"apiVersion": schema{"const": APIVersion, "description": "The version of this format."},
			"kind":       schema{"enum": words, "markdownEnumDescriptions": texts, "description": "What is described: it decides what spec holds."},
			"metadata": schema{
				"type": "object", "additionalProperties": false, "required": []string{"name"}, "description": "What it is called, and where it belongs.",
				"properties": schema{
					"name":    schema{"type": "string", "minLength": 1, "maxLength": 63, "pattern": "^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$", "description": "Lower-case letters, digits and hyphens; names of persons may also have dots and underscores."},
					"project": schema{"type": "string", "minLength": 1, "description": "Name of the project that it belongs to; what belongs to the installation has none."},
				},
			},
			"spec": schema{"description": "What it shall be.", "type": []string{"object", "null"}},
		},
		"allOf": rules, "$defs": defs,
	}
	text, err := json.MarshalIndent(top, "", "  ")
	return append(text, '\n'), err
}

// typeSchema is the schema of a type; structs below the top go to defs.
func typeSchema(t reflect.Type, defs schema) schema {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Name() == "GroupRef":
		return schema{"type": []string{"boolean", "string"}}
	case reflect.PointerTo(t).Implements(textual):
		return schema{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Struct:
		return structSchema(t, defs)
	case reflect.Slice:
		return schema{"type": "array", "items": named(t.Elem(), defs)}
	case reflect.Map:
		return schema{"type": "object", "additionalProperties": named(t.Elem(), defs)}
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.Float64:
		return schema{"type": "number"}
	case reflect.Int, reflect.Int64, reflect.Int32:
		return schema{"type": "integer"}
	}
	return schema{"type": "string"}
}

// named refers to a struct by its name, and describes all else in place.
func named(t reflect.Type, defs schema) schema {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(textual) {
		return typeSchema(t, defs)
	}
	name := t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:] + t.Name()
	if _, there := defs[name]; !there {
		defs[name] = schema{} // a type may hold itself
		defs[name] = structSchema(t, defs)
	}
	return schema{"$ref": "#/$defs/" + name}
}

func structSchema(t reflect.Type, defs schema) schema {
	properties := schema{}
	required := []string{}
	for _, f := range specFields(t) {
		p := named(f.Type, defs)
		if doc := f.Tag.Get("doc"); doc != "" {
			p["description"] = doc
		}
		limit(p, f.Tag)
		properties[f.name] = p
		if f.required {
			required = append(required, f.name)
		}
	}
	return schema{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
}

// secretNotes say of each secret of a spec that it is not written out; fields with the tag secret are.
func secretNotes(t reflect.Type) []string {
	var notes []string
	for _, f := range specFields(t) {
		if f.Tag.Get("secret") != "" {
			notes = append(notes, f.name+" is a secret and never written out; apply keeps the one that is there.")
		}
	}
	return notes
}

// limit adds what the tags of a field say; what they say of single values holds for the elements of a list.
func limit(p schema, tag reflect.StructTag) {
	one := p
	if items, ok := p["items"].(schema); ok {
		one = items
	}
	if words := tag.Get("enum"); words != "" {
		one["enum"] = strings.Split(words, ",")
	}
	for _, name := range []string{"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"} {
		if n, err := strconv.Atoi(tag.Get(name)); err == nil {
			if strings.HasSuffix(name, "Items") {
				p[name] = n
			} else {
				one[name] = n
			}
		}
	}
	if tag.Get("secret") != "" {
		p["writeOnly"] = true
	}
	if of := tag.Get("names"); of != "" && !strings.Contains(of, ":") {
		one["title"] = fmt.Sprintf("Name of a %s", of)
	}
}
