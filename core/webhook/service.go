package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/outbound"
	"github.com/mainstayhq/mainstay/fact"
)

// Sealer keeps secrets: what the database holds cannot be read without a key outside of it. setting.Vault is one.
type Sealer interface {
	Seal(secret string) (string, error)
	Open(sealed string) (string, error)
}

// Config is what a Service stands on. Every field is required.
type Config struct {
	Store   Store
	Replays Replays
	Log     Log
	Sealer  Sealer
	Sender  *Sender
	History History
	Time    mainstay.Timekeeper
	// Check says what is wrong with a URL: outbound.Guard.Check.
	Check func(url string) error
}

// Service is what others do with endpoints.
type Service struct{ cfg Config }

// New makes a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Replays == nil || cfg.Log == nil || cfg.Sealer == nil || cfg.Sender == nil || cfg.History == nil ||
		cfg.Time == nil || cfg.Check == nil {
		return nil, errors.New("webhook: Config needs Store, Replays, Log, Sealer, Sender, History, Time and Check")
	}
	return &Service{cfg}, nil
}

// Writer is who changes an endpoint. An Administrator, or whoever works on the machine itself, may change those of the whole
// installation and those that are marked private; others only the rest, in projects that they manage.
type Writer struct {
	Actor         mainstay.Actor
	Administrator bool
}

// may says why the writer may not change an endpoint to what it is or becomes.
func (w Writer) may(e Endpoint) error {
	switch {
	case w.Administrator:
		return nil
	case e.Project == mainstay.Installation:
		return mainstay.Errorf(mainstay.Denied, "A webhook of the whole installation sees every project: only an administrator may change it.")
	case e.Spec.Private:
		return mainstay.Errorf(mainstay.Denied, "A webhook that is marked private carries what is private outside: only an administrator may change it.")
	}
	return nil
}

// overlap is how long the secret before the newest still counts.
const overlap = 24 * time.Hour

// Put creates or changes an endpoint. project is a project's id, "" or mainstay.Installation for all. It fails with Invalid and
// fields, or Denied.
func (s *Service) Put(ctx context.Context, w Writer, project, name string, spec Spec) (e Endpoint, changed bool, err error) {
	if project == "" {
		project = mainstay.Installation
	}
	if err := spec.check(name, s.cfg.Check, outbound.CheckSecret); err != nil {
		return e, false, err
	}
	now := s.cfg.Time.Now()
	err = s.cfg.Store.Change(ctx, Key{Project: project, Name: name}, func(_ context.Context, at *Endpoint) (commit.Set, bool, error) {
		set, err := s.put(now, w, at, project, name, spec)
		changed = !set.IsZero()
		e = *at
		return set, changed, err
	})
	if err != nil {
		return Endpoint{}, false, err
	}
	e, err = s.cfg.Store.Endpoint(ctx, e.ID)
	return e, changed, err
}

// put is the change of one endpoint; an empty set means that nothing changes.
func (s *Service) put(now time.Time, w Writer, e *Endpoint, project, name string, spec Spec) (commit.Set, error) {
	fresh := e.ID == ""
	if !fresh {
		if err := w.may(*e); err != nil {
			return commit.Set{}, err
		}
	}
	secret, paused := spec.Secret, spec.Paused
	spec.Secret, spec.Paused = "", false
	var fields []string
	if fresh {
		*e = Endpoint{ID: mainstay.NewID(now), Project: project, Name: name, State: Active, CreatedAt: now}
		if secret == "" {
			secret = outbound.NewSecret()
		}
	} else {
		fields = e.Spec.differs(spec)
	}
	e.Spec = spec
	if err := w.may(*e); err != nil {
		return commit.Set{}, err
	}
	if secret != "" {
		added, err := s.addSecret(e, secret, now)
		if err != nil {
			return commit.Set{}, err
		}
		if added && !fresh {
			fields = append(fields, "secret")
		}
	}
	switch {
	case paused && e.State != Paused:
		e.State, e.Reason = Paused, ""
		fields = append(fields, "paused")
	case !paused && e.State == Paused:
		e.State, e.Health = Active, Health{LastOK: e.Health.LastOK, LastTry: e.Health.LastTry}
		fields = append(fields, "paused")
	}
	if !fresh && len(fields) == 0 {
		return commit.Set{}, nil
	}
	if !fresh && slices.Contains(fields, "url") { // another receiver: the failures of the one before are not its own
		e.Health.Next = time.Time{}
	}
	e.UpdatedAt = now
	set := commit.Set{Objects: []commit.Object{e.object()}, Facts: []fact.Fact{fact.New(now, e.Project, w.Actor,
		fact.ObjectChanged{Kind: string(mainstay.KindWebhook), Name: e.Name, Fields: fields, Revision: e.Version + 1}, e.Ref())}}
	return set, nil
}

