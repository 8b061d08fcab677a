package statuspage

import (
	"fmt"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay/practice/communication"
)

// The view models of the pages: text that is ready to be shown.

type shell struct {
	Title, Name, Initial string
	Changed, Zone        string
}

type chip struct{ Tone, Shape, Words string }

type hero struct {
	Chip             chip
	Title, Text      string
	LastWord, NextBy string
	URL              string
}

type line struct { // one update
	When, Machine string
	Head          string
	Text          []string // lines
	Affected      []string
}

type thing struct { // an incident or a window in a list
	When, Machine string
	Title, URL    string
	Note          string
	Chip          chip
	Text          []string
	Lines         []line
}

type service struct {
	Title, Description string
	Chip               chip
	Bars               bars
	Share              string
	Bad                []string
}

type group struct {
	Title    string
	Chip     chip
	Services []service
}

type indexModel struct {
	Shell   shell
	Hero    hero
	Lines   []line  // updates of the first open incident
	Also    []thing // the other open ones
	Groups  []group
	Planned []thing
	Before  []thing
	None    string // when nothing was before
}

type historyModel struct {
	Shell  shell
	Months []month
}

type month struct {
	Title  string
	Things []thing
}

type detailModel struct {
	Shell shell
	Kind  string
	Chip  chip
	Title string
	Facts []string
	Text  []string
	Lines []line
}

func (v *view) shell(title string) shell {
	name := []rune(strings.TrimSpace(v.page.Name) + "S")
	s := shell{Title: v.page.Name, Name: v.page.Name, Initial: strings.ToUpper(string(name[:1])), Changed: v.stamp(v.changed), Zone: v.changed.In(v.zone).Format("MST")}
	if title != "" {
		s.Title = title + " · " + v.page.Name
	}
	return s
}

func stateChip(s communication.State) chip {
	switch s {
	case communication.MajorOutage, communication.PartialOutage:
		return chip{"crit", "s-crit", s.Words()}
	case communication.Degraded:
		return chip{"warn", "s-warn", s.Words()}
	case communication.UnderMaintenance:
		return chip{"info", "s-info", s.Words()}
	}
	return chip{"good", "s-good", s.Words()}
}

func incidentChip(i communication.PublicIncident) chip {
	words := i.Status.Words()
	switch {
	case i.Status == communication.Resolved:
		return chip{"good", "s-good", words}
	case i.Status == communication.Monitoring:
		return chip{"info", "s-info", words}
	case i.Impact == communication.ImpactCritical || i.Impact == communication.ImpactMajor:
		return chip{"crit", "s-crit", words}
	}
	return chip{"warn", "s-warn", words}
}

func windowChip(w communication.PublicWindow) chip {
	switch {
	case w.Overrun && w.Active():
		return chip{"warn", "s-warn", "Takes longer than planned"}
	case w.Active():
		return chip{"info", "s-info", "Maintenance under way"}
	case w.Cancelled():
		return chip{"muted", "s-na", "Maintenance cancelled"}
	case w.Upcoming():
		return chip{"info", "s-next", "Maintenance"}
	}
	return chip{"good", "s-good", "Maintenance complete"}
}

func (v *view) hero() hero {
	open := v.open()
	if len(open) > 0 {
		i := open[0]
		h := hero{Chip: incidentChip(i), Title: i.Name, URL: "/incidents/" + i.ID}
		last := i.Updates[0]
		h.Text, h.LastWord = last.Body, v.stamp(last.At)
		if !last.NextUpdate.IsZero() {
			h.NextBy = v.clock(last.NextUpdate)
		}
		return h
	}
	worst := communication.Operational
	for _, c := range v.site.Components {
		if c.State().Rank() > worst.Rank() {
			worst = c.State()
		}
	}
	h := hero{Chip: stateChip(worst)}
	switch worst {
	case communication.Operational:
		h.Title = "Everything works"
	case communication.UnderMaintenance:
		h.Title = "Maintenance is under way"
	case communication.Degraded:
		h.Title = "Some things are slower than usual"
	case communication.PartialOutage:
		h.Title = "Some things do not work"
	default:
		h.Title = "Something is down"
	}
	if len(v.site.Components) == 0 { // it says nothing about what it does not know
		h.Chip, h.Title = chip{"muted", "s-na", "Not known"}, "No status yet"
		h.Text = "Nothing is listed on this page so far. What is listed here later shows its state from then on."
	}
	return h
}

func (v *view) lines(updates []communication.PublicUpdate) []line {
	var list []line
	for _, u := range updates {
		l := line{When: v.stamp(u.At), Machine: u.At.UTC().Format(time.RFC3339), Head: strings.TrimSuffix(statusWords(u.Status), "."), Text: paragraphs(u.Body)}
		for _, a := range u.Affected {
			if a.Old != a.New {
				l.Affected = append(l.Affected, a.Name+": "+strings.ToLower(a.New.Words()))
			}
		}
		list = append(list, l)
	}
	return list
}

func paragraphs(s string) []string {
	var list []string
	for _, l := range strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
		if l = strings.TrimSpace(l); l != "" {
			list = append(list, l)
		}
	}
	return list
}

