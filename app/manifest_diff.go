package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Field is one difference between what was and what is. Without Old it was added, without New it was removed.
type Field struct {
	Path string `json:"path" doc:"Such as steps[1].delay"`
	Old  any    `json:"old,omitempty"`
	New  any    `json:"new,omitempty"`
}

// compare lists the differences of two specs in the order of their fields; nil stands for one that is not there.
func compare(old, now any) ([]Field, error) {
	a, err := plain(old)
	if err != nil {
		return nil, err
	}
	b, err := plain(now)
	if err != nil {
		return nil, err
	}
	var list []Field
	compareAny("", a, b, &list)
	return list, nil
}

// plain turns a spec into maps that keep their order, lists and scalars, as its manifest would have them.
func plain(v any) (any, error) {
	if v == nil {
		return yaml.MapSlice{}, nil
	}
	text, err := yaml.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("writing a spec: %w", err)
	}
	var out any
	if err := yaml.UnmarshalWithOptions(text, &out, yaml.UseOrderedMap()); err != nil {
		return nil, fmt.Errorf("reading a spec: %w", err)
	}
	if out == nil {
		out = yaml.MapSlice{}
	}
	return out, nil
}

func compareAny(path string, a, b any, list *[]Field) {
	am, aok := a.(yaml.MapSlice)
	bm, bok := b.(yaml.MapSlice)
	if aok && bok {
		compareMaps(path, am, bm, list)
		return
	}
	al, aok := a.([]any)
	bl, bok := b.([]any)
	if aok && bok {
		compareLists(path, al, bl, list)
		return
	}
	if render(a) != render(b) {
		*list = append(*list, Field{path, simple(a), simple(b)})
	}
}

func compareMaps(path string, a, b yaml.MapSlice, list *[]Field) {
	find := func(m yaml.MapSlice, key any) (any, bool) {
		i := slices.IndexFunc(m, func(x yaml.MapItem) bool { return fmt.Sprint(x.Key) == fmt.Sprint(key) })
		if i < 0 {
			return nil, false
		}
		return m[i].Value, true
	}
	for _, item := range b {
		at := join(path, fmt.Sprint(item.Key))
		old, there := find(a, item.Key)
		if !there {
			*list = append(*list, Field{at, nil, simple(item.Value)})
			continue
		}
		compareAny(at, old, item.Value, list)
	}
	for _, item := range a {
		if _, there := find(b, item.Key); !there {
			*list = append(*list, Field{join(path, fmt.Sprint(item.Key)), simple(item.Value), nil})
		}
	}
}

// compareLists matches elements that are equal; of those between, mappings are compared one by one, all others come and go.
func compareLists(path string, a, b []any, list *[]Field) {
	left, right := renderAll(a), renderAll(b)
	i, j := 0, 0
	for _, same := range append(common(left, right), [2]int{len(a), len(b)}) {
		for ; i < same[0] || j < same[1]; i, j = i+1, j+1 {
			switch {
			case i < same[0] && j < same[1] && isMap(a[i]) && isMap(b[j]):
				compareAny(path+index(j), a[i], b[j], list)
				continue
			case i < same[0] && j < same[1]:
				*list = append(*list, Field{path + index(i), simple(a[i]), nil}, Field{path + index(j), nil, simple(b[j])})
				continue
			case i < same[0]:
				*list = append(*list, Field{path + index(i), simple(a[i]), nil})
				j--
			default:
				*list = append(*list, Field{path + index(j), nil, simple(b[j])})
				i--
			}
		}
		i, j = same[0]+1, same[1]+1
	}
}

func isMap(v any) bool { _, ok := v.(yaml.MapSlice); return ok }

func renderAll(list []any) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = render(v)
	}
	return out
}

// render is a value in one line, for comparing and for showing.
func render(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	case yaml.MapSlice:
		var parts []string
		for _, item := range v {
			parts = append(parts, fmt.Sprintf("%v: %s", item.Key, render(item.Value)))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case map[string]any:
		text, err := yaml.MarshalWithOptions(v, yaml.Flow(true))
		if err != nil {
			return fmt.Sprint(v)
		}
		return strings.TrimSpace(string(text))
	case []any:
		return "[" + strings.Join(renderAll(v), ", ") + "]"
	}
	return fmt.Sprint(v)
}

// simple is a value without the order of its mappings, for JSON.
func simple(v any) any {
	switch v := v.(type) {
	case yaml.MapSlice:
		m := make(map[string]any, len(v))
		for _, item := range v {
			m[fmt.Sprint(item.Key)] = simple(item.Value)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = simple(x)
		}
		return list
	}
	return v
}

// common is a longest common subsequence, as pairs of indexes.
func common(a, b []string) [][2]int {
	lengths := make([][]int, len(a)+1)
	for i := range lengths {
		lengths[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				lengths[i][j] = lengths[i+1][j+1] + 1
			} else {
				lengths[i][j] = max(lengths[i+1][j], lengths[i][j+1])
			}
		}
	}
	var pairs [][2]int
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			pairs = append(pairs, [2]int{i, j})
			i, j = i+1, j+1
		case lengths[i+1][j] >= lengths[i][j+1]:
			i++
		default:
			j++
		}
	}
	return pairs
}
