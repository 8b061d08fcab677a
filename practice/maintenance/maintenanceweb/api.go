package maintenanceweb

import (
	"context"
	"strconv"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/maintenance"
	"github.com/mainstayhq/mainstay/web"
)

// Window is a maintenance window as the API shows it.
type Window struct {
	ID         string         `json:"id"`
	Number     string         `json:"number" doc:"such as WIN-2"`
	Project    string         `json:"project"`
	Name       string         `json:"name,omitempty"`
	Title      string         `json:"title"`
	Text       string         `json:"text,omitempty"`
	Services   []string       `json:"services" doc:"ids"`
	Components []string       `json:"components" doc:"ids"`
	From       time.Time      `json:"from"`
	Until      time.Time      `json:"until"`
	Finish     string         `json:"finish" enum:"auto,hand"`
	State      string         `json:"state" enum:"scheduled,in_progress,verifying,completed,cancelled"`
	Overrun    bool           `json:"overrun"`
	Updates    []Update       `json:"updates"`
	StartedAt  *time.Time     `json:"startedAt,omitempty"`
	EndedAt    *time.Time     `json:"endedAt,omitempty"`
	CreatedBy  mainstay.Actor `json:"createdBy"`
	CreatedAt  time.Time      `json:"createdAt"`
	Version    int64          `json:"version"`
}

// Update is a public update of a window.
type Update struct {
	At    time.Time `json:"at"`
	State string    `json:"state"`
	Text  string    `json:"text"`
}

func view(w maintenance.Window) Window {
	v := Window{
		ID: w.ID, Number: w.Key(), Project: w.Project, Name: w.Name, Title: w.Title, Text: w.Text, Services: append([]string{}, w.Services...),
		Components: append([]string{}, w.Components...), From: w.From, Until: w.Until, Finish: "auto", State: string(w.State), Overrun: w.Overrun,
		Updates: []Update{}, CreatedBy: w.CreatedBy, CreatedAt: w.CreatedAt, Version: w.Version,
	}
	if w.ByHand {
		v.Finish = "hand"
	}
	for _, u := range w.Updates {
		v.Updates = append(v.Updates, Update{u.At, string(u.State), u.Text})
	}
	if !w.StartedAt.IsZero() {
		v.StartedAt = &w.StartedAt
	}
	if !w.EndedAt.IsZero() {
		v.EndedAt = &w.EndedAt
	}
	return v
}

// NewWindow is a window with the project that it belongs to.
type NewWindow struct {
	Project string `json:"project,omitempty" doc:"a project's id or name; the installation when empty" maxLength:"100"`
	maintenance.WindowSpec
}

// PublicText is what users are told.
type PublicText struct {
	Text string `json:"text,omitempty" maxLength:"20000" doc:"public"`
}

type (
	listIn struct {
		web.Query
		State string `query:"state" enum:"scheduled,in_progress,verifying,completed,cancelled"`
	}
	oneIn struct {
		ID string `path:"id" doc:"id, number or name"`
	}
	createIn struct {
		Body NewWindow
	}
	changeIn struct {
		Name    string `path:"name" maxLength:"100" doc:"id or number of one that is there, or a name"`
		Project string `query:"project" maxLength:"100" doc:"A project's id or name; the installation when empty"`
		web.Precondition
		Body maintenance.WindowSpec
	}
	changeOut struct {
		Status int
		ETag   string `header:"ETag"`
		Body   Window
	}
	moveIn struct {
		ID string `path:"id" doc:"id, number or name"`
		web.Precondition
	}
	textIn struct {
		ID string `path:"id"`
		web.Precondition
		Body PublicText
	}
)

