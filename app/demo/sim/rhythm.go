package sim

import (
	"math"
	"math/rand/v2"
	"time"
)

// visitors is how many come in each hour of a working day, and of a weekend; the mean of a week is about 1.
var (
	visitors = [24]float64{0.45, 0.3, 0.22, 0.2, 0.22, 0.35, 0.65, 1.0, 1.35, 1.75, 1.85, 1.7, 1.4, 1.5, 1.7, 1.65, 1.5, 1.35, 1.4, 1.6, 1.65, 1.35, 0.95, 0.65}
	weekends = [24]float64{0.5, 0.35, 0.25, 0.2, 0.2, 0.22, 0.3, 0.4, 0.55, 0.75, 0.9, 0.95, 0.9, 0.85, 0.85, 0.85, 0.9, 0.95, 1.1, 1.25, 1.25, 1.0, 0.75, 0.55}
)

// weight is how much more or less often than on average it comes at that hour of the project's zone.
func (r Rhythm) weight(t time.Time) float64 {
	h, off := t.Hour(), weekend(t)
	switch r {
	case Load:
		if off {
			return weekends[h]
		}
		return visitors[h]
	case Night:
		if h >= 1 && h < 5 {
			return 5
		}
		return 0.2
	case Deploys:
		if day := t.Weekday(); day >= time.Tuesday && day <= time.Thursday && h >= 10 && h < 17 {
			return 7
		}
		return 0.15
	case Mondays:
		if t.Weekday() == time.Monday && h >= 7 && h < 11 {
			return 30
		}
		return 0.3
	}
	return 1
}

func weekend(t time.Time) bool { return t.Weekday() == time.Saturday || t.Weekday() == time.Sunday }

func minutes(m float64) time.Duration { return time.Duration(m * float64(time.Minute)) }

func days(d float64) time.Duration { return time.Duration(d * 24 * float64(time.Hour)) }

// lognormal draws a value whose median is given.
func lognormal(r *rand.Rand, median, sigma float64) float64 {
	return median * math.Exp(sigma*r.NormFloat64())
}

// poisson draws how often something happens whose mean is small.
func poisson(r *rand.Rand, mean float64) int {
	limit, k, p := math.Exp(-mean), 0, r.Float64()
	for ; p > limit; k++ {
		p *= r.Float64()
	}
	return k
}

// office is the first moment of office hours (9:20 to 16:40, Monday to Friday) that is not before t, with some minutes of the draw.
func (p *planner) office(r *rand.Rand, t time.Time) time.Time {
	l := t.In(p.Zone)
	begin := time.Date(l.Year(), l.Month(), l.Day(), 9, 20, 0, 0, p.Zone)
	switch {
	case l.Before(begin):
		l = begin.Add(minutes(90 * r.Float64()))
	case l.After(begin.Add(7*time.Hour + 20*time.Minute)):
		l = begin.AddDate(0, 0, 1).Add(minutes(150 * r.Float64()))
	}
	for weekend(l) {
		l = time.Date(l.Year(), l.Month(), l.Day()+1, 9, 20, 0, 0, p.Zone).Add(minutes(180 * r.Float64()))
	}
	return l.UTC()
}
