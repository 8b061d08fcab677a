package warningweb

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Handled is what people do about an alert, as far as the viewer may know: the page that asks them to look, and the incident.
type Handled struct {
	Page, PageURL         string    // PAG-4; "" when nobody was paged
	State                 ui.State  // of the page
	Who                   string    // who has it, or whom the page asks
	Has                   bool      // somebody has it
	Since                 time.Time // when they took it
	Comes                 string    // what comes next, before the time: "Escalates to Samir Haddad in"
	ComesAt               time.Time
	Acknowledge           string // address to post to; "" unless the viewer may and nobody has it yet
	Incident, IncidentURL string // INC-1, the open one before those that are over
	IncidentOpen          bool
}

// Handling answers who has an alert.
type Handling interface {
	Handled(ctx context.Context, v access.Viewer, a *warning.Alert) (Handled, error)
	// Acknowledge takes on the page that asks for it. It fails with Conflict when nobody was paged, with Denied for whom may not.
	Acknowledge(ctx context.Context, v access.Viewer, a *warning.Alert) (web.Did, error)
}

// handled asks who has an alert; nobody answers where nobody was configured to.
func (p *Pages) handled(ctx context.Context, v access.Viewer, a *warning.Alert) (Handled, error) {
	if p.cfg.Handling == nil {
		return Handled{}, nil
	}
	return p.cfg.Handling.Handled(ctx, v, a)
}

// handle adds to the rows of open alerts who has them; list are the alerts of the rows.
func (p *Pages) handle(ctx context.Context, v access.Viewer, rows []alertRow, list []*warning.Alert) error {
	for i, a := range list {
		if !a.Open() {
			continue
		}
		var err error
		if rows[i].Handled, err = p.handled(ctx, v, a); err != nil {
			return err
		}
		rows[i].Bad = rows[i].Bad || rows[i].Handled.Acknowledge != ""
	}
	return nil
}

// second is the look of what comes after acknowledging.
func second(v oneView) string {
	if v.Handled.Acknowledge != "" {
		return ""
	}
	return "primary"
}
