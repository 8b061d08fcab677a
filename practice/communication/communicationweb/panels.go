package communicationweb

import (
	"context"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/practice/communication/statuspage"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Panels are the public updates on an incident's page, and the components and the next maintenance on Now and in a project.
func (p *Pages) Panels() []web.Panel {
	return []web.Panel{
		{Where: "incident-first", Title: "Who hears next", Order: 20, Side: true, Render: p.ofIncident},
		{Where: "now", Title: "What users see", Order: 50, Whole: true, Render: p.now},
		{Where: "now", Title: "Promised", Order: 40, Side: true, Render: p.promised},
		{Where: "project", Title: "What users see", Order: 50, Whole: true, Render: p.now},
	}
}

// ofIncident is nothing for a private incident: there is no public to tell.
func (p *Pages) ofIncident(ctx context.Context, at web.At) (web.Component, error) {
	if !at.Viewer.May(access.PostRead, at.Project) {
		return nil, nil
	}
	i, err := p.cfg.Service.Incident(ctx, at.Ref.ID)
	if err != nil || i.Private {
		return nil, err
	}
	v := incidentPanel{ID: "public-updates", Live: "post:* " + at.Ref.String(), EveryWords: ui.Long(i.Every())}
	if at.Viewer.May(access.PostDraft, at.Project) {
		v.New = "/incidents/" + at.Ref.ID + "/posts/new"
	}
	posts, err := p.cfg.Service.Posts(ctx, communication.PostQuery{Incident: at.Ref.ID, Limit: 30})
	if err != nil {
		return nil, err
	}
	for _, x := range posts {
		switch x.State {
		case communication.Draft:
			v.Waiting = append(v.Waiting, p.waiting(ctx, at, x))
		case communication.Published:
			v.Told = append(v.Told, p.postRow(ctx, x))
		}
	}
	owed, err := p.cfg.Service.Cadence(ctx, at.Ref.ID)
	if err != nil {
		return nil, err
	}
	if !owed.Due.IsZero() {
		v.Due, v.Overdue, v.First = p.countdown(owed, posts, i, at.Now), owed.Overdue || !owed.Due.After(at.Now), owed.First
	}
	if base := p.cfg.StatusURL(); base != "" && len(v.Told) > 0 {
		v.PublicURL = base + "/incidents/" + at.Ref.ID
	}
	return incidentUpdates(v), nil
}

func (p *Pages) waiting(ctx context.Context, at web.At, x communication.Post) waiting {
	w := waiting{Row: p.postRow(ctx, x), URL: "/posts/" + x.ID, MayApprove: at.Viewer.May(access.PostApprove, at.Project)}
	title, body, err := p.cfg.Service.Preview(ctx, x)
	if err != nil {
		w.MayApprove, w.Fault = false, mainstay.ErrorMessage(err)
		return w
	}
	w.Row.Title, w.Row.Text = title, body
	if err := p.cfg.Service.MayRelease(ctx, at.Viewer.Actor, x); err != nil {
		w.MayApprove, w.WhyNot = false, mainstay.ErrorMessage(err)
	}
	return w
}

// promised are the next words to users about everything that goes on, soonest first.
func (p *Pages) promised(ctx context.Context, at web.At) (web.Component, error) {
	if p.cfg.Open == nil {
		return nil, nil
	}
	ids, err := p.cfg.Open(ctx)
	if err != nil {
		return nil, err
	}
	var list []promise
	for _, id := range ids {
		i, err := p.cfg.Service.Incident(ctx, id)
		if err != nil {
			return nil, err
		}
		owed, err := p.cfg.Service.Cadence(ctx, id)
		if err != nil {
			return nil, err
		}
		if i.Private || owed.Due.IsZero() || !at.Viewer.May(access.PostRead, i.Project) || len(list) >= shown {
			continue
		}
		posts, err := p.cfg.Service.Posts(ctx, communication.PostQuery{Incident: id, Limit: 30})
		if err != nil {
			return nil, err
		}
		x := promise{Countdown: *p.countdown(owed, posts, i, at.Now), Key: mainstay.KindIncident.Number(i.Number), First: owed.First}
		x.Title, x.Right = "Users, "+x.Key, ""
		if owed.First {
			x.Right = "the first word"
		}
		if at.Viewer.May(access.PostDraft, i.Project) {
			x.URL = "/incidents/" + x.Key + "/posts/new"
		}
		list = append(list, x)
	}
	if len(list) == 0 {
		return nil, nil
	}
	slices.SortFunc(list, func(a, b promise) int { return a.Due.Compare(b.Due) })
	return promisedPanel(list), nil
}

// promise is a word that users are owed.
type promise struct {
	ui.Countdown
	Key, URL string
	First    bool
}

// countdown counts from the last word (or the beginning) to the next one.
func (p *Pages) countdown(owed communication.Cadence, posts []communication.Post, i communication.Incident, now time.Time) *ui.Countdown {
	from, said := i.StartedAt, ""
	for _, x := range posts { // the newest first
		if x.State == communication.Published {
			from, said = x.DecidedAt, "as promised"
			break
		}
	}
	c := &ui.Countdown{Title: "Users", Due: owed.Due, Left: "status page, every " + ui.Long(i.Every()), Right: said}
	if all := owed.Due.Sub(from); all > 0 {
		c.Share = int(min(max(now.Sub(from)*100/all, 0), 100))
	}
	return c
}

// shown is how many components Now lists.
const shown = 8

func (p *Pages) now(ctx context.Context, at web.At) (web.Component, error) {
	if !at.Viewer.MayAny(access.ComponentRead) {
		return nil, nil
	}
	may := within(at.Viewer, access.ComponentRead)
	if at.Project != "" {
		may = []string{at.Project, mainstay.Installation}
	}
	list, err := p.cfg.Service.Components(ctx, "")
	if err != nil {
		return nil, err
	}
	of, err := p.intervals(ctx)
	if err != nil {
		return nil, err
	}
	v := nowPanel{}
	zone := zoneOf(at.Viewer)
	for _, x := range arranged(list) {
		if x.IsGroup || !among(may, x.Project) {
			continue
		}
		if len(v.Rows) >= shown && x.State() == communication.Operational {
			v.More++
			continue
		}
		v.Rows = append(v.Rows, componentRow{
			Title: x.Title, URL: "/components/" + x.ID, State: stateOf(x.State()), Bars: statuspage.Bars(x, of[x.ID], at.Now, barDays, zone),
			Share: share(of[x.ID], at.Now, zone),
		})
	}
	windows, err := p.cfg.Service.OpenWindows(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range windows {
		if !among(may, w.Project) || len(v.Windows) >= 3 {
			continue
		}
		r := windowRow{Key: mainstay.KindWindow.Number(w.Number), URL: "/windows/" + w.ID, Title: w.Name, From: w.From, Until: w.Until, State: ui.Info("Planned").As("next")}
		switch {
		case w.Active() && w.Overrun:
			r.State = ui.Warn("Takes longer than planned")
		case w.Active():
			r.State = ui.Info("Under way")
		}
		v.Windows = append(v.Windows, r)
	}
	if len(v.Rows) == 0 && len(v.Windows) == 0 {
		return nil, nil
	}
	return whatUsersSee(v), nil
}
