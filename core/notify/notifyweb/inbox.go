package notifyweb

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// item is one thing that the viewer was told.
type item struct {
	ID, Title, URL, Why string
	Day                 string // named above it, where the day changes
	At                  time.Time
	Read, Urgent        bool
	State               ui.State
	Ways                []string // "email to a…@example.com: sent"
	Wrong               bool     // one of them did not get through
}

// went is what became of it, in a few words.
func (i item) went() string {
	if len(i.Ways) == 1 {
		return "By " + i.Ways[0] + "."
	}
	return fmt.Sprintf("By %d ways: %s.", len(i.Ways), i.State.Word)
}

// inboxView is the notification centre.
type inboxView struct {
	Tabs   []ui.Tab
	Items  []item
	Next   string
	Newest string // id up to which "all" is read
	Unread int
	Only   bool // unread ones
	Live   string
}

func self(c *web.Ctx) error {
	if c.Viewer.PersonID == "" {
		return mainstay.Errorf(mainstay.NotFound, "A token has no notifications of its own.")
	}
	return nil
}

const inboxPath = "/me/notifications"

// tabsOf are the ways to look at one's own notifications.
func (p *Pages) tabsOf(show string, unread int) []ui.Tab {
	return []ui.Tab{
		{Text: "Unread", URL: inboxPath, Here: show == "", N: unread}, {Text: "All", URL: inboxPath + "?show=all", Here: show == "all"},
		{Text: "Deliveries", URL: inboxPath + "?show=deliveries", Here: show == "deliveries"},
	}
}

// mine is the notification centre, and behind its third tab what became of each message.
func (p *Pages) mine(c *web.Ctx) error {
	if err := self(c); err != nil {
		return err
	}
	show := c.Query("show")
	if p.cfg.Inbox == nil || show == "deliveries" {
		return p.deliveries(c)
	}
	ctx := c.Context()
	v := inboxView{Only: show != "all", Live: string(mainstay.KindPerson) + ":" + c.Viewer.PersonID}
	f := notify.TellFilter{Person: c.Viewer.PersonID, Unread: v.Only, Before: c.Query("before"), Limit: pageSize + 1}
	list, err := p.cfg.Inbox.Told(ctx, f)
	if err != nil {
		return err
	}
	if v.Unread, err = p.Unread(ctx, c.Viewer); err != nil {
		return err
	}
	if len(list) > pageSize {
		list = list[:pageSize]
		q := url.Values{"before": {list[pageSize-1].ID}}
		if show != "" {
			q.Set("show", show)
		}
		v.Next = inboxPath + "?" + q.Encode()
	}
	if v.Items, err = p.items(c, list); err != nil {
		return err
	}
	if len(list) > 0 {
		v.Newest = list[0].ID
	}
	v.Tabs = p.tabsOf(show, v.Unread)
	return c.Render(web.Page{Title: "Notifications", Crumbs: []web.Crumb{{Text: "You", URL: "/me"}, {Text: "Notifications"}}}, inboxPage(v))
}

// items are what the viewer was told, each with what became of it.
func (p *Pages) items(c *web.Ctx, list []notify.Told) ([]item, error) {
	ids := []string{}
	for _, t := range list {
		ids = append(ids, t.ID)
	}
	ways, states, wrong := map[string][]string{}, map[string]ui.State{}, map[string]bool{}
	if len(ids) > 0 {
		sent, err := p.cfg.Log.Deliveries(c.Context(), notify.Filter{Notices: ids, Limit: 1000})
		if err != nil {
			return nil, err
		}
		for _, d := range sent {
			s := state(d)
			way := over(d, true) + ": " + s.Word
			if text := said(d); text != "" && (d.State == notify.Failed || d.State == notify.Suppressed) {
				way += ", " + text
			}
			wrong[d.Notice] = wrong[d.Notice] || d.State == notify.Failed || d.State == notify.Suppressed
			ways[d.Notice] = append(ways[d.Notice], way)
			if old, ok := states[d.Notice]; !ok || better(s, old) {
				states[d.Notice] = s
			}
		}
	}
	var out []item
	day := ""
	for _, t := range list {
		i := item{ID: t.ID, At: t.At, Read: !t.Read.IsZero(), Urgent: t.Urgent, Why: t.Why(), Ways: ways[t.ID], State: states[t.ID], Wrong: wrong[t.ID]}
		i.Title, i.URL = t.Heading(c.Viewer.Location().String(), c.Now)
		if i.URL == "" {
			_, i.URL = p.cfg.Names.Subject(c.Context(), t.Subject)
		}
		if d := t.At.In(c.Viewer.Location()).Format("Monday 2 January"); d != day {
			day, i.Day = d, d
			if d == c.Now.In(c.Viewer.Location()).Format("Monday 2 January") {
				i.Day = "Today"
			}
		}
		out = append(out, i)
	}
	return out, nil
}

// better reports whether a delivery got further than another one of the same notice.
func better(a, b ui.State) bool {
	rank := map[ui.Tone]int{ui.ToneGood: 3, ui.ToneInfo: 2, ui.ToneWarn: 1}
	return rank[a.Tone] > rank[b.Tone]
}

// mostUnread is how far the bell counts.
const mostUnread = 100

// Unread is the number on the bell.
func (p *Pages) Unread(ctx context.Context, v access.Viewer) (int, error) {
	if p.cfg.Inbox == nil || v.PersonID == "" {
		return 0, nil
	}
	return p.cfg.Inbox.Unread(ctx, v.PersonID, mostUnread)
}

// open marks one as read and leads to what it is about.
func (p *Pages) open(c *web.Ctx) error {
	if err := self(c); err != nil {
		return err
	}
	list, err := p.cfg.Inbox.Told(c.Context(), notify.TellFilter{Person: c.Viewer.PersonID, ID: c.Path("id"), Limit: 1})
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return mainstay.Errorf(mainstay.NotFound, "There is no such notification of yours.")
	}
	if err := p.cfg.Inbox.Read(c.Context(), c.Viewer.PersonID, list[0].ID, false, true, c.Now); err != nil {
		return err
	}
	_, to := list[0].Heading("", c.Now)
	if to == "" {
		_, to = p.cfg.Names.Subject(c.Context(), list[0].Subject)
	}
	if to == "" {
		to = inboxPath
	}
	return c.See(to)
}

// read marks one as read or unread, or all up to the one that was the newest when the page was made.
func (p *Pages) read(c *web.Ctx) error {
	if err := self(c); err != nil {
		return err
	}
	all := c.Path("id") == ""
	id := c.Path("id")
	if all {
		id = c.Form("newest")
	}
	if !mainstay.ValidID(id) {
		return mainstay.Errorf(mainstay.Invalid, "There is no such notification.")
	}
	if err := p.cfg.Inbox.Read(c.Context(), c.Viewer.PersonID, id, all, c.Form("unread") == "", c.Now); err != nil {
		return err
	}
	if back := c.Form("back"); back != "" {
		return c.See(back)
	}
	return c.See(inboxPath)
}
