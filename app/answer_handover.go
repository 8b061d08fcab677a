package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/calendar"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/practice/knowledge"
	"github.com/mainstayhq/mainstay/practice/rootcause"
)

// Who knows what a person holds, and hands it over: one for each kind of thing.

func (a *App) holders() []people.Holder {
	return []people.Holder{
		heldSchedules{a}, heldPolicies{a}, heldIncidents{a}, heldActions{a}, heldCauses{a}, heldArticles{a}, heldTeams{a},
	}
}

// lookAhead is how far ahead shifts are counted.
const lookAhead = 90 * 24 * time.Hour

// most bounds what one kind lists.
const most = 1000

// where is a project as a definition takes it: "" for the installation's.
func where(project string) string {
	if project == mainstay.Installation {
		return ""
	}
	return project
}

// heldSchedules: places in rotations, and overrides to come.
type heldSchedules struct{ a *App }

func (heldSchedules) Group() (name, title string) { return "schedules", "Shifts in schedules" }

// of lists the schedules that name the person from now on.
func (h heldSchedules) of(ctx context.Context, person string, now time.Time) ([]escalation.Schedule, error) {
	list, err := h.a.Escalation.Schedules(ctx, nil, now, now.Add(5*365*24*time.Hour))
	return slices.DeleteFunc(list, func(s escalation.Schedule) bool {
		return !s.Retired.IsZero() || !rotates(s, person) && len(stands(s, person, now)) == 0
	}), err
}

func rotates(s escalation.Schedule, person string) bool {
	return slices.ContainsFunc(s.Spec().Layers, func(l escalation.LayerSpec) bool { return slices.Contains(l.Participants, person) })
}

// stands are the overrides of the person that are not over.
func stands(s escalation.Schedule, person string, now time.Time) []escalation.Override {
	var list []escalation.Override
	for _, o := range s.Overrides {
		if o.Person == person && o.Removed.IsZero() && o.Until.After(now) {
			list = append(list, o)
		}
	}
	return list
}

// Holdings implements people.Holder.
func (h heldSchedules) Holdings(ctx context.Context, p people.Person, now time.Time) ([]people.Holding, error) {
	list, err := h.of(ctx, p.ID, now)
	items := []people.Holding{}
	for _, s := range list {
		shifts := slices.DeleteFunc(s.Shifts(now, now.Add(lookAhead)), func(x calendar.Shift) bool { return x.Person != p.ID })
		text := s.Title() + ": in the rotation, without a shift in the next 90 days"
		if n := len(shifts); n > 0 {
			text = fmt.Sprintf("%s: %d shifts in the next 90 days, the next on %s", s.Title(), n, shifts[0].From.In(s.Location()).Format("Mon 2 Jan 2006 15:04"))
			if n == 1 {
				text = strings.Replace(text, "1 shifts", "1 shift", 1)
			}
		}
		items = append(items, people.Holding{
			Ref: s.Ref(), Project: s.Project, Title: text, URL: object.URL(mainstay.KindSchedule, s.ID),
			Note: "Without a successor nobody is paged in these shifts.",
		})
	}
	return items, err
}

// HandOver implements people.Holder: the successor takes the place in each rotation, from now on.
func (h heldSchedules) HandOver(ctx context.Context, actor mainstay.Actor, from, to people.Person) error {
	now := h.a.cfg.Time.Now()
	list, err := h.of(ctx, from.ID, now)
	if err != nil {
		return err
	}
	for _, s := range list {
		for _, o := range stands(s, from.ID, now) {
			if err := h.a.Escalation.RemoveOverride(ctx, actor, s.ID, o.ID); err != nil {
				return err
			}
			next := escalation.Override{Person: to.ID, From: o.From, Until: o.Until, Reason: o.Reason}
			if next.From.Before(now) {
				next.From = time.Time{} // now
			}
			if err := h.a.Escalation.Override(ctx, actor, s.ID, next); err != nil {
				return err
			}
		}
		if !rotates(s, from.ID) {
			continue
		}
		spec, err := h.a.Escalation.SpecOf(ctx, s)
		if err != nil {
			return err
		}
		for i := range spec.Layers {
			spec.Layers[i].Participants = instead(spec.Layers[i].Participants, from.Name, to.Name)
		}
		if _, err := h.a.Escalation.DefineSchedule(ctx, actor, where(s.Project), s.Name, spec); err != nil {
			return err
		}
	}
	return nil
}

