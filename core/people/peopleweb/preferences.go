package peopleweb

import (
	"context"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// preferencesForm is the form of one's own preferences.
type preferencesForm struct {
	Person  people.Person
	Chosen  people.Preferences
	Faults  map[string]string
	Next    []nextDigest
	Quiet   string // until when it is quiet now; "" when it is not
	Preview []people.Section
}

// nextDigest says when a digest comes.
type nextDigest struct {
	What string
	At   time.Time
}

func (p *Pages) preferenceRoutes(rt *web.Router) {
	rt.Handle(web.Route{Method: "GET", Pattern: "/me/preferences", Permission: access.Self}, p.preferences)
	rt.Handle(web.Route{Method: "POST", Pattern: "/me/preferences", Permission: access.Self}, p.savePreferences)
	web.API(rt, web.Route{Method: "GET", Pattern: "/me/preferences", Permission: access.Self},
		web.Doc{Summary: "How one wants to be told of what is no page", Tag: "people"}, p.preferencesAPI)
	web.API(rt, web.Route{Method: "PUT", Pattern: "/me/preferences", Permission: access.Self},
		web.Doc{Summary: "Choose how to be told of what is no page", Tag: "people"}, p.setPreferencesAPI)
}

func (p *Pages) self(ctx context.Context, v access.Viewer) (people.Person, error) {
	if v.PersonID == "" {
		return people.Person{}, mainstay.Errorf(mainstay.Denied, "A token has no preferences. Sign in as a person.")
	}
	return p.people.ByID(ctx, v.PersonID)
}

func (f *preferencesForm) look(now time.Time) {
	loc := f.Person.Location()
	d := f.Chosen.Digest
	if d.Daily {
		f.Next = append(f.Next, nextDigest{"The next daily one comes", d.Next(false, now, loc)})
	}
	if d.Weekly {
		f.Next = append(f.Next, nextDigest{"The next weekly one comes", d.Next(true, now, loc)})
	}
	if t := f.Chosen.Quiet.Until(now, loc); !t.IsZero() {
		f.Quiet = t.In(loc).Format("Monday 15:04")
	}
}

func (p *Pages) preferences(c *web.Ctx) error {
	x, err := p.self(c.Context(), c.Viewer)
	if err != nil {
		return err
	}
	f := preferencesForm{Person: x, Chosen: x.Preferences}
	f.look(c.Now)
	s, err := p.people.SummaryOf(c.Context(), x.ID, x.Preferences.Digest.Weekly && !x.Preferences.Digest.Daily)
	if err != nil {
		return err
	}
	f.Preview = s.Sections
	return f.show(c, 200)
}

func (f preferencesForm) show(c *web.Ctx, status int) error {
	return c.Render(web.Page{
		Title: "How you are told", Status: status, Crumbs: []web.Crumb{{Text: "You", URL: "/me"}, {Text: "How you are told"}},
	}, preferencesPage(f))
}

// chosen reads the form.
func chosen(c *web.Ctx) people.Preferences {
	x := people.Preferences{
		PageOrder: channelOrder(c, "pageOrder"), Order: channelOrder(c, "order"),
		Quiet:  people.Quiet{From: c.Form("quietFrom"), To: c.Form("quietTo"), Weekends: c.Checked("weekends")},
		Digest: people.Digest{Daily: c.Checked("daily"), Weekly: c.Checked("weekly"), At: c.Form("at"), Day: c.Form("day"), Empty: c.Checked("empty")},
	}
	for _, t := range people.Topics() {
		if w := c.Form("topic-" + t.Name); w != "" {
			if x.Topics == nil {
				x.Topics = map[string][]string{}
			}
			x.Topics[t.Name] = []string{w}
		}
	}
	return x
}

// channelOrder reads the order of channels: the first choice at the front. Only a choice that differs from "as they stand" is kept.
func channelOrder(c *web.Ctx, field string) []people.Channel {
	first := people.Channel(c.Form(field))
	if first == "" {
		return nil
	}
	list := []people.Channel{first}
	for _, x := range people.Channels() {
		if !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	return list
}

func (p *Pages) savePreferences(c *web.Ctx) error {
	x, err := p.self(c.Context(), c.Viewer)
	if err != nil {
		return err
	}
	want := chosen(c)
	_, err = p.people.Change(c.Context(), c.Actor(), x.ID, false, func(p *people.Person) error {
		p.Zone, p.Language, p.Preferences = c.Form("zone"), c.Form("language"), keepOthers(p.Preferences, want)
		return nil
	})
	if faults := mainstay.ErrorFields(err); faults != nil {
		x.Zone, x.Language = c.Form("zone"), c.Form("language")
		f := preferencesForm{Person: x, Chosen: want, Faults: faults}
		return f.show(c, 422)
	}
	if err != nil {
		return err
	}
	c.Say("Saved.")
	return c.See("/me/preferences")
}

// keepOthers keeps what the form cannot say: an order of more than one channel with the same first one, and several channels for a
// topic, one of which is the chosen one.
func keepOthers(had, want people.Preferences) people.Preferences {
	same := func(a, b []people.Channel) bool { return len(a) > 0 && len(b) > 0 && a[0] == b[0] }
	if same(had.PageOrder, want.PageOrder) {
		want.PageOrder = had.PageOrder
	}
	if same(had.Order, want.Order) {
		want.Order = had.Order
	}
	for t, list := range had.Topics {
		if now := want.Topics[t]; len(now) == 1 && len(list) > 1 && list[0] == now[0] {
			want.Topics[t] = list
		}
	}
	return want
}

// first is the channel at the front of an order, "" when none was chosen.
func first(list []people.Channel) string {
	if len(list) == 0 {
		return ""
	}
	return string(list[0])
}

func topicChoice(x people.Preferences, topic string) string {
	if l := x.Topics[topic]; len(l) > 0 {
		return l[0]
	}
	return ""
}

func channelOptions(unchosen string) []ui.Option {
	return []ui.Option{{Value: "", Text: unchosen}, {Value: "email", Text: "mail first"}, {Value: "push", Text: "devices first"}, {Value: "webhook", Text: "webhooks first"}}
}

var topicOptions = []ui.Option{
	{Value: "", Text: "as above"}, {Value: "email", Text: "mail"}, {Value: "push", Text: "devices"}, {Value: "webhook", Text: "webhook"},
	{Value: people.InDigest, Text: "only in the summary"}, {Value: people.Nowhere, Text: "only in Mainstay"},
}

var dayOptions = []ui.Option{
	{Value: "mon", Text: "Monday"}, {Value: "tue", Text: "Tuesday"}, {Value: "wed", Text: "Wednesday"}, {Value: "thu", Text: "Thursday"},
	{Value: "fri", Text: "Friday"}, {Value: "sat", Text: "Saturday"}, {Value: "sun", Text: "Sunday"},
}

// Chosen are preferences as the API shows them, with the zone and the language.
type Chosen struct {
	Zone        string             `json:"zone" doc:"IANA name"`
	Language    string             `json:"language"`
	Preferences people.Preferences `json:"preferences"`
}

type chosenInput struct {
	IfMatch string `header:"If-Match" doc:"The ETag that was read; a change since is refused"`
	Body    Chosen
}

func (p *Pages) preferencesAPI(ctx context.Context, _ *struct{}) (*web.Out[Chosen], error) {
	x, err := p.self(ctx, web.ViewerFrom(ctx))
	if err != nil {
		return nil, err
	}
	return &web.Out[Chosen]{ETag: web.ETag(x.Version), Body: Chosen{x.Zone, x.Language, x.Preferences}}, nil
}

func (p *Pages) setPreferencesAPI(ctx context.Context, in *chosenInput) (*web.Out[Chosen], error) {
	x, err := p.self(ctx, web.ViewerFrom(ctx))
	if err != nil {
		return nil, err
	}
	_, err = p.people.Change(ctx, web.ViewerFrom(ctx).Actor, x.ID, false, func(p *people.Person) error {
		if err := web.Match(in.IfMatch, p.Version); err != nil {
			return err
		}
		p.Zone, p.Language, p.Preferences = in.Body.Zone, in.Body.Language, in.Body.Preferences
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p.preferencesAPI(ctx, nil)
}
