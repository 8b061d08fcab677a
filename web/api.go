package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/mainstayhq/mainstay/core/access"
)

// apiPrefix is where the API lives.
const apiPrefix = "/api/v1"

// API adds an operation under /api/v1. The pattern is without that prefix ("/incidents/{id}"); the same rules as for pages
// hold for permission and kind. I is a struct whose fields carry path, query or header tags, and Body; O one with Body and
// header fields (Out). Errors of h become problem+json by their code.
func API[I, O any](rt *Router, r Route, doc Doc, h func(ctx context.Context, in *I) (*O, error)) {
	r.Pattern = apiPrefix + strings.TrimPrefix(r.Pattern, apiPrefix)
	r = rt.add(r)
	limit := r.MaxBody
	if limit == 0 {
		limit = rt.cfg.MaxBody
	}
	op := huma.Operation{
		OperationID: operationID(r), Method: r.Method, Path: r.Pattern,
		Summary: doc.Summary, Description: describe(r, doc), Tags: []string{doc.Tag}, DefaultStatus: doc.Status,
		MaxBodyBytes: limit, Security: []map[string][]string{{"bearer": {}}, {"basic": {}}},
		Errors: errorsOf(r),
	}
	if r.Permission == access.Public {
		op.Security = []map[string][]string{}
	}
	op.Parameters = append(describePrecondition[I](r), describePath[I](r)...)
	keepReading(rt, r, h)
	huma.Register(rt.api, op, func(ctx context.Context, in *I) (*O, error) {
		var out *O
		ctx, err := rt.expecting(ctx, r)
		if err == nil {
			out, err = h(ctx, in)
		}
		if err != nil {
			scopeOf(ctx).err = err
			p := problemOf(ctx, err)
			if p.Status == http.StatusInternalServerError {
				rt.cfg.Log.ErrorContext(ctx, "request failed", "request", RequestID(ctx), "route", r.Pattern, "err", err)
			}
			return nil, p
		}
		return out, nil
	})
}

// describeRaw describes a Raw route of the API: a download, whose content is its own.
func (rt *Router) describeRaw(r Route) {
	if !strings.HasPrefix(r.Pattern, apiPrefix+"/") || r.Method == "" {
		return
	}
	tag, _, _ := strings.Cut(strings.TrimPrefix(r.Pattern, apiPrefix+"/"), "/")
	op := &huma.Operation{
		OperationID: operationID(r), Method: r.Method, Path: r.Pattern, Tags: []string{tag},
		Summary: "A file: " + strings.TrimPrefix(r.Pattern, apiPrefix), Description: describe(r, Doc{}),
		Security: []map[string][]string{{"bearer": {}}, {"basic": {}}}, Parameters: describePath[struct{}](r),
		Responses: map[string]*huma.Response{
			"200": {Description: "The file", Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}},
		},
	}
	for _, status := range errorsOf(r) {
		op.Responses[fmt.Sprint(status)] = &huma.Response{
			Description: http.StatusText(status),
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: rt.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "")}},
		}
	}
	rt.api.OpenAPI().AddOperation(op)
}

var pathValue = regexp.MustCompile(`\{(\w+)\}`)

// describePath describes the values of the path that the input does not read, because the guard has.
func describePath[I any](r Route) []*huma.Param {
	var list []*huma.Param
	for _, m := range pathValue.FindAllStringSubmatch(r.Pattern, -1) {
		if takesPath(reflect.TypeFor[I](), m[1]) {
			continue
		}
		p := &huma.Param{Name: m[1], In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}
		if r.Kind != "" && m[1] == pathName(r.Pattern) {
			p.Description = "Its id, number or name"
		}
		list = append(list, p)
	}
	return list
}

func takesPath(t reflect.Type, name string) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("path") == name || f.Anonymous && f.IsExported() && takesPath(f.Type, name) {
			return true
		}
	}
	return false
}

// errorsOf are the errors that an operation may answer with.
func errorsOf(r Route) []int {
	list := []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusTooManyRequests}
	if unsafeMethod(r.Method) {
		list = append(list, http.StatusConflict, http.StatusPreconditionFailed, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	return list
}

func describe(r Route, doc Doc) string {
	text := doc.Description
	if text != "" {
		text += "\n\n"
	}
	return text + "Permission: `" + string(r.Permission) + "`."
}

// operationID is a stable name such as "post-pages-id-acknowledge".
func operationID(r Route) string {
	path := strings.NewReplacer("{", "", "}", "", "/", "-", ".", "-").Replace(strings.TrimPrefix(r.Pattern, apiPrefix))
	return strings.ToLower(r.Method) + path
}

// apiMux lets the API frame register its handlers behind our guard.
type apiMux struct{ rt *Router }

// HandleFunc registers an operation; its route was added just before.
func (m apiMux) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	method, path, _ := strings.Cut(pattern, " ")
	r, ok := m.rt.route(method, path)
	if !ok {
		panic("web: API operation without a route: " + pattern)
	}
	m.rt.mux.HandleFunc(pattern, func(w http.ResponseWriter, req *http.Request) { m.rt.serveAPI(r, handler, w, req) })
}

