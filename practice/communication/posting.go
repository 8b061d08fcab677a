package communication

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// Post is one public update.
func (s *Service) Post(ctx context.Context, id string) (Post, error) { return s.store.Post(ctx, id) }

// Posts lists public updates, newest first.
func (s *Service) Posts(ctx context.Context, q PostQuery) ([]Post, error) {
	return s.store.Posts(ctx, q)
}

// Cadence is what users are owed about an incident.
func (s *Service) Cadence(ctx context.Context, incident string) (Cadence, error) {
	return s.store.Cadence(ctx, incident)
}

// Incident answers for an incident as communication sees it.
func (s *Service) Incident(ctx context.Context, id string) (Incident, error) {
	return s.incidents.Incident(ctx, id)
}

// PublicIncident is the public copy of an incident; its CreatedAt is unset when the public knows nothing of it.
func (s *Service) PublicIncident(ctx context.Context, id string) (PublicIncident, error) {
	return s.store.PublicIncident(ctx, id)
}

// Templates lists the templates of a project: its own, then the built-in ones.
func (s *Service) Templates(ctx context.Context, project string) ([]Template, error) {
	own, err := s.store.Templates(ctx, project)
	return append(own, BuiltIn()...), err
}

func (s *Service) template(ctx context.Context, project, name string) (Template, error) {
	list, err := s.Templates(ctx, project)
	if err != nil {
		return Template{}, err
	}
	if i := slices.IndexFunc(list, func(t Template) bool { return t.Name == name }); i >= 0 {
		return list[i], nil
	}
	return Template{}, mainstay.Errorf(mainstay.NotFound, "There is no template %s.", name)
}

// Parts are the components that stand for an incident's services, and those of the project that stand for none.
func (s *Service) parts(ctx context.Context, i Incident, states map[string]State) (all, named []Component, err error) {
	all, err = s.store.Components(ctx, "")
	if err != nil {
		return nil, nil, err
	}
	all = slices.DeleteFunc(all, func(c Component) bool {
		return c.IsGroup || c.Project != i.Project && c.Project != mainstay.Installation
	})
	for _, c := range all {
		to, chosen := states[c.ID]
		if chosen {
			c.Hand = to
		}
		if chosen || states == nil && slices.ContainsFunc(i.Services, func(n Named) bool { return n.ID != "" && n.ID == c.Service }) {
			named = append(named, c)
		}
	}
	return all, named, nil
}

// Suggestion is what the form for a new update begins with.
type Suggestion struct {
	Incident   Incident
	Input      Input
	Components []Component // all that may be chosen
	Templates  []Template
}

// Suggest proposes an update: the status after the last one, its template, the components of the incident's services.
func (s *Service) Suggest(ctx context.Context, incident string, status Status, template string) (Suggestion, error) {
	i, err := s.incidents.Incident(ctx, incident)
	if err != nil {
		return Suggestion{}, err
	}
	if err := Wall(i); err != nil {
		return Suggestion{}, err
	}
	known, err := s.store.PublicIncident(ctx, incident)
	if err != nil {
		return Suggestion{}, err
	}
	templates, err := s.Templates(ctx, i.Project)
	if err != nil {
		return Suggestion{}, err
	}
	if status == "" {
		status = next(known, i)
	}
	t, err := choose(templates, status, template)
	if err != nil {
		return Suggestion{}, err
	}
	all, named, err := s.parts(ctx, i, nil)
	if err != nil {
		return Suggestion{}, err
	}
	in := Input{
		Incident: incident, Status: t.Status, Template: t.Name, Body: t.Body, Title: s.publicTitle(i, known, named),
		Components: map[string]State{}, NextMinutes: int(every(i) / time.Minute),
	}
	for _, c := range named {
		in.Components[c.ID] = proposed(c, t.Status, i.Severity)
	}
	if t.Status == Resolved {
		in.NextMinutes = 0
		for _, c := range all { // what earlier updates set is set back
			if slices.Contains(known.Components, c.ID) {
				in.Components[c.ID] = Operational
			}
		}
	}
	return Suggestion{Incident: i, Input: in, Components: all, Templates: templates}, nil
}

func choose(templates []Template, status Status, name string) (Template, error) {
	if name != "" {
		if i := slices.IndexFunc(templates, func(t Template) bool { return t.Name == name }); i >= 0 {
			return templates[i], nil
		}
		return Template{}, mainstay.Faults{"template": "there is no template " + name}.Err()
	}
	if !status.Valid() {
		return Template{}, mainstay.Faults{"status": "one of investigating, identified, monitoring, resolved"}.Err()
	}
	return builtInFor(status), nil
}

