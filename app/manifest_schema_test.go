package app_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
)

// checker validates by as much of JSON Schema as our schema uses; a keyword that it does not know fails the test.
type checker struct {
	t    *testing.T
	root map[string]any
}

var annotations = []string{"$schema", "$id", "title", "description", "markdownEnumDescriptions", "$defs", "writeOnly"}

func (c *checker) faults(at string, schema, v any) []string {
	if allowed, ok := schema.(bool); ok {
		if !allowed {
			return []string{at + " may not be there"}
		}
		return nil
	}
	s := schema.(map[string]any) //nolint:errcheck // a panic fails the test
	var list []string
	for key, rule := range s {
		if !slices.Contains(annotations, key) {
			list = append(list, c.keyword(at, key, rule, s, v)...)
		}
	}
	return list
}

func (c *checker) keyword(at, key string, rule any, s map[string]any, v any) (list []string) {
	wrong := func(format string, args ...any) { list = append(list, at+" "+fmt.Sprintf(format, args...)) }
	object, isObject := v.(map[string]any)
	array, isArray := v.([]any)
	text, isText := v.(string)
	number, isNumber := v.(float64)
	switch key {
	case "$ref":
		def := c.root["$defs"].(map[string]any)[strings.TrimPrefix(rule.(string), "#/$defs/")]
		if def == nil {
			c.t.Errorf("%v leads nowhere", rule)
			return nil
		}
		return c.faults(at, def, v)
	case "type":
		types, many := rule.([]any)
		if !many {
			types = []any{rule}
		}
		if !slices.ContainsFunc(types, func(t any) bool { return isType(t, v) }) {
			wrong("is no %v", rule)
		}
	case "const":
		if v != rule {
			wrong("is not %v", rule)
		}
	case "enum":
		if !slices.Contains(rule.([]any), v) {
			wrong("is none of %v", rule)
		}
	case "required":
		for _, name := range rule.([]any) {
			if _, there := object[name.(string)]; isObject && !there {
				wrong("lacks %v", name)
			}
		}
	case "properties":
		for name, p := range rule.(map[string]any) {
			if x, there := object[name]; there {
				list = append(list, c.faults(at+"."+name, p, x)...)
			}
		}
	case "additionalProperties":
		known, _ := s["properties"].(map[string]any)
		for name, x := range object {
			if _, there := known[name]; !there {
				list = append(list, c.faults(at+"."+name, rule, x)...)
			}
		}
	case "items":
		for i, x := range array {
			list = append(list, c.faults(fmt.Sprintf("%s[%d]", at, i), rule, x)...)
		}
	case "allOf":
		for _, r := range rule.([]any) {
			list = append(list, c.faults(at, r, v)...)
		}
	case "if":
		if then := s["then"]; then != nil && len(c.faults(at, rule, v)) == 0 {
			return c.faults(at, then, v)
		}
	case "then":
	case "minItems", "maxItems":
		if n := float64(len(array)); isArray && (key == "minItems" && n < rule.(float64) || key == "maxItems" && n > rule.(float64)) {
			wrong("has %v elements: %s %v", n, key, rule)
		}
	case "minLength", "maxLength":
		if n := float64(len([]rune(text))); isText && (key == "minLength" && n < rule.(float64) || key == "maxLength" && n > rule.(float64)) {
			wrong("has %v characters: %s %v", n, key, rule)
		}
	case "minimum", "maximum":
		if isNumber && (key == "minimum" && number < rule.(float64) || key == "maximum" && number > rule.(float64)) {
			wrong("is %v: %s %v", number, key, rule)
		}
	case "pattern":
		if isText && !regexp.MustCompile(rule.(string)).MatchString(text) {
			wrong("is not %v", rule)
		}
	default:
		c.t.Errorf("the schema has the keyword %q", key)
	}
	return list
}

func isType(want, v any) bool {
	switch v := v.(type) {
	case nil:
		return want == "null"
	case bool:
		return want == "boolean"
	case string:
		return want == "string"
	case float64:
		return want == "number" || want == "integer" && v == float64(int64(v))
	case []any:
		return want == "array"
	}
	return want == "object"
}

