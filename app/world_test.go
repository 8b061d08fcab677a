package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/file"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/practice/knowledge"
	"github.com/mainstayhq/mainstay/practice/rootcause"
	"github.com/mainstayhq/mainstay/practice/warning"
)

// The marks stand in every title of a project's objects, so that a test sees where they leak.
const (
	markOther   = "Quartz"   // in the other project
	markAlert   = "Feldspar" // alerts
	markPrivate = "Obsidian" // a private incident
)

// worldYAML is one project of everything; {P} is its name and {M} its mark.
const worldYAML = `
apiVersion: mainstay/v1
kind: Project
metadata: {name: "{P}"}
spec: {title: "Project {M}", zone: Europe/Berlin}
---
apiVersion: mainstay/v1
kind: Service
metadata: {name: "web-{P}", project: "{P}"}
spec: {title: "Web {M}"}
---
apiVersion: mainstay/v1
kind: Schedule
metadata: {name: "primary-{P}", project: "{P}"}
spec: {title: "Primary {M}", zone: Europe/Berlin, layers: [{name: weeks, rotation: weekly, handoff: "Mon 09:00", participants: [duty]}]}
---
apiVersion: mainstay/v1
kind: EscalationPolicy
metadata: {name: "urgent-{P}", project: "{P}"}
spec: {title: "Urgent {M}", steps: [{targets: ["schedule:primary-{P}"]}]}
---
apiVersion: mainstay/v1
kind: Route
metadata: {name: "all-{P}", project: "{P}"}
spec: {order: 10, policy: "urgent-{P}", service: "web-{P}"}
---
apiVersion: mainstay/v1
kind: IncidentPlan
metadata: {name: "plan-{P}", project: "{P}"}
spec: {title: "Plan {M}", roles: [commander], steps: [{title: "Look {M}", role: commander, within: 5m}]}
---
apiVersion: mainstay/v1
kind: Component
metadata: {name: "part-{P}", project: "{P}"}
spec: {title: "Part {M}", service: "web-{P}"}
---
apiVersion: mainstay/v1
kind: Window
metadata: {name: "work-{P}", project: "{P}"}
spec: {title: "Work {M}", text: "Nothing {M}", services: ["web-{P}"], components: ["part-{P}"], from: "2026-04-01T01:00:00Z", until: "2026-04-01T02:00:00Z"}
---
apiVersion: mainstay/v1
kind: Webhook
metadata: {name: "out-{P}", project: "{P}"}
spec: {url: "https://hooks.example.org/{P}", kinds: ["incident.*"], paused: true}
`

// personYAML is a person with one role.
func personYAML(name, role, project string) string {
	grant := "role: " + role
	if project != "" {
		grant += ", project: " + project
	}
	return fmt.Sprintf("---\napiVersion: mainstay/v1\nkind: Person\nmetadata: {name: %s}\nspec: {email: %s@example.com, roles: [{%s}]}\n", name, name, grant)
}

// world is a server with two projects of everything, and the objects of each by kind.
type world struct {
	*servertest.Server
	alpha, beta map[mainstay.Kind]string // ids
	private     string                   // id of a private incident of alpha
	tokens      map[access.Role]string   // of alpha
	root        string                   // an administrator's token for everything
}

func newWorld(t *testing.T, s *servertest.Server) *world {
	t.Helper()
	w := &world{Server: s, tokens: map[access.Role]string{}}
	manifests := strings.NewReplacer("{P}", "alpha", "{M}", "Basalt").Replace(worldYAML) +
		"---" + strings.NewReplacer("{P}", "beta", "{M}", markOther).Replace(worldYAML) +
		personYAML("root", "administrator", "") + personYAML("duty", "responder", "") + personYAML("other", "member", "alpha") +
		"---\napiVersion: mainstay/v1\nkind: Team\nmetadata: {name: crew}\nspec: {title: Crew, members: [other]}\n"
	for _, r := range access.Roles() {
		manifests += personYAML(string(r), string(r), "alpha")
	}
	s.Apply(t, manifests)
	for _, r := range access.Roles() {
		w.tokens[r] = s.Token(t, string(r), "alpha")
	}
	w.root = s.Token(t, "administrator", "")
	w.alpha, w.beta = w.fill(t, "alpha", "Basalt"), w.fill(t, "beta", markOther)
	w.fillPrivate(t)
	return w
}

