package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/practice/rootcause"
	"github.com/mainstayhq/mainstay/practice/warning"
)

// play is the past being played: the first error ends it.
type play struct {
	*Demo
	ctx      context.Context
	err      error
	project  string
	incident incident.Incident
}

// do takes a step unless one before failed.
func (p *play) do(what string, f func() error) {
	if p.err != nil {
		return
	}
	if err := f(); err != nil {
		p.err = fmt.Errorf("%s: %w", what, err)
	}
}

// settle waits in real time until everything that was caused has happened.
func (p *play) settle() {
	for quiet := 0; p.err == nil && quiet < 2; {
		if p.App.Settled() {
			quiet++
		} else {
			quiet = 0
		}
		if !sleep(p.ctx, time.Millisecond) {
			p.err = p.ctx.Err()
		}
	}
}

// after lets the moved clock run, settling before and after.
func (p *play) after(d time.Duration) {
	p.settle()
	if p.err == nil {
		p.clock.Advance(d)
	}
	p.settle()
}

// playPast builds the world and plays one bad night.
func (d *Demo) playPast(ctx context.Context) error {
	p := &play{Demo: d, ctx: ctx}
	p.do("building the shop", p.build)
	p.after(4 * time.Hour) // a quiet evening, and the rebuilding of the search index
	p.night()
	p.after(35 * time.Minute)
	p.morning()
	p.small()
	if p.err != nil {
		return p.err
	}
	for d.clock.Now().Before(time.Now().Add(-time.Hour)) { // the quiet day after
		p.after(time.Hour)
	}
	p.after(time.Until(d.clock.Now()) * -1)
	d.clock.Release()
	return p.err
}

func (p *play) build() error {
	now := p.clock.Now()
	stamp := func(t time.Time) string { return t.Truncate(time.Minute).Format(time.RFC3339) }
	next := time.Now().Add(52 * time.Hour).Truncate(time.Hour)
	text := strings.NewReplacer(
		"{{hook}}", p.hookAt, "{{from}}", stamp(next), "{{until}}", stamp(next.Add(30*time.Minute)),
		"{{earlier}}", stamp(now.Add(time.Hour)), "{{earlierEnd}}", stamp(now.Add(2*time.Hour)),
	).Replace(harbour)
	operator := mainstay.System("operator")
	if _, err := p.App.Apply(p.ctx, operator, []app.Source{{Name: "harbour.yaml", Text: text}}, false, nil); err != nil {
		return err
	}
	project, err := p.App.Projects.Project(p.ctx, "harbour")
	if err != nil {
		return err
	}
	p.project = project.ID
	for _, name := range []string{"ana", "samir", "ines", "tomasz", "lena"} {
		person, err := p.App.People.ByName(p.ctx, name)
		if err != nil {
			return err
		}
		p.people[name] = mainstay.Person(person.ID)
		if err := p.App.Identity.SetPassword(p.ctx, operator, person.ID, password); err != nil {
			return err
		}
	}
	p.key, err = p.App.CreateKey(p.ctx, "harbour", "", "alertmanager")
	return err
}

