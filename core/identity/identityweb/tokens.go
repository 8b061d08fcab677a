package identityweb

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// tokensView is the list of tokens.
type tokensView struct {
	Rows []tokenRow
	Next string
	// Made is the token that was just made, with its secret, which is shown only now.
	Made    string
	Secret  string
	Rotated time.Time // until when its former secret counts; zero for a new token
}

type tokenRow struct {
	identity.Token
	Where string
	State ui.State
	Alive bool
}

func (p *Pages) tokensView(c *web.Ctx) (tokensView, error) {
	var v tokensView
	list, next, err := p.Identity.ListTokens(c.Context(), c.Query("before"), 50)
	if err != nil {
		return v, err
	}
	for _, t := range list {
		lines, err := p.lines(c.Context(), []access.Grant{{Role: t.Role, Project: t.Project}})
		if err != nil {
			return v, err
		}
		r := tokenRow{Token: t, Where: lines[0].Where, State: ui.Good("active")}
		r.Alive = t.Counts(c.Now)
		switch {
		case !t.RevokedAt.IsZero():
			r.State = ui.Muted("revoked")
		case !r.Alive:
			r.State = ui.Muted("run out")
		case !t.ExpiresAt.IsZero() && t.ExpiresAt.Sub(c.Now) < 7*24*time.Hour:
			r.State = ui.Warn("runs out soon")
		case t.UsedAt.IsZero():
			r.State = ui.Muted("never used").As("na")
		}
		v.Rows = append(v.Rows, r)
	}
	if next != "" {
		v.Next = "/admin/tokens?before=" + next
	}
	return v, nil
}

func tokensPageOf() web.Page {
	return web.Page{Title: "API tokens", Nav: "admin", Crumbs: []web.Crumb{{Text: "Admin", URL: "/admin"}, {Text: "API tokens"}}}
}

func (p *Pages) tokens(c *web.Ctx) error {
	v, err := p.tokensView(c)
	if err != nil {
		return err
	}
	return c.Render(tokensPageOf(), tokensPage(v))
}

// tokenForm is the form for a new token.
type tokenForm struct {
	Name, Role, Project string
	Expires             string // days, or "never"
	Roles, Projects     []ui.Option
	Lives               []ui.Option
	Faults              map[string]string
}

func (p *Pages) showTokenForm(c *web.Ctx, f tokenForm, status int) (err error) {
	f.Roles, f.Lives = roleOptions(), lives
	if f.Projects, err = p.projectOptions(c.Context()); err != nil {
		return err
	}
	return c.Render(web.Page{Title: "New API token", Nav: "admin", Status: status, Crumbs: []web.Crumb{
		{Text: "Admin", URL: "/admin"}, {Text: "API tokens", URL: "/admin/tokens"}, {Text: "New"},
	}}, tokenFormPage(f))
}

func (p *Pages) newToken(c *web.Ctx) error {
	return p.showTokenForm(c, tokenForm{Role: string(access.Responder), Expires: "365"}, 200)
}

func (p *Pages) createToken(c *web.Ctx) error {
	f := tokenForm{Name: c.Form("name"), Role: c.Form("role"), Project: c.Form("project"), Expires: c.Form("expires")}
	project, err := p.projectOf(c)
	if err != nil {
		return err
	}
	var until time.Time
	if days, err := strconv.Atoi(f.Expires); err == nil && days > 0 && days <= 3650 {
		until = c.Now.AddDate(0, 0, days)
	}
	_, secret, err := p.Identity.AddToken(c.Context(), c.Actor(), f.Name, access.Role(f.Role), project, until)
	if f.Faults = mainstay.ErrorFields(err); f.Faults != nil {
		return p.showTokenForm(c, f, 422)
	}
	if err != nil {
		return err
	}
	v, err := p.tokensView(c)
	if err != nil {
		return err
	}
	v.Made, v.Secret = f.Name, secret
	return c.Render(tokensPageOf(), tokensPage(v))
}

// lives are how long a token may count.
var lives = []ui.Option{
	{Value: "30", Text: "30 days"}, {Value: "90", Text: "90 days"}, {Value: "365", Text: "a year"}, {Value: "never", Text: "until it is revoked"},
}

// rotateOverlap is how long the former secret counts beside the new one.
const rotateOverlap = 24 * time.Hour

func (p *Pages) rotateToken(c *web.Ctx) error {
	overlap := rotateOverlap
	if c.Checked("now") {
		overlap = 0
	}
	t, secret, err := p.Identity.RotateToken(c.Context(), c.Actor(), c.Ref.ID, overlap)
	if mainstay.Is(err, mainstay.Conflict) {
		c.Say("%s", mainstay.ErrorMessage(err))
		return c.See("/admin/tokens")
	}
	if err != nil {
		return err
	}
	v, err := p.tokensView(c)
	if err != nil {
		return err
	}
	v.Made, v.Secret, v.Rotated = t.Name, secret, t.OldUntil
	return c.Render(tokensPageOf(), tokensPage(v))
}

func (p *Pages) revokeToken(c *web.Ctx) error {
	t, err := p.Identity.Token(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	if err := p.Identity.RevokeToken(c.Context(), c.Actor(), t.ID); err != nil {
		return err
	}
	c.Say("The token %s is revoked. Whatever used it is refused from now on.", t.Name)
	return c.See("/admin/tokens")
}

// Token is an API token as the API shows it. Secret is told only by the answer to its making.
type Token struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Role      string     `json:"role"`
	Project   string     `json:"project,omitempty" doc:"A project's id; missing for all projects"`
	Tail      string     `json:"tail" doc:"The last four characters of the secret"`
	CreatedAt time.Time  `json:"createdAt"`
	UsedAt    *time.Time `json:"usedAt,omitempty" doc:"Last use, to the minute"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty" doc:"Missing for a token that counts until it is revoked"`
	OldUntil  *time.Time `json:"oldUntil,omitempty" doc:"Until when the secret before the last rotation counts, too"`
	RevokedAt *time.Time `json:"revokedAt,omitempty"`
	Secret    string     `json:"secret,omitempty" doc:"Only in the answer to POST"`
}

