package app_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// allKinds are the kinds that a manifest may have.
var allKinds = []string{
	"Project", "Person", "Team", "Service", "Schedule", "EscalationPolicy", "Route", "IncidentPlan", "Component", "PostTemplate", "Window",
}

// shop reads the manifests of testdata/shop.
func shop(t *testing.T) []app.Source {
	t.Helper()
	sources, err := app.ReadSources("testdata/shop")
	if err != nil {
		t.Fatal(err)
	}
	return sources
}

// export is everything configurable, as manifests.
func export(t *testing.T, a *app.App, only string) string {
	t.Helper()
	var b bytes.Buffer
	if err := a.Export(t.Context(), &b, only); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// footprint is all that a refused or dry run could have left behind: the configuration, and how many facts there are.
func footprint(t *testing.T, a *app.App) string {
	t.Helper()
	chains, err := a.VerifyJournal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(chains) + export(t, a, "")
}

// TestManifestsOfEveryKind applies manifests of all kinds, again, and elsewhere: nothing is lost on the way, and nothing is done
// that is done already.
func TestManifestsOfEveryKind(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		empty := footprint(t, s.App)
		dry := apply(t, s.App, shop(t), true)
		if left := footprint(t, s.App); left != empty {
			t.Errorf("a dry run left something behind: %s", left)
		}
		first := apply(t, s.App, shop(t), false)
		if !slices.Equal(dry, first) {
			t.Errorf("a dry run said that %v would change, then %v changed", dry, first)
		}
		for _, kind := range allKinds {
			if !slices.Contains(first, kind) {
				t.Errorf("testdata/shop holds no %s that changed anything: %v", kind, first)
			}
		}
		whole := footprint(t, s.App)
		if again := apply(t, s.App, shop(t), false); again != nil || footprint(t, s.App) != whole {
			t.Errorf("applied again, %v changed", again)
		}
		text := export(t, s.App, "")
		golden(t, "testdata/export.yaml", text)
		elsewhere := servertest.New(t, "sqlite")
		apply(t, elsewhere.App, []app.Source{{Name: "export.yaml", Text: text}}, false)
		if back := export(t, elsewhere.App, ""); back != text {
			t.Errorf("exported, applied elsewhere and exported again it is\n%s", firstDifference(text, back))
		}
		if part := export(t, s.App, "blog"); strings.Contains(part, "shop") && strings.Contains(part, "kind: Service") || !strings.Contains(part, "name: blog") {
			t.Errorf("the export of one project holds another's:\n%s", part)
		}
	})
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("it is not as in %s (go test ./app -update writes it):\n%s", file, firstDifference(string(want), got))
	}
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return fmt.Sprintf("line %d: want\n%s\ngot\n%s", i+1, strings.Join(a[i:min(len(a), i+5)], "\n"), strings.Join(b[min(len(b), i):min(len(b), i+5)], "\n"))
		}
	}
	return fmt.Sprintf("%d lines more", len(b)-len(a))
}

// TestTheOrderOfManifestsDoesNotMatter shuffles all documents.
func TestTheOrderOfManifestsDoesNotMatter(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite")
	var all []string
	for _, source := range shop(t) {
		all = append(all, strings.Split(source.Text, "\n---\n")...)
	}
	for seed := range uint64(8) {
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		_, err := s.App.Apply(t.Context(), servertest.Operator, []app.Source{{Name: "shuffled.yaml", Text: strings.Join(all, "\n---\n")}}, true, nil)
		if err != nil {
			t.Errorf("shuffled with seed %d: %v", seed, err)
		}
	}
}

