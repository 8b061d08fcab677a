package communicationweb

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/web"
)

// Component is a component as the API shows it.
type Component struct {
	ID                 string    `json:"id"`
	Project            string    `json:"project" doc:"project id, or installation"`
	Name               string    `json:"name"`
	Title              string    `json:"title"`
	Description        string    `json:"description,omitempty"`
	IsGroup            bool      `json:"isGroup"`
	Group              string    `json:"group,omitempty" doc:"id of its group"`
	Service            string    `json:"service,omitempty" doc:"id of the service it stands for"`
	Position           int       `json:"position"`
	Showcase           bool      `json:"showcase"`
	OnlyShowIfDegraded bool      `json:"onlyShowIfDegraded"`
	State              string    `json:"state" enum:"operational,degraded_performance,partial_outage,major_outage,under_maintenance"`
	UpdatedAt          time.Time `json:"updatedAt"`
	Version            int64     `json:"version"`
}

func componentJSON(x communication.Component) Component {
	return Component{
		ID: x.ID, Project: x.Project, Name: x.Name, Title: x.Title, Description: x.Description, IsGroup: x.IsGroup, Group: x.Group,
		Service: x.Service, Position: x.Position, Showcase: x.Showcase, OnlyShowIfDegraded: x.OnlyIfDegraded, State: string(x.State()),
		UpdatedAt: x.UpdatedAt, Version: x.Version,
	}
}

// ComponentDefinition is what a PUT says: as a manifest, but for the group.
type ComponentDefinition struct {
	Title              string `json:"title"`
	Description        string `json:"description,omitempty"`
	IsGroup            bool   `json:"isGroup,omitempty" doc:"this is a group"`
	Group              string `json:"group,omitempty" doc:"name of the group it belongs to"`
	Service            string `json:"service,omitempty" doc:"name of the service it stands for"`
	Position           int    `json:"position,omitempty"`
	Showcase           *bool  `json:"showcase,omitempty" doc:"show the bars of 90 days; default true"`
	OnlyShowIfDegraded bool   `json:"onlyShowIfDegraded,omitempty"`
	StartDate          string `json:"startDate,omitempty" doc:"2026-03-17"`
}

// Post is a public update as the API shows it.
type Post struct {
	ID          string            `json:"id"`
	Project     string            `json:"project"`
	Incident    string            `json:"incident" doc:"incident id"`
	State       string            `json:"state" enum:"draft,published,rejected"`
	Status      string            `json:"status" enum:"investigating,identified,monitoring,resolved"`
	Title       string            `json:"title"`
	Body        string            `json:"body"`
	Template    string            `json:"template,omitempty"`
	Components  map[string]string `json:"components" doc:"component id to state"`
	NextMinutes int               `json:"nextMinutes"`
	NextUpdate  *time.Time        `json:"nextUpdate,omitempty"`
	Drafter     mainstay.Actor    `json:"drafter"`
	Decider     *mainstay.Actor   `json:"decider,omitempty" doc:"who approved or rejected"`
	Reason      string            `json:"reason,omitempty"`
	DraftedAt   time.Time         `json:"draftedAt"`
	DecidedAt   *time.Time        `json:"decidedAt,omitempty"`
	Version     int64             `json:"version"`
}

func postJSON(x communication.Post) Post {
	p := Post{
		ID: x.ID, Project: x.Project, Incident: x.Incident, State: string(x.State), Status: string(x.Status), Title: x.Title, Body: x.Body,
		Template: x.Template, Components: map[string]string{}, NextMinutes: int(x.Next / time.Minute), Drafter: x.Drafter, Reason: x.Reason,
		DraftedAt: x.DraftedAt, Version: x.Version,
	}
	for id, s := range x.Components {
		p.Components[id] = string(s)
	}
	if !x.NextUpdate.IsZero() {
		p.NextUpdate = &x.NextUpdate
	}
	if !x.DecidedAt.IsZero() {
		p.Decider, p.DecidedAt = &x.Decider, &x.DecidedAt
	}
	return p
}

// PostDraft is what a draft says.
type PostDraft struct {
	Status      string            `json:"status,omitempty" enum:"investigating,identified,monitoring,resolved" doc:"as the last update, or as the incident suggests, when left out"`
	Template    string            `json:"template,omitempty" doc:"whose text is used where body is empty" maxLength:"63"`
	Title       string            `json:"title,omitempty" doc:"what users notice" maxLength:"1000"`
	Body        string            `json:"body,omitempty" doc:"may hold placeholders such as {{next_update}}" maxLength:"20000"`
	Components  map[string]string `json:"components,omitempty" doc:"component id or name to state"`
	NextMinutes int               `json:"nextMinutes,omitempty" doc:"the next update comes within so many minutes; as the plan says when left out"`
}

