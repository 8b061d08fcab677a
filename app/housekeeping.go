package app

import (
	"context"
	"sync"
	"time"
)

// startHousekeeping removes, once an hour and in small pieces, what retention says may go.
func (a *App) startHousekeeping(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		retained := a.cfg.Time.Now()
		for {
			wait, stop := a.cfg.Time.Wait(time.Hour)
			select {
			case <-wait:
				a.clean(ctx)
				if now := a.cfg.Time.Now(); now.Sub(retained) >= retentionEvery {
					retained = now
					if err := a.Retain(ctx); err != nil && ctx.Err() == nil {
						a.cfg.Log.Error("what is older than is kept cannot be removed", "err", err)
					}
				}
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
	if err := a.Webhooks.Prune(ctx); err != nil && ctx.Err() == nil {
		a.cfg.Log.Error("the log of webhooks cannot be pruned", "err", err)
	}
	if n, err := a.Files.Sweep(ctx); err != nil && ctx.Err() == nil {
		a.cfg.Log.Error("files cannot be swept", "err", err)
	} else if n > 0 {
		a.cfg.Log.Info("files that belong to nothing were removed", "files", n)
	}
}
