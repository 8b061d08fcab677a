// Package commitdb writes a commit.Set in the transaction of its use case. It is the only code that does, and it knows no table:
// each part is written by the function of the package that owns it.
package commitdb

import (
	"context"
	"errors"

	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/timer/timerdb"
	"github.com/mainstayhq/mainstay/fact"
)

// Writers are the functions that write the parts of a set, each in the write transaction that its context carries.
type Writers struct {
	Facts   func(ctx context.Context, facts []fact.Fact) error
	Objects func(ctx context.Context, objects []commit.Object) error
	Links   func(ctx context.Context, links []commit.Link) error
	Notices func(ctx context.Context, notices []commit.Notice) error
	Actions func(ctx context.Context, actions []commit.Action) error
}

// Saver writes sets.
type Saver struct {
	timers *timerdb.Store
	w      Writers
}

// New makes a Saver. A writer may be nil only if no set ever has rows for it; saving such a row is an error.
func New(timers *timerdb.Store, w Writers) *Saver { return &Saver{timers, w} }

// Extend gives the saver the writers of parts that could only be made after it, because they save sets themselves. It must be
// called before the first Save.
func (s *Saver) Extend(notices func(context.Context, []commit.Notice) error, actions func(context.Context, []commit.Action) error) {
	s.w.Notices, s.w.Actions = notices, actions
}

// Save writes the set in the write transaction that ctx carries: all of it, or an error that must end the transaction.
func (s *Saver) Save(ctx context.Context, set commit.Set) error {
	for _, c := range set.Cancel {
		if err := s.timers.Cancel(ctx, c.Kind, c.Subject); err != nil {
			return err
		}
	}
	return errors.Join(
		write(ctx, s.w.Objects, set.Objects),
		write(ctx, s.w.Links, set.Links),
		s.timers.Set(ctx, set.Timers),
		write(ctx, s.w.Actions, set.Actions),
		write(ctx, s.w.Notices, set.Notices),
		write(ctx, s.w.Facts, set.Facts),
	)
}

func write[T any](ctx context.Context, f func(context.Context, []T) error, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	if f == nil {
		return errors.New("commitdb: there is no writer for these rows")
	}
	return f(ctx, rows)
}
