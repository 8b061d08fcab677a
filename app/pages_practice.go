package app

import (
	"errors"

	"github.com/mainstayhq/mainstay/core/file/fileweb"
	"github.com/mainstayhq/mainstay/core/intake/alertmanager"
	"github.com/mainstayhq/mainstay/core/search/searchweb"
	"github.com/mainstayhq/mainstay/practice/communication/communicationweb"
	"github.com/mainstayhq/mainstay/practice/escalation/escalationweb"
	"github.com/mainstayhq/mainstay/practice/incident/incidentweb"
	"github.com/mainstayhq/mainstay/practice/knowledge/knowledgeweb"
	"github.com/mainstayhq/mainstay/practice/maintenance/maintenanceweb"
	"github.com/mainstayhq/mainstay/practice/rootcause/rootcauseweb"
	"github.com/mainstayhq/mainstay/practice/warning/warningweb"
)

// practicePages lists the pages of the practices, of search and of exhibits.
func (a *App) practicePages(n names) ([]pages, error) {
	now := a.cfg.Time
	alerts, err1 := warningweb.New(warningweb.Config{
		Warning: a.Warning, Format: alertmanager.Format{}, Projects: a.Projects, Names: n, Journal: a.Journal, Time: now, Version: a.cfg.Version,
		Handling: handling{a}, Register: a.Objects, Limits: a.limits,
	})
	oncall, err2 := escalationweb.New(escalationweb.Config{
		Service: a.Escalation, People: a.People, Projects: a.Projects, Names: n, Journal: a.Journal, Time: now,
	})
	incidents, err3 := incidentweb.New(incidentweb.Config{
		Incidents: a.Incidents, People: a.People, Projects: a.Projects, Objects: finder{a}, Names: n, UpdatePath: "/posts/new",
	})
	posts, err4 := communicationweb.New(communicationweb.Config{
		Service: a.Communication, Projects: a.Projects, Names: n, Time: now, StatusURL: a.statusURL, Open: a.burningNow,
	})
	windows, err5 := maintenanceweb.New(maintenanceweb.Config{Service: a.Maintenance, Projects: a.Projects, Names: n, Time: now})
	causes, err6 := rootcauseweb.New(rootcauseweb.Config{
		RootCauses: a.RootCauses, Names: n, People: a.People, Projects: a.Projects.ProjectID, Register: a.Objects, Time: now,
	})
	articles, err7 := knowledgeweb.New(knowledgeweb.Config{
		Articles: a.Knowledge, Names: n, People: a.People, Projects: a.Projects, Finder: a.Search, Objects: finder{a}, Time: now,
	})
	found, err8 := searchweb.New(searchweb.Config{Search: a.Search, Project: a.Projects.ProjectID})
	files, err9 := fileweb.New(fileweb.Config{Files: a.Files, Objects: finder{a}, Names: n})
	a.palette, a.incidentPages, a.oncallPages = found, incidents, oncall
	return []pages{alerts, oncall, incidents, posts, windows, causes, articles, found, files},
		errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, err9)
}

// statusURL is where the public finds the status page.
func (a *App) statusURL() string {
	if a.cfg.StatusURL != nil {
		return a.cfg.StatusURL.String()
	}
	return a.Status
}
