package escalationweb

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// line is a page in a list.
type line struct {
	Key, URL, Title, Severity string
	State                     ui.State
	Bad                       bool
	Opened                    time.Time
	Who                       string // who has it, or who was asked
	Next                      time.Time
	Pick                      string // what a bulk act is given; "" when it is over
}

// lines shows pages in a list.
func (p *Pages) lines(ctx context.Context, list []escalation.Page) ([]line, error) {
	var ids []string
	for _, v := range list {
		ids = append(ids, v.People()...)
	}
	f, err := p.folk(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]line, len(list))
	for i, v := range list {
		l := line{
			Key: v.Key(), URL: object.URL(mainstay.KindPage, v.Key()), Title: v.Title, Severity: string(v.Severity), State: stateOf(v.State),
			Bad: v.State == escalation.Open || v.State == escalation.Exhausted, Opened: v.Opened,
		}
		if v.State != escalation.Resolved {
			l.Pick = v.Key()
		}
		switch {
		case v.State == escalation.Open:
			l.Who, l.Next = "asks "+asked(v, f), v.NextAt
		case !v.Acked.IsZero():
			l.Who = p.Names.Actor(ctx, v.AckedBy) + " has it"
			if v.State == escalation.Resolved {
				l.Who = p.Names.Actor(ctx, v.AckedBy) + " had it"
			}
		case v.State == escalation.Exhausted:
			l.Who = "nobody"
		}
		out[i] = l
	}
	return out, nil
}

// asked names those whom the last step reached.
func asked(v escalation.Page, f folk) string {
	if len(v.Log) == 0 {
		return "nobody yet"
	}
	var names []string
	for _, r := range v.Log[len(v.Log)-1].Reached {
		names = append(names, f.name(r.Person))
	}
	if len(names) == 0 {
		return "nobody"
	}
	return strings.Join(names, ", ")
}

// step is a step of the policy as the page shows it.
type step struct {
	N       int
	Targets string
	Delay   string
	State   ui.State
}

// subject is an object that a page is about.
type subject struct {
	Text, URL string
	Ended     time.Time
}

// pageView is one page.
type pageView struct {
	Page      escalation.Page
	Ref       string
	State     ui.State
	Who       string // who has it
	Respond   bool
	URL       string
	Label     string // of the button that escalates
	Hidden    []ui.Pair
	Comes     string // what comes next, before the countdown
	ComesAt   time.Time
	Round     string
	Service   string
	By        string
	Subjects  []subject
	Steps     []step
	PolicyURL string
	Events    []ui.Event
	Phone     bool
	Wide      []web.Component
	Side      []web.Component
}

