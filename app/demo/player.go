package demo

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/app/demo/sim"
	"github.com/mainstayhq/mainstay/practice/warning"
)

// player plays a plan through the services of an App on a moved clock. It moves the clock from one thing to the next, be it an event or
// a timer that falls due in between, and waits after each until everything that it caused has happened.
type player struct {
	app     *app.App
	clock   *mainstay.Moved
	project string // id
	keys    intakeKeys
	people  map[string]mainstay.Actor

	services  map[string]string
	parts     map[string]string // components
	alerts    map[string]firing
	incidents map[string]*handled
	articles  map[string]string
	actions   map[string]string
	windows   map[string]string
	refused   map[string]int // deeds that the product refused, by reason
}

// intakeKeys are a project's keys, by format.
type intakeKeys struct{ alerts, beats string }

// firing is an alert that was told.
type firing struct {
	sim.Alert
	began time.Time
	ref   mainstay.Ref
	by    mainstay.Actor // who acknowledged it
}

// handled is an incident that was declared.
type handled struct {
	id        string
	commander mainstay.Actor
	steps     int
}

// newPlayer makes a player for a project that has been set up.
func newPlayer(ctx context.Context, a *app.App, clock *mainstay.Moved, project string, people map[string]mainstay.Actor) (*player, error) {
	p := &player{
		app: a, clock: clock, people: people, services: map[string]string{}, parts: map[string]string{}, alerts: map[string]firing{},
		incidents: map[string]*handled{}, articles: map[string]string{}, actions: map[string]string{}, windows: map[string]string{},
		refused: map[string]int{},
	}
	found, err := a.Projects.Project(ctx, project)
	if err != nil {
		return nil, err
	}
	p.project = found.ID
	services, err := a.Projects.Services(ctx, p.project)
	if err != nil {
		return nil, err
	}
	for _, s := range services {
		p.services[s.Name] = s.ID
	}
	parts, err := a.Communication.Components(ctx, p.project)
	if err != nil {
		return nil, err
	}
	for _, c := range parts {
		p.parts[c.Name] = c.ID
	}
	if p.keys.alerts, err = a.CreateKey(ctx, project, "", "alertmanager"); err != nil {
		return nil, err
	}
	p.keys.beats, err = a.CreateKey(ctx, project, "", "heartbeat")
	return p, err
}

// play plays events. tell is told of the time that has been reached, once a simulated day.
func (p *player) play(ctx context.Context, events []sim.Event, tell func(time.Time)) error {
	day := time.Time{}
	for _, e := range events {
		if err := p.runTo(ctx, e.At); err != nil {
			return err
		}
		if err := p.do(ctx, e.Do); err != nil {
			if !mainstay.Is(err, mainstay.Conflict) && !mainstay.Is(err, mainstay.NotFound) {
				return fmt.Errorf("%s: %T %+v: %w", e.At.Format(time.DateTime), e.Do, e.Do, err)
			}
			p.refused[fmt.Sprintf("%T: %s", e.Do, mainstay.ErrorMessage(err))]++ // two people at once: one is told that it was done
		}
		if err := p.app.Settle(ctx); err != nil {
			return err
		}
		if today := e.At.Truncate(24 * time.Hour); tell != nil && !today.Equal(day) {
			day = today
			tell(e.At)
		}
	}
	return nil
}

// runTo moves the clock, stopping at each timer on the way: what falls due happens at its time, and nothing is late.
func (p *player) runTo(ctx context.Context, t time.Time) error {
	for {
		due, ok, err := p.app.NextDue(ctx, t)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if due.After(p.clock.Now()) {
			p.clock.Set(due)
		}
		if err := p.app.Settle(ctx); err != nil {
			return err
		}
	}
	if t.After(p.clock.Now()) {
		p.clock.Set(t)
	}
	return nil
}

// do is the list of hands: one per deed. A new practice adds its own here.
func (p *player) do(ctx context.Context, d sim.Deed) error {
	switch d := d.(type) {
	case sim.Fire:
		return p.fire(ctx, d)
	case sim.End:
		return p.end(ctx, d)
	case sim.Ack:
		return p.acknowledge(ctx, d)
	case sim.Beat:
		return p.beat(ctx, d)
	case sim.Away:
		return p.away(ctx, d)
	case sim.Window:
		return p.window(ctx, d)
	case sim.Maintain:
		return p.maintain(ctx, d)
	case sim.Phase:
		return p.phase(ctx, d)
	}
	if known, err := p.handle(ctx, d); known {
		return err
	}
	if known, err := p.learn(ctx, d); known {
		return err
	}
	return fmt.Errorf("nobody has a hand for %T", d)
}

// labels are those of an alert; they identify it.
func labels(a sim.Alert) map[string]string {
	l := map[string]string{"alertname": a.Name, "service": a.Service, "severity": a.Severity, "instance": a.Instance}
	if a.Version != "" {
		l["version"] = a.Version
	}
	return l
}

// told is an alert as a Prometheus tells it.
func told(a sim.Alert, began, until time.Time) map[string]any {
	return map[string]any{
		"labels": labels(a), "annotations": map[string]string{"summary": a.Summary, "description": a.Description},
		"startsAt": began.Format(time.RFC3339Nano), "endsAt": until.Format(time.RFC3339Nano),
		"generatorURL": "http://prometheus.harbour.example/graph?g0.expr=" + a.Name,
	}
}

// post sends a body to the intake route.
func post(ctx context.Context, h http.Handler, path, body string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://demo"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	w := &answer{header: http.Header{}}
	h.ServeHTTP(w, req)
	if w.status/100 != 2 {
		return fmt.Errorf("the intake answered %d %s", w.status, strings.TrimSpace(w.body.String()))
	}
	return nil
}

// find is the open alert of that name and instance.
func (p *player) find(ctx context.Context, name, label, value string) (mainstay.Ref, error) {
	for _, a := range p.app.Warning.Open(ctx, warning.Query{Projects: []string{p.project}}) {
		if a.Name() == name && a.Label(label) == value {
			return a.Ref(), nil
		}
	}
	return mainstay.Ref{}, mainstay.Errorf(mainstay.NotFound, "The alert is over.")
}

// who is a person by handle, else whoever has it in hand.
func (p *player) who(handle string, otherwise mainstay.Actor) mainstay.Actor {
	if a, ok := p.people[handle]; ok {
		return a
	}
	if otherwise.ID == "" {
		return p.people["ana"]
	}
	return otherwise
}

func (p *player) ids(of map[string]string, names []string) (list []string) {
	for _, n := range names {
		if id, ok := of[n]; ok {
			list = append(list, id)
		}
	}
	return list
}