// next is the status that an update would usually have.
func next(known PublicIncident, i Incident) Status {
	switch {
	case !i.EndedAt.IsZero() && !known.CreatedAt.IsZero():
		return Resolved
	case known.CreatedAt.IsZero(), known.Status == Resolved:
		return Investigating
	}
	return known.Status
}

func proposed(c Component, status Status, sev mainstay.Severity) State {
	switch {
	case status == Resolved:
		return Operational
	case status == Monitoring, c.Hand.Rank() > 0:
		return c.Hand
	case sev == mainstay.Sev1:
		return MajorOutage
	case sev == mainstay.Sev2:
		return PartialOutage
	}
	return Degraded
}

// publicTitle is what the public already reads, else the incident's title if it may be shown, else plain words.
func (s *Service) publicTitle(i Incident, known PublicIncident, named []Component) string {
	if known.Name != "" {
		return known.Name
	}
	if s.lint.Check(i.Title, "x", Resolved, 0) == nil && !strings.Contains(i.Title, "{{") {
		return i.Title
	}
	return "Problems with " + bind(i, named, time.Time{}, i.StartedAt, nil)["service"]
}

// checked lints a post as the public would read it at now.
func (s *Service) checked(ctx context.Context, p Post, i Incident, named []Component, now time.Time) (title, body string, err error) {
	zone := time.UTC
	if p.Project != mainstay.Installation {
		if zone, err = s.zone(ctx, p.Project); err != nil {
			return "", "", err
		}
	}
	title, body, err = p.filled(i, named, now, zone)
	if err != nil {
		return "", "", err
	}
	return title, body, s.lint.Check(title, body, p.Status, p.Next)
}

// Preview is what the public would read if the post were published now. Its error tells, by field, what stands in the way.
func (s *Service) Preview(ctx context.Context, p Post) (title, body string, err error) {
	i, named, err := s.surround(ctx, p)
	if err != nil {
		return "", "", err
	}
	return s.checked(ctx, p, i, named, s.time.Now())
}

// surround reads the incident of a post through the wall, and the components that the post names.
func (s *Service) surround(ctx context.Context, p Post) (Incident, []Component, error) {
	i, err := s.incidents.Incident(ctx, p.Incident)
	if err != nil {
		return i, nil, err
	}
	if err := Wall(i); err != nil {
		return i, nil, err
	}
	states := p.Components
	if len(states) == 0 {
		states = nil // speak of the incident's services
	}
	all, named, err := s.parts(ctx, i, states)
	if err != nil {
		return i, nil, err
	}
	var f mainstay.Faults
	for id, to := range p.Components {
		if !slices.ContainsFunc(all, func(c Component) bool { return c.ID == id }) {
			f.Add("components", "there is no component %.60q in this project", id)
		}
		if !to.Valid() || to == UnderMaintenance {
			f.Add("components", "a state is one of operational, degraded_performance, partial_outage, major_outage")
		}
	}
	return i, named, f.Err()
}

// Draft writes a public update that waits for approval. What the public must not read is refused, told by field.
func (s *Service) Draft(ctx context.Context, by mainstay.Actor, in Input) (Post, error) {
	var p Post
	err := s.store.Write(ctx, func(ctx context.Context) error {
		now := s.time.Now()
		i, err := s.incidents.Incident(ctx, in.Incident)
		if err != nil {
			return err
		}
		chosen := in.Components != nil
		if err := s.complete(ctx, &in, i); err != nil {
			return err
		}
		if err := s.ownOnly(ctx, &in, i, chosen); err != nil {
			return err
		}
		p = Post{ID: mainstay.NewID(now), Project: i.Project, Incident: i.ID, State: Draft, Drafter: by, DraftedAt: now}
		p.write(in)
		if err := s.lintPost(ctx, p, now); err != nil {
			return err
		}
		_, err = s.keepDraft(ctx, &p, now, by)
		return err
	})
	return p, err
}

// complete fills what the input leaves out from its template and the suggestion for the incident.
func (s *Service) complete(ctx context.Context, in *Input, i Incident) error {
	if err := Wall(i); err != nil {
		return err
	}
	if in.Status != "" && in.Title != "" && in.Body != "" && in.Components != nil && in.NextMinutes != 0 {
		return nil
	}
	sug, err := s.Suggest(ctx, i.ID, in.Status, in.Template)
	if err != nil {
		return err
	}
	if in.Status == "" {
		in.Status = sug.Input.Status
	}
	if in.Title == "" {
		in.Title = sug.Input.Title
	}
	if in.Body == "" {
		in.Body, in.Template = sug.Input.Body, sug.Input.Template
	}
	if in.Components == nil {
		in.Components = sug.Input.Components
	}
	if in.NextMinutes == 0 {
		in.NextMinutes = int(every(i) / time.Minute)
	}
	return nil
}

