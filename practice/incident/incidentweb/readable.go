package incidentweb

import (
	"context"
	"slices"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/web"
)

// readable leaves out what happened to objects that the viewer may not read or know of: a stakeholder reads an incident, not its
// alerts and pages, and nobody that one of them belongs to another incident that is private.
func (p *Pages) readable(ctx context.Context, v access.Viewer, list []incident.Entry) ([]incident.Entry, error) {
	list = slices.DeleteFunc(list, func(e incident.Entry) bool {
		return !e.Subject.IsZero() && !v.May(web.Reads(e.Subject.Kind), e.Project)
	})
	return web.Known(ctx, p.cfg.Objects, v, list, func(e incident.Entry) []mainstay.Ref { return e.Subjects })
}
