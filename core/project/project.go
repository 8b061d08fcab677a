// Package project owns projects under care, their services, their phase and the graph of what depends on what. It never knows how a
// service is doing.
package project

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// Phase says where in its life a project is.
type Phase string

// The phases.
const (
	Preparing Phase = "preparing"
	Hypercare Phase = "hypercare"
	Steady    Phase = "steady"
	Retired   Phase = "retired"
)

// Phases lists the phases in order of life.
func Phases() []Phase { return []Phase{Preparing, Hypercare, Steady, Retired} }

// Project is a launched product under care.
type Project struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Spec    Spec      `json:"spec"`
	Version int64     `json:"version"`
	Created time.Time `json:"created"`
}

// Title is the title for people; a project without one is called by its name.
func (p Project) Title() string { return or(p.Spec.Title, p.Name) }

// Zone is the project's time zone, UTC unless set.
func (p Project) Zone() *time.Location { return zone(p.Spec.Zone) }

// Spec is what a manifest of kind Project says. The empty Spec is valid.
type Spec struct {
	Title       string `yaml:"title,omitempty" json:"title,omitempty" maxLength:"200" doc:"For people; default: the name"`
	Description string `yaml:"description,omitempty" json:"description,omitempty" doc:"What it is, in a few sentences"`
	Zone        string `yaml:"zone,omitempty" json:"zone,omitempty" doc:"IANA name such as Europe/Lisbon; default UTC"`
	Phase       Phase  `yaml:"phase,omitempty" json:"phase,omitempty" enum:"preparing,hypercare,steady,retired" doc:"Where in its life it is; default steady"`
}

// Service is a part of a project that can break on its own.
type Service struct {
	ID      string      `json:"id"`
	Project string      `json:"project"`
	Name    string      `json:"name"`
	Spec    ServiceSpec `json:"spec"`
	Version int64       `json:"version"`
	Created time.Time   `json:"created"`
	Retired time.Time   `json:"retired,omitzero"` // when it was taken out of use
}

// Title is the title for people; a service without one is called by its name.
func (s Service) Title() string { return or(s.Spec.Title, s.Name) }

// ServiceSpec is what a manifest of kind Service says.
type ServiceSpec struct {
	Title       string   `yaml:"title,omitempty" json:"title,omitempty" doc:"For people; default: the name"`
	Description string   `yaml:"description,omitempty" json:"description,omitempty" doc:"What it does"`
	Tier        string   `yaml:"tier,omitempty" json:"tier,omitempty" doc:"A word of your own, such as gold"`
	Owner       string   `yaml:"owner,omitempty" json:"owner,omitempty" names:"Team" doc:"Name of a team"`
	DependsOn   []string `yaml:"dependsOn,omitempty" json:"dependsOn,omitempty" names:"Service" doc:"Names of services of the same project; never in a circle"`
}

// Store is what the Service needs of the database.
type Store interface {
	// Projects lists all projects by name.
	Projects(ctx context.Context) ([]Project, error)
	// ServicesOf lists a project's services that are in use by name; "" lists all, those that are retired too.
	ServicesOf(ctx context.Context, project string) ([]Service, error)
	// SaveProject loads the project of that name (the zero Project when there is none), applies f and saves what it returns.
	SaveProject(ctx context.Context, name string, f func(*Project) (commit.Set, error)) error
	// SaveService does the same for a service of a project.
	SaveService(ctx context.Context, project, name string, f func(*Service) (commit.Set, error)) error
}

// Config makes a Registry. Store is required.
type Config struct {
	Store Store
	Time  mainstay.Timekeeper
}

// Registry answers what projects and services there are, and defines them.
type Registry struct{ cfg Config }

// New makes a Registry.
func New(cfg Config) (*Registry, error) {
	if cfg.Store == nil {
		return nil, errors.New("project: a Registry needs a Store")
	}
	if cfg.Time == nil {
		cfg.Time = mainstay.Clock{}
	}
	return &Registry{cfg}, nil
}

