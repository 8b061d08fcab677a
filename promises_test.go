package mainstay_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// promiseFile is docs/promises.yaml: every clause that was asked for, and what shows that it holds.
type promiseFile struct {
	Issues []struct {
		Name   string `yaml:"name"`
		Groups []struct {
			Title   string   `yaml:"title"`
			Clauses []clause `yaml:"clauses"`
		} `yaml:"groups"`
	} `yaml:"issues"`
}

// clause is one sentence that can be true or not.
type clause struct {
	ID      string   `yaml:"id"`
	Text    string   `yaml:"text"`
	State   string   `yaml:"state"`   // works, part or missing
	Lacks   string   `yaml:"lacks"`   // of a part: what is not there
	Test    oneOrAll `yaml:"test"`    // "./practice/warning TestKilled"
	Page    oneOrAll `yaml:"page"`    // "/incidents/{id}" of the product, or "docs/api.md"
	Command oneOrAll `yaml:"command"` // "make story"
	Result  string   `yaml:"result"`  // of a figure: bench/results/….json
	Figures []string `yaml:"figures"` // names in the result file whose promise must be kept
}

// oneOrAll is a text or a list of texts.
type oneOrAll []string

// UnmarshalYAML reads either.
func (l *oneOrAll) UnmarshalYAML(b []byte) error {
	var one string
	if yaml.Unmarshal(b, &one) == nil {
		*l = oneOrAll{one}
		return nil
	}
	return yaml.Unmarshal(b, (*[]string)(l))
}

func TestPromisesHold(t *testing.T) {
	text, err := os.ReadFile("docs/promises.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := readPromises(text)
	if err != nil {
		t.Fatalf("docs/promises.yaml: %v", err)
	}
	r, err := readRepository(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, says := range p.faults(r) {
		t.Error("docs/promises.yaml: " + says)
	}
	n := map[string]int{}
	for _, c := range p.all() {
		n[c.State]++
	}
	t.Logf("%d clauses work, %d in part, %d are missing", n["works"], n["part"], n["missing"])
}

func readPromises(text []byte) (promiseFile, error) {
	var p promiseFile
	err := yaml.UnmarshalWithOptions(text, &p, yaml.Strict())
	return p, err
}

func (p promiseFile) all() []clause {
	var list []clause
	for _, i := range p.Issues {
		for _, g := range i.Groups {
			list = append(list, g.Clauses...)
		}
	}
	return list
}

// faults are the sentences about what is not true, in the order of the file.
func (p promiseFile) faults(r repository) []string {
	var list []string
	seen := map[string]bool{}
	for _, c := range p.all() {
		if c.ID == "" {
			list = append(list, fmt.Sprintf("the clause %q has no id", c.Text))
			continue
		}
		if seen[c.ID] {
			list = append(list, c.ID+" stands twice: give each clause an id of its own")
		}
		seen[c.ID] = true
		for _, says := range append(c.shape(), c.proof(r)...) {
			list = append(list, c.ID+": "+says)
		}
	}
	return list
}

// shape finds what is wrong with the clause by itself.
func (c clause) shape() []string {
	var list []string
	if c.Text == "" {
		list = append(list, "has no text")
	}
	switch c.State {
	case "works":
		if len(c.Test)+len(c.Page)+len(c.Command) == 0 {
			list = append(list, "is said to work, but names no test, page or command that shows it")
		}
	case "part":
		if c.Lacks == "" {
			list = append(list, "works in part; say under lacks what is not there")
		}
	case "missing":
	default:
		list = append(list, fmt.Sprintf("has the state %q; the states are works, part and missing", c.State))
	}
	if c.Lacks != "" && c.State == "works" {
		list = append(list, "is said to work and to lack something")
	}
	if len(c.Figures) > 0 && c.Result == "" {
		list = append(list, "names figures, but no result file that holds them")
	}
	return list
}

// proof finds what the clause names and the repository lacks.
func (c clause) proof(r repository) []string {
	if c.State == "missing" {
		return nil
	}
	var list []string
	for _, name := range c.Test {
		if says := r.testFault(name); says != "" {
			list = append(list, says)
		}
	}
	for _, page := range c.Page {
		if strings.HasPrefix(page, "/") {
			continue // of the product: a test opens it
		}
		if _, err := os.Stat(filepath.Join(r.dir, page)); err != nil {
			list = append(list, fmt.Sprintf("names the page %s, which does not exist", page))
		}
	}
	for _, command := range c.Command {
		if target, ok := strings.CutPrefix(command, "make "); ok && !r.targets[strings.Fields(target)[0]] {
			list = append(list, fmt.Sprintf("names %q, but the Makefile has no such target", command))
		}
	}
	if c.State == "works" && c.Result != "" {
		list = append(list, r.resultFaults(c)...)
	}
	return list
}

// repository is what the clauses may name.
type repository struct {
	dir     string
	tests   map[string]map[string]*ast.FuncDecl // folder ("./storage") → function of its test files
	targets map[string]bool                     // of the Makefile
}

func readRepository(dir string) (repository, error) {
	r := repository{dir: dir, tests: map[string]map[string]*ast.FuncDecl{}, targets: map[string]bool{}}
	text, err := os.ReadFile(filepath.Join(dir, "Makefile"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllSubmatch(text, -1) {
		r.targets[string(m[1])] = true
	}
	fset := token.NewFileSet()
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != dir && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, filepath.Dir(name))
		if err != nil {
			return err
		}
		folder := "./" + path.Clean(filepath.ToSlash(rel))
		if folder == "./." {
			folder = "."
		}
		if r.tests[folder] == nil {
			r.tests[folder] = map[string]*ast.FuncDecl{}
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				r.tests[folder][fn.Name.Name] = fn
			}
		}
		return nil
	})
	return r, err
}

