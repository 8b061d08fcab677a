package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
)

// carry applies a text with prune and shows what it did.
func carry(t *testing.T, a *app.App, text string, o app.Order) ([]app.Change, string) {
	t.Helper()
	o.Sources = []app.Source{{Name: "f.yaml", Text: text}}
	list, err := a.Carry(t.Context(), servertest.Operator, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := app.Show(&b, list, o.DryRun, app.Palette{}); err != nil {
		t.Fatal(err)
	}
	return list, b.String()
}

const before = `apiVersion: mainstay/v1
kind: Project
metadata: {name: shop}
spec: {title: Shop}
---
{apiVersion: mainstay/v1, kind: Person, metadata: {name: ana}, spec: {email: ana@example.org, roles: [{role: administrator}]}}
---
{apiVersion: mainstay/v1, kind: Person, metadata: {name: ben}, spec: {email: ben@example.org}}
---
{apiVersion: mainstay/v1, kind: Service, metadata: {name: db, project: shop}}
---
{apiVersion: mainstay/v1, kind: Service, metadata: {name: web, project: shop}, spec: {tier: gold, dependsOn: [db]}}
---
{apiVersion: mainstay/v1, kind: Service, metadata: {name: mail, project: shop}}
---
apiVersion: mainstay/v1
kind: IncidentPlan
metadata: {name: outage, project: shop}
spec:
  roles: [commander, scribe]
  steps:
  - {title: Look, within: 5m}
  - {title: Tell users, within: 15m}
  - {title: Check}
---
apiVersion: mainstay/v1
kind: PostTemplate
metadata: {name: slow, project: shop}
spec:
  title: Slow
  status: investigating
  body: |
    Since {{started}} orders take longer.

    We are looking into it.

    More by {{next_update}}.
`

// after changes a scalar, elements of lists, a long text; adds a service; leaves out db of web, and mail and ben.
var after = strings.NewReplacer(
	"spec: {title: Shop}", "spec: {title: Harbour, zone: Europe/Lisbon}",
	"{tier: gold, dependsOn: [db]}", "{tier: silver, dependsOn: [cache]}",
	"metadata: {name: mail, project: shop}", "metadata: {name: cache, project: shop}, spec: {title: Cache}",
	"roles: [commander, scribe]", "roles: [commander, legal, scribe]",
	"{title: Look, within: 5m}", "{title: Look, within: 10m}",
	"  - {title: Check}\n", "  - {title: Check}\n  - {title: Write it down, role: scribe}\n",
	"looking into it", "working on it",
	"{apiVersion: mainstay/v1, kind: Person, metadata: {name: ben}, spec: {email: ben@example.org}}\n---\n", "",
).Replace(before)

const wantDry = `~ Project shop
    title: Shop → Harbour
    zone: Europe/Lisbon
+ Service shop/cache
    title: Cache
~ Service shop/web
    tier: gold → silver
    - dependsOn[0]: db
    + dependsOn[0]: cache
~ IncidentPlan shop/outage
    + roles[1]: legal
    steps[0].within: 5m → 10m
    + steps[3]:
      role: scribe
      title: Write it down
~ PostTemplate shop/slow
    body:
      @@ -1 +1 @@
       Since {{started}} orders take longer.
       
      -We are looking into it.
      +We are working on it.
       
       More by {{next_update}}.
- Service shop/mail  (retired)
- Person ben  (deactivated)
1 to create, 4 to change, 2 to remove, 2 unchanged.
`

// TestADryRunShowsWhatTheRunDoes: the diff is for reading, and the run does the same.
func TestADryRunShowsWhatTheRunDoes(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		s.Apply(t, before)
		dry, shown := carry(t, s.App, after, app.Order{DryRun: true, Prune: true})
		want := strings.Replace(wantDry, "    zone: Europe", "    + zone: Europe", 1)
		if shown != want {
			t.Errorf("it shows\n%s\nwant\n%s", shown, want)
		}
		done, _ := carry(t, s.App, after, app.Order{Prune: true})
		if a, b := fmt.Sprint(dry), fmt.Sprint(done); a != b {
			t.Errorf("the run did\n%s\nthe dry run said\n%s", b, a)
		}
		again, shown := carry(t, s.App, after, app.Order{Prune: true})
		if slices.ContainsFunc(again, func(c app.Change) bool { return c.Changed }) || shown != "7 unchanged.\n" {
			t.Errorf("a second time: %s", shown)
		}
		var coloured bytes.Buffer
		if err := app.Show(&coloured, dry, true, app.Terminal); err != nil || !strings.Contains(coloured.String(), "\x1b[32m+ Service shop/cache\x1b[0m") {
			t.Errorf("in colour: %q", coloured.String())
		}
		if plain := regexp.MustCompile(`\x1b\[\d+m`).ReplaceAllString(coloured.String(), ""); plain != want {
			t.Errorf("in colour it says something else: %s", plain)
		}
	})
}

