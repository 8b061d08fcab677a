package statuspage_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/practice/communication/statuspage"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got) {
		t.Errorf("%s differs from its golden file (run with -update and look at the difference):\n%s", name, got)
	}
}

var (
	now  = time.Date(2026, 3, 17, 3, 14, 20, 0, time.UTC)
	page = statuspage.Page{ID: "harbour", Name: "Harbour status", URL: "https://status.example.com", Zone: berlin()}
)

func berlin() *time.Location {
	z, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return z
}

func at(days int, clock string) time.Time {
	t, err := time.Parse("15:04", clock)
	if err != nil {
		panic(err)
	}
	return time.Date(2026, 3, 17+days, t.Hour(), t.Minute(), 0, 0, time.UTC)
}

// harbour is a shop with a group, an incident under way, one that is over, and maintenance: planned, cancelled and done.
func harbour() communication.Site {
	began := at(-100, "00:00")
	component := func(id, title, group string, position int, hand communication.State) communication.Component {
		return communication.Component{
			ID: id, Project: "p", Name: id, Title: title, Group: group, Position: position, Showcase: true, Hand: hand, CreatedAt: began, UpdatedAt: at(0, "01:53"),
		}
	}
	store := component("c-store", "Storefront", "", 1, "")
	store.IsGroup = true
	empty := component("c-later", "Later", "", 9, "")
	empty.IsGroup = true
	web := component("c-web", "Website", "c-store", 2, communication.Operational)
	web.Description, web.Since = "What visitors see", at(-75, "00:00")
	mail := component("c-mail", "Confirmation mails", "", 4, communication.Operational)
	mail.OnlyIfDegraded = true
	s := communication.Site{At: now, Components: communication.WithGroups([]communication.Component{
		store, web, component("c-pay", "Checkout", "c-store", 3, communication.PartialOutage), mail, empty,
	})}
	s.Intervals = []communication.Interval{
		{Component: "c-web", State: communication.Operational, From: began},
		{Component: "c-pay", State: communication.Operational, From: began, Until: at(-6, "10:00")},
		{Component: "c-pay", State: communication.MajorOutage, From: at(-6, "10:00"), Until: at(-6, "10:41")},
		{Component: "c-pay", State: communication.Operational, From: at(-6, "10:41"), Until: at(0, "01:53")},
		{Component: "c-pay", State: communication.PartialOutage, From: at(0, "01:53")},
	}
	s.Incidents = []communication.PublicIncident{
		{
			ID: "i-2", Name: "Some card payments fail", Status: communication.Identified, Impact: communication.ImpactMajor, Components: []string{"c-pay"},
			StartedAt: at(0, "01:51"), CreatedAt: at(0, "01:53"), UpdatedAt: at(0, "02:04"),
			Updates: []communication.PublicUpdate{
				{ID: "u-2", Of: "i-2", Status: "identified", Body: "We have found the likely cause. Please pay by invoice meanwhile.", At: at(0, "02:04"), NextUpdate: at(0, "02:24")},
				{ID: "u-1", Of: "i-2", Status: "investigating", Body: "Many card payments do not go through.\nOrders by invoice work.", At: at(0, "01:53"), NextUpdate: at(0, "02:13"),
					Affected: []communication.Affected{{Component: "c-pay", Name: "Checkout", Old: communication.Operational, New: communication.PartialOutage}}},
			},
		},
		{
			ID: "i-1", Name: "Checkout was down", Status: communication.Resolved, Impact: communication.ImpactCritical, Components: []string{"c-pay", "c-gone"},
			StartedAt: at(-6, "10:00"), CreatedAt: at(-6, "10:04"), UpdatedAt: at(-6, "10:41"), MonitoringAt: at(-6, "10:30"), ResolvedAt: at(-6, "10:41"),
			Updates: []communication.PublicUpdate{{ID: "u-0", Of: "i-1", Status: "resolved", Body: "It works again.", At: at(-6, "10:41")}},
		},
	}
	s.Windows = []communication.PublicWindow{
		{
			ID: "w-2", Number: 2, Name: "Payments database", Text: "Paying may pause for up to 4 minutes, or 5; see below.", Status: "scheduled", From: at(5, "03:00"), Until: at(5, "04:00"),
			Components: []string{"c-pay"}, Sequence: 2, CreatedAt: at(-3, "09:00"), UpdatedAt: at(-2, "09:00"),
			Updates: []communication.PublicUpdate{{ID: "f-1", Of: "w-2", Status: "scheduled", Body: "Paying may pause.", At: at(-3, "09:00")}},
		},
		{
			ID: "w-1", Number: 1, Name: "Mail move", Status: "cancelled", From: at(-2, "03:00"), Until: at(-2, "04:00"), Components: []string{"c-mail"}, Sequence: 3,
			CreatedAt: at(-9, "09:00"), UpdatedAt: at(-3, "09:00"), EndedAt: at(-3, "09:00"),
			Updates: []communication.PublicUpdate{{ID: "f-0", Of: "w-1", Status: "cancelled", Body: "This maintenance will not take place.", At: at(-3, "09:00")}},
		},
	}
	return s
}

func render(t testing.TB, s communication.Site) statuspage.Files {
	t.Helper()
	files, err := statuspage.Render(context.Background(), page, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return files
}