func newChecker(t *testing.T) *checker {
	t.Helper()
	text, err := app.Schema()
	c := &checker{t: t}
	if err == nil {
		err = json.Unmarshal(text, &c.root)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// document is a YAML document as JSON would have it.
func document(t *testing.T, text string) any {
	t.Helper()
	b, err := yaml.YAMLToJSON([]byte(text))
	var v any
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// TestTheSchemaHoldsForEveryManifest: what apply takes, the schema takes: the manual, the demo, the test data, an export.
func TestTheSchemaHoldsForEveryManifest(t *testing.T) {
	t.Parallel()
	c := newChecker(t)
	s := servertest.New(t, "sqlite")
	apply(t, s.App, shop(t), false)
	harbour, err := os.ReadFile("demo/harbour.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sources := append(manifestsOf(t, "docs/manifests.md"), manifestsOf(t, "README.md")...)
	sources = append(append(sources, shop(t)...), app.Source{Name: "export", Text: export(t, s.App, "")},
		app.Source{Name: "harbour.yaml", Text: strings.NewReplacer("{{rota}}", "ana", "{{from}}", "2030-01-01T00:00:00Z", "{{until}}", "2030-01-01T01:00:00Z").Replace(string(harbour))})
	kinds, n := map[string]bool{}, 0
	for _, source := range sources {
		for i, doc := range regexp.MustCompile(`(?m)^---$`).Split(source.Text, -1) {
			v := document(t, doc)
			if v == nil {
				continue
			}
			n++
			kinds[fmt.Sprint(v.(map[string]any)["kind"])] = true
			for _, fault := range c.faults("", c.root, v) {
				t.Errorf("%s, document %d: %s", source.Name, i+1, fault)
			}
		}
	}
	for _, kind := range allKinds {
		if !kinds[kind] {
			t.Errorf("no manifest of kind %s was looked at", kind)
		}
	}
	if n < 60 {
		t.Errorf("only %d manifests", n)
	}
}

// TestTheSchemaRefusesWhatApplyRefuses compares them on faults of shape.
func TestTheSchemaRefusesWhatApplyRefuses(t *testing.T) {
	t.Parallel()
	c := newChecker(t)
	s := quiet(t)
	for _, text := range []string{
		`{apiVersion: mainstay/v1, kind: Servise, metadata: {name: a, project: shop}}`,
		`{apiVersion: mainstay/v2, kind: Service, metadata: {name: a, project: shop}}`,
		`{apiVersion: mainstay/v1, kind: Service, metadata: {name: a}}`,
		`{apiVersion: mainstay/v1, kind: Team, metadata: {name: a, project: shop}}`,
		`{apiVersion: mainstay/v1, kind: Service, metadata: {name: a, project: shop, labels: {}}}`,
		`{apiVersion: mainstay/v1, kind: Service, metadata: {name: a, project: shop}, specs: {}}`,
		`{apiVersion: mainstay/v1, kind: Service, metadata: {name: a, project: shop}, spec: {teir: gold}}`,
		`{apiVersion: mainstay/v1, kind: Service, metadata: {name: a, project: shop}, spec: {dependsOn: web}}`,
		`{apiVersion: mainstay/v1, kind: Route, metadata: {name: a, project: shop}, spec: {severity: bad}}`,
		`{apiVersion: mainstay/v1, kind: Route, metadata: {name: a, project: shop}, spec: {order: first}}`,
		`{apiVersion: mainstay/v1, kind: Schedule, metadata: {name: a, project: shop}, spec: {zone: UTC, layers: []}}`,
		`{apiVersion: mainstay/v1, kind: EscalationPolicy, metadata: {name: a, project: shop}}`,
		`{apiVersion: mainstay/v1, kind: Window, metadata: {name: a, project: shop}, spec: {title: A, from: "2030-01-01T00:00:00Z", until: "2030-01-01T01:00:00Z", finish: never}}`,
	} {
		if len(c.faults("", c.root, document(t, text))) == 0 {
			t.Errorf("the schema takes %s", text)
		}
		if _, err := s.Apply(t.Context(), servertest.Operator, []app.Source{{Name: "f", Text: text}}, true, nil); err == nil {
			t.Errorf("apply takes %s", text)
		}
	}
}

// TestTheSchemaSaysWhatEverythingIs: every kind and every field has a sentence, and the manual names it.
func TestTheSchemaSaysWhatEverythingIs(t *testing.T) {
	t.Parallel()
	c := newChecker(t)
	manual, err := os.ReadFile("../docs/manifests.md")
	if err != nil {
		t.Fatal(err)
	}
	defs := c.root["$defs"].(map[string]any) //nolint:errcheck // a panic fails the test
	for name, d := range defs {
		def := d.(map[string]any) //nolint:errcheck // a panic fails the test
		isKind := slices.Contains(c.root["properties"].(map[string]any)["kind"].(map[string]any)["enum"].([]any), any(name))
		if isKind && (def["description"] == "" || def["description"] == nil || !strings.Contains(string(manual), "\n## "+name+"\n")) {
			t.Errorf("kind %s is not described in the schema, or has no section in docs/manifests.md", name)
		}
		for field, p := range def["properties"].(map[string]any) {
			if says, _ := p.(map[string]any)["description"].(string); len(says) < 8 {
				t.Errorf("%s.%s says %q", name, field, says)
			}
			if !strings.Contains(string(manual), "`"+field+"`") && !strings.Contains(string(manual), "."+field+"`") {
				t.Errorf("docs/manifests.md does not name %s.%s", name, field)
			}
		}
	}
	a := servertest.New(t, "sqlite").Nobody().Get(t, "/schemas/mainstay-v1.json")
	var served map[string]any
	if err := json.Unmarshal([]byte(a.Body), &served); err != nil || a.Status != 200 || !reflect.DeepEqual(served, c.root) ||
		a.Header.Get("Content-Type") != "application/schema+json" {
		t.Errorf("served: %d %v %v", a.Status, a.Header, err)
	}
}
