package warningweb

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/web"
)

// Alert is an alert as the API shows it. Project and service are ids.
type Alert struct {
	ID           string            `json:"id"`
	Number       string            `json:"number" doc:"such as ALR-7"`
	Project      string            `json:"project"`
	Service      string            `json:"service" doc:"empty when no service is known"`
	Title        string            `json:"title"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	Fingerprint  string            `json:"fingerprint"`
	State        string            `json:"state" enum:"firing,suppressed,resolved"`
	Severity     string            `json:"severity" enum:"sev-1,sev-2,sev-3,sev-4"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       *time.Time        `json:"endsAt" doc:"of an open alert: when it ends unless it is heard of again; null when it lasts until it is ended"`
	UpdatedAt    time.Time         `json:"updatedAt" doc:"when it was last heard of"`
	CreatedAt    time.Time         `json:"createdAt" doc:"when it was first heard of"`
	EndReason    string            `json:"endReason,omitempty" enum:"ends_at,timeout,person"`
	SuppressedBy []string          `json:"suppressedBy"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
	Route        string            `json:"route,omitempty" doc:"id of the route that decided"`
	Policy       string            `json:"policy,omitempty" doc:"name of the policy that was asked to page"`
	Why          string            `json:"why" doc:"why it paged, or did not"`
}

func view(a *warning.Alert) (Alert, error) {
	v := Alert{
		ID: a.ID(), Number: a.Readable(), Project: a.Project, Service: a.Service, Title: a.Title(),
		Labels: map[string]string{}, Annotations: map[string]string{}, Fingerprint: intake.FingerprintText(a.Fingerprint), State: string(a.State),
		Severity: string(a.Severity), StartsAt: a.StartsAt, UpdatedAt: a.UpdatedAt, CreatedAt: a.Created, EndReason: a.Reason,
		SuppressedBy: append([]string{}, a.SuppressedBy...), GeneratorURL: a.GeneratorURL, Route: a.Route, Policy: a.Policy, Why: a.Why,
	}
	if !a.EndsAt.IsZero() {
		v.EndsAt = &a.EndsAt
	}
	for _, x := range []struct {
		to   *map[string]string
		text string
	}{{&v.Labels, a.Labels}, {&v.Annotations, a.Annotations}} {
		l, err := intake.ParseLabels(x.text)
		if err != nil {
			return v, err
		}
		*x.to = l.Map()
	}
	return v, nil
}

type alertsIn struct {
	web.Query
	State   string   `query:"state" enum:"firing,suppressed,resolved" doc:"only alerts in this state"`
	Service string   `query:"service" maxLength:"100" doc:"only alerts of this service, by id or name"`
	Label   []string `query:"label,explode" doc:"only alerts whose labels match: severity=critical, job=~web.*, team!=sre; may be repeated"`
}

type alertIn struct {
	ID string `path:"id" doc:"id or number"`
}

// Heartbeat is a heartbeat as the API shows it.
type Heartbeat struct {
	ID      string    `json:"id"`
	Project string    `json:"project"`
	Service string    `json:"service,omitempty"`
	Name    string    `json:"name"`
	Every   string    `json:"every" doc:"how often it promises to report, such as 24h0m0s"`
	State   string    `json:"state" enum:"beating,missed,failed"`
	LastAt  time.Time `json:"lastAt"`
	DueAt   time.Time `json:"dueAt" doc:"when the next one counts as missing"`
}

func (p *Pages) api(rt *web.Router) {
	p.apiRoutes(rt)
	web.API(rt, web.Route{Method: "GET", Pattern: "/alerts", Permission: access.AlertRead}, web.Doc{
		Summary: "List alerts, newest first", Tag: "alerts",
		Description: "All states unless state is given. Following next shows every alert that existed when the first page was read exactly once. With label a page may hold fewer items than limit and still have a next.",
	}, p.apiList)
	web.API(rt, web.Route{Method: "GET", Pattern: "/alerts/{id}", Permission: access.AlertRead, Kind: mainstay.KindAlert},
		web.Doc{Summary: "One alert, by id or number", Tag: "alerts"}, p.apiOne)
	web.API(rt, web.Route{Method: "POST", Pattern: "/alerts/{id}/resolve", Permission: access.AlertRespond, Kind: mainstay.KindAlert, Urgent: true}, web.Doc{
		Summary: "End an alert", Tag: "alerts", Description: "While its sender still sees the condition, it comes back as a new alert.",
	}, p.apiResolve)
	web.API(rt, web.Route{Method: "GET", Pattern: "/heartbeats", Permission: access.AlertRead},
		web.Doc{Summary: "List heartbeats by name", Tag: "alerts"}, p.apiHeartbeats)
	web.API(rt, web.Route{Method: "GET", Pattern: "/heartbeats/{heartbeat}", Permission: access.AlertRead},
		web.Doc{Summary: "One heartbeat, by id", Tag: "alerts"}, p.apiHeartbeat)
}

func (p *Pages) apiList(ctx context.Context, in *alertsIn) (*web.Out[web.List[Alert]], error) {
	q := warning.Query{State: warning.State(in.State), Limit: in.Limit}
	if err := warning.ParseCursor(&q, in.Cursor); err != nil {
		return nil, err
	}
	var err error
	if q.Projects, err = p.narrow(ctx, web.ViewerFrom(ctx), in.Project); err != nil {
		return nil, err
	}
	if q.Service, err = p.service(ctx, q.Projects, in.Service); err != nil {
		return nil, err
	}
	if q.Match, err = parseMatchers(in.Label); err != nil {
		return nil, err
	}
	list, next, err := p.cfg.Warning.List(ctx, q)
	if err != nil {
		return nil, err
	}
	out := web.List[Alert]{Items: make([]Alert, 0, len(list)), Next: next}
	for _, a := range list {
		v, err := view(a)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, v)
	}
	return &web.Out[web.List[Alert]]{Body: out}, nil
}

func (p *Pages) apiOne(ctx context.Context, _ *alertIn) (*web.Out[Alert], error) {
	a, err := p.cfg.Warning.Alert(ctx, web.RefFrom(ctx).ID)
	if err != nil {
		return nil, err
	}
	v, err := view(a)
	return &web.Out[Alert]{ETag: web.ETag(a.UpdatedAt.UnixMicro()), Body: v}, err
}

func (p *Pages) apiResolve(ctx context.Context, in *alertIn) (*web.Out[Alert], error) {
	if err := p.cfg.Warning.Resolve(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID); err != nil {
		return nil, err
	}
	return p.apiOne(ctx, in)
}

type beatsIn struct{ web.Query }

func (p *Pages) apiHeartbeats(ctx context.Context, in *beatsIn) (*web.Out[web.List[Heartbeat]], error) {
	out := web.List[Heartbeat]{Items: []Heartbeat{}}
	list, next, err := p.beats(ctx, web.ViewerFrom(ctx), in.Project, in.Cursor, max(in.Limit, 1))
	if err != nil {
		return nil, err
	}
	for _, h := range list {
		out.Items = append(out.Items, viewBeat(h))
	}
	out.Next = next
	return &web.Out[web.List[Heartbeat]]{Body: out}, nil
}

func viewBeat(h warning.Heartbeat) Heartbeat {
	return Heartbeat{
		ID: h.ID, Project: h.Project, Service: h.Service, Name: h.Name, Every: h.Every.String(), State: string(h.State), LastAt: h.LastAt, DueAt: h.Due(),
	}
}

type beatIn struct {
	ID string `path:"heartbeat" maxLength:"100"`
}

func (p *Pages) apiHeartbeat(ctx context.Context, in *beatIn) (*web.Out[Heartbeat], error) {
	h, err := p.cfg.Warning.Heartbeat(ctx, in.ID)
	if err == nil && !web.ViewerFrom(ctx).May(access.AlertRead, h.Project) {
		err = mainstay.Errorf(mainstay.NotFound, "There is no such heartbeat.")
	}
	return &web.Out[Heartbeat]{Body: viewBeat(h)}, err
}

// beats lists the heartbeats that the viewer may see, by name.
func (p *Pages) beats(ctx context.Context, v access.Viewer, project, after string, limit int) (list []warning.Heartbeat, next string, err error) {
	projects, err := p.narrow(ctx, v, project)
	if err != nil {
		return nil, "", err
	}
	only := ""
	if len(projects) == 1 {
		only = projects[0]
	}
	page, err := p.cfg.Warning.Heartbeats(ctx, only, after, limit)
	for _, h := range page {
		if v.May(access.AlertRead, h.Project) {
			list = append(list, h)
		}
	}
	if len(page) == limit {
		next = page[limit-1].Cursor()
	}
	return list, next, err
}
