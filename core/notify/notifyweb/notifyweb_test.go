package notifyweb_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/notify/notifyweb"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/web"
)

var secret = mainstay.Ref{Kind: mainstay.KindIncident, ID: "i9"}

var page = mainstay.Ref{Kind: mainstay.KindPage, ID: "p3"}

// logbook is a delivery log in memory, newest first.
type logbook []notify.Delivery

func (l logbook) Deliveries(_ context.Context, f notify.Filter) ([]notify.Delivery, error) {
	var list []notify.Delivery
	for _, d := range l {
		if f.Projects != nil && !slices.Contains(f.Projects, d.Project) || f.State != "" && f.State != d.State || f.Channel != "" && f.Channel != d.Channel ||
			f.Person != "" && f.Person != d.Person || !f.Subject.IsZero() && f.Subject != d.Subject || f.Before != "" && d.ID >= f.Before || len(list) >= f.Limit {
			continue
		}
		list = append(list, d)
	}
	return list, nil
}

func (l logbook) Delivery(_ context.Context, id string) (notify.Delivery, error) {
	for _, d := range l {
		if d.ID == id {
			return d, nil
		}
	}
	return notify.Delivery{}, mainstay.Errorf(mainstay.NotFound, "There is no such notification.")
}

type names struct{}

func (names) ProjectID(_ context.Context, key string) (string, error) { return key, nil }
func (names) Actor(_ context.Context, a mainstay.Actor) string        { return "Person " + a.ID }
func (names) Subject(_ context.Context, r mainstay.Ref) (string, string) {
	return r.ID, "/pages/" + r.ID
}

type people struct{}

func (people) Recipient(_ context.Context, id string) (notify.Recipient, error) {
	return notify.Recipient{ID: id, Name: id, Methods: []notify.Method{
		{Channel: "email", Address: id + "@example.com"}, {Channel: "webhook", Address: "https://x.example/s", Blocked: "never confirmed"},
	}}, nil
}

type doors struct{}

func (doors) Viewer(r *http.Request) (access.Viewer, error) {
	who := r.Header.Get("X-Who")
	grants := map[string][]access.Grant{
		"max": {{Role: access.Manager, Project: "har"}}, "rosa": {{Role: access.Member, Project: "har"}},
		"ana": {{Role: access.Responder, Project: "har"}}, "admin": {{Role: access.Administrator}}, "carl": {{Role: access.Customer, Project: "har"}},
	}[who]
	if grants == nil {
		return access.Viewer{}, nil
	}
	v := access.Viewer{Actor: mainstay.Person(who), PersonID: who, Name: who, Grants: grants, Zone: time.UTC}
	if who == "rosa" {
		v.Known = []string{secret.ID}
	}
	return v, nil
}

type register struct{}

func (register) Find(context.Context, mainstay.Kind, string, string) (object.Object, error) {
	return object.Object{}, mainstay.Errorf(mainstay.NotFound, "There is nothing.")
}

// Many knows of one private incident.
func (register) Many(_ context.Context, refs []mainstay.Ref) (map[mainstay.Ref]object.Object, error) {
	found := map[mainstay.Ref]object.Object{}
	for _, r := range refs {
		if r == secret {
			found[r] = object.Object{Ref: r, Project: "har", Private: true}
		}
	}
	return found, nil
}

type site struct {
	t     *testing.T
	h     http.Handler
	pages *notifyweb.Pages
	sent  []commit.Notice
}

