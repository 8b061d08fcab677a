package incidentweb

import (
	"slices"

	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/web"
)

// readable leaves out what happened to objects that the viewer may not see: a stakeholder reads an incident, not its alerts and pages.
func readable(v access.Viewer, project string, list []incident.Entry) []incident.Entry {
	return slices.DeleteFunc(list, func(e incident.Entry) bool {
		return !e.Subject.IsZero() && !v.May(web.Reads(e.Subject.Kind), project)
	})
}
