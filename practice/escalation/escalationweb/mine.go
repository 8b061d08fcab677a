package escalationweb

import (
	"context"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/web"
)

// minePages are the pages under way that ask the viewer, or that they have.
func (p *Pages) minePages(ctx context.Context, at web.At) (web.Component, error) {
	if at.Viewer.PersonID == "" || !at.Viewer.MayAny(access.PageRead) {
		return nil, nil //nolint:nilnil // a panel without a component shows nothing
	}
	q := escalation.PageQuery{Projects: visible(at.Viewer, access.PageRead, false), States: underway, Person: at.Viewer.PersonID, Limit: 20}
	asked, err := p.Service.Pages(ctx, q)
	if err != nil {
		return nil, err
	}
	q.Person, q.Acked = "", at.Viewer.PersonID
	have, err := p.Service.Pages(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, v := range have {
		if !slices.ContainsFunc(asked, func(o escalation.Page) bool { return o.ID == v.ID }) {
			asked = append(asked, v)
		}
	}
	if len(asked) == 0 {
		return nil, nil //nolint:nilnil // a panel without a component shows nothing
	}
	lines, err := p.lines(ctx, asked)
	return pagesPanel(panelView{ID: "mine-pages", Title: "Pages that ask you, or that you have", Live: "page:*", Lines: lines}), err
}

// mineShift is a stretch in which the viewer carries the pager.
type mineShift struct {
	Schedule, URL string
	From, Until   time.Time
	Now           bool
}

// mineAhead is how far ahead one's own shifts are listed.
const mineAhead = 30 * 24 * time.Hour

// mineShifts are the viewer's own shifts, the one now first.
func (p *Pages) mineShifts(ctx context.Context, at web.At) (web.Component, error) {
	if at.Viewer.PersonID == "" || !at.Viewer.MayAny(access.OnCallRead) {
		return nil, nil //nolint:nilnil // a panel without a component shows nothing
	}
	until := at.Now.Add(2 * mineAhead) // so that a shift that begins within the time is shown to its end
	all, err := p.Service.Schedules(ctx, visible(at.Viewer, access.OnCallRead, true), at.Now, until)
	if err != nil {
		return nil, err
	}
	var list []mineShift
	for _, s := range all {
		for _, x := range s.Shifts(at.Now, until) {
			if x.Person != at.Viewer.PersonID || x.From.After(at.Now.Add(mineAhead)) {
				continue
			}
			if n := len(list); n > 0 && list[n-1].URL == "/schedules/"+s.ID && list[n-1].Until.Equal(x.From) { // one turn after the other
				list[n-1].Until = x.Until
				continue
			}
			list = append(list, mineShift{Schedule: s.Title(), URL: "/schedules/" + s.ID, From: x.From, Until: x.Until, Now: x.Contains(at.Now)})
		}
	}
	for i := range list {
		if list[i].Until.Equal(until) {
			list[i].Until = time.Time{} // nobody else follows
		}
	}
	slices.SortStableFunc(list, func(a, b mineShift) int { return a.From.Compare(b.From) })
	return mineShiftsPanel(list[:min(len(list), 8)]), nil
}
