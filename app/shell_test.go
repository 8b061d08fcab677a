package app_test

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
)

// pagedShop is a project with two people on call and a route that pages.
const pagedShop = `
apiVersion: mainstay/v1
kind: Project
metadata: {name: shop}
spec: {title: The shop}
---
apiVersion: mainstay/v1
kind: Service
metadata: {name: checkout, project: shop}
spec: {title: Checkout}
---
apiVersion: mainstay/v1
kind: EscalationPolicy
metadata: {name: urgent, project: shop}
spec: {steps: [{targets: ["person:rita"]}, {delay: 10m, targets: ["person:max"]}]}
---
apiVersion: mainstay/v1
kind: Route
metadata: {name: all, project: shop}
spec: {order: 10, policy: urgent, service: checkout, severity: sev-2}
`

// newShop is a server with the shop, a responder, a manager and a member.
func newShop(t *testing.T, s *servertest.Server) {
	t.Helper()
	s.Apply(t, personYAML("rita", "responder", "shop")[4:]+personYAML("max", "manager", "shop")+personYAML("mia", "member", "shop")+
		personYAML("root", "administrator", "")+"---\n"+pagedShop[1:])
}

// alerts sends so many different alerts in.
func alerts(t *testing.T, s *servertest.Server, from, to int) {
	t.Helper()
	key := s.Key(t, "shop", "alertmanager")
	var list []map[string]any
	for i := from; i < to; i++ {
		list = append(list, map[string]any{"labels": map[string]string{"alertname": fmt.Sprintf("Alert%02d", i), "job": "web"}, "endsAt": s.Clock.Now().Add(2 * time.Hour)})
	}
	if a := s.Nobody().Send(t, "POST", "/in/"+key+"/alertmanager/api/v2/alerts", list); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	s.Settle(t)
}

// said is the toast on the page that follows an answer, and where its button posts to.
func said(t *testing.T, c *servertest.Client, a servertest.Answer) (text, undo string) {
	t.Helper()
	if a.Status != http.StatusSeeOther {
		t.Fatalf("%d: %.600s", a.Status, a.Body)
	}
	r := c.Request(t.Context(), "GET", a.Header.Get("Location"), nil)
	for _, set := range a.Header.Values("Set-Cookie") {
		pair, _, _ := strings.Cut(set, ";")
		r.Header.Add("Cookie", pair)
	}
	doc := c.Do(r).Doc(t)
	undo, _ = doc.Find("#toasts form").Attr("action")
	return strings.TrimSpace(doc.Find("#toasts .toast span").Text()), undo
}

func TestChosenPagesAreAcknowledgedAtOnceAndTakenBack(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		newShop(t, s)
		alerts(t, s, 0, 3)
		rita := s.As(t, "rita")
		doc := rita.Get(t, "/pages").Doc(t)
		boxes := doc.Find("input[data-pick][form=bulk]")
		if boxes.Length() != 3 || doc.Find("#bulkbar button[value=acknowledge]").Length() != 1 {
			t.Fatalf("%d boxes: %s", boxes.Length(), doc.Text())
		}
		both := url.Values{"act": {"acknowledge"}, "pick": {"PAG-1", "PAG-2"}, "query": {"severity=sev-2"}}
		a := rita.Post(t, "/pages/bulk", both)
		if to := a.Header.Get("Location"); to != "/pages?severity=sev-2" {
			t.Errorf("leads to %q", to)
		}
		text, undo := said(t, rita, a)
		if text != "2 acknowledged." || !strings.HasPrefix(undo, "/undo/") {
			t.Fatalf("%q %q", text, undo)
		}
		waiting := func() int { return rita.Get(t, "/pages?show=waiting").Doc(t).Find("tbody tr").Length() }
		if n := waiting(); n != 1 {
			t.Errorf("%d wait", n)
		}
		if a := s.As(t, "max").Post(t, undo, nil); a.Status != http.StatusGone {
			t.Errorf("somebody else takes it back: %d", a.Status)
		}
		if text, _ := said(t, rita, rita.Post(t, undo, nil)); text != "2 taken back." || waiting() != 3 {
			t.Errorf("%q, %d wait", text, waiting())
		}
		if !strings.Contains(rita.Get(t, "/pages/PAG-1").Body, "took back the acknowledgement") {
			t.Error("the journal does not tell that it was taken back")
		}
		// The page goes on as if nothing had been: its second step is due when it was.
		s.Advance(t, 10*time.Minute)
		if !strings.Contains(rita.Get(t, "/pages/PAG-1").Body, "Step 2") {
			t.Error("the second step was not taken")
		}
		// All that match, with one that cannot be done: each says what became of it.
		if text, _ := said(t, rita, rita.Post(t, "/pages/bulk", url.Values{"act": {"acknowledge"}, "all": {"1"}, "query": {"show=waiting"}})); text != "3 acknowledged." {
			t.Errorf("%q", text)
		}
		a = rita.Post(t, "/pages/bulk", url.Values{"act": {"acknowledge"}, "pick": {"PAG-1", "PAG-99"}})
		if a.Status != 200 || !strings.Contains(a.Body, "There is no page") || !strings.Contains(a.Body, "had nothing to change") {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		if a := s.As(t, "mia").Post(t, "/pages/bulk", both); a.Status != http.StatusForbidden {
			t.Errorf("a member acknowledges: %d", a.Status)
		}
	})
}