func (v *view) incidentThing(i communication.PublicIncident) thing {
	t := thing{
		When: v.day(i.CreatedAt), Machine: i.CreatedAt.UTC().Format(time.RFC3339), Title: i.Name, URL: "/incidents/" + i.ID, Chip: incidentChip(i),
	}
	if !i.ResolvedAt.IsZero() {
		from := i.StartedAt
		if from.IsZero() || from.After(i.ResolvedAt) {
			from = i.CreatedAt
		}
		t.Note = "Solved after " + long(i.ResolvedAt.Sub(from)) + "."
	}
	return t
}

func (v *view) windowThing(w communication.PublicWindow) thing {
	return thing{
		When: v.span(w.From, w.Until), Machine: w.From.UTC().Format(time.RFC3339), Title: w.Name, URL: "/maintenances/" + w.ID,
		Chip: windowChip(w), Text: paragraphs(w.Text),
	}
}

func (v *view) service(c communication.Component, intervals []communication.Interval) service {
	wide := communication.Days(intervals, v.site.At, 90, v.zone)
	s := service{Title: c.Title, Description: c.Description, Chip: stateChip(c.State())}
	s.Bars = v.bars(c, wide, dashed)
	s.Share = Share(wide)
	for _, b := range s.Bars.Bad {
		s.Bad = append(s.Bad, b.Says)
	}
	return s
}

// recent is how far back the first page looks.
const recent = 14 * 24 * time.Hour

func (v *view) index() indexModel {
	m := indexModel{Shell: v.shell(""), Hero: v.hero()}
	for k, i := range v.open() {
		if k == 0 {
			m.Lines = v.lines(i.Updates)
			continue
		}
		t := v.incidentThing(i)
		t.Lines = v.lines(i.Updates)
		m.Also = append(m.Also, t)
	}
	of := map[string][]communication.Interval{}
	for _, i := range v.site.Intervals {
		of[i.Component] = append(of[i.Component], i)
	}
	for _, s := range v.shown() {
		g := group{Title: s.Group.Title, Chip: stateChip(s.Group.State())}
		for _, c := range s.Members {
			if c.Showcase {
				g.Services = append(g.Services, v.service(c, of[c.ID]))
			} else {
				g.Services = append(g.Services, service{Title: c.Title, Description: c.Description, Chip: stateChip(c.State())})
			}
		}
		m.Groups = append(m.Groups, g)
	}
	for k := range v.site.Windows { // the nearest first
		w := v.site.Windows[len(v.site.Windows)-1-k]
		if w.Active() || w.Upcoming() {
			m.Planned = append(m.Planned, v.windowThing(w))
		}
	}
	since := v.site.At.Add(-recent)
	for _, i := range v.site.Incidents {
		if i.Status == communication.Resolved && i.UpdatedAt.After(since) {
			m.Before = append(m.Before, v.incidentThing(i))
		}
	}
	m.None = fmt.Sprintf("Nothing to report from the last %d days.", recent/(24*time.Hour))
	return m
}

func (v *view) history() historyModel {
	m := historyModel{Shell: v.shell("History")}
	type dated struct {
		at time.Time
		t  thing
	}
	var all []dated
	for _, i := range v.site.Incidents {
		all = append(all, dated{i.CreatedAt, v.incidentThing(i)})
	}
	for _, w := range v.site.Windows {
		all = append(all, dated{w.From, v.windowThing(w)})
	}
	sortBy(all, func(a, b dated) bool { return a.at.After(b.at) })
	for _, d := range all {
		title := d.at.In(v.zone).Format("January 2006")
		if n := len(m.Months); n == 0 || m.Months[n-1].Title != title {
			m.Months = append(m.Months, month{Title: title})
		}
		last := &m.Months[len(m.Months)-1]
		last.Things = append(last.Things, d.t)
	}
	return m
}

func (v *view) incidentModel(i communication.PublicIncident) detailModel {
	m := detailModel{Shell: v.shell(i.Name), Kind: "Incident", Chip: incidentChip(i), Title: i.Name, Lines: v.lines(i.Updates)}
	if !i.StartedAt.IsZero() {
		m.Facts = append(m.Facts, "Began "+v.stamp(i.StartedAt))
	}
	if note := v.incidentThing(i).Note; note != "" {
		m.Facts = append(m.Facts, note)
	}
	var names []string
	for _, id := range i.Components {
		if c, ok := v.components[id]; ok {
			names = append(names, c.Title)
		}
	}
	if len(names) > 0 {
		m.Facts = append(m.Facts, "Concerns "+strings.Join(names, ", "))
	}
	if last := i.Updates[0]; i.Status != communication.Resolved && !last.NextUpdate.IsZero() {
		m.Facts = append(m.Facts, "Next word by "+v.clock(last.NextUpdate))
	}
	return m
}

func (v *view) windowModel(w communication.PublicWindow) detailModel {
	m := detailModel{Shell: v.shell(w.Name), Kind: "Maintenance", Chip: windowChip(w), Title: w.Name, Text: paragraphs(w.Text), Lines: v.lines(w.Updates)}
	m.Facts = append(m.Facts, v.span(w.From, w.Until))
	var names []string
	for _, id := range w.Components {
		if c, ok := v.components[id]; ok {
			names = append(names, c.Title)
		}
	}
	if len(names) > 0 {
		m.Facts = append(m.Facts, "Concerns "+strings.Join(names, ", "))
	}
	return m
}
