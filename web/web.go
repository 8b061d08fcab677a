// Package web owns the HTTP server's shell: routes and who may use them, pages, panels, the JSON API's frame, the live
// stream and the assets. It never holds a rule of a practice and never reads a database: app hands it what it asks for.
package web

import (
	"context"
	"github.com/a-h/templ"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Config is what the router needs from the rest. Only Time, Log, Identity and Objects are required.
type Config struct {
	Time     mainstay.Timekeeper
	Log      *slog.Logger
	Identity Identity
	Objects  Objects

	ExternalURL    *url.URL       // where people reach the server; links and Secure cookies follow it
	TrustedProxies []netip.Prefix // whose X-Forwarded-For and Forwarded count
	TLS            bool           // it is spoken here: cookies are Secure also without an ExternalURL
	Version        string
	MaxBody        int64 // bytes of a form or an API body; 1 MiB when 0
	Rate           Rate  // of the API

	// Expect returns a context in which the object with the id changes only when check accepts the version that the change finds;
	// storage.Expect. Without it If-Match is checked before the change only.
	Expect func(ctx context.Context, id string, check func(version int64) error) context.Context

	Ready   func(ctx context.Context) error // why the server cannot serve yet; nil func or nil error: it can
	Metrics http.Handler                    // served at /metrics, see router.go

	Me       func(ctx context.Context, v access.Viewer) (Me, error)                  // the person at the foot of the rail
	Burning  func(ctx context.Context, v access.Viewer) (*ui.Burn, error)            // the worst open sev-1, nil when none burns
	Tallies  func(ctx context.Context, v access.Viewer) (map[string]ui.Tally, error) // numbers in the rail, by Nav word
	Search   func(ctx context.Context, v access.Viewer, q Seek) ([]Hit, error)       // the palette and /search
	Unread   func(ctx context.Context, v access.Viewer) (int, error)                 // the number on the bell, capped; nil func: no bell
	Views    Views                                                                   // saved views of lists; nil: none are kept
	Undo     Undo                                                                    // keeps for a minute what takes back an act; nil: nothing is taken back
	Setup    Setup                                                                   // the first-run assistant; nil: there is none
	Projects Projects                                                                // the list and the homes of projects
	First    func(ctx context.Context, v access.Viewer) (*ui.First, error)           // what to do first, on an empty Now; nil when under way
	Line     func(ctx context.Context, v access.Viewer) (string, error)              // what goes on, in one sentence for the head of Now
	Zone     func(ctx context.Context, project string) (*time.Location, error)       // a project's zone; nil func: UTC
}

// Identity says who asks. A request without credentials, or with a session that has ended, gives the zero viewer and no
// error; a wrong token gives an Unauthenticated error, too many tries a TooMany error.
type Identity interface {
	Viewer(r *http.Request) (access.Viewer, error)
}

// Objects finds objects by id, readable number (INC-42) or name; project narrows a name, "" searches all. It fails with
// NotFound, or with Conflict when a name is used in several projects. The register answers for all kinds but alerts.
type Objects interface {
	Find(ctx context.Context, kind mainstay.Kind, key, project string) (object.Object, error)
}

// Me is how the signed-in viewer appears in the shell.
type Me struct {
	Name   string // "Ana Ruiz"
	Line   string // second line, such as "on call until Mon 23"
	URL    string // own page
	OnCall bool   // carries a pager now
}

// Projects lists projects for the pages /projects and /projects/{id}.
type Projects interface {
	List(ctx context.Context, v access.Viewer) ([]ProjectLine, error)
	One(ctx context.Context, id string) (ProjectLine, error)
}

// ProjectLine is one project as the list and its home show it.
type ProjectLine struct {
	ID, Name, Title, Phase, Note string
	State                        ui.State
}

// Seek is what the palette looks for.
type Seek struct {
	Text string
	At   mainstay.Ref // the object of the page on which the palette was opened; zero for none
	Do   bool         // acts only
}

// Hit is one answer of the palette or the search page. Answers of one Group stand together.
type Hit struct {
	Kind   mainstay.Kind `json:"kind"`
	Number string        `json:"number"` // INC-42, or "" for kinds without numbers
	Title  string        `json:"title"`
	Note   string        `json:"note"` // a second line: a snippet, a state
	URL    string        `json:"url"`
	Do     bool          `json:"do"` // an act ("Post update to INC-42"), not an object
	Group  string        `json:"group"`
	First  bool          `json:"first,omitempty"` // it stands before everything else
	Post   *HitPost      `json:"post,omitempty"`  // with it, URL is posted to instead of opened
}

// HitPost is what an act sends.
type HitPost struct {
	Fields []HitField `json:"fields,omitempty"`
}

// HitField is one field of it.
type HitField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Page says what the shell shows around a page's body.
type Page struct {
	Title  string
	Nav    string // now projects incidents alerts oncall desk knowledge improve plan admin
	Crumbs []Crumb
	Live   []mainstay.Ref // objects whose changes the page wants to hear of, besides its data-live regions
	Status int            // 200 when 0
	Bare   bool           // no rail and no bars: sign-in, set-up
	Phone  bool           // the page brings its own action bar (ui.ActBar), which on a phone takes the place of the rail
}

// Crumb is one step of the way to a page; the last one has no URL.
type Crumb struct{ Text, URL string }

// Panel is what a practice shows on another page. Panels of one place are ordered by Order, then Title.
type Panel struct {
	Where  string // now, project, incident, incident-first, alert, page, or another kind's word
	Title  string
	Order  int
	Side   bool // in the narrow column
	Whole  bool // across the whole page, above the columns; on Now and on a project's home
	Render func(ctx context.Context, at At) (Component, error)
}

// At says for whom and for what a panel renders. Project is "" on Now.
type At struct {
	Viewer  access.Viewer
	Ref     mainstay.Ref
	Project string
	Now     time.Time
}

// List is how API lists answer: items, and the cursor of the next page or "".
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next" doc:"Give it as cursor to read on; empty at the end"`
}

// Query is the part that the input of every API list shares; embed it.
type Query struct {
	Limit   int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"At most so many items"`
	Cursor  string `query:"cursor" maxLength:"16000" doc:"The next of the page before"`
	Project string `query:"project" maxLength:"100" doc:"A project's id or name; all projects that you may read when empty"`
}

// Out is the usual output of an API operation.
type Out[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

// Doc describes an API operation in the OpenAPI document. Status 0 is 200, or 204 when the output has no body.
type Doc struct {
	Summary, Description, Tag string
	Status                    int
}

// Component is a templ component.
type Component = templ.Component
