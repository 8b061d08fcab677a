package webhookweb

import (
	"context"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/webhook"
	"github.com/mainstayhq/mainstay/web"
)

// Webhook is an endpoint as the API shows it.
type Webhook struct {
	ID            string       `json:"id"`
	Project       string       `json:"project" doc:"project id, or installation"`
	Name          string       `json:"name"`
	Spec          webhook.Spec `json:"spec" doc:"as a manifest says it, without the secret"`
	State         string       `json:"state" enum:"active,paused,disabled"`
	Reason        string       `json:"reason,omitempty" doc:"why it is disabled"`
	Failures      int          `json:"failures" doc:"attempts in a row that failed"`
	FailingSince  time.Time    `json:"failingSince,omitzero"`
	NextAttemptAt time.Time    `json:"nextAttemptAt,omitzero"`
	LastOKAt      time.Time    `json:"lastDeliveredAt,omitzero"`
	LastError     string       `json:"lastError,omitempty"`
	Waiting       int64        `json:"waiting" doc:"facts of the journal that lie before it, wanted or not"`
	CreatedAt     time.Time    `json:"createdAt"`
	UpdatedAt     time.Time    `json:"updatedAt"`
	Version       int64        `json:"version"`
}

func (p *Pages) view(e webhook.Endpoint) Webhook {
	return Webhook{
		ID: e.ID, Project: e.Project, Name: e.Name, Spec: e.Written(), State: string(e.State), Reason: e.Reason, Failures: e.Health.Failures,
		FailingSince: e.Health.Since, NextAttemptAt: e.Health.Next, LastOKAt: e.Health.LastOK, LastError: e.Health.Error,
		Waiting: p.cfg.Waiting(e.ID), CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt, Version: e.Version,
	}
}

// Delivery is one request as the API shows it.
type Delivery struct {
	ID       string    `json:"id"`
	Message  string    `json:"message" doc:"the header Webhook-Id: the same at each attempt"`
	Project  string    `json:"project"`
	First    int64     `json:"first" doc:"sequence of the first event; 0 for a test"`
	Last     int64     `json:"last"`
	Events   int       `json:"events"`
	Kind     string    `json:"kind" doc:"of the first event"`
	Subject  string    `json:"subject,omitempty" doc:"kind:id"`
	Origin   string    `json:"origin" enum:"live,replay,test"`
	Attempt  int       `json:"attempt"`
	At       time.Time `json:"at"`
	Latency  float64   `json:"latencyMs"`
	Status   int       `json:"status" doc:"0 when there was no answer"`
	Answer   string    `json:"answer,omitempty" doc:"its first bytes"`
	Error    string    `json:"error,omitempty"`
	Result   string    `json:"result" enum:"delivered,retrying,refused,failed"`
	NextTry  time.Time `json:"nextAttemptAt,omitzero"`
	Endpoint string    `json:"webhook"`
}

func deliveryView(a webhook.Attempt) Delivery {
	return Delivery{
		ID: a.ID, Message: a.Message, Project: a.Project, First: a.First, Last: a.Last, Events: a.Events, Kind: a.Kind, Subject: a.Subject.String(),
		Origin: string(a.Origin), Attempt: a.Try, At: a.At, Latency: float64(a.Took.Microseconds()) / 1000, Status: a.Status, Answer: a.Answer,
		Error: a.Error, Result: string(a.Result), NextTry: a.Next, Endpoint: a.Endpoint,
	}
}

// FactKind is a kind of fact as the API shows it.
type FactKind struct {
	Name         string         `json:"name"`
	Type         string         `json:"type" doc:"of its CloudEvents"`
	Description  string         `json:"description"`
	Confidential bool           `json:"private" doc:"leaves only by a webhook that is marked private"`
	Schema       map[string]any `json:"schema" doc:"JSON Schema of the data"`
}

// Secret is a secret that requests are signed with.
type Secret struct {
	Secret    string    `json:"secret"`
	CreatedAt time.Time `json:"createdAt"`
	Until     time.Time `json:"until,omitzero" doc:"it signs no more from then on"`
}

// Replayed says how many facts a replay looks at.
type Replayed struct {
	Facts int64 `json:"facts"`
}

