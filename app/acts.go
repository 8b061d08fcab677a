package app

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/web"
)

// act is something to do that the palette offers.
type act struct {
	title, also, url string // also are further words by which it is found
	perm             access.Permission
	post             *web.HitPost // with it, url is posted to
	near             int          // what is about the page that one is on, or burns, stands first
	note             string
}

// acts are those that need no object.
var acts = []act{
	{title: "Declare an incident", also: "report open", url: "/incidents/new", perm: access.IncidentRespond},
	{title: "See who is on call", also: "oncall pager duty rota schedule", url: "/schedules", perm: access.OnCallRead},
	{title: "See what you owe", also: "mine my actions todo", url: "/mine", perm: access.Self},
	{title: "Read your notifications", also: "bell inbox unread messages", url: "/me/notifications", perm: access.Self},
	{title: "Connect this device for pages", also: "push browser phone notifications install", url: "/me/devices", perm: access.Self},
	{title: "Write an article", also: "new knowledge runbook documentation", url: "/articles/new", perm: access.ArticleWrite},
	{title: "Plan a maintenance", also: "new window announce", url: "/windows/new", perm: access.WindowManage},
	{title: "Ask for an action", also: "new todo task", url: "/actions/new", perm: access.ActionWrite},
	{title: "Add a schedule", also: "new rotation on call", url: "/schedules/new", perm: access.OnCallManage},
	{title: "Add an escalation policy", also: "new steps", url: "/policies/new", perm: access.OnCallManage},
	{title: "Add a component to the status page", also: "new", url: "/components/new", perm: access.ComponentManage},
	{title: "Add a person", also: "new user invite", url: "/people/new", perm: access.PeopleManage},
	{title: "Add a team", also: "new group", url: "/teams/new", perm: access.PeopleManage},
	{title: "Add a project", also: "new", url: "/projects/new", perm: access.SettingManage},
	{title: "Make an intake key", also: "new alertmanager webhook prometheus", url: "/admin/keys", perm: access.KeyManage},
	{title: "Add a webhook", also: "new cloudevents facts outward integration endpoint", url: "/webhooks/new", perm: access.ProjectManage},
	{title: "See the webhooks", also: "cloudevents deliveries replay", url: "/admin/webhooks", perm: access.ProjectManage},
	{title: "Read the journal", also: "facts audit log", url: "/admin/journal", perm: access.JournalRead},
	{title: "See what was sent", also: "notifications mail delivery", url: "/admin/notifications", perm: access.PageRead},
	{title: "Open the settings", also: "admin administration configure", url: "/admin", perm: access.SettingManage},
	{title: "Change your data and contacts", also: "me profile zone language address preferences", url: "/me/edit", perm: access.Self},
	{title: "Set up Mainstay", also: "first run assistant welcome", url: "/welcome", perm: access.SettingManage},
	{title: "See your saved views", also: "pinned filters lists", url: "/views", perm: access.Self},
	{title: "Sign out", also: "leave log off", url: "/sign-out", perm: access.Self, post: &web.HitPost{}},
}

// mostActs is how many acts one answer holds; a question for acts alone has more.
const mostActs = 6

