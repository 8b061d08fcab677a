package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
)

// liveHeader marks the requests with which an open page refreshes itself.
const liveHeader = "X-Live"

const (
	liveBeat  = 20 * time.Second // an empty event, so that both ends notice a dead connection
	liveKept  = 2048             // events kept for those who reconnect
	liveQueue = 64               // events that a slow listener may be behind
	liveMost  = 2000             // listeners
)

// Live is the hub of the live stream: what changed, told to every open page that may read it. It holds references only.
type Live struct {
	objects Objects
	epoch   string // differs per start: a page that reconnects to a new process refreshes wholly

	mu        sync.Mutex
	kept      []liveEvent // the newest liveKept, ascending
	next      int64
	listeners map[*listener]struct{}
	closed    chan struct{}
	ended     bool
}

type liveEvent struct {
	seq     int64
	whole   bool // anything may have changed
	project string
	refs    []mainstay.Ref
	private func() map[mainstay.Ref]bool // which of the refs are private; asked once, and only for viewers who may not see those
}

// privates looks up which objects are private. What cannot be looked up counts as private.
func (h *Live) privates(refs []mainstay.Ref) map[mainstay.Ref]bool {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	found := map[mainstay.Ref]bool{}
	for _, ref := range refs {
		if ref.Kind == mainstay.KindAlert { // never private, and many
			continue
		}
		o, err := h.objects.Find(ctx, ref.Kind, ref.ID, "")
		found[ref] = o.Private || err != nil && !mainstay.Is(err, mainstay.NotFound)
	}
	return found
}

type listener struct {
	queue chan liveEvent // closed when the listener is too slow
}

func newLive(cfg Config) *Live {
	return &Live{
		objects: cfg.Objects, epoch: strconv.FormatInt(cfg.Time.Now().UnixMicro(), 36), next: 1,
		listeners: map[*listener]struct{}{}, closed: make(chan struct{}),
	}
}

// Publish tells open pages that the objects of the project changed. It never blocks: a listener that is too far behind is
// cut off and starts over.
func (h *Live) Publish(project string, refs []mainstay.Ref) {
	if len(refs) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return
	}
	h.tell(liveEvent{project: project, refs: refs, private: sync.OnceValue(func() map[mainstay.Ref]bool { return h.privates(refs) })})
}

// Whole tells open pages that anything may have changed: another process has written.
func (h *Live) Whole() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ended {
		h.tell(liveEvent{whole: true})
	}
}

// tell keeps an event and gives it to everybody; the hub is locked.
func (h *Live) tell(e liveEvent) {
	e.seq = h.next
	h.next++
	if len(h.kept) == liveKept {
		h.kept = h.kept[1:] // append moves the rest once in a while, not each time
	}
	h.kept = append(h.kept, e)
	for l := range h.listeners {
		select {
		case l.queue <- e:
		default:
			close(l.queue)
			delete(h.listeners, l)
		}
	}
}

// Close ends every stream; the server calls it before it stops.
func (h *Live) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ended {
		h.ended = true
		close(h.closed)
	}
}

// Listeners is how many pages listen now.
func (h *Live) Listeners() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.listeners)
}

// join adds a listener. missed are the events since the id that it saw last; whole says that they are not known any more,
// so that the page must refresh wholly.
func (h *Live) join(lastID string) (l *listener, missed []liveEvent, whole bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended || len(h.listeners) >= liveMost {
		return nil, nil, false, mainstay.Errorf(mainstay.Unavailable, "The live stream takes no more listeners now; the page works without it.")
	}
	l = &listener{queue: make(chan liveEvent, liveQueue)}
	h.listeners[l] = struct{}{}
	if lastID == "" {
		return l, nil, false, nil
	}
	epoch, digits, _ := strings.Cut(lastID, ".")
	seq, errID := strconv.ParseInt(digits, 10, 64)
	oldest := h.next
	if len(h.kept) > 0 {
		oldest = h.kept[0].seq
	}
	if errID != nil || epoch != h.epoch || seq+1 < oldest || seq >= h.next {
		return l, nil, true, nil
	}
	for _, e := range h.kept {
		if e.seq > seq {
			missed = append(missed, e)
		}
	}
	return l, missed, false, nil
}