func TestAnAcknowledgementIsTakenBackOnlyWhileNothingFollowed(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		newShop(t, s)
		alerts(t, s, 0, 2)
		rita := s.As(t, "rita")
		_, undo := said(t, rita, rita.Post(t, "/pages/PAG-1/acknowledge", nil))
		s.As(t, "max").Post(t, "/pages/PAG-1/resolve", nil)
		if a := rita.Post(t, undo, nil); a.Status != 200 || !strings.Contains(a.Body, "PAG-1 has changed since") {
			t.Errorf("%d %.300s", a.Status, a.Body)
		}
		_, undo = said(t, rita, rita.Post(t, "/pages/PAG-2/acknowledge", nil))
		s.Advance(t, 2*time.Minute)
		if a := rita.Post(t, undo, nil); a.Status != http.StatusGone {
			t.Errorf("after two minutes: %d", a.Status)
		}
	})
}

func TestListsAreNarrowedByTheirAddressAndKeepIt(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		newShop(t, s)
		alerts(t, s, 0, 60)
		rita := s.As(t, "rita")
		doc := rita.Get(t, "/alerts?q=alert0&rows=dense").Doc(t)
		if n := doc.Find("tbody tr").Length(); n != 10 || !doc.Find("table").HasClass("dense") {
			t.Errorf("%d rows", n)
		}
		if v, _ := doc.Find("form.filters input[name=q]").Attr("value"); v != "alert0" || doc.Find("form.filters input[name=rows]").Length() != 1 {
			t.Errorf("the filter holds %q", v)
		}
		doc = rita.Get(t, "/alerts").Doc(t)
		next, _ := doc.Find(".listfoot a[rel=next]").Attr("href")
		doc = rita.Get(t, next).Doc(t)
		if n := doc.Find("tbody tr").Length(); n != 10 || doc.Find(".listfoot a[rel=first]").Length() != 1 {
			t.Errorf("the second page of %s has %d rows", next, n)
		}
		for _, path := range []string{
			"/incidents?severity=sev-1&from=2026-01-01&until=2026-12-31&q=x&who=me", "/pages?who=mine&severity=sev-2&from=2026-01-01", "/actions?owner=me&late=1&sort=newest&q=x",
			"/articles?who=me", "/articles?q=x&state=draft", "/rootcauses?severity=sev-1&who=me", "/windows?q=x", "/alerts?label=job%3Dweb&state=firing&severity=sev-2", "/alerts?cursor=5",
			"/incidents?severity=nonsense&show=nonsense&rows=nonsense",
		} {
			if a := rita.Get(t, path); a.Status != 200 {
				t.Errorf("%s: %d %.300s", path, a.Status, a.Body)
			}
		}
		for _, path := range []string{"/incidents?from=tomorrow", "/pages?until=31.12.2026", "/alerts?label=%3D%3D"} {
			if a := rita.Get(t, path); a.Status != 422 || a.Doc(t).Find("form.filters .err").Length() != 1 {
				t.Errorf("%s: %d", path, a.Status)
			}
		}
		if a := rita.Get(t, "/alerts?project=elsewhere"); a.Status != 200 { // no option of the filter: left out
			t.Errorf("%d", a.Status)
		}
	})
}

