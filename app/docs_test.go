package app_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
)

var fenced = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// manifestsOf are the manifests that a page shows, the last first: their order must not matter.
func manifestsOf(t *testing.T, page string) []app.Source {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", page))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range fenced.FindAllSubmatch(text, -1) {
		if block := string(m[1]); strings.Contains(block, "apiVersion:") {
			blocks = append([]string{block}, blocks...)
		}
	}
	return []app.Source{{Name: page, Text: strings.Join(blocks, "---\n")}}
}

// apply applies sources to the installation and names the kinds of what that changed.
func apply(t *testing.T, a *app.App, s []app.Source, dry bool) (changed []string) {
	t.Helper()
	list, err := a.Apply(t.Context(), mainstay.System("operator"), s, dry, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if c.Changed {
			changed = append(changed, c.Kind)
		}
	}
	return changed
}

// TestTheManifestsOfTheManualApply applies what the README and docs/manifests.md show: each kind is there, a second time changes
// nothing, and what is exported changes nothing either.
func TestTheManifestsOfTheManualApply(t *testing.T) {
	t.Parallel()
	for page, kinds := range map[string][]string{
		"README.md": {"Project", "Person", "Service", "Schedule", "EscalationPolicy", "Route"},
		"docs/manifests.md": {
			"Project", "Person", "Team", "Service", "Schedule", "EscalationPolicy", "Route", "IncidentPlan", "Component", "PostTemplate", "Window",
		},
	} {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			source, dir := manifestsOf(t, page), t.TempDir()
			a, err := app.Open(t.Context(), app.Config{Data: dir, SecretKeyFile: filepath.Join(dir, "secret.key")})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close() //nolint:errcheck // the folder goes as well
			dry := apply(t, a, source, true)
			first := apply(t, a, source, false)
			if !slices.Equal(dry, first) {
				t.Errorf("a dry run said %v, and then %v changed", dry, first)
			}
			for _, kind := range kinds {
				if !slices.Contains(first, kind) {
					t.Errorf("it shows no %s that can be applied", kind)
				}
			}
			if again := apply(t, a, source, false); again != nil {
				t.Errorf("applied again, %v changed", again)
			}
			var exported bytes.Buffer
			if err := a.Export(t.Context(), &exported, ""); err != nil {
				t.Fatal(err)
			}
			if changed := apply(t, a, []app.Source{{Name: "export", Text: exported.String()}}, false); changed != nil {
				t.Errorf("what was exported changes %v\n%s", changed, exported.String())
			}
		})
	}
}
