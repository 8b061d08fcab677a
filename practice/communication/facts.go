package communication

import (
	"context"
	"slices"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/fact"
)

// Subscribers are what communication hears: requests for updates, incidents, maintenance windows.
func (s *Service) Subscribers() []journal.Subscriber {
	return []journal.Subscriber{
		{Name: "communication.posts", Kinds: []string{fact.PostWanted{}.FactKind()}, Handle: s.each(s.wanted)},
		{Name: "communication.incidents", Kinds: []string{
			fact.IncidentDeclared{}.FactKind(), fact.IncidentResolved{}.FactKind(), fact.IncidentReopened{}.FactKind(),
			fact.IncidentClosed{}.FactKind(), fact.IncidentSeverityChanged{}.FactKind(), fact.IncidentRetitled{}.FactKind(),
			fact.ObjectChanged{}.FactKind(),
		}, Handle: s.each(s.incident)},
		{Name: "communication.windows", Kinds: []string{
			fact.WindowScheduled{}.FactKind(), fact.WindowChanged{}.FactKind(), fact.WindowStarted{}.FactKind(),
			fact.WindowCompleted{}.FactKind(), fact.WindowCancelled{}.FactKind(), fact.WindowOverrun{}.FactKind(),
			fact.WindowUpdated{}.FactKind(),
		}, Handle: s.each(s.window)},
	}
}

// Timers are the handlers of communication's timers.
func (s *Service) Timers() map[string]timer.Handler {
	return map[string]timer.Handler{timerDue: s.due}
}

func (s *Service) each(f func(context.Context, fact.Fact) error) func(context.Context, []fact.Fact) error {
	return func(ctx context.Context, facts []fact.Fact) error {
		for _, one := range facts {
			if err := f(ctx, one); err != nil {
				return err
			}
		}
		return nil
	}
}