func TestAViewIsSavedPinnedSharedAndOpensByItself(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		newShop(t, s)
		rita, max, mia := s.As(t, "rita"), s.As(t, "max"), s.As(t, "mia")
		shopID, err := s.Projects.ProjectID(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		a := rita.Post(t, "/views", url.Values{"list": {"incidents"}, "path": {"/incidents"}, "query": {"severity=sev-1&cursor=x"}, "title": {" Worst  first "}, "project": {shopID}, "pinned": {"1"}, "default": {"1"}})
		to := a.Header.Get("Location")
		if a.Status != 303 || !strings.HasPrefix(to, "/incidents?severity=sev-1&view=") {
			t.Fatalf("%d %s %s", a.Status, to, a.Body)
		}
		doc := rita.Get(t, to).Doc(t)
		if pin := doc.Find(".rail .pins a[aria-current]"); strings.TrimSpace(pin.Text()) != "Worst first" {
			t.Errorf("pinned: %q", pin.Text())
		}
		if got := rita.Get(t, "/incidents"); got.Header.Get("Location") != to {
			t.Errorf("the list opens with %d %q", got.Status, got.Header.Get("Location"))
		}
		if clear, _ := doc.Find("form.filters a").First().Attr("href"); clear != "/incidents?view=none" || rita.Get(t, clear).Status != 200 {
			t.Errorf("the whole list is at %q", clear)
		}
		// Others of the project may use it, each in their own way; who is elsewhere may not know of it.
		if n := max.Get(t, "/incidents").Doc(t).Find(".menu a:contains('Worst first')").Length(); n != 1 {
			t.Errorf("max sees %d", n)
		}
		id := to[strings.LastIndex(to, "=")+1:]
		if got := max.Post(t, "/views/"+id+"/use", url.Values{"do": {"pin"}}); got.Status != 303 || max.Get(t, "/").Doc(t).Find(".pins a").Length() != 1 || mia.Get(t, "/").Doc(t).Find(".pins a").Length() != 0 {
			t.Errorf("%d", got.Status)
		}
		if got := mia.Post(t, "/views/"+id+"/remove", nil); got.Status != http.StatusForbidden {
			t.Errorf("a member removes it: %d", got.Status)
		}
		if got := max.Post(t, "/views/"+id+"/edit", url.Values{"title": {""}, "project": {shopID}}); got.Status != 422 {
			t.Errorf("a view without a name: %d", got.Status)
		}
		if got := max.Post(t, "/views/"+id+"/edit", url.Values{"title": {"Worst of all"}, "project": {""}}); got.Status != 303 {
			t.Errorf("%d %s", got.Status, got.Body)
		}
		if got := max.Get(t, "/").Doc(t).Find(".pins a").Length(); got != 0 {
			t.Error("it is rita's own now, and max still sees it")
		}
		if got := rita.Post(t, "/views/"+id+"/remove", nil); got.Status != 303 || rita.Get(t, "/incidents").Status != 200 {
			t.Errorf("%d", got.Status)
		}
		for _, bad := range []url.Values{
			{"list": {"x y"}, "path": {"/incidents"}, "title": {"a"}}, {"list": {"incidents"}, "path": {"//evil.example"}, "title": {"a"}}, {"list": {"incidents"}, "path": {"/incidents"}, "title": {""}},
		} {
			if got := rita.Post(t, "/views", bad); got.Status != 422 {
				t.Errorf("%v: %d", bad, got.Status)
			}
		}
		if got := s.As(t, "mia").Post(t, "/views", url.Values{"list": {"incidents"}, "path": {"/incidents"}, "title": {"a"}, "project": {"00000000-0000-7000-8000-000000000000"}}); got.Status != 422 {
			t.Errorf("shared with a project of others: %d", got.Status)
		}
	})
}

