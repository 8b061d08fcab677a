package web

import (
	"context"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/mainstayhq/mainstay"
)

// tagger is the ETag of the object of the request, as the operation that reads one of its kind gives it.
type tagger func(ctx context.Context) (string, error)

// keepTagger remembers how to find an object's ETag when the operation is the one that reads an object of its kind.
func keepTagger[I, O any](rt *Router, r Route, h func(ctx context.Context, in *I) (*O, error)) {
	path := strings.TrimPrefix(r.Pattern, apiPrefix+"/")
	if _, rest, _ := strings.Cut(path, "/"); r.Method != http.MethodGet || r.Kind == "" || rest != "{id}" {
		return
	}
	rt.tags[r.Kind] = func(ctx context.Context) (string, error) {
		in := new(I)
		if f := reflect.ValueOf(in).Elem().FieldByName("ID"); f.IsValid() && f.Kind() == reflect.String {
			f.SetString(RefFrom(ctx).ID)
		}
		out, err := h(ctx, in)
		if err != nil {
			return "", err
		}
		tag := reflect.ValueOf(out).Elem().FieldByName("ETag")
		if !tag.IsValid() {
			return "", nil
		}
		return tag.String(), nil
	}
}

// precondition refuses to change an object that is another than the one the client holds. The operations that take a Precondition
// check it themselves.
func (rt *Router) precondition(ctx context.Context, r Route) error {
	match, tag := scopeOf(ctx).ifMatch, rt.tags[r.Kind]
	if match == "" || match == "*" || !unsafeMethod(r.Method) || tag == nil {
		return nil
	}
	now, err := tag(ctx)
	if err != nil || now == "" || now == match {
		return err
	}
	return mainstay.Errorf(mainstay.Conflict, "It was changed since you read it: you hold %s, it is now %s. Read it again.", match, now)
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
