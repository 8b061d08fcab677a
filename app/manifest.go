package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/storage"
)

// APIVersion is the version that every manifest names.
const APIVersion = "mainstay/v1"

// Source is one text of manifests: a file's name, for errors, and its YAML.
type Source struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Change is what applying one manifest did, or would do in a dry run.
type Change struct {
	Kind    string `json:"kind"`
	Project string `json:"project,omitempty"`
	Name    string `json:"name"`
	Changed bool   `json:"changed"`
	Removed bool   `json:"removed,omitempty" doc:"It is in no manifest, and was removed"`
	Kept    string `json:"kept,omitempty" doc:"It is in no manifest, and why it was not removed"`
}

// allowance says whether the caller may define a kind in a project, of which it gets the id and the name; both are "" for what
// belongs to the installation.
type allowance func(kind, project, name string) error

// kind is one kind of manifest: how to define it and how to write it back.
type kind struct {
	name   string
	scoped bool // belongs to a project
	define func(ctx context.Context, actor mainstay.Actor, project, name string, spec ast.Node) (bool, error)
	specs  func(ctx context.Context, project string) (map[string]any, error)
	remove func(ctx context.Context, actor mainstay.Actor, project, name string) error // nil: cannot be removed yet
}

// removable is a kind that can be removed.
func (k kind) removable(remove func(ctx context.Context, actor mainstay.Actor, project, name string) error) kind {
	k.remove = remove
	return k
}

// kindOf makes a kind from a practice's own functions.
func kindOf[S any](name string, scoped bool,
	define func(ctx context.Context, actor mainstay.Actor, project, name string, spec S) (bool, error),
	specs func(ctx context.Context, project string) (map[string]S, error),
) kind {
	return kind{
		name: name, scoped: scoped,
		define: func(ctx context.Context, actor mainstay.Actor, project, name string, node ast.Node) (bool, error) {
			var spec S
			if node != nil && node.Type() != ast.NullType {
				if err := yaml.NewDecoder(strings.NewReader(""), yaml.Strict()).DecodeFromNodeContext(ctx, node, &spec); err != nil {
					return false, decodeFault(err)
				}
			}
			return define(ctx, actor, project, name, spec)
		},
		specs: func(ctx context.Context, project string) (map[string]any, error) {
			list, err := specs(ctx, project)
			m := make(map[string]any, len(list))
			for n, s := range list {
				m[n] = s
			}
			return m, err
		},
	}
}

// manifest is one document of a source.
type manifest struct {
	source, version, kind, name, project string
	line                                 int
	body                                 *ast.MappingNode
	spec                                 ast.Node
}

// same reports whether another manifest is about the same object.
func (m manifest) same(o manifest) bool {
	return m.kind == o.kind && m.name == o.name && m.project == o.project
}

// lineFault is a fault of the YAML itself, with the line where it stands.
type lineFault struct {
	line int
	says string
}

func (e *lineFault) Error() string { return e.says }

func decodeFault(err error) error {
	var y yaml.Error
	if errors.As(err, &y) {
		line := 0
		if t := y.GetToken(); t != nil {
			line = t.Position.Line
		}
		return &lineFault{line, y.GetMessage()}
	}
	return &lineFault{0, err.Error()}
}

// readManifests reads every document of the sources. All faults are reported at once, each with file and line.
func readManifests(sources []Source) ([]manifest, error) {
	var list []manifest
	var faults []string
	for _, s := range sources {
		file, err := parser.ParseBytes([]byte(s.Text), 0)
		if err != nil {
			var f *lineFault
			_ = errors.As(decodeFault(err), &f)
			faults = append(faults, fmt.Sprintf("%s:%d: %s", s.Name, f.line, f.says))
			continue
		}
		for _, doc := range file.Docs {
			if doc.Body == nil || doc.Body.Type() == ast.NullType || doc.Body.Type() == ast.CommentType {
				continue
			}
			m, err := readManifest(s.Name, doc.Body)
			if err != nil {
				faults = append(faults, err.Error())
				continue
			}
			if i := slices.IndexFunc(list, m.same); i >= 0 {
				faults = append(faults, fmt.Sprintf("%s:%d: %s %q stands here twice: first in %s:%d", m.source, m.line, m.kind, m.name, list[i].source, list[i].line))
			}
			list = append(list, m)
		}
	}
	if len(faults) > 0 {
		return nil, &mainstay.Error{Code: mainstay.Invalid, Message: strings.Join(faults, "\n")}
	}
	return list, nil
}