func TestWhatOneWasToldStandsUnderTheBellUntilItIsRead(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		newShop(t, s)
		alerts(t, s, 0, 2)
		rita := s.As(t, "rita")
		bell := func() string { return strings.TrimSpace(rita.Get(t, "/").Doc(t).Find("#bell .count").Text()) }
		if bell() != "2" {
			t.Fatalf("the bell says %q", bell())
		}
		doc := rita.Get(t, "/me/notifications").Doc(t)
		first := doc.Find(".inbox > li[id]").First()
		if doc.Find(".inbox > li[id]").Length() != 2 || !strings.Contains(first.Text(), "Alert0") || !strings.Contains(first.Find(".why").Text(), "You were paged") {
			t.Fatalf("%s", doc.Find("#inbox").Text())
		}
		if !strings.Contains(first.Find("details").Text(), "email") {
			t.Errorf("it does not say how it went: %s", first.Text())
		}
		link, _ := first.Find("a").Attr("href")
		if a := rita.Get(t, link); a.Status != 303 || !strings.HasPrefix(a.Header.Get("Location"), "/pages/") || bell() != "1" {
			t.Errorf("%d %s, the bell says %q", a.Status, a.Header.Get("Location"), bell())
		}
		if a := s.As(t, "max").Get(t, link); a.Status != 404 {
			t.Errorf("somebody else opens it: %d", a.Status)
		}
		id := strings.TrimPrefix(link, "/me/notifications/")
		rita.Post(t, "/me/notifications/"+id+"/read", url.Values{"unread": {"1"}})
		newest, _ := doc.Find("input[name=newest]").Attr("value")
		s.Advance(t, time.Second)
		alerts(t, s, 2, 3) // comes after the page was made, and stays unread
		if a := rita.Post(t, "/me/notifications/read", url.Values{"newest": {newest}}); a.Status != 303 || bell() != "1" {
			t.Errorf("%d, the bell says %q", a.Status, bell())
		}
		for _, path := range []string{"/me/notifications?show=all", "/me/notifications?show=deliveries", "/me/notifications?show=deliveries&state=failed"} {
			if a := rita.Get(t, path); a.Status != 200 {
				t.Errorf("%s: %d", path, a.Status)
			}
		}
		if !strings.Contains(rita.Get(t, "/mine").Body, "Pages that ask you") {
			t.Error("Mine does not show the pages")
		}
	})
}

// pusher is a push service on the loopback.
type pusher struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	took   []int // lengths of what came
}

func newPusher(t *testing.T) *pusher {
	p := &pusher{status: http.StatusCreated}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.took = append(p.took, len(body))
		w.WriteHeader(p.status)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *pusher) got() int { p.mu.Lock(); defer p.mu.Unlock(); return len(p.took) }
func (p *pusher) answer(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = status
}

func TestADeviceConnectsItselfProvesItselfAndGetsPages(t *testing.T) {
	t.Parallel()
	open := func(c *app.Config) { c.AllowTargets = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		newShop(t, s)
		rita, service := s.As(t, "rita"), newPusher(t)
		key, err := ecdh.P256().GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		e := base64.RawURLEncoding
		form := url.Values{
			"endpoint": {service.URL + "/send/x"}, "p256dh": {e.EncodeToString(key.PublicKey().Bytes())}, "auth": {e.EncodeToString(make([]byte, 16))}, "label": {"Chrome on Android"},
		}
		if k, _ := rita.Get(t, "/me/devices").Doc(t).Find("#push-device").Attr("data-key"); len(k) != 87 {
			t.Errorf("the key for browsers is %q", k)
		}
		if a := rita.Post(t, "/me/devices", form); a.Status != 303 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		s.Settle(t)
		if service.got() != 1 {
			t.Fatalf("%d messages", service.got())
		}
		row := func() string { return rita.Get(t, "/me/devices").Doc(t).Find("tbody tr").Text() }
		if !strings.Contains(row(), "waits for its first message") {
			t.Errorf("%s", row())
		}
		alerts(t, s, 0, 1) // not proven: nothing goes there
		if service.got() != 1 {
			t.Error("a device that is not proven gets pages")
		}
		rid, err := s.People.ByName(t.Context(), "rita")
		if err != nil || len(rid.Devices()) != 1 {
			t.Fatalf("%+v %v", rid, err)
		}
		code := s.Vault.Sign("device.confirm", rid.ID+" "+rid.Devices()[0].ID, s.Clock.Now().Add(time.Minute))
		if a := s.As(t, "max").Post(t, "/me/devices/confirm", url.Values{"code": {code}}); a.Status != http.StatusForbidden {
			t.Errorf("somebody else confirms: %d", a.Status)
		}
		if a := rita.Post(t, "/me/devices/confirm", url.Values{"code": {code}}); a.Status != 303 || !strings.Contains(row(), "connected") {
			t.Fatalf("%d %s", a.Status, row())
		}
		alerts(t, s, 1, 2)
		if service.got() != 2 {
			t.Errorf("%d messages after a page", service.got())
		}
		// Manifests and forms leave devices alone, and their keys are sealed.
		s.Apply(t, personYAML("rita", "responder", "shop")[4:])
		rid, _ = s.People.ByName(t.Context(), "rita")
		if len(rid.Devices()) != 1 || strings.Contains(rid.Devices()[0].Sealed, "auth") || !rid.Devices()[0].Verified() {
			t.Errorf("%+v", rid.Devices())
		}
		// The browser gave up its address: the device goes, and the page reached the person otherwise.
		service.answer(http.StatusGone)
		alerts(t, s, 2, 3)
		if rid, _ = s.People.ByName(t.Context(), "rita"); len(rid.Devices()) != 0 {
			t.Errorf("%+v", rid.Devices())
		}
		bad := url.Values{"endpoint": form["endpoint"], "p256dh": {"AAAA"}, "auth": form["auth"]}
		if a := rita.Post(t, "/me/devices", bad); a.Status != 422 {
			t.Errorf("keys that are none: %d", a.Status)
		}
	}, open)
}

