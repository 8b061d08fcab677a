package web

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/web/ui"
)

// docsRoute adds the reference of the API, for people to read.
func (rt *Router) docsRoute() {
	docs := sync.OnceValue(func() ui.APIDocs { return rt.apiDocs() })
	rt.Handle(Route{Method: http.MethodGet, Pattern: "/api/docs", Permission: access.Self}, func(c *Ctx) error {
		return c.Render(Page{Title: "API reference", Nav: "admin", Crumbs: []Crumb{{Text: "API reference"}}}, ui.APIDocsPage(docs()))
	})
}

// apiDocs makes the reference from the description.
func (rt *Router) apiDocs() ui.APIDocs {
	o := rt.api.OpenAPI()
	v := ui.APIDocs{Intro: o.Info.Description}
	base := "http://127.0.0.1:8080"
	if len(o.Servers) > 0 {
		base = o.Servers[0].URL
	}
	groups := map[string]*ui.APIGroup{}
	for _, path := range slices.Sorted(maps.Keys(o.Paths)) {
		item := o.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			tag := strings.Join(op.Tags, " ")
			if groups[tag] == nil {
				groups[tag] = &ui.APIGroup{Name: tag}
			}
			groups[tag].Operations = append(groups[tag].Operations, docsOperation(op, base))
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(groups)) {
		v.Groups = append(v.Groups, *groups[tag])
	}
	schemas := o.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		v.Schemas = append(v.Schemas, ui.APISchema{Name: name, Text: schemas[name].Description, Fields: docsFields(schemas[name])})
	}
	return v
}

func docsOperation(op *huma.Operation, base string) ui.APIOperation {
	text, permission, _ := strings.Cut(op.Description, "Permission: `")
	out := ui.APIOperation{
		ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary,
		Text: strings.TrimSpace(text), Permission: strings.TrimSuffix(permission, "`."),
	}
	for _, p := range op.Parameters {
		out.Params = append(out.Params, ui.APIField{Name: p.Name, In: p.In, Text: p.Description, Type: docsType(p.Schema), Required: p.Required})
	}
	if op.RequestBody != nil {
		if m := op.RequestBody.Content["application/json"]; m != nil {
			t := docsType(m.Schema)
			out.Body = &t
		}
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		a := ui.APIAnswer{Status: status, Text: op.Responses[status].Description}
		for _, m := range op.Responses[status].Content {
			a.Type = docsType(m.Schema)
		}
		out.Answers = append(out.Answers, a)
	}
	out.Example = fmt.Sprintf("curl -H \"Authorization: Bearer $TOKEN\" %s%s", base, op.Path)
	if op.Method != http.MethodGet {
		out.Example = fmt.Sprintf("curl -X %s -H \"Authorization: Bearer $TOKEN\" %s%s", op.Method, base, op.Path)
	}
	if out.Body != nil {
		out.Example += " \\\n  -H 'Content-Type: application/json' -d @body.json"
	}
	return out
}

func docsFields(s *huma.Schema) []ui.APIField {
	var list []ui.APIField
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		f := ui.APIField{Name: name, Text: p.Description, Type: docsType(p), Required: slices.Contains(s.Required, name)}
		if len(p.Enum) > 0 {
			var words []string
			for _, w := range p.Enum {
				words = append(words, fmt.Sprint(w))
			}
			f.Text = strings.TrimSpace(f.Text + " (" + strings.Join(words, ", ") + ")")
		}
		list = append(list, f)
	}
	return list
}

// docsType is a schema in a few words.
func docsType(s *huma.Schema) ui.APIType {
	switch {
	case s == nil:
		return ui.APIType{}
	case s.Ref != "":
		return ui.APIType{Schema: s.Ref[strings.LastIndex(s.Ref, "/")+1:]}
	case s.Type == huma.TypeArray:
		t := docsType(s.Items)
		t.Before = strings.TrimSpace("list of " + t.Before)
		return t
	case s.Type == huma.TypeObject:
		if values, ok := s.AdditionalProperties.(*huma.Schema); ok {
			t := docsType(values)
			t.Before = strings.TrimSpace("map to " + t.Before)
			return t
		}
		return ui.APIType{Before: "object"}
	case s.Format != "":
		return ui.APIType{Before: s.Format}
	}
	return ui.APIType{Before: s.Type}
}
