// Package view owns the saved views of lists: a list's filters and order under a name, for one person or for all of a project.
// It never knows what a list holds, and a view never lets anybody see more than the list itself would show them.
package view

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// View is one saved view. Pinned and Default are how the person who asks uses it.
type View struct {
	ID        string
	Owner     string // person id
	Project   string // whose people may use it too; "" for the owner alone
	List      string // "incidents"
	Path      string // "/incidents"
	Query     string // "severity=sev-1", without cursor
	Title     string
	CreatedAt time.Time
	Pinned    bool // it stands in the rail
	Default   bool // the list opens with it
}

// Query selects views that a person may use: their own, and those shared with the projects.
type Query struct {
	Person      string
	All         bool     // those shared with any project
	Projects    []string // ids
	List        string   // "" for all lists
	Pinned      bool     // only what they pinned
	ID          string
	MostResults int
}

// Store keeps views.
type Store interface {
	Views(ctx context.Context, q Query) ([]View, error)
	// Save writes a view, new or changed, with the set.
	Save(ctx context.Context, v View, set commit.Set) error
	// Use says how a person uses a view. A person has one default view per list: another one stops being it.
	Use(ctx context.Context, person string, v View) error
	// Remove deletes a view and everybody's use of it, with the set.
	Remove(ctx context.Context, id string, set commit.Set) error
}

// most is how many views a person may own.
const most = 100

// Service is what others do with views.
type Service struct {
	store Store
	time  mainstay.Timekeeper
}

// New makes a Service.
func New(store Store, time mainstay.Timekeeper) (*Service, error) {
	if store == nil || time == nil {
		return nil, errors.New("view needs a store and a timekeeper")
	}
	return &Service{store, time}, nil
}

// Views lists what a person may use, by title, at most 200.
func (s *Service) Views(ctx context.Context, q Query) ([]View, error) {
	if q.Person == "" {
		return []View{}, nil
	}
	q.MostResults = 200
	return s.store.Views(ctx, q)
}

// One is a view that the query's person may use; NotFound when there is none.
func (s *Service) One(ctx context.Context, q Query, id string) (View, error) {
	q.ID = id
	list, err := s.Views(ctx, q)
	if err == nil && len(list) == 0 {
		err = mainstay.Errorf(mainstay.NotFound, "There is no such view, or it is not shared with you.")
	}
	if err != nil {
		return View{}, err
	}
	return list[0], nil
}

var (
	listName = regexp.MustCompile(`^[a-z][a-z-]{0,39}$`)
	listPath = regexp.MustCompile(`^(/[a-z]{1,30}){1,3}$`)
)

// check says what is wrong with a view, by the fields of the form.
func (v *View) check() error {
	var f mainstay.Faults
	v.Title = strings.Join(strings.Fields(v.Title), " ")
	switch n := utf8.RuneCountInString(v.Title); {
	case n == 0:
		f.Add("title", "Give it a name.")
	case n > 60:
		f.Add("title", "At most 60 characters.")
	}
	q, err := url.ParseQuery(v.Query)
	if err != nil || len(v.Query) > 2000 {
		f.Add("query", "This is not the query of a list.")
	}
	for _, name := range []string{"cursor", "view", "before"} { // where somebody was, not what they look at
		q.Del(name)
	}
	v.Query = q.Encode()
	if !listName.MatchString(v.List) || !listPath.MatchString(v.Path) {
		f.Add("list", "There is no such list.")
	}
	return f.Err()
}

// Save keeps a new view. Errors: Invalid with fields, TooMany.
func (s *Service) Save(ctx context.Context, by mainstay.Actor, v View) (View, error) {
	now := s.time.Now()
	if err := v.check(); err != nil {
		return View{}, err
	}
	own, err := s.store.Views(ctx, Query{Person: v.Owner, MostResults: 1000})
	if err != nil {
		return View{}, err
	}
	n := 0
	for _, o := range own {
		if o.Owner == v.Owner {
			n++
		}
	}
	if n >= most {
		return View{}, mainstay.Errorf(mainstay.TooMany, "You have %d views. Remove some that you no longer use.", n)
	}
	if v.ID == "" { // else it comes back under its own id
		v.ID = mainstay.NewID(now)
	}
	v.CreatedAt = now
	if err := s.store.Save(ctx, v, s.told(now, by, v, "made")); err != nil {
		return View{}, err
	}
	return v, s.store.Use(ctx, v.Owner, v)
}

// Change gives a view another name or shares it with another project; "" takes it back to its owner.
func (s *Service) Change(ctx context.Context, by mainstay.Actor, v View) error {
	if err := v.check(); err != nil {
		return err
	}
	return s.store.Save(ctx, v, s.told(s.time.Now(), by, v, "changed"))
}

// Use says whether the view stands in the person's rail, and whether their list opens with it.
func (s *Service) Use(ctx context.Context, person string, v View) error {
	return s.store.Use(ctx, person, v)
}

// Remove deletes a view.
func (s *Service) Remove(ctx context.Context, by mainstay.Actor, v View) error {
	return s.store.Remove(ctx, v.ID, s.told(s.time.Now(), by, v, "removed"))
}

// told is the fact about a view that others see too. What somebody filters for themselves is nobody's business.
func (s *Service) told(now time.Time, by mainstay.Actor, v View, what string) commit.Set {
	if v.Project == "" {
		return commit.Set{}
	}
	return commit.Set{Facts: []fact.Fact{fact.New(now, v.Project, by, fact.ObjectChanged{Kind: "view", Fields: []string{what}},
		mainstay.Ref{Kind: mainstay.KindProject, ID: v.Project})}}
}
