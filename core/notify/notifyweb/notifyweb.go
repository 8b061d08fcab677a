// Package notifyweb owns the pages and the API of the delivery log: who was told what, over which channel, and why not. It never
// sends anything but a test that somebody asks for themselves.
package notifyweb

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Names gives the names of actors and objects.
type Names interface {
	// ProjectID is the id of a project by id or name; "installation" stays.
	ProjectID(ctx context.Context, key string) (string, error)
	Actor(ctx context.Context, a mainstay.Actor) string
	// Subject is a short name and the path of the object's page; both may be empty.
	Subject(ctx context.Context, r mainstay.Ref) (name, url string)
}

// Config is what the pages need; every field but Troubled is required.
type Config struct {
	Log      notify.Log
	People   notify.People
	Names    Names
	Register web.Register
	Time     mainstay.Timekeeper
	// Send plans notices in a transaction of its own; notifydb.Store.Send does.
	Send func(ctx context.Context, list []commit.Notice) error
	// Troubled lists what is broken; notify.Engine.Troubled does. nil for a server that does not send.
	Troubled func() []notify.Lane
	Inbox    notify.Inbox // the notification centre; nil shows deliveries alone
	Push     *Push        // the devices of persons; nil: there is no such page
}

// Pages are the routes.
type Pages struct{ cfg Config }

// New makes the pages.
func New(cfg Config) (*Pages, error) {
	if cfg.Log == nil || cfg.People == nil || cfg.Names == nil || cfg.Register == nil || cfg.Time == nil || cfg.Send == nil {
		return nil, errors.New("notifyweb needs Log, People, Names, Register, Time and Send")
	}
	return &Pages{cfg}, nil
}

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	rt.Handle(web.Route{Method: "GET", Pattern: "/admin/notifications", Permission: access.PageRead}, p.list)
	rt.Handle(web.Route{Method: "GET", Pattern: "/me/notifications", Permission: access.Self}, p.mine)
	rt.Handle(web.Route{Method: "POST", Pattern: "/me/test", Permission: access.Self}, p.test)
	if p.cfg.Inbox != nil {
		rt.Handle(web.Route{Method: "GET", Pattern: "/me/notifications/{id}", Permission: access.Self}, p.open)
		rt.Handle(web.Route{Method: "POST", Pattern: "/me/notifications/{id}/read", Permission: access.Self}, p.read)
		rt.Handle(web.Route{Method: "POST", Pattern: "/me/notifications/read", Permission: access.Self}, p.read)
	}
	if p.cfg.Push != nil {
		rt.Handle(web.Route{Method: "GET", Pattern: "/me/devices", Permission: access.Self}, p.devices)
		for pattern, h := range map[string]func(*web.Ctx) error{
			"": p.connect, "/confirm": p.confirm, "/{id}/test": p.testDevice, "/{id}/remove": p.removeDevice, "/{id}/pages": p.devicePages,
		} {
			rt.Handle(web.Route{Method: "POST", Pattern: "/me/devices" + pattern, Permission: access.Self}, h)
		}
	}
	p.api(rt)
}

// Panels shows the delivery log of a page, an incident and an alert, and a person's own.
func (p *Pages) Panels() []web.Panel {
	panels := []web.Panel{
		{Where: "page", Title: "Notifications", Order: 20, Render: p.of},
		{Where: "incident", Title: "Notifications", Order: 80, Render: p.of},
		{Where: "alert", Title: "Notifications", Order: 80, Render: p.of},
	}
	for _, where := range []string{"person", "me"} {
		panels = append(panels, web.Panel{Where: where, Title: "Notifications", Order: 50, Render: p.latest})
	}
	return panels
}

// row is one delivery as a table shows it.
type row struct {
	ID       string
	Who      string
	Over     string // the channel, and where it is of use the address
	About    string
	AboutURL string
	State    ui.State
	Attempts int
	At       time.Time
	Said     string // what the receiver answered, or why it was not sent
}

// within are the projects in which the viewer may read pages, in the form of notify.Filter: nil for all.
func within(v access.Viewer) []string {
	all, ids := v.Projects(access.PageRead)
	if all {
		return nil
	}
	return append([]string{}, ids...)
}

// known leaves out what is about a private object that the viewer may not know of. What they were told themselves stays in
// their own list.
func (p *Pages) known(ctx context.Context, v access.Viewer, list []notify.Delivery) ([]notify.Delivery, error) {
	return web.Known(ctx, p.cfg.Register, v, list, func(d notify.Delivery) []mainstay.Ref {
		return []mainstay.Ref{d.Subject}
	})
}