// acts are what the viewer may do that the words speak of, those about what goes on first.
func (a *App) acts(ctx context.Context, v access.Viewer, q web.Seek) ([]web.Hit, error) {
	var list []act
	for _, more := range []func(context.Context, access.Viewer, mainstay.Ref) ([]act, error){a.pageActs, a.incidentActs, a.shiftActs} {
		some, err := more(ctx, v, q.At)
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	type ranked struct {
		act
		score int
	}
	var found []ranked
	for _, x := range append(list, acts...) {
		if x.perm != access.Self && !v.MayAny(x.perm) {
			continue
		}
		if n, ok := fuzzy(x.title+" "+x.also, q.Text); ok && (q.Text != "" || q.Do || x.near > 0) {
			found = append(found, ranked{x, n + x.near})
		}
	}
	slices.SortStableFunc(found, func(a, b ranked) int { return cmp.Compare(b.score, a.score) })
	most := mostActs
	if q.Do {
		most = 30
	}
	hits := []web.Hit{}
	for _, x := range found[:min(most, len(found))] {
		hits = append(hits, web.Hit{Title: x.title, Note: x.note, URL: x.url, Do: true, Group: "Do", Post: x.post, First: q.Text != "" && commands(q.Text, x.title)})
	}
	return hits, nil
}

// pageActs are acknowledging the pages that wait.
func (a *App) pageActs(ctx context.Context, v access.Viewer, at mainstay.Ref) (list []act, err error) {
	all, ids := v.Projects(access.PageRespond)
	if !all && len(ids) == 0 {
		return nil, nil
	}
	q := escalation.PageQuery{States: []escalation.State{escalation.Open, escalation.Exhausted}, Limit: 20}
	if !all {
		q.Projects = ids
	}
	open, err := a.Escalation.Pages(ctx, q)
	for _, p := range open {
		x := act{title: "Acknowledge " + p.Key(), also: "take ack " + p.Title, note: p.Title, url: "/pages/" + p.Key() + "/acknowledge", perm: access.PageRespond, post: &web.HitPost{}, near: 20}
		if p.Ref() == at || slices.ContainsFunc(p.Subjects, func(s escalation.Subject) bool { return s.Ref == at }) {
			x.near = 60
		}
		list = append(list, x)
	}
	return list, err
}

// incidentActs are what is done about the incidents that go on, as far as the viewer may know of them.
func (a *App) incidentActs(ctx context.Context, v access.Viewer, at mainstay.Ref) (list []act, err error) {
	if !v.MayAny(access.PostDraft) && !v.MayAny(access.IncidentRespond) {
		return nil, nil
	}
	open, err := a.Incidents.Open(ctx, "")
	for _, i := range open {
		if i.State != incident.Open || !v.May(access.IncidentRead, i.Project) || !i.VisibleTo(v.PersonID, v.May(access.IncidentManage, i.Project)) {
			continue
		}
		near, key := 10, i.Key()
		if i.Ref() == at {
			near = 50
		}
		if v.May(access.PostDraft, i.Project) && !i.Private {
			list = append(list, act{title: "Post update to " + key, also: "tell users " + i.Title, note: i.Title, url: "/incidents/" + key + "/posts/new", perm: access.PostDraft, near: near})
		}
		if !v.May(access.IncidentRespond, i.Project) {
			continue
		}
		if i.Holder(incident.Commander) != v.PersonID && v.PersonID != "" {
			list = append(list, act{
				title: "Take command of " + key, also: "commander lead role " + i.Title, note: i.Title, url: "/incidents/" + key + "/roles", perm: access.IncidentRespond, near: near - 5,
				post: &web.HitPost{Fields: []web.HitField{{Name: "role", Value: incident.Commander}, {Name: "me", Value: "1"}}},
			})
		}
		list = append(list, act{title: "Resolve " + key, also: "end over restored " + i.Title, note: i.Title, url: "/incidents/" + key + "/resolve", perm: access.IncidentRespond, near: near - 8})
	}
	return list, err
}

// shiftActs are taking over a schedule now.
func (a *App) shiftActs(ctx context.Context, v access.Viewer, at mainstay.Ref) (list []act, err error) {
	if v.PersonID == "" || !v.MayAny(access.PageRespond) {
		return nil, nil
	}
	all, err := a.Escalation.Schedules(ctx, nil, time.Time{}, time.Time{})
	for _, s := range all {
		if !v.May(access.PageRespond, s.Project) {
			continue
		}
		x := act{
			title: "Take on-call now for 4 hours: " + s.Title(), also: "cover override shift pager " + s.Name, url: "/schedules/" + s.ID + "/overrides", perm: access.PageRespond,
			post: &web.HitPost{Fields: []web.HitField{{Name: "person", Value: v.PersonID}, {Name: "hours", Value: "4"}}},
		}
		if s.Ref() == at {
			x.near = 40
		}
		list = append(list, x)
	}
	return list, err
}

// fuzzy reports whether each word of the query is in the text: as the beginning of a word, anywhere, or letter by letter in order.
// Beginnings count most. An empty query fits everything.
func fuzzy(text, query string) (score int, ok bool) {
	text = strings.ToLower(text)
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' })
	for _, w := range strings.Fields(strings.ToLower(query)) {
		switch at := slices.IndexFunc(words, func(have string) bool { return strings.HasPrefix(have, w) }); {
		case at >= 0:
			score += 100 - min(at, 50)
		case strings.Contains(text, w):
			score += 40
		case len(w) > 2 && slices.ContainsFunc(words, func(have string) bool { return scattered(have, w) }):
			score += 15
		default:
			return 0, false
		}
	}
	return score, true
}

// scattered reports whether the letters of w stand in the word in their order, the first one first.
func scattered(word, w string) bool {
	if word == "" || word[0] != w[0] {
		return false
	}
	i := 0
	for j := 0; i < len(w) && j < len(word); j++ {
		if word[j] == w[i] {
			i++
		}
	}
	return i == len(w)
}

// commands reports whether the query begins as the act does, so that it means the act rather than an object.
func commands(q, title string) bool {
	first, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(q)), " ")
	return first != "" && strings.HasPrefix(strings.ToLower(title), first)
}

