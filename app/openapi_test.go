package app_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
)

// openAPI is as much of a description as the test reads.
type openAPI struct {
	OpenAPI string
	Info    struct{ Title, Version, Description string }
	Paths   map[string]map[string]struct {
		OperationID, Summary, Description string
		Tags                              []string
		Parameters                        []struct{ Name, In string }
		Security                          []map[string][]string
		RequestBody                       *struct{ Content map[string]any }
		Responses                         map[string]struct {
			Description string
			Content     map[string]any
		}
	}
	Components struct {
		Schemas         map[string]any
		SecuritySchemes map[string]any
	}
}

var reference = regexp.MustCompile(`"\$ref":"#/components/schemas/([^"]+)"`)

// TestTheDescriptionOfTheAPIIsWhole compares /api/openapi.json with the route table.
func TestTheDescriptionOfTheAPIIsWhole(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite")
	a := s.Nobody().Get(t, "/api/openapi.json")
	var d openAPI
	a.JSON(t, &d)
	if !strings.HasPrefix(d.OpenAPI, "3.1") || d.Info.Title == "" || d.Info.Version != "test" || d.Info.Description == "" {
		t.Errorf("it begins with %q %+v", d.OpenAPI, d.Info)
	}
	described := map[string]bool{}
	names := map[string]string{}
	for path, ops := range d.Paths {
		for method, op := range ops {
			at := strings.ToUpper(method) + " " + path
			described[at] = true
			if other := names[op.OperationID]; other != "" || op.OperationID == "" {
				t.Errorf("%s is called %q, as is %s", at, op.OperationID, other)
			}
			names[op.OperationID] = at
			if op.Summary == "" || len(op.Tags) != 1 || op.Tags[0] == "" || !strings.Contains(op.Description, "Permission: `") {
				t.Errorf("%s says too little: %q %q %v", at, op.Summary, op.Description, op.Tags)
			}
			if public := publicRoutes[at] != ""; public != (len(op.Security) == 0) {
				t.Errorf("%s does not say how to authenticate", at)
			}
			for _, m := range pathValue.FindAllStringSubmatch(path, -1) {
				if !slices.ContainsFunc(op.Parameters, func(p struct{ Name, In string }) bool { return p.Name == m[1] && p.In == "path" }) {
					t.Errorf("%s does not describe {%s}", at, m[1])
				}
			}
			matches := 0
			for _, p := range op.Parameters {
				if p.Name == "If-Match" && p.In == "header" {
					matches++
				}
			}
			if changes := method != "get" && strings.Contains(path, "{id}"); matches > 1 || changes && matches == 0 {
				t.Errorf("%s describes If-Match %d times", at, matches)
			}
			good, problem := false, false
			for status, r := range op.Responses {
				good = good || status[0] == '2'
				problem = problem || status[0] == '4' && r.Content["application/problem+json"] != nil
			}
			if !good || !problem {
				t.Errorf("%s describes an answer: %v, a problem: %v", at, good, problem)
			}
		}
	}
	for _, r := range s.Routes() {
		at := r.Method + " " + r.Pattern
		if isAPIRoute(r) && !described[at] && r.Pattern != "/api/openapi.json" {
			t.Errorf("%s is not described", at)
		}
		delete(described, at)
	}
	for at := range described {
		t.Errorf("%s is described and does not exist", at)
	}
	for _, m := range reference.FindAllStringSubmatch(a.Body, -1) {
		if d.Components.Schemas[m[1]] == nil {
			t.Errorf("the schema %s is missing", m[1])
		}
	}
	var all map[string]any
	if err := json.Unmarshal([]byte(a.Body), &all); err != nil || d.Components.SecuritySchemes["bearer"] == nil || d.Components.SecuritySchemes["basic"] == nil {
		t.Error(err, d.Components.SecuritySchemes)
	}
}

