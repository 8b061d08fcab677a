package demo_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/app/demo"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
)

// TestTheDemonstration begins within ten seconds, and has what it promises: groups, a past incident with its updates, a maintenance,
// a fault that is there now, and a journal that is whole.
func TestTheDemonstration(t *testing.T) {
	t.Parallel()
	log := &servertest.Log{}
	dir := filepath.Join(t.TempDir(), "demo")
	began := time.Now()
	d, err := demo.New(t.Context(), demo.Config{
		Listen: "127.0.0.1:0", StatusListen: "127.0.0.1:0", Dir: dir, Version: "test", Log: slog.New(log), Progress: func(string) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s to begin", took)
	}
	for _, url := range []string{d.URL + "/-/ready", d.URL + "/sign-in", d.StatusURL + "/"} {
		get(t, url)
	}
	statusPage(t, d.StatusURL)
	mainstaytest.Eventually(t, "a fault is there", func() bool { return d.App.Warning.Count(nil) > 0 })
	chains, err := d.App.VerifyJournal(t.Context())
	if err != nil || len(chains) != 2 {
		t.Fatal(chains, err)
	}
	for _, c := range chains {
		if !c.Whole || c.Facts == 0 {
			t.Errorf("the journal of %s: %s", c.Project, c.Verdict)
		}
	}
	if lines := log.Take(); len(lines) > 0 {
		t.Errorf("it logged errors: %v", lines)
	}
	d.Close()
	if _, err := os.Stat(filepath.Join(dir, "mainstay.db")); err != nil {
		t.Errorf("a folder that was to be kept is gone: %v", err)
	}
}

// statusPage reads the public page as programs do.
func statusPage(t *testing.T, url string) {
	t.Helper()
	var components struct {
		Components []struct {
			ID, Name   string
			Group      bool
			GroupID    string `json:"group_id"`
			Components []string
		}
	}
	read(t, url+"/api/v2/components.json", &components)
	groups, members := 0, 0
	for _, c := range components.Components {
		if c.Group && len(c.Components) > 0 {
			groups++
		}
		if c.GroupID != "" {
			members++
		}
	}
	if groups < 2 || members < 4 {
		t.Errorf("%d groups with %d components: %+v", groups, members, components)
	}
	var incidents struct {
		Incidents []struct {
			Name, Status string
			Updates      []struct{ Status, Body string } `json:"incident_updates"`
		}
	}
	mainstaytest.Eventually(t, "a past incident with three updates is shown", func() bool { // the page follows what it shows
		read(t, url+"/api/v2/incidents.json", &incidents)
		for _, i := range incidents.Incidents {
			if i.Status == "resolved" && len(i.Updates) >= 3 {
				return true
			}
		}
		return false
	})
	var windows struct {
		Windows []struct{ Name, Status string } `json:"scheduled_maintenances"`
	}
	read(t, url+"/api/v2/scheduled-maintenances.json", &windows)
	if len(windows.Windows) < 2 {
		t.Errorf("the maintenances are %+v", windows)
	}
	if page := get(t, url+"/"); !strings.Contains(page, "Card payments") {
		t.Error("the page does not show its components")
	}
}

func read(t *testing.T, url string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(get(t, url)), v); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to the end below
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%s answers %d: %v", url, res.StatusCode, err)
	}
	return string(b)
}
