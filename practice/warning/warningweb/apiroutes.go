package warningweb

import (
	"cmp"
	"context"
	"slices"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/web"
)

// Route is a route as the API shows it. Project is its id.
type Route struct {
	ID      string            `json:"id"`
	Project string            `json:"project"`
	Name    string            `json:"name"`
	Spec    warning.RouteSpec `json:"spec" doc:"as a manifest says it"`
	Version int64             `json:"version"`
}

func viewRoute(r warning.Route) Route { return Route{r.ID, r.Project, r.Name, r.Spec, r.Version} }

type routeIn struct {
	ID string `path:"id" doc:"id or name"`
}

func (p *Pages) apiRoutes(rt *web.Router) {
	web.API(rt, web.Route{Method: "GET", Pattern: "/routes", Permission: access.AlertRead},
		web.Doc{Summary: "List routes by project and name", Tag: "routes"}, p.apiListRoutes)
	web.API(rt, web.Route{Method: "GET", Pattern: "/routes/{id}", Permission: access.AlertRead, Kind: mainstay.KindRoute},
		web.Doc{Summary: "One route, by id or name", Tag: "routes"}, p.apiRoute)
}

func (p *Pages) apiListRoutes(ctx context.Context, in *struct{ web.Query }) (*web.Out[web.List[Route]], error) {
	projects, err := p.narrow(ctx, web.ViewerFrom(ctx), in.Project)
	if err != nil {
		return nil, err
	}
	list, err := p.cfg.Warning.Routes(ctx, "")
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(r warning.Route) bool { return projects != nil && !slices.Contains(projects, r.Project) })
	slices.SortFunc(list, func(a, b warning.Route) int {
		return cmp.Or(cmp.Compare(a.Project, b.Project), cmp.Compare(a.Name, b.Name))
	})
	out := web.List[Route]{Items: []Route{}}
	for _, r := range list {
		if in.Cursor != "" && r.Project+"/"+r.Name <= in.Cursor {
			continue
		}
		if len(out.Items) == in.Limit {
			last := out.Items[len(out.Items)-1]
			out.Next = last.Project + "/" + last.Name
			break
		}
		out.Items = append(out.Items, viewRoute(r))
	}
	return &web.Out[web.List[Route]]{Body: out}, nil
}

func (p *Pages) apiRoute(ctx context.Context, _ *routeIn) (*web.Out[Route], error) {
	list, err := p.cfg.Warning.Routes(ctx, web.ProjectFrom(ctx))
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(r warning.Route) bool { return r.ID == web.RefFrom(ctx).ID })
	if i < 0 {
		return nil, mainstay.Errorf(mainstay.NotFound, "There is no such route.")
	}
	return &web.Out[Route]{ETag: web.ETag(list[i].Version), Body: viewRoute(list[i])}, nil
}