func TestADeviceMayNotNameAnAddressBehindTheServer(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite")
	newShop(t, s)
	key, _ := ecdh.P256().GenerateKey(rand.Reader)
	e := base64.RawURLEncoding
	for _, to := range []string{"http://127.0.0.1:9/x", "http://169.254.169.254/latest", "https://localhost/x", "file:///etc/passwd"} {
		a := s.As(t, "rita").Post(t, "/me/devices", url.Values{"endpoint": {to}, "p256dh": {e.EncodeToString(key.PublicKey().Bytes())}, "auth": {e.EncodeToString(make([]byte, 16))}, "label": {"x"}})
		if a.Status != 422 {
			t.Errorf("%s: %d", to, a.Status)
		}
	}
}

func TestThePaletteOffersWhatTheViewerMayDoHere(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		newShop(t, s)
		alerts(t, s, 0, 2)
		type hit struct {
			Title, Group, URL, Number string
			First                     bool
			Post                      *struct{}
		}
		ask := func(c *servertest.Client, q string) []hit {
			t.Helper()
			var out struct{ Items []hit }
			c.Get(t, "/search.json?"+q).JSON(t, &out)
			return out.Items
		}
		rita := s.As(t, "rita")
		pages := rita.Get(t, "/pages/PAG-2").Doc(t)
		at, _ := pages.Find("body").Attr("data-ref")
		if got := ask(rita, "q=&at="+url.QueryEscape(at)); len(got) == 0 || got[0].Title != "Acknowledge PAG-2" || got[0].Post == nil || got[0].URL != "/pages/PAG-2/acknowledge" {
			t.Errorf("on its page: %+v", got)
		}
		if got := ask(rita, "q=ackn&only=do"); len(got) != 2 || !got[0].First {
			t.Errorf("%+v", got)
		}
		if got := ask(rita, "q=dclr+incdnt&only=do"); len(got) == 0 || got[0].URL != "/incidents/new" {
			t.Errorf("letters left out: %+v", got)
		}
		if got := ask(rita, "q=alr-1"); len(got) == 0 || got[0].URL != "/alerts/ALR-1" || got[0].Group != "Alerts" {
			t.Errorf("%+v", got)
		}
		if got := ask(rita, "q=alert01"); len(got) == 0 || got[0].Number == "" {
			t.Errorf("an open alert by its name: %+v", got)
		}
		for _, h := range ask(s.As(t, "mia"), "q=&only=do") {
			if strings.HasPrefix(h.Title, "Acknowledge") || strings.HasPrefix(h.Title, "Declare") || h.URL == "/admin/keys" {
				t.Errorf("a member is offered %q", h.Title)
			}
		}
		if doc := rita.Get(t, "/search?q=acknowledge").Doc(t); doc.Find(".hits form[action='/pages/PAG-1/acknowledge']").Length() != 1 {
			t.Error("without script the act is no button")
		}
	})
}

