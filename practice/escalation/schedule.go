package escalation

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/calendar"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// ScheduleSpec is what a manifest of kind Schedule says.
type ScheduleSpec struct {
	Title  string      `yaml:"title,omitempty" json:"title,omitempty" maxLength:"200" doc:"For people; default: the name"`
	Zone   string      `yaml:"zone" json:"zone" doc:"IANA name; all times below are read on its wall clock"`
	Layers []LayerSpec `yaml:"layers" json:"layers" minItems:"1" maxItems:"10" doc:"A later layer covers the earlier ones where it has somebody"`
}

// LayerSpec is one rotation of a schedule.
type LayerSpec struct {
	Name         string   `yaml:"name,omitempty" json:"name,omitempty" maxLength:"100" doc:"For people"`
	Rotation     string   `yaml:"rotation,omitempty" json:"rotation,omitempty" enum:"weekly,daily,hourly" doc:"How long a turn is; default weekly"`
	Every        int      `yaml:"every,omitempty" json:"every,omitempty" minimum:"0" maximum:"1000" doc:"So many weeks, days or hours in a turn; default 1"`
	Handoff      string   `yaml:"handoff,omitempty" json:"handoff,omitempty" doc:"Mon 09:00 for weekly, 09:00 for daily and hourly; default midnight"`
	Start        string   `yaml:"start,omitempty" json:"start,omitempty" doc:"A date, or date and time: nobody before it, the first participant from it; turns count from 2024-01-01 when absent"`
	Participants []string `yaml:"participants" json:"participants" names:"Person" minItems:"1" maxItems:"100" doc:"Names of persons, in order"`
	Restrictions []string `yaml:"restrictions,omitempty" json:"restrictions,omitempty" maxItems:"50" doc:"Only at these times, such as Mon-Fri 09:00-17:00"`
}

// Schedule says who has a duty when. Its past never changes: a new definition is a new version from then on, and an override
// that is taken back ends then.
type Schedule struct {
	ID        string
	Project   string // id, or mainstay.Installation
	Name      string
	Versions  []Version  // ascending
	Overrides []Override // ascending by creation; those that were asked for
	Revision  int64      // counts the saved changes
	Retired   time.Time  // when it was taken out of use
}

// Version is a definition that holds from Effective until the next one's. Participants are person ids in it.
type Version struct {
	Number    int64
	Effective time.Time
	Spec      ScheduleSpec
}

// Override gives the duty to a person for some time, over all layers. Of two, the later made counts.
type Override struct {
	ID          string
	Person      string // id
	From, Until time.Time
	Reason      string
	By          mainstay.Actor
	Created     time.Time
	Removed     time.Time // zero while it stands
}

// interval is when the override holds.
func (o Override) interval() calendar.Interval {
	i := calendar.Interval{From: o.From, Until: o.Until}
	if !o.Removed.IsZero() && o.Removed.Before(i.Until) {
		i.Until = o.Removed
	}
	return i
}

// Ref points at the schedule.
func (s *Schedule) Ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindSchedule, ID: s.ID} }

// Spec is the latest definition, with person ids as participants.
func (s *Schedule) Spec() ScheduleSpec {
	if len(s.Versions) == 0 {
		return ScheduleSpec{}
	}
	return s.Versions[len(s.Versions)-1].Spec
}

// Title is the title for people; a schedule without one is called by its name.
func (s *Schedule) Title() string { return cmp.Or(s.Spec().Title, s.Name) }

// Location is the zone of the latest definition.
func (s *Schedule) Location() *time.Location { return location(s.Spec().Zone) }

func location(zone string) *time.Location {
	l, err := calendar.Zone(zone)
	if err != nil {
		return time.UTC // checked when it was saved
	}
	return l
}

// epoch is when the turns of a layer without a start begin to count: a Monday, midnight.
var epoch = calendar.Date{Year: 2024, Month: time.January, Day: 1}

