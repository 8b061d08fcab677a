package web

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/web/assets"
	"github.com/mainstayhq/mainstay/web/ui"
)

// place is one entry of the rail. Its page is the first of the patterns that is registered.
type place struct {
	nav, text, icon string
	patterns        []string
	phone           bool   // one of the four at the bottom of a phone
	key             string // goes there after g
}

var places = []place{
	{"now", "Now", "now", []string{"/{$}"}, true, "n"},
	{"projects", "Projects", "projects", []string{"/projects"}, false, "p"},
	{"incidents", "Incidents", "incidents", []string{"/incidents"}, true, "i"},
	{"alerts", "Alerts", "alerts", []string{"/alerts"}, true, "a"},
	{"oncall", "On call", "oncall", []string{"/oncall", "/schedules"}, true, "o"},
	{"desk", "Desk", "desk", []string{"/tickets", "/desk"}, false, "d"},
	{"knowledge", "Knowledge", "knowledge", []string{"/articles"}, false, "k"},
	{"improve", "Improve", "improve", []string{"/improve", "/rootcauses", "/actions"}, false, "v"},
	{"plan", "Plan", "plan", []string{"/plan", "/windows"}, false, "l"},
	{"admin", "Admin", "admin", []string{"/admin"}, false, "s"},
}

// shell gathers what surrounds a page. What cannot be found out is left out: the page matters more.
func (c *Ctx) shell(ctx context.Context, p Page) ui.Shell {
	s := ui.Shell{Title: p.Title, Bare: p.Bare || !c.Viewer.SignedIn(), Phone: p.Phone, Says: c.eatSays(), Version: c.rt.cfg.Version, LiveAt: c.livePosition}
	for _, crumb := range p.Crumbs {
		s.Crumbs = append(s.Crumbs, ui.Crumb{Text: crumb.Text, URL: crumb.URL})
	}
	for _, ref := range p.Live {
		s.Live = append(s.Live, ref.String())
	}
	if s.Bare {
		return s
	}
	me := c.me()
	s.Me = ui.Me{ID: c.Viewer.PersonID, Name: me.Name, Line: me.Line, URL: me.URL, OnCall: me.OnCall}
	if s.Me.Name == "" {
		s.Me.Name = c.Viewer.Name
	}
	_, s.SignOut = c.rt.route(http.MethodPost, "/sign-out")
	s.Rail = c.rail(ctx, p.Nav)
	if !c.Ref.IsZero() && p.Status < 400 {
		s.Ref = c.Ref.String()
	}
	c.own(ctx, &s)
	if f := c.rt.cfg.Burning; f != nil {
		burn, err := f(ctx, c.Viewer)
		if err != nil {
			c.rt.cfg.Log.WarnContext(ctx, "burning incidents not found out", "err", err)
		}
		s.Burn = burn
	}
	return s
}

// own adds what is the viewer's own: pinned views, the bell, the way to what they owe.
func (c *Ctx) own(ctx context.Context, s *ui.Shell) {
	if c.Viewer.PersonID == "" {
		return
	}
	if _, ok := c.rt.route(http.MethodGet, "/mine"); ok {
		s.Mine = "/mine"
	}
	if f := c.rt.cfg.Unread; f != nil {
		n, err := f(ctx, c.Viewer)
		if err != nil {
			c.rt.cfg.Log.WarnContext(ctx, "unread notifications not counted", "err", err)
		}
		s.Bell = &ui.Bell{URL: "/me/notifications", N: n, Live: string(mainstay.KindPerson) + ":" + c.Viewer.PersonID}
	}
	if f := c.rt.cfg.Views; f != nil {
		list, err := f.Of(ctx, c.Viewer, "")
		if err != nil {
			c.rt.cfg.Log.WarnContext(ctx, "pinned views not found out", "err", err)
		}
		here := c.Query("view")
		for _, v := range list {
			s.Pins = append(s.Pins, ui.Pin{Text: v.Title, URL: v.URL(), Here: here != "" && v.ID == here})
		}
	}
}

func (c *Ctx) rail(ctx context.Context, nav string) []ui.Place {
	tallies := map[string]ui.Tally{}
	if f := c.rt.cfg.Tallies; f != nil {
		var err error
		if tallies, err = f(ctx, c.Viewer); err != nil {
			c.rt.cfg.Log.WarnContext(ctx, "numbers of the rail not found out", "err", err)
		}
	}
	var rail []ui.Place
	for _, pl := range places {
		for _, pattern := range pl.patterns {
			r, ok := c.rt.route(http.MethodGet, pattern)
			if !ok || !c.Viewer.MayAny(r.Permission) {
				continue
			}
			rail = append(rail, ui.Place{
				Text: pl.text, Icon: pl.icon, URL: strings.TrimSuffix(pattern, "{$}"), Here: pl.nav == nav,
				Tally: tallies[pl.nav], Phone: pl.phone, Key: pl.key,
			})
			break
		}
	}
	return rail
}

