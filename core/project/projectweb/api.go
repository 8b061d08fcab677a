package projectweb

import (
	"context"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/web"
)

// Project is a project as the API shows it.
type Project struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	Title   string       `json:"title"`
	Spec    project.Spec `json:"spec"`
	Version int64        `json:"version"`
}

// Service is a service as the API shows it. Project is the project's id.
type Service struct {
	ID      string              `json:"id"`
	Project string              `json:"project"`
	Name    string              `json:"name"`
	Title   string              `json:"title"`
	Spec    project.ServiceSpec `json:"spec"`
	Version int64               `json:"version"`
}

func viewProject(p project.Project) Project {
	return Project{p.ID, p.Name, p.Title(), p.Spec, p.Version}
}

func viewService(s project.Service) Service {
	return Service{s.ID, s.Project, s.Name, s.Title(), s.Spec, s.Version}
}

// after cuts a list that is sorted by name, so that each page begins after the cursor.
func after[T any](list []T, key func(T) string, q web.Query) web.List[T] {
	out := web.List[T]{Items: []T{}}
	for _, v := range list {
		if key(v) <= q.Cursor {
			continue
		}
		if len(out.Items) == q.Limit {
			out.Next = key(out.Items[len(out.Items)-1])
			break
		}
		out.Items = append(out.Items, v)
	}
	return out
}

func (p *Pages) api(rt *web.Router) {
	web.API(rt, web.Route{Method: "GET", Pattern: "/projects", Permission: access.ProjectRead},
		web.Doc{Summary: "List projects by name", Tag: "projects"}, p.listProjects)
	web.API(rt, web.Route{Method: "GET", Pattern: "/projects/{id}", Permission: access.ProjectRead, Kind: mainstay.KindProject},
		web.Doc{Summary: "One project, by id or name", Tag: "projects"}, p.oneProject)
	web.API(rt, web.Route{Method: "GET", Pattern: "/services", Permission: access.ProjectRead},
		web.Doc{Summary: "List services", Tag: "services"}, p.listServices)
	web.API(rt, web.Route{Method: "GET", Pattern: "/services/{id}", Permission: access.ProjectRead, Kind: mainstay.KindService},
		web.Doc{Summary: "One service, by id or name", Tag: "services"}, p.oneService)
}

func (p *Pages) listProjects(ctx context.Context, in *struct{ web.Query }) (*web.Out[web.List[Project]], error) {
	list, err := p.projects.Projects(ctx)
	if err != nil {
		return nil, err
	}
	v := web.ViewerFrom(ctx)
	var mine []Project
	for _, x := range list {
		if v.May(access.ProjectRead, x.ID) {
			mine = append(mine, viewProject(x))
		}
	}
	return &web.Out[web.List[Project]]{Body: after(mine, func(p Project) string { return p.Name }, in.Query)}, nil
}

type byID struct {
	ID string `path:"id"`
}

func (p *Pages) oneProject(ctx context.Context, _ *byID) (*web.Out[Project], error) {
	x, err := p.projects.Project(ctx, web.RefFrom(ctx).ID)
	return &web.Out[Project]{ETag: web.ETag(x.Version), Body: viewProject(x)}, err
}

func (p *Pages) listServices(ctx context.Context, in *struct{ web.Query }) (*web.Out[web.List[Service]], error) {
	within := ""
	if in.Project != "" {
		x, err := p.projects.Project(ctx, in.Project)
		if err != nil {
			return nil, err
		}
		within = x.ID
	}
	list, err := p.projects.Services(ctx, within)
	if err != nil {
		return nil, err
	}
	v := web.ViewerFrom(ctx)
	var mine []Service
	for _, s := range list {
		if v.May(access.ProjectRead, s.Project) {
			mine = append(mine, viewService(s))
		}
	}
	key := func(s Service) string { return s.Project + "/" + s.Name }
	return &web.Out[web.List[Service]]{Body: after(mine, key, in.Query)}, nil
}

func (p *Pages) oneService(ctx context.Context, _ *byID) (*web.Out[Service], error) {
	s, err := p.projects.Service(ctx, web.ProjectFrom(ctx), web.RefFrom(ctx).ID)
	return &web.Out[Service]{ETag: web.ETag(s.Version), Body: viewService(s)}, err
}