// layer translates a layer; faults bear the manifest's names.
func (l LayerSpec) layer(at string, loc *time.Location, f *mainstay.Faults) calendar.Layer {
	unit := calendar.Unit(cmp.Or(l.Rotation, string(calendar.Weekly)))
	if unit != calendar.Weekly && unit != calendar.Daily && unit != calendar.Hourly {
		f.Add(at+"rotation", "use weekly, daily or hourly")
		unit = calendar.Weekly
	}
	if l.Every < 0 || l.Every > 1000 {
		f.Add(at+"every", "use a number from 1 to 1000")
	}
	handoff, err := calendar.ParseHandoff(l.Handoff, unit)
	if err != nil {
		f.Add(at+"handoff", "%s", mainstay.ErrorMessage(err))
	}
	start := calendar.At(epoch, 0, loc)
	if l.Start != "" {
		if start, err = parseLocal(l.Start, handoff.Time, loc); err != nil {
			f.Add(at+"start", "%s", mainstay.ErrorMessage(err))
		}
	}
	out := calendar.Layer{Rotation: calendar.Rotation{
		Zone: loc, Unit: unit, Every: l.Every, Handoff: handoff, Start: start, Participants: l.Participants,
	}}
	if len(l.Restrictions) > 0 {
		week, err := calendar.ParseWeek(l.Restrictions)
		if err != nil {
			f.Add(at+"restrictions", "%s", mainstay.ErrorMessage(err))
		}
		out.Only = &week
	}
	return out
}

// parseLocal reads a date, which means that time of day on it, a date with a time of day on loc's wall clock, or an RFC 3339
// time.
func parseLocal(s string, clock calendar.TimeOfDay, loc *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), nil
	}
	if d, err := calendar.ParseDate(s); err == nil {
		return calendar.At(d, clock, loc).UTC(), nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return calendar.At(calendar.DateOf(t), calendar.TimeOfDay(t.Hour()*60+t.Minute()), loc).UTC(), nil
		}
	}
	return time.Time{}, mainstay.Errorf(mainstay.Invalid, "%q is not a date or time such as 2026-03-02 or 2026-03-02 09:00", s)
}

// roster translates a definition.
func (s ScheduleSpec) roster(f *mainstay.Faults) calendar.Roster {
	loc, err := calendar.Zone(s.Zone)
	if err != nil {
		f.Add("zone", "%s", mainstay.ErrorMessage(err))
		loc = time.UTC
	}
	var r calendar.Roster
	for i, l := range s.Layers {
		r = append(r, l.layer(fmt.Sprintf("layers[%d].", i), loc, f))
	}
	return r
}

const (
	maxLayers       = 10
	maxParticipants = 100
)

// check says what is wrong with a definition besides names that do not exist.
func (s ScheduleSpec) check() mainstay.Faults {
	var f mainstay.Faults
	if len(s.Title) > 200 {
		f.Add("title", "use at most 200 bytes")
	}
	if len(s.Layers) == 0 || len(s.Layers) > maxLayers {
		f.Add("layers", "give 1 to %d layers", maxLayers)
		return f
	}
	s.roster(&f)
	for i, l := range s.Layers {
		at := fmt.Sprintf("layers[%d].", i)
		if len(l.Participants) == 0 || len(l.Participants) > maxParticipants {
			f.Add(at+"participants", "give 1 to %d persons", maxParticipants)
		}
		if len(l.Name) > 100 {
			f.Add(at+"name", "use at most 100 bytes")
		}
		if len(l.Restrictions) > 50 {
			f.Add(at+"restrictions", "give at most 50 windows")
		}
	}
	return f
}

// rename is the definition with each participant put through f.
func (s ScheduleSpec) rename(f func(layer int, participant string) string) ScheduleSpec {
	s.Layers = slices.Clone(s.Layers)
	for i := range s.Layers {
		l := &s.Layers[i]
		l.Restrictions = slices.Clone(l.Restrictions)
		list := make([]string, len(l.Participants))
		for j, p := range l.Participants {
			list[j] = f(i, p)
		}
		l.Participants = list
	}
	return s
}

