package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/mainstayhq/mainstay"
)

// DefaultPruneLimit is how much of what is configured a prune may remove at once, in percent.
const DefaultPruneLimit = 50

// fewEnough objects may always be removed.
const fewEnough = 10

// prune removes what is configured and in none of the manifests. It looks at the projects that they name, and at kinds of the
// installation of which they hold at least one: who applies one project's folder says nothing about the others.
func (p *application) prune(ctx context.Context, limit int) ([]Change, error) {
	if limit == 0 {
		limit = DefaultPruneLimit
	}
	named := map[string]bool{}
	for _, m := range p.list {
		if m.kind == "Project" {
			named[m.name] = true
		} else if m.project != "" {
			named[m.project] = true
		}
	}
	var changes []Change
	total, removed := 0, 0
	for _, k := range slices.Backward(p.kinds) { // whatever names another goes first
		in := []string{""}
		if k.scoped {
			in = slices.Sorted(maps.Keys(named))
		} else if k.remove == nil || !slices.ContainsFunc(p.list, func(m manifest) bool { return m.kind == k.name }) {
			continue
		}
		for _, project := range in {
			c, n, err := p.pruneKind(ctx, k, project)
			if err != nil {
				return nil, err
			}
			changes = append(changes, c...)
			total += n
		}
	}
	for _, c := range changes {
		if c.Removed {
			removed++
		}
	}
	if removed > fewEnough && removed*100 > limit*total {
		return nil, mainstay.Errorf(mainstay.Conflict,
			"Pruning would remove %d of %d objects, more than %d %%: are these all the files? Nothing was changed. Say --prune-limit to remove more.", removed, total, limit)
	}
	if removed > 0 {
		if err := p.whole(ctx, "", changes); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// pruneKind does it for one kind in one project (by name; "" for the installation), and counts how many objects there were.
func (p *application) pruneKind(ctx context.Context, k kind, project string) ([]Change, int, error) {
	id := ""
	if project != "" {
		found, err := p.Projects.Project(ctx, project)
		if err != nil {
			return nil, 0, err
		}
		id = found.ID
	}
	specs, err := k.specs(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	var left []string
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		if !slices.ContainsFunc(p.list, (manifest{kind: k.name, name: name, project: project}).same) && !gone(specs[name]) {
			left = append(left, name)
		}
	}
	if len(left) > 0 && p.allow != nil {
		if err := p.allow(k.name, id, project); err != nil {
			return nil, 0, err
		}
	}
	var changes []Change
	for len(left) > 0 { // what another of its kind keeps goes once that is gone
		c, kept, err := p.removeAll(ctx, k, project, id, left)
		if err != nil {
			return nil, 0, err
		}
		if len(kept) == len(left) {
			return append(changes, c...), len(specs), nil
		}
		changes = append(changes, slices.DeleteFunc(c, func(c Change) bool { return !c.Removed })...)
		left = kept
	}
	return changes, len(specs), nil
}

// removeAll removes what can be removed now, and names what is kept. The project comes with its name and its id.
func (p *application) removeAll(ctx context.Context, k kind, project, id string, names []string) (changes []Change, kept []string, err error) {
	for _, name := range names {
		c := Change{Kind: k.name, Project: project, Name: name, Action: Kept}
		switch err := p.removeOne(ctx, k, id, name); {
		case mainstay.Is(err, mainstay.Conflict):
			c.Kept = strings.TrimSuffix(mainstay.ErrorMessage(err), ".")
			kept = append(kept, name)
		case err != nil:
			return nil, nil, fmt.Errorf("removing %s %q: %w", k.name, name, err)
		default:
			c.Action, c.Changed, c.Removed, c.How = Removed, true, true, k.how
		}
		changes = append(changes, c)
	}
	return changes, kept, nil
}

// removeOne removes an object; a person never himself.
func (p *application) removeOne(ctx context.Context, k kind, project, name string) error {
	if k.remove == nil {
		return mainstay.Errorf(mainstay.Conflict, "kind %s is never removed", k.name)
	}
	if k.name == "Person" {
		who, err := p.People.ByName(ctx, name)
		if err != nil {
			return err
		}
		if p.actor == mainstay.Person(who.ID) {
			return mainstay.Errorf(mainstay.Conflict, "nobody removes himself")
		}
	}
	return k.remove(ctx, p.actor, project, name)
}

// gone reports whether the spec says itself that the object is out of use.
func gone(spec any) bool {
	d, ok := spec.(interface{ Gone() bool })
	return ok && d.Gone()
}

// whole checks that nothing that is left names what was removed: each spec that is left, of a project (by id) or of all, is defined
// once more, which must change nothing. What fails names what is gone, and that is a Conflict.
func (p *application) whole(ctx context.Context, only string, removed []Change) error {
	projects, err := p.Projects.Projects(ctx)
	if err != nil {
		return err
	}
	for _, k := range p.kinds {
		in := []string{""}
		if k.scoped {
			in = in[:0]
			for _, x := range projects {
				if only == "" || x.ID == only {
					in = append(in, x.ID)
				}
			}
		} else if only != "" {
			continue
		}
		for _, project := range in {
			if err := p.wholeKind(ctx, k, project, removed); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *application) wholeKind(ctx context.Context, k kind, project string, removed []Change) error {
	specs, err := k.specs(ctx, project)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		text, err := yaml.Marshal(specs[name])
		if err != nil {
			return fmt.Errorf("writing %s %q: %w", k.name, name, err)
		}
		file, err := parser.ParseBytes(text, 0)
		if err != nil || len(file.Docs) == 0 {
			return fmt.Errorf("reading %s %q again: %w", k.name, name, err)
		}
		changed, err := k.define(ctx, p.actor, project, name, file.Docs[0].Body)
		switch {
		case err != nil && mainstay.ErrorCode(err) == mainstay.Internal:
			return fmt.Errorf("checking %s %q: %w", k.name, name, err)
		case err != nil || changed:
			says := "it was in use"
			if err != nil {
				says = mainstay.ErrorMessage(err)
			}
			var names []string
			for _, c := range removed {
				if c.Removed && (strings.Contains(says, c.Name) || changed) {
					names = append(names, label(c.Kind, c.Name))
				}
			}
			if len(names) == 0 {
				names = []string{"what is removed"}
			}
			return mainstay.Errorf(mainstay.Conflict, "%s still names %s: %s. Nothing was removed.", label(k.name, name), strings.Join(names, ", "), strings.TrimSuffix(says, "."))
		}
	}
	return nil
}
