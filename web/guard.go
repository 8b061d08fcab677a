package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/object"
)

// scope is what the middleware found out about one request.
type scope struct {
	viewer  access.Viewer
	found   object.Object
	request string // request id
	ifMatch string // of an API request
	path    string // its path value
	project string // its query value
	err     error  // for the access log
}

type scopeKey struct{}

func scopeOf(ctx context.Context) *scope {
	if s, ok := ctx.Value(scopeKey{}).(*scope); ok {
		return s
	}
	return &scope{}
}

// ViewerFrom is who asks, in a handler of an API operation or a Raw route.
func ViewerFrom(ctx context.Context) access.Viewer { return scopeOf(ctx).viewer }

// RefFrom is the object that the path names, for routes with a Kind.
func RefFrom(ctx context.Context) mainstay.Ref { return scopeOf(ctx).found.Ref }

// ProjectFrom is the project of the object that the path names, "" when it belongs to the installation.
func ProjectFrom(ctx context.Context) string { return scopeOf(ctx).found.Project }

// ObjectFrom is the whole register entry of the object that the path names.
func ObjectFrom(ctx context.Context) object.Object { return scopeOf(ctx).found }

// RequestID is the id that the access log and error pages show.
func RequestID(ctx context.Context) string { return scopeOf(ctx).request }

// reads is the permission without which an object of the kind may not even be seen.
var reads = map[mainstay.Kind]access.Permission{
	mainstay.KindAlert:     access.AlertRead,
	mainstay.KindRoute:     access.AlertRead,
	mainstay.KindPage:      access.PageRead,
	mainstay.KindSchedule:  access.OnCallRead,
	mainstay.KindPolicy:    access.OnCallRead,
	mainstay.KindIncident:  access.IncidentRead,
	mainstay.KindPlan:      access.IncidentRead,
	mainstay.KindPost:      access.PostRead,
	mainstay.KindComponent: access.ComponentRead,
	mainstay.KindWindow:    access.WindowRead,
	mainstay.KindRootCause: access.RootCauseRead,
	mainstay.KindArticle:   access.ArticleRead,
	mainstay.KindAction:    access.ActionRead,
	mainstay.KindPerson:    access.PeopleRead,
	mainstay.KindTeam:      access.PeopleRead,
	mainstay.KindToken:     access.TokenManage,
	mainstay.KindKey:       access.KeyManage,
	mainstay.KindWebhook:   access.ProjectManage,
	mainstay.KindBackup:    access.SettingManage,
}

// Reads is the permission that lets a viewer see objects of the kind at all.
func Reads(kind mainstay.Kind) access.Permission {
	if p, ok := reads[kind]; ok {
		return p
	}
	return access.ProjectRead
}

// admit decides whether the request may go to the route's handler. It fills the request's scope.
func (rt *Router) admit(r Route, req *http.Request) error {
	s := scopeOf(req.Context())
	viewer, err := rt.cfg.Identity.Viewer(req)
	if err != nil && !(r.Permission == access.Public && mainstay.Is(err, mainstay.Unauthenticated)) {
		return err
	}
	s.viewer = viewer
	if r.Permission == access.Public && r.Kind == "" {
		return nil
	}
	if r.Permission != access.Public && !viewer.SignedIn() {
		return mainstay.Errorf(mainstay.Unauthenticated, "Sign in to go on.")
	}
	if r.Kind == "" {
		if !viewer.MayAny(r.Permission) {
			return denied(r.Permission)
		}
		return nil
	}
	return rt.admitObject(r, req, s)
}

