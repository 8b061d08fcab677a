package communication

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay/core/commit"
)

// Store is what communication needs of the database. Every method joins the transaction that ctx carries.
type Store interface {
	// Write runs f in one transaction; what a version conflict undid is tried again, three times in all.
	Write(ctx context.Context, f func(ctx context.Context) error) error
	// Save writes what commits with a change.
	Save(ctx context.Context, set commit.Set) error
	ComponentStore
	PostStore
	PublicStore
}

// ComponentStore keeps components.
type ComponentStore interface {
	// Components lists a project's components, or all with "", in the order of the page.
	Components(ctx context.Context, project string) ([]Component, error)
	// Component reads one to be shown or, in a transaction, changed.
	Component(ctx context.Context, id string) (Component, error)
	// RetiredComponent reads one that was taken out of use, by its name; NotFound when there is none.
	RetiredComponent(ctx context.Context, project, name string) (Component, error)
	// SaveComponent writes a new (Version 0) or changed component and raises its version. When its state differs from the
	// interval that is open, that one ends at UpdatedAt and a new one begins.
	SaveComponent(ctx context.Context, c *Component) error
	// Intervals lists what was known of the components' states since then, oldest first.
	Intervals(ctx context.Context, since time.Time) ([]Interval, error)
}

// PostStore keeps posts, templates and cadences.
type PostStore interface {
	Post(ctx context.Context, id string) (Post, error)
	// Posts lists posts, newest first, without those that were hidden (Post.Private).
	Posts(ctx context.Context, q PostQuery) ([]Post, error)
	// SavePost writes a new (Version 0) or changed post. A new one whose Request exists already reports false and writes
	// nothing.
	SavePost(ctx context.Context, p *Post) (bool, error)
	// Templates lists the project's own templates by name.
	Templates(ctx context.Context, project string) ([]Template, error)
	SaveTemplate(ctx context.Context, t *Template) error
	DeleteTemplate(ctx context.Context, id string) error
	// Cadence reads what users are owed about an incident; the zero Cadence with the incident's id when nothing ever was.
	Cadence(ctx context.Context, incident string) (Cadence, error)
	SaveCadence(ctx context.Context, c Cadence) error
}

// PostQuery selects posts. Zero fields select everything.
type PostQuery struct {
	Incident string
	Projects []string // nil for all
	State    PostState
	Before   string // id; exclusive
	Limit    int    // default 50, at most 1,000
}

// PublicStore keeps the public copies.
type PublicStore interface {
	// PublicIncident reads the public copy without its updates; the zero value with the id when there is none.
	PublicIncident(ctx context.Context, id string) (PublicIncident, error)
	// SavePublicIncident writes the copy. It refuses (Denied) one that was withheld before, unless Withheld is set.
	SavePublicIncident(ctx context.Context, p PublicIncident) error
	// ForgetPublicIncident removes a copy that never had an update.
	ForgetPublicIncident(ctx context.Context, id string) error
	// AddUpdate adds an update; one whose id exists changes nothing.
	AddUpdate(ctx context.Context, u PublicUpdate) error
	PublicWindow(ctx context.Context, id string) (PublicWindow, error)
	// OpenWindows lists the windows that are planned or under way, the nearest first, without their updates; at most 50.
	OpenWindows(ctx context.Context) ([]PublicWindow, error)
	SavePublicWindow(ctx context.Context, w PublicWindow) error
	// Site reads everything that the status page shows, and which of its incidents the register of objects calls private.
	Site(ctx context.Context, now time.Time) (Site, map[string]bool, error)
}