// NewPost is a draft with the incident that it is about.
type NewPost struct {
	Incident string `json:"incident" doc:"id or number" maxLength:"100"`
	PostDraft
}

// StateChange sets a component's state by hand.
type StateChange struct {
	State  string `json:"state" enum:"operational,degraded_performance,partial_outage,major_outage"`
	Reason string `json:"reason" maxLength:"500" doc:"never public"`
}

// Rejection says why a draft is rejected.
type Rejection struct {
	Reason string `json:"reason,omitempty" maxLength:"500"`
}

type (
	listIn struct {
		web.Query
	}
	oneIn struct {
		ID string `path:"id" doc:"id or name"`
	}
	putIn struct {
		Name    string `path:"name" maxLength:"63"`
		Project string `query:"project" doc:"a project's id or name; the installation when empty" maxLength:"100"`
		web.Precondition
		Body ComponentDefinition
	}
	stateIn struct {
		ID string `path:"id" doc:"id or name"`
		web.Precondition
		Body StateChange
	}
	postsIn struct {
		web.Query
		Incident string `query:"incident" doc:"id or number" maxLength:"100"`
		State    string `query:"state" enum:"draft,published,rejected"`
	}
	createIn struct {
		Body NewPost
	}
	reviseIn struct {
		ID string `path:"id"`
		web.Precondition
		Body PostDraft
	}
	approveIn struct {
		ID string `path:"id"`
		web.Precondition
	}
	rejectIn struct {
		ID string `path:"id"`
		web.Precondition
		Body Rejection
	}
)

func (p *Pages) api(rt *web.Router) {
	const components, posts = "components", "posts"
	web.API(rt, web.Route{Method: "GET", Pattern: "/components", Permission: access.ComponentRead},
		web.Doc{Summary: "List components, in the order of the status page", Tag: components}, p.apiComponents(rt))
	web.API(rt, web.Route{Method: "GET", Pattern: "/components/{id}", Permission: access.ComponentRead, Kind: mainstay.KindComponent},
		web.Doc{Summary: "One component, by id or name", Tag: components}, p.apiComponent)
	web.API(rt, web.Route{Method: "PUT", Pattern: "/components/{name}", Permission: access.ComponentManage, Names: mainstay.KindComponent},
		web.Doc{Summary: "Define a component, as a manifest does", Tag: components}, p.apiDefine(rt))
	web.API(rt, web.Route{Method: "POST", Pattern: "/components/{id}/state", Permission: access.ComponentManage, Kind: mainstay.KindComponent},
		web.Doc{Summary: "Set a component's state by hand", Tag: components}, p.apiState)
	web.API(rt, web.Route{Method: "GET", Pattern: "/posts", Permission: access.PostRead},
		web.Doc{Summary: "List public updates, newest first", Tag: posts}, p.apiPosts(rt))
	web.API(rt, web.Route{Method: "GET", Pattern: "/posts/{id}", Permission: access.PostRead, Kind: mainstay.KindPost},
		web.Doc{Summary: "One public update", Tag: posts}, p.apiPost)
	web.API(rt, web.Route{Method: "POST", Pattern: "/posts", Permission: access.PostDraft},
		web.Doc{Summary: "Draft a public update", Description: "It waits for approval. What is left out comes from the template and the incident.", Tag: posts, Status: 201}, p.apiCreate)
	web.API(rt, web.Route{Method: "PUT", Pattern: "/posts/{id}", Permission: access.PostDraft, Kind: mainstay.KindPost},
		web.Doc{Summary: "Change a draft", Tag: posts}, p.apiRevise)
	web.API(rt, web.Route{Method: "POST", Pattern: "/posts/{id}/approve", Permission: access.PostApprove, Kind: mainstay.KindPost, Urgent: true},
		web.Doc{Summary: "Approve a draft and tell users", Tag: posts}, p.apiApprove)
	web.API(rt, web.Route{Method: "POST", Pattern: "/posts/{id}/reject", Permission: access.PostApprove, Kind: mainstay.KindPost},
		web.Doc{Summary: "Reject a draft; users are told nothing", Tag: posts}, p.apiReject)
}

