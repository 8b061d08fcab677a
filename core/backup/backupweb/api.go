package backupweb

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/backup"
	"github.com/mainstayhq/mainstay/web"
)

// Backup is a copy as the API shows it.
type Backup struct {
	ID         string    `json:"id"`
	Name       string    `json:"name" doc:"of the file in the server's folder"`
	State      string    `json:"state" enum:"making,unverified,verifying,verified,failed,gone"`
	Cause      string    `json:"cause" enum:"schedule,person,found"`
	BeganAt    time.Time `json:"beganAt" doc:"about the moment that it shows"`
	MadeAt     time.Time `json:"madeAt,omitzero"`
	VerifiedAt time.Time `json:"verifiedAt,omitzero" doc:"when it was last restored to try it, and found whole"`
	Size       int64     `json:"size" doc:"bytes"`
	Rows       int64     `json:"rows"`
	Facts      int64     `json:"facts" doc:"known once it was verified"`
	Files      int64     `json:"files"`
	Missing    int64     `json:"missing" doc:"files whose content the installation itself did not have"`
	Version    string    `json:"version" doc:"of Mainstay"`
	Error      string    `json:"error,omitempty"`
}

func viewOf(c backup.Copy) Backup {
	return Backup{
		ID: c.ID, Name: c.Name, State: string(c.State), Cause: c.Cause, BeganAt: c.Began, MadeAt: c.Made, VerifiedAt: c.Verified,
		Size: c.Size, Rows: c.Rows, Facts: c.Facts, Files: c.Files, Missing: c.Missing, Version: c.Version, Error: c.Error,
	}
}

func (p *Pages) api(rt *web.Router) {
	route := func(method, pattern string) web.Route {
		return web.Route{Method: method, Pattern: pattern, Permission: access.SettingManage}
	}
	web.API(rt, route("GET", "/backups"), web.Doc{Summary: "Backups in the server's folder, and those that failed, newest first", Tag: "backups"},
		func(ctx context.Context, _ *struct{}) (*web.Out[web.List[Backup]], error) {
			list, err := p.cfg.Service.Copies(ctx)
			out := web.List[Backup]{Items: []Backup{}}
			for _, c := range list {
				out.Items = append(out.Items, viewOf(c))
			}
			return &web.Out[web.List[Backup]]{Body: out}, err
		})
	web.API(rt, route("GET", "/backups/{id}"), web.Doc{Summary: "One backup", Tag: "backups"},
		func(ctx context.Context, in *struct {
			ID string `path:"id"`
		}) (*web.Out[Backup], error) {
			c, err := p.cfg.Service.Copy(ctx, in.ID)
			return &web.Out[Backup]{Body: viewOf(c)}, err
		})
	web.API(rt, route("POST", "/backups"), web.Doc{Summary: "Make a backup and try it. It answers at once; ask for its state", Tag: "backups", Status: 202},
		func(ctx context.Context, _ *struct{}) (*web.Out[Backup], error) {
			c, err := p.cfg.Service.Make(ctx, web.ViewerFrom(ctx).Actor)
			return &web.Out[Backup]{Body: viewOf(c)}, err
		})
}