// fillPrivate makes a private incident of alpha that is open, and another that was resolved and has an analysis, and what comes of them.
func (w *world) fillPrivate(t *testing.T) {
	t.Helper()
	ctx, duty := t.Context(), mainstay.Person(must[string](t)(w.personID(t, "duty")))
	open := w.declare(t, w.alpha, markPrivate+" secret matter", mainstay.Sev1, true)
	past := w.declare(t, w.alpha, markPrivate+" old secret", mainstay.Sev1, true)
	for _, i := range []incident.Incident{open, past} {
		must[incident.Incident](t)(w.Incidents.AddNote(ctx, duty, i.ID, "happened", "Seen "+markPrivate, time.Time{}))
		must[incident.Incident](t)(w.Incidents.AddTask(ctx, duty, i.ID, "Task "+markPrivate, duty.ID))
		must[file.Exhibit](t)(w.Files.Keep(ctx, file.Upload{
			Project: i.Project, Subject: i.Ref(), Name: markPrivate + ".txt", By: duty, Private: true,
		}, strings.NewReader(markPrivate)))
	}
	must[incident.Incident](t)(w.Incidents.Resolve(ctx, duty, past.ID, time.Time{}))
	w.Settle(t)
	w.private = open.ID
	rc, err := w.RootCauses.OfIncident(ctx, past.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.RootCauses.Write(ctx, duty, rc.ID, rootcause.Summary, "It was "+markPrivate, 0); err != nil {
		t.Fatal(err)
	}
	must[string](t)(w.RootCauses.AddAction(ctx, duty, rc.ID, rootcause.ActionDraft{Title: "Mend " + markPrivate, Owner: duty.ID}))
	must[knowledge.Article](t)(w.Knowledge.DraftFrom(ctx, duty, past.Ref(), ""))
	w.Settle(t)
}

// must fails the test on an error, and passes the value on.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (w *world) declare(t *testing.T, ids map[mainstay.Kind]string, title string, severity mainstay.Severity, private bool) incident.Incident {
	t.Helper()
	duty := must[string](t)(w.personID(t, "duty"))
	d := incident.Declaration{Project: ids[mainstay.KindProject], Title: title, Severity: severity, Private: private, StartedAt: w.Clock.Now(), Commander: duty}
	return must[incident.Incident](t)(w.Incidents.Declare(t.Context(), mainstay.Person(duty), d))
}

func (w *world) personID(t *testing.T, name string) (string, error) {
	t.Helper()
	p, err := w.People.ByName(t.Context(), name)
	return p.ID, err
}