func (p *Pages) apiComponents(rt *web.Router) func(context.Context, *listIn) (*web.Out[web.List[Component]], error) {
	return func(ctx context.Context, in *listIn) (*web.Out[web.List[Component]], error) {
		all, ids, err := rt.Scope(ctx, access.ComponentRead, in.Project)
		if err != nil {
			return nil, err
		}
		list, err := p.cfg.Service.Components(ctx, "")
		if err != nil {
			return nil, err
		}
		out := &web.Out[web.List[Component]]{Body: web.List[Component]{Items: []Component{}}}
		may := append([]string{mainstay.Installation}, ids...)
		skipping := in.Cursor != ""
		for _, x := range list {
			if skipping {
				skipping = x.ID != in.Cursor
				continue
			}
			if !all && !among(may, x.Project) {
				continue
			}
			if len(out.Body.Items) == in.Limit {
				out.Body.Next = out.Body.Items[in.Limit-1].ID
				break
			}
			out.Body.Items = append(out.Body.Items, componentJSON(x))
		}
		return out, nil
	}
}

func (p *Pages) apiComponent(ctx context.Context, _ *oneIn) (*web.Out[Component], error) {
	x, err := p.find(ctx, web.RefFrom(ctx).ID)
	return &web.Out[Component]{ETag: web.ETag(x.Version), Body: componentJSON(x)}, err
}

func (p *Pages) apiDefine(rt *web.Router) func(context.Context, *putIn) (*web.Out[Component], error) {
	return func(ctx context.Context, in *putIn) (*web.Out[Component], error) {
		project := mainstay.Installation
		if in.Project != "" {
			_, ids, err := rt.Scope(ctx, access.ComponentManage, in.Project)
			if err != nil {
				return nil, err
			}
			project = ids[0]
		}
		v := web.ViewerFrom(ctx)
		if !v.May(access.ComponentManage, project) {
			return nil, mainstay.Errorf(mainstay.Denied, "You may not define components of the whole installation: say which project.")
		}
		b := in.Body
		spec := communication.ComponentSpec{
			Title: b.Title, Description: b.Description, Group: communication.GroupRef(b.Group), Service: b.Service, Position: b.Position,
			Showcase: b.Showcase, OnlyShowIfDegraded: b.OnlyShowIfDegraded, StartDate: b.StartDate,
		}
		if b.IsGroup {
			spec.Group = "true"
		}
		before, err := p.named(ctx, project, in.Name)
		if err == nil {
			err = in.Holds(before.Version)
		}
		if err != nil {
			return nil, err
		}
		if _, err := p.cfg.Service.Define(ctx, v.Actor, project, in.Name, spec); err != nil {
			return nil, err
		}
		x, err := p.named(ctx, project, in.Name)
		return &web.Out[Component]{ETag: web.ETag(x.Version), Body: componentJSON(x)}, err
	}
}

// named is the component of that name in the project; the zero one when there is none.
func (p *Pages) named(ctx context.Context, project, name string) (communication.Component, error) {
	list, err := p.cfg.Service.Components(ctx, project)
	for _, x := range list {
		if x.Name == name && x.Project == project {
			return x, err
		}
	}
	return communication.Component{}, err
}