func (s ScheduleSpec) equal(o ScheduleSpec) bool {
	return s.Title == o.Title && s.Zone == o.Zone && slices.EqualFunc(s.Layers, o.Layers, func(a, b LayerSpec) bool {
		return a.Name == b.Name && a.Rotation == b.Rotation && a.Every == b.Every && a.Handoff == b.Handoff && a.Start == b.Start &&
			slices.Equal(a.Participants, b.Participants) && slices.Equal(a.Restrictions, b.Restrictions)
	})
}

func (s ScheduleSpec) changes(o ScheduleSpec) []string {
	var fields []string
	if s.Title != o.Title {
		fields = append(fields, "title")
	}
	if s.Zone != o.Zone {
		fields = append(fields, "zone")
	}
	if o.Title, o.Zone = s.Title, s.Zone; !s.equal(o) {
		fields = append(fields, "layers")
	}
	return fields
}

// define is the rule of a new definition, whose participants are ids.
func (s *Schedule) define(now time.Time, actor mainstay.Actor, spec ScheduleSpec) commit.Set {
	if s.ID != "" && s.Retired.IsZero() && s.Spec().equal(spec) {
		return commit.Set{}
	}
	s.Retired = time.Time{}
	fields := spec.changes(s.Spec())
	if s.ID == "" {
		s.ID, fields = mainstay.NewID(now), nil
	}
	s.Versions = append(s.Versions, Version{Number: int64(len(s.Versions)) + 1, Effective: now, Spec: spec})
	s.Revision++
	return commit.Set{
		Facts: []fact.Fact{fact.New(now, s.Project, actor, fact.ObjectChanged{
			Kind: string(mainstay.KindSchedule), Name: s.Name, Fields: fields, Revision: s.Revision,
		}, s.Ref())},
		Objects: []commit.Object{{Ref: s.Ref(), Project: s.Project, Name: s.Name, Title: s.Title(), State: "active", At: now}},
	}
}

// longest is how long an override may last.
const longest = 366 * 24 * time.Hour

// override is the rule of adding an override. What lies before now stays as it was.
func (s *Schedule) override(now time.Time, o Override) (commit.Set, error) {
	var f mainstay.Faults
	if o.Person == "" {
		f.Add("person", "Say who takes over.")
	}
	if o.From.IsZero() || o.From.Before(now) {
		o.From = now
	}
	switch {
	case o.Until.IsZero():
		f.Add("until", "Say until when.")
	case !o.Until.After(now):
		f.Add("until", "This time has passed; overrides change the future only.")
	case !o.Until.After(o.From):
		f.Add("until", "It must be after the beginning.")
	case o.Until.Sub(o.From) > longest:
		f.Add("until", "An override lasts a year at most; change the schedule instead.")
	}
	if len(o.Reason) > 500 {
		f.Add("reason", "At most 500 bytes.")
	}
	if err := f.Err(); err != nil {
		return commit.Set{}, err
	}
	o.ID, o.Created = mainstay.NewID(now), now
	s.Overrides = append(s.Overrides, o)
	s.Revision++
	return commit.Set{Facts: []fact.Fact{fact.New(now, s.Project, o.By, fact.OverrideAdded{
		Schedule: s.Name, Person: o.Person, From: o.From, Until: o.Until,
	}, s.Ref(), mainstay.Ref{Kind: mainstay.KindPerson, ID: o.Person})}}, nil
}