// night: card payments fail, people are woken, users are told, it is rolled back.
func (p *play) night() {
	ana, ines, tomasz, samir := p.people["ana"], p.people["ines"], p.people["tomasz"], p.people["samir"]
	began := p.clock.Now()
	p.do("an alert", func() error { return p.post(cards.fires(began, began.Add(10*time.Minute))) })
	p.after(time.Minute)
	p.do("another alert", func() error {
		return p.post(cards.fires(began, p.clock.Now().Add(10*time.Minute)), orders.fires(p.clock.Now(), p.clock.Now().Add(10*time.Minute)))
	})
	p.after(time.Minute)
	alertRef, pageRef := p.alertAndPage()
	p.do("acknowledging", func() error {
		_, _, err := p.App.Escalation.Acknowledge(p.ctx, ana, pageRef.ID, "mail")
		return err
	})
	p.after(time.Minute)
	p.do("declaring", func() (err error) {
		p.incident, err = p.App.Incidents.Declare(p.ctx, ana, incident.Declaration{
			Project: p.project, Title: "Card payments fail at checkout", Severity: mainstay.Sev1, StartedAt: began,
			Services: p.services("checkout", "payments"), Links: []mainstay.Ref{alertRef, pageRef}, Commander: ana.ID,
		})
		return err
	})
	p.step(1, ana)
	p.role("communications", ines)
	p.role("expert", tomasz)
	p.role("scribe", samir)
	p.after(2 * time.Minute)
	p.step(2, ana)
	p.note(tomasz, "happened", "Only cards with 3-D Secure fail; others pay. Northgate is green.", p.clock.Now().Add(-8*time.Minute))
	p.after(3 * time.Minute)
	p.say(ines, communication.Investigating, "Card payments are failing",
		"Some card payments are failing at the checkout. Paying by invoice works, and your basket is kept. We are looking into it.", 20)
	p.step(3, ines)
	p.after(6 * time.Minute)
	p.note(ana, "decision", "Roll back checkout to v2.13.2. Rerouting to invoices would reach 11 % of users only.", time.Time{})
	p.step(4, ana)
	p.after(4 * time.Minute)
	p.say(ines, communication.Identified, "Card payments are failing",
		"We have found the cause: a change in how cards are confirmed. We are taking it back. Paying by invoice works.", 20)
	p.after(8 * time.Minute)
	p.note(tomasz, "action", "Rolled back at 5 of 5 instances. Failure ratio 0.4 %.", time.Time{})
	p.mark(incident.Mitigated, tomasz)
	p.do("the alerts end", func() error {
		now := p.clock.Now()
		return p.post(cards.fires(began, now), orders.fires(began.Add(time.Minute), now))
	})
	p.after(3 * time.Minute)
	p.say(ines, communication.Monitoring, "Card payments work again", "Card payments work again since we took the change back. We are watching.", 20)
	p.after(10 * time.Minute)
	p.step(5, samir)
	p.mark(incident.Restored, samir)
	p.say(ines, communication.Resolved, "Card payments work again",
		"Card payments work as before. No order was lost; orders that failed were not charged. We are sorry for the trouble.", 0)
	p.step(6, ines)
	p.do("resolving", func() error {
		_, err := p.App.Incidents.Resolve(p.ctx, ana, p.incident.ID, time.Time{})
		return err
	})
	p.settle()
}

func (p *play) alertAndPage() (alertRef, pageRef mainstay.Ref) {
	p.do("finding the alert", func() error {
		list := p.App.Warning.Open(p.ctx, warning.Query{Projects: []string{p.project}})
		for _, a := range list {
			if a.Name() == cards.name {
				alertRef = a.Ref()
			}
		}
		pages, err := p.App.Escalation.PagesFor(p.ctx, alertRef)
		if err != nil || len(pages) == 0 {
			return fmt.Errorf("%d pages: %w", len(pages), err)
		}
		pageRef = mainstay.Ref{Kind: mainstay.KindPage, ID: pages[0].ID}
		return nil
	})
	return alertRef, pageRef
}

func (p *play) services(names ...string) (ids []string) {
	for _, n := range names {
		p.do("finding a service", func() error {
			s, err := p.App.Projects.Service(p.ctx, p.project, n)
			ids = append(ids, s.ID)
			return err
		})
	}
	return ids
}

func (p *play) step(n int, by mainstay.Actor) {
	p.do("finishing a step", func() error {
		_, err := p.App.Incidents.FinishStep(p.ctx, by, p.incident.ID, n)
		return err
	})
}

func (p *play) role(role string, who mainstay.Actor) {
	p.do("giving a role", func() error {
		_, err := p.App.Incidents.Assign(p.ctx, p.people["ana"], p.incident.ID, role, who.ID)
		return err
	})
}

func (p *play) note(by mainstay.Actor, kind, text string, happened time.Time) {
	p.do("writing a note", func() error {
		_, err := p.App.Incidents.AddNote(p.ctx, by, p.incident.ID, kind, text, happened)
		return err
	})
}

func (p *play) mark(phase incident.Phase, by mainstay.Actor) {
	p.do("marking a phase", func() error {
		_, err := p.App.Incidents.Mark(p.ctx, by, p.incident.ID, phase, p.clock.Now())
		return err
	})
}

