package people

import (
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// Team is a group of persons that is paged, given roles and named as an owner together.
type Team struct {
	ID        string
	Name      string // unique
	Title     string
	Members   []Member // in the order of their names
	CreatedAt time.Time
	Version   int64 // counts the saved changes; 0 before the first
}

// Member is a person's place in a team.
type Member struct {
	Person   string // id
	Name     string // the person's handle; filled when read
	FullName string
	Lead     bool
	Active   bool // the person is not deactivated
}

// Ref points at the team.
func (t *Team) Ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindTeam, ID: t.ID} }

func (t *Team) clone() Team {
	c := *t
	c.Members = slices.Clone(t.Members)
	return c
}

// Validate checks the team as the pages and the manifests do.
func (t *Team) Validate() error {
	var f mainstay.Faults
	nameFault(&f, t.Name)
	textFault(&f, "title", t.Title, "the team's name", 200)
	if len(t.Members) > 500 {
		f.Add("members", "At most 500 members.")
	}
	for i, m := range t.Members {
		if slices.ContainsFunc(t.Members[:i], func(o Member) bool { return o.Person == m.Person }) {
			f.Add("members", "%s is there twice.", m.Name)
		}
	}
	return f.Err()
}

func (t *Team) changes(old Team) []string {
	var list []string
	if t.Name != old.Name {
		list = append(list, "name")
	}
	if t.Title != old.Title {
		list = append(list, "title")
	}
	byPerson := func(a, b Member) int { return strings.Compare(a.Person, b.Person) }
	a, b := slices.SortedFunc(slices.Values(t.Members), byPerson), slices.SortedFunc(slices.Values(old.Members), byPerson)
	if !slices.EqualFunc(a, b, func(x, y Member) bool { return x.Person == y.Person && x.Lead == y.Lead }) {
		list = append(list, "members")
	}
	return list
}

// save is the rule of every change, as for a person.
func (t *Team) save(now time.Time, actor mainstay.Actor, old Team) (commit.Set, error) {
	if t.Title == "" {
		t.Title = t.Name
	}
	if err := t.Validate(); err != nil {
		return commit.Set{}, err
	}
	fields := t.changes(old)
	if len(fields) == 0 && old.ID != "" {
		return commit.Set{}, nil
	}
	if old.ID == "" {
		fields = nil
	}
	return commit.Set{
		Facts: []fact.Fact{fact.New(now, "", actor, fact.ObjectChanged{
			Kind: string(mainstay.KindTeam), Name: t.Name, Fields: fields, Revision: t.Version + 1,
		}, t.Ref())},
		Objects: []commit.Object{{Ref: t.Ref(), Project: mainstay.Installation, Name: t.Name, Title: t.Title, State: "active", At: now}},
	}, nil
}
