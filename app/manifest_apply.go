package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/storage"
)

// Order is what to apply, and how.
type Order struct {
	Sources []Source
	DryRun  bool // say what would change, and change nothing
	Prune   bool // also remove what is configured and in none of the sources
	// PruneLimit is how much of what is configured a prune may remove at once, in percent: DefaultPruneLimit when 0. Up to ten
	// objects are never too many.
	PruneLimit int
}

var errDryRun = errors.New("a dry run changes nothing")

// Apply brings everything that the sources describe to what they say, in one transaction: all of it or, with any fault, nothing.
// A dry run does the same and takes it back. allow, when not nil, says whether the caller may define a kind in a project.
func (a *App) Apply(ctx context.Context, actor mainstay.Actor, sources []Source, dryRun bool, allow allowance) ([]Change, error) {
	return a.Carry(ctx, actor, Order{Sources: sources, DryRun: dryRun}, allow)
}

// Carry carries an order out; see Apply. With Prune it then removes what is configured and in none of the manifests: everything of
// the projects that they name, and persons and teams when there is at least one among them.
func (a *App) Carry(ctx context.Context, actor mainstay.Actor, o Order, allow allowance) ([]Change, error) {
	kinds := a.kinds()
	list, err := readManifests(o.Sources, kinds)
	if err != nil {
		return nil, err
	}
	order := func(k string) int { return slices.IndexFunc(kinds, func(d kind) bool { return d.name == k }) }
	slices.SortStableFunc(list, func(x, y manifest) int { return order(x.kind) - order(y.kind) })
	var changes []Change
	err = a.DB.Write(ctx, storage.Normal, func(ctx context.Context) error {
		p := application{App: a, actor: actor, kinds: kinds, list: list, allow: allow, before: snapshots{}}
		var err error
		if changes, err = p.apply(ctx); err != nil {
			return err
		}
		if o.Prune {
			gone, err := p.prune(ctx, o.PruneLimit)
			if err != nil {
				return err
			}
			changes = append(changes, gone...)
		}
		if o.DryRun {
			return errDryRun
		}
		return nil
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return changes, err
}

// application is one order under way, in its transaction.
type application struct {
	*App
	actor  mainstay.Actor
	kinds  []kind
	list   []manifest
	allow  allowance
	before snapshots // of what the manifests are about
	failed []string  // names of what could not be applied
}

// within is a kind in a project (by id; "" for the installation).
type within struct{ kind, project string }

// snapshots are specs as they were, by name.
type snapshots map[within]map[string]any

func (s snapshots) take(ctx context.Context, k kind, project string) error {
	at := within{k.name, project}
	if _, there := s[at]; there {
		return nil
	}
	specs, err := k.specs(ctx, project)
	if err == nil {
		s[at] = specs
	}
	return err
}

// apply defines one manifest after the other, one kind after the other. What names another of its own kind (a service what it
// depends on, a component its group) may stand before that: it is put off until the others of the kind are there.
func (p *application) apply(ctx context.Context) ([]Change, error) {
	var done []applied
	var faults []manifestFault
	code := mainstay.Invalid
	for list := p.list; len(list) > 0; {
		n := slices.IndexFunc(list, func(m manifest) bool { return m.kind != list[0].kind })
		if n < 0 {
			n = len(list)
		}
		now := list[:n]
		list = list[n:]
		for len(now) > 0 {
			var off []manifest
			var wrong []error
			for _, m := range now {
				d, err := p.one(ctx, m)
				switch {
				case err == nil:
					done = append(done, d)
				case mainstay.ErrorCode(err) == mainstay.Internal && !errors.As(err, new(*lineFault)):
					return nil, fmt.Errorf("%s:%d: %s: %w", m.source, m.at.line, label(m.kind, m.name), err)
				default:
					off, wrong = append(off, m), append(wrong, err)
				}
			}
			if len(off) == len(now) {
				for i, m := range off {
					faults = append(faults, p.explain(ctx, m, wrong[i])...)
					if c := mainstay.ErrorCode(wrong[i]); code == mainstay.Invalid && c != mainstay.Internal {
						code = c
					}
					p.failed = append(p.failed, m.name)
				}
				break
			}
			now = off
		}
	}
	if err := faultsError(faults); err != nil {
		err.(*mainstay.Error).Code = code //nolint:errorlint // it is one
		return nil, err
	}
	return p.differences(ctx, done)
}

// applied is a manifest that was defined.
type applied struct {
	manifest
	k       kind
	id      string // of its project
	changed bool
}

func (p *application) one(ctx context.Context, m manifest) (d applied, err error) {
	k, _ := findKind(p.kinds, m.kind) // the reader has checked it
	d = applied{manifest: m, k: k}
	if m.project != "" {
		found, err := p.Projects.Project(ctx, m.project)
		if err != nil {
			return d, err
		}
		d.id = found.ID
	}
	if p.allow != nil {
		if err := p.allow(m.kind, d.id, m.project); err != nil {
			return d, err
		}
	}
	if err := p.before.take(ctx, k, d.id); err != nil {
		return d, err
	}
	d.changed, err = k.define(ctx, p.actor, d.id, m.name, m.spec)
	return d, err
}

// differences compares what was before with what is now.
func (p *application) differences(ctx context.Context, done []applied) ([]Change, error) {
	now := snapshots{}
	changes := []Change{}
	for _, d := range done {
		c := Change{Kind: d.kind, Project: d.project, Name: d.name, Changed: d.changed, Action: Unchanged}
		if d.changed {
			if err := now.take(ctx, d.k, d.id); err != nil {
				return nil, err
			}
			at := within{d.kind, d.id}
			old, there := p.before[at][d.name]
			c.Action = Updated
			if !there {
				c.Action = Created
			}
			var err error
			if c.Fields, err = compare(old, now[at][d.name]); err != nil {
				return nil, err
			}
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// explain tells where each fault of a manifest stands, and what may have been meant. What only follows from the fault of another
// manifest is left out.
func (p *application) explain(ctx context.Context, m manifest, err error) []manifestFault {
	var y *lineFault
	if errors.As(err, &y) {
		return []manifestFault{m.fault(y.at, "%s", y.says)}
	}
	fields := mainstay.ErrorFields(err)
	if len(fields) == 0 {
		at, says := m.at, strings.TrimSuffix(mainstay.ErrorMessage(err), ".")
		if mainstay.Is(err, mainstay.NotFound) && m.project != "" {
			at = m.where("project", "")
			says += p.meantName(ctx, m, "Project", m.project)
		}
		return []manifestFault{m.fault(at, "%s", says)}
	}
	var faults []manifestFault
	for _, f := range slices.Sorted(maps.Keys(fields)) {
		says := fields[f]
		if slices.ContainsFunc(p.failed, func(name string) bool { return strings.Contains(says, `"`+name+`"`) }) {
			continue
		}
		faults = append(faults, m.fault(m.where(f, says), "%s: %s%s", f, strings.TrimSuffix(says, "."), p.meantBy(ctx, m, f, says)))
	}
	return faults
}

// meantBy proposes a name in place of the one that a message quotes, when the field holds names.
func (p *application) meantBy(ctx context.Context, m manifest, field, says string) string {
	q := quoted.FindStringSubmatch(says)
	if q == nil {
		return ""
	}
	k, _ := findKind(p.kinds, m.kind)
	names := namesTag(k.spec, steps(field))
	for _, of := range strings.Fields(names) {
		prefix, kind, prefixed := strings.Cut(of, ":")
		word := q[1]
		if prefixed {
			var ok bool
			if word, ok = strings.CutPrefix(word, prefix+":"); !ok && strings.Contains(word, ":") || !ok && !strings.Contains(says, prefix+" ") {
				continue
			}
			of = kind
		}
		if says := p.meantName(ctx, m, of, word); says != "" {
			return says
		}
	}
	return ""
}

// namesTag says of which kinds a field holds names: its tag names.
func namesTag(t reflect.Type, path []step) string {
	for len(path) > 0 {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			return ""
		}
		i := slices.IndexFunc(specFields(t), func(f specField) bool { return f.name == path[0].key })
		if i < 0 {
			return ""
		}
		f := specFields(t)[i]
		path = path[1:]
		for len(path) > 0 && path[0].n >= 0 {
			path = path[1:]
		}
		if len(path) == 0 {
			return f.Tag.Get("names")
		}
		t = f.Type
	}
	return ""
}

// meantName looks among what is configured, and what the manifests name.
func (p *application) meantName(ctx context.Context, m manifest, of, word string) string {
	k, ok := findKind(p.kinds, of)
	if !ok {
		return ""
	}
	project := ""
	if k.scoped {
		found, err := p.Projects.Project(ctx, m.project)
		if err != nil {
			return ""
		}
		project = found.ID
	}
	var names []string
	if p.allow == nil || k.scoped { // over the API not even the names of others
		specs, err := k.specs(ctx, project)
		if err != nil {
			return ""
		}
		names = slices.Sorted(maps.Keys(specs))
	}
	for _, o := range p.list {
		if o.kind == of && (!k.scoped || o.project == m.project) {
			names = append(names, o.name)
		}
	}
	return meant(word, names)
}