// instead puts one name in the place of another.
func instead(list []string, from, to string) []string {
	list = slices.Clone(list)
	for i, n := range list {
		if n == from {
			list[i] = to
		}
	}
	return list
}

// heldPolicies: escalation policies that name the person.
type heldPolicies struct{ a *App }

func (heldPolicies) Group() (name, title string) { return "policies", "Escalation policies" }

func (h heldPolicies) of(ctx context.Context, person string) ([]escalation.Policy, error) {
	list, err := h.a.Escalation.Policies(ctx, nil)
	return slices.DeleteFunc(list, func(p escalation.Policy) bool {
		return !p.Retired.IsZero() || !slices.ContainsFunc(p.Steps, func(s escalation.Step) bool {
			return slices.ContainsFunc(s.Targets, func(t escalation.Target) bool { return t.Kind == mainstay.KindPerson && t.ID == person })
		})
	}), err
}

// Holdings implements people.Holder.
func (h heldPolicies) Holdings(ctx context.Context, p people.Person, _ time.Time) ([]people.Holding, error) {
	list, err := h.of(ctx, p.ID)
	items := []people.Holding{}
	for _, x := range list {
		items = append(items, people.Holding{
			Ref: x.Ref(), Project: x.Project, Title: x.Called() + ": paged by name", URL: object.URL(mainstay.KindPolicy, x.ID),
			Note: "Without a successor its step reaches one person less.",
		})
	}
	return items, err
}

// HandOver implements people.Holder.
func (h heldPolicies) HandOver(ctx context.Context, actor mainstay.Actor, from, to people.Person) error {
	list, err := h.of(ctx, from.ID)
	if err != nil {
		return err
	}
	for _, x := range list {
		spec := x.Spec()
		for i, step := range x.Steps {
			targets := []string{}
			for _, t := range step.Targets {
				word := t.String()
				if t.Kind == mainstay.KindPerson && t.ID == from.ID {
					word = "person:" + to.Name
				}
				if !slices.Contains(targets, word) {
					targets = append(targets, word)
				}
			}
			spec.Steps[i].Targets = targets
		}
		if _, err := h.a.Escalation.DefinePolicy(ctx, actor, where(x.Project), x.Name, spec); err != nil {
			return err
		}
	}
	return nil
}

// heldIncidents: roles in incidents that go on.
type heldIncidents struct{ a *App }

func (heldIncidents) Group() (name, title string) { return "incidents", "Roles in incidents" }

func (h heldIncidents) of(ctx context.Context, person string) ([]incident.Incident, error) {
	page, err := h.a.Incidents.List(ctx, incident.Query{Holder: person, States: []incident.State{incident.Open, incident.Resolved}, Limit: most})
	return slices.DeleteFunc(page.Items, func(i incident.Incident) bool { return len(held(i, person)) == 0 }), err
}

// held are the roles that the person has in the incident.
func held(i incident.Incident, person string) []string {
	var roles []string
	for _, r := range i.Roles {
		if r.Person == person {
			roles = append(roles, r.Role)
		}
	}
	return roles
}

// Holdings implements people.Holder.
func (h heldIncidents) Holdings(ctx context.Context, p people.Person, _ time.Time) ([]people.Holding, error) {
	list, err := h.of(ctx, p.ID)
	items := []people.Holding{}
	for _, i := range list {
		title := i.Title
		if i.Private {
			title = "a private incident"
		}
		items = append(items, people.Holding{
			Ref: i.Ref(), Project: i.Project, Title: i.Key() + " " + title + ": " + strings.Join(held(i, p.ID), ", "), URL: object.URL(mainstay.KindIncident, i.Key()),
			Note: "Without a successor nobody in this role answers.",
		})
	}
	return items, err
}

