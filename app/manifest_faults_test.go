package app_test

import (
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
)

// faulty has a fault of every sort; the comments say where they are and what is said.
const faulty = `apiVersion: mainstay/v1
kind: Service
metadata: {name: web, project: shop}
spec:
  titel: Web               # 5:3 unknown field titel; did you mean "title"?
  dependsOn: payments      # 6:14 dependsOn is a list
---
apiVersion: mainstay/v1
kind: Scheduel             # 9:7 there is no kind "Scheduel"; did you mean "Schedule"?
metadata: {name: one, project: shop}
---
apiVersion: mainstay/v1
kind: EscalationPolicy
metadata: {name: late, project: shop, labels: {a: b}} # 14:39 unknown field metadata.labels
spec:
  repeats: often           # 16:12 repeats: is a whole number
  steps:
  - targest: []            # 18:5 unknown field steps[0].targest; did you mean "targets"?
`

// semantic is well formed; what it says is wrong.
const semantic = `apiVersion: mainstay/v1
kind: Schedule
metadata: {name: rota, project: shop}
spec:
  zone: Europe/Lisbonn     # 5:9 zone
  layers:
  - name: week
    handoff: Mon 25:00     # 8:5 layers[0].handoff
    participants:
    - ana
    - anna                 # 11:7 there is no person "anna"; did you mean "ana"?
---
apiVersion: mainstay/v1
kind: EscalationPolicy
metadata: {name: late, project: shop}
spec:
  steps:
  - targets: ["schedule:primry"]        # 18:15 there is no schedule "primry"; did you mean "primary"?
  - delay: soon            # 19:12 steps[1].delay
    targets: ["person:ana"]
---
apiVersion: mainstay/v1
kind: Route
metadata: {name: all, project: shop}
spec:
  service: chekout         # 26:12 the project has no service "chekout"; did you mean "checkout"?
  policy: late
  severityMap: {page: sev-9} # 28:23 severityMap
---
apiVersion: mainstay/v1
kind: IncidentPlan
metadata: {name: plan, project: shop}
spec:
  roles: [commander]
  steps:
  - {title: Look, role: scribe}         # 36:25 The plan has no role "scribe"
  - {title: ""}            # 37:6 steps[1].title
`

// TestAllFaultsAtOnce: each fault is told at its line and column, with what was probably meant, in the order of the file.
func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite")
	apply(t, s.App, shop(t), false)
	for name, text := range map[string]string{"shape": faulty, "meaning": semantic} {
		_, err := s.App.Apply(t.Context(), servertest.Operator, []app.Source{{Name: "f.yaml", Text: text}}, false, nil)
		if err == nil {
			t.Fatalf("%s: nothing is wrong", name)
		}
		got := strings.Split(err.Error(), "\n")
		var want []string
		for _, line := range strings.Split(text, "\n") {
			if _, comment, ok := strings.Cut(line, "# "); ok {
				want = append(want, comment)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d faults, want %d:\n%v", name, len(got), len(want), err)
			continue
		}
		for i, w := range want {
			place, says, _ := strings.Cut(w, " ")
			if !strings.HasPrefix(got[i], "f.yaml:"+place+": ") || !strings.Contains(got[i], says) {
				t.Errorf("%s: it says\n  %s\nwant\n  %s", name, got[i], w)
			}
		}
		if f := mainstay.ErrorFields(err); len(f) != len(want) || f["f.yaml:"+strings.Fields(want[0])[0]] == "" {
			t.Errorf("%s: the fields are %v", name, f)
		}
	}
}

// TestAFaultIsNotToldTwice: what only follows from another fault is not told.
func TestAFaultIsNotToldTwice(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite")
	s.Apply(t, "apiVersion: mainstay/v1\nkind: Project\nmetadata: {name: shop}\n")
	const text = `{apiVersion: mainstay/v1, kind: Service, metadata: {name: web, project: shop}, spec: {dependsOn: [nothing]}}
---
{apiVersion: mainstay/v1, kind: Route, metadata: {name: web, project: shop}, spec: {service: web}}
`
	_, err := s.App.Apply(t.Context(), servertest.Operator, []app.Source{{Name: "f.yaml", Text: text}}, false, nil)
	if err == nil || strings.Contains(err.Error(), "Route") || !strings.HasPrefix(err.Error(), `f.yaml:1:99: Service "web": dependsOn: "nothing"`) {
		t.Errorf("it says %v", err)
	}
}

// FuzzManifests: whatever the text, there is an answer, and faults name a place.
func FuzzManifests(f *testing.F) {
	f.Add(faulty)
	f.Add(semantic)
	f.Add("a: &x [*x]\n")
	f.Add("{apiVersion: mainstay/v1, kind: Project, metadata: {name: a}, spec: &a {title: *a}}")
	f.Add("? a\n: b\n--- |\n text\n...\n")
	s, err := app.Open(f.Context(), servertest.Config(f, "sqlite"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	f.Fuzz(func(t *testing.T, text string) {
		_, err := s.Apply(t.Context(), servertest.Operator, []app.Source{{Name: "f.yaml", Text: text}}, true, nil)
		if err != nil && mainstay.ErrorCode(err) != mainstay.Internal && !strings.HasPrefix(err.Error(), "f.yaml") {
			t.Errorf("it says %q", err)
		}
	})
}
