package fileweb

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/file"
	"github.com/mainstayhq/mainstay/web"
)

// View is an exhibit as the API shows it.
type View struct {
	ID        string         `json:"id"`
	Project   string         `json:"project"`
	Subject   string         `json:"subject" doc:"kind:id of what it belongs to"`
	Name      string         `json:"name"`
	SHA256    string         `json:"sha256"`
	Size      int64          `json:"size" doc:"bytes"`
	MediaType string         `json:"mediaType"`
	URL       string         `json:"url" doc:"where its content is"`
	By        mainstay.Actor `json:"by"`
	At        time.Time      `json:"at"`
}

func view(e file.Exhibit) View {
	return View{ID: e.ID, Project: e.Project, Subject: e.Subject.String(), Name: e.Name, SHA256: e.SHA256, Size: e.Size,
		MediaType: e.MediaType, URL: e.URL(), By: e.By, At: e.At}
}

// One names an exhibit.
type One struct {
	ID string `path:"id"`
}

func (p *Pages) api(rt *web.Router) {
	web.API(rt, web.Route{Method: "GET", Pattern: "/exhibits/{id}", Permission: access.Self, Kind: mainstay.KindExhibit},
		web.Doc{Summary: "Read what is known of an exhibit", Tag: "exhibits"},
		func(ctx context.Context, _ *One) (*web.Out[View], error) {
			e, err := p.cfg.Files.Load(ctx, web.RefFrom(ctx).ID)
			if err != nil {
				return nil, err
			}
			if err := p.mayRead(ctx, web.ViewerFrom(ctx), e); err != nil {
				return nil, err
			}
			return &web.Out[View]{ETag: `"` + e.SHA256 + `"`, Body: view(e)}, nil
		})
}
