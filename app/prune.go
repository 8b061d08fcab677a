package app

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/mainstayhq/mainstay"
)

// prune removes what is configured and in none of the manifests. It looks at the projects that they name, and at kinds of the
// installation of which they hold at least one: who applies one project's folder says nothing about the others.
func (a *App) prune(ctx context.Context, actor mainstay.Actor, kinds []kind, list []manifest, allow allowance) ([]Change, error) {
	named := map[string]bool{}
	for _, m := range list {
		if m.kind == "Project" {
			named[m.name] = true
		} else if m.project != "" {
			named[m.project] = true
		}
	}
	var changes []Change
	for _, k := range slices.Backward(kinds) { // whatever names another goes first
		within := []string{""}
		if k.scoped {
			within = slices.Sorted(maps.Keys(named))
		} else if !slices.ContainsFunc(list, func(m manifest) bool { return m.kind == k.name }) {
			continue
		}
		for _, project := range within {
			c, err := a.pruneKind(ctx, actor, k, project, list, allow)
			if err != nil {
				return nil, err
			}
			changes = append(changes, c...)
		}
	}
	return changes, nil
}

// pruneKind does it for one kind in one project (by name; "" for the installation).
func (a *App) pruneKind(ctx context.Context, actor mainstay.Actor, k kind, project string, list []manifest, allow allowance) ([]Change, error) {
	id := ""
	if project != "" {
		p, err := a.Projects.Project(ctx, project)
		if err != nil {
			return nil, err
		}
		id = p.ID
	}
	specs, err := k.specs(ctx, id)
	if err != nil {
		return nil, err
	}
	var changes []Change
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		if slices.ContainsFunc(list, (manifest{kind: k.name, name: name, project: project}).same) {
			continue
		}
		c := Change{Kind: k.name, Project: project, Name: name}
		if k.remove == nil {
			c.Kept = fmt.Sprintf("kind %s cannot be removed yet", k.name)
			changes = append(changes, c)
			continue
		}
		if allow != nil {
			if err := allow(k.name, id, project); err != nil {
				return nil, err
			}
		}
		if err := k.remove(ctx, actor, id, name); err != nil {
			return nil, fmt.Errorf("removing %s %q: %w", k.name, name, err)
		}
		c.Changed, c.Removed = true, true
		changes = append(changes, c)
	}
	return changes, nil
}
