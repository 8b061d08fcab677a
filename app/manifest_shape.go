package app

import (
	"encoding"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

var (
	textual = reflect.TypeFor[encoding.TextUnmarshaler]()
	decodes = reflect.TypeFor[yaml.InterfaceUnmarshaler]()
)

// specField is one field of a spec.
type specField struct {
	name     string
	required bool
	reflect.StructField
}

// specFields are the fields of a spec by their manifest names, in order.
func specFields(t reflect.Type) []specField {
	var list []specField
	for f := range fieldsOf(t) {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		if name == "" && f.Anonymous {
			list = append(list, specFields(f.Type)...)
			continue
		}
		list = append(list, specField{name, !strings.Contains(options, "omitempty"), f})
	}
	return list
}

func fieldsOf(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

// checkShape tells every place where a YAML node is not of the type: unknown fields, fields twice, wrong types. path is the field's
// path so far. What an alias stands for is left to the decoder.
func checkShape(node ast.Node, t reflect.Type, path string, wrong func(n ast.Node, format string, args ...any)) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if a, ok := node.(*ast.AnchorNode); ok {
		node = a.Value
	}
	switch {
	case node.Type() == ast.NullType || node.Type() == ast.AliasType || node.Type() == ast.TagType:
		return
	case reflect.PointerTo(t).Implements(textual) || reflect.PointerTo(t).Implements(decodes):
		checkLeaf(node, t, path, wrong)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		checkStruct(node, t, path, wrong)
	case reflect.Slice:
		list, ok := node.(*ast.SequenceNode)
		if !ok {
			wrong(node, "%s is a list", or(path, "spec"))
			return
		}
		for i, v := range list.Values {
			checkShape(v, t.Elem(), path+index(i), wrong)
		}
	case reflect.Map:
		body, ok := node.(*ast.MappingNode)
		if !ok {
			wrong(node, "%s is a mapping", or(path, "spec"))
			return
		}
		for _, v := range body.Values {
			checkShape(v.Value, t.Elem(), path+"."+text(v.Key), wrong)
		}
	default:
		checkLeaf(node, t, path, wrong)
	}
}

func checkStruct(node ast.Node, t reflect.Type, path string, wrong func(n ast.Node, format string, args ...any)) {
	body, ok := node.(*ast.MappingNode)
	if !ok {
		wrong(node, "%s is a mapping", or(path, "spec"))
		return
	}
	fields := specFields(t)
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
	}
	seen := map[string]bool{}
	for _, v := range body.Values {
		key := text(v.Key)
		if _, merge := v.Key.(*ast.MergeKeyNode); merge {
			continue
		}
		if seen[key] {
			wrong(v.Key, "%s stands here twice", join(path, key))
		}
		seen[key] = true
		known := false
		for _, f := range fields {
			if f.name == key {
				known = true
				checkShape(v.Value, f.Type, join(path, key), wrong)
			}
		}
		if !known {
			wrong(v.Key, "unknown field %s%s", join(path, key), meant(key, names))
		}
	}
}

// checkLeaf decodes a single value.
func checkLeaf(node ast.Node, t reflect.Type, path string, wrong func(n ast.Node, format string, args ...any)) {
	_, list := node.(*ast.SequenceNode)
	_, body := node.(*ast.MappingNode)
	if list || body {
		wrong(node, "%s is %s", or(path, "spec"), typeWord(t))
		return
	}
	if err := yaml.NodeToValue(node, reflect.New(t).Interface()); err != nil {
		says := "is " + typeWord(t)
		if reflect.PointerTo(t).Implements(textual) || reflect.PointerTo(t).Implements(decodes) {
			says = decodeFault(err).Error()
		}
		wrong(node, "%s: %s", or(path, "spec"), says)
	}
}

func typeWord(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint64, reflect.Uint32:
		return "a whole number"
	case reflect.Float64, reflect.Float32:
		return "a number"
	}
	return "a text"
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}