// say drafts and publishes a public update.
func (p *play) say(by mainstay.Actor, status communication.Status, title, body string, next int) {
	p.settle()
	states := map[communication.Status][2]communication.State{
		communication.Investigating: {communication.PartialOutage, communication.MajorOutage},
		communication.Identified:    {communication.PartialOutage, communication.MajorOutage},
		communication.Monitoring:    {communication.Operational, communication.Degraded},
		communication.Resolved:      {communication.Operational, communication.Operational},
	}[status]
	p.do("telling users", func() error {
		list, err := p.App.Communication.Components(p.ctx, p.project)
		if err != nil {
			return err
		}
		set := map[string]communication.State{}
		for _, c := range list {
			switch c.Name {
			case "orders":
				set[c.ID] = states[0]
			case "cards":
				set[c.ID] = states[1]
			}
		}
		draft, err := p.App.Communication.Draft(p.ctx, by, communication.Input{
			Incident: p.incident.ID, Status: status, Title: title, Body: body, Components: set, NextMinutes: next,
		})
		if err != nil {
			return err
		}
		_, err = p.App.Communication.Publish(p.ctx, by, draft.ID)
		return err
	})
}

// morning: why it happened, what is done about it, and what is written down.
func (p *play) morning() {
	tomasz, ana := p.people["tomasz"], p.people["ana"]
	var rc rootcause.RootCause
	p.do("finding the analysis", func() (err error) {
		rc, err = p.App.RootCauses.OfIncident(p.ctx, p.incident.ID)
		return err
	})
	cause := func(text string, kind rootcause.NodeKind, cat rootcause.Category, explains string) (node string) {
		p.do("adding a cause", func() (err error) {
			node, err = p.App.RootCauses.AddCause(p.ctx, tomasz, rc.ID, rootcause.CauseDraft{Text: text, Kind: kind, Category: cat, Explains: explains})
			return err
		})
		return node
	}
	effect := cause("22 % of card payments failed for 38 minutes", rootcause.Effect, "", "")
	one := cause("The checkout sent 3-D Secure requests without the return address", rootcause.Cause, rootcause.Technology, effect)
	two := cause("Version 2.14.0 read the address from a setting that production lacks", rootcause.Cause, rootcause.Process, one)
	cause("The test environment has the setting, so no test failed", rootcause.Condition, rootcause.Environment, two)
	cause("No alert watches failures by kind of card", rootcause.Condition, rootcause.Monitoring, effect)
	for _, e := range []rootcause.Evidence{
		{Type: "log", Text: "return_url missing in 1,204 requests to Northgate"},
		{Type: "change", Text: "checkout v2.14.0, deployed by the night train"},
	} {
		p.do("adding evidence", func() error { return p.App.RootCauses.AddEvidence(p.ctx, tomasz, rc.ID, one, e) })
	}
	p.do("writing", func() error {
		return p.App.RootCauses.Write(p.ctx, tomasz, rc.ID, rootcause.Summary,
			"Version 2.14.0 of the checkout asked for the 3-D Secure return address in a setting that only the test environment had. "+
				"Cards that need 3-D Secure failed until the version was taken back.", 0)
	})
	for title, owner := range map[string]mainstay.Actor{
		"Refuse to start without the payment settings": tomasz, "Alert on card failures by kind of card": ana,
	} {
		p.do("asking for an action", func() error {
			_, err := p.App.RootCauses.AddAction(p.ctx, tomasz, rc.ID, rootcause.ActionDraft{Title: title, Owner: owner.ID, Node: two})
			return err
		})
	}
	p.after(20 * time.Minute)
	p.do("an article", func() error {
		a, err := p.App.Knowledge.DraftFrom(p.ctx, tomasz, p.incident.Ref(), "")
		if err != nil {
			return err
		}
		_, err = p.App.Knowledge.Publish(p.ctx, tomasz, a.ID)
		return err
	})
	p.settle()
}

// small: a fault in the afternoon that a responder solved with nobody else awake.
func (p *play) small() {
	p.after(5 * time.Hour)
	began := p.clock.Now()
	p.do("a small alert", func() error { return p.post(queue.fires(began, began.Add(20*time.Minute))) })
	p.after(3 * time.Minute)
	p.do("acknowledging", func() error {
		pages, err := p.App.Escalation.Pages(p.ctx, escalation.PageQuery{States: []escalation.State{escalation.Open}})
		for _, page := range pages {
			if err == nil {
				_, _, err = p.App.Escalation.Acknowledge(p.ctx, p.people["samir"], page.ID, "web")
			}
		}
		return err
	})
	p.after(9 * time.Minute)
	p.do("it ends", func() error { return p.post(queue.fires(began, p.clock.Now())) })
	p.settle()
}
