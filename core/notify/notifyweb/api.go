package notifyweb

import (
	"context"
	"net/http"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/web"
)

// Notification is a delivery as the API shows it.
type Notification struct {
	ID       string    `json:"id" doc:"the same in the header Mainstay-Delivery and in the Message-ID"`
	Project  string    `json:"project"`
	Subject  string    `json:"subject,omitempty" doc:"what it is about: kind:id"`
	Person   string    `json:"person,omitempty" doc:"id; empty when it went to an address"`
	Channel  string    `json:"channel,omitempty"`
	Address  string    `json:"address,omitempty" doc:"whole for your own and for those who manage people, else shortened"`
	Template string    `json:"template"`
	Urgent   bool      `json:"urgent"`
	State    string    `json:"state" enum:"planned,leased,sent,confirmed,failed,suppressed"`
	Attempts int       `json:"attempts"`
	Planned  time.Time `json:"plannedAt"`
	Next     time.Time `json:"nextAttemptAt,omitzero"`
	Began    time.Time `json:"lastAttemptAt,omitzero"`
	Ended    time.Time `json:"endedAt,omitzero"`
	Error    string    `json:"error,omitempty"`
	Answer   string    `json:"answer,omitempty" doc:"what the receiver said"`
	Reason   string    `json:"reason,omitempty" doc:"why it was suppressed, or why it takes the place of another"`
	Instead  string    `json:"takesOverFrom,omitempty" doc:"id"`
}

func view(d notify.Delivery, whole bool) Notification {
	n := Notification{
		ID: d.ID, Project: d.Project, Subject: d.Subject.String(), Person: d.Person, Channel: d.Channel, Address: place(d, whole),
		Template: d.Template, Urgent: d.Urgent, State: string(d.State), Attempts: d.Attempts, Planned: d.Planned, Began: d.Began,
		Ended: d.Ended, Error: d.Error, Answer: d.Answer, Reason: d.Reason, Instead: d.Instead,
	}
	if d.State.Open() {
		n.Next = d.Next
	}
	return n
}

func (p *Pages) api(rt *web.Router) {
	web.API(rt, web.Route{Method: "GET", Pattern: "/notifications", Permission: access.PageRead},
		web.Doc{
			Summary: "List notifications, newest first", Tag: "notifications",
			Description: "Sent ones, those under way, and those that were deliberately not sent, each with its reason.",
		}, p.apiList)
	web.API(rt, web.Route{Method: "GET", Pattern: "/notifications/{notification}", Permission: access.PageRead},
		web.Doc{Summary: "One notification", Tag: "notifications"}, p.apiOne)
	web.API(rt, web.Route{Method: "POST", Pattern: "/me/test", Permission: access.Self},
		web.Doc{Summary: "Send a test to each of your own confirmed addresses", Tag: "notifications", Status: http.StatusAccepted}, p.apiTest)
}

type listInput struct {
	web.Query
	Subject string `query:"subject" maxLength:"200" doc:"what it is about: kind:id"`
	Person  string `query:"person" maxLength:"100" doc:"a person's id"`
	Channel string `query:"channel" maxLength:"50"`
	State   string `query:"state" enum:"planned,leased,sent,confirmed,failed,suppressed"`
}

func (p *Pages) apiList(ctx context.Context, in *listInput) (*web.Out[web.List[Notification]], error) {
	v := web.ViewerFrom(ctx)
	f := notify.Filter{
		Projects: within(v), Subject: mainstay.ParseRef(in.Subject), Person: in.Person, Channel: in.Channel,
		State: notify.State(in.State), Before: in.Cursor, Limit: in.Limit,
	}
	if in.Project != "" {
		id, err := p.cfg.Names.ProjectID(ctx, in.Project)
		if err == nil && !v.May(access.PageRead, id) {
			err = mainstay.Errorf(mainstay.NotFound, "There is no project %q.", in.Project)
		}
		if err != nil {
			return nil, err
		}
		f.Projects = []string{id}
	}
	list, err := p.cfg.Log.Deliveries(ctx, f)
	if err != nil {
		return nil, err
	}
	shown, err := p.known(ctx, v, list)
	if err != nil {
		return nil, err
	}
	out := web.List[Notification]{Items: []Notification{}}
	whole := sees(v)
	for _, d := range shown {
		out.Items = append(out.Items, view(d, whole(d)))
	}
	if len(list) == in.Limit {
		out.Next = list[len(list)-1].ID
	}
	return &web.Out[web.List[Notification]]{Body: out}, nil
}

type oneInput struct {
	ID string `path:"notification" maxLength:"100"`
}

func (p *Pages) apiOne(ctx context.Context, in *oneInput) (*web.Out[Notification], error) {
	v := web.ViewerFrom(ctx)
	d, err := p.cfg.Log.Delivery(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	shown, err := p.known(ctx, v, []notify.Delivery{d})
	if err == nil && (len(shown) == 0 || !v.May(access.PageRead, d.Project)) {
		err = mainstay.Errorf(mainstay.NotFound, "There is no such notification.")
	}
	if err != nil {
		return nil, err
	}
	return &web.Out[Notification]{Body: view(d, sees(v)(d))}, nil
}

// Tested says how many addresses get a test.
type Tested struct {
	Addresses int `json:"addresses"`
}

func (p *Pages) apiTest(ctx context.Context, _ *struct{}) (*web.Out[Tested], error) {
	n, err := p.sendTest(ctx, web.ViewerFrom(ctx), p.cfg.Time.Now())
	if err != nil {
		return nil, err
	}
	return &web.Out[Tested]{Body: Tested{n}}, nil
}