func (s *Service) lintPost(ctx context.Context, p Post, now time.Time) error {
	i, named, err := s.surround(ctx, p)
	if err != nil {
		return err
	}
	_, _, err = s.checked(ctx, p, i, named, now)
	return err
}

// keepDraft saves a new draft with its fact; false when its request was served already.
func (s *Service) keepDraft(ctx context.Context, p *Post, now time.Time, by mainstay.Actor) (bool, error) {
	fresh, err := s.store.SavePost(ctx, p)
	if err != nil || !fresh {
		return false, err
	}
	return true, s.store.Save(ctx, commit.Set{
		Objects: []commit.Object{p.object(now)},
		Facts: []fact.Fact{fact.New(now, p.Project, by, fact.PostDrafted{Status: string(p.Status), Template: p.Template},
			p.Ref(), p.incident())},
	})
}

// Revise changes a draft. Whoever changes it is its writer from then on.
func (s *Service) Revise(ctx context.Context, by mainstay.Actor, id string, in Input) error {
	return s.store.Write(ctx, func(ctx context.Context) error {
		now := s.time.Now()
		p, err := s.store.Post(ctx, id)
		if err != nil {
			return err
		}
		if err := p.open(); err != nil {
			return err
		}
		before := p
		i, err := s.incidents.Incident(ctx, p.Incident)
		if err == nil {
			err = s.ownOnly(ctx, &in, i, true)
		}
		if err != nil {
			return err
		}
		p.write(in)
		p.Template = before.Template
		if err := s.lintPost(ctx, p, now); err != nil {
			return err
		}
		if p.Title != before.Title || p.Body != before.Body || p.Status != before.Status {
			p.Drafter = by
		}
		if _, err := s.store.SavePost(ctx, &p); err != nil {
			return err
		}
		return s.store.Save(ctx, commit.Set{Objects: []commit.Object{p.object(now)}})
	})
}

// Publish approves a draft and tells the public, in one transaction: the post, the components' states, the public copy, the
// cadence and the facts. The incident's privacy is read in that transaction.
func (s *Service) Publish(ctx context.Context, by mainstay.Actor, id string) (Post, error) {
	var p Post
	err := s.store.Write(ctx, func(ctx context.Context) error {
		now := s.time.Now()
		var err error
		if p, err = s.store.Post(ctx, id); err != nil {
			return err
		}
		if err := p.open(); err != nil {
			return err
		}
		i, named, err := s.surround(ctx, p)
		if err != nil {
			return err
		}
		t, err := s.template(ctx, p.Project, p.Template)
		if err != nil && !mainstay.Is(err, mainstay.NotFound) {
			return err
		}
		if t, err = s.asWritten(ctx, t, p, i); err != nil {
			return err
		}
		if err := mayApprove(p, i, by, t); err != nil {
			return err
		}
		title, body, err := s.checked(ctx, p, i, named, now)
		if err != nil {
			return err
		}
		return s.publish(ctx, now, by, &p, i, title, body)
	})
	return p, err
}

func (s *Service) publish(ctx context.Context, now time.Time, by mainstay.Actor, p *Post, i Incident, title, body string) error {
	known, err := s.store.PublicIncident(ctx, i.ID)
	if err != nil {
		return err
	}
	if known.Withheld {
		return errPrivate
	}
	set, err := p.publish(now, i, by, title, body, known.CreatedAt.IsZero())
	if err != nil {
		return err
	}
	affected, err := s.affect(ctx, now, by, *p, &set)
	if err != nil {
		return err
	}
	if err := s.supersede(ctx, *p, now, &set); err != nil {
		return err
	}
	update := known.tell(*p, i, affected)
	cadence, err := s.store.Cadence(ctx, i.ID)
	if err != nil {
		return err
	}
	cadence.Project = i.Project
	set.Add(cadence.owe(p.NextUpdate, false))
	if err := s.store.SavePublicIncident(ctx, known); err != nil {
		return err
	}
	if err := s.store.AddUpdate(ctx, update); err != nil {
		return err
	}
	if err := s.store.SaveCadence(ctx, cadence); err != nil {
		return err
	}
	if _, err := s.store.SavePost(ctx, p); err != nil {
		return err
	}
	return s.store.Save(ctx, set)
}

