package maintenanceweb

import (
	"context"
	"net/http"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/web"
)

// apiPut changes a window by id, number or name, or plans one by its name.
func (p *Pages) apiPut(rt *web.Router) func(context.Context, *changeIn) (*changeOut, error) {
	return func(ctx context.Context, in *changeIn) (*changeOut, error) {
		v := web.ViewerFrom(ctx)
		found, err := rt.Named(ctx, mainstay.KindWindow, in.Name, in.Project)
		if err == nil {
			if !v.May(access.WindowManage, found.Project) {
				return nil, mainstay.Errorf(mainstay.Denied, "You may not change this window.")
			}
			return p.changeByID(ctx, in, found.Ref.ID, http.StatusOK)
		}
		if !mainstay.Is(err, mainstay.NotFound) || project.CheckName(in.Name) != "" || mainstay.ValidID(in.Name) {
			return nil, err
		}
		in.IfNoneMatch = ""
		if err := in.Holds(0); err != nil {
			return nil, err
		}
		at := mainstay.Installation
		if in.Project != "" {
			_, ids, err := rt.Scope(ctx, access.WindowManage, in.Project)
			if err != nil {
				return nil, err
			}
			at = ids[0]
		}
		if !v.May(access.WindowManage, at) {
			return nil, mainstay.Errorf(mainstay.Denied, "You may not plan maintenance of the whole installation: say which project.")
		}
		w, err := p.cfg.Service.Plan(ctx, v.Actor, at, in.Name, in.Body)
		if err != nil {
			return nil, err
		}
		return &changeOut{http.StatusCreated, web.ETag(w.Version), view(w)}, nil
	}
}

func (p *Pages) changeByID(ctx context.Context, in *changeIn, id string, status int) (*changeOut, error) {
	w, err := p.cfg.Service.Window(ctx, id)
	if err == nil {
		err = in.Holds(w.Version)
	}
	if err != nil {
		return nil, err
	}
	if _, err := p.cfg.Service.Change(ctx, web.ViewerFrom(ctx).Actor, id, in.Body); err != nil {
		return nil, err
	}
	w, err = p.cfg.Service.Window(ctx, id)
	return &changeOut{status, web.ETag(w.Version), view(w)}, err
}