// TestVersionsOfObjects: whoever changes something by a version that is not the newest is told so, and nothing is changed.
func TestVersionsOfObjects(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		root := w.With(w.root)
		for _, r := range w.Routes() {
			if r.Method == "GET" && r.Kind != "" && isAPIRoute(r) && strings.HasSuffix(r.Pattern, "/{id}") {
				a := root.Get(t, fillPattern(r, w.alpha))
				if tag := a.Header.Get("ETag"); a.Status != 200 || len(tag) < 3 || tag[0] != '"' {
					t.Errorf("%s answers %d with the version %q", r.Pattern, a.Status, tag)
				}
			}
		}
		w.nothingByAnOldVersion(t, root)
		for path, body := range map[string]string{
			"PUT /api/v1/components/part-alpha?project=alpha":      `{"title":"Part Basalt, renamed"}`,
			"PUT /api/v1/schedules/primary-alpha?project=alpha":    `{"zone":"UTC","layers":[{"name":"a","participants":["duty"]}]}`,
			"PUT /api/v1/policies/urgent-alpha?project=alpha":      `{"steps":[{"targets":["person:duty"]}]}`,
			"PUT /api/v1/windows/" + w.alpha["window"]:             `{"title":"Later","from":"2026-05-01T01:00:00Z","until":"2026-05-01T02:00:00Z"}`,
			"PUT /api/v1/posts/" + w.alpha["post"]:                 `{"title":"We look on","body":"Still.","status":"identified","nextMinutes":20}`,
			"PUT /api/v1/articles/" + w.alpha["article"]:           `{"title":"How to, again","markdown":"Do it","base":1}`,
			"POST /api/v1/actions/" + w.alpha["action"] + "/state": `{"state":"done"}`,
		} {
			method, path, _ := strings.Cut(path, " ")
			one, _, _ := strings.Cut(strings.TrimSuffix(path, "/state"), "?")
			if strings.Contains(path, "?") { // by name
				kind := map[string]string{"components": "component", "schedules": "schedule", "policies": "policy"}[strings.Split(path, "/")[3]]
				one = "/api/v1/" + strings.Split(path, "/")[3] + "/" + w.alpha[mainstay.Kind(kind)]
			}
			before := root.Get(t, one)
			send := func(match string) servertest.Answer {
				r := root.Request(t.Context(), method, path, strings.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("If-Match", match)
				return root.Do(r)
			}
			if a := send(`"1234567"`); a.Status != 412 {
				t.Errorf("%s %s with another version answers %d %.200s", method, path, a.Status, a.Body)
			}
			if after := root.Get(t, one); after.Header.Get("ETag") != before.Header.Get("ETag") || after.Body != before.Body {
				t.Errorf("%s %s with another version changed something", method, path)
			}
			if a := send(before.Header.Get("ETag")); a.Status >= 300 {
				t.Errorf("%s %s with the newest version answers %d %.200s", method, path, a.Status, a.Body)
			}
			if after := root.Get(t, one); after.Header.Get("ETag") == before.Header.Get("ETag") {
				t.Errorf("%s %s changed it, and the version is still %s", method, path, before.Header.Get("ETag"))
			}
		}
	})
}

// nothingByAnOldVersion sends every request that changes an object with a version that was never there.
func (w *world) nothingByAnOldVersion(t *testing.T, root *servertest.Client) {
	t.Helper()
	before, refused := w.facts(t, w.alpha[mainstay.KindProject])+w.facts(t, ""), 0
	for _, r := range w.Routes() {
		if r.Method == "GET" || r.Kind == "" || r.Kind == mainstay.KindKey || !isAPIRoute(r) { // a key has no version to hold
			continue
		}
		req := root.Request(t.Context(), r.Method, fillPattern(r, w.alpha), strings.NewReader("{}"))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("If-Match", `"1234567"`)
		switch a := root.Do(req); a.Status {
		case 412:
			refused++
		case 422: // the empty body is looked at first
		default:
			t.Errorf("%s %s with another version answers %d %.200s", r.Method, r.Pattern, a.Status, a.Body)
		}
	}
	if after := w.facts(t, w.alpha[mainstay.KindProject]) + w.facts(t, ""); after != before || refused < 20 {
		t.Errorf("%d requests with another version were refused, and %d facts came of them", refused, after-before)
	}
}
