package app

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/mainstayhq/mainstay"
)

// spot is a place in a source; both count from 1, 0 is unknown.
type spot struct{ line, column int }

func spotOf(n ast.Node) spot {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		n = m.Values[0].Key
	}
	return spotAt(n.GetToken())
}

func spotAt(t *token.Token) spot {
	if t == nil || t.Position == nil {
		return spot{}
	}
	return spot{t.Position.Line, t.Position.Column}
}

// manifestFault is one thing that is wrong, and where.
type manifestFault struct {
	source string
	at     spot
	says   string // with the object that it is about
}

func (f manifestFault) place() string {
	if f.at.line == 0 {
		return f.source
	}
	return fmt.Sprintf("%s:%d:%d", f.source, f.at.line, max(f.at.column, 1))
}

func (f manifestFault) String() string { return f.place() + ": " + f.says }

// faultsError is one error that lists all faults in the order in which they stand; its fields have the places.
func faultsError(list []manifestFault) error {
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(a, b manifestFault) int {
		if a.source != b.source {
			return 0 // the order of the sources
		}
		if a.at.line != b.at.line {
			return a.at.line - b.at.line
		}
		return a.at.column - b.at.column
	})
	list = slices.Compact(list)
	e := &mainstay.Error{Code: mainstay.Invalid, Fields: map[string]string{}}
	var lines []string
	for _, f := range list {
		lines = append(lines, f.String())
		if _, there := e.Fields[f.place()]; !there {
			e.Fields[f.place()] = f.says
		}
	}
	e.Message = strings.Join(lines, "\n")
	return e
}

// manifest is one document of a source.
type manifest struct {
	source, version, kind, name, project string
	at                                   spot // of the document
	head                                 map[string]ast.Node
	spec                                 ast.Node
}

// same reports whether another manifest is about the same object.
func (m manifest) same(o manifest) bool {
	return m.kind == o.kind && m.name == o.name && m.project == o.project
}

// fault is a fault of this manifest.
func (m manifest) fault(at spot, format string, args ...any) manifestFault {
	says := fmt.Sprintf(format, args...)
	if m.kind != "" && m.name != "" {
		says = label(m.kind, m.name) + ": " + says
	}
	if at == (spot{}) {
		at = m.at
	}
	return manifestFault{m.source, at, says}
}

// lineFault is a fault of the YAML itself, with the place where it stands.
type lineFault struct {
	at   spot
	says string
}

func (e *lineFault) Error() string { return e.says }

func decodeFault(err error) error {
	var y yaml.Error
	if errors.As(err, &y) {
		return &lineFault{spotAt(y.GetToken()), y.GetMessage()}
	}
	return &lineFault{spot{}, err.Error()}
}

// readManifests reads every document of the sources, and checks their shape. All faults are reported at once.
func readManifests(sources []Source, kinds []kind) ([]manifest, error) {
	var list []manifest
	var faults []manifestFault
	for _, s := range sources {
		file, err := parser.ParseBytes([]byte(s.Text), 0)
		if err != nil {
			var f *lineFault
			_ = errors.As(decodeFault(err), &f)
			faults = append(faults, manifestFault{s.Name, f.at, f.says})
			continue
		}
		for _, doc := range file.Docs {
			if doc.Body == nil || doc.Body.Type() == ast.NullType || doc.Body.Type() == ast.CommentType {
				continue
			}
			m, wrong := readManifest(s.Name, doc.Body)
			if m.kind != "" && m.name != "" {
				wrong = append(wrong, m.check(kinds)...)
			}
			if i := slices.IndexFunc(list, m.same); i >= 0 && m.kind != "" && m.name != "" {
				wrong = append(wrong, manifestFault{m.source, m.at, fmt.Sprintf("%s stands here twice: first in %s:%d", label(m.kind, m.name), list[i].source, list[i].at.line)})
			}
			faults = append(faults, wrong...)
			list = append(list, m)
		}
	}
	return list, faultsError(faults)
}

var headFields = []string{"apiVersion", "kind", "metadata", "spec"}

func readManifest(source string, node ast.Node) (m manifest, faults []manifestFault) {
	m = manifest{source: source, at: spotOf(node), head: map[string]ast.Node{}}
	wrong := func(n ast.Node, format string, args ...any) {
		faults = append(faults, m.fault(spotOf(n), format, args...))
	}
	body, ok := node.(*ast.MappingNode)
	if !ok {
		wrong(node, "a manifest is a mapping with apiVersion, kind, metadata and spec")
		return m, faults
	}
	for _, v := range body.Values {
		switch key := v.Key.String(); key {
		case "apiVersion":
			m.version, m.head[key] = text(v.Value), v.Value
		case "kind":
			m.kind, m.head[key] = text(v.Value), v.Value
		case "metadata":
			m.readMetadata(v.Value, wrong)
		case "spec":
			m.spec, m.head[key] = v.Value, v.Key
		default:
			wrong(v.Key, "unknown field %s%s", key, meant(key, headFields))
		}
	}
	if m.version != "" && m.version != APIVersion {
		wrong(m.head["apiVersion"], "apiVersion is %q; this Mainstay reads %s", m.version, APIVersion)
	}
	if m.version == "" || m.kind == "" || m.name == "" {
		wrong(node, "a manifest needs apiVersion: %s, kind and metadata.name", APIVersion)
	}
	return m, faults
}

func (m *manifest) readMetadata(node ast.Node, wrong func(n ast.Node, format string, args ...any)) {
	meta, ok := node.(*ast.MappingNode)
	if !ok {
		wrong(node, "metadata is a mapping with name and project")
		return
	}
	for _, v := range meta.Values {
		switch key := v.Key.String(); key {
		case "name":
			m.name, m.head[key] = text(v.Value), v.Value
		case "project":
			m.project, m.head[key] = text(v.Value), v.Value
		default:
			wrong(v.Key, "unknown field metadata.%s%s", key, meant(key, []string{"name", "project"}))
		}
	}
}

// check looks at what needs no database: the kind, whether it takes a project, and the shape of the spec.
func (m manifest) check(kinds []kind) []manifestFault {
	at := func(field string) spot {
		if n := m.head[field]; n != nil {
			return spotOf(n)
		}
		return m.at
	}
	k, ok := findKind(kinds, m.kind)
	if !ok {
		return []manifestFault{m.fault(at("kind"), "there is no kind %q%s; the kinds are %s", m.kind, meant(m.kind, kindNames(kinds)), strings.Join(kindNames(kinds), ", "))}
	}
	var faults []manifestFault
	if k.scoped && m.project == "" {
		faults = append(faults, m.fault(m.at, "kind %s needs metadata.project", m.kind))
	}
	if !k.scoped && m.project != "" {
		faults = append(faults, m.fault(at("project"), "kind %s belongs to the installation and takes no metadata.project", m.kind))
	}
	if m.spec != nil && m.spec.Type() != ast.NullType {
		checkShape(m.spec, k.spec, "", func(n ast.Node, format string, args ...any) {
			faults = append(faults, m.fault(spotOf(n), format, args...))
		})
	}
	return faults
}

func text(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.NullNode:
		return ""
	case *ast.AnchorNode:
		return text(n.Value)
	}
	return strings.TrimSpace(n.String())
}
