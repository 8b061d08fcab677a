// Package undo owns what would take back what a person just did, for a short time. It never does it, and never knows what it is.
package undo

import (
	"context"
	"errors"
	"time"

	"github.com/mainstayhq/mainstay"
)

// Stands is how long an act can be taken back.
const Stands = time.Minute

// Kept is one thing that can be taken back.
type Kept struct {
	ID      string
	Person  string // whose act it was; nobody else may take it back
	Body    string // what takes it back, for whoever asked to keep it
	Expires time.Time
}

// Store keeps them.
type Store interface {
	// Put adds one, and forgets those of everybody that have expired before now.
	Put(ctx context.Context, k Kept, now time.Time) error
	// Take removes one of a person and returns it. NotFound when there is none.
	Take(ctx context.Context, person, id string) (Kept, error)
}

// Service keeps and gives out.
type Service struct {
	store Store
	time  mainstay.Timekeeper
}

// New makes a Service.
func New(store Store, time mainstay.Timekeeper) (*Service, error) {
	if store == nil || time == nil {
		return nil, errors.New("undo needs a store and a timekeeper")
	}
	return &Service{store, time}, nil
}

// Keep remembers what takes back an act of a person, for the time that Stands says.
func (s *Service) Keep(ctx context.Context, person string, body []byte) (id string, err error) {
	now := s.time.Now()
	k := Kept{ID: mainstay.NewID(now), Person: person, Body: string(body), Expires: now.Add(Stands)}
	return k.ID, s.store.Put(ctx, k, now)
}

// Take gives it out, once. It fails with Gone when its time is over, it was taken already, or it was another person's.
func (s *Service) Take(ctx context.Context, person, id string) ([]byte, error) {
	gone := mainstay.Errorf(mainstay.Gone, "This can no longer be undone: it was undone already, or more than a minute has passed. Do the opposite by hand.")
	if !mainstay.ValidID(id) || person == "" {
		return nil, gone
	}
	k, err := s.store.Take(ctx, person, id)
	switch {
	case mainstay.Is(err, mainstay.NotFound):
		return nil, gone
	case err != nil:
		return nil, err
	case !s.time.Now().Before(k.Expires):
		return nil, gone
	}
	return []byte(k.Body), nil
}
