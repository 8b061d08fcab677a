package app

import (
	"context"
	"errors"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// What the shell shows on every page: who is signed in, what burns, the numbers in the rail.

func (a *App) me(ctx context.Context, v access.Viewer) (web.Me, error) {
	me, err := a.identityPages.Me(ctx, v)
	if err != nil || v.PersonID == "" {
		return me, err
	}
	projects, err := a.Projects.Projects(ctx)
	if err != nil {
		return me, err
	}
	for _, p := range projects {
		on, err := a.Escalation.OnCallPeople(ctx, p.ID, a.cfg.Time.Now())
		if err != nil {
			return me, err
		}
		for _, id := range on {
			if id == v.PersonID {
				me.OnCall, me.Line = true, "on call now"
				return me, nil
			}
		}
	}
	return me, nil
}

func (a *App) tallies(ctx context.Context, v access.Viewer) (map[string]ui.Tally, error) {
	t := map[string]ui.Tally{}
	if v.MayAny(access.IncidentRead) {
		var err error
		if t["incidents"], err = a.incidentPages.Tally(ctx, v); err != nil {
			return nil, err
		}
	}
	if all, ids := v.Projects(access.AlertRead); all {
		t["alerts"] = ui.Tally{N: a.Warning.Count(nil)}
	} else if len(ids) > 0 {
		t["alerts"] = ui.Tally{N: a.Warning.Count(ids)}
	}
	if all, ids := v.Projects(access.PageRead); all || len(ids) > 0 {
		q := escalation.PageQuery{States: []escalation.State{escalation.Open, escalation.Exhausted}, Limit: 100}
		if !all {
			q.Projects = ids
		}
		list, err := a.Escalation.Pages(ctx, q)
		if err != nil {
			return nil, err
		}
		t["oncall"] = ui.Tally{N: len(list), Crit: len(list) > 0}
	}
	return t, nil
}

// line says in one sentence what goes on in what the viewer may see.
func (a *App) line(ctx context.Context, v access.Viewer) (string, error) {
	t, err := a.tallies(ctx, v)
	if err != nil {
		return "", err
	}
	var burns []string
	if n := t["incidents"].N; n > 0 {
		burns = append(burns, ui.Plural(n, "incident goes on", "incidents go on"))
	}
	if n := t["alerts"].N; n > 0 {
		burns = append(burns, ui.Plural(n, "alert fires", "alerts fire"))
	}
	switch n := t["oncall"].N; {
	case n > 0:
		burns = append(burns, ui.Plural(n, "page waits for somebody", "pages wait for somebody"))
	case len(burns) == 0 && v.MayAny(access.AlertRead) && v.MayAny(access.PageRead):
		return "All quiet: nothing fires and nobody is being paged.", nil
	case len(burns) == 0 && v.MayAny(access.IncidentRead):
		return "No incident goes on.", nil
	case len(burns) == 0:
		return "", nil
	}
	return strings.Join(burns, ", ") + ".", nil
}

// projectState is the word beside a project: what burns in it, or that it is quiet.
func (a *App) projectState(ctx context.Context, id string) (ui.State, error) {
	open, err := a.Incidents.Open(ctx, id)
	if err != nil {
		return ui.State{}, err
	}
	public := 0
	worst := mainstay.Sev4
	for _, i := range open {
		if !i.Private {
			public++
			worst = min(worst, i.Severity)
		}
	}
	switch {
	case public > 0 && worst <= mainstay.Sev2:
		return ui.Crit(ui.Plural(public, "incident", "incidents")), nil
	case public > 0:
		return ui.Warn(ui.Plural(public, "incident", "incidents")), nil
	}
	if n := a.Warning.Count([]string{id}); n > 0 {
		return ui.Warn(ui.Plural(n, "alert", "alerts")), nil
	}
	return ui.Good("quiet"), nil
}

var errNoStatusPage = errors.New("this process renders no status page")
