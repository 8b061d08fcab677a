package warning

import (
	"slices"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay"
)

// key identifies a condition.
type key struct {
	project     string
	fingerprint uint64
}

func (a *Alert) key() key { return key{a.Project, a.Fingerprint} }

// openSet is the alerts that are open, in memory: reads cost what they return. One writer changes it, many read. A million alerts in
// structs of pointers would have the garbage collector walk all of them again and again, so an alert is a record without pointers
// and its text lies in large pieces; what is handed out is made from both and never changes.
type openSet struct {
	mu sync.RWMutex
	opened
}

// opened is what an openSet holds.
type opened struct {
	slots   map[packedKey]uint32 // where the record of a condition is
	records [][]record           // in pieces of recordPiece, which never move
	free    []uint32             // slots to use again
	used    uint32               // slots ever used
	origins table[origin]
	last    uint32        // the origin put last: most alerts have the same
	names   table[string] // ids of projects
	count   []int         // open alerts by project
	texts   texts
	ends    endHeap
}

const recordPiece = 4096

// packedKey is a key without a pointer.
type packedKey struct {
	fingerprint uint64
	project     uint32
}

// record is an open alert without pointers. Times are in microseconds, 0 for none.
type record struct {
	number, created, starts, ends, updated, seq int64
	fingerprint                                 uint64
	due                                         int64 // of its entry in the heap that counts; 0 without one
	origin                                      uint32
	text                                        textRef // labels, annotations and generator URL, one after the other
	labels, annotations                         uint32  // bytes of them
	timeout, dirty                              bool    // dirty: the row lags behind
}

// origin is what many alerts have in common.
type origin struct {
	project, service, format, key, route, policy, why string
	state                                             State
	severity                                          mainstay.Severity
}

// table gives values numbers. It only grows: there are few values.
type table[T comparable] struct {
	list []T
	at   map[T]uint32
}

func (t *table[T]) number(v T) uint32 {
	if n, ok := t.at[v]; ok {
		return n
	}
	if t.at == nil {
		t.at = map[T]uint32{}
	}
	n := uint32(len(t.list)) //nolint:gosec // there are few
	t.list = append(t.list, v)
	t.at[v] = n
	return n
}

func newOpenSet() *openSet { return &openSet{opened: opened{slots: map[packedKey]uint32{}}} }

// replace makes the set hold what the other holds.
func (o *openSet) replace(other *openSet) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opened = other.opened
}

func (o *opened) record(slot uint32) *record { return &o.records[slot/recordPiece][slot%recordPiece] }

func (o *opened) find(k key) (uint32, bool) {
	project, ok := o.names.at[k.project]
	if !ok {
		return 0, false
	}
	slot, ok := o.slots[packedKey{k.fingerprint, project}]
	return slot, ok
}

// fill makes an alert of a record. Its text is shared with the set and costs nothing.
func (o *opened) fill(a *Alert, r *record) {
	from := &o.origins.list[r.origin]
	text := o.texts.get(r.text)
	*a = Alert{
		Number: r.number, Created: moment(r.created), Project: from.project, Service: from.service, Fingerprint: r.fingerprint,
		State: from.state, Severity: from.severity, StartsAt: moment(r.starts), EndsAt: moment(r.ends), UpdatedAt: moment(r.updated),
		Timeout: r.timeout, Labels: text[:r.labels], Annotations: text[r.labels : r.labels+r.annotations], GeneratorURL: text[r.labels+r.annotations:],
		Format: from.format, Key: from.key, Route: from.route, Policy: from.policy, Why: from.why, Seq: r.seq,
	}
}

// get is the open alert of a condition, nil without one.
func (o *openSet) get(k key) *Alert {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.peek(k)
}

// peek is get for the writer, who alone changes the set and so needs no lock.
func (o *openSet) peek(k key) *Alert {
	slot, ok := o.find(k)
	if !ok {
		return nil
	}
	a := &Alert{}
	o.fill(a, o.record(slot))
	return a
}

// len is how many are open.
func (o *openSet) len() int { return len(o.slots) }

// counted is how many are open in a project.
func (o *openSet) counted(project string) int {
	n, ok := o.names.at[project]
	if !ok {
		return 0
	}
	return o.count[n]
}

// put makes a the open alert of its condition; dirty when its row does not say so yet. The lock is held by the caller.
func (o *openSet) put(a *Alert, dirty bool) {
	project := o.names.number(a.Project)
	for int(project) >= len(o.count) {
		o.count = append(o.count, 0)
	}
	k := packedKey{a.Fingerprint, project}
	slot, known := o.slots[k]
	if !known {
		slot = o.take()
		o.slots[k] = slot
		o.count[project]++
	}
	r := o.record(slot)
	if r.number != a.Number {
		r.due = 0
	}
	r.number, r.created, r.seq, r.fingerprint = a.Number, micros(a.Created), a.Seq, a.Fingerprint
	r.starts, r.ends, r.updated, r.timeout, r.dirty = micros(a.StartsAt), micros(a.EndsAt), micros(a.UpdatedAt), a.Timeout, dirty
	from := origin{a.Project, a.Service, a.Format, a.Key, a.Route, a.Policy, a.Why, a.State, a.Severity}
	if len(o.origins.list) == 0 || o.origins.list[o.last] != from {
		o.last = o.origins.number(from)
	}
	r.origin = o.last
	o.write(r, a)
	if r.ends != 0 && (r.due == 0 || r.ends < r.due) {
		r.due = r.ends
		o.ends.push(end{r.ends, r.number, slot})
	}
}

