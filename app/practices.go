package app

import (
	"context"
	"crypto/ed25519"
	"path/filepath"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/core/intake/intakedb"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/practice/communication/communicationdb"
	"github.com/mainstayhq/mainstay/practice/communication/statuspage"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/practice/escalation/escalationdb"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/practice/incident/incidentdb"
	"github.com/mainstayhq/mainstay/practice/knowledge"
	"github.com/mainstayhq/mainstay/practice/knowledge/knowledgedb"
	"github.com/mainstayhq/mainstay/practice/maintenance"
	"github.com/mainstayhq/mainstay/practice/maintenance/maintenancedb"
	"github.com/mainstayhq/mainstay/practice/rootcause"
	"github.com/mainstayhq/mainstay/practice/rootcause/rootcausedb"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/practice/warning/warningdb"
)

// practices are the practices that exist, and what belongs to them alone.
type practices struct {
	Keys          *intake.Keys
	Intake        *intake.Settings
	Warning       *warning.Service
	Escalation    *escalation.Service
	Incidents     *incident.Service
	Communication *communication.Service
	StatusPage    *statuspage.Renderer
	Maintenance   *maintenance.Service
	RootCauses    *rootcause.Service
	Knowledge     *knowledge.Service
}

func (a *App) wirePractices(_ context.Context) (err error) {
	for _, wire := range []func() error{
		a.wireChannels, a.wireWarning, a.wireEscalation, a.wireIncident, a.wireCommunication, a.wireMaintenance, a.wireLearning, a.wireShelves, a.wireOutward, a.wireBackups, a.wireWeb,
	} {
		if err := wire(); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) wireChannels() (err error) {
	if a.channels, err = a.listChannels(); err != nil {
		return err
	}
	a.sending, err = notify.NewEngine(notify.Config{
		Store: a.Notices, Channels: a.channels, Time: a.cfg.Time, Log: a.cfg.Log, External: a.external(), Observed: a.metrics.attempted, Open: a.Vault.Open,
	})
	return err
}

func (a *App) wireWarning() (err error) {
	inbox := intakedb.New(a.DB, a.Saver)
	if a.Keys, err = intake.NewKeys(intake.KeysConfig{Store: inbox, Time: a.cfg.Time, Log: a.cfg.Log, Formats: formatNames()}); err != nil {
		return err
	}
	if err := a.wireIntake(); err != nil {
		return err
	}
	store := warningdb.New(a.DB, a.Saver, a.Objects, inbox)
	a.alertRows, a.inboxRows = store, inbox
	a.Journal.Sparse(journal.Sparse{Subject: mainstay.KindAlert, Kinds: warning.StateFacts(), Moments: store.Moments})
	a.Warning, err = warning.New(warning.Config{
		Writing: store, Reading: store, Routes: store, Heartbeats: store, Names: names{a}, Formats: formats(), Time: a.cfg.Time, Log: a.cfg.Log,
		Timeout: func() time.Duration { return a.Intake.Now().Timeout() }, Keep: keptByRetention,
	})
	return err
}

func (a *App) wireEscalation() (err error) {
	a.Escalation, err = escalation.New(escalation.Config{
		Store: escalationdb.New(a.DB, a.Saver, a.Objects), People: a.People, Signer: a.Vault, Projects: a.Projects, Alerts: alertsOf{a},
		Time: a.cfg.Time, Log: a.cfg.Log,
	})
	return err
}

func (a *App) wireIncident() (err error) {
	store := incidentdb.New(a.DB, a.Saver, a.Objects)
	a.Incidents, err = incident.New(incident.Config{
		Store: store, Plans: store, Notes: a.Documents, Journal: a.Journal, Services: a.Projects, People: a.People, OnCall: onCall{a},
		Alerts: incidentAlerts{a}, Time: a.cfg.Time, Log: a.cfg.Log,
	})
	return err
}

func (a *App) wireCommunication() (err error) {
	store := communicationdb.New(a.DB, a.Saver, a.Objects)
	a.Communication, err = communication.New(communication.Config{
		Store: store, Incidents: publicIncidents{a}, Projects: a.Projects, Time: a.cfg.Time, Log: a.cfg.Log,
	})
	if err != nil || a.cfg.Announce { // a command beside the server renders nothing
		return err
	}
	a.StatusPage, err = statuspage.NewRenderer(statuspage.Config{
		Source: store, Page: a.statusIdentity, Dir: filepath.Join(a.cfg.Data, "status"),
		Key: ed25519.NewKeyFromSeed(a.Vault.Derive("status-snapshot")), Time: a.cfg.Time, Log: a.cfg.Log,
	})
	return err
}

func (a *App) wireMaintenance() (err error) {
	a.Maintenance, err = maintenance.New(maintenance.Config{
		Store: maintenancedb.New(a.DB, a.Saver, a.Objects), Components: windowComponents{a}, Projects: a.Projects, Time: a.cfg.Time,
	})
	return err
}

func (a *App) wireLearning() (err error) {
	a.RootCauses, err = rootcause.New(rootcause.Config{
		Store: rootcausedb.New(a.DB, a.Saver, a.Objects), Incidents: causeIncidents{a}, Texts: a.Documents, Actions: a.Actions,
		Journal: a.Journal, Hours: a.workingHours, Time: a.cfg.Time,
	})
	if err != nil {
		return err
	}
	a.Knowledge, err = knowledge.New(knowledge.Config{
		Store: knowledgedb.New(a.DB, a.Saver, a.Objects), Texts: a.Documents, Sources: sources{a}, Alerts: knowledgeAlerts{a}, Time: a.cfg.Time,
	})
	return err
}

// subscribers lists who listens to the journal.
func (a *App) subscribers() []journal.Subscriber {
	all := notify.Subscribers(a.Notices)
	for _, p := range []interface{ Subscribers() []journal.Subscriber }{
		a.Escalation, a.Incidents, a.Communication, a.RootCauses, a.Knowledge,
	} {
		all = append(all, p.Subscribers()...)
	}
	return all
}

// handlers lists who serves timers.
func (a *App) handlers() []map[string]timer.Handler {
	var all []map[string]timer.Handler
	for _, p := range []interface {
		Timers() map[string]timer.Handler
	}{
		a.Warning, a.Escalation, a.Incidents, a.Communication, a.Maintenance, a.Knowledge, a.Actions, a.People, a.hooks,
	} {
		all = append(all, p.Timers())
	}
	return all
}

// kinds lists the kinds of manifests, each after those that it may name.
func (a *App) kinds() []kind {
	noProject := func(f func(context.Context, mainstay.Actor, string, project.Spec) (bool, error)) func(context.Context, mainstay.Actor, string, string, project.Spec) (bool, error) {
		return func(ctx context.Context, by mainstay.Actor, _, name string, s project.Spec) (bool, error) {
			return f(ctx, by, name, s)
		}
	}
	return append([]kind{
		kindOf("Project", false, noProject(a.Projects.Define), a.projectSpecs).is("projects", mainstay.KindProject, "A launched product under care."),
		kindOf("Person", false, func(ctx context.Context, by mainstay.Actor, _, name string, s people.PersonSpec) (bool, error) {
			return a.People.DefinePerson(ctx, by, name, s)
		}, func(ctx context.Context, _ string) (map[string]people.PersonSpec, error) {
			return a.People.PersonSpecs(ctx)
		}).is("people", mainstay.KindPerson, "Somebody who signs in, is on call or is told something.").
			endable("deactivated", func(ctx context.Context, by mainstay.Actor, _, name string) error {
				return a.People.RemovePerson(ctx, by, name)
			}),
		kindOf("Team", false, func(ctx context.Context, by mainstay.Actor, _, name string, s people.TeamSpec) (bool, error) {
			return a.People.DefineTeam(ctx, by, name, s)
		}, func(ctx context.Context, _ string) (map[string]people.TeamSpec, error) {
			return a.People.TeamSpecs(ctx)
		}).is("teams", mainstay.KindTeam, "Persons who are paged, given roles and named as an owner together.").
			removable(func(ctx context.Context, by mainstay.Actor, _, name string) error {
				return a.People.RemoveTeam(ctx, by, name)
			}),
		kindOf("Service", true, a.Projects.DefineService, a.serviceSpecs).
			is("services", mainstay.KindService, "A part of a project that can break on its own.").endable("retired", a.Projects.RetireService),
		kindOf("Schedule", true, a.Escalation.DefineSchedule, a.Escalation.ScheduleSpecs).
			is("schedules", mainstay.KindSchedule, "Who has a duty when. A change holds from now on; the past stays as it was.").
			endable("retired", a.Escalation.RetireSchedule),
		kindOf("EscalationPolicy", true, a.Escalation.DefinePolicy, a.Escalation.PolicySpecs).
			is("policies", mainstay.KindPolicy, "Whom a page reaches, in what order and how soon.").endable("retired", a.Escalation.RetirePolicy),
		kindOf("Route", true, a.Warning.Define, a.Warning.Specs).
			is("routes", mainstay.KindRoute, "Which alerts concern which service, how bad they are and who is paged. The first route in order whose conditions all hold decides.").
			removable(a.Warning.Remove),
		kindOf("IncidentPlan", true, a.Incidents.Define, a.Incidents.Specs).
			is("plans", mainstay.KindPlan, "How incidents of some severities and services are handled.").endable("retired", a.Incidents.Retire),
		kindOf("Component", true, a.Communication.Define, a.Communication.Specs).
			is("components", mainstay.KindComponent, "A part of the product in the users' words, for the status page.").
			endable("retired", a.Communication.RetireComponent),
		kindOf("PostTemplate", true, a.Communication.DefineTemplate, a.Communication.TemplateSpecs).
			is("templates", "", "A public text for one status.").removable(a.Communication.RemoveTemplate),
		kindOf("Window", true, a.Maintenance.Define, a.Maintenance.Specs).
			is("windows", mainstay.KindWindow, "One stretch of planned maintenance.").endable("cancelled", a.Maintenance.Remove),
	}, append(append(a.webhookKinds(), a.identityKinds()...), append(append(a.intakeKinds(), a.backupKinds()...), a.retentionKinds()...)...)...)
}

func (a *App) projectSpecs(ctx context.Context, _ string) (map[string]project.Spec, error) {
	list, err := a.Projects.Projects(ctx)
	m := map[string]project.Spec{}
	for _, p := range list {
		m[p.Name] = p.Spec
	}
	return m, err
}

func (a *App) serviceSpecs(ctx context.Context, id string) (map[string]project.ServiceSpec, error) {
	list, err := a.Projects.Services(ctx, id)
	m := map[string]project.ServiceSpec{}
	for _, s := range list {
		m[s.Name] = s.Spec
	}
	return m, err
}