// HandOver implements people.Holder.
func (h heldIncidents) HandOver(ctx context.Context, actor mainstay.Actor, from, to people.Person) error {
	list, err := h.of(ctx, from.ID)
	if err != nil {
		return err
	}
	for _, i := range list {
		for _, role := range held(i, from.ID) {
			if _, err := h.a.Incidents.Assign(ctx, actor, i.ID, role, to.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// heldActions: what the person owes.
type heldActions struct{ a *App }

func (heldActions) Group() (name, title string) { return "actions", "Actions" }

// owed are the actions that are not over: those that wait to be checked need somebody to ask as well.
func (h heldActions) owed(ctx context.Context, person string) ([]action.Action, error) {
	page, err := h.a.Actions.List(ctx, action.Query{
		Owner: person, AllPrivate: true, ByDue: true, Limit: most,
		States: []action.State{action.Proposed, action.Accepted, action.Done, action.InPlace, action.Ineffective},
	})
	return page.Items, err
}

// Holdings implements people.Holder.
func (h heldActions) Holdings(ctx context.Context, p people.Person, now time.Time) ([]people.Holding, error) {
	list, err := h.owed(ctx, p.ID)
	items := []people.Holding{}
	for _, x := range list {
		title := x.Key() + " " + x.Title
		if x.Private {
			title = x.Key() + " of a private incident"
		}
		switch {
		case x.Overdue(now):
			title += ", overdue"
		case !x.Due.IsZero():
			title += ", due " + x.Due.In(p.Location()).Format("2 Jan 2006")
		}
		items = append(items, people.Holding{
			Ref: x.Ref(), Project: x.Project, Title: title, URL: object.URL(mainstay.KindAction, x.Key()), Note: "Without a successor it stays theirs.",
		})
	}
	return items, err
}

// HandOver implements people.Holder.
func (h heldActions) HandOver(ctx context.Context, actor mainstay.Actor, from, to people.Person) error {
	list, err := h.owed(ctx, from.ID)
	if err != nil {
		return err
	}
	for _, x := range list {
		if _, err := h.a.Actions.Edit(ctx, actor, x.ID, action.Edit{Owner: &to.ID}); err != nil {
			return err
		}
	}
	return nil
}

// heldCauses: root cause analyses that are not published.
type heldCauses struct{ a *App }

func (heldCauses) Group() (name, title string) { return "rootcauses", "Root cause analyses" }

func (h heldCauses) of(ctx context.Context, person string) ([]rootcause.RootCause, error) {
	return h.a.RootCauses.List(ctx, rootcause.Query{
		Owner: person, AllPrivate: true, Limit: most,
		States: []rootcause.State{rootcause.Open, rootcause.Review, rootcause.Reviewed, rootcause.Waiting},
	})
}

// Holdings implements people.Holder.
func (h heldCauses) Holdings(ctx context.Context, p people.Person, _ time.Time) ([]people.Holding, error) {
	list, err := h.of(ctx, p.ID)
	items := []people.Holding{}
	for i := range list {
		rc := &list[i]
		key, title := mainstay.KindRootCause.Number(rc.Number), rc.Title
		if rc.Private {
			title = "of a private incident"
		}
		items = append(items, people.Holding{
			Ref: rc.Ref(), Project: rc.Project, Title: key + " " + title, URL: object.URL(mainstay.KindRootCause, key),
			Note: "Without a successor nobody leads it.",
		})
	}
	return items, err
}

// HandOver implements people.Holder.
func (h heldCauses) HandOver(ctx context.Context, actor mainstay.Actor, from, to people.Person) error {
	list, err := h.of(ctx, from.ID)
	if err != nil {
		return err
	}
	for _, rc := range list {
		if err := h.a.RootCauses.Assign(ctx, actor, rc.ID, to.ID); err != nil {
			return err
		}
	}
	return nil
}

// heldArticles: articles that the person keeps.
type heldArticles struct{ a *App }

func (heldArticles) Group() (name, title string) { return "articles", "Articles" }

func (h heldArticles) of(ctx context.Context, person string) ([]knowledge.Article, error) {
	return h.a.Knowledge.List(ctx, knowledge.Query{
		Owner: person, AllPrivate: true, Limit: most, States: []knowledge.State{knowledge.Draft, knowledge.Published},
	})
}

// Holdings implements people.Holder.
func (h heldArticles) Holdings(ctx context.Context, p people.Person, _ time.Time) ([]people.Holding, error) {
	list, err := h.of(ctx, p.ID)
	items := []people.Holding{}
	for i := range list {
		x := &list[i]
		title := x.Title
		if x.Private {
			title = "of a private incident"
		}
		items = append(items, people.Holding{
			Ref: x.Ref(), Project: x.Project, Title: x.Key() + " " + title, URL: object.URL(mainstay.KindArticle, x.Key()),
			Note: "Without a successor nobody is asked to review it.",
		})
	}
	return items, err
}

// HandOver implements people.Holder: the text stays at its revision.
func (h heldArticles) HandOver(ctx context.Context, actor mainstay.Actor, from, to people.Person) error {
	list, err := h.of(ctx, from.ID)
	if err != nil {
		return err
	}
	for _, x := range list {
		text, err := h.a.Knowledge.Text(ctx, x)
		if err != nil {
			return err
		}
		v := knowledge.Values{Title: x.Title, Service: x.Service, Rule: x.Rule, Owner: to.ID, Public: x.Public}
		if _, err := h.a.Knowledge.Edit(ctx, actor, x.ID, v, text.Markdown, text.Revision); err != nil {
			return err
		}
	}
	return nil
}

// heldTeams: teams that the person leads, with nobody else who does.
type heldTeams struct{ a *App }

func (heldTeams) Group() (name, title string) { return "teams", "Teams that they alone lead" }

func (h heldTeams) of(ctx context.Context, person string) ([]people.Team, error) {
	list, _, err := h.a.People.Teams(ctx, people.TeamQuery{Person: person, Limit: most})
	return slices.DeleteFunc(list, func(t people.Team) bool {
		leads := slices.DeleteFunc(slices.Clone(t.Members), func(m people.Member) bool { return !m.Lead || !m.Active && m.Person != person })
		return len(leads) != 1 || leads[0].Person != person
	}), err
}

// Holdings implements people.Holder.
func (h heldTeams) Holdings(ctx context.Context, p people.Person, _ time.Time) ([]people.Holding, error) {
	list, err := h.of(ctx, p.ID)
	items := []people.Holding{}
	for i := range list {
		items = append(items, people.Holding{
			Ref: list[i].Ref(), Project: mainstay.Installation, Title: list[i].Title, URL: "/teams/" + list[i].Name,
			Note: "Without a successor it has no lead.",
		})
	}
	return items, err
}

// HandOver implements people.Holder: the successor leads; the other stays a member, which counts for nothing while deactivated.
func (h heldTeams) HandOver(ctx context.Context, actor mainstay.Actor, from, to people.Person) error {
	list, err := h.of(ctx, from.ID)
	if err != nil {
		return err
	}
	for i := range list {
		_, _, err := h.a.People.ChangeTeam(ctx, actor, list[i].ID, func(t *people.Team) error {
			member := false
			for j := range t.Members {
				m := &t.Members[j]
				m.Lead = m.Lead && m.Person != from.ID || m.Person == to.ID
				member = member || m.Person == to.ID
			}
			if !member {
				t.Members = append(t.Members, people.Member{Person: to.ID, Name: to.Name, FullName: to.FullName, Lead: true, Active: true})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// leave ends what lets a person in: sessions, links to set a password, and the API tokens that they made.
func (a *App) leave(ctx context.Context, actor mainstay.Actor, person string) error {
	if err := a.Identity.SignOutEverywhere(ctx, actor, person, ""); err != nil {
		return err
	}
	if _, err := a.Identity.Revoke(ctx, actor, person); err != nil {
		return err
	}
	list, err := a.tokensOf(ctx, person)
	if err != nil {
		return err
	}
	for _, t := range list {
		if err := a.Identity.RevokeToken(ctx, actor, t.ID); err != nil {
			return err
		}
	}
	return nil
}
