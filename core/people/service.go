package people

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
)

// Query selects persons. Zero fields select everybody who is active.
type Query struct {
	IDs         []string // only these; with it, deactivated persons too
	Name        string   // the one with this handle, deactivated or not
	Email       string   // the one with this address, deactivated or not
	Search      string   // handle, full name or address holds it, whatever the case
	Team        string   // members of this team (id)
	Deactivated bool     // list deactivated persons too
	After       string   // handle; the page after it
	Limit       int      // default 100, at most 1,000
}

// TeamQuery selects teams. Zero fields select all.
type TeamQuery struct {
	ID, Name string
	Person   string // teams that this person (id) is a member of
	Search   string // handle or title holds it, whatever the case
	After    string // handle; the page after it
	Limit    int    // default 100, at most 1,000
}

// Store keeps persons and teams.
type Store interface {
	// Persons lists by handle, with contacts.
	Persons(ctx context.Context, q Query) ([]Person, error)
	// Teams lists by handle, with members.
	Teams(ctx context.Context, q TeamQuery) ([]Team, error)
	// SavePerson loads the person, or makes a zero one for the id "", has f change it, and writes it with the set in one
	// transaction. Nothing is written when f returns the zero Set. A handle or address that somebody else has is a fault.
	SavePerson(ctx context.Context, id string, f func(*Person) (commit.Set, error)) error
	// SaveTeam is the same for a team.
	SaveTeam(ctx context.Context, id string, f func(*Team) (commit.Set, error)) error
	// DeleteTeam loads the team, has f say what commits with its end, and removes it.
	DeleteTeam(ctx context.Context, id string, f func(Team) (commit.Set, error)) error
	// In runs f in one transaction, which the other methods join.
	In(ctx context.Context, f func(ctx context.Context) error) error
	// Save writes a set in the transaction that ctx carries.
	Save(ctx context.Context, set commit.Set) error
	Erasures
}

// Sealer keeps secrets: what the database holds cannot be read without a key outside of it.
type Sealer interface {
	Seal(secret string) (string, error)
	Open(sealed string) (string, error)
}

// Role is what a person or team may do in one project ("" for all), as manifests say it. Package access knows what it means.
type Role struct {
	Role    string
	Project string // project id
}

// Roles gives and tells roles; access answers.
type Roles interface {
	// RolesOf lists the roles given to the person or team itself.
	RolesOf(ctx context.Context, to mainstay.Ref) ([]Role, error)
	// SetRoles makes them exactly these. Unknown roles are a fault of the field "roles".
	SetRoles(ctx context.Context, actor mainstay.Actor, to mainstay.Ref, roles []Role) (changed bool, err error)
	// Guard runs a change of roles, of a team or of who is active in a transaction, one at a time. One that takes the last
	// administrator away is a Conflict and is undone.
	Guard(ctx context.Context, change func(ctx context.Context) error) error
	// ManagerOf is an active person, other than the one, who manages the project; "" when there is none.
	ManagerOf(ctx context.Context, project, other string) (string, error)
}

// Projects translates the names of projects.
type Projects interface {
	ProjectID(ctx context.Context, name string) (string, error)
	ProjectName(ctx context.Context, id string) (string, error)
}

// Config is what a Service needs.
type Config struct {
	Store    Store
	Roles    Roles
	Projects Projects // may be nil: then roles can only be given for all projects
	Sealer   Sealer   // may be nil: then there are no webhook contacts
	Time     mainstay.Timekeeper
	// Holders lists who knows what persons hold; asked each time, because most are made later. May be nil.
	Holders func() []Holder
	// Leave ends the sessions, invitations and tokens of a person within the transaction that ctx carries. May be nil.
	Leave   func(ctx context.Context, actor mainstay.Actor, person string) error
	Matters Matters // what digests tell; may be nil
	// Keepers lists who keeps data of persons, for export and erasure; asked each time. May be nil.
	Keepers func() []Keeper
}

// Service is what others do with persons and teams.
type Service struct{ cfg Config }

// New checks the configuration.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Roles == nil {
		return nil, errors.New("people: Store and Roles must be provided")
	}
	if cfg.Time == nil {
		cfg.Time = mainstay.Clock{}
	}
	return &Service{cfg: cfg}, nil
}

