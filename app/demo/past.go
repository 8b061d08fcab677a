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

// playPast builds the world and plays a week with one bad night.
func (d *Demo) playPast(ctx context.Context) error {
	p := &play{Demo: d, ctx: ctx}
	p.do("building the shop", p.build)
	p.after(4 * time.Hour) // the rebuilding of the search index
	p.mails()
	p.quietUntil(time.Now().Add(-22 * time.Hour))
	p.night()
	p.after(35 * time.Minute)
	p.morning()
	p.small()
	p.quietUntil(time.Now().Add(-time.Hour))
	if p.err != nil {
		return p.err
	}
	p.after(time.Until(d.clock.Now()) * -1)
	d.clock.Release()
	return p.err
}

// quietUntil lets days go by on which nothing happens.
func (p *play) quietUntil(t time.Time) {
	for p.err == nil && t.Sub(p.clock.Now()) >= time.Second { // the clock knows nothing below a microsecond
		p.after(min(time.Hour, t.Sub(p.clock.Now())))
	}
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

// mails: some days before, order mails came late for an hour. Samir handled it alone.
func (p *play) mails() {
	samir := p.people["samir"]
	began := p.clock.Now()
	p.do("an alert", func() error { return p.post(queue.fires(began, began.Add(90*time.Minute))) })
	p.after(4 * time.Minute)
	alertRef, pageRef := p.alertAndPage(queue)
	p.do("acknowledging", func() error {
		_, _, err := p.App.Escalation.Acknowledge(p.ctx, samir, pageRef.ID, "web")
		return err
	})
	p.do("declaring", func() (err error) {
		p.incident, err = p.App.Incidents.Declare(p.ctx, samir, incident.Declaration{
			Project: p.project, Title: "Order mails come late", Severity: mainstay.Sev3, StartedAt: began,
			Services: p.services("mail"), Links: []mainstay.Ref{alertRef, pageRef}, Commander: samir.ID,
		})
		return err
	})
	p.step(1, samir)
	p.after(9 * time.Minute)
	p.note(samir, "happened", "412 mails wait. Postlane takes one connection in three.", time.Time{})
	p.say(samir, communication.Identified, "Order mails come late",
		"Confirmations of orders arrive up to an hour late. The orders themselves are fine. We are working on it with our mail provider.", 60,
		seen{"confirmations": communication.Degraded})
	p.step(2, samir)
	p.after(20 * time.Minute)
	p.note(samir, "action", "Sent the waiting mails through the second gateway of Postlane.", time.Time{})
	p.mark(incident.Mitigated, samir)
	p.after(18 * time.Minute)
	p.do("the alert ends", func() error { return p.post(queue.fires(began, p.clock.Now())) })
	p.mark(incident.Restored, samir)
	p.say(samir, communication.Resolved, "Order mails arrive again", "All waiting confirmations have been sent. New ones arrive within a minute.", 0,
		seen{"confirmations": communication.Operational})
	p.do("resolving", func() error {
		_, err := p.App.Incidents.Resolve(p.ctx, samir, p.incident.ID, time.Time{})
		return err
	})
	p.after(10 * time.Minute)
	p.article(samir)
	p.do("closing", func() error {
		_, err := p.App.Incidents.Close(p.ctx, samir, p.incident.ID)
		return err
	})
}

// article writes down what helped.
func (p *play) article(by mainstay.Actor) {
	p.do("an article", func() error {
		a, err := p.App.Knowledge.DraftFrom(p.ctx, by, p.incident.Ref(), "")
		if err != nil {
			return err
		}
		_, err = p.App.Knowledge.Publish(p.ctx, by, a.ID)
		return err
	})
	p.settle()
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
	alertRef, pageRef := p.alertAndPage(cards)
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
	down := seen{"orders": communication.PartialOutage, "cards": communication.MajorOutage}
	p.say(ines, communication.Investigating, "Card payments are failing",
		"Some card payments are failing at the checkout. Paying by invoice works, and your basket is kept. We are looking into it.", 20, down)
	p.step(3, ines)
	p.after(3 * time.Minute)
	p.note(tomasz, "happened", "Only cards with 3-D Secure fail; others pay. Northgate is green.", p.clock.Now().Add(-8*time.Minute))
	p.after(6 * time.Minute)
	p.note(ana, "decision", "Roll back checkout to v2.13.2. Rerouting to invoices would reach 11 % of users only.", time.Time{})
	p.step(4, ana)
	p.after(4 * time.Minute)
	p.say(ines, communication.Identified, "Card payments are failing",
		"We have found the cause: a change in how cards are confirmed. We are taking it back. Paying by invoice works.", 20, down)
	p.after(8 * time.Minute)
	p.rolledBack(began, ines, tomasz, samir)
	p.do("resolving", func() error {
		_, err := p.App.Incidents.Resolve(p.ctx, ana, p.incident.ID, time.Time{})
		return err
	})
	p.settle()
}

// rolledBack ends the night: the harm stops, users hear it, it is watched, it is over.
func (p *play) rolledBack(began time.Time, ines, tomasz, samir mainstay.Actor) {
	p.note(tomasz, "action", "Rolled back at 5 of 5 instances. Failure ratio 0.4 %.", time.Time{})
	p.mark(incident.Mitigated, tomasz)
	p.do("the alerts end", func() error {
		now := p.clock.Now()
		return p.post(cards.fires(began, now), orders.fires(began.Add(time.Minute), now))
	})
	p.after(3 * time.Minute)
	p.say(ines, communication.Monitoring, "Card payments work again", "Card payments work again since we took the change back. We are watching.", 20,
		seen{"orders": communication.Operational, "cards": communication.Degraded})
	p.after(10 * time.Minute)
	p.step(5, samir)
	p.mark(incident.Restored, samir)
	p.say(ines, communication.Resolved, "Card payments work again",
		"Card payments work as before. No order was lost; orders that failed were not charged. We are sorry for the trouble.", 0,
		seen{"orders": communication.Operational, "cards": communication.Operational})
	p.step(6, ines)
}

func (p *play) alertAndPage(of alert) (alertRef, pageRef mainstay.Ref) {
	p.do("finding the alert", func() error {
		list := p.App.Warning.Open(p.ctx, warning.Query{Projects: []string{p.project}})
		for _, a := range list {
			if a.Name() == of.name {
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

// seen is what users see of the shop's components, by name.
type seen map[string]communication.State

// say drafts and publishes a public update.
func (p *play) say(by mainstay.Actor, status communication.Status, title, body string, next int, states seen) {
	p.settle()
	p.do("telling users", func() error {
		list, err := p.App.Communication.Components(p.ctx, p.project)
		if err != nil {
			return err
		}
		set := map[string]communication.State{}
		for _, c := range list {
			if to, ok := states[c.Name]; ok {
				set[c.ID] = to
			}
		}
		draft, err := p.App.Communication.Draft(p.ctx, by, communication.Input{
			Incident: p.incident.ID, Status: status, Title: title, Body: body, Components: set, NextMinutes: next,
		})
		if err != nil {
			return err
		}
		if by == p.people["samir"] {
			by = p.people["ines"] // at sev-3 somebody else approves
		}
		_, err = p.App.Communication.Publish(p.ctx, by, draft.ID)
		return err
	})
}

// morning: why it happened, what is done about it, and what is written down.
func (p *play) morning() {
	tomasz, ana := p.people["tomasz"], p.people["ana"]
	var rc rootcause.RootCause
	effect := ""
	p.do("finding the analysis", func() (err error) {
		if rc, err = p.App.RootCauses.OfIncident(p.ctx, p.incident.ID); err == nil {
			effect = rc.Graph.Nodes[0].ID // what users noticed stands there from the beginning
		}
		return err
	})
	refused := p.cause(rc.ID, effect, rootcause.Cause, rootcause.Technology, rootcause.Because, "Every card that needs 3-D Secure was refused",
		rootcause.Evidence{Type: "metric", Text: "22 % of card payments failed, all of them with 3-D Secure"},
		rootcause.Evidence{Type: "interview", Text: "Northgate: refused by rule, not by fault", Ref: "https://northgate.example/cases/81223"})
	address := p.cause(rc.ID, refused, rootcause.Cause, rootcause.Technology, rootcause.Because, "The checkout asked for 3-D Secure without a return address",
		rootcause.Evidence{Type: "log", Text: "return_url missing in 1,204 requests to Northgate"},
		rootcause.Evidence{Type: "change", Text: "checkout v2.14.0, deployed by the night train"})
	setting := p.cause(rc.ID, address, rootcause.Cause, rootcause.Process, rootcause.Because, "Version 2.14.0 reads the address from a setting that production lacks",
		rootcause.Evidence{Type: "change", Text: "checkout v2.14.0, settings.go", Ref: "https://code.harbour.example/checkout/compare/v2.13.2...v2.14.0"},
		rootcause.Evidence{Type: "doc", Text: "Settings of production, 24 of 25 set"})
	hand := p.cause(rc.ID, setting, rootcause.Condition, rootcause.Process, rootcause.Because, "Settings are copied to production by hand, and a missing one stops nothing",
		rootcause.Evidence{Type: "doc", Text: "Release checklist, revision 12, does not name settings"})
	p.cause(rc.ID, setting, rootcause.Condition, rootcause.Environment, rootcause.Masked, "The test environment has the setting, so no test failed")
	unseen := p.cause(rc.ID, effect, rootcause.Condition, rootcause.Monitoring, rootcause.Masked, "No alert watches failures by kind of card")
	for _, node := range []string{refused, address, setting} {
		p.do("marking a cause supported", func() error {
			return p.App.RootCauses.ChangeCause(p.ctx, tomasz, rc.ID, node, rootcause.CauseChange{Status: rootcause.Supported, Confidence: 95})
		})
	}
	p.write(rc.ID, rootcause.Summary, "Version 2.14.0 of the checkout asked for the 3-D Secure return address in a setting that only the test environment had. "+
		"Cards that need 3-D Secure failed for 26 minutes, until the version was taken back.")
	p.write(rc.ID, rootcause.Happened, "The night train deployed checkout v2.14.0. Within a minute the card failure ratio rose from 1 % to 22 %, and Ana was paged. "+
		"Tomasz saw that only cards with 3-D Secure failed, so the payment provider was ruled out, and the version was taken back on all five instances.")
	p.write(rc.ID, rootcause.Lessons, "- The alert was early: two minutes before the first customer wrote.\n- Rolling back was decided 13 minutes after the page; a rule for "+
		"\"our newest version is the first suspect\" would have saved most of them.\n- Settings are part of a version. They belong into its test.")
	for _, d := range []rootcause.ActionDraft{
		{Title: "Refuse to start without the payment settings", Owner: tomasz.ID, Node: hand, Proof: "A checkout without one of them does not start, in a drill."},
		{Title: "Alert on card failures by kind of card", Owner: ana.ID, Node: unseen, Proof: "It fires when the test shop refuses one kind of card."},
	} {
		p.do("asking for an action", func() error {
			_, err := p.App.RootCauses.AddAction(p.ctx, tomasz, rc.ID, d)
			return err
		})
	}
	p.after(20 * time.Minute)
	p.article(tomasz)
}

// cause adds a node that explains another, with what shows it.
func (p *play) cause(rc, explains string, kind rootcause.NodeKind, cat rootcause.Category, edge rootcause.EdgeType, text string, shown ...rootcause.Evidence) (node string) {
	p.do("adding a cause", func() (err error) {
		node, err = p.App.RootCauses.AddCause(p.ctx, p.people["tomasz"], rc, rootcause.CauseDraft{Text: text, Kind: kind, Category: cat, Explains: explains, Edge: edge})
		return err
	})
	for _, e := range shown {
		p.do("adding evidence", func() error { return p.App.RootCauses.AddEvidence(p.ctx, p.people["tomasz"], rc, node, e) })
	}
	return node
}

func (p *play) write(rc string, part rootcause.Part, text string) {
	p.do("writing", func() error { return p.App.RootCauses.Write(p.ctx, p.people["tomasz"], rc, part, text, 0) })
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
