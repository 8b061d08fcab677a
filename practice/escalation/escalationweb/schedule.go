package escalationweb

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/calendar"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

const (
	shownDays = 14
	gapDays   = 90
)

// scheduleLine is a schedule in a list: who has the duty now and who is next.
type scheduleLine struct {
	Title, URL, Project, Zone string
	Now                       *ui.PersonView
	Until                     string
	Next                      *ui.PersonView
	Bad                       bool // nobody has the duty, and somebody should
}

// nobody is the state of a schedule that nobody has the duty of.
func (l scheduleLine) nobody() ui.State {
	if l.Bad {
		return ui.Crit("nobody")
	}
	return ui.Muted("nobody, outside its hours")
}

// partial reports whether the schedule is meant for some hours only: then its holes are no faults.
func partial(s *escalation.Schedule) bool {
	return !slices.ContainsFunc(s.Spec().Layers, func(l escalation.LayerSpec) bool { return len(l.Restrictions) == 0 })
}

// schedulesView is the list of schedules.
type schedulesView struct {
	Lines  []scheduleLine
	Chart  *chart
	Manage bool
}

// window is the time that a list shows: from midnight today in the zone.
func window(now time.Time, loc *time.Location, n int) (first calendar.Date, in calendar.Interval) {
	first = calendar.DateOf(now.In(loc))
	return first, calendar.Interval{From: calendar.At(first, 0, loc), Until: calendar.At(first.AddDays(n), 0, loc)}
}

// turns are the shift that holds at now and the one after it, over at most 90 days.
func turns(s *escalation.Schedule, now time.Time) (current, next *calendar.Shift) {
	shifts := joined(s.Shifts(now, now.AddDate(0, 0, gapDays)))
	for i := range shifts {
		switch {
		case shifts[i].Contains(now):
			current = &shifts[i]
		case next == nil:
			next = &shifts[i]
		}
	}
	return current, next
}