// TestPruneRemovesEveryKind: of each kind but Project, what is in no manifest goes, in its own way; applied again, it comes back.
func TestPruneRemovesEveryKind(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		apply(t, s.App, shop(t), false)
		s.Apply(t, "{apiVersion: mainstay/v1, kind: Person, metadata: {name: root}, spec: {email: root@example.org, roles: [{role: administrator}]}}")
		whole, ofShop, ofBlog := export(t, s.App, ""), export(t, s.App, "shop"), export(t, s.App, "blog")
		const rest = "{apiVersion: mainstay/v1, kind: Project, metadata: {name: shop}}\n---\n" +
			"{apiVersion: mainstay/v1, kind: Person, metadata: {name: root}, spec: {email: root@example.org, roles: [{role: administrator}]}}\n---\n" +
			"{apiVersion: mainstay/v1, kind: Team, metadata: {name: left}}\n"
		_, err := s.App.Carry(t.Context(), servertest.Operator, app.Order{Sources: []app.Source{{Name: "f", Text: rest}}, Prune: true}, nil)
		if !mainstay.Is(err, mainstay.Conflict) || !strings.Contains(err.Error(), "--prune-limit") || export(t, s.App, "") != whole {
			t.Fatalf("a prune of nearly all: %v", err)
		}
		list, err := s.App.Carry(t.Context(), servertest.Operator, app.Order{Sources: []app.Source{{Name: "f", Text: rest}}, Prune: true, PruneLimit: 100}, nil)
		if err != nil {
			t.Fatal(err)
		}
		how := map[string]string{}
		for _, c := range list {
			if c.Removed {
				how[c.Kind] = c.How
			}
		}
		want := map[string]string{
			"Person": "deactivated", "Team": "deleted", "Service": "retired", "Schedule": "retired", "EscalationPolicy": "retired", "Route": "deleted",
			"IncidentPlan": "retired", "Component": "retired", "PostTemplate": "deleted", "Window": "cancelled",
		}
		if !maps.Equal(how, want) {
			t.Errorf("removed: %v, want %v", how, want)
		}
		left := export(t, s.App, "shop")
		if strings.Count(left, "kind: ") != 1 {
			t.Errorf("this is left of the project:\n%s", left)
		}
		if other := export(t, s.App, "blog"); other != ofBlog {
			t.Errorf("another project, which no manifest named, is now\n%s", other)
		}
		// What comes back is the same again; what was cancelled cannot, and stays away.
		withoutWindow := func(text string) string {
			docs := slices.DeleteFunc(strings.Split(text, "---\n"), func(doc string) bool { return strings.Contains(doc, "kind: Window") })
			return strings.TrimSuffix(strings.Join(docs, "---\n"), "---\n")
		}
		s.Apply(t, withoutWindow(whole))
		if got := export(t, s.App, "shop"); got != withoutWindow(ofShop) {
			t.Errorf("applied again it is otherwise: %s", firstDifference(withoutWindow(ofShop), got))
		}
	})
}

// TestPruneKeepsWhatIsNeeded: the last administrator, and what something that stays still names.
func TestPruneKeepsWhatIsNeeded(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		s.Apply(t, before)
		const others = "{apiVersion: mainstay/v1, kind: Project, metadata: {name: shop}, spec: {title: Shop}}\n---\n" +
			"{apiVersion: mainstay/v1, kind: Person, metadata: {name: ben}, spec: {email: ben@example.org}}\n"
		list, _ := carry(t, s.App, others, app.Order{DryRun: true, Prune: true, PruneLimit: 100})
		kept := ""
		for _, c := range list {
			if c.Kind == "Person" && c.Name == "ana" {
				kept = c.Kept
			}
		}
		if !strings.Contains(kept, "last administrator") {
			t.Errorf("the last administrator: %q in %v", kept, list)
		}
		naming := strings.Replace(before, "{apiVersion: mainstay/v1, kind: Service, metadata: {name: db, project: shop}}\n---\n", "", 1)
		_, err := s.App.Carry(t.Context(), servertest.Operator, app.Order{Sources: []app.Source{{Name: "f", Text: naming}}, Prune: true}, nil)
		if !mainstay.Is(err, mainstay.Conflict) || !strings.Contains(err.Error(), `Service "web" still names Service "db"`) {
			t.Errorf("a service that another names: %v", err)
		}
		if !strings.Contains(export(t, s.App, ""), "name: db") {
			t.Error("it is gone all the same")
		}
	})
}

// TestTheSameOverTheAPI: --server gives the same changes as the database.
func TestTheSameOverTheAPI(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite")
	s.Apply(t, before)
	direct, _ := carry(t, s.App, after, app.Order{DryRun: true, Prune: true})
	var over struct{ Items []app.Change }
	s.With(s.Token(t, "administrator", "")).Send(t, "POST", "/api/v1/apply", map[string]any{
		"sources": []app.Source{{Name: "f.yaml", Text: after}}, "dryRun": true, "prune": true,
	}).JSON(t, &over)
	a, errA := json.Marshal(direct)
	b, errB := json.Marshal(over.Items)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("over the API\n%s\nfrom the database\n%s\n%v %v", b, a, errA, errB)
	}
}
