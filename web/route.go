package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
)

// Route is one line of the route table.
type Route struct {
	Method, Pattern string
	Permission      access.Permission
	// Kind says of what kind the object is that the path value {id} (or {name}) names. It is resolved before the handler
	// runs, the permission is checked in its project, and it is not found for those who may not even read it. Without a
	// Kind the permission must be held in at least one project.
	Kind mainstay.Kind
	// Names says what the path value names when Kind is empty: an object that the operation makes when it is not there.
	Names  mainstay.Kind
	Urgent bool // paging and acknowledging
	// Refuse answers requests of a Raw route that may not pass, in the sender's own error shape; nil answers problem+json.
	Refuse func(w http.ResponseWriter, r *http.Request, err error)
	// MaxBody is the limit of the request body in bytes; 0 is the server's, -1 leaves it to the handler.
	MaxBody int64
}

// Router holds every route of the server. Routes are added before Handler is first used.
type Router struct {
	cfg    Config
	mux    *http.ServeMux
	api    huma.API
	routes []Route
	panels []Panel
	reads  map[mainstay.Kind]reading
	live   *Live
	cross  *http.CrossOriginProtection

	byActor, byAddress *meters

	inverses map[string]inverse
}

// NewRouter makes a router with the routes that belong to the shell itself: Now, projects, search, assets, the live
// stream, health. A fault in the configuration is an error.
func NewRouter(cfg Config) (*Router, error) {
	switch {
	case cfg.Time == nil:
		return nil, fmt.Errorf("web: Config.Time is missing")
	case cfg.Log == nil:
		return nil, fmt.Errorf("web: Config.Log is missing")
	case cfg.Identity == nil:
		return nil, fmt.Errorf("web: Config.Identity is missing")
	case cfg.Objects == nil:
		return nil, fmt.Errorf("web: Config.Objects is missing")
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 1 << 20
	}
	rt := &Router{cfg: cfg, mux: http.NewServeMux(), reads: map[mainstay.Kind]reading{}, cross: http.NewCrossOriginProtection()}
	if u := cfg.ExternalURL; u != nil {
		if err := rt.cross.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			return nil, fmt.Errorf("web: external URL: %w", err)
		}
	}
	rt.byActor, rt.byAddress = newMeters(cfg.Rate, 1), newMeters(cfg.Rate, addresses)
	rt.live = newLive(cfg)
	rt.api = newAPI(rt)
	rt.shellRoutes()
	return rt, nil
}

// Routes is the whole table, in the order of registration.
func (rt *Router) Routes() []Route { return slices.Clone(rt.routes) }

// Live is the hub of the live stream.
func (rt *Router) Live() *Live { return rt.live }

// AddPanels registers panels; see Panel.
func (rt *Router) AddPanels(panels ...Panel) { rt.panels = append(rt.panels, panels...) }

// Handle adds a page or a form post. A route without a permission is a fault of the program and panics.
func (rt *Router) Handle(r Route, h func(c *Ctx) error) {
	r = rt.add(r)
	rt.mux.HandleFunc(r.Method+" "+r.Pattern, func(w http.ResponseWriter, req *http.Request) { rt.servePage(r, h, w, req) })
}

// Raw adds a plain handler, for protocols with their own shapes (intake, compatible APIs). Viewer, ref and project are in
// the request's context; see ViewerFrom. With access.Public the handler itself decides whom it trusts; otherwise the viewer
// may come by session, bearer or basic authentication.
func (rt *Router) Raw(r Route, h http.Handler) {
	r = rt.add(r)
	rt.describeRaw(r)
	pattern := r.Pattern
	if r.Method != "" {
		pattern = r.Method + " " + pattern
	}
	rt.mux.HandleFunc(pattern, func(w http.ResponseWriter, req *http.Request) { rt.serveRaw(r, h, w, req) })
}

// add puts a route into the table after checking it.
func (rt *Router) add(r Route) Route {
	switch {
	case r.Permission == "":
		panic(fmt.Sprintf("web: route %s %s names no permission; every route names one, access.Public if nobody needs to sign in", r.Method, r.Pattern))
	case !strings.HasPrefix(r.Pattern, "/"):
		panic(fmt.Sprintf("web: route %s %q must begin with a slash", r.Method, r.Pattern))
	case r.Kind != "" && pathName(r.Pattern) == "":
		panic(fmt.Sprintf("web: route %s %s has a kind, but no path value {id} or {name}", r.Method, r.Pattern))
	}
	rt.routes = append(rt.routes, r)
	return r
}

// pathName is the path value that names the object of a route with a kind, "" when there is none.
func pathName(pattern string) string {
	for _, name := range []string{"id", "name", "number"} {
		if strings.Contains(pattern, "{"+name+"}") {
			return name
		}
	}
	return ""
}

// route finds a route by method and pattern.
func (rt *Router) route(method, pattern string) (Route, bool) {
	for _, r := range rt.routes {
		if r.Method == method && r.Pattern == pattern {
			return r, true
		}
	}
	return Route{}, false
}