func (p *Pages) apiState(ctx context.Context, in *stateIn) (*web.Out[Component], error) {
	ref := web.RefFrom(ctx)
	x, err := p.find(ctx, ref.ID)
	if err == nil {
		err = in.Holds(x.Version)
	}
	if err != nil {
		return nil, err
	}
	err = p.cfg.Service.SetState(ctx, web.ViewerFrom(ctx).Actor, ref.ID, communication.State(in.Body.State), in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return p.apiComponent(ctx, nil)
}

func (p *Pages) apiPosts(rt *web.Router) func(context.Context, *postsIn) (*web.Out[web.List[Post]], error) {
	return func(ctx context.Context, in *postsIn) (*web.Out[web.List[Post]], error) {
		all, ids, err := rt.Scope(ctx, access.PostRead, in.Project)
		if err != nil {
			return nil, err
		}
		q := communication.PostQuery{State: communication.PostState(in.State), Before: in.Cursor, Limit: in.Limit + 1}
		if !all {
			q.Projects = append([]string{}, ids...)
		}
		if in.Incident != "" {
			o, err := rt.Seen(ctx, mainstay.Ref{Kind: mainstay.KindIncident, ID: in.Incident})
			if err != nil {
				return nil, err
			}
			q.Incident = o.Ref.ID
		}
		list, err := p.cfg.Service.Posts(ctx, q)
		if err != nil {
			return nil, err
		}
		out := &web.Out[web.List[Post]]{Body: web.List[Post]{Items: []Post{}}}
		if len(list) > in.Limit {
			list = list[:in.Limit]
			out.Body.Next = list[in.Limit-1].ID
		}
		for _, x := range list {
			out.Body.Items = append(out.Body.Items, postJSON(x))
		}
		return out, nil
	}
}

func (p *Pages) apiPost(ctx context.Context, _ *oneIn) (*web.Out[Post], error) {
	x, err := p.cfg.Service.Post(ctx, web.RefFrom(ctx).ID)
	return &web.Out[Post]{ETag: web.ETag(x.Version), Body: postJSON(x)}, err
}

// apiInput makes the input of a draft; components may be named.
func (p *Pages) apiInput(ctx context.Context, incident, project string, b PostDraft) (communication.Input, error) {
	in := communication.Input{
		Incident: incident, Status: communication.Status(b.Status), Template: b.Template, Title: b.Title, Body: b.Body, NextMinutes: b.NextMinutes,
		OwnOnly: ownOnly(web.ViewerFrom(ctx)),
	}
	if b.Components == nil {
		return in, nil
	}
	list, err := p.cfg.Service.Components(ctx, "")
	if err != nil {
		return in, err
	}
	in.Components = map[string]communication.State{}
	for key, state := range b.Components {
		id := key
		for _, x := range list {
			if x.Name == key && x.Project == project {
				id = x.ID
			}
		}
		in.Components[id] = communication.State(state)
	}
	return in, nil
}

func (p *Pages) apiCreate(ctx context.Context, in *createIn) (*web.Out[Post], error) {
	v := web.ViewerFrom(ctx)
	o, err := p.rt.Seen(ctx, mainstay.Ref{Kind: mainstay.KindIncident, ID: in.Body.Incident})
	if err == nil && !v.May(access.PostDraft, o.Project) {
		err = mainstay.Errorf(mainstay.NotFound, "There is no incident %q, or you may not see it.", in.Body.Incident)
	}
	if err != nil {
		return nil, err
	}
	draft, err := p.apiInput(ctx, o.Ref.ID, o.Project, in.Body.PostDraft)
	if err != nil {
		return nil, err
	}
	x, err := p.cfg.Service.Draft(ctx, v.Actor, draft)
	if err != nil {
		return nil, err
	}
	return &web.Out[Post]{ETag: web.ETag(x.Version), Body: postJSON(x)}, nil
}

func (p *Pages) apiRevise(ctx context.Context, in *reviseIn) (*web.Out[Post], error) {
	id := web.RefFrom(ctx).ID
	x, err := p.held(ctx, in.Precondition)
	if err != nil {
		return nil, err
	}
	draft, err := p.apiInput(ctx, x.Incident, x.Project, in.Body)
	if err != nil {
		return nil, err
	}
	if err := p.cfg.Service.Revise(ctx, web.ViewerFrom(ctx).Actor, id, draft); err != nil {
		return nil, err
	}
	return p.apiPost(ctx, nil)
}

// held is the post of the request, when the precondition holds for it.
func (p *Pages) held(ctx context.Context, c web.Precondition) (communication.Post, error) {
	x, err := p.cfg.Service.Post(ctx, web.RefFrom(ctx).ID)
	if err == nil {
		err = c.Holds(x.Version)
	}
	return x, err
}

func (p *Pages) apiApprove(ctx context.Context, in *approveIn) (*web.Out[Post], error) {
	if _, err := p.held(ctx, in.Precondition); err != nil {
		return nil, err
	}
	if err := p.mayPublish(ctx, web.ViewerFrom(ctx), web.RefFrom(ctx).ID); err != nil {
		return nil, err
	}
	x, err := p.cfg.Service.Publish(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID)
	if err != nil {
		return nil, err
	}
	return &web.Out[Post]{ETag: web.ETag(x.Version), Body: postJSON(x)}, nil
}

func (p *Pages) apiReject(ctx context.Context, in *rejectIn) (*web.Out[Post], error) {
	if _, err := p.held(ctx, in.Precondition); err != nil {
		return nil, err
	}
	if err := p.cfg.Service.Reject(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID, in.Body.Reason); err != nil {
		return nil, err
	}
	return p.apiPost(ctx, nil)
}
