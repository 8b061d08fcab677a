package mainstay_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/mainstayhq/mainstay"

// coreEdges lists which core package may import which other, with the reason where it is not in DESIGN.md. It must stay
// acyclic; journal and timer import no other core package.
var coreEdges = map[string][]string{
	"commit":   {"timer"}, // the plain rows of what a use case writes hold timers
	"project":  {"object", "commit"},
	"object":   {"commit"},
	"people":   {"object", "commit", "timer", "calendar"},                                 // digests fall due; quiet hours are read on a wall clock
	"action":   {"commit", "object", "people", "journal", "timer"},                        // names owners, serves reminders
	"notify":   {"commit", "people", "setting", "timer", "object", "journal", "outbound"}, // addresses of people; secrets of webhooks; answers to pages; the guard
	"access":   {"people", "commit"},                                                      // grants are facts
	"identity": {"people", "access", "commit", "setting", "notify"},                       // who needs a second factor; invitations and resets are notices
	"document": {"file", "commit"},
	"evidence": {"file", "object"},
	"search":   {"object", "access", "commit"},
	"intake":   {"setting", "commit"},
	"setting":  {"commit"},
	"backup":   {"commit", "calendar", "notify", "setting"}, // falls due on a wall clock; tells administrators; its schedule is a setting
	"view":     {"commit"},                                  // a view that is shared is changed by a fact
	"undo":     {},
	"file":     {"commit", "object"}, // registers exhibits
	"calendar": {},
	"outbound": {},                                                             // the one guard for outgoing addresses
	"webhook":  {"commit", "timer", "journal", "object", "outbound", "notify"}, // reads facts from its cursors; what is private; retries are timers; signs; notices to administrators
}

// allowedThird names the only packages that may import a third-party module, for modules that not everybody may.
var allowedThird = map[string][]string{
	"modernc.org/sqlite":    {"storage"},
	"github.com/jackc/pgx":  {"storage"},
	"github.com/a-h/templ":  {"web", "*web", "app", "practice/communication/statuspage"}, // pages for the public
	"github.com/riverqueue": {"core/job/jobdb"},
	"gonum.org/v1/gonum":    {"analyze"},
}

