package app

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/storage"
)

// Work takes the lease and runs f while the engines work: signals are folded, facts handed over, timers fired, messages sent.
// Nobody listens, nothing is rendered or pruned. It is how a past is played, on a moved clock.
func (a *App) Work(ctx context.Context, f func(ctx context.Context) error) (err error) {
	host, _ := os.Hostname()
	if a.lease, err = a.DB.Hold(ctx, fmt.Sprintf("%s/%d", host, os.Getpid())); err != nil {
		return err
	}
	defer func() {
		if e := a.Stop(context.WithoutCancel(ctx)); err == nil {
			err = e
		}
	}()
	if err := a.startWork(a.lease.Fenced(context.WithoutCancel(ctx))); err != nil {
		return err
	}
	return f(ctx)
}

// Settle waits, in real time, until nothing is under way. It asks twice: what was being handed over at the first look may have set
// something that is due.
func (a *App) Settle(ctx context.Context) error {
	for tries := 0; ; tries++ {
		if first, second := a.Settled(), a.Settled(); first && second {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if tries < 64 {
			runtime.Gosched()
			continue
		}
		time.Sleep(30 * time.Microsecond) // real: goroutines and the disk do not follow a moved clock
	}
}

// NextDue is when the next timer falls due, if one does before the given time.
func (a *App) NextDue(ctx context.Context, before time.Time) (time.Time, bool, error) {
	list, err := a.Timers.Upcoming(ctx, before, 1)
	if err != nil || len(list) == 0 {
		return time.Time{}, false, err
	}
	return list[0].Due, true, nil
}

// Reserve takes n numbers of a kind, so that objects which come from elsewhere can have them, and returns the first.
func (a *App) Reserve(ctx context.Context, kind mainstay.Kind, n int) (first int64, err error) {
	err = a.DB.Write(ctx, storage.Normal, func(ctx context.Context) error {
		first, err = a.Objects.NextNumbers(ctx, kind, n)
		return err
	})
	return first, err
}

// Touch tells open pages that an object of a project changed though no fact says so.
func (a *App) Touch(project string, ref mainstay.Ref) {
	a.router.Live().Publish(project, []mainstay.Ref{ref})
}