func (p *Pages) api(rt *web.Router) {
	doc := func(summary string) web.Doc { return web.Doc{Summary: summary, Tag: "windows"} }
	one := func(method, pattern string) web.Route {
		return web.Route{Method: method, Pattern: pattern, Permission: access.WindowManage, Kind: mainstay.KindWindow}
	}
	web.API(rt, web.Route{Method: "GET", Pattern: "/windows", Permission: access.WindowRead}, doc("List maintenance windows, newest first"), p.apiList(rt))
	web.API(rt, web.Route{Method: "GET", Pattern: "/windows/{id}", Permission: access.WindowRead, Kind: mainstay.KindWindow},
		doc("One maintenance window"), p.apiOne)
	web.API(rt, web.Route{Method: "POST", Pattern: "/windows", Permission: access.WindowManage},
		web.Doc{Summary: "Plan a maintenance window", Tag: "windows", Status: 201}, p.apiCreate(rt))
	web.API(rt, web.Route{Method: "PUT", Pattern: "/windows/{name}", Permission: access.WindowManage, Names: mainstay.KindWindow}, web.Doc{
		Summary: "Change a window, or plan one by its name", Tag: "windows", Description: "Idempotent: what is so already is left alone. 201 when it was made.",
	}, p.apiPut(rt))
	for _, name := range []string{"start", "verify", "finish"} {
		do := p.commands()[name]
		web.API(rt, one("POST", "/windows/{id}/"+name), doc("Move a window: "+name), func(ctx context.Context, in *moveIn) (*web.Out[Window], error) {
			return p.apply(ctx, in.Precondition, do, "")
		})
	}
	for _, name := range []string{"cancel", "updates"} {
		do := p.commands()[name]
		web.API(rt, one("POST", "/windows/{id}/"+name), doc("Tell users of a window: "+name), func(ctx context.Context, in *textIn) (*web.Out[Window], error) {
			return p.apply(ctx, in.Precondition, do, in.Body.Text)
		})
	}
}

// held fails unless the precondition holds for the window of the request.
func (p *Pages) held(ctx context.Context, c web.Precondition) error {
	w, err := p.cfg.Service.Window(ctx, web.RefFrom(ctx).ID)
	if err == nil {
		err = c.Holds(w.Version)
	}
	return err
}

func (p *Pages) apply(ctx context.Context, c web.Precondition, do command, text string) (*web.Out[Window], error) {
	if err := p.held(ctx, c); err != nil {
		return nil, err
	}
	if err := do(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID, text); err != nil {
		return nil, err
	}
	return p.apiOne(ctx, nil)
}

func (p *Pages) apiOne(ctx context.Context, _ *oneIn) (*web.Out[Window], error) {
	w, err := p.cfg.Service.Window(ctx, web.RefFrom(ctx).ID)
	return &web.Out[Window]{ETag: web.ETag(w.Version), Body: view(w)}, err
}

func (p *Pages) apiList(rt *web.Router) func(context.Context, *listIn) (*web.Out[web.List[Window]], error) {
	return func(ctx context.Context, in *listIn) (*web.Out[web.List[Window]], error) {
		all, ids, err := rt.Scope(ctx, access.WindowRead, in.Project)
		if err != nil {
			return nil, err
		}
		q := maintenance.Query{Limit: in.Limit + 1}
		if !all {
			q.Projects = append([]string{}, ids...)
			if in.Project == "" {
				q.Projects = append(q.Projects, mainstay.Installation)
			}
		}
		if in.State != "" {
			q.States = []maintenance.State{maintenance.State(in.State)}
		}
		if in.Cursor != "" {
			if q.Before, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil {
				return nil, mainstay.Faults{"cursor": "give the next of the page before"}.Err()
			}
		}
		list, err := p.cfg.Service.Windows(ctx, q)
		if err != nil {
			return nil, err
		}
		out := &web.Out[web.List[Window]]{Body: web.List[Window]{Items: []Window{}}}
		if len(list) > in.Limit {
			list = list[:in.Limit]
			out.Body.Next = strconv.FormatInt(list[in.Limit-1].Number, 10)
		}
		for _, w := range list {
			out.Body.Items = append(out.Body.Items, view(w))
		}
		return out, nil
	}
}

func (p *Pages) apiCreate(rt *web.Router) func(context.Context, *createIn) (*web.Out[Window], error) {
	return func(ctx context.Context, in *createIn) (*web.Out[Window], error) {
		v, project := web.ViewerFrom(ctx), mainstay.Installation
		if in.Body.Project != "" {
			_, ids, err := rt.Scope(ctx, access.WindowManage, in.Body.Project)
			if err != nil {
				return nil, err
			}
			project = ids[0]
		}
		if !v.May(access.WindowManage, project) {
			return nil, mainstay.Errorf(mainstay.Denied, "You may not plan maintenance of the whole installation: say which project.")
		}
		w, err := p.cfg.Service.Plan(ctx, v.Actor, project, "", in.Body.WindowSpec)
		if err != nil {
			return nil, err
		}
		return &web.Out[Window]{ETag: web.ETag(w.Version), Body: view(w)}, nil
	}
}
