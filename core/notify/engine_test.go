package notify_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/notify/notifydb"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/storage"
)

func TestWhatWasBeingSentAtACrashIsSentOnceMore(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		r := newReceiver(t, e.Clock, nil)
		h := newHouse(t, e, phonebook{"ana": {ID: "ana", Methods: hooks(true, r.URL)}}, 0)
		for i := range 3 {
			h.page(fmt.Sprint(i), "ana")
		}
		open, err := h.store.Open(t.Context(), "", 10)
		if err != nil || len(open) != 3 {
			t.Fatal(open, err)
		}
		if _, err := h.store.Lease(t.Context(), open[:1], e.Clock.Now()); err != nil { // and the process dies
			t.Fatal(err)
		}
		h.start().settle()
		h.expect("webhook confirmed 2", "webhook confirmed 1", "webhook confirmed 1")
		if n := len(r.requests()); n != 3 {
			t.Errorf("%d messages after the crash, want each once", n)
		}
		h.engine.Stop()
		h.engine = h.newEngine() // a clean restart sends nothing
		h.start().settle()
		if n := len(r.requests()); n != 3 {
			t.Errorf("%d messages after a clean restart, want no more", n)
		}
	}, notifydb.Migrations())
}

func TestEachOfAThousandNoticesIsSentOnce(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		r := newReceiver(t, e.Clock, nil)
		h := newHouse(t, e, phonebook{"ana": {ID: "ana", Methods: hooks(true, r.URL)}}, 0).start()
		done := make(chan struct{})
		for w := range 4 { // four writers, each of whom asks for the half of what the next one asks for as well
			go func() {
				defer func() { done <- struct{}{} }()
				for i := range 50 {
					var set commit.Set
					for j := range 10 {
						set.Notices = append(set.Notices, notice(fmt.Sprint((w*250+i*10+j)%1000), "ana", true, e.Clock.Now()))
					}
					h.Commit(t, set)
				}
			}()
		}
		for range 4 {
			<-done
		}
		h.settle()
		seen := map[string]int{}
		for _, q := range r.requests() {
			seen[q.header.Get("Mainstay-Delivery")]++
		}
		if len(seen) != 1000 || len(r.requests()) != 1000 {
			t.Fatalf("%d messages of %d deliveries, want 1000", len(r.requests()), len(seen))
		}
		for _, d := range h.log() {
			if d.State != notify.Confirmed || d.Attempts != 1 {
				t.Fatalf("%+v", d)
			}
		}
	}, notifydb.Migrations())
}

// A server that answers nobody is not asked by everybody, pages go another way at once, and all that waited for it goes when it
// is back.
func TestABrokenLaneIsLeftAloneUntilItIsBack(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		var down atomic.Bool
		down.Store(true)
		bad := newReceiver(t, e.Clock, func(_ int, w http.ResponseWriter, _ *http.Request) {
			if down.Load() {
				w.WriteHeader(http.StatusBadGateway)
			}
		})
		good := newReceiver(t, e.Clock, nil)
		people := phonebook{}
		for i := range 30 {
			id := fmt.Sprintf("p%02d", i)
			people[id] = notify.Recipient{ID: id, Methods: append(hooks(true, bad.URL+"/"+id), hooks(false, good.URL+"/"+id)...)}
		}
		h := newHouse(t, e, people, 0).start()
		for id := range people {
			h.page(id, id)
		}
		h.settle()
		asked := len(bad.requests())
		if asked > 16 {
			t.Errorf("the broken server was asked %d times at once", asked)
		}
		if n := len(good.requests()); n < 30-16 {
			t.Errorf("%d pages went the other way at once, want at least %d", n, 30-16)
		}
		lanes := h.engine.Troubled()
		if len(lanes) != 1 || lanes[0].Failures < 5 || lanes[0].Held == 0 || !strings.Contains(lanes[0].Error, "502") {
			t.Errorf("troubled: %+v", lanes)
		}
		for range 60 {
			h.advance(500 * time.Millisecond)
		}
		if n := len(bad.requests()) - asked; n > 12 {
			t.Errorf("the broken server was asked %d times in 30 s", n)
		}
		down.Store(false)
		for range 40 {
			h.advance(time.Second)
		}
		var ok int
		for _, d := range h.log() {
			if strings.HasPrefix(d.Address, bad.URL) && d.State == notify.Confirmed {
				ok++
			}
		}
		if ok != 30 || len(h.engine.Troubled()) != 0 {
			t.Errorf("%d of 30 arrived once it was back; troubled: %+v", ok, h.engine.Troubled())
		}
		if n := len(good.requests()); n != 30 {
			t.Errorf("%d pages went the other way in the end, want 30", n)
		}
	}, notifydb.Migrations())
}

