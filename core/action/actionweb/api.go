package actionweb

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/web"
)

// Action is an action as the API shows it. Persons and the project are ids, origin is kind:id.
type Action struct {
	ID        string         `json:"id"`
	Number    string         `json:"number" doc:"such as ACT-2"`
	Project   string         `json:"project"`
	Kind      string         `json:"kind"`
	Title     string         `json:"title"`
	State     string         `json:"state" enum:"proposed,accepted,done,in_place,effective,ineffective,dropped"`
	Owner     string         `json:"owner"`
	Due       *time.Time     `json:"due,omitempty"`
	Overdue   bool           `json:"overdue"`
	Origin    string         `json:"origin,omitempty"`
	Proof     string         `json:"proof,omitempty" doc:"how its effect will be proven"`
	Verdict   string         `json:"verdict,omitempty"`
	JudgedBy  mainstay.Actor `json:"judgedBy,omitzero"`
	CreatedBy mainstay.Actor `json:"createdBy"`
	CreatedAt time.Time      `json:"createdAt"`
	Next      []string       `json:"next" doc:"the states that it may go to"`
	Version   int64          `json:"version"`
}

func view(a action.Action, now time.Time) Action {
	v := Action{
		ID: a.ID, Number: a.Key(), Project: a.Project, Kind: a.Kind, Title: a.Title, State: string(a.State), Owner: a.Owner,
		Overdue: a.Overdue(now), Origin: a.Origin.String(), Proof: a.Proof, Verdict: a.Verdict, JudgedBy: a.JudgedBy,
		CreatedBy: a.CreatedBy, CreatedAt: a.CreatedAt, Next: []string{}, Version: a.Version,
	}
	if !a.Due.IsZero() {
		v.Due = &a.Due
	}
	for _, s := range a.State.Next() {
		v.Next = append(v.Next, string(s))
	}
	return v
}

type listIn struct {
	web.Query
	State string `query:"state" doc:"only actions in this state; owed for proposed and accepted" maxLength:"20"`
	Owner string `query:"owner" doc:"a person's id or handle" maxLength:"100"`
	Late  bool   `query:"overdue" doc:"only those that are overdue"`
}

type oneIn struct {
	ID string `path:"id" doc:"id or number"`
}

// Wanted is what asks for an action.
type Wanted struct {
	Project string     `json:"project" doc:"a project's id or name" maxLength:"100"`
	Title   string     `json:"title" maxLength:"1000"`
	Owner   string     `json:"owner,omitempty" doc:"a person's id or handle" maxLength:"100"`
	Due     *time.Time `json:"due,omitempty"`
	Origin  string     `json:"origin,omitempty" doc:"kind:id of what asks for it" maxLength:"100"`
	Proof   string     `json:"proof,omitempty" maxLength:"16000"`
}

type createIn struct {
	Body Wanted
}

// Move says where an action goes.
type Move struct {
	State  string `json:"state" enum:"accepted,done,in_place,effective,ineffective,dropped"`
	Reason string `json:"reason,omitempty" doc:"required for ineffective and dropped" maxLength:"16000"`
}

type moveIn struct {
	ID      string `path:"id" doc:"id or number"`
	IfMatch string `header:"If-Match"`
	Body    Move
}

func (p *Pages) api(rt *web.Router) {
	web.API(rt, web.Route{Method: "GET", Pattern: "/actions", Permission: access.ActionRead},
		web.Doc{Summary: "List actions, newest first", Tag: "actions"}, p.apiList)
	web.API(rt, web.Route{Method: "GET", Pattern: "/actions/{id}", Permission: access.ActionRead, Kind: mainstay.KindAction},
		web.Doc{Summary: "One action, by id or number", Tag: "actions"}, p.apiOne)
	web.API(rt, web.Route{Method: "POST", Pattern: "/actions", Permission: access.ActionWrite},
		web.Doc{Summary: "Ask for an action", Tag: "actions", Status: http.StatusCreated}, p.apiCreate)
	web.API(rt, web.Route{Method: "POST", Pattern: "/actions/{id}/state", Permission: access.ActionWrite, Kind: mainstay.KindAction},
		web.Doc{Summary: "Move an action to another state", Description: "Effect and end are judged by somebody else than the owner.", Tag: "actions"}, p.apiMove)
}