func newSite(t *testing.T, more ...notify.Delivery) *site {
	t.Helper()
	at := mainstaytest.Start
	s := &site{t: t}
	log := logbook{
		{ID: "6", Project: "sec", Subject: page, Person: "eve", Channel: "email", Address: "eve@example.com", State: notify.Sent, Attempts: 1, Planned: at, Ended: at, Answer: "250 OK"},
		{ID: "5", Project: "har", Subject: page, Person: "ben", Channel: "webhook", Address: "https://hooks.example/secret/path", State: notify.Confirmed, Attempts: 2, Planned: at, Ended: at, Answer: "200 OK", Instead: "4"},
		{ID: "4", Project: "har", Subject: page, Person: "ben", Channel: "email", Address: "ben@example.com", State: notify.Failed, Attempts: 1, Planned: at, Ended: at, Error: "550 <b>nobody</b>", Relieved: true},
		{ID: "3", Project: "har", Subject: page, Person: "ana", Channel: "email", Address: "ana@example.com", State: notify.Planned, Attempts: 2, Planned: at, Error: "no answer in time"},
		{ID: "2", Project: "har", Subject: page, Person: "cleo", State: notify.Suppressed, Planned: at, Ended: at, Reason: "the account is deactivated"},
		{ID: "1", Project: "har", Subject: page, Channel: "webhook", Address: "https://team.example/t0ken", State: notify.Failed, Attempts: 9, Planned: at, Ended: at, Error: "given up"},
	}
	log = append(log, more...)
	var err error
	s.pages, err = notifyweb.New(notifyweb.Config{
		Log: log, People: people{}, Names: names{}, Register: register{}, Time: mainstay.NewMoved(at),
		Send: func(_ context.Context, list []commit.Notice) error { s.sent = append(s.sent, list...); return nil },
		Troubled: func() []notify.Lane {
			return []notify.Lane{{Channel: "email", Failures: 7, Since: at, Held: 3, Error: "connection refused"}}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	rt, err := web.NewRouter(web.Config{Time: mainstay.NewMoved(at), Log: slog.New(slog.DiscardHandler), Identity: doors{}, Objects: register{}, Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	s.pages.Routes(rt)
	s.h = rt.Handler()
	return s
}

func (s *site) do(method, path, who string, want int) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("X-Who", who)
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	if w.Code != want {
		s.t.Fatalf("%s %s as %q: %d, want %d\n%s", method, path, who, w.Code, want, w.Body)
	}
	return w
}

func rowsOf(t *testing.T, html string) []string {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(html))
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	doc.Find(`table[aria-label="Notifications"] tbody tr`).Each(func(_ int, tr *goquery.Selection) {
		var cells []string
		tr.Find("td, th").Each(func(_ int, c *goquery.Selection) {
			if l, _ := c.Attr("data-l"); l != "When" && l != "About" {
				cells = append(cells, strings.Join(strings.Fields(c.Text()), " "))
			}
		})
		rows = append(rows, strings.Join(cells, " | "))
	})
	return rows
}

// What was told about a private incident is in the log for those alone who may know of it.
func TestTheLogKeepsPrivateIncidents(t *testing.T) {
	t.Parallel()
	s := newSite(t, notify.Delivery{
		ID: "0", Project: "har", Subject: secret, Person: "rosa", Channel: "email", Address: "rosa@example.com", State: notify.Sent, Planned: mainstaytest.Start,
	})
	for who, c := range map[string]struct{ rows, one int }{"ana": {5, 404}, "rosa": {6, 200}, "max": {6, 200}, "admin": {7, 200}} {
		if rows := rowsOf(t, s.do("GET", "/admin/notifications", who, 200).Body.String()); len(rows) != c.rows {
			t.Errorf("%s sees %d rows, want %d", who, len(rows), c.rows)
		}
		var list web.List[notifyweb.Notification]
		body := s.do("GET", "/api/v1/notifications", who, 200).Body
		if err := json.Unmarshal(body.Bytes(), &list); err != nil || len(list.Items) != c.rows {
			t.Errorf("%s gets %d items, want %d: %v", who, len(list.Items), c.rows, err)
		}
		s.do("GET", "/api/v1/notifications/0", who, c.one)
	}
}

func TestTheLogSaysWhoWasToldAndWhyNot(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	got := rowsOf(t, s.do("GET", "/admin/notifications", "ana", 200).Body.String())
	want := []string{
		"Person ben | webhook to hooks.example | confirmed | 2 | 200 OK",
		"Person ben | email to b…@example.com | failed over | 1 | 550 <b>nobody</b>",
		"Person ana | email to ana@example.com | trying again | 2 | no answer in time",
		"Person cleo | – | not sent | 0 | the account is deactivated",
		"team.example | webhook | failed | 9 | given up",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the rows are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	all := s.do("GET", "/admin/notifications", "admin", 200).Body.String()
	if rows := rowsOf(t, all); len(rows) != 6 || !strings.Contains(all, "https://team.example/t0ken") {
		t.Errorf("an administrator sees %q", rows)
	}
	if !strings.Contains(all, "connection refused") || !strings.Contains(all, "Waiting: 3.") {
		t.Error("the page does not say that mail is broken")
	}
	if rows := rowsOf(t, s.do("GET", "/admin/notifications?state=failed", "admin", 200).Body.String()); len(rows) != 2 {
		t.Errorf("filtered: %q", rows)
	}
	s.do("GET", "/admin/notifications", "carl", 403)
	if rows := rowsOf(t, s.do("GET", "/me/notifications", "ana", 200).Body.String()); len(rows) != 1 || !strings.HasPrefix(rows[0], "email to ana@example.com") {
		t.Errorf("ana's own: %q", rows)
	}
}

func TestATestGoesToOnesOwnConfirmedAddresses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if w := s.do("POST", "/me/test", "ana", 303); w.Header().Get("Location") != "/me/notifications" {
		t.Errorf("sent on to %q", w.Header().Get("Location"))
	}
	if len(s.sent) != 1 || s.sent[0].Address != "ana@example.com" || s.sent[0].Template != notify.TemplateTest || s.sent[0].Urgent {
		t.Errorf("sent %+v", s.sent)
	}
}

func TestTheAPIListsInPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var seen []string
	for cursor, n := "", 0; n < 10; n++ {
		var out web.List[notifyweb.Notification]
		if err := json.Unmarshal(s.do("GET", "/api/v1/notifications?limit=2&cursor="+cursor, "ana", 200).Body.Bytes(), &out); err != nil {
			t.Fatal(err)
		}
		for _, i := range out.Items {
			seen = append(seen, i.ID+" "+i.State)
		}
		if cursor = out.Next; cursor == "" {
			break
		}
	}
	if want := []string{"5 confirmed", "4 failed", "3 planned", "2 suppressed", "1 failed"}; !slices.Equal(seen, want) {
		t.Errorf("seen %q, want %q", seen, want)
	}
	s.do("GET", "/api/v1/notifications?project=sec", "ana", 404)
	s.do("GET", "/api/v1/notifications?state=strange", "ana", 422)
	s.do("GET", "/api/v1/notifications/6", "ana", 404)
	s.do("GET", "/api/v1/notifications/5", "ana", 200)
	s.do("GET", "/api/v1/notifications", "", 401)
}

func TestPanels(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	viewer, err := doors{}.Viewer(&http.Request{Header: http.Header{"X-Who": {"ana"}}})
	if err != nil {
		t.Fatal(err)
	}
	for where, refs := range map[string]map[mainstay.Ref]int{
		"page":     {page: 6, {Kind: mainstay.KindPage, ID: "other"}: 0},
		"incident": {{Kind: mainstay.KindIncident, ID: "i"}: -1},
		"person":   {{Kind: mainstay.KindPerson, ID: "ana"}: 1, {Kind: mainstay.KindPerson, ID: "ben"}: -1},
	} {
		for _, p := range s.pages.Panels() {
			if p.Where != where {
				continue
			}
			for ref, want := range refs {
				c, err := p.Render(t.Context(), web.At{Viewer: viewer, Ref: ref, Now: mainstaytest.Start})
				if err != nil {
					t.Fatal(err)
				}
				if c == nil {
					if want != -1 {
						t.Errorf("%s %v shows nothing", where, ref)
					}
					continue
				}
				var b strings.Builder
				if err := c.Render(t.Context(), &b); err != nil {
					t.Fatal(err)
				}
				if got := len(rowsOf(t, b.String())); got != want {
					t.Errorf("%s %v: %d rows, want %d", where, ref, got, want)
				}
			}
		}
	}
}