func (h *Live) leave(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners, l)
}

// position is the id of the newest event.
func (h *Live) position() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.epoch + "." + strconv.FormatInt(h.next-1, 10)
}

// serveLive streams events until the client goes, the session ends, or the server stops.
func (rt *Router) serveLive(w http.ResponseWriter, req *http.Request) {
	if req.Method == http.MethodHead {
		return
	}
	h := rt.live
	last := req.Header.Get("Last-Event-ID")
	if last == "" {
		last = req.URL.Query().Get("after") // where the page was when it was made
	}
	l, missed, whole, err := h.join(last)
	if err != nil {
		rt.WriteProblem(w, req, err)
		return
	}
	defer h.leave(l)
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Time{}) // streams outlive the server's timeouts
	_ = out.SetReadDeadline(time.Time{})
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	s := &stream{w: w, out: out, epoch: h.epoch, viewer: ViewerFrom(req.Context())}
	word := "hello"
	if whole {
		word = "whole"
	}
	if whole || last == "" {
		last = h.position()
	}
	fmt.Fprintf(w, "retry: 2000\nid: %s\nevent: %s\ndata: \n\n", last, word)
	for _, e := range missed {
		s.send(e)
	}
	s.flush()
	rt.pump(req, l, s)
}

// pump sends what the listener gets. At each beat it asks anew who is there, so that a session that ended hears no more.
func (rt *Router) pump(req *http.Request, l *listener, s *stream) {
	beat, stop := rt.cfg.Time.Wait(liveBeat) // not anew with each event: a busy stream would never ask
	defer func() { stop() }()
	for s.err == nil {
		select {
		case e, ok := <-l.queue:
			if !ok {
				return
			}
			s.send(e)
			for drained := false; !drained; {
				select {
				case more, ok := <-l.queue:
					if !ok {
						return
					}
					s.send(more)
				default:
					drained = true
				}
			}
		case <-beat:
			viewer, err := rt.cfg.Identity.Viewer(req)
			if err != nil || !viewer.SignedIn() {
				fmt.Fprint(s.w, "event: end\ndata: \n\n")
				s.flush()
				return
			}
			s.viewer = viewer
			fmt.Fprint(s.w, "event: beat\ndata: \n\n")
			beat, stop = rt.cfg.Time.Wait(liveBeat)
		case <-rt.live.closed:
			return
		case <-req.Context().Done():
			return
		}
		s.flush()
	}
}

// stream writes events for one viewer.
type stream struct {
	w      http.ResponseWriter
	out    *http.ResponseController
	epoch  string
	viewer access.Viewer
	err    error
}

func (s *stream) flush() {
	if err := s.out.Flush(); err != nil {
		s.err = err
	}
}

// send writes the event's references that the viewer may read. The id goes out even when none is left, so that a
// reconnect starts after it.
func (s *stream) send(e liveEvent) {
	if e.whole {
		if _, err := fmt.Fprintf(s.w, "id: %s.%d\nevent: whole\ndata: \n\n", s.epoch, e.seq); err != nil {
			s.err = err
		}
		return
	}
	var names []string
	manages := s.viewer.May(access.IncidentManage, e.project)
	for _, ref := range e.refs {
		if s.viewer.May(Reads(ref.Kind), e.project) && (manages || s.viewer.Sees(ref.ID, e.project, e.private()[ref])) {
			names = append(names, ref.String())
		}
	}
	if len(names) > 0 && e.project != "" {
		names = append(names, string(mainstay.KindProject)+":"+e.project)
	}
	_, err := fmt.Fprintf(s.w, "id: %s.%d\n", s.epoch, e.seq)
	if err == nil && len(names) > 0 {
		_, err = fmt.Fprintf(s.w, "event: changed\ndata: %s\n", strings.Join(names, " "))
	}
	if err == nil {
		_, err = fmt.Fprint(s.w, "\n")
	}
	if err != nil {
		s.err = err
	}
}
