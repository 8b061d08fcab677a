package web

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
)

// Defined is a configured thing as the API shows it: the same as its manifest.
type Defined[S any] struct {
	Kind    string `json:"kind" doc:"As in a manifest"`
	Name    string `json:"name"`
	Project string `json:"project,omitempty" doc:"Name of its project; absent for what belongs to the installation"`
	Spec    S      `json:"spec" doc:"As a manifest says it"`
}

// Definition is how a kind of manifest is read, made, changed and removed by its name over the API.
type Definition[S any] struct {
	Kind       string        // as in a manifest
	Plural     string        // path element
	Object     mainstay.Kind // in the register; "" for what is not in it
	About      string        // one sentence
	Scoped     bool          // belongs to a project
	Permission access.Permission
	Removal    string // how it ends, such as retired; "" when it cannot be removed

	// In finds the project by id or name, and checks that the viewer holds the permission there. Name is what people call it.
	In func(ctx context.Context, p access.Permission, project string) (id, name string, err error)
	// Within runs f in one transaction.
	Within func(ctx context.Context, f func(ctx context.Context) error) error
	Specs  func(ctx context.Context, project string) (map[string]S, error)
	Define func(ctx context.Context, by mainstay.Actor, project, name string, spec S) (changed bool, err error)
	Remove func(ctx context.Context, by mainstay.Actor, project, name string) error
}

// ByName is the part of an input that names a configured thing.
type ByName struct {
	Name    string `path:"name" maxLength:"63"`
	Project string `query:"project" maxLength:"100" doc:"A project's id or name, for kinds that belong to one"`
}

type defineIn[S any] struct {
	ByName
	Precondition
	Body S
}

type removeIn struct {
	ByName
	IfMatch string `header:"If-Match" maxLength:"1000" doc:"The ETag that you hold: when the object has changed since, nothing is done and the answer is 412"`
}

type defineOut struct {
	Status int
	ETag   string `header:"ETag"`
	Body   any
}

// Define adds the operations of a kind that are not there yet: list and one of what is in no other list, PUT and DELETE by name.
func Define[S any](rt *Router, d Definition[S]) {
	has := func(method string) bool {
		return slices.ContainsFunc(rt.routes, func(r Route) bool {
			rest, ok := strings.CutPrefix(r.Pattern, apiPrefix+"/"+d.Plural+"/{")
			return ok && r.Method == method && !strings.Contains(rest, "/")
		})
	}
	if !has(http.MethodGet) {
		d.list(rt)
		d.one(rt)
	}
	if !has(http.MethodPut) {
		d.put(rt)
	}
	if !has(http.MethodDelete) && d.Remove != nil {
		d.remove(rt)
	}
}

// route is that of a change by name. Where the register's object has its own tag, the change itself checks it.
func (d Definition[S]) route(rt *Router, method string) Route {
	r := Route{Method: method, Pattern: "/" + d.Plural + "/{name}", Permission: d.Permission}
	if rt.reads[d.Object] != nil {
		r.Names = d.Object
	}
	return r
}

func (d Definition[S]) read() access.Permission {
	if d.Object != "" {
		return Reads(d.Object)
	}
	if d.Scoped {
		return access.ProjectRead
	}
	return d.Permission
}

func (d Definition[S]) list(rt *Router) {
	API(rt, Route{Method: http.MethodGet, Pattern: "/" + d.Plural, Permission: d.read()},
		Doc{Summary: "List by name: " + d.Kind, Description: d.About, Tag: d.Plural},
		func(ctx context.Context, in *struct{ Query }) (*Out[List[Defined[S]]], error) {
			all, err := d.all(ctx, rt, in.Project)
			if err != nil {
				return nil, err
			}
			out := List[Defined[S]]{Items: []Defined[S]{}}
			for _, x := range all {
				key := x.Project + "/" + x.Name
				if in.Cursor != "" && key <= in.Cursor {
					continue
				}
				if len(out.Items) == in.Limit {
					last := out.Items[len(out.Items)-1]
					out.Next = last.Project + "/" + last.Name
					break
				}
				out.Items = append(out.Items, x)
			}
			return &Out[List[Defined[S]]]{Body: out}, nil
		})
}

// all lists what the viewer may see, by project and name.
func (d Definition[S]) all(ctx context.Context, rt *Router, project string) ([]Defined[S], error) {
	projects := map[string]string{"": ""} // id by name
	if d.Scoped {
		projects = map[string]string{}
		everywhere, ids, err := rt.Scope(ctx, d.read(), project)
		if err != nil {
			return nil, err
		}
		lines, err := rt.cfg.Projects.List(ctx, ViewerFrom(ctx))
		if err != nil {
			return nil, err
		}
		for _, p := range lines {
			if everywhere || slices.Contains(ids, p.ID) {
				projects[p.Name] = p.ID
			}
		}
	}
	var list []Defined[S]
	for _, name := range slices.Sorted(maps.Keys(projects)) {
		specs, err := d.Specs(ctx, projects[name])
		if err != nil {
			return nil, err
		}
		for _, n := range slices.Sorted(maps.Keys(specs)) {
			list = append(list, Defined[S]{d.Kind, n, name, specs[n]})
		}
	}
	slices.SortFunc(list, func(a, b Defined[S]) int { return strings.Compare(a.Project+"/"+a.Name, b.Project+"/"+b.Name) })
	return list, nil
}