// TestFaultsOfManifests says what is wrong, and where; and a fault anywhere changes nothing anywhere.
func TestFaultsOfManifests(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: mainstay/v1\nkind: %s\nmetadata: {name: %s, project: shop}\nspec:\n"
	service := func(name string) string { return fmt.Sprintf(head, "Service", name) }
	for name, c := range map[string]struct{ text, want string }{
		"a field that does not exist": {service("a") + "  title: A\n  teir: gold\n", `^f\.yaml:6:\d+: Service "a": .*teir`},
		"one inside a list": {
			fmt.Sprintf(head, "Schedule", "a") + "  zone: UTC\n  layers:\n  - name: x\n    participants: [ana]\n    rotaton: weekly\n", `^f\.yaml:9:\d+: .*rotaton`,
		},
		"a wrong type":         {service("a") + "  title: A\n  dependsOn: web\n", `^f\.yaml:6:\d+: `},
		"no YAML":              {service("a") + "  title: [A\n", `^f\.yaml:\d+:\d+: `},
		"two faults of fields": {fmt.Sprintf(head, "Window", "a") + "  title: \"\"\n  from: soon\n  until: later\n", `(?s)^f\.yaml:\d+:\d+: Window "a": \w+: .*\nf\.yaml:\d+:\d+: Window "a": `},
		"the line of a field":  {fmt.Sprintf(head, "Route", "a") + "  order: 3\n  severity: bad\n", `^f\.yaml:6:\d+: Route "a": severity: `},
		"an unknown service":   {service("a") + "  title: A\n  dependsOn: [nothing]\n", `^f\.yaml:6:\d+: Service "a": dependsOn: `},
		"a circle":             {service("a") + "  dependsOn: [b]\n---\n" + service("b") + "  dependsOn: [a]\n", `^f\.yaml:\d+:\d+: Service "[ab]": dependsOn: `},
		"an unknown person": {
			fmt.Sprintf(head, "Schedule", "a") + "  zone: UTC\n  layers:\n  - {name: x, participants: [nobody]}\n", `^f\.yaml:\d+:\d+: Schedule "a": .*nobody`,
		},
		"an unknown kind":             {"apiVersion: mainstay/v1\nkind: Servise\nmetadata: {name: a, project: shop}\n", `^f\.yaml:2:7: .*there is no kind "Servise"; did you mean "Service"\?; the kinds are Project, `},
		"an unknown project":          {"apiVersion: mainstay/v1\nkind: Service\nmetadata: {name: a, project: shpo}\n", `^f\.yaml:3:30: .*"shpo"; did you mean "shop"\?`},
		"no project":                  {"apiVersion: mainstay/v1\nkind: Service\nmetadata: {name: a}\n", `^f\.yaml:1:\d+: .*kind Service needs metadata.project`},
		"a project where none may be": {"apiVersion: mainstay/v1\nkind: Team\nmetadata: {name: a, project: shop}\n", `^f\.yaml:3:30: .*takes no metadata.project`},
		"no name":                     {"apiVersion: mainstay/v1\nkind: Service\nmetadata: {project: shop}\n", `^f\.yaml:1:\d+: .*metadata.name`},
		"another version":             {"apiVersion: mainstay/v2\nkind: Project\nmetadata: {name: a}\n", `^f\.yaml:1:\d+: .*"mainstay/v2"; this Mainstay reads mainstay/v1`},
		"no version":                  {"kind: Project\nmetadata: {name: a}\n", `^f\.yaml:1:\d+: .*apiVersion`},
		"a stray field":               {"apiVersion: mainstay/v1\nkind: Project\nmetadata: {name: a}\nspecs: {}\n", `^f\.yaml:4:1: Project "a": unknown field specs; did you mean "spec"\?`},
		"stray metadata":              {"apiVersion: mainstay/v1\nkind: Project\nmetadata:\n  name: a\n  labels: {}\n", `^f\.yaml:5:3: Project "a": unknown field metadata.labels`},
		"a field twice":               {service("a") + "  title: A\n  title: B\n", `^f\.yaml:6:\d+: `},
		"not a mapping":               {"- a\n- b\n", `^f\.yaml:1:\d+: a manifest is a mapping`},
		"a bad name":                  {"apiVersion: mainstay/v1\nkind: Project\nmetadata: {name: \"A b\"}\n", `^f\.yaml:3:18: Project "A b": `},
		"the same thing twice":        {service("a") + "  title: A\n---\n" + service("a") + "  title: B\n", `^f\.yaml:7:\d+: Service "a" stands here twice: first in f\.yaml:1$`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := quiet(t)
			before := footprint(t, s)
			good := "apiVersion: mainstay/v1\nkind: Service\nmetadata: {name: good, project: shop}\n"
			_, err := s.Apply(t.Context(), servertest.Operator, []app.Source{{Name: "good.yaml", Text: good}, {Name: "f.yaml", Text: c.text}}, false, nil)
			if err == nil || !regexp.MustCompile(c.want).MatchString(err.Error()) {
				t.Errorf("it says\n%v\nwant\n%s", err, c.want)
			}
			if after := footprint(t, s); after != before {
				t.Error("it changed something all the same")
			}
		})
	}
}