func missing(what, which string) error {
	return mainstay.Errorf(mainstay.NotFound, "There is no %s %q.", what, which)
}

func (s *Service) one(ctx context.Context, q Query, which string) (Person, error) {
	q.Limit = 1
	list, err := s.cfg.Store.Persons(ctx, q)
	if err != nil {
		return Person{}, err
	}
	if len(list) == 0 {
		return Person{}, missing("person", which)
	}
	return list[0], nil
}

// ByID is the person with the id; NotFound when there is none.
func (s *Service) ByID(ctx context.Context, id string) (Person, error) {
	return s.one(ctx, Query{IDs: []string{id}}, id)
}

// ByName is the person with the handle; NotFound when there is none.
func (s *Service) ByName(ctx context.Context, name string) (Person, error) {
	if name == "" {
		return Person{}, missing("person", name)
	}
	return s.one(ctx, Query{Name: name}, name)
}

// ByEmail is the person who signs in with the address, whatever its case; NotFound when there is none.
func (s *Service) ByEmail(ctx context.Context, email string) (Person, error) {
	if email == "" {
		return Person{}, missing("person", email)
	}
	return s.one(ctx, Query{Email: email}, email)
}

// ByIDs are the persons with the ids, those who exist, by id.
func (s *Service) ByIDs(ctx context.Context, ids []string) (map[string]Person, error) {
	m := make(map[string]Person, len(ids))
	for part := range slices.Chunk(ids, maxLimit) {
		list, err := s.cfg.Store.Persons(ctx, Query{IDs: part, Limit: maxLimit})
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			m[p.ID] = p
		}
	}
	return m, nil
}

const maxLimit = 1000

// List lists persons by handle. next is the After of the following page, "" on the last one.
func (s *Service) List(ctx context.Context, q Query) (list []Person, next string, err error) {
	limit := bound(q.Limit)
	q.Limit = limit + 1
	if list, err = s.cfg.Store.Persons(ctx, q); err == nil && len(list) > limit {
		list = list[:limit]
		next = list[limit-1].Name
	}
	return list, next, err
}

// Teams lists teams by handle. next is the After of the following page, "" on the last one.
func (s *Service) Teams(ctx context.Context, q TeamQuery) (list []Team, next string, err error) {
	limit := bound(q.Limit)
	q.Limit = limit + 1
	if list, err = s.cfg.Store.Teams(ctx, q); err == nil && len(list) > limit {
		list = list[:limit]
		next = list[limit-1].Name
	}
	return list, next, err
}

func bound(limit int) int {
	if limit <= 0 {
		return 100
	}
	return min(limit, maxLimit)
}

// Team is the team with the id or the handle; NotFound when there is none.
func (s *Service) Team(ctx context.Context, idOrName string) (Team, error) {
	if idOrName == "" {
		return Team{}, missing("team", idOrName)
	}
	q := TeamQuery{Name: idOrName, Limit: 1}
	if mainstay.ValidID(idOrName) {
		q = TeamQuery{ID: idOrName, Limit: 1}
	}
	list, err := s.cfg.Store.Teams(ctx, q)
	if err != nil {
		return Team{}, err
	}
	if len(list) == 0 {
		return Team{}, missing("team", idOrName)
	}
	return list[0], nil
}

