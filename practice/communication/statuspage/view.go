package statuspage

import (
	"net/url"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay/practice/communication"
)

// Page is the identity of the status page.
type Page struct {
	ID   string         // as clients of the API know it; default "mainstay"
	Name string         // default "Status"
	URL  string         // where the public finds it, such as https://status.example.com; links in feeds and the API need it
	Zone *time.Location // of the times on the page; default UTC
}

// view is a site made ready for rendering: nothing in it is private.
type view struct {
	page       Page
	zone       *time.Location
	site       communication.Site
	components map[string]communication.Component
	changed    time.Time // the last change of anything shown
}

func newView(p Page, s communication.Site) *view {
	if p.ID == "" {
		p.ID = "mainstay"
	}
	if p.Name == "" {
		p.Name = "Status"
	}
	if p.Zone == nil {
		p.Zone = time.UTC
	}
	v := &view{page: p, zone: p.Zone, site: s, components: map[string]communication.Component{}}
	v.page.URL = strings.TrimSuffix(p.URL, "/")
	later := func(t time.Time) {
		if t.After(v.changed) {
			v.changed = t
		}
	}
	for _, c := range s.Components {
		v.components[c.ID] = c
		later(c.UpdatedAt)
	}
	for _, i := range s.Incidents {
		later(i.UpdatedAt)
	}
	for _, w := range s.Windows {
		later(w.UpdatedAt)
	}
	if v.changed.IsZero() {
		v.changed = s.At.UTC().Truncate(24 * time.Hour) // an empty page does not change all day
	}
	return v
}

// link is an absolute URL where the page's is known, else one on the same host.
func (v *view) link(path string) string {
	if path == "/" && v.page.URL != "" {
		return v.page.URL + "/"
	}
	return v.page.URL + path
}

// host names the page in ids of feeds and calendars.
func (v *view) host() string {
	if u, err := url.Parse(v.page.URL); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return "mainstay.invalid"
}

func (v *view) zoneName() string {
	if n := v.zone.String(); n != "UTC" && n != "Local" {
		return n
	}
	return "Etc/UTC"
}

// stamp is a time with its date: "17 March 2026, 03:04 UTC".
func (v *view) stamp(t time.Time) string { return t.In(v.zone).Format("2 January 2006, 15:04 MST") }

func (v *view) clock(t time.Time) string { return t.In(v.zone).Format("15:04 MST") }

func (v *view) day(t time.Time) string { return t.In(v.zone).Format("2 January 2006") }

// span is "17 March 2026, 04:00–05:00 UTC", or both ends in full when they lie on two days.
func (v *view) span(from, until time.Time) string {
	from, until = from.In(v.zone), until.In(v.zone)
	if from.YearDay() == until.YearDay() && from.Year() == until.Year() {
		return from.Format("2 January 2006, 15:04") + "–" + until.Format("15:04 MST")
	}
	return v.stamp(from) + " – " + v.stamp(until)
}

// statusWords says the status of an update in words.
func statusWords(s string) string {
	switch s {
	case "scheduled":
		return "Planned."
	case "in_progress":
		return "Under way."
	case "verifying":
		return "Being checked."
	case "completed":
		return "Complete."
	case "cancelled":
		return "Cancelled."
	}
	return communication.Status(s).Words() + "."
}

func sortBy[T any](list []T, less func(a, b T) bool) {
	sort.SliceStable(list, func(i, j int) bool { return less(list[i], list[j]) })
}

// shown lists the components in the order of the page: each group with its members, then what is in no group. What is shown
// only when degraded is left out while it works.
func (v *view) shown() []section {
	var list []section
	loose := section{}
	visible := func(c communication.Component) bool {
		return !c.OnlyIfDegraded || c.State() != communication.Operational
	}
	for _, c := range v.site.Components {
		switch {
		case c.IsGroup:
			s := section{Group: c}
			for _, m := range v.site.Components {
				if m.Group == c.ID && visible(m) {
					s.Members = append(s.Members, m)
				}
			}
			if len(s.Members) > 0 {
				list = append(list, s)
			}
		case v.components[c.Group].ID == "" && visible(c):
			loose.Members = append(loose.Members, c)
		}
	}
	if len(loose.Members) > 0 {
		list = append(list, loose)
	}
	return list
}

type section struct {
	Group   communication.Component // the zero one for what is in no group
	Members []communication.Component
}

// open lists what is going on, the worst first, then the newest.
func (v *view) open() []communication.PublicIncident {
	var list []communication.PublicIncident
	for _, i := range v.site.Incidents {
		if i.Status != communication.Resolved {
			list = append(list, i)
		}
	}
	slices.SortStableFunc(list, func(a, b communication.PublicIncident) int {
		switch {
		case a.Impact == b.Impact:
			return 0
		case a.Impact.Worse(b.Impact) == a.Impact:
			return -1
		}
		return 1
	})
	return list
}