func readManifest(source string, node ast.Node) (manifest, error) {
	m := manifest{source: source, line: node.GetToken().Position.Line}
	at := func(n ast.Node, format string, args ...any) error {
		return fmt.Errorf("%s:%d: %s", source, n.GetToken().Position.Line, fmt.Sprintf(format, args...))
	}
	body, ok := node.(*ast.MappingNode)
	if !ok {
		return m, at(node, "a manifest is a mapping with apiVersion, kind, metadata and spec")
	}
	m.body = body
	for _, v := range body.Values {
		switch v.Key.String() {
		case "apiVersion":
			if text(v.Value) != APIVersion {
				return m, at(v.Value, "apiVersion is %q; this Mainstay reads %s", text(v.Value), APIVersion)
			}
			m.version = APIVersion
		case "kind":
			m.kind = text(v.Value)
		case "metadata":
			meta, ok := v.Value.(*ast.MappingNode)
			if !ok {
				return m, at(v.Value, "metadata is a mapping with name and project")
			}
			for _, v := range meta.Values {
				switch v.Key.String() {
				case "name":
					m.name = text(v.Value)
				case "project":
					m.project = text(v.Value)
				default:
					return m, at(v.Key, "unknown field metadata.%s", v.Key)
				}
			}
		case "spec":
			m.spec = v.Value
		default:
			return m, at(v.Key, "unknown field %s", v.Key)
		}
	}
	if m.version == "" || m.kind == "" || m.name == "" {
		return m, at(node, "a manifest needs apiVersion: %s, kind and metadata.name", APIVersion)
	}
	return m, nil
}

func text(n ast.Node) string {
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value
	}
	return strings.TrimSpace(n.String())
}

// where is the line of a field of the spec, by its dotted path; the manifest's own line when it is not there.
func (m manifest) where(field string) int {
	node, line := m.spec, m.line
	for _, part := range strings.Split(field, ".") {
		body, ok := node.(*ast.MappingNode)
		if !ok {
			break
		}
		i := slices.IndexFunc(body.Values, func(v *ast.MappingValueNode) bool { return v.Key.String() == part })
		if i < 0 {
			break
		}
		line, node = body.Values[i].Key.GetToken().Position.Line, body.Values[i].Value
	}
	return line
}

var errDryRun = errors.New("a dry run changes nothing")

// Apply brings everything that the sources describe to what they say, in one transaction: all of it or, with any fault, nothing.
// A dry run does the same and takes it back. allow, when not nil, says whether the caller may define a kind in a project.
func (a *App) Apply(ctx context.Context, actor mainstay.Actor, sources []Source, dryRun bool, allow allowance) ([]Change, error) {
	return a.apply(ctx, actor, sources, dryRun, false, allow)
}

// ApplyAndPrune applies, and then removes what is configured and in none of the manifests: everything of the projects that they
// name, of the kinds that can be removed. Of other kinds it only says that they are there.
func (a *App) ApplyAndPrune(ctx context.Context, actor mainstay.Actor, sources []Source, dryRun bool, allow allowance) ([]Change, error) {
	return a.apply(ctx, actor, sources, dryRun, true, allow)
}

