package webhook_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay/core/webhook"
)

var update = flag.Bool("update", false, "write what is generated anew")

// TestEventsAreDescribed fails when docs/events.md or kinds.json are not what the comments of package fact say.
// go test ./core/webhook -run TestEventsAreDescribed -update writes both.
func TestEventsAreDescribed(t *testing.T) {
	words := commentsOfFacts(t)
	current(t, "kinds.json", marshal(t, words))
	if *update { // the new words are not compiled in yet
		cat, err := webhook.CatalogOf(marshal(t, words))
		if err != nil {
			t.Fatal(err)
		}
		current(t, "../../docs/events.md", page(cat))
		return
	}
	cat, err := webhook.Catalog("")
	if err != nil {
		t.Fatal(err)
	}
	current(t, "../../docs/events.md", page(cat))
	for _, k := range cat {
		if k.Doc == "" {
			t.Errorf("the kind %s has no comment", k.Name)
		}
	}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func current(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil { //nolint:gosec // it is documentation
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not current (%v): go test ./core/webhook -run TestEventsAreDescribed -update", filepath.Base(path), err)
	}
}

// commentsOfFacts reads what the source of package fact says about each kind and its fields.
func commentsOfFacts(t *testing.T) map[string]webhook.KindWords {
	t.Helper()
	files, err := filepath.Glob("../../fact/*.go")
	if err != nil {
		t.Fatal(err)
	}
	types, kinds := map[string]webhook.KindWords{}, map[string]string{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			readDecl(d, types, kinds)
		}
	}
	words := map[string]webhook.KindWords{}
	for typ, kind := range kinds {
		words[kind] = types[typ]
	}
	return words
}

func readDecl(d ast.Decl, types map[string]webhook.KindWords, kinds map[string]string) {
	switch d := d.(type) {
	case *ast.GenDecl:
		for _, s := range d.Specs {
			if ts, ok := s.(*ast.TypeSpec); ok {
				if st, ok := ts.Type.(*ast.StructType); ok {
					types[ts.Name.Name] = webhook.KindWords{Doc: sentence(ts.Name.Name, d.Doc.Text()), Fields: fields(st)}
				}
			}
		}
	case *ast.FuncDecl:
		if d.Name.Name != "FactKind" || d.Recv == nil || d.Body == nil {
			return
		}
		recv, ok1 := d.Recv.List[0].Type.(*ast.Ident)
		ret, ok2 := d.Body.List[0].(*ast.ReturnStmt)
		if !ok1 || !ok2 {
			return
		}
		if lit, ok := ret.Results[0].(*ast.BasicLit); ok {
			if kind, err := strconv.Unquote(lit.Value); err == nil {
				kinds[recv.Name] = kind
			}
		}
	}
}

// sentence is the comment without the Go name that begins it.
func sentence(name, doc string) string {
	doc = strings.Join(strings.Fields(doc), " ")
	doc = strings.TrimPrefix(strings.TrimPrefix(doc, name+":"), name+" ")
	doc = strings.TrimSpace(doc)
	if doc == "" {
		return ""
	}
	return strings.ToUpper(doc[:1]) + doc[1:]
}

func fields(s *ast.StructType) map[string]string {
	m := map[string]string{}
	for _, f := range s.Fields.List {
		doc := strings.Join(strings.Fields(f.Doc.Text()+" "+f.Comment.Text()), " ")
		if f.Tag == nil || doc == "" {
			continue
		}
		tag, err := strconv.Unquote(f.Tag.Value)
		if err != nil {
			continue
		}
		if name, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ","); name != "" {
			m[name] = doc
		}
	}
	return m
}

func page(kinds []webhook.Kind) []byte {
	var b bytes.Buffer
	b.WriteString("# Events\n\n<!-- Generated from the comments of package fact: make generate. Do not edit. -->\n\n" +
		"Every fact that Mainstay records, as the data of a CloudEvent of the type `" + webhook.TypePrefix + "` and the kind.\n" +
		"How to receive them: [webhooks.md](webhooks.md). The same list with a JSON Schema for each kind is at\n" +
		"`GET /api/v1/fact-kinds`. Fields are only ever added; every one of them may be missing.\n\n" +
		"A kind marked *private* leaves only by an endpoint that an administrator marked `private`.\n")
	noun := ""
	for _, k := range kinds {
		if n, _, _ := strings.Cut(k.Name, "."); n != noun {
			noun = n
			fmt.Fprintf(&b, "\n## %s\n", noun)
		}
		mark := ""
		if k.Confidential {
			mark = " (*private*)"
		}
		fmt.Fprintf(&b, "\n### `%s`%s\n\n%s\n", k.Name, mark, k.Doc)
		if len(k.Fields) == 0 {
			continue
		}
		b.WriteString("\n| field | type | |\n| --- | --- | --- |\n")
		for _, f := range k.Fields {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Name, f.Type, strings.ReplaceAll(f.Doc, "|", `\|`))
		}
	}
	return b.Bytes()
}
