package demo

import (
	"context"
	"encoding/json"
	"time"

	"github.com/mainstayhq/mainstay/app/demo/sim"
)

// fault is one that comes and goes while somebody looks.
type fault struct {
	sim.Alert
	ferries bool // Lighthouse's
}

var faults = []fault{
	{sim.Alert{Name: "SearchSlow", Service: "search", Severity: sim.Warning, Instance: "search-2", Summary: "Search p95 above 800 ms",
		Description: "Half of the searches take longer than 800 ms."}, false},
	{sim.Alert{Name: "MailQueueGrows", Service: "mail", Severity: sim.Warning, Instance: "mail-1", Summary: "Order mails wait longer than 10 minutes",
		Description: "412 mails wait; Postlane answers slowly."}, false},
	{sim.Alert{Name: "SeatMapSlow", Service: "booking", Severity: sim.Warning, Instance: "booking-1", Summary: "The seat map takes longer than two seconds",
		Description: "p95 2,340 ms for ferries with more than 600 seats."}, true},
	{sim.Alert{Name: "CheckoutErrors", Service: "checkout", Severity: sim.Critical, Instance: "checkout-2", Summary: "Checkout answers with errors",
		Description: "4 % of the requests to the checkout fail."}, false},
	{sim.Alert{Name: "ApiLatencyHigh", Service: "website", Severity: sim.Notice, Instance: "edge-2", Summary: "Requests take longer than a second",
		Description: "p95 1,180 ms at 410 requests a second."}, true},
}

// nightly is how often the nightly jobs of a running demonstration report.
const nightly = 20 * time.Hour

// liveFaults lets faults come and go: one at once, so that something is to be seen, then another every few minutes.
func (d *Demo) liveFaults(ctx context.Context) {
	reported := time.Now()
	for i := 0; ; i++ {
		f, began := faults[i%len(faults)], time.Now().UTC()
		keys := d.keys
		if f.ferries {
			if keys = d.ferries(); keys.alerts == "" {
				continue // it has not come home yet
			}
		}
		for range 12 { // three minutes of firing, told every 15 s as a Prometheus does
			if d.tell(ctx, keys, told(f.Alert, began, time.Now().UTC().Add(time.Minute))) != nil {
				return // the server is stopping
			}
			if !sleep(ctx, 15*time.Second) {
				return
			}
		}
		if d.tell(ctx, keys, told(f.Alert, began, time.Now().UTC())) != nil || !sleep(ctx, 90*time.Second) {
			return
		}
		if time.Since(reported) > nightly {
			reported = time.Now()
			_ = beat(ctx, d.App.Handler(), d.keys, sim.Beat{Name: "nightly-backup", Every: 26 * time.Hour}) // a job that fails to report is missed
			if keys := d.ferries(); keys.beats != "" {
				_ = beat(ctx, d.App.Handler(), keys, sim.Beat{Name: "booking-backup", Every: 26 * time.Hour})
			}
		}
	}
}

// ferries are the keys of Lighthouse once it has come home; empty before.
func (d *Demo) ferries() intakeKeys {
	select {
	case <-d.home:
		if d.failed == nil && d.played != nil {
			return d.played.keys
		}
	default:
	}
	return intakeKeys{}
}

func (d *Demo) tell(ctx context.Context, keys intakeKeys, alerts ...map[string]any) error {
	body, err := json.Marshal(alerts)
	if err != nil {
		return err
	}
	return post(ctx, d.App.Handler(), "/in/"+keys.alerts+"/alertmanager/api/v2/alerts", string(body))
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