// groups are the headings under which the palette shows objects.
var groups = map[mainstay.Kind]string{
	mainstay.KindIncident: "Incidents", mainstay.KindAlert: "Alerts", mainstay.KindPage: "Pages", mainstay.KindAction: "Actions", mainstay.KindArticle: "Articles",
	mainstay.KindRootCause: "Root causes", mainstay.KindWindow: "Maintenance", mainstay.KindProject: "Projects", mainstay.KindService: "Services",
	mainstay.KindPerson: "People", mainstay.KindTeam: "Teams", mainstay.KindSchedule: "Schedules", mainstay.KindPolicy: "Policies", mainstay.KindPlan: "Plans",
	mainstay.KindRoute: "Routes", mainstay.KindComponent: "Status page",
}

// find answers the palette and the search page.
func (a *App) find(ctx context.Context, v access.Viewer, q web.Seek) ([]web.Hit, error) {
	do, err := a.acts(ctx, v, q)
	if err != nil || q.Do || q.Text == "" {
		return do, err
	}
	var hits []web.Hit
	if kind, _, ok := mainstay.ParseNumber(q.Text); ok && kind == mainstay.KindAlert {
		if o, err := a.findAlert(ctx, q.Text); err == nil && v.May(access.AlertRead, o.Project) {
			hits = append(hits, web.Hit{Kind: kind, Number: o.Key(), Title: o.Title, Note: o.State, URL: o.URL(), First: true})
		}
	} else {
		hits = a.openAlerts(v, q.Text)
	}
	found, err := a.palette.Palette(ctx, v, q.Text)
	if err != nil {
		return nil, err
	}
	hits = append(hits, found...)
	for i := range hits {
		hits[i].Group = cmp.Or(groups[hits[i].Kind], string(hits[i].Kind))
		hits[i].First = hits[i].First || hits[i].Number != "" && strings.EqualFold(hits[i].Number, strings.TrimSpace(q.Text))
	}
	if len(do) > 0 && do[0].First {
		return slices.Concat(do, hits), nil
	}
	return slices.Concat(hits, do), nil
}

// openAlerts are the open alerts that the words speak of. Those that are over are too many to be found by words.
func (a *App) openAlerts(v access.Viewer, text string) (hits []web.Hit) {
	for _, al := range a.Warning.Open(context.Background(), a.alertScope(v)) {
		if _, ok := fuzzy(al.Title()+" "+al.Name(), text); ok && text != "" {
			hits = append(hits, web.Hit{Kind: mainstay.KindAlert, Number: al.Readable(), Title: al.Title(), Note: string(al.State), URL: "/alerts/" + al.Readable()})
		}
		if len(hits) == 5 {
			break
		}
	}
	return hits
}

// alertScope is the part of a query of alerts that the viewer's grants decide. It looks at the worst 2,000 only.
func (a *App) alertScope(v access.Viewer) warning.Query {
	q := warning.Query{Limit: 2000}
	if all, ids := v.Projects(access.AlertRead); !all {
		q.Projects = append([]string{}, ids...)
	}
	return q
}