func (d Definition[S]) one(rt *Router) {
	API(rt, Route{Method: http.MethodGet, Pattern: "/" + d.Plural + "/{name}", Permission: d.read()},
		Doc{Summary: "One by name: " + d.Kind, Description: d.About, Tag: d.Plural},
		func(ctx context.Context, in *ByName) (*Out[Defined[S]], error) {
			id, project, err := d.in(ctx, d.read(), in.Project)
			if err != nil {
				return nil, err
			}
			x, tag, err := d.find(ctx, id, project, in.Name)
			return &Out[Defined[S]]{ETag: tag, Body: x}, err
		})
}

// in is the project of a request.
func (d Definition[S]) in(ctx context.Context, p access.Permission, project string) (id, name string, err error) {
	switch {
	case d.Scoped && project == "":
		return "", "", mainstay.Faults{"project": "say which project (?project=)"}.Err()
	case !d.Scoped && project != "":
		return "", "", mainstay.Faults{"project": d.Kind + " belongs to the installation"}.Err()
	}
	return d.In(ctx, p, project)
}

// find reads one from the specs; its tag is a digest of what it says.
func (d Definition[S]) find(ctx context.Context, id, project, name string) (x Defined[S], tag string, err error) {
	specs, err := d.Specs(ctx, id)
	if err != nil {
		return x, "", err
	}
	spec, there := specs[name]
	if !there {
		return x, "", mainstay.Errorf(mainstay.NotFound, "There is no %s %q.", d.Kind, name)
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return x, "", fmt.Errorf("writing %s %q: %w", d.Kind, name, err)
	}
	sum := fnv.New64a()
	_, _ = sum.Write(text) // it never fails
	return Defined[S]{d.Kind, name, project, spec}, fmt.Sprintf(`"%016x"`, sum.Sum64()), nil
}

// now reads one as GET shows it: in the register's words where there are any.
func (d Definition[S]) now(ctx context.Context, rt *Router, id, project, name string) (tag string, body any, err error) {
	read := rt.reads[d.Object]
	if read == nil {
		x, tag, err := d.find(ctx, id, project, name)
		return tag, x, err
	}
	specs, err := d.Specs(ctx, id)
	if err != nil {
		return "", nil, err
	}
	if _, there := specs[name]; !there {
		return "", nil, mainstay.Errorf(mainstay.NotFound, "There is no %s %q.", d.Kind, name)
	}
	s := scopeOf(ctx)
	if s.found, err = rt.cfg.Objects.Find(ctx, d.Object, name, id); err != nil {
		return "", nil, err
	}
	return read(ctx)
}

func (d Definition[S]) put(rt *Router) {
	r := d.route(rt, http.MethodPut)
	API(rt, r, Doc{
		Summary: "Make or change by name: " + d.Kind, Tag: d.Plural,
		Description: d.About + " Idempotent: what is so already is left alone. 201 when it was made.",
	}, func(ctx context.Context, in *defineIn[S]) (out *defineOut, err error) {
		id, project, err := d.in(ctx, d.Permission, in.Project)
		if err != nil {
			return nil, err
		}
		err = d.Within(ctx, func(ctx context.Context) error {
			out = &defineOut{Status: http.StatusOK}
			before, _, err := d.now(ctx, rt, id, project, in.Name)
			switch {
			case mainstay.Is(err, mainstay.NotFound):
				out.Status = http.StatusCreated
			case err != nil:
				return err
			}
			if err := in.check(before); err != nil {
				return err
			}
			if _, err := d.Define(ctx, ViewerFrom(ctx).Actor, id, in.Name, in.Body); err != nil {
				return err
			}
			out.ETag, out.Body, err = d.now(ctx, rt, id, project, in.Name)
			return err
		})
		return out, err
	})
	rt.sameAnswer(d.Plural)
}

func (d Definition[S]) remove(rt *Router) {
	API(rt, d.route(rt, http.MethodDelete), Doc{
		Summary: "Remove by name: " + d.Kind, Tag: d.Plural, Status: http.StatusNoContent,
		Description: "It is " + d.Removal + ". What is still named by something else is a conflict, and stays.",
	}, func(ctx context.Context, in *removeIn) (*struct{}, error) {
		id, project, err := d.in(ctx, d.Permission, in.Project)
		if err != nil {
			return nil, err
		}
		return nil, d.Within(ctx, func(ctx context.Context) error {
			tag, _, err := d.now(ctx, rt, id, project, in.Name)
			if err == nil {
				err = Precondition{IfMatch: in.IfMatch}.check(tag)
			}
			if err != nil {
				return err
			}
			return d.Remove(ctx, ViewerFrom(ctx).Actor, id, in.Name)
		})
	})
}

// check is Holds for a tag, "" when there is no such object yet.
func (p Precondition) check(tag string) error {
	switch {
	case tag == "" || p.IfMatch == "":
		version := int64(0)
		if tag != "" {
			version = 1
			if p.IfNoneMatch != "" && p.IfNoneMatch != "*" && !matches(p.IfNoneMatch, tag) {
				return nil
			}
			if p.IfNoneMatch != "" {
				p.IfNoneMatch = "*"
			}
		}
		return p.Holds(version)
	case !matches(p.IfMatch, tag):
		return stale(p.IfMatch, tag)
	}
	return nil
}

// sameAnswer describes the answer of a PUT as that of the operation that reads the same object.
func (rt *Router) sameAnswer(plural string) {
	paths := rt.api.OpenAPI().Paths
	put := paths[apiPrefix+"/"+plural+"/{name}"]
	if put == nil || put.Put == nil {
		return
	}
	for _, name := range []string{"{id}", "{name}"} {
		get := paths[apiPrefix+"/"+plural+"/"+name]
		if get == nil || get.Get == nil {
			continue
		}
		if ok := get.Get.Responses["200"]; ok != nil {
			put.Put.Responses["200"] = ok
			made := *ok
			made.Description = "Created"
			put.Put.Responses["201"] = &made
		}
	}
}
