package app

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/storage"
	"github.com/mainstayhq/mainstay/web"
)

// permissionOf is what defining a kind needs, in its project or in the installation.
func permissionOf(kind string, scoped bool) access.Permission {
	switch {
	case kind == "Person" || kind == "Team":
		return access.PeopleManage
	case !scoped:
		return access.SettingManage
	}
	return access.ProjectManage
}

// allowed is what a viewer may define over the API. Kinds of the installation need setting.manage, a project's project.manage there.
func allowed(v access.Viewer) allowance {
	return func(kind, project, name string) error {
		if project != "" && !v.May(access.ProjectRead, project) {
			return mainstay.Errorf(mainstay.NotFound, "There is no project %q.", name)
		}
		if perm := permissionOf(kind, project != ""); !v.May(perm, project) {
			return mainstay.Errorf(mainstay.Denied, "You may not define %s: that needs %s.", kind, perm)
		}
		return nil
	}
}

// managedBy is what defining one object of a kind by its name needs.
var managedBy = map[string]access.Permission{
	"Person": access.PeopleManage, "Team": access.PeopleManage, "Schedule": access.OnCallManage, "EscalationPolicy": access.OnCallManage,
	"IncidentPlan": access.IncidentManage, "Component": access.ComponentManage, "PostTemplate": access.ComponentManage,
	"Window": access.WindowManage,
}

// serveKinds adds the operations by name of every kind.
func (a *App) serveKinds() {
	for _, k := range a.kinds() {
		k.serve(a, k)
	}
	a.router.Raw(web.Route{Method: "GET", Pattern: "/schemas/mainstay-v1.json", Permission: access.Public}, http.HandlerFunc(serveSchema))
	web.API(a.router, web.Route{Method: "GET", Pattern: "/export", Permission: access.ProjectManage},
		web.Doc{Summary: "Everything configurable as manifests: of one project, or of the whole installation for who manages it", Tag: "apply"}, a.apiExport)
}

// schemaText is the JSON Schema of manifests; it is the same for as long as the program runs.
var schemaText = sync.OnceValues(Schema)

func serveSchema(w http.ResponseWriter, req *http.Request) {
	text, err := schemaText()
	if err != nil {
		http.Error(w, "the schema cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/schema+json")
	w.Header().Set("Cache-Control", "max-age=3600")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin") // editors in a browser may read it
	w.Header().Set("Access-Control-Allow-Origin", "*")
	http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(text))
}

type exportIn struct {
	Project string `query:"project" maxLength:"100" doc:"A project's id or name"`
}

// Exported is manifests as one text.
type Exported struct {
	Text string `json:"text" doc:"YAML"`
}

func (a *App) apiExport(ctx context.Context, in *exportIn) (*web.Out[Exported], error) {
	v, name := web.ViewerFrom(ctx), ""
	if in.Project == "" {
		if !v.May(access.SettingManage, "") {
			return nil, mainstay.Faults{"project": "you may not export the whole installation: say which project"}.Err()
		}
	} else {
		_, n, err := a.managed(ctx, access.ProjectManage, in.Project)
		if err != nil {
			return nil, err
		}
		name = n
	}
	var b strings.Builder
	err := a.Export(ctx, &b, name)
	return &web.Out[Exported]{Body: Exported{b.String()}}, err
}

// managed finds the project, and checks that the viewer holds the permission there.
func (a *App) managed(ctx context.Context, p access.Permission, project string) (id, name string, err error) {
	v := web.ViewerFrom(ctx)
	if project != "" {
		found, err := a.Projects.Project(ctx, project)
		if err == nil && !v.May(access.ProjectRead, found.ID) {
			err = mainstay.Errorf(mainstay.NotFound, "There is no project %q.", project)
		}
		if err != nil {
			return "", "", err
		}
		id, name = found.ID, found.Name
	}
	if !v.May(p, id) {
		return "", "", mainstay.Errorf(mainstay.Denied, "You may not do this here: that needs %s.", p)
	}
	return id, name, nil
}

func serveKind[S any](a *App, k kind,
	define func(ctx context.Context, actor mainstay.Actor, project, name string, spec S) (bool, error),
	specs func(ctx context.Context, project string) (map[string]S, error),
) {
	permission, ok := managedBy[k.name]
	if !ok {
		permission = permissionOf(k.name, k.scoped)
	}
	d := web.Definition[S]{
		Kind: k.name, Plural: k.plural, Object: k.object, About: k.about, Scoped: k.scoped, Permission: permission, Removal: k.how,
		In: a.managed, Specs: specs, Define: define,
		Within: func(ctx context.Context, f func(ctx context.Context) error) error {
			return a.DB.Write(ctx, storage.Normal, f)
		},
	}
	if k.remove != nil {
		d.Remove = func(ctx context.Context, by mainstay.Actor, project, name string) error {
			p := application{App: a, actor: by, kinds: a.kinds()}
			if err := p.removeOne(ctx, k, project, name); err != nil {
				return err
			}
			return p.whole(ctx, project, []Change{{Kind: k.name, Name: name, Removed: true}})
		}
	}
	web.Define(a.router, d)
}
