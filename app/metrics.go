package app

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/mainstayhq/mainstay/storage"
)

// metrics are Mainstay's own figures, at /metrics.
type metrics struct {
	registry  *prometheus.Registry
	writeWait *prometheus.HistogramVec
	timerLate *prometheus.HistogramVec
	attempts  *prometheus.HistogramVec
	failures  *prometheus.CounterVec
}

func newMetrics(a *App) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		writeWait: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "mainstay_write_wait_seconds", Help: "How long a write of the embedded database waited for its turn.",
			Buckets: prometheus.ExponentialBuckets(.0001, 4, 9),
		}, []string{"class"}),
		timerLate: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "mainstay_timer_late_seconds", Help: "How long after its due time a timer fired.",
			Buckets: prometheus.ExponentialBuckets(.001, 4, 9),
		}, []string{"kind"}),
		attempts: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "mainstay_notification_wait_seconds", Help: "From planning a notification until an attempt to send it began.",
			Buckets: prometheus.ExponentialBuckets(.001, 4, 10),
		}, []string{"channel", "result"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mainstay_subscriber_failures_total", Help: "Failures of durable subscribers of the journal.",
		}, []string{"subscriber"}),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.writeWait, m.timerLate, m.attempts, m.failures, lag{a},
	)
	return m
}

func (m *metrics) waited(c storage.Class, d time.Duration) {
	m.writeWait.WithLabelValues(c.String()).Observe(d.Seconds())
}

func (m *metrics) fired(kind string, late time.Duration) {
	m.timerLate.WithLabelValues(kind).Observe(late.Seconds())
}

func (m *metrics) attempted(channel, result string, waited time.Duration) {
	m.attempts.WithLabelValues(channel, result).Observe(waited.Seconds())
}

func (m *metrics) failed(subscriber string) { m.failures.WithLabelValues(subscriber).Inc() }

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// lag collects how many facts each subscriber is behind.
type lag struct{ a *App }

var lagDesc = prometheus.NewDesc("mainstay_subscriber_lag_facts", "Facts that a durable subscriber has not passed yet.", []string{"subscriber"}, nil)

// Describe implements prometheus.Collector.
func (l lag) Describe(c chan<- *prometheus.Desc) { c <- lagDesc }

// Collect implements prometheus.Collector.
func (l lag) Collect(c chan<- prometheus.Metric) {
	if l.a.journal == nil {
		return
	}
	for name, n := range l.a.journal.Lag() {
		c <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, float64(n), name)
	}
}