// take is a slot for a new record.
func (o *openSet) take() uint32 {
	if n := len(o.free); n > 0 {
		slot := o.free[n-1]
		o.free = o.free[:n-1]
		return slot
	}
	if int(o.used) == len(o.records)*recordPiece {
		o.records = append(o.records, make([]record, recordPiece))
	}
	o.used++
	return o.used - 1
}

// write brings the text of the alert into the record, unless it is there already.
func (o *openSet) write(r *record, a *Alert) {
	old := o.texts.get(r.text)
	n, m := len(a.Labels), len(a.Annotations)
	if len(old) == n+m+len(a.GeneratorURL) && int(r.labels) == n && int(r.annotations) == m &&
		old[:n] == a.Labels && old[n:n+m] == a.Annotations && old[n+m:] == a.GeneratorURL {
		return
	}
	o.texts.drop(r.text)
	r.text = o.texts.put(a.Labels, a.Annotations, a.GeneratorURL)
	r.labels, r.annotations = uint32(n), uint32(m) //nolint:gosec // bodies are smaller
}

func (o *openSet) remove(k key) {
	slot, ok := o.find(k)
	if !ok {
		return
	}
	project := o.names.at[k.project]
	delete(o.slots, packedKey{k.fingerprint, project})
	o.count[project]--
	r := o.record(slot)
	o.texts.drop(r.text)
	*r = record{}
	o.free = append(o.free, slot)
}

// nextEnd is the earliest time at which something may end.
func (o *openSet) nextEnd() (time.Time, bool) {
	if len(o.ends) == 0 {
		return time.Time{}, false
	}
	return moment(o.ends[0].at), true
}

// expired lists the open alerts whose end has come, at most limit, without changing them. Entries of the heap that no longer
// count are dropped or moved on the way; those of the returned alerts stay until the alerts are removed.
func (o *openSet) expired(now time.Time, limit int) (list []*Alert) {
	until := micros(now)
	if len(o.ends) == 0 || o.ends[0].at > until {
		return nil // only the writer changes the heap
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var again []end
	for len(o.ends) > 0 && o.ends[0].at <= until && len(list) < limit {
		e := o.ends.pop()
		r := o.record(e.slot)
		if r.number != e.number || r.due != e.at {
			continue
		}
		switch {
		case r.ends == 0:
			r.due = 0
		case r.ends > until:
			r.due = r.ends
			again = append(again, end{r.ends, e.number, e.slot})
		default:
			again = append(again, e)
			a := &Alert{}
			o.fill(a, r)
			list = append(list, a)
		}
	}
	for _, e := range again {
		o.ends.push(e)
	}
	return list
}

// handle names an open alert for the writer.
type handle struct {
	slot   uint32
	number int64
}

// dirty lists the open alerts whose rows lag behind.
func (o *openSet) dirty() (list []handle) {
	for slot := range o.used {
		if r := o.record(slot); r.dirty {
			list = append(list, handle{slot, r.number})
		}
	}
	return list
}

// still is the alert of a handle as it stands now, nil when it is over.
func (o *openSet) still(h handle) *Alert {
	r := o.record(h.slot)
	if r.number != h.number {
		return nil
	}
	a := &Alert{}
	o.fill(a, r)
	return a
}

// clean notes that the rows of the alerts, as they stand now, have been written.
func (o *openSet) clean(list []handle) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, h := range list {
		if r := o.record(h.slot); r.number == h.number {
			r.dirty = false
		}
	}
}

// all lists the open alerts that want says yes to, in order; with a limit above 0 the first so many.
func (o *openSet) all(limit int, want func(*Alert) bool, order func(a, b *Alert) int) []*Alert {
	o.mu.RLock()
	defer o.mu.RUnlock()
	list := []*Alert{}
	a := &Alert{}
	for i := int(o.used) - 1; i >= 0; i-- { // the newest come first in most orders, and then few have to make room
		r := o.record(uint32(i)) //nolint:gosec // it is below used
		if r.number == 0 {
			continue
		}
		o.fill(a, r)
		switch {
		case !want(a):
			continue
		case limit <= 0 || len(list) < limit:
			list = append(list, a)
			if len(list) == limit {
				slices.SortFunc(list, order)
			}
		case order(a, list[limit-1]) < 0:
			at, _ := slices.BinarySearchFunc(list, a, order)
			copy(list[at+1:], list[at:limit-1])
			list[at] = a
		default:
			continue
		}
		a = &Alert{}
	}
	slices.SortFunc(list, order)
	return list
}

// compact moves the text of open alerts together when most of what is kept belongs to none.
func (o *openSet) compact() {
	if !o.texts.wasteful() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var fresh texts
	for slot := range o.used {
		if r := o.record(slot); r.number != 0 {
			r.text = fresh.put(o.texts.get(r.text))
		}
	}
	o.texts = fresh
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
