package app

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/mainstayhq/mainstay"
)

// APIVersion is the version that every manifest names.
const APIVersion = "mainstay/v1"

// Source is one text of manifests: a file's name, for errors, and its YAML.
type Source struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// What applying a manifest does.
const (
	Created   = "created"
	Updated   = "changed"
	Unchanged = "unchanged"
	Removed   = "removed"
	Kept      = "kept"
)

// Change is what applying one manifest did, or would do in a dry run.
type Change struct {
	Kind    string  `json:"kind"`
	Project string  `json:"project,omitempty"`
	Name    string  `json:"name"`
	Action  string  `json:"action" enum:"created,changed,unchanged,removed,kept" doc:"What was done to it, or would be"`
	Changed bool    `json:"changed" doc:"Anything but unchanged and kept"`
	Removed bool    `json:"removed,omitempty" doc:"It is in no manifest, and was removed"`
	How     string  `json:"how,omitempty" enum:"deleted,retired,deactivated,cancelled" doc:"How it was removed: what has a history is not deleted"`
	Kept    string  `json:"kept,omitempty" doc:"It is in no manifest, and why it was not removed"`
	Fields  []Field `json:"fields,omitempty" doc:"What differs, field by field"`
}

// allowance says whether the caller may define a kind in a project, of which it gets the id and the name; both are "" for what
// belongs to the installation.
type allowance func(kind, project, name string) error

// remover takes one object away; see kind.
type remover func(ctx context.Context, actor mainstay.Actor, project, name string) error

// kind is one kind of manifest: how to define it and how to write it back.
type kind struct {
	name   string
	plural string        // its path element in the API
	object mainstay.Kind // in the register; "" for what is not in it
	about  string        // one sentence
	scoped bool          // belongs to a project
	spec   reflect.Type
	define func(ctx context.Context, actor mainstay.Actor, project, name string, spec ast.Node) (bool, error)
	specs  func(ctx context.Context, project string) (map[string]any, error)
	remove remover // nil: it is never removed
	how    string  // how it is removed, see Change
	serve  func(a *App, k kind)
}

// is gives a kind its path element in the API, its kind in the register of objects ("" for none) and a sentence.
func (k kind) is(plural string, object mainstay.Kind, about string) kind {
	k.plural, k.object, k.about = plural, object, about
	return k
}

// removable is a kind whose objects can be deleted.
func (k kind) removable(remove remover) kind { return k.endable("deleted", remove) }

// endable is a kind whose objects have a history: they end in another way.
func (k kind) endable(how string, remove remover) kind {
	k.how, k.remove = how, remove
	return k
}

// kindOf makes a kind from a practice's own functions. Its path element is the plural of its name unless is says another.
func kindOf[S any](name string, scoped bool,
	define func(ctx context.Context, actor mainstay.Actor, project, name string, spec S) (bool, error),
	specs func(ctx context.Context, project string) (map[string]S, error),
) kind {
	k := kind{name: name, scoped: scoped, plural: strings.ToLower(name) + "s", spec: reflect.TypeFor[S]()}
	k.define = func(ctx context.Context, actor mainstay.Actor, project, name string, node ast.Node) (bool, error) {
		var spec S
		if node != nil && node.Type() != ast.NullType {
			if err := yaml.NewDecoder(strings.NewReader(""), yaml.Strict()).DecodeFromNodeContext(ctx, node, &spec); err != nil {
				return false, decodeFault(err)
			}
		}
		return define(ctx, actor, project, name, spec)
	}
	k.specs = func(ctx context.Context, project string) (map[string]any, error) {
		list, err := specs(ctx, project)
		m := make(map[string]any, len(list))
		for n, s := range list {
			m[n] = s
		}
		return m, err
	}
	k.serve = func(a *App, k kind) { serveKind(a, k, define, specs) }
	return k
}

func kindNames(kinds []kind) []string {
	var l []string
	for _, k := range kinds {
		l = append(l, k.name)
	}
	return l
}

// kind finds a kind by its name.
func findKind(kinds []kind, name string) (kind, bool) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	if i < 0 {
		return kind{}, false
	}
	return kinds[i], true
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

// label names an object in messages: Service "checkout".
func label(kind, name string) string { return fmt.Sprintf("%s %q", kind, name) }
