package app

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/goccy/go-yaml"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/journal/journaldb"
)

// operator is the actor of commands on the operator's own machine.
var operator = mainstay.System("operator")

// Setup makes the first administrator. When there is one already it is a Conflict that says so, and nothing changes.
func (a *App) Setup(ctx context.Context, email, password string) error {
	return a.Identity.Setup(ctx, email, password)
}

// CreateToken makes an API token of the role, in one project (by name) or in all, and returns its secret.
func (a *App) CreateToken(ctx context.Context, name, role, project string) (string, error) {
	id, err := a.Projects.ProjectID(ctx, project)
	if err != nil {
		return "", err
	}
	return a.Identity.CreateToken(ctx, operator, name, access.Role(role), id)
}

// CreateKey makes an intake key for a project (by name), perhaps a service of it, and a format.
func (a *App) CreateKey(ctx context.Context, project, service, format string) (string, error) {
	p, err := a.Projects.Project(ctx, project)
	if err != nil {
		return "", err
	}
	id := ""
	if service != "" {
		s, err := a.Projects.Service(ctx, p.ID, service)
		if err != nil {
			return "", err
		}
		id = s.ID
	}
	return a.Keys.Create(ctx, operator, p.ID, id, format)
}

// Chain is the verdict on one project's journal.
type Chain struct {
	Project string `json:"project"` // the project's name
	Facts   int64  `json:"facts"`
	Batches int64  `json:"batches"`
	Whole   bool   `json:"whole"`
	Verdict string `json:"verdict"`
}

// VerifyJournal recomputes every link of every project's chain.
func (a *App) VerifyJournal(ctx context.Context) ([]Chain, error) {
	list, err := a.Journal.Verify(ctx)
	if err != nil {
		return nil, err
	}
	out := []Chain{}
	for _, v := range list {
		c := chainOf(v)
		if name, err := a.Projects.ProjectName(ctx, v.Project); err == nil {
			c.Project = name
		}
		out = append(out, c)
	}
	return out, nil
}

// chainOf is a verdict; the project is its id.
func chainOf(v journaldb.Verification) Chain {
	c := Chain{Project: v.Project, Facts: v.Facts, Batches: v.Batches, Whole: v.Fault == nil, Verdict: "whole"}
	if v.Fault != nil {
		c.Verdict = v.Fault.Error()
	}
	return c
}

// exported is one manifest to be written.
type exported struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name    string `yaml:"name"`
		Project string `yaml:"project,omitempty"`
	} `yaml:"metadata"`
	Spec any `yaml:"spec"`

	notes []string // comments above it
}

// Export writes everything configurable as manifests that Apply reads: the whole installation, or only one project (by name).
func (a *App) Export(ctx context.Context, w io.Writer, only string) error {
	var docs []exported
	projects, err := a.Projects.Projects(ctx)
	if err != nil {
		return err
	}
	for _, k := range a.kinds() {
		within := []struct{ id, name string }{{"", ""}}
		if k.scoped {
			within = within[:0]
			for _, p := range projects {
				within = append(within, struct{ id, name string }{p.ID, p.Name})
			}
		}
		for _, p := range within {
			if only != "" && p.name != only && k.name != "Project" {
				continue
			}
			specs, err := k.specs(ctx, p.id)
			if err != nil {
				return fmt.Errorf("exporting %s: %w", k.name, err)
			}
			for name, spec := range specs {
				if only != "" && k.name == "Project" && name != only {
					continue
				}
				d := exported{APIVersion: APIVersion, Kind: k.name, Spec: spec, notes: secretNotes(k.spec)}
				d.Metadata.Name, d.Metadata.Project = name, p.name
				docs = append(docs, d)
			}
		}
	}
	order := map[string]int{}
	for i, k := range a.kinds() {
		order[k.name] = i
	}
	slices.SortFunc(docs, func(x, y exported) int {
		return cmp.Or(order[x.Kind]-order[y.Kind], cmp.Compare(x.Metadata.Project, y.Metadata.Project), cmp.Compare(x.Metadata.Name, y.Metadata.Name))
	})
	var b bytes.Buffer
	for i, d := range docs {
		if i > 0 {
			b.WriteString("---\n")
		}
		text, err := yaml.Marshal(d)
		if err != nil {
			return err
		}
		for _, n := range d.notes {
			b.WriteString("# " + n + "\n")
		}
		b.Write(text)
	}
	_, err = w.Write(b.Bytes())
	return err
}