func TestImportsFollowTheHouse(t *testing.T) {
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") && name != "." || d.IsDir() && d.Name() == "testdata" {
			if err == nil {
				err = fs.SkipDir
			}
			return err
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from := path.Dir(filepath.ToSlash(name))
		external := strings.HasSuffix(name, "_test.go") && strings.HasSuffix(f.Name.Name, "_test")
		for _, i := range f.Imports {
			to, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			if says := fault(from, to, external); says != "" {
				t.Errorf("%s: %s", fset.Position(i.Pos()), says)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// fault says why a package may not import another, or "".
func fault(from, to string, external bool) string {
	ours, isOurs := strings.CutPrefix(to, module)
	ours = strings.TrimPrefix(ours, "/")
	if !isOurs {
		return faultThird(from, to, external)
	}
	if ours == "" {
		ours = "."
	}
	if external && strings.HasPrefix(ours, "mainstaytest") {
		return "" // tests in external packages may use it
	}
	if external && testMay(from, ours) {
		return ""
	}
	if strings.HasPrefix(ours, "mainstaytest") && !strings.HasPrefix(from, "mainstaytest") {
		return "only external test packages may import mainstaytest"
	}
	if ok, why := may(from, ours, external); !ok {
		return fmt.Sprintf("%s must not import %s: %s", from, ours, why)
	}
	return ""
}

func faultThird(from, to string, external bool) string {
	if !strings.Contains(strings.SplitN(to, "/", 2)[0], ".") {
		return "" // the standard library
	}
	if (from == "." || from == "fact") && !external {
		return from + " must import the standard library only, not " + to
	}
	for module, allowed := range allowedThird {
		if !strings.HasPrefix(to, module) || external {
			continue
		}
		ok := slices.ContainsFunc(allowed, func(a string) bool {
			if s, suffix := strings.CutPrefix(a, "*"); suffix {
				return strings.HasSuffix(path.Base(from), s)
			}
			return from == a || strings.HasPrefix(from, a+"/")
		})
		if !ok {
			return fmt.Sprintf("only %s may import %s", strings.Join(allowed, " and "), module)
		}
	}
	return ""
}

// testMay says what external tests may import beyond their package's row: the real parts that they stand on. There are no mocks of
// our own code, so a practice's story is told on the real stores of the core; never on another practice.
func testMay(from, to string) bool {
	fa, fn, fk := place(from)
	ta, tn, tk := place(to)
	switch {
	case fa == "e2e" || fa == "bench" || fa == "." || fa == "fact" || fa == "cmd":
		return false
	case ta == "storage" || ta == "core" && (tk != "web" || fk == "web"):
		return true
	}
	return ta == fa && tn == fn || fa == "web" && ta == "web"
}

// place splits a package's folder: core/journal/journaldb is ("core", "journal", "db").
func place(dir string) (area, noun, kind string) {
	p := strings.Split(dir, "/")
	area = p[0]
	if len(p) > 1 {
		noun = p[1]
	}
	if len(p) > 2 {
		switch p[2] {
		case noun + "db":
			kind = "db"
		case noun + "web":
			kind = "web"
		default:
			kind = "part" // such as intake/alertmanager
		}
	}
	return area, noun, kind
}

// may holds the table of DESIGN.md, row by row.
func may(from, to string, test bool) (bool, string) {
	fa, fn, fk := place(from)
	ta, tn, tk := place(to)
	if from == to || to == "." && from != "e2e" && from != "bench" {
		return true, ""
	}
	switch fa {
	case ".":
		return false, "the root package stands alone"
	case "fact", "analyze":
		return fa == ta, "it may import mainstay only"
	case "storage":
		return ta == "storage", "it may import mainstay and drivers only"
	case "bench", "e2e":
		return false, "it drives the binary and imports none of our packages"
	case "cmd":
		return ta == "app" || ta == "cmd", "it may import app and mainstay only"
	case "app", "mainstaytest":
		return true, ""
	case "web":
		return ta == "web" || ta == "core" && tk == "" && slices.Contains([]string{"access", "people", "identity", "object", "journal"}, tn),
			"web may import core/access, people, identity, object and journal only"
	case "core":
		return mayCore(fn, fk, ta, tn, tk)
	case "practice":
		return mayPractice(fn, fk, ta, tn, tk)
	}
	return test, "no row of the table is about it: add one"
}

func mayCore(fn, fk, ta, tn, tk string) (bool, string) {
	edge := tn == fn || slices.Contains(coreEdges[fn], tn)
	switch {
	case ta == "fact" || ta == "analyze":
		return true, ""
	case fk == "web":
		return ta == "web" || ta == "core" && tk != "db" && tk != "web", "its pages may import web and core only"
	case fk == "part":
		return ta == "core" && tn == fn && tk == "", "it may import its parent and mainstay only"
	case fk == "db":
		return ta == "storage" || ta == "core" && (edge || tn == "commit") && tk != "web",
			"its database may import storage, and core packages along the edges of coreEdges"
	}
	return ta == "core" && edge && tk == "", "add an edge to coreEdges when it is needed and acyclic"
}

func mayPractice(fn, fk, ta, tn, tk string) (bool, string) {
	own := ta == "practice" && tn == fn
	switch {
	case ta == "practice" && !own:
		return false, "practices never call each other: use facts, questions, obligations or requests"
	case ta == "fact" || ta == "analyze":
		return true, ""
	case fk == "db":
		return ta == "storage" || own && tk == "" || ta == "core" && tk != "web", "its database may import storage and core only"
	case fk == "web":
		return ta == "web" || own && tk != "db" || ta == "core" && tk == "", "its pages may import web and core only"
	case fk == "part":
		return own || ta == "core" && tk == "", "it may import its practice and core only"
	}
	return ta == "core" && tk == "", "a practice may import mainstay, fact, analyze and core only"
}

func TestCoreEdgesAreAcyclic(t *testing.T) {
	state := map[string]int{}
	var visit func(string, []string)
	visit = func(n string, trail []string) {
		if state[n] == 1 {
			t.Fatalf("core packages import each other in a circle: %s", strings.Join(append(trail, n), " → "))
		}
		if state[n] == 2 {
			return
		}
		state[n] = 1
		for _, to := range coreEdges[n] {
			visit(to, append(trail, n))
		}
		state[n] = 2
	}
	for n := range coreEdges {
		visit(n, nil)
	}
	for _, n := range []string{"journal", "timer"} {
		if len(coreEdges[n]) > 0 {
			t.Errorf("%s must import no other core package", n)
		}
	}
}