// person is the id of a person by id or handle; "" stays.
func (p *Pages) person(ctx context.Context, key string) (string, error) {
	if key == "" {
		return "", nil
	}
	if !mainstay.ValidID(key) {
		x, err := p.cfg.People.ByName(ctx, key)
		return x.ID, err
	}
	known, err := p.cfg.People.ByIDs(ctx, []string{key})
	if err == nil && known[key].ID == "" {
		err = mainstay.Errorf(mainstay.NotFound, "There is no person %q.", key)
	}
	return key, err
}

// project is the id of a project, by id or name, in which the viewer holds the permission.
func (p *Pages) project(ctx context.Context, key string, perm access.Permission) (string, error) {
	may, err := p.projects(ctx, web.ViewerFrom(ctx), perm)
	if err != nil {
		return "", err
	}
	for _, x := range may {
		if x.ID == key || x.Name == key {
			return x.ID, nil
		}
	}
	return "", mainstay.Errorf(mainstay.NotFound, "There is no project %q, or you may not do this in it.", key)
}

func (p *Pages) apiList(ctx context.Context, in *listIn) (*web.Out[web.List[Action]], error) {
	q := within(web.ViewerFrom(ctx))
	q.Cursor, q.Limit = in.Cursor, in.Limit
	var err error
	if in.Project != "" {
		id, err := p.project(ctx, in.Project, access.ActionRead)
		if err != nil {
			return nil, err
		}
		q.Projects = []string{id}
	}
	if q.Owner, err = p.person(ctx, in.Owner); err != nil {
		return nil, err
	}
	switch {
	case in.State == "owed":
		q.States = []action.State{action.Proposed, action.Accepted}
	case in.State != "":
		q.States = []action.State{action.State(in.State)}
	}
	now := p.cfg.Actions.Now()
	if in.Late {
		q.Late = now
	}
	page, err := p.cfg.Actions.List(ctx, q)
	if err != nil {
		return nil, err
	}
	out := web.List[Action]{Items: []Action{}, Next: page.Next}
	for _, a := range page.Items {
		out.Items = append(out.Items, view(a, now))
	}
	return &web.Out[web.List[Action]]{Body: out}, nil
}

func (p *Pages) answer(a action.Action, err error) (*web.Out[Action], error) {
	if err != nil {
		return nil, err
	}
	return &web.Out[Action]{ETag: web.ETag(a.Version), Body: view(a, p.cfg.Actions.Now())}, nil
}

func (p *Pages) apiOne(ctx context.Context, _ *oneIn) (*web.Out[Action], error) {
	return p.answer(p.cfg.Actions.Action(ctx, web.RefFrom(ctx).ID))
}

func (p *Pages) apiCreate(ctx context.Context, in *createIn) (*web.Out[Action], error) {
	project, err := p.project(ctx, in.Body.Project, access.ActionWrite)
	if err != nil {
		return nil, err
	}
	owner, err := p.person(ctx, in.Body.Owner)
	if err != nil {
		return nil, err
	}
	origin, err := p.origin(ctx, in.Body.Origin)
	if err != nil {
		return nil, err
	}
	w := action.Wanted{Project: project, Title: in.Body.Title, Owner: owner, Proof: in.Body.Proof, Origin: origin.Ref, Private: origin.Private}
	if in.Body.Due != nil {
		w.Due = in.Body.Due.UTC().Truncate(time.Microsecond)
	}
	return p.answer(p.cfg.Actions.Create(ctx, web.ViewerFrom(ctx).Actor, w))
}

func (p *Pages) apiMove(ctx context.Context, in *moveIn) (*web.Out[Action], error) {
	id := web.RefFrom(ctx).ID
	if in.IfMatch != "" {
		a, err := p.cfg.Actions.Action(ctx, id)
		if err != nil {
			return nil, err
		}
		if err := web.Match(in.IfMatch, a.Version); err != nil {
			return nil, err
		}
	}
	to := action.State(in.Body.State)
	if !slices.Contains(action.States(), to) {
		return nil, mainstay.Errorf(mainstay.Invalid, "There is no state %q.", to)
	}
	_, err := p.cfg.Actions.Move(ctx, web.ViewerFrom(ctx).Actor, id, to, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return p.answer(p.cfg.Actions.Action(ctx, id))
}
