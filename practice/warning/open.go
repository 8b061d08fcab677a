package warning

import (
	"container/heap"
	"slices"
	"sync"
	"time"
)

// key identifies a condition.
type key struct {
	project     string
	fingerprint uint64
}

func (a *Alert) key() key { return key{a.Project, a.Fingerprint} }

// slot holds an open alert. The alert itself is never changed, only exchanged.
type slot struct {
	alert *Alert
	due   int64 // of its entry in the heap that counts, in microseconds; 0 without one
	dirty bool  // the row lags behind
}

// openSet is the alerts that are open, in memory: reads cost what they return. One writer changes it, many read.
type openSet struct {
	mu    sync.RWMutex
	slots map[key]*slot
	count map[string]int // open alerts by project
	ends  endHeap
}

func newOpenSet() *openSet { return &openSet{slots: map[key]*slot{}, count: map[string]int{}} }

// get is the open alert of a condition, nil without one.
func (o *openSet) get(k key) *Alert {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if s := o.slots[k]; s != nil {
		return s.alert
	}
	return nil
}

// peek is get for the writer, who alone changes the set and so needs no lock.
func (o *openSet) peek(k key) *Alert {
	if s := o.slots[k]; s != nil {
		return s.alert
	}
	return nil
}

// put makes a the open alert of its condition; dirty when its row does not say so yet. The lock is held by the caller.
func (o *openSet) put(a *Alert, dirty bool) {
	k := a.key()
	s := o.slots[k]
	if s == nil {
		s = &slot{}
		o.slots[k] = s
		o.count[k.project]++
	}
	if s.alert == nil || s.alert.Number != a.Number {
		s.due = 0
	}
	s.alert, s.dirty = a, dirty
	if at := micros(a.EndsAt); at != 0 && (s.due == 0 || at < s.due) {
		s.due = at
		heap.Push(&o.ends, end{at, k})
	}
}

func (o *openSet) remove(k key) {
	if o.slots[k] != nil {
		delete(o.slots, k)
		o.count[k.project]--
	}
}

// nextEnd is the earliest time at which something may end.
func (o *openSet) nextEnd() (time.Time, bool) {
	if len(o.ends) == 0 {
		return time.Time{}, false
	}
	return time.UnixMicro(o.ends[0].at).UTC(), true
}

// expired lists the open alerts whose end has come, at most limit, without changing them. Entries of the heap that no longer
// count are dropped or moved on the way; those of the returned alerts stay until done is called.
func (o *openSet) expired(now time.Time, limit int) (list []*Alert) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var again []end
	for len(o.ends) > 0 && o.ends[0].at <= micros(now) && len(list) < limit {
		e := heap.Pop(&o.ends).(end)
		s := o.slots[e.key]
		if s == nil || s.due != e.at {
			continue
		}
		at := micros(s.alert.EndsAt)
		switch {
		case at == 0:
			s.due = 0
		case at > micros(now):
			s.due = at
			again = append(again, end{at, e.key})
		default:
			again = append(again, e)
			list = append(list, s.alert)
		}
	}
	for _, e := range again {
		heap.Push(&o.ends, e)
	}
	return list
}

// dirty lists the open alerts whose rows lag behind.
func (o *openSet) dirty() (list []*Alert) {
	for _, s := range o.slots {
		if s.dirty {
			list = append(list, s.alert)
		}
	}
	return list
}

// clean notes that the rows of the alerts, as they are in the list, have been written.
func (o *openSet) clean(list []*Alert) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, a := range list {
		if s := o.slots[a.key()]; s != nil && s.alert == a {
			s.dirty = false
		}
	}
}

// all lists the open alerts that want says yes to, in order; with a limit above 0 the first so many.
func (o *openSet) all(limit int, want func(*Alert) bool, order func(a, b *Alert) int) []*Alert {
	o.mu.RLock()
	defer o.mu.RUnlock()
	list := []*Alert{}
	for _, s := range o.slots {
		switch {
		case !want(s.alert):
		case limit <= 0 || len(list) < limit:
			list = append(list, s.alert)
			if len(list) == limit {
				slices.SortFunc(list, order)
			}
		case order(s.alert, list[limit-1]) < 0:
			i, _ := slices.BinarySearchFunc(list, s.alert, order)
			copy(list[i+1:], list[i:limit-1])
			list[i] = s.alert
		}
	}
	slices.SortFunc(list, order)
	return list
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

type end struct {
	at  int64
	key key
}

type endHeap []end

func (h endHeap) Len() int           { return len(h) }
func (h endHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h endHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push appends; for container/heap.
func (h *endHeap) Push(x any) { *h = append(*h, x.(end)) }

// Pop takes the last; for container/heap.
func (h *endHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}
