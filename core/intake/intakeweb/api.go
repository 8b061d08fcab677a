package intakeweb

import (
	"context"
	"net/http"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/web"
)

// Key is an intake key as the API shows it. Secret is set only in the answer that made it.
type Key struct {
	ID         string     `json:"id"`
	Project    string     `json:"project"`
	Service    string     `json:"service,omitempty"`
	Format     string     `json:"format"`
	Hint       string     `json:"hint" doc:"the first characters"`
	State      string     `json:"state" enum:"active,revoked"`
	CreatedAt  time.Time  `json:"createdAt"`
	LastUsedAt *time.Time `json:"lastUsedAt,omitempty"`
	RevokedAt  *time.Time `json:"revokedAt,omitempty"`
}

// NewKey is the answer that makes a key: the only one that holds it.
type NewKey struct {
	Key string `json:"key" doc:"the key itself; it is shown this once"`
}

func view(k intake.Key) Key {
	v := Key{ID: k.ID, Project: k.Project, Service: k.Service, Format: k.Format, Hint: k.Hint, State: k.State(), CreatedAt: k.Created}
	if !k.LastUsed.IsZero() {
		v.LastUsedAt = &k.LastUsed
	}
	if !k.Revoked.IsZero() {
		v.RevokedAt = &k.Revoked
	}
	return v
}

type keysIn struct{ web.Query }

type keyIn struct {
	ID string `path:"id"`
}

type createIn struct {
	Body struct {
		Project string `json:"project" doc:"a project's id or name" maxLength:"100"`
		Service string `json:"service,omitempty" doc:"a service's id or name; the whole project when empty" maxLength:"100"`
		Format  string `json:"format" maxLength:"50"`
	}
}

func (p *Pages) api(rt *web.Router) {
	web.API(rt, web.Route{Method: "GET", Pattern: "/keys", Permission: access.KeyManage},
		web.Doc{Summary: "List intake keys, newest first", Tag: "keys"}, p.apiList)
	web.API(rt, web.Route{Method: "POST", Pattern: "/keys", Permission: access.KeyManage},
		web.Doc{Summary: "Make an intake key", Description: "The answer is the only place where the key is ever shown.", Tag: "keys", Status: http.StatusCreated}, p.apiCreate)
	web.API(rt, web.Route{Method: "GET", Pattern: "/keys/{id}", Permission: access.KeyManage, Kind: mainstay.KindKey},
		web.Doc{Summary: "One intake key; the key itself is not shown again", Tag: "keys"}, p.apiOne)
	web.API(rt, web.Route{Method: "POST", Pattern: "/keys/{id}/rotate", Permission: access.KeyManage, Kind: mainstay.KindKey},
		web.Doc{Summary: "Make a successor", Description: "The old key stays valid until it is revoked.", Tag: "keys", Status: http.StatusCreated}, p.apiRotate)
	web.API(rt, web.Route{Method: "DELETE", Pattern: "/keys/{id}", Permission: access.KeyManage, Kind: mainstay.KindKey},
		web.Doc{Summary: "Revoke an intake key", Tag: "keys"}, p.apiRevoke)
}

func (p *Pages) apiList(ctx context.Context, in *keysIn) (*web.Out[web.List[Key]], error) {
	project := ""
	if in.Project != "" {
		var err error
		if project, _, err = p.owner(ctx, web.ViewerFrom(ctx), in.Project, ""); err != nil {
			return nil, err
		}
	}
	keys, next, err := p.keys(ctx, web.ViewerFrom(ctx), project, in.Cursor, max(in.Limit, 1))
	if err != nil {
		return nil, err
	}
	out := web.List[Key]{Items: []Key{}, Next: next}
	for _, k := range keys {
		out.Items = append(out.Items, view(k))
	}
	return &web.Out[web.List[Key]]{Body: out}, nil
}

func (p *Pages) apiOne(ctx context.Context, _ *keyIn) (*web.Out[Key], error) {
	k, err := p.cfg.Keys.Key(ctx, web.RefFrom(ctx).ID)
	newest := k.Created
	for _, t := range []time.Time{k.LastUsed, k.Revoked} {
		if t.After(newest) {
			newest = t
		}
	}
	return &web.Out[Key]{ETag: web.ETag(newest.UnixMicro()), Body: view(k)}, err
}

func (p *Pages) apiCreate(ctx context.Context, in *createIn) (*web.Out[NewKey], error) {
	v := web.ViewerFrom(ctx)
	project, service, err := p.owner(ctx, v, in.Body.Project, in.Body.Service)
	if err != nil {
		return nil, err
	}
	secret, err := p.cfg.Keys.Create(ctx, v.Actor, project, service, in.Body.Format)
	return &web.Out[NewKey]{Body: NewKey{secret}}, err
}

func (p *Pages) apiRotate(ctx context.Context, in *keyIn) (*web.Out[NewKey], error) {
	secret, err := p.cfg.Keys.Rotate(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID)
	return &web.Out[NewKey]{Body: NewKey{secret}}, err
}

func (p *Pages) apiRevoke(ctx context.Context, in *keyIn) (*struct{}, error) {
	return nil, p.cfg.Keys.Revoke(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID)
}