// Contacts are the ways to reach the person, in order, with opened secrets; none for a deactivated person. With pages, only
// those used for pages.
func (s *Service) Contacts(ctx context.Context, person string, pages bool) ([]Contact, error) {
	p, err := s.ByID(ctx, person)
	if err != nil {
		return nil, err
	}
	list := []Contact{}
	for _, c := range p.Contacts {
		if !p.Active() || pages && !c.ForPages {
			continue
		}
		if err := s.open(&c); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

func (s *Service) open(c *Contact) error {
	if c.Sealed == "" {
		return nil
	}
	if s.cfg.Sealer == nil {
		return errors.New("people: there is a sealed secret but no Sealer")
	}
	plain, err := s.cfg.Sealer.Open(c.Sealed)
	if err != nil {
		return fmt.Errorf("opening the secret of contact %s: %w", c.ID, err)
	}
	c.Secret = plain
	return nil
}

// prepare gives new contacts an id, and webhooks a secret.
func (s *Service) prepare(p *Person, old Person) error {
	for i := range p.Contacts {
		c := &p.Contacts[i]
		if at := slices.IndexFunc(old.Contacts, c.same); at >= 0 {
			o := old.Contacts[at]
			c.ID, c.Sealed = o.ID, o.Sealed
			if !c.Verified() {
				c.VerifiedAt, c.VerifiedBy = o.VerifiedAt, o.VerifiedBy
			}
			continue
		}
		c.ID = mainstay.NewID(s.cfg.Time.Now())
		if c.Channel != Webhook && c.Channel != Push {
			continue
		}
		secret := randomHex()
		if c.Channel == Push {
			if secret, c.Secret = c.Secret, ""; secret == "" {
				return mainstay.Faults{"contacts": "A device connects itself: open Mainstay on it, and turn on messages there."}.Err()
			}
		}
		if s.cfg.Sealer == nil {
			return mainstay.Faults{"contacts": "Webhooks need a secret key, and this installation has none."}.Err()
		}
		sealed, err := s.cfg.Sealer.Seal(secret)
		if err != nil {
			return fmt.Errorf("sealing a contact's secret: %w", err)
		}
		c.Sealed = sealed
	}
	return nil
}

func randomHex() string {
	var b [32]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // the operating system has no randomness: nothing can go on safely
	}
	return hex.EncodeToString(b[:])
}

// Create adds a person; the id, the times and the version of p are set here. An address without contacts becomes the contact
// for pages. Contacts count as verified by the actor, who is allowed to manage people.
func (s *Service) Create(ctx context.Context, actor mainstay.Actor, p Person) (Person, error) {
	now := s.cfg.Time.Now()
	err := s.cfg.Store.SavePerson(ctx, "", func(n *Person) (commit.Set, error) {
		p = p.clone()
		p.ID, p.CreatedAt, p.DeactivatedAt, p.Version = mainstay.NewID(now), now, time.Time{}, 0
		p.firstContact()
		p.vouch(now, actor)
		if err := s.prepare(&p, Person{}); err != nil {
			return commit.Set{}, err
		}
		set, err := p.save(now, actor, Person{}, nil)
		*n = p
		return set, err
	})
	return p, err
}

// firstContact makes the address that a person signs in with the one that is paged, when nothing else is given.
func (p *Person) firstContact() {
	if len(p.Contacts) == 0 && p.Email != "" {
		p.Contacts = []Contact{{Channel: Email, Address: p.Email, ForPages: true}}
	}
}

// Change has f edit the person with the id. With vouch the contacts that are new count as verified by the actor, who must be
// allowed to manage people; f must not change ids.
func (s *Service) Change(ctx context.Context, actor mainstay.Actor, id string, vouch bool, f func(*Person) error) (changed bool, err error) {
	now := s.cfg.Time.Now()
	err = s.cfg.Store.SavePerson(ctx, id, func(p *Person) (commit.Set, error) {
		if p.Erased() {
			return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "This person's data was erased; there is nothing to change.")
		}
		old := p.clone()
		if err := f(p); err != nil {
			return commit.Set{}, err
		}
		if err := s.prepare(p, old); err != nil {
			return commit.Set{}, err
		}
		if vouch {
			p.vouch(now, actor)
		}
		set, err := p.save(now, actor, old, nil)
		changed = !set.IsZero()
		return set, err
	})
	return changed && err == nil, err
}

// ChangeTeam makes a team, for the id "", or has f edit the one with the id. Members who thereby lose the role of the last
// administrator are a Conflict.
func (s *Service) ChangeTeam(ctx context.Context, actor mainstay.Actor, id string, f func(*Team) error) (team Team, changed bool, err error) {
	now := s.cfg.Time.Now()
	err = s.cfg.Roles.Guard(ctx, func(ctx context.Context) error {
		return s.cfg.Store.SaveTeam(ctx, id, func(t *Team) (commit.Set, error) {
			old := t.clone()
			if id == "" {
				t.ID, t.CreatedAt = mainstay.NewID(now), now
			}
			if err := f(t); err != nil {
				return commit.Set{}, err
			}
			set, err := t.save(now, actor, old)
			team, changed = *t, !set.IsZero()
			return set, err
		})
	})
	return team, changed && err == nil, err
}