func TestTheAssistantEndsWithAPageToOneself(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	hooks := 0
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { mu.Lock(); hooks++; mu.Unlock() }))
		t.Cleanup(receiver.Close)
		s.Apply(t, personYAML("root", "administrator", "")[4:])
		root := s.As(t, "root")
		if a, _ := root.Get(t, "/").Doc(t).Find(".empty a.primary").Attr("href"); a != "/welcome" {
			t.Errorf("Now leads to %q", a)
		}
		step := func(word string, form url.Values) {
			t.Helper()
			if a := root.Post(t, "/welcome/"+word, form); a.Status != 303 {
				t.Fatalf("%s: %d %.2000s", word, a.Status, a.Doc(t).Find("main").Text())
			}
			s.Settle(t)
		}
		done := func() int { return root.Get(t, "/welcome").Doc(t).Find(".setup > li.done").Length() }
		if a := root.Post(t, "/welcome/schedule", url.Values{"name": {"primary"}}); a.Status != http.StatusConflict {
			t.Errorf("a schedule without a project: %d", a.Status)
		}
		if a := root.Post(t, "/welcome/project", url.Values{"title": {"Web shop"}, "service": {"!"}, "zone": {"Mars"}}); a.Status != 422 || a.Doc(t).Find("#step-project .err").Length() != 2 {
			t.Errorf("faults: %d", a.Status)
		}
		for range 2 { // each step may be taken twice
			step("project", url.Values{"title": {"Web shop"}, "service": {"Checkout"}, "zone": {"Europe/Lisbon"}})
			step("contact", url.Values{"webhook": {receiver.URL + "/x"}})
			step("schedule", url.Values{"name": {"primary"}})
			step("policy", url.Values{"minutes": {"5"}})
			step("key", url.Values{"format": {"alertmanager"}})
		}
		doc := root.Get(t, "/welcome").Doc(t)
		if done() != 5 || !strings.Contains(doc.Find("#step-contact").Text(), "no mail server is configured") || !strings.Contains(doc.Find("#step-key pre").Text(), "/alertmanager") {
			t.Fatalf("%d steps: %s", done(), doc.Find(".setup").Text())
		}
		if keys := root.Get(t, "/admin/keys").Doc(t).Find("tbody tr").Length(); keys != 1 {
			t.Errorf("%d keys", keys)
		}
		step("page", nil)
		doc = root.Get(t, "/welcome").Doc(t)
		text := strings.Join(strings.Fields(doc.Find("#step-page .marks").Text()), " ")
		if !strings.Contains(text, "ALR-1") || !strings.Contains(text, "PAG-1") || !strings.Contains(text, "webhook: confirmed") || !strings.Contains(text, "email: suppressed. no mail server") || !strings.Contains(text, "acknowledge it") {
			t.Fatalf("%s", text)
		}
		if first := root.Get(t, "/").Doc(t).Find(".empty b").Text(); !strings.Contains(first, "5 of 6") {
			t.Errorf("Now says %q", first)
		}
		root.Post(t, "/pages/PAG-1/acknowledge", nil)
		if done() != 6 || !strings.Contains(root.Get(t, "/welcome").Body, "All set.") {
			t.Error("the last step is not done")
		}
		if a := root.Post(t, "/welcome/finish", nil); a.Header.Get("Location") != "/" || strings.Contains(root.Get(t, "/welcome").Body, "path_prefix") {
			t.Error("the key is still shown after the end")
		}
		if root.Get(t, "/").Doc(t).Find(".empty b:contains('Setting up')").Length() != 0 {
			t.Error("Now still asks to set up")
		}
		if a := s.With(s.Token(t, "administrator", "")).Get(t, "/welcome"); a.Status < 400 {
			t.Errorf("a token walks through: %d", a.Status)
		}
		s.Advance(t, 31*time.Minute)
		mainstaytest.Eventually(t, "the alert ends by itself", func() bool { return s.Warning.Count(nil) == 0 })
	}, func(c *app.Config) { c.AllowTargets = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
}

func TestStaysOfTheShellAnswerWithoutAnybody(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite")
	nobody := s.Nobody()
	if a := nobody.Get(t, "/offline"); a.Status != 200 || a.Doc(t).Find("h1").Length() != 1 {
		t.Errorf("%d", a.Status)
	}
	a := nobody.Get(t, "/worker.js")
	if a.Status != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/javascript") || !strings.Contains(a.Body, `addEventListener("push"`) {
		t.Errorf("%d %s", a.Status, a.Header.Get("Content-Type"))
	}
	var m struct {
		Display string
		Icons   []struct{ Src, Purpose string }
	}
	if err := json.Unmarshal([]byte(nobody.Get(t, "/manifest.webmanifest").Body), &m); err != nil || m.Display != "standalone" || len(m.Icons) != 4 {
		t.Errorf("%+v %v", m, err)
	}
	for _, i := range m.Icons {
		if nobody.Get(t, i.Src).Status != 200 {
			t.Errorf("no icon at %s", i.Src)
		}
	}
}
