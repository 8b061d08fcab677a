package statuspage_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/practice/communication"
)

var apiFiles = []string{
	"summary", "status", "components", "incidents", "incidents/unresolved", "scheduled-maintenances",
	"scheduled-maintenances/upcoming", "scheduled-maintenances/active",
}

// Every file of the API is as its golden one, with a full page and with an empty one.
func TestGolden(t *testing.T) {
	full, empty := render(t, harbour()), render(t, communication.Site{At: now})
	for _, name := range apiFiles {
		for prefix, files := range map[string]map[string][]byte{"": bodies(full), "empty-": bodies(empty)} {
			var b bytes.Buffer
			if err := json.Indent(&b, files["api/v2/"+name+".json"], "", "  "); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			golden(t, prefix+strings.ReplaceAll(name, "/", "-")+".json", b.Bytes())
		}
	}
	for _, name := range []string{"feed.atom", "feed.rss", "maintenance.ics"} {
		golden(t, name, full[name].Body)
	}
}

func bodies[F interface{ Bytes() []byte }](files map[string]F) map[string][]byte {
	m := map[string][]byte{}
	for n, f := range files {
		m[n] = f.Bytes()
	}
	return m
}

// The fields that clients know, by object. Each must be there, whatever its value.
var fields = map[string]string{
	"page":      "id name url time_zone updated_at",
	"status":    "indicator description",
	"component": "id name status created_at updated_at position description showcase start_date group_id page_id group only_show_if_degraded",
	"incident":  "id name status created_at updated_at monitoring_at resolved_at impact shortlink started_at page_id incident_updates components",
	"update":    "id status body incident_id created_at updated_at display_at affected_components deliver_notifications custom_tweet tweet_id",
	"affected":  "code name old_status new_status",
}

// No field is missing anywhere, each time has an offset, each word is one that clients know.
func TestStrict(t *testing.T) {
	files := render(t, harbour())
	for _, name := range apiFiles {
		var v map[string]any
		if err := json.Unmarshal(files["api/v2/"+name+".json"].Body, &v); err != nil {
			t.Fatal(err)
		}
		for key, value := range v {
			switch key {
			case "page", "status":
				check(t, name, key, value)
			case "components":
				each(t, name, "component", value)
			case "incidents", "scheduled_maintenances":
				for _, i := range value.([]any) {
					check(t, name, "incident", i)
					i := i.(map[string]any)
					if key == "scheduled_maintenances" && (i["scheduled_for"] == nil || i["scheduled_until"] == nil) {
						t.Errorf("%s: a maintenance without its times", name)
					}
					each(t, name, "component", i["components"])
					each(t, name, "update", i["incident_updates"])
				}
			default:
				t.Errorf("%s: unknown part %s", name, key)
			}
		}
	}
}

func each(t *testing.T, file, kind string, list any) {
	t.Helper()
	l, ok := list.([]any)
	if !ok {
		t.Errorf("%s: the list of %s is %v, not a list", file, kind, list)
	}
	for _, v := range l {
		check(t, file, kind, v)
	}
}

var words = map[string]string{
	"indicator": "none minor major critical", "impact": "none minor major critical maintenance",
	"component": "operational degraded_performance partial_outage major_outage under_maintenance",
	"incident":  "investigating identified monitoring resolved postmortem scheduled in_progress verifying completed",
}

func check(t *testing.T, file, kind string, v any) {
	t.Helper()
	m, ok := v.(map[string]any)
	if !ok {
		t.Errorf("%s: %s is %v", file, kind, v)
		return
	}
	for _, f := range strings.Fields(fields[kind]) {
		if _, there := m[f]; !there {
			t.Errorf("%s: a %s has no %s", file, kind, f)
		}
	}
	for k, v := range m {
		s, text := v.(string)
		if text && strings.HasSuffix(k, "_at") {
			if _, err := time.Parse("2006-01-02T15:04:05.000-07:00", s); err != nil {
				t.Errorf("%s: %s of a %s: %v", file, k, kind, err)
			}
		}
		if text && (k == "indicator" || k == "impact") && !oneOf(words[k], s) {
			t.Errorf("%s: %s is %s", file, k, s)
		}
		if k == "status" && text && kind != "update" && words[kind] != "" && !oneOf(words[kind], s) {
			t.Errorf("%s: status of a %s is %s", file, kind, s)
		}
	}
	if l, ok := m["affected_components"].([]any); ok {
		each(t, file, "affected", l)
	}
	if kind == "component" {
		_, lists := m["components"]
		if lists != (m["group"] == true) {
			t.Errorf("%s: %v: group %v, lists components %v", file, m["name"], m["group"], lists)
		}
	}
}

func oneOf(list, word string) bool { return strings.Contains(" "+list+" ", " "+word+" ") }

// The whole's state follows components and open incidents.
func TestIndicator(t *testing.T) {
	for _, c := range []struct {
		state           communication.State
		windows         []string
		indicator, says string
	}{
		{communication.Operational, nil, "none", "All Systems Operational"},
		{communication.Degraded, nil, "minor", "Minor Service Outage"},
		{communication.PartialOutage, nil, "major", "Partial System Outage"},
		{communication.MajorOutage, []string{"w"}, "critical", "Major Service Outage"},
		{communication.Operational, []string{"w"}, "none", "Service Under Maintenance"},
	} {
		s := communication.Site{At: now, Components: []communication.Component{{ID: "c", Title: "C", Hand: c.state, Windows: c.windows, Showcase: true}}}
		want := fmt.Sprintf(`"status":{"indicator":"%s","description":"%s"}`, c.indicator, c.says)
		if got := string(render(t, s)["api/v2/status.json"].Body); !strings.Contains(got, want) {
			t.Errorf("%s: %s lacks %s", c.state, got, want)
		}
	}
}