// supersede ends the drafts that Mainstay had prepared and that say no more than the post that is published.
func (s *Service) supersede(ctx context.Context, p Post, now time.Time, set *commit.Set) error {
	waiting, err := s.store.Posts(ctx, PostQuery{Incident: p.Incident, State: Draft, Limit: 100})
	if err != nil {
		return err
	}
	for _, o := range waiting {
		if o.ID == p.ID || o.Drafter != system || slices.Index(Statuses(), o.Status) > slices.Index(Statuses(), p.Status) {
			continue
		}
		more, err := o.reject(now, system, "Users were told in other words.")
		if err != nil {
			return err
		}
		set.Add(more)
		if _, err := s.store.SavePost(ctx, &o); err != nil {
			return err
		}
	}
	return nil
}

// affect sets the states of the components that the post names.
func (s *Service) affect(ctx context.Context, now time.Time, by mainstay.Actor, p Post, set *commit.Set) ([]Affected, error) {
	var list []Affected
	ids := make([]string, 0, len(p.Components))
	for id := range p.Components {
		ids = append(ids, id)
	}
	slices.Sort(ids) // two posts lock in one order
	for _, id := range ids {
		c, err := s.store.Component(ctx, id)
		if err != nil {
			return nil, err
		}
		old := c.State()
		set.Add(c.set(now, by, func(c *Component) { c.Hand, c.Reason = p.Components[id], "" }, p.Ref()))
		if err := s.store.SaveComponent(ctx, &c); err != nil {
			return nil, err
		}
		list = append(list, Affected{Component: id, Name: c.Title, Old: old, New: c.State()})
	}
	return list, nil
}

// MayRelease says why the actor, holding the permission to approve, may not release the draft; nil when they may. It does not
// look at the text: Preview does.
func (s *Service) MayRelease(ctx context.Context, by mainstay.Actor, p Post) error {
	if err := p.open(); err != nil {
		return err
	}
	i, err := s.incidents.Incident(ctx, p.Incident)
	if err != nil {
		return err
	}
	if err := Wall(i); err != nil {
		return err
	}
	t, err := s.template(ctx, p.Project, p.Template)
	if err != nil && !mainstay.Is(err, mainstay.NotFound) {
		return err
	}
	if t, err = s.asWritten(ctx, t, p, i); err != nil {
		return err
	}
	return mayApprove(p, i, by, t)
}

// Reject ends a draft; the public is told nothing. The reason is for its writer.
func (s *Service) Reject(ctx context.Context, by mainstay.Actor, id, reason string) error {
	if len(reason) > 500 {
		return mainstay.Faults{"reason": "at most 500 characters"}.Err()
	}
	return s.store.Write(ctx, func(ctx context.Context) error {
		p, err := s.store.Post(ctx, id)
		if err != nil {
			return err
		}
		set, err := p.reject(s.time.Now(), by, strings.TrimSpace(reason))
		if err != nil {
			return err
		}
		if _, err := s.store.SavePost(ctx, &p); err != nil {
			return err
		}
		return s.store.Save(ctx, set)
	})
}

// DefineTemplate creates or changes a template of the project and reports whether anything changed.
func (s *Service) DefineTemplate(ctx context.Context, by mainstay.Actor, project, name string, spec TemplateSpec) (bool, error) {
	if err := spec.check(name, s.lint); err != nil {
		return false, err
	}
	if project == "" {
		project = mainstay.Installation
	}
	changed := false
	err := s.store.Write(ctx, func(ctx context.Context) error {
		now := s.time.Now()
		own, err := s.store.Templates(ctx, project)
		if err != nil {
			return err
		}
		t := Template{ID: mainstay.NewID(now), Project: project, Name: name}
		if i := slices.IndexFunc(own, func(t Template) bool { return t.Name == name && t.Project == project }); i >= 0 {
			t = own[i]
		}
		old := t
		t.Title, t.Status, t.Body, t.Holding = spec.Title, Status(spec.Status), spec.Body, spec.Approved
		if changed = t != old; !changed {
			return nil
		}
		t.UpdatedAt = now
		if err := s.store.SaveTemplate(ctx, &t); err != nil {
			return err
		}
		return s.store.Save(ctx, commit.Set{Facts: []fact.Fact{fact.New(now, project, by,
			fact.ObjectChanged{Kind: "posttemplate", Name: name, Revision: t.Version}, mainstay.Ref{Kind: "posttemplate", ID: t.ID})}})
	})
	return changed, err
}

// TemplateSpecs are the project's own templates as manifests, by name.
func (s *Service) TemplateSpecs(ctx context.Context, project string) (map[string]TemplateSpec, error) {
	if project == "" {
		project = mainstay.Installation
	}
	own, err := s.store.Templates(ctx, project)
	specs := map[string]TemplateSpec{}
	for _, t := range own {
		if t.Project == project {
			specs[t.Name] = TemplateSpec{Title: t.Title, Status: string(t.Status), Body: t.Body, Approved: t.Holding}
		}
	}
	return specs, err
}