// ServeHTTP serves the router's mux.
func (m apiMux) ServeHTTP(w http.ResponseWriter, req *http.Request) { m.rt.mux.ServeHTTP(w, req) }

func (rt *Router) serveAPI(r Route, h http.HandlerFunc, w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	rt.limit(r, w, req)
	s := scopeOf(req.Context())
	s.ifMatch, s.path, s.project = strings.Join(req.Header.Values("If-Match"), ","), req.PathValue(pathName(r.Pattern)), req.URL.Query().Get("project")
	err := rt.meter(rt.byAddress, rt.ClientIP(req), w)
	if err == nil && unsafeMethod(req.Method) {
		err = rt.crossOrigin(req)
	}
	if err == nil {
		err = rt.admit(r, req)
	}
	if err == nil && s.viewer.SignedIn() {
		err = rt.meter(rt.byActor, s.viewer.Actor.String(), w)
	}
	if err != nil {
		rt.WriteProblem(w, req, err)
		return
	}
	if unsafeMethod(req.Method) {
		h(w, req)
		return
	}
	c := &conditional{ResponseWriter: w}
	h(c, req)
	c.send(req)
}

// The API frame keeps its error constructors in package variables, so they are set once per process.
var frameErrors sync.Once

func newAPI(rt *Router) huma.API {
	frameErrors.Do(func() {
		huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
			return frameProblem(context.Background(), status, msg, errs...)
		}
		huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
			return frameProblem(ctx.Context(), status, msg, errs...)
		}
	})
	version := rt.cfg.Version
	if version == "" {
		version = "dev"
	}
	cfg := huma.DefaultConfig("Mainstay", version)
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath, cfg.CreateHooks = "", "", "", nil
	cfg.NoFormatFallback = false
	cfg.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaNames())
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "An API token"},
		"basic":  {Type: "http", Scheme: "basic", Description: "Any user; the API token is the password"},
	}
	cfg.Info.Description = "Everything that Mainstay knows and does. Lists answer items and next; give next as cursor to read on. Errors are problem+json with a code."
	if u := rt.cfg.ExternalURL; u != nil {
		cfg.Servers = []*huma.Server{{URL: strings.TrimSuffix(u.String(), "/")}}
	}
	return humago.New(apiMux{rt}, cfg)
}

// schemaNames names schemas. A type without a name, such as the Body of an input that is spelled out in place, goes by the hint,
// with a number when another such type has it already.
func schemaNames() func(t reflect.Type, hint string) string {
	taken := map[string]reflect.Type{}
	return func(t reflect.Type, hint string) string {
		name := schemaName(t, hint)
		if t.Name() != "" || t.Kind() != reflect.Struct {
			return name
		}
		for n, base := 2, name; taken[name] != nil && taken[name] != t; n++ {
			name = fmt.Sprint(base, n)
		}
		taken[name] = t
		return name
	}
}

// schemaName names a schema by package and type, so that two practices may both have a View: incidentweb.View is
// "IncidentView", web.List[incidentweb.View] is "ListIncidentView".
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Name() == "" {
		return huma.DefaultSchemaNamer(t, hint)
	}
	base, args, generic := strings.Cut(t.Name(), "[")
	name := packageWord(t.PkgPath()) + base
	if generic {
		for _, arg := range strings.Split(strings.TrimSuffix(args, "]"), ",") {
			arg = strings.TrimLeft(arg, "[]*")
			path, typ := "", arg
			if i := strings.LastIndex(arg, "."); i >= 0 {
				path, typ = arg[:i], arg[i+1:]
			}
			name += packageWord(path) + title(strings.Trim(typ, "[]"))
		}
	}
	return name
}

func packageWord(path string) string {
	word := path[strings.LastIndex(path, "/")+1:]
	if word == "web" || word == "mainstay" {
		return ""
	}
	return title(strings.TrimSuffix(word, "web"))
}

func title(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// openAPI serves the description of the API.
func (rt *Router) openAPI() http.HandlerFunc {
	doc := sync.OnceValues(func() ([]byte, error) { return json.Marshal(rt.api.OpenAPI()) })
	return func(w http.ResponseWriter, req *http.Request) {
		b, err := doc()
		if err != nil {
			rt.WriteProblem(w, req, fmt.Errorf("describing the API: %w", err))
			return
		}
		w.Header().Set("Content-Type", "application/vnd.oai.openapi+json;version=3.1")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(b) // the client may have gone
	}
}
