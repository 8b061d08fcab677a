package notify_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/notify/notifydb"
	"github.com/mainstayhq/mainstay/core/notify/webhook"
	"github.com/mainstayhq/mainstay/core/outbound"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

// BenchmarkPage is the way of one page through notify, idle: from the beginning of the transaction that plans it until its
// receiver has the request. The whole promise, from the alert's POST on, is p50 ≤ 10 ms and p99 ≤ 50 ms.
func BenchmarkPage(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			e := mainstaytest.New(b, engine, notifydb.Migrations())
			got := make(chan time.Time, 1)
			s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got <- time.Now() }))
			b.Cleanup(s.Close)
			store, err := notifydb.New(e.DB, e.Saver, notifydb.Config{
				People: phonebook{"ana": {ID: "ana", Methods: hooks(true, s.URL)}}, Time: mainstay.Clock{},
			})
			if err != nil {
				b.Fatal(err)
			}
			guard := outbound.New(outbound.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
			hook, err := webhook.New(webhook.Config{Client: guard.Client(), Time: mainstay.Clock{}, Secret: func(context.Context, string, string) (string, error) { return secret, nil }, Sign: outbound.Sign})
			if err != nil {
				b.Fatal(err)
			}
			n, err := notify.NewEngine(notify.Config{Store: store, Time: mainstay.Clock{}, Channels: []notify.Channel{{Name: "webhook", Sender: hook, Lane: webhook.Lane}}})
			if err != nil {
				b.Fatal(err)
			}
			if err := n.Start(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.Cleanup(n.Stop)
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				for !n.Idle() {
					time.Sleep(time.Millisecond) // real: the engine works in other goroutines
				}
				start := time.Now()
				if err := store.Send(b.Context(), []commit.Notice{notice(fmt.Sprint(i), "ana", true, start)}); err != nil {
					b.Fatal(err)
				}
				took = append(took, (<-got).Sub(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}