func (p *Pages) row(ctx context.Context, d notify.Delivery, whole bool) row {
	r := row{ID: d.ID, State: state(d), Attempts: d.Attempts, At: d.Planned, Over: over(d, whole), Said: said(d)}
	if d.Person != "" {
		r.Who = p.cfg.Names.Actor(ctx, mainstay.Person(d.Person))
	} else {
		r.Who = place(d, whole)
	}
	if !d.Ended.IsZero() && d.State != notify.Suppressed {
		r.At = d.Ended
	}
	r.About, r.AboutURL = p.cfg.Names.Subject(ctx, d.Subject)
	return r
}

// state is a delivery's state as a word with a shape.
func state(d notify.Delivery) ui.State {
	switch d.State {
	case notify.Planned:
		if d.Attempts > 0 {
			return ui.Warn("trying again")
		}
		return ui.Info("planned")
	case notify.Leased:
		return ui.Info("being sent").As("run")
	case notify.Sent:
		return ui.Good("sent")
	case notify.Confirmed:
		return ui.Good("confirmed")
	case notify.Failed:
		if d.Relieved {
			return ui.Warn("failed over")
		}
		return ui.Crit("failed")
	}
	return ui.Muted("not sent").As("quiet")
}

func over(d notify.Delivery, whole bool) string {
	if d.Channel == "" {
		return "–"
	}
	if d.Person == "" {
		return d.Channel
	}
	if at := place(d, whole); at != "" {
		return d.Channel + " to " + at
	}
	return d.Channel
}

// place is the address, or what everybody may see of it: the path of a webhook's URL is often a secret.
func place(d notify.Delivery, whole bool) string {
	if whole {
		return d.Address
	}
	if u, err := url.Parse(d.Address); err == nil && u.Host != "" {
		return u.Host
	}
	if local, domain, ok := strings.Cut(d.Address, "@"); ok && local != "" {
		return local[:1] + "…@" + domain
	}
	return ""
}

// said is what there is to say about a delivery: the receiver's answer, the error, the reason.
func said(d notify.Delivery) string {
	switch d.State {
	case notify.Sent, notify.Confirmed:
		return d.Answer
	case notify.Suppressed:
		return d.Reason
	}
	if d.Error != "" {
		return d.Error
	}
	return d.Reason
}

func (p *Pages) rows(ctx context.Context, list []notify.Delivery, whole func(notify.Delivery) bool) []row {
	rows := make([]row, len(list))
	for i, d := range list {
		rows[i] = p.row(ctx, d, whole(d))
	}
	return rows
}

// sees reports whether the viewer may see a delivery's whole address: their own, or as one who manages people.
func sees(v access.Viewer) func(notify.Delivery) bool {
	manages := v.May(access.PeopleManage, "")
	return func(d notify.Delivery) bool { return manages || d.Person != "" && d.Person == v.PersonID }
}

const pageSize = 50

type listView struct {
	Title, Note string
	Path        string
	Own         []ui.Tab // above the others, on the viewer's own page
	Tabs        []ui.Tab
	Rows        []row
	Next        string
	Troubled    []notify.Lane
	Mine        bool
}

func (p *Pages) list(c *web.Ctx) error {
	v := listView{
		Title: "Notifications", Note: "Everything that was sent, is being sent or was deliberately not sent, newest first.",
		Path: "/admin/notifications",
	}
	if p.cfg.Troubled != nil {
		v.Troubled = p.cfg.Troubled()
	}
	return p.show(c, v, notify.Filter{Projects: within(c.Viewer)}, web.Page{
		Title: v.Title, Nav: "admin", Crumbs: []web.Crumb{{Text: "Admin", URL: "/admin"}, {Text: v.Title}},
	})
}

// deliveries is what became of each message to the viewer.
func (p *Pages) deliveries(c *web.Ctx) error {
	v := listView{Title: "Your notifications", Note: "What you were told, and what you were not told and why.", Path: "/me/notifications", Mine: true}
	return p.show(c, v, notify.Filter{Person: c.Viewer.PersonID}, web.Page{
		Title: v.Title, Crumbs: []web.Crumb{{Text: "You", URL: "/me"}, {Text: "Notifications"}},
	})
}

var tabs = map[notify.State]string{
	notify.Planned: "Planned", notify.Leased: "Being sent", notify.Sent: "Sent", notify.Confirmed: "Confirmed", notify.Failed: "Failed",
	notify.Suppressed: "Not sent",
}