// admitObject resolves the object that the path names and checks the permission where it lives.
func (rt *Router) admitObject(r Route, req *http.Request, s *scope) error {
	name := req.PathValue(pathName(r.Pattern))
	found, err := rt.cfg.Objects.Find(req.Context(), r.Kind, name, req.URL.Query().Get("project"))
	if err != nil {
		return err
	}
	may := func(p access.Permission) bool { return s.viewer.May(p, found.Project) }
	if !may(Reads(r.Kind)) && !may(r.Permission) || !s.viewer.Sees(found.Ref.ID, found.Project, found.Private) {
		return unseen(r.Kind, name)
	}
	if !may(r.Permission) {
		return denied(r.Permission)
	}
	s.found = found
	return nil
}

// Seen finds an object that a form or a body names, by id, number or name; one that the viewer may not see is not found.
func (rt *Router) Seen(ctx context.Context, ref mainstay.Ref) (object.Object, error) {
	found, err := rt.cfg.Objects.Find(ctx, ref.Kind, ref.ID, "")
	if err != nil {
		return found, err
	}
	v := ViewerFrom(ctx)
	if !v.May(Reads(ref.Kind), found.Project) || !v.Sees(found.Ref.ID, found.Project, found.Private) {
		return object.Object{}, unseen(ref.Kind, ref.ID)
	}
	return found, nil
}

// Named finds an object by id, number or name, within a project (by id or name) when one is given; one that the viewer may not see is
// not found.
func (rt *Router) Named(ctx context.Context, kind mainstay.Kind, key, project string) (object.Object, error) {
	if project != "" {
		_, ids, err := rt.Scope(ctx, Reads(kind), project)
		if err != nil {
			return object.Object{}, err
		}
		project = ids[0]
	}
	found, err := rt.cfg.Objects.Find(ctx, kind, key, project)
	if err != nil {
		return found, err
	}
	v := ViewerFrom(ctx)
	if !v.May(Reads(kind), found.Project) || !v.Sees(found.Ref.ID, found.Project, found.Private) {
		return object.Object{}, unseen(kind, key)
	}
	return found, nil
}

// Register looks up many objects at once; object.Register does.
type Register interface {
	Many(ctx context.Context, refs []mainstay.Ref) (map[mainstay.Ref]object.Object, error)
}

// Known leaves out of a list what is about a private object that the viewer may not know of. about gives the objects that an item
// is about; the list itself is not changed.
func Known[T any](ctx context.Context, reg Register, v access.Viewer, list []T, about func(T) []mainstay.Ref) ([]T, error) {
	if v.May(access.IncidentManage, "") { // everywhere
		return list, nil
	}
	var refs []mainstay.Ref
	for _, item := range list {
		for _, r := range about(item) {
			if r.ID != "" && r.Kind != mainstay.KindAlert { // never private, and many
				refs = append(refs, r)
			}
		}
	}
	if len(refs) == 0 {
		return list, nil
	}
	found, err := reg.Many(ctx, refs)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(list), func(item T) bool {
		return slices.ContainsFunc(about(item), func(r mainstay.Ref) bool {
			o := found[r]
			return !v.Sees(o.Ref.ID, o.Project, o.Private)
		})
	}), nil
}

func unseen(kind mainstay.Kind, name string) error {
	return mainstay.Errorf(mainstay.NotFound, "There is no %s %q, or you may not see it.", kind, name)
}

// Scope is where a list may look: in all projects, or in those with the ids. Project narrows it to one, by id or name; one in
// which the viewer does not hold the permission is not found.
func (rt *Router) Scope(ctx context.Context, p access.Permission, project string) (all bool, ids []string, err error) {
	viewer := ViewerFrom(ctx)
	if project == "" {
		all, ids = viewer.Projects(p)
		return all, ids, nil
	}
	found, err := rt.cfg.Objects.Find(ctx, mainstay.KindProject, project, "")
	if err != nil {
		return false, nil, err
	}
	if !viewer.May(p, found.Ref.ID) {
		return false, nil, mainstay.Errorf(mainstay.NotFound, "There is no project %q, or you may not see it.", project)
	}
	return false, []string{found.Ref.ID}, nil
}