func TestWhatIsNotSentSaysWhy(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		r := newReceiver(t, e.Clock, nil)
		unsure := notify.Method{Channel: "webhook", Address: r.URL + "/unsure", Pages: true, Blocked: "the address was never confirmed"}
		h := newHouse(t, e, phonebook{
			"none":    {ID: "none"},
			"gone":    {ID: "gone", Blocked: "the account is deactivated", Methods: hooks(true, r.URL)},
			"unsure":  {ID: "unsure", Methods: append([]notify.Method{unsure}, hooks(true, r.URL)...)},
			"pigeon":  {ID: "pigeon", Methods: []notify.Method{{Channel: "pigeon", Address: "roof", Pages: true}}},
			"quiet":   {ID: "quiet", Methods: hooks(false, r.URL+"/quiet")},
			"limited": {ID: "limited", Methods: hooks(true, r.URL+"/limited")},
		}, 2).start()
		for _, p := range []string{"none", "gone", "unsure", "pigeon", "quiet", "stranger"} {
			h.page(p, p)
		}
		for i := range 4 {
			h.say(fmt.Sprint("n", i), "limited", false)
		}
		h.page("urgent", "limited") // a page is never throttled
		h.settle()
		var got []string
		for _, d := range h.log() {
			got = append(got, fmt.Sprintf("%s %s %s", d.Person, d.State, d.Reason))
		}
		want := []string{
			"none suppressed the person has no address to be reached at",
			"gone suppressed the account is deactivated",
			"unsure confirmed ",
			"unsure suppressed the address was never confirmed",
			"pigeon suppressed there are no pigeons",
			"quiet confirmed the person has no usable address for pages",
			"stranger suppressed there is no such person any more",
			"limited confirmed ",
			"limited confirmed ",
			"limited suppressed throttled: the address got 2 messages within an hour",
			"limited suppressed throttled: the address got 2 messages within an hour",
			"limited confirmed ",
		}
		if !slices.Equal(got, want) {
			t.Errorf("the log says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if n := len(e.Facts(t, harbour, "notification.suppressed")); n != 7 {
			t.Errorf("%d facts, want 7", n)
		}
		h.advance(time.Hour + time.Second)
		h.say("later", "limited", false)
		h.settle()
		if log := h.log(); log[len(log)-1].State != notify.Confirmed {
			t.Errorf("an hour later: %+v", log[len(log)-1])
		}
	}, notifydb.Migrations())
}

func TestAnAnsweredPageIsNotSentAnyMore(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		bad := newReceiver(t, e.Clock, answers(500))
		mail := notify.Channel{Name: "email", Sender: sender(func(notify.Message) (notify.Receipt, error) { return notify.Receipt{Answer: "250 OK"}, nil })}
		h := newHouse(t, e, phonebook{
			"ana": {ID: "ana", Methods: []notify.Method{{Channel: "email", Address: "ana@mail.test", Pages: true}}},
			"ben": {ID: "ben", Methods: hooks(true, bad.URL)},
		}, 0, mail).start()
		engines := e.Engines(t, notify.Subscribers(h.store), nil)
		h.page("a", "ana")
		h.page("b", "ben")
		h.settle()
		h.expect("email sent 1", "webhook planned 1")
		e.Commit(t, commit.Set{Facts: []fact.Fact{
			fact.New(e.Clock.Now(), harbour, mainstay.Person("ana"), fact.PageAcknowledged{Via: "mail"}, page),
		}})
		engines.Settle(t)
		h.advance(time.Minute)
		h.expect("email confirmed 1", "webhook suppressed 1")
		if r := h.log()[1].Reason; r != "the page was acknowledged before this was sent" {
			t.Errorf("the reason is %q", r)
		}
		if n := len(bad.requests()); n != 1 {
			t.Errorf("%d attempts", n)
		}
	}, notifydb.Migrations())
}

// sender is a channel of one function.
type sender func(notify.Message) (notify.Receipt, error)

func (s sender) Send(_ context.Context, m notify.Message) (notify.Receipt, error) { return s(m) }