// NewToken is what a new token shall be.
type NewToken struct {
	Name    string `json:"name" minLength:"1" maxLength:"100"`
	Role    string `json:"role" enum:"administrator,manager,responder,member,stakeholder,customer"`
	Project string `json:"project,omitempty" doc:"A project's id or name; all projects when missing"`
	// ExpiresAt is zero for a token that counts until it is revoked.
	ExpiresAt time.Time `json:"expiresAt,omitzero" doc:"When it stops to count; never when missing"`
}

// Rotation says how the secret of a token changes.
type Rotation struct {
	Overlap string `json:"overlap,omitempty" doc:"How long the former secret counts, too, such as 24h; none when missing" maxLength:"20"`
}

func viewToken(t identity.Token) Token {
	when := func(at time.Time) *time.Time {
		if at.IsZero() {
			return nil
		}
		return &at
	}
	return Token{
		ID: t.ID, Name: t.Name, Role: string(t.Role), Project: t.Project, Tail: t.Tail,
		CreatedAt: t.CreatedAt, UsedAt: when(t.UsedAt), RevokedAt: when(t.RevokedAt), ExpiresAt: when(t.ExpiresAt), OldUntil: when(t.OldUntil),
	}
}

type tokenID struct {
	ID string `path:"id"`
}

func (p *Pages) api(rt *web.Router) {
	web.API(rt, web.Route{Method: "GET", Pattern: "/tokens", Permission: access.TokenManage},
		web.Doc{Summary: "List API tokens, newest first", Tag: "tokens"}, p.listAPI)
	web.API(rt, web.Route{Method: "POST", Pattern: "/tokens", Permission: access.TokenManage},
		web.Doc{Summary: "Make an API token", Description: "The answer tells the secret; nothing tells it again.", Tag: "tokens", Status: 201}, p.createAPI)
	web.API(rt, web.Route{Method: "GET", Pattern: "/tokens/{id}", Permission: access.TokenManage, Kind: mainstay.KindToken},
		web.Doc{Summary: "One API token", Tag: "tokens"}, p.tokenAPI)
	web.API(rt, web.Route{Method: "POST", Pattern: "/tokens/{id}/rotate", Permission: access.TokenManage, Kind: mainstay.KindToken},
		web.Doc{Summary: "Give an API token another secret", Description: "The answer tells the new secret; nothing tells it again. The former one counts for as long as overlap says.", Tag: "tokens"}, p.rotateAPI)
	web.API(rt, web.Route{Method: "DELETE", Pattern: "/tokens/{id}", Permission: access.TokenManage, Kind: mainstay.KindToken},
		web.Doc{Summary: "Revoke an API token", Tag: "tokens", Status: 204}, p.revokeAPI)
}

// rotateAPI gives a token another secret.
func (p *Pages) rotateAPI(ctx context.Context, in *struct {
	tokenID
	Body Rotation
}) (*web.Out[Token], error) {
	overlap := time.Duration(0)
	if in.Body.Overlap != "" {
		var err error
		if overlap, err = time.ParseDuration(in.Body.Overlap); err != nil {
			return nil, mainstay.Faults{"overlap": "Write a duration such as 24h."}.Err()
		}
	}
	t, secret, err := p.Identity.RotateToken(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID, overlap)
	out := &web.Out[Token]{Body: viewToken(t)}
	out.Body.Secret = secret
	return out, err
}

func (p *Pages) listAPI(ctx context.Context, in *struct{ web.Query }) (*web.Out[web.List[Token]], error) {
	list, next, err := p.Identity.ListTokens(ctx, in.Cursor, in.Limit)
	out := &web.Out[web.List[Token]]{Body: web.List[Token]{Items: []Token{}, Next: next}}
	for _, t := range list {
		out.Body.Items = append(out.Body.Items, viewToken(t))
	}
	return out, err
}

func (p *Pages) tokenAPI(ctx context.Context, _ *tokenID) (*web.Out[Token], error) {
	t, err := p.Identity.Token(ctx, web.RefFrom(ctx).ID)
	newest := t.CreatedAt
	for _, at := range []time.Time{t.UsedAt, t.RevokedAt, t.OldUntil} {
		if at.After(newest) {
			newest = at
		}
	}
	return &web.Out[Token]{ETag: web.ETag(newest.UnixMicro()), Body: viewToken(t)}, err
}

func (p *Pages) createAPI(ctx context.Context, in *struct{ Body NewToken }) (*web.Out[Token], error) {
	project := strings.TrimSpace(in.Body.Project)
	if project != "" {
		x, err := p.Projects.Project(ctx, project)
		if err != nil {
			return nil, err
		}
		project = x.ID
	}
	t, secret, err := p.Identity.AddToken(ctx, web.ViewerFrom(ctx).Actor, in.Body.Name, access.Role(in.Body.Role), project, in.Body.ExpiresAt)
	out := &web.Out[Token]{Body: viewToken(t)}
	out.Body.Secret = secret
	return out, err
}

func (p *Pages) revokeAPI(ctx context.Context, _ *tokenID) (*struct{}, error) {
	return nil, p.Identity.RevokeToken(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID)
}