// lane names what is broken.
func lane(l notify.Lane) string {
	if l.Name == "" {
		return "The channel " + l.Channel
	}
	return "The channel " + l.Channel + " to " + l.Name
}

// show reads one page of the log, with the filters of the query, and renders it.
func (p *Pages) show(c *web.Ctx, v listView, f notify.Filter, page web.Page) error {
	f.State, f.Before, f.Limit = notify.State(c.Query("state")), c.Query("before"), pageSize+1
	list, err := p.cfg.Log.Deliveries(c.Context(), f)
	if err != nil {
		return err
	}
	if len(list) > pageSize {
		list = list[:pageSize]
		q := url.Values{"before": {list[pageSize-1].ID}}
		if v.Mine && p.cfg.Inbox != nil {
			q.Set("show", "deliveries")
		}
		if f.State != "" {
			q.Set("state", string(f.State))
		}
		v.Next = v.Path + "?" + q.Encode()
	}
	if !v.Mine {
		list, err = p.known(c.Context(), c.Viewer, list)
	}
	if err != nil {
		return err
	}
	v.Rows = p.rows(c.Context(), list, sees(c.Viewer))
	also := "?"
	if v.Mine && p.cfg.Inbox != nil {
		also = "?show=deliveries&"
		unread, err := p.Unread(c.Context(), c.Viewer)
		if err != nil {
			return err
		}
		v.Own = p.tabsOf("deliveries", unread)
	}
	v.Tabs = []ui.Tab{{Text: "All", URL: strings.TrimRight(v.Path+also, "?&"), Here: f.State == ""}}
	for _, s := range notify.States() {
		v.Tabs = append(v.Tabs, ui.Tab{Text: tabs[s], URL: v.Path + also + "state=" + string(s), Here: f.State == s})
	}
	return c.Render(page, listPage(v))
}

// panelRows is how many deliveries a panel shows.
const panelRows = 20

// of is the log of what the page is about.
func (p *Pages) of(ctx context.Context, at web.At) (web.Component, error) {
	list, err := p.cfg.Log.Deliveries(ctx, notify.Filter{Subject: at.Ref, Limit: panelRows})
	if err == nil {
		list, err = p.known(ctx, at.Viewer, list)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the delivery log: %w", err)
	}
	if len(list) == 0 && at.Ref.Kind != mainstay.KindPage {
		return nil, nil //nolint:nilnil // a panel without a component shows nothing
	}
	return logPanel(at.Ref.String(), p.rows(ctx, list, sees(at.Viewer))), nil
}

// latest is a person's latest notifications, for themselves and for those who manage people.
func (p *Pages) latest(ctx context.Context, at web.At) (web.Component, error) {
	person := at.Ref.ID
	if at.Ref.Kind != mainstay.KindPerson {
		person = at.Viewer.PersonID
	}
	me := person != "" && person == at.Viewer.PersonID
	if person == "" || !me && !at.Viewer.May(access.PeopleManage, "") {
		return nil, nil //nolint:nilnil // a panel without a component shows nothing
	}
	list, err := p.cfg.Log.Deliveries(ctx, notify.Filter{Person: person, Limit: 5})
	if err == nil && !me {
		list, err = p.known(ctx, at.Viewer, list)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the delivery log: %w", err)
	}
	return ownPanel(person, me, p.rows(ctx, list, sees(at.Viewer))), nil
}

// test sends a message to each of the viewer's own addresses, so that they see which of them work.
func (p *Pages) test(c *web.Ctx) error {
	n, err := p.sendTest(c.Context(), c.Viewer, c.Now)
	if err != nil {
		return err
	}
	c.Say("A test is on its way to %d of your addresses. The list says what becomes of it.", n)
	return c.See("/me/notifications")
}

func (p *Pages) sendTest(ctx context.Context, v access.Viewer, now time.Time) (int, error) {
	if v.PersonID == "" {
		return 0, mainstay.Errorf(mainstay.Invalid, "A token has no addresses. Sign in as the person who is to get the test.")
	}
	who, err := p.cfg.People.Recipient(ctx, v.PersonID)
	if err != nil {
		return 0, err
	}
	list := notify.Test(who, now)
	if len(list) == 0 {
		return 0, mainstay.Errorf(mainstay.Invalid, "You have no confirmed address yet. Add one, and confirm it.")
	}
	return len(list), p.cfg.Send(ctx, list)
}