// addSecret makes the secret the newest; the newest before counts for a while. False when it is that already.
func (s *Service) addSecret(e *Endpoint, secret string, now time.Time) (bool, error) {
	for i, old := range e.Secrets {
		plain, err := s.cfg.Sealer.Open(old.Sealed)
		if err == nil && plain == secret && i == 0 {
			return false, nil
		}
	}
	sealed, err := s.cfg.Sealer.Seal(secret)
	if err != nil {
		return false, fmt.Errorf("sealing a webhook's secret: %w", err)
	}
	list := []Secret{{Sealed: sealed, Created: now}}
	if len(e.Secrets) > 0 {
		old := e.Secrets[0]
		if old.Until.IsZero() {
			old.Until = now.Add(overlap)
		}
		list = append(list, old) // two at once, no more
	}
	e.Secrets = list
	return true, nil
}

// object is the endpoint in the register.
func (e Endpoint) object() commit.Object {
	return commit.Object{
		Ref: e.Ref(), Project: e.Project, Name: e.Name, Title: e.Title(), State: string(e.State), Text: "webhook " + e.Name, At: e.UpdatedAt,
	}
}

// Define is Put for manifests, by somebody who may do everything.
func (s *Service) Define(ctx context.Context, by mainstay.Actor, project, name string, spec Spec) (bool, error) {
	_, changed, err := s.Put(ctx, Writer{by, true}, project, name, spec)
	return changed, err
}

// Specs are the endpoints of a project ("" for the installation's own) as manifests, by name, without their secrets.
func (s *Service) Specs(ctx context.Context, project string) (map[string]Spec, error) {
	if project == "" {
		project = mainstay.Installation
	}
	list, err := s.cfg.Store.Endpoints(ctx, []string{project})
	m := map[string]Spec{}
	for _, e := range list {
		m[e.Name] = e.Written()
	}
	return m, err
}

// Written is the endpoint as a manifest says it, without its secret.
func (e Endpoint) Written() Spec {
	spec := e.Spec
	spec.Paused = e.State == Paused
	if spec.Mode == Structured {
		spec.Mode = ""
	}
	return spec
}

// Endpoints lists the endpoints of the projects, nil for all.
func (s *Service) Endpoints(ctx context.Context, projects []string) ([]Endpoint, error) {
	return s.cfg.Store.Endpoints(ctx, projects)
}

// Endpoint is one of them.
func (s *Service) Endpoint(ctx context.Context, id string) (Endpoint, error) {
	return s.cfg.Store.Endpoint(ctx, id)
}

// Remove deletes an endpoint by its name; its log goes with it.
func (s *Service) Remove(ctx context.Context, by mainstay.Actor, project, name string) error {
	if project == "" {
		project = mainstay.Installation
	}
	list, err := s.cfg.Store.Endpoints(ctx, []string{project})
	if err != nil {
		return err
	}
	for _, e := range list {
		if e.Name == name {
			return s.Delete(ctx, Writer{by, true}, e.ID)
		}
	}
	return mainstay.Errorf(mainstay.NotFound, "There is no webhook %q.", name)
}

// Delete removes an endpoint; its log goes with it.
func (s *Service) Delete(ctx context.Context, w Writer, id string) error {
	e, err := s.cfg.Store.Endpoint(ctx, id)
	if err != nil {
		return err
	}
	if err := w.may(e); err != nil {
		return err
	}
	now := s.cfg.Time.Now()
	o := e.object()
	o.Deleted, o.At = true, now
	return s.cfg.Store.Delete(ctx, id, commit.Set{
		Objects: []commit.Object{o}, Cancel: []commit.CancelTimer{{Kind: timerRetry, Subject: id}},
		Facts: []fact.Fact{fact.New(now, e.Project, w.Actor, fact.ObjectDeleted{Kind: string(mainstay.KindWebhook), Name: e.Name}, e.Ref())},
	})
}