// shellRoutes adds the routes that belong to no practice.
func (rt *Router) shellRoutes() {
	get := func(pattern string, p access.Permission, h http.HandlerFunc) {
		rt.Raw(Route{Method: http.MethodGet, Pattern: pattern, Permission: p}, h)
	}
	get("/-/healthy", access.Public, func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "healthy\n") })
	get("/-/ready", access.Public, rt.serveReady)
	get("/api/openapi.json", access.Public, rt.openAPI())
	rt.docsRoute()
	get("/live", access.Self, rt.serveLive)
	get("/search.json", access.Self, rt.serveHits)
	get("/assets/{version}/{file}", access.Public, assets.Serve)
	get("/manifest.webmanifest", access.Public, rt.serveManifest)
	get("/favicon.ico", access.Public, func(w http.ResponseWriter, req *http.Request) { assets.ServeFile(w, req, "icon-32.png") })
	get("/worker.js", access.Public, serveWorker)
	rt.Handle(Route{Method: http.MethodGet, Pattern: "/offline", Permission: access.Public}, rt.offline)
	rt.Handle(Route{Method: http.MethodPost, Pattern: "/undo/{id}", Permission: access.Self, Urgent: true}, rt.undo)
	get("/robots.txt", access.Public, func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "User-agent: *\nDisallow: /\n") })
	if rt.cfg.Metrics != nil {
		get("/metrics", access.Public, rt.serveMetrics)
	}
	rt.Handle(Route{Method: http.MethodGet, Pattern: "/{$}", Permission: access.Self}, rt.now)
	rt.Handle(Route{Method: http.MethodGet, Pattern: "/search", Permission: access.Self}, rt.search)
	rt.Handle(Route{Method: http.MethodGet, Pattern: "/signed-in", Permission: access.Self}, func(c *Ctx) error {
		return c.Render(Page{Title: "Signed in", Bare: true}, ui.SignedInPage())
	})
	rt.setupRoutes()
	if rt.cfg.Projects != nil {
		rt.Handle(Route{Method: http.MethodGet, Pattern: "/projects", Permission: access.ProjectRead}, rt.projects)
		rt.Handle(Route{Method: http.MethodGet, Pattern: "/projects/{id}", Permission: access.ProjectRead, Kind: mainstay.KindProject}, rt.project)
	}
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // the client may have gone
}

func (rt *Router) serveReady(w http.ResponseWriter, req *http.Request) {
	if rt.cfg.Ready != nil {
		if err := rt.cfg.Ready(req.Context()); err != nil {
			plain(w, http.StatusServiceUnavailable, "not ready: "+mainstay.ErrorMessage(err)+"\n")
			return
		}
	}
	plain(w, http.StatusOK, "ready\n")
}

// serveMetrics answers programs on the same machine without credentials, and others with a token (or a session) that may
// manage settings. A request that came through a proxy is never "the same machine".
func (rt *Router) serveMetrics(w http.ResponseWriter, req *http.Request) {
	near := false
	if ap, err := netip.ParseAddrPort(req.RemoteAddr); err == nil {
		forwarded := req.Header.Get("X-Forwarded-For") != "" || req.Header.Get("Forwarded") != ""
		near = ap.Addr().Unmap().IsLoopback() && !forwarded
	}
	if !near {
		if err := rt.admit(Route{Permission: access.SettingManage}, req); err != nil {
			rt.WriteProblem(w, req, err)
			return
		}
	}
	rt.cfg.Metrics.ServeHTTP(w, req)
}

func (rt *Router) serveManifest(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/manifest+json")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write([]byte(`{"id":"/","name":"Mainstay","short_name":"Mainstay","description":"Support of a product after its launch",` +
		`"start_url":"/","scope":"/","display":"standalone","background_color":"#ffffff","theme_color":"#ffffff","icons":[` +
		`{"src":"` + assets.URL("icon.svg") + `","sizes":"any","type":"image/svg+xml"},` +
		`{"src":"` + assets.URL("icon-192.png") + `","sizes":"192x192","type":"image/png"},` +
		`{"src":"` + assets.URL("icon-512.png") + `","sizes":"512x512","type":"image/png","purpose":"any"},` +
		`{"src":"` + assets.URL("icon-512.png") + `","sizes":"512x512","type":"image/png","purpose":"maskable"}],"shortcuts":[` +
		`{"name":"Pages under way","url":"/pages"},{"name":"Declare an incident","url":"/incidents/new"},{"name":"Mine","url":"/mine"}]}`)) // the client may have gone
}