// testFault says what is wrong with "./package TestName", or "".
func (r repository) testFault(name string) string {
	folder, test, ok := strings.Cut(name, " ")
	if !ok || strings.Contains(test, " ") {
		return fmt.Sprintf("names the test %q; write the package's folder and the test: ./storage TestWhatIsWritten", name)
	}
	prefixed := func(p string) bool { return strings.HasPrefix(test, p) }
	if !slices.ContainsFunc([]string{"Test", "Fuzz", "Benchmark"}, prefixed) {
		return fmt.Sprintf("names %s, which is no test, fuzz test or benchmark", test)
	}
	if r.tests[folder] == nil {
		return fmt.Sprintf("names a test of %s, which has no test files", folder)
	}
	if r.tests[folder][test] == nil {
		return fmt.Sprintf("names the test %s, which %s does not have", test, folder)
	}
	if by := r.skips(folder, test, map[string]bool{}); by != "" {
		return fmt.Sprintf("names the test %s of %s, but %s can skip: only Need may, for it fails in CI", test, folder, by)
	}
	return ""
}

// skips is the name of the function, the test or one that it calls in its own package, that skips other than by Need.
func (r repository) skips(folder, name string, seen map[string]bool) string {
	fn := r.tests[folder][name]
	if fn == nil || fn.Body == nil || seen[name] || strings.EqualFold(name, "need") {
		return ""
	}
	seen[name] = true
	found := ""
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || found != "" {
			return found == ""
		}
		called := ""
		switch f := call.Fun.(type) {
		case *ast.Ident:
			called = f.Name
		case *ast.SelectorExpr:
			called = f.Sel.Name
			if slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, called) {
				found = name
				return false
			}
		}
		if called != "" {
			found = r.skips(folder, called, seen)
		}
		return found == ""
	})
	return found
}

// resultFaults says what the clause's result file lacks, and which of its figures do not keep their promise.
func (r repository) resultFaults(c clause) []string {
	text, err := os.ReadFile(filepath.Join(r.dir, c.Result))
	if err != nil {
		return []string{fmt.Sprintf("is said to work, but its result %s does not exist: run its command", c.Result)}
	}
	var f struct {
		Commit, Machine, Command string
		Figures                  []struct {
			Name           string
			Value, Promise float64
			AtLeast        bool
		}
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return []string{fmt.Sprintf("its result %s is no JSON: %v", c.Result, err)}
	}
	var list []string
	for _, field := range []struct{ name, value string }{{"commit", f.Commit}, {"machine", f.Machine}, {"command", f.Command}} {
		if field.value == "" {
			list = append(list, fmt.Sprintf("its result %s lacks %s: nobody can repeat it", c.Result, field.name))
		}
	}
	for _, name := range c.Figures {
		i := -1
		for j := range f.Figures {
			if f.Figures[j].Name == name {
				i = j
			}
		}
		switch {
		case i < 0:
			list = append(list, fmt.Sprintf("its result %s has no figure %q", c.Result, name))
		case f.Figures[i].Promise == 0:
			list = append(list, fmt.Sprintf("its figure %q has no promise to keep", name))
		case f.Figures[i].Value != f.Figures[i].Promise && f.Figures[i].AtLeast != (f.Figures[i].Value > f.Figures[i].Promise):
			list = append(list, fmt.Sprintf("its figure %q is %v, which misses the promise of %v", name, f.Figures[i].Value, f.Figures[i].Promise))
		}
	}
	return list
}

var update = flag.Bool("update", false, "write the figures of bench/results into README.md")

const figuresBegin, figuresEnd = "<!-- figures -->\n", "<!-- /figures -->"

