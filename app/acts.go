package app

import (
	"context"
	"slices"
	"strings"

	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/web"
)

// act is something to do that the palette offers.
type act struct {
	title, also, url string // also are further words by which it is found
	perm             access.Permission
}

// acts are those that need no object.
var acts = []act{
	{"Declare an incident", "report open", "/incidents/new", access.IncidentRespond},
	{"See who is on call", "oncall pager duty rota schedule", "/schedules", access.OnCallRead},
	{"See what you owe", "mine my actions todo", "/mine", access.Self},
	{"Write an article", "new knowledge runbook", "/articles/new", access.ArticleWrite},
	{"Plan a maintenance", "new window announce", "/windows/new", access.WindowManage},
	{"Ask for an action", "new todo task", "/actions/new", access.ActionWrite},
	{"Add a component to the status page", "new", "/components/new", access.ComponentManage},
	{"Add a person", "new user invite", "/people/new", access.PeopleManage},
	{"Add a project", "new", "/projects/new", access.SettingManage},
	{"Make an intake key", "new alertmanager webhook prometheus", "/admin/keys", access.KeyManage},
	{"Read the journal", "facts audit log", "/admin/journal", access.JournalRead},
	{"See what was sent", "notifications mail delivery", "/admin/notifications", access.PageRead},
}

// acts are what the viewer may do that the words speak of: what goes on first.
func (a *App) acts(ctx context.Context, v access.Viewer, q string) ([]web.Hit, error) {
	var list []act
	if v.MayAny(access.PostDraft) {
		open, err := a.Incidents.Open(ctx, "")
		if err != nil {
			return nil, err
		}
		for _, i := range open {
			if v.May(access.PostDraft, i.Project) && i.State == incident.Open && !i.Private {
				list = append(list, act{"Post update to " + i.Key(), "tell users " + i.Title, "/incidents/" + i.Key() + "/posts/new", access.PostDraft})
			}
		}
	}
	if all, ids := v.Projects(access.PageRespond); all || len(ids) > 0 {
		pages := escalation.PageQuery{States: []escalation.State{escalation.Open, escalation.Exhausted}, Limit: 20}
		if !all {
			pages.Projects = ids
		}
		open, err := a.Escalation.Pages(ctx, pages)
		if err != nil {
			return nil, err
		}
		for _, p := range open {
			list = append(list, act{"Acknowledge " + p.Key(), "take " + p.Title, "/pages/" + p.Key(), access.PageRespond})
		}
	}
	var hits []web.Hit
	for _, x := range append(list, acts...) {
		if (x.perm == access.Self || v.MayAny(x.perm)) && x.fits(q) && len(hits) < 6 {
			hits = append(hits, web.Hit{Title: x.title, Note: "do it", URL: x.url, Do: true})
		}
	}
	return hits, nil
}

// fits reports whether every word of the query begins a word of the act.
func (x act) fits(q string) bool {
	have := strings.Fields(strings.ToLower(x.title + " " + x.also))
	want := strings.Fields(strings.ToLower(q))
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h string) bool { return strings.HasPrefix(h, w) }) {
			return false
		}
	}
	return len(want) > 0
}

// commands reports whether the query begins as the act does, so that it means the act rather than an object.
func commands(q string, h web.Hit) bool {
	first, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(q)), " ")
	return first != "" && strings.HasPrefix(strings.ToLower(h.Title), first)
}