func (p *Pages) scheduleLines(ctx context.Context, list []escalation.Schedule, now time.Time) ([]scheduleLine, folk, error) {
	var ids []string
	for i := range list {
		for _, l := range list[i].Spec().Layers {
			ids = append(ids, l.Participants...)
		}
		for _, o := range list[i].Overrides {
			ids = append(ids, o.Person)
		}
		for _, v := range list[i].Versions {
			for _, l := range v.Spec.Layers {
				ids = append(ids, l.Participants...)
			}
		}
	}
	f, err := p.folk(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	projects, err := p.projectNames(ctx)
	if err != nil {
		return nil, nil, err
	}
	seen := map[string]int{}
	for _, s := range list {
		seen[s.Name]++
	}
	var out []scheduleLine
	for i := range list {
		s := &list[i]
		l := scheduleLine{
			Title: s.Title(), URL: path(mainstay.KindSchedule, key(s.Name, s.ID, seen)), Project: projects[s.Project], Zone: s.Spec().Zone,
		}
		loc := s.Location()
		current, next := turns(s, now)
		l.Bad = current == nil && !partial(s)
		if current != nil {
			v := f.view(current.Person, "")
			v.OnCall = true
			l.Now, l.Until = &v, in(loc, current.Until)
		}
		if next != nil {
			v := f.view(next.Person, "from "+in(loc, next.From))
			l.Next = &v
		}
		out = append(out, l)
	}
	return out, f, nil
}

func (p *Pages) schedules(c *web.Ctx) error {
	loc := c.Viewer.Location()
	first, in := window(c.Now, loc, shownDays)
	list, err := p.Service.Schedules(c.Context(), visible(c.Viewer, access.OnCallRead, true), in.From, c.Now.AddDate(0, 0, gapDays))
	if err != nil {
		return err
	}
	view := schedulesView{Manage: c.Viewer.MayAny(access.OnCallManage)}
	var f folk
	if view.Lines, f, err = p.scheduleLines(c.Context(), list, c.Now); err != nil {
		return err
	}
	var rows []row
	for i := range list {
		rows = append(rows, row{Title: clip(list[i].Title()), Note: clip(view.Lines[i].Project), Shifts: list[i].Shifts(in.From, in.Until), Gaps: !partial(&list[i]), Strong: true})
	}
	if len(rows) > 0 && len(rows) <= 30 {
		ch := newChart(fmt.Sprintf("Who is on call in %s over %d days", ui.Plural(len(rows), "schedule", "schedules"), shownDays), rows, first, shownDays, loc, c.Now, f.name)
		view.Chart = &ch
	}
	return c.Render(web.Page{Title: "On call", Nav: "oncall", Crumbs: []web.Crumb{{Text: "On call"}}}, schedulesPage(view))
}

// clip cuts a title to what fits left of a chart.
func clip(s string) string {
	r := []rune(s)
	if len(r) > 16 {
		return string(r[:15]) + "…"
	}
	return s
}

// shiftLine is one shift in the table.
type shiftLine struct {
	From, Until, Who, By string
	Hours                string
	Nobody               bool
}

// overrideLine is an override that is to come or holds.
type overrideLine struct {
	ID, Who, From, Until, Note string
	Holds, Mine                bool
}

// gapLine is a stretch in which nobody has the duty.
type gapLine struct{ From, Until, Lasts string }

// scheduleView is one schedule.
type scheduleView struct {
	Schedule  escalation.Schedule
	Ref       string
	URL       string
	Project   string
	Zone      string
	Lead      scheduleLine
	Layers    []layerLine
	Chart     chart
	Shifts    []shiftLine
	Overrides []overrideLine
	Gaps      []gapLine
	GapCount  int
	GapTone   ui.Tone
	GapText   string
	Manage    bool // may put anybody on call
	Take      bool // may put themselves on call
	Form      overrideForm
	Self      string // the viewer's person id
	Side      []web.Component
	Wide      []web.Component
}

// layerLine says what a layer does.
type layerLine struct{ Name, Rotation, People, Only string }

// overrideForm is the form of an override.
type overrideForm struct {
	Person, From, Until, Reason string
	People                      []ui.Option
	Faults                      map[string]string
}

func (p *Pages) schedule(c *web.Ctx) error {
	return p.showSchedule(c, overrideForm{Person: c.Viewer.PersonID}, 0)
}

func (p *Pages) showSchedule(c *web.Ctx, form overrideForm, status int) error {
	s, err := p.Service.Schedule(c.Context(), c.Ref.ID, c.Now.AddDate(0, 0, -1), c.Now.AddDate(1, 0, 0))
	if err != nil {
		return err
	}
	loc := s.Location()
	lines, f, err := p.scheduleLines(c.Context(), []escalation.Schedule{s}, c.Now)
	if err != nil {
		return err
	}
	view := scheduleView{
		Schedule: s, Ref: s.Ref().String(), URL: path(mainstay.KindSchedule, c.Path("id")), Lead: lines[0], Project: lines[0].Project,
		Zone: s.Spec().Zone, Manage: c.May(access.OnCallManage), Take: c.May(access.PageRespond) && c.Viewer.PersonID != "", Form: form,
		Self: c.Viewer.PersonID,
	}
	first, in := window(c.Now, loc, shownDays)
	view.Layers = layers(s.Spec(), f)
	view.Chart = newChart(chartLabel(&s, in, f), rowsOf(&s, in), first, shownDays, loc, c.Now, f.name)
	view.Shifts = p.shiftLines(&s, calendar.Interval{From: c.Now, Until: in.Until}, f)
	view.Overrides = p.overrideLines(c, &s, f)
	view.Gaps, view.GapCount = gapLines(&s, c.Now)
	view.GapTone, view.GapText = ui.ToneCrit, "A page that reaches nobody goes on to the next step of its policy at once."
	if partial(&s) {
		view.GapTone, view.GapText = ui.ToneInfo, "All its layers are for some hours only. Outside of them a page goes on to the next step of its policy at once."
	}
	if view.Manage {
		if view.Form.People, err = p.options(c.Context()); err != nil {
			return err
		}
	}
	view.Wide, view.Side = c.Panels("schedule")
	return c.Render(web.Page{
		Title: s.Title(), Nav: "oncall", Status: status, Live: []mainstay.Ref{s.Ref()},
		Crumbs: []web.Crumb{{Text: "On call", URL: "/schedules"}, {Text: s.Title()}},
	}, schedulePage(view))
}

// options are the persons who can be put on call.
func (p *Pages) options(ctx context.Context) ([]ui.Option, error) {
	list, _, err := p.People.List(ctx, people.Query{Limit: 1000})
	out := []ui.Option{{Text: "Choose somebody"}}
	for _, v := range list {
		out = append(out, ui.Option{Value: v.ID, Text: v.FullName + " (" + v.Name + ")"})
	}
	return out, err
}

// rowsOf are the rows of one schedule's chart: what holds in the end, and what the layers say when there are several.
func rowsOf(s *escalation.Schedule, in calendar.Interval) []row {
	rows := []row{{Title: "On call", Shifts: s.Shifts(in.From, in.Until), Gaps: !partial(s), Strong: true}}
	spec := s.Spec()
	if len(spec.Layers) == 1 && len(s.Overrides) == 0 {
		return rows
	}
	for i, l := range spec.Layers {
		only := *s
		one := spec
		one.Layers = spec.Layers[i : i+1]
		only.Overrides = nil
		last := s.Versions[len(s.Versions)-1]
		only.Versions = []escalation.Version{{Number: last.Number, Effective: last.Effective, Spec: one}}
		title := l.Name
		if title == "" {
			title = fmt.Sprintf("Layer %d", i+1)
		}
		rows = append(rows, row{Title: clip(title), Note: "layer", Shifts: only.Shifts(in.From, in.Until)})
	}
	return rows
}

func chartLabel(s *escalation.Schedule, in calendar.Interval, f folk) string {
	shifts := s.Shifts(in.From, in.Until)
	gaps := calendar.Gaps(shifts, in)
	text := fmt.Sprintf("Who is on call over %d days: %s.", shownDays, ui.Plural(len(joined(shifts)), "shift", "shifts"))
	if len(gaps) > 0 {
		text += fmt.Sprintf(" Nobody is on call in %s.", ui.Plural(len(gaps), "gap", "gaps"))
	}
	return text + " The table below says the same."
}

func layers(spec escalation.ScheduleSpec, f folk) []layerLine {
	var out []layerLine
	for i, l := range spec.Layers {
		v := layerLine{Name: l.Name, Rotation: rotation(l), Only: strings.Join(l.Restrictions, "; ")}
		if v.Name == "" {
			v.Name = fmt.Sprintf("layer %d", i+1)
		}
		var names []string
		for _, id := range l.Participants {
			names = append(names, f.name(id))
		}
		v.People = strings.Join(names, ", ")
		out = append(out, v)
	}
	return out
}

// rotation says how a layer turns, such as "every 2 weeks, handoff Mon 09:00".
func rotation(l escalation.LayerSpec) string {
	unit := map[string]string{"daily": "day", "hourly": "hour"}[l.Rotation]
	if unit == "" {
		unit = "week"
	}
	text := "every " + unit
	if l.Every > 1 {
		text = fmt.Sprintf("every %d %ss", l.Every, unit)
	}
	if l.Handoff != "" {
		text += ", handoff " + l.Handoff
	}
	return text
}

func (p *Pages) shiftLines(s *escalation.Schedule, span calendar.Interval, f folk) []shiftLine {
	loc, spec := s.Location(), s.Spec()
	shifts := joined(s.Shifts(span.From, span.Until))
	var out []shiftLine
	line := func(i calendar.Interval) shiftLine {
		return shiftLine{From: in(loc, i.From), Until: in(loc, i.Until), Hours: hours(i.Length())}
	}
	at := span.From
	add := func(gap calendar.Interval) {
		if !gap.Empty() {
			l := line(gap)
			l.Nobody = true
			out = append(out, l)
		}
	}
	for _, x := range shifts {
		add(calendar.Interval{From: at, Until: x.From})
		l := line(x.Interval)
		l.Who = f.name(x.Person)
		switch {
		case x.Override != "":
			l.By = "override"
		case x.Layer >= 1 && x.Layer <= len(spec.Layers) && spec.Layers[x.Layer-1].Name != "":
			l.By = spec.Layers[x.Layer-1].Name
		default:
			l.By = fmt.Sprintf("layer %d", x.Layer)
		}
		out = append(out, l)
		at = x.Until
	}
	add(calendar.Interval{From: at, Until: span.Until})
	return out[:min(len(out), 60)]
}

// hours is a length such as "168 h" or "90 min".
func hours(d time.Duration) string {
	if d < 2*time.Hour {
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}

func (p *Pages) overrideLines(c *web.Ctx, s *escalation.Schedule, f folk) []overrideLine {
	loc := s.Location()
	var out []overrideLine
	for _, o := range s.Overrides {
		if !o.Removed.IsZero() || !o.Until.After(c.Now) {
			continue
		}
		out = append(out, overrideLine{
			ID: o.ID, Who: f.name(o.Person), From: in(loc, o.From), Until: in(loc, o.Until), Note: made(o.Reason, p.Names.Actor(c.Context(), o.By)),
			Holds: !o.From.After(c.Now), Mine: c.Viewer.PersonID != "" && (o.Person == c.Viewer.PersonID || o.By == c.Actor()),
		})
	}
	return out
}

// made says why an override is there, and who made it.
func made(reason, by string) string {
	if reason == "" {
		return "by " + by
	}
	return reason + ", by " + by
}

// gapLines lists the first gaps of the next 90 days, and says how many there are. What touches is one.
func gapLines(s *escalation.Schedule, now time.Time) ([]gapLine, int) {
	span := calendar.Interval{From: now, Until: now.AddDate(0, 0, gapDays)}
	loc := s.Location()
	gaps := calendar.Gaps(s.Shifts(span.From, span.Until), span)
	var out []gapLine
	for _, g := range gaps[:min(len(gaps), 10)] {
		out = append(out, gapLine{in(loc, g.From), in(loc, g.Until), hours(g.Length())})
	}
	return out, len(gaps)
}

// parseWall reads a field of type datetime-local on the wall clock of the zone; "" is the zero time.
func parseWall(s string, loc *time.Location) (time.Time, bool) {
	if s == "" {
		return time.Time{}, true
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return calendar.At(calendar.DateOf(t), calendar.TimeOfDay(t.Hour()*60+t.Minute()), loc), true
		}
	}
	return time.Time{}, false
}

func (p *Pages) override(c *web.Ctx) error {
	s, err := p.Service.Schedule(c.Context(), c.Ref.ID, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	form := overrideForm{Person: c.Form("person"), From: c.Form("from"), Until: c.Form("until"), Reason: c.Form("reason")}
	if form.Person == "" && !c.May(access.OnCallManage) {
		form.Person = c.Viewer.PersonID
	}
	if form.Person != c.Viewer.PersonID && !c.May(access.OnCallManage) {
		return mainstay.Errorf(mainstay.Denied, "You may put yourself on call; whoever manages on-call may put others.")
	}
	var faults mainstay.Faults
	from, okFrom := parseWall(form.From, s.Location())
	until, okUntil := parseWall(form.Until, s.Location())
	if !okFrom {
		faults.Add("from", "This is not a date and time.")
	}
	if !okUntil {
		faults.Add("until", "This is not a date and time.")
	}
	if hours, err := strconv.Atoi(c.Form("hours")); err == nil && hours > 0 && hours <= 24 && form.Until == "" {
		until = c.Now.Add(time.Duration(hours) * time.Hour)
	}
	if err = faults.Err(); err == nil {
		err = p.Service.Override(c.Context(), c.Actor(), c.Ref.ID, escalation.Override{Person: form.Person, From: from, Until: until, Reason: form.Reason})
	}
	if form.Faults = mainstay.ErrorFields(err); form.Faults != nil {
		return p.showSchedule(c, form, 422)
	}
	if err != nil {
		return err
	}
	p.offerBack(c, form.Person)
	return c.See(path(mainstay.KindSchedule, c.Path("id")))
}

// offerBack says that it is saved, with a button that takes it back.
func (p *Pages) offerBack(c *web.Ctx, person string) {
	const said = "Saved. The schedule below shows it."
	s, err := p.Service.Schedule(c.Context(), c.Ref.ID, c.Now, c.Now.AddDate(2, 0, 0))
	if err == nil {
		for _, o := range slices.Backward(s.Overrides) {
			if o.Person == person && o.By == c.Actor() && o.Removed.IsZero() {
				c.Offer("Undo", "/schedules/"+c.Ref.ID+"/overrides/"+o.ID+"/remove", said)
				return
			}
		}
	}
	c.Say(said)
}

func (p *Pages) removeOverride(c *web.Ctx) error {
	s, err := p.Service.Schedule(c.Context(), c.Ref.ID, c.Now, c.Now.AddDate(2, 0, 0))
	if err != nil {
		return err
	}
	for _, o := range s.Overrides {
		mine := c.Viewer.PersonID != "" && (o.Person == c.Viewer.PersonID || o.By == c.Actor())
		if o.ID == c.Path("override") && !mine && !c.May(access.OnCallManage) {
			return mainstay.Errorf(mainstay.Denied, "You may take back overrides of your own; whoever manages on-call may take back all.")
		}
	}
	if err := p.Service.RemoveOverride(c.Context(), c.Actor(), c.Ref.ID, c.Path("override")); err != nil {
		return err
	}
	c.Say("Taken back. What has passed stays as it was.")
	return c.See(path(mainstay.KindSchedule, c.Path("id")))
}
