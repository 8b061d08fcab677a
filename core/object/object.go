// Package object owns the register of every object: kind, id, number, project, name, title, state word, labels, links. It never
// holds what an object means; the practice that made it does. Alerts are not in it: there are too many, and warning finds them.
package object

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
)

// Object is one entry of the register.
type Object struct {
	Ref     mainstay.Ref      `json:"ref"`
	Number  int64             `json:"number,omitempty"`
	Project string            `json:"project"`
	Name    string            `json:"name,omitempty"`
	Title   string            `json:"title"`
	State   string            `json:"state"`
	Labels  map[string]string `json:"labels,omitempty"`
	Private bool              `json:"private,omitempty"`
	Updated time.Time         `json:"updated"`
}

// Key is the short readable identifier: the number where the kind has one, else the name, else the id.
func (o Object) Key() string {
	if n := o.Ref.Kind.Number(o.Number); n != "" {
		return n
	}
	if o.Name != "" {
		return o.Name
	}
	return o.Ref.ID
}

// plurals are the path elements of the kinds that have pages.
var plurals = map[mainstay.Kind]string{
	mainstay.KindProject: "projects", mainstay.KindService: "services", mainstay.KindTeam: "teams",
	mainstay.KindPerson: "people", mainstay.KindAlert: "alerts", mainstay.KindRoute: "routes",
	mainstay.KindSchedule: "schedules", mainstay.KindPolicy: "policies", mainstay.KindPage: "pages",
	mainstay.KindIncident: "incidents", mainstay.KindPlan: "plans", mainstay.KindComponent: "components",
	mainstay.KindPost: "posts", mainstay.KindWindow: "windows", mainstay.KindRootCause: "rootcauses",
	mainstay.KindArticle: "articles", mainstay.KindAction: "actions", mainstay.KindExhibit: "exhibits",
	mainstay.KindWebhook: "webhooks",
}

// Plural is the path element of a kind in URLs and the API, or "" for a kind without pages.
func Plural(k mainstay.Kind) string { return plurals[k] }

// URL is the path of the object's page, or "" for a kind without pages.
func (o Object) URL() string { return URL(o.Ref.Kind, o.Key()) }

// URL is the path of the page of an object by its number, name or id.
func URL(k mainstay.Kind, key string) string {
	p := plurals[k]
	if p == "" || key == "" {
		return ""
	}
	return "/" + p + "/" + key
}

// Link is a typed link, read from From to To.
type Link struct {
	From mainstay.Ref `json:"from"`
	Type string       `json:"type"`
	To   mainstay.Ref `json:"to"`
	At   time.Time    `json:"at"`
}

// Register answers who and what the objects are.
type Register interface {
	// Find looks an object up by id, number (INC-42) or name; project narrows a name, "" searches all. NotFound when there is
	// none, Conflict when a name is used in several projects.
	Find(ctx context.Context, kind mainstay.Kind, key, project string) (Object, error)
	// Many looks up objects by reference; those that do not exist are left out.
	Many(ctx context.Context, refs []mainstay.Ref) (map[mainstay.Ref]Object, error)
	// Links lists the links from and to the object, oldest first, at most 500.
	Links(ctx context.Context, ref mainstay.Ref) ([]Link, error)
}

// Commit turns the plain row of a commit.Set into an entry.
func Commit(o commit.Object) Object {
	return Object{
		Ref: o.Ref, Number: o.Number, Project: o.Project, Name: o.Name, Title: o.Title, State: o.State,
		Labels: o.Labels, Private: o.Private, Updated: o.At,
	}
}