type (
	listIn struct{ web.Query }
	oneIn  struct {
		ID string `path:"id" doc:"id or name" maxLength:"100"`
	}
	putIn struct {
		Name    string `path:"name" maxLength:"63"`
		Project string `query:"project" doc:"a project's id or name; the whole installation when empty" maxLength:"100"`
		web.Precondition
		Body webhook.Spec
	}
	deleteIn struct {
		Name    string `path:"name" maxLength:"63"`
		Project string `query:"project" doc:"a project's id or name; the whole installation when empty" maxLength:"100"`
		web.Precondition
	}
	resumeIn struct {
		oneIn
		Body struct {
			Skip bool `json:"skip,omitempty" doc:"go on from now, without what was missed"`
		}
	}
	replayIn struct {
		oneIn
		Body struct {
			Project string    `json:"project,omitempty" doc:"id or name; all that the webhook covers when empty" maxLength:"100"`
			Since   time.Time `json:"since,omitzero" doc:"recorded at or after"`
			Until   time.Time `json:"until,omitzero" doc:"recorded before"`
			From    int64     `json:"from,omitempty" doc:"sequence, inclusive"`
			To      int64     `json:"to,omitempty" doc:"sequence, inclusive"`
		}
	}
	logIn struct {
		oneIn
		Limit   int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"At most so many items"`
		Cursor  string `query:"cursor" maxLength:"500" doc:"The next of the page before"`
		Result  string `query:"result" enum:"delivered,retrying,refused,failed"`
		Message string `query:"message" maxLength:"100" doc:"only the attempts of one message"`
	}
	againIn struct {
		oneIn
		Delivery string `path:"delivery" maxLength:"100"`
	}
	kindIn struct {
		Kind string `path:"kind" maxLength:"100"`
	}
	schemaOut struct {
		ContentType string `header:"Content-Type"`
		Body        map[string]any
	}
)

func (p *Pages) api(rt *web.Router) {
	const tag = "webhooks"
	of := func(method, pattern string) web.Route {
		return web.Route{Method: method, Pattern: "/webhooks/{id}" + pattern, Permission: access.ProjectManage, Kind: mainstay.KindWebhook}
	}
	web.API(rt, web.Route{Method: "GET", Pattern: "/webhooks", Permission: access.ProjectManage}, web.Doc{Summary: "List webhooks", Tag: tag}, p.apiList)
	web.API(rt, of("GET", ""), web.Doc{Summary: "One webhook, and how delivery goes", Tag: tag}, p.apiOne)
	web.API(rt, web.Route{Method: "PUT", Pattern: "/webhooks/{name}", Permission: access.ProjectManage},
		web.Doc{Summary: "Define a webhook, as a manifest does", Description: "Of the whole installation, and marked private: by administrators alone.", Tag: tag}, p.apiPut)
	web.API(rt, web.Route{Method: "DELETE", Pattern: "/webhooks/{name}", Permission: access.ProjectManage},
		web.Doc{Summary: "Delete a webhook with its log", Tag: tag}, p.apiDelete)
	web.API(rt, of("GET", "/secrets"), web.Doc{Summary: "The secrets that requests are signed with now, the newest first", Tag: tag}, p.apiSecrets)
	web.API(rt, of("POST", "/rotate"), web.Doc{Summary: "Make a new secret; the one before counts for a day", Tag: tag}, p.apiRotate)
	web.API(rt, of("POST", "/test"), web.Doc{Summary: "Send a test event now, and say what came back", Tag: tag}, p.apiTest)
	web.API(rt, of("POST", "/pause"), web.Doc{Summary: "Deliver nothing for now; nothing is lost", Tag: tag}, p.apiPause)
	web.API(rt, of("POST", "/resume"), web.Doc{Summary: "Go on where it stopped, or from now; try at once", Tag: tag}, p.apiResume)
	web.API(rt, of("POST", "/replay"),
		web.Doc{Summary: "Deliver a range of facts once more", Description: "By time, by sequence, or everything. The ids are the same as before.", Tag: tag, Status: 202}, p.apiReplay)
	web.API(rt, of("GET", "/deliveries"), web.Doc{Summary: "The log of attempts, newest first", Tag: tag}, p.apiLog)
	web.API(rt, of("POST", "/deliveries/{delivery}/replay"), web.Doc{Summary: "Deliver once more what an attempt carried", Tag: tag, Status: 202}, p.apiAgain)
	web.API(rt, web.Route{Method: "GET", Pattern: "/fact-kinds", Permission: access.Self},
		web.Doc{Summary: "Every kind of fact, with the JSON Schema of its data", Tag: tag}, p.apiKinds)
	web.API(rt, web.Route{Method: "GET", Pattern: "/fact-kinds/{kind}/schema", Permission: access.Public},
		web.Doc{Summary: "The JSON Schema of one kind's data: where the dataschema of an event points", Tag: tag}, p.apiSchema)
}

func (p *Pages) apiList(ctx context.Context, in *listIn) (*web.Out[web.List[Webhook]], error) {
	projects := within(web.ViewerFrom(ctx))
	if in.Project != "" {
		_, ids, err := p.rt.Scope(ctx, access.ProjectManage, in.Project)
		if err != nil {
			return nil, err
		}
		projects = ids
	}
	list, err := p.cfg.Service.Endpoints(ctx, projects)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(list, func(e webhook.Endpoint) bool { return e.ID == in.Cursor }); i >= 0 {
		list = list[i+1:]
	}
	out := &web.Out[web.List[Webhook]]{Body: web.List[Webhook]{Items: []Webhook{}}}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Body.Next = list[in.Limit-1].ID
	}
	for _, e := range list {
		out.Body.Items = append(out.Body.Items, p.view(e))
	}
	return out, nil
}

func (p *Pages) apiOne(ctx context.Context, _ *oneIn) (*web.Out[Webhook], error) {
	e, err := p.cfg.Service.Endpoint(ctx, web.RefFrom(ctx).ID)
	return &web.Out[Webhook]{ETag: web.ETag(e.Version), Body: p.view(e)}, err
}

// named is the endpoint of that name in a project (by id or name; "" for the installation), the zero one when there is none.
func (p *Pages) named(ctx context.Context, key, name string) (project string, e webhook.Endpoint, err error) {
	project = mainstay.Installation
	if key != "" {
		_, ids, err := p.rt.Scope(ctx, access.ProjectManage, key)
		if err != nil {
			return "", e, err
		}
		project = ids[0]
	}
	list, err := p.cfg.Service.Endpoints(ctx, []string{project})
	if i := slices.IndexFunc(list, func(e webhook.Endpoint) bool { return e.Name == name }); i >= 0 {
		e = list[i]
	}
	return project, e, err
}

func (p *Pages) apiPut(ctx context.Context, in *putIn) (*web.Out[Webhook], error) {
	project, before, err := p.named(ctx, in.Project, in.Name)
	if err == nil {
		err = in.Holds(before.Version)
	}
	if err != nil {
		return nil, err
	}
	e, _, err := p.cfg.Service.Put(ctx, writer(web.ViewerFrom(ctx)), project, in.Name, in.Body)
	return &web.Out[Webhook]{ETag: web.ETag(e.Version), Body: p.view(e)}, err
}

func (p *Pages) apiDelete(ctx context.Context, in *deleteIn) (*struct{}, error) {
	project, e, err := p.named(ctx, in.Project, in.Name)
	v := web.ViewerFrom(ctx)
	if err == nil && (e.ID == "" || !v.May(access.ProjectManage, project)) { // not even the names of others
		err = mainstay.Errorf(mainstay.NotFound, "There is no webhook %q, or you may not see it.", in.Name)
	}
	if err == nil {
		err = in.Holds(e.Version)
	}
	if err != nil {
		return nil, err
	}
	return nil, p.cfg.Service.Delete(ctx, writer(v), e.ID)
}

func (p *Pages) apiSecrets(ctx context.Context, _ *oneIn) (*web.Out[web.List[Secret]], error) {
	list, err := p.cfg.Service.Secrets(ctx, writer(web.ViewerFrom(ctx)), web.RefFrom(ctx).ID)
	out := web.List[Secret]{Items: []Secret{}}
	for _, s := range list {
		out.Items = append(out.Items, Secret{s.Plain, s.Created, s.Until})
	}
	return &web.Out[web.List[Secret]]{Body: out}, err
}

func (p *Pages) apiRotate(ctx context.Context, in *oneIn) (*web.Out[web.List[Secret]], error) {
	if err := p.cfg.Service.Rotate(ctx, writer(web.ViewerFrom(ctx)), web.RefFrom(ctx).ID); err != nil {
		return nil, err
	}
	return p.apiSecrets(ctx, in)
}

func (p *Pages) apiTest(ctx context.Context, _ *oneIn) (*web.Out[Delivery], error) {
	a, err := p.cfg.Service.Test(ctx, writer(web.ViewerFrom(ctx)), web.RefFrom(ctx).ID)
	return &web.Out[Delivery]{Body: deliveryView(a)}, err
}

func (p *Pages) apiPause(ctx context.Context, in *oneIn) (*web.Out[Webhook], error) {
	if err := p.cfg.Service.Pause(ctx, writer(web.ViewerFrom(ctx)), web.RefFrom(ctx).ID); err != nil {
		return nil, err
	}
	return p.apiOne(ctx, in)
}

func (p *Pages) apiResume(ctx context.Context, in *resumeIn) (*web.Out[Webhook], error) {
	if err := p.cfg.Service.Resume(ctx, writer(web.ViewerFrom(ctx)), web.RefFrom(ctx).ID, in.Body.Skip); err != nil {
		return nil, err
	}
	return p.apiOne(ctx, nil)
}

func (p *Pages) apiReplay(ctx context.Context, in *replayIn) (*web.Out[Replayed], error) {
	r := webhook.Range{Since: in.Body.Since, Until: in.Body.Until, From: in.Body.From, To: in.Body.To}
	if in.Body.Project != "" {
		id, err := p.cfg.Projects.ProjectID(ctx, in.Body.Project)
		if err != nil {
			return nil, err
		}
		r.Project = id
	}
	n, err := p.cfg.Service.Replay(ctx, writer(web.ViewerFrom(ctx)), web.RefFrom(ctx).ID, r)
	return &web.Out[Replayed]{Body: Replayed{n}}, err
}

func (p *Pages) apiLog(ctx context.Context, in *logIn) (*web.Out[web.List[Delivery]], error) {
	list, err := p.cfg.Service.Attempts(ctx, webhook.Query{
		Endpoint: web.RefFrom(ctx).ID, Result: webhook.Result(in.Result), Message: in.Message, Before: in.Cursor, Limit: in.Limit,
	})
	out := web.List[Delivery]{Items: []Delivery{}}
	for _, a := range list {
		out.Items = append(out.Items, deliveryView(a))
	}
	if len(list) == in.Limit {
		out.Next = list[len(list)-1].ID
	}
	return &web.Out[web.List[Delivery]]{Body: out}, err
}

func (p *Pages) apiAgain(ctx context.Context, in *againIn) (*web.Out[Replayed], error) {
	a, err := p.cfg.Service.Attempt(ctx, in.Delivery)
	if err == nil && a.Endpoint != web.RefFrom(ctx).ID {
		err = mainstay.Errorf(mainstay.NotFound, "There is no such delivery, or it is older than the log.")
	}
	if err == nil && a.First == 0 {
		err = mainstay.Errorf(mainstay.Invalid, "A test is not replayed: send another one.")
	}
	if err != nil {
		return nil, err
	}
	n, err := p.cfg.Service.Replay(ctx, writer(web.ViewerFrom(ctx)), a.Endpoint, webhook.Range{Project: a.Project, From: a.First, To: a.Last})
	return &web.Out[Replayed]{Body: Replayed{n}}, err
}

func (p *Pages) apiKinds(context.Context, *struct{}) (*web.Out[web.List[FactKind]], error) {
	list, err := webhook.Catalog(p.cfg.External())
	out := web.List[FactKind]{Items: []FactKind{}}
	for _, k := range list {
		out.Items = append(out.Items, FactKind{k.Name, webhook.TypePrefix + k.Name, k.Doc, k.Confidential, k.Schema})
	}
	return &web.Out[web.List[FactKind]]{Body: out}, err
}

func (p *Pages) apiSchema(_ context.Context, in *kindIn) (*schemaOut, error) {
	k, err := webhook.KindNamed(p.cfg.External(), in.Kind)
	return &schemaOut{ContentType: "application/schema+json", Body: k.Schema}, err
}