func denied(p access.Permission) error {
	return mainstay.Errorf(mainstay.Denied, "You may not do this: it needs the permission %q, and none of your roles gives it here. An administrator can change that.", p)
}

// crossOrigin refuses unsafe requests that a browser sends from another site's page. Requests with a bearer token carry
// their own proof and pass.
func (rt *Router) crossOrigin(req *http.Request) error {
	if strings.HasPrefix(strings.ToLower(req.Header.Get("Authorization")), "bearer ") {
		return nil
	}
	if err := rt.cross.Check(req); err != nil {
		return mainstay.Errorf(mainstay.Denied, "This request came from another site's page and was refused; nothing was changed. Open Mainstay itself and try there.")
	}
	return nil
}

func unsafeMethod(m string) bool {
	return m != http.MethodGet && m != http.MethodHead && m != http.MethodOptions
}

// limit puts the route's or the server's bound on the body.
func (rt *Router) limit(r Route, w http.ResponseWriter, req *http.Request) {
	n := r.MaxBody
	if n == 0 {
		n = rt.cfg.MaxBody
	}
	if n > 0 && req.Body != nil {
		req.Body = http.MaxBytesReader(w, req.Body, n)
	}
}

// readForm parses a posted form, and refuses text that is not UTF-8 or holds NUL characters.
func readForm(req *http.Request) error {
	err := req.ParseForm()
	if err == nil && strings.HasPrefix(req.Header.Get("Content-Type"), "multipart/form-data") {
		err = req.ParseMultipartForm(1 << 20)
	}
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return err
	}
	if err != nil {
		return mainstay.Errorf(mainstay.Invalid, "The form could not be read. Go back and send it again.")
	}
	for name, values := range req.Form {
		for _, v := range append([]string{name}, values...) {
			if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
				return mainstay.Errorf(mainstay.Invalid, "The field %q holds characters that are not text (not UTF-8).", strings.ToValidUTF8(name, "?"))
			}
		}
	}
	return nil
}

// servePage runs one page's handler and turns its error into a page.
func (rt *Router) servePage(r Route, h func(c *Ctx) error, w http.ResponseWriter, req *http.Request) {
	c := &Ctx{W: w, R: req, Now: rt.cfg.Time.Now(), rt: rt, livePosition: rt.live.position()}
	defer func() {
		if req.MultipartForm != nil { // the server cleans up after its own request only, of which ours is a copy
			_ = req.MultipartForm.RemoveAll()
		}
	}()
	err := rt.enterPage(r, c)
	if err == nil {
		err = h(c)
	}
	if err != nil && !errors.Is(err, errAnswered) {
		c.fail(err)
	}
}

func (rt *Router) enterPage(r Route, c *Ctx) error {
	rt.limit(r, c.W, c.R)
	if unsafeMethod(c.R.Method) {
		if err := rt.crossOrigin(c.R); err != nil {
			return err
		}
		if err := readForm(c.R); err != nil {
			return err
		}
	}
	err := rt.admit(r, c.R)
	s := scopeOf(c.R.Context())
	c.Viewer, c.Ref, c.Project = s.viewer, s.found.Ref, s.found.Project
	return err
}

// serveRaw runs a Raw handler.
func (rt *Router) serveRaw(r Route, h http.Handler, w http.ResponseWriter, req *http.Request) {
	rt.limit(r, w, req)
	err := error(nil)
	if r.Permission != access.Public {
		if unsafeMethod(req.Method) {
			err = rt.crossOrigin(req)
		}
		if err == nil {
			err = rt.admit(r, req)
		}
	}
	if err == nil {
		h.ServeHTTP(w, req)
		return
	}
	scopeOf(req.Context()).err = err
	if r.Refuse != nil {
		if mainstay.Is(err, mainstay.Unauthenticated) {
			w.Header().Set("WWW-Authenticate", `Basic realm="Mainstay"`)
		}
		r.Refuse(w, req, err)
		return
	}
	rt.WriteProblem(w, req, err)
}
