package warning

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
)

func openAlert(n int64, text int) *Alert {
	at := time.UnixMicro(1_790_000_000_000_000 + n).UTC()
	return &Alert{
		Number: n, Created: at, Project: fmt.Sprint("p", n%3), Service: "s", Fingerprint: uint64(n), State: Firing, Severity: mainstay.Sev2, //nolint:gosec // small
		StartsAt: at, EndsAt: at.Add(time.Hour), UpdatedAt: at, Labels: fmt.Sprintf(`{"n":"%0*d"}`, text, n), Annotations: `{"a":"b"}`,
		GeneratorURL: "http://x", Format: "f", Key: "k", Route: "r", Policy: "p", Why: "w", Seq: n,
	}
}

// Whatever is put, changed and removed in any order, the set holds what a map would, and its memory follows what is open.
func TestTheOpenSetHoldsWhatAMapWould(t *testing.T) {
	t.Parallel()
	o, want := newOpenSet(), map[int64]*Alert{}
	r := rand.New(rand.NewPCG(1, 2))
	for range 60_000 {
		n := int64(r.IntN(4000)) + 1
		switch has := want[n]; {
		case has == nil:
			want[n] = openAlert(n, 1+r.IntN(900))
			o.put(want[n], false)
		case r.IntN(3) == 0:
			delete(want, n)
			o.remove(has.key())
		default:
			a := *has
			a.Annotations, a.EndsAt, a.Seq = fmt.Sprintf(`{"a":"%d"}`, r.Int()), a.EndsAt.Add(time.Minute), a.Seq+1
			want[n] = &a
			o.put(&a, true)
		}
		if r.IntN(5000) == 0 {
			o.compact()
		}
	}
	if o.len() != len(want) {
		t.Fatalf("%d are open, want %d", o.len(), len(want))
	}
	list := o.all(0, func(*Alert) bool { return true }, func(a, b *Alert) int { return cmp.Compare(a.Number, b.Number) })
	if len(list) != len(want) {
		t.Fatalf("%d are listed, want %d", len(list), len(want))
	}
	projects := map[string]int{}
	for _, a := range list {
		projects[a.Project]++
		same(t, a, want[a.Number])
		same(t, o.get(a.key()), want[a.Number])
	}
	for p, n := range projects {
		if o.counted(p) != n {
			t.Errorf("%s has %d, want %d", p, o.counted(p), n)
		}
	}
	first := o.all(10, func(a *Alert) bool { return a.Number%2 == 0 }, func(a, b *Alert) int { return cmp.Compare(b.Number, a.Number) })
	for i, a := range first {
		if a.Number%2 != 0 || i > 0 && first[i-1].Number <= a.Number {
			t.Fatalf("the first ten are %v", first)
		}
	}
	held := o.get(list[0].key())
	text := held.Labels
	for _, a := range list {
		o.remove(a.key())
	}
	o.compact()
	if held.Labels != text || o.len() != 0 {
		t.Error("what was handed out changed")
	}
	if n := len(o.expired(list[0].EndsAt.Add(time.Hour*1000), 10)); n != 0 {
		t.Errorf("%d that are gone end", n)
	}
	kept := 0
	for _, b := range o.texts.pieces {
		if b != nil {
			kept++
		}
	}
	if kept > 17 {
		t.Errorf("%d pieces of text are kept for nobody", kept)
	}
}

func same(t *testing.T, a, b *Alert) {
	t.Helper()
	x, y := *a, *b
	x.SuppressedBy, y.SuppressedBy = nil, nil
	if fmt.Sprintf("%+v", x) != fmt.Sprintf("%+v", y) {
		t.Fatalf("got  %+v\nwant %+v", x, y)
	}
}

// BenchmarkOpen is the memory and time of an open alert.
func BenchmarkOpen(b *testing.B) {
	o := newOpenSet()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b.ReportAllocs()
	n := int64(0)
	for b.Loop() {
		n++
		o.put(openAlert(n, 300), false)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "bytes/alert")
	runtime.KeepAlive(o)
}
