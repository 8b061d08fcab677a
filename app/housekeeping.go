package app

import (
	"context"
	"sync"
	"time"
)

// keepDeliveries is how long the delivery log is kept.
const keepDeliveries = 400 * 24 * time.Hour

// startHousekeeping removes, once an hour and in small pieces, what retention says may go.
func (a *App) startHousekeeping(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for {
			wait, stop := a.cfg.Time.Wait(time.Hour)
			select {
			case <-wait:
				a.clean(ctx)
			case <-ctx.Done():
				stop()
				return
			}
		}
	})
	a.stopLater(func(context.Context) error {
		cancel()
		done.Wait()
		return nil
	})
}

func (a *App) clean(ctx context.Context) {
	for {
		n, err := a.Notices.Prune(ctx, a.cfg.Time.Now().Add(-keepDeliveries), 500)
		if err != nil && ctx.Err() == nil {
			a.cfg.Log.Error("the delivery log cannot be pruned", "err", err)
		}
		if err != nil || n < 500 {
			break
		}
	}
	if err := a.Webhooks.Prune(ctx); err != nil && ctx.Err() == nil {
		a.cfg.Log.Error("the log of webhooks cannot be pruned", "err", err)
	}
	if n, err := a.Files.Sweep(ctx); err != nil && ctx.Err() == nil {
		a.cfg.Log.Error("files cannot be swept", "err", err)
	} else if n > 0 {
		a.cfg.Log.Info("files that belong to nothing were removed", "files", n)
	}
}