// fill makes one object of every kind in the project.
func (w *world) fill(t *testing.T, name, mark string) map[mainstay.Kind]string {
	t.Helper()
	ctx := t.Context()
	ids := map[mainstay.Kind]string{mainstay.KindProject: must[string](t)(w.Projects.ProjectID(ctx, name))}
	for kind, key := range map[mainstay.Kind]string{
		mainstay.KindService: "web-", mainstay.KindSchedule: "primary-", mainstay.KindPolicy: "urgent-", mainstay.KindRoute: "all-",
		mainstay.KindPlan: "plan-", mainstay.KindComponent: "part-", mainstay.KindWindow: "work-", mainstay.KindWebhook: "out-",
	} {
		o, err := w.Objects.Find(ctx, kind, key+name, ids[mainstay.KindProject])
		if err != nil {
			t.Fatal(kind, err)
		}
		ids[kind] = o.Ref.ID
	}
	ids[mainstay.KindPerson] = must[string](t)(w.personID(t, "other"))
	team, err := w.People.Team(ctx, "crew")
	if err != nil {
		t.Fatal(err)
	}
	ids[mainstay.KindTeam] = team.ID
	token, _, err := w.Identity.AddToken(ctx, servertest.Operator, "doomed "+mark, access.Member, ids[mainstay.KindProject], time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	ids[mainstay.KindToken] = token.ID
	w.fillAlert(t, ids, name, mark)
	w.fillPractices(t, ids, mark)
	return ids
}

func (w *world) fillAlert(t *testing.T, ids map[mainstay.Kind]string, name, mark string) {
	t.Helper()
	key := w.Key(t, name, "alertmanager")
	keys, err := w.Keys.List(t.Context(), ids[mainstay.KindProject], "", 10)
	if err != nil || len(keys) == 0 {
		t.Fatal(len(keys), err)
	}
	ids[mainstay.KindKey] = keys[0].ID
	body := fmt.Sprintf(`[{"labels":{"alertname":"%s%s","severity":"critical"},"annotations":{"summary":"%s %s"}}]`, markAlert, mark, markAlert, mark)
	if a := w.Nobody().Send(t, http.MethodPost, "/in/"+key+"/alertmanager/api/v2/alerts", body); a.Status != 200 {
		t.Fatal(a.Status, a.Body)
	}
	w.Settle(t)
	alerts := w.Warning.Open(t.Context(), warning.Query{Projects: []string{ids[mainstay.KindProject]}})
	pages := must[[]escalation.Page](t)(w.Escalation.Pages(t.Context(), escalation.PageQuery{Projects: []string{ids[mainstay.KindProject]}}))
	if len(alerts) != 1 || len(pages) != 1 {
		t.Fatalf("%s has %d alerts and %d pages", name, len(alerts), len(pages))
	}
	ids[mainstay.KindAlert], ids[mainstay.KindPage], ids["ALR"] = alerts[0].ID(), pages[0].ID, alerts[0].Readable()
}

func (w *world) fillPractices(t *testing.T, ids map[mainstay.Kind]string, mark string) {
	t.Helper()
	ctx, duty := t.Context(), mainstay.Person(must[string](t)(w.personID(t, "duty")))
	past := w.declare(t, ids, "Past trouble "+mark, mainstay.Sev1, false)
	must[incident.Incident](t)(w.Incidents.Resolve(ctx, duty, past.ID, time.Time{}))
	w.Settle(t)
	rc, err := w.RootCauses.OfIncident(ctx, past.ID)
	if err != nil {
		t.Fatal(err)
	}
	ids[mainstay.KindRootCause] = rc.ID
	open := w.declare(t, ids, "Trouble "+mark, mainstay.Sev2, false)
	ids[mainstay.KindIncident] = open.ID
	must[incident.Incident](t)(w.Incidents.Link(ctx, duty, open.ID, mainstay.Ref{Kind: mainstay.KindAlert, ID: ids[mainstay.KindAlert]}))
	must[incident.Incident](t)(w.Incidents.AddNote(ctx, duty, open.ID, "happened", "Seen "+mark, time.Time{}))
	post := must[communication.Post](t)(w.Communication.Draft(ctx, duty, communication.Input{
		Incident: open.ID, Status: communication.Investigating, Title: "We look " + mark, Body: "We look into it " + mark,
		Components: map[string]communication.State{ids[mainstay.KindComponent]: communication.Degraded}, NextMinutes: 30,
	}))
	ids[mainstay.KindPost] = post.ID
	project := ids[mainstay.KindProject]
	ids[mainstay.KindArticle] = must[knowledge.Article](t)(w.Knowledge.Create(ctx, duty, project, knowledge.Values{Title: "How to " + mark}, "Do "+mark)).ID
	ids[mainstay.KindAction] = must[action.Action](t)(w.Actions.Create(ctx, duty, action.Wanted{
		Project: project, Title: "Mend " + mark, Owner: duty.ID, Due: w.Clock.Now().Add(48 * time.Hour), Origin: open.Ref(),
	})).ID
	exhibit := must[file.Exhibit](t)(w.Files.Keep(ctx, file.Upload{
		Project: project, Subject: open.Ref(), Name: "log " + mark + ".txt", By: duty,
	}, strings.NewReader("line of "+mark)))
	ids[mainstay.KindExhibit] = exhibit.ID
	w.Settle(t)
}