// remove is the rule of taking an override back: it ends now. One that has ended already is left alone.
func (s *Schedule) remove(now time.Time, actor mainstay.Actor, id string) (commit.Set, error) {
	i := slices.IndexFunc(s.Overrides, func(o Override) bool { return o.ID == id })
	if i < 0 {
		return commit.Set{}, mainstay.Errorf(mainstay.NotFound, "There is no such override, or it has ended.")
	}
	o := &s.Overrides[i]
	if !o.Removed.IsZero() || !o.Until.After(now) {
		return commit.Set{}, nil
	}
	o.Removed = now
	s.Revision++
	return commit.Set{Facts: []fact.Fact{fact.New(now, s.Project, actor, fact.OverrideRemoved{Schedule: s.Name, Person: o.Person},
		s.Ref(), mainstay.Ref{Kind: mainstay.KindPerson, ID: o.Person})}}, nil
}

// version is the definition that holds at t, and when it ends (zero: it is the latest).
func (s *Schedule) version(t time.Time) (v Version, until time.Time, ok bool) {
	for i := len(s.Versions) - 1; i >= 0; i-- {
		if !s.Versions[i].Effective.After(t) {
			return s.Versions[i], until, true
		}
		until = s.Versions[i].Effective
	}
	return Version{}, until, false
}

// Duty is who has a schedule's duty at an instant, and what decided it.
type Duty struct {
	Person   string
	Layer    string            // the layer's name or number; "" for an override
	Turn     calendar.Interval // of the rotation, or the override's time
	Override *Override
}

// why says what decided, for the journal: schedule, layer, turn.
func (d Duty) why(s *Schedule) string {
	loc := s.Location()
	when := fmt.Sprintf("%s until %s", d.Turn.From.In(loc).Format("Mon 2 Jan 15:04"), d.Turn.Until.In(loc).Format("Mon 2 Jan 15:04 MST"))
	if d.Override != nil {
		return fmt.Sprintf("schedule %s, override, %s", s.Name, when)
	}
	return fmt.Sprintf("schedule %s, layer %s, turn of %s", s.Name, d.Layer, when)
}

// At is who has the duty at t. The overrides around t must have been loaded. It reports false when nobody has it.
func (s *Schedule) At(t time.Time) (Duty, bool) {
	for i, o := range slices.Backward(s.Overrides) {
		if iv := o.interval(); iv.Contains(t) {
			return Duty{Person: o.Person, Turn: iv, Override: &s.Overrides[i]}, true
		}
	}
	v, _, ok := s.version(t)
	if !ok {
		return Duty{}, false
	}
	var f mainstay.Faults
	shift, ok := v.Spec.roster(&f).At(t)
	if !ok {
		return Duty{}, false
	}
	return Duty{Person: shift.Person, Layer: v.Spec.layerName(shift.Layer), Turn: shift.Turn}, true
}

// layerName is how people call the layer of that number (from 1).
func (s ScheduleSpec) layerName(n int) string {
	if n < 1 || n > len(s.Layers) {
		return ""
	}
	return cmp.Or(s.Layers[n-1].Name, fmt.Sprint(n))
}

// Shifts lists who has the duty in [from, until), in order, without overlap; see calendar.Gaps for the holes. It is a pure
// function of the schedule. The overrides that touch the time must have been loaded.
func (s *Schedule) Shifts(from, until time.Time) []calendar.Shift {
	var all []calendar.Shift
	for i, v := range s.Versions {
		part := calendar.Interval{From: from, Until: until}.Meet(calendar.Interval{From: v.Effective, Until: until})
		if i+1 < len(s.Versions) {
			part = part.Meet(calendar.Interval{From: from, Until: s.Versions[i+1].Effective})
		}
		if !part.Empty() {
			var f mainstay.Faults
			all = append(all, v.Spec.roster(&f).Shifts(part.From, part.Until)...)
		}
	}
	for _, o := range s.Overrides {
		if i := o.interval().Meet(calendar.Interval{From: from, Until: until}); !i.Empty() {
			all = calendar.Lay(all, []calendar.Shift{{Interval: i, Person: o.Person, Turn: o.interval(), Override: o.ID}})
		}
	}
	return all
}