// wanted serves a request for an update: it drafts one from the template. Of a private incident nothing is drafted, and the
// request is answered so.
func (s *Service) wanted(ctx context.Context, f fact.Fact) error {
	want, ok := fact.As[fact.PostWanted](f)
	if !ok {
		return nil
	}
	now := s.time.Now()
	i, err := s.incidents.Incident(ctx, f.Subject(mainstay.KindIncident))
	if mainstay.Is(err, mainstay.NotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if i.Private {
		return s.store.Write(ctx, func(ctx context.Context) error {
			return s.store.Save(ctx, commit.Set{Facts: []fact.Fact{fact.New(now, i.Project, system,
				fact.PostRejected{Status: want.Status, Reason: "private"}, mainstay.Ref{Kind: mainstay.KindIncident, ID: i.ID})}})
		})
	}
	sug, err := s.Suggest(ctx, i.ID, Status(want.Status), want.Template)
	if mainstay.Is(err, mainstay.Invalid) {
		sug, err = s.Suggest(ctx, i.ID, "", "") // an unknown template or status still gives people something to work on
	}
	if err != nil {
		return err
	}
	p := Post{
		ID: mainstay.NewID(now), Project: i.Project, Incident: i.ID, State: Draft, Drafter: system, Request: f.ID, DraftedAt: now,
	}
	p.write(sug.Input)
	return s.store.Write(ctx, func(ctx context.Context) error {
		posts, err := s.store.Posts(ctx, PostQuery{Incident: i.ID, Limit: 100})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(posts, func(o Post) bool { return o.Status == p.Status && o.answers(f) }) {
			return nil // it waits already, or users were told since
		}
		_, err = s.keepDraft(ctx, &p, now, system)
		return err
	})
}

// incident follows an incident: it owes the first and the last word, and takes down what has become private.
func (s *Service) incident(ctx context.Context, f fact.Fact) error {
	id := f.Subject(mainstay.KindIncident)
	if id == "" {
		return nil
	}
	i, err := s.incidents.Incident(ctx, id)
	if mainstay.Is(err, mainstay.NotFound) {
		return nil
	} else if err != nil {
		return err
	}
	return s.store.Write(ctx, func(ctx context.Context) error {
		if i.Private {
			return s.withhold(ctx, i)
		}
		return s.follow(ctx, i, f)
	})
}

func (s *Service) follow(ctx context.Context, i Incident, f fact.Fact) error {
	c, err := s.store.Cadence(ctx, i.ID)
	if err != nil {
		return err
	}
	known, err := s.store.PublicIncident(ctx, i.ID)
	if err != nil {
		return err
	}
	if known.Withheld {
		if !known.CreatedAt.IsZero() {
			return nil // what was taken down once stays down
		}
		// It was private and nothing of it was ever public: from now on people may tell of it.
		if known, err = (PublicIncident{ID: i.ID}), s.store.ForgetPublicIncident(ctx, i.ID); err != nil {
			return err
		}
	}
	c.Project = i.Project
	told, over := !known.CreatedAt.IsZero(), !i.EndedAt.IsZero()
	var set commit.Set
	switch {
	case over && told && known.Status != Resolved && (c.Due.IsZero() || c.Due.After(f.At.Add(lastWord))):
		set = c.owe(i.EndedAt.Add(lastWord), false)
	case over && !told && !c.Due.IsZero():
		set = c.owe(noTime, false)
	case !over && !told && c.Due.IsZero() && owes(i):
		set = c.owe(f.At.Add(firstWord), true)
	default:
		return nil
	}
	if err := s.store.SaveCadence(ctx, c); err != nil {
		return err
	}
	return s.store.Save(ctx, set)
}

// withhold takes down what the public knows of an incident that is private now.
func (s *Service) withhold(ctx context.Context, i Incident) error {
	known, err := s.store.PublicIncident(ctx, i.ID)
	if err != nil || known.Withheld {
		return err
	}
	if err := s.hidePosts(ctx, i); err != nil {
		return err
	}
	was := !known.CreatedAt.IsZero()
	known.ID, known.Project, known.Withheld = i.ID, i.Project, true
	if err := s.store.SavePublicIncident(ctx, known); err != nil {
		return err
	}
	c, err := s.store.Cadence(ctx, i.ID)
	if err != nil {
		return err
	}
	set := commit.Set{}
	if !c.Due.IsZero() {
		set.Add(c.owe(noTime, false))
		if err := s.store.SaveCadence(ctx, c); err != nil {
			return err
		}
	}
	if was {
		set.Facts = append(set.Facts, fact.New(s.time.Now(), i.Project, system, fact.PostWithdrawn{},
			mainstay.Ref{Kind: mainstay.KindIncident, ID: i.ID}))
	}
	return s.store.Save(ctx, set)
}

func (s *Service) hidePosts(ctx context.Context, i Incident) error {
	posts, err := s.store.Posts(ctx, PostQuery{Incident: i.ID, Limit: 1000})
	if err != nil {
		return err
	}
	for _, p := range posts {
		set := p.hide(s.time.Now())
		if _, err := s.store.SavePost(ctx, &p); err != nil {
			return err
		}
		if err := s.store.Save(ctx, set); err != nil {
			return err
		}
	}
	return nil
}

// due is the timer of the next word: it has not come.
func (s *Service) due(ctx context.Context, f timer.Firing) error {
	return s.store.Write(ctx, func(ctx context.Context) error {
		c, err := s.store.Cadence(ctx, f.Subject)
		if err != nil || c.Generation != f.Generation || c.Due.IsZero() || c.Overdue {
			return err
		}
		set := c.fell(f.Now)
		if err := s.store.SaveCadence(ctx, c); err != nil {
			return err
		}
		return s.store.Save(ctx, set)
	})
}

// window takes a fact of a maintenance window into the public copy, and puts its components under maintenance or back.
func (s *Service) window(ctx context.Context, f fact.Fact) error {
	var p struct {
		Public fact.WindowPublic `json:"public"`
	}
	id := f.Subject(mainstay.KindWindow)
	if id == "" || f.Decode(&p) != nil || p.Public.Sequence == 0 {
		return nil // erased
	}
	return s.store.Write(ctx, func(ctx context.Context) error {
		w, err := s.store.PublicWindow(ctx, id)
		if err != nil {
			return err
		}
		touched := slices.Clone(w.Components)
		update, say := w.hear(f, p.Public)
		if update.ID == "" {
			return nil
		}
		if err := s.store.SavePublicWindow(ctx, w); err != nil {
			return err
		}
		if say {
			if err := s.store.AddUpdate(ctx, update); err != nil {
				return err
			}
		}
		touched = append(touched, w.Components...)
		slices.Sort(touched)
		return s.cover(ctx, f, w, slices.Compact(touched))
	})
}

// cover gives the components the window while it is under way and takes it from them when it is not.
func (s *Service) cover(ctx context.Context, f fact.Fact, w PublicWindow, ids []string) error {
	all, err := s.store.Components(ctx, "")
	if err != nil {
		return err
	}
	for _, c := range all {
		named := func(list []string) bool {
			return slices.Contains(list, c.ID) || c.Group != "" && slices.Contains(list, c.Group)
		}
		under := w.Active() && named(w.Components)
		if c.IsGroup || !named(ids) || under == slices.Contains(c.Windows, w.ID) {
			continue
		}
		if c, err = s.store.Component(ctx, c.ID); err != nil {
			return err
		}
		set := c.set(f.At, system, func(c *Component) {
			c.Windows = slices.DeleteFunc(slices.Clone(c.Windows), func(x string) bool { return x == w.ID })
			if under {
				c.Windows = append(c.Windows, w.ID)
			}
		}, mainstay.Ref{Kind: mainstay.KindWindow, ID: w.ID})
		if err := s.store.SaveComponent(ctx, &c); err != nil {
			return err
		}
		if err := s.store.Save(ctx, set); err != nil {
			return err
		}
	}
	return nil
}
