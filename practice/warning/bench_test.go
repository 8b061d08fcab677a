package warning_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/s2"

	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/core/intake/alertmanager"
	"github.com/mainstayhq/mainstay/core/intake/intakedb"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/practice/warning/warningdb"
)

// benchBody is n alerts as Prometheus posts them; the id makes them new.
func benchBody(id int64, n int) []byte {
	var b strings.Builder
	b.WriteByte('[')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"annotations":{"description":"checkout-%d answers 503 to 12.5 %% of requests for 2 minutes","summary":"Errors on checkout"},`+
			`"endsAt":"2026-03-17T03:04:00.000Z","startsAt":"2026-03-17T02:58:12.345Z","generatorURL":"http://prometheus.internal:9090/graph?g0.expr=rate%%28x%%5B5m%%5D%%29\u0026g0.tab=1",`+
			`"labels":{"alertname":"ErrorsHigh","batch":"%d","cluster":"eu-1","instance":"10.0.%d.%d:9100","job":"checkout","namespace":"shop","pod":"checkout-%d","severity":"critical"}}`,
			i, id, i/256, i%256, i)
	}
	b.WriteByte(']')
	return []byte(b.String())
}

// BenchmarkNew64 is the way of 64 new alerts from the parsed body to the commit, with 16 senders. One op is one alert.
func BenchmarkNew64(b *testing.B) { benchTake(b, "sqlite", 64, true) }

// BenchmarkNew1 is the same for requests of one alert, with 32 senders.
func BenchmarkNew1(b *testing.B) { benchTake(b, "sqlite", 1, true) }

// BenchmarkRepeat64 sends the same 64 alerts again and again.
func BenchmarkRepeat64(b *testing.B) { benchTake(b, "sqlite", 64, false) }

// BenchmarkNew64Postgres is BenchmarkNew64 on PostgreSQL.
func BenchmarkNew64Postgres(b *testing.B) { benchTake(b, "postgres", 64, true) }

func benchTake(b *testing.B, engine string, size int, fresh bool) {
	w := begin(b, mainstaytest.New(b, engine, intakedb.Migrations(), warningdb.Migrations()))
	b.ReportAllocs()
	b.ResetTimer()
	var id atomic.Int64
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for {
				k := id.Add(1)
				if k*int64(size) > int64(b.N)+int64(size) {
					return
				}
				if !fresh {
					k = 0
				}
				body := benchBody(k, size)
				signals, err := alertmanager.Parse(body, intake.Limits{}, w.Clock.Now())
				if err != nil {
					b.Error(err)
					return
				}
				if err := w.s.Take(b.Context(), &intake.Batch{Project: shop, Format: alertmanager.Name, Body: s2.Encode(nil, body), At: w.Clock.Now(), Signals: signals}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "alerts/s")
}