// TestTheReadmeShowsTheMeasuredFigures compares the table of the README with bench/results; -update writes it.
func TestTheReadmeShowsTheMeasuredFigures(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), figuresBegin)
	had, after, ends := strings.Cut(rest, figuresEnd)
	if !begins || !ends {
		t.Fatalf("README.md lacks %s or %s, between which the figures stand", strings.TrimSpace(figuresBegin), figuresEnd)
	}
	table, err := figureTable()
	if err != nil {
		t.Fatal(err)
	}
	if had == table {
		return
	}
	if !*update {
		t.Fatalf("the figures of README.md are not those of bench/results; go test -run Figures . -update writes them:\n%s", table)
	}
	if err := os.WriteFile("README.md", []byte(before+figuresBegin+table+figuresEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// figureTable writes what stands in bench/results as a table.
func figureTable() (string, error) {
	names, err := filepath.Glob("bench/results/*.json")
	if err != nil || len(names) == 0 {
		return "Not measured yet: `make bench` measures all of them.\n", err
	}
	var rows, notes strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		var f struct {
			Commit, Machine, Command, At string
			Notes                        []string
			Figures                      []struct {
				Name, Unit     string
				Value, Promise float64
				AtLeast        bool
			}
		}
		if err := json.Unmarshal(text, &f); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		for _, r := range f.Figures {
			promise := ""
			if r.Promise != 0 {
				word := "at most "
				if r.AtLeast {
					word = "at least "
				}
				promise = word + strconv.FormatFloat(r.Promise, 'f', -1, 64) + " " + r.Unit
			}
			fmt.Fprintf(&rows, "| %s | %s %s | %s | `%s` |\n", r.Name, rounded(r.Value), r.Unit, promise, f.Command)
		}
		day, _, _ := strings.Cut(f.At, "T")
		fmt.Fprintf(&notes, "\n`%s`: commit %s, %s, %s", f.Command, f.Commit, day, f.Machine)
		if len(f.Notes) > 0 {
			notes.WriteString(". " + strings.Join(f.Notes, "; "))
		}
		notes.WriteString(".\n")
	}
	return "| figure | measured | promised | command |\n| --- | ---: | ---: | --- |\n" + rows.String() + notes.String(), nil
}

// rounded writes a number with three digits that count.
func rounded(v float64) string {
	digits := 2
	if v != 0 {
		digits = min(max(2-int(math.Floor(math.Log10(math.Abs(v)))), 0), 6)
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// A small repository where each promise but the first is broken in one way.
const brokenPromises = `
issues:
- name: example
  groups:
  - title: one
    clauses:
    - {id: a, text: fine, state: works, test: ./p TestFine, command: make demo, page: docs/is.md}
    - {id: a, text: twice, state: missing}
    - {id: b, text: no such test, state: works, test: ./p TestGone}
    - {id: c, text: no such package, state: part, lacks: much, test: ./q TestFine}
    - {id: d, text: it skips, state: works, test: [./p TestFine, ./p TestLazy]}
    - {id: e, text: its helper skips, state: works, test: ./p TestByHelper}
    - {id: f, text: shown by nothing, state: works}
    - {id: g, text: state, state: done}
    - {id: h, text: part of what, state: part, test: ./p TestFine}
    - {id: i, text: page, state: works, page: docs/none.md}
    - {id: j, text: command, state: works, command: make coffee}
    - {id: k, text: no result, state: works, command: make demo, result: none.json}
    - {id: l, text: figures, state: works, command: make demo, result: r.json, figures: [good, bad, gone, loose]}
    - {id: m, text: not measured yet, state: missing, test: ./p TestGone, result: none.json}
    - {id: n, text: needs, state: works, test: ./p TestNeeds}
`

func TestABrokenPromiseIsNamed(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Makefile":   "demo: ## it\n\ttrue\n",
		"docs/is.md": "#",
		"r.json": `{"commit":"c","machine":"","command":"make demo","figures":[{"name":"good","value":1,"promise":2},` +
			`{"name":"bad","value":1,"promise":2,"atLeast":true},{"name":"loose","value":1}]}`,
		"p/p_test.go": `package p
func TestFine(t *testing.T) { t.Log() }
func TestLazy(t *testing.T) { if true { t.Run("x", func(t *testing.T) { t.Skipf("no") }) } }
func TestByHelper(t *testing.T) { helper(t) }
func helper(t *testing.T) { t.SkipNow() }
func TestNeeds(t *testing.T) { need(t); mainstaytest.Need(t, "mail") }
func need(t *testing.T) { t.Skip() }
`,
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := readPromises([]byte(brokenPromises))
	if err != nil {
		t.Fatal(err)
	}
	r, err := readRepository(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(p.faults(r), "\n")
	want := strings.TrimSpace(`
a stands twice: give each clause an id of its own
b: names the test TestGone, which ./p does not have
c: names a test of ./q, which has no test files
d: names the test TestLazy of ./p, but TestLazy can skip: only Need may, for it fails in CI
e: names the test TestByHelper of ./p, but helper can skip: only Need may, for it fails in CI
f: is said to work, but names no test, page or command that shows it
g: has the state "done"; the states are works, part and missing
h: works in part; say under lacks what is not there
i: names the page docs/none.md, which does not exist
j: names "make coffee", but the Makefile has no such target
k: is said to work, but its result none.json does not exist: run its command
l: its result r.json lacks machine: nobody can repeat it
l: its figure "bad" is 1, which misses the promise of 2
l: its result r.json has no figure "gone"
l: its figure "loose" has no promise to keep
`)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := readPromises([]byte("issues:\n- name: x\n  grups: []\n")); err == nil {
		t.Error("an unknown field is not refused")
	}
}