// quiet is a server that does not run, with testdata/shop applied; tests that change nothing share it.
var quiet = func() func(t *testing.T) *app.App {
	return func(t *testing.T) *app.App {
		t.Helper()
		a, err := app.Open(t.Context(), servertest.Config(t, "sqlite"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = a.Close() })
		apply(t, a, shop(t), false)
		return a
	}
}()

// TestApplyOverTheAPI gives a project's manager what is the manager's, and nothing else.
func TestApplyOverTheAPI(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		apply(t, s.App, shop(t), false)
		var before string
		manager, member := s.With(s.Token(t, "manager", "shop")), s.With(s.Token(t, "member", "shop"))
		send := func(c *servertest.Client, text string, dry bool) servertest.Answer {
			return c.Send(t, "POST", "/api/v1/apply", map[string]any{"sources": []app.Source{{Name: "f.yaml", Text: text}}, "dryRun": dry})
		}
		const service = "apiVersion: mainstay/v1\nkind: Service\nmetadata: {name: new, project: %s}\n"
		own := fmt.Sprintf(service, "shop")
		before = footprint(t, s.App)
		for text, status := range map[string]int{
			fmt.Sprintf(service, "blog"):                                                                            404, // the project of others: not even that it exists
			fmt.Sprintf(service, "nowhere"):                                                                         404,
			"apiVersion: mainstay/v1\nkind: Project\nmetadata: {name: mine}\n":                                      403,
			"apiVersion: mainstay/v1\nkind: Team\nmetadata: {name: mine}\n":                                         403,
			"apiVersion: mainstay/v1\nkind: Person\nmetadata: {name: me}\nspec: {roles: [{role: administrator}]}\n": 403,
			own + "spec: {teir: gold}\n":                                                                            422,
		} {
			a := send(manager, own+"---\n"+text, false)
			if a.Status != status || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/problem+json") || !strings.Contains(a.Body, "f.yaml:") {
				t.Errorf("%q answers %d %s, want %d", text, a.Status, a.Body, status)
			}
		}
		if a := send(member, own, false); a.Status != 403 {
			t.Errorf("a member applies: %d %s", a.Status, a.Body)
		}
		if a := send(manager, own, true); a.Status != 200 || !strings.Contains(a.Body, `"changed":true`) {
			t.Errorf("a dry run answers %d %s", a.Status, a.Body)
		}
		if footprint(t, s.App) != before {
			t.Fatal("what was refused, or dry, has changed something")
		}
		var list struct{ Items []app.Change }
		send(manager, own, false).JSON(t, &list)
		if want := []app.Change{{Kind: "Service", Project: "shop", Name: "new", Action: app.Created, Changed: true}}; !reflect.DeepEqual(list.Items, want) {
			t.Errorf("it says %v, want %v", list.Items, want)
		}
		send(manager, own, false).JSON(t, &list)
		if list.Items[0].Changed {
			t.Error("a second time it changed again")
		}
	})
}