func (p *Pages) page(c *web.Ctx) error {
	v, err := p.Service.Page(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	view := pageView{
		Page: v, Ref: v.Ref().String(), State: stateOf(v.State), Respond: c.May(access.PageRespond) && v.State != escalation.Resolved,
		URL: object.URL(mainstay.KindPage, v.Key()), Service: v.Service,
	}
	if v.Service != "" {
		if name, _ := p.Names.Subject(c.Context(), mainstay.Ref{Kind: mainstay.KindService, ID: v.Service}); name != "" {
			view.Service = name
		}
	}
	if !v.Acked.IsZero() {
		view.Who = p.Names.Actor(c.Context(), v.AckedBy)
	}
	if v.Policy.ID != "" {
		view.PolicyURL = object.URL(mainstay.KindPolicy, v.Policy.ID)
	}
	view.Phone = view.Respond
	if err := p.comes(c.Context(), v, &view); err != nil {
		return err
	}
	view.Subjects = p.subjects(c.Context(), v)
	view.Steps = steps(v)
	if view.Events, err = p.events(c.Context(), v); err != nil {
		return err
	}
	view.Wide, view.Side = c.Panels("page")
	return c.Render(web.Page{
		Title: v.Key() + " " + v.Title, Nav: "oncall", Phone: view.Phone, Live: []mainstay.Ref{v.Ref()},
		Crumbs: []web.Crumb{{Text: "Pages", URL: "/pages"}, {Text: v.Key()}},
	}, pagePage(view))
}

// comes says what comes next and what escalating would do.
func (p *Pages) comes(ctx context.Context, v escalation.Page, view *pageView) error {
	next, ok, err := p.Service.Next(ctx, v)
	if err != nil || !ok {
		return err
	}
	var ids []string
	for _, r := range next.Reached {
		ids = append(ids, r.Person)
	}
	f, err := p.folk(ctx, ids)
	if err != nil {
		return err
	}
	var names []string
	for _, r := range next.Reached {
		names = append(names, f.name(r.Person))
	}
	who := strings.Join(names, ", ")
	if who == "" {
		who = "nobody reachable"
	}
	view.Hidden = []ui.Pair{{Name: "step", Value: strconv.Itoa(v.Step)}, {Name: "round", Value: strconv.Itoa(v.Repeat)}}
	switch {
	case next.End:
		view.Comes, view.ComesAt, view.Label = "The policy ends unanswered in", next.At, "Page from the first step again"
	case v.State == escalation.Open:
		view.Comes, view.ComesAt, view.Label = "Escalates to "+who+" in", next.At, "Escalate to "+who+" now"
	default:
		view.Label = "Page " + who
	}
	if v.Policy.Repeats > 0 {
		view.Round = fmt.Sprintf("round %d of %d", v.Repeat+1, max(v.Policy.Repeats, v.Repeat)+1)
	}
	return nil
}

func (p *Pages) subjects(ctx context.Context, v escalation.Page) []subject {
	var out []subject
	for _, s := range v.Subjects {
		name, url := p.Names.Subject(ctx, s.Ref)
		if name == "" {
			name = string(s.Ref.Kind)
		}
		if url == "" {
			url = object.URL(s.Ref.Kind, s.Ref.ID)
		}
		out = append(out, subject{Text: name, URL: url, Ended: s.Ended})
	}
	return out
}

// steps shows the policy that the page walks.
func steps(v escalation.Page) []step {
	var out []step
	for i, s := range v.Policy.Steps {
		st := step{N: i + 1, Targets: targets(s), Delay: after(s.Delay), State: ui.Muted("to come").As("next")}
		switch {
		case i+1 < v.Step || i+1 == v.Step && v.State != escalation.Open:
			st.State = ui.Muted("taken").As("good")
		case i+1 == v.Step:
			st.State = ui.Info("taken").As("run")
		}
		if v.State == escalation.Resolved && i+1 > v.Step {
			st.State = ui.Muted("not needed").As("na")
		}
		out = append(out, st)
	}
	return out
}

func targets(s escalation.Step) string {
	var names []string
	for _, t := range s.Targets {
		names = append(names, string(t.Kind)+" "+t.Name)
	}
	return strings.Join(names, ", ")
}

func after(d time.Duration) string {
	if d == 0 {
		return "at once"
	}
	return "after " + ui.Long(d)
}

// events is the page's history as the journal tells it, oldest first.
func (p *Pages) events(ctx context.Context, v escalation.Page) ([]ui.Event, error) {
	facts, err := p.Journal.Facts(ctx, journal.Query{Subject: v.Ref(), Limit: 500})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, f := range facts {
		if s, ok := fact.As[fact.PageStepped](f); ok {
			ids = append(ids, s.People...)
		}
	}
	who, err := p.folk(ctx, ids)
	if err != nil {
		return nil, err
	}
	var out []ui.Event
	for _, f := range facts {
		if !strings.HasPrefix(f.Kind, "page.") {
			continue
		}
		e := ui.Event{At: f.At, Recorded: f.Recorded, State: eventState(f)}
		if s, ok := fact.As[fact.PageStepped](f); ok {
			e.Text = stepEvent(stepped(s, who))
		} else {
			e.Text = ui.Text(p.Names.Actor(ctx, f.Actor) + " " + fact.Sentence(f) + ".")
		}
		out = append(out, e)
	}
	return out, nil
}

func eventState(f fact.Fact) ui.State {
	switch f.Kind {
	case fact.PageAcknowledged{}.FactKind():
		return ui.Good("acknowledged")
	case fact.PageExhausted{}.FactKind(), fact.PageRefused{}.FactKind():
		return ui.Crit("unanswered")
	case fact.PageStepped{}.FactKind():
		if s, ok := fact.As[fact.PageStepped](f); ok && len(s.People) == 0 {
			return ui.Warn("nobody reached")
		}
		return ui.Info("paged")
	case fact.PageResolved{}.FactKind():
		return ui.Muted("over").As("good")
	}
	return ui.State{}
}

// reachedLine is a person with the reason why they were paged.
type reachedLine struct{ Who, Why string }

// stepView is one step in the history.
type stepView struct {
	Text    string
	Reached []reachedLine
	Missed  []string
}

func stepped(s fact.PageStepped, who folk) stepView {
	v := stepView{Text: fmt.Sprintf("Step %d", s.Step), Missed: s.Missed}
	if s.Repeat > 0 {
		v.Text += fmt.Sprintf(", round %d", s.Repeat+1)
	}
	if s.Late {
		v.Text += ", late because the server was down when it was due"
	}
	for i, id := range s.People {
		l := reachedLine{Who: who.name(id)}
		if i < len(s.Why) {
			l.Why = s.Why[i]
		}
		v.Reached = append(v.Reached, l)
	}
	switch len(v.Reached) {
	case 0:
		v.Text += " reached nobody."
	default:
		v.Text += " paged " + ui.Plural(len(v.Reached), "person", "people") + "."
	}
	return v
}

func (p *Pages) acknowledge(c *web.Ctx) error {
	did, err := p.Take(c.Context(), c.Actor(), c.Ref.ID)
	if err != nil {
		return err
	}
	v, err := p.Service.Page(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	if did.Undo != nil {
		c.OfferUndo(*did.Undo, object.Object{Ref: c.Ref, Number: v.Number}, "%s", did.Said)
	} else {
		c.Say("%s", did.Said)
	}
	return c.See(object.URL(mainstay.KindPage, v.Key()))
}

func (p *Pages) escalate(c *web.Ctx) error {
	seen, err := c.FormInt("step")
	if err != nil {
		return err
	}
	round, err := c.FormInt("round")
	if err != nil {
		return err
	}
	v, changed, err := p.Service.Escalate(c.Context(), c.Actor(), c.Ref.ID, int(seen), int(round))
	if err != nil {
		return err
	}
	n := 0
	if len(v.Log) > 0 {
		n = len(v.Log[len(v.Log)-1].Reached)
	}
	switch {
	case !changed:
		c.Say("%s had moved on already; nothing was done.", v.Key())
	case n == 0:
		c.Say("Nobody could be reached. The history says why.")
	default:
		c.Say("Paged %s.", ui.Plural(n, "person", "people"))
	}
	return c.See(object.URL(mainstay.KindPage, v.Key()))
}

func (p *Pages) resolve(c *web.Ctx) error {
	v, changed, err := p.Service.Resolve(c.Context(), c.Actor(), c.Ref.ID)
	if err != nil {
		return err
	}
	if changed {
		c.Say("%s is over. Those who were paged are told.", v.Key())
	}
	return c.See(object.URL(mainstay.KindPage, v.Key()))
}

// ackView is the form behind the link of a mail.
type ackView struct {
	Page   escalation.Page
	State  ui.State
	Action string
	Token  string
	Who    string // who has it
	URL    string
	Done   bool // just now, by the reader
}

// bearer loads the page of a mail's link, for whom the link was sent to.
func (p *Pages) bearer(c *web.Ctx, token string) (ackView, string, error) {
	id := c.Path("id")
	person, err := p.Service.Bearer(c.Context(), id, token)
	if err != nil {
		return ackView{}, "", err
	}
	v, err := p.Service.Page(c.Context(), id)
	if err != nil {
		return ackView{}, "", err
	}
	view := ackView{Page: v, State: stateOf(v.State), Action: "/pages/" + id + "/ack", Token: token, URL: object.URL(mainstay.KindPage, v.Key())}
	if !v.Acked.IsZero() {
		view.Who = p.Names.Actor(c.Context(), v.AckedBy)
	}
	return view, person, nil
}

// askAck shows what the page is about and a button. It changes nothing, so that whatever follows links in mails may follow it.
func (p *Pages) askAck(c *web.Ctx) error {
	view, _, err := p.bearer(c, c.Query("token"))
	if err != nil {
		return err
	}
	return c.Render(web.Page{Title: view.Page.Title, Bare: true}, ackPage(view))
}

func (p *Pages) takeAck(c *web.Ctx) error {
	token := c.Form("token")
	view, person, err := p.bearer(c, token)
	if err != nil {
		return err
	}
	v, changed, err := p.Service.AcknowledgeByToken(c.Context(), c.Path("id"), token)
	if err != nil {
		return err
	}
	view.Page, view.State, view.Done = v, stateOf(v.State), changed || v.AckedBy == mainstay.Person(person)
	if !v.Acked.IsZero() {
		view.Who = p.Names.Actor(c.Context(), v.AckedBy)
	}
	return c.Render(web.Page{Title: v.Title, Bare: true}, ackPage(view))
}
