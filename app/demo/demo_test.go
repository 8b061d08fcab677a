package demo_test

import (
	"context"
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
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/practice/warning"
)

// TestTheDemonstration begins within ten seconds, and has what it promises: groups, past incidents with their updates, maintenance, a
// fault that is there now, and journals that are whole. Its second project has a short past here; see TestAWholeYear.
func TestTheDemonstration(t *testing.T) {
	log := &servertest.Log{}
	dir := filepath.Join(t.TempDir(), "demo")
	began := time.Now()
	d := start(t, demo.Config{Dir: dir, Log: slog.New(log), YearDays: 45})
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s to begin", took)
	}
	for _, url := range []string{d.URL + "/-/ready", d.URL + "/sign-in", d.StatusURL + "/"} {
		get(t, url)
	}
	statusPage(t, d.StatusURL)
	mainstaytest.Eventually(t, "a fault is there", func() bool { return d.App.Warning.Count(nil) > 0 })
	if err := d.Home(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole(t, d, 3)
	played(t, d, 700, 90, 9)
	secret(t, d)
	onCall(t, d)
	if lines := log.Take(); len(lines) > 0 {
		t.Errorf("it logged errors: %v", lines)
	}
	d.Close()
	if _, err := os.Stat(filepath.Join(dir, "mainstay.db")); err != nil {
		t.Errorf("a folder that was to be kept is gone: %v", err)
	}
}

// TestOnlyTheShop is the demonstration without its second project, with another seed.
func TestOnlyTheShop(t *testing.T) {
	d := start(t, demo.Config{NoYear: true, Days: 14, Seed: 7})
	if err := d.Home(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole(t, d, 2)
	list, err := d.App.Incidents.List(t.Context(), incident.Query{Limit: 100})
	if err != nil || len(list.Items) < 3 || list.Items[len(list.Items)-1].Number != 1 {
		t.Errorf("%d incidents, %v", len(list.Items), err)
	}
}

// TestAWholeYear plays all of it, within 120 s.
func TestAWholeYear(t *testing.T) {
	if os.Getenv("MAINSTAY_TEST_YEAR") == "" {
		t.Skip("a year takes a quarter of a minute of a quiet machine: MAINSTAY_TEST_YEAR=1, or make bench-demo")
	}
	began := time.Now()
	d := start(t, demo.Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := d.Home(ctx); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 120*time.Second {
		t.Errorf("the year took %s", took)
	}
	whole(t, d, 3)
	played(t, d, 3000, 400, 60)
	secret(t, d)
}

// TestItEndsInTheMiddle stops while the year is being played, and leaves nothing behind.
func TestItEndsInTheMiddle(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	log := &servertest.Log{}
	d := start(t, demo.Config{Days: 3, Log: slog.New(log)})
	mainstaytest.Eventually(t, "the year is under way", func() bool {
		_, err := os.Stat(filepath.Join(only(t, tmp), "lighthouse", "mainstay.db"))
		return err == nil
	})
	began := time.Now()
	d.Close()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s to end", took)
	}
	if left := only(t, tmp); left != "" {
		t.Errorf("it left %s", left)
	}
	if lines := log.Take(); len(lines) > 0 {
		t.Errorf("it logged errors: %v", lines)
	}
}

func only(t *testing.T, dir string) string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "mainstay-demo-*"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, " ")
}

func start(t *testing.T, cfg demo.Config) *demo.Demo {
	t.Helper()
	cfg.Listen, cfg.StatusListen, cfg.Version, cfg.Progress = "127.0.0.1:0", "127.0.0.1:0", "test", func(string) {}
	d, err := demo.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// whole checks the chains of the journal, and that the product did nearly all of what was asked of it.
func whole(t *testing.T, d *demo.Demo, chains int) {
	t.Helper()
	list, err := d.App.VerifyJournal(t.Context())
	if err != nil || len(list) != chains {
		t.Fatal(list, err)
	}
	for _, c := range list {
		if !c.Whole || c.Facts == 0 {
			t.Errorf("the journal of %s: %s", c.Project, c.Verdict)
		}
	}
	refused := 0
	for why, n := range d.Refused() {
		refused += n
		t.Logf("refused %d times: %s", n, why)
	}
	if refused > 60 {
		t.Errorf("the product refused %d deeds", refused)
	}
	if behind, err := d.App.Objects.Behind(t.Context()); err != nil || len(behind) > 0 {
		t.Errorf("numbers could be given twice: %v, %v", behind, err)
	}
}

// played counts what the pages show.
func played(t *testing.T, d *demo.Demo, alerts, pages, incidents int) {
	t.Helper()
	ctx := t.Context()
	a, p, i := 0, 0, 0
	for before := int64(0); ; {
		list, _, err := d.App.Warning.List(ctx, warning.Query{Before: before, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		a += len(list)
		before = list[len(list)-1].Number
	}
	found, err := d.App.Escalation.Pages(ctx, escalation.PageQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	acknowledged, escalated := 0, 0
	for _, g := range found {
		if p++; !g.Acked.IsZero() {
			acknowledged++
		}
		if len(g.Log) > 1 {
			escalated++
		}
	}
	list, err := d.App.Incidents.List(ctx, incident.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	i = len(list.Items)
	t.Logf("%d alerts, %d pages (%d acknowledged, %d escalated), %d incidents", a, p, acknowledged, escalated, i)
	if a < alerts || p < pages || i < incidents || acknowledged*2 < p || escalated == 0 || escalated*4 > p {
		t.Error("that is not what a demonstration has")
	}
	late, err := d.App.Actions.List(ctx, action.Query{Late: time.Now(), Limit: 100})
	if err != nil || incidents > 50 && len(late.Items) == 0 {
		t.Errorf("nothing is overdue: %v", err)
	}
}

// secret looks for the private incident everywhere the public can look.
func secret(t *testing.T, d *demo.Demo) {
	t.Helper()
	list, err := d.App.Incidents.List(t.Context(), incident.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	private := 0
	for _, i := range list.Items {
		if !i.Private {
			continue
		}
		private++
		for _, path := range []string{"/", "/history", "/api/v2/incidents.json", "/api/v2/summary.json", "/feed.atom", "/feed.rss"} {
			if strings.Contains(get(t, d.StatusURL+path), i.Title) || strings.Contains(get(t, d.StatusURL+path), "phone number") {
				t.Errorf("%s tells of %s", path, i.Key())
			}
		}
	}
	if private != 1 {
		t.Errorf("there are %d private incidents", private)
	}
}

// onCall is who signs in first.
func onCall(t *testing.T, d *demo.Demo) {
	t.Helper()
	p, err := d.App.Projects.Project(t.Context(), "harbour")
	if err != nil {
		t.Fatal(err)
	}
	ana, err := d.App.People.ByEmail(t.Context(), d.Email)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	s, err := d.App.Escalation.ScheduleByName(t.Context(), p.ID, "primary", now, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if duty, ok := s.At(now); !ok || duty.Person != ana.ID {
		t.Errorf("%s is on call, not Ana", duty.Person)
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