func TestAMessageThatBreaksItsChannelHarmsNoOther(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		mail := notify.Channel{Name: "email", Sender: sender(func(m notify.Message) (notify.Receipt, error) {
			if m.Address == "bad" {
				panic("a bug")
			}
			return notify.Receipt{}, nil
		})}
		to := func(a string) notify.Recipient {
			return notify.Recipient{ID: a, Methods: []notify.Method{{Channel: "email", Address: a, Pages: true}}}
		}
		h := newHouse(t, e, phonebook{"bad": to("bad"), "good": to("good")}, 0, mail).start()
		h.page("a", "bad")
		h.page("b", "good")
		h.Clock.Advance(time.Millisecond)
		h.Commit(t, commit.Set{Notices: []commit.Notice{{
			Key: "c", Project: harbour, Subject: page, Person: "good", Template: "page", Data: []byte(`{"title": 7}`), Urgent: true, At: e.Clock.Now(),
		}}})
		h.settle()
		h.expect("email failed 1", "email sent 1", "email failed 1")
	}, notifydb.Migrations())
}

func TestStopFinishesWhatItBegan(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		began, finish := make(chan struct{}), make(chan struct{})
		mail := notify.Channel{Name: "email", Sender: sender(func(notify.Message) (notify.Receipt, error) {
			close(began)
			<-finish
			return notify.Receipt{}, nil
		})}
		h := newHouse(t, e, phonebook{"ana": {ID: "ana", Methods: []notify.Method{{Channel: "email", Address: "a", Pages: true}}}}, 0, mail)
		ctx, end := context.WithCancel(t.Context())
		if err := h.engine.Start(ctx); err != nil {
			t.Fatal(err)
		}
		h.page("a", "ana")
		<-began
		end()
		h.page("b", "ana") // too late for this engine
		close(finish)
		h.engine.Stop()
		h.expect("email sent 1", "email planned 0")
	}, notifydb.Migrations())
}

func TestOldDeliveriesArePruned(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		r := newReceiver(t, e.Clock, nil)
		h := newHouse(t, e, phonebook{"ana": {ID: "ana", Methods: hooks(true, r.URL)}}, 0).start()
		h.page("a", "ana")
		h.page("b", "ana")
		h.advance(400 * 24 * time.Hour)
		h.page("c", "ana")
		h.settle()
		n, err := h.store.Prune(t.Context(), e.Clock.Now().Add(-time.Hour), 10)
		if err != nil || n != 2 || len(h.log()) != 1 {
			t.Fatalf("%d pruned, %v, %d left", n, err, len(h.log()))
		}
	}, notifydb.Migrations())
}

func TestTheEngineRefusesAWrongConfiguration(t *testing.T) {
	t.Parallel()
	if _, err := notify.NewEngine(notify.Config{}); err == nil {
		t.Error("an engine without a store was made")
	}
	if !notify.IsPermanent(fmt.Errorf("sending: %w", notify.Permanent(errors.New("no")))) || notify.IsPermanent(errors.New("no")) {
		t.Error("Permanent is not recognised")
	}
}

// A page whose plan, lease or record was committed though the answer to the commit was lost goes out once, and is recorded.
func TestTheAnswersToCommitsAreLost(t *testing.T) {
	t.Parallel()
	for lost, when := range []string{"plan", "lease", "record"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			e, wire := mainstaytest.OverWire(t, notifydb.Migrations())
			r := newReceiver(t, e.Clock, func(_ int, w http.ResponseWriter, _ *http.Request) {
				if lost == 2 {
					wire.LoseCommit()
				}
				w.WriteHeader(http.StatusOK)
			})
			h := newHouse(t, e, phonebook{"ana": {ID: "ana", Methods: hooks(true, r.URL)}}, 0)
			h.start().settle()
			h.Clock.Advance(time.Millisecond)
			n := []commit.Notice{notice("1", "ana", true, h.Clock.Now())}
			if lost == 0 {
				wire.LoseCommit()
			}
			err := e.DB.Write(t.Context(), storage.Urgent, func(ctx context.Context) error {
				if lost == 1 {
					storage.Current(ctx).AfterCommit(wire.LoseCommit) // before the engine is told
				}
				return h.store.SaveNotices(ctx, n)
			})
			if (err == nil) != (lost > 0) {
				t.Fatal(err)
			}
			mainstaytest.Eventually(t, "it is delivered and recorded", func() bool {
				h.Clock.Advance(time.Second)
				l := h.log()
				return wire.Lost() && len(l) == 1 && l[0].State == notify.Confirmed
			})
			if got := len(r.requests()); got != 1 {
				t.Errorf("it was sent %d times", got)
			}
		})
	}
}
