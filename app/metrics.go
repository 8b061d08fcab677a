package app

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/mainstayhq/mainstay/storage"
)

// figures are Mainstay's own metrics, at /metrics.
type figures struct{ set *metrics.Set }

func newFigures(a *App) *figures {
	f := &figures{set: metrics.NewSet()}
	f.set.RegisterMetricsWriter(func(w io.Writer) {
		if a.journal == nil {
			return
		}
		metrics.WriteMetadataIfNeeded(w, "mainstay_subscriber_lag_facts", "gauge")
		for name, n := range a.journal.Lag() {
			_, _ = fmt.Fprintf(w, "mainstay_subscriber_lag_facts{subscriber=%q} %d\n", name, n)
		}
	})
	return f
}

// observe adds a duration to the histogram; the first of its ten buckets ends at least seconds, each next one at four times that.
func (f *figures) observe(name string, least float64, d time.Duration) {
	f.set.GetOrCreatePrometheusHistogramExt(name, metrics.ExponentialBuckets(least, 4, 10)).Update(d.Seconds())
}

func (f *figures) waited(c storage.Class, d time.Duration) {
	f.observe(fmt.Sprintf("mainstay_write_wait_seconds{class=%q}", c), .0001, d)
}

func (f *figures) fired(kind string, late time.Duration) {
	f.observe(fmt.Sprintf("mainstay_timer_late_seconds{kind=%q}", kind), .001, late)
}

func (f *figures) attempted(channel, result string, waited time.Duration) {
	f.observe(fmt.Sprintf("mainstay_notification_wait_seconds{channel=%q,result=%q}", channel, result), .001, waited)
}

func (f *figures) failed(subscriber string) {
	f.set.GetOrCreateCounter(fmt.Sprintf("mainstay_subscriber_failures_total{subscriber=%q}", subscriber)).Inc()
}

func (f *figures) handler() http.Handler {
	metrics.ExposeMetadata(true)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		f.set.WritePrometheus(w)
		metrics.WriteProcessMetrics(w)
	})
}