// Projects lists all projects by name.
func (r *Registry) Projects(ctx context.Context) ([]Project, error) { return r.cfg.Store.Projects(ctx) }

// Services lists a project's services by name; "" lists those of all projects.
func (r *Registry) Services(ctx context.Context, project string) ([]Service, error) {
	return r.cfg.Store.ServicesOf(ctx, project)
}

// Project finds a project by id or name.
func (r *Registry) Project(ctx context.Context, key string) (Project, error) {
	list, err := r.Projects(ctx)
	if err != nil {
		return Project{}, err
	}
	for _, p := range list {
		if p.ID == key || p.Name == key {
			return p, nil
		}
	}
	return Project{}, mainstay.Errorf(mainstay.NotFound, "There is no project %q.", key)
}

// Service finds a service by id, or by name within a project.
func (r *Registry) Service(ctx context.Context, project, key string) (Service, error) {
	list, err := r.Services(ctx, project)
	if err != nil {
		return Service{}, err
	}
	for _, s := range list {
		if s.ID == key || s.Name == key && project != "" {
			return s, nil
		}
	}
	return Service{}, mainstay.Errorf(mainstay.NotFound, "There is no service %q in this project.", key)
}

var name = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// CheckName says what is wrong with the name of a project, a service or any other manifest, or "".
func CheckName(s string) string {
	if !name.MatchString(s) {
		return "use 1 to 63 lower-case letters, digits and hyphens, such as web-shop"
	}
	return ""
}

func (s Spec) check() mainstay.Faults {
	var f mainstay.Faults
	if _, err := time.LoadLocation(s.Zone); err != nil {
		f.Add("zone", "%q is no time zone; use an IANA name such as Europe/Berlin", s.Zone)
	}
	if s.Phase != "" && !slices.Contains(Phases(), s.Phase) {
		f.Add("phase", "%q is no phase; use preparing, hypercare, steady or retired", s.Phase)
	}
	if len(s.Title) > 200 {
		f.Add("title", "is longer than 200 bytes")
	}
	return f
}

// Define creates the project or brings it to the spec. It reports whether anything changed.
func (r *Registry) Define(ctx context.Context, actor mainstay.Actor, name string, spec Spec) (changed bool, err error) {
	faults := spec.check()
	if says := CheckName(name); says != "" || name == mainstay.Installation {
		faults.Add("name", "%s", or(says, "is taken by the installation itself"))
	}
	if err := faults.Err(); err != nil {
		return false, err
	}
	now := r.cfg.Time.Now()
	err = r.cfg.Store.SaveProject(ctx, name, func(p *Project) (commit.Set, error) {
		if p.ID != "" && p.Spec == spec {
			return commit.Set{}, nil
		}
		changed = true
		before, fresh := p.Spec, p.ID == ""
		if fresh {
			*p = Project{ID: mainstay.NewID(now), Name: name, Created: now}
		}
		p.Spec = spec
		p.Version++
		ref := mainstay.Ref{Kind: mainstay.KindProject, ID: p.ID}
		set := commit.Set{Objects: []commit.Object{{
			Ref: ref, Project: p.ID, Name: name, Title: p.Title(), State: string(or(spec.Phase, Steady)), Text: spec.Description, At: now,
		}}}
		if fresh {
			set.Facts = append(set.Facts, fact.New(now, p.ID, actor, fact.ProjectCreated{Name: name, Title: p.Title()}, ref))
			return set, nil
		}
		var fields []string
		for f, differs := range map[string]bool{
			"title": before.Title != spec.Title, "description": before.Description != spec.Description,
			"zone": before.Zone != spec.Zone, "phase": before.Phase != spec.Phase,
		} {
			if differs {
				fields = append(fields, f)
			}
		}
		slices.Sort(fields)
		set.Facts = append(set.Facts, fact.New(now, p.ID, actor, fact.ObjectChanged{Kind: "project", Name: name, Fields: fields, Revision: p.Version}, ref))
		return set, nil
	})
	return changed, err
}