// Secrets are the secrets that requests are signed with now, the newest first.
func (s *Service) Secrets(ctx context.Context, w Writer, id string) ([]Secret, error) {
	e, err := s.cfg.Store.Endpoint(ctx, id)
	if err == nil {
		err = w.may(e)
	}
	if err != nil {
		return nil, err
	}
	now := s.cfg.Time.Now()
	var list []Secret
	for _, one := range e.Secrets {
		if !one.Until.IsZero() && !now.Before(one.Until) {
			continue
		}
		if one.Plain, err = s.cfg.Sealer.Open(one.Sealed); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// Rotate gives the endpoint a new secret. The one before counts for a day more, so that the receiver can be told without a gap.
func (s *Service) Rotate(ctx context.Context, w Writer, id string) error {
	now := s.cfg.Time.Now()
	return s.cfg.Store.Change(ctx, Key{ID: id}, func(_ context.Context, e *Endpoint) (commit.Set, bool, error) {
		if err := w.may(*e); err != nil {
			return commit.Set{}, false, err
		}
		if _, err := s.addSecret(e, outbound.NewSecret(), now); err != nil {
			return commit.Set{}, false, err
		}
		e.UpdatedAt = now
		return commit.Set{Facts: []fact.Fact{fact.New(now, e.Project, w.Actor,
			fact.WebhookSecretRotated{Name: e.Name, Until: now.Add(overlap)}, e.Ref())}}, true, nil
	})
}

// Pause stops delivery until Resume. Nothing is lost meanwhile.
func (s *Service) Pause(ctx context.Context, w Writer, id string) error {
	now := s.cfg.Time.Now()
	return s.cfg.Store.Change(ctx, Key{ID: id}, func(_ context.Context, e *Endpoint) (commit.Set, bool, error) {
		if err := w.may(*e); err != nil || e.State == Paused {
			return commit.Set{}, false, err
		}
		e.State, e.Reason, e.UpdatedAt = Paused, "", now
		return commit.Set{
			Objects: []commit.Object{e.object()}, Cancel: []commit.CancelTimer{{Kind: timerRetry, Subject: id}},
			Facts: []fact.Fact{fact.New(now, e.Project, w.Actor, fact.WebhookDisabled{Name: e.Name, Reason: "person"}, e.Ref())},
		}, true, nil
	})
}

// Resume delivers again, from where it stopped; with skip, from now on. Of an endpoint that is active it begins the next attempt at
// once.
func (s *Service) Resume(ctx context.Context, w Writer, id string, skip bool) error {
	now := s.cfg.Time.Now()
	return s.cfg.Store.Change(ctx, Key{ID: id}, func(ctx context.Context, e *Endpoint) (commit.Set, bool, error) {
		if err := w.may(*e); err != nil {
			return commit.Set{}, false, err
		}
		was := e.State
		e.State, e.Reason, e.UpdatedAt = Active, "", now
		e.Health = Health{LastOK: e.Health.LastOK, LastTry: e.Health.LastTry}
		if skip {
			if err := s.cfg.Replays.Skip(ctx, id); err != nil {
				return commit.Set{}, false, err
			}
		}
		set := commit.Set{Objects: []commit.Object{e.object()}, Cancel: []commit.CancelTimer{{Kind: timerRetry, Subject: id}}}
		if was != Active || skip {
			set.Facts = []fact.Fact{fact.New(now, e.Project, w.Actor, fact.WebhookEnabled{Name: e.Name, Skipped: skip}, e.Ref())}
		}
		return set, true, nil
	})
}

// Attempts lists the log of an endpoint, newest first.
func (s *Service) Attempts(ctx context.Context, q Query) ([]Attempt, error) {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	q.Limit = min(q.Limit, 1000)
	return s.cfg.Log.Attempts(ctx, q)
}

// Attempt is one line of the log.
func (s *Service) Attempt(ctx context.Context, id string) (Attempt, error) {
	return s.cfg.Log.Attempt(ctx, id)
}

// Prune removes what is older than Keep from the log, in small pieces.
func (s *Service) Prune(ctx context.Context) error {
	for {
		n, err := s.cfg.Log.Prune(ctx, s.cfg.Time.Now().Add(-Keep), 500)
		if err != nil || n < 500 {
			return err
		}
	}
}
