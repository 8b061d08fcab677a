package incident_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/practice/incident"
)

func TestThePlanThatFitsBestIsChosen(t *testing.T) {
	const harbour, other = "p1", "p2"
	plan := func(name, project string, sev []mainstay.Severity, services ...string) incident.Plan {
		return incident.Plan{Name: name, Project: project, Spec: incident.PlanSpec{Severities: sev, Services: services}}
	}
	plans := []incident.Plan{
		plan("shared", mainstay.Installation, nil),
		plan("shared-worst", mainstay.Installation, []mainstay.Severity{mainstay.Sev1}),
		plan("own", harbour, nil),
		plan("checkout", harbour, nil, "checkout"),
		plan("checkout-worst", harbour, []mainstay.Severity{mainstay.Sev1}, "checkout", "payments"),
		plan("foreign", other, []mainstay.Severity{mainstay.Sev1}, "checkout"),
	}
	for _, c := range []struct {
		severity mainstay.Severity
		services []string
		want     string
	}{
		{mainstay.Sev1, []string{"checkout"}, "checkout-worst"},
		{mainstay.Sev3, []string{"web", "checkout"}, "checkout"},
		{mainstay.Sev1, []string{"web"}, "shared-worst"},
		{mainstay.Sev2, nil, "own"},
	} {
		if got, ok := incident.Choose(plans, harbour, c.severity, c.services); !ok || got.Name != c.want {
			t.Errorf("%s about %v: chose %q, want %q", c.severity, c.services, got.Name, c.want)
		}
	}
	if got, ok := incident.Choose(plans[5:], harbour, mainstay.Sev1, []string{"checkout"}); ok {
		t.Errorf("chose the other project's plan %q", got.Name)
	}
}

func TestAPlanReadsAndWritesTheSame(t *testing.T) {
	text := `title: Payments down
severities: [sev-1, sev-2]
services: [checkout]
roles: [commander, communications]
steps:
  - title: First word to users
    role: communications
    within: 15m
  - title: Decide
    within: 1h30m
updates:
  sev-1: 20m
postOnResolve: true
`
	var spec, again, third incident.PlanSpec
	if err := yaml.UnmarshalWithOptions([]byte(text), &spec, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if spec.Steps[1].Within.Duration() != 90*time.Minute || spec.Updates[mainstay.Sev1].Duration() != 20*time.Minute {
		t.Fatalf("read as %+v", spec)
	}
	out, err := yaml.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalWithOptions(out, &again, yaml.Strict()); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	body, err := json.Marshal(again)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &third); err != nil || third.Steps[1].Within != spec.Steps[1].Within || third.Updates[mainstay.Sev1] != spec.Updates[mainstay.Sev1] {
		t.Fatalf("%v: %s became %+v", err, body, third)
	}
}

func FuzzSpan(f *testing.F) {
	for _, s := range []string{"5m", "1h30m", "90s", "0", "", "-5m", "1d", "1h0m0s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var a, b incident.Span
		if a.UnmarshalText([]byte(s)) != nil {
			return
		}
		text, err := a.MarshalText()
		if err != nil || b.UnmarshalText(text) != nil || a != b {
			t.Fatalf("%q read as %v, written as %q, read as %v", s, a.Duration(), text, b.Duration())
		}
	})
}