// DefineService creates the service of a project (by id) or brings it to the spec. It reports whether anything changed.
func (r *Registry) DefineService(ctx context.Context, actor mainstay.Actor, project, name string, spec ServiceSpec) (changed bool, err error) {
	var faults mainstay.Faults
	if says := CheckName(name); says != "" {
		faults.Add("name", "%s", says)
	}
	others, err := r.Services(ctx, project)
	if err != nil {
		return false, err
	}
	checkDependencies(name, spec, others, &faults)
	if err := faults.Err(); err != nil {
		return false, err
	}
	now := r.cfg.Time.Now()
	err = r.cfg.Store.SaveService(ctx, project, name, func(s *Service) (commit.Set, error) {
		if s.ID != "" && s.Retired.IsZero() && equal(s.Spec, spec) {
			return commit.Set{}, nil
		}
		changed = true
		fresh := s.ID == ""
		if fresh {
			*s = Service{ID: mainstay.NewID(now), Project: project, Name: name, Created: now}
		}
		s.Spec, s.Retired = spec, time.Time{}
		s.Version++
		ref := mainstay.Ref{Kind: mainstay.KindService, ID: s.ID}
		set := commit.Set{Objects: []commit.Object{{Ref: ref, Project: project, Name: name, Title: s.Title(), Text: spec.Description, At: now}}}
		var p fact.Payload = fact.ObjectChanged{Kind: "service", Name: name, Revision: s.Version}
		if fresh {
			p = fact.ServiceCreated{Name: name, Title: s.Title()}
		}
		set.Facts = append(set.Facts, fact.New(now, project, actor, p, ref))
		return set, nil
	})
	return changed, err
}

func equal(a, b ServiceSpec) bool {
	deps := slices.Equal(a.DependsOn, b.DependsOn)
	return deps && a.Title == b.Title && a.Description == b.Description && a.Tier == b.Tier && a.Owner == b.Owner
}

// checkDependencies refuses a dependency on what is not there or on itself in a circle. A service may be defined before what it
// depends on only when both come in one manifest, which applies services without dependencies first.
func checkDependencies(name string, spec ServiceSpec, others []Service, faults *mainstay.Faults) {
	graph := map[string][]string{}
	for _, s := range others {
		graph[s.Name] = s.Spec.DependsOn
	}
	graph[name] = spec.DependsOn
	for _, d := range spec.DependsOn {
		if _, there := graph[d]; !there || d == name {
			faults.Add("dependsOn", "%q is no other service of this project", d)
		}
	}
	seen := map[string]bool{}
	var reaches func(from string) bool
	reaches = func(from string) bool {
		for _, d := range graph[from] {
			if d == name {
				return true
			}
			if !seen[d] {
				seen[d] = true
				if reaches(d) {
					return true
				}
			}
		}
		return false
	}
	if reaches(name) {
		faults.Add("dependsOn", "the services would depend on each other in a circle")
	}
}

func zone(s string) *time.Location {
	l, err := time.LoadLocation(s)
	if err != nil {
		return time.UTC // checked when it was saved; a zone can vanish only with its data
	}
	return l
}

func or[T comparable](a, b T) T {
	var zero T
	if a != zero {
		return a
	}
	return b
}

// ProjectID is the id of a project by id or name; "" and mainstay.Installation stay as they are.
func (r *Registry) ProjectID(ctx context.Context, key string) (string, error) {
	if key == "" || key == mainstay.Installation {
		return key, nil
	}
	p, err := r.Project(ctx, key)
	return p.ID, err
}

// ProjectName is the name of a project by id; "" and mainstay.Installation stay as they are.
func (r *Registry) ProjectName(ctx context.Context, id string) (string, error) {
	if id == "" || id == mainstay.Installation {
		return id, nil
	}
	p, err := r.Project(ctx, id)
	return p.Name, err
}

// Zone is the time zone of a project by id; UTC for the installation.
func (r *Registry) Zone(ctx context.Context, id string) (*time.Location, error) {
	if id == "" || id == mainstay.Installation {
		return time.UTC, nil
	}
	p, err := r.Project(ctx, id)
	if err != nil {
		return time.UTC, err
	}
	return p.Zone(), nil
}