func (a *App) apply(ctx context.Context, actor mainstay.Actor, sources []Source, dryRun, prune bool, allow allowance) ([]Change, error) {
	list, err := readManifests(sources)
	if err != nil {
		return nil, err
	}
	kinds := a.kinds()
	order := func(k string) int { return slices.IndexFunc(kinds, func(d kind) bool { return d.name == k }) }
	slices.SortStableFunc(list, func(x, y manifest) int { return order(x.kind) - order(y.kind) })
	var changes []Change
	err = a.DB.Write(ctx, storage.Normal, func(ctx context.Context) error {
		var err error
		if changes, err = a.applyAll(ctx, actor, kinds, list, allow); err != nil {
			return err
		}
		if prune {
			gone, err := a.prune(ctx, actor, kinds, list, allow)
			if err != nil {
				return err
			}
			changes = append(changes, gone...)
		}
		if dryRun {
			return errDryRun
		}
		return nil
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return changes, err
}

// applyAll defines one manifest after the other, one kind after the other. What names another of its own kind (a service what it
// depends on, a component its group) may stand before that: it is put off until the others of the kind are there.
func (a *App) applyAll(ctx context.Context, actor mainstay.Actor, kinds []kind, list []manifest, allow allowance) ([]Change, error) {
	var changes []Change
	for len(list) > 0 {
		n := slices.IndexFunc(list, func(m manifest) bool { return m.kind != list[0].kind })
		if n < 0 {
			n = len(list)
		}
		now := list[:n]
		list = list[n:]
		for len(now) > 0 {
			var off []manifest
			var faults []error
			for _, m := range now {
				c, err := a.applyOne(ctx, actor, kinds, m, allow)
				switch {
				case err == nil:
					changes = append(changes, c)
				case len(mainstay.ErrorFields(err)) > 0:
					off, faults = append(off, m), append(faults, m.explain(err))
				default:
					return nil, m.explain(err)
				}
			}
			if len(off) == len(now) {
				return nil, mainstay.Errorf(mainstay.Invalid, "%s", errors.Join(faults...))
			}
			now = off
		}
	}
	return changes, nil
}

func (a *App) applyOne(ctx context.Context, actor mainstay.Actor, kinds []kind, m manifest, allow allowance) (Change, error) {
	c := Change{Kind: m.kind, Project: m.project, Name: m.name}
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == m.kind })
	if i < 0 {
		return c, mainstay.Errorf(mainstay.Invalid, "there is no kind %q; the kinds are %s", m.kind, kindNames(kinds))
	}
	project := ""
	switch {
	case kinds[i].scoped && m.project == "":
		return c, mainstay.Errorf(mainstay.Invalid, "kind %s needs metadata.project", m.kind)
	case !kinds[i].scoped && m.project != "":
		return c, mainstay.Errorf(mainstay.Invalid, "kind %s belongs to the installation and takes no metadata.project", m.kind)
	case m.project != "":
		p, err := a.Projects.Project(ctx, m.project)
		if err != nil {
			return c, err
		}
		project = p.ID
	}
	if allow != nil {
		if err := allow(m.kind, project, m.project); err != nil {
			return c, err
		}
	}
	var err error
	c.Changed, err = kinds[i].define(ctx, actor, project, m.name, m.spec)
	return c, err
}

func kindNames(kinds []kind) string {
	var l []string
	for _, k := range kinds {
		l = append(l, k.name)
	}
	return strings.Join(l, ", ")
}

// explain puts file, line and object before each fault.
func (m manifest) explain(err error) error {
	head := func(line int) string { return fmt.Sprintf("%s:%d: %s %q: ", m.source, line, m.kind, m.name) }
	var y *lineFault
	if errors.As(err, &y) {
		return mainstay.Errorf(mainstay.Invalid, "%s%s", head(max(y.line, m.line)), y.says)
	}
	fields := mainstay.ErrorFields(err)
	if len(fields) == 0 {
		if mainstay.ErrorCode(err) == mainstay.Internal {
			return fmt.Errorf("%s%w", head(m.line), err)
		}
		return mainstay.Errorf(mainstay.ErrorCode(err), "%s%s", head(m.line), mainstay.ErrorMessage(err))
	}
	var lines []string
	for f, says := range fields {
		lines = append(lines, head(m.where(f))+f+": "+says)
	}
	slices.Sort(lines)
	return mainstay.Errorf(mainstay.Invalid, "%s", strings.Join(lines, "\n"))
}

// ReadSources reads a manifest file, or every .yaml and .yml file of a folder in order of their names.
func ReadSources(path string) ([]Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	names := []string{path}
	if info.IsDir() {
		names = nil
		err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")) {
				names = append(names, name)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	var list []Source
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			return nil, err
		}
		list = append(list, Source{n, string(b)})
	}
	if len(list) == 0 {
		return nil, mainstay.Errorf(mainstay.Invalid, "%s holds no .yaml file", path)
	}
	return list, nil
}
