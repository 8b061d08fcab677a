package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay/core/calendar"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/core/people"

	"github.com/mainstayhq/mainstay"
)

// matters answers people: what is a person's own in the time to come?
type matters struct{ a *App }

// Matters implements people.Matters.
func (q matters) Matters(ctx context.Context, p people.Person, from, until time.Time) ([]people.Section, error) {
	list := []people.Section{}
	for _, ask := range []func(context.Context, people.Person, time.Time, time.Time) (people.Section, error){
		q.incidents, q.actions, q.shifts, q.causes, q.told,
	} {
		s, err := ask(ctx, p, from, until)
		if err != nil {
			return nil, err
		}
		if len(s.Lines) > 0 {
			list = append(list, s.Cut())
		}
	}
	return list, nil
}

func (q matters) incidents(ctx context.Context, p people.Person, _, _ time.Time) (people.Section, error) {
	list, err := heldIncidents(q).of(ctx, p.ID)
	s := people.Section{Title: "Incidents that you have a role in"}
	for _, i := range list {
		s.Lines = append(s.Lines, people.Line{
			Text: i.Key() + " " + i.Title, URL: object.URL(mainstay.KindIncident, i.Key()), Note: strings.Join(held(i, p.ID), ", ") + ", " + string(i.State),
		})
	}
	return s, err
}

func (q matters) actions(ctx context.Context, p people.Person, from, until time.Time) (people.Section, error) {
	list, err := q.a.Actions.Mine(ctx, p.ID)
	s := people.Section{Title: "Actions that are due"}
	for _, x := range list {
		if x.Due.IsZero() || !x.Due.Before(until) {
			continue
		}
		l := people.Line{Text: x.Key() + " " + x.Title, URL: object.URL(mainstay.KindAction, x.Key()), At: x.Due}
		if x.Overdue(from) {
			l.Note = "overdue"
		}
		s.Lines = append(s.Lines, l)
	}
	return s, err
}

func (q matters) shifts(ctx context.Context, p people.Person, from, until time.Time) (people.Section, error) {
	s := people.Section{Title: "Your shifts"}
	list, err := q.a.Escalation.Schedules(ctx, nil, from, until)
	if err != nil {
		return s, err
	}
	for i := range list {
		if !list[i].Retired.IsZero() {
			continue
		}
		for _, x := range slices.DeleteFunc(list[i].Shifts(from, until), func(x calendar.Shift) bool { return x.Person != p.ID }) {
			l := people.Line{Text: list[i].Title(), URL: object.URL(mainstay.KindSchedule, list[i].ID), At: x.From}
			l.Note = "until " + x.Until.In(p.Location()).Format("Mon 2 Jan 15:04")
			if !x.From.After(from) {
				l.At, l.Note = time.Time{}, "now, "+l.Note
			}
			s.Lines = append(s.Lines, l)
		}
	}
	slices.SortStableFunc(s.Lines, func(a, b people.Line) int { return a.At.Compare(b.At) })
	return s, nil
}

func (q matters) causes(ctx context.Context, p people.Person, _, until time.Time) (people.Section, error) {
	list, err := heldCauses(q).of(ctx, p.ID)
	s := people.Section{Title: "Root cause analyses that you lead"}
	for i := range list {
		if rc := &list[i]; rc.Due.IsZero() || rc.Due.Before(until) {
			key := mainstay.KindRootCause.Number(rc.Number)
			s.Lines = append(s.Lines, people.Line{Text: key + " " + rc.Title, URL: object.URL(mainstay.KindRootCause, key), At: rc.Due})
		}
	}
	return s, err
}

// told is what came since the last digest and was not read.
func (q matters) told(ctx context.Context, p people.Person, from, until time.Time) (people.Section, error) {
	list, err := q.a.Notices.Told(ctx, notify.TellFilter{Person: p.ID, Unread: true, Limit: 200})
	s := people.Section{Title: "You have not read"}
	for _, t := range list {
		if t.At.Before(from.Add(-until.Sub(from))) || t.Template == people.DigestTemplate {
			continue
		}
		text, url := t.Heading(p.Zone, from)
		s.Lines = append(s.Lines, people.Line{Text: text, URL: url, At: t.At})
	}
	return s, err
}
