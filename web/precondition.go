package web

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/mainstayhq/mainstay"
)

// reading is an operation that reads one object: its ETag and its body. The object is the one that ctx carries.
type reading func(ctx context.Context) (tag string, body any, err error)

// keepReading remembers how to read an object when the operation is the one that reads an object of its kind.
func keepReading[I, O any](rt *Router, r Route, h func(ctx context.Context, in *I) (*O, error)) {
	path := strings.TrimPrefix(r.Pattern, apiPrefix+"/")
	if _, rest, _ := strings.Cut(path, "/"); r.Method != http.MethodGet || r.Kind == "" || rest != "{id}" {
		return
	}
	rt.reads[r.Kind] = func(ctx context.Context) (string, any, error) {
		in := new(I)
		if f := reflect.ValueOf(in).Elem().FieldByName("ID"); f.IsValid() && f.Kind() == reflect.String {
			f.SetString(RefFrom(ctx).ID)
		}
		out, err := h(ctx, in)
		if err != nil {
			return "", nil, err
		}
		v, tag := reflect.ValueOf(out).Elem(), ""
		if f := v.FieldByName("ETag"); f.IsValid() {
			tag = f.String()
		}
		return tag, v.FieldByName("Body").Interface(), nil
	}
}

// expecting refuses to change an object that is another than the one the client holds, and returns a context in which the change
// itself checks it again, in its transaction (Config.Expect). For operations that make or change what a name names, the object may
// not be there yet.
func (rt *Router) expecting(ctx context.Context, r Route) (context.Context, error) {
	s := scopeOf(ctx)
	if s.ifMatch == "" || !unsafeMethod(r.Method) {
		return ctx, nil
	}
	id := s.found.Ref.ID
	if r.Names != "" {
		found, err := rt.cfg.Objects.Find(ctx, r.Names, s.path, s.project)
		if mainstay.Is(err, mainstay.NotFound) || mainstay.Is(err, mainstay.Conflict) {
			return ctx, nil // the operation says so, or knows better which one
		}
		if err != nil {
			return ctx, err
		}
		id = found.Ref.ID
	} else if read := rt.reads[r.Kind]; read != nil {
		now, _, err := read(ctx)
		if err != nil {
			return ctx, err
		}
		if now != "" && !matches(s.ifMatch, now) {
			return ctx, stale(s.ifMatch, now)
		}
	}
	if rt.cfg.Expect == nil || id == "" || s.ifMatch == "*" {
		return ctx, nil
	}
	return rt.cfg.Expect(ctx, id, func(version int64) error { return Match(s.ifMatch, version) }), nil
}

// matches reports whether an If-Match or If-None-Match header names the tag.
func matches(header, tag string) bool {
	for _, part := range strings.Split(header, ",") {
		part = strings.TrimSpace(part)
		if part == "*" || strings.TrimPrefix(part, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// preconditionError is a Conflict that HTTP calls 412.
type preconditionError struct{ cause error }

func (e *preconditionError) Error() string { return e.cause.Error() }

// Unwrap gives the Conflict.
func (e *preconditionError) Unwrap() error { return e.cause }

func stale(held, now string) error {
	return &preconditionError{mainstay.Errorf(mainstay.Conflict, "It was changed since you read it: you hold %s, it is now %s. Read it again.", held, now)}
}

// ETag is the entity tag of an object's version.
func ETag(version int64) string { return fmt.Sprintf(`"%d"`, version) }

// Match checks an If-Match header against the object's version: "" and "*" match, another version is a Conflict (412).
func Match(ifMatch string, version int64) error {
	if ifMatch == "" || matches(ifMatch, ETag(version)) {
		return nil
	}
	return stale(ifMatch, ETag(version))
}

// Precondition is the part that the input of operations shares which change an object that has a version; embed it.
type Precondition struct {
	IfMatch     string `header:"If-Match" maxLength:"1000" doc:"The ETag that you hold: when the object has changed since, nothing is done and the answer is 412"`
	IfNoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"*: only make it; when it is there already, nothing is done and the answer is 412"`
}

// Holds checks it against the object's version, 0 when there is no such object yet. It fails with Conflict (412).
func (p Precondition) Holds(version int64) error {
	switch {
	case version == 0 && p.IfMatch != "":
		return &preconditionError{mainstay.Errorf(mainstay.Conflict, "It does not exist, or no more. Send it without If-Match to make it.")}
	case version != 0 && p.IfNoneMatch != "" && matches(p.IfNoneMatch, ETag(version)):
		return &preconditionError{mainstay.Errorf(mainstay.Conflict, "It exists already. Send it without If-None-Match to change it.")}
	}
	return Match(p.IfMatch, version)
}

// describePrecondition adds If-Match to the description of an operation that changes an object of a kind.
func describePrecondition[I any](r Route) []*huma.Param {
	if r.Kind == "" || !unsafeMethod(r.Method) || takesIfMatch(reflect.TypeFor[I]()) {
		return nil
	}
	f, _ := reflect.TypeFor[Precondition]().FieldByName("IfMatch")
	return []*huma.Param{{Name: "If-Match", In: "header", Description: f.Tag.Get("doc"), Schema: &huma.Schema{Type: "string"}}}
}

func takesIfMatch(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("header") == "If-Match" || f.Anonymous && takesIfMatch(f.Type) {
			return true
		}
	}
	return false
}
